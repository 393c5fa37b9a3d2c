"""The simulated register: what is in it, and that it is what it says."""

import hashlib
import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import shapely
from scipy import stats

from geo_engine.chains.detection import resolve_codes
from geo_engine.chains.membership import membership, select_chains
from geo_engine.errors import TableError
from geo_engine.sources.boundaries import read_changes
from geo_engine.synthetic.register import (
    EXTRACT_COLUMNS,
    RegisterParameters,
    generate_register,
    write_extract,
)
from geo_engine.synthetic.truth import load_districts
from tests.synthetic.conftest import SMALL

RUN = """
import sys
from pathlib import Path
from geo_engine.synthetic.register import generate_register, write_extract
from tests.synthetic.conftest import DATE, SMALL
from geo_engine.sources.boundaries import read_changes, read_layer, read_population
made = generate_register(
    read_layer(DATE), read_population(DATE), seed=7, parameters=SMALL, changes=read_changes()
)
write_extract(made.extract, Path(sys.argv[1]))
"""


@pytest.fixture(scope="module")
def rows(register):
    return register.extract.join(
        register.truth[["true_pro_com_t", "chain", "planted", "digital", "damage"]]
    )


def test_about_three_hundred_thousand_rows_over_six_years(register):
    assert 285_000 < len(register.extract) < 315_000
    assert register.extract["anno"].nunique() == 6
    assert tuple(register.extract.columns) == EXTRACT_COLUMNS
    assert (register.extract.dtypes == "str").all()
    assert not register.extract.isna().any(axis=None)


def test_extract_and_truth_are_aligned(register):
    keys = ["id_unita", "anno"]
    pd.testing.assert_frame_equal(register.extract[keys], register.truth[keys])


def test_the_truth_does_not_stand_in_the_extract(register):
    assert not {"true_pro_com_t", "planted", "digital", "damage"} & set(register.extract.columns)


def test_units_follow_the_population_outside_the_planted_districts(register, residents):
    truth = register.truth
    free = truth[(truth["chain"] == "") & (truth["true_pro_com_t"] != "")]
    free = free.drop_duplicates("id_unita")
    by_province = free["true_pro_com_t"].str[:3].value_counts()
    people = residents.groupby(residents.index.str[:3]).sum()
    expected = len(free) * people / people.sum()
    distance = ((by_province.reindex(people.index, fill_value=0) - expected) ** 2 / expected).sum()
    assert stats.chi2.sf(distance, len(people) - 1) > 1e-4


def test_the_digital_share_outside_the_planted_places_is_the_same_everywhere(register):
    truth = register.truth
    null = truth[(truth["planted"] == "") & (truth["anno"] == "2024")]
    null = null[null["true_pro_com_t"] != ""].drop_duplicates("id_unita")
    for _, firms in null.groupby("chain"):
        table = pd.crosstab(firms["true_pro_com_t"].str[:3], firms["digital"])
        table = table[table.sum(axis=1) >= 10]
        assert stats.chi2_contingency(table).pvalue > 1e-4


def test_the_digital_share_of_planted_places_exceeds_the_rest_by_the_planted_effect(register):
    truth = register.truth[register.truth["true_pro_com_t"] != ""]
    effects = register.hotspots.set_index(["hotspot", "year"])["effect"]
    scores = []
    for (planted, year), firms in truth[truth["planted"] != ""].groupby(["planted", "anno"]):
        same = (truth["chain"] == firms["chain"].iloc[0]) & (truth["anno"] == year)
        rest = truth[same & (truth["planted"] == "")]["digital"]
        wanted = rest.mean() + effects[(planted, int(year))]
        deviation = np.sqrt(wanted * (1 - wanted) / len(firms))
        scores.append((firms["digital"].mean() - wanted) / deviation)
    assert np.max(np.abs(scores)) < 4.5
    assert abs(np.mean(scores)) < 0.5


def test_a_unit_that_is_digital_stays_so(register):
    truth = register.truth[register.truth["damage"] != "duplicated"]
    status = truth.sort_values("anno", kind="stable").groupby("id_unita")["digital"]
    assert status.agg(lambda years: years.is_monotonic_increasing).all()


