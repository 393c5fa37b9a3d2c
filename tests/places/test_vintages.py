"""A code of any date leads to the right municipalities of any other date, and nothing is lost."""

from __future__ import annotations

import datetime as dt
import math
from fractions import Fraction
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from geo_engine.errors import TableError
from geo_engine.places import vintages
from geo_engine.places.lineages import build_lineages, holders_on, piece_sizes
from geo_engine.sources.boundaries import read_changes, read_layer
from geo_engine.sources.codes import read_sizes
from geo_engine.sources.codes_renumber import renumber_layer
from tests.places.official import official_history

COUNTS = {
    "1991-10-20": 8100,
    "2001-10-21": 8101,
    "2011-10-09": 8092,
    "2019-01-01": 7926,
    "2019-12-15": 7914,
    "2022-01-01": 7904,
    "2023-06-01": 7901,
    "2024-02-01": 7896,
    "2026-08-14": 7894,
}
END = dt.date(9999, 12, 31)


def day(text: str) -> dt.date:
    return dt.date.fromisoformat(text)


# --- a country of six municipalities, checked by eye ---

SMALL_UNITS = [
    # istat, cadastral, name, sigla, from, to
    ("001001", "A001", "Alba", "TO", "1861-03-17", "2004-12-31"),  # merges into Nuova
    ("001002", "A002", "Bosco", "TO", "1861-03-17", "2004-12-31"),  # merges into Nuova
    ("001009", "A009", "Nuova", "TO", "2005-01-01", "9999-12-31"),
    ("001003", "A003", "Campo", "TO", "1861-03-17", "1999-12-31"),  # Dosso leaves it
    ("001003", "A003", "Campo", "TO", "2000-01-01", "9999-12-31"),
    ("001004", "A004", "Dosso", "TO", "2000-01-01", "9999-12-31"),
    ("001005", "A005", "Erta", "TO", "1861-03-17", "2009-12-31"),  # changes province
    ("096005", "A005", "Erta", "BI", "2010-01-01", "9999-12-31"),
    ("001006", "A006", "Fosso", "TO", "1861-03-17", "2011-12-31"),  # changes its name
    ("001006", "A006", "Fosso Terme", "TO", "2012-01-01", "9999-12-31"),
    ("001007", "A007", "Gola", "TO", "1900-01-01", "1930-01-01"),  # gone before any list
]
SMALL_SUCCESSIONS = [
    ("2005-01-01", "2005-01-01", "A001", "A009", "merged"),
    ("2005-01-01", "2005-01-01", "A002", "A009", "merged"),
    ("2000-01-01", "2000-01-01", "A003", "A004", "divided"),
    ("2014-01-01", "2015-12-31", "A005", "A006", "border"),
]


@pytest.fixture(scope="module")
def small() -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    units = pd.DataFrame(
        [
            (code, cadastral, name, "", sigla, "", day(first), day(last))
            for code, cadastral, name, sigla, first, last in SMALL_UNITS
        ],
        columns=list(vintages.UNIT_COLUMNS),
    )
    successions = pd.DataFrame(
        [(day(a), day(b), old, new, kind, "test") for a, b, old, new, kind in SMALL_SUCCESSIONS],
        columns=list(vintages.SUCCESSION_COLUMNS),
    )
    sizes = pd.DataFrame(
        {
            "date": day("2020-01-01"),
            "cadastral_code": ["A009", "A003", "A004", "A005", "A006"],
            "size": [900.0, 600.0, 200.0, 50.0, 70.0],
        }
    )
    older = pd.DataFrame(
        {"date": day("2001-01-01"), "cadastral_code": ["A001", "A002"], "size": [100.0, 300.0]}
    )
    return units, successions, pd.concat([sizes, older], ignore_index=True)


def as_dict(table: pd.DataFrame) -> dict[tuple[str, str], tuple[float, str]]:
    return {(r.old, r.new): (r.weight, r.kind) for r in table.itertuples()}


