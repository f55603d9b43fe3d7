//! Figures of procurement (采购分析): what was spent, and how long suppliers take. Sums are made by the database; here is
//! what they come to.

use rust_decimal::{Decimal, RoundingStrategy};

/// By what spending is added up (支出维度).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, async_graphql::Enum)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum SpendDimension {
    /// By supplier (按供应商).
    Supplier,
    /// By category (按类目).
    Category,
    /// By the month of the invoice (按月).
    Month,
}

/// How many days something took, over several times (天数统计).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Days {
    /// How often.
    pub count: usize,
    /// On average, at one digit.
    pub average: Decimal,
    /// Half of them took no longer, at one digit.
    pub median: Decimal,
    /// The longest.
    pub max: i64,
}

/// What days come to; none of none: that is not nothing.
pub fn days(of: &[i64]) -> Option<Days> {
    let mut sorted = of.to_vec();
    sorted.sort_unstable();
    let count = sorted.len();
    let (max, high) = (*sorted.last()?, *sorted.get(count / 2)?);
    let low = if count.is_multiple_of(2) { *sorted.get(count / 2 - 1)? } else { high };
    let one_digit = |value: Decimal| value.round_dp_with_strategy(1, RoundingStrategy::MidpointAwayFromZero);
    let sum: Decimal = sorted.iter().copied().map(Decimal::from).sum();
    let average = one_digit(sum.checked_div(Decimal::from(count))?);
    let median = one_digit((Decimal::from(low) + Decimal::from(high)) / Decimal::TWO);
    Some(Days { count, average, median, max })
}

/// What of a whole a part is, in parts per million, half up; nothing of nothing.
pub fn share_ppm(part: i64, whole: i64) -> i32 {
    if whole <= 0 || part <= 0 {
        return 0;
    }
    let ppm = (2 * i128::from(part) * 1_000_000 + i128::from(whole)) / (2 * i128::from(whole));
    i32::try_from(ppm).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_have_an_average_a_middle_and_a_longest() {
        for (of, expected) in [
            (&[][..], None),
            (&[7], Some(("7.0", "7.0", 7))),
            (&[20, 3], Some(("11.5", "11.5", 20))),
            (&[30, 7, 12], Some(("16.3", "12.0", 30))),
            (&[1, 1, 2, 9], Some(("3.3", "1.5", 9))),
            (&[0], Some(("0.0", "0.0", 0))),
        ] {
            let found = days(of).map(|days| (format!("{:.1}", days.average), format!("{:.1}", days.median), days.max));
            let expected = expected.map(|(average, median, max)| (average.to_owned(), median.to_owned(), max));
            assert_eq!(found, expected, "{of:?}");
        }
    }

    #[test]
    fn a_share_is_rounded_half_up_and_is_nothing_of_nothing() {
        for (part, whole, expected) in
            [(1, 3, 333_333), (2, 3, 666_667), (1, 1, 1_000_000), (0, 5, 0), (5, 0, 0), (1, 2_000_000, 1)]
        {
            assert_eq!(share_ppm(part, whole), expected, "{part} of {whole}");
        }
    }
}
