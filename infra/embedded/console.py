"""Lines of many programs on one output, each with the name of who said it."""

from __future__ import annotations

import os
from typing import TextIO

_COLOURS = (36, 33, 32, 35, 34, 96, 93, 92)  # ANSI foregrounds; red is left to errors
_NAME_WIDTH = 11


class Console:
    """Writes `name | text` lines; coloured on a terminal unless NO_COLOR is set.

    Once the reader of the output is gone it writes nothing more: what runs goes on running.
    """

    def __init__(self, output: TextIO) -> None:
        self._output: TextIO | None = output
        self._coloured = output.isatty() and not os.environ.get("NO_COLOR")
        self._colours: dict[str, int] = {}

    def line(self, name: str, text: str) -> None:
        if self._output is None:
            return
        prefix = f"{name:<{_NAME_WIDTH}} |"
        if self._coloured:
            colour = self._colours.setdefault(name, _COLOURS[len(self._colours) % len(_COLOURS)])
            prefix = f"\x1b[{colour}m{prefix}\x1b[0m"
        try:
            self._output.write(f"{prefix} {text}\n")
            self._output.flush()
        except BrokenPipeError:
            self._output = None
