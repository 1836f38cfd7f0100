"""Who is who: profiles to links, ids, decisions and questions. `hub.matching.resolve` is the night's step; see
`docs/reconciliation.md`. Nothing is imported here: the processes that only read names apart start in a third of the time."""
