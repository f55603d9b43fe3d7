//! Holding an invoice against what was ordered and accepted, and claiming that for it.
//!
//! Whatever claims or gives back locks the orders, their lines and the named lines of receipts first, by their ids, and
//! decides from what it reads then: of many invoices for one line each sees what the ones before it claimed. The UPDATE
//! that claims has the guard of the table's own check in it all the same.
//!
//! The number of statements does not depend on the number of lines (but for parts of 500).

use std::{
    cmp::{max, min},
    collections::{BTreeMap, BTreeSet, HashMap},
};

use entities::{
    party::Action,
    platform::EventKind,
    procurement::{
        debit_note,
        invoice::{self, InvoiceState, InvoiceStep, line},
        matching::{self, Billed, Delivered, Header, MatchCause, MatchResult, Ordered, billable, check},
        order, receipt,
        receipt::ReceiptKind,
        receipt::ReceiptState,
        terms::{Side, Tolerance},
    },
    values::{
        ErrorCode, Refusal,
        id::{
            GoodsReceiptId, GoodsReceiptLineId, InvoiceMatchId, OrganisationId, PurchaseOrderId, PurchaseOrderLineId,
            SupplierInvoiceId, SupplierInvoiceLineId,
        },
        refusal as text,
    },
};
use platform::{
    app::{App, Call, Work},
    error::{Error, not_found, stale},
    graphql::encode,
    guarded,
    page::{Cursor, Page, PageArgs},
};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, ExprTrait, IntoActiveModel, JoinType, Order,
    QueryFilter, QueryOrder, QuerySelect, Statement,
    sea_query::{Alias, Expr, Query, Value},
};
use serde_json::json;
use uuid::Uuid;

use super::{CHUNK, acting, approvals, debit_notes, fresh, orders, payables, receipts, tell_both};

const FIRST: &str = "first-invoice-match";

/// What invoices are held against.
#[derive(Debug, Default)]
pub(super) struct Held {
    orders: HashMap<PurchaseOrderId, order::Model>,
    lines: HashMap<PurchaseOrderLineId, order::line::Model>,
    receipts: HashMap<GoodsReceiptLineId, receipt::line::Model>,
}

impl Held {
    /// What the lines of an invoice name, as it is at this moment.
    pub(super) async fn read(db: &impl ConnectionTrait, lines: &[&line::Model]) -> Result<Self, Error> {
        let mut held = Self::default();
        let named: BTreeSet<PurchaseOrderLineId> = lines.iter().filter_map(|line| line.order_line_id).collect();
        let named: Vec<PurchaseOrderLineId> = named.into_iter().collect();
        for part in named.chunks(CHUNK) {
            let rows = order::line::Entity::find().filter(order::line::Column::Id.is_in(part.iter().copied()));
            held.lines.extend(rows.all(db).await?.into_iter().map(|row| (row.id, row)));
        }
        let orders: BTreeSet<PurchaseOrderId> = held.lines.values().map(|row| row.order_id).collect();
        let orders: Vec<PurchaseOrderId> = orders.into_iter().collect();
        for part in orders.chunks(CHUNK) {
            let rows = order::Entity::find().filter(order::Column::Id.is_in(part.iter().copied()));
            held.orders.extend(rows.all(db).await?.into_iter().map(|row| (row.id, row)));
        }
        let named: BTreeSet<GoodsReceiptLineId> = lines.iter().filter_map(|line| line.receipt_line_id).collect();
        let named: Vec<GoodsReceiptLineId> = named.into_iter().collect();
        for part in named.chunks(CHUNK) {
            let rows = receipt::line::Entity::find().filter(receipt::line::Column::Id.is_in(part.iter().copied()));
            held.receipts.extend(rows.all(db).await?.into_iter().map(|row| (row.id, row)));
        }
        held.only_what_stands(db).await?;
        Ok(held)
    }

