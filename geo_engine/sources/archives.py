"""Judges a zip archive before anything of it is unpacked: names, sizes, checksums."""

from __future__ import annotations

import contextlib
import io
import lzma
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from geo_engine.errors import SourceError

_BLOCK = 1 << 20
_MEGABYTE = 1_000_000
_HARMLESS = 10 * _MEGABYTE  # a member this small may pack as well as it likes
_ENCRYPTED = 0x1
_SIGNATURES = (b"PK\x03\x04", b"PK\x05\x06")


@dataclass(frozen=True, kw_only=True)
class ArchiveCaps:
    """How large an archive may be.

    Parameters
    ----------
    unpacked_bytes : int
        All members together, those of archives within it included.
    member_bytes : int
        One member.
    ratio : int
        Unpacked to packed size of a member of more than 10 MB.
    members : int
        Number of members.
    nested : int
        Number of archives within it.
    """

    unpacked_bytes: int
    member_bytes: int
    ratio: int = 200
    members: int = 2000
    nested: int = 16


@contextlib.contextmanager
def open_archive(path: Path, caps: ArchiveCaps) -> Iterator[zipfile.ZipFile]:
    """Open an archive whose names, sizes and checksums have all been judged.

    Parameters
    ----------
    path : Path
        A local file.
    caps : ArchiveCaps
        How large it may be.

    Yields
    ------
    ZipFile
        Every member can be read and matches its checksum.

    Raises
    ------
    SourceError
        ``NOT_A_ZIP``, ``ZIP_CORRUPT``, ``ZIP_PATH``, ``ZIP_DUPLICATE``, ``ZIP_ENCRYPTED``,
        ``ZIP_TOO_LARGE`` or ``ZIP_CRC``, in this order: sizes are judged before anything is
        unpacked.
    """
    with path.open("rb") as file:
        _check_signature(file, path.name)
        with _open(file, path.name) as archive:
            check_listing(archive, path.name, caps)
            check_contents(archive, path.name)
            yield archive


def check_listing(archive: zipfile.ZipFile, name: str, caps: ArchiveCaps) -> None:
    """Judge an archive by its table of contents alone.

    Parameters
    ----------
    archive : ZipFile
        Open for reading.
    name : str
        Of the archive, for messages.
    caps : ArchiveCaps
        How large it may be.

    Raises
    ------
    SourceError
        ``ZIP_PATH``, ``ZIP_DUPLICATE``, ``ZIP_ENCRYPTED`` or ``ZIP_TOO_LARGE``.
    """
    members = archive.infolist()
    unsafe = [member.orig_filename for member in members if _is_unsafe(member)]
    if unsafe:
        raise SourceError(
            "ZIP_PATH",
            f"{name}: {len(unsafe)} members would leave the folder or are links, such as "
            f"{unsafe[0]!r}. This is no archive of ISTAT; download it again from istat.it.",
        )
    seen: set[str] = set()
    for member in members:
        if member.filename.casefold() in seen:
            raise SourceError(
                "ZIP_DUPLICATE",
                f"{name} holds {member.filename!r} twice. Download it again, or pack it anew.",
            )
        seen.add(member.filename.casefold())
    if any(member.flag_bits & _ENCRYPTED for member in members):
        raise SourceError(
            "ZIP_ENCRYPTED", f"{name} asks for a password. Unpack it, and pack it without one."
        )
    _check_sizes(members, name, caps)


def check_contents(archive: zipfile.ZipFile, name: str) -> None:
    """Read every member once and compare its checksum.

    Parameters
    ----------
    archive : ZipFile
        Whose table of contents has been judged.
    name : str
        Of the archive, for messages.

    Raises
    ------
    SourceError
        ``ZIP_CRC`` naming the member, or ``ZIP_CORRUPT``.
    """
    for member in archive.infolist():
        with zip_errors(f"{name}: {member.filename}"), archive.open(member) as file:
            while file.read(_BLOCK):
                pass


