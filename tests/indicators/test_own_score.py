"""SELFI4.0 profiles, own scores, legal forms, and of whom signals are known."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo_engine.errors import TableError
from geo_engine.indicators.legal_forms import (
    form_labels,
    forms_in_names,
    legal_forms,
    read_legal_forms,
)
from geo_engine.indicators.own_score import own_score, score_levels
from geo_engine.indicators.selfi import (
    at_least_profile,
    profile_labels,
    read_profiles,
    selfi_profiles,
    selfi_table,
)
from geo_engine.indicators.signal_coverage import (
    count_levels,
    coverage_counts,
    coverage_table,
    coverage_warnings,
)


def int8(*values) -> np.ndarray:
    return np.array(values, np.int8)


# SELFI4.0


def test_the_five_profiles_are_read_from_their_names():
    texts = [
        *("Esordiente", "apprendista digitale", "SPECIALISTE", "Esperto", "Campioni digitali"),
        *("", "medio", None, "Esperto o Campione"),
    ]
    assert read_profiles(pd.Series(texts)).tolist() == [0, 1, 2, 3, 4, -1, -1, -1, -1]
    assert len(profile_labels()) == len(profile_labels("en")) == 5


def test_our_thresholds_part_the_scale_into_five_equal_parts_and_say_that_they_are_ours():
    first, last = selfi_table()["scale"]
    expected = first + (last - first) / 5 * np.arange(1, 5)
    np.testing.assert_allclose(selfi_table()["thresholds"], expected)
    assert not selfi_table()["thresholds_are_official"]
    assert "non sono pubbliche" in selfi_table()["note"]
    scores = np.array([1, 1.59, 1.6, 2.2, 2.8, 3.4, 4, 0.9, 4.1, np.nan])
    assert selfi_profiles(scores).tolist() == [0, 0, 1, 2, 3, 4, 4, -1, -1, -1]


def test_a_study_may_give_its_own_thresholds_but_not_impossible_ones():
    found = selfi_profiles(np.array([1.4, 2.0]), thresholds=(1.5, 2, 3, 3.5))
    assert found.tolist() == [0, 2]
    for wrong in ((1.5, 2, 3), (2, 1.5, 3, 3.5), (1, 2, 3, 3.5), (1.5, 2, 3, 4)):
        with pytest.raises(TableError, match="SELFI_THRESHOLDS"):
            selfi_profiles(np.array([2.0]), thresholds=wrong)


def test_a_profile_becomes_a_signal_from_the_lowest_that_counts():
    assert at_least_profile(int8(0, 2, 4, -1), "specialista").tolist() == [0, 1, 1, -1]
    with pytest.raises(TableError, match="SELFI_PROFILE"):
        at_least_profile(int8(0), "guru")


# Own score


def test_a_score_is_the_weight_of_the_signals_that_a_firm_has():
    signals = {"a": int8(1, 1, 0, -1, -1), "b": int8(1, 0, 0, 1, -1), "c": int8(1, 0, 0, 0, 0)}
    found = own_score(signals, {"a": 2, "b": 1, "c": 1})
    assert found.score[:3].tolist() == [100, 50, 0]
    assert np.isnan(found.score[3:]).all()
    assert found.low.tolist() == [100, 50, 0, 25, 0]
    assert found.high.tolist() == [100, 50, 0, 75, 75]
    assert found.known.tolist() == [1, 1, 1, 0.5, 0.25]
    partial = own_score(signals, {"a": 2, "b": 1, "c": 1}, missing="known", least_known=0.5)
    assert partial.score[3] == 50
    assert np.isnan(partial.score[4])


@settings(deadline=None, derandomize=True, max_examples=80)
@given(
    st.lists(st.tuples(*[st.sampled_from([1, 0, -1])] * 4), min_size=1, max_size=6),
    st.lists(st.sampled_from([0.1, 0.2, 0.3, 1.0, 2.5]), min_size=4, max_size=4),
    st.floats(0.01, 1),
)
def test_every_completion_of_unknown_signals_scores_between_the_bounds(rows, weights, least):
    keys = ("a", "b", "c", "d")
    signals = {k: int8(*column) for k, column in zip(keys, zip(*rows, strict=True), strict=True)}
    by_key = dict(zip(keys, weights, strict=True))
    found = own_score(signals, by_key, missing="known", least_known=least)
    for i, row in enumerate(rows):
        worlds = itertools.product(*[(0, 1) if value == -1 else (value,) for value in row])
        scores = [100 * np.dot(world, weights) / sum(weights) for world in worlds]
        assert found.low[i] == pytest.approx(min(scores))
        assert found.high[i] == pytest.approx(max(scores))
        if -1 not in row:
            assert found.score[i] == found.low[i] == found.high[i]
        if not np.isnan(found.score[i]):
            assert found.low[i] <= found.score[i] <= found.high[i]
            assert found.known[i] >= least - 1e-8


@settings(deadline=None, derandomize=True)
@given(
    st.lists(st.tuples(*[st.sampled_from([1, 0])] * 3), min_size=1, max_size=6), st.floats(0.1, 9)
)
def test_only_the_proportions_of_the_weights_matter(rows, factor):
    signals = {k: int8(*column) for k, column in zip("abc", zip(*rows, strict=True), strict=True)}
    plain = own_score(signals, {"a": 1, "b": 2, "c": 3})
    scaled = own_score(signals, {"a": factor, "b": 2 * factor, "c": 3 * factor})
    np.testing.assert_allclose(plain.score, scaled.score)


def test_a_level_is_known_where_both_bounds_lie_in_it():
    signals = {"a": int8(1, 1, 0, -1), "b": int8(1, 0, 0, 1), "c": int8(1, -1, 0, -1)}
    found = own_score(signals, {"a": 1, "b": 1, "c": 1})
    assert score_levels(found, [30, 60]).tolist() == [2, -1, 0, -1]
    assert score_levels(found, [100 / 3, 200 / 3]).tolist() == [2, -1, 0, -1]
    for wrong in ([], [0, 50], [60, 30], [101]):
        with pytest.raises(TableError, match="SCORE_LEVELS"):
            score_levels(found, wrong)


@pytest.mark.parametrize(
    "weights", [{}, {"z": 1}, {"a": -1}, {"a": 0}, {"a": float("inf")}, {"a": float("nan")}]
)
def test_weights_that_make_no_score_are_refused(weights):
    with pytest.raises(TableError, match="SCORE_WEIGHTS"):
        own_score({"a": int8(1)}, weights)
    with pytest.raises(TableError, match="SCORE_WEIGHTS"):
        own_score({"a": int8(1)}, {"a": 1}, least_known=0)


# Legal forms


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("DI", "impresa_individuale"),
        ("Impresa Individuale", "impresa_individuale"),
        ("SR", "societa_di_capitali"),
        ("S.R.L.", "societa_di_capitali"),
        ("SOCIETA' A RESPONSABILITA' LIMITATA CON UNICO SOCIO", "societa_di_capitali"),
        ("Società per azioni", "societa_di_capitali"),
        ("SOCIETA' IN ACCOMANDITA PER AZIONI", "societa_di_capitali"),
        ("SOCIETA' IN ACCOMANDITA SEMPLICE", "societa_di_persone"),
        ("snc", "societa_di_persone"),
        ("SOCIETA' COOPERATIVA A RESPONSABILITA' LIMITATA", "cooperativa"),
        ("societa' consortile a responsabilita' limitata", "altre_forme"),
        ("CONSORZIO", "altre_forme"),
    ],
)
def test_a_legal_form_is_read_from_its_code_or_its_name(text, form):
    position = int(read_legal_forms(pd.Series([text]))[0])
    assert list(legal_forms())[position] == form


def test_an_unknown_legal_form_stays_unknown_unless_the_tax_code_is_a_persons():
    texts = pd.Series(["", None, "boh", "SR"])
    person = np.array([True, False, False, True])
    assert read_legal_forms(texts).tolist() == [-1, -1, -1, 2]
    assert read_legal_forms(texts, is_person=person).tolist() == [0, -1, -1, 2]
    assert len(form_labels()) == len(form_labels("en")) == len(legal_forms())


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("Rossi S.R.L.", "societa_di_capitali"),
        ("alfa societa' a responsabilita' limitata semplificata", "societa_di_capitali"),
        ("beta soc. coop. a r.l.", "cooperativa"),
        ("Gamma Società Cooperativa a responsabilità limitata", "cooperativa"),
        ("Fratelli Verdi di Verdi Mario & C. s.n.c.", "societa_di_persone"),
        ("Consorzio Delta societa' consortile a responsabilita' limitata", "altre_forme"),
        ("SPARTACO BIANCHI", None),
        ("", None),
    ],
)
def test_a_legal_form_is_found_as_words_in_a_name(name, form):
    position = int(forms_in_names(pd.Series([name]))[0])
    assert (list(legal_forms())[position] if position >= 0 else None) == form


def test_no_code_stands_for_two_legal_forms():
    codes = [code for group in legal_forms().values() for code in group["codes"]]
    assert len(codes) == len(set(codes))


# Coverage


def test_coverage_stands_by_group_with_the_bounds_of_the_share():
    signals = {"sito": int8(1, 0, -1, 1, -1), "ict": int8(0, 0, 0, 1, 1)}
    counts = coverage_counts(signals, np.array([0, 0, 0, 2, -1]), 3)
    table = coverage_table(
        [("sito", "sito web"), ("ict", "ICT")], {"size": (("0-9", "10-49", "50+"), counts)}
    )
    assert table["group"].tolist() == ["0-9", "50+", "non noto"] * 2
    first = table.iloc[0]
    assert (first["firms"], first["known"], first["yes"]) == (3, 2, 1)
    assert first["coverage"] == pytest.approx(2 / 3)
    assert first["share"] == 0.5
    assert (first["share_low"], first["share_high"]) == (pytest.approx(1 / 3), pytest.approx(2 / 3))
    nothing = table.iloc[2]
    assert (nothing["coverage"], nothing["share_low"], nothing["share_high"]) == (0, 0, 1)
    assert np.isnan(nothing["share"])
    (warning,) = coverage_warnings(table)
    assert warning.startswith("sito web: noto per meno della metà")
    assert "classe di addetti (non noto 0,0 %)" in warning


@settings(deadline=None, derandomize=True)
@given(
    st.lists(
        st.tuples(st.sampled_from([1, 0, -1]), st.integers(-1, 2), st.booleans()), max_size=30
    ),
    st.integers(1, 4),
)
def test_coverage_in_batches_is_what_a_group_by_of_pandas_counts(rows, batches):
    frame = pd.DataFrame(rows, columns=["s", "g", "inside"]).astype(
        {"s": int, "g": int, "inside": bool}
    )
    total = 0
    for part in np.array_split(np.arange(len(frame)), batches):
        own = frame.iloc[part]
        total = total + coverage_counts(
            {"s": own["s"].to_numpy(np.int8)},
            own["g"].to_numpy(),
            3,
            counted=own["inside"].to_numpy(),
        )
    inside = frame[frame["inside"]]
    for group in range(-1, 3):
        chosen = inside[inside["g"] == group]
        expected = [len(chosen), int((chosen["s"] >= 0).sum()), int((chosen["s"] == 1).sum())]
        assert total[0, group if group >= 0 else 3].tolist() == expected


def test_levels_are_counted_with_the_unknown_ones():
    found = count_levels(int8(0, 3, -1, 3), 4, np.array([0, 0, 1, -1]), 2)
    assert found.tolist() == [[1, 0, 0, 1, 0], [0, 0, 0, 0, 1], [0, 0, 0, 1, 0]]
