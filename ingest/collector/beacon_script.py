"""`GET /beacon.js`: the tracker, made small once at start."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ingest.collector import answers

SOURCE = Path(__file__).parent.parent / "beacon" / "beacon.js"
MAX_GZIPPED = 3 * 1024
_CACHE = b"public, max-age=300, stale-while-revalidate=86400"


def small(source: str) -> str:
    """The source without whole-line comments, blank lines and indentation.

    Only whole lines go, so nothing inside a string or a regular expression can be touched, as long
    as the source has no template literal of several lines (a test sees to it).
    """
    kept: list[str] = []
    in_comment = False
    for line in map(str.strip, source.splitlines()):
        if in_comment or line.startswith("/*"):
            in_comment = not line.endswith("*/")
        elif line and not line.startswith("//"):
            kept.append(line)
    return "\n".join(kept) + "\n"


class BeaconScript:
    """Serves the script plain or gzipped, with an ETag and a short life in caches."""

    def __init__(self) -> None:
        self._plain = small(SOURCE.read_text()).encode()
        self._gzipped = gzip.compress(self._plain, 9, mtime=0)
        self._etag = f'W/"{hashlib.blake2b(self._plain, digest_size=8).hexdigest()}"'.encode()

    async def __call__(self, scope: Mapping[str, Any], send: answers.Send) -> None:
        headers = dict(scope["headers"])
        common = [
            (b"cache-control", _CACHE),
            (b"etag", self._etag),
            (b"vary", b"Accept-Encoding"),
            (b"cross-origin-resource-policy", b"cross-origin"),
        ]
        if self._etag in headers.get(b"if-none-match", b""):
            await answers.file(send, b"", common, status=304)
            return
        common += [
            (b"content-type", b"text/javascript; charset=utf-8"),
            (b"x-content-type-options", b"nosniff"),
        ]
        body = self._plain
        if b"gzip" in headers.get(b"accept-encoding", b""):
            body = self._gzipped
            common.append((b"content-encoding", b"gzip"))
        await answers.file(send, body, common)