def test_each_kind_of_change_maps_forward_as_worked_by_hand(small) -> None:
    table = vintages.crosswalk(small[0], small[1], day("1995-01-01"), day("2020-01-01"), small[2])
    assert as_dict(table) == {
        ("001001", "001009"): (1.0, "merged"),
        ("001002", "001009"): (1.0, "merged"),
        ("001003", "001003"): (0.75, "divided"),
        ("001003", "001004"): (0.25, "divided"),
        ("001005", "096005"): (1.0, "border"),
        ("001006", "001006"): (1.0, "border"),
    }


def test_back_in_time_a_merger_is_divided_over_its_parts_by_the_table_that_knows_them(
    small,
) -> None:
    table = vintages.crosswalk(small[0], small[1], day("2013-01-01"), day("2001-01-01"), small[2])
    assert as_dict(table) == {
        ("001009", "001001"): (0.25, "divided"),
        ("001009", "001002"): (0.75, "divided"),
        ("001003", "001003"): (1.0, "same"),
        ("001004", "001004"): (1.0, "same"),
        ("096005", "001005"): (1.0, "renumbered"),
        ("001006", "001006"): (1.0, "renamed"),
    }
    assert table.attrs["assumed"] == []


def test_without_sizes_the_parts_are_equal_and_named_as_assumed(small) -> None:
    latest = small[2][small[2]["date"] == day("2020-01-01")]
    dates = (day("2013-01-01"), day("2001-01-01"))
    table = vintages.crosswalk(small[0], small[1], *dates, latest)
    assert as_dict(table)["001009", "001001"] == (0.5, "divided")
    assert table.attrs["assumed"] == ["001009"]
    equal = vintages.crosswalk(small[0], small[1], day("1995-01-01"), day("2020-01-01"))
    assert as_dict(equal)["001003", "001004"] == (0.5, "divided")


def test_a_border_that_moved_is_flagged_only_between_dates_that_can_span_it(small) -> None:
    def kind(first: str, last: str) -> str:
        table = vintages.crosswalk(small[0], small[1], day(first), day(last), small[2])
        return str(table.set_index("old").loc["001006", "kind"])

    assert kind("2013-12-31", "2014-01-01") == "border"
    assert kind("2015-06-01", "2014-06-01") == "border"
    assert kind("2012-01-01", "2013-12-31") == "same"
    assert kind("2015-12-31", "2020-01-01") == "same"


def test_an_end_that_no_list_explains_is_unknown_and_its_firms_are_kept(small) -> None:
    successions = small[1][small[1]["old_cadastral"] != "A002"]
    table = vintages.crosswalk(small[0], successions, day("1995-01-01"), day("2020-01-01"))
    assert as_dict(table)["001002", ""] == (1.0, "unknown")
    moved = vintages.apportion(pd.Series({"001002": 7, "001001": 5}), table)
    assert moved.to_dict() == {"": 7, "001009": 5}


def test_a_unit_without_a_code_is_listed_and_has_no_row(small) -> None:
    units = small[0].assign(istat_code=small[0]["istat_code"].replace("001006", ""))
    table = vintages.crosswalk(units, small[1], day("1995-01-01"), day("2020-01-01"))
    assert table.attrs["without_code"] == ["A006"]
    assert "" not in set(table["old"])


def test_dates_before_the_lists_are_refused(small) -> None:
    with pytest.raises(TableError, match="DATE_TOO_EARLY"):
        vintages.crosswalk(small[0], small[1], day("1990-12-31"), day("2020-01-01"))


