"""What a run says about its maps: verdicts, their robustness, further tests, whole maps."""

from __future__ import annotations

import dataclasses
import datetime as dt
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from esda import Geary, Moran

from geo_engine import inference, tables
from geo_engine.errors import StudyError
from geo_engine.graph.neighbors import restrict
from geo_engine.indicators.marshall import marshall_local
from geo_engine.indicators.rates import assuncao_reis
from geo_engine.pipeline import Run, run
from geo_engine.sources.boundaries import read_layer
from geo_engine.space.autocorrelation import REASONS
from geo_engine.space.bivariate import local_bivariate_moran
from geo_engine.space.panel_maps import Inference
from geo_engine.space.sensitivity import linear_fit, residual_autocorrelation
from geo_engine.study import parse_study

CENTER = "048017"  # Firenze
YEARS = (2023, 2024)
CODES = {"moda": "13.20.00", "ict_digitale": "62.01.00"}
HH = tables.QUADRANTS.index("HH")


def extract(*, chains: tuple[str, ...] = ("moda", "ict_digitale"), years: tuple[int, ...] = YEARS):
    """Draw counts for the municipalities of Tuscany, and a rise around Firenze in the last year."""
    places = read_layer(dt.date(2025, 1, 1))
    places = places[places["cod_reg"] == "09"]
    centers = places.to_crs(3035).centroid
    near = (centers.distance(centers[CENTER]) < 22_000).to_numpy()
    rows = []
    for c, chain in enumerate(CODES):
        for y, year in enumerate(YEARS):
            rng = np.random.default_rng(100 * c + y)  # so that a map is the same in any company
            firms = rng.poisson(40, len(places)) + 1
            risk = np.where(near & (year == 2024), 0.55, 0.3)
            digital = rng.binomial(firms, risk)
            if chain in chains and year in years:
                rows += [
                    (code, CODES[chain], year, n, d)
                    for code, n, d in zip(places.index, firms, digital, strict=True)
                ]
    return pd.DataFrame(rows, columns=["istat", "ateco", "anno", "n", "nd"])


def carried_out(folder: Path, table: pd.DataFrame, **statistics: Any) -> Run:
    table.to_csv(folder / "counts.csv", index=False)
    columns = {"istat_code": "istat", "ateco": "ateco", "year": "anno"}
    keys = {
        "title": "Prova",
        "data_date": "2024-12-31",
        "unit": "sede",
        "status": "attiva",
        "audience": "internal",
        "coverage": {"regions": ["09"]},
        "chains": {"use": sorted(set(_chains(table)))},
        "firms": [
            {
                "path": "counts.csv",
                "kind": "counts",
                "ateco_version": "2007",
                "columns": columns | {"firms": "n", "digital": "nd"},
            }
        ],
        "statistics": {"permutations": 19, **statistics},
    }
    return run(parse_study(keys), folder)


