"""The `footfall` program: one function a command, in the module of its group.

Exit codes: 0 done, 1 failed at run time, 2 wrong usage or configuration. An error is one line on
stderr that names the mend; `--debug` shows where it came from.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Sequence

import typer
from typer.exceptions import TyperException

from infra.cli import (
    alerts,
    configure,
    erase,
    imports,
    letters,
    operate,
    picks,
    query,
    rejected,
    report,
    services,
    simulate,
    visitors,
)
from infra.cli.context import Failure
from schemas.settings import ConfigurationError
from schemas.site_file import SiteFileError

app = typer.Typer(
    name="footfall",
    help="Streaming clickstream and personalization: see, recognize, decide, measure.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for group in (
    *(services, operate, query, imports, simulate, report, visitors, letters),
    *(erase, rejected, alerts, picks, configure),
):
    group.register(app)


@app.callback()
def _options(
    debug: bool = typer.Option(False, "--debug", help="Show tracebacks of errors."),
) -> None:
    """Options of every command."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs one command and exits with its code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in words
    # wherever it stands on the line, so that it can simply be appended
    words = [word for word in words if word != "--debug"]
    sys.exit(_run(words, debug))


def _run(words: Sequence[str], debug: bool) -> int:
    try:
        result = app(args=list(words), prog_name="footfall", standalone_mode=False)
        return result if isinstance(result, int) else 0
    except typer.Exit as ended:
        return ended.exit_code
    except TyperException as error:
        if said := error.format_message():  # none where the help was the answer
            _say(f"{said} (see: footfall --help)", debug)
        return 2
    except (SiteFileError, ConfigurationError) as error:
        _say(str(error), debug)
        return 2
    except (KeyboardInterrupt, typer.Abort):
        return 130
    except BrokenPipeError:
        return 0
    except Failure as error:
        _say(str(error), debug)
        return 1
    except Exception as error:  # noqa: BLE001  the outermost edge: one line instead of a traceback
        _say(f"{type(error).__name__}: {error} (--debug shows where)", debug)
        return 1


def _say(message: str, debug: bool) -> None:
    if debug:
        traceback.print_exc()
    print(f"footfall: {message}", file=sys.stderr)  # noqa: T201
