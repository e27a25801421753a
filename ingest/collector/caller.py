"""Who is calling: what the request says outside its body."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ingest.collector import addresses
from schemas.site import WriteKey

MAX_USER_AGENT = 1024


class Caller:
    """One request, its key admitted. `received_at` is the one clock reading all its events share.

    A server key's request comes from a shop's backend: its address and user agent are not the
    visitor's, so `ip` and `user_agent` are empty for it.
    """

    __slots__ = ("headers", "ip", "key", "received_at", "scope", "server", "user_agent")

    def __init__(
        self, scope: Mapping[str, Any], headers: dict[bytes, bytes], key: WriteKey, received_at: int
    ) -> None:
        self.scope = scope
        self.headers = headers
        self.key = key
        self.received_at = received_at
        self.server = key.kind == "server"
        if self.server:
            self.ip = self.user_agent = ""
        else:
            peer = scope["client"][0] if scope["client"] else ""
            forwarded_for = headers.get(b"x-forwarded-for")
            self.ip = addresses.client(peer, forwarded_for) if forwarded_for else peer
            self.user_agent = headers.get(b"user-agent", b"").decode("latin-1")[:MAX_USER_AGENT]

    @property
    def secret_key(self) -> str:
        """Its key, where that is not public; else ''."""
        return self.key.key if self.server else ""

    @property
    def gpc(self) -> bool:
        """Global Privacy Control; a backend's own header says nothing about the visitor."""
        return not self.server and self.headers.get(b"sec-gpc") == b"1"

    @property
    def dnt(self) -> bool:
        return not self.server and self.headers.get(b"dnt") == b"1"

    @property
    def cookie_header(self) -> bytes:
        return self.headers.get(b"cookie", b"")

    @property
    def language(self) -> str:
        """The language the browser asks for first; a backend asks for nobody."""
        if self.server:
            return ""
        accepted = self.headers.get(b"accept-language", b"")
        return accepted.decode("latin-1").partition(",")[0].partition(";")[0].strip()[:35]

    @property
    def host(self) -> str:
        return self.headers.get(b"host", b"").decode("latin-1")

    @property
    def https(self) -> bool:
        """Whether the browser sees https; a proxy's word is taken as `addresses.is_proxy` says."""
        if self.scope["scheme"] == "https":
            return True
        peer = self.scope["client"]
        return (
            self.headers.get(b"x-forwarded-proto", b"").strip().lower() == b"https"
            and peer is not None
            and addresses.is_proxy(peer[0])
        )
