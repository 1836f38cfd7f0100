"""The one that sends. Writes the mails that open and fixed alerts call for, then delivers what is due over SMTP.

A mail is locked in the database while it is sent and marked in the same transaction, so two senders never send the
same one. Between the server's "250 OK" and our commit nobody can be sure: should the machine die just there, the mail
goes out again under the same Message-ID, by which mail programs recognise it. Twice told beats never told.
"""

from __future__ import annotations

import logging
import smtplib
import ssl
import threading
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime

from sqlalchemy import Connection, Engine, RowMapping, delete, exists, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import SQLAlchemyError

from hub.alerts.compose import compose_fixed, compose_raised, recipients
from hub.alerts.life import LIFE_HOUR, compose_life
from hub.alerts.overdue import check_nights
from hub.deployment import COUNTY_TIME, Deployment
from hub.errors import AuthenticationError, ConfigurationError, HubError, TransientError
from hub.settings import Settings, read_secret
from hub.store.tables.alerts import alert, message

BACKOFF = tuple(timedelta(minutes=m) for m in (1, 5, 15, 60, 180, 360))  # the last one repeats
AUTHENTICATION_PAUSE = timedelta(hours=6)  # a wrong password tried often locks the account
FORGET_AFTER = timedelta(days=7)  # a problem over and done with for longer is not mailed any more
TIMEOUT_SECONDS = 20
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SendSummary:
    """What one look at the outbox did. `problem` is why mails had to wait, in Chinese, or None."""

    written: int = 0
    sent: int = 0
    postponed: int = 0
    refused: int = 0
    problem: str | None = None


def _write(
    connection: Connection,
    now: datetime,
    occasion: str,
    *,
    alert_id: int | None,
    people: tuple[str, ...],
    mail: tuple[str, str],
) -> int:
    if not people:
        return 0
    subject, body = mail
    words = {"occasion": occasion, "subject": subject, "body": body}
    shared: dict[str, object] = {**words, "alert_id": alert_id, "created_at": now, "not_before": now}
    written = connection.execute(
        insert(message).values([{**shared, "recipient": person} for person in people]).on_conflict_do_nothing()
    )
    return written.rowcount


def _write_mails(connection: Connection, settings: Settings, deployment: Deployment, now: datetime) -> int:
    """Turns alerts into mails: one per problem and recipient, one more for its end."""
    written = 0
    waiting = or_(alert.c.told_at.is_(None), (alert.c.fixed_at.is_not(None)) & (alert.c.fix_told_at.is_(None)))
    rows = connection.execute(select(alert).where(waiting).order_by(alert.c.alert_id).with_for_update(skip_locked=True))
    for row in rows.mappings().all():
        people = recipients(deployment, row["kind"], row["details"])
        if not people:
            continue  # told as soon as the deployment names somebody
        alert_id, told = row["alert_id"], row["told_at"] is not None
        done: dict[str, datetime] = {"told_at": row["told_at"] or now}
        if row["fixed_at"] is None:
            mail = compose_raised(deployment, settings, row)
            written += _write(connection, now, f"alert:{alert_id}:raised", alert_id=alert_id, people=people, mail=mail)
        else:
            done["fix_told_at"] = now
            unsent = connection.execute(
                delete(message).where(message.c.occasion == f"alert:{alert_id}:raised", message.c.sent_at.is_(None))
            ).rowcount
            if now - row["fixed_at"] < FORGET_AFTER:
                mail = compose_fixed(deployment, settings, row, told=told and not unsent)
                written += _write(
                    connection, now, f"alert:{alert_id}:fixed", alert_id=alert_id, people=people, mail=mail
                )
        connection.execute(update(alert).where(alert.c.alert_id == alert_id).values(**done))
    return written


def _write_life(connection: Connection, deployment: Deployment, now: datetime) -> int:
    here = now.astimezone(COUNTY_TIME)
    people = deployment.alerts.office or deployment.office.mail
    occasion = f"life:{here.date()}"
    if not deployment.alerts.proof_of_life or here.hour < LIFE_HOUR or not people:
        return 0
    if connection.scalar(select(exists().where(message.c.occasion == occasion))):
        return 0
    mail = compose_life(connection, deployment, here.date())
    return _write(connection, now, occasion, alert_id=None, people=people, mail=mail)


