//! Reminders: what has waited too long, or is due soon, is told to those whom it waits for, through their feeds and webhooks.
//!
//! Of each thing it is known when somebody was last reminded of it; a look that finds nothing due is a few reads and keeps
//! nobody waiting. Suppliers are reminded of a deadline whether or not they have quoted: who was reminded says nothing.

use chrono::{DateTime, Duration, Utc};
use entities::{
    platform::EventKind,
    procurement::{
        InvoiceState, OrderState, RfqState, invitation, invoice, order, payable,
        reminder::{self, ReminderKind},
        rfq, status,
    },
    values::id::OrganisationId,
};
use platform::{
    app::{App, Call},
    clock::business_day,
    db::wrote,
    error::Error,
    graphql::encode,
};
use sea_orm::{
    ColumnTrait, Condition, EntityTrait, ExprTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect, Select,
    sea_query::{Expr, IntoColumnRef, OnConflict, Query},
};
use uuid::Uuid;

use super::tasks::{COMING, due_by, outstanding, owed};
use crate::jobs::BY;

/// Most reminders of one kind in one turn.
const AT_ONCE: u64 = 100;
/// For how many days whoever owes is reminded.
const PAY_DAYS: i64 = 90;

/// Somebody is to be reminded of something.
struct Due {
    subject: Uuid,
    /// The node, as events name it.
    node: String,
    version: i32,
    told: Vec<OrganisationId>,
}

/// Reminds whoever is to be reminded. Answers with of how many things.
pub async fn send_due(app: &App, now: DateTime<Utc>) -> Result<u64, Error> {
    let sent = [
        deadlines(app, now).await,
        approvals(app, now).await,
        answers(app, now).await,
        late(app, now).await,
        exceptions(app, now).await,
        payables(app, now).await,
    ];
    sent.into_iter().sum()
}

/// Before which moment a reminder that is repeated must have gone out.
fn last(app: &App, now: DateTime<Utc>) -> DateTime<Utc> {
    now - Duration::days(app.config().procurement.remind_every_days.into())
}

/// That nobody was reminded of the thing of the statement around since a moment.
fn unreminded(kind: ReminderKind, id: impl IntoColumnRef, since: DateTime<Utc>) -> Expr {
    let reminded = Query::select()
        .expr(Expr::value(1))
        .from(reminder::Entity)
        .and_where(reminder::Column::Kind.eq(kind))
        .and_where(Expr::col((reminder::Entity, reminder::Column::SubjectId)).equals(id))
        .and_where(reminder::Column::SentAt.gt(since))
        .take();
    Expr::exists(reminded).not()
}

/// Reminds of things of a kind. Answers with of how many.
async fn remind(app: &App, kind: ReminderKind, since: DateTime<Utc>, due: Vec<Due>) -> u64 {
    let mut reminded = 0;
    for one in due {
        let subject = one.subject;
        match remind_of(app, kind, since, one).await {
            Ok(true) => reminded += 1,
            Ok(false) => {}
            // One that fails keeps no other from being reminded of.
            Err(error) => tracing::error!(%subject, cause = error.told(), "nobody could be reminded"),
        }
    }
    reminded
}

/// Reminds of one thing; not when another node does at this moment.
async fn remind_of(app: &App, kind: ReminderKind, since: DateTime<Utc>, one: Due) -> Result<bool, Error> {
    let mut work = app.begin(&Call::unasked(BY)).await?;
    let row = reminder::Model { kind, subject_id: one.subject, sent_at: work.now };
    let again = OnConflict::columns([reminder::Column::Kind, reminder::Column::SubjectId])
        .update_column(reminder::Column::SentAt)
        .action_and_where(Expr::col((reminder::Entity, reminder::Column::SentAt)).lte(since))
        .to_owned();
    let insert = reminder::Entity::insert(row.into_active_model()).on_conflict(again).try_insert();
    if !wrote(insert.exec_without_returning(work.tx()).await)? {
        return Ok(false);
    }
    for audience in one.told {
        work.tell(audience, EventKind::ProcurementReminded, one.node.clone(), one.version).await?;
    }
    work.commit(true).await
}

/// Requests of which the deadline is near: the suppliers that were told and did not say no, and the buyer.
async fn deadlines(app: &App, now: DateTime<Utc>) -> Result<u64, Error> {
    let before = app.config().procurement.remind_before();
    let (kind, since) = (ReminderKind::RfqDeadline, now - before);
    let near = rfq::Entity::find()
        .filter(rfq::Column::State.eq(RfqState::Published))
        .filter(rfq::Column::Deadline.gt(now))
        .filter(rfq::Column::Deadline.lte(now + before))
        .filter(unreminded(kind, (rfq::Entity, rfq::Column::Id), since))
        .order_by_asc(rfq::Column::Deadline)
        .limit(AT_ONCE);
    let near = near.all(app.db().read()).await?;
    if near.is_empty() {
        return Ok(0);
    }
    let invited = invitation::Entity::find()
        .filter(invitation::Column::RfqId.is_in(near.iter().map(|row| row.id)))
        .filter(invitation::Column::SentAt.is_not_null())
        .filter(invitation::Column::DeclinedAt.is_null())
        .order_by_asc(invitation::Column::Id)
        .all(app.db().read())
        .await?;
    let due = near.into_iter().map(|row| {
        let asked = invited.iter().filter(|one| one.rfq_id == row.id).map(|one| one.supplier_id);
        let told = std::iter::once(row.buyer_id).chain(asked).collect();
        Due { subject: row.id.0, node: encode(row.id).0, version: row.version, told }
    });
    let due = due.collect();
    Ok(remind(app, kind, since, due).await)
}

