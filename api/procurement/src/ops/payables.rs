//! What is owed to suppliers, from when an invoice is approved on; to a supplier it is a receivable, with its evidence.
//! The house pays nothing: the buyer reports what it paid.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::NaiveDate;
use entities::{
    party::{Action, Viewer, organisation},
    platform::EventKind,
    procurement::{
        debit_note, file,
        invoice::{self, InvoiceState, InvoiceStep, line},
        order,
        payable::{
            self,
            event::{self, PayableEventKind},
        },
        receipt,
        receivable::{
            ApprovalOf, DebitOf, Evidence, FileOf, InvoiceOf, MatchOf, OrderOf, PartyOf, ReceiptLineOf, ReceiptOf,
            VERSION, canonical, due, fingerprint_text,
        },
        terms::Side,
    },
    values::{
        ErrorCode, Money, Refusal,
        id::{
            GoodsReceiptId, OrganisationId, PayableEventId, PayableId, PurchaseOrderId, PurchaseOrderLineId,
            SupplierInvoiceId,
        },
        refusal as text,
    },
};
use platform::{
    app::{App, Call, Work},
    error::{Error, not_found, stale, taken, violates_unique},
    graphql::encode,
    guarded,
    page::{Cursor, Page, PageArgs},
    vault::sha256_hex,
};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, ConnectionTrait, EntityTrait, IntoActiveModel, Order, QueryFilter,
    QueryOrder, QuerySelect,
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    acting, debit_notes, fresh,
    matching::{Held, latest, lines_of, stepped, told as invoice_told},
    receipts, snapshots, tasks, tell_both,
};

const NEWEST: &str = "newest-payable";
const FIRST: &str = "first-payable-event";

/// Which payables.
#[derive(Clone, Copy, Debug, Default)]
#[expect(missing_docs, reason = "described in the schema")]
pub struct Filter {
    pub side: Option<Side>,
    pub open: Option<bool>,
    pub due_before: Option<NaiveDate>,
}

/// What happened to a payable.
struct Happened {
    kind: PayableEventKind,
    amount_minor: i64,
    reference: Option<String>,
    note: Option<String>,
}

impl Happened {
    fn row(self, work: &Work, of: &payable::Model) -> event::Model {
        use PayableEventKind::{Corrected, Created, Credited};
        let renews = matches!(self.kind, Created | Credited | Corrected);
        event::Model {
            id: PayableEventId::new(work.now),
            payable_id: of.id,
            kind: self.kind,
            amount_minor: self.amount_minor,
            reference: self.reference,
            note: self.note,
            evidence_sha256: Some(of.evidence_sha256.clone()),
            evidence: renews.then(|| of.evidence.clone()),
            by: work.viewer().subject(),
            at: work.now,
        }
    }
}

/// SHA-256 of anything in canonical form, in hex.
pub(super) fn hashed(it: &impl serde::Serialize) -> Result<String, Error> {
    Ok(sha256_hex(canonical(it).map_err(Error::internal)?.as_bytes()))
}

/// The lines of an invoice, and what they are held against; the locks are held.
type Billed<'a> = (&'a [line::Model], &'a Held);

