"""identity: how persons, devices and logins hang together; with a truth file, how truly."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal
from zoneinfo import ZoneInfo

from clickhouse_driver import Client

from infra.reports.agreement import Agreement
from infra.reports.evidence import Evidences
from infra.reports.identity import Comparison, Groups, IdentityComparison
from infra.reports.intervals import MIN_N
from infra.reports.report import Column, Picture, Report, Row, local_time
from schemas.site import Site

_QUERY = """
SELECT about, what, count
FROM report_identity(
    since = fromUnixTimestamp64Milli({since:Int64}, 'UTC'),
    until = fromUnixTimestamp64Milli({until:Int64}, 'UTC')
)
"""
_ABOUT = (
    "events by",
    "identifiers a person",
    "devices a person",
    "logins a person",
    "logins a device",
    "links by",
    "suspicious",
)
_COLUMNS = (
    Column(name="about", kind="text", what="What is counted"),
    Column(name="what", kind="text", what="Which of these"),
    Column(name="count", what="How many"),
    Column(name="of", what="Of how many"),
    Column(name="share", kind="rate", what="count / of"),
)
_VERDICT = Column(
    name="verdict",
    kind="verdict",
    what="For what must always be true: broken by one counter-example, and not said to hold "
    f"below {MIN_N}. Where a goal is named it is that share that must be reached",
)
_RECALL_GOAL = 0.999
_LOG_GOAL = 0.98
_EVIDENCE = (
    "pairs of events with evidence without doubt",
    "pairs by evidence",
)
_LINES = "lines of the log"
Told = Literal["", "holds", "broken", "too few"]


def identifiers_report(client: Client, site: Site, since_ms: int, until_ms: int) -> Report:
    """Of persons and devices seen in [since, until): how many identifiers they have, and why.

    Raises clickhouse_driver.errors.Error, OSError.
    """
    found = client.execute(_QUERY, {"since": since_ms, "until": until_ms})
    counts: dict[str, dict[str, int]] = {about: {} for about in _ABOUT}
    for about, what, count in found:
        counts[about][what] = count
    totals = {about: sum(counts[about].values()) for about in _ABOUT}
    totals["suspicious"] = totals["logins a device"]
    zone = ZoneInfo(site.timezone)
    return Report(
        name="identity",
        title="Who is known by what",
        sentence=_sentence(counts),
        since=local_time(since_ms, zone),
        until=local_time(until_ms, zone),
        columns=_COLUMNS,
        rows=tuple(
            (about, what, count, totals[about], count / totals[about] if totals[about] else None)
            for about in _ABOUT
            for what, count in sorted(counts[about].items())
        ),
        notes=(
            "Persons and devices are those seen in this time, with all that was known of them at "
            "its end. Identifiers are cookies and logins.",
            "With --truth FILE the report says how truly persons were found (footfall simulate).",
        ),
        picture=Picture(title="Shares", value="share", n="of"),
    )


def _sentence(counts: dict[str, dict[str, int]]) -> str:
    persons, devices = (
        sum(counts[about].values()) for about in ("devices a person", "logins a device")
    )
    if not persons:
        return "Nobody was recognized in this time."
    several = persons - sum(counts["devices a person"].get(n, 0) for n in ("0", "1"))
    shared = devices - sum(counts["logins a device"].get(n, 0) for n in ("0", "1"))
    registered = persons - counts["logins a person"].get("0", 0)
    return (
        f"{persons:,} persons on {devices:,} devices: {registered:,} with a login, {several:,} "
        f"with several devices; {shared:,} devices with several logins."
    )


def comparison_report(comparison: IdentityComparison, site: Site) -> Report:
    """What `compare_identity` found, as a report."""
    zone = ZoneInfo(site.timezone)
    notes = [
        "Precision: of pairs of events that are put together, those that belong together. Recall: "
        "of pairs that belong together, those that are put together. Pairs are counted over found "
        "events of visitors that carry a device and a consent; refused events and bots count "
        "below, and are part of no person.",
        "Two devices of somebody who never logs in cannot be known to be one person's: what the "
        "rules entail of what was sent is the most that can be found.",
    ]
    if comparison.evidences is not None:
        notes.append(
            "Evidence without doubt: a login of whoever made the event (here, or elsewhere on a "
            "device that nobody else uses), an account that the shop joined with theirs, a "
            "verified e-mail, telephone or order number, a mail that was not forwarded. By "
            "evidence: pairs of which one has it, the other it or another without doubt; of a "
            "log's lines those whose visit leaves no doubt."
        )
    if comparison.persons.against_rules is None:
        notes.append("The truth file does not tell what the rules entail (entailed_person).")
    return Report(
        name="identity",
        title="Who was recognized, against who it was",
        sentence=_said(comparison),
        since=local_time(comparison.since_ms, zone),
        until=local_time(comparison.until_ms + 1, zone),
        columns=(*_COLUMNS, _VERDICT),
        rows=tuple(_rows(comparison)),
        notes=tuple(notes),
        picture=Picture(
            title="How truly: pairs of events, and bots",
            value="share",
            n="of",
            groups=(_pairs("person"), _pairs("session"), *_EVIDENCE, "bots"),
        ),
    )


def _said(comparison: IdentityComparison) -> str:
    persons = comparison.persons
    entailed = "" if persons.entailed is None else f", the rules entail {persons.entailed:,}"
    return (
        f"{persons.true:,} people made {comparison.recognized:,} recognized events: "
        f"{persons.found:,} persons were found{entailed}. Of {comparison.events:,} events "
        f"{comparison.missing:,} are missing."
    )


def _rows(one: IdentityComparison) -> Iterator[Row]:
    stored = one.events - one.missing
    yield _row("events", "found", stored, one.events)
    yield _row("events", "refused, with a reason", one.rejected, one.events)
    yield _never("events", "neither found nor refused", one.lost, one.events)
    yield _never("events", "found twice", one.twice, stored)
    yield _never("events", "found under another device", one.other_device, one.recognized)
    yield ("events", "others in the same time", one.others, None, None, "")
    yield from _groups("persons", "people", "person", one.persons)
    yield from _groups("sessions", "visits", "session", one.sessions)
    if one.evidences is not None:
        yield from _evidences(one.evidences)
    yield _row("bots", "events of bots that are flagged", one.bots_flagged, one.bots)
    yield _never("bots", "events of people that are flagged", one.visitors_flagged, one.visitors)
    yield _never("consent", "refused events with a person", one.refused_with_person, one.refused)


def _groups(about: str, humans: str, person: str, one: Comparison) -> Iterator[Row]:
    yield (about, f"{humans} there were", one.true, None, None, "")
    if one.entailed is not None:
        yield (about, f"{about} the rules entail", one.entailed, None, None, "")
    yield (about, f"{about} found", one.found, None, None, "")
    yield from _spread(about, humans, person, "found", one.groups, one.true, one.found)
    if one.entailed_groups is not None and one.entailed is not None:
        yield from _spread(
            about, humans, person, "entailed", one.entailed_groups, one.true, one.entailed
        )
    for against, agreed in (("the truth", one.against_truth), ("the rules", one.against_rules)):
        if agreed is not None:
            yield from _agreement(person, against, agreed, must=agreed is one.against_rules)


def _spread(
    about: str, humans: str, person: str, how: str, groups: Groups, true: int, persons: int
) -> Iterator[Row]:
    yield _row(about, f"{how}: {humans} as one {person}", groups.as_one, true)
    yield _row(about, f"{how}: {humans} as several", groups.as_several, true)
    if groups.as_none:
        yield _row(about, f"{how}: {humans} as none", groups.as_none, true)
    yield _row(about, f"{how}: {about} that fuse several {humans}", groups.fused, persons)
    yield (about, f"{how}: most {humans} in one {person}", groups.largest, None, None, "")


def _evidences(found: Evidences) -> Iterator[Row]:
    certain = found.deterministic.agreement
    wrong = certain.pairs_found - certain.pairs_both
    precise = _verdict(wrong, certain.pairs_found)
    yield from _shares(_EVIDENCE[0], "any", certain, precise, _RECALL_GOAL)
    for each in found.each:
        yield (_EVIDENCE[1], f"{each.evidence}: events", each.events, None, None, "")
        yield from _shares(_EVIDENCE[1], each.evidence, each.agreement)
    yield (_EVIDENCE[1], "none, or misleading: events", found.without, None, None, "")
    if (lines := found.log_lines) is not None:
        yield _row(_LINES, "joined to a person", lines.joined, lines.lines)
        yield _row(_LINES, "joined to a person, by the rules", lines.entailed, lines.lines)
        verdict = _reached(lines.right, lines.joined, _LOG_GOAL)
        goal = f"joined to the person of their visit (goal: {_LOG_GOAL})"
        yield _row(_LINES, goal, lines.right, lines.joined, verdict)


def _shares(
    about: str, kind: str, one: Agreement, precise: Told = "", goal: float | None = None
) -> Iterator[Row]:
    yield _row(about, f"{kind}: precision", one.pairs_both, one.pairs_found, precise)
    recall = one.pairs_both, one.pairs_expected
    if goal is None:
        yield _row(about, f"{kind}: recall", *recall)
    else:
        yield _row(about, f"{kind}: recall (goal: {goal})", *recall, _reached(*recall, goal))


def _reached(count: int, of: int, goal: float) -> Told:
    if of < MIN_N:
        return "too few"
    return "holds" if count / of >= goal else "broken"


def _pairs(person: str) -> str:
    return f"pairs of events of one {person}"


def _agreement(person: str, against: str, agreed: Agreement, *, must: bool) -> Iterator[Row]:
    for what, of in (("precision", agreed.pairs_found), ("recall", agreed.pairs_expected)):
        verdict = _verdict(of - agreed.pairs_both, of) if must else ""
        share = agreed.pairs_both / of if of else None
        yield (_pairs(person), f"{what}, by {against}", agreed.pairs_both, of, share, verdict)


def _row(about: str, what: str, count: int, of: int, verdict: Told = "") -> Row:
    return (about, what, count, of, count / of if of else None, verdict)


def _never(about: str, what: str, count: int, of: int) -> Row:
    return _row(about, what, count, of, _verdict(count, of))


def _verdict(counter_examples: int, of: int) -> Told:
    """One counter-example refutes; for saying that there is none, a few cases are too few."""
    if counter_examples:
        return "broken"
    return "holds" if of >= MIN_N else "too few"
