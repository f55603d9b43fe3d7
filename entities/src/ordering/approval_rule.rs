//! Approval rules (审批规则): from which amount on an order of an organisation's needs an approver, and of which level.

use crate::Relation;
use sea_orm::entity::prelude::*;

use crate::values::{
    Currency,
    id::{ApprovalRuleId, OrganisationId},
};

/// A row of `approval_rule`: unique by organisation, currency and amount.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, serde::Serialize, serde::Deserialize)]
#[sea_orm(table_name = "approval_rule")]
pub struct Model {
    /// Identifier.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ApprovalRuleId,
    /// Whose orders.
    pub organisation_id: OrganisationId,
    /// In which currency.
    pub currency: Currency,
    /// From this amount on, in minor units.
    pub from_minor: i64,
    /// Least level of whoever approves.
    pub level: i32,
}

impl ActiveModelBehavior for ActiveModel {}

/// The level that an amount needs: that of the highest rule that it reaches; none when it reaches none.
pub fn level_for(rules: &[Model], amount_minor: i64) -> Option<i32> {
    rules
        .iter()
        .filter(|rule| rule.from_minor <= amount_minor)
        .max_by_key(|rule| rule.from_minor)
        .map(|rule| rule.level)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_rule_that_is_reached_decides() {
        let rule = |from_minor, level| Model {
            id: ApprovalRuleId(uuid::Uuid::nil()),
            organisation_id: OrganisationId(uuid::Uuid::nil()),
            currency: Currency::CNY,
            from_minor,
            level,
        };
        let rules = [rule(1_000_000, 2), rule(100_000, 1)];
        for (amount, level) in [(99_999, None), (100_000, Some(1)), (999_999, Some(1)), (1_000_000, Some(2))] {
            assert_eq!(level_for(&rules, amount), level, "{amount}");
        }
        assert_eq!(level_for(&[], 1), None);
    }
}
