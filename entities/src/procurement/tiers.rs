//! Price tiers of a quotation or an agreement (阶梯价): from so many on, one costs so much.
//!
//! - the first tier begins at the minimum order or below it, quantities rise, prices do not;
//! - [`TierMode::Volume`]: all pieces cost what the tier of the whole quantity says. [`TierMode::Graduated`]: each
//!   piece costs what the tier that it falls into says;
//! - an amount is exact until it is rounded, and that is once. An order has one price for all pieces of a line: of
//!   graduated prices it is the amount shared out ([`effective`]), which beyond ten thousand pieces may differ from
//!   what was quoted by the last digits.

use rust_decimal::Decimal;
use sea_orm::{FromJsonQueryResult, entity::prelude::*};
use serde::{Deserialize, Serialize};

use super::{
    terms::MOST,
    unit_price::{DIGITS, UnitPrice, minor},
};
use crate::values::{Currency, ErrorCode, Refusal};

/// Most tiers of one price.
pub const MOST_TIERS: usize = 20;

/// How tiers are meant (阶梯计价方式).
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum, Serialize, Deserialize, async_graphql::Enum,
)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(24))", rename_all = "snake_case")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum TierMode {
    /// All pieces cost what the tier of the whole quantity says (全额按档).
    Volume,
    /// Each piece costs what the tier that it falls into says (分段累进). An order has one price for all of them: the
    /// amount shared out over the pieces, to six digits. Up to 10,000 pieces it comes to what was quoted; of more it
    /// may differ by a few of the last digits.
    Graduated,
}

/// From so many on, one costs so much (一档价格).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tier {
    /// From this quantity on.
    pub from: i64,
    /// The price of one.
    pub price: UnitPrice,
}

/// All tiers of one price, least quantity first (阶梯价表).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
#[serde(transparent)]
pub struct Tiers(pub Vec<Tier>);

/// Whether tiers hold together, and with the quantities that are sold. Whoever shows the refusal says in which
/// currency.
pub fn checked(tiers: &[Tier], moq: i64, multiple: i64) -> Result<(), Refusal> {
    for (field, value) in [("moq", moq), ("multiple", multiple)] {
        if !(1..=MOST).contains(&value) {
            let refusal = Refusal::new(ErrorCode::OutOfRange).with("min", "1").with("max", MOST.to_string());
            return Err(refusal.at(field));
        }
    }
    if tiers.len() > MOST_TIERS {
        return Err(Refusal::new(ErrorCode::TooMany).with("max", MOST_TIERS.to_string()));
    }
    let first = tiers.first().is_some_and(|tier| (1..=moq).contains(&tier.from) && tier.price.0 > 0);
    let steps = tiers.windows(2).all(|pair| {
        let [before, after] = pair else { return false };
        before.from < after.from && before.price >= after.price && after.price.0 > 0
    });
    let last = tiers.last().is_some_and(|tier| tier.from <= MOST);
    if first && steps && last { Ok(()) } else { Err(Refusal::new(ErrorCode::InvalidPriceTiers).with("currency", "")) }
}

/// The price of the tier that a quantity reaches; none below the first one.
pub fn unit(tiers: &[Tier], quantity: i64) -> Option<UnitPrice> {
    let reached = tiers.partition_point(|tier| tier.from <= quantity);
    Some(tiers.get(reached.checked_sub(1)?)?.price)
}

/// What so many cost, in minor units, half up; none below the first tier, or beyond what money can be.
pub fn amount(tiers: &[Tier], mode: TierMode, quantity: i64, currency: Currency) -> Option<i64> {
    match mode {
        TierMode::Volume => unit(tiers, quantity)?.amount(quantity, currency),
        TierMode::Graduated => {
            unit(tiers, quantity)?;
            minor(Decimal::try_from_i128_with_scale(graduated(tiers, quantity), DIGITS).ok()?, currency)
        }
    }
}

/// What so many cost piece by piece, in millionths. What lies below the first tier costs as much as the first tier
/// says.
fn graduated(tiers: &[Tier], quantity: i64) -> i128 {
    let (mut priced, mut sum) = (0_i64, 0_i128);
    for (n, tier) in tiers.iter().enumerate() {
        let end = tiers.get(n + 1).map_or(quantity, |next| next.from.saturating_sub(1).min(quantity));
        sum += i128::from(end.saturating_sub(priced).max(0)) * i128::from(tier.price.0);
        priced = priced.max(end);
    }
    sum
}

