"""Writes what an extract says of each simulated unit: names, codes, coordinates, sites."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely

from geo_engine.synthetic.truth import load_districts

_LEGAL_FORMS = ("SRL", "SNC", "SPA", "SOCIETA' COOPERATIVA", "SAS")
_LEGAL_SHARES = (0.58, 0.16, 0.06, 0.06, 0.14)

Positions = npt.NDArray[np.int64]
Texts = npt.NDArray[np.object_]


def kinds() -> list[tuple[str, dict[str, Any]]]:
    """List the six chains and, last and without key, all other activities.

    Returns
    -------
    list of (str, dict)
        Key and what ``districts.toml`` says of it; a unit's chain is a position in this list.
    """
    keys = load_districts()
    return [*keys["chains"].items(), ("", keys["other"])]


def describe_units(
    place: Positions,
    chain: Positions,
    places: gpd.GeoDataFrame,
    rates: tuple[float, float, float],
    draw: np.random.Generator,
) -> dict[str, Texts]:
    """Write what stays the same over the years of a unit.

    Parameters
    ----------
    place : array of int
        Position of each unit's municipality in ``places``.
    chain : array of int
        Position of its chain in :func:`kinds`.
    places : GeoDataFrame
        Municipalities in EPSG:4326, sorted.
    rates : tuple of float
        Shares of units with coordinates, of units with an ISTAT code alone, and of units that
        belong to the enterprise of another one.
    draw : Generator
        The source of chance.

    Returns
    -------
    dict of str to array
        Columns of the extract that no year changes, and ``chain`` and ``true_pro_com_t``.
    """
    with_coordinates, with_code, second_units = rates
    size = len(place)
    numbers = np.arange(1, size + 1)
    second = draw.random(size) < second_units
    enterprise = np.where(second, draw.integers(1, size + 1, size), numbers)
    mode = draw.random(size)
    longitude, latitude = _coordinates(place, places, draw)
    coded = mode < with_coordinates + with_code
    with_both = (mode < with_coordinates / 2) | (mode >= with_coordinates)
    located = mode < with_coordinates
    names = _names(place, places, draw)
    codes = np.array(places.index, dtype=object)[place]
    return {
        "id_unita": np.array([f"UL{number:06d}" for number in numbers], dtype=object),
        "codice_fiscale": np.array([_tax_code(number) for number in enterprise], dtype=object),
        "denominazione": np.array([f"Ditta simulata {n:06d}" for n in enterprise], dtype=object),
        "forma_giuridica": draw.choice(np.array(_LEGAL_FORMS, dtype=object), size, p=_LEGAL_SHARES),
        "tipo_unita": np.where(second, "UNITA' LOCALE", "SEDE").astype(object),
        "comune": names,
        "provincia": np.array(places["sigla"], dtype=object)[place],
        "codice_istat": np.where(coded & with_both, codes, "").astype(object),
        "ateco": _ateco(chain, draw),
        "longitudine": np.where(located, longitude, "").astype(object),
        "latitudine": np.where(located, latitude, "").astype(object),
        "addetti": (1 + draw.geometric(0.18, size)).astype(str).astype(object),
        "chain": np.array([key for key, _ in kinds()], dtype=object)[chain],
        "true_pro_com_t": codes,
    }


def _tax_code(number: int) -> str:
    """Write a tax code of eleven figures under office 000, with its check digit."""
    figures = [int(figure) for figure in f"{number:07d}000"]
    doubled = [2 * figure - 9 * (figure > 4) for figure in figures[1::2]]
    return f"{number:07d}000{-(sum(figures[::2]) + sum(doubled)) % 10}"


def _ateco(chain: Positions, draw: np.random.Generator) -> Texts:
    """Draw a code of the unit's chain; some without points, some cut to the class."""
    codes = np.empty(len(chain), dtype=object)
    for number, (_, about) in enumerate(kinds()):
        rows = np.flatnonzero(chain == number)
        codes[rows] = draw.choice(np.array(about["ateco"], dtype=object), len(rows))
    spelling = draw.random(len(chain))
    for row in np.flatnonzero(spelling < 0.22):
        codes[row] = codes[row].replace(".", "") if spelling[row] < 0.20 else codes[row][:5]
    return codes


def _names(place: Positions, places: gpd.GeoDataFrame, draw: np.random.Generator) -> Texts:
    """Spell the municipality: mostly in capitals, of bilingual names often the Italian part."""
    spelling = draw.random(len(place))
    named = np.array(places["name"], dtype=object)[place]
    for row in np.flatnonzero([("/" in name) for name in named]):
        if spelling[row] % 0.1 < 0.08:
            named[row] = named[row].split("/")[0]
    capitals = spelling < 0.65
    return np.where(capitals, [name.upper() for name in named], named).astype(object)


def _coordinates(
    place: Positions, places: gpd.GeoDataFrame, draw: np.random.Generator
) -> tuple[Texts, Texts]:
    """Draw a point inside each unit's municipality, as text of six decimals.

    A point on the way from an inner point to a random vertex is tried up to four times, each time
    nearer; the inner point itself is the last resort.
    """
    shapes = places.geometry.to_numpy()
    shapely.prepare(shapes)
    inner = shapely.get_coordinates(shapely.point_on_surface(shapes))
    vertices, owner = shapely.get_coordinates(shapes, return_index=True)
    starts = np.searchsorted(owner, np.arange(len(shapes) + 1))
    found = inner[place]
    todo = np.arange(len(place))
    for reach in (0.95, 0.8, 0.6, 0.3):
        at = place[todo]
        count = starts[at + 1] - starts[at]
        corner = vertices[starts[at] + (draw.random(len(at)) * count).astype(np.int64)]
        step = reach * np.sqrt(draw.random((len(at), 1)))
        tried = np.round(inner[at] + step * (corner - inner[at]), 6)
        inside = shapely.contains_xy(shapes[at], tried[:, 0], tried[:, 1])
        found[todo[inside]] = tried[inside]
        todo = todo[~inside]
    texts = [np.array([f"{value:.6f}" for value in column], dtype=object) for column in found.T]
    return texts[0], texts[1]


def write_sites(names: Texts, digital: npt.NDArray[np.bool_], draw: np.random.Generator) -> Texts:
    """Write what the extract says of each site.

    Parameters
    ----------
    names : array of str
        Names of the firms.
    digital : array of bool
        Whether each has a site of its own.
    draw : Generator
        The source of chance.

    Returns
    -------
    array of str
        The address of a digital unit; of others "assente", a social page or an e-mail; 3 % empty,
        which means unknown.
    """
    luck = draw.random(len(names))
    slugs = [name.lower().replace(" ", "-") for name in names]
    sites = np.array([f"https://www.{slug}.example" for slug in slugs], dtype=object)
    pages = np.array([f"https://www.facebook.com/{slug}.example" for slug in slugs], dtype=object)
    mails = np.array([f"info@{slug}.example" for slug in slugs], dtype=object)
    without = np.select([luck < 0.80, luck < 0.92], ["assente", pages], default=mails)
    known = draw.random(len(names)) >= 0.03
    return np.where(known, np.where(digital, sites, without), "").astype(object)
