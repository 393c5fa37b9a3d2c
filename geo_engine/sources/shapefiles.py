"""Takes complete shapefiles out of an archive.

Nothing of an archive's own names reaches the disk: members are found by their last part, and
written under names of ours.
"""

from __future__ import annotations

import contextlib
import struct
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from geo_engine.errors import SourceError
from geo_engine.sources.archives import (
    ArchiveCaps,
    open_archive,
    open_nested,
    too_large,
    zip_errors,
)
from geo_engine.storage import output_errors

SHAPEFILE_MEMBERS = ("shp", "shx", "dbf", "prj")
"""Without one of these a shapefile reads, but without shapes, order, attributes or position."""

_BLOCK = 1 << 20


@dataclass(frozen=True)
class Unpacked:
    """A shapefile on the disk.

    Parameters
    ----------
    path : Path
        The ``.shp`` file; its siblings stand beside it.
    stem : str
        What the archive calls it, without suffix.
    """

    path: Path
    stem: str


def take_shapefiles(
    path: Path, layers: Mapping[str, Sequence[str]], folder: Path, caps: ArchiveCaps
) -> dict[str, Unpacked]:
    """Unpack the shapefiles of some layers, under the names of the layers.

    Parameters
    ----------
    path : Path
        The archive. A layer may stand in an archive within it.
    layers : mapping of str to sequence of str
        Beginnings of file names by layer, in lower case; a name belongs to the first layer that
        fits.
    folder : Path
        Where they are unpacked, as ``<layer>.shp`` and so on.
    caps : ArchiveCaps
        How large the archive may be.

    Returns
    -------
    dict of str to Unpacked
        By layer.

    Raises
    ------
    SourceError
        What :func:`open_archive` raises; ``SHAPEFILE_INCOMPLETE`` naming what is missing,
        ``SHAPEFILE_AMBIGUOUS``.
    """
    with open_archive(path, caps) as archive, contextlib.ExitStack() as nested:
        archives = [archive, *open_nested(archive, path.name, caps, nested)]
        found: dict[str, _Shapefile] = {}
        for holder in archives:
            for layer, shapefile in _shapefiles(holder, layers).items():
                before = found.get(layer)
                if before is None or (before.missing() and not shapefile.missing()):
                    found[layer] = shapefile
        _check_complete(found, layers, path.name)
        return {
            layer: _unpack(shapefile, folder, layer, caps) for layer, shapefile in found.items()
        }


def check_shapefile(path: Path, name: str) -> int:
    """Compare what the files of a shapefile say of their own size.

    Parameters
    ----------
    path : Path
        The ``.shp`` file; its siblings stand beside it.
    name : str
        Of the layer in the archive, for messages.

    Returns
    -------
    int
        Number of records.

    Raises
    ------
    SourceError
        ``SHAPEFILE_CORRUPT``.
    """
    sizes = [_stated_length(path.with_suffix(suffix)) for suffix in (".shp", ".shx")]
    records = (sizes[1] - 100) // 8
    with path.with_suffix(".dbf").open("rb") as file:
        head = file.read(32).ljust(32, b"\0")
    rows, header, width = struct.unpack("<IHH", head[4:12])
    whole = path.with_suffix(".dbf").stat().st_size >= header + rows * width
    if min(sizes) < 0 or rows != records or not whole:
        raise SourceError(
            "SHAPEFILE_CORRUPT",
            f"{name}: .shp, .shx and .dbf do not hold the same {records:,} records whole. Download "
            "the archive again.",
        )
    return records


@dataclass(frozen=True)
class _Shapefile:
    """The members of one shapefile by suffix, and the archive that holds them."""

    stem: str
    members: Mapping[str, zipfile.ZipInfo]
    archive: zipfile.ZipFile

    def missing(self) -> list[str]:
        """Name the suffixes without which it cannot be read right."""
        return [suffix for suffix in SHAPEFILE_MEMBERS if suffix not in self.members]


def _shapefiles(
    archive: zipfile.ZipFile, layers: Mapping[str, Sequence[str]]
) -> dict[str, _Shapefile]:
    """Group the members of an archive by layer; the most complete shapefile of a layer counts."""
    groups: dict[tuple[str, str], dict[str, zipfile.ZipInfo]] = {}
    for member in archive.infolist():
        path = PurePosixPath(member.filename)
        suffix = path.suffix.lower().removeprefix(".")
        layer = _layer_of(path.stem.lower(), layers)
        if layer and suffix in SHAPEFILE_MEMBERS:
            stem = path.with_suffix("").as_posix()
            groups.setdefault((layer, stem.casefold()), {})[suffix] = member
    best: dict[str, _Shapefile] = {}
    for (layer, _), members in sorted(groups.items()):
        stem = PurePosixPath(next(iter(members.values())).filename).with_suffix("").as_posix()
        shapefile = _Shapefile(stem, members, archive)
        if layer in best and not best[layer].missing() and not shapefile.missing():
            raise SourceError(
                "SHAPEFILE_AMBIGUOUS",
                f"{best[layer].stem} and {stem} could both be the layer of {layer}. Take an "
                "archive of one date.",
            )
        if layer not in best or len(best[layer].missing()) > len(shapefile.missing()):
            best[layer] = shapefile
    return best


def _layer_of(stem: str, layers: Mapping[str, Sequence[str]]) -> str:
    """Name the layer that a file name belongs to; empty when none."""
    return next((layer for layer, starts in layers.items() if stem.startswith(tuple(starts))), "")


def _check_complete(
    found: Mapping[str, _Shapefile], layers: Mapping[str, Sequence[str]], name: str
) -> None:
    """Refuse an archive that lacks a layer or a member of one."""
    absent = [layer for layer in layers if layer not in found]
    if absent:
        begins = ", ".join(f"{layer} ({layers[layer][0]}*.shp)" for layer in absent)
        raise SourceError(
            "SHAPEFILE_INCOMPLETE",
            f"{name} has no shapefile of {begins}. Take ISTAT's whole archive, not a part of it.",
        )
    lacking = [f"{s.stem}.{suffix}" for s in found.values() for suffix in s.missing()]
    if lacking:
        raise SourceError(
            "SHAPEFILE_INCOMPLETE",
            f"{name} lacks {', '.join(lacking)}. A shapefile needs .shp, .shx, .dbf and .prj: take "
            "ISTAT's whole archive.",
        )


def _unpack(shapefile: _Shapefile, folder: Path, layer: str, caps: ArchiveCaps) -> Unpacked:
    """Write the members of a shapefile under the layer's name, never more than they may hold."""
    for suffix, member in shapefile.members.items():
        with output_errors(str(folder)):
            target = (folder / f"{layer}.{suffix}").open("wb")
        with (
            target,
            zip_errors(member.filename),
            shapefile.archive.open(member) as source,
        ):
            written = 0
            while block := source.read(_BLOCK):
                written += len(block)
                if written > caps.member_bytes:
                    raise too_large(member.filename, "holds more than it says")
                with output_errors(target.name):
                    target.write(block)
    return Unpacked(folder / f"{layer}.shp", shapefile.stem)


def _stated_length(path: Path) -> int:
    """Give the length that a .shp or .shx file states of itself; -1 when it is not there whole."""
    with path.open("rb") as file:
        head = file.read(100)
    if len(head) < 100 or struct.unpack(">i", head[:4])[0] != 9994:
        return -1
    length = 2 * int(struct.unpack(">i", head[24:28])[0])
    return length if length <= path.stat().st_size else -1
