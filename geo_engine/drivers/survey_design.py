"""Shares from a survey's weights, with the error that its design gives them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from geo_engine.errors import StatisticsError, TableError
from geo_engine.tables import require_columns

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class SurveyDesign:
    """How a survey was drawn, and for which groups it is meant to speak."""

    weight: str
    """Column of the number of firms that a respondent stands for."""
    domains: tuple[tuple[str, ...], ...]
    """Crossings of columns that the survey was designed to describe, e.g. (("region",),
    ("size", "chain")); their parts and the total are allowed too, nothing finer."""
    respondent: str = ""
    """Column that identifies a respondent, where one has several rows (one for each chain of the
    firm); "" when each row is one."""
    stratum: str = ""
    """Column of the strata of the draw; "" where it had none."""
    cluster: str = ""
    """Column of the units drawn, where they are groups of respondents; "" where respondents
    were drawn."""
    population: str = ""
    """Column of the units in the stratum (firms, or clusters where those were drawn), for the
    finite population correction; "" leaves it out, which makes errors larger, not smaller."""
    min_respondents: int = 10
    """Cells with fewer answers are refused."""
    max_cv: float = 0.33
    """Cells whose share has a larger coefficient of variation are refused."""
    alpha: float = 0.05
    """One less the level of the intervals."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of the design that a table must have."""
        named = (self.weight, self.respondent, self.stratum, self.cluster, self.population)
        return tuple(name for name in named if name)


@dataclass(frozen=True, kw_only=True)
class Draw:
    """The whole sample as it was drawn, one position for each respondent."""

    weight: FloatArray
    unit: IntArray
    """Unit drawn of each respondent, from 0."""
    stratum: IntArray
    """Stratum of each unit."""
    correction: FloatArray
    """One less the sampling fraction, by stratum; 1 without correction."""

    @property
    def single(self) -> int:
        """Strata of which one unit was drawn; their spread is taken around zero."""
        return int((np.bincount(self.stratum) == 1).sum())


@dataclass(frozen=True, kw_only=True)
class Share:
    """A share among respondents of one cell."""

    value: float
    variance: float
    """By Taylor's linearization of the ratio."""
    degrees: int
    """Units less strata, among those of the cell; at least 1."""
    respondents: int
    effective_size: float
    """Kish's: the square of the sum of weights over the sum of squares."""


def read_draw(answers: pd.DataFrame, design: SurveyDesign) -> tuple[Draw, IntArray]:
    """Read the design of a sample.

    Parameters
    ----------
    answers : DataFrame
        One row per respondent, or per respondent and chain.
    design : SurveyDesign
        Its columns.

    Returns
    -------
    tuple of Draw, array of int
        The sample, and the respondent of each row.

    Raises
    ------
    TableError
        ``MISSING_COLUMN``, ``WEIGHT_INVALID``, ``DESIGN_MISSING`` or ``RESPONDENT_CONFLICT``.
    StatisticsError
        ``FEW_RESPONDENTS``.
    """
    require_columns(answers, design.columns, "The table of answers")
    for name in design.columns:
        empty = int(answers[name].isna().sum())
        if empty:
            raise TableError(
                "DESIGN_MISSING",
                f"{empty} of {len(answers)} rows have no {name}; complete them, or leave them out.",
            )
    row, first = _respondents(answers, design)
    people = answers.iloc[first]
    weight = people[design.weight].to_numpy(np.float64)
    if not (np.isfinite(weight) & (weight > 0)).all():
        raise TableError(
            "WEIGHT_INVALID",
            f"{int((~(weight > 0)).sum())} of {len(weight)} weights are not positive numbers.",
        )
    stratum = _codes(people, design.stratum, np.zeros(len(people)))
    unit = stratum * 0 + np.arange(len(people))
    if design.cluster:
        # A number of a unit may be used again in another stratum.
        own = _codes(people, design.cluster, unit)
        unit = np.unique(np.column_stack([stratum, own]), axis=0, return_inverse=True)[1].ravel()
    if unit.max(initial=0) < 1:
        raise StatisticsError(
            "FEW_RESPONDENTS", f"{len(people)} respondents give no error; at least two are needed."
        )
    of_unit = np.zeros(unit.max() + 1, dtype=np.int64)
    of_unit[unit] = stratum
    draw = Draw(
        weight=weight, unit=unit, stratum=of_unit, correction=_correction(people, design, of_unit)
    )
    return draw, row


