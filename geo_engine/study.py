"""Study: what one analysis asks for, read from a TOML file and checked key by key."""

from __future__ import annotations

import datetime as dt
import math
import tomllib
import unicodedata
from pathlib import Path
from typing import Annotated, Any, Literal

import pydantic
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from geo_engine.errors import StudyError
from geo_engine.study_errors import explain

Placing = Literal["coordinates", "istat_code", "cadastral_code", "name"]
FIRST_YEAR, LAST_YEAR = 1991, 2100
"""Years in which a row of an extract may be."""
Year = Annotated[int, Field(ge=FIRST_YEAR, le=LAST_YEAR)]


def _printable(text: str) -> str:
    """Refuse a text that cannot be shown on every artefact as it is."""
    if any(unicodedata.category(letter) in {"Cc", "Cs"} for letter in text):
        raise ValueError("a text that is shown may hold no control character or line end")
    return text


Words = Annotated[str, Field(max_length=500), AfterValidator(_printable)]
"""A text that stands on artefacts."""
Title = Annotated[str, Field(min_length=1, max_length=500), AfterValidator(_printable)]
Column = Annotated[str, Field(min_length=1)] | Annotated[int, Field(strict=True, ge=1)]
"""A column by its name, or by its number from 1."""
Prefixes = tuple[Annotated[str, Field(min_length=1, max_length=20)], ...]


