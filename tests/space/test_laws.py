"""Laws that hold for every map: names, orders, units, signs, disjoint maps, threads, other maps."""

import os

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from libpysal.graph import Graph

from geo_engine.space import LocalTest, local_autocorrelation
from geo_engine.tables import QUADRANTS
from tests.space.conftest import lattice_graph, panel

GRAPH = lattice_graph(6, 6, islands=1)
KINDS = ("counts", "reals", "shares")
UNITS = ("p_value", "q_value", "moran", "gi", "gi_star", "quadrant", "status")


def drawn(kind, seed, n=GRAPH.n):
    """Draw a map with a gap or two."""
    rng = np.random.default_rng([67, seed])
    values = {
        "counts": lambda: rng.poisson(1.3, n) * 1.0,
        "reals": lambda: rng.gamma(0.8, size=n),
        "shares": lambda: rng.binomial(m := rng.integers(1, 9, n), 0.4) / m,
    }[kind]()
    values[rng.integers(0, n, seed % 3)] = np.nan
    return values


def run(values, graph=GRAPH, **options):
    """Test one map; its results in the order of the places."""
    test = LocalTest(**{"counts": False, "seed": 1, "details": True, **options})
    local, maps = local_autocorrelation(panel(values, graph.unique_ids), graph, test)
    return local.isel(chain=0, year=0, drop=True), maps.isel(chain=0, year=0, drop=True)


def same_within_error(first, second, factor=1.0):
    """Compare two runs whose certain intervals must overlap; draws by their standard errors."""
    for name in ("p_value", "q_value"):
        seen = np.isfinite(first[name].to_numpy())
        np.testing.assert_array_equal(seen, np.isfinite(second[name].to_numpy()))
    p, e = (first[name].to_numpy() for name in ("p_value", "p_error"))
    other, error = (second[name].to_numpy() for name in ("p_value", "p_error"))
    drawn_ones = (first["method"].to_numpy() == 3) | (second["method"].to_numpy() == 3)
    room = np.where(drawn_ones, 2.5 * (e + error), np.maximum(e, error)) + 1e-9
    seen = np.isfinite(p)
    assert (np.abs(p - other) <= factor * room)[seen].all()


seeds = st.integers(0, 5_000)
few = settings(deadline=None, derandomize=True, max_examples=8)


@few
@given(seed=seeds, kind=st.sampled_from(KINDS))
def test_other_names_in_the_same_order_change_no_number(seed, kind):
    values = drawn(kind, seed)
    names = {old: f"Z{old}" for old in GRAPH.unique_ids}
    adjacency = GRAPH.adjacency.rename(index=names)
    renamed = Graph(adjacency)
    first, second = run(values)[0], run(values, renamed)[0]
    xr.testing.assert_identical(first.drop_vars("place"), second.drop_vars("place"))


@few
@given(seed=seeds, kind=st.sampled_from(KINDS))
def test_other_names_in_another_order_change_nothing_but_random_draws(seed, kind):
    values = drawn(kind, seed)
    order = np.random.default_rng(seed).permutation(GRAPH.n)
    names = {old: f"{new:06d}" for old, new in zip(GRAPH.unique_ids, order, strict=True)}
    renamed = Graph(GRAPH.adjacency.rename(index=names).sort_index())
    first = run(values)[0]
    place = np.argsort(order)
    second = run(values[place], renamed)[0].isel(place=order)
    same_within_error(first, second)
    for name in ("moran", "gi_star", "lag"):
        np.testing.assert_allclose(first[name], second[name], rtol=1e-9, atol=1e-11)
    np.testing.assert_array_equal(first["status"], second["status"])


@few
@given(seed=seeds, kind=st.sampled_from(KINDS))
def test_shuffled_rows_give_the_same_bits(seed, kind):
    values = panel(drawn(kind, seed), GRAPH.unique_ids)
    test = LocalTest(counts=False, seed=1, details=True)
    local, maps = local_autocorrelation(values, GRAPH, test)
    order = np.random.default_rng(seed).permutation(GRAPH.n)
    other, other_maps = local_autocorrelation(values.isel(place=order), GRAPH, test)
    xr.testing.assert_identical(other.sel(place=values.place), local)
    xr.testing.assert_identical(other_maps, maps)


@few
@given(
    seed=seeds,
    kind=st.sampled_from(KINDS),
    shift=st.integers(-1_000, 1_000),
    power=st.integers(-20, 20),
)
def test_a_constant_added_and_another_unit_change_no_verdict(seed, kind, shift, power):
    values = drawn(kind, seed)
    # Powers of two and whole shifts of counts lose no digit; those of reals lose their last ones.
    first, second = run(values)[0], run((values + shift) * 2.0**power)[0]
    if kind == "counts":
        np.testing.assert_array_equal(first["p_value"], second["p_value"])
    same_within_error(first, second)
    np.testing.assert_array_equal(first["status"], second["status"])
    np.testing.assert_allclose(first["moran"], second["moran"], rtol=1e-6, atol=1e-9)


