"""Signals, tables joined to the extract, and indexes, from the study to the results."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from geo_engine import tables
from geo_engine.errors import SourceError, StudyError, TableError
from geo_engine.pipeline import Run, run
from geo_engine.study import parse_study

HEADER = "cf;rea;comune;prov;ateco;anno;addetti;forma;sito"
CODES = ("00743110157", "00159560366", "00100010164", "00100020163")
ROWS = [
    f"{CODES[0]};PO-1;Prato;PO;13.20.00;2024;12;SRL;www.a.it",
    f"{CODES[1]};PO-2;Prato;PO;13.20.00;2024;5;SRL;no",
    f"{CODES[2]};PO-3;Carmignano;PO;14.13.10;2024;60;SNC;",
    f"{CODES[3]};PO-4;Carmignano;PO;62.01.00;2024;;SNC;www.d.it",
]
WEB = f"CF;REA;CRM;Anno\n{CODES[0]};;si;2020\n;PO 2;no;2020\n{CODES[2]};;si;2025\n999;;si;2020\n"
SITE = {"key": "sito", "label": "sito web", "kind": "website", "column": "sito"}
CRM = {"key": "crm", "label": "CRM", "source": "web", "column": "CRM"}
SOURCE = {
    "name": "web",
    "label": "Crawl",
    "path": "web.csv",
    "separator": ";",
    "tax_code": "CF",
    "rea": "REA",
}


def carried(folder: Path, rows: list[str] = ROWS, **changes: Any) -> Run:
    (folder / "firms.csv").write_text("\n".join([HEADER, *rows, ""]), encoding="utf-8")
    (folder / "web.csv").write_text(WEB, encoding="utf-8")
    (folder / "ftth.csv").write_text("istat;quota\n100005;0,8\n100002;0,1\n1;1\n", encoding="utf-8")
    columns = {
        "tax_code": "cf",
        "rea": "rea",
        "municipality": "comune",
        "province": "prov",
        "ateco": "ateco",
        "year": "anno",
        "employees": "addetti",
        "legal_form": "forma",
    }
    source = {"path": "firms.csv", "separator": ";", "ateco_version": "2007", "columns": columns}
    keys = {
        "title": "Prova",
        "data_date": "2024-12-31",
        "unit": "impresa",
        "status": "attiva",
        "audience": "internal",
        "firms": [source],
        "chains": {"use": ["moda", "ict_digitale"]},
        "statistics": {"permutations": 0, "robustness": {"enabled": False}},
    }
    return run(parse_study(keys | changes), folder)


def signs(found: Run, key: str) -> list[int]:
    return found.intake.firms[f"signal {key}"].tolist()


@pytest.fixture(scope="module")
def joined(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("joined")
    return carried(folder, signal=[SITE, CRM], signal_source=[SOURCE])


def test_a_table_is_joined_by_tax_code_and_by_rea(joined: Run) -> None:
    assert signs(joined, "crm") == [1, 0, 1, -1]
    assert joined.intake.firms["match web"].tolist() == [0, 1, 0, -1]
    assert signs(joined, "sito") == [1, 0, -1, 1]


def test_match_rates_stand_by_chain_size_and_province(joined: Run) -> None:
    table = joined.results.signal_matches.set_index(["dimension", "group"])
    assert table.loc[("chain", "moda"), ["firms", "matched"]].tolist() == [3, 3]
    assert float(table.loc[("province", "PO"), "rate"]) == 0.75
    assert int(table.loc[("size", "non noto"), "unmatched"]) == 1
    assert "trovate 3 imprese di 4" in joined.results.match_notes[0]
    assert "3 righe di 4 riguardano imprese" in joined.results.match_notes[0]


def test_coverage_stands_by_legal_form_and_size(joined: Run) -> None:
    table = joined.results.signal_coverage.set_index(["signal", "dimension", "group"])
    row = table.loc[("sito", "legal_form", "società di persone")]
    assert row[["firms", "known", "yes"]].tolist() == [2, 1, 1]
    assert int(table.loc[("crm", "size", "non noto"), "known"]) == 0
    for _, rows in table.groupby(["signal", "dimension"]):
        assert rows["firms"].sum() == len(ROWS)


def test_without_an_index_any_signal_makes_a_firm_digital(joined: Run) -> None:
    assert joined.intake.firms["digital"].tolist() == [1, 0, 1, 1]
    assert joined.results.facts.signal == "sito web o CRM"


def test_rows_that_begin_later_do_not_speak_yet(tmp_path) -> None:
    found = carried(tmp_path, signal=[CRM], signal_source=[SOURCE | {"since": "Anno"}])
    assert signs(found, "crm") == [1, 0, -1, -1]


def test_who_is_not_in_a_full_list_is_a_no(tmp_path) -> None:
    listed = {"key": "visti", "label": "nel crawl", "kind": "listed", "source": "web"}
    found = carried(tmp_path, signal=[listed], signal_source=[SOURCE | {"absent": "no"}])
    assert signs(found, "visti") == [1, 1, 1, 0]


def test_a_table_of_municipalities_gives_its_places_values(tmp_path) -> None:
    fiber = {
        "key": "fibra",
        "label": "fibra",
        "kind": "place",
        "source": "ftth",
        "column": "quota",
        "threshold": 0.5,
    }
    places = {
        "name": "ftth",
        "label": "Banda larga",
        "path": "ftth.csv",
        "separator": ";",
        "decimal": ",",
        "istat_code": "istat",
    }
    found = carried(tmp_path, signal=[fiber], signal_source=[places])
    assert signs(found, "fibra") == [1, 1, 0, 0]
    assert any("2 righe di 3" in said for said in found.results.warnings)


@pytest.mark.parametrize(
    "changes",
    [
        {"signal": [{"key": "pec", "label": "PEC", "column": "sito"}]},
        {"digital": {"signals": [{"column": "sito", "label": "indirizzo PEC", "rule": "filled"}]}},
        {"digital": {"signals": [{"column": "sito", "label": "fattura elettronica"}]}},
    ],
)
def test_what_the_law_asks_of_all_is_refused_unless_forced(tmp_path, changes) -> None:
    with pytest.raises(StudyError, match="SIGNAL_MANDATORY"):
        carried(tmp_path, **changes)


def test_a_forced_signal_says_so_on_every_artefact(tmp_path) -> None:
    pec = {"column": "sito", "label": "indirizzo PEC", "rule": "filled", "force": True}
    found = carried(tmp_path, digital={"signals": [pec]})
    assert any("Segnale forzato" in said for said in found.results.warnings)


def test_a_score_needs_its_weights_to_be_known(tmp_path) -> None:
    index = {"kind": "score", "weights": {"sito": 3, "crm": 1}, "at_least": 60}
    found = carried(tmp_path, signal=[SITE, CRM], signal_source=[SOURCE], index=index)
    # 100; 0; 25 to 100; 75 to 100: the bounds of the fourth settle it, those of the third do not.
    assert found.intake.firms["level"].tolist() == [1, 0, -1, 1]
    assert found.intake.firms["known"].tolist() == [1, 1, 0, 1]


def two_years(folder: Path, by_year: dict[str, list[int]]) -> Run:
    from geo_engine.indicators.digital_intensity_editions import dii_edition

    editions = [set(dii_edition(*pair).items) for pair in by_year.values()]
    shared = sorted(set.intersection(*editions))[:4]
    signals = [SITE | {"key": f"s{i}"} for i in range(len(shared))]
    index = {
        "kind": "dii",
        "by_year": by_year,
        "items": {item: signal["key"] for item, signal in zip(shared, signals, strict=True)},
    }
    rows = [row.replace(";2024;", f";{year};") for year in by_year for row in ROWS]
    return carried(folder, rows, signal=signals, index=index)


def test_no_share_changes_across_versions_of_the_index(tmp_path) -> None:
    found = two_years(tmp_path, {"2023": [3, 2023], "2024": [4, 2024]}).results
    assert np.isnan(found.change["share_change"]).all()
    assert not (found.change["status"] == tables.OK).any()
    assert not found.change["direction"].any()
    assert any("non sono confrontabili" in said for said in found.warnings)
    assert float(found.change["firms_change"].sum()) == 0  # counts may be compared
    assert found.facts.index_versions == (3, 4)


def test_four_items_are_basic_and_unknown_ones_leave_the_level_open(tmp_path) -> None:
    found = two_years(tmp_path, {"2022": [4, 2022], "2024": [4, 2024]})
    firms = found.intake.firms
    assert firms["digital"].tolist() == [1, 0, 0, 1] * 2
    assert firms["known"].tolist() == [1, 0, 0, 1] * 2  # 0 of 4, and eight more are unknown
    assert not np.isnan(found.results.change["share_change"]).all()
    assert set(found.results.index_levels["level"]) == {"", "0", "1", "2", "3"}
    assert found.results.facts.index_versions == (4, 4)


def test_a_year_without_an_edition_is_refused(tmp_path) -> None:
    index = {"kind": "dii", "by_year": {"2022": [4, 2022]}, "items": {"erp": "sito"}}
    with pytest.raises((TableError, StudyError), match="DII_"):
        carried(tmp_path, signal=[SITE], index=index)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"signal": [CRM]}, "SIGNAL_SOURCE"),
        ({"signal": [SITE], "index": {"of": ["altro"]}}, "INDEX"),
        ({"signal": [SITE, SITE]}, "SIGNAL_TWICE"),
    ],
)
def test_what_is_not_defined_is_named(tmp_path, changes, code) -> None:
    with pytest.raises(StudyError, match=code):
        carried(tmp_path, **changes)


def test_a_column_that_is_not_in_the_table_is_named(tmp_path) -> None:
    with pytest.raises(SourceError, match=r"MISSING_COLUMN.*Crm2"):
        carried(tmp_path, signal=[CRM | {"column": "Crm2"}], signal_source=[SOURCE])
