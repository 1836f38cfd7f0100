"""A county as data: who sends what, by which way, on what terms. Loaded from a folder, validated, all faults at once.

    county.yaml        name, code, city, towns with former and short names          (required)
    departments.yaml   who takes part                                                (defaults: the usual departments)
    feeds.yaml         which feeds come, from whom, by which connector, how due       (defaults: every feed, by folder)
    agreements/*.yaml  who may receive what                                           (hub.sharing reads and validates)
    targets.yaml       figures with deadlines                                         (hub.master reads and validates)
    review.yaml        which answers wait for a second person                         (hub.matching reads and validates)
    working_days.yaml, deliveries_out.yaml, ledger_handover.yaml                      (hub.sharing reads and validates)
    alerts.yaml        who is told of what                                            (defaults: the office)

Rooms with data of their own in the folder (`agreements/`, `targets.yaml`) load it with `load_yaml_model`.
"""

from __future__ import annotations

from functools import cached_property, lru_cache
from pathlib import Path
from typing import Annotated, Any, TypeVar
from zoneinfo import ZoneInfo

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from hub.errors import ConfigurationError
from hub.feeds import Coverage, feed_catalogue
from hub.yaml_text import SAFE_LOADER, read_yaml

COUNTY_TIME = ZoneInfo("Asia/Shanghai")

M = TypeVar("M", bound=BaseModel)


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Town(_Frozen):
    """A township or sub-district. `former` and `short` names also mean it; `villages` help to parse names."""

    name: str
    code: str | None = None
    former: tuple[str, ...] = ()
    short: tuple[str, ...] = ()
    villages: tuple[str, ...] = ()


class County(_Frozen):
    name: str  # 清禾县
    code: Annotated[str, Field(pattern=r"^\d{6}$")]
    city: str = ""
    province: str = ""
    short: tuple[str, ...] = ()  # other ways to write it; the name without 县/市/区 is always one
    former: tuple[str, ...] = ()
    former_codes: tuple[str, ...] = ()
    towns: tuple[Town, ...] = ()


class Department(_Frozen):
    """Who takes part. `id` is the word used everywhere else; a township's id is `town_<name>` unless given."""

    id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    name: str
    short: str = ""
    kind: Annotated[str, Field(pattern="^(office|department|platform|township|media|finance)$")] = "department"
    town: str | None = None  # kind township: which town's cooperatives are its own
    code: str | None = None
    mail: tuple[str, ...] = ()


class ConnectorDeclaration(BaseModel):
    """How a feed's bytes get here. `kind` names the connector; the rest is that connector's own configuration,
    validated by it. Secrets are named (`password_env`, `password_file`), never written here."""

    model_config = ConfigDict(frozen=True, extra="allow")
    kind: str = "folder"

    @property
    def options(self) -> dict[str, Any]:
        return dict(self.model_extra or {})

    @property
    def only_news(self) -> bool:
        """Whether it asks only for what is new: then no delivery of it is a full list, whatever the feed usually is."""
        asks = {"database": "cursor", "http": "since_param"}.get(self.kind)
        return bool(asks and self.options.get(asks))


class FeedDeclaration(_Frozen):
    """A feed switched on for this county."""

    feed: str
    department: str | None = None  # default: the catalogue's
    connector: ConnectorDeclaration = ConnectorDeclaration()
    coverage: Coverage | None = None
    every_days: int | None = None  # overdue when the last accepted delivery is older
    hold_below: float = 0.8  # a full list with fewer rows than this share of the last accepted one is held
    quarantine_limit: float = 0.05  # a larger share of quarantined rows is reported (exit code 3)
    hidden: Annotated[str, Field(pattern="^(read|report)$")] = "read"  # hidden rows and sheets
    owner_mail: tuple[str, ...] = ()


class AlertRoutes(_Frozen):
    office: tuple[str, ...] = ()
    by_kind: dict[str, tuple[str, ...]] = {}
    proof_of_life: bool = True


