//! Export credit insurance (出口信用保险): what a policy promises, what of a loss it covers, and who gets what comes in
//! later.
//!
//! - A shipment is declared within so many working days; a loss is told within so many days after it was due; it is
//!   paid no sooner than after the waiting time. All of these windows stand in the policy ([`PolicyTerms`]), since
//!   insurers do not agree on them.
//! - A buyer's limit revolves: what it still owes takes from it in the order of the shipments, what it paid is free
//!   again ([`covered`]).
//! - Whoever asks why something is not insured is told every reason, not the first one ([`assess`]).
//! - What is recovered after a payment belongs to both, each by what of the loss it bore (A6: of 20,000 the insurer
//!   that bore 72% has 14,400).
//!
//! Amounts are in minor units of the policy's currency, shares in parts per million.

use chrono::{Days, NaiveDate};
use rust_decimal::{Decimal, RoundingStrategy, prelude::ToPrimitive};
use sea_orm::{FromJsonQueryResult, entity::prelude::*};
use serde::{Deserialize, Serialize};

use crate::{
    procurement::{matching::share, terms::WHOLE_PPM},
    values::{Currency, ErrorCode, Money, Refusal, Refusals, refusal::Check},
};

/// Longest window of a policy, and how far a declaration's last day is looked for.
pub const MOST_DAYS: i32 = 730;

/// State of a claim (索赔状态).
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
#[graphql(name = "InsuranceClaimState")]
pub enum ClaimState {
    /// The insurer was told that a loss is likely (已报可损).
    Notified,
    /// The claim is made (已索赔).
    Filed,
    /// The insurer looks at it (定损核赔中).
    UnderReview,
    /// It will be paid (已核赔).
    Approved,
    /// It will not (已拒赔).
    Rejected,
    /// It was paid (已赔付).
    Paid,
    /// The insurer goes after the buyer (追偿中).
    Recovering,
    /// Nothing more comes of it (已结案).
    Closed,
}

/// A step of a claim (索赔操作).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter)]
pub enum ClaimStep {
    /// The insured claims.
    File,
    /// The insurer takes it up.
    Review,
    /// The insurer will pay.
    Approve,
    /// The insurer will not.
    Reject,
    /// The insurer reports that it paid.
    Pay,
    /// The insurer goes after the buyer, or something came of that.
    Recover,
    /// It is over: nothing more comes, or the buyer paid after all before anything was claimed.
    Close,
}

impl ClaimStep {
    /// The states that it leads from, and where to.
    pub fn leads(self) -> (&'static [ClaimState], ClaimState) {
        use ClaimState::{Approved, Closed, Filed, Notified, Paid, Recovering, Rejected, UnderReview};
        match self {
            Self::File => (&[Notified], Filed),
            Self::Review => (&[Filed], UnderReview),
            Self::Approve => (&[UnderReview], Approved),
            Self::Reject => (&[UnderReview], Rejected),
            Self::Pay => (&[Approved], Paid),
            Self::Recover => (&[Paid, Recovering], Recovering),
            Self::Close => (&[Notified, Rejected, Recovering], Closed),
        }
    }

    /// Where it leads from a state, or why not.
    pub fn from(self, state: ClaimState) -> Result<ClaimState, Refusal> {
        let (from, to) = self.leads();
        if from.contains(&state) {
            return Ok(to);
        }
        Err(Refusal::illegal(state, format!("{self:?}").to_uppercase()))
    }
}

/// Why a buyer does not pay (损因).
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
#[graphql(name = "InsuredLossCause")]
pub enum LossCause {
    /// It is insolvent (买方破产).
    Insolvency,
    /// It owes and does not pay (买方拖欠).
    Default,
    /// It does not take the goods (买方拒收).
    Rejection,
    /// Its state keeps it from paying (政治风险).
    Political,
}

