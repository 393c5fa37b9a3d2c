"""What a study asks of the models of drivers."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from geo_engine.study_sources import Keys

Term = Literal["population", "firm_density", "location_quotient"]


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


class Drivers(Keys):
    """What goes with digitalization."""

    places: PlaceModels = PlaceModels()
