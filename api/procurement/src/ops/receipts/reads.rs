//! Receipts as they are read: lists, and what invoices and scores ask of them.

use std::collections::BTreeMap;

use entities::{
    party::Viewer,
    procurement::{
        ReceiptKind, ReceiptState, Side, inspection,
        receipt::{self, line},
    },
    values::id::{GoodsReceiptId, GoodsReceiptLineId, PersonId, PurchaseOrderId},
};
use platform::{
    app::Work,
    error::Error,
    guarded::change_each,
    page::{Cursor, Page, PageArgs},
};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, Order, QueryFilter, QueryOrder, QuerySelect, QueryTrait,
};
use uuid::Uuid;

use crate::ops::MAX_LINES;

const NEWEST: &str = "newest-goods-receipt";
const LINES: &str = "goods-receipt-line";
const INSPECTIONS: &str = "receipt-inspection";

/// Which receipts.
#[derive(Clone, Copy, Debug, Default)]
#[expect(missing_docs, reason = "described in the schema")]
pub struct Filter {
    pub side: Option<Side>,
    pub kind: Option<ReceiptKind>,
    pub state: Option<ReceiptState>,
    pub order: Option<PurchaseOrderId>,
}

/// The receipts of orders that count, with their lines: what stands as evidence, and what suppliers are measured by.
/// What went back is in `returned` of the lines.
pub(crate) async fn of_orders(
    tx: &impl ConnectionTrait,
    orders: &[PurchaseOrderId],
) -> Result<Vec<(receipt::Model, Vec<line::Model>)>, Error> {
    let mut found = Vec::new();
    for part in orders.chunks(MAX_LINES) {
        let rows = receipt::Entity::find()
            .filter(receipt::Column::OrderId.is_in(part.iter().copied()))
            .filter(receipt::Column::Kind.eq(ReceiptKind::Receipt))
            .filter(receipt::Column::State.eq(ReceiptState::Posted))
            .order_by_asc(receipt::Column::Id);
        found.extend(rows.all(tx).await?);
    }
    let ids: Vec<GoodsReceiptId> = found.iter().map(|row| row.id).collect();
    let mut by_receipt: BTreeMap<GoodsReceiptId, Vec<line::Model>> = BTreeMap::new();
    for part in ids.chunks(MAX_LINES) {
        let lines = line::Entity::find()
            .filter(line::Column::ReceiptId.is_in(part.iter().copied()))
            .order_by_asc(line::Column::Position);
        for line in lines.all(tx).await? {
            by_receipt.entry(line.receipt_id).or_default().push(line);
        }
    }
    let with_lines = |row: receipt::Model| {
        let lines = by_receipt.remove(&row.id).unwrap_or_default();
        (row, lines)
    };
    Ok(found.into_iter().map(with_lines).collect())
}

/// Whether a person posted what came of one of these orders, or looked at it: such a person does not approve the
/// invoice.
pub(crate) async fn touched_by(
    tx: &impl ConnectionTrait,
    person: PersonId,
    orders: &[PurchaseOrderId],
) -> Result<bool, Error> {
    let of = || receipt::Entity::find().filter(receipt::Column::OrderId.is_in(orders.iter().copied()));
    if of().filter(receipt::Column::PosterId.eq(person)).limit(1).one(tx).await?.is_some() {
        return Ok(true);
    }
    let receipts = of().select_only().column(receipt::Column::Id).into_query();
    let looked = inspection::Entity::find()
        .filter(inspection::Column::InspectorId.eq(person))
        .filter(inspection::Column::ReceiptId.in_subquery(receipts));
    Ok(looked.limit(1).one(tx).await?.is_some())
}

