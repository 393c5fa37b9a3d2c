"""Each place beside others: similar places, benchmarks, priorities."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr

from geo_engine.errors import StatisticsError
from geo_engine.indicators.area_variables import EVERYONE, QUOTIENTS
from geo_engine.indicators.benchmarks import (
    Benchmark,
    benchmark_ratios,
    benchmark_shares,
    group_benchmark,
    similar_benchmark,
)
from geo_engine.indicators.marshall import marshall
from geo_engine.indicators.priorities import PRIORITY_RULE, Need, priority_table
from geo_engine.indicators.similar_places import SimilarPlaces, similar_places
from geo_engine.indicators.specialization import expected_firms
from geo_engine.study_indicators import SimilarKeys

SIMILAR_COLUMNS = ("pro_com_t", "order", "neighbor", "distance")
RULE_IT = (
    "agire: l'intervallo del quoziente di localizzazione sta tutto sopra 1, quello della quota "
    "tutto sotto il riferimento, le imprese sono almeno {least_firms} e la quota non sale; "
    "accompagnare: lo stesso, ma la quota sale; osservare: quoziente sopra 1 e quota sotto il "
    "riferimento, senza certezza o con meno imprese; consolidare: l'intervallo del quoziente sta "
    "tutto sopra 1, le imprese sono almeno {least_firms} e la quota è al riferimento o sopra; "
    "nessuna: tutti gli altri casi. Entro una classe l'ordine segue le imprese che mancano al "
    "riferimento: (riferimento - quota) per il numero di imprese. La quota è quella corretta per i "
    "piccoli numeri (stima bayesiana empirica, verso la regione) con il suo intervallo di "
    "credibilità; se sale lo dicono le quote grezze del primo e dell'ultimo anno. "
    "Il riferimento è {reference}. "
    "È un ordine in cui guardare, non la prova che un intervento funzionerebbe."
)
REFERENCES_IT = "la quota della filiera nel territorio coperto", "l'obiettivo del {target:.0%}"
REFERENCES_EN = "the chain's share in the covered territory", "the target of {target:.0%}"


@dataclass(frozen=True, kw_only=True)
class PriorityRule:
    """How priorities are set, to be set again from what may be published."""

    target: float | None
    """Share to reach; the covered territory's when None."""
    least_firms: int

    @property
    def italian(self) -> str:
        """Say the rule in Italian."""
        words = REFERENCES_IT[self.target is not None]
        reference = words.format(target=self.target or 0.0)
        return RULE_IT.format(least_firms=self.least_firms, reference=reference)

    @property
    def english(self) -> str:
        """Say the rule in English."""
        reference = REFERENCES_EN[self.target is not None].format(target=self.target or 0.0)
        rule = PRIORITY_RULE.format(least_firms=self.least_firms)
        return f"{rule} The reference is {reference}."


def reference_share(panel: xr.Dataset) -> xr.DataArray:
    """Give the digital share of each chain and year over all places of a panel.

    Parameters
    ----------
    panel : Dataset, dims ("place", "chain", "year")
        digital, known; NaN in either is left out.

    Returns
    -------
    DataArray, dims ("chain", "year")
    """
    both = np.isfinite(panel["digital"]) & np.isfinite(panel["known"])
    known = panel["known"].where(both).sum("place")
    share = panel["digital"].where(both).sum("place") / known.where(known > 0)
    return share.transpose("chain", "year")


def need_of(panel: xr.Dataset, target: float | None, reference: xr.DataArray | None = None) -> Need:
    """Put together what the crossing of specialization and need is made of.

    Parameters
    ----------
    panel : Dataset, dims ("place", "chain", "year")
        Location quotients with their interval, ``share_eb`` with its own, digital and known.
    target : float, optional
        Share to reach.
    reference : DataArray, optional
        Dims ("chain", "year"); by default :func:`reference_share` of the panel.

    Returns
    -------
    Need
        The reference is the target, or else the share of the whole.
    """
    if target is not None:
        reference = xr.DataArray(target)
    elif reference is None:
        reference = reference_share(panel)
    return Need(
        specialization=panel[list(QUOTIENTS)],
        share=panel["share_eb"],
        share_low=panel["share_eb_low"],
        share_high=panel["share_eb_high"],
        reference=reference,
    )


