"""Draws the simulated register: units on the real municipalities, digital ones planted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd

from geo_engine.errors import TableError
from geo_engine.storage import replacing
from geo_engine.synthetic.describe import describe_units, kinds, write_sites
from geo_engine.synthetic.mess import Damage, damage_rows
from geo_engine.synthetic.truth import YEARS, planted_truth
from geo_engine.tables import check_places

EXTRACT_COLUMNS = (
    "id_unita",
    "codice_fiscale",
    "denominazione",
    "forma_giuridica",
    "tipo_unita",
    "stato",
    "comune",
    "provincia",
    "codice_istat",
    "ateco",
    "anno",
    "longitudine",
    "latitudine",
    "addetti",
    "sito_web",
    "vende_online",
)
"""Columns of the extract, all text, named as a chamber's export names them."""

TRUTH_COLUMNS = ("id_unita", "anno", "true_pro_com_t", "chain", "planted", "digital", "damage")
"""Columns of the truth behind each row of the extract, in the same order."""

Floats = npt.NDArray[np.float64]
Positions = npt.NDArray[np.int64]
Texts = npt.NDArray[np.object_]


@dataclass(frozen=True, kw_only=True)
class RegisterParameters:
    """How large and how messy the simulated register is."""

    units: int = 61_000
    """Distinct local units over all years; about five sixths are alive in a year."""
    years: tuple[int, ...] = YEARS
    exit_rate: float = 0.045
    """Share of units that close in a year; as many open."""
    firms_per_hotspot: int = 420
    """Units of the chain in each planted district over all years, at the default ``units``."""
    with_coordinates: float = 0.60
    """Share of units that carry coordinates."""
    with_code: float = 0.25
    """Share of units placed by their ISTAT code alone; the rest have a name and province."""
    second_units: float = 0.06
    """Share of units that belong to the enterprise of another unit."""
    damage: Damage = field(default_factory=Damage)
    """Rates of damaged rows."""


@dataclass(frozen=True, kw_only=True)
class SimulatedRegister:
    """A simulated extract, the truth behind each of its rows, and the planted hotspots."""

    extract: pd.DataFrame
    """``EXTRACT_COLUMNS``, text, in order of year and unit."""
    truth: pd.DataFrame
    """``TRUTH_COLUMNS``, aligned with the extract: real municipality ("" for a foreign seat),
    chain ("" outside the six), planted hotspot or "", digital (also where the extract does not
    say), and what was done to the row ("" when nothing)."""
    hotspots: pd.DataFrame
    """As :func:`geo_engine.synthetic.truth.planted_truth`."""


@dataclass(frozen=True)
class _Units:
    """One entry per local unit."""

    place: Positions
    chain: Positions
    first: Positions
    last: Positions
    lottery: Floats
    """Uniform draw against the digital share: a unit that is digital stays so."""


def generate_register(
    places: gpd.GeoDataFrame,
    population: pd.Series,
    *,
    seed: int,
    parameters: RegisterParameters | None = None,
    changes: pd.DataFrame | None = None,
) -> SimulatedRegister:
    """Simulate an extract of local units over several years.

    Units follow the population, and gather in the planted districts of their chain. The share of
    digital units of a chain and year is the same everywhere, except for the planted effects.
    Names, tax codes and sites are visibly invented: "Ditta simulata 000123", tax codes with office
    000 (never assigned; the check digit is right), sites under the reserved domain .example. There
    is no natural person.

    Parameters
    ----------
    places : GeoDataFrame
        Municipalities in EPSG:4326 (``tables.PLACE_COLUMNS``).
    population : Series
        Residents by ``pro_com_t``; a missing one counts as 0.
    seed : int
        Decides everything that is drawn.
    parameters : RegisterParameters, optional
        Size and mess.
    changes : DataFrame, optional
        Administrative changes (valid_from, old_codes, old_names, new_code): rows of merged
        municipalities then appear under their old code and name.

    Returns
    -------
    SimulatedRegister
        Extract, truth of each row, and hotspots. Independent of the order of ``places``.

    Raises
    ------
    TableError
        ``PLACE_INDEX`` or ``MISSING_COLUMN`` for a wrong table; ``POPULATION_MISSING`` when no
        place has residents.
    """
    chosen = parameters or RegisterParameters()
    ordered = places.sort_index()
    check_places(ordered)
    residents = population.reindex(ordered.index).fillna(0).to_numpy(dtype=np.float64)
    if residents.sum() <= 0:
        raise TableError(
            "POPULATION_MISSING",
            "No municipality has residents: index the population by pro_com_t.",
        )
    hotspots = planted_truth(ordered, years=chosen.years)
    draw = [np.random.default_rng([seed, stream]) for stream in range(4)]
    units = _draw_units(residents, ordered.index, hotspots, chosen, draw[0])
    rates = (chosen.with_coordinates, chosen.with_code, chosen.second_units)
    described = describe_units(units.place, units.chain, ordered, rates, draw[1])
    extract, truth = _rows_of_years(units, described, ordered, hotspots, (chosen, draw[2]))
    extract, truth = damage_rows(extract, truth, ordered, changes, (chosen.damage, draw[3]))
    return SimulatedRegister(
        extract=extract[list(EXTRACT_COLUMNS)],
        truth=truth[list(TRUTH_COLUMNS)],
        hotspots=hotspots,
    )


