"""Codes and names to municipality: certain, or refused with the reason."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geo_engine.places import names
from geo_engine.places.codes import Outcome
from geo_engine.places.fuzzy import suggest
from geo_engine.places.gazetteer import Resolver, build_resolver
from geo_engine.places.reading import read_name

__all__ = [
    "Outcome",
    "Resolved",
    "Resolver",
    "build_resolver",
    "resolve_cadastral_codes",
    "resolve_istat_codes",
    "resolve_names",
    "suggest",
]

NEW_SARDINIAN = frozenset(str(number) for number in range(112, 120))
"""First three digits of the codes that Sardinia's municipalities have since 1 January 2026."""
_CADASTRAL = re.compile(r"[A-Z][0-9]{3}")
_TWO_PARTS = re.compile(r"([0-9]{1,3})[.,]([0-9]{1,3})")


@dataclass(frozen=True, kw_only=True)
class Resolved:
    """Outcomes of a column of keys: each distinct one once."""

    which: NDArray[np.int64]
    """Index of each row's outcome."""
    outcomes: tuple[Outcome, ...]
    """One for each distinct key."""

    @property
    def positions(self) -> NDArray[np.int32]:
        """Position of each row's municipality, -1 when not resolved."""
        return np.array([each.position for each in self.outcomes], np.int32)[self.which]

    @property
    def reasons(self) -> NDArray[np.object_]:
        """Why each row is not resolved, "" when it is."""
        return np.array([each.reason for each in self.outcomes], object)[self.which]


def resolve_istat_codes(resolver: Resolver, codes: Iterable[object]) -> Resolved:
    """Resolve ISTAT codes, also those that lost their zeros or were written as numbers.

    Parameters
    ----------
    resolver : Resolver
        From :func:`build_resolver`.
    codes : iterable
        Text, such as "063049", "63049", "19.041" or " 63049.0".

    Returns
    -------
    Resolved
        Confidence 1.0 as written, 0.98 repaired (flag ``REPAIRED_CODE``), 0.95 a predecessor's
        (flag ``SUCCESSOR``), 0.98 an older number of the same municipality (``RENUMBERED``).
        Reasons: ``MISSING_KEY``, ``NEW_CODE_2026``, ``DISMISSED_COMUNE``, ``AMBIGUOUS_COMUNE``,
        ``UNKNOWN_COMUNE``.
    """
    return _resolve([codes], lambda code: _istat_outcome(resolver, code))


def resolve_cadastral_codes(resolver: Resolver, codes: Iterable[object]) -> Resolved:
    """Resolve cadastral codes in any case.

    Parameters
    ----------
    resolver : Resolver
        From :func:`build_resolver`.
    codes : iterable
        Text, such as "H501".

    Returns
    -------
    Resolved
        Confidence as for ISTAT codes. Reasons: ``MISSING_KEY``, ``FOREIGN`` (codes with Z),
        ``UNKNOWN_COMUNE``.
    """
    return _resolve([codes], lambda code: _cadastral_outcome(resolver, code))


def resolve_names(
    resolver: Resolver,
    municipality: Iterable[object],
    province: Iterable[object] | None = None,
    region: Iterable[object] | None = None,
    postal_code: Iterable[object] | None = None,
) -> Resolved:
    """Resolve names of municipalities, by province and region where names repeat.

    Parameters
    ----------
    resolver : Resolver
        From :func:`build_resolver`.
    municipality : iterable
        Names in any spelling and either language.
    province : iterable, optional
        Sigla, name or code; former ones too.
    region : iterable, optional
        Name or code.
    postal_code : iterable, optional
        Used only to choose among the municipalities of one name.

    Returns
    -------
    Resolved
        Confidence 0.95 with the province (or with the region, where no province is known), 0.9 by
        the name alone or through a former province, 0.85 by a name that ended before 1991 or a
        postal code, 0.8 where only the region agrees (flag ``PROVINCE_DIFFERS``) or by a hamlet
        (``HAMLET``); 0.05 less when abbreviated (``NAME_NORMALIZED``), 0.1 less when cut
        (``NAME_CUT``); at most 0.75 when it is almost the name (``FUZZY``); at most the largest
        share where several are meant (``APPORTIONED``). Reasons: ``MISSING_KEY``, ``FOREIGN``,
        ``AMBIGUOUS_COMUNE``, ``PROVINCE_CONFLICT``, ``DISMISSED_COMUNE``, ``UNKNOWN_COMUNE``.
    """
    columns = [municipality] + [[""] if each is None else each for each in (province, region)]
    found = _resolve(columns, lambda name, prov, reg: read_name(resolver, name, prov, reg))
    if postal_code is None:
        return found
    return _by_postal_code(resolver, found, columns, postal_code)


