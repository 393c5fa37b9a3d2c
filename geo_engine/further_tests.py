"""Further local tests that a study asks for: other statistics, and two variables."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import xarray as xr
from libpysal.graph import Graph

from geo_engine.indicators.marshall import marshall_local
from geo_engine.indicators.rates import assuncao_reis
from geo_engine.inference import context
from geo_engine.plan import Plan
from geo_engine.space.bivariate import local_bivariate_moran
from geo_engine.space.geary import local_geary
from geo_engine.space.join_counts import local_join_count, local_join_count_of_two
from geo_engine.space.losh import local_heteroscedasticity
from geo_engine.space.panel_maps import Inference
from geo_engine.study_statistics import Further
from geo_engine.tables import LOCAL_MISSING, LOCAL_OK, LOCAL_STATUSES, QUADRANTS, TAIL_METHODS

FURTHER_COLUMNS = (
    "test",
    "chain",
    "other",
    "year",
    "pro_com_t",
    "statistic",
    "expected",
    "variance",
    "p_value",
    "p_error",
    "q_value",
    "label",
    "method",
    "status",
)
"""Columns of the long table of further tests."""

LABELS = {
    "geary": ("similar", "different"),
    "multivariate_geary": ("similar", "different"),
    "join_count": ("few_joins", "many_joins"),
    "join_count_of_two": ("few_joins", "many_joins"),
    "co_location": ("few_joins", "many_joins"),
    "heteroscedasticity": ("homogeneous", "heterogeneous"),
    "neighborhood_rate": ("below_neighborhood", "above_neighborhood"),
}
"""What a statistic below and above its expectation says; a bivariate Moran has its quadrant."""


def further_tests(plan: Plan, panel: xr.Dataset, graph: Graph) -> pd.DataFrame:
    """Carry out the further local tests of a study.

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
    DataFrame
        ``FURTHER_COLUMNS``, sorted by them; ``other`` is "" for one variable. Shares enter as
        standardized rates; join counts ask where they are above the mean of their map. The q-value
        is within test, chain and year.
    """
    covered = panel.sel(place=plan.places.index[plan.places["covered"]])
    rates = assuncao_reis(covered["digital"], covered["known"])
    tables = [
        _table(asked, name, found)
        for asked in plan.study.statistics.further
        for name, found in _found(asked, plan, (covered, rates), graph)
    ]
    if not tables:
        return pd.DataFrame(columns=list(FURTHER_COLUMNS))
    keys = ["test", "chain", "other", "year", "pro_com_t"]
    return pd.concat(tables, ignore_index=True).sort_values(keys, ignore_index=True)


def _found(
    asked: Further, plan: Plan, panel: tuple[xr.Dataset, xr.DataArray], graph: Graph
) -> list[tuple[str, xr.Dataset]]:
    """Test each chain that is asked for; the name is that of the second variable."""
    covered, rates = panel
    inference = Inference(
        seed=plan.study.seed,
        alternative=plan.study.statistics.alternative,
        min_places=plan.study.statistics.min_covered_places,
    )
    chosen = [asked.chain] if asked.chain else list(plan.chains)
    values = rates.sel(chain=chosen)
    if asked.test == "neighborhood_rate":
        return [("", _neighborhood_rate(covered.sel(chain=chosen), graph))]
    if asked.other is None:
        return [("", _ALONE[asked.test](values, graph, inference))]
    if asked.other in plan.chains:
        other = rates.sel(chain=asked.other, drop=True)
        values = values.sel(chain=[chain for chain in chosen if chain != asked.other])
        around = xr.concat([other] * values.sizes["chain"], dim=values["chain"])
    else:
        around = context(plan, covered.sel(chain=values["chain"].to_numpy()), str(asked.other))
    around = around.transpose(*values.dims)
    return [(str(asked.other), _PAIRED[asked.test](values, around, graph, inference))]


def _neighborhood_rate(counts: xr.Dataset, graph: Graph) -> xr.Dataset:
    """Shrink shares toward those of the neighborhood: an estimate and its prior, without a test."""
    found = marshall_local(counts["digital"], counts["known"], graph)
    seen = found["rate_eb"].notnull()  # noqa: PD004 - xarray's name
    blank = xr.full_like(found["rate_eb"], np.nan)
    return xr.Dataset(
        {
            "statistic": found["rate_eb"],
            "expected": found["prior"].where(seen),
            **dict.fromkeys(("variance", "p_value", "p_error", "q_value"), blank),
            "method": xr.zeros_like(seen, dtype=np.int8),
            "status": seen.copy(data=np.where(seen, LOCAL_OK, LOCAL_MISSING)),
        }
    )


def _above_mean(values: xr.DataArray) -> xr.DataArray:
    """Give 1 above the mean of a map, 0 elsewhere, NaN without a value."""
    return (values > values.mean("place")).astype(np.float64).where(np.isfinite(values))


_ALONE: dict[str, Callable[[xr.DataArray, Graph, Inference], xr.Dataset]] = {
    "geary": local_geary,
    "join_count": lambda values, graph, how: local_join_count(_above_mean(values), graph, how),
    "heteroscedasticity": local_heteroscedasticity,
}
_PAIRED: dict[str, Callable[[xr.DataArray, xr.DataArray, Graph, Inference], xr.Dataset]] = {
    "multivariate_geary": lambda one, two, graph, how: local_geary([one, two], graph, how),
    "bivariate_moran": local_bivariate_moran,
    "join_count_of_two": lambda one, two, graph, how: local_join_count_of_two(
        _above_mean(one), _above_mean(two), graph, how, kind="bivariate"
    ),
    "co_location": lambda one, two, graph, how: local_join_count_of_two(
        _above_mean(one), _above_mean(two), graph, how, kind="co_location"
    ),
}


def _table(asked: Further, other: str, found: xr.Dataset) -> pd.DataFrame:
    """Lay one test out with a row for each place, chain and year."""
    dims = ("chain", "year", "place")
    table = found.transpose(*dims).to_dataframe(dim_order=list(dims)).reset_index()
    if "quadrant" in table:
        label = np.array(QUADRANTS, dtype=object)[table["quadrant"]]
    else:
        below, above = LABELS[asked.test]
        high = table["statistic"] > table["expected"]
        label = np.where(high, above, below).astype(object)
    # An estimate is no test, and has no p.
    decisive = "statistic" if asked.test == "neighborhood_rate" else "p_value"
    tested = table[decisive].notna()
    return pd.DataFrame(
        {
            "test": asked.test,
            "chain": table["chain"].astype(str),
            "other": other,
            "year": table["year"].astype("int16"),
            "pro_com_t": table["place"].astype(str),
            **{name: table[name] for name in FURTHER_COLUMNS[5:11]},
            "label": np.where(tested, label, ""),
            "method": np.array(TAIL_METHODS, dtype=object)[table["method"].astype(int)],
            "status": np.array(LOCAL_STATUSES, dtype=object)[table["status"].astype(int)],
        }
    )
