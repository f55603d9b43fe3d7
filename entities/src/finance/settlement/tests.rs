//! The vectors F4 to F8, and what the waterfall does where they are silent.

use super::{
    fixtures::{day, f3_position},
    *,
};
use crate::finance::{
    quote,
    terms::{WaterfallStep, fixtures::f3},
};

const DUE: &str = "2025-09-12";

fn collected(position: &Position, terms: &Terms, minor: i64, on: &str) -> (Position, Allocation) {
    position.collect(terms, Payer::Debtor, minor, day(on)).unwrap()
}

#[test]
fn f3_comes_back_as_it_was_quoted() {
    for (timing, back) in [(Timing::Front, 20_000_000), (Timing::Rear, 18_944_000)] {
        let terms = f3(timing);
        let item = quote::Item { face_minor: 100_000_000, due_on: day(DUE) };
        let quoted = quote::quote(&terms, crate::values::Currency::CNY, &[item], day("2025-06-16")).unwrap();
        let opening = Opening::of(&terms, quoted.funded_on, &quoted.items[0]);
        assert_eq!(opening, fixtures::f3_opening(&terms));
        assert_eq!(opening.disbursed_minor(), quoted.disbursed_minor);
        let before = Position::open(&opening).unwrap().accrue(&terms, day(DUE)).unwrap();
        assert_eq!(before.figures.reserve_back_minor(), back, "{timing:?}");
        let (after, allocation) = collected(&before, &terms, 100_000_000, DUE);
        assert_eq!((allocation.released_minor, allocation.suspense_minor), (back, 0), "{timing:?}");
        assert_eq!((after.figures.due(), after.figures.reserve_minor), (Dues::default(), 0), "{timing:?}");
    }
}

#[test]
fn f4_late_runs_on_through_grace_and_then_at_one_and_a_half_times() {
    let terms = f3(Timing::Rear);
    let position = f3_position(&terms);
    for (on, interest_minor, penalty_minor) in [
        ("2025-06-16", 0, 0),
        ("2025-06-17", 12_000, 0),
        (DUE, 1_056_000, 0),
        ("2025-09-27", 1_236_000, 0),
        ("2025-09-28", 1_236_000, 18_000),
        ("2025-10-12", 1_236_000, 270_000),
    ] {
        let due = position.accrue(&terms, day(on)).unwrap().figures.due();
        assert_eq!((due.interest_minor, due.penalty_minor), (interest_minor, penalty_minor), "{on}");
    }
    let (after, allocation) = collected(&position, &terms, 100_000_000, "2025-10-12");
    assert_eq!(allocation.paid.interest_minor + allocation.paid.penalty_minor, 1_506_000);
    assert_eq!((allocation.paid.principal_minor, allocation.released_minor), (80_000_000, 18_494_000));
    assert_eq!(after.figures.seller_due_minor(), 18_494_000);
    // What was paid at the front is not charged again, and what comes after the due date is.
    let front = f3(Timing::Front);
    let (_, allocation) = collected(&f3_position(&front), &front, 100_000_000, "2025-10-12");
    assert_eq!((allocation.paid.interest_minor, allocation.paid.penalty_minor), (180_000, 270_000));
    assert_eq!(allocation.released_minor, 20_000_000 - 450_000);
}

#[test]
fn f5_early_gives_interest_back_that_was_paid_at_the_front() {
    for (timing, early_rebate, on, rebate, interest_minor) in [
        (Timing::Front, true, "2025-08-23", 240_000, 0),
        (Timing::Front, false, "2025-08-23", 0, 0),
        (Timing::Front, true, DUE, 0, 0),
        (Timing::Front, true, "2025-06-16", 1_056_000, 0),
        (Timing::Rear, true, "2025-08-23", 0, 816_000),
    ] {
        let terms = Terms { early_rebate, ..f3(timing) };
        let (after, allocation) = collected(&f3_position(&terms), &terms, 100_000_000, on);
        assert_eq!(allocation.rebate_minor, rebate, "{timing:?} {early_rebate} {on}");
        assert_eq!(allocation.paid.interest_minor, interest_minor, "{timing:?} {early_rebate} {on}");
        assert_eq!(allocation.parts_minor(), 100_000_000);
        assert_eq!(after.figures.seller_due_minor(), allocation.released_minor + rebate);
    }
}

