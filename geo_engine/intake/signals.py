"""The signals of a batch of firms, what other tables say of them, and who is digital."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from geo_engine.indicators.bounded import read_amounts
from geo_engine.indicators.digital import UNKNOWN, Signals, combine_signals
from geo_engine.indicators.digital_intensity import digital_intensity, fill_implied
from geo_engine.indicators.own_score import own_score, score_levels
from geo_engine.indicators.selfi import at_least_profile, read_profiles, selfi_profiles
from geo_engine.indicators.signal_join import Match, listed_signal, match_firms
from geo_engine.indicators.signal_tables import KeyColumns, dated_firm_keys, read_keys
from geo_engine.indicators.signal_values import SignalInputs, read_signals
from geo_engine.intake.joined import FirmTable, Joined
from geo_engine.plan import Plan
from geo_engine.plan_signals import LEAST_PROFILE, LEAST_SCORE, edition_of
from geo_engine.study import FirmSource
from geo_engine.study_signals import Index

Column = Callable[[str | int], pd.Series]


@dataclass(frozen=True, kw_only=True)
class Signs:
    """What is known of the digital maturity of each row of a batch."""

    signals: dict[str, Signals] = field(default_factory=dict)
    """By key of the signal: 1, 0, -1 unknown."""
    matches: dict[str, Match] = field(default_factory=dict)
    """By name of the signal source."""
    digital: Signals
    level: Signals
    """Level of the index, -1 unknown or none."""
    score: np.ndarray | None = None
    """Score of the index, float32, NaN where it is not exactly known; None without scores."""


@dataclass(frozen=True, kw_only=True)
class Where:
    """When and where the rows of a batch stand."""

    year: np.ndarray
    place: np.ndarray
    """Position of the municipality, -1 for none."""


def unknown_signs(plan: Plan, rows: int) -> Signs:
    """Give the signs of rows that are no single firms.

    Parameters
    ----------
    plan : Plan
        Its signals.
    rows : int
        How many.

    Returns
    -------
    Signs
        All unknown.
    """
    none = np.full(rows, UNKNOWN, np.int8)
    score = np.full(rows, np.nan, np.float32) if has_scores(plan.index) else None
    return Signs(signals={s.key: none for s in plan.signals}, digital=none, level=none, score=score)


def read_signs(
    column: Column, plan: Plan, source: FirmSource, joined: Joined, where: Where
) -> Signs:
    """Read the signals of a batch, and decide who is digital.

    Parameters
    ----------
    column : callable
        Gives a column of the batch as text.
    plan : Plan
        Signals and index.
    source : FirmSource
        Of the batch.
    joined : Joined
        The signal sources.
    where : Where
        Years and places of the rows.

    Returns
    -------
    Signs
        Aligned with the rows.

    Raises
    ------
    TableError
        ``SIGNAL_KEYS`` where an extract has no key of a signal source; ``SIGNAL_MANDATORY`` for
        certified mail; ``DII_EDITION``.
    """
    matches = {
        name: _match(column, plan, source, table, where.year)
        for name, table in joined.tables.items()
    }
    version = source.ateco_version
    values = read_signals(
        plan.signals,
        SignalInputs(
            column=column,
            editions=version if version in ("2007", "2025") else "",
            place=where.place,
            places=joined.places,
            joined=_joined_values(plan, joined, matches),
        ),
    )
    digital, level, score = _judged(column, plan, values, where)
    return Signs(signals=values, matches=matches, digital=digital, level=level, score=score)


def _match(
    column: Column, plan: Plan, source: FirmSource, joined: FirmTable, year: np.ndarray
) -> Match:
    """Look the rows up in one signal source."""
    columns = KeyColumns(
        tax_code=source.columns.tax_code,
        rea=source.columns.rea,
        province=source.columns.province,
        pseudonyms=joined.source.pseudonyms,
        abbreviations=dict(zip(plan.places["province"], plan.places["sigla"], strict=True)),
    )
    keys = read_keys(column, columns, joined.kinds)
    keys = tuple(
        found if len(found) == len(year) else np.zeros(len(year), np.uint64) for found in keys
    )
    if joined.source.year is not None:
        keys = dated_firm_keys(keys, year)
    years = year if joined.source.since is not None else None
    return match_firms(joined.table, keys, years=years, absent=joined.source.absent)


def _joined_values(plan: Plan, joined: Joined, matches: dict[str, Match]) -> dict[str, Signals]:
    """Give the signals of other tables by key."""
    found: dict[str, Signals] = {}
    for signal in plan.signals:
        if signal.source in matches:
            match, source = matches[signal.source], joined.tables[signal.source].source
            found[signal.key] = (
                listed_signal(match, absent=source.absent)
                if signal.kind == "listed"
                else match.signals[signal.key]
            )
    return found


def _judged(
    column: Column, plan: Plan, values: dict[str, Signals], where: Where
) -> tuple[Signals, Signals, np.ndarray | None]:
    """Decide who is digital, at which level of the index, and with which score."""
    index, rows = plan.index, len(where.year)
    none = np.full(rows, UNKNOWN, np.int8)
    if index is None:
        return none, none, None
    if index.kind == "signals":
        chosen = [values[key] for key in index.of or tuple(values)]
        return combine_signals(chosen, index.combine), none, None
    if index.kind == "dii":
        return _intensity(index, values, where)
    if index.kind == "selfi":
        return _profiles(index, column)
    limit = float(index.at_least if index.at_least is not None else LEAST_SCORE)
    score = own_score(values, index.weights, missing=index.missing, least_known=index.least_known)
    level = score_levels(score, [limit])
    told = ~np.isnan(score.score) & (level == UNKNOWN)
    level[told] = score.score[told] >= limit
    return level, level, score.score.astype(np.float32)


def has_scores(index: Index | None) -> bool:
    """Tell whether an index gives firms a score, and not only a yes or no.

    Parameters
    ----------
    index : Index or None
        Of a study.

    Returns
    -------
    bool
        Whether the table of firms has a column ``score``.
    """
    return index is not None and index.kind != "signals"


def _intensity(
    index: Index, values: dict[str, Signals], where: Where
) -> tuple[Signals, Signals, np.ndarray]:
    """Score every row on the edition of its year; rows without a place need none."""
    basic = np.full(len(where.year), UNKNOWN, np.int8)
    level = basic.copy()
    score = np.full(len(basic), np.nan, np.float32)
    items, _ = fill_implied({item: values[key] for item, key in index.items.items()})
    for year in np.unique(where.year[where.place >= 0]).tolist():
        own = where.year == year
        edition = edition_of(index, int(year))
        counted = {item: column[own] for item, column in items.items() if item in edition.items}
        if counted:
            found = digital_intensity(counted, edition)
            basic[own], level[own], score[own] = found.basic, found.level, found.score
    return basic, level, score


def _profiles(index: Index, column: Column) -> tuple[Signals, Signals, np.ndarray]:
    """Read SELFI4.0 profiles, by name or from a score."""
    texts = column(index.column if index.column is not None else "")
    profiles = read_profiles(texts)
    amounts = read_amounts(texts, mark="")
    exact = np.where(amounts.low == amounts.high, amounts.low, np.nan)
    scored = selfi_profiles(exact, thresholds=index.thresholds)
    profiles = np.where(profiles == UNKNOWN, scored, profiles).astype(np.int8)
    least = str(index.at_least or LEAST_PROFILE)
    return at_least_profile(profiles, least), profiles, exact.astype(np.float32)
