//! The terms of an offer (交易条件), and the rule that changes them.

use std::collections::BTreeMap;

use super::offer::SupplyMode;
use crate::values::{Currency, ErrorCode, Money, Refusal, Refusals, refusal::Check};

/// Most price rows of one offer, over all currencies.
pub const MAX_PRICES: usize = 60;
/// Largest minimum order and multiple.
const MAX_QUANTITY: i32 = 1_000_000_000;
/// Longest lead time: two years.
const MAX_LEAD_TIME_DAYS: i32 = 730;

/// What a seller promises.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// How the goods reach the buyer.
    pub supply_mode: SupplyMode,
    /// Minimum order quantity.
    pub moq: i32,
    /// Quantities are multiples of this.
    pub multiple: i32,
    /// Days until it ships.
    pub lead_time_days: i32,
    /// Tiers per currency: quantity strictly up from the minimum order, price strictly down.
    pub prices: BTreeMap<Currency, Vec<Tier>>,
}

/// One tier of a price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tier {
    /// From this quantity on.
    pub min_quantity: i32,
    /// Price of one unit in minor units, above 0.
    pub amount_minor: i64,
}

/// A change of terms as it is typed: absent means unchanged.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the same fields as in `Terms`")]
pub struct TermsPatch {
    pub supply_mode: Option<SupplyMode>,
    pub moq: Option<i32>,
    pub multiple: Option<i32>,
    pub lead_time_days: Option<i32>,
    /// All prices; replaces the present ones.
    pub prices: Option<Vec<PriceText>>,
}

/// One price as it is typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PriceText {
    /// ISO 4217 code.
    pub currency: String,
    /// Decimal amount.
    pub amount: String,
    /// From this quantity on; none means from the minimum order.
    pub min_quantity: Option<i32>,
}

impl Terms {
    /// Lays `patch` over `base` (none: a new offer, with minimum order 1, multiple 1, shipped from stock).
    pub fn patched(base: Option<&Self>, patch: &TermsPatch) -> Result<Self, Refusals> {
        let mut check = Check::default();
        let supply_mode = patch.supply_mode.or(base.map(|b| b.supply_mode));
        let supply_mode = check.take("supplyMode", supply_mode.ok_or_else(|| Refusal::new(ErrorCode::Required)));
        let multiple = patch.multiple.or(base.map(|b| b.multiple)).unwrap_or(1);
        let moq = patch.moq.or(base.map(|b| b.moq)).unwrap_or(multiple.max(1));
        let lead_time_days = patch.lead_time_days.or(base.map(|b| b.lead_time_days)).unwrap_or(0);
        in_range(&mut check, "multiple", multiple, 1, MAX_QUANTITY);
        in_range(&mut check, "moq", moq, 1, MAX_QUANTITY);
        in_range(&mut check, "leadTimeDays", lead_time_days, 0, MAX_LEAD_TIME_DAYS);
        check.demand(multiple < 1 || moq % multiple == 0, "moq", || {
            Refusal::new(ErrorCode::InvalidOrderStep)
                .with("moq", moq.to_string())
                .with("multiple", multiple.to_string())
        });

        let mut prices = match &patch.prices {
            Some(texts) => read_prices(&mut check, texts, moq),
            None => base.map(|b| b.prices.clone()).unwrap_or_default(),
        };
        for (currency, tiers) in &mut prices {
            if patch.prices.is_none()
                && let Some(first) = tiers.first_mut()
            {
                // The first tier follows the minimum order.
                first.min_quantity = moq;
            }
            let steps = tiers
                .windows(2)
                .all(|w| w[0].min_quantity < w[1].min_quantity && w[0].amount_minor > w[1].amount_minor);
            check.demand(steps && tiers.first().is_some_and(|t| t.min_quantity == moq), "prices", || {
                Refusal::new(ErrorCode::InvalidPriceTiers).with("currency", currency.code())
            });
        }
        check.demand(!prices.is_empty() || patch.prices.as_ref().is_some_and(|p| !p.is_empty()), "prices", || {
            Refusal::new(ErrorCode::Required)
        });
        match supply_mode {
            Some(supply_mode) => check.done(Self { supply_mode, moq, multiple, lead_time_days, prices }),
            None => Err(check.0),
        }
    }
}

impl Terms {
    /// The tier that so many are sold at, in a currency. Refused when they are no order of these terms, or have no price.
    pub fn tier(&self, quantity: i32, currency: Currency) -> Result<Tier, Refusal> {
        if !(self.moq..=MAX_QUANTITY).contains(&quantity) {
            let range = Refusal::new(ErrorCode::OutOfRange).with("min", self.moq.to_string());
            return Err(range.with("max", MAX_QUANTITY.to_string()).at("quantity"));
        }
        if quantity % self.multiple.max(1) != 0 {
            return Err(Refusal::new(ErrorCode::InvalidOrderStep)
                .with("moq", quantity.to_string())
                .with("multiple", self.multiple.to_string())
                .at("quantity"));
        }
        let tiers = self.prices.get(&currency).map(Vec::as_slice).unwrap_or_default();
        let tier = tiers.iter().rev().find(|tier| tier.min_quantity <= quantity);
        tier.copied().ok_or_else(|| Refusal::new(ErrorCode::NotPriced).with("currency", currency.code()))
    }
}

fn in_range(check: &mut Check, field: &str, value: i32, min: i32, max: i32) {
    check.demand((min..=max).contains(&value), field, || {
        Refusal::new(ErrorCode::OutOfRange).with("min", min.to_string()).with("max", max.to_string())
    });
}

