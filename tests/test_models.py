"""Regressions among firms and surveys, as a study asks for them."""

from __future__ import annotations

import dataclasses
import re
import sys
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from geo_engine.delivery import carry_out
from geo_engine.disclosure.protect import publish
from geo_engine.errors import StudyError
from geo_engine.indicators.intervals import wilson
from geo_engine.outputs.geopackage import write_geopackage
from geo_engine.pipeline import Run, run
from geo_engine.study import parse_study
from tests.small_study import small_study, write_extract

HEADER = "cf;comune;prov;ateco;anno;addetti;forma;iscritta;cessata;sito"
PLACES = ("Prato", "Carmignano", "Montemurlo", "Vaiano", "Vernio", "Cantagallo")


def rows(seed: int = 3, firms: int = 600) -> list[str]:
    """Companies have a site four times in five, sole traders once in five."""
    rng = np.random.default_rng(seed)
    made = []
    for number in range(firms):
        form, ateco = ("SR", "DI")[int(rng.integers(2))], ("13.20.00", "10.10.00")[number % 2]
        place = PLACES[int(rng.integers(6))]
        site = rng.random() < (0.8 if form == "SR" else 0.2)
        made.append(
            f"Z{number};{place};PO;{ateco};2024;"
            f"{int(rng.integers(1, 60))};{form};{int(rng.integers(1990, 2024))}-03-01;;"
            f"{'www.z.it' if site else 'no'}"
        )
    return made


def keys(**changes: Any) -> dict[str, Any]:
    columns = {"legal_form": "forma", "registered": "iscritta", "ceased": "cessata"}
    own = {
        "coverage": {"provinces": ["PO"]},
        "chains": {"use": ["moda", "agroalimentare"]},
        "drivers": {"firms": {"enabled": True, "context": []}},
    }
    return small_study(columns, **(own | changes))


def carried(folder: Path, lines: list[str], **changes: Any) -> Run:
    return run(parse_study(keys(**changes)), write_extract(folder, HEADER, lines))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return carried(tmp_path_factory.mktemp("models"), rows())


def test_the_planted_difference_of_legal_forms_is_found_in_all_chains_and_in_each(
    whole: Run,
) -> None:
    table = whole.results.models.firms
    forms = table[table["term"] == "legal_form"]
    assert sorted(forms["chain"]) == ["", "agroalimentare", "moda"]
    assert len(set(forms["reference"])) == 1, "one reference, so that chains compare"
    sign = np.where(forms["level"] == "form:societa_di_capitali", 1, -1)
    assert (abs(sign * forms["effect"] - 0.6) < 0.12).all()


def test_no_other_term_is_said_to_differ_by_much(whole: Run) -> None:
    table = whole.results.models.firms
    rest = table[table["term"].isin(["size", "age", "chain", "phase"])]
    assert len(rest) > 8
    assert (rest["effect_p_value"].fillna(1) < 0.05).mean() < 0.25


def test_every_sentence_stands_in_both_languages_and_calls_it_an_association(whole: Run) -> None:
    said = whole.results.models.readings
    assert set(said["subject"]) == {"firms"}
    assert (said[["it", "en"]] != "").to_numpy().all()
    for chain in ("", "moda", "agroalimentare"):
        own = " ".join(said.loc[said["chain"] == chain, "it"])
        assert "non una prova di causa" in own
        assert "società di capitali" in own


def test_a_characteristic_known_of_few_firms_is_left_out_and_named(tmp_path: Path) -> None:
    fields = [line.split(";") for line in rows()]
    for at, line in enumerate(fields):
        line[7] = line[7] if at % 5 == 0 else ""
    lines = [";".join(line) for line in fields]
    done = carried(tmp_path, lines)
    assert "age" not in set(done.results.models.firms["term"])
    assert done.results.models.readings["it"].str.contains("età dell'impresa").any()


