//! Refunds in the sandbox (沙箱退款).

use crate::Relation;
use sea_orm::entity::prelude::*;

/// A row of `sandbox_refund`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, serde::Serialize)]
#[sea_orm(table_name = "sandbox_refund")]
pub struct Model {
    /// What the sandbox knows it by.
    #[sea_orm(primary_key, auto_increment = false)]
    pub reference: String,
    /// Of which of its payments.
    pub payment_reference: String,
    /// How much, in minor units.
    pub amount_minor: i64,
    /// How often it was asked about.
    pub looks: i32,
}

impl ActiveModelBehavior for ActiveModel {}
