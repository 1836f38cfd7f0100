"""Templates and the words around them: two languages, dates and numbers as the county writes them. Values are always
escaped; markup comes from templates and `hub.portal.charts` only."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined, pass_context
from markupsafe import Markup

from hub.deployment import Deployment
from hub.feeds import feed_catalogue
from hub.portal import charts, words
from hub.portal.access import menu_for
from hub.portal.people import ROLE_TITLES
from hub.portal.vocabulary import in_english, told_in_english

if TYPE_CHECKING:
    from jinja2.runtime import Context

    from hub.portal.access import Page
    from hub.portal.visit import Visit


def _moment(value: datetime | None, form: str = "%Y-%m-%d %H:%M") -> str:
    from hub.deployment import COUNTY_TIME

    return value.astimezone(COUNTY_TIME).strftime(form) if value else "—"


def _day(value: date | str | None) -> str:
    return (value if isinstance(value, str) else f"{value:%Y-%m-%d}") if value else "—"


def _number(value: float | None) -> str:
    if value is None:
        return "—"
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.1f}"


def _size(value: int) -> str:
    step = float(value)
    for unit in ("B", "KB", "MB"):
        if step < 1024:
            return f"{step:.0f} {unit}" if unit == "B" or step >= 10 else f"{step:.1f} {unit}"
        step /= 1024
    return f"{step:.1f} GB"


def _duration(seconds: float | None) -> str:
    if seconds is None:
        return "—"
    if seconds < 60:
        return f"{seconds:.1f} s"
    return f"{int(seconds // 60)} min {int(seconds % 60)} s"


def _entry_of(path: str, menu: list[tuple[tuple[str, str], list[Page]]]) -> str:
    """The menu entry a path belongs to: the longest one that leads there."""
    paths = [page.path for _, entries in menu for page in entries]
    return max((p for p in paths if path == p or (p != "/" and path.startswith(f"{p}/"))), key=len, default="")


@pass_context
def _department(context: Context, department: str | None) -> str:
    """A department's short name in the page's language."""
    short: str = context["department_of"](department, context["language"])
    return short


@lru_cache(maxsize=1)  # templates are compiled once a process
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("hub.portal"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        moment=_moment, day=_day, number=_number, size=_size, duration=_duration, department=_department
    )
    environment.globals.update(charts=charts, urlencode=urlencode)
    return environment


class Renderer:
    """Pages for a county."""

    def __init__(self, deployment: Deployment) -> None:
        self.deployment = deployment

    def department(self, department: str | None, language: str = "zh") -> str:
        """A department's short name, on pages in English marked as the Chinese it is (never taken for a word of the vocabulary);
        an id that is no longer one stays as it is."""
        known = self.deployment.department_by_id.get(department or "")
        if known is None:
            return department or "—"
        name = known.short or known.name
        return Markup('<span lang="zh">{}</span>').format(name) if language == "en" else name

    def _feed(self, language: str) -> Callable[[str], str]:
        def title(feed: str) -> str:
            known = feed_catalogue().get(feed)
            return (known.title.en if language == "en" else known.title.zh) if known else feed

        return title

    def render(self, visit: Visit, template: str, context: dict[str, Any]) -> str:
        """A page for this visit: its person, language, menu and notice are there for the template."""
        person = visit.person_or_none
        language = visit.language
        menu = menu_for(visit.hub.pages, person.role) if person and not person.must_change_password else []
        return (
            _environment()
            .get_template(template)
            .render(
                t=visit.t,
                language=language,
                county=self.deployment.county,
                person=person,
                role_title=ROLE_TITLES[person.role][language == "en"] if person else "",
                proof=visit.form_proof(),
                path=visit.request.url.path,
                here=_entry_of(visit.request.url.path, menu),
                query=visit.request.url.query,
                menu=menu,
                notice=unquote(visit.request.cookies.get("hub_notice", ""))[:300],
                today=visit.hub.today(),
                dagster_url=visit.hub.dagster_url if person and person.role == "operator" else None,
                department_of=self.department,
                feed=self._feed(language),
                state=lambda group, value: words.state(group, value, language),
                term=in_english if language == "en" else str,
                value=(lambda text: "" if text is None else told_in_english(str(text)))
                if language == "en"
                else (lambda text: text),
                title=visit.page_declared.title[language == "en"],
                **context,
            )
        )
