//! Stock in the schema. Quantities are numbers of pieces that an `Int` can show: no balance passes 2,147,483,647
//! ([`balance::MOST`]).

mod book;
mod counts;
pub mod gate;
pub mod inbound;
mod leaving;
mod transfers;

use async_graphql::{Context, ID, InputObject, MergedObject, Object, Result};
use catalog::graphql::Variant;
use chrono::{DateTime, NaiveDate, Utc};
use entities::{
    inventory::{CustomsStatus, LocationKind, MoveReason, balance, location, lot, stock_move},
    party::Action,
    values::id::StockBalanceId,
};
use platform::{
    error::Error,
    graphql::{Connection, ContextExt, connection::list_cost, decode, encode},
    page::PageArgs,
    payload,
};

use super::{
    ledger::in_line,
    loaders::{self, BinsOfLot, FreePieces},
    ops::{self, Filter, NewLocation, Received, Told, Transferred},
};

/// A place where stock lies, or that stands for the outside (库位).
#[derive(Clone, Debug)]
pub struct StockLocation(pub location::Model);

/// A place where stock lies, or that stands for the outside (库位).
#[Object]
impl StockLocation {
    /// Opaque identifier.
    pub async fn id(&self) -> ID {
        encode(self.0.id)
    }

    /// Short code, unique within the organisation.
    async fn code(&self) -> &str {
        &self.0.code
    }

    /// What it is.
    async fn kind(&self) -> LocationKind {
        self.0.kind
    }

    /// What people call it.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// Whether it stands for the outside: for whoever delivers or bought, or for what is lost.
    async fn outside(&self) -> bool {
        self.0.kind.is_virtual()
    }
}

/// Goods that were made together (批次).
#[derive(Clone, Debug)]
pub struct StockLot(pub lot::Model);

/// Goods that were made together (批次).
#[Object]
impl StockLot {
    /// As it is printed on the goods; empty when they are not told apart.
    async fn code(&self) -> &str {
        &self.0.code
    }

    /// When they were made (生产日期).
    async fn produced_on(&self) -> Option<NaiveDate> {
        self.0.produced_on
    }

    /// The first day on which they are too old (到期日).
    async fn expires_on(&self) -> Option<NaiveDate> {
        self.0.expires_on
    }
}

/// How much of a lot lies in a place under a customs status (库存余额).
#[derive(Clone, Debug)]
pub struct StockBalance(pub balance::Model);

/// How much of a lot lies in a place under a customs status (库存余额).
#[Object]
impl StockBalance {
    /// Opaque identifier.
    pub async fn id(&self) -> ID {
        encode(self.0.id)
    }

    /// Of what.
    async fn variant(&self, context: &Context<'_>) -> Result<Option<Variant>> {
        Ok(catalog::loaders::of(context).load_one(self.0.variant_id).await?.map(Variant))
    }

    /// Where.
    async fn location(&self, context: &Context<'_>) -> Result<Option<StockLocation>> {
        Ok(loaders::of(context).load_one(self.0.location_id).await?.map(StockLocation))
    }

    /// Which lot.
    async fn lot(&self, context: &Context<'_>) -> Result<Option<StockLot>> {
        Ok(loaders::of(context).load_one(self.0.lot_id).await?.map(StockLot))
    }

    /// Under which customs status.
    async fn customs_status(&self) -> CustomsStatus {
        self.0.status
    }

    /// Into which bins of the place the lot was put, the newest 20: where to look. How much is left in each nobody keeps
    /// (货位).
    #[graphql(complexity = 20)]
    async fn bins(&self, context: &Context<'_>) -> Result<Vec<String>> {
        Ok(loaders::of(context).load_one(BinsOfLot(self.0.location_id, self.0.lot_id)).await?.unwrap_or_default())
    }

    /// How much lies there, in trade units (现有量).
    async fn on_hand(&self) -> i64 {
        self.0.on_hand
    }

    /// How much of it is promised (占用量).
    async fn reserved(&self, context: &Context<'_>) -> Result<i64> {
        Ok(self.0.reserved - free(context, self.0.id).await?)
    }

    /// How much can still be promised (可用量).
    async fn available(&self, context: &Context<'_>) -> Result<i64> {
        Ok(self.0.available() + free(context, self.0.id).await?)
    }
}

