"""The composite index of a study: its indicators made steady, its scale, and its ranks."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import xarray as xr

from geo_engine.errors import StudyError
from geo_engine.indicators.composite import (
    Aggregation,
    Composite,
    Normalization,
    composite,
    impute_by_group,
    rank_places,
)
from geo_engine.indicators.composite_choices import Choices, rank_intervals
from geo_engine.indicators.composite_sensitivity import rank_sensitivity
from geo_engine.indicators.normalization import Treatment, make_goalposts, treat_outliers
from geo_engine.indicators.principal import principal_weights
from geo_engine.indicators.registry import Indicator, load_registry
from geo_engine.indicators.steady import steady_indicators
from geo_engine.study_indicators import CompositeKeys
from geo_engine.territory_ranks import LEFT_OUT, left_out_table, rank_table

METHODS: dict[str, tuple[Normalization, Aggregation]] = {
    "ampi": ("goalposts", "mazziotta_pareto"),
    "mpi": ("z", "mazziotta_pareto"),
    "min_max": ("min_max", "arithmetic"),
    "z": ("z", "arithmetic"),
    "geometric": ("min_max", "geometric"),
}
SOBOL_BASE = 64
"""Evaluations are this times the factors and two, for each chain."""
LEAST_RANKED = 10
"""Fewer places with all indicators say nothing of how choices move ranks."""
SENSITIVITY_COLUMNS = (
    "chain",
    "factor",
    "first_order",
    "first_order_half",
    "total_order",
    "total_order_half",
    "evaluations",
)


@dataclass(frozen=True, kw_only=True)
class CompositeFound:
    """A composite index, and what a reader needs to judge it."""

    keys: CompositeKeys
    """How it was asked for: label, indicators, method."""
    scores: xr.Dataset
    """(place, chain, year): ``composite`` (score) and ``composite_rank``."""
    ranks: pd.DataFrame
    """``RANK_COLUMNS``, latest year, by chain and rank; the interval is of 5 and 95 % of the draws,
    missing without draws."""
    left_out: pd.DataFrame
    """chain, indicator, mean_shift, spearman: ranks of the latest year without one indicator."""
    sensitivity: pd.DataFrame
    """``SENSITIVITY_COLUMNS``: which choice moves the ranks of the latest year, by chain."""
    weights: Mapping[str, float]
    """Adding up to one."""
    polarity: Mapping[str, int]
    smoothed: tuple[str, ...]
    """Indicators that were shrunk."""
    held: Mapping[str, int]
    """Values held as outliers, by indicator."""
    filled: int
    """Values filled with the region's median."""
    explained: float
    """Part of the variance that the weights by components explain; NaN for other weights."""
    goalposts: Mapping[str, object] | None
    """The scale, to be kept; None where the method has none."""
    frozen: bool
    """Whether the scale came from the study's file of goalposts."""
    confidential: bool
    """Whether an indicator in it may not be published where firms are few."""
    notes: tuple[str, ...] = ()
    """Sentences in Italian on what is missing."""


@dataclass(frozen=True, kw_only=True)
class Ground:
    """What an index is computed from."""

    panel: xr.Dataset
    """(place, chain, year): every indicator, ``firms`` and ``known``; ``all_firms`` (place, year)
    and ``population`` (place)."""
    regions: pd.Series
    """Region by ``pro_com_t``."""
    registry: Mapping[str, Indicator]
    """Built-in and own indicators."""
    goalposts: Mapping[str, object] | None
    """Frozen ones; None to make them."""
    least_firms: int
    """Cells of fewer firms set neither goalposts nor outliers nor weights, and have no rank: a
    municipality of three firms never tops a ranking."""
    seed: int


class _Prepared(NamedTuple):
    """Indicators ready to be combined, (indicator, place, chain, year), and how."""

    treated: xr.DataArray
    ranked: xr.DataArray
    """The same of the cells with enough firms, which alone have a rank."""
    errors: xr.DataArray
    spec: Composite
    goalposts: Mapping[str, object] | None
    facts: dict[str, Any]


def composite_polarity(keys: CompositeKeys, registry: Mapping[str, Indicator]) -> dict[str, int]:
    """Say for each indicator of an index whether more is better.

    Parameters
    ----------
    keys : CompositeKeys
        The index.
    registry : mapping of str to Indicator
        Built-in and own indicators.

    Returns
    -------
    dict of str to int
        1 or -1, the study's word before the registry's.

    Raises
    ------
    StudyError
        ``UNKNOWN_INDICATOR``, or ``UNKNOWN_POLARITY`` where neither says.
    """
    unknown = [key for key in keys.indicators if key not in registry]
    if unknown:
        raise StudyError(
            "UNKNOWN_INDICATOR",
            f"composite: {', '.join(unknown)} is no indicator. There are {', '.join(registry)}.",
        )
    found = {key: keys.polarity.get(key, registry[key].polarity) for key in keys.indicators}
    unsaid = [key for key, sign in found.items() if sign == 0]
    if unsaid:
        raise StudyError(
            "UNKNOWN_POLARITY",
            f"composite: say in polarity whether more of {', '.join(unsaid)} is better (1) or "
            "worse (-1).",
        )
    return found