def _connect(settings: Settings) -> smtplib.SMTP:
    """A session with the mail server, encrypted and logged in as the settings say.

    Raises:
        TransientError, AuthenticationError, ConfigurationError.
    """
    host, port = str(settings.smtp_host), settings.smtp_port
    try:
        context = ssl.create_default_context()
        server: smtplib.SMTP
        if port == smtplib.SMTP_SSL_PORT:
            server = smtplib.SMTP_SSL(host, port, timeout=TIMEOUT_SECONDS, context=context)
        else:
            server = smtplib.SMTP(host, port, timeout=TIMEOUT_SECONDS)
    except (OSError, smtplib.SMTPException) as error:
        raise TransientError(
            f"连不上邮件服务器 {host}:{port}。",
            next_step="检查网络和 COOP_HUB_SMTP_HOST，系统会自动重试。",
            detail=repr(error),
        ) from None
    try:
        if settings.smtp_starttls:
            server.starttls(context=context)
        if settings.smtp_user:
            if settings.smtp_password_file is None:
                raise ConfigurationError(
                    "设置了邮件账号，却没有密码文件。", next_step="设置 COOP_HUB_SMTP_PASSWORD_FILE（权限 0600）。"
                )
            server.login(settings.smtp_user, read_secret(settings.smtp_password_file))
    except smtplib.SMTPAuthenticationError as error:
        _close(server)
        raise AuthenticationError(
            "邮件服务器拒绝了账号或密码。",
            next_step="更新 COOP_HUB_SMTP_PASSWORD_FILE 里的密码；六小时后自动再试。",
            detail=str(error.smtp_code),
        ) from None
    except (smtplib.SMTPNotSupportedError, ssl.SSLError) as error:
        _close(server)
        raise ConfigurationError(
            "与邮件服务器谈不成加密连接或登录方式，信没有发出。",
            next_step="核对 COOP_HUB_SMTP_STARTTLS、端口和服务器证书。",
            detail=repr(error),
        ) from None
    except (OSError, smtplib.SMTPException) as error:
        _close(server)
        raise TransientError(
            f"邮件服务器 {host}:{port} 中断了连接。", next_step="系统会自动重试。", detail=repr(error)
        ) from None
    except HubError:
        _close(server)
        raise
    return server


def _close(server: smtplib.SMTP) -> None:
    with suppress(OSError, smtplib.SMTPException):
        server.quit()
    server.close()


def _mail(settings: Settings, row: RowMapping) -> EmailMessage:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = settings.smtp_from, row["recipient"], row["subject"]
    mail["Date"] = format_datetime(row["created_at"].astimezone(COUNTY_TIME))
    mail["Message-ID"] = f"<{row['message_id']}.{row['created_at']:%Y%m%d%H%M%S%f}@coop-hub>"
    mail["Auto-Submitted"] = "auto-generated"
    mail["Content-Language"] = "zh-CN"
    mail.set_content(row["body"], cte="base64")
    return mail


def _due(now: datetime) -> tuple[object, ...]:
    return (message.c.sent_at.is_(None), message.c.gave_up_at.is_(None), message.c.not_before <= now)


def _postpone(connection: Connection, row: RowMapping, now: datetime, error: str, pause: timedelta | None) -> None:
    wait = pause or BACKOFF[min(row["attempts"], len(BACKOFF) - 1)]
    connection.execute(
        update(message)
        .where(message.c.message_id == row["message_id"])
        .values(attempts=row["attempts"] + 1, not_before=now + wait, last_error=error[:300])
    )


def _postpone_all(engine: Engine, now: datetime, error: str, pause: timedelta | None) -> int:
    with engine.begin() as connection:
        rows = connection.execute(select(message).where(*_due(now)).with_for_update(skip_locked=True)).mappings().all()  # type: ignore[arg-type]
        for row in rows:
            _postpone(connection, row, now, error, pause)
    return len(rows)


