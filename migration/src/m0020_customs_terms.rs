//! What customs is told on whose word: legal units of tariff rows, whether an identity was verified, orders that the
//! platform declares itself, and what stood in the original request of a payment that a party took. And what stands in
//! verification lists, under which import list a parcel was released, and when customs made a tax bill.

use sea_orm_migration::prelude::*;

use crate::column::{drop_index, drop_tables, id, index, long, optional_ascii, optional_moment, refers};

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
            ("shipment", optional_ascii(manager, "list_number", 20)),
            ("tax_bill", optional_moment("billed_at")),
        ] {
            manager.alter_table(Table::alter().table(table).add_column(column).take()).await?;
        }
        // All filings in force are looked at, not those of a code.
        drop_index(manager, "ix_goods_filing_hs_code", "goods_filing").await?;
        let restrict = ForeignKeyAction::Restrict;
        let line = Table::create()
            .table("verification_line")
            .col(id("list_id"))
            .col(id("item_id"))
            .col(long("quantity"))
            .primary_key(Index::create().name("pk_verification_line").col("list_id").col("item_id"))
            .foreign_key(&mut refers("verification_line", "list_id", "verification_list", restrict))
            .foreign_key(&mut refers("verification_line", "item_id", "bonded_item", restrict))
            .check(("ck_verification_line_quantity", Expr::col("quantity").gt(0)))
            .take();
        manager.create_table(line).await?;
        index(manager, "verification_line", &["item_id"]).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["verification_line"]).await?;
        index(manager, "goods_filing", &["hs_code"]).await?;
        for (table, column) in [
            ("tax_bill", "billed_at"),
            ("shipment", "list_number"),
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
