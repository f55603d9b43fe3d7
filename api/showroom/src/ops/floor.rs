//! The floor of a showroom, drawn whole (门店布局). What is drawn under a code that is known is the same thing, changed; what
//! is not drawn any more is retired, and comes back with its printed code when it is drawn again.

use std::collections::{HashMap, HashSet};

use entities::{
    party::Action,
    showroom::{ChangeKind, display, fixture, layout, scan_code, slot, store, zone},
    values::{
        ErrorCode, Refusal,
        id::{FixtureId, ShowroomId, ShowroomZoneId, SlotId},
    },
};
use platform::{
    app::{App, Call, Work},
    error::{Error, stale},
    graphql::encode,
    vault,
};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, sea_query::OnConflict,
};
use serde_json::{Value, json};

use super::{changes, displays, store_for, stores};

/// Most rows of one statement.
const TOGETHER: usize = 200;

/// A floor as it stands: zones, fixtures and slots in the order in which they were drawn, without what is retired.
#[derive(Clone, Debug, Default)]
#[expect(missing_docs, reason = "what they are named")]
pub struct Floor {
    pub zones: Vec<zone::Model>,
    pub fixtures: Vec<fixture::Model>,
    pub slots: Vec<slot::Model>,
}

impl Floor {
    /// All that was ever drawn.
    async fn ever(db: &impl ConnectionTrait, id: ShowroomId) -> Result<Self, Error> {
        let zones = zone::Entity::find().filter(zone::Column::ShowroomId.eq(id));
        let fixtures = fixture::Entity::find().filter(fixture::Column::ShowroomId.eq(id));
        let slots = slot::Entity::find().filter(slot::Column::ShowroomId.eq(id));
        Ok(Self {
            zones: zones.order_by_asc(zone::Column::Position).all(db).await?,
            fixtures: fixtures.order_by_asc(fixture::Column::Position).all(db).await?,
            slots: slots.order_by_asc(slot::Column::Position).all(db).await?,
        })
    }

    /// The floor of a showroom.
    pub async fn of(db: &impl ConnectionTrait, id: ShowroomId) -> Result<Self, Error> {
        let mut floor = Self::ever(db, id).await?;
        floor.zones.retain(|row| row.retired_at.is_none());
        floor.fixtures.retain(|row| row.retired_at.is_none());
        floor.slots.retain(|row| row.retired_at.is_none());
        Ok(floor)
    }
}

/// Draws the floor of a showroom anew. Where something stands stays.
pub async fn draw(
    app: &App,
    call: &Call,
    id: ShowroomId,
    expected: i32,
    zones: Vec<layout::Zone>,
) -> Result<store::Model, Error> {
    let zones = layout::drawn(zones)?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let row = store_for(work.tx(), &call.viewer, Action::KeepShowrooms, id, "id").await?;
    if row.version != expected {
        return Err(stale());
    }
    // First: whoever draws the same version waits here, and is refused.
    let after = stores::written(&work, &row, row.clone()).await?;
    let before = Floor::ever(work.tx(), id).await?;
    let drawn = laid(&work, id, &before, &zones)?;
    stands(&work, id, &drawn).await?;
    written(&work, &before, &drawn).await?;
    let changed: Vec<SlotId> =
        drawn.slots.iter().filter(|slot| !before.slots.contains(slot)).map(|slot| slot.id).collect();
    for slot in &changed {
        work.outdates_slot(*slot);
    }
    let changed: Vec<_> = changed.into_iter().map(|slot| (ChangeKind::Slot, slot.0)).collect();
    changes::note(&work, id, &changed).await?;
    let shown = json!({ "zones": drawn.zones.len(), "fixtures": drawn.fixtures.len(), "slots": drawn.slots.len() });
    work.audit(Some(row.organisation_id), "drawShowroom", encode(id).0, Value::Null, shown);
    work.commit(after).await
}

