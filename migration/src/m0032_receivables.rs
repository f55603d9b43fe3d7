//! Receivables: what debtors are to pay, whether they confirmed it, what happened to it.
//!
//! A receivable for a matched invoice follows what procurement writes of its payable, in the same statement, by triggers:
//! procurement knows nothing of finance, and nobody ever reads an amount of one that is not that of the other. One that
//! the seller brought along before its invoice was approved becomes that of the invoice: the fingerprint is the same.
//!
//! The database refuses more off a receivable than its face, and changes of what happened or was stated.

use sea_orm_migration::{prelude::*, sea_orm::DbBackend};

use crate::column::{
    append_only, ascii, day, drop_append_only, drop_tables, flag, hash, id, index, int, long, moment, optional_ascii,
    optional_id, optional_moment, optional_text, primary_id, refers, state, text, unique,
};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// Tables whose rows are never changed, and what is said to who tries.
const APPEND_ONLY: [(&str, &str); 1] = [("receivable_event", "what happened to a receivable is append-only")];

/// The columns of a receivable that come of a payable `p` and its invoice `i`.
const COLUMNS: &str = "id, payable_id, source, seller_id, debtor_id, invoice_kind, invoice_no, invoice_code, currency, \
     face_minor, credited_minor, paid_minor, set_off_minor, issue_date, due_date, disputed, performed, verified, consignment, \
     bill_claim, written_off, confirmation, confirmed_minor, encumbrance, encumbered_minor, fingerprint, evidence, \
     evidence_sha256, previous_sha256, revision, version, created_at, updated_at";

/// What stands in them. What was let through although it did not match is not proved to have been performed.
fn values(p: &str, no: &str, yes: &str) -> String {
    format!(
        "{p}.id, {p}.id, 'matched_invoice', {p}.supplier_id, {p}.buyer_id, i.kind, i.invoice_no, i.invoice_code, \
         {p}.currency, {p}.face_minor, {p}.credited_minor, {p}.paid_minor, 0, {p}.issue_date, {p}.due_date, \
         {p}.disputed, CASE WHEN i.overridden_by IS NULL THEN {yes} ELSE {no} END, {no}, {no}, {no}, {no}, 'none', 0, \
         'free', 0, {p}.fingerprint, NULL, {p}.evidence_sha256, {p}.previous_sha256, {p}.revision, 1, {p}.created_at, \
         {p}.updated_at"
    )
}

/// The columns that follow a payable; of a receivable that was known before also where it comes from.
fn follows(p: &str) -> String {
    [
        "face_minor",
        "credited_minor",
        "paid_minor",
        "due_date",
        "disputed",
        "evidence_sha256",
        "previous_sha256",
        "revision",
    ]
    .map(|column| format!("{column} = {p}.{column}, "))
    .concat()
        + &format!("version = receivable.version + 1, updated_at = {p}.updated_at")
}

/// A receivable comes to be with its payable.
fn came(no: &str, yes: &str) -> String {
    format!(
        "INSERT INTO receivable ({COLUMNS}) SELECT {} FROM supplier_invoice i WHERE i.id = NEW.invoice_id \
         ON CONFLICT (fingerprint) DO UPDATE SET payable_id = excluded.payable_id, source = excluded.source, \
         seller_id = excluded.seller_id, debtor_id = excluded.debtor_id, performed = excluded.performed, \
         set_off_minor = 0, evidence = NULL, {}",
        values("NEW", no, yes),
        follows("excluded")
    )
}

/// It changes with it.
fn changed() -> String {
    format!("UPDATE receivable SET {} WHERE payable_id = NEW.id", follows("NEW"))
}

/// What happens to a payable happens to its receivable.
const HAPPENED: &str = "INSERT INTO receivable_event \
     (id, receivable_id, kind, amount_minor, reference, note, evidence_sha256, \"by\", at) \
     SELECT NEW.id, r.id, NEW.kind, NEW.amount_minor, NEW.reference, NEW.note, NEW.evidence_sha256, NEW.\"by\", NEW.at \
     FROM receivable r WHERE r.payable_id = NEW.payable_id";

