"""What the assets share: one engine and one night for each run."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import dagster as dg
from sqlalchemy import Engine

from hub.deployment import load_deployment
from hub.night import Night, open_night
from hub.settings import Settings, load_settings
from hub.store.database import open_engine


@cache
def _engine(settings: Settings) -> Engine:
    return open_engine(settings)


class HubResource(dg.ConfigurableResource[None]):
    """Where data and county are, and optionally a folder that stands in for every connector. Unset: the environment."""

    data: str | None = None
    deployment: str | None = None
    inbox: str | None = None
    kind: str = "nightly"
    today: str | None = None

    def settings(self) -> Settings:
        return load_settings(
            data=Path(self.data) if self.data else None,
            deployment=Path(self.deployment) if self.deployment else None,
            today=self.today,
        )

    def night(self, dagster_run_id: str) -> Night:
        """The night that belongs to a Dagster run."""
        settings = self.settings()
        return open_night(
            _engine(settings),
            settings,
            load_deployment(settings.deployment),
            dagster_run_id=dagster_run_id,
            kind=self.kind,
            inbox=Path(self.inbox) if self.inbox else None,
        )
