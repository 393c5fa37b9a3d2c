"""Fetches ISTAT's boundary archive of a year, judges it, and keeps it as a layer of ours."""

from __future__ import annotations

import contextlib
import datetime as dt
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import geopandas as gpd
import pandas as pd

from geo_engine import tables
from geo_engine.errors import BoundaryError, SourceError
from geo_engine.sources import boundaries
from geo_engine.sources.archives import ArchiveCaps
from geo_engine.sources.download import DownloadError, Patience, Progress, download
from geo_engine.sources.official_cache import (
    OfficialLayer,
    keep_layer,
    official_folder,
)
from geo_engine.sources.official_geometry import GeometryReport, judge_geometry
from geo_engine.sources.official_names import find_cadastral_codes, write_areas, write_names
from geo_engine.sources.official_tables import OfficialTables, layer_year, read_tables
from geo_engine.sources.registry import (
    boundary_addresses,
    edition_date,
    read_registry,
    version_rules,
)
from geo_engine.sources.shapefiles import Unpacked, take_shapefiles
from geo_engine.storage import deliver, sha256_of

FEW = 2
"""Municipalities by which a layer may differ from the list of its date, and this is stated."""

Began = Callable[[str], None]
"""Called as a stage begins: ``download``, ``check``, ``geometry``, ``write``."""

_MEGABYTE = 1_000_000
_ABSENT = {404, 410}


class Converted(NamedTuple):
    """A layer as this program reads it, and what was found on the way."""

    layer: gpd.GeoDataFrame
    geometry: GeometryReport
    encodings: tuple[str, ...]
    stems: tuple[str, ...]
    missing: tuple[str, ...]
    extra: tuple[str, ...]


def fetch_layer(
    year: int,
    version: str = "generalized",
    *,
    url: str | None = None,
    began: Began | None = None,
    progress: Progress | None = None,
    patience: Patience | None = None,
) -> OfficialLayer:
    """Download, convert and keep ISTAT's boundaries of a year.

    Parameters
    ----------
    year : int
        1991, 2001 (censuses), 2002 and later.
    version : str
        ``generalized`` or ``detailed``.
    url : str, optional
        A mirror of ISTAT's folder, or an archive's own address.
    began : callable, optional
        Called as each stage begins.
    progress : callable, optional
        Called with the bytes received and the total where known.
    patience : Patience, optional
        Attempts and pauses.

    Returns
    -------
    OfficialLayer
        What was kept. A layer fetched before stays as it was when anything fails.

    Raises
    ------
    SourceError
        ``DOWNLOAD_FAILED`` with what to do without network, and what :func:`import_layer` raises.
    BoundaryError
        ``BOUNDARY_YEAR``, ``BOUNDARY_VERSION``, and what :func:`import_layer` raises.
    OutputError
        ``FOLDER_LOCKED`` while another process fetches, ``NOT_WRITTEN``.
    """
    addresses = boundary_addresses(year, version, url)
    cap = version_rules(version)["max_archive_mb"] * _MEGABYTE
    target = official_folder() / "download" / f"{version}_{year}.zip"
    _tell(began, "download")
    with deliver(target.parent):  # for its lock: two downloads would write one part
        try:
            for address in addresses:
                try:
                    download(address, target, max_bytes=cap, progress=progress, patience=patience)
                except DownloadError as error:
                    if error.status in _ABSENT and address != addresses[-1]:
                        continue
                    raise SourceError(
                        error.code, f"{error.message} {_by_hand(year, version)}"
                    ) from error
                break
            return import_layer(target, year, version, source=address, began=began)
        finally:
            target.unlink(missing_ok=True)


