//! What is done with shipments. One function is one transaction, or joins the caller's.
//!
//! - here: how a shipment is found, locked and written
//! - [`opening`]: what rooms above do: open, release, hold, take back
//! - [`desk`]: packing, the gate, the way; [`holds`]: what stops at the gate; [`passes`]: many parcels on one vehicle
//! - [`tracking`]: what carriers report; [`cold`]: temperatures
//! - [`beside`]: seals, who takes it in; [`proofs`]: photos and signatures; [`carriers`]: how carriers are reached

pub mod beside;
pub mod carriers;
pub mod cold;
pub mod desk;
pub mod holds;
pub mod opening;
pub mod passes;
pub mod proofs;
pub mod tracking;

use entities::{
    logistics::{
        BizStep, EventAction, ShipmentState, TrackingEventType,
        event::{self, Corrective, Epcs},
        leg, shipment,
    },
    platform::EventKind,
    values::id::{OrganisationId, ShipmentId, TrackingEventId},
};
use platform::{
    app::Work,
    db::{Dialect, dialect},
    error::{Error, not_found},
    graphql::encode,
};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, DbErr, EntityTrait, IntoActiveModel, QueryFilter, QuerySelect,
    Select, sea_query::LockType,
};
use serde_json::{Value, json};

use super::jobs::Moved;

pub use opening::{Opening, cancel, hold, lift, open, released};

/// The place in the vault of who takes a shipment in.
pub(super) fn consignee_place(id: ShipmentId) -> String {
    format!("shipment.consignee:{id}")
}

/// Locks what is found: of two who change a shipment the second sees what the first made of it.
fn locking(tx: &impl ConnectionTrait, found: Select<shipment::Entity>) -> Select<shipment::Entity> {
    // Not against whoever only refers to it.
    if dialect(tx) == Dialect::Postgres { found.lock(LockType::NoKeyUpdate) } else { found }
}

/// A shipment, locked.
pub(super) async fn locked(tx: &impl ConnectionTrait, id: ShipmentId) -> Result<shipment::Model, Error> {
    let row = locking(tx, shipment::Entity::find_by_id(id)).one(tx).await?;
    row.ok_or_else(|| Error::internal("a shipment is gone"))
}

/// The shipment of a document, locked.
async fn of_document(tx: &impl ConnectionTrait, document: &str) -> Result<Option<shipment::Model>, Error> {
    let found = shipment::Entity::find().filter(shipment::Column::Document.eq(document));
    Ok(locking(tx, found).one(tx).await?)
}

/// The version of a document's shipment; none: it has none.
pub async fn version_of(db: &impl ConnectionTrait, document: &str) -> Result<Option<i32>, Error> {
    let found = shipment::Entity::find().filter(shipment::Column::Document.eq(document));
    Ok(found.one(db).await?.map(|row| row.version))
}

/// A shipment that the viewer may see, locked.
async fn seen(work: &Work, id: ShipmentId) -> Result<shipment::Model, Error> {
    let found = shipment::Entity::visible_to(work.viewer()).filter(shipment::Column::Id.eq(id));
    let row = locking(work.tx(), found).one(work.tx()).await?;
    row.ok_or_else(|| not_found("id", encode(id).as_str()))
}

/// Why a shipment was not written.
pub(super) enum Unwritten {
    /// The database said no.
    Db(DbErr),
    /// Something else went wrong.
    Other(Error),
}

impl From<DbErr> for Unwritten {
    fn from(error: DbErr) -> Self {
        Self::Db(error)
    }
}

impl From<Error> for Unwritten {
    fn from(error: Error) -> Self {
        Self::Other(error)
    }
}

impl From<Unwritten> for Error {
    fn from(unwritten: Unwritten) -> Self {
        match unwritten {
            Unwritten::Db(error) => error.into(),
            Unwritten::Other(error) => error,
        }
    }
}

/// Writes a shipment that is locked; who sends, gets and carries it is told, and whoever its document belongs to when its
/// state is another, or its number, or what its carrier says.
pub(super) async fn written(
    work: &mut Work,
    before: &shipment::Model,
    next: shipment::Model,
) -> Result<shipment::Model, Unwritten> {
    if next == *before { Ok(next) } else { touched(work, before, next).await }
}

