//! Stock: locations, lots, moves and their sums, promises, the account book of customs.
//!
//! What must never be is refused by the database itself: less on hand than promised, a column of the book below nothing,
//! a move that is changed.

use sea_orm_migration::{prelude::*, sea_orm::DbBackend};

use crate::column::{
    ascii, drop_tables, flag, id, index, int, long, moment, optional_id, optional_moment, primary_id, refers, state,
    text, unique,
};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let location = Table::create()
            .table("stock_location")
            .col(primary_id())
            .col(id("organisation_id"))
            .col(ascii(manager, "code", 40))
            .col(state("kind"))
            .col(text("name", 120))
            .col(int("version"))
            .col(moment("created_at"))
            .foreign_key(&mut refers("stock_location", "organisation_id", "organisation", ForeignKeyAction::Restrict))
            .take();
        manager.create_table(location).await?;
        unique(manager, "stock_location", &["organisation_id", "code"]).await?;

        let lot = Table::create()
            .table("stock_lot")
            .col(primary_id())
            .col(id("owner_id"))
            .col(id("variant_id"))
            .col(ascii(manager, "code", 40))
            .col(ColumnDef::new("produced_on").date())
            .col(ColumnDef::new("expires_on").date())
            .foreign_key(&mut refers("stock_lot", "owner_id", "organisation", ForeignKeyAction::Restrict))
            .foreign_key(&mut refers("stock_lot", "variant_id", "variant", ForeignKeyAction::Restrict))
            .take();
        manager.create_table(lot).await?;
        unique(manager, "stock_lot", &["owner_id", "variant_id", "code"]).await?;
        index(manager, "stock_lot", &["variant_id"]).await?;

        moves(manager).await?;
        balances(manager).await?;
        book(manager).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        if manager.get_database_backend() == DbBackend::Postgres {
            manager.get_connection().execute_unprepared("DROP FUNCTION stock_move_is_append_only() CASCADE").await?;
        }
        let tables = ["bonded_item", "stock_reservation", "stock_balance", "stock_move", "stock_lot", "stock_location"];
        drop_tables(manager, &tables).await
    }
}

async fn moves(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let restrict = ForeignKeyAction::Restrict;
    let table = Table::create()
        .table("stock_move")
        .col(primary_id())
        .col(id("variant_id"))
        .col(id("owner_id"))
        .col(id("lot_id"))
        .col(id("from_id"))
        .col(state("from_status"))
        .col(id("to_id"))
        .col(state("to_status"))
        .col(long("quantity"))
        .col(state("reason"))
        .col(text("document", 120))
        .col(optional_id("reverses_id"))
        .col(text("actor", 120))
        .col(moment("at"))
        .foreign_key(&mut refers("stock_move", "variant_id", "variant", restrict))
        .foreign_key(&mut refers("stock_move", "owner_id", "organisation", restrict))
        .foreign_key(&mut refers("stock_move", "lot_id", "stock_lot", restrict))
        .foreign_key(&mut refers("stock_move", "from_id", "stock_location", restrict))
        .foreign_key(&mut refers("stock_move", "to_id", "stock_location", restrict))
        .foreign_key(&mut refers("stock_move", "reverses_id", "stock_move", restrict))
        .check(("ck_stock_move_quantity", Expr::cust("quantity > 0")))
        .take();
    manager.create_table(table).await?;
    unique(manager, "stock_move", &["reverses_id"]).await?;
    index(manager, "stock_move", &["owner_id", "variant_id", "id"]).await?;
    index(manager, "stock_move", &["variant_id"]).await?;
    index(manager, "stock_move", &["lot_id"]).await?;
    index(manager, "stock_move", &["from_id", "id"]).await?;
    index(manager, "stock_move", &["to_id", "id"]).await?;
    let statements: &[&str] = match manager.get_database_backend() {
        DbBackend::Postgres => &[
            "CREATE FUNCTION stock_move_is_append_only() RETURNS trigger LANGUAGE plpgsql AS \
             $$ BEGIN RAISE EXCEPTION 'moves of stock are append-only'; END $$",
            "CREATE TRIGGER stock_move_append_only BEFORE UPDATE OR DELETE ON stock_move \
             FOR EACH ROW EXECUTE FUNCTION stock_move_is_append_only()",
        ],
        _ => &[
            "CREATE TRIGGER stock_move_no_update BEFORE UPDATE ON stock_move \
             BEGIN SELECT RAISE(ABORT, 'moves of stock are append-only'); END",
            "CREATE TRIGGER stock_move_no_delete BEFORE DELETE ON stock_move \
             BEGIN SELECT RAISE(ABORT, 'moves of stock are append-only'); END",
        ],
    };
    for statement in statements {
        manager.get_connection().execute_unprepared(statement).await?;
    }
    Ok(())
}