def test_a_date_that_cannot_be_is_unknown_and_flagged(tmp_path: Path) -> None:
    lines = rows()[:40]
    fields = [line.split(";") for line in lines]
    fields[0][7] = "2031-01-01"  # after the year of the row
    fields[1][7], fields[1][8] = "2010-01-01", "2005-06-01"  # ends before it begins
    fields[2][7] = "ieri"
    fields[3][7], fields[3][8] = "31/12/2011", "2023"
    done = carried(tmp_path, [";".join(line) for line in fields])
    firms = done.intake.firms.sort_values("row")
    assert firms["registered"].to_numpy()[:4].tolist() == [0, 0, 0, 2011]
    assert firms["ceased"].to_numpy()[:4].tolist() == [0, 0, 0, 2023]
    assert done.results.account.flags["DATE_INVALID"] == 3
    assert done.results.account.placed == 40, "a wrong date loses no firm"


def test_public_regressions_tell_no_counts_and_leave_levels_of_few_firms(tmp_path: Path) -> None:
    fields = [line.split(";") for line in rows()]
    for line in fields[:3]:
        line[6] = "SC"  # three cooperatives
    lines = [";".join(line) for line in fields]
    inner = carried(tmp_path, lines).results.models.firms
    public = carried(tmp_path, lines, audience="public").results.models.firms
    assert "form:cooperativa" in set(inner["level"])
    assert "form:cooperativa" not in set(public["level"])
    assert inner["firms"].notna().any()
    assert public[["firms", "positive"]].isna().to_numpy().all()


def test_a_regression_of_an_unknown_signal_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match="no signal of the study"):
        carried(tmp_path, rows()[:40], drivers={"firms": {"enabled": True, "signal": "pos"}})


def answer(at: int) -> str:
    chain, barrier = ("moda", "agro")[at % 2], ("costi", "competenze", "")[at % 3]
    return f"{1 + at % 3},5;{chain};{barrier};{('sì', 'no')[at % 4 == 0]}"


SURVEY = "\n".join(["peso;filiera;ostacolo;ecommerce", *map(answer, range(120)), ""])


def survey_keys(**changes: Any) -> dict[str, Any]:
    return {
        "survey": {
            "path": "answers.csv",
            "questions": {"ostacolo": "Che cosa frena?", "ecommerce": "Vende in rete?"},
            "questions_en": {"ostacolo": "What holds you back?"},
            "by": [[], ["filiera"]],
            "domains": [["filiera"]],
            "dimensions": {"filiera": "filiera"},
            "weight": "peso",
        }
        | changes
    }


def test_a_survey_is_tabulated_with_its_weights(tmp_path: Path) -> None:
    (tmp_path / "answers.csv").write_text(SURVEY, encoding="utf-8")
    found = carried(tmp_path, rows()[:40], drivers=survey_keys()).results.models
    total = found.survey[(found.survey["cell"] == "") & (found.survey["answer"] == "yes")].iloc[0]
    weight = np.array([1.5 + at % 3 for at in range(120)])
    yes = np.array([at % 4 != 0 for at in range(120)])
    assert total["question"] == "Vende in rete?"
    assert total["share"] == pytest.approx((weight * yes).sum() / weight.sum())
    assert set(found.survey["cell"]) == {"", "moda", "agro"}
    assert "ciò che le imprese dichiarano" in found.readings["it"].iloc[-1]
    assert found.readings["en"].str.contains("What holds you back?", regex=False).any()


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"path": "../answers.csv"}, "SURVEY_TABLE"),
        ({"path": "absent.csv"}, "SURVEY_TABLE"),
        ({"weight": "pesi"}, "SURVEY_TABLE"),
        ({"weight": "filiera"}, "SURVEY_TABLE"),
    ],
)
def test_a_survey_that_cannot_be_read_says_why(
    tmp_path: Path, changes: dict[str, Any], code: str
) -> None:
    (tmp_path / "answers.csv").write_text(SURVEY, encoding="utf-8")
    with pytest.raises(StudyError) as told:
        carried(tmp_path, rows()[:40], drivers=survey_keys(**changes))
    assert told.value.code == code


