"""The SFTP connector against OpenSSH and against a server that misbehaves: keys, host keys, cuts, silence, refusals."""

from __future__ import annotations

import os
import random
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import paramiko
import pytest

from connectors import Connector, open_connector
from hub.errors import AuthenticationError, ConfigurationError, HostKeyError, HubError, TransientError
from tests.connectors.contract_suite import FakeClock
from tests.connectors.ssh_servers import FaultyServer, OpenSsh, fingerprint_of, make_key

OPENSSH = pytest.mark.server("sshd")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[FaultyServer]:
    faulty = FaultyServer(tmp_path / "remote")
    yield faulty
    faulty.stop()


@pytest.fixture(scope="module")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenSsh]:
    running = OpenSsh(tmp_path_factory.mktemp("sshd"), host_keys=("ed25519", "rsa"))
    yield running
    running.stop()


def open_at(server: FaultyServer, **more: Any) -> Connector:
    return open_connector(
        "sftp",
        {**server.options(), "retries": 0, **more},
        feed="tax_registration",
        folder=server.root,
        environment={"SFTP_PASSWORD": server.password},
        clock=FakeClock().clock,
    )


def open_real(sshd: OpenSsh, path: Path, environment: dict[str, str] | None = None, **more: Any) -> Connector:
    options = {**sshd.options(path), "settle": "none", **more}
    return open_connector(
        "sftp",
        {k: v for k, v in options.items() if v is not None},
        feed="tax_registration",
        folder=path,
        environment=environment or {},
    )


# who we are


def test_a_password_from_the_environment_logs_in(server: FaultyServer, tmp_path: Path) -> None:
    (server.root / "甲.csv").write_bytes(b"1")
    (server.root / "空.csv").write_bytes(b"")
    with open_at(server) as connector:
        fetched = [connector.fetch(i, tmp_path / i.key) for i in connector.list({}).items]
        assert sorted(f.size for f in fetched) == [0, 1]
        assert "主机密钥相符" in connector.check().seen
    assert server.connections == 1


