"""Sheets of screenshots, as HTML for a browser to draw. Every image is carried in the page."""

from __future__ import annotations

import base64
import html

import msgspec

# Stands on white and on black alike: a page of its own colour with round corners.
_STYLE = """
* { box-sizing: border-box; margin: 0; }
.sheet { width: 1600px; border-radius: 28px; color: #1d2433; display: grid;
  font-family: system-ui, "DejaVu Sans", sans-serif; background: #eaeff7; }
figcaption b { font-size: 29px; line-height: 36px; letter-spacing: -.3px; }
.frame { position: relative; border-radius: 14px; background: #fff;
  box-shadow: 0 0 0 1px #1d243322, 0 14px 30px #1d243324; }
.page { display: block; width: 100%; object-fit: cover; object-position: top; }
.visit { grid-template-columns: 1fr 1fr; gap: 40px; padding: 40px 44px 52px; }
.visit figcaption { display: grid; grid-template-columns: 52px 1fr; column-gap: 16px;
  align-items: center; margin-bottom: 16px; }
.visit i { grid-row: span 2; width: 52px; height: 52px; border-radius: 50%; background: #2f6fb7;
  color: #fff; font: 700 28px/52px system-ui, "DejaVu Sans", sans-serif; text-align: center; }
.visit small { font-size: 21px; line-height: 28px; color: #4c566a; }
.visit .page { height: 530px; border-radius: 0 0 14px 14px; }
.bar { display: flex; align-items: center; gap: 9px; height: 40px; padding: 0 15px;
  background: #d7deea; border-radius: 14px 14px 0 0; }
.bar s { width: 13px; height: 13px; border-radius: 50%; background: #a9b4c6; }
.bar span { flex: 1; margin-left: 10px; padding: 0 16px; border-radius: 14px; background: #fff;
  font-size: 18px; line-height: 28px; color: #4c566a; white-space: nowrap; }
.callout { position: absolute; right: -18px; bottom: -18px; width: 500px; border-radius: 22px;
  box-shadow: 0 0 0 1px #1d24331f, 0 16px 40px #1d24335c; }
.homepages { grid-template-columns: repeat(4, 1fr); gap: 30px 26px; padding: 36px 40px 44px; }
.homepages figcaption { margin-bottom: 8px; }
.homepages b { font-size: 26px; }
.homepages .page { border-radius: 14px; }
"""


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One screenshot (PNG) with what it shows. `callout`: a part of it, to be seen larger."""

    caption: str
    more: str
    address: str
    screenshot: bytes
    callout: bytes = b""


def visit(steps: list[Step]) -> str:
    """Numbered browser windows, two a row."""
    return _sheet("visit", "".join(_window(n, step) for n, step in enumerate(steps, start=1)))


def homepages(screenshots: dict[str, bytes]) -> str:
    """Pages under their names, four a row."""
    figures = (
        f"<figure><figcaption><b>{html.escape(name)}</b></figcaption>"
        f'<div class="frame">{_image(png, "page")}</div></figure>'
        for name, png in screenshots.items()
    )
    return _sheet("homepages", "".join(figures))


def _window(number: int, step: Step) -> str:
    callout = _image(step.callout, "callout") if step.callout else ""
    return (
        f"<figure><figcaption><i>{number}</i><b>{html.escape(step.caption)}</b>"
        f"<small>{html.escape(step.more)}</small></figcaption>"
        f'<div class="frame"><div class="bar"><s></s><s></s><s></s>'
        f"<span>{html.escape(step.address)}</span></div>"
        f"{_image(step.screenshot, 'page')}{callout}</div></figure>"
    )


def _image(png: bytes, kind: str) -> str:
    return f'<img class="{kind}" src="data:image/png;base64,{base64.b64encode(png).decode()}">'


def _sheet(kind: str, figures: str) -> str:
    return (
        f'<!doctype html><meta charset="utf-8"><style>{_STYLE}</style>'
        f'<div class="sheet {kind}">{figures}</div>'
    )
