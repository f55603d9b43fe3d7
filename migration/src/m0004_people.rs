//! People, how they sign in, for whom they act; programs that act for an organisation; filings.

use sea_orm_migration::prelude::*;

use crate::column::{
    ascii, drop_tables, flag, hash, id, index, int, json, moment, optional_ascii, optional_id, optional_moment,
    primary_id, refers, sealed, state, text, unique,
};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        organisations(manager).await?;
        people(manager).await?;
        members(manager).await?;
        machines(manager).await?;
        filings(manager).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(
            manager,
            &[
                "filing_grant",
                "filing_number",
                "filing_snapshot",
                "filing",
                "used_assertion",
                "client_key",
                "machine_client",
                "invitation",
                "membership",
                "consumer_identity",
                "sign_in_failure",
                "session",
                "login",
                "person",
                "bank_account",
            ],
        )
        .await?;
        for name in ["uq_organisation_uscc", "uq_organisation_customs_code"] {
            manager.drop_index(Index::drop().name(name).table("organisation").to_owned()).await?;
        }
        for column in ["uscc", "customs_code", "addresses", "version"] {
            manager.alter_table(Table::alter().table("organisation").drop_column(column).take()).await?;
        }
        Ok(())
    }
}

async fn organisations(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    for column in [
        optional_ascii(manager, "uscc", 18),
        optional_ascii(manager, "customs_code", 10),
        json("addresses").default("[]").take(),
        int("version").default(1).take(),
    ] {
        manager.alter_table(Table::alter().table("organisation").add_column(column).take()).await?;
    }
    unique(manager, "organisation", &["uscc"]).await?;
    unique(manager, "organisation", &["customs_code"]).await?;

    let account = Table::create()
        .table("bank_account")
        .col(primary_id())
        .col(id("organisation_id"))
        .col(text("bank", 120))
        .col(text("holder", 120))
        .col(sealed("number"))
        .col(text("masked_number", 40))
        .col(hash(manager, "lookup"))
        .col(text("currency", 3))
        .col(moment("created_at"))
        .foreign_key(&mut refers("bank_account", "organisation_id", "organisation", ForeignKeyAction::Restrict))
        .take();
    manager.create_table(account).await?;
    unique(manager, "bank_account", &["organisation_id", "lookup"]).await
}

async fn people(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let person = Table::create()
        .table("person")
        .col(primary_id())
        .col(text("display_name", 80))
        .col(ColumnDef::new("password").string_len(200).null())
        .col(int("version"))
        .col(moment("created_at"))
        .take();
    manager.create_table(person).await?;

    let login = Table::create()
        .table("login")
        .col(primary_id())
        .col(id("person_id"))
        .col(state("kind"))
        .col(hash(manager, "lookup"))
        .col(sealed("sealed"))
        .col(moment("created_at"))
        .foreign_key(&mut refers("login", "person_id", "person", ForeignKeyAction::Cascade))
        .take();
    manager.create_table(login).await?;
    unique(manager, "login", &["lookup"]).await?;
    index(manager, "login", &["person_id"]).await?;

    let session = Table::create()
        .table("session")
        .col(primary_id())
        .col(id("person_id"))
        .col(optional_id("organisation_id"))
        .col(int("generation"))
        .col(text("device", 120))
        .col(moment("created_at"))
        .col(moment("refreshed_at"))
        .col(moment("expires_at"))
        .col(optional_moment("ended_at"))
        .col(ColumnDef::new("ended").string_len(24).null())
        .foreign_key(&mut refers("session", "person_id", "person", ForeignKeyAction::Cascade))
        .foreign_key(&mut refers("session", "organisation_id", "organisation", ForeignKeyAction::SetNull))
        .take();
    manager.create_table(session).await?;
    index(manager, "session", &["person_id", "id"]).await?;
    index(manager, "session", &["organisation_id"]).await?;
    index(manager, "session", &["expires_at"]).await?;

    let failure = Table::create()
        .table("sign_in_failure")
        .col(hash(manager, "lookup").primary_key().take())
        .col(int("failures"))
        .col(moment("last_at"))
        .take();
    manager.create_table(failure).await?;
    index(manager, "sign_in_failure", &["last_at"]).await?;

    let identity = Table::create()
        .table("consumer_identity")
        .col(id("person_id").primary_key().take())
        .col(sealed("name"))
        .col(text("masked_name", 80))
        .col(sealed("number"))
        .col(text("masked_number", 18))
        .col(hash(manager, "lookup"))
        .col(moment("updated_at"))
        .foreign_key(&mut refers("consumer_identity", "person_id", "person", ForeignKeyAction::Restrict))
        .take();
    manager.create_table(identity).await?;
    index(manager, "consumer_identity", &["lookup"]).await
}

