//! A position from what happened (账务重算): facts have a value date and may become known in any order, late, twice, or be
//! taken back. The position is folded from all of them anew, so it depends on what happened and not on when somebody
//! said so.
//!
//! - Facts of one day are in an order of their own: what is charged, what is credited, what came, what was written off,
//!   what went out; of one kind the larger amount first. When they arrived plays no part.
//! - What is taken back never was: a collection that is reversed leaves interest to run from its value date on as if it
//!   had not come (A11). A reversal is not reversed; what came after all is a fact of its own.
//! - A reversal that is known before what it takes back waits for it.

use std::{cmp::Reverse, collections::BTreeSet};

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Allocation, Opening, Payer, Position};
use crate::{
    finance::{quote::Fee, terms::Terms},
    values::{ErrorCode, Refusal},
};

/// Most facts of one receivable: their sum stays within 64 bits.
pub const MOST_FACTS: usize = 1_000;

/// What happened. Amounts are in minor units.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum What {
    /// It cost something to have it paid.
    Cost(i64),
    /// Another fee became due.
    Charged(Fee),
    /// A credit note took something off the receivable.
    Credited(i64),
    /// Money came.
    Received(Payer, i64),
    /// All that was owed was written off.
    WrittenOff,
    /// The seller was paid what is its.
    PaidOut(i64),
    /// Something in suspense was given back.
    Refunded(i64),
    /// Another fact never was.
    Reversed(Uuid),
}

impl What {
    /// Its place among the facts of a day, and its amount.
    fn order(&self) -> (u8, i64) {
        match self {
            Self::Cost(minor) => (0, *minor),
            Self::Charged(fee) => (1, fee.gross_minor),
            Self::Credited(minor) => (2, *minor),
            Self::Received(Payer::Debtor, minor) => (3, *minor),
            Self::Received(Payer::Seller, minor) => (4, *minor),
            Self::Received(Payer::Cover, minor) => (5, *minor),
            Self::WrittenOff => (6, 0),
            Self::PaidOut(minor) => (7, *minor),
            Self::Refunded(minor) => (8, *minor),
            Self::Reversed(_) => (9, 0),
        }
    }
}

/// A fact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fact {
    /// Which; one that is known twice counts once.
    pub id: Uuid,
    /// Its value date (起息日).
    pub on: NaiveDate,
    /// What happened.
    pub what: What,
}

/// A position and how it came about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settled {
    /// The position.
    pub position: Position,
    /// What became of each amount that came, in the order of value dates.
    pub allocations: Vec<(Uuid, Allocation)>,
}

/// The position on a day: of what happened until then, with interest until then. What happened before it was paid out is
/// refused, with its number among the facts.
pub fn settle(terms: &Terms, opening: &Opening, facts: &[Fact], as_of: NaiveDate) -> Result<Settled, Refusal> {
    if facts.len() > MOST_FACTS {
        return Err(Refusal::new(ErrorCode::TooMany).with("max", MOST_FACTS.to_string()));
    }
    let taken_back: BTreeSet<Uuid> = facts
        .iter()
        .filter_map(|fact| match fact.what {
            What::Reversed(other) => Some(other),
            _ => None,
        })
        .collect();
    let mut counted: Vec<(usize, &Fact)> =
        facts.iter().enumerate().filter(|(_, fact)| fact.on <= as_of && !taken_back.contains(&fact.id)).collect();
    counted.sort_by_key(|(_, fact)| {
        let (place, minor) = fact.what.order();
        (fact.on, place, Reverse(minor), fact.id)
    });
    let mut settled = Settled { position: Position::open(opening)?, allocations: Vec::new() };
    let mut known = BTreeSet::new();
    for (n, fact) in counted {
        if known.insert(fact.id) {
            settled.add(terms, opening, fact).map_err(|refusal| refusal.at(n.to_string()))?;
        }
    }
    settled.position = settled.position.accrue(terms, as_of)?;
    Ok(settled)
}

