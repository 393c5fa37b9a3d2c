"""The one way to touch a file: temporary, sync, lock, replace, checksum; and the cache."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import platformdirs

from geo_engine.errors import OutputError

CHUNK = 1 << 20


def sha256_of(path: Path) -> str:
    """Digest a file.

    Parameters
    ----------
    path : Path
        A readable file.

    Returns
    -------
    str
        SHA-256 in hexadecimal.
    """
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(CHUNK):
            digest.update(block)
    return digest.hexdigest()


def cache_folder() -> Path:
    """Give the folder for things that can be computed again.

    Returns
    -------
    Path
        ``GEO_ENGINE_CACHE`` where set, otherwise the user's cache folder; it exists.
    """
    root = os.environ.get("GEO_ENGINE_CACHE")
    folder = Path(root) if root else Path(platformdirs.user_cache_dir("geo-engine"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


class Delivery:
    """The files of one run, that appear together or not at all.

    Each file is written under a temporary name in the folder where it will stand. ``commit`` syncs
    all of them and renames them one after another; the name added last (the manifest) is renamed
    last. Use it through :func:`deliver`.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._pending: dict[str, Path] = {}

    def path(self, name: str) -> Path:
        """Give the temporary path at which to write the file ``name``.

        Parameters
        ----------
        name : str
            File name inside the folder, without separators.

        Returns
        -------
        Path
            A path in the same folder that does not exist yet.
        """
        if name not in self._pending:
            stem, dot, suffix = name.partition(".")
            self._pending[name] = self.folder / f".{stem}.tmp-{os.getpid()}{dot}{suffix}"
        return self._pending[name]

    def written(self) -> dict[str, Path]:
        """Give the files written so far by their final name."""
        return {name: path for name, path in self._pending.items() if path.exists()}

    def commit(self) -> dict[str, Path]:
        """Sync all files, rename them into place, and sync the folder.

        Returns
        -------
        dict of str to Path
            Final paths by name.
        """
        final = {}
        for path in self._pending.values():
            with path.open("rb+") as file:
                os.fsync(file.fileno())
        for name, path in self._pending.items():
            path.replace(self.folder / name)
            final[name] = self.folder / name
        _sync_folder(self.folder)
        return final

    def discard(self) -> None:
        """Remove every temporary file."""
        for path in self._pending.values():
            for leftover in path.parent.glob(f"{path.name}*"):
                leftover.unlink(missing_ok=True)


@contextlib.contextmanager
def deliver(folder: Path) -> Iterator[Delivery]:
    """Write several files that appear together, or leave the earlier ones whole.

    Parameters
    ----------
    folder : Path
        Where the files will stand; created when absent.

    Yields
    ------
    Delivery
        Asks for temporary paths; the caller calls ``commit`` when all is written.

    Raises
    ------
    OutputError
        ``FOLDER_LOCKED`` when another run writes there; ``NOT_WRITABLE`` when it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / ".geo-engine.lock").open("a+b")
    except OSError as error:
        raise OutputError(
            "NOT_WRITABLE", f"{folder} cannot be written ({error.strerror}). Choose another --out."
        ) from error
    with lock:
        if not _try_lock(lock.fileno()):
            raise OutputError(
                "FOLDER_LOCKED",
                f"Another run is writing {folder}. Wait for it, or choose another --out.",
            )
        for leftover in folder.glob(".*.tmp-*"):
            leftover.unlink(missing_ok=True)
        delivery = Delivery(folder)
        try:
            yield delivery
        finally:
            delivery.discard()


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Write one file whole or not at all.

    Parameters
    ----------
    path : Path
        Where the file will stand; its folder is created when absent.

    Yields
    ------
    Path
        The temporary path to write.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.stem}.tmp-{os.getpid()}{path.suffix}")
    try:
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
        _sync_folder(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def _try_lock(descriptor: int) -> bool:
    """Lock an open file against other processes; False when another holds it."""
    try:
        if os.name == "nt":
            import msvcrt

            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _sync_folder(folder: Path) -> None:
    """Make renames durable, where the system can sync a folder (not on Windows)."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
