"""Every record of a file has its place or its reason, judged over the whole file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo_engine.errors import SourceError
from geo_engine.intake import Intake, Placed, take_in
from geo_engine.plan import Plan, resolve
from geo_engine.quality.seats import CONFLICT
from geo_engine.sources import batches
from geo_engine.study import parse_study

COMPANIES = ("00100010164", "00100020163")
HEADER = "cf;comune;prov;istat;lon;lat;ateco;anno;n"


def taken(folder: Path, rows: list[str], **source: Any) -> tuple[Plan, Intake, list[Placed]]:
    (folder / "firms.csv").write_text("\n".join([HEADER, *rows, ""]), encoding="utf-8")
    columns = {
        "tax_code": "cf",
        "municipality": "comune",
        "province": "prov",
        "istat_code": "istat",
        "lon": "lon",
        "lat": "lat",
        "ateco": "ateco",
        "year": "anno",
    }
    firms = {"path": "firms.csv", "ateco_version": "2007", "columns": columns, **source}
    study = parse_study(
        {
            "title": "Prova",
            "data_date": "2024-12-31",
            "boundary_date": "2022-01-01",
            "unit": "unita_locale",
            "status": "attiva",
            "firms": [firms],
        }
    )
    plan = resolve(study, folder)
    kept: list[Placed] = []
    return plan, take_in(plan, folder, report=lambda _: None, keep=kept.append), kept


def row(code: str = "", town: str = "Prato", province: str = "PO", **more: str) -> str:
    fields = {"istat": "", "lon": "", "lat": "", "ateco": "13.20.00", "anno": "2024", "n": ""}
    return ";".join([code, town, province, *(fields | more).values()])


@settings(deadline=None, derandomize=True, max_examples=200)
@given(
    st.lists(
        st.tuples(*[st.one_of(st.none(), st.text(st.characters(exclude_categories=["Cs"])))] * 2),
        min_size=1,
        max_size=5,
    ),
    st.tuples(st.text(min_size=1, max_size=8), st.text(min_size=9, max_size=12)),
)
def test_records_written_all_at_once_are_those_written_one_by_one(records, names) -> None:
    columns = {name: pa.array([r[i] for r in records], pa.string()) for i, name in enumerate(names)}
    table = pa.table(columns)
    together = batches.records_as_json(table).to_pylist()
    assert together == [batches.as_json(record) for record in table.to_pylist()]
    assert [json.loads(text) for text in together] == table.to_pylist()


def test_one_seat_a_firm_keeps_the_municipality_with_most_rows(tmp_path: Path) -> None:
    rows = [
        row(COMPANIES[0], "Carmignano"),
        row(COMPANIES[0], n="1"),
        row(COMPANIES[0], n="2"),
        row(COMPANIES[1], "Carmignano"),
    ]
    for order in (rows, rows[::-1]):
        plan, intake, _ = taken(tmp_path, order, seats="quarantine")
        assert intake.account.reasons == {CONFLICT: 1}
        towns = plan.places["name"].to_numpy()[intake.firms["place"]].tolist()
        assert sorted(towns) == ["Carmignano", "Prato", "Prato"]
        assert json.loads(intake.quarantine["record"].iloc[0])["comune"] == "Carmignano"
        assert intake.account.rows == intake.account.placed + intake.account.quarantined == 4
    _, kept, _ = taken(tmp_path, rows)
    assert (kept.account.placed, kept.seats.conflicting) == (4, 1)


def test_a_heap_is_seen_over_all_batches_of_a_file(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(batches, "BATCH_ROWS", 40)
    monkeypatch.setattr("geo_engine.sources.csv_records.BATCH_ROWS", 40)
    heap = [row(lon="11.0966", lat="43.8808", n=str(i)) for i in range(60)]
    single = [row(lon="11.0967", lat="43.8808", n=str(i)) for i in range(49)]
    _, intake, kept = taken(tmp_path, [*heap, *single])
    assert len(kept) > 1
    assert intake.account.flags["GEOCODE_CENTROID"] == 60
    assert len(intake.heaps) == 1


@pytest.mark.parametrize("firms", [1, 2, 7, 100, 12_345])
def test_counts_of_a_later_merger_are_divided_without_loss(tmp_path: Path, firms: int) -> None:
    plan, intake, _ = taken(
        tmp_path,
        [row("", "", "", istat="012144", n=str(firms))],
        kind="counts",
        columns={"istat_code": "istat", "ateco": "ateco", "year": "anno", "firms": "n"},
    )
    parts = intake.firms.set_index("place")["firms"]
    assert parts.sum() == firms
    assert intake.account.flags["APPORTIONED"] == 1
    assert (intake.account.rows, intake.account.placed) == (1, 1)
    codes = set(plan.places.index[parts.index])
    assert codes <= {"012009", "012018", "012095"}
    assert len(codes) == 3 or firms < 7


def test_a_firm_of_a_later_merger_goes_to_one_part_by_its_own_key(tmp_path: Path) -> None:
    rows = [row("", "", "", istat="012144", n=str(i)) for i in range(300)]
    plan, intake, _ = taken(tmp_path, rows)
    _, again, _ = taken(tmp_path, rows[::-1])
    share = np.bincount(intake.firms["place"], minlength=len(plan.places))
    assert share.sum() == 300
    assert (share == np.bincount(again.firms["place"], minlength=len(plan.places))).all()
    weight = plan.places["population"][["012009", "012018", "012095"]]
    expected = 300 * weight / weight.sum()
    found = share[plan.places.index.get_indexer(weight.index)]
    assert (np.abs(found - expected) < 4 * np.sqrt(expected) + 1).all()


def test_codes_of_another_date_stop_the_file(tmp_path: Path) -> None:
    rows = [row("", "", "", istat=f"1130{i:02}") for i in range(1, 11)] + [row()] * 5
    with pytest.raises(SourceError, match=r"BOUNDARY_YEAR.*10 of 10"):
        taken(tmp_path, rows)


def test_rows_set_aside_late_leave_the_placed_ones(tmp_path: Path) -> None:
    rows = [row(n=str(i)) for i in range(20)] + [row(ateco="1E5", n="x")]
    _, intake, _ = taken(tmp_path, rows)
    assert intake.account.reasons == {"ATECO_INVALID": 1}
    assert intake.late == {"firms.csv": np.array([21])}
    assert intake.quality.examples["ATECO_INVALID"][0].row == 21
    assert len(intake.firms) == 20
