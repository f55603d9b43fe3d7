//! Invoices of suppliers: tolerances, invoices and their matches, debit notes, what is owed.
//!
//! What must never be is refused by the database itself: one number of a supplier or one file of a buyer twice, more of
//! a line taken off or claimed than it has, more of what is owed paid and credited than is owed. How an invoice fitted
//! and what happened to a payable is not changed afterwards.

use sea_orm_migration::prelude::*;

use crate::column::{
    append_only, ascii, day, drop_append_only, drop_tables, flag, hash, id, index, int, json, long, moment,
    optional_ascii, optional_id, optional_moment, optional_text, primary_id, refers, state, text, unique,
};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// Tables whose rows are never changed, and what is said to who tries.
const APPEND_ONLY: [(&str, &str); 2] =
    [("invoice_match", "how an invoice fitted is append-only"), ("payable_event", "what is owed is append-only")];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        tolerance(manager).await?;
        invoice(manager).await?;
        invoice_line(manager).await?;
        matched(manager).await?;
        debit_note(manager).await?;
        payable(manager).await?;
        event(manager).await?;
        append_only(manager, &APPEND_ONLY).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_append_only(manager, &APPEND_ONLY).await?;
        let tables = [
            "payable_event",
            "payable",
            "debit_note",
            "invoice_match",
            "supplier_invoice_line",
            "supplier_invoice",
            "match_tolerance",
        ];
        drop_tables(manager, &tables).await
    }
}

async fn tolerance(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let restrict = ForeignKeyAction::Restrict;
    let tolerance = Table::create()
        .table("match_tolerance")
        .col(primary_id())
        .col(id("organisation_id"))
        .col(optional_id("supplier_id"))
        .col(optional_id("variant_id"))
        .col(optional_id("category_id"))
        .col(ascii(manager, "scope_key", 140))
        .col(json("tolerance"))
        .col(int("version"))
        .col(moment("created_at"))
        .foreign_key(&mut refers("match_tolerance", "organisation_id", "organisation", restrict))
        .foreign_key(&mut refers("match_tolerance", "supplier_id", "organisation", restrict))
        .foreign_key(&mut refers("match_tolerance", "variant_id", "variant", restrict))
        .foreign_key(&mut refers("match_tolerance", "category_id", "category", restrict))
        .take();
    manager.create_table(tolerance).await?;
    // One column that is never null: of several that may be, an index lets the same twice.
    unique(manager, "match_tolerance", &["organisation_id", "scope_key"]).await?;
    for column in ["supplier_id", "variant_id", "category_id"] {
        index(manager, "match_tolerance", &[column]).await?;
    }
    Ok(())
}

