"""A study is checked key by key, and an error says which, what and what is allowed."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from geo_engine.errors import StudyError
from geo_engine.study import parse_study, read_study

ROOT = Path(__file__).resolve().parent.parent


def keys(**changes: Any) -> dict[str, Any]:
    base: dict[str, Any] = {
        "title": "Prova",
        "data_date": "2025-01-01",
        "unit": "sede",
        "status": "attiva",
        "firms": [{"path": "a.csv", "year": 2024, "columns": {"municipality": "Comune"}}],
    }
    return base | changes


def test_the_shortest_study_gets_safe_defaults() -> None:
    study = parse_study(keys())
    assert study.audience == "public"
    assert study.language == "it"
    assert study.boundary_date.isoformat() == "2025-01-01"
    assert study.statistics.alpha == 0.05
    assert study.disclosure.threshold == 5
    assert study.coverage.is_national


@pytest.mark.parametrize("path", sorted((ROOT / "studies").glob("*.toml")), ids=lambda p: p.stem)
def test_every_example_study_is_valid(path: Path) -> None:
    assert read_study(path).title


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"unit": "impresaa"}, ["unit = 'impresaa'", "'impresa', 'sede' or 'unita_locale'"]),
        ({"titel": "x"}, ["titel is not a key", "Did you mean title?"]),
        ({"statistics": {"alpha": 0.9}}, ["statistics.alpha = 0.9", "less than 0.5"]),
        ({"statistics": {"alfa": 0.1}}, ["statistics.alfa", "Did you mean alpha?", "neighbors"]),
        ({"disclosure": {"threshold": 1}}, ["disclosure.threshold = 1", "greater than or equal"]),
        (
            {"firms": [{"path": "a.csv", "columns": {"municipality": "Comune"}}]},
            ["give columns.year, or year for a snapshot"],
        ),
        (
            {"firms": [{"path": "a", "year": 2024, "kind": "counts"}]},
            ["needs columns.firms"],
        ),
        (
            {"digital": {"signals": [{"column": "x", "label": "y", "rule": "eval"}]}},
            ["digital.signals.0.rule = 'eval'", "'website'"],
        ),
        ({"years": [1800]}, ["years", "1800"]),
        ({"years": []}, ["years = []"]),
        ({"title": ""}, ["title = ''"]),
        ({"title": "a\nb"}, ["control character"]),
        ({"title": "x" * 10_000}, ["title = 'xxx", "at most 500"]),
        ({"seed": 2**80}, ["seed", "less than"]),
        ({"place": {"order": []}}, ["place.order = []"]),
        (
            {"firms": [{"path": "a", "year": 2024, "columns": {"municipality": True}}]},
            ["firms.0.columns.municipality = True"],
        ),
        (
            {"firms": [{"path": "a", "year": 2024, "keep": {"firm_status": ["attiva"]}}]},
            ["keep needs columns.firm_status"],
        ),
        ({"firms": [{"path": "a", "year": 2024, "total_rows": [""]}]}, ["total_rows.0 = ''"]),
        (
            {"digital": {"signals": [{"column": "x", "label": "y", "rule": "at_least"}]}},
            ["needs threshold"],
        ),
        (
            {
                "reference": [
                    {"area": "italia", "chain": "moda", "year": 2024, "firms": 1}
                    | {"digital": 2, "source": "x"}
                ]
            },
            ["digital may not exceed known"],
        ),
    ],
)
def test_a_wrong_key_is_named_with_its_value_and_what_is_allowed(
    changes: dict[str, Any], said: list[str]
) -> None:
    with pytest.raises(StudyError) as caught:
        parse_study(keys(**changes))
    assert caught.value.code == "STUDY_INVALID"
    assert caught.value.exit_status == 2
    for words in said:
        assert words in caught.value.message


def test_missing_keys_are_all_named_at_once() -> None:
    with pytest.raises(StudyError) as caught:
        parse_study({})
    for name in ("title", "data_date", "unit", "status", "firms"):
        assert f"{name} is missing" in caught.value.message


def test_a_file_that_is_absent_or_no_toml_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match=r"STUDY_MISSING.*geo-engine init"):
        read_study(tmp_path / "no.toml")
    broken = tmp_path / "broken.toml"
    broken.write_text("title = ", encoding="utf-8")
    with pytest.raises(StudyError, match="STUDY_SYNTAX"):
        read_study(broken)
    broken.write_bytes(b"title = '\xe0'")
    with pytest.raises(StudyError, match="STUDY_UNREADABLE"):
        read_study(broken)


def test_a_study_cannot_be_changed_after_reading() -> None:
    study = parse_study(keys())
    with pytest.raises(ValueError, match="frozen"):
        study.title = "Altro"  # type: ignore[misc]


def test_the_study_of_the_readme_is_valid_and_about_ten_lines() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    block = text.split("```toml\n")[1].split("```")[0]
    study = parse_study(tomllib.loads(block))
    assert study.digital.signals[0].rule == "website"
    assert study.audience == "public"
    assert len([line for line in block.splitlines() if line.strip()]) <= 12


def test_a_wrong_member_of_a_list_is_told_once(tmp_path: Path) -> None:
    source = {"path": "a.csv", "year": 2024, "encoding": "latin-1"}
    with pytest.raises(StudyError) as caught:
        parse_study(keys(firms=[source]))
    assert caught.value.message.count("\n") == 1
    assert "firms.0.encoding = 'latin-1'" in caught.value.message


@pytest.mark.parametrize("text", ["a = " + "[" * 5000 + "]" * 5000, "seed = " + "9" * 5000])
def test_an_absurd_study_is_refused_without_a_trace(tmp_path: Path, text: str) -> None:
    path = tmp_path / "s.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(StudyError, match="STUDY_SYNTAX"):
        read_study(path)


def test_an_unknown_reference_system_is_answered_with_those_that_exist() -> None:
    with pytest.raises(StudyError, match=r"outputs\.crs.*EPSG:32632.*EPSG:3035"):
        parse_study(keys(outputs={"crs": "EPSG:23032"}))


def test_a_contact_is_an_address() -> None:
    with pytest.raises(StudyError, match=r"outputs\.contact"):
        parse_study(keys(outputs={"contact": "ufficio statistica"}))
    kept = parse_study(keys(outputs={"contact": "dati@example.org"}))
    assert kept.outputs.contact == "dati@example.org"


TILES = "https://tiles.example.org/{z}/{x}/{y}.png"


def test_a_basemap_is_there_only_when_asked_for() -> None:
    assert parse_study(keys()).outputs.basemap is None
    asked = {"tiles": TILES, "attribution": "© Esempio"}
    basemap = parse_study(keys(outputs={"basemap": asked})).outputs.basemap
    assert basemap is not None
    assert basemap.tiles == TILES


@pytest.mark.parametrize(
    "tiles",
    [
        "http://tiles.example.org/{z}/{x}/{y}.png",
        "https://tiles.example.org/{z}/{x}.png",
        "https://{s}.example.org/{z}/{x}/{y}.png",
        "https://tiles.example.org/{z}/{x}/{y}{r}.png",
        "https://tiles.example.org; script-src */{z}/{x}/{y}.png",
        "https://tiles.example.org/'{z}'/{x}/{y}.png",
        "https://user@tiles.example.org/{z}/{x}/{y}.png",
        "javascript:alert(1)//{z}/{x}/{y}",
    ],
)
def test_a_basemap_that_could_widen_the_policy_is_refused(tiles: str) -> None:
    with pytest.raises(StudyError) as refused:
        parse_study(keys(outputs={"basemap": {"tiles": tiles, "attribution": "©"}}))
    assert refused.value.code == "STUDY_INVALID"
    assert "tiles" in str(refused.value)
