//! Terms of a financing (融资条款): what a programme offers, and what is frozen into an offer when it is made, so that a
//! later change of the programme decides about later offers only.
//!
//! Rates and shares are whole parts per million. What an offer was accepted with is known by a hash of [`Terms::frozen`]
//! in canonical form (`procurement::receivable::canonical`).

use sea_orm::{FromJsonQueryResult, entity::prelude::*};
use serde::{Deserialize, Serialize};

use super::day_count::DayCount;
use crate::{
    procurement::terms::WHOLE_PPM,
    values::{ErrorCode, Refusal, Refusals, refusal::Check},
};

/// The form of what is hashed.
pub const FORM: &str = "1";
/// Highest rate by the year: as much again as was lent.
const MAX_RATE_PPM: i32 = WHOLE_PPM;
/// A penalty is at least the rate, or it would pay to be late; and at most five times it.
const PENALTY_PPM: (i32, i32) = (WHOLE_PPM, 5 * WHOLE_PPM);
/// Most days of grace.
const MAX_GRACE_DAYS: i32 = 180;

/// When interest is paid (收息方式).
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum, Serialize, Deserialize, async_graphql::Enum,
)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(24))", rename_all = "snake_case")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[graphql(name = "InterestTiming")]
pub enum Timing {
    /// It is taken off what is paid out (先收息).
    Front,
    /// It is taken of what the debtor pays (后收息).
    Rear,
}

/// What a fee is a share of (手续费基数).
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum, Serialize, Deserialize, async_graphql::Enum,
)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(24))", rename_all = "snake_case")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[graphql(name = "FinancingFeeBase")]
pub enum FeeBase {
    /// Of the receivables' face (应收账款面值).
    Face,
    /// Of what is advanced on them (融资本金).
    Advance,
}

/// What money that comes is used for (清偿顺序).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, async_graphql::Enum)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum WaterfallStep {
    /// What it cost to have it paid (实现债权费用).
    EnforcementCost,
    /// Penalty interest (罚息).
    Penalty,
    /// Interest (利息).
    Interest,
    /// Principal (本金).
    Principal,
    /// Fees that are due (应付费用).
    Fees,
    /// The rest is the seller's (尾款释放).
    ReserveRelease,
}

impl WaterfallStep {
    /// The order that holds when nobody agrees on another (A6).
    pub const DEFAULT: [Self; 6] =
        [Self::EnforcementCost, Self::Penalty, Self::Interest, Self::Principal, Self::Fees, Self::ReserveRelease];
}

/// The terms of a financing (融资条款), as they are frozen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
#[serde(rename_all = "camelCase")]
pub struct Terms {
    /// How much of a receivable is advanced, in parts per million: 800,000 is 80 %.
    pub advance_ppm: i32,
    /// The rate by the year, in parts per million: 54,000 is 5.4 %.
    pub rate_ppm: i32,
    /// How days are counted.
    pub day_count: DayCount,
    /// When interest is paid.
    pub timing: Timing,
    /// For how many days after the due date the rate stays what it is.
    pub grace_days: i32,
    /// What the rate is multiplied with after them, in parts per million: 1,500,000 is one and a half times.
    pub penalty_ppm: i32,
    /// The fee as a share of its base, with VAT, in parts per million.
    pub fee_ppm: i32,
    /// What it is a share of.
    pub fee_base: FeeBase,
    /// The rate of the VAT in the fee, in parts per million.
    pub vat_ppm: i32,
    /// Whether interest that was paid before is given back for days that are not needed.
    pub early_rebate: bool,
    /// Whether the seller pays when the debtor does not (有追索权).
    pub recourse: bool,
    /// Whether the debtor is told of the assignment (公开型).
    pub disclosed: bool,
    /// What money that comes is used for, in this order.
    pub waterfall: Vec<WaterfallStep>,
}

/// Terms as they are hashed: with the form that they are written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Frozen<'a> {
    /// [`FORM`].
    pub form: &'a str,
    /// The terms.
    pub terms: &'a Terms,
}

impl Terms {
    /// Whether they can be: shares within the whole, a penalty that is one, each use of money once and what is the
    /// seller's at the end, because that takes all that is left.
    pub fn check(&self) -> Result<(), Refusals> {
        let mut check = Check::default();
        for (field, value, (least, most)) in [
            ("advancePpm", self.advance_ppm, (1, WHOLE_PPM)),
            ("ratePpm", self.rate_ppm, (0, MAX_RATE_PPM)),
            ("graceDays", self.grace_days, (0, MAX_GRACE_DAYS)),
            ("penaltyPpm", self.penalty_ppm, PENALTY_PPM),
            ("feePpm", self.fee_ppm, (0, WHOLE_PPM)),
            ("vatPpm", self.vat_ppm, (0, WHOLE_PPM)),
        ] {
            let range =
                || Refusal::new(ErrorCode::OutOfRange).with("min", least.to_string()).with("max", most.to_string());
            check.demand((least..=most).contains(&value), field, range);
        }
        let complete = self.waterfall.len() == WaterfallStep::DEFAULT.len()
            && WaterfallStep::DEFAULT.iter().all(|step| self.waterfall.contains(step))
            && self.waterfall.last() == Some(&WaterfallStep::ReserveRelease);
        check.demand(complete, "waterfall", || {
            Refusal::new(ErrorCode::InvalidValue).with("value", names(&self.waterfall))
        });
        check.done(())
    }

