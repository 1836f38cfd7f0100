"""What other rooms write in Chinese only, in English, for pages in English: fixed words (cycles, standings, verdicts, next steps),
titles and choices of fields and rules, and the sentences the hub composes. What is not listed is data: it stays as it is and is
marked as Chinese, so that a screen reader says it in Chinese."""

from __future__ import annotations

import re
from functools import lru_cache

from markupsafe import Markup, escape

from hub.alerts import KINDS
from hub.feeds import feed_catalogue
from hub.master.datasets import DATASETS
from hub.master.fields import ANSWERS, master_fields
from hub.master.rules import rules

_FIXED = {
    "实时": "at once", "每日": "daily", "每周": "weekly", "每月": "monthly", "每季度": "quarterly", "每半年": "twice a year", "每年": "yearly",
    "无条件共享": "Unconditional", "有条件共享": "Conditional", "不予共享": "Not shared", "未共享": "Not shared yet",
    "有效": "In force", "待批准": "To be approved", "未到生效日": "Not yet in force", "已到期": "Expired", "已撤销": "Revoked",
    "原样": "as it is", "姓名留首字": "first character of names", "电话留前三后四": "phones: first 3, last 4",
    "证件号留前六后四": "ID numbers: first 6, last 4", "遮住码中的身份证号": "ID numbers in codes hidden",
    "遮住文中的电话和证件号": "phones and ID numbers in texts hidden", "假名（带密钥的 SM3 摘要）": "pseudonym (keyed SM3)",
    "全部行": "all rows", "来源数据": "Feed", "共享数据": "Dataset", "汇聚至枢纽": "Comes to the hub", "不开放": "Not open",
    "由提供部门报送": "Sent by the provider", "电子表格、CSV、数据库、接口": "spreadsheets, CSV, databases, interfaces",
    "门户下载": "portal", "SFTP 推送": "SFTP push", "公开": "public", "个人信息": "personal", "敏感个人信息": "sensitive",
    "字符型": "text", "字符型（代码）": "text (codes)", "日期型": "date", "数值型": "number", "货币型": "money", "逻辑型": "yes/no",
    "身份": "Identity", "登记与市场监管": "Registration and market", "税务登记": "Tax registration", "产品追溯": "Traceability", "示范社": "Demonstration",
    "规范化建设": "Standardisation", "清理整顿": "Clean-up", "部门指导": "Guidance by departments",
    "扶持、信用与举报": "Support, credit, reports", "争议标注": "Disputed", "合作社编号": "Cooperative id",
    "不需要做什么。": "Nothing to do.",
    "请按上面的原因更正后，重新报送整份文件。": "Correct what is said above and send the whole file again.",
    "这份来件没有采用。请与领导小组办公室联系，更正后重新报送。": "Not taken. Ask the office, correct it and send it again.",
    "这份来件要由领导小组办公室确认后才采用，请等候联系，或核对后重新报送。":
        "The office has to confirm it first. Wait to hear from them, or check it and send it again.",
    "请在退回工作簿里把标红的单元格改好，再报送一次。": "Correct the red cells of the return workbook and send it again.",
    "提出": "Raised", "受理": "Accepted", "标注": "Flagged", "核实与处理": "Answered", "标注撤销": "Flag removed", "归档": "Archived",
    "不予受理": "Refused", "已更正": "Corrected", "核实无误": "Found right", "撤回": "Withdrawn",
    "同一家": "the same", "不是同一家": "different", "拿不准": "unsure",
    "已达标": "reached", "未达标": "not yet", "已逾期": "overdue", "监测": "watched", "缺数据": "no data",
    "逾期未销号": "Overdue", "整改中": "Open", "待乡镇核实": "To be visited", "已销号": "Closed", "（乡镇不详）": "(town unknown)",
    "本枢纽": "the hub", "（不显示）": "(hidden)", "各乡镇（街道）": "every township", "随部署文件批准": "Approved with the county's files",
    "只限本乡镇（街道）的合作社": "cooperatives of the own township", "只限尚未终止的记录": "records not yet ended",
    "只限接收部门自己台账里的合作社": "cooperatives in the recipient's own lists", "字段的先后次序有变": "The order of fields changed",
    "提供部门": "Providers", "接收部门": "Recipient", "数据集": "Dataset", "用途": "Purpose", "共享依据": "Legal basis", "共享条件": "Conditions",
    "共享类型": "Share type", "更新周期": "Update cycle", "格式": "Formats", "CSV 编码": "CSV encoding", "交付方式": "Delivery",
    "使用要求": "Terms of use", "保持行序": "Order kept", "无": "none", "未终止": "not ended",
    "登记成立": "Registered", "登记注（吊）销": "Registration ended", "列入经营异常名录": "Put on the abnormal list",
    "移出经营异常名录": "Taken off the abnormal list", "办理税务登记": "Registered for tax", "税务认定非正常": "Declared abnormal for tax",
    "税务注销": "Deregistered for tax", "在追溯平台注册": "Registered on the traceability platform", "生产批次": "Batch",
    "群众举报": "Report from the public", "举报办结": "Report closed", "规范化检查": "Standardisation checked", "清理整顿销号": "Clean-up closed",
    "清理整顿期限": "Clean-up due", "获得扶持": "Support received", "金融记录": "Finance",
    "财政扶持": "Fiscal support", "发改（科技）项目": "Development project", "供销社领办": "Led by supply and marketing",
    "加入联合社": "Joined a union", "退出联合社": "Left a union", "多家共用": "given by several", "不像电话号码": "unlike a phone number",
    "后来改归别处，当时归入本社的理由没有留存。": "It was moved elsewhere since; why it stood here was not kept.", "结果未填": "no result given",
    "首次出现，编号建立": "First seen, id given", "与另一编号合并": "Merged with another id", "拆分出来": "Split off", "更名": "Renamed",
    "合并撤销，编号恢复": "Merger undone, id restored", "总表内容更新": "Master record updated",
    "首次出现，新建编号。": "First seen: a new id.", "本乡镇": "own township",
    "追溯主体身份码内含的统一社会信用代码": "The unified social credit code in its traceability code",
    "没有找到这一家更早的记录，由此新建合作社编号。": "No earlier record of it was found: its id begins here.",
    "没有名称也没有可用的代码，无法认定是哪一家。": "Neither a name nor a usable code: which one it is cannot be told.",
    "来件待人工确认": "a person has to decide", "取数失败": "nothing fetched", "退回行过多": "too many rows sent back", "每晚 2 点的同步": "the run at 02:00", "工作日历待补": "a year is missing",
    "查看资料后判断": "Decided from the records", "电话核实": "Checked by phone", "询问乡镇": "Asked the township",
    "查看登记档案": "Looked into the register", "实地查看": "Visited",
    "已有记录": "an earlier record", "总体相符": "alike on the whole",
    "名称完全相同": "name the same", "字号和行业相同（区划或后缀写法不同）": "brand and trade the same, place or ending written otherwise",
    "字号和行业同音": "brand and trade sound the same", "字号和行业形近或近音": "brand and trade look or sound alike",
    "字号和行业用字相同，行业字序有误": "same characters, trade jumbled", "字号用字相同，字序颠倒": "same characters, brand jumbled",
    "字号和行业同音而字序颠倒": "same sounds, jumbled", "行业漏写或多写一字": "one character more or less in the trade",
    "行业漏写一字，不成行业": "one character lost from the trade, which is none then",
    "漏写一字，字号只剩一字": "one character lost, one is left of the brand",
    "字号漏写或多写一字": "one character more or less in the brand", "漏写一字且有同音字": "one character lost, others sound the same",
    "字号相同，行业写法略有出入": "brand the same, trade nearly", "字号相同，行业不同": "brand the same, trade not",
    "名称只差一字": "names differ by one character", "名称不同": "names differ", "组织形式相同": "form the same",
    "组织形式不同（联合社、股份合作社、分社另是一家）": "form differs (a union, joint-stock or branch is another one)",
    "名称区划相同": "place in the name the same", "名称区划不同": "place in the name differs", "负责人相同（本县少见）": "representative the same, a rare name",
    "负责人相同": "representative the same", "负责人同音或只差一字": "representative sounds alike or differs by one character",
    "负责人不同": "representative differs", "电话相同": "phone the same", "电话只差一位": "phone differs by one digit", "电话不同": "phone differs",
    "乡镇相同": "township the same", "乡镇不同": "township differs", "详细地址相同": "address the same", "村（社区）相同": "village the same",
    "地址不同": "address differs", "成立日期相同": "founding day the same", "成立日期不同": "founding day differs",
}  # fmt: skip
# sentences with something in them, said in the same way; narrow, so that no text of a person is taken for one
_SENTENCES = tuple(
    (re.compile(chinese), english)
    for chinese, english in (
        (r"校核纠错第(\d+)号待受理", "correction {}"), (r"校核纠错第(\d+)号已答复", "correction {}"), (r"校核纠错第(\d+)号逾期未办", "correction {}"),
        (r"共享协议“(.+)”第 (\d+) 版待批准", "{}, version {}"), (r"共享协议“(.+)”将于 (\S+) 到期", "{}, until {}"),
        (r"共享协议“(.+)”已于 (\S+) 到期", "{}, until {}"), (r"收件目录“(.+)”不对应任何已启用的数据目录项", "{}"),
        (r"请删除并回执：《(.+)》已召回", "{} is to be deleted"), (r"摘录 (\d+) 推送失败", "extract {}"), (r"数据摘录 (\d+)", "extract {}"),
        (r"有 (\d+) 个待判问题", "questions open: {}"),
        (r"([\d.]+%) 以上", "over {}"),
        (r"(.+?)(\[\d+\]) 第 (\d+) 行", "{} {} row {}"),
        (r"(.+?)(\[\d+\])“(.+)”第 (\d+) 行", "{} {} “{}” row {}"),
        (r"(.+)，按合作社关联整理", "{}, linked to cooperatives"),
        (r"获评(.*)示范社", "Named a {} demonstration cooperative"),
        (r"(.*)示范社监测", "Monitored as {} demonstration cooperative"),
        (r"抽检“(.+?)”：(.+)", "Sample of {}: {}"),
        (r"(.+)与该社其他记录一致，名称相符。", "{} agrees with its other records, and so does the name."),
        (r"更名：名称由“(.+)”变为“(.+)”", "Renamed from {} to {}"),
        (r"工作人员判断与“(.+)”是同一家。", "A person decided that it is the same as {}."),
        (r"与“?(已有记录|[^”]+(?=”))”?(.+?)，但(.+)，判断为同一家（把握 (.+)）。", "With {}: {}; but {}. Taken for the same (certainty {})."),
        (r"与“?(已有记录|[^”]+(?=”))”?(.+)，判断为同一家（把握 (.+)）。", "With {}: {}. Taken for the same (certainty {})."),
        (r"可能与“?(.+?)”?是同一家（把握 (.+)），待人工判断。", "It may be {} (certainty {}). A person decides."),
        (r"代码属于“(.+)”，名称却与“?(.+?)”?相符，可能抄错了行，待人工判断。",
         "The code belongs to {}, yet the name fits {}: perhaps a row slipped. A person decides."),
        (r"代码与“?(.+?)”?的相同，名称却不同，可能抄错了行，待人工判断。", "The code is that of {}, yet the name differs: perhaps a row slipped. A person decides."),
        (r"(.+。)所填代码属于“(.+)”，像是抄错了行，请核对后更正。", "{} The code given belongs to {}: a row seems to have slipped. Check and correct it."),
        (r"未终止、(.+)", "not ended, {}"),
        (r"([a-z0-9_]+) 为 (.+)", "{} is {}"), (r"([a-z0-9_]+) 不为 (.+)", "{} is not {}"),
        (r"只限出现在 (\w+)(?:（(.+)）)? 的合作社", "only cooperatives in {} {}"), (r"不含出现在 (\w+)(?:（(.+)）)? 的合作社", "no cooperatives in {} {}"),
        (r"([a-z0-9_]+) 在(.+) 以来", "{} since {}"), (r"([a-z0-9_]+) 在近 (\d+) 个月", "{} in the last {} months"),
        (r"【扩大】(.+)", "Wider: {}"), (r"新增字段 (\w+)（(.+)）", "new field {} ({})"), (r"不再提供字段 (\w+)", "field {} is no longer given"),
        (r"字段 (\w+) 的处理由“(.+)”改为“(.+)”", "field {}: {} became {}"), (r"(\S+)由“(.+)”改为“(.+)”", "{}: {} became {}"),
        (r"期限由 (\S+) 至 (\S+) 改为 (\S+) 至 (\S+)", "term: {} to {} became {} to {}"),
        (r"行范围不再要求：(.+)", "rows no longer have to be: {}"), (r"行范围改为：(.+)", "rows are now: {}"),
    )
)  # fmt: skip
# what is known by its beginning only
_HEADED = ((re.compile("(.+?)：(.+)"), "{}: {}"), (re.compile("(.+?)（(.+)）"), "{} ({})"))
_JOINED = {"、": ", ", "；": "; ", "·": " · "}
_HAN = re.compile(r"[\u3400-\u9fff]")


