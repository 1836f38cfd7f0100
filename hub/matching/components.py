"""Connected components over numbered items, in columns: what hangs together and may be matched by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def component_labels(size: int, left: NDArray[np.int64], right: NDArray[np.int64]) -> NDArray[np.int64]:
    """Per item 0 … size-1 the smallest item it is connected with by pairs (left, right)."""
    label = np.arange(size, dtype=np.int64)
    while len(left):
        low = np.minimum(label[left], label[right])
        before = label.copy()
        np.minimum.at(label, label[left], low)
        np.minimum.at(label, label[right], low)
        while True:  # every item points at its root
            nearer = label[label]
            if np.array_equal(nearer, label):
                break
            label = nearer
        open_pairs = label[left] != label[right]
        left, right = left[open_pairs], right[open_pairs]
        if np.array_equal(before, label) and not len(left):
            break
    return label


def labels_by_shared(size: int, item: NDArray[np.int64], shared: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Component labels of items that share something: row k says that `item[k]` bears `shared[k]`."""
    if not len(item):
        return np.arange(size, dtype=np.int64)
    order = np.argsort(shared, kind="stable")
    item, shared = item[order], shared[order]
    same = shared[1:] == shared[:-1]
    return component_labels(size, item[1:][same], item[:-1][same])


def batches(label: NDArray[np.int64], most: int) -> list[NDArray[np.int64]]:
    """Items in batches of whole components, each of about `most` items (a component is never cut), items in order."""
    if not len(label):
        return []
    order = np.argsort(label, kind="stable")
    sorted_label = label[order]
    starts = np.flatnonzero(np.r_[True, sorted_label[1:] != sorted_label[:-1]])
    number = starts // most
    cuts = starts[np.flatnonzero(np.r_[True, number[1:] != number[:-1]])]
    return [np.sort(part) for part in np.split(order, cuts[1:])]
