//! Checkouts: approved, paid, taken back, let go when their time is up.

use chrono::{DateTime, Duration, Utc};
use entities::{
    inventory::ReservationStep,
    ordering::{CheckoutState, CheckoutStep, OrderStep, PaymentTerms, checkout, credit::CreditState, order},
    party::{Action, MemberRole, Resource, Viewer},
    payments::{Method, ProviderKind, payment},
    values::{
        ErrorCode, Money, Refusal,
        id::{CheckoutId, OrderId},
        refusal::{given, line},
    },
};
use inventory::{book, ledger, promises};
use payments::ops::{Ask, Charge};
use platform::{
    app::{App, Call, Work},
    error::{Error, not_found},
    graphql::encode,
    page::{Cursor, Page, PageArgs},
    payment::NextStep,
};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, ExprTrait, Order, QueryFilter, QueryOrder, QuerySelect, sea_query::Expr,
};
use serde_json::{Value, json};
use trade::allowance;

use super::{companies, place};
use crate::jobs;

/// Name of the order of checkouts, for cursors.
const NEWEST: &str = "newest-checkout";
/// How much longer a checkout is held, once, when a payment is on its way.
const ON_THE_WAY: Duration = Duration::minutes(15);
/// Most checkouts that are let go at once.
const LET_GO: u64 = 100;

/// A checkout that the viewer may see.
pub async fn find(
    db: &impl ConnectionTrait,
    viewer: &Viewer,
    id: CheckoutId,
) -> Result<Option<checkout::Model>, Error> {
    Ok(checkout::Entity::visible_to(viewer).filter(checkout::Column::Id.eq(id)).one(db).await?)
}

async fn found(work: &Work, id: CheckoutId) -> Result<checkout::Model, Error> {
    find(work.tx(), work.viewer(), id).await?.ok_or_else(|| not_found("id", encode(id).as_str()))
}

/// Checkouts, newest first.
pub async fn list(db: &impl ConnectionTrait, viewer: &Viewer, page: &PageArgs) -> Result<Page<checkout::Model>, Error> {
    page.by_id(db, checkout::Entity::visible_to(viewer), checkout::Column::Id, NEWEST, Order::Desc).await
}

/// The cursor of a checkout in that list.
pub fn cursor(row: &checkout::Model) -> Cursor {
    Cursor::of_id(NEWEST, row.id)
}

/// The orders of a checkout, in the order of their numbers.
pub async fn orders_of(db: &impl ConnectionTrait, id: CheckoutId) -> Result<Vec<order::Model>, Error> {
    let orders = order::Entity::find().filter(order::Column::CheckoutId.eq(id));
    Ok(orders.order_by_asc(order::Column::Number).all(db).await?)
}

/// Whose it is: who may pay it and take it back.
fn buyers(row: &checkout::Model) -> Resource {
    match row.organisation_id {
        Some(organisation) => Resource::of(organisation),
        None => Resource::of_person(row.person_id),
    }
}

/// Takes a step of a checkout. The guard is in the UPDATE: of two that step at the same time one is refused.
pub(crate) async fn step(work: &Work, row: &checkout::Model, step: CheckoutStep) -> Result<checkout::Model, Error> {
    let (from, to) = step.leads();
    let mut update = checkout::Entity::update_many()
        .col_expr(checkout::Column::State, Expr::val(to))
        .col_expr(checkout::Column::Version, Expr::col(checkout::Column::Version).add(1))
        .col_expr(checkout::Column::UpdatedAt, Expr::val(work.now))
        .filter(checkout::Column::Id.eq(row.id))
        .filter(checkout::Column::State.is_in(from.iter().copied()));
    update = match step {
        // Held for the buyer to pay from here on.
        CheckoutStep::Approve => update
            .col_expr(checkout::Column::ExpiresAt, Expr::val(Some(work.now + place::HELD_FOR_COMPANIES)))
            .filter(checkout::Column::ExpiresAt.gt(work.now)),
        CheckoutStep::ApproveOnCredit => update
            .col_expr(checkout::Column::ExpiresAt, Expr::val(Option::<DateTime<Utc>>::None))
            .filter(checkout::Column::ExpiresAt.gt(work.now)),
        CheckoutStep::Expire => update.filter(checkout::Column::ExpiresAt.lte(work.now)),
        _ => update,
    };
    let done = update.exec(work.tx()).await?.rows_affected == 1;
    let now = checkout::Entity::find_by_id(row.id).one(work.tx()).await?;
    let now = now.ok_or_else(|| Error::internal("a checkout is gone"))?;
    if done {
        return Ok(now);
    }
    step.from(now.state).map_err(|refusal| refusal.at("id"))?;
    // It may step, and did not: its time is up, and nobody has let it go yet.
    Err(Refusal::new(ErrorCode::HoldExpired).at("id").into())
}

