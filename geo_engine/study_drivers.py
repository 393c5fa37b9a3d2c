"""What a study asks of the models of drivers."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from geo_engine.study_sources import Keys, Title, Words

Term = Literal["population", "firm_density", "location_quotient"]
FirmTerm = Literal["size", "legal_form", "age", "chain", "phase"]
Name = Annotated[str, Field(min_length=1)]


class PlaceModels(Keys):
    """Regressions of the digital share of municipalities; needs the extra ``models``."""

    enabled: bool = Field(False, description="true: fit them, for each chain in the last year.")
    terms: tuple[Term, ...] = Field(
        ("population", "firm_density", "location_quotient"), min_length=1
    )
    within_regions: bool = Field(
        True, description="Municipalities are compared with those of their own region."
    )
    form: Literal["suggested", "ols", "lag", "error", "durbin"] = Field(
        "suggested", description="Spatial form; suggested follows the Lagrange multiplier tests."
    )
    estimator: Literal["gmm", "ml"] = "gmm"
    local: bool = Field(False, description="Also geographically weighted: a map of coefficients.")


class FirmModels(Keys):
    """Logistic regressions of a signal among single firms; needs the extra ``models``."""

    enabled: bool = Field(False, description="true: fit them in the last year.")
    signal: str = Field("", description="Key of a signal; the study's digital index when empty.")
    terms: tuple[FirmTerm, ...] = Field(
        ("size", "legal_form", "age", "chain", "phase"),
        min_length=1,
        description="chain counts among all firms of the chains, phase within each chain.",
    )
    context: tuple[Literal["population", "density"], ...] = Field(
        ("population", "density"), description="What their municipality is like."
    )


class SurveyKeys(Keys):
    """A survey of firms: what they say holds them back or drives them."""

    path: str = Field(min_length=1, description="CSV under the study's folder or --data-root.")
    separator: str = Field(";", min_length=1, max_length=1)
    decimal: Literal[".", ","] = Field(",", description="Decimal mark of the weights.")
    questions: dict[Name, Title] = Field(
        min_length=1, description="Columns of answers (sì/no, or a choice) and what they ask."
    )
    questions_en: dict[Name, Words] = Field(default_factory=dict)
    by: tuple[tuple[Name, ...], ...] = Field(
        ((),), description="Crossings of columns to tabulate; [] is the total."
    )
    domains: tuple[tuple[Name, ...], ...] = Field(
        (), description="Crossings that the survey was designed to describe; nothing finer."
    )
    dimensions: dict[Name, Title] = Field(
        default_factory=dict, description="Names of the columns of by."
    )
    weight: Name = Field(description="Column: firms that a respondent stands for.")
    respondent: str = Field("", description="Column of the respondent, where it has several rows.")
    stratum: str = Field("", description="Column of the strata of the draw.")
    cluster: str = Field("", description="Column of the units drawn, where they are groups.")
    population: str = Field("", description="Column of the units in the stratum.")
    source: Words = Field("", description="Source and licence, printed with the table.")

    @model_validator(mode="after")
    def _coherent(self) -> SurveyKeys:
        if set(self.questions_en) - set(self.questions):
            raise ValueError("drivers.survey: questions_en names a column that is no question")
        return self


class Drivers(Keys):
    """What goes with digitalization."""

    places: PlaceModels = PlaceModels()
    firms: FirmModels = FirmModels()
    survey: SurveyKeys | None = None
