//! Orders: sent off, taken in, taken back with their money; read, and ordered again.

use customs::requests::TakenBack;
use entities::{
    catalog::offer,
    inventory::ReservationStep,
    ordering::{
        OrderState, OrderStep, cart::MAX_QUANTITY, checkout, order, order_event, order_line, pricing::is_import,
    },
    party::{Action, Resource, Viewer},
    platform::EventKind,
    values::{
        Consignee,
        id::{OfferId, OrderId},
        refusal::line,
    },
};
use inventory::{book, ledger, promises};
use platform::{
    app::{App, Call, Work},
    error::{Error, not_found},
    graphql::encode,
    page::{Cursor, Page, PageArgs},
};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, ExprTrait, Order, QueryFilter, QueryOrder, sea_query::Expr,
};
use serde_json::{Value, json};

use super::{
    carts::{self, CartMode, Change},
    checkouts, place,
};
use crate::{clearance, jobs, parcels};

/// Names of the orders of lists, for cursors.
const NEWEST: &str = "newest-order";
const OLDEST_EVENT: &str = "order-event";
const BY_NUMBER: &str = "order-line";

/// Which orders.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Only those that the organisation acted for sells, or only those that are bought.
    pub selling: Option<bool>,
    /// Only in one of these states.
    pub states: Vec<OrderState>,
    /// Only with this number.
    pub number: Option<String>,
}

/// An order that the viewer may see.
pub async fn find(db: &impl ConnectionTrait, viewer: &Viewer, id: OrderId) -> Result<Option<order::Model>, Error> {
    Ok(order::Entity::visible_to(viewer).filter(order::Column::Id.eq(id)).one(db).await?)
}

/// Orders that the viewer may see, newest first.
pub async fn list(
    db: &impl ConnectionTrait,
    viewer: &Viewer,
    filter: &Filter,
    page: &PageArgs,
) -> Result<Page<order::Model>, Error> {
    let own = viewer.organisation();
    let side = match (filter.selling, own) {
        (Some(true), Some(own)) => Some(order::Column::SellerId.eq(own)),
        (Some(true), None) => Some(Expr::val(false)),
        (Some(false), Some(own)) => Some(order::Column::SellerId.ne(own)),
        _ => None,
    };
    let only = Condition::all()
        .add_option(side)
        .add_option((!filter.states.is_empty()).then(|| order::Column::State.is_in(filter.states.iter().copied())))
        .add_option(filter.number.as_ref().map(|number| order::Column::Number.eq(number)));
    page.by_id(db, order::Entity::visible_to(viewer).filter(only), order::Column::Id, NEWEST, Order::Desc).await
}

/// The cursor of an order in that list.
pub fn cursor(row: &order::Model) -> Cursor {
    Cursor::of_id(NEWEST, row.id)
}

/// What happened to an order, oldest first.
pub async fn timeline(
    db: &impl ConnectionTrait,
    id: OrderId,
    page: &PageArgs,
) -> Result<Page<order_event::Model>, Error> {
    let list = order_event::Entity::find().filter(order_event::Column::OrderId.eq(id));
    page.by_id(db, list, order_event::Column::Id, OLDEST_EVENT, Order::Asc).await
}

/// The cursor of an event in that list.
pub fn event_cursor(row: &order_event::Model) -> Cursor {
    Cursor::of_id(OLDEST_EVENT, row.id)
}

/// The cursor of a line among those of its order.
pub fn line_cursor(row: &order_line::Model) -> Cursor {
    Cursor::at(BY_NUMBER, usize::try_from(row.number).unwrap_or_default())
}

async fn lines(db: &impl ConnectionTrait, id: OrderId) -> Result<Vec<order_line::Model>, Error> {
    let lines = order_line::Entity::find().filter(order_line::Column::OrderId.eq(id));
    Ok(lines.order_by_asc(order_line::Column::Number).all(db).await?)
}

/// Tells whoever sells an order, and the organisation that buys it, that it changed.
pub(crate) async fn told(work: &mut Work, order: &order::Model) -> Result<(), Error> {
    let node = encode(order.id).0;
    work.tell(order.seller_id, EventKind::OrderChanged, node.clone(), order.version).await?;
    match order.organisation_id.filter(|buyer| *buyer != order.seller_id) {
        Some(buyer) => work.tell(buyer, EventKind::OrderChanged, node, order.version).await,
        None => Ok(()),
    }
}

async fn found(work: &Work, id: OrderId) -> Result<order::Model, Error> {
    find(work.tx(), work.viewer(), id).await?.ok_or_else(|| not_found("id", encode(id).as_str()))
}

