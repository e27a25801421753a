"""What every protocol needs to know about the site it collects for."""

from __future__ import annotations

from urllib.parse import urlsplit

from ingest.collector.address_keys import AddressKeys
from ingest.collector.keys import WriteKeys
from ingest.collector.limits import Limits
from ingest.collector.pseudonym import Salts
from ingest.collector.subject import Namer
from schemas.site import Site


class Rules:
    """A site's rules, made ready once for each version of its file."""

    def __init__(self, site: Site, salts: Salts, secret: str) -> None:
        self.site = site.name
        self.secret = secret
        self.consent = site.consent
        self.cookie = site.cookie
        self.keys = WriteKeys(site)
        self.address_keys = AddressKeys(site.name, salts, logs_joined=site.join_logs)
        self.namer = Namer(site.name, salts, site.retention.events_ms)
        self.limits = Limits(site.limits)
        self._hosts = site.hosts

    def is_own(self, url: str) -> bool:
        """Whether an absolute address is a page of the site: of its `hosts` or `origins`."""
        parts = urlsplit(url)
        host = parts.hostname or ""
        if any(host == own or host.endswith(f".{own}") for own in self._hosts):
            return True
        return self.keys.allows_origin(f"{parts.scheme}://{parts.netloc}".encode())
