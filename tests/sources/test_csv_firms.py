"""CSV extracts: read as text, every record accounted for, damage named."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from geo_engine.errors import SourceError
from geo_engine.sources import csv_blocks, csv_records
from geo_engine.sources.csv_census import take_census
from geo_engine.sources.firms import check_mapping, detect, read_batches
from geo_engine.study import FirmSource

LAWS = settings(derandomize=True, deadline=None, max_examples=150)


def read(path: Path, **options) -> tuple[list[list[str]], pd.DataFrame, list[int]]:
    """Read a file whole: rows, quarantined records, numbers of the rows."""
    batches = list(read_batches(FirmSource(path=path.name, **options), path))
    rows = [list(row.values()) for batch in batches for row in batch.rows.to_pylist()]
    numbers = [int(number) for batch in batches for number in batch.row_numbers]
    aside = pd.concat([batch.quarantined for batch in batches], ignore_index=True)
    assert sorted([*numbers, *aside["row"]]) == list(range(1, len(numbers) + len(aside) + 1))
    return rows, aside, numbers


def written(folder: Path, content: str | bytes, name: str = "firms.csv") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def refusal(path: Path, **options) -> str:
    with pytest.raises(SourceError) as caught:
        read(path, **options)
    assert len(caught.value.message) > 30
    return caught.value.code


# --- what is read -------------------------------------------------------------------------


def test_values_stay_the_text_that_the_file_holds(tmp_path):
    path = written(tmp_path, "prov,cod,ateco,v\nNA,063049,01.10,\nnull,1E5,TRUE,NaN\n")
    assert read(path)[0] == [["NA", "063049", "01.10", ""], ["null", "1E5", "TRUE", "NaN"]]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("last", ["", "end"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_every_line_end_with_and_without_the_last_one_is_read(tmp_path, end, last, mark):
    text = mark + end.join(["a;b", "1;x", "2;y"]) + (end if last else "")
    rows, aside, numbers = read(written(tmp_path, text))
    assert rows == [["1", "x"], ["2", "y"]]
    assert numbers == [1, 2]
    assert aside.empty


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_the_separator_is_found(tmp_path, separator):
    lines = [["id", "nome", "x"], ["1", "Rossi & C.", "9.1"], ["2", "Bianchi", "9.2"]]
    path = written(tmp_path, "\n".join(separator.join(line) for line in lines) + "\n")
    dialect = detect(FirmSource(path=path.name), path)
    assert dialect.separator == separator
    assert dialect.columns == ("id", "nome", "x")


def test_decimal_commas_do_not_pass_for_separators(tmp_path):
    path = written(tmp_path, "1;45,1;9,1\n2;45,2;9,2\n3;45,3;9,3\n")
    source = FirmSource(path=path.name, header=False, columns={"lon": 3, "lat": 2})
    dialect = detect(source, path)
    assert dialect.separator == ";"
    assert dialect.decimal == ","
    assert dialect.columns == ("1", "2", "3")


def test_title_lines_and_blank_lines_are_not_records(tmp_path):
    path = written(tmp_path, "Elenco imprese;;\n\nid;nome;cap\n1;x;00100\n\n2;y;00200\n\n")
    source = FirmSource(path=path.name, header=3)
    dialect = detect(source, path)
    assert (dialect.records, dialect.blank_lines, dialect.header_line) == (2, 2, 3)
    rows, _, numbers = read(path, header=3)
    assert rows == [["1", "x", "00100"], ["2", "y", "00200"]]
    assert numbers == [1, 2]


def test_a_separator_at_the_end_of_every_record_makes_no_ragged_file(tmp_path):
    rows, aside, _ = read(written(tmp_path, "a;b\n1;2;\n3;4;\n"))
    assert rows == [["1", "2", ""], ["3", "4", ""]]
    assert aside.empty


def test_cp1252_is_recognized_and_decoded(tmp_path):
    path = written(tmp_path, "id;comune\n1;Forlì\n2;Città\n".encode("cp1252"))
    assert detect(FirmSource(path=path.name), path).encoding == "cp1252"
    assert read(path)[0] == [["1", "Forlì"], ["2", "Città"]]


def test_one_damaged_byte_in_utf8_sets_one_record_aside_and_spoils_no_other(tmp_path):
    content = "id;comune\n" + "".join(f"{i};Forlì\n" for i in range(9))
    path = written(tmp_path, content.encode() + b"9;Citt\xe0\n")
    rows, aside, _ = read(path)
    assert rows == [[str(i), "Forlì"] for i in range(9)]
    assert aside[["row", "reason"]].to_numpy().tolist() == [[10, "ENCODING"]]


def test_a_mark_of_byte_order_inside_the_file_is_text(tmp_path):
    assert read(written(tmp_path, "a,b\n\ufeffx,y\n"))[0] == [["\ufeffx", "y"]]


def test_rows_of_totals_are_set_aside_when_the_study_names_them(tmp_path):
    path = written(tmp_path, "a;b;c\nx;1;2\nTOTALERG;1;1\n; Totale generale;3\n")
    rows, aside, numbers = read(path, total_rows=("Totale",))
    assert rows == [["x", "1", "2"], ["TOTALERG", "1", "1"]]
    assert numbers == [1, 2]
    assert aside["reason"].tolist() == ["TOTAL_ROW"]
    assert json.loads(aside["record"][0]) == {"a": "", "b": " Totale generale", "c": "3"}


# --- quotes -------------------------------------------------------------------------------


def test_quoted_fields_keep_separators_line_ends_and_quotes(tmp_path):
    path = written(tmp_path, 'a,b,c\n"x,1","l1\nl2","say ""hi"""\np,q,12" disc\n')
    assert read(path)[0] == [["x,1", "l1\nl2", 'say "hi"'], ["p", "q", '12" disc']]


