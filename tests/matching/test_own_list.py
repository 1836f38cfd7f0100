"""A department's own list: matched by the night's rules, handed back as a workbook, stored nowhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pytest
import xlsxwriter
from click.testing import CliRunner
from sqlalchemy import Engine, text

from hub.cli.match import match
from hub.errors import ConfigurationError, DriftError, FormatError
from hub.intake.reader import read_file
from hub.matching.answers import Verdict
from hub.matching.bonds import count_keys, find_candidates, write_keys
from hub.matching.features import profile_features
from hub.matching.known import KnownCooperatives
from hub.matching.matcher import create_tables
from hub.matching.own_list import MatchedList, match_cells, match_list, write_matched
from hub.matching.read_known import read_known
from hub.matching.resolve import resolve
from hub.matching.scoring import open_workspace
from hub.settings import Settings
from tests.matching.rows import COUNTY, accept, county_deployment, row, uscc

XINGWANG, XINGSHENG, SHIMEN = "云岫县兴旺果蔬专业合作社", "云岫县兴盛果蔬专业合作社", "云岫县石门茶叶专业合作社"


@pytest.fixture
def county(engine: Engine, tmp_path: Path) -> Engine:
    """Three cooperatives matched, two of them alike by name; two namesakes that differ by town only."""
    run_id = accept(
        engine,
        [
            row(XINGWANG, uscc(1), representative="王小明", town="白石镇", phone="13800010001"),
            row(XINGSHENG, uscc(2), representative="李大山", town="青溪镇"),
            row(SHIMEN, representative="赵石门", town="龙潭镇"),
            row("云岫县大河水稻专业合作社", uscc(4), representative="周大河", town="白石镇"),
            row("云岫县大河水稻专业合作社", uscc(5), representative="吴小河", town="青溪镇"),
        ],
    )
    resolve(engine, county_deployment(tmp_path), run_id)
    return engine


@pytest.fixture
def known(county: Engine) -> KnownCooperatives:
    return read_known(county, COUNTY)


def workbook(path: Path, *sheets: tuple[str, list[list[Any]]]) -> Path:
    book = xlsxwriter.Workbook(str(path), {"strings_to_formulas": False, "strings_to_urls": False})
    for name, rows in sheets:
        sheet = book.add_worksheet(name)
        for r, cells in enumerate(rows):
            for c, cell in enumerate(cells):
                sheet.write(r, c, cell)
    book.close()
    return path


def matched(known: KnownCooperatives, path: Path, settings: Settings) -> MatchedList:
    return match_list(read_file(path, settings=settings), known)


def one(known: KnownCooperatives, **cells: str) -> Any:
    fields = {
        "name": "name_name", "code": "code_code", "representative": "representative_representative",
        "phone": "phone_phone", "town": "town_town",
    }  # fmt: skip
    return match_cells({fields[k]: pa.array([v], pa.string()) for k, v in cells.items()}, 1, known)[0]


def test_each_row_gets_its_cooperative_or_says_why_not(
    known: KnownCooperatives, tmp_path: Path, settings: Settings
) -> None:
    listed = workbook(
        tmp_path / "名单.xlsx",
        (
            "2026",
            [
                ["序号", "单位名称", "社会信用代码", "法人", "联系方式"],
                [1, "兴旺果蔬合作社", "", "", ""],
                [2, "云岫县兴旺果蔬农民专业合作社", uscc(1), "", ""],
                [
                    3,
                    "云岫县兴旺果蔬专业合作社",
                    uscc(1)[:5] + ("Z" if uscc(1)[5] != "Z" else "Y") + uscc(1)[6:],
                    "",
                    "",
                ],
                [4, "石门茶业专业合作社", "", "赵石门", ""],
                [5, "云岫县兴盛果蔬专业合作社", uscc(1), "", ""],
                [6, "大河水稻专业合作社", "", "", ""],
                [7, "云岫县飞来峰蜂业专业合作社", "", "", ""],
                [8, "白石镇下村股份经济合作社", "", "", ""],
                [9, "", uscc(2), "", ""],
            ],
        ),
    )
    result = matched(known, listed, settings)
    answers = result.sheets[0].answers
    assert [a.verdict.value for a in answers] == [
        "matched", "matched", "matched", "matched", "doubtful", "doubtful", "not_found", "not_a_cooperative", "matched",
    ]  # fmt: skip
    assert [a.best.cooperative.name for a in answers if a.best] == [XINGWANG, XINGWANG, XINGWANG, SHIMEN, XINGSHENG]
    assert all(a.reason.endswith("。") for a in answers)
    assert "更正" in answers[2].reason
    assert {c.cooperative.name for c in answers[4].next} == {XINGWANG, XINGSHENG}
    assert len(answers[5].next) == 2  # two namesakes: neither is chosen
    assert answers[5].best is None
    assert result.totals == {
        Verdict.MATCHED: 5, Verdict.DOUBTFUL: 2, Verdict.NOT_FOUND: 1, Verdict.NOT_A_COOPERATIVE: 1,
    }  # fmt: skip


def test_a_representative_tells_namesakes_apart(known: KnownCooperatives) -> None:
    answer = one(known, name="大河水稻专业合作社", representative="吴小河", town="青溪镇")
    assert answer.verdict is Verdict.MATCHED
    assert answer.best.confidence > 0.98
    assert [c.cooperative.name for c in answer.next] in ([], ["云岫县大河水稻专业合作社"])


def test_a_name_with_the_code_of_nobody_known_is_not_taken_for_its_namesake(known: KnownCooperatives) -> None:
    answer = one(known, name=XINGWANG, code=uscc(77))
    assert answer.verdict is Verdict.DOUBTFUL
    assert "代码不同" in answer.reason
    assert answer.next[0].cooperative.name == XINGWANG


def test_a_code_copied_from_the_line_above_is_doubtful_with_a_slip_in_it_too(known: KnownCooperatives) -> None:
    slipped = uscc(1)[:11] + ("2" if uscc(1)[11] != "2" else "3") + uscc(1)[12:]
    for code in (uscc(1), slipped):
        for name in (XINGSHENG, "云岫县石门茶叶专业合作社", "云岫县飞来峰蜂业专业合作社"):
            answer = one(known, name=name, code=code)
            assert answer.verdict is Verdict.DOUBTFUL
            assert answer.next[0].cooperative.name in {XINGWANG, name}
            assert XINGWANG in {c.cooperative.name for c in answer.next}
        assert one(known, name=XINGWANG, code=code).verdict is Verdict.MATCHED


def test_a_code_damaged_beyond_repair_may_be_that_of_a_namesake_not_known_yet(known: KnownCooperatives) -> None:
    beyond = uscc(9)[:9] + "77" + uscc(9)[11:]
    assert one(known, name="石门茶叶农民专业合作社", code=beyond).verdict is Verdict.DOUBTFUL
    assert one(known, name="石门茶叶农民专业合作社").verdict is Verdict.MATCHED
    assert one(known, name="石门茶叶农民专业合作社", code=beyond, representative="赵石门").verdict is Verdict.MATCHED


def test_codes_of_two_cooperatives_in_one_row_are_doubtful(known: KnownCooperatives) -> None:
    cells = {
        "name_name": pa.array([XINGWANG]),
        "code_code": pa.array([uscc(1)]),
        "code_registration_number": pa.array([uscc(2)]),
    }
    (answer,) = match_cells(cells, 1, known)
    assert answer.verdict is Verdict.DOUBTFUL
    assert {c.cooperative.name for c in answer.next} >= {XINGWANG, XINGSHENG}


def test_no_reason_names_a_person_or_a_phone(known: KnownCooperatives) -> None:
    answer = one(known, name="石门茶业合作社", representative="赵石门", phone="13800010001")
    assert "赵石门" not in answer.reason
    assert "13800010001" not in answer.reason
    assert "负责人相同" in answer.reason


def test_neither_order_nor_neighbours_change_an_answer(known: KnownCooperatives) -> None:
    names = ["兴旺果蔬合作社", "石门茶业合作社", "大河水稻专业合作社", "兴盛果疏合作社", "某某合作社"]
    together = match_cells({"name_name": pa.array(names)}, 5, known)
    backwards = match_cells({"name_name": pa.array(names[::-1])}, 5, known)[::-1]
    alone = [one(known, name=n) for n in names]
    assert together == backwards == alone


def test_candidates_are_found_by_the_same_keys_as_in_the_night(county: Engine, known: KnownCooperatives) -> None:
    asked = ["兴旺果疏合作社", "石门茶业", "河大水稻合作社", "旺兴果蔬合作社", "无关养蜂合作社"]
    with county.connect() as connection:
        names = [r[0] for r in connection.execute(text("select name from profile order by profile_key"))]
    everyone = [*names, *asked]
    empty = pa.nulls(len(everyone), pa.string())
    table = pa.table(
        {
            "name": everyone,
            **dict.fromkeys(("former_name", "representative", "phone", "town", "address", "founded_on"), empty),
        }
    )
    features = profile_features(table, known.gazetteer)
    duck = open_workspace()
    create_tables(duck)
    duck.register("feature_in", features)
    duck.execute("create table feature as from feature_in")
    duck.execute(
        "insert into standing by name select profile::bigint as profile, profile::bigint as party, false as weak, "
        f"case when profile < {len(names)} then 'code ' || profile end as organisation from feature"
    )
    write_keys(duck, "feature")
    count_keys(duck)
    find_candidates(duck)
    nightly = {
        (everyone[a], everyone[b]) for a, b in duck.execute("select a, b from candidate").fetchall() if b < len(names)
    }
    known._scored(profile_features(table.slice(len(names)), known.gazetteer))
    first = len(known.cooperatives)
    ours = {
        (asked[a - first], known.cooperatives[b].name)
        for a, b in known._duck.execute("select a, b from candidate").fetchall()
    }
    assert nightly
    assert ours == nightly


def test_nothing_is_written_to_the_database(county: Engine, settings: Settings, tmp_path: Path) -> None:
    def counts() -> dict[str, tuple[int, int]]:
        with county.connect() as connection:
            tables = [
                r[0] for r in connection.execute(text("select tablename from pg_tables where schemaname = 'public'"))
            ]
            newest = (
                "select count(*), coalesce(max(xmin::text::bigint), 0)"  # rows, and the last transaction that wrote one
            )
            found = {t: connection.execute(text(f'{newest} from "{t}"')).one() for t in tables}
            return {t: (row[0], row[1]) for t, row in found.items()}

    before = counts()
    assert before["profile"][0] == 5
    listed = workbook(tmp_path / "名单.xlsx", ("甲", [["名称"], ["兴旺果蔬合作社"], ["飞来峰蜂业专业合作社"]]))
    arguments = [str(listed), "--data", str(settings.data)]
    environment = (
        {"COOP_HUB_DATABASE_URL": str(settings.database_url.get_secret_value())} if settings.database_url else {}
    )
    done = CliRunner().invoke(match, arguments, env=environment, catch_exceptions=False)
    assert done.exit_code == 0
    assert "已匹配 1 行，存疑 0 行，未找到 1 行" in done.output
    assert (tmp_path / "名单-匹配结果.xlsx").is_file()
    assert counts() == before


def test_the_known_are_read_in_a_transaction_that_cannot_write(county: Engine) -> None:
    seen: list[str] = []
    from sqlalchemy import event

    @event.listens_for(county, "before_cursor_execute")
    def note(connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        seen.append(statement)

    read_known(county, COUNTY).close()
    assert "read only" in seen[0]


def test_the_workbook_keeps_the_lists_columns_and_adds_the_answers(
    known: KnownCooperatives, tmp_path: Path, settings: Settings
) -> None:
    listed = workbook(
        tmp_path / "名单.xlsx",
        (
            "甲",
            [
                ["合作社名称", "信用代码", "备注"],
                ["兴旺果蔬合作社", "", '=HYPERLINK("http://x","y")'],
                ["云岫县兴盛果蔬专业合作社", uscc(1), "+86"],
                ["石门茶叶合作社", "", "0012"],
            ],
        ),
        ("说明", [["填报说明"], ["请各部门核对"]]),
    )
    out = tmp_path / "out.xlsx"
    result = matched(known, listed, settings)
    write_matched(result, out, county=COUNTY.name)
    book = openpyxl.load_workbook(out)
    cover, sheet = book.worksheets[0], book.worksheets[1]
    said = {r[0]: r[1] for r in cover.iter_rows(min_row=3, max_col=2, values_only=True) if isinstance(r[1], int)}
    assert said == {"名单行数": 3, "已匹配": 2, "存疑": 1, "未找到": 0, "不是合作社": 0}
    head = [c.value for c in sheet[1]]
    assert head[:3] == ["合作社名称", "信用代码", "备注"]
    assert head[3:9] == ["匹配结果", "合作社编号 coop_id", "总表统一社会信用代码", "总表名称", "把握", "理由"]
    assert sheet.freeze_panes == "A2"
    rows = [[c.value for c in r] for r in sheet.iter_rows(min_row=2)]
    assert rows[0][2] == '=HYPERLINK("http://x","y")'
    assert [r[2] for r in rows] == ['=HYPERLINK("http://x","y")', "+86", "0012"]
    assert all(c.data_type != "f" and not c.hyperlink for r in sheet.iter_rows() for c in r)
    assert all(c.data_type == "s" for c in sheet["B"] if c.value)
    assert [r[3] for r in rows] == ["已匹配", "存疑", "已匹配"]
    assert rows[1][4] is None  # a doubtful row gets no id, only candidates
    assert rows[1][9] and rows[1][12]
    assert all(0 < r[7] < 1 for r in rows)
    assert [r[15] for r in rows] == [2, 3, 4]


def test_columns_are_known_by_their_cells_when_their_headers_are_strange(
    known: KnownCooperatives, tmp_path: Path, settings: Settings
) -> None:
    listed = workbook(
        tmp_path / "名单.xlsx",
        ("甲", [["帮扶户头", "牌子"], ["某某", "云岫县兴旺果蔬专业合作社"], ["某甲", "云岫县石门茶叶专业合作社"]]),
    )
    result = matched(known, listed, settings)
    assert result.sheets[0].roles == {"牌子": "名称"}
    assert result.totals[Verdict.MATCHED] == 2


def test_a_code_eaten_by_a_spreadsheet_is_named_as_such(known: KnownCooperatives) -> None:
    answer = one(known, name="兴旺果蔬合作社", code="9.33391E+17")
    assert answer.verdict is Verdict.MATCHED
    assert "科学计数" in answer.reason


def test_a_list_without_names_and_codes_is_refused_with_the_next_step(
    known: KnownCooperatives, tmp_path: Path, settings: Settings
) -> None:
    listed = workbook(tmp_path / "名单.xlsx", ("甲", [["面积", "金额"], ["12", "30"], ["13", "40"]]))
    with pytest.raises(DriftError, match="名称或代码列"):
        matched(known, listed, settings)
    (tmp_path / "坏.xlsx").write_bytes(b"\x00\x01\x02 no table at all")
    with pytest.raises(FormatError):
        matched(known, tmp_path / "坏.xlsx", settings)


def test_without_any_cooperative_it_says_to_sync_first(engine: Engine) -> None:
    with pytest.raises(ConfigurationError, match="coop-hub sync"):
        read_known(engine, COUNTY)


def test_the_list_is_never_overwritten(tmp_path: Path) -> None:
    listed = workbook(tmp_path / "名单.xlsx", ("甲", [["名称"], ["兴旺果蔬合作社"]]))
    with pytest.raises(ConfigurationError, match="同一个文件"):
        CliRunner().invoke(match, [str(listed), "--out", str(listed)], catch_exceptions=False)


def test_a_decision_by_staff_holds_for_a_row_that_says_the_same(engine: Engine, tmp_path: Path) -> None:
    deployment = county_deployment(tmp_path)
    rows = [row("云岫县大山里蔬菜专业合作社", uscc(1)), row("大山蔬菜", representative="李大山", feed="demonstration")]
    run_id = accept(engine, rows)
    resolve(engine, deployment, run_id)
    with engine.begin() as connection:
        keys = sorted(r[0] for r in connection.execute(text("select profile_key from profile")))
        connection.execute(
            text(
                "insert into decision (profile_a, profile_b, verdict, person, reason) values (:a, :b, 'same', 'x', 'x')"
            ),
            {"a": keys[0], "b": keys[1]},
        )
    resolve(engine, deployment, run_id)
    answer = one(read_known(engine, COUNTY), name="大山蔬菜", representative="李大山")
    assert answer.verdict is Verdict.MATCHED
    assert "完全相同" in answer.reason


def test_a_list_of_ten_thousand_rows_is_answered_row_by_row(engine: Engine, tmp_path: Path) -> None:
    trades = ["果蔬", "茶叶", "水稻", "蔬菜", "畜禽", "水产", "花卉", "竹木", "中药材", "食用菌"]
    first, second = "金银铜铁锡山川河海湖云雾雨雪霜春夏秋冬晨", "龙虎凤鹤鹿松柏竹梅兰泉溪谷墩岭洞茂盛达通"
    names = [f"云岫县{a}{b}{t}专业合作社" for a in first for b in second for t in trades][:3000]
    run_id = accept(engine, [row(n, uscc(i + 10), town="白石镇") for i, n in enumerate(names)])
    resolve(engine, county_deployment(tmp_path), run_id)
    listed = [names[i % 3000].replace("专业合作社", "合作社" if i % 2 else "农民专业合作社") for i in range(10_000)]
    people = [f"人{i}" for i in range(10_000)]
    known = read_known(engine, COUNTY)
    answers = match_cells(
        {"name_name": pa.array(listed), "representative_representative": pa.array(people)}, 10_000, known
    )
    assert len(answers) == 10_000
    right = sum(a.best is not None and a.best.cooperative.name == names[i % 3000] for i, a in enumerate(answers))
    assert right > 9_900
