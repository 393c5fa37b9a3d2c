"""Reads the tables of ISTAT's boundary archives, whose columns changed over the years."""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pyogrio
import pyproj

from geo_engine.errors import BoundaryError
from geo_engine.sources.registry import read_registry
from geo_engine.sources.shapefiles import Unpacked, check_shapefile

ENCODINGS = ("utf-8", "cp1252")
"""Tried in this order: a text of the second that reads as the first does not occur."""

_EMPTY = {"", "-", "0"}
_LETTERS = re.compile(r"[\w '’`´./,()?\-–]*")  # a question mark stands for a letter that got lost
_MISREAD = re.compile("Ã|Â[\x80-\xbf]|[\x80-\x9f\ufffd]")
_ODD_NAMES = 10
_METROPOLITAN = 200  # the code of a metropolitan city is its province's plus this


@dataclass(frozen=True, kw_only=True)
class OfficialTables:
    """What an archive holds, before geometry is judged.

    Parameters
    ----------
    municipalities : GeoDataFrame
        pro_com_t, cod_reg, name, name_other, geometry; one row per record of the shapefile, in
        the system of the archive.
    provinces : DataFrame
        province, sigla; by cod_prov (three characters).
    regions : Series
        Names by cod_reg (two characters).
    encodings : tuple of str
        Encodings of the tables, without repetition.
    """

    municipalities: gpd.GeoDataFrame
    provinces: pd.DataFrame
    regions: pd.Series
    encodings: tuple[str, ...]


def read_tables(shapefiles: Mapping[str, Unpacked]) -> OfficialTables:
    """Read municipalities, provinces and regions.

    Parameters
    ----------
    shapefiles : mapping of str to Unpacked
        By layer: ``municipalities``, ``provinces``, ``regions``.

    Returns
    -------
    OfficialTables
        Codes as text with their zeros, names as written.

    Raises
    ------
    SourceError
        ``SHAPEFILE_CORRUPT``.
    BoundaryError
        ``CRS_MISSING``, ``CRS_MISMATCH``, ``ENCODING_SUSPECT`` or ``BOUNDARY_LAYOUT``.
    """
    columns = read_registry()["boundaries"]["columns"]
    encodings = {layer: _encoding(found) for layer, found in shapefiles.items()}
    for found in shapefiles.values():
        check_shapefile(found.path, found.stem)
    shapes = _read(shapefiles["municipalities"], encodings["municipalities"], geometry=True)
    crs = _reference_system(shapefiles["municipalities"])
    shapes = shapes.set_crs(crs, allow_override=True)
    return OfficialTables(
        municipalities=_municipalities(shapes, columns["municipalities"], shapefiles),
        provinces=_provinces(
            _read(shapefiles["provinces"], encodings["provinces"]), columns["provinces"], shapefiles
        ),
        regions=_regions(
            _read(shapefiles["regions"], encodings["regions"]), columns["regions"], shapefiles
        ),
        encodings=tuple(dict.fromkeys(encodings.values())),
    )


def _read(found: Unpacked, encoding: str, *, geometry: bool = False) -> gpd.GeoDataFrame:
    """Read a shapefile whole; its files have been found to fit each other."""
    table = pyogrio.read_dataframe(
        found.path, encoding=encoding, read_geometry=geometry, force_2d=geometry
    )
    return table.rename(columns={c: c.upper() for c in table.columns if c != "geometry"})


def _reference_system(found: Unpacked) -> pyproj.CRS:
    """Read the .prj file, and refuse a system that is not one of ISTAT's."""
    text = found.path.with_suffix(".prj").read_text(encoding="utf-8", errors="replace").strip()
    try:
        crs = pyproj.CRS.from_wkt(text)
    except pyproj.exceptions.CRSError as error:
        raise BoundaryError(
            "CRS_MISSING",
            f"{found.stem}.prj states no reference system ({len(text)} characters). Take ISTAT's "
            "archive as it is.",
        ) from error
    allowed = read_registry()["boundaries"]["archive"]["crs"]
    if f"EPSG:{crs.to_epsg()}" not in allowed:
        raise BoundaryError(
            "CRS_MISMATCH",
            f"{found.stem} is in {crs.name}; ISTAT's boundaries are in {allowed[0]}. Take ISTAT's "
            "archive as it is.",
        )
    return crs


def _encoding(found: Unpacked) -> str:
    """Find the encoding of a table by reading all of it; a .cpg file may be absent or wrong."""
    content = found.path.with_suffix(".dbf").read_bytes()
    body = content[struct.unpack("<H", content[8:10].ljust(2, b"\0"))[0] :]
    for encoding in ENCODINGS:
        try:
            body.decode(encoding)
        except UnicodeDecodeError:
            continue
        return encoding
    raise BoundaryError(
        "ENCODING_SUSPECT",
        f"{found.stem}.dbf is neither UTF-8 nor Windows-1252. Take ISTAT's archive as it is.",
    )