impl Settled {
    fn add(&mut self, terms: &Terms, opening: &Opening, fact: &Fact) -> Result<(), Refusal> {
        if fact.on < opening.funded_on {
            return Err(Refusal::new(ErrorCode::InvalidValue).with("value", fact.on.to_string()).at("on"));
        }
        let position = &self.position;
        self.position = match fact.what {
            What::Cost(minor) => position.charge_cost(minor)?,
            What::Charged(fee) => position.charge_fee(&fee)?,
            What::Credited(minor) => position.credit(minor)?.0,
            What::Received(payer, minor) => {
                let (next, allocation) = position.collect(terms, payer, minor, fact.on)?;
                self.allocations.push((fact.id, allocation));
                next
            }
            What::WrittenOff => position.write_off(terms, fact.on)?.0,
            What::PaidOut(minor) => position.pay_out(minor)?,
            What::Refunded(minor) => position.refund(minor)?,
            What::Reversed(_) => return Ok(()),
        };
        Ok(())
    }
}

/// Facts as they come: for this and for the ledger.
#[cfg(test)]
pub(in crate::finance) mod fixtures {
    use chrono::Days;
    use proptest::prelude::*;

    use super::{Fact, Fee, Payer, Uuid, What};
    use crate::finance::settlement::fixtures::day;

