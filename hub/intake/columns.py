"""Which column is which field: headers compared after NFKC, in simplified characters, without spaces, brackets and line breaks. Also the closest
guess for an unknown header, and which feed a table looks like.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from hub.feeds.model import Feed
from hub.intake.reader.headers import header_key, header_keys
from hub.intake.reader.model import Column

GUESS_AT_LEAST = 62.0


@dataclass(frozen=True, slots=True)
class Match:
    """What became of a feed's fields in a table's headers."""

    columns: tuple[Column, ...]
    missing: tuple[str, ...]  # required fields without a column
    unknown: tuple[str, ...]  # headers without a field

    @property
    def matched(self) -> int:
        return sum(c.field is not None for c in self.columns)


@lru_cache(maxsize=256)
def _terms(feed: Feed) -> dict[str, tuple[int, str]]:
    """Header key -> (rank, field): the title ranks before synonyms, earlier fields before later ones."""
    terms: dict[str, tuple[int, str]] = {}
    for field in feed.fields:
        for rank, term in enumerate((field.title.zh, *field.synonyms)):
            key = header_key(term)
            if key not in terms or rank < terms[key][0]:
                terms[key] = (rank, field.name)
    for field in feed.fields:
        terms.setdefault(header_key(field.name), (50, field.name))
    return terms


def _spellings(column: Column) -> list[str]:
    """The ways a header may be looked up, best first: all levels joined, the last level, the last before the first."""
    levels = column.levels or (column.header,)
    if len(levels) == 1:
        return [levels[0]]
    return ["".join(levels), levels[-1], levels[-1] + levels[0], "".join(levels[-2:]), levels[0]]


def match_columns(columns: Sequence[Column], feed: Feed, mapping: Mapping[str, str | None] | None = None) -> Match:
    """Gives each column its field. A confirmed `mapping` (header or header key -> field, None: of no interest) comes
    first; then exact synonyms; a field is given once, to its best header. Unknown headers keep the closest guess."""
    terms = _terms(feed)
    confirmed = {header_key(h): f for h, f in (mapping or {}).items() if f is None or f in feed.by_name}
    wishes: list[tuple[int, int, str]] = []  # (cost, column, field)
    settled: dict[int, str | None] = {}
    for number, column in enumerate(columns):
        spellings = _spellings(column)
        mapped = next((header_key(s) for s in (column.header, *spellings) if header_key(s) in confirmed), None)
        if mapped is not None:
            settled[number] = confirmed[mapped]
            continue
        for far, spelling in enumerate(spellings):
            for cut, key in enumerate(header_keys(spelling)):
                if key in terms:
                    rank, name = terms[key]
                    wishes.append((far * 1000 + cut * 100 + rank, number, name))
    given: dict[int, str] = {n: f for n, f in settled.items() if f is not None}
    used = set(given.values())
    for _, number, name in sorted(wishes):
        if number not in given and number not in settled and name not in used:
            given[number] = name
            used.add(name)
    result = []
    for number, column in enumerate(columns):
        field_name = given.get(number)
        guess = None
        if field_name is None and number not in settled:
            guess = closest_field(column.levels[-1] if column.levels else column.header, feed, used)
        result.append(replace(column, field=field_name, guess=guess))
    return Match(
        tuple(result),
        tuple(f.name for f in feed.fields if f.required and f.name not in used),
        tuple(c.header for n, c in enumerate(result) if c.field is None and n not in settled),
    )


def closest_field(header: str, feed: Feed, used: Iterable[str] = ()) -> str | None:
    """The unused field whose title or synonym is most like an unknown header, if any is near enough."""
    from rapidfuzz import fuzz, process

    taken = set(used)
    key = header_keys(header)[-1] if header_keys(header) else ""
    if len(key) < 2:
        return None
    choices = {k: name for k, (_, name) in _terms(feed).items() if name not in taken}
    best = process.extractOne(key, list(choices), scorer=fuzz.ratio, score_cutoff=GUESS_AT_LEAST)
    return choices[best[0]] if best else None


def closest_header(field_name: str, columns: Sequence[Column], feed: Feed) -> str | None:
    """The header without a field that comes nearest to a missing field: for the message about drift."""
    from rapidfuzz import fuzz

    field = feed.by_name[field_name]
    keys = [header_key(t) for t in (field.title.zh, *field.synonyms)]
    best, best_score = None, 40.0
    for column in columns:
        if column.field is not None:
            continue
        own = header_key(column.levels[-1] if column.levels else column.header)
        score = max((fuzz.ratio(own, k) for k in keys), default=0.0) if own else 0.0
        if score > best_score:
            best, best_score = column.header, score
    return best


def header_changes(before: Iterable[str], now: Iterable[str]) -> list[str]:
    """What changed in the columns since the sender's last delivery, in Chinese; headers are compared by their keys."""
    old = {header_key(h): h for h in before}
    new = {header_key(h): h for h in now}
    gone = [f"少了“{old[k]}”列。" for k in old if k not in new]
    return gone + [f"多了“{new[k]}”列。" for k in new if k not in old]


def guess_feed(columns: Sequence[Column], feeds: Iterable[Feed]) -> Feed | None:
    """The one feed whose required fields are all there and that explains clearly more headers than any other."""
    scored: list[tuple[float, Feed]] = []
    named = [c for c in columns if not c.header.startswith("第")]
    for feed in feeds:
        match = match_columns(columns, feed)
        if match.missing or not named:
            continue
        serials = {f.name for f in feed.fields if f.kind.value == "serial"}
        share = match.matched / len(named)
        telling = sum(c.field is not None and c.field not in serials for c in match.columns)
        if telling >= 3 and share >= 0.6:
            scored.append((share + telling / 100, feed))
    scored.sort(key=lambda pair: -pair[0])
    if not scored or (len(scored) > 1 and scored[0][0] - scored[1][0] < 0.05):
        return None
    return scored[0][1]
