"""What the shop sells: a product, a category, and the categories there are."""

from __future__ import annotations

import msgspec

NO_UPPER_AGE = 99  # `age_to` of what is good for grown-ups too


class Product(msgspec.Struct, frozen=True, kw_only=True):
    """One article of the shop. Money is in euro cents, ages in years, both ends included."""

    sku: str
    slug: str  # its page is /p/<slug>
    title: str
    maker: str  # makers and publishers are invented
    category: str  # slug of a category
    kind: str  # what it is ('teddy', 'kite'); chooses the drawing
    price: int
    list_price: int  # before an offer; equals `price` where there is none
    age_from: int
    age_to: int
    colour: str  # #rrggbb
    stock: int
    bestseller: int  # rank from 1; 0: none
    attributes: dict[str, str | float]
    description: str

    @property
    def on_offer(self) -> bool:
        return self.price < self.list_price

    @property
    def discount(self) -> int:
        """Per cent off the list price, rounded; 0 without an offer."""
        return round(100 * (self.list_price - self.price) / self.list_price)

    @property
    def ages(self) -> str:
        """'3+', or '0–3' where it is meant for the small."""
        if self.age_to == NO_UPPER_AGE:
            return f"{self.age_from}+"
        return f"{self.age_from}–{self.age_to}"

    def suits(self, age: int) -> bool:
        return self.age_from <= age <= self.age_to


class Category(msgspec.Struct, frozen=True):
    slug: str
    title: str
    line: str  # one sentence for its page


CATEGORIES = (
    Category("cuddly-toys", "Cuddly toys", "Soft company for big days and long nights."),
    Category("wooden-toys", "Wooden toys", "Beech, maple and lime, made to be handed down."),
    Category("building", "Building", "Blocks, beams and marble runs for engineers of every size."),
    Category("vehicles", "Vehicles", "Everything that rolls, floats, flies or whistles."),
    Category(
        "dolls-and-figures", "Dolls and figures", "A cast for every story that needs telling."
    ),
    Category("games", "Games", "For rainy Sundays and for sore losers who improve."),
    Category(
        "puzzles", "Puzzles", "From four pieces to two thousand, and some without any picture."
    ),
    Category(
        "crafts", "Arts and crafts", "Paint, clay, wool and paper, for hands that want to make."
    ),
    Category("outdoor", "Outdoor", "Fresh air, wet grass, grazed knees."),
    Category("music", "Music", "First instruments that are really in tune."),
    Category("science", "Science and discovery", "Lenses, circuits and questions without an end."),
    Category("books", "Books", "To be read aloud, under the blanket, and once more."),
)


class CatalogueError(Exception):
    """The file is no catalogue. The message names file and line."""
