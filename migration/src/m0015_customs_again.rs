//! Customs, looked at once more: what was settled of a return, which papers are a party's own word, which messages were
//! read again.

use sea_orm_migration::prelude::*;

use crate::column::{index, optional_moment};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let add = |table: &'static str, column: ColumnDef| {
            manager.alter_table(Table::alter().table(table).add_column(column).take())
        };
        add("customs_request", optional_moment("settled_at")).await?;
        add("customs_message", optional_moment("looked_at")).await?;
        add("customs_paper", ColumnDef::new("given").boolean().not_null().default(false).take()).await?;
        // Until now a paper that a party gave was known by whoever sends it; what the house forwards for it counted as its
        // own.
        manager.get_connection().execute_unprepared("UPDATE customs_paper SET given = sent_by_party").await?;
        // What a person must look at, for who oversees the zone; each alone, newest first.
        index(manager, "declaration", &["overdue", "id"]).await?;
        let alarmed = Index::create()
            .name("ix_declaration_alarmed")
            .table("declaration")
            .col("id")
            .and_where(Expr::cust("alarm IS NOT NULL"))
            .take();
        manager.create_index(alarmed).await?;
        index(manager, "guarantee_entry", &["document"]).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (table, name) in [
            ("guarantee_entry", "ix_guarantee_entry_document"),
            ("declaration", "ix_declaration_alarmed"),
            ("declaration", "ix_declaration_overdue_id"),
        ] {
            manager.drop_index(Index::drop().name(name).table(table).to_owned()).await?;
        }
        for (table, column) in
            [("customs_paper", "given"), ("customs_message", "looked_at"), ("customs_request", "settled_at")]
        {
            manager.alter_table(Table::alter().table(table).drop_column(column).take()).await?;
        }
        Ok(())
    }
}