def test_a_password_file_must_be_private(server: FaultyServer, tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.write_text(server.password + "\n")
    secret.chmod(0o644)
    with open_at(server, password_env=None, password_file=str(secret)) as connector:
        outcome = connector.check()
        assert isinstance(outcome.error, ConfigurationError)
        assert "权限过宽" in outcome.seen
        secret.chmod(0o600)
        assert connector.check().reachable


def test_a_wrong_password_is_told_once_tried_once_and_never_shown(server: FaultyServer) -> None:
    server.password = "another"
    with (
        open_connector(
            "sftp",
            {**server.options(), "retries": 3},
            feed="water",
            folder=server.root,
            environment={"SFTP_PASSWORD": "密码-secret-1"},
            clock=FakeClock().clock,
        ) as connector,
        pytest.raises(AuthenticationError, match="拒绝") as raised,
    ):
        connector.list({})
    assert len(server.logins) == 1
    assert "secret" not in f"{raised.value}{raised.value.detail}"


def test_a_missing_secret_is_told_before_anything_is_sent(server: FaultyServer) -> None:
    with open_at(server, password_env="NOT_SET") as connector:
        error = connector.check().error
    assert isinstance(error, ConfigurationError)
    assert "NOT_SET" in error.message
    assert server.connections == 0


@OPENSSH
@pytest.mark.parametrize(("kind", "form"), [("ed25519", None), ("ecdsa", None), ("rsa", None), ("rsa", "PEM")])
@pytest.mark.parametrize("passphrase", ["", "口令 with spaces"])
def test_every_usual_key_logs_in_with_and_without_passphrase(
    sshd: OpenSsh, tmp_path: Path, kind: str, form: str | None, passphrase: str
) -> None:
    key = make_key(tmp_path / "key", kind, passphrase, form)
    sshd.authorize(tmp_path / "key.pub")
    more = {"key_passphrase_env": "KEY_PASSPHRASE"} if passphrase else {}
    with open_real(sshd, tmp_path, {"KEY_PASSPHRASE": passphrase}, key_file=str(key), **more) as connector:
        outcome = connector.check()
        assert outcome.reachable, outcome.error


@OPENSSH
def test_a_key_that_cannot_be_opened_says_why(sshd: OpenSsh, tmp_path: Path) -> None:
    key = make_key(tmp_path / "key", "ed25519", "right one")
    with open_real(sshd, tmp_path, key_file=str(key)) as connector:
        assert "有口令" in connector.check().seen
    with open_real(sshd, tmp_path, {"P": "wrong one"}, key_file=str(key), key_passphrase_env="P") as connector:
        assert "打不开" in connector.check().seen
    key.chmod(0o640)
    with open_real(sshd, tmp_path, key_file=str(key)) as connector:
        assert "权限过宽" in connector.check().seen


@OPENSSH
def test_a_key_the_server_does_not_know_is_refused(sshd: OpenSsh, tmp_path: Path) -> None:
    key = make_key(tmp_path / "stranger")
    with open_real(sshd, tmp_path, key_file=str(key)) as connector, pytest.raises(AuthenticationError):
        connector.list({})


# who they are


@OPENSSH
def test_known_hosts_pins_the_host(sshd: OpenSsh, tmp_path: Path) -> None:
    kind, body = sshd.host_public.read_text().split()[:2]
    known = tmp_path / "known_hosts"
    known.write_text(f"[127.0.0.1]:{sshd.port} {kind} {body}\n")
    with open_real(sshd, tmp_path, host_key_sha256=None, known_hosts=str(known)) as connector:
        assert connector.check().reachable
    other = make_key(tmp_path / "other").with_suffix(".pub").read_text().split()[1]
    known.write_text(f"[127.0.0.1]:{sshd.port} {kind} {other}\n")
    with (
        open_real(sshd, tmp_path, host_key_sha256=None, known_hosts=str(known)) as connector,
        pytest.raises(HostKeyError, match="不符"),
    ):
        connector.list({})
    known.write_text(f"elsewhere.example {kind} {body}\n")
    with (
        open_real(sshd, tmp_path, host_key_sha256=None, known_hosts=str(known)) as connector,
        pytest.raises(HostKeyError),
    ):
        connector.list({})


@OPENSSH
def test_a_pin_of_one_of_several_host_keys_needs_its_kind(sshd: OpenSsh, tmp_path: Path) -> None:
    pin = fingerprint_of(sshd.folder / "host_rsa.pub")
    with open_real(sshd, tmp_path, host_key_sha256=pin) as connector, pytest.raises(HostKeyError) as raised:
        connector.list({})
    assert "host_key_kind" in raised.value.next_step
    with open_real(sshd, tmp_path, host_key_sha256=pin, host_key_kind="rsa") as connector:
        assert connector.check().reachable


def test_a_changed_host_key_is_loud_never_retried_and_no_password_is_sent(server: FaultyServer) -> None:
    from connectors.ssh import fingerprint

    other = fingerprint(paramiko.ECDSAKey.generate())
    with (
        open_at(server, host_key_sha256=other, retries=5) as connector,
        pytest.raises(HostKeyError, match="未发送密码") as raised,
    ):
        connector.list({})
    assert fingerprint(server.host_key) in raised.value.message
    assert "核实" in raised.value.next_step
    assert server.connections == 1
    assert server.logins == []


def test_a_declaration_without_pins_or_login_is_refused() -> None:
    for options, told in (
        ({"host": "h", "user": "u", "password_env": "P"}, "known_hosts"),
        ({"host": "h", "user": "u", "known_hosts": "k"}, "password_env"),
        ({"host": "h", "user": "u", "known_hosts": "k", "password_env": "P", "password_file": "f"}, "只能写一个"),
        ({"host": "h", "user": "u", "known_hosts": "k", "password": "hunter2"}, "机密不能写在部署里"),
        ({"host": "h", "user": "u", "password_env": "P", "host_key_sha256": "AA:BB"}, "SHA256:"),
    ):
        with pytest.raises(ConfigurationError) as raised:
            open_connector("sftp", options, feed="water", folder=Path())
        assert told in str(raised.value)
        assert "hunter2" not in str(raised.value)


# old servers


@OPENSSH
def test_a_server_that_only_speaks_ssh_rsa_is_named_and_can_be_allowed(tmp_path: Path) -> None:
    old = OpenSsh(
        tmp_path / "sshd",
        host_keys=("rsa",),
        extra="HostKeyAlgorithms ssh-rsa\nPubkeyAcceptedAlgorithms ssh-rsa\nKexAlgorithms diffie-hellman-group14-sha1\n",
    )
    try:
        key = make_key(tmp_path / "key", "rsa")
        old.authorize(tmp_path / "key.pub")
        with open_real(old, tmp_path, key_file=str(key)) as connector:
            outcome = connector.check()
            assert isinstance(outcome.error, ConfigurationError)
            assert "ssh-rsa" in outcome.error.message
            assert "legacy_algorithms" in outcome.error.next_step
        allowed = ["ssh-rsa", "diffie-hellman-group14-sha1"]
        with open_real(old, tmp_path, key_file=str(key), legacy_algorithms=allowed[:1]) as connector:
            assert isinstance(connector.check().error, ConfigurationError)
        with open_real(old, tmp_path, key_file=str(key), legacy_algorithms=allowed) as connector:
            outcome = connector.check()
            assert outcome.reachable, (outcome.error, old.log())
        wrong = fingerprint_of(make_key(tmp_path / "other", "rsa").with_suffix(".pub"))
        with open_real(old, tmp_path, key_file=str(key), legacy_algorithms=allowed, host_key_sha256=wrong) as connector:
            assert isinstance(connector.check().error, HostKeyError)
    finally:
        old.stop()


@OPENSSH
def test_allowing_old_algorithms_does_not_weaken_a_new_server(sshd: OpenSsh, tmp_path: Path) -> None:
    with open_real(sshd, tmp_path, legacy_algorithms=["ssh-rsa"]) as connector:
        assert connector.check().reachable
        transport = connector.session._ssh.get_transport()  # type: ignore[attr-defined]
        assert transport.host_key_type == "ssh-ed25519"


# faults on the way


def test_a_server_that_accepts_and_says_nothing_ends_in_time(tmp_path: Path) -> None:
    silent = FaultyServer(tmp_path / "remote", silent=True)
    try:
        with (
            open_at(silent, banner_seconds=0.3, connect_seconds=2) as connector,
            pytest.raises(TransientError) as raised,
        ):
            connector.list({})
        assert raised.value.next_step
    finally:
        silent.stop()


def test_a_server_that_takes_the_password_and_never_answers_ends_in_time(server: FaultyServer) -> None:
    release = threading.Event()
    server.on_login = lambda: bool(release.wait(20))  # type: ignore[assignment,return-value]
    with open_at(server, auth_seconds=0.4) as connector, pytest.raises(TransientError, match="没有应答") as raised:
        began = time.monotonic()
        connector.list({})
    assert time.monotonic() - began < 2
    release.set()
    assert "_seconds" in raised.value.next_step
    assert len(server.logins) == 1


def test_a_server_that_says_hello_and_agrees_on_no_keys_ends_in_time(server: FaultyServer) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        met: list[socket.socket] = []

        def greet() -> None:
            met.append(listener.accept()[0])
            met[0].sendall(b"SSH-2.0-Stone\r\n")

        thread = threading.Thread(target=greet)
        thread.start()
        began = time.monotonic()
        with (
            open_at(server, port=listener.getsockname()[1], connect_seconds=0.4) as connector,
            pytest.raises(TransientError, match="没有应答"),
        ):
            connector.list({})
        assert time.monotonic() - began < 2
        thread.join(5)
        met[0].close()


def test_an_address_that_never_answers_ends_in_time(server: FaultyServer) -> None:
    with socket.socket() as full:  # nobody accepts, and no more may wait: further calls are not answered at all
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        waiting = [socket.socket() for _ in range(4)]
        for caller in waiting:
            caller.setblocking(False)
            caller.connect_ex(full.getsockname())
        began = time.monotonic()
        with (
            open_at(server, port=full.getsockname()[1], connect_seconds=0.4) as connector,
            pytest.raises(TransientError) as raised,
        ):
            connector.list({})
        assert time.monotonic() - began < 2
        assert raised.value.next_step
        for caller in waiting:
            caller.close()


def test_a_server_that_falls_silent_in_the_middle_ends_in_time(server: FaultyServer, tmp_path: Path) -> None:
    release = threading.Event()
    (server.root / "甲.csv").write_bytes(b"x" * 200_000)
    server.on_read = lambda offset: release.wait(20) if offset else None  # type: ignore[assignment,return-value]
    with open_at(server, channel_seconds=0.4) as connector:
        (item,) = connector.list({}).items
        with pytest.raises(TransientError, match="没有应答"):
            connector.fetch(item, tmp_path / "to" / "x")
        release.set()
    assert list((tmp_path / "to").iterdir()) == []


def test_nothing_listening_is_transient(server: FaultyServer) -> None:
    options = server.options()
    server.stop()
    with (
        open_connector(
            "sftp",
            {**options, "retries": 2},
            feed="water",
            folder=server.root,
            environment={"SFTP_PASSWORD": "x"},
            clock=(time := FakeClock()).clock,
        ) as connector,
        pytest.raises(TransientError, match="连不上"),
    ):
        connector.list({})
    assert len(time.slept) == 2


def cut_once_at(server: FaultyServer, at: int, then: Any = None) -> None:
    """The connection breaks when the byte `at` is first asked for."""

    def on_read(offset: int) -> None:
        if offset >= at and server.on_read:
            server.on_read = None
            if then:
                then()
            server.cut()

    server.on_read = on_read


def test_a_transfer_cut_in_the_middle_goes_on_where_it_stood(server: FaultyServer, tmp_path: Path) -> None:
    content = random.Random(1).randbytes(6_000_000)
    (server.root / "甲.csv").write_bytes(content)
    cut_once_at(server, 4_000_000)
    with open_at(server, retries=2) as connector:
        (item,) = connector.list({}).items
        fetched = connector.fetch(item, tmp_path / "to")
    assert fetched.path.read_bytes() == content
    assert server.connections >= 2
    whole = len(content) // 32_768 + 1
    assert server.reads < whole * 2 - 20, "the first part was not asked for again"


def test_a_file_replaced_during_the_cut_is_not_stitched_together(server: FaultyServer, tmp_path: Path) -> None:
    path = server.root / "甲.csv"
    path.write_bytes(random.Random(1).randbytes(3_000_000))
    cut_once_at(server, 2_000_000, then=lambda: path.write_bytes(b"shorter"))
    with open_at(server, retries=2) as connector:
        (item,) = connector.list({}).items
        with pytest.raises(TransientError, match="变了"):
            connector.fetch(item, tmp_path / "to" / "x")
    assert list((tmp_path / "to").iterdir()) == []


def test_a_file_replaced_by_one_of_the_same_size_and_time_is_taken_anew(server: FaultyServer, tmp_path: Path) -> None:
    path = server.root / "甲.csv"
    path.write_bytes(random.Random(1).randbytes(3_000_000))
    facts = path.stat()
    new = random.Random(2).randbytes(3_000_000)

    def swap() -> None:
        path.write_bytes(new)
        os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns))

    cut_once_at(server, 2_000_000, then=swap)
    with open_at(server, retries=2) as connector:
        (item,) = connector.list({}).items
        assert connector.fetch(item, tmp_path / "to").path.read_bytes() == new


