"""What stands in the graph: one asset per box of the architecture and feed, with descriptions, owners, columns and lineage.
Pure declarations made from the catalogue, the master's fields and the county's agreements.
"""

from __future__ import annotations

import dagster as dg

from hub.deployment import Deployment
from hub.feeds import Feed, Kind, feed_catalogue

OFFICE = ["team:leading-group-office"]
ENGINEERS = ["team:data-engineering"]

LINKS = dg.AssetKey(["matching", "links"])
COOPERATIVES = dg.AssetKey(["master", "cooperatives"])
NIGHT = dg.AssetKey(["office", "night_report"])

_TYPES = {
    Kind.DATE: "date", Kind.YEAR: "integer", Kind.INTEGER: "integer", Kind.NUMBER: "number", Kind.MONEY: "number",
    Kind.BOOLEAN: "boolean",
}  # fmt: skip


def deliveries_key(feed: str) -> dg.AssetKey:
    return dg.AssetKey(["deliveries", feed])


def staged_key(feed: str) -> dg.AssetKey:
    return dg.AssetKey(["staged_rows", feed])


def source_key(feed: str) -> dg.AssetKey:
    return dg.AssetKey(["source_rows", feed])


def extract_key(department: str) -> dg.AssetKey:
    return dg.AssetKey(["extracts", department])


def _columns(feed: Feed) -> dg.TableSchema:
    return dg.TableSchema(
        columns=[
            dg.TableColumn(
                name=f.name,
                type=_TYPES.get(f.kind, "string"),
                description=f"{f.title.zh} · {f.title.en}",
                tags={"privacy": f.privacy.value},
                constraints=dg.TableColumnConstraints(nullable=not f.filled),
            )
            for f in feed.fields
        ]
    )


def _describe(feed: Feed, zh: str, en: str) -> str:
    return f"{feed.title.zh}：{zh}\n\n{feed.title.en}: {en}\n\n{feed.summary.zh}。一行是{feed.grain.zh}。"


def feeds_of(deployment: Deployment) -> list[Feed]:
    return [feed_catalogue()[f.feed] for f in deployment.feeds]


def deliveries_specs(deployment: Deployment) -> list[dg.AssetSpec]:
    """来件: what each department sent, archived by content."""
    return [
        dg.AssetSpec(
            deliveries_key(feed.feed),
            description=_describe(feed, "取来的原件，按内容存档。", "what was fetched, archived by content."),
            group_name="deliveries",
            owners=ENGINEERS,
            kinds={deployment.feed_by_name[feed.feed].connector.kind, "file"},
            metadata={
                "department": deployment.sender_of(feed.feed),
                "update": feed.update,
                "dagster/table_name": "delivery",
            },
        )
        for feed in feeds_of(deployment)
    ]


def staged_specs(deployment: Deployment) -> list[dg.AssetSpec]:
    """暂存行: read, normalised and checked, not yet accepted."""
    return [
        dg.AssetSpec(
            staged_key(feed.feed),
            deps=[deliveries_key(feed.feed)],
            description=_describe(
                feed, "已读取、规范化、检查，尚未入库。", "read, normalised and checked, not yet accepted."
            ),
            group_name="staged_rows",
            owners=ENGINEERS,
            kinds={"parquet", "greatexpectations"},
            metadata={"dagster/column_schema": _columns(feed)},
        )
        for feed in feeds_of(deployment)
    ]


def source_specs(deployment: Deployment) -> list[dg.AssetSpec]:
    """来源行: accepted; who said what, when, in which row."""
    return [
        dg.AssetSpec(
            source_key(feed.feed),
            deps=[staged_key(feed.feed)],
            description=_describe(
                feed, "已入库的来源行，连同退回、重复、范围外的行。", "rows in the database, with what became of each."
            ),
            group_name="source_rows",
            owners=ENGINEERS,
            kinds={"postgres"},
            metadata={
                "dagster/table_name": "source_row",
                "dagster/column_schema": _columns(feed),
                "dagster/column_lineage": dg.TableColumnLineage(
                    {
                        f.name: [dg.TableColumnDep(asset_key=staged_key(feed.feed), column_name=f.name)]
                        for f in feed.fields
                    }
                ),
            },
        )
        for feed in feeds_of(deployment)
    ]


