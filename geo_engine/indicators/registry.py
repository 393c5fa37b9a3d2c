"""The registry of indicators: what each variable of the panel is, as data."""

from __future__ import annotations

import functools
import tomllib
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Indicator:
    """One variable of the panel; its words may hold ``{units}``, ``{signal}`` and the like."""

    key: str
    formula: str
    unit: str
    polarity: int
    """1 where more is better, -1 where less is, 0 where neither."""
    decimals: int
    """Decimals worth showing, in the unit of ``unit``."""
    confidential: bool
    """True where the value of few firms may not be published."""
    source: str
    """Who proposed the formula, or where the numbers come from."""
    label: str = ""
    """Name in Italian."""
    label_en: str = ""
    definition: str = ""
    """What it says, in one or two sentences of Italian."""
    definition_en: str = ""
    kind: str = "number"
    """count, number, share, points or text, as the data dictionary has them."""
    words: str = ""
    """Name of the closed list of values, "" where there is none."""


@functools.cache
def load_registry() -> dict[str, Indicator]:
    """Read the registry.

    Returns
    -------
    dict of str to Indicator
        By key, in the order of the panel.
    """
    text = Path(__file__).with_name("registry.toml").read_text(encoding="utf-8")
    return {key: Indicator(key=key, **row) for key, row in tomllib.loads(text).items()}
