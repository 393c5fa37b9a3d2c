"""The few words that writers of a report add: names of tables, figures, sources."""

from __future__ import annotations

from dataclasses import dataclass

from geo_engine.words import load_report_words
from geo_engine.words.sentences import fill


@dataclass(frozen=True, kw_only=True)
class Labels:
    """Words of one language."""

    table_word: str
    figure_word: str
    source_word: str

    def table(self, number: int) -> str:
        """Name a table."""
        return fill(self.table_word, {"n": number})

    def figure(self, number: int) -> str:
        """Name a figure."""
        return fill(self.figure_word, {"n": number})

    def source(self, source: str) -> str:
        """Name a source."""
        return fill(self.source_word, {"source": source})


def labels_of(language: str) -> Labels:
    """Give the words of a language.

    Parameters
    ----------
    language : str
        ``it`` or ``en``.

    Returns
    -------
    Labels
    """
    titles = load_report_words(language)["titles"]
    return Labels(
        table_word=titles["table"], figure_word=titles["figure"], source_word=titles["source"]
    )
