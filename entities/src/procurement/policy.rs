//! Approval policies (审批策略): who has to agree to an order, by its amount and by what is bought.
//!
//! - each line asks the policy of the deepest category that it is of, or that of all; the chain of an order is what
//!   they ask together;
//! - what counts is the order and what was ordered of the same supplier shortly before: an order that is split is no
//!   smaller;
//! - who asks for an order, or changed it, does not approve it, and nobody decides two steps of one submission.

use std::collections::BTreeSet;

use crate::Relation;
use chrono::{Days, NaiveDate};
use sea_orm::{FromJsonQueryResult, entity::prelude::*};
use serde::{Deserialize, Serialize};

use crate::values::{
    ErrorCode, Money, Refusal, Refusals,
    id::{CategoryId, OrganisationId, PersonId, PurchasePolicyId},
    refusal::{Check, line},
};

/// Most bands of a policy, and most steps of a band.
const MOST_BANDS: usize = 10;
const MOST_STEPS: usize = 6;
/// Highest level that an approver may have.
pub const MOST_LEVEL: i32 = 9;
/// Most days that orders are counted together for.
pub const MOST_WINDOW: i32 = 365;
/// Longest title of a step.
const MAX_TITLE: usize = 80;

/// A step that a band asks for (审批步骤).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepOf {
    /// What people call it.
    pub title: String,
    /// Least level of who decides.
    pub level: i32,
    /// Who decides; none: anyone of that level.
    pub person: Option<PersonId>,
}

/// Orders up to an amount, and what they need (金额档).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Band {
    /// Up to how much, in fen, itself included; none: whatever it comes to.
    pub up_to_minor: Option<i64>,
    /// The steps, one after the other; none: nobody has to agree.
    pub steps: Vec<StepOf>,
}

/// The bands of a policy, by rising amounts; the last has no bound.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
#[serde(transparent)]
pub struct Bands(pub Vec<Band>);

impl Bands {
    /// The bands, when they are such: amounts rise, the last has no bound, steps have levels and names.
    pub fn checked(&self) -> Result<(), Refusals> {
        let mut check = Check::default();
        let count = self.0.len();
        check.demand(count > 0, "bands", || Refusal::new(ErrorCode::Required));
        let too_many = || Refusal::new(ErrorCode::TooMany).with("max", MOST_BANDS.to_string());
        check.demand(count <= MOST_BANDS, "bands", too_many);
        let mut below = 0;
        for (n, band) in self.0.iter().enumerate() {
            let refused = |refusal: Refusal, field: &str| refusal.at(field).at(n.to_string()).at("bands");
            let fits = match band.up_to_minor {
                Some(up_to) => n + 1 < count && up_to > below && up_to <= Money::MAX_MINOR,
                None => n + 1 == count,
            };
            if !fits {
                let value = band.up_to_minor.map_or_else(|| "∞".to_owned(), |up_to| up_to.to_string());
                check.0.push(refused(Refusal::new(ErrorCode::InvalidValue).with("value", value), "upTo"));
            }
            below = band.up_to_minor.unwrap_or(below);
            if band.steps.len() > MOST_STEPS {
                let refusal = Refusal::new(ErrorCode::TooMany).with("max", MOST_STEPS.to_string());
                check.0.push(refused(refusal, "steps"));
            }
            for (m, refusal) in unfit(&band.steps) {
                check.0.push(refused(refusal.at(m.to_string()), "steps"));
            }
        }
        check.done(())
    }

    /// The steps of an amount.
    fn steps(&self, counted_minor: i64) -> &[StepOf] {
        let band = self.0.iter().find(|band| band.up_to_minor.is_none_or(|up_to| counted_minor <= up_to));
        band.map_or(&[], |band| &band.steps)
    }
}

