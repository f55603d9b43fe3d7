//! Financing: programmes, limits and what is taken of them, requests with their receivables, offers, and what keeps one
//! invoice from being financed twice.
//!
//! Of one receivable one encumbrance is live, of one invoice one fingerprint: indexes over what is live, which both
//! databases have. No limit has less than nothing taken of it, and each thing is done to it once for one request.

use sea_orm_migration::prelude::*;

use crate::column::{
    append_only, ascii, day, drop_append_only, drop_tables, flag, hash, id, index, int, json, long, moment,
    optional_day, optional_id, optional_moment, optional_text, primary_id, refers, state, text, unique,
};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// Tables whose rows are never changed, and what is said to who tries.
const APPEND_ONLY: [(&str, &str); 2] = [
    ("financing_limit_entry", "what was taken of a limit is append-only"),
    ("financing_item", "what a request is about is append-only"),
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        standing(manager).await?;
        programme(manager).await?;
        limit(manager).await?;
        request(manager).await?;
        offer(manager).await?;
        guards(manager).await?;
        append_only(manager, &APPEND_ONLY).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_append_only(manager, &APPEND_ONLY).await?;
        let tables = [
            "financed_fingerprint",
            "encumbrance",
            "financing_offer",
            "financing_item",
            "financing_request",
            "financing_limit_entry",
            "financing_limit",
            "financing_programme",
            "sanctioned_party",
            "related_party",
        ];
        drop_tables(manager, &tables).await
    }
}

async fn standing(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let restrict = ForeignKeyAction::Restrict;
    let related = Table::create()
        .table("related_party")
        .col(id("one_id"))
        .col(id("other_id"))
        .col(text("reason", 300))
        .col(text("by", 120))
        .col(moment("at"))
        .primary_key(Index::create().col("one_id").col("other_id"))
        .foreign_key(&mut refers("related_party", "one_id", "organisation", restrict))
        .foreign_key(&mut refers("related_party", "other_id", "organisation", restrict))
        .check(("ck_related_party", Expr::cust("one_id < other_id")))
        .take();
    manager.create_table(related).await?;
    index(manager, "related_party", &["other_id"]).await?;
    let sanctioned = Table::create()
        .table("sanctioned_party")
        .col(id("organisation_id").primary_key())
        .col(text("reason", 300))
        .col(text("by", 120))
        .col(moment("at"))
        .foreign_key(&mut refers("sanctioned_party", "organisation_id", "organisation", restrict))
        .take();
    manager.create_table(sanctioned).await
}

async fn programme(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let restrict = ForeignKeyAction::Restrict;
    let programme = Table::create()
        .table("financing_programme")
        .col(primary_id())
        .col(ascii(manager, "number", 24))
        .col(id("financier_id"))
        .col(optional_id("anchor_id"))
        .col(text("name", 80))
        .col(ascii(manager, "technique", 40))
        .col(ascii(manager, "currency", 3))
        .col(json("terms"))
        .col(json("rules"))
        .col(int("rules_version"))
        .col(state("state"))
        .col(text("made_by", 120))
        .col(optional_text("approved_by", 120))
        .col(int("version"))
        .col(moment("created_at"))
        .col(moment("updated_at"))
        .foreign_key(&mut refers("financing_programme", "financier_id", "organisation", restrict))
        .foreign_key(&mut refers("financing_programme", "anchor_id", "organisation", restrict))
        .take();
    manager.create_table(programme).await?;
    unique(manager, "financing_programme", &["number"]).await?;
    index(manager, "financing_programme", &["financier_id", "id"]).await?;
    index(manager, "financing_programme", &["anchor_id"]).await?;
    index(manager, "financing_programme", &["state", "id"]).await
}