    /// Of a receipt that was reversed nothing is accepted any more.
    async fn only_what_stands(&mut self, db: &impl ConnectionTrait) -> Result<(), Error> {
        let named: BTreeSet<GoodsReceiptId> = self.receipts.values().map(|row| row.receipt_id).collect();
        let named: Vec<GoodsReceiptId> = named.into_iter().collect();
        let mut stand = BTreeSet::new();
        for part in named.chunks(CHUNK) {
            let rows = receipt::Entity::find()
                .filter(receipt::Column::Id.is_in(part.iter().copied()))
                .filter(receipt::Column::Kind.eq(ReceiptKind::Receipt))
                .filter(receipt::Column::State.eq(ReceiptState::Posted))
                .select_only()
                .column(receipt::Column::Id);
            let rows: Vec<GoodsReceiptId> = rows.into_tuple().all(db).await?;
            stand.extend(rows);
        }
        for row in self.receipts.values_mut().filter(|row| !stand.contains(&row.receipt_id)) {
            row.accepted = 0;
        }
        Ok(())
    }

    /// The same, locked until the change is over.
    pub(super) async fn locked(work: &Work, lines: &[&line::Model]) -> Result<Self, Error> {
        Self::read(work.tx(), lines).await?.lock(work, lines).await
    }

    /// Locks what was read of these lines until the change is over: orders, their lines, lines of receipts, each by
    /// their ids. What was read before may have changed until then and is read again.
    pub(super) async fn lock(self, work: &Work, lines: &[&line::Model]) -> Result<Self, Error> {
        let orders: Vec<Uuid> = self.orders.keys().map(|id| id.0).collect();
        let ordered: Vec<Uuid> = self.lines.keys().map(|id| id.0).collect();
        let delivered: Vec<Uuid> = self.receipts.keys().map(|id| id.0).collect();
        guarded::lock(work.tx(), "purchase_order", &orders).await?;
        guarded::lock(work.tx(), "purchase_order_line", &ordered).await?;
        guarded::lock(work.tx(), "goods_receipt_line", &delivered).await?;
        Self::read(work.tx(), lines).await
    }

    /// The orders, by their ids.
    pub(super) fn orders(&self) -> Vec<PurchaseOrderId> {
        let ids: BTreeSet<PurchaseOrderId> = self.orders.keys().copied().collect();
        ids.into_iter().collect()
    }

    /// Those of them that an invoice is for: of somebody else's order nothing comes of it.
    pub(super) fn orders_of(&self, invoice: &invoice::Model) -> Vec<PurchaseOrderId> {
        let theirs =
            |order: &&order::Model| (order.buyer_id, order.supplier_id) == (invoice.buyer_id, invoice.supplier_id);
        let ids: BTreeSet<PurchaseOrderId> = self.orders.values().filter(theirs).map(|order| order.id).collect();
        ids.into_iter().collect()
    }

    /// The longest of their times to pay, in days.
    pub(super) fn payment_days(&self) -> Option<i32> {
        self.orders.values().map(|order| order.payment_days).max()
    }

    /// An amount of an invoice in fen, by the rates that were frozen into the orders: the most that one of them makes
    /// it; none when it is beyond what money can be.
    fn base(&self, minor: i64) -> Option<i64> {
        let all = self.orders.values().map(|order| order.base(minor));
        all.collect::<Option<Vec<i64>>>()?.into_iter().max()
    }

    /// The same as its supplier may try it: by how much more may be billed is the buyer's business.
    pub(super) fn without_tolerances(mut self) -> Self {
        for line in self.lines.values_mut() {
            line.tolerance = Tolerance::default();
        }
        self
    }

    /// An order.
    pub(super) fn order(&self, id: PurchaseOrderId) -> Option<&order::Model> {
        self.orders.get(&id)
    }

    /// A line of an order, and its order.
    pub(super) fn line(&self, id: PurchaseOrderLineId) -> Option<(&order::Model, &order::line::Model)> {
        let line = self.lines.get(&id)?;
        Some((self.orders.get(&line.order_id)?, line))
    }

    /// A line of a receipt.
    pub(super) fn receipt(&self, id: GoodsReceiptLineId) -> Option<&receipt::line::Model> {
        self.receipts.get(&id)
    }

