"""The shipped layer is ISTAT's, and each later date follows from the changes."""

from __future__ import annotations

import datetime as dt

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from geo_engine.errors import BoundaryError
from geo_engine.sources import boundaries, codes


@pytest.mark.parametrize(
    ("date", "places"),
    [
        ("2022-01-01", 7904),
        ("2023-01-01", 7901),
        ("2023-11-18", 7900),
        ("2024-01-01", 7899),
        ("2024-01-22", 7896),
        ("2025-01-01", 7896),
        ("2026-02-01", 7895),
        ("2026-02-21", 7894),
    ],
)
def test_each_date_has_its_number_of_municipalities(date: str, places: int) -> None:
    assert len(boundaries.read_layer(dt.date.fromisoformat(date))) == places


def test_without_a_version_the_layer_is_the_shipped_one_and_read_once() -> None:
    date = dt.date(2023, 1, 1)
    assert boundaries.read_layer(date) is boundaries.read_layer(date, "shipped")
    assert boundaries.layer_digest() == boundaries.layer_digest(date, "shipped")
    assert boundaries.read_population(date).equals(
        boundaries.read_population(date, 2023, "shipped")
    )


def test_the_layer_equals_the_independent_copy_of_istat(shared_data) -> None:
    ours = boundaries.read_layer(dt.date(2022, 1, 1))
    theirs = gpd.read_parquet(shared_data / "boundaries" / "comuni_2022-01.parquet")
    theirs = theirs.set_index("com_istat_code").sort_index()
    assert list(ours.index) == list(theirs.index)
    renamed = ours.index[ours["name"].to_numpy() != theirs["name"]]
    assert list(renamed) == ["031019", "031022", "032001"]  # letters lost in both copies
    for mine, other in [
        ("province", "prov_name"),
        ("sigla", "prov_acr"),
        ("region", "reg_name"),
    ]:
        assert list(ours[mine]) == list(theirs[other])
    differing = ours.index[ours["cadastral_code"].to_numpy() != theirs["com_catasto_code"]]
    assert list(differing) == ["081025"]  # the copy has "N.d." for Misiliscemi
    moved = shapely.area(shapely.symmetric_difference(ours.geometry.array, theirs.geometry.array))
    assert moved.max() * 8.6e9 < 100  # square metres
    assert (moved * 8.6e9 > 0.01).sum() <= 15


def test_borders_neither_overlap_nor_leave_gaps_after_every_change() -> None:
    for date in (dt.date(2022, 1, 1), dt.date(2026, 2, 21)):
        shapes = boundaries.read_layer(date).geometry.array
        assert shapely.coverage_is_valid(np.asarray(shapes))
        assert shapely.is_valid(shapes).all()


def test_mergers_keep_area_and_population() -> None:
    before, after = dt.date(2022, 1, 1), dt.date(2026, 2, 21)
    assert boundaries.read_layer(before)["area_km2"].sum() == pytest.approx(
        boundaries.read_layer(after)["area_km2"].sum(), abs=1e-6
    )
    assert boundaries.read_population(before).sum() == boundaries.read_population(after).sum()
    assert boundaries.read_population(before).notna().all()


def test_area_is_the_equal_area_projection_of_the_geometry() -> None:
    layer = boundaries.read_layer(dt.date(2025, 1, 1)).loc[["058091", "013256", "081025"]]
    assert np.allclose(layer.to_crs("EPSG:3035").area / 1e6, layer["area_km2"], atol=1e-4, rtol=0)


def test_a_merged_municipality_covers_its_parts_and_an_incorporation_keeps_its_code() -> None:
    old = boundaries.read_layer(dt.date(2022, 1, 1))
    new = boundaries.read_layer(dt.date(2024, 1, 1))
    assert "018002" not in new.index
    assert new.loc["018026", "name"] == "Campospinoso Albaredo"
    union = shapely.union_all(old.loc[["018002", "018026"]].geometry.array)
    assert new.loc["018026", "geometry"].equals(union)


