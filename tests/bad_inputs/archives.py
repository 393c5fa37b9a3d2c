"""B56 to B62: archives of boundaries that are damaged, hostile or incomplete."""

from __future__ import annotations

import functools
import io
import struct
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import shapely

from geo_engine.sources import boundaries
from tests.bad_inputs.case import Refused
from tests.sources.official import Files, official_files, official_tables, pack, stem

YEAR = 2022
COM = stem("Com", YEAR)
PRATO = "100005"


@dataclass(frozen=True, kw_only=True)
class Archive:
    """One bad archive."""

    id: str
    what: str
    make: Callable[[], bytes]
    expected: Refused

    def param(self) -> Any:
        """Give the archive as a parameter of a test."""
        name = f"{self.id}-{self.what.replace(' ', '-')}"
        return pytest.param(self, id=name)


@functools.cache
def _tables() -> dict[str, gpd.GeoDataFrame]:
    """Give ISTAT's layers of 2022, with few points: their drawing is not what is tested."""
    layer = boundaries.read_layer(boundaries.FIRST_DATE)
    shapes = shapely.coverage_simplify(np.asarray(layer.geometry.array, dtype=object), 0.02)
    return official_tables(
        layer.set_geometry(gpd.GeoSeries(shapes, index=layer.index, crs=layer.crs))
    )


@functools.cache
def good_files() -> Files:
    """Give the members of a good archive, without .cpg as ISTAT's of 2021 and 2023."""
    return official_files(_tables(), YEAR)


def good_archive() -> bytes:
    """Give a good archive."""
    return pack(good_files())


def _crossed() -> bytes:
    """Give an archive in which the polygon of Prato crosses itself."""
    tables = dict(_tables())
    towns = tables["Com"].copy()
    row = int(np.flatnonzero(towns["PRO_COM_T"] == PRATO)[0])
    west, south, east, north = towns.geometry.iloc[row].bounds
    corners = [(west, south), (east, north), (east, south), (west, north)]
    shapes = list(towns.geometry)
    shapes[row] = shapely.Polygon(corners)
    return pack(official_files(tables | {"Com": towns.set_geometry(shapes, crs=towns.crs)}, YEAR))


def _cut() -> bytes:
    """Give an archive of which the last third is missing."""
    data = good_archive()
    return data[: len(data) * 7 // 10]


def _flipped() -> bytes:
    """Give an archive with one byte of the table of municipalities changed."""
    data = bytearray(good_archive())
    with zipfile.ZipFile(io.BytesIO(bytes(data))) as archive:
        member = archive.getinfo(f"{COM}.dbf")
    sizes = struct.unpack("<HH", data[member.header_offset + 26 : member.header_offset + 30])
    start = member.header_offset + 30 + sum(sizes)
    data[start + member.compress_size // 2] ^= 0xFF
    return bytes(data)


def _page() -> bytes:
    """Give the page that a server sends instead of an archive."""
    return b"<!DOCTYPE html><html><title>404 Not Found</title></html>"


def _bomb() -> bytes:
    """Give an archive of 1.6 MB that unpacks to 1.6 GB."""
    zeros = bytes(1 << 20)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, data in good_files().items():
            archive.writestr(name, data)
        with archive.open("zeros.bin", "w", force_zip64=True) as member:
            for _ in range(1600):
                member.write(zeros)
    return out.getvalue()


def _outside() -> bytes:
    """Give an archive with a member that would land two folders up."""
    return pack(good_files() | {"../../evil.txt": b"x"})


def _missing(end: str) -> Archive:
    """Give the case of an archive without one member."""
    return Archive(
        id="B60",
        what=f"no {end} of the municipalities",
        make=lambda: pack({k: v for k, v in good_files().items() if k != f"{COM}.{end}"}),
        expected=Refused(code="SHAPEFILE_INCOMPLETE", says=("confini.zip", f".{end}")),
    )


ARCHIVES = [
    Archive(
        id="B56",
        what="a polygon that crosses itself",
        make=_crossed,
        expected=Refused(code="INVALID_BOUNDARY", says=(PRATO,)),
    ),
    Archive(
        id="B57",
        what="an archive that was cut",
        make=_cut,
        expected=Refused(code="ZIP_CORRUPT", says=("confini.zip", "again")),
    ),
    Archive(
        id="B58",
        what="a byte of the table changed",
        make=_flipped,
        expected=Refused(code="ZIP_CRC", says=("confini.zip", "again")),
    ),
    Archive(
        id="B59",
        what="a page instead of an archive",
        make=_page,
        expected=Refused(code="NOT_A_ZIP", says=("confini.zip",)),
    ),
    # The guide counts a missing .cpg too, but ISTAT's own archives of 2021 and 2023 have none and
    # are UTF-8: they are read, and a test of its own holds that no name is spoilt.
    *(_missing(end) for end in ("shp", "shx", "dbf", "prj")),
    Archive(
        id="B61",
        what="an archive that unpacks to a thousand times its size",
        make=_bomb,
        expected=Refused(code="ZIP_TOO_LARGE", says=("confini.zip", "nothing was unpacked")),
    ),
    Archive(
        id="B62",
        what="a member that would leave the folder",
        make=_outside,
        expected=Refused(code="ZIP_PATH", says=("confini.zip", "../../evil.txt")),
    ),
]
