"""How much a composite index owes to the choices behind it: rank intervals and leave-one-out."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import xarray as xr

from geo_engine import tables
from geo_engine.errors import StatisticsError
from geo_engine.indicators.composite import (
    Aggregation,
    Composite,
    Normalization,
    composite,
    normalize,
    rank_places,
    weight_vector,
)
from geo_engine.indicators.normalization import treat_outliers

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Choices:
    """What could as well have been chosen; each draw takes one of each with equal probability."""

    normalizations: tuple[Normalization, ...] = ("goalposts", "z", "min_max")
    aggregations: tuple[Aggregation, ...] = ("mazziotta_pareto", "arithmetic", "geometric")
    outliers: tuple[bool, ...] = (False, True)
    """Whether outliers are held before normalization; goalposts stay as they are."""
    weight_noise: float = 0.25
    """Each weight is drawn within this part of itself, evenly, before they are scaled to one."""
    draws: int = 500
    seed: int = 0


class Scenarios(NamedTuple):
    """Normalized indicators of one map under every choice of scale, and what to do with them."""

    z: dict[tuple[Normalization, bool], FloatArray]
    """By normalization and treatment of outliers: shape (indicators, places)."""
    slope: dict[tuple[Normalization, bool], FloatArray]
    """By the same: normalized units by unit of each indicator, shape (indicators, 1)."""
    weights: FloatArray
    spec: Composite
    choices: Choices


def rank_intervals(
    values: xr.DataArray,
    spec: Composite,
    choices: Choices,
    *,
    goalposts: Mapping[str, object] | None = None,
    errors: xr.DataArray | None = None,
) -> xr.Dataset:
    """Give each place the ranks it takes when the choices change.

    Parameters
    ----------
    values : DataArray, dims ("indicator", "place", ...)
        Simple indicators.
    spec : Composite
        The nominal choice.
    choices : Choices
        The alternatives, the number of draws and the seed.
    goalposts : mapping, optional
        Needed where a normalization is "goalposts".
    errors : DataArray, same dims, optional
        Standard error of each value (for instance that of a share of few firms; NaN is 0): each
        draw also disturbs the values, so that the interval holds the uncertainty of the data too.

    Returns
    -------
    Dataset, dims of ``values`` without "indicator"
        ``rank`` (nominal), ``rank_median``, ``rank_low`` and ``rank_high``: 5 and 95 % of the
        draws, 1 the best; ``top_tenth``: part of the draws in the first tenth of the ranked
        places. NaN where the nominal index is missing. Attributes ``draws`` and ``seed``.

    Raises
    ------
    StatisticsError
        As :func:`geo_engine.indicators.composite.composite`; ``CHOICES_INVALID``.

    References
    ----------
    Saisana, M., Saltelli, A., Tarantola, S. (2005). Uncertainty and sensitivity analysis
    techniques as tools for the quality assessment of composite indicators. Journal of the Royal
    Statistical Society A 168, 307-323.
    """
    _check_choices(choices, goalposts)
    like = values.isel(indicator=0, drop=True)
    names = ("rank", "rank_median", "rank_low", "rank_high", "top_tenth")
    found = {name: np.full(like.shape, np.nan) for name in names}
    for number, at in enumerate(maps_of(like)):
        here = values.isel(at)
        own = None if errors is None else errors.isel(at)
        scenarios = build_scenarios(here, spec, choices, goalposts)
        seed = [choices.seed, number]
        ranks = _drawn_ranks(scenarios, seed, None if own is None else _table(own))
        place = tuple(slice(None) if d == "place" else at[str(d)] for d in like.dims)
        nominal = composite(here, spec, goalposts=goalposts)["rank"].to_numpy()
        for name, value in _summary(ranks, nominal).items():
            found[name][place] = value
    result = tables.dataset_like(like, found)
    return result.assign_attrs(draws=choices.draws, seed=choices.seed)


def leave_one_out(
    values: xr.DataArray, spec: Composite, *, goalposts: Mapping[str, object] | None = None
) -> xr.Dataset:
    """See how ranks move when one indicator is left out.

    Parameters
    ----------
    values, spec, goalposts
        As :func:`rank_intervals`; at least two indicators.

    Returns
    -------
    Dataset, dims ("indicator", ...) as ``values``
        ``rank_shift``: rank without the indicator minus rank with all of them; and without
        "place" ``mean_shift`` (mean of its size) and ``spearman`` (rank correlation).

    Raises
    ------
    StatisticsError
        As :func:`geo_engine.indicators.composite.composite`.
    """
    keys = [str(key) for key in values["indicator"].to_numpy()]
    nominal = composite(values, spec, goalposts=goalposts)["rank"]
    shifts: list[xr.DataArray] = []
    spearman: list[xr.DataArray] = []
    for key in keys:
        rest = values.drop_sel(indicator=key)
        part = {k: v for k, v in spec.polarity.items() if k != key}
        weights = spec.weights and {k: v for k, v in spec.weights.items() if k != key}
        smaller = dataclasses.replace(spec, polarity=part, weights=weights)
        ranks = composite(rest, smaller, goalposts=goalposts)["rank"]
        shifts.append(ranks - nominal)
        spearman.append(_spearman(ranks, nominal))
    shift = _stacked(shifts, keys)
    return xr.Dataset(
        {
            "rank_shift": shift,
            "mean_shift": abs(shift).mean("place"),
            "spearman": _stacked(spearman, keys),
        }
    )


def maps_of(like: xr.DataArray) -> Iterable[dict[str, int]]:
    """List the maps of an array: one position of every dim but "place".

    Parameters
    ----------
    like : DataArray
        With the dim "place".

    Returns
    -------
    iterable of dict
        For ``isel``.
    """
    others = [str(name) for name in like.dims if name != "place"]
    for position in np.ndindex(*(like.sizes[name] for name in others)):
        yield dict(zip(others, position, strict=True))


def build_scenarios(
    values: xr.DataArray,
    spec: Composite,
    choices: Choices,
    goalposts: Mapping[str, object] | None,
) -> Scenarios:
    """Normalize one map in every way that may be drawn.

    Parameters
    ----------
    values : DataArray, dims ("indicator", "place")
        One map.
    spec, choices, goalposts
        As :func:`rank_intervals`.

    Returns
    -------
    Scenarios
    """
    treated = {False: values}
    if True in choices.outliers:
        treated[True] = treat_outliers(values)[0]
    z, slope = {}, {}
    for name in choices.normalizations:
        for held in choices.outliers:
            scale = dataclasses.replace(spec, normalization=name)
            table = _table(normalize(treated[held], scale, goalposts))
            z[name, held] = table
            slope[name, held] = _slope(_table(treated[held]), table)
    return Scenarios(z, slope, weight_vector(values, spec), spec, choices)


def score_of(
    scenarios: Scenarios,
    scale: tuple[Normalization, bool],
    aggregation: Aggregation,
    *,
    weights: FloatArray,
    noise: FloatArray | None = None,
) -> FloatArray:
    """Score one map under one combination of choices and several weights.

    Parameters
    ----------
    scenarios : Scenarios
        Of the map.
    scale : tuple of str and bool
        Normalization, and whether outliers are held.
    aggregation : str
        Which.
    weights : array, shape (draws, indicators)
        Adding up to one in each draw.
    noise : array, shape (indicators, places), optional
        Added to the indicators, in their own units.

    Returns
    -------
    array, shape (draws, places)
        As :func:`geo_engine.indicators.composite.aggregate`, all draws at once. Scores far
        below the scale, which a draw may reach, are held at 1: only their rank counts.
    """
    z, spec = scenarios.z[scale], scenarios.spec
    if noise is not None:
        z = z + scenarios.slope[scale] * noise
    known = np.isfinite(z)
    filled = np.where(known, np.maximum(z, 1.0), 0.0)
    part = _weighted(weights, known.astype(np.float64))
    with np.errstate(invalid="ignore", divide="ignore"):
        part = np.where(part >= spec.least_weight - 1e-9, part, np.nan)
        if aggregation == "geometric":
            return np.exp(_weighted(weights, np.log(np.where(known, filled, 1.0))) / part)
        mean = _weighted(weights, filled) / part
        if aggregation == "arithmetic":
            return mean
        # squares of deviations from 100 keep the digits that squares of scores would lose
        shifted = np.where(known, filled - 100.0, 0.0)
        squares = _weighted(weights, shifted**2) / part
        variance = np.maximum(squares - (mean - 100.0) ** 2, 0.0)
    return mean - variance / mean if spec.direction == "positive" else mean + variance / mean


def _weighted(weights: FloatArray, values: FloatArray) -> FloatArray:
    """Add up weighted indicators, which are too few for threads of BLAS to be worth it."""
    return np.einsum("di,ip->dp", weights, values)


def _drawn_ranks(scenarios: Scenarios, seed: list[int], errors: FloatArray | None) -> FloatArray:
    """Rank the places of a map in every draw; shape (draws, places)."""
    choices, base = scenarios.choices, scenarios.weights
    rng, disturbing = (np.random.default_rng([*seed, stream]) for stream in (0, 1))
    options = list(
        itertools.product(choices.normalizations, choices.outliers, choices.aggregations)
    )
    picked = rng.integers(len(options), size=choices.draws)
    spread = rng.uniform(-1, 1, (choices.draws, len(base)))
    weights = base * (1 + choices.weight_noise * spread)
    weights /= weights.sum(axis=1, keepdims=True)
    scores = np.empty((choices.draws, next(iter(scenarios.z.values())).shape[1]))
    for number, (normalization, held, aggregation) in enumerate(options):
        rows = np.flatnonzero(picked == number)
        if errors is None:
            scores[rows] = score_of(
                scenarios, (normalization, held), aggregation, weights=weights[rows]
            )
            continue
        for row in rows:
            scores[row] = score_of(
                scenarios,
                (normalization, held),
                aggregation,
                weights=weights[[row]],
                noise=np.nan_to_num(errors, nan=0.0) * disturbing.standard_normal(errors.shape),
            )[0]
    return rank_places(scores.T, scenarios.spec.direction).T


def _summary(ranks: FloatArray, nominal: FloatArray) -> dict[str, FloatArray]:
    """Summarize the draws of each place that has a nominal rank."""
    shown = np.isfinite(nominal) & np.isfinite(ranks).all(axis=0)
    ordered = np.sort(ranks[:, shown], axis=0)
    last = len(ordered) - 1
    tenth = max(1.0, np.ceil(shown.sum() / 10))
    parts = {
        "rank_median": ordered[last // 2],
        "rank_low": ordered[int(np.floor(0.05 * last))],
        "rank_high": ordered[int(np.ceil(0.95 * last))],
        "top_tenth": (ordered <= tenth).mean(axis=0),
    }
    found = {"rank": nominal}
    for name, value in parts.items():
        found[name] = np.full(len(nominal), np.nan)
        found[name][shown] = value
    return found


def _check_choices(choices: Choices, goalposts: Mapping[str, object] | None) -> None:
    """Refuse choices that leave nothing to choose, or a scale that is not given."""
    empty = not (choices.normalizations and choices.aggregations and choices.outliers)
    if empty or choices.draws < 1 or not 0 <= choices.weight_noise < 1:
        raise StatisticsError(
            "CHOICES_INVALID",
            "Name a normalization, an aggregation and a treatment of outliers at least, one draw "
            f"or more, and a weight noise from 0 to below 1; got {choices}.",
        )
    if goalposts is None and "goalposts" in choices.normalizations:
        raise StatisticsError(
            "GOALPOSTS_INVALID", "Give goalposts, or leave them out of the normalizations."
        )


def _spearman(first: xr.DataArray, second: xr.DataArray) -> xr.DataArray:
    """Correlate two rankings of the same places."""
    both = ~np.isnan(first - second)
    a, b = first.where(both), second.where(both)
    a, b = a - a.mean("place"), b - b.mean("place")
    spread = ((a**2).sum("place") * (b**2).sum("place")) ** 0.5
    return (a * b).sum("place") / spread.where(spread > 0)


def _stacked(parts: list[xr.DataArray], keys: list[str]) -> xr.DataArray:
    """Put the parts of each indicator together."""
    bare = [part.drop_vars("component", errors="ignore") for part in parts]
    return xr.concat(bare, dim="indicator").assign_coords(indicator=keys)


def _table(values: xr.DataArray) -> FloatArray:
    """Give indicators by places."""
    return values.transpose("indicator", "place").to_numpy().astype(np.float64)


def _slope(x: FloatArray, z: FloatArray) -> FloatArray:
    """Give how much of the scale one unit of each indicator is; its sign does not matter."""
    width = np.nanmax(x, axis=1, initial=-np.inf) - np.nanmin(x, axis=1, initial=np.inf)
    high = np.nanmax(z, axis=1, initial=-np.inf) - np.nanmin(z, axis=1, initial=np.inf)
    given = np.isfinite(width) & (width > 0)
    return np.where(given, high / np.where(given, width, 1.0), 0.0)[:, None]