def import_layer(
    path: Path,
    year: int,
    version: str = "generalized",
    *,
    source: str | None = None,
    began: Began | None = None,
) -> OfficialLayer:
    """Convert and keep an archive that was downloaded by hand.

    Parameters
    ----------
    path : Path
        ISTAT's zip.
    year : int
        Of the edition.
    version : str
        ``generalized`` or ``detailed``.
    source : str, optional
        Where it came from; the file's name by default.
    began : callable, optional
        Called as each stage begins.

    Returns
    -------
    OfficialLayer
        What was kept.

    Raises
    ------
    SourceError
        ``FILE_MISSING``, or what is wrong with the archive: see :mod:`archives`, :mod:`shapefiles`.
    BoundaryError
        What is wrong with the layer: see :func:`convert`.
    """
    date = edition_date(year)
    caps = archive_caps(version)
    if not path.is_file():
        raise SourceError("FILE_MISSING", f"{path} is not a file here. Name ISTAT's zip.")
    _tell(began, "check")
    with tempfile.TemporaryDirectory(prefix="geo-engine-") as folder:
        layers = read_registry()["boundaries"]["layers"]
        found = take_shapefiles(path, layers, Path(folder), caps)
        done = convert(found, year, date, began=began)
    _tell(began, "write")
    layer, unknown = done.layer, done.layer.index[done.layer["cadastral_code"] == ""]
    facts = OfficialLayer(
        year=year,
        version=version,
        date=date,
        municipalities=len(layer),
        provinces=int(layer["cod_prov"].nunique()),
        source=source or path.name,
        archive_sha256=sha256_of(path),
        archive_bytes=path.stat().st_size,
        licence=read_registry()["boundaries"]["licence"],
        stems=done.stems,
        encodings=done.encodings,
        joined=done.geometry.joined,
        repaired=done.geometry.repaired,
        cleaned=done.geometry.cleaned,
        holes=done.geometry.holes,
        missing=done.missing,
        extra=done.extra,
        without_cadastral_code=tuple(map(str, unknown)),
    )
    return keep_layer(layer, facts)


def convert(
    found: Mapping[str, Unpacked], year: int, date: dt.date, *, began: Began | None = None
) -> Converted:
    """Turn ISTAT's shapefiles into a table of municipalities.

    Parameters
    ----------
    found : mapping of str to Unpacked
        Shapefiles by layer: municipalities, provinces, regions.
    year : int
        Of the edition.
    date : date
        What it describes.
    began : callable, optional
        Called as each stage begins.

    Returns
    -------
    Converted
        Columns ``tables.PLACE_COLUMNS``, EPSG:4326, a valid coverage.

    Raises
    ------
    BoundaryError
        ``BOUNDARY_YEAR`` when the archive is of another year, ``BOUNDARY_CODES`` naming what is
        missing or too many, ``BOUNDARY_LAYOUT``, and what :mod:`official_tables` and
        :mod:`official_geometry` raise.
    """
    _check_year(found, year)
    official = read_tables(found)
    shipped = boundaries.read_layer(boundaries.FIRST_DATE)
    _tell(began, "geometry")
    enclaves = read_registry()["boundaries"]["enclaves"]
    layer, report = judge_geometry(official.municipalities, enclaves)
    layer = _with_areas(layer, official, shipped)
    cadastral, absent = find_cadastral_codes(layer, date, shipped)
    unknown = list(cadastral.index[cadastral == ""])
    if unknown or absent:
        _check_other_years(layer, year, shipped)
    missing, extra = _check_codes(layer, date, absent, unknown)
    layer["cadastral_code"] = cadastral
    layer["name"] = write_names(layer, shipped)
    layer = layer.sort_index()[list(tables.PLACE_COLUMNS)]
    tables.check_places(layer)
    stems = tuple(each.stem for each in found.values())
    return Converted(layer, report, official.encodings, stems, missing, extra)


def archive_caps(version: str) -> ArchiveCaps:
    """Give how large an archive of a version may be.

    Parameters
    ----------
    version : str
        ``generalized`` or ``detailed``.

    Returns
    -------
    ArchiveCaps
        Of ``registry.toml``.
    """
    rules, archive = version_rules(version), read_registry()["boundaries"]["archive"]
    return ArchiveCaps(
        unpacked_bytes=rules["max_unpacked_mb"] * _MEGABYTE,
        member_bytes=rules["max_member_mb"] * _MEGABYTE,
        ratio=archive["max_ratio"],
        members=archive["max_members"],
        nested=archive["max_nested"],
    )


