"""B63 to B66: files that are not what their name says, elsewhere, damaged or unfinished."""

from __future__ import annotations

import hashlib
import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import geopandas as gpd
import pyarrow as pa
import pyarrow.parquet as pq
import shapely

from tests.bad_inputs.case import Accounted, Case, Refused, columns_of, extract, table

NAMED = columns_of("nome", "comune", "prov")
POINTS = {"firm_id": "id", "lon": "lon", "lat": "lat"}
VRT = """\
<OGRVRTDataSource><OGRVRTLayer name="firms">
<SrcDataSource>/vsicurl/http://127.0.0.1:9/firms.csv</SrcDataSource>
</OGRVRTLayer></OGRVRTDataSource>
"""


def _parquet(folder: Path) -> Path:
    """Write a Parquet file with checksums of its pages."""
    names = [f"Ditta {i}" for i in range(2000)]
    firms = pa.table({"nome": names, "comune": ["Prato"] * 2000, "prov": ["PO"] * 2000})
    path = folder / "firms.parquet"
    pq.write_table(firms, path, write_page_checksum=True, compression="none")
    return path


def _cut(folder: Path) -> None:
    """Write a Parquet file of which the end is missing."""
    path = _parquet(folder)
    path.write_bytes(path.read_bytes()[:-2000])


def _flipped(folder: Path) -> None:
    """Write a Parquet file with one bit of a name changed."""
    path = _parquet(folder)
    data = bytearray(path.read_bytes())
    data[data.index(b"Ditta 100")] ^= 1
    path.write_bytes(data)


def _csv_flipped(folder: Path) -> None:
    """Write a CSV with one bit changed after its digest was taken."""
    data = bytearray(table("nome;comune;prov", "Bar;Prato;PO").encode())
    data[data.index(b"Bar")] ^= 1
    (folder / "firms.csv").write_bytes(data)


_DIGEST = hashlib.sha256(table("nome;comune;prov", "Bar;Prato;PO").encode()).hexdigest()
_KILLED = """
import os, signal, sqlite3, sys

base = sqlite3.connect(sys.argv[1], isolation_level=None)
base.execute("PRAGMA journal_mode = " + sys.argv[2])
base.execute("PRAGMA cache_size = 1")
base.execute("PRAGMA wal_autocheckpoint = 0")
base.execute("CREATE TABLE notes (text)")
base.execute("BEGIN")
for _ in range(200):
    base.execute("INSERT INTO notes VALUES (hex(zeroblob(4000)))")
if sys.argv[2] == "WAL":
    base.execute("COMMIT")
os.kill(os.getpid(), signal.SIGKILL)
"""


def _geopackage(folder: Path) -> Path:
    """Write points of Prato."""
    points = [shapely.Point(11.0961, 43.8805)] * 50
    ids = [f"u{i}" for i in range(50)]
    firms = gpd.GeoDataFrame({"id": ids, "nome": ids}, geometry=points, crs="EPSG:4326")
    firms.to_file(folder / "firms.gpkg", layer="firms")
    return folder / "firms.gpkg"


def _killed(folder: Path, mode: str) -> None:
    """Write a GeoPackage, and kill a program that writes into it."""
    path = _geopackage(folder)
    done = subprocess.run([sys.executable, "-c", _KILLED, path, mode], check=False)
    assert done.returncode == -signal.SIGKILL
    side = path.with_name(f"{path.name}-{'wal' if mode == 'WAL' else 'journal'}")
    assert side.stat().st_size > 0


def _killed_in_a_change(folder: Path) -> None:
    _killed(folder, "DELETE")


def _killed_before_the_checkpoint(folder: Path) -> None:
    _killed(folder, "WAL")


