"""Which firms have the signal: logistic regression with errors clustered by municipality.

These are differences among firms that are alike in the other terms. They say nothing about what
would happen to a firm that changed.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from geo_engine.drivers.extras import load_extra
from geo_engine.drivers.firm_cells import FirmModel
from geo_engine.drivers.firm_design import INTERCEPT, Column, Design, design_of
from geo_engine.drivers.marginal_effects import average_effects
from geo_engine.drivers.separation import (
    independent_columns,
    separated_rows,
    unidentified_columns,
)
from geo_engine.errors import StatisticsError

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

FIRM_TERM_COLUMNS = (
    "term",
    "kind",
    "level",
    "reference",
    "status",
    "log_odds",
    "standard_error",
    "p_value",
    "odds_ratio",
    "odds_ratio_low",
    "odds_ratio_high",
    "effect",
    "effect_error",
    "effect_low",
    "effect_high",
    "effect_p_value",
    "firms",
    "positive",
)
FIRM_TERM_STATUSES = ("ok", "separated", "collinear")
"""Why a term has no coefficient: ``separated`` where it decides the signal without exception,
``collinear`` where other terms say the same."""
FEW_CLUSTERS = 30
"""With fewer municipalities clustered errors come out too small (Cameron, Miller 2015)."""


@dataclass(frozen=True, kw_only=True)
class FirmRegression:
    """A logistic regression of a signal on firms' characteristics."""

    terms: pd.DataFrame
    """``FIRM_TERM_COLUMNS``, one row per column of the regression, the intercept first."""
    outcome: str
    firms: float
    """Firms that the fit uses (sum of weights where firms carry them)."""
    positive: float
    """Those with the signal."""
    places: int
    """Municipalities, the clusters of the errors."""
    separated_firms: float
    """Firms left out because a term decides their signal."""
    left_out: dict[str, int]
    """Firms left out by what was missing."""
    log_likelihood: float
    pseudo_r_squared: float
    """McFadden's: one less the ratio of log-likelihoods with terms and without."""
    alpha: float
    few_clusters: bool
    """Fewer than ``FEW_CLUSTERS`` municipalities: intervals are too narrow."""


