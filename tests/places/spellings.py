"""How registers write names: each municipality in the spellings of one family."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

import numpy as np
import pandas as pd

SAINTS = {"SAN": "S.", "SANTA": "S.", "SANTO": "S.", "SANTI": "SS.", "SANT": "S."}
SHORT = {
    "MONTE": "M.TE", "CASTELLO": "C.LLO", "BORGO": "B.GO", "PONTE": "P.TE", "PORTO": "P.TO",
    "VILLA": "V.LLA", "SANTA": "S.TA", "SANTO": "S.TO", "GIOVANNI": "GIOV.",
    "SULLA": "S/", "SUL": "S/",
}  # fmt: skip
SMALL = re.compile(r"\b(DI|DEL|DELLA|DELLO|DEI|DEGLI|DELLE|NELL|DELL|D|IN|SUL|SULLA|SULLO)\b")
UMLAUTS = str.maketrans({"Ä": "AE", "Ö": "OE", "Ü": "UE", "ß": "SS"})
OLD_SIGLE = {"FC": "FO", "PU": "PS", "BT": "BA", "MB": "MI", "FM": "AP", "SU": "CA"}


def bare(name: str) -> str:
    """Take accents away, umlauts too."""
    letters = unicodedata.normalize("NFKD", name.replace("ß", "ss").replace("đ", "d"))
    return "".join(each for each in letters if not unicodedata.combining(each)).upper()


def accents_as(mark: str) -> Callable[[str], str]:
    """Write an accent as a sign after the letter."""

    def write(name: str) -> str:
        letters = unicodedata.normalize("NFKD", name.upper().translate(UMLAUTS))
        return "".join(mark if unicodedata.combining(each) else each for each in letters)

    return write


def words(table: dict[str, str]) -> Callable[[str], str]:
    """Shorten the words of a table."""

    def write(name: str) -> str:
        folded = bare(name).replace("'", " ")
        return " ".join(table.get(each, each) for each in folded.split())

    return write


def typo(seed: int) -> Callable[[str], str]:
    """Slip once: a letter lost, doubled, swapped or wrong."""

    def write(name: str) -> str:
        text = bare(name)
        rng = np.random.default_rng([seed, *text.encode()])
        i = int(rng.integers(1, max(len(text) - 1, 2)))
        kind = int(rng.integers(4))
        letter = "ABCDEFGHILMNOPRSTUVZ"[int(rng.integers(20))]
        return [
            text[:i] + text[i + 1 :],
            text[:i] + text[i : i + 1] * 2 + text[i + 1 :],
            text[:i] + text[i : i + 2][::-1] + text[i + 2 :],
            text[:i] + letter + text[i + 1 :],
        ][kind]

    return write


def lost_letter(name: str) -> str:
    """Write what is not ASCII as a question mark."""
    return "".join(each if each.isascii() else "?" for each in name).upper()


ITALIAN: dict[str, Callable[[str], str]] = {
    "as published": str,
    "capitals": str.upper,
    "no accents": bare,
    "accents as apostrophes": accents_as("'"),
    "accents as backticks": accents_as("`"),
    "apostrophes as spaces": lambda name: bare(name).replace("'", " "),
    "apostrophes as backticks": lambda name: bare(name).replace("'", "`"),
    "apostrophes lost": lambda name: bare(name).replace("'", ""),
    "hyphens as spaces": lambda name: bare(name).replace("-", " "),
    "hyphens with spaces": lambda name: bare(name).replace("-", " - "),
    "double spaces": lambda name: bare(name).replace(" ", "  "),
    "decomposed": lambda name: unicodedata.normalize("NFD", name),
    "mojibake": lambda name: name.encode().decode("latin-1"),
    "saints short": words(SAINTS),
    "saints without space": lambda name: words(SAINTS)(name).replace(". ", "."),
    "words short": words(SHORT),
    "small words lost": lambda name: " ".join(SMALL.sub(" ", bare(name).replace("'", " ")).split()),
    "cut at 18": lambda name: bare(name)[:18],
    "cut at 25": lambda name: bare(name)[:25],
    "short, cut at 20": lambda name: words(SAINTS)(name)[:20],
    "letters lost": lost_letter,
    "comune di": lambda name: f"COMUNE DI {name}".upper(),
    "one slip": typo(1),
    "another slip": typo(2),
    "two slips": lambda name: typo(4)(typo(3)(name)),
}
"""Spellings of an Italian name; slips and cuts may be refused, never wrong."""
UNSURE = frozenset(
    ("cut at 18", "cut at 25", "short, cut at 20", "one slip", "another slip", "two slips",
     "words short", "small words lost", "letters lost")
)  # fmt: skip


def in_two_languages(italian: str, other: str) -> dict[str, str]:
    """Write a name in two languages as registers do."""
    it, de = bare(italian), other.upper().translate(UMLAUTS)
    dotted = f"{it} .{bare(de)}."
    return {
        "both, dots": dotted,
        "both, dots, cut at 40": dotted[:40],
        "both, dots, cut at 30": dotted[:30],
        "both, dots, cut at 25": dotted[:25],
        "both, slash": f"{italian}/{other}",
        "both, slash, reversed": f"{bare(other)}/{it}",
        "both, spaced slash": f"{it} / {bare(de)}",
        "both, hyphen": f"{it} - {de}",
        "both, hyphen, reversed": f"{other} - {italian}",
        "both, tight hyphen": f"{it}-{bare(other)}",
        "both, brackets": f"{italian} ({other})",
        "both, space": f"{it} {bare(other)}",
        "other alone": other,
        "other alone, umlauts spelled": bare(de),
        "other alone, no accents": bare(other),
    }


def with_context(rows: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Write what stands beside a name in other ways: columns name, province, region."""
    upper = rows["name"].map(bare)
    sigla, province, region = rows["sigla"], rows["province"].map(bare), rows["region"].map(bare)
    empty = pd.Series("", index=rows.index)
    frames = {
        "province named": (upper, province, empty),
        "province named, small words lost": (
            upper, province.str.replace(" E DELLA ", " ").str.replace(" E ", " "), empty
        ),
        "province code": (upper, rows["cod_prov"], empty),
        "province code, zeros lost": (upper, rows["cod_prov"].str.lstrip("0"), empty),
        "provincia di": (upper, "PROVINCIA DI " + province, empty),
        "former sigla": (upper, sigla.replace(OLD_SIGLE), empty),
        "sigla and region": (upper, sigla, region),
        "region alone": (upper, empty, region),
        "region code": (upper, empty, rows["cod_reg"]),
        "sigla in brackets": (upper + " (" + sigla + ")", empty, empty),
        "sigla after": (upper + " " + sigla, empty, empty),
        "postal code before": ("00000 " + upper, sigla, empty),
        "NAN as sigla": (upper, sigla.replace({"NA": "NAN"}), empty),
        "name alone": (upper, empty, empty),
    }  # fmt: skip
    return {
        family: pd.DataFrame({"name": name, "province": beside, "region": area})
        for family, (name, beside, area) in frames.items()
    }
