"""Neighbors as text files that GeoDa, esda and spdep read: GAL (who) and GWT (who, how much)."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd


def gal_text(links: pd.DataFrame, places: Sequence[str], *, layer: str) -> str:
    """Write neighbors in the format GAL, which has no weights.

    Parameters
    ----------
    links : DataFrame
        focal, neighbor.
    places : sequence of str
        All places in order; one without links is an isolate.
    layer : str
        Name of the layer whose column ``pro_com_t`` identifies the places.

    Returns
    -------
    str
        A header and two lines for each place.

    Examples
    --------
    >>> table = pd.DataFrame({"focal": ["a", "b"], "neighbor": ["b", "a"], "weight": [1.0, 1.0]})
    >>> print(gal_text(table, ["a", "b", "c"], layer="municipalities"))
    0 3 municipalities pro_com_t
    a 1
    b
    b 1
    a
    c 0
    <BLANKLINE>
    <BLANKLINE>
    """
    around: dict[str, list[str]] = {place: [] for place in places}
    for focal, neighbor in zip(links["focal"], links["neighbor"], strict=True):
        around[focal].append(neighbor)
    lines = [f"0 {len(around)} {layer} pro_com_t"]
    for place, neighbors in around.items():
        lines += [f"{place} {len(neighbors)}", " ".join(neighbors)]
    return "\n".join(lines) + "\n"


def gwt_text(links: pd.DataFrame, places: Sequence[str], *, layer: str) -> str:
    """Write neighbors and their weights in the format GWT, where an isolate has no line.

    Parameters
    ----------
    links : DataFrame
        focal, neighbor, weight.
    places : sequence of str
        All places.
    layer : str
        Name of the layer whose column ``pro_com_t`` identifies the places.

    Returns
    -------
    str
        A header and one line for each link.

    Examples
    --------
    >>> table = pd.DataFrame({"focal": ["a", "b"], "neighbor": ["b", "a"], "weight": [0.5, 1.0]})
    >>> print(gwt_text(table, ["a", "b"], layer="municipalities"))
    0 2 municipalities pro_com_t
    a b 0.5
    b a 1
    <BLANKLINE>
    """
    columns = (links["focal"], links["neighbor"], links["weight"])
    rows = zip(*columns, strict=True)
    lines = [f"{focal} {neighbor} {weight:.17g}" for focal, neighbor, weight in rows]
    return "\n".join([f"0 {len(places)} {layer} pro_com_t", *lines]) + "\n"