def firm_logit(
    cells: pd.DataFrame, model: FirmModel, *, places: pd.DataFrame | None = None
) -> FirmRegression:
    """Relate a signal of firms to what firms and their municipalities are like.

    Parameters
    ----------
    cells : DataFrame
        Firms counted by ``collapse_firms`` (and ``merge_cells``).
    model : FirmModel
        The model.
    places : DataFrame, optional
        ``model.context`` by ``pro_com_t``.

    Returns
    -------
    FirmRegression
        ``log_odds`` with Liang and Zeger's errors, grouped by municipality and enlarged by
        G / (G - 1); ``effect`` is the average marginal effect as a share (0.05 = five points): for
        a level, the mean difference of the probability were all firms of that level rather than of
        the reference, all else as it is; for a number, the mean slope. Intervals and p-values by
        Student's t with G - 1 degrees of freedom, errors of effects by the delta method. Terms
        without an estimate are NaN with a ``status``; ``firms`` and ``positive`` describe the
        level among all firms with known characteristics, NaN for numbers.

    Raises
    ------
    StatisticsError
        ``EXTRA_MISSING``, ``NO_FIRMS``, ``SIGNAL_CONSTANT``, ``SEPARATED``, ``FEW_CLUSTERS`` or
        ``NOT_CONVERGED``.
    TableError
        ``MISSING_COLUMN`` or ``COUNTS_INVALID``.

    References
    ----------
    Liang, K.-Y., Zeger, S. L. (1986). Longitudinal data analysis using generalized linear models.
    Biometrika 73, 13-22.
    Cameron, A. C., Miller, D. L. (2015). A practitioner's guide to cluster-robust inference.
    Journal of Human Resources 50, 317-372.
    """
    whole = design_of(cells, places, model)
    _check_signal(whole, model.outcome)
    collinear = unidentified_columns(whole.matrix, whole.firms)
    separated = separated_rows(whole.matrix, whole.firms, whole.positive)
    if separated.all():
        raise StatisticsError(
            "SEPARATED",
            f"The terms decide {model.outcome} for every one of {whole.firms.sum():,.0f} firms; "
            f"no coefficient exists. Leave out terms, or add firms.",
        )
    design = whole.rows(~separated)
    unidentified = unidentified_columns(design.matrix, design.firms)
    status = np.where(collinear, "collinear", np.where(unidentified, "separated", "ok"))
    used = independent_columns(design.matrix, design.firms)
    clusters = int(design.cluster.max()) + 1
    if clusters < 2:
        raise StatisticsError(
            "FEW_CLUSTERS",
            "Without the firms whose signal is decided, one municipality is left; clustered "
            "errors need at least two. Widen the coverage or leave out terms.",
        )
    beta, log_likelihood = _fit(design, used)
    covariance = _clustered_covariance(design, used, beta)
    effects = average_effects(design, used, beta, covariance)
    terms = _table(whole, status, used, (beta, covariance), effects)
    null = _null_likelihood(design)
    return FirmRegression(
        terms=_intervals(terms, clusters - 1, model.alpha),
        outcome=model.outcome,
        firms=float(design.firms.sum()),
        positive=float(design.positive.sum()),
        places=clusters,
        separated_firms=float(whole.firms[separated].sum()),
        left_out=design.left_out,
        log_likelihood=log_likelihood,
        pseudo_r_squared=1 - log_likelihood / null,
        alpha=model.alpha,
        few_clusters=clusters < FEW_CLUSTERS,
    )


def _check_signal(design: Design, outcome: str) -> None:
    """Refuse a signal that all firms or none have."""
    total, positive = design.firms.sum(), design.positive.sum()
    if positive <= 0 or positive >= total:
        which = "No" if positive <= 0 else "Every"
        raise StatisticsError(
            "SIGNAL_CONSTANT",
            f"{which} one of {total:,.0f} firms has {outcome}: there is nothing to compare. "
            f"Choose another signal or a wider universe.",
        )


def _fit(design: Design, used: BoolArray) -> tuple[FloatArray, float]:
    """Maximize the likelihood of grouped firms; coefficients of unused columns stay zero."""
    models = load_extra("statsmodels.genmod.generalized_linear_model")
    families = load_extra("statsmodels.genmod.families")
    length = np.sqrt((design.matrix[:, used] ** 2).mean(axis=0))
    counts = np.column_stack([design.positive, design.firms - design.positive])
    # Newton's steps on equally long columns: the default would copy and decompose all cells.
    glm = models.GLM(counts, design.matrix[:, used] / length, family=families.Binomial())
    with warnings.catch_warnings():
        # What statsmodels warns of is settled before (separation) or checked below.
        warnings.simplefilter("ignore")
        fitted = glm.fit(method="newton", maxiter=100, tol=1e-12, cov_type="nonrobust", disp=0)
    beta = np.zeros(len(used))
    beta[used] = np.asarray(fitted.params, dtype=np.float64) / length
    probability = _probability(design.matrix @ beta)
    gradient = (design.matrix / _lengths(design)).T @ (design.positive - design.firms * probability)
    if not np.abs(gradient[used]).max() <= 1e-6 * design.firms.sum():
        raise StatisticsError(
            "NOT_CONVERGED",
            f"The likelihood of {design.firms.sum():,.0f} firms has no clear maximum after 100 "
            f"steps. Leave out terms that say nearly the same.",
        )
    return beta, _likelihood(design, probability)


def _lengths(design: Design) -> FloatArray:
    """Give the root mean square of each column, one where it is zero."""
    length = np.sqrt((design.matrix**2).mean(axis=0))
    return np.where(length > 0, length, 1)


