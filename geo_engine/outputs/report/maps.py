"""Maps of municipalities: classes and palette of the atlas, neighbors, labels, a scale bar."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import shapely

from geo_engine.outputs.qgis_style import CLUSTER_COLORS, SEQUENTIAL
from geo_engine.outputs.report.drawing import GREY, INK, WIDTH_CM, canvas, saved

if TYPE_CHECKING:
    import geopandas as gpd
    from matplotlib.axes import Axes
    from matplotlib.path import Path as Outline

BORDER, CONTEXT, SEA = "#8a8a8a", "#e9ecef", "#ffffff"
MISSING_FILL = "#f5f5f5"
MANY = 700
"""Places from which borders and hatching would cover the colors."""
LABELS = 22
"""Most names of municipalities on a map."""
MARGIN = 0.06
"""Of the neighbors shown around, in parts of the territory's size."""
Shapes = npt.NDArray[Any]


@dataclass(frozen=True, kw_only=True)
class Layer:
    """Places filled alike, and their entry in the legend."""

    places: tuple[str, ...]
    color: str
    label: str
    hatch: str = ""


@dataclass(frozen=True, kw_only=True)
class MapPlan:
    """All that a map shows."""

    layers: tuple[Layer, ...]
    title: str
    notes: tuple[str, ...] = ()
    """Under the legend."""
    labels: tuple[tuple[str, str], ...] = ()
    """(``pro_com_t``, name), the most important first."""
    outlines: tuple[tuple[str, ...], ...] = ()
    """Groups of places with a strong outline."""
    borders: tuple[tuple[str, ...], ...] = field(default=())
    """Groups of places with a thin dark border: provinces or regions."""
    outside: str = ""
    """Legend entry of the neighbors, "" for none."""
    kilometers: str = "km"


def draw_map(shapes: gpd.GeoSeries, plan: MapPlan, height_cm: float = 11.0) -> tuple[bytes, bytes]:
    """Draw a map with its legend on the right.

    Parameters
    ----------
    shapes : GeoSeries
        Outlines of all municipalities in meters, by ``pro_com_t``.
    plan : MapPlan
        What it shows.
    height_cm : float
        Of the figure.

    Returns
    -------
    tuple of bytes
        PNG and SVG.
    """
    shown = [code for layer in plan.layers for code in layer.places]
    drawn = shapes.reindex(shown)
    with canvas(height_cm) as figure:
        axes = figure.add_axes((0.0, 0.0, 0.72, 1.0))
        legend = figure.add_axes((0.735, 0.0, 0.265, 1.0))
        for each in (axes, legend):
            each.set_axis_off()
        window = _window(drawn.total_bounds, 0.72 * WIDTH_CM / height_cm)
        axes.set_xlim(window[0], window[2])
        axes.set_ylim(window[1], window[3])
        _draw_context(axes, shapes, frozenset(shown), window)
        fine = len(shown) <= MANY
        for layer in plan.layers:
            _fill(axes, shapes.reindex(list(layer.places)).to_numpy(), layer, fine=fine)
        for group in plan.borders:
            _outline(axes, shapes, group, "#333333", 0.5 if fine else 0.35)
        for group in plan.outlines:
            _outline(axes, shapes, group, "#ffffff", 2.4)
            _outline(axes, shapes, group, "#67000d", 1.3)
        _draw_labels(axes, shapes, plan.labels, window, height_cm)
        _draw_scale(axes, window, plan.kilometers)
        _draw_legend(legend, plan, height_cm)
        return saved(figure)


def value_layers(
    values: npt.NDArray[np.float64],
    places: Sequence[str],
    cuts: Sequence[float],
    labels: Sequence[str],
) -> tuple[Layer, ...]:
    """Class places by their values; a value on a break is in the upper class.

    Parameters
    ----------
    values : array of float
        Finite.
    places : sequence of str
        Of the same length.
    cuts : sequence of float
        Rising breaks.
    labels : sequence of str
        One more than breaks.

    Returns
    -------
    tuple of Layer
        From low to high, empty classes too.
    """
    classes = np.searchsorted(np.asarray(cuts), values, side="right")
    codes = np.asarray(places, dtype=str)
    colors = _spread(len(cuts) + 1)
    return tuple(
        Layer(places=tuple(codes[classes == at].tolist()), color=colors[at], label=label)
        for at, label in enumerate(labels)
    )


