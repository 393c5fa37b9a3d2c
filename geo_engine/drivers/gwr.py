"""Where does an association hold? Geographically weighted regression.

A description of how coefficients differ from area to area. It explores: a coefficient that stands
out may come from terms left out, and never shows a cause. Local fits are computed here and equal
those of mgwr, which needs minutes for all of Italy where products of small matrices need seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr
from libpysal.graph import Graph

from geo_engine.drivers.gwr_search import (
    Bandwidth,
    LocalFits,
    Report,
    corrected_akaike,
    local_fits,
    local_r_squared,
    search_bandwidth,
)
from geo_engine.drivers.place_sample import PlaceModel, PlaceSample, sample_places
from geo_engine.errors import StatisticsError, TableError
from geo_engine.tables import CRS_DISTANCE

FloatArray = npt.NDArray[np.float64]

GWR_STATUSES = ("ok", "missing", "collinear")
"""Of a place: fitted, lacking a value, or with local terms that say nearly the same."""
LOCAL_COLUMNS = (
    "place",
    "term",
    "coefficient",
    "standard_error",
    "low",
    "high",
    "p_value",
    "significant",
    "local_r_squared",
    "condition_number",
    "residual",
    "status",
)
MAX_CONDITION = 30.0
"""Above it a local coefficient is shown and never called significant (Belsley et al. 1980)."""


@dataclass(frozen=True, kw_only=True)
class GwrResult:
    """A map of local coefficients."""

    local: xr.Dataset
    """Over (``place``, ``term``), every place of the table: ``coefficient``, ``standard_error``,
    ``low``, ``high`` (intervals at the corrected level), ``p_value`` (of one place, uncorrected)
    and ``significant``; over ``place``: ``local_r_squared``, ``condition_number``, ``residual`` and
    ``status`` (code in ``GWR_STATUSES``)."""
    summary: pd.DataFrame
    """By term: ``coefficient`` of the whole country, ``minimum``, ``lower_quartile``, ``median``,
    ``upper_quartile``, ``maximum`` of local ones, and the numbers of places significantly
    ``positive`` and ``negative``."""
    outcome: str
    bandwidth: int
    """Nearest places of a fit, itself included."""
    search: Bandwidth | None
    """None where the bandwidth was given."""
    places: int
    effective_parameters: float
    """Trace of the hat matrix."""
    alpha: float
    alpha_corrected: float
    """``alpha`` times columns over effective parameters: the level of one local test."""
    akaike: float
    """Corrected criterion of the local fits."""
    akaike_global: float
    """The same of one regression for all places."""
    r_squared: float
    residual_moran: float
    """Moran's I of residuals; without a p-value, for which no exact moments are known."""
    left_out: dict[str, int]


