"""``geo-engine chains list`` and ``show``."""

from __future__ import annotations

from rich.table import Table

from geo_engine.chains.membership import PHASES, load_chains, load_perimeter, select_chains
from geo_engine.cli.console import out


def list_chains() -> None:
    """Print the chains that ship."""
    perimeter = load_perimeter()
    table = Table("chiave", "filiera", "in inglese", title=f"Perimetro {perimeter.version}")
    for chain in load_chains().values():
        table.add_row(chain.key, chain.label, chain.label_en)
    out.print(table)
    out.print(perimeter.note, markup=False)


def show_chain(key: str) -> None:
    """Print the prefixes of one chain.

    Parameters
    ----------
    key : str
        Key of the chain.
    """
    chain = select_chains((key,))[key]
    table = Table("fase", "ATECO 2007", "ATECO 2025", title=f"{chain.label} ({chain.key})")
    for phase in PHASES:
        cells = [
            ", ".join(
                prefix for prefix, own in chain.prefixes.get(edition, {}).items() if own == phase
            )
            for edition in ("2007", "2025")
        ]
        table.add_row(phase, *cells)
    out.print(table)
    out.print(chain.note, markup=False)
