"""Official lists are recognized, checked, kept by digest, and joined with what ships."""

from __future__ import annotations

import csv
import datetime as dt
import http.server
import io
import itertools
import json
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import xlsxwriter

from geo_engine.cli import codes as commands
from geo_engine.errors import GeoEngineError, SourceError, StudyError
from geo_engine.places.vintages import units_on
from geo_engine.sources import codes
from geo_engine.sources.boundaries import read_layer
from geo_engine.sources.codes_fetch import fetch_codes
from geo_engine.sources.codes_history import build_units
from geo_engine.sources.codes_lists import CodeList, read_list, registry
from geo_engine.sources.codes_periods import package_periods
from geo_engine.sources.codes_successions import build_successions
from geo_engine.sources.download import Patience
from tests.places.official import FILES, official_history, official_lists

DAY = dt.date(2026, 2, 21)
IMPATIENT = Patience(attempts=1, timeout_s=5.0, sleep=lambda _: None)


@pytest.fixture(autouse=True)
def _empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEO_ENGINE_CACHE", str(tmp_path / "cache"))


def write_csv(path: Path, rows: list[list[str]], sep: str = ";", encoding: str = "utf-8") -> Path:
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=sep, lineterminator="\r\n").writerows(rows)
    path.write_bytes(text.getvalue().encode(encoding))
    return path


def archive_rows() -> list[list[str]]:
    """The archive's layout, filled from the package; codes of 2022 and invented ones."""
    layer = read_layer(dt.date(2022, 1, 1))
    code_of = dict(zip(layer["cadastral_code"], layer.index, strict=True))
    header = [
        "ID", "DATAISTITUZIONE", "DATACESSAZIONE", "CODISTAT", "CODCATASTALE", "DENOMINAZIONE_IT",
        "DENOMTRASLITTERATA", "ALTRADENOMINAZIONE", "SIGLAPROVINCIA",
    ]  # fmt: skip
    rows = [header]
    for i, row in enumerate(package_periods().itertuples()):
        code = code_of.get(row.cadastral_code, f"{800000 + i:06}")
        name = row.name.upper()
        rows.append(
            [str(i), str(row.valid_from), str(row.valid_to), code, row.cadastral_code or "ND",
             name, name, row.name_other, row.sigla]
        )  # fmt: skip
    return rows


SNAPSHOT_HEADER = [
    "Codice Regione",
    "Codice Provincia (Storico)(1)",
    "Codice Comune formato alfanumerico",
    "Denominazione (Italiana e straniera)",
    "Denominazione in italiano",
    "Denominazione altra lingua",
    "Denominazione dell'Unità territoriale sovracomunale \n(valida a fini statistici)",
    "Sigla automobilistica",
    "Codice Catastale del comune",
]


def snapshot_rows(date: dt.date = DAY) -> list[list[str]]:
    layer = read_layer(date)
    return [SNAPSHOT_HEADER] + [
        [r.cod_reg, r.cod_prov, r.Index, r.name, r.name, "", r.province, r.sigla, r.cadastral_code]
        for r in layer.itertuples()
    ]


