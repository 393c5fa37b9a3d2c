"""Of which firms a signal is known: by legal form, size class, or any other grouping."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from geo_engine.indicators.digital import UNKNOWN, YES, Signals

Counts = npt.NDArray[np.int64]

COUNTED = ("firms", "known", "yes")
"""Last axis of the counts of coverage."""
UNKNOWN_GROUP = "non noto"
LOW_COVERAGE = 0.5
"""Coverage below which a share of known firms is warned of."""


def coverage_counts(
    signals: Mapping[str, Signals],
    group: npt.NDArray[np.integer],
    groups: int,
    *,
    counted: npt.NDArray[np.bool_] | None = None,
) -> Counts:
    """Count firms, those with a known signal and those with a positive one, by group.

    Parameters
    ----------
    signals : mapping of str to int8 array
        1 yes, 0 no, -1 unknown.
    group : array of int
        Legal form, size class, year or whatever else of each firm, by position; -1 for none, which
        is counted last.
    groups : int
        How many groups there are.
    counted : array of bool, optional
        Firms that count, such as those of a universe; all by default.

    Returns
    -------
    array of int64, shape (signals, groups + 1, ``COUNTED``)
        Adds up over batches.
    """
    where = np.where(group < 0, groups, group).astype(np.int64)
    where = where if counted is None else where[counted]
    found = np.zeros((len(signals), groups + 1, len(COUNTED)), np.int64)
    for row, verdicts in enumerate(signals.values()):
        own = verdicts if counted is None else verdicts[counted]
        for column, chosen in enumerate((None, own != UNKNOWN, own == YES)):
            inside = where if chosen is None else where[chosen]
            found[row, :, column] = np.bincount(inside, minlength=groups + 1)
    return found


def coverage_table(
    signals: Sequence[tuple[str, str]],
    counts: Mapping[str, tuple[Sequence[str], Counts]],
) -> pd.DataFrame:
    """Say of which firms each signal is known.

    Parameters
    ----------
    signals : sequence of (str, str)
        Key and Italian label of each signal, in the order of the counts.
    counts : mapping
        By dimension ("legal_form", "size"): labels of the groups, and counts of
        :func:`coverage_counts`.

    Returns
    -------
    DataFrame
        signal, label, dimension, group, firms, known, yes, coverage (known / firms), share (yes /
        known, NaN where none is known), share_low and share_high (the share if every unknown firm
        were no, or yes). Groups without a firm are left out; "non noto" holds firms without a
        group.
    """
    parts = []
    for dimension, (labels, table) in counts.items():
        names = [*labels, UNKNOWN_GROUP]
        for (key, label), rows in zip(signals, table, strict=True):
            part = pd.DataFrame(rows, columns=list(COUNTED))
            for position, (name, value) in enumerate(
                (("signal", key), ("label", label), ("dimension", dimension), ("group", names))
            ):
                part.insert(position, name, value)
            parts.append(part[part["firms"] > 0])
    joined = pd.concat(parts, ignore_index=True)
    firms, known, yes = (joined[name].to_numpy(float) for name in COUNTED)
    joined["coverage"] = known / firms
    joined["share"] = np.divide(yes, known, out=np.full(len(yes), np.nan), where=known > 0)
    joined["share_low"] = yes / firms
    joined["share_high"] = (firms - known + yes) / firms
    return joined


def coverage_warnings(table: pd.DataFrame) -> tuple[str, ...]:
    """Say in Italian where a signal is known of few firms, or of some kinds of firm only.

    Parameters
    ----------
    table : DataFrame
        Of :func:`coverage_table`.

    Returns
    -------
    tuple of str
        One sentence a signal and dimension that needs one.
    """
    said = []
    for (_, dimension), rows in table.groupby(["signal", "dimension"], sort=False):
        low = rows[rows["coverage"] < LOW_COVERAGE]
        if low.empty:
            continue
        listed = ", ".join(
            f"{group} {_percent(coverage)}"
            for group, coverage in zip(low["group"], low["coverage"], strict=True)
        )
        what = {"legal_form": "forma giuridica", "size": "classe di addetti"}
        label = rows["label"].iloc[0]
        said.append(
            f"{label}: noto per meno della metà delle imprese in alcuni gruppi per "
            f"{what.get(str(dimension), dimension)} ({listed})."
        )
    return tuple(said)


def count_levels(
    levels: npt.NDArray[np.integer], how_many: int, group: npt.NDArray[np.integer], groups: int
) -> Counts:
    """Count firms by group and level, such as those of an index; adds up over batches.

    Parameters
    ----------
    levels : array of int
        From 0; -1 unknown, which is counted last.
    how_many : int
        Levels there are.
    group : array of int
        As for :func:`coverage_counts`.
    groups : int
        How many groups there are.

    Returns
    -------
    array of int64, shape (groups + 1, how_many + 1)
        Every firm stands once.
    """
    where = np.where(group < 0, groups, group).astype(np.int64)
    level = np.where(levels < 0, how_many, levels).astype(np.int64)
    size = (groups + 1) * (how_many + 1)
    found = np.bincount(where * (how_many + 1) + level, minlength=size)
    return found.reshape(groups + 1, how_many + 1).astype(np.int64)


def _percent(share: float) -> str:
    """Write a share in per cent as Italians do."""
    return f"{100 * share:.1f} %".replace(".", ",")
