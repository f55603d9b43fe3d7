//! Supplier scorecards (供应商评分): what a buyer judges its suppliers by, month by month or quarter by quarter, and what
//! follows from it.
//!
//! - each criterion is a share, so much good of so much, and comes to 0 to 100 points; weights add up to a hundred;
//! - what nothing is known of does not count, neither for nor against: its weight goes to the others;
//! - standings lie side by side from 0 to 100 without a gap and without an overlap. Which one a supplier has follows from
//!   its latest score and the scorecard as it is now; it is not kept;
//! - points are whole ten thousandths; people see one digit, and what they see decides.

use crate::Relation;
use chrono::{Months, NaiveDate};
use rust_decimal::{Decimal, RoundingStrategy};
use sea_orm::{FromJsonQueryResult, entity::prelude::*};
use serde::{Deserialize, Serialize};

use super::{
    terms::{Due, Schedule, months, quarter_start},
    unit_price::UnitPrice,
};
use crate::values::{
    ErrorCode, Refusal, Refusals,
    id::{OrganisationId, SupplierScorecardId},
    refusal::{Check, line},
};

/// A hundred points.
pub const FULL_E4: i64 = 1_000_000;
/// One point.
pub const POINT_E4: i64 = 10_000;
/// What weights add up to.
pub const WHOLE: i32 = 100;
/// Most standings of a scorecard.
const MOST_STANDINGS: usize = 10;
/// Longest name of one.
const MAX_NAME: usize = 40;
/// How many scores a blended one is made of: what is older counts for nothing.
pub const BLENDED: usize = 12;
/// For how many months a score says how a supplier stands, when nothing newer is known of it.
pub const STANDS_MONTHS: u32 = 12;

/// What suppliers are judged by (评分指标).
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, EnumIter, Serialize, Deserialize, async_graphql::Enum,
)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[graphql(name = "ScoreCriterionKind")]
pub enum CriterionKind {
    /// How much of what was due came in time (准时交货).
    OnTime,
    /// How much of what was looked at was accepted (质量合格).
    Quality,
    /// How many requests for quotations were answered in time (响应及时).
    Response,
    /// How near its prices came to the lowest that was quoted under the same terms (价格水平).
    Price,
}

/// After which time suppliers are judged anew (评分周期).
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum, Serialize, Deserialize, async_graphql::Enum,
)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(24))", rename_all = "snake_case")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ScorePeriod {
    /// Every month (按月).
    Month,
    /// Every quarter of the year (按季).
    Quarter,
}

impl ScorePeriod {
    fn length(self) -> Months {
        match self {
            Self::Month => Months::new(1),
            Self::Quarter => Months::new(3),
        }
    }

    /// The first day of the period that a day is in.
    pub fn start(self, day: NaiveDate) -> NaiveDate {
        match self {
            Self::Month => months(day),
            Self::Quarter => quarter_start(day),
        }
    }

    /// The first day of the period after the one that begins so.
    pub fn after(self, start: NaiveDate) -> NaiveDate {
        start.checked_add_months(self.length()).unwrap_or(start)
    }

    /// The first day of the last period that is over.
    pub fn ended(self, today: NaiveDate) -> NaiveDate {
        let current = self.start(today);
        current.checked_sub_months(self.length()).unwrap_or(current)
    }
}

/// A criterion, and how much it counts for (评分指标权重).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Criterion {
    /// What.
    pub kind: CriterionKind,
    /// How much of a hundred.
    pub weight: i32,
}

/// The criteria of a scorecard.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
#[serde(transparent)]
pub struct Criteria(pub Vec<Criterion>);

impl Criteria {
    /// The criteria, when each stands there once and they add up to a hundred.
    pub fn checked(&self) -> Result<(), Refusals> {
        let mut check = Check::default();
        for (n, criterion) in self.0.iter().enumerate() {
            let refused = |refusal: Refusal, field: &str| refusal.at(field).at(n.to_string()).at("criteria");
            if !(1..=WHOLE).contains(&criterion.weight) {
                let range = Refusal::new(ErrorCode::OutOfRange).with("min", "1").with("max", WHOLE.to_string());
                check.0.push(refused(range, "weight"));
            }
            if self.0[..n].iter().any(|other| other.kind == criterion.kind) {
                let value = async_graphql::Value::from(criterion.kind).to_string();
                check.0.push(refused(Refusal::new(ErrorCode::Duplicate).with("value", value), "kind"));
            }
        }
        let sum: i64 = self.0.iter().map(|criterion| i64::from(criterion.weight)).sum();
        let wrong = || Refusal::new(ErrorCode::InvalidWeights).with("sum", sum.to_string());
        check.demand(sum == i64::from(WHOLE), "criteria", wrong);
        check.done(())
    }
}

