"""Births, deaths and growth of firms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numba
import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from geo_engine.errors import StatisticsError, TableError
from geo_engine.indicators.amounts import chains_of_codes
from geo_engine.indicators.intervals import LEVEL, wilson
from geo_engine.tables import require_columns

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

HISTORY_COLUMNS = ("place", "code", "born", "ended")
"""place, code: positions (-1: none); born, ended: calendar years, NaN where not known or alive."""
UNDATED, ALIVE = -9999, 9999
LEAST_FIRMS = 10.0
"""A rate of fewer firms is shown with its interval and ranks nowhere."""


@dataclass(frozen=True, kw_only=True)
class Flows:
    """Firms that begin and end, shape (areas, chains + 1, years); the last chain is all firms."""

    births: FloatArray
    deaths: FloatArray
    active: FloatArray
    """Alive on some day of the year."""
    at_start: FloatArray
    """Alive on 1 January, that is born before the year and not ended before it."""
    undated: FloatArray
    """Firms without a year of birth, shape (areas, chains + 1): they are in none of the others."""


def count_flows(
    histories: pd.DataFrame,
    members: npt.NDArray[np.bool_] | FloatArray,
    *,
    areas: npt.NDArray[np.integer],
    size: int,
    years: tuple[int, ...],
) -> Flows:
    """Count who is born, dies and lives in each year.

    Parameters
    ----------
    histories : DataFrame
        ``HISTORY_COLUMNS``, one row per firm (not per year).
    members : array of bool or float, shape (codes, chains)
        Which code belongs to which chain, or with which weight.
    areas : array of int
        Area of each place by position; -1 for none.
    size : int
        Number of areas.
    years : tuple of int
        Calendar years, rising.

    Returns
    -------
    Flows

    Raises
    ------
    TableError
        ``MISSING_COLUMN``; ``POSITION_RANGE``; ``DATE_ORDER`` for firms that end before they begin.

    Notes
    -----
    A list of the firms alive today holds no firm that has closed: its deaths are zero by
    construction, and its births of past years are those of survivors. Call :func:`flow_rates`
    with ``closed=False`` for such a list.
    """
    require_columns(histories, HISTORY_COLUMNS, "The table of histories")
    place, code = (histories[name].to_numpy(np.int64) for name in ("place", "code"))
    for name, positions, limit in (("place", place, len(areas)), ("code", code, len(members))):
        wrong = int(((positions >= limit) | (positions < -1)).sum())
        if wrong:
            raise TableError(
                "POSITION_RANGE",
                f"{wrong:,} of {len(positions):,} positions of {name} are outside 0 to "
                f"{limit - 1}.",
            )
    born, ended = (
        histories[name].to_numpy(np.float64, na_value=np.nan) for name in ("born", "ended")
    )
    reversed_ = int((ended < born).sum())
    if reversed_:
        raise TableError(
            "DATE_ORDER",
            f"{reversed_:,} of {len(born):,} firms end before they begin. Check which columns of "
            "dates are mapped, or quarantine the rows.",
        )
    zone = np.append(np.asarray(areas, np.int64), -1)[place]
    first = np.nan_to_num(born, nan=UNDATED).astype(np.int64)
    last = np.nan_to_num(ended, nan=ALIVE).astype(np.int64)
    links, chains, loads = chains_of_codes(members)
    calendar = np.array(years, np.int64)
    span = np.searchsorted(calendar, first), np.searchsorted(calendar, last, side="right")
    events = (
        np.where(np.isin(first, calendar), span[0], -1),
        np.where(np.isin(last, calendar), span[1] - 1, -1),
    )
    shape = (size, members.shape[1] + 1, len(years))
    births, deaths = np.zeros(shape), np.zeros(shape)
    steps, undated = np.zeros((*shape[:2], len(years) + 1)), np.zeros(shape[:2])
    rows = _Lives(zone, code, first == UNDATED, *events, *span, links, chains, loads)
    _add_lives(rows, births, deaths, steps, undated)
    active = np.cumsum(steps[..., :-1], axis=-1)
    return Flows(
        births=births, deaths=deaths, active=active, at_start=active - births, undated=undated
    )


def flow_rates(flows: xr.Dataset, *, closed: bool, level: float = LEVEL) -> xr.Dataset:
    """Relate births and deaths to firms.

    Parameters
    ----------
    flows : Dataset
        ``births``, ``deaths``, ``active`` and ``at_start``, dims ("place", ...).
    closed : bool
        Whether the source also lists firms that have closed. Otherwise deaths, and every rate, are
        missing: births among survivors over survivors would look like a rate and be none.
    level : float
        Probability of the intervals.

    Returns
    -------
    Dataset, same dims
        ``birth_rate`` and ``death_rate``: of 100 firms active in the year (Eurostat), with
        ``_low`` and ``_high`` by Wilson; ``churn_rate``, their sum; ``growth_rate``: births minus
        deaths of 100 firms on 1 January (as Movimprese). NaN without firms.

    References
    ----------
    Eurostat, OECD (2007). Manual on Business Demography Statistics, ch. 5-7.
    """
    births, deaths, active, start = (
        flows[name].to_numpy() for name in ("births", "deaths", "active", "at_start")
    )
    found: dict[str, FloatArray] = {}
    with np.errstate(invalid="ignore", divide="ignore"):
        for name, events in (("birth_rate", births), ("death_rate", deaths)):
            low, high = wilson(events, active, level=level)
            found[name] = np.where(active > 0, 100 * events / active, np.nan)
            found[f"{name}_low"], found[f"{name}_high"] = 100 * low, 100 * high
        found["churn_rate"] = found["birth_rate"] + found["death_rate"]
        found["growth_rate"] = np.where(start > 0, 100 * (births - deaths) / start, np.nan)
    if not closed:
        found = {name: np.full_like(value, np.nan) for name, value in found.items()}
    like = flows["births"]
    return xr.Dataset({name: like.copy(data=value) for name, value in found.items()})


def growth(counts: xr.DataArray, *, periods: int = 1, level: float = LEVEL) -> xr.Dataset:
    """Compare each year with an earlier one.

    Parameters
    ----------
    counts : DataArray, dims (..., "year")
        Firms or other counts, at least 0; NaN where missing.
    periods : int
        Years between the two; only years that are that far apart in the calendar are compared.
    level : float
        Probability of the interval.

    Returns
    -------
    Dataset, same dims
        ``growth`` (0.1 is 10 % over the whole time), ``growth_yearly`` (per year, compound),
        ``growth_low`` and ``growth_high``: interval of the ratio of two Poisson counts, and
        ``difference``. NaN where the earlier count is 0 or missing, or there is no earlier year.

    Raises
    ------
    StatisticsError
        ``UNKNOWN_DIM`` without years; ``PERIODS_INVALID`` unless one or more.
    TableError
        ``COUNT_RANGE`` for negative counts.

    Notes
    -----
    The interval treats the years as independent. They hold largely the same firms, so it is too
    wide: what it calls growth is growth. It is Wilson's on the part of the later year in the sum.
    """
    if "year" not in counts.dims:
        raise StatisticsError("UNKNOWN_DIM", f"There is no dim 'year' in {counts.dims}.")
    if periods < 1:
        raise StatisticsError("PERIODS_INVALID", f"periods is {periods}; one or more.")
    negative = int((counts.to_numpy() < 0).sum())
    if negative:
        raise TableError("COUNT_RANGE", f"{negative:,} of {counts.size:,} counts are negative.")
    years = counts["year"].to_numpy()
    before = counts.reindex(year=years - periods).assign_coords(year=years)
    x0, x1 = before.transpose(*counts.dims).to_numpy(), counts.to_numpy()
    given = (x0 > 0) & np.isfinite(x1)
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = np.where(given, x1 / x0, np.nan)
        low, high = wilson(
            np.where(given, x1, np.nan), np.where(given, x0 + x1, np.nan), level=level
        )
        found = {
            "growth": ratio - 1,
            "growth_yearly": ratio ** (1 / periods) - 1,
            "growth_low": low / (1 - low) - 1,
            "growth_high": high / (1 - high) - 1,
            "difference": x1 - x0,
        }
    return xr.Dataset({name: counts.copy(data=value) for name, value in found.items()})


class _Lives(NamedTuple):
    """Firms as the kernel takes them, years by position (-1: outside)."""

    zone: IntArray
    code: IntArray
    undated: npt.NDArray[np.bool_]
    born: IntArray
    ended: IntArray
    first: IntArray
    """First year alive, and the one after the last."""
    stop: IntArray
    links: IntArray
    chains: IntArray
    loads: FloatArray


@numba.njit(cache=True)
def _add_lives(
    rows: _Lives, births: FloatArray, deaths: FloatArray, steps: FloatArray, undated: FloatArray
) -> None:  # pragma: no cover
    """Add every firm to the years it was born, died and lived in, in each of its chains."""
    everyone = births.shape[1] - 1
    for row in range(len(rows.zone)):
        i, c = rows.zone[row], rows.code[row]
        if i < 0:
            continue
        start = rows.links[c] if c >= 0 else 0
        stop = rows.links[c + 1] if c >= 0 else 0
        for j in range(start - 1, stop):
            own = j >= start
            chain = rows.chains[j] if own else everyone
            load = rows.loads[j] if own else 1.0
            if rows.undated[row]:
                undated[i, chain] += load
            elif rows.first[row] < rows.stop[row]:
                steps[i, chain, rows.first[row]] += load
                steps[i, chain, rows.stop[row]] -= load
                if rows.born[row] >= 0:
                    births[i, chain, rows.born[row]] += load
                if rows.ended[row] >= 0:
                    deaths[i, chain, rows.ended[row]] += load
