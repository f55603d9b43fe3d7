//! Pick lists (拣货单): what is to be taken from the shelves of a warehouse for parcels that are not packed yet, one walk for all
//! of them.

use std::collections::BTreeMap;

use entities::{
    inventory::{CustomsStatus, lot},
    logistics::{ShipmentState, shipment},
    party::{Action, Resource, Viewer},
    values::id::{ShipmentId, StockLocationId, VariantId},
};
use inventory::ops::picks::{Pick, to_pick};
use platform::{app::allowed, error::Error};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder};

/// One lot, and for which parcels it is taken.
#[derive(Clone, Debug)]
pub struct PickLine {
    /// Of what.
    pub variant: VariantId,
    /// Which lot.
    pub lot: lot::Model,
    /// Under which customs status it lies there.
    pub status: CustomsStatus,
    /// Where to look: the bins that it was put into, newest first.
    pub bins: Vec<String>,
    /// For which parcels, and how much for each.
    pub parcels: Vec<(shipment::Model, i64)>,
}

/// The pick list of parcels, in the order of bins. What is another one's, from elsewhere, packed or taken back is not on it.
pub async fn pick_list(
    db: &impl ConnectionTrait,
    viewer: &Viewer,
    location: StockLocationId,
    shipments: &[ShipmentId],
) -> Result<Vec<PickLine>, Error> {
    allowed(viewer, Action::PackShipments, Resource::OWN)?;
    let owner = viewer.organisation().ok_or(Error::Forbidden)?;
    let rows = shipment::Entity::find()
        .filter(shipment::Column::Id.is_in(shipments.iter().copied()))
        .filter(shipment::Column::OwnerId.eq(owner))
        .filter(shipment::Column::FromId.eq(location))
        .filter(shipment::Column::State.eq(ShipmentState::Planned))
        .order_by_asc(shipment::Column::Id)
        .all(db)
        .await?;
    let documents: Vec<&str> = rows.iter().map(|row| row.document.as_str()).collect();
    let mut lines: BTreeMap<_, PickLine> = BTreeMap::new();
    for pick in to_pick(db, owner, location, &documents).await? {
        let Some(parcel) = rows.iter().find(|row| row.document == pick.document) else { continue };
        let Pick { variant, lot, status, quantity, bins, .. } = pick;
        let key = (bins.is_empty(), bins.first().cloned(), lot.code.clone(), lot.id, status);
        let new = PickLine { variant, lot, status, bins, parcels: Vec::new() };
        let line = lines.entry(key).or_insert(new);
        match line.parcels.iter_mut().find(|(row, _)| row.id == parcel.id) {
            Some((_, sum)) => *sum += quantity,
            None => line.parcels.push((parcel.clone(), quantity)),
        }
    }
    Ok(lines.into_values().collect())
}