/// Pieces of a hot item's pool that nobody has: they can be promised.
async fn free(context: &Context<'_>, id: StockBalanceId) -> Result<i64> {
    Ok(loaders::of(context).load_one(FreePieces(id)).await?.unwrap_or_default())
}

/// A move of stock, which is never changed (库存移动).
#[derive(Clone, Debug)]
pub struct StockMove {
    row: stock_move::Model,
    on_hand_after: Option<i64>,
}

impl From<Told> for StockMove {
    fn from(told: Told) -> Self {
        Self { row: told.row, on_hand_after: Some(told.on_hand_after) }
    }
}

impl From<stock_move::Model> for StockMove {
    fn from(row: stock_move::Model) -> Self {
        Self { row, on_hand_after: None }
    }
}

/// A move of stock, which is never changed (库存移动).
#[Object]
impl StockMove {
    /// Opaque identifier.
    pub async fn id(&self) -> ID {
        encode(self.row.id)
    }

    /// Of what.
    async fn variant(&self, context: &Context<'_>) -> Result<Option<Variant>> {
        Ok(catalog::loaders::of(context).load_one(self.row.variant_id).await?.map(Variant))
    }

    /// Which lot.
    async fn lot(&self, context: &Context<'_>) -> Result<Option<StockLot>> {
        Ok(loaders::of(context).load_one(self.row.lot_id).await?.map(StockLot))
    }

    /// From where.
    #[graphql(name = "from")]
    async fn source(&self, context: &Context<'_>) -> Result<Option<StockLocation>> {
        Ok(loaders::of(context).load_one(self.row.from_id).await?.map(StockLocation))
    }

    /// Under which customs status it lay there.
    #[graphql(name = "fromStatus")]
    async fn status_there(&self) -> CustomsStatus {
        self.row.from_status
    }

    /// To where.
    #[graphql(name = "to")]
    async fn destination(&self, context: &Context<'_>) -> Result<Option<StockLocation>> {
        Ok(loaders::of(context).load_one(self.row.to_id).await?.map(StockLocation))
    }

    /// Under which customs status it lies there.
    #[graphql(name = "toStatus")]
    async fn status_here(&self) -> CustomsStatus {
        self.row.to_status
    }

    /// How much, in trade units.
    async fn quantity(&self) -> i64 {
        self.row.quantity
    }

    /// Why.
    async fn reason(&self) -> MoveReason {
        self.row.reason
    }

    /// The document that says so.
    async fn document(&self) -> &str {
        &self.row.document
    }

    /// The move that this one takes back.
    async fn reverses_id(&self) -> Option<ID> {
        self.row.reverses_id.map(encode)
    }

    /// Who did it.
    async fn actor(&self) -> &str {
        &self.row.actor
    }

    /// When.
    async fn at(&self) -> DateTime<Utc> {
        self.row.at
    }

    /// On hand of the variant after it, over all places of the house; only in `stockHistory`.
    async fn on_hand_after(&self) -> Option<i64> {
        self.on_hand_after
    }
}

/// The part of the query root that this context adds.
#[derive(MergedObject, Default)]
pub struct InventoryQuery(
    StockQuery,
    counts::CountQuery,
    transfers::TransferQuery,
    book::BookQuery,
    inbound::InboundQuery,
    gate::GateQuery,
);

/// The part of the mutation root that this context adds.
#[derive(MergedObject, Default)]
pub struct InventoryMutation(
    StockMutation,
    counts::CountMutation,
    transfers::TransferMutation,
    book::BookMutation,
    leaving::LeavingMutation,
    inbound::InboundMutation,
);

/// Queries about locations, balances and moves.
#[derive(Default)]
pub struct StockQuery;

#[Object]
impl StockQuery {
    /// Locations of an organisation, oldest first (库位列表).
    #[graphql(complexity = "list_cost(first, last, child_complexity)")]
    async fn stock_locations(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Whose; none: of the organisation acted for.")] organisation_id: Option<ID>,
        #[graphql(desc = "Size of the page, at most 100.")] first: Option<i32>,
        #[graphql(desc = "The page starts after this cursor.")] after: Option<String>,
        #[graphql(desc = "Size of a page that is read backwards.")] last: Option<i32>,
        #[graphql(desc = "The page ends before this cursor.")] before: Option<String>,
    ) -> Result<Connection<StockLocation>> {
        context.may(Action::ReadStock)?;
        let page = PageArgs::relay(first, after.as_deref(), last, before.as_deref())?;
        let of = organisation_id.map(|id| decode(&id, "organisationId")).transpose()?;
        let rows = ops::list_locations(context.app().db().read(), context.viewer(), of, &page).await?;
        Ok(Connection::new(rows, None, |row| (ops::location_cursor(&row), StockLocation(row))))
    }

