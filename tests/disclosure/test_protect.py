"""No share of few firms, nor what inverts to it, leaves in a public artefact."""

from __future__ import annotations

import dataclasses

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import xarray as xr

from geo_engine import tables
from geo_engine.disclosure.cells import few_firms
from geo_engine.disclosure.protect import exposed_places, publish
from geo_engine.disclosure.publication import Publication
from geo_engine.results import Results
from tests.outputs.example import example_publication

THRESHOLD = 5
WITHHELD = ("digital", "share", "share_eb", "share_eb_low", "share_eb_high", "reliability")
GIVES_A_NEIGHBOR = (
    *("moran", "moran_expected", "moran_variance", "gi"),
    *("gi_star", "gi_star_expected", "gi_star_variance", "lag", "p_error"),
)


@pytest.fixture(scope="module")
def internal() -> Publication:
    example = example_publication()
    facts = dataclasses.replace(example.results.facts, audience="internal")
    links = _links(example.results.places)
    results = dataclasses.replace(example.results, facts=facts, neighbors=links)
    results = _with_a_hidden_member(results)
    return publish(results, threshold=THRESHOLD)


def _links(places: gpd.GeoDataFrame) -> pd.DataFrame:
    focal, neighbor = places.sindex.query(places.geometry, predicate="touches")
    table = pd.DataFrame({"focal": places.index[focal], "neighbor": places.index[neighbor]})
    return table.sort_values(["focal", "neighbor"], ignore_index=True)


def _with_a_hidden_member(results: Results) -> Results:
    """Leave one member of the largest hotspot with two firms of known signal."""
    hotspots, panel = results.hotspots.copy(), results.panel.copy(deep=True)
    largest = hotspots["places"].idxmax()
    row = hotspots.loc[largest]
    at = {"place": row["members"][-1], "chain": row["chain"], "year": row["year"]}
    panel["known"].loc[at], panel["digital"].loc[at] = 2.0, 1.0
    cells = panel.sel(place=list(row["members"]), chain=row["chain"], year=row["year"])
    for name in ("firms", "known", "digital"):
        hotspots.loc[largest, name] = float(cells[name].sum())
    return dataclasses.replace(results, hotspots=hotspots, panel=panel)


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
    for name in WITHHELD:
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
    for name in ("share", "digital"):
        before, after = internal.results.panel[name], public.results.panel[name]
        assert np.array_equal(before.to_numpy()[enough], after.to_numpy()[enough])
    assert public.results.panel["firms"].identical(internal.results.panel["firms"])


def test_statistics_that_give_a_neighbors_share_are_withheld_for_shares_only(
    internal: Publication, public: Publication
) -> None:
    for name in GIVES_A_NEIGHBOR:
        assert public.results.local[name].sel(variable="share").isnull().all()  # noqa: PD003  xarray has both
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


def test_places_beside_a_hidden_one_are_told_from_the_neighbors(internal: Publication) -> None:
    results = internal.results
    hidden = few_firms(results.panel["known"], THRESHOLD)
    by_hand = hidden.copy(data=np.zeros(hidden.shape, dtype=bool))
    for row in results.neighbors.itertuples():
        by_hand.loc[{"place": row.focal}] |= hidden.sel(place=row.neighbor)
    assert exposed_places(results, hidden).equals(by_hand)


def _without_hidden_on_one_map(results: Results) -> Results:
    """Leave the last map without a hidden place."""
    panel = results.panel.copy(deep=True)
    at = {"chain": -1, "year": -1}
    panel["known"][at] = panel["known"][at] + THRESHOLD
    facts = dataclasses.replace(results.facts, audience="public")
    return dataclasses.replace(results, panel=panel, facts=facts)


