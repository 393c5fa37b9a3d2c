"""Lists of neighbors in files, right and wrong."""

import libpysal
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from libpysal.graph import Graph

from geo_engine.errors import GeoEngineError, SourceError
from geo_engine.graph import graph_of_table
from geo_engine.sources import graph_files
from geo_engine.sources.graph_files import read_graph_file


def rows_of(frame):
    return list(frame.itertuples(index=False, name=None))


def write(folder, name, text, encoding="utf-8"):
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode(encoding))
    return path


@pytest.mark.parametrize("header", ["3", "0 3 comuni pro_com_t"])
def test_a_gal_file_gives_its_links_and_keeps_the_zeros_of_codes(tmp_path, header):
    path = write(
        tmp_path, "a.gal", f"{header}\n001001 2\n001002 001003\n001002 1\n001001\n001003 0\n\n"
    )
    assert rows_of(read_graph_file(path)) == [
        ("001001", "001002", 1.0),
        ("001001", "001003", 1.0),
        ("001002", "001001", 1.0),
    ]


def test_a_gal_file_may_leave_out_the_empty_line_of_an_isolate(tmp_path):
    path = write(tmp_path, "a.gal", "2\na 0\nb 1\na\n")
    assert rows_of(read_graph_file(path)) == [("b", "a", 1.0)]


def test_a_gwt_file_gives_weights(tmp_path):
    path = write(tmp_path, "a.gwt", "0 2 comuni code\na b 1500.5\r\nb a 2e3\n")
    assert rows_of(read_graph_file(path)) == [("a", "b", 1500.5), ("b", "a", 2000.0)]


@pytest.mark.parametrize(
    "text",
    [
        'from;to;minutes\n058091;058003;12,5\n058003;"058091";13\n',
        "\ufeffminutes,from,to\r\n12.5,058091,058003\r\n13,058003,058091\r\n",
        "from\tto\tminutes\n058091\t058003\t12.5\n\n058003\t058091\t13\n",
    ],
)
def test_a_csv_of_travel_times_gives_its_columns_by_name(tmp_path, text):
    path = write(tmp_path, "a.csv", text)
    found = read_graph_file(path, columns=("from", "to", "minutes"))
    assert rows_of(found) == [("058091", "058003", 12.5), ("058003", "058091", 13.0)]


def test_parquet_gives_the_same_as_csv(tmp_path):
    frame = pd.DataFrame(
        {"focal": ["001", "002"], "neighbor": ["002", "001"], "weight": [1.5, 2.0]}
    )
    frame.to_parquet(tmp_path / "a.parquet")
    frame.to_csv(tmp_path / "a.csv", index=False)
    from_parquet, from_csv = (read_graph_file(tmp_path / name) for name in ("a.parquet", "a.csv"))
    pd.testing.assert_frame_equal(from_parquet, from_csv)
    pd.testing.assert_frame_equal(from_parquet, frame.astype({"focal": "str", "neighbor": "str"}))


def test_parquet_with_whole_numbers_as_codes_is_read_as_text(tmp_path):
    frame = pd.DataFrame({"focal": [1001], "neighbor": [1002], "weight": [3]})
    frame.to_parquet(tmp_path / "a.parquet")
    assert rows_of(read_graph_file(tmp_path / "a.parquet")) == [("1001", "1002", 3.0)]


@pytest.mark.parametrize("name", ["a.gal", "a.gwt"])
def test_what_libpysal_writes_is_read_as_the_same_graph(tmp_path, name):
    names = ["001", "002", "003"]
    weights = libpysal.weights.W(
        {"001": ["002"], "002": ["001", "003"], "003": ["002"]}, id_order=names
    )
    file = libpysal.io.open(str(tmp_path / name), "w")
    file.write(weights)
    file.close()
    found = graph_of_table(read_graph_file(tmp_path / name), pd.Index(names))
    assert found == Graph.from_W(weights)


