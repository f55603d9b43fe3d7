//! What there is of receivables, and what happened to them: reads, and the writes that all operations share.

use std::collections::HashMap;

use chrono::NaiveDate;
use entities::{
    finance::{
        ConfirmationStatus, EncumbranceStatus, ReceivableEventKind, ReceivableSide,
        receivable::{self, event},
    },
    party::Viewer,
    platform::EventKind,
    values::id::{OrganisationId, ReceivableEventId, ReceivableId},
};
use platform::{
    app::{Work, tell_both},
    error::{Error, not_found, stale, taken},
    graphql::encode,
    guarded,
    page::{Cursor, Page, PageArgs},
};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, ConnectionTrait, EntityTrait, IntoActiveModel, Order, QueryFilter,
    sea_query::{Expr, ExprTrait},
};
use uuid::Uuid;

const NEWEST: &str = "newest-receivable";
const FIRST: &str = "first-receivable-event";
/// What is the seller's and its financier's business alone: its debtor is told by a notice, or not at all.
pub(crate) const INSIDE: [ReceivableEventKind; 5] = [
    ReceivableEventKind::Locked,
    ReceivableEventKind::Freed,
    ReceivableEventKind::Assigned,
    ReceivableEventKind::Pledged,
    ReceivableEventKind::Released,
];

/// Which receivables.
#[derive(Clone, Copy, Debug, Default)]
#[expect(missing_docs, reason = "described in the schema")]
pub struct Filter {
    pub side: Option<ReceivableSide>,
    pub open: Option<bool>,
    pub due_before: Option<NaiveDate>,
    pub confirmation: Option<ConfirmationStatus>,
    pub encumbrance: Option<EncumbranceStatus>,
}

/// That something is still outstanding.
fn outstanding() -> Expr {
    use receivable::Column::{CreditedMinor, FaceMinor, PaidMinor, SetOffMinor};
    Expr::col(FaceMinor).gt(Expr::col(CreditedMinor).add(Expr::col(PaidMinor)).add(Expr::col(SetOffMinor)))
}

/// Receivables that the viewer may see, newest first.
pub async fn list(
    db: &impl ConnectionTrait,
    viewer: &Viewer,
    filter: Filter,
    page: &PageArgs,
) -> Result<Page<receivable::Model>, Error> {
    use receivable::Column::{DebtorId, SellerId};
    let side = filter.side.zip(viewer.organisation()).map(|(side, own)| match side {
        ReceivableSide::Seller => SellerId.eq(own),
        ReceivableSide::Debtor => DebtorId.eq(own),
        // What it may see and is on neither side of.
        ReceivableSide::Financier => SellerId.ne(own).and(DebtorId.ne(own)),
    });
    // What is financed of it is nothing that its debtor finds out by asking for it.
    let known = viewer.organisation().filter(|_| filter.encumbrance.is_some() && !viewer.oversees());
    let open = filter.open.map(|open| {
        let there = Condition::all().add(outstanding());
        if open { there } else { there.not() }
    });
    let only = Condition::all()
        .add_option(side)
        .add_option(open)
        .add_option(filter.due_before.map(|day| receivable::Column::DueDate.lt(day)))
        .add_option(filter.confirmation.map(|status| receivable::Column::Confirmation.eq(status)))
        .add_option(filter.encumbrance.map(|status| receivable::Column::Encumbrance.eq(status)))
        .add_option(known.map(|own| DebtorId.ne(own)));
    let list = receivable::Entity::visible_to(viewer).filter(only);
    page.by_id(db, list, receivable::Column::Id, NEWEST, Order::Desc).await
}

/// The cursor of a receivable in that list.
pub fn cursor(row: &receivable::Model) -> Cursor {
    Cursor::of_id(NEWEST, row.id)
}

/// A receivable by its own id or that of its payable; none when there is none or it may not be seen.
pub async fn find(db: &impl ConnectionTrait, viewer: &Viewer, id: Uuid) -> Result<Option<receivable::Model>, Error> {
    let either = Condition::any().add(receivable::Column::Id.eq(id)).add(receivable::Column::PayableId.eq(id));
    Ok(receivable::Entity::visible_to(viewer).filter(either).one(db).await?)
}

/// Whether the viewer is on no other side of a receivable than the debtor's: what is financed of it is not its business.
pub fn is_only_debtor(viewer: &Viewer, row: &receivable::Model) -> bool {
    !viewer.oversees() && viewer.organisation() == Some(row.debtor_id)
}

/// What happened to a receivable, first first; whoever sees the receivable sees it, of its financing its seller alone.
pub async fn events(
    db: &impl ConnectionTrait,
    viewer: &Viewer,
    of: &receivable::Model,
    page: &PageArgs,
) -> Result<Page<event::Model>, Error> {
    // To another financier as little as to the debtor.
    let inside = viewer.oversees() || viewer.organisation() == Some(of.seller_id);
    let shown = (!inside).then(|| event::Column::Kind.is_not_in(INSIDE));
    let only = Condition::all().add(event::Column::ReceivableId.eq(of.id)).add_option(shown);
    let list = event::Entity::find().filter(only);
    page.by_id(db, list, event::Column::Id, FIRST, Order::Asc).await
}

