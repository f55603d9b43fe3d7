//! How far a parcel is, from what was reported of it. The order in which reports come, repeats, and corrections that come
//! late change nothing: what counts is when things happened. Of two that happened at the same moment the further one is
//! later; the moment at which a report came would not do, because it differs from one order to another.

use std::collections::BTreeSet;

use chrono::{DateTime, Duration, Utc};

use super::ShipmentState;

/// How far an event says that a parcel is. Of what happened at the same moment the greater one was later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Milestone {
    /// Somewhere on its way.
    Moving,
    /// With who hands it over.
    OutForDelivery,
    /// Handed over.
    Delivered,
    /// Not taken in.
    Refused,
    /// Lost.
    Lost,
    /// Back where it came from.
    Returned,
}

/// What was reported.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fact {
    /// When it happened.
    pub at: DateTime<Utc>,
    /// How far that says it is.
    pub milestone: Milestone,
    /// The event's own id.
    pub event: String,
}

/// By how much clocks may differ: of a report from the future, and of one from just before the gate.
pub const SKEW: Duration = Duration::minutes(10);

/// How far a parcel is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folded {
    /// State.
    pub state: ShipmentState,
    /// When it was handed over.
    pub signed_at: Option<DateTime<Utc>>,
}

impl Folded {
    /// A parcel that has left the gate and of which nothing was reported yet.
    pub const GATE: Self = Self { state: ShipmentState::GateOut, signed_at: None };

    /// The same after something more that happened later than everything before.
    #[must_use]
    pub fn then(self, fact: &Fact) -> Self {
        match after(self.state, fact.milestone) {
            Some(state) => Self { state, signed_at: (state == ShipmentState::Signed).then_some(fact.at) },
            None => self,
        }
    }
}

/// Whether something counts for a parcel that left the gate at `out`: what happened to it before is not its way to the
/// buyer.
pub fn counts(out: DateTime<Utc>, at: DateTime<Utc>) -> bool {
    at >= out - SKEW
}

/// The state of a shipment that left the gate at `out`, by what was reported of it and not declared in error.
pub fn fold(out: DateTime<Utc>, facts: impl IntoIterator<Item = Fact>) -> Folded {
    let facts: BTreeSet<Fact> = facts.into_iter().filter(|fact| counts(out, fact.at)).collect();
    let mut seen = BTreeSet::new();
    facts.iter().filter(|fact| seen.insert(&fact.event)).fold(Folded::GATE, Folded::then)
}

/// Where a milestone leads; none: nowhere from here.
fn after(state: ShipmentState, milestone: Milestone) -> Option<ShipmentState> {
    use ShipmentState as S;
    Some(match (state, milestone) {
        // Handed over and brought back are ends: what happens to it afterwards is another way. What was not taken in goes
        // back, or is handed over after all.
        (S::Signed | S::Returned | S::Planned | S::Packed | S::Cancelled, _)
        | (S::Refused, Milestone::Moving | Milestone::OutForDelivery | Milestone::Refused) => return None,
        (_, Milestone::Moving) => S::InTransit,
        (_, Milestone::OutForDelivery) => S::OutForDelivery,
        (_, Milestone::Delivered) => S::Signed,
        (_, Milestone::Refused) => S::Refused,
        (_, Milestone::Lost) => S::Lost,
        (_, Milestone::Returned) => S::Returned,
    })
}

#[cfg(test)]
mod tests {
    use chrono::TimeZone;
    use proptest::prelude::*;

    use super::*;

    fn at(minute: i64) -> DateTime<Utc> {
        Utc.with_ymd_and_hms(2026, 3, 1, 8, 0, 0).unwrap() + Duration::minutes(minute)
    }

    fn fact(minute: i64, milestone: Milestone, event: &str) -> Fact {
        Fact { at: at(minute), milestone, event: event.to_owned() }
    }

    fn state(facts: &[Fact]) -> ShipmentState {
        fold(at(0), facts.to_vec()).state
    }

    #[test]
    fn the_last_thing_that_happened_counts_whenever_it_was_told() {
        use Milestone::{Delivered, Lost, Moving, OutForDelivery, Refused, Returned};
        use ShipmentState as S;
        let table: [(&[(i64, Milestone)], S); 14] = [
            (&[], S::GateOut),
            (&[(1, Moving)], S::InTransit),
            (&[(3, OutForDelivery), (1, Moving)], S::OutForDelivery),
            // Nobody was in: back to the depot.
            (&[(3, OutForDelivery), (4, Moving)], S::InTransit),
            (&[(5, Delivered), (2, Moving)], S::Signed),
            (&[(5, Delivered), (6, Moving)], S::Signed),
            (&[(5, Refused)], S::Refused),
            (&[(5, Refused), (6, Moving)], S::Refused),
            (&[(5, Refused), (9, Returned)], S::Returned),
            (&[(5, Refused), (9, Delivered)], S::Signed),
            (&[(5, Lost)], S::Lost),
            (&[(5, Lost), (6, Moving)], S::InTransit),
            // At one moment: the further is the later.
            (&[(5, Delivered), (5, Moving), (5, OutForDelivery)], S::Signed),
            // Before the gate.
            (&[(-60, Delivered)], S::GateOut),
        ];
        for (told, expected) in table {
            let facts: Vec<Fact> = told.iter().enumerate().map(|(n, (t, m))| fact(*t, *m, &n.to_string())).collect();
            assert_eq!(state(&facts), expected, "{told:?}");
        }
    }

    fn milestones() -> impl Strategy<Value = Milestone> {
        prop::sample::select(vec![
            Milestone::Moving,
            Milestone::OutForDelivery,
            Milestone::Delivered,
            Milestone::Refused,
            Milestone::Lost,
            Milestone::Returned,
        ])
    }

    /// Events by their ids, and an order in which they come, some of them more than once.
    fn told() -> impl Strategy<Value = (Vec<Fact>, Vec<usize>)> {
        prop::collection::vec((-20_i64..40, milestones()), 1..12).prop_flat_map(|events| {
            let n = events.len();
            let facts: Vec<Fact> =
                events.iter().enumerate().map(|(n, (t, m))| fact(*t, *m, &format!("e{n}"))).collect();
            let order = prop::collection::vec(0..n, 0..20).prop_flat_map(move |more| {
                let all: Vec<usize> = (0..n).chain(more).collect();
                Just(all).prop_shuffle()
            });
            (Just(facts), order)
        })
    }

    proptest! {
        #[test]
        fn order_and_repeats_change_nothing((facts, order) in told()) {
            let came = order.iter().map(|n| facts[*n].clone());
            prop_assert_eq!(fold(at(0), came), fold(at(0), facts.clone()));
        }

        #[test]
        fn what_happens_last_need_not_look_back((facts, _) in told(), minute in 41_i64..50, last in milestones()) {
            let last = fact(minute, last, "last");
            let all = facts.iter().cloned().chain([last.clone()]);
            prop_assert_eq!(fold(at(0), facts.clone()).then(&last), fold(at(0), all));
        }

        #[test]
        fn what_is_signed_has_its_moment_and_nothing_else_has((facts, _) in told()) {
            let folded = fold(at(0), facts);
            prop_assert_eq!(folded.state == ShipmentState::Signed, folded.signed_at.is_some());
            prop_assert!(folded.state.is_out());
        }
    }
}
