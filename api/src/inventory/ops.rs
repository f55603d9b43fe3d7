//! What people do with stock: locations, receipts, transfers, taking back; and what they read of it.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use entities::{
    catalog::{product, variant},
    inventory::{CustomsStatus, LocationKind, MoveReason, balance, location, lot, stock_move},
    party::{Action, Resource, Viewer},
    values::{
        ErrorCode, Refusal,
        id::{OrganisationId, StockBalanceId, StockLocationId, StockLotId, StockMoveId, VariantId},
        refusal as text,
    },
};
use sea_orm::{
    ActiveEnum, ColumnTrait, Condition, ConnectionTrait, EntityTrait, IntoActiveModel, Iterable, JoinType, Order,
    QueryFilter, QuerySelect, Statement,
};
use serde_json::{Value, json};

use super::ledger::{self, By, Moving, Place, in_line};
use crate::{
    app::{App, Call, Work, allowed},
    platform::{
        error::{Error, not_found, taken},
        graphql::encode,
        page::{Cursor, Page, PageArgs},
    },
};

/// Names of the orders, for cursors.
const BY_CODE: &str = "location";
const BY_AGE: &str = "balance";
const NEWEST: &str = "newest-move";
/// Most lines of one receipt or transfer.
const MAX_LINES: usize = 500;
/// Codes of the locations that stand for the outside; every organisation has its own.
const SUPPLIER: &str = "SUPPLIER";

/// A new location.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the columns of the location")]
pub struct NewLocation {
    pub code: String,
    pub kind: LocationKind,
    pub name: String,
}

/// A line of a receipt.
#[derive(Clone, Debug)]
pub struct Received {
    /// Of what.
    pub variant: VariantId,
    /// How much.
    pub quantity: i64,
    /// Under which customs status.
    pub status: CustomsStatus,
    /// The lot as it is printed on the goods; empty when they are not told apart.
    pub lot: String,
    /// When they were made.
    pub produced_on: Option<NaiveDate>,
    /// The first day on which they are too old.
    pub expires_on: Option<NaiveDate>,
}

/// A line of a transfer.
#[derive(Clone, Copy, Debug)]
pub struct Transferred {
    /// From which balance.
    pub balance: StockBalanceId,
    /// To where.
    pub to: StockLocationId,
    /// How much.
    pub quantity: i64,
}

fn own(call: &Call) -> Result<OrganisationId, Error> {
    call.may(Action::KeepStock, Resource::OWN)?;
    call.viewer.organisation().ok_or(Error::Forbidden)
}

fn few<T>(lines: &[T]) -> Result<(), Error> {
    match lines.len() {
        0 => Err(Refusal::new(ErrorCode::Required).at("lines").into()),
        n if n > MAX_LINES => {
            Err(Refusal::new(ErrorCode::TooMany).with("max", MAX_LINES.to_string()).at("lines").into())
        }
        _ => Ok(()),
    }
}

/// Makes a location of the organisation acted for.
pub async fn create_location(app: &App, call: &Call, new: &NewLocation) -> Result<location::Model, Error> {
    let organisation = own(call)?;
    let code = text::line(&new.code, 40).map_err(|refusal| refusal.at("code"))?;
    let code = code.to_ascii_uppercase();
    if !code.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.')) {
        return Err(Refusal::new(ErrorCode::InvalidValue).with("value", code).at("code").into());
    }
    if new.kind.is_virtual() {
        // They come by themselves: there is one of each.
        let kind = async_graphql::Value::from(new.kind).to_string();
        return Err(Refusal::new(ErrorCode::InvalidValue).with("value", kind).at("kind").into());
    }
    let name = text::line(&new.name, 120).map_err(|refusal| refusal.at("name"))?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let row = place_for(&work, organisation, &code, new.kind, name);
    let written = location::Entity::insert(row.clone().into_active_model()).exec_without_returning(work.tx()).await;
    written.map_err(|e| taken(e, "stock_location", &["organisation_id", "code"], "code", &code))?;
    let shown = json!({ "code": row.code, "kind": row.kind, "name": row.name });
    work.audit(Some(organisation), "createStockLocation", encode(row.id).0, Value::Null, shown);
    work.commit(row).await
}