def test_stray_quotes_in_a_file_that_does_not_quote_swallow_no_line(tmp_path):
    lines = [f"{i};Bar {i};MI" for i in range(50)]
    lines[10] = '10;"Bar Sport;MI'
    lines[20] = '20;Da "Gino" srl;MI'
    lines[30] = '30;"Il" Forno;MI'
    rows, aside, _ = read(written(tmp_path, "\n".join(lines) + "\n"), header=False)
    assert rows == [line.split(";") for line in lines]
    assert aside.empty


def test_a_pair_of_stray_quotes_on_two_lines_merges_no_records(tmp_path):
    text = 'id;nome;prov\n1;"Rossi;MI\n2;Bianchi";RM\n3;Verdi;TO\n'
    rows, _, _ = read(written(tmp_path, text))
    assert [row[0] for row in rows] == ["1", "2", "3"]


def test_one_unbalanced_quote_among_many_good_ones_costs_one_record(tmp_path):
    lines = [f'{i},"Bar, {i}",MI' for i in range(300)]
    lines[100] = '100,"Bar, 100,MI'
    rows, aside, numbers = read(written(tmp_path, "id,nome,prov\n" + "\n".join(lines) + "\n"))
    # The record that closes the quote is parsed alone again, so it is not lost either.
    assert numbers == [i for i in range(1, 301) if i != 101]
    assert rows[150] == ["151", "Bar, 151", "MI"]
    assert aside[["row", "reason"]].to_numpy().tolist() == [[101, "RAGGED_ROW"]]
    assert "102" in aside["detail"][0]
    assert json.loads(aside["record"][0]) == {"text": lines[100]}


@pytest.mark.parametrize(
    ("opens", "closes"),
    [('20,"Bar,MI', '25,Forno",MI'), ('20,Bar,"MI', '25,Forno",MI')],
)
def test_two_stray_quotes_among_good_ones_cost_their_two_records(tmp_path, opens, closes):
    lines = [f'{i},"Bar, {i}",MI' if i < 15 else f"{i},Bar,MI" for i in range(50)]
    lines[20], lines[25] = opens, closes
    text = "id,nome,prov\n" + "\n".join(lines) + "\n"
    rows, aside, _ = read(written(tmp_path, text))
    assert [int(row[0]) for row in rows] == [i for i in range(50) if i not in {20, 25}]
    assert aside["row"].tolist() == [21, 26]
    assert set(aside["reason"]) == {"RAGGED_ROW"}


