//! What the promises are kept in: repeats, jobs, audit, change feed, signing keys, webhooks.

use sea_orm_migration::{prelude::*, sea_orm::DbBackend};

use crate::column::{
    ascii, drop_tables, flag, hash, id, index, int, json, long, moment, optional_id, optional_moment, primary_id,
    refers, sealed, seq, state, text, unique,
};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let request = Table::create()
            .table("idempotent_request")
            .col(hash(manager, "key").primary_key().take())
            .col(hash(manager, "request"))
            .col(ColumnDef::new("answer").text().not_null())
            .col(moment("at"))
            .take();
        manager.create_table(request).await?;
        index(manager, "idempotent_request", &["at"]).await?;

        let job = Table::create()
            .table("job")
            .col(seq())
            .col(id("id"))
            .col(ascii(manager, "kind", 48))
            .col(ascii(manager, "aggregate", 80))
            .col(ColumnDef::new("payload").text().not_null())
            .col(state("state"))
            .col(int("attempts"))
            .col(moment("run_at"))
            .col(optional_id("worker"))
            .col(optional_moment("lease_until"))
            .col(ColumnDef::new("reason").text().null())
            .col(moment("created_at"))
            .take();
        manager.create_table(job).await?;
        unique(manager, "job", &["id"]).await?;
        index(manager, "job", &["state", "run_at", "seq"]).await?;
        index(manager, "job", &["state", "lease_until"]).await?;
        index(manager, "job", &["aggregate", "seq"]).await?;

        let key = Table::create()
            .table("signing_key")
            .col(ascii(manager, "kid", 32).primary_key().take())
            .col(ascii(manager, "public_key", 64))
            .col(sealed("private_key"))
            .col(moment("created_at"))
            .col(moment("retires_at"))
            .take();
        manager.create_table(key).await?;

        audit(manager).await?;
        feed(manager).await?;
        webhooks(manager).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        if manager.get_database_backend() == DbBackend::Postgres {
            manager.get_connection().execute_unprepared("DROP FUNCTION audit_is_append_only() CASCADE").await?;
        }
        drop_tables(
            manager,
            &[
                "webhook_attempt",
                "webhook_delivery",
                "webhook_endpoint",
                "feed_head",
                "feed_entry",
                "audit_head",
                "audit_entry",
                "signing_key",
                "job",
                "idempotent_request",
            ],
        )
        .await
    }
}

async fn audit(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let entry = Table::create()
        .table("audit_entry")
        .col(primary_id())
        .col(id("chain_id"))
        .col(long("seq"))
        .col(ascii(manager, "node", 40))
        .col(text("actor", 120))
        .col(ascii(manager, "action", 64))
        .col(moment("at"))
        .col(ColumnDef::new("body").text().not_null())
        .col(hash(manager, "hash"))
        .take();
    manager.create_table(entry).await?;
    unique(manager, "audit_entry", &["chain_id", "seq"]).await?;
    index(manager, "audit_entry", &["node", "id"]).await?;

    let head = Table::create()
        .table("audit_head")
        .col(id("chain_id").primary_key().take())
        .col(long("seq"))
        .col(hash(manager, "hash"))
        .take();
    manager.create_table(head).await?;

    // A mistaken statement is refused by the database itself. Whoever may drop the trigger may still change
    // an entry: that is what the chain is for.
    let statements: &[&str] = match manager.get_database_backend() {
        DbBackend::Postgres => &[
            "CREATE FUNCTION audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS \
             $$ BEGIN RAISE EXCEPTION 'the audit is append-only'; END $$",
            "CREATE TRIGGER audit_entry_append_only BEFORE UPDATE OR DELETE ON audit_entry \
             FOR EACH ROW EXECUTE FUNCTION audit_is_append_only()",
            "CREATE TRIGGER audit_entry_no_truncate BEFORE TRUNCATE ON audit_entry \
             FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only()",
        ],
        _ => &[
            "CREATE TRIGGER audit_entry_no_update BEFORE UPDATE ON audit_entry \
             BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END",
            "CREATE TRIGGER audit_entry_no_delete BEFORE DELETE ON audit_entry \
             BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END",
            // REPLACE deletes without asking the trigger above.
            "CREATE TRIGGER audit_entry_no_replace BEFORE INSERT ON audit_entry \
             WHEN EXISTS (SELECT 1 FROM audit_entry e WHERE e.id = NEW.id OR (e.chain_id = NEW.chain_id AND e.seq = NEW.seq)) \
             BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END",
        ],
    };
    for statement in statements {
        manager.get_connection().execute_unprepared(statement).await?;
    }
    Ok(())
}

