"""The example publication with what a whole study adds: need, priorities, similar places, index."""

import dataclasses

import numpy as np
import pandas as pd

from geo_engine.indicators.priorities import need_quadrants
from geo_engine.indicators.registry import load_registry
from geo_engine.study_indicators import CompositeKeys, SimilarKeys
from geo_engine.territory_comparison import (
    PriorityRule,
    compare,
    find_similar,
    need_of,
    priorities,
    reference_share,
    similar_table,
)
from geo_engine.territory_composite import Ground, composite_found, composite_rows, with_context

ALIKE = 20
"""Similar places of each: more than the page lists."""


def standing(publication):
    """Add what the stages of comparison find, by their own functions."""
    results = publication.results
    panel, everyone = results.panel, results.panel["firms"].sum("chain")
    quotient = panel["location_quotient"]
    before = panel["firms"].shift(year=1)
    panel = panel.assign(
        location_quotient_low=0.8 * quotient,
        location_quotient_high=1.25 * quotient,
        specialized=(np.sign(quotient - 1.25) * (abs(quotient - 1.025) > 0.225)).astype(np.int8),
        growth=(panel["firms"] / before - 1).where(before > 0),
    )
    crossed = need_quadrants(need_of(panel, None, reference_share(panel)))
    panel = panel.assign({name: crossed[name] for name in ("digital_gap", "need_quadrant")})
    rule = PriorityRule(target=None, least_firms=10)
    bare = pd.DataFrame(index=results.places.index)
    similar = find_similar(results.places, panel, everyone, bare, SimilarKeys(number=ALIKE))
    registry = load_registry()
    keys = CompositeKeys(
        indicators=("share_eb", "firms_per_1000"),
        label="Indice di prova",
        label_en="Trial index",
        draws=20,
        polarity={"firms_per_1000": 1},
    )
    found = composite_found(
        Ground(
            panel=with_context(panel, results.places, everyone),
            regions=results.places["cod_reg"],
            registry=registry,
            goalposts=None,
            least_firms=10,
            seed=7,
        ),
        keys,
    )
    changed = dataclasses.replace(
        results,
        panel=panel.assign(found.scores.data_vars),
        registry=registry | composite_rows(found),
        similar=similar_table(similar),
        benchmarks=compare(panel, results.places, similar, national=True),
        priorities=priorities(panel, results.change, rule),
        priority_rule=rule,
        composite=found,
    )
    return dataclasses.replace(publication, results=changed)
