//! Invoices of suppliers: recorded by whoever has them, the buyer or the supplier; never refused because they do not
//! fit. What is refused is what is no invoice: a number that was there before, lines of somebody else's order.
//!
//! Those in UBL 2.1 are read in `imported`.

mod imported;

use chrono::{DateTime, Datelike, Duration, NaiveDate, Utc};
use entities::{
    party::{Action, Viewer, machine_client::Scope},
    procurement::{
        invoice::{self, InvoiceState, InvoiceStep, MOST_LINES, line},
        invoice_no::{self, InvoiceKind, Number, may_lack_code},
        matching::{Header, MatchCause, MatchResult, tax},
        order,
        receivable::due,
        terms::{MOST, Side, Texts, WHOLE_PPM},
        unit_price::UnitPrice,
    },
    values::{
        Currency, ErrorCode, Money, Refusal, Refusals,
        id::{GoodsReceiptLineId, OrganisationId, PurchaseOrderLineId, SupplierInvoiceId, SupplierInvoiceLineId},
        refusal::{self as text, Check},
    },
};
use inventory::ledger::in_line;
use party::ops::organisations;
use platform::{
    app::{App, Call, Work},
    clock::business_day,
    error::{Error, not_found, violates_unique},
    graphql::encode,
    page::{Cursor, Page, PageArgs},
};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, DbErr, EntityTrait, IntoActiveModel, Order, QueryFilter, QueryOrder,
};
use serde_json::{Value, json};

use self::imported::Paper;
use super::{
    CHUNK, acting, debit_notes,
    matching::{Debits, Held, first, give_back, lines_of, lines_written, noted, of_either, stepped, told},
};

pub use imported::import_ubl;

const NEWEST: &str = "newest-supplier-invoice";
const BY_PLACE: &str = "supplier-invoice-line";

/// Most orders that one invoice is for: each of them is looked at when it is matched.
const MOST_ORDERS: usize = 20;
/// Most waybills that it names.
const MOST_WAYBILLS: usize = 50;
/// The longest time to pay, in days.
const LONGEST_TERM: i64 = 730;
/// How old an invoice may be that is recorded, in days.
const OLDEST: i64 = 3_650;

/// The other side of an invoice: whoever records it is on this one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Other {
    /// The buyer records an invoice of this supplier.
    Supplier(OrganisationId),
    /// The supplier records an invoice for this buyer.
    Buyer(OrganisationId),
}

/// A line that is billed.
#[derive(Clone, Debug)]
pub struct NewLine {
    /// Of which line of an order.
    pub order_line: Option<PurchaseOrderLineId>,
    /// Of which delivery of it.
    pub receipt_line: Option<GoodsReceiptLineId>,
    /// What for; none: as the order says.
    pub description: Option<String>,
    /// How much.
    pub quantity: i64,
    /// For what a unit.
    pub price: UnitPrice,
    /// Together, in minor units; none: quantity times price.
    pub amount_minor: Option<i64>,
    /// At which rate of tax, in parts per million; none: as the order says.
    pub tax_ppm: Option<i32>,
}

/// What is billed.
#[derive(Clone, Debug)]
pub struct Bill {
    /// By or to whom.
    pub other: Other,
    /// In which currency.
    pub currency: Currency,
    /// Tax, in minor units; none: as the rates make it.
    pub tax_minor: Option<i64>,
    /// With tax, in minor units; none: as it adds up.
    pub total_minor: Option<i64>,
    /// For what.
    pub lines: Vec<NewLine>,
}

/// An invoice that is recorded.
#[derive(Clone, Debug)]
pub struct NewInvoice {
    /// What sort it is.
    pub kind: InvoiceKind,
    /// Its number.
    pub invoice_no: String,
    /// Its code.
    pub invoice_code: Option<String>,
    /// Its check code.
    pub check_code: Option<String>,
    /// SHA-256 of its file, in hex.
    pub file_sha256: Option<String>,
    /// When it was written.
    pub issue_date: NaiveDate,
    /// When it is to be paid; none: by the terms of the order.
    pub due_date: Option<NaiveDate>,
    /// Which one it comes in place of.
    pub corrects: Option<SupplierInvoiceId>,
    /// Waybills that it names.
    pub waybills: Vec<String>,
    /// What it bills.
    pub bill: Bill,
}

/// Which invoices.
#[derive(Clone, Copy, Debug, Default)]
#[expect(missing_docs, reason = "described in the schema")]
pub struct Filter {
    pub side: Option<Side>,
    pub state: Option<InvoiceState>,
    pub supplier: Option<OrganisationId>,
}

