"""From municipalities to zones: weighted sums, and how much of a zone they rest on."""

from __future__ import annotations

import numpy as np
import xarray as xr

from geo_engine.errors import TableError
from geo_engine.geographies.zones import Membership


def zone_sums(
    counts: xr.Dataset, membership: Membership, *, least_coverage: float = 1.0
) -> xr.Dataset:
    """Add up what municipalities have, zone by zone.

    Parameters
    ----------
    counts : Dataset, dims ("place", ...)
        Amounts that add up (firms, known, digital, residents, square kilometers); NaN where not
        covered. Shares and quotients do not add up: compute them from the sums.
    membership : Membership
        Of the same places, in the same order.
    least_coverage : float
        Smallest part of a zone's municipalities (by weight) that must have a value; 1 asks for
        all, as a sum over part of a zone is not the zone's.

    Returns
    -------
    Dataset, dims ("zone", ...)
        Weighted sums; NaN where too little is covered. ``coverage`` (part of the municipalities
        with a value in every one of the amounts, 0 to 1; those that are missing from the places
        have none). Enterprises with units in several
        municipalities count once in each: count firms by
        :func:`geo_engine.geographies.zones.zone_layers` where they must count once.

    Raises
    ------
    TableError
        ``PLACE_INDEX`` when the places are not as many as the membership's.
    """
    places = counts.sizes["place"]
    if places != membership.weights.shape[1]:
        raise TableError(
            "PLACE_INDEX",
            f"{places:,} places, and a membership of {membership.weights.shape[1]:,}. Build both "
            "on the same table of places.",
        )
    weight = membership.weights.sum(axis=1) + membership.lost
    found, coverage = {}, None
    for name, values in counts.data_vars.items():
        rest = tuple(str(dim) for dim in values.dims if dim != "place")
        table = values.transpose("place", *rest).to_numpy().astype(np.float64)
        flat = table.reshape(places, -1)
        known = np.isfinite(flat)
        part = (membership.weights @ known.astype(np.float64)) / weight[:, None]
        total = membership.weights @ np.where(known, flat, 0.0)
        total = np.where(part >= least_coverage - 1e-9, total, np.nan)
        shape = (len(weight), *table.shape[1:])
        found[str(name)] = (("zone", *rest), total.reshape(shape))
        least = part.min(axis=1) if part.size else np.ones(len(weight))
        coverage = least if coverage is None else np.minimum(coverage, least)
    if coverage is not None:
        found["coverage"] = (("zone",), coverage)
    coords = {str(n): c for n, c in counts.coords.items() if c.dims and "place" not in c.dims}
    return xr.Dataset(found, coords={"zone": list(membership.zones), **coords})