async fn members(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let membership = Table::create()
        .table("membership")
        .col(primary_id())
        .col(id("organisation_id"))
        .col(id("person_id"))
        .col(json("roles"))
        .col(flag("is_owner"))
        .col(int("approval_level"))
        .col(int("version"))
        .col(moment("created_at"))
        .foreign_key(&mut refers("membership", "organisation_id", "organisation", ForeignKeyAction::Restrict))
        .foreign_key(&mut refers("membership", "person_id", "person", ForeignKeyAction::Cascade))
        .take();
    manager.create_table(membership).await?;
    unique(manager, "membership", &["person_id", "organisation_id"]).await?;
    index(manager, "membership", &["organisation_id", "id"]).await?;

    let invitation = Table::create()
        .table("invitation")
        .col(primary_id())
        .col(id("organisation_id"))
        .col(text("contact", 260))
        .col(hash(manager, "lookup"))
        .col(json("roles"))
        .col(int("approval_level"))
        .col(text("invited_by", 120))
        .col(moment("created_at"))
        .col(moment("expires_at"))
        .col(optional_id("accepted_by"))
        .col(optional_moment("closed_at"))
        .foreign_key(&mut refers("invitation", "organisation_id", "organisation", ForeignKeyAction::Restrict))
        .foreign_key(&mut refers("invitation", "accepted_by", "person", ForeignKeyAction::SetNull))
        .take();
    manager.create_table(invitation).await?;
    index(manager, "invitation", &["organisation_id", "id"]).await?;
    index(manager, "invitation", &["accepted_by"]).await
}

async fn machines(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let client = Table::create()
        .table("machine_client")
        .col(primary_id())
        .col(id("organisation_id"))
        .col(text("name", 80))
        .col(json("scopes"))
        .col(json("networks"))
        .col(flag("enabled"))
        .col(int("version"))
        .col(moment("created_at"))
        .foreign_key(&mut refers("machine_client", "organisation_id", "organisation", ForeignKeyAction::Restrict))
        .take();
    manager.create_table(client).await?;
    index(manager, "machine_client", &["organisation_id", "id"]).await?;

    let key = Table::create()
        .table("client_key")
        .col(primary_id())
        .col(id("client_id"))
        .col(state("algorithm"))
        .col(ascii(manager, "public_key", 100))
        .col(moment("created_at"))
        .col(optional_moment("retires_at"))
        .foreign_key(&mut refers("client_key", "client_id", "machine_client", ForeignKeyAction::Cascade))
        .take();
    manager.create_table(key).await?;
    index(manager, "client_key", &["client_id"]).await?;

    let used = Table::create()
        .table("used_assertion")
        .col(id("client_id"))
        .col(hash(manager, "jti"))
        .col(moment("expires_at"))
        .primary_key(Index::create().col("client_id").col("jti"))
        .foreign_key(&mut refers("used_assertion", "client_id", "machine_client", ForeignKeyAction::Cascade))
        .take();
    manager.create_table(used).await?;
    index(manager, "used_assertion", &["expires_at"]).await
}

async fn filings(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let filing = Table::create()
        .table("filing")
        .col(primary_id())
        .col(state("kind"))
        .col(optional_id("organisation_id"))
        .col(optional_id("person_id"))
        .col(state("status"))
        .col(int("version"))
        .col(ColumnDef::new("in_force_version").integer().null())
        .col(ColumnDef::new("approved_version").integer().null())
        .col(ColumnDef::new("valid_until").date().null())
        .col(ColumnDef::new("reason").text().null())
        .col(moment("created_at"))
        .col(moment("updated_at"))
        .foreign_key(&mut refers("filing", "organisation_id", "organisation", ForeignKeyAction::Restrict))
        .foreign_key(&mut refers("filing", "person_id", "person", ForeignKeyAction::Restrict))
        .check(("ck_filing_filer", Expr::cust("(organisation_id IS NULL) <> (person_id IS NULL)")))
        .take();
    manager.create_table(filing).await?;
    unique(manager, "filing", &["organisation_id"]).await?;
    unique(manager, "filing", &["person_id"]).await?;
    index(manager, "filing", &["status", "id"]).await?;
    index(manager, "filing", &["valid_until"]).await?;

    let snapshot = Table::create()
        .table("filing_snapshot")
        .col(id("filing_id"))
        .col(int("version"))
        .col(state("status"))
        .col(sealed("content"))
        .col(text("actor", 120))
        .col(moment("at"))
        .primary_key(Index::create().col("filing_id").col("version"))
        .foreign_key(&mut refers("filing_snapshot", "filing_id", "filing", ForeignKeyAction::Cascade))
        .take();
    manager.create_table(snapshot).await?;

    let number = Table::create()
        .table("filing_number")
        .col(id("filing_id"))
        .col(state("agency"))
        .col(ascii(manager, "number", 64))
        .col(moment("at"))
        .primary_key(Index::create().col("filing_id").col("agency"))
        .foreign_key(&mut refers("filing_number", "filing_id", "filing", ForeignKeyAction::Cascade))
        .take();
    manager.create_table(number).await?;
    unique(manager, "filing_number", &["agency", "number"]).await?;

    let grant = Table::create()
        .table("filing_grant")
        .col(id("filing_id"))
        .col(id("grantee_id"))
        .col(json("fields"))
        .col(moment("created_at"))
        .primary_key(Index::create().col("filing_id").col("grantee_id"))
        .foreign_key(&mut refers("filing_grant", "filing_id", "filing", ForeignKeyAction::Cascade))
        .foreign_key(&mut refers("filing_grant", "grantee_id", "organisation", ForeignKeyAction::Restrict))
        .take();
    manager.create_table(grant).await?;
    index(manager, "filing_grant", &["grantee_id", "filing_id"]).await
}
