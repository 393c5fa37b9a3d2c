"""What every command shares: the console, the progress bar, and how an error is told."""

from __future__ import annotations

import sys
import time
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from geo_engine.errors import GeoEngineError

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)


def number(value: float) -> str:
    """Write a whole number as Italians do.

    Parameters
    ----------
    value : float
        A whole number.

    Returns
    -------
    str
        With a point every three digits.

    Examples
    --------
    >>> number(1234567)
    '1.234.567'
    """
    return f"{int(value):,}".replace(",", ".")


def fail(error: GeoEngineError) -> int:
    """Tell an error and give the exit status.

    Parameters
    ----------
    error : GeoEngineError
        What a user can cause and fix.

    Returns
    -------
    int
        1 for refused data, 2 for usage.
    """
    err.print(f"{error.code}: {error.message}", style="bold red", markup=False)
    return error.exit_status


def fail_unexpectedly(error: BaseException) -> int:
    """Tell an error that nobody foresaw, without its trace.

    Parameters
    ----------
    error : BaseException
        Anything else.

    Returns
    -------
    int
        1.
    """
    text = " ".join(str(error).split())[:300]
    err.print(
        f"UNEXPECTED: {type(error).__name__}: {text}. No result was changed. Please report it with "
        "the trace that GEO_ENGINE_DEBUG=1 shows.",
        style="bold red",
        markup=False,
    )
    return 1


class StageBar:
    """A progress bar on the terminal, one line for each stage; plain lines elsewhere."""

    def __init__(self) -> None:
        self._bar = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[records]}"),
            TimeElapsedColumn(),
            console=err,
            transient=False,
            disable=not sys.stderr.isatty(),
        )
        self._task: int | None = None
        self._records = 0
        self._started = time.perf_counter()

    def __enter__(self) -> StageBar:
        """Start drawing."""
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Finish the last stage, and stop drawing."""
        if kind is None:
            self._finish()
        self._bar.stop()

    def stage(self, name: str) -> None:
        """Begin a stage; the one before it is done."""
        self._finish()
        if self._bar.disable:
            err.print(f"{time.perf_counter() - self._started:6.1f} s  {name}", markup=False)
        else:
            self._task = self._bar.add_task(name, total=None, records="")

    def advance(self, records: int) -> None:
        """Show how many records were read."""
        self._records += records
        if self._task is not None:
            self._bar.update(self._task, records=f"{number(self._records)} righe")  # type: ignore[arg-type]

    def _finish(self) -> None:
        """Mark the current stage as done."""
        if self._task is not None:
            self._bar.update(self._task, total=1, completed=1)  # type: ignore[arg-type]
            self._task = None
