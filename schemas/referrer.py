"""Where a visit came from: medium, source, search term and campaign of one page view.

Pure and total: rubbish never raises, it is `unknown`. The first that applies decides: the site
file's overrides; campaign parameters (utm_*) and paid click ids of the page's URL; the site's own
hosts; our list (`referrer_list.yaml`); no referrer at all; any other host.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from urllib.parse import parse_qsl, unquote_plus

import msgspec

from schemas.event import Medium
from schemas.referrer_list import KnownSource, known_source, source_named
from schemas.site import Site

MAX_URL = 4096  # characters read of a URL
MAX_TEXT = 256  # characters kept of a term or campaign field
_CACHE = 16_384

UTM_FIELDS = ("utm_source", "utm_medium", "utm_campaign", "utm_content", "utm_term")
CLICK_IDS: dict[str, tuple[str, Medium]] = {
    "gclid": ("Google", "paid"),
    "wbraid": ("Google", "paid"),
    "gbraid": ("Google", "paid"),
    "dclid": ("Google", "paid"),
    "msclkid": ("Bing", "paid"),
    "yclid": ("Yandex", "paid"),
    "ttclid": ("TikTok", "paid"),
    "twclid": ("X", "paid"),
    "li_fat_id": ("LinkedIn", "paid"),
    "epik": ("Pinterest", "paid"),
    "rdt_cid": ("Reddit", "paid"),
    "ScCid": ("Snapchat", "paid"),
    "qclid": ("Quora", "paid"),
    "ndclid": ("Nextdoor", "paid"),
    "tblci": ("Taboola", "paid"),
    "dicbo": ("Outbrain", "paid"),
    "irclickid": ("Impact", "paid"),
    "cjevent": ("CJ", "paid"),
    "awc": ("Awin", "paid"),
    "sscid": ("ShareASale", "paid"),
    "tduid": ("Tradedoubler", "paid"),
    "ranSiteID": ("Rakuten", "paid"),
    "vmcid": ("Yahoo", "paid"),
    "bd_vid": ("Baidu", "paid"),
    "rb_clickid": ("VK", "paid"),
    # Set on every link out of the network, bought or not: they name the source, not the payment.
    "fbclid": ("Facebook", "social"),
    "igshid": ("Instagram", "social"),
    "igsh": ("Instagram", "social"),
    # Results that nobody paid for, and what mail services put on every link of a letter.
    "srsltid": ("Google", "search"),
    "ysclid": ("Yandex", "search"),
    "mc_eid": ("Mailchimp", "email"),
    "_kx": ("Klaviyo", "email"),
    "_hsenc": ("HubSpot", "email"),
    "mkt_tok": ("Marketo", "email"),
}

_UTM_MEDIUM: tuple[tuple[re.Pattern[str], Medium], ...] = (
    (re.compile(r"e-?_?mail|newsletter|mailing"), "email"),
    (
        re.compile(
            r"(.*[-_ ])?(cp[cmvao]|ppc|paid.*|ads?|display|banner|retargeting|remarketing"
            r"|affiliates?|sponsored|programmatic|shopping)([-_ ].*)?"
        ),
        "paid",
    ),
    (re.compile(r"social.*|sm|organic[-_ ]social"), "social"),
    (re.compile(r"organic|search|seo"), "search"),
    (re.compile(r"ai|llm|ai[-_ ].*"), "ai"),
    (re.compile(r"referral|partner|link"), "referral"),
    (re.compile(r"\(?none\)?|direct"), "direct"),
)

_URL = re.compile(
    r"(?:[a-z][a-z0-9+.\-]*:)?//(?:[^/?#@]*@)?"
    r"(?P<host>\[[0-9a-f:.]+\]|[^/?#:\[\]@\s<>\"'%\\]+)(?::(?P<port>\d{1,5}))?(?=[/?#]|$)"
    r"(?P<path>[^?#]*)(?:\?(?P<query>[^#]*))?(?:#(?P<fragment>.*))?",
    re.IGNORECASE | re.DOTALL,
)
_BARE_HOST = re.compile(r"[a-z0-9][a-z0-9\-]*(\.[a-z0-9\-]+)+(?=[:/?#]|$)", re.IGNORECASE)
_HAS_HOST = ("http:", "https:", "android-app:", "ios-app:", "//")
_NOTHING = frozenset({"", "-", "$direct", "(direct)", "about:blank", "null", "undefined"})


class Referrer(msgspec.Struct, frozen=True, kw_only=True):
    """What one page view says about where the visitor came from."""

    medium: Medium
    source: str = ""
    term: str = ""
    external: bool = False  # names a source outside the site
    key: str = ""  # the session mark; '' where it may not cut a session
    utm_source: str = ""
    utm_medium: str = ""
    utm_campaign: str = ""
    utm_content: str = ""
    utm_term: str = ""
    click_id: str = ""
    click_id_type: str = ""


class _Origin(msgspec.Struct, frozen=True):
    """What the referrer's URL alone says."""

    medium: Medium
    source: str = ""
    term: str = ""
    netloc: str = ""  # host and port, in lower case
    overridden: bool = False  # by the site file


