//! What a seller asks for bringing goods (运费规则): so much for the first weight (首重), so much for each step of weight
//! beyond it (续重); from a value of goods on nothing. Insurance is a share of the goods' value.

use crate::Relation;
use sea_orm::entity::prelude::*;

use super::{in_range, out_of_range};
use crate::{
    catalog::SupplyMode,
    values::{
        Currency, ErrorCode, Money, Refusal, Refusals,
        id::{OrganisationId, ShippingRateId},
        refusal::Check,
    },
};

/// Heaviest weight in grams: a thousand tonnes.
const MAX_WEIGHT_G: i32 = 1_000_000_000;
/// Parts of a whole.
const MILLION: i32 = 1_000_000;

/// A row of `shipping_rate`: unique by seller, supply mode and currency.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, serde::Serialize, serde::Deserialize)]
#[sea_orm(table_name = "shipping_rate")]
pub struct Model {
    /// Identifier.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ShippingRateId,
    /// Who sells.
    pub seller_id: OrganisationId,
    /// For goods supplied so.
    pub mode: SupplyMode,
    /// In which currency.
    pub currency: Currency,
    /// Weight that the first amount covers, in grams (首重).
    pub first_weight_g: i32,
    /// What it costs.
    pub first_minor: i64,
    /// Weight of each step beyond it, in grams (续重).
    pub step_weight_g: i32,
    /// What each step costs, begun ones too.
    pub step_minor: i64,
    /// From this value of goods on nothing is asked (包邮); none: never.
    pub free_from_minor: Option<i64>,
    /// Insurance, in parts per million of the goods' value.
    pub insurance_ppm: i32,
    /// Counts up with every change.
    pub version: i32,
}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    /// The rate, when its numbers are such as can be counted with.
    pub fn checked(self) -> Result<Self, Refusals> {
        let mut check = Check::default();
        let mut within = |field: &str, n: i64, min: i64, max: i64| {
            check.demand((min..=max).contains(&n), field, || {
                Refusal::new(ErrorCode::OutOfRange).with("min", min.to_string()).with("max", max.to_string())
            });
        };
        within("firstWeightG", self.first_weight_g.into(), 1, MAX_WEIGHT_G.into());
        within("stepWeightG", self.step_weight_g.into(), 1, MAX_WEIGHT_G.into());
        within("first", self.first_minor, 0, Money::MAX_MINOR);
        within("step", self.step_minor, 0, Money::MAX_MINOR);
        within("freeFrom", self.free_from_minor.unwrap_or_default(), 0, Money::MAX_MINOR);
        within("insurancePpm", self.insurance_ppm.into(), 0, MILLION.into());
        check.done(self)
    }
}

/// What bringing goods costs, in minor units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Carriage {
    /// Freight (运费).
    pub freight_minor: i64,
    /// Insurance (保费), half up.
    pub insurance_minor: i64,
}

/// Freight and insurance of goods with this gross weight and value. A seller without a rate asks nothing.
pub fn freight(rate: Option<&Model>, gross_weight_g: i64, goods_minor: i64) -> Result<Carriage, Refusal> {
    let Some(rate) = rate else { return Ok(Carriage::default()) };
    let goods = i128::from(in_range(goods_minor)?);
    let insured = (goods * i128::from(rate.insurance_ppm) * 2 + i128::from(MILLION)) / (2 * i128::from(MILLION));
    let freight = if rate.free_from_minor.is_some_and(|from| from <= goods_minor) {
        0
    } else {
        let beyond = i128::from(gross_weight_g.max(0)) - i128::from(rate.first_weight_g);
        let step = i128::from(rate.step_weight_g.max(1));
        let steps = (beyond.max(0) + step - 1) / step;
        i128::from(rate.first_minor) + steps * i128::from(rate.step_minor)
    };
    let fits = |minor: i128| i64::try_from(minor).map_err(|_| out_of_range()).and_then(in_range);
    Ok(Carriage { freight_minor: fits(freight)?, insurance_minor: fits(insured)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate() -> Model {
        Model {
            id: ShippingRateId(uuid::Uuid::nil()),
            seller_id: OrganisationId(uuid::Uuid::nil()),
            mode: SupplyMode::BondedImport,
            currency: Currency::CNY,
            first_weight_g: 1_000,
            first_minor: 1_200,
            step_weight_g: 500,
            step_minor: 300,
            free_from_minor: Some(19_900),
            insurance_ppm: 3_000,
            version: 1,
        }
    }

    #[test]
    fn freight_is_the_first_weight_and_every_begun_step() {
        for (weight, goods, freight_minor, insurance_minor) in [
            (0, 10_000, 1_200, 30),
            (1, 10_000, 1_200, 30),
            (1_000, 10_000, 1_200, 30),
            (1_001, 10_000, 1_500, 30),
            (1_500, 10_000, 1_500, 30),
            (1_501, 10_000, 1_800, 30),
            (10_000, 19_899, 6_600, 60),
            (10_000, 19_900, 0, 60),
            (10_000, 1_000_000, 0, 3_000),
            // 0.003 of 1.66 is 0.00498, of 1.67 it is 0.00501.
            (500, 166, 1_200, 0),
            (500, 167, 1_200, 1),
        ] {
            let found = freight(Some(&rate()), weight, goods).unwrap();
            assert_eq!(found, Carriage { freight_minor, insurance_minor }, "{weight} g, {goods} fen");
        }
        assert_eq!(freight(None, 10_000, 10_000).unwrap(), Carriage::default(), "no rate asks nothing");
        let never_free = Model { free_from_minor: None, ..rate() };
        assert_eq!(freight(Some(&never_free), 1_000, 1_000_000).unwrap().freight_minor, 1_200);
        let dear = Model { step_minor: Money::MAX_MINOR, step_weight_g: 1, ..rate() };
        assert_eq!(freight(Some(&dear), i64::MAX, 1).unwrap_err().code, ErrorCode::OutOfRange);
    }

    #[test]
    fn a_rate_that_cannot_be_counted_with_is_refused() {
        let fields = |rate: Model| -> Vec<String> {
            rate.checked().err().unwrap_or_default().iter().map(|refusal| refusal.field.join(".")).collect()
        };
        assert_eq!(fields(rate()), Vec::<String>::new());
        let wrong = Model { first_weight_g: 0, step_weight_g: 0, first_minor: -1, step_minor: -1, ..rate() };
        assert_eq!(fields(wrong), ["firstWeightG", "stepWeightG", "first", "step"]);
        assert_eq!(fields(Model { insurance_ppm: 1_000_001, free_from_minor: Some(-1), ..rate() }).len(), 2);
    }
}