def test_units_open_and_close(register):
    years = register.truth.groupby("id_unita")["anno"].agg(["min", "max"])
    assert 0.10 < (years["min"] > "2019").mean() < 0.30
    assert 0.10 < (years["max"] < "2024").mean() < 0.30


def test_every_code_belongs_to_the_chain_of_its_unit_and_to_no_other_of_the_six(rows):
    clean = rows[~rows["damage"].isin(["ateco_missing", "ateco_broken"])]
    pairs = clean.groupby(["ateco", "chain"]).size().reset_index(name="rows")
    read = resolve_codes(pairs["ateco"].tolist(), pairs["rows"].tolist(), edition="detect")
    assert set(read.editions) == {"2007"}
    chains = select_chains(tuple(load_districts()["chains"]))
    phases = membership(list(read.codes), list(read.editions), chains)
    found = ["".join(chain for chain in phases if row[chain]) for _, row in phases.iterrows()]
    assert found == pairs["chain"].tolist()


def test_points_lie_in_their_municipality(rows, layer):
    placed = rows[(rows["longitudine"] != "") & (rows["damage"] == "")]
    placed = placed.drop_duplicates("id_unita")
    assert 0.5 < len(placed) / rows["id_unita"].nunique() < 0.7
    shapes = layer.geometry[placed["true_pro_com_t"]].to_numpy()
    points = shapely.points(placed["longitudine"].astype(float), placed["latitudine"].astype(float))
    assert shapely.intersects(shapes, points).all()


def test_points_of_a_large_municipality_are_spread_and_not_heaped(rows):
    rome = rows[
        (rows["true_pro_com_t"] == "058091") & (rows["damage"] == "") & (rows["longitudine"] != "")
    ]
    rome = rome.drop_duplicates("id_unita")
    assert rome["longitudine"].nunique() > 0.95 * len(rome) > 100


def test_tax_codes_have_a_right_check_digit_and_an_office_that_does_not_exist(register):
    for code in register.extract["codice_fiscale"].unique()[::50]:
        assert len(code) == 11
        assert code[7:10] == "000"
        doubled = [int(c) for c in code]
        doubled[1:10:2] = [sum(divmod(2 * c, 10)) for c in doubled[1:10:2]]
        assert sum(doubled) % 10 == 0


def test_every_name_and_site_is_visibly_invented(register):
    extract = register.extract
    assert extract["denominazione"].str.fullmatch(r"Ditta simulata \d{6}").all()
    sites = extract["sito_web"][~extract["sito_web"].isin(["", "assente"])]
    assert sites.str.endswith(".example").all()
    assert not extract["forma_giuridica"].str.contains("INDIVIDUALE|PERSONA FISICA").any()


def test_the_site_says_whether_a_unit_is_digital_or_says_nothing(rows):
    known = rows[rows["sito_web"] != ""]
    own = known["sito_web"].str.startswith("https://www.ditta-simulata-")
    assert (own == known["digital"]).all()
    assert 0.02 < (rows["sito_web"] == "").mean() < 0.04
    assert not ((rows["vende_online"] == "SI") & ~rows["digital"]).any()


def test_the_province_of_napoli_reads_na(rows, layer):
    napoli = layer.index[layer["sigla"] == "NA"]
    inside = rows[rows["true_pro_com_t"].isin(napoli) & (rows["damage"] == "")]
    assert set(inside["provincia"]) == {"NA"}


def test_every_kind_of_damage_occurs_and_most_rows_have_none(register):
    counted = register.truth["damage"].value_counts()
    assert set(counted.index) == {
        "", "homonym_alone", "old_name", "accent_apostrophe", "foreign", "unknown_name",
        "ateco_broken", "ateco_missing", "ateco_as_number", "code_missing", "province_missing",
        "coordinates_swapped", "coordinates_zero", "decimal_comma", "zero_lost", "duplicated",
    }  # fmt: skip
    assert counted[""] > 0.9 * len(register.truth)
    assert counted.min() >= 5


