"""Word files of the office: they open, say what the model says, hold no personal data, and print with Chinese in them."""

import shutil
import subprocess
import zipfile
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import Engine

from hub.cli import cli
from hub.errors import ConfigurationError
from hub.master.bulletin import parse_month, read_bulletin
from hub.master.documents import bulletin_document
from hub.master.documents.bulletin_document import write_bulletin
from hub.master.documents.charts import bar_chart, chinese_font
from hub.master.documents.dossier_document import write_dossier
from hub.master.documents.word import Document
from hub.master.dossier import read_dossier
from hub.settings import Settings
from tests.master.builder import DEMO, County

PHONE = "13800000000"


def text_of(path: Path) -> str:
    import docx

    document = docx.Document(str(path))
    cells = [c.text for t in document.tables for row in t.rows for c in row.cells]
    return "\n".join([*(p.text for p in document.paragraphs), *cells])


@pytest.fixture
def county(engine: Engine) -> County:
    """Two months of a small county; the second lists a demonstration cooperative."""
    c = County(engine).night(date(2026, 9, 30))
    rows = [
        {"coop": f"K{i}", "name": f"云岫县第{i}茶叶专业合作社", "tax_number": f"9333912700000000{i:02d}", "status": "03",
         "town": ("白石镇", "青溪镇")[i % 2], "phone": PHONE, "founded_on": date(2012, 1, 1)}
        for i in range(12)
    ]  # fmt: skip
    c.deliver("tax_registration", rows)
    c.deliver("market_abnormal", [])
    c.deliver("demonstration", [{"coop": "K1", "name": "云岫县第1茶叶专业合作社", "level": "city", "awarded_in": 2020}])
    c.deliver("traceability_subjects", [])
    c.project()
    c.night(date(2026, 10, 31))
    c.deliver(
        "market_abnormal",
        [{"coop": "K1", "name": "云岫县第1茶叶专业合作社", "reason": "unreachable", "listed_on": date(2026, 10, 8)}],
    )
    c.deliver("township_cleanup", [{"coop": "K2", "name": "云岫县第2茶叶专业合作社", "problem": "stopped", "proposed": "rectify",
                                    "due_on": date(2026, 10, 1)}], town="白石镇")  # fmt: skip
    c.deliver("finance", [{"coop": "K3", "name": "云岫县第3茶叶专业合作社", "record_type": "illegal_finance"}])
    c.project()
    return c


def test_the_bulletin_tells_the_month_against_the_one_before(county: County, engine: Engine, tmp_path: Path) -> None:
    with engine.connect() as c:
        model = read_bulletin(c, county.deployment, parse_month("2026-10"))
    listed = next(f for f in model.figures if f.title == "在经营异常名录上")
    assert (listed.value, listed.before, listed.difference) == (1, 0, "+1")
    assert dict(model.towns)["青溪镇"][0] == 6
    assert {m.rule for m in model.matters if m.cooperatives} == {
        "demonstration_in_trouble",
        "demonstration_not_traceable",
        "shell_illegal_finance",
    }
    write_bulletin(model, tmp_path / "b.docx")
    told = text_of(tmp_path / "b.docx")
    for expected in ("云岫县农民专业合作社联席会议通报", "2026 年 10 月", "新列入经营异常名录（1 家）", "逾期未销号（1 家）", "云岫县第1茶叶专业合作社",
                     "示范社被列入异常或税务非正常", "合计", "逾期未报"):  # fmt: skip
        assert expected in told
    assert PHONE not in told
    with zipfile.ZipFile(tmp_path / "b.docx") as parts:
        pictures = [n for n in parts.namelist() if n.startswith("word/media/")]
        assert all(parts.read(n).startswith(b"\x89PNG") for n in pictures)
    assert (len(pictures) >= 2) is (chinese_font() is not None)


def test_a_first_bulletin_has_nothing_to_compare_with_and_says_so(
    county: County, engine: Engine, tmp_path: Path
) -> None:
    with engine.connect() as c:
        first = read_bulletin(c, county.deployment, parse_month("2026-09"))
        late = read_bulletin(c, county.deployment, parse_month("2026-08"))
    write_bulletin(first, tmp_path / "b.docx")
    assert "本期为首期" in text_of(tmp_path / "b.docx")
    assert first.note == ""
    assert "2026年09月30日" in late.note