/// Who is on which side.
#[derive(Clone, Copy, Debug)]
struct Sides {
    buyer: OrganisationId,
    supplier: OrganisationId,
    own: Side,
}

impl Sides {
    fn of(own: OrganisationId, other: Other) -> Result<Self, Refusal> {
        let (sides, named, field) = match other {
            Other::Supplier(supplier) => (Self { buyer: own, supplier, own: Side::Buyer }, supplier, "supplierId"),
            Other::Buyer(buyer) => (Self { buyer, supplier: own, own: Side::Supplier }, buyer, "buyerId"),
        };
        if named == own {
            return Err(Refusal::new(ErrorCode::InvalidValue).with("value", "one's own organisation").at(field));
        }
        Ok(sides)
    }

    fn recording(self) -> OrganisationId {
        self.own.of(self.buyer, self.supplier)
    }

    /// The other side has to be there.
    async fn known(self, db: &impl ConnectionTrait) -> Result<(), Error> {
        let (other, field) = self.own.of((self.supplier, "supplierId"), (self.buyer, "buyerId"));
        if organisations::exists(db, other).await? { Ok(()) } else { Err(not_found(field, encode(other).as_str())) }
    }

    /// Whether whoever records may name this order: one of the buyer's, and a supplier only what was sent to it. That a
    /// buyer names the order of another supplier is for the match to find.
    fn may_name(self, order: &order::Model) -> bool {
        let theirs = self.own == Side::Buyer || (order.supplier_id == self.supplier && order.sent_at.is_some());
        order.buyer_id == self.buyer && theirs
    }
}

/// What is said of an invoice beside what it bills, as it is kept.
struct Said {
    number: Number,
    file_sha256: Option<String>,
    waybills: Vec<String>,
}

fn between(min: &impl ToString, max: &impl ToString) -> Refusal {
    Refusal::new(ErrorCode::OutOfRange).with("min", min.to_string()).with("max", max.to_string())
}

fn said(new: &NewInvoice, today: NaiveDate) -> Result<Said, Refusals> {
    let mut check = Check::default();
    let (code, check_code) = (new.invoice_code.as_deref(), new.check_code.as_deref());
    let number = invoice_no::read(new.kind, &new.invoice_no, code, check_code);
    let number = number.map_err(|refusal| check.0.push(refusal)).ok();
    let hash = new.file_sha256.as_deref().map(|hash| text::sha256(&hash.trim().to_ascii_lowercase()));
    let file_sha256 = hash.and_then(|hash| check.take("fileSha256", hash));
    // Where it was written it may be tomorrow already.
    let (first, last) = (today - Duration::days(OLDEST), today + Duration::days(1));
    check.demand((first..=last).contains(&new.issue_date), "issueDate", || between(&first, &last));
    let latest = new.issue_date.checked_add_signed(Duration::days(LONGEST_TERM)).unwrap_or(new.issue_date);
    let payable = new.due_date.is_none_or(|due| (new.issue_date..=latest).contains(&due));
    check.demand(payable, "dueDate", || between(&new.issue_date, &latest));
    let most = || Refusal::new(ErrorCode::TooMany).with("max", MOST_WAYBILLS.to_string());
    check.demand(new.waybills.len() <= MOST_WAYBILLS, "waybills", most);
    let mut waybills = Vec::new();
    for (n, waybill) in new.waybills.iter().take(MOST_WAYBILLS).enumerate() {
        let read = text::line(waybill, 60).map_err(|refusal| refusal.at(n.to_string()));
        waybills.extend(check.take("waybills", read));
    }
    match number {
        Some(number) => check.done(Said { number, file_sha256, waybills }),
        None => Err(check.0),
    }
}

/// What is billed, as it is kept.
struct Drawn {
    lines: Vec<line::Model>,
    net_minor: i64,
    tax_minor: i64,
    total_minor: i64,
    /// By the terms of the first order that it names.
    payment_days: Option<i32>,
    held: Held,
}

