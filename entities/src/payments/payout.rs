//! Payout batches (结算批次): what is owed to sellers, as a list for the bank. The platform holds no money: it reports.

use crate::Relation;
use sea_orm::entity::prelude::*;

use crate::values::{Currency, ErrorCode, Refusal, id::PayoutId};

/// State of a payout batch (结算批次状态).
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
pub enum PayoutState {
    /// Made, and not given to the bank (草稿).
    Draft,
    /// The list was given out (已导出).
    Exported,
    /// The bank did it, as a second person reports (已付款).
    Paid,
    /// Given up; what is owed is owed again (已取消).
    Cancelled,
}

/// A step of a payout batch's life (结算操作).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter)]
pub enum PayoutStep {
    /// The list is given out; it can be given out again.
    Export,
    /// The bank did it.
    ReportPaid,
    /// It is given up.
    Cancel,
}

impl PayoutStep {
    /// The states that it leads from, and where to.
    pub fn leads(self) -> (&'static [PayoutState], PayoutState) {
        use PayoutState::{Cancelled, Draft, Exported, Paid};
        match self {
            Self::Export => (&[Draft, Exported], Exported),
            Self::ReportPaid => (&[Exported], Paid),
            Self::Cancel => (&[Draft, Exported], Cancelled),
        }
    }

    /// Where it leads from a state, or why not.
    pub fn from(self, state: PayoutState) -> Result<PayoutState, Refusal> {
        let (from, to) = self.leads();
        if from.contains(&state) {
            return Ok(to);
        }
        Err(Refusal::new(ErrorCode::IllegalTransition)
            .with("from", async_graphql::Value::from(state).to_string())
            .with("action", format!("{self:?}").to_uppercase()))
    }
}

/// A row of `payout`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, serde::Serialize, serde::Deserialize)]
#[sea_orm(table_name = "payout")]
pub struct Model {
    /// Identifier.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: PayoutId,
    /// Its number, which the bank sees.
    #[sea_orm(unique)]
    pub number: String,
    /// In which currency.
    pub currency: Currency,
    /// State.
    pub state: PayoutState,
    /// The sum of its lines, in minor units.
    pub total_minor: i64,
    /// Who made it.
    pub made_by: String,
    /// Who reported that the bank did it.
    pub paid_by: Option<String>,
    /// The bank's own reference.
    pub bank_reference: Option<String>,
    /// Counts up with every change.
    pub version: i32,
    /// Since when.
    pub created_at: DateTimeUtc,
    /// When it last changed.
    pub updated_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}

#[cfg(test)]
mod tests {
    use sea_orm::Iterable;

    use super::*;

    #[test]
    fn a_batch_is_paid_once_and_only_after_the_bank_had_it() {
        use PayoutState::{Cancelled, Draft, Exported, Paid};
        use PayoutStep::{Cancel, Export, ReportPaid};
        let table = [
            (Export, Draft, Exported),
            (Export, Exported, Exported),
            (ReportPaid, Exported, Paid),
            (Cancel, Draft, Cancelled),
            (Cancel, Exported, Cancelled),
        ];
        for step in PayoutStep::iter() {
            for state in PayoutState::iter() {
                let expected = table.iter().find(|(s, from, _)| (*s, *from) == (step, state)).map(|(_, _, to)| *to);
                assert_eq!(step.from(state).ok(), expected, "{step:?} of what is {state:?}");
            }
        }
    }
}
