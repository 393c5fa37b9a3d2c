"""Reads the secondary ATECO codes of firms: several in one text."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from geo_engine.chains.detection import resolve_codes

_HARD = re.compile(r"[;|\n\r\t]+")
_SOFT = re.compile(r"[,/\s]+")
_TOKEN = re.compile(r"^[A-V]?(?:\d\.?){3,}$", re.IGNORECASE)
"""A word between commas, slashes or blanks that is a code of its own: three figures or more."""
TABLE_COLUMNS = ("text", "rows", "code", "edition", "flag", "detail")
"""Columns of ``SecondaryCodes.table``."""


@dataclass(frozen=True, kw_only=True)
class SecondaryCodes:
    """Lists of codes: those of list i are ``codes[first[i] : first[i + 1]]``."""

    first: npt.NDArray[np.int64]
    """Shape (lists + 1,)."""
    codes: npt.NDArray[np.int32]
    """Positions in ``table``; in a list each once, unusable ones left out."""
    table: pd.DataFrame
    """``TABLE_COLUMNS``: each distinct code as written, the rows whose list holds it, and as read:
    code ("" where unusable), edition, flag and what to do."""

    @property
    def unusable_rows(self) -> int:
        """Count mentions of codes that cannot be used: their firms keep their other codes."""
        return int(self.table.loc[self.table["code"] == "", "rows"].sum())


def split_codes(text: str | None, separator: str = "") -> tuple[str, ...]:
    """Split a text of several codes.

    Semicolons, bars, tabs and line ends always separate. Commas, slashes and blanks do where every
    word between them has at least three figures, so that "62,01,00" and "62 01 00" stay one code.

    Parameters
    ----------
    text : str or None
        "62.01.00; 63.11.1", "620100,631110", or empty.
    separator : str
        What alone separates, where it is stated.

    Returns
    -------
    tuple of str
        The codes as written, in their order, each once.

    Examples
    --------
    >>> split_codes("62.01.00; 63.11.1|62.01.00")
    ('62.01.00', '63.11.1')
    >>> split_codes("62,01,00")
    ('62,01,00',)
    """
    found: dict[str, None] = {}
    if separator:
        return tuple(dict.fromkeys(filter(None, map(str.strip, (text or "").split(separator)))))
    for part in map(str.strip, _HARD.split(text or "")):
        words = [word for word in _SOFT.split(part) if word] if _SOFT.search(part) else []
        if len(words) > 1 and all(map(_TOKEN.match, words)):
            found.update(dict.fromkeys(words))
        elif part:
            found[part] = None
    return tuple(found)


def read_secondary(
    texts: Sequence[str | None],
    counts: Sequence[int],
    *,
    edition: str,
    declared: Sequence[str | None] | None = None,
    separator: str = "",
) -> SecondaryCodes:
    """Read the distinct lists of secondary codes of one source.

    Parameters
    ----------
    texts : sequence of str or None
        Distinct lists as written (distinct pairs with ``declared``).
    counts : sequence of int
        Rows with each.
    edition : str
        As for :func:`geo_engine.chains.detection.resolve_codes`.
    declared : sequence of str or None, optional
        Edition that the row itself states.
    separator : str
        As for :func:`split_codes`.

    Returns
    -------
    SecondaryCodes
        Aligned with ``texts``. A code that cannot be read never sets its row aside: it is left out
        of the list, and stands in the table with its flag.

    Raises
    ------
    ChainError
        Those of :func:`geo_engine.chains.detection.resolve_codes`.
    """
    stated = ["" for _ in texts] if declared is None else [text or "" for text in declared]
    lists = [
        [(code, own) for code in split_codes(text, separator)]
        for text, own in zip(texts, stated, strict=True)
    ]
    rows: dict[tuple[str, str], int] = {}
    for pairs, count in zip(lists, counts, strict=True):
        for pair in pairs:
            rows[pair] = rows.get(pair, 0) + int(count)
    read = resolve_codes(
        [text for text, _ in rows],
        list(rows.values()),
        edition=edition,
        declared=[own for _, own in rows],
    )
    table = pd.DataFrame(
        {
            "text": [text for text, _ in rows],
            "rows": list(rows.values()),
            "code": read.codes,
            "edition": read.editions,
            "flag": np.where(read.reasons == "", read.flags, read.reasons),
            "detail": read.details,
        },
        columns=list(TABLE_COLUMNS),
    )
    position = {pair: at for at, pair in enumerate(rows)}
    kept = [[position[pair] for pair in pairs if read.codes[position[pair]]] for pairs in lists]
    return SecondaryCodes(
        first=np.cumsum([0, *map(len, kept)]).astype(np.int64),
        codes=np.array([at for own in kept for at in own], dtype=np.int32),
        table=table,
    )


def read_lists(
    lists: pd.DataFrame, editions: Mapping[int, str], *, separators: Sequence[str] = ()
) -> SecondaryCodes:
    """Read the distinct lists of secondary codes of several sources, each as one column.

    Parameters
    ----------
    lists : DataFrame
        ``source`` (int), ``text``, ``version`` (as the row states it) and ``rows`` of each list.
    editions : mapping of int to str
        Edition by source, as for :func:`read_secondary`.
    separators : sequence of str
        By source, as for :func:`split_codes`; none where they tell themselves.

    Returns
    -------
    SecondaryCodes
        Aligned with ``lists``.

    Raises
    ------
    ChainError
        Those of :func:`read_secondary`.
    """
    codes: list[npt.NDArray[np.int32]] = [np.zeros(0, dtype=np.int32)] * len(lists)
    tables: list[pd.DataFrame] = []
    for source, own in lists.groupby("source", sort=True):
        read = read_secondary(
            own["text"].tolist(),
            own["rows"].tolist(),
            edition=editions[int(source)],
            declared=own["version"].tolist(),
            separator=separators[int(source)] if separators else "",
        )
        start = np.int32(sum(map(len, tables)))
        for at, part in zip(
            lists.index.get_indexer(own.index),
            np.split(read.codes, read.first[1:-1]),
            strict=True,
        ):
            codes[at] = part + start
        tables.append(read.table)
    return SecondaryCodes(
        first=np.cumsum([0, *map(len, codes)]).astype(np.int64),
        codes=np.concatenate([np.zeros(0, dtype=np.int32), *codes]),
        table=pd.concat(tables, ignore_index=True)
        if tables
        else pd.DataFrame(columns=list(TABLE_COLUMNS)),
    )
