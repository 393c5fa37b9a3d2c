"""Choosing among the municipalities of one name by what is declared beside it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from geo_engine.places import names
from geo_engine.places.areas import postal_provinces, province_code, region_code
from geo_engine.places.codes import Outcome, place_shares
from geo_engine.places.gazetteer import Resolver
from geo_engine.places.units import Shares

SHOWN_CANDIDATES = 6
SURE, LIKELY, OLD, CONFIRMED = 0.95, 0.9, 0.85, 0.8


@dataclass(frozen=True, kw_only=True)
class Context:
    """What is declared beside a name."""

    province: str = ""
    """cod_prov, "" when none is known."""
    region: str = ""
    """cod_reg, "" when none is known."""
    postal: frozenset[str] = frozenset()
    """cod_prov in which the postal code may lie; empty without any."""
    is_nan: bool = False
    """The province is "NAN", which once was Napoli's NA or nothing."""
    flags: tuple[str, ...] = ()


def read_context(resolver: Resolver, province: str, region: str, postal_code: str = "") -> Context:
    """Read what is declared beside a name.

    Parameters
    ----------
    resolver : Resolver
        From ``build_resolver``.
    province, region, postal_code : str
        As written, "" for none.

    Returns
    -------
    Context
        With ``PROVINCE_UNKNOWN`` where the province is none of the layer's.
    """
    areas = resolver.areas
    code = province_code(areas, province) if province else ""
    is_nan = names.key(province) == "NAN"
    return Context(
        province=code,
        region=region_code(areas, region) if region else "",
        postal=postal_provinces(areas, postal_code) if postal_code else frozenset(),
        is_nan=is_nan,
        flags=("PROVINCE_UNKNOWN",) if province and not code and not is_nan else (),
    )


def choose(resolver: Resolver, name: str, candidates: Sequence[int], context: Context) -> Outcome:
    """Choose among the municipalities of one name, or say why not.

    Parameters
    ----------
    resolver : Resolver
        From ``build_resolver``.
    name : str
        As written.
    candidates : sequence of int
        Units of that name.
    context : Context
        What is declared beside it.

    Returns
    -------
    Outcome
        Reasons: ``AMBIGUOUS_COMUNE``, ``PROVINCE_CONFLICT``, ``DISMISSED_COMUNE``,
        ``UNKNOWN_COMUNE``.
    """
    if context.province:
        return _by_province(resolver, name, candidates, context)
    in_region = [c for c in candidates if context.region in _regions(resolver, c)]
    if context.region and not in_region:
        return _conflict(resolver, name, candidates, "region")
    own = _besides_layer(resolver, in_region or list(candidates))
    if not any(resolver.units[c].shares for c in own):
        latest = max(own, key=lambda c: resolver.units[c].valid_to)
        return Outcome(reason="DISMISSED_COMUNE", detail=resolver.units[latest].refusal)
    if not any(resolver.units[c].is_recent or resolver.units[c].is_same for c in own):
        return ambiguous(resolver, name, own)  # gone before 1991: only with its province
    if context.is_nan:
        naples = [c for c in own if resolver.areas.sigle.get("NA") in resolver.units[c].provinces]
        left = _meant(resolver, _as_spelled(resolver, name, own))
        if len(left) != 1 and naples:
            found = _settle(resolver, name, naples, context, LIKELY)
            return found if found.reason else replace(found, flags=("PROVINCE_RESTORED",))
        if len(left) == 1 and left[0] in naples:
            return replace(
                _settle(resolver, name, left, context, LIKELY), flags=("PROVINCE_RESTORED",)
            )
    return _settle(resolver, name, own, context, SURE if in_region else LIKELY)


def _by_province(
    resolver: Resolver, name: str, candidates: Sequence[int], context: Context
) -> Outcome:
    """Choose among the municipalities of one name by the declared province."""
    units = resolver.units
    own = [c for c in candidates if context.province in units[c].provinces]
    of_layer = [c for c in own if units[c].is_layer]
    if of_layer:
        return _settle(resolver, name, of_layer, context, SURE)
    recent = [c for c in own if units[c].is_recent]
    if recent:
        return _settle(resolver, name, _latest(resolver, recent), context, SURE)
    moved = [
        c
        for c in candidates
        if units[c].is_layer and context.province in units[c].once and not resolver.has_dates
    ]
    if len(moved) == 1:
        return place_shares(units[moved[0]].shares, LIKELY, ("FORMER_PROVINCE",))
    if own:
        return _old(resolver, name, own, candidates, context)
    in_region = [
        c for c in candidates if context.region in _regions(resolver, c) and units[c].is_recent
    ]
    if len(_meant(resolver, in_region)) == 1 and units[in_region[0]].shares:
        return place_shares(units[in_region[0]].shares, CONFIRMED, ("PROVINCE_DIFFERS",))
    return _conflict(resolver, name, candidates, "province")


def _old(
    resolver: Resolver,
    name: str,
    own: Sequence[int],
    candidates: Sequence[int],
    context: Context,
) -> Outcome:
    """Choose a name that ended before 1991, only where nothing else can be meant."""
    units = resolver.units
    homes = {units[c].home for c in own}
    rivals = [c for c in candidates if units[c].is_recent and units[c].home not in homes]
    here = [c for c in own if context.province == _province(resolver, c)]
    is_certain = len(homes) == 1 and (bool(here) or not rivals)
    if is_certain and not _begins_another(resolver, name, context.province, homes):
        return _settle(resolver, name, own, context, OLD)
    if rivals:
        return _conflict(resolver, name, rivals, "province")
    if len(homes) > 1 or is_certain:
        return ambiguous(resolver, name, own)
    return _settle(resolver, name, own, context, OLD)


