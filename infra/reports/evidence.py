"""How truly persons were found, by the kind of evidence that there was for them."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import polars as pl

from infra.reports.agreement import Agreement, agreement

DETERMINISTIC = ("login", "alias", "verified", "click")
"""Evidence that leaves no doubt; of the truth's column `evidence`."""

LOG = "log"


class OfEvidence(msgspec.Struct, frozen=True, kw_only=True):
    """Pairs of events of which one has this evidence, the other this or another without doubt.

    A line of a log counts where there is no doubt about any other event of its visit.
    """

    evidence: str
    events: int
    agreement: Agreement


class LogLines(msgspec.Struct, frozen=True, kw_only=True):
    """Lines of a web server's log that people asked for who agreed to be known."""

    lines: int
    joined: int  # they have a person
    entailed: int  # that should have one, by the rules
    right: int  # joined, and their visit's other events are that person's


class Evidences(msgspec.Struct, frozen=True, kw_only=True):
    """`deterministic`: pairs of events that both have evidence without doubt."""

    deterministic: OfEvidence
    each: Sequence[OfEvidence]
    log_lines: LogLines | None  # None: the truth holds no lines
    without: int  # events of which nothing, or the wrong thing, says who made them


def evidences(events: pl.DataFrame) -> Evidences:
    """`events`: found ones of visitors who agreed, with `evidence`, `person`, `found_person`."""
    kinds = pl.col("evidence")
    certain = events.filter(kinds.is_in(DETERMINISTIC))
    lines = events.filter(kinds == LOG)
    others = events.filter(kinds != LOG)
    doubtful = others.filter(~kinds.is_in(DETERMINISTIC)).select("session")
    sure_lines = lines.join(others, on="session", how="semi").join(
        doubtful, on="session", how="anti"
    )
    scope = pl.concat([certain, sure_lines])
    among = _agreement(certain)
    return Evidences(
        deterministic=OfEvidence(evidence="any", events=certain.height, agreement=among),
        each=[
            OfEvidence(
                evidence=kind,
                events=scope.filter(kinds == kind).height,
                agreement=_beyond(
                    _agreement(scope.filter(kinds.is_in({*DETERMINISTIC, kind}))),
                    _agreement(certain.filter(kinds != kind)),
                ),
            )
            for kind in (*DETERMINISTIC, LOG)
            if not scope.filter(kinds == kind).is_empty()
        ],
        log_lines=None if lines.is_empty() else _log_lines(lines, others),
        without=events.height - certain.height - lines.height,
    )


def _log_lines(lines: pl.DataFrame, others: pl.DataFrame) -> LogLines:
    joined = lines.filter(pl.col("found_person") != "")
    theirs = others.select("session", "found_person")
    told = "entailed_person" in lines.columns
    return LogLines(
        lines=lines.height,
        joined=joined.height,
        entailed=lines.filter(pl.col("entailed_person") != "").height if told else 0,
        right=joined.join(theirs, on=["session", "found_person"], how="semi").height,
    )


def _agreement(events: pl.DataFrame) -> Agreement:
    return agreement(events, "found_person", "person")


def _beyond(all_pairs: Agreement, without: Agreement) -> Agreement:
    return Agreement(
        pairs_found=all_pairs.pairs_found - without.pairs_found,
        pairs_expected=all_pairs.pairs_expected - without.pairs_expected,
        pairs_both=all_pairs.pairs_both - without.pairs_both,
    )
