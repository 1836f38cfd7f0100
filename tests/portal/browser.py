"""A headless Chromium for tests: a page as somebody logged in sees it, as a picture, with what its console said."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any


def with_cookie(app: Any, cookie: str) -> Any:
    """The application for a browser that cannot be given cookies: adds one to every request."""

    async def serve(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            scope = {**scope, "headers": [*scope["headers"], (b"cookie", cookie.encode())]}
        await app(scope, receive, send)

    return serve


def photograph(url: str, out: Path, profile: Path, *, width: int = 1366, height: int = 768) -> list[str]:
    """Writes a picture of the page; returns what its console complained about."""
    done = subprocess.run(
        [
            shutil.which("chromium") or "chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
            "--disable-extensions", "--no-first-run", f"--user-data-dir={profile}", f"--window-size={width},{height}",
            "--enable-logging=stderr", "--v=0", f"--screenshot={out}", "--virtual-time-budget=2000", url,
        ],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    return [line for line in done.stderr.splitlines() if "CONSOLE" in line]
