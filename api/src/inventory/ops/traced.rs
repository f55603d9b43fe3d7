//! From a lot to the documents that its goods went out under, and back: what logistics follows goods by.

use chrono::{DateTime, Utc};
use entities::{
    inventory::{MoveReason, lot, stock_move},
    values::id::{OrganisationId, StockLotId, VariantId},
};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use crate::platform::error::Error;

/// Most moves that are looked at.
const MOST: u64 = 5_000;

/// How much of a lot went out under the documents asked for.
#[derive(Clone, Debug)]
pub struct WentOut {
    /// Which lot.
    pub lot: lot::Model,
    /// How much, in trade units.
    pub quantity: i64,
}

/// Where some of a lot came from.
#[derive(Clone, Debug)]
pub struct CameIn {
    /// Of which lot.
    pub lot: StockLotId,
    /// The document that says so.
    pub document: String,
    /// How much, in trade units.
    pub quantity: i64,
    /// When.
    pub at: DateTime<Utc>,
}

/// The lots of what went out under documents, each with whose it is.
pub async fn went_out(
    db: &impl ConnectionTrait,
    documents: &[(OrganisationId, String)],
) -> Result<Vec<WentOut>, Error> {
    let moves = stock_move::Entity::find()
        .filter(stock_move::Column::OwnerId.is_in(documents.iter().map(|(owner, _)| *owner)))
        .filter(stock_move::Column::Document.is_in(documents.iter().map(|(_, document)| document.as_str())))
        .filter(stock_move::Column::Reason.eq(MoveReason::Shipment))
        .order_by_asc(stock_move::Column::Id)
        .limit(MOST)
        .all(db)
        .await?;
    // A document's name is its owner's own affair: two may have the same.
    let asked = |row: &&stock_move::Model| {
        documents.iter().any(|(owner, document)| (*owner, document) == (row.owner_id, &row.document))
    };
    let moves: Vec<&stock_move::Model> = moves.iter().filter(asked).collect();
    let lots = lot::Entity::find().filter(lot::Column::Id.is_in(moves.iter().map(|row| row.lot_id))).all(db).await?;
    let sum = |lot: lot::Model| {
        let quantity = moves.iter().filter(|row| row.lot_id == lot.id).map(|row| row.quantity).sum();
        WentOut { lot, quantity }
    };
    Ok(lots.into_iter().map(sum).collect())
}

/// The documents under which goods of a lot went out, with whose they were, newest first.
pub async fn documents_of(
    db: &impl ConnectionTrait,
    variant: VariantId,
    code: &str,
) -> Result<Vec<(OrganisationId, String)>, Error> {
    let lots = lot::Entity::find()
        .select_only()
        .column(lot::Column::Id)
        .filter(lot::Column::VariantId.eq(variant))
        .filter(lot::Column::Code.eq(code));
    let lots: Vec<StockLotId> = lots.into_tuple().all(db).await?;
    let moves = stock_move::Entity::find()
        .filter(stock_move::Column::LotId.is_in(lots))
        .filter(stock_move::Column::Reason.eq(MoveReason::Shipment))
        .order_by_desc(stock_move::Column::Id)
        .limit(MOST)
        .all(db)
        .await?;
    let mut found: Vec<(OrganisationId, String)> = Vec::new();
    for row in moves {
        let one = (row.owner_id, row.document);
        if !found.contains(&one) {
            found.push(one);
        }
    }
    Ok(found)
}

/// Where the goods of these lots came from, first first.
pub async fn came_in(db: &impl ConnectionTrait, lots: &[StockLotId]) -> Result<Vec<CameIn>, Error> {
    let moves = stock_move::Entity::find()
        .filter(stock_move::Column::LotId.is_in(lots.iter().copied()))
        .filter(stock_move::Column::Reason.eq(MoveReason::Receipt))
        .order_by_asc(stock_move::Column::Id)
        .limit(MOST)
        .all(db)
        .await?;
    let came =
        |row: stock_move::Model| CameIn { lot: row.lot_id, document: row.document, quantity: row.quantity, at: row.at };
    Ok(moves.into_iter().map(came).collect())
}
