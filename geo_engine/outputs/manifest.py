"""The manifest: what went in, what was asked, what came out; and the log of the run's clock."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import platform
import sys
from collections.abc import Iterable, Mapping
from importlib import metadata
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

import numpy as np
import pandas as pd

from geo_engine import storage
from geo_engine.disclosure.publication import Publication
from geo_engine.errors import OutputError
from geo_engine.outputs.fields import describe_indicators
from geo_engine.results import Results

SCHEMA = "geo-engine/manifest/1"
RUN_SCHEMA = "geo-engine/run/1"
INTERNAL_ONLY = ("quarantine.csv", "firms_placed.parquet")
"""Files that hold single records: never beside a public manifest."""

LIBRARIES = (
    "ateco",
    "esda",
    "folium",
    "geo-engine",
    "geopandas",
    "libpysal",
    "numba",
    "numpy",
    "pandas",
    "pyarrow",
    "pyogrio",
    "pyproj",
    "scipy",
    "shapely",
    "xarray",
    "xlsxwriter",
)


def write_manifest(
    publication: Publication,
    path: Path,
    *,
    parameters: Mapping[str, Any],
    boundaries: Mapping[str, Any],
    outputs: Mapping[str, Path],
) -> None:
    """Write the manifest of a run.

    Parameters
    ----------
    publication : Publication
        What the run shows.
    path : Path
        JSON file to write; the same run gives the same bytes.
    parameters : mapping
        The study as given, such as ``study.model_dump(mode="json")``; of an absolute path only the
        file name is kept.
    boundaries : mapping
        The boundary layer: its date, digest and number of municipalities.
    outputs : mapping of str to Path
        Files already written, by their final name.

    Raises
    ------
    OutputError
        ``NOT_PUBLIC`` when a public run would deliver single records.
    """
    private = [name for name in INTERNAL_ONLY if name in outputs]
    if publication.audience != "internal" and private:
        raise OutputError(
            "NOT_PUBLIC",
            f"{', '.join(private)} hold single records. Leave them out, or run internal.",
        )
    results = publication.results
    manifest = {
        "schema": SCHEMA,
        "title": results.facts.titled(),
        "facts": dataclasses.asdict(results.facts),
        "perimeter": results.facts.perimeter,
        "membership": results.facts.membership,
        "series_breaks": _records(results.series_breaks),
        "universe": results.facts.universe,
        "universes": _records(results.universes),
        "signal_matches": _records(results.signal_matches),
        "signal_coverage": _records(results.signal_coverage),
        "data_date": results.facts.data_date,
        "simulated": results.facts.simulated,
        "audience": publication.audience,
        "banner": publication.banner,
        "banner_en": publication.banner_en,
        "warnings": list(results.warnings),
        "parameters": without_folders(parameters),
        "seed": results.facts.seed,
        "inputs": _inputs(results),
        "account": _account(results),
        "boundaries": dict(boundaries),
        "graph": dict(results.graph_summary),
        "stages": _stages(publication),
        "maps": _maps(results),
        "concentration": _records(results.concentration),
        "drivers": _records(results.drivers),
        "readings": _records(results.models.readings),
        "priority_rule": dataclasses.asdict(results.priority_rule)
        | {"it": results.priority_rule.italian, "en": results.priority_rule.english},
        "indicators": describe_indicators(results.registry, results.facts),
        "outputs": {
            name: {"sha256": storage.sha256_of(file), "bytes": file.stat().st_size}
            for name, file in outputs.items()
        },
        "versions": library_versions(),
    }
    _write_json(manifest, path)


def write_run(path: Path, stages: Iterable[tuple[str, float]], *, command: str = "run") -> None:
    """Write what the clock and the machine say of a run, apart from the artefacts.

    Parameters
    ----------
    path : Path
        JSON file to write.
    stages : iterable of (str, float)
        Name and seconds of each stage, in order.
    command : str
        What was run.
    """
    timed = [(name, round(seconds, 3)) for name, seconds in stages]
    run = {
        "schema": RUN_SCHEMA,
        "command": command,
        "finished": dt.datetime.now(tz=dt.UTC).isoformat(timespec="seconds"),
        "stages": [{"name": name, "seconds": seconds} for name, seconds in timed],
        "seconds": round(sum(seconds for _, seconds in timed), 3),
        "peak_memory_mb": _peak_memory_mb(),
        "platform": platform.platform(),
        "python": platform.python_version(),
    }
    path.write_text(json.dumps(run, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def without_folders(value: Any) -> Any:
    """Cut absolute paths in nested keys down to their file name.

    Parameters
    ----------
    value : Any
        Nested mappings, sequences and values.

    Returns
    -------
    Any
        The same, with nothing that tells where on a machine a file was.

    Examples
    --------
    >>> without_folders({"firms": [{"path": "/data/north/firms.csv"}]})
    {'firms': [{'path': 'firms.csv'}]}
    """
    if isinstance(value, Mapping):
        return {str(key): without_folders(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [without_folders(inner) for inner in value]
    if isinstance(value, Path):
        value = str(value)
    if isinstance(value, str):
        return _file_name(value)
    return value


def library_versions() -> dict[str, str]:
    """Give the versions that decide a result.

    Returns
    -------
    dict of str to str
        Libraries, Python, GDAL and PROJ.
    """
    import pyogrio
    import pyproj

    versions = {"python": platform.python_version()}
    for name in LIBRARIES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            versions[name] = "not installed"
    versions["gdal"] = str(pyogrio.__gdal_version_string__)
    versions["proj"] = str(pyproj.proj_version_str)
    return versions


def _file_name(text: str) -> str:
    """Give the name of the file when a text is an absolute path."""
    for kind in (PurePosixPath, PureWindowsPath):
        if len(text) > 1 and "\n" not in text and kind(text).is_absolute():
            return kind(text).name
    return text


def _inputs(results: Results) -> list[dict[str, object]]:
    """Describe each input file."""
    return [
        {
            "name": source.name,
            "sha256": source.sha256,
            "bytes": source.bytes,
            "rows": source.rows,
            "placed": source.placed,
            "quarantined": source.quarantined,
            "encoding": source.encoding,
            "separator": source.separator,
            "quoting": source.quoting,
            "licence": source.licence,
        }
        for source in results.account.sources
    ]


def _account(results: Results) -> dict[str, object]:
    """Tell what became of the records; counts by reason, never a record."""
    account = results.account
    return {
        "rows": account.rows,
        "placed": account.placed,
        "quarantined": account.quarantined,
        "in_chains": account.in_chains,
        "outside_coverage": account.outside_coverage,
        "reasons": dict(account.reasons),
        "methods": dict(account.methods),
        "flags": dict(account.flags),
    }


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Give the rows of a table by column."""
    return [{str(name): value for name, value in row.items()} for row in table.to_dict("records")]


