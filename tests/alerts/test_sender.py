"""One mail per problem, repeats counted, its end told; a mail server that is down costs time, never a message."""

from __future__ import annotations

import ssl
import subprocess
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from sqlalchemy import Engine, select, text

from hub.alerts import KINDS, fix_alert, raise_alert, send_pending, send_until
from hub.alerts.sender import AUTHENTICATION_PAUSE, BACKOFF
from hub.deployment import AlertRoutes, Deployment
from hub.settings import Settings
from hub.store.tables.alerts import alert, message
from tests.alerts.conftest import PostBox


def mail_settings(settings: Settings, port: int, **more: object) -> Settings:
    return settings.model_copy(update={"smtp_host": "127.0.0.1", "smtp_port": port, **more})


def held(engine: Engine, key: str = "market_abnormal:10月名录.xls") -> None:
    with engine.begin() as connection:
        raise_alert(
            connection,
            "delivery_held",
            key,
            "10月名录.xls",
            "本次 120 行，上次 240 行，不到八成。",
            {"feed": "market_abnormal", "department": "market_supervision", "file": "10月名录.xls", "delivery_id": 7},
        )


def test_a_problem_is_mailed_in_words_that_say_what_where_and_what_next(
    engine: Engine, settings: Settings, county: Deployment, smtp: Controller, post_box: PostBox
) -> None:
    held(engine)
    summary = send_pending(engine, mail_settings(settings, smtp.port, portal_url="https://hub.county.test/"), county)
    assert (summary.sent, summary.problem) == (1, None)
    [mail] = post_box.mails
    assert post_box.recipients == ["office@county.test"]
    assert mail["Subject"] == "［云岫县合作社枢纽］来件暂扣，等待人工确认：10月名录.xls"
    words = mail.get_content()
    for part in (
        "不到八成",
        "数据项：经营异常名录",
        "部门：市场监督管理局",
        "来件编号：7",
        KINDS["delivery_held"].next_step,
    ):
        assert part in words
    assert "https://hub.county.test/alerts" in words
    assert mail["Auto-Submitted"] == "auto-generated"


def test_the_same_problem_again_is_counted_and_not_mailed_again(
    engine: Engine, settings: Settings, county: Deployment, smtp: Controller, post_box: PostBox
) -> None:
    for _ in range(3):
        held(engine)
        send_pending(engine, mail_settings(settings, smtp.port), county)
    assert len(post_box.mails) == 1
    with engine.connect() as connection:
        assert connection.execute(select(alert.c.times)).scalars().all() == [3]


def test_the_end_of_a_problem_is_told_once_and_a_new_one_of_the_same_kind_is_news(
    engine: Engine, settings: Settings, county: Deployment, smtp: Controller, post_box: PostBox
) -> None:
    outside = mail_settings(settings, smtp.port)
    held(engine)
    send_pending(engine, outside, county)
    with engine.begin() as connection:
        assert fix_alert(connection, "delivery_held", "market_abnormal:10月名录.xls")
        assert not fix_alert(connection, "delivery_held", "market_abnormal:10月名录.xls")
    for _ in range(2):
        send_pending(engine, outside, county)
    assert len(post_box.mails) == 2
    assert "已解决 · 来件暂扣" in post_box.subjects()[1]
    assert "此前未能发信" not in post_box.mails[1].get_content()
    held(engine)
    send_pending(engine, outside, county)
    assert len(post_box.mails) == 3


def test_while_the_mail_server_is_down_mails_wait_with_growing_pauses_then_go(
    engine: Engine,
    settings: Settings,
    county: Deployment,
    free_port: int,
    post_box: PostBox,
) -> None:
    held(engine)
    outside = mail_settings(settings, free_port)
    now = datetime.now(UTC)
    for attempt, pause in enumerate(BACKOFF, 1):
        down = send_pending(engine, outside, county, now=now)
        assert (down.sent, down.postponed) == (0, 1)
        assert down.problem is not None and "连不上邮件服务器" in down.problem
        with engine.connect() as connection:
            row = connection.execute(select(message.c.attempts, message.c.not_before)).one()
        assert (row.attempts, row.not_before) == (attempt, now + pause)
        assert send_pending(engine, outside, county, now=now).postponed == 0
        now += pause
    server = Controller(post_box, hostname="127.0.0.1", port=free_port)
    server.start()
    assert send_pending(engine, outside, county, now=now).sent == 1
    server.stop()
    assert len(post_box.mails) == 1


