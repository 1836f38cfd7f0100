"""Whoever works in English reads English: every page a role can reach from its menu is read as a person does, and Chinese stands
only where it is data, which the page marks as Chinese (`lang`), so that a screen reader says it in Chinese too."""

from __future__ import annotations

import re
from collections import Counter
from html.parser import HTMLParser

import httpx
import pytest
from sqlalchemy import text

from hub.alerts import raise_alert
from hub.portal.pages import ALL_PAGES
from tests.portal.conftest import Portal, deliver, proof

HAN = re.compile(r"[\u3400-\u9fff，。：；（）《》、？]+")
SPOKEN = {"aria-label", "title", "placeholder", "alt", "data-ask"}  # attributes that a person meets as words
VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
ALLOWED = {
    "中文": "the way to the other language is named in that language",
    "判断": "the column of the workbook that townships fill in: it has this name in every language",
}
A_KIND = 3  # pages of one kind that are read


class Reader(HTMLParser):
    """The words of a page that are not marked as Chinese, and where it leads."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[tuple[str, str]] = [("", "en")]
        self.words: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = {name: value or "" for name, value in attrs}
        language = told.get("lang", self.open[-1][1])
        if not language.startswith("zh"):
            self.words += [told[name] for name in SPOKEN & told.keys()]
        if tag == "a" and told.get("href", "").startswith(("/", "?")):
            self.links.append(told["href"])
        if tag not in VOID:
            self.open.append((tag, language))

    def handle_endtag(self, tag: str) -> None:
        while len(self.open) > 1 and self.open.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        tags = [tag for tag, _ in self.open]
        in_head = "head" in tags  # a window's title names what the page is about: it can hold no mark
        if not in_head and not self.open[-1][1].startswith("zh") and data.strip():
            self.words.append(data)


def kind_of(path: str) -> str:
    """What kind of page an address leads to: its route and the names of its parameters."""
    plain, _, query = path.partition("?")
    routes = [re.sub(r"\{[^}]+\}", "[^/]+", p.path) for p in ALL_PAGES if p.method == "GET"]
    route = next((r for r in sorted(routes, key=lambda r: r.count("[")) if re.fullmatch(r, plain)), plain)
    return f"{route}?{'&'.join(sorted(part.partition('=')[0] for part in query.split('&')))}"


def chinese_left(browser: httpx.Client) -> dict[str, set[str]]:
    """Reads what can be reached from the start page, a few of every kind of page; Chinese words found, by address."""
    skipped = {p.path for p in ALL_PAGES if p.download} | {"/language"}
    known, waiting, seen, found = {"/"}, ["/"], Counter[str](), {}
    while waiting:
        path = waiting.pop(0)
        kind = kind_of(path)
        if seen[kind] >= A_KIND or path.partition("?")[0] in skipped:
            continue
        answer = browser.get(path)
        if not answer.headers.get("content-type", "").startswith("text/html"):
            continue
        seen[kind] += 1
        reader = Reader()
        reader.feed(answer.text)
        left = {w for words in reader.words for w in HAN.findall(words)} - ALLOWED.keys()
        assert answer.status_code < 500, path
        if left:
            found[path] = left
        for link in reader.links:
            whole = str(httpx.URL(f"http://x{path}").join(link)).removeprefix("http://x").partition("#")[0]
            if whole not in known:
                known.add(whole)
                waiting.append(whole)
    assert len(seen) > 4, "the pages lead nowhere"
    return found


def fill(portal: Portal) -> None:
    """What a quiet county does not have: a held delivery, an alert, disputes with an answer, a copy taken and recalled."""
    deliver(portal.engine, "market_supervision", "market_abnormal", "异常名录-10月.xlsx", "held")
    with portal.engine.begin() as connection:
        raise_alert(connection, "night_missed", "nightly", "每晚 2 点的同步", "最近一次夜间同步开始于 30 小时前。")
        number, coop = connection.execute(
            text(
                """select x.extract_id, c.coop_id from extract x join extract_cooperative c using (agreement, department)
                   where x.agreement = 'abnormal_decisions_to_tax' and c.until_extract is null order by 1 desc, 2 limit 1"""
            )
        ).one()
    tax = portal.enter(portal.add("shui", "tax", "staff"))
    market = portal.enter(portal.add("shi", "market_supervision", "staff"))
    about = {"proof": proof(tax), "extract": number, "coop": coop, "reason": "决定书日期不对"}
    tax.post("/corrections/new", data=about)
    raised = tax.post("/corrections/new", data={**about, "field": "listed_on", "proposed": "2025-07-11"})
    for step in ({"word": "accept"}, {"word": "upheld", "note": "已核对决定书"}):
        assert market.post(raised.headers["location"], data={"proof": proof(market), **step}).status_code == 303
    assert tax.get(f"/extracts/{number}/csv").status_code == 200


@pytest.mark.slow
def test_in_english_no_interface_word_stays_chinese_for_any_role(lived: Portal) -> None:
    fill(lived)
    for role in ("office", "staff", "operator", "auditor"):
        reading = lived.as_role(role)
        reading.cookies.set("hub_language", "en")
        assert chinese_left(reading) == {}, role


def test_the_reading_finds_words_that_are_not_marked() -> None:
    reader = Reader()
    reader.feed('<h1>数据 <b lang="zh">税务局</b></h1><input placeholder="理由"><p lang="zh">甲<i lang="en">乙</i></p>')
    assert {w for words in reader.words for w in HAN.findall(words)} == {"数据", "理由", "乙"}