/// An invoice was approved: what is owed for it, less what debit notes took off before. It is to be paid when it says
/// so, and no sooner than by the terms of its orders.
pub(super) async fn create(
    app: &App,
    work: &mut Work,
    invoice: &invoice::Model,
    billed: Billed<'_>,
    debited_minor: i64,
) -> Result<payable::Model, Error> {
    let evidence = evidence(work, invoice, billed, None).await?;
    let known = |party: &PartyOf| party.uscc.clone().unwrap_or_else(|| party.id.clone());
    let text = fingerprint_text(
        (&known(&evidence.seller), &known(&evidence.debtor)),
        (invoice.invoice_code.as_deref(), &invoice.invoice_no),
        invoice.issue_date,
        invoice.currency,
        invoice.total_minor,
    );
    let by_terms = due(invoice.issue_date, billed.1.payment_days().unwrap_or_default());
    let row = payable::Model {
        id: PayableId::new(work.now),
        invoice_id: invoice.id,
        buyer_id: invoice.buyer_id,
        supplier_id: invoice.supplier_id,
        currency: invoice.currency,
        face_minor: (invoice.total_minor - debited_minor).max(0),
        credited_minor: 0,
        paid_minor: 0,
        issue_date: invoice.issue_date,
        due_date: std::cmp::max(invoice.due_date, by_terms),
        disputed: false,
        evidence_sha256: hashed(&evidence)?,
        evidence,
        previous_sha256: None,
        fingerprint: app.vault().lookup("receivable", &text),
        revision: 1,
        version: 1,
        created_at: work.now,
        updated_at: work.now,
    };
    let made = payable::Entity::insert(row.clone().into_active_model()).exec_without_returning(work.tx()).await;
    made.map_err(|error| {
        if violates_unique(&error, "payable", &["fingerprint"]) {
            return Refusal::new(ErrorCode::DuplicateInvoice).with("number", &invoice.invoice_no).at("id").into();
        }
        Error::from(error)
    })?;
    let happened =
        Happened { kind: PayableEventKind::Created, amount_minor: row.face_minor, reference: None, note: None };
    let noted = happened.row(work, &row).into_active_model();
    event::Entity::insert(noted).exec_without_returning(work.tx()).await?;
    told(work, &row).await?;
    followed(work, &row).await?;
    Ok(row)
}

async fn told(work: &mut Work, row: &payable::Model) -> Result<(), Error> {
    let node = encode(row.id);
    tell_both(work, EventKind::PayableChanged, row.buyer_id, row.supplier_id, node.as_str(), row.version).await
}

/// Writes what is owed as it is now, and what happened. Every change of its amounts comes this way: whoever stands on
/// what is outstanding (finance) hears of it here.
async fn changed(
    work: &mut Work,
    before: &payable::Model,
    next: payable::Model,
    happened: Happened,
) -> Result<payable::Model, Error> {
    let next = payable::Model { version: before.version + 1, updated_at: work.now, ..next };
    if next.outstanding_minor() < 0 {
        return Err(Error::internal("more is paid and credited than is owed"));
    }
    let done = payable::Entity::update_many()
        .set(next.clone().into_active_model().reset_all())
        .filter(payable::Column::Id.eq(before.id))
        .filter(payable::Column::Version.eq(before.version))
        .exec(work.tx())
        .await?;
    if done.rows_affected != 1 {
        return Err(stale());
    }
    let reference = happened.reference.clone().unwrap_or_default();
    let noted = happened.row(work, &next).into_active_model();
    let noted = event::Entity::insert(noted).exec_without_returning(work.tx()).await;
    noted.map_err(|e| taken(e, "payable_event", &["payable_id", "kind", "reference"], "reference", &reference))?;
    told(work, &next).await?;
    followed(work, &next).await?;
    Ok(next)
}

/// An invoice follows what is owed for it: paid when nothing is any more, and approved again when something is.
async fn followed(work: &mut Work, row: &payable::Model) -> Result<(), Error> {
    let invoice = invoice::Entity::find_by_id(row.invoice_id).one(work.tx()).await?;
    let invoice = invoice.ok_or_else(|| Error::internal("an invoice is gone"))?;
    let step = match (invoice.state, row.outstanding_minor() > 0) {
        (InvoiceState::Approved, false) => InvoiceStep::Settle,
        (InvoiceState::Paid, true) => InvoiceStep::Reopen,
        _ => return Ok(()),
    };
    let next = stepped(work, &invoice, step, invoice.clone()).await?;
    invoice_told(work, &next, &[]).await
}

