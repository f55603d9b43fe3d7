//! Inbound notices: goods are declared into a bonded warehouse, come through its gate, are counted, and are put into bins.
//!
//! ```text
//! declare ──> book: pre-increased (预增); verification list: declared (预核扣)
//!   receive ──> book: increased (实增); stock: from the supplier onto the dock; a gate pass for the vehicle
//!     the last of it ──> book: what is short is withdrawn (撤销预增); list: verified (已核扣)
//!   put away ──> stock: from the dock into the warehouse, where it can be sold; which bins is noted
//!   cancel, before anything came ──> book: all of it withdrawn; list: cancelled
//! ```
//!
//! Each arrow is one transaction: notice, account book, stock and paperwork move together or not at all. The notice's row is
//! changed first, by an UPDATE with its version in the WHERE: of two who count the same vehicle one does. Then the items of
//! the book, then the balances, as when an order is placed or leaves. More than was declared never comes: what is over is declared by a notice of
//! its own. Bins say where to look; how much is left is the balance of the warehouse.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use entities::{
    inventory::{
        BookEvent, CustomsStatus, InboundState, InboundStep, MoveReason, VerificationState, book, inbound,
        inbound::{line, put_away},
    },
    party::Viewer,
    values::{
        BookNumber, ErrorCode, Money, Refusal,
        id::{
            BondedItemId, InboundId, InboundLineId, OrganisationId, PutAwayId, StockLocationId, StockLotId, VariantId,
        },
    },
};
use platform::{
    app::{App, Call, Work},
    clock::business_day,
    db::{Dialect, dialect},
    error::{Error, not_found, stale, taken},
    graphql::encode,
    guarded::change_each,
    page::{Cursor, Page, PageArgs},
    vault,
};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, ConnectionTrait, EntityTrait, FromQueryResult, IntoActiveModel, Order,
    QueryFilter, QueryOrder, QuerySelect, Statement, Value, sea_query::LockType,
};
use serde_json::json;
use uuid::Uuid;

use super::{
    MAX_LINES, dock_of, few,
    goods::{Received, lots},
    moved, own, own_bonded,
    reads::whose,
    short_code, supplier_of, unseen,
};
use crate::{
    book as entries,
    gate::{self, NewPass, Of},
    ledger::{By, MOST, Moving, Place, in_line, of_lines},
    promises::holding::in_range,
};

const NEWEST: &str = "newest-inbound";

/// A line of what is declared.
#[derive(Clone, Debug)]
pub struct DeclaredLine {
    /// Of what.
    pub variant: VariantId,
    /// Which item of the account book it is; none: that of these goods with the lowest number.
    pub item: Option<BondedItemId>,
    /// How much, in the unit of the book.
    pub quantity: i64,
    /// The lot as it is printed on the goods; empty when they are not told apart.
    pub lot: String,
    /// When they were made.
    pub produced_on: Option<NaiveDate>,
    /// The first day on which they are too old.
    pub expires_on: Option<NaiveDate>,
    /// What all of it is declared to be worth.
    pub value: Money,
}

/// What is declared.
#[derive(Clone, Debug)]
pub struct NewInbound {
    /// Into which warehouse.
    pub location: StockLocationId,
    /// Number of what was filed with customs for it.
    pub document: String,
    /// What comes.
    pub lines: Vec<DeclaredLine>,
}

/// What was counted of a line.
#[derive(Clone, Copy, Debug)]
pub struct Counted {
    /// Of which line.
    pub line: InboundLineId,
    /// How much came.
    pub quantity: i64,
}

/// What came.
#[derive(Clone, Debug)]
pub struct Receipt {
    /// The plate of the vehicle; none: nothing came any more.
    pub vehicle: Option<String>,
    /// What was counted; of lines that are not named nothing came.
    pub lines: Vec<Counted>,
    /// Whether what is missing is still to come; else it is short.
    pub more_to_come: bool,
}