/// What a policy promises, frozen into what is declared under it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
pub struct PolicyTerms {
    /// In which currency.
    pub currency: Currency,
    /// Which share of a loss by insolvency is covered.
    pub insolvency_ppm: i32,
    /// Which share of one by default.
    pub default_ppm: i32,
    /// Which share when the goods are not taken.
    pub rejection_ppm: i32,
    /// Which share of a political one.
    pub political_ppm: i32,
    /// Which share at most when the insurer was told too late; 0: nothing.
    pub late_ppm: i32,
    /// The most that is paid in all (最高赔偿限额).
    pub most_liability_minor: i64,
    /// Within how many working days after a shipment it is declared (申报期限).
    pub declare_days: i32,
    /// Within how many days after it was due the insurer is told (报损期限).
    pub notice_days: i32,
    /// How many days after it was due a loss is paid at the earliest (等待期).
    pub waiting_days: i32,
    /// Most days between shipment and due date (最长信用期限).
    pub longest_days: i32,
}

impl PolicyTerms {
    /// The terms, when each is within its range.
    pub fn checked(&self) -> Result<(), Refusals> {
        let mut check = Check::default();
        let mut range = |field: &str, value: i64, max: i64| {
            check.demand((0..=max).contains(&value), field, || {
                Refusal::new(ErrorCode::OutOfRange).with("min", "0").with("max", max.to_string())
            });
        };
        for (field, ppm) in [
            ("insolvencyPpm", self.insolvency_ppm),
            ("defaultPpm", self.default_ppm),
            ("rejectionPpm", self.rejection_ppm),
            ("politicalPpm", self.political_ppm),
            ("latePpm", self.late_ppm),
        ] {
            range(field, ppm.into(), WHOLE_PPM.into());
        }
        for (field, days) in [
            ("declareDays", self.declare_days),
            ("noticeDays", self.notice_days),
            ("waitingDays", self.waiting_days),
            ("longestDays", self.longest_days),
        ] {
            range(field, days.into(), MOST_DAYS.into());
        }
        range("mostLiability", self.most_liability_minor, Money::MAX_MINOR);
        check.done(())
    }

    /// Which share of a loss is covered.
    pub fn cover_ppm(&self, cause: LossCause) -> i32 {
        match cause {
            LossCause::Insolvency => self.insolvency_ppm,
            LossCause::Default => self.default_ppm,
            LossCause::Rejection => self.rejection_ppm,
            LossCause::Political => self.political_ppm,
        }
    }

    /// Whether a shipment is paid soon enough to be insured.
    pub fn takes(&self, shipped_on: NaiveDate, due_on: NaiveDate) -> bool {
        due_on.signed_duration_since(shipped_on).num_days() <= i64::from(self.longest_days)
    }

    /// The last day on which the insurer is told in time.
    pub fn notify_by(&self, due_on: NaiveDate) -> NaiveDate {
        later(due_on, self.notice_days)
    }

    /// The first day on which a loss is paid. Who is insolvent is not waited for.
    pub fn payable_from(&self, due_on: NaiveDate, cause: LossCause) -> NaiveDate {
        if cause == LossCause::Insolvency { due_on } else { later(due_on, self.waiting_days) }
    }
}

/// So many days later.
fn later(day: NaiveDate, days: i32) -> NaiveDate {
    day.checked_add_days(Days::new(u64::try_from(days).unwrap_or_default())).unwrap_or(NaiveDate::MAX)
}

/// The last day on which a shipment is declared in time: so many working days after it. None: no such day is near.
pub fn declare_by(
    shipped_on: NaiveDate,
    working_days: i32,
    is_working: impl Fn(NaiveDate) -> bool,
) -> Option<NaiveDate> {
    let (wanted, near) = (usize::try_from(working_days).ok()?, usize::try_from(MOST_DAYS).ok()?);
    let Some(before) = wanted.checked_sub(1) else { return Some(shipped_on) };
    shipped_on.iter_days().skip(1).take(near).filter(|day| is_working(*day)).nth(before)
}

/// The premium of a declared shipment: amount times rate (0.0045 is 0.45%), half up; none: beyond what money can be.
pub fn premium(shipped_minor: i64, rate: Decimal) -> Option<i64> {
    let exact = Decimal::from(shipped_minor).checked_mul(rate)?;
    let minor = exact.round_dp_with_strategy(0, RoundingStrategy::MidpointAwayFromZero).to_i64()?;
    (0..=Money::MAX_MINOR).contains(&minor).then_some(minor)
}

