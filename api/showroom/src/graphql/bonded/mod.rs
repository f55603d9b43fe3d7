//! Bonded displays in the schema: what they are, and what is read of them.

mod guarantee;
mod inputs;
mod mutation;

use async_graphql::{Context, ID, Object, Result, SimpleObject};
use catalog::graphql::Variant;
use chrono::{DateTime, NaiveDate, Utc};
use entities::{
    party::Action,
    showroom::{
        BondedDisplayAlarmKind, BondedDisplayCause, BondedDisplayState, BondedDisplayStep, bonded_alarm,
        bonded_display, bonded_event, bonded_part,
    },
    values::{Currency, Money as Amount, id::BondedDisplayId},
};
use inventory::graphql::{StockLocation, StockLot};
use platform::{
    graphql::{Connection, ContextExt, Money, bounded, connection::list_cost, decode, encode},
    page::PageArgs,
};

use super::stores::Showroom;
use crate::{
    loaders::{self, PiecesOf},
    ops::bonded::{
        alarms,
        declared::PartOf,
        reads::{self as ops, Filter},
    },
};

pub use guarantee::{DisplayGuaranteeMutation, DisplayGuaranteeQuery};
pub use mutation::BondedDisplayMutation;

fn yuan(minor: i64) -> Money {
    Amount { minor, currency: Currency::CNY }.into()
}

/// Goods under customs supervision that stand in a showroom outside the zone, under a guarantee (保税展示).
#[derive(Clone, Debug)]
pub struct BondedDisplay(pub bonded_display::Model);

/// Goods under customs supervision that stand in a showroom outside the zone, under a guarantee (保税展示).
#[Object]
impl BondedDisplay {
    /// Opaque identifier.
    pub async fn id(&self) -> ID {
        encode(self.0.id)
    }

    /// In which showroom.
    async fn showroom(&self, context: &Context<'_>) -> Result<Option<Showroom>> {
        Ok(loaders::of(context).load_one(self.0.showroom_id).await?.map(Showroom))
    }

    /// The bonded display of another showroom that the pieces came from (转店来源).
    async fn origin_id(&self) -> Option<ID> {
        self.0.origin_id.map(encode)
    }

    /// The bonded warehouse that they go out of and come back to.
    async fn warehouse(&self, context: &Context<'_>) -> Result<Option<StockLocation>> {
        Ok(inventory::loaders::of(context).load_one(self.0.from_id).await?.map(StockLocation))
    }

    /// Of what.
    async fn variant(&self, context: &Context<'_>) -> Result<Option<Variant>> {
        Ok(catalog::loaders::of(context).load_one(self.0.variant_id).await?.map(Variant))
    }

    /// Which lot.
    async fn lot(&self, context: &Context<'_>) -> Result<Option<StockLot>> {
        Ok(inventory::loaders::of(context).load_one(self.0.lot_id).await?.map(StockLot))
    }

    /// How many pieces.
    async fn quantity(&self) -> i64 {
        self.0.quantity
    }

    /// How many of them are in which state; of the states in which there are any, in the order of their life.
    async fn pieces(&self, context: &Context<'_>) -> Result<Vec<BondedDisplayPieces>> {
        let found = loaders::of(context).load_one(PiecesOf(self.0.id)).await?.unwrap_or_default();
        Ok(found.into_iter().map(|row| BondedDisplayPieces { state: row.state, quantity: row.pieces }).collect())
    }

    /// The dutiable price of a piece (完税价格).
    async fn unit_price(&self) -> Money {
        yuan(self.0.unit_price_minor)
    }

    /// Duty on a piece, in full (关税).
    async fn unit_duty(&self) -> Money {
        yuan(self.0.duty_minor)
    }

    /// Consumption tax on a piece, in full (消费税).
    async fn unit_consumption_tax(&self) -> Money {
        yuan(self.0.consumption_minor)
    }

    /// Import VAT on a piece, in full (进口环节增值税).
    async fn unit_vat(&self) -> Money {
        yuan(self.0.vat_minor)
    }

    /// All taxes of a piece: what it binds of the guarantee (全额税款).
    async fn unit_tax(&self) -> Money {
        yuan(self.0.unit_tax().total_minor())
    }

