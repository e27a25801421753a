"""Forms that browsers post: bounded, and from our own pages only."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

from starlette.exceptions import HTTPException
from starlette.requests import Request

MAX_BYTES = 16 * 1024
MAX_FIELDS = 64


class Form:
    """The fields of a form; text that is not there is ''."""

    def __init__(self, fields: list[tuple[str, str]]) -> None:
        self._fields = fields

    def text(self, name: str, most: int) -> str:
        """The last field of this name, without control characters, cut at `most` characters."""
        found = [value for key, value in self._fields if key == name]
        clean = "".join(letter for letter in found[-1] if letter.isprintable()) if found else ""
        return " ".join(clean.split())[:most]

    def secret(self, name: str, most: int) -> str:
        """A password, as it was typed; longer than `most` characters it keeps one more."""
        found = [value for key, value in self._fields if key == name]
        return found[-1][: most + 1] if found else ""

    def number(self, name: str, low: int, high: int, default: int) -> int:
        text = self.text(name, 12)
        return max(low, min(int(text), high)) if text.isascii() and text.isdigit() else default

    def all(self, name: str) -> list[str]:
        return [value for key, value in self._fields if key == name]


async def read_form(request: Request) -> Form:
    """Raises HTTPException: 413, 415, or 400 for what cannot be read."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip()
    if kind != "application/x-www-form-urlencoded":
        raise HTTPException(415, "The form is not in the form of one.")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BYTES:
            raise HTTPException(413, "The form is too long.")
    try:
        fields = parse_qsl(
            body.decode(), keep_blank_values=True, max_num_fields=MAX_FIELDS, errors="strict"
        )
    except ValueError as error:
        raise HTTPException(400, "The form cannot be read.") from error
    return Form(fields)


def require_own_page(request: Request) -> None:
    """Refuses a form of another site (403): a browser names the origin of every POST.

    Together with SameSite=Lax cookies this is enough; no page needs a token in its forms.
    """
    said = request.headers.get("origin") or request.headers.get("referer", "")
    origin = urlsplit(said)
    own = (request.url.scheme, request.headers.get("host", ""))
    if (origin.scheme, origin.netloc) != own:
        raise HTTPException(403, "This form was not sent from a page of this shop.")