impl Default for Criteria {
    fn default() -> Self {
        let of = [(CriterionKind::OnTime, 40), (CriterionKind::Quality, 40), (CriterionKind::Response, 20)];
        Self(of.map(|(kind, weight)| Criterion { kind, weight }).to_vec())
    }
}

/// What follows from how a supplier stands (评级后果).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, async_graphql::Enum)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[graphql(name = "StandingConsequence")]
pub enum Consequence {
    /// Nothing (无).
    #[default]
    Nothing,
    /// Whoever does it all the same is warned (预警).
    Warn,
    /// It is not done (禁止).
    Block,
}

/// How a supplier stands from so many points on, and what follows (评级).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StandingBand {
    /// What people call it.
    pub name: String,
    /// From how many points on, in ten thousandths.
    pub from_e4: i64,
    /// Up to below how many; none: up to a hundred, itself included.
    pub below_e4: Option<i64>,
    /// What follows for asking it for quotations.
    pub on_rfq: Consequence,
    /// What follows for ordering of it.
    pub on_order: Consequence,
}

/// The standings of a scorecard, fewest points first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
#[serde(transparent)]
pub struct Standings(pub Vec<StandingBand>);

impl Standings {
    /// The standings, when they lie side by side from 0 to 100: each begins where the one before ends.
    pub fn checked(&self) -> Result<(), Refusals> {
        let mut check = Check::default();
        let count = self.0.len();
        check.demand(count > 0, "standings", || Refusal::new(ErrorCode::Required));
        let too_many = || Refusal::new(ErrorCode::TooMany).with("max", MOST_STANDINGS.to_string());
        check.demand(count <= MOST_STANDINGS, "standings", too_many);
        let mut from = Some(0);
        for (n, band) in self.0.iter().enumerate() {
            let refused = |refusal: Refusal, field: &str| refusal.at(field).at(n.to_string()).at("standings");
            let told = |e4: i64| Refusal::new(ErrorCode::InvalidValue).with("value", shown(e4).to_string());
            if from != Some(band.from_e4) {
                check.0.push(refused(told(band.from_e4), "from"));
            }
            // The last ends at a hundred, said or not; any other ends above where it begins, and below a hundred.
            let fits = match band.below_e4 {
                None => n + 1 == count,
                Some(FULL_E4) => n + 1 == count && band.from_e4 < FULL_E4,
                Some(below) => n + 1 < count && band.from_e4 < below && below < FULL_E4,
            };
            if !fits {
                check.0.push(refused(told(band.below_e4.unwrap_or(FULL_E4)), "below"));
            }
            from = band.below_e4;
            if let Err(refusal) = line(&band.name, MAX_NAME) {
                check.0.push(refused(refusal, "name"));
            }
            if self.0[..n].iter().any(|other| other.name.trim() == band.name.trim()) {
                let twice = Refusal::new(ErrorCode::Duplicate).with("value", band.name.clone());
                check.0.push(refused(twice, "name"));
            }
        }
        check.done(())
    }

    /// How somebody with so many points stands: by what people see of them, one digit.
    pub fn of(&self, e4: i64) -> Option<&StandingBand> {
        let seen = seen(e4);
        let within = |band: &&StandingBand| {
            band.from_e4 <= seen && band.below_e4.is_none_or(|below| seen < below || below >= FULL_E4)
        };
        self.0.iter().find(within)
    }
}

