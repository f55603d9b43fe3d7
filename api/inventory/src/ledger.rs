//! The ledger of stock: every move is written once and changes two balances in the same transaction.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};
use entities::{
    inventory::{CustomsStatus, LocationKind, MoveReason, balance, location, stock_move},
    values::{
        ErrorCode, Refusal,
        id::{OrganisationId, StockBalanceId, StockLocationId, StockLotId, StockMoveId, VariantId},
    },
};
use platform::{
    db::{Dialect, dialect},
    error::Error,
    guarded::change_each,
};
use sea_orm::{
    ActiveEnum, ColumnTrait, ConnectionTrait, EntityTrait, ExprTrait, IntoActiveModel, QueryFilter, Statement,
    sea_query::{Expr, OnConflict, Value},
};
use uuid::Uuid;

use super::units;

/// Most pieces of one move. Twice that is what an `Int` of the schema can show, and what no balance may pass.
pub const MOST: i64 = 1_000_000_000;

/// Where a balance is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the columns of the balance")]
pub struct Place {
    pub owner: OrganisationId,
    pub variant: VariantId,
    pub location: StockLocationId,
    pub lot: StockLotId,
    pub status: CustomsStatus,
}

impl Place {
    /// The place of a balance.
    pub fn of(row: &balance::Model) -> Self {
        Self {
            owner: row.owner_id,
            variant: row.variant_id,
            location: row.location_id,
            lot: row.lot_id,
            status: row.status,
        }
    }
}

/// A move that is to be made.
#[derive(Clone, Debug)]
pub struct Moving {
    /// From where.
    pub from: Place,
    /// To where, and under which customs status; the rest is that of `from`.
    pub to: (StockLocationId, CustomsStatus),
    /// How much.
    pub quantity: i64,
    /// Why.
    pub reason: MoveReason,
    /// The document that says so.
    pub document: String,
    /// The move that this one takes back.
    pub reverses: Option<StockMoveId>,
}

/// Who moves, and when.
#[derive(Clone, Copy, Debug)]
pub struct By<'a> {
    /// As the audit names it.
    pub actor: &'a str,
    /// The moment of the change.
    pub at: DateTime<Utc>,
}

/// The refusal of a line of an input.
pub fn in_line(error: Error, n: usize) -> Error {
    error.at(n.to_string()).at("lines")
}

/// The same with the lines told by other numbers: `of[n]` is the line of the input that the move `n` is of.
pub(super) fn of_lines(error: Error, of: &[usize]) -> Error {
    let Error::Refused(refusals) = error else { return error };
    let renamed = |mut refusal: Refusal| {
        let place = refusal.field.get(1).and_then(|n| n.parse::<usize>().ok());
        if let Some(line) = place.and_then(|n| of.get(n)) {
            refusal.field[1] = line.to_string();
        }
        refusal
    };
    Error::Refused(refusals.into_iter().map(renamed).collect())
}

/// Makes moves: all of them or, when one is refused, none. What is refused names its line. However many there are, it
/// takes the same number of statements.
pub async fn post(tx: &impl ConnectionTrait, by: By<'_>, moves: &[Moving]) -> Result<Vec<stock_move::Model>, Error> {
    if moves.is_empty() {
        return Ok(Vec::new());
    }
    let ids = moves.iter().flat_map(|one| [one.from.location, one.to.0]);
    let locations = location::Entity::find().filter(location::Column::Id.is_in(ids)).all(tx).await?;
    let kinds: HashMap<StockLocationId, LocationKind> = locations.iter().map(|row| (row.id, row.kind)).collect();
    let rows = rows(by, moves, &kinds)?;
    // First, because a move that is taken back twice is refused here.
    let written = rows.iter().cloned().map(IntoActiveModel::into_active_model);
    stock_move::Entity::insert_many(written).exec_without_returning(tx).await?;

    let mut changes: BTreeMap<Place, Change> = BTreeMap::new();
    for (n, one) in moves.iter().enumerate() {
        let to = Place { location: one.to.0, status: one.to.1, ..one.from };
        for (place, pieces) in [(one.from, -one.quantity), (to, one.quantity)] {
            let change = changes.entry(place).or_insert(Change { pieces: 0, line: n });
            change.pieces += pieces;
        }
    }
    changes.retain(|_, change| change.pieces != 0);
    let outside = |place: &Place| kinds.get(&place.location).is_some_and(|kind| kind.is_virtual());
    let mut there = locked(tx, changes.keys().copied()).await?;
    let short = |row: &&balance::Model| {
        !row.outside && changes.get(&Place::of(row)).is_some_and(|change| row.available() + change.pieces < 0)
    };
    let short: Vec<StockBalanceId> = there.values().filter(short).map(|row| row.id).collect();
    if units::reclaim(tx, &short).await? {
        // Pieces of a pool that nobody has were in it.
        there = locked(tx, changes.keys().copied()).await?;
    }
    let (mut takes, mut adds) = (Vec::new(), Vec::new());
    for (place, change) in &changes {
        let row = there.get(place);
        let refused = |refusal: Refusal| in_line(refusal.at("quantity").into(), change.line);
        if change.pieces < 0 && !outside(place) {
            // Nobody else can change the row any more, so what it says is so.
            let row = row.filter(|row| row.available() >= -change.pieces).ok_or_else(|| {
                let available = row.map_or(0, |row| Ord::max(row.available(), 0));
                refused(Refusal::new(ErrorCode::OutOfStock).with("available", available.to_string()))
            })?;
            takes.push((row.id, change.pieces));
            continue;
        }
        let after = row.map_or(0, |row| row.on_hand) + change.pieces;
        if after.abs() > balance::MOST {
            let range = Refusal::new(ErrorCode::OutOfRange).with("min", "1").with("max", MOST.to_string());
            return Err(refused(range));
        }
        adds.push((*place, change.pieces, outside(place)));
    }
    take(tx, &takes).await?;
    add(tx, by.at, &adds).await?;
    Ok(rows)
}

