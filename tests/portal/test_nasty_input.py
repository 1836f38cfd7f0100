"""Whatever stands in an address or a form, a page answers or refuses: it never breaks."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest

from hub.portal import pages
from hub.portal.pages import ALL_PAGES
from hub.store.tables.portal import ROLES
from tests.portal.conftest import Portal, proof

PORTAL = Path(pages.__file__).parent.parent
NASTY = (
    "a\0b",
    "'; drop table delivery; -- %s %(x)s {0} {{7*7}}",
    "../../etc/passwd",
    "99999999999999999999",
    "-1",
    "0001-01-01",
    "9999-12-31",
    "[\\",
    "長" * 60 + "𠮷\U0010ffff\u202e\ufeff\r\nSet-Cookie: x=y",
)


def asked_anywhere() -> set[str]:
    """Every name a page of the portal looks for in an address or a form."""
    sources = "".join(p.read_text(encoding="utf-8") for p in sorted(PORTAL.rglob("*.py")))
    asked = set(re.findall(r"\.(?:asked|asked_number|asked_date|said)\(\s*\"([a-z_]+)\"", sources))
    forms = "".join(p.read_text(encoding="utf-8") for p in sorted(PORTAL.rglob("*.html")))
    return asked | set(re.findall(r"<(?:input|select|textarea|button)[^>]*\sname=\"([a-z_]+)\"", forms)) - {"proof"}


def places(path: str, nasty: str) -> str:
    """The page's address with something nasty in each text of its path."""
    put = quote(nasty[:200], safe="")
    return re.sub(r"\{[a-z_]+\}", lambda _: put, re.sub(r"\{[a-z_]+:int\}", "1", path))


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_no_page_breaks_whatever_is_asked_of_it(lived: Portal) -> None:
    names = asked_anywhere()
    assert {"q", "word", "reason", "as_of"} <= names
    broken: list[str] = []
    for role in ROLES:
        ask_everything(lived.as_role(role), role, names, broken)
    assert not broken, "\n".join(broken)


def ask_everything(client: httpx.Client, role: str, names: set[str], broken: list[str]) -> None:
    """Asks every page of the role for everything nasty; tells in `broken` what broke."""

    def look(what: str, answer: httpx.Response) -> None:
        if answer.status_code >= 500 or "Traceback" in answer.text[:100_000]:
            broken.append(f"{what}: {answer.status_code}")

    token = proof(client)
    for page in ALL_PAGES:
        if role not in page.who or page.path in {"/logout", "/password", "/language", "/login"}:
            continue
        for nasty in NASTY:
            what = f"{page.method} {page.path} {nasty[:20]!r}"
            if page.method == "GET":
                look(
                    what, client.get(re.sub(r"\{[a-z_]+(:int)?\}", "1", page.path), params=dict.fromkeys(names, nasty))
                )
                if re.search(r"\{[a-z_]+\}", page.path):
                    look(f"{what} in the path", client.get(places(page.path, nasty)))
            else:
                form = dict.fromkeys(names, nasty * 50) | {"proof": token}
                look(what, client.post(places(page.path, nasty), data=form))
                if page.upload:
                    file = (nasty[:60].replace("\0", "0"), b"PK\x03\x04" + nasty.encode())
                    look(f"{what} as a file", client.post(places(page.path, nasty), data=form, files={"file": file}))
