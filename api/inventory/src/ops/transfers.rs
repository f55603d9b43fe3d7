//! Transfers with a way between: asked for (the goods are held), approved by somebody else, shipped into transit,
//! received. What did not come stays on the way until the transfer is closed with a decision, so the books always add up.

use entities::{
    inventory::{
        CustomsStatus, LocationKind, MoveReason, ReservationKind, ReservationStep, TransferState, TransferStep,
        balance, transfer, transfer_line,
    },
    party::Viewer,
    values::{
        ErrorCode, Refusal,
        id::{OrganisationId, StockBalanceId, StockLocationId, StockTransferId, StockTransferLineId},
    },
};
use platform::{
    app::{App, Call, Work},
    error::{Error, not_found},
    graphql::encode,
    guarded::change_each,
    page::{Cursor, Page, PageArgs},
};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, Order, QueryFilter, QueryOrder,
};
use serde_json::{Value, json};

use super::{
    few, handled,
    keeping::{closed, is_limited, lawful},
    leaving::permit,
    moved, own, own_balances, own_location,
    reads::whose,
    standing,
};
use crate::{
    ledger::{By, Moving, Place, in_line, of_lines, takes},
    promises::{self, Purpose, whole::consume_to},
};

const NEWEST: &str = "newest-transfer";

/// A line of what is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Asked {
    /// From which balance.
    pub balance: StockBalanceId,
    /// How much.
    pub quantity: i64,
}

/// What came of a line.
#[derive(Clone, Copy, Debug)]
pub struct Came {
    /// Of which line.
    pub line: StockTransferLineId,
    /// How much.
    pub quantity: i64,
}

/// What is decided about what is missing of a line.
#[derive(Clone, Debug)]
pub struct Decided {
    /// Of which line.
    pub line: StockTransferLineId,
    /// How much came after all.
    pub found: i64,
    /// How much is lost.
    pub lost: i64,
    /// The permit of customs, when bonded goods are lost.
    pub permit: Option<String>,
}

/// What the goods of a transfer are held for.
fn hold_of(id: StockTransferId) -> String {
    format!("transfer:{id}")
}

/// An end of a transfer, at which a step is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// Where the goods come from.
    Source,
    /// Where they go.
    Destination,
    /// Either of them.
    Any,
}

/// Whether whoever asks may touch that end of a transfer; who works in showrooms touches the places of its own.
async fn touches(work: &Work, from: &[StockLocationId], to: StockLocationId, end: End) -> Result<bool, Error> {
    let ends: Vec<StockLocationId> = from.iter().copied().chain([to]).collect();
    let closed = closed(work.tx(), work.viewer(), &ends).await?;
    let (source, destination) = (!from.iter().any(|id| closed.contains(id)), !closed.contains(&to));
    Ok(match end {
        End::Source => source,
        End::Destination => destination,
        End::Any => source || destination,
    })
}

/// Asks for a transfer; the goods are held from here on.
pub async fn request_transfer(
    app: &App,
    call: &Call,
    to: StockLocationId,
    document: &str,
    lines: &[Asked],
) -> Result<transfer::Model, Error> {
    let organisation = handled(call)?;
    few(lines)?;
    let document = super::document(document)?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let to = own_location(work.tx(), organisation, to, "toId").await?;
    let ids: Vec<StockBalanceId> = lines.iter().map(|line| line.balance).collect();
    let balances = own_balances(work.tx(), organisation, &ids).await?;
    let from: Vec<StockLocationId> = balances.iter().map(|row| row.location_id).collect();
    if !touches(&work, &from, to.id, End::Any).await? {
        return Err(not_found("toId", encode(to.id).as_str()));
    }
    let ways: Vec<_> = from.iter().map(|from| (*from, to.id)).collect();
    lawful(work.tx(), &ways).await?;
    for (n, from) in balances.iter().enumerate() {
        takes(to.kind, from.status).map_err(|refusal| in_line(refusal.into(), n))?;
        if from.location_id == to.id {
            return Err(in_line(Refusal::new(ErrorCode::InvalidValue).with("value", "from = to").into(), n));
        }
    }
    let row = transfer::Model {
        id: StockTransferId::new(work.now),
        organisation_id: organisation,
        to_id: to.id,
        state: TransferState::Requested,
        document,
        requested_by: work.viewer().subject(),
        approved_by: None,
        version: 1,
        created_at: work.now,
        shipped_at: None,
        ended_at: None,
    };
    let held = hold_of(row.id);
    let wanted: Vec<(balance::Model, i64)> =
        balances.iter().cloned().zip(lines.iter().map(|line| line.quantity)).collect();
    // Decided, and not for a time: it is let go when the transfer is given up.
    let until = work.now + chrono::Duration::minutes(1);
    let purpose = Purpose { kind: ReservationKind::Transfer, document: &held, key: &held, until };
    promises::hold_these(work.tx(), work.now, &wanted, purpose).await?;
    promises::confirm_all(work.tx(), work.now, &held).await?;
    transfer::Entity::insert(row.clone().into_active_model()).exec_without_returning(work.tx()).await?;
    let rows = wanted.iter().zip(0_i32..).map(|((from, quantity), position)| {
        let line = transfer_line::Model {
            id: StockTransferLineId::new(work.now),
            transfer_id: row.id,
            position,
            balance_id: from.id,
            variant_id: from.variant_id,
            lot_id: from.lot_id,
            status: from.status,
            quantity: *quantity,
            received: 0,
            lost: 0,
        };
        line.into_active_model()
    });
    transfer_line::Entity::insert_many(rows).exec_without_returning(work.tx()).await?;
    let shown = json!({ "document": row.document, "to": to.code, "lines": lines.len() });
    work.audit(Some(organisation), "requestStockTransfer", encode(row.id).0, Value::Null, shown);
    work.commit(row).await
}

