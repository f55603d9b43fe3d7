//! Choosing among quotations: comparisons that are kept, and what is awarded to whom.
//!
//! A kept comparison is never changed, and a line goes to a supplier once: the database says so.

use sea_orm_migration::{prelude::*, sea_orm::DbBackend};

use crate::column::{
    ascii, drop_tables, hash, id, index, int, json, long, moment, optional_id, primary_id, refers, text, unique,
};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        comparison(manager).await?;
        award(manager).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        if manager.get_database_backend() == DbBackend::Postgres {
            let off = "DROP FUNCTION rfq_comparison_is_append_only() CASCADE";
            manager.get_connection().execute_unprepared(off).await?;
        }
        drop_tables(manager, &["rfq_award", "rfq_comparison"]).await
    }
}

async fn comparison(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let comparison = Table::create()
        .table("rfq_comparison")
        .col(primary_id())
        .col(id("rfq_id"))
        .col(int("round"))
        .col(json("assumptions"))
        .col(hash(manager, "result_sha256"))
        .col(text("made_by", 120))
        .col(moment("created_at"))
        .foreign_key(&mut refers("rfq_comparison", "rfq_id", "rfq", ForeignKeyAction::Restrict))
        .take();
    manager.create_table(comparison).await?;
    index(manager, "rfq_comparison", &["rfq_id", "id"]).await?;
    let statements: &[&str] = match manager.get_database_backend() {
        DbBackend::Postgres => &[
            "CREATE FUNCTION rfq_comparison_is_append_only() RETURNS trigger LANGUAGE plpgsql AS \
             $$ BEGIN RAISE EXCEPTION 'kept comparisons are append-only'; END $$",
            "CREATE TRIGGER rfq_comparison_append_only BEFORE UPDATE OR DELETE ON rfq_comparison \
             FOR EACH ROW EXECUTE FUNCTION rfq_comparison_is_append_only()",
        ],
        _ => &[
            "CREATE TRIGGER rfq_comparison_no_update BEFORE UPDATE ON rfq_comparison \
             BEGIN SELECT RAISE(ABORT, 'kept comparisons are append-only'); END",
            "CREATE TRIGGER rfq_comparison_no_delete BEFORE DELETE ON rfq_comparison \
             BEGIN SELECT RAISE(ABORT, 'kept comparisons are append-only'); END",
        ],
    };
    for statement in statements {
        manager.get_connection().execute_unprepared(statement).await?;
    }
    Ok(())
}

async fn award(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let restrict = ForeignKeyAction::Restrict;
    let award = Table::create()
        .table("rfq_award")
        .col(primary_id())
        .col(id("rfq_id"))
        .col(id("line_id"))
        .col(id("quotation_id"))
        .col(id("supplier_id"))
        .col(optional_id("comparison_id"))
        .col(long("quantity"))
        .col(long("price"))
        .col(ascii(manager, "currency", 3))
        .col(ColumnDef::new("landed_e6").big_integer().null())
        .col(ColumnDef::new("reason").string_len(300).null())
        // No foreign key: orders come later.
        .col(optional_id("order_id"))
        .col(text("awarded_by", 120))
        .col(moment("created_at"))
        .foreign_key(&mut refers("rfq_award", "rfq_id", "rfq", restrict))
        .foreign_key(&mut refers("rfq_award", "line_id", "rfq_line", restrict))
        .foreign_key(&mut refers("rfq_award", "quotation_id", "quotation", restrict))
        .foreign_key(&mut refers("rfq_award", "supplier_id", "organisation", restrict))
        .foreign_key(&mut refers("rfq_award", "comparison_id", "rfq_comparison", restrict))
        .check(("ck_rfq_award_quantity", Expr::cust("quantity > 0 AND price > 0")))
        .take();
    manager.create_table(award).await?;
    unique(manager, "rfq_award", &["line_id", "supplier_id"]).await?;
    index(manager, "rfq_award", &["rfq_id", "id"]).await?;
    index(manager, "rfq_award", &["quotation_id"]).await?;
    index(manager, "rfq_award", &["supplier_id"]).await?;
    index(manager, "rfq_award", &["comparison_id"]).await?;
    index(manager, "rfq_award", &["order_id"]).await
}
