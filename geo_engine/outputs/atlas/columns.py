"""The figures of one chain as whole numbers, most of them as distances from what is expected.

The reader (``src/20_columns.js``) makes the same predictions from the columns before, with the same
double arithmetic, so that a figure that follows from others (a density from a count) costs nothing,
and one that does not is still exact to its step.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from geo_engine import tables
from geo_engine.outputs.atlas.codec import nearest, nullable, packed, surprises, varints
from geo_engine.outputs.atlas.geographies import level_panels
from geo_engine.outputs.atlas.intervals import SHARE_STEPS, beta_interval, newcombe
from geo_engine.results import Facts, Results

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

PARTS = 100
"""Steps of a firm that is divided among chains."""
QUOTIENT_STEPS = 100
PER_1000_STEPS = 100
PER_KM2_STEPS = 1000
LOCAL_OF_STATUS = np.array([1, 1, 1, 5, 6])
"""Local status that a status of the panel leads one to expect where there is no test."""
COUNTS = ("firms", "known", "digital")
TOTAL_STEPS = 1_000_000_000
PRIOR_STEPS = (1_000_000, 1000)
"""Steps of the mean and of the weight toward which shares are drawn."""
LEVEL_RATES = (
    ("location_quotient", QUOTIENT_STEPS),
    ("firms_per_1000", PER_1000_STEPS),
    ("firms_per_km2", PER_KM2_STEPS),
)
"""Rates of the levels above municipalities, where the panel has them."""
LABELED_P = 0.05
"""Quadrants of places with a larger p, not significant either, are not shown and not stored."""
EDGES = (*(k / 1000 for k in range(1, 10)), *(k / 100 for k in range(1, 6)), 0.1)
"""Upper bounds of the bins of p and q: a bin says "below its bound", the last one "more"."""


@dataclass(frozen=True, kw_only=True)
class Base:
    """What all chains share, in the order of the places."""

    population: Floats
    area: Floats
    """Square kilometers in steps of 0.0001."""
    region: Integers
    totals: Integers
    """All firms of a place among all firms of the year, in steps of 1e-9, (year, place)."""
    edges: Floats
    alpha: float
    q_name: str
    """The q-value that decides: ``q_value`` or ``q_value_panel``."""
    parts: int
    """Steps of one firm: 1, or 100 where firms are divided among chains."""


def make_base(results: Results) -> Base:
    """Collect what the columns of every chain refer to.

    Parameters
    ----------
    results : Results
        What may be shown.

    Returns
    -------
    Base
        Ready for :func:`chain_columns`.
    """
    places, facts = results.places, results.facts
    return Base(
        population=nearest(places["population"].to_numpy(float)),
        area=nearest(places["area_km2"].to_numpy(float), 10_000),
        region=pd.factorize(places["cod_reg"], sort=True)[0].astype(np.int64),
        totals=_totals(results.panel),
        edges=_edges(facts),
        alpha=facts.alpha,
        q_name=tables.q_column(facts.family),
        parts=count_parts(facts),
    )


def count_parts(facts: Facts) -> int:
    """Give the steps of one firm.

    Parameters
    ----------
    facts : Facts
        Of the study.

    Returns
    -------
    int
        1 where counts are whole, 100 where firms are divided among chains.
    """
    return 1 if facts.whole_counts else PARTS


def counts_of(panel: xr.Dataset, name: str, parts: int) -> Floats:
    """Give counts as the page knows them.

    Parameters
    ----------
    panel : Dataset
        With the variable; ``digital`` counts only where the share is shown.
    name : str
        ``firms``, ``known`` or ``digital``.
    parts : int
        Steps of one firm.

    Returns
    -------
    ndarray of float64
        Firms, to a step; NaN where missing.
    """
    values = _shown_digital(panel) if name == "digital" else _values(panel, name)
    return nearest(values, parts) / parts


def chain_columns(results: Results, base: Base, chain: str) -> str:
    """Pack all figures of one chain.

    Parameters
    ----------
    results : Results
        What may be shown.
    base : Base
        What all chains share.
    chain : str
        Key of the chain.

    Returns
    -------
    str
        Base64 of gzip of varints; the order of columns is the order of the reader.
    """
    panel = results.panel.sel(chain=chain).transpose("year", "place", ...)
    local = results.local.sel(chain=chain).transpose("variable", "year", "place", ...)
    change = results.change.sel(chain=chain)
    columns = [
        *_counts(panel, base.parts),
        *_shares(panel, base),
        *_rates(panel, base),
        *_tests(local.sel(variable="firms"), panel["status"].to_numpy(), base),
        *_tests(local.sel(variable="share"), panel["share_status"].to_numpy(), base),
        *_changes(change, panel, base.parts),
        *_robustness(results, chain),
        *_levels(results, chain, base.parts),
    ]
    return packed(b"".join(varints(column) for column in columns))


def _totals(panel: xr.Dataset) -> Integers:
    """Work the weight of each place among all firms out of the quotients: they were made of it."""
    firms = panel["firms"].transpose("chain", "year", "place").to_numpy().astype(float)
    quotient = panel["location_quotient"].transpose("chain", "year", "place").to_numpy()
    sums = np.nansum(firms, axis=2, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        weight = np.where(firms > 0, firms / sums / quotient, np.nan)
    weight = np.where(np.isfinite(weight), weight, -np.inf).max(axis=0)
    return np.rint(TOTAL_STEPS * np.clip(weight, 0, 1)).astype(np.int64)


def _values(dataset: xr.Dataset, name: str) -> Floats:
    """Give one variable as floats."""
    return dataset[name].to_numpy().astype(float)


def _previous(values: Floats) -> Floats:
    """Give the figures of the year before, NaN in the first."""
    return np.concatenate([np.full_like(values[:1], np.nan), values[:-1]])


def _shown_digital(panel: xr.Dataset) -> Floats:
    """Give digital firms only where their share is shown."""
    return np.where(np.isnan(_values(panel, "share")), np.nan, _values(panel, "digital"))


def _counts(panel: xr.Dataset, parts: int) -> list[Integers]:
    """Firms, firms with a signal, digital firms, and the statuses that these do not explain."""
    firms, known, digital = (counts_of(panel, name, parts) for name in COUNTS)
    with np.errstate(divide="ignore", invalid="ignore"):
        expected = nearest(known * _previous(digital) / _previous(known), parts)
    gap = np.nan_to_num(_previous(firms - known))
    outside = np.where(np.isnan(firms), tables.NOT_COVERED, tables.OK)
    status = np.where(firms == 0, tables.NO_FIRMS, outside)
    hidden = np.where(known > 0, tables.SUPPRESSED, status)
    share_status = np.where(np.isnan(digital), hidden, tables.OK)
    return [
        nullable(nearest(firms, parts), nearest(_previous(firms), parts)),
        nullable(nearest(known, parts), nearest(firms - gap, parts)),
        nullable(nearest(digital, parts), expected),
        surprises(panel["status"].to_numpy(), status),
        surprises(panel["share_status"].to_numpy(), share_status),
    ]


def _shares(panel: xr.Dataset, base: Base) -> list[Integers]:
    """Priors by year and region, then corrected shares and their intervals.

    The interval is expected where a Beta of that mean and weight has it, by Cornish and Fisher.
    """
    known, digital = (counts_of(panel, name, base.parts) for name in COUNTS[1:])
    corrected = _values(panel, "share_eb")
    priors = _priors(panel, base)
    mean = (priors[0] / PRIOR_STEPS[0])[:, base.region]
    weight = (priors[1] / PRIOR_STEPS[1])[:, base.region]
    with np.errstate(divide="ignore", invalid="ignore"):
        firms = known + weight
        share = (digital + mean * weight) / firms
        low, high = beta_interval(share, firms)
    return [
        priors[0],
        priors[1],
        nullable(nearest(corrected, SHARE_STEPS), nearest(share, SHARE_STEPS)),
        nullable(nearest(_values(panel, "share_eb_low"), SHARE_STEPS), low),
        nullable(nearest(_values(panel, "share_eb_high"), SHARE_STEPS), high),
    ]


def _priors(panel: xr.Dataset, base: Base) -> tuple[Integers, Integers]:
    """Find the mean and weight toward which shares are drawn, by year and region.

    A corrected share is ``w * share + (1 - w) * mean`` with ``w = known / (known + weight)``.
    """
    known, weight = _values(panel, "known"), _values(panel, "reliability")
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = (_values(panel, "share_eb") - weight * _values(panel, "share")) / (1 - weight)
        prior = known * (1 - weight) / weight
    regions = range(int(base.region.max()) + 1)
    found = np.stack(
        [
            np.column_stack([_middle(values[:, base.region == region]) for region in regions])
            for values in (mean, prior)
        ]
    )
    found = np.clip(found, 0, [[[1.0]], [[1e6]]])
    steps = np.array(PRIOR_STEPS)[:, None, None]
    rounded = np.rint(found * steps).astype(np.int64)
    return rounded[0], rounded[1]


def _middle(values: Floats) -> Floats:
    """Give the median of each row over what is finite, 0 where nothing is."""
    good = np.isfinite(values)
    count = good.sum(axis=1)
    ordered = np.sort(np.where(good, values, np.inf), axis=1)  # what is missing stands last
    row = np.arange(len(values))
    two = [ordered[row, np.maximum(at, 0) // 2] for at in (count - 1, count)]
    return np.where(count > 0, (two[0] + two[1]) / 2, 0)


def _rates(panel: xr.Dataset, base: Base) -> list[Integers]:
    """Location quotients and densities."""
    firms = counts_of(panel, "firms", base.parts)
    sums = np.nansum(firms, axis=1, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        quotient = nearest(firms / sums / (base.totals / TOTAL_STEPS), QUOTIENT_STEPS)
        per_1000 = nearest(1000 * firms / base.population, PER_1000_STEPS)
        per_km2 = nearest(10_000 * firms / base.area, PER_KM2_STEPS)
    actual = (
        (_values(panel, "location_quotient"), QUOTIENT_STEPS, quotient),
        (_values(panel, "firms_per_1000"), PER_1000_STEPS, per_1000),
        (_values(panel, "firms_per_km2"), PER_KM2_STEPS, per_km2),
    )
    return [nullable(nearest(values, steps), expected) for values, steps, expected in actual]


def _edges(facts: Facts) -> Floats:
    """Give the edges of the bins of p and q, alpha among them.

    A public q above alpha may only say that it is (``disclosure``), so there is no edge beyond it.
    """
    edges = sorted({*EDGES, facts.alpha})
    if facts.audience == "public":
        edges = [edge for edge in edges if edge <= facts.alpha]
    return np.array(edges)


def _tests(local: xr.Dataset, status: npt.NDArray[np.int8], base: Base) -> list[Integers]:
    """Bins of p and q, marks (quadrant and verdict), and the statuses of places not tested."""
    p, q = _values(local, "p_value"), _values(local, base.q_name)
    significant = q < base.alpha
    labeled = significant | (p < LABELED_P)
    mark = np.where(labeled, 2 * local["quadrant"].to_numpy().astype(np.int64) + significant, 0)
    return [
        *(_bins(values, base) for values in (p, q)),
        mark,
        surprises(local["status"].to_numpy(), np.where(np.isnan(p), LOCAL_OF_STATUS[status], 0)),
    ]


def _bins(values: Floats, base: Base) -> Integers:
    """Give each p or q the number of its bin, from 1; 0 is missing."""
    found = np.searchsorted(base.edges, values, side="right") + 1
    return np.where(np.isnan(values), 0, found).astype(np.int64)


def _changes(change: xr.Dataset, panel: xr.Dataset, parts: int) -> list[Integers]:
    """Years compared, statuses, directions, and the differences with their interval."""
    years = panel["year"].to_numpy()
    first, last = (_position(_values(change, name), years) for name in ("first_year", "last_year"))
    share = nearest(_values(change, "share_change"), SHARE_STEPS)
    low, high = (nearest(_values(change, name), SHARE_STEPS) for name in ("low", "high"))
    firms, known, digital = (counts_of(panel, name, parts) for name in COUNTS)
    place = np.arange(firms.shape[1])
    at = (np.maximum(first - 1, 0), place), (np.maximum(last - 1, 0), place)
    expected = newcombe([(digital[year], known[year]) for year in at])
    difference = firms[at[1]] - firms[at[0]]
    return [
        first,
        last,
        change["status"].to_numpy().astype(np.int64),
        change["direction"].to_numpy().astype(np.int64) + 1,
        nullable(nearest(_values(change, "firms_change"), parts), nearest(difference, parts)),
        nullable(share, expected[0]),
        nullable(low, expected[1]),
        nullable(high, expected[2]),
    ]


def _robustness(results: Results, chain: str) -> list[Integers]:
    """In how many hundredths of the specifications a place is a hotspot; missing where untried."""
    shape = (len(results.facts.years), len(results.places))
    robust = results.robustness
    if "robustness" not in robust or chain not in robust["chain"].to_numpy():
        return [np.zeros(shape, dtype=np.int64)]
    part = robust["robustness"].sel(chain=chain)
    part = part.reindex(place=results.places.index, year=list(results.facts.years))
    return [nullable(nearest(part.transpose("year", "place").to_numpy(), 100))]


def _position(values: Floats, years: npt.NDArray[np.int64]) -> Integers:
    """Give each year its number, from 1; 0 is missing."""
    found = np.searchsorted(years, np.nan_to_num(values)) + 1
    return np.where(np.isin(values, years), found, 0).astype(np.int64)


def _levels(results: Results, chain: str, parts: int) -> list[Integers]:
    """Provinces, regions, the country and zones: counts, shares, rates and statuses."""
    columns: list[Integers] = []
    for panel in level_panels(results):
        columns += _level(panel.sel(chain=chain).transpose("year", "area"), parts)
    return columns


def _level(panel: xr.Dataset, parts: int) -> list[Integers]:
    """Write one level; the share follows from its counts but where zones weigh them."""
    firms, known, digital = (counts_of(panel, name, parts) for name in COUNTS)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = nearest(digital / known, SHARE_STEPS)
    rates = [
        nearest(_values(panel, name), steps) if name in panel else np.full_like(firms, np.nan)
        for name, steps in LEVEL_RATES
    ]
    status, share_status = (
        np.nan_to_num(_values(panel, name), nan=tables.NOT_COVERED).astype(np.int64)
        for name in ("status", "share_status")
    )
    return [
        *(
            nullable(nearest(values, parts), nearest(_previous(values), parts))
            for values in (firms, known, digital)
        ),
        nullable(nearest(_values(panel, "share"), SHARE_STEPS), share),
        *(nullable(values, _previous(values)) for values in rates),
        status,
        share_status,
    ]
