"""What can be wrong: every kind of alert, with its title and what the reader should do. No code raises another kind."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AlertKind:
    """One kind of problem. `next_step` is what mail and page tell their reader to do."""

    kind: str
    title: str
    title_en: str
    next_step: str
    next_step_en: str
    urgent: bool = (
        False  # perhaps an attack, or proof that is lost: told first everywhere, and the mail's subject says so
    )


_ALL = (
    AlertKind(
        "delivery_held",
        "来件暂扣，等待人工确认",
        "A delivery is held for a person",
        "在门户“来件”里打开它，看清原因后点“放行”或“退回”；也可以用 coop-hub deliveries 处理。",
        "Open it under Deliveries, read why, then choose Release or Reject; coop-hub deliveries does the same.",
    ),
    AlertKind(
        "delivery_failed",
        "来件无法使用",
        "A delivery could not be used",
        "按正文所说的原因，请报送单位重新导出后再报送一次；原件已存档。",
        "For the reason given, ask the sender to export it anew and send it again; the original is archived.",
    ),
    AlertKind(
        "delivery_stumbled",
        "程序没能处理一份来件",
        "The program stumbled over a delivery",
        "把这份来件和告警正文交给维护人员；来件没有丢，每夜自动再读一次，程序更新后不必重报。",
        "Give the delivery and this alert to whoever maintains the program; nothing is lost, every night reads it again.",
    ),
    AlertKind(
        "return_stumbled",
        "程序没能写出退回表",
        "The program stumbled over a return workbook",
        "把回执（门户“来件”里下载）发给报送单位，把告警正文交给维护人员；行和退回原因没有丢，每夜自动再写一次。",
        "Send the sender the receipt (under Deliveries) and give this alert to whoever maintains the program; rows and reasons "
        "are not lost, every night tries again.",
    ),
    AlertKind(
        "quarantine_exceeded",
        "退回的行过多",
        "Too many rows quarantined",
        "在门户“来件”里下载退回表（已标红并写明原因），请报送单位改正后重新报送。",
        "Download the return workbook under Deliveries (red cells, reasons written) and have the sender correct and resend it.",
    ),
    AlertKind(
        "layout_changed",
        "表头有变化",
        "The layout of a feed changed",
        "在门户“来件”里核对新列名对应哪个数据项；如是报送单位改了模板，请确认后下次自动识别。",
        "Check under Deliveries which field the new header is; once confirmed it is recognised from then on.",
    ),
    AlertKind(
        "unknown_feed_folder",
        "收件目录里有不认识的文件夹",
        "Unknown folder in the inbox",
        "把文件移到正确的数据项文件夹；名称见门户“数据目录”。",
        "Move the files to the folder of their feed; the catalogue has the names.",
    ),
    AlertKind(
        "list_outdated",
        "收到的是旧名单",
        "An old list arrived",
        "请报送单位核对是否误发了旧文件，并报送最新的名单；旧名单只进历史，不替换较新的内容。",
        "Ask the sender whether an old file was sent by mistake, and for the newest; the old one goes into the history only.",
    ),
    AlertKind(
        "feed_overdue",
        "数据逾期未报",
        "A feed is overdue",
        "请联系报送单位报送；如报送周期有变，请修改部署目录里 feeds.yaml 的 every_days。",
        "Ask the sender for it; if the cycle changed, change every_days in feeds.yaml of the deployment.",
    ),
    AlertKind(
        "connector_failed",
        "取不到数据",
        "A connector failed",
        "检查网络、对方服务是否在线、账号是否到期；改正后下一夜自动重试，也可以手工运行 coop-hub sync。",
        "Check the network, the other side's service and the account; the next night tries again, or run coop-hub sync.",
    ),
    AlertKind(
        "host_key_changed",
        "对方服务器身份有变，已停止连接",
        "A server's host key changed",
        "先向对方管理员电话核实指纹，确认无误后再改部署目录里的指纹；未核实前不要改。",
        "Check the fingerprint with the other side by phone before changing it in the deployment; until then change nothing.",
        urgent=True,
    ),
    AlertKind(
        "run_failed",
        "夜间同步失败",
        "A nightly run failed",
        "请系统管理员打开 Dagster 页面查看失败的步骤；改正后执行 coop-hub sync，不会重复入库。",
        "The operator looks up the failed step in Dagster, repairs it and runs coop-hub sync; nothing is taken in twice.",
    ),
    AlertKind(
        "night_missed",
        "夜间同步没有运行",
        "No nightly run happened",
        "请系统管理员检查服务是否在运行（coop-hub serve），调度是否被停用。",
        "The operator checks that coop-hub serve is running and the schedule is on.",
    ),
    AlertKind(
        "review_waiting",
        "有待人工核对的关联",
        "Links wait for review",
        "在门户“核对台”里逐条判断；每条都写明双方依据。",
        "Decide them one by one at the review desk; each says what speaks for both sides.",
    ),
    AlertKind(
        "push_failed",
        "数据摘录推送失败",
        "An extract could not be pushed",
        "检查接收单位的 SFTP 服务与账号；系统会继续重试，接收单位也可登录门户下载。",
        "Check the recipient's SFTP server and account; the hub keeps trying, and the recipient can download from the portal.",
    ),
    AlertKind(
        "agreement_expiring",
        "共享协议即将到期",
        "An agreement is about to expire",
        "与对方商定是否续期；续期请修改部署目录里的协议文件并重新审批，到期后自动停止共享。",
        "Agree with the other side whether to extend it; if so, change its file and approve it again, else sharing stops by itself.",
    ),
    AlertKind(
        "correction_overdue",
        "校核纠错超过办理时限",
        "A correction is past its deadline",
        "请数据提供单位在门户“校核纠错”里答复。",
        "The source department answers it under Corrections.",
    ),
    AlertKind(
        "correction_raised",
        "有新的校核纠错待受理",
        "A correction waits to be accepted",
        "请数据提供单位在门户“校核纠错”里受理，逾期会提醒。",
        "The source department accepts it under Corrections; a reminder comes when it is late.",
    ),
    AlertKind(
        "correction_answered",
        "校核纠错已有答复",
        "A correction was answered",
        "请提出单位在门户“校核纠错”里查看答复并归档。",
        "The department that raised it reads the answer under Corrections and archives it.",
    ),
    AlertKind(
        "agreement_waiting",
        "共享协议待批准，暂未按新内容共享",
        "An agreement waits for approval",
        "核对协议改动（coop-hub agreements diff），确认后执行 coop-hub agreements approve。",
        "Check what changed (coop-hub agreements diff), then coop-hub agreements approve.",
    ),
    AlertKind(
        "agreement_expired",
        "共享协议已到期，已停止共享",
        "An agreement has expired",
        "需要继续共享的，续期并重新审批；不再共享的，从部署目录里删去协议文件。",
        "To go on sharing, extend it and approve it again; else take its file out of the deployment.",
    ),
    AlertKind(
        "recall_unanswered",
        "召回的数据尚未回执",
        "A recall is not acknowledged",
        "请接收单位删除手中的副本，并在门户“我的数据”里回执。",
        "The recipient deletes its copies and answers under My data.",
    ),
    AlertKind(
        "ledger_broken",
        "台账或存档核验不通过",
        "Ledger or archive failed verification",
        "立即请系统管理员执行 coop-hub verify 查看细节，保留现场，不要删除任何文件。",
        "The operator runs coop-hub verify for details at once; leave everything as it is and delete no file.",
        urgent=True,
    ),
    AlertKind(
        "head_not_handed",
        "台账摘要没有交存",
        "The ledger's head was not handed over",
        "按正文所说改正；改正后执行 coop-hub ledger handover，或等下一夜自动再试。",
        "Repair what the text says; then coop-hub ledger handover, or the next night tries again.",
    ),
    AlertKind(
        "working_days_unknown",
        "工作日历缺少需要的年份",
        "The calendar of working days lacks a year",
        "国务院办公厅每年秋季公布下一年的放假安排；按通知填写部署目录里的 working_days.yaml，并在 years 里写上该年。",
        "The State Council announces next year's holidays every autumn: enter them in working_days.yaml and add the year to its years.",
    ),
    AlertKind(
        "disk_low",
        "磁盘空间不足",
        "Disk space is low",
        "请系统管理员清理或扩充数据目录所在的磁盘；空间不足时夜间同步会停下，不会损坏已有数据。",
        "The operator clears or enlarges the disk of the data folder; without space nights stop, and no data is harmed.",
    ),
)
KINDS: dict[str, AlertKind] = {k.kind: k for k in _ALL}
URGENT: tuple[str, ...] = tuple(k.kind for k in _ALL if k.urgent)