def test_a_month_that_is_none_is_refused() -> None:
    for wrong in ("2026-13", "十月", "2026", "9999-12", "0001-01", "2026-10-1"):
        with pytest.raises(ConfigurationError):
            parse_month(wrong)


def test_without_a_chinese_font_charts_become_bars_of_text(
    county: County, engine: Engine, tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.setattr("hub.master.documents.charts.chinese_font", lambda: None)
    assert bar_chart([("甲", 1.0)], title="图") is None
    with engine.connect() as c:
        write_bulletin(read_bulletin(c, county.deployment, parse_month("2026-10")), tmp_path / "b.docx")
    assert "█" in text_of(tmp_path / "b.docx")


def test_long_lists_are_cut_and_say_how_many_there_are(
    county: County, engine: Engine, tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.setattr(bulletin_document, "MOST_LISTED", 3)
    county.night(date(2026, 11, 30))
    county.deliver(
        "tax_registration",
        [{"coop": f"N{i}", "name": f"新{i}专业合作社", "tax_number": str(i), "status": "03"} for i in range(5)],
    )
    county.project()
    with engine.connect() as c:
        write_bulletin(read_bulletin(c, county.deployment, parse_month("2026-11")), tmp_path / "b.docx")
    told = text_of(tmp_path / "b.docx")
    assert "新出现的合作社（5 家）" in told
    assert "共 5 家，以上列前 3 家" in told


def test_a_document_leaves_out_what_word_cannot_hold(tmp_path: Path) -> None:
    out = tmp_path / "档案.docx"
    document = Document(title="白石\x01茶叶", subject="\ufffe")
    document.title("白石\x0b茶叶", "截至\x1f今日")
    document.heading("记\x00录")
    document.paragraph("甲\uffff乙")
    document.table(["列\x02"], [["值\x0c\ufffe"]])
    document.bars([("城关\x03镇", 1.0, "1\x04 家")])
    document.save(out)
    said = text_of(out)
    assert all(words in said for words in ("白石茶叶", "截至今日", "记录", "甲乙", "列", "值", "城关镇", "1 家"))


def test_the_same_chart_twice_is_the_same_file() -> None:
    assert bar_chart([("甲", 3.0), ("乙", 1.0)], title="图", goals=[4, None]) == bar_chart(
        [("甲", 3.0), ("乙", 1.0)], title="图", goals=[4, None]
    )


def test_a_dossier_names_each_file_once_and_rows_by_its_number(engine: Engine, county: County, tmp_path: Path) -> None:
    with engine.connect() as c:
        dossier = read_dossier(c, "K1")
    write_dossier(dossier, tmp_path / "d.docx")
    told = text_of(tmp_path / "d.docx")
    assert len(dossier.attachments) > 1
    for original in dossier.attachments:
        assert told.count(f"[{original['number']}]") > 1
    files = [a["name"] for a in dossier.attachments]
    assert sum(told.count(name) for name in set(files)) == len(files)
    numbers = {a["delivery_id"]: a["number"] for a in dossier.attachments}
    for records in dossier.records:
        for _, place in records.rows:
            assert place.number == numbers[place.delivery_id]
            assert f"{place.feed_title}[{place.number}]" in told


@pytest.mark.office
@pytest.mark.slow
def test_both_documents_print_with_their_chinese(county: County, engine: Engine, tmp_path: Path) -> None:
    with engine.connect() as c:
        write_bulletin(read_bulletin(c, county.deployment, parse_month("2026-10")), tmp_path / "bulletin.docx")
        write_dossier(read_dossier(c, "K1"), tmp_path / "dossier.docx", departments={"tax": "税务局"})
    subprocess.run(
        ["soffice", f"-env:UserInstallation=file://{tmp_path}/profile", "--headless", "--convert-to", "pdf", "--outdir", str(tmp_path),
         str(tmp_path / "bulletin.docx"), str(tmp_path / "dossier.docx")],
        check=True, capture_output=True, timeout=240,
    )  # fmt: skip
    for name, expected in (("bulletin", "联席会议通报"), ("dossier", "一社一档")):
        assert (tmp_path / f"{name}.pdf").stat().st_size > 10_000
        if shutil.which("pdftotext"):
            told = subprocess.run(
                ["pdftotext", str(tmp_path / f"{name}.pdf"), "-"], check=True, capture_output=True
            ).stdout.decode()
            assert expected in told.replace(" ", "")


@pytest.fixture
def run(county: County, settings: Settings, monkeypatch: Any) -> Any:
    """Runs a command on the small county."""
    monkeypatch.setenv(
        "COOP_HUB_DATABASE_URL", settings.database_url.get_secret_value() if settings.database_url else ""
    )
    monkeypatch.setenv("COOP_HUB_DEPLOYMENT", str(DEMO))
    monkeypatch.setenv("COOP_HUB_DATA", str(settings.data))

    def invoke(*arguments: str) -> Any:
        return CliRunner().invoke(cli, list(arguments))

    return invoke


def test_the_commands_of_the_office_print_what_it_asks(run: Any, tmp_path: Path) -> None:
    assert "示范社纳入追溯平台" in run("targets").output
    assert "K1" in run("targets", "--missing", "traceable").output
    assert "新列入经营异常名录" in run("changes", "--since", "2026-10-01").output
    assert "没有变化" in run("changes", "--since", "2026-10-31").output
    assert "逾期未销号" in run("cleanup", "--town", "白石镇", "--stage", "overdue").output
    out = tmp_path / "deep" / "d.json"
    assert run("dossier", "云岫县第1茶叶专业合作社", "--out", str(out)).exit_code == 0
    assert PHONE in out.read_text(encoding="utf-8")
    assert run("dossier", "K1", "--out", str(out), "--public").exit_code == 0
    assert PHONE not in out.read_text(encoding="utf-8")
    assert (
        run(
            "dossier", "K1", "--out", str(tmp_path / "d.docx"), "--as-of", "2026-10-20", "--known-at", "2026-10-31"
        ).exit_code
        == 0
    )
    assert run("bulletin", "--month", "2026-10", "--out", str(tmp_path / "b.docx")).exit_code == 0
    assert "连续" not in text_of(tmp_path / "b.docx")


def test_workbooks_speak_in_words_and_say_of_what_day_they_are(run: Any, tmp_path: Path) -> None:
    import openpyxl

    out = tmp_path / "m.xlsx"
    assert run("export", "master", "--out", str(out), "--known-at", "2026-09-30").exit_code == 0
    book = openpyxl.load_workbook(out)
    head, *rows = book["合作社总表"].iter_rows(values_only=True)
    states = {r[head.index("纳税人状态")] for r in rows}
    assert states == {"正常"}
    assert {r[head.index("现在经营异常名录上")] for r in rows} <= {"是", "否", "不详"}
    assert "2026-09-30" in str(book["字段说明"]["A1"].value)
    assert book["字段说明"]["C4"].value == "登记名录"  # whose word counts for the name
    out = tmp_path / "r.xlsx"
    assert run("export", "records", "tax_registrations", "--out", str(out), "--as-of", "2026-10-20").exit_code == 0
    assert "纳税人状态" in [c.value for c in openpyxl.load_workbook(out)["税务登记"][1]]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("export", "records", "nothing", "--out", "x.xlsx"), "没有名为"),
        (("dossier", "K1", "--out", "x.pdf"), "docx"),
        (("dossier", "没有这一家", "--out", "x.json"), "找不到"),
        (("bulletin", "--month", "2026-10", "--out", "x.pdf"), "docx"),
        (("bulletin", "--month", "2026/10", "--out", "x.docx"), "不是月份"),
        (("targets", "--missing", "nothing"), "没有名为"),
        (("targets", "--known-at", "2020-01-01"), "还没有发布过"),
    ],
)
def test_a_wrong_wish_gets_a_sentence_and_a_next_step(run: Any, arguments: tuple[str, ...], said: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 1
    assert isinstance(result.exception, ConfigurationError)
    assert said in str(result.exception)
    assert result.exception.next_step


def test_this_machine_draws_chinese_or_says_it_cannot() -> None:
    assert (chinese_font() is None) == (bar_chart([("白石镇", 1.0)], title="各乡镇") is None)
