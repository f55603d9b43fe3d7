//! What is read of payments.

use entities::{
    party::{Action, Resource, Viewer},
    payments::{PaymentState, ReceiptState, ledger as entry, payment, payout, payout_line, receipt, refund},
    values::id::{OrganisationId, PaymentId, PayoutId},
};
use platform::{
    app::allowed,
    error::Error,
    page::{Cursor, Page, PageArgs},
};
use sea_orm::{ColumnTrait, Condition, ConnectionTrait, EntityTrait, Order, QueryFilter};

/// Names of the orders, for cursors.
const PAYMENTS: &str = "newest-payment";
const REFUNDS: &str = "newest-refund";
const ENTRIES: &str = "newest-entry";
const RECEIPTS: &str = "newest-receipt";
const PAYOUTS: &str = "newest-payout";
const LINES: &str = "payout-line";

/// Payments, newest first.
pub async fn payments(
    db: &impl ConnectionTrait,
    document: Option<String>,
    state: Option<PaymentState>,
    page: &PageArgs,
) -> Result<Page<payment::Model>, Error> {
    let only = Condition::all()
        .add_option(document.map(|document| payment::Column::Document.eq(document)))
        .add_option(state.map(|state| payment::Column::State.eq(state)));
    page.by_id(db, payment::Entity::find().filter(only), payment::Column::Id, PAYMENTS, Order::Desc).await
}

/// The cursor of a payment in that list.
pub fn payment_cursor(row: &payment::Model) -> Cursor {
    Cursor::of_id(PAYMENTS, row.id)
}

/// Refunds of a payment, newest first.
pub async fn refunds(db: &impl ConnectionTrait, of: PaymentId, page: &PageArgs) -> Result<Page<refund::Model>, Error> {
    let list = refund::Entity::find().filter(refund::Column::PaymentId.eq(of));
    page.by_id(db, list, refund::Column::Id, REFUNDS, Order::Desc).await
}

/// The cursor of a refund in that list.
pub fn refund_cursor(row: &refund::Model) -> Cursor {
    Cursor::of_id(REFUNDS, row.id)
}

/// Whose balance a viewer reads: its own organisation's; who oversees the zone may name any.
pub fn whose(viewer: &Viewer, of: Option<OrganisationId>) -> Result<OrganisationId, Error> {
    let of = of.or(viewer.organisation()).ok_or(Error::Forbidden)?;
    allowed(viewer, Action::ReadBalances, Resource::of(of))?;
    Ok(of)
}

/// Entries of the ledger that are an organisation's, newest first.
pub async fn entries(
    db: &impl ConnectionTrait,
    viewer: &Viewer,
    of: Option<OrganisationId>,
    document: Option<String>,
    page: &PageArgs,
) -> Result<Page<entry::Model>, Error> {
    let only = Condition::all()
        .add(entry::Column::PartyId.eq(whose(viewer, of)?))
        .add_option(document.map(|document| entry::Column::Document.eq(document)));
    page.by_id(db, entry::Entity::find().filter(only), entry::Column::Id, ENTRIES, Order::Desc).await
}

/// The cursor of an entry in that list.
pub fn entry_cursor(row: &entry::Model) -> Cursor {
    Cursor::of_id(ENTRIES, row.id)
}

/// Receipts of the bank, newest first.
pub async fn receipts(
    db: &impl ConnectionTrait,
    state: Option<ReceiptState>,
    page: &PageArgs,
) -> Result<Page<receipt::Model>, Error> {
    let only = Condition::all().add_option(state.map(|state| receipt::Column::State.eq(state)));
    page.by_id(db, receipt::Entity::find().filter(only), receipt::Column::Id, RECEIPTS, Order::Desc).await
}

/// The cursor of a receipt in that list.
pub fn receipt_cursor(row: &receipt::Model) -> Cursor {
    Cursor::of_id(RECEIPTS, row.id)
}

/// Payout batches, newest first.
pub async fn payouts(db: &impl ConnectionTrait, page: &PageArgs) -> Result<Page<payout::Model>, Error> {
    page.by_id(db, payout::Entity::find(), payout::Column::Id, PAYOUTS, Order::Desc).await
}

/// The cursor of a batch in that list.
pub fn payout_cursor(row: &payout::Model) -> Cursor {
    Cursor::of_id(PAYOUTS, row.id)
}

/// Lines of a batch, in the order of the sellers' ids.
pub async fn payout_lines(
    db: &impl ConnectionTrait,
    of: PayoutId,
    page: &PageArgs,
) -> Result<Page<payout_line::Model>, Error> {
    let list = payout_line::Entity::find().filter(payout_line::Column::PayoutId.eq(of));
    page.by_id(db, list, payout_line::Column::SellerId, LINES, Order::Asc).await
}

/// The cursor of a line in that list.
pub fn line_cursor(row: &payout_line::Model) -> Cursor {
    Cursor::of_id(LINES, row.seller_id)
}