    /// The day whose tariff that is by.
    async fn taxed_on(&self) -> NaiveDate {
        self.0.taxed_on
    }

    /// What its pieces bind of the guarantee now (占用担保).
    async fn guarantee_in_use(&self, context: &Context<'_>) -> Result<Money> {
        let found = loaders::of(context).load_one(PiecesOf(self.0.id)).await?.unwrap_or_default();
        let pieces: i64 = found.iter().filter(|row| row.state.binds()).map(|row| row.pieces).sum();
        Ok(yuan(pieces * self.0.unit_tax().total_minor()))
    }

    /// The application to customs (业务申报表).
    async fn application_number(&self) -> &str {
        &self.0.application_no
    }

    /// The order under which they went out (出入库单).
    async fn outbound_number(&self) -> Option<&str> {
        self.0.outbound_no.as_deref()
    }

    /// The gate pass under which they went out (核放单).
    async fn pass_number(&self) -> Option<&str> {
        self.0.pass_no.as_deref()
    }

    /// The last day on which they may be out (回区期限).
    async fn return_by(&self) -> NaiveDate {
        self.0.return_by
    }

    /// The document that put that day off, which is possible once (延期文书).
    async fn extension_document(&self) -> Option<&str> {
        self.0.extension_no.as_deref()
    }

    /// Who applied.
    async fn created_by(&self) -> &str {
        &self.0.created_by
    }

    /// Since when.
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }

    /// When they left the zone.
    async fn gated_out_at(&self) -> Option<DateTime<Utc>> {
        self.0.gated_out_at
    }

    /// Its parts, each with pieces in one state, oldest first.
    #[graphql(complexity = "list_cost(first, last, child_complexity)")]
    async fn parts(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Size of the page, at most 100.")] first: Option<i32>,
        #[graphql(desc = "The page starts after this cursor.")] after: Option<String>,
        #[graphql(desc = "Size of a page that is read backwards.")] last: Option<i32>,
        #[graphql(desc = "The page ends before this cursor.")] before: Option<String>,
    ) -> Result<Connection<BondedDisplayPart>> {
        let page = PageArgs::relay(first, after.as_deref(), last, before.as_deref())?;
        let rows = ops::parts(context.app().db().read(), self.0.id, &page).await?;
        Ok(Connection::new(rows, None, |row| {
            (ops::part_cursor(&row), BondedDisplayPart { display: self.0.clone(), row })
        }))
    }

    /// What happened to it, newest first (流水).
    #[graphql(complexity = "list_cost(first, last, child_complexity)")]
    async fn events(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Size of the page, at most 100.")] first: Option<i32>,
        #[graphql(desc = "The page starts after this cursor.")] after: Option<String>,
        #[graphql(desc = "Size of a page that is read backwards.")] last: Option<i32>,
        #[graphql(desc = "The page ends before this cursor.")] before: Option<String>,
    ) -> Result<Connection<BondedDisplayEvent>> {
        let page = PageArgs::relay(first, after.as_deref(), last, before.as_deref())?;
        let rows = ops::events(context.app().db().read(), self.0.id, &page).await?;
        Ok(Connection::new(rows, None, |row| (ops::event_cursor(&row), BondedDisplayEvent(row))))
    }
}

/// How many pieces of a bonded display are in a state (各状态数量).
#[derive(Clone, Debug, SimpleObject)]
pub struct BondedDisplayPieces {
    /// The state.
    state: BondedDisplayState,
    /// How many.
    quantity: i64,
}

/// Pieces of a bonded display that are in one state (保税展示明细).
#[derive(Clone, Debug)]
pub struct BondedDisplayPart {
    display: bonded_display::Model,
    row: bonded_part::Model,
}

impl From<PartOf> for BondedDisplayPart {
    fn from((display, row): PartOf) -> Self {
        Self { display, row }
    }
}

/// Pieces of a bonded display that are in one state (保税展示明细).
#[Object]
impl BondedDisplayPart {
    /// Opaque identifier.
    pub async fn id(&self) -> ID {
        encode(self.row.id)
    }