async fn invoice(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let restrict = ForeignKeyAction::Restrict;
    let invoice = Table::create()
        .table("supplier_invoice")
        .col(primary_id())
        .col(id("buyer_id"))
        .col(id("supplier_id"))
        .col(state("kind"))
        .col(ascii(manager, "invoice_no", 64))
        .col(optional_ascii(manager, "invoice_code", 20))
        .col(optional_ascii(manager, "check_code", 20))
        .col(optional_ascii(manager, "number_key", 120))
        .col(optional_ascii(manager, "file_sha256", 64))
        .col(optional_ascii(manager, "file_key", 64))
        .col(state("state"))
        .col(day("issue_date"))
        .col(day("due_date"))
        .col(ascii(manager, "currency", 3))
        .col(long("net_minor"))
        .col(long("tax_minor"))
        .col(long("total_minor"))
        .col(optional_id("corrects_id"))
        .col(json("waybills"))
        .col(text("recorded_by", 120))
        .col(optional_id("recorder_id"))
        .col(state("recorded_side"))
        .col(optional_text("override_reason", 500))
        .col(optional_text("overridden_by", 120))
        .col(optional_text("approved_by", 120))
        .col(optional_moment("approved_at"))
        .col(optional_text("reject_reason", 300))
        .col(int("version"))
        .col(moment("created_at"))
        .col(moment("updated_at"))
        .foreign_key(&mut refers("supplier_invoice", "buyer_id", "organisation", restrict))
        .foreign_key(&mut refers("supplier_invoice", "supplier_id", "organisation", restrict))
        .foreign_key(&mut refers("supplier_invoice", "corrects_id", "supplier_invoice", restrict))
        .foreign_key(&mut refers("supplier_invoice", "recorder_id", "person", restrict))
        .check(("ck_supplier_invoice", Expr::cust("net_minor >= 0 AND tax_minor >= 0 AND total_minor >= 0")))
        .take();
    manager.create_table(invoice).await?;
    // Of what is rejected or corrected the keys are null, so that the number may come again.
    unique(manager, "supplier_invoice", &["supplier_id", "number_key"]).await?;
    unique(manager, "supplier_invoice", &["buyer_id", "file_key"]).await?;
    index(manager, "supplier_invoice", &["buyer_id", "id"]).await?;
    index(manager, "supplier_invoice", &["supplier_id", "id"]).await?;
    index(manager, "supplier_invoice", &["state", "due_date"]).await?;
    index(manager, "supplier_invoice", &["buyer_id", "state", "due_date"]).await?;
    index(manager, "supplier_invoice", &["corrects_id"]).await?;
    index(manager, "supplier_invoice", &["recorder_id"]).await
}

async fn invoice_line(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let restrict = ForeignKeyAction::Restrict;
    let line = Table::create()
        .table("supplier_invoice_line")
        .col(primary_id())
        .col(id("invoice_id"))
        .col(int("position"))
        .col(optional_id("order_line_id"))
        .col(optional_id("receipt_line_id"))
        .col(text("description", 300))
        .col(long("quantity"))
        .col(long("debited"))
        .col(long("price"))
        .col(long("amount_minor"))
        .col(int("tax_ppm"))
        .col(long("claimed"))
        .col(long("overridden"))
        .col(long("noted"))
        .foreign_key(&mut refers("supplier_invoice_line", "invoice_id", "supplier_invoice", restrict))
        .foreign_key(&mut refers("supplier_invoice_line", "order_line_id", "purchase_order_line", restrict))
        .foreign_key(&mut refers("supplier_invoice_line", "receipt_line_id", "goods_receipt_line", restrict))
        .check((
            "ck_supplier_invoice_line",
            Expr::cust(
                "quantity > 0 AND debited >= 0 AND debited <= quantity \
                 AND claimed >= 0 AND claimed <= quantity - debited \
                 AND overridden >= 0 AND overridden <= claimed AND noted >= 0 AND noted <= claimed",
            ),
        ))
        .take();
    manager.create_table(line).await?;
    unique(manager, "supplier_invoice_line", &["invoice_id", "position"]).await?;
    index(manager, "supplier_invoice_line", &["order_line_id"]).await?;
    index(manager, "supplier_invoice_line", &["receipt_line_id"]).await
}

async fn matched(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let matched = Table::create()
        .table("invoice_match")
        .col(primary_id())
        .col(id("invoice_id"))
        .col(flag("passed"))
        .col(json("result"))
        .col(hash(manager, "result_sha256"))
        .col(state("cause"))
        .col(text("made_by", 120))
        .col(moment("at"))
        .foreign_key(&mut refers("invoice_match", "invoice_id", "supplier_invoice", ForeignKeyAction::Restrict))
        .take();
    manager.create_table(matched).await?;
    index(manager, "invoice_match", &["invoice_id", "id"]).await
}