/// Takes a step of all orders of a checkout, and notes it in their timelines; answers with the orders as they are then.
pub(crate) async fn step_orders(
    work: &mut Work,
    checkout: &checkout::Model,
    step: OrderStep,
    note: Option<&str>,
) -> Result<Vec<order::Model>, Error> {
    let (from, to, _) = step.leads();
    let orders = orders_of(work.tx(), checkout.id).await?;
    let ids: Vec<OrderId> = orders.iter().filter(|order| from.contains(&order.state)).map(|order| order.id).collect();
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let done = order::Entity::update_many()
        .col_expr(order::Column::State, Expr::val(to))
        .col_expr(order::Column::Version, Expr::col(order::Column::Version).add(1))
        .col_expr(order::Column::UpdatedAt, Expr::val(work.now))
        .filter(order::Column::Id.is_in(ids.iter().copied()))
        .filter(order::Column::State.is_in(from.iter().copied()))
        .exec(work.tx())
        .await?;
    if done.rows_affected != ids.len() as u64 {
        // Orders step only under the lock of their checkout while it is open.
        return Err(Error::internal("an order stepped without its checkout"));
    }
    let stepped: Vec<order::Model> = orders
        .into_iter()
        .filter(|order| ids.contains(&order.id))
        .map(|order| order::Model { state: to, version: order.version + 1, updated_at: work.now, ..order })
        .collect();
    let actor = work.viewer().subject();
    place::events(work.tx(), &stepped, step, to, &actor, note, work.now).await?;
    for order in &stepped {
        super::orders::told(work, order).await?;
    }
    Ok(stepped)
}

/// Lets go what orders held: allowances, credit, account book, stock, in the order in which they were taken.
pub(crate) async fn let_go(work: &Work, orders: &[order::Model], how: ReservationStep) -> Result<(), Error> {
    let numbers: Vec<&str> = orders.iter().map(|order| order.number.as_str()).collect();
    allowance::release(work.tx(), work.now, &numbers).await?;
    companies::end_credit(work, orders, CreditState::Released).await?;
    let actor = work.viewer().subject();
    let by = ledger::By { actor: &actor, at: work.now };
    for number in &numbers {
        book::unlock(work.tx(), by, number).await?;
    }
    promises::let_go_all(work.tx(), work.now, &numbers, how).await?;
    Ok(())
}

/// An approver of the buying organisation says yes: somebody else than who placed it, of the level that it needs.
pub async fn approve(app: &App, call: &Call, id: CheckoutId) -> Result<checkout::Model, Error> {
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let row = found(&work, id).await?;
    approver(call, &row)?;
    let on_credit = row.terms == PaymentTerms::OnCredit;
    let (how, orders) = if on_credit {
        (CheckoutStep::ApproveOnCredit, OrderStep::Confirm)
    } else {
        (CheckoutStep::Approve, OrderStep::Approve)
    };
    let after = step(&work, &row, how).await?;
    let orders = step_orders(&mut work, &after, orders, None).await?;
    for order in orders.iter().filter(|order| order.location_id.is_some()) {
        match after.expires_at {
            Some(until) => promises::extend(work.tx(), work.now, &order.number, until).await?,
            None => {
                promises::confirm_all(work.tx(), work.now, &order.number).await?;
            }
        }
    }
    audited(&mut work, "approveCheckout", &row, &after);
    work.commit(after).await
}

