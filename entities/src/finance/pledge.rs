//! Inventory pledges (存货质押): goods in a supervised warehouse secure a loan.
//!
//! - What may be lent is quantity times price times rate, rounded down; every other bound is the same inequation turned
//!   over, so that what cures is enough to the last unit and what is let go leaves enough (A6: 1,000 kg at 320 and 60%
//!   secure 192,000).
//! - Thresholds are compared without rounding: a share that is shown is rounded, one that decides is not.
//! - Goods are let go only when a bank and a supervisor agree, two people, on a price that is not stale. Where nothing
//!   is owed any more the price says nothing, and its age stops nobody.
//!
//! Quantities are whole trade units: kilograms of what is counted in kilograms.

use chrono::NaiveDate;
use sea_orm::{FromJsonQueryResult, entity::prelude::*};
use serde::{Deserialize, Serialize};

use crate::{
    procurement::{UnitPrice, terms::WHOLE_PPM},
    values::{Currency, ErrorCode, Refusal, Refusals, id::PersonId, refusal::Check},
};

/// Most days that a price may count.
pub const MOST_STALE_DAYS: i32 = 365;
/// Millionths: of a unit of a currency in a price, of a whole in a rate.
const E6: i128 = 1_000_000;

/// State of a pledge (质押状态).
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
pub enum PledgeState {
    /// Its supervisor has not confirmed yet that the goods are there (待监管确认).
    Proposed,
    /// The goods secure the loan (质押中).
    Active,
    /// They are worth so little that more has to come (预警).
    Warned,
    /// They are worth so little that they may be sold (平仓处置中).
    Closing,
    /// Nothing is owed any more, and all of them are free (已解押).
    Released,
    /// They were sold to pay the loan (已处置).
    Realised,
    /// It never came to be (已取消).
    Cancelled,
}

/// A step of a pledge (质押操作).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter)]
pub enum PledgeStep {
    /// The supervisor confirms that the goods are there and kept apart.
    Confirm,
    /// It is given up before that.
    Cancel,
    /// What is owed reached the threshold of a warning.
    Warn,
    /// What is owed reached the threshold at which the goods may be sold.
    Close,
    /// What is owed is below the thresholds again: cash came, or goods, or the price rose.
    Cure,
    /// More goods come.
    Add,
    /// Some goods go; the rest secures what is still owed.
    Release,
    /// Nothing is owed any more, and all goods go.
    Discharge,
    /// The goods were sold.
    Realise,
}

impl PledgeStep {
    /// The states that it leads from, and where to; none: it stays where it is.
    pub fn leads(self) -> (&'static [PledgeState], Option<PledgeState>) {
        use PledgeState::{Active, Cancelled, Closing, Proposed, Realised, Released, Warned};
        match self {
            Self::Confirm => (&[Proposed], Some(Active)),
            Self::Cancel => (&[Proposed], Some(Cancelled)),
            Self::Warn => (&[Active], Some(Warned)),
            Self::Close => (&[Active, Warned], Some(Closing)),
            Self::Cure => (&[Warned, Closing], Some(Active)),
            Self::Add => (&[Active, Warned, Closing], None),
            Self::Release => (&[Active], None),
            Self::Discharge => (&[Active, Warned, Closing], Some(Released)),
            Self::Realise => (&[Closing], Some(Realised)),
        }
    }

    /// Where it leads from a state, or why not.
    pub fn from(self, state: PledgeState) -> Result<PledgeState, Refusal> {
        let (from, to) = self.leads();
        if from.contains(&state) {
            return Ok(to.unwrap_or(state));
        }
        Err(Refusal::illegal(state, format!("{self:?}").to_uppercase()))
    }
}

/// What was agreed of a pledge, frozen into it. Shares are in parts per million of what the goods are worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
pub struct PledgeTerms {
    /// Up to which share is lent (质押率).
    pub rate_ppm: i32,
    /// From which share on more has to come (预警线).
    pub warn_ppm: i32,
    /// From which share on the goods may be sold (平仓线).
    pub close_ppm: i32,
    /// For how many days a price counts.
    pub stale_days: i32,
}

