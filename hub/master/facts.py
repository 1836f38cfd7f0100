"""Facts: what a cooperative's own records say, one row a cooperative, in SQL over the records of each feed.

A fact is a value or null; null means "not known", and rules (hub.master.rules) carry that through with three-valued logic.
Lists of row ids end in `_rows` and are null when empty. What follows from facts is the rules' business, not this module's.
"""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING

from hub.feeds import feed_catalogue
from hub.identifiers.phones import PHONE_SHAPE
from hub.master.basis import Basis

if TYPE_CHECKING:
    import duckdb

# feeds whose current lists a cooperative "stands in"
STANDING_FEEDS = ("demonstration", "standardisation", "supply_marketing", "forestry", "water", "traceability_subjects")

_MARKET = """
  with d as (select *, removed_on is null or removed_on > {day} as open,
                    year(listed_on) - case when month(listed_on) >= 7 then 1 else 2 end as report_year from now_market_abnormal)
  select coop_id,
    list(row_id order by listed_on desc, row_id) filter (where open) as abnormal_open_rows,
    min(listed_on) filter (where open) as abnormal_since,
    arg_max(reason, (listed_on, content_key)) filter (where open) as abnormal_reason,
    count(*) as abnormal_times,
    list_distinct(list(report_year) filter (where open and reason = 'no_report')) as no_report_years,
    list(row_id order by row_id) filter (where open and reason = 'no_report') as no_report_rows,
    min(listed_on) filter (where open and reason = 'unreachable') as unreachable_since,
    list(row_id order by row_id) filter (where open and reason = 'unreachable') as unreachable_rows,
    list(row_id order by row_id) filter (where removal_reason = 'deregistered') as abnormal_deregistered_rows,
    max(removed_on) filter (where removal_reason = 'deregistered') as abnormal_deregistered_on,
    min(listed_on) as first_listed_on, min(removed_on) filter (where removed_on > {day}) as removal_due_on
  from d group by coop_id"""

_INSPECTION = """
  with checks as (select * from now_market_inspection where verdict is null and product is null),
  newest as (select coop_id, max(checked_on) as checked_on from checks where checked_on <= {day} group by coop_id),
  last as (select c.* from checks c join newest using (coop_id, checked_on)),
  spot as (
    select coop_id, any_value(checked_on) as last_inspection_on,
      arg_min(result, list_position(['closed', 'no_activity', 'unreachable', 'false_information', 'illegal_act', 'refused',
              'not_disclosed', 'other_problem', 'no_problem'], result)) as last_inspection_result,
      list(row_id order by row_id) as inspection_rows,
      list(row_id order by row_id) filter (where result = 'no_activity') as no_activity_rows,
      list(row_id order by row_id) filter (where result = 'closed') as closed_rows
    from last group by coop_id),
  samples as (
    select coop_id, max(checked_on) as last_sampling_on, arg_max(verdict, (checked_on, content_key)) as last_sampling_verdict,
      list(row_id order by checked_on desc, row_id)[1:20] as sampling_rows
    from now_market_inspection where verdict is not null or product is not null group by coop_id),
  ahead as (select coop_id, min(checked_on) as inspection_due_on from checks where checked_on > {day} group by coop_id)
  select * from spot full join samples using (coop_id) full join ahead using (coop_id)"""

_TAX = """
  with d as (select *, coalesce(nullif(list_position(['03', '04', '06', '05', '08', '07', '13', '02', '01', '12', '11', '10', '09', '99'],
                                   status), 0), 99) as place,
                    coalesce(modified_on, deregistered_on, abnormal_on, registered_on) as newest from now_tax_registration),
  best as (select * from d qualify row_number() over (partition by coop_id order by place, newest desc nulls last, content_key) = 1)
  select b.coop_id, b.tax_number, case when regexp_matches(b.status, '^[0-9]{{2}}$') then b.status end as tax_status,
    b.tax_office, b.registered_on as tax_registered_on, b.abnormal_on as tax_abnormal_on,
    b.deregistered_on as tax_deregistered_on, n.tax_registrations, [b.row_id] as tax_rows, n.first_registered_on,
    case b.status when '05' then b.abnormal_on when '04' then b.modified_on end as tax_stopped_on
  from best b join (select coop_id, count(*) as tax_registrations, min(registered_on) as first_registered_on
                    from d group by coop_id) n using (coop_id)"""