/// What is wrong with the steps of a band, each by its place.
fn unfit(steps: &[StepOf]) -> Vec<(usize, Refusal)> {
    let mut wrong = Vec::new();
    for (n, step) in steps.iter().enumerate() {
        if !(1..=MOST_LEVEL).contains(&step.level) {
            let range = Refusal::new(ErrorCode::OutOfRange).with("min", "1").with("max", MOST_LEVEL.to_string());
            wrong.push((n, range.at("level")));
        }
        if let Err(refusal) = line(&step.title, MAX_TITLE) {
            wrong.push((n, refusal.at("title")));
        }
        if steps[..n].iter().any(|other| (other.level, other.person) == (step.level, step.person)) {
            let twice = Refusal::new(ErrorCode::Duplicate).with("value", step.level.to_string());
            wrong.push((n, twice.at("level")));
        }
    }
    wrong
}

/// What holds where an organisation says nothing: up to 50,000.00 the purchasing lead, up to 500,000.00 finance too,
/// above that the general manager as well.
pub fn default_bands() -> Bands {
    let step = |title: &str, level| StepOf { title: title.to_owned(), level, person: None };
    let all = [step("采购主管 / Purchasing lead", 1), step("财务 / Finance", 2), step("总经理 / General manager", 3)];
    let band = |up_to_minor, steps: usize| Band { up_to_minor, steps: all[..steps].to_vec() };
    Bands(vec![band(Some(5_000_000), 1), band(Some(50_000_000), 2), band(None, 3)])
}

/// The steps of an order. `policies`: path of the category (none: of whatever has no policy of its own) and bands;
/// `paths`: of the category of each line. Lowest level first; who would decide twice decides once.
pub fn chain(policies: &[(Option<String>, &Bands)], paths: &[Option<String>], counted_minor: i64) -> Vec<StepOf> {
    let standing = default_bands();
    let distinct: BTreeSet<Option<&str>> = paths.iter().map(Option::as_deref).collect();
    let mut steps: Vec<StepOf> = Vec::new();
    for path in distinct {
        for step in asked(policies, path).unwrap_or(&standing).steps(counted_minor) {
            if !steps.iter().any(|known| (known.level, known.person) == (step.level, step.person)) {
                steps.push(step.clone());
            }
        }
    }
    steps.sort_by_key(|step| step.level);
    steps
}

/// What the policy of the deepest category that a path is in says, else that of all; none: there is none.
fn asked<T: Copy>(policies: &[(Option<String>, T)], path: Option<&str>) -> Option<T> {
    let named = policies.iter().filter_map(|(of, says)| of.as_deref().map(|of| (of, *says)));
    let within = named.filter(|(of, _)| path.is_some_and(|path| path.starts_with(of)));
    let deepest = within.max_by_key(|(of, _)| of.len()).map(|(_, says)| says);
    deepest.or_else(|| policies.iter().find(|(of, _)| of.is_none()).map(|(_, says)| *says))
}

/// For how many days orders of one supplier count together: the most that the policies of the lines say, and what
/// stands where none is asked. `policies`: path of the category and days; `paths`: of the category of each line.
pub fn window(policies: &[(Option<String>, i32)], paths: &[Option<String>], standing: u64) -> u64 {
    let days = |path: Option<&str>| {
        let said = asked(policies, path).and_then(|days| u64::try_from(days).ok());
        said.unwrap_or(standing)
    };
    paths.iter().map(|path| days(path.as_deref())).max().unwrap_or(standing)
}

/// The first day of the window in which orders of one supplier count together.
pub fn window_start(day: NaiveDate, days: u64) -> NaiveDate {
    day.checked_sub_days(Days::new(days)).unwrap_or(day)
}

/// Who would decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decider {
    /// Who; none: a program, which nobody can tell from who asked.
    pub person: Option<PersonId>,
    /// Up to which level it decides.
    pub level: i32,
    /// An owner is of any level.
    pub owner: bool,
}