/// What was put into a bin.
#[derive(Clone, Debug)]
pub struct PutInto {
    /// Of which line.
    pub line: InboundLineId,
    /// Into which bin.
    pub bin: String,
    /// How much.
    pub quantity: i64,
}

/// The number of a notice.
fn own_number(work: &Work) -> Result<String, Error> {
    let day = business_day(work.now).format("%y%m%d");
    Ok(format!("RK{day}{}", vault::hex(&vault::random::<6>()?).to_uppercase()))
}

/// Sums by item of the account book; what is nothing is left out.
fn by_item<'a>(lines: impl Iterator<Item = (&'a line::Model, i64)>) -> BTreeMap<BondedItemId, i64> {
    let mut sums = BTreeMap::new();
    for (line, quantity) in lines.filter(|(_, quantity)| *quantity > 0) {
        *sums.entry(line.item_id).or_default() += quantity;
    }
    sums
}

async fn noted_in_book(
    work: &Work,
    event: BookEvent,
    sums: &BTreeMap<BondedItemId, i64>,
    number: &str,
) -> Result<(), Error> {
    let actor = work.viewer().subject();
    entries::inbound(work.tx(), By { actor: &actor, at: work.now }, event, sums, number).await
}

/// Declares what will come into a bonded warehouse; the account book expects it from here on.
pub async fn declare_inbound(app: &App, call: &Call, new: &NewInbound) -> Result<inbound::Model, Error> {
    let organisation = own(call)?;
    few(&new.lines)?;
    let document = super::document(&new.document)?;
    for (n, line) in new.lines.iter().enumerate() {
        in_range(line.quantity).map_err(|refusal| in_line(refusal.into(), n))?;
    }
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let place = own_bonded(work.tx(), organisation, new.location, "locationId").await?;
    let variants: Vec<VariantId> = new.lines.iter().map(|line| line.variant).collect();
    if let Some(n) = unseen(&work, &variants).await? {
        return Err(in_line(not_found("variantId", encode(variants[n]).as_str()), n));
    }
    let (items, book) = items_of(&work, organisation, (place.id, &place.code), &new.lines).await?;
    let received: Vec<Received> = new
        .lines
        .iter()
        .map(|line| Received {
            variant: line.variant,
            quantity: line.quantity,
            status: CustomsStatus::Bonded,
            lot: line.lot.clone(),
            produced_on: line.produced_on,
            expires_on: line.expires_on,
        })
        .collect();
    let lots = lots(&work, organisation, &received).await?;
    let row = inbound::Model {
        id: InboundId::new(work.now),
        number: own_number(&work)?,
        organisation_id: organisation,
        location_id: place.id,
        document,
        state: InboundState::Declared,
        version: 1,
        created_at: work.now,
        received_at: None,
        ended_at: None,
    };
    let written = inbound::Entity::insert(row.clone().into_active_model()).exec_without_returning(work.tx()).await;
    written.map_err(|e| taken(e, "inbound", &["organisation_id", "document"], "document", &row.document))?;
    let lines: Vec<line::Model> = new
        .lines
        .iter()
        .zip(items.into_iter().zip(lots))
        .zip(0_i32..)
        .map(|((line, (item, lot)), position)| line::Model {
            id: InboundLineId::new(work.now),
            inbound_id: row.id,
            position,
            item_id: item,
            variant_id: line.variant,
            lot_id: lot,
            quantity: line.quantity,
            received: 0,
            short: 0,
            put_away: 0,
            value_minor: line.value.minor,
            currency: line.value.currency,
        })
        .collect();
    let rows = lines.iter().cloned().map(IntoActiveModel::into_active_model);
    line::Entity::insert_many(rows).exec_without_returning(work.tx()).await?;
    let sums = by_item(lines.iter().map(|line| (line, line.quantity)));
    noted_in_book(&work, BookEvent::PreIncrease, &sums, &row.number).await?;
    let list = gate::declare_list(work.tx(), work.now, &book, Of::Inbound(row.id), &sums).await?;
    let shown = json!({ "number": row.number, "document": row.document, "location": place.code, "list": list.number,
        "lines": lines.len(), "quantity": lines.iter().map(|line| line.quantity).sum::<i64>() });
    work.audit(Some(organisation), "declareInbound", encode(row.id).0, serde_json::Value::Null, shown);
    work.commit(row).await
}