/// Draws up what is billed. What the order says counts where the invoice says nothing.
async fn drawn(
    db: &impl ConnectionTrait,
    now: DateTime<Utc>,
    sides: Sides,
    bill: &Bill,
    invoice: SupplierInvoiceId,
) -> Result<Drawn, Error> {
    text::few(bill.lines.len(), MOST_LINES)?;
    let mut lines: Vec<line::Model> = Vec::with_capacity(bill.lines.len());
    for (new, position) in bill.lines.iter().zip(0_i32..) {
        lines.push(line::Model {
            id: SupplierInvoiceLineId::new(now),
            invoice_id: invoice,
            position,
            order_line_id: new.order_line,
            receipt_line_id: new.receipt_line,
            description: String::new(),
            quantity: new.quantity,
            debited: 0,
            price: new.price,
            amount_minor: 0,
            tax_ppm: 0,
            claimed: 0,
            overridden: 0,
            noted: 0,
        });
    }
    let held = Held::read(db, &lines.iter().collect::<Vec<_>>()).await?;
    if held.orders().len() > MOST_ORDERS {
        return Err(Refusal::new(ErrorCode::TooMany).with("max", MOST_ORDERS.to_string()).at("lines").into());
    }
    for (n, (line, new)) in lines.iter_mut().zip(&bill.lines).enumerate() {
        named(line, sides, &held).map_err(|error| in_line(error, n))?;
        filled(line, new, bill.currency, &held).map_err(|refusals| in_line(refusals.into(), n))?;
    }
    let beyond =
        || Refusal::new(ErrorCode::InvalidAmount).with("value", "total").with("currency", bill.currency.code());
    let money = |minor: Option<i64>| minor.filter(|minor| (0..=Money::MAX_MINOR).contains(minor));
    let net = lines.iter().try_fold(0_i64, |sum, line| sum.checked_add(line.amount_minor));
    let net_minor = money(net).ok_or_else(|| beyond().at("lines"))?;
    let tax_minor = bill.tax_minor.unwrap_or_else(|| tax(lines.iter().map(|line| (line.amount_minor, line.tax_ppm))));
    let total_minor = bill.total_minor.or_else(|| money(net_minor.checked_add(tax_minor)));
    let total_minor = total_minor.ok_or_else(|| beyond().at("total"))?;
    let first = lines.iter().find_map(|line| held.line(line.order_line_id?));
    let payment_days = first.map(|(order, _)| order.payment_days);
    Ok(Drawn { lines, net_minor, tax_minor, total_minor, payment_days, held })
}

/// What a line names has to be there for whoever records it, and to belong together.
fn named(line: &line::Model, sides: Sides, held: &Held) -> Result<(), Error> {
    if let Some(id) = line.order_line_id {
        let order = held.line(id).filter(|(order, _)| sides.may_name(order));
        order.ok_or_else(|| not_found("orderLineId", encode(id).as_str()))?;
    }
    if let Some(id) = line.receipt_line_id {
        let of = line.order_line_id.ok_or_else(|| Refusal::new(ErrorCode::Required).at("orderLineId"))?;
        let delivery = held.receipt(id).filter(|row| row.order_line_id == of);
        delivery.ok_or_else(|| not_found("receiptLineId", encode(id).as_str()))?;
    }
    Ok(())
}

/// Fills a line with what is said of it, and with what its order says where nothing is.
fn filled(line: &mut line::Model, new: &NewLine, currency: Currency, held: &Held) -> Result<(), Refusals> {
    let ordered = line.order_line_id.and_then(|id| held.line(id)).map(|(_, ordered)| ordered);
    let mut check = Check::default();
    check.demand((1..=MOST).contains(&new.quantity), "quantity", || between(&1, &MOST));
    let rate = new.tax_ppm.unwrap_or_else(|| ordered.map_or(0, |ordered| ordered.tax_ppm));
    check.demand((0..=WHOLE_PPM).contains(&rate), "taxPpm", || between(&0, &WHOLE_PPM));
    let described = text::given(new.description.as_deref());
    let description = match described {
        Some(said) => check.take("description", text::line(said, 300)),
        None => ordered.map(|ordered| ordered.description.clone()),
    };
    let wrong = || {
        let value = new.price.decimal().to_string();
        Refusal::new(ErrorCode::InvalidAmount).with("value", value).with("currency", currency.code())
    };
    let amount = new.amount_minor.or_else(|| new.price.amount(new.quantity, currency));
    let amount = check.take("price", amount.ok_or_else(wrong)).unwrap_or_default();
    line.description = description.unwrap_or_default();
    (line.tax_ppm, line.amount_minor) = (rate, amount);
    check.done(())
}

/// Records an invoice, and matches it: it is recorded whether or not it fits.
pub async fn record(app: &App, call: &Call, new: &NewInvoice) -> Result<invoice::Model, Error> {
    recorded(app, call, new, None).await
}

