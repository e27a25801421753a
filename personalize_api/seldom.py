"""A logger for what could happen at every request: one line in ten seconds, with the count."""

from __future__ import annotations

import logging
import time

_EVERY_S = 10.0


class SeldomLogger:
    """What a burst of trouble says is the same line many times; metrics count, this tells."""

    def __init__(self, logger: logging.Logger) -> None:
        self._logger = logger
        self._last = -_EVERY_S
        self._unsaid = 0

    def warning(self, message: str, *arguments: object) -> None:
        self._say(logging.WARNING, message, arguments, None)

    def error(self, message: str, error: BaseException) -> None:
        """With its traceback."""
        self._say(logging.ERROR, message, (), error)

    def _say(
        self, level: int, message: str, arguments: tuple[object, ...], error: BaseException | None
    ) -> None:
        now = time.monotonic()
        if now - self._last < _EVERY_S:
            self._unsaid += 1
            return
        more = f" (and {self._unsaid} more since the last such line)" if self._unsaid else ""
        self._last, self._unsaid = now, 0
        self._logger.log(level, message + more, *arguments, exc_info=error)