impl PledgeTerms {
    /// The terms, when they are some: rate, warning and close-out rise, and the goods are worth more than what is owed
    /// until the last.
    pub fn checked(&self) -> Result<(), Refusals> {
        let mut check = Check::default();
        for (field, value, min, max) in [
            ("ratePpm", self.rate_ppm, 1, WHOLE_PPM),
            ("warnPpm", self.warn_ppm, self.rate_ppm.saturating_add(1), WHOLE_PPM),
            ("closePpm", self.close_ppm, self.warn_ppm.saturating_add(1), WHOLE_PPM),
            ("staleDays", self.stale_days, 0, MOST_STALE_DAYS),
        ] {
            check.demand((min..=max).contains(&value), field, || {
                Refusal::new(ErrorCode::OutOfRange).with("min", min.to_string()).with("max", max.to_string())
            });
        }
        check.done(())
    }
}

/// Goods that secure a loan, and what a unit of them is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stock {
    /// How much, in trade units.
    pub quantity: i64,
    /// What a unit is worth.
    pub price: UnitPrice,
    /// In which currency; the loan is in the same.
    pub currency: Currency,
}

impl Stock {
    /// What a unit is worth, in millionths of a minor unit. What is beyond all counting stays there.
    fn unit(self) -> i128 {
        i128::from(self.price.0.max(0)).saturating_mul(10_i128.pow(self.currency.digits()))
    }

    /// What all is worth, in the same.
    fn worth(self) -> i128 {
        self.unit().saturating_mul(i128::from(self.quantity.max(0)))
    }
}

/// The most that may be lent on goods, in minor units, rounded down; none: beyond what money can be.
pub fn most_lent(stock: Stock, rate_ppm: i32) -> Option<i64> {
    i64::try_from(stock.worth().saturating_mul(i128::from(rate_ppm.max(0))) / (E6 * E6)).ok()
}

/// What is owed in parts per million of what the goods are worth, half up, to be shown (质押率现值); none of goods that are
/// worth nothing.
pub fn ltv_ppm(owed_minor: i64, stock: Stock) -> Option<i64> {
    let worth = stock.worth();
    if worth == 0 {
        return None;
    }
    let twice = i128::from(owed_minor.max(0)) * E6 * E6 * 2;
    i64::try_from(twice.saturating_add(worth) / worth.saturating_mul(2)).ok()
}

/// How what is owed stands to the thresholds (预警级别).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, async_graphql::Enum)]
#[graphql(name = "PledgeLevel")]
pub enum Level {
    /// Below both (正常).
    Within,
    /// At that of a warning, or above it (预警).
    Warn,
    /// At that of a close-out, or above it (平仓).
    Close,
}

/// How what is owed stands to the thresholds of the terms: reaching one is passing it.
pub fn level(owed_minor: i64, stock: Stock, terms: &PledgeTerms) -> Level {
    if owed_minor <= 0 {
        return Level::Within;
    }
    let (owed, worth) = (i128::from(owed_minor) * E6 * E6, stock.worth());
    let reaches = |ppm: i32| owed >= worth.saturating_mul(i128::from(ppm));
    match (reaches(terms.close_ppm), reaches(terms.warn_ppm)) {
        (true, _) => Level::Close,
        (false, true) => Level::Warn,
        (false, false) => Level::Within,
    }
}

/// The step that a new price makes of a pledge; none: it stays where it is. One that is being closed out is not merely
/// warned again: it is cured, or sold.
pub fn revalued(state: PledgeState, level: Level) -> Option<PledgeStep> {
    match (state, level) {
        (PledgeState::Active, Level::Warn) => Some(PledgeStep::Warn),
        (PledgeState::Active | PledgeState::Warned, Level::Close) => Some(PledgeStep::Close),
        (PledgeState::Warned | PledgeState::Closing, Level::Within) => Some(PledgeStep::Cure),
        _ => None,
    }
}

/// The least quantity that secures what is owed at a rate, rounded up; none: no quantity does.
fn needed(owed_minor: i64, stock: Stock, rate_ppm: i32) -> Option<i64> {
    if owed_minor <= 0 {
        return Some(0);
    }
    let each = stock.unit().saturating_mul(i128::from(rate_ppm.max(0)));
    if each == 0 {
        return None;
    }
    let owed = i128::from(owed_minor) * E6 * E6;
    i64::try_from(owed / each + i128::from(owed % each > 0)).ok()
}

/// What brings a loan back to the rate: one or the other (补足).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cure {
    /// So much paid back, in minor units.
    pub cash_minor: i64,
    /// So much more of the goods; none: no quantity of them is enough.
    pub quantity: Option<i64>,
}