def test_heirs_have_one_row_per_period_with_the_columns_of_the_contract(small) -> None:
    places = pd.DataFrame(
        {
            "cadastral_code": ["A009", "A003", "A004", "A005", "A006"],
            "name": ["Nuova", "Campo", "Dosso", "Erta", "Fosso Terme"],
        },
        index=pd.Index(["001009", "001003", "001004", "096005", "001006"], name="pro_com_t"),
    )
    heirs = vintages.heirs_at(small[0], small[1], places, day("2020-01-01"), small[2])
    assert tuple(heirs.columns) == vintages.HEIR_COLUMNS
    assert len(heirs) == len(small[0])
    found = [
        (r.name, r.valid_to.year, r.heirs, r.weights, r.kind) for r in heirs.itertuples(index=False)
    ]
    assert found == [
        ("Alba", 2004, ("001009",), (1.0,), "merged"),
        ("Bosco", 2004, ("001009",), (1.0,), "merged"),
        ("Nuova", 9999, ("001009",), (1.0,), "same"),
        ("Campo", 1999, ("001003", "001004"), (0.75, 0.25), "divided"),
        ("Campo", 9999, ("001003",), (1.0,), "same"),
        ("Dosso", 9999, ("001004",), (1.0,), "same"),
        ("Erta", 2009, ("096005",), (1.0,), "renumbered"),
        ("Erta", 9999, ("096005",), (1.0,), "same"),
        ("Fosso", 2011, ("001006",), (1.0,), "renamed"),
        ("Fosso Terme", 9999, ("001006",), (1.0,), "same"),
        ("Gola", 1930, (), (), "unknown"),
    ]


def test_heirs_go_back_in_time_too(small) -> None:
    places = pd.DataFrame(
        {"cadastral_code": ["A001", "A002", "A003"], "name": ["Alba", "Bosco", "Campo"]},
        index=pd.Index(["001001", "001002", "001003"], name="pro_com_t"),
    )
    heirs = vintages.heirs_at(small[0], small[1], places, day("1995-01-01"), small[2])
    heirs = heirs[heirs["valid_to"] == END].set_index("name")
    assert heirs.loc["Nuova", "heirs"] == ("001001", "001002")
    assert heirs.loc["Nuova", "weights"] == (0.25, 0.75)
    assert heirs.loc["Dosso", "heirs"] == ("001003",)
    assert heirs.loc["Dosso", "kind"] == "merged"


def test_a_municipality_that_leaves_and_returns_and_leaves_again_is_one_piece() -> None:
    spans = [
        ("A940", "1861-03-17", "9999-12-31"),
        ("A618", "2001-12-12", "2003-03-05"),
        ("A618", "2004-06-08", "9999-12-31"),
    ]
    units = pd.DataFrame(
        [("", c, c, "", "MI", "", day(a), day(b)) for c, a, b in spans],
        columns=list(vintages.UNIT_COLUMNS),
    )
    rows = [
        ("2001-12-12", "A940", "A618", "divided"),
        ("2003-03-06", "A618", "A940", "merged"),
        ("2004-06-08", "A940", "A618", "divided"),
    ]
    successions = pd.DataFrame(
        [(day(d), day(d), old, new, kind, "") for d, old, new, kind in rows],
        columns=list(vintages.SUCCESSION_COLUMNS),
    )
    lineages = build_lineages(units, successions)
    dates = ["2000-01-01", "2002-01-01", "2003-06-01", "2010-01-01"]
    assert [holders_on(lineages, day(d)) for d in dates] == [
        ["A940", "A940"],
        ["A940", "A618"],
        ["A940", "A940"],
        ["A940", "A618"],
    ]
    sizes = pd.DataFrame(
        {"date": day("2010-01-01"), "cadastral_code": ["A940", "A618"], "size": [3.0, 1.0]}
    )
    measured, assumed = piece_sizes(lineages, sizes)
    assert measured.tolist() == [3.0, 1.0]
    assert not assumed.any()


# --- apportioning ---

HALVES = pd.DataFrame(
    {
        "old": ["000001", "000001", "000001", "000002"],
        "new": ["000011", "000012", "000013", "000011"],
        "weight": [1 / 3, 1 / 3, 1 / 3, 1.0],
        "kind": "divided",
    }
)


def test_the_largest_remainder_breaks_ties_by_code() -> None:
    moved = vintages.apportion(pd.Series({"000001": 8, "000002": 5}), HALVES)
    assert moved.to_dict() == {"000011": 8, "000012": 3, "000013": 2}
    assert moved.dtype == np.int64
    assert vintages.apportion(pd.Series({"000001": -8}), HALVES).to_dict() == {
        "000011": -3,
        "000012": -3,
        "000013": -2,
    }


