//! The floor: zones, fixtures, slots, and what stands in them.

use std::collections::HashMap;

use async_graphql::{Context, ID, InputObject, Object, Result};
use entities::{
    party::Action,
    showroom::{FixtureKind, display, fixture, layout, slot, zone},
    values::id::{FixtureId, ShowroomId, ShowroomZoneId, SlotId},
};
use platform::{
    error::Error,
    graphql::{ContextExt, connection::times, decode, encode},
    payload,
};
use sea_orm::ConnectionTrait;

use super::{displays::Display, stores::Showroom};
use crate::ops::{
    displays,
    floor::{self as ops, Floor},
};

/// The floor of a showroom with what stands there: four statements, however large it is.
pub(super) async fn zones_of(db: &impl ConnectionTrait, id: ShowroomId) -> Result<Vec<ShowroomZone>, Error> {
    let floor = Floor::of(db, id).await?;
    let mut there: HashMap<SlotId, Vec<display::Model>> = HashMap::new();
    for row in displays::standing(db, id).await? {
        there.entry(row.slot_id).or_default().push(row);
    }
    let mut slots: HashMap<FixtureId, Vec<ShowroomSlot>> = HashMap::new();
    for row in floor.slots {
        let displays = Some(there.remove(&row.id).unwrap_or_default());
        slots.entry(row.fixture_id).or_default().push(ShowroomSlot { row, displays });
    }
    let mut fixtures: HashMap<ShowroomZoneId, Vec<ShowroomFixture>> = HashMap::new();
    for row in floor.fixtures {
        let slots = slots.remove(&row.id).unwrap_or_default();
        fixtures.entry(row.zone_id).or_default().push(ShowroomFixture { row, slots });
    }
    let zone = |row: zone::Model| ShowroomZone { fixtures: fixtures.remove(&row.id).unwrap_or_default(), row };
    Ok(floor.zones.into_iter().map(zone).collect())
}

/// A part of a showroom's floor (区域).
#[derive(Clone, Debug)]
pub struct ShowroomZone {
    row: zone::Model,
    fixtures: Vec<ShowroomFixture>,
}

/// A part of a showroom's floor (区域).
#[Object]
impl ShowroomZone {
    /// Opaque identifier.
    async fn id(&self) -> ID {
        encode(self.row.id)
    }

    /// Short code, unique within the showroom.
    async fn code(&self) -> &str {
        &self.row.code
    }

    /// What people call it.
    async fn name(&self) -> &str {
        &self.row.name
    }

    /// What stands on it.
    #[graphql(complexity = "times(5, child_complexity)")]
    async fn fixtures(&self) -> &[ShowroomFixture] {
        &self.fixtures
    }
}

/// A piece of furniture (货架).
#[derive(Clone, Debug)]
pub struct ShowroomFixture {
    row: fixture::Model,
    slots: Vec<ShowroomSlot>,
}

/// A piece of furniture (货架).
#[Object]
impl ShowroomFixture {
    /// Opaque identifier.
    async fn id(&self) -> ID {
        encode(self.row.id)
    }

    /// Short code, unique within the showroom.
    async fn code(&self) -> &str {
        &self.row.code
    }

    /// What it is.
    async fn kind(&self) -> FixtureKind {
        self.row.kind
    }

    /// Its width, in millimetres.
    async fn width_mm(&self) -> i32 {
        self.row.width_mm
    }

    /// Its height, in millimetres.
    async fn height_mm(&self) -> i32 {
        self.row.height_mm
    }

    /// Where something stands on it.
    #[graphql(complexity = "times(10, child_complexity)")]
    async fn slots(&self) -> &[ShowroomSlot] {
        &self.slots
    }
}

/// A place on a fixture where something stands (陈列位).
#[derive(Clone, Debug)]
pub struct ShowroomSlot {
    row: slot::Model,
    displays: Option<Vec<display::Model>>,
}

impl From<slot::Model> for ShowroomSlot {
    fn from(row: slot::Model) -> Self {
        Self { row, displays: None }
    }
}

/// A place on a fixture where something stands (陈列位).
#[Object]
impl ShowroomSlot {
    /// Opaque identifier.
    async fn id(&self) -> ID {
        encode(self.row.id)
    }

    /// Short code, unique on the fixture.
    async fn code(&self) -> &str {
        &self.row.code
    }

    /// What is printed on it: twelve characters, for the scene of a mini-program code too (陈列位码).
    async fn scan_code(&self) -> &str {
        &self.row.scan_code
    }

