"""Drawings: right in proportion, readable without seeing, inert whatever the words."""

from __future__ import annotations

import re
from datetime import date, timedelta
from itertools import pairwise

from defusedxml import ElementTree
from hypothesis import example, given
from hypothesis import strategies as st

from hub.portal import charts

NAMES = st.text(max_size=12).filter(lambda t: all(c.isprintable() for c in t))


@given(st.lists(st.tuples(st.sampled_from(["good", "bad", "calm"]), NAMES, st.floats(0, 1e9)), max_size=5))
def test_a_stacked_bar_is_well_formed_and_never_wider_than_its_rail(parts: list[tuple[str, str, float]]) -> None:
    drawing = ElementTree.fromstring(charts.stacked(parts, width=100))
    spans = [(float(r.get("x", "0")), float(r.get("width", "0"))) for r in drawing.findall("rect")[1:]]
    assert all(x >= 0 and x + w <= 100.11 for x, w in spans)


@given(st.lists(st.one_of(st.none(), st.floats(0, 1e6)), max_size=40), st.one_of(st.none(), st.floats(0.1, 1e6)))
@example([5e-324], None)
def test_a_trend_stays_in_its_frame_and_breaks_where_days_are_missing(
    values: list[float | None], goal: float | None
) -> None:
    points = [(date(2026, 1, 1) + timedelta(days=i), v) for i, v in enumerate(values)]
    text = charts.trend(points, goal=goal, title="<三会一章>")
    if all(v is None for v in values):
        assert text == ""
        return
    drawing = ElementTree.fromstring(text)
    for line in drawing.findall("polyline"):
        for pair in line.get("points", "").split():
            x, y = map(float, pair.split(","))
            assert 43.9 <= x <= 546.1 and 11.9 <= y <= 146.1
    assert len(drawing.findall("circle")) == min(sum(v is not None for v in values), 60)
    assert "三会一章" in (drawing.findtext("title") or "")


@given(st.lists(st.tuples(NAMES, st.floats(0, 1e9), st.just("good")), max_size=8))
def test_bars_are_well_formed_whatever_the_words(rows: list[tuple[str, float, str]]) -> None:
    assert len(ElementTree.fromstring(charts.bars(rows)).findall("rect")) == len(rows)


def test_axes_are_marked_with_round_numbers() -> None:
    for top in (1, 3, 7, 10, 17, 42, 64, 99, 100, 118, 600):
        text = charts.trend([(date(2026, 1, 1), float(top)), (date(2026, 1, 2), 0.0)])
        marks = [float(m.replace(",", "")) for m in re.findall(r'text-anchor="end">([\d,.]+)</text>', text)]
        marks = [m for m in marks if m < 10_000]
        steps = {round(b - a, 6) for a, b in pairwise(marks)}
        assert len(steps) == 1 and max(marks) >= top


def test_no_drawing_needs_a_style_attribute() -> None:
    drawn = charts.trend([(date(2026, 1, 1), 3.0), (date(2026, 2, 1), 5.0)], goal=10) + charts.bars(
        [("白石镇", 3, "good")]
    )
    assert "style=" not in drawn + charts.progress(0.4, "x") + charts.stacked([])
