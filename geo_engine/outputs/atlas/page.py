"""One HTML file from the rendered map, the data, and the sources beside this module."""

from __future__ import annotations

import base64
import hashlib
import html
import re
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from urllib.parse import urlsplit

from geo_engine.disclosure.publication import Publication
from geo_engine.outputs.atlas.data import as_json, atlas_data
from geo_engine.words import load_words

STYLES = ("atlas.css", "panels.css", "paper.css")
"""The page's style: the map and its controls, the panels around it, and the sheets."""

_PAGE = """<!DOCTYPE html>
<html lang="{language}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<meta name="generator" content="geo-engine">
<title>{title}</title>
<link rel="icon" href="data:,">
<style>{style}</style>
</head>
<body>
<noscript><p>{no_script}</p></noscript>
{body}
<script type="application/json" id="atlas-data">{data}</script>
<script>{script}</script>
</body>
</html>
"""


def write_atlas(
    publication: Publication, path: Path, *, others: Mapping[str, Publication] | None = None
) -> None:
    """Write the interactive map: one file, no request, the same bytes for the same publication.

    Parameters
    ----------
    publication : Publication
        What may be shown of the main universe.
    path : Path
        Where to write; the caller gives a temporary path and renames it.
    others : mapping of str to Publication, optional
        The further universes, which the page lets one choose.
    """
    path.write_text(render_page(publication, others), encoding="utf-8", newline="\n")


def render_page(publication: Publication, others: Mapping[str, Publication] | None = None) -> str:
    """Assemble the page.

    Parameters
    ----------
    publication : Publication
        What may be shown of the main universe.
    others : mapping of str to Publication, optional
        The further universes.

    Returns
    -------
    str
        HTML.
    """
    facts = publication.results.facts
    from geo_engine.outputs.atlas.element import render_map  # folium loads slowly

    rendered = render_map()
    style = _style()
    script = _script(rendered.script)
    body = _source("body.html").replace("<!-- map -->", rendered.html).strip()
    parts = {
        "language": facts.language,
        "policy": _policy(script, style, facts.basemap_tiles),
        "title": html.escape(facts.titled(facts.language)),
        "style": style,
        "no_script": html.escape(load_words(facts.language)["atlas"]["no_script"]),
        "body": body,
        "data": as_json(atlas_data(publication, others)),
        "script": script,
    }
    return re.sub(r"\{(\w+)\}", lambda found: parts[found[1]], _PAGE)


def _policy(script: str, style: str, tiles: str) -> str:
    """Allow the two inline elements and nothing else; pictures of one server where asked for."""
    pictures = "data:"
    if tiles:
        parts = urlsplit(tiles)
        pictures += f" {parts.scheme}://{parts.netloc}"
    return (
        "default-src 'none'; "
        f"script-src 'sha256-{_hash(script)}'; style-src 'sha256-{_hash(style)}'; "
        f"img-src {pictures}; base-uri 'none'; form-action 'none'"
    )


def _script(starter: str) -> str:
    """Join Leaflet, our script and folium's lines; ours is strict and leaves one name behind."""
    ours = "\n".join(_source(name) for name in script_names())
    leaflet = re.sub(r"//# sourceMappingURL=\S+", "", _leaflet("leaflet.js"))
    wrapped = f'const geoAtlas = (() => {{\n"use strict";\n{ours}\nreturn geoAtlas;\n}})();'
    joined = f"{leaflet}\n{wrapped}\n{starter}\n"
    return joined.replace("\r\n", "\n").replace("</script", "<\\/script")


def script_names() -> list[str]:
    """Name the parts of our script in their order, which is that of their numbers.

    Returns
    -------
    list of str
        File names in ``src``.
    """
    folder = resources.files("geo_engine.outputs.atlas").joinpath("src")
    return sorted(part.name for part in folder.iterdir() if part.name.endswith(".js"))


def _style() -> str:
    """Join Leaflet's style and ours; pictures of controls that are not used are left out."""
    leaflet = re.sub(r"url\([^)]*\)", "none", _leaflet("leaflet.css"))
    leaflet = re.sub(r"behavior:[^;]*;", "", leaflet)
    ours = "\n".join(_source(name) for name in STYLES)
    return f"{leaflet}\n{ours}".replace("\r\n", "\n")


def _leaflet(name: str) -> str:
    """Read a file of Leaflet as packaged for Python."""
    from xstatic.pkg import leaflet

    return (Path(leaflet.BASE_DIR) / name).read_text(encoding="utf-8")


def _source(name: str) -> str:
    """Read a file beside this module."""
    folder = resources.files("geo_engine.outputs.atlas").joinpath("src")
    return folder.joinpath(name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    """Digest an inline element for the content security policy."""
    return base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")
