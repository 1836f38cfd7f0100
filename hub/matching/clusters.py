"""Sets of profiles joined one pair at a time, never against a decision or a second credit code. The smallest member
names its set, so the order of joins does not show in the names."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence


class Clusters:
    """Disjoint sets over 0 … n-1. `different` pairs are never in one set; a set bears at most one organisation code."""

    def __init__(self, size: int, different: Iterable[tuple[int, int]] = ()) -> None:
        self._parent = list(range(size))
        self._members: dict[int, list[int]] = {}
        self._foes: dict[int, set[int]] = defaultdict(set)
        for a, b in different:
            self._foes[a].add(b)
            self._foes[b].add(a)
        self.organisation: dict[int, str] = {}

    def find(self, item: int) -> int:
        """The set's name: its smallest member."""
        parent = self._parent
        root = item
        while parent[root] != root:
            root = parent[root]
        while parent[item] != root:
            parent[item], item = root, parent[item]
        return root

    def members(self, item: int) -> Sequence[int]:
        """All members of the set an item is in."""
        root = self.find(item)
        return self._members.get(root, [root])

    def may_join(self, a: int, b: int) -> bool:
        """Whether neither a decision nor two different codes forbid one set."""
        if self.find(a) == self.find(b):
            return True
        return not self.codes_differ(a, b) and not self.decided_different(a, b)

    def codes_differ(self, a: int, b: int) -> bool:
        """Whether two sets bear two different organisation codes."""
        x, y = self.organisation.get(self.find(a)), self.organisation.get(self.find(b))
        return x is not None and y is not None and x != y

    def decided_different(self, a: int, b: int) -> bool:
        """Whether a decision keeps two sets apart."""
        a, b = self.find(a), self.find(b)
        few, many = (a, b) if len(self._foes.get(a, ())) <= len(self._foes.get(b, ())) else (b, a)
        return any(self.find(foe) == many for foe in self._foes.get(few, ()))

    def join(self, a: int, b: int) -> bool:
        """Makes one set of two if nothing forbids it; returns whether they are one now."""
        if not self.may_join(a, b):
            return False
        a, b = self.find(a), self.find(b)
        if a == b:
            return True
        if a > b:
            a, b = b, a
        mine, theirs = self._members.pop(a, [a]), self._members.pop(b, [b])
        if len(mine) < len(theirs):
            mine, theirs = theirs, mine
        mine.extend(theirs)
        self._members[a] = mine
        self._parent[b] = a
        if b in self._foes:
            self._foes[a] |= self._foes.pop(b)
        if b in self.organisation:
            self.organisation[a] = self.organisation.pop(b)
        return True

    def name(self, item: int, organisation: str) -> None:
        """Says which organisation code a set bears."""
        self.organisation[self.find(item)] = organisation