    /// Whether one of the orders never went to its supplier.
    fn has_unsent(&self) -> bool {
        self.orders.values().any(|order| order.sent_at.is_none())
    }

    /// How an invoice fits. Its lines claim nothing now.
    pub(super) fn check(&self, header: &Header, lines: &[line::Model], debits: &Debits) -> MatchResult {
        let ordered: HashMap<PurchaseOrderLineId, Ordered> = self
            .lines
            .keys()
            .filter_map(|id| self.line(*id).map(|(order, line)| (*id, Ordered::of(order, line))))
            .collect();
        let delivered: HashMap<GoodsReceiptLineId, Delivered> =
            self.receipts.iter().map(|(id, row)| (*id, Delivered::of(row))).collect();
        let billed: Vec<Billed<'_>> = lines
            .iter()
            .map(|line| Billed {
                line,
                debited_minor: debits.of(line.id),
                order: line.order_line_id.and_then(|id| ordered.get(&id)),
                receipt: line.receipt_line_id.and_then(|id| delivered.get(&id)),
            })
            .collect();
        check(header, &billed)
    }
}

/// What debit notes took off an invoice.
#[derive(Clone, Debug, Default)]
pub(super) struct Debits {
    lines: HashMap<SupplierInvoiceLineId, i64>,
    /// Tax, in minor units.
    pub(super) tax_minor: i64,
    /// With tax.
    pub(super) total_minor: i64,
}

impl Debits {
    /// Of an invoice, cancelled ones left out.
    pub(super) async fn read(db: &impl ConnectionTrait, invoice: SupplierInvoiceId) -> Result<Self, Error> {
        let mut debits = Self::default();
        for note in debit_notes::live(db, invoice).await? {
            debits.add(&note);
        }
        Ok(debits)
    }

    /// With another note.
    pub(super) fn add(&mut self, note: &debit_note::Model) {
        self.tax_minor += note.tax_minor;
        self.total_minor += note.total_minor;
        for line in &note.lines.0 {
            *self.lines.entry(line.line_id).or_default() += line.amount_minor;
        }
    }

    /// What was taken off the amount of a line, in minor units.
    pub(super) fn of(&self, line: SupplierInvoiceLineId) -> i64 {
        self.lines.get(&line).copied().unwrap_or_default()
    }
}

/// What changes of lines of orders and of receipts.
#[derive(Default)]
struct Changes {
    /// What is billed, and what of that is beyond what may be.
    orders: BTreeMap<PurchaseOrderLineId, (i64, i64)>,
    receipts: BTreeMap<GoodsReceiptLineId, i64>,
}

impl Changes {
    fn add(&mut self, line: &line::Model, billed: i64, overridden: i64, noted: i64) {
        if let Some(id) = line.order_line_id {
            let (all, beyond) = self.orders.entry(id).or_default();
            *all += billed;
            *beyond += overridden;
        }
        if let Some(id) = line.receipt_line_id.filter(|_| noted != 0) {
            *self.receipts.entry(id).or_default() += noted;
        }
    }

    /// Changes them; the locks are held, so each of them changes.
    async fn write(self, work: &Work) -> Result<(), Error> {
        let rows: Vec<(Uuid, i64, i64)> = self
            .orders
            .into_iter()
            .filter(|(_, (billed, overridden))| *billed != 0 || *overridden != 0)
            .map(|(id, (billed, overridden))| (id.0, billed, overridden))
            .collect();
        if change_orders(work.tx(), &rows).await? != rows.len() as u64 {
            return Err(stale());
        }
        let noted: Vec<(GoodsReceiptLineId, i64)> = self.receipts.into_iter().filter(|(_, n)| *n != 0).collect();
        if !noted.is_empty() && receipts::bill_lines(work, &noted).await? != noted.len() as u64 {
            return Err(stale());
        }
        Ok(())
    }
}

