"""Parquet, workbooks and GeoPackages come out as text; wrong paths and content are refused."""

from __future__ import annotations

import datetime as dt
import decimal
import hashlib
import sqlite3
import warnings
from pathlib import Path

import geopandas as gpd
import numpy as np
import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shapely
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st

from geo_engine.errors import SourceError
from geo_engine.sources import parquet_records, workbook_records
from geo_engine.sources.firms import detect, open_source, read_batches
from geo_engine.study import FirmSource


def read(path: Path, **options) -> tuple[list[dict[str, str | None]], pd.DataFrame]:
    batches = list(read_batches(FirmSource(path=path.name, **options), path))
    rows = [row for batch in batches for row in batch.rows.to_pylist()]
    aside = pd.concat([batch.quarantined for batch in batches], ignore_index=True)
    numbers = [int(number) for batch in batches for number in batch.row_numbers]
    assert sorted([*numbers, *aside["row"]]) == list(range(1, len(rows) + len(aside) + 1))
    return rows, aside


def refusal(path: Path, **options) -> str:
    with pytest.raises(SourceError) as caught:
        read(path, **options)
    return caught.value.code


# --- where files may be -------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        "/vsicurl/http://example.org/a.csv",
        "/vsizip/a.zip",
        "https://example.org/a.csv",
        "s3://bucket/a.csv",
        "\\\\server\\share\\a.csv",
        "//server/share/a.csv",
    ],
)
def test_addresses_are_no_files(tmp_path, path):
    with pytest.raises(SourceError, match="REMOTE_NOT_ALLOWED"):
        open_source(FirmSource(path=path), tmp_path)


@pytest.mark.parametrize(
    "path", ["../a.csv", "x/../../a.csv", "..\\a.csv", "/etc/hosts", "~/a.csv", "C:\\a.csv"]
)
def test_a_path_never_leaves_its_root(tmp_path, path):
    (tmp_path / "root").mkdir()
    (tmp_path / "a.csv").write_text("a,b\n1,2\n")
    with pytest.raises(SourceError, match="PATH_OUTSIDE"):
        open_source(FirmSource(path=path), tmp_path / "root")


def test_a_link_out_of_the_root_is_refused_and_one_inside_is_not(tmp_path):
    root = tmp_path / "root"
    root.mkdir()
    (tmp_path / "secret.csv").write_text("a,b\n1,2\n")
    (root / "own.csv").write_text("a,b\n1,2\n")
    (root / "out.csv").symlink_to(tmp_path / "secret.csv")
    (root / "in.csv").symlink_to(root / "own.csv")
    assert open_source(FirmSource(path="in.csv"), root) == [root / "in.csv"]
    for pattern in ("out.csv", "*.csv"):
        with pytest.raises(SourceError, match="PATH_OUTSIDE"):
            open_source(FirmSource(path=pattern), root)


def test_a_pattern_gives_its_files_sorted(tmp_path):
    for name in ("b.csv", "a.csv", "c.txt", "[x].csv"):
        (tmp_path / name).write_text("a,b\n1,2\n")
    found = open_source(FirmSource(path="[ab].csv"), tmp_path)
    assert [path.name for path in found] == ["a.csv", "b.csv"]
    assert open_source(FirmSource(path="[x].csv"), tmp_path) == [tmp_path / "[x].csv"]
    absolute = FirmSource(path=str(tmp_path / "a.csv"))
    assert open_source(absolute, tmp_path) == [tmp_path / "a.csv"]


