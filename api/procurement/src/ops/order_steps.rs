//! The steps of purchase orders: submitted, sent, agreed to, changed, closed short, given up.
//!
//! - a submission, and a change that makes an order dearer, asks for approval and takes from limits and agreements;
//!   both hold a lock on the buying organisation first, because what belongs together is counted together;
//! - what was sent is kept by its revision ([`snapshots`]); every change of it is another one, and of a dearer one the
//!   order keeps what was agreed until the change is sent: it may be withdrawn, or not be approved;
//! - what its supplier proposes changes nothing until the buyer agrees.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use entities::{
    party::Action,
    procurement::{
        OrderState, OrderStep, Side,
        order::{self, Agreed, Proposal, ProposedLine, line, needs_new_approval},
        status,
        terms::{MOST, People, Schedule},
        unit_price::UnitPrice,
    },
    values::{
        Currency, ErrorCode, Refusal,
        id::{PurchaseOrderId, PurchaseOrderLineId},
        refusal as text,
    },
};
use inventory::ledger::in_line;
use platform::{
    app::{App, Call, Work},
    clock::business_day,
    error::{Error, not_found},
    graphql::encode,
    guarded,
};
use serde_json::json;
use uuid::Uuid;

use super::{
    acting, agreements, approvals, fresh, limits,
    orders::{
        Edit, EditedLine, NewOrderLine, Ordered, edited, find_for, followed, locked, noted, restored, rewrite, shown,
        told, untied, write,
    },
    snapshots,
    suppliers::{self, Purpose},
};

/// An order that the organisation acted for may do this to, on its side, locked and in the version that was read. A
/// supplier acts on what it sees.
async fn own(work: &Work, side: Side, action: Action, id: PurchaseOrderId, expected: i32) -> Result<Ordered, Error> {
    find_for(work.tx(), work.viewer(), id, side, action, "id").await?;
    let (row, lines) = locked(work, id).await?;
    fresh(row.version, expected)?;
    let row = match side {
        Side::Buyer => row,
        Side::Supplier => row.for_supplier().map_err(Error::internal)?,
    };
    Ok((row, lines))
}

/// Those who submit or change orders of one buyer have their turns one after the other.
async fn in_turn(work: &Work, call: &Call) -> Result<(), Error> {
    let own = call.viewer.organisation().ok_or(Error::Forbidden)?;
    guarded::lock(work.tx(), "organisation", &[own.0]).await
}

/// Where a step leads from the state of an order.
fn leads(step: OrderStep, row: &order::Model) -> Result<OrderState, Error> {
    Ok(step.from(row.state).map_err(|refusal| refusal.at("id"))?)
}

/// Whether the buyer may order of the supplier; true when that gives a warning.
async fn admitted(work: &Work, row: &order::Model) -> Result<bool, Error> {
    let today = business_day(work.now);
    let admitted = suppliers::admitted(work.tx(), row.buyer_id, row.supplier_id, Purpose::Order, today).await;
    admitted.map_err(|error| error.of("id"))
}

/// Writes an order as it is submitted, with the steps that it needs, and takes what it comes to. Without a step it is
/// approved at once.
async fn submitted(
    app: &App,
    work: &Work,
    before: &order::Model,
    next: order::Model,
    lines: &[line::Model],
) -> Result<order::Model, Error> {
    let warned = admitted(work, before).await?;
    let requested_by = work.viewer().person();
    let next = order::Model { warned, requested_by, submitted_at: Some(work.now), ..next };
    let asked = approvals::asked(app, work, &next, lines).await?;
    let state = if asked.steps.is_empty() { OrderState::Approved } else { OrderState::PendingApproval };
    let next = order::Model { state, counted_minor: asked.counted_minor, ..next };
    let next = write(work, before, next).await?;
    approvals::open(work, &next, &asked.steps).await?;
    limits::hold(work, &next, lines).await?;
    Ok(next)
}

/// Asks for approval of an order.
pub async fn submit(app: &App, call: &Call, id: PurchaseOrderId, expected: i32) -> Result<order::Model, Error> {
    acting(call, Action::SourceGoods)?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    in_turn(&work, call).await?;
    let (before, lines) = own(&work, Side::Buyer, Action::SourceGoods, id, expected).await?;
    leads(OrderStep::Submit, &before)?;
    if let Some(agreement) = before.agreement_id {
        agreements::in_force(&work, agreement, before.buyer_id).await?;
    }
    let next = submitted(app, &work, &before, before.clone(), &lines).await?;
    let after = json!({ "state": next.state, "total": next.total_minor, "counted": next.counted_minor });
    noted(&mut work, "submitPurchaseOrder", &next, json!({ "state": before.state }), after);
    told(&mut work, &next).await?;
    work.commit(next).await
}

