"""The folium part of the page: a Leaflet map without tiles, and the call that starts our script.

Nothing of the data goes through folium: branca compiles what it rendered again as a template.
"""

from __future__ import annotations

from dataclasses import dataclass

import folium
from branca.element import Figure, MacroElement
from jinja2 import Template

MAP_NAME = "atlas"
ZOOMS = (4, 13)


class AtlasMap(folium.Map):
    """A folium map with a fixed name and without the assets that folium loads from elsewhere."""

    default_js: list[tuple[str, str]] = []  # noqa: RUF012  folium reads them from the class
    default_css: list[tuple[str, str]] = []  # noqa: RUF012  the same


class AtlasElement(MacroElement):
    """Starts the atlas's script on the map it is added to."""

    _template = Template(
        "{% macro script(this, kwargs) %}geoAtlas.start({{ this._parent.get_name() }});"
        "{% endmacro %}"
    )


@dataclass(frozen=True, kw_only=True)
class Rendered:
    """What folium made of the map."""

    html: str
    """The element that holds the map."""
    script: str
    """Makes the Leaflet map and starts the atlas."""


def render_map() -> Rendered:
    """Render the map once; no value of a study goes in.

    Returns
    -------
    Rendered
        Always the same text.
    """
    atlas = AtlasMap(
        location=[42.0, 12.5],
        zoom_start=6,
        tiles=None,
        zoom_control=False,
        attribution_control=False,
        min_zoom=ZOOMS[0],
        max_zoom=ZOOMS[1],
        zoom_snap=0.1,
        wheel_px_per_zoom_level=90,
        zoom_animation=True,
        fade_animation=False,
    )
    atlas._id = MAP_NAME
    starter = AtlasElement()  # type: ignore[no-untyped-call]  # branca has no types here
    starter._name, starter._id = "AtlasElement", MAP_NAME
    starter.add_to(atlas)
    figure = atlas.get_root()
    assert isinstance(figure, Figure)
    figure.render()
    return Rendered(html=figure.html.render().strip(), script=figure.script.render().strip())