def test_a_problem_over_before_the_mail_server_came_back_is_told_in_one_mail(
    engine: Engine, settings: Settings, county: Deployment, free_port: int, post_box: PostBox
) -> None:
    held(engine)
    outside = mail_settings(settings, free_port)
    send_pending(engine, outside, county)
    with engine.begin() as connection:
        fix_alert(connection, "delivery_held", "market_abnormal:10月名录.xls")
    server = Controller(post_box, hostname="127.0.0.1", port=free_port)
    server.start()
    send_pending(engine, outside, county, now=datetime.now(UTC) + timedelta(hours=1))
    server.stop()
    [mail] = post_box.mails
    assert "已解决" in str(mail["Subject"])
    assert "此前未能发信告知" in mail.get_content()


def test_a_recipient_the_server_refuses_for_good_does_not_stop_the_others(
    engine: Engine, settings: Settings, county: Deployment, smtp: Controller, post_box: PostBox
) -> None:
    routes = AlertRoutes(office=("gone@county.test", "office@county.test", "full@county.test"), proof_of_life=False)
    both = county.model_copy(update={"alerts": routes})
    post_box.refuse = {"gone@county.test": "550 no such user", "full@county.test": "452 mailbox full"}
    held(engine)
    first = send_pending(engine, mail_settings(settings, smtp.port), both)
    assert (first.sent, first.refused, first.postponed) == (1, 1, 1)
    post_box.refuse.pop("full@county.test")
    later = send_pending(engine, mail_settings(settings, smtp.port), both, now=datetime.now(UTC) + BACKOFF[0])
    assert (later.sent, later.refused, later.postponed) == (1, 0, 0)
    assert post_box.recipients == ["office@county.test", "full@county.test"]


def test_an_address_that_is_none_is_refused_without_harm(
    engine: Engine, settings: Settings, county: Deployment, smtp: Controller, post_box: PostBox
) -> None:
    routes = AlertRoutes(office=("a@county.test\nBcc: b@evil.test", "office@county.test"), proof_of_life=False)
    held(engine)
    summary = send_pending(engine, mail_settings(settings, smtp.port), county.model_copy(update={"alerts": routes}))
    assert (summary.sent, summary.refused) == (1, 1)
    assert post_box.recipients == ["office@county.test"]


def test_routes_by_kind_and_the_owner_of_a_feed_are_heard(
    engine: Engine, settings: Settings, county: Deployment, smtp: Controller, post_box: PostBox
) -> None:
    feeds = tuple(
        f.model_copy(update={"owner_mail": ("owner@tax.test",)}) if f.feed == "tax_registration" else f
        for f in county.feeds
    )
    with engine.begin() as connection:
        raise_alert(connection, "run_failed", "nightly", "第 3 步", "数据库已满。")
        raise_alert(connection, "connector_failed", "tax", "税务", "超时。", {"feed": "tax_registration"})
    send_pending(engine, mail_settings(settings, smtp.port), county.model_copy(update={"feeds": feeds}))
    assert post_box.recipients == ["it@county.test", "office@county.test", "owner@tax.test"]


def test_line_breaks_in_a_subject_cannot_add_headers(
    engine: Engine, settings: Settings, county: Deployment, smtp: Controller, post_box: PostBox
) -> None:
    with engine.begin() as connection:
        raise_alert(connection, "delivery_failed", "k", "坏\r\nBcc: evil@x.test\r\n\r\n文件", "打不开")
    send_pending(engine, mail_settings(settings, smtp.port), county)
    assert post_box.recipients == ["office@county.test"]
    assert post_box.mails[0]["Bcc"] is None


