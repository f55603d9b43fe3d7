//! Goods receipts in the schema: what came, what was found of it, what went back.

use async_graphql::{Context, ID, InputObject, Object, Result};
use catalog::graphql::Variant;
use chrono::{DateTime, NaiveDate, Utc};
use entities::{
    inventory::CustomsStatus,
    party::Action,
    procurement::{
        FileSubject, ReceiptKind, ReceiptState, RejectReason, Side, inspection,
        receipt::{self, line},
    },
    values::{
        ErrorCode, Refusal,
        id::{GoodsReceiptId, OrganisationId, PurchaseOrderId},
    },
};
use inventory::{
    graphql::{StockLocation, StockLot},
    ledger::in_line,
};
use party::graphql::Organisation;
use platform::{
    error::Error,
    graphql::{Connection, ContextExt, connection::list_cost, decode, encode},
    page::PageArgs,
    payload,
};

use super::{
    files::{ProcurementFile, attached},
    orders::PurchaseOrder,
};
use crate::{
    loaders::{self, LinesOf},
    ops::{
        inspections::{self, Finding, Found},
        payables,
        receipts::{self as ops, Filter, NewLine, NewReceipt},
        supplier_returns::{self, NewReturn, SentBack},
    },
};

/// What came of an order, or went back of it (收货单).
#[derive(Clone, Debug)]
pub struct GoodsReceipt(pub receipt::Model);

/// Whether the viewer is on the side of a buyer, or oversees the zone.
fn buys(context: &Context<'_>, buyer: OrganisationId) -> bool {
    context.viewer().oversees() || context.viewer().organisation() == Some(buyer)
}

/// What came of an order, or went back of it (收货单).
#[Object]
impl GoodsReceipt {
    /// Opaque identifier.
    pub async fn id(&self) -> ID {
        encode(self.0.id)
    }

    /// Its number, which its moves of stock are under (收货单号).
    async fn number(&self) -> &str {
        &self.0.number
    }

    /// What it is of.
    async fn kind(&self) -> ReceiptKind {
        self.0.kind
    }

    /// State.
    async fn state(&self) -> ReceiptState {
        self.0.state
    }

    /// Counts up with every change.
    async fn version(&self) -> i32 {
        self.0.version
    }

    /// Of which order.
    async fn order_id(&self) -> ID {
        encode(self.0.order_id)
    }

    /// The order.
    async fn order(&self, context: &Context<'_>) -> Result<Option<PurchaseOrder>> {
        Ok(loaders::of(context).load_one(self.0.order_id).await?.map(PurchaseOrder))
    }

    /// Who bought (采购方).
    async fn buyer(&self, context: &Context<'_>) -> Result<Option<Organisation>> {
        Ok(party::loaders::of(context).load_one(self.0.buyer_id).await?.map(Organisation))
    }

    /// Who delivered (供应商).
    async fn supplier(&self, context: &Context<'_>) -> Result<Option<Organisation>> {
        Ok(party::loaders::of(context).load_one(self.0.supplier_id).await?.map(Organisation))
    }

    /// Where what is accepted goes; the buyer's business (入库库位).
    async fn location(&self, context: &Context<'_>) -> Result<Option<StockLocation>> {
        if !buys(context, self.0.buyer_id) {
            return Ok(None);
        }
        Ok(inventory::loaders::of(context).load_one(self.0.location_id).await?.map(StockLocation))
    }

    /// The number of the supplier's delivery note (送货单号).
    async fn delivery_note(&self) -> &str {
        &self.0.delivery_note
    }

    /// The number of the waybill (运单号).
    async fn waybill(&self) -> Option<&str> {
        self.0.waybill.as_deref()
    }

    /// On which business day it came, or went.
    async fn arrived_on(&self) -> NaiveDate {
        self.0.arrived_on
    }

    /// What there is to say to it; of what takes a receipt back: why.
    async fn note(&self) -> Option<&str> {
        self.0.note.as_deref()
    }

    /// What the device of whoever received knows it by; the buyer's business.
    async fn client_ref(&self, context: &Context<'_>) -> Option<&str> {
        self.0.client_ref.as_deref().filter(|_| buys(context, self.0.buyer_id))
    }

