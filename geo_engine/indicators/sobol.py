"""Sobol sensitivity indices by SALib, wrapped."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from geo_engine.errors import StatisticsError

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Factor:
    """One thing that is uncertain: a number between 0 and 1, or several that go together."""

    name: str
    size: int = 1


def sobol_indices(
    evaluate: Callable[[FloatArray], float],
    factors: Sequence[Factor],
    *,
    base: int = 256,
    seed: int = 0,
) -> pd.DataFrame:
    """Split the variance of a number among the factors it depends on.

    Parameters
    ----------
    evaluate : callable
        Takes an array of numbers evenly distributed between 0 and 1, those of the factors one
        after the other, and gives one number.
    factors : sequence of Factor
        At least two.
    base : int
        A power of two; evaluations are ``base * (factors + 2)``.
    seed : int
        Of the scrambled Sobol sequence and of the bootstrap.

    Returns
    -------
    DataFrame
        ``factor``, ``first_order`` (part of the variance by the factor alone) and
        ``total_order`` (with its interactions), each with the half width of its 95 % interval
        (``first_order_half``, ``total_order_half``); ``evaluations``. All zero where the number
        does not vary.

    Raises
    ------
    StatisticsError
        ``EXTRA_MISSING`` without SALib; ``FACTORS_INVALID``.

    References
    ----------
    Saltelli, A., Annoni, P., Azzini, I., Campolongo, F., Ratto, M., Tarantola, S. (2010). Variance
    based sensitivity analysis of model output. Computer Physics Communications 181, 259-270.
    """
    analyze, sample = _salib()
    if len(factors) < 2 or base < 8 or base & (base - 1):
        raise StatisticsError(
            "FACTORS_INVALID", f"{len(factors)} factors and base {base}: two and a power of two."
        )
    names = [f"{factor.name}_{i}" for factor in factors for i in range(factor.size)]
    problem = {
        "num_vars": len(names),
        "names": names,
        "groups": [factor.name for factor in factors for _ in range(factor.size)],
        "bounds": [[0.0, 1.0]] * len(names),
    }
    points = sample(problem, base, calc_second_order=False, seed=seed)
    numbers = np.array([evaluate(point) for point in points])
    table = {"factor": [factor.name for factor in factors]}
    if np.ptp(numbers) <= 1e-12:
        found = {key: np.zeros(len(factors)) for key in ("S1", "S1_conf", "ST", "ST_conf")}
    else:
        found = analyze(problem, numbers, calc_second_order=False, seed=seed)
    return pd.DataFrame(table).assign(
        first_order=found["S1"],
        first_order_half=found["S1_conf"],
        total_order=found["ST"],
        total_order_half=found["ST_conf"],
        evaluations=len(points),
    )


def _salib() -> tuple[Callable[..., dict[str, FloatArray]], Callable[..., FloatArray]]:
    """Import SALib where it is used, or say how to get it."""
    try:
        from SALib.analyze.sobol import analyze
        from SALib.sample.sobol import sample
    except ImportError as error:
        raise StatisticsError(
            "EXTRA_MISSING", "Sensitivity needs SALib: install geo-engine[models]."
        ) from error
    return analyze, sample