def variation_rows() -> list[list[str]]:
    """ISTAT's present layout: dated, with fields that hold line ends."""
    header = [
        "Anno", "Tipo variazione", "Codice Regione", "Codice Unità territoriale sovracomunale",
        "Codice Comune formato alfanumerico", "Denominazione Comune",
        "Codice Regione associato alla variazione",
        "Codice Unità territoriale sovracomunale associato alla variazione",
        "Codice del Comune associato alla variazione o nuovo codice Istat del Comune ",
        "Denominazione Comune associata alla variazione o nuova denominazione",
        "Provvedimento e Documento", "Contenuto del provvedimento",
        "Data decorrenza validità amministrativa", "Flag_note",
    ]  # fmt: skip
    parts = {
        "037004": "Bazzano",
        "037018": "Castello di Serravalle",
        "037023": "Crespellano",
        "037043": "Monteveglio",
        "037058": "Savigno",
    }
    told = [
        ("AQES", "037061", "Valsamoggia", code, name, "01/01/2014") for code, name in parts.items()
    ] + [
        ("CECS", "081021", "Trapani", "081025", "Misiliscemi", "20/02/2021"),
        ("CE", "016024", "Bergamo", "016150", "Orio al Serio", "13/02/2010"),
        ("AQ", "016150", "Orio al Serio", "016024", "Bergamo", "13/02/2010"),
        ("ES", "037004", "Bazzano", "037061", "Valsamoggia", "01/01/2014"),
    ]
    rows = [header]
    for kind, old, old_name, new, new_name, date in told:
        law = "Legge Regionale 7 febbraio 2013, n. 1;\nB.U.R. n. 30"
        rows.append(
            [date[-4:], kind, "08", old[:3], old, old_name, "08", new[:3], new, new_name, law,
             "Istituito", date, ""]
        )  # fmt: skip
    filler = ["1991", "CD", "02", "007", "007064", "Saint-Rhémy", "02", "007", "007064",
              "Saint-Rhémy-en-Bosses", "", "", "", ""]  # fmt: skip
    return rows + [filler] * 1000


# --- recognized ---


def test_real_lists_are_recognized_with_their_rows_and_dates(shared_data) -> None:
    lists = [read_list(shared_data / "codes" / name) for name in FILES]
    assert [(each.kind, len(each.table), each.date) for each in lists] == [
        ("snapshot", 7894, dt.date(2026, 8, 14)),
        ("archive", 19352, dt.date(2023, 4, 14)),
        ("snapshot", 7901, None),
        ("suppressed", 2429, None),
        ("variations", 2224, None),
    ]
    assert "Cavaglià" in set(lists[4].table["old_name"])
    assert lists[0].table["sigla"].eq("NA").sum() == 92  # Napoli is not a missing value


@pytest.mark.parametrize("name", ["changes_2022_2026.csv", "chains_ateco_2007_2025.csv"])
def test_another_table_is_refused_by_name(name: str, shared_data) -> None:
    with pytest.raises(SourceError, match="CODES_UNKNOWN_LIST"):
        read_list(shared_data / "codes" / name)


def test_the_current_dated_variations_are_read_in_cp1252_and_zipped(tmp_path: Path) -> None:
    plain = write_csv(tmp_path / "Variazioni.csv", variation_rows(), encoding="cp1252")
    packed = tmp_path / "Variazioni.zip"
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(plain, "Variazioni.csv")
        archive.writestr("leggimi.txt", "note")
    found = read_list(packed)
    assert (found.kind, found.date) == ("variations", dt.date(2021, 2, 20))
    assert found.table.iloc[0][["change", "old_code", "new_code"]].tolist() == [
        "AQES",
        "037061",
        "037004",
    ]
    assert found.table.iloc[-1]["old_name"] == "Saint-Rhémy"


def test_the_permalink_workbook_tells_its_date_in_the_name_of_its_sheet(tmp_path: Path) -> None:
    path = tmp_path / "Elenco-comuni-italiani.xlsx"
    book = xlsxwriter.Workbook(str(path))
    sheet = book.add_worksheet("CODICI al 21_02_2026")
    for i, row in enumerate(snapshot_rows()):
        sheet.write_row(i, 0, row)
    book.close()
    found = read_list(path)
    assert (found.kind, found.date, len(found.table)) == ("snapshot", DAY, 7894)
    assert codes.import_codes(path).date == DAY


def test_situas_answer_in_json_is_a_list_of_one_date(tmp_path: Path) -> None:
    assert codes.import_codes(situas_json(tmp_path)).date == DAY  # as its codes fit
    entry = codes.import_codes(situas_json(tmp_path), DAY + dt.timedelta(10))
    assert entry.date == DAY + dt.timedelta(10)


def situas_json(folder: Path) -> Path:
    records = [
        {"PRO_COM_T": row[2], "COMUNE": row[3], "COMUNE_IT": row[4], "COMUNE_A": None,
         "DEN_UTS": row[6], "SIGLA_AUTOMOBILISTICA": row[7], "COD_CATASTO": row[8]}
        for row in snapshot_rows()[1:]
    ]  # fmt: skip
    path = folder / "situas.json"
    path.write_text(json.dumps({"resultset": records}), encoding="utf-8")
    return path