_SUBJECTS = """
  select coop_id, list(row_id order by row_id) as subject_rows,
    list(row_id order by row_id) filter (where approval is null or approval = 'approved') as subject_approved_rows,
    min(registered_on) as traceability_registered_on,
    arg_min(approval, list_position(['approved', 'pending', 'refused'], approval)) as traceability_approval
  from now_traceability_subjects group by coop_id"""

_BATCHES = """
  select coop_id, max(batch_on) filter (where batch_on <= {day}) as last_batch_on, count(*) as batches,
    min(batch_on) filter (where batch_on > {day}) as batch_due_on, count(certificate) as certificates, count(*) filter (where batch_on is null) as undated_batches,
    list(row_id order by batch_on desc nulls last, row_id)[1:20] as batch_rows
  from now_traceability_batches group by coop_id"""

_TITLES = """
  with d as (select *, coalesce(list_position(['national', 'provincial', 'city', 'county'], level), 5) as place from now_demonstration),
  newest as (select * from d qualify row_number() over
               (partition by coop_id, level, system order by coalesce(monitored_in, awarded_in, 0) desc, awarded_in desc nulls last, content_key) = 1),
  judged as (select *, monitoring is not null and monitoring in ('cancelled', 'fail') as lost from newest)
  select coop_id,
    list(row_id order by place, row_id) filter (where not lost) as title_valid_rows,
    list(row_id order by place, row_id) filter (where lost) as title_lost_rows,
    arg_min(level, place) filter (where not lost) as demonstration_level,
    array_to_string(list_sort(list_distinct(list(place) filter (where not lost and place <= 5))), ',') as level_places,
    string_agg({level} || coalesce('（' || nullif(concat_ws('，', {system}, awarded_in || '年', document_number), '') || '）', ''),
               '；' order by place, awarded_in, content_key) filter (where not lost) as demonstration_titles,
    min(make_date(awarded_in, 12, 31)) filter (where awarded_in between 1990 and 2100) as first_awarded_on
  from judged group by coop_id"""

_STANDARDISATION = """
  select coop_id, [row_id] as standardisation_rows, checked_on as standardisation_checked_on,
    coalesce(governance, member_meeting and council and supervisors and articles) as checked_governance,
    member_accounts as checked_member_accounts, computerised_accounts as checked_computerised_accounts,
    annual_report as checked_annual_report, open_affairs as checked_open_affairs,
    surplus_distribution as checked_surplus_distribution
  from now_standardisation
  qualify row_number() over (partition by coop_id order by coalesce(checked_on, as_of) desc, order_no desc, content_key) = 1"""

_CLEANUP = """
  with d as (select *, progress is distinct from 'done' and (closed_on is null or closed_on > {day}) as open from now_township_cleanup),
  best as (select * from d qualify row_number() over (partition by coop_id order by open desc, order_no desc, content_key) = 1)
  select b.coop_id, b.problem as cleanup_problem, b.proposed as cleanup_proposed, b.progress as cleanup_progress,
    b.due_on as cleanup_due_on, b.closed_on as cleanup_closed_on, a.cleanup_rows, a.cleanup_open_rows, a.members_found_missing_rows,
    a.closing_due_on
  from best b join (
    select coop_id, list(row_id order by row_id) as cleanup_rows, list(row_id order by row_id) filter (where open) as cleanup_open_rows,
      list(row_id order by row_id) filter (where open and problem = 'no_members') as members_found_missing_rows,
      min(closed_on) filter (where closed_on > {day}) as closing_due_on
    from d group by coop_id) a using (coop_id)"""

