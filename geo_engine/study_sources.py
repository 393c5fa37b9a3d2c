"""The extracts of a study: where they are, how they are written, what their columns hold."""

from __future__ import annotations

import datetime as dt
import unicodedata
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

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


class Keys(BaseModel):
    """A group of keys: unknown ones are refused, values never change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Columns(Keys):
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
    employees_class: Column | None = Field(None, description="The same as a class (10-49).")
    turnover: Column | None = Field(None, description="Turnover (fatturato), euro.")
    turnover_class: Column | None = Field(None, description="The same as a class.")
    assets: Column | None = Field(None, description="Balance sheet total (attivo), euro.")
    legal_form: Column | None = Field(None, description="Legal form (forma giuridica).")
    rea: Column | None = Field(None, description="REA number in the business register.")
    registered: Column | None = Field(None, description="Date or year of registration.")
    ceased: Column | None = Field(None, description="Date or year of cessation.")
    secondary_ateco: Column | None = Field(None, description="Secondary ATECO codes.")
    firms: Column | None = Field(None, description="Counts only: number of firms of the row.")
    known: Column | None = Field(None, description="Counts only: firms with a known signal.")
    digital: Column | None = Field(None, description="Counts only: digital firms of the row.")


class FirmSource(Keys):
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
    secondary_separator: str = Field(
        "", max_length=3, description="Between secondary codes, where it is not told by itself."
    )
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
    size_letters: Literal["", "startup"] = Field(
        "", description="startup: classes of size are the letters of that register (A to H)."
    )
    keep: dict[
        Literal["firm_status", "unit_type"], Annotated[tuple[str, ...], Field(min_length=1)]
    ] = Field(
        default_factory=dict,
        description="Accepted values of a column; other rows are set aside as OUT_OF_STUDY.",
    )
