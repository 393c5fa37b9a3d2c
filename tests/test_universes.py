"""Universes go through a study: counted apart, told in titles, protected together."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from geo_engine.delivery import carry_out
from geo_engine.disclosure.universes import _without_few, differences, disclosing_cells
from geo_engine.errors import StudyError
from geo_engine.firm_tables import disjoint_universes, nested_universes
from geo_engine.pipeline import Run, run
from geo_engine.sources import batches
from geo_engine.study import parse_study
from tests.small_study import small_study, write_extract

HEADER = "cf;comune;prov;ateco;anno;addetti;fatturato;sito"
PRATO, CARMIGNANO = "100005", "100002"
FIRMS = [
    "A1;Prato;PO;13.20.00;2024;12;1000000;www.a1.it",  # an SME with a site
    "A2;Prato;PO;13.20.00;2024;5;;no",  # micro
    "A3;Prato;PO;13.20.00;2024;300;;www.a3.it",  # large
    "A4;Prato;PO;13.20.00;2024;;;no",  # of unknown size
    "A5;Prato;PO;13.20.00;2024;40;60000000;no",  # over one limit, the other unknown
    "A6;Carmignano;PO;13.20.00;2024;10-49;;www.a6.it",  # a class, no money: by persons alone
]


def keys(**changes: Any) -> dict[str, Any]:
    return small_study({"turnover": "fatturato"}, **changes)


def write(folder: Path, rows: list[str]) -> Path:
    return write_extract(folder, HEADER, rows)


def carried(folder: Path, rows: list[str] = FIRMS, **changes: Any) -> Run:
    return run(parse_study(keys(**changes)), write(folder, rows))


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("universes")
    return carried(folder, universe=["tutte", "pmi", "pmi_10_249"])


def counted(panel: xr.Dataset, place: str) -> tuple[float, float]:
    cell = panel.sel(place=place, chain="moda", year=2024)
    return float(cell["firms"]), float(cell["digital"])


def test_each_universe_has_its_own_panel(three: Run) -> None:
    assert counted(three.results.panel, PRATO) == (5, 2)
    assert counted(three.others["pmi"].panel, PRATO) == (1, 1)
    assert counted(three.others["pmi_10_249"].panel, PRATO) == (2, 1)
    assert counted(three.others["pmi"].panel, CARMIGNANO) == (1, 1)
    for other in three.others.values():
        assert other.places is three.results.places
        assert other.account == three.results.account


def test_firms_of_unknown_size_are_counted_and_stay_outside(three: Run) -> None:
    table = three.results.universes.set_index("universe")
    states = ["inside", "outside", "undecided", "by_persons"]
    assert table.loc["tutte", states].tolist() == [6, 0, 0, 0]
    assert table.loc["pmi", states].tolist() == [2, 2, 2, 1]
    assert table.loc["pmi_10_249", states].tolist() == [3, 2, 1, 0]


def test_titles_name_the_universe_where_it_is_not_the_only_one(three: Run, tmp_path) -> None:
    assert three.results.facts.titled() == "Prova - tutte le imprese"
    assert three.others["pmi_10_249"].facts.titled() == "Prova - imprese con 10-249 addetti"
    alone = carried(tmp_path).results
    assert alone.facts.titled() == alone.facts.title == "Prova"
    assert alone.facts.universe == "tutte"


def test_the_main_universe_is_the_same_alone_and_beside_others(three: Run, tmp_path) -> None:
    xr.testing.assert_identical(carried(tmp_path).results.panel, three.results.panel)
    pmi = carried(tmp_path, universe="pmi")
    xr.testing.assert_identical(pmi.results.panel, three.others["pmi"].panel)
    assert pmi.others == {}


def test_the_order_of_rows_and_the_size_of_batches_change_nothing(
    three: Run, tmp_path, monkeypatch
) -> None:
    monkeypatch.setattr(batches, "BATCH_ROWS", 2)
    other = carried(tmp_path, FIRMS[::-1], universe=["tutte", "pmi", "pmi_10_249"])
    pd.testing.assert_frame_equal(other.results.universes, three.results.universes)
    pd.testing.assert_frame_equal(other.results.signal_coverage, three.results.signal_coverage)
    for key, results in three.others.items():
        xr.testing.assert_identical(other.others[key].panel, results.panel)


def test_persons_of_units_are_added_up_to_those_of_their_enterprise(tmp_path) -> None:
    rows = [f"A1;{town};PO;13.20.00;2024;6;;" for town in ("Prato", "Carmignano")]
    one = {"use": ["pmi_10_249"]}
    by_enterprise = carried(tmp_path / "a", rows, universe=one)
    by_unit = carried(tmp_path / "b", rows, universe=one | {"employees_of": "unit"})
    assert float(by_enterprise.results.panel["firms"].sum()) == 0
    assert float(by_unit.results.panel["firms"].sum()) == 2
    assert int(by_unit.results.universes["inside"].iloc[0]) == 1


def test_the_decimal_mark_of_persons_is_that_of_the_whole_file(tmp_path) -> None:
    rows = ["A1;Prato;PO;13.20.00;2024;1.200;;", "A2;Prato;PO;13.20.00;2024;9,5;;"]
    firms = carried(tmp_path, rows).intake.firms
    assert firms["size"].tolist() == [3, 0]  # 1 200 persons, since 9,5 shows the comma


def test_an_unknown_universe_is_refused_with_the_near_name(tmp_path) -> None:
    with pytest.raises(StudyError, match=r"UNIVERSE_UNKNOWN.*Did you mean pmi\?"):
        carried(tmp_path, universe=["pni"])


def test_own_universes_are_taken_as_defined(tmp_path) -> None:
    own = {"use": ["grandi"], "custom": {"grandi": {"label": "grandi", "persons": [250]}}}
    assert float(carried(tmp_path, universe=own).results.panel["firms"].sum()) == 1


def test_a_public_panel_tells_no_difference_of_universes(tmp_path) -> None:
    micro = [f"M{i};Prato;PO;13.20.00;2024;5;;{'www.m.it' if i % 2 else 'no'}" for i in range(20)]
    few = [f"L{i};Prato;PO;13.20.00;2024;300;;www.l.it" for i in range(3)]
    study = parse_study(keys(universe=["tutte", "micro"], audience="public"))
    delivered = carry_out(study, write(tmp_path, micro + few), tmp_path / "out")
    table = pq.read_table(delivered.files["panel.parquet"]).to_pandas()
    here = table[(table["pro_com_t"] == PRATO) & (table["year"] == 2024)].set_index("universe")
    assert here["firms"].to_dict() == {"tutte": 23, "micro": 20}
    assert here["share"].isna().all()
    assert here["digital"].isna().all()
    manifest = json.loads(delivered.files["manifest.json"].read_text(encoding="utf-8"))
    assert manifest["universe"] == "tutte"
    assert {row["universe"]: row["inside"] for row in manifest["universes"]} == {
        "tutte": 23,
        "micro": 20,
    }


def test_enough_others_leave_both_shares_public(tmp_path) -> None:
    rows = [f"M{i};Prato;PO;13.20.00;2024;5;;no" for i in range(20)]
    rows += [f"L{i};Prato;PO;13.20.00;2024;300;;www.l.it" for i in range(5)]
    study = parse_study(keys(universe=["tutte", "micro"], audience="public"))
    delivered = carry_out(study, write(tmp_path, rows), tmp_path / "out")
    panels = [delivered.publication, *delivered.others.values()]
    shares = [float(each.results.panel["share"].sel(place=PRATO).squeeze()) for each in panels]
    assert shares == [0.2, 0.0]


memberships = st.lists(st.integers(0, 7), min_size=1, max_size=40)


@settings(deadline=None, derandomize=True, max_examples=100)
@given(memberships)
def test_no_shown_difference_is_of_few_firms(bits: list[int]) -> None:
    """Brute force over the firms themselves."""
    names = ["a", "b", "c"]
    inside = np.array(bits, np.uint16)
    sets = {name: {i for i, b in enumerate(bits) if b >> at & 1} for at, name in enumerate(names)}
    nested = nested_universes(inside, names)
    disjoint = disjoint_universes(inside, names)
    assert set(nested) == {(x, y) for x in names for y in names if x != y and sets[x] <= sets[y]}
    assert set(map(frozenset, disjoint)) == {
        frozenset((x, y)) for x in names for y in names if x < y and not sets[x] & sets[y]
    }
    known = {name: xr.DataArray([float(len(firms))], dims="cell") for name, firms in sets.items()}
    hidden = bool(disclosing_cells(known, nested, disjoint, 5)[0])
    left = [
        len(sets[outer] - set().union(*(sets[part] for part in parts)))
        for outer, parts in differences(nested, disjoint, names)
    ]
    assert hidden == any(0 < rest < 5 for rest in left)


def test_three_universes_are_subtracted_together() -> None:
    known = {
        name: xr.DataArray([value], dims="cell")
        for name, value in {"all": 103.0, "micro": 60.0, "sme": 40.0}.items()
    }
    nested = (("micro", "all"), ("sme", "all"))
    assert bool(disclosing_cells(known, nested, (("micro", "sme"),), 5)[0])
    assert not bool(disclosing_cells(known, nested, (), 5)[0])


def test_workbook_and_geopackage_hold_every_universe_under_its_name(tmp_path: Path) -> None:
    import geopandas as gpd
    import openpyxl
    import pyogrio

    folder = write(tmp_path / "in", FIRMS)
    wanted = keys(universe=["tutte", "pmi"], outputs={"formats": ["tables", "geopackage"]})
    done = carry_out(parse_study(wanted), folder, tmp_path / "out")
    book = openpyxl.load_workbook(tmp_path / "out" / "tables.xlsx")
    assert book["Sintesi"]["A1"].value == done.publication.results.facts.titled()
    assert "Universi" in book.sheetnames
    rows = [[cell.value for cell in row] for row in book["Comuni"].iter_rows()]
    header = next(row for row in rows if "Universo" in row)
    of, name, firms = (header.index(word) for word in ("Universo", "Nome", "Numero di imprese"))
    body = [row for row in rows[rows.index(header) + 1 :] if row[name] == "Prato"]
    found = {row[of]: row[firms] for row in body}
    expected = {
        each.results.facts.universe_label: each.results.panel["firms"].sel(place=PRATO).item()
        for each in (done.publication, *done.others.values())
    }
    assert found == expected
    package = tmp_path / "out" / "territory.gpkg"
    layers = {str(name) for name, _ in pyogrio.list_layers(package)}
    assert {"municipalities", "municipalities_pmi", "provinces_pmi"} <= layers
    panel = gpd.read_file(package, layer="panel")
    own = panel[(panel["pro_com_t"] == PRATO) & (panel["universe"] == "pmi")]
    assert own["firms"].tolist() == [expected[done.others["pmi"].results.facts.universe_label]]


@given(st.lists(st.integers(0, 40), min_size=1, max_size=7))
@settings(deadline=None, derandomize=True)
def test_no_row_of_few_firms_is_the_difference_of_a_total_and_the_others(known: list[int]) -> None:
    table = pd.DataFrame(
        {
            "signal": "sito",
            "dimension": "size",
            "group": [f"g{n}" for n in range(len(known))],
            "known": known,
            "yes": 0,
            "share": 0.0,
            "share_low": 0.0,
            "share_high": 0.0,
        }
    )
    shown = _without_few(table, "known", ("yes", "share", "share_low", "share_high"), 5)
    hidden = shown["yes"].isna()
    few = (table["known"] > 0) & (table["known"] < 5)
    assert hidden[few].all()
    others = (table["known"] >= 5) & ~hidden
    if few.any() and ((table["known"] >= 5).any()):
        assert hidden.sum() >= 2
        assert table.loc[hidden, "known"].sum() >= 5
    elif not few.any():
        assert not hidden.any()
    assert not others[few].any()
