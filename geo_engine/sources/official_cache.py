"""Keeps converted official layers in the cache folder, whole or not at all, and reads them back."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd

from geo_engine.errors import BoundaryError
from geo_engine.storage import cache_folder, deliver, sha256_of

CONVERTER = 1
"""Raised when the same archive gives another layer; a layer of another one is fetched again."""

_FACTS = "layer.json"


@dataclass(frozen=True, kw_only=True)
class OfficialLayer:
    """What is known of a cached layer.

    Parameters
    ----------
    year : int
        Of ISTAT's edition.
    version : str
        ``generalized`` or ``detailed``.
    date : date
        What it describes.
    municipalities, provinces : int
        How many there are.
    source : str
        Address or file name of the archive.
    archive_sha256 : str
        Digest of the archive.
    archive_bytes : int
        Its size.
    licence : str
        As ISTAT states it.
    stems : tuple of str
        Names of the shapefiles in the archive.
    encodings : tuple of str
        Of their tables.
    joined, repaired, cleaned : tuple of str
        Municipalities of several records, with rings that touched themselves, with borders that
        were not the neighbor's.
    holes : tuple of tuple of float
        Ground of nobody: km2, longitude, latitude.
    missing, extra : tuple of str
        Municipalities that the list of that date has and the layer has not, and the reverse.
    without_cadastral_code : tuple of str
        Codes whose cadastral code is not known.
    file, sha256 : str
        The layer in the cache, and its digest.
    """

    year: int
    version: str
    date: dt.date
    municipalities: int
    provinces: int
    source: str
    archive_sha256: str
    archive_bytes: int
    licence: str
    stems: tuple[str, ...]
    encodings: tuple[str, ...]
    joined: tuple[str, ...]
    repaired: tuple[str, ...]
    cleaned: tuple[str, ...]
    holes: tuple[tuple[float, ...], ...]
    missing: tuple[str, ...]
    extra: tuple[str, ...]
    without_cadastral_code: tuple[str, ...]
    file: str = ""
    sha256: str = ""


def official_folder() -> Path:
    """Give the folder of official layers in the cache; it need not exist."""
    return cache_folder() / "boundaries"


def keep_layer(layer: gpd.GeoDataFrame, facts: OfficialLayer) -> OfficialLayer:
    """Write a layer and what is known of it; an earlier one stays whole until this one is.

    Parameters
    ----------
    layer : GeoDataFrame
        As :func:`geo_engine.tables.check_places` wants it.
    facts : OfficialLayer
        Without file and digest.

    Returns
    -------
    OfficialLayer
        With them.

    Raises
    ------
    OutputError
        ``NOT_WRITTEN``, or ``FOLDER_LOCKED`` while another process writes the same layer.
    """
    folder = official_folder() / f"{facts.version}_{facts.year}"
    name = f"layer-{facts.archive_sha256[:16]}-{CONVERTER}.parquet"
    with deliver(folder) as delivery:
        path = delivery.path(name)
        layer.to_parquet(path, compression="zstd", write_page_checksum=True)
        kept = dataclasses.replace(facts, file=name, sha256=sha256_of(path))
        record = dataclasses.asdict(kept) | {"date": kept.date.isoformat(), "converter": CONVERTER}
        text = json.dumps(record, indent=1, ensure_ascii=False) + "\n"
        delivery.path(_FACTS).write_text(text, encoding="utf-8")
        stale = [old.name for old in folder.glob("layer-*.parquet") if old.name != name]
        delivery.commit(remove=stale)
    return kept


def find_layer(year: int, version: str) -> OfficialLayer | None:
    """Tell what is known of a cached layer.

    Parameters
    ----------
    year : int
        Of ISTAT's edition.
    version : str
        ``generalized`` or ``detailed``.

    Returns
    -------
    OfficialLayer or None
        None where there is none, or one that an other version of this program wrote.

    Raises
    ------
    BoundaryError
        ``BOUNDARY_DAMAGED`` when the record cannot be read.
    """
    path = official_folder() / f"{version}_{year}" / _FACTS
    if not path.is_file():
        return None
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        if record.pop("converter") != CONVERTER:
            return None
        return _facts(record)
    except (ValueError, KeyError, TypeError, OSError) as error:
        raise _damaged(path, year, version) from error


def read_official(facts: OfficialLayer) -> gpd.GeoDataFrame:
    """Read a cached layer, if it still is what was written.

    Parameters
    ----------
    facts : OfficialLayer
        Of :func:`find_layer`.

    Returns
    -------
    GeoDataFrame
        Indexed by ``pro_com_t``.

    Raises
    ------
    BoundaryError
        ``BOUNDARY_DAMAGED`` when a single bit of it differs.
    """
    path = official_folder() / f"{facts.version}_{facts.year}" / facts.file
    if not path.is_file() or sha256_of(path) != facts.sha256:
        raise _damaged(path, facts.year, facts.version)
    return gpd.read_parquet(path, page_checksum_verification=True)


def list_official() -> list[OfficialLayer]:
    """List the layers in the cache.

    Returns
    -------
    list of OfficialLayer
        By year and version; damaged ones are left out.
    """
    found = []
    for path in sorted(official_folder().glob(f"*_*/{_FACTS}")):
        version, _, year = path.parent.name.rpartition("_")
        try:
            facts = find_layer(int(year), version)
        except (ValueError, BoundaryError):
            continue
        if facts is not None:
            found.append(facts)
    return sorted(found, key=lambda each: (each.year, each.version))


def fetch_command(year: int, version: str) -> str:
    """Give the command that fetches a layer.

    Parameters
    ----------
    year : int
        Of ISTAT's edition.
    version : str
        ``generalized`` or ``detailed``.

    Returns
    -------
    str
        To type.
    """
    option = "" if version == "generalized" else f" --version {version}"
    return f"geo-engine boundaries fetch {year}{option}"


def _facts(record: dict[str, Any]) -> OfficialLayer:
    """Read a record back; lists become tuples."""
    plain: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in record.items()}
    plain["date"] = dt.date.fromisoformat(plain["date"])
    plain["holes"] = tuple(tuple(hole) for hole in plain["holes"])
    return OfficialLayer(**plain)


def _damaged(path: Path, year: int, version: str) -> BoundaryError:
    """Say that a cached layer is not what was written."""
    return BoundaryError(
        "BOUNDARY_DAMAGED",
        f"{path} is not what was written. Fetch it again: {fetch_command(year, version)}.",
    )
