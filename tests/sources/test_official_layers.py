"""ISTAT's archives become layers; a faulty one changes nothing and says what is wrong."""

from __future__ import annotations

import datetime as dt
import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from geo_engine.cli import boundaries as command
from geo_engine.errors import (
    BoundaryError,
    GeoEngineError,
    OutputError,
    SourceError,
    StudyError,
)
from geo_engine.sources import boundaries, codes, official_cache
from geo_engine.sources.download import Patience
from geo_engine.sources.official_layers import fetch_layer, import_layer
from geo_engine.sources.official_names import find_cadastral_codes
from geo_engine.sources.registry import boundary_addresses, edition_date, edition_of
from geo_engine.storage import deliver
from geo_engine.tables import PLACE_COLUMNS
from tests.sources.official import (
    MERGED_IN_2019,
    Files,
    official_files,
    official_tables,
    pack,
    shapefile,
    shared_files,
    stem,
)
from tests.sources.serving import File, serve

YEAR = 2022
DATE = dt.date(2022, 1, 1)
PATH = f"/cartografia/confini_amministrativi/generalizzati/{YEAR}/Limiti0101{YEAR}_g.zip"
TOWNS = stem("Com", YEAR)
HASTY = Patience(attempts=2, timeout_s=5, sleep=lambda _: None)

OF_2011 = {"COD_PROV": "COD_PRO", "DEN_PROV": "PROVINCIA"}

Tables = dict[str, gpd.GeoDataFrame]


@pytest.fixture(scope="session")
def coarse() -> gpd.GeoDataFrame:
    """All municipalities that ship, with few points: what is tested here is not the drawing."""
    return simplified(boundaries.read_layer(DATE))


