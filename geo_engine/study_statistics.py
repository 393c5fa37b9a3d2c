"""The statistics of a study: neighbors, local tests, families, robustness, further tests."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from geo_engine.study_sources import Keys

Level = Annotated[float, Field(gt=0, lt=0.5)]
FurtherTest = Literal[
    "geary",
    "multivariate_geary",
    "bivariate_moran",
    "join_count",
    "join_count_of_two",
    "co_location",
    "heteroscedasticity",
    "neighborhood_rate",
]
Context = Literal["population", "population_density", "firm_density", "location_quotient"]
PAIRED = ("multivariate_geary", "bivariate_moran", "join_count_of_two", "co_location")
"""Further tests of two variables."""


class Neighborhood(Keys):
    """Who counts as a neighbor."""

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

    @model_validator(mode="after")
    def _complete(self) -> Neighborhood:
        needs = {"k_nearest": ("k",), "distance_band": ("band_km",), "file": ("neighbors_file",)}
        for key in needs.get(self.neighbors, ()):
            if getattr(self, key) is None:
                raise ValueError(f"neighbors = {self.neighbors} needs {key}")
        if self.neighbors == "kernel" and (
            self.kernel is None or (self.k is None) == (self.band_km is None)
        ):
            raise ValueError("neighbors = kernel needs kernel, and one of band_km and k")
        return self

    @property
    def described(self) -> str:
        """Say in one word and numbers who is a neighbor: ``k_nearest 6``."""
        step = f" {self.order}" if self.order > 1 else ""
        words = {
            "k_nearest": f"k_nearest {self.k}",
            "distance_band": f"distance_band {self.band_km:g} km" if self.band_km else "",
            "kernel": f"kernel {self.kernel} "
            + (f"{self.band_km:g} km" if self.band_km else f"{self.k}"),
        }
        return words.get(self.neighbors, self.neighbors) + step


class Robustness(Keys):
    """Other specifications under which the hotspots are looked for again."""

    enabled: bool = Field(True, description="false: no column of robustness.")
    neighbors: tuple[Neighborhood, ...] = Field(
        (Neighborhood(neighbors="k_nearest", k=6), Neighborhood(order=2)),
        description="Besides the study's own.",
    )
    alphas: Annotated[tuple[Level, ...], Field(min_length=1)] = (0.01, 0.05, 0.1)
    periods: Annotated[tuple[Annotated[int, Field(ge=0, le=10)], ...], Field(min_length=1)] = Field(
        (0, 1), description="0: the year itself; 1: the year of the panel before it; and so on."
    )
    smoothing: Annotated[
        tuple[Literal["standardized", "empirical_bayes", "raw"], ...], Field(min_length=1)
    ] = Field(("standardized", "empirical_bayes"), description="What the shares are tested as.")


class Further(Keys):
    """One more local test beside the official one."""

    test: FurtherTest
    chain: str | None = Field(None, description="Key of a chain; all chains when absent.")
    other: str | Context | None = Field(
        None, description="The second variable: a chain, or a context variable."
    )

    @model_validator(mode="after")
    def _paired(self) -> Further:
        if (self.other is None) == (self.test in PAIRED):
            need = "needs other" if self.other is None else "takes no other"
            raise ValueError(f"further test {self.test} {need}")
        return self


class Statistics(Neighborhood):
    """Neighbors, tests and the correction for many comparisons."""

    alpha: Level = 0.05
    alternative: Literal["two-sided", "greater", "less"] = Field(
        "two-sided", description="greater: only high neighborhoods are looked for."
    )
    family: Literal["map", "year", "panel"] = Field(
        "map",
        description="Family of the false discovery rate that decides: one map, all chains of a "
        "year, or all maps. Only with map does a chain or year more never change a verdict.",
    )
    correction: Literal["bh", "by"] = Field(
        "bh", description="Benjamini-Hochberg, or Benjamini-Yekutieli (any dependence)."
    )
    min_covered_places: int = Field(30, ge=3, description="Fewer covered places: no local test.")
    min_positive_places: int = Field(10, ge=1, description="Fewer non-zero places: no local test.")
    min_firms: int = Field(30, ge=0, description="Fewer firms on a map: no local test.")
    permutations: int = Field(
        199, ge=0, le=99_999, description="Random maps behind the global statistics; 0 for none."
    )
    residual_terms: tuple[Context, ...] = Field(
        ("population", "firm_density", "location_quotient"),
        description="The share is tested again net of these; none: no such test.",
    )
    robustness: Robustness = Robustness()
    further: tuple[Further, ...] = ()
