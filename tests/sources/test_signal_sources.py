"""Tables that are joined to firms: their wanted columns, and every record accounted for."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from geo_engine.errors import SourceError
from geo_engine.indicators.signal_index import index_table, join_rows
from geo_engine.indicators.signal_join import match_firms
from geo_engine.indicators.signal_matches import found_rows, new_hits, note_hits
from geo_engine.indicators.signal_tables import KeyColumns, read_keys, table_rows
from geo_engine.indicators.signals import SignalDefinition, check_signals
from geo_engine.sources.signal_sources import read_signal_batches, signal_account
from geo_engine.study import FirmSource

CSV = "CF;Sito;Altro\n00743110157;www.a.it;x\n743110157;;y\nNA;no;z\n"


def write(folder: Path, name: str, text: str) -> None:
    (folder / name).write_text(text, encoding="utf-8")


def test_wanted_columns_come_as_text_under_their_roles(tmp_path):
    write(tmp_path, "web.csv", CSV)
    source = FirmSource(path="web.csv", separator=";")
    (batch,) = read_signal_batches(source, tmp_path, {"tax_code": "CF", "sito": 2})
    assert set(batch.columns) == {"tax_code", "sito"}
    assert batch.columns["tax_code"].to_pylist() == ["00743110157", "743110157", "NA"]
    assert batch.columns["sito"].to_pylist() == ["www.a.it", "", "no"]


def test_every_record_of_every_file_is_read_or_damaged(tmp_path):
    write(tmp_path, "web1.csv", CSV)
    write(tmp_path, "web2.csv", CSV + "1;2\n")  # a field too few
    source = FirmSource(path="web*.csv", separator=";")
    found = signal_account(read_signal_batches(source, tmp_path, {"tax_code": "CF"}))
    assert [(each.file, each.read, each.damaged) for each in found] == [
        ("web1.csv", 3, 0),
        ("web2.csv", 3, 1),
    ]


def test_an_absent_column_is_named_with_the_present_ones(tmp_path):
    write(tmp_path, "web.csv", CSV)
    source = FirmSource(path="web.csv", separator=";")
    with pytest.raises(SourceError, match=r"MISSING_COLUMN.*'CFF' \(tax_code\), near: CF"):
        list(read_signal_batches(source, tmp_path, {"tax_code": "CFF"}))


def test_a_table_that_does_not_exist_is_refused(tmp_path):
    with pytest.raises(SourceError, match="SOURCE_MISSING"):
        list(read_signal_batches(FirmSource(path="web.csv"), tmp_path, {"tax_code": "CF"}))


def test_a_table_on_disk_is_joined_to_firms_and_every_row_of_both_is_accounted_for(tmp_path):
    write(tmp_path, "web1.csv", CSV)
    write(tmp_path, "web2.csv", "CF;Sito;Altro\nRCCMNL83S18D969H;www.b.it;\n00743110157;no;\n")
    source = FirmSource(path="web*.csv", separator=";")
    definition = SignalDefinition(
        key="sito", label="sito", kind="website", column="Sito", source="web"
    )
    signals = check_signals([definition])
    parts, batches = [], []
    for batch in read_signal_batches(source, tmp_path, {"tax_code": "CF", "sito": "Sito"}):
        column = {"CF": batch.columns["tax_code"], "Sito": batch.columns["sito"]}.__getitem__
        parts.append(table_rows(column, KeyColumns(tax_code="CF"), signals))
        batches.append(batch)
    table = index_table("web", join_rows(parts), resolve="any")
    assert sum(each.read for each in signal_account(batches)) == table.rows == 5

    own = {"cf": pd.Series(["743110157", "RCCMNL83S18D969H", "00159560366", ""])}
    match = match_firms(table, read_keys(own.__getitem__, KeyColumns(tax_code="cf"), ["tax_code"]))
    hits = new_hits(table)
    note_hits(hits, match)
    assert match.by.tolist() == [0, 0, -1, -2]
    assert match.signals["sito"].tolist() == [1, 1, -1, -1]
    assert (found_rows(table, hits), table.without_key, table.repeated) == (4, 1, 2)
    assert dict(table.conflicts) == {"sito": 1}