/// One UPDATE over lines of orders: what is billed of them, and what of that is beyond what may be. Its guard is the
/// check of the table. Answers with how many changed.
async fn change_orders(tx: &impl ConnectionTrait, rows: &[(Uuid, i64, i64)]) -> Result<u64, Error> {
    let mut changed = 0;
    for part in rows.chunks(CHUNK) {
        let tuples: Vec<String> =
            (0..part.len()).map(|n| format!("(${}, ${}, ${})", 3 * n + 1, 3 * n + 2, 3 * n + 3)).collect();
        let values: Vec<Value> = part
            .iter()
            .flat_map(|(id, billed, beyond)| [Value::from(*id), Value::from(*billed), Value::from(*beyond)])
            .collect();
        let statement = format!(
            "UPDATE purchase_order_line SET billed = billed + v.column2, overridden = overridden + v.column3 \
             FROM (VALUES {}) AS v WHERE purchase_order_line.id = v.column1 \
             AND billed + v.column2 >= 0 AND overridden + v.column3 >= 0 \
             AND overridden + v.column3 <= billed + v.column2 \
             AND (billed + v.column2 - overridden - v.column3) * 1000000 <= accepted * (1000000 + over_bill_ppm)",
            tuples.join(", ")
        );
        let statement = Statement::from_sql_and_values(tx.get_database_backend(), statement, values);
        changed += tx.execute_raw(statement).await?.rows_affected();
    }
    Ok(changed)
}

/// Claims what an invoice is over, in its lines and in those of orders and receipts. What is beyond what may be billed
/// is noted as such: of what matched by itself nothing is. A receipt's line notes no more than was accepted of it.
async fn claim(work: &Work, held: &Held, lines: &mut [line::Model]) -> Result<(), Error> {
    let mut changes = Changes::default();
    for line in lines {
        let Some((_, ordered)) = line.order_line_id.and_then(|id| held.line(id)) else { continue };
        let quantity = line.left();
        let (billed, beyond) = changes.orders.get(&ordered.id).copied().unwrap_or_default();
        let within = ordered.billed + billed + quantity - ordered.overridden - beyond;
        let overridden = (within - billable(ordered.accepted, ordered.over_bill_ppm)).clamp(0, quantity);
        let noted = line.receipt_line_id.and_then(|id| {
            let row = held.receipts.get(&id)?;
            let room = row.accepted - row.billed - changes.receipts.get(&id).copied().unwrap_or_default();
            Some(room.clamp(0, quantity))
        });
        let noted = noted.unwrap_or_default();
        changes.add(line, quantity, overridden, noted);
        (line.claimed, line.overridden, line.noted) = (quantity, overridden, noted);
    }
    changes.write(work).await
}

/// Gives back of lines what they claim beyond what is left of them, in memory and in lines of orders and receipts. What
/// was beyond what may be billed goes first. The locks are held.
pub(super) async fn give_back(work: &Work, lines: &mut [line::Model], all: bool) -> Result<(), Error> {
    let mut changes = Changes::default();
    for line in lines {
        let keeps = if all { 0 } else { line.left() };
        let back = max(line.claimed - keeps, 0);
        let beyond = min(back, line.overridden);
        let noted = min(line.noted, line.claimed - back);
        changes.add(line, -back, -beyond, noted - line.noted);
        (line.claimed, line.overridden, line.noted) = (line.claimed - back, line.overridden - beyond, noted);
    }
    changes.write(work).await
}

/// Matches a new invoice before it is inserted, and claims for it what it is over.
pub(super) async fn first(
    work: &Work,
    held: &Held,
    invoice: &mut invoice::Model,
    lines: &mut [line::Model],
) -> Result<MatchResult, Error> {
    let result = held.check(&Header::of(invoice, 0), lines, &Debits::default());
    invoice.state = if result.passed { InvoiceState::Matched } else { InvoiceState::Exception };
    if result.passed {
        claim(work, held, lines).await?;
    }
    Ok(result)
}

/// Matches an invoice that is an exception anew; what it says may have become so meanwhile.
pub(super) async fn run(
    work: &Work,
    held: &Held,
    before: &invoice::Model,
    lines: &mut [line::Model],
    debits: &Debits,
    cause: MatchCause,
) -> Result<(invoice::Model, MatchResult), Error> {
    let result = held.check(&Header::of(before, debits.tax_minor), lines, debits);
    let step = if result.passed { InvoiceStep::Match } else { InvoiceStep::Fail };
    if result.passed {
        claim(work, held, lines).await?;
        lines_written(work, lines).await?;
    }
    let next = stepped(work, before, step, before.clone()).await?;
    noted(work, next.id, &result, result.passed, cause).await?;
    Ok((next, result))
}

