//! Showrooms: their floor, what is planned to stand on it, and what stands there.
//!
//! What must never be is refused by the database itself: two things in one facing, one piece in two places, two planograms
//! in force in one showroom, a printed code that means two slots.

use sea_orm_migration::prelude::*;

use crate::column::{
    ascii, drop_tables, flag, hash, id, index, int, long, moment, optional_ascii, optional_id, optional_moment,
    primary_id, refers, sealed, state, text, unique,
};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        store(manager).await?;
        floor(manager).await?;
        planogram(manager).await?;
        display(manager).await?;
        round(manager).await?;
        scan(manager).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let tables = [
            "showroom_split_rule",
            "showroom_sale",
            "showroom_touch",
            "scan_event",
            "showroom_photo",
            "audit_check",
            "audit_round",
            "display",
            "planogram_position",
            "planogram",
            "showroom_slot",
            "showroom_fixture",
            "showroom_zone",
            "showroom_day",
            "showroom_place",
            "showroom_team",
            "showroom",
        ];
        drop_tables(manager, &tables).await
    }
}

async fn store(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let restrict = ForeignKeyAction::Restrict;
    let showroom = Table::create()
        .table("showroom")
        .col(primary_id())
        .col(id("organisation_id"))
        .col(ascii(manager, "code", 20))
        .col(text("name", 120))
        .col(text("address", 200))
        .col(ascii(manager, "division", 6))
        .col(flag("special_zone"))
        .col(ColumnDef::new("approval_no").string_len(60).null())
        .col(state("state"))
        .col(int("version"))
        .col(long("position"))
        .col(moment("created_at"))
        .foreign_key(&mut refers("showroom", "organisation_id", "organisation", restrict))
        .take();
    manager.create_table(showroom).await?;
    unique(manager, "showroom", &["organisation_id", "code"]).await?;
    index(manager, "showroom", &["state", "id"]).await?;

    let team = Table::create()
        .table("showroom_team")
        .col(id("showroom_id"))
        .col(id("person_id"))
        .primary_key(Index::create().col("showroom_id").col("person_id"))
        .foreign_key(&mut refers("showroom_team", "showroom_id", "showroom", restrict))
        .foreign_key(&mut refers("showroom_team", "person_id", "person", restrict))
        .take();
    manager.create_table(team).await?;
    index(manager, "showroom_team", &["person_id"]).await?;

    let place = Table::create()
        .table("showroom_place")
        .col(id("showroom_id"))
        .col(state("class"))
        .col(id("location_id"))
        .primary_key(Index::create().col("showroom_id").col("class"))
        .foreign_key(&mut refers("showroom_place", "showroom_id", "showroom", restrict))
        .foreign_key(&mut refers("showroom_place", "location_id", "stock_location", restrict))
        .take();
    manager.create_table(place).await?;
    // Two showrooms of one zone may have one bonded warehouse behind them.
    index(manager, "showroom_place", &["location_id"]).await?;

    let day = Table::create()
        .table("showroom_day")
        .col(id("showroom_id"))
        .col(ColumnDef::new("date").date().not_null())
        .col(ascii(manager, "opened_by", 80))
        .col(moment("opened_at"))
        .col(optional_ascii(manager, "closed_by", 80))
        .col(optional_moment("closed_at"))
        .primary_key(Index::create().col("showroom_id").col("date"))
        .foreign_key(&mut refers("showroom_day", "showroom_id", "showroom", restrict))
        .take();
    manager.create_table(day).await
}