/// The items of the account book that lines are, and their book: a list is of one.
async fn items_of(
    work: &Work,
    owner: OrganisationId,
    (location, code): (StockLocationId, &str),
    lines: &[DeclaredLine],
) -> Result<(Vec<BondedItemId>, BookNumber), Error> {
    let variants: BTreeSet<VariantId> = lines.iter().map(|line| line.variant).collect();
    let known = book::Entity::find()
        .filter(book::Column::OwnerId.eq(owner))
        .filter(book::Column::LocationId.eq(location))
        .filter(book::Column::VariantId.is_in(variants))
        .order_by_asc(book::Column::Book)
        .order_by_asc(book::Column::Number)
        .all(work.tx())
        .await?;
    let (mut items, mut of): (Vec<BondedItemId>, Option<BookNumber>) = (Vec::with_capacity(lines.len()), None);
    for (n, line) in lines.iter().enumerate() {
        let own = |item: &&book::Model| item.variant_id == line.variant && line.item.is_none_or(|id| id == item.id);
        let Some(item) = known.iter().find(own) else {
            return Err(match line.item {
                Some(id) => in_line(not_found("itemId", encode(id).as_str()), n),
                None => in_line(Refusal::new(ErrorCode::NotFiled).with("location", code).into(), n),
            });
        };
        if *of.get_or_insert_with(|| item.book.clone()) != item.book {
            let refusal = Refusal::new(ErrorCode::InvalidValue).with("value", item.book.as_str());
            return Err(in_line(refusal.at("itemId").into(), n));
        }
        items.push(item.id);
    }
    let book = of.ok_or_else(|| Error::internal("a notice without lines"))?;
    Ok((items, book))
}

/// A notice of one's own, locked until the transaction ends.
async fn own_inbound(work: &Work, organisation: OrganisationId, id: InboundId) -> Result<inbound::Model, Error> {
    let mut found = inbound::Entity::find_by_id(id);
    if dialect(work.tx()) == Dialect::Postgres {
        // Not against whoever only refers to it.
        found = found.lock(LockType::NoKeyUpdate);
    }
    let row = found.one(work.tx()).await?.filter(|row| row.organisation_id == organisation);
    row.ok_or_else(|| not_found("id", encode(id).as_str()))
}

/// Writes what became of a notice that is locked.
async fn write(work: &Work, before: &inbound::Model, next: inbound::Model) -> Result<inbound::Model, Error> {
    let next = inbound::Model { version: before.version + 1, ..next };
    let done = inbound::Entity::update_many()
        .set(next.clone().into_active_model().reset_all())
        .filter(inbound::Column::Id.eq(before.id))
        .filter(inbound::Column::Version.eq(before.version))
        .exec(work.tx())
        .await?;
    if done.rows_affected == 1 { Ok(next) } else { Err(stale()) }
}

async fn lines_of(tx: &impl ConnectionTrait, id: InboundId) -> Result<Vec<line::Model>, Error> {
    let lines = line::Entity::find().filter(line::Column::InboundId.eq(id)).order_by_asc(line::Column::Position);
    Ok(lines.all(tx).await?)
}

fn named(all: &[line::Model], id: InboundLineId, n: usize) -> Result<&line::Model, Error> {
    let found = all.iter().find(|line| line.id == id);
    found.ok_or_else(|| in_line(not_found("lineId", encode(id).as_str()), n))
}

/// Adds to a column of lines; what must never be is in the WHERE.
async fn add(work: &Work, column: &str, guard: &str, amounts: &BTreeMap<InboundLineId, i64>) -> Result<(), Error> {
    let rows: Vec<(Uuid, i64)> = amounts.iter().map(|(id, n)| (id.0, *n)).collect();
    let set = format!("{column} = inbound_line.{column} + v.column2");
    let done = change_each(work.tx(), "inbound_line", &set, guard, &rows).await?;
    if done == rows.len() as u64 { Ok(()) } else { Err(Error::internal("a line changed under the lock of its notice")) }
}