/// A transfer of which whoever asks may touch that end.
async fn own_transfer(
    work: &Work,
    organisation: OrganisationId,
    id: StockTransferId,
    end: End,
) -> Result<transfer::Model, Error> {
    let unknown = || not_found("id", encode(id).as_str());
    let row = transfer::Entity::find_by_id(id).one(work.tx()).await?;
    let row = row.filter(|row| row.organisation_id == organisation).ok_or_else(unknown)?;
    if is_limited(work.viewer()) {
        let lines = lines_of(work.tx(), id).await?;
        let ids = lines.iter().map(|line| line.balance_id);
        let balances = balance::Entity::find().filter(balance::Column::Id.is_in(ids));
        let from: Vec<StockLocationId> = balances.all(work.tx()).await?.iter().map(|row| row.location_id).collect();
        if !touches(work, &from, row.to_id, end).await? {
            return Err(unknown());
        }
    }
    Ok(row)
}

/// Takes a step, or says why not: of two who step at the same time one does.
async fn step(work: &Work, row: &transfer::Model, step: TransferStep) -> Result<transfer::Model, Error> {
    let (from, to) = step.leads();
    step.from(row.state).map_err(|refusal| refusal.at("id"))?;
    let mut next = transfer::Model { state: to, version: row.version + 1, ..row.clone() };
    match step {
        TransferStep::Approve => next.approved_by = Some(work.viewer().subject()),
        TransferStep::Ship => next.shipped_at = Some(work.now),
        TransferStep::Close | TransferStep::Cancel => next.ended_at = Some(work.now),
        TransferStep::ReceiveSome | TransferStep::ReceiveAll => {}
    }
    let done = transfer::Entity::update_many()
        .set(next.clone().into_active_model().reset_all())
        .filter(transfer::Column::Id.eq(row.id))
        .filter(transfer::Column::State.is_in(from.iter().copied()))
        .filter(transfer::Column::Version.eq(row.version))
        .exec(work.tx())
        .await?;
    if done.rows_affected == 1 {
        return Ok(next);
    }
    if let Some(now) = transfer::Entity::find_by_id(row.id).one(work.tx()).await? {
        step.from(now.state).map_err(|refusal| refusal.at("id"))?;
    }
    Err(Refusal::new(ErrorCode::StaleVersion).at("id").into())
}

fn noted(work: &mut Work, action: &'static str, before: &transfer::Model, after: &transfer::Model) {
    let (id, state) = (encode(after.id).0, json!({ "state": before.state }));
    work.audit(Some(after.organisation_id), action, id, state, json!({ "state": after.state }));
}

/// Agrees to a transfer: whoever keeps where the goods lie, and not who asked for it.
pub async fn approve_transfer(app: &App, call: &Call, id: StockTransferId) -> Result<transfer::Model, Error> {
    let organisation = own(call)?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let row = own_transfer(&work, organisation, id, End::Source).await?;
    TransferStep::Approve.from(row.state).map_err(|refusal| refusal.at("id"))?;
    if row.requested_by == work.viewer().subject() {
        return Err(Refusal::new(ErrorCode::MakerChecker).at("id").into());
    }
    let next = step(&work, &row, TransferStep::Approve).await?;
    noted(&mut work, "approveStockTransfer", &row, &next);
    work.commit(next).await
}

/// The goods go: from where they lie onto the way.
pub async fn ship_transfer(app: &App, call: &Call, id: StockTransferId) -> Result<transfer::Model, Error> {
    let organisation = handled(call)?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let row = own_transfer(&work, organisation, id, End::Source).await?;
    let next = step(&work, &row, TransferStep::Ship).await?;
    let way = standing(work.tx(), work.now, organisation, LocationKind::Transit).await?;
    let actor = work.viewer().subject();
    let by = By { actor: &actor, at: work.now };
    consume_to(work.tx(), by, &hold_of(id), way, MoveReason::Transfer).await?;
    noted(&mut work, "shipStockTransfer", &row, &next);
    work.commit(next).await
}