def simplified(layer: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    shapes = shapely.coverage_simplify(np.asarray(layer.geometry.array, dtype=object), 0.02)
    coarse = layer.set_geometry(gpd.GeoSeries(shapes, index=layer.index, crs=layer.crs))
    return coarse.to_crs("EPSG:32632")


@pytest.fixture(scope="session")
def istat(coarse: gpd.GeoDataFrame) -> Tables:
    return official_tables(coarse)


@pytest.fixture(scope="session")
def files(istat: Tables) -> Files:
    return official_files(istat, YEAR)


@pytest.fixture(scope="session")
def archive(files: Files) -> bytes:
    return pack(files)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of layers of its own for each test; the lists of codes are built once for all."""
    folder = tmp_path / "cache"
    monkeypatch.setattr(official_cache, "cache_folder", lambda: folder)
    monkeypatch.delenv("GEO_ENGINE_ISTAT_URL", raising=False)
    return folder


def fetch(served: File | None, path: str = PATH, year: int = YEAR, version: str = "generalized"):
    with serve({path: served} if served else {}) as base:
        return fetch_layer(year, version, url=base, patience=HASTY)


def imported(content: bytes, folder: Path, year: int = YEAR):
    path = folder / f"by_hand_{year}.zip"
    path.write_bytes(content)
    return import_layer(path, year)


def left(cache: Path) -> list[str]:
    folder = cache / "boundaries"
    found = (path for path in folder.rglob("*") if path.is_file())
    return sorted(str(p.relative_to(folder)) for p in found if p.name != ".geo-engine.lock")


def with_towns(istat: Tables, change: Callable[[gpd.GeoDataFrame], gpd.GeoDataFrame]) -> Tables:
    return istat | {"Com": change(istat["Com"].copy())}


def refusal(istat: Tables, change, folder: Path) -> GeoEngineError:
    with pytest.raises(GeoEngineError) as refused:
        imported(pack(official_files(with_towns(istat, change), YEAR)), folder)
    return refused.value


# What comes of a good archive


def test_a_fetched_layer_is_the_one_that_was_published(archive, coarse, cache) -> None:
    facts = fetch(File(archive))
    layer = boundaries.read_layer(DATE, "generalized")
    ours = boundaries.read_layer(DATE)
    assert (facts.municipalities, facts.provinces, facts.date) == (7904, 107, DATE)
    assert (facts.missing, facts.extra, facts.without_cadastral_code) == ((), (), ())
    assert (facts.joined, facts.repaired, facts.cleaned) == ((), (), ())
    assert list(layer.columns) == list(PLACE_COLUMNS)
    assert layer.crs == "EPSG:4326"
    text = [name for name in PLACE_COLUMNS if name not in {"geometry", "area_km2"}]
    pd.testing.assert_frame_equal(
        pd.DataFrame(layer[text]), pd.DataFrame(ours[text]), check_dtype=False
    )
    moved = shapely.area(
        shapely.symmetric_difference(
            np.asarray(layer.geometry.to_crs("EPSG:32632").array), np.asarray(coarse.geometry.array)
        )
    )
    assert moved.max() < 1.0  # square metres
    exact = layer.to_crs("EPSG:3035").area / 1e6
    assert np.allclose(layer["area_km2"], exact, atol=1e-5, rtol=0)
    assert shapely.coverage_is_valid(np.asarray(layer.geometry.array))


def test_nothing_of_the_download_is_left_and_the_second_one_replaces_the_first(
    archive, files, cache
) -> None:
    first = fetch(File(archive))
    kept = f"generalized_{YEAR}/{first.file}"
    assert left(cache) == [kept, f"generalized_{YEAR}/layer.json"]
    second = fetch(File(pack(files | {"Limiti/leggimi.txt": b"nuova edizione"})))
    assert second.archive_sha256 != first.archive_sha256
    assert f"generalized_{YEAR}/{first.file}" not in left(cache)
    assert len(boundaries.read_layer(DATE, "generalized")) == 7904


def test_without_a_network_the_message_says_what_to_do(cache) -> None:
    with pytest.raises(SourceError, match="DOWNLOAD_FAILED") as failed:
        fetch(None)
    for words in ("boundaries import FILE 2022", "shipped", "istat.it/it/archivio/222527", "404"):
        assert words in failed.value.message
    assert left(cache) == []


def test_a_file_without_its_year_folder_is_found_too(archive) -> None:
    assert fetch(File(archive), PATH.replace(f"/{YEAR}/", "/")).municipalities == 7904


def test_a_mirror_may_be_named_by_the_environment_or_be_the_archive_itself(
    archive, monkeypatch
) -> None:
    with serve({PATH: File(archive), "/mio.zip": File(archive)}) as base:
        monkeypatch.setenv("GEO_ENGINE_ISTAT_URL", base + "/")
        assert fetch_layer(YEAR, patience=HASTY).source == base + PATH
        assert fetch_layer(YEAR, url=f"{base}/mio.zip", patience=HASTY).source.endswith("mio.zip")


def test_the_detailed_version_stands_apart(istat, cache) -> None:
    content = pack(official_files(istat, YEAR, detailed=True))
    path = PATH.replace("/generalizzati", "/non_generalizzati").replace("_g.zip", ".zip")
    assert fetch(File(content), path, version="detailed").version == "detailed"
    assert len(boundaries.read_layer(DATE, "detailed")) == 7904
    with pytest.raises(BoundaryError, match="boundaries fetch 2022`"):
        boundaries.read_layer(DATE, "generalized")


def test_later_dates_follow_from_the_changes(archive) -> None:
    facts = fetch(File(archive))
    for date, count in ((dt.date(2022, 12, 31), 7904), (dt.date(2022, 6, 1), 7904)):
        assert len(boundaries.read_layer(date, "generalized")) == count
    ours, theirs = boundaries.read_population(DATE), None
    theirs = boundaries.read_population(DATE, 2023, "generalized")
    far = (
        boundaries.read_layer(DATE, "generalized")["area_km2"]
        / boundaries.read_layer(DATE)["area_km2"]
    )
    same = (1 / far - 1).abs() < 0.1
    assert theirs[same].equals(ours[same])
    assert theirs[~same].isna().all()
    digest = boundaries.layer_digest(DATE, "generalized")
    assert digest.startswith(facts.sha256[:32])
    assert len(digest) == len(boundaries.layer_digest()) == 64
    assert boundaries.layer_digest(DATE) == boundaries.layer_digest() != digest


def test_changes_after_the_edition_are_applied(istat, tmp_path) -> None:
    """The edition of 2023 holds Albaredo, which was incorporated in November of that year."""
    tables = official_tables(simplified(boundaries.read_layer(dt.date(2023, 1, 1))))
    assert imported(pack(official_files(tables, 2023)), tmp_path, 2023).municipalities == 7901
    for date, count in (("2023-06-01", 7901), ("2023-11-17", 7901), ("2023-11-18", 7900)):
        later = boundaries.read_layer(dt.date.fromisoformat(date), "generalized")
        assert len(later) == count
    assert later.loc["018026", "name"] == "Campospinoso Albaredo"
    assert shapely.coverage_is_valid(np.asarray(later.geometry.array))


# Faults of the file: B57 to B62


def faults(files: Files, archive: bytes) -> dict[str, tuple[bytes, str]]:
    flipped = bytearray(archive)
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        member = opened.getinfo(f"{TOWNS}.dbf")
        flipped[member.header_offset + 30 + len(member.filename) + 1000] ^= 0x01
    bomb = io.BytesIO(archive)
    with (
        zipfile.ZipFile(bomb, "a", zipfile.ZIP_DEFLATED) as opened,
        opened.open("Limiti/zero.shp", "w") as zero,
    ):
        for _ in range(30):
            zero.write(bytes(1_000_000))
    slip = pack(files | {"xx/xx/evil": b"x"}).replace(b"xx/xx/evil", b"../../evil")
    found = {
        "B57 cut at 70 %": (archive[: int(len(archive) * 0.7)], "ZIP_CORRUPT"),
        "B58 flipped byte in dbf": (bytes(flipped), "ZIP_CRC"),
        "B59 page instead of a file": (b"<!DOCTYPE html>404", "NOT_A_ZIP"),
        "B61 bomb": (bomb.getvalue(), "ZIP_TOO_LARGE"),
        "B62 slip": (slip, "ZIP_PATH"),
    }
    for layer in ("Com", "ProvCM", "Reg"):
        for suffix in ("shp", "shx", "dbf", "prj"):
            name = f"{stem(layer, YEAR)}.{suffix}"
            rest = {k: v for k, v in files.items() if k != name}
            found[f"B60 {name}"] = (pack(rest), "SHAPEFILE_INCOMPLETE")
    return found


def test_every_fault_of_a_file_is_named_and_the_layer_before_it_stays(
    files, archive, cache
) -> None:
    fetch(File(archive))
    before, digest = left(cache), boundaries.layer_digest(DATE, "generalized")
    for what, (content, code) in faults(files, archive).items():
        with pytest.raises(SourceError) as refused:
            fetch(File(content))
        assert refused.value.code == code, what
        if what.startswith("B60"):
            assert what.removeprefix("B60 ") in refused.value.message
        assert left(cache) == before, what
    assert boundaries.layer_digest(DATE, "generalized") == digest
    assert len(boundaries.read_layer(DATE, "generalized")) == 7904


def test_a_cut_download_leaves_a_part_that_the_next_call_resumes(archive, cache) -> None:
    served = File(archive, cuts=[50_000, 50_000])
    with serve({PATH: served}) as base:
        with pytest.raises(SourceError, match="DOWNLOAD_FAILED"):
            fetch_layer(YEAR, url=base, patience=HASTY)
        part = f"download/generalized_{YEAR}.zip.part"
        assert left(cache) == [part, f"{part}.json"]
        assert (cache / "boundaries" / part).stat().st_size == 100_000
        fetch_layer(YEAR, url=base, patience=HASTY)
    assert served.asked[-1]["Range"] == "bytes=100000-"
    assert not any(name.startswith("download") for name in left(cache))


def test_two_processes_do_not_write_one_part(archive, cache) -> None:
    folder = cache / "boundaries" / "download"
    with deliver(folder), pytest.raises(OutputError, match="FOLDER_LOCKED"):
        fetch(File(archive))
    assert fetch(File(archive)).municipalities == 7904


@pytest.mark.parametrize(
    ("served", "code"),
    [
        (File(b"x" * 100, status=302, headers={"Location": "file:///etc/passwd"}), "URL_NOT"),
        (File(b"x" * 100, length=200_000_000), "DOWNLOAD_TOO_LARGE"),
        (File(b"<html>manutenzione</html>", headers={"Content-Type": "text/html"}), "NOT_A_ZIP"),
        (File(b"PK", failures=[500] * 9), "DOWNLOAD_FAILED"),
    ],
)
def test_a_server_that_answers_badly_changes_nothing(served, code, archive, cache) -> None:
    fetch(File(archive))
    before = left(cache)
    with pytest.raises(SourceError, match=code):
        fetch(served)
    assert left(cache) == before


def test_a_wrong_length_ends_in_an_archive_that_is_not_taken(archive, cache) -> None:
    with pytest.raises(SourceError, match="ZIP_CORRUPT"):
        fetch(File(archive, length=len(archive) * 2 // 3))
    with pytest.raises(SourceError, match="DOWNLOAD_FAILED"):
        fetch(File(archive, length=len(archive) + 500))
    assert all(".part" in name for name in left(cache))


def test_a_missing_file_and_an_address_are_told_apart_from_an_archive(tmp_path) -> None:
    for path in (tmp_path / "none.zip", Path("/vsicurl/http://127.0.0.1/x.zip"), tmp_path):
        with pytest.raises(SourceError, match="FILE_MISSING"):
            import_layer(path, YEAR)


# Faults of what is in it: B50, B56, encodings, codes


@pytest.mark.parametrize("prj", [b"", b"UNKNOWN", b"<html>"])
def test_a_layer_without_a_reference_system_is_refused(prj, files, tmp_path) -> None:
    with pytest.raises(BoundaryError, match="CRS_MISSING"):
        imported(pack(files | {f"{TOWNS}.prj": prj}), tmp_path)


def test_a_layer_in_another_system_is_refused_rather_than_moved(istat, files, tmp_path) -> None:
    degrees = shapefile(istat["Com"].head(3).to_crs("EPSG:4326"))
    import pyproj

    for code in ("EPSG:4326", "EPSG:32633"):
        prj = pyproj.CRS(code).to_wkt("WKT1_ESRI").encode()
        with pytest.raises(BoundaryError, match="CRS_MISMATCH"):
            imported(pack(files | {f"{TOWNS}.prj": prj}), tmp_path)
    wrong = with_towns(istat, lambda t: t.set_geometry(t.geometry.translate(3_000_000, 0)))
    with pytest.raises(BoundaryError, match=r"CRS_MISMATCH.*not Italy"):
        imported(pack(official_files(wrong, YEAR)), tmp_path)
    assert degrees


def bow_tie(table: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    x, y = table.geometry.iloc[7].centroid.coords[0]
    tie = shapely.Polygon([(x, y), (x + 3000, y + 3000), (x + 3000, y), (x, y + 3000)])
    table.iloc[7, table.columns.get_loc("geometry")] = tie
    return table


def test_a_border_that_crosses_itself_is_refused_with_its_code(istat, tmp_path) -> None:
    error = refusal(istat, bow_tie, tmp_path)
    assert error.code == "INVALID_BOUNDARY"
    assert istat["Com"]["PRO_COM_T"].iloc[7] in error.message


def test_a_municipality_without_a_polygon_is_refused_with_its_code(istat, tmp_path) -> None:
    def lose(table: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
        table.iloc[3, table.columns.get_loc("geometry")] = None
        return table

    error = refusal(istat, lose, tmp_path)
    assert (error.code, istat["Com"]["PRO_COM_T"].iloc[3] in error.message) == (
        "INVALID_BOUNDARY",
        True,
    )


def test_a_ring_that_touches_itself_is_repaired_and_said(istat, tmp_path) -> None:
    code = istat["Com"]["PRO_COM_T"].iloc[0]

    def touch(table: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
        shape = table.geometry.iloc[0]
        outer = np.asarray(shape.exterior.coords)
        x, y = outer[0]
        inner = np.array([(x, y), (x - 1, y + 3), (x + 1, y + 3)])
        candidates = [inner, 2 * np.array([x, y]) - inner]
        hole = next(c for c in candidates if shape.contains(shapely.Point(c[1:].mean(axis=0))))
        ring = np.vstack([outer, hole[1:], outer[:1]])
        table.iloc[0, table.columns.get_loc("geometry")] = shapely.Polygon(ring)
        return table

    changed = with_towns(istat, touch)
    assert not changed["Com"].geometry.iloc[0].is_valid
    facts = imported(pack(official_files(changed, YEAR)), tmp_path)
    assert facts.repaired == (code,)
    assert boundaries.read_layer(DATE, "generalized").is_valid.all()


def test_two_municipalities_on_the_same_ground_are_refused(istat, tmp_path) -> None:
    def grow(table: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
        table.iloc[0, table.columns.get_loc("geometry")] = table.geometry.iloc[0].buffer(500)
        return table

    error = refusal(istat, grow, tmp_path)
    assert (error.code, istat["Com"]["PRO_COM_T"].iloc[0] in error.message) == (
        "BOUNDARY_OVERLAP",
        True,
    )


def test_a_border_drawn_twice_is_made_one_and_said(istat, tmp_path) -> None:
    def shiver(table: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
        shape = shapely.transform(table.geometry.iloc[0], lambda xy: xy + 0.002)
        table.iloc[0, table.columns.get_loc("geometry")] = shape
        return table

    facts = imported(pack(official_files(with_towns(istat, shiver), YEAR)), tmp_path)
    around = istat["Com"][istat["Com"].distance(istat["Com"].geometry.iloc[0]) < 1]
    assert istat["Com"]["PRO_COM_T"].iloc[0] in facts.cleaned
    assert set(facts.cleaned) <= set(around["PRO_COM_T"])
    layer = boundaries.read_layer(DATE, "generalized")
    assert shapely.coverage_is_valid(np.asarray(layer.geometry.array))


def test_a_municipality_in_several_records_is_joined_and_said(istat, tmp_path) -> None:
    code, islands = "015146", istat["Com"].set_index("PRO_COM_T").geometry
    whole = islands[code]
    west, south, east, north = whole.bounds
    middle = (west + east) / 2
    halves = [shapely.box(west, south, middle, north), shapely.box(middle, south, east, north)]

    def split(table: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
        rows = table[table["PRO_COM_T"] == code]
        parts = [rows.set_geometry([whole.intersection(half)], crs=table.crs) for half in halves]
        return pd.concat([table[table["PRO_COM_T"] != code], *parts])

    facts = imported(pack(official_files(with_towns(istat, split), YEAR)), tmp_path)
    assert (facts.joined, facts.municipalities) == ((code,), 7904)
    layer = boundaries.read_layer(DATE, "generalized").to_crs("EPSG:32632")
    assert layer.loc[code].geometry.area == pytest.approx(whole.area, abs=1)


def test_one_code_for_two_municipalities_is_refused(istat, tmp_path) -> None:
    def twice(table: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
        table.iloc[1, table.columns.get_loc("PRO_COM_T")] = table["PRO_COM_T"].iloc[0]
        return table

    error = refusal(istat, twice, tmp_path)
    assert (error.code, istat["Com"]["PRO_COM_T"].iloc[0] in error.message) == (
        "BOUNDARY_DUPLICATE",
        True,
    )


def test_lost_zeros_of_a_code_come_back(istat, tmp_path) -> None:
    def lose(table: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
        table["PRO_COM_T"] = table["PRO_COM_T"].str.lstrip("0")
        return table

    imported(pack(official_files(with_towns(istat, lose), YEAR)), tmp_path)
    assert list(boundaries.read_layer(DATE, "generalized").index) == list(
        boundaries.read_layer(DATE).index
    )


def test_names_in_utf8_read_with_and_without_cpg_and_with_a_wrong_one(istat, files, tmp_path):
    with_cpg = official_files(istat, YEAR, cpg=True)
    assert any(name.endswith(".cpg") for name in with_cpg)
    wrong = {name: b"ISO-8859-1" for name in with_cpg if name.endswith(".cpg")}
    for number, content in enumerate((files, with_cpg, with_cpg | wrong)):
        folder = tmp_path / str(number)
        folder.mkdir()
        assert imported(pack(content), folder).encodings == ("utf-8",)
        assert boundaries.read_layer(DATE, "generalized").loc["040012", "name"] == "Forlì"


def test_names_in_the_encoding_of_older_editions_read_too(istat, tmp_path) -> None:
    def latin(table: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
        for column in ("COMUNE", "COMUNE_A"):
            text = table[column].fillna("").str.encode("cp1252", errors="replace")
            table[column] = text.str.decode("cp1252").replace("", None)
        return table

    changed = official_files(with_towns(istat, latin), YEAR, encoding="CP1252")
    facts = imported(pack(changed), tmp_path)
    assert "cp1252" in facts.encodings
    layer = boundaries.read_layer(DATE, "generalized")
    assert layer.loc[["040012", "021008"], "name"].tolist() == ["Forlì", "Bolzano/Bozen"]


def test_names_taken_for_another_encoding_are_refused(istat, tmp_path) -> None:
    def garble(table: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
        table["COMUNE"] = table["COMUNE"].str.encode("utf-8").str.decode("cp1252", errors="replace")
        return table

    error = refusal(istat, garble, tmp_path)
    assert (error.code, "Ã" in error.message) == ("ENCODING_SUSPECT", True)


def test_a_town_called_none_is_a_town(istat, archive) -> None:
    fetch(File(archive))
    layer = boundaries.read_layer(DATE, "generalized")
    assert layer.loc["001168", ["name", "sigla"]].tolist() == ["None", "TO"]
    assert layer.loc["063049", ["name", "sigla"]].tolist() == ["Napoli", "NA"]


def test_missing_and_foreign_municipalities_are_named(istat, tmp_path) -> None:
    error = refusal(istat, lambda table: table[~table["COD_PROV"].isin([75])], tmp_path)
    assert error.code == "BOUNDARY_CODES"
    assert "96 more were valid (075001, " in error.message or "075002" in error.message


def test_few_missing_municipalities_are_stated_with_the_hole_they_leave(istat, tmp_path) -> None:
    town = istat["Com"].set_index("PRO_COM_T").loc["058091"]
    facts = imported(
        pack(
            official_files(
                with_towns(istat, lambda table: table[table["PRO_COM_T"] != "058091"]), YEAR
            )
        ),
        tmp_path,
    )
    assert (facts.missing, facts.extra, facts.municipalities) == (("058091",), (), 7903)
    assert town["COMUNE"] == "Roma"


def test_an_archive_of_another_year_is_refused_by_its_name_and_by_its_towns(
    istat, archive, tmp_path
) -> None:
    with pytest.raises(BoundaryError, match=r"BOUNDARY_YEAR.*2022.*not of 2023"):
        imported(archive, tmp_path, 2023)
    renamed = pack({k.replace("2022", "2023"): v for k, v in official_files(istat, 2022).items()})
    with pytest.raises(BoundaryError, match=r"BOUNDARY_YEAR.*those of|municipalities of 2022"):
        imported(renamed, tmp_path, 2023)


@pytest.mark.parametrize(
    "change",
    [
        lambda t: t.drop(columns=["PRO_COM", "PRO_COM_T"]),
        lambda t: t.drop(columns="COMUNE"),
        lambda t: t.drop(columns="COD_REG"),
        lambda t: t.assign(PRO_COM_T="ABC", PRO_COM=None),
        lambda t: t.assign(PRO_COM_T="999001"),
    ],
)
def test_other_columns_or_codes_than_istats_are_refused(change, istat, tmp_path) -> None:
    assert refusal(istat, change, tmp_path).code in {"BOUNDARY_LAYOUT", "BOUNDARY_DUPLICATE"}


@pytest.mark.parametrize(
    ("drop", "rename"),
    [
        # 2002 to 2014, 2015 to 2018, census of 2011, census of 2021
        (["DEN_CM", "DEN_UTS", "COD_CM", "COD_UTS"], {}),
        (["DEN_CM", "DEN_PROV", "COD_UTS"], {"DEN_UTS": "DEN_PCM"}),
        (
            ["DEN_CM", "DEN_UTS", "COD_CM", "COD_UTS"],
            {"COD_PROV": "COD_PRO", "DEN_PROV": "PROVINCIA"},
        ),
        (["COD_PROV", "DEN_PROV", "DEN_CM", "COD_CM"], {}),
    ],
)
def test_the_columns_of_older_editions_say_the_same(drop, rename, istat, tmp_path) -> None:
    whole = istat["ProvCM"].assign(DEN_PROV=istat["ProvCM"]["DEN_UTS"])
    towns = istat["Com"].drop(columns=["COMUNE_A", "COD_CM", "COD_UTS", "CC_UTS", "PRO_COM_T"])
    older = istat | {"ProvCM": whole.drop(columns=drop).rename(columns=rename), "Com": towns}
    imported(pack(official_files(older, YEAR)), tmp_path)
    ours, theirs = boundaries.read_layer(DATE), boundaries.read_layer(DATE, "generalized")
    for column in ("cod_prov", "province", "sigla", "cod_reg", "region", "cadastral_code"):
        assert list(theirs[column]) == list(ours[column]), column


# The cache


def test_one_flipped_bit_in_the_cache_is_found(archive, cache) -> None:
    facts = fetch(File(archive))
    path = cache / "boundaries" / f"generalized_{YEAR}" / facts.file
    content = bytearray(path.read_bytes())
    for at in range(1000, len(content), len(content) // 7):
        spoilt = bytearray(content)
        spoilt[at] ^= 0x04
        path.write_bytes(spoilt)
        boundaries._official_layer.cache_clear()
        with pytest.raises(BoundaryError, match=r"BOUNDARY_DAMAGED.*boundaries fetch 2022"):
            boundaries.read_layer(DATE, "generalized")
    (path.parent / "layer.json").write_text("{", encoding="utf-8")
    with pytest.raises(BoundaryError, match="BOUNDARY_DAMAGED"):
        boundaries.read_layer(DATE, "generalized")
    assert official_cache.list_official() == []


def test_a_layer_of_another_program_version_is_fetched_again(archive, monkeypatch) -> None:
    fetch(File(archive))
    monkeypatch.setattr(official_cache, "CONVERTER", official_cache.CONVERTER + 1)
    with pytest.raises(BoundaryError, match="BOUNDARY_NOT_FETCHED"):
        boundaries.read_layer(DATE, "generalized")


def test_a_layer_that_was_not_fetched_names_its_command() -> None:
    for date, version, typed in [
        (dt.date(2019, 5, 1), "generalized", "boundaries fetch 2019`"),
        (dt.date(2022, 5, 1), "detailed", "boundaries fetch 2022 --version detailed`"),
        (dt.date(2011, 3, 1), "generalized", "boundaries fetch 2010`"),
    ]:
        with pytest.raises(BoundaryError, match="BOUNDARY_NOT_FETCHED") as refused:
            boundaries.read_layer(date, version)
        assert typed in refused.value.message
    with pytest.raises(BoundaryError, match=r"BOUNDARY_DATE.*boundaries fetch 2019"):
        boundaries.read_layer(dt.date(2019, 5, 1))


# Where ISTAT publishes


@pytest.mark.parametrize(
    ("year", "version", "address"),
    [
        (2026, "generalized", "generalizzati/2026/Limiti01012026_g.zip"),
        (2026, "detailed", "non_generalizzati/2026/Limiti01012026.zip"),
        (2021, "generalized", "generalizzati/Limiti01012021_g.zip"),
        (2021, "detailed", "non_generalizzati/Limiti01012021.zip"),
        (2011, "generalized", "generalizzati/Limiti2011_g.zip"),
        (1991, "generalized", "generalizzati/Limiti1991_g.zip"),
    ],
)
def test_addresses_are_those_of_istat(year, version, address) -> None:
    first = boundary_addresses(year, version)[0]
    root = "https://www.istat.it/storage/cartografia/confini_amministrativi/"
    assert first == root + address


def test_an_edition_describes_its_new_year_or_the_day_of_its_census() -> None:
    assert edition_date(2023) == dt.date(2023, 1, 1)
    assert edition_date(2011) == dt.date(2011, 10, 9)
    dates = ["1991-10-20", "2001-10-20", "2001-10-21", "2011-10-08", "2011-10-09", "2012-01-01"]
    assert [edition_of(dt.date.fromisoformat(d)) for d in dates] == [
        1991, 1991, 2001, 2010, 2011, 2012,
    ]  # fmt: skip
    with pytest.raises(BoundaryError, match="BOUNDARY_DATE"):
        edition_of(dt.date(1991, 10, 19))
    for year in (1990, 1995, 2000, 0, 12345):
        with pytest.raises(BoundaryError, match="BOUNDARY_YEAR"):
            fetch_layer(year)
    with pytest.raises(BoundaryError, match="BOUNDARY_VERSION"):
        fetch_layer(2023, "shipped")


# What a person sees


def test_the_commands_tell_what_was_kept_and_what_to_do_next(
    archive, tmp_path, capsys, monkeypatch
) -> None:
    monkeypatch.setattr(command.out, "width", 300)
    command.list_dates()
    assert "geo-engine boundaries fetch ANNO" in capsys.readouterr().out
    with serve({PATH: File(archive)}) as base:
        command.fetch(YEAR, "generalized", base)
    told = capsys.readouterr()
    assert "7.904 comuni, 107 province" in told.out
    assert 'boundary_layer = "generalized"' in told.out
    assert [line for line in told.err.splitlines() if line.endswith("...")] == [
        "scarico da ISTAT...",
        "controllo dell'archivio...",
        "controllo dei confini...",
        "scrittura nella cache...",
    ]
    command.list_dates()
    assert "generalizzata" in capsys.readouterr().out
    command.describe_layer("2022-03-01", "generalized")
    told = capsys.readouterr()
    assert "7.904 comuni" in told.out
    assert "non noti per" in told.out
    path = tmp_path / "Limiti01012022_g.zip"
    path.write_bytes(archive)
    command.import_archive(path, YEAR, "generalized")
    assert "Da Limiti01012022_g.zip" in capsys.readouterr().out
    with pytest.raises(StudyError, match="VERSION_INVALID"):
        command.describe_layer("2022-03-01", "fine")


# Real tables and shapes


def held_against_anpr(year: int, count: int, unknown: int, shared_data: Path, folder: Path) -> None:
    facts = imported(pack(shared_files(shared_data, year)), folder, year)
    assert (facts.municipalities, facts.missing, facts.extra) == (count, (), ())
    date = dt.date(year, 1, 1)
    layer = boundaries.read_layer(date, "generalized")
    path = shared_data / "codes" / "ANPR_archivio_comuni.csv"
    anpr = pd.read_csv(path, dtype=str, encoding="utf-8-sig", keep_default_na=False)
    valid = anpr[(anpr["DATAISTITUZIONE"] <= str(date)) & (anpr["DATACESSAZIONE"] >= str(date))]
    for ours, theirs in (("cadastral_code", "CODCATASTALE"), ("sigla", "SIGLAPROVINCIA")):
        assert dict(layer[ours]) == dict(zip(valid["CODISTAT"], valid[theirs], strict=True))
    persons = boundaries.read_population(date, 2023, "generalized")
    assert int(persons.isna().sum()) == unknown
    assert 58e6 < persons.sum() < 58_850_717


@pytest.mark.shared
def test_the_edition_of_2021_is_that_of_the_civil_register(shared_data, tmp_path) -> None:
    held_against_anpr(2021, 7903, 3, shared_data, tmp_path)


@pytest.mark.shared
def test_the_edition_of_2019_and_its_year_follow_the_civil_register(
    shared_data, tmp_path, monkeypatch
) -> None:
    monkeypatch.setenv("GEO_ENGINE_CACHE", str(tmp_path / "lists"))
    held_against_anpr(2019, 7926, 39, shared_data, tmp_path)
    end = dt.date(2019, 12, 15)
    with pytest.raises(BoundaryError, match=r"BOUNDARY_DATE.*codes fetch.*2019-01-01"):
        boundaries.read_layer(end, "generalized")
    before = boundaries.layer_digest(dt.date(2019, 1, 1), "generalized")
    codes.import_codes(shared_data / "codes" / "ANPR_archivio_comuni.csv")
    name = "Variazioni_amministrative_territoriali_dal_01011991.csv"
    codes.import_codes(shared_data / "codes" / name)
    layer = boundaries.read_layer(end, "generalized")
    theirs = gpd.read_parquet(shared_data / "boundaries" / "comuni_2019-12.parquet")
    theirs = theirs.set_index("pro_com_t_anpr").sort_index()
    assert list(layer.index) == list(theirs.index)
    assert layer.loc["024125", ["name", "cadastral_code"]].tolist() == ["Valbrenta", "M423"]
    for code in MERGED_IN_2019:
        moved = shapely.symmetric_difference(
            shapely.make_valid(theirs.geometry[code]), layer.geometry[code]
        )
        assert shapely.area(moved) * 8.6e9 < 500, code  # square metres
    assert boundaries.layer_digest(end, "generalized") != before


@pytest.mark.shared
def test_cadastral_codes_of_2026_are_those_of_the_official_list(shared_data) -> None:
    """Sardinia has new codes and provinces: only names, and what is left over, tell them."""
    path = shared_data / "codes" / "2026-08-14_situas_comuni.csv"
    listed = pd.read_csv(path, sep=";", dtype=str, encoding="utf-8-sig", keep_default_na=False)
    layer = pd.DataFrame(
        {
            "name": listed["Comune (dizione italiana)"],
            "name_other": listed["Comune (dizione straniera)"],
            "sigla": listed["Sigla automobilistica"],
        }
    ).set_axis(listed["Codice Comune (alfanumerico)"])
    shipped = boundaries.read_layer(DATE)
    found, absent = find_cadastral_codes(layer, dt.date(2026, 8, 14), shipped)
    assert absent == []
    assert list(found) == list(listed["Codice catasto"])
