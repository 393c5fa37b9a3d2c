"""Opens the folder of a finished run again: what it says is what was published."""

from __future__ import annotations

import dataclasses
import functools
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import xarray as xr

from geo_engine import tables
from geo_engine.errors import SourceError
from geo_engine.results import ChainInfo, Facts, UniverseInfo
from geo_engine.storage import sha256_of

MANIFEST, PANEL, LEVELS, TERRITORY = (
    "manifest.json",
    "panel.parquet",
    "levels.parquet",
    "territory.gpkg",
)
PLACE_FIELDS = (
    "pro_com_t",
    "name",
    "name_other",
    "cod_prov",
    "province",
    "sigla",
    "cod_reg",
    "region",
    "area_km2",
    "population",
    "covered",
)
PANEL_FIELDS = (
    "pro_com_t",
    "chain",
    "year",
    "all_firms",
    "status",
    "firms",
    "known",
    "digital",
    "share",
    "share_low",
    "share_high",
    "share_eb",
    "share_eb_low",
    "share_eb_high",
    "share_status",
    "location_quotient",
    "location_quotient_low",
    "location_quotient_high",
    "firms_per_1000",
    "growth",
    "growth_low",
    "growth_high",
    *(
        f"{variable}_{name}"
        for variable in ("firms", "share")
        for name in tables.Q_COLUMNS.values()
    ),
    "firms_quadrant",
    "share_quadrant",
)
"""Columns of panel.parquet that are read, where the run has them."""
ALLOWANCE_M = 300.0
"""Borders of maps move by about this much; calculations are long done, on the full ones."""


@dataclass(frozen=True, kw_only=True)
class RunFolder:
    """A finished run as its files tell it: the main universe, after disclosure."""

    path: Path
    manifest: Mapping[str, Any]
    facts: Facts
    places: pd.DataFrame
    """Indexed by ``pro_com_t``, sorted: ``PLACE_FIELDS``."""
    panel: xr.Dataset
    """(place, chain, year): ``PANEL_FIELDS``; words as text, "" where there is none."""
    levels: pd.DataFrame
    """One row per geography, code, chain and year: the columns of levels.parquet."""
    hotspots: pd.DataFrame
    """As the layer of the GeoPackage, without geometry; ``members`` is a tuple."""

    @property
    def last_year(self) -> int:
        """Give the latest year."""
        return max(self.facts.years)

    @functools.cached_property
    def members(self) -> pd.DataFrame:
        """Give the municipalities of all zones: geography, zone, pro_com_t, weight."""
        return self.table("zone_members", ("geography", "zone", "pro_com_t", "weight"))

    @functools.cached_property
    def level_tables(self) -> dict[tuple[str, str], pd.DataFrame]:
        """Give the rows of ``levels`` by geography and code."""
        keys = [self.levels["geography"].astype(str), self.levels["code"].astype(str)]
        return {(str(key[0]), str(key[1])): part for key, part in self.levels.groupby(keys)}

    @functools.cached_property
    def similar(self) -> pd.DataFrame:
        """Give the similar municipalities: pro_com_t, order, neighbor, distance."""
        return self.table("similar", ("pro_com_t", "order", "neighbor", "distance"))

    @functools.cached_property
    def benchmarks(self) -> pd.DataFrame:
        """Give what each municipality is compared to, in the latest year."""
        columns = ("pro_com_t", "benchmark", "chain", "difference", "side")
        return self.table("benchmarks", columns)

    @functools.cached_property
    def phases(self) -> pd.DataFrame:
        """Give the firms of each phase in the latest year: pro_com_t, chain, phase, firms."""
        return self.table("phases", ("pro_com_t", "chain", "phase", "firms"))

    @functools.cached_property
    def priorities(self) -> pd.DataFrame:
        """Give the priorities of the latest year: pro_com_t, chain, priority, order."""
        return self.table("priorities", ("pro_com_t", "chain", "priority", "order"))

    def table(self, name: str, columns: Iterable[str] = ()) -> pd.DataFrame:
        """Read a table of the GeoPackage.

        Parameters
        ----------
        name : str
            Of the table.
        columns : iterable of str
            Of the empty table given where the run has none.

        Returns
        -------
        DataFrame
            Without geometry.
        """
        import pyogrio

        path = self.path / TERRITORY
        if name not in pyogrio.list_layers(path)[:, 0].tolist():
            return pd.DataFrame(columns=list(columns))
        return pyogrio.read_dataframe(path, layer=name, read_geometry=False)

    @functools.cached_property
    def outlines(self) -> gpd.GeoSeries:
        """Give the full outlines of all municipalities in meters, by ``pro_com_t``."""
        return _outlines(self.path / TERRITORY)

    def shapes_around(self, codes: Sequence[str], margin: float) -> gpd.GeoSeries:
        """Give the outlines of municipalities and of those around them, simplified together.

        Parameters
        ----------
        codes : sequence of str
            ``pro_com_t``.
        margin : float
            How far around, in parts of the larger side of their extent.

        Returns
        -------
        GeoSeries
            In meters, by ``pro_com_t``; the same whether one territory is drawn or many are.
        """
        import shapely

        shapes = self.outlines
        west, south, east, north = shapes.loc[list(codes)].total_bounds
        reach = margin * max(east - west, north - south)
        box = shapely.box(west - reach, south - reach, east + reach, north + reach)
        near = shapes.iloc[np.sort(shapes.sindex.query(box))]
        simple = shapely.coverage_simplify(near.to_numpy(), ALLOWANCE_M)
        return gpd.GeoSeries(simple, index=near.index, crs=shapes.crs)


