//! Devices of staff: what they did without a network, what changed meanwhile, what they may sell.

use sea_orm_migration::prelude::*;

use crate::column::{
    ascii, drop_tables, id, index, int, long, moment, optional_ascii, optional_id, optional_moment, primary_id, refers,
    state, text, unique,
};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        device(manager).await?;
        change(manager).await?;
        selling(manager).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let tables =
            ["counter_sale", "stock_lease", "slot_note", "showroom_change", "device_mutation", "showroom_device"];
        drop_tables(manager, &tables).await
    }
}

async fn device(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let restrict = ForeignKeyAction::Restrict;
    let device = Table::create()
        .table("showroom_device")
        .col(primary_id())
        .col(id("showroom_id"))
        .col(id("person_id"))
        .col(text("name", 60))
        .col(long("last_seq"))
        .col(moment("made_at"))
        .col(moment("seen_at"))
        .foreign_key(&mut refers("showroom_device", "showroom_id", "showroom", restrict))
        .foreign_key(&mut refers("showroom_device", "person_id", "person", restrict))
        .take();
    manager.create_table(device).await?;
    index(manager, "showroom_device", &["showroom_id", "id"]).await?;
    index(manager, "showroom_device", &["person_id", "id"]).await?;

    let mutation = Table::create()
        .table("device_mutation")
        .col(id("device_id"))
        .col(long("seq"))
        .col(ascii(manager, "mutation_id", 64))
        .col(ascii(manager, "what", 24))
        .col(state("outcome"))
        .col(optional_id("subject"))
        .col(optional_ascii(manager, "code", 40))
        .col(optional_ascii(manager, "field", 120))
        .col(moment("said_at"))
        .col(moment("occurred_at"))
        .col(moment("at"))
        .primary_key(Index::create().col("device_id").col("seq"))
        .foreign_key(&mut refers("device_mutation", "device_id", "showroom_device", restrict))
        .take();
    manager.create_table(mutation).await?;
    unique(manager, "device_mutation", &["device_id", "mutation_id"]).await
}

async fn change(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let restrict = ForeignKeyAction::Restrict;
    let change = Table::create()
        .table("showroom_change")
        .col(id("showroom_id"))
        .col(long("position"))
        .col(state("kind"))
        .col(id("subject"))
        .col(moment("at"))
        .primary_key(Index::create().col("showroom_id").col("position"))
        .foreign_key(&mut refers("showroom_change", "showroom_id", "showroom", restrict))
        .take();
    manager.create_table(change).await?;
    index(manager, "showroom_change", &["at"]).await?;

    let note = Table::create()
        .table("slot_note")
        .col(primary_of_slot())
        .col(id("showroom_id"))
        .col(text("text", 300))
        .col(int("version"))
        .col(ascii(manager, "written_by", 80))
        .col(moment("written_at"))
        .foreign_key(&mut refers("slot_note", "slot_id", "showroom_slot", restrict))
        .foreign_key(&mut refers("slot_note", "showroom_id", "showroom", restrict))
        .take();
    manager.create_table(note).await?;
    index(manager, "slot_note", &["showroom_id"]).await
}

fn primary_of_slot() -> ColumnDef {
    id("slot_id").primary_key().take()
}

async fn selling(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let restrict = ForeignKeyAction::Restrict;
    let lease = Table::create()
        .table("stock_lease")
        .col(primary_id())
        .col(id("showroom_id"))
        .col(id("device_id"))
        .col(id("balance_id"))
        .col(id("variant_id"))
        .col(int("quantity"))
        .col(moment("until"))
        .col(moment("made_at"))
        .foreign_key(&mut refers("stock_lease", "showroom_id", "showroom", restrict))
        .foreign_key(&mut refers("stock_lease", "device_id", "showroom_device", restrict))
        .foreign_key(&mut refers("stock_lease", "balance_id", "stock_balance", restrict))
        .foreign_key(&mut refers("stock_lease", "variant_id", "variant", restrict))
        .take();
    manager.create_table(lease).await?;
    for columns in [&["device_id", "id"][..], &["showroom_id"], &["balance_id"], &["variant_id"]] {
        index(manager, "stock_lease", columns).await?;
    }

    let sale = Table::create()
        .table("counter_sale")
        .col(primary_id())
        .col(id("showroom_id"))
        .col(id("device_id"))
        .col(text("receipt", 60))
        .col(id("variant_id"))
        .col(id("balance_id"))
        .col(int("quantity"))
        .col(state("state"))
        .col(moment("occurred_at"))
        .col(optional_ascii(manager, "decided_by", 80))
        .col(optional_moment("decided_at"))
        .foreign_key(&mut refers("counter_sale", "showroom_id", "showroom", restrict))
        .foreign_key(&mut refers("counter_sale", "device_id", "showroom_device", restrict))
        .foreign_key(&mut refers("counter_sale", "variant_id", "variant", restrict))
        .foreign_key(&mut refers("counter_sale", "balance_id", "stock_balance", restrict))
        .take();
    manager.create_table(sale).await?;
    // A receipt may have several goods.
    unique(manager, "counter_sale", &["device_id", "receipt", "balance_id"]).await?;
    for columns in [&["showroom_id", "id"][..], &["variant_id"], &["balance_id"]] {
        index(manager, "counter_sale", columns).await?;
    }
    Ok(())
}
