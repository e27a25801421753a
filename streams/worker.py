"""Faust as this project runs it: no web server, and records handed on as soon as they are there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import aiokafka
import faust
from faust.app.base import BootStrategy
from faust.exceptions import ConsumerNotStarted
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread, Consumer, Transport
from faust.types import TP
from faust.types.transports import TransportT

from schemas.faults import FaultPoint

_FETCH_WAIT_MS = 50


class _FetchThread(AIOKafkaConsumerThread):
    def _create_worker_consumer(self, transport: Transport) -> aiokafka.AIOKafkaConsumer:
        consumer = super()._create_worker_consumer(transport)
        # Faust waits 1.5 s for a fetch; a broker that does not answer a waiting fetch when a
        # record comes (the embedded one) would make every event that much older.
        consumer._fetch_max_wait_ms = _FETCH_WAIT_MS
        return consumer


class _Unfiltered(dict[TP, int | None]):
    """In place of what Faust remembers of each partition: the offset it handed out last.

    It drops records that stand before that one. A record that it hands out while a rebalance seeks
    back to the fence is remembered after the seek, and all from the fence on would be dropped.
    Lanes see for themselves what is old.
    """

    def __getitem__(self, tp: TP) -> int | None:
        return None


class FencedConsumer(Consumer):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._read_offset = _Unfiltered()
        self.fences: Mapping[TP, int] = {}  # where the assigned partitions begin

    def _new_consumer_thread(self) -> AIOKafkaConsumerThread:
        return _FetchThread(self, loop=self.loop, beacon=self.beacon)

    def end_of(self, tp: TP) -> int | None:
        """The offset behind the partition's last record, as the last fetch told it."""
        try:
            return cast(int | None, self.highwater(tp))
        except (AssertionError, AttributeError, KeyError, ConsumerNotStarted):
            return None  # it is not this worker's any more, or not yet

    async def seek_to_committed(self) -> Mapping[TP, int]:
        """To the fences: an answer that was under way when they were committed tells older ones."""
        committed = await super().seek_to_committed()
        assigned = self.assignment()
        fences = {tp: offset for tp, offset in self.fences.items() if tp in assigned}
        for tp, offset in fences.items():
            await self._seek(tp, offset)
        return {**committed, **fences}

    async def _commit(self, offsets: Mapping[TP, int]) -> bool:
        fault_point = cast(Worker, self.app).fault_point
        fault_point("committing")
        done: bool = await super()._commit(offsets)
        fault_point("committed")
        return done


class _Transport(Transport):
    Consumer = FencedConsumer


class _WithoutWeb(BootStrategy):
    enable_web = False  # it would listen on all addresses


class Worker(faust.App):
    """A `faust.App`; settings are its own."""

    BootStrategy = _WithoutWeb
    fault_point: FaultPoint

    def _new_transport(self) -> TransportT:
        return _Transport(self.conf.broker_consumer, self)
