"""How a report says things: words, numbers and marks of one language."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from geo_engine.outputs.fields import clean_text
from geo_engine.outputs.report.content import Cell
from geo_engine.results import Facts
from geo_engine.words import load_report_words, word
from geo_engine.words.sentences import FEW_FIRMS, fill, number, percent, places

MARKS = {"high": "▲", "low": "▼"}
SIGNAL_MARKS = ("suppressed", "no_firms", "not_surveyed", "not_covered")


@dataclass(frozen=True, kw_only=True)
class Speech:
    """One language, and what the study counts and looks at."""

    language: str
    facts: Facts

    @property
    def units(self) -> str:
        """Name what is counted, in the plural."""
        return word(self.language, "units", self.facts.unit)

    @property
    def signal(self) -> str:
        """Name the signal; "" when none was surveyed."""
        return clean_text(self.facts.signal if self.language == "it" else self.facts.signal_en)

    @property
    def coverage(self) -> str:
        """Name the covered territory."""
        facts = self.facts
        if facts.is_national:
            return self.say("columns.country")
        return (facts.coverage_en if self.language == "en" else "") or facts.coverage

    def say(self, path: str, **values: object) -> str:
        """Fill a template ``section.key``."""
        section, _, key = path.partition(".")
        template = load_report_words(self.language)[section][key]
        units = self.units
        common = {
            "units": units,
            "Units": units[:1].upper() + units[1:],
            "signal": self.signal,
        }
        return clean_text(fill(template, common | values))

    def chain(self, key: str) -> str:
        """Name a chain."""
        found = next(each for each in self.facts.chains if each.key == key)
        return clean_text(found.label if self.language == "it" else found.label_en)

    def number(self, value: float, decimals: int = 0) -> str:
        """Write a number; a dash of missing for one that is not there."""
        if not math.isfinite(value):
            return self.say("marks.missing")
        return number(value, self.language, decimals=decimals)

    def count(self, value: float) -> str:
        """Write a count: whole unless firms are divided among chains."""
        return self.number(value, 0 if self.facts.whole_counts else 1)

    def percent(self, value: float) -> str:
        """Write a share."""
        if not math.isfinite(value):
            return self.say("marks.missing")
        return percent(value, self.language)

    def bare(self, value: float) -> str:
        """Write a share without its sign, for the ends of an interval."""
        return self.number(100 * value, 1)

    def points(self, value: float) -> str:
        """Write a difference of shares in points, with its sign."""
        text = self.number(100 * value, 1)
        return f"+{text}" if value > 0 and text.strip("0,.") else text.replace("-", "−")

    def interval(self, low: float, high: float, decimals: int = 1) -> str:
        """Write the ends of an interval as given: ``45,9-50,4``."""
        return f"{self.number(low, decimals)}-{self.number(high, decimals)}"

    def places(self, count: int) -> str:
        """Count municipalities."""
        return places(count, self.language)

    def date(self, iso: str) -> str:
        """Write a date."""
        year, month, day = iso.split("-")
        text = word(self.language, "atlas", "date")
        return fill(text, {"day": day, "month": month, "year": year})

    def names(self, names: Sequence[str], most: int = 12) -> str:
        """Join names; those beyond the first ones are counted."""
        shown = ", ".join(clean_text(name) for name in names[:most])
        left = len(names) - most
        return f"{shown} {self.say('areas.card_more', n=left)}" if left > 0 else shown

    def share_cell(
        self,
        share: float,
        ends: tuple[float, float],
        known: float,
        status: str,
        against: float = math.nan,
    ) -> Cell:
        """Write a share with interval, firms and the mark of how it compares."""
        if not math.isfinite(share):
            key = status if status in SIGNAL_MARKS else "missing"
            return Cell(text=self.say(f"marks.{key}"), tone="muted")
        low, high = ends
        tone = tone_of(low, high, against)
        few = "*" if known < FEW_FIRMS else ""
        mark = f" {MARKS[tone]}" if tone else ""
        small = f"{self.interval(100 * low, 100 * high)} · {self.count(known)}"
        return Cell(text=f"{self.percent(share)}{few}{mark}", small=small, tone=tone)

    def ratio_cell(self, value: float, ends: tuple[float, float], against: float = 1.0) -> Cell:
        """Write a quotient with interval and mark."""
        if not math.isfinite(value):
            return Cell(text=self.say("marks.missing"), tone="muted")
        low, high = ends
        tone = tone_of(low, high, against)
        mark = f" {MARKS[tone]}" if tone else ""
        text = f"{self.number(value, 2)}{mark}"
        finite = math.isfinite(low) and math.isfinite(high)
        return Cell(text=text, small=self.interval(low, high, 2) if finite else "", tone=tone)

    def points_cell(self, value: float, low: float, high: float) -> Cell:
        """Write a difference in points with interval and mark."""
        if not math.isfinite(value):
            return Cell(text=self.say("marks.missing"), tone="muted")
        tone = tone_of(low, high, 0.0)
        mark = f" {MARKS[tone]}" if tone else ""
        ends = f"{self.points(low)} / {self.points(high)}"
        return Cell(text=f"{self.points(value)}{mark}", small=ends, tone=tone)


def tone_of(low: float, high: float, against: float) -> str:
    """Say whether an interval lies wholly above or below a value.

    Parameters
    ----------
    low, high : float
        The interval.
    against : float
        The value; NaN for none.

    Returns
    -------
    str
        ``high``, ``low`` or "".
    """
    if low > against:
        return "high"
    return "low" if high < against else ""


def sentences(parts: Iterable[str]) -> str:
    """Join sentences, leaving out empty ones.

    Parameters
    ----------
    parts : iterable of str
        Sentences.

    Returns
    -------
    str
        One paragraph.
    """
    return " ".join(part for part in parts if part)
