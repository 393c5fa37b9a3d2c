"""A study's neighbors, boundaries and sources are resolved before any row is read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from geo_engine.errors import SourceError, StudyError
from geo_engine.graph.neighbors import graph_summary
from geo_engine.plan import Plan, resolve
from geo_engine.study import parse_study


def planned(folder: Path, path: str = "a.csv", **statistics: Any) -> Plan:
    (folder / "a.csv").write_text("c\nPrato\n", encoding="utf-8")
    keys = {
        "title": "Prova",
        "data_date": "2024-12-31",
        "unit": "sede",
        "status": "attiva",
        "firms": [{"path": path, "year": 2024, "columns": {"municipality": "c"}}],
        "statistics": statistics,
    }
    return resolve(parse_study(keys), folder)


@pytest.mark.parametrize(
    ("statistics", "links", "isolates"),
    [
        ({}, 46_398, 14),
        ({"neighbors": "k_nearest", "k": 6}, 6 * 7_896, 0),
        ({"extra_links": [["083041", "080063"]]}, 46_400, 13),
    ],
)
def test_the_study_says_who_is_a_neighbor(tmp_path, statistics, links, isolates) -> None:
    summary = graph_summary(planned(tmp_path, **statistics).graph)
    assert (summary["links"], summary["isolates"]) == (links, isolates)


def test_neighbors_come_from_a_file_of_the_study(tmp_path) -> None:
    (tmp_path / "n.csv").write_text(
        "focal;neighbor;weight\n100005;100002;1\n100002;100005;1\n", encoding="utf-8"
    )
    graph = planned(tmp_path, neighbors="file", neighbors_file="n.csv").graph
    assert graph_summary(graph)["links"] == 2
    with pytest.raises(StudyError, match="PATH_OUTSIDE"):
        planned(tmp_path, neighbors="file", neighbors_file="../n.csv")


@pytest.mark.parametrize(
    "statistics",
    [{"neighbors": "k_nearest"}, {"neighbors": "kernel", "k": 8}, {"neighbors": "distance_band"}],
)
def test_a_rule_without_what_it_needs_is_refused(tmp_path, statistics) -> None:
    with pytest.raises(StudyError, match=r"(?s)STUDY_INVALID.*needs"):
        planned(tmp_path, **statistics)


def test_a_source_that_is_not_there_is_told_before_any_index_is_built(
    tmp_path, monkeypatch
) -> None:
    monkeypatch.setattr("geo_engine.plan.boundaries.read_layer", None)
    with pytest.raises(SourceError, match="SOURCE_MISSING"):
        planned(tmp_path, path="b.csv")
