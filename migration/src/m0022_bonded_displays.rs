//! Bonded displays: what stands in a showroom under customs supervision, the guarantee for it, the alarms of its days.
//!
//! What must never be is refused by the database itself: more of a guarantee in use than was put in, fewer pieces than
//! none, an entry or an event that is changed.

use sea_orm_migration::{prelude::*, sea_orm::DbBackend};

use crate::column::{
    ascii, day, drop_tables, id, index, int, long, moment, optional_ascii, optional_day, optional_id, optional_moment,
    optional_text, primary_id, refers, state, text, unique,
};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        display(manager).await?;
        parts(manager).await?;
        events(manager).await?;
        alarms(manager).await?;
        guarantee(manager).await?;
        append_only(manager).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        if manager.get_database_backend() == DbBackend::Postgres {
            manager
                .get_connection()
                .execute_unprepared("DROP FUNCTION bonded_display_is_append_only() CASCADE")
                .await?;
        }
        let tables = [
            "display_guarantee_entry",
            "display_guarantee",
            "bonded_display_alarm",
            "bonded_display_event",
            "bonded_display_part",
            "bonded_display",
        ];
        drop_tables(manager, &tables).await
    }
}

async fn display(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let restrict = ForeignKeyAction::Restrict;
    let display = Table::create()
        .table("bonded_display")
        .col(primary_id())
        .col(id("organisation_id"))
        .col(id("showroom_id"))
        .col(optional_id("origin_id"))
        .col(id("from_id"))
        .col(id("variant_id"))
        .col(id("lot_id"))
        .col(long("quantity"))
        .col(long("unit_price_minor"))
        .col(long("duty_minor"))
        .col(long("consumption_minor"))
        .col(long("vat_minor"))
        .col(day("taxed_on"))
        .col(text("application_no", 60))
        .col(optional_text("outbound_no", 60))
        .col(optional_text("pass_no", 60))
        .col(day("return_by"))
        .col(optional_text("extension_no", 120))
        .col(int("version"))
        .col(ascii(manager, "created_by", 120))
        .col(moment("created_at"))
        .col(optional_moment("gated_out_at"))
        .foreign_key(&mut refers("bonded_display", "organisation_id", "organisation", restrict))
        .foreign_key(&mut refers("bonded_display", "showroom_id", "showroom", restrict))
        .foreign_key(&mut refers("bonded_display", "origin_id", "bonded_display", restrict))
        .foreign_key(&mut refers("bonded_display", "from_id", "stock_location", restrict))
        .foreign_key(&mut refers("bonded_display", "variant_id", "variant", restrict))
        .foreign_key(&mut refers("bonded_display", "lot_id", "stock_lot", restrict))
        .check((
            "ck_bonded_display",
            Expr::cust(
                "quantity > 0 AND unit_price_minor > 0 \
                 AND duty_minor >= 0 AND consumption_minor >= 0 AND vat_minor >= 0",
            ),
        ))
        .take();
    manager.create_table(display).await?;
    index(manager, "bonded_display", &["showroom_id", "id"]).await?;
    index(manager, "bonded_display", &["organisation_id", "id"]).await?;
    index(manager, "bonded_display", &["return_by"]).await?;
    index(manager, "bonded_display", &["origin_id"]).await?;
    index(manager, "bonded_display", &["from_id"]).await?;
    index(manager, "bonded_display", &["variant_id"]).await?;
    index(manager, "bonded_display", &["lot_id"]).await
}

async fn parts(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let part = Table::create()
        .table("bonded_display_part")
        .col(primary_id())
        .col(id("display_id"))
        .col(state("state"))
        .col(long("quantity"))
        .col(optional_text("cause", 24))
        .col(optional_day("left_on"))
        .col(optional_day("declare_by"))
        .col(optional_text("document", 250))
        .col(optional_ascii(manager, "declaration_no", 18))
        .col(optional_text("payment_no", 60))
        .col(int("version"))
        .col(moment("updated_at"))
        .foreign_key(&mut refers("bonded_display_part", "display_id", "bonded_display", ForeignKeyAction::Restrict))
        .check(("ck_bonded_display_part", Expr::cust("quantity >= 0")))
        .take();
    manager.create_table(part).await?;
    index(manager, "bonded_display_part", &["display_id", "id"]).await?;
    // What is to be declared; what was declared under a number.
    index(manager, "bonded_display_part", &["state", "declare_by"]).await?;
    index(manager, "bonded_display_part", &["declaration_no"]).await?;
    // Both dialects read this alike.
    let heaps = "CREATE UNIQUE INDEX uq_bonded_display_part_heap ON bonded_display_part (display_id, state) \
                 WHERE state IN ('applied', 'guarantee_locked', 'gate_out', 'on_shelf', 'return_applied')";
    manager.get_connection().execute_unprepared(heaps).await?;
    Ok(())
}