    /// What lies in the house of an organisation, oldest first (库存).
    #[graphql(complexity = "list_cost(first, last, child_complexity)")]
    #[expect(clippy::too_many_arguments, reason = "the arguments of a Relay connection")]
    async fn stock(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Whose; none: of the organisation acted for.")] organisation_id: Option<ID>,
        #[graphql(desc = "Only of this variant.")] variant_id: Option<ID>,
        #[graphql(desc = "Only in this location.")] location_id: Option<ID>,
        #[graphql(desc = "Size of the page, at most 100.")] first: Option<i32>,
        #[graphql(desc = "The page starts after this cursor.")] after: Option<String>,
        #[graphql(desc = "Size of a page that is read backwards.")] last: Option<i32>,
        #[graphql(desc = "The page ends before this cursor.")] before: Option<String>,
    ) -> Result<Connection<StockBalance>> {
        context.may(Action::ReadStock)?;
        let page = PageArgs::relay(first, after.as_deref(), last, before.as_deref())?;
        let filter = Filter {
            of: organisation_id.map(|id| decode(&id, "organisationId")).transpose()?,
            variant: variant_id.map(|id| decode(&id, "variantId")).transpose()?,
            location: location_id.map(|id| decode(&id, "locationId")).transpose()?,
        };
        let rows = ops::list_stock(context.app().db().read(), context.viewer(), filter, &page).await?;
        Ok(Connection::new(rows, None, |row| (ops::balance_cursor(&row), StockBalance(row))))
    }

    /// Why so much of a variant is on hand: its moves, newest first, each with what there was after it (库存流水).
    #[graphql(complexity = "list_cost(first, last, child_complexity)")]
    #[expect(clippy::too_many_arguments, reason = "the arguments of a Relay connection")]
    async fn stock_history(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Of what.")] variant_id: ID,
        #[graphql(desc = "Whose; none: of the organisation acted for.")] organisation_id: Option<ID>,
        #[graphql(desc = "Size of the page, at most 100.")] first: Option<i32>,
        #[graphql(desc = "The page starts after this cursor.")] after: Option<String>,
        #[graphql(desc = "Size of a page that is read backwards.")] last: Option<i32>,
        #[graphql(desc = "The page ends before this cursor.")] before: Option<String>,
    ) -> Result<Connection<StockMove>> {
        context.may(Action::ReadStock)?;
        let page = PageArgs::relay(first, after.as_deref(), last, before.as_deref())?;
        let of = organisation_id.map(|id| decode(&id, "organisationId")).transpose()?;
        let variant = decode(&variant_id, "variantId")?;
        let rows = ops::history(context.app().db().read(), context.viewer(), of, variant, &page).await?;
        Ok(Connection::new(rows, None, |row| (ops::move_cursor(&row), row.into())))
    }
}

