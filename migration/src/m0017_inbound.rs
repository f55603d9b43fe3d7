//! What comes into bonded warehouses: notices with their lines, what was put where; the paperwork of the gate: verification
//! lists, passes, and which parcels go under which pass; and which entries of the account book people noted.
//!
//! What must never be is refused by the database itself: more that came than was declared, more in bins than came, two
//! notices for one document of customs.

use sea_orm_migration::prelude::*;

use crate::column::{
    ascii, drop_tables, id, index, int, long, moment, optional_id, optional_moment, primary_id, refers, state, text,
    unique,
};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        inbound(manager).await?;
        gate(manager).await?;
        // Nobody knows it of what was noted before.
        let by_hand = ColumnDef::new("by_hand").boolean().not_null().default(false).take();
        manager.alter_table(Table::alter().table("bonded_entry").add_column(by_hand).take()).await?;
        // What an operator of a site reported, newest first.
        index(manager, "customs_paper", &["kind", "sender_id", "id"]).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let name = "ix_customs_paper_kind_sender_id_id";
        manager.drop_index(Index::drop().name(name).table("customs_paper").to_owned()).await?;
        manager.alter_table(Table::alter().table("bonded_entry").drop_column("by_hand").take()).await?;
        let tables =
            ["gate_pass_parcel", "verification_list", "gate_pass", "inbound_put_away", "inbound_line", "inbound"];
        drop_tables(manager, &tables).await
    }
}

async fn inbound(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let restrict = ForeignKeyAction::Restrict;
    let notice = Table::create()
        .table("inbound")
        .col(primary_id())
        .col(ascii(manager, "number", 24))
        .col(id("organisation_id"))
        .col(id("location_id"))
        .col(text("document", 120))
        .col(state("state"))
        .col(int("version"))
        .col(moment("created_at"))
        .col(optional_moment("received_at"))
        .col(optional_moment("ended_at"))
        .foreign_key(&mut refers("inbound", "organisation_id", "organisation", restrict))
        .foreign_key(&mut refers("inbound", "location_id", "stock_location", restrict))
        .take();
    manager.create_table(notice).await?;
    unique(manager, "inbound", &["number"]).await?;
    index(manager, "inbound", &["organisation_id", "id"]).await?;
    index(manager, "inbound", &["location_id"]).await?;
    // What was taken back can be declared anew under the same document. Both dialects read this alike.
    let live = "CREATE UNIQUE INDEX uq_inbound_organisation_id_document ON inbound (organisation_id, document) \
                WHERE state <> 'cancelled'";
    manager.get_connection().execute_unprepared(live).await?;

    let line = Table::create()
        .table("inbound_line")
        .col(primary_id())
        .col(id("inbound_id"))
        .col(int("position"))
        .col(id("item_id"))
        .col(id("variant_id"))
        .col(id("lot_id"))
        .col(long("quantity"))
        .col(long("received"))
        .col(long("short"))
        .col(long("put_away"))
        .col(long("value_minor"))
        .col(ColumnDef::new("currency").string_len(3).not_null())
        .foreign_key(&mut refers("inbound_line", "inbound_id", "inbound", restrict))
        .foreign_key(&mut refers("inbound_line", "item_id", "bonded_item", restrict))
        .foreign_key(&mut refers("inbound_line", "variant_id", "variant", restrict))
        .foreign_key(&mut refers("inbound_line", "lot_id", "stock_lot", restrict))
        .check((
            "ck_inbound_line",
            Expr::cust(
                "quantity > 0 AND received >= 0 AND short >= 0 AND received + short <= quantity \
                 AND put_away >= 0 AND put_away <= received AND value_minor >= 0",
            ),
        ))
        .take();
    manager.create_table(line).await?;
    unique(manager, "inbound_line", &["inbound_id", "position"]).await?;
    index(manager, "inbound_line", &["item_id"]).await?;
    index(manager, "inbound_line", &["variant_id"]).await?;
    index(manager, "inbound_line", &["lot_id"]).await?;

    let put_away = Table::create()
        .table("inbound_put_away")
        .col(primary_id())
        .col(id("line_id"))
        .col(id("location_id"))
        .col(id("lot_id"))
        .col(ascii(manager, "bin", 40))
        .col(long("quantity"))
        .col(text("actor", 120))
        .col(moment("at"))
        .foreign_key(&mut refers("inbound_put_away", "line_id", "inbound_line", restrict))
        .foreign_key(&mut refers("inbound_put_away", "location_id", "stock_location", restrict))
        .foreign_key(&mut refers("inbound_put_away", "lot_id", "stock_lot", restrict))
        .check(("ck_inbound_put_away", Expr::cust("quantity > 0")))
        .take();
    manager.create_table(put_away).await?;
    index(manager, "inbound_put_away", &["line_id", "id"]).await?;
    // In which bins of a warehouse a lot was put.
    index(manager, "inbound_put_away", &["location_id", "lot_id"]).await?;
    index(manager, "inbound_put_away", &["lot_id"]).await
}

async fn gate(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let restrict = ForeignKeyAction::Restrict;
    let pass = Table::create()
        .table("gate_pass")
        .col(primary_id())
        .col(ascii(manager, "number", 20))
        .col(id("organisation_id"))
        .col(id("location_id"))
        .col(text("vehicle", 32))
        .col(optional_id("inbound_id"))
        .col(state("state"))
        .col(moment("created_at"))
        .col(optional_moment("passed_at"))
        .foreign_key(&mut refers("gate_pass", "organisation_id", "organisation", restrict))
        .foreign_key(&mut refers("gate_pass", "location_id", "stock_location", restrict))
        .foreign_key(&mut refers("gate_pass", "inbound_id", "inbound", restrict))
        .check(("ck_gate_pass", Expr::cust("(state = 'passed') = (passed_at IS NOT NULL)")))
        .take();
    manager.create_table(pass).await?;
    unique(manager, "gate_pass", &["number"]).await?;
    index(manager, "gate_pass", &["organisation_id", "id"]).await?;
    index(manager, "gate_pass", &["location_id"]).await?;
    index(manager, "gate_pass", &["inbound_id"]).await?;

    let list = Table::create()
        .table("verification_list")
        .col(primary_id())
        .col(ascii(manager, "number", 20))
        .col(ascii(manager, "book", 12))
        .col(optional_id("inbound_id"))
        .col(optional_id("gate_pass_id"))
        .col(state("state"))
        .col(moment("created_at"))
        .col(optional_moment("ended_at"))
        .foreign_key(&mut refers("verification_list", "inbound_id", "inbound", restrict))
        .foreign_key(&mut refers("verification_list", "gate_pass_id", "gate_pass", restrict))
        .check(("ck_verification_list", Expr::cust("(inbound_id IS NULL) <> (gate_pass_id IS NULL)")))
        .take();
    manager.create_table(list).await?;
    unique(manager, "verification_list", &["number"]).await?;
    unique(manager, "verification_list", &["inbound_id"]).await?;
    unique(manager, "verification_list", &["gate_pass_id"]).await?;

    let parcel = Table::create()
        .table("gate_pass_parcel")
        .col(id("gate_pass_id"))
        .col(id("shipment_id"))
        .primary_key(Index::create().col("gate_pass_id").col("shipment_id"))
        .foreign_key(&mut refers("gate_pass_parcel", "gate_pass_id", "gate_pass", restrict))
        .foreign_key(&mut refers("gate_pass_parcel", "shipment_id", "shipment", restrict))
        .take();
    manager.create_table(parcel).await?;
    index(manager, "gate_pass_parcel", &["shipment_id"]).await
}
