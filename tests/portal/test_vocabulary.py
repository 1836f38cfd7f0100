"""Fixed words of other rooms have English for the pages in English; data stays as it is."""

from __future__ import annotations

from hub.alerts import KINDS
from hub.feeds import feed_catalogue
from hub.master.cleanup import STAGE_TITLES
from hub.master.dossier import GROUPS
from hub.master.dossier_timeline import HAPPENINGS
from hub.master.facts import PHONE_FLAGS
from hub.master.rules import rules
from hub.matching.comparison import COMPARISONS, level_title
from hub.matching.decisions import VERDICT_WORDS
from hub.matching.reasons import EMPTY_REASON, NEW_REASON
from hub.portal.vocabulary import in_english, told_in_english
from hub.sharing.agreements import MASK_TITLES, SHARE_TITLES
from hub.sharing.approvals import STANDING_TITLES
from hub.sharing.catalogue import KIND_TITLES
from hub.sharing.corrections import OUTCOME_TITLES, STATE_TITLES


def test_every_fixed_word_a_page_shows_has_english() -> None:
    cycles = {f.update for f in feed_catalogue().values()}
    fixed = (MASK_TITLES, SHARE_TITLES, STANDING_TITLES, KIND_TITLES, GROUPS)
    for word in [*cycles, *(w for titles in fixed for w in titles.values())]:
        assert in_english(word).isascii(), word


def test_several_words_are_said_one_by_one_and_data_stays() -> None:
    assert in_english("每日、每月") == "daily, monthly"
    assert in_english("云岫县税务局") == "云岫县税务局"


def test_a_sentence_of_the_hub_is_said_in_english_and_what_stands_in_it_is_marked_as_chinese() -> None:
    told = told_in_english("与“云岫甲合作社”名称完全相同、电话相同，但负责人不同，判断为同一家（把握 99.9% 以上）。")
    assert told == (
        'With <span lang="zh">云岫甲合作社</span>: name the same, phone the same; but representative differs. '
        "Taken for the same (certainty over 99.9%)."
    )
    assert told_in_english("税务登记[3]“名录”第 12 行") == 'Tax registration [3] “<span lang="zh">名录</span>” row 12'
    assert told_in_english("获评县级示范社（农业农村）") == "Named a county demonstration cooperative (agriculture)"


def test_words_in_data_are_not_translated_one_by_one_and_markup_in_data_is_escaped() -> None:
    assert told_in_english("玉米、每日") == '<span lang="zh">玉米、每日</span>'
    assert told_in_english("甲的“每日”为 乙") == '<span lang="zh">甲的“每日”为 乙</span>'
    assert told_in_english("举报<b>") == '<span lang="zh">举报&lt;b&gt;</span>'
    assert told_in_english("plain & simple") == "plain & simple"


def test_evidence_timeline_rows_and_changes_of_agreements_are_said_in_english() -> None:
    levels = [(c, v) for c in COMPARISONS for v in range(len(c.levels) + 1)]
    said = [level_title(c, v) for c, v in levels]
    said += [p.zh for r in rules() for p in r.parts.values()]
    said += [*STATE_TITLES.values(), *OUTCOME_TITLES.values(), *STAGE_TITLES.values(), *VERDICT_WORDS.values()]
    wider = "【扩大】行范围不再要求：只限出现在 abnormal_decisions（未终止、level 为 a） 的合作社"
    said += [*PHONE_FLAGS.values(), "、".join(PHONE_FLAGS.values()), "后来改归别处，当时归入本社的理由没有留存。"]
    said += [
        sentence.partition("'")[2].partition("'")[0].rstrip("：")
        for _, _, sentence in HAPPENINGS
        if sentence.startswith("'")
    ]
    said += [NEW_REASON, EMPTY_REASON, wider, "【扩大】新增字段 phone（原样）", "用途由“x”改为“y”"]
    for word in said:
        assert "lang=" not in told_in_english(word), word


def test_every_kind_of_alert_says_in_english_what_to_do() -> None:
    for kind in KINDS.values():
        assert kind.next_step_en.isascii() and kind.title_en.isascii()
