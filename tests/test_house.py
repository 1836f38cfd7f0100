"""The house rules that no type checker knows: rooms, documents, settings, what may stand in the repository."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from hub.cli import COMMANDS
from hub.deployment import load_deployment
from hub.errors import ConfigurationError
from hub.feeds import feed_catalogue
from hub.settings import REPOSITORY, Settings, load_settings, read_secret

DOCUMENTS = sorted([*REPOSITORY.glob("*.md"), *REPOSITORY.glob("docs/**/*.md")])


def _tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=REPOSITORY, capture_output=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout")
    return [REPOSITORY / name for name in listed.stdout.decode().split("\0") if name]


def test_every_setting_is_documented_and_every_documented_setting_exists() -> None:
    guide = (REPOSITORY / "docs" / "operators-guide.md").read_text(encoding="utf-8")
    documented = set(re.findall(r"`(COOP_HUB_[A-Z_]+)`", guide))
    existing = {f"COOP_HUB_{name.upper()}" for name in Settings.model_fields}
    assert documented == existing


def test_every_command_the_documents_name_exists() -> None:
    for path in DOCUMENTS:
        for command in re.findall(r"coop-hub ([a-z][a-z-]+)", path.read_text(encoding="utf-8")):
            assert command in COMMANDS, f"{path.name} names coop-hub {command}"


def test_every_make_target_the_documents_name_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", (REPOSITORY / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    for path in DOCUMENTS:
        named = set(re.findall(r"`make ([a-z]+)", path.read_text(encoding="utf-8")))
        assert named <= targets, f"{path.name} names {named - targets}"


def test_links_between_documents_lead_somewhere() -> None:
    for path in DOCUMENTS:
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", path.read_text(encoding="utf-8")):
            assert (path.parent / target).exists(), f"{path.name} links to {target}"


def test_every_document_that_code_and_data_name_exists() -> None:
    named = re.compile(r"docs/[\w-]+\.md")
    for path in _tracked():
        if path.suffix in {".py", ".yaml", ".html", ".toml"} and path.is_file():
            for document in named.findall(path.read_text(encoding="utf-8")):
                assert (REPOSITORY / document).is_file(), f"{path.name} names {document}"


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_every_command_has_help_in_chinese(command: str) -> None:
    shown = subprocess.run(
        [sys.executable, "-m", "hub.cli", command, "--help"],
        capture_output=True,
        text=True,
        cwd=REPOSITORY,
        check=False,
    )
    assert shown.returncode == 0, shown.stderr
    assert re.search(r"[\u4e00-\u9fff]", shown.stdout)


def test_help_needs_no_heavy_import() -> None:
    code = "import sys, hub.cli, click; hub.cli.cli.main(['--help'], standalone_mode=False); print(sorted({'dagster','pandas','duckdb','great_expectations','splink'} & set(sys.modules)))"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=REPOSITORY, check=True)
    assert shown.stdout.strip().endswith("[]")


def test_nothing_in_the_repository_names_a_host_of_packages_or_a_path_of_a_machine() -> None:
    forbidden = re.compile(
        r"(pypi\.org|pythonhosted|files\.python|registry\.npm|deb\.debian|mirrors?\.[a-z]+\.|/opt/(wheels|pypi)|"
        + "/"
        + r"work/|/root/)",
        re.IGNORECASE,
    )
    for path in _tracked():
        if path.is_file() and path.suffix not in {".png", ".xls", ".xlsx", ".parquet", ".ico", ".woff2"}:
            found = forbidden.search(path.read_text(encoding="utf-8", errors="replace"))
            assert not found or path == Path(__file__), f"{path.relative_to(REPOSITORY)}: {found.group()}"


def test_the_lock_file_serves_other_machines_than_the_one_it_was_made_on() -> None:
    """A lock with the hash of one built file a package once installed on one Python and one kind of machine only."""
    text = (REPOSITORY / "requirements.lock").read_text(encoding="utf-8")
    packages = re.findall(r"^(\S+)==\S+((?:[^\n]*\\\n)+[^\n]*)", text, re.MULTILINE)
    assert len(packages) > 100
    assert [name for name, hashes in packages if hashes.count("--hash=") < 2] == []


def test_the_lock_file_has_names_versions_and_hashes_only() -> None:
    text = (REPOSITORY / "requirements.lock").read_text(encoding="utf-8")
    assert "://" not in text
    assert "--hash=sha256:" in text
    assert not re.search(r"^(-i|--index|--extra-index|--find-links|-f )", text, re.MULTILINE)


def test_the_catalogue_has_every_feed_of_the_contract() -> None:
    assert set(feed_catalogue()) == {
        "market_abnormal", "market_inspection", "tax_registration", "traceability_subjects", "traceability_batches",
        "demonstration", "standardisation", "complaints", "township_cleanup", "supply_marketing", "forestry", "water",
        "fiscal_support", "development_reform", "finance", "support_measures", "registry",
        "union_members",  # ours: memberships in unions have no other source
    }  # fmt: skip


def test_a_folder_that_is_no_county_is_refused_with_the_next_step(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="county.yaml") as refused:
        load_deployment(tmp_path)
    assert "--deployment" in refused.value.next_step


def test_all_faults_of_a_deployment_are_told_at_once_with_file_and_line(tmp_path: Path) -> None:
    (tmp_path / "county.yaml").write_text("name: 某县\ncode: '12'\ntowns:\n  - {nam: 甲镇}\n", encoding="utf-8")
    (tmp_path / "feeds.yaml").write_text(
        "- {feed: nonsense}\n- {feed: registry, department: nobody}\n", encoding="utf-8"
    )
    with pytest.raises(ConfigurationError) as refused:
        load_deployment(tmp_path)
    told = "\n".join(refused.value.problems)
    for fault in ("county.yaml:2", "county.yaml:4", "nonsense", "nobody"):
        assert fault in told


def test_a_county_needs_only_its_name_and_code(tmp_path: Path) -> None:
    (tmp_path / "county.yaml").write_text("name: 某县\ncode: '331098'\n", encoding="utf-8")
    deployment = load_deployment(tmp_path)
    assert set(deployment.feed_by_name) == set(feed_catalogue())
    assert deployment.office.id == "agriculture"


def test_the_demo_county_loads() -> None:
    deployment = load_deployment(REPOSITORY / "deployments" / "demo")
    assert set(deployment.feed_by_name) == set(feed_catalogue())
    assert len(deployment.county.towns) >= 10


def test_wrong_settings_are_named_all_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COOP_HUB_PORTAL_PORT", "70000")
    monkeypatch.setenv("COOP_HUB_LANGUAGE", "fr")
    with pytest.raises(ConfigurationError) as refused:
        load_settings()
    assert "COOP_HUB_PORTAL_PORT" in str(refused.value)
    assert "COOP_HUB_LANGUAGE" in str(refused.value)


def test_a_secret_others_can_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text("s3cret\n", encoding="utf-8")
    path.chmod(0o644)
    with pytest.raises(ConfigurationError, match="chmod 600"):
        read_secret(path)
    path.chmod(0o600)
    assert read_secret(path) == "s3cret"


def test_every_yaml_file_of_the_project_parses() -> None:
    for path in _tracked():
        if path.suffix in {".yaml", ".yml"} and path.is_file():
            list(yaml.safe_load_all(path.read_text(encoding="utf-8")))