/// Sends an approved order to its supplier, who sees it from here on. What it says is kept; what was agreed before is
/// no more.
pub async fn send(app: &App, call: &Call, id: PurchaseOrderId, expected: i32) -> Result<order::Model, Error> {
    acting(call, Action::SourceGoods)?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let (before, lines) = own(&work, Side::Buyer, Action::SourceGoods, id, expected).await?;
    let sent = leads(OrderStep::Send, &before)?;
    let warned = admitted(&work, &before).await?;
    // What was amended while it was being delivered goes on.
    let state = if lines.iter().any(line::Model::touched) {
        OrderStep::Begin.from(sent).map_err(|refusal| refusal.at("id"))?
    } else {
        sent
    };
    let sent_at = before.sent_at.or(Some(work.now));
    let next = order::Model {
        state,
        warned,
        sent_at,
        acknowledged_at: None,
        proposal: None,
        agreed: None,
        editors: People::default(),
        ..before.clone()
    };
    let next = write(&work, &before, next).await?;
    let reason = before.agreed.as_ref().map_or("approved", |agreed| agreed.reason.as_str());
    snapshots::keep(&work, &next, &lines, reason).await?;
    let after = json!({ "state": next.state, "revision": next.revision });
    noted(&mut work, "sendPurchaseOrder", &next, json!({ "state": before.state }), after);
    // All of it may be here and billed by now.
    let next = followed(&mut work, next).await?;
    work.commit(next).await
}

/// The supplier agrees to what an order says.
pub async fn acknowledge(app: &App, call: &Call, id: PurchaseOrderId, expected: i32) -> Result<order::Model, Error> {
    acting(call, Action::QuoteGoods)?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let (before, _) = own(&work, Side::Supplier, Action::QuoteGoods, id, expected).await?;
    let state = leads(OrderStep::Acknowledge, &before)?;
    let next = order::Model { state, acknowledged_at: Some(work.now), ..before.clone() };
    let next = write(&work, &before, next).await?;
    let after = json!({ "state": next.state, "revision": next.revision });
    noted(&mut work, "acknowledgePurchaseOrder", &next, json!({ "state": before.state }), after);
    told(&mut work, &next).await?;
    work.commit(next).await
}

/// The supplier does not deliver. What the order held is given back.
pub async fn reject(
    app: &App,
    call: &Call,
    id: PurchaseOrderId,
    expected: i32,
    reason: &str,
) -> Result<order::Model, Error> {
    let how = (Side::Supplier, Action::QuoteGoods, OrderStep::Reject, "rejectPurchaseOrder");
    given_up(app, call, id, expected, reason, how).await
}

/// Gives an order up before anything of it came.
pub async fn cancel(
    app: &App,
    call: &Call,
    id: PurchaseOrderId,
    expected: i32,
    reason: &str,
) -> Result<order::Model, Error> {
    let how = (Side::Buyer, Action::SourceGoods, OrderStep::Cancel, "cancelPurchaseOrder");
    given_up(app, call, id, expected, reason, how).await
}

