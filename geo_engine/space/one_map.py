"""The local tests of one map."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt

from geo_engine.space.conditional_moments import moments_of_others, moments_of_sums
from geo_engine.space.count_maps import count_map
from geo_engine.space.drawn import drawn_tails
from geo_engine.space.exact import Tails, conditional_tails
from geo_engine.space.lattice import tamed
from geo_engine.space.links import Links
from geo_engine.space.monte_carlo import map_seed
from geo_engine.space.moran import AT_MEAN, COEFFICIENTS, GlobalMoran, describe, global_moran
from geo_engine.space.multiplicity import Kinds
from geo_engine.space.random_labelling import both_tests, labelled_tails, labelling_p
from geo_engine.space.record import INTEREST, MONTE_CARLO
from geo_engine.space.weights import Weights
from geo_engine.tables import (
    LOCAL_CONSTANT,
    LOCAL_ISOLATE,
    LOCAL_MISSING,
    LOCAL_OK,
    LOCAL_TOO_SPARSE,
)

FloatArray = npt.NDArray[np.float64]

REASONS = ("", "constant", "few_places", "few_positive", "few_firms")
"""Why a map is not tested, by code 0 to 4. For the last three a wider reference area helps."""


ROUNDED_ALIKE = 1e-14
"""A map whose values differ by less than this part of the largest is constant: sums of the same
numbers in another order differ by as much, and must not become a pattern."""


@dataclass(frozen=True, kw_only=True)
class LocalTest:
    """What decides the local tests of one variable."""

    counts: bool
    """The values count something, and zero is their ordinary value."""
    seed: int
    """Seed of the study, for the few places that only random draws can settle."""
    alpha: float = 0.05
    """Level of the false discovery rate."""
    family: Literal["map", "year", "panel"] = "map"
    """Which q-value decides what is ``significant``."""
    min_places: int = 30
    """Maps with fewer observed places are not tested."""
    min_positive: int = 10
    """Maps with fewer places other than zero (counts) or than the commonest value: the same."""
    min_firms: int = 0
    """Maps with fewer firms (sum of counts, or of the known ones behind shares): the same."""
    alternative: Literal["two-sided", "greater", "less"] = "two-sided"
    """What is looked for; "greater" is a high lag for Gi, positive association for Moran."""
    statistic: Literal["gi", "moran"] = "gi"
    """Which one a one-sided alternative is about. Two-sided p-values are the same for both."""
    correction: Literal["bh", "by"] = "bh"
    """Benjamini-Hochberg, or Benjamini-Yekutieli, which holds under any dependence."""
    details: bool = False
    """Add Gi, expected values and variances, ``q_value_year``, and why maps are not tested."""


@dataclass(frozen=True, kw_only=True)
class Column:
    """One map, its places in the order of their labels."""

    data: FloatArray
    """NaN where there is no value."""
    names: tuple[object, object]
    """Chain and year, for the seed."""
    firms: tuple[FloatArray, FloatArray] | None = None
    """Digital and known firms behind shares."""
    by_labels_alone: bool = False


@dataclass(frozen=True, kw_only=True)
class Found:
    """Results of one map."""

    floats: dict[str, FloatArray]
    """By name, one value for each place that has one."""
    codes: dict[str, npt.NDArray[np.int8]]
    seen: npt.NDArray[np.bool_]
    """Places with a value."""
    summary: dict[str, float]
    kinds: Kinds | None = None
    """The p-values again, where they were found by kind."""


def test_map(column: Column, links: Links, weights: Weights | None, test: LocalTest) -> Found:
    """Test one map.

    Parameters
    ----------
    column : Column
        Its values.
    links : Links
        Who is a neighbor of whom.
    weights : Weights, optional
        When neighbors do not weigh the same.
    test : LocalTest
        What to test.

    Returns
    -------
    Found
        Statuses hold for places with a value only.
    """
    plain = weights is None and column.firms is None and test.alternative == "two-sided"
    counted = _counted(column, links, test) if plain and test.counts else None
    if counted is not None:
        return counted
    seen = ~np.isnan(column.data)
    observed, exponent = tamed(column.data[seen])
    among = links.among(seen)
    reason, facts = _reason(column, observed, seen, test)
    if reason:
        code = LOCAL_CONSTANT if reason == 1 else LOCAL_TOO_SPARSE
        lag = among.lag(observed) if weights is None else weights.among(seen).lag(observed)
        return Found(
            floats={"lag": np.ldexp(lag, exponent)},
            codes={"status": np.full(len(observed), code, np.int8)},
            seen=seen,
            summary={"status": code, "expected_below_005": 0.0, "reason": reason, **facts},
        )
    inside = None if weights is None else weights.among(seen)
    if inside is None:
        sums = among.sums(observed)
        found, quadrant = describe(observed, sums, among.draws, moments=test.details)
        floats = dict(zip(COEFFICIENTS, found, strict=False))
    else:
        floats, quadrant = _weighted(observed, inside, test)
    tails = _tails(column, (observed, seen), (among, inside, floats["lag"]), test)
    floats["p_value"], floats["p_error"] = tails.p_value, tails.p_error
    summary = _summary(observed, floats["lag"], (among, inside), tails)
    if exponent:
        floats["lag"] = np.ldexp(floats["lag"], exponent)
    codes = {
        "quadrant": quadrant,
        "method": tails.method,
        "status": np.where(among.linked, np.int8(LOCAL_OK), _alone(links, seen)),
    }
    return Found(
        floats=floats,
        codes=codes,
        seen=seen,
        summary={**summary, **facts},
    )


def _counted(column: Column, links: Links, test: LocalTest) -> Found | None:
    """Test an ordinary map of small counts; None where it is not one, or cannot be tested."""
    found = count_map(column.data, links, moments=test.details)
    if found is None or _lacking((len(column.data), found.positive, found.total), test):
        return None
    floats = dict(zip(COEFFICIENTS, found.coefficients, strict=False))
    seen = np.ones(len(column.data), np.bool_)
    return Found(
        floats={**floats, "p_value": found.p_value, "p_error": found.p_error},
        codes={
            "quadrant": found.quadrant,
            "method": found.method,
            "status": np.where(links.linked, np.int8(LOCAL_OK), np.int8(LOCAL_ISOLATE)),
        },
        seen=seen,
        summary={
            **_whole(found.moran, links, found.expected_of_interest),
            "observed": len(seen),
            "positive": found.positive,
            "firms": found.total,
        },
        kinds=found.kinds,
    )


def _alone(links: Links, seen: npt.NDArray[np.bool_]) -> npt.NDArray[np.int8]:
    """Tell places that have no neighbor from those that see none."""
    return np.where(links.linked[seen], np.int8(LOCAL_MISSING), np.int8(LOCAL_ISOLATE))


def _weighted(
    observed: FloatArray, weights: Weights, test: LocalTest
) -> tuple[dict[str, FloatArray], npt.NDArray[np.int8]]:
    """Compute the coefficients with weights; Gi* needs a weight of the place itself: not given."""
    standard = weights.scaled("row")
    lag = standard.lag(observed)
    draws = np.where(weights.draws > 0, 1, 0).astype(np.int64)
    found, codes = describe(observed, np.nan_to_num(lag), draws, moments=False)
    floats = dict(zip(COEFFICIENTS, found, strict=False))
    floats["gi_star"] = np.full(len(lag), np.nan)
    if test.details:
        mean, variance = moments_of_sums(*moments_of_others(observed), standard)
        z, scale = observed - observed.mean(), observed.std()
        with np.errstate(invalid="ignore", divide="ignore"):
            floats["gi"] = np.where(variance > 0, (lag - mean) / np.sqrt(variance), np.nan)
        floats["moran_expected"] = z * (mean - observed.mean()) / scale**2
        floats["moran_variance"] = z**2 * variance / scale**4
    return floats, codes


def _sides(observed: FloatArray, test: LocalTest) -> npt.NDArray[np.int8] | None:
    """Give the tail of the neighbors' sum that the alternative means; None for both."""
    if test.alternative == "two-sided":
        return None
    sign = 1 if test.alternative == "greater" else -1
    if test.statistic == "gi":
        return np.full(len(observed), sign, np.int8)
    z = observed - observed.mean()
    z[np.abs(z) <= AT_MEAN * np.abs(z).max()] = 0.0
    return (sign * np.sign(z)).astype(np.int8)


