"""B01 to B32: what happens to text between a register and a CSV."""

from __future__ import annotations

import unicodedata

from tests.bad_inputs.case import (
    GOOD,
    Accounted,
    Case,
    Refused,
    columns_of,
    csv_case,
    extract,
    table,
)

PRATO, NAPOLI, FORLI = "100005", "063049", "040012"
NAMED = columns_of("nome", "comune", "prov")


def _plain(number: str, what: str, content: str | bytes, expected: Refused | Accounted, **more):
    """Give a case of named municipalities whose bytes are given."""
    columns = more.pop("columns", NAMED)
    return Case(
        id=number,
        what=what,
        make=extract(content),
        columns=columns,
        expected=expected,
        **more,
    )


_ROWS = table("nome;comune;prov", GOOD, "Bar;Forlì;FC")
_SPOILT = _ROWS.encode().decode("cp1252")

VALUES = [
    csv_case(
        "B01",
        "NA is the province of Napoli",
        "nome;comune;prov",
        GOOD,
        "Bar;Napoli;NA",
        expected=Accounted(placed=(PRATO, NAPOLI), holds={"prov": ("PO", "NA")}),
    ),
    csv_case(
        "B02",
        "Nan is the name of no municipality",
        "nome;comune;prov",
        GOOD,
        "Bar;Nan;PO",
        "Bar 2;nan;",
        expected=Accounted(
            placed=(PRATO,), reasons={"UNKNOWN_COMUNE": 2}, says=("Nan",), record=('"Nan"',)
        ),
    ),
    # The guide expects UNKNOWN_COMUNE for None too, but None is a town near Torino.
    csv_case(
        "B02",
        "None is a municipality of Torino",
        "nome;comune;prov",
        "Bar;None;TO",
        "Bar 2;NONE;TO",
        "Bar 3;None;PO",
        expected=Accounted(
            placed=("001168", "001168"),
            reasons={"PROVINCE_CONFLICT": 1},
            says=("001168 None (TO)",),
            record=('"None"',),
        ),
    ),
    csv_case(
        "B03",
        "a column of TRUE and FALSE stays text",
        "id;comune",
        "1;TRUE",
        "2;FALSE",
        GOOD,
        expected=Accounted(
            placed=(PRATO,), reasons={"UNKNOWN_COMUNE": 2}, record=('"TRUE"', '"FALSE"')
        ),
    ),
    csv_case(
        "B04",
        "an ISTAT code that lost its zero",
        "id;istat",
        GOOD,
        "2;63049",
        "3;40.012",
        expected=Accounted(placed=(PRATO, NAPOLI, FORLI), flags={"REPAIRED_CODE": 2}),
    ),
    csv_case(
        "B05",
        "an ATECO code that became a number and fits one code",
        "id;comune;prov;ateco",
        GOOD,
        "2;Prato;PO;1.11",
        expected=Accounted(
            placed=(PRATO, PRATO),
            flags={"REPAIRED_ATECO": 1},
            holds={"ateco": ("13.20.00", "1.11")},
        ),
    ),
    csv_case(
        "B05",
        "an ATECO code that became a number and fits two codes",
        "id;comune;prov;ateco",
        GOOD,
        "2;Prato;PO;141",
        expected=Accounted(placed=(PRATO,), reasons={"ATECO_AMBIGUOUS": 1}),
    ),
    csv_case(
        "B06",
        "an ATECO code in powers of ten",
        "id;comune;prov;ateco",
        GOOD,
        "2;Prato;PO;1E5",
        "3;Prato;PO;1.00E+05",
        expected=Accounted(
            placed=(PRATO,), reasons={"ATECO_INVALID": 2}, record=('"1E5"', '"1.00E+05"')
        ),
    ),
    csv_case(
        "B07",
        "an ATECO code that became a date and fits one code",
        "id;comune;prov;ateco",
        GOOD,
        "2;Prato;PO;ott-72",
        expected=Accounted(placed=(PRATO, PRATO), flags={"REPAIRED_ATECO": 1}),
    ),
    csv_case(
        "B07",
        "an ATECO code that became a date and fits none",
        "id;comune;prov;ateco",
        GOOD,
        "2;Prato;PO;MAR-04",
        expected=Accounted(placed=(PRATO,), reasons={"ATECO_INVALID": 1}),
    ),
    csv_case(
        "B08",
        "two editions of ATECO where one is stated",
        "id;comune;prov;ateco",
        GOOD,
        "2;Prato;PO;62.01.00",
        "3;Prato;PO;62.10.00",
        source={"ateco_version": "2007"},
        expected=Refused(
            code="ATECO_VERSION_MIXED", says=("1 rows", "ateco_version", "Split the file")
        ),
    ),
    csv_case(
        "B08",
        "two editions of ATECO of which each row says its own",
        "id;comune;prov;ateco;vers",
        GOOD,
        "2;Prato;PO;62.01.00;2007",
        "3;Prato;PO;62.10.00;ATECO 2025",
        expected=Accounted(
            placed=(PRATO,) * 3, holds={"geo_ateco_edition": ("2007", "2007", "2025")}
        ),
    ),
    csv_case(
        "B09",
        "a tax code that lost its zeros",
        "cf;nome;comune;prov",
        GOOD,
        "456780485;Bar;Prato;PO",
        "456780482;Bar 2;Prato;PO",
        expected=Accounted(
            placed=(PRATO, PRATO), reasons={"CF_INVALID": 1}, flags={"REPAIRED_TAX_CODE": 1}
        ),
    ),
    csv_case(
        "B10",
        "a tax code that became a decimal number",
        "cf;nome;comune;prov",
        GOOD,
        "456780485.0;Bar;Prato;PO",
        "1.23457E+10;Bar 2;Prato;PO",
        expected=Accounted(
            placed=(PRATO, PRATO), reasons={"CF_INVALID": 1}, flags={"REPAIRED_TAX_CODE": 1}
        ),
    ),
    csv_case(
        "B11",
        "a tax code with a wrong check digit",
        "cf;nome;comune;prov",
        GOOD,
        "00456780482;Bar;Prato;PO",
        expected=Accounted(placed=(PRATO,), reasons={"CF_CHECKSUM": 1}, says=("correct",)),
    ),
    csv_case(
        "B12",
        "a row twice",
        "cf;nome;comune;prov",
        GOOD,
        "00456780485;Bar;Prato;PO",
        "00456780485;Bar;Prato;PO",
        expected=Accounted(placed=(PRATO, PRATO), reasons={"DUPLICATE": 1}, says=("counted once",)),
    ),
    csv_case(
        "B13",
        "a tax code with two seats kept as local units",
        "cf;nome;comune;prov",
        GOOD,
        "00456780485;Bar;Prato;PO",
        "00456780485;Bar;Forlì;FC",
        expected=Accounted(placed=(PRATO, PRATO, FORLI)),
    ),
    csv_case(
        "B13",
        "a tax code with two seats of which the rule keeps one",
        "cf;nome;comune;prov",
        GOOD,
        "00456780485;Bar;Forlì;FC",
        "00456780485;Bar;Prato;PO",
        "00456780485;Bar di piazza;Prato;PO",
        source={"seats": "quarantine"},
        expected=Accounted(
            placed=(PRATO,) * 3, reasons={"CF_CONFLICT": 1}, says=('seats = "keep"',)
        ),
    ),
    csv_case(
        "B31",
        "points that may part thousands or decimals",
        "id;comune;prov;addetti",
        GOOD,
        "2;Prato;PO;1.234",
        "3;Prato;PO;2.500",
        expected=Refused(code="NUMBER_FORMAT_AMBIGUOUS", says=("addetti",)),
    ),
    csv_case(
        "B32",
        "numbers of employees that no firm has",
        "id;comune;prov;addetti",
        GOOD,
        "2;Prato;PO;-5",
        "3;Prato;PO;1000000000000",
        "4;Prato;PO;1e12",
        expected=Accounted(placed=(PRATO,), reasons={"VALUE_RANGE": 3}),
    ),
]

