//! Amounts as Stripe counts them.
//!
//! Mostly the minor units of ISO 4217, with exceptions that Stripe lists under "zero-decimal currencies" and "special
//! cases": the ariary has no minor unit there, krona and shilling are still counted in hundredths that must be whole,
//! and of three digits behind the point the last one must be nothing.

use std::str::FromStr;

use entities::values::{Currency, Money};

/// Digits behind the point that Stripe counts in.
fn digits(currency: Currency) -> u32 {
    match currency.code() {
        "MGA" => 0,
        "ISK" | "UGX" => 2,
        _ => currency.digits(),
    }
}

/// An amount that can be paid through Stripe, with its currency as Stripe writes it. None when Stripe does not know the
/// currency, or cannot count the amount.
pub(super) fn to_stripe(money: Money) -> Option<(i64, stripe_types::Currency)> {
    let written = money.currency.code().to_ascii_lowercase();
    let currency = stripe_types::Currency::from_str(&written).ok()?;
    if matches!(currency, stripe_types::Currency::Unknown(_)) {
        return None;
    }
    let amount = scaled(money.minor, money.currency.digits(), digits(money.currency))?;
    (amount > 0 && (digits(money.currency) < 3 || amount % 10 == 0)).then_some((amount, currency))
}

/// An amount of Stripe in our minor units.
pub(super) fn from_stripe(amount: i64, currency: &str) -> Option<Money> {
    let currency: Currency = currency.to_ascii_uppercase().parse().ok()?;
    Some(Money { minor: scaled(amount, digits(currency), currency.digits())?, currency })
}

/// The same amount with other digits behind the point; none when it does not fit.
fn scaled(amount: i64, from: u32, to: u32) -> Option<i64> {
    let factor = 10_i64.checked_pow(from.abs_diff(to))?;
    if to >= from {
        return amount.checked_mul(factor);
    }
    (amount % factor == 0).then_some(amount / factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn money(minor: i64, code: &str) -> Money {
        Money { minor, currency: code.parse().unwrap() }
    }

    #[test]
    fn amounts_are_counted_as_stripe_counts_them() {
        for (minor, code, expected) in [
            (19_900, "CNY", Some(19_900)),
            (1, "USD", Some(1)),
            (1_200, "JPY", Some(1_200)),
            (1_200, "KRW", Some(1_200)),
            (1_200, "VND", Some(1_200)),
            // Two digits by ISO 4217, none at Stripe.
            (50_000, "MGA", Some(500)),
            (50_001, "MGA", None),
            // None by ISO 4217, two at Stripe.
            (500, "ISK", Some(50_000)),
            (500, "UGX", Some(50_000)),
            (i64::MAX, "ISK", None),
            // The crate's list has no currency of three digits.
            (1_230, "KWD", None),
            // Digits that only money for the payout to the bank is without.
            (12_345, "HUF", Some(12_345)),
            (12_345, "TWD", Some(12_345)),
            (0, "CNY", None),
            (-1, "CNY", None),
            // Stripe does not know the dinar of Libya.
            (1_000, "LYD", None),
        ] {
            let asked = to_stripe(money(minor, code));
            assert_eq!(asked.as_ref().map(|(amount, _)| *amount), expected, "{minor} {code}");
            if let Some((amount, currency)) = asked {
                assert_eq!(from_stripe(amount, &currency.to_string()), Some(money(minor, code)), "{minor} {code}");
            }
        }
    }

    #[test]
    fn currencies_without_minor_units_are_those_that_stripe_lists() {
        for code in "BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF".split(' ') {
            assert_eq!(digits(code.parse().unwrap()), 0, "{code}");
        }
        for code in "BHD JOD KWD OMR TND".split(' ') {
            assert_eq!(digits(code.parse().unwrap()), 3, "{code}");
        }
    }

    #[test]
    fn what_is_no_amount_of_ours_is_none() {
        assert_eq!(from_stripe(50_050, "isk"), None);
        assert_eq!(from_stripe(100, "xau"), None);
        assert_eq!(from_stripe(100, "a currency"), None);
        assert_eq!(from_stripe(i64::MAX, "mga"), None);
        assert_eq!(from_stripe(100, "usd"), Some(money(100, "USD")));
    }
}