def _respondents(answers: pd.DataFrame, design: SurveyDesign) -> tuple[IntArray, IntArray]:
    """Give each row its respondent, and each respondent its first row."""
    if not design.respondent:
        each = np.arange(len(answers))
        return each, each
    row, names = pd.factorize(answers[design.respondent])
    first = np.full(len(names), len(answers))
    np.minimum.at(first, row, np.arange(len(answers)))
    for name in design.columns:
        values = answers[name].to_numpy()
        differing = values != values[first[row]]
        if differing.any():
            raise TableError(
                "RESPONDENT_CONFLICT",
                f"{len(np.unique(row[differing]))} respondents have several values of {name}; "
                f"a respondent's rows may differ in the chain only.",
            )
    return row.astype(np.int64), first


def _codes(people: pd.DataFrame, name: str, default: npt.NDArray[np.generic]) -> IntArray:
    """Give each row the position of its level."""
    values = people[name].astype(str).to_numpy() if name else default
    return np.unique(values, return_inverse=True)[1].ravel().astype(np.int64)


def _correction(people: pd.DataFrame, design: SurveyDesign, of_unit: IntArray) -> FloatArray:
    """Give one less the sampling fraction of each stratum."""
    drawn = np.bincount(of_unit).astype(np.float64)
    if not design.population:
        return np.ones(len(drawn))
    stratum = _codes(people, design.stratum, np.zeros(len(people)))
    whole = np.zeros(len(drawn))
    whole[stratum] = people[design.population].to_numpy(np.float64)
    if (whole < drawn).any():
        raise TableError(
            "POPULATION_INVALID",
            f"{int((whole < drawn).sum())} strata have fewer units than were drawn from them.",
        )
    return 1 - drawn / whole


def domain_share(draw: Draw, inside: BoolArray, hit: BoolArray) -> Share:
    """Estimate a share among some respondents.

    Parameters
    ----------
    draw : Draw
        The whole sample.
    inside : array of bool, respondents
        Respondents of the cell with an answer; at least one.
    hit : array of bool, respondents
        Those who gave the answer.

    Returns
    -------
    Share
        Weighted share and its variance with units drawn with replacement within strata (times the
        finite population correction). Respondents outside the cell count as drawn, so the size of
        the cell is itself an estimate. A stratum with one unit adds its own square.

    References
    ----------
    Särndal, C.-E., Swensson, B., Wretman, J. (1992). Model Assisted Survey Sampling, 5.8. Springer.
    Kish, L. (1965). Survey Sampling, 11.7. Wiley.
    """
    weight = np.where(inside, draw.weight, 0.0)
    total = weight.sum()
    value = float(weight[hit].sum() / total)
    linear = weight * (hit - value) / total
    units = np.bincount(draw.unit, weights=linear, minlength=len(draw.stratum))
    drawn = np.bincount(draw.stratum)
    mean = np.bincount(draw.stratum, weights=units) / drawn
    apart = np.bincount(
        draw.stratum, weights=(units - np.where(drawn > 1, mean, 0.0)[draw.stratum]) ** 2
    )
    scale = np.where(drawn > 1, drawn / np.maximum(drawn - 1, 1), 1.0)
    present = np.unique(draw.unit[inside])
    degrees = len(present) - len(np.unique(draw.stratum[present]))
    return Share(
        value=value,
        variance=float((apart * scale * draw.correction).sum()),
        degrees=max(degrees, 1),
        respondents=int(inside.sum()),
        effective_size=float(total**2 / (weight**2).sum()),
    )


def share_interval(share: Share, alpha: float) -> tuple[float, float]:
    """Give an interval of a share by Korn and Graubard.

    Parameters
    ----------
    share : Share
        Strictly between 0 and 1, with a variance above zero.
    alpha : float
        One less the level.

    Returns
    -------
    tuple of float, float
        Clopper and Pearson's ends for the number of independent answers that would have the same
        variance (never more than the respondents), fewer for few degrees of freedom.

    References
    ----------
    Korn, E. L., Graubard, B. I. (1998). Confidence intervals for proportions with small expected
    number of positive counts estimated from survey data. Survey Methodology 24, 193-201.
    """
    from scipy.special import betaincinv, stdtrit

    size = float(share.respondents)
    if share.variance > 0:
        ends = [
            float(stdtrit(d, 1 - alpha / 2)) for d in (max(share.respondents - 1, 1), share.degrees)
        ]
        equal = share.value * (1 - share.value) / share.variance
        size = min(size, equal * (ends[0] / ends[1]) ** 2)
    hits = share.value * size
    low = float(betaincinv(hits, size - hits + 1, alpha / 2))
    return low, float(betaincinv(hits + 1, size - hits, 1 - alpha / 2))
