"""The site file: every key of the contract, and every mistake with its line and what is allowed."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.site import Catalogue, Range, ReferrerRule, Site, ValueTiers
from schemas.site_file import SiteFileError, load

SHOP = Path(__file__).parents[2] / "infra" / "demo" / "shop.yaml"
HEAD = "version: 1\nsite: {name: T}\n"
DAY_MS = 86_400_000


def written(folder: Path, text: str | bytes) -> Path:
    path = folder / "shop.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def errors(folder: Path, text: str | bytes) -> list[str]:
    """Each as `line: message`."""
    path = written(folder, text)
    with pytest.raises(SiteFileError) as caught:
        load(path)
    assert str(caught.value.errors[0]).startswith(f"{path}:")
    return [f"{one.line}: {one.message}" for one in caught.value.errors]


def loaded(folder: Path, text: str) -> Site:
    return load(written(folder, HEAD + text))


def test_the_worked_example() -> None:
    site = load(SHOP)
    assert (site.name, site.hosts, site.timezone) == (
        "Toyhouse",
        ("toyhouse.example",),
        "Europe/Berlin",
    )
    assert site.allows_origin("http://127.0.0.1:8082")
    assert not site.allows_origin("https://evil.example")
    assert site.cookie.max_age_s == 395 * 86_400
    assert [(key.key, key.kind) for key in site.write_keys] == [
        ("sk_demo", "server"),
        ("pk_demo", "browser"),
    ]
    assert site.referrers == (
        ReferrerRule(host="encyclopedia.example", source="Encyclopedia"),
        ReferrerRule(host="127.0.0.1:8083", source="Encyclopedia"),
        ReferrerRule(host="localhost:8083", source="Encyclopedia"),
    )
    assert {name: funnel.per for name, funnel in site.funnels.items()} == {
        "checkout": "person",
        "homepage": "session",
        "search": "session",
    }
    funnel = site.funnels["checkout"]
    assert [step.name for step in funnel.steps] == ["product", "cart", "checkout", "order"]
    assert funnel.by == ("referrer_source", "variant", "device_class")
    assert funnel.steps[3].where == {"currency": ("EUR",)}
    scenarios = {scenario.name: scenario for scenario in site.homepage.scenarios}
    assert len(scenarios) == 9
    assert scenarios["hesitant"].when == {"segment": ("hesitant",)}
    assert list(site.segments) == [
        "hesitant",
        "regulars",
        "cuddlers",
        "from-the-encyclopedia",
    ]
    kids = scenarios["my-kids"]
    assert kids.when == {"logged_in": (True,), "profile.age": (Range(low=0, high=9),)}
    assert scenarios["members"].when["class"] == ("registered", "customer")
    assert scenarios["search-toys"].experiment == "hero"
    assert site.experiments["hero"].arms == {"search-hero": 50, "classic": 50}
    assert site.experiments["hero"].holdout == 0.1


def test_what_is_left_out_has_the_value_the_example_writes(tmp_path: Path) -> None:
    shop, bare = load(SHOP), loaded(tmp_path, "")
    assert (bare.consent, bare.session, bare.retention) == (
        shop.consent,
        shop.session,
        shop.retention,
    )
    assert (bare.cookie.name, bare.cookie.max_age_s) == (shop.cookie.name, shop.cookie.max_age_s)
    assert bare.identity_horizon_ms == shop.identity_horizon_ms
    assert bare == Site(name="T")


def test_an_empty_section_is_a_section_left_out(tmp_path: Path) -> None:
    assert loaded(tmp_path, "funnels:\nsession:\nhomepage:\n  scenarios:\n") == Site(name="T")


@pytest.mark.parametrize(
    ("written_as", "milliseconds"),
    [("90s", 90_000), ("1.5h", 5_400_000), ("30m", 1_800_000), ("1d", DAY_MS)],
)
def test_durations(tmp_path: Path, written_as: str, milliseconds: int) -> None:
    site = loaded(tmp_path, f"session: {{gap: {written_as}}}")
    assert site.session.gap_ms == milliseconds


def test_catalogue_stands_beside_the_file(tmp_path: Path) -> None:
    (tmp_path / "toys.csv").write_text("sku\n")
    site = loaded(tmp_path, "catalogue: {file: toys.csv, id: sku, reload: 1w}")
    assert site.catalogue == Catalogue(file=tmp_path / "toys.csv", id="sku", reload_s=7 * 86_400)


def test_yaml_takes_words_for_truths_times_and_numbers_but_text_stays_as_written(
    tmp_path: Path,
) -> None:
    site = loaded(
        tmp_path,
        """
funnels:
  f:
    steps:
      - name: yes
        event: 12:30
        where: {country: [NO, SE], properties.g: [true, "True"], properties.sku: [007, 1_0, 1.50]}
