//! Counts, transfers that are on the way, entries of the account book, what came back of a document.
//!
//! As with moves, the database itself refuses that an entry of the account book is changed.

use sea_orm_migration::{prelude::*, sea_orm::DbBackend};

use crate::column::{
    ascii, drop_tables, id, index, int, json, long, moment, optional_id, optional_moment, primary_id, refers, state,
    text, unique,
};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // Whole documents are confirmed, let go and shipped; what was shipped under one may come back.
        index(manager, "stock_reservation", &["document"]).await?;
        index(manager, "stock_move", &["owner_id", "document"]).await?;
        entries(manager).await?;
        returns(manager).await?;
        counts(manager).await?;
        transfers(manager).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        if manager.get_database_backend() == DbBackend::Postgres {
            manager.get_connection().execute_unprepared("DROP FUNCTION bonded_entry_is_append_only() CASCADE").await?;
        }
        let tables = [
            "stock_transfer_line",
            "stock_transfer",
            "stock_count_line",
            "stock_count",
            "stock_return",
            "bonded_entry",
        ];
        drop_tables(manager, &tables).await?;
        for (table, name) in
            [("stock_move", "ix_stock_move_owner_id_document"), ("stock_reservation", "ix_stock_reservation_document")]
        {
            manager.drop_index(Index::drop().name(name).table(table).to_owned()).await?;
        }
        Ok(())
    }
}

async fn entries(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let entry = Table::create()
        .table("bonded_entry")
        .col(primary_id())
        .col(id("item_id"))
        .col(state("event"))
        .col(long("quantity"))
        .col(text("document", 120))
        .col(ascii(manager, "request_key", 240))
        .col(text("actor", 120))
        .col(moment("at"))
        .foreign_key(&mut refers("bonded_entry", "item_id", "bonded_item", ForeignKeyAction::Restrict))
        .check(("ck_bonded_entry_quantity", Expr::cust("quantity > 0")))
        .take();
    manager.create_table(entry).await?;
    unique(manager, "bonded_entry", &["request_key"]).await?;
    index(manager, "bonded_entry", &["item_id", "id"]).await?;
    index(manager, "bonded_entry", &["document"]).await?;
    let statements: &[&str] = match manager.get_database_backend() {
        DbBackend::Postgres => &[
            "CREATE FUNCTION bonded_entry_is_append_only() RETURNS trigger LANGUAGE plpgsql AS \
             $$ BEGIN RAISE EXCEPTION 'entries of the account book are append-only'; END $$",
            "CREATE TRIGGER bonded_entry_append_only BEFORE UPDATE OR DELETE ON bonded_entry \
             FOR EACH ROW EXECUTE FUNCTION bonded_entry_is_append_only()",
        ],
        _ => &[
            "CREATE TRIGGER bonded_entry_no_update BEFORE UPDATE ON bonded_entry \
             BEGIN SELECT RAISE(ABORT, 'entries of the account book are append-only'); END",
            "CREATE TRIGGER bonded_entry_no_delete BEFORE DELETE ON bonded_entry \
             BEGIN SELECT RAISE(ABORT, 'entries of the account book are append-only'); END",
        ],
    };
    for statement in statements {
        manager.get_connection().execute_unprepared(statement).await?;
    }
    Ok(())
}

async fn returns(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let restrict = ForeignKeyAction::Restrict;
    let table = Table::create()
        .table("stock_return")
        .col(primary_id())
        .col(id("owner_id"))
        .col(text("document", 120))
        .col(id("variant_id"))
        .col(id("lot_id"))
        .col(state("status"))
        .col(long("returned"))
        .foreign_key(&mut refers("stock_return", "owner_id", "organisation", restrict))
        .foreign_key(&mut refers("stock_return", "variant_id", "variant", restrict))
        .foreign_key(&mut refers("stock_return", "lot_id", "stock_lot", restrict))
        .check(("ck_stock_return", Expr::cust("returned >= 0")))
        .take();
    manager.create_table(table).await?;
    unique(manager, "stock_return", &["owner_id", "document", "variant_id", "lot_id", "status"]).await?;
    index(manager, "stock_return", &["variant_id"]).await?;
    index(manager, "stock_return", &["lot_id"]).await
}

