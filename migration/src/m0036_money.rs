//! Money of financings: what was paid out, what happened to it since, the memo ledger of that in double entry, and how
//! far the end of a day is.
//!
//! The database refuses what may be there once only: one financing of a receivable of a request, one fact for a line of
//! a financier's transaction, one reversal of a fact, one leg of a posting for an account, one end of a day.

use sea_orm_migration::prelude::*;

use crate::column::{
    append_only, ascii, day, drop_append_only, drop_tables, flag, id, index, int, json, long, moment, optional_ascii,
    optional_id, optional_moment, optional_text, primary_id, refers, state, text, unique,
};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// Tables whose rows are never changed, and what is said to who tries.
const APPEND_ONLY: [(&str, &str); 2] = [
    ("financing_fact", "what happened to a financing is append-only"),
    ("finance_posting", "the memo ledger of financings is append-only"),
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        financing(manager).await?;
        fact(manager).await?;
        posting(manager).await?;
        day_end(manager).await?;
        append_only(manager, &APPEND_ONLY).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_append_only(manager, &APPEND_ONLY).await?;
        drop_tables(manager, &["finance_day_end", "finance_posting", "financing_fact", "financing"]).await
    }
}

async fn financing(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let restrict = ForeignKeyAction::Restrict;
    let financing = Table::create()
        .table("financing")
        .col(primary_id())
        .col(id("request_id"))
        .col(id("item_id"))
        .col(id("receivable_id"))
        .col(id("programme_id"))
        .col(id("financier_id"))
        .col(id("seller_id"))
        .col(id("debtor_id"))
        .col(ascii(manager, "currency", 3))
        .col(state("state"))
        .col(flag("pledged"))
        .col(json("opening"))
        .col(json("terms"))
        .col(day("funded_on"))
        .col(day("due_on"))
        .col(day("grace_until"))
        .col(json("figures"))
        .col(day("accrued_to"))
        .col(long("face_minor"))
        .col(long("principal_minor"))
        .col(long("owed_minor"))
        .col(long("collected_minor"))
        .col(long("received_minor"))
        .col(int("version"))
        .col(moment("created_at"))
        .col(moment("updated_at"))
        .foreign_key(&mut refers("financing", "request_id", "financing_request", restrict))
        .foreign_key(&mut refers("financing", "item_id", "financing_item", restrict))
        .foreign_key(&mut refers("financing", "receivable_id", "receivable", restrict))
        .foreign_key(&mut refers("financing", "programme_id", "financing_programme", restrict))
        .foreign_key(&mut refers("financing", "financier_id", "organisation", restrict))
        .foreign_key(&mut refers("financing", "seller_id", "organisation", restrict))
        .foreign_key(&mut refers("financing", "debtor_id", "organisation", restrict))
        .check((
            "ck_financing",
            Expr::cust(
                "face_minor > 0 AND principal_minor >= 0 AND owed_minor >= principal_minor \
                 AND collected_minor >= 0 AND collected_minor <= face_minor AND received_minor >= 0",
            ),
        ))
        .take();
    manager.create_table(financing).await?;
    unique(manager, "financing", &["item_id"]).await?;
    index(manager, "financing", &["request_id", "id"]).await?;
    index(manager, "financing", &["receivable_id", "id"]).await?;
    index(manager, "financing", &["programme_id"]).await?;
    index(manager, "financing", &["financier_id", "id"]).await?;
    index(manager, "financing", &["seller_id", "id"]).await?;
    index(manager, "financing", &["debtor_id"]).await?;
    // What a financier has out, by how late it is.
    index(manager, "financing", &["financier_id", "state", "due_on"]).await?;
    // What the end of a day goes through, and whether there is any.
    index(manager, "financing", &["state", "id"]).await?;
    index(manager, "financing", &["state", "accrued_to"]).await
}

async fn fact(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let restrict = ForeignKeyAction::Restrict;
    let fact = Table::create()
        .table("financing_fact")
        .col(primary_id())
        .col(id("financing_id"))
        .col(id("financier_id"))
        .col(state("kind"))
        .col(optional_text("payer", 24))
        .col(long("amount_minor"))
        .col(day("value_date"))
        .col(optional_ascii(manager, "bank_reference", 64))
        .col(int("line"))
        .col(optional_text("note", 300))
        .col(optional_id("reverses_id"))
        .col(text("by", 120))
        .col(moment("at"))
        .foreign_key(&mut refers("financing_fact", "financing_id", "financing", restrict))
        .foreign_key(&mut refers("financing_fact", "financier_id", "organisation", restrict))
        .foreign_key(&mut refers("financing_fact", "reverses_id", "financing_fact", restrict))
        .check(("ck_financing_fact", Expr::cust("amount_minor >= 0 AND line > 0")))
        .take();
    manager.create_table(fact).await?;
    unique(manager, "financing_fact", &["financier_id", "kind", "bank_reference", "line"]).await?;
    unique(manager, "financing_fact", &["reverses_id"]).await?;
    index(manager, "financing_fact", &["financing_id", "id"]).await
}

async fn posting(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let restrict = ForeignKeyAction::Restrict;
    let posting = Table::create()
        .table("finance_posting")
        .col(primary_id())
        .col(ascii(manager, "posting_key", 120))
        .col(id("financing_id"))
        .col(optional_id("fact_id"))
        .col(state("kind"))
        .col(state("account"))
        .col(long("amount_minor"))
        .col(ascii(manager, "currency", 3))
        .col(day("value_date"))
        .col(moment("at"))
        .foreign_key(&mut refers("finance_posting", "financing_id", "financing", restrict))
        .foreign_key(&mut refers("finance_posting", "fact_id", "financing_fact", restrict))
        .check(("ck_finance_posting", Expr::cust("amount_minor <> 0")))
        .take();
    manager.create_table(posting).await?;
    unique(manager, "finance_posting", &["posting_key", "account"]).await?;
    index(manager, "finance_posting", &["financing_id", "id"]).await?;
    index(manager, "finance_posting", &["fact_id"]).await
}

async fn day_end(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let day_end = Table::create()
        .table("finance_day_end")
        .col(primary_id())
        .col(day("day"))
        .col(optional_id("last_id"))
        .col(long("looked"))
        .col(flag("done"))
        .col(moment("started_at"))
        .col(optional_moment("finished_at"))
        .take();
    manager.create_table(day_end).await?;
    unique(manager, "finance_day_end", &["day"]).await
}