/// Records an invoice. `paper`: the document that it was read from.
async fn recorded(app: &App, call: &Call, new: &NewInvoice, paper: Option<Paper>) -> Result<invoice::Model, Error> {
    let organisation = acting(call, Action::RecordInvoices)?;
    let sides = Sides::of(organisation, new.bill.other)?;
    let said = said(new, business_day(app.clock().now()))?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    sides.known(work.tx()).await?;
    let drawn = drawn(work.tx(), work.now, sides, &new.bill, SupplierInvoiceId::new(work.now)).await?;
    let mut row = row(&work, sides, new, said, &drawn);
    let old = match new.corrects {
        Some(id) => Some(corrected(&work, sides, id).await?),
        None => None,
    };
    let Drawn { mut lines, held, .. } = drawn;
    is_new(&work, sides, &row).await?;
    let (held, mut touched) = match old {
        None => (held.lock(&work, &lines.iter().collect::<Vec<_>>()).await?, Vec::new()),
        Some((before, mut gone)) => {
            let all: Vec<&line::Model> = lines.iter().chain(&gone).collect();
            let both = Held::locked(&work, &all).await?;
            out_of_the_way(&mut work, &before, &mut gone, InvoiceStep::Correct, None)
                .await
                .map_err(|error| error.of("correctsId"))?;
            // What it gave back is free for this one.
            (Held::read(work.tx(), &lines.iter().collect::<Vec<_>>()).await?, both.orders_of(&row))
        }
    };
    let result = first(&work, &held, &mut row, &mut lines).await?;
    inserted(&work, &row, &lines).await?;
    let action = if paper.is_some() { "importUblInvoice" } else { "recordSupplierInvoice" };
    if let Some(paper) = paper {
        paper.keep(&work, organisation, &row).await?;
    }
    noted(&work, row.id, &result, result.passed, MatchCause::Recorded).await?;
    let shown = json!({
        "invoiceNo": row.invoice_no,
        "state": row.state,
        "total": row.money(row.total_minor),
        "corrects": row.corrects_id.map(|id| encode(id).0),
    });
    work.audit(Some(organisation), action, encode(row.id).0, Value::Null, shown);
    touched.extend(held.orders_of(&row));
    touched.sort_unstable();
    touched.dedup();
    told(&mut work, &row, &touched).await?;
    work.commit(row).await
}

/// The row of an invoice, before it is matched.
fn row(work: &Work, sides: Sides, new: &NewInvoice, said: Said, drawn: &Drawn) -> invoice::Model {
    let Number { no, code, check_code } = said.number;
    let key = invoice_no::number_key(&no, code.as_deref(), new.issue_date.year());
    let by_terms = || due(new.issue_date, drawn.payment_days.unwrap_or_default());
    let id = drawn.lines.first().map_or_else(|| SupplierInvoiceId::new(work.now), |line| line.invoice_id);
    invoice::Model {
        id,
        buyer_id: sides.buyer,
        supplier_id: sides.supplier,
        kind: new.kind,
        invoice_no: no,
        invoice_code: code,
        check_code,
        number_key: Some(key),
        file_key: said.file_sha256.clone(),
        file_sha256: said.file_sha256,
        state: InvoiceState::Exception,
        issue_date: new.issue_date,
        due_date: new.due_date.unwrap_or_else(by_terms),
        currency: new.bill.currency,
        net_minor: drawn.net_minor,
        tax_minor: drawn.tax_minor,
        total_minor: drawn.total_minor,
        corrects_id: new.corrects,
        waybills: Texts(said.waybills),
        recorded_by: work.viewer().subject(),
        recorder_id: work.viewer().person(),
        recorded_side: sides.own,
        override_reason: None,
        overridden_by: None,
        approved_by: None,
        approved_at: None,
        reject_reason: None,
        version: 1,
        created_at: work.now,
        updated_at: work.now,
    }
}

/// The invoice that another comes in place of, and its lines. What its buyer took off it a supplier does not wipe away.
async fn corrected(
    work: &Work,
    sides: Sides,
    id: SupplierInvoiceId,
) -> Result<(invoice::Model, Vec<line::Model>), Error> {
    let row = invoice::Entity::find_by_id(id).one(work.tx()).await?;
    let row = row.filter(|row| row.buyer_id == sides.buyer && row.supplier_id == sides.supplier);
    let row = row.ok_or_else(|| not_found("correctsId", encode(id).as_str()))?;
    InvoiceStep::Correct.from(row.state).map_err(|refusal| refusal.at("correctsId"))?;
    if sides.own == Side::Supplier {
        bare(work, id).await.map_err(|error| error.of("correctsId"))?;
    }
    let lines = lines_of(work.tx(), id).await?;
    Ok((row, lines))
}