/// Notes that so much of lines of receipts was billed, or, below nothing, was not: no more than was accepted, and of a
/// receipt that counts. Whoever calls holds the locks of the orders. Answers with how many of the given were noted: all
/// of them, or fewer when one could not be, and then the caller gives up its change.
pub(crate) async fn bill_lines(work: &Work, lines: &[(GoodsReceiptLineId, i64)]) -> Result<u64, Error> {
    let mut by_line: BTreeMap<Uuid, i64> = BTreeMap::new();
    for (id, quantity) in lines {
        *by_line.entry(id.0).or_default() += quantity;
    }
    let rows: Vec<(Uuid, i64)> = by_line.into_iter().collect();
    let guard = "billed + v.column2 BETWEEN 0 AND accepted AND EXISTS (SELECT 1 FROM goods_receipt r \
                 WHERE r.id = goods_receipt_line.receipt_id AND r.kind = 'receipt' AND r.state = 'posted')";
    let done = change_each(work.tx(), "goods_receipt_line", "billed = billed + v.column2", guard, &rows).await?;
    Ok(if done == rows.len() as u64 { lines.len() as u64 } else { done })
}

/// Receipts that the viewer may see, newest first.
pub async fn list(
    db: &impl ConnectionTrait,
    viewer: &Viewer,
    filter: Filter,
    page: &PageArgs,
) -> Result<Page<receipt::Model>, Error> {
    let side = match (filter.side, viewer.organisation()) {
        (Some(Side::Buyer), Some(own)) => Some(receipt::Column::BuyerId.eq(own)),
        (Some(Side::Supplier), Some(own)) => Some(receipt::Column::SupplierId.eq(own)),
        _ => None,
    };
    let only = Condition::all()
        .add_option(side)
        .add_option(filter.kind.map(|kind| receipt::Column::Kind.eq(kind)))
        .add_option(filter.state.map(|state| receipt::Column::State.eq(state)))
        .add_option(filter.order.map(|order| receipt::Column::OrderId.eq(order)));
    let list = receipt::Entity::visible_to(viewer).filter(only);
    page.by_id(db, list, receipt::Column::Id, NEWEST, Order::Desc).await
}

/// The cursor of a receipt in that list.
pub fn cursor(row: &receipt::Model) -> Cursor {
    Cursor::of_id(NEWEST, row.id)
}

/// A receipt; none when there is none or it may not be seen.
pub async fn find(
    db: &impl ConnectionTrait,
    viewer: &Viewer,
    id: GoodsReceiptId,
) -> Result<Option<receipt::Model>, Error> {
    Ok(receipt::Entity::visible_to(viewer).filter(receipt::Column::Id.eq(id)).one(db).await?)
}

/// The document that takes a receipt back, when there is one. Who sees the receipt sees it.
pub async fn reversal_of(db: &impl ConnectionTrait, id: GoodsReceiptId) -> Result<Option<receipt::Model>, Error> {
    Ok(receipt::Entity::find().filter(receipt::Column::ReversesId.eq(id)).one(db).await?)
}

/// The lines of a receipt, in their order.
pub async fn lines(db: &impl ConnectionTrait, id: GoodsReceiptId, page: &PageArgs) -> Result<Page<line::Model>, Error> {
    let list = line::Entity::find().filter(line::Column::ReceiptId.eq(id));
    page.by_id(db, list, line::Column::Id, LINES, Order::Asc).await
}

/// The cursor of a line in that list.
pub fn line_cursor(row: &line::Model) -> Cursor {
    Cursor::of_id(LINES, row.id)
}

/// What was found of a receipt, first first.
pub async fn findings(
    db: &impl ConnectionTrait,
    id: GoodsReceiptId,
    page: &PageArgs,
) -> Result<Page<inspection::Model>, Error> {
    let list = inspection::Entity::find().filter(inspection::Column::ReceiptId.eq(id));
    page.by_id(db, list, inspection::Column::Id, INSPECTIONS, Order::Asc).await
}

/// The cursor of an inspection in that list.
pub fn inspection_cursor(row: &inspection::Model) -> Cursor {
    Cursor::of_id(INSPECTIONS, row.id)
}
