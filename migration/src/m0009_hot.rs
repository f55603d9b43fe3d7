//! Hot items: what everyone wants at once is promised piece by piece, from a pool of rows that many can take from side
//! by side.

use sea_orm_migration::prelude::*;

use crate::column::{drop_tables, id, index, moment, optional_id, primary_id, refers};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let hot = Table::create()
            .table("hot_item")
            .col(id("owner_id"))
            .col(id("variant_id"))
            .col(moment("since"))
            .primary_key(Index::create().col("owner_id").col("variant_id"))
            .foreign_key(&mut refers("hot_item", "owner_id", "organisation", ForeignKeyAction::Restrict))
            .foreign_key(&mut refers("hot_item", "variant_id", "variant", ForeignKeyAction::Restrict))
            .take();
        manager.create_table(hot).await?;
        index(manager, "hot_item", &["variant_id"]).await?;

        // No foreign key to the promise: a piece is taken before its promise is written, and goes back without it.
        let unit = Table::create()
            .table("stock_unit")
            .col(primary_id())
            .col(id("balance_id"))
            .col(optional_id("reservation_id"))
            .foreign_key(&mut refers("stock_unit", "balance_id", "stock_balance", ForeignKeyAction::Restrict))
            .take();
        manager.create_table(unit).await?;
        index(manager, "stock_unit", &["balance_id", "reservation_id"]).await?;
        index(manager, "stock_unit", &["reservation_id"]).await?;

        let pooled = ColumnDef::new("pooled").boolean().not_null().default(false).take();
        manager.alter_table(Table::alter().table("stock_reservation").add_column(pooled).take()).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.alter_table(Table::alter().table("stock_reservation").drop_column("pooled").take()).await?;
        drop_tables(manager, &["stock_unit", "hot_item"]).await
    }
}
