"""One JSON page over HTTP, carefully: time and size limits, JSON only, no redirect to another host, a token that is
sent nowhere else, and errors named by what to do. Paging and records live elsewhere.
"""

from __future__ import annotations

import email.utils
import json
import logging
import ssl
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urljoin, urlsplit

import httpx
from pydantic import BaseModel, Field, field_validator

from connectors.contract import Clock, Options
from connectors.retry import RetryAfter, with_retries
from connectors.secrets import one_place_only, read_secret
from hub.errors import AuthenticationError, ConfigurationError, FormatError, HubError, TransientError

# These libraries log whole addresses, and an address may carry a token.
for _name in ("httpx", "httpcore"):
    logging.getLogger(_name).setLevel(logging.WARNING)

Seconds = Annotated[float, Field(gt=0, le=3600)]
_MAX_REDIRECTS = 5
_WORD = r"^[\x21-\x7e]+$"


class HttpServer(BaseModel):
    """Options that say which address, how to log in, and how long to wait."""

    url: str
    method: Literal["GET", "POST"] = "GET"
    params: dict[str, str | int | bool] = Field(default_factory=dict)
    body: dict[str, Any] = Field(default_factory=dict)  # POST: sent as JSON, paging values among it
    headers: dict[str, str] = Field(default_factory=dict)
    token_env: str | None = None
    token_file: str | None = None
    token_in: Literal["header", "query"] = "header"  # noqa: S105 -- a place, not a token
    token_name: Annotated[str, Field(pattern=_WORD)] = "Authorization"  # noqa: S105 -- a name
    token_prefix: str = "Bearer "  # noqa: S105 -- a word before the token
    user: str | None = None
    password_env: str | None = None
    password_file: str | None = None
    ca_file: str | None = None  # certificate authority of a closed network
    proxy: str | None = None  # proxies of the environment are not used
    accept_types: tuple[str, ...] = ()  # further content types that carry JSON here (text/plain)
    connect_seconds: Seconds = 15.0
    read_seconds: Seconds = 60.0  # silence allowed
    page_seconds: Seconds = 300.0  # a page in all

    @field_validator("url")
    @classmethod
    def _a_plain_address(cls, value: str) -> str:
        try:
            parts = urlsplit(value)
            port = parts.port
        except ValueError:
            raise ValueError("地址的写法不对") from None
        if parts.scheme not in {"http", "https"} or not parts.hostname or port == 0:
            raise ValueError("须以 http:// 或 https:// 开头并有主机名")
        if parts.username or parts.password:
            raise ValueError("地址里不能写账号密码，请用 user 和 password_env、password_file")
        return value

    @field_validator("headers")
    @classmethod
    def _no_secret_headers(cls, value: dict[str, str]) -> dict[str, str]:
        for name, content in value.items():
            if name.lower() in {"authorization", "cookie", "proxy-authorization", "host", "content-length"}:
                raise ValueError(f"不能写 {name}；机密请用 token_env 或 token_file")
            if not (content.isascii() and content.isprintable()):
                raise ValueError(f"{name} 里有不能放进请求头的字符")
        return value


def check_login(server: HttpServer) -> None:
    """For validators: what must stand together.

    Raises:
        ValueError: a secret in two places, or a password without a user.
    """
    one_place_only(server, "token", "password")
    if bool(server.user) != bool(server.password_env or server.password_file):
        raise ValueError("user 与 password_env（或 password_file）须一起写")


