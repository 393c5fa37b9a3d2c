"""Libraries of the extra ``models``, loaded where they are used."""

from __future__ import annotations

import importlib
from typing import Any

from geo_engine.errors import StatisticsError


def load_extra(module: str) -> Any:
    """Import a library of the extra ``models``.

    They take seconds to load and most studies do without, so nothing imports them at the top.

    Parameters
    ----------
    module : str
        Dotted name, e.g. ``spreg``.

    Returns
    -------
    module
        The library.

    Raises
    ------
    StatisticsError
        ``EXTRA_MISSING`` where it is not installed.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        library = module.partition(".")[0]
        raise StatisticsError(
            "EXTRA_MISSING",
            f"Regressions need the library {library}, which is not installed. "
            f'Install it: pip install "geo-engine[models]"',
        ) from error
