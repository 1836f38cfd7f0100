"""Sharing: agreements as data, the extracts they allow, the ledger of what left, corrections that flow back.

`publish` makes the extracts; everything else is asked for by module (`agreements`, `ledger`, `corrections`, …).
"""

from hub.sharing.publishing import ExtractSummary, publish

__all__ = ["ExtractSummary", "publish"]
