"""The panel: indicators of every municipality, or wider area, by chain and year."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from geo_engine import tables
from geo_engine.errors import TableError
from geo_engine.indicators.concentration import location_quotient, per_km2, per_thousand
from geo_engine.indicators.counting import Counts
from geo_engine.indicators.rates import empirical_bayes

REFERENCE_COLUMNS = ("area", "chain", "year", "firms", "known", "digital")


@dataclass(frozen=True, kw_only=True)
class AreaLevel:
    """A level of wider areas: provinces, regions, or the country."""

    dim: str
    """``province``, ``region`` or ``country``."""
    codes: tuple[str, ...]
    """Codes of the areas, in the order of the counts."""
    covered: npt.NDArray[np.bool_]
    """Where every municipality of the area is covered."""


def build_panel(
    counts: Counts,
    places: gpd.GeoDataFrame,
    *,
    chains: Sequence[str],
    years: Sequence[int],
    surveyed: bool,
) -> xr.Dataset:
    """Compute every indicator of every municipality.

    Parameters
    ----------
    counts : Counts
        By place, in the order of ``places``.
    places : GeoDataFrame
        ``tables.PLACE_COLUMNS``, ``population`` (persons) and ``covered`` (bool).
    chains : sequence of str
        Keys of the chains of ``counts``, in order; one more key names all firms and keeps them.
    years : sequence of int
        Years of ``counts``, in order.
    surveyed : bool
        False when the study has no digital signal: shares are then not surveyed.

    Returns
    -------
    Dataset
        As ``Results.panel``. Counts are 0 in a covered place without firms and NaN where not
        covered; location quotients compare with the covered territory only.

    Raises
    ------
    TableError
        ``MISSING_COLUMN`` or ``COUNT_SHAPE``.
    """
    tables.require_columns(places, (*tables.PLACE_COLUMNS, "population", "covered"), "places")
    covered = places["covered"].to_numpy(bool)
    frame = _Frame(dim="place", labels=places.index, chains=tuple(chains), years=tuple(years))
    panel = _counted(counts, frame, covered, surveyed=surveyed)
    rates = empirical_bayes(panel["digital"], panel["known"], places["cod_reg"])
    further = {
        "location_quotient": _quotient(counts, frame, covered),
        "firms_per_1000": per_thousand(panel["firms"], places["population"]),
        "firms_per_km2": per_km2(panel["firms"], places["area_km2"]),
    }
    panel = tables.with_variables(panel, {**rates.data_vars, **further})
    return panel.assign(_statuses(panel, covered[:, None, None], surveyed=surveyed))


def build_area_panel(
    counts: Counts,
    level: AreaLevel,
    *,
    chains: Sequence[str],
    years: Sequence[int],
    surveyed: bool,
    reference: pd.DataFrame | None = None,
) -> xr.Dataset:
    """Compute the indicators of provinces, regions or the country.

    Parameters
    ----------
    counts : Counts
        By area, enterprises distinct at this level.
    level : AreaLevel
        Name, codes and coverage of the areas.
    chains, years : sequence
        As for :func:`build_panel`.
    surveyed : bool
        False when the study has no digital signal.
    reference : DataFrame, optional
        Totals given by the user (``REFERENCE_COLUMNS``; known and digital may be missing). They
        fill areas that the extract does not wholly cover and never replace what it covers.

    Returns
    -------
    Dataset
        As ``Results.province_panel``; for the level ``country``, without that dim. An area that is
        neither wholly covered nor given is ``not_covered``. Location quotients compare with the
        wholly covered areas together.

    Raises
    ------
    TableError
        ``COUNT_SHAPE``; ``UNKNOWN_REFERENCE`` for a reference to no area, chain or year.
    """
    labels = pd.Index(level.codes, name=level.dim)
    frame = _Frame(dim=level.dim, labels=labels, chains=tuple(chains), years=tuple(years))
    covered = np.asarray(level.covered, dtype=bool)
    panel = _counted(counts, frame, covered, surveyed=surveyed)
    present = np.broadcast_to(covered[:, None, None], panel["firms"].shape).copy()
    if reference is not None and len(reference):
        panel, present = _with_reference(panel, present, reference, frame)
    panel["share"] = panel["digital"] / panel["known"].where(panel["known"] > 0)
    panel["location_quotient"] = _quotient(counts, frame, covered)
    surveyed = surveyed or bool((panel["known"] > 0).any())
    panel = panel.assign(_statuses(panel, present, surveyed=surveyed))
    return panel.isel(country=0, drop=True) if level.dim == "country" else panel


@dataclass(frozen=True, kw_only=True)
class _Frame:
    """The labels of a panel."""

    dim: str
    labels: pd.Index
    chains: tuple[str, ...]
    years: tuple[int, ...]

    @property
    def dims(self) -> tuple[str, str, str]:
        return (self.dim, "chain", "year")

    def array(self, values: npt.NDArray[np.float64]) -> xr.DataArray:
        """Label the chains of the panel in an array of counts."""
        expected = (len(self.labels), len(self.chains), len(self.years))
        kept = values[:, : len(self.chains)]
        if kept.shape != expected or values.shape[1] - len(self.chains) not in (0, 1):
            raise TableError(
                "COUNT_SHAPE",
                f"Counts of shape {values.shape} do not fit {expected} (areas, chains, years) "
                "and all firms last. Count on the same tables.",
            )
        coords = {
            self.dim: self.labels.to_numpy(dtype=object).astype(str),
            "chain": list(self.chains),
            "year": list(self.years),
        }
        return xr.DataArray(kept, dims=self.dims, coords=coords)


def _counted(
    counts: Counts, frame: _Frame, covered: npt.NDArray[np.bool_], *, surveyed: bool
) -> xr.Dataset:
    """Label the counts; NaN where not covered, and signals NaN when none was surveyed."""
    here = covered[:, None, None]
    signal = here & surveyed
    firms = frame.array(np.where(here, counts.firms, np.nan))
    chains = firms.sizes["chain"]
    return tables.dataset_like(
        firms,
        {
            "firms": firms.to_numpy(),
            "known": np.where(signal, counts.known, np.nan)[:, :chains],
            "digital": np.where(signal, counts.digital, np.nan)[:, :chains],
        },
    )


def _quotient(counts: Counts, frame: _Frame, covered: npt.NDArray[np.bool_]) -> xr.DataArray:
    """Give the location quotient within the covered areas, NaN elsewhere."""
    firms = frame.array(counts.firms)
    everyone = xr.DataArray(
        counts.firms[:, -1], dims=(frame.dim, "year"), coords=firms.isel(chain=0, drop=True).coords
    )
    inside = {frame.dim: covered}
    quotient = location_quotient(firms[inside], totals=everyone[inside])
    return quotient.reindex({frame.dim: firms[frame.dim]})


def _statuses(
    panel: xr.Dataset, present: npt.NDArray[np.bool_], *, surveyed: bool
) -> dict[str, tuple[tuple[str, ...], npt.NDArray[np.int8]]]:
    """Say why firms and shares are missing, where they are."""
    firms, known = panel["firms"].to_numpy(), panel["known"].to_numpy()
    empty = firms == 0
    status = np.where(empty, tables.NO_FIRMS, tables.OK)
    asked = (known > 0) | (empty & surveyed)
    share_status = np.where(asked, status, tables.NOT_SURVEYED)
    dims = tuple(str(name) for name in panel["firms"].dims)
    return {
        name: (dims, np.where(present, codes, tables.NOT_COVERED).astype(np.int8))
        for name, codes in (("status", status), ("share_status", share_status))
    }


def _with_reference(
    panel: xr.Dataset,
    present: npt.NDArray[np.bool_],
    reference: pd.DataFrame,
    frame: _Frame,
) -> tuple[xr.Dataset, npt.NDArray[np.bool_]]:
    """Fill areas that are not covered with totals given by the user."""
    tables.require_columns(reference, REFERENCE_COLUMNS, "The table of reference totals")
    at = (
        frame.labels.get_indexer(reference["area"]),
        pd.Index(frame.chains).get_indexer(reference["chain"]),
        pd.Index(frame.years).get_indexer(reference["year"]),
    )
    unknown = np.any(np.stack(at) < 0, axis=0)
    if unknown.any():
        named = reference.loc[unknown, ["area", "chain", "year"]]
        first = ", ".join(map(str, named.iloc[0]))
        raise TableError(
            "UNKNOWN_REFERENCE",
            f"{int(unknown.sum())} of {len(reference)} reference totals name no {frame.dim}, "
            f"chain or year of the study (first: {first}). Correct or remove them.",
        )
    new = ~present[at]
    at = (at[0][new], at[1][new], at[2][new])
    filled = panel.copy(deep=True)
    for name in ("firms", "known", "digital"):
        filled[name].to_numpy()[at] = reference[name].to_numpy(np.float64, na_value=np.nan)[new]
    given = present.copy()
    given[at] = True
    return filled, given
