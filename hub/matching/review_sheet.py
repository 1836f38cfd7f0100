"""The queue as a workbook and back: townships answer that way. One row a question; the answer goes into one column with
a list to pick from. Reading it back applies each answer on its own, so that one wrong row spoils no other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from hub.errors import FormatError, HubError, Where
from hub.matching.decisions import VERDICT_WORDS, decide
from hub.matching.review import OpenQuestion, Side, find_question
from hub.matching.review_rules import ReviewRules
from hub.settings import Settings

ANSWERS = {
    **{word: verdict for verdict, word in VERDICT_WORDS.items()},
    "是": "same",
    "否": "different",
    "同一家": "same",
}
_HEADERS = (
    "问题号", "行数", "把握", "说明",
    "甲 名称", "甲 代码", "甲 负责人", "甲 电话", "甲 乡镇", "甲 地址", "甲 出处",
    "乙 名称", "乙 代码", "乙 负责人", "乙 电话", "乙 乡镇", "乙 地址", "乙 出处",
    "相符", "不符", "判断", "判断人", "理由",
)  # fmt: skip
_WIDTHS = (10, 6, 8, 36, *(26, 22, 9, 14, 10, 26, 30) * 2, 30, 30, 14, 10, 24)


@dataclass(frozen=True, slots=True)
class Answered:
    """What became of one answered row of the workbook. `problem` is None when it was recorded."""

    row: int
    number: str
    verdict: str
    problem: str | None


def write_questions(path: Path, questions: Sequence[OpenQuestion]) -> int:
    """Writes open questions as .xlsx; returns how many. Codes and phones are text cells; nothing is a formula."""
    import xlsxwriter

    with xlsxwriter.Workbook(
        str(path), {"strings_to_formulas": False, "strings_to_numbers": False, "strings_to_urls": False}
    ) as book:
        head = book.add_format({"bold": True, "text_wrap": True, "valign": "top", "bg_color": "#E7EEF7", "border": 1})
        cell = book.add_format({"num_format": "@", "text_wrap": True, "valign": "top"})
        fill = book.add_format(
            {"num_format": "@", "text_wrap": True, "valign": "top", "bg_color": "#FFF8DC", "border": 1}
        )
        sheet = book.add_worksheet("待判清单")
        sheet.freeze_panes(1, 1)
        for column, (header, width) in enumerate(zip(_HEADERS, _WIDTHS, strict=True)):
            sheet.set_column(column, column, width)
            sheet.write_string(0, column, header, head)
        answer = _HEADERS.index("判断")
        for line, question in enumerate(questions, 1):
            for column, value in enumerate(_row(question)):
                sheet.write_string(line, column, value, cell)
            for column in range(answer, len(_HEADERS)):
                sheet.write_blank(line, column, None, fill)
        if questions:
            sheet.data_validation(
                1, answer, len(questions), answer, {"validate": "list", "source": list(VERDICT_WORDS.values())}
            )
    return len(questions)


def _row(question: OpenQuestion) -> list[str]:
    speaking = [str(i["title"]) for i in question.items if i["weight"] > 0]
    against = [str(i["title"]) for i in question.items if i["weight"] < 0]
    return [
        question.number,
        str(question.rows),
        f"{question.probability:.0%}",
        question.sentence,
        *_side(question.asked),
        *_side(question.other),
        "；".join(speaking),
        "；".join(against),
    ]


def _side(side: Side) -> list[str]:
    places = [f"{s.delivery} {s.sheet} 第{s.row}行".replace("  ", " ") for s in side.sources[:3]]
    return [
        side.name or "",
        "、".join(side.codes),
        side.representative or "",
        side.phone or "",
        side.town or "",
        side.address or "",
        "\n".join(places),
    ]


def read_answers(
    connection: Connection,
    path: Path,
    *,
    person: str | None,
    rules: ReviewRules | None = None,
    entered_by: str | None = None,
    settings: Settings | None = None,
) -> list[Answered]:
    """Applies the answers of a returned workbook, each in a savepoint of its own. Whatever the reader reads will do: a
    township may save it as .xls or in WPS. A hostile file costs a limited child process, nothing else.

    Args:
        person: who answers, where a row names nobody.
        rules: which answers need a second pair of eyes.
        entered_by: the account that records the answers.

    Raises:
        FormatError: the file is no workbook of this kind.
    """
    header, lines = _table(path, settings)
    wanted: tuple[str, ...] = ("问题号", "判断", "判断人", "理由")
    place = {name: header.index(name) for name in wanted if name in header}
    if "问题号" not in place or "判断" not in place:
        raise FormatError(
            "这不是待判清单：缺少“问题号”或“判断”列。",
            next_step="导出清单，填“判断”列后再导入，不要改动表头。",
            where=Where(file=path.name),
        )
    done = []
    for number, line in lines:
        said: dict[str, str] = {name: _text(line[i]) if i < len(line) else "" for name, i in place.items()}
        if not said["判断"]:
            continue
        done.append(_apply(connection, number, said, person=person, rules=rules, entered_by=entered_by))
    return done


def _apply(
    connection: Connection,
    number: int,
    said: dict[str, str],
    *,
    person: str | None,
    rules: ReviewRules | None,
    entered_by: str | None,
) -> Answered:
    verdict = ANSWERS.get(said["判断"].replace(" ", ""), "")
    who = said.get("判断人") or person
    try:
        if not verdict:
            raise FormatError(f"不认识的判断“{said['判断'][:20]}”。", next_step="写“同一家”“不是同一家”或“拿不准”。")
        if not who:
            raise FormatError("没有写判断人。", next_step="填“判断人”列，或导入时用 --person 指明。")
        with connection.begin_nested():
            question = find_question(connection, said["问题号"])
            decide(
                connection,
                question.asked.profile_key,
                question.other.profile_key,
                verdict,
                person=who[:64],
                reason=(said.get("理由") or "乡镇答复")[:500],
                second=(rules or ReviewRules()).needs_second(verdict),
                entered_by=entered_by,
            )
    except HubError as error:
        return Answered(number, said["问题号"][:20], verdict, str(error))
    return Answered(number, said["问题号"], verdict, None)


def _table(path: Path, settings: Settings | None) -> tuple[list[str], list[tuple[int, list[Any]]]]:
    """The header and the rows, with their numbers in the sheet, of the table that has a column 问题号."""
    from hub.intake.reader import read_file

    reading = read_file(path, settings=settings)
    reading.raise_refusal()
    for sheet in reading.sheets:
        header = [c.header for c in sheet.columns]
        if "问题号" in header:
            columns = [sheet.rows[f"c{i}"].to_pylist() for i in range(len(header))]
            numbers, parts = sheet.rows["row"].to_pylist(), sheet.rows["part"].to_pylist()
            rows = [list(line) for line in zip(*columns, strict=True)]
            # a cell that held several names is several rows of one answer
            return header, [(n, line) for n, part, line in zip(numbers, parts, rows, strict=True) if part == 0]
    return [], []


def _text(value: Any) -> str:
    return "" if value is None else str(value).strip()