async fn floor(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let restrict = ForeignKeyAction::Restrict;
    let zone = Table::create()
        .table("showroom_zone")
        .col(primary_id())
        .col(id("showroom_id"))
        .col(ascii(manager, "code", 20))
        .col(text("name", 120))
        .col(int("position"))
        .col(optional_moment("retired_at"))
        .foreign_key(&mut refers("showroom_zone", "showroom_id", "showroom", restrict))
        .take();
    manager.create_table(zone).await?;
    unique(manager, "showroom_zone", &["showroom_id", "code"]).await?;

    let fixture = Table::create()
        .table("showroom_fixture")
        .col(primary_id())
        .col(id("showroom_id"))
        .col(id("zone_id"))
        .col(ascii(manager, "code", 20))
        .col(state("kind"))
        .col(int("width_mm"))
        .col(int("height_mm"))
        .col(int("position"))
        .col(optional_moment("retired_at"))
        .foreign_key(&mut refers("showroom_fixture", "showroom_id", "showroom", restrict))
        .foreign_key(&mut refers("showroom_fixture", "zone_id", "showroom_zone", restrict))
        .take();
    manager.create_table(fixture).await?;
    unique(manager, "showroom_fixture", &["showroom_id", "code"]).await?;
    index(manager, "showroom_fixture", &["zone_id"]).await?;

    let slot = Table::create()
        .table("showroom_slot")
        .col(primary_id())
        .col(id("showroom_id"))
        .col(id("fixture_id"))
        .col(ascii(manager, "code", 20))
        .col(ascii(manager, "scan_code", 12))
        .col(int("x_mm"))
        .col(int("y_mm"))
        .col(int("width_mm"))
        .col(int("height_mm"))
        .col(int("facings"))
        .col(int("position"))
        .col(optional_moment("retired_at"))
        .foreign_key(&mut refers("showroom_slot", "showroom_id", "showroom", restrict))
        .foreign_key(&mut refers("showroom_slot", "fixture_id", "showroom_fixture", restrict))
        .take();
    manager.create_table(slot).await?;
    unique(manager, "showroom_slot", &["fixture_id", "code"]).await?;
    unique(manager, "showroom_slot", &["scan_code"]).await?;
    index(manager, "showroom_slot", &["showroom_id"]).await
}

async fn planogram(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let restrict = ForeignKeyAction::Restrict;
    let planogram = Table::create()
        .table("planogram")
        .col(primary_id())
        .col(id("showroom_id"))
        .col(int("number"))
        .col(text("name", 120))
        .col(state("state"))
        .col(ascii(manager, "drawn_by", 80))
        .col(int("version"))
        .col(moment("created_at"))
        .col(optional_moment("activated_at"))
        .col(optional_moment("retired_at"))
        .foreign_key(&mut refers("planogram", "showroom_id", "showroom", restrict))
        .take();
    manager.create_table(planogram).await?;
    unique(manager, "planogram", &["showroom_id", "number"]).await?;
    index(manager, "planogram", &["showroom_id", "id"]).await?;
    // Both dialects read this alike.
    let one = "CREATE UNIQUE INDEX uq_planogram_showroom_id ON planogram (showroom_id) WHERE state = 'active'";
    manager.get_connection().execute_unprepared(one).await?;

    let position = Table::create()
        .table("planogram_position")
        .col(id("planogram_id"))
        .col(id("slot_id"))
        .col(id("variant_id"))
        .col(int("facings"))
        .primary_key(Index::create().col("planogram_id").col("slot_id"))
        .foreign_key(&mut refers("planogram_position", "planogram_id", "planogram", restrict))
        .foreign_key(&mut refers("planogram_position", "slot_id", "showroom_slot", restrict))
        .foreign_key(&mut refers("planogram_position", "variant_id", "variant", restrict))
        .take();
    manager.create_table(position).await?;
    index(manager, "planogram_position", &["slot_id"]).await?;
    index(manager, "planogram_position", &["variant_id"]).await
}