def test_models_and_survey_have_their_sheets(tmp_path: Path) -> None:
    import openpyxl

    (tmp_path / "answers.csv").write_text(SURVEY, encoding="utf-8")
    write_extract(tmp_path, HEADER, rows())
    drivers = {"firms": {"enabled": True, "context": []}} | survey_keys()
    study = parse_study(keys(drivers=drivers, outputs={"formats": ["tables"]}))
    carry_out(study, tmp_path, tmp_path / "out")
    book = openpyxl.load_workbook(tmp_path / "out" / "tables.xlsx")
    assert {"Imprese", "Indagine", "Letture"} <= set(book.sheetnames)
    cells = {str(cell.value) for row in book["Imprese"].iter_rows() for cell in row}
    assert "società di capitali" in cells or "impresa individuale" in cells
    assert not any(value.startswith(("form:", "size:", "age:")) for value in cells)


def test_without_the_extra_a_run_ends_and_says_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "statsmodels.genmod.generalized_linear_model", None)
    found = carried(tmp_path, rows()[:200]).results.models
    assert found.firms.empty
    assert "geo-engine[models]" in found.readings["it"].iloc[0]


def test_the_keys_that_the_document_shows_are_those_of_a_study() -> None:
    text = (Path(__file__).parents[1] / "docs" / "drivers.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
    assert len(blocks) == 3
    for block in blocks:
        assert set(tomllib.loads(block)) == {"drivers"}
        parse_study(keys(**tomllib.loads(block)))


def test_births_and_deaths_of_a_year_are_those_of_its_list(tmp_path: Path) -> None:
    def line(number: int, year: int, born: str, ended: str = "") -> str:
        return f"F{number};Prato;PO;13.20.00;{year};3;SR;{born};{ended};no"

    lines = [line(n, 2023, "2015") for n in range(8)] + [line(8, 2023, "2023-05-01")]
    lines += [line(n, 2024, "2015", "2024-02-01" if n < 2 else "") for n in range(8)]
    lines += [line(8, 2024, "2023-05-01"), line(9, 2024, "01/07/2024"), line(10, 2024, "")]
    found = carried(tmp_path, lines, drivers={}).results
    for panel in (found.panel.sel(place="100005"), found.province_panel.sel(province="100")):
        moda = panel.sel(chain="moda")
        assert moda["births"].to_numpy().tolist() == [1, 1]
        np.testing.assert_allclose(moda["birth_rate"], [1 / 9, 1 / 10])  # of the dated ones
        assert np.isnan(moda["deaths"][0]), "no cessation is listed in 2023: it lists the living"
        assert float(moda["deaths"][1]) == 2
        assert float(moda["death_rate"][1]) == pytest.approx(2 / 11)
        low, high = wilson(np.array([2.0]), np.array([11.0]))
        assert float(moda["death_rate_low"][1]) == pytest.approx(low[0])
        assert float(moda["death_rate_high"][1]) == pytest.approx(high[0])
    assert "births" in found.registry


def test_without_dates_there_are_no_births(tmp_path: Path) -> None:
    lines = [";".join([*line.split(";")[:7], "", "", line.split(";")[9]]) for line in rows()[:40]]
    assert "births" not in carried(tmp_path, lines, drivers={}).results.panel


def test_local_coefficients_and_phases_stand_in_the_geopackage(tmp_path: Path) -> None:
    import pyogrio

    lines = rows(firms=900)
    write_extract(tmp_path, HEADER, lines)
    study = parse_study(keys(drivers={}, outputs={"formats": ["geopackage"]}))
    found = run(study, tmp_path).results
    local = pd.DataFrame(
        {
            "place": ["100005"],
            "term": ["population"],
            "coefficient": [1.5],
            "significant": [True],
            "status": ["ok"],
            "chain": ["moda"],
        }
    )
    results = dataclasses.replace(found, models=dataclasses.replace(found.models, local=local))
    package = tmp_path / "territory.gpkg"
    write_geopackage(publish(results, threshold=5), package)
    shown = pyogrio.read_dataframe(package, layer="local_coefficients")
    assert shown[
        ["pro_com_t", "chain", "term", "coefficient", "fit_status"]
    ].to_numpy().tolist() == [["100005", "moda", "population", 1.5, "ok"]]
    phases = pyogrio.read_dataframe(package, layer="phases")
    one = phases[(phases["pro_com_t"] == "100005") & (phases["chain"] == "moda")]
    assert one["phase_share"].sum() == pytest.approx(1)
    firms = found.panel["firms"].sel(place="100005", chain="moda", year=2024)
    assert one["firms"].sum() == float(firms)
