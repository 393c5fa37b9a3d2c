"""Values on a grid of five rows and eight columns, on which R's spdep was run.

::

    library(spdep)                                    # 1.2-7
    nb <- cell2nb(5, 8, type = "queen"); i <- 0:39
    W <- nb2listw(nb, style = "W"); B <- nb2listw(nb, style = "B")
    x <- (37*i) %% 11 + (i %/% 5); y <- (23*i) %% 13 + 0.25*x; b <- as.integer(x > 8)
"""

import numpy as np

from geo_engine.space.panel_maps import Inference
from tests.space.conftest import lattice_graph, panel

CELL = np.arange(40)
X = (37 * CELL) % 11 + CELL // 5
Y = (23 * CELL) % 13 + 0.25 * X
B = (X > 8).astype(float)
GRAPH = lattice_graph(5, 8)
SETTINGS = Inference(seed=5)


def on(values, graph=GRAPH):
    """Shape values as one map."""
    return panel(values, graph.unique_ids)


def of(found, name):
    """Give the only map of a result."""
    return found[name].transpose("place", ...).to_numpy()[:, 0, 0]