impl Default for Standings {
    fn default() -> Self {
        let band = |name: &str, from: i64, below: Option<i64>, follows: Consequence| StandingBand {
            name: name.to_owned(),
            from_e4: from * POINT_E4,
            below_e4: below.map(|below| below * POINT_E4),
            on_rfq: follows,
            on_order: follows,
        };
        Self(vec![
            band("Very Poor", 0, Some(30), Consequence::Block),
            band("Poor", 30, Some(50), Consequence::Warn),
            band("Average", 50, Some(80), Consequence::Nothing),
            band("Excellent", 80, None, Consequence::Nothing),
        ])
    }
}

/// Half up, of what is not below nothing.
fn shared(part: i128, whole: i128) -> i64 {
    i64::try_from((2 * part + whole) / (2 * whole)).unwrap_or(i64::MAX)
}

/// So much good of so much as points; none of nothing.
pub fn points(good: i64, of: i64) -> Option<i64> {
    (of > 0).then(|| shared(i128::from(good.clamp(0, of)) * i128::from(FULL_E4), of.into()))
}

/// The score of criteria with their weights and points: the weight of what nothing is known of goes to the others; none
/// when nothing is known at all.
pub fn score(parts: &[(i32, Option<i64>)]) -> Option<i64> {
    let known = || parts.iter().filter_map(|(weight, points)| Some((i128::from(*weight), i128::from((*points)?))));
    let weights: i128 = known().map(|(weight, _)| weight).sum();
    (weights > 0).then(|| shared(known().map(|(weight, points)| weight * points).sum(), weights))
}

/// Scores of several periods as one, newest first: the newest counts for twelve twelfths, each before it for one less.
pub fn blend(scores: &[i64]) -> Option<i64> {
    let weighted = || scores.iter().zip((1_i128..=12).rev());
    let weights: i128 = weighted().map(|(_, weight)| weight).sum();
    (weights > 0).then(|| shared(weighted().map(|(score, weight)| i128::from(*score) * weight).sum(), weights))
}

/// What people see of points, in ten thousandths: one digit, half up.
fn seen(e4: i64) -> i64 {
    let tenth = POINT_E4 / 10;
    (e4 + tenth / 2) / tenth * tenth
}

/// Points as people see them.
pub fn shown(e4: i64) -> Decimal {
    Decimal::new(e4, 4).round_dp_with_strategy(1, RoundingStrategy::MidpointAwayFromZero)
}

/// When a line is due, without what was given up: that is taken off what was due last.
pub fn dues(quantity: i64, given_up: i64, needed_on: Option<NaiveDate>, schedule: Schedule) -> Vec<Due> {
    let mut dues = schedule.0;
    if let (true, Some(on)) = (dues.is_empty(), needed_on) {
        dues.push(Due { on, quantity });
    }
    let mut off = given_up;
    for due in dues.iter_mut().rev() {
        let less = off.clamp(0, due.quantity);
        due.quantity -= less;
        off -= less;
    }
    dues
}

/// How much of what was due from `first` on and before `after` came in time, and how much was due. What comes first goes
/// to what was due first.
pub fn on_time(due: &[Due], came: &[(NaiveDate, i64)], first: NaiveDate, after: NaiveDate) -> (i64, i64) {
    let (mut before, mut good, mut of) = (0_i64, 0_i64, 0_i64);
    for entry in due {
        if (first..after).contains(&entry.on) {
            let here: i64 = came.iter().filter(|(on, _)| *on <= entry.on).map(|(_, quantity)| quantity).sum();
            good += (here - before).clamp(0, entry.quantity);
            of += entry.quantity;
        }
        before += entry.quantity;
    }
    (good, of)
}

/// What prices of one thing under the same terms come to, in points each: the lowest in full. One alone is not compared.
pub fn price_points(prices: &[(OrganisationId, UnitPrice)]) -> Vec<(OrganisationId, i64)> {
    let Some(lowest) = prices.iter().map(|(_, price)| price.0).min().filter(|_| prices.len() > 1) else {
        return Vec::new();
    };
    let of = |(supplier, price): &(OrganisationId, UnitPrice)| Some((*supplier, points(lowest, price.0)?));
    prices.iter().filter_map(of).collect()
}

/// One criterion of a score: so much good of so much.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScorePart {
    /// What.
    pub kind: CriterionKind,
    /// How much of a hundred it counts for.
    pub weight: i32,
    /// How much was good.
    pub good: i64,
    /// Of how much; nothing: nothing is known.
    pub of: i64,
}

