"""Fixed words that other rooms write in Chinese only (cycles, share types, standings, treatments, next steps), in English, and
the titles of fields and rules: for pages in English. What is not listed is data and stays as it is."""

from __future__ import annotations

from functools import lru_cache

from hub.feeds import feed_catalogue
from hub.master.fields import master_fields
from hub.master.rules import rules

_FIXED = {
    "实时": "at once", "每日": "daily", "每周": "weekly", "每月": "monthly", "每季度": "quarterly", "每年": "yearly",
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
}  # fmt: skip


@lru_cache(maxsize=1)
def _words() -> dict[str, str]:
    feeds = feed_catalogue().values()
    titles = [
        *(f.title for f in feeds), *(f.title for f in master_fields()), *(r.title for r in rules()),
        *(f.title for feed in feeds for f in feed.fields),
    ]  # fmt: skip
    return {t.zh: t.en for t in reversed(titles)} | _FIXED


def in_english(text: str) -> str:
    """A fixed word or title in English, also each of several joined by 、; anything else as it is."""
    if text in _words():
        return _words()[text]
    return ", ".join(_words().get(part, part) for part in text.split("、")) if "、" in text else text