    /// The receipt that it takes back.
    #[graphql(complexity = "10 + child_complexity")]
    async fn reverses(&self, context: &Context<'_>) -> Result<Option<GoodsReceipt>> {
        let Some(id) = self.0.reverses_id else { return Ok(None) };
        Ok(ops::find(context.app().db().read(), context.viewer(), id).await?.map(GoodsReceipt))
    }

    /// What takes it back.
    #[graphql(complexity = "10 + child_complexity")]
    async fn reversed_by(&self, context: &Context<'_>) -> Result<Option<GoodsReceipt>> {
        if self.0.state != ReceiptState::Reversed {
            return Ok(None);
        }
        Ok(ops::reversal_of(context.app().db().read(), self.0.id).await?.map(GoodsReceipt))
    }

    /// Who drew it up; the buyer's business.
    async fn created_by(&self, context: &Context<'_>) -> Option<&str> {
        Some(self.0.created_by.as_str()).filter(|_| buys(context, self.0.buyer_id))
    }

    /// Who posted it; the buyer's business.
    async fn posted_by(&self, context: &Context<'_>) -> Option<&str> {
        self.0.posted_by.as_deref().filter(|_| buys(context, self.0.buyer_id))
    }

    /// When it was posted.
    async fn posted_at(&self) -> Option<DateTime<Utc>> {
        self.0.posted_at
    }

    /// Since when.
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }

    /// What it says at this moment in canonical form (RFC 8785), numbers as texts: evidence of receivables names the
    /// SHA-256 of it (规范文本).
    #[graphql(complexity = "10 + child_complexity")]
    async fn canonical(&self, context: &Context<'_>) -> Result<String> {
        Ok(payables::said_of_receipt(context.app().db().read(), &self.0).await?)
    }

    /// Its lines, in their order (收货明细).
    #[graphql(complexity = "list_cost(first, last, child_complexity)")]
    async fn lines(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Size of the page, at most 100.")] first: Option<i32>,
        #[graphql(desc = "The page starts after this cursor.")] after: Option<String>,
        #[graphql(desc = "Size of a page that is read backwards.")] last: Option<i32>,
        #[graphql(desc = "The page ends before this cursor.")] before: Option<String>,
    ) -> Result<Connection<GoodsReceiptLine>> {
        let page = PageArgs::relay(first, after.as_deref(), last, before.as_deref())?;
        let rows = ops::lines(context.app().db().read(), self.0.id, &page).await?;
        let (order, buyer) = (self.0.order_id, self.0.buyer_id);
        let shown = |row: line::Model| (ops::line_cursor(&row), GoodsReceiptLine { row, order, buyer });
        Ok(Connection::new(rows, None, shown))
    }

    /// What was found of it, first first (检验记录).
    #[graphql(complexity = "list_cost(first, last, child_complexity)")]
    async fn inspections(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Size of the page, at most 100.")] first: Option<i32>,
        #[graphql(desc = "The page starts after this cursor.")] after: Option<String>,
        #[graphql(desc = "Size of a page that is read backwards.")] last: Option<i32>,
        #[graphql(desc = "The page ends before this cursor.")] before: Option<String>,
    ) -> Result<Connection<ReceiptInspection>> {
        let page = PageArgs::relay(first, after.as_deref(), last, before.as_deref())?;
        let rows = ops::findings(context.app().db().read(), self.0.id, &page).await?;
        let buyer = self.0.buyer_id;
        Ok(Connection::new(rows, None, |row| (ops::inspection_cursor(&row), ReceiptInspection { row, buyer })))
    }

    /// Files of both sides, first attached first (收货附件).
    #[graphql(complexity = "list_cost(first, last, child_complexity)")]
    async fn files(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Size of the page, at most 100.")] first: Option<i32>,
        #[graphql(desc = "The page starts after this cursor.")] after: Option<String>,
        #[graphql(desc = "Size of a page that is read backwards.")] last: Option<i32>,
        #[graphql(desc = "The page ends before this cursor.")] before: Option<String>,
    ) -> Result<Connection<ProcurementFile>> {
        let page = PageArgs::relay(first, after.as_deref(), last, before.as_deref())?;
        attached(context, FileSubject::Receipt(self.0.id), page).await
    }
}

/// What came of a line of an order (收货明细). Of what goes out again `delivered` is how much.
#[derive(Clone, Debug)]
pub(crate) struct GoodsReceiptLine {
    row: line::Model,
    order: PurchaseOrderId,
    buyer: OrganisationId,
}