def composite_found(ground: Ground, keys: CompositeKeys) -> CompositeFound:
    """Compute the composite index of a study over every place, chain and year.

    Parameters
    ----------
    ground : Ground
        Panel, registry, goalposts and seed.
    keys : CompositeKeys
        How.

    Returns
    -------
    CompositeFound
        One scale serves all chains and years, so that scores of ``ampi`` are comparable over both.
        Without the sensitivity, which :func:`choices_sensitivity` computes.

    Raises
    ------
    StudyError, StatisticsError
        As :func:`composite_polarity` and :func:`geo_engine.indicators.composite.composite`.
    """
    ready = _prepare(ground, keys)
    scored = _ranked(composite(ready.treated, ready.spec, goalposts=ready.goalposts), ready)
    last = {"year": [int(np.argmax(ground.panel["year"].to_numpy()))]}
    left_out = left_out_table(ready.ranked.isel(last), ready.spec, ready.goalposts)
    return CompositeFound(
        keys=keys,
        scores=scored[["score", "rank"]].rename(score="composite", rank="composite_rank"),
        ranks=rank_table(scored.isel(last), _intervals(ready, keys, ground.seed)),
        left_out=left_out if keys.leave_one_out and len(keys.indicators) > 1 else LEFT_OUT,
        sensitivity=pd.DataFrame(columns=SENSITIVITY_COLUMNS),
        weights=dict(ready.spec.weights or {}),
        polarity=dict(ready.spec.polarity),
        goalposts=ready.goalposts,
        frozen=ground.goalposts is not None and ready.goalposts is not None,
        confidential=any(ground.registry[key].confidential for key in keys.indicators),
        **ready.facts,
    )


def _ranked(scored: xr.Dataset, ready: _Prepared) -> xr.Dataset:
    """Rank the cells with enough firms among themselves."""
    enough = ready.ranked.count("indicator") > 0
    score = scored["score"].where(enough).transpose(*scored["score"].dims)
    rank = rank_places(score.to_numpy(), ready.spec.direction)
    return scored.assign(rank=(score.dims, rank))


def composite_rows(found: CompositeFound) -> dict[str, Indicator]:
    """Give the entries of index and rank, under the name that the study gives the index.

    Parameters
    ----------
    found : CompositeFound
        An index.

    Returns
    -------
    dict of str to Indicator
        ``composite`` and ``composite_rank``; confidential only where an indicator in it is.
    """
    rows, keys = load_registry(), found.keys
    polarity = 1 if keys.direction == "positive" else -1
    own = rows["composite"]
    english = keys.label_en or (own.label_en if keys.label == own.label else keys.label)
    return {
        "composite": dataclasses.replace(
            own,
            label=keys.label,
            label_en=english,
            polarity=polarity,
            confidential=found.confidential,
        ),
        "composite_rank": dataclasses.replace(
            rows["composite_rank"], confidential=found.confidential
        ),
    }


def with_context(panel: xr.Dataset, places: pd.DataFrame, everyone: xr.DataArray) -> xr.Dataset:
    """Add to a panel what shrinking needs.

    Parameters
    ----------
    panel : Dataset, dims ("place", "chain", "year")
        Of a study.
    places : DataFrame
        ``population`` by ``pro_com_t``, in the order of the panel.
    everyone : DataArray, dims ("place", "year")
        All firms.

    Returns
    -------
    Dataset
        With ``all_firms`` and ``population``.
    """
    population = ("place", places["population"].to_numpy(np.float64))
    return panel.assign(all_firms=everyone, population=population)


def choices_sensitivity(ground: Ground, keys: CompositeKeys) -> pd.DataFrame:
    """Split what moves the ranks of the latest year among the choices, chain by chain.

    Parameters
    ----------
    ground, keys
        As :func:`composite_found`.

    Returns
    -------
    DataFrame
        ``SENSITIVITY_COLUMNS``: first-order and total Sobol indices with half widths.

    Raises
    ------
    StatisticsError
        ``EXTRA_MISSING`` without SALib.
    """
    ready = _prepare(ground, keys)
    last = {"year": int(np.argmax(ground.panel["year"].to_numpy()))}
    choices = _choices(ready, keys, ground.seed)
    parts = []
    for chain in ready.ranked["chain"].to_numpy().tolist():
        one = ready.ranked.isel(last, drop=True).sel(chain=chain, drop=True)
        if int(one.notnull().all("indicator").sum()) >= LEAST_RANKED:  # noqa: PD004 - xarray's name
            table = rank_sensitivity(
                one, ready.spec, choices, goalposts=ready.goalposts, base=SOBOL_BASE
            )
            table.insert(0, "chain", chain)
            parts.append(table)
    if not parts:
        return pd.DataFrame(columns=SENSITIVITY_COLUMNS)
    return pd.concat(parts, ignore_index=True)


