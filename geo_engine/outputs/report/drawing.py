"""The canvas of all figures: fonts, colors, and how one is saved, always as the same bytes."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Canvas

CM = 1 / 2.54
WIDTH_CM = 16.0
"""Between the margins of an A4 page."""
DPI = 200
INK, GREY, LIGHT = "#222222", "#6b6b6b", "#d9d9d9"
HIGH, LOW = "#b2182b", "#2166ac"
SERIES = ("#1b6ca8", "#c05a00", "#5e3c99", "#4d4d4d")
"""Of the territory and its terms of comparison; told apart by their marks too."""
MARKERS = ("o", "D", "s", "^", "v")
PHASES: Mapping[str, str] = {
    "monte": "#7a5195",
    "produzione": "#2c7fb8",
    "distribuzione": "#f0a202",
    "servizi": "#9aa5ab",
}

_STYLE: Any = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],  # comes with matplotlib: the same letters everywhere
    "font.size": 7,
    "axes.titlesize": 7.5,
    "axes.labelsize": 7,
    "axes.edgecolor": GREY,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.labelsize": 6.5,
    "ytick.labelsize": 7,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "hatch.linewidth": 0.5,
    "legend.fontsize": 6.5,
    "legend.frameon": False,
    "svg.fonttype": "none",
    "svg.hashsalt": "geo-engine",
    "axes.unicode_minus": True,
    "axes.formatter.useoffset": False,
}


@contextmanager
def canvas(height_cm: float, width_cm: float = WIDTH_CM) -> Iterator[Canvas]:
    """Open a figure in the style of all.

    Parameters
    ----------
    height_cm, width_cm : float
        Its size.

    Yields
    ------
    Figure
        Of matplotlib, without a window.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure as Canvas

    with mpl.rc_context(_STYLE):
        yield Canvas(figsize=(width_cm * CM, height_cm * CM), dpi=DPI)


def saved(figure: Canvas) -> tuple[bytes, bytes]:
    """Write a figure as PNG and SVG without a clock or a version in them.

    Parameters
    ----------
    figure : Figure
        Drawn.

    Returns
    -------
    tuple of bytes
        PNG and SVG.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    png, svg = io.BytesIO(), io.BytesIO()
    nothing = {"Software": None}
    raster: Any = FigureCanvasAgg(figure)
    raster.print_png(png, metadata=nothing)
    vector: Any = FigureCanvasSVG(figure)
    vector.print_svg(svg, metadata={"Date": None, "Creator": None})
    return png.getvalue(), svg.getvalue()
