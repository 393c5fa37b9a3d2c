"""Sheets and reports of a chain: their figures are those published, and their files hold them."""

from __future__ import annotations

import contextlib
import csv
import dataclasses
import io
import json
import re
import tomllib
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from geo_engine.cli.report import Asked, write_reports
from geo_engine.delivery import Delivered, carry_out
from geo_engine.errors import SourceError, StudyError
from geo_engine.outputs.report import files, pdf
from geo_engine.outputs.report.basis import prepare
from geo_engine.outputs.report.chain_report import build_chain_report
from geo_engine.outputs.report.charts import _pieces
from geo_engine.outputs.report.content import Cell, Column, Figure, Report, Section, Table
from geo_engine.outputs.report.docx import docx_of
from geo_engine.outputs.report.html import html_of
from geo_engine.outputs.report.municipalities import municipalities_data
from geo_engine.outputs.report.numbers import rank_intervals, summed
from geo_engine.outputs.report.sheet import SECTIONS, build_sheet
from geo_engine.outputs.report.strengths import findings
from geo_engine.outputs.report.territory import (
    each_of,
    find_territory,
    read_union,
    whole_territory,
)
from geo_engine.run_folder import RunFolder, open_run
from geo_engine.study import parse_study
from geo_engine.words.sentences import percent
from tests.test_territory import FASHION, ROWS, SOFTWARE, keys, rows_of, write

PRATO, CARMIGNANO, MONTEMURLO = "100005", "100002", "100003"
PISTOIA, AGLIANA = "047014", "047002"
MORE = [
    *rows_of(PISTOIA, FASHION, 2023, "s" * 5 + "n" * 15),
    *rows_of(PISTOIA, FASHION, 2024, "s" + "n" * 29),
    *rows_of(PISTOIA, SOFTWARE, 2024, "s" * 20 + "n" * 4),
    *rows_of(AGLIANA, SOFTWARE, 2024, "s" * 3 + "n" * 9),
    *rows_of(AGLIANA, FASHION, 2024, "sn"),
]


@pytest.fixture(scope="module")
def delivered(tmp_path_factory: pytest.TempPathFactory) -> Delivered:
    folder = write(tmp_path_factory.mktemp("reports"), ROWS + MORE)
    study = parse_study(
        keys(audience="public", coverage={"provinces": ["PO", "PT"]}, simulated=True)
    )
    return carry_out(study, folder, folder / "out")


@pytest.fixture(scope="module")
def run(delivered: Delivered) -> RunFolder:
    return open_run(delivered.files["manifest.json"].parent)


@pytest.fixture(scope="module")
def sheet(run: RunFolder) -> Report:
    return build_sheet(run, find_territory(run, "Prato"))


def table_of(report: Report, key: str) -> Table:
    return next(b for b in report.blocks() if isinstance(b, Table) and b.key == key)


def texts(report: Report) -> list[str]:
    return [c.text for b in report.blocks() if isinstance(b, Table) for row in b.rows for c in row]


def test_the_figures_of_a_province_are_those_of_its_panel(delivered, sheet: Report) -> None:
    panel = delivered.publication.results.province_panel.sel(province="100", year=2024)
    rows = {row[0].text: row for row in table_of(sheet, "chains").rows}
    for chain, label in (("moda", "Moda"), ("ict_digitale", "ICT e digitale")):
        one = panel.sel(chain=chain)
        assert rows[label][1].text == str(int(one["firms"]))
        assert rows[label][2].text.split()[0].rstrip("*") == percent(float(one["share"]), "it")
        assert str(int(one["known"])) == rows[label][2].small.split("· ")[1]
        ends = f"{percent(float(one['share_low']), 'it')[:-1]}-"
        assert rows[label][2].small.startswith(ends)


def test_every_municipal_share_is_the_published_one(delivered, sheet: Report) -> None:
    panel = delivered.publication.results.panel.sel(year=2024)
    names = delivered.publication.results.places["name"]
    codes = {name: code for code, name in names.items() if str(code).startswith("100")}
    table = table_of(sheet, "municipalities")
    chains = {"Moda": "moda", "ICT e digitale": "ict_digitale"}
    compared = 0
    for row in table.rows:
        if row[0].text not in codes:
            continue
        for column, cell in zip(table.columns[1:], row[1:], strict=True):
            at = panel.sel(place=codes[row[0].text], chain=chains[column.label])
            share = float(at["share_eb"])
            if np.isnan(share):
                assert cell.text in ("osc.", "-", "n.d.")
                assert not cell.small
            else:
                assert cell.text.rstrip("*") == percent(share, "it")
                compared += 1
    assert compared >= 6


