//! Planograms (陈列图): which variant is to stand in which slot of a showroom, and how many of it side by side. A planogram
//! is drafted, comes into force and is retired; of a showroom one is in force, and the database holds it.

use std::collections::BTreeMap;

use crate::Relation;
use sea_orm::entity::prelude::*;

use crate::values::{
    ErrorCode, Refusal,
    id::{PlanogramId, ShowroomId, SlotId, VariantId},
};

/// State of a planogram (陈列图状态).
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
pub enum PlanogramState {
    /// Being drawn (草稿).
    Draft,
    /// In force (生效).
    Active,
    /// Not any more, or never (停用).
    Retired,
}

/// A step of a planogram (陈列图操作).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter)]
pub enum PlanogramStep {
    /// What it says is changed.
    Draw,
    /// It comes into force; the one before is retired.
    Activate,
    /// It is not in force any more, or will not be.
    Retire,
}

impl PlanogramStep {
    /// The states that it leads from, and where to.
    pub fn leads(self) -> (&'static [PlanogramState], PlanogramState) {
        use PlanogramState::{Active, Draft, Retired};
        match self {
            Self::Draw => (&[Draft], Draft),
            Self::Activate => (&[Draft], Active),
            Self::Retire => (&[Draft, Active], Retired),
        }
    }

    /// Where it leads from a state, or why not.
    pub fn from(self, state: PlanogramState) -> Result<PlanogramState, Refusal> {
        let (from, to) = self.leads();
        if from.contains(&state) {
            return Ok(to);
        }
        let from = async_graphql::Value::from(state).to_string();
        let action = format!("{self:?}").to_uppercase();
        Err(Refusal::new(ErrorCode::IllegalTransition).with("from", from).with("action", action))
    }
}

/// A row of `planogram`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, serde::Serialize, serde::Deserialize)]
#[sea_orm(table_name = "planogram")]
pub struct Model {
    /// Identifier.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: PlanogramId,
    /// Of which showroom.
    pub showroom_id: ShowroomId,
    /// Its number within the showroom.
    pub number: i32,
    /// What people call it.
    pub name: String,
    /// State.
    pub state: PlanogramState,
    /// Who drew it.
    pub drawn_by: String,
    /// Counts up with every change.
    pub version: i32,
    /// Since when.
    pub created_at: DateTimeUtc,
    /// When it came into force.
    pub activated_at: Option<DateTimeUtc>,
    /// When it was retired.
    pub retired_at: Option<DateTimeUtc>,
}

impl ActiveModelBehavior for ActiveModel {}

/// What is planned in a slot: of which variant how many side by side.
pub type Planned = (VariantId, i32);

/// What differs between two planograms in a slot (陈列差异): before and after; what is none is not planned there.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "what they are named")]
pub struct Difference {
    pub slot: SlotId,
    pub before: Option<Planned>,
    pub after: Option<Planned>,
}

/// What differs between two planograms, by slot.
pub fn diff(before: &BTreeMap<SlotId, Planned>, after: &BTreeMap<SlotId, Planned>) -> Vec<Difference> {
    let gone = before.iter().filter(|(slot, _)| !after.contains_key(slot)).map(|(slot, was)| Difference {
        slot: *slot,
        before: Some(*was),
        after: None,
    });
    let other = after.iter().filter(|(slot, now)| before.get(slot) != Some(now)).map(|(slot, now)| Difference {
        slot: *slot,
        before: before.get(slot).copied(),
        after: Some(*now),
    });
    let mut all: Vec<Difference> = gone.chain(other).collect();
    all.sort_by_key(|one| one.slot);
    all
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use sea_orm::Iterable;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn what_was_retired_is_not_brought_back() {
        use PlanogramState::{Active, Draft, Retired};
        use PlanogramStep as S;
        let table = [
            (S::Draw, Draft, Draft),
            (S::Activate, Draft, Active),
            (S::Retire, Draft, Retired),
            (S::Retire, Active, Retired),
        ];
        for step in S::iter() {
            for state in PlanogramState::iter() {
                let expected = table.iter().find(|(s, from, _)| (*s, *from) == (step, state)).map(|(_, _, to)| *to);
                assert_eq!(step.from(state).ok(), expected, "{step:?} of what is {state:?}");
            }
        }
    }

    fn plan() -> impl Strategy<Value = BTreeMap<SlotId, Planned>> {
        let slot = (0_u128..6).prop_map(|n| SlotId(Uuid::from_u128(n)));
        let planned = ((0_u128..3).prop_map(|n| VariantId(Uuid::from_u128(n))), 1..3);
        proptest::collection::btree_map(slot, planned, 0..6)
    }

    proptest! {
        #[test]
        fn a_difference_laid_over_the_one_is_the_other(before in plan(), after in plan()) {
            let mut laid = before.clone();
            for one in diff(&before, &after) {
                prop_assert_ne!(one.before, one.after);
                prop_assert_eq!(laid.get(&one.slot).copied(), one.before);
                match one.after {
                    Some(now) => { laid.insert(one.slot, now); }
                    None => { laid.remove(&one.slot); }
                }
            }
            prop_assert_eq!(&laid, &after);
            prop_assert!(diff(&after, &after).is_empty());
        }
    }
}