class _Campaign(msgspec.Struct, frozen=True):
    """What the page's URL says; fields in the order of UTM_FIELDS."""

    utm: tuple[str, ...] = ("",) * len(UTM_FIELDS)
    click_id: str = ""
    click_id_type: str = ""

    @property
    def tagged(self) -> bool:
        return any(self.utm[:3])


_NO_CAMPAIGN = _Campaign()


def classify(
    url: str, referrer: str, site: Site, campaign: Mapping[str, str] | None = None
) -> Referrer:
    """`campaign` holds utm_* that a protocol carries beside the URL; the URL's own win."""
    return _classifier(site).classify(url, referrer, campaign)


def host_of(url: str) -> str:
    """The host of a URL in lower case without its port, '' where there is none."""
    match = _URL.match(url, 0, MAX_URL)
    return match["host"].lower().rstrip(".") if match else ""


class Classifier:
    """`classify` for one site, with what it has worked out before (bounded)."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._overrides = {rule.host.lower().removeprefix("www."): rule for rule in site.referrers}
        self._own = tuple(host.lower().removeprefix("www.") for host in site.hosts)
        self._cut_on = frozenset(site.session.cut_on)
        self._named = {rule.source.lower(): rule for rule in site.referrers}
        self._origin: Callable[[str], _Origin] = lru_cache(_CACHE)(self._read_origin)
        self._plain: Callable[[_Origin], Referrer] = lru_cache(_CACHE)(self._without_campaign)

    def classify(self, url: str, referrer: str, campaign: Mapping[str, str] | None) -> Referrer:
        origin = self._origin(referrer[:MAX_URL])
        found = _campaign(url) if "?" in url or campaign else _NO_CAMPAIGN
        if campaign:
            beside = tuple(str(campaign.get(name, ""))[:MAX_TEXT] for name in UTM_FIELDS)
            utm = tuple(ours or theirs for ours, theirs in zip(found.utm, beside, strict=True))
            found = _Campaign(utm, found.click_id, found.click_id_type)
        if origin.netloc and not origin.overridden and _is_same_host(origin.netloc, url):
            origin = _Origin("internal", netloc=origin.netloc)
        if found == _NO_CAMPAIGN:
            return self._plain(origin)
        return self._with_campaign(origin, found)

    def _read_origin(self, referrer: str) -> _Origin:
        text = referrer.strip()
        if text.lower() in _NOTHING:
            return _Origin("direct")
        if _BARE_HOST.match(text):
            text = "//" + text
        match = _URL.match(text) if text.lower().startswith(_HAS_HOST) else None
        if match is None or len(match["host"]) > 253:
            return _Origin("unknown")
        host = match["host"].lower().rstrip(".")
        netloc = f"{host}:{match['port']}" if match["port"] else host
        known = known_source(host, match["path"])
        term = _term(match, known)
        for name in (netloc, *_suffixes(host)):
            if rule := self._overrides.get(name.removeprefix("www.")):
                return _Origin(rule.medium, rule.source, term, netloc, overridden=True)
        if any(host == own or host.endswith("." + own) for own in self._own):
            return _Origin("internal", netloc=netloc)
        if known:
            return _Origin(known.medium, known.source, term, netloc)
        return _Origin("referral", netloc.removeprefix("www."), "", netloc)

    def _without_campaign(self, origin: _Origin) -> Referrer:
        external = origin.medium not in ("direct", "internal") and bool(origin.source)
        cuts = external and "external_referrer" in self._cut_on
        return Referrer(
            medium=origin.medium,
            source=origin.source,
            term=origin.term,
            external=external,
            key=f"referral:{origin.source}" if cuts else "",
        )

    def _with_campaign(self, origin: _Origin, campaign: _Campaign) -> Referrer:
        medium, source = origin.medium, origin.source
        if not origin.overridden:
            medium, source = self._named_by(origin, campaign)
        paid = CLICK_IDS.get(campaign.click_id_type, ("", "unknown"))[1] == "paid"
        external = (
            campaign.tagged or paid or (medium not in ("direct", "internal") and source != "")
        )
        key = ""
        if (campaign.tagged or paid) and "campaign" in self._cut_on:
            tags = campaign.utm[:3] if campaign.tagged else (source, "paid", "")
            key = "campaign:" + "/".join(tags)
        elif external and source and "external_referrer" in self._cut_on:
            key = f"referral:{source}"
        utm = campaign.utm
        return Referrer(
            medium=medium,
            source=source,
            term=origin.term,
            external=external,
            key=key,
            utm_source=utm[0],
            utm_medium=utm[1],
            utm_campaign=utm[2],
            utm_content=utm[3],
            utm_term=utm[4],
            click_id=campaign.click_id,
            click_id_type=campaign.click_id_type,
        )

    def _named_by(self, origin: _Origin, campaign: _Campaign) -> tuple[Medium, str]:
        """Medium and source by utm, click id, and last by where the visitor came from."""
        inside = origin.medium in ("direct", "internal")
        click_source, click_medium = CLICK_IDS.get(campaign.click_id_type, ("", None))
        if not campaign.tagged and click_medium != "paid":
            if not inside or not click_medium:
                return origin.medium, origin.source  # the referrer says it more exactly
            return click_medium, click_source
        utm_source, utm_medium = campaign.utm[:2]
        named = self._named.get(utm_source.lower()) or source_named(utm_source)
        source = (named.source if named else utm_source) or click_source
        if not source and not inside:
            source = origin.source
        medium = click_medium if click_medium == "paid" else _medium_of(utm_medium)
        if medium is None and not utm_medium:
            medium = named.medium if named else click_medium
            if medium is None and not utm_source and not inside:
                medium = origin.medium
        return medium or "unknown", source


_classifiers: dict[int, tuple[Site, Classifier]] = {}


def _classifier(site: Site) -> Classifier:
    """One a site object; the site is kept beside it so that its id stays its own."""
    known = _classifiers.get(id(site))
    if known is None:
        if len(_classifiers) >= 8:
            _classifiers.clear()
        known = _classifiers[id(site)] = (site, Classifier(site))
    return known[1]


def _suffixes(host: str) -> list[str]:
    labels = host.split(".")
    return [".".join(labels[i:]) for i in range(min(len(labels), 16))]


def _is_same_host(netloc: str, url: str) -> bool:
    return netloc.removeprefix("www.") == _netloc(url).removeprefix("www.")


def _netloc(url: str) -> str:
    """Host and port of a page's URL, by slicing: this runs for every event."""
    start = url.find("//") + 2
    if start == 1:
        return ""
    end = url.find("/", start)
    return (url[start:end] if end > 0 else url[start:].split("?")[0]).lower()