async fn balances(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let restrict = ForeignKeyAction::Restrict;
    let balance = Table::create()
        .table("stock_balance")
        .col(primary_id())
        .col(id("variant_id"))
        .col(id("owner_id"))
        .col(id("location_id"))
        .col(id("lot_id"))
        .col(state("status"))
        .col(flag("outside"))
        .col(long("on_hand"))
        .col(long("reserved"))
        .col(long("version"))
        .foreign_key(&mut refers("stock_balance", "variant_id", "variant", restrict))
        .foreign_key(&mut refers("stock_balance", "owner_id", "organisation", restrict))
        .foreign_key(&mut refers("stock_balance", "location_id", "stock_location", restrict))
        .foreign_key(&mut refers("stock_balance", "lot_id", "stock_lot", restrict))
        .check(("ck_stock_balance", Expr::cust("reserved >= 0 AND (outside OR reserved <= on_hand)")))
        .take();
    manager.create_table(balance).await?;
    unique(manager, "stock_balance", &["owner_id", "variant_id", "location_id", "lot_id", "status"]).await?;
    index(manager, "stock_balance", &["variant_id"]).await?;
    index(manager, "stock_balance", &["location_id"]).await?;
    index(manager, "stock_balance", &["lot_id"]).await?;

    let reservation = Table::create()
        .table("stock_reservation")
        .col(primary_id())
        .col(id("balance_id"))
        .col(id("owner_id"))
        .col(long("quantity"))
        .col(state("kind"))
        .col(state("state"))
        .col(text("document", 120))
        .col(ascii(manager, "request_key", 160))
        .col(optional_moment("expires_at"))
        .col(moment("created_at"))
        .col(optional_moment("ended_at"))
        .foreign_key(&mut refers("stock_reservation", "balance_id", "stock_balance", restrict))
        .foreign_key(&mut refers("stock_reservation", "owner_id", "organisation", restrict))
        .check(("ck_stock_reservation_quantity", Expr::cust("quantity > 0")))
        .take();
    manager.create_table(reservation).await?;
    unique(manager, "stock_reservation", &["request_key"]).await?;
    // What is live of a balance; what is due.
    index(manager, "stock_reservation", &["balance_id", "state"]).await?;
    index(manager, "stock_reservation", &["state", "expires_at"]).await?;
    index(manager, "stock_reservation", &["owner_id", "id"]).await
}

async fn book(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let restrict = ForeignKeyAction::Restrict;
    let item = Table::create()
        .table("bonded_item")
        .col(primary_id())
        .col(id("location_id"))
        .col(ascii(manager, "book", 12))
        .col(int("number"))
        .col(id("owner_id"))
        .col(id("variant_id"))
        .col(long("pre_increase"))
        .col(long("increased"))
        .col(long("locked"))
        .col(long("reduced"))
        .col(long("version"))
        .foreign_key(&mut refers("bonded_item", "location_id", "stock_location", restrict))
        .foreign_key(&mut refers("bonded_item", "owner_id", "organisation", restrict))
        .foreign_key(&mut refers("bonded_item", "variant_id", "variant", restrict))
        .check((
            "ck_bonded_item",
            Expr::cust(
                "pre_increase >= 0 AND increased >= 0 AND locked >= 0 AND reduced >= 0 \
                 AND increased - reduced - locked >= 0",
            ),
        ))
        .take();
    manager.create_table(item).await?;
    unique(manager, "bonded_item", &["book", "number"]).await?;
    index(manager, "bonded_item", &["location_id"]).await?;
    index(manager, "bonded_item", &["owner_id", "variant_id"]).await?;
    index(manager, "bonded_item", &["variant_id"]).await
}