def _prepare(ground: Ground, keys: CompositeKeys) -> _Prepared:
    """Shrink, fill, hold outliers, and fix scale and weights."""
    polarity = composite_polarity(keys, ground.registry)
    steady = steady_indicators(ground.panel, ground.regions, keys.indicators, smooth=keys.smooth)
    values, filled = steady.indicators, 0
    if keys.missing == "region_median":
        values, added = impute_by_group(values, ground.regions)
        filled = int(added.sum())
    counted = "known" if any(ground.registry[k].confidential for k in keys.indicators) else "firms"
    solid = values.where(ground.panel[counted] >= ground.least_firms).transpose(*values.dims)
    done = treat_outliers(solid)[1] if keys.outliers == "treat" else None
    treated = values if done is None else _held(values, done)
    posts = ground.goalposts if keys.method == "ampi" else None
    if keys.method == "ampi" and posts is None:
        held = solid if done is None else _held(solid, done)
        name = _reference_name(ground.panel, ground.least_firms)
        posts = make_goalposts(held, polarity, _reference(held), name=name, treatments=done)
    enough = treated.where(np.isfinite(solid))
    weights, explained = _weights(keys, enough, polarity)
    normalization, aggregation = METHODS[keys.method]
    spec = Composite(
        polarity=polarity,
        weights=weights,
        normalization=normalization,
        aggregation=aggregation,
        direction=keys.direction,
        least_weight=keys.least_weight,
    )
    facts = {
        "smoothed": steady.smoothed,
        "held": {} if done is None else {key: one.held for key, one in done.items()},
        "filled": filled,
        "explained": explained,
    }
    return _Prepared(treated, enough, steady.errors, spec, posts, facts)


def _held(values: xr.DataArray, done: Mapping[str, Treatment]) -> xr.DataArray:
    """Hold outliers at the ends that were found."""
    low, high = (
        xr.DataArray(
            [getattr(done[str(key)], end) for key in values["indicator"].to_numpy()],
            dims="indicator",
            coords={"indicator": values["indicator"]},
        )
        for end in ("low", "high")
    )
    return values.clip(low, high).transpose(*values.dims)


def _reference(values: xr.DataArray) -> dict[str, float]:
    """Give the mean of each indicator over places and chains in its first year with values."""
    found = {}
    for key in map(str, values["indicator"].to_numpy()):
        own = values.sel(indicator=key).transpose("year", ...).sortby("year").to_numpy()
        years = own.reshape(len(own), -1)
        known = np.isfinite(years)
        first = int(np.argmax(known.any(axis=1)))
        found[key] = float(years[first][known[first]].mean()) if known.any() else np.nan
    return found


def _reference_name(panel: xr.Dataset, least: int) -> str:
    """Say what scores 100."""
    first = int(panel["year"].min())
    return f"mean of municipalities and chains of {least} firms or more in {first} (or the first)"


def _weights(
    keys: CompositeKeys, values: xr.DataArray, polarity: Mapping[str, int]
) -> tuple[dict[str, float], float]:
    """Give the weights, and how much of the variance they explain."""
    if keys.weights == "pca":
        found = principal_weights(values, polarity)
        return dict(found.weights), found.explained
    given = keys.weights if isinstance(keys.weights, dict) else dict.fromkeys(keys.indicators, 1.0)
    total = sum(given.values())
    return {key: given[key] / total for key in keys.indicators}, np.nan


def _choices(ready: _Prepared, keys: CompositeKeys, seed: int) -> Choices:
    """List what could as well have been chosen."""
    normalizations: tuple[Normalization, ...] = ("z", "min_max")
    if ready.goalposts is not None:
        normalizations = ("goalposts", *normalizations)
    return Choices(
        normalizations=normalizations,
        weight_noise=keys.weight_noise,
        draws=max(keys.draws, 1),
        seed=seed,
    )


def _intervals(ready: _Prepared, keys: CompositeKeys, seed: int) -> xr.Dataset | None:
    """Give the ranks of the latest year under other choices; None where none are drawn."""
    if keys.draws == 0:
        return None
    last = {"year": int(np.argmax(ready.ranked["year"].to_numpy()))}
    return rank_intervals(
        ready.ranked.isel(last, drop=True),
        ready.spec,
        _choices(ready, keys, seed),
        goalposts=ready.goalposts,
        errors=ready.errors if bool(np.isfinite(ready.errors).any()) else None,
    )
