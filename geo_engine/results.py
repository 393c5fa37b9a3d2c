"""Results: all that a study found, one field per stage, frozen."""

from __future__ import annotations

from dataclasses import dataclass, field

import geopandas as gpd
import pandas as pd
import xarray as xr

from geo_engine.indicators.registry import Indicator
from geo_engine.territory_comparison import SIMILAR_COLUMNS, PriorityRule
from geo_engine.territory_composite import CompositeFound
from geo_engine.territory_zones import ZonePanel

NEIGHBOR_COLUMNS = ("focal", "neighbor")


@dataclass(frozen=True, kw_only=True)
class SourceAccount:
    """What became of the records of one input file; rows = placed + quarantined."""

    name: str
    """File name, without its folder."""
    sha256: str
    bytes: int
    rows: int
    """Records in the file, counted independently of the reader."""
    placed: int
    quarantined: int
    encoding: str = ""
    separator: str = ""
    quoting: str = ""
    licence: str = ""


@dataclass(frozen=True, kw_only=True)
class Account:
    """Every record of every input: where it went and how."""

    sources: tuple[SourceAccount, ...]
    reasons: dict[str, int]
    """Quarantined rows by reason."""
    methods: dict[str, int]
    """Placed rows by method (coordinates, istat_code, cadastral_code, name, snapped, ...)."""
    flags: dict[str, int]
    """Placed rows by flag (SNAPPED, DECLARED_DIFFERS, REPAIRED_CODE, ...)."""
    in_chains: int
    """Placed rows in at least one studied chain."""
    outside_coverage: int
    """Placed rows outside the declared coverage."""

    @property
    def rows(self) -> int:
        """Records in all inputs."""
        return sum(source.rows for source in self.sources)

    @property
    def placed(self) -> int:
        """Records placed in a municipality."""
        return sum(source.placed for source in self.sources)

    @property
    def quarantined(self) -> int:
        """Records set aside with a reason."""
        return sum(source.quarantined for source in self.sources)


@dataclass(frozen=True, kw_only=True)
class ChainInfo:
    """A studied supply chain as outputs name it."""

    key: str
    label: str
    label_en: str


