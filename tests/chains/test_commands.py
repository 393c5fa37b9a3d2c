"""What the commands about chains print."""

import pytest

from geo_engine.chains.definitions import PHASES, load_chains
from geo_engine.cli.chains import (
    list_chains,
    list_study_chains,
    show_chain,
    show_code,
    show_overlaps,
)
from geo_engine.errors import ChainError


@pytest.fixture(autouse=True, params=[80, 160])
def width(request, monkeypatch):
    """A narrow terminal, and a wide one."""
    monkeypatch.setenv("COLUMNS", str(request.param))
    return request.param


def printed(capsys, width):
    """Everything printed, with single blanks; no line is wider than the terminal."""
    text = capsys.readouterr().out
    assert all(len(line) <= width for line in text.splitlines())
    return " ".join(text.split())


def test_the_list_shows_every_key_whole_and_says_that_it_is_a_proposal(capsys, width):
    list_chains()
    text = printed(capsys, width)
    assert all(key in text for key in load_chains())
    assert "non è una definizione ufficiale" in text
    assert "InfoCamere" in text


@pytest.mark.parametrize("key", sorted(load_chains()))
def test_a_chain_is_shown_with_phases_prefixes_reasons_and_sources(capsys, width, key):
    show_chain(key)
    text = printed(capsys, width)
    chain = load_chains()[key]
    assert chain.label in text
    assert chain.label_en in text
    for phase in PHASES:
        assert phase.capitalize() in text
    for edition in ("2007", "2025"):
        assert all(prefix in text for prefix in chain.prefixes[edition])
    for line in chain.lines:
        assert line.reason.split()[0] in text
    assert "Scelta di questo progetto" in text


def test_all_firms_are_shown_without_prefixes(capsys, width):
    show_chain("tutte")
    assert "Ogni impresa localizzata" in printed(capsys, width)


def test_an_unknown_chain_is_refused():
    with pytest.raises(ChainError, match="CHAIN_UNKNOWN"):
        show_chain("turisimo")


def test_overlaps_are_shown_and_told_to_be_none_where_there_are_none(capsys, width):
    show_overlaps("2007")
    text = printed(capsys, width)
    assert "135 codici sono in più filiere" in text
    assert "Agroalimentare" in text
    show_overlaps("2025", "strict")
    assert "Nessun codice" in printed(capsys, width)
    with pytest.raises(ChainError, match="ATECO_EDITION_UNKNOWN"):
        show_overlaps("1991")


def test_a_code_is_told_in_both_editions_with_its_chains_and_what_became_of_it(capsys, width):
    show_code("4673")
    text = printed(capsys, width)
    assert "46.73 in ATECO 2007: Commercio all'ingrosso di legname" in text
    assert "46.73 in ATECO 2025: Commercio all'ingrosso di motocicli" in text
    assert "Costruzioni (distribuzione, stretto)" in text
    assert "Automotive e mobilità (distribuzione, stretto)" in text
    assert "46.83.10" in text
    assert "Attenzione" in text


def test_a_code_of_one_successor_has_no_warning(capsys, width):
    show_code("62.01.00")
    text = printed(capsys, width)
    assert "62.10.00 Attività di programmazione informatica" in text
    assert "1 codice:" in text
    assert "Attenzione" not in text


@pytest.mark.parametrize(
    ("text", "code"), [("software", "ATECO_INVALID"), ("99.99", "ATECO_INVALID")]
)
def test_what_is_no_code_is_refused(text, code):
    with pytest.raises(ChainError) as caught:
        show_code(text)
    assert caught.value.code == code


STUDY = """
title = "Prova"
data_date = 2024-12-31
unit = "sede"
status = "attiva"
firms = [{ path = "a.csv", year = 2024, columns = { istat_code = "istat", ateco = "ateco" } }]
[chains]
use = ["mare", "turismo", "tutte"]
weights = "equal"
perimeter = "strict"
[chains.custom.mare]
label = "Economia del mare"
[[chains.custom.mare.lines]]
phase = "servizi"
ateco_2007 = ["55", "56"]
territory = "costieri"
weight = 0.5
reason = "Alloggio e ristorazione"
"""


@pytest.fixture
def study(tmp_path):
    path = tmp_path / "study.toml"
    path.write_text(STUDY, encoding="utf-8")
    return path


def test_the_chains_of_a_study_are_listed_with_their_rule(capsys, study):
    list_study_chains(study)
    text = " ".join(capsys.readouterr().out.split())
    for told in ("stretto; dello studio: mare", "costieri", "ogni impresa", "parti uguali"):
        assert told in text
    assert "moda" not in text


def test_a_chain_of_a_study_is_shown_with_territory_and_weight(capsys, study):
    show_chain("mare", study)
    text = " ".join(capsys.readouterr().out.split())
    for told in ("55, 56", "(solo in: costieri)", "(peso 0,5)"):
        assert told in text
    with pytest.raises(ChainError, match=r"CHAIN_UNKNOWN.*mare, turismo, tutte"):
        show_chain("moda", study)


def test_overlaps_of_a_study_count_its_own_chains(capsys, study):
    show_overlaps("2007", study=study)
    text = " ".join(capsys.readouterr().out.split())
    assert "Economia del" in text
    assert "Agroalimentare" not in text
