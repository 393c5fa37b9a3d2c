"""All municipalities in all the ways registers write them: right, or refused, never wrong."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from geo_engine.places import build_resolver, resolve_cadastral_codes, resolve_istat_codes
from geo_engine.sources.boundaries import read_changes, read_layer
from tests.places import labelled, spellings
from tests.places.heirs_by_hand import heirs_by_hand, read_archive

LEAST_RIGHT = 0.999
DATES = [dt.date(2022, 1, 1), dt.date(2023, 6, 1), dt.date(2025, 1, 1)]
FIRST_REGISTER, OPEN_END = dt.date(1991, 1, 1), dt.date(9999, 12, 31)
WITHOUT_PROVINCE = "name alone"


def told(frame: pd.DataFrame) -> list[str]:
    """Name the wrong rows."""
    wrong = frame[frame["outcome"] == "wrong"]
    return [
        f"{row.name_} {row.province}"
        for row in wrong.rename(columns={"name": "name_"}).itertuples()
    ]


def hold(judged: dict[str, pd.DataFrame]) -> None:
    """Hold every family to its bound; a family without province may refuse homonyms."""
    counted = labelled.table(judged)
    wrong = {family: told(frame) for family, frame in judged.items() if told(frame)}
    assert not wrong
    for family, row in counted.iterrows():
        if family not in spellings.UNSURE and family != WITHOUT_PROVINCE:
            refused = judged[family].query("outcome == 'quarantined'")["name"].tolist()
            assert row["right"] >= LEAST_RIGHT * row.sum(), f"{family}: {refused[:5]}"


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    return labelled.of_layer(read_layer(dt.date(2025, 1, 1)))


def test_every_second_municipality_is_found_in_every_spelling_and_never_another_one(rows, resolver):
    families = labelled.families(rows.iloc[::2])
    judged = {family: labelled.judge(resolver, frame) for family, frame in families.items()}
    hold(judged)
    slips = judged["one slip"]["outcome"].value_counts(normalize=True)
    assert slips["right"] > 0.7


def test_no_name_of_one_municipality_is_almost_that_of_another(rows, resolver):
    """Each name beside each neighboring province: it is refused, or it lies there."""
    rng = np.random.default_rng(5)
    other = rng.permutation(len(rows))
    frame = pd.DataFrame(
        {
            "name": rows["name"].to_numpy(),
            "province": rows["sigla"].to_numpy()[other],
            "region": "",
            "truth": rows["position"].to_numpy(),
        }
    )
    judged = labelled.judge(resolver, frame)
    moved = judged[judged["outcome"] == "wrong"]
    placed = resolver.labels
    same_name = [
        labelled.same_key(row.name_, placed[row.found][7:].rsplit(" (", 1)[0].split("/")[0])
        for row in moved.rename(columns={"name": "name_"}).itertuples()
    ]
    assert all(same_name), moved.head().to_dict("records")


@pytest.mark.shared
@pytest.mark.parametrize("date", DATES, ids=str)
def test_names_of_the_official_archive_are_found_on_every_layer(shared_data, date):
    layer, changes, archive = read_layer(date), read_changes(), read_archive(shared_data)
    heirs = heirs_by_hand(shared_data, layer, changes)
    resolver = build_resolver(layer, changes, heirs)
    families = labelled.families(labelled.of_archive(archive, layer, heirs))
    judged = {
        family: labelled.judge(resolver, frame)
        for family, frame in families.items()
        if "slip" not in family or date == DATES[-1]
    }
    hold(judged)


@pytest.mark.shared
def test_names_and_codes_since_1991_lead_to_their_heirs_and_older_ones_where_certain(shared_data):
    layer, changes = read_layer(DATES[-1]), read_changes()
    heirs = heirs_by_hand(shared_data, layer, changes)
    resolver = build_resolver(layer, changes, heirs)
    recent = labelled.judge(
        resolver, labelled.of_past(heirs, layer, FIRST_REGISTER, dt.date(9999, 1, 1))
    )
    assert len(recent) > 1400
    assert (recent["outcome"] == "right").all()
    old = labelled.judge(
        resolver, labelled.of_past(heirs, layer, dt.date(1861, 1, 1), FIRST_REGISTER)
    )
    assert (old["outcome"] == "right").mean() > 0.97
    assert set(told(old)) <= {"MARTIRANO CZ", "SAVOGNA UD"}  # today the names of others there
    position = {code: i for i, code in enumerate(layer.index)}
    held = heirs[(heirs["valid_to"] >= FIRST_REGISTER) & (heirs["heirs"].map(len) == 1)]
    truth = held["heirs"].map(lambda each: position[each[0]]).to_numpy()
    assert (resolve_istat_codes(resolver, held["istat_code"]).positions == truth).all()
    assert (resolve_cadastral_codes(resolver, held["cadastral_code"]).positions == truth).all()


@pytest.mark.shared
def test_an_abolished_municipality_is_told_even_where_its_heirs_are_not_known(shared_data):
    layer, changes = read_layer(DATES[-1]), read_changes()
    heirs = heirs_by_hand(shared_data, layer, changes)
    is_gone = (~heirs["cadastral_code"].isin(set(layer["cadastral_code"]))).to_numpy()
    unknown = heirs.assign(
        heirs=[() if gone else own for gone, own in zip(is_gone, heirs["heirs"], strict=True)],
        weights=[() if gone else own for gone, own in zip(is_gone, heirs["weights"], strict=True)],
        kind=np.where(is_gone, "unknown", heirs["kind"]),
    )
    resolver = build_resolver(layer, pd.DataFrame(columns=changes.columns), unknown)
    past = labelled.of_past(heirs[is_gone], layer, FIRST_REGISTER, dt.date(9999, 1, 1))
    judged = labelled.judge(resolver, past)
    assert set(judged.query("outcome == 'quarantined'")["reason"]) == {"DISMISSED_COMUNE"}
    own_name = judged.query("outcome == 'wrong'")
    assert own_name.empty


@pytest.mark.shared
def test_codes_of_older_province_numberings_lead_to_the_same_municipality(shared_data):
    layer = read_layer(dt.date(2023, 6, 1))
    heirs = heirs_by_hand(shared_data, layer, read_changes())
    resolver = build_resolver(layer, read_changes(), heirs)
    path = shared_data / "codes" / "Elenco-comuni-italiani.csv"
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    own = table["Codice Comune formato alfanumerico"]
    numbered = [column for column in table.columns if "numerico con" in column]
    assert len(numbered) == 3
    truth = own.map({code: i for i, code in enumerate(layer.index)}).to_numpy()
    for column in numbered:
        written = table[column]
        found = resolve_istat_codes(resolver, written).positions
        has_code = (written != "").to_numpy() & (found >= 0)
        assert (found[has_code] == truth[has_code]).all()
        assert has_code.mean() > 0.995, column


@pytest.mark.shared
def test_nearly_every_gap_in_the_numbers_of_a_province_was_a_municipality(shared_data):
    layer, archive = read_layer(DATES[-1]), read_archive(shared_data)
    given = set(archive["istat_code"])
    highest = layer.index.to_series().astype(int).groupby(layer.index.str[:3]).max() % 1000
    numbers = [f"{province}{n:03d}" for province, last in highest.items() for n in range(1, last)]
    gaps = [code for code in numbers if code not in layer.index]
    assert len(gaps) > 500
    assert np.mean([code in given for code in gaps]) > 0.9