async fn feed(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let entry = Table::create()
        .table("feed_entry")
        .col(seq())
        .col(id("id"))
        .col(ColumnDef::new("position").big_integer().null())
        .col(id("audience_id"))
        .col(ascii(manager, "event", 48))
        .col(ascii(manager, "node", 40))
        .col(int("version"))
        .col(moment("at"))
        .foreign_key(&mut refers("feed_entry", "audience_id", "organisation", ForeignKeyAction::Restrict))
        .take();
    manager.create_table(entry).await?;
    unique(manager, "feed_entry", &["id"]).await?;
    unique(manager, "feed_entry", &["position"]).await?;
    index(manager, "feed_entry", &["audience_id", "position"]).await?;

    let head = Table::create()
        .table("feed_head")
        .col(ColumnDef::new("id").integer().not_null().primary_key())
        .col(long("position"))
        .take();
    manager.create_table(head).await?;
    manager.get_connection().execute_unprepared("INSERT INTO feed_head (id, position) VALUES (1, 0)").await?;
    Ok(())
}

async fn webhooks(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let endpoint = Table::create()
        .table("webhook_endpoint")
        .col(primary_id())
        .col(id("organisation_id"))
        .col(ColumnDef::new("url").text().not_null())
        .col(json("events"))
        .col(sealed("secret"))
        .col(ColumnDef::new("previous_secret").binary().null())
        .col(optional_moment("previous_until"))
        .col(flag("enabled"))
        .col(int("failures"))
        .col(optional_moment("open_until"))
        .col(int("version"))
        .col(moment("created_at"))
        .foreign_key(&mut refers("webhook_endpoint", "organisation_id", "organisation", ForeignKeyAction::Restrict))
        .take();
    manager.create_table(endpoint).await?;
    index(manager, "webhook_endpoint", &["organisation_id", "id"]).await?;

    let delivery = Table::create()
        .table("webhook_delivery")
        .col(primary_id())
        .col(id("endpoint_id"))
        .col(id("event_id"))
        .col(ascii(manager, "event", 48))
        .col(ColumnDef::new("body").text().not_null())
        .col(state("state"))
        .col(int("attempts"))
        .col(moment("created_at"))
        .col(optional_moment("finished_at"))
        .foreign_key(&mut refers("webhook_delivery", "endpoint_id", "webhook_endpoint", ForeignKeyAction::Cascade))
        .take();
    manager.create_table(delivery).await?;
    unique(manager, "webhook_delivery", &["endpoint_id", "event_id"]).await?;
    index(manager, "webhook_delivery", &["endpoint_id", "id"]).await?;
    index(manager, "webhook_delivery", &["state", "finished_at"]).await?;

    let attempt = Table::create()
        .table("webhook_attempt")
        .col(primary_id())
        .col(id("delivery_id"))
        .col(ColumnDef::new("status").integer().null())
        .col(ColumnDef::new("error").text().null())
        .col(int("millis"))
        .col(moment("at"))
        .foreign_key(&mut refers("webhook_attempt", "delivery_id", "webhook_delivery", ForeignKeyAction::Cascade))
        .take();
    manager.create_table(attempt).await?;
    index(manager, "webhook_attempt", &["delivery_id", "id"]).await
}
