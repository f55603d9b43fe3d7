//! Jobs (后台任务): what must happen after a change, written in the change's own transaction.

use crate::Relation;
use sea_orm::entity::prelude::*;

use crate::values::id::JobId;

/// State of a job (任务状态). A job that is done is gone.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    EnumIter,
    DeriveActiveEnum,
    serde::Serialize,
    serde::Deserialize,
    async_graphql::Enum,
)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(24))", rename_all = "snake_case")]
pub enum JobState {
    /// Waits for its time or for a worker (等待).
    Waiting,
    /// A worker has it, until its lease runs out (执行中).
    Running,
    /// Given up (死信).
    Dead,
}

/// A row of `job`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, serde::Serialize, serde::Deserialize)]
#[sea_orm(table_name = "job")]
pub struct Model {
    /// In the order of writing.
    #[sea_orm(primary_key)]
    pub seq: i64,
    /// Identifier.
    #[sea_orm(unique)]
    pub id: JobId,
    /// What to do.
    #[sea_orm(column_type = "String(StringLen::N(48))")]
    pub kind: String,
    /// What it is about: jobs of one aggregate are done one after the other, in order.
    #[sea_orm(column_type = "String(StringLen::N(80))")]
    pub aggregate: String,
    /// With what, as JSON.
    #[sea_orm(column_type = "Text")]
    pub payload: String,
    /// State.
    pub state: JobState,
    /// How often it was begun.
    pub attempts: i32,
    /// Not before this.
    pub run_at: DateTimeUtc,
    /// Who has it.
    pub worker: Option<Uuid>,
    /// Until when.
    pub lease_until: Option<DateTimeUtc>,
    /// Why it failed last.
    #[sea_orm(column_type = "Text")]
    pub reason: Option<String>,
    /// Since when.
    pub created_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
