//! Verification lists and gate passes in the schema. What goes out under a pass is found where parcels are:
//! `shipments(filter: { gatePassId })`.

use async_graphql::{Context, Enum, ID, InputObject, Object, Result, SimpleObject};
use chrono::{DateTime, Utc};
use entities::{
    inventory::{
        GateDirection, GatePassState, VerificationState,
        gate::{list, pass},
    },
    party::Action,
    values::id::GatePassId,
};
use platform::{
    error::Error,
    graphql::{
        Connection, ContextExt, bounded,
        connection::{list_cost, times},
        decode, encode,
    },
    page::PageArgs,
};

use super::{StockLocation, book::BondedItem, inbound::Inbound};
use crate::{
    gate::{self as ops, PassFilter},
    loaders::{self, LinesOfList, ListOfInbound, ListOfPass},
};

/// By whom a list or a pass was agreed to (审核方).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum GateAuthority {
    /// By the house itself, which stands in for Golden Customs, phase two: numbers and answers are not customs' own
    /// (模拟金关二期).
    StandIn,
}

/// What the account book is written off by, for all goods of a notice or of a vehicle (核注清单).
#[derive(Clone, Debug)]
pub struct VerificationList(pub list::Model);

/// What the account book is written off by, for all goods of a notice or of a vehicle (核注清单).
#[Object]
impl VerificationList {
    /// Its number (核注清单编号).
    async fn number(&self) -> &str {
        &self.0.number
    }

    /// Which way the goods go.
    async fn direction(&self) -> GateDirection {
        self.0.direction()
    }

    /// Of which account book (账册号).
    async fn book(&self) -> &str {
        self.0.book.as_str()
    }

    /// State (核扣标志).
    async fn state(&self) -> VerificationState {
        self.0.state
    }

    /// Who gave the number and agreed.
    async fn authority(&self) -> GateAuthority {
        GateAuthority::StandIn
    }

    /// What stands in it, by the numbers of the book's items, at most 1000: of what goes out the sums of its parcels (表体).
    #[graphql(complexity = "times(50, child_complexity)")]
    async fn lines(&self, context: &Context<'_>) -> Result<Vec<VerificationLine>> {
        let lines = loaders::of(context).load_one(LinesOfList(self.0.id)).await?.unwrap_or_default();
        let line = |(quantity, item): (i64, _)| VerificationLine { item: BondedItem(item), quantity };
        Ok(lines.into_iter().map(line).collect())
    }

    /// Since when.
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }

    /// When it was verified or taken back.
    async fn ended_at(&self) -> Option<DateTime<Utc>> {
        self.0.ended_at
    }
}

/// How much of an item a verification list is of (核注清单表体).
#[derive(SimpleObject)]
pub struct VerificationLine {
    /// Which item of the account book (账册项).
    item: BondedItem,
    /// How much, in the unit of the book (申报数量).
    quantity: i64,
}

/// One vehicle, once through the gate of a bonded warehouse (核放单). What goes out under it: `shipments(filter: {
/// gatePassId })`.
#[derive(Clone, Debug)]
pub struct GatePass(pub pass::Model);

/// One vehicle, once through the gate of a bonded warehouse (核放单). What goes out under it: `shipments(filter: {
/// gatePassId })`.
#[Object]
impl GatePass {
    /// Opaque identifier.
    pub async fn id(&self) -> ID {
        encode(self.0.id)
    }

    /// Its number (核放单编号).
    async fn number(&self) -> &str {
        &self.0.number
    }

    /// Which way.
    async fn direction(&self) -> GateDirection {
        self.0.direction()
    }

    /// Into, or out of, which warehouse.
    async fn location(&self, context: &Context<'_>) -> Result<Option<StockLocation>> {
        Ok(loaders::of(context).load_one(self.0.location_id).await?.map(StockLocation))
    }

    /// The plate of the vehicle (车牌号).
    async fn vehicle(&self) -> &str {
        &self.0.vehicle
    }

    /// State.
    async fn state(&self) -> GatePassState {
        self.0.state
    }

    /// Who gave the number and agreed.
    async fn authority(&self) -> GateAuthority {
        GateAuthority::StandIn
    }

    /// The notice that it brought goods of; null when it takes parcels out.
    async fn inbound(&self, context: &Context<'_>) -> Result<Option<Inbound>> {
        let Some(id) = self.0.inbound_id else { return Ok(None) };
        Ok(loaders::of(context).load_one(id).await?.map(Inbound))
    }

    /// The verification list of what goes under it (核注清单).
    async fn verification_list(&self, context: &Context<'_>) -> Result<Option<VerificationList>> {
        let loaders = loaders::of(context);
        let found = match self.0.inbound_id {
            Some(id) => loaders.load_one(ListOfInbound(id)).await?,
            None => loaders.load_one(ListOfPass(self.0.id)).await?,
        };
        Ok(found.map(VerificationList))
    }

    /// Since when.
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }

    /// When the vehicle went through (过卡时间).
    async fn passed_at(&self) -> Option<DateTime<Utc>> {
        self.0.passed_at
    }
}

/// Which passes (核放单筛选).
#[derive(InputObject, Default)]
pub(crate) struct GatePassFilter {
    /// Whose; none: of the organisation acted for.
    organisation_id: Option<ID>,
    /// Only this way.
    direction: Option<GateDirection>,
    /// Only of the vehicles that brought goods of this notice.
    inbound_id: Option<ID>,
    /// Only in one of these states.
    states: Option<Vec<GatePassState>>,
}

impl GatePassFilter {
    fn read(self) -> Result<PassFilter, Error> {
        Ok(PassFilter {
            of: self.organisation_id.map(|id| decode(&id, "organisationId")).transpose()?,
            direction: self.direction,
            inbound: self.inbound_id.map(|id| decode(&id, "inboundId")).transpose()?,
            states: bounded(self.states.unwrap_or_default())?,
        })
    }
}

/// Queries about the gate.
#[derive(Default)]
pub struct GateQuery;

#[Object]
impl GateQuery {
    /// Passes of an organisation's goods through the gate, newest first (核放单列表).
    #[graphql(complexity = "list_cost(first, last, child_complexity)")]
    async fn gate_passes(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which.")] filter: Option<GatePassFilter>,
        #[graphql(desc = "Size of the page, at most 100.")] first: Option<i32>,
        #[graphql(desc = "The page starts after this cursor.")] after: Option<String>,
        #[graphql(desc = "Size of a page that is read backwards.")] last: Option<i32>,
        #[graphql(desc = "The page ends before this cursor.")] before: Option<String>,
    ) -> Result<Connection<GatePass>> {
        context.may(Action::ReadStock)?;
        let page = PageArgs::relay(first, after.as_deref(), last, before.as_deref())?;
        let filter = filter.unwrap_or_default().read()?;
        let rows = ops::list_passes(context.app().db().read(), context.viewer(), &filter, &page).await?;
        Ok(Connection::new(rows, None, |row| (ops::pass_cursor(&row), GatePass(row))))
    }

    /// A pass; null when there is none or it may not be seen (核放单).
    async fn gate_pass(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Opaque identifier.")] id: ID,
    ) -> Result<Option<GatePass>> {
        context.may(Action::ReadStock)?;
        let Ok(id) = decode::<GatePassId>(&id, "id") else { return Ok(None) };
        Ok(ops::find_pass(context.app().db().read(), context.viewer(), id).await?.map(GatePass))
    }
}
