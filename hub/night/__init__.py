"""One night: the order of the steps, and what each leaves behind. No Dagster here: `assets` calls these functions, one a step.

Every step is safe to run again: it looks in the database for what still waits, and moves state only in the transaction
that makes the work durable.
"""

from hub.night.context import Night, open_night
from hub.night.fetching import fetch_deliveries
from hub.night.steps import (
    accept_deliveries,
    check_the_house,
    close_night,
    fail_night,
    link_profiles,
    project_master,
    publish_extracts,
    stage_deliveries,
)

__all__ = [
    "Night",
    "accept_deliveries",
    "check_the_house",
    "close_night",
    "fail_night",
    "fetch_deliveries",
    "link_profiles",
    "open_night",
    "project_master",
    "publish_extracts",
    "stage_deliveries",
]
