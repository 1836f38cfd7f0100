"""Sharing: agreements as data, the extracts they allow, the ledger of what left, corrections that flow back.

`publish` makes the extracts, `verify_extracts` proves them; everything else is asked for by module (`copies`, `ledger`,
`corrections`, `security`, …).
"""

from hub.sharing.publishing import ExtractSummary, publish
from hub.sharing.verification import verify_extracts

__all__ = ["ExtractSummary", "publish", "verify_extracts"]
