//! Parcels: who reported an event, since when a carrier was asked, samples of a shipment, and what nobody read.

use sea_orm_migration::prelude::*;

use crate::column::{drop_index, index, optional_id, optional_moment, unique};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // A logger is put into one parcel after another, and two carriers may number theirs alike: what is measured once
        // is of one shipment.
        drop_index(manager, "uq_temperature_sample_device_at", "temperature_sample").await?;
        unique(manager, "temperature_sample", &["shipment_id", "device", "at"]).await?;
        // What left the gate in a time, for figures.
        index(manager, "shipment", &["carrier_id", "gated_out_at"]).await?;
        // Reports name a parcel by its number, also those of who carries a leg of it.
        index(manager, "shipment", &["waybill"]).await?;
        // None for what was reported before this was kept: it stands with what the house says.
        let reporter = optional_id("reporter_id");
        manager.alter_table(Table::alter().table("tracking_event").add_column(reporter).take()).await?;
        let asked = optional_moment("asked_at");
        manager.alter_table(Table::alter().table("shipment").add_column(asked).take()).await?;
        manager.alter_table(Table::alter().table("simulated_parcel").drop_column("handed_over_at").take()).await?;
        // The gate wrote down what usually happens as if it were promised.
        let guessed = "UPDATE shipment SET promised_at = NULL WHERE gated_out_at IS NOT NULL AND promised_at = eta";
        manager.get_connection().execute_unprepared(guessed).await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let handed_over = optional_moment("handed_over_at");
        manager.alter_table(Table::alter().table("simulated_parcel").add_column(handed_over).take()).await?;
        manager.alter_table(Table::alter().table("shipment").drop_column("asked_at").take()).await?;
        manager.alter_table(Table::alter().table("tracking_event").drop_column("reporter_id").take()).await?;
        drop_index(manager, "ix_shipment_waybill", "shipment").await?;
        drop_index(manager, "ix_shipment_carrier_id_gated_out_at", "shipment").await?;
        drop_index(manager, "uq_temperature_sample_shipment_id_device_at", "temperature_sample").await?;
        // One logger in two parcels was two samples; before, the first of them was kept.
        let later = "DELETE FROM temperature_sample WHERE EXISTS (SELECT 1 FROM temperature_sample o WHERE \
                     o.device = temperature_sample.device AND o.at = temperature_sample.at AND o.id < temperature_sample.id)";
        manager.get_connection().execute_unprepared(later).await?;
        unique(manager, "temperature_sample", &["device", "at"]).await
    }
}
