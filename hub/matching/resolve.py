"""The night's matching: reads what changed, matches what that touches, and writes links, ids, their events and the questions left
for people, all in one transaction. An unchanged night is told by a digest and does nothing.

A night is *full* (all profiles from nothing) or *partial* (the chains its changes touch). Both give the same links; a full one
runs when the matcher's own tables are missing or old, the county or the model changed, or the profiles have changed so
much since that the reference (gazetteer, number of cooperatives) is learned anew and differs.
"""

from __future__ import annotations

import gc
import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, text

from hub.deployment import Deployment
from hub.matching import changes, matcher, results, writing
from hub.matching.adoption import model_of
from hub.matching.bonds import Tie, tie_all_bonds
from hub.matching.chains import Question
from hub.matching.gazetteers import SAMPLE, learn_places
from hub.matching.labour import labour_for
from hub.matching.model import Model
from hub.matching.parsing import features_in_chunks
from hub.matching.reading import Inputs, read_changes, read_inputs, read_profiles, read_sample, read_some_profiles
from hub.matching.reference import Reference, count_cooperatives, drifted, reference_from_json
from hub.matching.workspace import Workspace
from hub.store.large_loads import checked_at_the_end

LOCK = 0x_C00B_0004  # one matching at a time, and none while the master is projected
_LARGE = 50_000  # profiles, from which on foreign keys are checked, and first links indexed, at the end
# counting distinct ids outright would sort them
_COOPERATIVES = text("select count(*) from (select distinct coop_id from link where coop_id is not null) borne")
_WRITTEN = ("cooperative_id", "id_event", "link")


@dataclass(frozen=True)
class MatchSummary:
    """What a matching did. Counts by kind of link are given for profiles and for the rows they stand for. `full`: all
    profiles were matched, not only what changes touched; `looked_at`: how many were; `model`: the version of the model
    the links were made with."""

    changed: bool
    profiles: int = 0
    cooperatives: int = 0
    links: dict[str, int] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)
    events: dict[str, int] = field(default_factory=dict)  # new, merged, split, restored
    questions: int = 0
    full: bool = False
    looked_at: int = 0
    model: str = ""


class _ReferenceDiffersError(Exception):
    """A partial matching found that the reference is another by now."""


def resolve(
    engine: Engine,
    deployment: Deployment,
    run_id: int | None,
    *,
    model: Model | None = None,
    workspace: Path | None = None,
    tie: Tie = tie_all_bonds,
) -> MatchSummary:
    """Matches what changed and writes it, in one transaction.

    Returns at once, with `changed` false, when neither rows nor decisions, county or model changed since the last time.

    Args:
        workspace: file the matcher keeps its own tables in (made if missing); without one every matching is full.
        tie: how a full matching compares; on Spark with `hub.matching.spark.bonds_on_spark`.
    """
    model = model or model_of(deployment)
    with engine.begin() as connection:
        connection.execute(text("select pg_advisory_xact_lock(:key)"), {"key": LOCK})
        return resolve_within(connection, deployment, run_id, model, workspace=workspace, tie=tie)


def resolve_within(
    connection: Connection,
    deployment: Deployment,
    run_id: int | None,
    model: Model,
    *,
    workspace: Path | None = None,
    tie: Tie = tie_all_bonds,
) -> MatchSummary:
    """The same inside the caller's transaction; the caller holds the lock."""
    state: dict[str, str] = {r[0]: r[1] for r in connection.execute(text("select name, value from match_state"))}
    inputs = read_inputs(connection, deployment, model)
    if state.get("input") == inputs.digest and "summary" in state:
        return MatchSummary(
            **{**json.loads(state["summary"]), "changed": False, "events": {}, "full": False, "looked_at": 0}
        )
    tables = Workspace(workspace, state.get("workspace"))
    collecting = gc.isenabled()
    gc.disable()  # millions of small lists and no cycles: looking through them again and again finds nothing
    try:
        night = _Night(connection, deployment, model, inputs=inputs, tables=tables, state=state, run_id=run_id)
        summary = night.partial() if night.may_be_partial() else None
        if summary is None:
            summary = night.full(tie)
        night.remember(summary)
        return summary
    finally:
        if collecting:
            gc.enable()
        tables.close()