def test_a_missing_file_is_reported_with_near_names(tmp_path):
    (tmp_path / "imprese_2024.csv").write_text("a,b\n1,2\n")
    with pytest.raises(SourceError, match=r"SOURCE_MISSING.*imprese_2024\.csv"):
        open_source(FirmSource(path="imprese_2023.csv"), tmp_path)
    with pytest.raises(SourceError, match="does not exist"):
        open_source(FirmSource(path="altrove/imprese.csv"), tmp_path)


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("a.csv", b'<OGRVRTDataSource><OGRVRTLayer name="x"/>', "DRIVER_NOT_ALLOWED"),
        ("a.csv", b'<?xml version="1.0"?>\n<OGRVRTDataSource>', "DRIVER_NOT_ALLOWED"),
        ("a.csv", b"<!DOCTYPE html><html>404</html>", "FORMAT_MISMATCH"),
        ("a.csv", b"PK\x03\x04rest", "FORMAT_MISMATCH"),
        ("a.csv", b"SQLite format 3\0rest", "FORMAT_MISMATCH"),
        ("a.csv", b"PAR1rest", "FORMAT_MISMATCH"),
        ("a.xlsx", b"\xd0\xcf\x11\xe0rest", "FORMAT_MISMATCH"),
        ("a.xlsx", b"<html></html>", "FORMAT_MISMATCH"),
        ("a.xlsx", b"a,b\n1,2\n", "XLSX_CORRUPT"),
        ("a.xlsx", b"PK\x03\x04rest", "XLSX_CORRUPT"),
        ("a.parquet", b"a,b\n1,2\n", "PARQUET_CORRUPT"),
        ("a.parquet", b"PAR1rest", "PARQUET_CORRUPT"),
        ("a.gpkg", b"SQLite format 3\0rest", "GPKG_CORRUPT"),
        ("a.xml", b"<a/>", "FORMAT_UNKNOWN"),
        ("a.gpkg", b"", "EMPTY_INPUT"),
    ],
)
def test_content_that_is_not_what_the_name_says_is_refused(tmp_path, name, content, code):
    (tmp_path / name).write_bytes(content)
    assert refusal(tmp_path / name) == code


# --- Parquet ------------------------------------------------------------------------------


def test_every_type_of_parquet_becomes_its_exact_text(tmp_path):
    table = pa.table(
        {
            "cod": pa.array(["063049", None, "NA"]),
            "n": pa.array([1, None, 9007199254740993], pa.int64()),
            "x": pa.array([0.1, None, 63049.0]),
            "f": pa.array([0.1, float("nan"), 1e-7], pa.float32()),
            "yes": pa.array([True, None, False]),
            "day": pa.array([dt.date(2024, 1, 2), None, dt.date(2020, 2, 29)]),
            "sum": pa.array([decimal.Decimal("1.10"), None, decimal.Decimal("-2.00")]),
            "kind": pa.array(["a", None, "b"]).dictionary_encode(),
            "list": pa.array([["à"], None, []]),
            "raw": pa.array([b"\x00\xff", None, b""]),
        }
    )
    pq.write_table(table, tmp_path / "a.parquet", row_group_size=2)
    rows, _ = read(tmp_path / "a.parquet")
    columns = {name: [row[name] for row in rows] for name in table.column_names}
    assert columns == {
        "cod": ["063049", None, "NA"],
        "n": ["1", None, "9007199254740993"],
        "x": ["0.1", None, "63049.0"],
        "f": ["0.1", "nan", "1e-07"],
        "yes": ["true", None, "false"],
        "day": ["2024-01-02", None, "2020-02-29"],
        "sum": ["1.10", None, "-2.00"],
        "kind": ["a", None, "b"],
        "list": ['["à"]', None, "[]"],
        "raw": ["00ff", None, ""],
    }


def test_a_damaged_page_of_parquet_is_refused(tmp_path):
    path = tmp_path / "a.parquet"
    table = pa.table({"cod": [f"{i:06d}" for i in range(5000)]})
    pq.write_table(table, path, write_page_checksum=True, compression="none", use_dictionary=False)
    content = bytearray(path.read_bytes())
    content[content.index(b"002500") + 3] ^= 1
    path.write_bytes(content)
    assert refusal(path) == "PARQUET_CORRUPT"


def test_parquet_without_records_is_refused(tmp_path):
    pq.write_table(pa.table({"a": pa.array([], pa.string())}), tmp_path / "a.parquet")
    assert refusal(tmp_path / "a.parquet") == "NO_ROWS"


# --- workbooks ----------------------------------------------------------------------------


