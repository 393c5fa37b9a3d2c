from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo_engine.errors import TableError
from geo_engine.places.coordinates import (
    REASONS,
    are_coarse,
    check_fit,
    heaped,
    parse_numbers,
    place_points,
    point_keys,
)


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
        ("****", "COORD_MASKED"),
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
    points = place_points(small, table["x"], table["y"], snap_distance_m=0)
    keys = point_keys(points.lon, points.lat)
    assert np.isin(keys, heaped(keys)).tolist() == [True] * 50 + [False] * 114


@given(st.lists(st.floats(-1e7, 1e7), min_size=1, max_size=30), st.sampled_from("rfg9"))
@settings(deadline=None, derandomize=True, max_examples=200)
def test_a_written_double_is_read_back_bit_by_bit(numbers, form):
    write = {"r": repr, "f": "{:.7f}".format, "g": "{:.15g}".format, "9": "{:.19f}".format}[form]
    texts = [write(each) for each in numbers]
    assert parse(*texts) == [float(text) for text in texts]
    commas = [text.replace(".", ",") for text in texts]
    assert parse(*commas, decimal=",") == [float(text) for text in texts]


digits = st.from_regex(
    r"[+-]?[0-9]{1,20}[.,]?[0-9]{0,20}", fullmatch=True, alphabet="0123456789+-.,"
)


@given(digits)
@settings(deadline=None, derandomize=True, max_examples=300)
def test_decimals_of_any_length_are_rounded_as_python_rounds_them(text):
    assert parse(text) == [float(text.replace(",", "."))]


def test_a_line_end_inside_a_value_moves_no_other_value():
    assert parse("9.1", "9\n1", "9.2", "", "9.3") == [9.1, 91.0, 9.2, "COORD_MISSING", 9.3]
    assert parse("9.1\n", "9.2") == [9.1, 9.2]


@pytest.mark.parametrize(
    "text",
    ["xx", "XXX", "*****", "45.4***", "45,xx", "####", "\u2022\u2022", "omissis", "Oscurato"],
)
def test_a_mask_is_told_from_a_mistake(text):
    assert parse(text) == ["COORD_MASKED"]


@pytest.mark.parametrize(
    ("point", "reason"),
    [
        (("999", "999"), "COORD_MASKED"),
        (("-999", "-999.0"), "COORD_MASKED"),
        (("99.9999", "99.9999"), "COORD_MASKED"),
        (("9.19", "9999"), "COORD_MASKED"),
        (("9.19", "****"), "COORD_MASKED"),
        (("9.19", "0"), "COORD_MASKED"),
        (("0", "42.5"), "COORD_MASKED"),
        (("9", "42"), "COORD_MASKED"),
        (("9.99", "42.9"), 0),
        (("9.0", "42.5"), 0),
        (("9.5", "48.5"), "COORD_OUTSIDE"),
        (("95.5", "42.5"), "COORD_OUTSIDE"),
        (("200.5", "42.5"), "COORD_INVALID"),
        (("9100000", "42100000"), "COORD_SCALED"),
        (("919", "4213413"), "COORD_SCALED"),
        (("9.100.000", "42.100.000"), "COORD_SCALED"),
        (("514830", "5034530"), "COORD_INVALID"),
    ],
)
def test_what_hides_a_place_is_named(small, point, reason):
    assert reasons(small, [point]) == [reason]


def test_hidden_coordinates_are_no_sign_of_another_system(small):
    found = place(small, [("999", "999")] * 3 + [("9.1", "42.1")])
    assert not found.is_misfit.any()


def place(locator, points, **options):
    table = pd.DataFrame(points, columns=["x", "y"], dtype="str")
    return place_points(locator, table["x"], table["y"], snap_distance_m=500, **options)


@pytest.mark.parametrize("crs", ["EPSG:32632", "EPSG:32633", "EPSG:3003", "EPSG:3035", "EPSG:3857"])
@pytest.mark.parametrize("swap", [False, True])
def test_the_system_of_metres_called_degrees_is_guessed(locator, crs, swap):
    import pyproj

    inside = np.array([[9.19, 45.4642], [12.4964, 41.9028], [14.25, 40.85], [7.6869, 45.0703]])
    x, y = pyproj.Transformer.from_crs("EPSG:4326", crs, always_xy=True).transform(*inside.T)
    points = [(f"{a:.1f}", f"{b:.1f}") for a, b in (zip(y, x) if swap else zip(x, y))]  # noqa: B905
    found = place(locator, points)
    assert f'Set crs = "{crs}"' in found.hint
    assert ("swap" in found.hint) == swap
    with pytest.raises(TableError, match=f'CRS_MISMATCH.*Set crs = "{crs}"'):
        check_fit(4, 4, str(points[0]), "EPSG:4326", hint=found.hint)


def test_lost_decimal_points_and_degrees_called_metres_are_guessed(locator):
    scaled = [("919000", "4546420"), ("124964000", "419028000"), ("1425", "4085")]
    assert "decimal point" in place(locator, scaled).hint
    degrees = [("9.19", "45.4642"), ("12.4964", "41.9028")]
    assert 'Set crs = "EPSG:4326":' in place(locator, degrees, crs="EPSG:32632").hint
    assert place(locator, degrees).hint == ""
    assert place(locator, [("-70000000", "5")]).hint == ""


def test_coarse_points_have_at_most_one_decimal():
    lon, lat = np.array([9.2, 9.0, 9.25, 9.2, np.nan]), np.array([45.5, 45.0, 45.5, 45.4642, 45.5])
    assert are_coarse(lon, lat).tolist() == [True, True, False, False, False]


def test_heaps_are_counted_over_all_batches():
    rng = np.random.default_rng(1)
    lon, lat = rng.uniform(6, 19, 10_000), rng.uniform(36, 47, 10_000)
    lon[::200], lat[::200] = 9.1, 42.1  # 50 rows
    lon[1::205], lat[1::205] = 9.1, 42.2  # 49 rows
    lon[2::100] = np.nan
    keys = np.concatenate(
        [point_keys(lon[k : k + 100], lat[k : k + 100]) for k in range(0, 10_000, 100)]
    )
    assert (keys == point_keys(lon, lat)).all()
    assert heaped(keys).tolist() == point_keys(np.array([9.1]), np.array([42.1])).tolist()
    assert np.isin(keys, heaped(keys)).sum() == 50
    assert heaped(keys[:30]).tolist() == []
    assert heaped(keys[:0]).tolist() == []


def test_different_points_have_different_keys():
    x, y = np.meshgrid(np.arange(0, 1000) / 1e6, np.arange(0, 1000) / 1e6)
    keys = point_keys(9 + x.ravel(), 45 + y.ravel())
    assert len(np.unique(keys)) == x.size
    assert point_keys(np.array([0.0, -0.0, 1.0]), np.array([-0.0, 0.0, np.inf])).tolist()[2] == 0
    assert point_keys(np.array([0.0]), np.array([5.0])) == point_keys(
        np.array([-0.0]), np.array([5.0])
    )
    assert point_keys(np.array([1.0]), np.array([2.0])) != point_keys(
        np.array([2.0]), np.array([1.0])
    )
