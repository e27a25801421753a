"""Web-server logs into Kafka: read, parse, number equal lines, make events, publish.

One thread reads and parses the next block (polars, outside the interpreter's lock) while this one
makes events of the block before it.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import polars as pl

from ingest.logs.errors import WrongOptions
from ingest.logs.events import EventMaker, agent_of, days_of, is_event, is_refusal, rejected_of
from ingest.logs.follow import Tail
from ingest.logs.formats import Format
from ingest.logs.parse import FAILED, MAX_LINE, PAGE, Parser, asks_robots_txt, text_of
from ingest.logs.publish import LogPublisher
from ingest.logs.read import STDIN, LineCutter, pieces, size_of
from ingest.logs.repeats import Repeats
from ingest.logs.salts import ImportSalts
from ingest.logs.summary import Skipped, Summary
from schemas import site_values
from schemas.reasons import Reason
from schemas.settings import Settings
from schemas.site import Site

_FOLLOW_POLL_S = 0.25
_FOLLOW_REMEMBER_MS = 48 * 3_600_000

Progress = Callable[[int, int], None]
IsBot = Callable[[str], bool]


class ImportOptions(msgspec.Struct, frozen=True, kw_only=True):
    format: Format = "auto"
    host: str = ""  # of the pages where the lines name none; '': the site's first
    follow: bool = False  # go on with what is written to the files, until stopped
    dry_run: bool = False  # only count: neither Kafka nor Redis is asked


def import_logs(
    paths: Sequence[Path],
    options: ImportOptions,
    settings: Settings,
    site: Site,
    progress: Progress,
    *,
    is_bot: IsBot | None = None,
    stopped: Callable[[], bool] = lambda: False,
) -> Summary:
    """Imports files (`-` is stdin) and returns when all is acknowledged by Kafka.

    `progress` is told (bytes done, bytes in total; 0 where that is not known). `is_bot` says of a
    user agent whether the stream will flag it; so it does with whoever asks
    for robots.txt. `stopped` ends following. Raises LogImportError;
    whatever was published before may be imported again.
    """
    started = time.monotonic()
    host = _host(options, site)
    if options.follow and STDIN in paths:
        raise WrongOptions("stdin cannot be followed: give files, or leave --follow out")
    total = sum(map(size_of, paths)) if not options.follow else 0
    done = _Done(progress, total)
    blocks = _followed(paths, stopped) if options.follow else _read(paths, done)
    parser = Parser(options.format, (host, *site.hosts), _now_ms)
    publisher = None if options.dry_run else LogPublisher(settings.kafka)
    salts = ImportSalts(settings.redis_url, site.retention.events_ms)
    worker = _Import(site.name, host, publisher, salts, is_bot)
    try:
        if publisher is not None:
            publisher.check()
        parsed = _parsed(blocks, parser)
        for lines in parsed if options.follow else _ahead(parsed):
            worker.take(lines)
            if options.follow:
                worker.settle()
                worker.forget()
    finally:
        worker.settle()
        salts.close()
    return worker.summary(time.monotonic() - started)


def _host(options: ImportOptions, site: Site) -> str:
    try:
        host = site_values.host(options.host) if options.host else next(iter(site.hosts), "")
    except ValueError as error:
        raise WrongOptions(f"--site {error}") from error
    if not host:
        raise WrongOptions("the site file names no hosts: say --site HOST")
    return host


def _now_ms() -> int:
    return int(time.time() * 1000)


class _Lines(msgspec.Struct):
    """One block: its lines as they came, and what was understood of them."""

    originals: list[bytes]
    table: pl.DataFrame


class _Done:
    """Bytes read of all files together."""

    def __init__(self, progress: Progress, total: int) -> None:
        self._progress = progress
        self._total = total
        self._before = 0
        self._now = 0

    def read_so_far(self, position: int) -> None:
        self._now = position
        self._progress(self._before + position, self._total)

    def next_file(self) -> None:
        self._before += self._now
        self._now = 0


class _Import:
    """What one import has counted, and where its events go."""

    def __init__(
        self,
        site: str,
        host: str,
        publisher: LogPublisher | None,
        salts: ImportSalts,
        is_bot: IsBot | None,
    ) -> None:
        self._site = site
        self._maker = EventMaker(site, host)
        self._publisher = publisher
        self._salts = salts
        self._is_bot = is_bot
        self._repeats = Repeats()
        self._fates: Counter[str] = Counter()
        self._bots = 0
        self._span: list[int] = []

    def take(self, lines: _Lines) -> None:
        table = lines.table
        self._fates.update(dict(table["fate"].value_counts().iter_rows()))
        events = table.filter(is_event())
        if len(events):
            self._count(events)
        if self._publisher is None:
            return
        kept = table.with_row_index("row").filter(is_event() | is_refusal())
        kept = kept.with_columns(self._repeats.number(kept["line"], kept["time_ms"]).alias("n"))
        events = kept.filter(is_event())
        salts = self._salts.of(days_of(events))
        self._publisher.events(self._maker.events(events, salts))
        refused = kept.filter(is_refusal())
        self._publisher.rejected(rejected_of(refused, lines.originals, self._site, _now_ms()))

    def settle(self) -> None:
        """Returns when all that was taken is acknowledged."""
        if self._publisher is not None:
            self._publisher.flush()

    def forget(self) -> None:
        """What is followed comes in the order of time: old lines need no remembering."""
        if self._span:
            self._repeats.forget_before(self._span[1] - _FOLLOW_REMEMBER_MS)

    def summary(self, seconds: float) -> Summary:
        fates = self._fates
        return Summary(
            lines=fates.total(),
            events=fates[PAGE] + fates[FAILED],
            pages=fates[PAGE],
            failed=fates[FAILED],
            bots=None if self._is_bot is None else self._bots,
            skipped={why: fates[why] for why in Skipped if fates[why]},
            rejected={why: fates[why] for why in Reason if fates[why]},
            first_ms=min(self._span, default=None),
            last_ms=max(self._span, default=None),
            published=self._publisher is not None,
            seconds=seconds,
        )

    def _count(self, events: pl.DataFrame) -> None:
        times = events["time_ms"]
        low, high = int(str(times.min())), int(str(times.max()))
        self._span = [min([low, *self._span]), max([high, *self._span])]
        if self._is_bot is not None:
            said = events.filter(~asks_robots_txt())
            self._bots += len(events) - len(said)
            for agent, count in said["agent"].value_counts().iter_rows():
                if agent is not None and self._is_bot(agent_of(agent)):
                    self._bots += count


def _read(paths: Iterable[Path], done: _Done) -> Iterator[bytes]:
    """Blocks of whole lines of one file after the other."""
    for path in paths:
        lines = LineCutter()
        for piece in pieces(path, done.read_so_far):
            if block := lines.feed(piece):
                yield block
        if rest := lines.rest():
            yield rest
        done.next_file()


def _followed(paths: Sequence[Path], stopped: Callable[[], bool]) -> Iterator[bytes]:
    """Blocks of whole lines as they are written, until stopped."""
    tails = [Tail(path) for path in paths]
    while not stopped():
        blocks = [block for tail in tails if (block := tail.read())]
        yield from blocks
        if not blocks:
            time.sleep(_FOLLOW_POLL_S)
    for tail in tails:
        tail.close()


def _parsed(blocks: Iterable[bytes], parser: Parser) -> Iterator[_Lines]:
    for block in blocks:
        originals = block.removesuffix(b"\n").split(b"\n")
        if max(map(len, originals)) > MAX_LINE:  # the same bytes whatever pieces it came in
            originals = [line[: MAX_LINE + 1] for line in originals]
            block = b"\n".join(originals)
        yield _Lines(originals, parser.table(text_of(block).removesuffix("\n").split("\n")))


def _ahead(lines: Iterator[_Lines]) -> Iterator[_Lines]:
    """The same, with the next one being made in another thread."""
    with ThreadPoolExecutor(1, "parse-logs") as executor:
        waiting = executor.submit(next, lines, None)
        while (ready := waiting.result()) is not None:
            waiting = executor.submit(next, lines, None)
            yield ready
