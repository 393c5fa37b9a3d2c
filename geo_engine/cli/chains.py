"""``geo-engine chains list``, ``show``, ``overlaps`` and ``code``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich import box
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from geo_engine.chains.ateco import AMBIGUOUS, INVALID, normalize_ateco
from geo_engine.chains.classification import (
    EDITIONS,
    check_edition,
    divisions,
    editions_of,
    is_homonym,
    leaves_under,
    titles,
)
from geo_engine.chains.correspondence import ambiguity, describe_code
from geo_engine.chains.definitions import (
    ALL_FIRMS,
    EXCLUDED,
    PHASES,
    Chain,
    Line,
    built_in_lines,
    load_chains,
    load_perimeter,
)
from geo_engine.chains.membership import membership
from geo_engine.chains.overlaps import overlaps, shared_codes
from geo_engine.chains.own import select_chains
from geo_engine.chains.weights import MembershipRule
from geo_engine.cli.console import number, out
from geo_engine.errors import ChainError
from geo_engine.plan_chains import (
    membership_words,
    perimeter_label,
    study_chains,
)
from geo_engine.study import read_study

_PERIMETERS = {"both": "stretto", "wide": "largo", "strict": ""}
"""The narrowest perimeter that a line stands in."""
_KINDS = {
    "1-1": "un codice per un codice",
    "N-1": "più codici confluiscono in uno",
    "1-M": "si divide in più codici, tutti suoi",
    "N-M": "si divide in più codici, che accolgono anche altri",
}
_SHOWN_TARGETS = 12
_ORIGINS = {
    "built_in": "inclusa",
    "study": "nello studio",
    "study_based": "cambiata nello studio",
}
_USUAL_SOURCE = "progetto"
"""Source of a line where none is shown."""


def list_chains() -> None:
    """Print the chains that ship."""
    perimeter = load_perimeter()
    wide, strict = load_chains("wide"), load_chains("strict")
    table = Table(title=f"Perimetro {perimeter.version}")
    table.add_column("chiave", no_wrap=True, min_width=max(map(len, wide)))  # to be copied whole
    table.add_column("filiera")
    table.add_column("in inglese")
    for name in ("largo", "stretto"):
        table.add_column(name, justify="right")
    for key, chain in wide.items():
        sizes = [number(_size(one)) for one in (chain, strict[key])]
        table.add_row(key, chain.label, chain.label_en, *sizes)
    out.print(table)
    for text in (
        "Largo e stretto: codici ATECO 2025 a sei cifre nei due perimetri.",
        perimeter.wide,
        perimeter.strict,
        perimeter.note,
    ):
        out.print(text, markup=False, soft_wrap=False)


def _size(chain: Chain, edition: str = "2025") -> int:
    """Count the six-digit codes of a chain, those of its territories too."""
    if edition not in chain.prefixes:
        return 0
    leaves = [code for stem in divisions(edition) for code in leaves_under(stem, edition)]
    one, everywhere = {chain.key: chain}, chain.territories
    return int((membership(leaves, edition, one, territories=everywhere) != "").to_numpy().sum())


def list_study_chains(path: Path) -> None:
    """Print the chains of a study, and how much of a firm each has.

    Parameters
    ----------
    path : Path
        The study.

    Raises
    ------
    GeoEngineError
        Whatever is wrong with the study or its chains.
    """
    study = read_study(path)
    chains = study_chains(study)
    table = Table(title=f"Filiere dello studio: {perimeter_label(chains)}")
    table.add_column("chiave", no_wrap=True, min_width=max(map(len, chains)))
    for name in ("filiera", "definita"):
        table.add_column(name)
    for edition in EDITIONS:
        table.add_column(edition, justify="right")
    for key, chain in chains.items():
        sizes = [number(_size(chain, edition)) for edition in EDITIONS]
        told = ["ogni impresa", "-", "-"] if chain is ALL_FIRMS else [_origin(chain), *sizes]
        table.add_row(key, chain.label, *told)
    out.print(table)
    out.print(
        "2007 e 2025: codici a sei cifre di ciascuna edizione.", markup=False, soft_wrap=False
    )
    keys = study.chains
    rule = MembershipRule(
        weights=keys.weights, secondary_weight=keys.secondary_weight, edition=keys.edition
    )
    said = membership_words(rule) or "ogni impresa conta 1 in ciascuna delle sue filiere"
    out.print(f"Peso delle imprese: {said}.", markup=False, soft_wrap=False)


def _origin(chain: Chain) -> str:
    """Say who defined a chain, and where some of its lines hold."""
    where = f" (in parte solo in: {', '.join(chain.territories)})" if chain.territories else ""
    return _ORIGINS[chain.origin] + where


def show_chain(key: str, study: Path | None = None) -> None:
    """Print the prefixes of one chain with phase, perimeter and reason.

    Parameters
    ----------
    key : str
        Key of the chain.
    study : Path, optional
        Study whose chain it is; one that ships without.

    Raises
    ------
    ChainError
        ``CHAIN_UNKNOWN``.
    """
    chains = select_chains((key,)) if study is None else study_chains(read_study(study))
    if key not in chains:
        raise ChainError(
            "CHAIN_UNKNOWN", f"The study has no chain {key!r}. Its chains: {', '.join(chains)}."
        )
    chain = chains[key]
    perimeter = load_perimeter()
    out.print(
        Text(f"{chain.label} / {chain.label_en} ({chain.key})", style="bold"), soft_wrap=False
    )
    for text in (chain.description, chain.note):
        if text:
            out.print(text, markup=False, soft_wrap=False)
    lines = chain.lines if study is not None or not chain.lines else built_in_lines(key)
    if not lines:
        return
    out.print(_line_table(lines))
    for name in dict.fromkeys(line.source for line in lines):
        mark = "Fonte, dove non è detta:" if name == _USUAL_SOURCE else f"[{name}]"
        told = perimeter.sources.get(name, "lo studio")
        out.print(f"{mark} {told}", markup=False, soft_wrap=False)
    for text in ("Stretto: la riga è in tutti e due i perimetri.", "Largo: solo in quello largo."):
        out.print(text, markup=False, soft_wrap=False)


def _line_table(lines: Sequence[Line]) -> Table:
    """Draw the lines of a chain, phase by phase."""
    labels = load_perimeter().phase_labels
    titles_of = {phase: labels[phase][0] for phase in PHASES}
    titles_of[EXCLUDED] = "Fuori dallo stretto"
    table = Table(expand=True, box=box.SIMPLE_HEAD, padding=(0, 1), pad_edge=False)
    for name in ("ATECO 2007", "ATECO 2025"):
        table.add_column(name, width=18)
    table.add_column("", no_wrap=True)
    table.add_column("perché", ratio=1)
    for phase, title in titles_of.items():
        own = [line for line in lines if line.phase == phase]
        if own:
            table.add_row(Text(title, style="bold"))
        for line in own:
            codes = [", ".join(line.prefixes.get(edition, ())) or "-" for edition in EDITIONS]
            source = "" if line.source == _USUAL_SOURCE else f" [{line.source}]"
            where = f" (solo in: {line.territory})" if line.territory else ""
            weight = f" (peso {line.weight:g})".replace(".", ",") if line.weight < 1 else ""
            reason = Text(f"{line.reason}{where}{weight}{source}")
            table.add_row(*codes, _PERIMETERS[line.perimeter], reason)
    return table


def show_overlaps(
    edition: str = "2025", perimeter: str = "wide", study: Path | None = None
) -> None:
    """Print how many codes the chains have in common.

    Parameters
    ----------
    edition : str
        "2007" or "2025".
    perimeter : str
        "wide" or "strict"; a study has its own.
    study : Path, optional
        Study whose chains they are; those that ship without.

    Raises
    ------
    ChainError
        ``ATECO_EDITION_UNKNOWN``, ``CHAIN_PERIMETER_UNKNOWN``.
    """
    check_edition(edition)
    chains = load_chains(perimeter) if study is None else study_chains(read_study(study))
    pairs = overlaps(chains, edition)
    if pairs.empty:
        out.print("Nessun codice è in due filiere in questo perimetro.")
        return
    table = Table(title=f"Codici ATECO {edition} a sei cifre in comune")
    for name in ("prima", "seconda"):
        table.add_column(name, min_width=len("Agroalimentare"))
    for name in ("codici", "% della prima", "% della seconda", "stessa fase"):
        table.add_column(name, justify="right", width=8)
    for pair in pairs.itertuples(index=False):
        shares = [f"{100 * share:.0f}" for share in (pair.share_of_chain, pair.share_of_other)]
        names = (chains[pair.chain].label, chains[pair.other].label)
        table.add_row(*names, number(pair.codes), *shares, number(pair.same_phase))
    out.print(table)
    shared = shared_codes(chains, edition)
    most = int(shared["number"].max())
    out.print(
        f"{number(len(shared))} codici sono in più filiere (al più in {most}): un’impresa con uno "
        "di questi conta in ognuna, per intero o in parte secondo chains.weights dello studio.",
        markup=False,
        soft_wrap=False,
    )


def show_code(code: str) -> None:
    """Print what a code means in each edition, its chains, and where it went or came from.

    Parameters
    ----------
    code : str
        As written: "62.01", "620100".

    Raises
    ------
    ChainError
        ``ATECO_INVALID`` for what is no code of any edition; ``ATECO_AMBIGUOUS``.
    """
    read = normalize_ateco([code], edition="either")
    known = read.codes[0]
    if not known:
        detail = read.details[0] if read.flags[0] or read.reasons[0] == AMBIGUOUS else ""
        raise ChainError(
            read.reasons[0] or INVALID,
            detail or f"{code!r} is not an ATECO code. Write one such as 62.01.",
        )
    chains = load_chains()
    strict = load_chains("strict")
    for edition in editions_of(known):
        out.print(
            Text(f"{known} in ATECO {edition}: {titles(edition)[known]}", style="bold"),
            soft_wrap=False,
        )
        wide = membership([known], edition, chains).iloc[0]
        narrow = membership([known], edition, strict).iloc[0]
        inside = [
            f"{chains[key].label} ({phase}, {'stretto' if narrow[key] else 'largo'})"
            for key, phase in wide.items()
            if phase
        ]
        _indented(f"Filiere: {', '.join(inside) or 'nessuna'}.")
        _print_links(known, edition)
    if is_homonym(known):
        out.print(
            "Attenzione: lo stesso codice indica attività diverse nelle due edizioni. Serve "
            "l’edizione di ogni riga (ateco_version).",
            style="bold",
            soft_wrap=False,
        )


def _print_links(code: str, edition: str) -> None:
    """Print where a code went, or came from."""
    found = describe_code(code, edition)
    forth = edition == "2007"
    column, other = ("ateco_2025", "2025") if forth else ("ateco_2007", "2007")
    linked = sorted(found[column].unique())
    verb = "ATECO 2025 lo mette in" if forth else "in ATECO 2007 stava in"
    kind = ambiguity(code) if forth else ""
    if kind:
        whole = len(code) == len("01.11.00")
        scope = "" if whole else ", nel caso meno sicuro tra i codici che contiene"
        _indented(f"Corrispondenza {kind}: {_KINDS[kind]}{scope}.")
    _indented(f"{verb} {number(len(linked))} {'codice' if len(linked) == 1 else 'codici'}:")
    table = Table.grid(padding=(0, 1))
    for target in linked[:_SHOWN_TARGETS]:
        table.add_row(target, Text(titles(other).get(target, "")))
    if len(linked) > _SHOWN_TARGETS:
        table.add_row("...", f"e altri {number(len(linked) - _SHOWN_TARGETS)}")
    out.print(Padding(table, (0, 0, 0, 4)))


def _indented(text: str) -> None:
    """Print a sentence two columns from the edge, on every line."""
    out.print(Padding(Text(text[:1].upper() + text[1:]), (0, 0, 0, 2)))
