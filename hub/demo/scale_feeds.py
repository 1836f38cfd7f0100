"""The eighteen feeds of a large county, as SQL over its cooperatives: which of them each feed speaks of, how often, and how the
clerk writes them down. Declarations only; `scale_write` runs them.
"""

from __future__ import annotations

from dataclasses import dataclass

from hub.demo.clerk import LEDGER, OFFICE, SYSTEM, Habits

DRAWS = 12  # columns d0..d11 of 0 to 65,535
FULL = 65_536


@dataclass(frozen=True, slots=True)
class ScaleFeed:
    """`rates`: rows a cooperative of each condition (good, ordinary, shell, stopped, gone, young), one and a half meaning
    one or two. `sector` keeps to one sector. `columns`: header and SQL; name, code and the like are written by the
    clerk of these `habits`. `strangers`: share of them listed."""

    feed: str
    rates: tuple[float, float, float, float, float, float]
    habits: Habits
    columns: tuple[tuple[str, str], ...]
    sector: str = ""
    strangers: float = 0.0


def pick(words: tuple[str, ...], draw: int) -> str:
    """SQL for one of the words, by a draw."""
    listed = ", ".join(f"'{w}'" for w in words)
    return f"[{listed}][d{draw} % {len(words)} + 1]"


def day(sql: str, draw: int, odd: float = 0.1) -> str:
    """SQL for a date as written; null stays empty."""
    return (
        f"case when {sql} is null then '' when d{draw} >= {int(odd * FULL)} then strftime({sql}, '%Y-%m-%d') "
        f"else case d{draw} % 4 when 0 then strftime({sql}, '%Y/%-m/%-d') when 1 then strftime({sql}, '%Y.%-m.%-d') "
        f"when 2 then strftime({sql}, '%Y%m%d') else strftime({sql}, '%Y年%-m月%-d日') end end"
    )


def after(start: str, draw: int, days: int) -> str:
    """SQL for a date up to so many days after another."""
    return f"({start} + (d{draw} % {days})::integer)"


SINCE_2025, SINCE_2023 = "date '2025-01-02'", "date '2023-02-01'"
YEAR = "(2022 + d9 % 4)::varchar"
MONEY = "[2, 3.5, 5, 10, 20, 30, 50][d8 % 7 + 1]"
YES = "case when d{} < [61000, 44000, 13000, 13000, 6000, 39000][condition + 1] then '是' else '否' end"
NAME, CODE, PERSON, PHONE = ("w_name", "w_code", "w_person", "w_phone")
AUTHORITY = "'{county}市场监督管理局'"
REASON = """case when condition in (2, 4) or d7 % 4 > 0 then '未按照《农民专业合作社年度报告公示暂行办法》规定报送年度报告并公示的'
 when d7 % 8 = 0 then '公示信息隐瞒真实情况、弄虚作假的' else '通过登记的住所无法与农民专业合作社取得联系的' end"""
LISTED = "make_date((2023 + nth + d8 % 2)::bigint, 7, (3 + d9 % 25)::bigint)"
OFF = "condition in (0, 1) and d10 % 4 > 0"
TAX_STATE = """case condition when 2 then ['非正常', '非正常', '非正常户注销'][d7 % 3 + 1] when 3 then ['停业', '非正常'][d7 % 2 + 1]
 when 4 then '注销' else case when nth > 0 then '注销' else '正常' end end"""
REGISTERED = after("founded", 8, 120)

