"""Where a visit came from: medium, source, term, campaign, and the session mark."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from schemas.event import Medium
from schemas.referrer import Referrer, classify, host_of
from schemas.referrer_list import known_source, source_named
from schemas.site import ReferrerRule, SessionRules, Site
from tests.requirements import require

SITE = Site(
    name="Toyhouse",
    hosts=("toyhouse.example",),
    referrers=(
        ReferrerRule(host="encyclopedia.example", source="Encyclopedia"),
        ReferrerRule(host="127.0.0.1:8083", source="Encyclopedia"),
        ReferrerRule(host="pay.example", source="Pay", medium="internal"),
        ReferrerRule(host="images.google.com", source="Pictures", medium="search"),
    ),
)
PAGE = "https://toyhouse.example/p/1"


def seen(referrer: str, page: str = PAGE) -> tuple[Medium, str, str]:
    found = classify(page, referrer, SITE)
    return found.medium, found.source, found.term


@pytest.mark.parametrize(
    ("referrer", "expected"),
    [
        ("https://www.google.de/search?q=rote+Eisenbahn", ("search", "Google", "rote Eisenbahn")),
        ("https://www.google.co.uk/", ("search", "Google", "")),
        ("http://www.google.com/#q=train", ("search", "Google", "train")),
        ("https://google.evil.example/?q=x", ("referral", "google.evil.example", "")),
        ("https://www.bing.com/search?q=a", ("search", "Bing", "a")),
        ("https://r.search.yahoo.com/x?p=kites", ("search", "Yahoo", "kites")),
        ("https://yandex.ru/search/?text=%D0%BC%D1%8F%D1%87", ("search", "Yandex", "мяч")),
        ("https://www.baidu.com/s?wd=%B2", ("search", "Baidu", "\ufffd")),
        ("duckduckgo.com/?q=top", ("search", "DuckDuckGo", "top")),
        ("https://mail.google.com/", ("email", "Gmail", "")),
        ("android-app://com.google.android.gm/", ("email", "Gmail", "")),
        ("https://docs.google.com/d/1", ("referral", "Google Docs", "")),
        ("https://l.facebook.com/l.php?u=x", ("social", "Facebook", "")),
        ("https://x.com/someone", ("social", "X", "")),
        ("https://x.com/i/grok/share", ("ai", "Grok", "")),
        ("https://chatgpt.com/", ("ai", "ChatGPT", "")),
        ("https://WWW.Blog.Example./a", ("referral", "blog.example", "")),
        ("https://en.encyclopedia.example/Toy", ("referral", "Encyclopedia", "")),
        ("http://127.0.0.1:8083/Toy", ("referral", "Encyclopedia", "")),
        ("https://images.google.com/?q=toy", ("search", "Pictures", "toy")),
        ("https://toyhouse.example/", ("internal", "", "")),
        ("https://www.toyhouse.example/", ("internal", "", "")),
        ("https://nottoyhouse.example/", ("referral", "nottoyhouse.example", "")),
        ("", ("direct", "", "")),
        ("-", ("direct", "", "")),
        ("$direct", ("direct", "", "")),
        ("javascript:alert(1)", ("unknown", "", "")),
        ("http://[::1", ("unknown", "", "")),
        ("http://a b/", ("unknown", "", "")),
        ("file:///etc/passwd", ("unknown", "", "")),
    ],
)
def test_referrer_names_medium_source_and_term(
    referrer: str, expected: tuple[str, str, str]
) -> None:
    assert seen(referrer) == expected


def test_same_host_and_port_is_internal_even_where_the_site_names_no_host() -> None:
    page = "http://127.0.0.1:8082/cart"
    assert seen("http://127.0.0.1:8082/", page)[0] == "internal"
    assert seen("https://www.other.example/", "https://other.example/a")[0] == "internal"
    assert seen("https://other.example/", "https://www.other.example/a")[0] == "internal"
    assert seen("http://127.0.0.1:8084/", page) == ("referral", "127.0.0.1:8084", "")


@pytest.mark.parametrize(
    ("query", "referrer", "medium", "source", "key"),
    [
        ("utm_source=news&utm_medium=email&utm_campaign=may", "", "email", "news",
         "campaign:news/email/may"),
        ("utm_source=google&utm_medium=cpc", "https://www.google.com/", "paid", "Google",
         "campaign:google/cpc/"),
        ("utm_source=fb&utm_medium=paid_social", "", "paid", "Facebook",
         "campaign:fb/paid_social/"),
        ("utm_source=chatgpt.com", "", "ai", "ChatGPT", "campaign:chatgpt.com//"),
        ("utm_source=encyclopedia", "", "referral", "Encyclopedia", "campaign:encyclopedia//"),
        ("utm_source=poster&utm_medium=qr", "", "unknown", "poster", "campaign:poster/qr/"),
        ("utm_campaign=x", "https://www.bing.com/", "search", "Bing", "campaign://x"),
        ("gclid=abc", "https://www.google.com/", "paid", "Google", "campaign:Google/paid/"),
        ("ScCid=1", "", "paid", "Snapchat", "campaign:Snapchat/paid/"),
        ("fbclid=abc", "", "social", "Facebook", "referral:Facebook"),
        ("fbclid=abc", "https://l.instagram.com/", "social", "Instagram", "referral:Instagram"),
        ("wbraid=1&gad_source=1", "", "paid", "Google", "campaign:Google/paid/"),
        ("ransiteid=x", "https://blog.example/", "paid", "Rakuten", "campaign:Rakuten/paid/"),
        ("srsltid=x", "", "search", "Google", "referral:Google"),
        ("srsltid=x", "https://www.bing.com/", "search", "Bing", "referral:Bing"),
        ("mc_cid=7&mc_eid=abc", "", "email", "Mailchimp", "referral:Mailchimp"),
        ("mkt_tok=x&utm_source=news&utm_medium=email", "", "email", "news", "campaign:news/email/"),
        ("UTM_SOURCE=A&utm_source=b", "", "unknown", "A", "campaign:A//"),
        ("q=utm_source&gclid=", "", "direct", "", ""),
    ],
)  # fmt: skip
def test_campaign_of_the_page(
    query: str, referrer: str, medium: str, source: str, key: str
) -> None:
    found = classify(f"{PAGE}?{query}", referrer, SITE)
    assert (found.medium, found.source, found.key) == (medium, source, key)
    assert found.external == bool(key)


def test_an_override_keeps_its_name_and_the_campaign_stays_readable() -> None:
    found = classify(
        f"{PAGE}?utm_source=s&utm_medium=cpc&utm_term=t&gclid=g#utm_content=no",
        "https://encyclopedia.example/",
        SITE,
    )
    assert (found.medium, found.source) == ("referral", "Encyclopedia")
    assert (found.utm_source, found.utm_medium, found.utm_term) == ("s", "cpc", "t")
    assert (found.utm_content, found.click_id_type, found.click_id) == ("", "gclid", "g")
    assert found.key == "campaign:s/cpc/"


def test_a_payment_page_marked_internal_cuts_no_session() -> None:
    found = classify(PAGE, "https://pay.example/done", SITE)
    assert (found.medium, found.external, found.key) == ("internal", False, "")


def test_campaign_beside_the_url_fills_what_the_url_does_not_say() -> None:
    beside = {"utm_source": "a", "utm_medium": "email", "other": "x"}
    found = classify(f"{PAGE}?utm_source=b", "", SITE, beside)
    assert (found.utm_source, found.utm_medium, found.medium) == ("b", "email", "email")


def test_only_what_the_site_cuts_on_gives_a_key() -> None:
    never = Site(name="t", session=SessionRules(cut_on=()))
    assert classify(PAGE, "https://blog.example/", never).key == ""
    assert classify(f"{PAGE}?utm_source=poster", "", never) == Referrer(
        medium="unknown", source="poster", external=True, utm_source="poster"
    )
    by_referrer = Site(name="t", session=SessionRules(cut_on=("external_referrer",)))
    tagged = f"{PAGE}?utm_source=poster"
    assert classify(tagged, "https://blog.example/", by_referrer).key == "referral:poster"


@given(st.text(max_size=300), st.text(max_size=300))
def test_rubbish_never_raises(url: str, referrer: str) -> None:
    classify(url, referrer, SITE)
    classify("https://a.example/?" + url, "https://" + referrer, SITE)
    host_of(url)


def test_everything_is_bounded() -> None:
    page = f"{PAGE}?utm_source={'x' * 100_000}&utm_campaign={'&' * 100_000}"
    found = classify(page, "https://www.google.com/?q=" + "y" * 100_000, SITE)
    assert len(found.utm_source) == 256
    assert len(found.term) == 256
    assert classify(PAGE, "https://" + "a." * 50_000, SITE).medium == "unknown"


def test_host_of_a_url() -> None:
    assert host_of("https://user:pw@Shop.Example:8080/x?y") == "shop.example"
    assert host_of("http://[::1]:80/") == "[::1]"
    assert host_of("/only/a/path") == ""


def test_source_named() -> None:
    assert [source_named(text) and source_named(text).source for text in ("IG", "t.co", "?")] == [  # type: ignore[union-attr]
        "Instagram",
        "X",
        None,
    ]


Lists = Callable[[str], Iterator[tuple[str, str]]]


@pytest.fixture
def matomo() -> Lists:
    """Hosts and paths of one of Matomo's CC0 lists, beside the checkout where it is there."""
    default = Path(__file__).parents[2].parent / "shared" / "data"
    folder = Path(os.environ.get("FOOTFALL_DATA", default)) / "referers"
    if not folder.is_dir():
        require("data", f"no lists to compare with in {folder} (FOOTFALL_DATA)")

    def read(name: str) -> Iterator[tuple[str, str]]:
        lists: dict[str, list[Any]] = yaml.safe_load((folder / name).read_text(encoding="utf-8"))
        for entries in lists.values():
            for entry in entries:
                for url in entry["urls"] if isinstance(entry, dict) else [entry]:
                    text = str(url).replace(".{}", ".de").replace("{}.", "de.")
                    host, slash, path = text.removeprefix("android-app://").partition("/")
                    yield host, slash + path

    return read


@pytest.mark.parametrize(
    ("name", "medium", "share"),
    [
        ("matomo_AIAssistants.yml", "ai", 1.0),
        ("matomo_Socials.yml", "social", 0.9),
        ("matomo_SearchEngines.yml", "search", 0.75),
    ],
)
def test_our_list_covers_what_others_know(
    matomo: Lists, name: str, medium: Medium, share: float
) -> None:
    hosts = list(matomo(name))
    found = [known_source(host, path) for host, path in hosts]
    hits = sum(1 for one in found if one and one.medium == medium)
    missed = [host for (host, _), one in zip(hosts, found, strict=True) if one is None]
    assert hits / len(hosts) >= share, f"{hits} of {len(hosts)}; unknown: {missed}"
