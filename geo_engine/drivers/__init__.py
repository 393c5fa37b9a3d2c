"""What goes with digitalization: associations among firms and places, and what firms state.

Never causes: effects are estimated in ``geo_engine.change``.
"""

from geo_engine.drivers.association import (
    ASSOCIATION_COLUMNS,
    digital_associations,
    place_terms,
)
from geo_engine.drivers.firm_cells import FirmModel, collapse_firms, merge_cells
from geo_engine.drivers.firm_logit import FirmRegression, firm_logit
from geo_engine.drivers.gwr import GwrResult, geographically_weighted, local_table, place_points
from geo_engine.drivers.place_ols import PlaceRegression, place_ols
from geo_engine.drivers.place_sample import PlaceModel
from geo_engine.drivers.spatial_models import SpatialRegression, spatial_regression
from geo_engine.drivers.survey import SurveyTable, survey_frequencies
from geo_engine.drivers.survey_design import SurveyDesign

__all__ = [
    "ASSOCIATION_COLUMNS",
    "FirmModel",
    "FirmRegression",
    "GwrResult",
    "PlaceModel",
    "PlaceRegression",
    "SpatialRegression",
    "SurveyDesign",
    "SurveyTable",
    "collapse_firms",
    "digital_associations",
    "firm_logit",
    "geographically_weighted",
    "local_table",
    "merge_cells",
    "place_ols",
    "place_points",
    "place_terms",
    "spatial_regression",
    "survey_frequencies",
]
