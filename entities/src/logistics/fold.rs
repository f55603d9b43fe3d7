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

/// The state of a shipment of which the desk says `desk` and that left the gate at `out`.
pub fn fold(
    desk: ShipmentState,
    out: Option<DateTime<Utc>>,
    facts: impl IntoIterator<Item = Fact>,
    in_error: &BTreeSet<String>,
) -> Folded {
    let mut folded = Folded { state: desk, signed_at: None };
    let Some(out) = out.filter(|_| desk == ShipmentState::GateOut) else { return folded };
    // What happened to it before the gate is not its way to the buyer.
    let counts = |fact: &Fact| fact.at >= out - SKEW && !in_error.contains(&fact.event);
    let facts: BTreeSet<Fact> = facts.into_iter().filter(counts).collect();
    let mut seen = BTreeSet::new();
    for fact in &facts {
        if seen.insert(&fact.event)
            && let Some(next) = after(folded.state, fact.milestone)
        {
            folded.state = next;
            folded.signed_at = (next == ShipmentState::Signed).then_some(fact.at);
        }
    }
    folded
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
        fold(ShipmentState::GateOut, Some(at(0)), facts.to_vec(), &BTreeSet::new()).state
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

    #[test]
    fn what_was_declared_in_error_did_not_happen_and_the_desk_comes_first() {
        let facts = [fact(1, Milestone::Moving, "a"), fact(5, Milestone::Delivered, "b")];
        let wrong = BTreeSet::from(["b".to_owned()]);
        let folded = fold(ShipmentState::GateOut, Some(at(0)), facts.to_vec(), &wrong);
        assert_eq!((folded.state, folded.signed_at), (ShipmentState::InTransit, None));
        let folded = fold(ShipmentState::GateOut, Some(at(0)), facts.to_vec(), &BTreeSet::new());
        assert_eq!((folded.state, folded.signed_at), (ShipmentState::Signed, Some(at(5))));
        for desk in [ShipmentState::Planned, ShipmentState::Packed, ShipmentState::Cancelled] {
            assert_eq!(fold(desk, None, facts.to_vec(), &BTreeSet::new()).state, desk);
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
    fn told() -> impl Strategy<Value = (Vec<Fact>, Vec<usize>, BTreeSet<String>)> {
        prop::collection::vec((-20_i64..40, milestones()), 1..12).prop_flat_map(|events| {
            let n = events.len();
            let facts: Vec<Fact> =
                events.iter().enumerate().map(|(n, (t, m))| fact(*t, *m, &format!("e{n}"))).collect();
            let order = prop::collection::vec(0..n, 0..20).prop_flat_map(move |more| {
                let all: Vec<usize> = (0..n).chain(more).collect();
                Just(all).prop_shuffle()
            });
            (Just(facts), order, prop::collection::btree_set((0..n).prop_map(|n| format!("e{n}")), 0..3))
        })
    }

    proptest! {
        #[test]
        fn order_and_repeats_change_nothing((facts, order, wrong) in told()) {
            let plain = fold(ShipmentState::GateOut, Some(at(0)), facts.clone(), &wrong);
            let came = order.iter().map(|n| facts[*n].clone());
            prop_assert_eq!(&fold(ShipmentState::GateOut, Some(at(0)), came, &wrong), &plain);
            // A correction that comes late is as good as an event that never came.
            let never = facts.iter().filter(|fact| !wrong.contains(&fact.event)).cloned();
            prop_assert_eq!(fold(ShipmentState::GateOut, Some(at(0)), never, &BTreeSet::new()), plain);
        }

        #[test]
        fn what_is_signed_has_its_moment_and_nothing_else_has((facts, _, wrong) in told()) {
            let folded = fold(ShipmentState::GateOut, Some(at(0)), facts, &wrong);
            prop_assert_eq!(folded.state == ShipmentState::Signed, folded.signed_at.is_some());
            prop_assert!(folded.state.is_out());
        }
    }
}
