"""Study: what one analysis asks for, read from a TOML file and checked key by key."""

from __future__ import annotations

import datetime as dt
import difflib
import tomllib
import types
import typing
from pathlib import Path
from typing import Annotated, Any, Literal

import pydantic
from pydantic import BaseModel, ConfigDict, Field, model_validator

from geo_engine.errors import StudyError

Placing = Literal["coordinates", "istat_code", "cadastral_code", "name"]
Year = Annotated[int, Field(ge=1991, le=2100)]


class _Keys(BaseModel):
    """A group of keys: unknown ones are refused, values never change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Columns(_Keys):
    """Which column of the extract holds what; a number (from 1) where the file has no header."""

    firm_id: str | int | None = Field(None, description="Identifier of the row's unit.")
    tax_code: str | int | None = Field(None, description="Tax code of the enterprise.")
    name: str | int | None = Field(None, description="Name of the firm (never published).")
    istat_code: str | int | None = Field(None, description="ISTAT code of the municipality.")
    cadastral_code: str | int | None = Field(None, description="Cadastral code (H501).")
    municipality: str | int | None = Field(None, description="Name of the municipality.")
    province: str | int | None = Field(None, description="Province: sigla or name.")
    region: str | int | None = Field(None, description="Region: name.")
    lon: str | int | None = Field(None, description="Longitude or easting.")
    lat: str | int | None = Field(None, description="Latitude or northing.")
    ateco: str | int | None = Field(None, description="ATECO code.")
    ateco_version: str | int | None = Field(None, description="ATECO edition of the row.")
    year: str | int | None = Field(None, description="Reference year of the row.")
    unit_type: str | int | None = Field(None, description="Type of unit (sede, unità locale).")
    firm_status: str | int | None = Field(None, description="Status (registrata, attiva).")
    firms: str | int | None = Field(None, description="Counts only: number of firms of the row.")
    known: str | int | None = Field(None, description="Counts only: firms with a known signal.")
    digital: str | int | None = Field(None, description="Counts only: digital firms of the row.")


class FirmSource(_Keys):
    """One extract: where it is, how it is written, and what its columns hold."""

    path: str = Field(description="File or glob, under the study's folder or --data-root.")
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
    total_rows: tuple[str, ...] = Field(
        (), description="Words that mark a row of totals in its first filled field, e.g. Totale."
    )
    decimal: Literal["auto", ".", ","] = Field("auto", description="Decimal mark of coordinates.")
    crs: str = Field("EPSG:4326", description="Reference system of the coordinates.")
    ateco_version: Literal["2007", "2025", "detect"] = Field(
        "detect", description="Edition of the ATECO codes, or detect by marker codes."
    )
    ateco: str = Field("", description="ATECO code of every row, where there is no column of it.")
    year: Year | None = Field(None, description="Year of a one-date snapshot.")
    licence: str = Field("", description="Source and licence, printed on every artefact.")
    columns: Columns = Columns()
    keep: dict[Literal["firm_status", "unit_type"], tuple[str, ...]] = Field(
        default_factory=dict,
        description="Accepted values of a column; other rows are set aside as OUT_OF_STUDY.",
    )


class Signal(_Keys):
    """One observable sign that a firm is digital, derived from one column by a closed rule."""

    column: str | int
    label: str = Field(description='How it is called in Italian: "imprese con sito web".')
    label_en: str = Field("", description="The same in English; the Italian one by default.")
    rule: Literal["flag", "website", "filled", "at_least", "one_of"] = "flag"
    yes: tuple[str, ...] = Field(("1", "si", "sì", "true", "yes", "s", "y", "x", "vero"))
    no: tuple[str, ...] = Field(("0", "no", "false", "n", "falso", "assente"))
    threshold: float | None = Field(None, description="Rule at_least: the smallest yes.")
    empty: Literal["unknown", "no"] = Field("unknown", description="What an empty field means.")


class Digital(_Keys):
    """How several signals make a firm digital."""

    signals: tuple[Signal, ...] = ()
    combine: Literal["any", "all"] | Annotated[int, Field(ge=1)] = Field(
        "any", description="any, all, or the smallest number of signals."
    )
    label: str = Field("", description='Name of the combination; e.g. "imprese digitali".')
    label_en: str = ""


class PhaseCodes(_Keys):
    """Prefixes of one ATECO edition by phase."""

    monte: tuple[str, ...] = ()
    produzione: tuple[str, ...] = ()
    distribuzione: tuple[str, ...] = ()
    servizi: tuple[str, ...] = ()


class CustomChain(_Keys):
    """A chain defined in the study itself."""

    label: str
    label_en: str = ""
    ateco_2007: PhaseCodes = PhaseCodes()
    ateco_2025: PhaseCodes = PhaseCodes()


class Chains(_Keys):
    """Which supply chains are studied."""

    use: tuple[str, ...] | Literal["all"] = "all"
    custom: dict[str, CustomChain] = Field(default_factory=dict)


class Place(_Keys):
    """How firms are placed in municipalities."""

    order: tuple[Placing, ...] = ("coordinates", "istat_code", "cadastral_code", "name")
    snap_distance_m: float = Field(500.0, ge=0, le=5000)
    trust: Literal["coordinates", "declared", "quarantine"] = Field(
        "coordinates", description="Which one counts when coordinates and declaration differ."
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

    neighbors: Literal["queen", "rook"] = "queen"
    alpha: float = Field(0.05, gt=0, lt=0.5)
    family: Literal["map", "panel"] = Field(
        "map", description="Family of the false discovery rate that decides: one map, or all."
    )
    min_covered_places: int = Field(30, ge=3, description="Fewer covered places: no local test.")
    min_positive_places: int = Field(10, ge=1, description="Fewer non-zero places: no local test.")


class ReferenceTotal(_Keys):
    """Totals of a wider territory that the extract does not cover, given by the user."""

    area: str = Field(description='"italia", or a region code or name.')
    chain: str
    year: Year
    firms: int = Field(ge=0)
    known: int | None = Field(None, ge=0)
    digital: int | None = Field(None, ge=0)
    source: str


class PopulationTable(_Keys):
    """Residents given by the user, instead of those that ship."""

    path: str = Field(description="CSV under the study's folder or --data-root.")
    separator: str = ";"
    code: str = Field("pro_com_t", description="Column of the six-character ISTAT code.")
    population: str = Field("population", description="Column of persons.")
    year: Year
    source: str = Field(description="Source and licence, printed on every artefact.")


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

    title: str
    title_en: str = ""
    language: Literal["it", "en"] = "it"
    audience: Literal["public", "internal"] = "public"
    simulated: bool = Field(False, description="The firms are invented: said on every artefact.")
    seed: int = Field(20250101, ge=0)
    data_date: dt.date = Field(description="Reference date of the data, printed everywhere.")
    boundary_date: dt.date = dt.date(2025, 1, 1)
    unit: Literal["impresa", "sede", "unita_locale"]
    status: Literal["registrata", "attiva"]
    years: tuple[Year, ...] | None = Field(None, description="All years found when absent.")
    firms: tuple[FirmSource, ...] = Field(min_length=1)
    place: Place = Place()
    coverage: Coverage = Coverage()
    chains: Chains = Chains()
    digital: Digital = Digital()
    statistics: Statistics = Statistics()
    reference: tuple[ReferenceTotal, ...] = ()
    population: PopulationTable | None = None
    disclosure: Disclosure = Disclosure()
    outputs: Outputs = Outputs()

    @model_validator(mode="after")
    def _coherent(self) -> Study:
        for source in self.firms:
            if source.kind == "counts" and source.columns.firms is None:
                raise ValueError("a source of kind 'counts' needs columns.firms")
            if source.year is None and source.columns.year is None:
                raise ValueError(f"{source.path}: give columns.year, or year for a snapshot")
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
    except tomllib.TOMLDecodeError as error:
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
        lines = [_explain(dict(error)) for error in invalid.errors()]
        raise StudyError("STUDY_INVALID", f"{where}:\n  " + "\n  ".join(lines)) from None


def _explain(error: dict[str, Any]) -> str:
    """Say in one line which key is wrong, its value, and what is allowed."""
    parts = [part for part in error["loc"] if not _is_type_tag(part)]
    key = ".".join(str(part) for part in parts) or "study"
    if error["type"] == "extra_forbidden":
        allowed = _sibling_keys(parts[:-1])
        near = difflib.get_close_matches(str(parts[-1]), allowed, n=1)
        hint = f" Did you mean {near[0]}?" if near else ""
        return f"{key} is not a key.{hint} Allowed here: {', '.join(allowed)}."
    if error["type"] == "missing":
        return f"{key} is missing: add it."
    return f"{key} = {error['input']!r}: {error['msg']}."


def _is_type_tag(part: object) -> bool:
    """Tell pydantic's names of union members from keys of the study."""
    return isinstance(part, str) and (
        "[" in part or part in {"bool", "int", "str", "constrained-int"}
    )


def _sibling_keys(parts: list[Any]) -> list[str]:
    """Name the keys allowed at one position of a study."""
    model: Any = Study
    for part in parts:
        if isinstance(part, int) or not hasattr(model, "model_fields"):
            continue
        field = model.model_fields.get(part)
        if field is not None:
            model = _inner_model(field.annotation)
    return list(getattr(model, "model_fields", {}))


def _inner_model(annotation: Any) -> Any:
    """Find the group of keys inside an annotation such as ``tuple[Signal, ...]``."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    if typing.get_origin(annotation) in (tuple, dict, types.UnionType, typing.Union):
        for inner in typing.get_args(annotation):
            found = _inner_model(inner)
            if found is not None:
                return found
    return None
