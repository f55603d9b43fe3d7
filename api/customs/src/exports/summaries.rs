//! The summary of a month (汇总申报): released lists that are to be summarised are put together by what an entry says once, and
//! applied for (701); customs answers with entries (792).
//!
//! A list is claimed by naming its summary in its row, where none is named; the claim, the summary and its messages are one
//! transaction. So however often and by however many the month is summarised, a list is in one summary, and what is released
//! late is in the next one. The sweep opens a month when it is over; operators can do so too, and have sent again what customs
//! refused, and what nobody has answered.

use std::collections::BTreeMap;

use chrono::{DateTime, Days, NaiveDate, Utc};
use entities::{
    customs::{
        ceb::Document,
        codes,
        export::{
            declaration::{self, ExportState},
            entry,
            facts::StatisticsFlag,
            papers::{self, in_parts},
            summarised::{self, SummaryState, part},
            summary::{HeadKey, deadline, is_pressing, moments, month_of},
        },
        paper::{self, PaperKind, PaperState},
        sale::Stamp,
    },
    party::{Action, Resource},
    platform::EventKind,
    values::{
        ErrorCode, Refusal,
        id::{CustomsPaperId, ExportId, ExportSummaryId, OrganisationId},
    },
};
use platform::{
    app::{App, Call, Work},
    clock::business_day,
    customs::fresh_guid,
    db::{Dialect, dialect},
    error::{Error, stale},
    graphql::encode,
};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, ExprTrait, IntoActiveModel, PaginatorTrait, QueryFilter,
    QueryOrder, QuerySelect,
    sea_query::{Expr, LockType},
};
use serde_json::json;

use super::{
    IN_STATEMENT, LONGEST_ALARM, Look,
    advance::alarm,
    locked_all, own_number,
    papers::{Wanted, is_taken, put, say_again},
    parties::known,
};
use crate::{
    document_of, kept_text,
    lists::was_accepted,
    papers::{renewed, restamped},
    receiving::Noted,
};

/// Most lists of one message (own: the schema has no limit, and a reader has).
const LISTS_OF_MESSAGE: usize = 500;
/// Most lists that are summarised in one transaction.
const AT_ONCE: u64 = 2_000;
/// How many transactions one look of the sweep takes.
const TURNS: usize = 4;
/// Days before the deadline from which on it is pressing.
const PRESSING_DAYS: u64 = 5;
/// Most summaries that are sent again at once.
const AGAIN: u64 = 100;
/// The month in which exports by list began (GACC 2014/12).
const FIRST: NaiveDate = match NaiveDate::from_ymd_opt(2014, 2, 1) {
    Some(day) => day,
    None => NaiveDate::MIN,
};

/// Summarises a month that is over, and sends again what customs refused of it, or has not answered.
pub async fn summarise(app: &App, call: &Call, month: NaiveDate) -> Result<Vec<summarised::Model>, Error> {
    call.may(Action::SummariseExports, Resource::OWN)?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let month = month_of(month);
    if month < FIRST || moments(month).1 > work.now {
        let last = month_of(business_day(work.now)).pred_opt().unwrap_or(month);
        let refusal = Refusal::new(ErrorCode::OutOfRange).with("min", FIRST.to_string()).with("max", last.to_string());
        return Err(refusal.at("month").into());
    }
    let again = sent_again(app, &mut work, month).await?;
    let made = merge(app, &mut work, month).await?;
    let ids: Vec<ExportSummaryId> = again.into_iter().chain(made).collect();
    let rows = summarised::Entity::find()
        .filter(summarised::Column::Id.is_in(ids))
        .order_by_asc(summarised::Column::Id)
        .all(work.tx())
        .await?;
    for row in &rows {
        let noted = json!({ "month": row.month, "lists": row.lists, "parts": row.parts, "state": row.state });
        work.audit(Some(row.seller_id), "summariseExports", encode(row.id).0, json!(null), noted);
    }
    work.commit(rows).await
}

