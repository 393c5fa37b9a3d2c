"""Which encoding a file of text is written in, decided by all of its bytes."""

from __future__ import annotations

import codecs
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from geo_engine.errors import SourceError
from geo_engine.sources.csv_blocks import BLOCK_BYTES

# "Ã" before another accented byte, and "â€": what UTF-8 becomes when it is read as cp1252 once and
# written as UTF-8 again ("Forlì" -> "ForlÃ¬").
_MOJIBAKE = (b"\xc3\x83\xc2", b"\xc3\x83\xe2", b"\xc3\xa2\xe2\x82\xac")
_WIDE_BOMS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_NUL_SHARE = 0.2
_MOJIBAKE_SHARE = 0.1


@dataclass(frozen=True, kw_only=True)
class Census:
    """Bytes of a file that tell its encoding."""

    accented: int
    """Characters beyond ASCII, read as UTF-8."""
    invalid: int
    """Bytes that are no UTF-8."""
    mojibake: int
    """Characters that look like UTF-8 read as cp1252."""
    quotes: int
    """Double quotes."""


def refuse_wide_text(path: Path, head: bytes) -> None:
    """Refuse text of two or four bytes a character.

    Parameters
    ----------
    path : Path
        The file.
    head : bytes
        Its first bytes.

    Raises
    ------
    SourceError
        ``ENCODING``.
    """
    wide = head.startswith(_WIDE_BOMS) or head.count(b"\0") > _NUL_SHARE * len(head)
    if wide:
        raise SourceError(
            "ENCODING",
            f"{path.name} is UTF-16 text or no text at all. Save it as CSV UTF-8 "
            '(Excel: "CSV UTF-8 (delimitato dal separatore di elenco)").',
        )


def take_census(path: Path) -> Census:
    """Read a file whole and count what tells its encoding.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    Census
        Counts over all bytes.
    """
    accented = invalid = mojibake = quotes = 0
    rest = b""
    with path.open("rb") as file:
        while fresh := file.read(BLOCK_BYTES):
            quotes += fresh.count(b'"')
            data = rest + fresh
            if data.isascii():
                rest = b""
                continue
            mojibake += sum(data.count(pattern) for pattern in _MOJIBAKE)
            more, bad, used = _beyond_ascii(data, final=False)
            accented, invalid, rest = accented + more, invalid + bad, data[used:]
    more, bad, _ = _beyond_ascii(rest, final=True)
    accented, invalid = accented + more, invalid + bad
    return Census(accented=accented, invalid=invalid, mojibake=mojibake, quotes=quotes)


def choose_encoding(path: Path, asked: str, census: Census) -> str:
    """Decide the encoding, or refuse one that the bytes contradict.

    Parameters
    ----------
    path : Path
        The file, for messages.
    asked : str
        ``auto``, ``utf-8`` or ``cp1252``.
    census : Census
        Of the whole file.

    Returns
    -------
    str
        ``utf-8`` or ``cp1252``. A file of UTF-8 with fewer damaged bytes than accents is UTF-8:
        its damaged records are set aside one by one.

    Raises
    ------
    SourceError
        ``ENCODING`` or ``ENCODING_SUSPECT``.
    """
    looks_utf8 = census.invalid == 0 or census.accented > census.invalid
    if asked == "utf-8" and not looks_utf8:
        raise SourceError(
            "ENCODING",
            f"{path.name}: {census.invalid:,} bytes are no UTF-8. Set encoding = "
            '"cp1252" (Windows), or "auto".',
        )
    if asked == "cp1252" and census.accented and census.invalid == 0:
        raise SourceError(
            "ENCODING_SUSPECT",
            f"{path.name} is valid UTF-8 with {census.accented:,} accented characters, and would "
            'read as "ForlÃ¬" in cp1252. Set encoding = "utf-8", or "auto".',
        )
    if asked == "auto" and looks_utf8 and census.mojibake > _MOJIBAKE_SHARE * census.accented:
        raise SourceError(
            "ENCODING_SUSPECT",
            f'{path.name}: {census.mojibake:,} characters look like "ForlÃ¬": UTF-8 that was read '
            "as cp1252 and saved again. Export the file anew from its source, or set encoding = "
            '"utf-8" to read it as it is.',
        )
    return "utf-8" if looks_utf8 and asked != "cp1252" else "cp1252"


def _beyond_ascii(data: bytes, *, final: bool) -> tuple[int, int, int]:
    """Count characters beyond ASCII and bytes that are no UTF-8; give the bytes used."""
    try:
        used = codecs.utf_8_decode(data, "strict", final)[1]
    except UnicodeDecodeError:
        text, used = codecs.utf_8_decode(data, "surrogateescape", final)
        points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
        lone = int(((points >= 0xDC80) & (points <= 0xDCFF)).sum())
        return int((points >= 0x80).sum()) - lone, lone, used
    first_bytes = np.frombuffer(data, dtype=np.uint8, count=used) >= 0xC0
    return int(np.count_nonzero(first_bytes)), 0, used