/// What of a buyer's limit covers which shipment: what it still owes of each, in the order in which they were shipped.
pub fn covered(limit_minor: i64, owed_minor: &[i64]) -> Vec<i64> {
    let mut left = limit_minor.max(0);
    owed_minor
        .iter()
        .map(|owed| {
            let taken = (*owed).clamp(0, left);
            left -= taken;
            taken
        })
        .collect()
}

/// What is left of a buyer's limit for the next shipment (可用限额).
pub fn free(limit_minor: i64, owed_minor: &[i64]) -> i64 {
    limit_minor.max(0) - covered(limit_minor, owed_minor).iter().sum::<i64>()
}

/// Why a loss, or a part of it, is not insured (不承保原因).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, async_graphql::Enum)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum UninsuredReason {
    /// A part of it is above the buyer's limit (超限额).
    OverLimit,
    /// The shipment was not declared in time (未申报或逾期申报).
    NotDeclared,
    /// The insurer was told too late (逾期报损).
    LateNotice,
    /// The buyer disputes that it owes; cover waits for the end of that (贸易纠纷).
    Disputed,
    /// The buyer's limit was taken back before the shipment (出运前限额已撤销).
    LimitCancelledBeforeShipment,
}

/// A reason, and what of the loss it alone leaves out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Uninsured {
    /// Why.
    pub reason: UninsuredReason,
    /// How much. Nothing, where the share is lowered instead.
    pub minor: i64,
}

/// A shipment that was not paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Loss {
    /// Why not.
    pub cause: LossCause,
    /// When it was shipped.
    pub shipped_on: NaiveDate,
    /// When it was to be paid.
    pub due_on: NaiveDate,
    /// What was not paid of it.
    pub lost_minor: i64,
    /// What of the buyer's limit is for it: see [`covered`].
    pub limit_minor: i64,
    /// When the limit was taken back; that is for later shipments only.
    pub limit_cancelled_on: Option<NaiveDate>,
    /// When it was declared.
    pub declared_on: Option<NaiveDate>,
    /// The last day for that: see [`declare_by`].
    pub declare_by: NaiveDate,
    /// When the insurer was told of the loss.
    pub notified_on: NaiveDate,
    /// Whether the buyer disputes it.
    pub disputed: bool,
}

/// What a policy pays of a loss.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
pub struct Assessment {
    /// All that is against it.
    pub uninsured: Vec<Uninsured>,
    /// What of the loss is insured.
    pub insured_minor: i64,
    /// Which share of that is covered.
    pub cover_ppm: i32,
    /// What is paid: that share, half up, and no more than the policy has left.
    pub payable_minor: i64,
    /// What the insured bears.
    pub own_minor: i64,
}

/// What a policy pays of a loss (定损). `liability_left_minor`: its most, less what it paid before.
pub fn assess(terms: &PolicyTerms, loss: &Loss, liability_left_minor: i64) -> Assessment {
    use UninsuredReason::{Disputed, LateNotice, LimitCancelledBeforeShipment, NotDeclared, OverLimit};
    let lost = loss.lost_minor.max(0);
    let over = lost.saturating_sub(loss.limit_minor.max(0)).max(0);
    let late = loss.notified_on > terms.notify_by(loss.due_on);
    let cancelled = loss.limit_cancelled_on.is_some_and(|on| on < loss.shipped_on);
    let undeclared = loss.declared_on.is_none_or(|on| on > loss.declare_by);
    // What a late notice costs says the policy: all, or a part of the share.
    let late_minor = if terms.late_ppm == 0 { lost } else { 0 };
    let uninsured: Vec<Uninsured> = [
        (over > 0, OverLimit, over),
        (undeclared, NotDeclared, lost),
        (late, LateNotice, late_minor),
        (loss.disputed, Disputed, lost),
        (cancelled, LimitCancelledBeforeShipment, lost),
    ]
    .into_iter()
    .filter_map(|(holds, reason, minor)| holds.then_some(Uninsured { reason, minor }))
    .collect();
    let most_left_out = uninsured.iter().map(|one| one.minor).max().unwrap_or_default();
    let insured_minor = lost - most_left_out;
    let full = terms.cover_ppm(loss.cause);
    let cover_ppm = if late { full.min(terms.late_ppm) } else { full };
    let payable_minor = share(insured_minor, cover_ppm).min(liability_left_minor.max(0));
    Assessment { uninsured, insured_minor, cover_ppm, payable_minor, own_minor: lost - payable_minor }
}

