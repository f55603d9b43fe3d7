//! Receipts: drawn up, posted, taken back by a document of their own. Posting changes the lines of the order under
//! their locks, and brings the goods to where their quality is looked at; what becomes of them there,
//! [`super::inspections`] says.
//!
//! Whoever changes a receipt locks its order first, so of one order's receipts one changes at a time.
//!
//! - here: drawing up, giving up and posting; [`reversal`]: taking back
//! - [`mod@held`]: what every change of a receipt stands on; [`reads`]: lists, and what others ask of receipts

pub mod held;
pub mod reads;
pub mod reversal;

use std::collections::BTreeMap;

use chrono::{Duration, NaiveDate};
use entities::{
    inventory::{CustomsStatus, location},
    party::Action,
    platform::EventKind,
    procurement::{
        OrderState, ReceiptKind, ReceiptState, Side, order,
        receipt::{self, LATEST_DAYS, ReceiptStep, line},
        terms::{MOST, WHOLE_PPM},
    },
    values::{
        ErrorCode, Refusal, Refusals,
        id::{
            GoodsReceiptId, GoodsReceiptLineId, OrganisationId, PurchaseOrderId, PurchaseOrderLineId, StockLocationId,
        },
        refusal::{self as text, Check},
    },
};
use inventory::{
    ledger::in_line,
    ops::bought::{self, Bought},
};
use platform::{
    app::{App, Call, Work},
    clock::business_day,
    error::{Error, not_found},
    graphql::encode,
    number::number,
};
use sea_orm::{ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, sea_query::OnConflict};
use serde_json::{Value, json};

use self::held::{Held, change_all, held, insert, told, written};
use super::{
    MAX_LINES, acting, fresh,
    inspections::{self, Finding, Noted},
    matching,
    orders::{self, Ordered},
};

pub use reads::{Filter, cursor, find, findings, inspection_cursor, line_cursor, lines, list, reversal_of};
pub(crate) use reads::{bill_lines, of_orders, touched_by};
pub use reversal::reverse;

/// By which letters the numbers of receipts begin.
const PREFIX: &str = "GRN";

/// What came.
#[derive(Clone, Debug)]
pub struct NewReceipt {
    /// Of which order.
    pub order: PurchaseOrderId,
    /// Where what is accepted goes; none: where the order says.
    pub location: Option<StockLocationId>,
    /// The number of the supplier's delivery note.
    pub delivery_note: String,
    /// The number of the waybill.
    pub waybill: Option<String>,
    /// On which business day it came; none: today.
    pub arrived_on: Option<NaiveDate>,
    /// What there is to say to it.
    pub note: Option<String>,
    /// What the device of whoever receives knows it by.
    pub client_ref: Option<String>,
    /// What came, line by line.
    pub lines: Vec<NewLine>,
}

/// What came of a line of the order.
#[derive(Clone, Debug)]
pub struct NewLine {
    /// Of which.
    pub of: PurchaseOrderLineId,
    /// How much.
    pub delivered: i64,
    /// The lot as it is printed on the goods.
    pub lot: Option<String>,
    /// When they were made.
    pub produced_on: Option<NaiveDate>,
    /// The first day on which they are too old.
    pub expires_on: Option<NaiveDate>,
    /// Under which customs status they came.
    pub status: CustomsStatus,
    /// What was found of them, when they were looked at.
    pub finding: Option<Finding>,
}

/// The texts of what came, as they are kept.
struct Said {
    delivery_note: String,
    waybill: Option<String>,
    arrived_on: NaiveDate,
    note: Option<String>,
    client_ref: Option<String>,
    lots: Vec<String>,
}