/// What came of a line of an order (收货明细). Of what goes out again `delivered` is how much.
#[Object]
impl GoodsReceiptLine {
    /// Opaque identifier.
    async fn id(&self) -> ID {
        encode(self.row.id)
    }

    /// Its place in the receipt, from 0 on.
    async fn position(&self) -> i32 {
        self.row.position
    }

    /// Of which line of the order.
    async fn order_line_id(&self) -> ID {
        encode(self.row.order_line_id)
    }

    /// The line of the receipt that it sends back or takes back.
    async fn of_line_id(&self) -> Option<ID> {
        self.row.of_line_id.map(encode)
    }

    /// Of what; null: it is nothing of the catalogue.
    async fn variant(&self, context: &Context<'_>) -> Result<Option<Variant>> {
        let lines = loaders::of(context).load_one(LinesOf(self.order)).await?.unwrap_or_default();
        let of = lines.iter().find(|line| line.id == self.row.order_line_id);
        let Some(id) = of.and_then(|line| line.variant_id) else { return Ok(None) };
        Ok(catalog::loaders::of(context).load_one(id).await?.map(Variant))
    }

    /// How much came, in trade units (到货数量).
    async fn delivered(&self) -> i64 {
        self.row.delivered
    }

    /// How much of it was accepted (合格数量).
    async fn accepted(&self) -> i64 {
        self.row.accepted
    }

    /// How much of it was rejected (拒收数量).
    async fn rejected(&self) -> i64 {
        self.row.rejected
    }

    /// How much of what was rejected went back (已退数量).
    async fn returned(&self) -> i64 {
        self.row.returned
    }

    /// How much of what was accepted was billed with this line named (已开票数量).
    async fn billed(&self) -> i64 {
        self.row.billed
    }

    /// What nobody has looked at yet (待检数量).
    async fn uninspected(&self) -> i64 {
        self.row.open()
    }

    /// What was rejected and is still with the buyer (待退数量).
    async fn to_return(&self) -> i64 {
        self.row.to_return()
    }

    /// The lot as it is printed on the goods; empty when they are not told apart (批号).
    async fn lot(&self) -> &str {
        &self.row.lot
    }

    /// When they were made (生产日期).
    async fn produced_on(&self) -> Option<NaiveDate> {
        self.row.produced_on
    }

    /// The first day on which they are too old (到期日).
    async fn expires_on(&self) -> Option<NaiveDate> {
        self.row.expires_on
    }

    /// Under which customs status they came.
    async fn status(&self) -> CustomsStatus {
        self.row.status
    }

    /// The lot in the buyer's stock; the buyer's business.
    async fn stock_lot(&self, context: &Context<'_>) -> Result<Option<StockLot>> {
        let id = self.row.lot_id.filter(|_| buys(context, self.buyer));
        let Some(id) = id else { return Ok(None) };
        Ok(inventory::loaders::of(context).load_one(id).await?.map(StockLot))
    }

    /// The move of stock into the house, or out of it again; the buyer's business.
    async fn stock_move_id(&self, context: &Context<'_>) -> Option<ID> {
        self.row.move_id.filter(|_| buys(context, self.buyer)).map(encode)
    }
}

/// What was found of a line when it was looked at; never changed (检验记录).
#[derive(Clone, Debug)]
pub(crate) struct ReceiptInspection {
    row: inspection::Model,
    buyer: OrganisationId,
}

/// What was found of a line when it was looked at; never changed (检验记录).
#[Object]
impl ReceiptInspection {
    /// Opaque identifier.
    async fn id(&self) -> ID {
        encode(self.row.id)
    }

    /// Of which line of the receipt.
    async fn line_id(&self) -> ID {
        encode(self.row.line_id)
    }

    /// How much was accepted.
    async fn accepted(&self) -> i64 {
        self.row.accepted
    }

    /// How much was rejected.
    async fn rejected(&self) -> i64 {
        self.row.rejected
    }

    /// Why (拒收原因).
    async fn reason(&self) -> Option<RejectReason> {
        self.row.reason
    }

    /// The same in words.
    async fn note(&self) -> Option<&str> {
        self.row.note.as_deref()
    }

    /// By which plan it was looked at (抽样方案).
    async fn plan(&self) -> Option<&str> {
        self.row.plan.as_deref()
    }

