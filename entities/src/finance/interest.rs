//! Interest, discounts and what they are in a year (计息): simple interest of whole minor units.
//!
//! - Rates are whole parts per million: 5.4 % is 54,000. Between principal and interest there are exact integers, and
//!   one division that comes last, half up: what is rounded is a line of a document, never a factor.
//! - Interest of a day is what it adds to the rounded interest so far ([`accrual`]), so that days add up to the period.
//!   Days that were rounded each on their own would not (vector F10).
//! - No amount is below nothing or above what money may be: the calculation ends there instead of wrapping.

use super::day_count::DayCount;
use crate::{
    procurement::terms::WHOLE_PPM,
    values::{ErrorCode, Money, Refusal},
};

/// Days of a year, for what is compared by the year.
const YEAR: i128 = 365;

/// An amount that is none.
pub(super) fn out_of_range() -> Refusal {
    Refusal::new(ErrorCode::OutOfRange).with("min", "0").with("max", Money::MAX_MINOR.to_string())
}

/// The amount, when it is `least` or more and money may be that much.
pub(super) fn at_least(least: i64, minor: i64) -> Result<i64, Refusal> {
    if (least..=Money::MAX_MINOR).contains(&minor) {
        Ok(minor)
    } else {
        Err(out_of_range().with("min", least.to_string()))
    }
}

/// A quotient as a whole number; half is away from zero.
pub fn half_up(numerator: i128, denominator: i128) -> Result<i64, Refusal> {
    let of = denominator.unsigned_abs();
    let twice = numerator.unsigned_abs().checked_mul(2).and_then(|twice| twice.checked_add(of));
    let both = of.checked_mul(2).filter(|_| denominator > 0);
    let whole = twice.zip(both).map(|(twice, both)| twice / both).ok_or_else(out_of_range)?;
    let whole = i64::try_from(whole).map_err(|_| out_of_range())?;
    Ok(if numerator < 0 { -whole } else { whole })
}

/// Interest on a principal for so many days: P × r × d ÷ B (vectors F1, F2, F3).
pub fn interest(principal_minor: i64, rate_ppm: i32, days: i64, day_count: DayCount) -> Result<i64, Refusal> {
    penalty(principal_minor, rate_ppm, WHOLE_PPM, days, day_count)
}

/// Penalty interest (罚息): the same at a multiple of the rate, 1,500,000 for one and a half times it (vector F4). Rate
/// and multiple are not rounded into one rate first.
pub fn penalty(
    principal_minor: i64,
    rate_ppm: i32,
    multiple_ppm: i32,
    days: i64,
    day_count: DayCount,
) -> Result<i64, Refusal> {
    if rate_ppm < 0 || multiple_ppm < 0 || days < 0 {
        return Err(out_of_range());
    }
    let factors =
        [i128::from(at_least(0, principal_minor)?), i128::from(rate_ppm), i128::from(multiple_ppm), i128::from(days)];
    let exact = factors.into_iter().try_fold(1, i128::checked_mul).ok_or_else(out_of_range)?;
    let whole = i128::from(WHOLE_PPM);
    at_least(0, half_up(exact, whole * whole * i128::from(day_count.basis()))?)
}

/// Interest of the days after `from` until `to`, both counted from the first day of the period: what they add to the
/// rounded interest so far. Day n is `accrual(…, n - 1, n)` (vector F10).
pub fn accrual(principal_minor: i64, rate_ppm: i32, day_count: DayCount, from: i64, to: i64) -> Result<i64, Refusal> {
    let so_far = |day| interest(principal_minor, rate_ppm, day, day_count);
    Ok(so_far(to)? - so_far(from)?)
}

/// What an amount that is due later is sold for today (贴现).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Discount {
    /// What is taken off, in minor units.
    pub discount_minor: i64,
    /// What is paid, in minor units.
    pub net_minor: i64,
}

/// A straight discount (直接贴现): interest on the face, taken off it (vector F9). More than the face is refused.
pub fn straight_discount(face_minor: i64, rate_ppm: i32, days: i64, day_count: DayCount) -> Result<Discount, Refusal> {
    let discount_minor = interest(face_minor, rate_ppm, days, day_count)?;
    Ok(Discount { discount_minor, net_minor: at_least(0, face_minor - discount_minor)? })
}

/// A discount to yield (收益率贴现): what is paid earns the rate until the face comes, so it is the face divided by
/// 1 + r × d ÷ B (vector F9). For one rate it takes less than the straight one.
pub fn yield_discount(face_minor: i64, rate_ppm: i32, days: i64, day_count: DayCount) -> Result<Discount, Refusal> {
    if rate_ppm < 0 || days < 0 {
        return Err(out_of_range());
    }
    let year = i128::from(WHOLE_PPM) * i128::from(day_count.basis());
    let earned = i128::from(rate_ppm) * i128::from(days);
    let net_minor = half_up(i128::from(at_least(0, face_minor)?) * year, year + earned)?;
    Ok(Discount { discount_minor: face_minor - net_minor, net_minor })
}

/// What a discount is in a year (隐含年化利率): its share ÷ days × 365, all in parts per million (vector F17).
pub fn implied_apr_ppm(discount_ppm: i32, days: i64) -> Result<i64, Refusal> {
    annual_ppm(i64::from(discount_ppm), i128::from(WHOLE_PPM) * i128::from(days))
}

/// What a cost is of money that was had, by the year of 365 days, in parts per million. `money_days`: each amount times
/// the days that it was had for, added up.
pub fn annual_ppm(cost_minor: i64, money_days: i128) -> Result<i64, Refusal> {
    let year = i128::from(cost_minor) * YEAR * i128::from(WHOLE_PPM);
    half_up(year, money_days)
}

