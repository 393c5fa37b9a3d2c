"""Breaks of series: where an indicator of a chain cannot be followed from one year to the next."""

from __future__ import annotations

import functools
import importlib.resources
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from geo_engine.chains.classification import EDITIONS, check_edition, digits_of, leaves_under, links
from geo_engine.chains.definitions import ALL_FIRMS, Chain
from geo_engine.chains.detection import NOISE
from geo_engine.chains.membership import code_lines

COLUMNS = (
    "chain",
    "indicator",
    "year",
    "before",
    "cause",
    "edition_before",
    "edition",
    "codes_staying",
    "codes_leaving",
    "codes_entering",
    "share_uncertain",
    "note",
    "note_en",
)
"""Columns of :func:`series_breaks`."""
PERIMETER, APPORTIONED, MIXED = "perimeter", "apportioned", "mixed_editions"
"""Causes beside those of ``breaks.toml``: the chain's list changed with the edition; its firms of
2007 are shares of codes of 2025; one year has codes of both editions."""
SIGNAL = "signal_codes"
"""Cause: a signal's list of codes has no equal in the other edition."""

_NOTES = {
    PERIMETER: (
        "La filiera è letta con l'elenco di codici dell'altra edizione di ATECO: una parte delle "
        "imprese può entrare o uscire senza avere cambiato attività.",
        "The chain is read with the list of codes of the other edition of ATECO: some firms may "
        "enter or leave without having changed their activity.",
    ),
    APPORTIONED: (
        "I codici di ATECO 2007 sono tradotti in ATECO 2025: dove i codici di arrivo sono più "
        "d'uno, le imprese sono ripartite tra questi e il conteggio è una stima.",
        "Codes of ATECO 2007 are turned into ATECO 2025: where several took the place of one, "
        "firms are divided among them and the count is an estimate.",
    ),
    MIXED: (
        "Nello stesso anno ci sono codici delle due edizioni di ATECO: il confronto tra territori "
        "può dipendere da quale edizione usano.",
        "The same year has codes of both editions of ATECO: a comparison of places may depend on "
        "which edition they use.",
    ),
    SIGNAL: (
        "Il segnale è definito con codici di un'edizione di ATECO che nell'altra mancano.",
        "The signal is defined by codes of one edition of ATECO that the other lacks.",
    ),
}


@dataclass(frozen=True, kw_only=True)
class CodedSignal:
    """A signal that is told from ATECO codes, and the indicators that depend on it."""

    prefixes: Mapping[str, Sequence[str]]
    """Dotted prefixes by edition."""
    indicators: tuple[str, ...]


def editions_by_year(
    year: npt.NDArray[np.integer], code: npt.NDArray[np.integer], ateco: pd.DataFrame
) -> pd.DataFrame:
    """Count the rows of each year by the edition of their code.

    Parameters
    ----------
    year : array of int, shape (firms,)
        Calendar years.
    code : array of int, shape (firms,)
        Positions in ``ateco``, -1 for none.
    ateco : DataFrame
        ``edition`` of each code, "" where undecided or without a code.

    Returns
    -------
    DataFrame
        Index ``year`` (ascending), columns "2007" and "2025": rows with a code of that edition.
    """
    number = {edition: position for position, edition in enumerate(EDITIONS)}
    own = ateco["edition"].map(number).fillna(len(EDITIONS)).to_numpy(np.int64)
    edition = np.append(own, len(EDITIONS))[np.asarray(code)]
    which, years = pd.factorize(np.asarray(year, dtype=np.int64), sort=True)
    width = len(EDITIONS) + 1
    counts = np.bincount(which * width + edition, minlength=len(years) * width)
    table = counts.reshape(len(years), width)[:, : len(EDITIONS)]
    return pd.DataFrame(table, index=pd.Index(years, name="year"), columns=list(EDITIONS))