async fn display(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let restrict = ForeignKeyAction::Restrict;
    let display = Table::create()
        .table("display")
        .col(primary_id())
        .col(id("showroom_id"))
        .col(id("slot_id"))
        .col(int("facing"))
        .col(id("offer_id"))
        .col(id("variant_id"))
        .col(state("pattern"))
        .col(ColumnDef::new("class").string_len(24).null())
        .col(optional_id("balance_id"))
        .col(optional_ascii(manager, "serial", 40))
        .col(ColumnDef::new("tag_minor").big_integer().null())
        .col(ColumnDef::new("tag_currency").string_len(3).null())
        .col(int("tag_version"))
        .col(state("state"))
        .col(ascii(manager, "installed_by", 80))
        .col(moment("installed_at"))
        .col(optional_ascii(manager, "ended_by", 80))
        .col(optional_moment("ended_at"))
        .foreign_key(&mut refers("display", "showroom_id", "showroom", restrict))
        .foreign_key(&mut refers("display", "slot_id", "showroom_slot", restrict))
        .foreign_key(&mut refers("display", "offer_id", "offer", restrict))
        .foreign_key(&mut refers("display", "variant_id", "variant", restrict))
        .foreign_key(&mut refers("display", "balance_id", "stock_balance", restrict))
        .take();
    manager.create_table(display).await?;
    for one in [
        "CREATE UNIQUE INDEX uq_display_slot_id_facing ON display (slot_id, facing) WHERE state = 'installed'",
        // Serial numbers are their maker's.
        "CREATE UNIQUE INDEX uq_display_variant_id_serial ON display (variant_id, serial) WHERE state = 'installed'",
    ] {
        manager.get_connection().execute_unprepared(one).await?;
    }
    index(manager, "display", &["showroom_id", "state", "id"]).await?;
    index(manager, "display", &["slot_id", "id"]).await?;
    index(manager, "display", &["offer_id"]).await?;
    index(manager, "display", &["variant_id"]).await?;
    index(manager, "display", &["balance_id"]).await
}

async fn round(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let restrict = ForeignKeyAction::Restrict;
    let round = Table::create()
        .table("audit_round")
        .col(primary_id())
        .col(id("showroom_id"))
        .col(optional_id("planogram_id"))
        .col(state("state"))
        .col(ascii(manager, "opened_by", 80))
        .col(moment("opened_at"))
        .col(optional_ascii(manager, "done_by", 80))
        .col(optional_moment("done_at"))
        .foreign_key(&mut refers("audit_round", "showroom_id", "showroom", restrict))
        .foreign_key(&mut refers("audit_round", "planogram_id", "planogram", restrict))
        .take();
    manager.create_table(round).await?;
    index(manager, "audit_round", &["showroom_id", "id"]).await?;
    index(manager, "audit_round", &["planogram_id"]).await?;

    let check = Table::create()
        .table("audit_check")
        .col(id("round_id"))
        .col(id("slot_id"))
        .col(state("verdict"))
        .col(ColumnDef::new("note").string_len(300).null())
        .col(optional_ascii(manager, "photo", 64))
        .col(ascii(manager, "checked_by", 80))
        .col(moment("checked_at"))
        .primary_key(Index::create().col("round_id").col("slot_id"))
        .foreign_key(&mut refers("audit_check", "round_id", "audit_round", restrict))
        .foreign_key(&mut refers("audit_check", "slot_id", "showroom_slot", restrict))
        .take();
    manager.create_table(check).await?;
    index(manager, "audit_check", &["slot_id"]).await?;

    let photo = Table::create()
        .table("showroom_photo")
        .col(id("showroom_id"))
        .col(hash(manager, "sha256"))
        .col(ascii(manager, "media_type", 40))
        .col(sealed("body"))
        .col(ascii(manager, "kept_by", 80))
        .col(moment("kept_at"))
        .primary_key(Index::create().col("showroom_id").col("sha256"))
        .foreign_key(&mut refers("showroom_photo", "showroom_id", "showroom", restrict))
        .take();
    manager.create_table(photo).await
}

