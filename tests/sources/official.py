"""Makes archives in the layout of ISTAT's, from the layer that ships or from real parts of them."""

from __future__ import annotations

import datetime as dt
import io
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pyproj
import shapely

from geo_engine.sources.boundaries import read_layer

PRJ = pyproj.CRS("EPSG:32632").to_wkt("WKT1_ESRI").encode()
LAYERS = ("Com", "ProvCM", "Reg", "RipGeo")
MACRO_AREAS = {1: "Nord-Ovest", 2: "Nord-Est", 3: "Centro", 4: "Sud", 5: "Isole"}
METROPOLITAN = {"001", "010", "015", "027", "037", "048", "058", "063", "072", "080"}

Files = dict[str, bytes]


def stem(layer: str, year: int, *, detailed: bool = False) -> str:
    """Give the name of a layer in ISTAT's archive, folders included."""
    end = "" if detailed else "_g"
    name = f"{layer}0101{year}{end}"
    return f"Limiti0101{year}{end}/{name}/{name}_WGS84"


def shapefile(table: gpd.GeoDataFrame, *, encoding: str = "UTF-8") -> dict[str, bytes]:
    """Write a table as a shapefile; give its members by suffix."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "layer.shp"
        pyogrio.write_dataframe(table, path, driver="ESRI Shapefile", encoding=encoding)
        members = {p.suffix[1:]: p.read_bytes() for p in Path(folder).iterdir()}
    return members | {"prj": PRJ}


def official_tables(layer: gpd.GeoDataFrame) -> dict[str, gpd.GeoDataFrame]:
    """Give ISTAT's four layers of a table of municipalities, in ISTAT's columns and system."""
    metres = layer.to_crs("EPSG:32632")
    provinces = metres["cod_prov"].astype(int)
    metropolitan = np.where(metres["cod_prov"].isin(METROPOLITAN), provinces + 200, 0)
    regions = metres["cod_reg"].astype(int)
    macro = np.select([regions <= 3, regions <= 8, regions <= 12, regions <= 18], [1, 2, 3, 4], 5)
    macro = np.where(regions == 7, 1, macro)
    slash = metres["name"].str.split("/").str[0]
    towns = gpd.GeoDataFrame(
        {
            "COD_RIP": macro,
            "COD_REG": regions,
            "COD_PROV": provinces,
            "COD_CM": metropolitan,
            "COD_UTS": np.where(metropolitan > 0, metropolitan, provinces),
            "PRO_COM": metres.index.astype(int),
            "PRO_COM_T": metres.index,
            "COMUNE": slash.where(metres["name_other"] == "", _italian(metres)),
            "COMUNE_A": metres["name_other"].replace("", None),
            "CC_UTS": 0,
            "Shape_Leng": metres.length,
            "Shape_Area": metres.area,
        },
        geometry=metres.geometry,
        crs=metres.crs,
    )
    areas = metres.dissolve("cod_prov", method="coverage").reset_index()
    number = areas["cod_prov"].astype(int)
    is_city = areas["cod_prov"].isin(METROPOLITAN)
    units = gpd.GeoDataFrame(
        {
            "COD_RIP": 1,
            "COD_REG": areas["cod_reg"].astype(int),
            "COD_PROV": number,
            "COD_CM": np.where(is_city, number + 200, 0),
            "COD_UTS": np.where(is_city, number + 200, number),
            "DEN_PROV": areas["province"].where(~is_city, "-"),
            "DEN_CM": areas["province"].where(is_city, "-"),
            "DEN_UTS": areas["province"],
            "SIGLA": areas["sigla"],
            "TIPO_UTS": np.where(is_city, "Citta metropolitana", "Provincia"),
        },
        geometry=areas.geometry,
        crs=metres.crs,
    )
    wide = metres.dissolve("cod_reg", method="coverage").reset_index()
    lands = gpd.GeoDataFrame(
        {"COD_RIP": 1, "COD_REG": wide["cod_reg"].astype(int), "DEN_REG": wide["region"]},
        geometry=wide.geometry,
        crs=metres.crs,
    )
    rips = gpd.GeoDataFrame(
        {"COD_RIP": list(MACRO_AREAS), "DEN_RIP": list(MACRO_AREAS.values())},
        geometry=[shapely.box(0, 0, 1, 1)] * len(MACRO_AREAS),
        crs=metres.crs,
    )
    return dict(zip(LAYERS, (towns, units, lands, rips), strict=True))


def official_files(
    tables: Mapping[str, gpd.GeoDataFrame],
    year: int,
    *,
    detailed: bool = False,
    encoding: str = "UTF-8",
    cpg: bool = False,
) -> Files:
    """Give the members of an archive by name; .cpg files only where asked, as ISTAT's of 2023."""
    files: Files = {}
    for layer, table in tables.items():
        for suffix, content in shapefile(table, encoding=encoding).items():
            if suffix != "cpg" or cpg:
                files[f"{stem(layer, year, detailed=detailed)}.{suffix}"] = content
    return files


