"""Chain definitions, and which codes belong to which chain and phase."""

from __future__ import annotations

import difflib
import functools
import importlib.resources
import re
import tomllib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from geo_engine.chains.classification import (
    EDITIONS,
    check_edition,
    digits_of,
    exists,
    leaves_under,
    titles,
)
from geo_engine.errors import ChainError

PHASES = ("monte", "produzione", "distribuzione", "servizi")
"""Phases of a chain, from upstream to services."""

_KEY = re.compile(r"^[a-z][a-z0-9_]*$")


@dataclass(frozen=True, kw_only=True)
class Chain:
    """A supply chain (filiera): which codes it takes, and in which phase."""

    key: str
    label: str
    label_en: str
    prefixes: Mapping[str, Mapping[str, str]]
    """Phase by dotted prefix, by edition; an edition without prefixes is absent."""
    note: str = ""
    note_en: str = ""
    source: str = ""

    def __hash__(self) -> int:
        """Hash by the key: the mappings have no hash of their own."""
        return hash(self.key)


ALL_FIRMS = Chain(
    key="tutte",
    label="Tutte le imprese",
    label_en="All firms",
    prefixes={},
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
    source: str
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
    about = _definitions()["perimeter"]
    return Perimeter(
        version=about["version"],
        is_official=about["official"],
        note=about["note"],
        note_en=about["note_en"],
        source=about["source"],
        review=tuple(about["review"]),
    )


def load_chains() -> dict[str, Chain]:
    """Give the built-in chains.

    Returns
    -------
    dict of str to Chain
        By key, in the order of ``chains.toml``.
    """
    return {key: _build(key, keys) for key, keys in _definitions()["chains"].items()}


def custom_chains(definitions: Mapping[str, Mapping[str, Any]]) -> dict[str, Chain]:
    """Turn chains defined in a study into checked chains.

    Parameters
    ----------
    definitions : mapping
        By key: ``label``, ``label_en``, and ``ateco_2007`` and ``ateco_2025`` with prefixes by
        phase.

    Returns
    -------
    dict of str to Chain
        By key, in the given order.

    Raises
    ------
    ChainError
        ``CHAIN_KEY``, ``CHAIN_PHASE_UNKNOWN``, ``CHAIN_PREFIX_UNKNOWN``, ``CHAIN_PREFIX_TWICE`` or
        ``CHAIN_EMPTY``.
    """
    built = {key: _build(key, keys) for key, keys in definitions.items()}
    for chain in built.values():
        if not _KEY.match(chain.key):
            raise ChainError(
                "CHAIN_KEY", f"{chain.key!r}: use small letters, figures and _ in a chain's key."
            )
        if not chain.prefixes:
            raise ChainError(
                "CHAIN_EMPTY", f"Chain {chain.key} has no prefix in any edition: add some."
            )
        for edition in chain.prefixes:
            _check_prefixes(chain, edition)
    return built


def select_chains(
    use: Sequence[str] | str, custom: Mapping[str, Mapping[str, Any]] | None = None
) -> dict[str, Chain]:
    """Choose the chains of a study.

    Parameters
    ----------
    use : sequence of str, or "all"
        Keys of built-in or own chains; "all" takes every one. The key of ``ALL_FIRMS`` asks for
        all firms together, which "all" does not include.
    custom : mapping, optional
        Own definitions, as for :func:`custom_chains`; one with a built-in key replaces it.

    Returns
    -------
    dict of str to Chain
        By key, in the asked order.

    Raises
    ------
    ChainError
        ``CHAIN_UNKNOWN``, naming near keys and all of them, and those of :func:`custom_chains`.
    """
    known = {**load_chains(), **custom_chains(custom or {})}
    if isinstance(use, str):
        if use == "all":
            return known
        use = (use,)
    known = {ALL_FIRMS.key: ALL_FIRMS, **known}
    for key in use:
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1)
            hint = f" Did you mean {near[0]}?" if near else ""
            raise ChainError("CHAIN_UNKNOWN", f"No chain {key!r}.{hint} Known: {', '.join(known)}.")
    return {key: known[key] for key in use}


def _build(key: str, keys: Mapping[str, Any]) -> Chain:
    """Make a chain of its keys, each prefix once."""
    prefixes: dict[str, dict[str, str]] = {}
    for edition in EDITIONS:
        phase_of: dict[str, str] = {}
        for phase, listed in keys.get(f"ateco_{edition}", {}).items():
            _check_phase(key, phase)
            for prefix in listed:
                _refuse_twice(key, edition, prefix, phase_of)
                phase_of[prefix] = phase
        if phase_of:
            prefixes[edition] = phase_of
    return Chain(
        key=key,
        label=keys["label"],
        label_en=keys.get("label_en") or keys["label"],
        prefixes=prefixes,
        note=keys.get("note", ""),
        note_en=keys.get("note_en", ""),
        source=keys.get("source", ""),
    )


def _check_phase(key: str, phase: str) -> None:
    """Raise when a phase is not one of ``PHASES``."""
    if phase not in PHASES:
        raise ChainError(
            "CHAIN_PHASE_UNKNOWN",
            f"Chain {key} has a phase {phase!r}. Write one of: {', '.join(PHASES)}.",
        )