/// What each has of what was recovered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recovery {
    /// The insurer.
    pub insurer_minor: i64,
    /// The insured.
    pub insured_minor: i64,
}

/// Shares all that was recovered so far (追偿分摊): by what of the loss each bore, by the largest remainder, which of two
/// is half up for the insurer and the rest for the insured. What is above the loss is the insured's: nobody recovers
/// more than it bore for another. What comes in parts is shared as their sum, and the difference to the sum before is
/// due. None: there was no loss, or more was paid than that.
pub fn recovered(so_far_minor: i64, paid_minor: i64, lost_minor: i64) -> Option<Recovery> {
    if lost_minor <= 0 || !(0..=lost_minor).contains(&paid_minor) || so_far_minor < 0 {
        return None;
    }
    let (shared, paid, lost) =
        (i128::from(so_far_minor.min(lost_minor)), i128::from(paid_minor), i128::from(lost_minor));
    let insurer_minor = i64::try_from((2 * shared * paid + lost) / (2 * lost)).ok()?;
    Some(Recovery { insurer_minor, insured_minor: so_far_minor - insurer_minor })
}

/// The loss ratio of a policy (赔付率) in parts per million, half up: what was paid less the insurer's share of what was
/// recovered, by the premium that was earned; none of no premium.
pub fn loss_ratio_ppm(paid_minor: i64, recovered_minor: i64, earned_minor: i64) -> Option<i64> {
    if earned_minor <= 0 {
        return None;
    }
    let (net, earned) = (i128::from(paid_minor) - i128::from(recovered_minor), i128::from(earned_minor));
    i64::try_from((2 * net * i128::from(WHOLE_PPM) + earned).div_euclid(2 * earned)).ok()
}

#[cfg(test)]
mod tests {
    use chrono::{Datelike, Weekday};
    use sea_orm::Iterable;

    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn terms() -> PolicyTerms {
        PolicyTerms {
            currency: "USD".parse().unwrap(),
            insolvency_ppm: 900_000,
            default_ppm: 900_000,
            rejection_ppm: 800_000,
            political_ppm: 900_000,
            late_ppm: 0,
            most_liability_minor: 100_000_000,
            declare_days: 5,
            notice_days: 60,
            waiting_days: 120,
            longest_days: 180,
        }
    }

    fn loss() -> Loss {
        Loss {
            cause: LossCause::Default,
            shipped_on: day("2026-01-05"),
            due_on: day("2026-04-05"),
            lost_minor: 10_000_000,
            limit_minor: 8_000_000,
            limit_cancelled_on: None,
            declared_on: Some(day("2026-01-12")),
            declare_by: day("2026-01-12"),
            notified_on: day("2026-06-04"),
            disputed: false,
        }
    }

    #[test]
    fn a_claim_goes_along_its_table() {
        use ClaimState::{Approved, Closed, Filed, Notified, Paid, Recovering, Rejected, UnderReview};
        use ClaimStep as S;
        let table = [
            (S::File, Notified, Filed),
            (S::Review, Filed, UnderReview),
            (S::Approve, UnderReview, Approved),
            (S::Reject, UnderReview, Rejected),
            (S::Pay, Approved, Paid),
            (S::Recover, Paid, Recovering),
            (S::Recover, Recovering, Recovering),
            (S::Close, Notified, Closed),
            (S::Close, Rejected, Closed),
            (S::Close, Recovering, Closed),
        ];
        for step in S::iter() {
            for state in ClaimState::iter() {
                let expected = table.iter().find(|(s, from, _)| (*s, *from) == (step, state)).map(|(_, _, to)| *to);
                assert_eq!(step.from(state).ok(), expected, "{step:?} of what is {state:?}");
            }
        }
    }