def pack(files: Mapping[str, bytes]) -> bytes:
    """Pack members into a zip archive."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()


def shared_files(shared_data: Path, year: int) -> Files:
    """Give the members of an archive with ISTAT's own tables, and shapes of the parquet layers."""
    layout = shared_data / "boundaries" / "istat_layout" / str(year)
    names = {
        "comuni": "Com",
        "unita-territoriali-sovracomunali": "ProvCM",
        "regioni": "Reg",
        "ripartizioni-geografiche": "RipGeo",
    }
    files: Files = {}
    for own, official in names.items():
        for path in sorted((layout / own).glob(f"{own}.*")):
            if path.suffix != ".zip":
                files[f"{stem(official, year)}{path.suffix}"] = path.read_bytes()
    table = pyogrio.read_dataframe(
        layout / "comuni" / "comuni.dbf", read_geometry=False, encoding="utf-8"
    )
    codes = table["PRO_COM_T"].str.zfill(6)
    shapes = _shared_shapes(shared_data, year).reindex(codes)
    members = shapefile(gpd.GeoDataFrame({"A": 1}, index=codes, geometry=shapes, crs=shapes.crs))
    for suffix in ("shp", "shx"):
        files[f"{stem('Com', year)}.{suffix}"] = members[suffix]
    return files


def _italian(layer: gpd.GeoDataFrame) -> pd.Series:
    """Give the Italian half of names in two languages."""
    return pd.Series(
        [
            name.removesuffix(other)[:-1] if other and name.endswith(other) else name
            for name, other in zip(layer["name"], layer["name_other"], strict=True)
        ],
        index=layer.index,
    )


def _shared_shapes(shared_data: Path, year: int) -> gpd.GeoSeries:
    """Give real shapes by code on 1 January of a year; what merged later is cut in pieces."""
    folder = shared_data / "boundaries"
    if year == 2023:
        return read_layer(dt.date(2023, 1, 1)).geometry.to_crs("EPSG:32632")
    name = {2019: "comuni_2019-12", 2021: "comuni_2021-02"}[year]
    table = gpd.read_parquet(folder / f"{name}.parquet").set_index("pro_com_t_anpr")
    shapes = table.geometry.to_crs("EPSG:32632")
    if year == 2021:
        return shapes
    pieces = dict(shapes)
    for new, old in MERGED_IN_2019.items():
        whole = pieces.pop(new)
        west, south, east, north = whole.bounds
        cuts = np.linspace(west, east, len(old) + 1)
        for code, left, right in zip(old, cuts[:-1], cuts[1:], strict=True):
            strip = shapely.box(left, south - 1, right, north + 1)
            pieces[code] = shapely.intersection(whole, strip)
    return gpd.GeoSeries(pieces, crs=shapes.crs)


MERGED_IN_2019 = {
    "006193": ("006064", "006089"),
    "012143": ("012028", "012111"),
    "015251": ("015235", "015246"),
    "024125": ("024023", "024031", "024093", "024114"),
    "024126": ("024058", "024059"),
    "024127": ("024033", "024054"),
    "025074": ("025028", "025034", "025061"),
    "026096": ("026024", "026054"),
    "075098": ("075001", "075062"),
}
