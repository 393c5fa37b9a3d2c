"""Do near places resemble each other? Exact local tests, Moran's I, and multiplicity."""

from geo_engine.space.autocorrelation import REASONS, LocalTest, local_autocorrelation
from geo_engine.space.multiplicity import benjamini_hochberg, benjamini_yekutieli
from geo_engine.space.random_labelling import Labels
from geo_engine.space.sensitivity import (
    RESIDUAL_NOTE,
    residual_autocorrelation,
)

__all__ = [
    "REASONS",
    "RESIDUAL_NOTE",
    "Labels",
    "LocalTest",
    "benjamini_hochberg",
    "benjamini_yekutieli",
    "local_autocorrelation",
    "residual_autocorrelation",
]