_SUPPORT = """
  with d as (
    select coop_id, row_id, amount, year as in_year, true as public_money from now_fiscal_support
    union all select coop_id, row_id, amount, year, true from now_development_reform
    union all select coop_id, row_id, amount, year(supported_on), measure is not distinct from 'project' from now_support_measures),
  others as (
    select coop_id, row_id from now_forestry where support > 0 union all select coop_id, row_id from now_water where amount > 0),
  main as (
    select coop_id, count(*) as support_count, cast(sum(try_cast(amount as decimal(18, 2))) as double) as support_total, max(in_year) as support_last_year,
      list(row_id order by in_year desc nulls last, row_id)[1:50] as support_rows,
      list(row_id order by in_year desc nulls last, row_id) filter (where public_money)[1:50] as funded_rows
    from d group by coop_id),
  side as (select coop_id, list(row_id order by row_id) as other_rows from others group by coop_id)
  select coop_id, support_count, support_total, support_last_year, support_rows,
    nullif(list_concat(coalesce(funded_rows, []), coalesce(other_rows, [])), []) as subsidy_rows
  from main full join side using (coop_id)"""

_FINANCE = """
  select coop_id, arg_max(credit_grade, (graded_on, content_key)) filter (where credit_grade is not null) as credit_grade,
    max(graded_on) filter (where credit_grade is not null) as credit_graded_on,
    list(row_id order by row_id) filter (where credit_grade is not null) as credit_rows,
    list(row_id order by row_id) filter (where record_type = 'illegal_finance') as illegal_finance_rows
  from now_finance group by coop_id"""

_COMPLAINTS = """
  select coop_id, count(*) as complaints,
    count(*) filter (where closed_on is null and (outcome is null or outcome not in ('founded', 'unfounded'))) as complaints_open,
    max(registered_on) as last_complaint_on, list(row_id order by registered_on desc, row_id) as complaint_rows,
    list(row_id order by registered_on desc, row_id) filter (where outcome is distinct from 'unfounded') as complaint_standing_rows
  from now_complaints group by coop_id"""

_LED = " full join ".join(
    f"(select coop_id, list(row_id order by row_id) as {feed}_rows from now_{feed} group by coop_id) {feed} using (coop_id)"
    for feed in ("supply_marketing", "forestry", "water")
).replace(" using (coop_id)", "", 1)

_UNIONS = """
  with d as (select *, left_on is null or left_on > {day} as open from now_union_members where union_name is not null)
  select coop_id, string_agg(distinct union_name, '、' order by union_name) filter (where open) as unions,
    list(row_id order by row_id) filter (where open) as union_rows, min(left_on) filter (where left_on > {day}) as leaving_due_on
  from d group by coop_id"""

_GROUPS = {
    "market": _MARKET, "inspection": _INSPECTION, "tax": _TAX, "subjects": _SUBJECTS, "batch": _BATCHES, "titles": _TITLES,
    "standard": _STANDARDISATION, "cleanup": _CLEANUP, "support": _SUPPORT, "finance": _FINANCE, "complaint": _COMPLAINTS, "union": _UNIONS, "led": f"select * from {_LED}",
}  # fmt: skip

PHONE_FLAGS = {"shape": "不像电话号码", "shared": "多家共用"}
"""What a phone is flagged with: by its shape, and by how many cooperatives give it (threshold `several_phone`)."""

FACTS = (*_GROUPS, "standing", "appearances", "places")