    /// What they are a part of.
    async fn display(&self) -> BondedDisplay {
        BondedDisplay(self.display.clone())
    }

    /// State.
    async fn state(&self) -> BondedDisplayState {
        self.row.state
    }

    /// How many.
    async fn quantity(&self) -> i64 {
        self.row.quantity
    }

    /// All their taxes by the tariff of the day on which they were guaranteed (税款).
    async fn tax(&self) -> Money {
        yuan(self.row.quantity * self.display.unit_tax().total_minor())
    }

    /// Why they do not come back.
    async fn cause(&self) -> Option<BondedDisplayCause> {
        self.row.cause
    }

    /// On which day they were sold, damaged, lost or cleared.
    async fn left_on(&self) -> Option<NaiveDate> {
        self.row.left_on
    }

    /// Until which day they are to be declared: 30 days later, and within the calendar year (最迟申报日).
    async fn declare_by(&self) -> Option<NaiveDate> {
        self.row.declare_by
    }

    /// The document under which they left the shelf: a receipt, a report, papers of the gate.
    async fn document(&self) -> Option<&str> {
        self.row.document.as_deref()
    }

    /// Under which number they were declared (报关单号).
    async fn declaration_number(&self) -> Option<&str> {
        self.row.declaration_no.as_deref()
    }

    /// The number of the payment of their taxes (缴款书编号).
    async fn payment_number(&self) -> Option<&str> {
        self.row.payment_no.as_deref()
    }

    /// When it changed last.
    async fn updated_at(&self) -> DateTime<Utc> {
        self.row.updated_at
    }
}

/// Something that happened to a bonded display, which is never changed (保税展示流水).
#[derive(Clone, Debug)]
pub struct BondedDisplayEvent(bonded_event::Model);

/// Something that happened to a bonded display, which is never changed (保税展示流水).
#[Object]
impl BondedDisplayEvent {
    /// What.
    async fn step(&self) -> BondedDisplayStep {
        self.0.step
    }

    /// How many pieces.
    async fn quantity(&self) -> i64 {
        self.0.quantity
    }

    /// The documents that say so.
    async fn document(&self) -> Option<&str> {
        self.0.document.as_deref()
    }

    /// Who did it.
    async fn actor(&self) -> &str {
        &self.0.actor
    }

    /// When.
    async fn at(&self) -> DateTime<Utc> {
        self.0.at
    }
}

/// Pieces of a bonded display that have to be back, or declared, soon (保税展示预警).
#[derive(Clone, Debug)]
pub struct BondedDisplayAlarm(pub bonded_alarm::Model);

/// Pieces of a bonded display that have to be back, or declared, soon (保税展示预警).
#[Object]
impl BondedDisplayAlarm {
    /// Opaque identifier.
    pub async fn id(&self) -> ID {
        encode(self.0.id)
    }

    /// Of which bonded display.
    async fn display(&self, context: &Context<'_>) -> Result<Option<BondedDisplay>> {
        Ok(loaders::of(context).load_one(self.0.display_id).await?.map(BondedDisplay))
    }

    /// Of which part of it, when that is to be declared.
    async fn part_id(&self) -> Option<ID> {
        self.0.part_id.map(encode)
    }

    /// What has to be done.
    async fn kind(&self) -> BondedDisplayAlarmKind {
        self.0.kind
    }

    /// Until which day.
    async fn due_on(&self) -> NaiveDate {
        self.0.due_on
    }

    /// So many days before it is raised: 30, 7 or 0.
    async fn days(&self) -> i32 {
        self.0.days
    }

    /// When it was raised.
    async fn raised_at(&self) -> DateTime<Utc> {
        self.0.raised_at
    }

    /// Who has seen it.
    async fn acknowledged_by(&self) -> Option<&str> {
        self.0.acknowledged_by.as_deref()
    }

    /// When.
    async fn acknowledged_at(&self) -> Option<DateTime<Utc>> {
        self.0.acknowledged_at
    }
}

/// The part of the query root about bonded displays.
#[derive(Default)]
pub struct BondedDisplayQuery;

