"""`coop-hub review`: the doubtful few. List, look at both sides, decide, undo, and the same by workbook."""

from __future__ import annotations

import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hub.cli import data_option, deployment_option, settings_from

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from hub.deployment import Deployment
    from hub.matching.review import OpenQuestion, Side

_VERDICTS = click.Choice(["same", "different", "unsure"])
_person = click.option("--person", default=getpass.getuser, show_default="登录名", help="判断人 who decides")
_reason = click.option("--reason", default="查看资料后判断", help="理由 why")
_later = click.option(
    "--later", is_flag=True, help="只记录，等下次夜间同步再重新关联 · relink with the next night only"
)


@contextmanager
def _hub(data: Path | None, deployment: Path | None) -> Iterator[tuple[Engine, Deployment]]:
    from hub.deployment import load_deployment
    from hub.store.database import open_engine

    settings = settings_from(data, deployment)
    county = load_deployment(settings.deployment)
    engine = open_engine(settings)
    try:
        yield engine, county
    finally:
        engine.dispose()


def _relink(engine: Engine, county: Deployment, later: bool, where: dict[str, Any]) -> None:
    if later:
        click.echo("已记录；下次夜间同步时生效。")
        return
    from hub.matching.resolve import resolve
    from hub.matching.workspace import workspace_of

    summary = resolve(engine, county, None, workspace=workspace_of(settings_from(**where).data))
    click.echo(
        f"已重新关联：合作社 {summary.cooperatives} 家，待判问题 {summary.questions} 个。总表和摘录在下次夜间同步更新。"
    )


@click.group()
def review() -> None:
    """待判清单：拿不准的是不是同一家。The doubtful few: are these two one cooperative?"""


@review.command("list")
@click.option("--town", help="只看某乡镇 only this town")
@click.option("--limit", type=click.IntRange(1), default=20, show_default=True, help="最多几个 how many")
@data_option
@deployment_option
def list_open(town: str | None, limit: int, data: Path | None, deployment: Path | None) -> None:
    """待判问题，回答后能定下最多行的在前。Open questions, the most rewarding first."""
    from hub.matching.review import open_questions

    with _hub(data, deployment) as (engine, _), engine.connect() as connection:
        found = open_questions(connection, town=town, limit=limit)
    if not found:
        click.echo("没有待判的问题。")
    for q in found:
        click.echo(f"{q.number}  {q.rows:>3} 行  {q.asked.name or '（无名称）'}  ？＝  {q.other.name or '（无名称）'}")
        click.echo(f"          {q.sentence}")


@review.command()
@click.argument("number")
@data_option
@deployment_option
def show(number: str, data: Path | None, deployment: Path | None) -> None:
    """一个问题的两边、出处和依据。Both sides of a question, their sources, the evidence."""
    from hub.matching.review import find_question

    with _hub(data, deployment) as (engine, _), engine.connect() as connection:
        question = find_question(connection, number)
    click.echo(f"问题 {question.number}：{question.sentence}（答案定下 {question.rows} 行）")
    _echo_sides(question)
    for item in question.items:
        click.echo(f"  {item['weight']:+6.1f}  {item['title']}")
    for side, probability in question.others:
        click.echo(f"  其他候选：{side.name or '（无名称）'} {'、'.join(side.codes)}（{probability:.1%}）")


def _echo_sides(question: OpenQuestion) -> None:
    titles = {
        "name": "名称", "former_name": "曾用名", "codes": "代码", "representative": "负责人", "phone": "电话", "town": "乡镇",
        "address": "地址", "founded_on": "成立日期", "coop_id": "编号",
    }  # fmt: skip
    for title, side in (("甲", question.asked), ("乙", question.other)):
        click.echo(f"{title}：")
        for field, label in titles.items():
            value = _shown(side, field)
            if value:
                click.echo(f"  {label}：{value}")
        for source in side.sources:
            click.echo(f"  出处：{source.delivery} {source.sheet} 第 {source.row} 行（{source.as_of}）")
        if side.rows > len(side.sources):
            click.echo(f"  ……共 {side.rows} 行")


def _shown(side: Side, field: str) -> str:
    value: Any = getattr(side, field)
    return "、".join(value) if isinstance(value, tuple) else str(value or "")


