//! What is done after a change. Each handler reads anew what its ids name, and may run twice.

use entities::{
    logistics::{Adapter, Booking, ShipmentState, shipment, waybill},
    values::{Consignee, id::ShipmentId},
};
use platform::{
    app::{App, Call},
    carrier::{Carrier, Content, Failure, Parcel},
    error::{Error, violates_unique},
    jobs::{Job, Verdict},
};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, sea_query::Expr};
use serde::{Deserialize, Serialize};

use super::{adapter, ops, setting, simulator};

/// What became of a shipment: its state, its number or what its carrier said is another. Written in the transaction in
/// which it became so, done by whoever the document belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moved {
    /// Which shipment.
    pub shipment: ShipmentId,
    /// The document that it carries out.
    pub document: String,
    /// The state that it is in then.
    pub what: ShipmentState,
}

impl Job for Moved {
    const KIND: &'static str = "logistics.moved";
    fn aggregate(&self) -> String {
        format!("document:{}", self.document)
    }
}

/// Declares a job about one shipment; all of a shipment are done in order, so a carrier knows of a parcel before it comes.
macro_rules! about_a_shipment {
    ($($(#[$doc:meta])* $name:ident is $kind:literal;)+) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, Serialize, Deserialize)]
        pub struct $name {
            /// Which shipment.
            pub shipment: ShipmentId,
        }

        impl Job for $name {
            const KIND: &'static str = $kind;
            fn aggregate(&self) -> String {
                format!("shipment:{}", self.shipment)
            }
        }
    )+};
}

about_a_shipment! {
    /// Tells the carrier of a shipment that will come, and gets its number.
    Book is "logistics.book";
    /// Tells the carrier that it will not come.
    CallOff is "logistics.call_off";
    /// Tells the carrier that it is out of the gate.
    HandOver is "logistics.hand_over";
}

async fn found(app: &App, id: ShipmentId) -> Result<Option<shipment::Model>, Error> {
    Ok(shipment::Entity::find_by_id(id).one(app.db().writer()).await?)
}

fn again(failure: &Failure) -> Verdict {
    Verdict::Again { after: None, reason: failure.told() }
}

/// What a carrier is told of a shipment.
fn parcel(app: &App, row: &shipment::Model) -> Result<Parcel, Error> {
    let text = app.vault().unseal_text(&ops::consignee_place(row.id), &row.consignee)?;
    let consignee: Consignee = serde_json::from_str(&text).map_err(Error::internal)?;
    let zh = entities::values::Locale::zh_cn();
    let content = |line: &shipment::Line| Content {
        name: line.name.read(&zh).unwrap_or_default().to_owned(),
        quantity: line.quantity,
    };
    Ok(Parcel {
        key: row.id.to_string(),
        document: row.document.clone(),
        number: row.waybill.clone(),
        mode: row.mode,
        origin: row.origin.clone(),
        destination: row.destination.clone(),
        consignee,
        gross_weight_g: row.gross_weight_g,
        contents: row.lines.0.iter().map(content).collect(),
    })
}

/// Does [`Book`].
pub async fn book(app: &App, job: Book) -> Result<Verdict, Error> {
    let Some(row) = found(app, job.shipment).await? else { return Ok(Verdict::Done) };
    if row.booking != Booking::Open || row.state == ShipmentState::Cancelled {
        return Ok(Verdict::Done);
    }
    let Some(carrier) = adapter(app, row.carrier_id).await? else { return Ok(Verdict::Done) };
    let parcel = parcel(app, &row)?;
    asks(app, row.id).await?;
    let number = match carrier.book(&parcel).await {
        Ok(number) => number,
        Err(Failure::Refused(why)) => {
            tracing::warn!(shipment = %row.id, why, "a carrier refuses a shipment");
            return rejected(app, row.id).await;
        }
        Err(failure) => return Ok(again(&failure)),
    };
    let Some(number) = waybill::read(&number) else {
        tracing::warn!(shipment = %row.id, "a carrier answers with what is no waybill number");
        return unusable(app, carrier.as_ref(), row.id).await;
    };
    let mut work = app.begin(&Call::unasked("logistics")).await?;
    let row = ops::locked(work.tx(), row.id).await?;
    if row.booking != Booking::Open {
        return Ok(Verdict::Done);
    }
    let next = shipment::Model { waybill: Some(number), booking: Booking::Booked, ..row.clone() };
    match ops::written(&mut work, &row, next).await {
        Ok(next) if next.state == ShipmentState::Cancelled => {
            // Taken back while the carrier was asked.
            work.enqueue(&CallOff { shipment: next.id }).await?;
        }
        Ok(_) => {}
        Err(ops::Unwritten::Db(error)) if violates_unique(&error, "shipment", &["carrier_id", "waybill"]) => {
            tracing::warn!(shipment = %row.id, "a carrier gives a number that another parcel has");
            drop(work);
            return unusable(app, carrier.as_ref(), row.id).await;
        }
        Err(error) => return Err(error.into()),
    }
    work.commit(()).await?;
    Ok(Verdict::Done)
}

/// Notes that a carrier is told of a shipment. Before it is: who never answers may know of it all the same.
async fn asks(app: &App, id: ShipmentId) -> Result<(), Error> {
    shipment::Entity::update_many()
        .col_expr(shipment::Column::AskedAt, Expr::val(Some(app.clock().now())))
        .filter(shipment::Column::Id.eq(id))
        .filter(shipment::Column::AskedAt.is_null())
        .exec(app.db().writer())
        .await?;
    Ok(())
}

/// A carrier took a shipment and gave a number that is of no use: it is told that the parcel does not come, by our key,
/// because the number may be that of another.
async fn unusable(app: &App, carrier: &dyn Carrier, id: ShipmentId) -> Result<Verdict, Error> {
    match carrier.cancel(&id.to_string(), None).await {
        Ok(()) | Err(Failure::Refused(_)) => rejected(app, id).await,
        Err(failure) => Ok(again(&failure)),
    }
}

async fn rejected(app: &App, id: ShipmentId) -> Result<Verdict, Error> {
    let mut work = app.begin(&Call::unasked("logistics")).await?;
    let row = ops::locked(work.tx(), id).await?;
    if row.booking == Booking::Open {
        let next = shipment::Model { booking: Booking::Rejected, ..row.clone() };
        ops::written(&mut work, &row, next).await?;
        work.commit(()).await?;
    }
    Ok(Verdict::Done)
}

/// Does [`CallOff`]. What was asked and never answered is called off as well: the carrier knows it by our key.
pub async fn call_off(app: &App, job: CallOff) -> Result<Verdict, Error> {
    let Some(row) = found(app, job.shipment).await? else { return Ok(Verdict::Done) };
    let knows = match row.booking {
        Booking::Booked => true,
        Booking::Open => row.asked_at.is_some(),
        Booking::Rejected | Booking::Cancelled => false,
    };
    if !knows {
        return Ok(Verdict::Done);
    }
    let Some(carrier) = adapter(app, row.carrier_id).await? else { return Ok(Verdict::Done) };
    if let Err(failure) = carrier.cancel(&row.id.to_string(), row.waybill.as_deref()).await {
        return Ok(match failure {
            Failure::Refused(_) => Verdict::Dead { reason: failure.told() },
            Failure::Unavailable(_) => again(&failure),
        });
    }
    let mut work = app.begin(&Call::unasked("logistics")).await?;
    let row = ops::locked(work.tx(), row.id).await?;
    let next = shipment::Model { booking: Booking::Cancelled, ..row.clone() };
    ops::written(&mut work, &row, next).await?;
    work.commit(()).await?;
    Ok(Verdict::Done)
}

/// Does [`HandOver`].
pub async fn hand_over(app: &App, job: HandOver) -> Result<Verdict, Error> {
    let Some(row) = found(app, job.shipment).await? else { return Ok(Verdict::Done) };
    let (Some(number), Some(out)) = (&row.waybill, row.gated_out_at) else { return Ok(Verdict::Done) };
    let Some(carrier) = adapter(app, row.carrier_id).await? else { return Ok(Verdict::Done) };
    match carrier.hand_over(&row.id.to_string(), number, out).await {
        Ok(()) => {}
        Err(failure @ Failure::Refused(_)) => return Ok(Verdict::Dead { reason: failure.told() }),
        Err(failure) => return Ok(again(&failure)),
    }
    let kept = setting(app.db().writer(), row.carrier_id).await?;
    if kept.is_some_and(|setting| setting.adapter == Adapter::Simulator) {
        simulator::begins(app, row.carrier_id, number, out).await?;
    }
    Ok(Verdict::Done)
}