    /// How many pieces were looked at (抽样数量).
    async fn sample_size(&self) -> Option<i64> {
        self.row.sample_size
    }

    /// SHA-256 of a photo, in hex.
    async fn photo_sha256(&self) -> Option<&str> {
        self.row.photo_sha256.as_deref()
    }

    /// Who looked; the buyer's business.
    async fn inspected_by(&self, context: &Context<'_>) -> Option<&str> {
        Some(self.row.inspected_by.as_str()).filter(|_| buys(context, self.buyer))
    }

    /// When.
    async fn at(&self) -> DateTime<Utc> {
        self.row.at
    }
}

/// Which receipts (收货单筛选).
#[derive(Default, InputObject)]
pub(crate) struct GoodsReceiptFilter {
    /// Only those in which one's organisation is on this side.
    side: Option<Side>,
    /// Only of this kind.
    kind: Option<ReceiptKind>,
    /// Only in this state.
    state: Option<ReceiptState>,
    /// Only of this order.
    order_id: Option<ID>,
}

/// What came of a line of an order (收货行).
#[derive(InputObject)]
pub(crate) struct GoodsReceiptLineInput {
    /// Of which.
    order_line_id: ID,
    /// How much, in trade units.
    delivered: i64,
    /// How much of it is accepted, when it was looked at already; with `rejected` left out nothing is rejected. Not of
    /// a draft.
    accepted: Option<i64>,
    /// How much of it is rejected, when it was looked at already. Not of a draft.
    rejected: Option<i64>,
    /// Why; required for what is rejected.
    reason: Option<RejectReason>,
    /// What there is to say to what was found; required for `OTHER`.
    note: Option<String>,
    /// The lot as it is printed on the goods; left out when they are not told apart.
    lot: Option<String>,
    /// When they were made.
    produced_on: Option<NaiveDate>,
    /// The first day on which they are too old.
    expires_on: Option<NaiveDate>,
    /// Under which customs status they came.
    #[graphql(default_with = "CustomsStatus::DutyPaid")]
    status: CustomsStatus,
}