fn place_for(
    work: &Work,
    organisation: OrganisationId,
    code: &str,
    kind: LocationKind,
    name: String,
) -> location::Model {
    location::Model {
        id: StockLocationId::new(work.now),
        organisation_id: organisation,
        code: code.to_owned(),
        kind,
        name,
        version: 1,
        created_at: work.now,
    }
}

/// The location of an organisation that stands for whoever delivers to it.
async fn supplier_of(work: &Work, organisation: OrganisationId) -> Result<StockLocationId, Error> {
    let made = place_for(work, organisation, SUPPLIER, LocationKind::Supplier, "供应商 / supplier".into());
    let known = sea_orm::sea_query::OnConflict::columns([location::Column::OrganisationId, location::Column::Code])
        .do_nothing()
        .to_owned();
    let insert = location::Entity::insert(made.into_active_model()).on_conflict(known);
    insert.try_insert().exec_without_returning(work.tx()).await?;
    let row = location::Entity::find()
        .filter(location::Column::OrganisationId.eq(organisation))
        .filter(location::Column::Code.eq(SUPPLIER))
        .one(work.tx())
        .await?;
    row.map(|row| row.id).ok_or_else(|| Error::internal("a location is gone"))
}

async fn own_location(
    tx: &impl ConnectionTrait,
    organisation: OrganisationId,
    id: StockLocationId,
    field: &str,
) -> Result<location::Model, Error> {
    let row = location::Entity::find_by_id(id).one(tx).await?;
    let row = row.filter(|row| row.organisation_id == organisation && !row.kind.is_virtual());
    row.ok_or_else(|| not_found(field, encode(id).as_str()))
}

/// Takes goods in, into one location. A lot that is known keeps its dates; other dates under its code are refused.
pub async fn receive(
    app: &App,
    call: &Call,
    location: StockLocationId,
    document: &str,
    lines: &[Received],
) -> Result<Vec<stock_move::Model>, Error> {
    let organisation = own(call)?;
    few(lines)?;
    let document = text::line(document, 120).map_err(|refusal| refusal.at("document"))?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let to = own_location(work.tx(), organisation, location, "locationId").await?;
    let from = supplier_of(&work, organisation).await?;
    seen(&work, lines).await?;
    let lots = lots(&work, organisation, lines).await?;
    let moves: Vec<Moving> = lines
        .iter()
        .zip(lots)
        .map(|(line, lot)| Moving {
            from: Place { owner: organisation, variant: line.variant, location: from, lot, status: line.status },
            to: (to.id, line.status),
            quantity: line.quantity,
            reason: MoveReason::Receipt,
            document: document.clone(),
            reverses: None,
        })
        .collect();
    let rows = moved(&work, &moves).await?;
    let shown = json!({ "document": document, "lines": rows.len() });
    work.audit(Some(organisation), "receiveStock", encode(to.id).0, Value::Null, shown);
    work.commit(rows).await
}

/// Every variant must be one that the viewer may see.
async fn seen(work: &Work, lines: &[Received]) -> Result<(), Error> {
    let of =
        product::Entity::belongs_to(variant::Entity).from(product::Column::Id).to(variant::Column::ProductId).into();
    let known: Vec<VariantId> = product::Entity::visible_to(work.viewer())
        .join(JoinType::InnerJoin, of)
        .filter(variant::Column::Id.is_in(lines.iter().map(|line| line.variant)))
        .select_only()
        .column(variant::Column::Id)
        .into_tuple()
        .all(work.tx())
        .await?;
    match lines.iter().position(|line| !known.contains(&line.variant)) {
        None => Ok(()),
        Some(n) => Err(in_line(not_found("variantId", encode(lines[n].variant).as_str()), n)),
    }
}

