"""Looking for a name: as written, in parts, abbreviated, cut, as a hamlet, and almost right."""

from __future__ import annotations

import bisect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from geo_engine.places import names, written
from geo_engine.places.choice import Context
from geo_engine.places.gazetteer import Resolver, Surroundings

LEAST_CUT = 15
"""Letters that a name must have to be the beginning of a longer one."""
LEAST_CUT_ALONE = 20
"""The same where no province is declared."""


@dataclass(frozen=True, kw_only=True)
class Look:
    """Candidates of one look."""

    units: tuple[int, ...]
    penalty: float = 0.0
    """What the look costs in confidence."""
    flags: tuple[str, ...] = ()


def looks(resolver: Resolver, name: str, context: Context) -> Iterator[Look]:
    """Give the candidates of a name, from the surest look to the least sure.

    Parameters
    ----------
    resolver : Resolver
        From ``build_resolver``.
    name : str
        As written.
    context : Context
        What is declared beside it.

    Yields
    ------
    Look
        Never without candidates.
    """
    yield from _seen(resolver.exact.get(names.key(name)))
    yield from _in_languages(resolver, name)
    yield from _seen(resolver.abbreviated.get(names.abbreviated_key(name)), 0.05)
    if context.province or context.region:
        yield from _seen(resolver.loose.get(names.loose_key(name)), 0.05)


def further_looks(resolver: Resolver, name: str, context: Context) -> Iterator[Look]:
    """Give the candidates of a name that is no municipality's as written.

    Parameters
    ----------
    resolver, name, context
        As for :func:`looks`.

    Yields
    ------
    Look
        Of abbreviated, damaged and cut names.
    """
    yield from _abbreviated(resolver, name, context)
    yield from _cut(resolver, name, context)


def is_known(resolver: Resolver, name: str) -> bool:
    """Tell whether a name is that of some municipality of any date.

    Parameters
    ----------
    resolver : Resolver
        From ``build_resolver``.
    name : str
        As written.

    Returns
    -------
    bool
        Such a name is never taken for another one.
    """
    return names.key(name) in resolver.exact or names.abbreviated_key(name) in resolver.abbreviated


def _seen(units: Sequence[int] | None, penalty: float = 0.0, *flags: str) -> Iterator[Look]:
    """Give the candidates of one look, if there are any."""
    if units:
        mark = ("NAME_NORMALIZED",) if penalty else ()
        yield Look(units=tuple(units), penalty=penalty, flags=(*mark, *flags))


def _in_languages(resolver: Resolver, name: str) -> Iterator[Look]:
    """Give the candidates of a name in two languages: what its parts have in common."""
    parts = written.languages(name)
    if len(parts) < 2:
        return
    sets = [
        {
            *resolver.exact.get(names.key(part), ()),
            *resolver.abbreviated.get(names.abbreviated_key(part), ()),
        }
        for part in parts
    ]
    if all(sets):
        common = set.intersection(*(_homes(resolver, each) for each in sets))
        yield from _seen(sorted(i for i in set.union(*sets) if resolver.units[i].home in common))
        return
    for known, part in ((sets[0], parts[1]), (sets[-1], parts[0])):
        begun = [i for i in sorted(known) if _begins(resolver, i, part)]
        yield from _seen(begun, 0.05)


def _homes(resolver: Resolver, units: set[int]) -> set[int]:
    """Give the positions of units that have one."""
    return {resolver.units[i].home for i in units} - {-1}


def _begins(resolver: Resolver, unit: int, part: str) -> bool:
    """Tell whether a part is the beginning of another name of the same municipality."""
    start = names.key(part)
    home = resolver.units[unit].home
    own = resolver.units[home if home >= 0 else unit]
    forms = (f(each) for each in own.writings for f in (names.key, names.spelled_key))
    return len(start) > 2 and any(form.startswith(start) for form in forms)


def _abbreviated(resolver: Resolver, name: str, context: Context) -> Iterator[Look]:
    """Give the candidates of a name with abbreviated words or lost letters."""
    if not (context.province or context.region):
        return
    form = written.pattern(name)
    if form is None:
        return
    found = {
        number
        for near in surroundings(resolver, context)
        for word, number in zip(near.folded, near.folded_units, strict=True)
        if form.fullmatch(word)
    }
    yield from _seen(sorted(found), 0.1)


def surroundings(resolver: Resolver, context: Context) -> list[Surroundings]:
    """Give the names in the declared province, or else in the provinces of the region.

    Parameters
    ----------
    resolver : Resolver
        From ``build_resolver``.
    context : Context
        With province or region.

    Returns
    -------
    list of Surroundings
        Empty without either.
    """
    if context.province:
        provinces = [context.province]
    else:
        pairs = zip(resolver.cod_prov, resolver.cod_reg, strict=True)
        provinces = sorted({province for province, region in pairs if region == context.region})
    return [resolver.around[each] for each in provinces if each in resolver.around]


def _cut(resolver: Resolver, name: str, context: Context) -> Iterator[Look]:
    """Give the candidates that begin as a name does that was cut."""
    has_area = bool(context.province or context.region)
    least = LEAST_CUT if has_area else LEAST_CUT_ALONE
    keys, units = resolver.beginnings
    found: set[int] = set()
    for start in {names.key(name), names.spelled_key(name), names.joined_key(name)}:
        if len(start) < least:
            continue
        i = bisect.bisect_left(keys, start)
        while i < len(keys) and keys[i].startswith(start):
            found.update(units[i])
            i += 1
    kept = [i for i in sorted(found) if _is_around(resolver, i, context)]
    yield from _seen(kept, 0.1, "NAME_CUT")


def _is_around(resolver: Resolver, number: int, context: Context) -> bool:
    """Tell whether a unit is of today's registers, and in the declared province or region."""
    unit = resolver.units[number]
    if context.province:
        return unit.is_recent and context.province in unit.provinces
    regions = {resolver.cod_reg[place] for place, _ in unit.shares}
    return unit.is_recent and (not context.region or context.region in regions)
