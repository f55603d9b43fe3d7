//! Logistics: shipments, their legs and units, what was reported of them, holds, temperatures, proofs, carriers.
//!
//! What must never be is refused by the database itself: a waybill number on two parcels of a carrier, a report that is
//! changed, a shipment out of the gate that customs has not released.

use sea_orm_migration::{prelude::*, sea_orm::DbBackend};

use crate::column::{
    ascii, drop_tables, flag, hash, id, index, int, json, long, moment, optional_ascii, optional_id, optional_moment,
    primary_id, refers, sealed, state, text, unique,
};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        shipments(manager).await?;
        parts(manager).await?;
        events(manager).await?;
        beside(manager).await?;
        carriers(manager).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        if manager.get_database_backend() == DbBackend::Postgres {
            manager
                .get_connection()
                .execute_unprepared("DROP FUNCTION tracking_event_is_append_only() CASCADE")
                .await?;
        }
        let tables = [
            "simulated_parcel",
            "carrier_notice",
            "carrier_setting",
            "logistics_sequence",
            "proof",
            "temperature_sample",
            "shipment_hold",
            "tracking_event",
            "handling_unit",
            "shipment_leg",
            "shipment",
        ];
        drop_tables(manager, &tables).await
    }
}

async fn shipments(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let restrict = ForeignKeyAction::Restrict;
    let table = Table::create()
        .table("shipment")
        .col(primary_id())
        .col(ascii(manager, "document", 64))
        .col(id("owner_id"))
        .col(optional_id("buyer_id"))
        .col(optional_id("person_id"))
        .col(id("carrier_id"))
        .col(state("mode"))
        .col(optional_id("from_id"))
        .col(ascii(manager, "origin", 12))
        .col(ascii(manager, "destination", 12))
        .col(sealed("consignee"))
        .col(text("masked_consignee", 120))
        .col(json("lines"))
        .col(optional_ascii(manager, "waybill", 40))
        .col(state("booking"))
        .col(state("state"))
        .col(state("desk"))
        .col(flag("needs_release"))
        .col(optional_moment("released_at"))
        .col(int("holds"))
        .col(long("gross_weight_g"))
        .col(ColumnDef::new("packed_weight_g").big_integer())
        .col(ColumnDef::new("weighed_g").big_integer())
        .col(ColumnDef::new("seal_number").string_len(40))
        .col(optional_ascii(manager, "seal_state", 24))
        .col(ColumnDef::new("min_deci").integer())
        .col(ColumnDef::new("max_deci").integer())
        .col(ColumnDef::new("allowed_minutes").integer())
        .col(ascii(manager, "public_code", 40))
        .col(optional_moment("promised_at"))
        .col(optional_moment("eta"))
        .col(int("eta_n"))
        .col(optional_moment("gated_out_at"))
        .col(optional_moment("signed_at"))
        .col(int("version"))
        .col(moment("created_at"))
        .col(moment("updated_at"))
        .foreign_key(&mut refers("shipment", "owner_id", "organisation", restrict))
        .foreign_key(&mut refers("shipment", "buyer_id", "organisation", restrict))
        .foreign_key(&mut refers("shipment", "person_id", "person", restrict))
        .foreign_key(&mut refers("shipment", "carrier_id", "organisation", restrict))
        .foreign_key(&mut refers("shipment", "from_id", "stock_location", restrict))
        .check(("ck_shipment_holds", Expr::cust("holds >= 0 AND gross_weight_g > 0")))
        .check((
            "ck_shipment_out",
            Expr::cust(
                "desk <> 'gate_out' OR (gated_out_at IS NOT NULL AND (released_at IS NOT NULL OR NOT needs_release))",
            ),
        ))
        .take();
    manager.create_table(table).await?;
    unique(manager, "shipment", &["document"]).await?;
    unique(manager, "shipment", &["public_code"]).await?;
    unique(manager, "shipment", &["carrier_id", "waybill"]).await?;
    index(manager, "shipment", &["owner_id", "id"]).await?;
    index(manager, "shipment", &["buyer_id", "id"]).await?;
    index(manager, "shipment", &["person_id", "id"]).await?;
    index(manager, "shipment", &["carrier_id", "id"]).await?;
    index(manager, "shipment", &["from_id"]).await?;
    // What was handed over in a time, for figures.
    index(manager, "shipment", &["carrier_id", "signed_at"]).await
}

