"""The long panel as CSV, with its dictionary and the types of its columns."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from geo_engine.errors import OutputError
from geo_engine.exports.run_files import DICTIONARY_COLUMNS, write_dictionary
from geo_engine.outputs.quarantine import safe_cell

if TYPE_CHECKING:
    import pyarrow as pa

BATCH = 1 << 16


def write_panel_csv(source: Path, path: Path) -> None:
    """Write the panel as CSV: comma, decimal point, UTF-8, every digit.

    Parameters
    ----------
    source : Path
        panel.parquet of a run; its page checksums are verified.
    path : Path
        CSV to write. Beside it go ``.csvt``, by which a GIS keeps codes as text, and
        ``_dizionario.csv``.

    Raises
    ------
    OutputError
        ``PANEL_READ`` when the source is damaged.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(source, page_checksum_verification=True) as file:
            schema = file.schema_arrow
            with path.open("w", encoding="utf-8", newline="") as target:
                writer = csv.writer(target, lineterminator="\n")
                writer.writerow(schema.names)
                for batch in file.iter_batches(BATCH):
                    writer.writerows(_rows(batch))
    except (pa.ArrowException, OSError) as error:
        raise OutputError(
            "PANEL_READ", f"{source.name} cannot be read ({error}). Run the study again."
        ) from error
    kinds = ",".join(_kind(field.type) for field in schema)
    path.with_suffix(".csvt").write_text(f"{kinds}\n", encoding="utf-8")
    write_dictionary(_dictionary(schema), path.with_name(f"{path.stem}_dizionario.csv"))


def _rows(batch: pa.RecordBatch) -> Iterator[tuple[object, ...]]:
    """Give rows in which no text is a formula, and a missing value is empty."""
    columns = [
        [safe_cell(value) if isinstance(value, str) else value for value in column.to_pylist()]
        for column in batch.columns
    ]
    yield from zip(
        *([None if value != value else value for value in column] for column in columns),
        strict=True,
    )


def _kind(kind: pa.DataType) -> str:
    """Name a type as GDAL does."""
    import pyarrow as pa

    if pa.types.is_integer(kind):
        return '"Integer"'
    return '"Real"' if pa.types.is_floating(kind) else '"String"'


def _dictionary(schema: pa.Schema) -> pd.DataFrame:
    """Say what each column is, from what the panel carries."""
    rows = []
    for field in schema:
        said = {key.decode(): text.decode() for key, text in (field.metadata or {}).items()}
        rows.append([field.name, *(said.get(name, "") for name in DICTIONARY_COLUMNS[1:])])
    return pd.DataFrame(rows, columns=list(DICTIONARY_COLUMNS))