SHAPES = [
    _plain("B14", "a file of no byte", b"", Refused(code="EMPTY_INPUT", says=("firms.csv",))),
    _plain(
        "B14",
        "a file of blank lines",
        b"\xef\xbb\xbf\n \n",
        Refused(code="EMPTY_INPUT", says=("firms.csv", "again")),
    ),
    _plain(
        "B15",
        "a header and nothing else",
        "nome;comune;prov\n",
        Refused(code="NO_ROWS", says=("firms.csv", "Export it again")),
    ),
    _plain(
        "B16",
        "a column that is not there",
        table("nome;comune;prov", GOOD),
        Refused(code="MISSING_COLUMN", says=("'istat' (istat_code)", "nome, comune, prov")),
        columns={**NAMED, "istat_code": "istat"},
    ),
    _plain(
        "B17",
        "a name that stands twice in the header",
        "nome;comune;prov;comune\nBar;Prato;PO;Prato\n",
        Refused(code="DUPLICATE_COLUMN", says=("firms.csv", "comune", "Rename")),
    ),
    _plain(
        "B18",
        "another separator than the stated one",
        _ROWS,
        Refused(code="SEPARATOR", says=("','", "';' gives 3 fields", "set separator")),
        source={"separator": ","},
    ),
    _plain(
        "B18",
        "a separator that is found and told",
        _ROWS.replace(";", "|"),
        Accounted(placed=(PRATO, FORLI), told=("separatore |",)),
    ),
    _plain(
        "B19",
        "one field too many in every row",
        "nome;comune;prov\nA;Prato;PO;x\nB;Forlì;FC;x\n",
        Refused(code="RAGGED_ROW", says=("2 of 2", "3 fields", "most have 4", "line 2")),
    ),
    csv_case(
        "B20",
        "one field too many in one row",
        "nome;comune;prov",
        GOOD,
        "B;Forlì;FC;x",
        GOOD.replace("GOOD", "C;Forlì;FC"),
        expected=Accounted(
            placed=(PRATO, FORLI), reasons={"RAGGED_ROW": 1}, says=("Line 3 has 4 fields",)
        ),
    ),
    csv_case(
        "B21",
        "one field too few in one row",
        "nome;comune;prov",
        GOOD,
        "B;Forlì",
        "C;Forlì;FC",
        expected=Accounted(
            placed=(PRATO, FORLI), reasons={"RAGGED_ROW": 1}, says=("Line 3 has 2 fields",)
        ),
    ),
    _plain(
        "B22",
        "a quote that nothing closes",
        'nome;comune;prov\nA;Prato;PO\nB;"Forlì;FC',
        Refused(code="UNCLOSED_QUOTE", says=("firms.csv", "line 3", 'quote = "none"')),
    ),
    _plain(
        "B22",
        "a quote that a later one closes",
        table("nome;comune;prov", GOOD, '"B;Forlì;FC', 'C";Forlì;FC', "D;Forlì;FC"),
        Accounted(placed=(PRATO, FORLI, FORLI, FORLI)),
    ),
    _plain(
        "B23",
        "a NUL byte",
        table("nome;comune;prov", GOOD, *["D;Forlì;FC"] * 9, "B\0C;Forlì;FC"),
        Accounted(
            placed=(PRATO, FORLI), reasons={"CONTROL_CHAR": 1, "DUPLICATE": 8}, says=("Line 12",)
        ),
    ),
    _plain(
        "B24",
        "a file that stops in the middle of a row",
        _ROWS.removesuffix(";FC\n"),
        Refused(code="TRUNCATED_INPUT", says=("firms.csv", "line 3", "again")),
    ),
    _plain(
        "B24",
        "a file that stops in the middle of its last field",
        _ROWS.removesuffix("C\n"),
        Refused(code="SHA256_MISMATCH", says=("firms.csv", "ab" * 32)),
        source={"sha256": "ab" * 32},
    ),
]