/// Takes a step of one order; the guard is in the UPDATE.
pub(crate) async fn step(
    work: &mut Work,
    row: &order::Model,
    step: OrderStep,
    note: Option<&str>,
) -> Result<order::Model, Error> {
    let (from, to, _) = step.leads();
    let done = order::Entity::update_many()
        .col_expr(order::Column::State, Expr::val(to))
        .col_expr(order::Column::Version, Expr::col(order::Column::Version).add(1))
        .col_expr(order::Column::UpdatedAt, Expr::val(work.now))
        .filter(order::Column::Id.eq(row.id))
        .filter(order::Column::State.is_in(from.iter().copied()))
        .exec(work.tx())
        .await?;
    let now = order::Entity::find_by_id(row.id).one(work.tx()).await?;
    let now = now.ok_or_else(|| Error::internal("an order is gone"))?;
    if done.rows_affected != 1 {
        return Err(step.refused(now.state).at("id").into());
    }
    let actor = work.viewer().subject();
    place::events(work.tx(), std::slice::from_ref(&now), step, to, &actor, note, work.now).await?;
    told(work, &now).await?;
    Ok(now)
}

fn audited(work: &mut Work, action: &'static str, before: &order::Model, after: &order::Model) {
    let shown = |row: &order::Model| json!({ "number": row.number, "state": row.state });
    work.audit(Some(after.seller_id), action, encode(after.id).0, shown(before), shown(after));
}

/// The seller sends an order off: its goods leave the warehouse. What is imported goes when customs has released it.
pub async fn ship(app: &App, call: &Call, id: OrderId, waybill: &str) -> Result<order::Model, Error> {
    let waybill = line(waybill, 60).map_err(|refusal| refusal.at("waybill"))?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let row = found(&work, id).await?;
    call.may(Action::FulfilOrders, Resource::of(row.seller_id))?;
    if row.state == OrderState::Confirmed && is_import(row.supply_mode) {
        clearance::may_go(work.tx(), &row).await?;
        if parcels::has_one(work.tx(), &row).await? {
            // Its parcel is packed and let out of the gate, which sends the order off.
            return Err(OrderStep::Ship.refused(row.state).at("id").into());
        }
    }
    let after = sent_off(&mut work, &row, &waybill).await?;
    audited(&mut work, "shipOrder", &row, &after);
    work.commit(after).await
}

/// An order is sent off: its goods leave the warehouse, and the account book.
pub(crate) async fn sent_off(work: &mut Work, row: &order::Model, waybill: &str) -> Result<order::Model, Error> {
    let after = step(work, row, OrderStep::Ship, Some(waybill)).await?;
    if row.location_id.is_some() {
        let customer = inventory::ops::customer_of(work.tx(), work.now, row.seller_id).await?;
        let actor = work.viewer().subject();
        let by = ledger::By { actor: &actor, at: work.now };
        // What leaves the bonded warehouse leaves its account book: the book before the stock, as when it was placed.
        book::reduce(work.tx(), by, &row.number).await?;
        promises::consume_all(work.tx(), by, &row.number, customer).await?;
    }
    Ok(after)
}

/// Who buys it.
pub(crate) fn buyers(row: &order::Model) -> Resource {
    match row.organisation_id {
        Some(organisation) => Resource::of(organisation),
        None => Resource::of_person(row.person_id),
    }
}

/// The buyer has taken the goods in.
pub async fn complete(app: &App, call: &Call, id: OrderId) -> Result<order::Model, Error> {
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let row = found(&work, id).await?;
    call.may(Action::PlaceOrders, buyers(&row))?;
    if is_import(row.supply_mode) {
        // The declaration first, as everyone locks.
        customs::lists::lock_document(work.tx(), &row.number).await?;
    }
    let after = step(&mut work, &row, OrderStep::Complete, None).await?;
    if is_import(row.supply_mode) {
        let at = work.now;
        customs::underway::signed_for(app, &mut work, &row.number, at).await?;
    }
    work.commit(after).await
}

/// Takes back an order that is paid or on credit and was not sent off: what it held is let go, its money goes back. The
/// buyer or the seller does it. Of an import whose list customs has, customs is asked first. Before it is paid the whole
/// checkout is taken back: one order of it cannot be paid alone.
pub async fn cancel(app: &App, call: &Call, id: OrderId, reason: &str) -> Result<order::Model, Error> {
    let reason = line(reason, 300).map_err(|refusal| refusal.at("reason"))?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let row = found(&work, id).await?;
    call.may(Action::PlaceOrders, buyers(&row))
        .or_else(|_| call.may(Action::FulfilOrders, Resource::of(row.seller_id)))?;
    if row.state != OrderState::Confirmed {
        return Err(OrderStep::Cancel.refused(row.state).at("id").into());
    }
    if customs::requests::take_back(app, &mut work, &row.number, &reason).await? == TakenBack::Asked {
        // Customs has the list: the order is taken back when it agrees, and until then stays inside the gate.
        clearance::keep_inside(&mut work, &row).await?;
        let actor = work.viewer().subject();
        let one = std::slice::from_ref(&row);
        place::events(work.tx(), one, OrderStep::AskCancel, row.state, &actor, Some(&reason), work.now).await?;
        told(&mut work, &row).await?;
        audited(&mut work, "cancelOrder", &row, &row);
        return work.commit(row).await;
    }
    let after = cancelled(&mut work, &row, &reason).await?;
    audited(&mut work, "cancelOrder", &row, &after);
    work.commit(after).await
}

