"""What a single cell reads like, whatever stands round it: a value, a number, a header. Shapes first, words second."""

from __future__ import annotations

import re
from collections.abc import Collection
from itertools import pairwise

from hub.intake.reader.headers import header_keys
from hub.intake.reader.words import squeeze

_NUMBER = re.compile(
    r"^[(（]?[-+−<>≥≤约]?[\d,， \u00a0\u2002\u2003\u2009]*\d?\.?\d+([eE][-+]?\d+)?\s*[%％‰]?[)）*]?"
    r"(\s*[-~～—–至]\s*[\d.,]+\s*[%％]?)?$"
)
_YEAR = re.compile(r"^(19|20)\d{2}(年度?|\.0)?$")
_MONTH = re.compile(r"^\d{1,2}月份?$|^(19|20)\d{2}[-./年]\d{1,2}月?$")
_ORDINAL = re.compile(r"^[(（]?\d{1,3}[)）]?$|^[甲乙丙丁戊己庚A-Z]$|^[(（]?\d{1,2}\s*=.*$|^栏次$|^行次$")
_DATE = re.compile(r"^\d{4}[-/.年]\d{1,2}([-/.月]\d{1,2}日?)?|^\d{8}$")
_LONG_CODE = re.compile(r"^[0-9A-Z]{15,20}$", re.IGNORECASE)
_PHONE = re.compile(r"^1\d{10}$|^0\d{2,3}-?\d{7,8}$")
_TRUTH = re.compile(r"^(true|false)$", re.IGNORECASE)
_IDENTIFIER = re.compile(r"^[A-Za-z][A-Za-z0-9]*(_[A-Za-z0-9]+)+$")
_EMPTY_LIKE = re.compile(r"^[-—–/\\…*#.·]+$|^(无|暂无|不详|未知|缺|n/?a|nan|null)$", re.IGNORECASE)


_ENTITY = re.compile(
    r".{4,}(公司|合作社|专业社|联合社|集团|厂|农场|牧场|养殖场|猪场|学校|医院|银行|研究所|委员会|大学|学院|街道|办事处|批发市场)([(（][^()（）]*[)）])?$"
)
_PROVINCE = re.compile(
    r"^(全国|北京|天津|河北|山西|内蒙古|辽宁|吉林|黑龙江|上海|江苏|浙江|安徽|福建|江西|山东|河南|湖北|湖南|广东|广西|海南|重庆|四川|贵州|云南|西藏|陕西|甘肃|青海|宁夏|"
    r"新疆|台湾|香港|澳门|大连|青岛|宁波|厦门|深圳)[省市]?(壮族|回族|维吾尔)?(自治区|生产建设兵团|兵团|农垦)?[A-Za-z ]*$"
)
_SENTENCE = re.compile(r"[。；;！？]|[，,].*[，,]")
_HEADER_END = re.compile(
    r"(名称|编号|代码|号码|日期|时间|电话|地址|单位|类型|类别|情况|金额|数量|面积|姓名|年度|年份|比例|备注|级别|等级|原因|机关|部门|状态|地区|方式|内容|结果|"
    r"人数|户数|总数|产量|价格|标准|名单|性别|职务|范围|来源|规格|型号|意见|依据|文号|批次|资金|收入|支出|合计|小计|总额|增长|占比|区域|品种)$"
)


def squeeze_light(text: str) -> str:
    return text.strip(" \t\r\n\u3000\u00a0\u200b\ufeff")


def is_number(text: str) -> bool:
    return bool(_NUMBER.match(text.strip()))


def is_value(text: str) -> bool:
    """Surely a value, never a header: numbers, codes, phones, dates, dashes."""
    t = text.strip()
    if _YEAR.match(t) or _MONTH.match(t):
        return False
    return bool(
        _NUMBER.match(t)
        or _DATE.match(t)
        or _LONG_CODE.match(t)
        or _PHONE.match(t)
        or _EMPTY_LIKE.match(t)
        or _TRUTH.match(t)
    )


def header_score(text: str, known: Collection[str]) -> float:
    """How much a cell reads like a header: known words most, values least."""
    t = text.strip()
    if is_value(t):
        return -1.5
    if _YEAR.match(t) or _MONTH.match(t):
        return 0.6
    keys = header_keys(t)
    if any(k in known for k in keys):
        return 2.0
    flat = squeeze(t)
    if _IDENTIFIER.match(flat):
        return 1.2  # com_name: a column of somebody's database
    if _ENTITY.match(flat) or _PROVINCE.match(flat):
        return -0.8
    if any(_HEADER_END.search(k) for k in keys[:2]):
        return 1.2
    if re.search(r"[A-Za-z]{3}", flat) and re.search(r"[\u4e00-\u9fff]", flat):
        return 0.8  # in two languages: long, and for that very reason a header
    if len(flat) > 60:
        return -1.0
    if len(flat) > 30 or _SENTENCE.search(flat):
        return -0.3
    return 0.5


def counting(texts: list[str]) -> bool:
    """品种 1 2 3 … 31: the numbers of a header that counts days or places."""
    numbers = [int(t) for x in texts[1:] if (t := squeeze(x)).isdigit()]
    return (
        not is_number(texts[0])
        and len(numbers) >= 3
        and len(numbers) >= len(texts) - 3
        and numbers[0] in (0, 1)
        and all(b - a == 1 for a, b in pairwise(numbers))
    )


def dated(texts: list[str]) -> bool:
    """市场 2023-10-01 2023-10-02: the days of a header."""
    days = [x.strip() for x in texts[1:] if _DATE.match(x.strip()) and not x.strip().isdigit()]
    return not is_value(texts[0]) and len(days) >= 2 and len(days) >= len(texts) - 2 and len(set(days)) == len(days)


def counts(texts: list[str]) -> bool:
    numbers = [int(m) for t in texts if (m := re.sub(r"\D", "", t.split("=")[0]))]
    return not numbers or (numbers[0] <= 2 and all(b - a == 1 for a, b in pairwise(numbers)))


def one_line(text: str) -> str:
    """A header as shown, without line breaks (joined as one word) and outer blanks."""
    lines = [squeeze_light(line) for line in re.split(r"[\r\n]+", text)]
    joined = ""
    for line in lines:
        starts_latin = line[:1].isascii() and line[:1].isalpha()
        joined += (" " if joined and starts_latin and not joined.endswith(("(", "-")) else "") + line
    return joined


def is_ordinal(text: str) -> bool:
    """A number of a column: 甲, (1), 3=1+2, 栏次."""
    return bool(_ORDINAL.match(text))