def test_what_cannot_be_apportioned_without_loss_is_refused() -> None:
    with pytest.raises(TableError, match="UNKNOWN_CODES: 1 codes"):
        vintages.apportion(pd.Series({"999999": 1}), HALVES)
    with pytest.raises(TableError, match="DUPLICATE_CODES"):
        vintages.apportion(pd.Series([1, 2], index=["000001", "000001"]), HALVES)
    with pytest.raises(TableError, match="NOT_A_NUMBER"):
        vintages.apportion(pd.DataFrame({"who": ["x"]}, index=["000001"]), HALVES)


def test_a_missing_value_makes_its_heirs_missing_and_no_others() -> None:
    moved = vintages.apportion(pd.Series({"000001": np.nan, "000002": 5.0}), HALVES)
    assert moved.isna().all()
    table = vintages.apportion(
        pd.DataFrame({"a": [1.5, 2.0], "n": [3, 4]}, index=["000001", "000002"]), HALVES
    )
    assert list(table["n"]) == [5, 1, 1]
    assert table["a"].sum() == 3.5
    assert table["n"].dtype == np.int64


def test_an_empty_table_stays_empty() -> None:
    assert vintages.apportion(pd.Series([], dtype="int64", index=pd.Index([])), HALVES).empty


@settings(deadline=None, derandomize=True, max_examples=300)
@given(
    value=st.floats(allow_nan=False, allow_infinity=False, width=64),
    weights=st.lists(st.floats(1e-9, 1.0), min_size=2, max_size=6),
)
def test_the_parts_of_any_float_add_up_to_it_exactly(value: float, weights: list[float]) -> None:
    total = math.fsum(weights)
    table = pd.DataFrame(
        {
            "old": "000001",
            "new": [f"{i:06}" for i in range(len(weights))],
            "weight": [weight / total for weight in weights],
            "kind": "divided",
        }
    )
    parts = vintages.apportion(pd.Series({"000001": value}), table)
    assert sum(Fraction(part) for part in parts) == Fraction(value)


# --- all of Italy, from the official lists ---


