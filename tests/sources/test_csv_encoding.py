"""Which encoding a CSV has: counted as Python's own decoder counts, doubts named."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo_engine.errors import SourceError
from geo_engine.sources.csv_census import count_characters, take_census
from geo_engine.sources.firms import detect, read_batches
from geo_engine.study import FirmSource

LAWS = settings(derandomize=True, deadline=None, max_examples=300)
PIECES = st.sampled_from(
    [b"a", b'"', b"abcdefgh", "è".encode(), "€".encode(), "😀".encode(), b"\xed\xa0\x80", b"\xc0"]
)
BYTES = st.lists(st.one_of(PIECES, st.binary(max_size=3)), max_size=12).map(b"".join)


@LAWS
@given(data=BYTES)
def test_characters_and_damaged_bytes_are_counted_as_python_decodes_them(data):
    text = data.decode("utf-8", errors="surrogateescape")
    damaged = sum(0xDC80 <= ord(letter) <= 0xDCFF for letter in text)
    beyond = sum(ord(letter) >= 0x80 for letter in text) - damaged
    counts, used = count_characters(np.frombuffer(data, np.uint8), final=True)
    assert (counts[0], counts[1], counts[3]) == (beyond, damaged, data.count(b'"'))
    assert used == len(data)


@LAWS
@given(data=BYTES, cut=st.integers(0, 30))
def test_a_character_that_is_cut_between_two_reads_is_counted_once(data, cut):
    whole, _ = count_characters(np.frombuffer(data, np.uint8), final=True)
    first, used = count_characters(np.frombuffer(data[:cut], np.uint8), final=False)
    rest, _ = count_characters(np.frombuffer(data[used:], np.uint8), final=True)
    quotes_again = data[used:cut].count(b'"')
    assert (first + rest)[:2].tolist() == whole[:2].tolist()
    assert quotes_again == 0
    assert first[3] + rest[3] == whole[3]


@pytest.mark.parametrize(
    "word", ["Forlì", "Città", "perché", "è", "più", "però", "CAFFÈ", "FORLÌ", "L’Aquila", "25 °C"]
)
def test_every_accent_that_was_read_as_cp1252_once_is_noticed(tmp_path, word):
    spoilt = word.encode().decode("cp1252", errors="replace")
    path = tmp_path / "a.csv"
    path.write_text(f"a,b\n1,{spoilt}\n", encoding="utf-8")
    assert take_census(path).mojibake >= 1
    with pytest.raises(SourceError, match="ENCODING_SUSPECT"):
        detect(FirmSource(path="a.csv"), path)


@pytest.mark.parametrize(
    "word", ["São Paulo", "Ångström", "Bâle", "Ã", "â", "Łódź", "Bozen/Bolzano"]
)
def test_foreign_names_do_not_look_spoilt(tmp_path, word):
    path = tmp_path / "a.csv"
    path.write_text(f"a,b\n1,{word}\n", encoding="utf-8")
    assert take_census(path).mojibake == 0


@pytest.mark.parametrize("page", ["cp850", "cp437", "mac-roman"])
def test_text_of_dos_or_of_an_old_macintosh_is_refused_unless_the_study_insists(tmp_path, page):
    path = tmp_path / "a.csv"
    text = "a;b\n" + "1;Forlì, città del caffè\n2;Cantù perché no\n" * 20
    path.write_bytes(text.encode(page))
    with pytest.raises(SourceError, match="ENCODING: "):
        detect(FirmSource(path="a.csv"), path)
    insisted = FirmSource(path="a.csv", encoding="cp1252")
    assert detect(insisted, path).encoding == "cp1252"


@pytest.mark.parametrize("text", ["L’Aquila – “Bar” €", "Forlì’s", "Škofja Štefan è più"])
def test_typographic_signs_of_cp1252_are_text(tmp_path, text):
    path = tmp_path / "a.csv"
    path.write_bytes(f"a;b\n1;{text}\n".encode("cp1252"))
    source = FirmSource(path="a.csv")
    batch = next(read_batches(source, path))
    assert batch.rows.column("b").to_pylist() == [text]


def test_every_character_of_cp1252_is_read_as_itself(tmp_path):
    letters = [bytes([byte]) for byte in range(0xA0, 0x100)]
    path = tmp_path / "a.csv"
    path.write_bytes(b"a;b\n" + b"".join(b"x;" + letter + b"\n" for letter in letters))
    rows = next(read_batches(FirmSource(path="a.csv", encoding="cp1252"), path)).rows
    assert rows.column("b").to_pylist() == [letter.decode("cp1252") for letter in letters]


def test_a_byte_without_a_character_in_cp1252_sets_its_record_aside(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes("a;b\n1;è\n2;à\n".encode("cp1252") + b"3;\x81\n")
    batch = next(read_batches(FirmSource(path="a.csv"), path))
    assert batch.rows.column("a").to_pylist() == ["1", "2"]
    assert batch.quarantined["reason"].tolist() == ["ENCODING"]