/// Refused when something was taken off an invoice by a debit note.
async fn bare(work: &Work, id: SupplierInvoiceId) -> Result<(), Error> {
    match debit_notes::live(work.tx(), id).await?.len() {
        0 => Ok(()),
        n => Err(Refusal::new(ErrorCode::InUse).with("count", n.to_string()).at("id").into()),
    }
}

/// An invoice is not accepted, or another comes in its place: what it claims is free again, and so is its number. The
/// locks of its orders are held.
async fn out_of_the_way(
    work: &mut Work,
    before: &invoice::Model,
    lines: &mut [line::Model],
    step: InvoiceStep,
    reason: Option<String>,
) -> Result<invoice::Model, Error> {
    if lines.iter().any(|line| line.claimed > 0) {
        give_back(work, lines, true).await?;
        lines_written(work, lines).await?;
    }
    debit_notes::cancel_all(work, before.buyer_id, before.id).await?;
    let next = invoice::Model { reject_reason: reason, ..before.clone() };
    stepped(work, before, step, next).await
}

fn duplicate(number: &str, field: &str) -> Error {
    Refusal::new(ErrorCode::DuplicateInvoice).with("number", number).at(field).into()
}

/// Refused when the supplier's number is known, or the buyer has the file already. Of somebody else's invoice no more
/// is said than that.
async fn is_new(work: &Work, sides: Sides, row: &invoice::Model) -> Result<(), Error> {
    use invoice::Column;
    let numbered =
        Condition::all().add(Column::SupplierId.eq(row.supplier_id)).add(Column::NumberKey.eq(row.number_key.clone()));
    // A number of eight digits may be that of one that has its code, and the other way round.
    let (uncoded, coded) = (may_lack_code(&row.invoice_no, row.invoice_code.as_deref()), row.invoice_code.is_some());
    let alike = (uncoded || coded).then(|| {
        let otherwise = if coded { Column::InvoiceCode.is_null() } else { Column::InvoiceCode.is_not_null() };
        let of = Condition::all().add(Column::SupplierId.eq(row.supplier_id)).add(Column::NumberKey.is_not_null());
        of.add(Column::InvoiceNo.eq(row.invoice_no.as_str())).add(otherwise)
    });
    let filed = row
        .file_key
        .clone()
        .map(|key| Condition::all().add(Column::BuyerId.eq(row.buyer_id)).add(Column::FileKey.eq(key)));
    let found = invoice::Entity::find()
        .filter(Condition::any().add(numbered).add_option(alike).add_option(filed))
        .filter(Condition::all().add_option(row.corrects_id.map(|id| Column::Id.ne(id))))
        .order_by_asc(Column::Id)
        .one(work.tx())
        .await?;
    let Some(other) = found else { return Ok(()) };
    let same_file = other.buyer_id == row.buyer_id && row.file_key.is_some() && other.file_key == row.file_key;
    let same_number = other.supplier_id == row.supplier_id && other.number_key == row.number_key;
    if same_number || !same_file {
        return Err(duplicate(&row.invoice_no, "invoiceNo"));
    }
    let own = [other.buyer_id, other.supplier_id].contains(&sides.recording());
    Err(duplicate(if own { &other.invoice_no } else { &row.invoice_no }, "fileSha256"))
}

async fn inserted(work: &Work, row: &invoice::Model, lines: &[line::Model]) -> Result<(), Error> {
    // Two who record it at the same moment: the second one comes upon the index.
    let taken = |error: DbErr| {
        if violates_unique(&error, "supplier_invoice", &["supplier_id", "number_key"]) {
            duplicate(&row.invoice_no, "invoiceNo")
        } else if violates_unique(&error, "supplier_invoice", &["buyer_id", "file_key"]) {
            duplicate(&row.invoice_no, "fileSha256")
        } else {
            error.into()
        }
    };
    let made = invoice::Entity::insert(row.clone().into_active_model()).exec_without_returning(work.tx()).await;
    made.map_err(taken)?;
    for part in lines.chunks(CHUNK) {
        let rows = part.iter().cloned().map(IntoActiveModel::into_active_model);
        line::Entity::insert_many(rows).exec_without_returning(work.tx()).await?;
    }
    Ok(())
}

