//! The bytes of proofs: sealed, apart from what is listed; a tracking event is called as its reporter calls it.

use sea_orm_migration::prelude::*;

use crate::{
    column::{drop_index, drop_tables, index, optional_moment, refers, sealed, unique},
    m0014_logistics::events_stay,
};

const OF_ALL: &str = "uq_tracking_event_shipment_id_event_id_declares_error";
/// The name of all its columns is longer than PostgreSQL's are.
const OF_REPORTER: &str = "uq_tracking_event_name_of_reporter";

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let kept = optional_moment("kept_at");
        manager.alter_table(Table::alter().table("proof").add_column(kept).take()).await?;
        let content = Table::create()
            .table("proof_content")
            .col(ColumnDef::new("proof_id").uuid().not_null().primary_key())
            .col(sealed("body"))
            .foreign_key(&mut refers("proof_content", "proof_id", "proof", ForeignKeyAction::Restrict))
            .take();
        manager.create_table(content).await?;
        // A receipt that names nothing else is found by the e-port's number.
        index(manager, "customs_paper", &["pre_no"]).await?;
        // Two carriers of one parcel may call theirs alike, and neither keeps the other from being heard.
        drop_index(manager, OF_ALL, "tracking_event").await?;
        let columns = ["shipment_id", "event_id", "declares_error", "reporter_id"];
        let mut own = Index::create().name(OF_REPORTER).table("tracking_event").unique().take();
        for column in columns {
            own.col(column);
        }
        manager.create_index(own).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_index(manager, OF_REPORTER, "tracking_event").await?;
        drop_index(manager, "ix_customs_paper_pre_no", "customs_paper").await?;
        first_of_name(manager).await?;
        unique(manager, "tracking_event", &["shipment_id", "event_id", "declares_error"]).await?;
        drop_tables(manager, &["proof_content"]).await?;
        manager.alter_table(Table::alter().table("proof").drop_column("kept_at").take()).await
    }
}

/// Of what two carriers called alike the first stays: before, nobody else's was taken.
async fn first_of_name(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let postgres = manager.get_database_backend() == sea_orm_migration::sea_orm::DbBackend::Postgres;
    let off: &[&str] = if postgres {
        &["DROP FUNCTION tracking_event_is_append_only() CASCADE"]
    } else {
        &["DROP TRIGGER tracking_event_no_update", "DROP TRIGGER tracking_event_no_delete"]
    };
    let later = "DELETE FROM tracking_event WHERE EXISTS (SELECT 1 FROM tracking_event o WHERE \
                 o.shipment_id = tracking_event.shipment_id AND o.event_id = tracking_event.event_id \
                 AND o.declares_error = tracking_event.declares_error AND o.id < tracking_event.id)";
    for statement in off.iter().chain([&later]) {
        manager.get_connection().execute_unprepared(statement).await?;
    }
    events_stay(manager).await
}