def test_many_senders_at_once_send_every_mail_once(
    engine: Engine, settings: Settings, county: Deployment, smtp: Controller, post_box: PostBox
) -> None:
    for n in range(12):
        held(engine, f"file{n}")
    outside = mail_settings(settings, smtp.port)
    start = threading.Barrier(4)
    failures: list[BaseException] = []

    def send() -> None:
        start.wait()
        try:
            send_pending(engine, outside, county)
        except Exception as error:  # noqa: BLE001 -- whatever it is, the test shows it
            failures.append(error)

    threads = [threading.Thread(target=send) for _ in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join(30)
    assert failures == []
    send_pending(engine, outside, county)
    assert len(post_box.mails) == 12
    assert len({m["Message-ID"] for m in post_box.mails}) == 12


def test_without_a_mail_server_nothing_is_lost(engine: Engine, settings: Settings, county: Deployment) -> None:
    held(engine)
    summary = send_pending(engine, settings, county)
    assert summary.written == 0
    assert summary.problem is not None and "COOP_HUB_SMTP_HOST" in summary.problem
    with engine.connect() as connection:
        assert connection.scalar(text("select count(*) from alert where told_at is null")) == 1


def test_a_county_without_recipients_tells_later_when_it_names_one(
    engine: Engine, settings: Settings, county: Deployment, smtp: Controller, post_box: PostBox
) -> None:
    nobody = county.model_copy(update={"alerts": AlertRoutes()})
    held(engine)
    assert send_pending(engine, mail_settings(settings, smtp.port), nobody).sent == 0
    assert send_pending(engine, mail_settings(settings, smtp.port), county).sent == 1


def test_producers_stay_inside_their_transaction(engine: Engine) -> None:
    with engine.connect() as connection:
        raise_alert(connection, "run_failed", "nightly", "x", "y")
        connection.rollback()
        assert connection.scalar(text("select count(*) from alert")) == 0


def test_a_kind_nobody_described_is_a_mistake(engine: Engine) -> None:
    with engine.connect() as connection, pytest.raises(KeyError, match="strange"):
        raise_alert(connection, "strange", "k", "s", "b")


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    key, cert = tmp_path / "key.pem", tmp_path / "cert.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", str(key), "-out", str(cert), "-days", "2",
         "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"],
        check=True, capture_output=True,
    )  # fmt: skip
    return key, cert


@pytest.fixture
def tls_smtp(
    post_box: PostBox, free_port: int, certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> Controller:
    key, cert = certificate
    monkeypatch.setenv("SSL_CERT_FILE", str(cert))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    return Controller(
        post_box,
        hostname="127.0.0.1",
        port=free_port,
        tls_context=context,
        require_starttls=True,
        authenticator=post_box.authenticate,
        auth_required=True,
    )


def password_file(tmp_path: Path, password: str) -> Path:
    path = tmp_path / "smtp-password"
    path.write_text(password + "\n")
    path.chmod(0o600)
    return path


def test_starttls_and_a_login_from_a_file_are_spoken(
    engine: Engine, settings: Settings, county: Deployment, tls_smtp: Controller, post_box: PostBox, tmp_path: Path
) -> None:
    held(engine)
    login = {"smtp_starttls": True, "smtp_user": "hub", "smtp_password_file": password_file(tmp_path, "geheim-8421")}
    tls_smtp.start()
    summary = send_pending(engine, mail_settings(settings, tls_smtp.port, **login), county)
    tls_smtp.stop()
    assert (summary.sent, summary.problem) == (1, None)
    assert post_box.logins == ["hub"]


def test_a_wrong_password_is_not_tried_again_for_hours(
    engine: Engine, settings: Settings, county: Deployment, tls_smtp: Controller, post_box: PostBox, tmp_path: Path
) -> None:
    held(engine)
    login = {"smtp_starttls": True, "smtp_user": "hub", "smtp_password_file": password_file(tmp_path, "falsch")}
    outside = mail_settings(settings, tls_smtp.port, **login)
    now = datetime.now(UTC)
    tls_smtp.start()
    first = send_pending(engine, outside, county, now=now)
    tries = len(post_box.logins)
    send_pending(engine, outside, county, now=now + AUTHENTICATION_PAUSE - timedelta(minutes=1))
    tls_smtp.stop()
    assert first.problem is not None and "账号或密码" in first.problem
    assert "falsch" not in first.problem
    assert len(post_box.logins) == tries
    assert post_box.mails == []


def test_a_certificate_nobody_vouches_for_gets_no_mail(
    engine: Engine,
    settings: Settings,
    county: Deployment,
    tls_smtp: Controller,
    post_box: PostBox,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    held(engine)
    tls_smtp.start()
    summary = send_pending(engine, mail_settings(settings, tls_smtp.port, smtp_starttls=True), county)
    tls_smtp.stop()
    assert summary.problem is not None and "加密连接" in summary.problem
    assert post_box.mails == []


def test_the_loop_sends_and_stops_when_told(
    engine: Engine, settings: Settings, county: Deployment, smtp: Controller, post_box: PostBox
) -> None:
    stop = threading.Event()
    loop = threading.Thread(
        target=send_until,
        args=(stop, engine, mail_settings(settings, smtp.port), county),
        kwargs={"every_seconds": 0.05},
    )
    loop.start()
    held(engine)
    deadline = datetime.now(UTC) + timedelta(seconds=10)
    while not post_box.mails and datetime.now(UTC) < deadline:
        stop.wait(0.02)
    stop.set()
    loop.join(10)
    assert not loop.is_alive()
    assert len(post_box.mails) == 1
