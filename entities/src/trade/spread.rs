//! Spreading an amount over the lines of an order (分摊), so that the shares are its sum to the fen.
//!
//! Two rules, because they promise different things: carriage follows the rule that customs declarations use, and a
//! discount must leave no line below zero.

use std::cmp::Reverse;

use super::{at_most, below_one_fen, in_range, out_of_range, sum};
use crate::values::{Money, Refusal};

/// Spreads freight and insurance over lines by their value: each share half up, the rest to the last line that has a
/// value. Shares that are rounded up can use the amount up before that line, so none takes more than is left.
pub fn by_value(total_minor: i64, values: &[i64]) -> Result<Vec<i64>, Refusal> {
    let all = checked_values(total_minor, values)?;
    let last = values.iter().rposition(|value| *value > 0);
    let mut left = total_minor;
    let shares = values.iter().enumerate().map(|(index, value)| -> Result<i64, Refusal> {
        let share = if Some(index) == last {
            left
        } else if all == 0 {
            0
        } else {
            let twice = i128::from(total_minor) * i128::from(*value) * 2;
            i64::try_from((twice + all) / (all * 2)).map_err(|_| out_of_range())?.min(left)
        };
        left -= share;
        Ok(share)
    });
    shares.collect()
}

/// Spreads a discount over lines by their value: each gets its share rounded down, and what is left over goes fen by
/// fen to the largest remainders, the first of equal ones. So no line is discounted by more than it was sold for.
pub fn largest_remainder(total_minor: i64, values: &[i64]) -> Result<Vec<i64>, Refusal> {
    let all = checked_values(total_minor, values)?.max(1);
    let exact = values.iter().map(|value| i128::from(total_minor) * i128::from(*value));
    let (mut shares, mut remainders) = (Vec::with_capacity(values.len()), Vec::with_capacity(values.len()));
    for (index, product) in exact.enumerate() {
        shares.push(i64::try_from(product / all).map_err(|_| out_of_range())?);
        remainders.push((Reverse(product % all), index));
    }
    remainders.sort_unstable();
    let left = total_minor - sum(shares.iter().copied())?;
    let fortunate = usize::try_from(left).map_err(|_| out_of_range())?;
    for (_, index) in remainders.into_iter().take(fortunate) {
        if let Some(share) = shares.get_mut(index) {
            *share += 1;
        }
    }
    Ok(shares)
}

/// The sum of the values, when there is one to spread over and nothing is below zero.
fn checked_values(total_minor: i64, values: &[i64]) -> Result<i128, Refusal> {
    let spread = at_most(total_minor, 2 * Money::MAX_MINOR)?;
    let values = values.iter().map(|value| in_range(*value).map(i128::from)).sum::<Result<i128, _>>()?;
    if spread > 0 && values == 0 { Err(below_one_fen()) } else { Ok(values) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_spread_to_the_last_fen() {
        for (total, values, shares) in [
            (1_000, &[10_000, 5_000, 3_333][..], Some(&[545, 273, 182][..])),
            (1, &[1, 1, 1], Some(&[0, 0, 1])),
            (2, &[1, 1, 1, 1], Some(&[1, 1, 0, 0])),
            (5, &[3, 2, 0], Some(&[3, 2, 0])),
            (0, &[0, 0], Some(&[0, 0])),
            (7, &[0, 0], None),
            (-1, &[1], None),
            (1, &[2, -1], None),
        ] {
            assert_eq!(by_value(total, values).ok().as_deref(), shares, "{total} over {values:?}");
        }
        assert_eq!(largest_remainder(2, &[1, 1, 1]).unwrap(), [1, 1, 0]);
        assert_eq!(largest_remainder(1_000, &[10_000, 5_000, 3_333]).unwrap(), [545, 273, 182]);
        assert_eq!(largest_remainder(49, &[1; 100]).unwrap().into_iter().max(), Some(1));
    }

    proptest::proptest! {
        #[test]
        fn spread_amounts_sum_exactly(
            values in proptest::collection::vec(0..10_000_i64, 1..20),
            total in 0..50_000_i64,
        ) {
            let all: i64 = values.iter().sum();
            proptest::prop_assume!(all > 0);
            let shares = by_value(total, &values).unwrap();
            proptest::prop_assert_eq!(shares.iter().sum::<i64>(), total);
            proptest::prop_assert!(shares.iter().zip(&values).all(|(s, v)| *s >= 0 && (*v > 0 || *s == 0)));
            let shares = largest_remainder(total.min(all), &values).unwrap();
            proptest::prop_assert_eq!(shares.iter().sum::<i64>(), total.min(all));
            proptest::prop_assert!(shares.iter().zip(&values).all(|(s, v)| (0..=*v).contains(s)));
        }
    }
}
