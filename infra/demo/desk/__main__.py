"""python -m infra.demo.desk: serves the desk on loopback until SIGINT or SIGTERM."""

from __future__ import annotations

import os
import signal
import sys

import uvicorn

from infra.demo.desk.app import create_app
from personalize_api.caller.access import LOOPBACK
from schemas.settings import ConfigurationError, Settings


def main() -> int:
    """Exit code 2 where the environment is wrong; uvicorn exits with 3 where the port is taken."""
    try:
        settings = Settings.from_environment(os.environ)
        if settings.bind not in LOOPBACK | {"localhost"}:
            raise ConfigurationError(
                f"FOOTFALL_BIND is {settings.bind}: the SQL desk asks no password, so it listens "
                "on loopback only (FOOTFALL_BIND=127.0.0.1)"
            )
    except ConfigurationError as error:
        print(f"desk: {error}", file=sys.stderr)  # noqa: T201
        return 2
    # uvicorn raises the signal again after a clean stop; by then there is nothing left to end
    signal.signal(signal.SIGTERM, lambda *_: None)
    uvicorn.run(
        create_app(settings),
        host=settings.bind,
        port=settings.ports.desk,
        access_log=False,
        log_level="warning",
        proxy_headers=False,  # a forwarding header is a reason to refuse, never an address
        server_header=False,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