async fn events(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let restrict = ForeignKeyAction::Restrict;
    let event = Table::create()
        .table("bonded_display_event")
        .col(primary_id())
        .col(id("display_id"))
        .col(optional_id("part_id"))
        .col(state("step"))
        .col(long("quantity"))
        .col(optional_text("document", 250))
        .col(ascii(manager, "actor", 120))
        .col(moment("at"))
        .foreign_key(&mut refers("bonded_display_event", "display_id", "bonded_display", restrict))
        .foreign_key(&mut refers("bonded_display_event", "part_id", "bonded_display_part", restrict))
        .check(("ck_bonded_display_event", Expr::cust("quantity > 0")))
        .take();
    manager.create_table(event).await?;
    index(manager, "bonded_display_event", &["display_id", "id"]).await?;
    index(manager, "bonded_display_event", &["part_id"]).await
}

async fn alarms(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let restrict = ForeignKeyAction::Restrict;
    let alarm = Table::create()
        .table("bonded_display_alarm")
        .col(primary_id())
        .col(id("display_id"))
        .col(optional_id("part_id"))
        .col(id("showroom_id"))
        .col(state("kind"))
        .col(day("due_on"))
        .col(int("days"))
        .col(ascii(manager, "alarm_key", 120))
        .col(moment("raised_at"))
        .col(optional_ascii(manager, "acknowledged_by", 120))
        .col(optional_moment("acknowledged_at"))
        .foreign_key(&mut refers("bonded_display_alarm", "display_id", "bonded_display", restrict))
        .foreign_key(&mut refers("bonded_display_alarm", "part_id", "bonded_display_part", restrict))
        .foreign_key(&mut refers("bonded_display_alarm", "showroom_id", "showroom", restrict))
        .take();
    manager.create_table(alarm).await?;
    unique(manager, "bonded_display_alarm", &["alarm_key"]).await?;
    index(manager, "bonded_display_alarm", &["showroom_id", "id"]).await?;
    index(manager, "bonded_display_alarm", &["display_id"]).await?;
    index(manager, "bonded_display_alarm", &["part_id"]).await
}

async fn guarantee(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let restrict = ForeignKeyAction::Restrict;
    let account = Table::create()
        .table("display_guarantee")
        .col(id("organisation_id").primary_key().take())
        .col(long("balance_minor"))
        .col(long("used_minor"))
        .col(int("version"))
        .foreign_key(&mut refers("display_guarantee", "organisation_id", "organisation", restrict))
        .check(("ck_display_guarantee", Expr::cust("used_minor >= 0 AND used_minor <= balance_minor")))
        .take();
    manager.create_table(account).await?;

    let entry = Table::create()
        .table("display_guarantee_entry")
        .col(primary_id())
        .col(id("organisation_id"))
        .col(state("reason"))
        .col(long("balance_minor"))
        .col(long("used_minor"))
        .col(optional_id("display_id"))
        .col(text("document", 120))
        .col(ascii(manager, "entry_key", 120))
        .col(ascii(manager, "actor", 120))
        .col(moment("at"))
        .foreign_key(&mut refers("display_guarantee_entry", "organisation_id", "organisation", restrict))
        .foreign_key(&mut refers("display_guarantee_entry", "display_id", "bonded_display", restrict))
        .take();
    manager.create_table(entry).await?;
    unique(manager, "display_guarantee_entry", &["entry_key"]).await?;
    index(manager, "display_guarantee_entry", &["organisation_id", "id"]).await?;
    index(manager, "display_guarantee_entry", &["display_id"]).await
}

async fn append_only(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let db = manager.get_connection();
    let postgres = manager.get_database_backend() == DbBackend::Postgres;
    if postgres {
        db.execute_unprepared(
            "CREATE FUNCTION bonded_display_is_append_only() RETURNS trigger LANGUAGE plpgsql AS \
             $$ BEGIN RAISE EXCEPTION 'events of bonded displays and their guarantee are append-only'; END $$",
        )
        .await?;
    }
    for table in ["bonded_display_event", "display_guarantee_entry"] {
        if postgres {
            db.execute_unprepared(&format!(
                "CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table} \
                 FOR EACH ROW EXECUTE FUNCTION bonded_display_is_append_only()"
            ))
            .await?;
            continue;
        }
        for what in ["UPDATE", "DELETE"] {
            db.execute_unprepared(&format!(
                "CREATE TRIGGER {table}_no_{} BEFORE {what} ON {table} \
                 BEGIN SELECT RAISE(ABORT, 'events of bonded displays and their guarantee are append-only'); END",
                what.to_lowercase()
            ))
            .await?;
        }
    }
    Ok(())
}