impl ScorePart {
    /// In points; none when nothing is known.
    pub fn points(&self) -> Option<i64> {
        points(self.good, self.of)
    }
}

/// What a score is made of.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
#[serde(transparent)]
pub struct ScoreParts(pub Vec<ScorePart>);

impl ScoreParts {
    /// What it comes to.
    pub fn score(&self) -> Option<i64> {
        score(&self.0.iter().map(|part| (part.weight, part.points())).collect::<Vec<_>>())
    }
}

/// A row of `supplier_scorecard`: what an organisation judges its suppliers by. Without one nobody is judged.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
#[sea_orm(table_name = "supplier_scorecard")]
pub struct Model {
    /// Identifier.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: SupplierScorecardId,
    /// Who buys.
    #[sea_orm(unique)]
    pub organisation_id: OrganisationId,
    /// By what.
    #[sea_orm(column_type = "JsonBinary")]
    pub criteria: Criteria,
    /// What follows.
    #[sea_orm(column_type = "JsonBinary")]
    pub standings: Standings,
    /// After which time anew.
    pub period: ScorePeriod,
    /// Whether older scores count, too.
    pub blend: bool,
    /// The first day of the last period that scores were made of.
    pub scored_through: Option<Date>,
    /// Counts up with every change by people.
    pub version: i32,
    /// Since when.
    pub created_at: DateTimeUtc,
    /// When it last changed.
    pub updated_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    /// The points of a score that count: with the periods before, or without.
    pub fn counted(&self, row: &score::Model) -> i64 {
        if self.blend { row.blended_e4 } else { row.score_e4 }
    }

    /// How a supplier with this score stands.
    pub fn standing(&self, row: &score::Model) -> Option<&StandingBand> {
        self.standings.of(self.counted(row))
    }
}

/// Scores of suppliers (供应商得分).
pub mod score {
    use crate::Relation;
    use sea_orm::{Select, entity::prelude::*, sea_query::Expr};

    use super::{ScoreParts, ScorePeriod};
    use crate::{
        party::{Viewer, machine_client::Scope},
        values::id::OrganisationId,
    };

    /// A row of `supplier_score`.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, serde::Serialize)]
    #[sea_orm(table_name = "supplier_score")]
    pub struct Model {
        /// Who judges.
        #[sea_orm(primary_key, auto_increment = false)]
        pub buyer_id: OrganisationId,
        /// Whom.
        #[sea_orm(primary_key, auto_increment = false)]
        pub supplier_id: OrganisationId,
        /// Of which period, by its first day.
        #[sea_orm(primary_key, auto_increment = false)]
        pub period_start: Date,
        /// How long that is: a month and a quarter may begin on the same day.
        #[sea_orm(primary_key, auto_increment = false)]
        pub period: ScorePeriod,
        /// Points, in ten thousandths.
        pub score_e4: i64,
        /// The same with the periods before.
        pub blended_e4: i64,
        /// What it is made of.
        #[sea_orm(column_type = "JsonBinary")]
        pub parts: ScoreParts,
        /// When it was made.
        pub made_at: DateTimeUtc,
    }

    impl ActiveModelBehavior for ActiveModel {}

