"""A log that is being written, as `tail -F` reads it: past rotation and truncation."""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO

from ingest.logs.errors import UnreadableFile
from ingest.logs.read import PIECE, LineCutter


class Tail:
    """One growing file. A rotated file is read to its end before the new one is begun."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: BinaryIO | None = None
        self._lines = LineCutter()

    def read(self) -> bytes:
        """Whole lines written since; `b""` where there are none. Never waits.

        A file that is not there (yet, or between two steps of a rotation) has nothing to read.
        Raises UnreadableFile.
        """
        file = self._file
        if file is None:
            file = self._file = self._open()
        if file is None:
            return b""
        if piece := file.read(PIECE):
            return self._lines.feed(piece)
        if not self._is_another(file):
            return b""
        if piece := file.read(PIECE):  # written between the last read and the rotation
            return self._lines.feed(piece)
        file.close()
        self._file = None
        rest = self._lines.rest()
        return rest + b"\n" if rest else b""

    def close(self) -> None:
        """A last line that is still without its end is left to the next import."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _open(self) -> BinaryIO | None:
        try:
            return self._path.open("rb")
        except FileNotFoundError:
            return None
        except OSError as error:
            raise UnreadableFile(f"{self._path}: {error.strerror or error}") from error

    def _is_another(self, file: BinaryIO) -> bool:
        """Whether the path leads to another file now, or this one was emptied."""
        here = os.fstat(file.fileno())
        try:
            there = self._path.stat()
        except FileNotFoundError:
            return False
        other = (here.st_dev, here.st_ino) != (there.st_dev, there.st_ino)
        return other or there.st_size < file.tell()
