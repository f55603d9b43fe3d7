//! Ordering: carts, quotes, checkouts and their orders, credit, approval rules, bundles.
//!
//! What must never be is refused by the database itself: more credit than was given, an order's event that is changed.

use sea_orm_migration::{prelude::*, sea_orm::DbBackend};

use crate::column::{
    ascii, drop_tables, flag, id, index, int, json, long, moment, optional_ascii, optional_id, optional_moment,
    primary_id, refers, sealed, state, text, unique,
};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        carts(manager).await?;
        checkouts(manager).await?;
        orders(manager).await?;
        events(manager).await?;
        companies(manager).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        if manager.get_database_backend() == DbBackend::Postgres {
            manager.get_connection().execute_unprepared("DROP FUNCTION order_event_is_append_only() CASCADE").await?;
        }
        let tables = [
            "bundle_part",
            "approval_rule",
            "credit_entry",
            "credit_limit",
            "order_event",
            "order_line",
            "sales_order",
            "checkout",
            "quote",
            "cart_line",
            "cart",
        ];
        drop_tables(manager, &tables).await
    }
}

async fn carts(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let cart = Table::create()
        .table("cart")
        .col(primary_id())
        .col(ascii(manager, "owner", 120))
        .col(state("currency"))
        .col(ascii(manager, "division", 6))
        .col(int("version"))
        .col(moment("created_at"))
        .col(moment("updated_at"))
        .take();
    manager.create_table(cart).await?;
    unique(manager, "cart", &["owner"]).await?;
    index(manager, "cart", &["updated_at"]).await?;

    let line = Table::create()
        .table("cart_line")
        .col(primary_id())
        .col(id("cart_id"))
        .col(id("offer_id"))
        .col(int("quantity"))
        .col(ColumnDef::new("seen_minor").big_integer().null())
        .foreign_key(&mut refers("cart_line", "cart_id", "cart", ForeignKeyAction::Cascade))
        .foreign_key(&mut refers("cart_line", "offer_id", "offer", ForeignKeyAction::Restrict))
        .check(("ck_cart_line_quantity", Expr::cust("quantity > 0")))
        .take();
    manager.create_table(line).await?;
    unique(manager, "cart_line", &["cart_id", "offer_id"]).await?;
    index(manager, "cart_line", &["offer_id"]).await?;

    let quote = Table::create()
        .table("quote")
        .col(primary_id())
        .col(id("cart_id"))
        .col(ascii(manager, "owner", 120))
        .col(ascii(manager, "division", 6))
        .col(state("currency"))
        .col(long("total_minor"))
        .col(json("content"))
        .col(moment("created_at"))
        .col(moment("expires_at"))
        .col(optional_moment("placed_at"))
        .foreign_key(&mut refers("quote", "cart_id", "cart", ForeignKeyAction::Cascade))
        .take();
    manager.create_table(quote).await?;
    index(manager, "quote", &["cart_id"]).await?;
    index(manager, "quote", &["expires_at"]).await
}

async fn checkouts(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let restrict = ForeignKeyAction::Restrict;
    let checkout = Table::create()
        .table("checkout")
        .col(primary_id())
        .col(ascii(manager, "number", 32))
        // No foreign key: quotes are tidied away, checkouts stay.
        .col(id("quote_id"))
        .col(id("person_id"))
        .col(optional_id("organisation_id"))
        .col(state("currency"))
        .col(long("total_minor"))
        .col(state("state"))
        .col(state("terms"))
        .col(sealed("consignee"))
        .col(text("masked_consignee", 200))
        .col(ascii(manager, "division", 6))
        .col(optional_ascii(manager, "buyer_lookup", 64))
        .col(ColumnDef::new("po_number").string_len(60).null())
        .col(ColumnDef::new("note").string_len(500).null())
        .col(ColumnDef::new("approval_level").integer().null())
        .col(optional_moment("expires_at"))
        .col(flag("extended"))
        // No foreign key: what pays is not of this context, and knows the checkout by its number.
        .col(optional_id("paid_by"))
        .col(int("version"))
        .col(moment("created_at"))
        .col(moment("updated_at"))
        .foreign_key(&mut refers("checkout", "person_id", "person", restrict))
        .foreign_key(&mut refers("checkout", "organisation_id", "organisation", restrict))
        .take();
    manager.create_table(checkout).await?;
    unique(manager, "checkout", &["number"]).await?;
    unique(manager, "checkout", &["quote_id"]).await?;
    // One's own, newest first; what is due.
    index(manager, "checkout", &["person_id", "id"]).await?;
    index(manager, "checkout", &["organisation_id", "id"]).await?;
    index(manager, "checkout", &["state", "expires_at"]).await
}

