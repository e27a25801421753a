"""The encyclopedia's articles: YAML files with a little markup in their text.

Markup: `== heading`, `- item`, `**bold**`, `*italic*`, `[[Title]]`, `[[Title|words]]`; an empty
line ends a paragraph.
"""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
from markupsafe import Markup, escape

DIRECTORY = Path(__file__).parent / "articles"

_INLINE = re.compile(r"\*\*(?P<bold>[^*]+)\*\*|\*(?P<italic>[^*]+)\*|\[\[(?P<link>[^\]]+)\]\]")


class Figure(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What `infra.demo.pictures.figure` draws."""

    kind: str
    colour: str
    seed: str
    theme: str = ""


class Shop(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the shop is searched for, and in words what it has."""

    query: str
    words: str


class Section(msgspec.Struct, frozen=True):
    heading: str  # '' for the lead
    html: Markup

    @property
    def anchor(self) -> str:
        return self.heading.replace(" ", "_")


class Article(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`facts` fills the box at the side, in its order; `see_also` holds titles of articles."""

    title: str
    summary: str
    figure: Figure
    caption: str
    facts: dict[str, str]
    shop: Shop
    text: str
    see_also: list[str]

    @property
    def name(self) -> str:
        """The last part of its address: Teddy_bear."""
        return self.title.replace(" ", "_")

    @property
    def sections(self) -> list[Section]:
        """The text as HTML; the first section is the lead, without a heading."""
        parts = re.split(r"^== (.+)\n", self.text, flags=re.MULTILINE)
        headings = ["", *parts[1::2]]
        return [
            Section(heading, _blocks(text))
            for heading, text in zip(headings, parts[::2], strict=True)
        ]


class ArticleError(Exception):
    """An article cannot be shown. The message names its file."""


def load(directory: Path = DIRECTORY) -> dict[str, Article]:
    """Name -> article. Raises ArticleError, also where an article links to one that is not."""
    articles: dict[str, Article] = {}
    for path in sorted(directory.glob("*.yaml")):
        try:
            article = msgspec.yaml.decode(path.read_bytes(), type=Article)
        except msgspec.DecodeError as error:
            raise ArticleError(f"{path}: {error}") from error
        articles[article.name] = article
    for article in articles.values():
        for name in (*map(_name, article.see_also), *_linked(article.text)):
            if name not in articles:
                raise ArticleError(f"{article.name}.yaml links to {name}, which does not exist")
    return articles


def _name(title: str) -> str:
    name = "_".join(title.split())  # the text is broken into lines anywhere
    return name[:1].upper() + name[1:]


def _linked(text: str) -> list[str]:
    return [_name(link.split("|")[0]) for link in re.findall(r"\[\[([^\]]+)\]\]", text)]


def _blocks(text: str) -> Markup:
    return Markup("\n").join(_block(part) for part in re.split(r"\n\s*\n", text.strip()))


def _block(text: str) -> Markup:
    if not text.startswith("- "):
        return Markup("<p>{}</p>").format(_inline(text))
    items = re.split(r"^- ", text, flags=re.MULTILINE)[1:]
    return Markup("<ul>{}</ul>").format(
        Markup("").join(Markup("<li>{}</li>").format(_inline(item)) for item in items)
    )


def _inline(text: str) -> Markup:
    parts, end = [], 0
    for found in _INLINE.finditer(text):
        parts.append(escape(text[end : found.start()]))
        parts.append(_marked(found))
        end = found.end()
    return Markup("").join([*parts, escape(text[end:])])


def _marked(found: re.Match[str]) -> Markup:
    if found["bold"]:
        return Markup("<strong>{}</strong>").format(found["bold"])
    if found["italic"]:
        return Markup("<em>{}</em>").format(found["italic"])
    title, _, words = found["link"].partition("|")
    return Markup('<a href="/wiki/{}">{}</a>').format(_name(title), words or title)