    /// What of the interest until the due date is taken off what is paid out, in minor units.
    pub fn withheld(&self, interest_minor: i64) -> i64 {
        match self.timing {
            Timing::Front => interest_minor,
            Timing::Rear => 0,
        }
    }

    /// What is hashed.
    pub fn frozen(&self) -> Frozen<'_> {
        Frozen { form: FORM, terms: self }
    }
}

/// Steps as the API writes them.
fn names(steps: &[WaterfallStep]) -> String {
    let names: Vec<String> = steps.iter().map(|step| async_graphql::Value::from(*step).to_string()).collect();
    names.join(", ")
}

/// The terms of the vectors F3 to F8.
#[cfg(test)]
pub(super) mod fixtures {
    use super::{DayCount, FeeBase, Terms, Timing, WHOLE_PPM, WaterfallStep};

    pub(crate) fn f3(timing: Timing) -> Terms {
        Terms {
            advance_ppm: 800_000,
            rate_ppm: 54_000,
            day_count: DayCount::Act360,
            timing,
            grace_days: 15,
            penalty_ppm: WHOLE_PPM * 3 / 2,
            fee_ppm: 3_000,
            fee_base: FeeBase::Face,
            vat_ppm: 60_000,
            early_rebate: true,
            recourse: true,
            disclosed: true,
            waterfall: WaterfallStep::DEFAULT.to_vec(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{fixtures::f3, *};
    use crate::procurement::receivable::canonical;

    #[test]
    fn terms_are_shares_of_the_whole_and_lateness_does_not_pay() {
        let terms = f3(Timing::Rear);
        assert_eq!(terms.check(), Ok(()));
        for (wrong, field) in [
            (Terms { advance_ppm: 0, ..terms.clone() }, "advancePpm"),
            (Terms { advance_ppm: WHOLE_PPM + 1, ..terms.clone() }, "advancePpm"),
            (Terms { rate_ppm: -1, ..terms.clone() }, "ratePpm"),
            (Terms { rate_ppm: WHOLE_PPM + 1, ..terms.clone() }, "ratePpm"),
            (Terms { grace_days: -1, ..terms.clone() }, "graceDays"),
            (Terms { penalty_ppm: WHOLE_PPM - 1, ..terms.clone() }, "penaltyPpm"),
            (Terms { fee_ppm: -1, ..terms.clone() }, "feePpm"),
            (Terms { vat_ppm: WHOLE_PPM + 1, ..terms.clone() }, "vatPpm"),
        ] {
            let refused = wrong.check().unwrap_err();
            assert_eq!((refused.len(), &refused[0].field[..]), (1, &[field.to_owned()][..]), "{wrong:?}");
        }
        let several = Terms { rate_ppm: -1, waterfall: Vec::new(), ..terms };
        assert_eq!(several.check().unwrap_err().len(), 2, "all that is wrong is told at once");
    }

    #[test]
    fn money_is_used_for_each_thing_once_and_the_rest_is_the_sellers() {
        use WaterfallStep::{EnforcementCost, Fees, Interest, Penalty, Principal, ReserveRelease};
        for (waterfall, holds) in [
            (WaterfallStep::DEFAULT.to_vec(), true),
            (vec![Principal, Interest, Penalty, Fees, EnforcementCost, ReserveRelease], true),
            (vec![EnforcementCost, Penalty, Interest, Principal, ReserveRelease, Fees], false),
            (vec![EnforcementCost, Penalty, Interest, Principal, ReserveRelease], false),
            (vec![Penalty, Penalty, Interest, Principal, Fees, ReserveRelease], false),
            (vec![EnforcementCost, Penalty, Interest, Principal, Fees, Fees, ReserveRelease], false),
            (vec![], false),
        ] {
            let terms = Terms { waterfall: waterfall.clone(), ..f3(Timing::Rear) };
            assert_eq!(terms.check().is_ok(), holds, "{waterfall:?}");
        }
        let refused = Terms { waterfall: vec![Penalty, Fees], ..f3(Timing::Rear) }.check().unwrap_err();
        assert_eq!(refused[0].details["value"], "PENALTY, FEES");
    }

    #[test]
    fn frozen_terms_have_one_form_and_are_read_back() {
        let terms = f3(Timing::Front);
        let text = canonical(&terms.frozen()).unwrap();
        assert_eq!(
            text,
            "{\"form\":\"1\",\"terms\":{\"advancePpm\":\"800000\",\"dayCount\":\"ACT_360\",\"disclosed\":true,\
             \"earlyRebate\":true,\"feeBase\":\"FACE\",\"feePpm\":\"3000\",\"graceDays\":\"15\",\
             \"penaltyPpm\":\"1500000\",\"ratePpm\":\"54000\",\"recourse\":true,\"timing\":\"FRONT\",\
             \"vatPpm\":\"60000\",\"waterfall\":[\"ENFORCEMENT_COST\",\"PENALTY\",\"INTEREST\",\"PRINCIPAL\",\
             \"FEES\",\"RESERVE_RELEASE\"]}}"
        );
        let kept = serde_json::to_value(&terms).unwrap();
        assert_eq!(serde_json::from_value::<Terms>(kept).unwrap(), terms);
        assert_ne!(canonical(&f3(Timing::Rear).frozen()).unwrap(), text);
    }
}