/// The same although nothing of the row itself may be another: what hangs on it is.
async fn touched(
    work: &mut Work,
    before: &shipment::Model,
    next: shipment::Model,
) -> Result<shipment::Model, Unwritten> {
    let desk = next.state.of_desk();
    let next = shipment::Model { desk, version: before.version + 1, updated_at: work.now, ..next };
    let done = shipment::Entity::update_many()
        .set(next.clone().into_active_model().reset_all())
        .filter(shipment::Column::Id.eq(before.id))
        .filter(shipment::Column::Version.eq(before.version))
        .exec(work.tx())
        .await?;
    if done.rows_affected != 1 {
        return Err(Error::Unavailable("a shipment changed although it was locked".into()).into());
    }
    let heard = (&next.waybill, next.booking) != (&before.waybill, before.booking);
    if next.state != before.state || (heard && next.state != ShipmentState::Cancelled) {
        let moved = Moved { shipment: next.id, document: next.document.clone(), what: next.state };
        work.enqueue(&moved).await?;
    }
    told(work, &next).await?;
    Ok(next)
}

/// Tells who sends, gets and carries a shipment, be it on one leg, that it changed.
async fn told(work: &mut Work, row: &shipment::Model) -> Result<(), Error> {
    let node = encode(row.id).0;
    let mut audience = vec![row.owner_id, row.carrier_id];
    audience.extend(row.buyer_id);
    let legs =
        leg::Entity::find().select_only().column(leg::Column::CarrierId).filter(leg::Column::ShipmentId.eq(row.id));
    audience.extend(legs.into_tuple::<OrganisationId>().all(work.tx()).await?);
    audience.sort_unstable();
    audience.dedup();
    for organisation in audience {
        work.tell(organisation, EventKind::ShipmentChanged, node.clone(), row.version).await?;
    }
    Ok(())
}

/// Notes in the owner's audit what was done to a shipment.
fn audited(work: &mut Work, action: &'static str, before: &shipment::Model, after: &shipment::Model) {
    let shown = |row: &shipment::Model| {
        json!({
            "document": row.document,
            "waybill": row.waybill,
            "booking": row.booking,
            "state": row.state,
            "packedWeightG": row.packed_weight_g,
            "weighedG": row.weighed_g,
            "sealNumber": row.seal_number,
            "sealState": row.seal_state,
            "promisedAt": row.promised_at,
            "minTenths": row.min_deci,
            "maxTenths": row.max_deci,
            "allowedMinutes": row.allowed_minutes,
        })
    };
    work.audit(Some(after.owner_id), action, encode(after.id).0, shown(before), shown(after));
}

/// Notes something else in the owner's audit.
fn noted(work: &mut Work, action: &'static str, row: &shipment::Model, what: Value) {
    work.audit(Some(row.owner_id), action, encode(row.id).0, Value::Null, what);
}

/// What the house itself reports of a shipment: where its own part of the way is.
async fn house_event(
    work: &Work,
    row: &shipment::Model,
    kind: TrackingEventType,
    step: BizStep,
    epcs: Vec<String>,
) -> Result<(), Error> {
    let id = TrackingEventId::new(work.now);
    let event = event::Model {
        id,
        shipment_id: row.id,
        event_id: format!("urn:uuid:{}", id.0),
        declares_error: false,
        kind,
        action: if kind == TrackingEventType::Object { EventAction::Observe } else { EventAction::Add },
        biz_step: step,
        disposition: None,
        read_point: None,
        biz_location: None,
        event_time: work.now,
        // The zone's own clocks.
        zone_offset: "+08:00".into(),
        record_time: work.now,
        epcs: Epcs(epcs),
        note: None,
        declared_at: None,
        error_reason: None,
        corrective: Corrective::default(),
        reported_by: work.viewer().subject(),
        reporter_id: None,
    };
    event::Entity::insert(event.into_active_model()).exec_without_returning(work.tx()).await?;
    Ok(())
}
