"""A real SMTP server on loopback, and a county with somebody to write to."""

from __future__ import annotations

import email
import email.policy
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from hub.deployment import AlertRoutes, Deployment, load_deployment


class PostBox:
    """An SMTP server's handler that keeps what it takes and refuses whom it is told to."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.recipients: list[str] = []
        self.refuse: dict[str, str] = {}
        self.logins: list[str] = []

    async def handle_RCPT(self, server: SMTP, session: Session, envelope: Envelope, address: str, _: list[str]) -> str:
        if address in self.refuse:
            return self.refuse[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        mail = email.message_from_bytes(envelope.content or b"", policy=email.policy.default)
        assert isinstance(mail, EmailMessage)
        self.mails.append(mail)
        self.recipients += envelope.rcpt_tos
        return "250 OK"

    def authenticate(self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
        assert isinstance(data, LoginPassword)
        self.logins.append(data.login.decode())
        return AuthResult(success=data.password == b"geheim-8421", handled=False)

    def subjects(self) -> list[str]:
        return [str(m["Subject"]) for m in self.mails]


@pytest.fixture
def post_box() -> PostBox:
    return PostBox()


@pytest.fixture
def smtp(post_box: PostBox, free_port: int) -> Iterator[Controller]:
    controller = Controller(post_box, hostname="127.0.0.1", port=free_port)
    controller.start()
    yield controller
    controller.stop(no_assert=True)


@pytest.fixture
def free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def county(tmp_path: Path) -> Deployment:
    """A county of nothing but defaults: the usual departments, every feed, none of them due by a day."""
    folder = tmp_path / "county"
    folder.mkdir()
    (folder / "county.yaml").write_text(
        "name: 云岫县\ncode: '339127'\ntowns: [{name: 城关街道}, {name: 白石镇}, {name: 青溪镇}]\n", encoding="utf-8"
    )
    routes = AlertRoutes(
        office=("office@county.test",), by_kind={"run_failed": ("it@county.test",)}, proof_of_life=False
    )
    return load_deployment(folder).model_copy(update={"alerts": routes})
