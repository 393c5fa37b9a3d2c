"""The distinct ATECO codes of all batches, and lists of secondary ones, read as whole columns."""

from __future__ import annotations

import numpy as np
import pandas as pd

from geo_engine.chains.detection import resolve_codes
from geo_engine.chains.secondary import SecondaryCodes, read_lists
from geo_engine.study import FirmSource

_Key = tuple[int, str, str]
"""Source, text, and edition as the row states it."""


class AtecoColumns:
    """Numbers texts as they come, and reads them when all are known."""

    def __init__(self, sources: tuple[FirmSource, ...]) -> None:
        self._sources = sources
        self._codes: dict[_Key, int] = {}
        self._lists: dict[_Key, int] = {}

    def codes(self, source: int, texts: np.ndarray, versions: np.ndarray) -> np.ndarray:
        """Give the code of each row of a batch its number.

        Parameters
        ----------
        source : int
            Position of the source.
        texts, versions : ndarray of object
            Code and edition of each row, as written.

        Returns
        -------
        ndarray of int32
            Positions in the table of :meth:`read_codes`.
        """
        return _numbered(self._codes, source, texts, versions)

    def lists(self, source: int, texts: np.ndarray, versions: np.ndarray) -> np.ndarray:
        """Give the list of secondary codes of each row of a batch its number.

        Parameters
        ----------
        source : int
            Position of the source.
        texts, versions : ndarray of object
            Secondary codes and edition of each row, as written.

        Returns
        -------
        ndarray of int32
            Positions in the lists of :meth:`read_lists`, -1 without secondary codes.
        """
        found = np.full(len(texts), -1, dtype=np.int32)
        filled = np.flatnonzero(texts != "")
        found[filled] = _numbered(self._lists, source, texts[filled], versions[filled])
        return found

    def read_codes(self, numbers: np.ndarray) -> pd.DataFrame:
        """Read every distinct code, each source as one column.

        Parameters
        ----------
        numbers : ndarray of int
            Codes of the placed rows.

        Returns
        -------
        DataFrame
            ``Intake.ateco``.
        """
        ateco = _table(self._codes, numbers)
        parts = []
        for position, own in ateco.groupby("source", sort=True):
            read = resolve_codes(
                own["text"].tolist(),
                own["rows"].tolist(),
                edition=self._sources[int(position)].ateco_version,
                declared=own["version"].tolist(),
            )
            columns = {
                "code": read.codes,
                "edition": read.editions,
                "flag": read.flags,
                "reason": read.reasons,
                "detail": read.details,
            }
            parts.append(pd.DataFrame(columns, index=own.index))
        return ateco.join(pd.concat(parts).sort_index())

    def read_lists(self, numbers: np.ndarray, ateco: pd.DataFrame) -> SecondaryCodes:
        """Read every distinct list of secondary codes.

        Parameters
        ----------
        numbers : ndarray of int
            Lists of the placed rows, -1 for none.
        ateco : DataFrame
            Of :meth:`read_codes`: where a source leaves its edition open, its secondary codes are
            of the edition of its primary ones.

        Returns
        -------
        SecondaryCodes
            In the order of the numbers.
        """
        return read_lists(
            _table(self._lists, numbers[numbers >= 0]),
            {
                position: _edition(source, ateco[ateco["source"] == position])
                for position, source in enumerate(self._sources)
            },
            separators=[source.secondary_separator for source in self._sources],
        )


def _numbered(
    known: dict[_Key, int], source: int, texts: np.ndarray, versions: np.ndarray
) -> np.ndarray:
    """Give the distinct texts of a batch numbers, after those already known."""
    if not len(texts):
        return np.zeros(0, dtype=np.int32)
    which, distinct = pd.factorize(pd.MultiIndex.from_arrays([texts, versions]))
    numbers = [known.setdefault((source, str(key[0]), str(key[1])), len(known)) for key in distinct]
    return np.array(numbers, dtype=np.int32)[which]


def _table(known: dict[_Key, int], numbers: np.ndarray) -> pd.DataFrame:
    """List distinct texts with the rows that have them."""
    table = pd.DataFrame(list(known), columns=["source", "text", "version"])
    table["rows"] = np.bincount(numbers, minlength=len(table))
    return table


def _edition(source: FirmSource, ateco: pd.DataFrame) -> str:
    """Give the edition of a source's secondary codes: stated, or the only one of its codes."""
    if source.ateco_version != "auto":
        return source.ateco_version
    found = set(ateco.loc[ateco["edition"] != "", "edition"])
    return found.pop() if len(found) == 1 else "detect"