/// Gives a transfer up before it is shipped; the goods are not held any more.
pub async fn cancel_transfer(app: &App, call: &Call, id: StockTransferId) -> Result<transfer::Model, Error> {
    let organisation = own(call)?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let row = own_transfer(&work, organisation, id, End::Any).await?;
    let next = step(&work, &row, TransferStep::Cancel).await?;
    promises::let_go(work.tx(), work.now, &hold_of(id), ReservationStep::Release).await?;
    noted(&mut work, "cancelStockTransfer", &row, &next);
    work.commit(next).await
}

async fn lines_of(tx: &impl ConnectionTrait, id: StockTransferId) -> Result<Vec<transfer_line::Model>, Error> {
    let lines = transfer_line::Entity::find()
        .filter(transfer_line::Column::TransferId.eq(id))
        .order_by_asc(transfer_line::Column::Position);
    Ok(lines.all(tx).await?)
}

/// The lines that an input names, each once.
fn named(
    all: &[transfer_line::Model],
    ids: impl Iterator<Item = StockTransferLineId>,
) -> Result<Vec<&transfer_line::Model>, Error> {
    let mut found: Vec<&transfer_line::Model> = Vec::new();
    for (n, id) in ids.enumerate() {
        let line = all.iter().find(|line| line.id == id);
        let line = line.ok_or_else(|| in_line(not_found("lineId", encode(id).as_str()), n))?;
        if found.iter().any(|other| other.id == id) {
            return Err(in_line(Refusal::new(ErrorCode::Duplicate).with("value", encode(id).0).into(), n));
        }
        found.push(line);
    }
    Ok(found)
}

/// Takes in what came. No more comes than went: the guard is in the UPDATE.
pub async fn receive_transfer(
    app: &App,
    call: &Call,
    id: StockTransferId,
    came: &[Came],
) -> Result<transfer::Model, Error> {
    let organisation = handled(call)?;
    few(came)?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let row = own_transfer(&work, organisation, id, End::Destination).await?;
    let lines = lines_of(work.tx(), id).await?;
    let here = named(&lines, came.iter().map(|came| came.line))?;
    let mut left: i64 = lines.iter().map(transfer_line::Model::missing).sum();
    for (n, (came, line)) in came.iter().zip(&here).enumerate() {
        if !(1..=line.missing()).contains(&came.quantity) {
            let range = Refusal::new(ErrorCode::OutOfRange).with("min", "1").with("max", line.missing().to_string());
            return Err(in_line(range.at("quantity").into(), n));
        }
        left -= came.quantity;
    }
    let next = step(&work, &row, if left == 0 { TransferStep::ReceiveAll } else { TransferStep::ReceiveSome }).await?;
    let amounts: Vec<(uuid::Uuid, i64)> = came.iter().map(|came| (came.line.0, came.quantity)).collect();
    set(&work, "received", &amounts).await?;
    let way = standing(work.tx(), work.now, organisation, LocationKind::Transit).await?;
    let moves: Vec<Moving> = came
        .iter()
        .zip(&here)
        .map(|(came, line)| on(&row, line, way, row.to_id, came.quantity, MoveReason::Transfer, &row.document))
        .collect();
    moved(&work, &moves).await?;
    noted(&mut work, "receiveStockTransfer", &row, &next);
    work.commit(next).await
}

/// Adds to a column of lines.
async fn set(work: &Work, column: &str, amounts: &[(uuid::Uuid, i64)]) -> Result<(), Error> {
    let done = change_each(
        work.tx(),
        "stock_transfer_line",
        &format!("{column} = stock_transfer_line.{column} + v.column2"),
        "stock_transfer_line.received + stock_transfer_line.lost + v.column2 <= stock_transfer_line.quantity",
        amounts,
    )
    .await?;
    if done == amounts.len() as u64 { Ok(()) } else { Err(Refusal::new(ErrorCode::StaleVersion).at("id").into()) }
}

/// A move of goods that are on the way.
fn on(
    row: &transfer::Model,
    line: &transfer_line::Model,
    way: StockLocationId,
    to: StockLocationId,
    quantity: i64,
    reason: MoveReason,
    document: &str,
) -> Moving {
    Moving {
        from: Place {
            owner: row.organisation_id,
            variant: line.variant_id,
            location: way,
            lot: line.lot_id,
            status: line.status,
        },
        to: (to, line.status),
        quantity,
        reason,
        document: document.to_owned(),
        reverses: None,
    }
}

