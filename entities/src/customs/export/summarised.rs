//! Summaries of the lists of a month (汇总申请): rows of `export_summary`, and of which messages each is made.

use crate::Relation;
use sea_orm::{ExprTrait, entity::prelude::*, sea_query::Expr};

use super::summary::HeadKey;
use crate::{
    party::Viewer,
    values::id::{CustomsPaperId, ExportSummaryId, OrganisationId},
};

/// How a summary stands (汇总状态).
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    EnumIter,
    DeriveActiveEnum,
    serde::Serialize,
    serde::Deserialize,
    async_graphql::Enum,
)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(24))", rename_all = "snake_case")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[graphql(name = "ExportSummaryState")]
pub enum SummaryState {
    /// Its lists are put together, customs has not taken all of its messages in (草稿).
    Draft,
    /// Customs has it (已申请).
    Applied,
    /// Customs does not take one of its messages, or it did not get there (被退).
    Refused,
    /// Every list has its entry (已生成报关单).
    Answered,
}

/// A row of `export_summary`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, serde::Serialize, serde::Deserialize)]
#[sea_orm(table_name = "export_summary")]
pub struct Model {
    /// Identifier.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ExportSummaryId,
    /// Whose lists they are.
    pub seller_id: OrganisationId,
    /// Who declares.
    pub declarer_id: OrganisationId,
    /// The first day of their month.
    pub month: Date,
    /// The declarer's own number (企业内部编号).
    #[sea_orm(unique, column_type = "String(StringLen::N(30))")]
    pub cop_no: String,
    /// What its lists have in common.
    #[sea_orm(column_type = "JsonBinary")]
    pub merge_key: HeadKey,
    /// How many lists it has.
    pub lists: i32,
    /// In how many messages.
    pub parts: i32,
    /// State.
    pub state: SummaryState,
    /// Customs' number (汇总申请编号).
    #[sea_orm(unique, column_type = "String(StringLen::N(18))", nullable)]
    pub sum_no: Option<String>,
    /// Last day on which it may be applied for.
    pub due: Date,
    /// What is odd about it, or pressing (异常标记).
    #[sea_orm(column_type = "String(StringLen::N(300))", nullable)]
    pub alarm: Option<String>,
    /// When it was told that its last day is near: that is told once.
    pub pressed_at: Option<DateTimeUtc>,
    /// Counts up with every change.
    pub version: i32,
    /// Since when.
    pub created_at: DateTimeUtc,
    /// When it last changed.
    pub updated_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}

impl Entity {
    /// The summaries that `viewer` may see: of what one's organisation sells or declares, all for who oversees the zone.
    pub fn visible_to(viewer: &Viewer) -> Select<Self> {
        if viewer.oversees() {
            return Self::find();
        }
        match viewer.organisation() {
            Some(own) => Self::find().filter(Column::SellerId.eq(own).or(Column::DeclarerId.eq(own))),
            None => Self::find().filter(Expr::val(false)),
        }
    }
}

/// The messages of a summary: rows of `export_summary_part`.
pub mod part {
    use super::{CustomsPaperId, DeriveEntityModel, ExportSummaryId};
    use crate::Relation;
    use sea_orm::entity::prelude::*;

    /// A row of `export_summary_part`. Its key is summary and number.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "export_summary_part")]
    pub struct Model {
        /// Of which summary.
        #[sea_orm(primary_key, auto_increment = false)]
        pub summary_id: ExportSummaryId,
        /// Which message, from 1 (报文序号).
        #[sea_orm(primary_key, auto_increment = false)]
        pub number: i32,
        /// Its paper.
        #[sea_orm(unique)]
        pub paper_id: CustomsPaperId,
    }

    impl ActiveModelBehavior for ActiveModel {}
}
