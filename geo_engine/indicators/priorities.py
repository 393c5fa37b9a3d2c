"""Where to act: specialization against digital need, and an order that follows a stated rule."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from geo_engine import tables
from geo_engine.errors import StatisticsError

FloatArray = npt.NDArray[np.float64]

NEED_QUADRANTS = (
    "",
    "specialized_need",
    "specialized_ready",
    "other_need",
    "other_ready",
)
"""Quadrant by code 0 to 4: specialized in the chain or not, below the reference share or not."""

PRIORITIES = ("", "act", "accompany", "watch", "consolidate", "none")
"""Priority by code 0 to 5; 0 where the share or the quotient is missing."""

PRIORITY_RULE = (
    "act: the interval of the location quotient lies above 1, that of the share below the "
    "reference, there are at least {least_firms} firms, and the share does not rise; "
    "accompany: the same, and the share rises; "
    "watch: quotient above 1 and share below the reference, without certainty or with fewer firms; "
    "consolidate: the interval of the quotient lies above 1, there are at least {least_firms} "
    "firms, and the share is at the reference or above; none: all others. Within a class the order "
    "is that of the firms missing to the "
    "reference: (reference - share) times firms. The share is the one corrected for small numbers "
    "(empirical Bayes, toward the region) with its credible interval; whether it rises is told "
    "from the raw shares of the first and last year."
)
"""The rule, in words; ``least_firms`` is filled in."""

LEAST_FIRMS = 10


@dataclass(frozen=True, kw_only=True)
class Need:
    """What the crossing is computed from, all over the same dims."""

    specialization: xr.Dataset
    """``location_quotient``, ``location_quotient_low``, as
    :func:`geo_engine.indicators.specialization.specialization`."""
    share: xr.DataArray
    """Digital share, smoothed."""
    share_low: xr.DataArray
    share_high: xr.DataArray
    """Its interval."""
    reference: xr.DataArray
    """Share to reach, dims among those of ``share``: the country's, or a target (0.9)."""


def need_quadrants(need: Need) -> xr.Dataset:
    """Cross specialization with digital need.

    Parameters
    ----------
    need : Need
        Specialization, share and reference.

    Returns
    -------
    Dataset, dims of ``need.share``
        ``need_quadrant`` (int8, code of ``NEED_QUADRANTS``: specialized where the quotient is
        above 1, in need where the share is below the reference; 0 where either is missing),
        ``need_certain`` (int8: 1 where both intervals lie on that side) and ``digital_gap``
        (reference minus share, 0.01 is one point).

    Raises
    ------
    StatisticsError
        ``INDEX_MISMATCH`` when the parts differ in dims.
    """
    quotient, low, high, share, share_low, share_high, reference = _parts(need)
    special, needy = quotient > 1, share < reference
    missing = np.isnan(quotient) | np.isnan(share) | np.isnan(reference)
    code = np.where(special, np.where(needy, 1, 2), np.where(needy, 3, 4))
    certain = np.where(special, low > 1, high < 1) & np.where(
        needy, share_high < reference, share_low >= reference
    )
    found: dict[str, npt.NDArray[Any]] = {
        "need_quadrant": np.where(missing, 0, code).astype(np.int8),
        "need_certain": np.where(missing, 0, certain).astype(np.int8),
        "digital_gap": reference - share,
    }
    return tables.dataset_like(need.share, found)


