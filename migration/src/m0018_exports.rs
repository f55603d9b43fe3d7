//! Exports: what is declared of them with its lines, which papers are about them, summaries of a month and the entries that
//! come of these.

use sea_orm_migration::{prelude::*, sea_orm::DbBackend};

use crate::column::{
    ascii, drop_tables, flag, id, index, int, json, long, moment, optional_ascii, optional_id, optional_moment,
    optional_text, primary_id, refers, state, text, unique,
};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        widen(manager, 20).await?;
        summaries(manager).await?;
        exports(manager).await?;
        about(manager).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let tables = [
            "export_entry",
            "export_paper",
            "export_line",
            "export_declaration",
            "export_summary_part",
            "export_summary",
        ];
        drop_tables(manager, &tables).await?;
        widen(manager, 18).await
    }
}

/// Customs' number of an export list may have 20 characters, that of an import list 18. `SQLite` keeps any length.
async fn widen(manager: &SchemaManager<'_>, length: u8) -> Result<(), DbErr> {
    if manager.get_database_backend() == DbBackend::Postgres {
        let change = format!("ALTER TABLE customs_paper ALTER COLUMN invt_no TYPE varchar({length}) COLLATE \"C\"");
        manager.get_connection().execute_unprepared(&change).await?;
    }
    Ok(())
}

async fn summaries(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let restrict = ForeignKeyAction::Restrict;
    let summary = Table::create()
        .table("export_summary")
        .col(primary_id())
        .col(id("seller_id"))
        .col(id("declarer_id"))
        .col(ColumnDef::new("month").date().not_null())
        .col(ascii(manager, "cop_no", 30))
        .col(json("merge_key"))
        .col(int("lists"))
        .col(int("parts"))
        .col(state("state"))
        .col(optional_ascii(manager, "sum_no", 18))
        .col(ColumnDef::new("due").date().not_null())
        .col(optional_text("alarm", 300))
        .col(optional_moment("pressed_at"))
        .col(int("version"))
        .col(moment("created_at"))
        .col(moment("updated_at"))
        .foreign_key(&mut refers("export_summary", "seller_id", "organisation", restrict))
        .foreign_key(&mut refers("export_summary", "declarer_id", "organisation", restrict))
        .take();
    manager.create_table(summary).await?;
    unique(manager, "export_summary", &["cop_no"]).await?;
    unique(manager, "export_summary", &["sum_no"]).await?;
    index(manager, "export_summary", &["seller_id", "id"]).await?;
    index(manager, "export_summary", &["declarer_id", "id"]).await?;
    // Those of a month; what is due.
    index(manager, "export_summary", &["month", "id"]).await?;
    index(manager, "export_summary", &["state", "due"]).await?;

    let part = Table::create()
        .table("export_summary_part")
        .col(id("summary_id"))
        .col(int("number"))
        .col(id("paper_id"))
        .primary_key(Index::create().col("summary_id").col("number"))
        .foreign_key(&mut refers("export_summary_part", "summary_id", "export_summary", restrict))
        .foreign_key(&mut refers("export_summary_part", "paper_id", "customs_paper", restrict))
        .take();
    manager.create_table(part).await?;
    unique(manager, "export_summary_part", &["paper_id"]).await?;

    let entry = Table::create()
        .table("export_entry")
        .col(ascii(manager, "decl_seq_no", 18).primary_key().take())
        .col(id("summary_id"))
        .col(optional_ascii(manager, "entry_no", 18))
        .col(ascii(manager, "state", 3))
        .col(ascii(manager, "stated_time", 17))
        .col(long("gross_weight_g"))
        .col(long("net_weight_g"))
        .col(moment("at"))
        .foreign_key(&mut refers("export_entry", "summary_id", "export_summary", restrict))
        .take();
    manager.create_table(entry).await?;
    index(manager, "export_entry", &["summary_id"]).await
}