/// Keeps how an invoice fitted.
pub(super) async fn noted(
    work: &Work,
    invoice: SupplierInvoiceId,
    result: &MatchResult,
    passed: bool,
    cause: MatchCause,
) -> Result<matching::Model, Error> {
    let row = matching::Model {
        id: InvoiceMatchId::new(work.now),
        invoice_id: invoice,
        passed,
        result: result.clone(),
        result_sha256: payables::hashed(result)?,
        cause,
        made_by: work.viewer().subject(),
        at: work.now,
    };
    matching::Entity::insert(row.clone().into_active_model()).exec_without_returning(work.tx()).await?;
    Ok(row)
}

/// Takes a step to `next`, or says why not: of two who step at the same time one does.
pub(super) async fn stepped(
    work: &Work,
    before: &invoice::Model,
    step: InvoiceStep,
    next: invoice::Model,
) -> Result<invoice::Model, Error> {
    let state = step.from(before.state).map_err(|refusal| refusal.at("id"))?;
    let mut next = invoice::Model { state, version: before.version + 1, updated_at: work.now, ..next };
    if !state.is_live() {
        (next.number_key, next.file_key) = (None, None);
    }
    let done = invoice::Entity::update_many()
        .set(next.clone().into_active_model().reset_all())
        .filter(invoice::Column::Id.eq(before.id))
        .filter(invoice::Column::State.eq(before.state))
        .filter(invoice::Column::Version.eq(before.version))
        .exec(work.tx())
        .await?;
    if done.rows_affected == 1 { Ok(next) } else { Err(stale()) }
}

/// Writes what lines claim, and what was taken off them.
pub(super) async fn lines_written(work: &Work, lines: &[line::Model]) -> Result<(), Error> {
    let tx = work.tx();
    for part in lines.chunks(CHUNK) {
        let tuple = |n: usize| {
            let places: Vec<String> = (1..=5).map(|m| format!("${}", 5 * n + m)).collect();
            format!("({})", places.join(", "))
        };
        let tuples: Vec<String> = (0..part.len()).map(tuple).collect();
        let values: Vec<Value> = part
            .iter()
            .flat_map(|line| {
                let (claimed, overridden, noted) = (line.claimed, line.overridden, line.noted);
                [Value::from(line.id.0), claimed.into(), overridden.into(), noted.into(), line.debited.into()]
            })
            .collect();
        let statement = format!(
            "UPDATE supplier_invoice_line SET claimed = v.column2, overridden = v.column3, noted = v.column4, \
             debited = v.column5 FROM (VALUES {}) AS v WHERE supplier_invoice_line.id = v.column1",
            tuples.join(", ")
        );
        let statement = Statement::from_sql_and_values(tx.get_database_backend(), statement, values);
        if tx.execute_raw(statement).await?.rows_affected() != part.len() as u64 {
            return Err(stale());
        }
    }
    Ok(())
}

/// The lines of an invoice, in their order.
pub(super) async fn lines_of(tx: &impl ConnectionTrait, id: SupplierInvoiceId) -> Result<Vec<line::Model>, Error> {
    let lines = line::Entity::find().filter(line::Column::InvoiceId.eq(id)).order_by_asc(line::Column::Position);
    Ok(lines.all(tx).await?)
}

/// An invoice of the organisation acted for, on this side, in the version that was read.
pub(super) async fn own(
    work: &Work,
    organisation: OrganisationId,
    side: Side,
    id: SupplierInvoiceId,
    expected: i32,
) -> Result<invoice::Model, Error> {
    let row = invoice::Entity::find_by_id(id).one(work.tx()).await?;
    let row = row.filter(|row| side.of(row.buyer_id, row.supplier_id) == organisation);
    let row = row.ok_or_else(|| not_found("id", encode(id).as_str()))?;
    fresh(row.version, expected)?;
    Ok(row)
}

