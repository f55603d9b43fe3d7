//! Payments: what is asked, what came, what goes back; the memo ledger; commission, payouts, receipts of the bank; the
//! stand-in of a demo.
//!
//! What must never be is refused by the database itself: more given back or allotted than came, an entry of the ledger
//! that is changed.

use sea_orm_migration::{prelude::*, sea_orm::DbBackend};

use crate::column::{
    ascii, drop_tables, flag, hash, id, index, int, long, moment, optional_ascii, optional_id, primary_id, refers,
    sealed, state, text, unique,
};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        payments(manager).await?;
        refunds(manager).await?;
        ledger(manager).await?;
        commission(manager).await?;
        payouts(manager).await?;
        receipts(manager).await?;
        sandbox(manager).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        if manager.get_database_backend() == DbBackend::Postgres {
            manager.get_connection().execute_unprepared("DROP FUNCTION ledger_entry_is_append_only() CASCADE").await?;
        }
        let tables = [
            "sandbox_refund",
            "sandbox_payment",
            "bank_receipt",
            "payout_line",
            "payout",
            "commission_rule",
            "ledger_entry",
            "refund",
            "payment_notice",
            "payment",
        ];
        drop_tables(manager, &tables).await
    }
}

async fn payments(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let payment = Table::create()
        .table("payment")
        .col(primary_id())
        .col(ascii(manager, "number", 32))
        .col(ascii(manager, "document", 120))
        .col(text("payer", 120))
        .col(ascii(manager, "request_key", 160))
        .col(state("provider"))
        .col(state("method"))
        .col(long("amount_minor"))
        .col(ascii(manager, "currency", 3))
        .col(flag("at_once"))
        .col(state("state"))
        .col(optional_ascii(manager, "reference", 160))
        .col(long("captured_minor"))
        .col(long("refunded_minor"))
        .col(long("allotted_minor"))
        .col(long("fee_minor"))
        .col(flag("late"))
        .col(ColumnDef::new("mismatch").string_len(60))
        .col(moment("expires_at"))
        .col(moment("look_at"))
        .col(long("version"))
        .col(moment("created_at"))
        .col(moment("updated_at"))
        .check(("ck_payment_amount", Expr::cust("amount_minor > 0 AND captured_minor >= 0 AND fee_minor >= 0")))
        .check((
            "ck_payment_spent",
            Expr::cust(
                "refunded_minor >= 0 AND allotted_minor >= 0 AND refunded_minor + allotted_minor <= captured_minor",
            ),
        ))
        .take();
    manager.create_table(payment).await?;
    unique(manager, "payment", &["number"]).await?;
    unique(manager, "payment", &["request_key"]).await?;
    unique(manager, "payment", &["provider", "reference"]).await?;
    index(manager, "payment", &["document", "id"]).await?;
    // What is to be looked at; the list of one state.
    index(manager, "payment", &["state", "look_at"]).await?;
    index(manager, "payment", &["state", "id"]).await?;

    let notice = Table::create()
        .table("payment_notice")
        .col(state("provider"))
        .col(ascii(manager, "event", 160))
        .col(hash(manager, "payload_hash"))
        .col(moment("at"))
        .primary_key(Index::create().col("provider").col("event"))
        .take();
    manager.create_table(notice).await?;
    index(manager, "payment_notice", &["at"]).await
}

async fn refunds(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let refund = Table::create()
        .table("refund")
        .col(primary_id())
        .col(ascii(manager, "number", 32))
        .col(id("payment_id"))
        .col(long("amount_minor"))
        .col(text("reason", 300))
        .col(state("state"))
        .col(optional_ascii(manager, "reference", 160))
        .col(ascii(manager, "request_key", 160))
        .col(int("attempts"))
        .col(ColumnDef::new("failure").string_len(300))
        .col(moment("created_at"))
        .col(moment("updated_at"))
        .foreign_key(&mut refers("refund", "payment_id", "payment", ForeignKeyAction::Restrict))
        .check(("ck_refund_amount", Expr::cust("amount_minor > 0")))
        .take();
    manager.create_table(refund).await?;
    unique(manager, "refund", &["number"]).await?;
    unique(manager, "refund", &["request_key"]).await?;
    index(manager, "refund", &["payment_id", "id"]).await?;
    index(manager, "refund", &["state", "updated_at"]).await
}