FEEDS: tuple[ScaleFeed, ...] = (
    ScaleFeed(
        "registry", (0.98, 0.98, 0.98, 0.98, 0.98, 0.98), SYSTEM,
        (
            ("名称", "official"), ("统一社会信用代码", "uscc"), ("注册号", "case when modern then '' else regno end"),
            ("法定代表人", PERSON), ("成员出资总额", "(50 + d8 % 900)::bigint * 10000"), ("成立日期", day("founded", 9)),
            ("住所", "address"), ("登记状态", "case when ended is null then '存续' else '注销' end"), ("注（吊）销日期", day("ended", 9)),
            ("成员总数", "5 + d7 % 100"),
        ),
    ),
    ScaleFeed(
        "tax_registration", (1.09, 1.0, 0.75, 1.05, 0.9, 0.85), SYSTEM,
        (
            ("登记序号", "(10130000000000 + row)::varchar"), ("纳税人识别号", "case when not modern and d9 % 9 < 2 then substr(uscc, 3, 15) else w_code end"),
            ("社会信用代码", "case when d10 % 4 = 0 then '' else uscc end"), ("纳税人名称", NAME), ("纳税人状态", TAX_STATE),
            ("登记注册类型", "'农民专业合作社'"), ("法定代表人姓名", PERSON), ("生产经营地址", "address"), ("街道乡镇", "town"),
            ("主管税务所（科、分局）", "'{county}税务局' || town || '税务分局'"), ("登记日期", day(REGISTERED, 11)),
            ("开业设立日期", day("founded", 11)),
            ("非正常日期", day(f"case when ({TAX_STATE}) = '非正常' then greatest({after(SINCE_2023, 10, 900)}, {REGISTERED}) end", 11)),
            ("注销日期", day(f"case when ({TAX_STATE}) like '%注销' then greatest(coalesce(ended, {after(SINCE_2023, 10, 900)}), {REGISTERED}) end", 11)),
            ("联系电话", PHONE),
        ),
        strangers=0.6,
    ),
    ScaleFeed(
        "market_abnormal", (0.08, 0.42, 2.5, 2.2, 0.5, 0.0), SYSTEM,
        (
            ("企业名称", NAME), ("统一社会信用代码/注册号", "case when not modern and d10 % 20 = 0 then regno else w_code end"),
            ("法定代表人/负责人", PERSON), ("列入经营异常名录原因", REASON), ("列入日期", day(LISTED, 11)),
            ("作出决定机关(列入)", AUTHORITY),
            ("移出经营异常名录原因", f"case when {OFF} then '已补报年度报告并公示' else '' end"),
            ("移出日期", day(f"case when {OFF} then {after(LISTED, 9, 200)} end", 11)),
            ("作出决定机关(移出)", f"case when {OFF} then {AUTHORITY} else '' end"),
        ),
        strangers=0.4,
    ),
    ScaleFeed(
        "market_inspection", (0.12, 0.14, 0.3, 0.4, 0.0, 0.05), SYSTEM,
        (
            ("主体名称", NAME), ("统一社会信用代码/注册号", CODE), ("检查实施机关", AUTHORITY), ("类型", pick(("抽查", "检查"), 7)),
            ("日期", day(after(SINCE_2025, 8, 600), 11)),
            ("结果", "case when condition in (2, 3) then " + pick(("未发现开展本次抽查涉及的经营活动", "已关闭停业或正在组织清算"), 9) + " else '未发现问题' end"),
        ),
    ),
    ScaleFeed(
        "traceability_subjects", (0.88, 0.38, 0.1, 0.0, 0.1, 0.25), OFFICE,
        (
            ("主体身份码", "'1.2.156.326.8.1.0.0.3.' || uscc"), ("企业名称", NAME), ("企业证件号码", CODE), ("主体组织形式", "'农民专业合作社'"),
            ("主体类型", "'生产主体'"), ("法人姓名", PERSON), ("联系人电话", PHONE), ("企业地址", "address"), ("所属区域", "'{county}' || town"),
            ("注册时间", day(after("greatest(founded, date '2018-05-01')", 8, 900), 11)), ("审批状态", "'审批通过'"),
        ),
        strangers=0.2,
    ),
    ScaleFeed(
        "traceability_batches", (3.8, 0.8, 0.03, 0.0, 0.0, 0.3), SYSTEM,
        (
            ("生产批次", f"strftime({after(SINCE_2025, 8, 660)}, '%Y%m%d') || '-' || lpad(row::varchar, 9, '0')"), ("产品名称", "product"),
            ("企业名称", NAME), ("企业证件号码", CODE), ("数量", "(20 + d9 % 880) * 10"), ("计量单位", "'公斤'"),
            ("检测", pick(("合格", "合格", "未检测"), 10)), ("承诺达标合格证编号", "'HGZ' || lpad(row::varchar, 10, '0')"),
            ("开具日期", day(after(SINCE_2025, 8, 660), 11)),
        ),
    ),
    ScaleFeed(
        "demonstration", (0.7, 0.02, 0.01, 0.0, 0.01, 0.0), LEDGER,
        (
            ("合作社名称", NAME), ("所在乡镇", "town"), ("级别", pick(("县级", "县级", "县级", "市级", "市级", "省级", "国家级"), 7)),
            ("系统", "'农业农村'"), ("认定年度", YEAR), ("监测结果", pick(("监测合格", "监测合格", "监测合格", "监测不合格"), 8)),
        ),
    ),
    ScaleFeed(
        "standardisation", (0.8, 0.35, 0.08, 0.0, 0.0, 0.2), OFFICE,
        (
            ("乡镇", "town"), ("合作社名称", NAME), ("统一社会信用代码", CODE), ("理事长", PERSON), ("成员数", "5 + d7 % 100"),
            *((header, YES.format(draw)) for draw, header in enumerate(("成员大会", "理事会", "监事会", "章程", "成员账户", "会计电算化"), 5)),
            ("检查日期", day(after("date '2026-07-01'", 8, 90), 11)),
        ),
    ),
    ScaleFeed(
        "complaints", (0.01, 0.03, 0.08, 0.1, 0.0, 0.0), LEDGER,
        (
            ("登记日期", day(after(SINCE_2025, 8, 660), 11, 0.4)), ("被举报单位", NAME), ("所在乡镇", "town"),
            ("线索内容", pick(("长期无人经营", "虚报成员套取补贴", "拖欠农户货款"), 7)), ("来源", "'12345热线'"), ("办理结果", pick(("属实", "不属实", "办理中"), 9)),
        ),
    ),
    ScaleFeed(
        "township_cleanup", (0.0, 0.05, 0.8, 0.85, 0.35, 0.0), LEDGER,
        (
            ("乡镇", "town"), ("村", "village"), ("合作社名称", NAME), ("理事长", PERSON), ("联系电话", PHONE),
            ("问题类型", pick(("无实质性生产经营活动", "无农民成员实际参与", "因经营不善停止运行"), 7)), ("处置意见", pick(("注销", "整改", "扶持"), 8)),
            ("整改情况", pick(("未开始", "进行中", "已完成"), 9)),
        ),
    ),
    ScaleFeed(
        "supply_marketing", (0.22, 0.12, 0.05, 0.0, 0.05, 0.0), LEDGER,
        (("乡镇", "town"), ("合作社名称", NAME), ("负责人", PERSON), ("联系电话", PHONE), ("入股金额", MONEY)), strangers=0.1,
    ),
    ScaleFeed(
        "forestry", (1.0, 1.0, 1.0, 1.0, 0.3, 1.0), LEDGER,
        (("乡镇", "town"), ("合作社名称", NAME), ("负责人", PERSON), ("联系电话", PHONE), ("经营类型", "trade"), ("经营面积（亩）", "(8 + d7 % 250) * 10")),
        sector="forest",
    ),
    ScaleFeed(
        "water", (1.0, 1.0, 1.0, 1.0, 0.0, 1.0), LEDGER,
        (("乡镇", "town"), ("用水合作组织名称", NAME), ("负责人", PERSON), ("联系电话", PHONE), ("管护工程", "village || '山塘工程'"), ("灌溉面积（亩）", "(8 + d7 % 250) * 10"), ("年度", YEAR)),
        sector="water",
    ),
    ScaleFeed(
        "fiscal_support", (0.3, 0.1, 0.08, 0.1, 0.05, 0.0), OFFICE,
        (("项目名称", pick(("农产品初加工项目", "冷链物流设施项目", "高标准农田建设项目"), 7)), ("实施单位", NAME), ("社会信用代码", CODE), ("补助金额（万元）", MONEY), ("年度", YEAR)),
    ),
    ScaleFeed(
        "development_reform", (0.07, 0.03, 0.0, 0.0, 0.0, 0.0), OFFICE,
        (("项目名称", "'农产品产地冷藏保鲜设施'"), ("项目单位", NAME), ("统一社会信用代码", CODE), ("负责人", PERSON), ("投资金额（万元）", MONEY), ("年度", YEAR)),
    ),
    ScaleFeed(
        "finance", (0.42, 0.15, 0.05, 0.0, 0.0, 0.0), OFFICE,
        (
            ("借款人名称", NAME), ("统一社会信用代码", CODE), ("负责人", PERSON), ("金融机构", "'{county}农商银行'"), ("记录类型", pick(("信用评级", "贷款"), 7)),
            ("信用等级", pick(("AAA", "AA", "A", "B"), 9)), ("金额", MONEY), ("日期", day(after(SINCE_2025, 10, 600), 11)),
        ),
    ),
    ScaleFeed(
        "support_measures", (0.3, 0.15, 0.0, 0.0, 0.0, 0.3), LEDGER,
        (
            ("乡镇", "town"), ("合作社名称", NAME), ("统一社会信用代码", CODE), ("扶持类型", pick(("培训", "保险", "电商", "项目"), 7)),
            ("扶持内容", "'合作社理事长能力提升班'"), ("扶持单位", "'县农业农村局'"), ("扶持时间", day(after(SINCE_2025, 8, 600), 11)),
        ),
    ),
    ScaleFeed(
        "union_members", (0.06, 0.03, 0.01, 0.0, 0.0, 0.0), LEDGER,
        (
            ("联合社名称", "'{county}' || trade || '专业合作社联合社'"), ("成员社名称", NAME), ("统一社会信用代码", CODE), ("理事长", PERSON),
            ("加入日期", day("founded", 8)),
        ),
    ),
)  # fmt: skip


