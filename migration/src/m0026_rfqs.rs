//! Requests for quotations: whom they went to, what was asked about them, what was quoted, and the files that hang on
//! things of procurement.
//!
//! What must never be is refused by the database itself: a quotation whose content stands in clear and was not
//! opened, two that stand of one supplier in one round, two requests of one lead, more awarded than was asked for.

use sea_orm_migration::prelude::*;

use crate::column::{
    ascii, drop_tables, flag, hash, id, index, int, long, moment, optional_ascii, optional_id, optional_moment,
    optional_text, primary_id, refers, sealed, state, text, unique,
};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        rfq(manager).await?;
        line(manager).await?;
        asked(manager).await?;
        quotation(manager).await?;
        file(manager).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let tables = [
            "procurement_file_content",
            "procurement_file",
            "quotation",
            "rfq_question",
            "rfq_invitation",
            "rfq_line",
            "rfq",
        ];
        drop_tables(manager, &tables).await
    }
}

fn optional_date(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).date().null().take()
}

async fn rfq(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let restrict = ForeignKeyAction::Restrict;
    let rfq = Table::create()
        .table("rfq")
        .col(primary_id())
        .col(ascii(manager, "number", 24))
        .col(id("buyer_id"))
        .col(text("title", 200))
        .col(state("state"))
        .col(flag("sealed"))
        .col(int("round"))
        .col(moment("deadline"))
        .col(ascii(manager, "currency", 3))
        .col(ColumnDef::new("incoterm").string_len(24).null())
        .col(optional_text("named_place", 120))
        .col(optional_text("terms", 2000))
        .col(optional_date("needed_on"))
        .col(optional_id("deliver_to_id"))
        .col(optional_id("category_id"))
        .col(int("quotations"))
        .col(optional_ascii(manager, "origin_kind", 24))
        .col(optional_ascii(manager, "origin_ref", 120))
        .col(text("created_by", 120))
        .col(optional_id("person_id"))
        .col(optional_moment("opened_at"))
        .col(optional_text("cancelled_reason", 300))
        .col(int("version"))
        .col(moment("created_at"))
        .col(moment("updated_at"))
        .foreign_key(&mut refers("rfq", "buyer_id", "organisation", restrict))
        .foreign_key(&mut refers("rfq", "deliver_to_id", "stock_location", restrict))
        .foreign_key(&mut refers("rfq", "category_id", "category", restrict))
        .foreign_key(&mut refers("rfq", "person_id", "person", restrict))
        .check(("ck_rfq_round", Expr::cust("round >= 1 AND quotations >= 0")))
        .take();
    manager.create_table(rfq).await?;
    unique(manager, "rfq", &["number"]).await?;
    for columns in [
        &["buyer_id", "id"][..],
        &["buyer_id", "state"],
        &["state", "deadline"],
        &["deliver_to_id"],
        &["category_id"],
        &["person_id"],
    ] {
        index(manager, "rfq", columns).await?;
    }
    // What was made of nothing has no origin, and any number of those may be; what was given up frees its own. Both
    // dialects read this alike.
    let of_origin = "CREATE UNIQUE INDEX uq_rfq_origin ON rfq (buyer_id, origin_kind, origin_ref) \
                     WHERE state <> 'cancelled'";
    manager.get_connection().execute_unprepared(of_origin).await.map(drop)
}

async fn line(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let restrict = ForeignKeyAction::Restrict;
    let line = Table::create()
        .table("rfq_line")
        .col(primary_id())
        .col(id("rfq_id"))
        .col(int("position"))
        .col(optional_id("variant_id"))
        .col(optional_id("category_id"))
        .col(text("description", 300))
        .col(long("quantity"))
        .col(text("unit", 20))
        .col(optional_date("needed_on"))
        .col(long("awarded"))
        .foreign_key(&mut refers("rfq_line", "rfq_id", "rfq", restrict))
        .foreign_key(&mut refers("rfq_line", "variant_id", "variant", restrict))
        .foreign_key(&mut refers("rfq_line", "category_id", "category", restrict))
        .check(("ck_rfq_line", Expr::cust("quantity > 0 AND awarded >= 0 AND awarded <= quantity")))
        .take();
    manager.create_table(line).await?;
    unique(manager, "rfq_line", &["rfq_id", "position"]).await?;
    index(manager, "rfq_line", &["variant_id"]).await?;
    index(manager, "rfq_line", &["category_id"]).await
}

