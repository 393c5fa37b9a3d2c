"""The page and the tables of the data-quality report."""

from __future__ import annotations

import base64
import csv
import hashlib
import math
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from geo_engine.outputs.quality_report.assembly import assemble
from geo_engine.outputs.quality_report.findings import Findings, words
from geo_engine.outputs.quality_report.page import (
    MaskedExample,
    QualityReport,
    Section,
    Share,
    render_quality_page,
    write_quality_examples,
    write_quality_items,
    write_quality_page,
)
from geo_engine.places.assign import METHODS
from geo_engine.places.attempts import FLAGS
from geo_engine.places.coordinates import REASONS
from geo_engine.quality.doctor import Example, Quality, check_rows
from geo_engine.quality.masking import REASON_ROLES
from geo_engine.quality.seats import find_seats
from geo_engine.quality.tax_codes import STATES
from geo_engine.quality.totals import compare_totals
from geo_engine.results import Account, SourceAccount
from geo_engine.sources.batches import SourceDialect
from geo_engine.study import parse_study

HOSTILE = [
    "{{7*7}}",
    "{% if %}",
    "A{# B",
    "<img src=x onerror=alert(1)>",
    "</script><script>alert(1)</script>",
    "</style><style>*{display:none}</style>",
    '" onmouseover="alert(1)',
    "' autofocus onfocus='alert(1)",
    "${x} `b` \\",
    '=HYPERLINK("http://x")',
    "+1",
    "-1+1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    " =1",
    "a\x00b\x0bc",
    "a\u202etxt.exe",
    "\ud800",
    "&amp;",
    "]]>",
    "<!--",
]


def report_of(text: str) -> QualityReport:
    """Put one text into every place where a text can stand."""
    return QualityReport(
        title=text,
        is_simulated=True,
        facts=((text, text),),
        figures=((text, 3), (text, 2), (text, 1)),
        messages=(text,),
        sections=(
            Section(
                key="columns",
                title=text,
                headers=(text, text, "n", "s"),
                rows=((text, text, 5, Share(0.5)),),
                note=text,
                marked=frozenset([0]),
            ),
        ),
        examples=(MaskedExample(source=text, row=1, reason=text, column=text, value=text),),
        meanings={text: text},
        items=((text, text, 1, 0.5), ("a", text, 2, math.nan)),
    )