async fn exports(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let restrict = ForeignKeyAction::Restrict;
    let mut export = Table::create()
        .table("export_declaration")
        .col(primary_id())
        .col(id("seller_id"))
        .col(id("declarer_id"))
        .col(id("carrier_id"))
        .col(optional_id("site_id"))
        .col(state("mode"))
        .col(state("flag"))
        .col(state("route"))
        .col(ascii(manager, "order_no", 60))
        .col(ascii(manager, "waybill", 32))
        .col(ascii(manager, "cop_no", 30))
        .col(state("state"))
        .col(json("facts"))
        .col(ColumnDef::new("leaving").json_binary().null())
        .col(optional_ascii(manager, "invt_no", 20))
        .col(optional_moment("released_at"))
        .col(optional_moment("arrived_at"))
        .col(optional_moment("departed_at"))
        .col(optional_text("cancel_reason", 300))
        .col(optional_id("summary_id"))
        .col(optional_ascii(manager, "entry_no", 18))
        .col(optional_text("alarm", 300))
        .col(int("version"))
        .col(moment("created_at"))
        .col(moment("updated_at"))
        .foreign_key(&mut refers("export_declaration", "summary_id", "export_summary", restrict))
        .check((
            "ck_export_declaration_summary",
            Expr::cust("summary_id IS NULL OR (flag = 'summary' AND released_at IS NOT NULL)"),
        ))
        .take();
    for party in ["seller_id", "declarer_id", "carrier_id", "site_id"] {
        export.foreign_key(&mut refers("export_declaration", party, "organisation", restrict));
    }
    manager.create_table(export).await?;
    // An order is declared once, and a parcel carries one.
    unique(manager, "export_declaration", &["seller_id", "order_no"]).await?;
    unique(manager, "export_declaration", &["carrier_id", "waybill"]).await?;
    unique(manager, "export_declaration", &["cop_no"]).await?;
    unique(manager, "export_declaration", &["invt_no"]).await?;
    for party in ["seller_id", "declarer_id", "carrier_id", "site_id", "state"] {
        index(manager, "export_declaration", &[party, "id"]).await?;
    }
    index(manager, "export_declaration", &["summary_id", "id"]).await?;
    // What is to be summarised: what is in no summary.
    index(manager, "export_declaration", &["flag", "summary_id", "released_at"]).await?;

    let line = Table::create()
        .table("export_line")
        .col(id("export_id"))
        .col(int("number"))
        .col(text("item_no", 20))
        .col(optional_text("record_no", 30))
        .col(ascii(manager, "hs", 10))
        .col(text("name", 250))
        .col(text("gmodel", 250))
        .col(optional_text("barcode", 50))
        .col(ascii(manager, "unit", 3))
        .col(long("quantity_e5"))
        .col(ascii(manager, "unit1", 3))
        .col(long("quantity1_e5"))
        .col(optional_ascii(manager, "unit2", 3))
        .col(ColumnDef::new("quantity2_e5").big_integer().null())
        .col(long("price_minor"))
        .col(long("total_minor"))
        .col(flag("licence"))
        .col(flag("inspection"))
        .col(flag("duty"))
        .col(flag("refund"))
        .primary_key(Index::create().col("export_id").col("number"))
        .foreign_key(&mut refers("export_line", "export_id", "export_declaration", ForeignKeyAction::Cascade))
        .check((
            "ck_export_line_quantities",
            Expr::cust("quantity_e5 > 0 AND quantity1_e5 > 0 AND price_minor >= 0 AND total_minor >= 0"),
        ))
        .take();
    manager.create_table(line).await
}

async fn about(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let about = Table::create()
        .table("export_paper")
        .col(id("paper_id"))
        .col(id("export_id"))
        .primary_key(Index::create().col("paper_id").col("export_id"))
        .foreign_key(&mut refers("export_paper", "paper_id", "customs_paper", ForeignKeyAction::Cascade))
        .foreign_key(&mut refers("export_paper", "export_id", "export_declaration", ForeignKeyAction::Cascade))
        .take();
    manager.create_table(about).await?;
    index(manager, "export_paper", &["export_id"]).await
}