async fn lots(work: &Work, owner: OrganisationId, lines: &[Received]) -> Result<Vec<StockLotId>, Error> {
    let find = lot::Entity::find()
        .filter(lot::Column::OwnerId.eq(owner))
        .filter(lot::Column::VariantId.is_in(lines.iter().map(|line| line.variant)));
    let known = find.all(work.tx()).await?;
    let mut by_code: BTreeMap<(VariantId, String), lot::Model> =
        known.into_iter().map(|row| ((row.variant_id, row.code.clone()), row)).collect();
    let mut ids = Vec::with_capacity(lines.len());
    let mut new = Vec::new();
    for (n, line) in lines.iter().enumerate() {
        // Goods that are not told apart have no code.
        let code = match line.lot.trim() {
            "" => String::new(),
            lot => text::line(lot, 40).map_err(|refusal| in_line(refusal.at("lot").into(), n))?,
        };
        if line.produced_on.zip(line.expires_on).is_some_and(|(made, end)| made >= end) {
            let refusal = Refusal::new(ErrorCode::InvalidValue).with("value", "expiresOn <= producedOn");
            return Err(in_line(refusal.at("expiresOn").into(), n));
        }
        let row = by_code.entry((line.variant, code.clone())).or_insert_with(|| {
            let row = lot::Model {
                id: StockLotId::new(work.now),
                owner_id: owner,
                variant_id: line.variant,
                code,
                produced_on: line.produced_on,
                expires_on: line.expires_on,
            };
            new.push(row.clone());
            row
        });
        let others = |said: Option<NaiveDate>, known: Option<NaiveDate>| said.is_some() && said != known;
        if others(line.produced_on, row.produced_on) || others(line.expires_on, row.expires_on) {
            let refusal = Refusal::new(ErrorCode::AlreadyTaken).with("value", row.code.clone());
            return Err(in_line(refusal.at("lot").into(), n));
        }
        ids.push(row.id);
    }
    if !new.is_empty() {
        let rows = new.into_iter().map(IntoActiveModel::into_active_model);
        let written = lot::Entity::insert_many(rows).exec_without_returning(work.tx()).await;
        written.map_err(|e| taken(e, "stock_lot", &["owner_id", "variant_id", "code"], "lines", "lot"))?;
    }
    Ok(ids)
}

async fn moved(work: &Work, moves: &[Moving]) -> Result<Vec<stock_move::Model>, Error> {
    let actor = work.viewer().subject();
    ledger::post(work.tx(), By { actor: &actor, at: work.now }, moves).await
}

/// Moves goods from one place of the house to another, under the same customs status.
pub async fn transfer(
    app: &App,
    call: &Call,
    document: &str,
    lines: &[Transferred],
) -> Result<Vec<stock_move::Model>, Error> {
    let organisation = own(call)?;
    few(lines)?;
    let document = text::line(document, 120).map_err(|refusal| refusal.at("document"))?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let ids = lines.iter().map(|line| line.balance);
    let balances = balance::Entity::find().filter(balance::Column::Id.is_in(ids)).all(work.tx()).await?;
    let mut moves = Vec::with_capacity(lines.len());
    for (n, line) in lines.iter().enumerate() {
        let from = balances.iter().find(|row| row.id == line.balance && row.owner_id == organisation && !row.outside);
        let from = from.ok_or_else(|| in_line(not_found("balanceId", encode(line.balance).as_str()), n))?;
        let to = own_location(work.tx(), organisation, line.to, "toId").await.map_err(|error| in_line(error, n))?;
        moves.push(Moving {
            from: Place::of(from),
            to: (to.id, from.status),
            quantity: line.quantity,
            reason: MoveReason::Transfer,
            document: document.clone(),
            reverses: None,
        });
    }
    let rows = moved(&work, &moves).await?;
    let shown = json!({ "document": document, "lines": rows.len() });
    let first = rows.first().map(|row| encode(row.id).0).unwrap_or_default();
    work.audit(Some(organisation), "transferStock", first, Value::Null, shown);
    work.commit(rows).await
}

