"""The words by which offices' tables are recognised: headers, totals, notes, footers, titles. Words only; how they are
weighed is in `layout`.
"""

from __future__ import annotations

import re
import unicodedata

from hub.simplified import simplified


def word_list(text: str) -> list[str]:
    """Words written with blanks between them."""
    return text.split()


# headers found in every kind of government table, beside the synonyms of the feeds
HEADER_WORDS = frozenset(
    word_list("""序号 编号 编码 代码 号码 名称 单位 单位名称 企业 企业名称 公司名称 项目 项目名称 指标 指标名称 地区 地市 省 省份 省市 市 市县 县 县区 区县 区域
    乡镇 街道 村 行政村 年份 年度 年 月份 月 季度 日期 时间 姓名 性别 民族 年龄 职务 职称 学历 电话 手机 联系人 联系电话 联系方式 地址 住所 邮编 传真
    邮箱 网址 备注 说明 类别 类型 种类 品种 品名 产品 产品名称 商品名称 规格 型号 规格型号 计量单位 数量 单价 价格 金额 合计 总计 小计 面积 产量 产值
    比重 比例 增长 同比 环比 增减 排名 名次 等级 级别 批次 文号 证书编号 证号 许可证号 有效期 发证日期 发证机关 品牌 商标 生产企业 经营范围 法定代表人
    负责人 统一社会信用代码 注册号 登记日期 审批日期 结果 状态 得分 总分 评价 依据 事项 职责 内容 建设内容 建设地点 建设单位 投资 总投资 资金 财政资金
    来源 牵头单位 责任单位 完成时限 体系名称 岗位 岗位名称 工作单位 候选人姓名 数量 资产 收入 支出 户数 人数 总数 个数 国家 国别 市场 市场名称 城市
    学校 学校名称 医院 机构 机构名称 部门 主管部门 专业 用途 作物 作物名称 品系 亲本 选育单位 申请者 审定编号 登记编号 植物种类 适宜区域 科目 科目编码
    科目名称 预算数 决算数 功能分类 专项 No no name year region area province city index unit total date item code type price amount""")
)

_SPACES = re.compile(r"[\s\u200b-\u200f\u2028-\u202f\u2060\ufeff]+")
_TOTAL = re.compile(
    r"^[\[(（【]?(本页|本表|全部|全县|全省|全市|全区|全乡|全镇|全国|各地|地区|地方|中央|单位|项目|资金|金额|数量|以上|本月|本年|累计)?"
    r"(合计|小计|总计|共计|累计|总合计|合计数|总数合计|总和|页计)(数|值|金额|人数|户数)?[\])）】]?([(（:：,，、].*|[\d\s].*)?$"
)
_TOTAL_END = re.compile(r"^.{1,8}(合计|小计|总计|共计)[:：]?$")
_TOTAL_LATIN = re.compile(r"^(grand\s*total|sub\s*-?\s*total|total)\s*[:：]?$", re.IGNORECASE)
_TOTAL_BOTH = re.compile(r"^(合计|小计|总计|共计|全国总计|全国合计)(national|grand|sub)?(total|sum)?$", re.IGNORECASE)
_NOTE = re.compile(
    r"^[*※★☆△▲●]*[\[(（【]?(注|备注|附注|说明|注释|表注|填表说明|填报说明|编制说明|数据来源|资料来源|来源|摘编自|数据说明|注意|提示|温馨提示|"
    r"指标解释|note|notes|source|sources|remark|data source)s?[\])）】]?\s*([:：.．、,，]|[(（]?\d{1,2}[)）.、:：]|$|自)",
    re.IGNORECASE,
)
_NOTE_LOOSE = re.compile(r"^(注\s|本表|本数据|以上数据|以上名单|上述|摘自|摘编自|引自|资料来源|数据来源|①|②|③|④|⑤)")
_STARRED = re.compile(
    r"^[*※★☆△▲●]+(.*(注|说明|[。；;：:，,]|表示|标注|代表|是指|系指|更名|不含|包括|包含|数据|以上|为.{2,}).*|.{41,})$"
)
_FOOTER = re.compile(
    r"(填表人|制表人|制表|填报人|经办人|审核人|复核人|审批人|审核|单位负责人|负责人签字|主管领导|分管领导|联系电话|联系人|填表日期|填报日期|填报时间|制表日期|"
    r"制表时间|报送日期|报出日期|统计负责人|签字|签章|盖章|公章|打印日期|打印时间|导出时间|领导签字|会计主管|财务负责人)\s*[)）]?\s*[:：]"
)
_FOOTER_START = re.compile(
    r"^(填表人|制表人|制表|填报人|经办人|审核人|复核人|单位负责人|负责人签字|填表日期|第\d+页|共\d+页|page\s*\d)",
    re.IGNORECASE,
)
_FORM_LINE = re.compile(
    r"^(填报单位|填报部门|编制单位|编报单位|报送单位|填报日期|填表日期|填报时间|制表单位|统计单位|单位|计量单位|数据截止|截至|截止|日期|时间|填报人|联系人|"
    r"发布日期|发布时间|公布日期|单位\(盖章\)|填报单位\(盖章\)|填报单位\(公章\)|汇总单位|表号|制定机关|批准机关|批准文号|有效期至|报告期|编号|密级|unit)\s*[:：]",
    re.IGNORECASE,
)
_CONTINUED = re.compile(
    r"^[(（\[]?(续表?|续上表|接上表|续前表|continued|cont\.?)\s*[\d一二三四五六七八九十]*[)）\]]?$", re.IGNORECASE
)
_DAY = re.compile(
    r"^(\d{4}|[一二][〇○0零一二三四五六七八九]{3})年[\d一二三四五六七八九十]{1,3}月([\d一二三四五六七八九十]{1,3}日)?(印发)?$"
)
_CONTINUES = re.compile(r"(续表\s*\d*|[(（]续表?[\d一二三四五六七八九十]*[)）]|^[表\d.\-]+续\d*)$")
_SECTION = re.compile(
    r"^([一二三四五六七八九十百]+[、.．]|[(（][一二三四五六七八九十]+[)）]|第[一二三四五六七八九十\d]+[章节批类部]|附[件表录]\s*\d*[:：]?)"
)
_GROUP = re.compile(
    r"[(（]共?\d+(家|个|户|人|名|项|所|位|种)[)）][:：]?$|^(华北|东北|华东|中南|华中|华南|西南|西北)(地区)?$"
)
_UNIT_LINE = re.compile(r"(?:计量)?(?:单位|unit)\s*[:：]\s*([^\s;；]+)", re.IGNORECASE)
_UNIT_ONLY = re.compile(
    r"^[(（\[]?\s*(万元|亿元|元|千元|万美元|美元|公斤|千克|克|吨|万吨|亩|万亩|公顷|千公顷|平方米|平方公里|个|家|户|人|万人|次|件|台|套|头|只|万头|万只|"
    r"%|％|‰|元/公斤|元/吨|元/亩|元/斤|天|月|年|米|千米|公里|kg|mu|人次|处|所|座|项|株|份|元/人|mg/kg|位|名)\s*[)）\]]?$",
    re.IGNORECASE,
)