def cluster_color(kind: str) -> str:
    """Give the color of a quadrant, ``ns`` for none."""
    return CLUSTER_COLORS[kind]


def _spread(classes: int) -> list[str]:
    """Give colors for fewer classes than the palette has, ends included."""
    if classes == 1:
        return [SEQUENTIAL[2]]
    steps = np.linspace(0, len(SEQUENTIAL) - 1, classes).round().astype(int)
    return [SEQUENTIAL[at] for at in steps]


def _window(bounds: npt.NDArray[np.float64], ratio: float) -> tuple[float, float, float, float]:
    """Widen bounds to the shape of the axes, with a margin for neighbors."""
    west, south, east, north = (float(each) for each in bounds)
    width, height = (east - west) * (1 + 2 * MARGIN), (north - south) * (1 + 2 * MARGIN)
    height, width = max(height, width / ratio, 4000.0), max(width, height * ratio, 4000.0 * ratio)
    x, y = (west + east) / 2, (south + north) / 2
    return x - width / 2, y - height / 2, x + width / 2, y + height / 2


def _path(shapes: Shapes) -> Outline | None:
    """Turn polygons into one path: drawing thousands of patches apart is slow."""
    from matplotlib.path import Path as Outline

    rings = shapely.get_rings(shapely.get_parts(shapes[~shapely.is_missing(shapes)]))
    if not len(rings):
        return None
    points, owner = shapely.get_coordinates(rings, return_index=True)
    codes = np.full(len(points), Outline.LINETO, dtype=np.uint8)
    first = np.flatnonzero(np.diff(owner, prepend=-1))
    codes[first] = Outline.MOVETO
    codes[np.append(first[1:], len(points)) - 1] = Outline.CLOSEPOLY
    return Outline(points, codes)


def _fill(axes: Axes, shapes: Shapes, layer: Layer, *, fine: bool) -> None:
    """Fill the places of a layer."""
    from matplotlib.patches import PathPatch

    path = _path(shapes)
    if path is None:
        return
    axes.add_artist(  # no add_patch: limits are set, and finding them is slow
        PathPatch(
            path,
            facecolor=layer.color,
            edgecolor=BORDER if fine or layer.hatch else layer.color,
            linewidth=0.3 if fine else 0.1,
            hatch=layer.hatch or None,
            joinstyle="round",
        )
    )


def _outline(
    axes: Axes, shapes: gpd.GeoSeries, group: Sequence[str], color: str, width: float
) -> None:
    """Draw the border around a group of places."""
    from matplotlib.patches import PathPatch

    inside = shapes.reindex(list(group)).dropna()
    path = _path(np.array([shapely.coverage_union_all(inside.to_numpy())]))
    if path is not None:
        axes.add_artist(
            PathPatch(path, facecolor="none", edgecolor=color, linewidth=width, joinstyle="round")
        )


def _draw_context(
    axes: Axes,
    shapes: gpd.GeoSeries,
    shown: frozenset[str],
    window: tuple[float, float, float, float],
) -> None:
    """Draw the neighbors in grey."""
    near = shapes.iloc[np.sort(shapes.sindex.query(shapely.box(*window), predicate="intersects"))]
    around = near[[code not in shown for code in near.index]]
    layer = Layer(places=(), color=CONTEXT, label="")
    _fill(axes, around.to_numpy(), layer, fine=True)


def _draw_labels(
    axes: Axes,
    shapes: gpd.GeoSeries,
    labels: Sequence[tuple[str, str]],
    window: tuple[float, float, float, float],
    height_cm: float,
) -> None:
    """Write names where they do not run into each other, the most important first."""
    from matplotlib.patheffects import withStroke

    per_cm = (window[3] - window[1]) / height_cm
    taken: list[tuple[float, float, float, float]] = []
    halo = [withStroke(linewidth=1.6, foreground="white")]
    for code, name in labels:
        if len(taken) >= LABELS:
            return
        point = shapely.point_on_surface(shapes[code])
        x, y = float(shapely.get_x(point)), float(shapely.get_y(point))
        half, high = 0.062 * max(len(name), 3) * per_cm, 0.15 * per_cm
        box = (x - half, y - high, x + half, y + high)
        inside = box[0] > window[0] and box[2] < window[2]
        if not inside or any(_overlap(box, other) for other in taken):
            continue
        taken.append(box)
        axes.text(
            x,
            y,
            name,
            ha="center",
            va="center",
            fontsize=6,
            color=INK,
            path_effects=halo,
            parse_math=False,
        )