const NOT_MORE_THAN_DECLARED: &str = "inbound_line.received + inbound_line.short + v.column2 <= inbound_line.quantity";

/// A move of what a line is of.
fn moving(
    row: &inbound::Model,
    line: &line::Model,
    (from, to): (StockLocationId, StockLocationId),
    quantity: i64,
    reason: MoveReason,
) -> Moving {
    Moving {
        from: Place {
            owner: row.organisation_id,
            variant: line.variant_id,
            location: from,
            lot: line.lot_id,
            status: CustomsStatus::Bonded,
        },
        to: (to, CustomsStatus::Bonded),
        quantity,
        reason,
        document: row.number.clone(),
        reverses: None,
    }
}

/// The book of a notice's list.
async fn book_of(work: &Work, lines: &[line::Model]) -> Result<BookNumber, Error> {
    let first = lines.first().map(|line| line.item_id);
    let item = match first {
        Some(id) => book::Entity::find_by_id(id).one(work.tx()).await?,
        None => None,
    };
    item.map(|item| item.book).ok_or_else(|| Error::internal("an item of the account book is gone"))
}

/// What was counted of each line, and nothing of it more than is missing.
fn counted(lines: &[line::Model], receipt: &Receipt) -> Result<BTreeMap<InboundLineId, i64>, Error> {
    let mut came = BTreeMap::new();
    for (n, one) in receipt.lines.iter().enumerate() {
        let line = named(lines, one.line, n)?;
        if !(0..=line.missing()).contains(&one.quantity) {
            // What is over was not declared, and is not the warehouse's to take in.
            let range = Refusal::new(ErrorCode::OutOfRange).with("min", "0").with("max", line.missing().to_string());
            return Err(in_line(range.at("quantity").into(), n));
        }
        if came.insert(one.line, one.quantity).is_some() {
            return Err(in_line(Refusal::new(ErrorCode::Duplicate).with("value", encode(one.line).0).into(), n));
        }
    }
    came.retain(|_, quantity| *quantity > 0);
    Ok(came)
}