async fn limit(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let restrict = ForeignKeyAction::Restrict;
    let limit = Table::create()
        .table("financing_limit")
        .col(primary_id())
        .col(id("financier_id"))
        .col(state("kind"))
        .col(optional_id("seller_id"))
        .col(optional_id("debtor_id"))
        .col(optional_id("programme_id"))
        .col(ascii(manager, "scope_key", 120))
        .col(ascii(manager, "currency", 3))
        .col(state("state"))
        .col(long("sanctioned_minor"))
        .col(long("adhoc_minor"))
        .col(optional_day("adhoc_from"))
        .col(optional_day("adhoc_to"))
        .col(day("effective_on"))
        .col(day("expires_on"))
        .col(long("blocked_minor"))
        .col(long("utilised_minor"))
        .col(ColumnDef::new("proposal").json_binary().null())
        .col(int("version"))
        .col(moment("created_at"))
        .col(moment("updated_at"))
        .foreign_key(&mut refers("financing_limit", "financier_id", "organisation", restrict))
        .foreign_key(&mut refers("financing_limit", "seller_id", "organisation", restrict))
        .foreign_key(&mut refers("financing_limit", "debtor_id", "organisation", restrict))
        .foreign_key(&mut refers("financing_limit", "programme_id", "financing_programme", restrict))
        .check((
            "ck_financing_limit",
            Expr::cust("sanctioned_minor >= 0 AND adhoc_minor >= 0 AND blocked_minor >= 0 AND utilised_minor >= 0"),
        ))
        .take();
    manager.create_table(limit).await?;
    unique(manager, "financing_limit", &["financier_id", "scope_key", "currency"]).await?;
    index(manager, "financing_limit", &["financier_id", "id"]).await?;
    index(manager, "financing_limit", &["seller_id", "id"]).await?;
    index(manager, "financing_limit", &["debtor_id", "id"]).await?;
    index(manager, "financing_limit", &["programme_id"]).await?;
    let entry = Table::create()
        .table("financing_limit_entry")
        .col(primary_id())
        .col(id("limit_id"))
        .col(state("kind"))
        .col(long("amount_minor"))
        .col(ascii(manager, "reference", 80))
        .col(moment("at"))
        .foreign_key(&mut refers("financing_limit_entry", "limit_id", "financing_limit", restrict))
        .check(("ck_financing_limit_entry", Expr::cust("amount_minor > 0")))
        .take();
    manager.create_table(entry).await?;
    unique(manager, "financing_limit_entry", &["limit_id", "reference", "kind"]).await?;
    index(manager, "financing_limit_entry", &["limit_id", "id"]).await?;
    index(manager, "financing_limit_entry", &["reference"]).await
}

async fn request(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let restrict = ForeignKeyAction::Restrict;
    let request = Table::create()
        .table("financing_request")
        .col(primary_id())
        .col(ascii(manager, "number", 24))
        .col(id("programme_id"))
        .col(id("financier_id"))
        .col(id("seller_id"))
        .col(state("state"))
        .col(ascii(manager, "currency", 3))
        .col(long("face_minor"))
        .col(long("principal_minor"))
        .col(day("wanted_on"))
        .col(json("terms"))
        .col(json("rules"))
        .col(int("rules_version"))
        .col(json("quote"))
        .col(text("submitted_by", 120))
        .col(optional_text("note", 500))
        .col(optional_text("answer", 500))
        .col(int("version"))
        .col(moment("created_at"))
        .col(moment("updated_at"))
        .foreign_key(&mut refers("financing_request", "programme_id", "financing_programme", restrict))
        .foreign_key(&mut refers("financing_request", "financier_id", "organisation", restrict))
        .foreign_key(&mut refers("financing_request", "seller_id", "organisation", restrict))
        .check(("ck_financing_request", Expr::cust("principal_minor > 0 AND principal_minor <= face_minor")))
        .take();
    manager.create_table(request).await?;
    unique(manager, "financing_request", &["number"]).await?;
    index(manager, "financing_request", &["financier_id", "id"]).await?;
    index(manager, "financing_request", &["seller_id", "id"]).await?;
    index(manager, "financing_request", &["programme_id", "id"]).await?;
    let item = Table::create()
        .table("financing_item")
        .col(primary_id())
        .col(id("request_id"))
        .col(int("position"))
        .col(id("receivable_id"))
        .col(id("debtor_id"))
        .col(long("face_minor"))
        .col(long("principal_minor"))
        .col(day("due_on"))
        .foreign_key(&mut refers("financing_item", "request_id", "financing_request", restrict))
        .foreign_key(&mut refers("financing_item", "receivable_id", "receivable", restrict))
        .foreign_key(&mut refers("financing_item", "debtor_id", "organisation", restrict))
        .check(("ck_financing_item", Expr::cust("principal_minor > 0 AND principal_minor <= face_minor")))
        .take();
    manager.create_table(item).await?;
    unique(manager, "financing_item", &["request_id", "position"]).await?;
    unique(manager, "financing_item", &["request_id", "receivable_id"]).await?;
    index(manager, "financing_item", &["receivable_id"]).await?;
    index(manager, "financing_item", &["debtor_id"]).await
}