def test_a_cut_that_never_heals_is_transient_and_leaves_nothing(server: FaultyServer, tmp_path: Path) -> None:
    (server.root / "甲.csv").write_bytes(b"x" * 300_000)
    with open_at(server, retries=2) as connector:
        (item,) = connector.list({}).items
        server.on_read = lambda offset: server.cut()
        with pytest.raises(TransientError):
            connector.fetch(item, tmp_path / "to" / "x")
    assert list((tmp_path / "to").iterdir()) == []


def test_a_cut_while_listing_is_no_short_list(server: FaultyServer) -> None:
    for n in range(5):
        (server.root / f"{n}.csv").write_bytes(b"x")
    server.on_list = server.cut
    with open_at(server) as connector, pytest.raises(TransientError):
        connector.list({})


def test_no_permission_to_list_is_an_error_and_not_an_empty_folder(server: FaultyServer) -> None:
    (server.root / "甲.csv").write_bytes(b"x")
    server.refuse_list = True
    with open_at(server) as connector, pytest.raises(ConfigurationError, match="没有权限"):
        connector.list({})


@OPENSSH
def test_a_full_disk_here_says_so(sshd: OpenSsh, tmp_path: Path) -> None:
    import resource

    (tmp_path / "甲.csv").write_bytes(b"x" * 300_000)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    with open_real(sshd, tmp_path, retries=0) as connector:
        (item,) = [i for i in connector.list({}).items if i.name == "甲.csv"]
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
        try:
            with pytest.raises(TransientError, match="磁盘已满"):
                connector.fetch(item, tmp_path / "to" / "x")
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        assert connector.fetch(item, tmp_path / "to" / "x").size == 300_000