def test_one_stray_quote_does_not_leave_the_quotes_of_all_other_records_in_their_text(tmp_path):
    lines = [f'{i};"Bar {i}";MI' for i in range(50)]
    lines[20] = '20;"Bar 20;MI'
    rows, aside, _ = read(written(tmp_path, "id;nome;prov\n" + "\n".join(lines) + "\n"))
    assert [row[1] for row in rows] == [f"Bar {i}" for i in range(50) if i != 20]
    assert aside["row"].tolist() == [21]


def test_an_unclosed_quote_is_refused_with_its_line(tmp_path):
    path = written(tmp_path, 'a,b\n1,"x')
    assert refusal(path) == "UNCLOSED_QUOTE"
    path = written(tmp_path, 'a,b,c\n"1,1",x,y\n2,"x,y\n3,x,y\n')
    with pytest.raises(SourceError, match="line 3"):
        read(path, quote='"')


def test_an_unclosed_quote_longer_than_any_record_is_refused(tmp_path):
    lines = ['"a,1",b,c', '"2,b,c'] + [f"{i},b,c" for i in range(40_000)]
    with pytest.raises(SourceError, match="line 3"):
        read(written(tmp_path, "x,y,z\n" + "\n".join(lines) + "\n"), quote='"')


# --- damage -------------------------------------------------------------------------------


def test_a_long_and_a_short_record_are_set_aside_with_their_line(tmp_path):
    rows, aside, numbers = read(written(tmp_path, "a,b\n1,2\n1,2,3\n4\n5,6\n"))
    assert rows == [["1", "2"], ["5", "6"]]
    assert numbers == [1, 4]
    assert aside["reason"].tolist() == ["RAGGED_ROW", "RAGGED_ROW"]
    assert aside["row"].tolist() == [2, 3]
    assert [text.split(" has")[0] for text in aside["detail"]] == ["Line 3", "Line 4"]


def test_a_nul_byte_sets_its_record_aside(tmp_path):
    rows, aside, _ = read(written(tmp_path, b"a,b\n1,x\n2,x\0y\n3,z\n" + b"4,w\n" * 20))
    assert [row[0] for row in rows] == ["1", "3", *["4"] * 20]
    assert aside[["row", "reason"]].to_numpy().tolist() == [[2, "CONTROL_CHAR"]]
    assert json.loads(aside["record"][0]) == {"text": "2,x\0y"}


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "EMPTY_INPUT"),
        (b"\xef\xbb\xbf\n\n", "EMPTY_INPUT"),
        (b"a,b\n", "NO_ROWS"),
        (b"a,b,a\n1,2,3\n", "DUPLICATE_COLUMN"),
        (b"a,b\n1,2,3\n4,5,6\n", "RAGGED_ROW"),
        (b"a,b\n1,2,3\n", "RAGGED_ROW"),
        (b"a,b,c\n1,2,3\n4,5,6\n7,8", "TRUNCATED_INPUT"),
        ("a,b\n1,Forlì\n".encode("utf-16"), "ENCODING"),
        ("a,b\n1,Forlì\n".encode("utf-16-be"), "ENCODING"),
        ("a,b\n1,ForlÃ¬\n2,CittÃ\xa0\n".encode(), "ENCODING_SUSPECT"),
    ],
)
def test_a_file_that_cannot_be_read_whole_is_refused(tmp_path, content, code):
    assert refusal(written(tmp_path, content)) == code


@pytest.mark.parametrize(
    ("options", "content", "code"),
    [
        ({"separator": ","}, "a;b\n1;2\n", "SEPARATOR"),
        ({"separator": ";;"}, "a;b\n1;2\n", "SEPARATOR"),
        ({"encoding": "cp1252"}, "a;b\n1;Forlì\n", "ENCODING_SUSPECT"),
        ({"encoding": "utf-8"}, "a;b\n1;Forlì\n".encode("cp1252"), "ENCODING"),
        ({"header": 9}, "a;b\n1;2\n", "HEADER_MISSING"),
    ],
)
def test_an_option_that_the_bytes_contradict_is_refused(tmp_path, options, content, code):
    assert refusal(written(tmp_path, content), **options) == code


def test_text_that_was_already_spoilt_is_read_when_the_study_insists(tmp_path):
    path = written(tmp_path, "a,b\n1,ForlÃ¬\n")
    assert read(path, encoding="utf-8")[0] == [["1", "ForlÃ¬"]]
    assert "look like" in detect(FirmSource(path="x", encoding="utf-8"), path).notes[0]


