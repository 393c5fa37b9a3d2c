"""Chains that a study defines or changes, and the choice among all of them."""

from __future__ import annotations

import dataclasses
import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from geo_engine.chains.classification import EDITIONS, digits_of, exists, titles
from geo_engine.chains.definitions import (
    ALL_FIRMS,
    EXCLUDED,
    IN_PERIMETERS,
    PERIMETERS,
    PHASES,
    Chain,
    Line,
    built_in_lines,
    load_chains,
    within,
)
from geo_engine.errors import ChainError

_KEY = re.compile(r"^[a-z][a-z0-9_]*$")
_EDITION_KEYS = tuple(f"ateco_{edition}" for edition in EDITIONS)
_TEXT_KEYS = ("label", "label_en", "description", "description_en", "note", "note_en")
_CHAIN_KEYS = frozenset(
    [*_TEXT_KEYS, *_EDITION_KEYS, "based_on", "lines", "reason", "source", "territory"]
)
_LINE_KEYS = frozenset(
    [*_EDITION_KEYS, "phase", "perimeter", "reason", "source", "territory", "weight"]
)
_PLACED = (*PHASES, EXCLUDED)


def custom_chains(
    definitions: Mapping[str, Mapping[str, Any]], *, perimeter: str = "wide"
) -> dict[str, Chain]:
    """Turn chains defined in a study into checked chains.

    A chain lists its prefixes by edition and phase (``ateco_2007 = {produzione = ["10.2"]}``; the
    phase ``esclusa`` takes codes out of wider prefixes), or as ``lines`` with the keys of
    ``chains.toml`` and further ``territory`` and ``weight``. With ``based_on`` it begins with the
    lines of a built-in chain; a prefix that it lists again replaces the one there.

    Parameters
    ----------
    definitions : mapping
        By key: ``label`` (unless ``based_on``), ``label_en``, ``description``,
        ``description_en``, ``note``, ``note_en``, ``based_on``, ``ateco_2007``, ``ateco_2025``,
        ``lines``; and ``reason``, ``source`` and ``territory`` of prefixes listed by phase. A
        value of None is an absent one.
    perimeter : str
        "wide" or "strict".

    Returns
    -------
    dict of str to Chain
        By key, in the given order.

    Raises
    ------
    ChainError
        ``CHAIN_KEY``, ``CHAIN_KEY_UNKNOWN``, ``CHAIN_LABEL_MISSING``, ``CHAIN_BASE_UNKNOWN``,
        ``CHAIN_PHASE_UNKNOWN``, ``CHAIN_PREFIX_UNKNOWN``, ``CHAIN_PREFIX_TWICE``,
        ``CHAIN_PERIMETER_UNKNOWN``, ``CHAIN_WEIGHT`` or ``CHAIN_EMPTY``.
    """
    return {key: _build(key, _given(keys), perimeter) for key, keys in definitions.items()}


def select_chains(
    use: Sequence[str] | str,
    custom: Mapping[str, Mapping[str, Any]] | None = None,
    *,
    perimeter: str | Mapping[str, str] = "wide",
) -> dict[str, Chain]:
    """Choose the chains of a study.

    Parameters
    ----------
    use : sequence of str, or "all"
        Keys of built-in or own chains; "all" takes every one. The key of ``ALL_FIRMS`` asks for
        all firms together, which "all" does not include.
    custom : mapping, optional
        Own definitions, as for :func:`custom_chains`; one with a built-in key replaces it.
    perimeter : str or mapping
        "wide" or "strict" for all chains, or by key; a chain that is not named is wide.

    Returns
    -------
    dict of str to Chain
        By key, in the asked order.

    Raises
    ------
    ChainError
        ``CHAIN_UNKNOWN``, naming near keys and all of them; ``CHAIN_PERIMETER_UNKNOWN``; and those
        of :func:`custom_chains`.
    """
    asked = {"": perimeter} if isinstance(perimeter, str) else dict(perimeter)
    default = asked.pop("", "wide")
    known = {**load_chains(default), **custom_chains(custom or {}, perimeter=default)}
    for key, wanted in asked.items():
        _refuse_unknown(key, known)
        own = (custom or {}).get(key)
        known[key] = _build(key, _given(own), wanted) if own else load_chains(wanted)[key]
    if isinstance(use, str):
        if use == "all":
            return known
        use = (use,)
    known = {ALL_FIRMS.key: ALL_FIRMS, **known}
    for key in use:
        _refuse_unknown(key, known)
    return {key: known[key] for key in use}


