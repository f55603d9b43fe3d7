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
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, ExprTrait, IntoActiveModel, QueryFilter,
    sea_query::{Expr, OnConflict},
};

use crate::platform::error::Error;

/// Most pieces of one move.
pub const MOST: i64 = 1_000_000_000;

/// Where a balance is. Its order is the order in which balances are locked.
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

    fn is(self) -> Condition {
        Condition::all()
            .add(balance::Column::OwnerId.eq(self.owner))
            .add(balance::Column::VariantId.eq(self.variant))
            .add(balance::Column::LocationId.eq(self.location))
            .add(balance::Column::LotId.eq(self.lot))
            .add(balance::Column::Status.eq(self.status))
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
    match error {
        Error::Refused(refusals) => {
            Error::Refused(refusals.into_iter().map(|refusal| refusal.at(n.to_string()).at("lines")).collect())
        }
        other => other,
    }
}

/// Makes moves: all of them or, when one is refused, none. What is refused names its line.
pub async fn post(tx: &impl ConnectionTrait, by: By<'_>, moves: &[Moving]) -> Result<Vec<stock_move::Model>, Error> {
    let ids = moves.iter().flat_map(|one| [one.from.location, one.to.0]);
    let locations = location::Entity::find().filter(location::Column::Id.is_in(ids)).all(tx).await?;
    let kinds: HashMap<StockLocationId, LocationKind> = locations.iter().map(|row| (row.id, row.kind)).collect();
    let kind = |id: StockLocationId| kinds.get(&id).copied().ok_or_else(|| Error::internal("a location is gone"));

    let mut rows = Vec::with_capacity(moves.len());
    let mut changes: BTreeMap<Place, i64> = BTreeMap::new();
    let mut lines: BTreeMap<Place, usize> = BTreeMap::new();
    for (n, one) in moves.iter().enumerate() {
        let to = Place { location: one.to.0, status: one.to.1, ..one.from };
        let refused = |refusal: Refusal| in_line(refusal.into(), n);
        if !(1..=MOST).contains(&one.quantity) {
            let range = Refusal::new(ErrorCode::OutOfRange).with("min", "1").with("max", MOST.to_string());
            return Err(refused(range.at("quantity")));
        }
        for end in [one.from, to] {
            // What lies in the wrong place may be taken from there.
            let kind = kind(end.location)?;
            if !kind.takes(end.status) && end == to {
                let name = |value: async_graphql::Value| value.to_string();
                let refusal = Refusal::new(ErrorCode::WrongCustomsStatus)
                    .with("kind", name(kind.into()))
                    .with("status", name(end.status.into()));
                return Err(refused(refusal));
            }
        }
        if to == one.from {
            return Err(refused(Refusal::new(ErrorCode::InvalidValue).with("value", "from = to")));
        }
        *changes.entry(one.from).or_default() -= one.quantity;
        *changes.entry(to).or_default() += one.quantity;
        lines.entry(one.from).or_insert(n);
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
    if rows.is_empty() {
        return Ok(rows);
    }
    let written = rows.iter().cloned().map(IntoActiveModel::into_active_model);
    stock_move::Entity::insert_many(written).exec_without_returning(tx).await?;
    for (place, change) in changes {
        let outside = kind(place.location)?.is_virtual();
        if change < 0 && !outside {
            let line = lines.get(&place).copied().unwrap_or_default();
            take(tx, place, -change).await.map_err(|error| in_line(error, line))?;
        } else if change != 0 {
            add(tx, place, change, outside, by.at).await?;
        }
    }
    Ok(rows)
}

/// Takes from a balance what is not promised of it.
async fn take(tx: &impl ConnectionTrait, place: Place, quantity: i64) -> Result<(), Error> {
    let available = Expr::col(balance::Column::OnHand).sub(Expr::col(balance::Column::Reserved));
    let done = balance::Entity::update_many()
        .col_expr(balance::Column::OnHand, Expr::col(balance::Column::OnHand).sub(quantity))
        .col_expr(balance::Column::Version, Expr::col(balance::Column::Version).add(1))
        .filter(place.is())
        .filter(available.gte(quantity))
        .exec(tx)
        .await?;
    if done.rows_affected == 1 {
        return Ok(());
    }
    let there = balance::Entity::find().filter(place.is()).one(tx).await?;
    let available = there.map_or(0, |row| row.available());
    Err(Refusal::new(ErrorCode::OutOfStock).with("available", available.to_string()).at("quantity").into())
}

async fn add(
    tx: &impl ConnectionTrait,
    place: Place,
    change: i64,
    outside: bool,
    at: DateTime<Utc>,
) -> Result<(), Error> {
    let row = balance::Model {
        id: StockBalanceId::new(at),
        variant_id: place.variant,
        owner_id: place.owner,
        location_id: place.location,
        lot_id: place.lot,
        status: place.status,
        outside,
        on_hand: change,
        reserved: 0,
        version: 1,
    };
    let key = [
        balance::Column::OwnerId,
        balance::Column::VariantId,
        balance::Column::LocationId,
        balance::Column::LotId,
        balance::Column::Status,
    ];
    let there = OnConflict::columns(key)
        .value(balance::Column::OnHand, Expr::col((balance::Entity, balance::Column::OnHand)).add(change))
        .value(balance::Column::Version, Expr::col((balance::Entity, balance::Column::Version)).add(1))
        .to_owned();
    balance::Entity::insert(row.into_active_model()).on_conflict(there).exec_without_returning(tx).await?;
    Ok(())
}
