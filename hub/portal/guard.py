"""What holds for every request, whatever page: headers that keep the browser strict, and posts only from our pages.

A post is taken when the browser says it comes from this site (Sec-Fetch-Site, else Origin); programs that are no
browser send neither and are not what forgery is about. Forms carry a token besides.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
# OpenRefine on a clerk's own machine shows a cooperative's public facts in a frame; there is nothing to click in it.
_FRAMED = "/reconcile/"
_BY_LOOPBACK = "default-src 'none'; frame-ancestors 'self' http://127.0.0.1:* http://localhost:*; base-uri 'none'"
_NOT_FRAMED = {"X-Frame-Options", "Cross-Origin-Resource-Policy", "Cross-Origin-Opener-Policy"}


class StrictHeaders:
    """Adds the security headers to every response; pages are never kept by browsers or proxies, static files are."""

    def __init__(self, app: ASGIApp, *, secure: bool) -> None:
        self.app, self.secure = app, secure

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_strictly(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                framed = str(scope["path"]).startswith(_FRAMED)
                for name, value in _HEADERS.items():
                    if not (framed and name in _NOT_FRAMED):
                        headers[name] = value
                if framed:
                    headers["Content-Security-Policy"] = _BY_LOOPBACK
                headers.setdefault("Cache-Control", "no-store")
                if self.secure:
                    headers["Strict-Transport-Security"] = "max-age=31536000"
            await send(message)

        await self.app(scope, receive, send_strictly if scope["type"] == "http" else send)


def comes_from_here(request: Request, portal_url: str | None) -> bool:
    """Whether a request that changes something was started by a page of ours (or by no browser at all)."""
    headers: Headers = request.headers
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    origin = headers.get("origin")
    if origin is None:
        return True
    ours = {headers.get("host", ""), urlsplit(portal_url).netloc if portal_url else ""} - {""}
    return urlsplit(origin).netloc in ours


def started_elsewhere(request: Request) -> bool:
    """Whether another site's page made the browser ask (a link or an image there), as far as the browser tells."""
    return request.headers.get("sec-fetch-site") in {"cross-site", "same-site"}