def test_cells_of_the_files_are_those_of_the_panel(delivered, run: RunFolder) -> None:
    data = municipalities_data(prepare(run, whole_territory(run), "it", "national"))
    panel = delivered.publication.results.panel
    rng = np.random.default_rng(1)
    for at in rng.integers(len(data), size=500):
        row = data.iloc[at]
        cell = panel.sel(place=row["pro_com_t"], chain=row["chain"], year=row["year"])
        for name in ("firms", "digital", "share", "share_eb", "location_quotient_low"):
            assert row[name] == pytest.approx(float(cell[name]), nan_ok=True, rel=0, abs=0), name


def test_a_withheld_share_stands_nowhere(delivered, sheet: Report, run: RunFolder) -> None:
    hidden = delivered.run.results.panel.sel(place=CARMIGNANO, chain="moda", year=2024)
    assert float(hidden["known"]) == 3
    assert float(hidden["digital"]) == 1
    row = next(r for r in table_of(sheet, "municipalities").rows if r[0].text == "Carmignano")
    assert "osc." in [cell.text for cell in row]
    data = table_of(sheet, "municipalities").data
    mine = data.query("pro_com_t == @CARMIGNANO and chain == 'moda' and year == 2024")
    assert mine[["digital", "share", "share_low", "share_eb"]].isna().all(axis=None)
    sums = summed(run, (PRATO, CARMIGNANO)).loc[("moda", 2024)]
    assert (sums["known"], sums["digital"], sums["withheld"]) == (21, 8, 1)
    assert sums["firms"] == 25 + 3


def test_a_union_adds_up_what_is_published(run: RunFolder, tmp_path: Path) -> None:
    listed = tmp_path / "gal.csv"
    listed.write_text("codice;comune\n100005;x\n047014;y\n", encoding="utf-8")
    union = read_union(run, listed, "Piana")
    assert (union.kind, union.members, union.slug) == ("union", (PISTOIA, PRATO), "unione-piana")
    report = build_sheet(run, union, sections=["summary", "strengths"])
    row = next(r for r in table_of(report, "chains").rows if r[0].text == "Moda")
    assert row[1].text == str(25 + 30)
    assert row[2].text.split()[0] == percent((8 + 1) / (21 + 30), "it")


def test_a_list_names_all_that_it_cannot_find(run: RunFolder, tmp_path: Path) -> None:
    listed = tmp_path / "gal.txt"
    listed.write_text("Prato\nAtlantide\nRoma\n", encoding="utf-8")
    with pytest.raises(StudyError, match=r"2 of 3 entries.*Atlantide.*Roma"):
        read_union(run, listed)


@pytest.mark.parametrize(
    ("text", "kind", "code"),
    [
        ("Prato", "province", "100"),
        ("po", "province", "100"),
        ("comune:Prato", "place", PRATO),
        ("100005", "place", PRATO),
        ("toscana", "region", "09"),
        ("Alta valle", "zone", "alta"),
        ("Montemurlo (PO)", "place", MONTEMURLO),
    ],
)
def test_a_territory_is_found_by_name_sigla_or_code(run, text, kind, code) -> None:
    found = find_territory(run, text)
    assert (found.kind, found.code) == (kind, code)


def test_an_unknown_territory_is_told_with_what_is_near(run: RunFolder) -> None:
    with pytest.raises(StudyError, match="Montemurlo"):
        find_territory(run, "Montemurl")
    with pytest.raises(StudyError, match="province, region"):
        each_of(run, "vallate")


def test_ranks_are_those_that_counting_gives(run: RunFolder) -> None:
    found = rank_intervals(run, "ict_digitale", 2024)
    at = run.panel.sel(chain="ict_digitale", year=2024).to_dataframe().dropna(subset=["share_eb"])
    assert len(found) == len(at) >= 5
    for code, row in at.iterrows():
        above = (at["share_eb_low"] > row["share_eb_high"]).sum()
        below = (at["share_eb_high"] < row["share_eb_low"]).sum()
        assert found.loc[code, "first"] == above + 1
        assert found.loc[code, "last"] == len(at) - below


