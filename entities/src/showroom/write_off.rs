//! Write-offs of a showroom (报损审批): asked for by whoever works there, decided by somebody else who runs it. The pieces
//! are held from the request on. What is bonded is written off through customs only, which is not here.

use crate::Relation;
use sea_orm::entity::prelude::*;

use super::UnitClass;
use crate::values::{
    ErrorCode, Refusal,
    id::{ShowroomId, ShowroomWriteOffId},
};

/// Most lines of a write-off.
pub const MOST_LINES: usize = 100;

/// State of a write-off (报损状态).
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
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum WriteOffState {
    /// Asked for; the pieces are held (待审批).
    Requested,
    /// Somebody else agreed; the pieces are gone from the books (已批准).
    Approved,
    /// Somebody else did not; the pieces are as they were (已驳回).
    Declined,
    /// Whoever asked took it back (已撤回).
    Withdrawn,
}

/// A step of a write-off (报损操作).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter)]
pub enum WriteOffStep {
    /// Somebody else agrees.
    Approve,
    /// Somebody else does not.
    Decline,
    /// It is taken back.
    Withdraw,
}

impl WriteOffStep {
    /// The states that it leads from, and where to.
    pub fn leads(self) -> (&'static [WriteOffState], WriteOffState) {
        use WriteOffState::{Approved, Declined, Requested, Withdrawn};
        match self {
            Self::Approve => (&[Requested], Approved),
            Self::Decline => (&[Requested], Declined),
            Self::Withdraw => (&[Requested], Withdrawn),
        }
    }

    /// Where it leads from a state, or why not.
    pub fn from(self, state: WriteOffState) -> Result<WriteOffState, Refusal> {
        let (from, to) = self.leads();
        if from.contains(&state) {
            return Ok(to);
        }
        let from = async_graphql::Value::from(state).to_string();
        let action = format!("{self:?}").to_uppercase();
        Err(Refusal::new(ErrorCode::IllegalTransition).with("from", from).with("action", action))
    }
}

/// Why pieces are written off (报损原因).
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
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum WriteOffReason {
    /// Broken or spoilt (破损).
    Damaged,
    /// Too old (过期).
    Expired,
    /// Stolen (被盗).
    Stolen,
    /// A sample that was tried until nothing was left (样品用尽).
    SampleUsedUp,
    /// Something else, which the note says (其他).
    Other,
}

impl WriteOffReason {
    /// Whether pieces of a class are written off for it. What is bonded is not, whatever the reason, until customs
    /// agrees; only samples are used up.
    pub fn fits(self, class: UnitClass) -> Result<(), Refusal> {
        let name = || async_graphql::Value::from(class).to_string();
        match class {
            UnitClass::BondedDisplay | UnitClass::BondedStock => Err(Refusal::new(ErrorCode::NotReleased)),
            UnitClass::Saleable | UnitClass::Damaged if self == Self::SampleUsedUp => {
                Err(Refusal::new(ErrorCode::InvalidValue).with("value", name()))
            }
            _ => Ok(()),
        }
    }

    /// Whether it has to be said in words.
    pub fn needs_note(self) -> bool {
        self == Self::Other
    }
}

/// A row of `showroom_write_off`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, serde::Serialize, serde::Deserialize)]
#[sea_orm(table_name = "showroom_write_off")]
pub struct Model {
    /// Identifier.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ShowroomWriteOffId,
    /// Of which showroom.
    pub showroom_id: ShowroomId,
    /// What its pieces are held under, and leave under.
    #[sea_orm(unique)]
    pub document: String,
    /// State.
    pub state: WriteOffState,
    /// Why.
    pub reason: WriteOffReason,
    /// The same in words.
    pub note: Option<String>,
    /// SHA-256 of a photo, in hex.
    pub photo_sha256: Option<String>,
    /// Who asked for it.
    pub requested_by: String,
    /// Who decided, or took it back.
    pub decided_by: Option<String>,
    /// What who decided says to it.
    pub decision: Option<String>,
    /// Counts up with every change.
    pub version: i32,
    /// Since when.
    pub created_at: DateTimeUtc,
    /// When it was decided, or taken back.
    pub decided_at: Option<DateTimeUtc>,
}

impl ActiveModelBehavior for ActiveModel {}

/// What is written off (报损明细).
pub mod line {
    use crate::Relation;
    use sea_orm::entity::prelude::*;

    use crate::{
        showroom::UnitClass,
        values::id::{ShowroomWriteOffId, ShowroomWriteOffLineId, StockBalanceId, StockLotId, VariantId},
    };

    /// A row of `showroom_write_off_line`.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "showroom_write_off_line")]
    pub struct Model {
        /// Identifier.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: ShowroomWriteOffLineId,
        /// Of which write-off.
        pub write_off_id: ShowroomWriteOffId,
        /// Its place in it, from 0 on.
        pub position: i32,
        /// From which balance.
        pub balance_id: StockBalanceId,
        /// What the pieces are by law.
        pub class: UnitClass,
        /// Of what.
        pub variant_id: VariantId,
        /// Which lot.
        pub lot_id: StockLotId,
        /// How much.
        pub quantity: i64,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

#[cfg(test)]
mod tests {
    use sea_orm::Iterable;

    use super::*;

    #[test]
    fn a_write_off_is_decided_once() {
        use WriteOffState::{Approved, Declined, Requested, Withdrawn};
        use WriteOffStep as S;
        let table = [(S::Approve, Approved), (S::Decline, Declined), (S::Withdraw, Withdrawn)];
        for step in S::iter() {
            for state in WriteOffState::iter() {
                let to = table.iter().find(|(s, _)| *s == step).map(|(_, to)| *to);
                let expected = to.filter(|_| state == Requested);
                assert_eq!(step.from(state).ok(), expected, "{step:?} of what is {state:?}");
            }
        }
    }

    #[test]
    fn what_is_bonded_is_not_written_off_here_and_only_samples_are_used_up() {
        for reason in WriteOffReason::iter() {
            for class in UnitClass::iter() {
                let expected = match class {
                    UnitClass::BondedDisplay | UnitClass::BondedStock => Some(ErrorCode::NotReleased),
                    UnitClass::Saleable | UnitClass::Damaged if reason == WriteOffReason::SampleUsedUp => {
                        Some(ErrorCode::InvalidValue)
                    }
                    _ => None,
                };
                assert_eq!(reason.fits(class).err().map(|refusal| refusal.code), expected, "{reason:?} {class:?}");
            }
        }
    }
}