#[test]
fn f6_a_part_pays_interest_first_and_then_principal() {
    let terms = f3(Timing::Rear);
    let (half, first) = collected(&f3_position(&terms), &terms, 50_000_000, "2025-08-15");
    assert_eq!((first.paid.interest_minor, first.paid.principal_minor), (720_000, 49_280_000));
    assert_eq!(half.figures.due().principal_minor, 30_720_000);
    assert_eq!((half.figures.reserve_minor, first.reserve_change_minor), (19_280_000, -720_000));
    let (after, second) = collected(&half, &terms, 50_000_000, DUE);
    assert_eq!((second.paid.interest_minor, second.paid.principal_minor), (129_024, 30_720_000));
    assert_eq!(second.released_minor, 19_150_976);
    assert_eq!(after.figures.due(), Dues::default());
}

#[test]
fn f7_a_credit_note_is_taken_of_what_the_seller_has() {
    let terms = f3(Timing::Rear);
    let (credited, change) = f3_position(&terms).credit(5_000_000).unwrap();
    assert_eq!((credited.figures.reserve_minor, change), (15_000_000, -5_000_000));
    let (_, allocation) = collected(&credited, &terms, 95_000_000, DUE);
    assert_eq!(allocation.released_minor, 13_944_000);
    // More than the reserve: what is lent is not covered any more.
    let (deep, _) = credited.credit(30_000_000).unwrap();
    assert_eq!((deep.figures.reserve_minor, deep.figures.uncovered_minor()), (0, 15_000_000));
    assert!(deep.credit(65_000_001).is_err(), "more than the face");
}

#[test]
fn f8_what_is_short_is_asked_of_the_seller_who_has_to_stand_in() {
    let terms = f3(Timing::Rear);
    let (short, allocation) = collected(&f3_position(&terms), &terms, 70_000_000, DUE);
    assert_eq!((allocation.paid.interest_minor, allocation.paid.principal_minor), (1_056_000, 68_944_000));
    assert_eq!(allocation.released_minor, 0);
    for (recourse, proven, expected) in
        [(true, false, 11_056_000), (false, false, 0), (false, true, 11_056_000), (true, true, 11_056_000)]
    {
        let terms = Terms { recourse, ..terms.clone() };
        assert_eq!(short.recourse_minor(&terms, proven), expected, "{recourse} {proven}");
    }
    let (bought, paid) = short.collect(&terms, Payer::Seller, 11_056_100, day(DUE)).unwrap();
    assert!(bought.repurchased);
    assert_eq!((paid.paid.principal_minor, paid.suspense_minor), (11_056_000, 100));
    assert_eq!((bought.figures.reserve_minor, paid.reserve_change_minor), (0, -18_944_000));
    // What the debtor pays after all is the seller's.
    let (_, late) = collected(&bought, &terms, 30_000_000, "2025-11-01");
    assert_eq!(late.released_minor, 30_000_000);
}

#[test]
fn what_is_beyond_the_face_or_beyond_what_is_owed_waits_in_suspense() {
    let terms = f3(Timing::Rear);
    let (after, allocation) = collected(&f3_position(&terms), &terms, 100_000_001, DUE);
    assert_eq!((allocation.suspense_minor, allocation.released_minor), (1, 18_944_000));
    let refunded = after.refund(1).unwrap().figures;
    assert_eq!((refunded.suspense_minor, refunded.refunded_minor), (0, 1));
    let (_, again) = collected(&after, &terms, 500, "2025-09-20");
    assert_eq!(again.suspense_minor, 500);
}

#[test]
fn who_covered_the_debtor_has_it_back_before_the_seller() {
    let terms = f3(Timing::Rear);
    let (short, _) = collected(&f3_position(&terms), &terms, 70_000_000, DUE);
    let (covered, paid) = short.collect(&terms, Payer::Cover, 11_056_000, day(DUE)).unwrap();
    assert_eq!((paid.paid.principal_minor, covered.figures.covered_minor), (11_056_000, 11_056_000));
    assert_eq!(covered.figures.reserve_minor, 18_944_000);
    let (_, late) = collected(&covered, &terms, 30_000_000, "2025-11-01");
    assert_eq!((late.suspense_minor, late.released_minor), (11_056_000, 18_944_000));
}