def test_every_strength_carries_the_figure_of_its_rule(run: RunFolder) -> None:
    basis = prepare(run, find_territory(run, "comune:Pistoia"), "it", "national")
    found = {(each.rule, each.chain): each for each in findings(basis)}
    last = basis.last
    for (rule, chain), each in found.items():
        row = last.loc[chain]
        if rule == "specialized":
            assert row["location_quotient_low"] > 1
        elif rule in ("share_above", "share_below"):
            assert percent(float(row["share"]), "it") in each.figure
            other = basis.reference_share(chain)
            assert (row["share_low"] > other) == (rule == "share_above")
            assert each.strength == (rule == "share_above")
    assert ("share_below", "moda") in found
    assert ("share_above", "ict_digitale") in found


def test_a_broken_series_is_not_compared_and_its_line_is_cut(run: RunFolder) -> None:
    broken = {
        "chain": "moda",
        "indicator": "share",
        "before": 2023,
        "year": 2024,
        "note": "L'elenco cambia.",
        "note_en": "The list changes.",
    }
    manifest = {**run.manifest, "series_breaks": [broken]}
    changed = dataclasses.replace(run, manifest=manifest)
    report = build_sheet(changed, find_territory(run, "PT"), sections=["trend"])
    row = next(r for r in table_of(report, "trend").rows if r[0].text == "Moda")
    assert row[3].text == "n.d."
    assert "L&#x27;elenco cambia." in html_of(report)
    assert _pieces([2019, 2020, 2021], [(2020, 2021)]) == [[0, 1], [2]]


def test_the_same_run_gives_the_same_bytes(run: RunFolder, sheet: Report, tmp_path) -> None:
    again = build_sheet(open_run(run.path), find_territory(run, "Prato"))
    formats = ("html", "docx", "pdf")
    for name, report in (("a", sheet), ("b", again)):
        files.write_report(report, tmp_path / name, formats)
    for path in sorted((tmp_path / "a").glob("[!.]*")):
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes(), path.name


