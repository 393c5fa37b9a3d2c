"""The long panel, the Parquet files and the quarantine."""

from __future__ import annotations

import csv
import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from geo_engine import storage, tables
from geo_engine.disclosure.publication import Publication
from geo_engine.errors import OutputError
from geo_engine.outputs.atlas.data import opening
from geo_engine.outputs.fields import column_prefixes, describe_fields
from geo_engine.outputs.long_tables import panel_table
from geo_engine.outputs.parquet import write_firms, write_panel
from geo_engine.outputs.quarantine import write_quarantine
from geo_engine.outputs.tabular import leading_chain
from geo_engine.outputs.wide_tables import wide_places
from geo_engine.results import ChainInfo
from tests.outputs.example import example_publication, with_facts


@pytest.fixture(scope="module")
def publication() -> Publication:
    return example_publication()


def internal(publication: Publication) -> Publication:
    return dataclasses.replace(publication, audience="internal")


def reordered(publication: Publication) -> Publication:
    """Give the same results with rows, chains and years in another order."""
    results = publication.results
    order = np.random.default_rng(3).permutation(len(results.places))
    turned = {"place": order, "chain": [1, 0], "year": [2, 0, 1]}
    parts = {"panel": results.panel.isel(turned), "local": results.local.isel(turned)}
    hotspots = results.hotspots.iloc[::-1].reset_index(drop=True)
    replaced = dataclasses.replace(results, hotspots=hotspots, **parts)
    return dataclasses.replace(publication, results=replaced)


def test_every_cell_of_the_panel_stands_in_its_row(publication):
    panel = publication.results.panel
    table = panel_table(publication.results).set_index(["pro_com_t", "chain", "year"])
    assert len(table) == panel["firms"].size
    rng = np.random.default_rng(1)
    for _ in range(300):
        at = {dim: rng.choice(panel[dim].to_numpy()) for dim in ("place", "chain", "year")}
        row = table.loc[(at["place"], at["chain"], at["year"])]
        for name in ("firms", "share", "share_eb", "location_quotient"):
            expected = float(panel[name].sel(at))
            found = float("nan") if pd.isna(row[name]) else float(row[name])
            np.testing.assert_equal(found, expected)
        assert row["share_status"] == tables.STATUSES[int(panel["share_status"].sel(at))]
        local = publication.results.local.sel(variable="share").sel(at)
        np.testing.assert_equal(float(row["share_q_value"]), float(local["q_value"]))
        assert row["share_quadrant"] == tables.QUADRANTS[int(local["quadrant"])]
        assert row["share_local_status"] == tables.LOCAL_STATUSES[int(local["status"])]


def test_a_suppressed_share_is_missing_and_says_so(publication):
    table = panel_table(publication.results)
    hidden = table[table["share_status"] == "suppressed"]
    assert len(hidden) == publication.suppressed > 0
    assert hidden[["share", "share_eb", "share_eb_low", "digital"]].isna().all(axis=None)


def test_the_order_of_the_input_does_not_change_the_panel(publication):
    pd.testing.assert_frame_equal(
        panel_table(publication.results), panel_table(reordered(publication).results)
    )


def test_a_cluster_is_named_only_where_its_q_value_decides(publication):
    wide = wide_places(publication.results)
    q_value, cluster = wide["moda__share_q_value"], wide["moda__share_cluster"]
    assert (cluster[q_value < 0.05].isin(tables.QUADRANTS[1:])).all()
    assert (cluster[q_value >= 0.05] == "ns").all()
    assert cluster[q_value.isna()].isna().all()
    assert (q_value < 0.05).any()


def test_the_family_of_the_panel_decides_where_the_study_asks_for_it(publication):
    local = publication.results.local.copy()
    local["q_value_panel"] = local["q_value_panel"] * 0 + 0.9
    results = dataclasses.replace(publication.results, local=local)
    asked = with_facts(dataclasses.replace(publication, results=results), family="panel")
    assert set(wide_places(asked.results)["moda__share_cluster"].dropna()) == {"ns"}


def test_chains_that_differ_only_by_case_or_signs_get_different_columns(publication):
    keys = ("moda", "Moda", "la moda", "la-moda", "è")
    chains = tuple(ChainInfo(key=key, label=key, label_en=key) for key in keys)
    prefixes = column_prefixes(with_facts(publication, chains=chains).results.facts)
    assert list(prefixes) == list(keys)
    assert len({prefix.lower() for prefix in prefixes.values()}) == len(keys)
    assert all(prefix.isascii() and prefix.isidentifier() for prefix in prefixes.values())


def test_every_delivered_column_is_in_the_dictionary(publication):
    results = publication.results
    names = [*panel_table(results).columns, *wide_places(results).columns.drop("geometry")]
    lacking = [f.name for f in describe_fields(names, results.facts) if not f.description]
    assert lacking == []


def test_the_leading_chain_is_the_one_the_atlas_opens_on(publication):
    results = publication.results
    last = results.hotspots[results.hotspots["year"] == 2024]
    surplus = last["digital"] - last["share_outside"] * last["known"]
    strongest = surplus.astype(float).groupby(last["chain"]).sum().idxmax()
    assert leading_chain(results) == opening(results)["chain"] == strongest