@lru_cache(maxsize=1)
def _words() -> dict[str, str]:
    feeds = feed_catalogue().values()
    fields = [f for feed in feeds for f in feed.fields]
    titles = [
        *(f.title for f in feeds), *(f.summary for f in feeds), *(f.title for f in master_fields()), *(r.title for r in rules()),
        *(f.title for f in fields), *(d.title for d in DATASETS.values()), *(f.title for d in DATASETS.values() for f in d.fields),
        *(c.title for c in ANSWERS), *(c.title for f in fields for c in f.choices),
    ]  # fmt: skip
    conditions = {p.zh: p.en for r in rules() for p in r.parts.values()}
    alerts = {kind.title: kind.title_en for kind in KINDS.values()}
    return conditions | alerts | {t.zh: t.en for t in reversed(titles)} | _FIXED


def in_english(text: str) -> str:
    """A fixed word or title in English, also several joined by 、 ； or ·; anything else as it is."""
    if text in _words():
        return _words()[text]
    parts = re.split("([、；·])", text)
    if len(parts) > 1 and all(part in _words() for part in parts[::2]):
        return "".join(_JOINED[part] if i % 2 else _words()[part] for i, part in enumerate(parts))
    return text


def told_in_english(text: str) -> str:
    """A value or a sentence of the hub for a page in English: words in English, data as it is and marked as Chinese (Markup)."""
    known = in_english(text)
    if not _HAN.search(known):
        return known
    for pattern, english in _SENTENCES:
        if found := pattern.fullmatch(text):
            return escape(english).format(*(told_in_english(part or "") for part in found.groups()))
    for pattern, english in _HEADED:
        found = pattern.fullmatch(text)
        if found and not _HAN.search(head := told_in_english(found[1])):
            return escape(english).format(head, told_in_english(found[2]))
    return Markup('<span lang="zh">{}</span>').format(text)
