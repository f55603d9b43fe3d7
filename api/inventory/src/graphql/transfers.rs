//! Transfers with a way between, in the schema.

use async_graphql::{Context, ID, InputObject, Object, Result};
use catalog::graphql::Variant;
use chrono::{DateTime, Utc};
use entities::{
    inventory::{CustomsStatus, TransferState, transfer, transfer_line},
    party::Action,
    values::id::StockTransferId,
};
use platform::{
    error::Error,
    graphql::{Connection, ContextExt, connection::list_cost, decode, encode},
    page::PageArgs,
    payload,
};

use super::{StockLocation, StockLot};
use crate::{
    ledger::in_line,
    loaders,
    ops::transfers::{self as ops, Asked, Came, Decided},
};

/// Goods that go from one place to another, with a way between (在途调拨).
#[derive(Clone, Debug)]
pub(crate) struct StockTransfer(pub transfer::Model);

/// Goods that go from one place to another, with a way between (在途调拨).
#[Object]
impl StockTransfer {
    /// Opaque identifier.
    pub async fn id(&self) -> ID {
        encode(self.0.id)
    }

    /// To where.
    #[graphql(name = "to")]
    async fn destination(&self, context: &Context<'_>) -> Result<Option<StockLocation>> {
        Ok(loaders::of(context).load_one(self.0.to_id).await?.map(StockLocation))
    }

    /// State.
    async fn state(&self) -> TransferState {
        self.0.state
    }

    /// The document that says so.
    async fn document(&self) -> &str {
        &self.0.document
    }

    /// Who asked for it.
    async fn requested_by(&self) -> &str {
        &self.0.requested_by
    }

    /// Who agreed.
    async fn approved_by(&self) -> Option<&str> {
        self.0.approved_by.as_deref()
    }

    /// Since when.
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }

    /// When the goods went.
    async fn shipped_at(&self) -> Option<DateTime<Utc>> {
        self.0.shipped_at
    }

    /// When it was over or given up.
    async fn ended_at(&self) -> Option<DateTime<Utc>> {
        self.0.ended_at
    }

    /// What goes, in the order that it was asked for in.
    #[graphql(complexity = "list_cost(first, last, child_complexity)")]
    async fn lines(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Size of the page, at most 100.")] first: Option<i32>,
        #[graphql(desc = "The page starts after this cursor.")] after: Option<String>,
        #[graphql(desc = "Size of a page that is read backwards.")] last: Option<i32>,
        #[graphql(desc = "The page ends before this cursor.")] before: Option<String>,
    ) -> Result<Connection<StockTransferLine>> {
        let page = PageArgs::relay(first, after.as_deref(), last, before.as_deref())?;
        let rows = ops::transfer_lines(context.app().db().read(), self.0.id, &page).await?;
        Ok(Connection::new(rows, None, |row| (ops::transfer_line_cursor(&row), StockTransferLine(row))))
    }
}

/// A line of a transfer (调拨行).
#[derive(Clone, Debug)]
pub(crate) struct StockTransferLine(transfer_line::Model);

/// A line of a transfer (调拨行).
#[Object]
impl StockTransferLine {
    /// Opaque identifier.
    async fn id(&self) -> ID {
        encode(self.0.id)
    }

    /// Of what.
    async fn variant(&self, context: &Context<'_>) -> Result<Option<Variant>> {
        Ok(catalog::loaders::of(context).load_one(self.0.variant_id).await?.map(Variant))
    }

    /// Which lot.
    async fn lot(&self, context: &Context<'_>) -> Result<Option<StockLot>> {
        Ok(loaders::of(context).load_one(self.0.lot_id).await?.map(StockLot))
    }

    /// Under which customs status.
    async fn customs_status(&self) -> CustomsStatus {
        self.0.status
    }

    /// How much goes.
    async fn quantity(&self) -> i64 {
        self.0.quantity
    }

    /// How much came.
    async fn received(&self) -> i64 {
        self.0.received
    }

    /// How much is lost.
    async fn lost(&self) -> i64 {
        self.0.lost
    }

    /// What neither came nor is lost: after the shipment it is on the way or missing (差异).
    async fn missing(&self) -> i64 {
        self.0.missing()
    }
}

/// A line of what is asked for (调拨申请行).
#[derive(InputObject)]
pub(crate) struct RequestStockTransferLine {
    /// From which balance.
    balance_id: ID,
    /// How much, in trade units.
    quantity: i64,
}