fn read_prices(check: &mut Check, texts: &[PriceText], moq: i32) -> BTreeMap<Currency, Vec<Tier>> {
    check.demand(texts.len() <= MAX_PRICES, "prices", || {
        Refusal::new(ErrorCode::TooMany).with("max", MAX_PRICES.to_string())
    });
    let mut prices: BTreeMap<Currency, Vec<Tier>> = BTreeMap::new();
    for (index, text) in texts.iter().take(MAX_PRICES).enumerate() {
        let money = text.currency.parse::<Currency>().map_err(|r| r.at("currency")).and_then(|currency| {
            let money = Money::parse(&text.amount, currency).ok().filter(|m| m.minor > 0);
            money.ok_or_else(|| {
                let value: String = text.amount.chars().take(100).collect();
                Refusal::new(ErrorCode::InvalidAmount)
                    .with("value", value)
                    .with("currency", currency.code())
                    .at("amount")
            })
        });
        if let Some(money) = check.take("prices", money.map_err(|r| r.at(index.to_string()))) {
            let tier = Tier { min_quantity: text.min_quantity.unwrap_or(moq), amount_minor: money.minor };
            prices.entry(money.currency).or_default().push(tier);
        }
    }
    prices
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patch(moq: i32, multiple: i32, prices: &[(&str, &str, Option<i32>)]) -> TermsPatch {
        let price = |&(currency, amount, min_quantity): &(&str, &str, Option<i32>)| PriceText {
            currency: currency.into(),
            amount: amount.into(),
            min_quantity,
        };
        TermsPatch {
            supply_mode: Some(SupplyMode::ExportB2b),
            moq: Some(moq),
            multiple: Some(multiple),
            lead_time_days: Some(15),
            prices: Some(prices.iter().map(price).collect()),
        }
    }

    #[test]
    fn tiers_rise_in_quantity_and_fall_in_price() {
        use ErrorCode::{InvalidAmount, InvalidCurrency, InvalidOrderStep, InvalidPriceTiers, OutOfRange, Required};
        for (moq, multiple, prices, refused) in [
            (10, 5, &[("USD", "9.50", None), ("USD", "9.00", Some(50))][..], None),
            (10, 5, &[("USD", "9.50", Some(10)), ("USD", "9.00", Some(50)), ("CNY", "68", None)], None),
            (10, 5, &[("USD", "9.50", None), ("USD", "9.50", Some(50))], Some(InvalidPriceTiers)),
            (10, 5, &[("USD", "9.50", None), ("USD", "9.00", Some(10))], Some(InvalidPriceTiers)),
            (10, 5, &[("USD", "9.00", Some(50)), ("USD", "9.50", None)], Some(InvalidPriceTiers)),
            (10, 5, &[("USD", "9.50", Some(20))], Some(InvalidPriceTiers)),
            (12, 5, &[("USD", "9.50", None)], Some(InvalidOrderStep)),
            (0, 1, &[("USD", "9.50", None)], Some(OutOfRange)),
            (1, 0, &[("USD", "9.50", None)], Some(OutOfRange)),
            (1, 1, &[], Some(Required)),
            (1, 1, &[("USD", "0", None)], Some(InvalidAmount)),
            (1, 1, &[("JPY", "1.5", None)], Some(InvalidAmount)),
            (1, 1, &[("ABC", "1", None)], Some(InvalidCurrency)),
        ] {
            let result = Terms::patched(None, &patch(moq, multiple, prices));
            assert_eq!(result.as_ref().err().map(|r| r[0].code), refused, "{moq}/{multiple} {prices:?}: {result:?}");
        }
    }

    #[test]
    fn a_quantity_is_sold_at_its_tier() {
        use ErrorCode::{InvalidOrderStep, NotPriced, OutOfRange};
        let prices = [("USD", "9.50", None), ("USD", "9.00", Some(50)), ("USD", "8.00", Some(100))];
        let terms = Terms::patched(None, &patch(10, 5, &prices)).unwrap();
        for (quantity, currency, expected) in [
            (10, "USD", Ok(950)),
            (45, "USD", Ok(950)),
            (50, "USD", Ok(900)),
            (500, "USD", Ok(800)),
            (5, "USD", Err(OutOfRange)),
            (0, "USD", Err(OutOfRange)),
            (-10, "USD", Err(OutOfRange)),
            (12, "USD", Err(InvalidOrderStep)),
            (10, "CNY", Err(NotPriced)),
        ] {
            let found = terms.tier(quantity, currency.parse().unwrap());
            assert_eq!(found.map(|t| t.amount_minor).map_err(|r| r.code), expected, "{quantity} in {currency}");
        }
    }

    #[test]
    fn the_first_tier_follows_a_new_minimum_order() {
        let terms = Terms::patched(None, &patch(10, 5, &[("USD", "9.50", None), ("USD", "9.00", Some(50))])).unwrap();
        let raised = Terms::patched(Some(&terms), &TermsPatch { moq: Some(20), ..TermsPatch::default() }).unwrap();
        assert_eq!(raised.prices.values().next().unwrap()[0].min_quantity, 20);
        let too_high = Terms::patched(Some(&terms), &TermsPatch { moq: Some(50), ..TermsPatch::default() });
        assert_eq!(too_high.unwrap_err()[0].code, ErrorCode::InvalidPriceTiers);
    }
}
