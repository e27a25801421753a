"""python -m infra.demo.encyclopedia: serves the encyclopedia until SIGINT or SIGTERM."""

from __future__ import annotations

import os
import signal
import sys

import uvicorn

from infra.demo.encyclopedia.app import create_app
from infra.demo.encyclopedia.articles import ArticleError
from schemas.settings import ConfigurationError, Settings


def main() -> int:
    """Exit code 2 where the environment is wrong; uvicorn exits with 3 where the port is taken."""
    try:
        settings = Settings.from_environment(os.environ)
        app = create_app(settings)
    except (ConfigurationError, ArticleError) as error:
        print(f"encyclopedia: {error}", file=sys.stderr)  # noqa: T201
        return 2
    # uvicorn raises the signal again after a clean stop; by then there is nothing left to end
    signal.signal(signal.SIGTERM, lambda *_: None)
    uvicorn.run(
        app,
        host=settings.bind,
        port=settings.ports.encyclopedia,
        access_log=False,
        log_level="warning",
        proxy_headers=False,
        server_header=False,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
