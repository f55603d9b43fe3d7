//! Customs: filings of goods, declarations with their papers, receipts and raw messages, withdrawals and returns, tax
//! bills and guarantees.

use sea_orm_migration::{prelude::*, sea_orm::DbBackend};

use crate::column::{
    ascii, drop_tables, flag, id, index, int, json, long, moment, optional_ascii, optional_id, optional_moment,
    optional_text, primary_id, refers, sealed, state, text, unique,
};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        beforehand(manager).await?;
        declarations(manager).await?;
        papers(manager).await?;
        taxes(manager).await?;
        append_only(manager).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        if manager.get_database_backend() == DbBackend::Postgres {
            manager.get_connection().execute_unprepared("DROP FUNCTION customs_is_append_only() CASCADE").await?;
        }
        let tables = [
            "simulated_paper",
            "guarantee_entry",
            "tax_bill",
            "customs_request",
            "customs_match",
            "customs_receipt",
            "customs_message",
            "customs_paper",
            "declaration",
            "goods_filing",
            "customs_arrangement",
        ];
        drop_tables(manager, &tables).await
    }
}

async fn beforehand(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let restrict = ForeignKeyAction::Restrict;
    let mut arrangement = Table::create()
        .table("customs_arrangement")
        .col(primary_id())
        .col(id("seller_id"))
        .col(state("mode"))
        .col(id("declarer_id"))
        .col(id("carrier_id"))
        .col(id("payer_id"))
        .col(id("guarantor_id"))
        .col(ascii(manager, "customs_code", 4))
        .col(ascii(manager, "port_code", 4))
        .col(ascii(manager, "traf_mode", 1))
        .col(flag("payment_by_party"))
        .col(flag("waybill_by_party"))
        .col(int("version"))
        .col(moment("updated_at"))
        .take();
    for party in ["seller_id", "declarer_id", "carrier_id", "payer_id", "guarantor_id"] {
        arrangement.foreign_key(&mut refers("customs_arrangement", party, "organisation", restrict));
    }
    manager.create_table(arrangement).await?;
    unique(manager, "customs_arrangement", &["seller_id", "mode"]).await?;
    for party in ["declarer_id", "carrier_id", "payer_id", "guarantor_id"] {
        index(manager, "customs_arrangement", &[party]).await?;
    }

    let filing = Table::create()
        .table("goods_filing")
        .col(primary_id())
        .col(id("seller_id"))
        .col(id("variant_id"))
        .col(state("mode"))
        .col(text("item_no", 20))
        .col(ascii(manager, "hs_code", 10))
        .col(text("name", 250))
        .col(text("gmodel", 510))
        .col(ascii(manager, "origin", 2))
        .col(ascii(manager, "unit", 3))
        .col(ascii(manager, "unit1", 3))
        .col(long("quantity1_e5"))
        .col(optional_ascii(manager, "unit2", 3))
        .col(ColumnDef::new("quantity2_e5").big_integer().null())
        .col(long("price_minor"))
        .col(state("state"))
        .col(optional_text("reason", 300))
        .col(int("version"))
        .col(moment("created_at"))
        .col(moment("updated_at"))
        .foreign_key(&mut refers("goods_filing", "seller_id", "organisation", restrict))
        .foreign_key(&mut refers("goods_filing", "variant_id", "variant", restrict))
        .check((
            "ck_goods_filing_quantities",
            Expr::cust(
                "quantity1_e5 > 0 AND price_minor > 0 AND ((unit2 IS NULL AND quantity2_e5 IS NULL) \
                 OR (unit2 IS NOT NULL AND quantity2_e5 > 0))",
            ),
        ))
        .take();
    manager.create_table(filing).await?;
    unique(manager, "goods_filing", &["seller_id", "variant_id", "mode"]).await?;
    index(manager, "goods_filing", &["variant_id"]).await?;
    // One's own, newest first; what waits for a decision; what a new tariff puts out of force.
    index(manager, "goods_filing", &["seller_id", "id"]).await?;
    index(manager, "goods_filing", &["state", "id"]).await?;
    index(manager, "goods_filing", &["hs_code"]).await
}