@dataclass(frozen=True, kw_only=True)
class UniverseInfo:
    """A universe of enterprises as outputs name it."""

    key: str
    label: str
    label_en: str


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What stands in titles, legends and notes of every artefact."""

    title: str
    title_en: str
    language: str
    audience: str
    """``public`` or ``internal``."""
    simulated: bool
    data_date: str
    """ISO date of the data; artefacts carry no other date."""
    boundary_date: str
    unit: str
    """``impresa``, ``sede`` or ``unita_locale``."""
    status: str
    """``registrata`` or ``attiva``."""
    signal: str
    """Name of the digital signal in Italian, "" when none was surveyed."""
    signal_en: str
    chains: tuple[ChainInfo, ...]
    years: tuple[int, ...]
    alpha: float
    family: str
    """``map``, ``year`` or ``panel``: which q-value decides."""
    alternative: str = field(default="two-sided", kw_only=True)
    """``two-sided``, ``greater`` or ``less``: which neighborhoods are looked for."""
    correction: str = field(default="bh", kw_only=True)
    """``bh`` or ``by``: how q-values are made of p-values."""
    neighbors: str
    seed: int
    population_year: int
    coverage: str
    """Name of the covered territory in Italian ("Italia" when whole)."""
    is_national: bool
    perimeter: str
    """Version of the chain definitions and perimeter: ``2025.1, largo``."""
    source_notes: tuple[str, ...]
    """Source and licence of each input and of the boundaries."""
    crs: str = field(default="EPSG:32632", kw_only=True)
    """Reference system of the layers for a GIS."""
    publisher: str = field(default="", kw_only=True)
    """Who answers for the data, in metadata records; "" where the study does not say."""
    contact: str = field(default="", kw_only=True)
    """E-mail address of the publisher."""
    licence: str = field(default="", kw_only=True)
    """Under which the results are published, "" where the study does not say."""
    perimeter_en: str = field(default="", kw_only=True)
    membership: str = field(default="", kw_only=True)
    """How much of a firm each of its chains has, in Italian; "" where a firm counts 1 in each."""
    membership_en: str = field(default="", kw_only=True)
    whole_counts: bool = field(default=True, kw_only=True)
    """False where firms are divided among chains, so that counts have decimals."""
    coverage_en: str = field(default="", kw_only=True)
    """Name of the covered territory in English."""
    index_versions: tuple[int, ...] = field(default=(), kw_only=True)
    """Version of the Digital Intensity Index of each year; () where all years have one measure."""
    basemap_tiles: str = field(default="", kw_only=True)
    """Address of the tiles that the atlas may fetch when its reader asks; "" for none."""
    basemap_attribution: str = field(default="", kw_only=True)
    universe: str = field(default="tutte", kw_only=True)
    """Key of the universe that the results are about."""
    universe_label: str = field(default="tutte le imprese", kw_only=True)
    """Its name in Italian."""
    universe_label_en: str = field(default="all enterprises", kw_only=True)
    universes: tuple[UniverseInfo, ...] = field(default=(), kw_only=True)
    """All universes of the study, the main one first; results of each stand apart."""

    @property
    def names_universe(self) -> bool:
        """Tell whether titles must name the universe: it is not all firms, or not the only one."""
        return self.universe != "tutte" or len(self.universes) > 1

    def titled(self, language: str = "it") -> str:
        """Give the title with the universe: ``Imprese digitali - PMI (10-249)``.

        Parameters
        ----------
        language : {"it", "en"}
            Of the title.

        Returns
        -------
        str
            The bare title where the study asks for all firms only.
        """
        english = language == "en"
        title = self.title_en if english else self.title
        label = self.universe_label_en if english else self.universe_label
        return f"{title} - {label}" if self.names_universe else title


@dataclass(frozen=True, kw_only=True)
class Models:
    """What goes with digitalization, never what causes it; each empty unless the study asks."""

    places: pd.DataFrame = field(default_factory=pd.DataFrame)
    """Regressions on municipalities: chain, model, part (coefficient, impact, diagnostic), name,
    value, standard_error, low, high, p_value, places."""
    local: pd.DataFrame = field(default_factory=pd.DataFrame)
    """Local coefficients: chain and the columns of ``drivers.local_table``."""
    firms: pd.DataFrame = field(default_factory=pd.DataFrame)
    """Regressions among single firms: chain ("" for all together) and
    ``drivers.firm_logit.FIRM_TERM_COLUMNS``."""
    survey: pd.DataFrame = field(default_factory=pd.DataFrame)
    """What firms say: question, answer, cell and ``drivers.survey.FIGURE_COLUMNS``."""
    readings: pd.DataFrame = field(default_factory=pd.DataFrame)
    """subject (places, firms, survey), chain ("" for all), it, en: one sentence each, in order."""


@dataclass(frozen=True, kw_only=True)
class Results:
    """All that a study found.

    Arrays share the coordinates ``place`` (``pro_com_t``), ``chain`` (key) and ``year``; those of
    ``local`` and ``maps`` begin with ``variable`` ("firms", "share" and, where tested, "residual").
    """

    facts: Facts
    account: Account
    quarantine: pd.DataFrame
    """Columns ``tables.QUARANTINE_COLUMNS``."""
    places: gpd.GeoDataFrame
    """``tables.PLACE_COLUMNS`` and ``population`` (persons), ``covered`` and ``edge`` (bool)."""
    provinces: gpd.GeoDataFrame
    """Indexed by cod_prov: province, sigla, cod_reg, region, geometry."""
    regions: gpd.GeoDataFrame
    """Indexed by cod_reg: region, geometry."""
    panel: xr.Dataset
    """(place, chain, year): every variable of ``registry`` (float64, NaN missing); status and
    share_status (int8, codes of ``tables.STATUSES``), specialized (int8: -1, 0, 1) and
    need_quadrant (int8, code of ``priorities.NEED_QUADRANTS``)."""
    province_panel: xr.Dataset
    """(province, chain, year): the same without what borrows from other places (share_eb,
    reliability, mean_score_eb, digital_gap, need_quadrant, composite); enterprises distinct at this
    level, but for phases, persons and scores, which are added up from the places."""
    region_panel: xr.Dataset
    """(region, chain, year): the same."""
    country_panel: xr.Dataset
    """(chain, year): the same; NaN unless the whole country is covered or given."""
    phases: pd.DataFrame
    """Long: chain, year, phase, firms, over the covered territory."""
    registry: dict[str, Indicator] = field(default_factory=dict)
    """What each variable of ``panel`` is, in order; those of the study included."""
    all_firms: xr.DataArray = field(default_factory=xr.DataArray)
    """(place, year): firms whatever their chain; NaN where not covered."""
    zones: dict[str, ZonePanel] = field(default_factory=dict)
    """By geography: macro_area, nuts1, nuts2 and those of the study."""
    composite: CompositeFound | None = None
    """The composite index, None without."""
    benchmarks: xr.Dataset = field(default_factory=xr.Dataset)
    """(benchmark, place, chain), latest year; benchmark is province, region, country (where all of
    it is covered), similar: reference, reference_low, reference_high, difference, difference_low,
    difference_high (shares, 0.01 is one point), side (int8), reference_firms (known signal);
    firms_per_1000_reference and firms_per_1000_difference (firms per 1,000 residents)."""
    similar: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=SIMILAR_COLUMNS))
    """pro_com_t, order (1 the nearest), neighbor, distance (standard deviations); the attribute
    ``features`` names what was compared."""
    priorities: pd.DataFrame = field(default_factory=pd.DataFrame)
    """Latest year: pro_com_t, chain, year, priority (``priorities.PRIORITIES``), order, firms,
    location_quotient, location_quotient_low, share, share_low, share_high (smoothed), reference,
    digital_gap, firms_to_reach, trend (int8), growth, need_quadrant (word)."""
    priority_rule: PriorityRule = field(
        default_factory=lambda: PriorityRule(target=None, least_firms=10)
    )
    """By which rule, in words: ``italian``, ``english``."""
    phase_shares: xr.Dataset = field(default_factory=xr.Dataset)
    """(place, chain, phase), latest year: firms, phase_share, phase_share_low, phase_share_high."""
    concentration: pd.DataFrame = field(default_factory=pd.DataFrame)
    """``territory_concentration.CONCENTRATION_COLUMNS``: chain, year, firms, gini, herfindahl,
    effective_places, theil, theil_between and theil_within (regions), between_share,
    ellison_glaeser, ellison_glaeser_p, plants (addetti or imprese: what the last two count)."""
    graph_summary: dict[str, object]
    """Links, components, isolates, histogram of neighbors."""
    neighbors: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=NEIGHBOR_COLUMNS))
    """Who is a neighbor of whom among the covered places: focal, neighbor (``pro_com_t``), and the
    weight of the link."""
    local: xr.Dataset
    """(variable, place, chain, year): moran, gi, gi_star with their expected values and variances,
    lag, p_value, q_value, q_value_year, q_value_panel, p_error (float64), quadrant, method, status
    (int8)."""
    maps: xr.Dataset
    """(variable, chain, year): moran_i, moran_expected, moran_p, tested (places with a p),
    significant (q below alpha), expected_below_005 (places that chance leaves at p < 0.005),
    observed, positive (places), firms, reason (code of ``space.REASONS``: why not tested)."""
    whole_maps: pd.DataFrame = field(default_factory=pd.DataFrame)
    """Moran, Geary and Getis-Ord of each map; columns ``inference.GLOBAL_COLUMNS``."""
    robustness: xr.Dataset = field(default_factory=xr.Dataset)
    """(place, chain, year): robustness (0 to 1), specifications (how many could be tested)."""
    further: pd.DataFrame = field(default_factory=pd.DataFrame)
    """Long: further local tests of shares; columns ``further_tests.FURTHER_COLUMNS``."""
    hotspots: gpd.GeoDataFrame
    """One row per hotspot: hotspot_id, chain, year, name, rank, places (count), firms, known,
    digital, share, share_outside, min_q_value, robustness (0 to 1), province_scale and
    without_main (``tables.CHECKED``), cod_reg, region, members (tuple of pro_com_t), geometry."""
    change: xr.Dataset
    """(place, chain): first_year, last_year, firms_change, share_change, low, high, p_value,
    direction (int8: -1, 0, 1), status, series_break (bool: what breaks is NaN)."""
    drivers: pd.DataFrame = field(default_factory=pd.DataFrame)
    """Associations, never causes: chain, term, coefficient (percentage points per doubling),
    standard_error, p_value, places."""
    models: Models = field(default_factory=Models)
    """Regressions and survey of the study."""
    quality: pd.DataFrame = field(default_factory=pd.DataFrame)
    """Input doctor: column, rows, filled, share_filled, distinct (approximate), kind."""
    universes: pd.DataFrame = field(default_factory=pd.DataFrame)
    """How many firms each universe holds, by year: year, universe, label, inside, outside,
    undecided, by_persons, note (Italian); of all universes of the study."""
    signal_matches: pd.DataFrame = field(default_factory=pd.DataFrame)
    """Firms found in the signal sources: source, label, dimension (year, chain, size, province),
    group, firms, matched, unmatched, without_key, rate, label_en."""
    match_notes: tuple[str, ...] = field(default=())
    """One paragraph in Italian for each signal source."""
    signal_coverage: pd.DataFrame = field(default_factory=pd.DataFrame)
    """Of which firms each signal is known: signal, label, dimension (year, legal_form, size),
    group, firms, known, yes, coverage, share, share_low, share_high, label_en."""
    index_levels: pd.DataFrame = field(default_factory=pd.DataFrame)
    """Firms by level of the index: dimension (year, legal_form, size), group, level, label,
    firms; the level "" is unknown."""
    series_breaks: pd.DataFrame = field(default_factory=pd.DataFrame)
    """Where an indicator of a chain cannot be followed from a year to the next, and why; columns
    ``chains.breaks.COLUMNS``."""
    warnings: tuple[str, ...] = field(default=())
    """Sentences in Italian that stand on every artefact."""
