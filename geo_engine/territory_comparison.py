"""Each place beside others: similar places, benchmarks, priorities, concentration of chains."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr

from geo_engine.errors import StatisticsError
from geo_engine.indicators.area_variables import EVERYONE, QUOTIENTS
from geo_engine.indicators.benchmarks import (
    Benchmark,
    benchmark_shares,
    group_benchmark,
    similar_benchmark,
)
from geo_engine.indicators.ellison_glaeser import ellison_glaeser, plant_herfindahl
from geo_engine.indicators.inequality import gini, herfindahl, theil
from geo_engine.indicators.marshall import marshall
from geo_engine.indicators.phases import phase_composition
from geo_engine.indicators.place_sums import PlaceSums
from geo_engine.indicators.priorities import PRIORITY_RULE, Need, priority_table
from geo_engine.indicators.similar_places import SimilarPlaces, similar_places
from geo_engine.indicators.specialization import expected_firms
from geo_engine.study_indicators import SimilarKeys

SIMILAR_COLUMNS = ("pro_com_t", "order", "neighbor", "distance")
CONCENTRATION_COLUMNS = (
    "chain",
    "year",
    "firms",
    "gini",
    "herfindahl",
    "effective_places",
    "theil",
    "theil_between",
    "theil_within",
    "between_share",
    "ellison_glaeser",
    "ellison_glaeser_p",
    "plants",
)
RULE_IT = (
    "agire: l'intervallo del quoziente di localizzazione sta tutto sopra 1, quello della quota "
    "tutto sotto il riferimento, le imprese sono almeno {least_firms} e la quota non sale; "
    "accompagnare: lo stesso, ma la quota sale; osservare: quoziente sopra 1 e quota sotto il "
    "riferimento, senza certezza o con meno imprese; consolidare: l'intervallo del quoziente sta "
    "tutto sopra 1, le imprese sono almeno {least_firms} e la quota è al riferimento o sopra; "
    "nessuna: tutti gli altri casi. Entro una classe l'ordine segue le imprese che mancano al "
    "riferimento: (riferimento - quota) per il numero di imprese. Il riferimento è {reference}. "
    "È un ordine in cui guardare, non la prova che un intervento funzionerebbe."
)
REFERENCES_IT = "la quota della filiera nel territorio coperto", "l'obiettivo del {target:.0%}"


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
        return PRIORITY_RULE.format(least_firms=self.least_firms)


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


def find_similar(
    places: pd.DataFrame,
    panel: xr.Dataset,
    everyone: xr.DataArray,
    features: pd.DataFrame | None,
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
    features : DataFrame, optional
        Further features by ``pro_com_t``.
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
    if features is not None:
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
    """Compare the digital share of each place with its province, region, country and its like.

    Parameters
    ----------
    panel : Dataset, dims ("place", "chain", "year")
        digital, known.
    places : DataFrame
        cod_prov, cod_reg, by ``pro_com_t``, in the order of the panel.
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
    last = panel[["digital", "known"]].isel(at, drop=True).transpose("place", "chain")
    return benchmark_shares(
        last["digital"], last["known"], benchmarks_of(places, similar, national=national)
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


def phase_shares(sums: PlaceSums) -> xr.Dataset:
    """Divide the firms of each chain by phase, in the latest year.

    Parameters
    ----------
    sums : PlaceSums
        By place.

    Returns
    -------
    Dataset, dims ("place", "chain", "phase")
        ``Results.phase_shares``.
    """
    at = {"year": int(np.argmax(sums.phases["year"].to_numpy()))}
    counts = sums.phases.isel(at, drop=True)
    found = phase_composition(counts)
    names = ["phase_share", "phase_share_low", "phase_share_high"]
    return xr.Dataset({"firms": counts} | {name: found[name] for name in names})


def concentration(
    firms: xr.DataArray, everyone: xr.DataArray, sums: PlaceSums, regions: pd.Series
) -> pd.DataFrame:
    """Measure how concentrated each chain is over the covered places.

    Parameters
    ----------
    firms : DataArray, dims ("place", "chain", "year")
        NaN where not covered.
    everyone : DataArray, dims ("place", "year")
        All firms: what an even spread would follow.
    sums : PlaceSums
        By place: persons, where they are known.
    regions : Series
        Region by ``pro_com_t``.

    Returns
    -------
    DataFrame
        ``CONCENTRATION_COLUMNS``, by chain and year; the chain of all firms is left out. Gini and
        Theil compare with all firms; Ellison and Glaeser's index rests on persons employed where
        they are known, else on firms that all count one.
    """
    chains = np.flatnonzero(firms["chain"].to_numpy() != EVERYONE)
    if not len(chains):
        return pd.DataFrame(columns=CONCENTRATION_COLUMNS)
    own = firms.isel(chain=chains)
    spread = theil(own, regions, weights=everyone)
    places = herfindahl(own, dim="place")
    agglomeration, plants = _agglomeration(own, everyone, sums)
    found = xr.Dataset(
        {
            "firms": own.sum("place"),
            "gini": gini(own, weights=everyone),
            "herfindahl": places["herfindahl"],
            "effective_places": places["effective_number"],
            **{str(name): value for name, value in spread.data_vars.items()},
            "ellison_glaeser": agglomeration["gamma"],
            "ellison_glaeser_p": agglomeration["p_value"],
        }
    ).transpose("chain", "year")
    table = found.to_dataframe().reset_index().assign(plants=plants)
    return table[list(CONCENTRATION_COLUMNS)].sort_values(["chain", "year"], ignore_index=True)


def _agglomeration(
    own: xr.DataArray, everyone: xr.DataArray, sums: PlaceSums
) -> tuple[xr.Dataset, str]:
    """Give Ellison and Glaeser's index, and what it counts."""
    if sums.employees is not None and sums.fourths is not None and sums.all_employees is not None:
        persons = sums.employees.sel(chain=own["chain"])
        if float(persons["total"].sum()) > 0:
            fourths = sums.fourths.sel(chain=own["chain"]).expand_dims("place", 0)
            plants = plant_herfindahl(persons, fourths=fourths)
            totals = sums.all_employees["total"]
            return ellison_glaeser(persons["total"], plants, totals=totals), "addetti"
    number = own.sum("place")
    number = number.where(number >= 1)  # parts of firms that make less than one are no plants
    plants = xr.Dataset({"herfindahl": 1 / number, "fourth": 1 / number**3})
    return ellison_glaeser(own, plants, totals=everyone), "imprese"