homepage:
  scenarios:
    - name: a
      variant: b
      when: {country: NO, logged_in: yes, language: no, utm_campaign: 2024-01-01}
    - {name: c, variant: d, when: {profile.n: [3, 0.5, "3", true, -1..1], hour: [9..17, 20]}}
""",
    )
    step = site.funnels["f"].steps[0]
    assert (step.name, step.event) == ("yes", "12:30")
    assert step.where == {
        "country": ("NO", "SE"),
        "properties.g": ("true", "True"),
        "properties.sku": ("007", "1_0", "1.50"),
    }
    first, second = site.homepage.scenarios
    assert first.when == {
        "country": ("NO",),
        "logged_in": (True,),
        "language": ("no",),
        "utm_campaign": ("2024-01-01",),
    }
    assert second.when["profile.n"] == (3, 0.5, "3", True, Range(low=-1, high=1))
    assert second.when["hour"] == (Range(low=9, high=17), 20)


def test_a_bare_yes_for_a_profile_attribute_is_asked_about(tmp_path: Path) -> None:
    text = HEAD + "homepage: {scenarios: [{name: a, variant: b, when: {profile.x: yes}}]}"
    assert errors(tmp_path, text) == [
        "3: profile.x in when: yes may mean a truth or a word; allowed: true, false, 'yes'"
    ]


def test_application_ids_stand_for_their_browser_key(tmp_path: Path) -> None:
    text = "write_keys: [{key: abcd, kind: browser, app_ids: [web, shop]}]"
    site = loaded(tmp_path, text)
    assert [site.key_of_app(name) for name in ("web", "shop", "abcd")] == [
        *(site.write_keys * 2),
        None,
    ]


def test_rates_and_tiers_of_customers(tmp_path: Path) -> None:
    text = "version: 1\nsite: {name: T, currency: EUR}\ncurrencies: {USD: 0.92, GBP: 1.17}\n"
    site = load(written(tmp_path, text + "value_tiers: {top: 5000}"))
    assert site.currencies == {"USD": Decimal("0.92"), "GBP": Decimal("1.17")}
    assert site.value_tiers == ValueTiers(top=Decimal(5000))
    wrong = text.replace("USD: 0.92", "EUR: 1, usd: 1, JPY: 0") + "value_tiers: {large: 9000}"
    assert errors(tmp_path, wrong) == [
        "3: currencies: '0' is no amount; allowed: a number above 0, such as 0.92",
        "3: currencies: 'usd' is no currency; allowed: three capitals such as EUR",
        "3: currencies: EUR is the site's own; allowed: other currencies",
        "4: value_tiers: medium 100, large 9000, top 1000; allowed: each above the one before",
    ]
    assert errors(tmp_path, HEAD + "currencies: {USD: 1}") == [
        "3: currencies: rates to which? 'site' needs 'currency'"
    ]


def test_an_alias_repeats_a_value(tmp_path: Path) -> None:
    site = loaded(
        tmp_path,
        """
funnels:
  a: {steps: &steps [{name: x, event: X}]}
  b: {steps: *steps}
""",
    )
    assert site.funnels["a"].steps == site.funnels["b"].steps


def test_all_mistakes_are_told_at_once_with_their_lines(tmp_path: Path) -> None:
    text = """\
version: 2
site: {name: T, timezone: Europe/Berlim, currency: euro}
session:
  gap: 30
  foo: 1
retention: {kafka: 7d}
homepage:
  scenarios:
    - {name: a, when: {refferer_source: X}, variant: b, experiment: c}