#[Object]
impl BondedDisplayQuery {
    /// Bonded displays of the showrooms that one sees inside, newest first (保税展示列表).
    #[graphql(complexity = "list_cost(first, last, child_complexity)")]
    #[expect(clippy::too_many_arguments, reason = "the arguments of a Relay connection")]
    async fn bonded_displays(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Only in this showroom.")] showroom_id: Option<ID>,
        #[graphql(desc = "Only with pieces in one of these states.")] states: Option<Vec<BondedDisplayState>>,
        #[graphql(desc = "Size of the page, at most 100.")] first: Option<i32>,
        #[graphql(desc = "The page starts after this cursor.")] after: Option<String>,
        #[graphql(desc = "Size of a page that is read backwards.")] last: Option<i32>,
        #[graphql(desc = "The page ends before this cursor.")] before: Option<String>,
    ) -> Result<Connection<BondedDisplay>> {
        context.may(Action::ReadShowrooms)?;
        let page = PageArgs::relay(first, after.as_deref(), last, before.as_deref())?;
        let filter = Filter {
            showroom: showroom_id.map(|id| decode(&id, "showroomId")).transpose()?,
            states: bounded(states.unwrap_or_default())?,
        };
        let rows = ops::list(context.app().db().read(), context.viewer(), &filter, &page).await?;
        Ok(Connection::new(rows, None, |row| (ops::cursor(&row), BondedDisplay(row))))
    }

    /// A bonded display; null when there is none or it may not be seen (保税展示).
    async fn bonded_display(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Opaque identifier.")] id: ID,
    ) -> Result<Option<BondedDisplay>> {
        context.may(Action::ReadShowrooms)?;
        let Ok(id) = decode::<BondedDisplayId>(&id, "id") else { return Ok(None) };
        Ok(ops::find(context.app().db().read(), context.viewer(), id).await?.map(BondedDisplay))
    }

    /// Bonded displays with pieces that have to be back in the zone, or declared, before a day; newest first (即将到期).
    #[graphql(complexity = "list_cost(first, last, child_complexity)")]
    async fn bonded_displays_due(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The day; what is due on it is not among them.")] due_before: NaiveDate,
        #[graphql(desc = "Size of the page, at most 100.")] first: Option<i32>,
        #[graphql(desc = "The page starts after this cursor.")] after: Option<String>,
        #[graphql(desc = "Size of a page that is read backwards.")] last: Option<i32>,
        #[graphql(desc = "The page ends before this cursor.")] before: Option<String>,
    ) -> Result<Connection<BondedDisplay>> {
        context.may(Action::ReadShowrooms)?;
        let page = PageArgs::relay(first, after.as_deref(), last, before.as_deref())?;
        let rows = ops::due(context.app().db().read(), context.viewer(), due_before, &page).await?;
        Ok(Connection::new(rows, None, |row| (ops::cursor(&row), BondedDisplay(row))))
    }

    /// Alarms of the showrooms that one sees inside, newest first (保税展示预警列表).
    #[graphql(complexity = "list_cost(first, last, child_complexity)")]
    #[expect(clippy::too_many_arguments, reason = "the arguments of a Relay connection")]
    async fn bonded_display_alarms(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Only in this showroom.")] showroom_id: Option<ID>,
        #[graphql(desc = "Only those that nobody has seen yet.")] open: Option<bool>,
        #[graphql(desc = "Size of the page, at most 100.")] first: Option<i32>,
        #[graphql(desc = "The page starts after this cursor.")] after: Option<String>,
        #[graphql(desc = "Size of a page that is read backwards.")] last: Option<i32>,
        #[graphql(desc = "The page ends before this cursor.")] before: Option<String>,
    ) -> Result<Connection<BondedDisplayAlarm>> {
        context.may(Action::ReadShowrooms)?;
        let page = PageArgs::relay(first, after.as_deref(), last, before.as_deref())?;
        let showroom = showroom_id.map(|id| decode(&id, "showroomId")).transpose()?;
        let (db, open) = (context.app().db().read(), open.unwrap_or_default());
        let rows = alarms::list(db, context.viewer(), showroom, open, &page).await?;
        Ok(Connection::new(rows, None, |row| (alarms::cursor(&row), BondedDisplayAlarm(row))))
    }
}