def series_breaks(
    chains: Mapping[str, Chain],
    editions: pd.DataFrame,
    *,
    indicators: Sequence[str],
    signals: Mapping[str, CodedSignal] | None = None,
    firms: Mapping[tuple[str, str], float] | None = None,
    recoded: bool = False,
) -> pd.DataFrame:
    """Tell which indicators of which chains have a break, when and why.

    Parameters
    ----------
    chains : mapping of str to Chain
        The studied chains. ``ALL_FIRMS`` has no perimeter that could change.
    editions : DataFrame
        As :func:`editions_by_year`: rows by year (ascending) and edition.
    indicators : sequence of str
        Variables that count the firms of a chain, such as those of the panel.
    signals : mapping, optional
        Signals told from ATECO codes, by name; their indicators may be among ``indicators``.
    firms : mapping, optional
        Firms by pair of edition and six-digit code, to weigh ``share_uncertain``; every code
        counts the same without it. With it a chain breaks only where more than ``NOISE`` of its
        firms may leave or enter, and for a named cause only by codes that firms have.
    recoded : bool
        Codes of 2007 are turned into those of 2025, so that one list serves all years.

    Returns
    -------
    DataFrame
        ``COLUMNS``, one row for each chain, indicator, year and cause: ``year`` is the first after
        the break and ``before`` the year before it (the same where a year is mixed).
        ``codes_staying``, ``codes_leaving`` and ``codes_entering`` count six-digit codes of 2007
        all, or only some, of whose targets are in the chain of 2025, and those outside the chain of
        2007 with a target inside; ``share_uncertain`` is the share (0 to 1) of the chain's firms of
        2007 that are expected to leave it, plus those that are expected to enter it, with equal
        shares for each target.

    Raises
    ------
    ChainError
        ``ATECO_EDITION_UNKNOWN``; ``CHAIN_EDITION_MISSING`` when a chain lacks an edition that the
        years have.
    """
    for edition in editions.columns:
        check_edition(edition)
    changes = list(_changes(editions))
    rows: list[tuple[Any, ...]] = []
    for key, chain in chains.items():
        flow = None
        if changes and chain is not ALL_FIRMS:
            flow = _flow(chain, firms or {}, recoded=recoded)
        for change in changes:
            general = MIXED if change[0] == change[1] else APPORTIONED if recoded else PERIMETER
            told = list(_causes(flow, general, indicators, signals or {}))
            counts = flow.counts if flow else (0, 0, 0, 0.0)
            rows.extend(
                (key, name, *change[:2], cause, *change[2:], *counts, *words)
                for cause, name, words in dict.fromkeys(told)
            )
    return pd.DataFrame(rows, columns=list(COLUMNS))


def crosses_break(
    breaks: pd.DataFrame, indicator: str, chains: Sequence[str], years: tuple[int, int]
) -> npt.NDArray[np.bool_]:
    """Tell of which chains a change between two years crosses a break.

    Parameters
    ----------
    breaks : DataFrame
        As :func:`series_breaks`.
    indicator : str
        Name of the variable.
    chains : sequence of str
        Keys.
    years : tuple of int
        First and last year of the change.

    Returns
    -------
    array of bool, shape (chains,)
        True where some break lies after the first year and not after the last, or a year that has
        both editions is one of the two.
    """
    first, last = min(years), max(years)
    own = breaks[breaks["indicator"] == indicator]
    after = (own["year"] > first) & (own["year"] <= last)
    mixed = (own["cause"] == MIXED) & own["year"].isin([first, last])
    hit = set(own.loc[after | mixed, "chain"])
    return np.array([key in hit for key in chains], dtype=bool)


_Change = tuple[int, int, str, str]
"""Year, year before, edition before, edition."""


def _changes(editions: pd.DataFrame) -> Iterator[_Change]:
    """List the years whose edition differs from that of the year before, and mixed ones."""
    before: tuple[int, str] | None = None
    for year, counts in zip(editions.index.tolist(), editions.to_numpy(), strict=True):
        total = counts.sum()
        if not total:
            continue
        telling = [e for e, n in zip(editions.columns, counts, strict=True) if n > NOISE * total]
        if len(telling) > 1:
            yield (year, year, *EDITIONS)
            edition = ""
        else:
            edition = str(telling[0])
        if before is not None and edition and before[1] and before[1] != edition:
            yield (year, before[0], before[1], edition)
        elif before is not None and not (edition and before[1]) and edition != before[1]:
            yield (year, before[0], before[1] or "mixed", edition or "mixed")
        before = (year, edition)


@dataclass(frozen=True, kw_only=True)
class _Flow:
    """What becomes of a chain's codes when the edition changes."""

    counts: tuple[int, int, int, float]
    """Codes staying, leaving and entering, and the uncertain share of firms."""
    touched: frozenset[str]
    """Codes of 2007 that leave or enter in some part, and codes of 2025 that they enter."""
    is_break: bool
    """More than noise of its firms may leave or enter."""


