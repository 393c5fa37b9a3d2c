"""A publication whose local results are real: computed by geo-engine on the synthetic grid."""

from __future__ import annotations

import dataclasses

import pandas as pd
import xarray as xr

from geo_engine.disclosure.publication import Publication
from geo_engine.graph.neighbors import contiguity
from geo_engine.indicators.rates import assuncao_reis
from geo_engine.space.autocorrelation import LocalTest, local_autocorrelation
from geo_engine.space.random_labelling import Labels
from tests.outputs.example import example_publication, grid_places


def recomputable_publication(**facts: str) -> Publication:
    """Give an internal publication on 80 places, one of which is an island."""
    places = grid_places(8, 10)
    publication = example_publication(places, years=[2023, 2024], audience="internal", **facts)
    panel, graph = publication.results.panel, contiguity(places)
    test = LocalTest(counts=False, seed=1, details=True)
    counted = dataclasses.replace(test, counts=True)
    digital, known = panel["digital"], panel["known"]
    tested = [
        local_autocorrelation(panel["firms"], graph, counted)[0],
        local_autocorrelation(
            assuncao_reis(digital, known), graph, test, labels=Labels(digital=digital, known=known)
        )[0],
    ]
    links = graph.adjacency.reset_index()
    links = links.loc[links["weight"] > 0, ["focal", "neighbor", "weight"]]
    results = dataclasses.replace(
        publication.results,
        local=xr.concat(tested, dim=pd.Index(["firms", "share"], name="variable")),
        neighbors=links,
    )
    return dataclasses.replace(publication, results=results, audience="internal", banner="")