/// What came as it is kept, or all that is wrong with it. What depends on the order is looked at with it.
fn said(new: &NewReceipt, today: NaiveDate) -> Result<Said, Refusals> {
    let mut check = Check::default();
    check.0.extend(text::few(new.lines.len(), MAX_LINES).err());
    let delivery_note = check.take("deliveryNote", text::line(&new.delivery_note, 60)).unwrap_or_default();
    let mut optional = |field: &str, value: Option<&str>, max: usize| {
        let value = text::given(value)?;
        check.take(field, if field == "note" { text::paragraph(value, max) } else { text::line(value, max) })
    };
    let waybill = optional("waybill", new.waybill.as_deref(), 60);
    let note = optional("note", new.note.as_deref(), 500);
    let client_ref = optional("clientRef", new.client_ref.as_deref(), 80);
    let arrived_on = new.arrived_on.unwrap_or(today);
    let first = today - Duration::days(LATEST_DAYS);
    check.demand((first..=today).contains(&arrived_on), "arrivedOn", || {
        Refusal::new(ErrorCode::OutOfRange).with("min", first.to_string()).with("max", today.to_string())
    });
    let mut lots = Vec::with_capacity(new.lines.len());
    for (n, line) in new.lines.iter().enumerate() {
        match said_of(line) {
            Ok(lot) => lots.push(lot),
            Err(refusal) => check.0.push(refusal.at(n.to_string()).at("lines")),
        }
    }
    check.done(Said { delivery_note, waybill, arrived_on, note, client_ref, lots })
}

/// The lot of a line as it is kept.
fn said_of(line: &NewLine) -> Result<String, Refusal> {
    if !(1..=MOST).contains(&line.delivered) {
        let range = Refusal::new(ErrorCode::OutOfRange).with("min", "1").with("max", MOST.to_string());
        return Err(range.at("delivered"));
    }
    if line.produced_on.zip(line.expires_on).is_some_and(|(made, end)| made >= end) {
        return Err(Refusal::new(ErrorCode::InvalidValue).with("value", "expiresOn <= producedOn").at("expiresOn"));
    }
    // Goods that are not told apart have no code.
    match line.lot.as_deref().map_or("", str::trim) {
        "" => Ok(String::new()),
        lot => text::line(lot, 40).map_err(|refusal| refusal.at("lot")),
    }
}

/// Goods of an order come while it is under way.
fn takes_goods(order: &order::Model, field: &str) -> Result<(), Error> {
    if matches!(order.state, OrderState::Sent | OrderState::Acknowledged | OrderState::InProgress) {
        return Ok(());
    }
    Err(Refusal::illegal(order.state, "RECEIVE").at(field).into())
}

/// The receipt that the device sent before under the same reference. Another one under it is refused.
async fn sent_before(
    work: &Work,
    buyer: OrganisationId,
    new: &NewReceipt,
    said: &Said,
) -> Result<Option<receipt::Model>, Error> {
    let Some(known_as) = &said.client_ref else { return Ok(None) };
    let row = receipt::Entity::find()
        .filter(receipt::Column::BuyerId.eq(buyer))
        .filter(receipt::Column::ClientRef.eq(known_as.as_str()))
        .one(work.tx())
        .await?;
    let Some(row) = row else { return Ok(None) };
    let lines = line::Entity::find().filter(line::Column::ReceiptId.eq(row.id)).order_by_asc(line::Column::Position);
    let lines = lines.all(work.tx()).await?;
    let before = lines.iter().map(|line| (line.order_line_id, line.delivered, line.lot.as_str(), line.status));
    let now = new.lines.iter().zip(&said.lots).map(|(line, lot)| (line.of, line.delivered, lot.as_str(), line.status));
    if row.order_id == new.order && row.delivery_note == said.delivery_note && before.eq(now) {
        return Ok(Some(row));
    }
    Err(Refusal::new(ErrorCode::IdempotencyKeyReused).at("clientRef").into())
}

/// A receipt that is drawn up, and where its goods are to go.
type Drawn = (receipt::Model, Vec<line::Model>, location::Model);

