"""The panel: statuses, coverage, reference totals, and the form that results promise."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from geo_engine import tables
from geo_engine.errors import TableError
from geo_engine.indicators.counting import Counts
from geo_engine.indicators.panel import AreaLevel, build_area_panel, build_panel
from geo_engine.indicators.registry import load_registry

CHAINS, YEARS = ("moda", "legno"), (2023, 2024)
FLOATS = {
    *("firms", "known", "digital", "share", "share_eb", "share_eb_low", "share_eb_high"),
    *("reliability", "location_quotient", "firms_per_1000", "firms_per_km2"),
}


def four_places() -> gpd.GeoDataFrame:
    """Three covered municipalities and one that is not."""
    return gpd.GeoDataFrame(
        {
            "name": list("ABCD"),
            "cod_prov": ["100", "100", "100", "048"],
            "province": ["Prato"] * 3 + ["Firenze"],
            "sigla": ["PO"] * 3 + ["FI"],
            "cod_reg": "09",
            "region": "Toscana",
            "cadastral_code": list("abcd"),
            "name_other": "",
            "area_km2": [10.0, 20.0, 5.0, 1.0],
            "population": [1000.0, 500.0, 0.0, 100.0],
            "covered": [True, True, True, False],
        },
        geometry=[shapely.box(i, 0, i + 1, 1) for i in range(4)],
        crs=tables.CRS_WEB,
        index=pd.Index(["100001", "100002", "100003", "100004"], name="pro_com_t"),
    )


def counts() -> Counts:
    # place x (moda, legno, all) x year
    firms = [
        [[4, 6], [0, 2], [10, 10]],
        [[2, 2], [2, 2], [10, 10]],
        [[0, 0], [0, 0], [0, 0]],
        [[9, 9], [9, 9], [9, 9]],
    ]
    known = np.array(firms, float)
    known[1, 1, 1] = 0  # firms without any known signal
    digital = np.floor(known / 2)
    return Counts(firms=np.array(firms, float), known=known, digital=digital)


def panel(surveyed=True, chains=CHAINS):
    return build_panel(counts(), four_places(), chains=chains, years=YEARS, surveyed=surveyed)


def test_the_panel_has_the_variables_dims_and_types_that_results_promise():
    found = panel()
    assert dict(found.sizes) == {"place": 4, "chain": 2, "year": 2}
    assert set(found.data_vars) == FLOATS | {"status", "share_status"}
    for name, values in found.data_vars.items():
        assert values.dims == ("place", "chain", "year")
        assert values.dtype == (np.float64 if name in FLOATS else np.int8)
    assert found["place"].to_index().tolist() == four_places().index.tolist()
    assert found["chain"].to_index().tolist() == list(CHAINS)


def test_counts_are_zero_where_covered_and_missing_where_not():
    firms = panel()["firms"].to_numpy()
    assert (firms[2] == 0).all()
    assert np.isnan(firms[3]).all()
    assert firms[0, 0].tolist() == [4, 6]


def test_statuses_say_why_a_value_is_missing():
    found = panel()
    ok, none, unsurveyed, outside = range(4)
    assert found["status"].to_numpy()[:, 1, 1].tolist() == [ok, ok, none, outside]
    assert found["share_status"].to_numpy()[:, 1, 1].tolist() == [ok, unsurveyed, none, outside]
    assert (
        (~np.isnan(found["share"])).to_numpy() == (found["share_status"].to_numpy() == ok)
    ).all()
    assert (
        (~np.isnan(found["share_eb"])).to_numpy() == (found["share_status"].to_numpy() == ok)
    ).all()


def test_without_a_digital_signal_counts_stand_and_shares_are_not_surveyed():
    found = panel(surveyed=False)
    assert (found["share_status"].to_numpy()[:3] == tables.NOT_SURVEYED).all()
    assert (found["share_status"].to_numpy()[3] == tables.NOT_COVERED).all()
    assert np.isnan(found["known"]).all()
    assert np.isnan(found["share_eb"]).all()
    np.testing.assert_array_equal(found["firms"].to_numpy(), panel()["firms"].to_numpy())


def test_quotients_compare_with_the_covered_territory_only():
    found = panel()["location_quotient"].sel(chain="moda", year=2024).to_numpy()
    # covered: 8 of 20 firms are in fashion; the uncovered place has another 9 of 9
    np.testing.assert_allclose(found, [0.6 / 0.4, 0.2 / 0.4, np.nan, np.nan])


def test_densities_use_residents_and_equal_area_kilometers():
    found = panel().sel(chain="moda", year=2024)
    np.testing.assert_allclose(found["firms_per_1000"].to_numpy(), [6, 4, np.nan, np.nan])
    np.testing.assert_allclose(found["firms_per_km2"].to_numpy(), [0.6, 0.1, 0, np.nan])


def test_one_key_more_keeps_all_firms_as_the_last_chain():
    found = panel(chains=(*CHAINS, "tutte"))
    assert found["firms"].sel(chain="tutte").to_numpy()[0].tolist() == [10, 10]
    np.testing.assert_allclose(found["location_quotient"].sel(chain="tutte").to_numpy()[:2], 1)


def test_counts_of_another_shape_are_refused():
    with pytest.raises(TableError, match="COUNT_SHAPE"):
        panel(chains=("moda",))


def level(dim, codes, covered) -> AreaLevel:
    return AreaLevel(dim=dim, codes=codes, covered=np.array(covered))


def area_counts(n) -> Counts:
    whole = counts()
    return Counts(firms=whole.firms[:n], known=whole.known[:n], digital=whole.digital[:n])


def reference(**keys) -> pd.DataFrame:
    row = {"area": "048", "chain": "moda", "year": 2024, "firms": 50, "known": 40, "digital": 10}
    return pd.DataFrame([row | keys])


def area_panel(given=None, covered=(True, False)):
    return build_area_panel(
        area_counts(2),
        level("province", ("100", "048"), covered),
        chains=CHAINS,
        years=YEARS,
        surveyed=True,
        reference=given,
    )


def test_a_province_covered_in_part_is_not_covered():
    found = area_panel()
    assert (found["status"].to_numpy()[1] == tables.NOT_COVERED).all()
    assert (found["share_status"].to_numpy()[1] == tables.NOT_COVERED).all()
    for name in ("firms", "known", "digital", "share", "location_quotient"):
        assert found[name].to_numpy()[1].astype(str).tolist() == [["nan", "nan"]] * 2
    assert found["firms"].to_numpy()[0].tolist() == [[4, 6], [0, 2]]
    np.testing.assert_allclose(found["location_quotient"].sel(chain="moda").to_numpy()[0], 1)


def test_reference_totals_fill_an_area_that_is_not_covered_and_only_its_cells():
    found = area_panel(reference()).sel(province="048", chain="moda")
    assert found["firms"].to_numpy()[1] == 50
    assert found["share"].to_numpy()[1] == 0.25
    assert found["status"].to_numpy().tolist() == [tables.NOT_COVERED, tables.OK]
    assert found["share_status"].to_numpy().tolist() == [tables.NOT_COVERED, tables.OK]


def test_reference_totals_without_a_signal_leave_the_share_not_surveyed():
    found = area_panel(reference(known=None, digital=None)).sel(
        province="048", chain="moda", year=2024
    )
    assert found["firms"].item() == 50
    assert found["status"].item() == tables.OK
    assert found["share_status"].item() == tables.NOT_SURVEYED


def test_reference_totals_never_replace_what_is_covered():
    found = area_panel(reference(area="100"))
    assert found["firms"].sel(province="100", chain="moda", year=2024).item() == 6


@pytest.mark.parametrize("wrong", [{"area": "999"}, {"chain": "x"}, {"year": 1999}])
def test_reference_totals_of_nothing_in_the_study_are_refused(wrong):
    with pytest.raises(TableError, match=r"UNKNOWN_REFERENCE.*\(first: \w+, \w+, \d{4}\)"):
        area_panel(reference(**wrong))


@pytest.mark.parametrize("covered", [True, False])
def test_the_country_has_no_dim_of_its_own(covered):
    found = build_area_panel(
        area_counts(1),
        level("country", ("IT",), [covered]),
        chains=CHAINS,
        years=YEARS,
        surveyed=True,
    )
    assert found["firms"].dims == ("chain", "year")
    assert bool((~np.isnan(found["firms"])).all()) is covered
    assert "country" not in found.coords


def test_the_registry_describes_every_variable_of_the_panel():
    registry = load_registry()
    assert {str(name) for name in panel().data_vars} <= set(registry)
    assert {entry.polarity for entry in registry.values()} <= {-1, 0, 1}
    assert all(entry.formula and entry.unit and entry.source for entry in registry.values())
