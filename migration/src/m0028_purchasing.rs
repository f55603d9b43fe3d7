//! Purchasing: who has to agree to orders, how much may be spent, framework agreements, purchase orders.
//!
//! What must never be is refused by the database itself: more taken of an agreement or a limit than there is; of a line
//! more received, accepted or billed than its order and its tolerances let. Orders as they were agreed, and what they
//! took of limits and agreements, are only added to.

use sea_orm_migration::{prelude::*, sea_orm::DbBackend};

use crate::column::{
    ascii, day, drop_tables, flag, id, index, int, json, long, moment, optional_day, optional_id, optional_long,
    optional_moment, primary_id, refers, state, text, unique,
};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// Tables whose rows are never changed.
const APPEND_ONLY: [&str; 2] = ["purchase_order_version", "purchase_commitment"];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        rules(manager).await?;
        agreements(manager).await?;
        orders(manager).await?;
        lines(manager).await?;
        history(manager).await?;
        for table in APPEND_ONLY {
            append_only(manager, table).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        if manager.get_database_backend() == DbBackend::Postgres {
            for table in APPEND_ONLY {
                let off = format!("DROP FUNCTION {table}_is_append_only() CASCADE");
                manager.get_connection().execute_unprepared(&off).await?;
            }
        }
        let tables = [
            "purchase_commitment",
            "purchase_approval",
            "purchase_order_version",
            "purchase_order_line",
            "purchase_order",
            "supply_agreement_line",
            "supply_agreement",
            "spending_usage",
            "spending_limit",
            "purchase_policy",
        ];
        drop_tables(manager, &tables).await
    }
}

fn line(name: &'static str, length: u32) -> ColumnDef {
    ColumnDef::new(name).string_len(length).null().take()
}

fn optional_json(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).json_binary().null().take()
}

