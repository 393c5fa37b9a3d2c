from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from geo_engine.errors import TableError
from geo_engine.places.coordinates import REASONS, check_fit, parse_numbers, place_points


def parse(*texts, decimal="auto"):
    numbers, state = parse_numbers(pd.Series(list(texts), dtype="str"), decimal=decimal)
    return [
        list(REASONS)[code] or number for number, code in zip(numbers.tolist(), state, strict=True)
    ]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("45.464", 45.464),
        ("45,464", 45.464),
        (" 45.464 ", 45.464),
        ("-9.19", -9.19),
        ("+9,19", 9.19),
        ("\u22129.19", -9.19),
        ("1.514.830,50", 1514830.5),
        ("1,514,830.50", 1514830.5),
        ("-1.514.830", -1514830.0),
        ("514830", 514830.0),
        ("4.5E1", 45.0),
        ("45.46421234567891234", float("45.46421234567891234")),
        ("", "COORD_MISSING"),
        ("NaN", "COORD_MISSING"),
        ("NULL", "COORD_MISSING"),
        ("n.d.", "COORD_MISSING"),
        ("-", "COORD_MISSING"),
        ("inf", "COORD_INVALID"),
        ("-Infinity", "COORD_INVALID"),
        ("1e999", "COORD_INVALID"),
        ("45.4.64", "COORD_INVALID"),
        ("45,46,4", "COORD_INVALID"),
        ("45°27'50\"N", "COORD_INVALID"),
        ("****", "COORD_INVALID"),
        ("4_5", "COORD_INVALID"),
        ("0x10", "COORD_INVALID"),
    ],
)
def test_a_number_is_read_as_registers_write_it(text, number):
    assert parse(text) == [number]


def test_a_stated_decimal_mark_makes_the_other_one_separate_thousands():
    assert parse("45,464", decimal=",") == [45.464]
    assert parse("514.830", decimal=",") == [514830.0]
    assert parse("514,830", decimal=".") == [514830.0]
    assert parse("45.4641", decimal=",") == ["COORD_INVALID"]
    assert parse("45,4641", decimal=".") == ["COORD_INVALID"]


def test_missing_values_of_any_type_are_missing():
    numbers, state = parse_numbers(pd.Series(["1", None, "2"], dtype="str"))
    assert state.tolist() == [0, 1, 0]
    numbers, state = parse_numbers(pd.Series([1.5, np.nan, np.inf]))
    assert state.tolist() == [0, 1, 2]
    assert numbers[0] == 1.5


def reasons(small, points, **options):
    table = pd.DataFrame(points, columns=["lon", "lat"], dtype="str")
    placed = place_points(small, table["lon"], table["lat"], snap_distance_m=500, **options)
    names = np.array(list(REASONS))[placed.reason].tolist()
    return [name or int(place) for name, place in zip(names, placed.position, strict=True)]


def test_each_trouble_of_a_point_has_its_reason(small):
    points = [
        ("9.1", "42.1"),
        ("NaN", "NaN"),
        ("9.19", ""),
        ("inf", "45"),
        ("0", "0.0"),
        ("42.1", "9.1"),
        ("9,1", "42,1"),
        ("11.001", "42.5"),
        ("14", "42.5"),
        ("514830", "5034530"),
    ]
    assert reasons(small, points) == [
        0,
        "COORD_MISSING",
        "COORD_MISSING",
        "COORD_INVALID",
        "COORD_NULL_ISLAND",
        "COORD_SWAPPED",
        0,
        1,
        "COORD_OUTSIDE",
        "COORD_INVALID",
    ]


def fit(locator, points, crs="EPSG:4326"):
    table = pd.DataFrame(points, columns=["x", "y"], dtype="str")
    found = place_points(locator, table["x"], table["y"], snap_distance_m=500, crs=crs)
    check_fit(int(found.is_number.sum()), int(found.is_misfit.sum()), str(points[0]), crs)


def test_a_file_of_metres_called_degrees_is_refused(small):
    with pytest.raises(TableError, match=r"CRS_MISMATCH.*3 of 4.*metres.*514830"):
        fit(small, [("514830", "5034530")] * 3 + [("9.1", "42.1")])


def test_a_file_of_degrees_called_metres_is_refused(small):
    with pytest.raises(TableError, match=r"CRS_MISMATCH.*degrees"):
        fit(small, [("9.1", "42.1")], crs="EPSG:32632")


def test_a_few_rows_that_do_not_fit_are_set_aside_alone(small):
    points = [("9.1", "42.1")] * 3 + [("514830", "5034530")]
    fit(small, points)
    assert reasons(small, points)[-1] == "COORD_INVALID"


def test_other_systems_are_converted_with_the_easting_first(small):
    import pyproj

    transform = pyproj.Transformer.from_crs("EPSG:4326", "EPSG:32632", always_xy=True)
    x, y = transform.transform([9.1, 10.5], [42.1, 41.5])
    points = [(str(a), str(b)) for a, b in zip(x, y, strict=True)]
    assert reasons(small, points, crs="EPSG:32632") == [0, 3]
    swapped = [(b, a) for a, b in points]
    assert reasons(small, swapped, crs="EPSG:32632") == ["COORD_SWAPPED"] * 2


def test_a_missing_or_unknown_system_is_refused(small):
    with pytest.raises(TableError, match="CRS_MISSING"):
        reasons(small, [("9.1", "42.1")], crs="")
    with pytest.raises(TableError, match="CRS_UNKNOWN"):
        reasons(small, [("9.1", "42.1")], crs="EPSG:99")


def test_fifty_rows_at_one_point_are_a_heap_and_forty_nine_are_not(small):
    x = ["9.1"] * 50 + ["10.5"] * 49 + ["9.1"] * 5 + [""] * 60
    y = ["42.1"] * 50 + ["41.5"] * 49 + ["42.15"] * 5 + [""] * 60
    table = pd.DataFrame({"x": x, "y": y}, dtype="str")
    heap = place_points(small, table["x"], table["y"], snap_distance_m=0).is_heap
    assert heap.tolist() == [True] * 50 + [False] * 114
