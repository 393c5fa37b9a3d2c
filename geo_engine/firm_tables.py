"""Tables of all firms of a study: universes, matches, coverage of signals, levels of the index."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from geo_engine import tables
from geo_engine.chains.weights import Memberships
from geo_engine.indicators.digital_intensity_editions import compare_editions, level_labels
from geo_engine.indicators.legal_forms import form_labels
from geo_engine.indicators.selfi import profile_labels
from geo_engine.indicators.signal_coverage import (
    count_levels,
    coverage_counts,
    coverage_table,
    coverage_warnings,
)
from geo_engine.indicators.signal_matches import match_counts, match_sentence, match_table
from geo_engine.indicators.universe import STATES, from_universe_bits, size_labels, universe_table
from geo_engine.intake import Intake
from geo_engine.plan import Plan
from geo_engine.plan_signals import editions_of, signal_remarks
from geo_engine.single_firms import Positions, SingleFirms, single_firms
from geo_engine.study_signals import Index


@dataclass(frozen=True, kw_only=True)
class FirmTables:
    """Tables as ``Results`` describes them, the same for every universe."""

    universes: pd.DataFrame
    matches: pd.DataFrame
    match_notes: tuple[str, ...]
    coverage: pd.DataFrame
    levels: pd.DataFrame
    warnings: tuple[str, ...]


def firm_tables(plan: Plan, intake: Intake, memberships: Memberships) -> FirmTables:
    """Build the tables of all firms of a study.

    Parameters
    ----------
    plan : Plan
        Universes, signals and index.
    intake : Intake
        Its firms.
    memberships : Memberships
        Chains of its firms.

    Returns
    -------
    FirmTables
        Single firms only, except ``universes``; an enterprise stands once a year where the unit of
        the study is the enterprise, and what any of its rows knows is known.
    """
    single = ~intake.is_counts[intake.firms["file"].to_numpy()]
    firms = single_firms(intake.firms, single, distinct=plan.study.unit == "impresa")
    coverage = _coverage(plan, firms)
    matches, notes = _matches(plan, intake, memberships, firms)
    shown = coverage[coverage["dimension"].isin(["legal_form", "size"])] if len(coverage) else None
    told = coverage_warnings(shown) if shown is not None else ()
    new = {signal.key for signal in plan.study.signal}
    warnings = (
        *signal_remarks(plan.study, plan.signals),
        *(told if new else ()),
        *refused_years(plan.index, np.unique(intake.firms["year"]).tolist()),
        *intake.joined.notes,
    )
    return FirmTables(
        universes=_universes(plan, intake.firms, firms, single),
        matches=matches,
        match_notes=notes,
        coverage=coverage,
        levels=_levels(plan, firms),
        warnings=warnings,
    )


def nested_universes(
    inside: npt.NDArray[np.uint16], keys: Sequence[str]
) -> tuple[tuple[str, str], ...]:
    """Find universes that lie within others, by the firms that they hold.

    Parameters
    ----------
    inside : array of uint16
        Universes of each firm, as bits.
    keys : sequence of str
        Of the universes, in the order of the bits.

    Returns
    -------
    tuple of (str, str)
        Inner and outer; two universes of the same firms lie within each other.
    """
    patterns = from_universe_bits(np.unique(inside), len(keys))
    return tuple(
        (keys[a], keys[b])
        for a, b in itertools.permutations(range(len(keys)), 2)
        if not (patterns[:, a] & ~patterns[:, b]).any()
    )


def disjoint_universes(
    inside: npt.NDArray[np.uint16], keys: Sequence[str]
) -> tuple[tuple[str, str], ...]:
    """Find universes without a common firm.

    Parameters
    ----------
    inside : array of uint16
        Universes of each firm, as bits.
    keys : sequence of str
        Of the universes, in the order of the bits.

    Returns
    -------
    tuple of (str, str)
        Each pair once.
    """
    patterns = from_universe_bits(np.unique(inside), len(keys))
    return tuple(
        (keys[a], keys[b])
        for a, b in itertools.combinations(range(len(keys)), 2)
        if not (patterns[:, a] & patterns[:, b]).any()
    )


def comparable_change(change: xr.Dataset, index: Index | None) -> xr.Dataset:
    """Withhold the change of a share between versions of the Digital Intensity Index.

    Parameters
    ----------
    change : Dataset
        ``Results.change``.
    index : Index or None
        Of the study.

    Returns
    -------
    Dataset
        Without share_change, its bounds, p-value and direction where first and last year are of
        two versions; status ``not_surveyed``. The reason stands among the warnings.
    """
    if not change["first_year"].size:
        return change
    ends = [int(change[name].to_numpy().ravel()[0]) for name in ("first_year", "last_year")]
    if not refused_years(index, ends):
        return change
    blank = {name: change[name] * np.nan for name in ("share_change", "low", "high", "p_value")}
    status = change["status"].where(change["status"] != tables.OK, tables.NOT_SURVEYED)
    return change.assign(
        blank | {"direction": xr.zeros_like(change["direction"]), "status": status.astype(np.int8)}
    )


def refused_years(index: Index | None, years: Sequence[int]) -> tuple[str, ...]:
    """Say in Italian why first and last year may not, or may hardly, be compared.

    Parameters
    ----------
    index : Index or None
        Of the study.
    years : sequence of int
        Of the data.

    Returns
    -------
    tuple of str
        One sentence where the versions differ; none otherwise, and for other indexes.
    """
    if index is None or index.kind != "dii" or not index.by_year or len(set(years)) < 2:
        return ()
    editions = editions_of(index)
    ends = [editions[year] for year in (min(years), max(years)) if year in editions]
    if len(ends) < 2:
        return ()
    found = compare_editions(ends[0], ends[1])
    return () if found.is_allowed else (f"Nessuna variazione della quota: {found.reason}",)


def _universes(
    plan: Plan, table: pd.DataFrame, firms: SingleFirms, single: np.ndarray
) -> pd.DataFrame:
    """Count the firms of each universe and year by what is known of their size."""
    number = len(plan.universes)
    bits = {name: firms.any_bits(name) for name in ("inside", "undecided", "by_persons")}
    known = {name: from_universe_bits(values, number) for name, values in bits.items()}
    known["undecided"] &= ~known["inside"]
    summed = table[~single]
    weight = summed["firms"].to_numpy(np.int64)
    many = {name: from_universe_bits(summed[name].to_numpy(), number) for name in bits}
    years = table["year"].to_numpy()
    parts = []
    for year in np.unique(years).tolist():
        own, others = firms.years == year, summed["year"].to_numpy() == year
        total = int(own.sum()) + int(weight[others].sum())
        sums = {
            name: known[name][own].sum(axis=0) + (many[name] * weight[:, None])[others].sum(axis=0)
            for name in bits
        }
        sums["outside"] = total - sums["inside"] - sums["undecided"]
        counts = np.stack([sums[state] for state in STATES], axis=1).astype(np.int64)
        part = universe_table(plan.universes, counts)
        part.insert(0, "year", year)
        parts.append(part)
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def _groups(firms: SingleFirms) -> dict[str, tuple[list[str], Positions]]:
    """Give the groups of single firms by year, legal form and size."""
    years = np.unique(firms.years)
    return {
        "year": ([str(year) for year in years], np.searchsorted(years, firms.years)),
        "legal_form": (list(form_labels()), firms.largest("legal_form")),
        "size": (list(size_labels()), firms.largest("size")),
    }


def _coverage(plan: Plan, firms: SingleFirms) -> pd.DataFrame:
    """Say of which firms each signal is known."""
    if not plan.signals or not len(firms.starts):
        return pd.DataFrame()
    values = {s.key: firms.largest(f"signal {s.key}").astype(np.int8) for s in plan.signals}
    counts = {
        name: (labels, coverage_counts(values, group, len(labels)))
        for name, (labels, group) in _groups(firms).items()
    }
    table = coverage_table([(signal.key, signal.label) for signal in plan.signals], counts)
    english = {signal.key: signal.label_en or signal.label for signal in plan.signals}
    return table.assign(label_en=table["signal"].map(english))


def _levels(plan: Plan, firms: SingleFirms) -> pd.DataFrame:
    """Count single firms by level of the index."""
    labelled: dict[str, Callable[[], Sequence[str]]] = {
        "dii": level_labels,
        "selfi": profile_labels,
        "score": lambda: ("sotto la soglia", "alla soglia o sopra"),
    }
    if plan.index is None or plan.index.kind not in labelled or not len(firms.starts):
        return pd.DataFrame()
    names = list(labelled[plan.index.kind]())
    level = firms.largest("level")
    rows = []
    for dimension, (labels, group) in _groups(firms).items():
        counts = count_levels(level, len(names), group, len(labels))
        for label, line in zip([*labels, "non noto"], counts.tolist(), strict=True):
            if sum(line):
                rows += [
                    (dimension, label, "" if at == len(names) else str(at), name, firms_of)
                    for at, (name, firms_of) in enumerate(
                        zip([*names, "non noto"], line, strict=True)
                    )
                ]
    return pd.DataFrame(rows, columns=["dimension", "group", "level", "label", "firms"])


def _matches(
    plan: Plan, intake: Intake, memberships: Memberships, firms: SingleFirms
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Say how many firms each signal source knows, by year, chain, size and province."""
    parts, notes = [], []
    members = memberships.members.astype(np.int64)
    first = firms.first if len(firms.starts) else np.zeros(0, np.int64)
    province, labels = pd.factorize(plan.places["sigla"], sort=True)
    for name, joined in intake.joined.tables.items():
        by = firms.largest(f"match {name}").astype(np.int8)
        kinds = match_counts(by, memberships.kinds.which[first], len(members))
        place = province[intake.firms["place"].to_numpy()[first]]
        counts = {
            dimension: (named, match_counts(by, group, len(named)))
            for dimension, (named, group) in _groups(firms).items()
            if dimension != "legal_form"
        }
        counts["chain"] = (list(plan.chains), members.T @ kinds[:-1])
        counts["province"] = (labels.tolist(), match_counts(by, place, len(labels)))
        table = match_table(counts)
        table.insert(0, "source", name)
        table.insert(1, "label", joined.source.label)
        table["label_en"] = joined.source.label_en or joined.source.label
        parts.append(table)
        said = match_sentence(
            joined.table, counts["year"][1], intake.found_rows[name], label=joined.source.label
        )
        damaged = f" Righe illeggibili della tabella: {joined.damaged}." if joined.damaged else ""
        notes.append(said + damaged)
    return (pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()), tuple(notes)
