"""What the supervisor and the tests must know about a program to run it."""

from __future__ import annotations

import http.client
import socket
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

PROBE_TIMEOUT_S = 2.0
"""No single readiness question waits longer than this."""


class EmbeddedError(Exception):
    """A program of the embedded stack cannot be started. The message names the mend."""


class NotReady(Exception):
    """The program does not serve yet, or something else answers in its place. Ask again."""


@dataclass(frozen=True, kw_only=True)
class Service:
    """One program: how it is started, how it is asked whether it serves, how it is stopped.

    `ready` gets the process id, may block for `PROBE_TIMEOUT_S` and raises NotReady until the
    program serves; it must not be satisfied by another program that holds the same port.
    `ports` are those it will listen on, by the name an error message gives them. SIGTERM ends it;
    after `stop_timeout_s` it is killed. `mend` may block; it is called after a restart that did
    not get ready, before the next try.
    """

    name: str
    argv: tuple[str, ...]
    ready: Callable[[int], None]
    url: str
    host: str = "127.0.0.1"
    ports: Mapping[str, int] = field(default_factory=dict)
    env: Mapping[str, str] = field(default_factory=dict)
    notice: str = ""
    mend: Callable[[], None] | None = None
    ready_timeout_s: float = 30.0
    stop_timeout_s: float = 10.0


def require_listening(host: str, port: int) -> None:
    """Raises NotReady where nothing accepts connections. Cheaper than a client that retries."""
    try:
        socket.create_connection((host, port), PROBE_TIMEOUT_S).close()
    except OSError as error:
        raise NotReady(f"nothing listens on {host}:{port} yet") from error


def fetch(request: urllib.request.Request) -> bytes:
    """The body of a 2xx answer; everything else is NotReady with the answer's beginning."""
    try:
        with urllib.request.urlopen(request, timeout=PROBE_TIMEOUT_S) as answer:
            body: bytes = answer.read()
            return body
    except urllib.error.HTTPError as error:
        with error:
            text = error.read(300).decode(errors="replace").strip()
        raise NotReady(f"{request.host} answers {error.code}: {text}") from error
    except (OSError, http.client.HTTPException) as error:
        raise NotReady(f"{request.host} does not answer yet: {error}") from error