def test_the_likely_separator_is_named(tmp_path):
    with pytest.raises(SourceError, match="';' gives 2 fields"):
        read(written(tmp_path, "a;b\n1;2\n"), separator=",")


def test_a_missing_column_is_named_with_its_near_ones():
    with pytest.raises(SourceError, match=r"1 of 2 .*'comune' \(municipality\), near: Comune"):
        check_mapping(("Comune", "Prov"), {"municipality": "comune", "province": "Prov"})
    assert check_mapping(("1", "2"), {"lat": 2}) == {"lat": "2"}
    with pytest.raises(SourceError, match="MISSING_COLUMN"):
        check_mapping(("1", "2"), {"lat": 3})


def test_lines_that_the_parser_drops_are_noticed(tmp_path, monkeypatch):
    path = written(tmp_path, "a,b\n1,2\n3,4\n")
    parse = csv_records._parse
    monkeypatch.setattr(csv_records, "_parse", lambda *given: parse(*given).slice(1))
    assert refusal(path) == "RECORDS_LOST"


def test_lines_that_the_record_finder_drops_are_noticed(tmp_path, monkeypatch):
    path = written(tmp_path, "a,b\n1,2\n3,4\n5,6\n")
    source = FirmSource(path=path.name)
    dialect = detect(source, path)
    parts = csv_records._parts
    monkeypatch.setattr(csv_records, "_parts", lambda block: list(parts(block))[1:])
    with pytest.raises(SourceError, match="0 of 3 lines"):
        list(read_batches(source, path, dialect=dialect))


def test_a_file_that_grows_while_it_is_read_is_noticed(tmp_path):
    path = written(tmp_path, "a,b\n1,2\n3,4\n")
    source = FirmSource(path=path.name)
    dialect = detect(source, path)
    with path.open("a") as file:
        file.write("5,6\n")
    with pytest.raises(SourceError, match="RECORDS_LOST"):
        list(read_batches(source, path, dialect=dialect))


# --- laws ---------------------------------------------------------------------------------

TEXTS = st.text(
    alphabet=st.one_of(
        st.sampled_from("\",;\t|\n\r'ab1 àÌ€\ufeff\u2028\x85"),
        st.characters(exclude_categories=("Cs",), exclude_characters="\0"),
    ),
    max_size=8,
)


@st.composite
def tables(draw, texts=TEXTS, min_width=2, max_width=5):
    width = draw(st.integers(min_width, max_width))
    row = st.lists(texts, min_size=width, max_size=width)
    return draw(st.lists(row, min_size=1, max_size=12))


def as_csv(table: list[list[str]], separator: str, end: str, *, quote_all: bool = False) -> str:
    text = io.StringIO(newline="")
    quoting = csv.QUOTE_ALL if quote_all else csv.QUOTE_MINIMAL
    writer = csv.writer(text, delimiter=separator, lineterminator=end, quoting=quoting)
    writer.writerow([f"c{i}" for i in range(len(table[0]))])
    writer.writerows(table)
    return text.getvalue()


@LAWS
@given(
    table=tables(min_width=1),
    separator=st.sampled_from(",;\t|"),
    end=st.sampled_from(["\n", "\r\n"]),
    quote_all=st.booleans(),
    block=st.sampled_from([1, 7, 64, 1 << 20]),
)
def test_any_table_comes_back_record_for_record(
    tmp_path_factory, table, separator, end, quote_all, block
):
    # Python's writer quotes only those line ends that it uses itself.
    end = "\r\n" if any("\r" in value for row in table for value in row) else end
    text = as_csv(table, separator, end, quote_all=quote_all)
    # A few characters may make text that looks spoilt, or blank lines: other tests have those.
    assume(not any(len(row) == 1 and row[0] == "" for row in table) or quote_all)
    path = written(tmp_path_factory.mktemp("law"), text)
    census = take_census(path)
    assume(census.mojibake == 0)
    source = FirmSource(path=path.name, separator=separator, quote='"', encoding="utf-8")
    dialect = detect(source, path)
    batches = list(csv_records.read_csv_batches(path, dialect, suspect=False, block_bytes=block))
    assert [list(row.values()) for batch in batches for row in batch.rows.to_pylist()] == table
    assert sum(len(batch.quarantined) for batch in batches) == 0
    assert dialect.records == len(table)