/// How much a balance changes, and by which line first.
struct Change {
    pieces: i64,
    line: usize,
}

/// The moves as they are written; refused when one cannot be.
fn rows(
    by: By<'_>,
    moves: &[Moving],
    kinds: &HashMap<StockLocationId, LocationKind>,
) -> Result<Vec<stock_move::Model>, Error> {
    let kind = |id: StockLocationId| kinds.get(&id).copied().ok_or_else(|| Error::internal("a location is gone"));
    let mut rows = Vec::with_capacity(moves.len());
    for (n, one) in moves.iter().enumerate() {
        let to = Place { location: one.to.0, status: one.to.1, ..one.from };
        let refused = |refusal: Refusal| in_line(refusal.into(), n);
        if !(1..=MOST).contains(&one.quantity) {
            let range = Refusal::new(ErrorCode::OutOfRange).with("min", "1").with("max", MOST.to_string());
            return Err(refused(range.at("quantity")));
        }
        kind(one.from.location)?;
        // What lies in the wrong place may be taken from there.
        takes(kind(to.location)?, to.status).map_err(refused)?;
        if to == one.from {
            return Err(refused(Refusal::new(ErrorCode::InvalidValue).with("value", "from = to")));
        }
        rows.push(stock_move::Model {
            id: StockMoveId::new(by.at),
            variant_id: one.from.variant,
            owner_id: one.from.owner,
            lot_id: one.from.lot,
            from_id: one.from.location,
            from_status: one.from.status,
            to_id: to.location,
            to_status: to.status,
            quantity: one.quantity,
            reason: one.reason,
            document: one.document.clone(),
            reverses_id: one.reverses,
            actor: by.actor.to_owned(),
            at: by.at,
        });
    }
    Ok(rows)
}

/// Whether goods under a customs status may lie in such a place.
pub(super) fn takes(kind: LocationKind, status: CustomsStatus) -> Result<(), Refusal> {
    if kind.takes(status) {
        return Ok(());
    }
    let name = |value: async_graphql::Value| value.to_string();
    Err(Refusal::new(ErrorCode::WrongCustomsStatus).with("kind", name(kind.into())).with("status", name(status.into())))
}

/// The order in which balances are locked: those that everyone needs come last, hot items and what stands for the outside.
pub(super) const LOCK_ORDER: &str = "b.outside, \
     EXISTS (SELECT 1 FROM hot_item h WHERE h.owner_id = b.owner_id AND h.variant_id = b.variant_id), \
     b.owner_id, b.variant_id, b.location_id, b.lot_id, b.status";

