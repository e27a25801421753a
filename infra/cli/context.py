"""What commands share: settings, the site file, logging, and the one kind of failure."""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path

from schemas.settings import ConfigurationError, Settings
from schemas.site import Site
from schemas.site_file import load

EXAMPLE_SITE = Path(__file__).parent.parent / "demo" / "shop.yaml"


class Failure(Exception):
    """A command failed at run time: exit code 1. The message names the mend."""


def settings() -> Settings:
    """Raises ConfigurationError."""
    return Settings.from_environment(os.environ)


def site_path(configured: Settings, given: Path | None = None) -> Path:
    """The site file: the one given, FOOTFALL_SITE, or the worked example."""
    path = given or configured.site_file or EXAMPLE_SITE
    if not path.is_file():
        raise ConfigurationError(f"site file {path} is not there")
    return path.resolve()


def site(configured: Settings, given: Path | None = None) -> Site:
    """Raises SiteFileError with every mistake, and ConfigurationError where there is no file."""
    return load(site_path(configured, given))


def start_logging() -> None:
    """One line a message, on stderr."""
    logging.basicConfig(
        stream=sys.stderr,
        level=logging.INFO,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
        datefmt="%H:%M:%S",
    )
    for chatty in ("aiokafka", "faust", "mode", "streams.worker"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
