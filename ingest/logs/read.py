"""Log files as pieces of bytes: plain, gzip and zstd by their first bytes, and stdin."""

from __future__ import annotations

import gzip
import mmap
import os
import sys
import tempfile
import threading
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing
from io import BufferedReader
from pathlib import Path
from typing import BinaryIO, cast

import cramjam

from ingest.logs.errors import UnreadableFile
from ingest.logs.parse import MAX_LINE

PIECE = 4 * 1024 * 1024
STDIN = Path("-")

_GZIP = b"\x1f\x8b"
_ZSTD = b"\x28\xb5\x2f\xfd"

ReadSoFar = Callable[[int], None]


def pieces(path: Path, read_so_far: ReadSoFar) -> Iterator[bytes]:
    """The unpacked bytes of one file. `read_so_far` is told bytes of the file as it lies there.

    Raises UnreadableFile, where a packed file is damaged after what could be unpacked.
    """
    try:
        if path == STDIN:
            stdin = cast(BufferedReader, sys.stdin.buffer)
            yield from _unpacked(stdin, "stdin", read_so_far)
        else:
            with path.open("rb") as file:
                yield from _unpacked(file, str(path), read_so_far)
    except OSError as error:
        raise UnreadableFile(f"{path}: {error.strerror or error}") from error


def size_of(path: Path) -> int:
    """0 where it is not known. Raises UnreadableFile."""
    if path == STDIN:
        return 0
    try:
        return path.stat().st_size
    except OSError as error:
        raise UnreadableFile(f"{path}: {error.strerror or error}") from error


def _unpacked(file: BufferedReader, name: str, read_so_far: ReadSoFar) -> Iterator[bytes]:
    start = file.peek(4)[:4]
    if start.startswith(_ZSTD):
        yield from _zstd(file, name)
        read_so_far(os.fstat(file.fileno()).st_size)
        return
    unpacked = gzip.GzipFile(fileobj=file) if start.startswith(_GZIP) else file
    seekable = file.seekable()
    try:
        while piece := unpacked.read(PIECE):
            if seekable:
                read_so_far(file.tell())
            yield piece
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise _damaged(name, "gzip", error) from error


def _zstd(file: BinaryIO, name: str) -> Iterator[bytes]:
    """Unpacked by a thread into a pipe, so that memory holds a piece and not the file."""
    with tempfile.TemporaryFile() as spooled:
        if not file.seekable():
            while piece := file.read(PIECE):
                spooled.write(piece)
            spooled.flush()
            file = spooled
        failures: list[str] = []
        read_end, write_end = os.pipe()

        def unpack() -> None:
            try:
                _unpack_zstd(file.fileno(), write_end)
            except (cramjam.DecompressionError, OSError, ValueError) as error:
                failures.append(str(error))  # the error itself would keep the pipe open
            finally:
                os.close(write_end)

        thread = threading.Thread(target=unpack, name="unzstd", daemon=True)
        thread.start()
        try:
            with open(read_end, "rb", buffering=0) as pipe:  # noqa: PTH123
                while piece := pipe.read(PIECE):
                    yield piece
        finally:
            thread.join()
        if failures:
            raise _damaged(name, "zstd", failures[0])


def _unpack_zstd(packed_fd: int, pipe_fd: int) -> None:
    with closing(mmap.mmap(packed_fd, 0, access=mmap.ACCESS_READ)) as packed:
        pipe = cramjam.File(f"/dev/fd/{pipe_fd}", read=False, write=True)  # closed when it is gone
        cramjam.zstd.decompress_into(packed, pipe)


def _damaged(name: str, kind: str, error: object) -> UnreadableFile:
    return UnreadableFile(
        f"{name}: damaged {kind} file ({error}); what stood before the damage is imported"
    )


class LineCutter:
    """Pieces of bytes to blocks of whole lines. A line without end costs no more than MAX_LINE."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, piece: bytes) -> bytes:
        """The lines that are whole now, ends included; `b""` where none is."""
        end = piece.rfind(b"\n") + 1
        if end == 0:
            self._keep(self._rest, piece)
            return b""
        start = piece.find(b"\n") if len(self._rest) > MAX_LINE else 0
        block = self._rest + piece[start:end]
        self._keep(b"", piece[end:])
        return block

    def rest(self) -> bytes:
        """A last line that has no end, and forgets it."""
        rest, self._rest = self._rest, b""
        return rest

    def _keep(self, before: bytes, piece: bytes) -> None:
        self._rest = before + piece[: MAX_LINE + 1 - len(before)]