/// The triggers: on which table, when, what they are called, what they do.
fn triggers(no: &str, yes: &str) -> [(&'static str, &'static str, &'static str, String); 3] {
    [
        ("payable", "INSERT", "receivable_came", came(no, yes)),
        ("payable", "UPDATE", "receivable_changed", changed()),
        ("payable_event", "INSERT", "receivable_happened", HAPPENED.to_owned()),
    ]
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        receivable(manager).await?;
        event(manager).await?;
        confirmation(manager).await?;
        let db = manager.get_connection();
        let postgres = manager.get_database_backend() == DbBackend::Postgres;
        let (no, yes) = if postgres { ("FALSE", "TRUE") } else { ("0", "1") };
        if postgres {
            // Nobody approves invoices between what is taken over and the triggers that go on from it.
            db.execute_unprepared("LOCK TABLE payable, payable_event IN SHARE ROW EXCLUSIVE MODE").await?;
        }
        for (table, when, name, does) in triggers(no, yes) {
            let statements = if postgres {
                vec![
                    format!(
                        "CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS \
                         $$ BEGIN {does}; RETURN NULL; END $$"
                    ),
                    format!("CREATE TRIGGER {name} AFTER {when} ON {table} FOR EACH ROW EXECUTE FUNCTION {name}()"),
                ]
            } else {
                vec![format!("CREATE TRIGGER {name} AFTER {when} ON {table} BEGIN {does}; END")]
            };
            for statement in statements {
                db.execute_unprepared(&statement).await?;
            }
        }
        let known = values("p", no, yes);
        let known = format!(
            "INSERT INTO receivable ({COLUMNS}) SELECT {known} FROM payable p \
             JOIN supplier_invoice i ON i.id = p.invoice_id"
        );
        db.execute_unprepared(&known).await?;
        db.execute_unprepared(
            "INSERT INTO receivable_event \
             (id, receivable_id, kind, amount_minor, reference, note, evidence_sha256, \"by\", at) \
             SELECT id, payable_id, kind, amount_minor, reference, note, evidence_sha256, \"by\", at FROM payable_event",
        )
        .await?;
        append_only(manager, &APPEND_ONLY).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let db = manager.get_connection();
        for (_, _, name, _) in triggers("", "") {
            let taken = match manager.get_database_backend() {
                DbBackend::Postgres => format!("DROP FUNCTION {name}() CASCADE"),
                _ => format!("DROP TRIGGER {name}"),
            };
            db.execute_unprepared(&taken).await?;
        }
        drop_append_only(manager, &APPEND_ONLY).await?;
        drop_tables(manager, &["receivable_confirmation", "receivable_event", "receivable"]).await
    }
}

