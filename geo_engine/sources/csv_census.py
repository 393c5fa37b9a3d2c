"""Which encoding a file of text is written in, decided by all of its bytes."""

from __future__ import annotations

import codecs
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numba import njit

from geo_engine.errors import SourceError
from geo_engine.sources.csv_blocks import read_after

_WIDE_BOMS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_HIGH_BITS = np.uint64(0x8080808080808080)
_BYTES = 1 << 21
_NUL_SHARE = 0.2
_MOJIBAKE_SHARE = 0.1
# The vowels with an accent in the code pages of DOS and of the first Macintosh; in cp1252 they are
# daggers, carons and undefined bytes, while accented letters lie from C0 on.
_UNLIKELY = np.frombuffer(b"\x81\x82\x83\x84\x86\x87\x88\x89\x8a\x8b\x8d\x8f\x90\x98\x9d", np.uint8)


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
    letters: int = 0
    """Bytes that are no UTF-8 and an accented letter in cp1252."""
    unlikely: int = 0
    """Bytes that are no UTF-8, rare in cp1252, and an accented letter in other code pages."""


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
    total = np.zeros(4, dtype=np.int64)
    damaged = np.zeros(256, dtype=np.int64)
    waiting = np.empty(0, dtype=np.uint8)
    with path.open("rb", buffering=0) as file:
        while True:
            block = read_after(file, waiting, _BYTES)
            final = len(block) == len(waiting)
            counts, used = count_characters(block, final=final, damaged=damaged)
            total += counts
            waiting = block[used:]
            if final:
                break
    return Census(
        accented=int(total[0]),
        invalid=int(total[1]),
        mojibake=int(total[2]),
        quotes=int(total[3]),
        letters=int(damaged[0xC0:].sum()),
        unlikely=int(damaged[_UNLIKELY].sum()),
    )


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
    if asked == "auto" and not looks_utf8 and census.unlikely > census.letters:
        raise SourceError(
            "ENCODING",
            f"{path.name}: {census.unlikely:,} bytes look like text of DOS (cp850) or of an old "
            'Macintosh, where "è" reads as "Š" in cp1252. Save it as CSV UTF-8, or set encoding = '
            '"cp1252" to read it so.',
        )
    return "utf-8" if looks_utf8 and asked != "cp1252" else "cp1252"


def count_characters(
    data: np.ndarray, *, final: bool, damaged: np.ndarray | None = None
) -> tuple[np.ndarray, int]:
    """Count what tells the encoding of some bytes.

    Parameters
    ----------
    data : ndarray of uint8
        Bytes that begin where a character does.
    final : bool
        Whether the text ends with them; otherwise a character without its end is left out.
    damaged : ndarray of int64, 256, optional
        Bytes that are no UTF-8, by value: what is found is added.

    Returns
    -------
    tuple
        Characters beyond ASCII, bytes that are no UTF-8, characters that look like UTF-8 read as
        cp1252, double quotes; and the bytes used.
    """
    counts = np.zeros(4, dtype=np.int64)
    by_value = np.zeros(256, dtype=np.int64) if damaged is None else damaged
    used = _count(data, data[: len(data) // 8 * 8].view(np.uint64), counts, by_value)
    if used < len(data) and final:
        counts[1] += len(data) - used
        np.add.at(by_value, data[used:], 1)
        used = len(data)
    return counts, used


@njit(cache=True, nogil=True)
def _count(data: np.ndarray, words: np.ndarray, counts: np.ndarray, damaged: np.ndarray) -> int:
    """Fill the counts, and give the bytes used."""
    quotes = 0
    for i in range(data.size):
        quotes += data[i] == 34
    i = accented = invalid = mojibake = 0
    while i < data.size:
        if data[i] < 0x80:
            i += 1
            while i % 8 == 0 and i // 8 < words.size and not words[i // 8] & _HIGH_BITS:
                i += 8
            continue
        size = _character(data, i)
        if size == 0:
            break
        accented += size > 0
        invalid += size < 0
        damaged[data[i]] += size < 0
        mojibake += size > 0 and _looks_spoilt(data, i)
        i += max(size, 1)
    counts[:] = accented, invalid, mojibake, quotes
    return i


@njit(cache=True, nogil=True)
def _character(data: np.ndarray, i: int) -> int:
    """Give the bytes of the character at a place beyond ASCII: -1 for none, 0 when cut."""
    lead = data[i]
    if lead < 0xC2 or lead > 0xF4:
        return -1
    size = 2 if lead < 0xE0 else 3 if lead < 0xF0 else 4
    low = 0xA0 if lead == 0xE0 else 0x90 if lead == 0xF0 else 0x80
    high = 0x9F if lead == 0xED else 0x8F if lead == 0xF4 else 0xBF
    for k in range(1, size):
        if i + k >= data.size:
            return 0
        if data[i + k] < low or data[i + k] > high:
            return -1
        low, high = 0x80, 0xBF
    return size


@njit(cache=True, nogil=True)
def _looks_spoilt(data: np.ndarray, i: int) -> bool:
    """Tell whether a character and the next look like one of UTF-8 that was read as cp1252.

    They are "Ã" or "Â" before another character beyond ASCII ("Forlì" -> "ForlÃ¬"), and "â€".
    """
    if data[i] == 0xC3 and i + 2 < data.size:
        if data[i + 1] == 0x83 or data[i + 1] == 0x82:
            return data[i + 2] >= 0xC2
        if data[i + 1] == 0xA2 and i + 4 < data.size:
            return data[i + 2] == 0xE2 and data[i + 3] == 0x82 and data[i + 4] == 0xAC
    return False