/// An invoice of the organisation acted for on either side, in the version that was read; and on which side that is.
pub(super) async fn of_either(
    work: &Work,
    organisation: OrganisationId,
    id: SupplierInvoiceId,
    expected: i32,
) -> Result<(invoice::Model, Side), Error> {
    let row = invoice::Entity::find_by_id(id).one(work.tx()).await?;
    let side = match &row {
        Some(row) if row.supplier_id == organisation => Side::Supplier,
        _ => Side::Buyer,
    };
    Ok((own(work, organisation, side, id, expected).await?, side))
}

/// Both sides are told of an invoice, and its orders follow.
pub(super) async fn told(work: &mut Work, row: &invoice::Model, orders: &[PurchaseOrderId]) -> Result<(), Error> {
    for order in orders {
        orders::settle(work, *order).await?;
    }
    let node = encode(row.id);
    let (kind, buyer, supplier) = (EventKind::SupplierInvoiceChanged, row.buyer_id, row.supplier_id);
    tell_both(work, kind, buyer, supplier, node.as_str(), row.version).await
}

/// Matches an exception anew: goods may have been accepted since, or a tolerance may be another.
pub async fn again(app: &App, call: &Call, id: SupplierInvoiceId, expected: i32) -> Result<invoice::Model, Error> {
    let buyer = acting(call, Action::RecordInvoices)?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let before = own(&work, buyer, Side::Buyer, id, expected).await?;
    InvoiceStep::Match.from(before.state).map_err(|refusal| refusal.at("id"))?;
    let mut lines = lines_of(work.tx(), id).await?;
    let held = Held::locked(&work, &lines.iter().collect::<Vec<_>>()).await?;
    let debits = Debits::read(work.tx(), id).await?;
    let (next, _) = run(&work, &held, &before, &mut lines, &debits, MatchCause::Again).await?;
    let shown = json!({ "state": next.state });
    work.audit(Some(buyer), "rematchSupplierInvoice", encode(id).0, json!({ "state": before.state }), shown);
    told(&mut work, &next, &held.orders_of(&next)).await?;
    work.commit(next).await
}

/// Lets an exception through, with a reason: neither who recorded it nor who took the goods in does. What is beyond
/// what may be billed is claimed, too, and noted as such.
pub async fn override_match(
    app: &App,
    call: &Call,
    id: SupplierInvoiceId,
    expected: i32,
    reason: &str,
) -> Result<invoice::Model, Error> {
    let buyer = acting(call, Action::OverrideMatches)?;
    let reason = text::paragraph(reason, 500).map_err(|refusal| refusal.at("reason"))?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let before = own(&work, buyer, Side::Buyer, id, expected).await?;
    InvoiceStep::Match.from(before.state).map_err(|refusal| refusal.at("id"))?;
    let recorded = before.recorded_by == work.viewer().subject();
    let mut lines = lines_of(work.tx(), id).await?;
    let held = Held::locked(&work, &lines.iter().collect::<Vec<_>>()).await?;
    if recorded || took_in(&work, &held.orders()).await? {
        return Err(Refusal::new(ErrorCode::MakerChecker).at("id").into());
    }
    let debits = Debits::read(work.tx(), id).await?;
    let result = held.check(&Header::of(&before, debits.tax_minor), &lines, &debits);
    if held.has_unsent() || result.all().any(|issue| !issue.may_pass()) {
        return Err(mismatch(&result));
    }
    // Whoever could not order so much does not let so much be paid.
    let ordered: Vec<order::line::Model> = held.lines.values().cloned().collect();
    let base_minor = held.base(before.total_minor).unwrap_or(i64::MAX);
    approvals::of_level(&work, buyer, &ordered, base_minor).await?;
    claim(&work, &held, &mut lines).await?;
    lines_written(&work, &lines).await?;
    let next = invoice::Model {
        override_reason: Some(reason),
        overridden_by: Some(work.viewer().subject()),
        ..before.clone()
    };
    let next = stepped(&work, &before, InvoiceStep::Match, next).await?;
    noted(&work, id, &result, true, MatchCause::Overridden).await?;
    let beyond: i64 = lines.iter().map(|line| line.overridden).sum();
    let shown = json!({ "state": next.state, "reason": next.override_reason, "beyond": beyond });
    work.audit(Some(buyer), "overrideInvoiceMatch", encode(id).0, json!({ "state": before.state }), shown);
    told(&mut work, &next, &held.orders_of(&next)).await?;
    work.commit(next).await
}