/// What came of an order, drawn up (收货草稿).
#[derive(InputObject)]
pub(crate) struct CreateGoodsReceiptInput {
    /// Of which order.
    order_id: ID,
    /// Where what is accepted goes; left out: where the order says.
    location_id: Option<ID>,
    /// The number of the supplier's delivery note.
    delivery_note: String,
    /// The number of the waybill.
    waybill: Option<String>,
    /// On which business day it came; left out: today.
    arrived_on: Option<NaiveDate>,
    /// What there is to say to it.
    note: Option<String>,
    /// What the device of whoever receives knows it by: sent again, the same receipt is answered.
    client_ref: Option<String>,
    /// What came, at most 500 lines.
    lines: Vec<GoodsReceiptLineInput>,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// What came of an order (收货过账): a draft by its id and version, or all of it.
#[derive(InputObject)]
pub(crate) struct PostGoodsReceiptInput {
    /// Which draft; then nothing else is said of what came.
    id: Option<ID>,
    /// The version of the draft that was read.
    expected_version: Option<i32>,
    /// Of which order, when it is no draft.
    order_id: Option<ID>,
    /// Where what is accepted goes; left out: where the order says.
    location_id: Option<ID>,
    /// The number of the supplier's delivery note, when it is no draft.
    delivery_note: Option<String>,
    /// The number of the waybill.
    waybill: Option<String>,
    /// On which business day it came; left out: today.
    arrived_on: Option<NaiveDate>,
    /// What there is to say to it.
    note: Option<String>,
    /// What the device of whoever receives knows it by: sent again, the same receipt is answered.
    client_ref: Option<String>,
    /// What came, at most 500 lines, when it is no draft; all of it or, when one line is refused, nothing.
    #[graphql(default)]
    lines: Vec<GoodsReceiptLineInput>,
    /// Whether all of it is accepted of which nothing else is said.
    #[graphql(default)]
    inspected: bool,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// What was found of a line (检验行).
#[derive(InputObject)]
pub(crate) struct InspectGoodsReceiptLine {
    /// Of which line of the receipt.
    line_id: ID,
    /// How much is accepted.
    #[graphql(default)]
    accepted: i64,
    /// How much is rejected.
    #[graphql(default)]
    rejected: i64,
    /// Why; required for what is rejected.
    reason: Option<RejectReason>,
    /// The same in words; required for `OTHER`.
    note: Option<String>,
    /// By which plan it was looked at.
    plan: Option<String>,
    /// How many pieces were looked at.
    sample_size: Option<i64>,
    /// SHA-256 of a photo, in hex.
    photo_sha256: Option<String>,
}

/// What was found of a receipt (来货检验).
#[derive(InputObject)]
pub(crate) struct InspectGoodsReceiptInput {
    /// Of which.
    id: ID,
    /// The version that was read; left out: whichever it is. What is added to others' findings needs none.
    expected_version: Option<i32>,
    /// What, at most 500 lines.
    lines: Vec<InspectGoodsReceiptLine>,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// What of a line goes back (退货行).
#[derive(InputObject)]
pub(crate) struct ReturnToSupplierLine {
    /// Of which line of the receipt.
    line_id: ID,
    /// How much, in trade units.
    quantity: i64,
}

/// Rejected goods that go back (退货给供应商).
#[derive(InputObject)]
pub(crate) struct ReturnToSupplierInput {
    /// Of which receipt.
    id: ID,
    /// The version that was read; left out: whichever it is.
    expected_version: Option<i32>,
    /// The number of the note that goes along; left out: that of the delivery.
    delivery_note: Option<String>,
    /// The number of the waybill.
    waybill: Option<String>,
    /// What there is to say to it.
    note: Option<String>,
    /// What of which lines, at most 500; all of it or, when one is refused, nothing.
    lines: Vec<ReturnToSupplierLine>,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// A draft that is given up (作废收货草稿).
#[derive(InputObject)]
pub(crate) struct DiscardGoodsReceiptInput {
    /// Which.
    id: ID,
    /// The version that was read.
    expected_version: i32,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// A receipt that is taken back (冲销收货).
#[derive(InputObject)]
pub(crate) struct ReverseGoodsReceiptInput {
    /// Which.
    id: ID,
    /// The version that was read.
    expected_version: i32,
    /// Why.
    reason: String,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

payload! {
    /// The answer to `createGoodsReceipt`.
    CreateGoodsReceiptPayload { /// The draft.
        goods_receipt: GoodsReceipt }
    /// The answer to `postGoodsReceipt`.
    PostGoodsReceiptPayload { /// The receipt.
        goods_receipt: GoodsReceipt }
    /// The answer to `discardGoodsReceipt`.
    DiscardGoodsReceiptPayload { /// The draft as it was.
        goods_receipt: GoodsReceipt }
    /// The answer to `inspectGoodsReceipt`.
    InspectGoodsReceiptPayload { /// The receipt.
        goods_receipt: GoodsReceipt }
    /// The answer to `returnToSupplier`.
    ReturnToSupplierPayload { /// The document of what went back.
        goods_receipt: GoodsReceipt }
    /// The answer to `reverseGoodsReceipt`.
    ReverseGoodsReceiptPayload { /// The document that takes the receipt back.
        goods_receipt: GoodsReceipt }
}

/// Lines of a receipt as they are sent.
fn came(lines: Vec<GoodsReceiptLineInput>) -> Result<Vec<NewLine>, Error> {
    let line = |(n, line): (usize, GoodsReceiptLineInput)| {
        let of = decode(&line.order_line_id, "orderLineId").map_err(|error| in_line(error, n))?;
        let looked_at = line.accepted.is_some() || line.rejected.is_some();
        let finding = looked_at.then(|| Finding {
            accepted: line.accepted.unwrap_or_default(),
            rejected: line.rejected.unwrap_or_default(),
            reason: line.reason,
            note: line.note,
            ..Finding::default()
        });
        Ok::<_, Error>(NewLine {
            of,
            delivered: line.delivered,
            lot: line.lot,
            produced_on: line.produced_on,
            expires_on: line.expires_on,
            status: line.status,
            finding,
        })
    };
    lines.into_iter().enumerate().map(line).collect()
}

/// A draft as it is sent.
fn drawn_up(input: CreateGoodsReceiptInput) -> Result<NewReceipt, Error> {
    Ok(NewReceipt {
        order: decode(&input.order_id, "orderId")?,
        location: input.location_id.map(|id| decode(&id, "locationId")).transpose()?,
        delivery_note: input.delivery_note,
        waybill: input.waybill,
        arrived_on: input.arrived_on,
        note: input.note,
        client_ref: input.client_ref,
        lines: came(input.lines)?,
    })
}

/// What is posted: a draft in a version, or what came.
enum Posting {
    Draft(GoodsReceiptId, i32),
    New(NewReceipt),
}

/// What is posted as it is sent: one or the other.
fn posting(input: PostGoodsReceiptInput) -> Result<Posting, Error> {
    let required = |field: &str| Error::from(Refusal::new(ErrorCode::Required).at(field));
    if let Some(id) = input.id {
        if input.order_id.is_some() || !input.lines.is_empty() {
            let refusal = Refusal::new(ErrorCode::InvalidValue).with("value", "id, or orderId with lines");
            return Err(refusal.at("id").into());
        }
        let expected = input.expected_version.ok_or_else(|| required("expectedVersion"))?;
        return Ok(Posting::Draft(decode(&id, "id")?, expected));
    }
    Ok(Posting::New(drawn_up(CreateGoodsReceiptInput {
        order_id: input.order_id.ok_or_else(|| required("orderId"))?,
        location_id: input.location_id,
        delivery_note: input.delivery_note.unwrap_or_default(),
        waybill: input.waybill,
        arrived_on: input.arrived_on,
        note: input.note,
        client_ref: input.client_ref,
        lines: input.lines,
        client_mutation_id: None,
    })?))
}

/// What was found, as it is sent.
fn found(lines: Vec<InspectGoodsReceiptLine>) -> Result<Vec<Found>, Error> {
    let line = |(n, line): (usize, InspectGoodsReceiptLine)| {
        let of = decode(&line.line_id, "lineId").map_err(|error| in_line(error, n))?;
        let finding = Finding {
            accepted: line.accepted,
            rejected: line.rejected,
            reason: line.reason,
            note: line.note,
            plan: line.plan,
            sample_size: line.sample_size,
            photo_sha256: line.photo_sha256,
        };
        Ok::<_, Error>(Found { line: of, finding })
    };
    lines.into_iter().enumerate().map(line).collect()
}

/// What goes back, as it is sent.
fn back(input: ReturnToSupplierInput) -> Result<NewReturn, Error> {
    let line = |(n, line): (usize, ReturnToSupplierLine)| {
        let of = decode(&line.line_id, "lineId").map_err(|error| in_line(error, n))?;
        Ok::<_, Error>(SentBack { line: of, quantity: line.quantity })
    };
    Ok(NewReturn {
        receipt: decode(&input.id, "id")?,
        expected: input.expected_version,
        delivery_note: input.delivery_note,
        waybill: input.waybill,
        note: input.note,
        lines: input.lines.into_iter().enumerate().map(line).collect::<Result<_, _>>()?,
    })
}

/// Queries about goods receipts.
#[derive(Default)]
pub(crate) struct ReceiptQuery;

#[Object]
impl ReceiptQuery {
    /// Receipts of what one's organisation bought or delivered, newest first; a supplier sees them once they count
    /// (收货单列表).
    #[graphql(complexity = "list_cost(first, last, child_complexity)")]
    async fn goods_receipts(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which.")] filter: Option<GoodsReceiptFilter>,
        #[graphql(desc = "Size of the page, at most 100.")] first: Option<i32>,
        #[graphql(desc = "The page starts after this cursor.")] after: Option<String>,
        #[graphql(desc = "Size of a page that is read backwards.")] last: Option<i32>,
        #[graphql(desc = "The page ends before this cursor.")] before: Option<String>,
    ) -> Result<Connection<GoodsReceipt>> {
        context.may(Action::ReadProcurement)?;
        let page = PageArgs::relay(first, after.as_deref(), last, before.as_deref())?;
        let filter = filter.unwrap_or_default();
        let order = filter.order_id.map(|id| decode(&id, "orderId")).transpose()?;
        let filter = Filter { side: filter.side, kind: filter.kind, state: filter.state, order };
        let rows = ops::list(context.app().db().read(), context.viewer(), filter, &page).await?;
        Ok(Connection::new(rows, None, |row| (ops::cursor(&row), GoodsReceipt(row))))
    }

