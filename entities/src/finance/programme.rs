//! Programmes of financiers (融资项目): what is financed, on which terms, by which rules. Terms and rules are frozen into
//! each request and offer, so that a later change decides about later ones only. No programme is open without a second
//! person of its financier.

use crate::Relation;
use sea_orm::{Condition, Select, entity::prelude::*, sea_query::Expr};
use serde::{Deserialize, Serialize};

use super::{eligibility::Rules, terms::Terms};
use crate::{
    party::Viewer,
    values::{
        Currency, Refusal,
        id::{FinancingProgrammeId, OrganisationId},
    },
};

/// How money is made of a claim (融资方式), by the names of the Standard Definitions for Techniques of Supply Chain
/// Finance.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum, Serialize, Deserialize, async_graphql::Enum,
)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(40))", rename_all = "snake_case")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[graphql(name = "FinancingTechnique")]
pub enum Technique {
    /// A seller sells receivables at a discount (应收账款贴现).
    ReceivablesDiscounting,
    /// A seller assigns receivables, and has them collected (保理).
    Factoring,
    /// The debtor lets its suppliers be paid early (反向保理).
    PayablesFinance,
    /// Receivables secure a loan (应收账款质押).
    LoanAgainstReceivables,
}

impl Technique {
    /// Whether receivables secure what is given, instead of going over to who gives it.
    pub fn pledges(self) -> bool {
        self == Self::LoanAgainstReceivables
    }
}

/// State of a programme (项目状态).
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum, Serialize, Deserialize, async_graphql::Enum,
)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(24))", rename_all = "snake_case")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[graphql(name = "FinancingProgrammeState")]
pub enum ProgrammeState {
    /// Nobody has approved it in this form (待复核).
    Draft,
    /// Requests are taken (开放).
    Active,
    /// No new requests are taken (暂停).
    Suspended,
    /// It is over (已关闭).
    Closed,
}

/// A step of a programme (项目操作).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter)]
pub enum ProgrammeStep {
    /// Its financier changes what it says: somebody else has to look at it again.
    Revise,
    /// A second person approves it.
    Approve,
    /// No new requests are taken.
    Suspend,
    /// Requests are taken again.
    Resume,
    /// It is over.
    Close,
}

impl ProgrammeStep {
    /// Where it leads from a state, or why not.
    pub fn from(self, state: ProgrammeState) -> Result<ProgrammeState, Refusal> {
        use ProgrammeState::{Active, Closed, Draft, Suspended};
        match (self, state) {
            (Self::Revise, Draft | Active | Suspended) => Ok(Draft),
            (Self::Approve, Draft) | (Self::Resume, Suspended) => Ok(Active),
            (Self::Suspend, Active) => Ok(Suspended),
            (Self::Close, Draft | Active | Suspended) => Ok(Closed),
            _ => Err(Refusal::illegal(state, format!("{self:?}").to_uppercase())),
        }
    }
}

/// A row of `financing_programme`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
#[sea_orm(table_name = "financing_programme")]
pub struct Model {
    /// Identifier.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: FinancingProgrammeId,
    /// What people call it by.
    #[sea_orm(unique)]
    pub number: String,
    /// Who gives the money.
    pub financier_id: OrganisationId,
    /// Whose debts it is about; none: of whoever the rules let through. Of payables finance there is one.
    pub anchor_id: Option<OrganisationId>,
    /// What it is called.
    pub name: String,
    /// How money is made of claims.
    pub technique: Technique,
    /// In which currency.
    pub currency: Currency,
    /// On which terms.
    #[sea_orm(column_type = "JsonBinary")]
    pub terms: Terms,
    /// What it takes.
    #[sea_orm(column_type = "JsonBinary")]
    pub rules: Rules,
    /// Counts up with terms and rules.
    pub rules_version: i32,
    /// Where it is.
    pub state: ProgrammeState,
    /// Who wrote it in this form.
    pub made_by: String,
    /// Who approved it in this form.
    pub approved_by: Option<String>,
    /// Counts up with every change.
    pub version: i32,
    /// Since when.
    pub created_at: DateTimeUtc,
    /// When it last changed.
    pub updated_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}

impl Entity {
    /// The programmes that `viewer` may see: those of its organisation, and every one that was ever open; all for who
    /// oversees the zone.
    pub fn visible_to(viewer: &Viewer) -> Select<Self> {
        if viewer.oversees() {
            return Self::find();
        }
        let Some(own) = viewer.organisation() else { return Self::find().filter(Expr::val(false)) };
        let open = Column::State.is_in([ProgrammeState::Active, ProgrammeState::Suspended]);
        Self::find().filter(Condition::any().add(Column::FinancierId.eq(own)).add(open))
    }
}

#[cfg(test)]
mod tests {
    use sea_orm::Iterable;

    use super::*;

    #[test]
    fn a_programme_goes_along_its_table() {
        use ProgrammeState::{Active, Closed, Draft, Suspended};
        let leads = |step: ProgrammeStep| -> Vec<(ProgrammeState, ProgrammeState)> {
            ProgrammeState::iter().filter_map(|state| Some((state, step.from(state).ok()?))).collect()
        };
        for (step, expected) in [
            (ProgrammeStep::Revise, vec![(Draft, Draft), (Active, Draft), (Suspended, Draft)]),
            (ProgrammeStep::Approve, vec![(Draft, Active)]),
            (ProgrammeStep::Suspend, vec![(Active, Suspended)]),
            (ProgrammeStep::Resume, vec![(Suspended, Active)]),
            (ProgrammeStep::Close, vec![(Draft, Closed), (Active, Closed), (Suspended, Closed)]),
        ] {
            assert_eq!(leads(step), expected, "{step:?}");
        }
    }
}