def _at_mean(tails: Tails, sides: npt.NDArray[np.int8] | None) -> Tails:
    """Give p = 1 where Moran is zero whatever the neighbors are."""
    if sides is None or (sides != 0).all():
        return tails
    flat = (sides == 0) & ~np.isnan(tails.p_value)
    return replace(
        tails,
        p_value=np.where(flat, 1.0, tails.p_value),
        p_error=np.where(flat, 0.0, tails.p_error),
    )


def _tails(
    column: Column,
    given: tuple[FloatArray, npt.NDArray[np.bool_]],
    around: tuple[Links, Weights | None, FloatArray],
    test: LocalTest,
) -> Tails:
    """Test by exchanging rates, labels or both."""
    observed, seen = given
    links, weights, lag = around
    sides = _sides(observed, test)
    labelled, floor = None, None
    if column.firms is not None:
        digital, known = (part[seen] for part in column.firms)
        high = lag > observed.mean() if sides is None else sides > 0
        p = labelling_p(digital, known, links, high=high, doubled=sides is None)
        labelled = labelled_tails(p, links.draws > 0)
        if column.by_labels_alone:
            return _at_mean(labelled, sides)
        floor = np.nan_to_num(labelled.p_value)
    seed = map_seed(test.seed, *column.names)
    if weights is None:
        tails = conditional_tails(observed, links, seed=seed, floor=floor, side=sides)
    else:
        tails = _drawn(observed, weights, seed, sides)
    return _at_mean(tails if labelled is None else both_tests(tails, labelled), sides)