# derived master field -> the fact that lists the rows behind it
DERIVED_ROWS: dict[str, str] = {
    "abnormal_since": "abnormal_open_rows", "abnormal_reason": "abnormal_open_rows", "last_inspection_on": "inspection_rows",
    "last_inspection_result": "inspection_rows", "last_sampling_on": "sampling_rows", "last_sampling_verdict": "sampling_rows",
    "tax_number": "tax_rows", "tax_status": "tax_rows", "tax_office": "tax_rows", "tax_registered_on": "tax_rows",
    "tax_abnormal_on": "tax_rows", "tax_deregistered_on": "tax_rows", "traceability_registered_on": "subject_rows",
    "traceability_approval": "subject_rows", "last_batch_on": "batch_rows[1:1]", "demonstration_level": "title_valid_rows",
    "demonstration_levels": "title_valid_rows", "demonstration_titles": "title_valid_rows",
    "standardisation_checked_on": "standardisation_rows", "cleanup_problem": "cleanup_rows", "cleanup_proposed": "cleanup_rows",
    "cleanup_progress": "cleanup_rows", "cleanup_due_on": "cleanup_rows", "cleanup_closed_on": "cleanup_rows",
    "support_total": "support_rows", "support_last_year": "support_rows[1:1]", "credit_grade": "credit_rows",
    "credit_graded_on": "credit_rows", "complaints": "complaint_rows", "complaints_open": "complaint_rows",
    "last_complaint_on": "complaint_rows[1:1]", "unions": "union_rows",
}  # fmt: skip


def _titles_of(feed: str, field: str) -> str:
    cases = " ".join(f"when '{c.value}' then '{c.title.zh}'" for c in feed_catalogue()[feed].by_name[field].choices)
    return f"(case {field} {cases} else {field} end)"


def _levels() -> str:
    """'1,3' -> '国家级、市级'."""
    text = "level_places"
    for place, choice in enumerate(feed_catalogue()["demonstration"].by_name["level"].choices, 1):
        text = f"replace({text}, '{place}', '{choice.title.zh}')"
    return f"nullif(replace(replace({text}, '5', '级别不详'), ',', '、'), '')"


def _standing() -> str:
    lists = " union all ".join(
        f"select coop_id, row_id from now_{feed}" if feed != "demonstration"
        else "select coop_id, unnest(title_valid_rows) as row_id from facts_titles"
        for feed in STANDING_FEEDS
    )  # fmt: skip
    return f"select coop_id, list(row_id order by row_id)[1:20] as standing_list_rows from ({lists}) group by coop_id"


def _appearances(complete: list[tuple[str, str | None]]) -> str:
    """Which feeds speak of it now, as one text in the catalogue's order; and whether any of them is a full list."""
    union = " union all ".join(
        f"select distinct coop_id, {i} as place, '{f.title.zh}' as title,"
        f" {str(any(feed == f.feed for feed, _ in complete)).lower()} as in_list from now_{f.feed}"
        for i, f in enumerate(feed_catalogue().values())
    )
    return f"select coop_id, string_agg(title, '、' order by place) as feeds, bool_or(in_list) as in_current_lists from ({union}) group by coop_id"


def _across(fact: str, shared: str, mine: str) -> str:
    """How many cooperatives share a value, and (at most 20 of) which; `mine` gives coop_id and value of those computed now."""
    return f"""select value, sum(n)::bigint as {fact}, (list(coop_id order by coop_id) filter (where coop_id is not null))[1:20] as {fact}_with
        from (select coop_id, value, 1 as n from ({mine}) where value is not null
              union all select null, value, n from neighbour where shared = '{shared}') group by 1 having sum(n) > 1"""


PLACE = "regexp_replace(coalesce(address, ''), '[\\s（）()，,、.]', '', 'g')"
SPECIFIC_PLACE = f"regexp_matches({PLACE}, '[0-9０-９一二三四五六七八九十]+(号|组|室|幢|栋|楼|层)')"


NEIGHBOUR = "create or replace table neighbour (shared varchar, value varchar, n bigint)"


def _unordered(sql: str) -> str:
    """The same facts where nobody asks which rows stand behind them: their order costs half the time."""
    return re.sub(r"list\(row_id order by [^)]*\)", "list(row_id)", sql)


