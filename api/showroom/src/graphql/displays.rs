//! What stands in slots.

use async_graphql::{ComplexObject, Context, ID, InputObject, Object, Result, SimpleObject};
use catalog::graphql::{Offer, Variant};
use chrono::{DateTime, Utc};
use entities::{
    party::Action,
    showroom::{DisplayState, Gap, GapKind, StorePattern, UnitClass, display},
    values,
};
use platform::{
    error::Error,
    graphql::{ContextExt, Money, MoneyInput, decode, encode},
    payload,
};

use super::floor::ShowroomSlot;
use crate::{
    loaders,
    ops::displays::{self as ops, Installing},
};

/// What stands in a slot: a piece of stock, or a picture of what can be ordered (陈列).
#[derive(Clone, Debug)]
pub struct Display(pub display::Model);

/// What stands in a slot: a piece of stock, or a picture of what can be ordered (陈列).
#[Object]
impl Display {
    /// Opaque identifier.
    pub async fn id(&self) -> ID {
        encode(self.0.id)
    }

    /// In which slot.
    async fn slot(&self, context: &Context<'_>) -> Result<Option<ShowroomSlot>> {
        Ok(loaders::of(context).load_one(self.0.slot_id).await?.map(ShowroomSlot::from))
    }

    /// Which of the places side by side, from one on.
    async fn facing(&self) -> i32 {
        self.0.facing
    }

    /// What it is sold as.
    async fn offer(&self, context: &Context<'_>) -> Result<Option<Offer>> {
        Ok(catalog::loaders::of(context).load_one(self.0.offer_id).await?.map(Offer))
    }

    /// What it is.
    async fn variant(&self, context: &Context<'_>) -> Result<Option<Variant>> {
        Ok(catalog::loaders::of(context).load_one(self.0.variant_id).await?.map(Variant))
    }

    /// How it is shown, sold and handed over (经营模式).
    async fn pattern(&self) -> StorePattern {
        self.0.pattern
    }

    /// What the piece is by law; null: a picture.
    async fn unit_class(&self) -> Option<UnitClass> {
        self.0.class
    }

    /// The number on the piece.
    async fn serial(&self) -> Option<&str> {
        self.0.serial.as_deref()
    }

    /// What its price tag says.
    async fn tag(&self) -> Option<Money> {
        let (minor, currency) = self.0.tag_minor.zip(self.0.tag_currency)?;
        Some(values::Money { minor, currency }.into())
    }

    /// Counts up with every price tag.
    async fn tag_version(&self) -> i32 {
        self.0.tag_version
    }

    /// State.
    async fn state(&self) -> DisplayState {
        self.0.state
    }

    /// When it was put there.
    async fn installed_at(&self) -> DateTime<Utc> {
        self.0.installed_at
    }

    /// Who put it there.
    async fn installed_by(&self) -> &str {
        &self.0.installed_by
    }

    /// When it was taken away.
    async fn ended_at(&self) -> Option<DateTime<Utc>> {
        self.0.ended_at
    }
}

/// What is wrong with a slot (陈列问题).
#[derive(Clone, Copy, Debug, SimpleObject)]
#[graphql(complex)]
pub(super) struct ShowroomGap {
    #[graphql(skip)]
    pub gap: Gap,
    /// What it is.
    pub kind: GapKind,
    /// Of how many pieces.
    pub pieces: i32,
    /// How many pieces of it lie in the showroom and stand nowhere (可补货数量).
    pub to_fill_with: i64,
}

#[ComplexObject]
impl ShowroomGap {
    /// Where.
    async fn slot(&self, context: &Context<'_>) -> Result<Option<ShowroomSlot>> {
        Ok(loaders::of(context).load_one(self.gap.slot).await?.map(ShowroomSlot::from))
    }

    /// Of what.
    async fn variant(&self, context: &Context<'_>) -> Result<Option<Variant>> {
        Ok(catalog::loaders::of(context).load_one(self.gap.variant).await?.map(Variant))
    }
}

/// What is put into a slot (上架).
#[derive(InputObject)]
pub(super) struct InstallDisplayInput {
    /// What is printed on the slot.
    slot: String,
    /// Which of its places side by side, from one on; none: the first that is free.
    facing: Option<i32>,
    /// What it is sold as.
    offer_id: ID,
    /// How it is shown, sold and handed over.
    pattern: StorePattern,
    /// What the piece is by law; none: a picture.
    unit_class: Option<UnitClass>,
    /// Of which balance at the showroom's place for the class; none: of the one that has most.
    balance_id: Option<ID>,
    /// The number on the piece.
    serial: Option<String>,
    /// What its price tag says.
    tag: Option<MoneyInput>,
    /// Whether what stands in that facing makes way; by default it does not.
    replace: Option<bool>,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// A display that is taken away (下架).
#[derive(InputObject)]
pub(super) struct RemoveDisplayInput {
    /// Which.
    id: ID,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// A new price tag (更换价签).
#[derive(InputObject)]
pub(super) struct RetagDisplayInput {
    /// Which display.
    id: ID,
    /// What it says; none: what it is offered at now.
    tag: Option<MoneyInput>,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

payload! {
    /// The answer to `installDisplay`.
    InstallDisplayPayload { /// The display.
        display: Display }
    /// The answer to `removeDisplay`.
    RemoveDisplayPayload { /// The display.
        display: Display }
    /// The answer to `retagDisplay`.
    RetagDisplayPayload { /// The display.
        display: Display }
}

/// Mutations of displays.
#[derive(Default)]
pub(crate) struct DisplayMutation;

#[Object]
impl DisplayMutation {
    /// Puts something into a slot; a piece is promised to it for as long as it stands there (上架).
    async fn install_display(
        &self,
        context: &Context<'_>,
        input: InstallDisplayInput,
    ) -> Result<InstallDisplayPayload> {
        let call = context.call(Action::WorkShowrooms)?;
        let result = async {
            let new = Installing {
                slot: input.slot,
                facing: input.facing,
                offer: decode(&input.offer_id, "offerId")?,
                pattern: input.pattern,
                class: input.unit_class,
                balance: input.balance_id.map(|id| decode(&id, "balanceId")).transpose()?,
                serial: input.serial,
                tag: input.tag.map(|tag| tag.read("tag")).transpose()?,
                replace: input.replace.unwrap_or_default(),
            };
            ops::install(context.app(), &call, &new).await
        };
        InstallDisplayPayload::new(context, input.client_mutation_id, result.await.map(Display))
    }

    /// Takes a display away; its piece is free again (下架).
    async fn remove_display(&self, context: &Context<'_>, input: RemoveDisplayInput) -> Result<RemoveDisplayPayload> {
        let call = context.call(Action::WorkShowrooms)?;
        let result = async { ops::remove(context.app(), &call, decode(&input.id, "id")?).await };
        RemoveDisplayPayload::new(context, input.client_mutation_id, result.await.map(Display))
    }

    /// Says what the price tag of a display says from now on (更换价签).
    async fn retag_display(&self, context: &Context<'_>, input: RetagDisplayInput) -> Result<RetagDisplayPayload> {
        let call = context.call(Action::WorkShowrooms)?;
        let result = async {
            let tag = input.tag.map(|tag| tag.read("tag")).transpose()?;
            ops::retag(context.app(), &call, decode(&input.id, "id")?, tag).await
        };
        let result: Result<display::Model, Error> = result.await;
        RetagDisplayPayload::new(context, input.client_mutation_id, result.map(Display))
    }
}