async fn orders(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let restrict = ForeignKeyAction::Restrict;
    let mut order = Table::create()
        .table("sales_order")
        .col(primary_id())
        .col(ascii(manager, "number", 40))
        .col(id("checkout_id"))
        .col(id("seller_id"))
        .col(id("person_id"))
        .col(optional_id("organisation_id"))
        .col(state("supply_mode"))
        .col(optional_id("location_id"))
        .col(state("state"))
        .col(state("currency"))
        .take();
    let amounts = [
        "goods_minor",
        "freight_minor",
        "insurance_minor",
        "dutiable_minor",
        "duty_minor",
        "consumption_minor",
        "vat_minor",
        "total_minor",
        "commission_minor",
    ];
    for amount in amounts {
        order.col(long(amount));
    }
    let order = order
        .col(ColumnDef::new("incoterm").string_len(24).null())
        .col(int("version"))
        .col(moment("created_at"))
        .col(moment("updated_at"))
        .foreign_key(&mut refers("sales_order", "checkout_id", "checkout", restrict))
        .foreign_key(&mut refers("sales_order", "seller_id", "organisation", restrict))
        .foreign_key(&mut refers("sales_order", "person_id", "person", restrict))
        .foreign_key(&mut refers("sales_order", "organisation_id", "organisation", restrict))
        .foreign_key(&mut refers("sales_order", "location_id", "stock_location", restrict))
        .check((
            "ck_sales_order_total",
            Expr::cust(
                "dutiable_minor = goods_minor + freight_minor + insurance_minor \
                 AND total_minor = dutiable_minor + duty_minor + consumption_minor + vat_minor",
            ),
        ))
        .take();
    manager.create_table(order).await?;
    unique(manager, "sales_order", &["number"]).await?;
    index(manager, "sales_order", &["checkout_id"]).await?;
    index(manager, "sales_order", &["seller_id", "id"]).await?;
    index(manager, "sales_order", &["person_id", "id"]).await?;
    index(manager, "sales_order", &["organisation_id", "id"]).await?;
    index(manager, "sales_order", &["location_id"]).await?;
    index(manager, "sales_order", &["state", "updated_at"]).await?;

    let line = Table::create()
        .table("order_line")
        .col(id("order_id"))
        .col(int("number"))
        .col(id("offer_id"))
        .col(id("variant_id"))
        .col(text("sku", 64))
        .col(json("name"))
        .col(ascii(manager, "hs_code", 10))
        .col(ascii(manager, "origin", 2))
        .col(int("quantity"))
        .col(long("unit_minor"))
        .col(long("goods_minor"))
        .col(long("carriage_minor"))
        .col(long("tax_minor"))
        .col(ColumnDef::new("tax").json_binary().null())
        .col(json("parts"))
        .primary_key(Index::create().col("order_id").col("number"))
        .foreign_key(&mut refers("order_line", "order_id", "sales_order", restrict))
        .foreign_key(&mut refers("order_line", "offer_id", "offer", restrict))
        .foreign_key(&mut refers("order_line", "variant_id", "variant", restrict))
        .check(("ck_order_line_quantity", Expr::cust("quantity > 0")))
        .take();
    manager.create_table(line).await?;
    index(manager, "order_line", &["offer_id"]).await?;
    index(manager, "order_line", &["variant_id"]).await
}