async fn parts(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let restrict = ForeignKeyAction::Restrict;
    let leg = Table::create()
        .table("shipment_leg")
        .col(primary_id())
        .col(id("shipment_id"))
        .col(int("number"))
        .col(state("mode"))
        .col(id("carrier_id"))
        .col(ascii(manager, "origin", 12))
        .col(ascii(manager, "destination", 12))
        .col(optional_moment("departed_at"))
        .col(optional_moment("arrived_at"))
        .foreign_key(&mut refers("shipment_leg", "shipment_id", "shipment", restrict))
        .foreign_key(&mut refers("shipment_leg", "carrier_id", "organisation", restrict))
        .take();
    manager.create_table(leg).await?;
    unique(manager, "shipment_leg", &["shipment_id", "number"]).await?;
    // What legs of a carrier took lately.
    index(manager, "shipment_leg", &["carrier_id", "mode", "arrived_at"]).await?;

    let unit = Table::create()
        .table("handling_unit")
        .col(primary_id())
        .col(id("shipment_id"))
        .col(optional_id("parent_id"))
        .col(ascii(manager, "sscc", 18))
        .col(long("weight_g"))
        .col(moment("packed_at"))
        .foreign_key(&mut refers("handling_unit", "shipment_id", "shipment", restrict))
        .foreign_key(&mut refers("handling_unit", "parent_id", "handling_unit", restrict))
        .check(("ck_handling_unit_weight", Expr::cust("weight_g > 0")))
        .take();
    manager.create_table(unit).await?;
    unique(manager, "handling_unit", &["sscc"]).await?;
    index(manager, "handling_unit", &["shipment_id", "id"]).await?;
    index(manager, "handling_unit", &["parent_id"]).await?;

    let sequence = Table::create()
        .table("logistics_sequence")
        .col(ascii(manager, "name", 24).primary_key().take())
        .col(long("next"))
        .take();
    manager.create_table(sequence).await
}

async fn events(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let event = Table::create()
        .table("tracking_event")
        .col(primary_id())
        .col(id("shipment_id"))
        .col(ascii(manager, "event_id", 140))
        .col(flag("declares_error"))
        .col(state("kind"))
        .col(state("action"))
        .col(state("biz_step"))
        .col(optional_ascii(manager, "disposition", 24))
        .col(ColumnDef::new("read_point").string_len(120))
        .col(ColumnDef::new("biz_location").string_len(120))
        .col(moment("event_time"))
        .col(ascii(manager, "zone_offset", 6))
        .col(moment("record_time"))
        .col(json("epcs"))
        .col(ColumnDef::new("note").string_len(300))
        .col(optional_moment("declared_at"))
        .col(ColumnDef::new("error_reason").string_len(300))
        .col(json("corrective"))
        .col(text("reported_by", 120))
        .foreign_key(&mut refers("tracking_event", "shipment_id", "shipment", ForeignKeyAction::Restrict))
        .take();
    manager.create_table(event).await?;
    unique(manager, "tracking_event", &["shipment_id", "event_id", "declares_error"]).await?;
    index(manager, "tracking_event", &["shipment_id", "event_time", "id"]).await?;
    events_stay(manager).await
}

/// What was reported is never changed, whoever writes SQL.
pub(crate) async fn events_stay(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let statements: &[&str] = match manager.get_database_backend() {
        DbBackend::Postgres => &[
            "CREATE FUNCTION tracking_event_is_append_only() RETURNS trigger LANGUAGE plpgsql AS \
             $$ BEGIN RAISE EXCEPTION 'tracking events are append-only'; END $$",
            "CREATE TRIGGER tracking_event_append_only BEFORE UPDATE OR DELETE ON tracking_event \
             FOR EACH ROW EXECUTE FUNCTION tracking_event_is_append_only()",
        ],
        _ => &[
            "CREATE TRIGGER tracking_event_no_update BEFORE UPDATE ON tracking_event \
             BEGIN SELECT RAISE(ABORT, 'tracking events are append-only'); END",
            "CREATE TRIGGER tracking_event_no_delete BEFORE DELETE ON tracking_event \
             BEGIN SELECT RAISE(ABORT, 'tracking events are append-only'); END",
        ],
    };
    for statement in statements {
        manager.get_connection().execute_unprepared(statement).await?;
    }
    Ok(())
}

