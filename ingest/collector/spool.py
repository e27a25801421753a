"""What Kafka does not take now, on disk until it does (design.md section 3a, first step).

A spool is a folder of segments. Whoever writes one, or sends one to Kafka, holds a lock on it; a
segment without a lock, of a process that has ended, is anybody's to send. So processes may share
a folder, and nothing has to be tidied up after a crash. A segment is frames, each

    bytes 0-3   length of the payload
    bytes 4-7   CRC-32 of the payload
    payload     msgpack: [topic, partition, lines]

A frame that is cut off, or whose sum is wrong, was never answered for: reading ends before it.
What was sent may be sent again: a repeated event is the same event to everything downstream.
"""

from __future__ import annotations

import fcntl
import logging
import os
import struct
import time
import uuid
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

import msgspec

_log = logging.getLogger(__name__)

MAX_BYTES = 4 * 1024**3
SEGMENT_BYTES = 16 * 1024**2

_SUFFIX = ".spool"
_HEADER = struct.Struct(">II")


class Frame(msgspec.Struct, frozen=True, array_like=True):
    """One Kafka record that waits."""

    topic: str
    partition: int
    lines: list[bytes]


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Frame).decode


class SpoolError(Exception):
    """The spool cannot take more; what was offered is not kept."""


class Segment:
    """A file of frames that this process alone may use, until it is closed or deleted."""

    def __init__(self, path: Path, file: BinaryIO) -> None:
        self.path = path
        self._file = file
        self.size = path.stat().st_size

    def append(self, frames: Sequence[Frame]) -> None:
        """Returns when they are on the disk. Raises OSError."""
        for frame in frames:
            payload = _encode(frame)
            self._file.write(_HEADER.pack(len(payload), zlib.crc32(payload)) + payload)
        self._file.flush()
        os.fsync(self._file.fileno())
        self.size = self._file.tell()

    def frames(self) -> Iterator[Frame]:
        self._file.seek(0)
        while len(header := self._file.read(_HEADER.size)) == _HEADER.size:
            length, checksum = _HEADER.unpack(header)
            payload = self._file.read(length)
            if len(payload) < length or zlib.crc32(payload) != checksum:
                return
            try:
                yield _decode(payload)
            except msgspec.MsgspecError:
                return

    def close(self) -> None:
        self._file.close()  # and lets go of the lock

    def delete(self) -> None:
        self.path.unlink(missing_ok=True)
        self.close()


class Spool:
    """Belongs to one thread at a time; every method may block on the disk."""

    def __init__(self, directory: Path, max_bytes: int = MAX_BYTES) -> None:
        """Makes the folder where it is not there. Raises SpoolError where that cannot be done."""
        self._directory = directory
        self._max_bytes = max_bytes
        self._current: Segment | None = None
        try:
            directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise SpoolError(f"no spool at {directory}: {error.strerror}") from error

    def keep(self, frames: Sequence[Frame]) -> None:
        """Returns when they would survive a power cut. Raises SpoolError, and has kept none then,
        or some: which of them is not told, and a resend repairs it.
        """
        if self.size() >= self._max_bytes:
            raise SpoolError(f"the spool is full: {self._max_bytes} bytes wait for Kafka")
        try:
            if self._current is None:
                self._current = self._new()
            self._current.append(frames)
        except OSError as error:
            self.seal()  # what was torn is at the end of its segment: nothing comes after it
            raise SpoolError(f"the spool cannot be written: {error.strerror}") from error
        if self._current.size >= SEGMENT_BYTES:
            self.seal()

    def seal(self) -> None:
        """What was kept until now may be sent."""
        if self._current is not None:
            self._current.close()
            self._current = None

    def oldest(self) -> Segment | None:
        """The oldest segment that nobody else uses, locked for the caller."""
        for path in self._paths():
            segment = _lock(path)
            if segment is not None:
                return segment
        return None

    def size(self) -> int:
        """Bytes that wait in the folder, of all processes."""
        found = 0
        for path in self._paths():
            try:
                found += path.stat().st_size
            except FileNotFoundError:
                continue  # sent meanwhile
        return found

    def close(self) -> None:
        self.seal()

    def _paths(self) -> list[Path]:
        return sorted(self._directory.glob(f"*{_SUFFIX}"))

    def _new(self) -> Segment:
        """Locked before it has its name, so that nobody takes it for one that was left behind."""
        name = f"{time.time_ns():020d}-{uuid.uuid4().hex[:8]}"
        unnamed = self._directory / f"{name}.new"
        file = unnamed.open("x+b")
        fcntl.flock(file, fcntl.LOCK_EX)
        path = unnamed.rename(self._directory / f"{name}{_SUFFIX}")
        folder = os.open(self._directory, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
        return Segment(path, file)


def _lock(path: Path) -> Segment | None:
    """None where another uses it, or has just sent it, or it cannot be opened: others go first."""
    try:
        file = path.open("r+b")
    except OSError as error:
        if not isinstance(error, FileNotFoundError):
            _log.error("it stays in the spool: %s", error)
        return None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if path.exists():  # else its sender deleted it between the two lines above
            return Segment(path, file)
    except (BlockingIOError, FileNotFoundError):
        pass
    file.close()
    return None