async fn debit_note(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let restrict = ForeignKeyAction::Restrict;
    let note = Table::create()
        .table("debit_note")
        .col(primary_id())
        .col(ascii(manager, "number", 24))
        .col(id("invoice_id"))
        .col(id("buyer_id"))
        .col(id("supplier_id"))
        .col(state("state"))
        .col(state("reason"))
        .col(optional_text("note", 300))
        .col(long("net_minor"))
        .col(long("tax_minor"))
        .col(long("total_minor"))
        .col(ascii(manager, "currency", 3))
        .col(json("lines"))
        .col(text("issued_by", 120))
        .col(moment("issued_at"))
        .col(optional_text("answered_by", 120))
        .col(optional_moment("answered_at"))
        .col(optional_text("answer", 300))
        .col(int("version"))
        .col(moment("created_at"))
        .foreign_key(&mut refers("debit_note", "invoice_id", "supplier_invoice", restrict))
        .foreign_key(&mut refers("debit_note", "buyer_id", "organisation", restrict))
        .foreign_key(&mut refers("debit_note", "supplier_id", "organisation", restrict))
        .check((
            "ck_debit_note",
            Expr::cust("net_minor >= 0 AND tax_minor >= 0 AND total_minor = net_minor + tax_minor"),
        ))
        .take();
    manager.create_table(note).await?;
    unique(manager, "debit_note", &["number"]).await?;
    index(manager, "debit_note", &["invoice_id"]).await?;
    index(manager, "debit_note", &["buyer_id", "id"]).await?;
    index(manager, "debit_note", &["supplier_id", "id"]).await
}

async fn payable(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let restrict = ForeignKeyAction::Restrict;
    let payable = Table::create()
        .table("payable")
        .col(primary_id())
        .col(id("invoice_id"))
        .col(id("buyer_id"))
        .col(id("supplier_id"))
        .col(ascii(manager, "currency", 3))
        .col(long("face_minor"))
        .col(long("credited_minor"))
        .col(long("paid_minor"))
        .col(day("issue_date"))
        .col(day("due_date"))
        .col(flag("disputed"))
        .col(json("evidence"))
        .col(hash(manager, "evidence_sha256"))
        .col(optional_ascii(manager, "previous_sha256", 64))
        .col(hash(manager, "fingerprint"))
        .col(int("revision"))
        .col(int("version"))
        .col(moment("created_at"))
        .col(moment("updated_at"))
        .foreign_key(&mut refers("payable", "invoice_id", "supplier_invoice", restrict))
        .foreign_key(&mut refers("payable", "buyer_id", "organisation", restrict))
        .foreign_key(&mut refers("payable", "supplier_id", "organisation", restrict))
        .check((
            "ck_payable",
            Expr::cust(
                "face_minor >= 0 AND credited_minor >= 0 AND paid_minor >= 0 \
                 AND credited_minor + paid_minor <= face_minor",
            ),
        ))
        .take();
    manager.create_table(payable).await?;
    unique(manager, "payable", &["invoice_id"]).await?;
    unique(manager, "payable", &["fingerprint"]).await?;
    index(manager, "payable", &["buyer_id", "id"]).await?;
    index(manager, "payable", &["supplier_id", "id"]).await?;
    index(manager, "payable", &["buyer_id", "due_date"]).await?;
    index(manager, "payable", &["due_date", "id"]).await
}

async fn event(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let event = Table::create()
        .table("payable_event")
        .col(primary_id())
        .col(id("payable_id"))
        .col(state("kind"))
        .col(long("amount_minor"))
        .col(optional_text("reference", 120))
        .col(optional_text("note", 300))
        .col(optional_ascii(manager, "evidence_sha256", 64))
        .col(ColumnDef::new("evidence").json_binary().null())
        .col(text("by", 120))
        .col(moment("at"))
        .foreign_key(&mut refers("payable_event", "payable_id", "payable", ForeignKeyAction::Restrict))
        .check(("ck_payable_event", Expr::cust("amount_minor >= 0")))
        .take();
    manager.create_table(event).await?;
    unique(manager, "payable_event", &["payable_id", "kind", "reference"]).await?;
    index(manager, "payable_event", &["payable_id", "id"]).await
}
