//! Places, organisations and their roles.

use sea_orm_migration::prelude::*;

use crate::column::{ascii, drop_tables, id, index, json, moment, optional_id, primary_id, refers, state, unique};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let place = Table::create()
            .table("place")
            .col(primary_id())
            .col(ascii(manager, "slug", 80))
            .col(state("kind"))
            .col(json("name"))
            .take();
        manager.create_table(place).await?;
        unique(manager, "place", &["slug"]).await?;

        let organisation = Table::create()
            .table("organisation")
            .col(primary_id())
            .col(ascii(manager, "slug", 80))
            .col(json("name"))
            .col(optional_id("place_id"))
            .col(moment("created_at"))
            .foreign_key(&mut refers("organisation", "place_id", "place", ForeignKeyAction::Restrict))
            .take();
        manager.create_table(organisation).await?;
        unique(manager, "organisation", &["slug"]).await?;
        index(manager, "organisation", &["place_id"]).await?;

        let role = Table::create()
            .table("organisation_role")
            .col(id("organisation_id"))
            .col(state("role"))
            .primary_key(Index::create().col("organisation_id").col("role"))
            .foreign_key(&mut refers("organisation_role", "organisation_id", "organisation", ForeignKeyAction::Cascade))
            .take();
        manager.create_table(role).await?;
        index(manager, "organisation_role", &["role", "organisation_id"]).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["organisation_role", "organisation", "place"]).await
    }
}