def priorities(
    panel: xr.Dataset,
    change: xr.Dataset,
    rule: PriorityRule,
    reference: xr.DataArray | None = None,
) -> pd.DataFrame:
    """List the places and chains of the latest year in the order in which to act.

    Parameters
    ----------
    panel : Dataset, dims ("place", "chain", "year")
        As :func:`need_of`, with ``firms`` and ``growth``.
    change : Dataset, dims ("place", "chain")
        ``direction`` of the share.
    rule : PriorityRule
        Reference and least number of firms.
    reference : DataArray, optional
        As :func:`need_of`.

    Returns
    -------
    DataFrame
        ``Results.priorities``.
    """
    at = {"year": int(np.argmax(panel["year"].to_numpy()))}
    last = panel.isel(at, drop=True).transpose("place", "chain")
    if reference is not None:
        reference = reference.isel(at, drop=True)
    elif rule.target is None:
        reference = reference_share(panel).isel(at, drop=True)
    trend = change["direction"].reindex_like(last["firms"]).transpose("place", "chain")
    table = priority_table(
        need_of(last, rule.target, reference),
        last["firms"],
        trend=trend,
        growth=last["growth"],
        least_firms=rule.least_firms,
    )
    table = table.rename(columns={"place": "pro_com_t"})
    table.insert(2, "year", int(panel["year"].max()))
    table.attrs.clear()
    return table


def place_features(coastal: pd.Series, given: pd.DataFrame | None) -> pd.DataFrame:
    """Give the features of places that are no figures of the panel.

    Parameters
    ----------
    coastal : Series of bool
        Whether each place has a stretch of coast, told from the boundaries.
    given : DataFrame, optional
        Of the study, by ``pro_com_t``; a column ``coastal`` of its own takes the place of ours.

    Returns
    -------
    DataFrame
        By ``pro_com_t``.
    """
    own = coastal.to_frame("coastal")
    if given is None:
        return own
    return given if "coastal" in given else own.join(given)


def find_similar(
    places: pd.DataFrame,
    panel: xr.Dataset,
    everyone: xr.DataArray,
    features: pd.DataFrame,
    keys: SimilarKeys,
) -> SimilarPlaces | None:
    """Find the covered places most like each.

    Parameters
    ----------
    places : DataFrame
        population, area_km2, covered, by ``pro_com_t``.
    panel : Dataset, dims ("place", "chain", "year")
        ``firms``.
    everyone : DataArray, dims ("place", "year")
        All firms.
    features : DataFrame
        Of :func:`place_features`.
    keys : SimilarKeys
        Number and weights.

    Returns
    -------
    SimilarPlaces or None
        Nearest in residents, density, area, firms, specialization of the latest year (quotients
        shrunk for small numbers; together they weigh as one feature) and the further features.
        None where there are too few places, or none of it varies.

    Raises
    ------
    StatisticsError
        ``WEIGHTS_INVALID``.
    """
    at = {"year": int(np.argmax(panel["year"].to_numpy()))}
    firms, total = panel["firms"].isel(at, drop=True), everyone.isel(at, drop=True)
    table = pd.DataFrame(
        {
            "population": places["population"].astype(float),
            "density": places["population"] / places["area_km2"],
            "area_km2": places["area_km2"],
            "firms": total.to_numpy(),
        },
        index=places.index,
    )
    weights = {**keys.weights}
    own = [str(chain) for chain in firms["chain"].to_numpy() if chain != EVERYONE]
    for chain in own:
        one = firms.sel(chain=[chain])
        expected = expected_firms(one.expand_dims("year", 2), total.expand_dims("year", 1))
        expected = expected.isel(year=0, drop=True)
        counts = one.where(expected > 0), expected.where(expected > 0)
        quotient = marshall(*counts, intervals=False)["rate_eb"]
        table[f"specialization {chain}"] = np.nan_to_num(quotient.to_numpy()[:, 0], nan=1.0)
        weights[f"specialization {chain}"] = keys.weights.get("specialization", 1.0) / len(own)
    table = table.join(features.reindex(places.index))
    table = table[places["covered"].to_numpy(bool)].reindex(places.index)
    try:
        return similar_places(table, number=keys.number, weights=weights)
    except StatisticsError as error:
        if error.code == "WEIGHTS_INVALID":
            raise
        return None