async fn declarations(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let restrict = ForeignKeyAction::Restrict;
    let declaration = Table::create()
        .table("declaration")
        .col(primary_id())
        .col(ascii(manager, "document", 20))
        .col(id("seller_id"))
        .col(id("person_id"))
        .col(state("mode"))
        .col(optional_id("location_id"))
        .col(state("state"))
        .col(json("blockers"))
        .col(sealed("sale"))
        .col(ColumnDef::new("transport").json_binary().null())
        .col(optional_text("waybill", 60))
        .col(long("gross_weight_g"))
        .col(optional_id("guarantor_id"))
        .col(optional_ascii(manager, "invt_no", 18))
        .col(optional_moment("released_at"))
        .col(optional_moment("waits_until"))
        .col(flag("overdue"))
        .col(optional_text("alarm", 300))
        .col(int("version"))
        .col(moment("created_at"))
        .col(moment("updated_at"))
        .foreign_key(&mut refers("declaration", "seller_id", "organisation", restrict))
        .foreign_key(&mut refers("declaration", "person_id", "person", restrict))
        .foreign_key(&mut refers("declaration", "guarantor_id", "organisation", restrict))
        .foreign_key(&mut refers("declaration", "location_id", "stock_location", restrict))
        .take();
    manager.create_table(declaration).await?;
    unique(manager, "declaration", &["document"]).await?;
    unique(manager, "declaration", &["invt_no"]).await?;
    index(manager, "declaration", &["seller_id", "id"]).await?;
    index(manager, "declaration", &["person_id", "id"]).await?;
    index(manager, "declaration", &["guarantor_id"]).await?;
    index(manager, "declaration", &["location_id"]).await?;
    index(manager, "declaration", &["state", "id"]).await?;
    // What is due; what a person must look at.
    index(manager, "declaration", &["waits_until"]).await?;

    let matched = Table::create()
        .table("customs_match")
        .col(id("declaration_id"))
        .col(int("position"))
        .col(state("rule"))
        .col(text("left", 300))
        .col(text("right", 300))
        .col(state("verdict"))
        .col(moment("at"))
        .primary_key(Index::create().col("declaration_id").col("position"))
        .foreign_key(&mut refers("customs_match", "declaration_id", "declaration", ForeignKeyAction::Cascade))
        .take();
    manager.create_table(matched).await?;

    let request = Table::create()
        .table("customs_request")
        .col(primary_id())
        .col(id("declaration_id"))
        .col(state("kind"))
        .col(state("state"))
        .col(text("reason", 300))
        .col(json("lines"))
        .col(ColumnDef::new("goods_due").date().null())
        .col(optional_id("location_id"))
        .col(optional_id("paper_id"))
        .col(optional_text("note", 300))
        .col(int("version"))
        .col(moment("created_at"))
        .col(moment("updated_at"))
        .foreign_key(&mut refers("customs_request", "declaration_id", "declaration", restrict))
        .foreign_key(&mut refers("customs_request", "location_id", "stock_location", restrict))
        .take();
    manager.create_table(request).await?;
    index(manager, "customs_request", &["declaration_id", "id"]).await?;
    index(manager, "customs_request", &["location_id"]).await?;
    index(manager, "customs_request", &["paper_id"]).await?;
    index(manager, "customs_request", &["state", "goods_due"]).await
}

async fn papers(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let restrict = ForeignKeyAction::Restrict;
    let paper = Table::create()
        .table("customs_paper")
        .col(primary_id())
        .col(state("kind"))
        .col(ascii(manager, "business_key", 240))
        .col(ascii(manager, "document", 60))
        .col(optional_id("declaration_id"))
        .col(id("sender_id"))
        .col(flag("sent_by_party"))
        .col(ascii(manager, "guid", 36))
        .col(int("attempt"))
        .col(state("state"))
        .col(optional_text("status", 10))
        .col(optional_text("info", 1_000))
        .col(optional_ascii(manager, "pre_no", 18))
        .col(optional_ascii(manager, "invt_no", 18))
        .col(sealed("body"))
        .col(optional_moment("sent_at"))
        .col(optional_moment("stated_at"))
        .col(int("version"))
        .col(moment("created_at"))
        .col(moment("updated_at"))
        .foreign_key(&mut refers("customs_paper", "declaration_id", "declaration", restrict))
        .foreign_key(&mut refers("customs_paper", "sender_id", "organisation", restrict))
        .take();
    manager.create_table(paper).await?;
    unique(manager, "customs_paper", &["kind", "business_key"]).await?;
    unique(manager, "customs_paper", &["guid"]).await?;
    index(manager, "customs_paper", &["declaration_id"]).await?;
    index(manager, "customs_paper", &["document"]).await?;
    index(manager, "customs_paper", &["sender_id"]).await?;

    let message = Table::create()
        .table("customs_message")
        .col(primary_id())
        .col(state("direction"))
        .col(ColumnDef::new("kind").integer().null())
        .col(optional_text("guid", 64))
        .col(ascii(manager, "hash", 64))
        .col(long("size"))
        .col(sealed("body"))
        .col(state("verdict"))
        .col(optional_text("reason", 500))
        .col(optional_text("subject", 240))
        .col(optional_id("paper_id"))
        .col(ColumnDef::new("attempt").integer().null())
        .col(moment("at"))
        .foreign_key(&mut refers("customs_message", "paper_id", "customs_paper", restrict))
        .take();
    manager.create_table(message).await?;
    // Whether the same came before; of which attempt a guid was; one paper's; the newest of a verdict.
    index(manager, "customs_message", &["hash"]).await?;
    index(manager, "customs_message", &["guid"]).await?;
    index(manager, "customs_message", &["subject"]).await?;
    index(manager, "customs_message", &["paper_id", "id"]).await?;
    index(manager, "customs_message", &["verdict", "id"]).await?;

    let receipt = Table::create()
        .table("customs_receipt")
        .col(primary_id())
        .col(id("paper_id"))
        .col(int("attempt"))
        .col(ascii(manager, "status", 10))
        .col(ascii(manager, "time", 17))
        .col(text("info", 1_000))
        .col(flag("known"))
        .col(id("message_id"))
        .col(moment("at"))
        .foreign_key(&mut refers("customs_receipt", "paper_id", "customs_paper", restrict))
        .foreign_key(&mut refers("customs_receipt", "message_id", "customs_message", restrict))
        .take();
    manager.create_table(receipt).await?;
    // A receipt is known by its paper, its status and its time.
    unique(manager, "customs_receipt", &["paper_id", "attempt", "status", "time"]).await?;
    index(manager, "customs_receipt", &["message_id"]).await?;

    let simulated = Table::create()
        .table("simulated_paper")
        .col(state("kind"))
        .col(ascii(manager, "business_key", 240))
        .col(ascii(manager, "order_no", 60))
        .col(sealed("body"))
        .col(int("attempts"))
        .col(flag("taken"))
        .col(ascii(manager, "pre_no", 18))
        .col(ascii(manager, "invt_no", 18))
        .col(moment("at"))
        .primary_key(Index::create().col("kind").col("business_key"))
        .take();
    manager.create_table(simulated).await?;
    index(manager, "simulated_paper", &["order_no"]).await?;
    index(manager, "simulated_paper", &["invt_no"]).await
}

