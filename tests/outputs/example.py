"""A synthetic Publication: the shape of a real one, on invented figures, in a second or two.

``example_publication()`` stands on a grid of squares; give it ``real_places(shared_data)`` for the
whole country. It is deterministic, and its statistics are rough: it feeds outputs, nothing else.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import scipy.sparse as sp
import scipy.stats as st
import shapely
import xarray as xr

from geo_engine import tables
from geo_engine.change.difference import first_last_change
from geo_engine.disclosure.publication import Publication
from geo_engine.further_tests import FURTHER_COLUMNS
from geo_engine.indicators.rates import assuncao_reis, empirical_bayes
from geo_engine.inference import GLOBAL_COLUMNS
from geo_engine.results import Account, ChainInfo, Facts, Results, SourceAccount

CHAINS = (
    ("moda", "Moda", "Fashion"),
    ("arredo_design", "Arredo e design", "Furniture and design"),
    ("agroalimentare", "Agroalimentare", "Agrifood"),
    ("meccanica_automazione", "Meccanica e automazione", "Machinery and automation"),
    ("automotive_mobilita", "Automotive e mobilità", "Automotive and mobility"),
    ("costruzioni", "Costruzioni", "Construction"),
    ("turismo", "Turismo", "Tourism"),
    ("salute_farma", "Salute e farmaceutica", "Health and pharma"),
    ("ict_digitale", "ICT e digitale", "ICT and digital"),
    ("energia", "Energia", "Energy"),
    ("chimica_plastica", "Chimica e plastica", "Chemicals and plastics"),
    ("logistica", "Logistica", "Logistics"),
    ("carta_stampa", "Carta e stampa", "Paper and printing"),
    ("culturale_creativa", "Culturale e creativa", "Culture and creativity"),
    ("ambiente_circolare", "Ambiente ed economia circolare", "Environment and circular economy"),
)
RATES = ("share_eb", "share_eb_low", "share_eb_high", "reliability")
DIMS = ("place", "chain", "year")


def grid_places(rows: int = 10, columns: int = 14, *, step: float = 0.12) -> gpd.GeoDataFrame:
    """Give a territory of squares in four provinces of two regions, with one island."""
    cells = [(r, c) for r in range(rows) for c in range(columns)]
    west, south = 10.4, 43.2
    boxes = [
        shapely.box(
            west + c * step, south + r * step, west + (c + 1) * step, south + (r + 1) * step
        )
        for r, c in cells
    ]
    boxes[-1] = shapely.affinity.translate(boxes[-1], 2 * step, step)
    top = np.array([r >= rows // 2 for r, _ in cells])
    right = np.array([c >= columns // 2 for _, c in cells])
    prov = np.where(top, 900, 950) + np.where(right, 1, 0)
    frame = gpd.GeoDataFrame(
        {
            "name": [f"Comune {r}-{c}" for r, c in cells],
            "cod_prov": [str(p) for p in prov],
            "province": [f"Provincia {p}" for p in prov],
            "sigla": [f"{'AB'[int(t)]}{'XY'[int(r)]}" for t, r in zip(top, right, strict=True)],
            "cod_reg": np.where(top, "90", "95"),
            "region": np.where(top, "Regione Alta", "Regione Bassa"),
            "cadastral_code": [f"Z{i:03d}" for i in range(len(cells))],
            "name_other": "",
        },
        geometry=boxes,
        crs=tables.CRS_WEB,
        index=pd.Index([f"{p}{i:03d}" for i, p in enumerate(prov)], name="pro_com_t"),
    )
    frame["area_km2"] = frame.to_crs(tables.CRS_AREA).area / 1e6
    return frame.sort_index()[list(tables.PLACE_COLUMNS)]


def real_places(shared_data: Path) -> gpd.GeoDataFrame:
    """Give the municipalities of 2022 as ``places``."""
    raw = gpd.read_parquet(shared_data / "boundaries" / "comuni_2022-01.parquet")
    frame = gpd.GeoDataFrame(
        {
            "name": raw["name"].astype(str),
            "cod_prov": raw["prov_istat_code"].astype(str),
            "province": raw["prov_name"].astype(str),
            "sigla": raw["prov_acr"].astype(str),
            "cod_reg": raw["reg_istat_code"].astype(str),
            "region": raw["reg_name"].astype(str),
            "cadastral_code": raw["com_catasto_code"].astype(str),
            "name_other": "",
        },
        geometry=raw.geometry,
        crs=raw.crs,
    )
    frame["area_km2"] = frame.to_crs(tables.CRS_AREA).area / 1e6
    frame.index = pd.Index(raw["com_istat_code"].astype(str), name="pro_com_t")
    return frame.sort_index()[list(tables.PLACE_COLUMNS)]


def example_publication(
    places: gpd.GeoDataFrame | None = None,
    *,
    chains: int = 2,
    years: Sequence[int] = (2019, 2022, 2024),
    signal: str = "imprese con sito web",
    effect: float = 0.35,
    hostile: str = "",
    **facts: Any,
) -> Publication:
    """Build a Publication.

    ``effect`` is the planted rise of the share (0: no hotspot), ``hostile`` a text put in every
    name, and ``facts`` replaces fields of :class:`Facts`.
    """
    places = grid_places() if places is None else places
    rng = np.random.default_rng(7)
    places = places.copy()
    places["population"] = (
        np.round(rng.lognormal(8.2 if len(places) > 1000 else 9.4, 1.0, len(places))).astype(int)
        + 60
    )
    places["covered"] = True
    places["edge"] = False
    infos = tuple(ChainInfo(key=k, label=a + hostile, label_en=b) for k, a, b in CHAINS[:chains])
    coords = {
        "place": places.index.to_numpy(str),
        "chain": [c.key for c in infos],
        "year": list(years),
    }
    panel = _panel(places, coords, rng, signal, effect)
    adjacency = _adjacency(places)
    local = _local(panel, adjacency)
    fields: dict[str, Any] = {
        "title": "Digitalizzazione delle filiere" + hostile,
        "title_en": "Digitalization of supply chains",
        "language": "it",
        "audience": "public",
        "simulated": True,
        "data_date": "2024-12-31",
        "boundary_date": "2025-01-01",
        "unit": "unita_locale",
        "status": "attiva",
        "signal": signal and signal + hostile,
        "signal_en": "firms with a website" if signal else "",
        "chains": infos,
        "years": tuple(years),
        "alpha": 0.05,
        "family": "map",
        "neighbors": "queen",
        "seed": 7,
        "population_year": 2023,
        "coverage": "Italia",
        "is_national": True,
        "perimeter": "2025.1",
        "source_notes": (
            "Registro simulato" + hostile + " (nessun dato reale)",
            "Confini: ISTAT, CC BY 4.0",
        ),
    }
    fields.update(facts)
    names = {"name": places["name"] + hostile} if hostile else {}
    hotspots = _hotspots(places, panel, local, adjacency, hostile)
    places = places.assign(**names)
    results = Results(
        facts=Facts(**fields),
        account=_account(int(panel["firms"].isel(year=-1).sum())),
        quarantine=pd.DataFrame(columns=list(tables.QUARANTINE_COLUMNS)),
        places=places,
        provinces=_dissolved(places, "cod_prov", ["province", "sigla", "cod_reg", "region"]),
        regions=_dissolved(places, "cod_reg", ["region"]),
        panel=panel,
        province_panel=_level(panel, places["cod_prov"].to_numpy(str), "province"),
        region_panel=_level(panel, places["cod_reg"].to_numpy(str), "region"),
        country_panel=_level(panel, np.full(len(places), "IT"), "country")
        .isel(country=0)
        .drop_vars("country"),
        phases=_phases(panel),
        graph_summary={"links": int(adjacency.nnz), "isolates": int((adjacency.sum(1) == 0).sum())},
        local=local,
        maps=_maps(local),
        whole_maps=_whole_maps(panel),
        robustness=_robustness(local),
        further=_further(local),
        hotspots=hotspots,
        change=first_last_change(panel),
        warnings=("Dati dimostrativi" + hostile + ".",) if fields["simulated"] else (),
    )
    return Publication(
        results=results,
        audience=fields["audience"],
        suppressed=int((panel["share_status"] == tables.SUPPRESSED).sum()),
        banner="Le quote di meno di 5 imprese sono oscurate" + hostile + ".",
        banner_en="Shares of fewer than 5 firms are suppressed.",
    )


def with_facts(publication: Publication, **facts: Any) -> Publication:
    """Replace fields of the facts."""
    results = publication.results
    return dataclasses.replace(
        publication,
        results=dataclasses.replace(results, facts=dataclasses.replace(results.facts, **facts)),
    )


def _panel(
    places: gpd.GeoDataFrame,
    coords: dict[str, Any],
    rng: np.random.Generator,
    signal: str,
    effect: float,
) -> xr.Dataset:
    n, chains, years = len(places), len(coords["chain"]), len(coords["year"])
    population = places["population"].to_numpy(float)[:, None, None]
    rate = rng.lognormal(-5.4, 0.7, chains)[None, :, None] * rng.lognormal(0, 0.5, (n, chains, 1))
    expected = population * rate * np.ones(years)
    firms = _stock(rng, expected, stay=0.94)
    known = firms - _stock(rng, 0.03 * firms, stay=0.9).clip(max=firms)
    centers = shapely.get_coordinates(shapely.centroid(places.geometry.to_numpy()))
    radius = np.ptp(centers, axis=0).max() * max(0.06, 1.6 / np.sqrt(n))
    risk = np.empty(firms.shape)
    for c in range(chains):
        focus = centers[rng.integers(n, size=2 if n < 1000 else 4)]
        near = np.min(np.linalg.norm(centers[:, None] - focus[None], axis=2), axis=1)
        bump = effect * np.exp(-((near / radius) ** 2))
        risk[:, c] = 0.22 + bump[:, None] * np.linspace(0.3, 1, years) + 0.02 * np.arange(years)
    digital = _adopted(rng, known, np.clip(risk, 0, 0.97))
    if not signal:
        known, digital = np.full_like(firms, np.nan), np.full_like(firms, np.nan)
    return xr.Dataset(
        {k: (DIMS, v) for k, v in _measures(places, firms, known, digital).items()}, coords=coords
    )


def _stock(rng: np.random.Generator, expected: np.ndarray, *, stay: float) -> np.ndarray:
    """Let most firms of a year stay in the next, and replace the others."""
    found = [rng.poisson(expected[..., 0])]
    for year in range(1, expected.shape[-1]):
        births = np.maximum(expected[..., year] - stay * expected[..., year - 1], 0)
        found.append(rng.binomial(found[-1], stay) + rng.poisson(births))
    return np.stack(found, axis=-1).astype(float)


def _adopted(rng: np.random.Generator, known: np.ndarray, risk: np.ndarray) -> np.ndarray:
    """Let digital firms stay digital for the most part, and others become so up to the risk."""
    size = known.astype(int)
    found = [rng.binomial(size[..., 0], risk[..., 0])]
    for year in range(1, size.shape[-1]):
        kept = rng.binomial(np.minimum(found[-1], size[..., year]), 0.95)
        held = 0.95 * risk[..., year - 1]
        adopt = np.clip((risk[..., year] - held) / (1 - held), 0, 1)
        found.append(kept + rng.binomial(size[..., year] - kept, adopt))
    return np.stack(found, axis=-1).astype(float)


def _measures(
    places: gpd.GeoDataFrame, firms: np.ndarray, known: np.ndarray, digital: np.ndarray
) -> dict[str, np.ndarray]:
    population = places["population"].to_numpy(float)[:, None, None]
    area = places["area_km2"].to_numpy(float)[:, None, None]
    with np.errstate(invalid="ignore", divide="ignore"):
        share = digital / known
        quotient = (firms / firms.sum(1, keepdims=True)) / (
            firms.sum(0, keepdims=True) / firms.sum((0, 1), keepdims=True)
        )
    rates = _rates(places, known, digital)
    surveyed = ~np.isnan(known)
    hidden = surveyed & (known > 0) & (known < 5)
    status = np.where(firms == 0, tables.NO_FIRMS, tables.OK)
    share_status = np.where(
        ~surveyed, tables.NOT_SURVEYED, np.where(known == 0, tables.NO_FIRMS, tables.OK)
    )
    share_status[hidden] = tables.SUPPRESSED
    bare = hidden | ~surveyed | (known == 0)
    return {
        "firms": firms,
        "known": known,
        "digital": np.where(hidden, np.nan, digital),
        "share": np.where(bare, np.nan, share),
        **{name: np.where(bare, np.nan, rates[name].to_numpy()) for name in RATES},
        "location_quotient": quotient,
        "firms_per_1000": 1000 * firms / population,
        "firms_per_km2": firms / area,
        "status": status.astype(np.int8),
        "share_status": share_status.astype(np.int8),
    }


def _rates(places: gpd.GeoDataFrame, known: np.ndarray, digital: np.ndarray) -> xr.Dataset:
    coords = {"place": places.index.to_numpy(str)}
    arrays = [xr.DataArray(v, dims=DIMS, coords=coords).fillna(0) for v in (digital, known)]
    if np.isnan(known).all():
        return xr.Dataset({name: xr.full_like(arrays[0], np.nan) for name in RATES})
    return empirical_bayes(arrays[0], arrays[1], places["cod_reg"])


def _adjacency(places: gpd.GeoDataFrame) -> sp.csr_array:
    """Queen contiguity by shared vertices."""
    points, owner = shapely.get_coordinates(places.geometry.to_numpy(), return_index=True)
    _, vertex = np.unique(points, axis=0, return_inverse=True)
    ones = np.ones(len(owner))
    incidence = sp.csr_array((ones, (owner, vertex.ravel())), shape=(len(places), len(points)))
    links = sp.csr_array((incidence @ incidence.T) > 0).astype(float)
    links.setdiag(0)
    links.eliminate_zeros()
    return links


def _local(panel: xr.Dataset, adjacency: sp.csr_array) -> xr.Dataset:
    """Local Moran by a normal approximation: rough, but of the right shape."""
    shape = panel["firms"].shape
    arrays = {
        name: np.full((2, *shape), np.nan)
        for name in (
            *("moran", "moran_expected", "moran_variance", "gi"),
            *("gi_star", "gi_star_expected", "gi_star_variance", "lag"),
            *("p_value", "p_error", "q_value", "q_value_year", "q_value_panel"),
        )
    }
    quadrant = np.zeros((2, *shape), np.int8)
    status = np.zeros((2, *shape), np.int8)
    degree = np.asarray(adjacency.sum(1)).ravel()
    tested_values = (panel["firms"].to_numpy(), _standardized(panel))
    for v, c, y in itertools.product(range(2), range(shape[1]), range(shape[2])):
        values = tested_values[v][:, c, y]
        hidden = panel["share_status"].to_numpy()[:, c, y] == tables.SUPPRESSED
        z, lag, p = _moran(values, adjacency)
        state = np.where(np.isnan(p), tables.LOCAL_MISSING, tables.LOCAL_OK)
        state[degree == 0] = tables.LOCAL_ISOLATE
        if v == 1:
            state[hidden] = tables.LOCAL_SUPPRESSED
        tested = state == tables.LOCAL_OK
        q = np.full(len(p), np.nan)
        if tested.any():
            q[tested] = st.false_discovery_control(p[tested])
        p[~tested] = np.nan
        at = (v, slice(None), c, y)
        for name, array in (("moran", z * lag), ("lag", lag), ("p_value", p)):
            arrays[name][at] = np.where(tested, array, np.nan)
        for family in tables.Q_COLUMNS.values():
            arrays[family][at] = q
        for name in ("moran_expected", "gi_star_expected", "gi"):
            arrays[name][at] = np.where(tested, -z / len(z), np.nan)
        for name in ("moran_variance", "gi_star_variance"):
            arrays[name][at] = np.where(tested, z**2 / np.maximum(degree, 1), np.nan)
        code = np.where(z >= 0, np.where(lag >= 0, 1, 4), np.where(lag >= 0, 3, 2))
        quadrant[at] = np.where(tested, code, 0)
        status[at] = state
    dims = ("variable", *DIMS)
    return xr.Dataset(
        {name: (dims, array) for name, array in arrays.items()}
        | {
            "quadrant": (dims, quadrant),
            "method": (dims, (status == 0).astype(np.int8)),
            "status": (dims, status),
        },
        coords={"variable": ["firms", "share"], **dict(panel.coords)},
    )


def _standardized(panel: xr.Dataset) -> np.ndarray:
    known, digital = panel["known"], panel["digital"]
    if not (known > 0).any():
        return known.to_numpy()
    rates = assuncao_reis(digital.where(~np.isnan(digital), 0), known.where(~np.isnan(digital), 0))
    return rates.to_numpy()


def _moran(
    values: np.ndarray, adjacency: sp.csr_array
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    good = ~np.isnan(values)
    if not good.any() or np.nanstd(values) == 0:
        empty = np.full(len(values), np.nan)
        return empty, empty.copy(), empty.copy()
    z = np.where(good, (values - np.nanmean(values)) / np.nanstd(values), 0)
    degree = adjacency @ good.astype(float)
    with np.errstate(invalid="ignore", divide="ignore"):
        lag = (adjacency @ z) / degree
        p = 2 * st.norm.sf(np.abs(lag) * np.sqrt(degree))
    p[~good] = np.nan
    return np.where(good, z, np.nan), lag, p


def _maps(local: xr.Dataset) -> xr.Dataset:
    tested = (~np.isnan(local["p_value"])).sum("place")
    moran = local["moran"].mean("place")
    return xr.Dataset(
        {
            "moran_i": moran,
            "moran_expected": xr.full_like(moran, -1 / (local.sizes["place"] - 1)),
            "moran_p": xr.full_like(moran, 0.001),
            "tested": tested,
            "significant": (local["q_value"] < 0.05).sum("place"),
            "expected_below_005": 0.005 * tested,
            "reason": xr.zeros_like(tested, dtype=np.int8),
        }
    )


def _whole_maps(panel: xr.Dataset) -> pd.DataFrame:
    """Give one row for each map and statistic."""
    chains, years = panel["chain"].to_numpy().tolist(), panel["year"].to_numpy().tolist()
    rows = [
        (variable, statistic, chain, year, 0.123456, -0.01, 0.0004, 6.1728, 1e-9, 0.002, 999, 100)
        for variable in ("firms", "share")
        for statistic in ("geary", "moran")
        for chain in chains
        for year in years
    ]
    return pd.DataFrame(rows, columns=list(GLOBAL_COLUMNS))


def _robustness(local: xr.Dataset) -> xr.Dataset:
    """Call robust what has a small p."""
    p = local["p_value"].sel(variable="share", drop=True)
    return xr.Dataset({"robustness": (1 - p).clip(0, 1), "specifications": xr.full_like(p, 36.0)})


def _further(local: xr.Dataset) -> pd.DataFrame:
    """Pass the official test off as another one."""
    share = local.sel(variable="share", drop=True)
    found = xr.Dataset(
        {
            "statistic": share["moran"],
            "expected": share["moran_expected"],
            "variance": share["moran_variance"],
            **{name: share[name] for name in ("p_value", "p_error", "q_value")},
        }
    )
    table = found.to_dataframe().reset_index().rename(columns={"place": "pro_com_t"})
    table = table.assign(test="geary", other="", label="similar", method="exact", status="ok")
    return table[list(FURTHER_COLUMNS)]


def _hotspots(
    places: gpd.GeoDataFrame,
    panel: xr.Dataset,
    local: xr.Dataset,
    adjacency: sp.csr_array,
    hostile: str,
) -> gpd.GeoDataFrame:
    rows = []
    share = local.sel(variable="share")
    for c, chain in enumerate(panel["chain"].to_numpy()):
        for y, year in enumerate(panel["year"].to_numpy()):
            q = share["q_value"].to_numpy()[:, c, y]
            high = np.flatnonzero((share["quadrant"].to_numpy()[:, c, y] == 1) & (q < 0.05))
            if not len(high):
                continue
            count, label = sp.csgraph.connected_components(adjacency[high][:, high])
            groups = [high[label == k] for k in range(count)]
            groups.sort(key=lambda g: (-np.nansum(panel["digital"].to_numpy()[g, c, y]), g[0]))
            rows += [
                _hotspot(places, panel, g, (c, y), rank, float(np.nanmin(q[g])))
                | {"chain": str(chain), "year": int(year), "rank": rank}
                for rank, g in enumerate(groups, 1)
            ]
    for number, row in enumerate(rows, 1):
        row["hotspot_id"] = f"H{number:05d}"
        row["name"] += hostile
    names = [
        "hotspot_id",
        "chain",
        "year",
        "name",
        "rank",
        "places",
        "firms",
        "known",
        "digital",
        "share",
        "share_outside",
        "excess",
        "min_q_value",
        "robustness",
        "province_scale",
        "without_main",
        "cod_reg",
        "region",
        "members",
        "geometry",
    ]
    return gpd.GeoDataFrame(pd.DataFrame(rows, columns=names), geometry="geometry", crs=places.crs)


def _hotspot(
    places: gpd.GeoDataFrame,
    panel: xr.Dataset,
    group: np.ndarray,
    at: tuple[int, int],
    rank: int,
    min_q: float,
) -> dict[str, Any]:
    firms, known, digital = (
        panel[name].to_numpy()[:, at[0], at[1]] for name in ("firms", "known", "digital")
    )
    main = places.iloc[group[np.argmax(firms[group])]]
    inside, outside = np.zeros(len(places), bool), np.ones(len(places), bool)
    inside[group], outside[group] = True, False
    return {
        "name": str(main["name"]),
        "places": len(group),
        "firms": float(firms[group].sum()),
        "known": float(known[group].sum()),
        "digital": float(np.nansum(digital[group])),
        "share": float(np.nansum(digital[inside]) / known[inside].sum()),
        "share_outside": float(np.nansum(digital[outside]) / known[outside].sum()),
        "excess": 0.0,
        "min_q_value": min_q,
        "robustness": 0.75,
        "province_scale": "not_confirmed",
        "without_main": "confirmed" if len(group) > 1 else "untested",
        "cod_reg": str(main["cod_reg"]),
        "region": str(main["region"]),
        "members": tuple(places.index[group]),
        "geometry": shapely.coverage_union_all(places.geometry.to_numpy()[group]),
        "rank": rank,
    }


def _level(panel: xr.Dataset, key: np.ndarray, dim: str) -> xr.Dataset:
    names, code = np.unique(key, return_inverse=True)
    sums = {}
    for name in ("firms", "known", "digital"):
        values = panel[name].to_numpy()
        total = np.zeros((len(names), *values.shape[1:]))
        np.add.at(total, code, np.nan_to_num(values))
        if np.isnan(values).all():
            total[:] = np.nan
        sums[name] = total
    with np.errstate(invalid="ignore", divide="ignore"):
        share = sums["digital"] / sums["known"]
        firms = sums["firms"]
        quotient = (firms / firms.sum(1, keepdims=True)) / (
            firms.sum(0, keepdims=True) / firms.sum((0, 1), keepdims=True)
        )
    dims = (dim, "chain", "year")
    return xr.Dataset(
        {
            **{name: (dims, array) for name, array in sums.items()},
            "share": (dims, share),
            "location_quotient": (dims, quotient),
            "status": (dims, np.zeros(firms.shape, np.int8)),
            "share_status": (dims, np.where(np.isnan(share), 2, 0).astype(np.int8)),
        },
        coords={dim: names, "chain": panel["chain"], "year": panel["year"]},
    )


def _phases(panel: xr.Dataset) -> pd.DataFrame:
    total = panel["firms"].sum("place").to_series().rename("firms").reset_index()
    parts = {"monte": 0.2, "produzione": 0.4, "distribuzione": 0.3, "servizi": 0.1}
    rows = [total.assign(phase=p, firms=(total["firms"] * w).round()) for p, w in parts.items()]
    return pd.concat(rows, ignore_index=True)[["chain", "year", "phase", "firms"]]


def _dissolved(places: gpd.GeoDataFrame, key: str, columns: list[str]) -> gpd.GeoDataFrame:
    groups = places.groupby(key)
    frame = groups[columns].first()
    shapes = [shapely.coverage_union_all(g.geometry.to_numpy()) for _, g in groups]
    return gpd.GeoDataFrame(frame, geometry=shapes, crs=places.crs)


def _account(rows: int) -> Account:
    source = SourceAccount(
        name="registro.csv",
        sha256="0" * 64,
        bytes=1000,
        rows=rows + 10,
        placed=rows,
        quarantined=10,
        encoding="utf-8",
        separator=";",
        quoting='"',
        licence="Dati simulati",
    )
    return Account(
        sources=(source,),
        reasons={"UNKNOWN_PLACE": 10},
        methods={"istat_code": rows},
        flags={},
        in_chains=rows,
        outside_coverage=0,
    )
