"""Where digital hotspots are planted, and how well a detection finds them."""

from __future__ import annotations

import functools
import importlib.resources
import tomllib
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from geo_engine.errors import TableError
from geo_engine.tables import CRS_AREA, check_places

YEARS = (2019, 2020, 2021, 2022, 2023, 2024)
"""Years of the simulated register."""

TRUTH_COLUMNS = (
    "hotspot",
    "chain",
    "name",
    "year",
    "effect_points",
    "effect",
    "members",
    "ring",
)
"""Columns of :func:`planted_truth`."""

_CANDIDATES = 6
"""How many times its size in nearest municipalities a hotspot may choose from."""

ChainYear = tuple[str, int]


@dataclass(frozen=True, kw_only=True)
class DetectionScore:
    """What a detection found of the planted hotspots, and what else it flagged."""

    power: pd.DataFrame
    """Index (year, effect_points): hotspots, hotspots_hit (at least one member flagged), places,
    places_tested, places_flagged, place_power (flagged / places), hotspot_power."""
    outside: pd.DataFrame
    """Index (chain, year): tested and flagged outside the planted municipalities, and of the
    flagged: ring (touching a planted municipality) and far."""


@functools.cache
def load_districts() -> dict[str, Any]:
    """Read chains, hotspots and growth of the simulated register.

    Returns
    -------
    dict
        As ``districts.toml`` states them; do not change it.
    """
    folder = importlib.resources.files("geo_engine.synthetic")
    return tomllib.loads(folder.joinpath("districts.toml").read_text("utf-8"))


def planted_truth(places: gpd.GeoDataFrame, *, years: Sequence[int] = YEARS) -> pd.DataFrame:
    """Say which municipalities carry a planted effect in each year.

    A hotspot grows from its core: the nearest municipality (between representative points) that
    touches it joins next, so that it is contiguous at every size. Extent and effect rise linearly
    from the first year to the last.

    Parameters
    ----------
    places : GeoDataFrame
        Municipalities (``tables.PLACE_COLUMNS``, indexed by ``pro_com_t``).
    years : sequence of int
        Years, in order.

    Returns
    -------
    DataFrame
        One row per hotspot and year, columns ``TRUTH_COLUMNS``: ``effect_points`` is the effect in
        the last year in percentage points, ``effect`` that of the year as a share, ``members`` and
        ``ring`` (touching a member, itself in no hotspot of the chain that year) are tuples of
        ``pro_com_t``, members in the order of growth.

    Raises
    ------
    TableError
        ``PLACE_INDEX`` when the core of a hotspot is not among the municipalities.
    """
    check_places(places)
    keys = load_districts()
    growth = keys["growth"]
    projected = places.geometry.to_crs(CRS_AREA).to_numpy()
    shapes = places.geometry.to_numpy()
    points = shapely.get_coordinates(shapely.point_on_surface(projected))
    taken: dict[str, set[int]] = {}
    rows = []
    for hotspot in keys["hotspot"]:
        others = taken.setdefault(hotspot["chain"], set())
        order = _grow(hotspot, places.index, shapes, points, others)
        others.update(order)
        for year, time in zip(years, _ramp(len(years)), strict=True):
            extent = growth["first_extent"] + (1 - growth["first_extent"]) * time
            strength = growth["first_effect"] + (1 - growth["first_effect"]) * time
            members = order[: round(extent * len(order))]
            rows.append(
                {
                    "hotspot": hotspot["key"],
                    "chain": hotspot["chain"],
                    "name": hotspot["name"],
                    "year": int(year),
                    "effect_points": hotspot["effect_points"],
                    "effect": strength * hotspot["effect_points"] / 100,
                    "members": tuple(places.index[members]),
                    "ring": members,
                }
            )
    truth = pd.DataFrame(rows, columns=list(TRUTH_COLUMNS))
    return _with_rings(truth, places.index, shapes, points)


def _ramp(steps: int) -> npt.NDArray[np.float64]:
    """Give times from 0 to 1; a single year has it all."""
    return np.linspace(0.0, 1.0, steps) if steps > 1 else np.ones(1)


def _grow(
    hotspot: Mapping[str, Any],
    codes: pd.Index[Any],
    shapes: npt.NDArray[np.object_],
    points: npt.NDArray[np.float64],
    taken: Set[int],
) -> list[int]:
    """Choose the municipalities of one hotspot, in the order in which it takes them."""
    core = codes.get_indexer([hotspot["core"]])[0]
    if core < 0:
        raise TableError(
            "PLACE_INDEX",
            f"The simulated hotspot {hotspot['name']} needs the municipality {hotspot['core']}. "
            "Use the whole layer of a date from 1 January 2022 on.",
        )
    near = _nearest(points, core, _CANDIDATES * hotspot["places"])
    touching = _touching(shapes, near)
    order = [int(core)]
    while len(order) < hotspot["places"]:
        joined = next(
            (
                int(place)
                for place in near
                if place not in order and place not in taken and touching[place] & set(order)
            ),
            None,
        )
        if joined is None:
            break
        order.append(joined)
    return order


