"""The one way to touch a file: temporary, sync, lock, replace, checksum; and the cache."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import signal
import threading
from collections.abc import Iterable, Iterator
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

    def commit(self, *, remove: Iterable[str] = ()) -> dict[str, Path]:
        """Sync all files, rename them into place, and sync the folder.

        Parameters
        ----------
        remove : iterable of str
            Files of earlier runs that must not stand beside these.

        Returns
        -------
        dict of str to Path
            Final paths by name.

        Raises
        ------
        OutputError
            ``NOT_WRITTEN`` when a file cannot be synced or take its place.
        """
        for name, path in self._pending.items():
            with output_errors(name), path.open("rb+") as file:
                os.fsync(file.fileno())
        final = {}
        with _uninterrupted():
            for name, path in self._pending.items():
                with output_errors(name):
                    path.replace(self.folder / name)
                final[name] = self.folder / name
            for name in remove:
                with output_errors(name):
                    (self.folder / name).unlink(missing_ok=True)
            _sync_folder(self.folder)
        return final

    def discard(self) -> None:
        """Remove every temporary file."""
        for path in self._pending.values():
            for leftover in path.parent.glob(f"{path.name}*"):
                _remove(leftover)


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
        for leftover in folder.glob(".*.tmp-*"):  # of a run that was killed
            _remove(leftover)
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

    Raises
    ------
    OutputError
        ``NOT_WRITTEN`` when it cannot be written.
    """
    own = f"{os.getpid()}-{threading.get_ident()}"  # several threads may write the same file
    temporary = path.with_name(f".{path.stem}.tmp-{own}{path.suffix}")
    with output_errors(str(path)):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield temporary
            with temporary.open("rb+") as file:
                os.fsync(file.fileno())
            temporary.replace(path)
            _sync_folder(path.parent)
        finally:
            temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def output_errors(name: str) -> Iterator[None]:
    """Turn what the system says when a file cannot be written into an error with a name.

    Parameters
    ----------
    name : str
        The file, for the message.

    Yields
    ------
    None

    Raises
    ------
    OutputError
        ``NOT_WRITTEN``.
    """
    try:
        yield
    except OSError as error:
        raise OutputError(
            "NOT_WRITTEN",
            f"{name} cannot be written ({error.strerror or error}). Free some space, close the "
            "file where it is open, or choose another --out; earlier results are as they were.",
        ) from error


def _remove(path: Path) -> None:
    """Remove a temporary file or folder."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


@contextlib.contextmanager
def _uninterrupted() -> Iterator[None]:
    """Hold back Ctrl-C and termination while files that belong together take their names."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []
    before = {
        number: signal.signal(number, lambda number, _: came.append(number))
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield
    finally:
        for held, handler in before.items():
            signal.signal(held, signal.SIG_DFL if handler is None else handler)
        if came:
            signal.raise_signal(came[0])


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
