"""What all sections of a sheet look at: a territory, its figures, whom it is compared to."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd

from geo_engine.chains.definitions import ALL_FIRMS
from geo_engine.indicators.intervals import wilson
from geo_engine.outputs.report.numbers import (
    figures_of,
    level_figures,
    similar_levels,
    summed,
)
from geo_engine.outputs.report.speech import Speech
from geo_engine.outputs.report.territory import Territory, whole_territory
from geo_engine.run_folder import RunFolder

LEAST = 10
"""Fewer firms say nothing of a chain in sentences and rules; the figures are in the tables."""
AROUND = 0.7
"""Neighbors on a map, in parts of the territory's larger side: a long one leaves room beside it."""
NEAREST = 5
"""Similar municipalities of each member that form the pool of a union."""


@dataclass(frozen=True, kw_only=True)
class Comparator:
    """A territory that another is compared to."""

    key: str
    """``province``, ``region``, ``country`` or ``similar``."""
    name: str
    figures: pd.DataFrame
    """As :func:`geo_engine.outputs.report.numbers.figures_of`."""


@dataclass(frozen=True, kw_only=True)
class Basis:
    """One sheet's subject."""

    run: RunFolder
    territory: Territory
    speech: Speech
    figures: pd.DataFrame
    comparators: tuple[Comparator, ...]
    classes: str = "national"
    """``national`` or ``local``: of the maps."""

    @property
    def year(self) -> int:
        """Give the latest year."""
        return self.run.last_year

    @property
    def surveyed(self) -> bool:
        """Tell whether there is a digital signal."""
        return bool(self.run.facts.signal)

    @property
    def last(self) -> pd.DataFrame:
        """Give the figures of the latest year, by chain."""
        return self.figures.xs(self.year, level="year")

    @property
    def present(self) -> list[str]:
        """Name the chains with firms here, in the order of the study."""
        firms = self.last["firms"].fillna(0)
        return [str(key) for key in firms.index if firms[key] > 0]

    @functools.cached_property
    def reference(self) -> Comparator | None:
        """Give the widest territory to compare with, None where there is none."""
        return next((each for each in self.comparators if each.key == "country"), None)

    @functools.cached_property
    def largest(self) -> str:
        """Name the chain with most firms here; all firms together are no chain."""
        firms = self.last["firms"].fillna(0)
        return str((firms.drop(ALL_FIRMS, errors="ignore") if len(firms) > 1 else firms).idxmax())

    @functools.cached_property
    def specialized(self) -> str:
        """Name the chain whose quotient is surely highest above 1, "" where none is."""
        last = self.last
        sure = last[(last["location_quotient_low"] > 1) & (last["firms"] >= LEAST)]
        return str(sure["location_quotient"].idxmax()) if len(sure) else ""

    @functools.cached_property
    def focus(self) -> str:
        """Name the chain that maps show: the specialization, or else the largest with a share."""
        last = self.last
        if self.specialized and (not self.surveyed or self._shown(self.specialized) >= LEAST):
            return self.specialized
        known = last["known"].where(last["share"].notna()) if self.surveyed else last["firms"]
        return str(known.fillna(-1).idxmax())

    def _shown(self, chain: str) -> float:
        """Give the firms that a published share rests on."""
        row = self.last.loc[chain]
        return float(row["known"]) if math.isfinite(row["share"]) else 0.0

    def reference_share(self, chain: str) -> float:
        """Give the reference's share of a chain in the latest year; NaN without one."""
        if self.reference is None:
            return math.nan
        return float(self.reference.figures.loc[(chain, self.year), "share"])

    @functools.cached_property
    def hotspots(self) -> pd.DataFrame:
        """Give the hotspots of the latest year that touch the territory, with ``inside``."""
        found = self.run.hotspots
        found = found[found["year"] == self.year]
        here = set(self.territory.members)
        inside = [tuple(code for code in members if code in here) for members in found["members"]]
        touching = found.assign(inside=pd.Series(inside, index=found.index, dtype=object))[
            np.array([bool(each) for each in inside], dtype=bool)
        ]
        order = {chain.key: at for at, chain in enumerate(self.run.facts.chains)}
        return touching.assign(order=touching["chain"].map(order)).sort_values(
            ["rank", "order"], kind="stable", ignore_index=True
        )

    def shapes(self, codes: tuple[str, ...]) -> gpd.GeoSeries:
        """Give the outlines of a map and around it; the maps of a sheet share them."""
        if codes not in self._shapes:
            self._shapes[codes] = self.run.shapes_around(codes, AROUND)
        return self._shapes[codes]

    @functools.cached_property
    def _shapes(self) -> dict[tuple[str, ...], gpd.GeoSeries]:
        """Keep the outlines that maps asked for."""
        return {}

    @functools.cached_property
    def _positions(self) -> tuple[dict[str, int], dict[str, int], int]:
        """Give where places, chains and the latest year stand in the panel."""
        places, chains, years = (
            self.run.panel[dim].to_numpy().tolist() for dim in ("place", "chain", "year")
        )
        numbered = ({key: at for at, key in enumerate(keys)} for keys in (places, chains))
        return next(numbered), next(numbered), years.index(self.year)

    def cell(self, place: str, chain: str) -> tuple[int, int, int]:
        """Give where a municipality's latest figure of a chain stands: faster than ``sel``."""
        places, chains, year = self._positions
        return places[place], chains[chain], year

    @property
    def source(self) -> str:
        """Say where the figures come from."""
        notes = "; ".join(note for note in self.run.facts.source_notes if note)
        return self.speech.say("maps.source", sources=notes)