async fn counts(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let restrict = ForeignKeyAction::Restrict;
    let count = Table::create()
        .table("stock_count")
        .col(primary_id())
        .col(id("organisation_id"))
        .col(id("location_id"))
        .col(state("state"))
        .col(json("variants"))
        .col(long("threshold_pieces"))
        .col(long("threshold_ppm"))
        .col(int("round"))
        .col(text("opened_by", 120))
        .col(ColumnDef::new("reviewed_by").string_len(120).null())
        .col(int("version"))
        .col(moment("created_at"))
        .col(optional_moment("counted_at"))
        .col(optional_moment("ended_at"))
        .foreign_key(&mut refers("stock_count", "organisation_id", "organisation", restrict))
        .foreign_key(&mut refers("stock_count", "location_id", "stock_location", restrict))
        .take();
    manager.create_table(count).await?;
    index(manager, "stock_count", &["organisation_id", "id"]).await?;
    index(manager, "stock_count", &["location_id"]).await?;

    let line = Table::create()
        .table("stock_count_line")
        .col(primary_id())
        .col(id("count_id"))
        .col(int("round"))
        .col(id("variant_id"))
        .col(id("lot_id"))
        .col(state("status"))
        .col(long("expected"))
        .col(long("counted"))
        .col(text("counted_by", 120))
        .col(moment("at"))
        .col(optional_id("move_id"))
        .foreign_key(&mut refers("stock_count_line", "count_id", "stock_count", ForeignKeyAction::Cascade))
        .foreign_key(&mut refers("stock_count_line", "variant_id", "variant", restrict))
        .foreign_key(&mut refers("stock_count_line", "lot_id", "stock_lot", restrict))
        .foreign_key(&mut refers("stock_count_line", "move_id", "stock_move", restrict))
        .check(("ck_stock_count_line", Expr::cust("counted >= 0")))
        .take();
    manager.create_table(line).await?;
    unique(manager, "stock_count_line", &["count_id", "round", "variant_id", "lot_id", "status"]).await?;
    index(manager, "stock_count_line", &["variant_id"]).await?;
    index(manager, "stock_count_line", &["lot_id"]).await?;
    index(manager, "stock_count_line", &["move_id"]).await
}

async fn transfers(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let restrict = ForeignKeyAction::Restrict;
    let transfer = Table::create()
        .table("stock_transfer")
        .col(primary_id())
        .col(id("organisation_id"))
        .col(id("to_id"))
        .col(state("state"))
        .col(text("document", 120))
        .col(text("requested_by", 120))
        .col(ColumnDef::new("approved_by").string_len(120).null())
        .col(int("version"))
        .col(moment("created_at"))
        .col(optional_moment("shipped_at"))
        .col(optional_moment("ended_at"))
        .foreign_key(&mut refers("stock_transfer", "organisation_id", "organisation", restrict))
        .foreign_key(&mut refers("stock_transfer", "to_id", "stock_location", restrict))
        .take();
    manager.create_table(transfer).await?;
    index(manager, "stock_transfer", &["organisation_id", "id"]).await?;
    index(manager, "stock_transfer", &["to_id"]).await?;

    let line = Table::create()
        .table("stock_transfer_line")
        .col(primary_id())
        .col(id("transfer_id"))
        .col(int("position"))
        .col(id("balance_id"))
        .col(id("variant_id"))
        .col(id("lot_id"))
        .col(state("status"))
        .col(long("quantity"))
        .col(long("received"))
        .col(long("lost"))
        .foreign_key(&mut refers("stock_transfer_line", "transfer_id", "stock_transfer", ForeignKeyAction::Cascade))
        .foreign_key(&mut refers("stock_transfer_line", "balance_id", "stock_balance", restrict))
        .foreign_key(&mut refers("stock_transfer_line", "variant_id", "variant", restrict))
        .foreign_key(&mut refers("stock_transfer_line", "lot_id", "stock_lot", restrict))
        .check((
            "ck_stock_transfer_line",
            Expr::cust("quantity > 0 AND received >= 0 AND lost >= 0 AND received + lost <= quantity"),
        ))
        .take();
    manager.create_table(line).await?;
    unique(manager, "stock_transfer_line", &["transfer_id", "position"]).await?;
    index(manager, "stock_transfer_line", &["balance_id"]).await?;
    index(manager, "stock_transfer_line", &["variant_id"]).await?;
    index(manager, "stock_transfer_line", &["lot_id"]).await
}
