"""Line charts of the workbook, which stay linked to the cells of their sheet."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from geo_engine.outputs.fields import clean_text
from geo_engine.outputs.workbook_sheet import Chart, Sheet

COLORS = ("#2c7fb8", "#b2182b", "#1b7837", "#e08214", "#762a83", "#8c510a", "#01665e", "#c51b7d")
DASHES = ("solid", "dash", "round_dot", "long_dash")
"""Lines differ by dash too, where colors return or are not seen."""
SIZE = {"width": 760, "height": 400}


def add_chart(workbook: Any, page: Any, sheet: Sheet, first: int, *, format_code: str) -> None:
    """Put the chart of a sheet to the right of its table.

    Parameters
    ----------
    workbook, page : xlsxwriter.Workbook, xlsxwriter.Worksheet
        An open workbook and one of its sheets.
    sheet : Sheet
        Its table; without a chart, or with a single point a line, nothing is drawn.
    first : int
        Row of the first figures, from 0.
    format_code : str
        How heights are written.
    """
    asked = sheet.chart
    if asked is None:
        return
    runs = list(_runs(sheet.frame, asked))
    if not runs:
        return
    chart = workbook.add_chart({"type": "line"})
    along, value = (list(sheet.frame.columns).index(name) for name in (asked.along, asked.value))
    for number, (label, start, stop) in enumerate(runs):
        rows = (first + start, first + stop - 1)
        line = {
            "color": COLORS[number % len(COLORS)],
            "dash_type": DASHES[number // len(COLORS) % len(DASHES)],
            "width": 2,
        }
        chart.add_series(
            {
                "name": clean_text(label),
                "categories": [sheet.name, rows[0], along, rows[1], along],
                "values": [sheet.name, rows[0], value, rows[1], value],
                "line": line,
                "marker": {
                    "type": "circle",
                    "size": 5,
                    "fill": {"color": line["color"]},
                    "border": {"color": line["color"]},
                },
            }
        )
    chart.set_title({"name": clean_text(asked.title), "name_font": {"size": 12}})
    chart.set_y_axis({"num_format": format_code, "major_gridlines": {"visible": True}})
    chart.set_legend({"position": "right"})
    chart.show_blanks_as("gap")
    chart.set_size(SIZE)
    page.insert_chart(first - 1, sheet.frame.shape[1] + 1, chart)


def _runs(frame: pd.DataFrame, asked: Chart) -> Iterator[tuple[str, int, int]]:
    """Give each line: its label, its first row, and the row after its last."""
    labels = frame[asked.group].astype(str).to_numpy()
    heights = pd.to_numeric(frame[asked.value], errors="coerce").to_numpy(dtype=float)
    first = np.r_[True, labels[1:] != labels[:-1]][: len(labels)]
    starts = np.flatnonzero(first).tolist()
    drawn: set[str] = set()
    for start, stop in zip(starts, [*starts[1:], len(labels)], strict=True):
        label = str(labels[start])
        if label not in drawn and np.isfinite(heights[start:stop]).sum() > 1:
            drawn.add(label)
            yield label, start, stop