async fn beside(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let restrict = ForeignKeyAction::Restrict;
    let hold = Table::create()
        .table("shipment_hold")
        .col(primary_id())
        .col(id("shipment_id"))
        .col(state("reason"))
        .col(text("note", 300))
        .col(optional_id("held_for"))
        .col(text("held_by", 120))
        .col(moment("held_at"))
        .col(ColumnDef::new("lifted_by").string_len(120))
        .col(optional_moment("lifted_at"))
        .foreign_key(&mut refers("shipment_hold", "shipment_id", "shipment", restrict))
        .foreign_key(&mut refers("shipment_hold", "held_for", "organisation", restrict))
        .take();
    manager.create_table(hold).await?;
    index(manager, "shipment_hold", &["shipment_id", "id"]).await?;
    index(manager, "shipment_hold", &["held_for"]).await?;

    let sample = Table::create()
        .table("temperature_sample")
        .col(primary_id())
        .col(id("shipment_id"))
        .col(ascii(manager, "device", 60))
        .col(moment("at"))
        .col(int("deci"))
        .col(moment("record_time"))
        .foreign_key(&mut refers("temperature_sample", "shipment_id", "shipment", restrict))
        .take();
    manager.create_table(sample).await?;
    unique(manager, "temperature_sample", &["device", "at"]).await?;
    index(manager, "temperature_sample", &["shipment_id", "at", "id"]).await?;

    let proof = Table::create()
        .table("proof")
        .col(primary_id())
        .col(id("shipment_id"))
        .col(state("kind"))
        .col(text("name", 120))
        .col(hash(manager, "sha256"))
        .col(ascii(manager, "media_type", 80))
        .col(long("size"))
        .col(moment("taken_at"))
        .col(text("attached_by", 120))
        .col(moment("attached_at"))
        .foreign_key(&mut refers("proof", "shipment_id", "shipment", restrict))
        .check(("ck_proof_size", Expr::cust("size > 0")))
        .take();
    manager.create_table(proof).await?;
    unique(manager, "proof", &["shipment_id", "sha256"]).await
}

async fn carriers(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let restrict = ForeignKeyAction::Restrict;
    let setting = Table::create()
        .table("carrier_setting")
        .col(id("carrier_id").primary_key().take())
        .col(state("adapter"))
        .col(ColumnDef::new("url").text())
        .col(sealed("secret"))
        .col(long("next_number"))
        .col(int("version"))
        .col(moment("updated_at"))
        .foreign_key(&mut refers("carrier_setting", "carrier_id", "organisation", restrict))
        .take();
    manager.create_table(setting).await?;

    let notice = Table::create()
        .table("carrier_notice")
        .col(id("carrier_id"))
        .col(hash(manager, "digest"))
        .col(moment("at"))
        .primary_key(Index::create().col("carrier_id").col("digest"))
        .foreign_key(&mut refers("carrier_notice", "carrier_id", "organisation", restrict))
        .take();
    manager.create_table(notice).await?;
    index(manager, "carrier_notice", &["at"]).await?;

    let parcel = Table::create()
        .table("simulated_parcel")
        .col(id("carrier_id"))
        .col(ascii(manager, "number", 40))
        .col(state("fate"))
        .col(optional_moment("handed_over_at"))
        .col(flag("cancelled"))
        .primary_key(Index::create().col("carrier_id").col("number"))
        .foreign_key(&mut refers("simulated_parcel", "carrier_id", "organisation", restrict))
        .take();
    manager.create_table(parcel).await
}