def _province(resolver: Resolver, unit: int) -> str:
    """Give the province of today's municipality."""
    home = resolver.units[unit].home
    return resolver.cod_prov[home] if home >= 0 else ""


def _begins_another(resolver: Resolver, name: str, province: str, homes: set[int]) -> bool:
    """Tell whether a name may be short for another of the province (Villanova Mondovì)."""
    start = f"{names.fold(name)} "
    near = resolver.around.get(province)
    return near is not None and any(
        word.startswith(start) and resolver.units[i].home not in homes
        for word, i in zip(near.folded, near.folded_units, strict=True)
    )


def _settle(
    resolver: Resolver, name: str, left: Sequence[int], context: Context, confidence: float
) -> Outcome:
    """Place what is left if it is one municipality."""
    units = resolver.units
    left = _without_old(resolver, left)
    left = _meant(resolver, _as_spelled(resolver, name, left))
    flags = list(context.flags)
    if len(left) > 1 and context.postal:
        by_post = [c for c in left if units[c].provinces & context.postal]
        if len(by_post) == 1:
            left, flags, confidence = by_post, [*flags, "POSTAL_CODE"], min(confidence, OLD)
    if len(left) > 1:
        return ambiguous(resolver, name, left)
    unit = units[left[0]]
    if not unit.shares:
        return Outcome(reason="DISMISSED_COMUNE", detail=unit.refusal)
    if unit.is_layer:
        return place_shares(unit.shares, confidence, flags)
    return _of_other_date(resolver, left[0], context, confidence, flags)


def _of_other_date(
    resolver: Resolver, number: int, context: Context, confidence: float, flags: list[str]
) -> Outcome:
    """Place a municipality of another date, and say so."""
    unit = resolver.units[number]
    if not unit.is_same:
        flags.append("SUCCESSOR")
    if context.province and _province(resolver, number) != context.province:
        flags.append("FORMER_PROVINCE")
        confidence = min(confidence, LIKELY)
    if not unit.is_recent:
        flags.append("OLD_NAME")
        confidence = min(confidence, OLD)
    return place_shares(unit.shares, confidence, flags)


def _besides_layer(resolver: Resolver, left: Sequence[int]) -> list[int]:
    """Leave out past units in whose province the layer has one of that name (Bellagio)."""
    units = resolver.units
    own = {e for c in left if units[c].is_layer for e in units[c].provinces | units[c].once}
    return [c for c in left if units[c].is_layer or not own & units[c].provinces]


def _without_old(resolver: Resolver, left: Sequence[int]) -> list[int]:
    """Leave out names that ended before 1991, where newer ones are the same."""
    recent = [c for c in left if resolver.units[c].is_recent]
    return recent or list(left)


def _latest(resolver: Resolver, left: Sequence[int]) -> list[int]:
    """Keep the last of several municipalities that had one name after each other."""
    last = max(resolver.units[c].valid_to for c in left)
    return [c for c in left if resolver.units[c].valid_to == last]


def _meant(resolver: Resolver, left: Iterable[int]) -> list[int]:
    """Keep one unit of each meaning, those of the layer first."""
    found: dict[Shares | str, int] = {}
    for c in left:
        unit = resolver.units[c]
        found.setdefault(unit.shares or unit.label, c)
    return list(found.values())


def _regions(resolver: Resolver, unit: int) -> set[str]:
    """Give the regions of the municipalities that a unit is today."""
    return {resolver.cod_reg[place] for place, _ in resolver.units[unit].shares}


def _as_spelled(resolver: Resolver, name: str, left: Sequence[int]) -> Sequence[int]:
    """Prefer the one municipality spelled with the same spaces or accents, where it tells."""
    if len(left) < 2:
        return left
    forms = [names.fold(name)]
    if not name.isascii() or "'" in name:  # without any accent "Paterno" may be Paternò
        forms.append(names.accented_key(name))
    for form in forms:
        same = [c for c in left if form in resolver.units[c].spellings]
        if len(_meant(resolver, same)) == 1:
            return same
    return left


def ambiguous(resolver: Resolver, name: str, left: Sequence[int]) -> Outcome:
    """Refuse a name of several municipalities.

    Parameters
    ----------
    resolver : Resolver
        From ``build_resolver``.
    name : str
        As written.
    left : sequence of int
        Units that may be meant.

    Returns
    -------
    Outcome
        ``AMBIGUOUS_COMUNE`` with the candidates.
    """
    return Outcome(
        reason="AMBIGUOUS_COMUNE",
        detail=f"{name} may be {_candidates(resolver, left)}: give the province.",
    )


def _conflict(resolver: Resolver, name: str, left: Sequence[int], what: str) -> Outcome:
    """Refuse a name that is not in the declared province or region."""
    recent = _without_old(resolver, left)
    unit = resolver.units[recent[0]]
    if len(recent) == 1 and not unit.shares:
        return Outcome(reason="DISMISSED_COMUNE", detail=unit.refusal)
    return Outcome(
        reason="PROVINCE_CONFLICT",
        detail=f"{name} is not in the declared {what} but is {_candidates(resolver, recent)}: "
        "correct one of the two.",
    )


def _candidates(resolver: Resolver, left: Sequence[int]) -> str:
    """List municipalities for a message."""
    meant = _meant(resolver, left)
    shown = [resolver.units[c].label for c in meant[:SHOWN_CANDIDATES]]
    more = len(meant) - len(shown)
    return " or ".join(shown) + (f" or {more} more" if more else "")
