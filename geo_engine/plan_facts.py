"""What every artefact of a study says of itself: titles, legends and notes."""

from __future__ import annotations

from geo_engine.indicators.universe_definitions import Universe
from geo_engine.plan import Plan
from geo_engine.plan_chains import membership_words, perimeter_label, uses_derived_coast
from geo_engine.plan_signals import index_versions, signal_name
from geo_engine.results import ChainInfo, Facts, UniverseInfo
from geo_engine.sources import boundaries

COAST_NOTE = (
    "Comuni costieri: ricavati dal contorno dei confini, non sono l'elenco ISTAT dei comuni "
    "litoranei"
)


def state_facts(plan: Plan, years: tuple[int, ...], universe: Universe | None = None) -> Facts:
    """Give what stands in titles, legends and notes of every artefact.

    Parameters
    ----------
    plan : Plan
        The resolved study.
    years : tuple of int
        Years with data, ascending.
    universe : Universe, optional
        Which one the results are about; the main one by default.

    Returns
    -------
    Facts
        The same for every output.
    """
    study = plan.study
    signal, signal_en = signal_name(study)
    universe = universe or plan.universes[0]
    licences = [source.licence for source in study.firms if source.licence]
    licences += [source.licence for source in study.signal_source if source.licence]
    given = [f"Totali di riferimento: {total.source}" for total in study.reference]
    coast = [COAST_NOTE] if uses_derived_coast(study, plan.chains) else []
    notes = [*dict.fromkeys(licences + given), boundaries.LICENCE, *coast, plan.population_note]
    return Facts(
        title=study.title,
        title_en=study.title_en or study.title,
        language=study.language,
        audience=study.audience,
        simulated=study.simulated,
        data_date=study.data_date.isoformat(),
        boundary_date=study.boundary_date.isoformat(),
        unit=study.unit,
        status=study.status,
        signal=signal,
        signal_en=signal_en,
        chains=chain_infos(plan),
        years=years,
        alpha=study.statistics.alpha,
        family=study.statistics.family,
        neighbors=study.statistics.neighbors,
        alternative=study.statistics.alternative,
        correction=study.statistics.correction,
        seed=study.seed,
        population_year=plan.population_year,
        coverage=_coverage_name(plan),
        coverage_en=_coverage_name(plan, "en"),
        index_versions=index_versions(study.index, years),
        basemap_tiles=study.outputs.basemap.tiles if study.outputs.basemap else "",
        basemap_attribution=study.outputs.basemap.attribution if study.outputs.basemap else "",
        is_national=study.coverage.is_national,
        perimeter=perimeter_label(plan.chains),
        perimeter_en=perimeter_label(plan.chains, "en"),
        whole_counts=plan.rule.is_whole,
        membership=membership_words(plan.rule),
        membership_en=membership_words(plan.rule, "en"),
        source_notes=tuple(notes),
        crs=study.outputs.crs,
        publisher=study.outputs.publisher,
        contact=study.outputs.contact,
        licence=study.outputs.licence,
        universe=universe.key,
        universe_label=universe.label,
        universe_label_en=universe.label_en,
        universes=tuple(
            UniverseInfo(key=each.key, label=each.label, label_en=each.label_en)
            for each in plan.universes
        ),
    )


def chain_infos(plan: Plan) -> tuple[ChainInfo, ...]:
    """Name the chains of a study.

    Parameters
    ----------
    plan : Plan
        The resolved study.

    Returns
    -------
    tuple of ChainInfo
        In the order of the panel.
    """
    return tuple(
        ChainInfo(key=chain.key, label=chain.label, label_en=chain.label_en)
        for chain in plan.chains.values()
    )


def _coverage_name(plan: Plan, language: str = "it") -> str:
    """Name the covered territory."""
    italian = language == "it"
    coverage = plan.study.coverage
    if coverage.is_national:
        return "Italia" if italian else "Italy"
    count = f"{int(plan.places['covered'].sum()):,}"
    named = [*coverage.regions, *coverage.provinces]
    if coverage.municipalities:
        own = "comuni indicati" if italian else "municipalities named"
        named.append(f"{len(coverage.municipalities)} {own}")
    said = f"{count.replace(',', '.')} comuni" if italian else f"{count} municipalities"
    return f"{', '.join(named)} ({said})"