PLAIN = st.text(alphabet='ab,"0 ', max_size=6)


@LAWS
@given(table=tables(texts=PLAIN, min_width=3), data=st.data())
def test_a_deleted_quote_or_field_loses_no_record_in_silence(tmp_path_factory, table, data):
    lines = as_csv(table, ",", "\n", quote_all=data.draw(st.booleans())).splitlines()
    hit = data.draw(st.integers(1, len(lines) - 1))
    marks = [place for place, character in enumerate(lines[hit]) if character in '",']
    place = data.draw(st.sampled_from(marks))
    lines[hit] = lines[hit][:place] + lines[hit][place + 1 :]
    path = written(tmp_path_factory.mktemp("law"), "\n".join(lines) + "\n")
    try:
        rows, aside, _ = read(path, separator=",")
    except SourceError:
        return
    # A quote that lost its partner may join two lines in one record: then both are set aside in it.
    assert len(rows) + sum(text.count(r"\n") + 1 for text in aside["record"]) == len(table)


@LAWS
@given(
    data=st.binary(max_size=400).map(lambda data: b"a,b\n" + data),
    quote=st.sampled_from(["auto", '"', "none"]),
)
def test_any_bytes_are_accounted_for_or_refused(tmp_path_factory, data, quote):
    path = written(tmp_path_factory.mktemp("law"), data)
    try:
        rows, aside, _ = read(path, separator=",", quote=quote)
    except SourceError as error:
        refused = error.code
    else:
        refused = ""
    assert refused != "RECORDS_LOST"
    if refused:
        return
    counted = csv_blocks.LineCount()
    counted.add(data)
    assert len(rows) + len(aside) <= counted.lines - 1


@LAWS
@given(data=st.text(alphabet="\r\na", max_size=30), cuts=st.integers(1, 5))
def test_lines_are_counted_the_same_however_the_bytes_arrive(data, cuts):
    counted = csv_blocks.LineCount()
    for start in range(0, len(data), cuts):
        counted.add(data[start : start + cuts].encode())
    assert counted.lines == len(io.StringIO(data, newline="").readlines())


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "options", "records"),
    [
        ("fuel_stations_2018.csv", {"header": False}, 21_659),
        ("innovative_startups_half.csv", {}, 5_430),
        ("pharmacies_lombardia.csv", {}, 3_042),
        ("schools_lombardia.csv", {"encoding": "utf-8"}, 6_124),
    ],
)
def test_real_extracts_agree_with_pythons_own_reader(shared_data, name, options, records):
    path = shared_data / "firms" / name
    rows, aside, _ = read(path, **options)
    separator = detect(FirmSource(path=name, **options), path).separator
    with path.open(encoding="utf-8", newline="") as file:
        truth = list(csv.reader(file, delimiter=separator))
    assert rows == truth[0 if options.get("header") is False else 1 :]
    assert len(rows) == records
    assert aside.empty


@LAWS
@example(  # a quote swallows a line whose own quote goes on after what is read at once
    lines=['"', "a", ';"a";"', 'a"";""";', '"', '"', "", "a", ";", "", 'a";'],
    quoting=True,
    suspect=True,
    block=7,
)
@given(
    lines=st.lists(st.text(alphabet='ab;"', max_size=9), min_size=1, max_size=12),
    quoting=st.booleans(),
    suspect=st.booleans(),
    block=st.sampled_from([1, 5, 16]),
)
def test_a_survey_is_the_same_however_the_bytes_arrive(
    tmp_path_factory, lines, quoting, suspect, block
):
    path = written(tmp_path_factory.mktemp("law"), "\n".join(lines))
    shape = csv_blocks.CsvShape(separator=";", quoting=quoting, width=3, suspect=suspect)
    whole = list(csv_blocks.record_blocks(path, shape))
    parts = list(csv_blocks.record_blocks(path, shape, block_bytes=block))
    for name in ("fields", "lines", "flags"):
        joined = [
            [int(n) for b in found for n in getattr(b.records, name)] for found in (whole, parts)
        ]
        assert joined[0] == joined[1], name
