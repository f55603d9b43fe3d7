//! Orders as they were agreed: one for each revision that went to its supplier, never changed. Its hash is what later
//! papers name as their evidence.

use std::collections::HashMap;

use entities::{
    procurement::{
        order::{
            self, line,
            version::{self, LineSnapshot, OrderSnapshot},
        },
        receivable::canonical,
    },
    values::id::PurchaseOrderId,
};
use platform::{app::Work, error::Error, vault::sha256_hex};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect,
};

/// Most revisions that are shown of an order.
pub const MOST: usize = 20;

/// What an order and its lines say.
pub fn of(row: &order::Model, lines: &[line::Model]) -> OrderSnapshot {
    let line = |line: &line::Model| LineSnapshot {
        position: line.position,
        variant: line.variant_id,
        description: line.description.clone(),
        unit: line.unit.clone(),
        quantity: line.quantity,
        price: line.price,
        amount_minor: line.amount_minor,
        tax_ppm: line.tax_ppm,
        needed_on: line.needed_on,
        schedule: line.schedule.clone(),
        short_closed: line.short_closed,
    };
    OrderSnapshot {
        number: row.number.clone(),
        revision: row.revision,
        buyer: row.buyer_id,
        supplier: row.supplier_id,
        currency: row.currency,
        fx: row.fx.clone(),
        incoterm: row.incoterm,
        named_place: row.named_place.clone(),
        payment_days: row.payment_days,
        deliver_to: row.deliver_to_id,
        net_minor: row.net_minor,
        tax_minor: row.tax_minor,
        total_minor: row.total_minor,
        note: row.note.clone(),
        lines: lines.iter().map(line).collect(),
    }
}

/// Keeps what an order says from now on.
pub(super) async fn keep(work: &Work, row: &order::Model, lines: &[line::Model], reason: &str) -> Result<(), Error> {
    let kept = version::Model {
        order_id: row.id,
        revision: row.revision,
        content: of(row, lines),
        total_minor: row.total_minor,
        reason: reason.to_owned(),
        made_by: work.viewer().subject(),
        at: work.now,
    };
    version::Entity::insert(kept.into_active_model()).exec_without_returning(work.tx()).await?;
    Ok(())
}

/// What was agreed last of an order; none: it was never sent.
pub async fn last(db: &impl ConnectionTrait, order: PurchaseOrderId) -> Result<Option<version::Model>, Error> {
    let last = version::Entity::find()
        .filter(version::Column::OrderId.eq(order))
        .order_by_desc(version::Column::Revision)
        .limit(1);
    Ok(last.one(db).await?)
}

/// What was agreed in canonical form (RFC 8785), numbers as texts: what both sides see of it, so that either comes to the
/// same hash. At what rate and where the buyer takes it in is its own business.
pub fn said(content: &OrderSnapshot) -> Result<String, Error> {
    canonical(&OrderSnapshot { fx: None, deliver_to: None, ..content.clone() }).map_err(Error::internal)
}

/// The revision of an order that was agreed last, and the SHA-256 of what it says.
pub(crate) async fn hash(tx: &impl ConnectionTrait, order: PurchaseOrderId) -> Result<(i32, String), Error> {
    let row = last(tx, order).await?.ok_or_else(|| Error::internal("an order that was never sent"))?;
    Ok((row.revision, sha256_hex(said(&row.content)?.as_bytes())))
}

/// The revisions of orders that were agreed, the last first; at most [`MOST`] of each.
pub async fn of_orders(
    db: &impl ConnectionTrait,
    orders: &[PurchaseOrderId],
) -> Result<HashMap<PurchaseOrderId, Vec<version::Model>>, Error> {
    use version::Column as C;
    // Their numbers first: what they say may be long.
    let numbers: Vec<(PurchaseOrderId, i32)> = version::Entity::find()
        .select_only()
        .column(C::OrderId)
        .column(C::Revision)
        .filter(C::OrderId.is_in(orders.iter().copied()))
        .order_by_desc(C::Revision)
        .into_tuple()
        .all(db)
        .await?;
    let mut newest: HashMap<PurchaseOrderId, Vec<i32>> = HashMap::new();
    for (order, revision) in numbers {
        newest.entry(order).or_default().push(revision);
    }
    let mut wanted = Condition::any();
    let mut all = Vec::new();
    for (order, revisions) in newest {
        match revisions.get(MOST - 1) {
            Some(first) if revisions.len() > MOST => {
                wanted = wanted.add(Condition::all().add(C::OrderId.eq(order)).add(C::Revision.gte(*first)));
            }
            _ => all.push(order),
        }
    }
    // A condition of nothing would let everything through.
    wanted = wanted.add(C::OrderId.is_in(all));
    let rows = version::Entity::find().filter(wanted).order_by_desc(C::Revision);
    let mut found: HashMap<PurchaseOrderId, Vec<version::Model>> = HashMap::new();
    for row in rows.all(db).await? {
        found.entry(row.order_id).or_default().push(row);
    }
    Ok(found)
}