def _refuse_unknown(key: str, known: Mapping[str, Chain]) -> None:
    """Raise when no chain has a key."""
    if key not in known:
        near = difflib.get_close_matches(key, known, n=1)
        hint = f" Did you mean {near[0]}?" if near else ""
        raise ChainError("CHAIN_UNKNOWN", f"No chain {key!r}.{hint} Known: {', '.join(known)}.")


def _given(keys: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out what is not given."""
    return {name: value for name, value in keys.items() if value is not None and value != ""}


def _build(key: str, keys: Mapping[str, Any], perimeter: str) -> Chain:
    """Make a checked chain of its keys."""
    if not _KEY.match(key):
        raise ChainError(
            "CHAIN_KEY", f"{key!r}: use small letters, figures and _ in a chain's key."
        )
    _refuse_keys(f"Chain {key}", keys, _CHAIN_KEYS)
    own = tuple(_own_lines(key, keys))
    _check_lines(key, own)
    base = keys.get("based_on", "")
    if not (own or base):
        raise ChainError("CHAIN_EMPTY", f"Chain {key} has no prefix in any edition: add some.")
    lines = _replaced(built_in_lines(base), own) if base else own
    built = within(_named(key, keys, lines), perimeter)
    if not built.prefixes:
        raise ChainError(
            "CHAIN_EMPTY", f"Chain {key} has no prefix in the {perimeter} perimeter: add some."
        )
    return built


def _named(key: str, keys: Mapping[str, Any], lines: tuple[Line, ...]) -> Chain:
    """Make a chain with its texts, those of its base where it has none of its own."""
    base = keys.get("based_on", "")
    inherited: Mapping[str, Any] = dataclasses.asdict(load_chains()[base]) if base else {}
    label = keys.get("label", inherited.get("label", ""))
    if not label:
        raise ChainError("CHAIN_LABEL_MISSING", f"Chain {key} has no label. Add label = ....")
    english = label if "label" in keys else inherited.get("label_en", label)
    return Chain(
        key=key,
        label=label,
        label_en=keys.get("label_en", english),
        lines=lines,
        description=keys.get("description", inherited.get("description", "")),
        description_en=keys.get("description_en", inherited.get("description_en", "")),
        note=keys.get("note", inherited.get("note", "")),
        note_en=keys.get("note_en", inherited.get("note_en", "")),
        origin="study_based" if base else "study",
    )


def _own_lines(key: str, keys: Mapping[str, Any]) -> Iterator[Line]:
    """Read the lines that a study gives, by phase or one by one."""
    for edition in EDITIONS:
        for phase, listed in keys.get(f"ateco_{edition}", {}).items():
            _check_phase(key, phase)
            if listed:
                yield Line(
                    phase=phase,
                    prefixes={edition: tuple(listed)},
                    reason=keys.get("reason", "Definita nello studio"),
                    source=keys.get("source", "studio"),
                    territory=keys.get("territory", ""),
                )
    for line in keys.get("lines", ()):
        yield _own_line(key, _given(line), keys)


def _own_line(key: str, line: Mapping[str, Any], keys: Mapping[str, Any]) -> Line:
    """Read one line that a study gives."""
    _refuse_keys(f"A line of chain {key}", line, _LINE_KEYS)
    _check_phase(key, line.get("phase", ""))
    perimeter = line.get("perimeter", "both")
    if perimeter not in IN_PERIMETERS:
        raise ChainError(
            "CHAIN_PERIMETER_UNKNOWN",
            f"A line of chain {key} has the perimeter {perimeter!r}. "
            f"Write one of: {', '.join(IN_PERIMETERS)}.",
        )
    weight = float(line.get("weight", 1.0))
    if not 0 < weight <= 1:
        raise ChainError(
            "CHAIN_WEIGHT",
            f"A line of chain {key} has the weight {weight:g}. Write a share above 0, at most 1.",
        )
    return Line(
        phase=line["phase"],
        prefixes={edition: tuple(line.get(f"ateco_{edition}", ())) for edition in EDITIONS},
        perimeter=perimeter,
        reason=line.get("reason", "Definita nello studio"),
        source=line.get("source", "studio"),
        territory=line.get("territory", keys.get("territory", "")),
        weight=weight,
    )


def _replaced(base: Sequence[Line], own: Sequence[Line]) -> tuple[Line, ...]:
    """Take out of built-in lines the prefixes that own lines list again, and add these."""
    again = {(e, digits_of(p)) for line in own for e in EDITIONS for p in line.prefixes.get(e, ())}
    kept = [
        dataclasses.replace(
            line,
            prefixes={
                edition: tuple(p for p in prefixes if (edition, digits_of(p)) not in again)
                for edition, prefixes in line.prefixes.items()
            },
        )
        for line in base
    ]
    return (*(line for line in kept if any(line.prefixes.values())), *own)


def _refuse_keys(what: str, keys: Mapping[str, Any], known: frozenset[str]) -> None:
    """Raise when a mapping has keys that mean nothing."""
    unknown = sorted(set(keys) - known)
    if unknown:
        near = difflib.get_close_matches(unknown[0], known, n=1)
        hint = f" Did you mean {near[0]}?" if near else f" Known: {', '.join(sorted(known))}."
        raise ChainError("CHAIN_KEY_UNKNOWN", f"{what} has the key {unknown[0]!r}.{hint}")


def _check_phase(key: str, phase: str) -> None:
    """Raise when a phase is not one of ``PHASES``, nor ``EXCLUDED``."""
    if phase not in _PLACED:
        raise ChainError(
            "CHAIN_PHASE_UNKNOWN",
            f"Chain {key} has a phase {phase!r}. Write one of: {', '.join(_PLACED)}.",
        )


def _check_lines(key: str, lines: Sequence[Line]) -> None:
    """Raise when a prefix is no code of its edition, or stands twice where both would count."""
    for edition in EDITIONS:
        listed = [(prefix, line) for line in lines for prefix in line.prefixes.get(edition, ())]
        for position, (prefix, line) in enumerate(listed):
            _refuse_twice(key, edition, prefix, line, listed[:position])
        _check_prefixes(key, edition, [prefix for prefix, _ in listed])


def _refuse_twice(
    key: str, edition: str, prefix: str, line: Line, seen: Sequence[tuple[str, Line]]
) -> None:
    """Raise when a prefix already stands in a line that counts for the same firms."""
    for earlier, other in seen:
        if (
            digits_of(earlier) == digits_of(prefix)
            and line.territory == other.territory
            and {line.perimeter, other.perimeter} != set(PERIMETERS)
        ):
            raise ChainError(
                "CHAIN_PREFIX_TWICE",
                f"Chain {key}, ATECO {edition}: {prefix} stands twice (once in {other.phase}). "
                "Keep one.",
            )


def _check_prefixes(key: str, edition: str, prefixes: Sequence[str]) -> None:
    """Raise when a prefix is no code of its edition."""
    absent = [prefix for prefix in prefixes if not exists(prefix, edition)]
    if absent:
        near = difflib.get_close_matches(absent[0], titles(edition), n=3)
        hint = f" Near {absent[0]}: {', '.join(near)}." if near else ""
        raise ChainError(
            "CHAIN_PREFIX_UNKNOWN",
            f"Chain {key}: {len(absent)} prefixes are no codes of ATECO {edition} "
            f"({', '.join(absent[:5])}). Write them with points, at a level that exists.{hint}",
        )