def _closed_in_order(folder: Path) -> None:
    """Write a GeoPackage whose journal a program emptied and left, as QGIS does."""
    path = _geopackage(folder)
    base = sqlite3.connect(path)
    base.execute("PRAGMA journal_mode = PERSIST")
    base.execute("CREATE TABLE notes (text)")
    base.commit()
    base.close()
    assert path.with_name(path.name + "-journal").exists()


def _page_missing(folder: Path) -> None:
    """Write a GeoPackage of which the end is missing."""
    path = _geopackage(folder)
    os.truncate(path, path.stat().st_size // 2)


CASES = [
    Case(
        id="B63",
        what="a virtual dataset that calls itself CSV",
        make=extract(VRT),
        columns=NAMED,
        expected=Refused(code="DRIVER_NOT_ALLOWED", says=("firms.csv", "Give the data")),
    ),
    Case(
        id="B63",
        what="a virtual dataset behind a declaration of XML",
        make=extract('\ufeff<?xml version="1.0"?>\n<!-- x -->\n' + VRT),
        columns=NAMED,
        expected=Refused(code="DRIVER_NOT_ALLOWED", says=("firms.csv",)),
    ),
    *(
        Case(
            id="B64",
            what=f"an address instead of a file {i}",
            make=lambda folder: None,
            source={"path": path},
            columns=NAMED,
            expected=Refused(code="REMOTE_NOT_ALLOWED", says=(path, "Download it")),
        )
        for i, path in enumerate(
            [
                "/vsicurl/http://127.0.0.1:9/firms.csv",
                "https://127.0.0.1:9/firms.csv",
                "/vsizip/vsicurl/http://127.0.0.1:9/a.zip/firms.csv",
                "file:///etc/hosts",
                "\\\\server\\share\\firms.csv",
            ]
        )
    ),
    Case(
        id="B65",
        what="a Parquet file that was cut",
        make=_cut,
        source={"path": "firms.parquet"},
        columns=NAMED,
        expected=Refused(code="PARQUET_CORRUPT", says=("firms.parquet", "again")),
    ),
    Case(
        id="B65",
        what="a Parquet file with one bit flipped",
        make=_flipped,
        source={"path": "firms.parquet"},
        columns=NAMED,
        expected=Refused(code="PARQUET_CORRUPT", says=("firms.parquet", "again")),
    ),
    Case(
        id="B65",
        what="any file with one bit flipped whose digest is stated",
        make=_csv_flipped,
        source={"sha256": _DIGEST},
        columns=NAMED,
        expected=Refused(code="SHA256_MISMATCH", says=("firms.csv", _DIGEST)),
    ),
    Case(
        id="B65",
        what="a whole file whose digest is stated",
        make=extract(table("nome;comune;prov", "Bar;Prato;PO")),
        source={"sha256": _DIGEST},
        columns=NAMED,
        expected=Accounted(placed=("100005",)),
    ),
    Case(
        id="B66",
        what="a GeoPackage whose writer was killed",
        make=_killed_in_a_change,
        source={"path": "firms.gpkg"},
        columns=POINTS,
        expected=Refused(code="GPKG_UNFINISHED", says=("firms.gpkg-journal", "QGIS")),
    ),
    Case(
        id="B66",
        what="a GeoPackage with changes beside it",
        make=_killed_before_the_checkpoint,
        source={"path": "firms.gpkg"},
        columns=POINTS,
        expected=Refused(code="GPKG_UNFINISHED", says=("firms.gpkg-wal", "QGIS")),
    ),
    Case(
        id="B66",
        what="a GeoPackage with an empty journal is whole",
        make=_closed_in_order,
        source={"path": "firms.gpkg"},
        columns=POINTS,
        expected=Accounted(placed=("100005",) * 50, flags={"ANY": 1}),
    ),
    Case(
        id="B66",
        what="a GeoPackage that was cut",
        make=_page_missing,
        source={"path": "firms.gpkg"},
        columns=POINTS,
        expected=Refused(code="GPKG_CORRUPT", says=("firms.gpkg", "again")),
    ),
]
