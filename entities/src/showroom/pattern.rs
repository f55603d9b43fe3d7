//! The four lawful patterns of a store (店铺经营模式): what may stand on the shelf, what is sold from there, how it is
//! handed over. 财关税〔2018〕49号、商财发〔2018〕486号; Shanghai Customs 2014/9 for bonded display.

use sea_orm::entity::prelude::*;

use crate::{
    catalog::SupplyMode,
    inventory::CustomsStatus,
    values::{ErrorCode, Refusal},
};

/// How goods of a display are shown, sold and handed over (经营模式); chosen for each display.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    EnumIter,
    DeriveActiveEnum,
    serde::Serialize,
    serde::Deserialize,
    async_graphql::Enum,
)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(24))", rename_all = "snake_case")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum StorePattern {
    /// Seen in the store, ordered by its code, sent as a parcel from the bonded warehouse once customs released it
    /// (体验下单).
    ExperienceOrder,
    /// Bonded goods under a guarantee, sold as general trade at the counter (保税展示交易).
    BondedDisplay,
    /// Bonded goods, picked up in the store once customs released the order (前店后仓).
    BackWarehouse,
    /// Goods whose duty is paid, sold at the counter (完税零售).
    DutyPaidRetail,
}

/// What a piece in a store is by law (货物类别); it changes by a move of stock with a document only.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    EnumIter,
    DeriveActiveEnum,
    serde::Serialize,
    serde::Deserialize,
    async_graphql::Enum,
)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(24))", rename_all = "snake_case")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum UnitClass {
    /// Its duty is paid; it is shown and not sold until it is written off (样品).
    Sample,
    /// Out of the zone under a guarantee, with a day on which it must be back (保税展示品).
    BondedDisplay,
    /// Its duty is paid; it is handed over at once (可售品).
    Saleable,
    /// In the zone, under customs supervision (保税库存).
    BondedStock,
    /// Damaged in the store (残次品).
    Damaged,
}

impl UnitClass {
    /// Under which customs status such goods lie.
    pub fn status(self) -> CustomsStatus {
        match self {
            Self::Sample | Self::Saleable | Self::Damaged => CustomsStatus::DutyPaid,
            Self::BondedDisplay | Self::BondedStock => CustomsStatus::Bonded,
        }
    }

    /// Whether such a piece becomes one of another class by a move within the store. What is bonded changes through
    /// customs only, and a sample is not sold any more.
    pub fn becomes(self, other: Self) -> Result<(), Refusal> {
        let may =
            matches!((self, other), (Self::Saleable, Self::Sample | Self::Damaged) | (Self::Sample, Self::Damaged));
        let name = |class: Self| async_graphql::Value::from(class).to_string();
        let refusal =
            || Refusal::new(ErrorCode::IllegalTransition).with("from", name(self)).with("action", name(other));
        if may { Ok(()) } else { Err(refusal()) }
    }
}

/// How goods come to the buyer (交付方式).
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, serde::Serialize, serde::Deserialize, async_graphql::Enum,
)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum HandOver {
    /// As a parcel (邮寄).
    Parcel,
    /// At the counter, at once (当场交付).
    Counter,
    /// In the store, once customs released the order (放行后自提).
    PickUp,
}

/// Where a store is, by law.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Site {
    /// Whether it lies in a special zone of customs (综合保税区).
    pub special_zone: bool,
    /// The number under which customs approved that bonded goods are picked up there.
    pub approval_no: Option<String>,
}

