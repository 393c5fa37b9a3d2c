"""Editions of Eurostat's Digital Intensity Index (DII), and which of them may be compared.

The two versions alternate by year and differ in seven or eight of twelve items, so a difference
between them is none of the firms: it is refused.
"""

from __future__ import annotations

import functools
import itertools
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from geo_engine.errors import StatisticsError, TableError

ITEMS = 12


@dataclass(frozen=True, kw_only=True)
class Edition:
    """The index of one version and survey year."""

    version: int
    survey_year: int
    items: tuple[str, ...]
    standing: Literal["primary", "secondary", "inferred", "given"]
    verified: bool
    """False where the full list of items was not seen: said on every artefact."""
    source: str

    @property
    def label(self) -> str:
        """Name it in Italian, for titles."""
        return f"DII v{self.version}, indagine {self.survey_year}"


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Whether two editions may be compared."""

    is_allowed: bool
    reason: str
    """Italian; "" where the items are the same."""
    reason_en: str
    differing: tuple[str, ...]
    """Items that only one of the two has."""


def dii_edition(version: int, survey_year: int) -> Edition:
    """Give the items of a version and survey year.

    Parameters
    ----------
    version : int
        3 or 4.
    survey_year : int
        Year of the survey, which is the year of the figures.

    Returns
    -------
    Edition
        With the standing of its list of items.

    Raises
    ------
    TableError
        ``DII_EDITION`` where this version was not surveyed in this year.
    """
    found = _editions().get((version, survey_year))
    if found is None:
        known = ", ".join(f"v{v} {year}" for v, year in _editions())
        raise TableError(
            "DII_EDITION",
            f"There is no Digital Intensity Index v{version} of {survey_year}. Known: {known}. The "
            "versions alternate by year, and the items change within a version too.",
        )
    return found


def given_edition(version: int, survey_year: int, items: Sequence[str], *, source: str) -> Edition:
    """Take a list of items that a user vouches for, in place of the one that ships.

    Parameters
    ----------
    version, survey_year : int
        Of the index.
    items : sequence of str
        Twelve different keys of :func:`item_labels`.
    source : str
        Where the list was read; shown beside every figure.

    Returns
    -------
    Edition
        Of standing "given".

    Raises
    ------
    TableError
        ``DII_EDITION`` unless there are twelve different known items and a source.
    """
    unknown = [item for item in items if item not in item_labels()]
    if unknown or len(items) != ITEMS or len(set(items)) != ITEMS or not source.strip():
        raise TableError(
            "DII_EDITION",
            f"v{version} of {survey_year}: {len(set(items))} different items of {len(items)}, "
            f"{len(unknown)} unknown ({', '.join(unknown) or 'none'}), source {source!r}. Give "
            f"{ITEMS} of {', '.join(item_labels())}, and say where the list was read.",
        )
    return Edition(
        version=version,
        survey_year=survey_year,
        items=tuple(items),
        standing="given",
        verified=True,
        source=source,
    )


def dii_editions() -> tuple[Edition, ...]:
    """Give all editions, by year.

    Returns
    -------
    tuple of Edition
        As ``digital_intensity.toml`` lists them.
    """
    return tuple(_editions().values())


def item_labels(language: Literal["it", "en"] = "it") -> dict[str, str]:
    """Name the items of all editions.

    Parameters
    ----------
    language : {"it", "en"}
        Of the names.

    Returns
    -------
    dict of str to str
        By key.
    """
    return {key: names[language == "en"] for key, names in intensity_table()["items"].items()}


def level_labels(language: Literal["it", "en"] = "it") -> tuple[str, ...]:
    """Name the four levels, from very low to very high.

    Parameters
    ----------
    language : {"it", "en"}
        Of the names.

    Returns
    -------
    tuple of str
        In the order of ``Intensity.level``.
    """
    return tuple(intensity_table()["levels"]["labels" if language == "it" else "labels_en"])


def references() -> tuple[Mapping[str, Any], ...]:
    """Give published shares of enterprises at or above basic.

    Returns
    -------
    tuple of mapping
        version, survey_year, area, persons, share (per cent), source.
    """
    return tuple(intensity_table()["references"])


def compare_editions(first: Edition, second: Edition) -> Comparison:
    """Tell whether figures of two editions may be subtracted from each other.

    Parameters
    ----------
    first, second : Edition
        Of two periods.

    Returns
    -------
    Comparison
        Refused across versions; allowed with a warning where the items of one version changed.
    """
    differing = tuple(sorted(set(first.items) ^ set(second.items)))
    count = len(set(first.items) - set(second.items))
    if first.version != second.version:
        return Comparison(
            is_allowed=False,
            reason=(
                f"{first.label} e {second.label} non sono confrontabili: {count} caratteristiche "
                f"su {ITEMS} sono diverse, e la differenza misurerebbe il cambio di versione, "
                "non le imprese."
            ),
            reason_en=(
                f"DII v{first.version} of {first.survey_year} and v{second.version} of "
                f"{second.survey_year} cannot be compared: {count} of {ITEMS} items differ, and "
                "the difference would measure the change of version, not the firms."
            ),
            differing=differing,
        )
    if not count:
        return Comparison(is_allowed=True, reason="", reason_en="", differing=())
    return Comparison(
        is_allowed=True,
        reason=(
            f"Tra {first.survey_year} e {second.survey_year} cambia {count} caratteristica su "
            f"{ITEMS} della versione {first.version} ({_named(differing, 'it')}): leggere la "
            "differenza con cautela."
        ),
        reason_en=(
            f"Between {first.survey_year} and {second.survey_year} {count} of {ITEMS} items of "
            f"version {first.version} changed ({_named(differing, 'en')}): read the difference "
            "with care."
        ),
        differing=differing,
    )


def refuse_versions(first: Edition, second: Edition) -> Comparison:
    """Raise before a difference across versions is computed; the stage of change calls this.

    Parameters
    ----------
    first, second : Edition
        Of the two periods.

    Returns
    -------
    Comparison
        Allowed; its reason is to be shown beside the difference where it is not "".

    Raises
    ------
    StatisticsError
        ``DII_VERSIONS``, with the reason in Italian and English.
    """
    found = compare_editions(first, second)
    if not found.is_allowed:
        raise StatisticsError(
            "DII_VERSIONS",
            f"{found.reason_en} Compare years of one version. In Italian: {found.reason}",
        )
    return found


def comparable_years(editions: Mapping[int, Edition]) -> dict[tuple[int, int], Comparison]:
    """Tell for each pair of years of a panel whether their scores may be compared.

    Parameters
    ----------
    editions : mapping of int to Edition
        Edition by year.

    Returns
    -------
    dict of (int, int) to Comparison
        By earlier and later year.
    """
    pairs = itertools.combinations(sorted(editions), 2)
    return {(a, b): compare_editions(editions[a], editions[b]) for a, b in pairs}


def edition_note(edition: Edition) -> tuple[str, str]:
    """Say what a reader must know of a list of items.

    Parameters
    ----------
    edition : Edition
        Of a figure.

    Returns
    -------
    tuple of (str, str)
        Italian and English; always names version and year.
    """
    english = f"DII v{edition.version}, survey {edition.survey_year}"
    if edition.standing == "given":
        return (
            f"{edition.label}, con le caratteristiche date dallo studio ({edition.source}).",
            f"{english}, with the items that the study gives ({edition.source}).",
        )
    if edition.verified:
        return f"{edition.label}.", f"{english}."
    return (
        f"{edition.label}: elenco delle caratteristiche non verificato ({edition.source}).",
        f"{english}: the list of items is not verified.",
    )


@functools.cache
def intensity_table() -> Mapping[str, Any]:
    """Read the file of items, levels, editions and references.

    Returns
    -------
    mapping
        As ``digital_intensity.toml`` states it.
    """
    text = Path(__file__).with_name("digital_intensity.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


@functools.cache
def _editions() -> Mapping[tuple[int, int], Edition]:
    """Build the editions once."""
    rows = sorted(intensity_table()["editions"], key=lambda row: row["survey_year"])
    built = [Edition(**{**row, "items": tuple(row["items"])}) for row in rows]
    return {(edition.version, edition.survey_year): edition for edition in built}


def _named(items: tuple[str, ...], language: Literal["it", "en"]) -> str:
    """Name items."""
    labels = item_labels(language)
    return "; ".join(labels[item] for item in items)
