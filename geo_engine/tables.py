"""Names of columns, codes of statuses, reference systems, and the checks of table contracts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from geo_engine.errors import TableError

if TYPE_CHECKING:
    import geopandas as gpd

CRS_WEB = "EPSG:4326"
"""Longitude and latitude in degrees: firm coordinates, the shipped layer, the atlas."""
CRS_AREA = "EPSG:3035"
"""Lambert azimuthal equal area: areas and densities."""
CRS_DISTANCE = "EPSG:32632"
"""UTM 32N, the system of ISTAT's own files: distances, and the GeoPackage."""

PLACE_COLUMNS = (
    "name",
    "cod_prov",
    "province",
    "sigla",
    "cod_reg",
    "region",
    "cadastral_code",
    "name_other",
    "area_km2",
    "geometry",
)
"""Columns of ``places``; its index is ``pro_com_t`` (six characters, sorted, unique)."""

QUARANTINE_COLUMNS = ("source", "row", "reason", "detail", "record")
"""Columns of a quarantine table: file name, record number from 1 (header not counted), stable
reason in capitals, what to do, and the record's own fields as one JSON object."""

STATUSES = ("ok", "no_firms", "not_surveyed", "not_covered", "suppressed", "series_break")
"""Why a value of the panel is missing, by code 0 to 5. ``series_break``: a change over a change of
classification, which alone may have made it."""
OK, NO_FIRMS, NOT_SURVEYED, NOT_COVERED, SUPPRESSED, SERIES_BREAK = range(6)

LOCAL_STATUSES = ("ok", "missing", "isolate", "constant", "too_sparse", "not_covered", "suppressed")
"""Why a place has no local test, by code 0 to 6. ``missing``: no value here, or none around."""
(
    LOCAL_OK,
    LOCAL_MISSING,
    LOCAL_ISOLATE,
    LOCAL_CONSTANT,
    LOCAL_TOO_SPARSE,
    LOCAL_NOT_COVERED,
    LOCAL_SUPPRESSED,
) = range(7)

QUADRANTS = ("", "HH", "LL", "LH", "HL")
"""Quadrant of the Moran scatter plot by code 0 to 4: own value, then the neighbors'."""

TAIL_METHODS = ("none", "exact", "exact_grid", "monte_carlo")
"""How a local p-value was computed, by code 0 to 3."""

Q_COLUMNS = {"map": "q_value", "year": "q_value_year", "panel": "q_value_panel"}
"""The q-value of each family of tests: one map, all chains of a year, all maps."""

CHECKED = ("confirmed", "not_confirmed", "untested")
"""Whether a hotspot was found again when something was changed."""


def q_column(family: str) -> str:
    """Name the q-value that decides.

    Parameters
    ----------
    family : str
        ``map``, ``year`` or ``panel``.

    Returns
    -------
    str
        A variable of the local results.
    """
    return Q_COLUMNS[family]


def require_columns(table: pd.DataFrame, columns: Iterable[str], what: str) -> None:
    """Raise when a table lacks a column.

    Parameters
    ----------
    table : DataFrame
        The table to check.
    columns : iterable of str
        Names that must be present.
    what : str
        What the table is, for the message.

    Raises
    ------
    TableError
        ``MISSING_COLUMN``, naming the absent columns and those present.
    """
    absent = [name for name in columns if name not in table.columns]
    if absent:
        raise TableError(
            "MISSING_COLUMN",
            f"{what} lacks {', '.join(absent)}; it has {', '.join(map(str, table.columns))}.",
        )


def check_places(places: gpd.GeoDataFrame) -> None:
    """Raise when a table of municipalities breaks its contract.

    Parameters
    ----------
    places : GeoDataFrame
        Indexed by ``pro_com_t``, sorted and unique, with a reference system.

    Raises
    ------
    TableError
        ``MISSING_COLUMN``, ``PLACE_INDEX`` or ``CRS_MISSING``.
    """
    require_columns(places, PLACE_COLUMNS, "The table of municipalities")
    if places.index.name != "pro_com_t" or not places.index.is_unique:
        raise TableError("PLACE_INDEX", "Index the municipalities by a unique pro_com_t.")
    if not places.index.is_monotonic_increasing:
        raise TableError("PLACE_INDEX", "Sort the municipalities by pro_com_t.")
    if places.crs is None:
        raise TableError("CRS_MISSING", "The municipalities have no reference system; set it.")


def dataset_like(like: xr.DataArray, values: Mapping[str, npt.NDArray[np.generic]]) -> xr.Dataset:
    """Label arrays as another one is labeled.

    Parameters
    ----------
    like : DataArray
        Gives dims and coordinates.
    values : mapping of str to array
        Of the same shape, by name.

    Returns
    -------
    Dataset
        Nothing is aligned, which for a panel takes a tenth of the time of a Dataset of DataArrays.
    """
    return xr.Dataset({name: (like.dims, value) for name, value in values.items()}, like.coords)


def spread(part: xr.DataArray, like: xr.DataArray) -> npt.NDArray[Any]:
    """Repeat an array over the dims that another one has and it lacks.

    Parameters
    ----------
    part : DataArray
        Dims among those of ``like``, with the same labels, which are not compared.
    like : DataArray
        Gives the dims and their order.

    Returns
    -------
    array
        Of the shape of ``like``; read it only.
    """
    at = [part.dims.index(name) for name in like.dims if name in part.dims]
    held = np.expand_dims(
        part.to_numpy().transpose(at),
        [axis for axis, name in enumerate(like.dims) if name not in part.dims],
    )
    return np.broadcast_to(held, like.shape)


def with_variables(panel: xr.Dataset, found: Mapping[Any, xr.DataArray]) -> xr.Dataset:
    """Add variables of the same places, chains and years to a panel.

    Parameters
    ----------
    panel : Dataset
        A panel.
    found : mapping of str to DataArray
        Computed from it: labels are the panel's own, in its order, and are not compared again.

    Returns
    -------
    Dataset
        Both; a variable of the same name is replaced.
    """
    return panel.assign({str(name): array.variable for name, array in found.items()})
