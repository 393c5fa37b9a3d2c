"""Tax codes and VAT numbers: which are right, which can be repaired, and who they are."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from geo_engine.quality.tax_digits import (
    CHECKSUM,
    COMPANY,
    INVALID,
    MISSING,
    PERSON,
    PERSON_LENGTH,
    REPAIRED,
    UNREAD,
    read_codes,
)
from geo_engine.quality.texts import Texts, text_array, text_buffers

STATES = ("missing", "company", "person", "repaired", "invalid", "checksum")
"""States of a tax code, by number: no code; eleven digits that are right; sixteen characters that
are right (a natural person); eleven digits after a repair; not a code; a wrong check digit."""
REPAIRED_FLAG = "REPAIRED_TAX_CODE"
"""Flag: lost zeros or the form of a number were undone, and the check digit holds."""
REASONS = {INVALID: "CF_INVALID", CHECKSUM: "CF_CHECKSUM"}
"""Why a row is set aside (or flagged), by state."""
DETAILS = {
    INVALID: "The tax code is neither 11 digits nor the 16 characters of a person, also after "
    "lost zeros are put back: export the column as text.",
    CHECKSUM: "The check character of the tax code is wrong: correct the code in the source.",
}
_ABSENT = frozenset(
    [
        "",
        "NA",
        "ND",
        "NC",
        "NN",
        "NAN",
        "NULL",
        "NONE",
        "X",
        "?",
        "ASSENTE",
        "NESSUNO",
        "#NA",
        "#ND",
    ]
)
_DASHES = str.maketrans("", "", "‐‑‒–—−")


@dataclass(frozen=True, kw_only=True)
class TaxCodes:
    """The tax codes of a batch, aligned with its rows."""

    states: NDArray[np.int8]
    """Index among ``STATES``."""
    keys: NDArray[np.uint64]
    """Equal for equal codes however they were written; 0 where there is no code to tell by."""
    characters: NDArray[np.uint8]
    """ASCII, (rows, 16), zeros behind; all zeros where there is no usable code."""

    @property
    def counts(self) -> NDArray[np.int64]:
        """Rows by state: adds up over batches."""
        return np.bincount(self.states, minlength=len(STATES)).astype(np.int64)

    def texts(self) -> pa.LargeStringArray:
        """Write the codes in their one form: "00123456789", "" where there is no usable code."""
        used = self.characters != 0
        offsets = np.zeros(len(used) + 1, np.int64)
        np.cumsum(used.sum(axis=1), out=offsets[1:])
        content = self.characters[used]
        return pa.LargeStringArray.from_buffers(
            len(used), pa.py_buffer(offsets), pa.py_buffer(content)
        )


def check_tax_codes(values: Texts) -> TaxCodes:
    """Check the tax codes of a batch.

    Spaces, hyphens, the prefix IT and small letters do not matter. Lost leading zeros, the decimal
    tail of a number, points between thousands and powers of ten that show every digit are undone
    where the check digit then holds.

    Parameters
    ----------
    values : Array, ChunkedArray or Series
        Tax codes as written; a missing one, "" and words such as "n.d." are no code.

    Returns
    -------
    TaxCodes
        Aligned with ``values``.
    """
    array = text_array(values)
    found = _read(array)
    unread = np.flatnonzero(found.states == UNREAD)
    if len(unread):
        number, distinct = pd.factorize(array.take(pa.array(unread)).to_numpy(zero_copy_only=False))
        plain = [_plain(text) for text in distinct]
        again = _read(text_array(pa.array(plain, pa.large_string())))
        missing = np.array([text == "" for text in plain], bool)
        again.states[~missing & (again.states == UNREAD)] = INVALID
        again.states[missing] = MISSING
        found.states[unread] = again.states[number]
        found.keys[unread] = again.keys[number]
        found.characters[unread] = again.characters[number]
    return found


def tax_code_findings(
    codes: TaxCodes,
) -> tuple[NDArray[np.object_], NDArray[np.object_], NDArray[np.object_]]:
    """Say what follows from the tax code of each row.

    Parameters
    ----------
    codes : TaxCodes
        Of a batch.

    Returns
    -------
    tuple of array
        Reason ("CF_INVALID", "CF_CHECKSUM" or ""), detail, and flag ("REPAIRED_TAX_CODE" or "") of
        each row.
    """
    reason, detail, flag = (np.full(len(STATES), "", object) for _ in range(3))
    for state, name in REASONS.items():
        reason[state], detail[state] = name, DETAILS[state]
    flag[REPAIRED] = REPAIRED_FLAG
    return reason[codes.states], detail[codes.states], flag[codes.states]


def is_person(codes: TaxCodes) -> NDArray[np.bool_]:
    """Tell which rows belong to a natural person: sixteen characters, also with a wrong check.

    Parameters
    ----------
    codes : TaxCodes
        Of a batch.

    Returns
    -------
    ndarray of bool
        True where the code is a person's. A sole trader who gives a VAT number cannot be told.
    """
    long = codes.characters[:, PERSON_LENGTH - 1] != 0
    return np.asarray(long & np.isin(codes.states, (PERSON, CHECKSUM)))


def valid_codes(counts: NDArray[np.int64]) -> int:
    """Add up the rows with a usable code.

    Parameters
    ----------
    counts : ndarray of int64
        Rows by state, as from ``TaxCodes.counts``.

    Returns
    -------
    int
        Companies, persons, and repaired ones.
    """
    return int(counts[[COMPANY, PERSON, REPAIRED]].sum())


def _read(array: pa.LargeStringArray) -> TaxCodes:
    """Read what is written in ASCII."""
    data, offsets = text_buffers(array)
    rows = len(array)
    states = np.zeros(rows, np.int8)
    characters = np.zeros((rows, PERSON_LENGTH), np.uint8)
    keys = np.zeros(rows, np.uint64)
    read_codes(data, offsets, states, characters, keys)
    return TaxCodes(states=states, keys=keys, characters=characters)


def _plain(text: str) -> str:
    """Bring a text to ASCII where that loses nothing; "" for a word that says there is no code."""
    normal = unicodedata.normalize("NFKC", text).translate(_DASHES)
    kept = [char for char in normal if unicodedata.category(char) not in ("Cf", "Cc", "Zs")]
    plain = "".join(kept).upper()
    word = plain.strip("'\"-").replace(".", "").replace("/", "")
    return "" if word in _ABSENT else plain