    /// A receipt; null when there is none or it may not be seen (收货单).
    async fn goods_receipt(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Opaque identifier.")] id: ID,
    ) -> Result<Option<GoodsReceipt>> {
        context.may(Action::ReadProcurement)?;
        let Ok(id) = decode::<GoodsReceiptId>(&id, "id") else { return Ok(None) };
        Ok(ops::find(context.app().db().read(), context.viewer(), id).await?.map(GoodsReceipt))
    }
}

/// Mutations of goods receipts.
#[derive(Default)]
pub(crate) struct ReceiptMutation;

#[Object]
impl ReceiptMutation {
    /// Draws up what came of an order. A draft binds nobody, and moves nothing until it is posted (新建收货草稿).
    async fn create_goods_receipt(
        &self,
        context: &Context<'_>,
        input: CreateGoodsReceiptInput,
    ) -> Result<CreateGoodsReceiptPayload> {
        let call = context.call(Action::ReceivePurchases)?;
        let known_as = input.client_mutation_id.clone();
        let result = async { ops::create(context.app(), &call, &drawn_up(input)?).await };
        CreateGoodsReceiptPayload::new(context, known_as, result.await.map(GoodsReceipt))
    }

    /// Posts what came of an order: no more than was ordered, within the tolerance of the line. The goods lie where
    /// their quality is looked at until they are accepted (收货过账).
    async fn post_goods_receipt(
        &self,
        context: &Context<'_>,
        input: PostGoodsReceiptInput,
    ) -> Result<PostGoodsReceiptPayload> {
        let call = context.call(Action::ReceivePurchases)?;
        let (known_as, inspected) = (input.client_mutation_id.clone(), input.inspected);
        let result = async {
            match posting(input)? {
                Posting::Draft(id, expected) => ops::post_draft(context.app(), &call, id, expected, inspected).await,
                Posting::New(new) => ops::post(context.app(), &call, &new, inspected).await,
            }
        };
        PostGoodsReceiptPayload::new(context, known_as, result.await.map(GoodsReceipt))
    }

