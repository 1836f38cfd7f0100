"""The catalogue (政务数据目录): every feed and every dataset, for everybody who is logged in; as a workbook for the data bureau."""

from __future__ import annotations

import tempfile
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.responses import Response

from hub.portal.access import EVERYBODY, Page
from hub.portal.pages.extracts import attachment
from hub.portal.visit import Visit
from hub.sharing.agreements import load_agreements
from hub.sharing.catalogue import Entry, catalogue_entries, write_catalogue
from hub.sharing.sources import MasterDatasets

_TITLE = ("数据目录", "Catalogue")


def _entries(visit: Visit) -> list[Entry]:
    datasets = MasterDatasets().datasets()
    return catalogue_entries(visit.deployment, datasets, load_agreements(visit.deployment, datasets))


def list_page(visit: Visit) -> Response:
    entries, wanted = _entries(visit), visit.asked("q").lower()
    if wanted:
        entries = [
            e
            for e in entries
            if wanted in f"{e.title}{e.code}{e.provider}".lower() or any(wanted in i.title.lower() for i in e.items)
        ]
    groups = {c: [e for e in entries if e.category == c] for c in dict.fromkeys(e.category for e in entries)}
    return visit.page("catalogue.html", groups=groups, wanted=visit.asked("q"))


def entry_page(visit: Visit) -> Response:
    entries = _entries(visit)
    code = visit.named("code")
    found = next((e for e in entries if e.code == code), None)
    if found is None:
        raise HTTPException(404)
    titles = {e.code: e.title for e in entries}
    return visit.page(
        "catalogue_entry.html", entry=found, related=[c for c in found.related.split("、") if c], titles=titles
    )


def workbook(visit: Visit) -> Response:
    with tempfile.TemporaryDirectory(prefix="coop-hub-catalogue-") as folder:
        out = Path(folder) / "catalogue.xlsx"
        write_catalogue(_entries(visit), visit.deployment, out, today=visit.hub.today())
        file, size = out.open("rb"), out.stat().st_size
    return attachment(file, f"{visit.deployment.county.name}合作社数据目录-{visit.hub.today():%Y%m%d}.xlsx", size)


PAGES = (
    Page("/catalogue", list_page, EVERYBODY, title=_TITLE, menu="sharing", icon="book"),
    Page("/catalogue.xlsx", workbook, EVERYBODY, title=_TITLE, download=True),
    Page("/catalogue/{code}", entry_page, EVERYBODY, title=_TITLE),
)