/// Takes back a move that was wrong, once: the goods go back where they were, when they are still there.
pub async fn reverse(app: &App, call: &Call, id: StockMoveId, document: &str) -> Result<stock_move::Model, Error> {
    let organisation = own(call)?;
    let document = text::line(document, 120).map_err(|refusal| refusal.at("document"))?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let wrong = stock_move::Entity::find_by_id(id).one(work.tx()).await?;
    let wrong = wrong.filter(|row| row.owner_id == organisation);
    let wrong = wrong.ok_or_else(|| not_found("id", encode(id).as_str()))?;
    if wrong.reason == MoveReason::Reversal {
        let refusal = Refusal::new(ErrorCode::IllegalTransition).with("from", "REVERSAL").with("action", "REVERSE");
        return Err(refusal.at("id").into());
    }
    let back = Moving {
        from: Place {
            owner: wrong.owner_id,
            variant: wrong.variant_id,
            location: wrong.to_id,
            lot: wrong.lot_id,
            status: wrong.to_status,
        },
        to: (wrong.from_id, wrong.from_status),
        quantity: wrong.quantity,
        reason: MoveReason::Reversal,
        document,
        reverses: Some(wrong.id),
    };
    let rows = moved(&work, &[back]).await.map_err(|error| not_taken_back(error, id))?;
    let row = rows.into_iter().next().ok_or_else(|| Error::internal("a move was not made"))?;
    let shown = json!({ "reverses": encode(id), "document": row.document });
    work.audit(Some(organisation), "reverseStockMove", encode(row.id).0, Value::Null, shown);
    work.commit(row).await
}

/// A move is taken back once, as the unique index says; and what is refused of it is refused of the move.
fn not_taken_back(error: Error, id: StockMoveId) -> Error {
    match error {
        Error::Refused(refusals) => {
            let of_move = |refusal: Refusal| Refusal { field: vec!["id".into()], ..refusal };
            Error::Refused(refusals.into_iter().map(of_move).collect())
        }
        Error::Internal(cause) => match cause.downcast::<sea_orm::DbErr>() {
            Ok(cause) => taken(*cause, "stock_move", &["reverses_id"], "id", encode(id).as_str()),
            Err(cause) => Error::Internal(cause),
        },
        other => other,
    }
}

/// Whose stock a viewer reads: its own organisation's; who oversees the zone may name any.
fn whose(viewer: &Viewer, of: Option<OrganisationId>) -> Result<OrganisationId, Error> {
    let of = of.or(viewer.organisation()).ok_or(Error::Forbidden)?;
    allowed(viewer, Action::ReadStock, Resource::of(of))?;
    Ok(of)
}

/// The locations of an organisation, those that stand for the outside too, in the order of their making.
pub async fn list_locations(
    db: &impl ConnectionTrait,
    viewer: &Viewer,
    of: Option<OrganisationId>,
    page: &PageArgs,
) -> Result<Page<location::Model>, Error> {
    let list = location::Entity::find().filter(location::Column::OrganisationId.eq(whose(viewer, of)?));
    page.by_id(db, list, location::Column::Id, BY_CODE, Order::Asc).await
}

/// The cursor of a location in that list.
pub fn location_cursor(row: &location::Model) -> Cursor {
    Cursor::of_id(BY_CODE, row.id)
}

/// Which balances.
#[derive(Clone, Copy, Debug, Default)]
#[expect(missing_docs, reason = "described in the schema")]
pub struct Filter {
    pub of: Option<OrganisationId>,
    pub variant: Option<VariantId>,
    pub location: Option<StockLocationId>,
}

