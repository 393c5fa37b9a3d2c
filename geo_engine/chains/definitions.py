"""What a supply chain is made of: lines of ATECO prefixes with phase, perimeter and reason."""

from __future__ import annotations

import functools
import importlib.resources
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from geo_engine.chains.classification import EDITIONS
from geo_engine.errors import ChainError

PHASES = ("monte", "produzione", "distribuzione", "servizi")
"""Phases of a chain, from upstream to services."""
EXCLUDED = "esclusa"
"""Phase of a line that takes a code out of a wider prefix."""
PERIMETERS = ("wide", "strict")
"""Perimeters of a chain; the wide one holds the strict one."""
IN_PERIMETERS = ("both", *PERIMETERS)
"""In which perimeters a line stands."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """One activity of a chain: its codes in each edition, and why they are there."""

    phase: str
    """One of ``PHASES``, or ``EXCLUDED``."""
    prefixes: Mapping[str, tuple[str, ...]]
    """Dotted prefixes by edition."""
    perimeter: str = "both"
    """``both``, ``wide`` (in the wide perimeter alone) or ``strict`` (in the strict one alone)."""
    reason: str = ""
    """Why it is in the chain and in this phase, in Italian."""
    source: str = ""
    """Who says so."""
    territory: str = ""
    """Name of the territory in which alone it holds; "" for everywhere."""
    weight: float = 1.0
    """How much of the activity is the chain's, above 0 and at most 1; used where weights are
    given."""


@dataclass(frozen=True, kw_only=True)
class Chain:
    """A supply chain (filiera): which codes it takes, and in which phase."""

    key: str
    label: str
    label_en: str
    lines: tuple[Line, ...] = ()
    """Of the chosen perimeter."""
    description: str = ""
    description_en: str = ""
    note: str = ""
    note_en: str = ""
    perimeter: str = "wide"
    origin: str = "built_in"
    """``built_in``, ``study`` (defined there) or ``study_based`` (a built-in one changed there)."""
    prefixes: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Phase by dotted prefix, by edition, excluded ones left out; an edition without prefixes is
    absent. Follows from the lines."""

    def __hash__(self) -> int:
        """Hash by the key: the mappings have no hash of their own."""
        return hash(self.key)

    @property
    def territories(self) -> tuple[str, ...]:
        """Name the territories that the chain's lines refer to."""
        return tuple(dict.fromkeys(line.territory for line in self.lines if line.territory))


ALL_FIRMS = Chain(
    key="tutte",
    label="Tutte le imprese",
    label_en="All firms",
    note="Ogni impresa localizzata, qualunque sia il codice ATECO, anche senza codice.",
    note_en="Every placed firm whatever its ATECO code, even without one.",
)
"""Not a supply chain: the whole of the extract, asked for by its key."""


@dataclass(frozen=True, kw_only=True)
class Perimeter:
    """Where the built-in definitions come from."""

    version: str
    is_official: bool
    note: str
    note_en: str
    wide: str
    """What the wide perimeter holds, in Italian."""
    wide_en: str
    strict: str
    strict_en: str
    sources: Mapping[str, str]
    """What the sources of the lines are, by name, in Italian."""
    phase_labels: Mapping[str, tuple[str, str]]
    """Italian and English name of each phase."""
    review: tuple[str, ...]
    """What was changed by hand after the correspondence of the editions, in Italian."""


@functools.cache
def _definitions() -> dict[str, Any]:
    """Read the file of definitions once."""
    text = importlib.resources.files("geo_engine.chains").joinpath("chains.toml").read_text("utf-8")
    return tomllib.loads(text)


def load_perimeter() -> Perimeter:
    """Give version, notes and sources of the built-in chains.

    Returns
    -------
    Perimeter
        As ``chains.toml`` states it.
    """
    keys = _definitions()
    about = keys["perimeter"]
    return Perimeter(
        version=about["version"],
        is_official=about["official"],
        note=about["note"],
        note_en=about["note_en"],
        wide=about["wide"],
        wide_en=about["wide_en"],
        strict=about["strict"],
        strict_en=about["strict_en"],
        sources=dict(keys["sources"]),
        phase_labels={
            phase: (words["label"], words["label_en"]) for phase, words in keys["phases"].items()
        },
        review=tuple(about["review"]),
    )


@functools.cache
def _built_in() -> dict[str, Chain]:
    """Build the chains that ship with all their lines, once."""
    return {
        key: Chain(
            key=key,
            lines=tuple(_shipped_line(line) for line in keys["lines"]),
            **{name: keys[name] for name in _TEXTS},
        )
        for key, keys in _definitions()["chains"].items()
    }


_TEXTS = ("label", "label_en", "description", "description_en", "note", "note_en")


def _shipped_line(keys: Mapping[str, Any]) -> Line:
    """Read one line of the file of definitions."""
    return Line(
        phase=keys["phase"],
        perimeter=keys["perimeter"],
        prefixes={edition: tuple(keys[f"ateco_{edition}"]) for edition in EDITIONS},
        reason=keys["reason"],
        source=keys["source"],
    )


def built_in_lines(key: str) -> tuple[Line, ...]:
    """Give every line of a built-in chain, of both perimeters.

    Parameters
    ----------
    key : str
        Key of a chain of ``chains.toml``.

    Returns
    -------
    tuple of Line
        In the order of the file.

    Raises
    ------
    ChainError
        ``CHAIN_BASE_UNKNOWN``.
    """
    if key not in _built_in():
        raise ChainError(
            "CHAIN_BASE_UNKNOWN",
            f"{key!r} is no chain that ships. Write one of: {', '.join(_built_in())}.",
        )
    return _built_in()[key].lines


def load_chains(perimeter: str = "wide") -> dict[str, Chain]:
    """Give the built-in chains.

    Parameters
    ----------
    perimeter : str
        "wide" or "strict".

    Returns
    -------
    dict of str to Chain
        By key, in the order of ``chains.toml``, with the lines of the perimeter.

    Raises
    ------
    ChainError
        ``CHAIN_PERIMETER_UNKNOWN``.
    """
    return {key: within(chain, perimeter) for key, chain in _built_in().items()}


def within(chain: Chain, perimeter: str) -> Chain:
    """Keep the lines of a chain that stand in a perimeter.

    Parameters
    ----------
    chain : Chain
        With the lines of both.
    perimeter : str
        "wide" or "strict".

    Returns
    -------
    Chain
        With the lines of the perimeter, and the prefixes that follow from them.

    Raises
    ------
    ChainError
        ``CHAIN_PERIMETER_UNKNOWN``.
    """
    if perimeter not in PERIMETERS:
        raise ChainError(
            "CHAIN_PERIMETER_UNKNOWN",
            f"{perimeter!r} is no perimeter of a chain. Write one of: {', '.join(PERIMETERS)}.",
        )
    lines = tuple(line for line in chain.lines if line.perimeter in ("both", perimeter))
    return replace(chain, lines=lines, perimeter=perimeter, prefixes=_prefixes(lines))


def _prefixes(lines: Sequence[Line]) -> dict[str, dict[str, str]]:
    """Give the phase of each prefix that is not excluded, by edition."""
    found = {
        edition: {
            prefix: line.phase
            for line in lines
            if line.phase != EXCLUDED
            for prefix in line.prefixes.get(edition, ())
        }
        for edition in EDITIONS
    }
    return {edition: phase_of for edition, phase_of in found.items() if phase_of}