/// Closes a transfer. About everything that is missing it is decided whether it came after all or is lost; bonded goods
/// are lost with a permit of customs only.
pub async fn close_transfer(
    app: &App,
    call: &Call,
    id: StockTransferId,
    decided: &[Decided],
) -> Result<transfer::Model, Error> {
    let organisation = own(call)?;
    if !decided.is_empty() {
        few(decided)?;
    }
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let row = own_transfer(&work, organisation, id, End::Destination).await?;
    TransferStep::Close.from(row.state).map_err(|refusal| refusal.at("id"))?;
    let lines = lines_of(work.tx(), id).await?;
    let here = named(&lines, decided.iter().map(|one| one.line))?;
    if let Some(line) = lines.iter().find(|line| line.missing() > 0 && !here.iter().any(|one| one.id == line.id)) {
        let refusal = Refusal::new(ErrorCode::Required).with("value", encode(line.id).0).at("decisions");
        return Err(refusal.into());
    }
    let way = standing(work.tx(), work.now, organisation, LocationKind::Transit).await?;
    let loss = standing(work.tx(), work.now, organisation, LocationKind::Loss).await?;
    let (mut moves, mut of) = (Vec::new(), Vec::new());
    let (mut found, mut lost) = (Vec::new(), Vec::new());
    for (n, (one, line)) in decided.iter().zip(&here).enumerate() {
        if one.found < 0 || one.lost < 0 || one.found.checked_add(one.lost) != Some(line.missing()) {
            let range = Refusal::new(ErrorCode::OutOfRange).with("min", "0").with("max", line.missing().to_string());
            return Err(in_decisions(in_line(range.at("lost").into(), n)));
        }
        if one.found > 0 {
            moves.push(on(&row, line, way, row.to_id, one.found, MoveReason::Transfer, &row.document));
            found.push((line.id.0, one.found));
            of.push(n);
        }
        if one.lost > 0 {
            let document = match line.status {
                CustomsStatus::Bonded => {
                    permit(one.permit.as_deref()).map_err(|refusal| in_decisions(in_line(refusal.into(), n)))?
                }
                _ => row.document.clone(),
            };
            moves.push(on(&row, line, way, loss, one.lost, MoveReason::WriteOff, &document));
            lost.push((line.id.0, one.lost));
            of.push(n);
        }
    }
    let next = step(&work, &row, TransferStep::Close).await?;
    set(&work, "received", &found).await?;
    set(&work, "lost", &lost).await?;
    moved(&work, &moves).await.map_err(|error| in_decisions(of_lines(error, &of)))?;
    noted(&mut work, "closeStockTransfer", &row, &next);
    work.commit(next).await
}

/// The input calls its lines decisions.
fn in_decisions(error: Error) -> Error {
    let Error::Refused(refusals) = error else { return error };
    let renamed = |mut refusal: Refusal| {
        if let Some(first) = refusal.field.first_mut().filter(|first| *first == "lines") {
            "decisions".clone_into(first);
        }
        refusal
    };
    Error::Refused(refusals.into_iter().map(renamed).collect())
}

/// Transfers of an organisation, newest first.
pub async fn list_transfers(
    db: &impl ConnectionTrait,
    viewer: &Viewer,
    of: Option<OrganisationId>,
    page: &PageArgs,
) -> Result<Page<transfer::Model>, Error> {
    let list = transfer::Entity::find().filter(transfer::Column::OrganisationId.eq(whose(viewer, of)?));
    page.by_id(db, list, transfer::Column::Id, NEWEST, Order::Desc).await
}

/// The cursor of a transfer in that list.
pub fn transfer_cursor(row: &transfer::Model) -> Cursor {
    Cursor::of_id(NEWEST, row.id)
}

/// A transfer; none when there is none or it may not be seen.
pub async fn find_transfer(
    db: &impl ConnectionTrait,
    viewer: &Viewer,
    id: StockTransferId,
) -> Result<Option<transfer::Model>, Error> {
    let row = transfer::Entity::find_by_id(id).one(db).await?;
    Ok(row.filter(|row| whose(viewer, Some(row.organisation_id)).is_ok()))
}

/// The lines of a transfer, in their order.
pub async fn transfer_lines(
    db: &impl ConnectionTrait,
    id: StockTransferId,
    page: &PageArgs,
) -> Result<Page<transfer_line::Model>, Error> {
    let list = transfer_line::Entity::find().filter(transfer_line::Column::TransferId.eq(id));
    page.by_id(db, list, transfer_line::Column::Id, NEWEST, Order::Asc).await
}

/// The cursor of a line in that list.
pub fn transfer_line_cursor(row: &transfer_line::Model) -> Cursor {
    Cursor::of_id(NEWEST, row.id)
}