@OPENSSH
def test_links_on_the_server_are_followed_inside_and_refused_outside(sshd: OpenSsh, tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (tmp_path / "secret.csv").write_bytes(b"s")
    (root / "真.csv").write_bytes(b"inside")
    (root / "内.csv").symlink_to("真.csv")
    (root / "外.csv").symlink_to(tmp_path / "secret.csv")
    (root / "断.csv").symlink_to("没有")
    os.mkfifo(root / "pipe.csv")
    with open_real(sshd, root) as connector:
        listing = connector.list({})
    assert sorted(i.name for i in listing.items) == sorted(["真.csv", "内.csv"])
    assert {p.name for p in listing.passed_over if p.attention} == {"外.csv", "断.csv", "pipe.csv"}


@OPENSSH
def test_names_in_gb18030_are_listed_fetched_and_archived(sshd: OpenSsh, tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    raw = os.fsencode(root) + b"/" + "税务登记.csv".encode("gb18030")
    with open(raw, "wb") as stream:  # noqa: PTH123 -- a name in bytes
        stream.write(b"gbk")
    with open_real(sshd, root, after="archive") as connector:
        (item,) = connector.list({}).items
        assert item.name == "税务登记.csv"
        assert connector.fetch(item, tmp_path / "to").size == 3
        connector.acknowledge([item])
        assert connector.list({}).items == ()
    archived = os.listdir(os.fsencode(root) + "/已接收".encode())  # noqa: PTH208 -- a name in bytes
    assert archived == ["税务登记.csv".encode("gb18030")]


def test_errors_of_the_session_never_print_a_traceback(server: FaultyServer, capfd: pytest.CaptureFixture[str]) -> None:
    server.on_list = server.cut
    with open_at(server) as connector, pytest.raises(HubError):
        connector.list({})
    assert "Traceback" not in capfd.readouterr().err
