"""Parquet files that carry page checksums and say where they come from."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from geo_engine.disclosure.publication import Publication
from geo_engine.errors import OutputError
from geo_engine.outputs.fields import clean_text, describe_fields
from geo_engine.outputs.long_tables import level_table, panel_table
from geo_engine.results import Results

if TYPE_CHECKING:
    import pyarrow as pa

ROW_GROUP = 1 << 17


def write_panel(
    publication: Publication, path: Path, *, others: Mapping[str, Publication] | None = None
) -> None:
    """Write the panel: one row per universe, municipality, chain and year.

    Parameters
    ----------
    publication : Publication
        What may be shown of the main universe.
    path : Path
        Parquet file to write; verify it with ``page_checksum_verification=True``.
    others : mapping of str to Publication, optional
        The further universes, whose rows follow; the column ``universe`` is always there.

    Raises
    ------
    OutputError
        ``PARQUET_WRITE`` when it cannot be written.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    published = [publication, *(others or {}).values()]
    keys = [each.results.facts.universe for each in published]
    tables = (pa.Table.from_pandas(_panel(each, keys), preserve_index=False) for each in published)
    table = _explained_columns(next(tables), publication.results)
    table = table.replace_schema_metadata(_notes(publication))
    with _explained(path), pq.ParquetWriter(path, table.schema, **_options()) as writer:
        writer.write_table(table, row_group_size=ROW_GROUP)
        for further in tables:
            writer.write_table(further.cast(table.schema), row_group_size=ROW_GROUP)


def _panel(publication: Publication, keys: list[str]) -> pd.DataFrame:
    """Give the panel of one universe, which is a column after the other keys."""
    frame = panel_table(publication.results)
    codes = np.full(len(frame), keys.index(publication.results.facts.universe))
    frame.insert(3, "universe", pd.Categorical.from_codes(codes, categories=keys))
    frame.insert(4, "all_firms", _all_firms(publication.results, frame))
    return frame


def _all_firms(results: Results, frame: pd.DataFrame) -> np.ndarray:
    """Give for each row the firms of its place and year whatever their chain: a public count."""
    if results.all_firms.ndim != 2:
        return np.full(len(frame), np.nan)
    table = results.all_firms.transpose("place", "year").to_pandas()
    at = (
        table.index.get_indexer(frame["pro_com_t"].astype(str)),
        table.columns.get_indexer(frame["year"]),
    )
    return np.asarray(table, dtype=float)[at]


def write_levels(
    publication: Publication, path: Path, *, others: Mapping[str, Publication] | None = None
) -> None:
    """Write provinces, regions, zones and the whole country: one row per territory, chain, year.

    Parameters
    ----------
    publication : Publication
        What may be shown of the main universe.
    path : Path
        Parquet file to write.
    others : mapping of str to Publication, optional
        The further universes, whose rows follow.

    Raises
    ------
    OutputError
        ``PARQUET_WRITE`` when it cannot be written.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    published = [publication, *(others or {}).values()]
    frame = pd.concat([_levels(each.results) for each in published], ignore_index=True)
    words = [name for name in frame if not pd.api.types.is_numeric_dtype(frame[name])]
    table = pa.Table.from_pandas(
        frame.astype(dict.fromkeys(words, "category")), preserve_index=False
    ).replace_schema_metadata(_notes(publication))
    with _explained(path):
        pq.write_table(table, path, row_group_size=ROW_GROUP, **_options())


def _levels(results: Results) -> pd.DataFrame:
    """Give all territories of one universe, of each geography in turn."""
    country = results.country_panel.expand_dims(country=["IT"])
    provinces, regions = results.provinces["province"], results.regions["region"]
    parts = [
        ("country", results.facts.coverage, level_table(country, "country", "code")),
        ("region", regions, level_table(results.region_panel, "region", "code")),
        ("province", provinces, level_table(results.province_panel, "province", "code")),
        *(
            (key, pd.Series(zone.names), level_table(zone.panel, "zone", "code"))
            for key, zone in results.zones.items()
        ),
    ]
    tables = []
    for geography, names, part in parts:
        table = part.astype({"code": str, "chain": str})
        named = table["code"].map(names) if isinstance(names, pd.Series) else names
        table.insert(0, "geography", geography)
        table.insert(2, "name", named)
        table.insert(5, "universe", results.facts.universe)
        tables.append(_plain_words(table))
    return pd.concat(tables, ignore_index=True)


def _plain_words(table: pd.DataFrame) -> pd.DataFrame:
    """Give categories as text and counts as floats, so that tables can stand under each other."""
    kinds = {
        name: float if pd.api.types.is_numeric_dtype(column) else str
        for name, column in table.items()
        if name != "year"
    }
    return table.astype(kinds)


def _explained_columns(table: pa.Table, results: Results) -> pa.Table:
    """Let each column carry its name in words, what it means, and its closed list."""
    schema = table.schema
    for number, said in enumerate(describe_fields(schema.names, results.facts, results.registry)):
        values = "; ".join(f"{value} = {word}" for value, word in said.words.items())
        notes = {"label": said.label, "description": said.description, "values": values}
        schema = schema.set(number, schema.field(number).with_metadata(notes))
    return table.cast(schema)


def write_local_tests(publication: Publication, path: Path) -> None:
    """Write the further local tests: one row per test, chain, year and municipality.

    Parameters
    ----------
    publication : Publication
        What may be shown.
    path : Path
        Parquet file to write.

    Raises
    ------
    OutputError
        ``PARQUET_WRITE`` when it cannot be written.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    words = dict.fromkeys(("test", "chain", "other", "pro_com_t", "label", "method", "status"))
    frame = publication.results.further.astype(dict.fromkeys(words, "category"))
    table = pa.Table.from_pandas(frame, preserve_index=False)
    table = table.replace_schema_metadata(_notes(publication))
    with _explained(path):
        pq.write_table(table, path, row_group_size=ROW_GROUP, **_options())


