//! What customs is told on whose word: legal units of tariff rows, whether an identity was verified, orders that the
//! platform declares itself, and what stood in the original request of a payment that a party took.

use sea_orm_migration::prelude::*;

use crate::column::{optional_ascii, optional_moment};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // One column a statement: SQLite adds no more at once.
        let by_party = ColumnDef::new("order_by_party").boolean().not_null().default(false).take();
        let same = ColumnDef::new("same_person").boolean().null().take();
        let verifier = ColumnDef::new("verified_with").string_len(100).null().take();
        let original = ColumnDef::new("original").binary().null().take();
        for (table, column) in [
            ("tariff_row", optional_ascii(manager, "unit1", 3)),
            ("tariff_row", optional_ascii(manager, "unit2", 3)),
            ("consumer_identity", same),
            ("consumer_identity", verifier),
            ("consumer_identity", optional_moment("verified_at")),
            ("customs_arrangement", by_party),
            ("customs_paper", original),
        ] {
            manager.alter_table(Table::alter().table(table).add_column(column).take()).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (table, column) in [
            ("customs_paper", "original"),
            ("customs_arrangement", "order_by_party"),
            ("consumer_identity", "verified_at"),
            ("consumer_identity", "verified_with"),
            ("consumer_identity", "same_person"),
            ("tariff_row", "unit2"),
            ("tariff_row", "unit1"),
        ] {
            manager.alter_table(Table::alter().table(table).drop_column(column).take()).await?;
        }
        Ok(())
    }
}
