"""The ways to run that the repository ships name settings, commands and pages that exist."""

from __future__ import annotations

import configparser
import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from hub.cli import COMMANDS
from hub.portal.access import ANONYMOUS
from hub.portal.pages import ALL_PAGES
from hub.settings import REPOSITORY, Settings

WAYS = REPOSITORY / "deployments"
FILES = sorted(p for way in ("systemd", "compose", "kubernetes") for p in (WAYS / way).iterdir() if p.is_file())
SETTINGS = {f"COOP_HUB_{name.upper()}" for name in Settings.model_fields}


def _documents(path: Path) -> list[Any]:
    return list(yaml.safe_load_all(path.read_text(encoding="utf-8")))


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.name)
def test_a_way_to_run_names_only_settings_that_exist(path: Path) -> None:
    assert set(re.findall(r"COOP_HUB_[A-Z_]+", path.read_text(encoding="utf-8"))) <= SETTINGS


def test_the_service_starts_a_command_that_exists_and_is_sealed() -> None:
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read(WAYS / "systemd" / "coop-hub.service", encoding="utf-8")
    service = unit["Service"]
    program, command = shlex.split(service["ExecStart"])
    assert program.endswith("/.venv/bin/coop-hub")
    assert command in COMMANDS
    assert service["User"] == "coop-hub"
    assert service["NoNewPrivileges"] == "yes"
    if checker := shutil.which("systemd-analyze"):
        said = subprocess.run(
            [checker, "verify", "--man=no", str(WAYS / "systemd" / "coop-hub.service")],
            capture_output=True, text=True, check=False,
        ).stderr  # fmt: skip
        unexpected = [
            line for line in said.splitlines() if "coop-hub.service" in line and "is not executable" not in line
        ]
        assert not unexpected


def test_compose_publishes_the_portal_on_loopback_only_and_waits_for_its_database() -> None:
    (composed,) = _documents(WAYS / "compose" / "compose.yaml")
    hub = composed["services"]["hub"]
    assert hub["ports"] == ["127.0.0.1:8080:8080"]
    assert "ports" not in composed["services"]["database"]
    assert hub["depends_on"]["database"]["condition"] == "service_healthy"
    build = (WAYS / "compose" / hub["build"]["context"]).resolve()
    assert build == REPOSITORY
    dockerfile = (build / hub["build"]["dockerfile"]).read_text(encoding="utf-8")
    for line in re.findall(r"^COPY (.+)$", dockerfile, re.MULTILINE):
        for source in line.split()[:-1]:
            assert (build / source).exists(), source
    assert "--require-hashes" in dockerfile
    assert re.search(r"^USER coop-hub$", dockerfile, re.MULTILINE)


def test_kubernetes_runs_one_pod_without_rights_and_asks_a_page_that_needs_no_login() -> None:
    pods = {d["kind"]: d for d in _documents(WAYS / "kubernetes" / "coop-hub.yaml")}
    spec = pods["StatefulSet"]["spec"]
    assert spec["replicas"] == 1
    pod = spec["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["automountServiceAccountToken"] is False
    (hub,) = pod["containers"]
    assert hub["command"][1] in COMMANDS
    asked = hub["readinessProbe"]["httpGet"]["path"]
    assert any(p.path == asked and p.method == "GET" and ANONYMOUS in p.who for p in ALL_PAGES)
    assert hub["securityContext"]["readOnlyRootFilesystem"] is True
    (kustomization,) = _documents(WAYS / "kubernetes" / "kustomization.yaml")
    named = [*kustomization["resources"], *(f for m in kustomization["configMapGenerator"] for f in m.get("files", ()))]
    assert all((WAYS / "kubernetes" / name).is_file() for name in named)