def _chains(table: pd.DataFrame) -> list[str]:
    return [chain for chain, code in CODES.items() if code in set(table["ateco"])]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return carried_out(
        tmp_path_factory.mktemp("whole"),
        extract(),
        further=[
            {"test": "geary", "chain": "moda"},
            {"test": "bivariate_moran", "chain": "moda", "other": "ict_digitale"},
            {"test": "bivariate_moran", "chain": "moda", "other": "population_density"},
            {"test": "co_location", "chain": "moda", "other": "ict_digitale"},
            {"test": "heteroscedasticity", "chain": "moda"},
            {"test": "neighborhood_rate", "chain": "moda"},
        ],
    )


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Give the same maps of fashion in 2024, without any other chain or year."""
    table = extract(chains=("moda",), years=(2024,))
    return carried_out(tmp_path_factory.mktemp("alone"), table)


def test_the_rise_is_found_and_nothing_elsewhere(whole: Run) -> None:
    hotspots = whole.results.hotspots
    assert set(hotspots["year"]) == {2024}
    assert set(hotspots["chain"]) == {"moda", "ict_digitale"}
    assert hotspots["places"].max() >= 4


def test_another_chain_or_year_changes_no_published_verdict(whole: Run, alone: Run) -> None:
    at = {"variable": "share", "chain": "moda", "year": 2024}
    for name in ("p_value", "q_value", "quadrant", "status", "moran", "moran_variance"):
        many, one = (done.results.local[name].sel(at).to_numpy() for done in (whole, alone))
        np.testing.assert_array_equal(many, one)
    wider = whole.results.local["q_value_panel"].sel(at).to_numpy()
    assert not np.array_equal(wider, alone.results.local["q_value_panel"].sel(at), equal_nan=True)


def test_every_local_result_has_its_expectation_variance_and_three_families(whole: Run) -> None:
    share = whole.results.local.sel(variable="share")
    tested = share["status"] == tables.LOCAL_OK
    assert bool(tested.any())
    for name in ("moran", "gi", "gi_star"):
        assert bool(np.isfinite(share[name].where(tested, 0)).all())
    for name in ("moran_expected", "moran_variance", "gi_star_expected", "gi_star_variance"):
        assert bool(np.isfinite(share[name].where(tested, 0)).all()), name
    for name in tables.Q_COLUMNS.values():
        assert bool((share[name] >= share["p_value"]).where(tested, other=True).all()), name


def test_statistics_of_whole_maps_are_those_of_esda(whole: Run) -> None:
    found = whole.results.whole_maps.set_index(["variable", "statistic", "chain", "year"])["value"]
    covered = whole.results.panel.sel(
        place=whole.plan.places.index[whole.plan.places["covered"]], chain="moda", year=2024
    )
    weights = restrict(whole.plan.graph, covered.indexes["place"]).transform("r").to_W()
    firms = covered["firms"].to_numpy()
    rates = assuncao_reis(
        covered["digital"].expand_dims("chain", axis=1),
        covered["known"].expand_dims("chain", axis=1),
    ).to_numpy()[:, 0]
    seen = covered.indexes["place"].get_indexer(list(weights.id_order))
    moran = Moran(rates[seen], weights, permutations=0).I
    geary = Geary(firms[seen], weights, permutations=0).C
    assert found["share", "moran", "moda", 2024] == pytest.approx(moran, abs=1e-9)
    assert found["firms", "geary", "moda", 2024] == pytest.approx(geary, abs=1e-9)
    beside = float(whole.results.maps["moran_i"].sel(variable="share", chain="moda", year=2024))
    assert beside == pytest.approx(moran, abs=1e-9)


def test_robustness_is_the_share_of_runs_in_which_a_place_is_a_hotspot(tmp_path: Path) -> None:
    table = extract(chains=("moda",))
    other = {"neighbors": "k_nearest", "k": 6}
    asked = {
        "neighbors": [other],
        "alphas": [0.01, 0.05],
        "periods": [0, 1],
        "smoothing": ["standardized"],
    }
    done = carried_out(tmp_path, table, robustness=asked)
    runs = [done, carried_out(tmp_path, table, **other, robustness={"enabled": False})]
    votes = []
    for one in runs:
        share = one.results.local.sel(variable="share", chain="moda")
        for year in (2024, 2023):
            for alpha in (0.01, 0.05):
                hot = (share["quadrant"] == HH) & (share["q_value"] < alpha)
                votes.append(hot.sel(year=year).to_numpy())
    expected = np.mean(votes, axis=0)
    robust = done.results.robustness.sel(chain="moda", year=2024)
    covered = done.plan.places["covered"].to_numpy()
    tested = robust["specifications"].to_numpy() == 8
    assert tested[covered].mean() > 0.95
    np.testing.assert_allclose(robust["robustness"].to_numpy()[tested], expected[tested])
    assert 0 < expected.max() <= 0.5, "the year before has no rise"
    assert np.isnan(robust["robustness"].to_numpy()[~covered]).all()
    assert (runs[1].results.robustness["specifications"] == 0).all()


def test_a_hotspot_without_its_main_municipality_is_that_of_an_extract_without_it(
    whole: Run, tmp_path: Path
) -> None:
    hotspots = whole.results.hotspots
    row = hotspots[(hotspots["chain"] == "moda") & (hotspots["rank"] == 1)].iloc[0]
    firms = whole.results.panel["firms"].sel(chain="moda", year=2024, place=list(row["members"]))
    main = str(firms.idxmax("place").item())
    table = extract(chains=("moda",), years=(2024,))
    done = carried_out(tmp_path, table[table["istat"] != main])
    share = done.results.local.sel(variable="share", chain="moda", year=2024)
    rest = share.sel(place=[code for code in row["members"] if code != main])
    stays = bool(((rest["quadrant"] == HH) & (rest["q_value"] < 0.05)).any())
    assert row["without_main"] == ("confirmed" if stays else "not_confirmed")


def test_ten_provinces_are_too_few_to_repeat_a_hotspot_at_their_scale(whole: Run) -> None:
    assert set(whole.results.hotspots["province_scale"]) == {"untested"}


def test_further_tests_say_what_their_functions_say_and_list_every_place(whole: Run) -> None:
    table = whole.results.further
    assert table.groupby(["test", "other"]).ngroups == 6
    covered = whole.plan.places.index[whole.plan.places["covered"]]
    assert (table.groupby(["test", "other", "year"]).size() == len(covered)).all()
    panel = whole.results.panel.sel(place=covered)
    rates = assuncao_reis(panel["digital"], panel["known"])
    graph = restrict(whole.plan.graph, covered)
    direct = local_bivariate_moran(
        rates.sel(chain=["moda"]),
        rates.sel(chain="ict_digitale", drop=True).expand_dims(chain=["moda"]),
        graph,
        Inference(seed=whole.plan.study.seed),
    )
    part = table[(table["test"] == "bivariate_moran") & (table["other"] == "ict_digitale")]
    cells = part.set_index(["pro_com_t", "year"])["p_value"].to_xarray()
    expected = direct["p_value"].sel(chain="moda").to_numpy()
    np.testing.assert_array_equal(cells.sel(pro_com_t=covered).to_numpy(), expected)
    assert set(part["label"]) <= {"HH", "LL", "LH", "HL", ""}
    losh = table[table["test"] == "heteroscedasticity"]
    assert set(losh["label"]) <= {"heterogeneous", "homogeneous", ""}
    assert (losh["method"] == "none").all()
    shrunk = table[table["test"] == "neighborhood_rate"]
    cells = shrunk.set_index(["pro_com_t", "year"])["statistic"].to_xarray().sel(pro_com_t=covered)
    rate = marshall_local(panel["digital"], panel["known"], graph)["rate_eb"].sel(chain="moda")
    np.testing.assert_array_equal(cells.to_numpy(), rate.to_numpy())
    assert shrunk["p_value"].isna().all()


def test_a_further_test_of_an_unknown_chain_is_refused_before_reading(tmp_path: Path) -> None:
    further = [{"test": "bivariate_moran", "other": "nautica"}]
    with pytest.raises(StudyError, match="UNKNOWN_CHAIN"):
        carried_out(tmp_path, extract(chains=("moda",)), further=further)


@pytest.mark.parametrize(
    "further", [{"test": "geary", "other": "population"}, {"test": "co_location"}]
)
def test_a_further_test_takes_as_many_variables_as_it_has(tmp_path: Path, further: Any) -> None:
    with pytest.raises(StudyError, match="other"):
        carried_out(tmp_path, extract(chains=("moda",)), further=[further])


def test_few_firms_give_no_local_test_and_the_map_says_why(tmp_path: Path) -> None:
    table = extract(chains=("moda",), years=(2024,))
    done = carried_out(tmp_path, table, min_firms=1_000_000)
    maps = done.results.maps.sel(variable="share", chain="moda", year=2024)
    assert REASONS[int(maps["reason"])] == "few_firms"
    assert int(maps["tested"]) == 0
    assert done.results.hotspots.empty


def test_one_sided_tests_halve_the_p_of_their_side(alone: Run, tmp_path: Path) -> None:
    table = extract(chains=("moda",), years=(2024,))
    done = carried_out(tmp_path, table, alternative="greater", robustness={"enabled": False})
    two, one = (r.results.local["p_value"].sel(variable="firms") for r in (alone, done))
    high = (two < 0.2) & (one < 0.5)
    assert int(high.sum()) > 5
    np.testing.assert_allclose(one.where(high), two.where(high) / 2, rtol=0.03)


def test_what_size_and_density_explain_is_no_hotspot_of_the_residuals(whole: Run) -> None:
    plan, panel = whole.plan, whole.results.panel
    covered = panel.sel(place=plan.places.index[plan.places["covered"]])
    term = inference.context(plan, covered, "population")
    explained = 0.3 + 0.7 * term
    fitted = linear_fit(explained, [term, inference.context(plan, covered, "firm_density")])
    np.testing.assert_allclose(fitted, explained, rtol=1e-9)


def test_what_a_perfect_fit_leaves_is_rounding_and_never_significant(whole: Run) -> None:
    plan, panel = whole.plan, whole.results.panel
    covered = panel.sel(place=plan.places.index[plan.places["covered"]])
    term = inference.context(plan, covered, "population")
    explained = 0.3 + 0.7 * term
    fitted = linear_fit(explained, [term])
    graph = restrict(plan.graph, covered.indexes["place"])
    test = inference.local_test(plan, counts=False)
    local, maps = residual_autocorrelation(explained, fitted, graph, test)
    assert int(maps["significant"].sum()) == 0
    assert not bool((local["status"] == tables.LOCAL_OK).any())


def test_a_fit_is_that_of_numpy_and_leaves_missing_places_out() -> None:
    rng = np.random.default_rng(3)
    coords = {"place": [f"{i:03d}" for i in range(80)], "chain": ["a"], "year": [1]}
    dims = ("place", "chain", "year")
    y, x, z = (xr.DataArray(rng.normal(size=(80, 1, 1)), dims=dims, coords=coords) for _ in "yxz")
    y[4], x[7] = np.nan, np.nan
    twice = 2 * x + 1  # adds nothing to x
    fitted = linear_fit(y, [x, z, twice]).to_numpy().ravel()
    seen = ~np.isnan((y + x).to_numpy().ravel())
    design = np.column_stack([np.ones(80), x.to_numpy().ravel(), z.to_numpy().ravel()])[seen]
    beta = np.linalg.lstsq(design, y.to_numpy().ravel()[seen], rcond=None)[0]
    np.testing.assert_allclose(fitted[seen], design @ beta, atol=1e-10)
    assert np.isnan(fitted[~seen]).all()
    few = linear_fit(y.isel(place=slice(20)), [x.isel(place=slice(20))] * 2)
    assert np.isnan(few).all()


def test_the_family_of_the_study_decides_the_hotspots(whole: Run) -> None:
    for family, name in tables.Q_COLUMNS.items():
        facts = dataclasses.replace(whole.results.facts, family=family)
        assert tables.q_column(facts.family) == name


def test_weights_that_fall_with_distance_are_tested_by_draws_and_find_the_rise(
    tmp_path: Path,
) -> None:
    table = extract(chains=("moda",), years=(2024,))
    kernel = {"neighbors": "kernel", "kernel": "triangular", "band_km": 20}
    done = carried_out(tmp_path, table, **kernel, robustness={"neighbors": []})
    share = done.results.local.sel(variable="share", chain="moda", year=2024)
    tested = share["status"] == tables.LOCAL_OK
    assert int(tested.sum()) > 200
    methods = {tables.TAIL_METHODS[code] for code in np.unique(share["method"].where(tested, 0))}
    assert "monte_carlo" in methods
    assert "exact_grid" not in methods
    assert bool(np.isfinite(share["p_error"]).where(tested, other=True).all())
    assert done.results.hotspots["places"].max() >= 4
