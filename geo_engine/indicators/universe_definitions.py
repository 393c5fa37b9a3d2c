"""Universes of enterprises: those that ship, and those that a study defines."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from geo_engine.errors import TableError
from geo_engine.indicators.bounded import load_sizes

MOST_UNIVERSES = 16
"""Universes of one study: their memberships travel as bits of one number."""


@dataclass(frozen=True, kw_only=True)
class Universe:
    """A set of enterprises by size."""

    key: str
    label: str
    label_en: str
    persons: tuple[float, float] | None = None
    """From the first number of persons, below the second; None for any, also an unknown one."""
    turnover: float | None = None
    """Highest turnover, euro; None where money does not matter."""
    assets: float | None = None
    """Highest balance sheet total, euro: one of the two limits must be kept."""


def load_universes() -> dict[str, Universe]:
    """Give the universes that ship: ``tutte``, ``micro``, ``pmi``, ``pmi_10_249``.

    Returns
    -------
    dict of str to Universe
        By key.
    """
    return custom_universes(load_sizes()["universes"])


def custom_universes(definitions: Mapping[str, Mapping[str, Any]]) -> dict[str, Universe]:
    """Turn definitions of a study into universes.

    Parameters
    ----------
    definitions : mapping
        By key: ``label``, and where wanted ``label_en``, ``persons`` ([from, below], or [from]) and
        either ``limits`` (micro, small, medium) or ``turnover`` and ``assets``; None is as absent.

    Returns
    -------
    dict of str to Universe
        By key.

    Raises
    ------
    TableError
        ``UNIVERSE`` for limits that do not exist or persons that no firm can have.
    """
    return {
        key: _universe(key, {name: value for name, value in keys.items() if value is not None})
        for key, keys in definitions.items()
    }


def select_universes(
    use: Sequence[str], custom: Mapping[str, Mapping[str, Any]] | None = None
) -> tuple[Universe, ...]:
    """Choose the universes of a study.

    Parameters
    ----------
    use : sequence of str
        Keys, in the order of the selector of the atlas.
    custom : mapping, optional
        Own definitions, as for :func:`custom_universes`; one with the key of a shipped one
        replaces it.

    Returns
    -------
    tuple of Universe
        In the asked order.

    Raises
    ------
    TableError
        ``UNIVERSE_UNKNOWN``; ``UNIVERSE`` also for a key asked twice, none, or too many.
    """
    known = {**load_universes(), **custom_universes(custom or {})}
    unknown = [key for key in use if key not in known]
    if unknown:
        near = difflib.get_close_matches(unknown[0], known, n=1)
        hint = f" Did you mean {near[0]}?" if near else ""
        raise TableError(
            "UNIVERSE_UNKNOWN", f"No universe {unknown[0]!r}.{hint} Known: {', '.join(known)}."
        )
    if not use or len(set(use)) < len(use) or len(use) > MOST_UNIVERSES:
        raise TableError(
            "UNIVERSE",
            f"{len(use)} universes are asked for, {len(set(use))} different ones. Ask for 1 to "
            f"{MOST_UNIVERSES}, each once.",
        )
    return tuple(known[key] for key in use)


def _universe(key: str, keys: dict[str, Any]) -> Universe:
    """Check one definition."""
    known = load_sizes()["limits"]
    named = keys.pop("limits", None)
    if named is not None and named not in known:
        raise TableError(
            "UNIVERSE", f"Universe {key}: no limits {named!r}. Write one of: {', '.join(known)}."
        )
    limit = known[named] if named is not None else {}
    persons = keys.get("persons")
    if persons is not None:
        first, last = float(persons[0]), float((*persons, np.inf)[1])
        if not 0 <= first < last:
            raise TableError(
                "UNIVERSE",
                f"Universe {key}: persons = {list(persons)} holds no enterprise. Write "
                "[from, below], such as [10, 250].",
            )
        keys["persons"] = (first, last)
    return Universe(
        key=key,
        label=keys["label"],
        label_en=keys.get("label_en") or keys["label"],
        persons=keys.get("persons"),
        turnover=keys.get("turnover", limit.get("turnover")),
        assets=keys.get("assets", limit.get("assets")),
    )