def _term(match: re.Match[str], known: KnownSource | None) -> str:
    if known is None or not known.terms:
        return ""
    values = dict(reversed(_parameters(match["query"]) + _parameters(match["fragment"])))
    for name in known.terms:
        if term := values.get(name, "").strip():
            return term[:MAX_TEXT]
    return ""


def _parameters(query: str | None) -> list[tuple[str, str]]:
    if not query:
        return []
    return parse_qsl(query[:MAX_URL].replace("\x00", ""), errors="replace")


def _campaign(url: str) -> _Campaign:
    _, _, query = url[:MAX_URL].partition("?")
    return _read_query(query.partition("#")[0])


_WORTH_READING = re.compile(
    r"(?:^|&)(?:" + "|".join((*UTM_FIELDS, *CLICK_IDS)) + r")=", re.IGNORECASE
)
_CANONICAL = {name.lower(): name for name in (*UTM_FIELDS, *CLICK_IDS)}


@lru_cache(_CACHE)
def _read_query(query: str) -> _Campaign:
    if not _WORTH_READING.search(query):
        return _NO_CAMPAIGN
    values: dict[str, str] = {}
    for name, value in _parameters(query):
        canonical = _CANONICAL.get(unquote_plus(name).lower())
        if canonical and value.strip():
            values.setdefault(canonical, value.strip()[:MAX_TEXT])
    utm = tuple(values.get(name, "") for name in UTM_FIELDS)
    click_id_type = next((name for name in CLICK_IDS if name in values), "")
    return _Campaign(utm, values.get(click_id_type, ""), click_id_type)


@lru_cache(1024)
def _medium_of(utm_medium: str) -> Medium | None:
    text = utm_medium.strip().lower()
    return next((medium for pattern, medium in _UTM_MEDIUM if pattern.fullmatch(text)), None)
