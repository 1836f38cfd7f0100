"""What was weighed, drawn: the evidence of a question or of a standing link as a waterfall, in the visitor's language."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import log2
from typing import TYPE_CHECKING, Any

from hub.matching.reasons import percent
from hub.portal import charts
from hub.portal.vocabulary import in_english

if TYPE_CHECKING:
    from markupsafe import Markup

    from hub.portal.visit import Visit


def weighed(visit: Visit, items: Sequence[Mapping[str, Any]], probability: float | None) -> Markup | None:
    """Evidence (`hub.matching.reasons.evidence_items`) as a waterfall that ends at a probability; None where nothing was
    weighed: a code speaks for itself, and one code under two names is no matter of weights.

    It starts where the weights must have started to end there: the chance of any two, less what other candidates took."""
    if not items or probability is None:
        return None
    certain = min(max(probability, 1e-12), 1 - 1e-12)
    end = log2(certain / (1 - certain))
    steps = [(visit.t(i["title"], in_english(i["title"])), float(i["weight"])) for i in items]
    return charts.waterfall(
        steps,
        start=end - sum(weight for _, weight in steps),
        start_words=visit.t("起点：任意两家", "start: any two"),
        end_words=visit.t(f"合计：把握 {percent(probability)}", f"sum: {probability:.1%}"),
    )