class Page(HTMLParser):
    """Tags with their attributes, and the text outside of style."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "rect"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag != "rect":
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open[-1:] != ["style"]:
            self.texts.append(data)

    @property
    def shape(self) -> list[tuple[str, tuple[str, ...]]]:
        return [(tag, tuple(attributes)) for tag, attributes in self.tags]


PLAIN = Page(render_quality_page(report_of("plain")))


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_becomes_part_of_the_page(text: str) -> None:
    page = render_quality_page(report_of(text))
    page.encode("utf-8")
    parsed = Page(page)
    assert parsed.shape == PLAIN.shape
    assert parsed.open == []
    assert "script" not in {tag for tag, _ in parsed.tags}


@pytest.mark.parametrize("text", HOSTILE[:13])
def test_a_text_is_shown_as_it_is(text: str) -> None:
    assert text in "".join(Page(render_quality_page(report_of(text))).texts)


@pytest.mark.parametrize("text", HOSTILE)
def test_no_cell_of_a_table_is_a_formula(text: str, tmp_path: Path) -> None:
    report = report_of(text)
    for write, name in ((write_quality_items, "a.csv"), (write_quality_examples, "b.csv")):
        write(report, tmp_path / name)
        with (tmp_path / name).open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.reader(file))
        assert len({len(row) for row in rows}) == 1
        for row in rows:
            for cell in row:
                assert not cell.strip(" ").startswith(("=", "+", "-", "@", "\t", "\r"))
                assert "\x00" not in cell


def test_the_page_asks_nothing_of_the_network_and_runs_nothing() -> None:
    page = render_quality_page(report_of("x"))
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)
    style = re.search(r"<style>(.*?)</style>", page, re.DOTALL)
    assert policy is not None
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert policy[1] == (
        f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    )
    assert not re.search(r"https?://|url\(|@import|<script|<link|<iframe| style=| on\w+=", page)


def test_the_page_is_written_in_italian_for_readers_and_screen_readers() -> None:
    page = render_quality_page(report_of("x"))
    assert '<html lang="it">' in page
    assert page.count("<h1>") == 1
    parsed = PLAIN
    ids = [a["id"] for _, a in parsed.tags if "id" in a]
    assert len(ids) == len(set(ids))
    for _, attributes in parsed.tags:
        if "aria-labelledby" in attributes:
            assert attributes["aria-labelledby"] in ids
        href = attributes.get("href")
        if href:
            assert href.removeprefix("#") in ids
    cells = [(tag, a) for tag, a in parsed.tags if tag == "th"]
    assert cells
    assert all(a.get("scope") in ("col", "row") for _, a in cells)


def test_simulated_data_are_said_to_be() -> None:
    assert "DATI SIMULATI" in render_quality_page(report_of("x"))
    sober = QualityReport(**{**vars(report_of("x")), "is_simulated": False})
    assert "DATI SIMULATI" not in render_quality_page(sober)


def test_the_same_report_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a.html", "b.html"):
        write_quality_page(report_of("x"), tmp_path / name)
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()


def test_a_small_share_is_never_shown_as_nothing() -> None:
    section = Section(
        key="k", title="t", headers=("a", "b"), rows=(("x", Share(0.0004)), ("y", Share(0.9999)))
    )
    page = render_quality_page(QualityReport(**{**vars(report_of("x")), "sections": (section,)}))
    assert "&lt;0,1&nbsp;%" in page
    assert "&gt;99,9&nbsp;%" in page


def test_every_reason_flag_and_method_has_words() -> None:
    known = words()
    flags = {
        *FLAGS,
        "REPAIRED_ATECO",
        "REPAIRED_TAX_CODE",
        "NUMBER_INVALID",
        "DATE_INVALID",
        "ATECO_MISSING",
    }
    assert flags <= set(known["flags"])
    reasons = {name for name in REASON_ROLES if not name.endswith("_")}
    assert {"VALUE_RANGE", "DUPLICATE", "COORD_COMUNE_CONFLICT"} <= reasons & set(known["reasons"])
    assert set(REASONS) - {""} <= set(known["reasons"])
    assert set(REASONS) - {"", "COORD_MISSING"} <= set(known["flags"])
    assert set(METHODS) <= set(known["methods"])
    assert set(STATES) == set(known["tax_codes"])


def study(**keys: object) -> object:
    return parse_study(
        {
            "title": "Imprese di <Prato>",
            "data_date": "2024-12-31",
            "unit": "sede",
            "status": "attiva",
            "firms": [{"path": "a.csv", "year": 2024, "licence": "Registro", "columns": {}}],
            **keys,
        }
    )


def findings() -> Findings:
    import pyarrow as pa

    rows = pa.table(
        {
            "cf": ["00743110157", "743110157", "x1", "RCCMNL83S18D969H"],
            "comune": ["Prato", "Prato", "Pratto", "Prato"],
            "ateco": ["13.20.00", "1.1", "62.10.00", "1E5"],
        }
    )
    columns = {"tax_code": "cf", "municipality": "comune", "ateco": "ateco"}
    quality = check_rows(rows, columns, np.array([2023, 2024, 2025, 2025], np.int16)).quality
    source = SourceAccount(
        name="a.csv", sha256="", bytes=1, rows=4, placed=2, quarantined=2, encoding="utf-8"
    )
    account = Account(
        sources=(source,),
        reasons={"CF_INVALID": 1, "ATECO_INVALID": 1},
        methods={"name": 2},
        flags={"REPAIRED_ATECO": 1},
        in_chains=0,
        outside_coverage=0,
    )
    ateco = pd.DataFrame(
        {
            "text": ["13.20.00", "1.1", "62.10.00", "1E5"],
            "rows": [1, 1, 1, 1],
            "code": ["13.20.00", "01.1", "62.10.00", ""],
            "edition": ["2007", "2007", "2025", ""],
            "flag": ["", "REPAIRED_ATECO", "", ""],
            "reason": ["", "", "", "ATECO_INVALID"],
            "detail": ["", "", "", "The text is not an ATECO code."],
        }
    )
    firm = np.array([1, 1, 2, 3], np.uint64)
    seats = find_seats(firm, np.full(4, 2024), np.array([5, 6, 5, 5]), np.ones(4, bool))
    totals = compare_totals({"PO": 2}, {"PO": 10, "FI": 3}).assign(name=["Firenze", "Prato"])
    return Findings(
        account=account,
        quality=quality,
        dialects={"a.csv": SourceDialect(format="csv", columns=("cf",), records=4, separator=";")},
        columns={name: role for role, name in columns.items()},
        ateco=ateco,
        future=2025,
        names=(("Pratto", "PO", 1, "100005 Prato (PO)"),),
        pairs=(("Prato (PO)", "Firenze (FI)", 7),),
        conflicts=7,
        seats=seats,
        totals=totals,
        totals_source="Movimprese 2024",
        seat_advice="looks_like_units",
    )


def test_a_report_says_what_was_found() -> None:
    examples = {"CF_INVALID": (Example(source="a.csv", row=3, fields={"cf": "**"}),)}
    report = assemble(study(), findings(), (), examples)  # type: ignore[arg-type]
    shown = " ".join("".join(Page(render_quality_page(report)).texts).split())
    for part in (
        "Data di riferimento dei dati31/12/2024",
        "Imprese di <Prato>",
        "sedi attive",
        "righe di ATECO 2007 2, di ATECO 2025 1",
        "Righe di anni successivi alla data dei dati (31/12/2024): 2",
        "sembrano unità locali",
        "Righe con le coordinate in un comune diverso da quello dichiarato: 7",
        "2 su 2. Fonte: Movimprese 2024",
        "codice fiscale di una persona fisica: 1",
        "100005 Prato (PO)",
        "2025 (dopo la data dei dati)",
        "1E5",
    ):
        assert part in shown, part
    keys = [section.key for section in report.sections]
    assert keys == [
        "files",
        "quarantined",
        "placed_by",
        "flag",
        "columns",
        "tax_codes",
        "duplicates",
        "ateco_edition",
        "ateco_damage",
        "year",
        "conflict_pair",
        "unresolved_name",
        "province",
    ]


def test_the_long_table_holds_every_count() -> None:
    report = assemble(study(), findings(), (), {})  # type: ignore[arg-type]
    items = {(section, item): (rows, share) for section, item, rows, share in report.items}
    assert items["rows", "in"] == (4, 1.0)
    assert items["quarantined", "CF_INVALID"] == (1, 0.25)
    assert items["filled", "cf"] == (4, 1.0)
    assert items["invalid", "cf"] == (1, 0.25)
    assert items["tax_codes", "person"] == (1, 0.25)
    assert items["tax_codes", "repaired"] == (1, 0.25)
    assert items["duplicates", "conflicting"] == (1, 1 / 3)
    assert items["ateco_edition", "2007"] == (2, 2 / 3)
    assert items["future_year", "2025"] == (2, 0.5)
    assert items["conflicts", "coordinates_declared"][0] == 7
    assert items["province", "PO"] == (2, 0.2)
    assert items["province_official", "FI"][0] == 3
    assert len(items) == len(report.items)


def test_an_empty_study_has_a_report_too() -> None:
    nothing = findings()
    empty = Findings(
        **{
            **vars(nothing),
            "account": Account(
                sources=(), reasons={}, methods={}, flags={}, in_chains=0, outside_coverage=0
            ),
            "quality": Quality(),
            "ateco": nothing.ateco.iloc[:0],
            "dialects": {},
            "seats": None,
            "totals": None,
            "names": (),
            "pairs": (),
            "conflicts": 0,
            "seat_advice": "",
        }
    )
    report = assemble(study(), empty, (), {})  # type: ignore[arg-type]
    page = render_quality_page(report)
    assert "Nessun avviso" in page
    assert Page(page).open == []