/// A payable with the evidence of this moment, which names the one before.
async fn renewed(
    work: &Work,
    row: &payable::Model,
    invoice: &invoice::Model,
    billed: Billed<'_>,
) -> Result<payable::Model, Error> {
    let evidence = evidence(work, invoice, billed, Some(row)).await?;
    Ok(payable::Model {
        evidence_sha256: hashed(&evidence)?,
        evidence,
        previous_sha256: Some(row.evidence_sha256.clone()),
        revision: row.revision + 1,
        ..row.clone()
    })
}

/// A receipt was taken back: receivables whose evidence names it rest on what is left. The receipt is written, and the
/// locks of its order are held.
pub(super) async fn corrected(
    work: &mut Work,
    gone: &receipt::Model,
    ordered: &[order::line::Model],
) -> Result<(), Error> {
    let billing: Vec<SupplierInvoiceId> = line::Entity::find()
        .select_only()
        .column(line::Column::InvoiceId)
        .distinct()
        .filter(line::Column::OrderLineId.is_in(ordered.iter().map(|line| line.id)))
        .into_tuple()
        .all(work.tx())
        .await?;
    let found = payable::Entity::find().filter(payable::Column::InvoiceId.is_in(billing)).all(work.tx()).await?;
    let mut resting: Vec<Uuid> = found
        .iter()
        .filter(|row| row.evidence.receipts.iter().any(|one| one.number == gone.number))
        .map(|row| row.invoice_id.0)
        .collect();
    resting.sort_unstable();
    // An invoice before its payable, as everybody does it.
    guarded::lock(work.tx(), "supplier_invoice", &resting).await?;
    for id in resting.into_iter().map(SupplierInvoiceId) {
        let row = of_approved(work, id).await?;
        let invoice = invoice::Entity::find_by_id(id).one(work.tx()).await?;
        let invoice = invoice.ok_or_else(|| Error::internal("an invoice is gone"))?;
        let lines = lines_of(work.tx(), id).await?;
        let held = Held::read(work.tx(), &lines.iter().collect::<Vec<_>>()).await?;
        let next = renewed(work, &row, &invoice, (&lines, &held)).await?;
        let happened = Happened {
            kind: PayableEventKind::Corrected,
            amount_minor: 0,
            reference: Some(gone.number.clone()),
            note: None,
        };
        changed(work, &row, next, happened).await?;
    }
    Ok(())
}

/// What is owed for an invoice that was approved.
async fn of_approved(work: &Work, invoice: SupplierInvoiceId) -> Result<payable::Model, Error> {
    let row = payable::Entity::find().filter(payable::Column::InvoiceId.eq(invoice)).one(work.tx()).await?;
    row.ok_or_else(|| Error::internal("an approved invoice without a payable"))
}

/// A debit note took something off an approved invoice: less is owed, by evidence that has the note in it.
pub(super) async fn credit(
    work: &mut Work,
    invoice: &invoice::Model,
    billed: Billed<'_>,
    note: &debit_note::Model,
) -> Result<payable::Model, Error> {
    let row = of_approved(work, invoice.id).await?;
    if note.total_minor > row.outstanding_minor() {
        let most = row.money(row.outstanding_minor()).decimal().to_string();
        return Err(Refusal::new(ErrorCode::OutOfRange).with("min", "0").with("max", most).at("lines").into());
    }
    let next = renewed(work, &row, invoice, billed).await?;
    let next = payable::Model { credited_minor: row.credited_minor + note.total_minor, ..next };
    let happened = Happened {
        kind: PayableEventKind::Credited,
        amount_minor: note.total_minor,
        reference: Some(note.number.clone()),
        note: None,
    };
    changed(work, &row, next, happened).await
}

/// A payable of the organisation that owes it, locked with its invoice.
async fn owed(work: &Work, buyer: OrganisationId, id: PayableId) -> Result<payable::Model, Error> {
    let unknown = || not_found("id", encode(id).as_str());
    let row = payable::Entity::find_by_id(id).one(work.tx()).await?;
    let row = row.filter(|row| row.buyer_id == buyer).ok_or_else(unknown)?;
    // An invoice before its payable, as debit notes do it: who pays the last of it changes both.
    guarded::lock(work.tx(), "supplier_invoice", &[row.invoice_id.0]).await?;
    payable::Entity::find_by_id(id).one(work.tx()).await?.ok_or_else(unknown)
}

