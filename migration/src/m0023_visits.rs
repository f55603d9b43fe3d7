//! Visits of a showroom: slots that can be booked, appointments, who is there, and how many came through its doors.
//!
//! What must never be is refused by the database itself: more parties than a slot takes, somebody who receives
//! visitors in two slots at once, somebody who has booked two places for one time, a visit counted twice for an
//! appointment.

use sea_orm_migration::prelude::*;

use crate::column::{
    ascii, drop_index, drop_tables, flag, id, index, int, long, moment, optional_ascii, optional_id, optional_moment,
    primary_id, refers, state, unique,
};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        slots(manager).await?;
        appointments(manager).await?;
        visits(manager).await?;
        footfall(manager).await?;
        // What stood in a slot in a time, for figures.
        index(manager, "display", &["showroom_id", "ended_at"]).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_index(manager, "ix_display_showroom_id_ended_at", "display").await?;
        let tables = ["footfall_sample", "visit", "visitor_hold", "appointment", "host_hold", "visit_slot"];
        drop_tables(manager, &tables).await
    }
}

async fn slots(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let restrict = ForeignKeyAction::Restrict;
    let slot = Table::create()
        .table("visit_slot")
        .col(primary_id())
        .col(id("showroom_id"))
        .col(optional_id("host_id"))
        .col(moment("starts_at"))
        .col(moment("ends_at"))
        .col(int("capacity"))
        .col(int("booked"))
        .col(flag("auto_confirm"))
        .col(state("state"))
        .col(ascii(manager, "created_by", 80))
        .col(moment("created_at"))
        .foreign_key(&mut refers("visit_slot", "showroom_id", "showroom", restrict))
        .foreign_key(&mut refers("visit_slot", "host_id", "person", restrict))
        .check(("ck_visit_slot_booked", Expr::cust("capacity > 0 AND booked >= 0 AND booked <= capacity")))
        .take();
    manager.create_table(slot).await?;
    index(manager, "visit_slot", &["showroom_id", "starts_at", "id"]).await?;
    index(manager, "visit_slot", &["host_id"]).await?;

    let hold = Table::create()
        .table("host_hold")
        .col(id("host_id"))
        .col(long("step"))
        .col(id("slot_id"))
        .primary_key(Index::create().col("host_id").col("step"))
        .foreign_key(&mut refers("host_hold", "host_id", "person", restrict))
        .foreign_key(&mut refers("host_hold", "slot_id", "visit_slot", restrict))
        .take();
    manager.create_table(hold).await?;
    index(manager, "host_hold", &["slot_id"]).await?;
    // Time that has passed is forgotten.
    index(manager, "host_hold", &["step"]).await
}

async fn appointments(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let restrict = ForeignKeyAction::Restrict;
    let appointment = Table::create()
        .table("appointment")
        .col(primary_id())
        .col(id("showroom_id"))
        .col(id("slot_id"))
        .col(id("person_id"))
        .col(ascii(manager, "code", 6))
        .col(int("party_size"))
        .col(ColumnDef::new("wishes").binary().null())
        .col(state("state"))
        .col(moment("starts_at"))
        .col(moment("ends_at"))
        .col(optional_id("follows_id"))
        .col(flag("by_showroom"))
        .col(int("version"))
        .col(moment("created_at"))
        .col(optional_moment("confirmed_at"))
        .col(optional_moment("ended_at"))
        .foreign_key(&mut refers("appointment", "showroom_id", "showroom", restrict))
        .foreign_key(&mut refers("appointment", "slot_id", "visit_slot", restrict))
        .foreign_key(&mut refers("appointment", "person_id", "person", restrict))
        .foreign_key(&mut refers("appointment", "follows_id", "appointment", restrict))
        .take();
    manager.create_table(appointment).await?;
    unique(manager, "appointment", &["showroom_id", "code"]).await?;
    index(manager, "appointment", &["showroom_id", "starts_at", "id"]).await?;
    index(manager, "appointment", &["person_id", "id"]).await?;
    index(manager, "appointment", &["slot_id", "state"]).await?;
    // Whose time is up.
    index(manager, "appointment", &["state", "ends_at"]).await?;
    index(manager, "appointment", &["follows_id"]).await?;

    let hold = Table::create()
        .table("visitor_hold")
        .col(id("person_id"))
        .col(long("step"))
        .col(id("appointment_id"))
        .primary_key(Index::create().col("person_id").col("step"))
        .foreign_key(&mut refers("visitor_hold", "person_id", "person", restrict))
        .foreign_key(&mut refers("visitor_hold", "appointment_id", "appointment", restrict))
        .take();
    manager.create_table(hold).await?;
    index(manager, "visitor_hold", &["appointment_id"]).await?;
    index(manager, "visitor_hold", &["step"]).await
}

async fn visits(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let restrict = ForeignKeyAction::Restrict;
    let visit = Table::create()
        .table("visit")
        .col(primary_id())
        .col(id("showroom_id"))
        .col(optional_id("appointment_id"))
        .col(int("party_size"))
        .col(state("state"))
        .col(moment("arrived_at"))
        .col(optional_moment("left_at"))
        .col(ascii(manager, "checked_in_by", 80))
        .col(optional_ascii(manager, "checked_out_by", 80))
        .foreign_key(&mut refers("visit", "showroom_id", "showroom", restrict))
        .foreign_key(&mut refers("visit", "appointment_id", "appointment", restrict))
        .check(("ck_visit_left", Expr::cust("(left_at IS NULL) = (state <> 'left')")))
        .take();
    manager.create_table(visit).await?;
    unique(manager, "visit", &["appointment_id"]).await?;
    index(manager, "visit", &["showroom_id", "id"]).await?;
    index(manager, "visit", &["showroom_id", "arrived_at"]).await?;
    // Who was forgotten.
    index(manager, "visit", &["state", "arrived_at"]).await
}

async fn footfall(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let sample = Table::create()
        .table("footfall_sample")
        .col(id("showroom_id"))
        .col(moment("bucket_start"))
        .col(ascii(manager, "door", 40))
        .col(ascii(manager, "source", 40))
        .col(int("entered"))
        .col(int("exited"))
        .col(int("staff"))
        .col(ascii(manager, "told_by", 80))
        .col(moment("told_at"))
        // In this order: figures read a time of a showroom, whatever its doors.
        .primary_key(Index::create().col("showroom_id").col("bucket_start").col("door").col("source"))
        .foreign_key(&mut refers("footfall_sample", "showroom_id", "showroom", ForeignKeyAction::Restrict))
        .check(("ck_footfall_sample_counts", Expr::cust("entered >= 0 AND exited >= 0 AND staff >= 0")))
        .take();
    manager.create_table(sample).await
}