    /// Gives up a draft that was not posted: nothing of it counts, and its `clientRef` may be sent anew (作废收货草稿).
    async fn discard_goods_receipt(
        &self,
        context: &Context<'_>,
        input: DiscardGoodsReceiptInput,
    ) -> Result<DiscardGoodsReceiptPayload> {
        let call = context.call(Action::ReceivePurchases)?;
        let result =
            async { ops::discard(context.app(), &call, decode(&input.id, "id")?, input.expected_version).await };
        DiscardGoodsReceiptPayload::new(context, input.client_mutation_id, result.await.map(GoodsReceipt))
    }

    /// Notes what was found of what came: what is accepted goes to where it is sold from and may be billed, what is
    /// rejected waits to go back (来货检验).
    async fn inspect_goods_receipt(
        &self,
        context: &Context<'_>,
        input: InspectGoodsReceiptInput,
    ) -> Result<InspectGoodsReceiptPayload> {
        let call = context.call(Action::ReceivePurchases)?;
        let result = async {
            let id = decode(&input.id, "id")?;
            let lines = found(input.lines)?;
            inspections::inspect(context.app(), &call, id, input.expected_version, &lines).await
        };
        InspectGoodsReceiptPayload::new(context, input.client_mutation_id, result.await.map(GoodsReceipt))
    }

    /// Sends rejected goods back; as much may be delivered in their place (退货给供应商).
    async fn return_to_supplier(
        &self,
        context: &Context<'_>,
        input: ReturnToSupplierInput,
    ) -> Result<ReturnToSupplierPayload> {
        let call = context.call(Action::ReceivePurchases)?;
        let known_as = input.client_mutation_id.clone();
        let result = async { supplier_returns::send(context.app(), &call, &back(input)?).await };
        ReturnToSupplierPayload::new(context, known_as, result.await.map(GoodsReceipt))
    }

    /// Takes a receipt back that was wrong, by a document of its own: refused when something of it was billed or sent
    /// back, or what was accepted is not there any more (冲销收货).
    async fn reverse_goods_receipt(
        &self,
        context: &Context<'_>,
        input: ReverseGoodsReceiptInput,
    ) -> Result<ReverseGoodsReceiptPayload> {
        let call = context.call(Action::ReceivePurchases)?;
        let result = async {
            let id = decode(&input.id, "id")?;
            ops::reverse(context.app(), &call, id, input.expected_version, &input.reason).await
        };
        ReverseGoodsReceiptPayload::new(context, input.client_mutation_id, result.await.map(GoodsReceipt))
    }
}