/// The cursor of an event in that list.
pub fn event_cursor(row: &event::Model) -> Cursor {
    Cursor::of_id(FIRST, row.id)
}

/// A receivable that one side of it changes, by its id.
pub(super) async fn of_side(
    work: &Work,
    side: ReceivableSide,
    own: OrganisationId,
    id: ReceivableId,
) -> Result<receivable::Model, Error> {
    let found = several(work, side, own, &[id]).await?;
    found.into_iter().next().ok_or_else(|| not_found("id", encode(id).as_str()))
}

/// The same of several, in the order of the ids; who is missing stands in the refusal. They are locked.
pub(super) async fn several(
    work: &Work,
    side: ReceivableSide,
    own: OrganisationId,
    ids: &[ReceivableId],
) -> Result<Vec<receivable::Model>, Error> {
    guarded::lock(work.tx(), "receivable", &ids.iter().map(|id| id.0).collect::<Vec<_>>()).await?;
    let rows = receivable::Entity::find().filter(receivable::Column::Id.is_in(ids.iter().copied()));
    let rows = rows.all(work.tx()).await?.into_iter().filter(|row| match side {
        ReceivableSide::Seller => row.seller_id == own,
        // What the debtor was never told of does not exist for it.
        ReceivableSide::Debtor => row.debtor_id == own && row.confirmation != ConfirmationStatus::None,
        ReceivableSide::Financier => false,
    });
    let mut found: HashMap<ReceivableId, receivable::Model> = rows.map(|row| (row.id, row)).collect();
    let mut all = Vec::new();
    for (n, id) in ids.iter().enumerate() {
        let missing = || not_found("id", encode(*id).as_str());
        let row = found.remove(id).ok_or_else(|| if ids.len() == 1 { missing() } else { at_item(missing(), n) })?;
        all.push(row);
    }
    Ok(all)
}

/// A refusal of an item of a batch.
pub(super) fn at_item(error: Error, n: usize) -> Error {
    error.at(n.to_string()).at("items")
}

/// What happened to a receivable, before it is written.
pub(super) struct Happened {
    pub(super) kind: ReceivableEventKind,
    pub(super) amount_minor: i64,
    pub(super) reference: Option<String>,
    pub(super) note: Option<String>,
}

impl Happened {
    /// Something without an amount, a reference or a note.
    pub(super) fn plainly(kind: ReceivableEventKind) -> Self {
        Self { kind, amount_minor: 0, reference: None, note: None }
    }
}

/// Writes what happened to a receivable.
pub(super) async fn note(work: &Work, row: &receivable::Model, happened: Happened) -> Result<(), Error> {
    let reference = happened.reference.clone().unwrap_or_default();
    let noted = event::Model {
        id: ReceivableEventId::new(work.now),
        receivable_id: row.id,
        kind: happened.kind,
        amount_minor: happened.amount_minor,
        reference: happened.reference,
        note: happened.note,
        evidence_sha256: Some(row.evidence_sha256.clone()),
        by: work.viewer().subject(),
        at: work.now,
    };
    let made = event::Entity::insert(noted.into_active_model()).exec_without_returning(work.tx()).await;
    made.map_err(|e| taken(e, "receivable_event", &["receivable_id", "kind", "reference"], "reference", &reference))
        .map(drop)
}

/// Writes a receivable as it is now, with what happened to it, and tells who may see it.
pub(super) async fn changed(
    work: &mut Work,
    before: &receivable::Model,
    next: receivable::Model,
    happened: Happened,
) -> Result<receivable::Model, Error> {
    // Boxed: rows and their statements would lie in the future of every operation that changes one.
    Box::pin(changing(work, before, next, happened)).await
}

async fn changing(
    work: &mut Work,
    before: &receivable::Model,
    next: receivable::Model,
    happened: Happened,
) -> Result<receivable::Model, Error> {
    let next = receivable::Model { version: before.version + 1, updated_at: work.now, ..next };
    let done = receivable::Entity::update_many()
        .set(next.clone().into_active_model().reset_all())
        .filter(receivable::Column::Id.eq(before.id))
        .filter(receivable::Column::Version.eq(before.version))
        .exec(work.tx())
        .await?;
    if done.rows_affected != 1 {
        return Err(stale());
    }
    // Whether somebody finances it is the seller's business alone.
    let inside = INSIDE.contains(&happened.kind);
    note(work, &next, happened).await?;
    if inside {
        let (kind, node) = (EventKind::ReceivableChanged, encode(next.id));
        work.tell(next.seller_id, kind, node.as_str(), next.version).await?;
    } else {
        told(work, &next, before.confirmation != ConfirmationStatus::None).await?;
    }
    Ok(next)
}

/// Tells who may see a receivable that it changed; its debtor also when it could until now.
pub(super) async fn told(work: &mut Work, row: &receivable::Model, debtor_knew: bool) -> Result<(), Error> {
    let (kind, node) = (EventKind::ReceivableChanged, encode(row.id));
    if row.confirmation == ConfirmationStatus::None && !debtor_knew {
        return work.tell(row.seller_id, kind, node.as_str(), row.version).await;
    }
    tell_both(work, kind, row.seller_id, row.debtor_id, node.as_str(), row.version).await
}
