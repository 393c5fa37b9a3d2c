"""Indicators, zones, composite, likeness and priorities go through a study to its files."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from geo_engine import territory
from geo_engine.delivery import Delivered, carry_out
from geo_engine.disclosure.cells import few_firms
from geo_engine.disclosure.universes import publish_universes
from geo_engine.errors import StatisticsError, StudyError
from geo_engine.indicators.registry import load_registry
from geo_engine.outputs.workbook_composite import composite_sheets
from geo_engine.pipeline import Run, run
from geo_engine.sources.boundaries import read_layer
from geo_engine.study import parse_study

HEADER = "cf;istat;ateco;anno;addetti;sito;banda;iscritta;cessata"
PRATO, CARMIGNANO, MONTEMURLO, CANTAGALLO = "100005", "100002", "100003", "100001"
TOWNS = (PRATO, CARMIGNANO, MONTEMURLO, CANTAGALLO, "100004", "100006", "100007")
FASHION, SOFTWARE, SHOP = "13.20.00", "62.01.00", "47.71.10"
ZONES = """codice;zona;nome
100001;alta;Alta valle
100006;alta;Alta valle
100007;alta;Alta valle
100007;bassa;Bassa valle
100005;bassa;Bassa valle
999999;bassa;Bassa valle
"""


def rows_of(town: str, ateco: str, year: int, signals: str, *, persons: str = "4") -> list[str]:
    """Write one firm for each letter: s with a site, n without, u unknown."""
    site = {"s": "www.a.it", "n": "no", "u": ""}
    return [
        f"{town}{ateco}{i};{town};{ateco};{year};{persons};{site[letter]};{1 if i % 2 else 0}"
        f";{year if i == 0 else 2015};{year if i == 1 else ''}"
        for i, letter in enumerate(signals)
    ]


ROWS = [
    *rows_of(PRATO, FASHION, 2023, "s" * 6 + "n" * 10),
    *rows_of(PRATO, FASHION, 2024, "s" * 8 + "n" * 8 + "u" * 4),
    *rows_of(PRATO, SHOP, 2024, "n" * 5, persons=""),
    *rows_of(PRATO, SOFTWARE, 2024, "s" * 5),
    *rows_of(CARMIGNANO, FASHION, 2024, "snn"),
    *rows_of(CARMIGNANO, SOFTWARE, 2024, "s" * 4 + "n" * 6),
    *rows_of(MONTEMURLO, FASHION, 2024, "s" * 6 + "n" * 6, persons="100"),
    *rows_of(MONTEMURLO, SOFTWARE, 2024, "s" * 11 + "n" * 9),
    *rows_of(CANTAGALLO, FASHION, 2024, "n" * 7),
    *rows_of("100006", FASHION, 2024, "s" * 2 + "n" * 9),
    *rows_of("100007", SOFTWARE, 2024, "sn" * 6),
]


def keys(**changes: Any) -> dict[str, Any]:
    columns = {"tax_code": "cf", "istat_code": "istat", "ateco": "ateco", "year": "anno"}
    source = {
        "path": "firms.csv",
        "separator": ";",
        "ateco_version": "2007",
        "tax_codes": "flag",
        "columns": columns
        | {"employees": "addetti", "registered": "iscritta", "ceased": "cessata"},
    }
    signals = [
        {"key": "sito", "label": "sito", "kind": "website", "column": "sito"},
        {"key": "banda", "label": "banda", "kind": "boolean", "column": "banda"},
    ]
    return {
        "title": "Prova",
        "data_date": "2024-12-31",
        "unit": "impresa",
        "status": "attiva",
        "audience": "internal",
        "firms": [source],
        "coverage": {"provinces": ["PO"]},
        "chains": {"use": ["moda", "ict_digitale"]},
        "signal": signals,
        "index": {"kind": "signals", "of": ["sito"]},
        "statistics": {"permutations": 0, "robustness": {"enabled": False}},
        "indicator": [
            {
                "key": "web_density",
                "numerator": "1000 * digital",
                "denominator": "population",
                "unit": "imprese per 1.000 abitanti",
                "polarity": 1,
                "label": "Imprese con sito per 1.000 abitanti",
                "note": "Nota.",
            },
            {
                "key": "silent",
                "numerator": "firms - known",
                "denominator": "firms",
                "unit": "quota",
                "label": "Imprese mute",
            },
        ],
        "zones": [
            {
                "path": "zones.csv",
                "code": "codice",
                "zone": "zona",
                "name": "nome",
                "geography": "valli",
                "source": "Unione dei comuni",
            }
        ],
        "similar": {"number": 3},
    } | changes


def write(folder: Path, rows: list[str] = ROWS) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "firms.csv").write_text("\n".join([HEADER, *rows, ""]), encoding="utf-8")
    (folder / "zones.csv").write_text(ZONES, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return run(parse_study(keys()), write(tmp_path_factory.mktemp("territory")))


def at(run: Run, name: str, place: str = PRATO, chain: str = "moda", year: int = 2024) -> float:
    return float(run.results.panel[name].sel(place=place, chain=chain, year=year))


def test_every_variable_of_the_panel_has_its_row_and_every_row_is_computed(tmp_path) -> None:
    score = {"kind": "score", "weights": {"sito": 2, "banda": 1}, "at_least": 60}
    composite = {"indicators": ["location_quotient_low", "firms_per_km2"], "draws": 0}
    signs = {"location_quotient_low": 1, "firms_per_km2": 1}
    study = parse_study(keys(index=score, composite=composite | {"polarity": signs}))
    found = run(study, write(tmp_path)).results
    own = {"web_density", "silent"}
    assert {str(name) for name in found.panel.data_vars} == set(found.registry)
    assert set(found.registry) == set(load_registry()) | own
    assert all(bool(found.panel[name].notnull().any()) for name in found.registry)
    assert all(row.label and row.label_en for row in found.registry.values())


def test_variables_of_a_place_are_those_worked_by_hand(whole: Run) -> None:
    assert (at(whole, "firms"), at(whole, "known"), at(whole, "digital")) == (25, 21, 8)
    assert at(whole, "share_at_least") == pytest.approx(8 / 25)
    assert at(whole, "share_at_most") == pytest.approx(12 / 25)
    assert at(whole, "share_unknown") == pytest.approx(4 / 25)
    assert at(whole, "growth") == pytest.approx(25 / 16 - 1)
    p, n, z = 8 / 21, 21, 1.959963984540054
    middle, half = p + z**2 / (2 * n), z * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    assert at(whole, "share_low") == pytest.approx((middle - half) / (1 + z**2 / n))
    assert at(whole, "share_high") == pytest.approx((middle + half) / (1 + z**2 / n))
    assert at(whole, "herfindahl") == pytest.approx((25 / 30) ** 2 + (5 / 30) ** 2)


def test_persons_are_added_where_known_and_compared_with_the_territory(whole: Run) -> None:
    assert (at(whole, "employees"), at(whole, "employers")) == (80, 20)
    moda = 4 * (20 + 3 + 7 + 11) + 100 * 12
    everyone = moda + 4 * (5 + 10 + 20 + 12)
    assert at(whole, "employment_quotient") == pytest.approx((80 / 100) / (moda / everyone))
    assert np.isnan(at(whole, "employees", "100004", "moda", 2023)) or (
        at(whole, "employees", "100004", "moda", 2023) == 0
    )


def test_persons_of_an_enterprise_are_divided_among_its_units(tmp_path) -> None:
    rows = [f"A;{town};{FASHION};2024;30;no;0;;" for town in (PRATO, CARMIGNANO, MONTEMURLO)]
    found = run(parse_study(keys()), write(tmp_path, rows + ROWS)).results
    assert float(found.panel["employees"].sel(place=PRATO, chain="moda", year=2024)) == 90
    province = found.province_panel.sel(province="100", chain="moda", year=2024)
    assert float(province["employees"]) == 4 * (20 + 3 + 7 + 11) + 1200 + 30


def test_an_own_indicator_is_computed_for_every_territory(whole: Run) -> None:
    results = whole.results
    population = results.places["population"]
    assert at(whole, "web_density") == pytest.approx(8000 / population[PRATO])
    province = results.province_panel.sel(province="100", chain="moda", year=2024)
    residents = population[results.places["cod_prov"] == "100"].sum()
    assert float(province["web_density"]) == pytest.approx(1000 * 17 / residents)
    zone = results.zones["valli"].panel.sel(zone="alta", chain="moda", year=2024)
    residents = population[["100001", "100006", "100007"]].sum()
    assert float(zone["web_density"]) == pytest.approx(2000 / residents)
    row = results.registry["web_density"]
    assert (row.label, row.definition, row.unit, row.polarity, row.confidential) == (
        "Imprese con sito per 1.000 abitanti",
        "Nota.",
        "imprese per 1.000 abitanti",
        1,
        True,
    )
    assert not results.registry["silent"].confidential


def test_zones_overlap_are_named_and_miss_what_is_unknown(whole: Run) -> None:
    valleys = whole.results.zones["valli"]
    assert list(whole.results.zones) == ["macro_area", "nuts1", "nuts2", "valli"]
    assert valleys.names == {"alta": "Alta valle", "bassa": "Bassa valle"}
    high = valleys.panel.sel(zone="alta", chain="moda", year=2024)
    assert (float(high["firms"]), float(high["digital"])) == (18, 2)
    moda, total = 25 + 3 + 12 + 7 + 11, 30 + 13 + 32 + 7 + 11 + 12
    assert float(high["location_quotient"]) == pytest.approx((18 / 30) / (moda / total))
    assert np.isnan(float(valleys.panel["firms"].sel(zone="bassa", chain="moda", year=2024)))
    assert valleys.missing == ("999999",)
    assert (valleys.overlapping, valleys.outside) == (1, 3)
    assert len(valleys.notes) == 3
    assert valleys.source == "Unione dei comuni"


def test_the_province_as_a_zone_has_the_figures_of_the_province(tmp_path) -> None:
    folder = write(tmp_path)
    lines = [f"{town};PO;Prato" for town in TOWNS]
    (folder / "zones.csv").write_text("\n".join(["codice;zona;nome", *lines]), encoding="utf-8")
    found = run(parse_study(keys()), folder).results
    zone = found.zones["valli"].panel.sel(zone="PO", drop=True)
    province = found.province_panel.sel(province="100", drop=True)
    assert set(zone.data_vars) == set(province.data_vars)
    for name in zone.data_vars:
        np.testing.assert_allclose(zone[name], province[name], err_msg=str(name))


def test_concentration_compares_each_chain_with_all_firms(whole: Run) -> None:
    table = whole.results.concentration.set_index(["chain", "year"])
    row = table.loc[("moda", 2024)]
    counts = np.array([25, 3, 12, 7, 11]) / 58
    assert row["firms"] == 58
    assert row["herfindahl"] == pytest.approx((counts**2).sum())
    everyone = np.array([30, 13, 32, 7, 11, 12]) / 105
    parts = np.append(counts, 0.0)
    own = parts[parts > 0]
    assert row["theil"] == pytest.approx((own * np.log(own / everyone[parts > 0])).sum())
    assert row["plants"] == "addetti"
    assert "tutte" not in table.index.get_level_values("chain")


def test_benchmarks_hold_the_place_and_its_like_do_not(whole: Run) -> None:
    table = whole.results.benchmarks.sel(place=PRATO, chain="moda")
    province = table.sel(benchmark="province")
    assert float(province["reference"]) == pytest.approx(17 / 54)
    assert float(province["difference"]) == pytest.approx(8 / 21 - 17 / 54)
    neighbors = whole.results.similar
    near = neighbors[neighbors["pro_com_t"] == PRATO]["neighbor"].tolist()
    assert len(near) == 3
    assert PRATO not in near
    cells = whole.results.panel.sel(place=near, chain="moda", year=2024)
    wanted = float(cells["digital"].sum() / cells["known"].sum())
    assert float(table.sel(benchmark="similar")["reference"]) == pytest.approx(wanted)
    assert "country" not in whole.results.benchmarks["benchmark"]
    places = whole.results.places
    residents = places["population"][places["cod_prov"] == "100"].sum()
    density = float(province["firms_per_1000_reference"])
    assert density == pytest.approx(1000 * 58 / residents)


def test_priorities_follow_the_stated_rule_against_a_target(tmp_path) -> None:
    found = run(
        parse_study(keys(priorities={"target": 0.9, "least_firms": 5})), write(tmp_path)
    ).results
    table = found.priorities.set_index(["pro_com_t", "chain"])
    row = table.loc[(PRATO, "moda")]
    assert row["reference"] == 0.9
    assert row["digital_gap"] == pytest.approx(0.9 - row["share"])
    assert row["firms_to_reach"] == pytest.approx((0.9 - row["share"]) * 25)
    assert row["need_quadrant"] == "specialized_need"
    assert "90%" in found.priority_rule.italian
    assert "5 firms" in found.priority_rule.english
    assert "The reference is the target of 90%." in found.priority_rule.english
    assert "corretta per i piccoli numeri" in found.priority_rule.italian


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"indicator": [{"key": "x1", "numerator": "mean_score", "unit": "u", "label": "l"}]},
         "UNKNOWN_VARIABLE"),
        ({"indicator": [{"key": "x1", "numerator": "specialized", "unit": "u", "label": "l"}]},
         "VARIABLE_NOT_NUMERIC"),
        ({"indicator": [{"key": "growth", "numerator": "firms", "unit": "u", "label": "l"}]},
         "INDICATOR_REPEATED"),
        ({"composite": {"indicators": ["firms", "share"]}}, "UNKNOWN_POLARITY"),
        ({"composite": {"indicators": ["firms", "shore"]}}, "UNKNOWN_INDICATOR"),
        ({"zones": [{"path": "zones.csv", "geography": "nuts1", "code": "codice",
                     "zone": "zona"}]}, "ZONES_TABLE"),
        ({"zones": [{"path": "../zones.csv", "geography": "v"}]}, "ZONES_TABLE"),
    ],
)  # fmt: skip
def test_what_cannot_be_computed_is_refused_before_a_row_is_read(tmp_path, changes, code) -> None:
    with pytest.raises(StudyError, match=code):
        run(parse_study(keys(**changes)), write(tmp_path))


COMPOSITE = {
    "indicators": ["share", "web_density"],
    "label": "Maturità",
    "label_en": "Maturity",
    "draws": 20,
    "smooth": False,
    "outliers": "keep",
}
SCALED = rows_of("100004", FASHION, 2024, "s" * 9 + "n" * 3)


def carried(folder: Path, **changes: Any) -> Delivered:
    root = write(folder, ROWS + SCALED)
    study = parse_study(keys(composite=COMPOSITE, **changes))
    return carry_out(study, root, folder / "out")


@pytest.fixture(scope="module")
def public(tmp_path_factory: pytest.TempPathFactory) -> Delivered:
    return carried(tmp_path_factory.mktemp("public"), audience="public")


def test_goalposts_are_written_and_used_again_to_the_last_digit(public, tmp_path) -> None:
    text = public.files["goalposts.toml"].read_text(encoding="utf-8")
    (tmp_path / "posts.toml").write_text(text.replace("maximum = ", "maximum = 1"), "utf-8")
    root = write(tmp_path, ROWS + SCALED)
    again = COMPOSITE | {"goalposts": "posts.toml"}
    moved = run(parse_study(keys(composite=again)), root).results.composite
    (tmp_path / "posts.toml").write_text(text, encoding="utf-8")
    same = run(parse_study(keys(composite=again)), root).results.composite
    first = public.run.results.composite
    assert first is not None
    assert same is not None
    assert moved is not None
    assert (same.frozen, first.frozen) == (True, False)
    np.testing.assert_array_equal(same.scores["composite"], first.scores["composite"])
    assert not np.allclose(moved.scores["composite"], same.scores["composite"], equal_nan=True)


def test_the_index_is_mazziotta_and_paretos_worked_by_hand(public: Delivered) -> None:
    results = public.run.results
    found = results.composite
    assert found is not None
    assert found.goalposts is not None
    posts = found.goalposts["indicator"]
    values = [at(public.run, key) for key in COMPOSITE["indicators"]]
    r = [
        60 * (x - posts[key]["minimum"]) / (posts[key]["maximum"] - posts[key]["minimum"]) + 70
        for key, x in zip(COMPOSITE["indicators"], values, strict=True)
    ]
    mean, spread = np.mean(r), np.std(r)
    assert at(public.run, "composite") == pytest.approx(mean - spread**2 / mean)
    assert found.weights == {"share": 0.5, "web_density": 0.5}
    ranks = found.ranks[found.ranks["chain"] == "moda"]
    assert ranks["rank"].tolist() == sorted(ranks["rank"])
    assert (ranks["rank_low"] <= ranks["rank_high"]).all()
    own = results.registry["composite"]
    assert (own.label, own.label_en) == ("Maturità", "Maturity")


def hidden(public: Delivered) -> Any:
    return few_firms(public.run.results.panel["known"], 5)


def test_no_confidential_variable_stands_in_a_hidden_cell(public: Delivered) -> None:
    shown, cells = public.publication.results, hidden(public)
    assert int(cells.sum()) > 0
    counted = {name for name in shown.registry if name.startswith("employ")}
    for name, row in shown.registry.items():
        if row.confidential and name not in counted:
            left = shown.panel[name].where(cells, 0)
            assert int((left.notnull() & (left != 0)).sum()) == 0, name
    few = few_firms(public.run.results.panel["employers"], 5)
    assert bool(shown.panel["employees"].where(few).isnull().all())


def test_from_what_is_published_no_hidden_numerator_follows(public: Delivered) -> None:
    """Try every number of digital firms of a hidden cell: what is shown stays the same."""
    shown, truth, cells = public.publication.results, public.run.results, hidden(public)
    place, chain = CARMIGNANO, "moda"
    assert bool(cells.sel(place=place, chain=chain, year=2024))
    members = shown.similar.groupby("pro_com_t")["neighbor"].apply(set)
    known = truth.panel["known"].sel(chain=chain, year=2024)
    digital = shown.panel["digital"].sel(chain=chain, year=2024)
    for focal, near in members.items():
        if place in near:
            told = shown.benchmarks.sel(benchmark="similar", place=focal, chain=chain)
            rest = sorted(near - {place})
            if bool(np.isfinite(told["reference"])):
                open_ = [code for code in rest if bool(np.isfinite(digital.sel(place=code)))]
                total = float(known.sel(place=open_).sum())
                assert float(told["reference"]) == pytest.approx(
                    float(digital.sel(place=open_).sum()) / total
                )
    assert np.isnan(shown.benchmarks["reference"].sel(
        benchmark="province", place=PRATO, chain=chain
    ))  # fmt: skip
    assert place not in shown.priorities.query("chain == @chain")["pro_com_t"].tolist()
    assert place not in shown.composite.ranks.query("chain == @chain")["pro_com_t"].tolist()


def test_only_places_of_ten_firms_have_a_rank_and_ranks_leave_no_gap(public: Delivered) -> None:
    shown = public.publication.results.composite
    assert shown is not None
    moda = shown.ranks[shown.ranks["chain"] == "moda"]
    assert moda["rank"].max() <= len(moda)
    internal = public.run.results.composite
    assert internal is not None
    known = public.run.results.panel["known"].sel(year=2024)
    for table in (internal.ranks, shown.ranks):
        cells = zip(table["pro_com_t"], table["chain"], strict=True)
        assert min(float(known.sel(place=p, chain=c)) for p, c in cells) >= 10
    scored = np.isfinite(public.run.results.panel["composite"].sel(year=2024))
    assert int(scored.sum()) > len(internal.ranks), "a place of few firms has a score"


def test_the_reference_of_a_gap_is_without_the_few_hidden(public: Delivered) -> None:
    shown = public.publication.results.panel.sel(chain="moda", year=2024)
    told = shown["digital_gap"] + shown["share_eb"]
    told = told[np.isfinite(told)].to_numpy()
    whole, known = 26 + 0, 66
    part = (26 - 1) / (known - 3)
    np.testing.assert_allclose(told, part)
    assert not np.allclose(told, whole / known)


def test_a_zone_less_its_municipalities_tells_nothing(tmp_path) -> None:
    folder = write(tmp_path)
    lines = ["100005;z", "100002;z", "100001;w", "100006;w", "100003;big", "100002;big"]
    lines += ["100003;inner"]
    (folder / "zones.csv").write_text("\n".join(["codice;zona", *lines]), encoding="utf-8")
    table = {"path": "zones.csv", "code": "codice", "zone": "zona", "geography": "valli"}
    study = parse_study(keys(audience="public", zones=[table]))
    shown = carry_out(study, folder, tmp_path / "out").publication.results.zones["valli"].panel
    share = shown["share"].sel(chain="moda", year=2024)
    assert np.isnan(share.sel(zone="z"))  # less Prato it is Carmignano, of three firms
    assert np.isnan(share.sel(zone="inner"))  # big less inner is Carmignano too
    assert float(share.sel(zone="w")) == pytest.approx(2 / 18)
    assert np.isnan(shown["web_density"].sel(zone="z", chain="moda", year=2024))


def test_panel_file_and_manifest_carry_the_dictionary(public: Delivered) -> None:
    table = pq.read_table(public.files["panel.parquet"]).to_pandas()
    manifest = json.loads(public.files["manifest.json"].read_text(encoding="utf-8"))
    told = {row["key"]: row for row in manifest["indicators"]}
    assert set(told) == set(public.publication.results.registry)
    assert set(told) <= set(table.columns)
    assert told["silent"]["label"] == "Imprese mute"
    assert all(row[name] for row in told.values() for name in ("label", "label_en", "unit"))
    assert not any("{" in row[name] for row in told.values() for name in ("label", "definition"))
    assert manifest["outputs"]["goalposts.toml"]["bytes"] > 0


def test_the_order_of_rows_changes_nothing(whole: Run, tmp_path) -> None:
    other = run(parse_study(keys()), write(tmp_path, ROWS[::-1])).results
    for name, values in whole.results.panel.data_vars.items():
        np.testing.assert_allclose(other.panel[name], values, rtol=1e-12, err_msg=str(name))
    assert other.priorities.equals(whole.results.priorities)
    assert other.similar.equals(whole.results.similar)


def test_universes_together_tell_no_persons_and_no_share_of_a_zone(tmp_path) -> None:
    large = rows_of(CANTAGALLO, SHOP, 2024, "sss", persons="300")
    found = run(
        parse_study(keys(audience="public", universe=["tutte", "micro"], zones=[])),
        write(tmp_path, [row.replace(";100;", ";4;") for row in ROWS] + large),
    )
    panels = {found.results.facts.universe: found.results, **found.others}
    shown = publish_universes(panels, nested=found.nested, disjoint=found.disjoint, threshold=5)
    for publication in shown.values():
        cell = publication.results.panel.sel(place=CANTAGALLO, chain="moda", year=2024)
        assert np.isnan(cell["share"])
        assert np.isnan(cell["employees"])
        assert np.isnan(cell["web_density"])


def test_an_index_without_enough_firms_is_a_warning_and_not_the_end(tmp_path) -> None:
    rows = rows_of(PRATO, FASHION, 2024, "sn")
    found = run(parse_study(keys(composite=COMPOSITE, zones=[])), write(tmp_path, rows)).results
    assert found.composite is None
    assert "composite" not in found.registry
    assert any(text.startswith("Maturità: non calcolato.") for text in found.warnings)


def test_without_salib_the_index_says_that_it_was_not_tried(tmp_path, monkeypatch) -> None:
    def missing(*_: object) -> None:
        raise StatisticsError("EXTRA_MISSING", "SALib")

    monkeypatch.setattr(territory, "choices_sensitivity", missing)
    study = parse_study(keys(composite=COMPOSITE, zones=[]))
    found = run(study, write(tmp_path, ROWS + SCALED)).results.composite
    assert found is not None
    assert found.sensitivity.empty
    assert "SALib" in found.notes[0]


def test_sensitivity_says_which_choice_moves_the_ranks(tmp_path) -> None:
    pytest.importorskip("SALib")
    rng = np.random.default_rng(0)
    towns = read_layer(dt.date(2025, 1, 1), "shipped").query("cod_reg == '09'").index[:12]
    rows = [
        row
        for town in towns
        for row in rows_of(town, FASHION, 2024, "".join(rng.choice(["s", "n"], 15)))
    ]
    keys_ = keys(composite=COMPOSITE, zones=[], coverage={"regions": ["09"]})
    found = run(parse_study(keys_), write(tmp_path, rows)).results.composite
    assert found is not None
    table = found.sensitivity.set_index(["chain", "factor"])
    assert set(table.loc["moda"].index) == {"normalization", "aggregation", "outliers", "weights"}
    assert (table["total_order"] >= -0.1).all()
    assert float(table["total_order"].sum()) > 0.5


def test_an_enterprise_of_two_places_counts_once_above_them_and_moves_no_other(
    whole: Run, tmp_path
) -> None:
    both = [f"TWO;{town};{SOFTWARE};2024;2;www.t.it;1;;" for town in (PRATO, CARMIGNANO)]
    found = run(parse_study(keys()), write(tmp_path, ROWS + both)).results
    for level in ("panel", "province_panel"):
        ours, theirs = getattr(found, level), getattr(whole.results, level)
        for name in ("firms", "known", "digital"):
            moda = {"chain": "moda"}
            np.testing.assert_array_equal(ours[name].sel(moda), theirs[name].sel(moda))
            more = (ours[name] - theirs[name]).sel(chain="ict_digitale", year=2024)
            assert float(more.sum()) == (2 if level == "panel" else 1)


def test_an_index_without_a_figure_still_has_its_sheets(tmp_path: Path) -> None:
    composite = {
        "indicators": ["location_quotient_low", "firms_per_km2"],
        "polarity": {"location_quotient_low": 1, "firms_per_km2": 1},
        "draws": 0,
    }
    found = run(parse_study(keys(composite=composite)), write(tmp_path)).results
    assert found.composite is not None
    left_out = found.composite.left_out.assign(mean_shift=1.5, spearman=np.nan)
    assert len(left_out)
    index = dataclasses.replace(found.composite, left_out=left_out)
    sheets = list(composite_sheets(dataclasses.replace(found, composite=index)))
    assert [sheet.name for sheet in sheets] == ["Indice", "Indice metodo"]
    said = " ".join(sheets[1].frame["value"].astype(str))
    assert "i posti cambiano in media di 1,5; correlazione fra classifiche non disponibile" in said