def write_firms(
    publication: Publication, batches: Iterable[pa.Table], schema: pa.Schema, path: Path
) -> None:
    """Write every placed firm, batch by batch, in bounded memory.

    Parameters
    ----------
    publication : Publication
        Of an internal run.
    batches : iterable of Table
        In the order of the sources; a batch may lack columns of the schema.
    schema : Schema
        Columns of the file.
    path : Path
        Parquet file to write.

    Raises
    ------
    OutputError
        ``NOT_PUBLIC`` in a public run, ``PARQUET_WRITE`` when it cannot be written.
    """
    import pyarrow.parquet as pq

    if publication.audience != "internal":
        raise OutputError(
            "NOT_PUBLIC", "Single firms are internal. Set audience = 'internal' to write them."
        )
    schema = schema.with_metadata(_notes(publication))
    with _explained(path), pq.ParquetWriter(path, schema, **_options()) as writer:
        for batch in batches:
            writer.write_table(_completed(batch, schema), row_group_size=ROW_GROUP)


@contextlib.contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Turn an error of the file system into one that a user can act on."""
    try:
        yield
    except OSError as error:
        raise OutputError(
            "PARQUET_WRITE",
            f"{path.name} cannot be written ({error}). Check space and permissions.",
        ) from error


def _options() -> dict[str, object]:
    """Give the options of every Parquet file of a run."""
    return {"compression": "zstd", "write_page_checksum": True, "version": "2.6"}


def _completed(batch: pa.Table, schema: pa.Schema) -> pa.Table:
    """Give a batch the columns of the schema, in its order; absent ones are null."""
    import pyarrow as pa

    columns = [
        batch[column.name].cast(column.type)
        if column.name in batch.column_names
        else pa.nulls(batch.num_rows, column.type)
        for column in schema
    ]
    return pa.Table.from_arrays(columns, schema=schema)


def _notes(publication: Publication) -> dict[str, str]:
    """Give the facts that travel inside the file, by key."""
    facts = publication.results.facts
    notes = {
        "title": facts.titled(),
        "universe": "|".join(each.key for each in facts.universes) or facts.universe,
        "data_date": facts.data_date,
        "boundary_date": facts.boundary_date,
        "simulated": "true" if facts.simulated else "false",
        "audience": publication.audience,
        "unit": facts.unit,
        "firm_status": facts.status,
        "signal": facts.signal,
        "coverage": facts.coverage,
        "alpha": repr(facts.alpha),
        "family": facts.family,
        "seed": str(facts.seed),
        "perimeter": facts.perimeter,
        "membership": facts.membership,
        "banner": publication.banner,
        "sources": "\n".join(facts.source_notes),
    }
    return {f"geo_engine.{key}": clean_text(text) for key, text in notes.items()}
