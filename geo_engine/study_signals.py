"""What a study says of universes, signals, other tables and indexes of digital maturity."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from geo_engine.study_sources import FIRST_YEAR, LAST_YEAR, Column, Keys, Title, Words

Key = Annotated[str, Field(pattern="^[a-z][a-z0-9_]{0,39}$")]
SurveyYear = Annotated[int, Field(ge=FIRST_YEAR, le=LAST_YEAR)]


class OwnUniverse(Keys):
    """A universe defined in the study."""

    label: Title
    label_en: Words = ""
    persons: tuple[float] | tuple[float, float] | None = Field(
        None, description="[from, below], or [from]."
    )
    limits: Literal["micro", "small", "medium"] | None = None
    turnover: float | None = Field(None, gt=0)
    assets: float | None = Field(None, gt=0)


class Universes(Keys):
    """Which enterprises: ``universe = ["tutte", "pmi"]``, or a table with more keys."""

    use: Annotated[tuple[str, ...], Field(min_length=1, max_length=16)] = Field(
        ("tutte",), description="tutte, micro, pmi, pmi_10_249 or own ones; the first is main."
    )
    custom: dict[Key, OwnUniverse] = Field(default_factory=dict)
    unknown_money: Literal["persons", "undecided"] = Field(
        "persons", description="Who decides where neither turnover nor assets are known."
    )
    employees_of: Literal["enterprise", "unit"] = Field(
        "enterprise", description="unit: persons of local units are added up by enterprise."
    )


def _listed(value: Any) -> Any:
    """Take a name or a list of names for the universes in use."""
    if isinstance(value, str):
        return {"use": [value]}
    return {"use": value} if isinstance(value, (list, tuple)) else value


UniverseKeys = Annotated[Universes, BeforeValidator(_listed)]


class StudySignal(Keys):
    """One sign of digital maturity; see ``docs/signals.md``."""

    key: Key
    label: Title
    label_en: Words = ""
    kind: Literal[
        "boolean",
        "count",
        "category",
        "contains",
        "filled",
        "website",
        "ateco_prefix",
        "place",
        "listed",
        "any",
        "all",
        "at_least",
        "not",
    ] = "boolean"
    column: Column | None = None
    source: str = Field("", description="Name of the signal source that holds the column.")
    words: tuple[str, ...] = ()
    no: tuple[str, ...] = ()
    threshold: float | None = None
    prefixes: dict[Literal["2007", "2025"], tuple[str, ...]] = Field(default_factory=dict)
    preset: Literal["", "ecommerce", "innovative", "ict"] = ""
    of: tuple[str, ...] = ()
    empty: Literal["unknown", "no"] = "unknown"
    force: bool = Field(False, description="Take it although the law asks it of every firm.")


class SignalSource(Keys):
    """Another table, joined by tax code or REA number, or one of municipalities."""

    name: Key
    label: Title
    label_en: Words = ""
    path: str = Field(min_length=1)
    format: Literal["auto", "csv", "parquet", "xlsx", "gpkg"] = "auto"
    encoding: Literal["auto", "utf-8", "cp1252"] = "auto"
    separator: str = "auto"
    quote: Literal["auto", '"', "none"] = "auto"
    header: bool | Annotated[int, Field(ge=1)] = True
    sheet: str | None = None
    layer: str | None = None
    decimal: Literal["auto", ".", ","] = "auto"
    sha256: str = Field("", pattern="^([0-9a-f]{64})?$")
    licence: Words = ""
    ateco_version: Literal["", "2007", "2025"] = ""
    tax_code: Column | None = None
    rea: Column | None = None
    province: Column | None = Field(None, description="Province of the REA number.")
    istat_code: Column | None = Field(None, description="Of a table of municipalities.")
    weight: Column | None = Field(None, description="Weight of a row of municipalities.")
    year: Column | None = Field(None, description="Year of which alone a row speaks.")
    since: Column | None = Field(None, description="Year or date from which a row speaks.")
    pseudonyms: bool = False
    absent: Literal["unknown", "no"] = Field(
        "unknown", description="no: the table lists every firm of its kind."
    )
    resolve: Literal["unknown", "any", "all", "first", "last"] = "unknown"

    @model_validator(mode="after")
    def _keyed(self) -> SignalSource:
        by_firm = self.tax_code is not None or self.rea is not None
        if by_firm == (self.istat_code is not None):
            raise ValueError(
                f"signal_source {self.name} needs tax_code or rea, or istat_code alone for a "
                "table of municipalities"
            )
        return self


class Index(Keys):
    """How the signals make a firm digital."""

    kind: Literal["dii", "selfi", "score", "signals"] = "signals"
    label: Words = ""
    label_en: Words = ""
    of: tuple[Key, ...] = Field((), description="Kind signals: which; all of them by default.")
    combine: Literal["any", "all"] | Annotated[int, Field(ge=1)] = "any"
    version: Literal[3, 4] | None = Field(None, description="Kind dii.")
    survey_year: SurveyYear | None = Field(None, description="Kind dii: one edition, all years.")
    by_year: dict[SurveyYear, tuple[Literal[3, 4], SurveyYear]] = Field(
        default_factory=dict, description="Kind dii: [version, survey year] by year of the data."
    )
    items: dict[str, Key] = Field(default_factory=dict, description="Kind dii: signal by item.")
    weights: dict[Key, float] = Field(default_factory=dict, description="Kind score.")
    missing: Literal["strict", "known"] = "strict"
    least_known: float = Field(0.5, gt=0, le=1)
    at_least: float | str | None = Field(
        None, description="Digital from here: a score (50), or a profile (specialista)."
    )
    column: Column | None = Field(None, description="Kind selfi: profile or score of the firm.")
    thresholds: tuple[float, ...] | None = Field(
        None, description="Kind selfi with scores: where the four upper profiles begin."
    )

    @model_validator(mode="after")
    def _complete(self) -> Index:
        one = self.version is not None and self.survey_year is not None
        lacking = {
            "dii": bool(self.items) and one != bool(self.by_year),
            "selfi": self.column is not None and not isinstance(self.at_least, float),
            "score": bool(self.weights) and not isinstance(self.at_least, str),
            "signals": True,
        }
        needs = {
            "dii": "items, and either version with survey_year or by_year",
            "selfi": "column, and as at_least the name of a profile",
            "score": "weights, and as at_least a number",
        }
        if not lacking[self.kind]:
            raise ValueError(f"index of kind {self.kind} needs {needs[self.kind]}")
        return self