@pytest.fixture
def workbook(tmp_path) -> Path:
    path = tmp_path / "imprese.xlsx"
    book = xlsxwriter.Workbook(path)
    book.add_worksheet("Leggimi").write(0, 0, "Note")
    sheet = book.add_worksheet("Dati")
    sheet.write(0, 1, "Imprese per comune")
    sheet.write_row(3, 1, ["Comune", "Cod. ISTAT", "Addetti", "Data", "Attiva"])
    day = book.add_format({"num_format": "dd/mm/yyyy"})
    sheet.write_row(4, 1, ["Forlì", 40012, 1.5])
    sheet.write_datetime(4, 4, dt.datetime(2024, 1, 2), day)
    sheet.write_boolean(4, 5, True)
    sheet.write_string(6, 1, "NA")
    sheet.write_string(6, 2, "040012")
    sheet.write_blank(7, 1, None, day)
    sheet.write_formula(8, 1, '="x"', value="x")
    sheet.write_formula(8, 3, "=1/0", value="#DIV/0!")
    sheet.write_row(9, 1, ["Totale", "", 99])
    sheet.write(10, 9, "nota")
    book.close()
    return path


def test_a_sheet_is_read_as_text_under_its_titles(workbook):
    rows, aside = read(workbook, sheet="Dati", header=4, total_rows=("Totale",))
    names = ["Comune", "Cod. ISTAT", "Addetti", "Data", "Attiva"]
    assert [list(row) for row in rows] == [names] * 3
    assert [list(row.values()) for row in rows] == [
        ["Forlì", "40012", "1.5", "2024-01-02", "true"],
        ["NA", "040012", "", "", ""],
        ["x", "", "", "", ""],
    ]
    assert aside[["row", "reason"]].to_numpy().tolist() == [[4, "TOTAL_ROW"], [5, "RAGGED_ROW"]]
    dialect = detect(FirmSource(path="x", sheet="Dati", header=4), workbook)
    assert dialect.parts == ("Leggimi", "Dati")
    assert (dialect.records, dialect.blank_lines) == (5, 2)


def test_a_workbook_of_another_writer_reads_the_same(tmp_path):
    path = tmp_path / "a.xlsx"
    book = openpyxl.Workbook()
    book.active.append(["a", "b"])
    book.active.append(["001", 2])
    book.active.append([None, None])
    book.active.append(["", 3.25])
    book.save(path)
    rows, _ = read(path)
    assert rows == [{"a": "001", "b": "2"}, {"a": "", "b": "3.25"}]


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"sheet": "Assente"}, "SHEET_MISSING"),
        ({"sheet": "Leggimi"}, "NO_ROWS"),
        ({"sheet": "Dati", "header": 3}, "HEADER_MISSING"),
    ],
)
def test_a_sheet_or_header_that_is_not_there_is_refused(workbook, options, code):
    assert refusal(workbook, **options) == code


def test_rows_that_the_workbook_reader_drops_are_noticed(workbook, monkeypatch):
    texts = workbook_records._texts
    monkeypatch.setattr(
        workbook_records, "_texts", lambda book, sheet: list(texts(book, sheet))[:-1]
    )
    assert refusal(workbook, sheet="Dati", header=4) == "RECORDS_LOST"


def test_a_workbook_without_header_numbers_its_columns(tmp_path):
    book = xlsxwriter.Workbook(tmp_path / "a.xlsx")
    sheet = book.add_worksheet()
    sheet.write_row(0, 0, ["x", 1])
    sheet.write_row(1, 0, ["y", 2, "z"])
    book.close()
    rows, _ = read(tmp_path / "a.xlsx", header=False)
    assert rows == [{"1": "x", "2": "1", "3": ""}, {"1": "y", "2": "2", "3": "z"}]


def test_a_workbook_that_unpacks_to_far_too_much_is_refused(workbook, monkeypatch):
    monkeypatch.setattr(workbook_records, "MOST_BYTES", 1000)
    assert refusal(workbook) == "ZIP_TOO_LARGE"


# --- GeoPackage ---------------------------------------------------------------------------