/// What brings a loan back to the rate. Nothing, when it is there.
pub fn cure(owed_minor: i64, stock: Stock, rate_ppm: i32) -> Cure {
    let most = most_lent(stock, rate_ppm).unwrap_or(i64::MAX);
    let missing = needed(owed_minor, stock, rate_ppm).map(|needed| needed.saturating_sub(stock.quantity).max(0));
    Cure { cash_minor: owed_minor.saturating_sub(most).max(0), quantity: missing }
}

/// How much of the goods may go, so that the rest secures what is owed at the rate (可解押数量).
pub fn releasable(owed_minor: i64, stock: Stock, rate_ppm: i32) -> i64 {
    let kept = needed(owed_minor, stock, rate_ppm).unwrap_or(i64::MAX);
    stock.quantity.saturating_sub(kept).max(0)
}

/// Whether a price is too old to let goods go on it.
pub fn is_stale(priced_on: NaiveDate, today: NaiveDate, stale_days: i32) -> bool {
    today.signed_duration_since(priced_on).num_days() > i64::from(stale_days)
}

/// Goods that somebody asks back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReleaseAsk {
    /// Where the pledge is.
    pub state: PledgeState,
    /// How much.
    pub quantity: i64,
    /// What is owed, in minor units.
    pub owed_minor: i64,
    /// All that is pledged, at its last price.
    pub stock: Stock,
    /// Of which day that price is.
    pub priced_on: NaiveDate,
    /// Who of the bank agrees.
    pub bank: Option<PersonId>,
    /// Who of the supervisor agrees.
    pub supervisor: Option<PersonId>,
}

/// Why pledged goods are not let go (解押受阻原因).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, async_graphql::Enum)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[graphql(name = "PledgeReleaseBlock")]
pub enum ReleaseBlock {
    /// The pledge is not in force, or more has to come first (状态不允许).
    WrongState,
    /// It is nothing, or the rest would not secure what is owed (超过可解押数量).
    NotReleasable,
    /// The price is too old (价格过期).
    StalePrice,
    /// The bank has not agreed (银行未批准).
    NoBankApproval,
    /// The supervisor has not agreed (监管方未批准).
    NoSupervisorApproval,
    /// The same person agreed for both (须由两人批准).
    SameApprover,
}

/// All that keeps goods from being let go; empty: they may go. Goods whose loan is paid may go in every state in which
/// they are pledged.
pub fn release_blocks(ask: &ReleaseAsk, terms: &PledgeTerms, today: NaiveDate) -> Vec<ReleaseBlock> {
    let paid = ask.owed_minor <= 0;
    let step = if paid { PledgeStep::Discharge } else { PledgeStep::Release };
    let most = releasable(ask.owed_minor, ask.stock, terms.rate_ppm);
    [
        (step.from(ask.state).is_err(), ReleaseBlock::WrongState),
        (!(1..=most).contains(&ask.quantity), ReleaseBlock::NotReleasable),
        (!paid && is_stale(ask.priced_on, today, terms.stale_days), ReleaseBlock::StalePrice),
        (ask.bank.is_none(), ReleaseBlock::NoBankApproval),
        (ask.supervisor.is_none(), ReleaseBlock::NoSupervisorApproval),
        (ask.bank.is_some() && ask.bank == ask.supervisor, ReleaseBlock::SameApprover),
    ]
    .into_iter()
    .filter_map(|(blocks, block)| blocks.then_some(block))
    .collect()
}

#[cfg(test)]
mod tests {
    use sea_orm::Iterable;
    use uuid::Uuid;

    use super::*;

    const TERMS: PledgeTerms = PledgeTerms { rate_ppm: 600_000, warn_ppm: 700_000, close_ppm: 800_000, stale_days: 3 };

    fn stock(quantity: i64, price: &str) -> Stock {
        let currency = Currency::CNY;
        Stock { quantity, price: UnitPrice::parse_or_zero(price, currency).unwrap(), currency }
    }

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn person(n: u128) -> PersonId {
        PersonId(Uuid::from_u128(n))
    }

