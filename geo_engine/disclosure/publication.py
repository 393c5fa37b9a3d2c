"""The only thing that outputs accept: results, less what the audience may not see."""

from __future__ import annotations

from dataclasses import dataclass

from geo_engine.results import Results


@dataclass(frozen=True, kw_only=True)
class Publication:
    """Results as they may be shown.

    Protected values are already NaN with status ``suppressed``; an output never looks further.
    """

    results: Results
    """In a public run: shares of few firms, what inverts to them, and quarantine are gone."""
    audience: str
    """``public`` or ``internal``."""
    suppressed: int
    """Cells (place, chain, year) whose share was suppressed."""
    banner: str
    """A notice that every artefact shows at the top, "" when there is none."""
    banner_en: str
