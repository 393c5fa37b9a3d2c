"""Is a text the address of a firm's own website?"""

from __future__ import annotations

import re

OWN, NOT_OWN, UNCLEAR = 1, 0, -1

ABSENT = frozenset(
    ("-", "--", "---", "/", ".", "x", "0", "no", "n", "n/a", "na", "n.a.", "n.a", "none", "nil")
    + ("assente", "assenti", "nessuno", "nessuna", "non presente", "non ha", "mancante", "niente")
    + ("non esiste", "non c'è", "senza", "false", "falso")
)
"""Ways of writing that there is no website."""
ABSENT_PHRASES = (
    ("nessun sito", "senza sito", "non disponibile", "non presente", "non attivo", "non ancora")
    + ("non esiste", "non ha ", "non possiede", "in costruzione", "sito in ", "in corso")
    + ("in fase", "in allestimento", "in lavorazione", "in sviluppo", "in preparazione")
    + ("in aggiornamento", "under construction", "coming soon", "work in progress")
)
"""Beginnings of sentences that say there is no website, or none yet."""
SOCIAL = (
    ("facebook.com", "fb.com", "fb.me", "fb.watch", "instagram.com", "instagr.am", "linkedin.com")
    + ("lnkd.in", "twitter.com", "x.com", "youtube.com", "youtu.be", "tiktok.com", "wa.me", "t.me")
    + ("whatsapp.com", "telegram.me", "telegram.org", "linktr.ee", "pinterest.com", "pinterest.it")
    + ("threads.net", "threads.com", "snapchat.com", "vk.com", "bio.link", "beacons.ai", "lnk.bio")
    + ("taplink.cc", "discord.gg", "discord.com", "twitch.tv", "vimeo.com", "flickr.com")
)
"""Social networks and pages of links: a page there is not a website of its own."""
DIRECTORIES = (
    ("paginegialle.it", "paginebianche.it", "pgcasa.it", "registroimprese.it", "europages.it")
    + ("europages.com", "kompass.com", "virgilio.it", "tripadvisor.it", "tripadvisor.com")
    + ("trovaprezzi.it", "infobel.com", "misterimprese.it", "reteimprese.it", "tuttocitta.it")
    + ("g.page", "goo.gl", "google.com", "google.it", "forms.gle", "booking.com", "airbnb.it")
    + ("airbnb.com", "subito.it", "ebay.it", "amazon.it", "amazon.com", "apps.apple.com")
)
"""Directories, market places and search engines; Google Sites is excepted below."""
MAIL_HOSTS = frozenset(
    ("gmail.com", "hotmail.com", "hotmail.it", "outlook.com", "outlook.it", "yahoo.com", "yahoo.it")
    + ("libero.it", "tiscali.it", "alice.it", "tin.it", "pec.it", "legalmail.it", "aruba.it")
    + ("arubapec.it", "icloud.com", "live.it", "fastwebnet.it", "tim.it", "postecert.it")
)
"""Home pages of mail providers, which stand for a mutilated e-mail address."""
GENERIC_DOMAINS = frozenset(
    ("com", "net", "org", "info", "biz", "name", "pro", "mobi", "online", "site", "website", "web")
    + ("shop", "store", "app", "dev", "cloud", "tech", "digital", "agency", "studio", "company")
    + ("group", "global", "world", "life", "live", "blog", "news", "media", "design", "art", "care")
    + ("email", "solutions", "services", "systems", "network", "software", "academy", "training")
    + ("consulting", "finance", "capital", "energy", "health", "bio", "eco", "green", "farm", "food")
    + ("wine", "restaurant", "travel", "tours", "hotel", "house", "homes", "estate", "immo", "srl")
    + ("casa", "fashion", "moda", "style", "shoes", "beauty", "fit", "fitness", "yoga", "sport")
    + ("games", "game", "fun", "club", "team", "social", "community", "foundation", "xyz", "one")
    + ("top", "vip", "work", "works", "expert", "ventures", "partners", "holdings", "legal", "law")
    + ("tax", "clinic", "dental", "vet", "pet", "auto", "cars", "bike", "taxi", "space", "earth")
    + ("city", "zone", "today", "center", "centre", "institute", "university", "school", "education")
    + ("science", "engineering", "industries", "supply", "tools", "equipment", "parts", "market")
    + ("trade", "trading", "business", "enterprises", "international", "photo", "photos", "pics")
    + ("photography", "gallery", "film", "video", "music", "audio", "theater", "events", "party")
    + ("wedding", "jewelry", "gifts", "toys", "kids", "mba", "ltd", "llc", "inc", "gmbh", "coop")
    + ("aero", "museum", "jobs", "travel", "cat", "asia", "eus", "gal", "ink", "wiki", "plus", "run")
    + ("guru", "ninja", "rocks", "cool", "land", "garden", "build", "builders", "construction")
    + ("delivery", "express", "direct", "host", "hosting", "page", "link", "click", "codes", "tech")
    + ("financial", "fund", "investments", "insurance", "money", "credit", "gold", "green", "ooo")
    + ("vision", "technology", "computer", "marketing", "productions", "ski", "surf", "beer", "pizza")
    + ("cafe", "coffee", "bar", "catering", "kitchen", "organic", "bet", "cash", "chat", "love")
)
"""Domains of more than two letters believed without a scheme or www before them."""
LONGEST_DOMAIN = 14

_WWW_TYPO = re.compile(r"\bw{2,4}\s*[.,;:]+\s*")
_SCHEME = re.compile(r"^(?:h[a-z]{2,5}:[:/\\]*|[a-z]{2,6}:[/\\]{1,2}|ht{1,2}ps?[/\\]{1,2}|[/\\]+)")
_LABEL = r"[^\W_](?:[\w-]*[^\W_])?"
_HOST = re.compile(rf"^(?:{_LABEL}\.)+(?P<domain>[^\W\d_]{{2,}}|xn--[a-z0-9-]+)$")
_SEPARATORS = re.compile(r"[\s,;|<>()\"]+")


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
    host = re.split(r"[/?#\\]", address, maxsplit=1)[0]
    if "@" in host:
        return NOT_OWN
    marked = address != token or host.startswith("www.")
    host = re.sub(r":\d*$", "", re.sub(r"\.{2,}", ".", host)).removeprefix("www.").strip(".")
    if host in ("facebook", "instagram", "linkedin", "tiktok", "twitter", "youtube", "whatsapp"):
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
    return any(host == name or host.endswith("." + name) for name in SOCIAL + DIRECTORIES)