/// Lists of a month that are in no summary, locked.
async fn candidates(tx: &impl ConnectionTrait, month: NaiveDate) -> Result<Vec<declaration::Model>, Error> {
    use declaration::Column as C;
    let (from, before) = moments(month);
    let mut rows = free_lists().filter(C::ReleasedAt.gte(from)).filter(C::ReleasedAt.lt(before));
    if dialect(tx) == Dialect::Postgres {
        // Of two that summarise the month, the second looks when the first is done.
        rows = rows.lock(LockType::Update);
    }
    Ok(rows.order_by_asc(C::Id).limit(AT_ONCE).all(tx).await?)
}

/// Lists that were released, are to be summarised, and are in no summary.
fn free_lists() -> sea_orm::Select<declaration::Entity> {
    use declaration::Column as C;
    declaration::Entity::find()
        .filter(C::Flag.eq(StatisticsFlag::Summary))
        .filter(C::ReleasedAt.is_not_null())
        .filter(C::InvtNo.is_not_null())
        .filter(C::SummaryId.is_null())
        .filter(C::State.ne(ExportState::Returned))
}

/// Puts the free lists of a month together; answers with the summaries that were made.
async fn merge(app: &App, work: &mut Work, month: NaiveDate) -> Result<Vec<ExportSummaryId>, Error> {
    let rows = candidates(work.tx(), month).await?;
    let parties = known(work.tx(), rows.iter().flat_map(|row| [row.seller_id, row.declarer_id])).await?;
    let mut groups: BTreeMap<(OrganisationId, OrganisationId, HeadKey), Vec<declaration::Model>> = BTreeMap::new();
    for row in rows {
        let (Some(declarer), Some(merchant)) = (parties.get(&row.declarer_id), parties.get(&row.seller_id)) else {
            // Its organisation lost its code since: it waits until that has one again.
            let odd = "the released list cannot be summarised: a party has no code at customs";
            if row.alarm.as_deref() != Some(odd) {
                tracing::warn!(export = %row.id, odd);
                alarm(work, row.id, odd).await?;
            }
            continue;
        };
        let key = HeadKey::of(&row.facts, &declarer.code, &merchant.code);
        groups.entry((row.seller_id, row.declarer_id, key)).or_default().push(row);
    }
    let mut made = Vec::new();
    for ((seller, declarer, key), lists) in groups {
        let (Some(by), Some(merchant)) = (parties.get(&declarer), parties.get(&seller)) else { continue };
        let parts = in_parts(&lists, LISTS_OF_MESSAGE);
        let count = |n: usize| i32::try_from(n).unwrap_or(i32::MAX);
        let summary = summarised::Model {
            id: ExportSummaryId::new(work.now),
            seller_id: seller,
            declarer_id: declarer,
            month,
            cop_no: own_number('S', work.now)?,
            merge_key: key,
            lists: count(lists.len()),
            parts: count(parts.len()),
            state: SummaryState::Draft,
            sum_no: None,
            due: deadline(month),
            alarm: None,
            pressed_at: None,
            version: 1,
            created_at: work.now,
            updated_at: work.now,
        };
        summarised::Entity::insert(summary.clone().into_active_model()).exec_without_returning(work.tx()).await?;
        for (number, lists) in parts {
            let numbers: Vec<String> = lists.iter().filter_map(|row| row.invt_no.clone()).collect();
            let stamp = Stamp { guid: fresh_guid()?, again: false, at: work.now };
            let code = &summary.merge_key.customs_code;
            let document = papers::summary((by, merchant), code, &summary.cop_no, number, &numbers, &stamp);
            let wanted = Wanted {
                kind: PaperKind::Summary,
                sender: declarer,
                document: &document,
                stamp: &stamp,
                about: &[],
                topic: format!("summary:{}", summary.id),
            };
            let paper = put(app, work, wanted).await?;
            let row = part::Model { summary_id: summary.id, number: count(number.number), paper_id: paper.id };
            part::Entity::insert(row.into_active_model()).exec_without_returning(work.tx()).await?;
            claim(work, summary.id, lists).await?;
        }
        work.tell(seller, EventKind::DeclarationChanged, encode(summary.id).0, summary.version).await?;
        made.push(summary.id);
    }
    Ok(made)
}