class Deployment(_Frozen):
    """One county, whole. `folder` is where its files lie; relative paths in it start there."""

    folder: Path
    county: County
    departments: tuple[Department, ...]
    feeds: tuple[FeedDeclaration, ...]
    alerts: AlertRoutes = AlertRoutes()

    @cached_property
    def department_by_id(self) -> dict[str, Department]:
        return {d.id: d for d in self.departments}

    @cached_property
    def feed_by_name(self) -> dict[str, FeedDeclaration]:
        return {f.feed: f for f in self.feeds}

    @property
    def office(self) -> Department:
        return next(d for d in self.departments if d.kind == "office")

    def sender_of(self, feed: str) -> str:
        """Department id that gives this feed here."""
        declared = self.feed_by_name[feed].department if feed in self.feed_by_name else None
        return declared or feed_catalogue()[feed].department

    def coverage_of(self, feed: str) -> Coverage:
        declared = self.feed_by_name[feed].coverage if feed in self.feed_by_name else None
        return declared or feed_catalogue()[feed].coverage


USUAL_DEPARTMENTS: tuple[Department, ...] = (
    Department(id="agriculture", name="农业农村局", short="农业农村", kind="office"),
    Department(id="market_supervision", name="市场监督管理局", short="市场监管"),
    Department(id="tax", name="税务局", short="税务"),
    Department(id="traceability_platform", name="农产品质量安全追溯平台", short="追溯平台", kind="platform"),
    Department(id="forestry", name="林业局", short="林业"),
    Department(id="supply_marketing", name="供销合作社联合社", short="供销"),
    Department(id="water", name="水利局", short="水利"),
    Department(id="finance_bureau", name="财政局", short="财政"),
    Department(id="development_reform", name="发展和改革局（科技局）", short="发改"),
    Department(id="finance_institutions", name="金融机构（金融工作部门）", short="金融", kind="finance"),
    Department(id="approval_bureau", name="行政审批局", short="审批"),
    Department(id="media_centre", name="融媒体中心", short="融媒体", kind="media"),
    Department(id="townships", name="各乡镇（街道）", short="乡镇"),
)


def _line_of(node: yaml.Node | None, path: tuple[int | str, ...]) -> int | None:
    """Line (from 1) where a value stands in a YAML document, or of the nearest thing that holds it."""
    line = None
    for step in path:
        if node is None:
            break
        line = node.start_mark.line + 1
        if isinstance(node, yaml.MappingNode):
            node = next((v for k, v in node.value if k.value == str(step)), None)
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
            node = node.value[step]
        else:
            break
    return node.start_mark.line + 1 if node is not None else line


def load_yaml_model(path: Path, model: type[M], problems: list[str], *, wrap: str | None = None) -> M | None:
    """A YAML file as `model`; faults go to `problems` as "file:line: what". `wrap` names the one field that a bare
    list becomes. Returns None when the file is missing or wrong (the caller decides whether missing is a fault).

    A text already read gives the same object again, which therefore nobody may change."""
    try:
        text = path.read_text(encoding="utf-8")
        found: M = _read_model(text, model, wrap)
        return found
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        problems.append(f"{path.name}：读不了（{type(error).__name__}）")
        return None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problems.append(f"{path.name}:{mark.line + 1 if mark else 1}：YAML 格式不对，{getattr(error, 'problem', '')}")
        return None
    except _NotTheModelError as wrong:
        node = yaml.compose(text, Loader=SAFE_LOADER)
        for fault in wrong.faults:
            place = fault["loc"][1:] if wrong.bare else fault["loc"]
            line = _line_of(node, tuple(place)) or 1
            problems.append(f"{path.name}:{line}：{'.'.join(map(str, place)) or '全文'}，{fault['msg']}")
        return None


