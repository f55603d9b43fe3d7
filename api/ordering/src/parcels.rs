//! An import's parcel: booked with the carrier when the order is paid, so that customs can be told its number; let out of the
//! gate when customs has let it go; signed for.
//!
//! Only with carriers that are reached by a program. Where people speak with the carrier, the seller says the number when
//! the order is sent off, and the carrier gives customs its own paper.

use chrono::Duration;
use entities::{
    logistics::{ShipmentState, TransportMode, shipment},
    ordering::{OrderState, OrderStep, checkout, order, order_line, pricing::is_import},
    values::id::OrderId,
};
use logistics::{jobs::Moved, ops::Opening};
use platform::{
    app::{App, Call, Work},
    error::Error,
    jobs::{Job, Verdict},
};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder};
use serde::{Deserialize, Serialize};

use super::{
    clearance,
    ops::{orders, place},
};

/// How long it takes until it is looked again whether a seller has said who carries.
const LOOKED_AGAIN: Duration = Duration::minutes(1);

/// Books the parcel of an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BookParcel {
    /// Which order.
    pub order: OrderId,
    /// Its number.
    pub document: String,
}

impl Job for BookParcel {
    const KIND: &'static str = "ordering.parcel";
    fn aggregate(&self) -> String {
        format!("parcel:{}", self.document)
    }
}

/// Does [`BookParcel`].
pub async fn book(app: &App, job: BookParcel) -> Result<Verdict, Error> {
    let mut work = app.begin(&Call::unasked("ordering")).await?;
    // The declaration is locked first: whoever takes the order back meanwhile waits, or is done.
    if customs::requests::waits(work.tx(), &job.document).await? {
        return Ok(Verdict::Later { at: work.now + LOOKED_AGAIN });
    }
    let row = order::Entity::find_by_id(job.order).one(work.tx()).await?;
    let Some(row) = row.filter(|row| row.state == OrderState::Confirmed && is_import(row.supply_mode)) else {
        return Ok(Verdict::Done);
    };
    let Some(arranged) = customs::arrangements::of(work.tx(), row.seller_id, row.supply_mode).await? else {
        return Ok(Verdict::Later { at: work.now + LOOKED_AGAIN });
    };
    if arranged.waybill_by_party || !logistics::by_program(work.tx(), arranged.carrier_id).await? {
        return Ok(Verdict::Done);
    }
    let checkout = checkout::Entity::find_by_id(row.checkout_id).one(work.tx()).await?;
    let checkout = checkout.ok_or_else(|| Error::internal("a checkout is gone"))?;
    let consignee = place::consignee(app.vault(), &checkout)?;
    let lines = order_line::Entity::find()
        .filter(order_line::Column::OrderId.eq(row.id))
        .order_by_asc(order_line::Column::Number)
        .all(work.tx())
        .await?;
    let inside: Vec<shipment::Line> = lines
        .iter()
        .map(|line| shipment::Line {
            variant: line.variant_id,
            name: line.name.clone(),
            quantity: i64::from(line.quantity),
        })
        .collect();
    let Some(weight) = customs::lists::gross_weight_g(work.tx(), &row.number).await? else {
        return Ok(Verdict::Done);
    };
    let opening = Opening {
        document: &row.number,
        owner: row.seller_id,
        buyer: None,
        person: Some(row.person_id),
        carrier: arranged.carrier_id,
        mode: TransportMode::Courier,
        from: row.location_id,
        origin: "",
        destination: &checkout.division,
        gross_weight_g: weight,
        consignee: &consignee,
        lines: &inside,
        needs_release: true,
        temperature: None,
        promised_at: None,
    };
    let opened = logistics::ops::open(app, &mut work, &opening).await?;
    numbered(app, &mut work, &opened).await?;
    work.commit(()).await?;
    Ok(Verdict::Done)
}

/// Customs is told the number of a parcel, once it has one.
async fn numbered(app: &App, work: &mut Work, parcel: &shipment::Model) -> Result<(), Error> {
    match &parcel.waybill {
        Some(number) => {
            let (document, weight) = (&parcel.document, parcel.gross_weight_g);
            customs::underway::waybill_known(app, work, document, number, weight).await
        }
        None => Ok(()),
    }
}

/// Does [`Moved`]: what follows for the order. Each may be told any number of times.
pub async fn moved(app: &App, told: Moved) -> Result<Verdict, Error> {
    let mut work = app.begin(&Call::unasked("ordering")).await?;
    let row = order::Entity::find().filter(order::Column::Number.eq(&told.document)).one(work.tx()).await?;
    let parcel = shipment::Entity::find_by_id(told.shipment).one(work.tx()).await?;
    // A shipment of another context.
    let Some((row, parcel)) = row.zip(parcel) else { return Ok(Verdict::Done) };
    match told.what {
        ShipmentState::Planned | ShipmentState::Packed => numbered(app, &mut work, &parcel).await?,
        ShipmentState::GateOut if row.state == OrderState::Confirmed => {
            let number = parcel.waybill.clone().unwrap_or_default();
            orders::sent_off(&mut work, &row, &number).await?;
        }
        // What was told and is not so any more was declared in error meanwhile.
        what if what != parcel.state => return Ok(Verdict::Done),
        // Told out of turn: that it left the gate is not done yet.
        ShipmentState::Signed if row.state == OrderState::Confirmed => {
            return Ok(Verdict::Again { after: None, reason: "the order was not sent off yet".into() });
        }
        ShipmentState::Signed if row.state == OrderState::Shipped => {
            customs::lists::lock_document(work.tx(), &row.number).await?;
            orders::step(&mut work, &row, OrderStep::Complete, None).await?;
            let at = parcel.signed_at.unwrap_or(work.now);
            customs::underway::signed_for(app, &mut work, &row.number, at).await?;
        }
        ShipmentState::Refused => clearance::note(&mut work, &row, OrderStep::ParcelRefused, None).await?,
        ShipmentState::Lost => clearance::note(&mut work, &row, OrderStep::ParcelLost, None).await?,
        ShipmentState::Returned => clearance::note(&mut work, &row, OrderStep::ParcelReturned, None).await?,
        _ => return Ok(Verdict::Done),
    }
    work.commit(()).await?;
    Ok(Verdict::Done)
}

/// Whether the parcel of an order is out of the gate.
pub(super) async fn is_out(db: &impl ConnectionTrait, row: &order::Model) -> Result<bool, Error> {
    let found = shipment::Entity::find().filter(shipment::Column::Document.eq(&row.number));
    Ok(found.one(db).await?.is_some_and(|parcel| parcel.state.is_out()))
}

/// Whether an order has a parcel that leaves by the gate.
pub(super) async fn has_one(db: &impl ConnectionTrait, row: &order::Model) -> Result<bool, Error> {
    let found = shipment::Entity::find().filter(shipment::Column::Document.eq(&row.number));
    Ok(found.one(db).await?.is_some_and(|parcel| parcel.state != ShipmentState::Cancelled))
}
