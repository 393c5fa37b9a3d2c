"""What a study says of its supply chains; see ``docs/chains.md``."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from geo_engine.study_sources import Keys, Words

Prefixes = tuple[Annotated[str, Field(min_length=1, max_length=20)], ...]
Perimeter = Literal["wide", "strict"]
Name = Annotated[str, Field(pattern="^[a-z][a-z0-9_]{0,39}$")]


class PhaseCodes(Keys):
    """Prefixes of one ATECO edition by phase; ``esclusa`` takes codes out of wider prefixes."""

    monte: Prefixes = ()
    produzione: Prefixes = ()
    distribuzione: Prefixes = ()
    servizi: Prefixes = ()
    esclusa: Prefixes = ()


class ChainLine(Keys):
    """One activity of a chain, with its reason."""

    phase: Literal["monte", "produzione", "distribuzione", "servizi", "esclusa"]
    ateco_2007: Prefixes = ()
    ateco_2025: Prefixes = ()
    perimeter: Literal["both", "wide", "strict"] = "both"
    territory: str = Field("", description="Name under chains.territories where alone it holds.")
    weight: float = Field(1.0, gt=0, le=1, description='Counts with weights = "given".')
    reason: Words = ""
    source: Words = ""


class CustomChain(Keys):
    """A chain defined in the study, of its own or as a change of one that ships."""

    label: Words = Field("", description="Name in Italian; not needed with based_on.")
    label_en: Words = ""
    description: Words = ""
    description_en: Words = ""
    note: Words = ""
    note_en: Words = ""
    based_on: str = Field("", description="Key of a chain that ships, whose lines it begins with.")
    ateco_2007: PhaseCodes = PhaseCodes()
    ateco_2025: PhaseCodes = PhaseCodes()
    lines: tuple[ChainLine, ...] = ()
    reason: Words = Field("", description="Of the prefixes listed by phase.")
    source: Words = ""
    territory: str = ""


class Chains(Keys):
    """Which supply chains are studied, and how much of a firm each has."""

    use: tuple[str, ...] | Literal["all"] = "all"
    custom: dict[str, CustomChain] = Field(default_factory=dict)
    perimeter: Perimeter | dict[str, Perimeter] = Field(
        "wide", description="wide or strict, for all chains or by key."
    )
    weights: Literal["whole", "equal", "given"] = Field(
        "whole", description="A firm counts 1 in each of its chains, or is divided among them."
    )
    secondary_weight: float = Field(
        0.0, ge=0, le=1, description="Weight of a chain that only secondary codes give."
    )
    edition: Literal["own", "2025"] = Field(
        "own", description="2025: codes of ATECO 2007 are turned into those of 2025 first."
    )
    recode: str = Field(
        "", description="CSV of firms with both codes: ateco_2007;ateco_2025;firms."
    )
    territories: dict[Name, str | tuple[str, ...]] = Field(
        default_factory=dict,
        description="Municipalities of a named territory: a CSV, or their ISTAT codes. costieri is "
        "told from the boundaries where the study does not list it.",
    )

    @model_validator(mode="after")
    def _coherent(self) -> Chains:
        if self.recode and self.edition != "2025":
            raise ValueError('chains.recode is of no use without edition = "2025": add it')
        return self