fn approver(call: &Call, row: &checkout::Model) -> Result<(), Error> {
    let organisation = row.organisation_id.ok_or(Error::Forbidden)?;
    call.may(Action::ApproveOrders, Resource::of(organisation))?;
    if call.viewer.person() == Some(row.person_id) {
        return Err(Refusal::new(ErrorCode::MakerChecker).at("id").into());
    }
    let level = call.viewer.acting.as_ref().map_or(0, |acting| acting.approval_level);
    let needed = row.approval_level.unwrap_or_default();
    if level < needed && !call.viewer.has_any(&[MemberRole::Owner]) {
        return Err(Refusal::new(ErrorCode::OutOfRange)
            .with("min", needed.to_string())
            .with("max", "9")
            .at("id")
            .into());
    }
    Ok(())
}

/// Takes a checkout back before it is paid: the buyer, or an approver who says no.
pub async fn cancel(app: &App, call: &Call, id: CheckoutId, reason: Option<&str>) -> Result<checkout::Model, Error> {
    let reason = given(reason).map(|text| line(text, 300)).transpose();
    let reason = reason.map_err(|refusal| refusal.at("reason"))?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let row = found(&work, id).await?;
    call.may(Action::PlaceOrders, buyers(&row)).or_else(|_| call.may(Action::ApproveOrders, buyers(&row)))?;
    let after = step(&work, &row, CheckoutStep::Cancel).await?;
    let orders = step_orders(&mut work, &after, OrderStep::Cancel, reason.as_deref()).await?;
    let_go(&work, &orders, ReservationStep::Release).await?;
    payments::ops::cancel_open(work.tx(), work.now, &row.number).await?;
    audited(&mut work, "cancelCheckout", &row, &after);
    work.commit(after).await
}

fn audited(work: &mut Work, action: &'static str, before: &checkout::Model, after: &checkout::Model) {
    if let Some(organisation) = after.organisation_id {
        let shown = |row: &checkout::Model| json!({ "number": row.number, "state": row.state });
        work.audit(Some(organisation), action, encode(after.id).0, shown(before), shown(after));
    }
}

/// How a checkout is to be paid.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "described in the schema")]
pub struct Paying {
    pub provider: ProviderKind,
    pub method: Method,
    pub return_url: Option<String>,
    pub openid: Option<String>,
    pub client_ip: Option<String>,
}

/// Begins to pay a checkout. Its time is made longer once, so that a payment that is on its way finds it.
pub async fn pay(app: &App, call: &Call, id: CheckoutId, paying: &Paying) -> Result<(payment::Model, NextStep), Error> {
    let mut work = app.begin(call).await?;
    let payment = if let Some(before) = work.answered::<payment::Model>()? {
        before
    } else {
        let row = found(&work, id).await?;
        call.may(Action::PlaceOrders, buyers(&row))?;
        let until = longer(&work, &row).await?;
        let payer = call.viewer.subject();
        let amount = Money { minor: row.total_minor, currency: row.currency };
        let before = payments::ops::of(work.tx(), &row.number).await?;
        let same = |old: &&payment::Model| (old.provider, old.method) == (paying.provider, paying.method);
        // One that can still be paid is paid; after one that is over, another is begun.
        let key = if let Some(live) = before.iter().filter(same).find(|old| old.state.can_start()) {
            live.request_key.rsplit('#').next().unwrap_or_default().to_owned()
        } else {
            let method = sea_orm::ActiveEnum::to_value(&paying.method);
            format!("{}:{method}:{}", paying.provider.path(), before.len())
        };
        let charge = Charge {
            document: &row.number,
            payer: &payer,
            amount,
            provider: paying.provider,
            method: paying.method,
            expires_at: until,
            at_once: true,
            key: &key,
        };
        let payment = payments::ops::open(work.tx(), work.now, &charge).await?;
        if let Some(organisation) = row.organisation_id {
            let shown = json!({ "number": row.number, "payment": payment.number });
            work.audit(Some(organisation), "payCheckout", encode(id).0, Value::Null, shown);
        }
        work.commit(payment).await?
    };
    let ask = Ask {
        description: format!("Chama {}", payment.document),
        return_url: paying.return_url.clone(),
        openid: paying.openid.clone(),
        client_ip: paying.client_ip.clone(),
    };
    payments::ops::start(app, payment.id, &ask).await
}