async fn receivable(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let restrict = ForeignKeyAction::Restrict;
    let receivable = Table::create()
        .table("receivable")
        .col(primary_id())
        .col(optional_id("payable_id"))
        .col(state("source"))
        .col(id("seller_id"))
        .col(id("debtor_id"))
        .col(state("invoice_kind"))
        .col(ascii(manager, "invoice_no", 64))
        .col(optional_ascii(manager, "invoice_code", 20))
        .col(ascii(manager, "currency", 3))
        .col(long("face_minor"))
        .col(long("credited_minor"))
        .col(long("paid_minor"))
        .col(long("set_off_minor"))
        .col(day("issue_date"))
        .col(day("due_date"))
        .col(flag("disputed"))
        .col(flag("performed"))
        .col(flag("verified"))
        .col(flag("consignment"))
        .col(flag("bill_claim"))
        .col(flag("written_off"))
        .col(state("confirmation"))
        .col(long("confirmed_minor"))
        .col(state("encumbrance"))
        .col(long("encumbered_minor"))
        .col(hash(manager, "fingerprint"))
        .col(ColumnDef::new("evidence").json_binary().null())
        .col(hash(manager, "evidence_sha256"))
        .col(optional_ascii(manager, "previous_sha256", 64))
        .col(int("revision"))
        .col(int("version"))
        .col(moment("created_at"))
        .col(moment("updated_at"))
        .foreign_key(&mut refers("receivable", "payable_id", "payable", restrict))
        .foreign_key(&mut refers("receivable", "seller_id", "organisation", restrict))
        .foreign_key(&mut refers("receivable", "debtor_id", "organisation", restrict))
        .check((
            "ck_receivable",
            Expr::cust(
                "face_minor >= 0 AND credited_minor >= 0 AND paid_minor >= 0 AND set_off_minor >= 0 \
                 AND credited_minor + paid_minor + set_off_minor <= face_minor \
                 AND confirmed_minor >= 0 AND confirmed_minor <= face_minor AND encumbered_minor >= 0 \
                 AND seller_id <> debtor_id",
            ),
        ))
        .take();
    manager.create_table(receivable).await?;
    unique(manager, "receivable", &["payable_id"]).await?;
    unique(manager, "receivable", &["fingerprint"]).await?;
    index(manager, "receivable", &["seller_id", "id"]).await?;
    index(manager, "receivable", &["debtor_id", "id"]).await?;
    index(manager, "receivable", &["seller_id", "due_date"]).await?;
    index(manager, "receivable", &["debtor_id", "due_date"]).await
}

async fn event(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let event = Table::create()
        .table("receivable_event")
        .col(primary_id())
        .col(id("receivable_id"))
        .col(state("kind"))
        .col(long("amount_minor"))
        .col(optional_text("reference", 120))
        .col(optional_text("note", 300))
        .col(optional_ascii(manager, "evidence_sha256", 64))
        .col(text("by", 120))
        .col(moment("at"))
        .foreign_key(&mut refers("receivable_event", "receivable_id", "receivable", ForeignKeyAction::Restrict))
        .check(("ck_receivable_event", Expr::cust("amount_minor >= 0")))
        .take();
    manager.create_table(event).await?;
    unique(manager, "receivable_event", &["receivable_id", "kind", "reference"]).await?;
    index(manager, "receivable_event", &["receivable_id", "id"]).await
}

async fn confirmation(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let restrict = ForeignKeyAction::Restrict;
    let confirmation = Table::create()
        .table("receivable_confirmation")
        .col(primary_id())
        .col(id("receivable_id"))
        .col(state("result"))
        .col(long("asked_minor"))
        .col(ColumnDef::new("amount_minor").big_integer().null())
        .col(optional_id("account_id"))
        .col(flag("waiver_of_defences"))
        .col(flag("goods_accepted"))
        .col(ColumnDef::new("statement").text().null())
        .col(optional_ascii(manager, "statement_sha256", 64))
        .col(optional_text("reason", 300))
        .col(text("requested_by", 120))
        .col(moment("requested_at"))
        .col(optional_moment("expires_at"))
        .col(optional_text("answered_by", 120))
        .col(optional_id("answerer_id"))
        .col(optional_moment("answered_at"))
        .foreign_key(&mut refers("receivable_confirmation", "receivable_id", "receivable", restrict))
        .foreign_key(&mut refers("receivable_confirmation", "account_id", "bank_account", ForeignKeyAction::SetNull))
        .foreign_key(&mut refers("receivable_confirmation", "answerer_id", "person", restrict))
        .check(("ck_receivable_confirmation", Expr::cust("asked_minor >= 0 AND amount_minor >= 0")))
        .take();
    manager.create_table(confirmation).await?;
    index(manager, "receivable_confirmation", &["receivable_id", "id"]).await?;
    index(manager, "receivable_confirmation", &["result", "expires_at"]).await?;
    index(manager, "receivable_confirmation", &["account_id"]).await?;
    index(manager, "receivable_confirmation", &["answerer_id"]).await
}