    #[test]
    fn the_loss_of_a6() {
        assert_eq!(premium(10_000_000, Decimal::new(45, 4)), Some(45_000));
        let defaulted = assess(&terms(), &loss(), 100_000_000);
        let over = Uninsured { reason: UninsuredReason::OverLimit, minor: 2_000_000 };
        assert_eq!(
            (defaulted.uninsured, defaulted.insured_minor, defaulted.payable_minor, defaulted.own_minor),
            (vec![over], 8_000_000, 7_200_000, 2_800_000)
        );
        let rejected = assess(&terms(), &Loss { cause: LossCause::Rejection, ..loss() }, 100_000_000);
        assert_eq!(rejected.payable_minor, 6_400_000);
        assert_eq!(
            recovered(2_000_000, 7_200_000, 10_000_000),
            Some(Recovery { insurer_minor: 1_440_000, insured_minor: 560_000 })
        );
        assert_eq!(loss_ratio_ppm(7_200_000, 1_440_000, 12_000_000), Some(480_000));
    }

    #[test]
    fn everything_that_is_not_insured_is_said() {
        use UninsuredReason::{Disputed, LateNotice, LimitCancelledBeforeShipment, NotDeclared, OverLimit};
        let whole = |loss: Loss| Loss { limit_minor: 10_000_000, ..loss };
        for (loss, reasons, payable) in [
            (whole(loss()), vec![], 9_000_000),
            (whole(Loss { declared_on: None, ..loss() }), vec![NotDeclared], 0),
            (whole(Loss { declared_on: Some(day("2026-01-13")), ..loss() }), vec![NotDeclared], 0),
            (whole(Loss { notified_on: day("2026-06-05"), ..loss() }), vec![LateNotice], 0),
            (whole(Loss { disputed: true, ..loss() }), vec![Disputed], 0),
            (
                whole(Loss { limit_cancelled_on: Some(day("2026-01-04")), ..loss() }),
                vec![LimitCancelledBeforeShipment],
                0,
            ),
            // Taken back on the day of the shipment or later: that is for later ones.
            (whole(Loss { limit_cancelled_on: Some(day("2026-01-05")), ..loss() }), vec![], 9_000_000),
            (Loss { limit_minor: 0, ..loss() }, vec![OverLimit], 0),
            (
                Loss {
                    declared_on: None,
                    notified_on: day("2026-07-01"),
                    disputed: true,
                    limit_cancelled_on: Some(day("2026-01-01")),
                    ..loss()
                },
                vec![OverLimit, NotDeclared, LateNotice, Disputed, LimitCancelledBeforeShipment],
                0,
            ),
        ] {
            let assessed = assess(&terms(), &loss, 100_000_000);
            let said: Vec<UninsuredReason> = assessed.uninsured.iter().map(|one| one.reason).collect();
            assert_eq!((said, assessed.payable_minor), (reasons, payable), "{loss:?}");
            assert_eq!(assessed.payable_minor + assessed.own_minor, loss.lost_minor);
        }
    }

    #[test]
    fn a_late_notice_may_lower_the_share_and_the_policy_pays_no_more_than_its_most() {
        let late = Loss { notified_on: day("2026-07-01"), ..loss() };
        let lenient = PolicyTerms { late_ppm: 700_000, ..terms() };
        let assessed = assess(&lenient, &late, 100_000_000);
        assert_eq!((assessed.cover_ppm, assessed.payable_minor), (700_000, 5_600_000));
        assert_eq!(assessed.uninsured.iter().map(|one| one.minor).collect::<Vec<_>>(), [2_000_000, 0]);
        let spent = assess(&terms(), &loss(), 5_000_000);
        assert_eq!((spent.payable_minor, spent.own_minor), (5_000_000, 5_000_000));
        assert_eq!(assess(&terms(), &loss(), -1).payable_minor, 0);
    }

    #[test]
    fn a_limit_revolves() {
        for (limit, owed, expected, left) in [
            (8_000_000, &[10_000_000][..], &[8_000_000][..], 0),
            (8_000_000, &[5_000_000, 5_000_000], &[5_000_000, 3_000_000], 0),
            // The first is paid in part, and later shipments move up.
            (8_000_000, &[2_000_000, 5_000_000], &[2_000_000, 5_000_000], 1_000_000),
            (8_000_000, &[0, 5_000_000], &[0, 5_000_000], 3_000_000),
            (8_000_000, &[], &[], 8_000_000),
            (-1, &[1], &[0], 0),
        ] {
            assert_eq!((covered(limit, owed).as_slice(), free(limit, owed)), (expected, left), "{owed:?} of {limit}");
        }
    }