async fn ledger(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let restrict = ForeignKeyAction::Restrict;
    let entry = Table::create()
        .table("ledger_entry")
        .col(primary_id())
        .col(id("posting"))
        .col(ascii(manager, "posting_key", 160))
        .col(optional_id("payment_id"))
        .col(optional_id("party_id"))
        .col(ascii(manager, "document", 120))
        .col(state("account"))
        .col(long("amount_minor"))
        .col(ascii(manager, "currency", 3))
        .col(moment("at"))
        .foreign_key(&mut refers("ledger_entry", "payment_id", "payment", restrict))
        .foreign_key(&mut refers("ledger_entry", "party_id", "organisation", restrict))
        .check(("ck_ledger_entry_amount", Expr::cust("amount_minor <> 0")))
        .take();
    manager.create_table(entry).await?;
    unique(manager, "ledger_entry", &["posting_key", "account"]).await?;
    index(manager, "ledger_entry", &["posting"]).await?;
    index(manager, "ledger_entry", &["payment_id"]).await?;
    index(manager, "ledger_entry", &["document", "id"]).await?;
    index(manager, "ledger_entry", &["party_id", "id"]).await?;
    // The sums of an organisation, from the index alone.
    index(manager, "ledger_entry", &["party_id", "account", "currency", "amount_minor"]).await?;
    let statements: &[&str] = match manager.get_database_backend() {
        DbBackend::Postgres => &[
            "CREATE FUNCTION ledger_entry_is_append_only() RETURNS trigger LANGUAGE plpgsql AS \
             $$ BEGIN RAISE EXCEPTION 'the ledger is append-only'; END $$",
            "CREATE TRIGGER ledger_entry_append_only BEFORE UPDATE OR DELETE ON ledger_entry \
             FOR EACH ROW EXECUTE FUNCTION ledger_entry_is_append_only()",
        ],
        _ => &[
            "CREATE TRIGGER ledger_entry_no_update BEFORE UPDATE ON ledger_entry \
             BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END",
            "CREATE TRIGGER ledger_entry_no_delete BEFORE DELETE ON ledger_entry \
             BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END",
        ],
    };
    for statement in statements {
        manager.get_connection().execute_unprepared(statement).await?;
    }
    Ok(())
}

async fn commission(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let rule = Table::create()
        .table("commission_rule")
        .col(primary_id())
        .col(int("list_version"))
        .col(int("position"))
        .col(optional_id("seller_id"))
        .col(optional_ascii(manager, "category_path", 500))
        .col(optional_ascii(manager, "supply_mode", 24))
        .col(int("ppm"))
        .col(long("fixed_minor"))
        .col(optional_ascii(manager, "currency", 3))
        .col(ColumnDef::new("valid_from").date())
        .col(ColumnDef::new("valid_to").date())
        .foreign_key(&mut refers("commission_rule", "seller_id", "organisation", ForeignKeyAction::Restrict))
        .check(("ck_commission_rule", Expr::cust("ppm >= 0 AND ppm <= 1000000 AND fixed_minor >= 0")))
        .take();
    manager.create_table(rule).await?;
    unique(manager, "commission_rule", &["list_version", "position"]).await?;
    index(manager, "commission_rule", &["seller_id"]).await
}

async fn payouts(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let restrict = ForeignKeyAction::Restrict;
    let payout = Table::create()
        .table("payout")
        .col(primary_id())
        .col(ascii(manager, "number", 32))
        .col(ascii(manager, "currency", 3))
        .col(state("state"))
        .col(long("total_minor"))
        .col(text("made_by", 120))
        .col(ColumnDef::new("paid_by").string_len(120))
        .col(ColumnDef::new("bank_reference").string_len(120))
        .col(int("version"))
        .col(moment("created_at"))
        .col(moment("updated_at"))
        .check(("ck_payout_total", Expr::cust("total_minor > 0")))
        .take();
    manager.create_table(payout).await?;
    unique(manager, "payout", &["number"]).await?;

    let line = Table::create()
        .table("payout_line")
        .col(id("payout_id"))
        .col(id("seller_id"))
        .col(long("amount_minor"))
        .col(id("bank_account_id"))
        .col(text("masked_number", 40))
        .primary_key(Index::create().col("payout_id").col("seller_id"))
        .foreign_key(&mut refers("payout_line", "payout_id", "payout", restrict))
        .foreign_key(&mut refers("payout_line", "seller_id", "organisation", restrict))
        .check(("ck_payout_line_amount", Expr::cust("amount_minor > 0")))
        .take();
    manager.create_table(line).await?;
    index(manager, "payout_line", &["seller_id"]).await
}

async fn receipts(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let receipt = Table::create()
        .table("bank_receipt")
        .col(primary_id())
        .col(text("bank_reference", 120))
        .col(long("amount_minor"))
        .col(ascii(manager, "currency", 3))
        .col(ColumnDef::new("received_on").date().not_null())
        .col(sealed("remittance"))
        .col(state("state"))
        .col(optional_id("payment_id"))
        .col(text("reported_by", 120))
        .col(moment("created_at"))
        .foreign_key(&mut refers("bank_receipt", "payment_id", "payment", ForeignKeyAction::Restrict))
        .check(("ck_bank_receipt_amount", Expr::cust("amount_minor > 0")))
        .take();
    manager.create_table(receipt).await?;
    unique(manager, "bank_receipt", &["bank_reference"]).await?;
    index(manager, "bank_receipt", &["payment_id"]).await?;
    index(manager, "bank_receipt", &["state", "id"]).await
}

async fn sandbox(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let payment = Table::create()
        .table("sandbox_payment")
        .col(ascii(manager, "reference", 160).primary_key().take())
        .col(long("amount_minor"))
        .col(ascii(manager, "currency", 3))
        .col(flag("at_once"))
        .col(state("state"))
        .col(int("changes"))
        .col(text("description", 300))
        .col(ColumnDef::new("return_url").text())
        .col(moment("expires_at"))
        .take();
    manager.create_table(payment).await?;

    let refund = Table::create()
        .table("sandbox_refund")
        .col(ascii(manager, "reference", 160).primary_key().take())
        .col(ascii(manager, "payment_reference", 160))
        .col(long("amount_minor"))
        .col(int("looks"))
        .take();
    manager.create_table(refund).await
}