/// One of its sides gives an order up of which nothing came: by which right and step, and how that is called.
async fn given_up(
    app: &App,
    call: &Call,
    id: PurchaseOrderId,
    expected: i32,
    reason: &str,
    (side, action, step, name): (Side, Action, OrderStep, &'static str),
) -> Result<order::Model, Error> {
    acting(call, action)?;
    let reason = text::line(reason, 300).map_err(|refusal| refusal.at("reason"))?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let (before, lines) = own(&work, side, action, id, expected).await?;
    let state = leads(step, &before)?;
    untouched(&lines)?;
    let next = over(&mut work, name, &before, state, reason).await?;
    work.commit(next).await
}

/// Nothing may have been delivered or billed.
fn untouched(lines: &[line::Model]) -> Result<(), Error> {
    match lines.iter().filter(|line| line.touched()).count() {
        0 => Ok(()),
        n => Err(Refusal::new(ErrorCode::InUse).with("count", n.to_string()).at("id").into()),
    }
}

/// Ends an order of which nothing came: what it held is given back, and what was awarded may be ordered again.
async fn over(
    work: &mut Work,
    action: &'static str,
    before: &order::Model,
    state: OrderState,
    reason: String,
) -> Result<order::Model, Error> {
    let close_reason = Some(reason);
    let next = order::Model { state, close_reason, closed_at: Some(work.now), proposal: None, ..before.clone() };
    let next = write(work, before, next).await?;
    approvals::dropped(work, next.id).await?;
    limits::release(work, &next).await?;
    untied(work, next.id, None).await?;
    let after = json!({ "state": next.state, "reason": next.close_reason });
    noted(work, action, &next, json!({ "state": before.state }), after);
    told(work, &next).await?;
    Ok(next)
}

/// Gives up what is missing of an order, or of some of its lines; what came and is good is billed all the same. Its
/// share of limits and agreements is given back. It is another revision, which says what was given up.
pub async fn short_close(
    app: &App,
    call: &Call,
    id: PurchaseOrderId,
    expected: i32,
    named: Option<&[PurchaseOrderLineId]>,
    reason: &str,
) -> Result<order::Model, Error> {
    acting(call, Action::SourceGoods)?;
    let reason = text::line(reason, 300).map_err(|refusal| refusal.at("reason"))?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let (before, mut lines) = own(&work, Side::Buyer, Action::SourceGoods, id, expected).await?;
    let closed = leads(OrderStep::ShortClose, &before)?;
    for (n, line) in named.unwrap_or_default().iter().enumerate() {
        if !lines.iter().any(|row| row.id == *line) {
            return Err(not_found("lineIds", encode(*line).as_str()).at(n.to_string()));
        }
    }
    let mut given_up: Vec<(Uuid, i64)> = Vec::new();
    for row in lines.iter_mut().filter(|row| named.is_none_or(|named| named.contains(&row.id))) {
        let missing = status::missing(row);
        if missing > 0 {
            row.short_closed += missing;
            given_up.push((row.id.0, missing));
        }
    }
    let (set, guard) = ("short_closed = short_closed + v.column2", "short_closed + v.column2 <= quantity");
    let done = guarded::change_each(work.tx(), "purchase_order_line", set, guard, &given_up).await?;
    if done != given_up.len() as u64 {
        return Err(Error::internal("a line changed under its lock"));
    }
    let rest = lines.iter().any(|row| status::missing(row) > 0);
    let revision = before.revision + i32::from(!given_up.is_empty());
    let next = order::Model { revision, ..before.clone() };
    let next = if rest {
        next
    } else {
        order::Model { state: closed, close_reason: Some(reason.clone()), closed_at: Some(work.now), ..next }
    };
    let next = write(&work, &before, next).await?;
    if !given_up.is_empty() {
        snapshots::keep(&work, &next, &lines, &reason).await?;
    }
    limits::shrink(&work, &next, &lines).await?;
    let after = json!({ "state": next.state, "reason": reason, "lines": given_up.len() });
    noted(&mut work, "shortClosePurchaseOrder", &next, json!({ "state": before.state }), after);
    told(&mut work, &next).await?;
    work.commit(next).await
}

/// A line as its supplier would rather have it.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the fields of the proposal")]
pub struct Offered {
    pub line: PurchaseOrderLineId,
    pub quantity: Option<i64>,
    pub price: Option<(UnitPrice, Currency)>,
    pub needed_on: Option<NaiveDate>,
    pub schedule: Option<Schedule>,
}

/// What a supplier proposes, checked against the order.
fn proposed(row: &order::Model, lines: &[line::Model], offered: &[Offered]) -> Result<Vec<ProposedLine>, Error> {
    if offered.is_empty() {
        return Err(Refusal::new(ErrorCode::Required).at("lines").into());
    }
    let mut made: Vec<ProposedLine> = Vec::with_capacity(offered.len());
    for (n, one) in offered.iter().enumerate() {
        let refused = |refusal: Refusal, field: &str| in_line(refusal.at(field).into(), n);
        let named = || encode(one.line).0;
        let Some(line) = lines.iter().find(|line| line.id == one.line) else {
            return Err(refused(Refusal::new(ErrorCode::NotFound).with("value", named()), "lineId"));
        };
        if made.iter().any(|other| other.line == one.line) {
            return Err(refused(Refusal::new(ErrorCode::Duplicate).with("value", named()), "lineId"));
        }
        if one.quantity.is_some_and(|quantity| !(1..=MOST).contains(&quantity)) {
            let range = Refusal::new(ErrorCode::OutOfRange).with("min", "1").with("max", MOST.to_string());
            return Err(refused(range, "quantity"));
        }
        if let Some((_, other)) = one.price.filter(|(_, currency)| *currency != row.currency) {
            return Err(refused(Refusal::new(ErrorCode::InvalidCurrency).with("value", other.code()), "price"));
        }
        if let Some(schedule) = &one.schedule {
            let quantity = one.quantity.unwrap_or(line.quantity);
            schedule.checked(quantity).map_err(|refusal| refused(refusal, "schedule"))?;
        }
        made.push(ProposedLine {
            line: one.line,
            quantity: one.quantity,
            price: one.price.map(|(price, _)| price),
            needed_on: one.needed_on,
            schedule: one.schedule.clone(),
        });
    }
    Ok(made)
}

/// The supplier would rather deliver otherwise: nothing changes until the buyer agrees.
pub async fn propose_change(
    app: &App,
    call: &Call,
    id: PurchaseOrderId,
    expected: i32,
    offered: &[Offered],
    note: &str,
) -> Result<order::Model, Error> {
    acting(call, Action::QuoteGoods)?;
    let note = text::paragraph(note, 500).map_err(|refusal| refusal.at("note"))?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let (before, lines) = own(&work, Side::Supplier, Action::QuoteGoods, id, expected).await?;
    let state = leads(OrderStep::ProposeChange, &before)?;
    let lines = proposed(&before, &lines, offered)?;
    let proposal = Some(Proposal { lines, note, by: work.viewer().subject(), at: work.now });
    let next = write(&work, &before, order::Model { state, proposal, ..before.clone() }).await?;
    let after = json!({ "state": next.state, "proposal": next.proposal });
    noted(&mut work, "proposeOrderChange", &next, json!({ "state": before.state }), after);
    told(&mut work, &next).await?;
    work.commit(next).await
}

/// The edit of an order that its supplier's proposal comes to.
fn agreed(row: &order::Model, lines: &[line::Model], proposal: &Proposal) -> Edit {
    let line = |line: &line::Model| {
        let said = proposal.lines.iter().find(|one| one.line == line.id);
        let moved = said.is_some_and(|said| said.quantity.is_some() || said.needed_on.is_some());
        let schedule = match said.and_then(|said| said.schedule.clone()) {
            Some(schedule) => schedule,
            // One that does not hold any more is none.
            None if moved => Schedule::default(),
            None => line.schedule.clone(),
        };
        let new = NewOrderLine {
            variant: line.variant_id,
            category: line.category_id,
            description: line.description.clone(),
            unit: line.unit.clone(),
            quantity: said.and_then(|said| said.quantity).unwrap_or(line.quantity),
            price: said.and_then(|said| said.price).unwrap_or(line.price),
            tax_ppm: line.tax_ppm,
            needed_on: said.and_then(|said| said.needed_on).or(line.needed_on),
            schedule,
            agreement_line: line.agreement_line_id,
            award: line.award_id,
        };
        EditedLine { id: Some(line.id), line: new }
    };
    Edit {
        currency: row.currency,
        fx: row.fx.clone(),
        incoterm: row.incoterm,
        named_place: row.named_place.clone(),
        payment_days: row.payment_days,
        deliver_to: row.deliver_to_id,
        note: row.note.clone(),
        lines: lines.iter().map(line).collect(),
    }
}

/// Whether lines take more of something than they did, or something else: what nothing is ordered of any more must not.
fn more(before: &[line::Model], after: &[line::Model]) -> bool {
    let known: BTreeMap<PurchaseOrderLineId, &line::Model> = before.iter().map(|row| (row.id, row)).collect();
    after.iter().any(|row| {
        let was = known.get(&row.id);
        was.is_none_or(|was| row.quantity > was.quantity || row.variant_id != was.variant_id)
    })
}

/// Changes an order that was sent: another revision. What is dearer, or of another category, is approved anew, and
/// nothing is taken in meanwhile: the order keeps what was agreed until it is sent. Else its supplier is asked again,
/// or goes on when it is delivering already. `step`: the one that this is when it is not approved anew.
async fn changed(
    app: &App,
    work: &Work,
    (before, lines): (&order::Model, &[line::Model]),
    edit: &Edit,
    step: OrderStep,
    reason: &str,
) -> Result<order::Model, Error> {
    let up = leads(OrderStep::AmendUp, before)?;
    let (next, rows) = edited(work, before, lines, edit).await?;
    let next = order::Model { revision: before.revision + 1, proposal: None, ..next };
    if needs_new_approval((before, lines), (&next, &rows[..])) {
        let agreed = Agreed::of(reason, before, lines).map_err(Error::internal)?;
        let next = order::Model { state: up, agreed: Some(agreed), ..next };
        let next = submitted(app, work, before, next, &rows).await?;
        rewrite(work, &next, lines, &rows).await?;
        return Ok(next);
    }
    let warned = if more(lines, &rows) { admitted(work, before).await? } else { before.warned };
    let (state, acknowledged_at) = match before.state {
        OrderState::InProgress => (before.state, before.acknowledged_at),
        _ => (leads(step, before)?, None),
    };
    let next = order::Model { state, acknowledged_at, warned, editors: People::default(), ..next };
    let next = write(work, before, next).await?;
    rewrite(work, &next, lines, &rows).await?;
    snapshots::keep(work, &next, &rows, reason).await?;
    limits::hold(work, &next, &rows).await?;
    Ok(next)
}

/// The buyer changes an order that was sent.
pub async fn amend(
    app: &App,
    call: &Call,
    id: PurchaseOrderId,
    expected: i32,
    edit: &Edit,
    reason: &str,
) -> Result<order::Model, Error> {
    acting(call, Action::SourceGoods)?;
    let reason = text::line(reason, 300).map_err(|refusal| refusal.at("reason"))?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    in_turn(&work, call).await?;
    let (before, lines) = own(&work, Side::Buyer, Action::SourceGoods, id, expected).await?;
    let next = changed(app, &work, (&before, &lines[..]), edit, OrderStep::Amend, &reason).await?;
    let after = json!({ "order": shown(&next), "reason": reason });
    noted(&mut work, "amendPurchaseOrder", &next, json!({ "order": shown(&before) }), after);
    // Less may be all that was delivered already.
    let next = followed(&mut work, next).await?;
    work.commit(next).await
}

/// The buyer gives up a change of what was sent before that went to the supplier: the order is what was agreed last.
pub async fn withdraw_amendment(
    app: &App,
    call: &Call,
    id: PurchaseOrderId,
    expected: i32,
) -> Result<order::Model, Error> {
    acting(call, Action::SourceGoods)?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let (before, lines) = own(&work, Side::Buyer, Action::SourceGoods, id, expected).await?;
    let waits = matches!(before.state, OrderState::Draft | OrderState::PendingApproval | OrderState::Approved);
    let Some(agreed) = before.agreed.as_ref().filter(|_| waits) else {
        return Err(Refusal::illegal(before.state, "WITHDRAW").at("id").into());
    };
    let next = restored(&work, &before, &lines, agreed).await?;
    noted(&mut work, "withdrawOrderAmendment", &next, shown(&before), shown(&next));
    let next = followed(&mut work, next).await?;
    work.commit(next).await
}

/// The buyer decides about what its supplier proposes: agreed to, it is another revision of the order; else the order
/// is as it was, and its supplier is asked again unless it had agreed to that already.
pub async fn settle_change(
    app: &App,
    call: &Call,
    id: PurchaseOrderId,
    expected: i32,
    agree: bool,
    note: Option<&str>,
) -> Result<order::Model, Error> {
    acting(call, Action::SourceGoods)?;
    let said = text::given(note);
    let note = said.map(|note| text::line(note, 300)).transpose().map_err(|refusal| refusal.at("note"))?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    in_turn(&work, call).await?;
    let (before, lines) = own(&work, Side::Buyer, Action::SourceGoods, id, expected).await?;
    let state = leads(OrderStep::SettleChange, &before)?;
    let proposal = before.proposal.as_ref().ok_or_else(|| Error::internal("a change that nobody proposed"))?;
    let next = if agree {
        let edit = agreed(&before, &lines, proposal);
        changed(app, &work, (&before, &lines[..]), &edit, OrderStep::SettleChange, "as its supplier proposed").await?
    } else {
        let state = match before.acknowledged_at {
            Some(_) => OrderStep::Acknowledge.from(state).map_err(|refusal| refusal.at("id"))?,
            None => state,
        };
        write(&work, &before, order::Model { state, proposal: None, ..before.clone() }).await?
    };
    let after = json!({ "state": next.state, "agreed": agree, "note": note, "total": next.total_minor });
    noted(&mut work, "settleOrderChange", &next, shown(&before), after);
    told(&mut work, &next).await?;
    work.commit(next).await
}