WARNINGS = "warnings"


def check_specs(deployment: Deployment) -> list[dg.AssetCheckSpec]:
    """On each feed's staged rows: every rule that can hold back a row or a delivery, and one check for all its warnings.

    A check a warning would be truer, but Dagster writes an event for each planned check of each run, and 400 of them took
    longer than the whole night's work; the warnings' figures stand in the one check's metadata and in `check_result`.
    """
    from expectations import rules_of

    found: list[dg.AssetCheckSpec] = []
    for feed in feeds_of(deployment):
        rules = rules_of(feed)
        found += [
            dg.AssetCheckSpec(
                name=rule.name,
                asset=staged_key(feed.feed),
                description=f"{rule.description_zh} · {rule.description_en}",
                metadata={"severity": rule.severity},
            )
            for rule in rules
            if rule.severity != "warning"
        ]
        soft = [rule for rule in rules if rule.severity == "warning"]
        if soft:
            found.append(
                dg.AssetCheckSpec(
                    name=WARNINGS,
                    asset=staged_key(feed.feed),
                    description="提示类规则，不影响入库 · rules that only warn:\n\n"
                    + "\n".join(f"- `{r.name}` {r.description_zh} · {r.description_en}" for r in soft),
                )
            )
    return found


def links_spec(deployment: Deployment) -> dg.AssetSpec:
    """关联: which cooperative each profile is, and why."""
    return dg.AssetSpec(
        LINKS,
        deps=[source_key(f.feed) for f in feeds_of(deployment)],
        description="谁是谁：每个身份画像属于哪个合作社、凭什么。\n\nWho is who: the cooperative of every profile, and why.",
        group_name="matching",
        owners=ENGINEERS,
        kinds={"duckdb", "postgres"},
        metadata={"dagster/table_name": "link"},
    )


def cooperatives_spec(deployment: Deployment) -> dg.AssetSpec:
    """合作社总表: the master table, with the feeds' columns every field comes from."""
    from hub.master.fields import master_fields

    enabled = {f.feed for f in deployment.feeds}
    fields = master_fields()
    lineage = {}
    for field in fields:
        named = [source.partition(".")[::2] for source in field.sources]
        lineage[field.name] = [
            dg.TableColumnDep(asset_key=source_key(feed), column_name=column or "name")
            for feed, column in named
            if feed in enabled
        ]
    return dg.AssetSpec(
        COOPERATIVES,
        deps=[LINKS],
        description="合作社总表：一数一源，每个值都有出处。\n\nThe master table: one source per field, evidence behind every value.",
        group_name="master",
        owners=OFFICE,
        kinds={"duckdb", "postgres"},
        metadata={
            "dagster/table_name": "cooperative",
            "dagster/column_schema": dg.TableSchema(
                columns=[
                    dg.TableColumn(
                        name=f.name, description=f"{f.title.zh} · {f.title.en}", tags={"privacy": f.privacy.value}
                    )
                    for f in fields
                ]
            ),
            "dagster/column_lineage": dg.TableColumnLineage({k: v for k, v in lineage.items() if v}),
        },
    )


def extract_specs(deployment: Deployment, recipients: list[str]) -> list[dg.AssetSpec]:
    """数据摘录: what each department receives."""
    return [
        dg.AssetSpec(
            extract_key(department),
            deps=[COOPERATIVES],
            description=(
                f"{deployment.department_by_id[department].name}按协议得到的数据。\n\n"
                "What this department receives, exactly as its agreements allow."
            ),
            group_name="extracts",
            owners=OFFICE,
            kinds={"excel", "csv"},
            metadata={"dagster/table_name": "extract"},
        )
        for department in recipients
    ]


def night_spec(recipients: list[str]) -> dg.AssetSpec:
    """夜间小结: closes the night."""
    return dg.AssetSpec(
        NIGHT,
        deps=[extract_key(d) for d in recipients] or [COOPERATIVES],
        description="夜间小结：逾期检查、告警、本次同步的结论。\n\nCloses the night: overdue feeds, alerts, the verdict.",
        group_name="office",
        owners=OFFICE,
        kinds={"postgres"},
        metadata={"dagster/table_name": "run"},
    )
