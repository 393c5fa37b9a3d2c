"""Chains go through a study: who belongs, how much of a firm, where, and by which edition."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import xarray as xr

from geo_engine import tables
from geo_engine.chains.membership import load_chains, membership
from geo_engine.delivery import carry_out
from geo_engine.errors import ChainError, StudyError
from geo_engine.indicators.counting import count_firms
from geo_engine.pipeline import Run, run
from geo_engine.sources import batches
from geo_engine.study import parse_study

HEADER = "cf;istat;ateco;edizione;altri;anno;sito"
PRATO, CARMIGNANO, LIVORNO = "100005", "100002", "049009"
RESTAURANT, SPINNER, BAKERY, SOFTWARE, HOTEL, WEB_SHOP = (
    "56.10.11",
    "13.20.00",
    "10.71.10",
    "62.01.00",
    "55.10.00",
    "47.91.10",
)


def keys(chains: dict[str, Any], **changes: Any) -> dict[str, Any]:
    columns = {
        "tax_code": "cf",
        "istat_code": "istat",
        "ateco": "ateco",
        "ateco_version": "edizione",
        "secondary_ateco": "altri",
        "year": "anno",
    }
    source = {"path": "firms.csv", "separator": ";", "tax_codes": "flag", "columns": columns}
    return {
        "title": "Prova",
        "data_date": "2025-12-31",
        "unit": "unita_locale",
        "status": "attiva",
        "audience": "internal",
        "firms": [source | changes.pop("source", {})],
        "coverage": {"provinces": ["PO", "FI", "LI"]},
        "chains": chains,
        "digital": {"signals": [{"column": "sito", "label": "sito", "rule": "website"}]},
        "statistics": {"permutations": 0, "robustness": {"enabled": False}},
    } | changes


def firm(number: int, place: str, ateco: str, **more: Any) -> str:
    fields = {"edizione": "2007", "altri": "", "anno": 2024, "sito": "no"} | more
    return ";".join([f"F{number}", place, ateco, *(str(value) for value in fields.values())])


def carried(folder: Path, rows: list[str], chains: dict[str, Any], **changes: Any) -> Run:
    folder.mkdir(exist_ok=True)
    (folder / "firms.csv").write_text("\n".join([HEADER, *rows, ""]), encoding="utf-8")
    return run(parse_study(keys(chains, **changes)), folder)


def counted(done: Run, place: str, year: int = 2024, name: str = "firms") -> dict[str, float]:
    cells = done.results.panel[name].sel(place=place, year=year)
    return {str(key): round(float(value), 6) for key, value in cells.to_series().items()}


def many(count: int = 600) -> list[str]:
    """Firms of three chains, alone and shared, in the municipalities of Prato and Florence."""
    rng = np.random.default_rng(5)
    towns = [*(f"10000{i}" for i in range(1, 8)), *(f"0480{i:02d}" for i in (1, 2, 4, 5, 6, 8))]
    towns += [f"0480{i:02d}" for i in (10, 11, 12, 13, 14, 15, 17, 18, 19, 20, 21, 22, 24, 25, 26)]
    towns += [f"0480{i:02d}" for i in (28, 30, 31, 32, 33, 35, 36, 37, 38, 39, 41, 43, 44, 46)]
    codes = [RESTAURANT, SPINNER, BAKERY, HOTEL]
    return [
        firm(
            number,
            str(rng.choice(towns)),
            str(rng.choice(codes)),
            sito="www.a.it" if rng.random() < 0.4 else "no",
        )
        for number in range(count)
    ]


MIXED = [
    firm(1, PRATO, RESTAURANT, sito="www.a.it"),  # in two chains
    firm(2, PRATO, BAKERY),
    firm(3, PRATO, SPINNER),  # in none of the two
]
TWO = {"use": ["agroalimentare", "turismo", "tutte"]}


def test_whole_firms_are_counted_as_by_their_codes(tmp_path: Path) -> None:
    use = ["agroalimentare", "turismo", "moda"]
    done = carried(tmp_path, many(), {"use": use})
    chains = {key: load_chains()[key] for key in use}
    phases = membership(
        done.intake.ateco["code"].tolist(), done.intake.ateco["edition"].tolist(), chains
    )
    firms = done.intake.firms.assign(year=0)
    by_code = count_firms(
        firms,
        (phases != "").to_numpy(),
        areas=np.arange(len(done.plan.places)),
        shape=(len(done.plan.places), 1),
        distinct=False,
    )
    covered = done.plan.places["covered"].to_numpy()
    panel = done.results.panel.transpose("place", "chain", "year")
    for name in ("firms", "known", "digital"):
        expected = getattr(by_code, name)[covered, :-1]
        assert panel[name].to_numpy()[covered].tobytes() == expected.tobytes()
        assert expected.sum() > 0
    assert done.results.facts.membership == ""
    assert done.results.facts.whole_counts


@pytest.mark.parametrize(
    ("weights", "parts"),
    [
        ("whole", {"agroalimentare": 2, "turismo": 1, "tutte": 3}),
        ("equal", {"agroalimentare": 1.5, "turismo": 0.5, "tutte": 3}),
    ],
)
def test_a_firm_of_two_chains_counts_one_in_sum_where_they_divide_it(
    tmp_path: Path, weights: str, parts: dict[str, float]
) -> None:
    done = carried(tmp_path, MIXED, TWO | {"weights": weights})
    assert counted(done, PRATO) == parts
    digital = counted(done, PRATO, name="digital")
    assert digital["turismo"] == parts["turismo"]
    phases = done.results.phases.groupby("chain")["firms"].sum()
    assert phases["agroalimentare"] == parts["agroalimentare"]
    assert done.results.account.in_chains == 3
    assert ("parti uguali" in done.results.facts.membership) == (weights == "equal")


def test_units_of_one_enterprise_in_two_chains_are_one_firm(tmp_path: Path) -> None:
    rows = [firm(1, PRATO, BAKERY), firm(1, CARMIGNANO, HOTEL)]
    done = carried(tmp_path, rows, TWO | {"weights": "equal"}, unit="impresa")
    assert counted(done, PRATO) == {"agroalimentare": 1, "turismo": 0, "tutte": 1}
    province = done.results.province_panel["firms"].sel(province="100", year=2024)
    assert province.to_series().to_dict() == {"agroalimentare": 0.5, "turismo": 0.5, "tutte": 1}


def test_given_weights_are_those_of_the_lines(tmp_path: Path) -> None:
    own = {
        "label": "Prova",
        "lines": [{"phase": "servizi", "ateco_2007": ["56"], "weight": 0.25, "reason": "stima"}],
    }
    chains = {"use": ["prova"], "custom": {"prova": own}}
    assert counted(carried(tmp_path, MIXED, chains | {"weights": "given"}), PRATO) == {
        "prova": 0.25
    }
    assert counted(carried(tmp_path, MIXED, chains), PRATO) == {"prova": 1}


def test_secondary_codes_count_with_their_weight_and_the_primary_one_wins(tmp_path: Path) -> None:
    rows = [
        firm(1, PRATO, SOFTWARE, altri="13.20.00 | 56.10.11|62.01.00"),
        firm(2, PRATO, SPINNER, altri="13.10.00"),
        firm(3, PRATO, SOFTWARE, altri="illeggibile"),
    ]
    use = {"use": ["ict_digitale", "moda", "turismo"]}
    both = carried(tmp_path, rows, use | {"secondary_weight": 0.3})
    assert counted(both, PRATO) == {"ict_digitale": 2, "moda": 1.3, "turismo": 0.3}
    assert both.results.account.quarantined == 0
    assert any("1 codici secondari non sono leggibili" in said for said in both.results.warnings)
    full = carried(tmp_path, rows, use | {"secondary_weight": 1.0})
    assert counted(full, PRATO) == {"ict_digitale": 2, "moda": 2, "turismo": 1}


def test_a_stated_separator_alone_separates_secondary_codes(tmp_path: Path) -> None:
    rows = [firm(1, PRATO, SOFTWARE, altri="13.20.00+56.10.11")]
    use = {"use": ["moda", "turismo"], "secondary_weight": 0.5}
    found = carried(tmp_path, rows, use, source={"secondary_separator": "+"})
    assert counted(found, PRATO) == {"moda": 0.5, "turismo": 0.5}


SEA = {
    "label": "Economia del mare",
    "lines": [
        {"phase": "monte", "ateco_2007": ["03.1"], "ateco_2025": ["03.1"]},
        {
            "phase": "servizi",
            "ateco_2007": ["55", "56"],
            "ateco_2025": ["55", "56"],
            "territory": "costieri",
        },
    ],
}


@pytest.mark.parametrize("listed", [[LIVORNO], "costieri.csv", None])
def test_the_sea_economy_has_hotels_on_the_coast_only(tmp_path: Path, listed: Any) -> None:
    (tmp_path / "costieri.csv").write_text("nome,pro_com_t\nLivorno,49009\n", encoding="utf-8")
    rows = [firm(n, place, HOTEL) for n, place in enumerate([PRATO, LIVORNO, LIVORNO])]
    rows += [firm(9, PRATO, "03.11.00")]
    chains = {"use": ["mare", "turismo"], "custom": {"mare": SEA}}
    done = carried(
        tmp_path, rows, chains | ({"territories": {"costieri": listed}} if listed else {})
    )
    assert counted(done, LIVORNO) == {"mare": 2, "turismo": 2}
    assert counted(done, PRATO) == {"mare": 1, "turismo": 1}
    derived = any("ricavati dal contorno" in note for note in done.results.facts.source_notes)
    assert derived == (listed is None), "who reads it knows whose list it is"


def test_the_strict_perimeter_holds_fewer_firms_and_says_so(tmp_path: Path) -> None:
    rows = many(100)
    use = ["agroalimentare", "turismo"]
    wide = carried(tmp_path, rows, {"use": use})
    strict = carried(tmp_path, rows, {"use": use, "perimeter": "strict"})
    more = strict.results.panel["firms"] > wide.results.panel["firms"]
    assert not bool(more.any())
    one = {"agroalimentare": "strict"}
    mixed = carried(tmp_path, rows, {"use": use, "perimeter": one})
    sums = [
        done.results.panel["firms"].sel(chain="agroalimentare").sum()
        for done in (wide, strict, mixed)
    ]
    assert sums[0] > sums[1] == sums[2] > 0
    assert wide.results.facts.perimeter.endswith(", largo")
    assert strict.results.facts.perimeter.endswith(", stretto")
    assert "stretto: Agroalimentare" in mixed.results.facts.perimeter


def test_a_chain_of_the_study_changes_one_that_ships(tmp_path: Path) -> None:
    own = {"based_on": "agroalimentare", "ateco_2007": {"esclusa": ["56"], "produzione": ["12"]}}
    rows = [*MIXED, firm(4, PRATO, "12.00.00")]
    chains = {"use": ["agroalimentare"], "custom": {"agroalimentare": own}}
    done = carried(tmp_path, rows, chains)
    assert counted(done, PRATO) == {"agroalimentare": 2}
    assert done.results.facts.chains[0].label == "Agroalimentare"
    assert "dello studio: agroalimentare" in done.results.facts.perimeter


def halves() -> dict[str, Any]:
    """Give two chains that divide all codes of 2025 between them, and one that has all."""
    divisions = sorted({code[:2] for code in membership_codes()})
    return {
        key: {"label": key, "ateco_2025": {"produzione": own}, "ateco_2007": {"produzione": ["01"]}}
        for key, own in {
            "prima": [d for d in divisions if d < "47"],
            "seconda": [d for d in divisions if d >= "47"],
            "intera": divisions,
        }.items()
    }


def membership_codes() -> list[str]:
    from geo_engine.chains.classification import titles

    return list(titles("2025"))


def test_codes_of_2007_become_codes_of_2025_and_no_firm_is_lost(tmp_path: Path) -> None:
    codes = [RESTAURANT, SPINNER, BAKERY, SOFTWARE, HOTEL, WEB_SHOP, "47.99.20", "45.11.01"]
    rows = [firm(n, PRATO, code) for n, code in enumerate(codes)]
    chains = {"use": ["prima", "seconda", "intera"], "custom": halves(), "edition": "2025"}
    done = carried(tmp_path, rows, chains)
    found = counted(done, PRATO)
    assert found["intera"] == len(codes)
    assert found["prima"] + found["seconda"] == pytest.approx(len(codes), abs=1e-5)
    flags = done.results.account.flags
    assert flags["ATECO_RECODED"] + flags["ATECO_APPORTIONED"] == len(codes)
    assert flags["ATECO_APPORTIONED"] >= 2  # web shop and door-to-door sale
    assert "ripartiti" in done.results.facts.membership


def test_shares_of_recodes_come_from_firms_with_both_codes(tmp_path: Path) -> None:
    from geo_engine.chains.classification import links

    targets = links()[WEB_SHOP]
    (tmp_path / "doppi.csv").write_text(
        f"ateco_2007;ateco_2025;firms\n{WEB_SHOP};{targets[0]};3\n", encoding="utf-8"
    )
    own = {"label": "p", "ateco_2025": {"produzione": [targets[0]]}}
    chains = {"use": ["p"], "custom": {"p": own}, "edition": "2025"}
    rows = [firm(1, PRATO, WEB_SHOP)]
    assert counted(carried(tmp_path, rows, chains | {"recode": "doppi.csv"}), PRATO) == {"p": 1}
    equal = counted(carried(tmp_path, rows, chains), PRATO)["p"]
    assert equal == pytest.approx(1 / len(targets), abs=1e-5)


TWO_YEARS = [
    *(firm(n, PRATO, SPINNER, sito="www.a.it" if n % 2 else "no") for n in range(40)),
    *(firm(n, PRATO, "13.20.00", edizione="2025", anno=2025) for n in range(40)),
    *(firm(100 + n, PRATO, WEB_SHOP) for n in range(6)),
    *(firm(100 + n, PRATO, "47.71.10", edizione="2025", anno=2025) for n in range(6)),
]


def test_web_shops_break_the_series_of_the_chains_that_they_enter(tmp_path: Path) -> None:
    done = carried(tmp_path, TWO_YEARS, {"use": ["moda", "salute_farma", "tutte"]})
    breaks = done.results.series_breaks
    own = breaks[breaks["chain"] == "moda"]
    assert {"perimeter", "online_retail"} == set(own["cause"])
    assert set(own["indicator"]) >= {"firms", "share", "location_quotient"}
    assert set(zip(own["before"], own["year"], strict=True)) == {(2024, 2025)}
    change = done.results.change.sel(place=PRATO)
    moda = change.sel(chain="moda")
    assert bool(moda["series_break"])
    assert int(moda["status"]) == tables.SERIES_BREAK
    assert int(moda["direction"]) == 0
    assert np.isnan([moda[name] for name in ("share_change", "firms_change", "p_value")]).all()
    everyone = change.sel(chain="tutte")
    assert not bool(everyone["series_break"])
    assert float(everyone["firms_change"]) == 0
    assert int(everyone["direction"]) == -1
    growth = done.results.panel["growth"].sel(place=PRATO, year=2025)
    assert np.isnan(growth.sel(chain="moda")), "no growth over a break"
    assert float(growth.sel(chain="tutte")) == 0
    assert any("Interruzione di serie tra il 2024 e il 2025" in s for s in done.results.warnings)


def test_a_chain_whose_firms_keep_their_code_does_not_break(tmp_path: Path) -> None:
    rows = [row.replace(SPINNER, BAKERY) for row in TWO_YEARS if "47." not in row]
    done = carried(tmp_path, rows, {"use": ["agroalimentare"]})
    assert done.results.series_breaks.empty
    change = done.results.change.sel(place=PRATO, chain="agroalimentare")
    assert int(change["status"]) == tables.OK
    assert int(change["direction"]) == -1
    assert not bool(change["series_break"])


def test_recoding_marks_the_shares_that_it_assumes(tmp_path: Path) -> None:
    done = carried(tmp_path, TWO_YEARS, {"use": ["moda"], "edition": "2025"})
    assert set(done.results.series_breaks["cause"]) == {"apportioned", "online_retail"}
    assert bool(done.results.change["series_break"].all())


def test_a_signal_told_from_codes_breaks_with_the_edition(tmp_path: Path) -> None:
    signal = {
        "key": "rete",
        "label": "rete",
        "kind": "ateco_prefix",
        "column": "ateco",
        "prefixes": {"2007": ["47.91"], "2025": ["47.71"]},
    }
    done = carried(tmp_path, TWO_YEARS, {"use": ["tutte"]}, digital={}, signal=[signal])
    breaks = done.results.series_breaks
    assert set(breaks["indicator"]) == {"digital", "share", "share_eb"}
    assert set(breaks["cause"]) == {"online_retail"}
    change = done.results.change.sel(place=PRATO, chain="tutte")
    assert int(change["status"]) == tables.SERIES_BREAK
    assert float(change["firms_change"]) == 0


def test_a_file_of_two_editions_is_refused_with_counts_or_read_code_by_code(
    tmp_path: Path,
) -> None:
    rows = [firm(n, PRATO, "45.11.01", edizione="") for n in range(3)]
    rows += [firm(9, PRATO, "62.10.00", edizione="")]
    rows += [firm(10, PRATO, "47.81.01", edizione="")]  # a code of 2007 alone
    rows += [firm(11, PRATO, "47.81", edizione="")]  # food stalls, or car dealers
    use = {"use": ["agroalimentare", "automotive_mobilita", "ict_digitale", "tutte"]}
    with pytest.raises(ChainError, match=r"ATECO_VERSION_MIXED.*4 rows.*2007.*1 rows.*2025"):
        carried(tmp_path, rows, use)
    done = carried(tmp_path, rows, use, source={"ateco_version": "detect"})
    assert counted(done, PRATO) == {
        "agroalimentare": 1,
        "automotive_mobilita": 3,
        "ict_digitale": 1,
        "tutte": 6,
    }
    assert done.results.account.flags["ATECO_HOMONYM"] == 1
    said = "4 righe del 2007, 1 del 2025, 1 che valgono"
    assert any(said in sentence for sentence in done.results.warnings)


@pytest.fixture(scope="module")
def weighted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, Run]:
    folder = tmp_path_factory.mktemp("weighted")
    coverage = {"coverage": {"provinces": ["PO", "FI"]}}
    use = {"use": ["agroalimentare", "turismo", "moda"]}
    whole = carried(folder, many(), use, **coverage)
    return whole, carried(folder, many(), use | {"weights": "equal"}, **coverage)


def test_tests_of_shares_count_whole_firms(weighted: tuple[Run, Run]) -> None:
    whole, equal = weighted
    of_shares = [done.results.local.sel(variable="share") for done in weighted]
    assert int(of_shares[0]["p_value"].count()) > 60
    xr.testing.assert_identical(*of_shares)
    assert not equal.results.panel["digital"].equals(whole.results.panel["digital"])
    numbers = equal.results.local.sel(variable="firms", chain="turismo")
    assert int(numbers["p_value"].count()) > 20


def test_parts_of_firms_have_shares_within_bounds_and_wider_intervals(
    weighted: tuple[Run, Run],
) -> None:
    whole, equal = (done.results.panel.sel(chain="turismo") for done in weighted)
    assert bool((equal["known"].fillna(0) <= whole["known"].fillna(0)).all())
    share = equal["share"].to_numpy()
    seen = np.isfinite(share)
    assert seen.any()
    assert ((share[seen] >= 0) & (share[seen] <= 1)).all()
    for name in ("share_eb", "share_eb_low", "share_eb_high"):
        assert np.isfinite(equal[name].to_numpy()[seen]).all()


def test_chains_add_up_to_the_firms_that_they_divide(weighted: tuple[Run, Run]) -> None:
    _, equal = weighted
    sums = float(equal.results.panel["firms"].sum())
    assert sums == pytest.approx(equal.results.account.in_chains, abs=1e-9)


def test_the_order_of_rows_and_the_size_of_batches_change_no_part(
    weighted: tuple[Run, Run], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "BATCH_ROWS", 37)
    use = {"use": ["agroalimentare", "turismo", "moda"], "weights": "equal"}
    other = carried(tmp_path, many()[::-1], use, coverage={"provinces": ["PO", "FI"]})
    xr.testing.assert_identical(other.results.panel, weighted[1].results.panel)


def test_files_keep_parts_of_firms_and_say_how_they_are_made(tmp_path: Path) -> None:
    rows = [
        firm(1, PRATO, RESTAURANT, sito="www.a.it"),
        firm(2, LIVORNO, HOTEL, altri="13.20.00"),
        firm(3, PRATO, BAKERY),
    ]
    chains = {
        "use": ["agroalimentare", "turismo", "mare", "moda"],
        "custom": {"mare": SEA},
        "territories": {"costieri": [LIVORNO]},
        "weights": "equal",
        "secondary_weight": 0.5,
    }
    (tmp_path / "firms.csv").write_text("\n".join([HEADER, *rows, ""]), encoding="utf-8")
    study = parse_study(keys(chains, outputs={"formats": ["panel", "firms"]}))
    files = carry_out(study, tmp_path, tmp_path / "out").files
    panel = pq.read_table(files["panel.parquet"]).to_pandas()
    here = panel[panel["pro_com_t"] == PRATO].set_index("chain")["firms"]
    assert here.to_dict() == {"agroalimentare": 1.5, "turismo": 0.5, "mare": 0, "moda": 0}
    firms = pq.read_table(files["firms_placed.parquet"]).to_pandas().set_index("cf")
    assert firms["geo_weights"].to_dict() == {
        "F1": "agroalimentare:0.5|turismo:0.5",
        "F2": "turismo:0.4|mare:0.4|moda:0.2",
        "F3": "agroalimentare:1",
    }
    assert firms.loc["F2", "geo_phases"] == "turismo:produzione|mare:servizi|moda:monte"
    manifest = json.loads(files["manifest.json"].read_text(encoding="utf-8"))
    assert "parti uguali" in manifest["membership"]
    assert "50%" in manifest["membership"]
    assert manifest["perimeter"].endswith("largo; dello studio: mare")
    assert manifest["parameters"]["chains"]["territories"] == {"costieri": [LIVORNO]}


def test_a_public_panel_hides_shares_of_few_firms_by_their_weight(tmp_path: Path) -> None:
    rows = [firm(n, PRATO, RESTAURANT, sito="www.a.it") for n in range(8)]
    rows += [firm(20 + n, CARMIGNANO, RESTAURANT) for n in range(10)]
    outputs = {"formats": ["panel"]}
    study = parse_study(keys(TWO | {"weights": "equal"}, audience="public", outputs=outputs))
    (tmp_path / "firms.csv").write_text("\n".join([HEADER, *rows, ""]), encoding="utf-8")
    files = carry_out(study, tmp_path, tmp_path / "out").files
    panel = pq.read_table(files["panel.parquet"]).to_pandas()
    shown = panel[panel["chain"] == "turismo"].set_index("pro_com_t")["share"]
    assert pd.isna(shown[PRATO])  # eight firms that weigh four
    assert shown[CARMIGNANO] == 0  # ten that weigh five


ISLANDS = {"phase": "servizi", "ateco_2007": ["55"], "territory": "isole", "reason": "prova"}


@pytest.mark.parametrize(
    ("chains", "code"),
    [
        (
            {"use": ["x"], "custom": {"x": {"label": "x", "lines": [ISLANDS]}}},
            "CHAIN_TERRITORY_UNKNOWN",
        ),
        (
            {"use": ["mare"], "custom": {"mare": SEA}, "territories": {"costieri": "assente.csv"}},
            "TERRITORY_TABLE",
        ),
        (
            {"use": ["mare"], "custom": {"mare": SEA}, "territories": {"costieri": ["999999"]}},
            "TERRITORY_CODES",
        ),
        ({"custom": {"x": {"ateco_2007": {"monte": ["56"]}}}}, "CHAIN_LABEL_MISSING"),
        ({"perimeter": {"ovunque": "strict"}}, "CHAIN_UNKNOWN"),
        ({"recode": "assente.csv", "edition": "2025"}, "RECODE_TABLE"),
        ({"recode": "doppi.csv"}, "STUDY_INVALID"),
        ({"weights": "doppio"}, "STUDY_INVALID"),
        ({"secondary_weight": 2}, "STUDY_INVALID"),
        (
            {"custom": {"x": {"label": "x", "lines": [{"phase": "monte", "weight": 0}]}}},
            "STUDY_INVALID",
        ),
    ],
)
def test_what_is_wrong_with_chains_is_named(tmp_path: Path, chains: dict, code: str) -> None:
    with pytest.raises(StudyError, match=code):
        carried(tmp_path, MIXED, chains)


def test_secondary_codes_without_a_column_are_refused(tmp_path: Path) -> None:
    source = {"columns": {"istat_code": "istat", "ateco": "ateco", "year": "anno"}}
    with pytest.raises(StudyError, match=r"SECONDARY_CODES.*secondary_ateco"):
        carried(tmp_path, MIXED, {"secondary_weight": 0.5}, source=source)