/// An order that somebody is to be reminded of.
fn of_order(row: &order::Model, told: Vec<OrganisationId>) -> Due {
    Due { subject: row.id.0, node: encode(row.id).0, version: row.version, told }
}

/// The next orders of these, by their ids.
async fn next_orders(app: &App, orders: Select<order::Entity>) -> Result<Vec<order::Model>, Error> {
    Ok(orders.order_by_asc(order::Column::Id).limit(AT_ONCE).all(app.db().read()).await?)
}

/// Orders that wait for approval: the buyer.
async fn approvals(app: &App, now: DateTime<Utc>) -> Result<u64, Error> {
    let (kind, since) = (ReminderKind::OrderApproval, last(app, now));
    let waiting = order::Entity::find()
        .filter(order::Column::State.eq(OrderState::PendingApproval))
        .filter(order::Column::SubmittedAt.lte(since))
        .filter(unreminded(kind, (order::Entity, order::Column::Id), since));
    let due = next_orders(app, waiting).await?.iter().map(|row| of_order(row, vec![row.buyer_id])).collect();
    Ok(remind(app, kind, since, due).await)
}

/// Orders that wait for the answer of their suppliers: these.
async fn answers(app: &App, now: DateTime<Utc>) -> Result<u64, Error> {
    let (kind, since) = (ReminderKind::OrderAnswer, last(app, now));
    let waiting = order::Entity::find()
        .filter(order::Column::State.eq(OrderState::Sent))
        .filter(order::Column::UpdatedAt.lte(since))
        .filter(unreminded(kind, (order::Entity, order::Column::Id), since));
    let due = next_orders(app, waiting).await?.iter().map(|row| of_order(row, vec![row.supplier_id])).collect();
    Ok(remind(app, kind, since, due).await)
}

/// Orders of which something should be here: both sides.
async fn late(app: &App, now: DateTime<Utc>) -> Result<u64, Error> {
    let (kind, since) = (ReminderKind::OrderLate, last(app, now));
    let today = business_day(now);
    let missing = || Condition::all().add(outstanding()).add(due_by(today - Duration::days(1)));
    let some = Query::select()
        .expr(Expr::value(1))
        .from(order::line::Entity)
        .and_where(
            Expr::col((order::line::Entity, order::line::Column::OrderId)).equals((order::Entity, order::Column::Id)),
        )
        .cond_where(missing())
        .take();
    let waiting = order::Entity::find()
        .filter(order::Column::State.is_in(COMING))
        .filter(Expr::exists(some))
        .filter(unreminded(kind, (order::Entity, order::Column::Id), since));
    let (mut reminded, mut after) = (0, None);
    loop {
        let beyond = Condition::all().add_option(after.map(|id| order::Column::Id.gt(id)));
        let rows = next_orders(app, waiting.clone().filter(beyond)).await?;
        let Some(end) = rows.last().map(|row| row.id) else { return Ok(reminded) };
        let lines = order::line::Entity::find()
            .filter(order::line::Column::OrderId.is_in(rows.iter().map(|row| row.id)))
            .filter(missing());
        let lines = lines.all(app.db().read()).await?;
        // Of a schedule that has begun it may be that all is here so far.
        let overdue = |row: &&order::Model| {
            let of = |line: &&order::line::Model| line.order_id == row.id;
            status::overdue(&lines.iter().filter(of).cloned().collect::<Vec<_>>(), today)
        };
        let told = |row: &order::Model| of_order(row, vec![row.buyer_id, row.supplier_id]);
        let due = rows.iter().filter(overdue).map(told).collect();
        reminded += remind(app, kind, since, due).await;
        after = Some(end);
    }
}

/// Invoices that do not match, and nobody has settled it: the buyer.
async fn exceptions(app: &App, now: DateTime<Utc>) -> Result<u64, Error> {
    let (kind, since) = (ReminderKind::InvoiceException, last(app, now));
    let rows = invoice::Entity::find()
        .filter(invoice::Column::State.eq(InvoiceState::Exception))
        .filter(invoice::Column::UpdatedAt.lte(since))
        .filter(unreminded(kind, (invoice::Entity, invoice::Column::Id), since))
        .order_by_asc(invoice::Column::Id)
        .limit(AT_ONCE);
    let due = |row: invoice::Model| Due {
        subject: row.id.0,
        node: encode(row.id).0,
        version: row.version,
        told: vec![row.buyer_id],
    };
    let due = rows.all(app.db().read()).await?.into_iter().map(due).collect();
    Ok(remind(app, kind, since, due).await)
}

/// What is to be paid soon or should have been: the buyer.
async fn payables(app: &App, now: DateTime<Utc>) -> Result<u64, Error> {
    let (kind, since) = (ReminderKind::PayableDue, last(app, now));
    let near = business_day(now + app.config().procurement.remind_before());
    // What nobody paid for a quarter is no matter of reminders any more; and years of what was paid are not looked through.
    let open = Condition::all()
        .add(payable::Column::DueDate.lte(near))
        .add(payable::Column::DueDate.gte(near - Duration::days(PAY_DAYS)))
        .add(payable::Column::Disputed.eq(false))
        .add(owed());
    let rows = payable::Entity::find()
        .filter(open)
        .filter(unreminded(kind, (payable::Entity, payable::Column::Id), since))
        .order_by_asc(payable::Column::DueDate)
        .order_by_asc(payable::Column::Id)
        .limit(AT_ONCE);
    let due = |row: payable::Model| Due {
        subject: row.id.0,
        node: encode(row.id).0,
        version: row.version,
        told: vec![row.buyer_id],
    };
    let due = rows.all(app.db().read()).await?.into_iter().map(due).collect();
    Ok(remind(app, kind, since, due).await)
}
