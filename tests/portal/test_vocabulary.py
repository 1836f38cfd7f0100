"""Fixed words of other rooms have English for the pages in English; data stays as it is."""

from __future__ import annotations

from hub.feeds import feed_catalogue
from hub.master.dossier import GROUPS
from hub.portal.vocabulary import in_english
from hub.sharing.agreements import MASK_TITLES, SHARE_TITLES
from hub.sharing.approvals import STANDING_TITLES
from hub.sharing.catalogue import KIND_TITLES


def test_every_fixed_word_a_page_shows_has_english() -> None:
    cycles = {f.update for f in feed_catalogue().values()}
    fixed = (MASK_TITLES, SHARE_TITLES, STANDING_TITLES, KIND_TITLES, GROUPS)
    for word in [*cycles, *(w for titles in fixed for w in titles.values())]:
        assert in_english(word).isascii(), word


def test_several_words_are_said_one_by_one_and_data_stays() -> None:
    assert in_english("每日、每月") == "daily, monthly"
    assert in_english("云岫县税务局") == "云岫县税务局"
