//! Devices of staff: made known, given pieces to sell without a network; and what they sold beyond them is decided.

use chrono::{DateTime, Duration, Utc};
use entities::{
    inventory::{MoveReason, ReservationKind, ReservationState, ReservationStep, balance, reservation},
    party::Action,
    showroom::{CounterSaleState, UnitClass, counter_sale, device, lease},
    values::{
        ErrorCode, Refusal,
        id::{CounterSaleId, DeviceId, LeaseId, PersonId, ShowroomId, StockBalanceId},
        refusal::line,
    },
};
use inventory::{
    ledger::{self, By, Moving, Place},
    promises::{self, Purpose},
};
use platform::{
    app::{App, Call, Work},
    db::{Dialect, dialect},
    error::{Error, not_found},
    graphql::encode,
    page::{Cursor, Page, PageArgs},
};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, Order, PaginatorTrait, QueryFilter, QueryOrder,
    QuerySelect,
    sea_query::{Expr, LockType},
};
use serde_json::{Value, json};

use super::{classes::lying_in, store_for, store_of};

/// Name of the order, for cursors.
const NEWEST: &str = "counter-sale";
/// How long a device that is not heard of counts as one.
const IN_USE: Duration = Duration::days(30);
/// Most devices of a person in a showroom.
const MOST_DEVICES: u64 = 10;
/// How long a lease lasts at most: a working day.
pub const LONGEST: Duration = Duration::hours(12);

fn myself(call: &Call) -> Result<PersonId, Error> {
    call.viewer.person().ok_or(Error::Forbidden)
}

/// Makes a device of one's own known in a showroom.
pub async fn register(app: &App, call: &Call, id: ShowroomId, name: &str) -> Result<device::Model, Error> {
    let (person, name) = (myself(call)?, line(name, 60).map_err(|refusal| refusal.at("name"))?);
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let store = store_for(work.tx(), &call.viewer, Action::WorkShowrooms, id, "showroomId").await?;
    let known = device::Entity::find()
        .filter(device::Column::PersonId.eq(person))
        .filter(device::Column::ShowroomId.eq(id))
        .filter(device::Column::SeenAt.gt(work.now - IN_USE))
        .count(work.tx())
        .await?;
    if known >= MOST_DEVICES {
        return Err(Refusal::new(ErrorCode::TooMany).with("max", MOST_DEVICES.to_string()).at("name").into());
    }
    let row = device::Model {
        id: DeviceId::new(work.now),
        showroom_id: id,
        person_id: person,
        name,
        last_seq: 0,
        made_at: work.now,
        seen_at: work.now,
    };
    device::Entity::insert(row.clone().into_active_model()).exec_without_returning(work.tx()).await?;
    work.audit(Some(store.organisation_id), "registerShowroomDevice", encode(row.id).0, Value::Null, json!(row.name));
    work.commit(row).await
}

/// A device of one's own.
pub(crate) async fn own(db: &impl ConnectionTrait, call: &Call, id: DeviceId) -> Result<device::Model, Error> {
    let person = myself(call)?;
    let row = device::Entity::find_by_id(id).one(db).await?.filter(|row| row.person_id == person);
    row.ok_or_else(|| not_found("deviceId", encode(id).as_str()))
}

/// The document of a lease's promises.
fn leased_as(id: LeaseId) -> String {
    format!("lease:{id}")
}

/// Promises pieces of what is sold to a device, one by one, until a moment.
pub async fn lend(
    app: &App,
    call: &Call,
    id: DeviceId,
    of: StockBalanceId,
    quantity: i32,
    until: DateTime<Utc>,
) -> Result<lease::Model, Error> {
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let device = own(work.tx(), call, id).await?;
    let store = store_for(work.tx(), &call.viewer, Action::WorkShowrooms, device.showroom_id, "deviceId").await?;
    if !(1..=lease::MOST).contains(&quantity) {
        let range = Refusal::new(ErrorCode::OutOfRange).with("min", "1").with("max", lease::MOST.to_string());
        return Err(range.at("quantity").into());
    }
    if until <= work.now || until > work.now + LONGEST {
        let range = Refusal::new(ErrorCode::OutOfRange).with("min", work.now.to_rfc3339());
        return Err(range.with("max", (work.now + LONGEST).to_rfc3339()).at("until").into());
    }
    let row = saleable(&work, &store, of).await?;
    let made = lease::Model {
        id: LeaseId::new(work.now),
        showroom_id: store.id,
        device_id: id,
        balance_id: row.id,
        variant_id: row.variant_id,
        quantity,
        until,
        made_at: work.now,
    };
    let document = leased_as(made.id);
    let pieces: Vec<(balance::Model, i64)> = (0..quantity).map(|_| (row.clone(), 1)).collect();
    let purpose = Purpose { kind: ReservationKind::Lease, document: &document, key: &document, until };
    promises::hold_these(work.tx(), work.now, &pieces, purpose).await.map_err(|error| error.of("quantity"))?;
    lease::Entity::insert(made.clone().into_active_model()).exec_without_returning(work.tx()).await?;
    let shown = json!({ "quantity": quantity, "until": until });
    work.audit(Some(store.organisation_id), "leaseStock", encode(made.id).0, Value::Null, shown);
    work.commit(made).await
}

