"""Layers as GeoParquet, FlatGeobuf and GeoJSON."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from geo_engine.exports.run_files import SpatialLayer

DEGREE_DECIMALS = 7
"""Decimals of a degree in GeoJSON: about a centimeter, as RFC 7946 advises."""


def write_geoparquet(layer: SpatialLayer, path: Path) -> None:
    """Write GeoParquet 1.1 with a box for each feature, page checksums and the dictionary.

    Parameters
    ----------
    layer : SpatialLayer
        What to write.
    path : Path
        File to write.
    """
    import pyarrow.parquet as pq

    layer.frame.to_parquet(
        path, index=False, compression="zstd", schema_version="1.1.0", write_covering_bbox=True
    )
    table = pq.read_table(path)
    notes = {"geo_engine.title": layer.title, "geo_engine.description": layer.description}
    said = layer.dictionary.set_index("name")
    fields = [
        field.with_metadata({key: str(said.loc[field.name, key]) for key in said.columns})
        if field.name in said.index
        else field
        for field in table.schema
    ]
    schema = table.schema
    for number, field in enumerate(fields):
        schema = schema.set(number, field)
    metadata = {**(table.schema.metadata or {}), **notes}
    table = table.cast(schema).replace_schema_metadata(metadata)
    pq.write_table(table, path, compression="zstd", write_page_checksum=True, version="2.6")


def write_flatgeobuf(layer: SpatialLayer, path: Path) -> None:
    """Write FlatGeobuf with its spatial index, title and description.

    Parameters
    ----------
    layer : SpatialLayer
        What to write; a layer without features has no index.
    path : Path
        File to write.
    """
    _write(
        layer,
        path,
        "FlatGeobuf",
        geometry_type="MultiPolygon",
        promote_to_multi=True,
        layer_options={
            "SPATIAL_INDEX": "YES" if len(layer.frame) else "NO",
            "TITLE": layer.title,
            "DESCRIPTION": layer.description,
        },
    )


def write_geojson(layer: SpatialLayer, path: Path) -> None:
    """Write GeoJSON as RFC 7946 asks: WGS 84, longitude first, rings to the right hand.

    Parameters
    ----------
    layer : SpatialLayer
        What to write.
    path : Path
        File to write.
    """
    _write(
        layer,
        path,
        "GeoJSON",
        layer_options={
            "RFC7946": "YES",
            "COORDINATE_PRECISION": str(DEGREE_DECIMALS),
            "DESCRIPTION": layer.description,
        },
    )


def _write(layer: SpatialLayer, path: Path, driver: str, **options: Any) -> None:
    """Write with GDAL."""
    import pyogrio

    pyogrio.write_dataframe(layer.frame, path, layer=layer.name, driver=driver, **options)