@pytest.mark.parametrize(
    ("name", "text", "code"),
    [
        ("a.txt", "1", "GRAPH_SUFFIX"),
        ("a.gal", "", "GRAPH_SYNTAX: a.gal, line 1"),
        ("a.gal", "many\na 1\nb\n", "GRAPH_SYNTAX: a.gal, line 1"),
        ("a.gal", "99999999999999\na 1\nb\n", "GRAPH_SYNTAX"),
        ("a.gal", "2\na 2\nb\nb 0\n", "GRAPH_SYNTAX: a.gal, line 2: 2 neighbors are announced, 1"),
        ("a.gal", "2\na x\nb\n", "GRAPH_SYNTAX"),
        ("a.gal", "2\na 1\nb\na 1\nb\n", "GRAPH_SYNTAX.*a stands twice"),
        ("a.gal", "3\na 1\nb\nb 1\na\n", "GRAPH_TRUNCATED: a.gal announces 3 places and lists 2"),
        ("a.gal", "2\na 1\n", "GRAPH_SYNTAX.*1 neighbors are announced, 0"),
        ("a.gal", "1\na 0\n", "GRAPH_EMPTY"),
        ("a.gwt", "2\na b\n", "GRAPH_SYNTAX: a.gwt, line 2"),
        ("a.gwt", "2\na b nan\n", "GRAPH_WEIGHT: a.gwt, line 2: 'nan'"),
        ("a.gwt", "2\na b -1\n", "GRAPH_WEIGHT"),
        ("a.gwt", "2\na b 1_000\n", "GRAPH_WEIGHT"),
        ("a.gwt", "2\na b 1\nb c 1\n", "GRAPH_SYNTAX.*announces 2 places and names 3"),
        ("a.gwt", "2\na b\0 1\n", "GRAPH_SYNTAX.*zero byte"),
        ("a.csv", "focal;neighbor\na;b\n", "GRAPH_COLUMNS: .*weight"),
        ("a.csv", "focal;focal;neighbor;weight\na;a;b;1\n", "GRAPH_COLUMNS: .*focal"),
        (
            "a.csv",
            "focal;neighbor;weight\na;b\n",
            "GRAPH_SYNTAX: a.csv, line 2: 3 fields expected, 2",
        ),
        ("a.csv", "focal;neighbor;weight\na;;1\n", "GRAPH_SYNTAX.*empty"),
        ("a.csv", "focal;neighbor;weight\na;b;1.5.2\n", "GRAPH_WEIGHT"),
        ("a.csv", 'focal;neighbor;weight\n"a;b;1\n', "GRAPH_SYNTAX"),
        ("a.csv", "focal;neighbor;weight\n", "GRAPH_EMPTY"),
        ("a.csv", b"focal;neighbor;weight\nForl\xec;b;1\n", "GRAPH_ENCODING"),
        ("a.parquet", b"PAR1 and nothing else", "PARQUET_CORRUPT"),
    ],
)
def test_a_file_that_is_wrong_is_refused_by_name(tmp_path, name, text, code):
    with pytest.raises(SourceError, match=code):
        read_graph_file(write(tmp_path, name, text))


@pytest.mark.parametrize("weight", [float("nan"), float("inf"), -1.0, None])
def test_parquet_with_a_weight_that_is_none_is_refused(tmp_path, weight):
    frame = pd.DataFrame({"focal": ["a", "b"], "neighbor": ["b", "a"], "weight": [1.0, weight]})
    frame.to_parquet(tmp_path / "a.parquet")
    with pytest.raises(SourceError, match=r"GRAPH_WEIGHT: a.parquet: 1 weights"):
        read_graph_file(tmp_path / "a.parquet")


def test_a_missing_code_in_parquet_is_refused(tmp_path):
    frame = pd.DataFrame({"focal": ["a", None], "neighbor": ["b", "a"], "weight": [1.0, 1.0]})
    frame.to_parquet(tmp_path / "a.parquet")
    with pytest.raises(SourceError, match=r"GRAPH_SYNTAX: a.parquet: 1 codes"):
        read_graph_file(tmp_path / "a.parquet")


def test_text_in_the_column_of_weights_of_parquet_is_refused(tmp_path):
    pd.DataFrame({"focal": ["a"], "neighbor": ["b"], "weight": ["x"]}).to_parquet(
        tmp_path / "a.parquet"
    )
    with pytest.raises(SourceError, match="PARQUET_CORRUPT"):
        read_graph_file(tmp_path / "a.parquet")


def test_a_file_with_too_many_links_or_bytes_is_refused(tmp_path, monkeypatch):
    path = write(tmp_path, "a.gwt", "3\na b 1\nb a 1\na c 1\n")
    monkeypatch.setattr(graph_files, "MOST_LINKS", 2)
    with pytest.raises(SourceError, match=r"GRAPH_TOO_LARGE: a.gwt has more than 2 links"):
        read_graph_file(path)
    monkeypatch.setattr(graph_files, "MOST_BYTES", 10)
    with pytest.raises(SourceError, match=r"GRAPH_TOO_LARGE: a.gwt has .* bytes"):
        read_graph_file(path)


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(SourceError, match="GRAPH_MISSING"):
        read_graph_file(tmp_path / "none.csv")


@settings(
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    max_examples=150,
)
@given(
    suffix=st.sampled_from([".gal", ".gwt", ".csv", ".parquet"]),
    data=st.one_of(st.binary(max_size=80), st.text('ab01 ;\n"-.,', max_size=60).map(str.encode)),
)
def test_any_bytes_give_links_or_a_named_error(tmp_path, suffix, data):
    path = write(tmp_path, f"a{suffix}", data)
    try:
        found = read_graph_file(path)
    except GeoEngineError:
        return
    assert (found["weight"] >= 0).all()
    assert len(found)