async fn offer(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let restrict = ForeignKeyAction::Restrict;
    let offer = Table::create()
        .table("financing_offer")
        .col(primary_id())
        .col(id("request_id"))
        .col(state("state"))
        .col(json("terms"))
        .col(json("quote"))
        .col(hash(manager, "terms_sha256"))
        .col(moment("expires_at"))
        .col(text("made_by", 120))
        .col(optional_id("maker_id"))
        .col(optional_text("checked_by", 120))
        .col(optional_text("reason", 300))
        .col(optional_text("accepted_by", 120))
        .col(optional_moment("accepted_at"))
        .col(int("version"))
        .col(moment("created_at"))
        .foreign_key(&mut refers("financing_offer", "request_id", "financing_request", restrict))
        .foreign_key(&mut refers("financing_offer", "maker_id", "person", restrict))
        .take();
    manager.create_table(offer).await?;
    index(manager, "financing_offer", &["request_id", "id"]).await?;
    index(manager, "financing_offer", &["state", "expires_at"]).await?;
    index(manager, "financing_offer", &["maker_id"]).await
}

async fn guards(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let restrict = ForeignKeyAction::Restrict;
    let encumbrance = Table::create()
        .table("encumbrance")
        .col(primary_id())
        .col(id("receivable_id"))
        .col(id("request_id"))
        .col(id("financier_id"))
        .col(long("amount_minor"))
        .col(flag("live"))
        .col(moment("created_at"))
        .col(optional_moment("ended_at"))
        .foreign_key(&mut refers("encumbrance", "receivable_id", "receivable", restrict))
        .foreign_key(&mut refers("encumbrance", "request_id", "financing_request", restrict))
        .foreign_key(&mut refers("encumbrance", "financier_id", "organisation", restrict))
        .check(("ck_encumbrance", Expr::cust("amount_minor > 0")))
        .take();
    manager.create_table(encumbrance).await?;
    index(manager, "encumbrance", &["receivable_id", "id"]).await?;
    index(manager, "encumbrance", &["request_id"]).await?;
    index(manager, "encumbrance", &["financier_id", "receivable_id"]).await?;
    let fingerprint = Table::create()
        .table("financed_fingerprint")
        .col(primary_id())
        .col(hash(manager, "hash"))
        .col(hash(manager, "number_hash"))
        .col(int("key_version"))
        .col(state("state"))
        .col(id("request_id"))
        .col(moment("created_at"))
        .col(moment("updated_at"))
        .foreign_key(&mut refers("financed_fingerprint", "request_id", "financing_request", restrict))
        .take();
    manager.create_table(fingerprint).await?;
    index(manager, "financed_fingerprint", &["request_id"]).await?;
    index(manager, "financed_fingerprint", &["number_hash"]).await?;
    let db = manager.get_connection();
    for statement in [
        "CREATE UNIQUE INDEX uq_encumbrance_live ON encumbrance (receivable_id) WHERE live",
        "CREATE UNIQUE INDEX uq_financed_fingerprint_live ON financed_fingerprint (hash) WHERE state <> 'cancelled'",
    ] {
        db.execute_unprepared(statement).await?;
    }
    Ok(())
}
