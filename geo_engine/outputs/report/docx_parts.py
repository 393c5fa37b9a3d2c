"""Parts of a DOCX: paragraphs, captions with fields, pictures with alternative texts."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from geo_engine.outputs.report.content import Figure

if TYPE_CHECKING:
    from docx.document import Document

COLORS = {"high": "9C1523", "low": "1D5B98", "muted": "666666"}
DARK, GREY = "16324F", "555555"


@dataclass(frozen=True, kw_only=True)
class Look:
    """A style, and what stands in for it where a template lacks it."""

    style: str
    size: float = 0.0
    bold: bool = False
    color: str = ""


TEXT = Look(style="Normal")
LEAD = Look(style="Normal", size=11, color=DARK)
TERM = Look(style="Normal", bold=True)
NOTE = Look(style="Normal", size=8, color=GREY)
NOTICE = Look(style="Normal", size=8.5, bold=True, color="5C4700")
SUBTITLE = Look(style="Subtitle", size=10)
BULLET = Look(style="List Bullet")
CAPTION = Look(style="Caption", size=8.5, bold=True, color="222222")
SMALL = Look(style="Normal", size=6, color=GREY)
CAPTION_SPACE = 101_600
"""8 pt."""
HEAD = 6.5
"""Size of the headings of a table."""


def paragraph(document: Document, text: str, look: Look) -> Any:
    """Add a paragraph.

    Parameters
    ----------
    document : Document
        To add to.
    text : str
        Its text.
    look : Look
        Its style.

    Returns
    -------
    Paragraph
        Of python-docx.
    """
    added = document.add_paragraph(style=_style(document, look.style))
    run(added, text, look)
    return added


def run(to: Any, text: str, look: Look) -> Any:
    """Add a run of text to a paragraph.

    Parameters
    ----------
    to : Paragraph
        Of python-docx.
    text : str
        Its text.
    look : Look
        Size, weight and color.

    Returns
    -------
    Run
    """
    from docx.shared import Pt, RGBColor

    added = to.add_run(text)
    added.bold = True if look.bold else None
    if look.size:
        added.font.size = Pt(look.size)
    if look.color:
        added.font.color.rgb = RGBColor.from_string(look.color)
    return added


def _style(document: Document, name: str) -> str | None:
    """Give the name of a style where the document has it, None otherwise."""
    try:
        return str(document.styles[name].name)
    except KeyError:
        return None


def caption(document: Document, word: str, number: int, text: str) -> None:
    """Add a caption whose number is a field, so that Word can list tables and figures.

    Parameters
    ----------
    document : Document
        To add to.
    word : str
        ``Tabella {n}``.
    number : int
        The number shown until Word counts again.
    text : str
        The caption.
    """
    added = document.add_paragraph(style=_style(document, CAPTION.style))
    added.paragraph_format.keep_with_next = True  # a figure's source stays with its caption
    added.paragraph_format.space_before = CAPTION_SPACE
    before, _, after = word.partition("{n}")
    run(added, before, CAPTION)
    field(added, f"SEQ {before.strip()} \\* ARABIC", str(number), CAPTION)
    run(added, f"{after}. {text}", CAPTION)


def field(to: Any, instruction: str, shown: str, look: Look) -> None:
    """Add a field that Word computes.

    Parameters
    ----------
    to : Paragraph
        Of python-docx.
    instruction : str
        Such as ``PAGE``.
    shown : str
        Until it is computed.
    look : Look
        Of its text.
    """
    for kind, text in (
        ("begin", ""),
        ("", instruction),
        ("separate", ""),
        ("text", shown),
        ("end", ""),
    ):
        part = run(to, text if kind == "text" else "", look)
        if kind in ("begin", "separate", "end"):
            part._r.append(element("w:fldChar", {"w:fldCharType": kind}))
        elif not kind:
            code = element("w:instrText", {"xml:space": "preserve"})
            code.text = f" {text} "
            part._r.append(code)


def element(tag: str, attributes: dict[str, str]) -> Any:
    """Make an XML element.

    Parameters
    ----------
    tag : str
        With its prefix, ``w:tblBorders``.
    attributes : dict of str to str
        By prefixed name.

    Returns
    -------
    element
        Of lxml.
    """
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn

    made = OxmlElement(tag)
    for name, value in attributes.items():
        made.set(qn(name), value)
    return made


def text_width(section: Any) -> int:
    """Give the width between the margins of a page.

    Parameters
    ----------
    section : Section
        Of python-docx.

    Returns
    -------
    int
        In English Metric Units.
    """
    return int(section.page_width) - int(section.left_margin) - int(section.right_margin)


def picture(document: Document, figure: Figure) -> None:
    """Add a picture with its alternative text.

    Parameters
    ----------
    document : Document
        To add to.
    figure : Figure
        The picture.
    """
    from docx.shared import Cm

    section = document.sections[-1]
    whole = text_width(section)
    width = min(Cm(figure.width_cm), whole)
    added = document.add_paragraph()
    added.paragraph_format.keep_with_next = True
    shape = added.add_run().add_picture(io.BytesIO(figure.png), width=width)
    described = shape._inline.docPr
    described.set("descr", figure.alt)
    described.set("name", f"{figure.key}.png")


def term(document: Document, name: str, meaning: str) -> None:
    """Add an entry of the glossary.

    Parameters
    ----------
    document : Document
        To add to.
    name, meaning : str
        The entry.
    """
    added = document.add_paragraph(style=_style(document, "Normal"))
    run(added, f"{name}: ", TERM)
    run(added, meaning, TEXT)
    added.paragraph_format.space_after = 0


def set_styles(document: Document) -> None:
    """Give our own look to the styles of an empty document.

    Parameters
    ----------
    document : Document
        Of the library's template.
    """
    from docx.oxml.ns import qn
    from docx.shared import Pt, RGBColor

    sizes = {"Normal": 10, "Title": 20, "Heading 1": 14, "Heading 2": 10.5, "Caption": 8.5}
    for name, size in sizes.items():
        style: Any = document.styles[name]
        font = style.font
        font.name = "Calibri" if name != "Normal" else "Cambria"
        fonts = style.element.get_or_add_rPr().get_or_add_rFonts()
        for kind in ("w:asciiTheme", "w:hAnsiTheme", "w:eastAsiaTheme", "w:cstheme"):
            fonts.attrib.pop(qn(kind), None)
        font.size = Pt(size)
        if name != "Normal":
            font.color.rgb = RGBColor.from_string(DARK)
            font.bold = True
    normal: Any = document.styles["Normal"]
    normal.paragraph_format.space_after = Pt(5)


def set_page(section: Any) -> None:
    """Make pages A4 with margins of 2.5 cm.

    Parameters
    ----------
    section : Section
        Of python-docx.
    """
    from docx.shared import Cm

    section.page_width, section.page_height = Cm(21), Cm(29.7)
    section.left_margin = section.right_margin = Cm(2.5)
    section.top_margin = section.bottom_margin = Cm(2.3)


def set_footer(section: Any, stamp: str, page: str) -> None:
    """Write date and version of the data and page x of y at the foot of each page.

    Parameters
    ----------
    section : Section
        Of python-docx.
    stamp : str
        Date and version.
    page : str
        ``Pagina {page} di {pages}``.
    """
    look = Look(style="Normal", size=7.5, color=GREY)
    foot = section.footer.paragraphs[0]
    run(foot, f"{stamp} · ", look)
    before, _, rest = page.partition("{page}")
    between, _, after = rest.partition("{pages}")
    run(foot, before, look)
    field(foot, "PAGE", "1", look)
    run(foot, between, look)
    field(foot, "NUMPAGES", "1", look)
    run(foot, after, look)


def set_mark(section: Any, text: str) -> None:
    """Write at the head of each page that data are simulated.

    Parameters
    ----------
    section : Section
        Of python-docx.
    text : str
        The words.
    """
    from docx.enum.text import WD_ALIGN_PARAGRAPH

    head = section.header
    added = head.paragraphs[0] if not head.paragraphs[0].text else head.add_paragraph()
    run(added, text, NOTICE)
    added.alignment = WD_ALIGN_PARAGRAPH.CENTER


def set_language(document: Document, language: str) -> None:
    """Say in which language all text is, for spelling and for readers aloud.

    Parameters
    ----------
    document : Document
        A document.
    language : str
        ``it-IT``.
    """
    from docx.oxml.ns import qn

    styles: Any = document.styles.element
    for properties in styles.iter(qn("w:rPrDefault")):
        inner = properties.find(qn("w:rPr"))
        if inner is None:
            continue
        found = inner.find(qn("w:lang"))
        if found is None:
            found = element("w:lang", {})
            inner.append(found)
        found.set(qn("w:val"), language)
