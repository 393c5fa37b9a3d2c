"""Codes and names to municipality: certain, or refused with the reason."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geo_engine.places import names
from geo_engine.places.gazetteer import Outcome, Resolver, build_resolver

__all__ = [
    "Outcome",
    "Resolved",
    "Resolver",
    "build_resolver",
    "resolve_cadastral_codes",
    "resolve_istat_codes",
    "resolve_names",
]

NEW_SARDINIAN = frozenset(str(number) for number in range(112, 120))
"""First three digits of the codes that Sardinia's municipalities have since 1 January 2026."""
SHOWN_CANDIDATES = 6
_CADASTRAL = re.compile(r"[A-Z][0-9]{3}")
_TWO_PARTS = re.compile(r"([0-9]{1,3})[.,]([0-9]{1,3})")
_WITH_SIGLA = re.compile(r"(.+?)\s*[(\[]\s*([A-Za-z]{2})\s*[)\]]")


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


@dataclass(frozen=True, kw_only=True)
class _Context:
    """What is declared beside a name."""

    province: str = ""
    """cod_prov, "" when none is known."""
    formerly: frozenset[str] = frozenset()
    region: str = ""
    """cod_reg, "" when none is known."""
    is_nan: bool = False
    """The province is "NAN", which once was Napoli's NA or nothing."""
    flags: tuple[str, ...] = ()


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
        (flag ``SUCCESSOR``). Reasons: ``MISSING_KEY``, ``NEW_CODE_2026``, ``UNKNOWN_COMUNE``.
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

    Returns
    -------
    Resolved
        Confidence 0.95 with the province (or with the region, where no province is known), 0.9 by
        the name alone or through a former province, 0.8 where only the region agrees (flag
        ``PROVINCE_DIFFERS``); 0.05 less when abbreviated (flag ``NAME_NORMALIZED``). Reasons:
        ``MISSING_KEY``, ``FOREIGN``, ``AMBIGUOUS_COMUNE``, ``PROVINCE_CONFLICT``,
        ``UNKNOWN_COMUNE``.
    """
    columns = [each for each in (municipality, province, region) if each is not None]
    if province is None:
        return _resolve(columns, lambda name, reg="": _name_outcome(resolver, name, "", reg))
    return _resolve(columns, lambda name, prov, reg="": _name_outcome(resolver, name, prov, reg))


def _resolve(columns: Sequence[Iterable[object]], resolve: Callable[..., Outcome]) -> Resolved:
    """Resolve each distinct row of some columns once."""
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
        fields.append([names.clean(level[i]) for i in part])
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
    return _unknown(resolver, repaired, f"No municipality has the ISTAT code {code}.")


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


def _name_outcome(resolver: Resolver, name: str, province: str, region: str) -> Outcome:
    """Resolve one name with its province and region."""
    inside = _WITH_SIGLA.fullmatch(name)
    if inside and names.key(inside[2]) in resolver.provinces:
        name, province = inside[1], province or inside[2]
    abroad = names.foreign_keys()
    if names.key(province) in abroad or names.key(region) in abroad:
        return Outcome(reason="FOREIGN", detail=f"{name or 'The seat'} is declared abroad.")
    if not name:
        return Outcome(reason="MISSING_KEY", detail="The name of the municipality is empty.")
    return _resolve_name(resolver, name, _context(resolver, province, region))


def _resolve_name(resolver: Resolver, name: str, context: _Context) -> Outcome:
    """Resolve one name that is given, and not declared abroad."""
    if names.key(name) in names.null_keys() and not (context.province or context.region):
        return _unknown(resolver, "", f"{name} may be a missing value: give the province.")
    failure = None
    for positions, penalty in _looks(resolver, name, context):
        outcome = _choose(resolver, name, positions, context)
        if not outcome.reason:
            return _mark(resolver, name, outcome, penalty)
        failure = failure or outcome
    if failure:
        return failure
    if names.key(name) in names.foreign_keys():
        return Outcome(reason="FOREIGN", detail=f"{name} is abroad.")
    return _unknown(
        resolver, names.key(name), f"No municipality is called {name}: it may be a hamlet or gone."
    )


def _looks(
    resolver: Resolver, name: str, context: _Context
) -> Iterator[tuple[tuple[int, ...], float]]:
    """Give the candidates of a name at each look, with what the look costs in confidence."""
    yield from _seen(resolver.exact.get(names.key(name)), 0.0)
    yield from _looks_at_parts(resolver, name)
    yield from _seen(resolver.abbreviated.get(names.abbreviated_key(name)), 0.05)
    if context.province or context.region:
        yield from _seen(resolver.loose.get(names.loose_key(name)), 0.05)


def _seen(
    positions: tuple[int, ...] | None, penalty: float
) -> Iterator[tuple[tuple[int, ...], float]]:
    """Give the candidates of one look, if there are any."""
    if positions:
        yield positions, penalty


def _looks_at_parts(resolver: Resolver, name: str) -> Iterator[tuple[tuple[int, ...], float]]:
    """Give the candidates of a name in two languages: what its parts have in common."""
    parts = [part for part in re.split(r"\s*/\s*|\s+-\s+", name) if names.key(part)]
    sets = [set(resolver.exact.get(names.key(part), ())) for part in parts]
    known = [each for each in sets if each]
    if len(parts) < 2 or not known:
        return
    common = tuple(sorted(set.intersection(*known)))
    if len(known) == len(parts):
        yield from _seen(common, 0.0)
    elif "/" in name:  # after a hyphen may stand a hamlet or another city
        yield from _seen(common, 0.05)


def _mark(resolver: Resolver, name: str, outcome: Outcome, penalty: float) -> Outcome:
    """Add to a resolved name what is to be known about it."""
    flags = list(outcome.flags)
    if penalty:
        flags.append("NAME_NORMALIZED")
    if (names.key(name), outcome.position) in resolver.absorbed:
        flags.append("SUCCESSOR")
    return replace(outcome, flags=tuple(flags), confidence=round(outcome.confidence - penalty, 2))


def _context(resolver: Resolver, province: str, region: str) -> _Context:
    """Read what is declared beside a name."""
    code = _province_code(resolver, province)
    is_nan = names.key(province) == "NAN"
    return _Context(
        province=code,
        formerly=resolver.formerly.get(code, frozenset()),
        region=resolver.regions.get(names.key(region), ""),
        is_nan=is_nan,
        flags=("PROVINCE_UNKNOWN",) if province and not code and not is_nan else (),
    )


def _province_code(resolver: Resolver, province: str) -> str:
    """Give the code of a province, "" when it is not known."""
    found = resolver.provinces.get(names.key(province))
    if found:
        return found
    folded = names.fold(province)
    for prefix in names.vocabulary()["province_words"]["prefixes"]:
        if folded.startswith(f"{prefix} "):
            return resolver.provinces.get(folded[len(prefix) :].replace(" ", ""), "")
    if folded.isdigit():
        return resolver.provinces.get(folded.zfill(3), "")
    return ""


def _choose(
    resolver: Resolver, name: str, positions: tuple[int, ...], context: _Context
) -> Outcome:
    """Choose among the municipalities of one name, or say why not."""
    if context.province:
        return _choose_by_province(resolver, name, positions, context)
    in_region = [p for p in positions if resolver.cod_reg[p] == context.region]
    if context.region and not in_region:
        return _conflict(resolver, name, positions, "region")
    left = _as_spelled(resolver, name, in_region or list(positions))
    if context.is_nan:
        naples = [p for p in left if resolver.cod_prov[p] == resolver.provinces.get("NA")]
        if len(naples) == 1:
            return Outcome(position=naples[0], confidence=0.9, flags=("PROVINCE_RESTORED",))
    if len(left) == 1:
        confidence = 0.95 if in_region else 0.9
        return Outcome(position=left[0], confidence=confidence, flags=context.flags)
    return _ambiguous(resolver, name, left)


def _choose_by_province(
    resolver: Resolver, name: str, positions: tuple[int, ...], context: _Context
) -> Outcome:
    """Choose among the municipalities of one name by the declared province."""
    own = [p for p in positions if resolver.cod_prov[p] == context.province]
    left = _as_spelled(resolver, name, own)
    if len(left) == 1:
        return Outcome(position=left[0], confidence=0.95)
    if left:
        return _ambiguous(resolver, name, left)
    heirs = [p for p in positions if resolver.cod_prov[p] in context.formerly]
    if len(heirs) == 1:
        return Outcome(position=heirs[0], confidence=0.9, flags=("FORMER_PROVINCE",))
    in_region = [p for p in positions if resolver.cod_reg[p] == context.region]
    if len(in_region) == 1:
        return Outcome(position=in_region[0], confidence=0.8, flags=("PROVINCE_DIFFERS",))
    return _conflict(resolver, name, positions, "province")


def _as_spelled(resolver: Resolver, name: str, positions: list[int]) -> list[int]:
    """Prefer the one municipality spelled with the same spaces or accents, where it tells."""
    if len(positions) < 2:
        return positions
    forms = [names.fold(name)]
    if not name.isascii() or "'" in name:  # without any accent "Paterno" may be Paternò
        forms.append(names.accented_key(name))
    for form in forms:
        same = [p for p in positions if form in resolver.spellings[p]]
        if len(same) == 1:
            return same
    return positions


def _ambiguous(resolver: Resolver, name: str, positions: Sequence[int]) -> Outcome:
    """Refuse a name of several municipalities."""
    return Outcome(
        reason="AMBIGUOUS_COMUNE",
        detail=f"{name} may be {_candidates(resolver, positions)}: give the province.",
    )


def _conflict(resolver: Resolver, name: str, positions: Sequence[int], what: str) -> Outcome:
    """Refuse a name that is not in the declared province or region."""
    return Outcome(
        reason="PROVINCE_CONFLICT",
        detail=f"{name} is not in the declared {what} but is {_candidates(resolver, positions)}: "
        "correct one of the two.",
    )


def _candidates(resolver: Resolver, positions: Sequence[int]) -> str:
    """List municipalities for a message."""
    shown = [resolver.labels[p] for p in positions[:SHOWN_CANDIDATES]]
    more = len(positions) - len(shown)
    return " or ".join(shown) + (f" or {more} more" if more else "")