    #[test]
    fn a_pledge_goes_along_its_table() {
        use PledgeState::{Active, Cancelled, Closing, Proposed, Realised, Released, Warned};
        use PledgeStep as S;
        let table = [
            (S::Confirm, Proposed, Active),
            (S::Cancel, Proposed, Cancelled),
            (S::Warn, Active, Warned),
            (S::Close, Active, Closing),
            (S::Close, Warned, Closing),
            (S::Cure, Warned, Active),
            (S::Cure, Closing, Active),
            (S::Add, Active, Active),
            (S::Add, Warned, Warned),
            (S::Add, Closing, Closing),
            (S::Release, Active, Active),
            (S::Discharge, Active, Released),
            (S::Discharge, Warned, Released),
            (S::Discharge, Closing, Released),
            (S::Realise, Closing, Realised),
        ];
        for step in S::iter() {
            for state in PledgeState::iter() {
                let expected = table.iter().find(|(s, from, _)| (*s, *from) == (step, state)).map(|(_, _, to)| *to);
                assert_eq!(step.from(state).ok(), expected, "{step:?} of what is {state:?}");
            }
        }
    }

    #[test]
    fn the_pledge_of_a6() {
        let (dear, cheap) = (stock(1_000, "320"), stock(1_000, "250"));
        assert_eq!(most_lent(dear, TERMS.rate_ppm), Some(19_200_000));
        assert_eq!((ltv_ppm(18_000_000, dear), level(18_000_000, dear, &TERMS)), (Some(562_500), Level::Within));
        assert_eq!((ltv_ppm(18_000_000, cheap), level(18_000_000, cheap, &TERMS)), (Some(720_000), Level::Warn));
        let cured = cure(18_000_000, cheap, TERMS.rate_ppm);
        assert_eq!(cured, Cure { cash_minor: 3_000_000, quantity: Some(200) });
        // 60,000 are paid back.
        assert_eq!(releasable(12_000_000, dear, TERMS.rate_ppm), 375);
    }

    #[test]
    fn what_may_be_lent_is_rounded_down_and_what_secures_it_up() {
        for (quantity, price, rate, most) in [
            (3, "0.01", 333_333, 0),
            (3, "3.335", 500_000, 500),
            (1, "0.01", 999_999, 0),
            (7, "9.99", 700_000, 4_895),
            (0, "9.99", 700_000, 0),
            (7, "0", 700_000, 0),
        ] {
            assert_eq!(most_lent(stock(quantity, price), rate), Some(most), "{quantity} at {price}");
        }
        for (owed, quantity, price, cash, more) in [
            (4_895, 7, "9.99", 0, Some(0)),
            (4_896, 7, "9.99", 1, Some(1)),
            (4_895, 6, "9.99", 700, Some(1)),
            (1, 0, "9.99", 1, Some(1)),
            (1, 7, "0", 1, None),
            (0, 7, "0", 0, Some(0)),
        ] {
            let cured = cure(owed, stock(quantity, price), 700_000);
            assert_eq!(cured, Cure { cash_minor: cash, quantity: more }, "{owed} on {quantity} at {price}");
        }
        let yen = "JPY".parse().unwrap();
        let cups = Stock { quantity: 10, price: UnitPrice(1_500_000), currency: yen };
        assert_eq!(most_lent(cups, 500_000), Some(7), "ten at 1.5 yen are 15 yen");
        assert_eq!(most_lent(Stock { quantity: i64::MAX, ..cups }, WHOLE_PPM), None);
    }

    #[test]
    fn a_threshold_is_passed_when_it_is_reached() {
        for (owed, expected) in [
            (0, Level::Within),
            (69_999, Level::Within),
            (70_000, Level::Warn),
            (79_999, Level::Warn),
            (80_000, Level::Close),
            (200_000, Level::Close),
        ] {
            assert_eq!(level(owed, stock(100, "10"), &TERMS), expected, "{owed}");
        }
        // A hair below is below, although it is shown as 70%.
        let vast = stock(1_000_000, "1000");
        assert_eq!(ltv_ppm(69_999_999_999, vast), Some(700_000));
        assert_eq!(level(69_999_999_999, vast, &TERMS), Level::Within);
        assert_eq!((ltv_ppm(1, stock(100, "0")), level(1, stock(100, "0"), &TERMS)), (None, Level::Close));
        assert_eq!(level(0, stock(0, "10"), &TERMS), Level::Within, "nothing is owed");
    }