@functools.cache
def _named() -> tuple[dict[str, Any], ...]:
    """Read the breaks that have a name, once."""
    text = importlib.resources.files("geo_engine.chains").joinpath("breaks.toml").read_text("utf-8")
    return tuple(tomllib.loads(text)["breaks"])


def _flow(chain: Chain, firms: Mapping[tuple[str, str], float], *, recoded: bool) -> _Flow:
    """Follow the six-digit codes of a chain from 2007 to 2025."""
    everywhere = chain.territories
    old = sorted(links())
    new = sorted({target for targets in links().values() for target in targets})
    one = {chain.key: chain}
    inside = set(_members(new, "2025", one, everywhere))
    share = {code: sum(t in inside for t in links()[code]) / len(links()[code]) for code in old}
    if recoded:
        was = {code for code in old if share[code] > 0}
        leaving = {code for code in was if share[code] < 1}
        entering: set[str] = set()
    else:
        was = set(_members(old, "2007", one, everywhere))
        leaving = {code for code in was if share[code] < 1}
        entering = {code for code in old if code not in was and share[code] > 0}
    weight = {code: firms.get(("2007", code), 0.0) if firms else 1.0 for code in old}
    moved = sum(weight[code] * (1 - share[code]) for code in leaving)
    moved += sum(weight[code] * share[code] for code in entering)
    total = sum(weight[code] for code in was)
    uncertain = moved / total if total else float(moved > 0)
    present = {code for code in leaving | entering if weight[code] > 0}
    touched = {t for code in present & entering for t in links()[code] if t in inside}
    return _Flow(
        counts=(len(was - leaving), len(leaving), len(entering), min(uncertain, 1.0)),
        touched=frozenset([*present, *(f"+{code}" for code in touched)]),
        is_break=uncertain > (NOISE if firms else 0.0),
    )


def _members(
    codes: Sequence[str], edition: str, chain: Mapping[str, Chain], territories: Sequence[str]
) -> list[str]:
    """List the codes that belong to a chain."""
    phase = code_lines(codes, edition, chain, territories=territories).phase[:, 0]
    return [code for code, name in zip(codes, phase, strict=True) if name]


_Told = tuple[str, str, tuple[str, str]]
"""Cause, indicator, and its notes in Italian and English."""


def _causes(
    flow: _Flow | None,
    general: str,
    indicators: Sequence[str],
    signals: Mapping[str, CodedSignal],
) -> Iterator[_Told]:
    """List cause, indicator and notes of one change for one chain."""
    if flow is not None and flow.is_break:
        for indicator in indicators:
            yield general, indicator, _NOTES[general]
            for known in _named():
                if _touches(known, flow.touched):
                    yield known["key"], indicator, (known["note"], known["note_en"])
    for signal in signals.values():
        for cause, words in _signal_causes(signal):
            for indicator in signal.indicators:
                yield cause, indicator, words


def _signal_causes(signal: CodedSignal) -> Iterator[tuple[str, tuple[str, str]]]:
    """List why a signal told from codes breaks when the edition changes."""
    leaves = {
        edition: {
            leaf for prefix in signal.prefixes.get(edition, ()) for leaf in _below(prefix, edition)
        }
        for edition in EDITIONS
    }
    old, new = leaves["2007"], leaves["2025"]
    into = {target for code in old for target in links().get(code, ())}
    known = [
        named
        for named in _named()
        if _touches(named, frozenset([*old, *(f"+{code}" for code in new)]))
    ]
    for named in known:
        yield named["key"], (named["note"], named["note_en"])
    if not known and (into != new or not old):
        yield SIGNAL, _NOTES[SIGNAL]


def _below(prefix: str, edition: str) -> tuple[str, ...]:
    """List the six-digit codes of a prefix."""
    return leaves_under(prefix, edition)


def _touches(named: Mapping[str, Any], touched: frozenset[str]) -> bool:
    """Tell whether a break with a name has to do with codes; those of 2025 begin with a plus."""
    old = [digits_of(prefix) for prefix in named["ateco_2007"]]
    new = [digits_of(prefix) for prefix in named["ateco_2025"]]
    return any(
        digits_of(code.removeprefix("+")).startswith(tuple(new if code[0] == "+" else old))
        for code in touched
    )