/// Does not accept an invoice: what it claims is free again, and so is its number. Its supplier does so, too, with one
/// of its number that it never wrote or takes back, unless the buyer took something off it.
pub async fn reject(
    app: &App,
    call: &Call,
    id: SupplierInvoiceId,
    expected: i32,
    reason: &str,
) -> Result<invoice::Model, Error> {
    let organisation = acting(call, Action::RecordInvoices)?;
    let reason = text::paragraph(reason, 300).map_err(|refusal| refusal.at("reason"))?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let (before, side) = of_either(&work, organisation, id, expected).await?;
    InvoiceStep::Reject.from(before.state).map_err(|refusal| refusal.at("id"))?;
    let mut lines = lines_of(work.tx(), id).await?;
    let held = Held::locked(&work, &lines.iter().collect::<Vec<_>>()).await?;
    if side == Side::Supplier {
        bare(&work, id).await?;
    }
    let next = out_of_the_way(&mut work, &before, &mut lines, InvoiceStep::Reject, Some(reason)).await?;
    let shown = json!({ "state": next.state, "reason": next.reject_reason, "side": side });
    work.audit(Some(organisation), "rejectSupplierInvoice", encode(id).0, json!({ "state": before.state }), shown);
    told(&mut work, &next, &held.orders_of(&next)).await?;
    work.commit(next).await
}

/// How an invoice would fit at this moment; nothing is written. A supplier that tries is not told by how much more than
/// it is owed would be let pass: of its buyer's tolerances nothing counts.
pub async fn preview(
    db: &impl ConnectionTrait,
    viewer: &Viewer,
    bill: &Bill,
    now: DateTime<Utc>,
) -> Result<MatchResult, Error> {
    let own = viewer.reads_for(Scope::Procurement).ok_or(Error::Forbidden)?;
    let sides = Sides::of(own, bill.other)?;
    sides.known(db).await?;
    let drawn = drawn(db, now, sides, bill, SupplierInvoiceId::new(now)).await?;
    let header = Header {
        buyer: sides.buyer,
        supplier: sides.supplier,
        currency: bill.currency,
        net_minor: drawn.net_minor,
        tax_minor: drawn.tax_minor,
        total_minor: drawn.total_minor,
        debited_tax_minor: 0,
    };
    let held = if sides.own == Side::Supplier { drawn.held.without_tolerances() } else { drawn.held };
    Ok(held.check(&header, &drawn.lines, &Debits::default()))
}

/// Invoices that the viewer may see, newest first.
pub async fn list(
    db: &impl ConnectionTrait,
    viewer: &Viewer,
    filter: Filter,
    page: &PageArgs,
) -> Result<Page<invoice::Model>, Error> {
    let side = filter
        .side
        .zip(viewer.organisation())
        .map(|(side, own)| side.of(invoice::Column::BuyerId, invoice::Column::SupplierId).eq(own));
    let only = Condition::all()
        .add_option(side)
        .add_option(filter.state.map(|state| invoice::Column::State.eq(state)))
        .add_option(filter.supplier.map(|id| invoice::Column::SupplierId.eq(id)));
    let list = invoice::Entity::visible_to(viewer).filter(only);
    page.by_id(db, list, invoice::Column::Id, NEWEST, Order::Desc).await
}

/// The cursor of an invoice in that list.
pub fn cursor(row: &invoice::Model) -> Cursor {
    Cursor::of_id(NEWEST, row.id)
}

/// An invoice; none when there is none or it may not be seen.
pub async fn find(
    db: &impl ConnectionTrait,
    viewer: &Viewer,
    id: SupplierInvoiceId,
) -> Result<Option<invoice::Model>, Error> {
    Ok(invoice::Entity::visible_to(viewer).filter(invoice::Column::Id.eq(id)).one(db).await?)
}

/// The lines of an invoice, in their order; whoever sees it sees them.
pub async fn lines(
    db: &impl ConnectionTrait,
    id: SupplierInvoiceId,
    page: &PageArgs,
) -> Result<Page<line::Model>, Error> {
    let list = line::Entity::find().filter(line::Column::InvoiceId.eq(id));
    page.by_id(db, list, line::Column::Id, BY_PLACE, Order::Asc).await
}

/// The cursor of a line in that list.
pub fn line_cursor(row: &line::Model) -> Cursor {
    Cursor::of_id(BY_PLACE, row.id)
}
