//! What is to be taken from the shelves for documents (拣货): the lots were chosen when it was promised, first expired first
//! out; here it is said where they lie.

use std::collections::HashMap;

use entities::{
    inventory::{CustomsStatus, ReservationState, balance, lot, reservation},
    values::id::{OrganisationId, StockBalanceId, StockLocationId, StockLotId, VariantId},
};
use platform::error::Error;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder};

use super::inbound::bins_of_lots;

/// What is taken for one document of one lot.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "for which document, of what, and how much in trade units")]
pub struct Pick {
    pub document: String,
    pub variant: VariantId,
    pub lot: lot::Model,
    pub status: CustomsStatus,
    pub quantity: i64,
    /// The bins that the lot was put into, newest first.
    pub bins: Vec<String>,
}

/// What is promised to documents out of a place and has not gone, in four statements.
pub async fn to_pick(
    db: &impl ConnectionTrait,
    owner: OrganisationId,
    location: StockLocationId,
    documents: &[&str],
) -> Result<Vec<Pick>, Error> {
    let promised = reservation::Entity::find()
        .filter(reservation::Column::OwnerId.eq(owner))
        .filter(reservation::Column::Document.is_in(documents.iter().copied()))
        .filter(reservation::Column::State.eq(ReservationState::Confirmed))
        .order_by_asc(reservation::Column::Id)
        .all(db)
        .await?;
    let from = balance::Entity::find()
        .filter(balance::Column::Id.is_in(promised.iter().map(|row| row.balance_id)))
        .filter(balance::Column::LocationId.eq(location));
    let from: HashMap<StockBalanceId, balance::Model> =
        from.all(db).await?.into_iter().map(|row| (row.id, row)).collect();
    let lots = lot::Entity::find().filter(lot::Column::Id.is_in(from.values().map(|row| row.lot_id)));
    let lots: HashMap<StockLotId, lot::Model> = lots.all(db).await?.into_iter().map(|row| (row.id, row)).collect();
    let places: Vec<_> = lots.keys().map(|id| (location, *id)).collect();
    let mut bins: HashMap<StockLotId, Vec<String>> = HashMap::new();
    for row in bins_of_lots(db, &places).await? {
        bins.entry(row.lot_id).or_default().push(row.bin);
    }
    let pick = |row: reservation::Model| {
        let of = from.get(&row.balance_id)?;
        let lot = lots.get(&of.lot_id)?.clone();
        let bins = bins.get(&lot.id).cloned().unwrap_or_default();
        let (variant, status) = (of.variant_id, of.status);
        Some(Pick { document: row.document, variant, lot, status, quantity: row.quantity, bins })
    };
    Ok(promised.into_iter().filter_map(pick).collect())
}