# --- refused ---


def damaged(rows: list[list[str]], what: str) -> tuple[list[list[str]], str]:
    """One fault of a list of one date, and the words that must name it."""
    rows = [list(row) for row in rows]
    if what == "cut":
        return rows[:5000], "4999 records, not between 7000 and 9000"
    if what == "ragged":
        del rows[100][3]
        return rows, "1 records have not 9 fields; first: 100"
    if what == "code":
        rows[7][2] = "19.041"
        return rows, "1 records have no ISTAT code .* first: 7"
    if what == "cadastral":
        rows[7][8] = "A12"
        return rows, "no cadastral code"
    if what == "twice":
        rows[8][2] = rows[7][2]
        return rows, "istat_code that stands twice"
    rows[7][4] = "ForlÃ¬"
    return rows, "a name in the wrong encoding"


@pytest.mark.parametrize("what", ["cut", "ragged", "code", "cadastral", "twice", "encoding"])
def test_a_damaged_list_is_refused_naming_the_fault_and_nothing_is_kept(
    what: str, tmp_path: Path
) -> None:
    rows, words = damaged(snapshot_rows(), what)
    path = write_csv(tmp_path / "2026-02-21.csv", rows)
    with pytest.raises(SourceError, match=f"CODES_DAMAGED.*{words}"):
        codes.import_codes(path)
    assert codes.list_codes() == []


def test_an_archive_that_lost_records_misses_the_counts_of_the_censuses(tmp_path: Path) -> None:
    rows = archive_rows()
    path = write_csv(tmp_path / "anpr.csv", rows[: len(rows) - 900], sep=",")
    with pytest.raises(
        SourceError, match=r"CODES_DAMAGED.* municipalities on 1991-10-20, not 8100"
    ):
        codes.import_codes(path)
    rows[12][1] = "2026-31-12"
    with pytest.raises(SourceError, match=r"1 records have no date \(valid_from\); first: 12"):
        codes.import_codes(write_csv(path, rows, sep=","))


def test_broken_containers_are_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "lista.zip"
    plain = write_csv(tmp_path / "a.csv", variation_rows())
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(plain, "a.csv")
    data = bytearray(path.read_bytes())
    data[200] ^= 0xFF
    path.write_bytes(data)
    with pytest.raises(SourceError, match="CODES_DAMAGED"):
        read_list(path)
    path.write_bytes(bytes(data[:300]))
    with pytest.raises(SourceError, match="CODES_DAMAGED"):
        read_list(path)
    with pytest.raises(SourceError, match="CODES_NOT_READABLE"):
        read_list(tmp_path / "absent.csv")
    empty = tmp_path / "vuoto.csv"
    empty.write_bytes(b"")
    with pytest.raises(SourceError, match="CODES_UNKNOWN_LIST"):
        read_list(empty)
    cut = situas_json(tmp_path)
    cut.write_bytes(cut.read_bytes()[:-100])
    with pytest.raises(SourceError, match="CODES_DAMAGED"):
        read_list(cut)


def test_a_list_that_is_not_of_its_date_is_refused(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "elenco.csv", snapshot_rows())
    with pytest.raises(SourceError, match=r"CODES_DATE: \d+ municipalities .* from those of 2001"):
        codes.import_codes(path, dt.date(2001, 10, 21))
    rows = snapshot_rows()
    rows[5][8] = "Z999"
    with pytest.raises(SourceError, match=r"CODES_DATE.*--date"):
        codes.import_codes(write_csv(path, rows))
    assert codes.import_codes(path, DAY).date == DAY  # one correction is no other date


# --- kept ---


