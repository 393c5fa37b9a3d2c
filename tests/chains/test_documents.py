"""What the documents tell users to write is read as told."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from geo_engine.chains.weights import MembershipRule
from geo_engine.plan_chains import membership_words, study_chains
from geo_engine.study import Study, parse_study

ROOT = Path(__file__).resolve().parents[2]
BASE = {
    "title": "Prova",
    "data_date": "2024-12-31",
    "unit": "sede",
    "status": "attiva",
    "firms": [
        {"path": "a.csv", "year": 2024, "columns": {"istat_code": "istat", "ateco": "ateco"}}
    ],
}
BLOCKS = [
    (name, number, block)
    for name in ("chains.md", "methods/chains.md")
    for number, block in enumerate(
        re.findall(r"```toml\n(.*?)```", (ROOT / "docs" / name).read_text("utf-8"), re.DOTALL)
    )
]


@pytest.mark.parametrize(("name", "number", "block"), BLOCKS)
def test_every_example_of_the_documents_is_a_study_of_chains(
    name: str, number: int, block: str
) -> None:
    study = parse_study(BASE | tomllib.loads(block))
    chains = study_chains(study)
    asked = study.chains.use
    assert list(chains) == list(asked) if asked != "all" else len(chains) >= 15


def example(containing: str) -> Study:
    block = next(block for name, _, block in BLOCKS if name == "chains.md" and containing in block)
    return parse_study(BASE | tomllib.loads(block))


def test_the_examples_mean_what_is_said_beside_them() -> None:
    mixed = study_chains(example("perimeter = {"))
    assert [chain.perimeter for chain in mixed.values()] == ["strict", "wide"]
    own = study_chains(example("[chains.custom.vino]"))
    assert [chain.origin for chain in own.values()] == ["study_based", "study"]
    assert "56" not in own["agroalimentare"].prefixes["2007"]
    assert own["agroalimentare"].prefixes["2007"]["12"] == "produzione"
    assert own["vino"].lines[-1].weight == 0.5
    assert study_chains(example("territories.costieri"))["mare"].territories == ("costieri",)
    assert example("secondary_separator").chains.secondary_weight == 0.3


def test_a_rule_is_told_in_both_languages_only_where_it_departs_from_whole_firms() -> None:
    assert membership_words(MembershipRule()) == membership_words(MembershipRule(), "en") == ""
    rule = MembershipRule(weights="given", secondary_weight=0.25, edition="2025")
    assert "secondo i pesi dati" in membership_words(rule)
    assert "conta 25%" in membership_words(rule)
    assert "by the given weights" in membership_words(rule, "en")
    assert "ATECO 2025" in membership_words(rule, "en")