def _with_areas(
    layer: gpd.GeoDataFrame, official: OfficialTables, shipped: pd.DataFrame
) -> gpd.GeoDataFrame:
    """Give each municipality the names of its province and region."""
    provinces, regions = official.provinces.copy(), official.regions.copy()
    write_areas(provinces, regions, shipped)
    layer["cod_prov"] = layer.index.str[:3]
    for column, known in (("cod_prov", provinces.index), ("cod_reg", regions.index)):
        lost = sorted(set(layer[column]) - set(known))
        if lost:
            raise BoundaryError(
                "BOUNDARY_LAYOUT",
                f"{len(lost)} values of {column} are in no layer of the archive: "
                f"{', '.join(lost[:5])}. Take ISTAT's archive as it is.",
            )
    layer["province"] = layer["cod_prov"].map(provinces["province"])
    layer["sigla"] = layer["cod_prov"].map(provinces["sigla"])
    layer["region"] = layer["cod_reg"].map(regions)
    return layer


def _check_year(found: Mapping[str, Unpacked], year: int) -> None:
    """Refuse an archive whose layers bear another year in their names."""
    years = {layer_year(each) for each in found.values()} - {None, year}
    if years:
        raise BoundaryError(
            "BOUNDARY_YEAR",
            f"The archive is of {', '.join(map(str, sorted(filter(None, years))))} "
            f"({next(iter(found.values())).stem}), not of {year}. Name its own year.",
        )


def _check_other_years(layer: gpd.GeoDataFrame, year: int, shipped: pd.DataFrame) -> None:
    """Refuse a layer that is exactly that of the year before or after."""
    for other in (year - 1, year + 1):
        with contextlib.suppress(BoundaryError):
            cadastral, absent = find_cadastral_codes(layer, edition_date(other), shipped)
            if not absent and not (cadastral == "").any():
                break
    else:
        return
    raise BoundaryError(
        "BOUNDARY_YEAR",
        f"These are the municipalities of {other}, not of {year}. Name the archive's own year.",
    )


def _check_codes(
    layer: gpd.GeoDataFrame, date: dt.date, absent: list[str], unknown: list[str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Compare the municipalities with those of the date, by code where the lists know them all."""
    from geo_engine.sources.codes import expected_codes

    names = layer["name"]
    missing, extra = absent, [f"{code} {names[code]}" for code in unknown]
    expected = expected_codes(date)
    if expected is not None:
        codes = set(layer.index)
        missing = sorted(expected - codes)
        extra = [f"{code} {names[code]}" for code in sorted(codes - expected)]
    if len(missing) + len(extra) > FEW:
        raise BoundaryError(
            "BOUNDARY_CODES",
            f"The archive holds {len(layer):,} municipalities; on {date} {len(missing)} more were "
            f"valid ({_some(missing)}) and {len(extra)} of its own were not ({_some(extra)}). Take "
            "ISTAT's whole archive of that year.",
        )
    return tuple(missing), tuple(extra)


def _some(names: list[str]) -> str:
    """Name a few."""
    listed = ", ".join(names[:5]) or "none"
    return f"{listed} and {len(names) - 5} more" if len(names) > 5 else listed


def _by_hand(year: int, version: str) -> str:
    """Say how to do without the network."""
    page = read_registry()["boundaries"]["page"]
    option = "" if version == "generalized" else f" --version {version}"
    return (
        f"Without network: download the archive of {year} from {page} on any computer, then "
        f"`geo-engine boundaries import FILE {year}{option}`; or use the layer that ships "
        '(boundary_layer = "shipped", boundary_date = 2022-01-01 or later).'
    )


def _tell(began: Began | None, stage: str) -> None:
    """Tell that a stage begins, where somebody listens."""
    if began is not None:
        began(stage)
