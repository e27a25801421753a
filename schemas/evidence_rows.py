"""What an event says for funnels, in half bytes: a row of the table that `schemas.evidence` packs.

A row is the steps that an event satisfies, a mask a funnel, and the texts of each funnel that it
enters. Nearly every mask is one step and nearly every text one of a few, so each takes a digit of
hexadecimal:

    row     number of bytes after this one, number of masks, the masks; for each mask that enters:
            number of texts, the texts; 0 where the digits are odd in number
    bytes   1 to e; f: the next three bytes are their number
    number  0 to e: itself; f: number of digits, digits
    mask    0: none; 1 to d: step 0 to 12 alone; e: what breaks a strict funnel; f: as a number
    text    0 to d: that of OFTEN; e: two digits, that of FREQUENT; f: its bytes' number, its bytes

The same rows are in the tables of most devices: they are worked out once.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import TypeVar

from schemas.step_masks import BREAK, enters

OFTEN = (
    *("", "desktop", "phone", "tablet", "direct", "internal", "search", "social"),
    *("email", "paid", "referral", "ai", "Google", "Bing"),
)
"""Texts that are stored as one digit, 14 of them."""

FREQUENT = (
    *("", "desktop", "phone", "tablet", "tv"),
    *("direct", "internal", "search", "social", "email", "paid", "ai", "referral", "unknown"),
    *("Google", "Bing", "DuckDuckGo", "Yahoo", "Yandex", "Baidu", "Ecosia", "Brave", "Startpage"),
    *("Facebook", "Instagram", "YouTube", "TikTok", "X", "LinkedIn", "Pinterest", "Reddit"),
    *("WhatsApp", "ChatGPT", "Perplexity", "Claude", "Gemini", "Gmail", "Outlook"),
)
"""Other texts that breakdowns often name, stored as three digits. What is stored names texts by
their place here and in OFTEN: only append, and at most 256.
"""

Row = tuple[tuple[int, ...], tuple[tuple[str, ...], ...]]

_MASK_OF = {"0": 0, **{f"{step + 1:x}": 1 << step for step in range(13)}, "e": BREAK}
_TEXT_OF = {f"{number:x}": text for number, text in enumerate(OFTEN)}
_DIGIT_OF_MASK = {mask: digit for digit, mask in _MASK_OF.items()}
_DIGITS_OF_TEXT = {
    **{text: f"e{number:02x}" for number, text in enumerate(FREQUENT)},
    **{text: digit for digit, text in _TEXT_OF.items()},
}

Known = TypeVar("Known")


@lru_cache(maxsize=10_000)
def encode_row(steps: tuple[int, ...], values: tuple[tuple[str, ...], ...]) -> bytes:
    """At least one mask, and texts for each that enters."""
    digits = [_number(len(steps)), *(_DIGIT_OF_MASK.get(m) or _long(f"{m:x}") for m in steps)]
    for texts in values:
        digits.append(_number(len(texts)))
        digits.extend(_DIGITS_OF_TEXT.get(text) or _text(text) for text in texts)
    joined = "".join(digits)
    following = len(joined) // 2
    if following < 15:
        joined = f"{following:x}{joined}"
    else:
        joined = f"f{joined[0]}{following:06x}{joined[1:]}"
    return bytes.fromhex(joined if len(joined) % 2 == 0 else joined + "0")


def split_rows(table: bytes) -> list[bytes]:
    """A table's rows, each as `encode_row` wrote it. Raises IndexError for none of its tables."""
    at, rows = 0, []
    while at < len(table):
        following = table[at] >> 4
        if following == 15:
            following = 3 + int.from_bytes(table[at + 1 : at + 4], "big")
        end = at + 1 + following
        rows.append(table[at:end])
        at = end
    return rows


def _number(number: int) -> str:
    return f"{number:x}" if number < 15 else _long(f"{number:x}")


def _long(digits: str) -> str:
    return f"f{len(digits):x}{digits}"


def _text(text: str) -> str:
    encoded = text.encode()
    return f"f{_number(len(encoded))}{encoded.hex()}"


def decode_row(row: bytes) -> Row:
    """Raises ValueError or IndexError for what `encode_row` did not write."""
    digits = row.hex()
    if digits[0] == "f":
        digits = f"f{digits[1]}{digits[8:]}"
    masks, at = _read_number(digits, 1)
    steps, at = _read_all(digits, at, masks, _MASK_OF, _read_mask)
    values = []
    for mask in steps:
        if enters(mask):
            count, at = _read_number(digits, at)
            texts, at = _read_all(digits, at, count, _TEXT_OF, _read_text)
            values.append(texts)
    return steps, tuple(values)


def _read_all(
    digits: str,
    at: int,
    count: int,
    known: dict[str, Known],
    read: Callable[[str, int], tuple[Known, int]],
) -> tuple[tuple[Known, ...], int]:
    """So many, which are mostly one digit each; and the place after them."""
    try:
        usual = tuple([known[digit] for digit in digits[at : at + count]])
    except KeyError:
        usual = ()
    if len(usual) == count:
        return usual, at + count
    found = []
    for _ in range(count):
        one, at = read(digits, at)
        found.append(one)
    return tuple(found), at


def _read_number(digits: str, at: int) -> tuple[int, int]:
    if digits[at] != "f":
        return int(digits[at], 16), at + 1
    return _read_long(digits, at + 1)


def _read_long(digits: str, at: int) -> tuple[int, int]:
    end = at + 1 + int(digits[at], 16)
    return int(digits[at + 1 : end], 16), end


def _read_mask(digits: str, at: int) -> tuple[int, int]:
    digit = digits[at]
    return _read_long(digits, at + 1) if digit == "f" else (_MASK_OF[digit], at + 1)


def _read_text(digits: str, at: int) -> tuple[str, int]:
    digit = digits[at]
    if digit == "e":
        return FREQUENT[int(digits[at + 1 : at + 3], 16)], at + 3
    if digit != "f":
        return _TEXT_OF[digit], at + 1
    length, at = _read_number(digits, at + 1)
    end = at + 2 * length
    return bytes.fromhex(digits[at:end]).decode(), end
