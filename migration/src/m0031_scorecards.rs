//! How suppliers do: those that a buyer stopped, what they are judged by, how they were judged, and what people were
//! reminded of.

use sea_orm_migration::prelude::*;

use crate::column::{
    day, drop_index, drop_tables, flag, id, index, int, json, long, moment, optional_day, primary_id, refers, state,
    text, unique,
};

/// What waits is little of all that was ever ordered, received and owed: it is found without looking through the rest.
/// Name, table, and of which columns and rows.
const WAITING: [(&str, &str, &str); 3] = [
    (
        "ix_purchase_order_line_outstanding",
        "purchase_order_line",
        "purchase_order_line (order_id) WHERE received - returned < quantity - short_closed",
    ),
    (
        "ix_goods_receipt_line_waiting",
        "goods_receipt_line",
        "goods_receipt_line (receipt_id) WHERE accepted + rejected < delivered OR returned < rejected",
    ),
    ("ix_payable_owed", "payable", "payable (buyer_id, due_date) WHERE face_minor > credited_minor + paid_minor"),
];

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        block(manager).await?;
        scorecard(manager).await?;
        score(manager).await?;
        reminder(manager).await?;
        for (name, _, of) in WAITING {
            manager.get_connection().execute_unprepared(&format!("CREATE INDEX {name} ON {of}")).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (name, table, _) in WAITING {
            drop_index(manager, name, table).await?;
        }
        let tables = ["procurement_reminder", "supplier_score", "supplier_scorecard", "supplier_block"];
        drop_tables(manager, &tables).await
    }
}

async fn block(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let restrict = ForeignKeyAction::Restrict;
    let block = Table::create()
        .table("supplier_block")
        .col(id("buyer_id"))
        .col(id("supplier_id"))
        .col(text("reason", 300))
        .col(text("blocked_by", 120))
        .col(optional_day("until"))
        .col(moment("at"))
        .primary_key(Index::create().col("buyer_id").col("supplier_id"))
        .foreign_key(&mut refers("supplier_block", "buyer_id", "organisation", restrict))
        .foreign_key(&mut refers("supplier_block", "supplier_id", "organisation", restrict))
        .check(("ck_supplier_block", Expr::cust("buyer_id <> supplier_id")))
        .take();
    manager.create_table(block).await?;
    index(manager, "supplier_block", &["supplier_id"]).await
}

async fn scorecard(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let restrict = ForeignKeyAction::Restrict;
    let scorecard = Table::create()
        .table("supplier_scorecard")
        .col(primary_id())
        .col(id("organisation_id"))
        .col(json("criteria"))
        .col(json("standings"))
        .col(state("period"))
        .col(flag("blend"))
        .col(optional_day("scored_through"))
        .col(int("version"))
        .col(moment("created_at"))
        .col(moment("updated_at"))
        .foreign_key(&mut refers("supplier_scorecard", "organisation_id", "organisation", restrict))
        .take();
    manager.create_table(scorecard).await?;
    unique(manager, "supplier_scorecard", &["organisation_id"]).await?;
    // The sweep asks whose last period has no scores yet.
    index(manager, "supplier_scorecard", &["period", "scored_through"]).await
}

async fn score(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let restrict = ForeignKeyAction::Restrict;
    let score = Table::create()
        .table("supplier_score")
        .col(id("buyer_id"))
        .col(id("supplier_id"))
        .col(day("period_start"))
        .col(state("period"))
        .col(long("score_e4"))
        .col(long("blended_e4"))
        .col(json("parts"))
        .col(moment("made_at"))
        .primary_key(Index::create().col("buyer_id").col("supplier_id").col("period_start").col("period"))
        .foreign_key(&mut refers("supplier_score", "buyer_id", "organisation", restrict))
        .foreign_key(&mut refers("supplier_score", "supplier_id", "organisation", restrict))
        .check(("ck_supplier_score", Expr::cust("score_e4 BETWEEN 0 AND 1000000 AND blended_e4 BETWEEN 0 AND 1000000")))
        .take();
    manager.create_table(score).await?;
    index(manager, "supplier_score", &["supplier_id"]).await?;
    index(manager, "supplier_score", &["buyer_id", "period_start"]).await
}

async fn reminder(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let reminder = Table::create()
        .table("procurement_reminder")
        .col(state("kind"))
        // Of things of several tables, so it refers to none.
        .col(id("subject_id"))
        .col(moment("sent_at"))
        .primary_key(Index::create().col("kind").col("subject_id"))
        .take();
    manager.create_table(reminder).await
}