def _stages(publication: Publication) -> dict[str, int]:
    """Count what each stage delivered."""
    results = publication.results
    local = results.local
    return {
        "places": len(results.places),
        "places_covered": int(results.places["covered"].sum()),
        "provinces": len(results.provinces),
        "regions": len(results.regions),
        "chains": len(results.facts.chains),
        "years": len(results.facts.years),
        "panel_cells": int(results.panel["firms"].size),
        "panel_cells_with_share": int(results.panel["share"].count()),
        "suppressed_cells": publication.suppressed,
        "local_tests": int(local["p_value"].count()),
        "hotspots": len(results.hotspots),
    }


def _maps(results: Results) -> list[dict[str, object]]:
    """Summarize the tests of each map."""
    maps = results.maps.sortby(["variable", "chain", "year"])
    names = [str(name) for name in sorted(map(str, maps.data_vars))]
    listed = []
    for variable in maps["variable"].to_numpy().tolist():
        for chain in maps["chain"].to_numpy().tolist():
            for year in maps["year"].to_numpy().tolist():
                one = maps.sel(variable=variable, chain=chain, year=year)
                figures = {name: float(one[name]) for name in names}
                listed.append({"variable": variable, "chain": chain, "year": year, **figures})
    return listed


def _peak_memory_mb() -> float | None:
    """Give the largest memory this process held; None where the system does not tell."""
    try:
        import resource
    except ImportError:  # Windows
        return None
    unit = 1 if sys.platform == "darwin" else 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak * unit / 1e6, 1)


def _write_json(value: Mapping[str, Any], path: Path) -> None:
    """Write JSON with sorted keys, null for what is missing, and a last newline."""
    text = json.dumps(
        _jsonable(value), indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False
    )
    path.write_bytes((text + "\n").encode("utf-8", errors="replace"))


def _jsonable(value: Any) -> Any:
    """Replace what JSON has no word for."""
    if isinstance(value, Mapping):
        return {str(key): _jsonable(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple, set, frozenset, np.ndarray)):
        ordered = sorted(value) if isinstance(value, (set, frozenset)) else value
        return [_jsonable(inner) for inner in ordered]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        if not np.isfinite(value):
            return None
        return int(value) if value.is_integer() and abs(value) < 1e15 else value
    if isinstance(value, (dt.date, Path)):
        return str(value)
    return value