@pytest.fixture(scope="module")
def italy(shared_data: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    return official_history(shared_data / "codes")


@pytest.fixture(scope="module")
def residents() -> pd.DataFrame:
    sizes = read_sizes("population")
    assert sizes is not None
    return sizes


@pytest.mark.parametrize(("date", "count"), COUNTS.items())
def test_the_number_of_municipalities_is_right_with_and_without_lists(
    date: str, count: int, italy
) -> None:
    with_lists = vintages.units_on(italy[0], day(date))
    assert len(with_lists) == with_lists["istat_code"].nunique() == count
    assert "" not in set(with_lists["istat_code"])
    shipped, _ = official_history(Path(), ())
    assert len(vintages.units_on(shipped, day(date))) == count


def test_there_are_110_provinces_from_2026_and_107_before(italy) -> None:
    def provinces(date: str) -> int:
        return int(vintages.units_on(italy[0], day(date))["istat_code"].str[:3].nunique())

    assert (provinces("2025-12-31"), provinces("2026-01-01"), provinces("2026-08-14")) == (
        107,
        110,
        110,
    )
    censuses = ["1991-10-20", "2001-10-21", "2011-10-09"]
    assert [provinces(date) for date in censuses] == [95, 103, 110]


STORIES: list[tuple[str, str, str, dict[str, float], str]] = [
    # old code, its date, the other date, codes there with weight (0: any share), kind
    ("037004", "2013-12-31", "2014-01-01", {"037061": 1}, "merged"),  # Bazzano, Valsamoggia
    ("037058", "1991-10-20", "2026-08-14", {"037061": 1}, "merged"),  # Savigno
    ("025038", "2016-02-22", "2016-02-23", {"025072": 1}, "merged"),  # Pieve d'Alpago, Alpago
    ("078044", "2018-03-30", "2018-03-31", {"078157": 1}, "merged"),  # Corigliano-Rossano
    ("001063", "2017-04-17", "2017-04-18", {"001063": 0, "001316": 0}, "divided"),  # Mappano
    ("081021", "2021-02-19", "2021-02-20", {"081021": 0, "081025": 0}, "divided"),  # Misiliscemi
    ("081025", "2022-01-01", "2019-01-01", {"081021": 1}, "merged"),
    ("048034", "1991-10-20", "2001-10-21", {"100005": 1}, "renumbered"),  # Prato
    ("015149", "2001-10-21", "2011-10-09", {"108033": 1}, "renumbered"),  # Monza
    ("025052", "2017-12-31", "2018-01-01", {"030189": 1}, "renumbered"),  # Sappada
    ("041033", "2021-06-16", "2021-06-17", {"099030": 1}, "renumbered"),  # Montecopiolo
    ("041060", "2019-01-01", "2022-01-01", {"099031": 1}, "renumbered"),  # Sassofeltrio
    ("072007", "2001-10-21", "2011-10-09", {"110002": 1}, "renumbered"),  # Barletta
    ("072007", "1991-10-20", "2011-10-09", {"110002": 1}, "border"),
    ("110005", "2011-10-09", "1996-06-01", {"071030": 1}, "renumbered"),  # Margherita di Savoia
    ("092001", "2005-12-31", "2006-01-01", {"106001": 1}, "renumbered"),  # Arbus
    ("106001", "2011-10-09", "2019-01-01", {"111001": 1}, "renumbered"),
    ("111001", "2025-12-31", "2026-01-01", {"117001": 1}, "renumbered"),
    ("117001", "2026-08-14", "1991-10-20", {"092001": 1}, "renumbered"),
    ("025039", "1991-10-20", "2026-08-14", {"025039": 1}, "same"),  # Pieve di Cadore
    ("075062", "2019-05-14", "2019-05-15", {"075098": 1}, "merged"),  # Presicce-Acquarica
    ("024129", "2026-02-21", "2026-02-20", {"024027": 0, "024071": 0}, "divided"),
    ("018082", "2026-01-30", "2026-01-31", {"018094": 1}, "merged"),  # Lirio
    ("016215", "1991-10-20", "2011-10-09", {"097080": 1}, "renumbered"),  # Torre de' Busi
    ("097080", "2011-10-09", "2019-01-01", {"016215": 1}, "renumbered"),
    ("016215", "1991-10-20", "2026-08-14", {"016215": 1}, "same"),
    ("017092", "2007-11-01", "2007-11-02", {"017092": 1}, "renamed"),  # Lonato del Garda
    ("015250", "2002-06-01", "2003-06-01", {"015027": 1}, "merged"),  # Baranzate returns
    ("015250", "2002-06-01", "2011-10-09", {"015250": 1}, "same"),  # and leaves again
    ("058121", "1994-01-01", "2001-10-21", {"058057": 1}, "merged"),  # Boville
    ("058091", "1991-10-20", "2001-10-21", {"058091": 0, "058120": 0}, "divided"),  # Fiumicino
    ("058122", "2011-10-09", "1991-10-20", {"058047": 0, "058059": 0}, "divided"),  # Fonte Nuova
    ("029016", "1991-10-20", "2001-10-21", {"029052": 1}, "merged"),  # Contarina, Porto Viro
    ("041032", "2020-06-30", "2020-07-01", {"041044": 1}, "merged"),  # Monteciccardo, Pesaro
    ("022099", "2016-07-01", "2016-07-02", {"022240": 1}, "merged"),  # Ivano-Fracena
    ("047012", "1991-01-01", "1991-12-31", {"047012": 1}, "border"),  # Pescia gives to Uzzano
    ("047012", "1991-05-15", "1991-12-31", {"047012": 1}, "same"),
]


@pytest.mark.parametrize(("old", "first", "last", "expected", "kind"), STORIES)
def test_the_story_of_a_municipality_is_the_one_told_by_hand(
    old: str, first: str, last: str, expected: dict[str, float], kind: str, italy, residents
) -> None:
    table = vintages.crosswalk(*italy, day(first), day(last), residents)
    rows = table[table["old"] == old]
    assert set(rows["new"]) == set(expected)
    assert set(rows["kind"]) == {kind}
    for new, weight in zip(rows["new"], rows["weight"], strict=True):
        assert weight == 1 if expected[new] == 1 else 0 < weight < 1


def test_misiliscemi_has_its_share_of_the_residents_of_trapani(italy, residents) -> None:
    table = vintages.crosswalk(*italy, day("2019-01-01"), day("2022-01-01"), residents)
    share = table[(table["old"] == "081021") & (table["new"] == "081025")]["weight"].item()
    own = residents.set_index("cadastral_code")["size"]
    assert share == pytest.approx(own["M432"] / (own["M432"] + own["L331"]), abs=1e-12)
    assert 0.10 < share < 0.15


def test_no_municipality_since_1991_is_without_heirs_on_any_date(italy) -> None:
    lineages = build_lineages(*italy)
    assert [codes for codes in lineages.holders if "" in codes] == []
    assert {days[0] for days in lineages.days} == {dt.date(1991, 1, 1)}
    for first in map(day, ("1991-10-20", "2001-10-21", "2019-01-01", "2026-08-14")):
        for last in (day("1991-01-01"), day("2008-08-08"), day("2026-08-14")):
            table = vintages.crosswalk(*italy, first, last)
            assert set(table["old"]) == set(vintages.units_on(italy[0], first)["istat_code"])
            assert set(table["new"]) == set(vintages.units_on(italy[0], last)["istat_code"])
            assert "unknown" not in set(table["kind"])


def test_heirs_are_those_of_the_official_list_of_2023(italy, shared_data, residents) -> None:
    path = shared_data / "codes" / "Elenco-comuni-italiani.csv"
    listed = pd.read_csv(path, dtype=str, keep_default_na=False)
    places = pd.DataFrame(
        {
            "cadastral_code": listed["Codice Catastale del comune"].to_numpy(),
            "name": listed["Denominazione in italiano"].to_numpy(),
        },
        index=pd.Index(listed["Codice Comune formato alfanumerico"], name="pro_com_t"),
    )
    heirs = vintages.heirs_at(*italy, places, day("2023-06-01"), residents)
    since = heirs[heirs["valid_to"] >= day("1991-01-01")]
    assert since["heirs"].map(len).min() == 1
    assert since["weights"].map(math.fsum).eq(1).all()
    assert {code for codes in since["heirs"] for code in codes} == set(places.index)
    by_code = since.groupby("istat_code")["heirs"].agg(set)
    for column, date in [
        ("Codice Comune numerico con 110 province (dal 2010 al 2016)", "2011-10-09"),
        ("Codice Comune numerico con 107 province (dal 2006 al 2009)", "2007-01-01"),
        ("Codice Comune numerico con 103 province (dal 1995 al 2005)", "1996-01-01"),
    ]:
        valid = vintages.units_on(italy[0], day(date)).set_index("cadastral_code")["istat_code"]
        old = listed[column].str.zfill(6)
        alive = places["cadastral_code"].isin(valid.index).to_numpy()
        ours = valid.reindex(places["cadastral_code"][alive]).to_numpy()
        differing = {
            (a, b) for a, b in zip(ours, old[alive], strict=True) if a != b and b != "000000"
        }
        assert len(differing) <= 5, differing
        for code, own in zip(ours, places.index[alive], strict=True):
            assert any(own in codes for codes in by_code[code])


def test_the_layer_of_2026_gets_the_codes_of_the_official_list(italy, shared_data) -> None:
    path = shared_data / "codes" / "2026-08-14_situas_comuni.csv"
    listed = pd.read_csv(path, sep=";", dtype=str, encoding="utf-8-sig", keep_default_na=False)
    listed = listed.set_index("Codice Comune (alfanumerico)").sort_index()
    layer = read_layer(day("2026-02-21"))
    before = layer.copy()
    ours = renumber_layer(layer, italy[0], day("2026-08-14"))
    assert list(ours.index) == list(listed.index)
    assert list(ours["cadastral_code"]) == list(listed["Codice catasto"])
    assert list(ours["sigla"]) == list(listed["Sigla automobilistica"])
    assert list(ours["cod_prov"]) == list(listed["Codice Provincia (Storico)"])
    sardinia = ours["cod_reg"] == "20"
    assert list(ours.loc[sardinia, "province"]) == list(listed.loc[sardinia, "Provincia/Uts"])
    assert int((~ours.index.isin(layer.index)).sum()) == 377
    pd.testing.assert_frame_equal(layer.drop(columns="geometry"), before.drop(columns="geometry"))
    same = renumber_layer(layer, italy[0], day("2025-12-31"))
    assert same.index.equals(layer.index)


def test_without_lists_the_layer_keeps_its_codes() -> None:
    shipped, _ = official_history(Path(), ())
    layer = read_layer(day("2026-02-21"))
    assert renumber_layer(layer, shipped, day("2026-08-14")) is layer


def test_without_lists_mergers_since_2022_are_known_and_earlier_ones_recognized() -> None:
    units, successions = official_history(Path(), ())
    table = vintages.crosswalk(units, successions, day("2022-01-01"), day("2026-02-21"))
    assert "unknown" not in set(table["kind"])
    merged = table[table["kind"] == "merged"].groupby("new")["old"].agg(set)
    for change in read_changes().itertuples():
        assert merged[change.new_code] == set(change.old_codes)
    layer = read_layer(day("2025-01-01"))
    heirs = vintages.heirs_at(units, successions, layer, day("2025-01-01")).set_index("name")
    assert heirs.loc["Bazzano", "kind"] == "unknown"
    assert heirs.loc["Bazzano", "valid_to"] == day("2013-12-31")
    assert heirs.loc["Carceri", "heirs"] == ("028108",)


def test_areas_before_and_after_mergers_agree_with_the_geometry(italy, shared_data) -> None:
    def areas(name: str, code: str) -> pd.Series:
        layer = gpd.read_parquet(shared_data / "boundaries" / name)
        values = layer.to_crs("EPSG:3035").area.to_numpy() / 1e6
        codes = layer[code].astype(str).str.zfill(6)
        return pd.Series(values, index=codes).groupby(level=0).sum()

    old = areas("comuni_2019-12.parquet", "pro_com_t_anpr")
    new = areas("comuni_2022-01.parquet", "com_istat_code")
    weights = pd.DataFrame(
        {
            "date": day("2022-01-01"),
            "cadastral_code": vintages.units_on(italy[0], day("2022-01-01"))
            .set_index("istat_code")["cadastral_code"]
            .reindex(new.index)
            .to_numpy(),
            "size": new.to_numpy(),
        }
    )
    table = vintages.crosswalk(*italy, day("2019-12-15"), day("2022-01-01"), weights)
    assert set(old.index) == set(table["old"])
    moved = vintages.apportion(old, table)
    assert set(moved.index) == set(new.index)
    difference = (moved - new).abs() / new
    changed = set(table.loc[table["kind"].isin(["merged", "divided"]), "new"])
    assert len(changed) == 8
    # borders are drawn anew each year: changed places differ no more than unchanged ones
    assert difference[sorted(changed)].max() < 0.03
    assert difference.median() < 0.002


# --- laws ---


@pytest.fixture(scope="module")
def restless(italy, residents) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """All municipalities that ever changed since 1991, so that an example takes little time."""
    units, successions = italy
    codes = set(successions["old_cadastral"]) | set(successions["new_cadastral"])
    units = units[units["valid_to"] >= day("1991-01-01")]
    renumbered = units.groupby("cadastral_code")["istat_code"].nunique()
    codes |= set(renumbered[renumbered > 1].index[::40])
    return units[units["cadastral_code"].isin(codes)], successions, residents


DATES = st.dates(min_value=dt.date(1991, 1, 1), max_value=dt.date(2026, 8, 14))


@settings(
    deadline=None,
    derandomize=True,
    max_examples=200,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(first=DATES, last=DATES, seed=st.integers(0, 2**32 - 1), data=st.data())
def test_totals_are_conserved_exactly_between_any_two_dates(
    restless, first: dt.date, last: dt.date, seed: int, data: Any
) -> None:
    units, successions, sizes = restless
    weights = data.draw(st.sampled_from([sizes, None]))
    there = vintages.crosswalk(units, successions, first, last, weights)
    back = vintages.crosswalk(units, successions, last, first, weights)
    for table in (there, back):
        several = table[table.duplicated("old", keep=False)]
        assert several.groupby("old")["weight"].agg(math.fsum).eq(1).all()
        assert table["weight"].drop(several.index).eq(1).all()
        assert (table["weight"] > 0).all()
        assert not table.duplicated(["old", "new"]).any()
    rng = np.random.default_rng(seed)
    codes = sorted(set(there["old"]))
    counts = pd.DataFrame(
        {
            "firms": rng.integers(0, 10 ** int(rng.integers(1, 12)), len(codes)),
            "turnover": rng.integers(0, 2**40, len(codes)) / 1024,
        },
        index=codes,
    )
    moved = vintages.apportion(counts, there)
    assert int(moved["firms"].sum()) == int(counts["firms"].sum())
    assert sum(map(Fraction, moved["turnover"])) == sum(map(Fraction, counts["turnover"]))
    returned = vintages.apportion(moved, back)
    assert int(returned["firms"].sum()) == int(counts["firms"].sum())
    assert set(moved.index) == set(there["new"])
    untouched = there[there["kind"].isin(["same", "renamed", "renumbered", "border"])]
    alone = untouched[~untouched["new"].isin(set(there.loc[there["kind"] == "divided", "new"]))]
    assert list(moved.loc[alone["new"], "firms"]) == list(counts.loc[alone["old"], "firms"])
    assert list(returned.loc[alone["old"], "firms"]) == list(counts.loc[alone["old"], "firms"])


@settings(
    deadline=None,
    derandomize=True,
    max_examples=20,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(date=DATES, between=DATES)
def test_the_same_date_is_the_identity_and_pieces_compose(
    restless, date: dt.date, between: dt.date
) -> None:
    units, successions, sizes = restless
    table = vintages.crosswalk(units, successions, date, date, sizes)
    assert (table["old"] == table["new"]).all()
    assert set(table["kind"]) == {"same"}
    # to 2026 directly, or by a date between: mergers only sum, so both ways agree
    end = dt.date(2026, 8, 14)
    direct = vintages.crosswalk(units, successions, date, end, sizes)
    first = vintages.crosswalk(units, successions, date, between, sizes)
    second = vintages.crosswalk(units, successions, between, end, sizes)
    whole = [each[~each.duplicated("old", keep=False)] for each in (first, second)]
    joined = whole[0].merge(whole[1], left_on="new", right_on="old", suffixes=("", "_2"))
    assert len(joined) > len(first) / 4
    pairs = set(zip(direct["old"], direct["new"], strict=True))
    assert set(zip(joined["old"], joined["new_2"], strict=True)) <= pairs


def test_a_panel_of_years_comes_to_one_geography_with_its_totals(italy, residents) -> None:
    dates = [day("1991-10-20"), day("2011-10-09"), day("2023-06-01")]
    rng = np.random.default_rng(5)
    parts = {
        date: pd.DataFrame(
            {"firms": rng.integers(0, 500, COUNTS[date.isoformat()])},
            index=sorted(vintages.units_on(italy[0], date)["istat_code"]),
        )
        for date in dates
    }
    panel = pd.concat(parts, names=["date", "pro_com_t"])
    moved = vintages.rebase(panel, *italy, day("2026-08-14"), residents)
    assert list(moved.index.names) == ["date", "pro_com_t"]
    for date in dates:
        assert moved.loc[date]["firms"].sum() == parts[date]["firms"].sum()
        assert len(moved.loc[date]) == 7894