@review.command()
@click.argument("number")
@click.argument("verdict", type=_VERDICTS)
@_person
@_reason
@_later
@click.option("--second", is_flag=True, help="要另一人复核后才生效 · binds only after a second person confirms")
@data_option
@deployment_option
def decide(number: str, verdict: str, *, person: str, reason: str, later: bool, second: bool, **where: Any) -> None:
    """回答一个问题：same 同一家、different 不是同一家、unsure 拿不准。"""
    from hub.matching.decisions import decide as record
    from hub.matching.review import find_question
    from hub.matching.review_rules import review_rules

    with _hub(**where) as (engine, county):
        second = second or review_rules(county).needs_second(verdict)
        with engine.begin() as connection:
            q = find_question(connection, number)
            keys = q.asked.profile_key, q.other.profile_key
            decision = record(connection, *keys, verdict, person=person, reason=reason, second=second)
        click.echo(f"已记录为第 {decision} 号判断{'，待另一人复核（coop-hub review confirm）' if second else ''}。")
        _relink(engine, county, later or second, where)


@review.command()
@click.argument("decision", type=int)
@_person
@data_option
@deployment_option
def confirm(decision: int, *, person: str, **where: Any) -> None:
    """复核一条判断。The second pair of eyes agrees."""
    from hub.matching.decisions import confirm as record

    with _hub(**where) as (engine, county):
        with engine.begin() as connection:
            record(connection, decision, person=person)
        _relink(engine, county, False, where)


@review.command()
@click.argument("decision", type=int)
@_person
@_reason
@_later
@data_option
@deployment_option
def undo(decision: int, *, person: str, reason: str, later: bool, **where: Any) -> None:
    """撤销一条判断，恢复原来的编号。Takes a decision back."""
    from hub.matching.decisions import revoke

    with _hub(**where) as (engine, county):
        with engine.begin() as connection:
            revoke(connection, decision, person=person, reason=reason)
        click.echo(f"已撤销第 {decision} 号判断。")
        _relink(engine, county, later, where)


@review.command()
@click.option("--all", "everything", is_flag=True, help="连已撤销的 revoked ones too")
@data_option
@deployment_option
def decisions(everything: bool, **where: Any) -> None:
    """已作的判断。Decisions taken."""
    from hub.matching.decisions import VERDICT_WORDS, list_decisions

    with _hub(**where) as (engine, _), engine.connect() as connection:
        found = list_decisions(connection, standing=not everything)
    if not found:
        click.echo("还没有判断。")
    for d in found:
        state = f"，{d.revoked_by} 已撤销" if d.revoked_at else "" if d.in_force else "，待复核"
        click.echo(
            f"{d.decision_id:>5}  {d.decided_at:%Y-%m-%d}  {d.person}：“{d.name_a}”与“{d.name_b}”"
            f"{VERDICT_WORDS[d.verdict]}（{d.reason}{state}）"
        )


@review.command("export")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--town", help="只要某乡镇 only this town")
@data_option
@deployment_option
def export_queue(file: Path, town: str | None, **where: Any) -> None:
    """把清单导成工作簿，发给乡镇填“判断”列。The queue as a workbook."""
    from hub.matching.review import open_questions
    from hub.matching.review_sheet import write_questions

    with _hub(**where) as (engine, _), engine.connect() as connection:
        count = write_questions(file, open_questions(connection, town=town))
    click.echo(f"已写出 {count} 个问题：{file}（含个人信息，请按规定传递和保管）")


@review.command("import")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@click.option("--person", help="表中没写判断人时用谁 who, where a row names nobody")
@_later
@data_option
@deployment_option
def import_answers(file: Path, *, person: str | None, later: bool, **where: Any) -> None:
    """读回填好的工作簿。Answers from a returned workbook."""
    from hub.matching.review_rules import review_rules
    from hub.matching.review_sheet import read_answers

    with _hub(**where) as (engine, county):
        with engine.begin() as connection:
            done = read_answers(
                connection, file, person=person, rules=review_rules(county), entered_by=getpass.getuser()
            )
        for answer in done:
            if answer.problem:
                click.echo(f"第 {answer.row} 行（问题 {answer.number}）未采用：{answer.problem}")
        taken = sum(a.problem is None for a in done)
        click.echo(f"采用 {taken} 个答案，未采用 {len(done) - taken} 个。")
        if taken:
            _relink(engine, county, later, where)