def geographically_weighted(
    table: pd.DataFrame,
    points: pd.DataFrame,
    graph: Graph,
    model: PlaceModel,
    *,
    bandwidth: int | None = None,
    report: Report | None = None,
) -> GwrResult:
    """Fit a regression around each place.

    Parameters
    ----------
    table : DataFrame
        Columns of the model by ``pro_com_t``; ``model.groups`` must be "", since intercepts vary
        from place to place already.
    points : DataFrame
        ``x_m`` and ``y_m`` by ``pro_com_t``, as ``place_points`` gives them.
    graph : Graph
        Neighbors, for Moran's I of the residuals.
    model : PlaceModel
        The model.
    bandwidth : int, optional
        Nearest places of a fit, itself included; searched by default (``search_bandwidth``).
    report : callable, optional
        Told of the search's progress.

    Returns
    -------
    GwrResult
        Gaussian fits with adaptive bisquare weights. A coefficient is ``significant`` where its
        two-sided p-value (Student's t with n - 1 degrees of freedom) is below ``alpha_corrected``
        and the local condition number is at most ``MAX_CONDITION``.

    Raises
    ------
    StatisticsError
        ``GROUPS_UNUSED``, ``BANDWIDTH_INVALID``, ``FEW_PLACES``, ``CONSTANT`` or ``COLLINEAR``.
    TableError
        ``MISSING_COLUMN``, ``MISSING_POINT`` or ``PLACE_INDEX``.

    References
    ----------
    Fotheringham, A. S., Brunsdon, C., Charlton, M. (2002). Geographically Weighted Regression.
    Wiley.
    da Silva, A. R., Fotheringham, A. S. (2016). The multiple testing issue in geographically
    weighted regression. Geographical Analysis 48, 233-247.
    """
    sample = sample_places(table, graph, model)
    places, columns = sample.design.shape
    _check_request(model, bandwidth, sample)
    where = _coordinates(points, sample)
    search = None
    if bandwidth is None:
        search = search_bandwidth(
            sample.design, sample.outcome, where, seed=model.seed, report=report
        )
    chosen = bandwidth if search is None else search.neighbors
    assert chosen is not None
    fits = local_fits(sample.design, sample.outcome, where, chosen)
    trace = float(fits.influence.sum())
    if not trace < places - 2:
        raise StatisticsError(
            "COLLINEAR",
            f"Around some place the terms say the same within {chosen} places, or the fits use up "
            f"all {places} places; give a larger bandwidth, or leave terms out.",
        )
    corrected = model.alpha * columns / trace
    explained = local_r_squared(sample.outcome, fits.residual, where, chosen)
    local = _local(table, sample, fits, explained, corrected)
    whole, whole_akaike = _whole(sample)
    return GwrResult(
        local=local,
        summary=_summary(local, sample, whole),
        outcome=model.outcome,
        bandwidth=chosen,
        search=search,
        places=places,
        effective_parameters=trace,
        alpha=model.alpha,
        alpha_corrected=corrected,
        akaike=corrected_akaike(fits, places),
        akaike_global=whole_akaike,
        r_squared=1 - float((fits.residual**2).mean() / sample.outcome.var()),
        residual_moran=_moran(sample, fits.residual),
        left_out=sample.left_out,
    )


def local_table(result: GwrResult) -> pd.DataFrame:
    """Give a map of local coefficients as a table.

    Parameters
    ----------
    result : GwrResult
        The local fits.

    Returns
    -------
    DataFrame
        ``LOCAL_COLUMNS``, one row per place and term; ``status`` in words.
    """
    table = result.local.to_dataframe().reset_index()
    table["status"] = np.array(GWR_STATUSES, dtype=object)[table["status"].to_numpy()]
    return table[list(LOCAL_COLUMNS)]


def place_points(places: gpd.GeoDataFrame) -> pd.DataFrame:
    """Give a point inside each place.

    Parameters
    ----------
    places : GeoDataFrame
        By ``pro_com_t``, in any reference system.

    Returns
    -------
    DataFrame
        ``x_m`` and ``y_m`` in ``CRS_DISTANCE``, in the order of the places.

    Raises
    ------
    TableError
        ``CRS_MISSING``.
    """
    if places.crs is None:
        raise TableError("CRS_MISSING", "The municipalities have no reference system; set it.")
    inside = places.geometry.to_crs(CRS_DISTANCE).representative_point()
    return pd.DataFrame({"x_m": inside.x, "y_m": inside.y}, index=places.index.astype(str))


def _check_request(model: PlaceModel, bandwidth: int | None, sample: PlaceSample) -> None:
    """Refuse groups, and bandwidths on which nothing can be fitted."""
    if model.groups:
        raise StatisticsError(
            "GROUPS_UNUSED", "Local intercepts take up groups already; leave groups out."
        )
    places, columns = sample.design.shape
    if bandwidth is not None and not 4 * columns <= bandwidth <= places:
        raise StatisticsError(
            "BANDWIDTH_INVALID",
            f"A bandwidth of {bandwidth} places is outside {4 * columns} to {places}; "
            f"give one inside, or none to have it searched.",
        )


