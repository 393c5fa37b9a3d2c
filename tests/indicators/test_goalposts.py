"""Goalposts as a file."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from geo_engine.errors import StatisticsError
from geo_engine.indicators.goalposts import format_goalposts, parse_goalposts
from geo_engine.indicators.normalization import between_goalposts, make_goalposts, treat_outliers


def made() -> dict[str, object]:
    values = xr.DataArray(
        [[*np.linspace(0.1, 0.3, 40), 9.0], [*range(41)]],
        dims=("indicator", "place"),
        coords={"indicator": ["share_eb", "growth"]},
    )
    treated, done = treat_outliers(values)
    reference = {"share_eb": 0.2, "growth": 7.0}
    return make_goalposts(
        treated, {"share_eb": 1, "growth": -1}, reference, name='Italia "2021"', treatments=done
    )


def test_what_is_written_is_read_back_to_the_last_digit():
    assert parse_goalposts(format_goalposts(made())) == made()


def test_the_file_says_what_it_is_and_is_always_the_same():
    text = format_goalposts(made())
    assert text == format_goalposts(parse_goalposts(text))
    assert text.splitlines()[2:5] == ["version = 1", 'reference = "Italia \\"2021\\""', ""]
    assert '[indicator."growth"]\npolarity = -1\nminimum = -13.0\n' in text


def test_an_index_of_a_later_year_needs_the_file_only():
    posts = parse_goalposts(format_goalposts(made()))
    later = xr.DataArray(
        [[0.2], [7.0]], dims=("indicator", "place"), coords={"indicator": ["share_eb", "growth"]}
    )
    np.testing.assert_allclose(between_goalposts(later, posts), 100)


@pytest.mark.parametrize(
    "text",
    [
        "not toml",
        "version = 2",
        "version = 1",
        "version = 1\n[indicator]",
        "version = 1\n[indicator.a]\nminimum = 0\nmaximum = 1\npolarity = 1",
        "version = 1\n[indicator.a]\nminimum = 1\nmaximum = 1\nreference = 1\npolarity = 1",
        "version = 1\n[indicator.a]\nminimum = 0\nmaximum = inf\nreference = 1\npolarity = 1",
        "version = 1\n[indicator.a]\nminimum = 0\nmaximum = 1\nreference = 1\npolarity = 0",
        "version = 1\n[indicator.a]\nminimum = '0'\nmaximum = 1\nreference = 1\npolarity = 1",
        "version = 1\n[indicator.a]\nminimum = 0\nmaximum = 1\nreference = true\npolarity = 1",
    ],
)
def test_a_damaged_file_is_refused(text):
    with pytest.raises(StatisticsError, match="GOALPOSTS_INVALID"):
        parse_goalposts(text)


@settings(deadline=None, derandomize=True, max_examples=60)
@given(st.text(max_size=12), st.floats(-1e12, 1e12), st.floats(1e-6, 1e6), st.text(max_size=20))
def test_any_name_and_number_survives(key, low, width, name):
    post = {"minimum": low, "maximum": low + width, "reference": low + width / 2, "polarity": 1}
    if post["maximum"] <= low:
        return
    posts = {"version": 1, "reference": name, "indicator": {key: post}}
    assert parse_goalposts(format_goalposts(posts)) == posts
