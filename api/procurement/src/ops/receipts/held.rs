//! What every change of a receipt stands on: its order's locks, guarded changes of lines, and what is written and told.

use entities::{
    platform::EventKind,
    procurement::{
        ReceiptKind, ReceiptState, order,
        receipt::{self, line},
    },
    values::{
        Refusal,
        id::{GoodsReceiptId, GoodsReceiptLineId, OrganisationId, VariantId},
    },
};
use inventory::ops::bought::Way;
use platform::{
    app::Work,
    clock::business_day,
    error::{Error, not_found, stale, taken},
    graphql::encode,
    guarded::change_each,
    number::number,
};
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder};
use uuid::Uuid;

use super::PREFIX;
use crate::ops::{
    orders::{Ordered, locked},
    tell_both,
};

/// A receipt with all that a change of it is decided by, read under the locks of its order.
pub(crate) struct Held {
    pub row: receipt::Model,
    pub lines: Vec<line::Model>,
    pub ordered: Ordered,
}

/// The receipt of an organisation's own purchase, under the locks of its order.
pub(crate) async fn held(work: &Work, buyer: OrganisationId, id: GoodsReceiptId) -> Result<Held, Error> {
    let unknown = || not_found("id", encode(id).as_str());
    let row = receipt::Entity::find_by_id(id).one(work.tx()).await?;
    let of = row.filter(|row| row.buyer_id == buyer).ok_or_else(unknown)?.order_id;
    let ordered = locked(work, of).await?;
    // Read again: before the lock somebody else may have changed it.
    let row = receipt::Entity::find_by_id(id).one(work.tx()).await?.ok_or_else(unknown)?;
    let lines = line::Entity::find().filter(line::Column::ReceiptId.eq(id)).order_by_asc(line::Column::Position);
    Ok(Held { row, lines: lines.all(work.tx()).await?, ordered })
}

impl Held {
    /// Only a receipt that counts is looked at, sent back in part or taken back.
    pub(crate) fn stands_for(&self, action: &str) -> Result<(), Error> {
        if self.row.stands() {
            return Ok(());
        }
        let from = match self.row.kind {
            ReceiptKind::Receipt => async_graphql::Value::from(self.row.state),
            ReceiptKind::Return | ReceiptKind::Reversal => async_graphql::Value::from(self.row.kind),
        };
        Err(Refusal::illegal(from, action).at("id").into())
    }
}

/// What of a line of the order it is; none: nothing that lies anywhere.
pub(crate) fn variant_of(ordered: &[order::line::Model], line: &line::Model) -> Option<VariantId> {
    ordered.iter().find(|of| of.id == line.order_line_id)?.variant_id
}

/// So much of a line in stock; none when it lies nowhere, or it is nothing.
pub(crate) fn way(ordered: &[order::line::Model], n: usize, of: &line::Model, quantity: i64) -> Option<Way> {
    let (variant, lot) = (variant_of(ordered, of)?, of.lot_id?);
    (quantity > 0).then_some(Way { line: n, variant, lot, status: of.status, quantity })
}

/// Changes lines by one UPDATE. They were looked at under their locks; the guard holds all the same.
pub(crate) async fn change_all(
    work: &Work,
    table: &'static str,
    set: &str,
    guard: &str,
    by_line: Vec<(Uuid, i64)>,
) -> Result<(), Error> {
    let rows: Vec<(Uuid, i64)> = by_line.into_iter().filter(|(_, quantity)| *quantity != 0).collect();
    let done = change_each(work.tx(), table, set, guard, &rows).await?;
    if done == rows.len() as u64 { Ok(()) } else { Err(Error::internal("a line changed under its lock")) }
}

/// The receipt as it is from here on; of two who change it at the same time one does.
pub(crate) async fn written(
    work: &Work,
    before: &receipt::Model,
    next: receipt::Model,
) -> Result<receipt::Model, Error> {
    let next = receipt::Model { version: before.version + 1, ..next };
    let done = receipt::Entity::update_many()
        .set(next.clone().into_active_model().reset_all())
        .filter(receipt::Column::Id.eq(before.id))
        .filter(receipt::Column::State.eq(before.state))
        .filter(receipt::Column::Version.eq(before.version))
        .exec(work.tx())
        .await?;
    if done.rows_affected == 1 { Ok(next) } else { Err(stale()) }
}

/// A document that says what went out of the house again of a receipt.
pub(crate) fn going_out(
    work: &Work,
    of: &receipt::Model,
    kind: ReceiptKind,
    note: Option<String>,
) -> Result<receipt::Model, Error> {
    Ok(receipt::Model {
        id: GoodsReceiptId::new(work.now),
        number: number(PREFIX, work.now)?,
        kind,
        state: ReceiptState::Posted,
        arrived_on: business_day(work.now),
        note,
        reverses_id: None,
        client_ref: None,
        posted_by: Some(work.viewer().subject()),
        poster_id: work.viewer().person(),
        posted_at: Some(work.now),
        created_by: work.viewer().subject(),
        version: 1,
        created_at: work.now,
        ..of.clone()
    })
}

/// A line of such a document.
pub(crate) fn line_out(
    work: &Work,
    document: &receipt::Model,
    of: &line::Model,
    n: usize,
    quantity: i64,
) -> line::Model {
    line::Model {
        id: GoodsReceiptLineId::new(work.now),
        receipt_id: document.id,
        position: i32::try_from(n).unwrap_or(i32::MAX),
        of_line_id: Some(of.id),
        delivered: quantity,
        accepted: 0,
        rejected: 0,
        returned: 0,
        billed: 0,
        move_id: None,
        ..of.clone()
    }
}

/// Writes a receipt that is new, and its lines.
pub(crate) async fn insert(work: &Work, row: &receipt::Model, lines: &[line::Model]) -> Result<(), Error> {
    let written = receipt::Entity::insert(row.clone().into_active_model()).exec_without_returning(work.tx()).await;
    let shown = row.client_ref.as_deref().unwrap_or_default();
    written.map_err(|e| taken(e, "goods_receipt", &["buyer_id", "client_ref"], "clientRef", shown))?;
    let lines = lines.iter().cloned().map(IntoActiveModel::into_active_model);
    line::Entity::insert_many(lines).exec_without_returning(work.tx()).await?;
    Ok(())
}

/// Both sides hear of a receipt that counts, or does not any more.
pub(crate) async fn told(work: &mut Work, row: &receipt::Model) -> Result<(), Error> {
    let node = encode(row.id);
    tell_both(work, EventKind::GoodsReceiptChanged, row.buyer_id, row.supplier_id, node.as_str(), row.version).await
}