/// The buyer says that it paid. One payment has one reference of the bank.
pub async fn report_payment(
    app: &App,
    call: &Call,
    id: PayableId,
    expected: i32,
    amount: Money,
    reference: &str,
) -> Result<payable::Model, Error> {
    let buyer = acting(call, Action::RecordInvoices)?;
    let reference = text::line(reference, 120).map_err(|refusal| refusal.at("reference"))?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let row = owed(&work, buyer, id).await?;
    if said(&work, id, PayableEventKind::Paid, &reference).await?.is_some() {
        // Told before the version: it was reported, and whoever reports it again need not read again.
        return Err(Refusal::new(ErrorCode::AlreadyTaken).with("value", reference).at("reference").into());
    }
    fresh(row.version, expected)?;
    if amount.currency != row.currency {
        let refusal = Refusal::new(ErrorCode::InvalidCurrency).with("value", amount.currency.code());
        return Err(refusal.at("currency").at("amount").into());
    }
    if !(1..=row.outstanding_minor()).contains(&amount.minor) {
        let (least, most) = (row.money(1).decimal(), row.money(row.outstanding_minor()).decimal());
        let refusal = Refusal::new(ErrorCode::OutOfRange).with("min", least.to_string()).with("max", most.to_string());
        return Err(refusal.at("amount").into());
    }
    let next = payable::Model { paid_minor: row.paid_minor + amount.minor, ..row.clone() };
    let happened = Happened {
        kind: PayableEventKind::Paid,
        amount_minor: amount.minor,
        reference: Some(reference.clone()),
        note: None,
    };
    let next = changed(&mut work, &row, next, happened).await?;
    let shown = json!({ "amount": amount, "reference": reference });
    work.audit(Some(buyer), "reportSupplierPayment", encode(id).0, Value::Null, shown);
    work.commit(next).await
}

/// What was said of a payable under a reference.
async fn said(
    work: &Work,
    of: PayableId,
    kind: PayableEventKind,
    reference: &str,
) -> Result<Option<event::Model>, Error> {
    let known = event::Entity::find()
        .filter(event::Column::PayableId.eq(of))
        .filter(event::Column::Kind.eq(kind))
        .filter(event::Column::Reference.eq(reference));
    Ok(known.one(work.tx()).await?)
}

/// What the buyer said of a payment was wrong: it is owed again. Each payment is taken back once.
pub async fn withdraw_payment(
    app: &App,
    call: &Call,
    id: PayableId,
    expected: i32,
    reference: &str,
    reason: &str,
) -> Result<payable::Model, Error> {
    let buyer = acting(call, Action::RecordInvoices)?;
    let reference = text::line(reference, 120).map_err(|refusal| refusal.at("reference"))?;
    let reason = text::paragraph(reason, 300).map_err(|refusal| refusal.at("reason"))?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let row = owed(&work, buyer, id).await?;
    let paid = said(&work, id, PayableEventKind::Paid, &reference).await?;
    let paid = paid.ok_or_else(|| not_found("reference", &reference))?;
    if said(&work, id, PayableEventKind::Withdrawn, &reference).await?.is_some() {
        return Err(Refusal::new(ErrorCode::AlreadyTaken).with("value", reference).at("reference").into());
    }
    fresh(row.version, expected)?;
    let next = payable::Model { paid_minor: row.paid_minor - paid.amount_minor, ..row.clone() };
    let happened = Happened {
        kind: PayableEventKind::Withdrawn,
        amount_minor: paid.amount_minor,
        reference: Some(reference.clone()),
        note: Some(reason.clone()),
    };
    let next = changed(&mut work, &row, next, happened).await?;
    let shown = json!({ "amount": row.money(paid.amount_minor), "reference": reference, "reason": reason });
    work.audit(Some(buyer), "withdrawSupplierPayment", encode(id).0, Value::Null, shown);
    work.commit(next).await
}

