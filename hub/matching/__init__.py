"""Who is who: profiles to links, ids, decisions and questions. `resolve` is the night's step; see `docs/reconciliation.md`."""

from hub.matching.resolve import MatchSummary, resolve
from hub.matching.workspace import workspace_of

__all__ = ["MatchSummary", "resolve", "workspace_of"]
