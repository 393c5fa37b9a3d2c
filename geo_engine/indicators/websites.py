"""Websites: is a text the address of a firm's own site."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

OWN, NOT_OWN, UNCLEAR = 1, 0, -1

_LISTS: dict[str, list[str]] = tomllib.loads(
    Path(__file__).with_name("websites.toml").read_text(encoding="utf-8")
)
ABSENT = frozenset(_LISTS["absent"])
"""Ways of writing that there is no website."""
ABSENT_PHRASES = tuple(_LISTS["absent_phrases"])
"""Beginnings of sentences that say there is no website, or none yet."""
SOCIAL_NAMES = frozenset(_LISTS["social_names"])
OTHERS = frozenset([*_LISTS["social"], *_LISTS["directories"]])
"""Hosts where a page is not a website of its own."""
MAIL_HOSTS = frozenset(_LISTS["mail_hosts"])
"""Home pages of mail providers, which stand for a mutilated e-mail address."""
GENERIC_DOMAINS = frozenset(_LISTS["domains"])
"""Domains of more than two letters believed without a scheme or www before them."""
LONGEST_DOMAIN = 14

_WWW_TYPO = re.compile(r"\bw{2,4}\s*[.,;:]+\s*")
_SCHEME = re.compile(r"^(?:h[a-z]{2,5}:[:/\\]*|[a-z]{2,6}:[/\\]{1,2}|ht{1,2}ps?[/\\]{1,2}|[/\\]+)")
_LABEL = r"[^\W_](?:[\w-]*[^\W_])?"
_HOST = re.compile(rf"^(?:{_LABEL}\.)+(?P<domain>[^\W\d_]{{2,}}|xn--[a-z0-9-]+)$")
_PATH = re.compile(r"[/?#\\]")
_PORT = re.compile(r":\d*$")
_DOTS = re.compile(r"\.{2,}")
_PLAIN = r"(?:https?://)?(?:www\.)?[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.(?:it|com|eu|net|org)/?"
"""Addresses of a domain alone, most of those in a register: looked up all at once."""
_BEFORE_HOST = r"^(?:https?://)?(?:www\.)?"
_PLAIN_ODD = r"^(?:maps|w{2,4})\."
_SEPARATORS = re.compile(r"[\s,;|<>()\"]+")


def own_domains(texts: pd.Series) -> npt.NDArray[np.bool_]:
    """Tell which texts are plainly the address of a domain of the firm's own.

    Parameters
    ----------
    texts : Series of str
        As written.

    Returns
    -------
    array of bool
        True only where :func:`website_value` gives 1; what is False needs to be read by it.
    """
    tidy = texts.str.strip().str.lower()
    plain = tidy.str.fullmatch(_PLAIN).fillna(value=False).to_numpy(bool).copy()
    hosts = tidy[plain].str.replace(_BEFORE_HOST, "", regex=True).str.removesuffix("/")
    others = hosts.isin(OTHERS | MAIL_HOSTS) | hosts.str.contains(_PLAIN_ODD)
    plain[plain] = ~others.to_numpy(bool)
    return plain


def website_value(text: str) -> int:
    """Tell whether a text gives a website of the firm's own.

    A site on a builder's or Google Sites' address counts; a page on a social network or in a
    directory, an e-mail address, and a declared absence do not. Common slips are forgiven
    (``www,azienda.it``, ``htps://azienda.it``, two sites in one field). A text that is neither an
    address nor a known way to say no stays unknown.

    Parameters
    ----------
    text : str
        Lower case, without outer spaces, not empty.

    Returns
    -------
    int
        1 a site, 0 none, -1 cannot be told.
    """
    if text in ABSENT:
        return NOT_OWN
    tokens = [token for token in _SEPARATORS.split(_WWW_TYPO.sub("www.", text)) if token]
    verdicts = {_address_value(token) for token in tokens}
    if OWN in verdicts:
        return OWN
    if NOT_OWN in verdicts or text.startswith(ABSENT_PHRASES):
        return NOT_OWN
    return UNCLEAR


def _address_value(token: str) -> int:
    """Judge one word: an own site, an address of another kind, or no address."""
    address = _SCHEME.sub("", token)
    host = _PATH.split(address, maxsplit=1)[0]
    if "@" in host:
        return NOT_OWN
    marked = address != token or host.startswith("www.")
    host = _PORT.sub("", _DOTS.sub(".", host)).removeprefix("www.").strip(".")
    if host in SOCIAL_NAMES:
        return NOT_OWN
    match = _HOST.match(host)
    if match is None or not _is_believable(match["domain"], marked=marked):
        return UNCLEAR
    return NOT_OWN if _belongs_to_others(host) else OWN


def _is_believable(domain: str, *, marked: bool) -> bool:
    """Tell a domain from the end of a word; a scheme or www makes any short one believable."""
    if len(domain) == 2 or domain in GENERIC_DOMAINS or domain.startswith("xn--"):
        return True
    return marked and len(domain) <= LONGEST_DOMAIN


def _belongs_to_others(host: str) -> bool:
    """Tell pages on other people's sites; a site made with Google Sites is one's own."""
    if host == "sites.google.com":
        return False
    if host in MAIL_HOSTS or host.startswith("maps."):
        return True
    labels = host.split(".")
    return any(".".join(labels[i:]) in OTHERS for i in range(len(labels) - 1))