def _origin(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    return (parts.hostname or "").lower(), parts.port or (443 if parts.scheme == "https" else 80)


class JsonClient:
    """Asks one address for JSON. Opens its connection when first used."""

    def __init__(
        self, server: HttpServer, options: Options, environment: Mapping[str, str], folder: Path, clock: Clock
    ) -> None:
        self.server, self.options, self.clock = server, options, clock
        self._environment, self._folder = environment, folder
        self._client: httpx.Client | None = None
        self._token: str | None = None

    def close(self) -> None:
        """Ends connections. May be called twice."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def _open(self) -> httpx.Client:
        if self._client is None:
            server, login = self.server, None
            self._token = read_secret(server, "token", "令牌", self._environment, self._folder)
            if self._token and not (self._token.isascii() and self._token.isprintable()):
                raise ConfigurationError("令牌里有不能放进请求的字符。", next_step="重新写入令牌，不要带空行和中文。")
            password = read_secret(server, "password", "密码", self._environment, self._folder)
            if server.user and password:
                login = httpx.BasicAuth(server.user.encode(), password.encode())
            try:
                trusted = ssl.create_default_context(
                    cafile=str(self._folder / Path(server.ca_file).expanduser()) if server.ca_file else None
                )
                self._client = httpx.Client(
                    auth=login,
                    headers={"Accept": "application/json", "User-Agent": "coop-hub", **server.headers},
                    timeout=httpx.Timeout(server.read_seconds, connect=server.connect_seconds),
                    verify=trusted,
                    proxy=server.proxy,
                    trust_env=False,
                    follow_redirects=False,
                )
            except (OSError, ValueError) as error:
                raise ConfigurationError(
                    "ca_file 或 proxy 有误。", next_step="检查证书文件和代理地址。", detail=type(error).__name__
                ) from None
        return self._client

    def page(self, url: str, values: Mapping[str, Any]) -> Any:
        """The JSON of one page, tried again after transient errors.

        Args:
            url: the address, or one on the same host that a page named.
            values: paging values: into the query, or into the body of a POST.

        Raises:
            HubError: by what to do.
        """
        return with_retries(lambda: self._once(url, values), self.options, self.clock)

    def _once(self, url: str, values: Mapping[str, Any]) -> Any:
        client, server = self._open(), self.server
        self.same_host(url)
        asked: dict[str, Any] = {**server.params} if url == server.url else {}
        headers = {}
        if server.method == "GET":
            asked |= values
        if self._token and server.token_in == "query":  # noqa: S105 -- a place
            asked[server.token_name] = self._token
        elif self._token:
            headers[server.token_name] = server.token_prefix + self._token
        if asked:
            # Added to what the address itself carries, never in its place.
            url = str(httpx.URL(url).copy_merge_params(asked))
        body = {**server.body, **values} if server.method == "POST" else None
        deadline = time.monotonic() + server.page_seconds
        try:
            for _ in range(_MAX_REDIRECTS):
                with client.stream(server.method, url, headers=headers, json=body) as answer:
                    if answer.is_redirect:
                        url = urljoin(url, answer.headers.get("location", ""))
                        self.same_host(url)
                        continue
                    self._accept(answer)
                    return self._json(answer, self._bytes(answer, deadline))
        except httpx.TimeoutException as error:
            raise self._late(type(error).__name__) from None
        except httpx.DecodingError as error:
            raise FormatError(
                "对方返回的压缩内容已损坏。", next_step="请对方检查接口。", detail=type(error).__name__
            ) from None
        except httpx.TransportError as error:
            raise self._broken(error) from None
        except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
            raise ConfigurationError(
                "接口地址的写法不对。", next_step="检查 url。", detail=type(error).__name__
            ) from None
        raise ConfigurationError("接口一直在跳转。", next_step="请对方给出最终的接口地址。")

    def same_host(self, url: str) -> None:
        """Refuses an address on another host, and one that leaves encryption.

        Raises:
            ConfigurationError: it is one.
        """
        try:
            wanted, found = urlsplit(self.server.url), urlsplit(url)
            upgraded = wanted.scheme == "http" and found.scheme == "https" and wanted.hostname == found.hostname
            fine = found.scheme == wanted.scheme and _origin(url) == _origin(self.server.url)
        except ValueError:
            upgraded = fine = False
        if not (fine or upgraded):
            raise ConfigurationError(
                "接口要求转到别的主机，已拒绝：令牌不会发给别人。",
                next_step="核实对方是否换了地址或被登录网关拦截；确认后改 url。",
            )

    def _accept(self, answer: httpx.Response) -> None:
        """Lets a good answer pass; raises what a bad one means."""
        status = answer.status_code
        if status == httpx.codes.OK:
            kind = answer.headers.get("content-type", "").split(";")[0].strip().lower()
            known = {"application/json", "text/json", *(t.lower() for t in self.server.accept_types)}
            if kind not in known and not kind.endswith("+json"):
                raise FormatError(
                    f"对方返回的不是 JSON（{kind[:60] or '未说明类型'}），可能是登录页或报错页。",
                    next_step="核实接口地址和令牌；对方确实以别的类型返回 JSON 时，把它写进 accept_types。",
                )
            return
        detail = f"HTTP {status}"
        if status in {401, 407} or status == 403:
            raise AuthenticationError(
                f"接口拒绝了访问（{status}）。",
                next_step="向对方核实令牌是否有效、是否授权了本机地址；改好后再运行。",
                detail=detail,
            )
        if status in {404, 410}:
            raise ConfigurationError(f"接口不存在（{status}）。", next_step="向对方核实接口地址。", detail=detail)
        if status in {408, 425, 429} or status >= 500:
            error = TransientError(
                f"接口忙或出错（{status}）。", next_step="稍后会再试；一直如此请联系对方。", detail=detail
            )
            pause = self._asked_to_wait(answer.headers.get("retry-after", ""))
            raise RetryAfter(error, pause) if pause else error
        raise ConfigurationError(
            f"接口不接受这样的请求（{status}）。", next_step="向对方核实参数：params、body 和分页参数。", detail=detail
        )

    def _asked_to_wait(self, told: str) -> float:
        if told.strip().isdigit():
            return float(told.strip()[:9])
        try:
            until = email.utils.parsedate_to_datetime(told)
        except ValueError:
            return 0.0
        return max(0.0, (until - self.clock.now()).total_seconds()) if until.tzinfo else 0.0

    def _bytes(self, answer: httpx.Response, deadline: float) -> bytes:
        got = bytearray()
        for block in answer.iter_bytes():
            got += block
            if len(got) > self.options.max_bytes:
                raise FormatError(
                    f"接口一次返回的内容超过允许的大小（{self.options.max_mb} MiB）。",
                    next_step="改用分页，或调大 max_mb。",
                )
            if time.monotonic() > deadline:
                raise self._late("page")
        return bytes(got)

    def _json(self, answer: httpx.Response, content: bytes) -> Any:
        try:
            # Numbers with a fraction stay as they were written: no rounding on the way.
            return json.loads(content, parse_float=str, parse_constant=lambda _: None)
        except (ValueError, RecursionError) as error:
            raise FormatError(
                "对方返回的 JSON 不完整或有错。",
                next_step="请对方检查接口；若常在末尾截断，请对方减小每页条数。",
                detail=f"{type(error).__name__} {answer.status_code} {len(content)} bytes",
            ) from None

    def _late(self, detail: str) -> HubError:
        return TransientError(
            "接口在规定时间内没有答完。",
            next_step="检查网络；稍后会再试。经常如此可减小 page_size 或调大 *_seconds。",
            detail=detail,
        )

    def _broken(self, error: httpx.TransportError) -> HubError:
        if isinstance(error.__cause__, ssl.SSLCertVerificationError) or "CERTIFICATE_VERIFY" in str(error):
            return ConfigurationError(
                "接口的证书不可信，已断开，未发送令牌。",
                next_step="核实对方身份；政务内网自建证书请把根证书文件写进 ca_file。",
                detail=type(error).__name__,
            )
        return TransientError("连不上接口或中途断开。", next_step="检查网络；稍后会再试。", detail=type(error).__name__)