    impl Entity {
        /// The scores that `viewer` may see: those that its organisation gave.
        pub fn visible_to(viewer: &Viewer) -> Select<Self> {
            match viewer.reads_for(Scope::Procurement) {
                Some(own) => Self::find().filter(Column::BuyerId.eq(own)),
                None => Self::find().filter(Expr::val(false)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn the_score_of_b5_is_91_2() {
        for (parts, expected) in [
            (&[(40, Some(900_000)), (40, Some(980_000)), (20, Some(800_000))][..], Some("91.2")),
            // What nothing is known of gives its weight to the others.
            (&[(40, Some(900_000)), (40, Some(980_000)), (20, None)], Some("94.0")),
            (&[(40, None), (40, None), (20, Some(800_000))], Some("80.0")),
            (&[(40, None), (40, None), (20, None)], None),
            (&[(100, Some(0))], Some("0.0")),
            (&[], None),
        ] {
            let shown = score(parts).map(|e4| format!("{:.1}", shown(e4)));
            assert_eq!(shown.as_deref(), expected, "{parts:?}");
        }
        assert_eq!(score(&[(40, Some(900_000)), (40, Some(980_000)), (20, Some(800_000))]), Some(912_000));
    }

    #[test]
    fn an_older_score_counts_a_twelfth_less_for_each_period() {
        assert_eq!(shown(blend(&[912_000, 750_000]).unwrap()).to_string(), "83.5");
        assert_eq!(blend(&[912_000]), Some(912_000));
        assert_eq!(blend(&[]), None);
        // What is older than a year counts for nothing.
        let mut year = vec![500_000; BLENDED];
        year.push(0);
        assert_eq!(blend(&year), Some(500_000));
    }

    #[test]
    fn weights_add_up_to_a_hundred() {
        use CriterionKind::{OnTime, Price, Quality};
        assert_eq!(Criteria::default().checked(), Ok(()));
        for (of, expected) in [
            (&[(OnTime, 100)][..], &[][..]),
            (&[(OnTime, 60), (Price, 40)], &[]),
            (&[(OnTime, 60), (Price, 39)], &[(ErrorCode::InvalidWeights, "criteria")]),
            (&[(OnTime, 60), (Price, 41)], &[(ErrorCode::InvalidWeights, "criteria")]),
            (&[], &[(ErrorCode::InvalidWeights, "criteria")]),
            (&[(OnTime, 50), (OnTime, 50)], &[(ErrorCode::Duplicate, "criteria.1.kind")]),
            (&[(OnTime, 100), (Quality, 0)], &[(ErrorCode::OutOfRange, "criteria.1.weight")]),
        ] {
            let criteria = Criteria(of.iter().map(|&(kind, weight)| Criterion { kind, weight }).collect());
            let refused = criteria.checked().err().unwrap_or_default();
            let told: Vec<(ErrorCode, String)> = refused.iter().map(|one| (one.code, one.field.join("."))).collect();
            let expected: Vec<(ErrorCode, String)> = expected.iter().map(|(code, at)| (*code, (*at).into())).collect();
            assert_eq!(told, expected, "{of:?}");
        }
    }

    #[test]
    fn standings_lie_side_by_side_from_nothing_to_a_hundred() {
        assert_eq!(Standings::default().checked(), Ok(()));
        for (of, fields) in [
            (&[(0, None)][..], &[][..]),
            (&[(0, Some(50)), (50, None)], &[]),
            (&[(0, Some(50)), (50, Some(100))], &[]),
            // A gap, an overlap, a beginning and an end that are missing.
            (&[(0, Some(50)), (60, None)], &["standings.1.from"]),
            (&[(0, Some(50)), (40, None)], &["standings.1.from"]),
            (&[(10, Some(50)), (50, None)], &["standings.0.from"]),
            (&[(0, Some(50)), (50, Some(90))], &["standings.1.below"]),
            (&[(0, None), (50, None)], &["standings.0.below", "standings.1.from"]),
            (&[(0, Some(0)), (0, None)], &["standings.0.below"]),
            (&[], &["standings"]),
        ] {
            let band = |(n, &(from, below)): (usize, &(i64, Option<i64>))| StandingBand {
                name: format!("S{n}"),
                from_e4: from * POINT_E4,
                below_e4: below.map(|below| below * POINT_E4),
                on_rfq: Consequence::Nothing,
                on_order: Consequence::Nothing,
            };
            let refused = Standings(of.iter().enumerate().map(band).collect()).checked().err().unwrap_or_default();
            let named: Vec<String> = refused.iter().map(|refusal| refusal.field.join(".")).collect();
            assert_eq!(named, fields, "{of:?}");
        }
    }

    #[test]
    fn what_people_see_decides_how_a_supplier_stands() {
        let standings = Standings::default();
        for (e4, expected, follows) in [
            (0, "Very Poor", Consequence::Block),
            (299_499, "Very Poor", Consequence::Block),
            // 29.95 is shown as 30.0.
            (299_500, "Poor", Consequence::Warn),
            (499_000, "Poor", Consequence::Warn),
            (500_000, "Average", Consequence::Nothing),
            (799_499, "Average", Consequence::Nothing),
            (800_000, "Excellent", Consequence::Nothing),
            (FULL_E4, "Excellent", Consequence::Nothing),
        ] {
            let found = standings.of(e4).unwrap();
            assert_eq!((found.name.as_str(), found.on_rfq, found.on_order), (expected, follows, follows), "{e4}");
        }
        let mut closed = standings;
        closed.0[3].below_e4 = Some(FULL_E4);
        assert_eq!(closed.of(FULL_E4).map(|band| band.name.as_str()), Some("Excellent"));
    }

    #[test]
    fn what_came_first_goes_to_what_was_due_first() {
        let due = |of: &[(&str, i64)]| -> Vec<Due> {
            of.iter().map(|(on, quantity)| Due { on: day(on), quantity: *quantity }).collect()
        };
        let came = |of: &[(&str, i64)]| -> Vec<(NaiveDate, i64)> { of.iter().map(|(on, n)| (day(on), *n)).collect() };
        let march = (day("2026-03-01"), day("2026-04-01"));
        for (wanted, delivered, expected) in [
            (&[("2026-03-20", 100)][..], &[("2026-03-20", 60), ("2026-03-21", 40)][..], (60, 100)),
            (&[("2026-03-20", 100)], &[("2026-03-01", 105)], (100, 100)),
            (&[("2026-03-20", 100)], &[], (0, 100)),
            // The first part came late, the second in time.
            (&[("2026-03-10", 60), ("2026-03-20", 40)], &[("2026-03-15", 60), ("2026-03-20", 40)], (40, 100)),
            // What is due in another month counts there, and what came for it does not count here.
            (&[("2026-02-27", 60), ("2026-03-20", 40)], &[("2026-03-02", 60)], (0, 40)),
            (&[("2026-04-01", 60)], &[("2026-03-02", 60)], (0, 0)),
        ] {
            let found = on_time(&due(wanted), &came(delivered), march.0, march.1);
            assert_eq!(found, expected, "{wanted:?} {delivered:?}");
        }
    }

    #[test]
    fn prices_are_held_against_the_lowest_under_the_same_terms() {
        let of = |n: u128| OrganisationId(Uuid::from_u128(n));
        let prices = [(of(1), UnitPrice(10_000_000)), (of(2), UnitPrice(12_500_000))];
        assert_eq!(price_points(&prices), [(of(1), FULL_E4), (of(2), 800_000)]);
        assert_eq!(price_points(&prices[..1]), [], "one alone is not compared");
    }

    #[test]
    fn periods_follow_each_other() {
        for (period, today, start, ended) in [
            (ScorePeriod::Month, "2026-03-31", "2026-03-01", "2026-02-01"),
            (ScorePeriod::Month, "2026-01-01", "2026-01-01", "2025-12-01"),
            (ScorePeriod::Quarter, "2026-03-31", "2026-01-01", "2025-10-01"),
            (ScorePeriod::Quarter, "2026-04-01", "2026-04-01", "2026-01-01"),
        ] {
            let today = day(today);
            assert_eq!((period.start(today), period.ended(today)), (day(start), day(ended)), "{period:?} {today}");
            assert_eq!(period.after(day(ended)), day(start));
        }
    }

    #[test]
    fn what_was_given_up_is_taken_off_what_was_due_last() {
        let due = |on: &str, quantity: i64| Due { on: day(on), quantity };
        let (early, late) = (due("2026-03-10", 60), due("2026-03-20", 40));
        for (given_up, schedule, expected) in [
            (0, vec![], vec![due("2026-03-31", 100)]),
            (30, vec![], vec![due("2026-03-31", 70)]),
            (0, vec![early, late], vec![early, late]),
            (10, vec![early, late], vec![early, due("2026-03-20", 30)]),
            (50, vec![early, late], vec![due("2026-03-10", 50), due("2026-03-20", 0)]),
        ] {
            let found = dues(100, given_up, Some(day("2026-03-31")), Schedule(schedule));
            assert_eq!(found, expected, "{given_up} given up");
        }
        assert_eq!(dues(100, 0, None, Schedule::default()), [], "what has no day is never late");
    }
}