def _deliver_one(connection: Connection, server: smtplib.SMTP, settings: Settings, now: datetime) -> str | None:
    """Sends the oldest due mail. Returns `sent`, `refused`, `postponed`, or None when nothing is due.

    Raises:
        TransientError: the session broke; the mail is still due and nothing was marked.
    """
    due = select(message).where(*_due(now)).order_by(message.c.message_id).limit(1).with_for_update(skip_locked=True)  # type: ignore[arg-type]
    row = connection.execute(due).mappings().one_or_none()
    if row is None:
        return None
    this = update(message).where(message.c.message_id == row["message_id"])
    try:
        server.send_message(_mail(settings, row))
    except smtplib.SMTPServerDisconnected as error:
        raise TransientError("邮件服务器中断了连接。", next_step="系统会自动重试。", detail=repr(error)) from None
    except (smtplib.SMTPException, ValueError) as error:  # before OSError: smtplib's errors are OSErrors too
        codes = _codes(error)
        reason = f"{type(error).__name__} {codes}"
        final = bool(codes) and all(500 <= code < 600 for code in codes)
        if final or isinstance(error, ValueError | smtplib.SMTPNotSupportedError):
            connection.execute(this.values(attempts=row["attempts"] + 1, gave_up_at=now, last_error=reason[:300]))
            return "refused"
        _postpone(connection, row, now, reason, None)
        return "postponed"
    except OSError as error:
        raise TransientError("邮件服务器中断了连接。", next_step="系统会自动重试。", detail=repr(error)) from None
    connection.execute(this.values(attempts=row["attempts"] + 1, sent_at=now, last_error=None))
    return "sent"


def _codes(error: Exception) -> list[int]:
    """Reply codes in an SMTP error; the texts beside them may name people and stay out."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return [code for code, _ in error.recipients.values()]
    return [error.smtp_code] if isinstance(error, smtplib.SMTPResponseException) else []


def send_pending(
    engine: Engine, settings: Settings, deployment: Deployment, *, now: datetime | None = None
) -> SendSummary:
    """Writes the mails that are called for and sends those that are due. Safe to call from several processes at once.
    Never raises for mail trouble: what could not go waits with growing pauses, and the summary says why. Without a
    mail server in the settings, alerts stay in the outbox (the portal shows them)."""
    if not settings.smtp_host:
        return SendSummary(problem="没有设置邮件服务器（COOP_HUB_SMTP_HOST），告警只在门户里显示。")
    now = now or datetime.now(UTC)
    with engine.begin() as connection:
        written = _write_mails(connection, settings, deployment, now) + _write_life(connection, deployment, now)
        pending = connection.scalar(select(exists().where(*_due(now))))  # type: ignore[arg-type]
    summary = SendSummary(written=written)
    if not pending:
        return summary
    server: smtplib.SMTP | None = None
    try:
        server = _connect(settings)
        while True:
            with engine.begin() as connection:
                outcome = _deliver_one(connection, server, settings, now)
            if outcome is None:
                return summary
            summary = replace(summary, **{outcome: getattr(summary, outcome) + 1})
    except HubError as error:
        pause = None if isinstance(error, TransientError) else AUTHENTICATION_PAUSE
        postponed = _postpone_all(engine, now, error.message, pause)
        _log.warning("%s %s", error, error.detail)
        return replace(summary, postponed=summary.postponed + postponed, problem=str(error))
    finally:
        if server is not None:
            _close(server)


def send_until(
    stop: threading.Event, engine: Engine, settings: Settings, deployment: Deployment, *, every_seconds: float = 30.0
) -> None:
    """Looks at the outbox every few seconds until `stop` is set, and checks once a look that nights still happen. Lives
    through a database that is away."""
    while not stop.is_set():
        try:
            with engine.begin() as connection:
                check_nights(connection, datetime.now(UTC))
            send_pending(engine, settings, deployment)
        except SQLAlchemyError as error:
            _log.warning("告警发送：数据库暂不可用，稍后再试。%s", type(error).__name__)
        stop.wait(every_seconds)