def _probability(score: FloatArray) -> FloatArray:
    """Turn log-odds into probabilities."""
    from scipy.special import expit

    return np.asarray(expit(score))


def _likelihood(design: Design, probability: FloatArray) -> float:
    """Give the log-likelihood of the single firms."""
    from scipy.special import xlog1py, xlogy

    missed = design.firms - design.positive
    return float(xlogy(design.positive, probability).sum() + xlog1py(missed, -probability).sum())


def _null_likelihood(design: Design) -> float:
    """Give the log-likelihood without terms."""
    share = design.positive.sum() / design.firms.sum()
    return _likelihood(design, np.full(len(design.firms), share))


def _clustered_covariance(design: Design, used: BoolArray, beta: FloatArray) -> FloatArray:
    """Give the sandwich whose filling adds up the scores of each municipality."""
    matrix = design.matrix[:, used]
    probability = _probability(design.matrix @ beta)
    information = matrix.T @ (matrix * (design.firms * probability * (1 - probability))[:, None])
    scores = matrix * (design.positive - design.firms * probability)[:, None]
    clusters = int(design.cluster.max()) + 1
    sums = np.column_stack(
        [np.bincount(design.cluster, weights=column, minlength=clusters) for column in scores.T]
    )
    bread = np.linalg.inv(information)
    return bread @ (sums.T @ sums) @ bread * (clusters / (clusters - 1))


def _table(
    whole: Design,
    status: npt.NDArray[np.str_],
    used: BoolArray,
    estimate: tuple[FloatArray, FloatArray],
    effects: tuple[FloatArray, FloatArray],
) -> pd.DataFrame:
    """Lay out the estimates; a term without one is NaN."""
    beta, covariance = estimate
    error = np.full(len(used), np.nan)
    error[used] = np.sqrt(np.diag(covariance))
    known = status == "ok"
    described = np.array([column.kind == "factor" for column in whole.columns])
    firms = np.where(described, whole.matrix.T @ whole.firms, np.nan)
    positive = np.where(described, whole.matrix.T @ whole.positive, np.nan)
    intercept = np.array([column.kind == INTERCEPT for column in whole.columns])
    firms[intercept], positive[intercept] = whole.firms.sum(), whole.positive.sum()
    table = pd.DataFrame([_names(column) for column in whole.columns])
    return table.assign(
        status=status,
        log_odds=np.where(known, beta, np.nan),
        standard_error=np.where(known, error, np.nan),
        effect=np.where(known & ~intercept, effects[0], np.nan),
        effect_error=np.where(known & ~intercept, effects[1], np.nan),
        firms=firms,
        positive=positive,
    )


def _names(column: Column) -> dict[str, str]:
    """Name a column of the regression in a row of the table."""
    return {
        "term": column.term,
        "kind": column.kind,
        "level": column.level,
        "reference": column.reference,
    }


def _intervals(terms: pd.DataFrame, degrees: int, alpha: float) -> pd.DataFrame:
    """Add p-values and the ends of intervals by Student's t."""
    from scipy.special import stdtr, stdtrit

    reach = float(stdtrit(degrees, 1 - alpha / 2))
    log_odds, error = terms["log_odds"].to_numpy(), terms["standard_error"].to_numpy()
    effect, effect_error = terms["effect"].to_numpy(), terms["effect_error"].to_numpy()
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        full = terms.assign(
            p_value=2 * stdtr(degrees, -np.abs(log_odds / error)),
            odds_ratio=np.exp(log_odds),
            odds_ratio_low=np.exp(log_odds - reach * error),
            odds_ratio_high=np.exp(log_odds + reach * error),
            effect_low=effect - reach * effect_error,
            effect_high=effect + reach * effect_error,
            effect_p_value=2 * stdtr(degrees, -np.abs(effect / effect_error)),
        )
    return full[list(FIRM_TERM_COLUMNS)]
