"""Which choice behind a composite index moves its ranks most."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from geo_engine.errors import StatisticsError
from geo_engine.indicators.composite import Composite, composite, rank_places
from geo_engine.indicators.composite_choices import (
    Choices,
    build_scenarios,
    score_of,
)
from geo_engine.indicators.sobol import Factor, sobol_indices

FloatArray = npt.NDArray[np.float64]
Option = TypeVar("Option")


def rank_sensitivity(
    values: xr.DataArray,
    spec: Composite,
    choices: Choices,
    *,
    goalposts: Mapping[str, object] | None = None,
    base: int = 256,
) -> pd.DataFrame:
    """Split the variance of the mean rank shift among the choices.

    The number explained is the mean size of the shift of a place's rank from the nominal one.

    Parameters
    ----------
    values : DataArray, dims ("indicator", "place")
        One map.
    spec, choices, goalposts
        As :func:`geo_engine.indicators.composite_choices.rank_intervals`.
    base : int
        A power of two; evaluations are ``base`` times the factors and two.

    Returns
    -------
    DataFrame
        As :func:`geo_engine.indicators.sobol.sobol_indices`, for the factors ``normalization``,
        ``aggregation``, ``outliers`` and ``weights``.

    Raises
    ------
    StatisticsError
        As :func:`geo_engine.indicators.composite_choices.rank_intervals`; ``EXTRA_MISSING``;
        ``ONE_MAP`` for more than one.

    References
    ----------
    Saisana, M., Saltelli, A., Tarantola, S. (2005). Journal of the Royal Statistical Society A
    168, 307-323.
    """
    if set(values.dims) != {"indicator", "place"}:
        raise StatisticsError("ONE_MAP", f"dims {values.dims}: choose one chain and year.")
    nominal = composite(values, spec, goalposts=goalposts)["rank"].to_numpy()
    scenarios = build_scenarios(values, spec, choices, goalposts)
    size = len(scenarios.weights)

    def mean_shift(point: FloatArray) -> float:
        noise = choices.weight_noise * (2 * point[3 : 3 + size] - 1)
        weights = scenarios.weights * (1 + noise)
        scale = _option(point[0], choices.normalizations), _option(point[2], choices.outliers)
        score = score_of(
            scenarios,
            scale,
            _option(point[1], choices.aggregations),
            weights=weights[None] / weights.sum(),
        )[0]
        return float(np.nanmean(np.abs(rank_places(score, spec.direction) - nominal)))

    factors = [Factor(name=name) for name in ("normalization", "aggregation", "outliers")]
    return sobol_indices(
        mean_shift, [*factors, Factor(name="weights", size=size)], base=base, seed=choices.seed
    )


def _option(point: float, options: Sequence[Option]) -> Option:
    """Give the option that a number between 0 and 1 stands for."""
    return options[min(int(point * len(options)), len(options) - 1)]