def test_without_hotspots_the_leading_chain_has_the_most_significant_places(publication):
    results = dataclasses.replace(
        publication.results, hotspots=publication.results.hotspots.iloc[:0]
    )
    maps = results.maps.copy(deep=True)
    maps["significant"].loc[{"variable": "share", "year": 2024, "chain": "arredo_design"}] = 10_000
    assert leading_chain(dataclasses.replace(results, maps=maps)) == "arredo_design"
    none = maps.assign(significant=maps["significant"] * 0)
    firms = results.panel["firms"].sel(year=2024).sum("place")
    largest = str(firms["chain"].to_numpy()[int(firms.to_numpy().argmax())])
    assert leading_chain(dataclasses.replace(results, maps=none)) == largest


def test_the_panel_file_reads_back_as_it_was_and_says_where_it_comes_from(publication, tmp_path):
    path = tmp_path / "panel.parquet"
    write_panel(publication, path)
    read = pq.read_table(path, page_checksum_verification=True)
    expected = panel_table(publication.results)
    assert read.column_names[3] == "universe"
    assert set(read["universe"].to_pylist()) == {"tutte"}
    read = read.drop_columns(["universe", "all_firms"])
    assert read.column_names == list(expected.columns)
    assert read["pro_com_t"].to_pylist() == expected["pro_com_t"].astype(str).tolist()
    np.testing.assert_array_equal(read["share_eb"].to_numpy(), expected["share_eb"].to_numpy())
    assert read["firms"].to_pylist() == expected["firms"].tolist()
    notes = read.schema.metadata
    assert notes[b"geo_engine.simulated"] == b"true"
    assert notes[b"geo_engine.data_date"] == b"2024-12-31"


def test_one_flipped_bit_in_the_panel_file_is_noticed(publication, tmp_path):
    path = tmp_path / "panel.parquet"
    write_panel(publication, path)
    chunk = pq.ParquetFile(path).metadata.row_group(0).column(6)
    damaged = bytearray(path.read_bytes())
    damaged[chunk.data_page_offset + chunk.total_compressed_size // 2] ^= 1
    path.write_bytes(damaged)
    with pytest.raises(OSError, match=r"(?i)crc|checksum"):
        pq.read_table(path, page_checksum_verification=True)


def test_the_same_results_give_the_same_panel_file(publication, tmp_path):
    write_panel(publication, tmp_path / "one.parquet")
    write_panel(reordered(publication), tmp_path / "two.parquet")
    first, second = (storage.sha256_of(tmp_path / f"{name}.parquet") for name in ("one", "two"))
    assert first == second


def test_firms_are_written_in_batches_with_the_columns_of_the_schema(publication, tmp_path):
    schema = pa.schema([("firm_id", pa.string()), ("pro_com_t", pa.string())])
    batches = [
        pa.table({"pro_com_t": ["001001"], "firm_id": ["a"]}),
        pa.table({"firm_id": ["b", "c"]}),
    ]
    path = tmp_path / "firms_placed.parquet"
    write_firms(internal(publication), batches, schema, path)
    read = pq.read_table(path, page_checksum_verification=True)
    assert read.to_pydict() == {"firm_id": ["a", "b", "c"], "pro_com_t": ["001001", None, None]}


def test_a_public_run_writes_neither_firms_nor_quarantine(publication, tmp_path):
    path = tmp_path / "file"
    with pytest.raises(OutputError, match="NOT_PUBLIC"):
        write_firms(publication, [], pa.schema([]), path)
    with pytest.raises(OutputError, match="NOT_PUBLIC"):
        write_quarantine(publication, path)
    assert not path.exists()


def test_no_cell_of_the_quarantine_is_a_formula(publication, tmp_path):
    hostile = ["=HYPERLINK(1)", "+1", "-1", "@x", "\tx", "\rx", 'a;"b"\nc', "nul\x00", "Forlì"]
    table = pd.DataFrame(
        {
            "source": "firms.csv",
            "row": range(1, len(hostile) + 1),
            "reason": "UNKNOWN_COMUNE",
            "detail": [None, *hostile[1:]],
            "record": hostile,
        }
    )
    results = dataclasses.replace(publication.results, quarantine=table)
    path = tmp_path / "quarantine.csv"
    write_quarantine(internal(dataclasses.replace(publication, results=results)), path)
    with path.open(encoding="utf-8-sig", newline="") as file:
        header, *rows = csv.reader(file)
    assert tuple(header) == tables.QUARANTINE_COLUMNS
    assert [int(row[1]) for row in rows] == list(range(1, len(hostile) + 1))
    cells = [cell for row in rows for cell in row]
    assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in cells)
    assert [row[4].removeprefix("'") for row in rows] == [h.replace("\x00", "") for h in hostile]
    assert rows[0][3] == ""


def test_no_path_of_the_machine_is_in_the_panel_file(publication, tmp_path):
    path = Path(tmp_path / "panel.parquet")
    write_panel(publication, path)
    assert str(tmp_path).encode() not in path.read_bytes()


def test_a_folder_that_does_not_exist_is_an_error_that_names_the_file(publication, tmp_path):
    with pytest.raises(OutputError, match=r"PARQUET_WRITE: panel.parquet"):
        write_panel(publication, tmp_path / "absent" / "panel.parquet")