def define_facts(duck: duckdb.DuckDBPyConnection, basis: Basis, day: date, *, with_rows: bool = False) -> None:
    """Makes `facts` from `identity` and the records `now_<feed>`: one row a cooperative. `day` is what months count back from.

    `neighbour` says how many cooperatives that are not computed now share a value with those that are; it is made empty if it is
    not there. with_rows: lists of rows are in order; otherwise they only say that there are some."""
    duck.execute(NEIGHBOUR.replace("create or replace table", "create table if not exists"))
    sql_day = f"date '{day.isoformat()}'"
    complete = duck.execute("select feed, town from complete").fetchall()
    complaints = bool(duck.execute("select count(*) from source where feed = 'complaints' and live").fetchall()[0][0])
    for name, query in _GROUPS.items():
        text = query.format(
            day=sql_day, level=_titles_of("demonstration", "level"), system=_titles_of("demonstration", "system")
        )
        duck.execute(f"create or replace table facts_{name} as {text if with_rows else _unordered(text)}")
    duck.execute(f"create or replace table facts_standing as {_standing() if with_rows else _unordered(_standing())}")
    duck.execute(f"create or replace table facts_appearances as {_appearances(complete)}")
    duck.execute(
        f"create or replace table facts_places as select coop_id, {PLACE} as place from identity where {SPECIFIC_PLACE}"
    )
    for fact, shared, mine in (
        ("same_representative", "representative", "select coop_id, representative as value from identity"),
        ("same_phone", "phone", "select coop_id, phone as value from identity"),
        ("same_address", "place", "select coop_id, place as value from facts_places"),
    ):
        duck.execute(f"create or replace table across_{fact} as {_across(fact, shared, mine)}")
    duck.execute(f"create or replace table facts as {_joined(basis, day, complete, complaints)}")


def _complete_columns(complete: list[tuple[str, str | None]], basis: Basis) -> str:
    """`full_<feed>`: whether "not in the list" means no, for the county or for a cooperative's town."""

    def full(feed: str, per_town: bool) -> str:
        towns = sorted({basis.towns.get(t, t) for f, t in complete if f == feed and t is not None})
        if (feed, None) in complete or not per_town or not towns:
            return "true" if (feed, None) in complete else "false"
        listed = ", ".join("'" + t.replace("'", "''") + "'" for t in towns)
        return f"coalesce(i.town in ({listed}), false)"

    return ", ".join(f"{full(f.feed, f.per_town)} as full_{f.feed}" for f in feed_catalogue().values())