@few
@given(seed=seeds, kind=st.sampled_from(KINDS), one_sided=st.booleans())
def test_the_other_sign_mirrors_tails_and_swaps_high_and_low(seed, kind, one_sided):
    values = drawn(kind, seed)
    sides = ("greater", "less") if one_sided else ("two-sided", "two-sided")
    first = run(values, alternative=sides[0])[0]
    second = run(-values, alternative=sides[1])[0]
    if kind == "counts":
        np.testing.assert_allclose(first["p_value"], second["p_value"], rtol=1e-9, atol=1e-12)
    same_within_error(first, second)
    np.testing.assert_allclose(first["moran"], second["moran"], rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(first["gi_star"], -second["gi_star"], rtol=1e-9, atol=1e-12)
    mirrored = {"": "", "HH": "LL", "LL": "HH", "HL": "LH", "LH": "HL"}
    names = [np.array(QUADRANTS)[one["quadrant"]] for one in (first, second)]
    assert [mirrored[name] for name in names[0]] == names[1].tolist()


@few
@given(seed=seeds, kind=st.sampled_from(KINDS))
def test_two_maps_side_by_side_keep_their_lags_and_share_one_null(seed, kind):
    small = lattice_graph(5, 6)
    parts = [drawn(kind, seed, 30), drawn(kind, seed + 1, 30)]
    adjacency = small.adjacency.reset_index()
    moved = adjacency.assign(
        **{name: "9" + adjacency[name].str.slice(1) for name in ("focal", "neighbor")}
    )
    both = Graph.from_arrays(
        *(np.concatenate([adjacency[c], moved[c]]) for c in ("focal", "neighbor", "weight"))
    )
    joined = run(np.concatenate(parts), both)[0]
    for part, rows in zip(parts, (slice(0, 30), slice(30, 60)), strict=True):
        alone = run(part, small, min_places=20)[0]
        np.testing.assert_allclose(joined["lag"][rows], alone["lag"], rtol=1e-12)
    # Exchanging the two maps exchanges their results: nothing says which came first.
    turned = run(np.concatenate(parts[::-1]), both)[0]
    same_within_error(joined, turned.isel(place=np.r_[30:60, 0:30]))


@pytest.mark.parametrize("kind", KINDS)
def test_one_two_and_four_threads_give_the_same_bits(kind, monkeypatch):
    values = np.column_stack([drawn(kind, seed) for seed in range(3)])
    values = panel(values, GRAPH.unique_ids, range(3))
    test = LocalTest(counts=False, seed=1, details=True)
    runs = []
    for threads in (1, 2, 4):
        monkeypatch.setattr(os, "cpu_count", lambda threads=threads: threads)
        runs.append(local_autocorrelation(values, GRAPH, test))
    for local, maps in runs[1:]:
        xr.testing.assert_identical(local, runs[0][0])
        xr.testing.assert_identical(maps, runs[0][1])


@settings(deadline=None, derandomize=True, max_examples=5)
@given(seed=seeds, kind=st.sampled_from(KINDS), added=st.sampled_from(["chain", "year"]))
def test_a_chain_or_a_year_added_changes_nothing_that_was_published(seed, kind, added):
    maps = np.stack([[drawn(kind, seed + 3 * c + y) for y in range(2)] for c in range(2)], axis=0)
    values = panel(np.moveaxis(maps, 2, 0), GRAPH.unique_ids, ("a", "b"), (2023, 2024))
    test = LocalTest(counts=False, seed=1)
    whole, whole_maps = local_autocorrelation(values, GRAPH, test)
    kept = {added: [values.indexes[added][0]]}
    before, before_maps = local_autocorrelation(values.sel(kept), GRAPH, test)
    wider = "q_value_panel"
    xr.testing.assert_identical(whole.sel(kept).drop_vars(wider), before.drop_vars(wider))
    xr.testing.assert_identical(whole_maps.sel(kept), before_maps)


@few
@given(seed=seeds, kind=st.sampled_from(KINDS))
def test_every_result_is_a_p_value_with_its_bound_or_a_status(seed, kind):
    local, maps = run(drawn(kind, seed))
    p, q, error = (local[name].to_numpy() for name in ("p_value", "q_value", "p_error"))
    fine = local["status"].to_numpy() == 0
    np.testing.assert_array_equal(fine, np.isfinite(p))
    assert ((p[fine] > 0) & (p[fine] <= 1) & (q[fine] >= p[fine]) & (q[fine] <= 1)).all()
    assert (error[fine] >= 0).all()
    assert int(maps["significant"]) == int((q[fine] < 0.05).sum())
