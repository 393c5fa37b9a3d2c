"""Signals of a study: what the grammar takes, what it refuses, and what stays unknown."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo_engine.chains.classification import exists
from geo_engine.errors import TableError
from geo_engine.indicators.signal_values import (
    SignalInputs,
    ateco_signal,
    column_signal,
    derive_signals,
    place_signal,
    place_values,
    read_signals,
)
from geo_engine.indicators.signals import (
    SignalDefinition,
    check_signals,
    load_lists,
    mandatory,
    signal_notes,
)


def signal(key="x", **keys) -> SignalDefinition:
    return SignalDefinition(key=key, label=keys.pop("label", "segnale"), **keys)


def checked(**keys) -> SignalDefinition:
    return check_signals([signal(**{"column": "c", **keys})])[0]


def values(texts, **keys) -> list[int]:
    return column_signal(checked(**keys), pd.Series(texts, dtype=object)).tolist()


# Kinds of one column


def test_each_kind_of_column_reads_yes_no_and_unknown():
    assert values(["sì", "no", "boh", ""]) == [1, 0, -1, -1]
    assert values(["3", "0", "n.d."], kind="count") == [1, 0, -1]
    assert values(["4", "5"], kind="count", threshold=5.0) == [0, 1]
    innovative = {"kind": "contains", "preset": "innovative"}
    texts = ["startup costituita a norma dell art 4", "PMI innovativa", "societa benefit", ""]
    assert values(texts, **innovative) == [1, 1, 0, -1]
    assert values(["Oro", "argento", ""], kind="category", words=("oro",)) == [1, 0, -1]
    assert values(["WordPress, WooCommerce", "nginx"], kind="contains", preset="ecommerce") == [
        1,
        0,
    ]
    assert values(["ISO 9001", "assente", ""], kind="filled", empty="no") == [1, 0, 0]
    assert values(
        ["www.azienda.it", "facebook.com/azienda", "info@azienda.it", "in costruzione", ""],
        kind="website",
    ) == [1, 0, 0, 0, -1]


def test_own_words_replace_the_usual_ones_of_yes():
    assert values(["attiva", "sì"], words=("attiva",)) == [1, -1]


# What the law asks


@pytest.mark.parametrize(
    "keys",
    [
        {"key": "pec"},
        {"column": "flagPEC"},
        {"column": "INDIRIZZO_PEC"},
        {"column": "emailpec"},
        {"column": "PECAZIENDA"},
        {"label": "imprese con posta elettronica certificata"},
        {"label": "imprese con domicilio digitale"},
        {"label_en": "firms with a certified e-mail"},
        {"column": "Fattura_Elettronica"},
        {"label": "fatturazione elettronica verso imprese"},
        {"key": "e_invoicing"},
        {"label_en": "firms that send e-invoices"},
        {"column": "codice destinatario"},
    ],
)
def test_certified_mail_and_e_invoicing_are_no_signs_of_maturity(keys):
    with pytest.raises(TableError, match=r"SIGNAL_MANDATORY.*obbligatoria per legge") as refused:
        checked(**keys)
    assert "force = true" in refused.value.message
    forced = checked(**keys, force=True)
    assert signal_notes(forced)[0][0].startswith("Segnale forzato: ")
    assert signal_notes(forced)[0][1].startswith("Forced signal: ")


@pytest.mark.parametrize(
    "keys",
    [
        {"key": "specialisti_ict"},
        {"label": "imprese che usano lo specchio digitale"},
        {"label": "imprese con firma digitale"},
        {"column": "fatturato_online"},
        {"label": "prospect attivi"},
        {"label": "imprese con e-commerce"},
    ],
)
def test_other_signals_are_not_taken_for_what_the_law_asks(keys):
    assert mandatory(checked(**keys)) is None
    assert signal_notes(checked(**keys)) == ()


def test_a_column_of_certified_addresses_is_refused_whatever_it_is_called():
    certified = ["a@pec.it", "b@legalmail.it", "c@azienda.pec.it", "d@spec.it", ""]
    with pytest.raises(TableError, match=r"SIGNAL_MANDATORY.*3 of 4 values"):
        values(certified, kind="filled")
    assert values(certified, kind="filled", force=True) == [1, 1, 1, 1, -1]
    assert values(["a@spec.it", "b@azienda.it", "c@pec.it"], kind="filled") == [1, 1, 1]


# ATECO codes

ICT = {"kind": "ateco_prefix", "preset": "ict"}


@pytest.mark.parametrize(
    ("text", "edition", "verdict"),
    [
        ("62.01.00", "2007", 1),
        ("620100", "2007", 1),
        ("J62.01", "2007", 1),
        ("62.01 - Produzione di software", "2007", 1),
        ("10.71.10; 63.11.20", "2007", 1),
        ("10.71.10|01.11.10", "2007", 0),
        ("107110,631120", "2007", 1),
        ("10.71.10, 47.11", "2007", 0),
        ("10.71.10 63.11.20", "2007", 1),
        ("10.71.10 / 63.11.20", "2007", 1),
        ("26", "2007", -1),  # 26.1 is ICT, 26.5 is not
        ("26; 62.01", "2007", 1),
        ("99.99.99", "2007", -1),
        ("10.71.10; boh", "2007", -1),
        ("63.91", "2007", 0),  # news agencies
        ("63.91", "2025", 1),  # search portals
        ("63.91", "", -1),
        ("62.01", "", 1),  # stands in ATECO 2007 alone
        ("62.10", "", 1),
        ("10.71", "", 0),
        ("", "2007", -1),
        ("-", "2007", -1),
    ],
)
def test_a_list_of_codes_is_ict_where_one_of_them_surely_is(text, edition, verdict):
    found = ateco_signal(checked(**ICT), pd.Series([text]), edition)
    assert found.tolist() == [verdict]


def test_codes_are_read_in_the_edition_of_each_row():
    texts = pd.Series(["63.91", "63.91", None])
    found = ateco_signal(checked(**ICT, empty="no"), texts, np.array(["2007", "2025", ""], object))
    assert found.tolist() == [0, 1, 0]
    assert ateco_signal(checked(**ICT), texts[:0], "2007").shape == (0,)


def test_every_prefix_of_the_preset_stands_in_its_edition():
    for edition, listed in load_lists()["presets"]["ict"].items():
        assert [prefix for prefix in listed if not exists(prefix, edition)] == []


def test_a_prefix_of_web_retail_is_marked_as_a_broken_series():
    retail = checked(kind="ateco_prefix", prefixes={"2007": ("47.91.1",)})
    assert "47.91" in signal_notes(retail)[0][0]


# Places, derived signals


def test_a_signal_of_the_place_is_that_of_its_municipality_and_says_so():
    broadband = checked(kind="place", threshold=0.5)
    coverage = np.array([0.5, 0.4999, np.nan])
    place = np.array([0, 1, 2, -1, 0], np.int32)
    assert place_signal(broadband, coverage, place).tolist() == [1, 0, -1, -1, 1]
    assert "comune" in signal_notes(broadband)[0][0]


def test_rows_of_a_table_of_places_are_averaged_by_municipality():
    values = np.array([1.0, 0.0, 0.5, np.nan, 0.9])
    place = np.array([0, 0, 2, 2, -1])
    np.testing.assert_array_equal(place_values(values, place, 4), [0.5, np.nan, 0.5, np.nan])
    weighted = place_values(values, place, 4, weights=np.array([3.0, 1, 1, 9, 1]))
    np.testing.assert_array_equal(weighted, [0.75, np.nan, 0.5, np.nan])


def test_derived_signals_stand_after_their_parts_whatever_the_order_of_the_study():
    ordered = check_signals(
        [
            signal("maturo", kind="at_least", of=("vende", "altro"), threshold=1.0),
            signal("vende", kind="all", of=("sito", "negozio")),
            signal("altro", kind="not", of=("sito",)),
            signal("sito", kind="website", column="s"),
            signal("negozio", column="n"),
        ]
    )
    keys = [each.key for each in ordered]
    assert keys.index("maturo") > keys.index("vende") > keys.index("sito")
    known = {"sito": np.array([1, 0, -1], np.int8), "negozio": np.array([1, 1, -1], np.int8)}
    found = derive_signals(ordered, known)
    assert found["vende"].tolist() == [1, 0, -1]
    assert found["altro"].tolist() == [0, 1, -1]
    assert found["maturo"].tolist() == [1, 1, -1]


@settings(deadline=None, derandomize=True, max_examples=60)
@given(
    st.sampled_from(["any", "all", "at_least"]),
    st.integers(1, 3),
    st.lists(st.tuples(*[st.sampled_from([1, 0, -1])] * 3), min_size=1, max_size=8),
)
def test_a_derived_signal_is_known_exactly_when_no_completion_changes_it(kind, needed, rows):
    parts = ("a", "b", "c")
    threshold = float(needed) if kind == "at_least" else None
    definitions = check_signals(
        [signal(key, column=key) for key in parts]
        + [signal("d", kind=kind, of=parts, threshold=threshold)]
    )
    columns = {
        key: np.array(column, np.int8)
        for key, column in zip(parts, zip(*rows, strict=True), strict=True)
    }
    wanted = {"any": 1, "all": 3}.get(kind, needed)
    found = derive_signals(definitions, columns)["d"]
    for row, verdict in zip(rows, found, strict=True):
        worlds = itertools.product(*[(0, 1) if value == -1 else (value,) for value in row])
        outcomes = {int(sum(world) >= wanted) for world in worlds}
        assert verdict == (outcomes.pop() if len(outcomes) == 1 else -1)


def test_all_signals_of_a_batch_are_read_at_once():
    definitions = check_signals(
        [
            signal("sito", kind="website", column="Sito"),
            signal("ict", column="ATECO", **ICT),
            signal("fibra", kind="place", column="quota", source="banda", threshold=0.5),
            signal("startup", kind="listed", source="registro"),
            signal("digitale", kind="any", of=("sito", "startup")),
        ]
    )
    table = {"Sito": pd.Series(["www.a.it", ""]), "ATECO": pd.Series(["62.01", "10.71"])}
    found = read_signals(
        definitions,
        SignalInputs(
            column=table.__getitem__,
            editions="2007",
            place=np.array([0, 1]),
            places={"fibra": np.array([0.9, 0.1])},
            joined={"startup": np.array([0, 1], np.int8)},
        ),
    )
    assert {key: column.tolist() for key, column in found.items()} == {
        "sito": [1, -1],
        "ict": [1, 0],
        "fibra": [1, 0],
        "startup": [0, 1],
        "digitale": [1, 1],
    }


# Refusals


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"kind": "category"}, "needs words"),
        ({"kind": "place"}, "needs threshold"),
        ({"kind": "ateco_prefix"}, "needs prefixes"),
        ({"kind": "listed", "column": None}, "needs source"),
        ({"kind": "boolean", "column": None}, "needs column"),
        ({"kind": "category", "preset": "altro"}, "no preset 'altro'"),
        ({"kind": "count", "threshold": float("nan")}, "must be a number"),
        ({"kind": "ateco_prefix", "prefixes": {"2007": ("62.99",)}}, "no codes of ATECO 2007"),
        ({"kind": "ateco_prefix", "prefixes": {"1991": ("62",)}}, "no codes of ATECO 1991"),
        ({"kind": "any"}, "made of 0 signals"),
        ({"kind": "boolean", "of": ("y",)}, "made of 1 signals"),
        ({"kind": "not", "of": ("y", "z")}, "made of 2 signals"),
        ({"kind": "at_least", "of": ("y",), "threshold": 2.0}, "cannot be"),
        ({"kind": "at_least", "of": ("y", "z"), "threshold": 1.5}, "cannot be"),
    ],
)
def test_an_incomplete_signal_is_refused_with_what_it_lacks(keys, message):
    with pytest.raises(TableError, match=rf"SIGNAL_RULE.*{message}"):
        checked(**keys)


def test_signals_made_of_nothing_known_or_of_each_other_are_refused():
    with pytest.raises(TableError, match=r"SIGNAL_UNKNOWN.*'y'"):
        checked(kind="not", of=("y",))
    with pytest.raises(TableError, match="SIGNAL_CYCLE"):
        check_signals([signal("a", kind="not", of=("b",)), signal("b", kind="not", of=("a",))])
    with pytest.raises(TableError, match="SIGNAL_TWICE"):
        check_signals([signal("a", column="x"), signal("a", column="y")])
