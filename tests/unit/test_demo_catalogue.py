"""The shop's catalogue is whole, what it is asked is answered, and everything in it is drawn."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from collections import Counter
from pathlib import Path

import msgspec
import pytest

from infra.demo.catalogue import FILE, Catalogue, CatalogueError, Product, load
from infra.demo.pictures import KINDS, figure, logo, picture_of, wordmark

SVG = "{http://www.w3.org/2000/svg}"
TEDDY, TOP = "bruno-the-bear", "twirl-spinning-top"


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return load()


def product(catalogue: Catalogue, slug: str) -> Product:
    found = catalogue.by_slug(slug)
    assert found is not None, slug
    return found


def titles(products: list[Product]) -> list[str]:
    return [each.title for each in products]


class TestWhatIsInIt:
    def test_some_three_hundred_articles_a_fifth_of_them_books(self, catalogue: Catalogue) -> None:
        assert 300 <= len(catalogue.products) <= 350
        assert 50 <= len(catalogue.in_category("books")) <= 70

    def test_no_category_is_thin(self, catalogue: Catalogue) -> None:
        sizes = Counter(each.category for each in catalogue.products)
        assert set(sizes) == {category.slug for category in catalogue.categories}
        assert min(sizes.values()) >= 12

    @pytest.mark.parametrize("column", ["sku", "slug", "title", "description"])
    def test_nothing_is_there_twice(self, catalogue: Catalogue, column: str) -> None:
        values = [getattr(each, column) for each in catalogue.products]
        assert [value for value, times in Counter(values).items() if times > 1] == []

    def test_prices_and_ages_are_plausible(self, catalogue: Catalogue) -> None:
        for each in catalogue.products:
            assert 500 <= each.price <= each.list_price <= 40_000, each.title
            assert 0 <= each.age_from < each.age_to <= 99, each.title

    def test_a_description_is_two_sentences(self, catalogue: Catalogue) -> None:
        for each in catalogue.products:
            assert len(re.findall(r"[.!?](?=\s|$)", each.description)) >= 2, each.title

    def test_the_two_toys_of_the_encyclopedia_lead_the_bestsellers(
        self, catalogue: Catalogue
    ) -> None:
        best = catalogue.bestsellers(20)
        assert [each.slug for each in best[:2]] == [TEDDY, TOP]
        assert [each.bestseller for each in best] == list(range(1, 21))
        assert all(each.stock for each in best)

    def test_some_forty_have_an_offer_and_a_few_are_sold_out(self, catalogue: Catalogue) -> None:
        assert 35 <= sum(each.on_offer for each in catalogue.products) <= 45
        assert 3 <= sum(not each.stock for each in catalogue.products) <= 20

    def test_every_age_finds_a_full_page(self, catalogue: Catalogue) -> None:
        for age in range(15):
            assert len(catalogue.for_age(age, 20)) == 20


class TestQuestions:
    def test_by_sku_and_slug(self, catalogue: Catalogue) -> None:
        bear = product(catalogue, TEDDY)
        assert catalogue.by_sku(bear.sku) is bear
        assert catalogue.by_slug("no-such-bear") is None

    def test_ages_read_as_on_a_box(self, catalogue: Catalogue) -> None:
        assert product(catalogue, TOP).ages == "3+"
        assert product(catalogue, "seven-rings").ages == "0–3"

    def test_offers_come_with_the_largest_discount_first(self, catalogue: Catalogue) -> None:
        discounts = [each.discount for each in catalogue.offers(10)]
        assert discounts == sorted(discounts, reverse=True)
        assert discounts[-1] > 0

    def test_for_age_suits_the_child_and_deals_from_all_shelves(self, catalogue: Catalogue) -> None:
        picks = catalogue.for_age(4, 12)
        assert all(each.suits(4) and each.stock for each in picks)
        assert len({each.category for each in picks}) >= 10

    def test_similar_is_of_the_same_kind_and_never_itself(self, catalogue: Catalogue) -> None:
        bear = product(catalogue, TEDDY)
        similar = catalogue.similar(bear, 4)
        assert [each.kind for each in similar] == ["teddy"] * 4
        assert bear not in similar

    def test_a_category_shows_its_best_known_first_and_what_is_sold_out_last(
        self, catalogue: Catalogue
    ) -> None:
        for category in catalogue.categories:
            shelf = catalogue.in_category(category.slug)
            stocked = [bool(each.stock) for each in shelf]
            assert stocked == sorted(stocked, reverse=True)
        assert catalogue.in_category("cuddly-toys")[0].slug == TEDDY


class TestSearch:
    def test_every_word_must_match(self, catalogue: Catalogue) -> None:
        wooden_trains = catalogue.search("wooden train")
        assert {each.kind for each in wooden_trains} == {"train"}
        assert catalogue.search("wooden telescope") == []

    def test_the_teddy_leads_what_is_found_for_teddy_bear(self, catalogue: Catalogue) -> None:
        assert catalogue.search("teddy bear")[0].slug == TEDDY
        assert catalogue.search("spinning top")[0].slug == TOP

    def test_case_accents_and_plural_do_not_matter(self, catalogue: Catalogue) -> None:
        wanted = titles(catalogue.search("puzzle"))
        assert titles(catalogue.search("PÚZZLES")) == wanted
        assert len(wanted) >= 15

    def test_the_beginning_of_a_word_is_enough(self, catalogue: Catalogue) -> None:
        assert product(catalogue, "pond-life-microscope") in catalogue.search("micro")

    def test_the_beginning_of_a_makers_name_is_not(self, catalogue: Catalogue) -> None:
        ukulele = product(catalogue, "little-wave-ukulele")
        assert ukulele.maker == "Drumlin"
        assert ukulele not in catalogue.search("drum")
        assert ukulele in catalogue.search("drumlin")

    def test_a_number_finds_an_attribute(self, catalogue: Catalogue) -> None:
        assert titles(catalogue.search("1000 pieces")) == ["The Great Night Train"]

    def test_small_words_are_passed_over(self, catalogue: Catalogue) -> None:
        assert catalogue.search("a book about space") == catalogue.search("book space") != []

    @pytest.mark.parametrize("text", ["", "   ", "?!", "xyzzy", "'; DROP TABLE", "a" * 10_000])
    def test_nothing_is_found_for_nothing(self, catalogue: Catalogue, text: str) -> None:
        assert catalogue.search(text) == []


class TestFile:
    HEADER, FIRST, SECOND = FILE.read_text(encoding="utf-8").splitlines()[:3]

    def write(self, path: Path, *lines: str) -> Path:
        file = path / "catalogue.csv"
        file.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return file

    def test_two_good_lines_are_two_products(self, tmp_path: Path) -> None:
        assert len(load(self.write(tmp_path, self.HEADER, self.FIRST, self.SECOND)).products) == 2

    @pytest.mark.parametrize(
        ("old", "new", "said"),
        [
            (",34.90,34.90,", ",3490,34.90,", "price must be an amount like 34.90"),
            (",34.90,34.90,", ",34.90,20.00,", "list_price is below price"),
            (",cuddly-toys,", ",cudly-toys,", "no category 'cudly-toys'"),
            (",0,99,", ",9,3,", "age_from is above age_to"),
            ("#b5793f", "brown", "colour is #rrggbb"),
            ("height_cm=32", "height_cm", "name=value"),
            ("bruno-the-bear", "Bruno", "slug has"),
        ],
    )
    def test_a_mistake_is_named_with_file_and_line(
        self, tmp_path: Path, old: str, new: str, said: str
    ) -> None:
        assert old in self.FIRST
        file = self.write(tmp_path, self.HEADER, self.SECOND, self.FIRST.replace(old, new, 1))
        with pytest.raises(CatalogueError, match=re.escape(said)) as error:
            load(file)
        assert str(error.value).startswith(f"{file}, line 3: ")

    def test_a_repeated_sku_names_the_first_line(self, tmp_path: Path) -> None:
        file = self.write(tmp_path, self.HEADER, self.FIRST, self.FIRST)
        with pytest.raises(CatalogueError, match=r"line 3: sku T-0001 is already in line 2"):
            load(file)

    def test_a_missing_cell_and_a_wrong_header_are_mistakes(self, tmp_path: Path) -> None:
        short = self.FIRST.replace(",cuddly-toys", "", 1)
        with pytest.raises(CatalogueError, match=r"line 2: a row has 15 cells"):
            load(self.write(tmp_path, self.HEADER, short))
        with pytest.raises(CatalogueError, match=r"line 1: the header must be sku,slug,"):
            load(self.write(tmp_path, self.HEADER.replace("colour", "color"), self.FIRST))


class TestPictures:
    def test_every_kind_that_is_sold_is_drawn_and_every_drawing_is_used(
        self, catalogue: Catalogue
    ) -> None:
        assert {each.kind for each in catalogue.products} == KINDS

    def test_every_picture_is_square_and_takes_nothing_from_outside(
        self, catalogue: Catalogue
    ) -> None:
        for each in catalogue.products:
            picture = picture_of(each)
            root = ElementTree.fromstring(picture)
            assert (root.tag, root.get("viewBox")) == (f"{SVG}svg", "0 0 400 400")
            tags = {element.tag.removeprefix(SVG) for element in root.iter()}
            assert tags <= {"svg", "g", "path", "circle", "ellipse", "rect", "clipPath"}
            assert "http" not in picture.replace("http://www.w3.org/2000/svg", "")
            assert "nan" not in picture, each.title
            assert len(picture) < 20_000, each.title

    def test_no_two_products_look_the_same_and_each_always_looks_the_same(
        self, catalogue: Catalogue
    ) -> None:
        pictures = {picture_of(each) for each in catalogue.products}
        assert len(pictures) == len(catalogue.products)
        assert picture_of(catalogue.products[0]) in pictures

    def test_the_colour_of_a_product_is_in_its_picture(self, catalogue: Catalogue) -> None:
        bear = product(catalogue, TEDDY)
        assert bear.colour in picture_of(bear)
        blue = msgspec.structs.replace(bear, colour="#2255aa")
        assert "#2255aa" in picture_of(blue)

    def test_every_kind_can_be_drawn_whatever_the_seed(self) -> None:
        for kind in KINDS:
            for seed in range(12):
                ElementTree.fromstring(figure(kind, "#336699", f"{kind} {seed}", "no such theme"))

    def test_clips_of_two_pictures_on_a_page_have_names_of_their_own(
        self, catalogue: Catalogue
    ) -> None:
        names = [
            name
            for each in catalogue.products
            for name in re.findall(r'<clipPath id="([^"]+)"', picture_of(each))
        ]
        assert names
        assert len(set(names)) == len(names)

    @pytest.mark.parametrize("sign", [logo(), wordmark()])
    def test_the_sign_is_svg(self, sign: str) -> None:
        assert ElementTree.fromstring(sign).tag == f"{SVG}svg"