/// Names the summary in the rows of its lists: all of them, or none of it is written.
async fn claim(work: &Work, summary: ExportSummaryId, lists: &[declaration::Model]) -> Result<(), Error> {
    use declaration::Column as C;
    let done = declaration::Entity::update_many()
        .col_expr(C::SummaryId, Expr::val(Some(summary)))
        .col_expr(C::Version, Expr::col(C::Version).add(1))
        .col_expr(C::UpdatedAt, Expr::val(work.now))
        .filter(C::Id.is_in(lists.iter().map(|row| row.id)))
        .filter(C::SummaryId.is_null())
        .exec(work.tx())
        .await?;
    if done.rows_affected == lists.len() as u64 { Ok(()) } else { Err(stale()) }
}

/// Sends again the messages that customs refused of a month, as others, and those that nobody has answered, as they are.
async fn sent_again(app: &App, work: &mut Work, month: NaiveDate) -> Result<Vec<ExportSummaryId>, Error> {
    use summarised::Column as C;
    let mut rows = Vec::new();
    // Of many, those that somebody must mend go first.
    for state in [SummaryState::Refused, SummaryState::Draft] {
        let of = summarised::Entity::find().filter(C::Month.eq(month)).filter(C::State.eq(state));
        rows.extend(of.order_by_asc(C::Id).limit(AGAIN).all(work.tx()).await?.into_iter().map(|row| row.id));
    }
    rows.sort_unstable();
    let mut sent = Vec::new();
    for id in rows {
        let row = locked(work.tx(), id).await?;
        if !matches!(row.state, SummaryState::Refused | SummaryState::Draft) {
            continue;
        }
        for paper in papers_of(work.tx(), row.id).await? {
            if say_again(work, &paper).await? || !paper.state.can_be_sent() {
                continue;
            }
            let paper = &paper;
            let stored = was_accepted(work.tx(), paper.id).await?;
            let stamp = Stamp { guid: fresh_guid()?, again: stored, at: work.now };
            let document = restamped(paper.kind, document_of(app.vault(), paper)?, &stamp);
            renewed(app, work, paper, paper.sender_id, &document, &stamp).await?;
        }
        write(work, &row, summarised::Model { state: SummaryState::Draft, alarm: None, ..row.clone() }).await?;
        sent.push(row.id);
    }
    Ok(sent)
}

/// A summary, locked until the transaction ends.
async fn locked(tx: &impl ConnectionTrait, id: ExportSummaryId) -> Result<summarised::Model, Error> {
    let mut row = summarised::Entity::find_by_id(id);
    if dialect(tx) == Dialect::Postgres {
        row = row.lock(LockType::Update);
    }
    row.one(tx).await?.ok_or_else(|| Error::internal("a summary is gone"))
}

/// The summary that a paper is a message of.
pub(super) async fn of_paper(
    db: &impl ConnectionTrait,
    paper: CustomsPaperId,
) -> Result<Option<summarised::Model>, Error> {
    let part = part::Entity::find().filter(part::Column::PaperId.eq(paper)).one(db).await?;
    match part {
        Some(part) => Ok(summarised::Entity::find_by_id(part.summary_id).one(db).await?),
        None => Ok(None),
    }
}

/// The same, locked.
pub(super) async fn locked_of_paper(
    tx: &impl ConnectionTrait,
    paper: CustomsPaperId,
) -> Result<Option<summarised::Model>, Error> {
    match of_paper(tx, paper).await? {
        Some(summary) => locked(tx, summary.id).await.map(Some),
        None => Ok(None),
    }
}

/// The papers of a summary, in the order of its messages.
async fn papers_of(db: &impl ConnectionTrait, id: ExportSummaryId) -> Result<Vec<paper::Model>, Error> {
    let parts = part::Entity::find().filter(part::Column::SummaryId.eq(id)).all(db).await?;
    let papers = paper::Entity::find().filter(paper::Column::Id.is_in(parts.iter().map(|part| part.paper_id)));
    Ok(papers.order_by_asc(paper::Column::Id).all(db).await?)
}