/// A balance of the showroom's back room, from which is sold.
async fn saleable(
    work: &Work,
    store: &entities::showroom::store::Model,
    id: StockBalanceId,
) -> Result<balance::Model, Error> {
    let found = lying_in(work.tx(), store, &[id]).await.map_err(|error| error.of("balanceId"))?;
    match found.into_iter().next() {
        Some((row, UnitClass::Saleable)) => Ok(row),
        _ => Err(not_found("balanceId", encode(id).as_str())),
    }
}

/// The pieces of a device's leases of a balance that it may still sell, those first that were leased first.
async fn left(
    tx: &impl ConnectionTrait,
    now: DateTime<Utc>,
    device: DeviceId,
    of: StockBalanceId,
) -> Result<Vec<reservation::Model>, Error> {
    let leases = lease::Entity::find()
        .filter(lease::Column::DeviceId.eq(device))
        .filter(lease::Column::BalanceId.eq(of))
        .filter(lease::Column::Until.gt(now));
    let documents = leases.all(tx).await?.into_iter().map(|row| leased_as(row.id));
    let mut held = reservation::Entity::find()
        .filter(reservation::Column::Document.is_in(documents))
        .filter(reservation::Column::State.eq(ReservationState::Held))
        .filter(reservation::Column::ExpiresAt.gt(now))
        .order_by_asc(reservation::Column::Id);
    if dialect(tx) == Dialect::Postgres {
        // Nobody sweeps them away between this look and the sale.
        held = held.lock(LockType::Update);
    }
    Ok(held.all(tx).await?)
}

/// How many pieces a lease still has.
pub async fn left_of(db: &impl ConnectionTrait, id: LeaseId, now: DateTime<Utc>) -> Result<i64, Error> {
    let held = reservation::Entity::find()
        .filter(reservation::Column::Document.eq(leased_as(id)))
        .filter(reservation::Column::State.eq(ReservationState::Held))
        .filter(reservation::Column::ExpiresAt.gt(now))
        .count(db)
        .await?;
    i64::try_from(held).map_err(Error::internal)
}

/// Leases of a device that are not over.
pub async fn leases(
    db: &impl ConnectionTrait,
    device: DeviceId,
    now: DateTime<Utc>,
) -> Result<Vec<lease::Model>, Error> {
    let rows = lease::Entity::find().filter(lease::Column::DeviceId.eq(device)).filter(lease::Column::Until.gt(now));
    Ok(rows.order_by_asc(lease::Column::Id).all(db).await?)
}

/// Gives a lease back: its pieces are free again.
pub async fn give_back(app: &App, call: &Call, id: LeaseId) -> Result<lease::Model, Error> {
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let unknown = || not_found("id", encode(id).as_str());
    let row = lease::Entity::find_by_id(id).one(work.tx()).await?.ok_or_else(unknown)?;
    let device = own(work.tx(), call, row.device_id).await.map_err(|error| error.of("id"))?;
    let store = store_for(work.tx(), &call.viewer, Action::WorkShowrooms, device.showroom_id, "id").await?;
    let freed = promises::let_go(work.tx(), work.now, &leased_as(id), ReservationStep::Release).await?;
    let after = lease::Model { until: work.now, ..row };
    lease::Entity::update_many()
        .col_expr(lease::Column::Until, Expr::val(work.now))
        .filter(lease::Column::Id.eq(id))
        .exec(work.tx())
        .await?;
    work.audit(Some(store.organisation_id), "returnStockLease", encode(id).0, Value::Null, json!(freed));
    work.commit(after).await
}

/// A sale at the counter that a device made.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the columns of the sale")]
pub struct Selling {
    pub balance: StockBalanceId,
    pub quantity: i32,
    pub receipt: String,
    pub occurred_at: DateTime<Utc>,
}