def _by_postal_code(
    resolver: Resolver,
    found: Resolved,
    columns: Sequence[Iterable[object]],
    postal_code: Iterable[object],
) -> Resolved:
    """Look once more at the ambiguous rows, by their postal code."""
    rows = np.flatnonzero(found.reasons == "AMBIGUOUS_COMUNE")
    if not len(rows):
        return found
    again = _resolve(
        [_rows(each, rows) for each in (*columns, postal_code)],
        lambda name, prov, reg, post: read_name(resolver, name, prov, reg, post),
    )
    which = found.which.copy()
    which[rows] = again.which + len(found.outcomes)
    return Resolved(which=which, outcomes=(*found.outcomes, *again.outcomes))


def _rows(column: Iterable[object], rows: NDArray[np.int64]) -> pd.Series:
    """Take some rows of a column; one without any row stands for an absent column."""
    values = column if isinstance(column, pd.Series) else pd.Series(list(column), dtype=object)
    return values.iloc[rows] if len(values) > 1 or not len(rows) else values.iloc[[0] * len(rows)]


def _resolve(columns: Sequence[Iterable[object]], resolve: Callable[..., Outcome]) -> Resolved:
    """Resolve each distinct row of some columns once; a column of one row holds for all."""
    joint: NDArray[np.int64] = np.zeros(1, np.int64)
    levels = []
    for column in columns:
        values = column if isinstance(column, pd.Series) else pd.Series(list(column), dtype=object)
        number, distinct = pd.factorize(values)
        levels.append([None, *distinct])
        joint = joint * len(levels[-1]) + number + 1
    which, left = pd.factorize(joint)
    fields = []
    for level in reversed(levels):
        left, part = np.divmod(left, len(level))
        text = [names.clean(each) for each in level]
        fields.append([text[i] for i in part])
    rows = zip(*reversed(fields), strict=True)
    return Resolved(which=which, outcomes=tuple(resolve(*row) for row in rows))


def _istat_outcome(resolver: Resolver, code: str) -> Outcome:
    """Resolve one ISTAT code."""
    if not code:
        return Outcome(reason="MISSING_KEY", detail="The ISTAT code is empty.")
    repaired = _six_digits(code)
    found = resolver.istat.get(repaired)
    if found is not None:
        return found if repaired == code else _repaired(found)
    if repaired[:3] in NEW_SARDINIAN:
        return Outcome(
            reason="NEW_CODE_2026",
            detail=f"{repaired}: a code of Sardinia's provinces of 2026. Import ISTAT's list of "
            "municipalities, or give the cadastral code or the name.",
        )
    if repaired not in resolver.later and _is_gap(resolver, repaired):
        return Outcome(
            reason="DISMISSED_COMUNE",
            detail=f"{repaired} is within the numbers of its province and nobody's any more: of an "
            "abolished or renumbered municipality, or a slip. Import the official archive with "
            "`geo-engine codes fetch` or `geo-engine codes import FILE`, or correct the row.",
        )
    return _unknown(resolver, repaired, f"No municipality has the ISTAT code {code}.")


def _is_gap(resolver: Resolver, code: str) -> bool:
    """Tell whether a code was once given, as later numbers of its province are in use."""
    is_code = code.isascii() and code.isdigit() and len(code) == 6
    return is_code and 0 < int(code[3:]) < resolver.highest.get(code[:3], 0)


def _six_digits(code: str) -> str:
    """Write an ISTAT code with six digits; what is no code comes back as it is."""
    compact = code.replace(" ", "")
    whole = re.fullmatch(r"([0-9]{4,6})(?:[.,]0+)?", compact)
    if whole:
        return whole[1].zfill(6)
    parts = _TWO_PARTS.fullmatch(compact)
    if parts:  # "19.041"; as a number 19.41 it has lost the zeros at its end
        return parts[1].zfill(3) + parts[2].ljust(3, "0")
    return code


def _cadastral_outcome(resolver: Resolver, code: str) -> Outcome:
    """Resolve one cadastral code."""
    if not code:
        return Outcome(reason="MISSING_KEY", detail="The cadastral code is empty.")
    repaired = code.upper().replace(" ", "")
    found = resolver.cadastral.get(repaired)
    if found is not None:
        return found if repaired == code.upper() else _repaired(found)
    if _CADASTRAL.fullmatch(repaired) and repaired[0] == "Z":
        return Outcome(reason="FOREIGN", detail=f"{repaired} is the code of a foreign country.")
    return _unknown(resolver, repaired, f"No municipality has the cadastral code {code}.")


def _repaired(found: Outcome) -> Outcome:
    """Mark an outcome whose code was not as written."""
    confidence = min(found.confidence, 0.98)
    return replace(found, confidence=confidence, flags=(*found.flags, "REPAIRED_CODE"))


def _unknown(resolver: Resolver, word: str, message: str) -> Outcome:
    """Refuse a code or name; say so when it only exists after the layer's date."""
    since = resolver.later.get(word)
    if since:
        message = f"{word} exists since {since}: choose a later boundary date."
    return Outcome(reason="UNKNOWN_COMUNE", detail=message)
