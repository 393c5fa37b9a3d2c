"""How many, how digital, how specialized: from firms to a panel of indicators."""

from geo_engine.indicators.concentration import location_quotient, per_km2, per_thousand
from geo_engine.indicators.counting import Counts, count_firms
from geo_engine.indicators.digital import SignalRule, combine_signals, signal_values
from geo_engine.indicators.panel import AreaLevel, build_area_panel, build_panel
from geo_engine.indicators.rates import assuncao_reis, empirical_bayes
from geo_engine.indicators.registry import Indicator, load_registry

__all__ = [
    "AreaLevel",
    "Counts",
    "Indicator",
    "SignalRule",
    "assuncao_reis",
    "build_area_panel",
    "build_panel",
    "combine_signals",
    "count_firms",
    "empirical_bayes",
    "load_registry",
    "location_quotient",
    "per_km2",
    "per_thousand",
    "signal_values",
]
