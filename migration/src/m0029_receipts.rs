//! Goods receipts: what came of an order, what was accepted of it and what went back.
//!
//! What must never be is refused by the database itself: more accepted and rejected than came, more sent back than was
//! rejected, more billed than was accepted, a receipt that is taken back twice, an inspection that is changed.

use sea_orm_migration::{prelude::*, sea_orm::DbBackend};

use crate::column::{
    ascii, day, drop_tables, id, index, int, long, moment, optional_ascii, optional_day, optional_id, optional_moment,
    primary_id, refers, state, text, unique,
};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        receipt(manager).await?;
        lines(manager).await?;
        inspection(manager).await?;
        append_only(manager).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        if manager.get_database_backend() == DbBackend::Postgres {
            let off = "DROP FUNCTION receipt_inspection_is_append_only() CASCADE";
            manager.get_connection().execute_unprepared(off).await?;
        }
        drop_tables(manager, &["receipt_inspection", "goods_receipt_line", "goods_receipt"]).await
    }
}

fn line(name: &'static str, length: u32) -> ColumnDef {
    ColumnDef::new(name).string_len(length).null().take()
}

async fn receipt(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let restrict = ForeignKeyAction::Restrict;
    let receipt = Table::create()
        .table("goods_receipt")
        .col(primary_id())
        .col(ascii(manager, "number", 24))
        .col(state("kind"))
        .col(state("state"))
        .col(id("order_id"))
        .col(id("buyer_id"))
        .col(id("supplier_id"))
        .col(id("location_id"))
        .col(text("delivery_note", 60))
        .col(optional_ascii(manager, "waybill", 60))
        .col(day("arrived_on"))
        .col(line("note", 500))
        .col(optional_id("reverses_id"))
        .col(optional_ascii(manager, "client_ref", 80))
        .col(line("posted_by", 120))
        .col(optional_id("poster_id"))
        .col(optional_moment("posted_at"))
        .col(text("created_by", 120))
        .col(int("version"))
        .col(moment("created_at"))
        .foreign_key(&mut refers("goods_receipt", "order_id", "purchase_order", restrict))
        .foreign_key(&mut refers("goods_receipt", "buyer_id", "organisation", restrict))
        .foreign_key(&mut refers("goods_receipt", "supplier_id", "organisation", restrict))
        .foreign_key(&mut refers("goods_receipt", "location_id", "stock_location", restrict))
        .foreign_key(&mut refers("goods_receipt", "reverses_id", "goods_receipt", restrict))
        .foreign_key(&mut refers("goods_receipt", "poster_id", "person", restrict))
        .take();
    manager.create_table(receipt).await?;
    unique(manager, "goods_receipt", &["number"]).await?;
    unique(manager, "goods_receipt", &["reverses_id"]).await?;
    unique(manager, "goods_receipt", &["buyer_id", "client_ref"]).await?;
    index(manager, "goods_receipt", &["buyer_id", "id"]).await?;
    index(manager, "goods_receipt", &["supplier_id", "id"]).await?;
    index(manager, "goods_receipt", &["order_id", "id"]).await?;
    index(manager, "goods_receipt", &["location_id"]).await?;
    index(manager, "goods_receipt", &["poster_id"]).await
}

async fn lines(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let restrict = ForeignKeyAction::Restrict;
    let lines = Table::create()
        .table("goods_receipt_line")
        .col(primary_id())
        .col(id("receipt_id"))
        .col(id("order_line_id"))
        .col(int("position"))
        .col(optional_id("of_line_id"))
        .col(long("delivered"))
        .col(long("accepted"))
        .col(long("rejected"))
        .col(long("returned"))
        .col(long("billed"))
        .col(text("lot", 40))
        .col(optional_day("produced_on"))
        .col(optional_day("expires_on"))
        .col(state("status"))
        .col(optional_id("lot_id"))
        .col(optional_id("move_id"))
        .foreign_key(&mut refers("goods_receipt_line", "receipt_id", "goods_receipt", restrict))
        .foreign_key(&mut refers("goods_receipt_line", "order_line_id", "purchase_order_line", restrict))
        .foreign_key(&mut refers("goods_receipt_line", "of_line_id", "goods_receipt_line", restrict))
        .foreign_key(&mut refers("goods_receipt_line", "lot_id", "stock_lot", restrict))
        .foreign_key(&mut refers("goods_receipt_line", "move_id", "stock_move", restrict))
        .check((
            "ck_goods_receipt_line",
            Expr::cust(
                "delivered > 0 AND accepted >= 0 AND rejected >= 0 AND accepted + rejected <= delivered \
                 AND returned >= 0 AND returned <= rejected AND billed >= 0 AND billed <= accepted",
            ),
        ))
        .take();
    manager.create_table(lines).await?;
    unique(manager, "goods_receipt_line", &["receipt_id", "position"]).await?;
    index(manager, "goods_receipt_line", &["order_line_id"]).await?;
    index(manager, "goods_receipt_line", &["of_line_id"]).await?;
    index(manager, "goods_receipt_line", &["lot_id"]).await?;
    index(manager, "goods_receipt_line", &["move_id"]).await
}

async fn inspection(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let restrict = ForeignKeyAction::Restrict;
    let inspection = Table::create()
        .table("receipt_inspection")
        .col(primary_id())
        .col(id("receipt_id"))
        .col(id("line_id"))
        .col(long("accepted"))
        .col(long("rejected"))
        .col(ColumnDef::new("reason").string_len(24).null())
        .col(line("note", 300))
        .col(line("plan", 120))
        .col(ColumnDef::new("sample_size").big_integer().null())
        .col(optional_ascii(manager, "photo_sha256", 64))
        .col(text("inspected_by", 120))
        .col(optional_id("inspector_id"))
        .col(moment("at"))
        .foreign_key(&mut refers("receipt_inspection", "receipt_id", "goods_receipt", restrict))
        .foreign_key(&mut refers("receipt_inspection", "line_id", "goods_receipt_line", restrict))
        .foreign_key(&mut refers("receipt_inspection", "inspector_id", "person", restrict))
        .check(("ck_receipt_inspection", Expr::cust("accepted >= 0 AND rejected >= 0 AND accepted + rejected > 0")))
        .take();
    manager.create_table(inspection).await?;
    index(manager, "receipt_inspection", &["receipt_id", "id"]).await?;
    index(manager, "receipt_inspection", &["line_id"]).await?;
    index(manager, "receipt_inspection", &["inspector_id"]).await
}

async fn append_only(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let statements: &[&str] = match manager.get_database_backend() {
        DbBackend::Postgres => &[
            "CREATE FUNCTION receipt_inspection_is_append_only() RETURNS trigger LANGUAGE plpgsql AS \
             $$ BEGIN RAISE EXCEPTION 'what was found of a receipt is append-only'; END $$",
            "CREATE TRIGGER receipt_inspection_append_only BEFORE UPDATE OR DELETE ON receipt_inspection \
             FOR EACH ROW EXECUTE FUNCTION receipt_inspection_is_append_only()",
        ],
        _ => &[
            "CREATE TRIGGER receipt_inspection_no_update BEFORE UPDATE ON receipt_inspection \
             BEGIN SELECT RAISE(ABORT, 'what was found of a receipt is append-only'); END",
            "CREATE TRIGGER receipt_inspection_no_delete BEFORE DELETE ON receipt_inspection \
             BEGIN SELECT RAISE(ABORT, 'what was found of a receipt is append-only'); END",
        ],
    };
    for statement in statements {
        manager.get_connection().execute_unprepared(statement).await?;
    }
    Ok(())
}
