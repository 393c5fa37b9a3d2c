"""B33 to B44: municipalities that are named or coded badly."""

from __future__ import annotations

from tests.bad_inputs.case import GOOD, Accounted, Case, Refused, csv_case

PRATO = "100005"
_HOMONYMS = [
    ("B33", "Castro", "016065", "075096"),
    ("B34", "Livo", "013130", "022106"),
    ("B35", "Peglio", "013178", "041041"),
    ("B36", "Samone", "001235", "022165"),
    ("B37", "Calliano", "005014", "022035"),
    ("B38", "San Teodoro", "083090", "090092"),
]


def _homonym(number: str, name: str, *codes: str) -> Case:
    """Give the case of a name that two municipalities have."""
    return csv_case(
        number,
        f"two municipalities are called {name}",
        "nome;comune;prov",
        GOOD,
        f"B;{name};",
        f"C;{name.upper()};",
        expected=Accounted(
            placed=(PRATO,), reasons={"AMBIGUOUS_COMUNE": 2}, says=(*codes, "province")
        ),
    )


CASES = [
    *(_homonym(*row) for row in _HOMONYMS),
    csv_case(
        "B33",
        "two municipalities are called Castro and the province tells them apart",
        "nome;comune;prov",
        "B;Castro;BG",
        "C;Castro;Lecce",
        expected=Accounted(placed=("016065", "075096")),
    ),
    csv_case(
        "B33",
        "two municipalities are called Castro and the postal code tells them apart",
        "nome;comune;cap",
        "B;Castro;24063",
        "C;Castro;73030",
        "D;Castro;00100",
        expected=Accounted(
            placed=("016065", "075096"), reasons={"AMBIGUOUS_COMUNE": 1}, flags={"ANY": 1}
        ),
    ),
    csv_case(
        "B39",
        "a name in one language or both",
        "nome;comune;prov",
        "A;Bozen;BZ",
        "B;Bolzano;BZ",
        "C;Bolzano/Bozen;BZ",
        "D;Bozen;",
        "E;BOLZANO - BOZEN;BZ",
        expected=Accounted(placed=("021008",) * 5, flags={"ANY": 1}),
    ),
    csv_case(
        "B40",
        "the two Reggio as registers write them",
        "nome;comune;prov",
        "A;REGGIO EMILIA;RE",
        "B;REGGIO CALABRIA;RC",
        "C;Reggio nell'Emilia;RE",
        "D;Reggio di Calabria;RC",
        "E;REGGIO NELL`EMILIA;",
        "F;REGGIO CALABRIA;",
        expected=Accounted(
            placed=("035033", "080063", "035033", "080063", "035033", "080063"), flags={"ANY": 1}
        ),
    ),
    csv_case(
        "B41",
        "a code that a merger of the shipped list abolished",
        "id;istat",
        GOOD,
        "2;005079",
        expected=Accounted(placed=(PRATO, "005122"), flags={"SUCCESSOR": 1}),
    ),
    csv_case(
        "B41",
        "a code and a name that a merger before the shipped list abolished",
        "id;istat;comune",
        *(f"{i};100005;" for i in range(10)),
        "98;097085;",
        "99;;Vendrogno",
        expected=Accounted(
            placed=(PRATO,) * 10,
            reasons={"DISMISSED_COMUNE": 2},
            says=("097085", "Vendrogno", "geo-engine codes fetch", "codes import FILE"),
        ),
    ),
    csv_case(
        "B42",
        "codes of one date and boundaries of another",
        "id;istat",
        *(f"{i};0900{i:02d}" for i in range(1, 10)),
        *(f"{i};1040{i:02d}" for i in range(10, 20)),
        GOOD,
        expected=Refused(code="BOUNDARY_YEAR", says=("%",)),
    ),
    csv_case(
        "B43",
        "seats abroad",
        "nome;comune;prov",
        GOOD,
        "B;EE;EE",
        "C;Londra;EE",
        "D;GERMANIA;",
        expected=Accounted(placed=(PRATO,), reasons={"FOREIGN": 3}),
    ),
    csv_case(
        "B44",
        "a key that is missing twice",
        "id;istat",
        GOOD,
        "2;",
        "3;  ",
        expected=Accounted(placed=(PRATO,), reasons={"MISSING_KEY": 2}),
    ),
]