def test_what_is_imported_is_kept_once_and_read_in_any_order(tmp_path: Path) -> None:
    nothing = codes.read_history()
    paths = [
        write_csv(tmp_path / "anpr.csv", archive_rows(), sep=","),
        write_csv(tmp_path / "2026-02-21.csv", snapshot_rows()),
        write_csv(tmp_path / "variazioni.csv", variation_rows(), encoding="cp1252"),
    ]
    for path in paths:
        assert codes.import_codes(path) == codes.import_codes(path)
    assert [each.kind for each in codes.list_codes()] == ["archive", "snapshot", "variations"]
    first = codes.read_history()
    assert first.digest != nothing.digest
    assert len(first.sources) == 5
    for path in (codes.codes_folder()).glob("*"):
        path.unlink()
    for path in reversed(paths):
        codes.import_codes(path)
    again = codes.read_history()
    assert again.digest == first.digest
    pd.testing.assert_frame_equal(again.units, first.units)
    pd.testing.assert_frame_equal(again.successions, first.successions)


def test_a_damaged_cache_is_named_with_what_to_do(tmp_path: Path) -> None:
    entry = codes.import_codes(write_csv(tmp_path / "2026-02-21.csv", snapshot_rows()))
    kept = codes.codes_folder() / entry.file
    kept.write_bytes(kept.read_bytes().replace(b"Alp", b"Alb", 1))
    with pytest.raises(SourceError, match=r"CODES_DAMAGED.*Import it again"):
        codes.read_history()
    (codes.codes_folder() / codes.INDEX).write_text("{", encoding="utf-8")
    with pytest.raises(SourceError, match=r"CODES_DAMAGED.*Delete the folder"):
        codes.list_codes()


def test_expected_codes_are_none_where_one_is_not_known(tmp_path: Path) -> None:
    assert len(codes.expected_codes(dt.date(2022, 1, 1)) or ()) == 7904
    assert codes.expected_codes(dt.date(2023, 1, 1)) == set(read_layer(dt.date(2023, 1, 1)).index)
    assert codes.expected_codes(dt.date(2019, 1, 1)) is None  # no archive
    assert codes.expected_codes(dt.date(2026, 1, 1)) is None  # Sardinia's new codes
    assert codes.expected_codes(dt.date(2030, 1, 1)) is None
    assert codes.expected_codes(dt.date(1980, 1, 1)) is None


def test_expected_codes_with_all_lists_are_those_of_the_official_ones(shared_data) -> None:
    for name in FILES:
        codes.import_codes(shared_data / "codes" / name)
    listed = official_lists(shared_data / "codes")
    assert codes.expected_codes(dt.date(2026, 8, 14)) == set(listed[0].table["istat_code"])
    assert codes.expected_codes(dt.date(2023, 6, 1)) == set(listed[2].table["istat_code"])
    assert len(codes.expected_codes(dt.date(1991, 10, 20)) or ()) == 8100
    assert codes.expected_codes(dt.date(2026, 12, 31)) is None


@pytest.mark.parametrize("by", ["population", "area"])
def test_sizes_cover_every_municipality_of_2022(by: str) -> None:
    sizes = codes.read_sizes(by)
    assert sizes is not None
    assert len(sizes) == 7904
    assert (sizes["size"] > 0).all()
    assert codes.read_sizes("equal") is None
    with pytest.raises(SourceError, match="CODES_WEIGHTS"):
        codes.read_sizes("gdp")


# --- joined ---


def test_dated_variations_alone_tell_mergers_divisions_and_borders(tmp_path: Path) -> None:
    found = read_list(write_csv(tmp_path / "v.csv", variation_rows(), encoding="cp1252"))
    units = build_units([found])
    named = units[units["name"] == "Bazzano"].iloc[-1]
    assert (named["istat_code"], named["valid_to"]) == ("037004", dt.date(2013, 12, 31))
    successions = build_successions(units, [found])
    into = successions[successions["new_cadastral"] == "M320"]
    assert len(into) == 5
    assert set(into["kind"]) == {"merged"}
    assert set(into["date"]) == {dt.date(2014, 1, 1)}
    border = successions[successions["kind"] == "border"]
    assert border[["date", "until", "old_cadastral", "new_cadastral"]].to_numpy().tolist() == [
        [dt.date(2010, 2, 13), dt.date(2010, 2, 13), "A794", "G108"]
    ]