    #[test]
    fn windows_are_the_policys() {
        let weekday = |day: NaiveDate| !matches!(day.weekday(), Weekday::Sat | Weekday::Sun);
        // 2026-01-05 is a Monday.
        for (shipped, days, last) in [
            ("2026-01-05", 5, Some("2026-01-12")),
            ("2026-01-10", 1, Some("2026-01-12")),
            ("2026-01-05", 0, Some("2026-01-05")),
            ("2026-01-05", -1, None),
        ] {
            assert_eq!(declare_by(day(shipped), days, weekday), last.map(day), "{days} after {shipped}");
        }
        assert_eq!(declare_by(day("2026-01-05"), 1, |_| false), None);
        let terms = terms();
        assert_eq!(terms.notify_by(day("2026-04-05")), day("2026-06-04"));
        assert_eq!(terms.payable_from(day("2026-04-05"), LossCause::Default), day("2026-08-03"));
        assert_eq!(terms.payable_from(day("2026-04-05"), LossCause::Insolvency), day("2026-04-05"));
        assert!(
            terms.takes(day("2026-01-05"), day("2026-07-04")) && !terms.takes(day("2026-01-05"), day("2026-07-05"))
        );
        assert_eq!(terms.checked(), Ok(()));
        let wrong = PolicyTerms { default_ppm: 1_000_001, waiting_days: -1, most_liability_minor: -1, ..terms };
        let fields: Vec<String> = wrong.checked().unwrap_err().into_iter().flat_map(|refusal| refusal.field).collect();
        assert_eq!(fields, ["defaultPpm", "waitingDays", "mostLiability"]);
    }

    #[test]
    fn what_is_recovered_goes_to_both() {
        let both = |insurer_minor, insured_minor| Some(Recovery { insurer_minor, insured_minor });
        for (so_far, paid, lost, expected) in [
            (0, 72, 100, both(0, 0)),
            (1, 50, 100, both(1, 0)),
            (1, 49, 100, both(0, 1)),
            (100, 72, 100, both(72, 28)),
            // More than was lost, costs and interest: the insurer has no more than it paid.
            (130, 72, 100, both(72, 58)),
            (10, 0, 100, both(0, 10)),
            (10, 100, 100, both(10, 0)),
            (10, 101, 100, None),
            (10, 0, 0, None),
            (-1, 72, 100, None),
        ] {
            assert_eq!(recovered(so_far, paid, lost), expected, "{so_far} of {lost}, {paid} paid");
        }
        for (paid, back, earned, ratio) in
            [(100, 0, 300, Some(333_333)), (0, 10, 100, Some(-100_000)), (1, 0, 0, None), (0, 0, 1, Some(0))]
        {
            assert_eq!(loss_ratio_ppm(paid, back, earned), ratio, "{paid} less {back} of {earned}");
        }
        assert_eq!(premium(33_333, Decimal::new(45, 4)), Some(150), "149.9985, half up");
        assert_eq!(premium(-1, Decimal::ONE), None);
    }

    proptest::proptest! {
        #[test]
        fn shares_add_up_and_never_fall(
            lost in 1..1_000_000_000_i64, part in 0..=1_000_000_i64, so_far in 0..2_000_000_000_i64
        ) {
            let paid = lost * part / 1_000_000;
            let now = recovered(so_far, paid, lost).unwrap();
            let next = recovered(so_far + 1, paid, lost).unwrap();
            proptest::prop_assert_eq!(now.insurer_minor + now.insured_minor, so_far);
            proptest::prop_assert!(now.insurer_minor <= paid);
            proptest::prop_assert!(now.insurer_minor <= next.insurer_minor && now.insured_minor <= next.insured_minor);
        }

        #[test]
        fn a_limit_covers_as_much_as_it_can(
            limit in 0..1_000_i64, owed in proptest::collection::vec(0..1_000_i64, 0..8)
        ) {
            let sum: i64 = covered(limit, &owed).iter().sum();
            proptest::prop_assert_eq!(sum, limit.min(owed.iter().sum()));
            proptest::prop_assert_eq!(free(limit, &owed), limit - sum);
        }
    }
}