def _drawn(
    observed: FloatArray,
    weights: Weights,
    seed: np.random.SeedSequence,
    sides: npt.NDArray[np.int8] | None,
) -> Tails:
    """Test by random draws that all places share, ended early where p is large."""
    drawn = drawn_tails((observed,), weights, seed, squared_differences=False)
    linked = weights.draws > 0
    if sides is None:
        p, error = np.minimum(1.0, 2 * np.minimum(drawn.lower, drawn.upper)), drawn.error
    else:
        p, error = np.where(sides > 0, drawn.upper, drawn.lower), drawn.error / 2
    return Tails(
        p_value=p,
        p_error=error,
        method=np.where(linked, MONTE_CARLO, 0).astype(np.int8),
        expected_of_interest=INTEREST * float(linked.sum()),
    )


def _summary(
    observed: FloatArray, lag: FloatArray, around: tuple[Links, Weights | None], tails: Tails
) -> dict[str, float]:
    """Describe one map as a whole."""
    links, weights = around
    moments = None
    if weights is not None:
        matrix = weights.scaled("row").matrix
        both = matrix + matrix.T
        rows = np.asarray(both.sum(axis=1)).ravel()
        moments = float((both.data**2).sum() / 2), float(rows @ rows)
    whole = global_moran(observed, lag, links, moments)
    return _whole(whole, links, tails.expected_of_interest)


def _whole(whole: GlobalMoran, links: Links, expected: float) -> dict[str, float]:
    """Name what is known of a map that was tested."""
    return {
        "moran_i": whole.value,
        "moran_expected": whole.expected,
        "moran_p": whole.p_value,
        "tested": int(np.count_nonzero(links.linked)),
        "expected_below_005": expected,
        "status": LOCAL_OK,
        "reason": 0,
    }


def _reason(
    column: Column, observed: FloatArray, seen: npt.NDArray[np.bool_], test: LocalTest
) -> tuple[int, dict[str, float]]:
    """Tell why a map cannot be tested, if so, and what was counted."""
    n = len(observed)
    if not n:
        return REASONS.index("few_places"), {"observed": 0, "positive": 0, "firms": 0.0}
    positive = int(np.count_nonzero(observed)) if test.counts else n - _commonest(observed)
    firms = (
        float(column.firms[1][seen].sum())
        if column.firms is not None
        else float(observed.sum() if test.counts else np.nan)
    )
    facts = {"observed": n, "positive": positive, "firms": firms}
    # Halves: the difference of the two ends of the range would be beyond it.
    half_range = observed.max() / 2 - observed.min() / 2
    if half_range <= ROUNDED_ALIKE / 2 * np.abs(observed).max():
        return REASONS.index("constant"), facts
    return _lacking((n, positive, firms), test), facts


def _lacking(counted: tuple[int, int, float], test: LocalTest) -> int:
    """Tell which of places, positive ones and firms are too few; 0 for none."""
    n, positive, firms = counted
    if n < max(test.min_places, 3):
        return REASONS.index("few_places")
    if positive < test.min_positive:
        return REASONS.index("few_positive")
    return REASONS.index("few_firms") if firms < test.min_firms else 0


def _commonest(observed: FloatArray) -> int:
    """Count the places with the commonest value."""
    ordered = np.sort(observed)
    edges = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1], [True]]))
    return int(np.diff(edges).max())
