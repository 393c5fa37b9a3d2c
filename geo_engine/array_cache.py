"""Arrays that are dear to compute, kept in the user's cache folder: whole, or computed again.

A file holds a mark, a header in JSON, and the raw arrays; header and arrays carry a CRC-32, which
is verified on every load (at 3 GB/s, against 1.5 for SHA-256; it is damage that is feared here,
not malice). Files appear whole by a rename, so any number of processes may read and write at once.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import time
import zlib
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo_engine.errors import OutputError
from geo_engine.storage import cache_folder, replacing

MARK = b"geo-engine/1\n\0\0\0"
ALIGNMENT = 64
KEPT = 8
"""Files of one kind that stay: the last ones used."""
STALE_S = 3600.0
"""Age from which a temporary file is of a run that was killed."""

Arrays = dict[str, NDArray[Any]]


def cached_arrays(
    kind: str,
    key: str,
    compute: Callable[[], Arrays],
    *,
    fits: Callable[[Arrays], bool] = lambda _: True,
) -> Arrays:
    """Take arrays from the cache, or compute and keep them.

    A file that is absent, damaged, of another key or format, or that does not fit is replaced
    without a word; a folder that cannot be read or written stops nothing.

    Parameters
    ----------
    kind : str
        What it is, for the file's name.
    key : str
        All that the arrays depend on.
    compute : callable
        Computes them.
    fits : callable
        Tells whether arrays from the cache are those that are wanted.

    Returns
    -------
    dict of str to array
        From the cache or fresh, the same.
    """
    path = _path(kind, key)
    found = load_arrays(path, key) if path is not None else None
    if found is not None and fits(found):
        return found
    computed = compute()
    if path is not None:
        with contextlib.suppress(OutputError, OSError):
            save_arrays(path, key, computed)
            _sweep(path.parent, kind)
    return computed


def save_arrays(path: Path, key: str, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write arrays to a file, whole or not at all.

    Parameters
    ----------
    path : Path
        Where the file will stand.
    key : str
        Goes into the file, and is asked for when it is loaded.
    arrays : mapping of str to array
        Numbers, booleans or text; no objects.

    Raises
    ------
    OutputError
        ``NOT_WRITTEN``.
    """
    raw = {name: np.asarray(array, order="C") for name, array in arrays.items()}
    entries, at = [], 0
    for name, array in raw.items():
        entries.append(
            {
                "name": name,
                "dtype": array.dtype.str,
                "shape": array.shape,
                "at": at,
                "crc32": _crc32(array),
            }
        )
        at += -(-array.nbytes // ALIGNMENT) * ALIGNMENT
    header = json.dumps({"key": key, "bytes": at, "arrays": entries}).encode()
    header += b" " * (-(len(MARK) + 8 + len(header)) % ALIGNMENT)
    with replacing(path) as temporary, temporary.open("wb") as file:
        file.write(MARK)
        file.write(len(header).to_bytes(4, "little") + zlib.crc32(header).to_bytes(4, "little"))
        file.write(header)
        for array in raw.values():
            file.write(array.reshape(-1).view(np.uint8).data)
            file.write(bytes(-array.nbytes % ALIGNMENT))


def load_arrays(path: Path, key: str) -> Arrays | None:
    """Read arrays and verify every byte.

    They are read into memory and not mapped: a mapped file that another program truncates would
    end the process, and its small pages make look-ups slower.

    Parameters
    ----------
    path : Path
        From :func:`save_arrays`.
    key : str
        As it was saved.

    Returns
    -------
    dict of str to array, or None
        None when the file is absent, damaged, or of another key or format.
    """
    try:
        with path.open("rb") as file:
            content = np.empty(os.fstat(file.fileno()).st_size, np.uint8)
            if file.readinto(content.data) != len(content):
                return None
        arrays = _parse(content, key)
        os.utime(path)
    except (OSError, ValueError, KeyError, TypeError, MemoryError):
        return None
    return arrays


def _parse(content: NDArray[np.uint8], key: str) -> Arrays:
    """Verify the content of a file, and give its arrays."""
    begin = len(MARK) + 8
    if content[: len(MARK)].tobytes() != MARK:
        raise ValueError("another format")
    size, checksum = content[len(MARK) : begin].view("<u4").tolist()
    header = content[begin : begin + size].tobytes()
    if len(header) != size or zlib.crc32(header) != checksum:
        raise ValueError("damaged header")
    stated = json.loads(header)
    content = content[begin + size :]
    if stated["key"] != key or stated["bytes"] != len(content):
        raise ValueError("another key, or truncated")
    with ThreadPoolExecutor() as pool:
        parts = list(pool.map(lambda entry: _array(content, entry), stated["arrays"]))
    return {entry["name"]: part for entry, part in zip(stated["arrays"], parts, strict=True)}


def _array(content: NDArray[np.uint8], entry: Mapping[str, Any]) -> NDArray[Any]:
    """Give one array of a file, verified."""
    dtype, shape = np.dtype(entry["dtype"]), tuple(entry["shape"])
    count = int(np.prod(shape, dtype=np.int64))
    array = np.frombuffer(content.data, dtype, count, entry["at"]) if count else np.empty(0, dtype)
    if _crc32(array) != entry["crc32"]:
        raise ValueError("damaged array")
    return array.reshape(shape)


def _crc32(array: NDArray[Any]) -> int:
    """Give the checksum of an array's bytes."""
    return zlib.crc32(array.reshape(-1).view(np.uint8).data)


def _path(kind: str, key: str) -> Path | None:
    """Give the file of a key, None when there can be no cache folder."""
    try:
        folder = cache_folder()
    except OSError:
        return None
    return folder / f"{kind}-{hashlib.sha256(key.encode()).hexdigest()[:32]}.arrays"


def _sweep(folder: Path, kind: str) -> None:
    """Remove all but the last used files of a kind, and what killed runs left behind."""
    by_age = sorted(folder.glob(f"{kind}-*.arrays"), key=lambda path: -path.stat().st_mtime)
    old = time.time() - STALE_S
    left = [each for each in folder.glob(f".{kind}-*.tmp-*") if each.stat().st_mtime < old]
    for path in [*by_age[KEPT:], *left]:
        path.unlink(missing_ok=True)
