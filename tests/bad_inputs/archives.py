"""B56 to B62: archives of boundaries that are damaged, hostile or incomplete."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import pytest
import shapely

from geo_engine.sources import boundaries
from tests.bad_inputs.case import Refused

WAITS = "geo-engine boundaries import FILE YEAR is being built"
YEAR = "2022"
STEM = "Limiti01012022_g/Com01012022_g/Com01012022_g_WGS84"
MEMBERS = ("shp", "shx", "dbf", "prj", "cpg")


@dataclass(frozen=True, kw_only=True)
class Archive:
    """One bad archive."""

    id: str
    what: str
    make: Callable[[Path], None]
    expected: Refused
    year: str = YEAR
    waits: str = WAITS

    def param(self) -> Any:
        """Give the archive as a parameter of a test."""
        name = f"{self.id}-{self.what.replace(' ', '-')}"
        marks = [pytest.mark.xfail(reason=self.waits, strict=True)] if self.waits else []
        return pytest.param(self, id=name, marks=marks)


def _members(folder: Path, *, broken: str = "") -> dict[str, bytes]:
    """Give a shapefile in ISTAT's layout: a square for each municipality of 2022.

    The square of ``broken`` crosses itself.
    """
    layer = boundaries.read_layer(boundaries.FIRST_DATE)
    corners = [((i % 100) * 8000.0, (i // 100) * 8000.0) for i in range(len(layer))]
    shapes = [
        shapely.Polygon([(x, y), (x + 4e3, y + 4e3), (x + 4e3, y), (x, y + 4e3)])
        if code == broken
        else shapely.box(x, y, x + 4e3, y + 4e3)
        for code, (x, y) in zip(layer.index, corners, strict=True)
    ]
    codes = layer.index.to_series()
    table = gpd.GeoDataFrame(
        {
            "COD_REG": layer["cod_reg"].astype(int).to_numpy(),
            "COD_PROV": codes.str[:3].astype(int).to_numpy(),
            "PRO_COM": codes.astype(int).to_numpy(),
            "PRO_COM_T": codes.to_numpy(),
            "COMUNE": layer["name"].to_numpy(),
        },
        geometry=shapes,
        crs="EPSG:32632",
    )
    table.to_file(folder / "com.shp", encoding="utf-8")
    return {end: (folder / f"com.{end}").read_bytes() for end in MEMBERS}


def _whole(path: Path, *, without: tuple[str, ...] = (), broken: str = "") -> None:
    """Write an archive; some members may be left out."""
    folder = path.parent / "unpacked"
    folder.mkdir()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for end, data in _members(folder, broken=broken).items():
            if end not in without:
                archive.writestr(f"{STEM}.{end}", data)
    for left in folder.iterdir():
        left.unlink()
    folder.rmdir()


def _cut(path: Path) -> None:
    """Write an archive of which the last third is missing."""
    _whole(path)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 7 // 10])


def _flipped(path: Path) -> None:
    """Write an archive with one byte of its table changed."""
    _whole(path)
    data = bytearray(path.read_bytes())
    with zipfile.ZipFile(io.BytesIO(bytes(data))) as archive:
        member = archive.getinfo(f"{STEM}.dbf")
    size = struct.unpack("<HH", data[member.header_offset + 26 : member.header_offset + 30])
    start = member.header_offset + 30 + sum(size)
    data[start + member.compress_size // 2] ^= 0xFF
    path.write_bytes(data)


def _page(path: Path) -> None:
    """Write the page that a server gives instead of an archive."""
    path.write_text("<!DOCTYPE html><html><title>404 Not Found</title></html>", encoding="utf-8")


def _bomb(path: Path) -> None:
    """Write an archive of 1.6 MB that unpacks to 1.6 GB."""
    zeros = bytes(1 << 20)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for end in ("shp", "shx", "dbf", "prj"):
            with archive.open(f"{STEM}.{end}", "w", force_zip64=True) as member:
                for _ in range(400):
                    member.write(zeros)


def _outside(path: Path) -> None:
    """Write an archive with a member that would land two folders up."""
    _whole(path)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("../../evil.txt", "x")


def _missing(end: str) -> Archive:
    """Give the case of an archive without one member."""
    return Archive(
        id="B60",
        what=f"no {end} in the archive",
        make=lambda path: _whole(path, without=(end,)),
        expected=Refused(code="SHAPEFILE_INCOMPLETE", says=(f".{end}",)),
    )


ARCHIVES = [
    Archive(
        id="B56",
        what="a polygon that crosses itself",
        make=lambda path: _whole(path, broken="100005"),
        expected=Refused(code="INVALID_BOUNDARY", says=("100005",)),
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
    # A .cpg may be absent: ISTAT's archives of 2021 and 2023 have none and are UTF-8 (issue 3).
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
