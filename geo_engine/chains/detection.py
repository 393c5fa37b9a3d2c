"""Which edition of ATECO a code belongs to: by the codes that only one edition has."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from geo_engine.chains.ateco import INVALID, AtecoCodes, Texts, normalize_ateco
from geo_engine.chains.classification import EDITIONS, check_edition, editions_of, is_homonym
from geo_engine.errors import ChainError

HOMONYM = "ATECO_HOMONYM"
"""Flag: the code means another activity in the other edition and the file does not say which; it
counts only in the chains on which both editions agree."""

NOISE = 0.005
"""Share of rows with codes of the other edition up to which a file counts as of one edition."""


@dataclass(frozen=True, kw_only=True)
class EditionEvidence:
    """Rows of a file by the editions that have their code."""

    only: dict[str, int]
    """Rows whose code exists in that edition alone."""
    both: int
    """Rows whose code exists in both."""
    neither: int
    """Rows without a usable code."""

    @property
    def majority(self) -> str:
        """The edition with more rows of its own; "" when no row tells, or at a tie."""
        old, new = (self.only[edition] for edition in EDITIONS)
        if old == new:
            return ""
        return EDITIONS[0] if old > new else EDITIONS[1]

    @property
    def is_mixed(self) -> bool:
        """Tell whether both editions are present beyond noise."""
        telling = sum(self.only.values())
        return min(self.only.values()) > NOISE * telling


@dataclass(frozen=True, kw_only=True)
class ResolvedCodes:
    """Codes of one column with their editions; the arrays are aligned with the input."""

    codes: Texts
    """Dotted codes, "" where there is none to use."""
    editions: Texts
    """"2007", "2025", or "" where it is undecided or there is no code."""
    flags: Texts
    """As in ``AtecoCodes``, or ``ATECO_HOMONYM``."""
    reasons: Texts
    """Why the row is quarantined, "" when it is not."""
    details: Texts
    """What to do, "" when all is well."""


def weigh_editions(codes: Sequence[str], counts: Sequence[int]) -> EditionEvidence:
    """Count the rows that tell one edition from the other.

    Parameters
    ----------
    codes : sequence of str
        Dotted codes, "" for none.
    counts : sequence of int
        Rows with each code.

    Returns
    -------
    EditionEvidence
        Rows by the editions that have their code.
    """
    only = dict.fromkeys(EDITIONS, 0)
    both = neither = 0
    for code, count in zip(codes, counts, strict=True):
        found = editions_of(code)
        if len(found) == 1:
            only[found[0]] += int(count)
        elif found:
            both += int(count)
        else:
            neither += int(count)
    return EditionEvidence(only=only, both=both, neither=neither)


def _mixed(evidence: EditionEvidence) -> ChainError:
    """Build the error of a file with two editions."""
    old, new = (evidence.only[edition] for edition in EDITIONS)
    return ChainError(
        "ATECO_VERSION_MIXED",
        f"{old:,} rows have codes of ATECO 2007 alone, {new:,} rows codes of ATECO 2025 alone "
        f"({evidence.both:,} rows fit both). Split the file, map a column to "
        'columns.ateco_version, or write ateco_version = "detect" in the source to decide row by '
        "row: a code that means two activities then counts only where both editions agree.",
    )


def _edition_of(code: str, evidence: EditionEvidence) -> str:
    """Decide the edition of one code in a file."""
    found = editions_of(code)
    if len(found) == 1:
        return found[0]
    undecided = not found or (evidence.is_mixed and is_homonym(code))
    return "" if undecided else evidence.majority


def resolve_codes(
    values: Sequence[str | None],
    counts: Sequence[int],
    *,
    edition: str,
    declared: Sequence[str | None] | None = None,
) -> ResolvedCodes:
    """Read the codes of one column and give each its edition.

    Parameters
    ----------
    values : sequence of str or None
        Distinct texts of the whole column (distinct pairs with ``declared``).
    counts : sequence of int
        Rows with each.
    edition : str
        "2007" or "2025" where the source states it; "auto" where it states nothing, so that all
        codes must be of one edition; "detect" where it asks to decide code by code.
    declared : sequence of str or None, optional
        Edition that the row itself states ("2007", "ATECO 2025"); it wins where not empty.

    Returns
    -------
    ResolvedCodes
        Aligned with ``values``.

    Raises
    ------
    ChainError
        ``ATECO_VERSION_MIXED`` when more than ``NOISE`` of the rows have a code that only the
        edition not stated has, or, with "auto", when both editions are there beyond ``NOISE``;
        ``ATECO_EDITION_UNKNOWN`` for an edition that does not exist.
    """
    is_open = edition in ("auto", "detect")
    if not is_open:
        check_edition(edition)
    stated = np.full(len(values), "" if is_open else edition, dtype=object)
    for position, text in enumerate(declared or ()):
        stated[position] = read_edition(text) or stated[position]
    free = normalize_ateco(values, edition="either")
    clean = np.where(free.flags == "", free.codes, "")
    weights = np.asarray(counts, dtype=np.int64)
    _check_stated(clean, weights, stated)
    open_rows = stated == ""
    evidence = weigh_editions(clean[open_rows].tolist(), weights[open_rows].tolist())
    if edition == "auto" and evidence.is_mixed:
        raise _mixed(evidence)
    read = _read_by_edition(values, np.where(open_rows, evidence.majority, stated), open_rows)
    editions = np.where(read.codes == "", "", stated)
    for row in np.flatnonzero(open_rows):
        editions[row] = _edition_of(read.codes[row], evidence)
    undecided = (read.codes != "") & (editions == "")
    homonyms = undecided & np.array([is_homonym(code) for code in read.codes], dtype=bool)
    return ResolvedCodes(
        codes=read.codes,
        editions=editions,
        flags=np.where(homonyms, HOMONYM, read.flags),
        reasons=read.reasons,
        details=read.details,
    )


def read_edition(text: str | None) -> str:
    """Read the edition that a row states.

    Parameters
    ----------
    text : str or None
        "2007", "ATECO 2007 agg. 2022", "2022", "ATECO 2025" or empty.

    Returns
    -------
    str
        "2007", "2025", or "" when empty.

    Raises
    ------
    ChainError
        ``ATECO_EDITION_UNKNOWN`` for anything else.
    """
    words = (text or "").strip()
    if not words:
        return ""
    years = set(re.findall(r"(?:19|20)\d\d", words))
    if years and years <= {"2007", "2022"}:
        return EDITIONS[0]
    if years == {"2025"}:
        return EDITIONS[1]
    raise ChainError(
        "ATECO_EDITION_UNKNOWN",
        f"{words!r} is not an edition of ATECO. Write one of: {', '.join(EDITIONS)}.",
    )


def _check_stated(clean: Texts, weights: npt.NDArray[np.int64], stated: Texts) -> None:
    """Refuse a stated edition that more than noise of its rows contradict."""
    rows = stated != ""
    evidence = weigh_editions(clean[rows].tolist(), weights[rows].tolist())
    usable = sum(evidence.only.values()) + evidence.both
    wrong = sum(
        int(weight)
        for code, weight, own in zip(clean[rows], weights[rows], stated[rows], strict=True)
        if code and own not in editions_of(code)
    )
    if wrong > NOISE * usable:
        raise _mixed(evidence)


def _read_by_edition(
    values: Sequence[str | None], wanted: Texts, open_rows: npt.NDArray[np.bool_]
) -> AtecoCodes:
    """Read each text by its wanted edition; an open one that fits only the other is kept so."""
    free = normalize_ateco(values, edition="either")
    codes, flags, reasons, details = (
        column.copy() for column in (free.codes, free.flags, free.reasons, free.details)
    )
    for edition in EDITIONS:
        if not (wanted == edition).any():
            continue
        read = normalize_ateco(values, edition=edition)
        rows = (wanted == edition) & (~open_rows | (read.flags != INVALID))
        codes[rows], flags[rows] = read.codes[rows], read.flags[rows]
        reasons[rows], details[rows] = read.reasons[rows], read.details[rows]
    return AtecoCodes(codes=codes, flags=flags, reasons=reasons, details=details)