def test_any_subset_of_lists_keeps_periods_and_never_contradicts_all_of_them(shared_data) -> None:
    folder = shared_data / "codes"
    everything, _ = official_history(folder)
    days = [dt.date(1991, 10, 20), dt.date(2011, 10, 9), dt.date(2022, 1, 1), dt.date(2025, 1, 1)]
    for size in (1, 2):
        for names in itertools.combinations(FILES, size):
            units, _ = official_history(folder, names)
            assert [len(units_on(units, each)) for each in days] == [8100, 8092, 7904, 7896]
            for each in days:
                valid = units_on(units, each)
                whole = units_on(everything, each).set_index("cadastral_code")["istat_code"]
                known = valid[valid["istat_code"] != ""].set_index("cadastral_code")["istat_code"]
                differing = known[known != whole.reindex(known.index)]
                assert differing.empty, (names, each, differing.head().to_dict())


def test_the_archive_is_not_needed_for_codes_since_1991(shared_data) -> None:
    names = tuple(name for name in FILES if not name.startswith("ANPR"))
    units, _ = official_history(shared_data / "codes", names)
    for date, missing in [("1991-10-20", 5), ("2001-10-21", 5), ("2019-01-01", 0)]:
        valid = units_on(units, dt.date.fromisoformat(date))
        assert (valid["istat_code"] == "").sum() <= missing, date


def test_codes_of_the_archive_alone_equal_istats_older_numberings(shared_data) -> None:
    units, _ = official_history(shared_data / "codes", (FILES[1],))
    listed = official_lists(shared_data / "codes")[2].table.set_index("cadastral_code")
    for column, date, differing in [
        ("code_2010", dt.date(2011, 10, 9), 0),
        ("code_2006", dt.date(2007, 1, 1), 0),
        ("code_1995", dt.date(1996, 1, 1), 0),
    ]:
        valid = units_on(units, date).set_index("cadastral_code")["istat_code"]
        both = valid.index.intersection(listed.index)
        assert len(both) > 7700
        assert (valid[both] != listed.loc[both, column]).sum() <= differing, column


def test_a_newer_archive_than_the_package_is_the_base(tmp_path: Path) -> None:
    rows = archive_rows()
    for row in rows[1:]:
        if row[4] == "A001" and row[2] == "9999-12-31":
            row[2] = "2030-05-31"
            rows.append([*row[:1], "2030-06-01", "9999-12-31", *row[3:5], "ABANO NUOVA", *row[6:]])
            break
    found = read_list(write_csv(tmp_path / "anpr.csv", rows, sep=","))
    units = build_units([found])
    own = units[units["cadastral_code"] == "A001"]
    assert list(own["name"])[-2:] == ["Abano Terme", "ABANO NUOVA"]
    assert own.iloc[-1]["valid_from"] == dt.date(2030, 6, 1)
    assert len(units_on(units, dt.date(2022, 1, 1))) == 7904


def test_facts_of_divisions_are_those_of_the_official_lists(shared_data) -> None:
    _, successions = official_history(shared_data / "codes")
    told = {
        (r.date, r.old_cadastral, r.new_cadastral)
        for r in successions[successions["kind"] == "divided"].itertuples()
    }
    facts = {
        (fact["date"], source, fact["new"])
        for fact in registry()["division"]
        for source in fact["parts_of"]
    }
    assert told == facts


# --- fetched ---


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    folder = tmp_path / "www"
    folder.mkdir()
    write_csv(folder / "ANPR_archivio_comuni.csv", archive_rows(), sep=",")
    plain = write_csv(tmp_path / "v.csv", variation_rows(), encoding="cp1252")
    with zipfile.ZipFile(folder / "Variazioni.zip", "w") as archive:
        archive.write(plain, "Variazioni.csv")
    situas_json(folder)

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args: Any) -> None:
            super().__init__(*args, directory=str(folder))

        def log_message(self, *_: Any) -> None:
            pass

        def translate_path(self, path: str) -> str:
            return super().translate_path(path.replace("/service?", "/situas.json?"))

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quiet) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()
        thread.join()