def test_figures_and_tables_stand_beside_the_sheet(sheet: Report, tmp_path: Path) -> None:
    (tmp_path / "figure-99-old.png").write_bytes(b"old")
    written = files.write_report(sheet, tmp_path, ["html"])
    figures = [b for b in sheet.blocks() if isinstance(b, Figure)]
    assert {f"figure-{f.number}-{f.key}.{kind}" for f in figures for kind in ("png", "svg")} <= set(
        written.files
    )
    assert not (tmp_path / "figure-99-old.png").exists()
    text = (tmp_path / "table-1-chains.csv").read_text(encoding="utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text), delimiter=";"))
    assert all(row["note"].startswith("DATI SIMULATI") for row in rows)
    moda = next(row for row in rows if row["chain"] == "moda" and row["year"] == "2024")
    assert moda["share"].replace(",", ".") == repr(float(sheet_share(sheet, "moda")))


def sheet_share(report: Report, chain: str) -> float:
    data = table_of(report, "chains").data
    return float(data.query("chain == @chain and year == 2024")["share"].iloc[0])


def test_every_page_says_that_data_are_simulated(sheet: Report) -> None:
    text = html_of(sheet)
    assert '@top-center { content: "DATI SIMULATI - a scopo dimostrativo"; }' in text
    header = zipfile.ZipFile(io.BytesIO(docx_of(sheet)))
    heads = [header.read(n).decode() for n in header.namelist() if "word/header" in n]
    assert any("DATI SIMULATI" in head for head in heads)


def inflated(data: bytes) -> list[bytes]:
    found = []
    for stream in re.findall(rb"stream\r?\n(.*?)\r?\nendstream", data, re.S):
        with contextlib.suppress(zlib.error):
            found.append(zlib.decompress(stream))
    return found


def test_the_pdf_is_tagged_in_its_language_and_describes_its_pictures(sheet: Report) -> None:
    made = pdf.pdf_of(sheet)
    assert made.startswith(b"%PDF")
    data = made + b"".join(inflated(made))
    assert b"/StructTreeRoot" in data
    assert b"/Lang (it)" in data
    assert b"pdfuaid" in data
    assert data.count(b"/Alt") >= sum(isinstance(b, Figure) for b in sheet.blocks())


def test_the_docx_has_real_tables_captions_and_alternative_texts(sheet: Report) -> None:
    import docx

    document = docx.Document(io.BytesIO(docx_of(sheet)))
    tables = [b for b in sheet.blocks() if isinstance(b, Table)]
    assert len(document.tables) == len(tables) + 1  # and the figures at the top
    made = document.tables[1]
    assert [cell.text.split("\n")[0] for cell in made.rows[1].cells] == [
        cell.text for cell in tables[0].rows[0]
    ]
    xml = document.element.xml
    assert xml.count("w:tblHeader") == len(tables)
    assert xml.count("SEQ Tabella") == len(tables)
    alts = re.findall(r'descr="([^"]+)"', xml)
    assert len(alts) == sum(isinstance(b, Figure) for b in sheet.blocks())
    assert [p.text for p in document.paragraphs if p.style.name == "Heading 1"] == [
        section.title for section in sheet.sections
    ]


def test_a_template_keeps_its_styles_and_loses_its_text(sheet: Report, tmp_path: Path) -> None:
    import docx

    template = docx.Document()
    template.add_paragraph("Testo di prova")
    template.styles["Heading 1"].font.name = "Carattere Ente"
    template.sections[0].footer.paragraphs[0].text = "Comune di Esempio"
    template.save(str(tmp_path / "ente.docx"))
    made = docx.Document(io.BytesIO(docx_of(sheet, tmp_path / "ente.docx")))
    assert made.styles["Heading 1"].font.name == "Carattere Ente"
    assert made.sections[0].footer.paragraphs[0].text == "Comune di Esempio"
    assert "Testo di prova" not in [paragraph.text for paragraph in made.paragraphs]
    (tmp_path / "no.docx").write_text("x")
    with pytest.raises(StudyError, match="no readable DOCX"):
        docx_of(sheet, tmp_path / "no.docx")


def test_without_pango_a_printable_page_takes_the_place_of_the_pdf(
    sheet: Report, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "why_no_pdf", lambda: "no pango")
    written = files.write_report(sheet, tmp_path, ["pdf"])
    assert written.notes == ("no pango",)
    assert (tmp_path / "provincia-prato.html").is_file()
    assert not (tmp_path / "provincia-prato.pdf").exists()


def test_hostile_words_stay_words(tmp_path: Path) -> None:
    bad = "=1+1</style><script>alert(1)</script>\"'\\"
    table = Table(
        key="t",
        caption=bad,
        columns=(Column(label=bad),),
        rows=((Cell(text=bad, small=bad),),),
        data=pd.DataFrame({"=name": [bad]}),
        note=bad,
        number=1,
    )
    report = Report(
        slug="x",
        language="it",
        title=bad,
        subtitle=bad,
        notices=(bad,),
        stamp=bad,
        date="2024-12-31",
        page="Pagina {page} di {pages}",
        simulated=bad,
        sections=(Section(key="s", title=bad, blocks=(table,)),),
    )
    text = html_of(report)
    assert "<script" not in text
    assert text.count("</style>") == 1
    lines = files.csv_of(table, report).decode("utf-8-sig").splitlines()
    assert lines[0].startswith("'=name")
    assert lines[1].startswith("\"'=1+1")
    docx_of(report)


def test_a_municipality_without_firms_has_a_sheet_that_says_so(run: RunFolder) -> None:
    report = build_sheet(run, find_territory(run, "Quarrata"))
    text = html_of(report)
    assert "nessuna filiera dello studio" in text
    assert not re.search(r"\bnan\b", text)


def test_sections_can_be_chosen_and_wrong_ones_are_told(run: RunFolder) -> None:
    report = build_sheet(run, find_territory(run, "PO"), sections=["notes", "summary"])
    assert [section.key for section in report.sections] == ["summary", "notes"]
    with pytest.raises(StudyError, match=f"there are {', '.join(SECTIONS)}"):
        build_sheet(run, find_territory(run, "PO"), sections=["swot"])


def test_the_report_of_a_chain_holds_its_universe_and_every_region(delivered, run) -> None:
    report = build_chain_report(run, "moda", language="en")
    keys_ = [section.key for section in report.sections]
    assert keys_ == ["universe", "phases", "territories", "areas", "trend", "drivers", "notes"]
    firms = delivered.publication.results.panel["firms"].sel(chain="moda", year=2024).sum()
    assert table_of(report, "years").rows[-1][1].text == str(int(firms))
    assert {row[0].text for row in table_of(report, "provinces").rows} == {"Prato", "Pistoia"}
    with pytest.raises(StudyError, match="moda, ict_digitale"):
        build_chain_report(run, "pesca")


def test_english_words_leave_no_italian_ones(run: RunFolder) -> None:
    report = build_sheet(run, find_territory(run, "PO"), language="en")
    text = html_of(report)
    assert "<html lang='en'>" in text
    assert "Quota" not in " ".join(texts(report))
    assert "{" not in re.sub(r"<style>.*</style>", "", text, flags=re.S)


def test_words_of_reports_have_the_same_keys_and_places_in_both_languages() -> None:
    folder = Path(__file__).parents[2] / "geo_engine" / "words"
    both = [
        tomllib.loads((folder / f"report_{lang}.toml").read_text(encoding="utf-8"))
        for lang in ("it", "en")
    ]
    assert both[0].keys() == both[1].keys()
    for section, words in both[0].items():
        assert words.keys() == both[1][section].keys(), section
        for key, text in words.items():
            found = [set(re.findall(r"\{(\w+)\}", t)) for t in (text, both[1][section][key])]
            assert found[0] == found[1], f"{section}.{key}"


def test_a_folder_that_is_no_run_or_was_changed_is_refused(run: RunFolder, tmp_path) -> None:
    with pytest.raises(SourceError, match="no finished run"):
        open_run(tmp_path)
    for name in ("manifest.json", "panel.parquet", "levels.parquet", "territory.gpkg"):
        (tmp_path / name).write_bytes((run.path / name).read_bytes())
    manifest = json.loads((tmp_path / "manifest.json").read_text(encoding="utf-8"))
    manifest["outputs"]["levels.parquet"]["sha256"] = "0" * 64
    (tmp_path / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    with pytest.raises(SourceError, match="not the file that the run wrote"):
        open_run(tmp_path)
    (tmp_path / "levels.parquet").unlink()
    with pytest.raises(SourceError, match=r"has no levels\.parquet"):
        open_run(tmp_path)


def test_the_command_writes_one_sheet_for_each_province(run, tmp_path: Path, capsys) -> None:
    asked = Asked(run=run.path, out=tmp_path, each="province", formats=("html",))
    write_reports(dataclasses.replace(asked, sections=("summary",)))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["provincia-pistoia", "provincia-prato"]
    alone = tmp_path / "alone"
    write_reports(
        Asked(run=run.path, out=alone, territory="PO", formats=("html",), sections=("summary",))
    )
    name = "provincia-prato/provincia-prato.html"
    assert (tmp_path / name).read_bytes() == (alone / name).read_bytes()
    assert "2 schede" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"territory": "PO", "chain": "moda"}, "Give one of --territory"),
        ({"formats": ("odt",)}, "--format takes html, pdf, docx, not odt"),
        ({"formats": ()}, "--format takes html, pdf, docx, not nothing"),
        ({"language": "de"}, "--lang takes it, en, not de"),
        ({"chain": "moda", "sections": ("summary",)}, "there are universe"),
        ({"template": Path("x.docx")}, "--template is for DOCX"),
    ],
)
def test_options_that_cannot_be_carried_out_are_told(run, tmp_path, options, said) -> None:
    with pytest.raises(StudyError, match=said):
        write_reports(Asked(run=run.path, out=tmp_path, **options))


def test_without_a_signal_a_sheet_tells_firms_and_quotients_only(tmp_path: Path) -> None:
    plain = keys(zones=[], coverage={"provinces": ["PO", "PT"]})
    for name in ("signal", "index", "indicator", "similar"):
        plain.pop(name)
    done = carry_out(parse_study(plain), write(tmp_path, ROWS + MORE), tmp_path / "out")
    without = open_run(done.files["manifest.json"].parent)
    report = build_sheet(without, find_territory(without, "PT"))
    text = html_of(report)
    assert "non è stata rilevata" in text
    assert "quota di" not in text.lower().replace("quota digitale", "")
    assert not re.search(r"\bnan\b", text)
    chain = build_chain_report(without, "moda")
    row = table_of(chain, "years").rows[-1]
    total = done.publication.results.panel["firms"].sel(chain="moda", year=2024).sum()
    assert [cell.text for cell in row] == ["2024", str(int(total))]