def test_damaged_rows_look_as_their_label_says(rows, layer):
    by_label = dict(iter(rows.groupby("damage")))
    assert (by_label["coordinates_swapped"]["longitudine"].astype(float) > 35).all()
    assert (by_label["coordinates_zero"][["longitudine", "latitudine"]] == "0").all(axis=None)
    assert by_label["decimal_comma"]["longitudine"].str.contains(",").all()
    assert (by_label["zero_lost"]["codice_istat"].str.len() < 6).all()
    assert by_label["accent_apostrophe"]["comune"].str.contains("'").all()
    assert (by_label["foreign"]["provincia"] == "EE").all()
    assert (by_label["foreign"]["true_pro_com_t"] == "").all()
    assert (by_label["province_missing"]["provincia"] == "").all()
    alone = by_label["homonym_alone"]
    names = layer["name"][layer["name"].duplicated(keep=False)].str.upper()
    assert alone["comune"].str.upper().isin(names).all()
    assert (alone[["provincia", "codice_istat", "longitudine"]] == "").all(axis=None)


def test_merged_municipalities_appear_under_their_former_code_and_name(rows):
    changes = read_changes()
    former = {code for codes in changes["old_codes"] for code in codes} - set(changes["new_code"])
    names = {name.upper() for names in changes["old_names"] for name in names}
    old = rows[rows["damage"] == "old_name"]
    assert old["comune"].isin(names).all()
    written = old["codice_istat"][old["codice_istat"] != ""]
    assert len(written) > 0
    assert written.isin(former).all()
    assert not old["true_pro_com_t"].isin(former).any()


def test_a_repeated_row_repeats_the_row_before_it(register):
    again = np.flatnonzero(register.truth["damage"] == "duplicated")
    assert len(again) > 0
    left = register.extract.iloc[again].reset_index(drop=True)
    pd.testing.assert_frame_equal(left, register.extract.iloc[again - 1].reset_index(drop=True))
    assert not register.extract.drop(index=again).duplicated(["id_unita", "anno"]).any()


def test_the_same_seed_gives_the_same_register_whatever_the_order_of_the_places(
    layer, residents, small
):
    shuffled = layer.sample(frac=1, random_state=3)
    again = generate_register(
        shuffled, residents.sample(frac=1, random_state=4), seed=7, parameters=SMALL,
        changes=read_changes(),
    )  # fmt: skip
    pd.testing.assert_frame_equal(again.extract, small.extract)
    pd.testing.assert_frame_equal(again.truth, small.truth)


def test_another_seed_gives_another_register(layer, residents, small):
    other = generate_register(layer, residents, seed=8, parameters=SMALL)
    assert not other.extract["comune"].head(50).equals(small.extract["comune"].head(50))


def test_inputs_come_back_untouched(layer, residents):
    before, people = layer.copy(), residents.copy()
    generate_register(layer, residents, seed=1, parameters=RegisterParameters(units=2_000))
    pd.testing.assert_frame_equal(pd.DataFrame(layer), pd.DataFrame(before))
    pd.testing.assert_series_equal(residents, people)


def test_the_file_has_the_same_bytes_under_any_hash_seed(small, tmp_path):
    write_extract(small.extract, tmp_path / "here.csv")
    environment = {**os.environ, "PYTHONHASHSEED": "4242"}
    subprocess.run(
        [sys.executable, "-c", RUN, str(tmp_path / "there.csv")], check=True, env=environment
    )
    digests = {hashlib.sha256(path.read_bytes()).hexdigest() for path in tmp_path.glob("*.csv")}
    assert len(digests) == 1


def test_the_file_is_read_back_equal_as_text(small, tmp_path):
    path = tmp_path / "folder" / "estratto.csv"
    write_extract(small.extract, path)
    back = pd.read_csv(path, sep=";", dtype="str", keep_default_na=False, encoding="utf-8")
    pd.testing.assert_frame_equal(back, small.extract)


def test_a_smaller_register_keeps_its_districts_in_proportion(small, register):
    def share(made):
        return (made.truth["planted"] != "").mean()

    assert share(small) == pytest.approx(share(register), rel=0.15)


def test_a_country_without_residents_is_refused(layer, residents):
    with pytest.raises(TableError, match="POPULATION_MISSING"):
        generate_register(layer, residents * 0, seed=1)
