//! Pick lists in the schema.

use async_graphql::{Context, ID, Object, Result, SimpleObject};
use catalog::graphql::Variant;
use entities::{inventory::CustomsStatus, party::Action};
use inventory::graphql::StockLot;
use platform::graphql::{ContextExt, bounded, connection::times, decode, id::decode_all};

use super::Shipment;
use crate::picking::{self, PickLine as Line};

/// What is taken from the shelves, of one lot (拣货行).
pub struct PickLine(Line);

/// What is taken from the shelves, of one lot (拣货行).
#[Object]
impl PickLine {
    /// Of what (商品规格).
    async fn variant(&self, context: &Context<'_>) -> Result<Option<Variant>> {
        Ok(catalog::loaders::of(context).load_one(self.0.variant).await?.map(Variant))
    }

    /// Which lot: chosen when the goods were promised, first expired first out (批次).
    async fn lot(&self) -> StockLot {
        StockLot(self.0.lot.clone())
    }

    /// Under which customs status it lies there (海关状态).
    async fn customs_status(&self) -> CustomsStatus {
        self.0.status
    }

    /// Where to look: the bins that the lot was put into, the newest 20 (货位).
    async fn bins(&self) -> &[String] {
        &self.0.bins
    }

    /// How much for all parcels together, in trade units (数量).
    async fn quantity(&self) -> i64 {
        self.0.parcels.iter().map(|(_, quantity)| quantity).sum()
    }

    /// For which parcels, at most 50 (分拣).
    #[graphql(complexity = "times(50, child_complexity)")]
    async fn parcels(&self) -> Vec<PickedFor> {
        let parcel =
            |(row, quantity): &(_, i64)| PickedFor { shipment: Shipment(Clone::clone(row)), quantity: *quantity };
        self.0.parcels.iter().map(parcel).collect()
    }
}

/// How much of a lot goes into a parcel (分拣).
#[derive(SimpleObject)]
pub struct PickedFor {
    /// Which parcel (包裹).
    shipment: Shipment,
    /// How much, in trade units (数量).
    quantity: i64,
}

/// Queries of the desk.
#[derive(Default)]
pub struct PickQuery;

#[Object]
impl PickQuery {
    /// What is to be taken from the shelves of a warehouse for one's parcels that are not packed yet, in the order of bins; at
    /// most 100 parcels (拣货单).
    #[graphql(complexity = "times(100, child_complexity)")]
    async fn pick_list(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "In which warehouse.")] location_id: ID,
        #[graphql(desc = "For which shipments; others' and those packed already are left out.")] shipment_ids: Vec<ID>,
    ) -> Result<Vec<PickLine>> {
        context.may(Action::PackShipments)?;
        let location = decode(&location_id, "locationId")?;
        let shipments = decode_all(&bounded(shipment_ids)?, "shipmentIds")?;
        let lines = picking::pick_list(context.app().db().read(), context.viewer(), location, &shipments).await?;
        Ok(lines.into_iter().map(PickLine).collect())
    }
}
