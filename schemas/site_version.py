"""The site file at one moment, with a digest that tells whether two processes run the same."""

from __future__ import annotations

import hashlib
from pathlib import Path

import msgspec

from schemas.settings import ConfigurationError
from schemas.site import Site
from schemas.site_file import load

_TRIES = 5


class SiteVersion(msgspec.Struct, frozen=True):
    site: Site
    digest: str  # of the file's bytes; '' : it was read from no file


def digest_of(path: Path) -> str:
    """Twelve hexadecimal digits of the file's content. Raises OSError."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]


def read_version(path: Path) -> SiteVersion:
    """The file, and the digest of what was read. Raises SiteFileError, ConfigurationError."""
    for _ in range(_TRIES):
        try:
            before = digest_of(path)
            site = load(path)
            if digest_of(path) == before:
                return SiteVersion(site, before)
        except OSError as error:
            raise ConfigurationError(f"site file {path}: {error.strerror or error}") from error
    raise ConfigurationError(f"site file {path} is being written again and again")