def _nearest(points: npt.NDArray[np.float64], core: int, count: int) -> npt.NDArray[np.intp]:
    """List the nearest places by distance, then by position."""
    distance_m = np.hypot(*(points - points[core]).T)
    return np.lexsort((np.arange(len(points)), distance_m))[:count]


def _touching(shapes: npt.NDArray[np.object_], near: npt.NDArray[np.intp]) -> dict[int, set[int]]:
    """List for each of a few places those of them that share a border or a corner with it."""
    tree = shapely.STRtree(shapes[near])
    first, second = tree.query(shapes[near], predicate="intersects")
    found: dict[int, set[int]] = {int(place): set() for place in near}
    for one, other in zip(near[first].tolist(), near[second].tolist(), strict=True):
        if one != other:
            found[one].add(other)
    return found


def _with_rings(
    truth: pd.DataFrame,
    codes: pd.Index[Any],
    shapes: npt.NDArray[np.object_],
    points: npt.NDArray[np.float64],
) -> pd.DataFrame:
    """Replace the positions under ``ring`` by the codes around the members."""
    planted = {
        key: {code for members in group["members"] for code in members}
        for key, group in truth.groupby(["chain", "year"])
    }
    touching_of: dict[str, dict[int, set[int]]] = {}
    rings = []
    for row in truth.sort_values("year", ascending=False, kind="stable").itertuples():
        if row.hotspot not in touching_of:
            near = _nearest(points, row.ring[0], _CANDIDATES * len(row.ring))
            touching_of[row.hotspot] = _touching(shapes, near)
        around = set().union(*(touching_of[row.hotspot][place] for place in row.ring))
        outside = set(codes[sorted(around)]) - planted[(row.chain, row.year)]
        rings.append((row.Index, tuple(sorted(outside))))
    truth["ring"] = pd.Series(dict(rings))
    return truth


def score_detection(
    truth: pd.DataFrame,
    flagged: Mapping[ChainYear, Set[str]],
    tested: Mapping[ChainYear, Set[str]] | None = None,
) -> DetectionScore:
    """Compare flagged municipalities with the planted ones.

    Parameters
    ----------
    truth : DataFrame
        As :func:`planted_truth` returns it.
    flagged : mapping of (chain, year) to set of str
        ``pro_com_t`` of the municipalities flagged as hotspots; only these maps are scored.
    tested : mapping of (chain, year) to set of str, optional
        Municipalities that had a test; without it every planted one counts as tested.

    Returns
    -------
    DetectionScore
        Power by year and effect, and what was flagged outside.
    """
    scored = truth[[key in flagged for key in zip(truth["chain"], truth["year"], strict=True)]]
    counts = [_count_hotspot(row, flagged, tested) for row in scored.itertuples()]
    names = ["year", "effect_points", "hotspots", "hotspots_hit", "places"]
    columns = [*names, "places_tested", "places_flagged"]
    power = pd.DataFrame(counts, columns=columns).groupby(["year", "effect_points"]).sum()
    power["place_power"] = power["places_flagged"] / power["places"]
    power["hotspot_power"] = power["hotspots_hit"] / power["hotspots"]
    outside = [_count_outside(key, truth, flagged, tested) for key in sorted(flagged)]
    columns = ["chain", "year", "tested", "flagged", "ring", "far"]
    return DetectionScore(
        power=power,
        outside=pd.DataFrame(outside, columns=columns).set_index(["chain", "year"]),
    )


def _count_hotspot(
    row: Any,
    flagged: Mapping[ChainYear, Set[str]],
    tested: Mapping[ChainYear, Set[str]] | None,
) -> tuple[int, ...]:
    """Count one hotspot of one year."""
    key = (row.chain, row.year)
    members = set(row.members)
    hit = len(members & flagged[key])
    had_test = len(members) if tested is None else len(members & tested[key])
    return row.year, row.effect_points, 1, int(hit > 0), len(members), had_test, hit


def _count_outside(
    key: ChainYear,
    truth: pd.DataFrame,
    flagged: Mapping[ChainYear, Set[str]],
    tested: Mapping[ChainYear, Set[str]] | None,
) -> tuple[str, int, float, int, int, int]:
    """Count what one map flags outside the planted municipalities."""
    rows = truth[(truth["chain"] == key[0]) & (truth["year"] == key[1])]
    planted = {code for members in rows["members"] for code in members}
    ring = {code for around in rows["ring"] for code in around}
    outside = set(flagged[key]) - planted
    had_test = np.nan if tested is None else len(set(tested[key]) - planted)
    return (*key, had_test, len(outside), len(outside & ring), len(outside - ring))