/// Takes a confirmed order back: what it held is let go, its money goes back.
pub(crate) async fn cancelled(work: &mut Work, row: &order::Model, reason: &str) -> Result<order::Model, Error> {
    let after = step(work, row, OrderStep::Cancel, Some(reason)).await?;
    checkouts::let_go(work, std::slice::from_ref(&after), ReservationStep::Release).await?;
    logistics::ops::cancel(work, &row.number).await?;
    let of = checkout::Entity::find_by_id(row.checkout_id).one(work.tx()).await?;
    if let Some((number, payment)) = of.and_then(|checkout| Some((checkout.number, checkout.paid_by?))) {
        let share = jobs::share(row);
        payments::ledger::un_allot(work.tx(), work.now, &number, payment, &share, &row.number).await?;
        let all: Vec<(i32, i64)> =
            lines(work.tx(), row.id).await?.iter().map(|line| (line.number, line.goods_minor)).collect();
        let of = (payment, number.as_str());
        showroom::attribution::came_back(work.tx(), work.now, of, &row.number, &all, "cancelled").await?;
        let key = format!("order:{}", row.number);
        payments::refunds::refund(work.tx(), work.now, payment, row.total_minor, reason, &key).await?;
    }
    Ok(after)
}

/// Puts the lines of an order into the cart again, as far as they are still offered.
pub async fn reorder(app: &App, call: &Call, id: OrderId) -> Result<carts::View, Error> {
    let db = app.db().read();
    let row = find(db, &call.viewer, id).await?.ok_or_else(|| not_found("id", encode(id).as_str()))?;
    call.may(Action::PlaceOrders, buyers(&row))?;
    let lines = lines(db, row.id).await?;
    let offered = offer::Entity::visible_to(&call.viewer)
        .filter(offer::Column::Id.is_in(lines.iter().map(|line| line.offer_id)))
        .all(db)
        .await?;
    let mut wanted: Vec<(OfferId, i32)> = Vec::new();
    for line in lines.iter().filter(|line| offered.iter().any(|offer| offer.id == line.offer_id)) {
        // A line that was divided over warehouses is one again in the cart.
        match wanted.iter_mut().find(|(offer, _)| *offer == line.offer_id) {
            Some((_, quantity)) => *quantity = Ord::min(quantity.saturating_add(line.quantity), MAX_QUANTITY),
            None => wanted.push((line.offer_id, line.quantity)),
        }
    }
    carts::change(app, call, &Change { mode: CartMode::Add, lines: wanted, ..Change::default() }).await
}

/// Reads in clear who takes the goods in; whoever reads for a seller leaves an entry in its audit.
pub async fn reveal_consignee(app: &App, call: &Call, id: OrderId, reason: &str) -> Result<Consignee, Error> {
    let reason = line(reason, 300).map_err(|refusal| refusal.at("reason"))?;
    let mut work = app.begin(&call.unrepeatable()).await?;
    let row = found(&work, id).await?;
    call.may(Action::PlaceOrders, buyers(&row))
        // Who runs a store fulfils orders, and does not learn who the buyers are.
        .or_else(|_| call.may(Action::RevealShipments, Resource::of(row.seller_id)))?;
    let checkout = checkout::Entity::find_by_id(row.checkout_id).one(work.tx()).await?;
    let checkout = checkout.ok_or_else(|| Error::internal("a checkout is gone"))?;
    let consignee = place::consignee(app.vault(), &checkout)?;
    work.audit(Some(row.seller_id), "revealConsignee", encode(row.id).0, Value::Null, json!({ "reason": reason }));
    work.commit(()).await?;
    Ok(consignee)
}

/// A seller notes that an order on credit was paid.
pub async fn settle_credit(app: &App, call: &Call, id: OrderId) -> Result<order::Model, Error> {
    let row = find(app.db().read(), &call.viewer, id).await?.ok_or_else(|| not_found("id", encode(id).as_str()))?;
    super::companies::settle_credit(app, call, &row).await?;
    Ok(row)
}