/// A new location (新建库位).
#[derive(InputObject)]
pub(super) struct CreateStockLocationInput {
    /// Short code, unique within the organisation: letters, digits, `-`, `_`, `.`.
    code: String,
    /// What it is; those that stand for the outside come by themselves.
    kind: LocationKind,
    /// What people call it.
    name: String,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// A line of a receipt (收货行).
#[derive(InputObject)]
pub(super) struct ReceiveStockLine {
    /// Of what.
    variant_id: ID,
    /// How much, in trade units.
    quantity: i64,
    /// Under which customs status.
    customs_status: CustomsStatus,
    /// The lot as it is printed on the goods; none when they are not told apart.
    lot: Option<String>,
    /// When they were made.
    produced_on: Option<NaiveDate>,
    /// The first day on which they are too old.
    expires_on: Option<NaiveDate>,
}

/// Goods that came in (收货).
#[derive(InputObject)]
pub(super) struct ReceiveStockInput {
    /// Into which location.
    location_id: ID,
    /// The document that says so: a waybill, an inbound list.
    document: String,
    /// What came, at most 500 lines; all of them or, when one is refused, none.
    lines: Vec<ReceiveStockLine>,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// A line of a transfer (调拨行).
#[derive(InputObject)]
pub(super) struct TransferStockLine {
    /// From which balance.
    balance_id: ID,
    /// To which location.
    to_id: ID,
    /// How much, in trade units.
    quantity: i64,
}

/// Goods that go from one place of the house to another (调拨).
#[derive(InputObject)]
pub(super) struct TransferStockInput {
    /// The document that says so.
    document: String,
    /// What goes, at most 500 lines; all of them or, when one is refused, none.
    lines: Vec<TransferStockLine>,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// A move that was wrong (冲销).
#[derive(InputObject)]
pub(super) struct ReverseStockMoveInput {
    /// Which.
    id: ID,
    /// The document that says so.
    document: String,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

payload! {
    /// The answer to `createStockLocation`.
    CreateStockLocationPayload { /// The location.
        location: StockLocation }
    /// The answer to `receiveStock`.
    ReceiveStockPayload { /// The moves, in the order of the lines.
        moves: Vec<StockMove> }
    /// The answer to `transferStock`.
    TransferStockPayload { /// The moves, in the order of the lines.
        moves: Vec<StockMove> }
    /// The answer to `reverseStockMove`.
    ReverseStockMovePayload { /// The move that takes it back.
        reversal: StockMove }
}

/// Mutations of locations and what lies there.
#[derive(Default)]
pub struct StockMutation;

fn moves(rows: Vec<stock_move::Model>) -> Vec<StockMove> {
    rows.into_iter().map(StockMove::from).collect()
}

fn transferred(lines: Vec<TransferStockLine>) -> Result<Vec<Transferred>, Error> {
    let line = |(n, line): (usize, TransferStockLine)| {
        Ok::<_, Error>(Transferred {
            balance: decode(&line.balance_id, "balanceId").map_err(|error| in_line(error, n))?,
            to: decode(&line.to_id, "toId").map_err(|error| in_line(error, n))?,
            quantity: line.quantity,
        })
    };
    lines.into_iter().enumerate().map(line).collect()
}

#[Object]
impl StockMutation {
    /// Makes a location of the organisation acted for (新建库位).
    async fn create_stock_location(
        &self,
        context: &Context<'_>,
        input: CreateStockLocationInput,
    ) -> Result<CreateStockLocationPayload> {
        let call = context.call(Action::KeepStock)?;
        let new = NewLocation { code: input.code, kind: input.kind, name: input.name };
        let result = ops::create_location(context.app(), &call, &new).await.map(StockLocation);
        CreateStockLocationPayload::new(context, input.client_mutation_id, result)
    }

    /// Takes goods in (收货).
    async fn receive_stock(&self, context: &Context<'_>, input: ReceiveStockInput) -> Result<ReceiveStockPayload> {
        let call = context.call(Action::KeepStock)?;
        let result = async {
            let location = decode(&input.location_id, "locationId")?;
            let line = |(n, line): (usize, ReceiveStockLine)| {
                Ok::<_, Error>(Received {
                    variant: decode(&line.variant_id, "variantId").map_err(|error| in_line(error, n))?,
                    quantity: line.quantity,
                    status: line.customs_status,
                    lot: line.lot.unwrap_or_default(),
                    produced_on: line.produced_on,
                    expires_on: line.expires_on,
                })
            };
            let lines: Vec<Received> = input.lines.into_iter().enumerate().map(line).collect::<Result<_, _>>()?;
            ops::receive(context.app(), &call, location, &input.document, &lines).await
        };
        ReceiveStockPayload::new(context, input.client_mutation_id, result.await.map(moves))
    }

    /// Moves goods from one place of the house to another, under the same customs status (调拨).
    async fn transfer_stock(&self, context: &Context<'_>, input: TransferStockInput) -> Result<TransferStockPayload> {
        let call = context.call(Action::KeepStock)?;
        let result = async {
            let lines = transferred(input.lines)?;
            ops::transfer(context.app(), &call, &input.document, &lines).await
        };
        TransferStockPayload::new(context, input.client_mutation_id, result.await.map(moves))
    }

    /// Takes back a move that was wrong, once; the goods must still be where it brought them (冲销).
    async fn reverse_stock_move(
        &self,
        context: &Context<'_>,
        input: ReverseStockMoveInput,
    ) -> Result<ReverseStockMovePayload> {
        let call = context.call(Action::KeepStock)?;
        let result = async { ops::reverse(context.app(), &call, decode(&input.id, "id")?, &input.document).await };
        ReverseStockMovePayload::new(context, input.client_mutation_id, result.await.map(StockMove::from))
    }
}