class _Night:
    """One matching: what it reads, and what it has come to."""

    def __init__(
        self,
        connection: Connection,
        deployment: Deployment,
        model: Model,
        *,
        inputs: Inputs,
        tables: Workspace,
        state: dict[str, str],
        run_id: int | None,
    ) -> None:
        self.connection, self.deployment, self.model, self.run_id = connection, deployment, model, run_id
        self.inputs, self.tables = inputs, tables
        kept: dict[str, Any] = json.loads(state["reference"]) if "reference" in state else {}
        if kept.get("ground") != inputs.ground:
            kept = {}
        self.reference: Reference | None = reference_from_json(kept["reference"]) if kept else None
        self.learned_from: int = kept["profiles"] if kept else 0

    def may_be_partial(self) -> bool:
        """Whether the tables of the last matching can be carried on."""
        known = self.tables.state
        if not self.tables.known or self.reference is None or known["ground"] != self.inputs.ground:
            return False
        new = set(self.inputs.deliveries) - set(known["deliveries"])
        return bool(new) or known["superseded"] == self.inputs.superseded

    def partial(self) -> MatchSummary | None:
        """Matches what changed; None when the reference has become another and all must be matched."""
        assert self.reference is not None  # noqa: S101 -- see may_be_partial
        known, duck = self.tables.state, self.tables.duck
        deliveries = set(self.inputs.deliveries) ^ set(known["deliveries"])
        counts = read_changes(self.connection, sorted(deliveries))
        before = {tuple(d) for d in known["decisions"]}
        now = set(self.inputs.decided.standing)
        news = sorted({key for a, b, *_ in before ^ now for key in (a, b)})
        came = changes.note_changes(duck, counts, matcher.profile_numbers(news))
        places = self.reference.gazetteer
        with labour_for(came.num_rows) as labour:
            for profiles, features in features_in_chunks(read_some_profiles(self.connection, came), places, labour):
                matcher.add_profiles(duck, profiles, features)
        gone = [r[0] for r in duck.execute("select profile_key from profile semi join gone using (profile)").fetchall()]
        undone = matcher.profile_numbers([k for a, b, *_ in sorted(before - now) for k in (a, b)])
        same, different = self._decided()
        changes.follow_codes(duck, same, different, list(zip(undone[::2], undone[1::2], strict=True)))
        try:
            self._check_reference()
        except _ReferenceDiffersError:
            return None
        changes.follow_bonds(duck, self.model, self.reference.cooperatives)
        prior = matcher.prior_of(self.model, self.reference.cooperatives)
        chains = matcher.matched_chains(duck, self.model, prior, different, touched="touched", features="near_feature")
        questions = results.collect(duck, chains, "touched")
        return self._write(questions, gone, full=False)

    def _check_reference(self) -> None:
        """Learns the reference anew when profiles have become many more or fewer.

        Raises:
            _ReferenceDiffersError: it is another by now.
        """
        assert self.reference is not None  # noqa: S101 -- see may_be_partial
        duck = self.tables.duck
        size = self._size()
        if not drifted(size, self.learned_from):
            return
        columns = "name, town, address"
        profiles = duck.sql(f"select {columns} from profile order by profile_key limit {SAMPLE}")
        learned = Reference(learn_places(profiles.to_arrow_table(), self.deployment.county), count_cooperatives(duck))
        if learned.digest != self.reference.digest:
            raise _ReferenceDiffersError
        self.learned_from = size

    def full(self, tie: Tie) -> MatchSummary:
        """Matches all profiles from nothing."""
        self.tables.start_anew()
        duck = self.tables.duck
        county = self.deployment.county
        with labour_for(self.connection.execute(text("select count(*) from profile")).scalar_one()) as labour:
            learned = None
            if self.reference is None:
                learned = labour.start(learn_places, read_sample(self.connection, SAMPLE), county)
            profiles = read_profiles(self.connection)
            size = profiles.num_rows
            keep = self.reference if self.reference and not drifted(size, self.learned_from) else None
            places = keep.gazetteer if keep else learned() if learned else learn_places(profiles, county)
            # a chunk by itself would be written twice: into the log, and from there into the tables
            duck.execute("begin")
            for chunk, features in features_in_chunks(profiles, places, labour):
                matcher.add_profiles(duck, chunk, features)
            duck.execute("commit")
            del profiles
            same, different = self._decided()
            count = matcher.match_all(
                duck,
                self.model,
                same,
                different,
                cooperatives=keep.cooperatives if keep else None,
                tie=tie,
                labour=labour,
            )
        self.reference = Reference(places, count)
        self.learned_from = self.learned_from if keep else size
        chains = matcher.matched_chains(duck, self.model, matcher.prior_of(self.model, count), different)
        return self._write(results.collect(duck, chains), [], full=True)

    def _decided(self) -> tuple[matcher.Pairs, matcher.Pairs]:
        """Decisions in force about live profiles, or profiles that were so."""
        keys = {k for a, b, *_ in self.inputs.decided.standing for k in (a, b)}
        live = writing.live_keys(self.tables.duck, sorted(keys))
        return self.inputs.decided.binding("same", live), self.inputs.decided.binding("different", live)

    def _size(self) -> int:
        return int(self.tables.duck.execute("select count(*) from profile").fetchall()[0][0])

    def _write(self, questions: list[Question], gone: list[str], *, full: bool) -> MatchSummary:
        connection, duck = self.connection, self.tables.duck
        if not full:
            writing.note_profiles(connection, duck, gone)
        assignment = writing.give_ids(connection, duck, everything=full)
        model, run_id = self.model, self.run_id
        large = full and self._size() > _LARGE
        with checked_at_the_end(connection, *(_WRITTEN if large else ())), ThreadPoolExecutor(1) as beside:
            ids = beside.submit(writing.write_ids, connection, assignment, run_id)
            rows = results.link_rows(duck, questions, model)
            ids.result()
            writing.write_links(connection, rows, assignment=assignment, run_id=run_id, large=large)
        writing.write_questions(connection, duck, questions, model=model, run_id=run_id, everything=full)
        writing.forget_profiles(connection)
        counts = duck.execute(
            """select case when link = 'nothing' then 'review' else link end, count(*), sum("rows")::bigint
               from settled join profile using (profile) group by 1 order by 1"""
        ).fetchall()
        looked_at = int(duck.execute("select count(*) from result").fetchall()[0][0])
        return MatchSummary(
            True,
            sum(int(c[1]) for c in counts),
            int(connection.execute(_COOPERATIVES).scalar_one()),
            {c[0]: int(c[1]) for c in counts},
            {c[0]: int(c[2]) for c in counts},
            dict(Counter(e.kind for e in assignment.events)),
            int(connection.execute(text("select count(*) from candidate")).scalar_one()),
            full,
            looked_at,
            model.version,
        )

    def remember(self, summary: MatchSummary) -> None:
        """Keeps the tables and says in the database what they are of."""
        assert self.reference is not None  # noqa: S101 -- every matching ends with one
        state = {
            "ground": self.inputs.ground,
            "deliveries": self.inputs.deliveries,
            "superseded": self.inputs.superseded,
            "decisions": self.inputs.decided.standing,
        }
        reference = {
            "ground": self.inputs.ground,
            "profiles": self.learned_from,
            "reference": self.reference.to_json(),
        }
        values = {
            "input": self.inputs.digest,
            "summary": json.dumps(asdict(replace(summary, events={}))),
            "reference": json.dumps(reference, ensure_ascii=False),
            "workspace": self.tables.keep(state),
        }
        connection = self.connection
        for name, value in values.items():
            connection.execute(
                text(
                    "insert into match_state values (:name, :value) on conflict (name) do update set value = excluded.value"
                ),
                {"name": name, "value": value},
            )


__all__ = ["MatchSummary", "read_profiles", "resolve", "resolve_within"]
