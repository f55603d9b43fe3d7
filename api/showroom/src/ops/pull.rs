//! What changed while a device was away, with what is gone (墓碑). A device that was never there, or too long away, gets
//! all of it anew.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, Duration, Utc};
use entities::{
    party::Action,
    showroom::{ChangeKind, DisplayState, change, display, planogram, slot, slot_note},
    values::id::{DeviceId, DisplayId, PlanogramId, ShowroomId, SlotId},
};
use platform::{
    app::{App, Call},
    error::{Error, not_found},
    graphql::encode,
};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use uuid::Uuid;

use super::{devices, displays, floor::Floor, planograms, store_of};

/// Most changes of one pull.
const MOST: u64 = 500;
/// How long changes are kept: a device that was away longer begins anew.
const KEPT: Duration = Duration::days(30);

/// A thing as it is now, or that it is gone.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "what they are named")]
pub enum Changed {
    Display(display::Model),
    Slot(slot::Model),
    Planogram(planogram::Model),
    Note(slot_note::Model),
    Gone(ChangeKind, Uuid),
}

/// What changed.
#[derive(Clone, Debug)]
pub struct Pulled {
    /// Whether all that the device had is to be forgotten first.
    pub anew: bool,
    /// Up to which change this goes.
    pub position: i64,
    /// Whether there is more.
    pub more: bool,
    /// The last of the device's own that was dealt with.
    pub last_seq: i64,
    /// What changed, each thing once.
    pub changes: Vec<Changed>,
}

/// What changed in the showroom of a device since a position; none: all of it.
pub async fn pull(app: &App, call: &Call, id: DeviceId, since: Option<i64>) -> Result<Pulled, Error> {
    let db = app.db().read();
    let device = devices::own(db, call, id).await?;
    // First what was dealt with of its own, then up to where: so what is dealt with is in it. What is read after the
    // position may be newer; then it comes again, and is the same.
    let unknown = || not_found("deviceId", encode(id).as_str());
    let store = store_of(db, &call.viewer, Action::WorkShowrooms, device.showroom_id, unknown).await?;
    let first = change::Entity::find()
        .filter(change::Column::ShowroomId.eq(store.id))
        .order_by_asc(change::Column::Position)
        .limit(1)
        .one(db)
        .await?;
    let oldest = first.map_or(store.position, |row| row.position - 1);
    match since {
        Some(since) if (oldest..=store.position).contains(&since) => {
            let rows = change::Entity::find()
                .filter(change::Column::ShowroomId.eq(store.id))
                .filter(change::Column::Position.gt(since))
                .filter(change::Column::Position.lte(store.position))
                .order_by_asc(change::Column::Position)
                .limit(MOST)
                .all(db)
                .await?;
            let position = rows.last().map_or(since, |row| row.position);
            let keys: BTreeSet<(ChangeKind, Uuid)> = rows.iter().map(|row| (row.kind, row.subject)).collect();
            let changes = as_they_are(db, keys).await?;
            let more = position < store.position;
            Ok(Pulled { anew: false, position, more, last_seq: device.last_seq, changes })
        }
        _ => {
            let changes = all(db, store.id).await?;
            Ok(Pulled { anew: true, position: store.position, more: false, last_seq: device.last_seq, changes })
        }
    }
}

async fn as_they_are(db: &impl ConnectionTrait, keys: BTreeSet<(ChangeKind, Uuid)>) -> Result<Vec<Changed>, Error> {
    let of = |kind: ChangeKind| keys.iter().filter(move |(k, _)| *k == kind).map(|(_, id)| *id);
    let displays = display::Entity::find()
        .filter(display::Column::Id.is_in(of(ChangeKind::Display).map(DisplayId)))
        .filter(display::Column::State.eq(DisplayState::Installed));
    let displays: HashMap<Uuid, display::Model> =
        displays.all(db).await?.into_iter().map(|row| (row.id.0, row)).collect();
    let slots = slot::Entity::find()
        .filter(slot::Column::Id.is_in(of(ChangeKind::Slot).map(SlotId)))
        .filter(slot::Column::RetiredAt.is_null());
    let slots: HashMap<Uuid, slot::Model> = slots.all(db).await?.into_iter().map(|row| (row.id.0, row)).collect();
    let plans = planogram::Entity::find()
        .filter(planogram::Column::Id.is_in(of(ChangeKind::Planogram).map(PlanogramId)))
        .filter(planogram::Column::State.eq(entities::showroom::PlanogramState::Active));
    let plans: HashMap<Uuid, planogram::Model> = plans.all(db).await?.into_iter().map(|row| (row.id.0, row)).collect();
    let notes = slot_note::Entity::find().filter(slot_note::Column::SlotId.is_in(of(ChangeKind::Note).map(SlotId)));
    let notes: HashMap<Uuid, slot_note::Model> =
        notes.all(db).await?.into_iter().map(|row| (row.slot_id.0, row)).collect();
    let found = |(kind, id): (ChangeKind, Uuid)| {
        let row = match kind {
            ChangeKind::Display => displays.get(&id).cloned().map(Changed::Display),
            ChangeKind::Slot => slots.get(&id).cloned().map(Changed::Slot),
            ChangeKind::Planogram => plans.get(&id).cloned().map(Changed::Planogram),
            ChangeKind::Note => notes.get(&id).cloned().map(Changed::Note),
        };
        row.unwrap_or(Changed::Gone(kind, id))
    };
    Ok(keys.into_iter().map(found).collect())
}

async fn all(db: &impl ConnectionTrait, id: ShowroomId) -> Result<Vec<Changed>, Error> {
    let slots = Floor::of(db, id).await?.slots.into_iter().map(Changed::Slot);
    let displays = displays::standing(db, id).await?;
    let plan = planograms::in_force(db, id).await?.map(Changed::Planogram);
    let notes = slot_note::Entity::find().filter(slot_note::Column::ShowroomId.eq(id)).all(db).await?;
    let rest = displays.into_iter().map(Changed::Display).chain(plan).chain(notes.into_iter().map(Changed::Note));
    Ok(slots.chain(rest).collect())
}

/// Forgets changes that no device asks for any more.
pub async fn tidy(app: &App, now: DateTime<Utc>) -> Result<(), Error> {
    change::Entity::delete_many().filter(change::Column::At.lt(now - KEPT)).exec(app.db().writer()).await?;
    Ok(())
}
