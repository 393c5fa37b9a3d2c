"""What a user can cause and fix: one small class for each kind of trouble.

Every error carries a ``code`` in capitals that stays stable between versions, a message that says
what, how many and what to do next, and the exit status of the command line.
"""

from __future__ import annotations


class GeoEngineError(Exception):
    """Base of every error a user can cause and fix.

    Parameters
    ----------
    code : str
        Stable name of the trouble, in capitals (``EMPTY_INPUT``).
    message : str
        What happened, how many times, and what to do next.
    """

    exit_status = 1

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


class StudyError(GeoEngineError):
    """The study file asks for something that does not exist or cannot be done."""

    exit_status = 2


class SourceError(GeoEngineError):
    """An input file cannot be read whole and unchanged."""


class TableError(GeoEngineError):
    """A table breaks its contract: a column, an index or a value range."""


class BoundaryError(GeoEngineError):
    """A boundary layer is missing, damaged, or of another date."""


class ChainError(GeoEngineError):
    """A supply chain or an ATECO code cannot be resolved."""


class StatisticsError(GeoEngineError):
    """A statistic cannot be computed on this input."""


class OutputError(GeoEngineError):
    """A result cannot be written."""