#[test]
fn what_was_written_off_earns_nothing_and_is_made_good_first() {
    let terms = f3(Timing::Rear);
    let (short, _) = collected(&f3_position(&terms), &terms, 70_000_000, DUE);
    let (lost, written_off) = short.write_off(&terms, day("2025-09-22")).unwrap();
    // Ten days of grace on what was left.
    let interest_minor = 16_584;
    assert_eq!(written_off.dues, Dues { principal_minor: 11_056_000, interest_minor, ..Dues::default() });
    assert_eq!((lost.figures.loss_minor(), lost.figures.due()), (11_072_584, Dues::default()));
    let (after, late) = collected(&lost, &terms, 30_000_000, "2026-03-01");
    assert_eq!((late.recovered_minor, late.released_minor), (11_072_584, 18_927_416));
    assert_eq!(after.figures.loss_minor(), 0);
}

#[test]
fn money_is_used_in_the_agreed_order() {
    let terms = f3(Timing::Rear);
    let fee = Fee { gross_minor: 1_060, net_minor: 1_000, vat_minor: 60 };
    let charged = f3_position(&terms).charge_cost(2_000).unwrap().charge_fee(&fee).unwrap();
    let (_, default) = collected(&charged, &terms, 1_508_001, "2025-10-12");
    let expected = Dues { cost_minor: 2_000, penalty_minor: 270_000, interest_minor: 1_236_000, ..Dues::default() };
    assert_eq!(default.paid, Dues { principal_minor: 1, ..expected });
    let waterfall = [&[WaterfallStep::Principal, WaterfallStep::Fees][..], &WaterfallStep::DEFAULT[..]].concat();
    let other = Terms { waterfall, ..terms };
    let (_, first) = collected(&charged, &other, 80_001_061, "2025-10-12");
    let expected = Dues { principal_minor: 80_000_000, fee_minor: 1_060, cost_minor: 1, ..Dues::default() };
    assert_eq!(first.paid, expected, "what is named twice is paid once");
}

#[test]
fn what_comes_before_what_is_in_it_is_folded_anew() {
    let terms = f3(Timing::Rear);
    let (after, _) = collected(&f3_position(&terms), &terms, 1_000, "2025-08-15");
    assert!(after.collect(&terms, Payer::Debtor, 1_000, day("2025-08-14")).is_err());
    assert!(after.collect(&terms, Payer::Debtor, 0, day("2025-08-15")).is_err(), "nothing came");
    let opening = fixtures::f3_opening(&terms);
    for wrong in [
        Opening { principal_minor: 100_000_001, ..opening },
        Opening { principal_minor: 0, ..opening },
        Opening { due_on: opening.funded_on, ..opening },
        Opening { withheld_minor: 80_000_000, ..opening },
    ] {
        assert!(Position::open(&wrong).is_err(), "{wrong:?}");
    }
}

#[test]
fn figures_of_several_receivables_add_up() {
    let terms = f3(Timing::Rear);
    let (one, _) = collected(&f3_position(&terms), &terms, 70_000_000, DUE);
    let both = one.figures.plus(&f3_position(&terms).figures);
    assert_eq!((both.face_minor, both.received_minor), (200_000_000, 70_000_000));
    assert_eq!(both.due().principal_minor, 91_056_000);
}

proptest::proptest! {
    #[test]
    fn accrued_daily_or_at_once_it_is_the_same(
        principal in 1..80_000_000_i64, days in 1..140_u64, front in proptest::bool::ANY,
    ) {
        let terms = f3(if front { Timing::Front } else { Timing::Rear });
        let opening = Opening { principal_minor: principal + 2_000_000, ..fixtures::f3_opening(&terms) };
        let begun = Position::open(&opening).unwrap();
        let (mut daily, last) = (begun.clone(), opening.funded_on + Days::new(days));
        while daily.accrued_to < last {
            daily = daily.accrue(&terms, daily.accrued_to + Days::new(1)).unwrap();
        }
        proptest::prop_assert_eq!(daily, begun.accrue(&terms, last).unwrap());
    }
}