@pytest.fixture
def geopackage(tmp_path) -> Path:
    path = tmp_path / "imprese.gpkg"
    points = [shapely.Point(9.19, 45.46), shapely.Point(0.1, 40.0), None]
    firms = gpd.GeoDataFrame(
        {"cod": ["015146", "NA", None], "n": [1, 2, 3]}, geometry=points, crs="EPSG:4326"
    )
    firms.to_file(path, layer="imprese", engine="pyogrio")
    firms.head(1).to_file(path, layer="altro", engine="pyogrio")
    return path


def test_points_become_columns_and_other_values_text(geopackage):
    rows, _ = read(geopackage)
    assert rows == [
        {"cod": "015146", "n": "1", "lon": "9.19", "lat": "45.46"},
        {"cod": "NA", "n": "2", "lon": "0.1", "lat": "40.0"},
        {"cod": None, "n": "3", "lon": None, "lat": None},
    ]
    dialect = detect(FirmSource(path="x"), geopackage)
    assert dialect.parts == ("imprese", "altro")
    assert len(read(geopackage, layer="altro")[0]) == 1


def test_reading_a_geopackage_leaves_no_trace(geopackage):
    before = geopackage.read_bytes()
    read(geopackage)
    assert geopackage.read_bytes() == before
    assert [path.name for path in geopackage.parent.iterdir()] == [geopackage.name]


