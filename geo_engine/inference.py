"""The spatial inference of a study: local tests of all maps, and how far to trust their verdicts.

The official verdict is that of ``local_tests``. Beside it stand one number for each map as a whole
(``whole_maps``), the share of other specifications that agree (``robustness``), the same question
at the scale of provinces and without a hotspot's own main municipality (``probed_hotspots``), and
whatever further local tests the study asks for (``further_tests``).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Hashable, Iterator
from typing import Literal

import geopandas as gpd
import numpy as np
import pandas as pd
import xarray as xr
from libpysal.graph import Graph

from geo_engine import tables
from geo_engine.clusters.probes import Coarser, probe_hotspots
from geo_engine.graph.neighbors import contiguity, restrict
from geo_engine.indicators.marshall import marshall
from geo_engine.indicators.rates import assuncao_reis
from geo_engine.plan import Plan
from geo_engine.space.autocorrelation import LocalTest, local_autocorrelation
from geo_engine.space.global_statistics import global_statistic
from geo_engine.space.panel_maps import Inference
from geo_engine.space.random_labelling import Labels
from geo_engine.space.robustness import hotspot_share
from geo_engine.space.sensitivity import linear_fit, residual_autocorrelation
from geo_engine.tables import q_column

GLOBAL_COLUMNS = (
    "variable",
    "statistic",
    "chain",
    "year",
    "value",
    "expected",
    "variance",
    "z_score",
    "p_value",
    "p_permutation",
    "permutations",
    "places",
)
"""Columns of the table of statistics of whole maps."""
WHOLE_MAPS: tuple[tuple[str, Literal["moran", "geary", "getis_ord"]], ...] = (
    ("firms", "moran"),
    ("firms", "geary"),
    ("firms", "getis_ord"),
    ("share", "moran"),
    ("share", "geary"),
)
"""Variable and statistic; G needs values from zero up, so shares as rates have none."""


def local_test(plan: Plan, *, counts: bool) -> LocalTest:
    """Give the parameters of the official local tests of a study.

    Parameters
    ----------
    plan : Plan
        The resolved study.
    counts : bool
        Whether the values count something.

    Returns
    -------
    LocalTest
        With expected values, variances and the q-values of wider families.
    """
    statistics = plan.study.statistics
    return LocalTest(
        counts=counts,
        alpha=statistics.alpha,
        seed=plan.study.seed,
        family=statistics.family,
        alternative=statistics.alternative,
        correction=statistics.correction,
        min_places=statistics.min_covered_places,
        min_positive=statistics.min_positive_places,
        min_firms=statistics.min_firms,
        details=True,
    )


def local_tests(plan: Plan, panel: xr.Dataset, graph: Graph) -> tuple[xr.Dataset, xr.Dataset]:
    """Test counts ("concentrazione"), standardized shares, and shares net of what goes with them.

    A share's p is the larger of two exact ones: of the rates shuffled among places, which alone
    is too small where firms are few, and of the digital labels shuffled among firms, which alone
    is too small where risks differ without any pattern.

    Parameters
    ----------
    plan : Plan
        The resolved study.
    panel : Dataset, dims ("place", "chain", "year")
        firms, digital, known, location_quotient.
    graph : libpysal.graph.Graph
        Neighbors among the covered places.

    Returns
    -------
    local, maps : Dataset
        ``Results.local`` and ``Results.maps``: variables ``firms``, ``share`` and, where the
        study has terms and a signal, ``residual``.
    """
    covered = panel.sel(place=plan.places.index[plan.places["covered"]])
    digital, known = covered["digital"], covered["known"]
    rates = assuncao_reis(digital, known)
    test = local_test(plan, counts=False)
    tested = {
        "firms": local_autocorrelation(covered["firms"], graph, local_test(plan, counts=True)),
        "share": local_autocorrelation(
            rates, graph, test, labels=Labels(digital=digital, known=known)
        ),
    }
    terms = plan.study.statistics.residual_terms
    if terms and bool(np.isfinite(rates).any()):
        fitted = linear_fit(rates, [context(plan, covered, name) for name in terms])
        tested["residual"] = residual_autocorrelation(rates, fitted, graph, test)
    variable = pd.Index(tested, name="variable")
    local = xr.concat([local for local, _ in tested.values()], dim=variable)
    maps = xr.concat([maps for _, maps in tested.values()], dim=variable)
    maps.attrs.clear()
    local.attrs.clear()
    return _over_all_places(local, panel), maps


def context(plan: Plan, covered: xr.Dataset, name: str) -> xr.DataArray:
    """Give a variable that local tests set beside a share.

    Parameters
    ----------
    plan : Plan
        Its municipalities have area and residents.
    covered : Dataset, dims ("place", "chain", "year")
        Panel of the covered places.
    name : str
        ``population``, ``population_density``, ``firm_density`` or ``location_quotient``.

    Returns
    -------
    DataArray, dims ("place", "chain", "year")
        Logarithms in base 2, NaN where the variable is zero or missing.
    """
    places = plan.places.loc[covered.indexes["place"]]
    like = covered["firms"]
    population = xr.DataArray(places["population"].to_numpy(float), dims="place")
    area = xr.DataArray(places["area_km2"].to_numpy(float), dims="place")
    values = {
        "population": lambda: population,
        "population_density": lambda: population / area,
        "firm_density": lambda: covered["firms"] / area,
        "location_quotient": lambda: covered["location_quotient"],
    }[name]()
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.log2(values.where(values > 0))
    return (xr.zeros_like(like) + logs).transpose(*like.dims)


def whole_maps(plan: Plan, panel: xr.Dataset, graph: Graph) -> pd.DataFrame:
    """Measure each map as a whole: Moran's I, Geary's c, Getis and Ord's G.

    Parameters
    ----------
    plan : Plan
        The resolved study.
    panel : Dataset
        As for :func:`local_tests`.
    graph : libpysal.graph.Graph
        Neighbors among the covered places.

    Returns
    -------
    DataFrame
        ``GLOBAL_COLUMNS``, sorted by variable, statistic, chain and year; maps without a result
        have no row.
    """
    statistics = plan.study.statistics
    covered = panel.sel(place=plan.places.index[plan.places["covered"]])
    values = {
        "firms": covered["firms"],
        "share": assuncao_reis(covered["digital"], covered["known"]),
    }
    inference = Inference(
        seed=plan.study.seed,
        alternative=statistics.alternative,
        permutations=statistics.permutations,
        min_places=statistics.min_covered_places,
    )
    parts = []
    for variable, kind in WHOLE_MAPS:
        found = global_statistic(values[variable], graph, inference, kind=kind)
        table = found.drop_vars("status").to_dataframe().reset_index()
        table = table.rename(columns={"statistic": "value"})
        parts.append(table.assign(variable=variable, statistic=kind))
    table = pd.concat(parts, ignore_index=True).dropna(subset=["value"])
    keys = ["variable", "statistic", "chain", "year"]
    return table[list(GLOBAL_COLUMNS)].sort_values(keys, ignore_index=True)


def robustness(plan: Plan, panel: xr.Dataset, graph: Graph, local: xr.Dataset) -> xr.Dataset:
    """Look for the hotspots again under every combination of other choices.

    Parameters
    ----------
    plan : Plan
        The resolved study and its other graphs.
    panel : Dataset
        As for :func:`local_tests`.
    graph : libpysal.graph.Graph
        The study's own neighbors among the covered places.
    local : Dataset
        The official tests, from :func:`local_tests`.

    Returns
    -------
    Dataset, dims ("place", "chain", "year")
        ``robustness``: share of the specifications (neighbors x alpha x period x smoothing) in
        which the place is a hotspot, of those in which it could be tested; 0 to 1, NaN where in
        none. ``specifications``: in how many it could be tested.
    """
    asked = plan.study.statistics.robustness
    like = panel["known"]
    if not asked.enabled:
        empty = xr.full_like(like, np.nan, dtype=np.float64)
        return xr.Dataset({"robustness": empty, "specifications": xr.zeros_like(empty)})
    results: dict[Hashable, xr.Dataset] = {}
    levels: dict[Hashable, float] = {}
    for name, found in _specifications(plan, panel, graph, local):
        for back in sorted(set(asked.periods)):
            earlier = _years_before(found, back)
            for alpha in sorted(set(asked.alphas)):
                key = (*name, back, alpha)
                results[key], levels[key] = earlier, alpha
    q = q_column(plan.study.statistics.family)
    counted = hotspot_share(results, alpha=levels, q=q).reindex(
        {dim: panel.indexes[dim] for dim in ("place", "chain", "year")}
    )
    return xr.Dataset(
        {
            "robustness": counted["hotspot_share"].transpose(*like.dims),
            "specifications": counted["tested"].fillna(0).transpose(*like.dims),
        }
    )


def _specifications(
    plan: Plan, panel: xr.Dataset, graph: Graph, local: xr.Dataset
) -> Iterator[tuple[tuple[str, str], xr.Dataset]]:
    """Test the shares under each combination of neighbors and smoothing."""
    statistics = plan.study.statistics
    covered = panel.sel(place=plan.places.index[plan.places["covered"]])
    kept = covered.indexes["place"]
    graphs = {statistics.described: graph}
    graphs |= {name: restrict(other, kept) for name, other in plan.other_graphs.items()}
    labels = Labels(digital=covered["digital"], known=covered["known"])
    test = dataclasses.replace(local_test(plan, counts=False), details=statistics.family == "year")
    for smoothing in sorted(set(statistics.robustness.smoothing)):
        values = _smoothed(smoothing, labels)
        for name, neighbors in graphs.items():
            if (name, smoothing) == (statistics.described, "standardized"):
                yield (name, smoothing), local.sel(variable="share", place=kept, drop=True)
            else:
                yield (
                    (name, smoothing),
                    local_autocorrelation(values, neighbors, test, labels=labels)[0],
                )


def _years_before(local: xr.Dataset, back: int) -> xr.Dataset:
    """Give each year the results of so many periods before; the first years have none."""
    if back == 0:
        return local
    years = local["year"].to_numpy()
    return local.isel(year=slice(None, -back)).assign_coords(year=years[back:])


def _smoothed(smoothing: str, labels: Labels) -> xr.DataArray:
    """Give the shares as one specification wants them."""
    if smoothing == "standardized":
        return assuncao_reis(labels.digital, labels.known)
    if smoothing == "empirical_bayes":
        known = labels.known.where(labels.known > 0)
        return marshall(labels.digital.where(known > 0), known, family="binomial")["rate_eb"]
    return labels.digital / labels.known.where(labels.known > 0)


def probed_hotspots(
    plan: Plan,
    hotspots: gpd.GeoDataFrame,
    panels: dict[str, xr.Dataset],
    graph: Graph,
    robust: xr.Dataset,
) -> gpd.GeoDataFrame:
    """Say of each hotspot how robust it is, at another scale, and without its main municipality.

    Parameters
    ----------
    plan : Plan
        The resolved study.
    hotspots : GeoDataFrame
        From ``clusters.hotspots.find_hotspots``.
    panels : dict of str to Dataset
        ``place`` and ``province`` panels: digital and known.
    graph : libpysal.graph.Graph
        Neighbors among the covered places.
    robust : Dataset
        From :func:`robustness`.

    Returns
    -------
    GeoDataFrame
        The same rows with the columns that ``clusters.probes.PROBE_COLUMNS`` describes.
    """
    test = local_test(plan, counts=False)
    covered = panels["place"].sel(place=plan.places.index[plan.places["covered"]])
    return probe_hotspots(
        hotspots,
        covered,
        graph,
        test,
        provinces=Coarser(
            tests=_province_tests(plan, panels["province"], test),
            areas=plan.places["cod_prov"].astype(str),
        ),
        robustness=robust["robustness"],
    )


def _province_tests(plan: Plan, panel: xr.Dataset, test: LocalTest) -> xr.Dataset:
    """Test the shares of provinces, where the coverage holds them whole."""
    provinces = plan.provinces.sort_index()
    levels = panel.rename(province="place").sel(place=provinces.index.to_numpy())
    digital, known = levels["digital"], levels["known"]
    local, _ = local_autocorrelation(
        assuncao_reis(digital, known),
        contiguity(provinces),
        test,
        labels=Labels(digital=digital, known=known),
    )
    return local


def _over_all_places(local: xr.Dataset, panel: xr.Dataset) -> xr.Dataset:
    """Give the places outside the coverage a status, and no value."""
    fill = {
        name: np.nan if values.dtype.kind == "f" else 0 for name, values in local.data_vars.items()
    }
    fill["status"] = tables.LOCAL_NOT_COVERED
    return local.reindex(place=panel["place"], fill_value=fill)
