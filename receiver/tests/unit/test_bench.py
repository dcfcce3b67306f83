# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The benchmark's frame: every section has a place on the page, and its figures go there."""

from __future__ import annotations

import importlib.util

import pytest
from bench.page import PAGE, check_places, fill_place
from bench.run import SECTIONS
from bench.section import Table, ratio, spread


def test_every_section_is_a_file_with_a_place_on_the_page() -> None:
    check_places(PAGE.read_text(), SECTIONS)

    assert [name for name in SECTIONS if importlib.util.find_spec(f"bench.{name}") is None] == []


def test_figures_take_the_place_of_older_ones_and_of_nothing_else() -> None:
    page = "before\n<!-- bench:a -->\nold\n<!-- /bench:a -->\nbetween\n<!-- bench:b -->\n<!-- /bench:b -->\nafter\n"

    filled = fill_place(fill_place(page, "a", r"new \1"), "b", "more")

    assert filled == page.replace("old", r"new \1").replace("bench:b -->\n", "bench:b -->\nmore\n", 1)


def test_a_section_without_a_place_is_refused_before_it_is_measured() -> None:
    with pytest.raises(ValueError, match="no <!-- bench:b --> with its <!-- /bench:b -->"):
        check_places("<!-- bench:a -->\n<!-- /bench:a -->", ["a", "b"])


def test_a_table_has_a_cell_for_each_part_of_its_head() -> None:
    table = Table(title="Speed", head=("", "s"), rows=[("one", spread([2.0, 1.0, 4.0], 1))], notes=["Said."])

    assert table.markdown() == "**Speed**\n\n|  | s |\n| --- | --- |\n| one | 2.0 (1.0 to 4.0) |\n\nSaid."
    with pytest.raises(ValueError, match='"Speed" has 1 cells, its head 2'):
        Table(title="Speed", head=("", "s"), rows=[("one",)])


def test_ratios_compare_neighbours() -> None:
    assert ratio([1.0, 20.0, 3.0], [2.0, 10.0, 3.0]) == 1.0
