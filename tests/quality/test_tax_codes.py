"""Tax codes, against python-stdnum and by hand."""

from __future__ import annotations

import random
import string

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stdnum import exceptions
from stdnum.it import codicefiscale, iva

from geo_engine.quality.tax_codes import (
    STATES,
    TaxCodes,
    check_tax_codes,
    is_person,
    tax_code_findings,
    valid_codes,
)

LETTERS = string.ascii_uppercase
MONTHS = "ABCDEHLMPRST"
OMOCODIA = "LMNPQRSTUV"
COMPANY = "00743110157"
PERSON = "RCCMNL83S18D969H"


def states_of(texts: list[str | None]) -> list[str]:
    found = check_tax_codes(pa.array(texts, pa.string()))
    return [STATES[state] for state in found.states]


def by_stdnum(text: str) -> str:
    """Say what python-stdnum finds in a code that nobody tries to repair."""
    try:
        codicefiscale.validate(text)
    except exceptions.InvalidChecksum:
        return "checksum"
    except exceptions.ValidationError:
        return "invalid"
    return "person" if len(codicefiscale.compact(text)) == 16 else "company"


def random_company(rng: random.Random) -> str:
    office = rng.choice([*range(1, 101), 120, 121, 888, 999, rng.randrange(1000)])
    digits = f"{rng.randrange(10**7):07d}{office:03d}"
    doubled = [int(digit) * 2 for digit in digits[1::2]]
    total = sum(map(int, digits[::2])) + sum(value - 9 * (value > 9) for value in doubled)
    return f"{digits}{-total % 10}"


def random_person(rng: random.Random) -> str:
    day = rng.randrange(1, 32) + rng.choice([0, 40])
    text = [
        *rng.choices(LETTERS, k=6),
        *f"{rng.randrange(100):02d}",
        rng.choice(MONTHS),
        *f"{day:02d}",
        rng.choice(LETTERS),
        *f"{rng.randrange(1000):03d}",
    ]
    for place in (6, 7, 9, 10, 12, 13, 14):
        if rng.random() < 0.1:
            text[place] = OMOCODIA[int(text[place])]
    code = "".join(text)
    return code + codicefiscale.calc_check_digit(code)


def mutated(code: str, rng: random.Random) -> str:
    place = rng.randrange(len(code))
    letter = rng.choice(string.digits + LETTERS)
    return code[:place] + letter + code[place + 1 :]


def test_hundred_thousand_codes_get_what_stdnum_finds() -> None:
    rng = random.Random(7)
    codes = []
    for _ in range(25_000):
        company, person = random_company(rng), random_person(rng)
        codes += [company, person, mutated(company, rng), mutated(person, rng)]
    expected = [by_stdnum(code) for code in codes]
    found = states_of(list(codes))
    differing = {code for code, a, b in zip(codes, found, expected, strict=True) if a != b}
    assert differing == set()
    assert min(expected.count(state) for state in ("company", "person", "invalid")) > 10_000
    assert expected.count("checksum") > 10_000


def test_every_day_of_a_century_is_a_birthday_for_both_or_for_none() -> None:
    codes = []
    for year in range(100):
        for month in MONTHS:
            for day in (0, 1, 28, 29, 30, 31, 32, 39, 40, 41, 68, 69, 70, 71, 72, 80, 99):
                code = f"RSSMRA{year:02d}{month}{day:02d}H501"
                codes.append(code + codicefiscale.calc_check_digit(code))
    assert states_of(list(codes)) == [by_stdnum(code) for code in codes]


def test_every_office_is_known_to_both_or_to_none() -> None:
    rng = random.Random(3)
    codes = []
    for office in range(1000):
        digits = f"{rng.randrange(1, 10**7):07d}{office:03d}"
        codes += [f"{digits}{check}" for check in range(10)]
    assert states_of(list(codes)) == [by_stdnum(code) for code in codes]


@settings(deadline=None, derandomize=True)
@given(st.text(alphabet="0123456789RCMNLSDH -:.,E+abc'Iİt١\u00a0", max_size=20))
def test_a_code_that_stdnum_accepts_is_accepted(text: str) -> None:
    accepted = codicefiscale.is_valid(text) or iva.is_valid(text)
    if accepted:
        assert states_of([text])[0] in ("company", "person")


@pytest.mark.parametrize(
    "text",
    [
        "743110157",
        "743110157.0",
        "743110157,00",
        "743.110.157",
        "743,110,157",
        "7.43110157E+8",
        "7,43110157e08",
        " 743110157 ",
        "IT743110157",
    ],
)
def test_lost_zeros_and_forms_of_numbers_are_undone_where_the_check_digit_holds(text: str) -> None:
    found = check_tax_codes(pa.array([text]))
    assert STATES[found.states[0]] == "repaired"
    assert found.texts().to_pylist() == [COMPANY]
    reason, _, flag = tax_code_findings(found)
    assert (reason[0], flag[0]) == ("", "REPAIRED_TAX_CODE")