def priority_table(
    need: Need,
    firms: xr.DataArray,
    *,
    trend: xr.DataArray | None = None,
    growth: xr.DataArray | None = None,
    least_firms: int = LEAST_FIRMS,
) -> pd.DataFrame:
    """List municipalities and chains in the order in which to act.

    Parameters
    ----------
    need : Need
        Of one year: dims ("place", "chain").
    firms : DataArray, dims ("place", "chain")
        Firms.
    trend : DataArray, dims ("place", "chain"), optional
        1 where the share rises beyond doubt, -1 where it falls, 0 otherwise (``direction`` of
        :func:`geo_engine.change.first_last_change`); without it no share is known to rise.
    growth : DataArray, dims ("place", "chain"), optional
        Growth of the number of firms, shown beside.
    least_firms : int
        Fewer firms are never "act", "accompany" nor "consolidate".

    Returns
    -------
    DataFrame
        ``place``, ``chain``, ``priority`` (a name of ``PRIORITIES``), ``order`` (1 first, within
        the whole table), ``firms``, ``location_quotient``, ``location_quotient_low``, ``share``,
        ``share_low``, ``share_high``, ``reference``, ``digital_gap``, ``firms_to_reach``,
        ``trend``, ``growth``, ``need_quadrant``. Sorted by order; rows whose share or quotient is
        missing are left out. The attribute ``rule`` says the rule.

    Raises
    ------
    StatisticsError
        ``INDEX_MISMATCH`` unless all have the dims ("place", "chain").
    """
    given = [firms, *(part for part in (trend, growth) if part is not None)]
    if any(part.dims != ("place", "chain") for part in (need.share, *given)):
        raise StatisticsError("INDEX_MISMATCH", "Choose one year: dims must be place and chain.")
    quotient, low, _, share, share_low, share_high, reference = _parts(need)
    crossed = need_quadrants(need)
    quadrant = crossed["need_quadrant"].to_numpy()
    number = firms.to_numpy().astype(np.float64)
    direction = np.zeros(share.shape) if trend is None else np.nan_to_num(trend.to_numpy())
    code = _priority(quadrant, low > 1, share_high < reference, number >= least_firms)
    code = np.where((code == 1) & (direction > 0), 2, code)
    gap = reference - share
    to_reach = np.where(np.isfinite(number), np.maximum(gap, 0.0) * number, 0.0)
    empty = np.full(share.shape, np.nan)
    columns = {
        "firms": number,
        "location_quotient": quotient,
        "location_quotient_low": low,
        "share": share,
        "share_low": share_low,
        "share_high": share_high,
        "reference": reference,
        "digital_gap": gap,
        "firms_to_reach": to_reach,
        "trend": direction.astype(np.int8),
        "growth": empty if growth is None else growth.to_numpy(),
    }
    places, chains = (need.share[name].to_numpy().astype(str) for name in ("place", "chain"))
    at = np.nonzero(code)
    table = pd.DataFrame({"place": places[at[0]], "chain": chains[at[1]], "code": code[at]})
    table = table.assign(**{name: value[at] for name, value in columns.items()})
    table["need_quadrant"] = np.array(NEED_QUADRANTS)[quadrant[at]]
    table["priority"] = np.array(PRIORITIES)[code[at]]
    keys = ["code", "firms_to_reach", "firms", "place", "chain"]
    table = table.sort_values(keys, ascending=[True, False, False, True, True], ignore_index=True)
    table["order"] = np.arange(1, len(table) + 1)
    table = table[["place", "chain", "priority", "order", *columns, "need_quadrant"]]
    table.attrs["rule"] = PRIORITY_RULE.format(least_firms=least_firms)
    return table


def _priority(
    quadrant: npt.NDArray[np.int8],
    special: npt.NDArray[np.bool_],
    needy: npt.NDArray[np.bool_],
    many: npt.NDArray[np.bool_],
) -> npt.NDArray[np.int64]:
    """Give the priority of each cell, the trend left aside."""
    act = (quadrant == 1) & special & needy & many
    conditions = [quadrant == 0, act, quadrant == 1, (quadrant == 2) & special & many]
    return np.select(conditions, [0, 1, 3, 4], default=5)


def _parts(need: Need) -> tuple[FloatArray, ...]:
    """Give all parts as arrays of one shape."""
    names = ("location_quotient", "location_quotient_low", "location_quotient_high")
    own = [need.specialization[name] for name in names]
    own += [need.share, need.share_low, need.share_high]
    if any(part.dims != need.share.dims or part.shape != need.share.shape for part in own):
        raise StatisticsError("INDEX_MISMATCH", "Quotients and shares differ in their dims.")
    reference = need.reference.broadcast_like(need.share).transpose(*need.share.dims)
    return tuple(part.to_numpy().astype(np.float64) for part in (*own, reference))