def open_run(path: Path) -> RunFolder:
    """Open the folder of a finished run.

    Parameters
    ----------
    path : Path
        What ``geo-engine run --out`` or ``geo-engine demo`` wrote.

    Returns
    -------
    RunFolder
        Its figures; outlines and further tables are read when they are asked for.

    Raises
    ------
    SourceError
        ``NO_RUN`` when there is none, ``RUN_INCOMPLETE`` when a file is missing, ``RUN_CHANGED``
        when one is not the one that the run wrote.
    """
    manifest = _manifest(path)
    outputs = manifest.get("outputs", {})
    for name in (PANEL, LEVELS, TERRITORY):
        if name not in outputs or not (path / name).is_file():
            raise SourceError(
                "RUN_INCOMPLETE",
                f"{path} has no {name}. Put 'panel' and 'geopackage' among the formats of the "
                "study and run it again with this version.",
            )
    for name in (PANEL, LEVELS):  # QGIS may write into the GeoPackage that it opens
        if sha256_of(path / name) != outputs[name]["sha256"]:
            raise SourceError(
                "RUN_CHANGED",
                f"{path / name} is not the file that the run wrote. Run the study again.",
            )
    facts = _facts(manifest["facts"])
    return RunFolder(
        path=path,
        manifest=manifest,
        facts=facts,
        places=_places(path / TERRITORY),
        panel=_cube(_long(path / PANEL, facts.universe, PANEL_FIELDS), facts),
        levels=_long(path / LEVELS, facts.universe),
        hotspots=_hotspots(path / TERRITORY, facts.universe),
    )


def _manifest(path: Path) -> dict[str, Any]:
    """Read the manifest."""
    file = path / MANIFEST
    if not file.is_file():
        raise SourceError(
            "NO_RUN",
            f"{path} holds no finished run (no {MANIFEST}). Give the folder that was --out of "
            "`geo-engine run` or `geo-engine demo`.",
        )
    try:
        manifest = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise SourceError("NO_RUN", f"{file} cannot be read ({error}). Run the study again.") from (
            error
        )
    if "facts" not in manifest:
        raise SourceError(
            "RUN_INCOMPLETE", f"{path} was written by an earlier version. Run the study again."
        )
    return dict(manifest)


def _facts(given: Mapping[str, Any]) -> Facts:
    """Give the facts back their types."""
    names = {field.name for field in dataclasses.fields(Facts)}
    known: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in given.items()
        if name in names
    }
    known["chains"] = tuple(ChainInfo(**each) for each in given["chains"])
    known["universes"] = tuple(UniverseInfo(**each) for each in given["universes"])
    return Facts(**known)


def _places(path: Path) -> pd.DataFrame:
    """Read the municipalities without their outlines."""
    import pyogrio

    frame = pyogrio.read_dataframe(
        path, layer="municipalities", columns=list(PLACE_FIELDS), read_geometry=False
    )
    for name in ("name", "name_other", "province", "sigla", "region"):
        frame[name] = frame[name].fillna("").astype(str)
    frame["covered"] = frame["covered"].astype(bool)
    return frame.set_index("pro_com_t").sort_index()


def _outlines(path: Path) -> gpd.GeoSeries:
    """Read the outlines of the municipalities."""
    import pyogrio

    frame = pyogrio.read_dataframe(path, layer="municipalities", columns=["pro_com_t"])
    shapes = frame.to_crs(tables.CRS_DISTANCE).set_index("pro_com_t").geometry.sort_index()
    shapes.index = shapes.index.astype(str)
    return shapes


def _long(path: Path, universe: str, columns: Sequence[str] = ()) -> pd.DataFrame:
    """Read a long table of one universe; all columns unless some are named."""
    import pyarrow.parquet as pq

    there = set(pq.read_schema(path).names)
    table = pq.read_table(
        path,
        columns=[name for name in columns if name in there] if columns else None,
        filters=[("universe", "==", universe)],
        page_checksum_verification=True,
    )
    frame = table.to_pandas()
    for name in ("firms", "known", "digital", "all_firms"):
        if name in frame:
            frame[name] = frame[name].astype("float64")
    return frame


def _cube(frame: pd.DataFrame, facts: Facts) -> xr.Dataset:
    """Lay the panel out by municipality, chain (in the order of the study) and year."""
    frame = frame.sort_values(["pro_com_t", "chain", "year"], kind="stable")
    keys = {
        "place": np.unique(frame["pro_com_t"].astype(str).to_numpy(dtype=str)),
        "chain": np.unique(frame["chain"].astype(str).to_numpy(dtype=str)),
        "year": np.unique(frame["year"].to_numpy()).astype(int),
    }
    shape = tuple(len(values) for values in keys.values())
    variables = {
        name: (tuple(keys), _values(column).reshape(shape))
        for name, column in frame.items()
        if name not in ("pro_com_t", "chain", "year", "universe")
    }
    cube = xr.Dataset(variables, coords=keys)
    return cube.sel(chain=[chain.key for chain in facts.chains])


def _values(column: pd.Series) -> np.ndarray:
    """Give numbers as they are and categories as text."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        names = np.array([*column.cat.categories.astype(str), ""], dtype=str)
        return names[column.cat.codes.to_numpy()]
    return column.to_numpy()


def _hotspots(path: Path, universe: str) -> pd.DataFrame:
    """Read the hotspots of one universe, their members apart."""
    import pyogrio

    frame = pyogrio.read_dataframe(path, layer="hotspots", read_geometry=False)
    frame = frame[frame["universe"] == universe].reset_index(drop=True)
    frame["members"] = [tuple(str(text).split(",")) for text in frame["members"]]
    for name in ("firms", "known", "digital", "share", "share_outside", "robustness"):
        frame[name] = frame[name].astype("float64")
    return frame.replace({np.nan: None}).astype({"year": int, "rank": int, "places": int})