def similar_table(similar: SimilarPlaces | None) -> pd.DataFrame:
    """List the similar places of each.

    Parameters
    ----------
    similar : SimilarPlaces, optional
        None for an empty table.

    Returns
    -------
    DataFrame
        ``SIMILAR_COLUMNS``, by place and nearness; the attribute ``features`` names what was
        compared.
    """
    if similar is None:
        return pd.DataFrame(columns=SIMILAR_COLUMNS)
    codes = similar.index.to_numpy(dtype=object).astype(str)
    row, column = np.nonzero(similar.neighbors >= 0)
    table = pd.DataFrame(
        {
            "pro_com_t": codes[row],
            "order": column + 1,
            "neighbor": codes[similar.neighbors[row, column]],
            "distance": similar.distance[row, column],
        }
    )
    table.attrs["features"] = similar.features
    return table.sort_values(["pro_com_t", "order"], ignore_index=True)


def similar_of_table(table: pd.DataFrame, places: pd.Index) -> SimilarPlaces | None:
    """Give similar places as they were before :func:`similar_table`.

    Parameters
    ----------
    table : DataFrame
        Of :func:`similar_table`.
    places : Index
        ``pro_com_t``, in the order of the panel.

    Returns
    -------
    SimilarPlaces or None
        None for an empty table.
    """
    if table.empty:
        return None
    number = int(table["order"].max())
    neighbors = np.full((len(places), number), -1, np.int64)
    distance = np.full((len(places), number), np.nan)
    at = places.get_indexer(table["pro_com_t"]), table["order"].to_numpy(np.int64) - 1
    neighbors[at] = places.get_indexer(table["neighbor"])
    distance[at] = table["distance"]
    return SimilarPlaces(index=places, neighbors=neighbors, distance=distance, features=())


def compare(
    panel: xr.Dataset, places: pd.DataFrame, similar: SimilarPlaces | None, *, national: bool
) -> xr.Dataset:
    """Compare share and density of each place with its province, region, country and its like.

    Parameters
    ----------
    panel : Dataset, dims ("place", "chain", "year")
        firms, digital, known.
    places : DataFrame
        cod_prov, cod_reg, population, by ``pro_com_t``, in the order of the panel.
    similar : SimilarPlaces, optional
        Left out when None.
    national : bool
        Whether the whole country is covered.

    Returns
    -------
    Dataset, dims ("benchmark", "place", "chain")
        ``Results.benchmarks``: of the latest year.
    """
    at = {"year": int(np.argmax(panel["year"].to_numpy()))}
    last = panel[["firms", "digital", "known"]].isel(at, drop=True).transpose("place", "chain")
    against = benchmarks_of(places, similar, national=national)
    residents = last["firms"].copy(
        data=np.repeat(places["population"].to_numpy(float)[:, None], last.sizes["chain"], axis=1)
    )
    density = benchmark_ratios(1000 * last["firms"], residents, against)
    return benchmark_shares(last["digital"], last["known"], against).assign(
        {f"firms_per_1000_{name}": density[name] for name in ("reference", "difference")}
    )


def benchmarks_of(
    places: pd.DataFrame, similar: SimilarPlaces | None, *, national: bool
) -> list[Benchmark]:
    """List what places are compared with.

    Parameters
    ----------
    places, similar, national
        As :func:`compare`.

    Returns
    -------
    list of Benchmark
        province, region, country where national, similar where there are any.
    """
    groups = {"province": places["cod_prov"], "region": places["cod_reg"]}
    if national:
        groups["country"] = pd.Series("IT", index=places.index)
    found = [group_benchmark(name, group, places.index) for name, group in groups.items()]
    return found if similar is None else [*found, similar_benchmark(similar)]