/// Whether whoever acts took in goods of these orders.
pub(super) async fn took_in(work: &Work, orders: &[PurchaseOrderId]) -> Result<bool, Error> {
    match work.viewer().person() {
        Some(person) if !orders.is_empty() => receipts::touched_by(work.tx(), person, orders).await,
        _ => Ok(false),
    }
}

/// Whether whoever acts recorded an invoice that is for one of these lines, and still there.
pub(super) async fn recorded(work: &Work, lines: &[order::line::Model]) -> Result<bool, Error> {
    let Some(person) = work.viewer().person() else { return Ok(false) };
    let of = invoice::Entity::belongs_to(line::Entity).from(invoice::Column::Id).to(line::Column::InvoiceId).into();
    let found = invoice::Entity::find()
        .join(JoinType::InnerJoin, of)
        .filter(invoice::Column::RecorderId.eq(person))
        .filter(invoice::Column::State.is_not_in([InvoiceState::Rejected, InvoiceState::Superseded]))
        .filter(line::Column::OrderLineId.is_in(lines.iter().map(|line| line.id)))
        .limit(1);
    Ok(found.one(work.tx()).await?.is_some())
}

/// An invoice that does not fit: which lines, as people count them; `total`: it is the whole that does not.
pub(super) fn mismatch(result: &MatchResult) -> Error {
    let lines = Some(result.wrong_lines()).filter(|lines| !lines.is_empty()).unwrap_or_else(|| "total".to_owned());
    Refusal::new(ErrorCode::MatchException).with("lines", lines).at("id").into()
}

/// How an invoice fitted last: each was looked at when it was recorded.
pub(super) async fn latest(tx: &impl ConnectionTrait, invoice: SupplierInvoiceId) -> Result<matching::Model, Error> {
    let last = latest_of(tx, &[invoice]).await?.remove(&invoice);
    last.ok_or_else(|| Error::internal("an invoice that was never matched"))
}

/// How invoices fitted last; whoever sees an invoice sees it.
pub async fn latest_of(
    db: &impl ConnectionTrait,
    invoices: &[SupplierInvoiceId],
) -> Result<HashMap<SupplierInvoiceId, matching::Model>, Error> {
    let later = Alias::new("later");
    let column = |of: matching::Column| Expr::col((later.clone(), of));
    let looked_at_since = Query::select()
        .expr(Expr::value(1))
        .from_as(matching::Entity, later.clone())
        .and_where(column(matching::Column::InvoiceId).equals((matching::Entity, matching::Column::InvoiceId)))
        .and_where(column(matching::Column::Id).gt(Expr::col((matching::Entity, matching::Column::Id))))
        .take();
    let last = matching::Entity::find()
        .filter(matching::Column::InvoiceId.is_in(invoices.iter().copied()))
        .filter(Expr::exists(looked_at_since).not());
    Ok(last.all(db).await?.into_iter().map(|row| (row.invoice_id, row)).collect())
}

/// How an invoice fitted whenever it was looked at, first first; whoever sees the invoice sees it.
pub async fn list(
    db: &impl ConnectionTrait,
    invoice: SupplierInvoiceId,
    page: &PageArgs,
) -> Result<Page<matching::Model>, Error> {
    let list = matching::Entity::find().filter(matching::Column::InvoiceId.eq(invoice));
    page.by_id(db, list, matching::Column::Id, FIRST, Order::Asc).await
}

/// The cursor of a match in that list.
pub fn cursor(row: &matching::Model) -> Cursor {
    Cursor::of_id(FIRST, row.id)
}
