"""Signals: what a column says, and how several combine."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo_engine.errors import TableError
from geo_engine.indicators.digital import SignalRule, combine_signals, signal_values
from geo_engine.indicators.websites import own_domains, website_value


def rule(**keys) -> SignalRule:
    return SignalRule(column="x", label="segnale", **keys)


def values(texts, **keys) -> list[int]:
    return signal_values(pd.Series(texts, dtype=object), rule(**keys)).tolist()


def test_a_flag_is_read_without_case_spaces_or_unicode_form():
    assert values([" Sì ", "si\u0300", "SI", "No", "0", "VERO"]) == [1, 1, 1, 0, 0, 1]


def test_a_flag_outside_both_lists_is_unknown_and_an_empty_field_is_what_the_rule_says():
    texts = ["forse", "", None, "   ", np.nan]
    assert values(texts) == [-1] * 5
    assert values(texts, empty="no") == [-1, 0, 0, 0, 0]


def test_a_filled_field_counts_unless_it_says_no_or_not_known():
    assert values(["BREVETTO 12", "assente", "n.d.", ""], rule="filled", empty="no") == [
        1,
        0,
        -1,
        0,
    ]


def test_one_of_takes_any_other_known_value_as_no():
    keys = {"rule": "one_of", "yes": ("Esperto", "Campione digitale")}
    assert values(["ESPERTO", "Esordiente", "n.d.", "campione  digitale"], **keys) == [1, 0, -1, 1]


def test_contains_looks_for_whole_words_and_takes_any_other_known_text_as_no():
    keys = {"rule": "contains", "yes": ("Shopify", "woocommerce", "c++")}
    texts = ["WordPress; WooCommerce 8", "shopifyplus", "C++, Rust", "n.d.", "", "SHOPIFY"]
    assert values(texts, **keys) == [1, 0, 1, -1, -1, 1]


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("4", 1),
        ("3,9", 0),
        ("3.9", 0),
        ("1.234,50", 1),
        ("1,234.50", 1),
        ("1.234", -1),  # 1234 in Italy, 1.234 elsewhere: one reaches 4, the other does not
        ("4.500", 1),  # both readings reach 4
        ("50%", 1),
        ("-7", 0),
        ("€ 12", 1),
        ("1 500", 1),
        ("quattro", -1),
        ("1e9", -1),
        ("12.34.56", -1),
        ("", -1),
    ],
)
def test_a_number_reaches_the_threshold_whichever_way_it_is_written(text, verdict):
    assert values([text], rule="at_least", threshold=4.0) == [verdict]


def test_a_number_rule_without_a_threshold_is_refused():
    with pytest.raises(TableError, match=r"SIGNAL_RULE.*threshold"):
        values(["4"], rule="at_least")


@pytest.mark.parametrize(
    "text",
    [
        "www.azienda.it",
        "https://azienda.it/it/prodotti?x=1#y",
        "azienda.it:8080",
        "azienda-rossi.com",
        "www.sites.google.com/view/azienda",
        "azienda.wixsite.com/sito",
        "www,azienda.it",
        "www. azienda.it",
        "htps://azienda.it",
        "https:/azienda.it",
        "http//www.azienda.it",
        "www..azienda.it",
        "www.azienda.it - www.azienda.com",
        "facebook.com/azienda e www.azienda.it",
        "www.caffè.it",
        "azienda.srl",
        "dropbox.com",
        "maxx.com",
    ],
)
def test_an_address_of_its_own_is_a_website(text):
    assert website_value(text) == 1


@pytest.mark.parametrize(
    "text",
    [
        *("assente", "no", "nessuno", "n/a", "non presente", "-", "non disponibile al momento"),
        *("in fase di realizzazione", "info@azienda.it", "mario.rossi@pec.it", "@azienda"),
        *("facebook.com/azienda", "https://m.facebook.com/azienda", "youtube.com/@azienda"),
        *("https://www.linkedin.com/company/azienda", "x.com/azienda", "linktr.ee/azienda"),
        *("https://wa.me/39055", "t.me/azienda", "facebook", "www.paginegialle.it/azienda"),
        *("https://goo.gl/maps/abc", "maps.google.com/?q=azienda", "https://www.google.it/maps/a"),
        *("startup.registroimprese.it", "www.gmail.com"),
    ],
)
def test_a_page_elsewhere_a_mail_or_a_declared_absence_is_no_website(text):
    assert website_value(text) == 0


@pytest.mark.parametrize(
    "text", ["enjoyyourcoffee", "www.azienda", "https://azienda.", "via roma 12", "s.r.l."]
)
def test_a_text_that_is_neither_an_address_nor_a_no_stays_unknown(text):
    assert website_value(text) == -1


PARTS = ("azienda", "facebook", "gmail", "maps", "ww", "www", "w", "x", "a-b", "-a", "a-", "libero")


ADDRESS = st.tuples(
    st.sampled_from(["", "http://", "https://", "HTTPS://", "htp://", " "]),
    st.sampled_from(["", "www.", "ww.", "www,"]),
    st.lists(st.sampled_from(PARTS), min_size=1, max_size=3).map(".".join),
    st.sampled_from([".it", ".com", ".eu", ".net", ".org", ".zzzzz", ""]),
    st.sampled_from(["", "/", "/it", " ", "\n"]),
).map("".join)


@settings(deadline=None, derandomize=True, max_examples=40)
@given(st.lists(ADDRESS, min_size=1, max_size=30))
def test_what_is_plainly_an_own_domain_is_one_for_the_careful_reader_too(texts):
    for text, is_own in zip(texts, own_domains(pd.Series(texts, dtype="str")), strict=True):
        if is_own:
            assert website_value(" ".join(text.casefold().split())) == 1


def test_a_plain_domain_is_told_at_once():
    texts = [
        "www.azienda.it",
        "HTTP://Azienda-Rossi.com/",
        "facebook.com",
        "gmail.com",
        "maps.it",
        "",
    ]
    found = own_domains(pd.Series(texts, dtype="str"))
    assert found.tolist() == [True, True, False, False, False, False]


def test_the_website_rule_reads_a_column_in_its_own_order():
    texts = ["WWW.Azienda.IT", None, "Assente", "boh", "WWW.Azienda.IT"]
    assert values(texts, rule="website", empty="no") == [1, 0, 0, -1, 1]


def test_a_column_of_arrow_strings_reads_as_one_of_objects():
    texts = ["sì", None, "no", "boh"]
    arrow = pd.Series(
        texts, dtype=pd.ArrowDtype(pd.Series(texts, dtype="str").array._pa_array.type)
    )
    assert signal_values(arrow, rule()).tolist() == [1, -1, 0, -1]
    assert signal_values(pd.Series(texts, dtype="str"), rule()).tolist() == [1, -1, 0, -1]
    assert signal_values(arrow.array._pa_array, rule()).tolist() == [1, -1, 0, -1]


def test_an_empty_column_gives_no_signal():
    assert signal_values(pd.Series([], dtype=object), rule()).shape == (0,)


@pytest.mark.parametrize(("combine", "needed"), [("any", 1), ("all", 3), (2, 2), (1, 1), (3, 3)])
def test_a_combination_is_known_exactly_when_the_unknown_signals_cannot_change_it(combine, needed):
    rows = list(itertools.product((1, 0, -1), repeat=3))
    signals = [np.array(column, dtype=np.int8) for column in zip(*rows, strict=True)]
    combined = combine_signals(signals, combine)
    for row, verdict in zip(rows, combined, strict=True):
        worlds = itertools.product(*[(0, 1) if s == -1 else (s,) for s in row])
        outcomes = {int(sum(world) >= needed) for world in worlds}
        assert verdict == (outcomes.pop() if len(outcomes) == 1 else -1)


@pytest.mark.parametrize("combine", [0, 4, "some"])
def test_an_impossible_combination_is_refused(combine):
    with pytest.raises(TableError, match="SIGNAL_RULE"):
        combine_signals([np.zeros(2, np.int8)] * 3, combine)


def test_no_signal_at_all_is_refused():
    with pytest.raises(TableError, match="SIGNAL_RULE"):
        combine_signals([], "any")


@pytest.mark.shared
def test_startups_declare_a_website_or_clearly_none_in_nearly_all_rows(shared_data):
    path = shared_data / "firms" / "innovative_startups_half.csv"
    sites = pd.read_csv(path, dtype=str, keep_default_na=False, usecols=["sito_web"])["sito_web"]
    found = signal_values(sites, rule(rule="website", empty="no"))
    filled = sites.str.strip() != ""
    assert (found[~filled] == 0).all()
    assert (found[filled] == 1).mean() > 0.99
    assert (found == -1).sum() <= 10
