"""Writes a report as an accessible PDF, where pango is installed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from geo_engine.errors import OutputError
from geo_engine.outputs.report.content import Report
from geo_engine.outputs.report.html import html_of

FONTS = {
    ("Report Serif", "normal", "normal"): "STIXGeneral.ttf",
    ("Report Serif", "bold", "normal"): "STIXGeneralBol.ttf",
    ("Report Serif", "normal", "italic"): "STIXGeneralItalic.ttf",
    ("Report Sans", "normal", "normal"): "DejaVuSans.ttf",
    ("Report Sans", "bold", "normal"): "DejaVuSans-Bold.ttf",
}
"""Family, weight and style of the fonts that come with matplotlib: the same on every machine."""
VARIANT = "pdf/ua-1"
NO_PANGO = (
    "The PDF needs pango (`make system`, or apt-get install libpango-1.0-0 libpangoft2-1.0-0) and "
    "`pip install geo-engine[report]`. A printable HTML is written instead: open it in a browser "
    "and print it to PDF."
)


def why_no_pdf() -> str:
    """Say why no PDF can be written here.

    Returns
    -------
    str
        "" where it can.
    """
    try:
        import weasyprint  # noqa: F401  (only whether it loads, with pango)
    except (ImportError, OSError):
        return NO_PANGO
    return ""


def pdf_of(report: Report) -> bytes:
    """Write a report as PDF/UA: tags, language, alternative texts.

    Parameters
    ----------
    report : Report
        Numbered.

    Returns
    -------
    bytes
        The same report gives the same bytes.

    Raises
    ------
    OutputError
        ``NO_PANGO`` where the library cannot be loaded.
    """
    if reason := why_no_pdf():
        raise OutputError("NO_PANGO", reason)
    from weasyprint import CSS, HTML
    from weasyprint.text.fonts import FontConfiguration

    fonts = FontConfiguration()
    fetcher = _fetcher()
    page = HTML(string=html_of(report, paged=True), url_fetcher=fetcher)
    faces = CSS(string=_font_faces(), font_config=fonts, url_fetcher=fetcher)
    found: bytes = page.write_pdf(
        stylesheets=[faces],
        font_config=fonts,
        pdf_variant=VARIANT,
        pdf_identifier=report.slug.encode(),
        optimize_images=False,
    )
    return found


def _font_folder() -> Path:
    """Give the folder of matplotlib's fonts."""
    import matplotlib as mpl

    return Path(mpl.get_data_path()) / "fonts" / "ttf"


def _font_faces() -> str:
    """Declare the fonts."""
    folder = _font_folder()
    return "\n".join(
        f'@font-face {{ font-family: "{family}"; font-weight: {weight}; font-style: {style}; '
        f'src: url("{(folder / file).as_uri()}"); }}'
        for (family, weight, style), file in FONTS.items()
    )


def _fetcher() -> Any:
    """Fetch the fonts and the pictures inside the page, and nothing else."""
    from weasyprint.urls import URLFetcher

    allowed = {(_font_folder() / file).as_uri() for file in FONTS.values()}

    class Inside(URLFetcher):
        """Reads nothing that the report does not hold."""

        def fetch(self, url: str, headers: Any = None) -> Any:
            """Refuse every other address."""
            if not url.startswith("data:") and url not in allowed:
                raise ValueError(f"{url} is not part of the report")
            return super().fetch(url, headers)

    return Inside()