async fn taxes(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let restrict = ForeignKeyAction::Restrict;
    let bill = Table::create()
        .table("tax_bill")
        .col(primary_id())
        .col(ascii(manager, "tax_no", 50))
        .col(ascii(manager, "invt_no", 18))
        .col(id("declaration_id"))
        .col(optional_id("guarantor_id"))
        .col(long("duty_minor"))
        .col(long("vat_minor"))
        .col(long("consumption_minor"))
        .col(state("state"))
        .col(ascii(manager, "stated_time", 17))
        .col(optional_text("payment_no", 60))
        .col(ColumnDef::new("payable_from").date().not_null())
        .col(optional_moment("paid_at"))
        .col(json("lines"))
        .col(int("version"))
        .col(moment("created_at"))
        .foreign_key(&mut refers("tax_bill", "declaration_id", "declaration", restrict))
        .foreign_key(&mut refers("tax_bill", "guarantor_id", "organisation", restrict))
        .take();
    manager.create_table(bill).await?;
    unique(manager, "tax_bill", &["tax_no"]).await?;
    index(manager, "tax_bill", &["declaration_id"]).await?;
    // An agent's bills, the newest first; what is to be paid.
    index(manager, "tax_bill", &["guarantor_id", "id"]).await?;
    index(manager, "tax_bill", &["guarantor_id", "payable_from"]).await?;

    let entry = Table::create()
        .table("guarantee_entry")
        .col(primary_id())
        .col(id("guarantor_id"))
        .col(state("reason"))
        .col(long("deposit_minor"))
        .col(long("bound_minor"))
        .col(text("document", 120))
        .col(ascii(manager, "entry_key", 120))
        .col(moment("at"))
        .foreign_key(&mut refers("guarantee_entry", "guarantor_id", "organisation", restrict))
        .take();
    manager.create_table(entry).await?;
    unique(manager, "guarantee_entry", &["entry_key"]).await?;
    index(manager, "guarantee_entry", &["guarantor_id", "id"]).await
}

/// What customs said, and what became of a guarantee, is never changed.
async fn append_only(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let db = manager.get_connection();
    let postgres = manager.get_database_backend() == DbBackend::Postgres;
    if postgres {
        db.execute_unprepared(
            "CREATE FUNCTION customs_is_append_only() RETURNS trigger LANGUAGE plpgsql AS \
             $$ BEGIN RAISE EXCEPTION 'receipts and guarantee entries are append-only'; END $$",
        )
        .await?;
    }
    for table in ["customs_receipt", "guarantee_entry"] {
        if postgres {
            db.execute_unprepared(&format!(
                "CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table} \
                 FOR EACH ROW EXECUTE FUNCTION customs_is_append_only()"
            ))
            .await?;
            continue;
        }
        for what in ["UPDATE", "DELETE"] {
            db.execute_unprepared(&format!(
                "CREATE TRIGGER {table}_no_{} BEFORE {what} ON {table} \
                 BEGIN SELECT RAISE(ABORT, 'receipts and guarantee entries are append-only'); END",
                what.to_lowercase()
            ))
            .await?;
        }
    }
    Ok(())
}