ENCODINGS = [
    _plain(
        "B25",
        "Windows text is found and told",
        _ROWS.encode("cp1252"),
        Accounted(placed=(PRATO, FORLI), told=("cp1252",), holds={"comune": ("Prato", "Forlì")}),
    ),
    _plain(
        "B25",
        "Windows text where UTF-8 is stated",
        _ROWS.encode("cp1252"),
        Refused(code="ENCODING", says=("firms.csv", 'encoding = "cp1252"')),
        source={"encoding": "utf-8"},
    ),
    _plain(
        "B26",
        "text that was spoilt before it was saved",
        _SPOILT,
        Refused(code="ENCODING_SUSPECT", says=("firms.csv", "ForlÃ¬", "anew")),
    ),
    _plain(
        "B26",
        "UTF-8 where Windows text is stated",
        _ROWS,
        Refused(code="ENCODING_SUSPECT", says=("firms.csv", 'encoding = "utf-8"')),
        source={"encoding": "cp1252"},
    ),
    *(
        _plain(
            "B27",
            f"text in {name}",
            _ROWS.encode(name),
            Refused(code="ENCODING", says=("firms.csv", "CSV UTF-8")),
        )
        for name in ("utf-16", "utf-16-be", "utf-16-le", "utf-32")
    ),
    _plain(
        "B28",
        "a byte order mark",
        b"\xef\xbb\xbf" + _ROWS.encode(),
        Accounted(placed=(PRATO, FORLI), holds={"nome": ("Lana srl", "Bar")}),
    ),
    _plain(
        "B29",
        "a name with its accent apart",
        unicodedata.normalize("NFD", _ROWS),
        Accounted(placed=(PRATO, FORLI)),
    ),
    _plain(
        "B30",
        "hard, double and outer spaces",
        table(
            "nome;comune;prov",
            GOOD,
            "B;San\u00a0Marcello Piteglio;PT",
            "C;  Monte  San Pietro ; BO",
        ),
        Accounted(placed=(PRATO, "047024", "037042"), flags={"ANY": 1}),
    ),
]

CASES = [*VALUES, *SHAPES, *ENCODINGS]