/// What one of so many costs: what an order of them is priced by. Of tiers that pieces fall into it is the amount
/// shared out over the pieces, so that up to ten thousand pieces the order comes to the amount that was quoted. Of more
/// pieces the sixth digit of the price is too coarse: the order comes to that amount within half a millionth a piece.
pub fn effective(tiers: &[Tier], mode: TierMode, quantity: i64, currency: Currency) -> Option<UnitPrice> {
    match mode {
        TierMode::Volume => unit(tiers, quantity),
        TierMode::Graduated => {
            let paid = Decimal::new(amount(tiers, mode, quantity, currency)?, currency.digits());
            // A price is never nothing, also where an amount is.
            Some(UnitPrice::of(paid.checked_div(Decimal::from(quantity))?).unwrap_or(UnitPrice(1)))
        }
    }
}

/// Whether a quantity is sold; if not, why, and the least quantity above it that is.
pub fn fit(quantity: i64, moq: i64, multiple: i64) -> Result<(), (Refusal, i64)> {
    let multiple = multiple.max(1);
    if quantity >= moq && quantity % multiple == 0 {
        return Ok(());
    }
    let suggested = quantity.max(moq).saturating_add(multiple - 1) / multiple * multiple;
    let refusal = if quantity < moq {
        Refusal::new(ErrorCode::BelowMinimumOrder).with("min", moq.to_string())
    } else {
        Refusal::new(ErrorCode::NotAMultiple).with("multiple", multiple.to_string())
    };
    Err((refusal.with("suggested", suggested.to_string()), suggested))
}

/// More of it that is sold and costs less in all: how many, and what they cost. Only where all pieces cost what the
/// tier of the whole quantity says. `sold`: the least that is sold, and of what quantities are whole multiples.
pub fn hint(tiers: &[Tier], mode: TierMode, quantity: i64, sold: (i64, i64), currency: Currency) -> Option<(i64, i64)> {
    let above = tiers.get(tiers.partition_point(|tier| tier.from <= quantity)..)?;
    if mode == TierMode::Graduated || above.is_empty() {
        return None;
    }
    let costs = amount(tiers, mode, quantity, currency)?;
    let (moq, multiple) = sold;
    let more = above.iter().filter_map(|tier| {
        let more = fit(tier.from, moq, multiple).map_or_else(|(_, suggested)| suggested, |()| tier.from);
        // Whole multiples may lie in a tier further up.
        (more <= MOST).then_some(())?;
        Some((more, amount(tiers, mode, more, currency)?))
    });
    more.filter(|(_, amount)| *amount < costs).min_by_key(|(_, amount)| *amount)
}

#[cfg(test)]
mod tests {
    use sea_orm::Iterable;

    use super::*;

    fn tiers(of: &[(i64, &str)]) -> Vec<Tier> {
        let tier = |&(from, price): &(i64, &str)| Tier { from, price: UnitPrice::parse(price, Currency::CNY).unwrap() };
        of.iter().map(tier).collect()
    }

    fn of_b5() -> Vec<Tier> {
        tiers(&[(1, "12.00"), (100, "11.20"), (500, "10.50")])
    }

    #[test]
    fn tiers_of_b5() {
        use TierMode::{Graduated, Volume};
        let tiers = of_b5();
        for (mode, quantity, minor, hinted) in [
            (Volume, 100, 112_000, None),
            (Volume, 99, 118_800, Some((100, 112_000))),
            (Volume, 93, 111_600, None),
            (Volume, 94, 112_800, Some((100, 112_000))),
            (Volume, 499, 558_880, Some((500, 525_000))),
            (Volume, 500, 525_000, None),
            (Graduated, 99, 118_800, None),
            (Graduated, 100, 119_920, None),
            (Graduated, 600, 672_850, None),
        ] {
            assert_eq!(amount(&tiers, mode, quantity, Currency::CNY), Some(minor), "{mode:?} {quantity}");
            assert_eq!(hint(&tiers, mode, quantity, (1, 1), Currency::CNY), hinted, "{mode:?} {quantity}");
        }
    }

    #[test]
    fn more_that_is_suggested_can_be_bought() {
        let packed = tiers(&[(40, "12.00"), (90, "9.00")]);
        let climbs = tiers(&[(1, "12.00"), (45, "10.00"), (60, "7.00")]);
        for (tiers, quantity, sold, hinted) in [
            (&packed, 80, (40, 20), Some((100, 90_000))),
            (&packed, 40, (40, 20), None),
            (&packed, 80, (40, 40), None),
            (&climbs, 40, (20, 20), Some((60, 42_000))),
            (&climbs, 44, (1, 1), Some((60, 42_000))),
            (&climbs, 59, (1, 1), Some((60, 42_000))),
        ] {
            let found = hint(tiers, TierMode::Volume, quantity, sold, Currency::CNY);
            assert_eq!(found, hinted, "{quantity} of what is sold by {sold:?}");
        }
        let last = tiers(&[(1, "12.00"), (999_999_999, "0.000001")]);
        let found = hint(&last, TierMode::Volume, 999_999_000, (7, 7), Currency::CNY);
        assert_eq!(found, None, "nobody orders more than a thousand million");
    }

