//! Entries that customs made of a summary (汇总结果): rows of `export_entry`, as CEB792 says them.

use crate::Relation;
use sea_orm::entity::prelude::*;

use crate::values::id::ExportSummaryId;

/// A row of `export_entry`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, serde::Serialize)]
#[sea_orm(table_name = "export_entry")]
pub struct Model {
    /// Customs' number of the declaration (报关单统一编号).
    #[sea_orm(primary_key, auto_increment = false, column_type = "String(StringLen::N(18))")]
    pub decl_seq_no: String,
    /// Of which summary.
    pub summary_id: ExportSummaryId,
    /// The number of the entry (报关单号); none: it has none yet.
    #[sea_orm(column_type = "String(StringLen::N(18))", nullable)]
    pub entry_no: Option<String>,
    /// How it stands, in customs' word (报关单状态).
    #[sea_orm(column_type = "String(StringLen::N(3))")]
    pub state: String,
    /// When customs said so, 17 digits.
    #[sea_orm(column_type = "String(StringLen::N(17))")]
    pub stated_time: String,
    /// Gross weight in grams.
    pub gross_weight_g: i64,
    /// Net weight in grams.
    pub net_weight_g: i64,
    /// When it came.
    pub at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
