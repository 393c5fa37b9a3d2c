"""Association of shares with what places are like."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from geo_engine.drivers.association import (
    ASSOCIATION_COLUMNS,
    TERMS,
    digital_associations,
    place_terms,
)


def territory(n=300, regions=4, seed=3):
    """Places whose shares follow known coefficients: 3, -2 and 5 points for each doubling."""
    rng = np.random.default_rng(seed)
    index = pd.Index([f"{i:06d}" for i in range(n)], name="pro_com_t")
    area, population = rng.lognormal(3, 1, n), rng.lognormal(8, 1, n)
    region = rng.integers(0, regions, n)
    everyone = np.round(rng.lognormal(5, 1, n)) + 20
    firms = np.maximum(rng.binomial(everyone.astype(int), rng.beta(2, 8, n)), 2).astype(float)
    quotient = (firms / everyone) / (firms.sum() / everyone.sum())
    terms = np.column_stack([np.log2(everyone / area), np.log2(population), np.log2(quotient)])
    share = 0.3 + terms @ [0.03, -0.02, 0.05] + 0.1 * region + rng.normal(0, 0.02, n)
    places = pd.DataFrame(
        {"cod_reg": region.astype(str), "area_km2": area, "population": population}, index=index
    )
    dims = ("place", "chain", "year")
    values = {"firms": firms, "known": firms, "share": share, "location_quotient": quotient}
    panel = xr.Dataset(
        {name: (dims, value[:, None, None]) for name, value in values.items()},
        coords={"place": index.to_numpy(str), "chain": ["moda"], "year": [2024]},
    )
    return panel, places, terms, region


def test_known_coefficients_are_found_in_points_for_each_doubling():
    panel, places, _, _ = territory()
    found = digital_associations(panel, places)
    assert tuple(found.columns) == ASSOCIATION_COLUMNS
    assert found["term"].tolist() == list(TERMS)
    gap = (found["coefficient"] - [3, -2, 5]).abs() / found["standard_error"]
    assert (gap < 4).all()
    assert (found["p_value"] < 0.001).all()
    assert (found["places"] == 300).all()


def test_the_fit_equals_least_squares_with_one_dummy_for_each_region_and_hc1_errors():
    panel, places, terms, region = territory()
    y, w = panel["share"].to_numpy().ravel(), panel["known"].to_numpy().ravel()
    terms[:, 2] = np.clip(terms[:, 2], -4, 4)
    x = np.column_stack([terms, np.eye(4)[region]])
    # Weighted least squares as ordinary ones on scaled rows, with the sandwich written out.
    root = np.sqrt(w)
    xs, ys = x * root[:, None], y * root
    beta = np.linalg.lstsq(xs, ys, rcond=None)[0]
    residual = ys - xs @ beta
    bread = np.linalg.pinv(xs.T @ xs)
    meat = (xs * residual[:, None] ** 2).T @ xs
    error = np.sqrt(np.diag(bread @ meat @ bread) * 300 / (300 - 7))
    found = digital_associations(panel, places)
    np.testing.assert_allclose(found["coefficient"], 100 * beta[:3], rtol=1e-7)
    np.testing.assert_allclose(found["standard_error"], 100 * error[:3], rtol=1e-7)


def test_too_few_places_give_no_rows():
    panel, places, _, _ = territory(n=59)
    assert len(digital_associations(panel, places)) == 0
    assert tuple(digital_associations(panel, places).columns) == ASSOCIATION_COLUMNS


def test_missing_shares_and_empty_places_are_left_out():
    panel, places, _, _ = territory()
    panel["share"][:50] = np.nan
    panel["known"][50:60] = 0
    places.iloc[60, places.columns.get_loc("population")] = 0.0
    found = digital_associations(panel, places)
    assert (found["places"] == 239).all()


def test_only_the_last_year_counts():
    panel, places, _, _ = territory()
    earlier = panel.assign_coords(year=[2020]).assign(share=panel["share"] * 0)
    both = xr.concat([panel, earlier], dim="year")
    pd.testing.assert_frame_equal(
        digital_associations(both, places), digital_associations(panel, places)
    )


def test_a_term_that_never_varies_is_left_out():
    panel, places, _, _ = territory()
    panel["location_quotient"] = panel["location_quotient"] * 0 + 1
    assert digital_associations(panel, places)["term"].tolist() == ["firm_density", "population"]


def test_terms_that_cannot_be_told_apart_give_no_rows():
    panel, places, _, _ = territory()
    panel["location_quotient"] = panel["location_quotient"] * 0 + 1
    places["population"] = panel["firms"].to_numpy().ravel() / places["area_km2"]
    assert len(digital_associations(panel, places)) == 0


def test_shares_without_any_association_are_seldom_called_significant():
    rejected = 0
    for seed in range(60):
        panel, places, _, _ = territory(n=120, seed=seed)
        rng = np.random.default_rng(1000 + seed)
        known = panel["known"].to_numpy()
        panel["share"] = (panel["known"].dims, rng.binomial(known.astype(int), 0.3) / known)
        rejected += int((digital_associations(panel, places)["p_value"] < 0.05).sum())
    assert rejected / 180 == pytest.approx(0.05, abs=0.05)


def test_terms_of_a_chain_are_laid_out_and_shares_of_few_firms_are_missing():
    panel, places, terms, _ = territory()
    panel["known"] = panel["known"].copy()
    panel["known"][:5] = 4
    found = place_terms(panel, places, "moda", min_known=5)
    assert found["share"].isna().sum() == (panel["known"] < 5).sum()
    kept = found["share"].notna().to_numpy()
    expected = 100 * panel["share"].to_numpy().ravel()
    np.testing.assert_allclose(found["share"][kept], expected[kept])
    np.testing.assert_allclose(found["population"], terms[:, 1])
    # Density is known but for the same factor in every place of the chain.
    assert np.ptp(found["firm_density"] - terms[:, 0]) == pytest.approx(0, abs=1e-9)
    assert found["cod_reg"].tolist() == places["cod_reg"].tolist()
    assert found.index.name == "pro_com_t"


def test_the_laid_out_terms_go_into_the_regressions_on_places():
    from libpysal.graph import Graph

    from geo_engine.drivers import PlaceModel, place_ols

    panel, places, _, _ = territory()
    index = places.index
    links = pd.DataFrame({"focal": index, "neighbor": np.roll(index, 1), "weight": 1.0})
    graph = Graph.from_adjacency(links)
    model = PlaceModel(outcome="share", terms=TERMS, groups="cod_reg")
    found = place_ols(place_terms(panel, places, "moda"), graph, model)
    gap = (found.terms["coefficient"][1:] - [3, -2, 5]).abs() / found.terms["standard_error"][1:]
    assert (gap < 4).all()
