"""B45 to B55: coordinates that are no place, another place, or too many firms at one."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import geopandas as gpd
import shapely

from geo_engine.sources import boundaries
from geo_engine.study import Study
from tests.bad_inputs.case import (
    GOOD,
    Accounted,
    Case,
    Refused,
    columns_of,
    csv_case,
    extract,
    table,
)

PRATO, MONTEMURLO, VIAREGGIO, MILANO = "100005", "100003", "046033", "015146"
HEADER = "id;lon;lat"


def _points(number: str, what: str, *rows: str, **more: Any) -> Case:
    """Give a case of coordinates."""
    return csv_case(number, what, HEADER, *rows, **more)


def with_points(*rows: str, placed: tuple[str, ...], flags: dict[str, int]) -> Case:
    """Give a case of many points."""
    return _points("B55", "points", *rows, expected=Accounted(placed=placed, flags=flags))


def _on_the_border(folder: Path) -> None:
    """Write every vertex that Prato and Montemurlo share."""
    layer = boundaries.read_layer(Study.model_fields["boundary_date"].default)
    vertices = {
        code: set(map(tuple, shapely.get_coordinates(shape)))
        for code, shape in layer.geometry.cx[10.8:11.4, 43.7:44.1].items()
    }
    shared = vertices.pop(PRATO) & vertices.pop(MONTEMURLO)
    shared = sorted(shared.difference(*vertices.values()))  # no corner of a third one
    assert len(shared) >= len(_BORDER)
    rows = [f"{i};{x!r};{y!r}" for i, (x, y) in enumerate(_floats(shared[: len(_BORDER)]))]
    extract(table(HEADER, *rows))(folder)


def _floats(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Give plain numbers, whose text reads back equal."""
    return [(float(x), float(y)) for x, y in points]


_BORDER = (MONTEMURLO,) * 12
"""The lower of the two codes, for each vertex that is tried."""


def _without_system(folder: Path) -> None:
    """Write points of a GeoPackage without a reference system."""
    points = gpd.GeoDataFrame({"id": ["1"]}, geometry=[shapely.Point(11.0961, 43.8805)])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pyogrio warns of what is wanted here
        points.to_file(folder / "firms.gpkg")


CASES = [
    _points(
        "B45",
        "a coordinate that is missing",
        GOOD,
        "2;NaN;NaN",
        "3;9.19;NaN",
        "4;;45.46",
        "5;;",
        expected=Accounted(placed=(PRATO,), reasons={"COORD_MISSING": 4}, says=("empty",)),
    ),
    _points(
        "B46",
        "a coordinate that is infinite",
        GOOD,
        "2;inf;45",
        "3;9.19;-Infinity",
        "4;1e999;45",
        "5;abc;45",
        expected=Accounted(placed=(PRATO,), reasons={"COORD_INVALID": 4}, says=("finite",)),
    ),
    _points(
        "B47",
        "zero and zero",
        GOOD,
        "2;0;0",
        "3;0.0;-0.000",
        expected=Accounted(placed=(PRATO,), reasons={"COORD_NULL_ISLAND": 2}, says=("(0, 0)",)),
    ),
    _points(
        "B48",
        "longitude and latitude exchanged",
        GOOD,
        "2;45.46;9.19",
        expected=Accounted(placed=(PRATO,), reasons={"COORD_SWAPPED": 1}, says=("swap",)),
    ),
    _points(
        "B49",
        "metres where degrees are stated",
        "1;514830;5034530",
        "2;514831;5034531",
        expected=Refused(code="CRS_MISMATCH", says=("2 of 2", "(514830, 5034530)", "EPSG:32632")),
    ),
    _points(
        "B49",
        "degrees where metres are stated",
        GOOD,
        "2;9.19;45.46",
        source={"crs": "EPSG:32632"},
        expected=Refused(code="CRS_MISMATCH", says=("2 of 2", "degrees", "EPSG:32632")),
    ),
    Case(
        id="B50",
        what="points without a reference system",
        make=_without_system,
        source={"path": "firms.gpkg"},
        columns={"firm_id": "id", "lon": "lon", "lat": "lat"},
        expected=Refused(code="CRS_MISSING", says=("firms.gpkg", "crs", "EPSG:32632")),
    ),
    _points(
        "B50",
        "a reference system that does not exist",
        GOOD,
        source={"crs": "EPSG:99999"},
        expected=Refused(code="CRS_UNKNOWN", says=("EPSG:99999",)),
    ),
    _points(
        "B51",
        "a decimal comma that is found",
        "1;11,0961;43,8805",
        "2;9,19;45,464",
        expected=Accounted(placed=(PRATO, MILANO)),
    ),
    _points(
        "B51",
        "a decimal comma that is stated",
        "1;11,0961;43,8805",
        "2;9,19;45,464",
        source={"decimal": ","},
        expected=Accounted(placed=(PRATO, MILANO)),
    ),
    Case(
        id="B52",
        what="points on a shared border",
        make=_on_the_border,
        columns=columns_of(*HEADER.split(";")),
        expected=Accounted(placed=_BORDER),
    ),
    _points(
        "B53",
        "a point 30 metres off the coast",
        GOOD,
        "2;10.238182195132831;43.87219652389951",
        expected=Accounted(placed=(PRATO, VIAREGGIO), flags={"SNAPPED": 1}),
    ),
    _points(
        "B53",
        "a point 30 metres off the coast where none may be moved",
        GOOD,
        "2;10.238182195132831;43.87219652389951",
        study="[place]\nsnap_distance_m = 0",
        expected=Accounted(placed=(PRATO,), reasons={"COORD_OUTSIDE": 1}, says=("snapping",)),
    ),
    csv_case(
        "B54",
        "a point in another municipality than the declared one",
        "id;lon;lat;istat",
        GOOD,
        "2;9.19;45.464;100005",
        expected=Accounted(placed=(PRATO, MILANO), flags={"DECLARED_DIFFERS": 1}),
    ),
    csv_case(
        "B54",
        "a point in another municipality by a study that trusts neither",
        "id;lon;lat;istat",
        GOOD,
        "2;9.19;45.464;100005",
        study='[place]\ntrust = "quarantine"',
        expected=Accounted(
            placed=(PRATO,), reasons={"COORD_COMUNE_CONFLICT": 1}, says=("correct one",)
        ),
    ),
    csv_case(
        "B54",
        "a point in another municipality by a study that trusts the declaration",
        "id;lon;lat;istat",
        GOOD,
        "2;9.19;45.464;100005",
        study='[place]\ntrust = "declared"',
        expected=Accounted(placed=(PRATO, PRATO), flags={"DECLARED_DIFFERS": 1}),
    ),
    _points(
        "B55",
        "a thousand firms at one point",
        GOOD,
        *(f"{i};9.19;45.464" for i in range(1000)),
        expected=Accounted(placed=(PRATO, *[MILANO] * 1000), flags={"GEOCODE_CENTROID": 1000}),
    ),
]