    /// What happens to the receivable of F3, from the day of its funding on.
    pub(crate) fn facts() -> impl Strategy<Value = Vec<Fact>> {
        let what = (0..10_u8, 1..120_000_000_i64).prop_map(|(kind, minor)| match kind {
            0 => What::Cost(minor / 1_000 + 1),
            1 => What::Charged(Fee::including(minor / 1_000 + 1, 60_000).unwrap()),
            2 => What::Credited(minor / 100 + 1),
            3..6 => What::Received(Payer::Debtor, minor),
            6 => What::Received(Payer::Seller, minor),
            7 => What::Received(Payer::Cover, minor),
            8 => What::PaidOut(minor / 10 + 1),
            _ => What::WrittenOff,
        });
        proptest::collection::vec((0..150_u64, what), 0..12).prop_map(|all| {
            let fact = |(n, (after, what)): (u128, (u64, What))| Fact {
                id: Uuid::from_u128(n),
                on: day("2025-06-16") + Days::new(after),
                what,
            };
            (1..).zip(all).map(fact).collect::<Vec<Fact>>()
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{fixtures::facts, *};
    use crate::finance::{
        settlement::fixtures::{day, f3_opening},
        terms::{Timing, fixtures::f3},
    };

    fn id(n: u128) -> Uuid {
        Uuid::from_u128(n)
    }

    fn fact(n: u128, on: &str, what: What) -> Fact {
        Fact { id: id(n), on: day(on), what }
    }

    fn settled(timing: Timing, facts: &[Fact], as_of: &str) -> Settled {
        let terms = f3(timing);
        settle(&terms, &f3_opening(&terms), facts, day(as_of)).unwrap()
    }

    #[test]
    fn a_collection_that_was_reversed_never_came() {
        let came = fact(1, "2025-08-15", What::Received(Payer::Debtor, 50_000_000));
        let back = fact(2, "2025-09-01", What::Reversed(id(1)));
        let rest = fact(3, "2025-09-12", What::Received(Payer::Debtor, 100_000_000));
        let before = settled(Timing::Rear, &[came, rest], "2025-09-12");
        assert_eq!(before.allocations[0].1.paid.interest_minor, 720_000);
        assert_eq!(before.allocations[1].1.paid.interest_minor, 129_024);
        for order in [[came, back, rest], [rest, back, came], [back, came, rest]] {
            let after = settled(Timing::Rear, &order, "2025-09-12");
            assert_eq!(after, settled(Timing::Rear, &[rest], "2025-09-12"));
            assert_eq!(after.allocations[0].1.paid.interest_minor, 1_056_000, "interest runs on as if it had not come");
        }
    }

    #[test]
    fn what_becomes_known_late_counts_from_its_value_date() {
        let early = fact(2, "2025-08-15", What::Received(Payer::Debtor, 50_000_000));
        let late = fact(1, "2025-09-12", What::Received(Payer::Debtor, 50_000_000));
        let both = settled(Timing::Rear, &[late, early], "2025-09-12");
        assert_eq!(both.position.figures.paid.interest_minor, 720_000 + 129_024);
        let ids: Vec<Uuid> = both.allocations.iter().map(|(id, _)| *id).collect();
        assert_eq!(ids, [id(2), id(1)]);
        // Known twice, it came once; and before it came, it did not.
        assert_eq!(settled(Timing::Rear, &[late, early, late], "2025-09-12"), both);
        let first = settled(Timing::Rear, &[late, early], "2025-09-11").position.figures;
        assert_eq!(first.received_minor, 50_000_000);
    }

    #[test]
    fn nothing_happens_before_it_is_paid_out() {
        let terms = f3(Timing::Rear);
        let good = fact(1, "2025-06-16", What::Credited(1));
        let wrong = fact(2, "2025-06-15", What::Cost(1));
        let refused = settle(&terms, &f3_opening(&terms), &[good, wrong], day("2025-07-01")).unwrap_err();
        assert_eq!(refused.field, ["1", "on"]);
        let many = vec![good; MOST_FACTS + 1];
        let refused = settle(&terms, &f3_opening(&terms), &many, day("2025-07-01")).unwrap_err();
        assert_eq!(refused.code, ErrorCode::TooMany);
    }

    proptest! {
        #[test]
        fn principal_is_owed_repaid_or_lost_and_what_came_is_somewhere(facts in facts(), front in any::<bool>()) {
            let settled = settled(if front { Timing::Front } else { Timing::Rear }, &facts, "2025-11-30");
            let figures = &settled.position.figures;
            let (due, charged) = (figures.due(), figures.charged.principal_minor);
            let over = figures.paid.principal_minor + figures.written_off.principal_minor;
            prop_assert_eq!(due.principal_minor + over, charged);
            for (_, one) in &settled.allocations {
                prop_assert_eq!(one.parts_minor(), one.amount_minor);
                let parts = [one.recovered_minor, one.released_minor, one.suspense_minor, one.rebate_minor];
                prop_assert!(parts.iter().all(|part| *part >= 0), "{:?}", one);
            }
            let came: i64 = settled.allocations.iter().map(|(_, one)| one.amount_minor).sum();
            prop_assert_eq!(came, figures.received_minor);
            for part in [
                due.cost_minor, due.penalty_minor, due.interest_minor, due.principal_minor, due.fee_minor,
                figures.reserve_minor, figures.loss_minor(), figures.covered_minor, figures.suspense_minor,
                figures.charged.interest_minor - figures.rebated_minor,
            ] {
                prop_assert!(part >= 0, "{:?}", figures);
            }
            prop_assert!(figures.collected_minor <= figures.face_minor);
        }

        #[test]
        fn the_order_in_which_facts_become_known_changes_nothing(
            facts in facts(), turn in 0..12_usize, reversed in proptest::collection::vec(0..12_u128, 0..4),
        ) {
            let mut all = facts.clone();
            let back = |(n, number): (&u128, u128)| fact(number, "2025-07-01", What::Reversed(id(*n)));
            all.extend(reversed.iter().zip(100..).map(back));
            let straight = settled(Timing::Rear, &all, "2025-11-30");
            let kept: Vec<Fact> = facts.iter().filter(|one| !reversed.contains(&one.id.as_u128())).copied().collect();
            prop_assert_eq!(&straight, &settled(Timing::Rear, &kept, "2025-11-30"));
            let places = all.len().max(1);
            all.rotate_left(turn % places);
            prop_assert_eq!(&straight, &settled(Timing::Rear, &all, "2025-11-30"));
            all.reverse();
            prop_assert_eq!(&straight, &settled(Timing::Rear, &all, "2025-11-30"));
        }
    }
}
