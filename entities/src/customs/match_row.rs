//! What the match of a declaration's papers found (三单比对结果): a row for each rule, personal data masked.

use crate::Relation;
use sea_orm::entity::prelude::*;

use super::matching::{Rule, Verdict};
use crate::values::id::DeclarationId;

/// A row of `customs_match`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "customs_match")]
pub struct Model {
    /// Of which declaration.
    #[sea_orm(primary_key, auto_increment = false)]
    pub declaration_id: DeclarationId,
    /// Its place among the rules, from 0.
    #[sea_orm(primary_key, auto_increment = false)]
    pub position: i32,
    /// Which rule.
    pub rule: Rule,
    /// What the one side says.
    pub left: String,
    /// What the other side says.
    pub right: String,
    /// Whether that is the same.
    pub verdict: Verdict,
    /// When it was looked at.
    pub at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
