//! Offers, their prices, and the price tag of each product.

use sea_orm_migration::prelude::*;

use crate::column::{ascii, drop_tables, id, index, int, moment, primary_id, refers, state, unique};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let offer = Table::create()
            .table("offer")
            .col(primary_id())
            .col(id("product_id"))
            .col(id("variant_id"))
            .col(id("seller_id"))
            .col(ascii(manager, "sku", 64))
            .col(state("supply_mode"))
            .col(state("status"))
            .col(int("moq"))
            .col(int("multiple"))
            .col(int("lead_time_days"))
            .col(int("version"))
            .col(moment("created_at"))
            .col(moment("updated_at"))
            .foreign_key(&mut refers("offer", "product_id", "product", ForeignKeyAction::Restrict))
            .foreign_key(&mut refers("offer", "variant_id", "variant", ForeignKeyAction::Restrict))
            .foreign_key(&mut refers("offer", "seller_id", "organisation", ForeignKeyAction::Restrict))
            .check((
                "ck_offer_step",
                Expr::cust("multiple > 0 AND moq > 0 AND moq % multiple = 0 AND lead_time_days >= 0"),
            ))
            .take();
        manager.create_table(offer).await?;
        unique(manager, "offer", &["seller_id", "sku"]).await?;
        index(manager, "offer", &["product_id", "status"]).await?;
        index(manager, "offer", &["variant_id"]).await?;
        index(manager, "offer", &["seller_id", "status", "product_id"]).await?;
        index(manager, "offer", &["supply_mode", "status", "product_id"]).await?;

        let price = Table::create()
            .table("offer_price")
            .col(id("offer_id"))
            .col(ColumnDef::new("currency").string_len(3).not_null())
            .col(int("min_quantity"))
            .col(ColumnDef::new("amount_minor").big_integer().not_null())
            .primary_key(Index::create().col("offer_id").col("currency").col("min_quantity"))
            .foreign_key(&mut refers("offer_price", "offer_id", "offer", ForeignKeyAction::Cascade))
            .check(("ck_offer_price_amount", Expr::cust("amount_minor > 0 AND min_quantity > 0")))
            .take();
        manager.create_table(price).await?;

        let tag = Table::create()
            .table("product_price")
            .col(id("product_id"))
            .col(ColumnDef::new("currency").string_len(3).not_null())
            .col(id("offer_id"))
            .col(ColumnDef::new("amount_minor").big_integer().not_null())
            .primary_key(Index::create().col("product_id").col("currency"))
            .foreign_key(&mut refers("product_price", "product_id", "product", ForeignKeyAction::Cascade))
            .foreign_key(&mut refers("product_price", "offer_id", "offer", ForeignKeyAction::Cascade))
            .take();
        manager.create_table(tag).await?;
        index(manager, "product_price", &["currency", "amount_minor", "product_id"]).await?;
        index(manager, "product_price", &["offer_id"]).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["product_price", "offer_price", "offer"]).await
    }
}
