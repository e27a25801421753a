"""One process a directory: a lock that the kernel gives back however the process ends."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from infra.embedded.service import EmbeddedError


class DirectoryInUse(EmbeddedError):
    """Another process holds the directory. The message names the process."""


@contextmanager
def locked(directory: Path, what: str) -> Iterator[None]:
    """Hold `directory` (made with mode 0700 if absent) for this process; `what` is for the error.

    Raises DirectoryInUse at once if another process holds it. The lock file is never removed:
    removing it would let two processes lock two files of the same name.
    """
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle = os.open(directory / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            owner = os.pread(handle, 32, 0).decode(errors="replace").strip() or "unknown"
            raise DirectoryInUse(
                f"{directory} is in use by another {what} (process {owner}); "
                "stop that one or choose another directory"
            ) from error
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(handle)
