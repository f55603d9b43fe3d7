//! What has to be done before money is paid out: the conditions of requests, what the registry of movable property
//! knows of them, what debtors are told. And the rows of what stands in for that registry.

use sea_orm_migration::prelude::*;

use crate::column::{
    ascii, day, drop_tables, id, index, int, json, long, moment, optional_ascii, optional_day, optional_moment,
    optional_text, primary_id, refers, state, unique,
};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        condition(manager).await?;
        record(manager).await?;
        notice(manager).await?;
        simulated(manager).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let tables = ["simulated_registration", "assignment_notice", "registry_record", "financing_condition"];
        drop_tables(manager, &tables).await
    }
}

async fn condition(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let condition = Table::create()
        .table("financing_condition")
        .col(id("request_id"))
        .col(state("kind"))
        .col(optional_moment("met_at"))
        .col(optional_text("by", 120))
        .col(optional_text("reference", 80))
        .col(ColumnDef::new("detail").json_binary().null())
        .primary_key(Index::create().col("request_id").col("kind"))
        .foreign_key(&mut refers("financing_condition", "request_id", "financing_request", ForeignKeyAction::Restrict))
        .take();
    manager.create_table(condition).await
}

async fn record(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let record = Table::create()
        .table("registry_record")
        .col(id("request_id").primary_key())
        .col(state("kind"))
        .col(state("state"))
        .col(ColumnDef::new("collateral").text().not_null())
        .col(optional_ascii(manager, "cert_no", 40))
        .col(optional_ascii(manager, "search_cert_no", 40))
        .col(optional_moment("searched_at"))
        .col(ColumnDef::new("hits").json_binary().null())
        .col(optional_moment("filed_at"))
        .col(optional_day("expires_on"))
        .col(optional_text("failure", 300))
        .col(int("version"))
        .col(moment("created_at"))
        .col(moment("updated_at"))
        .foreign_key(&mut refers("registry_record", "request_id", "financing_request", ForeignKeyAction::Restrict))
        .take();
    manager.create_table(record).await
}

async fn notice(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let restrict = ForeignKeyAction::Restrict;
    let notice = Table::create()
        .table("assignment_notice")
        .col(primary_id())
        .col(id("request_id"))
        .col(id("financier_id"))
        .col(id("seller_id"))
        .col(id("debtor_id"))
        .col(ascii(manager, "number", 24))
        .col(state("state"))
        .col(ascii(manager, "currency", 3))
        .col(long("amount_minor"))
        .col(json("items"))
        .col(optional_text("account", 200))
        .col(ColumnDef::new("channel").string_len(24).null())
        .col(optional_ascii(manager, "content_sha256", 64))
        .col(optional_text("sent_by", 120))
        .col(optional_moment("sent_at"))
        .col(optional_moment("delivered_at"))
        .col(optional_text("delivery_reference", 120))
        .col(optional_text("answered_by", 120))
        .col(optional_moment("answered_at"))
        .col(optional_text("reason", 300))
        .col(ColumnDef::new("statement").text().null())
        .col(optional_ascii(manager, "statement_sha256", 64))
        .col(int("version"))
        .col(moment("created_at"))
        .col(moment("updated_at"))
        .foreign_key(&mut refers("assignment_notice", "request_id", "financing_request", restrict))
        .foreign_key(&mut refers("assignment_notice", "financier_id", "organisation", restrict))
        .foreign_key(&mut refers("assignment_notice", "seller_id", "organisation", restrict))
        .foreign_key(&mut refers("assignment_notice", "debtor_id", "organisation", restrict))
        .check(("ck_assignment_notice", Expr::cust("amount_minor > 0")))
        .take();
    manager.create_table(notice).await?;
    unique(manager, "assignment_notice", &["request_id", "debtor_id"]).await?;
    unique(manager, "assignment_notice", &["number"]).await?;
    index(manager, "assignment_notice", &["financier_id", "id"]).await?;
    index(manager, "assignment_notice", &["seller_id", "id"]).await?;
    index(manager, "assignment_notice", &["debtor_id", "id"]).await?;
    index(manager, "assignment_notice", &["state", "delivered_at"]).await
}

async fn simulated(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let simulated = Table::create()
        .table("simulated_registration")
        .col(ascii(manager, "cert_no", 40).primary_key().take())
        .col(ascii(manager, "reference", 80))
        .col(state("kind"))
        .col(ascii(manager, "grantor_code", 64))
        .col(ColumnDef::new("grantor_name").text().not_null())
        .col(ascii(manager, "secured_code", 64))
        .col(ColumnDef::new("secured_name").text().not_null())
        .col(ColumnDef::new("collateral").text().not_null())
        .col(int("changes"))
        .col(moment("registered_at"))
        .col(day("expires_on"))
        .col(optional_moment("cancelled_at"))
        .take();
    manager.create_table(simulated).await?;
    unique(manager, "simulated_registration", &["reference"]).await?;
    index(manager, "simulated_registration", &["grantor_code", "cert_no"]).await
}