def test_a_geopackage_with_a_hot_journal_is_refused(geopackage):
    journal = geopackage.with_name(geopackage.name + "-journal")
    journal.write_bytes(b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7" + b"\0" * 500)
    assert refusal(geopackage) == "GPKG_UNFINISHED"
    journal.write_bytes(b"\0" * 512)
    assert len(read(geopackage)[0]) == 3


def test_a_layer_that_is_not_there_or_holds_no_points_is_refused(geopackage):
    assert refusal(geopackage, layer="assente") == "LAYER_MISSING"
    areas = gpd.GeoDataFrame({"a": [1]}, geometry=[shapely.box(0, 0, 1, 1)], crs="EPSG:4326")
    areas.to_file(geopackage, layer="aree", engine="pyogrio")
    assert refusal(geopackage, layer="aree") == "GEOMETRY_TYPE"


def test_a_plain_database_is_no_geopackage(tmp_path):
    path = tmp_path / "a.gpkg"
    database = sqlite3.connect(path)
    database.execute("CREATE TABLE a (b)")
    database.commit()
    database.close()
    assert refusal(path) == "GPKG_CORRUPT"


# --- what an attacker or a damaged disk gives ----------------------------------------------


@pytest.mark.parametrize("path", ["**a", "x" * 5000, "sub/" + "*/" * 400 + "x"])
def test_a_path_that_no_file_can_have_is_refused_by_name(tmp_path, path):
    (tmp_path / "sub").mkdir()
    with pytest.raises(SourceError, match=r"PATH_INVALID|SOURCE_MISSING") as caught:
        open_source(FirmSource(path=path), tmp_path)
    assert len(caught.value.message) < 500 + len(str(tmp_path))


def test_parquet_text_that_is_no_utf8_is_damage(tmp_path):
    path = tmp_path / "a.parquet"
    values = pa.Array.from_buffers(
        pa.string(), 1, [None, pa.py_buffer(b"\0\0\0\0\x02\0\0\0"), pa.py_buffer(b"P\xb7")]
    )
    pq.write_table(pa.table({"comune": values}), path)
    assert refusal(path) == "PARQUET_CORRUPT"


def firms_parquet(folder: Path, **options) -> Path:
    firms = {"nome": [f"Ditta {i}" for i in range(300)], "comune": ["Prato", "Forlì", "Lodi"] * 100}
    pq.write_table(pa.table(firms), folder / "a.parquet", **options)
    return folder / "a.parquet"


@pytest.mark.parametrize("compression", ["none", "snappy", "zstd"])
@pytest.mark.parametrize("version", ["1.0", "2.0"])
def test_no_flipped_bit_changes_a_value_where_pages_carry_checksums(tmp_path, compression, version):
    path = firms_parquet(
        tmp_path, compression=compression, data_page_version=version, write_page_checksum=True
    )
    whole, data = [list(row.values()) for row in read(path)[0]], path.read_bytes()
    footer = len(data) - 8 - int.from_bytes(data[-8:-4], "little")
    refused = 0
    for bit in np.random.default_rng(1).choice(footer * 8, 300, replace=False).tolist():
        damaged = bytearray(data)
        damaged[bit // 8] ^= 1 << bit % 8
        path.write_bytes(damaged)
        try:
            assert [list(row.values()) for row in read(path)[0]] == whole
        except SourceError as error:
            assert error.code in {"PARQUET_CORRUPT", "RECORDS_LOST"}  # noqa: PT017 - either
            refused += 1
    assert refused > 200


@pytest.mark.parametrize("checksums", [True, False])
def test_parquet_without_checksums_is_noted(tmp_path, checksums):
    path = firms_parquet(tmp_path, write_page_checksum=checksums)
    notes = detect(FirmSource(path="a.parquet"), path).notes
    assert [("sha256" in note) for note in notes] == ([] if checksums else [True])


def test_two_columns_of_one_name_are_refused_in_parquet_too(tmp_path):
    table = pa.table([pa.array(["1"]), pa.array(["2"])], names=["a", "a"])
    pq.write_table(table, tmp_path / "a.parquet")
    assert refusal(tmp_path / "a.parquet") == "DUPLICATE_COLUMN"


@given(st.lists(st.one_of(st.none(), st.floats(), st.floats(-200, 200)), max_size=20))
@settings(derandomize=True, deadline=None, max_examples=300)
def test_a_float_is_written_as_python_writes_it(numbers):
    missing = np.array([number is None for number in numbers], bool)
    values = np.array([0.0 if number is None else number for number in numbers], np.float64)
    written = parquet_records.float_text(pa.array(values, mask=missing)).to_pylist()
    assert written == [None if number is None else str(number) for number in numbers]


def test_the_stated_digest_is_verified_before_anything_is_read(tmp_path):
    (tmp_path / "a.csv").write_text("a,b\n1,2\n")
    (tmp_path / "b.csv").write_text("a,b\n1,2\n")
    digest = hashlib.sha256(b"a,b\n1,2\n").hexdigest()
    assert len(open_source(FirmSource(path="a.csv", sha256=digest), tmp_path)) == 1
    with pytest.raises(SourceError, match="2 files"):
        open_source(FirmSource(path="*.csv", sha256=digest), tmp_path)
    (tmp_path / "a.csv").write_text("a,b\n1,3\n")
    with pytest.raises(SourceError, match=f"SHA256_MISMATCH: a.csv .* states {digest}"):
        open_source(FirmSource(path="a.csv", sha256=digest), tmp_path)


def points(folder: Path, crs: int | None) -> Path:
    shapes = [shapely.Point(668430.7, 4860770.3), shapely.Point(), None]
    frame = gpd.GeoDataFrame({"n": [1, 2, 3]}, geometry=shapes, crs=crs)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pyogrio warns of the missing system that is wanted here
        frame.to_file(folder / "a.gpkg")
    return folder / "a.gpkg"


def test_empty_points_are_missing_coordinates(tmp_path):
    rows, _ = read(points(tmp_path, 32632))
    assert [row["lon"] is None for row in rows] == [False, True, True]


@pytest.mark.parametrize(
    ("layer", "asked", "code"),
    [
        (32632, {}, "CRS_MISMATCH"),
        (32632, {"crs": "EPSG:32633"}, "CRS_MISMATCH"),
        (4265, {}, "CRS_MISMATCH"),
        (None, {}, "CRS_MISSING"),
    ],
)
def test_points_of_another_or_no_reference_system_are_refused(tmp_path, layer, asked, code):
    columns = {"lon": "lon", "lat": "lat"}
    assert refusal(points(tmp_path, layer), columns=columns, **asked) == code


def test_points_of_the_stated_reference_system_are_read(tmp_path):
    columns = {"lon": "lon", "lat": "lat"}
    assert len(read(points(tmp_path, 32632), columns=columns, crs="EPSG:32632")[0]) == 3
    (tmp_path / "a.gpkg").unlink()
    assert len(read(points(tmp_path, None), columns=columns, crs="EPSG:32632")[0]) == 3