/// A transfer that is asked for (调拨申请).
#[derive(InputObject)]
pub(crate) struct RequestStockTransferInput {
    /// To which location.
    to_id: ID,
    /// The document that says so.
    document: String,
    /// What goes, at most 500 lines; all of them or, when one is refused, none.
    lines: Vec<RequestStockTransferLine>,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// A transfer that is agreed to (调拨审批).
#[derive(InputObject)]
pub(crate) struct ApproveStockTransferInput {
    /// Which.
    id: ID,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// A transfer whose goods go (调拨发出).
#[derive(InputObject)]
pub(crate) struct ShipStockTransferInput {
    /// Which.
    id: ID,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// What came of a line (调拨收货行).
#[derive(InputObject)]
pub(crate) struct ReceiveStockTransferLine {
    /// Of which line.
    line_id: ID,
    /// How much, in trade units.
    quantity: i64,
}

/// What came of a transfer (调拨收货).
#[derive(InputObject)]
pub(crate) struct ReceiveStockTransferInput {
    /// Of which.
    id: ID,
    /// What came, at most 500 lines.
    lines: Vec<ReceiveStockTransferLine>,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// What is decided about what is missing of a line: all of it (差异处理).
#[derive(InputObject)]
pub(crate) struct CloseStockTransferDecision {
    /// Of which line.
    line_id: ID,
    /// How much came after all.
    found: i64,
    /// How much is lost.
    lost: i64,
    /// The permit of customs, when bonded goods are lost.
    permit_number: Option<String>,
}

/// A transfer that is over (关闭调拨).
#[derive(InputObject)]
pub(crate) struct CloseStockTransferInput {
    /// Which.
    id: ID,
    /// A decision for each line of which something is missing, at most 500.
    decisions: Option<Vec<CloseStockTransferDecision>>,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// A transfer that is given up (取消调拨).
#[derive(InputObject)]
pub(crate) struct CancelStockTransferInput {
    /// Which.
    id: ID,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

payload! {
    /// The answer to `requestStockTransfer`.
    RequestStockTransferPayload { /// The transfer.
        transfer: StockTransfer }
    /// The answer to `approveStockTransfer`.
    ApproveStockTransferPayload { /// The transfer.
        transfer: StockTransfer }
    /// The answer to `shipStockTransfer`.
    ShipStockTransferPayload { /// The transfer.
        transfer: StockTransfer }
    /// The answer to `receiveStockTransfer`.
    ReceiveStockTransferPayload { /// The transfer.
        transfer: StockTransfer }
    /// The answer to `closeStockTransfer`.
    CloseStockTransferPayload { /// The transfer.
        transfer: StockTransfer }
    /// The answer to `cancelStockTransfer`.
    CancelStockTransferPayload { /// The transfer.
        transfer: StockTransfer }
}

/// Queries about transfers.
#[derive(Default)]
pub(crate) struct TransferQuery;

#[Object]
impl TransferQuery {
    /// Transfers of an organisation, newest first (调拨单列表).
    #[graphql(complexity = "list_cost(first, last, child_complexity)")]
    async fn stock_transfers(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Whose; none: of the organisation acted for.")] organisation_id: Option<ID>,
        #[graphql(desc = "Size of the page, at most 100.")] first: Option<i32>,
        #[graphql(desc = "The page starts after this cursor.")] after: Option<String>,
        #[graphql(desc = "Size of a page that is read backwards.")] last: Option<i32>,
        #[graphql(desc = "The page ends before this cursor.")] before: Option<String>,
    ) -> Result<Connection<StockTransfer>> {
        context.may(Action::ReadStock)?;
        let page = PageArgs::relay(first, after.as_deref(), last, before.as_deref())?;
        let of = organisation_id.map(|id| decode(&id, "organisationId")).transpose()?;
        let rows = ops::list_transfers(context.app().db().read(), context.viewer(), of, &page).await?;
        Ok(Connection::new(rows, None, |row| (ops::transfer_cursor(&row), StockTransfer(row))))
    }