def _overlap(a: tuple[float, ...], b: tuple[float, ...]) -> bool:
    """Tell whether two boxes share a point."""
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def _draw_scale(axes: Axes, window: tuple[float, float, float, float], unit: str) -> None:
    """Draw a scale bar of a round length at the bottom left, and where north is."""
    width = window[2] - window[0]
    raw = width / 5
    power = 10 ** np.floor(np.log10(raw))
    length = max(step * power for step in (1, 2, 5) if step * power <= raw)
    x, y = window[0] + 0.03 * width, window[1] + 0.03 * (window[3] - window[1])
    tick = 0.008 * width
    frame = {"color": INK, "linewidth": 1.0, "solid_capstyle": "butt", "zorder": 5}
    axes.plot([x, x, x + length, x + length], [y + tick, y, y, y + tick], **frame)  # type: ignore[arg-type]
    number = f"{length / 1000:g}"
    style: dict[str, Any] = {"fontsize": 6.5, "color": INK, "zorder": 5}
    axes.text(x + length + tick, y, f"{number} {unit}", va="bottom", ha="left", **style)
    top = window[3] - 0.04 * (window[3] - window[1])
    axes.annotate(
        "N",
        xy=(x, top),
        xytext=(x, top - 0.07 * (window[3] - window[1])),
        ha="center",
        arrowprops={"arrowstyle": "-|>", "color": GREY, "linewidth": 0.8},
        fontsize=6.5,
        color=GREY,
    )


def _draw_legend(axes: Axes, plan: MapPlan, height_cm: float) -> None:
    """Write title, classes with their counts, and notes; heights are in centimeters."""
    from matplotlib.patches import Rectangle

    axes.set_xlim(0, 1)
    axes.set_ylim(0, height_cm)
    y = _wrapped(axes, plan.title, height_cm - 0.2, bold=True) - 0.2
    for layer in (*plan.layers, *([_context_entry(plan)] if plan.outside else [])):
        lines = _lines(layer.label, 25)
        axes.add_patch(
            Rectangle(
                (0, y - 0.34),
                0.12,
                0.34,
                facecolor=layer.color,
                edgecolor=BORDER,
                linewidth=0.4,
                hatch=layer.hatch * 2 or None,
            )
        )
        for at, line in enumerate(lines):
            axes.text(
                0.16,
                y - 0.18 - 0.27 * at,
                line,
                va="center",
                fontsize=6.3,
                color=INK,
                parse_math=False,
            )
        y -= 0.42 + 0.27 * (len(lines) - 1)
    if plan.outlines:
        axes.plot([0, 0.12], [y - 0.17, y - 0.17], color="#67000d", linewidth=1.6)
        axes.text(0.16, y - 0.17, plan.notes[0], va="center", fontsize=6.3, parse_math=False)
        y -= 0.46
    for note in plan.notes[1 if plan.outlines else 0 :]:
        y = _wrapped(axes, note, y - 0.1, color=GREY)


def _context_entry(plan: MapPlan) -> Layer:
    """Give the legend entry of the neighbors."""
    return Layer(places=(), color=CONTEXT, label=plan.outside)


def _wrapped(axes: Axes, text: str, y: float, *, bold: bool = False, color: str = INK) -> float:
    """Write a text in short lines from a height downward, and give the height below it."""
    for line in _lines(text, 25 if bold else 33):
        axes.text(
            0,
            y,
            line,
            va="top",
            fontsize=6.8 if bold else 6,
            color=color,
            fontweight="bold" if bold else "normal",
            parse_math=False,
        )
        y -= 0.31 if bold else 0.27
    return y


def _lines(text: str, width: int) -> list[str]:
    """Break a text at spaces."""
    import textwrap

    return textwrap.wrap(text, width) or [""]