/// Writes what became of a summary, and tells of it; nothing when nothing did.
async fn write(
    work: &mut Work,
    before: &summarised::Model,
    mut next: summarised::Model,
) -> Result<summarised::Model, Error> {
    use summarised::Column as C;
    if next == *before {
        return Ok(next);
    }
    next.version = before.version + 1;
    next.updated_at = work.now;
    summarised::Entity::update_many()
        .col_expr(C::State, Expr::val(next.state))
        .col_expr(C::SumNo, Expr::val(next.sum_no.clone()))
        .col_expr(C::Alarm, Expr::val(next.alarm.clone()))
        .col_expr(C::PressedAt, Expr::val(next.pressed_at))
        .col_expr(C::Version, Expr::val(next.version))
        .col_expr(C::UpdatedAt, Expr::val(next.updated_at))
        .filter(C::Id.eq(next.id))
        .exec(work.tx())
        .await?;
    if next.state != before.state || next.alarm != before.alarm {
        work.tell(next.seller_id, EventKind::DeclarationChanged, encode(next.id).0, next.version).await?;
    }
    Ok(next)
}

/// One of its messages came to another state.
pub(super) async fn went_on(work: &mut Work, paper: &paper::Model) -> Result<(), Error> {
    let Some(row) = locked_of_paper(work.tx(), paper.id).await? else { return Ok(()) };
    let papers = papers_of(work.tx(), row.id).await?;
    let refused = |paper: &paper::Model| paper.state.can_be_sent() && paper.state != PaperState::Draft;
    let state = match row.state {
        SummaryState::Answered => SummaryState::Answered,
        _ if papers.iter().any(refused) => SummaryState::Refused,
        _ if papers.iter().all(is_taken) => SummaryState::Applied,
        _ => SummaryState::Draft,
    };
    let after = write(work, &row, summarised::Model { state, ..row.clone() }).await?;
    if after.state != row.state && after.state == SummaryState::Applied {
        let lists = ids_of(work.tx(), after.id, None).await?;
        look(work, lists).await?;
    }
    Ok(())
}

/// The lists of a summary; of those with these numbers.
async fn ids_of(
    db: &impl ConnectionTrait,
    summary: ExportSummaryId,
    numbers: Option<&[String]>,
) -> Result<Vec<ExportId>, Error> {
    use declaration::Column as C;
    let rows =
        declaration::Entity::find().select_only().column(C::Id).filter(C::SummaryId.eq(summary)).order_by_asc(C::Id);
    let rows = match numbers {
        Some(numbers) => rows.filter(C::InvtNo.is_in(numbers.iter().map(String::as_str))),
        None => rows,
    };
    Ok(rows.into_tuple().all(db).await?)
}

/// Has exports looked at anew, each in a transaction of its own: there may be many.
async fn look(work: &mut Work, exports: Vec<ExportId>) -> Result<(), Error> {
    for export in exports {
        work.enqueue(&Look { export }).await?;
    }
    Ok(())
}

/// Customs gave a summary its number. Answers with it when it is new: results may have come before.
pub(super) async fn numbered(work: &mut Work, paper: CustomsPaperId, number: &str) -> Result<Option<String>, Error> {
    let Some(row) = locked_of_paper(work.tx(), paper).await? else { return Ok(None) };
    if row.sum_no.as_deref() == Some(number) || number.len() != 18 || !number.is_ascii() {
        return Ok(None);
    }
    // Looked at before it is written: a violated key ends the transaction.
    let other = summarised::Entity::find().filter(summarised::Column::SumNo.eq(number)).one(work.tx()).await?;
    let odd = match (&row.sum_no, other) {
        (Some(before), _) => Some(format!("customs calls the summary {before} and {number}")),
        (None, Some(_)) => Some(format!("customs calls the summary {number}, as it calls another")),
        (None, None) => None,
    };
    if let Some(alarm) = odd {
        write(work, &row, summarised::Model { alarm: Some(kept_text(&alarm, LONGEST_ALARM)), ..row.clone() }).await?;
        return Ok(None);
    }
    write(work, &row, summarised::Model { sum_no: Some(number.to_owned()), ..row.clone() }).await?;
    Ok(Some(number.to_owned()))
}

