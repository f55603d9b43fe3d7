//! Evidence packages: what was known of a receivable, in signed files. A correction is the next version, which names the
//! one before by its hash; none is ever changed.

use sea_orm_migration::prelude::*;

use crate::column::{
    append_only, drop_append_only, drop_tables, hash, id, int, moment, optional_ascii, primary_id, refers, text, unique,
};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// The table whose rows are never changed, and what is said to who tries.
const APPEND_ONLY: [(&str, &str); 1] = [("evidence_package", "an evidence package is never changed")];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let package = Table::create()
            .table("evidence_package")
            .col(primary_id())
            .col(id("receivable_id"))
            .col(int("version"))
            .col(optional_ascii(manager, "prev_sha256", 64))
            .col(hash(manager, "sha256"))
            .col(ColumnDef::new("file").text().not_null())
            .col(text("made_by", 120))
            .col(moment("at"))
            .foreign_key(&mut refers("evidence_package", "receivable_id", "receivable", ForeignKeyAction::Restrict))
            // The first has none before it, and every other one has.
            .check(("ck_evidence_package", Expr::cust("version > 0 AND (version = 1) = (prev_sha256 IS NULL)")))
            .take();
        manager.create_table(package).await?;
        unique(manager, "evidence_package", &["receivable_id", "version"]).await?;
        append_only(manager, &APPEND_ONLY).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_append_only(manager, &APPEND_ONLY).await?;
        drop_tables(manager, &["evidence_package"]).await
    }
}