async fn append_only(manager: &SchemaManager<'_>, table: &'static str) -> Result<(), DbErr> {
    let statements = match manager.get_database_backend() {
        DbBackend::Postgres => [
            format!(
                "CREATE FUNCTION {table}_is_append_only() RETURNS trigger LANGUAGE plpgsql AS \
                 $$ BEGIN RAISE EXCEPTION '{table} is append-only'; END $$"
            ),
            format!(
                "CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table} \
                 FOR EACH ROW EXECUTE FUNCTION {table}_is_append_only()"
            ),
        ],
        _ => [
            format!(
                "CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table} \
                 BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            ),
            format!(
                "CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} \
                 BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            ),
        ],
    };
    for statement in statements {
        manager.get_connection().execute_unprepared(&statement).await?;
    }
    Ok(())
}

async fn rules(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let restrict = ForeignKeyAction::Restrict;
    let policy = Table::create()
        .table("purchase_policy")
        .col(primary_id())
        .col(id("organisation_id"))
        .col(optional_id("category_id"))
        .col(json("bands"))
        .col(int("window_days"))
        .col(int("version"))
        .col(moment("created_at"))
        .foreign_key(&mut refers("purchase_policy", "organisation_id", "organisation", restrict))
        .foreign_key(&mut refers("purchase_policy", "category_id", "category", restrict))
        .take();
    manager.create_table(policy).await?;
    unique(manager, "purchase_policy", &["organisation_id", "category_id"]).await?;
    // Nulls are no duplicates of each other, so the policy of whatever has none of its own has an index of its own.
    let standing = "CREATE UNIQUE INDEX uq_purchase_policy_organisation_id ON purchase_policy (organisation_id) \
                    WHERE category_id IS NULL";
    manager.get_connection().execute_unprepared(standing).await?;
    index(manager, "purchase_policy", &["category_id"]).await?;

    let limit = Table::create()
        .table("spending_limit")
        .col(primary_id())
        .col(id("organisation_id"))
        .col(optional_id("person_id"))
        .col(optional_id("category_id"))
        .col(state("period"))
        .col(long("amount_minor"))
        .col(day("valid_from"))
        .col(optional_day("valid_to"))
        .col(int("version"))
        .col(moment("created_at"))
        .foreign_key(&mut refers("spending_limit", "organisation_id", "organisation", restrict))
        .foreign_key(&mut refers("spending_limit", "person_id", "person", restrict))
        .foreign_key(&mut refers("spending_limit", "category_id", "category", restrict))
        .check(("ck_spending_limit_amount", Expr::cust("amount_minor >= 0")))
        .take();
    manager.create_table(limit).await?;
    index(manager, "spending_limit", &["organisation_id"]).await?;
    index(manager, "spending_limit", &["person_id"]).await?;
    index(manager, "spending_limit", &["category_id"]).await?;

    // How much is spent is guarded in the statement: a ceiling that is lowered below it later is no error.
    let usage = Table::create()
        .table("spending_usage")
        .col(id("limit_id"))
        .col(day("period_start"))
        .col(long("ceiling_minor"))
        .col(long("spent_minor"))
        .primary_key(Index::create().col("limit_id").col("period_start"))
        .foreign_key(&mut refers("spending_usage", "limit_id", "spending_limit", restrict))
        .check(("ck_spending_usage_spent", Expr::cust("spent_minor >= 0")))
        .take();
    manager.create_table(usage).await
}

async fn agreements(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let restrict = ForeignKeyAction::Restrict;
    let agreement = Table::create()
        .table("supply_agreement")
        .col(primary_id())
        .col(ascii(manager, "number", 24))
        .col(id("buyer_id"))
        .col(id("supplier_id"))
        .col(state("kind"))
        .col(state("state"))
        .col(text("title", 200))
        .col(ascii(manager, "currency", 3))
        .col(state("incoterm"))
        .col(text("named_place", 120))
        .col(int("payment_days"))
        .col(day("valid_from"))
        .col(day("valid_to"))
        .col(optional_long("ceiling_minor"))
        .col(long("released_minor"))
        .col(line("terms", 2_000))
        .col(text("created_by", 120))
        .col(optional_id("person_id"))
        .col(json("editors"))
        .col(optional_moment("offered_at"))
        .col(int("version"))
        .col(moment("created_at"))
        .col(moment("updated_at"))
        .foreign_key(&mut refers("supply_agreement", "buyer_id", "organisation", restrict))
        .foreign_key(&mut refers("supply_agreement", "supplier_id", "organisation", restrict))
        .foreign_key(&mut refers("supply_agreement", "person_id", "person", restrict))
        .check((
            "ck_supply_agreement",
            Expr::cust("released_minor >= 0 AND (ceiling_minor IS NULL OR released_minor <= ceiling_minor)"),
        ))
        .take();
    manager.create_table(agreement).await?;
    unique(manager, "supply_agreement", &["number"]).await?;
    index(manager, "supply_agreement", &["buyer_id", "id"]).await?;
    index(manager, "supply_agreement", &["supplier_id", "id"]).await?;
    index(manager, "supply_agreement", &["buyer_id", "state"]).await?;
    index(manager, "supply_agreement", &["supplier_id", "state"]).await?;
    index(manager, "supply_agreement", &["state", "valid_to"]).await?;
    index(manager, "supply_agreement", &["person_id"]).await?;

    let lines = Table::create()
        .table("supply_agreement_line")
        .col(primary_id())
        .col(id("agreement_id"))
        .col(int("position"))
        .col(optional_id("variant_id"))
        .col(optional_id("category_id"))
        .col(text("description", 300))
        .col(text("unit", 20))
        .col(json("tiers"))
        .col(state("mode"))
        .col(long("moq"))
        .col(long("multiple"))
        .col(optional_long("ceiling"))
        .col(long("released"))
        .foreign_key(&mut refers("supply_agreement_line", "agreement_id", "supply_agreement", restrict))
        .foreign_key(&mut refers("supply_agreement_line", "variant_id", "variant", restrict))
        .foreign_key(&mut refers("supply_agreement_line", "category_id", "category", restrict))
        .check(("ck_supply_agreement_line", Expr::cust("released >= 0 AND (ceiling IS NULL OR released <= ceiling)")))
        .take();
    manager.create_table(lines).await?;
    unique(manager, "supply_agreement_line", &["agreement_id", "position"]).await?;
    index(manager, "supply_agreement_line", &["variant_id"]).await?;
    index(manager, "supply_agreement_line", &["category_id"]).await
}

async fn orders(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let restrict = ForeignKeyAction::Restrict;
    let order = Table::create()
        .table("purchase_order")
        .col(primary_id())
        .col(ascii(manager, "number", 24))
        .col(id("buyer_id"))
        .col(id("supplier_id"))
        .col(state("state"))
        .col(int("revision"))
        .col(optional_id("rfq_id"))
        .col(optional_id("agreement_id"))
        .col(ascii(manager, "currency", 3))
        .col(optional_json("fx"))
        .col(state("incoterm"))
        .col(text("named_place", 120))
        .col(int("payment_days"))
        .col(optional_id("deliver_to_id"))
        .col(long("net_minor"))
        .col(long("tax_minor"))
        .col(long("total_minor"))
        .col(long("base_minor"))
        .col(long("counted_minor"))
        .col(optional_json("proposal"))
        .col(line("note", 1_000))
        .col(optional_id("requested_by"))
        .col(optional_id("edited_by"))
        .col(json("editors"))
        .col(text("created_by", 120))
        .col(flag("warned"))
        .col(optional_moment("submitted_at"))
        .col(optional_moment("sent_at"))
        .col(optional_moment("acknowledged_at"))
        .col(optional_moment("closed_at"))
        .col(line("close_reason", 300))
        .col(optional_json("agreed"))
        .col(int("version"))
        .col(moment("created_at"))
        .col(moment("updated_at"))
        .foreign_key(&mut refers("purchase_order", "buyer_id", "organisation", restrict))
        .foreign_key(&mut refers("purchase_order", "supplier_id", "organisation", restrict))
        .foreign_key(&mut refers("purchase_order", "rfq_id", "rfq", restrict))
        .foreign_key(&mut refers("purchase_order", "agreement_id", "supply_agreement", restrict))
        .foreign_key(&mut refers("purchase_order", "deliver_to_id", "stock_location", restrict))
        .check((
            "ck_purchase_order_amounts",
            Expr::cust("net_minor >= 0 AND tax_minor >= 0 AND total_minor = net_minor + tax_minor AND revision >= 1"),
        ))
        .take();
    manager.create_table(order).await?;
    unique(manager, "purchase_order", &["number"]).await?;
    index(manager, "purchase_order", &["buyer_id", "id"]).await?;
    index(manager, "purchase_order", &["supplier_id", "id"]).await?;
    index(manager, "purchase_order", &["buyer_id", "state"]).await?;
    index(manager, "purchase_order", &["supplier_id", "state"]).await?;
    index(manager, "purchase_order", &["buyer_id", "supplier_id", "submitted_at"]).await?;
    index(manager, "purchase_order", &["state", "updated_at"]).await?;
    index(manager, "purchase_order", &["rfq_id"]).await?;
    index(manager, "purchase_order", &["agreement_id"]).await?;
    index(manager, "purchase_order", &["deliver_to_id"]).await
}

async fn lines(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let restrict = ForeignKeyAction::Restrict;
    let lines = Table::create()
        .table("purchase_order_line")
        .col(primary_id())
        .col(id("order_id"))
        .col(int("position"))
        .col(optional_id("variant_id"))
        .col(optional_id("category_id"))
        .col(text("description", 300))
        .col(text("unit", 20))
        .col(long("quantity"))
        .col(long("price"))
        .col(long("amount_minor"))
        .col(int("tax_ppm"))
        .col(optional_day("needed_on"))
        .col(json("schedule"))
        .col(optional_id("agreement_line_id"))
        .col(optional_id("award_id"))
        .col(json("tolerance"))
        .col(int("over_receipt_ppm"))
        .col(int("over_bill_ppm"))
        .col(long("received"))
        .col(long("accepted"))
        .col(long("rejected"))
        .col(long("returned"))
        .col(long("billed"))
        .col(long("overridden"))
        .col(long("short_closed"))
        .foreign_key(&mut refers("purchase_order_line", "order_id", "purchase_order", restrict))
        .foreign_key(&mut refers("purchase_order_line", "variant_id", "variant", restrict))
        .foreign_key(&mut refers("purchase_order_line", "category_id", "category", restrict))
        .foreign_key(&mut refers("purchase_order_line", "agreement_line_id", "supply_agreement_line", restrict))
        .foreign_key(&mut refers("purchase_order_line", "award_id", "rfq_award", restrict))
        .check(("ck_po_line_quantity", Expr::cust("quantity > 0 AND short_closed >= 0 AND short_closed <= quantity")))
        .check((
            "ck_po_line_received",
            Expr::cust(
                "received >= 0 AND returned >= 0 AND \
                 (received - returned) * 1000000 <= quantity * (1000000 + over_receipt_ppm)",
            ),
        ))
        .check((
            "ck_po_line_inspected",
            Expr::cust("accepted >= 0 AND rejected >= 0 AND accepted + rejected <= received AND returned <= rejected"),
        ))
        .check((
            "ck_po_line_billed",
            Expr::cust(
                "billed >= 0 AND overridden >= 0 AND overridden <= billed AND \
                 (billed - overridden) * 1000000 <= accepted * (1000000 + over_bill_ppm)",
            ),
        ))
        .take();
    manager.create_table(lines).await?;
    unique(manager, "purchase_order_line", &["order_id", "position"]).await?;
    index(manager, "purchase_order_line", &["variant_id"]).await?;
    index(manager, "purchase_order_line", &["category_id"]).await?;
    index(manager, "purchase_order_line", &["agreement_line_id"]).await?;
    index(manager, "purchase_order_line", &["award_id"]).await
}

async fn history(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let restrict = ForeignKeyAction::Restrict;
    let version = Table::create()
        .table("purchase_order_version")
        .col(id("order_id"))
        .col(int("revision"))
        .col(json("content"))
        .col(long("total_minor"))
        .col(text("reason", 300))
        .col(text("made_by", 120))
        .col(moment("at"))
        .primary_key(Index::create().col("order_id").col("revision"))
        .foreign_key(&mut refers("purchase_order_version", "order_id", "purchase_order", restrict))
        .take();
    manager.create_table(version).await?;

    let approval = Table::create()
        .table("purchase_approval")
        .col(primary_id())
        .col(id("order_id"))
        .col(int("revision"))
        .col(int("round"))
        .col(int("position"))
        .col(text("title", 80))
        .col(int("level"))
        .col(optional_id("person_id"))
        .col(state("state"))
        .col(line("decided_by", 120))
        .col(optional_id("decider_id"))
        .col(line("comment", 500))
        .col(optional_moment("decided_at"))
        .col(moment("created_at"))
        .foreign_key(&mut refers("purchase_approval", "order_id", "purchase_order", restrict))
        .take();
    manager.create_table(approval).await?;
    unique(manager, "purchase_approval", &["order_id", "round", "position"]).await?;
    index(manager, "purchase_approval", &["state", "order_id"]).await?;

    let commitment = Table::create()
        .table("purchase_commitment")
        .col(primary_id())
        .col(id("order_id"))
        .col(state("kind"))
        .col(id("target_id"))
        .col(optional_day("period_start"))
        .col(long("amount"))
        .col(moment("at"))
        .foreign_key(&mut refers("purchase_commitment", "order_id", "purchase_order", restrict))
        .check(("ck_purchase_commitment_amount", Expr::cust("amount <> 0")))
        .take();
    manager.create_table(commitment).await?;
    index(manager, "purchase_commitment", &["order_id"]).await
}
