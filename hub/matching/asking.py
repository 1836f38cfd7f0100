"""What the rounds of a chain leave in doubt, put to a person: about which pair, and whose rows wait for the answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from hub.matching.chains import Chain, Question
from hub.matching.comparison import COMPARISONS
from hub.matching.model import Model
from hub.matching.rules import may_ask, may_be_renamed


class Asking:
    """Asks about a matched chain; its `questions` and `link` hold the outcome.

    Args:
        rows_of: by party without a code, the scored pairs that may be it, the likeliest first.
        doubtful: questions about what was linked all the same, by the first profile of what was linked.
        chances: how likely each of some scored pairs is.
    """

    def __init__(
        self,
        chain: Chain,
        rows_of: Mapping[int, list[dict[str, Any]]],
        doubtful: Mapping[int, Question],
        chances: Callable[[Sequence[dict[str, Any]]], list[float]],
        model: Model,
    ) -> None:
        self.chain, self.rows_of, self.doubtful, self.chances, self.model = chain, rows_of, doubtful, chances, model

    def ask(self) -> None:
        """What is left in doubt becomes questions, one a party; its profiles wait under `review`."""
        find, organisation = self.chain.clusters.find, self.chain.clusters.organisation
        held_parties = self.chain.held()
        for a, rows in sorted(self.rows_of.items()):
            if find(a) != a or a in organisation:
                continue
            held = a in held_parties
            open_rows = [r for r in rows if may_ask(r) and find(r["b"]) != a]
            chances = self.chances(open_rows)
            order = sorted(range(len(open_rows)), key=lambda i: (-chances[i], open_rows[i]["b"]))
            if not order or chances[order[0]] < (0.5 if held else self.model.review):
                if not held:
                    self._ask_whether_renamed(a, rows)
                continue
            best = open_rows[order[0]]
            asked, other = a, best["b"]
            if not best["b_coded"] and not held and self.chain.rows(other) < self.chain.rows(a):
                asked, other = other, asked  # let the side with fewer rows wait
            if self.chain.link[asked] == "review":
                continue
            keys = self.chain.profiles
            self._question(
                asked,
                Question(
                    keys[asked],
                    keys[self.chain.spokesman(other)],
                    chances[order[0]],
                    {c.name: best[f"g_{c.name}"] for c in COMPARISONS},
                    "conflict" if held else "model",
                    tuple((keys[self.chain.spokesman(open_rows[i]["b"])], chances[i]) for i in order[1:3]),
                    waits=held or best["g_name"] > 0,
                ),
            )
        done = {find(self.chain.place[q.a]) for q in self.chain.questions}
        self._ask_to_confirm()
        for i, owner in sorted(self.chain.conflicts.items()):
            if find(i) not in done and find(i) not in organisation:
                done.add(find(i))
                self._question(i, Question(self.chain.profiles[i], owner, 0.5, {}, "conflict"))

    def _ask_whether_renamed(self, a: int, rows: list[dict[str, Any]]) -> None:
        chain = self.chain
        found = [r for r in rows if may_be_renamed(r) and self.chain.clusters.find(r["b"]) != a]
        if found:
            chance = self.chances(found)[0]
            levels = {c.name: found[0][f"g_{c.name}"] for c in COMPARISONS}
            of_both = chain.profiles[a], chain.profiles[self.chain.spokesman(found[0]["b"])]
            chain.questions.append(Question(*of_both, chance, levels, waits=False))

    def _ask_to_confirm(self) -> None:
        """A row that was linked although its code is another's, or on little: a person says whether that is right."""
        chain = self.chain
        chain.questions += [q for i, q in sorted(self.doubtful.items()) if self.chain.link[i] in {"name", "model"}]
        for i in sorted(chain.conflicts):
            if self.chain.link[i] in {"name", "model"} and i in chain.levels:
                chance = chain.score[i] or 0.0
                question = Question(
                    chain.profiles[i], chain.partner[i], chance, chain.levels[i], "conflict", waits=False
                )
                chain.questions.append(question)

    def _question(self, asked: int, question: Question) -> None:
        """Asks about a party. Its rows wait, unless a person said of some that they are one, and only the code is in doubt."""
        if question.kind == "conflict" and any(
            self.chain.link[i] == "decision" for i in self.chain.clusters.members(asked)
        ):
            question = replace(question, waits=False)
        self.chain.questions.append(question)
        if not question.waits:
            return
        for i in self.chain.clusters.members(asked):
            self.chain.link[i], self.chain.score[i] = "review", question.probability