/// Whether somebody may decide a step of an order: not who asked for it or changed it, not who decided another step of
/// the same submission, and of the level that it takes. A step that names somebody is decided by that person, whatever
/// its level.
pub fn may_decide(
    level: i32,
    named: Option<PersonId>,
    decider: Decider,
    asked: &[PersonId],
    decided: &[PersonId],
) -> Result<(), Refusal> {
    let other = || Refusal::new(ErrorCode::MakerChecker);
    let person = decider.person.ok_or_else(other)?;
    if asked.contains(&person) || decided.contains(&person) || named.is_some_and(|named| named != person) {
        return Err(other());
    }
    if named.is_none() { of_level(level, decider) } else { Ok(()) }
}

/// Whether somebody is of a level: an owner is of any.
pub fn of_level(level: i32, decider: Decider) -> Result<(), Refusal> {
    if decider.owner || decider.level >= level {
        return Ok(());
    }
    Err(Refusal::new(ErrorCode::LevelTooLow).with("level", level.to_string()))
}

/// A row of `purchase_policy`: unique by organisation and category, also where there is none.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
#[sea_orm(table_name = "purchase_policy")]
pub struct Model {
    /// Identifier.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: PurchasePolicyId,
    /// Whose orders.
    pub organisation_id: OrganisationId,
    /// Of which category; none: of all that have no policy of their own.
    pub category_id: Option<CategoryId>,
    /// What they need.
    #[sea_orm(column_type = "JsonBinary")]
    pub bands: Bands,
    /// For how many days orders of one supplier count together.
    pub window_days: i32,
    /// Counts up with every change.
    pub version: i32,
    /// Since when.
    pub created_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(n: u128) -> PersonId {
        PersonId(uuid::Uuid::from_u128(n))
    }

    fn levels(steps: &[StepOf]) -> Vec<i32> {
        steps.iter().map(|step| step.level).collect()
    }

    fn band(up_to_minor: Option<i64>, levels: &[i32]) -> Band {
        let step = |level: &i32| StepOf { title: format!("L{level}"), level: *level, person: None };
        Band { up_to_minor, steps: levels.iter().map(step).collect() }
    }

    #[test]
    fn the_bounds_of_the_bands_belong_to_them() {
        for (counted, expected) in [
            (1, &[1][..]),
            (5_000_000, &[1]),
            (5_000_001, &[1, 2]),
            (50_000_000, &[1, 2]),
            (50_000_001, &[1, 2, 3]),
            (Money::MAX_MINOR, &[1, 2, 3]),
        ] {
            assert_eq!(levels(&chain(&[], &[None], counted)), expected, "{counted}");
        }
        assert_eq!(default_bands().checked(), Ok(()));
    }

    #[test]
    fn each_line_asks_the_policy_of_its_deepest_category_and_an_order_asks_them_all() {
        let any = Bands(vec![band(None, &[1])]);
        let wine = Bands(vec![band(Some(100), &[]), band(None, &[2])]);
        let red = Bands(vec![band(None, &[4, 2])]);
        let path = |text: &str| Some(text.to_owned());
        let policies = [(None, &any), (path("wine/"), &wine), (path("wine/red/"), &red)];
        for (paths, counted, expected) in [
            (&[None][..], 1_000, &[1][..]),
            (&[path("rugs/")], 1_000, &[1]),
            (&[path("wine/white/")], 100, &[]),
            (&[path("wine/white/")], 101, &[2]),
            (&[path("wine/red/")], 1, &[2, 4]),
            // A name that only begins alike is another category.
            (&[path("wines/")], 1_000, &[1]),
            (&[path("wine/red/"), None, path("wine/white/")], 1_000, &[1, 2, 4]),
        ] {
            assert_eq!(levels(&chain(&policies, paths, counted)), expected, "{paths:?} {counted}");
        }
        // Where only some categories have a policy, the rest has that of the house.
        let some = [(path("wine/"), &wine)];
        assert_eq!(levels(&chain(&some, &[None], 50_000_001)), [1, 2, 3]);
    }