/// Draws a receipt up; nothing is written yet.
async fn drawn(work: &Work, (order, ordered): &Ordered, new: &NewReceipt, said: Said) -> Result<Drawn, Error> {
    takes_goods(order, "orderId")?;
    // Nothing comes of an order before its supplier knows it.
    let sent = order.sent_at.map(business_day).filter(|sent| said.arrived_on < *sent);
    if let Some(sent) = sent {
        let range = Refusal::new(ErrorCode::OutOfRange).with("min", sent.to_string());
        return Err(range.with("max", business_day(work.now).to_string()).at("arrivedOn").into());
    }
    let place = new.location.or(order.deliver_to_id);
    let place = place.ok_or_else(|| Refusal::new(ErrorCode::Required).at("locationId"))?;
    let place = bought::place_for(work, order.buyer_id, place, "locationId").await?;
    let row = receipt::Model {
        id: GoodsReceiptId::new(work.now),
        number: number(PREFIX, work.now)?,
        kind: ReceiptKind::Receipt,
        state: ReceiptState::Draft,
        order_id: order.id,
        buyer_id: order.buyer_id,
        supplier_id: order.supplier_id,
        location_id: place.id,
        delivery_note: said.delivery_note,
        waybill: said.waybill,
        arrived_on: said.arrived_on,
        note: said.note,
        reverses_id: None,
        client_ref: said.client_ref,
        posted_by: None,
        poster_id: None,
        posted_at: None,
        created_by: work.viewer().subject(),
        version: 1,
        created_at: work.now,
    };
    let mut lines = Vec::with_capacity(new.lines.len());
    for ((n, one), lot) in new.lines.iter().enumerate().zip(said.lots) {
        if !ordered.iter().any(|of| of.id == one.of) {
            return Err(in_line(not_found("orderLineId", encode(one.of).as_str()), n));
        }
        lines.push(line::Model {
            id: GoodsReceiptLineId::new(work.now),
            receipt_id: row.id,
            order_line_id: one.of,
            position: i32::try_from(n).unwrap_or(i32::MAX),
            of_line_id: None,
            delivered: one.delivered,
            accepted: 0,
            rejected: 0,
            returned: 0,
            billed: 0,
            lot,
            produced_on: one.produced_on,
            expires_on: one.expires_on,
            status: one.status,
            lot_id: None,
            move_id: None,
        });
    }
    Ok((row, lines, place))
}

/// Brings in what may still come of what is ordered: the lines of the order count it, and the goods are in the house.
/// `findings`: what of it goes on at once.
async fn brought_in(
    work: &Work,
    row: &receipt::Model,
    lines: &mut [line::Model],
    ordered: &[order::line::Model],
    place: &location::Model,
    findings: &[Option<Finding>],
) -> Result<(), Error> {
    let mut came: BTreeMap<PurchaseOrderLineId, i64> = BTreeMap::new();
    let mut goods = Vec::new();
    for (n, line) in lines.iter().enumerate() {
        let unknown = || in_line(not_found("orderLineId", encode(line.order_line_id).as_str()), n);
        let of = ordered.iter().find(|of| of.id == line.order_line_id).ok_or_else(unknown)?;
        let sum = came.entry(of.id).or_default();
        receipt::over_receipt(of.wanted(), of.here() + *sum, line.delivered, of.over_receipt_ppm)
            .map_err(|refusal| in_line(refusal.at("delivered").into(), n))?;
        *sum += line.delivered;
        let Some(variant) = of.variant_id else { continue };
        bought::fits(place, line.status).map_err(|refusal| in_line(refusal.at("status").into(), n))?;
        goods.push(Bought {
            line: n,
            variant,
            quantity: line.delivered,
            status: line.status,
            lot: line.lot.clone(),
            produced_on: line.produced_on,
            expires_on: line.expires_on,
        });
    }
    let guard = format!(
        "(received - returned + v.column2) * {WHOLE_PPM} <= (quantity - short_closed) \
         * ({WHOLE_PPM} + over_receipt_ppm)"
    );
    let came = came.into_iter().map(|(id, quantity)| (id.0, quantity)).collect();
    change_all(work, "purchase_order_line", "received = received + v.column2", &guard, came).await?;
    let onward = findings.iter().flatten().any(|finding| finding.accepted > 0).then_some(place.id);
    let moves = bought::take_in(work, row.buyer_id, &row.number, onward, &goods).await?;
    for (one, moved) in goods.iter().zip(moves) {
        lines[one.line].lot_id = Some(moved.lot_id);
        lines[one.line].move_id = Some(moved.id);
    }
    Ok(())
}