def clerk_sql(habits: Habits) -> str:
    """SQL columns w_name, w_code, w_person, w_phone: what a clerk of these habits writes. Strangers' names and codes are
    copied as they are."""

    def under(draw: str, share: float) -> str:
        return f"{draw} < {int(share * FULL)}"

    h = habits
    empties = "['', '', '', '无', '/', '——', '-', '未提供', '暂无']"
    return f"""
 case when kind <> 'coop' then official else concat(
  case when {under("d1", h.town_before)} then town else '' end,
  case when {under("d0", h.no_region)} then ''
       when {under("d0", h.no_region + h.bare_region)} and region = '{{county}}' then '{{bare}}' else region end,
  case when {under("d2", h.homophone)} then coalesce(slip, brand) else brand end,
  trade,
  case when d3 >= {int(h.suffix * FULL)} then suffix
       when suffix = '农民专业合作社' then ['专业合作社', '农民专业社'][d3 % 2 + 1]
       when suffix = '专业合作社' then ['农民专业合作社', '合作社', '专业社'][d3 % 3 + 1] else suffix end,
  case when d4 >= {int(h.marks * FULL)} then ''
       else ['　', '*', chr(8203), case when ended is null then ' ' else '（已注销）' end][d4 % 4 + 1] end) end as w_name,
 case when kind <> 'coop' then uscc
  when {under("d5", h.no_code)} then {empties}[d5 % 9 + 1]
  when {under("d5", h.no_code + h.bad_code)} then case d5 % 6
    when 0 then lower(pasted) when 1 then chr(39) || pasted when 2 then substr(pasted, 1, 8) || ' ' || substr(pasted, 9)
    when 3 then substr(pasted, 1, 10) || substr(pasted, 12, 1) || substr(pasted, 11, 1) || substr(pasted, 13)
    when 4 then substr(pasted, 1, 12) || substr(pasted, 14) else replace(pasted, '0', 'O') end
  else pasted end as w_code,
 case when {under("d6", h.no_person)} then {empties}[d6 % 9 + 1] when d6 % 3 = 0 then coalesce(former_representative, representative)
  else representative end as w_person,
 case when {under("d6", h.no_phone)} and d6 % 2 = 0 then {empties}[d6 % 9 + 1] else phone end as w_phone"""