async fn asked(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let restrict = ForeignKeyAction::Restrict;
    let invitation = Table::create()
        .table("rfq_invitation")
        .col(primary_id())
        .col(id("rfq_id"))
        .col(id("supplier_id"))
        .col(optional_moment("sent_at"))
        .col(optional_moment("viewed_at"))
        .col(optional_moment("declined_at"))
        .col(optional_text("decline_reason", 300))
        .col(flag("warned"))
        .col(moment("created_at"))
        .foreign_key(&mut refers("rfq_invitation", "rfq_id", "rfq", restrict))
        .foreign_key(&mut refers("rfq_invitation", "supplier_id", "organisation", restrict))
        .take();
    manager.create_table(invitation).await?;
    unique(manager, "rfq_invitation", &["rfq_id", "supplier_id"]).await?;
    index(manager, "rfq_invitation", &["supplier_id", "id"]).await?;

    let question = Table::create()
        .table("rfq_question")
        .col(primary_id())
        .col(id("rfq_id"))
        .col(id("supplier_id"))
        .col(text("text", 1000))
        .col(text("asked_by", 120))
        .col(optional_text("answer", 2000))
        .col(optional_text("answered_by", 120))
        .col(optional_moment("answered_at"))
        .col(flag("published"))
        .col(moment("created_at"))
        .foreign_key(&mut refers("rfq_question", "rfq_id", "rfq", restrict))
        .foreign_key(&mut refers("rfq_question", "supplier_id", "organisation", restrict))
        .take();
    manager.create_table(question).await?;
    index(manager, "rfq_question", &["rfq_id", "id"]).await?;
    index(manager, "rfq_question", &["supplier_id"]).await
}

async fn quotation(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let restrict = ForeignKeyAction::Restrict;
    let quotation = Table::create()
        .table("quotation")
        .col(primary_id())
        .col(id("rfq_id"))
        .col(id("buyer_id"))
        .col(id("supplier_id"))
        .col(int("round"))
        .col(int("version"))
        .col(state("state"))
        .col(ColumnDef::new("sealed").binary().null())
        .col(ColumnDef::new("content").json_binary().null())
        .col(text("submitted_by", 120))
        .col(moment("submitted_at"))
        .col(optional_moment("opened_at"))
        .col(optional_date("valid_until"))
        .col(moment("created_at"))
        .foreign_key(&mut refers("quotation", "rfq_id", "rfq", restrict))
        .foreign_key(&mut refers("quotation", "buyer_id", "organisation", restrict))
        .foreign_key(&mut refers("quotation", "supplier_id", "organisation", restrict))
        .check((
            "ck_quotation_sealed",
            Expr::cust("opened_at IS NOT NULL OR (content IS NULL AND valid_until IS NULL)"),
        ))
        .check(("ck_quotation_round", Expr::cust("round >= 1 AND version >= 1")))
        .take();
    manager.create_table(quotation).await?;
    unique(manager, "quotation", &["rfq_id", "supplier_id", "round", "version"]).await?;
    for columns in
        [&["supplier_id", "id"][..], &["buyer_id", "id"], &["rfq_id", "round", "state"], &["state", "valid_until"]]
    {
        index(manager, "quotation", columns).await?;
    }
    // Both dialects read this alike.
    let live = "CREATE UNIQUE INDEX uq_quotation_live ON quotation (rfq_id, supplier_id, round) \
                WHERE state = 'submitted'";
    manager.get_connection().execute_unprepared(live).await.map(drop)
}

async fn file(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let restrict = ForeignKeyAction::Restrict;
    let file = Table::create()
        .table("procurement_file")
        .col(primary_id())
        .col(id("owner_id"))
        .col(id("buyer_id"))
        .col(optional_id("supplier_id"))
        .col(optional_id("rfq_id"))
        .col(optional_id("quotation_id"))
        // Their tables come later.
        .col(optional_id("agreement_id"))
        .col(optional_id("order_id"))
        .col(optional_id("receipt_id"))
        .col(optional_id("invoice_id"))
        .col(optional_text("name", 120))
        .col(ColumnDef::new("sealed_name").binary().null())
        .col(hash(manager, "sha256"))
        .col(ascii(manager, "media_type", 80))
        .col(long("size"))
        .col(text("attached_by", 120))
        .col(moment("attached_at"))
        .col(optional_moment("kept_at"))
        .foreign_key(&mut refers("procurement_file", "owner_id", "organisation", restrict))
        .foreign_key(&mut refers("procurement_file", "buyer_id", "organisation", restrict))
        .foreign_key(&mut refers("procurement_file", "supplier_id", "organisation", restrict))
        .foreign_key(&mut refers("procurement_file", "rfq_id", "rfq", restrict))
        .foreign_key(&mut refers("procurement_file", "quotation_id", "quotation", restrict))
        .check(("ck_procurement_file_name", Expr::cust("(name IS NULL) <> (sealed_name IS NULL)")))
        .check(("ck_procurement_file_sealed", Expr::cust("quotation_id IS NULL OR name IS NULL")))
        .check(("ck_procurement_file_size", Expr::cust("size > 0")))
        .take();
    manager.create_table(file).await?;
    for columns in [
        &["owner_id", "sha256"][..],
        &["buyer_id"],
        &["supplier_id"],
        &["rfq_id"],
        &["quotation_id"],
        &["agreement_id"],
        &["order_id"],
        &["receipt_id"],
        &["invoice_id"],
    ] {
        index(manager, "procurement_file", columns).await?;
    }

    let content = Table::create()
        .table("procurement_file_content")
        .col(id("file_id").primary_key())
        .col(sealed("body"))
        .foreign_key(&mut refers("procurement_file_content", "file_id", "procurement_file", restrict))
        .take();
    manager.create_table(content).await
}