/// The same receipt, posted now by whoever asks.
fn posted(work: &Work, row: &receipt::Model) -> receipt::Model {
    receipt::Model {
        state: ReceiptState::Posted,
        posted_by: Some(work.viewer().subject()),
        poster_id: work.viewer().person(),
        posted_at: Some(work.now),
        ..row.clone()
    }
}

/// What a posted receipt brings with it: what was found at once, the order under way, and who is told.
async fn followed(
    work: &mut Work,
    row: &receipt::Model,
    lines: &[line::Model],
    (order, ordered): &Ordered,
    findings: &[Option<Finding>],
) -> Result<(), Error> {
    let found = lines.iter().zip(findings).enumerate();
    let found = found.filter_map(|(n, (line, finding))| Some(Noted { n, line, finding: finding.as_ref()? }));
    let found: Vec<Noted<'_>> = found.collect();
    inspections::noted(work, row, ordered, &found).await?;
    if order.state != OrderState::InProgress {
        orders::begun(work, order).await?;
    }
    orders::settle(work, order.id).await?;
    let shown = json!({ "number": row.number, "order": order.number, "deliveryNote": row.delivery_note,
        "lines": lines.len(), "inspected": found.len() });
    work.audit(Some(row.buyer_id), "postGoodsReceipt", encode(row.id).0, Value::Null, shown);
    told(work, row).await
}

/// What is found of so much when nobody looked closer: all of it is good.
fn all_good(delivered: i64) -> Finding {
    Finding { accepted: delivered, ..Finding::default() }
}

/// Refused when whoever acts recorded an invoice of the order: one person does not say both what came and what is owed
/// for it.
pub(super) async fn not_billing(work: &Work, (_, lines): &Ordered, field: &str) -> Result<(), Error> {
    if matching::recorded(work, lines).await? {
        return Err(Refusal::new(ErrorCode::MakerChecker).at(field).into());
    }
    Ok(())
}

/// An order by which the organisation acted for bought, under its locks: of two that send the same receipt one writes
/// it, and the other is told what that one did.
async fn bought_by(work: &Work, order: PurchaseOrderId) -> Result<Ordered, Error> {
    let (tx, viewer) = (work.tx(), work.viewer());
    orders::find_for(tx, viewer, order, Side::Buyer, Action::ReceivePurchases, "orderId").await?;
    orders::locked(work, order).await
}

/// Draws a receipt up. It binds nobody, and moves nothing until it is posted.
pub async fn create(app: &App, call: &Call, new: &NewReceipt) -> Result<receipt::Model, Error> {
    let buyer = acting(call, Action::ReceivePurchases)?;
    if let Some(n) = new.lines.iter().position(|line| line.finding.is_some()) {
        // What was found is noted of what came, and a draft does not say yet that it came.
        let refusal = Refusal::new(ErrorCode::IllegalTransition).with("from", "DRAFT").with("action", "INSPECT");
        return Err(in_line(refusal.at("accepted").into(), n));
    }
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let said = said(new, business_day(work.now))?;
    let ordered = bought_by(&work, new.order).await?;
    if let Some(before) = sent_before(&work, buyer, new, &said).await? {
        return work.commit(before).await;
    }
    let (row, lines, _) = drawn(&work, &ordered, new, said).await?;
    insert(&work, &row, &lines).await?;
    let shown = json!({ "number": row.number, "order": ordered.0.number, "lines": lines.len() });
    work.audit(Some(buyer), "createGoodsReceipt", encode(row.id).0, Value::Null, shown);
    // A draft is the buyer's business alone.
    work.tell(buyer, EventKind::GoodsReceiptChanged, encode(row.id).0, row.version).await?;
    work.commit(row).await
}