class _Keys(BaseModel):
    """A group of keys: unknown ones are refused, values never change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Columns(_Keys):
    """Which column of the extract holds what; a number (from 1) where the file has no header."""

    firm_id: Column | None = Field(None, description="Identifier of the row's unit.")
    tax_code: Column | None = Field(None, description="Tax code of the enterprise.")
    name: Column | None = Field(None, description="Name of the firm (never published).")
    istat_code: Column | None = Field(None, description="ISTAT code of the municipality.")
    cadastral_code: Column | None = Field(None, description="Cadastral code (H501).")
    municipality: Column | None = Field(None, description="Name of the municipality.")
    province: Column | None = Field(None, description="Province: sigla or name.")
    postal_code: Column | None = Field(None, description="Postal code: tells homonyms apart.")
    region: Column | None = Field(None, description="Region: name.")
    lon: Column | None = Field(None, description="Longitude or easting.")
    lat: Column | None = Field(None, description="Latitude or northing.")
    ateco: Column | None = Field(None, description="ATECO code.")
    ateco_version: Column | None = Field(None, description="ATECO edition of the row.")
    year: Column | None = Field(None, description="Reference year of the row.")
    unit_type: Column | None = Field(None, description="Type of unit (sede, unità locale).")
    firm_status: Column | None = Field(None, description="Status (registrata, attiva).")
    employees: Column | None = Field(None, description="Persons employed (addetti).")
    firms: Column | None = Field(None, description="Counts only: number of firms of the row.")
    known: Column | None = Field(None, description="Counts only: firms with a known signal.")
    digital: Column | None = Field(None, description="Counts only: digital firms of the row.")


class FirmSource(_Keys):
    """One extract: where it is, how it is written, and what its columns hold."""

    path: str = Field(
        min_length=1, description="File or glob, under the study's folder or --data-root."
    )
    kind: Literal["records", "counts"] = Field("records", description="One firm a row, or counts.")
    format: Literal["auto", "csv", "parquet", "xlsx", "gpkg"] = "auto"
    encoding: Literal["auto", "utf-8", "cp1252"] = "auto"
    separator: str = Field("auto", description="Field separator of a CSV, or auto.")
    quote: Literal["auto", '"', "none"] = Field("auto", description="Quoting of a CSV.")
    header: bool | Annotated[int, Field(ge=1)] = Field(
        True, description="true, false (no header), or the line number of the header."
    )
    sheet: str | None = Field(None, description="Sheet of a workbook; the first by default.")
    layer: str | None = Field(None, description="Layer of a GeoPackage; the first by default.")
    total_rows: tuple[Annotated[str, Field(min_length=1)], ...] = Field(
        (), description="Words that mark a row of totals in its first filled field, e.g. Totale."
    )
    decimal: Literal["auto", ".", ","] = Field("auto", description="Decimal mark of coordinates.")
    crs: str = Field("EPSG:4326", description="Reference system of the coordinates.")
    ateco_version: Literal["auto", "2007", "2025", "detect"] = Field(
        "auto",
        description="Edition of the ATECO codes; auto refuses a mixed file, detect reads each code "
        "in the edition it fits.",
    )
    ateco: str = Field("", description="ATECO code of every row, where there is no column of it.")
    year: Year | None = Field(None, description="Year of a one-date snapshot.")
    licence: Words = Field("", description="Source and licence, printed on every artefact.")
    sha256: str = Field(
        "", pattern="^([0-9a-f]{64})?$", description="Digest that the file must have."
    )
    codes_date: dt.date | None = Field(
        None, description="Date of the municipalities' codes and names; any date when absent."
    )
    tax_codes: Literal["quarantine", "flag"] = Field(
        "quarantine", description="What becomes of a row whose tax code cannot be right."
    )
    seats: Literal["keep", "quarantine"] = Field(
        "keep", description="Rows of one tax code and year in several municipalities."
    )
    columns: Columns = Columns()
    keep: dict[
        Literal["firm_status", "unit_type"], Annotated[tuple[str, ...], Field(min_length=1)]
    ] = Field(
        default_factory=dict,
        description="Accepted values of a column; other rows are set aside as OUT_OF_STUDY.",
    )


class Signal(_Keys):
    """One observable sign that a firm is digital, derived from one column by a closed rule."""

    column: Column
    label: Title = Field(description='How it is called in Italian: "imprese con sito web".')
    label_en: Words = Field("", description="The same in English; the Italian one by default.")
    rule: Literal["flag", "website", "filled", "at_least", "one_of"] = "flag"
    yes: tuple[str, ...] = Field(("1", "si", "sì", "true", "yes", "s", "y", "x", "vero"))
    no: tuple[str, ...] = Field(("0", "no", "false", "n", "falso", "assente"))
    threshold: float | None = Field(None, description="Rule at_least: the smallest yes.")
    empty: Literal["unknown", "no"] = Field("unknown", description="What an empty field means.")

    @model_validator(mode="after")
    def _coherent(self) -> Signal:
        wanted = self.rule == "at_least"
        if wanted and (self.threshold is None or not math.isfinite(self.threshold)):
            raise ValueError(f"signal {self.label}: rule at_least needs threshold, a number")
        return self


class Digital(_Keys):
    """How several signals make a firm digital."""

    signals: tuple[Signal, ...] = ()
    combine: Literal["any", "all"] | Annotated[int, Field(ge=1)] = Field(
        "any", description="any, all, or the smallest number of signals."
    )
    label: Words = Field("", description='Name of the combination; e.g. "imprese digitali".')
    label_en: Words = ""


class PhaseCodes(_Keys):
    """Prefixes of one ATECO edition by phase."""

    monte: Prefixes = ()
    produzione: Prefixes = ()
    distribuzione: Prefixes = ()
    servizi: Prefixes = ()


class CustomChain(_Keys):
    """A chain defined in the study itself."""

    label: Title
    label_en: Words = ""
    ateco_2007: PhaseCodes = PhaseCodes()
    ateco_2025: PhaseCodes = PhaseCodes()


class Chains(_Keys):
    """Which supply chains are studied."""

    use: tuple[str, ...] | Literal["all"] = "all"
    custom: dict[str, CustomChain] = Field(default_factory=dict)


class Place(_Keys):
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


class Coverage(_Keys):
    """Which territory the extract covers; outside it a value is not_covered, never zero."""

    regions: tuple[str, ...] = Field((), description="Region codes (09) or names.")
    provinces: tuple[str, ...] = Field((), description="Province codes (100), sigle or names.")
    municipalities: tuple[str, ...] = Field((), description="Six-character ISTAT codes.")

    @property
    def is_national(self) -> bool:
        """Tell whether the extract covers the whole country."""
        return not (self.regions or self.provinces or self.municipalities)


class Statistics(_Keys):
    """Neighbors, tests and the correction for many comparisons."""

    neighbors: Literal["queen", "rook", "k_nearest", "distance_band", "kernel", "file"] = "queen"
    order: int = Field(1, ge=1, le=10, description="Steps of contiguity.")
    k: int | None = Field(None, ge=1, le=500, description="Number of nearest municipalities.")
    band_km: float | None = Field(None, gt=0, le=1000, description="Largest distance.")
    kernel: Literal["uniform", "triangular", "epanechnikov", "quartic", "gaussian"] | None = None
    bandwidth: float | None = Field(
        None, gt=0, description="Cost in the file (minutes, km) at which the kernel ends."
    )
    neighbors_file: str | None = Field(
        None, description="GAL, GWT, Parquet or CSV of links, for neighbors = file."
    )
    neighbors_columns: tuple[str, str, str] = ("focal", "neighbor", "weight")
    extra_links: tuple[tuple[str, str], ...] = Field(
        (), description="Bridges and ferries: pairs of ISTAT codes that are neighbors too."
    )
    isolates: Literal["exclude", "attach_nearest", "attach_components", "error"] = Field(
        "exclude", description="What becomes of municipalities without a neighbor."
    )
    alpha: float = Field(0.05, gt=0, lt=0.5)
    family: Literal["map", "panel"] = Field(
        "map", description="Family of the false discovery rate that decides: one map, or all."
    )
    min_covered_places: int = Field(30, ge=3, description="Fewer covered places: no local test.")
    min_positive_places: int = Field(10, ge=1, description="Fewer non-zero places: no local test.")

    @model_validator(mode="after")
    def _coherent(self) -> Statistics:
        needs = {"k_nearest": ("k",), "distance_band": ("band_km",), "file": ("neighbors_file",)}
        for key in needs.get(self.neighbors, ()):
            if getattr(self, key) is None:
                raise ValueError(f"neighbors = {self.neighbors} needs {key}")
        if self.neighbors == "kernel" and (
            self.kernel is None or (self.k is None) == (self.band_km is None)
        ):
            raise ValueError("neighbors = kernel needs kernel, and one of band_km and k")
        return self


class ReferenceTotal(_Keys):
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


class PopulationTable(_Keys):
    """Residents given by the user, instead of those that ship."""

    path: str = Field(description="CSV under the study's folder or --data-root.")
    separator: str = Field(";", min_length=1, max_length=1)
    code: str = Field("pro_com_t", description="Column of the six-character ISTAT code.")
    population: str = Field("population", description="Column of persons.")
    year: Year
    source: Words = Field(description="Source and licence, printed on every artefact.")


class ProvinceTotals(_Keys):
    """Official numbers of firms by province, to compare an extract with."""

    path: str = Field(description="CSV under the study's folder or --data-root.")
    separator: str = Field(";", min_length=1, max_length=1)
    province: str = Field("province", description="Column of the sigla, name or code.")
    firms: str = Field("firms", description="Column of the number of firms.")
    year: Year
    source: Words = Field(description="Source and licence, e.g. Movimprese 2024.")


class Quality(_Keys):
    """What the data-quality report compares with."""

    province_totals: ProvinceTotals | None = None


class Disclosure(_Keys):
    """What a public artefact may not carry."""

    threshold: int = Field(5, ge=3, description="Shares of fewer firms are suppressed.")


class Outputs(_Keys):
    """Which files a run writes."""

    formats: tuple[Literal["atlas", "geopackage", "panel", "tables", "firms"], ...] = (
        "atlas",
        "geopackage",
        "panel",
        "tables",
        "firms",
    )


class Study(_Keys):
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
    digital: Digital = Digital()
    statistics: Statistics = Statistics()
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
