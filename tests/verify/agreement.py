"""Statistics of the engine beside those of esda, spdep and GeoDa, after the documented scaling."""

import dataclasses
import warnings

import numpy as np

from geo_engine.indicators.marshall import marshall, marshall_local
from geo_engine.indicators.rates import assuncao_reis
from geo_engine.space import LocalTest, local_autocorrelation
from geo_engine.space.bivariate import local_bivariate_moran
from geo_engine.space.geary import local_geary
from geo_engine.space.global_statistics import global_statistic, join_counts, lee
from geo_engine.space.panel_maps import Inference
from tests.indicators import test_marshall as eb
from tests.space import lattice_cases as lattice
from tests.space import test_global_statistics as printed
from tests.space import test_spdep_local as local_printed
from tests.space.conftest import panel
from tests.verify.nulls import territory

QUIET = Inference(seed=1, permutations=0)
GUERRY_FIRST = 0.392663447638106
"""Local bivariate Moran of Crm_prs here and Litercy around, first unit, as GeoDa prints it."""


def apart(ours, theirs):
    """Give the largest difference, relative to the largest value."""
    ours, theirs = np.asarray(ours, float), np.asarray(theirs, float)
    seen = np.isfinite(theirs)
    return float(np.abs(ours - theirs)[seen].max() / np.abs(theirs[seen]).max())


def flat(found, name):
    """Give the only map of a result."""
    return found[name].transpose("place", ...).to_numpy()[:, 0, 0]


def with_esda():
    """Compare on all municipalities that have neighbors; rows of name, scaling, difference."""
    import esda

    where = territory()
    graph = where.graphs["queen"]
    linked = graph.cardinalities.to_numpy() > 0
    graph = graph.subgraph(graph.unique_ids[linked])
    values = np.random.default_rng(53).gamma(1.5, size=graph.n)
    n, shaped = graph.n, panel(values, graph.unique_ids)
    test = LocalTest(counts=False, seed=1, details=True)
    local, _ = local_autocorrelation(shaped, graph, test)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        weights, rows = graph.to_W(), graph.transform("r")
        moran = esda.Moran_Local(values, rows, permutations=0, n_jobs=1, seed=1)
        star = esda.G_Local(values, weights, transform="B", star=True, permutations=0, n_jobs=1)
        plain = esda.G_Local(values, weights, transform="B", permutations=0, n_jobs=1)
        geary = esda.Geary_Local(connectivity=rows, permutations=0, n_jobs=1).fit(values)
        whole = {
            "moran": esda.Moran(values, rows, permutations=0),
            "geary": esda.Geary(values, rows, permutations=0),
            "getis_ord": esda.G(values, graph.transform("b"), permutations=0),
        }
    gi = flat(local, "gi")
    of_geary = flat(local_geary(shaped, graph, Inference(seed=1)), "statistic")
    rows = [
        ("local Moran", "n / (n - 1)", apart(flat(local, "moran"), moran.Is * n / (n - 1))),
        ("its conditional mean", "none", apart(flat(local, "moran_expected"), moran.EIc)),
        ("its conditional variance", "none", apart(flat(local, "moran_variance"), moran.VIc)),
        ("Gi*, standardized", "none", apart(flat(local, "gi_star"), star.Zs)),
        ("Gi, standardized", "one factor", apart(gi, plain.Zs * (gi / plain.Zs)[0])),
        ("local Geary", "none", apart(of_geary, geary.localG)),
    ]
    names = {"moran": ("I", "VI_rand"), "geary": ("C", "VC_rand"), "getis_ord": ("G", "VG")}
    for kind, (value, variance) in names.items():
        found = global_statistic(shaped, graph, QUIET, kind=kind)
        ours = [float(found[name][0, 0]) for name in ("statistic", "variance")]
        theirs = [getattr(whole[kind], value), getattr(whole[kind], variance)]
        off = max(abs(a / b - 1) for a, b in zip(ours, theirs, strict=True))
        rows.append((f"global {kind}, value and variance", "none", off))
    return rows


def with_spdep():
    """Compare with the numbers that spdep printed, which the tests hold with their R calls."""
    on, graph = lattice.on, lattice.GRAPH
    rows = []
    for kind, numbers in printed.SPDEP.items():
        found = global_statistic(on(lattice.X), graph, QUIET, kind=kind)
        names = ("statistic", "expected", "variance", "z_score")
        off = max(
            abs(float(found[name][0, 0]) / value - 1)
            for name, value in zip(names, numbers, strict=True)
        )
        rows.append((f"{kind}.test: value, mean, variance, deviate", off))
    rows += local_printed.differences()
    joins = join_counts(on(lattice.B), graph, QUIET)
    rows.append(
        (
            "joincount.multi: variance of 1:1",
            apart([float(joins["bb_variance"][0, 0])], [14.6232608347995]),
        )
    )
    found = float(lee(on(lattice.X), on(lattice.Y), graph, QUIET)["statistic"][0, 0])
    rows.append(("lee: L", apart([found], [0.0228573460774889])))
    d, n = eb.cube(eb.D), eb.cube(eb.N)
    for name, found, expected in (
        ("EBest, Poisson", marshall(d, n), eb.POISSON),
        ("EBest, binomial", marshall(d, n, family="binomial"), eb.BINOMIAL),
        (
            "EBlocal",
            marshall_local(d, n, eb.GRAPH, deviation="each", least_at_risk=0),
            eb.LOCAL_EACH,
        ),
        ("EBlocal, GeoDa's", marshall_local(d, n, eb.GRAPH, least_at_risk=0), eb.LOCAL_FOCAL),
    ):
        rows.append((name, apart(eb.flat(found), expected)))
    rates = assuncao_reis(d, n, family="poisson")
    rows.append(("EBImoran.mc: rates", apart(rates.to_numpy().ravel()[:4], eb.EBI_Z)))
    index = float(global_statistic(rates, eb.GRAPH, QUIET)["statistic"][0, 0])
    rows.append(("EBImoran.mc: index", apart([index], [eb.EBI])))
    return rows


def with_guerry(folder):
    """Give our value for the first unit of Guerry's France, beside GeoDa's."""
    import geopandas as gpd

    from geo_engine.graph import contiguity

    table = gpd.read_file(folder / "reference" / "guerry" / "Guerry.shp")
    graph = contiguity(table)
    crimes, literacy = (panel(table[name], graph.unique_ids) for name in ("Crm_prs", "Litercy"))
    settings = dataclasses.replace(QUIET, permutations=999)
    found = local_bivariate_moran(crimes, literacy, graph, settings)
    return float(flat(found, "statistic")[0])
