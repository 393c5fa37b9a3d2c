"""Codes of provinces in other systems, against ISTAT's own list."""

import pandas as pd
import pytest

from geo_engine.geographies.province_codes import province_codes


def test_florence_is_a_metropolitan_city_and_prato_is_not():
    found = province_codes(pd.Series(["048", "100", "999"]))
    assert found["cod_uts"].tolist() == ["248", "100", "999"]
    assert found["nuts3"].tolist() == ["ITI14", "ITI15", ""]


@pytest.mark.shared
def test_the_codes_are_those_of_the_list_of_2023(shared_data):
    path = shared_data / "codes" / "Elenco-comuni-italiani.csv"
    listed = pd.read_csv(path, dtype=str, keep_default_na=False)
    province, uts = listed.columns[2], listed.columns[1]
    listed = listed.drop_duplicates(province)
    found = province_codes(listed[province])
    assert len(listed) == 107
    assert found["nuts3"].tolist() == listed["Codice NUTS3 2021"].tolist()
    assert found["cod_uts"].tolist() == listed[uts].tolist()
