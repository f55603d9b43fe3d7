//! Counts (盘点): someone counts blindly, what differs is posted, much of it only after somebody else looked.

use crate::Relation;
use sea_orm::{FromJsonQueryResult, entity::prelude::*};

use crate::values::{
    ErrorCode, Refusal,
    id::{OrganisationId, StockCountId, StockLocationId, VariantId},
};

/// State of a count (盘点状态).
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
pub enum CountState {
    /// It is being counted (盘点中).
    Open,
    /// It was counted, and differs little: it can be posted (已盘点).
    Counted,
    /// It was counted, and differs much: somebody else has to look at it (待复核).
    Review,
    /// It is being counted again (复盘中).
    Recount,
    /// What differed was posted (已过账).
    Posted,
    /// It was given up (已取消).
    Cancelled,
}

/// A step of a count (盘点操作).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter)]
pub enum CountStep {
    /// Everything is counted, and differs little.
    Finish,
    /// Everything is counted, and differs much.
    Escalate,
    /// What differs is posted.
    Post,
    /// It is to be counted again.
    Recount,
    /// It is given up.
    Cancel,
}

impl CountStep {
    /// The states that it leads from, and where to.
    pub fn leads(self) -> (&'static [CountState], CountState) {
        use CountState::{Cancelled, Counted, Open, Posted, Recount, Review};
        match self {
            Self::Finish => (&[Open, Recount], Counted),
            Self::Escalate => (&[Open, Recount], Review),
            Self::Post => (&[Counted, Review], Posted),
            Self::Recount => (&[Counted, Review], Recount),
            Self::Cancel => (&[Open, Counted, Review, Recount], Cancelled),
        }
    }

    /// Where it leads from a state, or why not.
    pub fn from(self, state: CountState) -> Result<CountState, Refusal> {
        let (from, to) = self.leads();
        if from.contains(&state) {
            return Ok(to);
        }
        let action = match self {
            Self::Finish | Self::Escalate => "SUBMIT".to_owned(),
            other => format!("{other:?}").to_uppercase(),
        };
        let from = async_graphql::Value::from(state).to_string();
        Err(Refusal::new(ErrorCode::IllegalTransition).with("from", from).with("action", action))
    }
}

impl CountState {
    /// Whether somebody is counting.
    pub fn is_counting(self) -> bool {
        matches!(self, Self::Open | Self::Recount)
    }
}

/// How much a line may differ before somebody else has to look at it (差异阈值).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Threshold {
    /// So many pieces.
    pub pieces: i64,
    /// So many parts per million of what was expected.
    pub ppm: i64,
}

impl Threshold {
    /// What the house takes: a count may ask for less, so that nobody counts around the second look.
    pub const HOUSE: Self = Self { pieces: 10, ppm: 20_000 };

    /// Whether a line differs by more.
    pub fn is_passed(self, expected: i64, counted: i64) -> bool {
        let differs = i128::from(counted - expected).abs();
        differs > i128::from(self.pieces) || differs * 1_000_000 > i128::from(self.ppm) * i128::from(expected.abs())
    }
}

/// The variants that a count is about; empty: all that lie there.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, FromJsonQueryResult)]
#[serde(transparent)]
pub struct Variants(pub Vec<VariantId>);

/// A row of `stock_count`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, serde::Serialize, serde::Deserialize)]
#[sea_orm(table_name = "stock_count")]
pub struct Model {
    /// Identifier.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: StockCountId,
    /// Whose stock.
    pub organisation_id: OrganisationId,
    /// Where it is counted.
    pub location_id: StockLocationId,
    /// State.
    pub state: CountState,
    /// Only these variants; empty: all.
    #[sea_orm(column_type = "JsonBinary")]
    pub variants: Variants,
    /// More pieces need a second look.
    pub threshold_pieces: i64,
    /// More parts per million need a second look.
    pub threshold_ppm: i64,
    /// How often it was counted; 1 the first time.
    pub round: i32,
    /// Who opened it.
    pub opened_by: String,
    /// Who posted it, or asked for another count.
    pub reviewed_by: Option<String>,
    /// Counts up with every change.
    pub version: i32,
    /// Since when.
    pub created_at: DateTimeUtc,
    /// When everything was counted.
    pub counted_at: Option<DateTimeUtc>,
    /// When it was posted or given up.
    pub ended_at: Option<DateTimeUtc>,
}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    /// How much a line may differ.
    pub fn threshold(&self) -> Threshold {
        Threshold { pieces: self.threshold_pieces, ppm: self.threshold_ppm }
    }
}

#[cfg(test)]
mod tests {
    use sea_orm::Iterable;

    use super::*;

    #[test]
    fn a_count_is_posted_once_and_not_while_it_is_counted() {
        use CountState::{Cancelled, Counted, Open, Posted, Recount, Review};
        use CountStep as S;
        let table = [
            (S::Finish, Open, Counted),
            (S::Finish, Recount, Counted),
            (S::Escalate, Open, Review),
            (S::Escalate, Recount, Review),
            (S::Post, Counted, Posted),
            (S::Post, Review, Posted),
            (S::Recount, Counted, Recount),
            (S::Recount, Review, Recount),
            (S::Cancel, Open, Cancelled),
            (S::Cancel, Counted, Cancelled),
            (S::Cancel, Review, Cancelled),
            (S::Cancel, Recount, Cancelled),
        ];
        for step in S::iter() {
            for state in CountState::iter() {
                let expected = table.iter().find(|(s, from, _)| (*s, *from) == (step, state)).map(|(_, _, to)| *to);
                assert_eq!(step.from(state).ok(), expected, "{step:?} of what is {state:?}");
            }
        }
    }

    #[test]
    fn more_than_the_threshold_in_pieces_or_in_parts_needs_a_second_look() {
        let house = Threshold::HOUSE;
        for (expected, counted, passed) in [
            (50, 49, false),
            (50, 50, false),
            (49, 48, true),
            (1_000, 1_010, false),
            (1_000, 1_011, true),
            (0, 0, false),
            (0, 1, true),
            (i64::MAX / 2, 0, true),
        ] {
            assert_eq!(house.is_passed(expected, counted), passed, "{counted} for {expected}");
        }
        assert!(Threshold { pieces: 0, ppm: 0 }.is_passed(50, 49));
    }
}
