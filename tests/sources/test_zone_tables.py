"""Files of zones, features and goalposts are read as text, and refused with what is wrong."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from geo_engine.errors import StudyError
from geo_engine.sources.zone_tables import read_indicator_files
from geo_engine.study_indicators import IndicatorKeys


def read(folder: Path, text: str, **keys: object):
    (folder / "table.csv").write_text(text, encoding="utf-8")
    return read_indicator_files(IndicatorKeys.model_validate(keys), folder)


def test_several_geographies_of_one_table_are_chosen(tmp_path) -> None:
    text = "pro_com_t;zone_id;geography\n001001;a;gal\n001002;b;sll\n"
    zones = [{"path": "table.csv", "use": ["sll"], "source": "ISTAT"}]
    table = read(tmp_path, text, zones=zones).zones[0]
    assert table.to_dict("list") == {
        "pro_com_t": ["001002"],
        "geography": ["sll"],
        "zone_id": ["b"],
        "zone_name": ["b"],
        "source": ["ISTAT"],
    }


def test_features_are_numbers_with_a_comma_or_classes(tmp_path) -> None:
    text = "codice;altitudine;zona;mare\n1001;1,5;montagna;\n001002;;pianura;1\n"
    keys = {"path": "table.csv", "code": "codice", "columns": ["altitudine", "zona", "mare"]}
    table = read(tmp_path, text, similar=keys).features
    assert table is not None
    assert table.index.tolist() == ["001001", "001002"]
    np.testing.assert_array_equal(table["altitudine"], [1.5, np.nan])
    assert table["zona"].tolist() == ["montagna", "pianura"]
    np.testing.assert_array_equal(table["mare"], [np.nan, 1.0])


@pytest.mark.parametrize(
    ("keys", "code"),
    [
        ({"zones": [{"path": "absent.csv", "geography": "g"}]}, "ZONES_TABLE"),
        ({"zones": [{"path": "../table.csv", "geography": "g"}]}, "ZONES_TABLE"),
        ({"zones": [{"path": "table.csv"}]}, "ZONES_TABLE"),
        ({"zones": [{"path": "table.csv", "geography": "g", "use": ["h"]}]}, "ZONES_TABLE"),
        ({"zones": [{"path": "table.csv", "geography": "g", "name": "x"}]}, "ZONES_TABLE"),
        ({"similar": {"path": "table.csv", "columns": ["x"]}}, "FEATURES_TABLE"),
        ({"similar": {"path": "table.csv", "columns": ["zone_id"]}}, "FEATURES_TABLE"),
        ({"composite": {"indicators": ["a1", "b1"], "goalposts": "/x.toml"}}, "GOALPOSTS_FILE"),
    ],
)
def test_what_cannot_be_read_is_refused(tmp_path, keys, code) -> None:
    text = "pro_com_t;zone_id\n001001;a\n001001;b\n"
    with pytest.raises(StudyError, match=code):
        read(tmp_path, text, **keys)


def test_goalposts_that_do_not_exist_yet_are_to_be_made(tmp_path) -> None:
    composite = {"indicators": ["a1", "b1"], "goalposts": "posts.toml"}
    assert read(tmp_path, "", composite=composite).goalposts == ""
    (tmp_path / "posts.toml").write_text("version = 1\n", encoding="utf-8")
    assert read(tmp_path, "", composite=composite).goalposts == "version = 1\n"