    #[test]
    fn a_new_price_warns_closes_and_cures() {
        use PledgeState::{Active, Closing, Proposed, Warned};
        for (state, level, expected) in [
            (Active, Level::Within, None),
            (Active, Level::Warn, Some(PledgeStep::Warn)),
            (Active, Level::Close, Some(PledgeStep::Close)),
            (Warned, Level::Warn, None),
            (Warned, Level::Close, Some(PledgeStep::Close)),
            (Warned, Level::Within, Some(PledgeStep::Cure)),
            (Closing, Level::Warn, None),
            (Closing, Level::Within, Some(PledgeStep::Cure)),
            (Proposed, Level::Close, None),
        ] {
            assert_eq!(revalued(state, level), expected, "{state:?} at {level:?}");
            assert!(expected.is_none_or(|step| step.from(state).is_ok()), "{state:?} at {level:?}");
        }
    }

    #[test]
    fn goods_go_when_bank_and_supervisor_agree_on_a_price_of_these_days() {
        let ask = ReleaseAsk {
            state: PledgeState::Active,
            quantity: 375,
            owed_minor: 12_000_000,
            stock: stock(1_000, "320"),
            priced_on: day("2026-03-01"),
            bank: Some(person(1)),
            supervisor: Some(person(2)),
        };
        let today = day("2026-03-04");
        for (ask, today, blocks) in [
            (ask, today, vec![]),
            (ask, day("2026-03-05"), vec![ReleaseBlock::StalePrice]),
            (ReleaseAsk { quantity: 376, ..ask }, today, vec![ReleaseBlock::NotReleasable]),
            (ReleaseAsk { quantity: 0, ..ask }, today, vec![ReleaseBlock::NotReleasable]),
            (ReleaseAsk { bank: None, ..ask }, today, vec![ReleaseBlock::NoBankApproval]),
            (ReleaseAsk { supervisor: None, ..ask }, today, vec![ReleaseBlock::NoSupervisorApproval]),
            (ReleaseAsk { supervisor: Some(person(1)), ..ask }, today, vec![ReleaseBlock::SameApprover]),
            (ReleaseAsk { state: PledgeState::Warned, ..ask }, today, vec![ReleaseBlock::WrongState]),
            // Nothing is owed any more: all may go, however old the price.
            (
                ReleaseAsk { owed_minor: 0, quantity: 1_000, state: PledgeState::Warned, ..ask },
                day("2027-01-01"),
                vec![],
            ),
            (
                ReleaseAsk { owed_minor: 18_000_000, bank: None, supervisor: None, ..ask },
                day("2026-04-01"),
                vec![
                    ReleaseBlock::NotReleasable,
                    ReleaseBlock::StalePrice,
                    ReleaseBlock::NoBankApproval,
                    ReleaseBlock::NoSupervisorApproval,
                ],
            ),
        ] {
            assert_eq!(release_blocks(&ask, &TERMS, today), blocks, "{ask:?} on {today}");
        }
    }

    #[test]
    fn rate_warning_and_close_out_rise() {
        assert_eq!(TERMS.checked(), Ok(()));
        for (wrong, field) in [
            (PledgeTerms { rate_ppm: 0, ..TERMS }, "ratePpm"),
            (PledgeTerms { warn_ppm: 600_000, ..TERMS }, "warnPpm"),
            (PledgeTerms { close_ppm: 700_000, ..TERMS }, "closePpm"),
            (PledgeTerms { close_ppm: WHOLE_PPM + 1, ..TERMS }, "closePpm"),
            (PledgeTerms { stale_days: -1, ..TERMS }, "staleDays"),
        ] {
            assert_eq!(wrong.checked().unwrap_err()[0].field, [field], "{wrong:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn what_cures_is_enough_and_one_less_is_not(
            owed in 1..1_000_000_000_000_i64, quantity in 0..1_000_000_i64, e6 in 10_000..1_000_000_000_i64,
            rate in 1..=WHOLE_PPM
        ) {
            let stock = Stock { quantity, price: UnitPrice(e6), currency: Currency::CNY };
            let lent = |more: i64| most_lent(Stock { quantity: quantity + more, ..stock }, rate).unwrap();
            let cured = cure(owed, stock, rate);
            let more = cured.quantity.unwrap();
            proptest::prop_assert!(owed - cured.cash_minor <= lent(0) && owed <= lent(more));
            proptest::prop_assert!(cured.cash_minor == 0 || owed - cured.cash_minor + 1 > lent(0));
            proptest::prop_assert!(more == 0 || owed > lent(more - 1));
            let free = releasable(owed, stock, rate);
            proptest::prop_assert!(free == 0 || (owed <= lent(-free) && more == 0));
            proptest::prop_assert!(free == quantity || owed > lent(-free - 1));
        }
    }
}
