"""Do near places resemble each other? Exact local tests, Moran's I, and multiplicity."""

from geo_engine.space.autocorrelation import LocalTest, local_autocorrelation
from geo_engine.space.multiplicity import benjamini_hochberg
from geo_engine.space.random_labelling import Labels

__all__ = ["Labels", "LocalTest", "benjamini_hochberg", "local_autocorrelation"]