/// Takes in what a vehicle brought. Of what it did not bring more comes, when that is said; else it is short, and the account
/// book expects it no more.
pub async fn receive_inbound(
    app: &App,
    call: &Call,
    id: InboundId,
    expected_version: i32,
    receipt: &Receipt,
) -> Result<inbound::Model, Error> {
    let organisation = own(call)?;
    if receipt.lines.len() > MAX_LINES {
        return Err(Refusal::new(ErrorCode::TooMany).with("max", MAX_LINES.to_string()).at("lines").into());
    }
    let vehicle = receipt.vehicle.as_deref().map(gate::vehicle).transpose()?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let row = own_inbound(&work, organisation, id).await?;
    InboundStep::ReceiveAll.from(row.state).map_err(|refusal| refusal.at("id"))?;
    if row.version != expected_version {
        return Err(stale());
    }
    let lines = lines_of(work.tx(), id).await?;
    let came = counted(&lines, receipt)?;
    let of = |line: &line::Model| came.get(&line.id).copied().unwrap_or_default();
    let (total, left) = (came.values().sum::<i64>(), lines.iter().map(line::Model::missing).sum::<i64>());
    if total == 0 && (receipt.more_to_come || row.state == InboundState::Declared) {
        // Nothing came: that is no receipt; a notice of which nothing will come is cancelled.
        return Err(Refusal::new(ErrorCode::Required).at("lines").into());
    }
    let last = !receipt.more_to_come || total == left;
    let short: BTreeMap<InboundLineId, i64> = lines
        .iter()
        .map(|line| (line.id, if last { line.missing() - of(line) } else { 0 }))
        .filter(|(_, short)| *short > 0)
        .collect();
    let on_dock = lines.iter().map(|line| line.on_dock() + of(line)).sum::<i64>();
    let mut next = row.clone();
    let step = if last { InboundStep::ReceiveAll } else { InboundStep::ReceiveSome };
    next.state = step.from(row.state).map_err(|refusal| refusal.at("id"))?;
    if last {
        next.received_at = Some(work.now);
        if on_dock == 0 {
            // What came before is in its bins, and nothing more came.
            next.state = InboundStep::PutAwayAll.from(next.state).map_err(|refusal| refusal.at("id"))?;
            next.ended_at = Some(work.now);
        }
    }
    let after = write(&work, &row, next).await?;
    add(&work, "received", NOT_MORE_THAN_DECLARED, &came).await?;
    add(&work, "short", NOT_MORE_THAN_DECLARED, &short).await?;
    let supplier = supplier_of(work.tx(), work.now, organisation).await?;
    let dock = dock_of(work.tx(), work.now, organisation).await?;
    let here: Vec<&line::Model> = lines.iter().filter(|line| of(line) > 0).collect();
    let moves: Vec<Moving> =
        here.iter().map(|line| moving(&row, line, (supplier, dock), of(line), MoveReason::Receipt)).collect();
    let places: Vec<usize> =
        here.iter().filter_map(|line| receipt.lines.iter().position(|c| c.line == line.id)).collect();
    let increased = by_item(lines.iter().map(|line| (line, of(line))));
    noted_in_book(&work, BookEvent::Increase, &increased, &row.number).await?;
    let withdrawn = by_item(lines.iter().map(|line| (line, short.get(&line.id).copied().unwrap_or_default())));
    noted_in_book(&work, BookEvent::Withdraw, &withdrawn, &row.number).await?;
    moved(&work, &moves).await.map_err(|error| of_lines(error, &places))?;
    let pass = if total > 0 {
        let vehicle = vehicle.ok_or_else(|| Refusal::new(ErrorCode::Required).at("vehicle"))?;
        let book = book_of(&work, &lines).await?;
        let new = NewPass {
            owner: organisation,
            location: row.location_id,
            book: &book,
            vehicle: &vehicle,
            inbound: Some(row.id),
        };
        Some(gate::declare_pass(work.tx(), work.now, new).await?.number)
    } else {
        None
    };
    if last {
        gate::end_list(work.tx(), work.now, Of::Inbound(row.id), VerificationState::Verified).await?;
    }
    let shown =
        json!({ "state": after.state, "gatePass": pass, "received": total, "short": short.values().sum::<i64>() });
    work.audit(Some(organisation), "receiveInbound", encode(row.id).0, json!({ "state": row.state }), shown);
    work.commit(after).await
}

/// What goes into which bins, checked against what lies on the dock; answers with how much of each line, and the bins by
/// their codes.
fn put(lines: &[line::Model], into: &[PutInto]) -> Result<(BTreeMap<InboundLineId, i64>, Vec<String>), Error> {
    let mut sums: BTreeMap<InboundLineId, i64> = BTreeMap::new();
    let mut bins = Vec::with_capacity(into.len());
    for (n, one) in into.iter().enumerate() {
        let line = named(lines, one.line, n)?;
        bins.push(short_code(&one.bin).map_err(|refusal| in_line(refusal.at("bin").into(), n))?);
        let sum = sums.entry(one.line).or_default();
        let left = line.on_dock() - *sum;
        if !(1..=left.min(MOST)).contains(&one.quantity) {
            let range = Refusal::new(ErrorCode::OutOfRange).with("min", "1").with("max", left.max(0).to_string());
            return Err(in_line(range.at("quantity").into(), n));
        }
        *sum += one.quantity;
    }
    Ok((sums, bins))
}

