"""Sharing: agreements as data, the extracts they allow, the ledger of what left, corrections that flow back.

`publish` makes the night's extracts, `publish_past` one for another day, `verify_extracts` proves them; everything else is asked for by module (`copies`, `ledger`,
`corrections`, `security`, …).
"""

from hub.sharing.publisher import ExtractSummary
from hub.sharing.publishing import publish, publish_past
from hub.sharing.verification import verify_extracts

__all__ = ["ExtractSummary", "publish", "publish_past", "verify_extracts"]