class _NotTheModelError(Exception):
    """What a YAML text says is no such model. `bare`: it is a list that was wrapped."""

    def __init__(self, error: ValidationError, bare: bool) -> None:
        super().__init__(str(error))
        self.faults, self.bare = error.errors(include_input=False, include_url=False), bare


@lru_cache(maxsize=512)  # pages of the portal read a county's forty agreements each time
def _read_model(text: str, model: type[M], wrap: str | None) -> M:
    """The text as a model.

    Raises:
        yaml.YAMLError: it is no YAML.
        _NotTheModelError: it is something else.
    """
    data = read_yaml(text)
    bare = wrap is not None and isinstance(data, list)
    try:
        return model.model_validate({wrap: data} if bare else (data if data is not None else {}))
    except ValidationError as error:
        raise _NotTheModelError(error, bare) from None


class _Departments(_Frozen):
    departments: tuple[Department, ...]


class _Feeds(_Frozen):
    feeds: tuple[FeedDeclaration, ...]


def load_deployment(folder: Path) -> Deployment:
    """Reads and checks a county's folder.

    Raises:
        ConfigurationError: `problems` lists every fault with file and line.
    """
    problems: list[str] = []
    if not (folder / "county.yaml").is_file():
        raise ConfigurationError(
            f"“{folder}”里没有 county.yaml，不是一个县的部署目录。",
            next_step="用 --deployment 指明目录，或按 docs/recipes.md 的“新增一个县”建立它。",
        )
    county = load_yaml_model(folder / "county.yaml", County, problems)
    declared = load_yaml_model(folder / "departments.yaml", _Departments, problems, wrap="departments")
    feeds = load_yaml_model(folder / "feeds.yaml", _Feeds, problems, wrap="feeds")
    alerts = load_yaml_model(folder / "alerts.yaml", AlertRoutes, problems) or AlertRoutes()
    departments = declared.departments if declared else USUAL_DEPARTMENTS
    if county:
        have_town = {d.town for d in departments if d.kind == "township"}
        departments += tuple(
            Department(
                id=f"town_{i:02d}",
                name=f"{t.name}人民政府" if not t.name.endswith("街道") else f"{t.name}办事处",
                short=t.name,
                kind="township",
                town=t.name,
            )
            for i, t in enumerate(county.towns, 1)
            if t.name not in have_town
        )
    declared_feeds = feeds.feeds if feeds else tuple(FeedDeclaration(feed=f) for f in feed_catalogue())
    ids = [d.id for d in departments]
    problems += [f"departments.yaml：部门 {i} 写了两次" for i in sorted({i for i in ids if ids.count(i) > 1})]
    if sum(d.kind == "office" for d in departments) != 1:
        problems.append("departments.yaml：须有且只有一个 kind: office 的部门（领导小组办公室）")
    names = [f.feed for f in declared_feeds]
    problems += [f"feeds.yaml：{n} 写了两次" for n in sorted({n for n in names if names.count(n) > 1})]
    for declaration in declared_feeds:
        if declaration.feed not in feed_catalogue():
            problems.append(
                f"feeds.yaml：没有名为 {declaration.feed} 的数据目录项（可用：{'、'.join(feed_catalogue())}）"
            )
        elif (declaration.department or feed_catalogue()[declaration.feed].department) not in ids:
            problems.append(f"feeds.yaml：{declaration.feed} 的部门 {declaration.department} 不在 departments.yaml 里")
        if declaration.coverage is Coverage.FULL and declaration.connector.only_news:
            problems.append(f"feeds.yaml：{declaration.feed} 只取新增（cursor/since_param），不能又写 coverage: full")
    if problems or county is None:
        raise ConfigurationError(
            "县级部署有误。", next_step=f"改正“{folder}”里下列各处后重试。", problems=tuple(problems)
        )
    return Deployment(folder=folder, county=county, departments=departments, feeds=declared_feeds, alerts=alerts)