def test_population_adds_up_to_the_totals_of_istat_on_every_layer() -> None:
    for date in (dt.date(2022, 1, 1), dt.date(2025, 1, 1), dt.date(2026, 2, 21)):
        assert boundaries.read_population(date, 2022).sum() == 59_030_133
        assert boundaries.read_population(date, 2023).sum() == 58_850_717
        assert boundaries.read_population(date).notna().all()


def test_a_date_before_the_layer_and_an_unknown_population_year_are_refused() -> None:
    with pytest.raises(BoundaryError, match="BOUNDARY_DATE"):
        boundaries.read_layer(dt.date(2021, 12, 31))
    with pytest.raises(BoundaryError, match="2022, 2023"):
        boundaries.read_population(dt.date(2025, 1, 1), 1999)


def test_provinces_and_regions_dissolve_to_107_and_20() -> None:
    layer = boundaries.read_layer(dt.date(2025, 1, 1))
    provinces = boundaries.dissolve(layer, "cod_prov", ["province", "sigla", "cod_reg", "region"])
    regions = boundaries.dissolve(layer, "cod_reg", ["region"])
    assert (len(provinces), len(regions)) == (107, 20)
    assert provinces.is_valid.all()
    assert provinces.loc["063", "sigla"] == "NA"


def test_names_are_those_of_the_official_list(shared_data) -> None:
    path = shared_data / "codes" / "2026-08-14_situas_comuni.csv"
    listed = pd.read_csv(path, sep=";", dtype=str, encoding="utf-8-sig", keep_default_na=False)
    listed = listed.set_index("Codice Comune (alfanumerico)")
    ours = boundaries.read_layer(dt.date(2026, 2, 21))
    both = ours.index.intersection(listed.index)
    assert len(both) > 7500
    differing = both[ours.loc[both, "name"].to_numpy() != listed.loc[both, "Comune"].to_numpy()]
    assert len(differing) == 13  # renamed since 2022, or a second name that the layer sets apart
    names = ours.loc[["031019", "031022", "032001"], "name"]
    assert list(names) == list(listed.loc[names.index, "Comune"])
    assert not ours["name"].str.contains(r"[?\x80-\x9f]").any()


def test_the_changes_match_the_list_of_facts(shared_data) -> None:
    facts = pd.read_csv(shared_data / "codes" / "changes_2022_2026.csv", dtype=str)
    ours = boundaries.read_changes()
    assert [d.isoformat() for d in ours["valid_from"]] == list(facts["valid_from"])
    assert list(ours["new_code"]) == list(facts["new_code"])
    assert [" ".join(codes) for codes in ours["old_codes"]] == list(facts["old_codes"])
    assert list(ours["name"]) == list(facts["name"])


def test_sardinia_gets_its_codes_of_2026_once_the_list_is_imported(
    shared_data, tmp_path, monkeypatch
) -> None:
    monkeypatch.setenv("GEO_ENGINE_CACHE", str(tmp_path))
    day = dt.date(2026, 8, 14)
    before, digest = boundaries.read_layer(day), boundaries.layer_digest(day)
    codes.import_codes(shared_data / "codes" / "2026-08-14_situas_comuni.csv")
    after = boundaries.read_layer(day)
    assert (before["cod_prov"].nunique(), after["cod_prov"].nunique()) == (107, 110)
    assert (len(before), len(after)) == (7894, 7894)
    assert boundaries.layer_digest(day) != digest
    assert before.loc["090047", "name"] == after.loc["113017", "name"] == "Olbia"
    assert "090047" not in after.index
    persons = boundaries.read_population(day)
    assert persons.notna().all()
    assert persons.sum() == boundaries.read_population(dt.date(2026, 1, 1)).sum()
    assert persons["113017"] == boundaries.read_population(dt.date(2025, 1, 1))["090047"]
