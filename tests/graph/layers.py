"""Small layers for the tests of graphs."""

import geopandas as gpd
import pandas as pd


def places_of(shapes, names=None, crs="EPSG:3035"):
    index = pd.Index(names or [f"{i:06d}" for i in range(len(shapes))], name="pro_com_t")
    return gpd.GeoDataFrame(index=index, geometry=list(shapes), crs=crs)


def links_of(graph):
    adjacency = graph.adjacency[graph.adjacency != 0]
    return set(adjacency.index)


def weights_of(graph):
    adjacency = graph.adjacency[graph.adjacency != 0]
    return {pair: float(weight) for pair, weight in adjacency.items()}
