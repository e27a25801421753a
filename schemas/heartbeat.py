"""What each service says of itself every two seconds, and what its readers make of it.

A heartbeat stands in Redis under the service's instance, newest only. Readers see who is silent,
how far each stage is behind, and which site file each process runs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import Literal, get_args

import msgspec

from schemas.topics import ALL

Service = Literal["collect", "stream", "sink", "personalize"]
StageState = Literal["ok", "behind", "silent"]

BEAT_EVERY_S = 2.0
SILENT_MS = 15_000
BEHIND_S = 10.0
"""A stage whose oldest waiting record is older is `behind`."""

_GONE_MS = 3_600_000  # of an instance that others of its service have replaced
_FORGOTTEN_MS = 7 * 86_400_000  # of a service that nobody runs any more
MINUTES = 60

ALONE = -1
"""In a partition's place: of what each instance has for itself."""


class StageBeat(msgspec.Struct, frozen=True, gc=False):
    """How far one stage is behind in one partition."""

    name: str  # 'stream.raw', 'sink.events', 'collect.publish', ...
    partition: int  # or ALONE
    behind: int  # records that wait
    behind_s: float  # age of the oldest of them; 0 where none waits


class Told(msgspec.Struct, kw_only=True):
    """What a service knows of itself. By minute: since 1970, of the last hour."""

    stages: list[StageBeat] = []
    decisions: dict[int, int] = {}  # by minute
    degraded: dict[int, int] = {}  # by minute
    refused: dict[str, int] = {}  # by reason or code, since the start
    spool_bytes: int = 0


class Heartbeat(Told, kw_only=True):
    """Times are ms since 1970, by the clock of the machine that it runs on."""

    service: Service
    instance: str  # 'host:port' (and '.N' of several workers), the same after a restart
    at: int
    started_at: int
    site: str  # digest of the site file it runs (`schemas.site_version`); '': it reads none
    stopped: bool = False  # on purpose


class ServiceView(msgspec.Struct, kw_only=True, frozen=True):
    service: Service
    instance: str
    at: int  # ms
    started_at: int
    site: str
    state: Literal["ok", "silent", "stopped"]


class StageView(msgspec.Struct, kw_only=True, frozen=True):
    name: str
    partitions: int
    behind: int
    behind_s: float
    at: int  # ms: when the partition that was silent for longest was heard of
    state: StageState


Tell = Callable[[], Told]
Listen = Callable[[Tell, asyncio.AbstractEventLoop | None], None]
"""Given what tells of a service, and the loop in which to ask it (None: in any thread)."""


def nobody_listens(tell: Tell, loop: asyncio.AbstractEventLoop | None) -> None:
    """Of a service that runs without a heartbeat, as in tests."""


encode_heartbeat = msgspec.json.Encoder().encode
_decoder = msgspec.json.Decoder(Heartbeat)


def field_of(beat: Heartbeat) -> str:
    return f"{beat.service}:{beat.instance}"


def read_heartbeats(values: Iterable[bytes], now_ms: int) -> list[Heartbeat]:
    """Those that still say something, by service and instance; garbage is left out."""
    beats = []
    for value in values:
        try:
            beats.append(_decoder.decode(value))
        except (msgspec.MsgspecError, UnicodeDecodeError):
            continue
    living = {beat.service for beat in beats if _is_alive(beat, now_ms)}
    kept = [beat for beat in beats if now_ms - beat.at < _kept_ms(beat, living)]
    return sorted(kept, key=lambda beat: (beat.service, beat.instance))


def services_of(beats: Sequence[Heartbeat], now_ms: int) -> list[ServiceView]:
    """Each instance that is expected to be there, and which of them gives no sign.

    One that was stopped on purpose is told only where nobody else does its service.
    """
    living = {beat.service for beat in beats if _is_alive(beat, now_ms)}
    return [
        ServiceView(
            service=beat.service,
            instance=beat.instance,
            at=beat.at,
            started_at=beat.started_at,
            site=beat.site,
            state=_state(beat, now_ms),
        )
        for beat in beats
        if not (beat.stopped and beat.service in living)
    ]


def stages_of(beats: Sequence[Heartbeat], now_ms: int) -> list[StageView]:
    """Every stage over its partitions, each as the instance says that was heard of last; in the
    order in which events come to them.
    """
    living = {beat.service for beat in beats if _is_alive(beat, now_ms)}
    newest: dict[str, dict[tuple[int, str], tuple[int, StageBeat]]] = {}
    for beat in beats:
        for stage in beat.stages:
            alone = stage.partition == ALONE
            if alone and beat.stopped and beat.service in living:
                continue
            place = (stage.partition, beat.instance if alone else "")
            heard = newest.setdefault(stage.name, {})
            if place not in heard or heard[place][0] < beat.at:
                heard[place] = (beat.at, stage)
    return [_stage(name, list(newest[name].values()), now_ms) for name in sorted(newest, key=_turn)]


def _stage(name: str, heard: Sequence[tuple[int, StageBeat]], now_ms: int) -> StageView:
    at = min(at for at, _ in heard)
    behind_s = max(stage.behind_s for _, stage in heard)
    state: StageState = "behind" if behind_s >= BEHIND_S else "ok"
    return StageView(
        name=name,
        partitions=len(heard),
        behind=sum(stage.behind for _, stage in heard),
        behind_s=round(behind_s, 3),
        at=at,
        state="silent" if now_ms - at > SILENT_MS else state,
    )


def _turn(name: str) -> tuple[int, int, str]:
    service, _, topic = name.partition(".")
    services, topics = get_args(Service), [each.name for each in ALL]
    return (
        services.index(service) if service in services else len(services),
        topics.index(f"footfall.{topic}") if f"footfall.{topic}" in topics else len(topics),
        name,
    )


def _is_alive(beat: Heartbeat, now_ms: int) -> bool:
    return not beat.stopped and now_ms - beat.at <= SILENT_MS


def _state(beat: Heartbeat, now_ms: int) -> Literal["ok", "silent", "stopped"]:
    if beat.stopped:
        return "stopped"
    return "ok" if _is_alive(beat, now_ms) else "silent"


def _kept_ms(beat: Heartbeat, living: set[Service]) -> int:
    """A service that died is missed for as long as somebody may wonder where it is."""
    return _GONE_MS if beat.stopped or beat.service in living else _FORGOTTEN_MS