def test_where_a_place_of_the_map_is_hidden_p_is_gone_and_q_tells_only_its_side_of_alpha(
    internal: Publication,
) -> None:
    """P asks how the shares of all other places may fall around one: those of hidden ones too."""
    results = _without_hidden_on_one_map(internal.results)
    shown = publish(results, threshold=THRESHOLD).results
    hidden = few_firms(results.panel["known"], THRESHOLD)
    dims, alpha = ("place", "chain", "year"), results.facts.alpha
    before = results.local.sel(variable="share").transpose(*dims)
    after = shown.local.sel(variable="share").transpose(*dims)
    whole = hidden.any("place").broadcast_like(hidden).transpose(*dims).to_numpy()
    seen = ~hidden.transpose(*dims).to_numpy()
    assert whole.any()
    assert not whole.all()
    assert np.isnan(after["p_value"].to_numpy()[whole]).all()
    assert (after["method"].to_numpy()[whole] == 0).all()
    free = before["p_value"].to_numpy()[~whole]
    assert np.array_equal(after["p_value"].to_numpy()[~whole], free, equal_nan=True)
    for name in ("q_value", "q_value_year", "q_value_panel"):
        told, true = (part[name].to_numpy()[whole & seen] for part in (after, before))
        tested = ~np.isnan(true)
        assert set(np.unique(told[tested])) <= {np.nextafter(alpha, 0), 1.0}
        assert np.array_equal(told[tested] < alpha, true[tested] < alpha)
    quadrant = after["quadrant"].to_numpy()
    marked = before[tables.q_column(results.facts.family)].to_numpy() < alpha
    assert (quadrant[whole & ~marked] == 0).all()
    assert np.array_equal(quadrant[seen & marked], before["quadrant"].to_numpy()[seen & marked]), (
        "what is significant keeps its quadrant"
    )


def test_a_q_value_that_a_secret_place_lent_to_another_map_is_blurred_too(
    internal: Publication,
) -> None:
    results = _without_hidden_on_one_map(internal.results)
    dims = ("variable", "place", "chain", "year")
    local = results.local.transpose(*dims).copy(deep=True)
    at = list(local["variable"].to_numpy()).index("share")
    q_value = local["q_value_year"].to_numpy()[at]
    seen = (results.panel["known"] >= THRESHOLD).transpose(*dims[1:]).to_numpy()
    tested = ~np.isnan(q_value) & seen
    whole = few_firms(results.panel["known"], THRESHOLD).any("place").to_numpy()
    lender = tuple(np.argwhere(tested & whole)[0])
    borrower = tuple(np.argwhere(tested & ~whole)[0])
    q_value[lender] = q_value[borrower] = 0.0123456789
    told = (
        publish(dataclasses.replace(results, local=local), threshold=THRESHOLD)
        .results.local.transpose(*dims)["q_value_year"]
        .to_numpy()[at]
    )
    assert told[lender] == told[borrower] == np.nextafter(results.facts.alpha, 0)


def test_without_known_neighbors_every_place_counts_as_exposed(internal: Publication) -> None:
    bare = dataclasses.replace(internal.results, neighbors=internal.results.neighbors.iloc[:0])
    assert exposed_places(bare, few_firms(bare.panel["known"], THRESHOLD)).all()


def test_residuals_of_shares_are_protected_as_shares(internal: Publication) -> None:
    results = internal.results
    residual = results.local.sel(variable=["share"]).assign_coords(variable=["residual"])
    local = xr.concat([results.local, residual], dim="variable")
    facts = dataclasses.replace(results.facts, audience="public")
    told = publish(dataclasses.replace(results, facts=facts, local=local), threshold=THRESHOLD)
    shown = told.results.local
    for name in shown.data_vars:
        share, net = (shown[name].sel(variable=v, drop=True) for v in ("share", "residual"))
        assert share.identical(net), name


def test_every_float_of_the_local_tests_is_withheld_blurred_or_a_p_value(
    public: Publication,
) -> None:
    local = public.results.local.sel(variable="share")
    kept = {name for name in local.data_vars if bool(np.isfinite(local[name]).any())}
    verdicts = {"q_value", "q_value_year", "q_value_panel"}
    assert kept - {"p_value"} == verdicts | {"quadrant", "method", "status"}


def test_robustness_says_nothing_of_hidden_places_and_their_neighbors(
    internal: Publication, public: Publication
) -> None:
    hidden = few_firms(internal.results.panel["known"], THRESHOLD)
    secret = hidden | exposed_places(internal.results, hidden)
    before, after = (p.results.robustness["robustness"] for p in (internal, public))
    assert bool(np.isnan(after.where(secret)).all())
    assert after.where(~secret).identical(before.where(~secret))
    for row in public.results.hotspots.itertuples():
        members = after.sel(place=list(row.members), chain=row.chain, year=row.year)
        assert row.robustness == pytest.approx(float(members.mean()), nan_ok=True)


