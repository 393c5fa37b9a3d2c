"""Study: what one analysis asks for, read from a TOML file and checked key by key."""

from __future__ import annotations

import datetime as dt
import math
import re
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

import pydantic
from pydantic import Field, field_validator, model_validator

from geo_engine.errors import StudyError
from geo_engine.study_chains import Chains
from geo_engine.study_drivers import Drivers
from geo_engine.study_errors import explain
from geo_engine.study_indicators import IndicatorKeys
from geo_engine.study_signals import Index, SignalSource, StudySignal, UniverseKeys, Universes
from geo_engine.study_sources import (
    FIRST_YEAR,
    LAST_YEAR,
    Column,
    Columns,
    FirmSource,
    Keys,
    Placing,
    Title,
    Words,
    Year,
)
from geo_engine.study_statistics import Neighborhood, Statistics

__all__ = [
    "FIRST_YEAR",
    "LAST_YEAR",
    "Columns",
    "FirmSource",
    "Neighborhood",
    "Placing",
    "Statistics",
    "Study",
    "parse_study",
    "read_study",
]


class Signal(Keys):
    """One observable sign that a firm is digital, derived from one column by a closed rule."""

    column: Column
    label: Title = Field(description='How it is called in Italian: "imprese con sito web".')
    label_en: Words = Field("", description="The same in English; the Italian one by default.")
    rule: Literal["flag", "website", "filled", "at_least", "one_of"] = "flag"
    yes: tuple[str, ...] = Field(("1", "si", "sì", "true", "yes", "s", "y", "x", "vero"))
    no: tuple[str, ...] = Field(("0", "no", "false", "n", "falso", "assente"))
    threshold: float | None = Field(None, description="Rule at_least: the smallest yes.")
    empty: Literal["unknown", "no"] = Field("unknown", description="What an empty field means.")
    force: bool = Field(False, description="Take it although the law asks it of every firm.")

    @model_validator(mode="after")
    def _coherent(self) -> Signal:
        wanted = self.rule == "at_least"
        if wanted and (self.threshold is None or not math.isfinite(self.threshold)):
            raise ValueError(f"signal {self.label}: rule at_least needs threshold, a number")
        return self


class Digital(Keys):
    """How several signals make a firm digital."""

    signals: tuple[Signal, ...] = ()
    combine: Literal["any", "all"] | Annotated[int, Field(ge=1)] = Field(
        "any", description="any, all, or the smallest number of signals."
    )
    label: Words = Field("", description='Name of the combination; e.g. "imprese digitali".')
    label_en: Words = ""


class Place(Keys):
    """How firms are placed in municipalities."""

    order: Annotated[tuple[Placing, ...], Field(min_length=1)] = (
        "coordinates",
        "istat_code",
        "cadastral_code",
        "name",
    )
    snap_distance_m: float = Field(500.0, ge=0, le=5000)
    trust: Literal["coordinates", "declared", "quarantine"] = Field(
        "coordinates", description="Which one counts when coordinates and declaration differ."
    )
    apportion: Literal["population", "area", "equal"] = Field(
        "population", description="Weights where a municipality of another date was divided."
    )
    max_quarantined_share: float = Field(
        1.0, ge=0, le=1, description="A larger share of quarantined rows stops the run."
    )


class Coverage(Keys):
    """Which territory the extract covers; outside it a value is not_covered, never zero."""

    regions: tuple[str, ...] = Field((), description="Region codes (09) or names.")
    provinces: tuple[str, ...] = Field((), description="Province codes (100), sigle or names.")
    municipalities: tuple[str, ...] = Field((), description="Six-character ISTAT codes.")

    @property
    def is_national(self) -> bool:
        """Tell whether the extract covers the whole country."""
        return not (self.regions or self.provinces or self.municipalities)


class ReferenceTotal(Keys):
    """Totals of a wider territory that the extract does not cover, given by the user."""

    area: str = Field(description='"italia", or a region code or name.')
    chain: str
    year: Year
    firms: int = Field(ge=0)
    known: int | None = Field(None, ge=0)
    digital: int | None = Field(None, ge=0)
    source: Words

    @model_validator(mode="after")
    def _coherent(self) -> ReferenceTotal:
        known = self.firms if self.known is None else self.known
        if known > self.firms or (self.digital or 0) > known:
            raise ValueError(
                f"reference {self.area}, {self.chain}: digital may not exceed known, nor known "
                "firms"
            )
        return self


class PopulationTable(Keys):
    """Residents given by the user, instead of those that ship."""

    path: str = Field(description="CSV under the study's folder or --data-root.")
    separator: str = Field(";", min_length=1, max_length=1)
    code: str = Field("pro_com_t", description="Column of the six-character ISTAT code.")
    population: str = Field("population", description="Column of persons.")
    year: Year
    source: Words = Field(description="Source and licence, printed on every artefact.")


class ProvinceTotals(Keys):
    """Official numbers of firms by province, to compare an extract with."""

    path: str = Field(description="CSV under the study's folder or --data-root.")
    separator: str = Field(";", min_length=1, max_length=1)
    province: str = Field("province", description="Column of the sigla, name or code.")
    firms: str = Field("firms", description="Column of the number of firms.")
    year: Year
    source: Words = Field(description="Source and licence, e.g. Movimprese 2024.")


class Quality(Keys):
    """What the data-quality report compares with."""

    province_totals: ProvinceTotals | None = None


class Disclosure(Keys):
    """What a public artefact may not carry."""

    threshold: int = Field(5, ge=3, description="Shares of fewer firms are suppressed.")


