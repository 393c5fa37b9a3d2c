"""The indicators that a study adds: its own, zones, composite, similar places, priorities."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from geo_engine.study_sources import Keys, Title, Words

Key = Annotated[str, Field(pattern="^[a-z][a-z0-9_]{1,40}$")]
Expression = Annotated[str, Field(min_length=1, max_length=400)]
Polarity = Literal[1, 0, -1]
Method = Literal["ampi", "mpi", "min_max", "z", "geometric"]


class OwnIndicator(Keys):
    """An indicator of the study: a ratio of sums of variables of the panel."""

    key: Key = Field(description="Name of its column.")
    numerator: Expression = Field(description="Arithmetic over variables of the panel.")
    denominator: str = Field("", max_length=400, description="The same; empty: no ratio.")
    unit: Title
    polarity: Polarity = 0
    decimals: int = Field(2, ge=0, le=6)
    label: Title = Field(description="Name in Italian.")
    label_en: Words = ""
    note: Words = Field("", description="What it means and how far to trust it, in Italian.")
    note_en: Words = ""


class ZoneTable(Keys):
    """A dated table of which municipality lies in which zones (labor systems, GAL, ZES, ...)."""

    path: str = Field(min_length=1, description="CSV under the study's folder or --data-root.")
    separator: str = Field(";", min_length=1, max_length=1)
    code: str = Field("pro_com_t", description="Column of the six-character ISTAT code.")
    zone: str = Field("zone_id", description="Column of the zone's code.")
    name: str = Field("", description="Column of the zone's name, if there is one.")
    geography: str = Field(
        "", description="Name of the geography where the table has no column of that name."
    )
    use: tuple[str, ...] = Field((), description="Geographies of the table to use; all when empty.")
    source: Words = Field("", description="Source and licence, printed with the zones.")


class CompositeKeys(Keys):
    """A composite index of indicators of the panel."""

    indicators: Annotated[tuple[Key, ...], Field(min_length=2, max_length=30)]
    label: Words = "Indice composito"
    label_en: Words = Field("", description="Name in English; the Italian one when absent.")
    method: Method = Field(
        "ampi",
        description="ampi: goalposts, comparable over years; mpi: z-scores of each map; both with "
        "the penalty of Mazziotta and Pareto. min_max and z: plain means; geometric.",
    )
    polarity: dict[str, Literal[1, -1]] = Field(
        default_factory=dict, description="Where the registry has 0, or another one is wanted."
    )
    weights: Literal["equal", "pca"] | dict[str, Annotated[float, Field(ge=0)]] = "equal"
    direction: Literal["positive", "negative"] = Field(
        "positive", description="negative: a high index is bad, and imbalance raises it."
    )
    smooth: bool = Field(
        True, description="Shrink ratios of few firms or residents before they enter."
    )
    outliers: Literal["treat", "keep"] = "treat"
    missing: Literal["exclude", "region_median"] = "exclude"
    least_weight: float = Field(1.0, gt=0, le=1, description="Part of the weights to be known.")
    goalposts: str = Field(
        "", description="File of frozen goalposts; made and written to the results when absent."
    )
    draws: int = Field(
        200, ge=0, le=10_000, description="Of the rank intervals; 0 for none, and no sensitivity."
    )
    weight_noise: float = Field(0.25, ge=0, lt=1)
    leave_one_out: bool = True

    @model_validator(mode="after")
    def _coherent(self) -> CompositeKeys:
        if len(set(self.indicators)) < len(self.indicators):
            raise ValueError("composite: an indicator stands twice in indicators")
        weights = self.weights if isinstance(self.weights, dict) else {}
        strange = (set(self.polarity) | set(weights)) - set(self.indicators)
        if strange:
            raise ValueError(f"composite: {', '.join(sorted(strange))} not among indicators")
        if weights and (set(weights) != set(self.indicators) or sum(weights.values()) <= 0):
            raise ValueError("composite: weights need one for each of indicators, not all 0")
        if self.goalposts and self.method != "ampi":
            raise ValueError("composite: goalposts belong to method ampi")
        return self


class SimilarKeys(Keys):
    """What makes places similar, besides size, density, area and specialization."""

    number: int = Field(15, ge=1, le=200, description="Similar places of each.")
    path: str = Field("", description="CSV of further features, such as altitude.")
    separator: str = Field(";", min_length=1, max_length=1)
    code: str = Field("pro_com_t", description="Column of the six-character ISTAT code.")
    columns: tuple[str, ...] = Field((), description="Its columns; numbers, or words (classes).")
    weights: dict[str, Annotated[float, Field(ge=0)]] = Field(
        default_factory=dict,
        description="Importance: population, density, area_km2, firms, coastal, specialization, "
        "columns; 1 where not named.",
    )

    @model_validator(mode="after")
    def _coherent(self) -> SimilarKeys:
        if bool(self.path) != bool(self.columns):
            raise ValueError("similar: path and columns go together")
        return self


class PriorityKeys(Keys):
    """Where to act: what the table of priorities compares with."""

    target: float | None = Field(
        None, gt=0, le=1, description="Share to reach; the covered territory's when absent."
    )
    least_firms: int = Field(10, ge=1, description="Fewer firms are watched only.")


class IndicatorKeys(Keys):
    """All keys of further indicators, as they stand in a study."""

    indicator: tuple[OwnIndicator, ...] = ()
    zones: tuple[ZoneTable, ...] = ()
    composite: CompositeKeys | None = None
    similar: SimilarKeys = SimilarKeys()
    priorities: PriorityKeys = PriorityKeys()

    @model_validator(mode="after")
    def _named_once(self) -> IndicatorKeys:
        keys = [own.key for own in self.indicator]
        twice = sorted({key for key in keys if keys.count(key) > 1})
        if twice:
            raise ValueError(f"indicator: {', '.join(twice)} defined twice")
        return self
