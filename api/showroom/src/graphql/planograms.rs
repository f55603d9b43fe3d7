//! Planograms, and what differs between two.

use async_graphql::{ComplexObject, Context, ID, InputObject, Object, Result, SimpleObject};
use catalog::graphql::Variant;
use chrono::{DateTime, Utc};
use entities::{
    party::Action,
    showroom::{
        PlanogramState,
        planogram::{self, Difference, Planned},
    },
    values::id::{PlanogramId, SlotId, VariantId},
};
use platform::{
    error::Error,
    graphql::{ContextExt, connection::times, decode, encode},
    payload,
};

use super::{floor::ShowroomSlot, stores::Showroom};
use crate::{
    loaders,
    ops::planograms::{self as ops, Placing},
};

/// What is to stand where in a showroom (陈列图).
#[derive(Clone, Debug)]
pub struct Planogram(pub planogram::Model);

/// What is to stand where in a showroom (陈列图).
#[Object]
impl Planogram {
    /// Opaque identifier.
    pub async fn id(&self) -> ID {
        encode(self.0.id)
    }

    /// Of which showroom.
    async fn showroom(&self, context: &Context<'_>) -> Result<Option<Showroom>> {
        Ok(loaders::of(context).load_one(self.0.showroom_id).await?.map(Showroom))
    }

    /// Its number within the showroom.
    async fn number(&self) -> i32 {
        self.0.number
    }

    /// What people call it.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// State.
    async fn state(&self) -> PlanogramState {
        self.0.state
    }

    /// Who drew it.
    async fn drawn_by(&self) -> &str {
        &self.0.drawn_by
    }

    /// Counts up with every change; send it back as `expectedVersion`.
    async fn version(&self) -> i32 {
        self.0.version
    }

    /// Since when.
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }

    /// When it came into force.
    async fn activated_at(&self) -> Option<DateTime<Utc>> {
        self.0.activated_at
    }

    /// When it was retired.
    async fn retired_at(&self) -> Option<DateTime<Utc>> {
        self.0.retired_at
    }

    /// What is to stand where, by slot (陈列计划项).
    #[graphql(complexity = "times(50, child_complexity)")]
    async fn positions(&self, context: &Context<'_>) -> Result<Vec<PlanogramPosition>> {
        let planned = ops::planned(context.app().db().read(), self.0.id).await?;
        Ok(planned.into_iter().map(PlanogramPosition::from).collect())
    }
}

/// What is to stand in a slot (陈列计划项).
#[derive(Clone, Copy, Debug, SimpleObject)]
#[graphql(complex)]
pub(super) struct PlanogramPosition {
    #[graphql(skip)]
    in_slot: SlotId,
    #[graphql(skip)]
    of: VariantId,
    /// How many side by side (陈列面).
    facings: i32,
}

impl From<(SlotId, Planned)> for PlanogramPosition {
    fn from((in_slot, (of, facings)): (SlotId, Planned)) -> Self {
        Self { in_slot, of, facings }
    }
}

#[ComplexObject]
impl PlanogramPosition {
    /// In which slot.
    async fn slot(&self, context: &Context<'_>) -> Result<Option<ShowroomSlot>> {
        Ok(loaders::of(context).load_one(self.in_slot).await?.map(ShowroomSlot::from))
    }

    /// Of what.
    async fn variant(&self, context: &Context<'_>) -> Result<Option<Variant>> {
        Ok(catalog::loaders::of(context).load_one(self.of).await?.map(Variant))
    }
}

/// What differs between two planograms in a slot (陈列差异).
#[derive(Clone, Copy, Debug, SimpleObject)]
#[graphql(complex)]
pub(super) struct PlanogramDifference {
    #[graphql(skip)]
    in_slot: SlotId,
    /// What the one before has there; null: nothing.
    before: Option<PlanogramPosition>,
    /// What the one after has there; null: nothing.
    after: Option<PlanogramPosition>,
}

impl From<Difference> for PlanogramDifference {
    fn from(one: Difference) -> Self {
        let position = |planned: Planned| PlanogramPosition::from((one.slot, planned));
        Self { in_slot: one.slot, before: one.before.map(position), after: one.after.map(position) }
    }
}

#[ComplexObject]
impl PlanogramDifference {
    /// In which slot.
    async fn slot(&self, context: &Context<'_>) -> Result<Option<ShowroomSlot>> {
        Ok(loaders::of(context).load_one(self.in_slot).await?.map(ShowroomSlot::from))
    }
}

/// What is to stand in a slot (陈列计划项).
#[derive(InputObject)]
pub(super) struct PlanogramPositionInput {
    /// In which slot.
    slot_id: ID,
    /// Of what.
    variant_id: ID,
    /// How many side by side; by default one.
    facings: Option<i32>,
}

fn placings(positions: &[PlanogramPositionInput]) -> Result<Vec<Placing>, Error> {
    let read = |(n, one): (usize, &PlanogramPositionInput)| {
        let placed = |error: Error| error.at(n.to_string()).at("positions");
        Ok(Placing {
            slot: decode(&one.slot_id, "slotId").map_err(placed)?,
            variant: decode(&one.variant_id, "variantId").map_err(placed)?,
            facings: one.facings.unwrap_or(1),
        })
    };
    positions.iter().enumerate().map(read).collect()
}

