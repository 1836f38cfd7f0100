"""How bytes get here and go out: one small contract (`contract`), one module a way, one test suite all must pass.

Only transport. What a file says is read in `hub.intake`.
"""

from connectors.contract import (
    CheckOutcome,
    Clock,
    Connector,
    Discovered,
    Fetched,
    Item,
    Listing,
    Options,
    PassedOver,
    State,
    Waiting,
)
from connectors.registry import KINDS, open_connector

__all__ = [
    "KINDS",
    "CheckOutcome",
    "Clock",
    "Connector",
    "Discovered",
    "Fetched",
    "Item",
    "Listing",
    "Options",
    "PassedOver",
    "State",
    "Waiting",
    "open_connector",
]