/// Puts what came into bins of the warehouse: from here on it can be sold.
pub async fn put_away(
    app: &App,
    call: &Call,
    id: InboundId,
    expected_version: i32,
    into: &[PutInto],
) -> Result<inbound::Model, Error> {
    let organisation = own(call)?;
    few(into)?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let row = own_inbound(&work, organisation, id).await?;
    InboundStep::PutAway.from(row.state).map_err(|refusal| refusal.at("id"))?;
    if row.version != expected_version {
        return Err(stale());
    }
    let lines = lines_of(work.tx(), id).await?;
    let (sums, bins) = put(&lines, into)?;
    let left = lines.iter().map(line::Model::on_dock).sum::<i64>() - sums.values().sum::<i64>();
    let mut next = row.clone();
    if left == 0 && row.state == InboundState::Received {
        next.state = InboundStep::PutAwayAll.from(row.state).map_err(|refusal| refusal.at("id"))?;
        next.ended_at = Some(work.now);
    }
    let after = write(&work, &row, next).await?;
    add(&work, "put_away", "inbound_line.put_away + v.column2 <= inbound_line.received", &sums).await?;
    let actor = work.viewer().subject();
    let rows = into.iter().zip(bins).filter_map(|(one, bin)| {
        let line = lines.iter().find(|line| line.id == one.line)?;
        let row = put_away::Model {
            id: PutAwayId::new(work.now),
            line_id: line.id,
            location_id: row.location_id,
            lot_id: line.lot_id,
            bin,
            quantity: one.quantity,
            actor: actor.clone(),
            at: work.now,
        };
        Some(row.into_active_model())
    });
    put_away::Entity::insert_many(rows).exec_without_returning(work.tx()).await?;
    let dock = dock_of(work.tx(), work.now, organisation).await?;
    let ends = (dock, row.location_id);
    let here = lines.iter().filter_map(|line| Some((line, *sums.get(&line.id)?)));
    let moves: Vec<Moving> =
        here.map(|(line, quantity)| moving(&row, line, ends, quantity, MoveReason::Transfer)).collect();
    moved(&work, &moves).await?;
    let shown = json!({ "state": after.state, "bins": into.len(), "quantity": sums.values().sum::<i64>() });
    work.audit(Some(organisation), "putAway", encode(row.id).0, json!({ "state": row.state }), shown);
    work.commit(after).await
}

/// Takes a notice back before anything came; the account book expects nothing of it any more.
pub async fn cancel_inbound(app: &App, call: &Call, id: InboundId) -> Result<inbound::Model, Error> {
    let organisation = own(call)?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let row = own_inbound(&work, organisation, id).await?;
    let state = InboundStep::Cancel.from(row.state).map_err(|refusal| refusal.at("id"))?;
    let after = write(&work, &row, inbound::Model { state, ended_at: Some(work.now), ..row.clone() }).await?;
    let lines = lines_of(work.tx(), id).await?;
    let short: BTreeMap<InboundLineId, i64> = lines.iter().map(|line| (line.id, line.missing())).collect();
    add(&work, "short", NOT_MORE_THAN_DECLARED, &short).await?;
    let withdrawn = by_item(lines.iter().map(|line| (line, line.missing())));
    noted_in_book(&work, BookEvent::Withdraw, &withdrawn, &row.number).await?;
    gate::end_list(work.tx(), work.now, Of::Inbound(row.id), VerificationState::Cancelled).await?;
    let before = json!({ "state": row.state });
    work.audit(Some(organisation), "cancelInbound", encode(row.id).0, before, json!({ "state": after.state }));
    work.commit(after).await
}

/// Which notices.
#[derive(Clone, Debug, Default)]
pub struct InboundFilter {
    /// Whose; none: of the organisation acted for.
    pub of: Option<OrganisationId>,
    /// Only into this warehouse.
    pub location: Option<StockLocationId>,
    /// Only in one of these states.
    pub states: Vec<InboundState>,
}

/// Notices of an organisation, newest first.
pub async fn list_inbounds(
    db: &impl ConnectionTrait,
    viewer: &Viewer,
    filter: &InboundFilter,
    page: &PageArgs,
) -> Result<Page<inbound::Model>, Error> {
    use inbound::Column as C;
    let only = Condition::all()
        .add_option(filter.location.map(|location| C::LocationId.eq(location)))
        .add_option((!filter.states.is_empty()).then(|| C::State.is_in(filter.states.iter().copied())));
    let list = inbound::Entity::find().filter(C::OrganisationId.eq(whose(viewer, filter.of)?)).filter(only);
    page.by_id(db, list, C::Id, NEWEST, Order::Desc).await
}