def _refuse_twice(key: str, edition: str, prefix: str, phase_of: Mapping[str, str]) -> None:
    """Raise when a prefix already stands in a phase of the chain, however it is pointed."""
    for earlier, phase in phase_of.items():
        if digits_of(earlier) == digits_of(prefix):
            raise ChainError(
                "CHAIN_PREFIX_TWICE",
                f"Chain {key}, ATECO {edition}: {prefix} stands twice (once in {phase}). Keep one.",
            )


def _check_prefixes(chain: Chain, edition: str) -> None:
    """Raise when a prefix of a chain is no code of its edition."""
    absent = [prefix for prefix in chain.prefixes[edition] if not exists(prefix, edition)]
    if absent:
        known = titles(edition)
        near = difflib.get_close_matches(absent[0], known, n=3)
        hint = f" Near {absent[0]}: {', '.join(near)}." if near else ""
        raise ChainError(
            "CHAIN_PREFIX_UNKNOWN",
            f"Chain {chain.key}: {len(absent)} prefixes are no codes of ATECO {edition} "
            f"({', '.join(absent[:5])}). Write them with points, at a level that exists.{hint}",
        )


def membership(
    codes: Sequence[str], editions: str | Sequence[str], chains: Mapping[str, Chain]
) -> pd.DataFrame:
    """Give the phase of each code in each chain.

    Inside a chain the longest prefix wins; a code may belong to several chains. A code shorter than
    the prefixes belongs to a chain when all the six-digit codes below it do, with their most
    frequent phase. A code of undecided edition ("") belongs where both editions agree on the chain,
    with the phase of the newer one. Every code, and none, belongs to ``ALL_FIRMS``.

    Parameters
    ----------
    codes : sequence of str
        Distinct normalized codes; "" belongs to no chain.
    editions : str or sequence of str
        Edition of all codes, or of each.
    chains : mapping of str to Chain
        The studied chains.

    Returns
    -------
    DataFrame
        Index ``ateco`` (``codes`` as given), one column per chain: the phase, or "".

    Raises
    ------
    ChainError
        ``CHAIN_EDITION_MISSING`` when a chain has no prefixes for an edition that codes use;
        ``ATECO_EDITION_UNKNOWN``.
    """
    each = [editions] * len(codes) if isinstance(editions, str) else list(editions)
    _check_editions(codes, each, chains)
    columns = {
        key: [_phase(code, edition, chain) for code, edition in zip(codes, each, strict=True)]
        for key, chain in chains.items()
    }
    index = pd.Index(list(codes), name="ateco", dtype="str")
    return pd.DataFrame(columns, index=index, dtype="str")


def _check_editions(
    codes: Sequence[str], editions: Sequence[str], chains: Mapping[str, Chain]
) -> None:
    """Raise when codes use an edition that does not exist, or that a chain does not define."""
    used = Counter(
        edition for code, edition in zip(codes, editions, strict=True) if code and edition
    )
    for edition in sorted(used):
        check_edition(edition)
        lacking = [
            key
            for key, chain in chains.items()
            if chain is not ALL_FIRMS and edition not in chain.prefixes
        ]
        if lacking:
            raise ChainError(
                "CHAIN_EDITION_MISSING",
                f"{used[edition]:,} codes are of ATECO {edition}, for which {', '.join(lacking)} "
                f"has no prefixes. Add [chains.custom.{lacking[0]}.ateco_{edition}] to the study.",
            )


def _phase(code: str, edition: str, chain: Chain) -> str:
    """Find the phase of one code in one chain, "" when outside."""
    if chain is ALL_FIRMS:
        return ALL_FIRMS.key
    if not code:
        return ""
    if edition:
        return _phase_in_edition(code, edition, chain)
    phases = [_phase_in_edition(code, edition, chain) for edition in EDITIONS]
    return phases[-1] if all(phases) else ""


def _phase_in_edition(code: str, edition: str, chain: Chain) -> str:
    """Find the phase by the longest prefix, or by what lies below a short code."""
    phase_of = _by_digits(chain, edition)
    digits = digits_of(code)
    for length in range(len(digits), 1, -1):
        if digits[:length] in phase_of:
            return phase_of[digits[:length]]
    if not any(prefix.startswith(digits) for prefix in phase_of):
        return ""
    below = [_phase_in_edition(leaf, edition, chain) for leaf in leaves_under(code, edition)]
    if not below or not all(below):
        return ""
    frequent = Counter(below)
    return max(PHASES, key=lambda phase: frequent[phase])


@functools.lru_cache(maxsize=256)
def _digit_prefixes(items: tuple[tuple[str, str], ...]) -> dict[str, str]:
    """Drop the points of prefixes once."""
    return {digits_of(prefix): phase for prefix, phase in items}


def _by_digits(chain: Chain, edition: str) -> dict[str, str]:
    """Give the phases of a chain by prefixes without points."""
    return _digit_prefixes(tuple(chain.prefixes.get(edition, {}).items()))