async fn scan(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let restrict = ForeignKeyAction::Restrict;
    let scan = Table::create()
        .table("scan_event")
        .col(primary_id())
        .col(id("showroom_id"))
        .col(id("slot_id"))
        .col(optional_id("display_id"))
        .col(optional_id("offer_id"))
        .col(ascii(manager, "visitor", 64))
        .col(flag("staff"))
        .col(moment("at"))
        .foreign_key(&mut refers("scan_event", "showroom_id", "showroom", restrict))
        .foreign_key(&mut refers("scan_event", "slot_id", "showroom_slot", restrict))
        .foreign_key(&mut refers("scan_event", "display_id", "display", restrict))
        .foreign_key(&mut refers("scan_event", "offer_id", "offer", restrict))
        .take();
    manager.create_table(scan).await?;
    index(manager, "scan_event", &["showroom_id", "at"]).await?;
    index(manager, "scan_event", &["slot_id", "at"]).await?;
    index(manager, "scan_event", &["display_id"]).await?;
    index(manager, "scan_event", &["offer_id"]).await?;

    // What ordering pays does not know showrooms: orders are named by their numbers.
    let touch = Table::create()
        .table("showroom_touch")
        .col(primary_id())
        .col(ascii(manager, "checkout_number", 32))
        .col(id("showroom_id"))
        .col(id("slot_id"))
        .col(optional_id("product_id"))
        .col(optional_id("staff_id"))
        .col(moment("at"))
        .foreign_key(&mut refers("showroom_touch", "showroom_id", "showroom", restrict))
        .foreign_key(&mut refers("showroom_touch", "slot_id", "showroom_slot", restrict))
        .foreign_key(&mut refers("showroom_touch", "product_id", "product", restrict))
        .foreign_key(&mut refers("showroom_touch", "staff_id", "person", restrict))
        .take();
    manager.create_table(touch).await?;
    index(manager, "showroom_touch", &["checkout_number", "id"]).await?;
    index(manager, "showroom_touch", &["showroom_id"]).await?;
    index(manager, "showroom_touch", &["slot_id"]).await?;
    index(manager, "showroom_touch", &["product_id"]).await?;
    index(manager, "showroom_touch", &["staff_id"]).await?;

    let sale = Table::create()
        .table("showroom_sale")
        .col(ascii(manager, "order_number", 32))
        .col(int("line"))
        .col(id("showroom_id"))
        .col(optional_id("slot_id"))
        .col(optional_id("staff_id"))
        .col(id("offer_id"))
        .col(id("seller_id"))
        .col(int("quantity"))
        .col(long("goods_minor"))
        .col(ascii(manager, "currency", 3))
        .col(long("showroom_minor"))
        .col(long("staff_minor"))
        .col(long("returned_minor"))
        .col(flag("returned"))
        .col(int("rule_version"))
        .col(moment("paid_at"))
        .primary_key(Index::create().col("order_number").col("line"))
        .foreign_key(&mut refers("showroom_sale", "showroom_id", "showroom", restrict))
        .foreign_key(&mut refers("showroom_sale", "slot_id", "showroom_slot", restrict))
        .foreign_key(&mut refers("showroom_sale", "staff_id", "person", restrict))
        .foreign_key(&mut refers("showroom_sale", "offer_id", "offer", restrict))
        .foreign_key(&mut refers("showroom_sale", "seller_id", "organisation", restrict))
        .take();
    manager.create_table(sale).await?;
    index(manager, "showroom_sale", &["showroom_id", "paid_at"]).await?;
    index(manager, "showroom_sale", &["slot_id"]).await?;
    index(manager, "showroom_sale", &["staff_id"]).await?;
    index(manager, "showroom_sale", &["offer_id"]).await?;
    index(manager, "showroom_sale", &["seller_id"]).await?;

    let rule = Table::create()
        .table("showroom_split_rule")
        .col(id("showroom_id"))
        .col(int("version"))
        .col(int("showroom_ppm"))
        .col(int("staff_ppm"))
        .col(ascii(manager, "set_by", 80))
        .col(moment("set_at"))
        .primary_key(Index::create().col("showroom_id").col("version"))
        .foreign_key(&mut refers("showroom_split_rule", "showroom_id", "showroom", restrict))
        .take();
    manager.create_table(rule).await
}