/// Something that customs said of a summary is odd.
pub(super) async fn alarm_of_paper(work: &Work, paper: CustomsPaperId, what: &str) -> Result<(), Error> {
    let Some(row) = of_paper(work.tx(), paper).await? else { return Ok(()) };
    summarised::Entity::update_many()
        .col_expr(summarised::Column::Alarm, Expr::val(Some(kept_text(what, LONGEST_ALARM))))
        .col_expr(summarised::Column::Version, Expr::col(summarised::Column::Version).add(1))
        .filter(summarised::Column::Id.eq(row.id))
        .exec(work.tx())
        .await?;
    Ok(())
}

/// What customs made of a summary (汇总结果, CEB792). An entry stands as the latest of what was said of it does.
pub(crate) async fn answered(work: &mut Work, result: &Document) -> Result<Noted, Error> {
    let said = |name: &str| result.head.get(name).map(str::trim).unwrap_or_default().to_owned();
    let (sum_no, seq, time) = (said("sumNo"), said("declSeqNo"), said("opDate"));
    let fits = |text: &str, most: usize| (1..=most).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
    if !fits(&sum_no, 18) || !fits(&seq, 18) {
        return Ok(Noted::Refused("sumNo or declSeqNo is none".into()));
    }
    if time.len() != 17 || codes::read_moment(&time).is_none() {
        return Ok(Noted::Refused("opDate is no moment of 17 digits".into()));
    }
    let found = summarised::Entity::find().filter(summarised::Column::SumNo.eq(&sum_no)).one(work.tx()).await?;
    let Some(found) = found else { return Ok(Noted::Unmatched(sum_no)) };
    let summary = locked(work.tx(), found.id).await?;
    let grams = |name: &str| codes::e5(&said(name)).map_or(0, |e5| e5 / 100);
    let number = said("entryId");
    let next = entry::Model {
        decl_seq_no: seq.clone(),
        summary_id: summary.id,
        entry_no: fits(&number, 18).then_some(number),
        state: said("decState").chars().take(3).collect(),
        stated_time: time,
        gross_weight_g: grams("grossWeight"),
        net_weight_g: grams("netWeight"),
        at: work.now,
    };
    let before = entry::Entity::find_by_id(&seq).one(work.tx()).await?;
    if let Some(before) = &before {
        if before.summary_id != summary.id {
            return Ok(Noted::Refused(format!("{seq} is an entry of another summary")));
        }
        let newer = next.stated_time > before.stated_time;
        if !newer {
            return Ok(Noted::Before);
        }
        entry::Entity::delete_by_id(&seq).exec(work.tx()).await?;
    }
    let entry_no = next.entry_no.clone().or_else(|| before.and_then(|before| before.entry_no));
    let next = entry::Model { entry_no: entry_no.clone(), ..next };
    entry::Entity::insert(next.into_active_model()).exec_without_returning(work.tx()).await?;
    if let Some(entry_no) = entry_no {
        entered(work, &summary, result, &entry_no).await?;
    }
    Ok(Noted::New)
}