async fn events(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let event = Table::create()
        .table("order_event")
        .col(primary_id())
        .col(id("order_id"))
        .col(state("step"))
        .col(state("state"))
        .col(text("actor", 120))
        .col(ColumnDef::new("note").string_len(300).null())
        .col(moment("at"))
        .foreign_key(&mut refers("order_event", "order_id", "sales_order", ForeignKeyAction::Restrict))
        .take();
    manager.create_table(event).await?;
    index(manager, "order_event", &["order_id", "id"]).await?;
    let statements: &[&str] = match manager.get_database_backend() {
        DbBackend::Postgres => &[
            "CREATE FUNCTION order_event_is_append_only() RETURNS trigger LANGUAGE plpgsql AS \
             $$ BEGIN RAISE EXCEPTION 'events of orders are append-only'; END $$",
            "CREATE TRIGGER order_event_append_only BEFORE UPDATE OR DELETE ON order_event \
             FOR EACH ROW EXECUTE FUNCTION order_event_is_append_only()",
        ],
        _ => &[
            "CREATE TRIGGER order_event_no_update BEFORE UPDATE ON order_event \
             BEGIN SELECT RAISE(ABORT, 'events of orders are append-only'); END",
            "CREATE TRIGGER order_event_no_delete BEFORE DELETE ON order_event \
             BEGIN SELECT RAISE(ABORT, 'events of orders are append-only'); END",
        ],
    };
    for statement in statements {
        manager.get_connection().execute_unprepared(statement).await?;
    }
    Ok(())
}

async fn companies(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let restrict = ForeignKeyAction::Restrict;
    let limit = Table::create()
        .table("credit_limit")
        .col(primary_id())
        .col(id("seller_id"))
        .col(id("buyer_id"))
        .col(state("currency"))
        .col(long("sanctioned_minor"))
        .col(long("used_minor"))
        .col(int("terms_days"))
        .col(ColumnDef::new("expires_on").date().null())
        .col(int("version"))
        .col(moment("updated_at"))
        .foreign_key(&mut refers("credit_limit", "seller_id", "organisation", restrict))
        .foreign_key(&mut refers("credit_limit", "buyer_id", "organisation", restrict))
        .check(("ck_credit_limit", Expr::cust("used_minor >= 0 AND sanctioned_minor >= 0")))
        .take();
    manager.create_table(limit).await?;
    unique(manager, "credit_limit", &["seller_id", "buyer_id", "currency"]).await?;
    index(manager, "credit_limit", &["buyer_id", "id"]).await?;
    index(manager, "credit_limit", &["seller_id", "id"]).await?;

    let entry = Table::create()
        .table("credit_entry")
        .col(primary_id())
        .col(id("limit_id"))
        .col(ascii(manager, "document", 40))
        .col(long("amount_minor"))
        .col(state("state"))
        .col(ColumnDef::new("due_on").date().not_null())
        .col(moment("created_at"))
        .col(optional_moment("ended_at"))
        .foreign_key(&mut refers("credit_entry", "limit_id", "credit_limit", restrict))
        .check(("ck_credit_entry_amount", Expr::cust("amount_minor > 0")))
        .take();
    manager.create_table(entry).await?;
    unique(manager, "credit_entry", &["document"]).await?;
    index(manager, "credit_entry", &["limit_id", "id"]).await?;

    let rule = Table::create()
        .table("approval_rule")
        .col(primary_id())
        .col(id("organisation_id"))
        .col(state("currency"))
        .col(long("from_minor"))
        .col(int("level"))
        .foreign_key(&mut refers("approval_rule", "organisation_id", "organisation", restrict))
        .take();
    manager.create_table(rule).await?;
    unique(manager, "approval_rule", &["organisation_id", "currency", "from_minor"]).await?;

    let part = Table::create()
        .table("bundle_part")
        .col(id("offer_id"))
        .col(id("variant_id"))
        .col(int("quantity"))
        .primary_key(Index::create().col("offer_id").col("variant_id"))
        .foreign_key(&mut refers("bundle_part", "offer_id", "offer", ForeignKeyAction::Cascade))
        .foreign_key(&mut refers("bundle_part", "variant_id", "variant", restrict))
        .check(("ck_bundle_part_quantity", Expr::cust("quantity > 0")))
        .take();
    manager.create_table(part).await?;
    index(manager, "bundle_part", &["variant_id"]).await
}
