"""Indicators that a study defines, and the arithmetic they are written in."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from geo_engine.errors import StudyError
from geo_engine.indicators.expressions import evaluate_expression, parse_expression
from geo_engine.indicators.registry import load_registry
from geo_engine.indicators.user_indicators import UserIndicator, define_indicators


def panel() -> xr.Dataset:
    dims = ("place", "chain", "year")
    cube = {
        "firms": [[[10.0], [4]], [[0], [np.nan]]],
        "known": [[[8.0], [4]], [[0], [np.nan]]],
        "digital": [[[2.0], [3]], [[0], [np.nan]]],
    }
    found = xr.Dataset({k: (dims, np.array(v)) for k, v in cube.items()})
    return found.assign(
        population=("place", [2000.0, 500.0]),
        status=(dims, np.zeros((2, 2, 1), np.int8)),
    ).assign_coords(place=["001001", "001002"], chain=["a", "b"], year=[2024])


def define(*definitions, **changes) -> object:
    return define_indicators(definitions, panel(), load_registry(), **changes)


SILENT = UserIndicator(
    key="silent_share",
    numerator="firms - known",
    denominator="firms",
    unit="quota da 0 a 1",
    polarity=-1,
    label="Quota di imprese senza segnale",
    label_en="Share of firms without a signal",
)


def test_a_share_is_as_worked_by_hand_and_missing_where_nothing_divides():
    found = define(SILENT)
    assert found.variables["silent_share"].dims == ("place", "chain", "year")
    np.testing.assert_allclose(
        found.variables["silent_share"].to_numpy()[..., 0], [[0.2, 0], [np.nan, np.nan]]
    )
    entry = found.registry["silent_share"]
    assert entry.formula == "(firms - known) / (firms)"
    assert (entry.polarity, entry.unit, entry.confidential) == (-1, "quota da 0 a 1", False)


def test_residents_are_repeated_over_chains_and_constants_are_numbers():
    found = define(
        dataclasses.replace(SILENT, numerator="1000 * digital", denominator="population")
    )
    np.testing.assert_allclose(
        found.variables["silent_share"].to_numpy()[..., 0], [[1, 1.5], [0, np.nan]]
    )


def test_only_places_in_it_still_gives_every_dim_of_the_panel():
    found = define(dataclasses.replace(SILENT, numerator="population / 1e3", denominator=""))
    assert found.variables["silent_share"].shape == (2, 2, 1)
    assert not found.registry["silent_share"].confidential


def test_an_indicator_of_confidential_or_unknown_origin_is_confidential():
    by_signal = dataclasses.replace(SILENT, numerator="digital", denominator="firms")
    assert define(by_signal).registry["silent_share"].confidential
    foreign = dataclasses.replace(SILENT, numerator="firms", denominator="population")
    assert define(foreign, public=()).registry["silent_share"].confidential
    later = dataclasses.replace(SILENT, key="twice", numerator="2 * silent_share", denominator="")
    assert define(by_signal, later).registry["twice"].confidential


def test_later_indicators_may_use_earlier_ones_and_not_the_reverse():
    later = dataclasses.replace(SILENT, key="spoken", numerator="1 - silent_share", denominator="")
    np.testing.assert_allclose(
        define(SILENT, later).variables["spoken"].to_numpy()[0, :, 0], [0.8, 1]
    )
    with pytest.raises(StudyError, match=r"UNKNOWN_VARIABLE.*silent_share"):
        define(later, SILENT)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"key": "Silent"}, "INDICATOR_INVALID"),
        ({"key": "__class__"}, "INDICATOR_INVALID"),
        ({"label": " "}, "INDICATOR_INVALID"),
        ({"unit": ""}, "INDICATOR_INVALID"),
        ({"polarity": 2}, "INDICATOR_INVALID"),
        ({"decimals": 9}, "INDICATOR_INVALID"),
        ({"key": "firms"}, "INDICATOR_REPEATED"),
        ({"numerator": "firm"}, "UNKNOWN_VARIABLE.*firms"),
        ({"numerator": "status"}, "VARIABLE_NOT_NUMERIC"),
        ({"denominator": "1 +"}, "EXPRESSION_INVALID"),
    ],
)
def test_a_definition_that_cannot_be_shown_is_refused(changes, code):
    with pytest.raises(StudyError, match=code):
        define(dataclasses.replace(SILENT, **changes))


def test_two_indicators_of_one_name_are_refused():
    with pytest.raises(StudyError, match="INDICATOR_REPEATED"):
        define(SILENT, SILENT)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "12",
        "firms +",
        "firms, known",
        "firms ** 2",
        "firms // known",
        "firms % 2",
        "firms @ known",
        "firms > 3",
        "firms and known",
        "firms.values",
        "firms[0]",
        "open('x')",
        "__import__('os').system('true')",
        "lambda: firms",
        "(firms := 3)",
        "f'{firms}'",
        "'firms'",
        "True * firms",
        "1j * firms",
        "1e999 * firms",
        "firms if known else digital",
        "[firms for firms in known]",
        "1,5 * firms",
        "firms\x00",
        "(" * 100 + "firms" + ")" * 100 + "+" * 200 + "firms",
        "-" * 300 + "firms",
        "9" * 390 + "*firms",
        "firms + " * 60 + "firms",
    ],
)
def test_anything_but_arithmetic_is_refused_and_never_run(text):
    with pytest.raises(StudyError, match="EXPRESSION_INVALID"):
        parse_expression(text)


def test_names_are_listed_once_in_the_order_of_use():
    found = parse_expression(" (b +  a)*-2 / b ")
    assert found.names == ("b", "a")
    assert found.text == "(b + a)*-2 / b"


def test_a_ratio_of_ratios_with_a_zero_inside_is_missing_and_not_infinite():
    zero, one = xr.DataArray([0.0, 2.0], dims="place"), xr.DataArray([1.0, 1.0], dims="place")
    found = evaluate_expression(parse_expression("a / (b / z)"), {"a": one, "b": one, "z": zero})
    np.testing.assert_array_equal(found, [np.nan, 2])


leaf = st.one_of(st.sampled_from("abc"), st.integers(1, 99).map(str))
formulas = st.recursive(
    leaf,
    lambda inner: st.builds(
        lambda left, sign, right: f"({left} {sign} {right})",
        inner,
        st.sampled_from("+-*/"),
        inner,
    ),
    max_leaves=8,
).filter(lambda text: any(name in text for name in "abc"))


@settings(deadline=None, derandomize=True, max_examples=60)
@given(formulas)
def test_arithmetic_equals_that_of_python(text):
    numbers = {"a": 3.0, "b": -2.0, "c": 0.5}
    arrays = {name: xr.DataArray([value], dims="place") for name, value in numbers.items()}
    try:
        expected = eval(text, {"__builtins__": {}}, numbers)
    except ZeroDivisionError:
        expected = np.nan
    found = float(evaluate_expression(parse_expression(text), arrays)[0])
    np.testing.assert_allclose(found, expected, rtol=1e-12)