impl StorePattern {
    /// What goods of this pattern are on the shelf.
    pub fn shows(self) -> &'static [UnitClass] {
        match self {
            Self::ExperienceOrder => &[UnitClass::Sample, UnitClass::Saleable],
            Self::BondedDisplay => &[UnitClass::BondedDisplay],
            Self::BackWarehouse => &[UnitClass::BondedStock],
            Self::DutyPaidRetail => &[UnitClass::Saleable, UnitClass::Sample],
        }
    }

    /// Whether a picture or code without goods is enough.
    pub fn shows_pictures(self) -> bool {
        self == Self::ExperienceOrder
    }

    /// How offers that are sold so are supplied.
    pub fn sells(self) -> &'static [SupplyMode] {
        match self {
            Self::ExperienceOrder => &[SupplyMode::BondedImport, SupplyMode::DirectImport],
            Self::BackWarehouse => &[SupplyMode::BondedImport],
            // Bonded goods that are sold at the counter are declared as general trade.
            Self::BondedDisplay | Self::DutyPaidRetail => &[SupplyMode::Domestic],
        }
    }

    /// How what is sold so is handed over.
    pub fn hands_over(self) -> HandOver {
        match self {
            Self::ExperienceOrder => HandOver::Parcel,
            Self::BondedDisplay | Self::DutyPaidRetail => HandOver::Counter,
            Self::BackWarehouse => HandOver::PickUp,
        }
    }

    /// Whether a store may do so: bonded goods are picked up in a special zone or with an approval of customs.
    pub fn lawful(self, site: &Site) -> Result<(), Refusal> {
        if self != Self::BackWarehouse || site.special_zone || site.approval_no.is_some() {
            return Ok(());
        }
        let what = async_graphql::Value::from(self).to_string();
        let source = "财关税〔2018〕49号、商财发〔2018〕486号";
        Err(Refusal::new(ErrorCode::NotAllowedHere).with("what", what).with("source", source))
    }

    /// Whether such a piece, or a picture, of an offer supplied so may stand on the shelf of a store; all that is wrong
    /// with it.
    pub fn fits(self, site: &Site, class: Option<UnitClass>, mode: SupplyMode) -> Vec<Refusal> {
        let wrong = |field: &str, name: String| Refusal::new(ErrorCode::InvalidValue).with("value", name).at(field);
        let mut refusals: Vec<Refusal> =
            self.lawful(site).err().map(|refusal| refusal.at("pattern")).into_iter().collect();
        match class {
            None if !self.shows_pictures() => refusals.push(Refusal::new(ErrorCode::Required).at("unitClass")),
            Some(class) if !self.shows().contains(&class) => {
                refusals.push(wrong("unitClass", async_graphql::Value::from(class).to_string()));
            }
            _ => {}
        }
        if !self.sells().contains(&mode) {
            refusals.push(wrong("offerId", async_graphql::Value::from(mode).to_string()));
        }
        refusals
    }
}

#[cfg(test)]
mod tests {
    use sea_orm::Iterable;

    use super::*;

    #[test]
    fn bonded_goods_are_picked_up_in_the_zone_or_with_an_approval_only() {
        let plain = Site::default();
        let zone = Site { special_zone: true, approval_no: None };
        let approved = Site { special_zone: false, approval_no: Some("西关〔2025〕1号".into()) };
        for pattern in StorePattern::iter() {
            let expected = pattern != StorePattern::BackWarehouse;
            assert_eq!(pattern.lawful(&plain).is_ok(), expected, "{pattern:?}");
            assert!(pattern.lawful(&zone).is_ok() && pattern.lawful(&approved).is_ok());
        }
        let refused = StorePattern::BackWarehouse.lawful(&plain).unwrap_err();
        assert_eq!(refused.code, ErrorCode::NotAllowedHere);
    }

    #[test]
    fn each_pattern_shows_sells_and_hands_over_as_the_law_has_it() {
        use HandOver::{Counter, Parcel, PickUp};
        use StorePattern as P;
        use SupplyMode::{BondedImport, DirectImport, Domestic, ExportB2b};
        use UnitClass as C;
        type Row<'a> = (P, &'a [Option<C>], &'a [SupplyMode], HandOver);
        let zone = Site { special_zone: true, approval_no: None };
        let table: [Row<'_>; 4] = [
            (P::ExperienceOrder, &[None, Some(C::Sample), Some(C::Saleable)], &[BondedImport, DirectImport], Parcel),
            (P::BondedDisplay, &[Some(C::BondedDisplay)], &[Domestic], Counter),
            (P::BackWarehouse, &[Some(C::BondedStock)], &[BondedImport], PickUp),
            (P::DutyPaidRetail, &[Some(C::Saleable), Some(C::Sample)], &[Domestic], Counter),
        ];
        for (pattern, classes, modes, hand_over) in table {
            assert_eq!(pattern.hands_over(), hand_over);
            for class in C::iter().map(Some).chain([None]) {
                for mode in [BondedImport, DirectImport, Domestic, ExportB2b] {
                    let wrong = pattern.fits(&zone, class, mode);
                    let expected = usize::from(!classes.contains(&class)) + usize::from(!modes.contains(&mode));
                    assert_eq!(wrong.len(), expected, "{pattern:?} {class:?} {mode:?}: {wrong:?}");
                }
            }
        }
    }

    #[test]
    fn a_sample_is_never_sold_and_bonded_goods_change_through_customs_only() {
        use UnitClass as C;
        let may = [(C::Saleable, C::Sample), (C::Saleable, C::Damaged), (C::Sample, C::Damaged)];
        for from in C::iter() {
            for to in C::iter() {
                assert_eq!(from.becomes(to).is_ok(), may.contains(&(from, to)), "{from:?} to {to:?}");
            }
        }
    }
}
