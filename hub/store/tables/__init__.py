"""All tables, one module a room. Importing this package fills `metadata`."""

from hub.store.metadata import metadata
from hub.store.tables import alerts, intake, master, matching, portal, sharing

__all__ = ["alerts", "intake", "master", "matching", "metadata", "portal", "sharing"]
