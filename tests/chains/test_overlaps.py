"""Which codes chains have in common."""

import csv
import itertools
from collections import defaultdict

import pytest

from geo_engine.chains.membership import custom_chains, load_chains, select_chains
from geo_engine.chains.overlaps import overlaps, shared_codes


def test_two_chains_of_few_codes_overlap_where_it_is_seen_by_eye():
    chains = custom_chains(
        {
            "a": {"label": "A", "ateco_2007": {"monte": ["01.1"], "servizi": ["56"]}},
            "b": {"label": "B", "ateco_2007": {"produzione": ["01.12", "01.14"]}},
            "c": {"label": "C", "ateco_2007": {"servizi": ["62"]}},
        }
    )
    shared = shared_codes(chains, "2007")
    assert shared["ateco"].tolist() == ["01.12.00", "01.14.00"]
    assert shared["chains"].tolist() == [("a", "b")] * 2
    assert shared["phases"].tolist() == [("monte", "produzione")] * 2
    (pair,) = overlaps(chains, "2007").itertuples(index=False)
    assert (pair.chain, pair.other, pair.codes, pair.same_phase) == ("a", "b", 2, 0)
    assert pair.share_of_other == 1.0


def test_the_overlaps_of_2007_are_those_of_the_project_s_own_table(shared_data):
    path = shared_data / "codes" / "chains_ateco_2007_2025.csv"
    chains_of = defaultdict(set)
    with path.open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            chains_of[row["ateco2007_6"]].add(row["filiera"])
    shared = shared_codes(load_chains(), "2007")
    found = {row.ateco: set(row.chains) for row in shared.itertuples()}
    assert found == {code: keys for code, keys in chains_of.items() if len(keys) > 1}
    assert len(found) == 135
    pairs = defaultdict(int)
    for keys in chains_of.values():
        for pair in itertools.combinations(sorted(keys), 2):
            pairs[pair] += 1
    table = overlaps(load_chains(), "2007")
    assert {tuple(sorted((r.chain, r.other))): r.codes for r in table.itertuples()} == pairs


def test_the_wide_perimeters_share_as_many_codes_as_the_notes_on_method_say():
    assert len(shared_codes(load_chains(), "2025")) == 163


@pytest.mark.parametrize("edition", ["2007", "2025"])
def test_the_strict_perimeters_have_nothing_in_common(edition):
    assert overlaps(load_chains("strict"), edition).empty
    assert shared_codes(load_chains("strict"), edition).empty


def test_all_firms_together_overlap_with_nothing():
    chains = select_chains(("tutte", "moda", "turismo"))
    assert "tutte" not in set(overlaps(chains, "2007")["chain"])