/// The balances of these places, as far as there are any. On `PostgreSQL` they are locked, in the order of their places:
/// whoever locks several does so here or in `promises`, so nobody waits for someone who waits for him. On `SQLite` nobody
/// else writes.
pub(super) async fn locked(
    tx: &impl ConnectionTrait,
    places: impl IntoIterator<Item = Place>,
) -> Result<HashMap<Place, balance::Model>, Error> {
    let mut values: Vec<Value> = Vec::new();
    let mut tuples = Vec::new();
    for place in places {
        let from = values.len();
        values.extend([
            place.owner.0.into(),
            place.variant.0.into(),
            place.location.0.into(),
            place.lot.0.into(),
            place.status.to_value().into(),
        ]);
        tuples.push(format!("(${}, ${}, ${}, ${}, ${})", from + 1, from + 2, from + 3, from + 4, from + 5));
    }
    if tuples.is_empty() {
        return Ok(HashMap::new());
    }
    let lock = match dialect(tx) {
        Dialect::Postgres => format!(" ORDER BY {LOCK_ORDER} FOR NO KEY UPDATE OF b"),
        Dialect::Sqlite => String::new(),
    };
    let statement = format!(
        "SELECT b.* FROM stock_balance b JOIN (VALUES {}) AS v ON b.owner_id = v.column1 AND b.variant_id = v.column2 \
         AND b.location_id = v.column3 AND b.lot_id = v.column4 AND b.status = v.column5{lock}",
        tuples.join(", ")
    );
    let statement = Statement::from_sql_and_values(tx.get_database_backend(), statement, values);
    let rows = balance::Entity::find().from_raw_sql(statement).all(tx).await?;
    Ok(rows.into_iter().map(|row| (Place::of(&row), row)).collect())
}

/// Balances by their ids, locked in the same way.
pub(super) async fn locked_by_id(
    tx: &impl ConnectionTrait,
    ids: &[StockBalanceId],
) -> Result<Vec<balance::Model>, Error> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let lock = match dialect(tx) {
        Dialect::Postgres => format!(" ORDER BY {LOCK_ORDER} FOR NO KEY UPDATE OF b"),
        Dialect::Sqlite => String::new(),
    };
    let places: Vec<String> = (1..=ids.len()).map(|n| format!("${n}")).collect();
    let statement = format!("SELECT b.* FROM stock_balance b WHERE b.id IN ({}){lock}", places.join(", "));
    let values = ids.iter().map(|id| Value::from(id.0));
    let statement = Statement::from_sql_and_values(tx.get_database_backend(), statement, values);
    Ok(balance::Entity::find().from_raw_sql(statement).all(tx).await?)
}

/// Locks balances that a caller will change one after the other, in the order of all.
pub async fn lock(tx: &impl ConnectionTrait, ids: impl IntoIterator<Item = StockBalanceId>) -> Result<(), Error> {
    let ids: Vec<StockBalanceId> = ids.into_iter().collect();
    locked_by_id(tx, &ids).await.map(|_| ())
}

/// Takes from balances what is not promised of them. They were looked at under their locks; the guard holds all the same.
async fn take(tx: &impl ConnectionTrait, changes: &[(StockBalanceId, i64)]) -> Result<(), Error> {
    let rows: Vec<(Uuid, i64)> = changes.iter().map(|(id, pieces)| (id.0, *pieces)).collect();
    let done = change_each(
        tx,
        "stock_balance",
        "on_hand = stock_balance.on_hand + v.column2, version = stock_balance.version + 1",
        "stock_balance.on_hand - stock_balance.reserved + v.column2 >= 0",
        &rows,
    )
    .await?;
    if done == rows.len() as u64 { Ok(()) } else { Err(Error::internal("a balance changed under its lock")) }
}

async fn add(tx: &impl ConnectionTrait, at: DateTime<Utc>, changes: &[(Place, i64, bool)]) -> Result<(), Error> {
    if changes.is_empty() {
        return Ok(());
    }
    let rows = changes.iter().map(|(place, change, outside)| balance::Model {
        id: StockBalanceId::new(at),
        variant_id: place.variant,
        owner_id: place.owner,
        location_id: place.location,
        lot_id: place.lot,
        status: place.status,
        outside: *outside,
        on_hand: *change,
        reserved: 0,
        version: 1,
    });
    let key = [
        balance::Column::OwnerId,
        balance::Column::VariantId,
        balance::Column::LocationId,
        balance::Column::LotId,
        balance::Column::Status,
    ];
    let came = Expr::col(("excluded", balance::Column::OnHand));
    let there = OnConflict::columns(key)
        .value(balance::Column::OnHand, Expr::col((balance::Entity, balance::Column::OnHand)).add(came))
        .value(balance::Column::Version, Expr::col((balance::Entity, balance::Column::Version)).add(1))
        .to_owned();
    let rows = rows.map(IntoActiveModel::into_active_model);
    balance::Entity::insert_many(rows).on_conflict(there).exec_without_returning(tx).await?;
    Ok(())
}