/// What lies in the house, or on the way between its places.
pub async fn list_stock(
    db: &impl ConnectionTrait,
    viewer: &Viewer,
    filter: Filter,
    page: &PageArgs,
) -> Result<Page<balance::Model>, Error> {
    let only = Condition::all()
        .add_option(filter.variant.map(|id| balance::Column::VariantId.eq(id)))
        .add_option(filter.location.map(|id| balance::Column::LocationId.eq(id)));
    let list = balance::Entity::find()
        .filter(balance::Column::OwnerId.eq(whose(viewer, filter.of)?))
        .filter(balance::Column::Outside.eq(false))
        .filter(only);
    page.by_id(db, list, balance::Column::Id, BY_AGE, Order::Asc).await
}

/// The cursor of a balance in that list.
pub fn balance_cursor(row: &balance::Model) -> Cursor {
    Cursor::of_id(BY_AGE, row.id)
}

/// A move, and how much of the variant the house had after it.
#[derive(Clone, Debug)]
pub struct Told {
    /// The move.
    pub row: stock_move::Model,
    /// On hand after it, over all places of the house.
    pub on_hand_after: i64,
}

/// Why so much of a variant is on hand: its moves, newest first, each with what there was after it.
pub async fn history(
    db: &impl ConnectionTrait,
    viewer: &Viewer,
    of: Option<OrganisationId>,
    variant: VariantId,
    page: &PageArgs,
) -> Result<Page<Told>, Error> {
    let owner = whose(viewer, of)?;
    let list = stock_move::Entity::find()
        .filter(stock_move::Column::OwnerId.eq(owner))
        .filter(stock_move::Column::VariantId.eq(variant));
    let page = page.by_id(db, list, stock_move::Column::Id, NEWEST, Order::Desc).await?;
    let Some(newest) = page.rows.first() else {
        return Ok(Page { rows: Vec::new(), has_next: page.has_next, has_previous: page.has_previous });
    };
    // What came into the house less what left it, up to the newest move of the page.
    let outside: Vec<String> =
        LocationKind::iter().filter(|kind| kind.is_virtual()).map(|kind| format!("'{}'", kind.to_value())).collect();
    let outside = outside.join(", ");
    let statement = format!(
        "SELECT CAST(COALESCE(SUM(CASE WHEN t.kind IN ({outside}) THEN 0 ELSE m.quantity END \
         - CASE WHEN f.kind IN ({outside}) THEN 0 ELSE m.quantity END), 0) AS BIGINT) AS n \
         FROM stock_move m JOIN stock_location f ON f.id = m.from_id JOIN stock_location t ON t.id = m.to_id \
         WHERE m.owner_id = $1 AND m.variant_id = $2 AND m.id <= $3"
    );
    let values = [owner.0.into(), variant.0.into(), newest.id.0.into()];
    let statement = Statement::from_sql_and_values(db.get_database_backend(), statement, values);
    let row = db.query_one_raw(statement).await?;
    let mut after = row.map(|row| row.try_get::<i64>("", "n")).transpose()?.unwrap_or_default();
    let ends = page.rows.iter().flat_map(|row| [row.from_id, row.to_id]);
    let locations = location::Entity::find().filter(location::Column::Id.is_in(ends)).all(db).await?;
    let inside = |id: StockLocationId| locations.iter().any(|row| row.id == id && !row.kind.is_virtual());
    let mut told = Vec::with_capacity(page.rows.len());
    for row in page.rows {
        let change =
            if inside(row.to_id) { row.quantity } else { 0 } - if inside(row.from_id) { row.quantity } else { 0 };
        told.push(Told { row, on_hand_after: after });
        after -= change;
    }
    Ok(Page { rows: told, has_next: page.has_next, has_previous: page.has_previous })
}

/// The cursor of a move in that list.
pub fn move_cursor(row: &Told) -> Cursor {
    Cursor::of_id(NEWEST, row.row.id)
}
