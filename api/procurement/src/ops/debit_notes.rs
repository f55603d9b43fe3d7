//! Debit notes: what the buyer takes off an invoice, in quantity or in money. An exception is matched anew with what is
//! left; of what is owed already less is owed. The supplier says whether it agrees.
//!
//! Only what is taken off for its quantity may be billed by another invoice: goods that are dear or bad came all the
//! same.

use std::collections::BTreeSet;

use entities::{
    party::{Action, Viewer},
    platform::EventKind,
    procurement::{
        debit_note::{self, DebitLine, DebitLines, DebitNoteState, DebitNoteStep, DebitReason},
        invoice::{self, InvoiceState, InvoiceStep, line},
        matching::{MatchCause, tax},
        terms::Side,
    },
    values::{
        Currency, ErrorCode, Money, Refusal,
        id::{DebitNoteId, OrganisationId, SupplierInvoiceId, SupplierInvoiceLineId},
        refusal as text,
    },
};
use inventory::ledger::in_line;
use platform::{
    app::{App, Call, Work},
    error::{Error, not_found, stale},
    graphql::encode,
    number::number,
    page::{Cursor, Page, PageArgs},
};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, ConnectionTrait, EntityTrait, IntoActiveModel, Order, QueryFilter,
    QueryOrder,
};
use serde_json::{Value, json};

use super::{
    acting, fresh,
    matching::{Debits, Held, give_back, lines_of, lines_written, own, run, stepped, told},
    payables, tell_both,
};

const NEWEST: &str = "newest-debit-note";
/// By which letters the numbers of debit notes begin.
const PREFIX: &str = "DN";
/// Most lines of a note.
const MOST_LINES: usize = 100;

/// What is taken off a line.
#[derive(Clone, Debug)]
pub struct NewLine {
    /// Of which.
    pub line: SupplierInvoiceLineId,
    /// How much of its quantity; nothing: only money.
    pub quantity: i64,
    /// How much of its amount; none: what the quantity comes to.
    pub amount: Option<Money>,
}

/// What is taken off an invoice.
#[derive(Clone, Debug)]
pub struct NewNote {
    /// Which.
    pub invoice: SupplierInvoiceId,
    /// In which version.
    pub expected: i32,
    /// Why.
    pub reason: DebitReason,
    /// The same in words.
    pub note: Option<String>,
    /// What of which line.
    pub lines: Vec<NewLine>,
}

/// Which debit notes.
#[derive(Clone, Copy, Debug, Default)]
#[expect(missing_docs, reason = "described in the schema")]
pub struct Filter {
    pub side: Option<Side>,
    pub state: Option<DebitNoteState>,
    pub invoice: Option<SupplierInvoiceId>,
}

/// What is taken off a line, when it may be: no more than is left, and for a quantity that is not billed no less than
/// it is billed at. For goods that are dear or bad any part of that is.
fn taken_off(
    new: &NewLine,
    reason: DebitReason,
    line: &line::Model,
    net_left: i64,
    currency: Currency,
) -> Result<DebitLine, Refusal> {
    let left = line.left();
    if !(0..=left).contains(&new.quantity) {
        let range = Refusal::new(ErrorCode::OutOfRange).with("min", "0").with("max", left.to_string());
        return Err(range.at("quantity"));
    }
    let of_rest = line.price.amount(left - new.quantity, currency).unwrap_or_default();
    let billed = match new.quantity {
        0 => 1,
        quantity if !reason.frees() => {
            std::cmp::min(line.price.amount(quantity, currency).unwrap_or_default(), net_left)
        }
        quantity if quantity == left => net_left,
        _ => (net_left - of_rest).max(0),
    };
    let least = if reason.frees() { billed } else { 1 };
    let amount_minor = match new.amount {
        Some(amount) if amount.currency != currency => {
            let refusal = Refusal::new(ErrorCode::InvalidCurrency).with("value", amount.currency.code());
            return Err(refusal.at("currency").at("amount"));
        }
        Some(amount) => amount.minor,
        None if new.quantity == 0 => return Err(Refusal::new(ErrorCode::Required).at("amount")),
        None => billed,
    };
    if !(least..=net_left).contains(&amount_minor) {
        let shown = |minor: i64| Money { minor, currency }.decimal().to_string();
        let range = Refusal::new(ErrorCode::OutOfRange).with("min", shown(least)).with("max", shown(net_left));
        return Err(range.at("amount"));
    }
    Ok(DebitLine { line_id: line.id, quantity: new.quantity, amount_minor })
}

