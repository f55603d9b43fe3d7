//! Trade: tariffs, the positive list, policies of the zone, shipping rates, what buyers have taken of their allowances;
//! and of a variant the contents that consumption tax asks for.

use sea_orm_migration::prelude::*;

use crate::column::{
    ascii, drop_tables, flag, hash, id, index, int, json, long, moment, optional_id, optional_moment, primary_id,
    refers, state, text, unique,
};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for column in ["net_volume_ml", "piece_count"] {
            let contents = ColumnDef::new(column).integer().null().take();
            manager.alter_table(Table::alter().table("variant").add_column(contents).take()).await?;
        }
        tariffs(manager).await?;
        policies(manager).await?;
        allowances(manager).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let tables =
            ["allowance_entry", "buyer_allowance", "shipping_rate", "zone_policy", "import_list_line", "tariff_row"];
        drop_tables(manager, &tables).await?;
        for column in ["piece_count", "net_volume_ml"] {
            manager.alter_table(Table::alter().table("variant").drop_column(column).take()).await?;
        }
        Ok(())
    }
}

fn days(table: &mut TableCreateStatement) -> &mut TableCreateStatement {
    table.col(ColumnDef::new("valid_from").date().not_null().take()).col(ColumnDef::new("valid_to").date())
}

async fn tariffs(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let mut row = Table::create();
    row.table("tariff_row").col(primary_id()).col(ascii(manager, "hs_code", 10));
    days(&mut row)
        .col(int("mfn_ppm"))
        .col(ColumnDef::new("provisional_ppm").integer())
        .col(int("vat_ppm"))
        .col(json("consumption"))
        .col(text("source", 300))
        .col(int("version"));
    manager.create_table(row).await?;
    unique(manager, "tariff_row", &["hs_code", "valid_from"]).await?;

    let mut line = Table::create();
    line.table("import_list_line").col(primary_id()).col(ascii(manager, "hs8", 8));
    days(&mut line).col(flag("bonded_only")).col(text("note", 500)).col(text("source", 300)).col(int("version"));
    manager.create_table(line).await?;
    unique(manager, "import_list_line", &["hs8", "valid_from"]).await
}

async fn policies(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let mut policy = Table::create();
    policy
        .table("zone_policy")
        .col(primary_id())
        .col(ascii(manager, "division", 6))
        .col(optional_id("location_id"))
        .col(state("mode"))
        .col(state("capability"))
        .col(flag("allowed"));
    days(&mut policy)
        .col(text("source", 300))
        .col(int("version"))
        .check(("ck_zone_policy_place", Expr::cust("location_id IS NULL OR division = ''")));
    manager.create_table(policy).await?;
    unique(manager, "zone_policy", &["location_id", "mode", "capability", "valid_from"]).await?;
    // Nulls are no duplicates of each other, so rows without a location have an index of their own.
    let divisions = "CREATE UNIQUE INDEX uq_zone_policy_division_mode_capability_valid_from \
                     ON zone_policy (division, mode, capability, valid_from) WHERE location_id IS NULL";
    manager.get_connection().execute_unprepared(divisions).await?;

    let rate = Table::create()
        .table("shipping_rate")
        .col(primary_id())
        .col(id("seller_id"))
        .col(state("mode"))
        .col(ascii(manager, "currency", 3))
        .col(int("first_weight_g"))
        .col(long("first_minor"))
        .col(int("step_weight_g"))
        .col(long("step_minor"))
        .col(ColumnDef::new("free_from_minor").big_integer())
        .col(int("insurance_ppm"))
        .col(int("version"))
        .foreign_key(&mut refers("shipping_rate", "seller_id", "organisation", ForeignKeyAction::Restrict))
        .take();
    manager.create_table(rate).await?;
    unique(manager, "shipping_rate", &["seller_id", "mode", "currency"]).await
}

async fn allowances(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let restrict = ForeignKeyAction::Restrict;
    let allowance = Table::create()
        .table("buyer_allowance")
        .col(primary_id())
        .col(hash(manager, "lookup"))
        .col(int("year"))
        .col(state("kind"))
        .col(long("used"))
        .col(long("reserved"))
        .col(long("version"))
        .check(("ck_buyer_allowance", Expr::cust("used >= 0 AND reserved >= 0")))
        .take();
    manager.create_table(allowance).await?;
    unique(manager, "buyer_allowance", &["lookup", "year", "kind"]).await?;

    let entry = Table::create()
        .table("allowance_entry")
        .col(primary_id())
        .col(id("allowance_id"))
        .col(ascii(manager, "document", 120))
        .col(long("amount"))
        .col(long("returned"))
        .col(state("state"))
        .col(optional_id("returns_id"))
        .col(moment("created_at"))
        .col(optional_moment("ended_at"))
        .foreign_key(&mut refers("allowance_entry", "allowance_id", "buyer_allowance", restrict))
        .foreign_key(&mut refers("allowance_entry", "returns_id", "allowance_entry", restrict))
        .check(("ck_allowance_entry", Expr::cust("amount > 0 AND returned >= 0 AND returned <= amount")))
        .take();
    manager.create_table(entry).await?;
    unique(manager, "allowance_entry", &["document", "allowance_id"]).await?;
    index(manager, "allowance_entry", &["allowance_id", "state"]).await?;
    index(manager, "allowance_entry", &["returns_id"]).await
}