/// Asks the providers what has become of the payments of a checkout that waits for one.
pub async fn refresh(app: &App, call: &Call, id: CheckoutId) -> Result<checkout::Model, Error> {
    let db = app.db().read();
    let row = find(db, &call.viewer, id).await?.ok_or_else(|| not_found("id", encode(id).as_str()))?;
    call.may(Action::PlaceOrders, buyers(&row))?;
    for payment in payments::ops::of(db, &row.number).await? {
        let payment = if payment.state.is_live() { payments::ops::look(app, payment.id).await? } else { payment };
        // A job notes it as well; the buyer is here now and does not wait for it.
        jobs::noted(app, &payment).await?;
    }
    Ok(find(app.db().writer(), &call.viewer, id).await?.unwrap_or(row))
}

/// Until when a checkout that is about to be paid is held.
async fn longer(work: &Work, row: &checkout::Model) -> Result<DateTime<Utc>, Error> {
    if row.state != CheckoutState::AwaitingPayment {
        CheckoutStep::Pay.from(row.state).map_err(|refusal| refusal.at("id"))?;
    }
    let expires_at = row.expires_at.filter(|at| *at > work.now);
    let expires_at = expires_at.ok_or_else(|| Refusal::new(ErrorCode::HoldExpired).at("id"))?;
    let until = Ord::max(expires_at, work.now + ON_THE_WAY);
    let done = checkout::Entity::update_many()
        .col_expr(checkout::Column::ExpiresAt, Expr::val(Some(until)))
        .col_expr(checkout::Column::Extended, Expr::val(true))
        .filter(checkout::Column::Id.eq(row.id))
        .filter(checkout::Column::State.eq(CheckoutState::AwaitingPayment))
        .filter(checkout::Column::ExpiresAt.gt(work.now))
        .filter(checkout::Column::Extended.eq(false))
        .exec(work.tx())
        .await?;
    if done.rows_affected != 1 {
        return Ok(expires_at);
    }
    for order in orders_of(work.tx(), row.id).await?.iter().filter(|order| order.location_id.is_some()) {
        promises::extend(work.tx(), work.now, &order.number, until).await?;
    }
    Ok(until)
}

/// Lets go the checkouts whose time is up; answers with how many.
pub async fn expire_due(app: &App, now: DateTime<Utc>) -> Result<usize, Error> {
    let due = checkout::Entity::find()
        .filter(checkout::Column::State.is_in([CheckoutState::AwaitingApproval, CheckoutState::AwaitingPayment]))
        .filter(checkout::Column::ExpiresAt.lte(now))
        .order_by_asc(checkout::Column::ExpiresAt)
        .limit(LET_GO);
    let mut gone = 0;
    for row in due.all(app.db().read()).await? {
        match expire(app, &row).await {
            Ok(()) => gone += 1,
            // It was paid, taken back or let go meanwhile.
            Err(Error::Refused(_)) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(gone)
}

async fn expire(app: &App, row: &checkout::Model) -> Result<(), Error> {
    let mut work = app.begin(&Call::unasked("ordering")).await?;
    let after = step(&work, row, CheckoutStep::Expire).await?;
    let orders = step_orders(&mut work, &after, OrderStep::Expire, None).await?;
    let_go(&work, &orders, ReservationStep::Release).await?;
    payments::ops::cancel_open(work.tx(), work.now, &row.number).await?;
    work.commit(()).await
}
