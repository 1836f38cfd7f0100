"""The portal on a phone: nothing stands beside the page, wide tables scroll inside their card, the menu folds away."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from starlette.responses import Response

from hub.portal.app import build_app
from tests.portal.browser import photograph, with_cookie
from tests.portal.conftest import Portal

PHONE = 390
TEMPLATES = files("hub.portal") / "templates"
MEASURE = """
const measure = () => {
  const shown = (e) => e !== null && e.getClientRects().length > 0;
  const beside = shown(document.querySelector("nav.menu")), folded = shown(document.querySelector(".menu-narrow summary"));
  const boxes = [...document.querySelectorAll(".scroll")];
  const cut = boxes.filter((b) => b.scrollWidth > b.clientWidth && b.tabIndex !== 0).length;
  console.warn(`measured width=${document.documentElement.scrollWidth} top=${document.querySelector(".top").clientHeight}`
    + ` beside=${beside} folded=${folded} cut=${cut}`);
};
addEventListener("load", measure);
addEventListener("resize", measure);  // a picture narrower than a window can be is taken after the page has loaded
"""


def measuring(app: Any) -> Any:
    """The application, its script followed by one that says on the console how the page came out."""
    script = (files("hub.portal") / "static" / "portal.js").read_text(encoding="utf-8") + MEASURE

    async def serve(scope: Any, receive: Any, send: Any) -> None:
        ours = scope["type"] == "http" and scope["path"] == "/static/portal.js"
        await (Response(script, media_type="text/javascript") if ours else app)(scope, receive, send)

    return serve


def test_every_table_stands_in_a_box_that_scrolls() -> None:
    for template in TEMPLATES.iterdir():
        for before in re.findall(r"(.{0,20})<table", template.read_text(encoding="utf-8")):
            assert before.endswith('<div class="scroll">'), template.name


@pytest.mark.browser
@pytest.mark.parametrize("width", [PHONE, 1280])
def test_pages_fit_the_screen_and_one_menu_shows(lived: Portal, serve: Any, tmp_path: Path, width: int) -> None:
    cookies = dict(lived.as_role("office").cookies) | {"hub_language": "en"}
    app = measuring(build_app(lived.engine, lived.settings, lived.deployment))
    url = serve(with_cookie(app, "; ".join(f"{k}={v}" for k, v in cookies.items())))
    with lived.engine.connect() as connection:
        coop = connection.scalar(text("select coop_id from cooperative where uscc is not null order by 1 limit 1"))
    for path in ("/", "/cooperatives", f"/cooperatives/{coop}", "/ledger", "/agreements", "/match"):
        said = " ".join(photograph(url + path, tmp_path / "page.png", tmp_path / "profile", width=width))
        narrow = width == PHONE
        told = f"beside={'false' if narrow else 'true'} folded={'true' if narrow else 'false'} cut=0"
        assert f"measured width={width} top={52 if narrow else 60} {told}" in said, path
