"""Least squares on places, with what can be wrong with it.

Associations among places. They say nothing about causes, nor about single firms.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from libpysal.graph import Graph

from geo_engine.drivers.extras import load_extra
from geo_engine.drivers.place_sample import PlaceModel, PlaceSample, sample_places
from geo_engine.drivers.spatial_tests import SpatialTest, residual_tests, suggested_model
from geo_engine.errors import StatisticsError

FloatArray = npt.NDArray[np.float64]

PLACE_TERM_COLUMNS = ("term", "coefficient", "standard_error", "low", "high", "p_value", "vif")
DIAGNOSTIC_COLUMNS = ("diagnostic", "statistic", "degrees", "expected", "z", "p_value")


@dataclass(frozen=True, kw_only=True)
class PlaceRegression:
    """Least squares on places."""

    terms: pd.DataFrame
    """``PLACE_TERM_COLUMNS``: the intercept and the terms; intercepts of groups are not listed."""
    diagnostics: pd.DataFrame
    """``DIAGNOSTIC_COLUMNS``: ``jarque_bera``, ``breusch_pagan``, ``koenker``,
    ``condition_number``, ``residual_moran``, ``lm_lag``, ``lm_error``, ``robust_lm_lag``,
    ``robust_lm_error``, ``lm_durbin``; ``expected`` and ``z`` for Moran only."""
    suggested: str
    """``ols``, ``lag``, ``error`` or ``durbin``: where the tests point. Not a proof."""
    outcome: str
    places: int
    groups: int
    r_squared: float
    adjusted_r_squared: float
    residual: pd.Series
    """Outcome less what is fitted, by ``pro_com_t``."""
    left_out: dict[str, int]
    isolates: int
    """Places without neighbors: they count in the fit and not in the spatial tests."""
    alpha: float


def place_ols(table: pd.DataFrame, graph: Graph, model: PlaceModel) -> PlaceRegression:
    """Relate an outcome of places to what places are like.

    Parameters
    ----------
    table : DataFrame
        Columns of the model by ``pro_com_t``.
    graph : Graph
        Neighbors, for the spatial tests.
    model : PlaceModel
        The model.

    Returns
    -------
    PlaceRegression
        Ordinary least squares; errors robust to unequal variance (HC3), intervals and p-values by
        Student's t with n - k degrees of freedom. ``vif`` is the factor by which its relation with
        other terms enlarges a term's variance. Diagnostics: Jarque-Bera; Breusch-Pagan in its
        original form and Koenker's; Belsley's condition number; Moran's I of residuals with the
        moments of regression residuals; Lagrange multiplier tests.

    Raises
    ------
    StatisticsError
        ``EXTRA_MISSING``, ``FEW_PLACES``, ``CONSTANT``, ``COLLINEAR`` or ``LEVERAGE``.
    TableError
        ``MISSING_COLUMN`` or ``PLACE_INDEX``.

    References
    ----------
    MacKinnon, J. G., White, H. (1985). Some heteroskedasticity-consistent covariance matrix
    estimators with improved finite sample properties. Journal of Econometrics 29, 305-325.
    Belsley, D., Kuh, E., Welsch, R. (1980). Regression Diagnostics. Wiley.
    Koenker, R. (1981). A note on studentizing a test for heteroscedasticity. Journal of
    Econometrics 17, 107-112.
    """
    sample = sample_places(table, graph, model)
    _check_leverage(sample)
    linear = load_extra("statsmodels.regression.linear_model")
    fitted = linear.OLS(sample.outcome, sample.design).fit(cov_type="HC3", use_t=True)
    residual = np.asarray(fitted.resid, dtype=np.float64)
    _check_residual(residual, sample)
    tests = residual_tests(sample)
    suggested = suggested_model({test.name: test.p_value for test in tests}, alpha=model.alpha)
    return PlaceRegression(
        terms=_terms(fitted, sample, model.alpha),
        diagnostics=_diagnostics(residual, sample, tests),
        suggested=suggested,
        outcome=model.outcome,
        places=len(sample.index),
        groups=sample.groups,
        r_squared=float(fitted.rsquared),
        adjusted_r_squared=float(fitted.rsquared_adj),
        residual=pd.Series(residual, index=sample.index, name="residual"),
        left_out=sample.left_out,
        isolates=sample.isolates,
        alpha=model.alpha,
    )


def _check_leverage(sample: PlaceSample) -> None:
    """Refuse a design in which one place alone decides a coefficient."""
    orthogonal, _ = np.linalg.qr(sample.design)
    leverage = (orthogonal**2).sum(axis=1)
    alone = leverage > 1 - 1e-9
    if alone.any():
        raise StatisticsError(
            "LEVERAGE",
            f"{int(alone.sum())} places decide a coefficient alone, e.g. {sample.index[alone][0]}. "
            f"Leave out the place, or the term or group that only it has.",
        )


def _check_residual(residual: FloatArray, sample: PlaceSample) -> None:
    """Refuse an outcome that the terms give exactly."""
    if np.abs(residual).max() <= 1e-10 * np.ptp(sample.outcome):
        raise StatisticsError(
            "EXACT_FIT",
            f"The terms give the outcome of all {len(residual)} places exactly: it is made of "
            f"them. Leave out the term that contains it.",
        )


def _terms(fitted: object, sample: PlaceSample, alpha: float) -> pd.DataFrame:
    """Lay out the coefficients."""
    influence = load_extra("statsmodels.stats.outliers_influence").variance_inflation_factor
    listed = len(sample.names)
    interval = np.asarray(fitted.conf_int(alpha), dtype=np.float64)[:listed]  # type: ignore[attr-defined]
    factors = [np.nan] + [float(influence(sample.design, j)) for j in range(1, listed)]
    return pd.DataFrame(
        {
            "term": list(sample.names),
            "coefficient": np.asarray(fitted.params)[:listed],  # type: ignore[attr-defined]
            "standard_error": np.asarray(fitted.bse)[:listed],  # type: ignore[attr-defined]
            "low": interval[:, 0],
            "high": interval[:, 1],
            "p_value": np.asarray(fitted.pvalues)[:listed],  # type: ignore[attr-defined]
            "vif": factors,
        }
    )[list(PLACE_TERM_COLUMNS)]


def _diagnostics(
    residual: FloatArray, sample: PlaceSample, spatial: tuple[SpatialTest, ...]
) -> pd.DataFrame:
    """Lay out the tests of residuals, then the spatial ones."""
    stattools = load_extra("statsmodels.stats.stattools")
    breusch_pagan = load_extra("statsmodels.stats.diagnostic").het_breuschpagan
    normal, normal_p = stattools.jarque_bera(residual)[:2]
    degrees = sample.design.shape[1] - 1
    plain = breusch_pagan(residual, sample.design, robust=False)
    studentized = breusch_pagan(residual, sample.design, robust=True)
    rows: list[tuple[object, ...]] = [
        ("jarque_bera", float(normal), 2, np.nan, np.nan, float(normal_p)),
        ("breusch_pagan", float(plain[0]), degrees, np.nan, np.nan, float(plain[1])),
        ("koenker", float(studentized[0]), degrees, np.nan, np.nan, float(studentized[1])),
        ("condition_number", condition_number(sample.design), np.nan, np.nan, np.nan, np.nan),
    ]
    rows += [
        (test.name, test.statistic, test.degrees, test.expected, test.z, test.p_value)
        for test in spatial
    ]
    return pd.DataFrame(rows, columns=list(DIAGNOSTIC_COLUMNS))


def condition_number(design: FloatArray) -> float:
    """Tell how nearly columns say the same: ratio of extreme singular values, columns scaled.

    Parameters
    ----------
    design : array, rows x columns
        The regression's columns with the intercept.

    Returns
    -------
    float
        At least 1; above 30 single coefficients are uncertain (Belsley, Kuh and Welsch 1980).
    """
    length = np.sqrt((design**2).sum(axis=0))
    values = np.linalg.svd(design / length, compute_uv=False)
    return float(values[0] / values[-1])


def residual_map(regression: PlaceRegression, index: pd.Index) -> npt.NDArray[np.float64]:
    """Give residuals in the order of a map; places outside the sample are missing.

    Parameters
    ----------
    regression : PlaceRegression
        The regression.
    index : Index
        ``pro_com_t`` of the map.

    Returns
    -------
    array
        One value per place of the index.
    """
    return np.asarray(regression.residual.reindex(index.astype(str)).to_numpy(), dtype=np.float64)
