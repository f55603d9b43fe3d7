//! Commission (佣金): an ordered list of rules, of which the first that matches a sale is the one.

use crate::Relation;
use chrono::NaiveDate;
use rust_decimal::{Decimal, RoundingStrategy};
use sea_orm::entity::prelude::*;

use crate::{
    catalog::offer::SupplyMode,
    values::{
        Currency, Money,
        id::{CommissionRuleId, OrganisationId},
    },
};

/// A whole, in parts per million.
pub const WHOLE_PPM: i32 = 1_000_000;

/// A row of `commission_rule`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, serde::Serialize, serde::Deserialize)]
#[sea_orm(table_name = "commission_rule")]
pub struct Model {
    /// Identifier.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: CommissionRuleId,
    /// The version of the list that it is in; unique with the position.
    pub list_version: i32,
    /// Place in the list, from 0.
    pub position: i32,
    /// Only of this seller.
    pub seller_id: Option<OrganisationId>,
    /// Only of goods in this category or below it, by its path.
    pub category_path: Option<String>,
    /// Only of goods that reach the buyer this way.
    pub supply_mode: Option<SupplyMode>,
    /// How much of the goods' price, in parts per million.
    pub ppm: i32,
    /// And this much for each order, in minor units.
    pub fixed_minor: i64,
    /// The currency of the fixed part, and the only one that the rule is for.
    pub currency: Option<Currency>,
    /// The first day on which it holds.
    pub valid_from: Option<NaiveDate>,
    /// The first day on which it holds no more.
    pub valid_to: Option<NaiveDate>,
}

impl ActiveModelBehavior for ActiveModel {}

/// A sale that commission is taken of.
#[derive(Clone, Copy, Debug)]
pub struct Sale<'a> {
    /// Whose goods.
    pub seller: OrganisationId,
    /// The path of their category: `wine-beverages/wine/`.
    pub category_path: &'a str,
    /// How they reach the buyer.
    pub supply_mode: SupplyMode,
    /// The business day.
    pub on: NaiveDate,
    /// What they cost, without tax.
    pub goods: Money,
}

/// What is taken of a sale, and by which rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    /// By which rule; none: no rule matches, and nothing is taken.
    pub rule: Option<CommissionRuleId>,
    /// How much, in minor units of the goods' currency.
    pub minor: i64,
}

impl Model {
    /// Whether it is for a sale.
    pub fn matches(&self, sale: &Sale<'_>) -> bool {
        self.seller_id.is_none_or(|seller| seller == sale.seller)
            // Paths are closed by a slash, so `wine/` is no beginning of `wine-glasses/`.
            && self.category_path.as_deref().is_none_or(|path| sale.category_path.starts_with(path))
            && self.supply_mode.is_none_or(|mode| mode == sale.supply_mode)
            && self.currency.is_none_or(|currency| currency == sale.goods.currency)
            && self.valid_from.is_none_or(|from| from <= sale.on)
            && self.valid_to.is_none_or(|to| sale.on < to)
    }

    /// What it takes of a sale: rounded once, half up, and never more than the goods cost.
    fn takes(&self, goods: Money) -> i64 {
        let part = Decimal::from(goods.minor) * Decimal::from(self.ppm) / Decimal::from(WHOLE_PPM);
        let part = part.round_dp_with_strategy(0, RoundingStrategy::MidpointAwayFromZero);
        i64::try_from(part).unwrap_or(goods.minor).saturating_add(self.fixed_minor).clamp(0, goods.minor.max(0))
    }
}

/// What is taken of a sale by the first rule of the list that matches. The list is in the order of its positions.
pub fn of_sale(rules: &[Model], sale: &Sale<'_>) -> Taken {
    match rules.iter().find(|rule| rule.matches(sale)) {
        Some(rule) => Taken { rule: Some(rule.id), minor: rule.takes(sale.goods) },
        None => Taken { rule: None, minor: 0 },
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn seller(n: u128) -> OrganisationId {
        OrganisationId(uuid::Uuid::from_u128(n))
    }

    fn rule(n: u128, ppm: i32) -> Model {
        Model {
            id: CommissionRuleId(uuid::Uuid::from_u128(n)),
            list_version: 1,
            position: i32::try_from(n).unwrap(),
            seller_id: None,
            category_path: None,
            supply_mode: None,
            ppm,
            fixed_minor: 0,
            currency: None,
            valid_from: None,
            valid_to: None,
        }
    }

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn the_first_rule_that_matches_is_the_one() {
        let rules = [
            Model { seller_id: Some(seller(1)), category_path: Some("wine/".into()), ..rule(0, 10_000) },
            Model { category_path: Some("wine/".into()), ..rule(1, 80_000) },
            Model { supply_mode: Some(SupplyMode::ExportB2b), ..rule(2, 0) },
            Model { valid_from: Some(day("2026-03-01")), valid_to: Some(day("2026-04-01")), ..rule(3, 1_000) },
            Model { fixed_minor: 30, currency: Some(Currency::CNY), ..rule(4, 50_000) },
            rule(5, 60_000),
        ];
        let usd: Currency = "USD".parse().unwrap();
        for (n, path, mode, on, minor, currency, expected) in [
            (1, "wine/red/", SupplyMode::Domestic, "2026-02-01", 10_000, Currency::CNY, (Some(0), 100)),
            (2, "wine/", SupplyMode::Domestic, "2026-02-01", 10_000, Currency::CNY, (Some(1), 800)),
            (2, "wine-glasses/", SupplyMode::ExportB2b, "2026-02-01", 10_000, Currency::CNY, (Some(2), 0)),
            (2, "tea/", SupplyMode::Domestic, "2026-03-31", 10_000, Currency::CNY, (Some(3), 10)),
            (2, "tea/", SupplyMode::Domestic, "2026-04-01", 10_000, Currency::CNY, (Some(4), 530)),
            (2, "tea/", SupplyMode::Domestic, "2026-04-01", 10_000, usd, (Some(5), 600)),
            // Half up, once; and never more than the goods.
            (2, "tea/", SupplyMode::Domestic, "2026-04-01", 90, usd, (Some(5), 5)),
            (2, "tea/", SupplyMode::Domestic, "2026-04-01", 75, usd, (Some(5), 5)),
            (2, "tea/", SupplyMode::Domestic, "2026-04-01", 20, Currency::CNY, (Some(4), 20)),
        ] {
            let goods = Money { minor, currency };
            let sale = Sale { seller: seller(n), category_path: path, supply_mode: mode, on: day(on), goods };
            let taken = of_sale(&rules, &sale);
            let which = expected.0.map(|n| CommissionRuleId(uuid::Uuid::from_u128(n)));
            assert_eq!((taken.rule, taken.minor), (which, expected.1), "{sale:?}");
        }
        let sale = Sale {
            seller: seller(1),
            category_path: "tea/",
            supply_mode: SupplyMode::Domestic,
            on: day("2026-01-01"),
            goods: Money { minor: 5, currency: Currency::CNY },
        };
        assert_eq!(of_sale(&[], &sale), Taken { rule: None, minor: 0 });
    }

    proptest! {
        #[test]
        fn commission_is_within_the_price(minor in 0..=Money::MAX_MINOR, ppm in 0..=WHOLE_PPM, fixed in 0..=Money::MAX_MINOR) {
            let rule = Model { fixed_minor: fixed, ..rule(0, ppm) };
            let taken = rule.takes(Money { minor, currency: Currency::CNY });
            prop_assert!((0..=minor).contains(&taken));
        }
    }
}
