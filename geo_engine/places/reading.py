"""One name with what is declared beside it, read step by step until something is certain."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

from geo_engine.places import names, written
from geo_engine.places.areas import province_code
from geo_engine.places.choice import CONFIRMED, Context, choose, read_context
from geo_engine.places.codes import Outcome
from geo_engine.places.fuzzy import almost
from geo_engine.places.gazetteer import Resolver
from geo_engine.places.looks import Look, further_looks, is_known, looks

MEMORY_SIZE = 400_000
"""Names that are remembered at most."""
_IS_NAME = re.compile(r"[^\d()\[\],;:&+]+").fullmatch
"""Whether a text is a name and nothing else."""


def read_name(
    resolver: Resolver, name: str, province: str, region: str, postal_code: str = ""
) -> Outcome:
    """Resolve one name with its province and region.

    Parameters
    ----------
    resolver : Resolver
        From ``build_resolver``.
    name, province, region, postal_code : str
        Cleaned fields, "" for none.

    Returns
    -------
    Outcome
        Placed, or with its reason.
    """
    asked = (name, province, region, postal_code)
    outcome = resolver.memory.get(asked)
    if outcome is None:
        if len(resolver.memory) >= MEMORY_SIZE:
            resolver.memory.clear()
        outcome = resolver.memory[asked] = _read(resolver, *asked)
    return outcome


def _read(resolver: Resolver, name: str, province: str, region: str, postal_code: str) -> Outcome:
    """Resolve one name that has not been read yet."""
    abroad = names.foreign_keys()
    if names.key(province) in abroad or names.key(region) in abroad:
        return Outcome(reason="FOREIGN", detail=f"{name or 'The seat'} is declared abroad.")
    if not name:
        return Outcome(reason="MISSING_KEY", detail="The name of the municipality is empty.")
    context = read_context(resolver, province, region, postal_code)
    if names.key(name) in names.null_keys() and not (context.province or context.region):
        return _unknown(resolver, "", f"{name} may be a missing value: give the province.")
    return _in_steps(resolver, name, context)


def _in_steps(resolver: Resolver, name: str, context: Context) -> Outcome:
    """Read a name as a name, then as more than one, then as almost one."""
    failure = None
    for step in (_with_sigla, _plainly, _around, _as_hamlet, _last_looks):
        if step is _last_looks and _is_abroad(resolver, name):
            return Outcome(reason="FOREIGN", detail=f"{name} is abroad.")
        outcome = step(resolver, name, context)
        if outcome is not None and not outcome.reason:
            return outcome
        failure = failure or outcome
    return failure or _unknown(
        resolver, names.key(name), f"No municipality is called {name}: it may be a hamlet or gone."
    )


def _with_sigla(resolver: Resolver, name: str, context: Context) -> Outcome | None:
    """Read "CAMERI (NO)", which without its signs would be Camerino."""
    units = resolver.exact.get(names.key(name), ())
    if not units or any(names.fold(name) in resolver.units[i].spellings for i in units):
        return None
    found = _around(resolver, name, context, sure=True)
    return found if found is not None and not found.reason else None


def _plainly(resolver: Resolver, name: str, context: Context) -> Outcome | None:
    """Read a field that holds a name and nothing else; None where nobody has it."""
    return _first(resolver, name, context, looks(resolver, name, context))


def _last_looks(resolver: Resolver, name: str, context: Context) -> Outcome | None:
    """Read a name that is cut, abbreviated, damaged or almost right."""
    if is_known(resolver, name) or names.key(name) in resolver.later or not _IS_NAME(name):
        return None
    found = _first(resolver, name, context, further_looks(resolver, name, context))
    if found is not None or names.loose_key(name) in resolver.loose:
        return found
    return almost(resolver, name, context)


def _first(resolver: Resolver, name: str, context: Context, seen: Iterator[Look]) -> Outcome | None:
    """Choose in the first look that lets choose; else give the first refusal."""
    failure = None
    for look in seen:
        outcome = choose(resolver, name, look.units, context)
        if not outcome.reason:
            return _mark(resolver, name, outcome, look)
        failure = failure or outcome
    return failure


def _mark(resolver: Resolver, name: str, outcome: Outcome, look: Look) -> Outcome:
    """Add to a resolved name what is to be known about it."""
    flags = [*outcome.flags, *(flag for flag in look.flags if flag not in outcome.flags)]
    if "SUCCESSOR" not in flags and (names.key(name), outcome.position) in resolver.absorbed:
        flags.append("SUCCESSOR")
    confidence = round(outcome.confidence - look.penalty, 4)
    return replace(outcome, flags=tuple(flags), confidence=confidence)


def _around(
    resolver: Resolver, name: str, context: Context, *, sure: bool = False
) -> Outcome | None:
    """Read a field that holds a province, a postal code or "Comune di" besides the name."""
    if is_known(resolver, name) and not sure:
        return None
    failure = None
    for reading in written.readings(name):
        beside = _beside(resolver, reading, context)
        if beside is None or (sure and not reading.beside):
            continue
        outcome = _plainly(resolver, reading.name, beside)
        if outcome is None and not reading.beside:
            outcome = _around_once_more(resolver, reading.name, beside)
        if outcome is not None and not outcome.reason:
            return outcome
        failure = failure or outcome
    return failure


def _beside(resolver: Resolver, reading: written.Written, context: Context) -> Context | None:
    """Add what stands beside the name to what is declared; None where that does not fit."""
    if reading.postal_code:
        post = read_context(resolver, "", "", reading.postal_code).postal
        return replace(context, postal=context.postal or post)
    if not reading.beside:
        return context
    code = province_code(resolver.areas, reading.beside)
    if not code or (context.province and context.province != code):
        return None
    return _with_province(resolver, reading.beside, context)


def _around_once_more(resolver: Resolver, name: str, context: Context) -> Outcome | None:
    """Read "20121 MILANO (MI)", whose postal code is off already."""
    for reading in written.readings(name):
        if reading.beside and province_code(resolver.areas, reading.beside):
            return _plainly(
                resolver, reading.name, _with_province(resolver, reading.beside, context)
            )
    return None


def _with_province(resolver: Resolver, province: str, context: Context) -> Context:
    """Take the province that stands beside the name."""
    inside = read_context(resolver, province, "")
    return replace(inside, region=context.region, postal=context.postal)


def _as_hamlet(resolver: Resolver, name: str, context: Context) -> Outcome | None:
    """Read a hamlet, alone or with its municipality, where that is certain."""
    official = _hamlets().get(names.key(name))
    if official and (context.province or not is_known(resolver, name)):
        return _hamlet(resolver, official, context)
    if is_known(resolver, name):
        return None
    for municipality, hamlet in written.hamlets(name):
        known = _hamlets().get(names.key(hamlet))
        if known and names.key(known) == names.key(municipality):
            return _hamlet(resolver, known, context)
        if not context.province or is_known(resolver, hamlet):
            continue
        if names.key(municipality) in resolver.areas.provinces:
            continue  # "San Qualcosa - Pesaro" may lie anywhere in the province of Pesaro
        outcome = _hamlet(resolver, municipality, context)
        if outcome is not None and not outcome.reason:
            return outcome
    return None


def _hamlet(resolver: Resolver, municipality: str, context: Context) -> Outcome | None:
    """Place a hamlet in its municipality."""
    units = resolver.exact.get(names.key(municipality))
    if not units:
        return None
    outcome = choose(resolver, municipality, units, context)
    if outcome.reason or "PROVINCE_DIFFERS" in outcome.flags or "OLD_NAME" in outcome.flags:
        return None
    confidence = min(outcome.confidence, CONFIRMED)
    return replace(outcome, confidence=confidence, flags=(*outcome.flags, "HAMLET"))


@functools.cache
def _hamlets() -> Mapping[str, str]:
    """Give the municipality of the largest hamlets by key."""
    return {
        names.key(hamlet): municipality
        for municipality, hamlets in names.vocabulary()["hamlets"].items()
        for hamlet in hamlets
    }


def _is_abroad(resolver: Resolver, name: str) -> bool:
    """Tell whether a name, or each of its parts that is known, is abroad."""
    abroad = names.foreign_keys()
    words = names.fold(name).split()
    for i in range(len(words)):  # "Paris France"
        if "".join(words[i:]) in abroad and (i == 0 or "".join(words[:i]) in abroad):
            return True
    readings = written.readings(name)
    parts = [*written.languages(name), *(each.name for each in readings)]
    parts += [each.beside for each in readings if each.beside]
    if any(is_known(resolver, part) for part in parts if names.key(part) not in abroad):
        return False
    return any(names.key(part) in abroad for part in parts if len(names.key(part)) > 2)


def _unknown(resolver: Resolver, word: str, message: str) -> Outcome:
    """Refuse a name; say so when it only exists after the layer's date."""
    since = resolver.later.get(word)
    if since:
        message = f"{word} exists since {since}: choose a later boundary date."
    return Outcome(reason="UNKNOWN_COMUNE", detail=message)