#[cfg(test)]
mod tests {
    use std::str::FromStr;

    use rust_decimal::{Decimal, RoundingStrategy};

    use super::*;
    use crate::{procurement::Fx, values::Currency};

    #[test]
    fn the_interest_of_f1_f2_f3_f4_and_f6() {
        use DayCount::{Act360, Act365};
        for (vector, principal, rate, days, count, expected) in [
            ("F1", 1_000_000, 180_000, 7, Act360, 3_500),
            ("F1", 1_000_000, 240_000, 7, Act360, 4_667),
            ("F1", 1_000_000, 240_000, 14, Act360, 9_333),
            ("F2", 100_000, 60_000, 20, Act360, 333),
            ("F3", 80_000_000, 54_000, 88, Act360, 1_056_000),
            ("F3", 80_000_000, 54_000, 88, Act365, 1_041_534),
            ("F4 grace", 80_000_000, 54_000, 15, Act360, 180_000),
            ("F6", 80_000_000, 54_000, 60, Act360, 720_000),
            ("F6", 30_720_000, 54_000, 28, Act360, 129_024),
            ("F10", 12_345_678, 46_500, 91, Act360, 145_113),
            ("no day", 80_000_000, 54_000, 0, Act360, 0),
            ("half a fen", 100, 18_000, 100, Act360, 1),
            ("less than half", 99, 18_000, 100, Act360, 0),
        ] {
            assert_eq!(interest(principal, rate, days, count), Ok(expected), "{vector}");
        }
        assert_eq!(penalty(80_000_000, 54_000, 1_500_000, 15, Act360), Ok(270_000), "F4 beyond grace");
    }

    #[test]
    fn the_accrual_of_f10_adds_up() {
        let of_day = |n| accrual(12_345_678, 46_500, DayCount::Act360, n - 1, n).unwrap();
        assert_eq!([1, 2, 3].map(of_day), [1_595, 1_594, 1_595]);
        assert_eq!((1..=91).map(of_day).sum::<i64>(), 145_113);
        let alone = interest(12_345_678, 46_500, 1, DayCount::Act360).unwrap();
        assert_eq!(alone * 91, 145_145, "days that are rounded alone are the wrong way");
    }

    #[test]
    fn the_discounts_of_f9() {
        let (face, rate) = (100_000_000, 43_500);
        let straight = straight_discount(face, rate, 90, DayCount::Act360);
        assert_eq!(straight, Ok(Discount { discount_minor: 1_087_500, net_minor: 98_912_500 }));
        let to_yield = yield_discount(face, rate, 90, DayCount::Act360);
        assert_eq!(to_yield, Ok(Discount { discount_minor: 1_075_801, net_minor: 98_924_199 }));
        assert!(straight_discount(face, 1_000_000, 720, DayCount::Act360).is_err(), "more than the face");
    }

    #[test]
    fn the_implied_apr_of_f17() {
        for (discount, days, expected) in
            [(10_000, 30, Some(121_667)), (10_000, 365, Some(10_000)), (0, 30, Some(0)), (10_000, 0, None)]
        {
            assert_eq!(implied_apr_ppm(discount, days).ok(), expected, "{discount} for {days} days");
        }
        let percent = Decimal::new(implied_apr_ppm(10_000, 30).unwrap(), 4);
        let shown = percent.round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero);
        assert_eq!(shown.to_string(), "12.17");
    }

    #[test]
    fn the_exchange_of_f18_is_rounded_once() {
        let rate = Decimal::from_str("7.1021").unwrap();
        let fx = Fx { rate, source: "SAFE".to_owned(), on: "2025-06-16".parse().unwrap() };
        let usd: Currency = "USD".parse().unwrap();
        assert_eq!(fx.base(1_234_567, usd), Some(8_768_018));
    }

    #[test]
    fn what_is_no_amount_is_refused() {
        for (principal, rate, days) in [
            (-1, 54_000, 1),
            (1, -1, 1),
            (1, 1, -1),
            (Money::MAX_MINOR, 1_000_000, 361),
            (Money::MAX_MINOR, i32::MAX, i64::MAX),
        ] {
            let refused = interest(principal, rate, days, DayCount::Act360).unwrap_err();
            assert_eq!(refused.code, ErrorCode::OutOfRange, "{principal} {rate} {days}");
        }
        for (numerator, denominator, expected) in
            [(5, 10, Some(1)), (4, 10, Some(0)), (-5, 10, Some(-1)), (-4, 10, Some(0)), (1, 0, None), (1, -2, None)]
        {
            assert_eq!(half_up(numerator, denominator).ok(), expected, "{numerator} / {denominator}");
        }
    }

    proptest::proptest! {
        #[test]
        fn days_that_are_accrued_add_up_to_the_period(
            principal in 0..1_000_000_000_000_i64, rate in 0..500_000_i32, days in 1..400_i64,
        ) {
            for count in [DayCount::Act360, DayCount::Act365] {
                let each = (1..=days).map(|n| accrual(principal, rate, count, n - 1, n).unwrap());
                proptest::prop_assert_eq!(each.sum::<i64>(), interest(principal, rate, days, count).unwrap());
            }
        }

        #[test]
        fn a_discount_and_its_net_are_the_face(
            face in 0..1_000_000_000_000_i64, rate in 0..500_000_i32, days in 0..400_i64,
        ) {
            let straight = straight_discount(face, rate, days, DayCount::Act360).unwrap();
            let to_yield = yield_discount(face, rate, days, DayCount::Act360).unwrap();
            for one in [straight, to_yield] {
                proptest::prop_assert_eq!(one.discount_minor + one.net_minor, face);
            }
            proptest::prop_assert!(to_yield.discount_minor <= straight.discount_minor);
        }
    }
}
