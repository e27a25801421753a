"""make demo: the stack, the shop and its shoppers, until Ctrl-C; `--once` ends by itself."""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
from pathlib import Path

from rich.console import Console as Terminal

from infra.demo.place import Place, log_beside, place
from infra.demo.screen import Screen
from infra.demo.story import DemoFailed, Story
from infra.embedded.console import Console
from infra.embedded.service import EmbeddedError
from infra.embedded.stack import run_stack
from schemas.settings import ConfigurationError
from schemas.site_file import SiteFileError

LAST_LINES = 15


def main() -> int:
    """0 after Ctrl-C or a complete `--once`, 1 where something failed, 2 for wrong usage."""
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    parser.add_argument("--once", action="store_true", help="do everything, show it, stop")
    parser.add_argument("--empty", action="store_true", help="no log and no simulated shoppers")
    parser.add_argument("--log", type=Path, help="a web-server log to import; default: one of ours")
    given = parser.parse_args()
    if given.log is not None and not given.log.is_file():
        parser.error(f"LOG={given.log} is not there")
    screen = Screen(Terminal())
    try:
        with place() as here:
            story = Story(here, screen, given.log or log_beside(), once=given.once)
            return _run(here, screen, None if given.empty else story)
    except (ConfigurationError, SiteFileError) as error:
        screen.failed(str(error))
        return 2


def _run(here: Place, screen: Screen, story: Story | None) -> int:
    async def while_up() -> None:
        screen.up(here)
        if story is None:
            screen.links(here)
            await asyncio.Event().wait()
        else:
            await story()

    output = here.directory / "services.log"
    with output.open("w") as lines:
        logging.basicConfig(stream=lines, level=logging.INFO, format="%(levelname)s %(message)s")
        screen.starting()
        try:
            asyncio.run(
                run_stack(
                    here.settings,
                    here.site_file,
                    here.directory,
                    while_up=while_up,
                    environment=here.environment,
                    console=Console(lines),
                    pages=here.pages,
                )
            )
        except (EmbeddedError, DemoFailed) as error:
            lines.flush()
            screen.failed(str(error), output.read_text().splitlines()[-LAST_LINES:])
            return 1
    screen.stopped()
    return 0


if __name__ == "__main__":
    sys.exit(main())
