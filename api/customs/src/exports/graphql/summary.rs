//! The summary of a month in the schema.

use async_graphql::{Context, ID, Object, Result};
use chrono::{DateTime, NaiveDate, Utc};
use entities::customs::export::{
    entry,
    summarised::{self, SummaryState},
};
use party::graphql::Organisation;
use platform::graphql::encode;

use super::super::loaders::EntriesOf;
use crate::loaders;

/// The lists of a month that become entries (汇总申请).
#[derive(Clone, Debug)]
pub struct ExportSummary(pub summarised::Model);

/// The lists of a month that become entries (汇总申请). Its lists are `exportDeclarations` with its id.
#[Object]
impl ExportSummary {
    /// Opaque identifier.
    pub async fn id(&self) -> ID {
        encode(self.0.id)
    }

    /// Whose lists they are.
    async fn seller(&self, context: &Context<'_>) -> Result<Option<Organisation>> {
        Ok(party::loaders::of(context).load_one(self.0.seller_id).await?.map(Organisation))
    }

    /// Who declares.
    async fn declarer(&self, context: &Context<'_>) -> Result<Option<Organisation>> {
        Ok(party::loaders::of(context).load_one(self.0.declarer_id).await?.map(Organisation))
    }

    /// The first day of their month.
    async fn month(&self) -> NaiveDate {
        self.0.month
    }

    /// The declarer's own number (企业内部编号).
    async fn own_number(&self) -> &str {
        &self.0.cop_no
    }

    /// Customs' number (汇总申请编号).
    async fn number(&self) -> Option<&str> {
        self.0.sum_no.as_deref()
    }

    /// How many lists it has.
    async fn list_count(&self) -> i32 {
        self.0.lists
    }

    /// In how many messages.
    async fn part_count(&self) -> i32 {
        self.0.parts
    }

    /// Where they go, ISO 3166 (运抵国).
    async fn destination(&self) -> &str {
        &self.0.merge_key.destination
    }

    /// How they leave, one character of customs (运输方式).
    async fn traf_mode(&self) -> &str {
        &self.0.merge_key.traf_mode
    }

    /// State.
    async fn state(&self) -> SummaryState {
        self.0.state
    }

    /// Last day on which it may be applied for (申报截止日).
    async fn due(&self) -> NaiveDate {
        self.0.due
    }

    /// The entries that customs made of it (报关单).
    async fn entries(&self, context: &Context<'_>) -> Result<Vec<ExportEntry>> {
        let rows = loaders::of(context).load_one(EntriesOf(self.0.id)).await?.unwrap_or_default();
        Ok(rows.into_iter().map(ExportEntry::from).collect())
    }

    /// What is odd about it, or pressing; null: nothing (异常).
    async fn alarm(&self) -> Option<&str> {
        self.0.alarm.as_deref()
    }

    /// Counts up with every change.
    async fn version(&self) -> i32 {
        self.0.version
    }

    /// Since when.
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }
}

/// An entry that customs made of a summary (报关单).
#[derive(Clone, Debug, async_graphql::SimpleObject)]
pub struct ExportEntry {
    /// Customs' number of the declaration (报关单统一编号).
    sequence_number: String,
    /// The number of the entry; null: it has none yet (报关单号).
    entry_number: Option<String>,
    /// How it stands, in customs' word (报关单状态).
    state: String,
    /// Gross weight in grams.
    gross_weight_g: i64,
    /// Net weight in grams.
    net_weight_g: i64,
}

impl From<entry::Model> for ExportEntry {
    fn from(row: entry::Model) -> Self {
        Self {
            sequence_number: row.decl_seq_no,
            entry_number: row.entry_no,
            state: row.state,
            gross_weight_g: row.gross_weight_g,
            net_weight_g: row.net_weight_g,
        }
    }
}