/// The buyer disputes what it owes, or the dispute is over.
pub async fn dispute(
    app: &App,
    call: &Call,
    id: PayableId,
    expected: i32,
    begins: bool,
    reason: &str,
) -> Result<payable::Model, Error> {
    let buyer = acting(call, Action::RecordInvoices)?;
    let (action, field) = if begins { ("disputePayable", "reason") } else { ("settlePayableDispute", "note") };
    let reason = text::paragraph(reason, 300).map_err(|refusal| refusal.at(field))?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let row = owed(&work, buyer, id).await?;
    fresh(row.version, expected)?;
    let next = switched(&mut work, &row, begins, &reason).await?;
    let shown = json!({ "disputed": next.disputed, "reason": reason });
    work.audit(Some(buyer), action, encode(id).0, json!({ "disputed": row.disputed }), shown);
    work.commit(next).await
}

/// The buyer disputes what it owes, or does not any more, in a transaction of finance.
pub async fn disputed(
    work: &mut Work,
    buyer: OrganisationId,
    id: PayableId,
    begins: bool,
    reason: &str,
) -> Result<payable::Model, Error> {
    let row = owed(work, buyer, id).await?;
    switched(work, &row, begins, reason).await
}

async fn switched(work: &mut Work, row: &payable::Model, begins: bool, reason: &str) -> Result<payable::Model, Error> {
    if row.disputed == begins || (begins && row.outstanding_minor() == 0) {
        let from = if row.disputed {
            async_graphql::Value::Enum(async_graphql::Name::new("DISPUTED"))
        } else {
            row.state().into()
        };
        let doing = if begins { "DISPUTE" } else { "SETTLE" };
        return Err(Refusal::illegal(from, doing).at("id").into());
    }
    let kind = if begins { PayableEventKind::Disputed } else { PayableEventKind::Settled };
    let happened = Happened { kind, amount_minor: 0, reference: None, note: Some(reason.to_owned()) };
    changed(work, row, payable::Model { disputed: begins, ..row.clone() }, happened).await
}

/// What a receivable is made of at this moment. `before`: what it was made of until then.
async fn evidence(
    work: &Work,
    invoice: &invoice::Model,
    (lines, held): Billed<'_>,
    before: Option<&payable::Model>,
) -> Result<Evidence, Error> {
    let tx = work.tx();
    let mut orders = Vec::new();
    for id in held.orders() {
        let (revision, sha256) = snapshots::hash(tx, id).await?;
        let number = held.order(id).map(|order| order.number.clone()).unwrap_or_default();
        orders.push(OrderOf { number, revision: revision.to_string(), sha256 });
    }
    let (receipts, ids, mut waybills) = delivered(work, held, lines).await?;
    let matched = latest(tx, invoice.id).await?;
    let notes = debit_notes::live(tx, invoice.id).await?;
    let debit_notes = notes.iter().map(|note| DebitOf {
        number: note.number.clone(),
        total: note.money(note.total_minor).decimal().to_string(),
        reason: async_graphql::Value::from(note.reason).to_string(),
    });
    waybills.extend(invoice.waybills.0.iter().cloned());
    let at = |at: chrono::DateTime<chrono::Utc>| at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
    let mut approvals = Vec::new();
    if invoice.overridden_by.is_some() {
        approvals.push(ApprovalOf { what: "MATCH_OVERRIDDEN".to_owned(), at: at(matched.at) });
    }
    approvals
        .extend(invoice.approved_at.map(|moment| ApprovalOf { what: "INVOICE_APPROVED".to_owned(), at: at(moment) }));
    Ok(Evidence {
        version: VERSION.to_owned(),
        revision: before.map_or(1, |row| row.revision + 1).to_string(),
        previous: before.map(|row| row.evidence_sha256.clone()),
        seller: party(work, invoice.supplier_id).await?,
        debtor: party(work, invoice.buyer_id).await?,
        invoice: invoiced(invoice, lines)?,
        orders,
        receipts,
        files: files(work, invoice, &held.orders(), &ids).await?,
        waybills: waybills.into_iter().collect(),
        matched: MatchOf {
            id: encode(matched.id).0,
            sha256: matched.result_sha256,
            cause: async_graphql::Value::from(matched.cause).to_string(),
        },
        approvals,
        debit_notes: debit_notes.collect(),
    })
}