    /// From the left of the fixture, in millimetres.
    async fn x_mm(&self) -> i32 {
        self.row.x_mm
    }

    /// From the bottom of the fixture, in millimetres.
    async fn y_mm(&self) -> i32 {
        self.row.y_mm
    }

    /// Its width, in millimetres.
    async fn width_mm(&self) -> i32 {
        self.row.width_mm
    }

    /// Its height, in millimetres.
    async fn height_mm(&self) -> i32 {
        self.row.height_mm
    }

    /// How many pieces stand side by side.
    async fn facings(&self) -> i32 {
        self.row.facings
    }

    /// What stands in it, from the left; null where only the slot is shown.
    #[graphql(complexity = "times(2, child_complexity)")]
    async fn displays(&self) -> Option<Vec<Display>> {
        self.displays.as_ref().map(|rows| rows.iter().cloned().map(Display).collect())
    }
}

/// A zone as it is drawn (区域).
#[derive(InputObject)]
pub(super) struct DrawShowroomZone {
    /// Short code, unique within the showroom: letters, digits and `-`.
    code: String,
    /// What people call it.
    name: String,
    /// What stands on it.
    fixtures: Vec<DrawShowroomFixture>,
}

/// A fixture as it is drawn (货架).
#[derive(InputObject)]
pub(super) struct DrawShowroomFixture {
    /// Short code, unique within the showroom.
    code: String,
    /// What it is.
    kind: FixtureKind,
    /// Its width, in millimetres.
    width_mm: i32,
    /// Its height, in millimetres.
    height_mm: i32,
    /// Where something stands on it.
    slots: Vec<DrawShowroomSlot>,
}

/// A slot as it is drawn (陈列位).
#[derive(InputObject)]
pub(super) struct DrawShowroomSlot {
    /// Short code, unique on the fixture.
    code: String,
    /// From the left of the fixture, in millimetres.
    x_mm: i32,
    /// From the bottom of the fixture, in millimetres.
    y_mm: i32,
    /// Its width, in millimetres.
    width_mm: i32,
    /// Its height, in millimetres.
    height_mm: i32,
    /// How many pieces stand side by side, at most 50.
    facings: i32,
}

/// The floor of a showroom, all of it (绘制布局).
#[derive(InputObject)]
pub(super) struct DrawShowroomInput {
    /// Which showroom.
    id: ID,
    /// The version that was read.
    expected_version: i32,
    /// At most 50 zones with 500 fixtures and 2,000 slots. What is known by its code stays what it is; what is left out is
    /// retired.
    zones: Vec<DrawShowroomZone>,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

impl DrawShowroomInput {
    fn read(zones: Vec<DrawShowroomZone>) -> Vec<layout::Zone> {
        let slot = |slot: DrawShowroomSlot| {
            let DrawShowroomSlot { code, x_mm, y_mm, width_mm, height_mm, facings } = slot;
            layout::Slot { code, x_mm, y_mm, width_mm, height_mm, facings }
        };
        let fixture = |fixture: DrawShowroomFixture| layout::Fixture {
            code: fixture.code,
            kind: fixture.kind,
            width_mm: fixture.width_mm,
            height_mm: fixture.height_mm,
            slots: fixture.slots.into_iter().map(slot).collect(),
        };
        let zone = |zone: DrawShowroomZone| layout::Zone {
            code: zone.code,
            name: zone.name,
            fixtures: zone.fixtures.into_iter().map(fixture).collect(),
        };
        zones.into_iter().map(zone).collect()
    }
}

payload! {
    /// The answer to `drawShowroom`.
    DrawShowroomPayload { /// The showroom.
        showroom: Showroom }
}

/// Mutations of the floor.
#[derive(Default)]
pub(crate) struct FloorMutation;

#[Object]
impl FloorMutation {
    /// Draws the floor of a showroom anew (绘制布局).
    async fn draw_showroom(&self, context: &Context<'_>, input: DrawShowroomInput) -> Result<DrawShowroomPayload> {
        let call = context.call(Action::KeepShowrooms)?;
        let result = async {
            let id = decode(&input.id, "id")?;
            let zones = DrawShowroomInput::read(input.zones);
            ops::draw(context.app(), &call, id, input.expected_version, zones).await
        };
        DrawShowroomPayload::new(context, input.client_mutation_id, result.await.map(Showroom))
    }
}
