"""Whether residuals of neighbors resemble each other, and which model would take that up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from geo_engine.drivers.extras import load_extra
from geo_engine.drivers.place_sample import PlaceSample


@dataclass(frozen=True, kw_only=True)
class SpatialTest:
    """One test of a regression's residuals."""

    name: str
    statistic: float
    p_value: float
    degrees: float = np.nan
    expected: float = np.nan
    z: float = np.nan


def residual_tests(sample: PlaceSample) -> tuple[SpatialTest, ...]:
    """Test the residuals of least squares for likeness among neighbors.

    Parameters
    ----------
    sample : PlaceSample
        The regression's places.

    Returns
    -------
    tuple of SpatialTest
        ``residual_moran`` (mean and variance of regression residuals, two-sided normal),
        ``lm_lag``, ``lm_error``, their robust forms, and ``lm_durbin`` (lag and neighbors' terms
        together; without groups only). All NaN where no place has a neighbor.

    References
    ----------
    Cliff, A. D., Ord, J. K. (1981). Spatial Processes, 201-203. Pion.
    Anselin, L., Bera, A. K., Florax, R., Yoon, M. J. (1996). Simple diagnostic tests for spatial
    dependence. Regional Science and Urban Economics 26, 77-104.
    Koley, M., Bera, A. K. (2024). To use, or not to use the spatial Durbin model? That is the
    question. Spatial Economic Analysis 19, 30-56.
    """
    names = ("lm_lag", "lm_error", "robust_lm_lag", "robust_lm_error", "lm_durbin")
    if sample.weights.nnz == 0:
        unknown = ("residual_moran", *names)
        return tuple(SpatialTest(name=name, statistic=np.nan, p_value=np.nan) for name in unknown)
    diagnostics = load_extra("spreg.diagnostics_sp")
    fitted = load_extra("spreg.ols").BaseOLS(y=sample.outcome[:, None], x=sample.design)
    weights = as_w(sample.weights)
    moran = diagnostics.MoranRes(fitted, weights, z=True)
    tests = [
        SpatialTest(
            name="residual_moran",
            statistic=_float(moran.I),
            expected=_float(moran.eI),
            z=_float(moran.zI),
            p_value=_float(moran.p_norm),
        )
    ]
    found = diagnostics.LMtests(fitted, weights, tests=["lme", "lml", "rlme", "rlml"])
    pairs = (found.lml, found.lme, found.rlml, found.rlme)
    tests += [
        SpatialTest(name=n, statistic=_float(pair[0]), p_value=_float(pair[1]), degrees=1)
        for n, pair in zip(names[:4], pairs, strict=True)
    ]
    durbin = (np.nan, np.nan)
    if sample.groups == 1:
        # The test looks up there which columns have neighbors' counterparts.
        fitted.output = pd.DataFrame({"var_type": ["o"] + ["x"] * len(sample.terms)})
        durbin = diagnostics.lm_spdurbin(fitted, weights)
    tests.append(
        SpatialTest(
            name="lm_durbin",
            statistic=_float(durbin[0]),
            p_value=_float(durbin[1]),
            degrees=len(sample.terms) + 1 if sample.groups == 1 else np.nan,
        )
    )
    return tuple(tests)


def suggested_model(p_values: Mapping[str, float], *, alpha: float) -> str:
    """Follow the usual order of the Lagrange multiplier tests.

    Parameters
    ----------
    p_values : mapping
        By name of test, as ``residual_tests`` gives them.
    alpha : float
        Level of each test.

    Returns
    -------
    str
        ``ols`` where neither simple test rejects; ``lag`` or ``error`` where one does, or where
        both do and one robust form does; where both robust forms do, ``durbin``, which contains
        both models; where neither does, the one with the smaller p of the simple test.

    References
    ----------
    Anselin, L., Rey, S. J. (2014). Modern Spatial Econometrics in Practice, chapter 5. GeoDa Press.
    Elhorst, J. P. (2010). Applied spatial econometrics: raising the bar. Spatial Economic Analysis
    5, 9-28.
    """
    lag, error = p_values["lm_lag"] < alpha, p_values["lm_error"] < alpha
    if not (lag and error):
        return "lag" if lag else "error" if error else "ols"
    lag, error = p_values["robust_lm_lag"] < alpha, p_values["robust_lm_error"] < alpha
    if lag and error:
        return "durbin"
    if lag != error:
        return "lag" if lag else "error"
    return "lag" if p_values["lm_lag"] <= p_values["lm_error"] else "error"


def as_w(weights: csr_array) -> Any:
    """Give weights in the older form that spreg reads, rows as they are.

    Parameters
    ----------
    weights : sparse array
        Row-standardized weights.

    Returns
    -------
    libpysal.weights.W
        The same; places without neighbors raise no warning.
    """
    from libpysal.weights import WSP
    from scipy.sparse import csr_matrix

    return WSP(csr_matrix(weights)).to_W(silence_warnings=True)


def _float(value: Any) -> float:
    """Take a figure out of whatever shape spreg gives it."""
    return float(np.asarray(value, dtype=np.float64).ravel()[0])