async fn party(work: &Work, id: OrganisationId) -> Result<PartyOf, Error> {
    let row = organisation::Entity::find_by_id(id).one(work.tx()).await?;
    let row = row.ok_or_else(|| Error::internal("an organisation is gone"))?;
    Ok(PartyOf { id: encode(id).0, uscc: row.uscc.map(|code| code.as_str().to_owned()) })
}

/// The lines of an invoice in canonical form, as evidence hashes them: what both sides see of them.
fn lines_text(invoice: &invoice::Model, lines: &[line::Model]) -> Result<String, Error> {
    let amount = |minor: i64| invoice.money(minor).decimal().to_string();
    let said: Vec<Value> = lines
        .iter()
        .map(|line| {
            json!({
                "position": line.position + 1,
                "description": line.description,
                "quantity": line.quantity,
                "price": line.price.decimal().to_string(),
                "amount": amount(line.amount_minor),
                "taxPpm": line.tax_ppm,
                "orderLine": line.order_line_id.map(|id| encode(id).0),
                "receiptLine": line.receipt_line_id.map(|id| encode(id).0),
            })
        })
        .collect();
    canonical(&said).map_err(Error::internal)
}

/// The same of an invoice; whoever sees it sees them.
pub async fn said_of_lines(db: &impl ConnectionTrait, invoice: &invoice::Model) -> Result<String, Error> {
    lines_text(invoice, &lines_of(db, invoice.id).await?)
}

/// The invoice as it stands in the evidence.
fn invoiced(invoice: &invoice::Model, lines: &[line::Model]) -> Result<InvoiceOf, Error> {
    let amount = |minor: i64| invoice.money(minor).decimal().to_string();
    Ok(InvoiceOf {
        number: invoice.invoice_no.clone(),
        code: invoice.invoice_code.clone(),
        kind: async_graphql::Value::from(invoice.kind).to_string(),
        issue_date: invoice.issue_date.to_string(),
        due_date: invoice.due_date.to_string(),
        currency: invoice.currency.code().to_owned(),
        net: amount(invoice.net_minor),
        tax: amount(invoice.tax_minor),
        total: amount(invoice.total_minor),
        file_sha256: invoice.file_sha256.clone(),
        lines: lines.len().to_string(),
        lines_sha256: sha256_hex(lines_text(invoice, lines)?.as_bytes()),
    })
}

/// The receipts that an invoice rests on, their ids and their waybills: those that its lines name, and of lines that
/// name none all that brought some of them.
async fn delivered(
    work: &Work,
    held: &Held,
    lines: &[line::Model],
) -> Result<(Vec<ReceiptOf>, Vec<GoodsReceiptId>, BTreeSet<String>), Error> {
    let named: BTreeSet<GoodsReceiptId> =
        lines.iter().filter_map(|line| Some(held.receipt(line.receipt_line_id?)?.receipt_id)).collect();
    let any: BTreeSet<PurchaseOrderLineId> =
        lines.iter().filter(|line| line.receipt_line_id.is_none()).filter_map(|line| line.order_line_id).collect();
    let billed: BTreeSet<PurchaseOrderLineId> = lines.iter().filter_map(|line| line.order_line_id).collect();
    let (mut shown, mut ids, mut waybills) = (BTreeMap::new(), Vec::new(), BTreeSet::new());
    for (row, all) in receipts::of_orders(work.tx(), &held.orders()).await? {
        let meant = named.contains(&row.id) || all.iter().any(|line| any.contains(&line.order_line_id));
        if !row.stands() || !meant {
            continue;
        }
        ids.push(row.id);
        waybills.extend(row.waybill.clone());
        shown.insert(row.number.clone(), received(&row, &all, &billed)?);
    }
    Ok((shown.into_values().collect(), ids, waybills))
}