def test_the_last_digits_of_a_whole_maps_statistics_do_not_leave_where_a_place_is_hidden(
    internal: Publication, public: Publication
) -> None:
    hidden = few_firms(internal.results.panel["known"], THRESHOLD).any("place").to_series()
    assert hidden.any()
    before, after = (p.results.whole_maps for p in (internal, public))
    keys = pd.MultiIndex.from_frame(before[["chain", "year"]])
    coarse = (before["variable"] == "share") & hidden.reindex(keys).to_numpy()
    alpha = internal.results.facts.alpha
    pd.testing.assert_series_equal(after.loc[coarse, "value"], before.loc[coarse, "value"].round(1))
    assert after.loc[coarse, ["variance", "z_score"]].isna().all().all()
    for name in ("p_value", "p_permutation"):
        told, true = after.loc[coarse, name].dropna(), before.loc[coarse, name].dropna()
        assert set(told) <= {np.nextafter(alpha, 0), 1.0}
        assert ((told < alpha) == (true < alpha)).all()
    pd.testing.assert_frame_equal(after[~coarse], before[~coarse])
    maps, told = (p.results.maps["moran_i"].sel(variable="share") for p in (internal, public))
    wanted = maps.round(1).where(hidden.to_xarray().reindex_like(maps), maps)
    assert told.equals(wanted)
    p_value = public.results.maps["moran_p"].sel(variable="share")
    coarse_p = p_value.where(hidden.to_xarray().reindex_like(maps)).to_numpy()
    assert set(coarse_p[~np.isnan(coarse_p)]) <= {np.nextafter(alpha, 0), 1.0}
    firms = [p.results.maps["moran_i"].sel(variable="firms") for p in (internal, public)]
    assert firms[0].equals(firms[1])


def test_the_number_of_significant_places_is_that_of_the_marks_shown(
    internal: Publication, public: Publication
) -> None:
    shown, facts = public.results, public.results.facts
    marks = (shown.local[tables.q_column(facts.family)] < facts.alpha).sum("place")
    said, before = (p.results.maps["significant"].sel(variable="share") for p in (public, internal))
    hidden = few_firms(internal.results.panel["known"], THRESHOLD).any("place")
    counted = marks.sel(variable="share").transpose(*said.dims)
    assert bool((said == counted).where(hidden, True).all())
    assert bool((said == before).where(~hidden, True).all())
    assert bool((counted < before).where(hidden, False).any()), "the example hides a mark"


def test_further_tests_keep_their_verdict_only(internal: Publication, public: Publication) -> None:
    before, after = internal.results.further, public.results.further
    assert after[["statistic", "expected", "variance", "p_error"]].isna().all().all()
    hidden = few_firms(internal.results.panel["known"], THRESHOLD)
    blur = hidden.any("place").broadcast_like(hidden).to_series()
    keys = [pd.MultiIndex.from_frame(before[["pro_com_t", "chain", "year"]])]
    dims = ["place", "chain", "year"]
    secret = hidden.to_series().reorder_levels(dims).reindex(keys[0]).to_numpy()
    near = blur.reorder_levels(dims).reindex(keys[0]).to_numpy()
    assert secret.any()
    assert (near & ~secret).any()
    assert after.loc[secret, ["p_value", "q_value"]].isna().all().all()
    assert (after.loc[secret, "status"] == "suppressed").all()
    assert (after.loc[secret, "label"] == "").all()
    alpha = internal.results.facts.alpha
    assert set(after.loc[near, "q_value"].dropna()) <= {np.nextafter(alpha, 0), 1.0}
    assert after.loc[near, "p_value"].isna().all()
    pd.testing.assert_series_equal(after.loc[~near, "q_value"], before.loc[~near, "q_value"])


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
        local = public.results.local.sel(variable="share", chain=row.chain, year=row.year)
        smallest = float(local["q_value"].sel(place=list(row.members)).min())
        assert row.min_q_value == pytest.approx(smallest, nan_ok=True)
    largest = internal.results.hotspots["places"].idxmax()
    whole = internal.results.hotspots.loc[largest]
    told = public.results.hotspots.set_index("hotspot_id").loc[whole["hotspot_id"]]
    assert told["places"] == whole["places"] - 1
    assert told["known"] == whole["known"] - 2
    assert told["digital"] == whole["digital"] - 1
    assert public.results.hotspots.crs == internal.results.hotspots.crs


def test_a_change_between_hidden_years_is_hidden(public: Publication) -> None:
    known = public.results.panel["known"]
    years = known["year"].to_numpy()
    assert (
        ((known > 0) & (known < THRESHOLD)).sel(year=[years[0], years[-1]]).sum("year") == 1
    ).any()
    few = (known > 0) & (known < THRESHOLD)
    either = (few.isel(year=0) | few.isel(year=-1)).to_numpy()
    assert (few.isel(year=0) ^ few.isel(year=-1)).any()
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