def prepare(run: RunFolder, territory: Territory, language: str, classes: str) -> Basis:
    """Gather what a sheet needs.

    Parameters
    ----------
    run : RunFolder
        A finished run.
    territory : Territory
        Its subject.
    language : str
        ``it`` or ``en``.
    classes : str
        ``national`` or ``local``.

    Returns
    -------
    Basis
    """
    speech = Speech(language=language, facts=run.facts)
    return Basis(
        run=run,
        territory=territory,
        speech=speech,
        figures=figures_of(run, territory),
        comparators=tuple(_comparators(run, territory, speech)),
        classes=classes,
    )


def _comparators(run: RunFolder, territory: Territory, speech: Speech) -> list[Comparator]:
    """Give the wider territories, from the nearest, and the similar ones."""
    if territory.kind == "country" or territory.members == whole_territory(run).members:
        return []
    found = []
    places = run.places
    if territory.cod_prov and territory.kind not in ("province", "region"):
        name = str(places.loc[list(territory.members), "province"].iloc[0])
        figures = level_figures(run, "province", territory.cod_prov)
        found.append(Comparator(key="province", name=name, figures=figures))
    if territory.cod_reg and territory.kind != "region":
        name = str(places.loc[list(territory.members), "region"].iloc[0])
        figures = level_figures(run, "region", territory.cod_reg)
        found.append(Comparator(key="region", name=name, figures=figures))
    country = figures_of(run, whole_territory(run))
    found.append(Comparator(key="country", name=speech.coverage, figures=country))
    similar = similar_figures(run, territory)
    if similar is not None:
        found.append(Comparator(key="similar", name=speech.say("columns.similar"), figures=similar))
    return found


def similar_figures(run: RunFolder, territory: Territory) -> pd.DataFrame | None:
    """Give the figures of the similar territories taken together; None where there are none."""
    if territory.kind in ("province", "region"):
        codes = similar_levels(run, territory)
        parts = [level_figures(run, territory.geography, code) for code in codes]
        return pooled(parts) if parts else None
    members = similar_members(run, territory)
    return summed(run, members) if members else None


def similar_members(run: RunFolder, territory: Territory) -> tuple[str, ...]:
    """Give the municipalities most like those of a territory and outside it.

    Parameters
    ----------
    run : RunFolder
        A finished run.
    territory : Territory
        A municipality (all similar ones) or several (the nearest of each).

    Returns
    -------
    tuple of str
        ``pro_com_t``: of a municipality from the most similar, of several sorted.
    """
    table = run.similar
    mine = table[table["pro_com_t"].isin(list(territory.members))]
    if territory.kind == "place":
        return tuple(mine.sort_values("order")["neighbor"].astype(str))
    near = mine[mine["order"] <= NEAREST]["neighbor"].astype(str)
    return tuple(sorted(set(near) - set(territory.members)))


def pooled(parts: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Add up the published figures of several territories.

    Parameters
    ----------
    parts : sequence of DataFrame
        As ``figures_of``; a territory whose share is withheld counts in no share.

    Returns
    -------
    DataFrame
        firms, known, digital, share, share_low, share_high; the rest is missing.
    """
    stack = np.stack([part[["firms", "known", "digital"]].to_numpy(dtype=float) for part in parts])
    shares = np.stack([part["share"].to_numpy(dtype=float) for part in parts])
    shown = np.isfinite(shares)[:, :, None] & np.isfinite(stack)
    table = parts[0].copy()
    table.loc[:, [c for c in table if c != "share_status"]] = np.nan
    table["firms"] = np.nansum(stack[:, :, 0], axis=0)
    table["known"], table["digital"] = (np.where(shown, stack, 0)[:, :, at].sum(0) for at in (1, 2))
    with np.errstate(divide="ignore", invalid="ignore"):
        table["share"] = table["digital"] / table["known"]
    low, high = wilson(table["digital"].to_numpy(), table["known"].to_numpy())
    return table.assign(share_low=low, share_high=high)