    #[test]
    fn quantities_fit_or_are_suggested() {
        for (quantity, moq, multiple, expected) in [
            (37, 50, 10, Some((ErrorCode::BelowMinimumOrder, "min", "50", 50))),
            (103, 50, 10, Some((ErrorCode::NotAMultiple, "multiple", "10", 110))),
            (50, 50, 10, None),
            (110, 50, 10, None),
            (1, 1, 1, None),
            (3, 7, 5, Some((ErrorCode::BelowMinimumOrder, "min", "7", 10))),
            (0, 1, 1, Some((ErrorCode::BelowMinimumOrder, "min", "1", 1))),
        ] {
            let found = fit(quantity, moq, multiple).err();
            let told = found.as_ref().map(|(refusal, suggested)| (refusal.code, *suggested));
            assert_eq!(told, expected.map(|(code, _, _, suggested)| (code, suggested)), "{quantity}");
            if let (Some((refusal, _)), Some((_, key, value, _))) = (found, expected) {
                assert_eq!(refusal.details.get(key).map(String::as_str), Some(value), "{quantity}");
            }
        }
    }

    #[test]
    fn a_price_is_that_of_the_tier_that_is_reached() {
        let tiers = tiers(&[(50, "12.00"), (100, "11.20")]);
        for (quantity, expected) in [(0, None), (49, None), (50, Some("12")), (99, Some("12")), (100, Some("11.2"))] {
            let found = unit(&tiers, quantity).map(|price| price.decimal().to_string());
            assert_eq!(found.as_deref(), expected, "{quantity}");
        }
        assert_eq!(amount(&tiers, TierMode::Graduated, 49, Currency::CNY), None, "below the first tier");
        assert_eq!(amount(&tiers, TierMode::Graduated, 101, Currency::CNY), Some(121_040), "99 at 12.00, 2 at 11.20");
        assert_eq!(unit(&[], 1), None);
    }

    #[test]
    fn an_order_of_a_quantity_comes_to_what_was_quoted() {
        let thirds = tiers(&[(1, "3.335"), (7, "3.111111"), (1_000, "2.987654")]);
        for tiers in [of_b5(), thirds] {
            for mode in TierMode::iter() {
                for quantity in [1, 3, 6, 7, 99, 100, 101, 499, 999, 1_000, 1_003, 9_999] {
                    let price = effective(&tiers, mode, quantity, Currency::CNY).unwrap();
                    let quoted = amount(&tiers, mode, quantity, Currency::CNY);
                    assert_eq!(price.amount(quantity, Currency::CNY), quoted, "{mode:?} {quantity}");
                }
            }
        }
        let price = effective(&of_b5(), TierMode::Graduated, 100, Currency::CNY);
        assert_eq!(price, Some(UnitPrice(11_992_000)));
        let small = tiers(&[(1, "0.000001")]);
        let least = effective(&small, TierMode::Graduated, 1, Currency::CNY);
        assert_eq!(least, Some(UnitPrice(1)), "a price is never nothing");
    }

    #[test]
    fn tiers_rise_in_quantity_and_do_not_rise_in_price() {
        use ErrorCode::{InvalidPriceTiers, OutOfRange, TooMany};
        for (of, moq, multiple, expected) in [
            (&[(1, "12.00"), (100, "11.20"), (500, "10.50")][..], 50, 10, None),
            (&[(1, "12.00"), (100, "12.00")][..], 1, 1, None),
            (&[(50, "12.00")][..], 50, 1, None),
            (&[(51, "12.00")][..], 50, 1, Some(InvalidPriceTiers)),
            (&[(0, "12.00")][..], 1, 1, Some(InvalidPriceTiers)),
            (&[][..], 1, 1, Some(InvalidPriceTiers)),
            (&[(1, "12.00"), (1, "11.00")][..], 1, 1, Some(InvalidPriceTiers)),
            (&[(1, "12.00"), (100, "12.01")][..], 1, 1, Some(InvalidPriceTiers)),
            (&[(1, "12.00"), (1_000_000_001, "11.00")][..], 1, 1, Some(InvalidPriceTiers)),
            (&[(1, "12.00")][..], 0, 1, Some(OutOfRange)),
            (&[(1, "12.00")][..], 1, 0, Some(OutOfRange)),
            (&[(1, "12.00")][..], 1_000_000_001, 1, Some(OutOfRange)),
        ] {
            let found = checked(&tiers(of), moq, multiple).err().map(|refusal| refusal.code);
            assert_eq!(found, expected, "{of:?} from {moq} by {multiple}");
        }
        let many: Vec<Tier> = (1..=21).map(|from| Tier { from, price: UnitPrice(1_000_000) }).collect();
        assert_eq!(checked(&many, 1, 1).unwrap_err().code, TooMany);
    }
}