"""
    assert errors(tmp_path, text) == [
        "1: version: unknown version '2'; allowed: 1",
        "2: currency in site: 'euro' is no currency; allowed: three capitals such as EUR",
        "2: timezone in site: unknown timezone 'Europe/Berlim' (did you mean 'Europe/Berlin'?);"
        " allowed: IANA names such as Europe/Berlin",
        "4: gap in session: '30' is no duration; allowed: a number with ms, s, m, h, d or w,"
        " such as 30m",
        "5: unknown key 'foo' in session; allowed: gap, cut_on, lateness",
        "9: scenario 'a' needs exactly one of 'variant' and 'experiment'",
        "9: unknown condition 'refferer_source' in when (did you mean 'referrer_source'?);"
        " allowed: class, logged_in, referrer_medium, referrer_source, referrer_term, utm_source,"
        " utm_medium, utm_campaign, utm_content, utm_term, country, language, device_class,"
        " segment, lifecycle, hour, weekday, profile.<attribute>",
        "9: unknown experiment 'c'; allowed: nothing",
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("foo: 1", "unknown key 'foo'; allowed: version, site, origins"),
        ("funels: {}", "unknown key 'funels' (did you mean 'funnels'?); allowed"),
        ("consent: {mode: opt_in}", "unknown mode 'opt_in' (did you mean 'opt-in'?); allowed: opt"),
        ("consent: {honour: [gpc, gpc]}", "'gpc' stands twice"),
        ("session: {gap: 2d}", "'2d' is out of range; allowed: 1s to 1d"),
        ("session: {gap: }", "gap in session: the value is missing"),
        ("session: {gap: [30m]}", "gap in session: expected one value, not a list"),
        ("session: 30m", "session must be a mapping"),
        ("session: {gap: 1m, gap: 2m}", "key 'gap' stands twice in session, first on line 3"),
        ("identity: {join_logs: 7d}", "join_logs in identity: '7d' is not allowed; allowed: true"),
        ("identity: {horizon: 60d}", "kafka (35d) is shorter than identity.horizon (60d)"),
        ("cookie: {max_age: 2000d}", "'2000d' is out of range; allowed: 1m to 400d"),
        ("cookie: {name: 'a;b'}", "is no cookie name"),
        ("origins: [toyhouse.example]", "is no origin; allowed: https://shop.example"),
        ("origins: ['https://a.example/']", "without the '/' at its end"),
        ("origins: ['https://*.example']", "is no host"),
        ("origins: ['http://a:99999']", "no such port"),
        ("site_search: {path: search}", "'search' is no path"),
        ("site_search: {path: /s}", "site_search needs 'parameter'"),
        ("write_keys: [{key: k1}]", "no write key; allowed: 4 to 128"),
        ("write_keys: [{key: abcd, kind: server, app_ids: [web]}]", "for a browser key only"),
        (
            "write_keys:\n- {key: abcd, kind: browser, app_ids: [web]}\n"
            "- {key: efgh, kind: browser, app_ids: [web]}",
            "'web' stands twice",
        ),
        ("write_keys: [{key: abcd, kind: secret}]", "unknown kind 'secret' (did you mean 'serv"),
        ("write_keys:\n- {key: abcd, kind: server}\n- {key: abcd, kind: browser}", "stands twice"),
        ("referrers: [{host: 'https://a/', source: A}]", "is no host; allowed: a name such as"),
        ("referrers: [{host: a.example}]", "referrers needs 'source'"),
        ("referrers: [{host: a, source: A, medium: mail}]", "unknown medium 'mail' (did you mean"),
        ("catalogue: {file: none.csv, id: sku}", "there is no file"),
        ("funnels: {a: {}}", "funnels.a needs 'steps'"),
        ("funnels: {'a:b': {steps: [{name: x, event: X}]}}", "'a:b' is no name"),
        ("funnels: {a: {steps: []}}", "has 0 steps; allowed: 1 to 16"),
        ("funnels: {a: {steps: [{name: x}]}}", "needs 'page' or 'event'"),
        ("funnels: {a: {steps: [{event: x}]}}", "funnels.a.steps needs 'name'"),
        ("funnels: {a: {steps: [{name: x, page: p}]}}", "'p' is no page; allowed"),
        ("funnels: {a: {steps: [{name: x, event: X, without: Y}]}}", "the first step in"),
        (
            "funnels: {a: {order: any, steps: [{name: x, event: X}, "
            "{name: y, event: Y, without: Z}]}}",
            "'without' means nothing where the order is any",
        ),
        ("funnels: {a: {by: [reff], steps: [{name: x, event: X}]}}", "unknown field 'reff'"),
        ("funnels: {a: {by: person_id, steps: [{name: x, event: X}]}}", "field 'person_id'"),
        ("funnels: {a: {steps: [{name: x, event: X, where: {curency: 1}}]}}",
         "unknown field 'curency' (did you mean 'currency'?)"),
        ("funnels: {a: {steps: [{name: x, event: X, where: {currency: [[1]]}}]}}",
         "where in funnels.a.steps: expected one value, not a list"),
        ("funnels: {a: {steps: [{name: x, event: X}, {name: x, event: Y}]}}", "'x' stands twice"),
        ("homepage: {scenarios: [{name: a}]}", "needs exactly one of 'variant' and 'experiment'"),
        ("homepage: {scenarios: [{name: default, variant: b}]}", "where none matches"),
        ("homepage: {scenarios: [{name: a, variant: b, picks: -1}]}", "a whole number 0 to 100"),
        ("homepage: {scenarios: [{name: a, variant: b, when: {class: new}}]}",
         "unknown class 'new'; allowed: first-time, returning"),
        ("homepage: {scenarios: [{name: a, variant: b, when: {hour: 9..25}}]}", "allowed: 0..23"),
        ("homepage: {scenarios: [{name: a, variant: b, when: {profile.age: 9..0}}]}",
         "'9..0' is upside down; allowed: 0..9"),
        ("homepage: {scenarios: [{name: a, variant: b, when: {country: Germany}}]}",
         "'Germany' is no country"),
        ("homepage: {scenarios: [{name: a, variant: b, when: {logged_in: maybe}}]}",
         "allowed: true, false"),
        ("experiments: {e: {}}", "experiments.e needs 'arms'"),
        ("experiments: {e: {arms: {a: 0}}}", "'a': '0' is no weight; allowed: a number above 0"),
        ("experiments: {e: {arms: {}}}", "there are none; allowed: at least one"),
        ("experiments: {e: {arms: {a: 1}, holdout: 10}}", "'10' is out of range; allowed: 0% to"),
        ("experiments: {e: {arms: {holdout: 1}}}", "the hold-out's own name"),
        ("experiments: {e: {arms: {a: 1}, within: 1d}}", "'within' needs 'goal'"),
        ("experiments: {e: {arms: {a: 1}, group: g}}", "is in a group: it needs 'share'"),
        (
            "experiments: {e: {arms: {a: 1}, group: g, share: 60%},"
            " f: {arms: {a: 1}, group: g, share: 41%}}",
            "experiments.f: the shares of group 'g' add up to 1.01; allowed: 100% at most",
        ),
        ("experiments: {e: {arms: {a: 1}, floor: 1%}}", "'floor' is for allocation: thompson"),
        ("experiments: {e: {arms: {a: 1}, delay: 1h}}", "'delay' is for allocation: thompson"),
        ("experiments: {e: {arms: {a: 1}, allocation: thompson}}", "thompson needs 'goal'"),
        (
            "experiments: {e: {arms: {a: 1, b: 1, c: 1}, allocation: thompson, goal: X,"
            " floor: 40%}}",
            "a floor of 0.4 for 3 arms is more than there is; allowed: 0.3333 at most",
        ),
        (
            "experiments: {e: {arms: {a: 1}, allocation: thompson, goal: X, delay: 3d}}",
            "'3d' is out of range; allowed: 1m to 2d",
        ),
        ("site: {name: A}", "key 'site' stands twice, first on line 2"),
        ("'': [", "not YAML"),
        ("a: !!python/object:os.system x", "YAML tag 'tag:yaml.org,2002:python/object:os.system'"),
        ("a: !!str 1", "YAML tag"),
        ("a: " + "[" * 5000, "nested more than 20 deep"),
        ("a: &a [*a]", "aliases that repeat themselves"),
        ("? {a: b}\n: c", "a key in the file must be a single word"),
        ("<<: {a: b}", "unknown key '<<'"),
        ("a: \x01", "a character that YAML does not allow"),
        ("--- a\n--- b", "not YAML"),
    ],
)  # fmt: skip
def test_a_mistake_says_what_is_allowed(tmp_path: Path, text: str, message: str) -> None:
    found = errors(tmp_path, HEAD + text)
    assert any(message in one for one in found), found


def test_files_that_are_none(tmp_path: Path) -> None:
    assert errors(tmp_path, "")[0].startswith("1: the file is empty")
    assert errors(tmp_path, "- a")[0] == "1: the file must be a mapping of keys to values"
    assert errors(tmp_path, b"version: 1\nx: \xff") == ["2: not UTF-8"]
    assert errors(tmp_path, b"#" * 2_000_000) == ["1: larger than 1024 KB"]
    with pytest.raises(SiteFileError, match=r"none\.yaml:1: cannot be read: No such file"):
        load(tmp_path / "none.yaml")


def test_aliases_of_aliases_are_bounded(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 10)]
    assert errors(tmp_path, "\n".join(lines)) == ["1: aliases that repeat themselves"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300)
@given(st.one_of(st.binary(max_size=200), st.text(max_size=200).map(str.encode)))
def test_rubbish_is_an_error_of_ours(tmp_path: Path, rubbish: bytes) -> None:
    with pytest.raises(SiteFileError):
        load(written(tmp_path, rubbish))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300)
@given(st.data())
def test_a_damaged_example_loads_or_is_an_error_of_ours(
    tmp_path: Path, data: st.DataObject
) -> None:
    text = SHOP.read_text(encoding="utf-8")
    text = text[text.index("version: 1") :]
    start = data.draw(st.integers(0, len(text)))
    length = data.draw(st.integers(0, 20))
    piece = data.draw(st.text(alphabet=st.sampled_from("{}[]:,-*&!|>%@`'\"\n\t ab01."), max_size=5))
    try:
        load(written(tmp_path, text[:start] + piece + text[start + length :]))
    except SiteFileError as error:
        assert error.errors  # noqa: PT017