def _municipalities(
    table: gpd.GeoDataFrame, columns: Mapping[str, Sequence[str]], found: Mapping[str, Unpacked]
) -> gpd.GeoDataFrame:
    """Give each record its code, region and names."""
    stem = found["municipalities"].stem
    codes = _filled(table, columns["code"], stem, required=True).map(_six)
    names = _filled(table, columns["name"], stem, required=True)
    others = _filled(table, columns["name_other"], stem)
    _check_names(pd.concat([names, others]), stem)
    wrong = codes[~codes.str.fullmatch(r"\d{6}")]
    if len(wrong):
        raise BoundaryError(
            "BOUNDARY_LAYOUT",
            f"{stem}: {len(wrong)} records have no municipal code of six digits, such as "
            f"{wrong.iloc[0]!r} ({names[wrong.index[0]]}).",
        )
    return gpd.GeoDataFrame(
        {
            "pro_com_t": codes,
            "cod_reg": _filled(table, columns["region"], stem, required=True).map(_two),
            "name": names,
            "name_other": others,
        },
        geometry=table.geometry,
        crs=table.crs,
    )


def _provinces(
    table: pd.DataFrame, columns: Mapping[str, Sequence[str]], found: Mapping[str, Unpacked]
) -> pd.DataFrame:
    """Give provinces their code, name and abbreviation."""
    stem = found["provinces"].stem
    own = _filled(table, columns["code"], stem)
    metropolitan = _filled(table, columns["metropolitan"], stem)
    codes = own.where(own != "", metropolitan.map(_without_metropolitan)).map(_whole)
    names = _filled(table, columns["name"], stem, required=True)
    _check_names(names, stem)
    siglas = _filled(table, columns["sigla"], stem)
    result = pd.DataFrame({"province": names.to_numpy(), "sigla": siglas.to_numpy()}, index=codes)
    return result[~result.index.duplicated()].sort_index()


def _regions(
    table: pd.DataFrame, columns: Mapping[str, Sequence[str]], found: Mapping[str, Unpacked]
) -> pd.Series:
    """Give regions their code and name."""
    stem = found["regions"].stem
    names = _filled(table, columns["name"], stem, required=True)
    _check_names(names, stem)
    codes = _filled(table, columns["code"], stem, required=True).map(_two)
    result = pd.Series(names.to_numpy(), index=pd.Index(codes, name="cod_reg"))
    return result[~result.index.duplicated()].sort_index()


def _filled(
    table: pd.DataFrame, names: Sequence[str], stem: str, *, required: bool = False
) -> pd.Series:
    """Take the first of some columns that says something, row by row."""
    result = pd.Series("", index=table.index, dtype=object)
    for name in names:
        if name in table:
            text = table[name].map(_text)
            result = result.where(~result.isin(_EMPTY), text)
    result = result.where(~result.isin(_EMPTY), "")
    if required and (result == "").any():
        raise BoundaryError(
            "BOUNDARY_LAYOUT",
            f"{stem}: {(result == '').sum()} of {len(result)} records have none of "
            f"{', '.join(names)}; the columns are {', '.join(map(str, table.columns))}.",
        )
    return result


def _check_names(names: pd.Series, stem: str) -> None:
    """Refuse names that were read in another encoding than they were written in."""
    misread = [name for name in names if _MISREAD.search(name)]
    odd = [name for name in names if not _LETTERS.fullmatch(name)]
    suspect = misread or (odd if len(odd) > _ODD_NAMES else [])
    if suspect:
        raise BoundaryError(
            "ENCODING_SUSPECT",
            f"{stem}: {len(suspect)} names are garbled, such as {', '.join(suspect[:3])}. The "
            "archive was repacked by a program that took UTF-8 for something else: take ISTAT's.",
        )


def _text(value: object) -> str:
    """Write a cell as text, a whole number without its decimals; None (a town) is a name."""
    if isinstance(value, float):
        return str(int(value)) if value == value and value.is_integer() else ""
    return "" if value is None else str(value).strip()


def _six(text: str) -> str:
    """Give a municipal code the zeros that even ISTAT's own table has lost (2019, 16215)."""
    return text.zfill(6)


def _two(text: str) -> str:
    """Write a region's code with two digits."""
    return text.zfill(2)


def _whole(text: str) -> str:
    """Write a province's code with three digits."""
    return text.zfill(3)


def _without_metropolitan(text: str) -> str:
    """Give the province of a metropolitan city's code."""
    number = int(text) if text.isdigit() else 0
    return str(number % _METROPOLITAN) if number else ""


def layer_year(found: Unpacked) -> int | None:
    """Read the year that stands in the name of a layer.

    Parameters
    ----------
    found : Unpacked
        A shapefile of the archive.

    Returns
    -------
    int or None
        2023 of ``Com01012023_g_WGS84``; None where the name has no date.
    """
    match = re.search(r"(?:0101)?((?:19|20)\d\d)(?!\d)", Path(found.stem).name)
    return int(match.group(1)) if match else None
