//! Commitments (占用流水): what orders took of spending limits and framework agreements, and gave back. Never changed: the
//! sums of this ledger are what the limits and agreements say is taken.

use std::collections::BTreeMap;

use crate::Relation;
use sea_orm::entity::prelude::*;

use crate::values::id::{PurchaseCommitmentId, PurchaseOrderId};

/// What is taken from (占用对象).
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
)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(24))", rename_all = "snake_case")]
pub enum CommitmentKind {
    /// The value of a framework agreement, in minor units of its currency.
    AgreementValue,
    /// The quantity of a line of a framework agreement.
    AgreementQuantity,
    /// A spending limit, in fen.
    Spending,
}

/// A row of `purchase_commitment`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "purchase_commitment")]
pub struct Model {
    /// Identifier.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: PurchaseCommitmentId,
    /// By which order.
    pub order_id: PurchaseOrderId,
    /// From what.
    pub kind: CommitmentKind,
    /// From which of these.
    pub target_id: Uuid,
    /// Of a spending limit: of which period, by its first day.
    pub period_start: Option<Date>,
    /// How much: more than nothing is taken, less is given back.
    pub amount: i64,
    /// When.
    pub at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}

/// What is taken from, in the order that it is locked in: agreements, their lines, limits.
pub type Target = (CommitmentKind, Uuid);

/// How much is held, by the period that it was taken from; what has no periods has one entry.
pub type Periods = BTreeMap<Option<chrono::NaiveDate>, i64>;

/// What an order holds by now; what came to nothing is left out.
pub fn held(rows: &[Model]) -> BTreeMap<Target, Periods> {
    let mut held: BTreeMap<Target, Periods> = BTreeMap::new();
    for row in rows {
        *held.entry((row.kind, row.target_id)).or_default().entry(row.period_start).or_default() += row.amount;
    }
    for periods in held.values_mut() {
        periods.retain(|_, amount| *amount != 0);
    }
    held.retain(|_, periods| !periods.is_empty());
    held
}

/// The entries after which so much of a target is held: more is taken from the period that it is `now`, less goes back
/// into the newest first.
pub fn moved(
    held: Option<&Periods>,
    wanted: i64,
    now: Option<chrono::NaiveDate>,
) -> Vec<(Option<chrono::NaiveDate>, i64)> {
    let had: i64 = held.map_or(0, |periods| periods.values().sum());
    if wanted > had {
        return vec![(now, wanted - had)];
    }
    let mut left = had - wanted;
    let mut entries = Vec::new();
    for (period, amount) in held.into_iter().flat_map(|periods| periods.iter().rev()) {
        let back = std::cmp::min(*amount, left);
        if back > 0 {
            entries.push((*period, -back));
            left -= back;
        }
    }
    entries
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_is_what_was_taken_and_not_given_back_of_its_period() {
        let day = |text: &str| Some(text.parse::<chrono::NaiveDate>().unwrap());
        let row = |target: u128, period: &str, amount: i64| Model {
            id: PurchaseCommitmentId(Uuid::nil()),
            order_id: PurchaseOrderId(Uuid::nil()),
            kind: CommitmentKind::Spending,
            target_id: Uuid::from_u128(target),
            period_start: day(period),
            amount,
            at: chrono::DateTime::default(),
        };
        let rows = [
            row(1, "2026-03-01", 500),
            row(2, "2026-03-01", 700),
            row(1, "2026-03-01", -200),
            row(2, "2026-03-01", -700),
            row(3, "2026-03-01", 50),
            row(3, "2026-03-01", -50),
            row(3, "2026-04-01", 60),
        ];
        let target = |n| (CommitmentKind::Spending, Uuid::from_u128(n));
        let of = |period: &str, amount: i64| Periods::from([(day(period), amount)]);
        let expected = BTreeMap::from([(target(1), of("2026-03-01", 300)), (target(3), of("2026-04-01", 60))]);
        assert_eq!(held(&rows), expected);
    }

    #[test]
    fn more_is_of_the_period_that_it_is_and_less_goes_back_into_the_newest_first() {
        let day = |text: &str| Some(text.parse::<chrono::NaiveDate>().unwrap());
        let (march, april) = (day("2026-03-01"), day("2026-04-01"));
        let both = Periods::from([(march, 500), (april, 200)]);
        for (held, wanted, expected) in [
            (None, 0, &[][..]),
            (None, 500, &[(april, 500)]),
            (Some(&both), 700, &[]),
            (Some(&both), 750, &[(april, 50)]),
            (Some(&both), 600, &[(april, -100)]),
            (Some(&both), 400, &[(april, -200), (march, -100)]),
            (Some(&both), 0, &[(april, -200), (march, -500)]),
        ] {
            assert_eq!(moved(held, wanted, april), expected, "{held:?} {wanted}");
        }
    }
}