/// All that is taken off, by the lines of the request.
fn asked(
    new: &NewNote,
    invoice: &invoice::Model,
    lines: &[line::Model],
    debits: &Debits,
) -> Result<Vec<DebitLine>, Error> {
    text::few(new.lines.len(), MOST_LINES)?;
    let (mut seen, mut off) = (BTreeSet::new(), Vec::new());
    for (n, one) in new.lines.iter().enumerate() {
        let id = encode(one.line);
        if !seen.insert(one.line) {
            let twice = Refusal::new(ErrorCode::Duplicate).with("value", id.as_str()).at("lineId");
            return Err(in_line(twice.into(), n));
        }
        let line = lines.iter().find(|line| line.id == one.line);
        let line = line.ok_or_else(|| in_line(not_found("lineId", id.as_str()), n))?;
        let net_left = line.amount_minor - debits.of(line.id);
        let debited = taken_off(one, new.reason, line, net_left, invoice.currency);
        off.push(debited.map_err(|refusal| in_line(refusal.into(), n))?);
    }
    Ok(off)
}

/// The tax of what is taken off: what it is before, less what it is after.
fn tax_off(invoice: &invoice::Model, lines: &[line::Model], debits: &Debits, off: &[DebitLine]) -> i64 {
    let left = |line: &line::Model| line.amount_minor - debits.of(line.id);
    let gone = |line: &line::Model| off.iter().find(|one| one.line_id == line.id).map_or(0, |one| one.amount_minor);
    let before = tax(lines.iter().map(|line| (left(line), line.tax_ppm)));
    let after = tax(lines.iter().map(|line| (left(line) - gone(line), line.tax_ppm)));
    let most = (invoice.tax_minor - debits.tax_minor).max(0);
    (before - after).clamp(0, most)
}

/// Takes something off an invoice. What it claims of that is free again.
pub async fn issue(app: &App, call: &Call, new: &NewNote) -> Result<debit_note::Model, Error> {
    let buyer = acting(call, Action::RecordInvoices)?;
    let words = text::given(new.note.as_deref());
    if words.is_none() && new.reason.needs_note() {
        return Err(Refusal::new(ErrorCode::Required).at("note").into());
    }
    let words = words.map(|note| text::paragraph(note, 300)).transpose().map_err(|refusal| refusal.at("note"))?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let before = own(&work, buyer, Side::Buyer, new.invoice, new.expected).await;
    let before = before.map_err(|error| in_invoice(error, new.invoice))?;
    InvoiceStep::Debit.from(before.state).map_err(|refusal| refusal.at("invoiceId"))?;
    let mut lines = lines_of(work.tx(), before.id).await?;
    let held = Held::locked(&work, &lines.iter().collect::<Vec<_>>()).await?;
    let mut debits = Debits::read(work.tx(), before.id).await?;
    let off = asked(new, &before, &lines, &debits)?;
    let net_minor: i64 = off.iter().map(|one| one.amount_minor).sum();
    let tax_minor = tax_off(&before, &lines, &debits, &off);
    let note = debit_note::Model {
        id: DebitNoteId::new(work.now),
        number: number(PREFIX, work.now)?,
        invoice_id: before.id,
        buyer_id: before.buyer_id,
        supplier_id: before.supplier_id,
        state: DebitNoteState::Issued,
        reason: new.reason,
        note: words,
        net_minor,
        tax_minor,
        total_minor: net_minor + tax_minor,
        currency: before.currency,
        lines: DebitLines(off),
        issued_by: work.viewer().subject(),
        issued_at: work.now,
        answered_by: None,
        answered_at: None,
        answer: None,
        version: 1,
        created_at: work.now,
    };
    for line in &mut lines {
        line.debited += freed(&note, line.id);
    }
    give_back(&work, &mut lines, false).await?;
    lines_written(&work, &lines).await?;
    debit_note::Entity::insert(note.clone().into_active_model()).exec_without_returning(work.tx()).await?;
    debits.add(&note);
    let next = if before.state == InvoiceState::Exception {
        // What others claim is as it was; this one claims nothing yet.
        run(&work, &held, &before, &mut lines, &debits, MatchCause::Debited).await?.0
    } else {
        stepped(&work, &before, InvoiceStep::Debit, before.clone()).await?
    };
    if next.state == InvoiceState::Approved {
        payables::credit(&mut work, &next, (&lines, &held), &note).await?;
    }
    let shown = json!({ "number": note.number, "reason": note.reason, "total": note.money(note.total_minor) });
    work.audit(Some(buyer), "issueDebitNote", encode(note.id).0, Value::Null, shown);
    note_told(&mut work, &note).await?;
    told(&mut work, &next, &held.orders_of(&next)).await?;
    work.commit(note).await
}

