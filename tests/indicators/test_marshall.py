"""Empirical Bayes as R's spdep has it, and its intervals.

The reference values are those of R (spdep 1.2-7)::

    nb <- cell2nb(5, 8, type = "queen"); i <- 0:39; W <- nb2listw(nb, style = "W")
    n <- 20 + (53*i) %% 97; d <- pmin(n, floor(n * (1 + (29*i) %% 17) / 30) + (11*i) %% 3)
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from geo_engine.errors import StatisticsError
from geo_engine.indicators.marshall import marshall, marshall_local
from geo_engine.indicators.rates import assuncao_reis
from geo_engine.space.global_statistics import global_statistic
from geo_engine.space.panel_maps import Inference
from tests.space.conftest import lattice_graph

CELL = np.arange(40)
N = 20 + (53 * CELL) % 97
D = np.minimum(N, N * (1 + (29 * CELL) % 17) // 30 + (11 * CELL) % 3)
GRAPH = lattice_graph(5, 8)

# EBest(d, n)$estmm
POISSON = [
    0.1246482361999442, 0.430069555414006, 0.2868034965682948, 0.1274968784274648,
    0.4894356181807651, 0.3367778794726151, 0.1848049454815339, 0.5481127317869809,
    0.3913353649318685, 0.2382459279193682, 0.1296322137287005, 0.4115792706279066,
    0.299316401758888, 0.2341329991137785, 0.5099236428253282, 0.3465542526581229,
    0.2292358273677872, 0.1003854637737253, 0.4122230407474735, 0.3005714769133485,
    0.1309817049998114, 0.4679768141145397, 0.3717234716563451, 0.194140933112276,
    0.4765137957862763, 0.4020378917288568, 0.2651842560680843, 0.09552397468387269,
    0.4512443300633051, 0.3046807751542332, 0.1563404370026611, 0.5237652863697063,
    0.3626761960429125, 0.2242181954635667, 0.09131793163932272, 0.3999675371117143,
    0.265862069529577, 0.1868048600269087, 0.485633668731963, 0.3179800191993853,
]  # fmt: skip
# EBest(d, n, family = "binomial")$estmm
BINOMIAL = [
    0.08509271335754005, 0.4387795721185229, 0.2830085654429185, 0.1155136997255968,
    0.5124822717555162, 0.3383446745136585, 0.1712952456264608, 0.5610737676601404,
    0.3988003690649543, 0.2346121535585589, 0.1150138204295851, 0.4323539618641545,
    0.2985154670101208, 0.2222121937010236, 0.5228442806786626, 0.3511030221111703,
    0.2244506681524811, 0.07820551081568411, 0.417722071258022, 0.2996736535721741,
    0.1220267169942333, 0.4805387157822741, 0.3838845741907123, 0.1858768081386686,
    0.5017791421408747, 0.4079054916199515, 0.2596004925339289, 0.08298665224890628,
    0.4658470004023791, 0.3043717593705594, 0.1425508039864246, 0.5343191044628137,
    0.3667849583537269, 0.2076626171983396, 0.07593441102271498, 0.413242441402474,
    0.2630361696082473, 0.1718672433132798, 0.4957518101429403, 0.3187472016906676,
]  # fmt: skip
# EBlocal(d, n, nb)$est
LOCAL_EACH = [
    0.1468440593842217, 0.4200775508986885, 0.2624794325433519, 0.117407344157518,
    0.4530827331562367, 0.3450317048461505, 0.2595158609127763, 0.5556228404647817,
    0.3815536831895561, 0.2338060527762091, 0.121391982500841, 0.3900862961823566,
    0.2940310944693281, 0.2493187447714354, 0.508885925849998, 0.3721273294397783,
    0.229685704880445, 0.1062803199412518, 0.4046621582419027, 0.2888712279443473,
    0.1300468374752713, 0.4610814850334358, 0.3925994930469593, 0.2089848903809984,
    0.4533567257400763, 0.3949458710608072, 0.2486212534511655, 0.08403125833707781,
    0.4357714361622135, 0.3042502534952693, 0.1771515293080904, 0.5287154816761157,
    0.38094959988087, 0.2368757626784909, 0.07212987721760594, 0.3817105912977248,
    0.25842312158992, 0.202518626982899, 0.4852806264958107, 0.3467332843970756,
]  # fmt: skip
# EBlocal(d, n, nb, geoda = TRUE)$est
LOCAL_FOCAL = [
    0.1703951467223045, 0.4177058591798791, 0.2629962248442718, 0.1147957475921834,
    0.4651617429065423, 0.3456976948729447, 0.2362676146022755, 0.556726596469065,
    0.3764713954444273, 0.234536995348216, 0.1226252259061151, 0.3919146027978737,
    0.2946125849830331, 0.2443633329371147, 0.5118716805271397, 0.3703419992728921,
    0.2300393804844164, 0.1097169756303528, 0.4048538125944118, 0.2888864493871341,
    0.1269963653162665, 0.4664396482520295, 0.3927851957890499, 0.207672361006129,
    0.457582612188509, 0.3975792843933099, 0.2486876056661866, 0.0833273971900102,
    0.4391692123404992, 0.3042114155329289, 0.1779116640626362, 0.5280470458060377,
    0.3902452498637234, 0.2202430115265427, 0.06960915785933308, 0.385730249474899,
    0.2584052048020126, 0.2044938471950683, 0.4882370471254076, 0.348928615667803,
]  # fmt: skip
# EBImoran.mc(d, n, W, nsim = 2): $z[1:4] and $statistic
EBI_Z = [-1.578912513092123, 0.855588176189872, -0.1880251499881609, -1.297432238972204]
EBI = -0.09500572633562261


def cube(values) -> xr.DataArray:
    values = np.asarray(values, dtype=float)
    values = values.reshape(len(values), *values.shape[1:], *([1] * (3 - values.ndim)))
    chains, years = (list(range(size)) for size in values.shape[1:])
    places = [f"{i:06d}" for i in range(len(values))]
    coords = {"place": places, "chain": chains, "year": years}
    return xr.DataArray(values, dims=("place", "chain", "year"), coords=coords)


def flat(found, name="rate_eb"):
    return found[name].to_numpy()[:, 0, 0]


def test_four_places_are_shrunk_as_worked_by_hand():
    # x = 1 9 0 10 of 10: b = .5, s2 = .205, a = .205 - .5/10 = .155; weight .155/(.155 + .05)
    found = marshall(cube([1, 9, 0, 10]), cube([10] * 4))
    weight = 0.155 / 0.205
    np.testing.assert_allclose(flat(found), 0.5 + weight * np.array([-0.4, 0.4, -0.5, 0.5]))
    np.testing.assert_allclose(flat(found, "reliability"), weight)
    np.testing.assert_allclose(flat(found, "prior"), 0.5)


def test_global_rates_are_those_of_spdep():
    np.testing.assert_allclose(flat(marshall(cube(D), cube(N))), POISSON, rtol=1e-8)
    found = marshall(cube(D), cube(N), family="binomial")
    np.testing.assert_allclose(flat(found), BINOMIAL, rtol=1e-8)


@pytest.mark.parametrize(("deviation", "expected"), [("each", LOCAL_EACH), ("focal", LOCAL_FOCAL)])
def test_rates_of_the_neighborhood_are_those_of_spdep(deviation, expected):
    found = marshall_local(cube(D), cube(N), GRAPH, deviation=deviation, least_at_risk=0)
    np.testing.assert_allclose(flat(found), expected, rtol=1e-8)


def test_standardized_rates_and_their_moran_are_those_of_spdep():
    z = assuncao_reis(cube(D), cube(N), family="poisson")
    np.testing.assert_allclose(z.to_numpy().ravel()[:4], EBI_Z, rtol=1e-8)
    found = global_statistic(z, GRAPH, Inference(seed=1, permutations=0))
    assert float(found.statistic[0, 0]) == pytest.approx(EBI, rel=1e-8)


def test_places_that_differ_by_chance_only_get_the_common_rate_and_an_interval_with_width():
    # EBest(rep(5, 4), rep(10, 4)): a = 0, so every estimate is b
    found = marshall(cube([5, 5, 5, 5]), cube([10] * 4))
    np.testing.assert_allclose(flat(found), 0.5)
    assert (flat(found, "rate_eb_low") < 0.45).all()
    assert (flat(found, "rate_eb_high") > 0.55).all()


def test_the_interval_is_that_of_the_gamma_posterior():
    from scipy.stats import gamma

    found = marshall(cube([1, 9, 0, 10]), cube([10] * 4))
    worth = 0.5 / 0.155
    posterior = gamma(1 + worth * 0.5, scale=1 / (10 + worth))
    assert flat(found, "rate_eb_low")[0] == pytest.approx(posterior.ppf(0.025))
    assert flat(found, "rate_eb_high")[0] == pytest.approx(posterior.ppf(0.975))
    assert posterior.mean() == pytest.approx(flat(found)[0])


def test_a_region_has_a_prior_of_its_own_where_it_has_enough_firms():
    groups = pd.Series(["01"] * 30 + ["02"] * 10, index=cube(N)["place"].to_numpy())
    found = flat(marshall(cube(D), cube(N), groups=groups))
    alone = flat(marshall(cube(D[:30]), cube(N[:30])))
    np.testing.assert_allclose(found[:30], alone)
    few = np.where(CELL < 30, N, 1)
    hits = np.where(CELL < 30, D, 1)
    found = flat(marshall(cube(hits), cube(few), groups=groups))
    np.testing.assert_allclose(found[30:], flat(marshall(cube(hits), cube(few)))[30:])


def test_a_place_without_a_neighbor_borrows_from_the_whole_map():
    graph = lattice_graph(5, 8, islands=1)
    d, n = np.append(D, 3), np.append(N, 3)
    found = marshall_local(cube(d), cube(n), graph)
    whole = marshall(cube(d), cube(n))
    assert flat(found)[40] == pytest.approx(flat(whole)[40])
    raw = marshall_local(cube(d), cube(n), graph, least_at_risk=0)
    assert flat(raw)[40] == 1.0  # as in spdep: nothing to borrow from


def test_places_outside_the_coverage_or_without_firms_are_missing_and_change_nothing():
    gap = np.arange(40) % 7 == 3
    d, n = np.where(gap, np.nan, D), np.where(gap, np.nan, N)
    d0, n0 = np.where(gap, 0, D), np.where(gap, 0, N)
    for compute in (marshall, lambda a, b: marshall_local(a, b, GRAPH)):
        found, zeros = compute(cube(d), cube(n)), compute(cube(d0), cube(n0))
        xr.testing.assert_identical(found, zeros)
        assert (np.isnan(flat(found)) == gap).all()
    alone = flat(marshall(cube(D[~gap]), cube(N[~gap])))
    np.testing.assert_allclose(flat(marshall(cube(d), cube(n)))[~gap], alone)


@pytest.mark.parametrize("digital", [0.0, 1.0])
@pytest.mark.parametrize("family", ["poisson", "binomial"])
def test_a_map_of_none_or_all_digital_has_an_interval(digital, family):
    found = marshall(cube(N * digital), cube(N), family=family)
    np.testing.assert_allclose(flat(found), digital)
    assert (flat(found, "rate_eb_high") >= digital).all()
    assert (flat(found, "rate_eb_low") <= digital).all()
    assert (flat(found, "rate_eb_high") > flat(found, "rate_eb_low")).all()


@settings(deadline=None, derandomize=True, max_examples=30)
@given(seed=st.integers(0, 10_000), family=st.sampled_from(["poisson", "binomial", "local"]))
def test_estimates_lie_between_the_raw_rate_and_the_prior_and_in_their_interval(seed, family):
    rng = np.random.default_rng(seed)
    n = rng.integers(0, 9, 40)
    x = rng.binomial(n, rng.beta(1, 3, 40))
    order = rng.permutation(40)

    def compute(rows):
        d, at_risk = cube(x).isel(place=rows), cube(n).isel(place=rows)
        if family == "local":
            return marshall_local(d, at_risk, GRAPH, least_at_risk=20)
        return marshall(d, at_risk, family=family)

    found = compute(np.arange(40))
    seen = n > 0
    raw, eb, prior = (flat(found, name)[seen] for name in ("rate", "rate_eb", "prior"))
    assert (eb >= np.minimum(raw, prior) - 1e-12).all()
    assert (eb <= np.maximum(raw, prior) + 1e-12).all()
    assert (flat(found, "rate_eb_low")[seen] <= eb).all()
    assert (eb <= flat(found, "rate_eb_high")[seen]).all()
    there = compute(order).sortby("place")
    np.testing.assert_allclose(flat(there), flat(found), atol=1e-12)


@pytest.mark.parametrize(
    ("x", "n", "family"), [([-1], [3], "poisson"), ([1], [0], "poisson"), ([4], [3], "binomial")]
)
def test_figures_that_are_no_counts_are_refused(x, n, family):
    with pytest.raises(StatisticsError, match="COUNTS_INVALID: 1 cells"):
        marshall(cube(x), cube(n), family=family)


def test_tables_and_graphs_of_other_places_are_refused():
    with pytest.raises(StatisticsError, match="INDEX_MISMATCH"):
        marshall(cube([1, 2]), cube([1, 2, 3]))
    with pytest.raises(StatisticsError, match="INDEX_MISMATCH"):
        marshall_local(cube(D[:5]), cube(N[:5]), GRAPH)
