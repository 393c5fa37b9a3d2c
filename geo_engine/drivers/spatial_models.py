"""Regressions whose outcome, errors or terms reach over to neighbors.

Associations among places. They say nothing about causes: places that resemble their neighbors may
influence them, or share something that no term measures.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt
import pandas as pd
from libpysal.graph import Graph

from geo_engine.drivers.extras import load_extra
from geo_engine.drivers.impacts import DRAWS, LIMIT, LagEstimate, lag_impacts
from geo_engine.drivers.likelihood import error_likelihood, lag_likelihood
from geo_engine.drivers.place_sample import PlaceModel, PlaceSample, sample_places
from geo_engine.errors import StatisticsError

FloatArray = npt.NDArray[np.float64]
Form = Literal["lag", "error", "durbin"]
Estimator = Literal["gmm", "ml"]

SPATIAL_TERM_COLUMNS = ("term", "role", "coefficient", "standard_error", "low", "high", "p_value")
IMPACT_COLUMNS = ("term", "impact", "value", "standard_error", "low", "high")
IMPACTS = ("direct", "indirect", "total")
ROLES = ("own", "neighbors", "spatial")
"""Of a coefficient: of the place's own term, of its neighbors' mean of the term, or of the
neighbors' outcome (``rho``) or error (``lambda``)."""


@dataclass(frozen=True, kw_only=True)
class SpatialRegression:
    """A regression with a spatial lag, spatial errors, or a spatial lag and neighbors' terms."""

    form: Form
    estimator: Estimator
    terms: pd.DataFrame
    """``SPATIAL_TERM_COLUMNS``; intercepts of groups are not listed."""
    impacts: pd.DataFrame
    """``IMPACT_COLUMNS``, three rows a term; empty for ``error``, whose coefficients are themselves
    total and direct; values NaN where ``status`` is ``unstable``."""
    status: str
    """``ok``, or ``unstable`` where the spatial coefficient, or more than ``alpha`` / 2 of its
    draws, lies at 0.995 or beyond: impacts then have no end."""
    draws: int
    """Draws behind the intervals of impacts, of 1,000; the rest lie beyond 0.995."""
    outcome: str
    places: int
    groups: int
    log_likelihood: float
    """NaN for ``gmm``."""
    left_out: dict[str, int]
    """Places without a value or without a neighbor."""
    alpha: float


def spatial_regression(
    table: pd.DataFrame,
    graph: Graph,
    model: PlaceModel,
    *,
    form: Form,
    estimator: Estimator = "gmm",
) -> SpatialRegression:
    """Relate an outcome of places to terms, to neighbors' terms and to neighbors' outcomes.

    Parameters
    ----------
    table : DataFrame
        Columns of the model by ``pro_com_t``.
    graph : Graph
        Neighbors; weights are standardized by row, places without a neighbor leave.
    model : PlaceModel
        The model.
    form : {"lag", "error", "durbin"}
        Neighbors' outcome, correlated errors, or neighbors' outcome and terms.
    estimator : {"gmm", "ml"}
        ``gmm``: two-stage least squares with W X and W W X (one order more for ``durbin``) as
        instruments and White's errors, or the generalized moments of Arraiz et al. for ``error``;
        both allow unequal variances. ``ml``: maximum likelihood under normal errors of equal
        variance; it needs no instruments, which are weak where terms explain little.

    Returns
    -------
    SpatialRegression
        Coefficients with normal intervals, and average impacts with the percentiles of draws from
        the estimates' distribution (the mean over places of what goes with one unit more of the
        term in the place itself, in all others, and in sum).

    Raises
    ------
    StatisticsError
        ``EXTRA_MISSING``, ``FEW_PLACES``, ``CONSTANT``, ``COLLINEAR`` or ``UNKNOWN_FORM``.
    TableError
        ``MISSING_COLUMN`` or ``PLACE_INDEX``.

    References
    ----------
    Kelejian, H. H., Prucha, I. R. (1998). A generalized spatial two-stage least squares procedure.
    Journal of Real Estate Finance and Economics 17, 99-121.
    Arraiz, I., Drukker, D. M., Kelejian, H. H., Prucha, I. R. (2010). A spatial Cliff-Ord-type
    model with heteroskedastic innovations. Journal of Regional Science 50, 592-614.
    LeSage, J., Pace, R. K. (2009). Introduction to Spatial Econometrics. CRC Press.
    """
    if form not in get_args(Form) or estimator not in get_args(Estimator):
        raise StatisticsError(
            "UNKNOWN_FORM",
            f"There is no {form!r} model by {estimator!r}; forms are {', '.join(get_args(Form))}, "
            f"estimators {', '.join(get_args(Estimator))}.",
        )
    sample = sample_places(table, graph, model, drop_isolates=True)
    design = _with_neighbors(sample) if form == "durbin" else sample.design
    fitted = _fit(sample, design, form, estimator)
    beta = np.asarray(fitted.betas, dtype=np.float64).ravel()
    covariance = np.asarray(fitted.vm, dtype=np.float64)
    if not np.isfinite(covariance).all():
        raise StatisticsError(
            "COLLINEAR", "The errors of the coefficients have no finite estimate; leave terms out."
        )
    impacts, draws = _impacts(sample, beta, covariance, form, model)
    stable = abs(beta[-1]) < LIMIT and (form == "error" or _steady(draws, model))
    return SpatialRegression(
        form=form,
        estimator=estimator,
        terms=_terms(sample, beta, covariance, form, model.alpha),
        impacts=impacts,
        status="ok" if stable else "unstable",
        draws=draws,
        outcome=model.outcome,
        places=len(sample.index),
        groups=sample.groups,
        log_likelihood=float(fitted.logll) if estimator == "ml" else np.nan,
        left_out=sample.left_out,
        alpha=model.alpha,
    )