/// A new planogram (新建陈列图).
#[derive(InputObject)]
pub(super) struct DraftPlanogramInput {
    /// Of which showroom.
    showroom_id: ID,
    /// What people call it.
    name: String,
    /// What is to stand where, each slot at most once.
    positions: Vec<PlanogramPositionInput>,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// A draft that is drawn anew (修改陈列图).
#[derive(InputObject)]
pub(super) struct DrawPlanogramInput {
    /// Which.
    id: ID,
    /// The version that was read.
    expected_version: i32,
    /// What is to stand where, all of it.
    positions: Vec<PlanogramPositionInput>,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// A draft that comes into force (启用陈列图).
#[derive(InputObject)]
pub(super) struct ActivatePlanogramInput {
    /// Which.
    id: ID,
    /// The version that was read.
    expected_version: i32,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// A planogram that is retired (停用陈列图).
#[derive(InputObject)]
pub(super) struct RetirePlanogramInput {
    /// Which.
    id: ID,
    /// The version that was read.
    expected_version: i32,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

payload! {
    /// The answer to `draftPlanogram`.
    DraftPlanogramPayload { /// The planogram.
        planogram: Planogram }
    /// The answer to `drawPlanogram`.
    DrawPlanogramPayload { /// The planogram.
        planogram: Planogram }
    /// The answer to `activatePlanogram`.
    ActivatePlanogramPayload { /// The planogram.
        planogram: Planogram }
    /// The answer to `retirePlanogram`.
    RetirePlanogramPayload { /// The planogram.
        planogram: Planogram }
}

/// Queries about planograms.
#[derive(Default)]
pub(crate) struct PlanogramQuery;

#[Object]
impl PlanogramQuery {
    /// A planogram; null when there is none or it may not be seen (陈列图).
    async fn planogram(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Opaque identifier.")] id: ID,
    ) -> Result<Option<Planogram>> {
        context.may(Action::ReadShowrooms)?;
        let Ok(id) = decode::<PlanogramId>(&id, "id") else { return Ok(None) };
        Ok(ops::find(context.app().db().read(), context.viewer(), id).await?.map(Planogram))
    }

    /// What differs between two planograms of a showroom, by slot; null when one of them may not be seen (陈列差异).
    #[graphql(complexity = "times(50, child_complexity)")]
    async fn planogram_diff(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The one before; none: an empty floor.")] before_id: Option<ID>,
        #[graphql(desc = "The one after.")] after_id: ID,
    ) -> Result<Option<Vec<PlanogramDifference>>> {
        context.may(Action::ReadShowrooms)?;
        let found = async {
            let before = before_id.map(|id| decode(&id, "beforeId")).transpose()?;
            let after = decode(&after_id, "afterId")?;
            ops::differences(context.app().db().read(), context.viewer(), before, after).await
        };
        match found.await {
            Ok(all) => Ok(Some(all.into_iter().map(PlanogramDifference::from).collect())),
            Err(Error::Refused(_)) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

/// Mutations of planograms.
#[derive(Default)]
pub(crate) struct PlanogramMutation;

#[Object]
impl PlanogramMutation {
    /// Drafts a planogram of a showroom (新建陈列图).
    async fn draft_planogram(
        &self,
        context: &Context<'_>,
        input: DraftPlanogramInput,
    ) -> Result<DraftPlanogramPayload> {
        let call = context.call(Action::KeepShowrooms)?;
        let result = async {
            let id = decode(&input.showroom_id, "showroomId")?;
            ops::draft(context.app(), &call, id, &input.name, &placings(&input.positions)?).await
        };
        DraftPlanogramPayload::new(context, input.client_mutation_id, result.await.map(Planogram))
    }

    /// Draws a draft anew (修改陈列图).
    async fn draw_planogram(&self, context: &Context<'_>, input: DrawPlanogramInput) -> Result<DrawPlanogramPayload> {
        let call = context.call(Action::KeepShowrooms)?;
        let result = async {
            let id = decode(&input.id, "id")?;
            let places = placings(&input.positions)?;
            ops::redraw(context.app(), &call, id, input.expected_version, &places).await
        };
        DrawPlanogramPayload::new(context, input.client_mutation_id, result.await.map(Planogram))
    }

    /// Brings a draft into force; the one before it is retired (启用陈列图).
    async fn activate_planogram(
        &self,
        context: &Context<'_>,
        input: ActivatePlanogramInput,
    ) -> Result<ActivatePlanogramPayload> {
        let call = context.call(Action::KeepShowrooms)?;
        let result =
            async { ops::activate(context.app(), &call, decode(&input.id, "id")?, input.expected_version).await };
        ActivatePlanogramPayload::new(context, input.client_mutation_id, result.await.map(Planogram))
    }

    /// Retires a planogram (停用陈列图).
    async fn retire_planogram(
        &self,
        context: &Context<'_>,
        input: RetirePlanogramInput,
    ) -> Result<RetirePlanogramPayload> {
        let call = context.call(Action::KeepShowrooms)?;
        let result =
            async { ops::retire(context.app(), &call, decode(&input.id, "id")?, input.expected_version).await };
        RetirePlanogramPayload::new(context, input.client_mutation_id, result.await.map(Planogram))
    }
}