/// A receipt in canonical form, as evidence hashes it: what both sides see of it.
fn receipt_text(row: &receipt::Model, all: &[receipt::line::Model]) -> Result<String, Error> {
    let said: Vec<Value> = all
        .iter()
        .map(|line| {
            json!({
                "position": line.position + 1,
                "orderLine": encode(line.order_line_id).0,
                "delivered": line.delivered,
                "accepted": line.accepted,
                "rejected": line.rejected,
                "lot": line.lot,
            })
        })
        .collect();
    let whole = json!({
        "number": row.number,
        "deliveryNote": row.delivery_note,
        "arrivedOn": row.arrived_on.to_string(),
        "waybill": row.waybill,
        "lines": said,
    });
    canonical(&whole).map_err(Error::internal)
}

/// The same of a receipt; whoever sees it sees its lines.
pub async fn said_of_receipt(db: &impl ConnectionTrait, row: &receipt::Model) -> Result<String, Error> {
    let lines = receipt::line::Entity::find()
        .filter(receipt::line::Column::ReceiptId.eq(row.id))
        .order_by_asc(receipt::line::Column::Position);
    receipt_text(row, &lines.all(db).await?)
}

fn received(
    row: &receipt::Model,
    all: &[receipt::line::Model],
    billed: &BTreeSet<PurchaseOrderLineId>,
) -> Result<ReceiptOf, Error> {
    let lines = all.iter().filter(|line| billed.contains(&line.order_line_id)).map(|line| ReceiptLineOf {
        position: (line.position + 1).to_string(),
        delivered: line.delivered.to_string(),
        accepted: line.accepted.to_string(),
        rejected: line.rejected.to_string(),
    });
    Ok(ReceiptOf {
        number: row.number.clone(),
        delivery_note: row.delivery_note.clone(),
        arrived_on: row.arrived_on.to_string(),
        sha256: sha256_hex(receipt_text(row, all)?.as_bytes()),
        lines: lines.collect(),
    })
}

/// The files of an invoice, of its orders and of its receipts, as far as their bytes are here.
async fn files(
    work: &Work,
    invoice: &invoice::Model,
    orders: &[PurchaseOrderId],
    receipts: &[GoodsReceiptId],
) -> Result<Vec<FileOf>, Error> {
    let of = Condition::any()
        .add(file::Column::InvoiceId.eq(invoice.id))
        .add(file::Column::OrderId.is_in(orders.iter().copied()))
        .add(file::Column::ReceiptId.is_in(receipts.iter().copied()));
    let rows = file::Entity::find()
        .filter(of)
        .filter(file::Column::KeptAt.is_not_null())
        .order_by_asc(file::Column::Id)
        .all(work.tx())
        .await?;
    let role = |row: &file::Model| match (row.order_id, row.invoice_id) {
        (Some(_), _) => "PO",
        (None, Some(_)) => "INVOICE",
        (None, None) => "GRN",
    };
    let shown = |row: file::Model| FileOf {
        role: role(&row).to_owned(),
        sha256: row.sha256,
        media_type: row.media_type,
        size: row.size.to_string(),
    };
    Ok(rows.into_iter().map(shown).collect())
}