/// The rows of what is drawn, over those that are there; what is not drawn is retired.
fn laid(work: &Work, id: ShowroomId, before: &Floor, zones: &[layout::Zone]) -> Result<Floor, Error> {
    let zone_of: HashMap<&str, &zone::Model> = before.zones.iter().map(|row| (row.code.as_str(), row)).collect();
    let fixture_of: HashMap<&str, &fixture::Model> =
        before.fixtures.iter().map(|row| (row.code.as_str(), row)).collect();
    let slot_of: HashMap<(FixtureId, &str), &slot::Model> =
        before.slots.iter().map(|row| ((row.fixture_id, row.code.as_str()), row)).collect();
    let mut drawn = Floor::default();
    let place = |n: usize| i32::try_from(n).unwrap_or(i32::MAX);
    for zone in zones {
        let zone_id = zone_of.get(zone.code.as_str()).map_or_else(|| ShowroomZoneId::new(work.now), |row| row.id);
        drawn.zones.push(zone::Model {
            id: zone_id,
            showroom_id: id,
            code: zone.code.clone(),
            name: zone.name.clone(),
            position: place(drawn.zones.len()),
            retired_at: None,
        });
        for fixture in &zone.fixtures {
            let known = fixture_of.get(fixture.code.as_str());
            let fixture_id = known.map_or_else(|| FixtureId::new(work.now), |row| row.id);
            drawn.fixtures.push(fixture::Model {
                id: fixture_id,
                showroom_id: id,
                zone_id,
                code: fixture.code.clone(),
                kind: fixture.kind,
                width_mm: fixture.width_mm,
                height_mm: fixture.height_mm,
                position: place(drawn.fixtures.len()),
                retired_at: None,
            });
            for slot in &fixture.slots {
                let known = slot_of.get(&(fixture_id, slot.code.as_str()));
                let printed = match known {
                    Some(row) => row.scan_code.clone(),
                    None => scan_code::of(u64::from_ne_bytes(vault::random::<8>()?)),
                };
                drawn.slots.push(slot::Model {
                    id: known.map_or_else(|| SlotId::new(work.now), |row| row.id),
                    showroom_id: id,
                    fixture_id,
                    code: slot.code.clone(),
                    scan_code: printed,
                    x_mm: slot.x_mm,
                    y_mm: slot.y_mm,
                    width_mm: slot.width_mm,
                    height_mm: slot.height_mm,
                    facings: slot.facings,
                    position: place(drawn.slots.len()),
                    retired_at: None,
                });
            }
        }
    }
    let gone = Some(work.now);
    let zones: HashSet<_> = drawn.zones.iter().map(|row| row.id).collect();
    let fixtures: HashSet<_> = drawn.fixtures.iter().map(|row| row.id).collect();
    let slots: HashSet<_> = drawn.slots.iter().map(|row| row.id).collect();
    let old = before.zones.iter().filter(|row| !zones.contains(&row.id)).cloned();
    drawn.zones.extend(old.map(|row| zone::Model { retired_at: row.retired_at.or(gone), ..row }));
    let old = before.fixtures.iter().filter(|row| !fixtures.contains(&row.id)).cloned();
    drawn.fixtures.extend(old.map(|row| fixture::Model { retired_at: row.retired_at.or(gone), ..row }));
    let old = before.slots.iter().filter(|row| !slots.contains(&row.id)).cloned();
    drawn.slots.extend(old.map(|row| slot::Model { retired_at: row.retired_at.or(gone), ..row }));
    Ok(drawn)
}

/// What stands somewhere still has its place: no slot is retired, and none has fewer facings than stand there.
async fn stands(work: &Work, id: ShowroomId, drawn: &Floor) -> Result<(), Error> {
    let standing = displays::standing(work.tx(), id).await?;
    let facings: HashMap<SlotId, i32> =
        drawn.slots.iter().filter(|row| row.retired_at.is_none()).map(|row| (row.id, row.facings)).collect();
    let left: Vec<&display::Model> =
        standing.iter().filter(|row| facings.get(&row.slot_id).is_none_or(|most| row.facing > *most)).collect();
    if left.is_empty() {
        return Ok(());
    }
    Err(Refusal::new(ErrorCode::InUse).with("count", left.len().to_string()).at("zones").into())
}

async fn written(work: &Work, before: &Floor, drawn: &Floor) -> Result<(), Error> {
    let changed: Vec<_> = drawn.zones.iter().filter(|row| !before.zones.contains(row)).cloned().collect();
    let known = OnConflict::column(zone::Column::Id)
        .update_columns([zone::Column::Name, zone::Column::Position, zone::Column::RetiredAt])
        .to_owned();
    for part in changed.chunks(TOGETHER) {
        let rows = part.iter().cloned().map(IntoActiveModel::into_active_model);
        zone::Entity::insert_many(rows).on_conflict(known.clone()).exec_without_returning(work.tx()).await?;
    }
    let changed: Vec<_> = drawn.fixtures.iter().filter(|row| !before.fixtures.contains(row)).cloned().collect();
    let known = OnConflict::column(fixture::Column::Id)
        .update_columns([
            fixture::Column::ZoneId,
            fixture::Column::Kind,
            fixture::Column::WidthMm,
            fixture::Column::HeightMm,
            fixture::Column::Position,
            fixture::Column::RetiredAt,
        ])
        .to_owned();
    for part in changed.chunks(TOGETHER) {
        let rows = part.iter().cloned().map(IntoActiveModel::into_active_model);
        fixture::Entity::insert_many(rows).on_conflict(known.clone()).exec_without_returning(work.tx()).await?;
    }
    let changed: Vec<_> = drawn.slots.iter().filter(|row| !before.slots.contains(row)).cloned().collect();
    let known = OnConflict::column(slot::Column::Id)
        .update_columns([
            slot::Column::XMm,
            slot::Column::YMm,
            slot::Column::WidthMm,
            slot::Column::HeightMm,
            slot::Column::Facings,
            slot::Column::Position,
            slot::Column::RetiredAt,
        ])
        .to_owned();
    for part in changed.chunks(TOGETHER) {
        let rows = part.iter().cloned().map(IntoActiveModel::into_active_model);
        slot::Entity::insert_many(rows).on_conflict(known.clone()).exec_without_returning(work.tx()).await?;
    }
    Ok(())
}
