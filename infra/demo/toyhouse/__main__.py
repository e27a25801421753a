"""python -m infra.demo.toyhouse [--state-dir DIR]: the shop, until SIGTERM or Ctrl-C."""

from __future__ import annotations

import argparse
import logging
import signal
import sys
from pathlib import Path
from types import FrameType

import uvicorn

from infra.cli import context
from infra.demo.catalogue import CatalogueError
from infra.demo.toyhouse.app import create_app
from infra.demo.toyhouse.shop import NoKey
from schemas.settings import ConfigurationError
from schemas.site_file import SiteFileError

log = logging.getLogger("toyhouse")

STATE_DIR = Path(".footfall")
_GRACE_S = 1  # for pages being served; then what was not sent yet has its time


class Server(uvicorn.Server):
    """uvicorn that says where it listens, and for which a signal is an order and no failure."""

    async def startup(self, *args: object, **named: object) -> None:
        await super().startup(*args, **named)  # type: ignore[arg-type]
        if self.started:
            log.info("the shop is open at http://%s:%d", self.config.host, self.config.port)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self.force_exit = self.should_exit and sig == signal.SIGINT
        self.should_exit = True


def main() -> int:
    """0 after a clean stop, 1 where it could not start, 2 for a wrong configuration."""
    parser = argparse.ArgumentParser(prog="python -m infra.demo.toyhouse", description=__doc__)
    parser.add_argument("--state-dir", type=Path, default=STATE_DIR, help="for accounts and orders")
    given = parser.parse_args()
    context.start_logging()
    logging.getLogger("httpx").setLevel(logging.WARNING)  # else a line for every homepage
    try:
        settings = context.settings()
        app = create_app(settings, context.site(settings), given.state_dir)
    except (ConfigurationError, SiteFileError, CatalogueError, NoKey) as error:
        log.error("%s", error)
        return 2
    configuration = uvicorn.Config(
        app,
        host=settings.bind,
        port=settings.ports.shop,
        access_log=False,
        log_config=None,
        log_level="warning",
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=_GRACE_S,
    )
    server = Server(configuration)
    server.run()
    return 0 if server.started else 1


if __name__ == "__main__":
    sys.exit(main())