def _with_neighbors(sample: PlaceSample) -> FloatArray:
    """Add the neighbors' means of the terms; groups have none."""
    listed = len(sample.names)
    lagged = sample.weights @ sample.design[:, 1:listed]
    design = np.hstack([sample.design, lagged])
    length = np.sqrt((design**2).sum(axis=0))
    if np.linalg.matrix_rank(design / np.where(length > 0, length, 1), tol=1e-8) < design.shape[1]:
        raise StatisticsError(
            "COLLINEAR",
            "A term and its mean over neighbors say the same; a Durbin model cannot tell them "
            "apart. Leave the term out, or choose another form.",
        )
    return design


def _fit(sample: PlaceSample, design: FloatArray, form: Form, estimator: Estimator) -> Any:
    """Estimate; coefficients end with the spatial one."""
    try:
        if estimator == "gmm":
            return _moments(sample, design, form)
        estimate = error_likelihood if form == "error" else lag_likelihood
        return estimate(sample.outcome, design, sample.weights)
    except np.linalg.LinAlgError as error:
        raise StatisticsError(
            "COLLINEAR",
            "The terms and their means over neighbors say nearly the same; leave terms out.",
        ) from error


def _moments(sample: PlaceSample, design: FloatArray, form: Form) -> Any:
    """Estimate by moments with spreg."""
    weights, outcome = sample.weights, sample.outcome[:, None]
    if form == "error":
        from scipy.sparse import csr_matrix

        return load_extra("spreg.error_sp_het").BaseGM_Error_Het(
            outcome, design, csr_matrix(weights), step1c=True
        )
    lag = weights @ sample.design[:, 1 : len(sample.names)]
    first = weights @ lag if form == "durbin" else lag
    # Scaled columns span the same instruments and keep their product invertible.
    instruments = np.hstack([first, weights @ first])
    instruments = instruments / np.sqrt((instruments**2).mean(axis=0))
    return load_extra("spreg.twosls").BaseTSLS(
        outcome, design, yend=weights @ outcome, q=instruments, robust="white"
    )


def _names(sample: PlaceSample, form: Form) -> tuple[list[tuple[str, str]], list[int]]:
    """Name the reported coefficients, and give their positions among all."""
    own = [(name, "own") for name in sample.names]
    positions = list(range(len(own)))
    columns = sample.design.shape[1]
    if form == "durbin":
        own += [(name, "neighbors") for name in sample.terms]
        positions += list(range(columns, columns + len(sample.terms)))
        columns += len(sample.terms)
    spatial = "lambda" if form == "error" else "rho"
    return [*own, (spatial, "spatial")], [*positions, columns]


def _terms(
    sample: PlaceSample, beta: FloatArray, covariance: FloatArray, form: Form, alpha: float
) -> pd.DataFrame:
    """Lay out the coefficients."""
    from scipy.special import ndtr, ndtri

    names, positions = _names(sample, form)
    value, error = beta[positions], np.sqrt(np.diag(covariance))[positions]
    reach = float(ndtri(1 - alpha / 2))
    return pd.DataFrame(
        {
            "term": [name for name, _ in names],
            "role": [role for _, role in names],
            "coefficient": value,
            "standard_error": error,
            "low": value - reach * error,
            "high": value + reach * error,
            "p_value": 2 * ndtr(-np.abs(value / error)),
        }
    )[list(SPATIAL_TERM_COLUMNS)]


def _steady(draws: int, model: PlaceModel) -> bool:
    """Tell whether nearly all draws of the lag leave impacts that have an end."""
    return draws >= DRAWS * (1 - model.alpha / 2)


def _impacts(
    sample: PlaceSample,
    beta: FloatArray,
    covariance: FloatArray,
    form: Form,
    model: PlaceModel,
) -> tuple[pd.DataFrame, int]:
    """Lay out the impacts, and count the draws behind their intervals."""
    if form == "error":
        return pd.DataFrame(columns=list(IMPACT_COLUMNS)), 0
    terms = len(sample.terms)
    figures, draws = np.full((terms, 3, 4), np.nan), 0
    if abs(beta[-1]) < LIMIT:
        columns = sample.design.shape[1]
        own = list(range(1, 1 + terms))
        lagged = list(range(columns, columns + terms)) if form == "durbin" else []
        chosen = [*own, *lagged, len(beta) - 1]
        estimate = LagEstimate(
            beta=beta[own],
            theta=beta[lagged] if lagged else np.zeros(terms),
            rho=float(beta[-1]),
            covariance=covariance[np.ix_(chosen, chosen)],
            durbin=form == "durbin",
        )
        found = lag_impacts(sample.weights, estimate, seed=model.seed)
        draws = len(found.draws)
        if _steady(draws, model):
            ends = np.quantile(found.draws, [model.alpha / 2, 1 - model.alpha / 2], axis=0)
            figures = np.stack([found.point, found.draws.std(axis=0, ddof=1), *ends], axis=2)
    flat = figures.reshape(-1, 4)
    table = pd.DataFrame(
        {
            "term": np.repeat(np.array(sample.terms, dtype=object), 3),
            "impact": list(IMPACTS) * terms,
            "value": flat[:, 0],
            "standard_error": flat[:, 1],
            "low": flat[:, 2],
            "high": flat[:, 3],
        }
    )
    return table[list(IMPACT_COLUMNS)], draws
