//! Questions about an RFQ, and their answers (澄清答疑). An answer goes to all suppliers or to who asked; who asked is
//! known to the buyer only.

use crate::Relation;
use sea_orm::entity::prelude::*;

use crate::values::id::{OrganisationId, RfqId, RfqQuestionId};

/// Most questions of one supplier about one RFQ.
pub const MOST: u64 = 50;

/// A row of `rfq_question`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, serde::Serialize)]
#[sea_orm(table_name = "rfq_question")]
pub struct Model {
    /// Identifier.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: RfqQuestionId,
    /// About which RFQ.
    pub rfq_id: RfqId,
    /// Which supplier asked.
    pub supplier_id: OrganisationId,
    /// The question.
    pub text: String,
    /// Who asked.
    pub asked_by: String,
    /// The answer.
    pub answer: Option<String>,
    /// Who answered.
    pub answered_by: Option<String>,
    /// When.
    pub answered_at: Option<DateTimeUtc>,
    /// Whether all suppliers read both.
    pub published: bool,
    /// When it was asked.
    pub created_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
