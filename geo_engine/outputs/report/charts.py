"""Charts of a report: intervals, phases, years, comparisons; each value also stands in a table."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from geo_engine.outputs.report.drawing import (
    GREY,
    HIGH,
    INK,
    LIGHT,
    LOW,
    MARKERS,
    PHASES,
    SERIES,
    canvas,
    saved,
)
from geo_engine.outputs.report.speech import Speech, tone_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLUMNS = 3
"""Small charts side by side."""
ROW_CM = 0.62


@dataclass(frozen=True, kw_only=True)
class Point:
    """A value with its interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class Need:
    """A chain among specialization and distance from the reference."""

    label: str
    quotient: Point
    gap: float
    """Share less the reference's, 0.01 is one point; NaN where there is none."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """A series over the years; NaN is not joined."""

    label: str
    values: tuple[float, ...]
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Small:
    """A small chart of one chain."""

    label: str
    lines: tuple[Line, ...]
    """The territory first."""
    breaks: tuple[tuple[int, int], ...] = ()
    """(year before, year) of each break of the series."""


def draw_quotients(needs: Sequence[Need], speech: Speech, where: str) -> tuple[bytes, bytes]:
    """Draw quotients with intervals, and beside them need by specialization.

    Parameters
    ----------
    needs : sequence of Need
        One a chain.
    speech : Speech
        Language.
    where : str
        The reference of the gaps, "" where no signal was surveyed.

    Returns
    -------
    tuple of bytes
        PNG and SVG.
    """
    known = [each for each in needs if math.isfinite(each.quotient.value)]
    with canvas(max(5.2, 2.0 + ROW_CM * len(known))) as figure:
        two = bool(where) and any(math.isfinite(each.gap) for each in known)
        left = figure.add_axes((0.25, 0.17, 0.29 if two else 0.7, 0.78))
        _forest(left, known, speech)
        if two:
            _quadrants(figure.add_axes((0.645, 0.17, 0.34, 0.78)), known, speech, where)
        return saved(figure)


def draw_phases(
    parts: Mapping[str, Mapping[str, float]], speech: Speech, names: Mapping[str, str]
) -> tuple[bytes, bytes]:
    """Draw how each chain divides among its phases.

    Parameters
    ----------
    parts : mapping
        Label of a chain to part (0 to 1) by phase.
    speech : Speech
        Language.
    names : mapping
        Names of the phases.

    Returns
    -------
    tuple of bytes
        PNG and SVG.
    """
    labels = list(parts)
    with canvas(1.9 + ROW_CM * len(labels)) as figure:
        axes = figure.add_axes((0.25, 0.2, 0.72, 0.66))
        start = np.zeros(len(labels))
        for phase, name in names.items():
            width = np.array([parts[label].get(phase, 0.0) for label in labels])
            color = PHASES.get(phase, GREY)
            axes.barh(labels, width, left=start, color=color, height=0.62, label=name)
            for row, (x, w) in enumerate(zip(start, width, strict=True)):
                if w >= 0.08:
                    dark = phase in ("monte", "produzione")
                    axes.text(
                        x + w / 2,
                        row,
                        f"{speech.number(100 * w)}%",
                        ha="center",
                        va="center",
                        fontsize=6.2,
                        color="white" if dark else INK,
                    )
            start = start + width
        axes.set_ylim(len(labels) - 0.45, -0.55)
        axes.set_xlim(0, 1)
        _percent_axis(axes, "x", speech)
        axes.set_xlabel(speech.say("chains.phase_axis"))
        axes.legend(ncols=len(names), loc="lower left", bbox_to_anchor=(0, 1.0), borderpad=0)
        return saved(figure)


def draw_trend(
    charts: Sequence[Small], years: Sequence[int], speech: Speech, *, share: bool
) -> tuple[bytes, bytes]:
    """Draw one small chart a chain, breaks of the series as vertical lines.

    Parameters
    ----------
    charts : sequence of Small
        One a chain.
    years : sequence of int
        Of all lines.
    speech : Speech
        Language.
    share : bool
        Whether values are shares, all on one scale.

    Returns
    -------
    tuple of bytes
        PNG and SVG.
    """
    rows = math.ceil(len(charts) / COLUMNS)
    height = 1.0 + 3.9 * rows
    with canvas(height) as figure:
        top = _top(charts) if share else 0.0
        for at, chart in enumerate(charts):
            row, column = divmod(at, COLUMNS)
            bottom = (0.5 + 3.9 * (rows - 1 - row) + 0.75) / height
            axes = figure.add_axes((0.055 + 0.325 * column, bottom, 0.275, 2.45 / height))
            _small(axes, chart, years)
            axes.set_ylim(0, top if share else None)
            if share:
                _percent_axis(axes, "y", speech)
                axes.tick_params(labelleft=column == 0)  # one scale for all
            else:
                _number_axis(axes, speech)
        told = [axes.get_legend_handles_labels() for axes in figure.axes]
        handles, labels = max(told, key=lambda each: len(each[1]))
        figure.legend(handles, labels, loc="lower center", ncols=len(labels), borderpad=0)
        return saved(figure)


def draw_comparison(
    rows: Mapping[str, Sequence[Point]], names: Sequence[str], speech: Speech
) -> tuple[bytes, bytes]:
    """Draw for each chain the territory with its interval, and its terms of comparison.

    Parameters
    ----------
    rows : mapping
        Label of a chain to points in the order of ``names``.
    names : sequence of str
        The territory first.
    speech : Speech
        Language.

    Returns
    -------
    tuple of bytes
        PNG and SVG.
    """
    labels = list(rows)
    with canvas(2.1 + ROW_CM * len(labels)) as figure:
        axes = figure.add_axes((0.25, 0.2, 0.72, 0.66))
        for at, name in enumerate(names):
            points = [rows[label][at] for label in labels]
            x = np.array([point.value for point in points])
            y = np.arange(len(labels))
            own = at == 0
            if own:
                ends = np.array([[p.value - p.low, p.high - p.value] for p in points]).T
                axes.errorbar(
                    x,
                    y,
                    xerr=np.nan_to_num(np.maximum(ends, 0)),
                    fmt="none",
                    ecolor=SERIES[0],
                    elinewidth=1.4,
                    zorder=2,
                )
            axes.plot(
                x,
                y,
                linestyle="none",
                marker=MARKERS[at],
                markersize=5.5 if own else 4.5,
                color=SERIES[0] if own else "none",
                zorder=3,
                label=name,
                markeredgecolor=SERIES[min(at, len(SERIES) - 1)],
                markeredgewidth=1.0,
            )
        axes.set_yticks(np.arange(len(labels)), labels)
        axes.set_ylim(len(labels) - 0.5, -0.5)
        axes.grid(axis="y", color=LIGHT, linewidth=0.5)
        _percent_axis(axes, "x", speech)
        axes.legend(ncols=len(names), loc="lower left", bbox_to_anchor=(0, 1.0), borderpad=0)
        return saved(figure)


def _forest(axes: Axes, needs: Sequence[Need], speech: Speech) -> None:
    """Draw quotients with their intervals on a logarithmic scale."""
    y = np.arange(len(needs))
    for row, need in enumerate(needs):
        point = need.quotient
        tone = tone_of(point.low, point.high, 1.0)
        color = {"high": HIGH, "low": LOW}.get(tone, GREY)
        low = max(point.low, 0.02) if math.isfinite(point.low) else point.value
        high = point.high if math.isfinite(point.high) else point.value
        axes.plot([low, max(high, 0.02)], [row, row], color=color, linewidth=1.4)
        axes.plot(max(point.value, 0.02), row, marker="o", markersize=4.5, color=color)
    axes.axvline(1, color=INK, linewidth=0.7)
    axes.set_xscale("log")
    axes.set_yticks(y, [f"{each.label}  {at}" for at, each in enumerate(needs, 1)])
    axes.set_ylim(len(needs) - 0.5, -0.5)
    values = [v for n in needs for v in (n.quotient.low, n.quotient.high) if math.isfinite(v)]
    low, high = max(min([*values, 0.8]), 0.03), max([*values, 1.25])
    axes.set_xlim(low / 1.15, high * 1.15)
    _quotient_ticks(axes, low, high, speech)
    axes.set_xlabel(speech.say("chains.quotient_axis"))
    axes.grid(axis="y", color=LIGHT, linewidth=0.5)


def _quotient_ticks(axes: Axes, low: float, high: float, speech: Speech) -> None:
    """Write round quotients that lie on the axis."""
    round_ones = (0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50)
    ticks = [tick for tick in round_ones if low / 1.15 <= tick <= high * 1.15]
    axes.set_xticks(ticks, [speech.number(t, 0 if t >= 1 else 2 if t < 0.1 else 1) for t in ticks])
    axes.minorticks_off()


def _quadrants(axes: Axes, needs: Sequence[Need], speech: Speech, where: str) -> None:
    """Draw each chain by its quotient and its distance from the reference."""
    shown = [each for each in needs if math.isfinite(each.gap) and each.quotient.value > 0]
    gaps = [100 * each.gap for each in shown]
    reach = max([abs(gap) for gap in gaps] + [5.0]) * 1.35
    values = [each.quotient.value for each in shown]
    low, high = min([*values, 0.5]) / 1.3, max([*values, 2.0]) * 1.6
    axes.axhspan(-reach, 0, color="#f3f3f3", zorder=0)
    axes.axvline(1, color=INK, linewidth=0.7)
    axes.axhline(0, color=INK, linewidth=0.7)
    numbers = {each.label: at for at, each in enumerate(needs, 1)}
    for value, gap, each in zip(values, gaps, shown, strict=True):
        axes.plot(value, gap, "o", markersize=4.0, color=SERIES[0])
        axes.annotate(
            str(numbers[each.label]),
            (value, gap),
            xytext=(3.5, 2.5),
            textcoords="offset points",
            fontsize=7,
            fontweight="bold",
        )
    axes.set_xscale("log")
    axes.set_xlim(low, high)
    axes.set_ylim(-reach, reach)
    _quotient_ticks(axes, low, high, speech)
    _number_axis(axes, speech)
    axes.set_xlabel(speech.say("chains.quotient_axis"))
    axes.set_ylabel(speech.say("chains.need_axis", where=where))


def _small(axes: Axes, chart: Small, years: Sequence[int]) -> None:
    """Draw the lines of one chain."""
    axes.set_title(chart.label, loc="left", fontweight="bold", parse_math=False)
    for at, line in enumerate(chart.lines):
        y = np.array(line.values)
        pieces = _pieces(years, chart.breaks)
        for number, piece in enumerate(pieces):
            style: dict[str, Any] = {
                "color": SERIES[at],
                "linewidth": 1.5 if at == 0 else 0.9,
                "linestyle": "-" if at == 0 else (0, (4, 2)),
                "marker": MARKERS[at] if at == 0 else None,
                "markersize": 2.8,
                "label": line.label if number == 0 else None,
            }
            axes.plot(np.array(years)[piece], y[piece], **style)
        if line.low and at == 0:
            axes.fill_between(years, line.low, line.high, color=SERIES[0], alpha=0.14, linewidth=0)
    for before, year in chart.breaks:
        axes.axvline((before + year) / 2, color=HIGH, linewidth=1.0, linestyle=(0, (1, 1.5)))
    marked = sorted({years[0], years[-1], *([years[len(years) // 2]] if len(years) > 4 else [])})
    axes.set_xticks(marked, [str(year) for year in marked])
    axes.set_xlim(years[0] - 0.25, years[-1] + 0.25)
    axes.grid(axis="y", color=LIGHT, linewidth=0.5)


def _pieces(years: Sequence[int], breaks: Sequence[tuple[int, int]]) -> list[list[int]]:
    """Cut the years where the series breaks: no line crosses a break."""
    pieces: list[list[int]] = [[]]
    starts = {year for _, year in breaks}
    for at, year in enumerate(years):
        if year in starts and pieces[-1]:
            pieces.append([])
        pieces[-1].append(at)
    return pieces


def _top(charts: Sequence[Small]) -> float:
    """Give one upper end for all small charts of shares."""
    ends = [
        value
        for chart in charts
        for line in chart.lines
        for value in (*line.values, *line.high)
        if math.isfinite(value)
    ]
    return min(1.0, math.ceil(10 * max([*ends, 0.1])) / 10) * 1.02


def _percent_axis(axes: Axes, which: str, speech: Speech) -> None:
    """Write the numbers of an axis as percentages."""
    from matplotlib.ticker import FuncFormatter

    axis = axes.xaxis if which == "x" else axes.yaxis
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{speech.number(100 * value)}%"))


def _number_axis(axes: Axes, speech: Speech) -> None:
    """Write the numbers of the vertical axis as the language does."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    axes.yaxis.set_major_locator(MaxNLocator(5, integer=True))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: speech.number(value)))