/// Posts what came. `inspected`: what no finding is given of is good.
pub async fn post(app: &App, call: &Call, new: &NewReceipt, inspected: bool) -> Result<receipt::Model, Error> {
    let buyer = acting(call, Action::ReceivePurchases)?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let said = said(new, business_day(work.now))?;
    let ordered = bought_by(&work, new.order).await?;
    if let Some(before) = sent_before(&work, buyer, new, &said).await? {
        if before.state == ReceiptState::Draft {
            // Posted by its id: then it is known which draft is meant.
            let known_as = before.client_ref.unwrap_or_default();
            return Err(Refusal::new(ErrorCode::AlreadyTaken).with("value", known_as).at("clientRef").into());
        }
        return work.commit(before).await;
    }
    not_billing(&work, &ordered, "orderId").await?;
    let (row, mut lines, place) = drawn(&work, &ordered, new, said).await?;
    let found = |line: &NewLine| line.finding.clone().or_else(|| inspected.then(|| all_good(line.delivered)));
    let findings: Vec<Option<Finding>> = new.lines.iter().map(found).collect();
    brought_in(&work, &row, &mut lines, &ordered.1, &place, &findings).await?;
    let row = posted(&work, &row);
    insert(&work, &row, &lines).await?;
    followed(&mut work, &row, &lines, &ordered, &findings).await?;
    work.commit(row).await
}

/// Posts a draft. `inspected`: all of it is good.
pub async fn post_draft(
    app: &App,
    call: &Call,
    id: GoodsReceiptId,
    expected: i32,
    inspected: bool,
) -> Result<receipt::Model, Error> {
    let buyer = acting(call, Action::ReceivePurchases)?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let Held { row, mut lines, ordered } = held(&work, buyer, id).await?;
    ReceiptStep::Post.from(row.state).map_err(|refusal| refusal.at("id"))?;
    fresh(row.version, expected)?;
    takes_goods(&ordered.0, "id")?;
    not_billing(&work, &ordered, "id").await?;
    let place = bought::place_for(&work, buyer, row.location_id, "id").await?;
    let findings: Vec<Option<Finding>> = lines.iter().map(|line| inspected.then(|| all_good(line.delivered))).collect();
    brought_in(&work, &row, &mut lines, &ordered.1, &place, &findings).await?;
    let next = written(&work, &row, posted(&work, &row)).await?;
    let known =
        OnConflict::column(line::Column::Id).update_columns([line::Column::LotId, line::Column::MoveId]).to_owned();
    let rows = lines.iter().cloned().map(IntoActiveModel::into_active_model);
    line::Entity::insert_many(rows).on_conflict(known).exec_without_returning(work.tx()).await?;
    followed(&mut work, &next, &lines, &ordered, &findings).await?;
    work.commit(next).await
}

/// Gives a draft up: nothing of it counts, and the device that sent it may send it anew.
pub async fn discard(app: &App, call: &Call, id: GoodsReceiptId, expected: i32) -> Result<receipt::Model, Error> {
    let buyer = acting(call, Action::ReceivePurchases)?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let Held { row, .. } = held(&work, buyer, id).await?;
    let to = ReceiptStep::Discard.from(row.state).map_err(|refusal| refusal.at("id"))?;
    fresh(row.version, expected)?;
    let next = written(&work, &row, receipt::Model { state: to, client_ref: None, ..row.clone() }).await?;
    let shown = json!({ "state": next.state });
    work.audit(Some(buyer), "discardGoodsReceipt", encode(id).0, json!({ "state": row.state }), shown);
    // It was the buyer's business alone.
    work.tell(buyer, EventKind::GoodsReceiptChanged, encode(id).0, next.version).await?;
    work.commit(next).await
}