def _draw_units(
    residents: Floats,
    codes: pd.Index[Any],
    hotspots: pd.DataFrame,
    parameters: RegisterParameters,
    draw: np.random.Generator,
) -> _Units:
    """Draw where units are, in which chain, and in which years."""
    place, chain = [], []
    for number, (key, about) in enumerate(kinds()):
        size = round(about["share"] * parameters.units)
        weights = _weights(residents, codes, hotspots, key, parameters, size)
        placed = np.repeat(np.arange(len(residents)), draw.multinomial(size, weights))
        place.append(placed)
        chain.append(np.full(size, number))
    where = np.concatenate(place)
    kind = np.concatenate(chain)
    mixed = draw.permutation(len(where))
    years = len(parameters.years)
    first = _first_years(len(where), years, parameters.exit_rate, draw)
    life = draw.geometric(parameters.exit_rate, len(where))
    return _Units(
        place=where[mixed],
        chain=kind[mixed],
        first=first,
        last=np.minimum(first + life - 1, years - 1),
        lottery=draw.random(len(where)),
    )


def _first_years(size: int, years: int, entry_rate: float, draw: np.random.Generator) -> Positions:
    """Give most units the first year, and later years as many as close in one."""
    chances = np.full(years, entry_rate)
    chances[0] = 1.0
    return draw.choice(years, size, p=chances / chances.sum())


def _weights(
    residents: Floats,
    codes: pd.Index[Any],
    hotspots: pd.DataFrame,
    chain: str,
    parameters: RegisterParameters,
    size: int,
) -> Floats:
    """Weigh places by residents, and lift the districts of the chain to their number of units."""
    weights = residents / residents.sum()
    final = hotspots[hotspots["year"] == hotspots["year"].max()]
    scale = parameters.units / RegisterParameters.units
    districts = [
        codes.get_indexer(list(members))
        for members in final.loc[final["chain"] == chain, "members"]
    ]
    wanted = parameters.firms_per_hotspot * scale / size
    inside = np.zeros_like(weights)
    for members in districts:
        # below proportional: in real districts the small towns are the specialized ones
        spread = residents[members] ** 0.6
        inside[members] = wanted * spread / spread.sum()
    outside = np.where(inside > 0, 0.0, weights)
    return inside + outside * (1 - inside.sum()) / outside.sum()


def _rows_of_years(
    units: _Units,
    described: Mapping[str, Texts],
    places: gpd.GeoDataFrame,
    hotspots: pd.DataFrame,
    drawn: tuple[RegisterParameters, np.random.Generator],
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Repeat each unit over its years, and say whether it is digital in each."""
    parameters, draw = drawn
    extracts, truths = [], []
    shares, planted = _planted_by_year(parameters.years, places.index, hotspots)
    for number, year in enumerate(parameters.years):
        rows = np.flatnonzero((units.first <= number) & (number <= units.last))
        where = (units.chain[rows], units.place[rows])
        digital = units.lottery[rows] < shares[number][where]
        frame = {name: column[rows] for name, column in described.items()}
        frame["anno"] = np.full(len(rows), str(year), dtype=object)
        frame["stato"] = np.full(len(rows), "ATTIVA", dtype=object)
        frame["sito_web"] = write_sites(frame["denominazione"], digital, draw)
        online = digital & (draw.random(len(rows)) < 0.35)
        frame["vende_online"] = np.where(online, "SI", "NO").astype(object)
        extracts.append({name: frame[name] for name in EXTRACT_COLUMNS})
        truths.append(
            {
                **{name: frame[name] for name in ("id_unita", "anno", "true_pro_com_t", "chain")},
                "planted": planted[number][where],
                "digital": digital,
                "damage": np.full(len(rows), "", dtype=object),
            }
        )
    return _stack(extracts), _stack(truths)


def _stack(years: Sequence[Mapping[str, npt.NDArray[Any]]]) -> pd.DataFrame:
    """Put the years below each other, as objects that the mess can overwrite quickly."""
    return pd.DataFrame(
        {name: np.concatenate([year[name] for year in years]) for name in years[0]}, dtype=object
    )


def _planted_by_year(
    years: Sequence[int], codes: pd.Index[Any], hotspots: pd.DataFrame
) -> tuple[list[Floats], list[Texts]]:
    """Give digital share and hotspot by (chain, place), for each year."""
    listed = kinds()
    number_of = {key: number for number, (key, _) in enumerate(listed)}
    shares, planted = [], []
    for elapsed, year in enumerate(years):
        national = np.array([about["digital"] + elapsed * about["growth"] for _, about in listed])
        share = np.repeat(national[:, None], len(codes), axis=1)
        hotspot = np.full(share.shape, "", dtype=object)
        for row in hotspots[hotspots["year"] == year].itertuples():
            where = number_of[str(row.chain)], codes.get_indexer(list(row.members))
            share[where] += row.effect
            hotspot[where] = row.hotspot
        shares.append(share)
        planted.append(hotspot)
    return shares, planted


def write_extract(frame: pd.DataFrame, path: Path) -> None:
    """Write an extract as CSV: UTF-8, semicolons, the same bytes for the same table.

    Parameters
    ----------
    frame : DataFrame
        Text columns; written in their order, without index.
    path : Path
        Where the file will stand; replaced whole.
    """
    with replacing(path) as temporary:
        frame.to_csv(temporary, sep=";", index=False, encoding="utf-8", lineterminator="\n")