class Basemap(Keys):
    """Pictures of a map server that the reader of the atlas may put under it."""

    tiles: str = Field(
        pattern=r"^https://[A-Za-z0-9.-]+(:\d{1,5})?/[A-Za-z0-9_./{}@=?&%+-]*$",
        max_length=300,
        description="Address of the tiles, with {z}, {x} and {y}; https only.",
    )
    attribution: Title = Field(description="Source and licence of the tiles, shown on the map.")

    @model_validator(mode="after")
    def _coherent(self) -> Basemap:
        places = re.findall(r"\{([^}]*)\}", self.tiles)
        if sorted(set(places)) != ["x", "y", "z"] or re.search(r"[{}]", self.tiles.split("/")[2]):
            raise ValueError("basemap.tiles needs {z}, {x} and {y}, and no other placeholder")
        return self


class Outputs(Keys):
    """Which files a run writes."""

    formats: tuple[Literal["atlas", "geopackage", "panel", "tables", "firms"], ...] = (
        "atlas",
        "geopackage",
        "panel",
        "tables",
        "firms",
    )
    basemap: Basemap | None = Field(
        None,
        description="Of the atlas: off until its reader asks; without it no request is possible.",
    )
    crs: Literal["EPSG:32632", "EPSG:7794", "EPSG:6707", "EPSG:6708", "EPSG:3035", "EPSG:4326"] = (
        Field("EPSG:32632", description="Reference system of the GeoPackage; ISTAT's by default.")
    )
    publisher: Words = Field("", description="Body that answers for the data, in metadata records.")
    contact: Words = Field("", description="Its e-mail address, in the same.")
    licence: Literal["", "CC BY 4.0", "CC0 1.0"] = Field(
        "", description="Under which the results are published, in the same."
    )

    @field_validator("contact")
    @classmethod
    def _address(cls, text: str) -> str:
        if text and not re.fullmatch(r"[^@\s<>]+@[^@\s<>]+", text):
            raise ValueError("is no e-mail address; write it as ufficio@ente.it")
        return text


class Study(IndicatorKeys):
    """One analysis, complete: everything that decides its results."""

    title: Title
    title_en: Words = ""
    language: Literal["it", "en"] = "it"
    audience: Literal["public", "internal"] = "public"
    simulated: bool = Field(False, description="The firms are invented: said on every artefact.")
    seed: int = Field(20250101, ge=0, lt=2**63)
    data_date: dt.date = Field(description="Reference date of the data, printed everywhere.")
    boundary_date: dt.date = dt.date(2025, 1, 1)
    boundary_layer: Literal["shipped", "generalized", "detailed"] = Field(
        "shipped", description="The layer that ships, or ISTAT's own after boundaries fetch."
    )
    unit: Literal["impresa", "sede", "unita_locale"]
    status: Literal["registrata", "attiva"]
    years: tuple[Year, ...] | None = Field(
        None, min_length=1, description="All years found when absent."
    )
    firms: tuple[FirmSource, ...] = Field(min_length=1)
    place: Place = Place()
    coverage: Coverage = Coverage()
    chains: Chains = Chains()
    universe: UniverseKeys = Universes()
    digital: Digital = Digital()
    signal: tuple[StudySignal, ...] = ()
    signal_source: tuple[SignalSource, ...] = ()
    index: Index | None = None
    statistics: Statistics = Statistics()
    drivers: Drivers = Drivers()
    reference: tuple[ReferenceTotal, ...] = ()
    population: PopulationTable | None = None
    quality: Quality = Quality()
    disclosure: Disclosure = Disclosure()
    outputs: Outputs = Outputs()

    @model_validator(mode="after")
    def _coherent(self) -> Study:
        for source in self.firms:
            if source.kind == "counts" and source.columns.firms is None:
                raise ValueError("a source of kind 'counts' needs columns.firms")
            if source.year is None and source.columns.year is None:
                raise ValueError(f"{source.path}: give columns.year, or year for a snapshot")
            unmapped = [role for role in source.keep if getattr(source.columns, role) is None]
            if unmapped:
                raise ValueError(f"{source.path}: keep needs columns.{unmapped[0]}")
        if self.digital.signals and self.index is not None:
            raise ValueError("[digital] signals and [index] both say who is digital: keep one")
        return self


def read_study(path: Path) -> Study:
    """Read a study file.

    Parameters
    ----------
    path : Path
        A TOML file.

    Returns
    -------
    Study
        Checked and frozen.

    Raises
    ------
    StudyError
        ``STUDY_MISSING``, ``STUDY_SYNTAX`` or ``STUDY_INVALID``; the message names each key, its
        value and the allowed ones.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise StudyError(
            "STUDY_MISSING", f"{path} does not exist. Write one with: geo-engine init EXTRACT"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise StudyError("STUDY_UNREADABLE", f"{path}: {error}. Save it as UTF-8 text.") from None
    try:
        keys = tomllib.loads(text)
    except RecursionError:
        raise StudyError("STUDY_SYNTAX", f"{path}: nested too deep to be a study.") from None
    except ValueError as error:  # TOMLDecodeError, and numbers of thousands of digits
        raise StudyError("STUDY_SYNTAX", f"{path}: {error}.") from None
    return parse_study(keys, where=str(path))


def parse_study(keys: dict[str, Any], *, where: str = "study") -> Study:
    """Check a study given as nested keys.

    Parameters
    ----------
    keys : dict
        As read from TOML.
    where : str
        What to call it in messages.

    Returns
    -------
    Study
        Checked and frozen.

    Raises
    ------
    StudyError
        ``STUDY_INVALID``, with one line for each key that is wrong.
    """
    try:
        return Study.model_validate(keys)
    except pydantic.ValidationError as invalid:
        lines = "\n  ".join(explain(invalid, Study))
        raise StudyError("STUDY_INVALID", f"{where}:\n  {lines}") from None
