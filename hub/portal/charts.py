"""Small drawings as inline SVG: no script, no style attributes (the content policy forbids them), words for readers who
cannot see them. Colours come from classes in portal.css."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from math import floor, log10

from markupsafe import Markup, escape


def stacked(parts: Sequence[tuple[str, str, float]], *, width: int = 220, height: int = 10) -> Markup:
    """One bar of shares. `parts`: (class, words, amount); nothing at all is an empty bar."""
    total = sum(amount for _, _, amount in parts)
    words = ", ".join(f"{name} {amount:,.0f}" for _, name, amount in parts if amount)
    bars: list[Markup] = []
    x = 0.0
    for css, _, amount in parts:
        if total and amount:
            span = max(amount / total * width, 1.5)
            bars.append(
                Markup('<rect x="{x:.1f}" y="0" width="{span:.1f}" height="{h}" class="{css}"/>').format(
                    x=x, span=min(span, width - x), h=height, css=css
                )
            )
            x = min(x + span, width)
    return Markup(
        '<svg class="stacked" viewBox="0 0 {w} {h}" width="{w}" height="{h}" preserveAspectRatio="none" role="img" aria-label="{words}">'
        '<title>{words}</title><rect width="{w}" height="{h}" class="rail"/>{bars}</svg>'
    ).format(w=width, h=height, words=words or "—", bars=Markup("").join(bars))


def progress(share: float, words: str, *, late: bool = False, width: int = 220, height: int = 10) -> Markup:
    """How far towards a goal: `share` 0…1, cut there. Green when reached, red when the time is over."""
    reached = min(max(share, 0.0), 1.0)
    css = "good" if share >= 1 else "bad" if late else "wait"
    parts = [(css, words, reached), ("rail", "", 1 - reached)] if reached else []
    return stacked(parts, width=width, height=height)


def _axis(top: float) -> tuple[float, int]:
    """A round end of the axis at or above `top`, and how many round steps lead there."""
    if top < 1e-9:  # nothing counted or measured here is so small
        return 1.0, 5
    unit = 10.0 ** floor(log10(top))
    for end, steps in (
        (1.0, 5),
        (1.2, 4),
        (1.5, 5),
        (2.0, 4),
        (2.5, 5),
        (3.0, 5),
        (4.0, 4),
        (5.0, 5),
        (6.0, 4),
        (8.0, 4),
        (10.0, 5),
    ):
        if end * unit >= top * (1 - 1e-9):
            return end * unit, steps
    return 10 * unit, 5


def trend(
    points: Sequence[tuple[date, float | None]],
    *,
    goal: float | None = None,
    unit: str = "",
    title: str = "",
    goal_words: str = "目标",
    width: int = 560,
    height: int = 170,
) -> Markup:
    """A line over days, with the goal as a dashed line (`goal_words`: what it is called). Days without a figure break the line."""
    known = [(d, v) for d, v in points if v is not None]
    if not known:
        return Markup("")
    left, right, top, bottom = 44, 14, 12, 24
    first, last = known[0][0], known[-1][0]
    days = max((last - first).days, 1)
    ceiling, steps = _axis(max([v for _, v in known] + ([goal] if goal else [])))

    def x(day: date) -> float:
        return left + (width - left - right) * ((day - first).days / days if last > first else 0.5)

    def y(value: float) -> float:
        return top + (height - top - bottom) * (1 - value / ceiling)

    def across(css: str, level: float) -> Markup:
        return Markup('<line class="{css}" x1="{a}" x2="{b}" y1="{y:.1f}" y2="{y:.1f}"/>').format(
            css=css, a=left, b=width - right, y=y(level)
        )

    def words_at(at_x: float, at_y: float, text: str, anchor: str = "start") -> Markup:
        return Markup('<text class="tick" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{text}</text>').format(
            x=at_x, y=at_y, anchor=anchor, text=text
        )

    parts: list[Markup] = []
    for step in range(steps + 1):
        level = ceiling * step / steps
        label = f"{level:,.10g}" if level < 1000 else f"{level:,.0f}"
        parts += [across("grid", level), words_at(left - 6, y(level) + 4, label, "end")]
    if goal:
        parts.append(across("goal", goal))
    runs: list[list[str]] = [[]]
    for day, value in points:
        if value is None:
            runs.append([])
        elif first <= day:
            runs[-1].append(f"{x(day):.1f},{y(value):.1f}")
    parts += [Markup('<polyline class="line" points="{}"/>').format(" ".join(r)) for r in runs if len(r) > 1]
    end_day, end = known[-1]
    parts += [
        Markup('<circle class="dot" cx="{x:.1f}" cy="{y:.1f}" r="{r}"/>').format(
            x=x(d), y=y(v), r=3.5 if d == end_day else 2
        )
        for d, v in known[-60:]
    ]
    parts.append(words_at(left, height - 6, f"{first:%Y-%m-%d}"))
    if last > first:
        parts.append(words_at(width - right, height - 6, f"{last:%Y-%m-%d}", "end"))
    words = f"{title}: {known[0][1]:,.1f}{unit} → {end:,.1f}{unit}" + (
        f", {goal_words} {goal:,.0f}{unit}" if goal else ""
    )
    return Markup(
        '<svg class="trend" viewBox="0 0 {w} {h}" role="img" aria-label="{words}"><title>{words}</title>{parts}</svg>'
    ).format(w=width, h=height, words=words, parts=Markup("").join(parts))


def bars(rows: Sequence[tuple[str, float, str]], *, width: int = 420) -> Markup:
    """Horizontal bars. `rows`: (label, amount, class)."""
    most = max((amount for _, amount, _ in rows), default=0) or 1
    step, label = 26, 128
    room = width - label - 56
    parts: list[Markup] = []
    for i, (name, amount, css) in enumerate(rows):
        y = i * step
        parts.append(
            Markup(
                '<text class="name" x="{lx}" y="{ty}" text-anchor="end">{name}</text>'
                '<rect class="{css}" x="{label}" y="{ry}" width="{span}" height="14" rx="2"/>'
                '<text class="tick" x="{vx}" y="{ty}">{amount}</text>'
            ).format(
                lx=label - 8,
                ty=y + 17,
                name=name if len(name) <= 10 else name[:9] + "…",
                css=css,
                label=label,
                ry=y + 5,
                span=f"{max(amount / most * room, 1 if amount else 0):.1f}",
                vx=f"{label + amount / most * room + 6:.1f}",
                amount=f"{amount:,.0f}",
            )
        )
    words = ", ".join(f"{name} {amount:,.0f}" for name, amount, _ in rows)
    return Markup('<svg class="bars" viewBox="0 0 {w} {h}" role="img" aria-label="{words}">{parts}</svg>').format(
        w=width, h=max(len(rows), 1) * step, words=escape(words), parts=Markup("").join(parts)
    )


def waterfall(
    steps: Sequence[tuple[str, float]], *, start: float, start_words: str, end_words: str, width: int = 640
) -> Markup:
    """What each piece of evidence adds to or takes from the certainty, from a start to the end. `steps`: (words, weight in
    bits: one bit doubles the odds). The axis reads as a probability; the middle line is even odds."""
    label, right, row, top = 220, 64, 26, 22
    ends = [start]
    for _, weight in steps:
        ends.append(ends[-1] + weight)
    low, high = min([*ends, -2.0]) - 0.5, max([*ends, 2.0]) + 0.5
    scale = (width - label - right) / (high - low)
    height = top + row * (len(steps) + 2) + 6

    def x(bits: float) -> float:
        return label + (bits - low) * scale

    parts: list[Markup] = []
    for bits, words in (
        (-13.3, "0.01%"),
        (-6.63, "1%"),
        (-3.17, "10%"),
        (0.0, "50%"),
        (3.17, "90%"),
        (6.63, "99%"),
        (13.3, "99.99%"),
    ):
        if low < bits < high:
            parts.append(
                Markup(
                    '<line class="{css}" x1="{x:.1f}" x2="{x:.1f}" y1="{y1}" y2="{y2}"/>'
                    '<text class="tick" x="{x:.1f}" y="12" text-anchor="middle">{words}</text>'
                ).format(css="goal" if bits == 0 else "grid", x=x(bits), y1=top - 4, y2=height - 4, words=words)
            )

    def line(number: int, words: str, ends: tuple[float, float], css: str, amount: str) -> None:
        (a, b), y = ends, top + number * row
        left, span = min(x(a), x(b)), max(abs(x(b) - x(a)), 1.5)
        parts.append(
            Markup(
                '<text class="name" x="{lx}" y="{ty}" text-anchor="end"><title>{words}</title>{short}</text>'
                '<rect class="{css}" x="{left:.1f}" y="{ry}" width="{span:.1f}" height="15" rx="2"/>'
                '<text class="tick" x="{vx:.1f}" y="{ty}">{amount}</text>'
            ).format(
                lx=label - 8, ty=y + 16, words=words, short=words if len(words) <= 16 else words[:15] + "…", css=css,
                left=left, ry=y + 4, span=span, vx=left + span + 5, amount=amount,
            )
        )  # fmt: skip
        if number:
            parts.append(
                Markup('<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{y1}" y2="{y2}"/>').format(
                    x=x(a), y1=y - row + 19, y2=y + 4
                )
            )

    line(0, start_words, (0.0, start), "soft", f"{start:+.1f}")
    for i, (words, weight) in enumerate(steps, 1):
        line(i, words, (ends[i - 1], ends[i]), "good" if weight > 0 else "bad", f"{weight:+.1f}")
    line(len(steps) + 1, end_words, (0.0, ends[-1]), "calm", "")
    told = "; ".join(f"{words} {weight:+.1f}" for words, weight in steps)
    return Markup(
        '<svg class="waterfall" viewBox="0 0 {w} {h}" role="img" aria-label="{told}"><title>{told}</title>{parts}</svg>'
    ).format(w=width, h=height, told=f"{told}; {end_words}", parts=Markup("").join(parts))


def differing(text: str, beside: str) -> Markup:
    """A text with the characters marked that the other one does not have in that place."""
    from difflib import SequenceMatcher

    parts: list[Markup] = []
    for kind, a, b, _, _ in SequenceMatcher(None, text, beside, autojunk=False).get_opcodes():
        piece = escape(text[a:b])
        parts.append(piece if kind == "equal" or not piece else Markup("<mark>{}</mark>").format(piece))
    return Markup("").join(parts)