@pytest.mark.parametrize(
    "text",
    [
        "743110158",  # the check digit does not hold
        "1.23E+10",  # digits are lost
        "7.4311016E+8",
        "1234567890.0",
        "743110157.5",
        "74.311.0157",
        "743.110,157",
        "0",
        "00000000000",
        "1234",
        "123456789012",
        "DE123456789",
        "nessun codice",
        "7.43110157E+",
        "E+10",
        "9" * 60,
    ],
)
def test_what_cannot_be_read_back_for_certain_is_invalid(text: str) -> None:
    found = check_tax_codes(pa.array([text]))
    reason, detail, flag = tax_code_findings(found)
    assert (reason[0], flag[0]) == ("CF_INVALID", "")
    assert "column as text" in detail[0]
    assert found.texts().to_pylist() == [""]
    assert found.keys[0] == 0


@pytest.mark.parametrize("text", ["00743110158", "RCCMNL83S18D969A", "IT 00743110158"])
def test_a_wrong_check_character_has_its_own_reason(text: str) -> None:
    reason, _, _ = tax_code_findings(check_tax_codes(pa.array([text])))
    assert reason[0] == "CF_CHECKSUM"


@pytest.mark.parametrize("text", [None, "", "  ", "-", "n.d.", "N/D", "NULL", "nan", "\u00a0"])
def test_an_absent_code_is_missing_and_no_error(text: str | None) -> None:
    assert states_of([text]) == ["missing"]
    reason, _, flag = tax_code_findings(check_tax_codes(pa.array([text], pa.string())))
    assert (reason[0], flag[0]) == ("", "")


@pytest.mark.parametrize(
    "text",
    [
        "00743110157",
        "it00743110157",
        "IT 0074 3110 157",
        "00743110-157",
        "'00743110157",
        "\ufeff00743110157",
        "\u00a000743110157",
        "００７４３１１０１５７",
    ],
)
def test_spelling_alone_is_no_repair(text: str) -> None:
    found = check_tax_codes(pa.array([text]))
    assert STATES[found.states[0]] == "company"
    assert found.texts().to_pylist() == [COMPANY]


def test_one_firm_has_one_key_however_its_code_is_written() -> None:
    texts = [COMPANY, "743110157", "IT 00743110157", "743110157.0", PERSON, PERSON.lower()]
    keys = check_tax_codes(pa.array(texts)).keys
    assert len(set(keys[:4].tolist())) == len(set(keys[4:].tolist())) == 1
    assert keys[0] != keys[4]
    assert 0 not in keys


def test_a_wrong_check_digit_keeps_a_key_of_its_own() -> None:
    keys = check_tax_codes(pa.array([COMPANY, "00743110158", "0", "1"])).keys
    assert len({int(key) for key in keys[:2]} - {0}) == 2
    assert keys[2] == keys[3] == 0  # a placeholder is nobody's code


def test_natural_persons_are_told_by_their_sixteen_characters() -> None:
    found = check_tax_codes(pa.array([PERSON, "RCCMNL83S18D969A", COMPANY, "", "x" * 16]))
    assert is_person(found).tolist() == [True, True, False, False, False]


def test_omocodia_is_another_person() -> None:
    twin = "RCCMNL83S18D96V"
    twin += codicefiscale.calc_check_digit(twin)
    found = check_tax_codes(pa.array([PERSON, twin]))
    assert [STATES[state] for state in found.states] == ["person", "person"]
    assert found.keys[0] != found.keys[1]


def test_counts_of_batches_add_up() -> None:
    texts = [COMPANY, PERSON, "743110157", "", "0", "00743110158"]
    whole = check_tax_codes(pa.array(texts)).counts
    parts = sum(check_tax_codes(pa.array([text])).counts for text in texts)
    np.testing.assert_array_equal(whole, np.ones(len(STATES)))
    np.testing.assert_array_equal(whole, parts)
    assert valid_codes(whole) == 3


@pytest.mark.parametrize(
    "column",
    [
        pa.array([COMPANY, None]),
        pa.chunked_array([[COMPANY], pa.array([None], pa.string())]),
        pa.array(["x", COMPANY, None])[1:],
        pa.array([COMPANY, None]).dictionary_encode(),
        pd.Series([COMPANY, None], dtype="str"),
        pd.Series([COMPANY, None], dtype=object),
    ],
)
def test_columns_of_every_kind_are_read_alike(column: pa.Array) -> None:
    found: TaxCodes = check_tax_codes(column)
    assert [STATES[state] for state in found.states] == ["company", "missing"]
    assert found.texts().to_pylist() == [COMPANY, ""]


def test_no_rows_have_no_codes() -> None:
    found = check_tax_codes(pa.array([], pa.string()))
    assert len(found.states) == len(found.texts()) == 0
    assert found.counts.sum() == 0


def test_vat_numbers_of_the_pharmacies_of_lombardy_get_what_stdnum_finds(shared_data) -> None:  # type: ignore[no-untyped-def]
    path = shared_data / "firms" / "pharmacies_lombardia.csv"
    codes = pd.read_csv(path, dtype=str, keep_default_na=False)["PARTITA_IVA"].tolist()
    found = states_of(codes)
    for code, state in zip(codes, found, strict=True):
        if state != "repaired" and code:
            assert state == by_stdnum(code)
    assert found.count("company") > 0.95 * len(found)