def sources(base: str) -> list[dict[str, str]]:
    files = [
        ("archive", "ANPR_archivio_comuni.csv"),
        ("variations", "Variazioni.zip"),
        ("suppressed", "absent.zip"),
        ("snapshot", "service?pdata={today:%d/%m/%Y}"),
    ]
    return [{"kind": k, "title": k, "url": f"{base}/{name}", "page": "pagina"} for k, name in files]


def test_fetching_imports_what_can_be_had_and_names_what_cannot(server: str) -> None:
    began: list[str] = []
    results = fetch_codes(
        sources=sources(server), today=DAY, began=began.append, patience=IMPATIENT
    )
    assert began == ["archive", "variations", "suppressed", "snapshot"]
    assert [each.entry is not None for each in results] == [True, True, False, True]
    assert results[2].error is not None
    assert results[2].error.code == "DOWNLOAD_FAILED"
    assert [each.kind for each in codes.list_codes()] == ["archive", "snapshot", "variations"]
    assert {each.date for each in codes.list_codes()} >= {DAY}
    assert list((codes.codes_folder() / "download").glob("*.csv")) == []


def test_a_source_that_gives_another_list_is_an_error(server: str) -> None:
    wrong = [{**sources(server)[0], "kind": "variations"}, sources(server)[1]]
    results = fetch_codes(sources=wrong, today=DAY, patience=IMPATIENT)
    assert results[0].error is not None
    assert results[0].error.code == "CODES_UNKNOWN_LIST"
    assert results[1].entry is not None


def test_without_network_the_message_says_what_to_do_by_hand() -> None:
    with pytest.raises(SourceError, match="CODES_NOT_FETCHED") as caught:
        fetch_codes(sources=sources("http://127.0.0.1:1"), today=DAY, patience=IMPATIENT)
    assert "geo-engine codes import FILE" in caught.value.message
    assert caught.value.message.count("pagina") == 4
    assert codes.list_codes() == []


def test_every_official_source_is_https_and_has_a_page() -> None:
    for source in registry()["source"]:
        assert source["url"].startswith("https://")
        assert source["page"].startswith("https://")
        assert source["kind"] in {form["kind"] for form in registry()["list"]}


# --- commands ---


def test_commands_speak_italian_and_tell_counts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commands.out, "width", 200)
    commands.list_lists()
    assert "Nessun elenco importato" in capsys.readouterr().out
    commands.import_list(write_csv(tmp_path / "elenco.csv", snapshot_rows()), "2026-02-21")
    assert "importato: elenco dei comuni a una data (ISTAT) del 2026-02-21, 7.894 righe" in (
        capsys.readouterr().out
    )
    commands.list_lists()
    told = capsys.readouterr().out
    assert "elenco.csv" in told
    assert "8.100" in told
    assert "Impronta: " in told
    with pytest.raises(StudyError, match="DATE_INVALID"):
        commands.import_list(tmp_path / "elenco.csv", "21/02/2026")


def test_tracing_shows_the_history_of_one_municipality(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commands.out, "width", 200)
    commands.trace_municipality("carceri")
    told = capsys.readouterr().out
    assert "028108 Santa Caterina d'Este" in told
    assert "fuso o incorporato" in told
    assert "2024-01-21" in told
    commands.trace_municipality("bazzano")
    assert "non noto: geo-engine codes fetch" in capsys.readouterr().out
    commands.trace_municipality("L331")
    assert "081025 Misiliscemi (13.0%)" in capsys.readouterr().out
    with pytest.raises(StudyError, match="UNKNOWN_MUNICIPALITY"):
        commands.trace_municipality("Atlantide")


def test_the_fetch_command_reports_each_list(
    server: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(registry(), "source", sources(server)[:2])
    commands.fetch_lists()
    told = capsys.readouterr()
    assert "importato: archivio storico dei comuni (ANPR)" in told.out
    assert "scarico: variations" in told.err
    monkeypatch.setitem(registry(), "source", [])
    with pytest.raises(GeoEngineError, match="CODES_NOT_FETCHED"):
        commands.fetch_lists()


def test_a_code_list_is_frozen() -> None:
    found = CodeList(kind="archive", title="", table=pd.DataFrame(), date=None)
    with pytest.raises(AttributeError):
        found.kind = "x"  # type: ignore[misc]