/// The cursor of a notice in that list.
pub fn inbound_cursor(row: &inbound::Model) -> Cursor {
    Cursor::of_id(NEWEST, row.id)
}

/// A notice; none when there is none or it may not be seen.
pub async fn find_inbound(
    db: &impl ConnectionTrait,
    viewer: &Viewer,
    id: InboundId,
) -> Result<Option<inbound::Model>, Error> {
    let row = inbound::Entity::find_by_id(id).one(db).await?;
    Ok(row.filter(|row| whose(viewer, Some(row.organisation_id)).is_ok()))
}

/// So much of a line went into a bin.
#[derive(Clone, Debug, PartialEq, Eq, FromQueryResult)]
pub struct OfLine {
    /// Of which line.
    pub line_id: InboundLineId,
    /// Into which bin.
    pub bin: String,
    /// How much.
    pub quantity: i64,
}

/// Something of a lot went into a bin.
#[derive(Clone, Debug, PartialEq, Eq, FromQueryResult)]
pub struct OfLot {
    /// In which warehouse.
    pub location_id: StockLocationId,
    /// Of which lot.
    pub lot_id: StockLotId,
    /// Into which bin.
    pub bin: String,
}

/// Most bins of a line, or of a lot, that are told of.
pub(crate) const MOST_BINS: usize = 20;

/// The newest bins that each line went into, by their names; one statement for any number of lines.
pub(crate) async fn bins_of_lines(db: &impl ConnectionTrait, lines: &[InboundLineId]) -> Result<Vec<OfLine>, Error> {
    let keys = lines.iter().map(|line| [line.0]).collect();
    in_bins(db, &["line_id"], keys).await
}

/// The newest bins of a warehouse that each lot went into, in the same way.
pub(crate) async fn bins_of_lots(
    db: &impl ConnectionTrait,
    lots: &[(StockLocationId, StockLotId)],
) -> Result<Vec<OfLot>, Error> {
    let keys = lots.iter().map(|(location, lot)| [location.0, lot.0]).collect();
    in_bins(db, &["location_id", "lot_id"], keys).await
}

/// The newest bins of each group; `keys` are what the columns `of` have in each.
async fn in_bins<R: FromQueryResult, const N: usize>(
    db: &impl ConnectionTrait,
    of: &[&str; N],
    keys: Vec<[Uuid; N]>,
) -> Result<Vec<R>, Error> {
    let (mut tuples, mut values): (Vec<String>, Vec<Value>) = (Vec::new(), Vec::new());
    for key in keys {
        let places: Vec<String> = (1..=N).map(|n| format!("${}", values.len() + n)).collect();
        tuples.push(format!("({})", places.join(", ")));
        values.extend(key.map(Value::from));
    }
    if tuples.is_empty() {
        return Ok(Vec::new());
    }
    let same: Vec<String> = (1..).zip(of).map(|(n, column): (usize, _)| format!("p.{column} = v.column{n}")).collect();
    let group: Vec<String> = of.iter().map(|column| format!("p.{column}")).collect();
    let (group, same, tuples) = (group.join(", "), same.join(" AND "), tuples.join(", "));
    let statement = format!(
        "SELECT * FROM (SELECT {group}, p.bin, CAST(SUM(p.quantity) AS BIGINT) AS quantity, \
         ROW_NUMBER() OVER (PARTITION BY {group} ORDER BY MAX(p.at) DESC, p.bin) AS place \
         FROM inbound_put_away p JOIN (VALUES {tuples}) AS v ON {same} GROUP BY {group}, p.bin) AS ranked \
         WHERE place <= {MOST_BINS} ORDER BY bin"
    );
    let statement = Statement::from_sql_and_values(db.get_database_backend(), statement, values);
    Ok(R::find_by_statement(statement).all(db).await?)
}