/// How much of a line a note says is not billed.
fn freed(note: &debit_note::Model, line: SupplierInvoiceLineId) -> i64 {
    let off = note.lines.0.iter().find(|one| one.line_id == line && note.reason.frees());
    off.map_or(0, |one| one.quantity)
}

/// What was refused of an invoice is refused of the field that names it.
fn in_invoice(error: Error, id: SupplierInvoiceId) -> Error {
    let Error::Refused(refusals) = &error else { return error };
    let gone = refusals.iter().any(|refusal| refusal.code == ErrorCode::NotFound);
    if gone { not_found("invoiceId", encode(id).as_str()) } else { error }
}

async fn note_told(work: &mut Work, row: &debit_note::Model) -> Result<(), Error> {
    let node = encode(row.id);
    tell_both(work, EventKind::DebitNoteChanged, row.buyer_id, row.supplier_id, node.as_str(), row.version).await
}

/// A debit note of the organisation acted for, on this side, in the version that was read.
async fn own_note(
    work: &Work,
    organisation: OrganisationId,
    side: Side,
    id: DebitNoteId,
    expected: i32,
) -> Result<debit_note::Model, Error> {
    let row = debit_note::Entity::find_by_id(id).one(work.tx()).await?;
    let row = row.filter(|row| side.of(row.buyer_id, row.supplier_id) == organisation);
    let row = row.ok_or_else(|| not_found("id", encode(id).as_str()))?;
    fresh(row.version, expected)?;
    Ok(row)
}

/// Takes a step to `next`, or says why not: of two who step at the same time one does.
async fn step_to(
    work: &Work,
    before: &debit_note::Model,
    step: DebitNoteStep,
    next: debit_note::Model,
) -> Result<debit_note::Model, Error> {
    let state = step.from(before.state).map_err(|refusal| refusal.at("id"))?;
    written(work, before, debit_note::Model { state, ..next }).await
}

/// The note as it is from here on.
async fn written(work: &Work, before: &debit_note::Model, next: debit_note::Model) -> Result<debit_note::Model, Error> {
    let next = debit_note::Model { version: before.version + 1, ..next };
    let done = debit_note::Entity::update_many()
        .set(next.clone().into_active_model().reset_all())
        .filter(debit_note::Column::Id.eq(before.id))
        .filter(debit_note::Column::State.eq(before.state))
        .filter(debit_note::Column::Version.eq(before.version))
        .exec(work.tx())
        .await?;
    if done.rows_affected == 1 { Ok(next) } else { Err(stale()) }
}

/// Takes a debit note back, as long as its invoice is an exception: what matched or is owed stands on it.
pub async fn cancel(app: &App, call: &Call, id: DebitNoteId, expected: i32) -> Result<debit_note::Model, Error> {
    let buyer = acting(call, Action::RecordInvoices)?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let row = own_note(&work, buyer, Side::Buyer, id, expected).await?;
    let invoice = invoice::Entity::find_by_id(row.invoice_id).one(work.tx()).await?;
    let invoice = invoice.ok_or_else(|| Error::internal("an invoice is gone"))?;
    if invoice.state != InvoiceState::Exception {
        return Err(Refusal::illegal(invoice.state, "CANCEL").at("id").into());
    }
    let mut lines = lines_of(work.tx(), invoice.id).await?;
    let held = Held::locked(&work, &lines.iter().collect::<Vec<_>>()).await?;
    let next = step_to(&work, &row, DebitNoteStep::Cancel, row.clone()).await?;
    for line in &mut lines {
        line.debited -= freed(&row, line.id);
    }
    lines_written(&work, &lines).await?;
    let debits = Debits::read(work.tx(), invoice.id).await?;
    let (after, _) = run(&work, &held, &invoice, &mut lines, &debits, MatchCause::Debited).await?;
    work.audit(
        Some(buyer),
        "cancelDebitNote",
        encode(id).0,
        json!({ "state": row.state }),
        json!({ "state": next.state }),
    );
    note_told(&mut work, &next).await?;
    told(&mut work, &after, &held.orders_of(&after)).await?;
    work.commit(next).await
}