def _joined(basis: Basis, day: date, complete: list[tuple[str, str | None]], complaints: bool) -> str:
    t = basis.thresholds
    sql_day = f"date '{day.isoformat()}'"
    due_year = day.year - 1 if day.month >= 7 else day.year - 2
    joins = " ".join(f"left join facts_{n} using (coop_id)" for n in (*_GROUPS, "standing", "appearances"))
    complete_since = f"date '{t.batches_complete_since.isoformat()}'" if t.batches_complete_since else "null::date"
    return f"""
    with base as (
      select i.*, {_complete_columns(complete, basis)}, f.* exclude (coop_id, level_places, complaints),
        coalesce(f.complaints, {0 if complaints else "null"}) as complaints,
        {_levels()} as demonstration_levels, coalesce(f.in_current_lists, false) as listed_now,
        case when i.representative is not null then coalesce(r.same_representative, 1) end as same_representative, r.same_representative_with,
        case when i.phone is not null then coalesce(p.same_phone, 1) end as same_phone, p.same_phone_with,
        case when k.place is not null then coalesce(a.same_address, 1) end as same_address, a.same_address_with, k.place
      from identity i
        left join (select * from (select coop_id from identity) {joins}) f using (coop_id)
        left join across_same_representative r on r.value = i.representative
        left join across_same_phone p on p.value = i.phone
        left join facts_places k using (coop_id) left join across_same_address a on a.value = k.place)
    select * exclude (in_current_lists, members, founded_on, ended_on), listed_now as in_current_lists,
      try_cast(members as bigint) as members, [members_row] as members_rows,
      try_cast(founded_on as date) as founded_on, try_cast(ended_on as date) as ended_on,
      case when registry_status_row is not null then [registry_status_row] end as registry_rows,
      year(coalesce(try_cast(ended_on as date), abnormal_deregistered_on, tax_deregistered_on)) as ended_year,
      contains(name, '联合社') as is_union,
      nullif(concat_ws('、', case when not regexp_full_match(phone, '{PHONE_SHAPE}') then '{PHONE_FLAGS["shape"]}' end,
                       case when same_phone >= {t.several_phone} then '{PHONE_FLAGS["shared"]}' end), '') as phone_flags,
      coalesce(substring(uscc, 9, 9), case when regexp_matches(tax_number, '^[0-9]{{6}}[0-9A-Z]{{9}}$') then substring(tax_number, 7, 9) end)
        as organisation_code,
      case when try_cast(founded_on as date) is not null then try_cast(founded_on as date) > {sql_day} - interval {t.young_months} month
           when least(first_listed_on, first_registered_on, first_awarded_on, traceability_registered_on)
                <= {sql_day} - interval {t.young_months} month then false end as young,
      case when no_report_rows is not null and len(list_filter(no_report_years,
                  lambda y: y >= {due_year - 1} and list_contains(no_report_years, y - 1))) > 0 then true
           when full_market_abnormal then false end as no_report_two_years,
      case when last_batch_on > {sql_day} - interval {t.no_batch_months} month then false
           when undated_batches > 0 then null
           when full_traceability_batches then true
           when {complete_since} <= {sql_day} - interval {t.no_batch_months} month then true
           when subject_rows is null and full_traceability_subjects and last_batch_on is null then true end as no_batch,
      case when no_activity_rows is not null then true when last_inspection_on is not null or full_market_inspection then false end as no_activity,
      case when closed_rows is not null then true when last_inspection_on is not null or full_market_inspection then false end as closed_found,
      case when tax_status in ('04', '05') then tax_stopped_on <= {sql_day} - interval {t.stopped_months} month
           when tax_status is not null or full_tax_registration then false end as tax_stopped_long,
      case when unreachable_since <= {sql_day} - interval {t.unreachable_months} month then true
           when last_inspection_result = 'unreachable' and last_inspection_on <= {sql_day} - interval {t.unreachable_months} month then true
           when full_market_abnormal then false end as unreachable_long,
      {_due(basis, day)} as due_on
    from base"""


def _due(basis: Basis, day: date) -> str:
    """SQL of the next day on which the answers may change though nothing new arrives: a date ahead comes, or one long ago has
    become old enough. It may be a few days early (months end differently), never late."""
    t = basis.thresholds
    sql_day = f"date '{day.isoformat()}'"
    ahead = ["removal_due_on", "inspection_due_on", "batch_due_on", "closing_due_on", "leaving_due_on"]
    ahead.append(f"case when len(no_report_years) > 1 then date '{day.year + (day.month >= 7)}-07-01' end")
    first = "coalesce(try_cast(founded_on as date), least(first_listed_on, first_registered_on, first_awarded_on, traceability_registered_on))"
    for since, months in (
        (first, t.young_months),
        ("last_batch_on", t.no_batch_months),
        ("tax_stopped_on", t.stopped_months),
        ("unreachable_since", t.unreachable_months),
        ("last_inspection_on", t.unreachable_months),
    ):
        ripe = f"cast({since} + interval {months} month as date)"
        ahead.append(f"case when {ripe} + 3 > {sql_day} then greatest({ripe}, {sql_day} + 1) end")
    return f"least({', '.join(ahead)})"
