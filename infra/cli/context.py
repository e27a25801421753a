"""What commands share: settings, the site file, logging, and the one kind of failure."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from schemas.settings import ConfigurationError, Settings
from schemas.site import Site
from schemas.site_file import load

if TYPE_CHECKING:
    from clickhouse_driver import Client

STATE_DIR = Path(".footfall")
EXAMPLE_SITE = Path(__file__).parent.parent / "demo" / "shop.yaml"


class Failure(Exception):
    """A command failed at run time: exit code 1. The message names the mend."""


def settings() -> Settings:
    """Raises ConfigurationError."""
    return Settings.from_environment(os.environ)


def secret(configured: Settings, state_dir: Path) -> str:
    """The key that signs: the environment's, else that of the stack that `up` keeps there."""
    own = state_dir / "secret"
    if os.environ.get("FOOTFALL_SECRET_KEY") or not own.is_file():
        return configured.secret_key
    return own.read_text()


def site_path(configured: Settings, given: Path | None = None) -> Path:
    """The site file: the one given, FOOTFALL_SITE, or the worked example.

    Links are not followed: where one is put in the file's place (as Kubernetes does with a
    ConfigMap), it will lead to another file after a change.
    """
    path = given or configured.site_file or EXAMPLE_SITE
    if not path.is_file():
        raise ConfigurationError(f"site file {path} is not there")
    return path.absolute()


def site(configured: Settings, given: Path | None = None) -> Site:
    """Raises SiteFileError with every mistake, and ConfigurationError where there is no file."""
    return load(site_path(configured, given))


@contextmanager
def clickhouse(configured: Settings) -> Iterator[Client]:
    """A client for the block; what goes wrong in ClickHouse is raised as Failure."""
    from clickhouse_driver.errors import ErrorCodes

    from sinks.clickhouse.client import connect
    from sinks.clickhouse.errors import SinkError, UnsupportedFunnel, classified

    # the driver logs a refused connection with its traceback; the Failure says it in one line
    logging.getLogger("clickhouse_driver").setLevel(logging.CRITICAL)
    client = connect(configured.clickhouse)
    try:
        with classified():
            yield client
    except UnsupportedFunnel:
        raise
    except SinkError as error:
        code = getattr(error.__cause__, "code", None)
        mend = "footfall migrate" if code == ErrorCodes.UNKNOWN_TABLE else "footfall doctor"
        raise Failure(f"ClickHouse: {error}; see: {mend}") from error
    finally:
        client.disconnect()


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