/// Lists have the number of their entry.
async fn entered(work: &mut Work, summary: &summarised::Model, result: &Document, entry_no: &str) -> Result<(), Error> {
    use declaration::Column as C;
    let mut numbers: Vec<String> =
        result.lines.iter().filter_map(|line| line.get("invtNo").map(str::to_owned)).collect();
    numbers.sort_unstable();
    numbers.dedup();
    // A result without lines is about all of them.
    let mut lists = Vec::new();
    if numbers.is_empty() {
        lists = ids_of(work.tx(), summary.id, None).await?;
    }
    for some in numbers.chunks(IN_STATEMENT) {
        lists.extend(ids_of(work.tx(), summary.id, Some(some)).await?);
    }
    lists.sort_unstable();
    for some in lists.chunks(IN_STATEMENT) {
        locked_all(work.tx(), some).await?;
        declaration::Entity::update_many()
            .col_expr(C::EntryNo, Expr::val(Some(entry_no)))
            .col_expr(C::Version, Expr::col(C::Version).add(1))
            .col_expr(C::UpdatedAt, Expr::val(work.now))
            .filter(C::Id.is_in(some.iter().copied()))
            .filter(C::EntryNo.is_null())
            .exec(work.tx())
            .await?;
    }
    let mut next = summary.clone();
    if !numbers.is_empty() && lists.len() != numbers.len() {
        next.alarm = Some("customs made an entry of lists that are not in the summary".into());
    }
    let open = declaration::Entity::find().filter(C::SummaryId.eq(summary.id)).filter(C::EntryNo.is_null());
    if open.count(work.tx()).await? == 0 {
        next.state = SummaryState::Answered;
        next.alarm = next.alarm.filter(|_| lists.len() != numbers.len() && !numbers.is_empty());
    }
    write(work, summary, next).await?;
    look(work, lists).await
}

/// What time does: months that are over are summarised, and what is not answered shortly before its deadline is told.
pub async fn sweep(app: &App, now: DateTime<Utc>) -> Result<(), Error> {
    use declaration::Column as C;
    let (this_month, _) = moments(month_of(business_day(now)));
    let mut from = None;
    for _ in 0..TURNS {
        let oldest = free_lists()
            .filter(C::ReleasedAt.lt(this_month))
            .filter(Condition::all().add_option(from.map(|from| C::ReleasedAt.gte(from))))
            .order_by_asc(C::ReleasedAt)
            .limit(1)
            .one(app.db().read())
            .await?;
        let Some(released) = oldest.and_then(|row| row.released_at) else { break };
        let mut work = app.begin(&Call::unasked("customs")).await?;
        let month = month_of(business_day(released));
        let made = merge(app, &mut work, month).await?;
        work.commit(()).await?;
        if made.is_empty() {
            // What is left of it waits for something else; the months after it do not.
            from = Some(moments(month).1);
        }
    }
    pressing(app, now).await
}

/// Summaries that are not answered when their deadline is near are told, once each.
async fn pressing(app: &App, now: DateTime<Utc>) -> Result<(), Error> {
    use summarised::Column as C;
    let today = business_day(now);
    let soon = today.checked_add_days(Days::new(PRESSING_DAYS)).unwrap_or(today);
    let due = summarised::Entity::find()
        .filter(C::State.is_in([SummaryState::Draft, SummaryState::Applied, SummaryState::Refused]))
        .filter(C::Due.lte(soon))
        .filter(C::PressedAt.is_null())
        .order_by_asc(C::Due)
        .limit(100)
        .all(app.db().read())
        .await?;
    for row in due.into_iter().filter(|row| is_pressing(row.due, today, PRESSING_DAYS)) {
        let mut work = app.begin(&Call::unasked("customs")).await?;
        let row = locked(work.tx(), row.id).await?;
        if row.pressed_at.is_some() || row.state == SummaryState::Answered {
            continue;
        }
        let pressing = format!("the summary of {} is not answered and due on {}", row.month.format("%Y-%m"), row.due);
        tracing::warn!(summary = %row.id, due = %row.due, "a summary of exports is not answered and its deadline is near");
        // What else is odd stays until somebody looked.
        let alarm = match &row.alarm {
            Some(odd) => kept_text(&format!("{pressing}; {odd}"), LONGEST_ALARM),
            None => pressing,
        };
        let alarm = Some(alarm);
        let next = summarised::Model { alarm, pressed_at: Some(work.now), ..row.clone() };
        write(&mut work, &row, next).await?;
        work.commit(()).await?;
    }
    Ok(())
}
