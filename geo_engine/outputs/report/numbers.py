"""The figures of a territory: published ones, or sums of those of its municipalities."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr

from geo_engine.change.difference import newcombe_interval
from geo_engine.indicators.intervals import wilson
from geo_engine.indicators.similar_places import similar_places
from geo_engine.indicators.specialization import specialization
from geo_engine.outputs.report.territory import Territory
from geo_engine.run_folder import RunFolder

MEASURES = (
    "firms",
    "known",
    "digital",
    "share",
    "share_low",
    "share_high",
    "location_quotient",
    "location_quotient_low",
    "location_quotient_high",
    "growth",
    "growth_low",
    "growth_high",
    "firms_per_1000",
    "share_status",
)
SIMILAR = 5
"""Similar provinces or regions that a sheet lists."""


def figures_of(run: RunFolder, territory: Territory) -> pd.DataFrame:
    """Give the figures of a territory by chain and year.

    Parameters
    ----------
    run : RunFolder
        A finished run.
    territory : Territory
        Any.

    Returns
    -------
    DataFrame
        Indexed by chain (in the order of the study) and year: ``MEASURES`` and, for sums, the
        municipalities ``shown`` and ``withheld``. Published where the run has the territory;
        otherwise the sum of the published figures of its municipalities, where one whose share is
        withheld is neither in the numerator nor in the denominator.
    """
    if territory.kind == "place":
        table = run.panel.sel(place=territory.code, drop=True).to_dataframe()
        return _ordered(table.reorder_levels(["chain", "year"]), run)
    if territory.geography:
        table = level_figures(run, territory.geography, territory.code)
        if table["firms"].notna().any():
            return table
    return summed(run, territory.members)


def level_figures(run: RunFolder, geography: str, code: str) -> pd.DataFrame:
    """Give the published figures of a province, region, zone or the country.

    Parameters
    ----------
    run : RunFolder
        A finished run.
    geography, code : str
        As in levels.parquet.

    Returns
    -------
    DataFrame
        As :func:`figures_of`.
    """
    empty = run.levels.iloc[:0]
    rows = run.level_tables.get((geography, code), empty)
    return _ordered(rows.astype({"chain": str}).set_index(["chain", "year"]), run)


def summed(run: RunFolder, members: tuple[str, ...]) -> pd.DataFrame:
    """Add up what is published of municipalities.

    Parameters
    ----------
    run : RunFolder
        A finished run.
    members : tuple of str
        Their ``pro_com_t``.

    Returns
    -------
    DataFrame
        As :func:`figures_of`.
    """
    panel = run.panel[["firms", "known", "digital", "share", "all_firms"]]
    here = panel.sel(place=[each for each in members if each in run.places.index])
    finite = here[["share", "digital"]].map(np.isfinite)
    shown = finite["share"] & finite["digital"]
    sums = xr.Dataset(
        {
            "firms": here["firms"].sum("place"),
            "known": here["known"].where(shown).sum("place"),
            "digital": here["digital"].where(shown).sum("place"),
            "shown": shown.sum("place"),
            "withheld": (~shown & (here["firms"] > 0)).sum("place"),
        }
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        sums["share"] = sums["digital"] / sums["known"]
    low, high = wilson(sums["digital"].to_numpy(), sums["known"].to_numpy())
    sums["share_low"], sums["share_high"] = (("chain", "year"), low), (("chain", "year"), high)
    everyone = panel["all_firms"].isel(chain=0, drop=True)
    population = float(run.places["population"].reindex(list(members)).sum())
    sums["firms_per_1000"] = 1000 * sums["firms"] / population
    quotient = specialization(
        here["firms"].sum("place").expand_dims(territory=["t"]),
        totals=everyone.sel(place=here["place"]).sum("place").expand_dims(territory=["t"]),
        whole=(panel["firms"].sum("place"), everyone.sum("place")),
    ).isel(territory=0, drop=True)
    names = ("location_quotient", "location_quotient_low", "location_quotient_high")
    table = sums.assign({name: quotient[name] for name in names}).to_dataframe()
    table["share_status"] = np.where(table["shown"] > 0, "ok", "suppressed")
    return _ordered(table.reorder_levels(["chain", "year"]), run)


def _ordered(table: pd.DataFrame, run: RunFolder) -> pd.DataFrame:
    """Give all measures in the order of the chains and years; absent ones are missing."""
    keys = pd.MultiIndex.from_product(
        [[chain.key for chain in run.facts.chains], sorted(run.facts.years)],
        names=["chain", "year"],
    )
    columns = [*MEASURES, *(name for name in ("shown", "withheld") if name in table)]
    return table.reindex(index=keys, columns=columns)


def share_change(run: RunFolder, figures: pd.DataFrame, chain: str) -> dict[str, float]:
    """Give the change of a share between the first and the last year, where nothing broke.

    Parameters
    ----------
    run : RunFolder
        A finished run.
    figures : DataFrame
        Of :func:`figures_of`.
    chain : str
        A chain.

    Returns
    -------
    dict
        ``first``, ``last`` (shares), ``change``, ``low``, ``high`` (0.01 is one point); NaN where
        a share is missing or the series breaks. As the municipalities' own change in the run:
        Newcombe's interval, both years taken as independent.
    """
    years = sorted(run.facts.years)
    before, after = (figures.loc[(chain, year)] for year in (years[0], years[-1]))
    missing = dict.fromkeys(("first", "last", "change", "low", "high"), np.nan)
    broken = any(
        each["chain"] == chain and each["indicator"] in ("share", "digital")
        for each in run.manifest.get("series_breaks", [])
    )
    parts = [before["digital"], before["known"], after["digital"], after["known"]]
    x1, n1, x2, n2 = (np.array([float(part)]) for part in parts)
    versions = run.facts.index_versions
    broken |= bool(versions) and versions[0] != versions[-1]  # two editions of the index
    if len(years) < 2 or broken or not np.isfinite([x1, n1, x2, n2]).all() or not n1 * n2:
        return missing
    low, high = newcombe_interval(x1, n1, x2, n2)
    first, last = float(before["share"]), float(after["share"])
    ends = {"low": float(low[0]), "high": float(high[0])}
    return {"first": first, "last": last, "change": last - first, **ends}


def rank_intervals(run: RunFolder, chain: str, year: int) -> pd.DataFrame:
    """Give the ranks that each municipality may have by its corrected share, as the atlas does.

    Parameters
    ----------
    run : RunFolder
        A finished run.
    chain : str
        A chain.
    year : int
        A year.

    Returns
    -------
    DataFrame
        Indexed by ``pro_com_t``, where a share is published: ``first`` (after all whose whole
        interval is higher), ``last`` (before all whose whole interval is lower), ``all``.
    """
    at = run.panel[["share_eb", "share_eb_low", "share_eb_high"]].sel(chain=chain, year=year)
    frame = at.to_dataframe()[["share_eb", "share_eb_low", "share_eb_high"]].dropna()
    low, high = frame["share_eb_low"].to_numpy(), frame["share_eb_high"].to_numpy()
    above = len(low) - np.searchsorted(np.sort(low), high, side="right")
    below = np.searchsorted(np.sort(high), low, side="left")
    return pd.DataFrame(
        {"first": above + 1, "last": len(low) - below, "all": len(low)}, index=frame.index
    )


def similar_levels(run: RunFolder, territory: Territory) -> list[str]:
    """Find the provinces or regions most like one in size, density and specialization.

    Parameters
    ----------
    run : RunFolder
        A finished run.
    territory : Territory
        A province or a region.

    Returns
    -------
    list of str
        Codes, the most similar first; fewer territories than asked for give what there is.
    """
    column = "cod_prov" if territory.kind == "province" else "cod_reg"
    covered = run.places[run.places["covered"]]
    sums = covered.groupby(column)[["population", "area_km2"]].sum()
    levels = run.levels
    last = levels[(levels["geography"] == territory.geography) & (levels["year"] == run.last_year)]
    quotients = last.pivot_table("location_quotient", "code", "chain", observed=True)
    features = sums.assign(density=sums["population"] / sums["area_km2"]).join(quotients)
    number = min(SIMILAR, len(features.dropna()) - 1)
    if number < 1 or territory.code not in features.index:
        return []
    found = similar_places(features, number=number)
    at = features.index.get_loc(territory.code)
    return [str(features.index[i]) for i in found.neighbors[at] if i >= 0]