/// The notes of an invoice that count.
pub(super) async fn live(
    tx: &impl ConnectionTrait,
    invoice: SupplierInvoiceId,
) -> Result<Vec<debit_note::Model>, Error> {
    let notes = debit_note::Entity::find()
        .filter(debit_note::Column::InvoiceId.eq(invoice))
        .filter(debit_note::Column::State.ne(DebitNoteState::Cancelled))
        .order_by_asc(debit_note::Column::Id);
    Ok(notes.all(tx).await?)
}

/// Its buyer puts an invoice out of the way: what notes took off it is off the table, also what its supplier agreed to.
pub(super) async fn cancel_all(
    work: &mut Work,
    buyer: OrganisationId,
    invoice: SupplierInvoiceId,
) -> Result<(), Error> {
    for note in live(work.tx(), invoice).await? {
        let next = debit_note::Model { state: DebitNoteState::Cancelled, ..note.clone() };
        let next = written(work, &note, next).await?;
        let (was, is) = (json!({ "state": note.state }), json!({ "state": next.state, "number": next.number }));
        work.audit(Some(buyer), "cancelDebitNote", encode(note.id).0, was, is);
        note_told(work, &next).await?;
    }
    Ok(())
}

/// The supplier agrees to a debit note, or says why not.
pub async fn answer(
    app: &App,
    call: &Call,
    id: DebitNoteId,
    expected: i32,
    agrees: bool,
    said: Option<&str>,
) -> Result<debit_note::Model, Error> {
    let supplier = acting(call, Action::RecordInvoices)?;
    let said = text::given(said);
    if said.is_none() && !agrees {
        return Err(Refusal::new(ErrorCode::Required).at("comment").into());
    }
    let said = said.map(|said| text::paragraph(said, 300)).transpose().map_err(|refusal| refusal.at("comment"))?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let row = own_note(&work, supplier, Side::Supplier, id, expected).await?;
    let step = if agrees { DebitNoteStep::Acknowledge } else { DebitNoteStep::Dispute };
    let next = debit_note::Model {
        answered_by: Some(work.viewer().subject()),
        answered_at: Some(work.now),
        answer: said,
        ..row.clone()
    };
    let next = step_to(&work, &row, step, next).await?;
    let shown = json!({ "state": next.state, "answer": next.answer });
    work.audit(Some(supplier), "answerDebitNote", encode(id).0, json!({ "state": row.state }), shown);
    note_told(&mut work, &next).await?;
    work.commit(next).await
}

/// Debit notes that the viewer may see, newest first.
pub async fn list(
    db: &impl ConnectionTrait,
    viewer: &Viewer,
    filter: Filter,
    page: &PageArgs,
) -> Result<Page<debit_note::Model>, Error> {
    let side = filter
        .side
        .zip(viewer.organisation())
        .map(|(side, own)| side.of(debit_note::Column::BuyerId, debit_note::Column::SupplierId).eq(own));
    let only = Condition::all()
        .add_option(side)
        .add_option(filter.state.map(|state| debit_note::Column::State.eq(state)))
        .add_option(filter.invoice.map(|id| debit_note::Column::InvoiceId.eq(id)));
    let list = debit_note::Entity::visible_to(viewer).filter(only);
    page.by_id(db, list, debit_note::Column::Id, NEWEST, Order::Desc).await
}

/// The cursor of a debit note in that list.
pub fn cursor(row: &debit_note::Model) -> Cursor {
    Cursor::of_id(NEWEST, row.id)
}

/// A debit note; none when there is none or it may not be seen.
pub async fn find(
    db: &impl ConnectionTrait,
    viewer: &Viewer,
    id: DebitNoteId,
) -> Result<Option<debit_note::Model>, Error> {
    Ok(debit_note::Entity::visible_to(viewer).filter(debit_note::Column::Id.eq(id)).one(db).await?)
}
