"""No share of few firms, nor what inverts to it, leaves in a public artefact."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from geo_engine import tables
from geo_engine.disclosure.protect import CONFIDENTIAL, INVERTIBLE, publish
from geo_engine.disclosure.publication import Publication
from tests.outputs.example import example_publication

THRESHOLD = 5


@pytest.fixture(scope="module")
def internal() -> Publication:
    example = example_publication()
    facts = dataclasses.replace(example.results.facts, audience="internal")
    return publish(dataclasses.replace(example.results, facts=facts), threshold=THRESHOLD)


@pytest.fixture(scope="module")
def public(internal: Publication) -> Publication:
    facts = dataclasses.replace(internal.results.facts, audience="public")
    return publish(dataclasses.replace(internal.results, facts=facts), threshold=THRESHOLD)


def test_an_internal_run_keeps_everything(internal: Publication) -> None:
    assert internal.suppressed == 0
    assert internal.banner == ""


@pytest.mark.parametrize("level", ["panel", "province_panel", "region_panel", "country_panel"])
def test_no_published_share_stands_on_fewer_firms_than_the_threshold(
    public: Publication, level: str
) -> None:
    panel = getattr(public.results, level)
    few = ((panel["known"] > 0) & (panel["known"] < THRESHOLD)).to_numpy()
    for name in CONFIDENTIAL:
        if name in panel:
            assert np.isnan(panel[name].to_numpy()[few]).all(), name
    assert (panel["share_status"].to_numpy()[few] == tables.SUPPRESSED).all()


def test_the_threshold_is_met_by_some_cell_of_the_example(public: Publication) -> None:
    assert public.suppressed > 0


def test_shares_at_the_threshold_and_counts_of_firms_stay(
    internal: Publication, public: Publication
) -> None:
    known = internal.results.panel["known"].to_numpy()
    enough = known >= THRESHOLD
    for name in ("share", "digital", "share_eb"):
        before, after = internal.results.panel[name], public.results.panel[name]
        assert np.array_equal(before.to_numpy()[enough], after.to_numpy()[enough])
    assert public.results.panel["firms"].identical(internal.results.panel["firms"])


def test_statistics_that_give_a_neighbors_share_are_withheld_for_shares_only(
    internal: Publication, public: Publication
) -> None:
    for name in INVERTIBLE:
        assert public.results.local[name].sel(variable="share").isnull().all()
        assert (
            public.results.local[name]
            .sel(variable="firms")
            .identical(internal.results.local[name].sel(variable="firms"))
        )


def test_a_hidden_place_has_no_label_no_p_and_says_so(public: Publication) -> None:
    hidden = (public.results.panel["share_status"] == tables.SUPPRESSED).to_numpy()
    local = public.results.local.sel(variable="share").transpose("place", "chain", "year")
    assert np.isnan(local["p_value"].to_numpy()[hidden]).all()
    assert np.isnan(local["q_value"].to_numpy()[hidden]).all()
    assert (local["quadrant"].to_numpy()[hidden] == 0).all()
    assert (local["status"].to_numpy()[hidden] == tables.LOCAL_SUPPRESSED).all()


def test_no_hotspot_lists_or_sums_a_hidden_place(
    internal: Publication, public: Publication
) -> None:
    panel = internal.results.panel
    assert len(public.results.hotspots)
    for row in public.results.hotspots.itertuples():
        cells = panel.sel(place=list(row.members), chain=row.chain, year=row.year)
        assert (cells["known"] >= THRESHOLD).all()
        assert row.places == len(row.members)
        assert row.known == cells["known"].sum()
        assert row.digital == cells["digital"].sum()
        assert row.share == pytest.approx(row.digital / row.known)
    assert public.results.hotspots.crs == internal.results.hotspots.crs


def test_a_change_between_hidden_years_is_hidden(public: Publication) -> None:
    known = public.results.panel["known"]
    few = (known > 0) & (known < THRESHOLD)
    either = (few.isel(year=0) | few.isel(year=-1)).to_numpy()
    change = public.results.change.transpose("place", "chain")
    assert np.isnan(change["share_change"].to_numpy()[either]).all()
    assert (change["direction"].to_numpy()[either] == 0).all()


def test_quarantined_records_never_leave_and_the_banner_states_the_limit(
    public: Publication,
) -> None:
    assert public.results.quarantine.empty
    assert str(THRESHOLD) in public.banner
    assert "secondaria" in public.banner
    assert "Secondary" in public.banner_en
