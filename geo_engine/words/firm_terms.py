"""Names of what the regressions among firms compare."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from geo_engine.chains.membership import PHASES
from geo_engine.indicators.legal_forms import form_labels, legal_forms
from geo_engine.indicators.universe import size_labels
from geo_engine.results import ChainInfo
from geo_engine.words import word

AGES = 5
"""Classes of age."""
TERMS = ("size", "legal_form", "age", "chain", "phase", "population", "density")


def firm_labels(chains: Iterable[ChainInfo], language: str) -> dict[str, str]:
    """Name terms and levels.

    Parameters
    ----------
    chains : iterable of ChainInfo
        Of the study.
    language : str
        ``it`` or ``en``.

    Returns
    -------
    dict of str to str
        By the keys of a regression: "size", "size:0", "form:cooperativa", "chain:moda", ...
    """
    lang: Literal["it", "en"] = "en" if language == "en" else "it"
    terms = {term: word(lang, "firm_terms", term) for term in TERMS}
    own = {f"chain:{one.key}": one.label if lang == "it" else one.label_en for one in chains}
    sizes = {f"size:{at}": name for at, name in enumerate(size_labels(lang))}
    ages = {f"age:{at}": word(lang, "firm_ages", str(at)) for at in range(AGES)}
    forms = {
        f"form:{key}": name for key, name in zip(legal_forms(), form_labels(lang), strict=True)
    }
    phases = {f"phase:{key}": word(lang, "phases", key) for key in PHASES}
    return terms | own | sizes | ages | forms | phases
