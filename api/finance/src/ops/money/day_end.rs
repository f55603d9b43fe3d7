//! The end of a day (日终): interest until that day is posted on everything that is owed, and requests of which something
//! should have come are overdue.
//!
//! A day ends once, in parts of some hundred financings in the order of their ids. Each part is one transaction that
//! also says how far it came: whoever goes on, after a crash or on another node, begins behind it.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use entities::{
    finance::{
        RequestStep,
        financing::{self, FinancingState, PostingKind, day_end, fact},
        ledger, request,
    },
    values::id::{FinanceDayEndId, FinancingId, FinancingRequestId},
};
use platform::{
    app::{App, Call, Work},
    db::wrote,
    error::Error,
    guarded,
};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect,
    sea_query::OnConflict,
};

use super::{
    books::{self, Posting},
    facts_of, locked, written,
};
use crate::{jobs::BY, ops::requests::moved};

/// Financings of one part.
const PART: u64 = 200;

/// Ends a day, or goes on with it; one that ended is not ended again. Answers with how many financings were looked at.
pub async fn run(app: &App, day: NaiveDate) -> Result<u64, Error> {
    if !is_due(app, day).await? {
        return Ok(0);
    }
    let mut looked = 0;
    loop {
        let (more, done) = part(app, day, PART).await?;
        looked += more;
        if done {
            return Ok(looked);
        }
    }
}

/// Whether a day has to be ended: it has begun to, or interest until then is missing somewhere. Nothing is written on a
/// day on which there is nothing to do.
async fn is_due(app: &App, day: NaiveDate) -> Result<bool, Error> {
    let db = app.db().read();
    if let Some(begun) = day_end::Entity::find().filter(day_end::Column::Day.eq(day)).one(db).await? {
        return Ok(!begun.done);
    }
    let missing = financing::Entity::find()
        .filter(financing::Column::State.eq(FinancingState::Open))
        .filter(financing::Column::AccruedTo.lt(day));
    Ok(missing.one(db).await?.is_some())
}

/// Ends a part of a day: at most so many financings. Answers with how many it looked at, and whether these were the
/// last.
pub async fn part(app: &App, day: NaiveDate, most: u64) -> Result<(u64, bool), Error> {
    let mut work = app.begin(&Call::unasked(BY)).await?;
    let begun = begun(&work, day).await?;
    if begun.done {
        return Ok((0, true));
    }
    let mut next = financing::Entity::find()
        .filter(financing::Column::State.eq(FinancingState::Open))
        .order_by_asc(financing::Column::Id)
        .limit(most);
    if let Some(last) = begun.last_id {
        next = next.filter(financing::Column::Id.gt(last));
    }
    let seen = next.all(work.tx()).await?;
    let ids: Vec<FinancingId> = seen.iter().map(|row| row.id).collect();
    ended(&mut work, day, &seen, &ids).await?;
    let looked = u64::try_from(ids.len()).unwrap_or(u64::MAX);
    let done = looked < most;
    let row = day_end::Model {
        last_id: ids.last().copied().or(begun.last_id),
        looked: begun.looked.saturating_add(i64::try_from(looked).unwrap_or(i64::MAX)),
        done,
        finished_at: done.then_some(work.now),
        ..begun
    };
    day_end::Entity::update(row.into_active_model().reset_all()).exec(work.tx()).await?;
    work.commit(()).await?;
    Ok((looked, done))
}

/// How far a day is, locked; it begins now, when nobody began it.
async fn begun(work: &Work, day: NaiveDate) -> Result<day_end::Model, Error> {
    let row = day_end::Model {
        id: FinanceDayEndId::new(work.now),
        day,
        last_id: None,
        looked: 0,
        done: false,
        started_at: work.now,
        finished_at: None,
    };
    let known = OnConflict::column(day_end::Column::Day).do_nothing().to_owned();
    let insert = day_end::Entity::insert(row.into_active_model()).on_conflict(known).try_insert();
    wrote(insert.exec_without_returning(work.tx()).await)?;
    let there = || day_end::Entity::find().filter(day_end::Column::Day.eq(day)).one(work.tx());
    let gone = || Error::internal("the end of a day is gone");
    let row = there().await?.ok_or_else(gone)?;
    guarded::lock(work.tx(), "finance_day_end", &[row.id.0]).await?;
    // Another node may have gone on with it until now.
    there().await?.ok_or_else(gone)
}

/// Ends a day for some financings, whose requests are locked here.
async fn ended(work: &mut Work, day: NaiveDate, seen: &[financing::Model], ids: &[FinancingId]) -> Result<(), Error> {
    let of: BTreeSet<FinancingRequestId> = seen.iter().map(|row| row.request_id).collect();
    let mut requests: BTreeMap<FinancingRequestId, request::Model> = locked(work, &of).await?;
    let rows = financing::Entity::find()
        .filter(financing::Column::Id.is_in(ids.iter().copied()))
        .filter(financing::Column::State.eq(FinancingState::Open))
        .order_by_asc(financing::Column::Id)
        .all(work.tx())
        .await?;
    let facts = facts_of(work.tx(), ids).await?;
    for row in &rows {
        let facts = facts.get(&row.id).map(Vec::as_slice).unwrap_or_default();
        match accrued(work, row, facts, day).await {
            Ok(()) => {}
            // One that cannot be reckoned does not keep the others; nothing of it was written.
            Err(Error::Refused(refusals)) => {
                let cause = Error::Refused(refusals).told();
                tracing::error!(financing = %row.id, cause, "interest could not be reckoned");
            }
            Err(error) => return Err(error),
        }
        let late = requests.get(&row.request_id).filter(|_| row.grace_until < day).cloned();
        if let Some(request) = late.filter(|request| RequestStep::Lapse.from(request.state).is_ok()) {
            let after = moved(work, &request, RequestStep::Lapse, request.clone()).await?;
            requests.insert(after.id, after);
        }
    }
    Ok(())
}

/// Posts interest until a day: what it is more than what is in the figures.
async fn accrued(work: &Work, row: &financing::Model, facts: &[fact::Model], day: NaiveDate) -> Result<(), Error> {
    if day <= row.accrued_to {
        return Ok(());
    }
    let next = row.at(&row.settled(facts, day)?.position);
    let posting = Posting {
        key: format!("accrued:{}:{day}", row.id),
        of: row,
        fact: None,
        kind: PostingKind::Accrued,
        value_date: day,
    };
    books::post(work, &posting, ledger::moved(&row.figures, &next.figures)).await?;
    written(work, row, next).await.map(drop)
}
