"""Dagster's home: its storage lies in the same PostgreSQL server as the hub's own tables (SQLite locks under a nightly load)."""

from __future__ import annotations

import os
from pathlib import Path

from hub.settings import Settings

_DAGSTER_YAML = """\
# Written by Coop Hub; edits are overwritten. The address of the storage comes from the environment, not from here.
storage:
  postgres:
    postgres_url:
      env: COOP_HUB_DAGSTER_URL
local_artifact_storage:
  module: dagster._core.storage.root
  class: LocalArtifactStorage
  config:
    base_dir: {home}
telemetry:
  enabled: false
nux:
  enabled: false
run_monitoring:
  enabled: true
  start_timeout_seconds: 300
retention:
  schedule:
    purge_after_days: {{failure: -1, skipped: 31, started: 400, success: 400}}
run_retries:
  enabled: true
  max_retries: 0
"""


def prepare_dagster_home(settings: Settings) -> Path:
    """Writes Dagster's home below the data folder, makes its database, and sets DAGSTER_HOME and the storage's address
    for this process and its children. Returns the home."""
    from hub.store.database import dagster_storage_url

    home = settings.data / "dagster"
    home.mkdir(parents=True, exist_ok=True)
    text = _DAGSTER_YAML.format(home=home)
    path = home / "dagster.yaml"
    if not path.is_file() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")
    os.environ["COOP_HUB_DAGSTER_URL"] = dagster_storage_url(settings).render_as_string(hide_password=False)
    os.environ["DAGSTER_HOME"] = str(home)
    os.environ["COOP_HUB_DATA"] = str(settings.data)
    os.environ["COOP_HUB_DEPLOYMENT"] = str(settings.deployment)
    return home