def _coordinates(points: pd.DataFrame, sample: PlaceSample) -> FloatArray:
    """Give the points of the sample's places."""
    known = points.set_axis(points.index.astype(str), axis=0)
    where = known.reindex(sample.index)[["x_m", "y_m"]].to_numpy(np.float64)
    lost = ~np.isfinite(where).all(axis=1)
    if lost.any():
        raise TableError(
            "MISSING_POINT",
            f"{int(lost.sum())} of {len(where)} places have no point, "
            f"e.g. {sample.index[lost][0]}.",
        )
    return where


def _local(
    table: pd.DataFrame,
    sample: PlaceSample,
    fits: LocalFits,
    explained: FloatArray,
    corrected: float,
) -> xr.Dataset:
    """Lay out the local coefficients for every place of the table."""
    from scipy.special import stdtr, stdtrit

    value, condition = fits.coefficients, fits.condition_number
    places = len(sample.index)
    variance = float((fits.residual**2).sum()) / (places - float(fits.influence.sum()))
    error = np.sqrt(variance * fits.variance_factor)
    degrees = places - 1
    p_value = 2 * stdtr(degrees, -np.abs(value / error))
    reach = float(stdtrit(degrees, 1 - corrected / 2))
    collinear = ~(condition <= MAX_CONDITION)
    significant = (p_value < corrected) & ~collinear[:, None]
    index = pd.Index(table.index.astype(str), name="place")
    at = index.get_indexer(sample.index)

    def spread(values: npt.NDArray[Any], empty: float = np.nan) -> npt.NDArray[Any]:
        whole = np.full((len(index), *values.shape[1:]), empty)
        whole[at] = values
        return whole

    pairs = {
        "coefficient": value,
        "standard_error": error,
        "low": value - reach * error,
        "high": value + reach * error,
        "p_value": p_value,
    }
    single = {
        "local_r_squared": explained,
        "condition_number": condition,
        "residual": fits.residual,
    }
    status = spread(np.where(collinear, 2.0, 0.0), 1.0).astype(np.int8)
    return xr.Dataset(
        {name: (("place", "term"), spread(values)) for name, values in pairs.items()}
        | {"significant": (("place", "term"), spread(significant * 1.0, 0.0).astype(bool))}
        | {name: ("place", spread(values)) for name, values in single.items()}
        | {"status": ("place", status)},
        coords={"place": index.to_numpy(object), "term": list(sample.names)},
    )


def _whole(sample: PlaceSample) -> tuple[FloatArray, float]:
    """Fit one regression for all places, and give its corrected Akaike criterion."""
    coefficients = np.asarray(
        np.linalg.lstsq(sample.design, sample.outcome, rcond=None)[0], dtype=np.float64
    )
    residual = sample.outcome - sample.design @ coefficients
    places, trace = sample.design.shape
    spread = places * (np.log((residual**2).mean()) + np.log(2 * np.pi))
    return coefficients, float(spread + places * (places + trace) / (places - 2 - trace))


def _summary(local: xr.Dataset, sample: PlaceSample, whole: FloatArray) -> pd.DataFrame:
    """Describe the local coefficients of each term."""
    value = local["coefficient"].to_numpy()
    sure = local["significant"].to_numpy()
    quartiles = np.nanquantile(value, [0, 0.25, 0.5, 0.75, 1], axis=0)
    names = ("minimum", "lower_quartile", "median", "upper_quartile", "maximum")
    with np.errstate(invalid="ignore"):
        signs = {"positive": (sure & (value > 0)).sum(axis=0)}
        signs["negative"] = (sure & (value < 0)).sum(axis=0)
    columns = {"term": list(sample.names), "coefficient": whole}
    return pd.DataFrame(columns | dict(zip(names, quartiles, strict=True)) | signs)


def _moran(sample: PlaceSample, residual: FloatArray) -> float:
    """Give Moran's I of residuals, whose mean is not taken off: they are residuals."""
    links = float(sample.weights.sum())
    if links == 0:
        return np.nan
    product = float(residual @ (sample.weights @ residual))
    return len(residual) / links * product / float(residual @ residual)
