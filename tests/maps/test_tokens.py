"""Colours: every pair of text and ground can be read, in both themes (WCAG 2.2: 4.5 for text, 3 for borders and fills)."""

import re

import pytest

from maps.assets import ROOT

CSS = (ROOT.parent / "app" / "static" / "css" / "tokens.css").read_text(encoding="utf-8")
TEXT = [
    ("ink", "paper"), ("ink-2", "paper"), ("ink-2", "canvas"), ("ink-3", "paper"), ("ink-3", "sunk"), ("brand", "paper"), ("brand", "brand-soft"),
    ("on-brand", "brand-fill"), ("on-brand", "brand-fill-hover"), ("coupon", "paper"), ("coupon", "coupon-soft"), ("ok", "paper"), ("ok", "ok-soft"),
    ("warn", "paper"), ("warn", "warn-soft"), ("stop", "paper"), ("stop", "stop-soft"), ("pin-on", "pin"), ("late-ink", "late-paper"),
    ("cluster-ink", "cluster"), ("water-name", "sea"), ("ink-2", "land"),
]  # fmt: skip
SHAPES = [
    ("line-strong", "paper"),
    ("line-strong", "canvas"),
    ("coupon-fill", "paper"),
    ("city-line", "land"),
    ("ink-3", "land"),
    ("nodata-hatch", "nodata"),
]


def values_of(block):
    return dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", block))


LIGHT = values_of(CSS.split("@media", 1)[0])
SYSTEM_DARK, CHOSEN_DARK = (values_of(block) for block in CSS.split("color-scheme: dark;")[1:])


def luminance(colour):
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(first, second):
    high, low = sorted((luminance(first), luminance(second)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", [LIGHT, LIGHT | CHOSEN_DARK], ids=["light", "dark"])
def test_text_can_be_read(theme):
    assert {pair: round(contrast(theme[pair[0]], theme[pair[1]]), 2) for pair in TEXT if contrast(theme[pair[0]], theme[pair[1]]) < 4.5} == {}


@pytest.mark.parametrize("theme", [LIGHT, LIGHT | CHOSEN_DARK], ids=["light", "dark"])
def test_borders_and_fills_can_be_seen(theme):
    assert {pair: round(contrast(theme[pair[0]], theme[pair[1]]), 2) for pair in SHAPES if contrast(theme[pair[0]], theme[pair[1]]) < 3} == {}


def test_dark_is_the_same_by_system_and_by_choice():
    assert SYSTEM_DARK == CHOSEN_DARK


def test_no_data_and_zero_are_told_apart_without_colour():
    sheet = (ROOT.parent / "app" / "static" / "css" / "map.css").read_text(encoding="utf-8")
    assert 'path.nodata { fill: url("#hatch-nodata")' in sheet