    /// A transfer; null when there is none or it may not be seen (调拨单).
    async fn stock_transfer(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Opaque identifier.")] id: ID,
    ) -> Result<Option<StockTransfer>> {
        context.may(Action::ReadStock)?;
        let Ok(id) = decode::<StockTransferId>(&id, "id") else { return Ok(None) };
        Ok(ops::find_transfer(context.app().db().read(), context.viewer(), id).await?.map(StockTransfer))
    }
}

/// Mutations of transfers.
#[derive(Default)]
pub(crate) struct TransferMutation;

#[Object]
impl TransferMutation {
    /// Asks for a transfer; the goods are held from here on (调拨申请).
    async fn request_stock_transfer(
        &self,
        context: &Context<'_>,
        input: RequestStockTransferInput,
    ) -> Result<RequestStockTransferPayload> {
        let call = context.call(Action::HandleStock)?;
        let result = async {
            let to = decode(&input.to_id, "toId")?;
            let line = |(n, line): (usize, RequestStockTransferLine)| {
                let balance = decode(&line.balance_id, "balanceId").map_err(|error| in_line(error, n))?;
                Ok::<_, Error>(Asked { balance, quantity: line.quantity })
            };
            let lines: Vec<Asked> = input.lines.into_iter().enumerate().map(line).collect::<Result<_, _>>()?;
            ops::request_transfer(context.app(), &call, to, &input.document, &lines).await
        };
        RequestStockTransferPayload::new(context, input.client_mutation_id, result.await.map(StockTransfer))
    }

    /// Agrees to a transfer: whoever keeps where the goods lie, and not who asked for it (调拨审批).
    async fn approve_stock_transfer(
        &self,
        context: &Context<'_>,
        input: ApproveStockTransferInput,
    ) -> Result<ApproveStockTransferPayload> {
        let call = context.call(Action::KeepStock)?;
        let result = async { ops::approve_transfer(context.app(), &call, decode(&input.id, "id")?).await };
        ApproveStockTransferPayload::new(context, input.client_mutation_id, result.await.map(StockTransfer))
    }

    /// The goods of a transfer go onto the way (调拨发出).
    async fn ship_stock_transfer(
        &self,
        context: &Context<'_>,
        input: ShipStockTransferInput,
    ) -> Result<ShipStockTransferPayload> {
        let call = context.call(Action::HandleStock)?;
        let result = async { ops::ship_transfer(context.app(), &call, decode(&input.id, "id")?).await };
        ShipStockTransferPayload::new(context, input.client_mutation_id, result.await.map(StockTransfer))
    }

    /// Takes in what came of a transfer; the rest stays on the way (调拨收货).
    async fn receive_stock_transfer(
        &self,
        context: &Context<'_>,
        input: ReceiveStockTransferInput,
    ) -> Result<ReceiveStockTransferPayload> {
        let call = context.call(Action::HandleStock)?;
        let result = async {
            let id = decode(&input.id, "id")?;
            let line = |(n, line): (usize, ReceiveStockTransferLine)| {
                let of = decode(&line.line_id, "lineId").map_err(|error| in_line(error, n))?;
                Ok::<_, Error>(Came { line: of, quantity: line.quantity })
            };
            let lines: Vec<Came> = input.lines.into_iter().enumerate().map(line).collect::<Result<_, _>>()?;
            ops::receive_transfer(context.app(), &call, id, &lines).await
        };
        ReceiveStockTransferPayload::new(context, input.client_mutation_id, result.await.map(StockTransfer))
    }

    /// Closes a transfer; about everything that is missing it is decided (关闭调拨).
    async fn close_stock_transfer(
        &self,
        context: &Context<'_>,
        input: CloseStockTransferInput,
    ) -> Result<CloseStockTransferPayload> {
        let call = context.call(Action::KeepStock)?;
        let result = async {
            let id = decode(&input.id, "id")?;
            let decision = |one: CloseStockTransferDecision| {
                let line = decode(&one.line_id, "decisions")?;
                Ok::<_, Error>(Decided { line, found: one.found, lost: one.lost, permit: one.permit_number })
            };
            let decisions = input.decisions.unwrap_or_default();
            let decisions: Vec<Decided> = decisions.into_iter().map(decision).collect::<Result<_, _>>()?;
            ops::close_transfer(context.app(), &call, id, &decisions).await
        };
        CloseStockTransferPayload::new(context, input.client_mutation_id, result.await.map(StockTransfer))
    }

    /// Gives a transfer up before it is shipped; the goods are not held any more (取消调拨).
    async fn cancel_stock_transfer(
        &self,
        context: &Context<'_>,
        input: CancelStockTransferInput,
    ) -> Result<CancelStockTransferPayload> {
        let call = context.call(Action::KeepStock)?;
        let result = async { ops::cancel_transfer(context.app(), &call, decode(&input.id, "id")?).await };
        CancelStockTransferPayload::new(context, input.client_mutation_id, result.await.map(StockTransfer))
    }
}
