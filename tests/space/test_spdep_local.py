"""Local Moran, Gi and Gi* as R's spdep prints them (1.2-7)::

nb <- cell2nb(5, 8, type = "queen"); i <- 0:39; x <- (37*i) %% 11 + (i %/% 5)
l <- localmoran(x, nb2listw(nb, style = "W")); l[1:8, 1:3]
localG(x, nb2listw(nb, style = "B"))[1:8]
localG(x, nb2listw(include.self(nb), style = "B"))[1:8]
"""

import numpy as np

from geo_engine.space import LocalTest, local_autocorrelation
from tests.space.lattice_cases import GRAPH, X, of, on

# Ii, E.Ii and Var.Ii: value, mean and variance given the place's own value
LOCAL_MORAN = [
    [1.06391828568419911, -0.112952545269714738, 1.265611803622835208],
    [0.53593429158110861, -0.030655018650595962, 0.212698907029965883],
    [0.09619333438635276, -0.000198453681315788, 0.001420228655447041],
    [1.09129679355552023, -0.087518073460262677, 0.571619884095635800],
    [0.53972516190175313, -0.018180787253603552, 0.127770183529906073],
    [-0.30753435476228091, -0.004410531815365176, 0.031430881438317508],
    [0.25351445269309741, -0.046369310150703287, 0.316516359097461120],
    [0.31416837782340851, -0.002952504768963463, 0.037184684015402647],
]
LOCAL_G = [
    -1.0461128590941779,
    -1.2285299467862234,
    -2.5577665356349928,
    -1.5591645098660627,
    -1.5607963226834187,
    -1.7097861285657430,
    -0.5330339498942106,
    -1.6445337617797289,
]
LOCAL_G_STAR = [
    -1.883681135469377,
    -1.549637692461008,
    -2.428864752013354,
    -2.099154604681225,
    -1.769444457349095,
    -1.439734310016965,
    -1.000120780240793,
    -1.622058755543075,
]


def differences():
    """Give the largest difference from each printed column, relative to its largest value."""
    test = LocalTest(counts=False, seed=1, details=True)
    local, _ = local_autocorrelation(on(X), GRAPH, test)
    columns = {
        "localmoran: value": ("moran", [row[0] for row in LOCAL_MORAN]),
        "localmoran: mean": ("moran_expected", [row[1] for row in LOCAL_MORAN]),
        "localmoran: variance": ("moran_variance", [row[2] for row in LOCAL_MORAN]),
        "localG": ("gi", LOCAL_G),
        "localG with self": ("gi_star", LOCAL_G_STAR),
    }
    rows = []
    for name, (ours, theirs) in columns.items():
        found = of(local, ours)[:8]
        rows.append((name, float(np.abs(found - theirs).max() / np.abs(theirs).max())))
    return rows


def test_local_moran_gi_and_gi_star_are_those_that_spdep_prints():
    for name, difference in differences():
        assert difference < 1e-9, name