/// Pieces of a lease go to whoever bought them; what there is no lease for is asked for, and stays until it is decided.
pub(crate) async fn sold(
    work: &mut Work,
    device: &device::Model,
    selling: &Selling,
) -> Result<counter_sale::Model, Error> {
    let receipt = line(&selling.receipt, 60).map_err(|refusal| refusal.at("receipt"))?;
    let store = store_for(work.tx(), work.viewer(), Action::WorkShowrooms, device.showroom_id, "deviceId").await?;
    if !(1..=lease::MOST).contains(&selling.quantity) {
        let range = Refusal::new(ErrorCode::OutOfRange).with("min", "1").with("max", lease::MOST.to_string());
        return Err(range.at("quantity").into());
    }
    let row = saleable(work, &store, selling.balance).await?;
    let mut pieces = left(work.tx(), work.now, device.id, row.id).await?;
    let wanted = usize::try_from(selling.quantity).map_err(Error::internal)?;
    let state = if pieces.len() >= wanted { CounterSaleState::Done } else { CounterSaleState::Requested };
    if state == CounterSaleState::Done {
        pieces.truncate(wanted);
        let customer = inventory::ops::customer_of(work.tx(), work.now, store.organisation_id).await?;
        let actor = work.viewer().subject();
        for piece in &pieces {
            promises::confirm(work.tx(), work.now, piece.id).await?;
            promises::consume(work.tx(), By { actor: &actor, at: work.now }, piece.id, customer).await?;
        }
    }
    let made = counter_sale::Model {
        id: CounterSaleId::new(work.now),
        showroom_id: store.id,
        device_id: device.id,
        receipt: receipt.clone(),
        variant_id: row.variant_id,
        balance_id: row.id,
        quantity: selling.quantity,
        state,
        occurred_at: selling.occurred_at,
        decided_by: None,
        decided_at: None,
    };
    let written =
        counter_sale::Entity::insert(made.clone().into_active_model()).exec_without_returning(work.tx()).await;
    written.map_err(|error| {
        platform::error::taken(error, "counter_sale", &["device_id", "receipt", "balance_id"], "receipt", &receipt)
    })?;
    let shown = json!({ "receipt": made.receipt, "quantity": made.quantity, "state": made.state });
    work.audit(Some(store.organisation_id), "sellAtCounter", encode(made.id).0, Value::Null, shown);
    Ok(made)
}

/// Decides about a sale that there was no lease for: the pieces go, when there are any, or stay. Somebody who keeps the
/// showroom does.
pub async fn decide(app: &App, call: &Call, id: CounterSaleId, accept: bool) -> Result<counter_sale::Model, Error> {
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let unknown = || not_found("id", encode(id).as_str());
    let row = counter_sale::Entity::find_by_id(id).one(work.tx()).await?.ok_or_else(unknown)?;
    let store = store_of(work.tx(), &call.viewer, Action::KeepShowrooms, row.showroom_id, unknown).await?;
    let to = if accept { CounterSaleState::Done } else { CounterSaleState::Declined };
    let by = work.viewer().subject();
    let done = counter_sale::Entity::update_many()
        .col_expr(counter_sale::Column::State, Expr::val(to))
        .col_expr(counter_sale::Column::DecidedBy, Expr::val(Some(by.clone())))
        .col_expr(counter_sale::Column::DecidedAt, Expr::val(Some(work.now)))
        .filter(counter_sale::Column::Id.eq(id))
        .filter(counter_sale::Column::State.eq(CounterSaleState::Requested))
        .exec(work.tx())
        .await?;
    if done.rows_affected != 1 {
        let from = async_graphql::Value::from(row.state).to_string();
        let refusal = Refusal::new(ErrorCode::IllegalTransition).with("from", from).with("action", "DECIDE");
        return Err(refusal.at("id").into());
    }
    if accept {
        let of = saleable(&work, &store, row.balance_id).await?;
        let customer = inventory::ops::customer_of(work.tx(), work.now, store.organisation_id).await?;
        let moving = Moving {
            from: Place::of(&of),
            to: (customer, of.status),
            quantity: i64::from(row.quantity),
            reason: MoveReason::Shipment,
            document: row.receipt.clone(),
            reverses: None,
        };
        let posted = ledger::post(work.tx(), By { actor: &by, at: work.now }, &[moving]).await;
        posted.map_err(|error| error.of("id"))?;
    }
    let after = counter_sale::Model { state: to, decided_by: Some(by), decided_at: Some(work.now), ..row.clone() };
    work.audit(Some(store.organisation_id), "decideCounterSale", encode(id).0, json!(row.state), json!(to));
    work.commit(after).await
}

/// Sales at the counter of a showroom, newest first.
pub async fn sales(
    db: &impl ConnectionTrait,
    id: ShowroomId,
    page: &PageArgs,
) -> Result<Page<counter_sale::Model>, Error> {
    let list = counter_sale::Entity::find().filter(counter_sale::Column::ShowroomId.eq(id));
    page.by_id(db, list, counter_sale::Column::Id, NEWEST, Order::Desc).await
}

/// The cursor of a sale in that list.
pub fn sale_cursor(row: &counter_sale::Model) -> Cursor {
    Cursor::of_id(NEWEST, row.id)
}