def open_nested(
    archive: zipfile.ZipFile, name: str, caps: ArchiveCaps, stack: contextlib.ExitStack
) -> list[zipfile.ZipFile]:
    """Open the archives within an archive, judged as it was itself; none within these.

    Parameters
    ----------
    archive : ZipFile
        Of :func:`open_archive`.
    name : str
        Of the archive, for messages.
    caps : ArchiveCaps
        How large all may be together.
    stack : ExitStack
        Closes what is opened.

    Returns
    -------
    list of ZipFile
        In order of their members.

    Raises
    ------
    SourceError
        What :func:`open_archive` raises.
    """
    inner = [m for m in archive.infolist() if m.filename.lower().endswith(".zip")]
    if len(inner) > caps.nested:
        raise too_large(name, f"holds {len(inner)} archives, and may hold {caps.nested}")
    opened: list[zipfile.ZipFile] = []
    for member in inner:
        label = f"{name}/{member.filename}"
        with zip_errors(label):
            content = io.BytesIO(archive.read(member))
        _check_signature(content, label)
        opened.append(stack.enter_context(_open(content, label)))
        check_listing(opened[-1], label, caps)
    every = [m for holder in (archive, *opened) for m in holder.infolist()]
    _check_sizes(every, name, caps)
    for member, holder in zip(inner, opened, strict=True):
        check_contents(holder, f"{name}/{member.filename}")
    return opened


def _check_sizes(members: Sequence[zipfile.ZipInfo], name: str, caps: ArchiveCaps) -> None:
    """Refuse an archive that would fill the disk."""
    if len(members) > caps.members:
        raise too_large(name, f"holds {len(members):,} members, and may hold {caps.members:,}")
    total = sum(member.file_size for member in members)
    if total > caps.unpacked_bytes:
        raise too_large(
            name,
            f"unpacks to {total / _MEGABYTE:,.0f} MB, and may to "
            f"{caps.unpacked_bytes / _MEGABYTE:,.0f}",
        )
    for member in members:
        ratio = member.file_size / max(member.compress_size, 1)
        large = member.file_size > caps.member_bytes
        if large or (member.file_size > _HARMLESS and ratio > caps.ratio):
            raise too_large(
                name,
                f"{member.filename} unpacks to {member.file_size / _MEGABYTE:,.0f} MB, "
                f"{ratio:,.0f} times its packed size",
            )


def _is_unsafe(member: zipfile.ZipInfo) -> bool:
    """Tell whether a member's name climbs out of its folder, or the member is no plain file."""
    name = member.orig_filename
    kind = stat.S_IFMT(member.external_attr >> 16)
    return (
        name.startswith("/")
        or "\\" in name
        or ":" in name
        or "\0" in name
        or ".." in PurePosixPath(name).parts
        or kind not in {0, stat.S_IFREG, stat.S_IFDIR}
    )


def _check_signature(file: IO[bytes], name: str) -> None:
    """Tell a page of a web site from an archive."""
    start = file.read(512)
    file.seek(0)
    if start.startswith(_SIGNATURES):
        return
    page = start.lstrip().lower().startswith((b"<!doctype", b"<html", b"<?xml"))
    what = "is a web page" if page else "is empty" if not start else "is another kind of file"
    raise SourceError(
        "NOT_A_ZIP",
        f"{name} {what}, not a zip archive. Open its address in a browser to see what the server "
        "answers, or download the archive by hand.",
    )


@contextlib.contextmanager
def _open(file: IO[bytes], name: str) -> Iterator[zipfile.ZipFile]:
    """Open an archive; one that was cut has no table of contents."""
    with zip_errors(name):
        archive = zipfile.ZipFile(file)
    with archive:
        yield archive


@contextlib.contextmanager
def zip_errors(name: str) -> Iterator[None]:
    """Turn what the library says of a damaged archive into an error with a name.

    Parameters
    ----------
    name : str
        Archive and member, for the message.

    Yields
    ------
    None

    Raises
    ------
    SourceError
        ``ZIP_CRC`` or ``ZIP_CORRUPT``.
    """
    again = "Download it again, or compare its size with that on istat.it."
    try:
        yield
    except zipfile.BadZipFile as error:
        if "CRC" in str(error):
            raise SourceError("ZIP_CRC", f"{name} does not match its checksum. {again}") from error
        raise SourceError("ZIP_CORRUPT", f"{name} is cut or damaged ({error}). {again}") from error
    except (zlib.error, lzma.LZMAError) as error:
        raise SourceError("ZIP_CRC", f"{name} cannot be unpacked ({error}). {again}") from error
    except (OSError, EOFError, struct.error, ValueError, RuntimeError) as error:
        raise SourceError("ZIP_CORRUPT", f"{name} cannot be read ({error}). {again}") from error


def too_large(name: str, what: str) -> SourceError:
    """Say that an archive is larger than boundaries can be.

    Parameters
    ----------
    name : str
        Of the archive.
    what : str
        What is too large.

    Returns
    -------
    SourceError
        ``ZIP_TOO_LARGE``, to raise.
    """
    return SourceError("ZIP_TOO_LARGE", f"{name} {what}; nothing was unpacked. It is no map.")