def squeeze(text: str) -> str:
    """NFKC in simplified characters, without any white space or invisible character: how short texts are compared."""
    return _SPACES.sub("", simplified(unicodedata.normalize("NFKC", text)))


def is_total(text: str) -> bool:
    """合计, 小计, 总 计, 合计：562条, 华北地区小计, Total."""
    t = squeeze(text)
    return bool(t) and (
        bool(_TOTAL.match(t)) or bool(_TOTAL_END.match(t)) or bool(_TOTAL_LATIN.match(t)) or bool(_TOTAL_BOTH.match(t))
    )


def is_note(text: str) -> bool:
    """注：…, 备注：…, 资料来源：…, a footnote. *甲合作社 is none: lists mark their entries so."""
    t = squeeze(text)
    marked = text.strip()[:1] in set("①②③④⑤⑥⑦⑧⑨⑩") and len(t) > 4  # NFKC would make them plain digits
    return marked or any(bool(p.match(t)) for p in (_NOTE, _NOTE_LOOSE, _STARRED))


def is_footer(text: str) -> bool:
    """填表人：    审核人：    , 第1页."""
    t = squeeze(text)
    return bool(_FOOTER.search(t)) or bool(_FOOTER_START.match(t))


def is_day(text: str) -> bool:
    """2026年10月31日, 二〇二六年十月三十一日, and nothing else: the date below a signature."""
    return bool(_DAY.match(squeeze(text)))


def is_form_line(text: str) -> bool:
    """填报单位：…, 单位：万元, 填报日期：…: what stands between a title and its table."""
    return bool(_FORM_LINE.match(squeeze(text)))


def is_continuation_title(text: str) -> bool:
    """7-6 续表 1, 表3（续）: the title of a table that goes on."""
    flat = squeeze(text)
    return is_continued(text) or (len(flat) <= 40 and bool(_CONTINUES.search(flat)))


def is_section(text: str) -> bool:
    """一、…, （二）…, 附件1: a heading inside a table."""
    flat = squeeze(text)
    return bool(_SECTION.match(flat)) or bool(_GROUP.search(flat))


def is_continued(text: str) -> bool:
    """（续）, 续表."""
    return bool(_CONTINUED.match(squeeze(text)))


def unit_in(text: str) -> str | None:
    """万元 in "单位：家、万元" or "单位：万元"; None when the line names no unit."""
    match = _UNIT_LINE.search(squeeze(text))
    return match.group(1) if match else None


def is_unit(text: str) -> bool:
    """A cell that holds nothing but a unit: （万元）."""
    return bool(_UNIT_ONLY.match(squeeze(text)))
