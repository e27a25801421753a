"""The live page's files: what they load, what they may do, and who can read them."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest

import personalize_api

PAGE = Path(personalize_api.__file__).parent / "ops"
VENDOR = PAGE / "vendor"
OURS = sorted(path for path in PAGE.iterdir() if path.suffix in (".js", ".css", ".html"))
TEXT_AA, MARK_AA = 4.5, 3.0  # WCAG 2.2, 1.4.3 and 1.4.11


def test_vendored_files_are_those_of_the_manifest() -> None:
    """`sha256sum */* > SHA256SUMS`, taken from the packages of npm."""
    lines = (VENDOR / "SHA256SUMS").read_text().splitlines()
    listed = {name: digest for digest, name in (line.split("  ", 1) for line in lines)}
    there = {
        path.relative_to(VENDOR).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in VENDOR.glob("*/*")
    }
    assert there == listed
    for folder in VENDOR.iterdir():
        assert not folder.is_dir() or (folder / "LICENSE").is_file()


@pytest.mark.parametrize("path", OURS, ids=lambda path: path.name)
def test_nothing_becomes_markup_or_comes_from_elsewhere(path: Path) -> None:
    text = path.read_text()
    for word in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("):
        assert word not in text
    assert not re.search(r"https?:", text)
    if path.suffix == ".html":
        assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\son\w+=|\sstyle=", text)
    assert len(text.splitlines()) < 300


def test_every_file_that_is_asked_for_is_there() -> None:
    for path in OURS:
        text = path.read_text()
        asked = re.findall(r'["(](/ops/[\w./-]+\.\w+)', text)
        asked += [f"/ops/{name}" for name in re.findall(r'from "\./([\w.-]+)"', text)]
        for address in asked:
            assert (PAGE / address.removeprefix("/ops/")).is_file(), f"{path.name}: {address}"


def themes() -> dict[str, dict[str, str]]:
    text = (PAGE / "base.css").read_text()
    light, dark = re.findall(r"^(?::root|\[data-theme=\"dark\"\]) \{(.*?)\}", text, re.M | re.S)
    named = re.compile(r"--([\w-]+): (#[0-9a-f]{6})")
    return {"light": dict(named.findall(light)), "dark": dict(named.findall(dark))}


def linear(colour: str) -> list[float]:
    """Linear light of red, green and blue, as WCAG has it."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    return [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]


def luminance(light: list[float]) -> float:
    return sum(part * weight for part, weight in zip(light, (0.2126, 0.7152, 0.0722), strict=True))


def contrast(one: str, other: str) -> float:
    bright, dark = sorted((luminance(linear(one)), luminance(linear(other))), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(
    ("ink", "grounds"),
    [
        ("ink", ["paper", "card", "raised", "blue-soft", "orange-soft", "red-soft"]),
        ("soft", ["paper", "card", "raised"]),
        ("blue", ["card", "raised"]),
        ("orange", ["card"]),
        ("red", ["paper", "card"]),
    ],
)
def test_every_text_can_be_read(theme: str, ink: str, grounds: list[str]) -> None:
    colours = themes()[theme]
    for ground in grounds:
        assert contrast(colours[ink], colours[ground]) >= TEXT_AA, f"{ink} on {ground}"


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_mark_can_be_seen(theme: str) -> None:
    colours = themes()[theme]
    for mark in ("teal", "orange", "red", "blue", "band"):
        assert contrast(colours[mark], colours["card"]) >= MARK_AA
    for mark, ground in (("blue", "blue-soft"), ("orange", "orange-soft"), ("red", "red-soft")):
        assert contrast(colours[mark], colours[ground]) >= MARK_AA, f"{mark} on {ground}"


# Machado, Oliveira and Fernandes 2009, severity 1.0, on linear light
DEFICIENCIES = {
    "protanopia": ((0.152, 1.053, -0.205), (0.115, 0.786, 0.099), (-0.004, -0.048, 1.052)),
    "deuteranopia": ((0.367, 0.861, -0.228), (0.280, 0.673, 0.047), (-0.012, 0.043, 0.969)),
    "tritanopia": ((1.256, -0.077, -0.179), (-0.078, 0.931, 0.148), (0.005, 0.691, 0.304)),
}


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("deficiency", DEFICIENCIES)
def test_lines_of_one_chart_differ_for_who_sees_colours_differently(
    theme: str, deficiency: str
) -> None:
    """And they are dashed differently all the same."""
    colours = themes()[theme]
    seen = {
        name: [sum(m * c for m, c in zip(row, linear(colours[name]), strict=True)) for row in rows]
        for rows in [DEFICIENCIES[deficiency]]
        for name in ("blue", "orange", "red")
    }
    for name in ("orange", "red"):
        assert sum((a - b) ** 2 for a, b in zip(seen["blue"], seen[name], strict=True)) > 0.04


def test_no_state_is_told_by_colour_alone() -> None:
    """Each state of a mark has a shape of its own."""
    css = (PAGE / "ops.css").read_text()
    shapes = {}
    for state in ("ok", "behind", "above", "silent", "unknown"):
        rule = re.search(rf'\.mark\[data-state="{state}"\][^{{]*\{{([^}}]*)\}}', css)
        assert rule
        shape = re.findall(r"(?:clip-path|border-radius|border): [^;]+", rule[1])
        shapes[state] = tuple(shape)
    assert len(set(shapes.values())) == len(shapes)
