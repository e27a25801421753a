"""JSON as SDKs really write it.

Two things that are not JSON are mended instead of losing a whole batch: bare `NaN` and `Infinity`
(Python SDKs), which become null, and halves of a surrogate pair (text cut in the middle of an
emoji), which become the replacement character. Mending runs only after strict decoding failed.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from typing import TypeVar

import msgspec

from ingest.collector.errors import MalformedBody, RefusedEvent
from schemas.batch import UNREADABLE
from schemas.event import EMPTY_PROPERTIES
from schemas.reasons import Reason

NAN_NULLED = "nan_nulled"
SURROGATE_REPLACED = "surrogate_replaced"

# A string without its closing quote matches too: otherwise hostile input costs quadratic time.
_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*+"?|-?\bInfinity\b|\bNaN\b', re.DOTALL)
_ESCAPE = re.compile(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"  # a pair
    rb"|(\\u[dD][89a-fA-F][0-9a-fA-F]{2})"  # half of one
    rb"|\\.",
    re.DOTALL,
)

T = TypeVar("T")


class Text:
    """A body, mended where it had to be, that still knows every part's original bytes."""

    __slots__ = ("_cuts", "_from", "_notes", "_original", "_shifts", "body")

    def __init__(self, body: bytes) -> None:
        self.body = self._original = body
        self._cuts: Sequence[int] = ()  # positions in `body` behind each mended token
        self._shifts: Sequence[int] = ()  # what to add there to get the position in the original
        self._notes: Sequence[str] = ()  # one a cut
        self._from = 0

    def part(self, raw: msgspec.Raw) -> tuple[bytes, list[str]]:
        """Original bytes and notes of one part of the body; ask for the parts in their order."""
        text = bytes(raw)
        if not self._cuts:
            return text, []
        start = self.body.index(text, self._from)
        end = self._from = start + len(text)
        low, high = bisect_right(self._cuts, start), bisect_right(self._cuts, end)
        original = self._original[start + self._shift(low) : end + self._shift(high)]
        return original, sorted(set(self._notes[low:high]))

    @property
    def notes(self) -> list[str]:
        """What was mended anywhere in it."""
        return sorted(set(self._notes))

    def _shift(self, cuts: int) -> int:
        return self._shifts[cuts - 1] if cuts else 0

    def mend(self) -> bool:
        """Mends `body` in place; False where there was nothing to mend."""
        pieces: list[bytes] = []
        cuts: list[int] = []
        shifts: list[int] = []
        notes: list[str] = []
        last = length = 0
        for token in _TOKEN.finditer(self._original):
            mended, note = _mend_token(token[0])
            if not note:
                continue
            pieces += (self._original[last : token.start()], mended)
            length += token.start() - last + len(mended)
            last = token.end()
            cuts.append(length)
            shifts.append(last - length)
            notes.append(note)
        self._cuts, self._shifts, self._notes = cuts, shifts, notes
        self.body = b"".join([*pieces, self._original[last:]])
        return bool(cuts)


def _mend_token(token: bytes) -> tuple[bytes, str]:
    if token[0] != 0x22:
        return b"null", NAN_NULLED
    if rb"\u" not in token:
        return token, ""
    mended = _ESCAPE.sub(lambda found: rb"\ufffd" if found[1] else found[0], token)
    return mended, SURROGATE_REPLACED if mended != token else ""


def read_envelope(decoder: msgspec.json.Decoder[T], body: bytes) -> tuple[T, Text]:
    """The decoded envelope and the text it was read from. Raises MalformedBody."""
    text = Text(body)
    try:
        return decoder.decode(body), text
    except msgspec.ValidationError as error:
        raise MalformedBody(str(error)) from error
    except UNREADABLE as error:
        if not text.mend():
            raise MalformedBody(_say(error)) from error
    try:
        return decoder.decode(text.body), text
    except UNREADABLE as error:
        raise MalformedBody(_say(error)) from error


def read_event(decoder: msgspec.json.Decoder[T], raw: bytes | msgspec.Raw) -> T:
    """One event of an envelope. Raises RefusedEvent."""
    try:
        return decoder.decode(raw)
    except msgspec.ValidationError as error:
        raise RefusedEvent(Reason.WRONG_TYPE, str(error)) from error
    except UNREADABLE as error:
        raise RefusedEvent(Reason.MALFORMED_JSON, _say(error)) from error


_NOTHING = (b"", b"null", b"{}")
_object_decoder: msgspec.json.Decoder[dict[str, object]] = msgspec.json.Decoder(dict[str, object])


def read_properties(raw: msgspec.Raw, field: str) -> tuple[msgspec.Raw, dict[str, object]]:
    """A free object as one line of JSON that everybody can decode, and decoded.

    Absent and null are the empty object. Raises RefusedEvent for anything else.
    """
    text = bytes(raw)
    if text in _NOTHING:
        return EMPTY_PROPERTIES, {}
    try:
        decoded = _object_decoder.decode(raw)
    except msgspec.ValidationError as error:
        raise RefusedEvent(Reason.WRONG_TYPE, f"{field}: {error}") from error
    except UNREADABLE as error:
        raise RefusedEvent(Reason.MALFORMED_JSON, f"{field}: {_say(error)}") from error
    if b"\n" in text or b"\r" in text:
        raw = one_line(text)
    return raw, decoded


def one_line(text: bytes) -> msgspec.Raw:
    """JSON text as it may stand in a record, which is one line."""
    if b"\n" in text or b"\r" in text:
        text = msgspec.json.format(text, indent=-1)
    return msgspec.Raw(text)


def with_members(raw: msgspec.Raw, members: dict[str, str]) -> msgspec.Raw:
    """The object with `members` put in front of its own."""
    if not members:
        return raw
    added, own = msgspec.json.encode(members), bytes(raw).strip()
    return msgspec.Raw(added[:-1] + (b"," if own[1:-1].strip() else b"") + own[1:])


def _say(error: BaseException) -> str:
    return "nested too deeply" if isinstance(error, RecursionError) else str(error)
