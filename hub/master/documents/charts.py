"""Charts as PNG, drawn with a Chinese font of this machine. No font is shipped: where none can draw Chinese, there is no chart,
and the document shows bars made of text instead.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from functools import cache
from io import BytesIO
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.font_manager import FontProperties

BLUE, GREY, RED, GREEN = "#2F6B8F", "#B8C4CC", "#B3261E", "#4C8C5A"
_SAMPLE = "合作社乡镇异常㐂"[:7]
_KNOWN = ("Noto Sans CJK", "Source Han Sans", "Noto Serif CJK", "Source Han Serif", "WenQuanYi", "SimHei", "SimSun", "Microsoft YaHei",
          "FangSong", "PingFang", "Heiti", "Songti", "Droid Sans Fallback", "AR PL", "HarmonyOS", "Alibaba PuHuiTi", "文泉驿")  # fmt: skip


@cache
def chinese_font() -> FontProperties | None:
    """A font of this machine that really holds the characters we draw; None if there is none."""
    from matplotlib import font_manager, ft2font

    candidates = [f for f in font_manager.fontManager.ttflist if any(k.lower() in f.name.lower() for k in _KNOWN)]
    candidates.sort(
        key=lambda f: (next(i for i, k in enumerate(_KNOWN) if k.lower() in f.name.lower()), f.weight != 400, f.fname)
    )
    for entry in candidates:
        try:
            face = ft2font.FT2Font(entry.fname)
        except (OSError, RuntimeError):
            continue
        characters = face.get_charmap()
        if all(ord(c) in characters for c in _SAMPLE):
            return font_manager.FontProperties(fname=entry.fname)
    return None


def _figure(width: float, height: float) -> tuple[Any, Any]:
    # the Figure class itself: pyplot would look for a screen
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=160)
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    return figure, axes


def _png(figure: Any) -> bytes:
    buffer = BytesIO()
    # no date and no program version in the file: the same figures give the same bytes
    figure.savefig(buffer, format="png", bbox_inches="tight", metadata={"Software": None})
    return buffer.getvalue()


def bar_chart(
    rows: Sequence[tuple[str, float]], *, title: str, colour: str = BLUE, goals: Sequence[float | None] = ()
) -> bytes | None:
    """Lying bars, first row on top, values written at their ends; a goal is a thin red line. None without a Chinese font."""
    font = chinese_font()
    if font is None or not rows:
        return None
    figure, axes = _figure(7.2, 0.55 + 0.32 * len(rows))
    places = list(range(len(rows)))[::-1]
    axes.barh(places, [v for _, v in rows], color=colour, height=0.62)
    top = max([v for _, v in rows] + [g for g in goals if g] + [1])
    for place, (_, value), goal in zip(places, rows, [*goals, *[None] * (len(rows) - len(goals))], strict=True):
        # a goal close to the bar's end would stand in its number
        end = max(value, goal) if goal and abs(goal - value) < top * 0.05 else value
        axes.text(end + top * 0.01, place, f"{value:g}", va="center", fontsize=8)
    for place, goal in zip(places, goals, strict=False):
        if goal:
            axes.plot([goal, goal], [place - 0.42, place + 0.42], color=RED, linewidth=1.6)
    axes.set_yticks(places, [n for n, _ in rows], fontproperties=font, fontsize=9)
    axes.set_xlim(0, top * 1.1)
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.tick_params(axis="x", labelsize=8)
    axes.set_title(title, fontproperties=font, fontsize=11, loc="left")
    return _png(figure)


def line_chart(
    series: Sequence[tuple[str, Sequence[tuple[date, float]]]], *, title: str, share: bool = False
) -> bytes | None:
    """Values over the nights, one line a name. None without a Chinese font, or with fewer than two nights."""
    font = chinese_font()
    if font is None or not any(len(points) > 1 for _, points in series):
        return None
    from matplotlib import dates
    from matplotlib.ticker import PercentFormatter

    calendar: Any = dates

    figure, axes = _figure(7.2, 2.6)
    for (name, points), colour in zip(series, (BLUE, RED, GREEN, "#8A6D3B", "#6B4C9A", GREY), strict=False):
        axes.plot(
            [d for d, _ in points],
            [v for _, v in points],
            marker="o",
            markersize=3,
            linewidth=1.5,
            color=colour,
            label=name,
        )
    axes.xaxis.set_major_locator(calendar.AutoDateLocator(minticks=2, maxticks=8))
    axes.xaxis.set_major_formatter(calendar.DateFormatter("%Y-%m-%d"))
    if share:
        axes.yaxis.set_major_formatter(PercentFormatter(1.0))
    else:
        axes.yaxis.get_major_locator().set_params(integer=True)
    axes.set_ylim(bottom=0)
    axes.tick_params(labelsize=8)
    # below the axes: lines may run anywhere inside
    axes.legend(prop=font, frameon=False, loc="upper center", bbox_to_anchor=(0.5, -0.12), ncol=min(4, len(series)))
    axes.set_title(title, fontproperties=font, fontsize=11, loc="left")
    return _png(figure)