    #[test]
    fn bands_rise_and_the_last_has_no_bound() {
        let ends = band(None, &[1]);
        for (bands, field) in [
            (vec![ends.clone()], None),
            (vec![band(Some(1), &[]), ends.clone()], None),
            (vec![], Some("bands")),
            (vec![band(Some(1), &[1])], Some("bands.0.upTo")),
            (vec![ends.clone(), ends.clone()], Some("bands.0.upTo")),
            (vec![band(Some(2), &[1]), band(Some(2), &[1]), ends.clone()], Some("bands.1.upTo")),
            (vec![band(Some(0), &[1]), ends.clone()], Some("bands.0.upTo")),
            (vec![band(None, &[0])], Some("bands.0.steps.0.level")),
            (vec![band(None, &[10])], Some("bands.0.steps.0.level")),
            (vec![band(None, &[1, 1])], Some("bands.0.steps.1.level")),
            (vec![band(None, &[1, 2, 3, 4, 5, 6, 7])], Some("bands.0.steps")),
        ] {
            let refused = Bands(bands.clone()).checked().err().map(|refusals| refusals[0].field.join("."));
            assert_eq!(refused.as_deref(), field, "{bands:?}");
        }
    }

    #[test]
    fn who_asks_never_approves_and_nobody_approves_twice() {
        let approver = |n, level| Decider { person: Some(person(n)), level, owner: false };
        let owner = Decider { person: Some(person(9)), level: 0, owner: true };
        let program = Decider { person: None, level: 9, owner: true };
        let asked = [person(1), person(2)];
        for (named, decider, decided, expected) in [
            (None, approver(3, 2), &[][..], None),
            (None, approver(3, 1), &[], Some(ErrorCode::LevelTooLow)),
            (None, approver(1, 9), &[], Some(ErrorCode::MakerChecker)),
            (None, approver(2, 9), &[], Some(ErrorCode::MakerChecker)),
            (None, approver(3, 9), &[person(3)], Some(ErrorCode::MakerChecker)),
            (None, owner, &[person(3)], None),
            (None, program, &[], Some(ErrorCode::MakerChecker)),
            (Some(person(3)), approver(3, 2), &[], None),
            (Some(person(3)), approver(3, 1), &[], None),
            (Some(person(1)), approver(1, 9), &[], Some(ErrorCode::MakerChecker)),
            (Some(person(4)), approver(3, 9), &[], Some(ErrorCode::MakerChecker)),
        ] {
            let refused = may_decide(2, named, decider, &asked, decided).err().map(|refusal| refusal.code);
            assert_eq!(refused, expected, "{decider:?} {named:?} {decided:?}");
        }
        let owner_asked = may_decide(1, None, owner, &[person(9)], &[]).unwrap_err().code;
        assert_eq!(owner_asked, ErrorCode::MakerChecker, "an owner approved its own order");
    }

    #[test]
    fn the_longest_window_of_the_lines_counts_and_the_standing_one_where_no_policy_is_asked() {
        let path = |text: &str| Some(text.to_owned());
        let (wine, rugs) = ((path("wine/"), 0), (path("rugs/"), 30));
        for (policies, paths, expected) in [
            (&[][..], &[None][..], 7),
            (std::slice::from_ref(&wine), &[path("wine/red/")], 0),
            (std::slice::from_ref(&wine), &[path("wine/red/"), None], 7),
            (&[wine.clone(), rugs.clone()], &[path("wine/red/"), path("rugs/")], 30),
            (&[wine.clone(), (None, 3)], &[path("wine/red/"), None], 3),
            (&[wine.clone(), (None, 3)], &[path("wine/red/")], 0),
            (&[(None, 0)], &[path("wine/red/"), None], 0),
        ] {
            assert_eq!(window(policies, paths, 7), expected, "{policies:?} {paths:?}");
        }
    }

    #[test]
    fn the_window_reaches_back_so_many_days() {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        assert_eq!(window_start(day("2026-03-08"), 7), day("2026-03-01"));
        assert_eq!(window_start(day("2026-03-08"), 0), day("2026-03-08"));
    }
}