/// Payables that the viewer may see, newest first.
pub async fn list(
    db: &impl ConnectionTrait,
    viewer: &Viewer,
    filter: Filter,
    page: &PageArgs,
) -> Result<Page<payable::Model>, Error> {
    let side = filter
        .side
        .zip(viewer.organisation())
        .map(|(side, own)| side.of(payable::Column::BuyerId, payable::Column::SupplierId).eq(own));
    let open = filter.open.map(|open| {
        let owed = Condition::all().add(tasks::owed());
        if open { owed } else { owed.not() }
    });
    let only = Condition::all()
        .add_option(side)
        .add_option(open)
        .add_option(filter.due_before.map(|day| payable::Column::DueDate.lt(day)));
    let list = payable::Entity::visible_to(viewer).filter(only);
    page.by_id(db, list, payable::Column::Id, NEWEST, Order::Desc).await
}

/// The cursor of a payable in that list.
pub fn cursor(row: &payable::Model) -> Cursor {
    Cursor::of_id(NEWEST, row.id)
}

/// A payable; none when there is none or it may not be seen.
pub async fn find(db: &impl ConnectionTrait, viewer: &Viewer, id: PayableId) -> Result<Option<payable::Model>, Error> {
    Ok(payable::Entity::visible_to(viewer).filter(payable::Column::Id.eq(id)).one(db).await?)
}

/// What is owed for invoices, those left out that nothing is owed for; whoever sees an invoice sees it.
pub async fn of_invoices(
    db: &impl ConnectionTrait,
    invoices: &[SupplierInvoiceId],
) -> Result<HashMap<SupplierInvoiceId, payable::Model>, Error> {
    let list = payable::Entity::find().filter(payable::Column::InvoiceId.is_in(invoices.iter().copied()));
    Ok(list.all(db).await?.into_iter().map(|row| (row.invoice_id, row)).collect())
}

/// The invoices that something is owed for; those that the viewer may see.
pub async fn invoices_of(
    db: &impl ConnectionTrait,
    viewer: &Viewer,
    ids: &[PayableId],
) -> Result<HashMap<PayableId, invoice::Model>, Error> {
    let owed: Vec<(PayableId, SupplierInvoiceId)> = payable::Entity::find()
        .select_only()
        .columns([payable::Column::Id, payable::Column::InvoiceId])
        .filter(payable::Column::Id.is_in(ids.iter().copied()))
        .into_tuple()
        .all(db)
        .await?;
    let seen = invoice::Entity::visible_to(viewer).filter(invoice::Column::Id.is_in(owed.iter().map(|(_, id)| *id)));
    let seen: HashMap<SupplierInvoiceId, invoice::Model> =
        seen.all(db).await?.into_iter().map(|row| (row.id, row)).collect();
    Ok(owed.into_iter().filter_map(|(payable, id)| Some((payable, seen.get(&id)?.clone()))).collect())
}

/// What receivables are made of, by their payables; for who may see the receivables.
pub async fn evidence_of(db: &impl ConnectionTrait, ids: &[PayableId]) -> Result<HashMap<PayableId, Evidence>, Error> {
    let list = payable::Entity::find().filter(payable::Column::Id.is_in(ids.iter().copied()));
    Ok(list.all(db).await?.into_iter().map(|row| (row.id, row.evidence)).collect())
}

/// The evidence that some of what happened led to; for who may see it.
pub async fn evidence_after(
    db: &impl ConnectionTrait,
    ids: &[PayableEventId],
) -> Result<HashMap<PayableEventId, Evidence>, Error> {
    let list = event::Entity::find().filter(event::Column::Id.is_in(ids.iter().copied()));
    Ok(list.all(db).await?.into_iter().filter_map(|row| Some((row.id, row.evidence?))).collect())
}

/// What happened to a payable, first first; whoever sees the payable sees it.
pub async fn events(db: &impl ConnectionTrait, id: PayableId, page: &PageArgs) -> Result<Page<event::Model>, Error> {
    let list = event::Entity::find().filter(event::Column::PayableId.eq(id));
    page.by_id(db, list, event::Column::Id, FIRST, Order::Asc).await
}

/// The cursor of an event in that list.
pub fn event_cursor(row: &event::Model) -> Cursor {
    Cursor::of_id(FIRST, row.id)
}
