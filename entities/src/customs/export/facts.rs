//! What is declared of an export.

use chrono::{DateTime, Utc};
use sea_orm::{Iterable, entity::prelude::*};

use super::super::sale::Party;
use crate::values::{CountryCode, Currency, CustomsUnit, Money};

/// The supervision mode of an export (出口监管方式).
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
pub enum ExportMode {
    /// A parcel to a consumer, 9610 (一般出口).
    Parcel,
    /// Out of an area under special supervision, 1210 (特殊区域出口).
    SpecialArea,
    /// To a business, 9710 (跨境电商B2B直接出口).
    Business,
    /// To an overseas warehouse, sold from there, 9810 (跨境电商出口海外仓).
    OverseasWarehouse,
}

impl ExportMode {
    /// The code of customs.
    pub fn code(self) -> &'static str {
        match self {
            Self::Parcel => "9610",
            Self::SpecialArea => "1210",
            Self::Business => "9710",
            Self::OverseasWarehouse => "9810",
        }
    }

    /// The mode with this code; none: it is no export of cross-border e-commerce.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::iter().find(|mode| mode.code() == code)
    }

    /// What its orders are (订单类型): of a consumer, of a business, for a warehouse.
    pub fn order_type(self) -> &'static str {
        match self {
            Self::Parcel | Self::SpecialArea => "E",
            Self::Business => "B",
            Self::OverseasWarehouse => "W",
        }
    }

    /// Whether a business is at both ends: only small ones of these go by list.
    pub fn is_b2b(self) -> bool {
        matches!(self, Self::Business | Self::OverseasWarehouse)
    }
}

/// How a list is declared (申报业务类型, `statisticsFlag`).
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
pub enum StatisticsFlag {
    /// `A`: the list is all, and is counted (简化申报，汇总统计).
    Simplified,
    /// `B`: the lists of a month become entries (汇总申报).
    Summary,
}

impl StatisticsFlag {
    /// The letter of customs.
    pub fn letter(self) -> &'static str {
        match self {
            Self::Simplified => "A",
            Self::Summary => "B",
        }
    }
}

/// Who made or sold the goods (生产销售单位).
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Owner {
    /// Its code at customs; none: it is not registered, which is written `NO`.
    pub code: Option<String>,
    /// Its name.
    pub name: String,
}

impl Owner {
    /// The code as it is written.
    pub fn written(&self) -> &str {
        self.code.as_deref().unwrap_or("NO")
    }
}

/// The company in an area under special supervision, and its account book (区内企业).
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct SpecialArea {
    /// The company.
    pub company: Party,
    /// The number of the book (账册编号).
    pub book: String,
}

/// Where goods of 9810 go (海外仓): its booking stands for the order.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct OverseasWarehouse {
    /// The name of the warehouse.
    pub name: String,
    /// The number of the booking (订仓单号).
    pub booking: String,
}

/// Money that came for it (收款单): wanted by customs until [`super::rules::Terms::receipts_until`].
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct MoneyReceived {
    /// The institution's code, when it has one.
    pub payer_code: Option<String>,
    /// The institution's name.
    pub payer_name: String,
    /// Its number of the payment.
    pub number: Option<String>,
    /// How much.
    pub charge: Money,
    /// When it was booked.
    pub at: DateTime<Utc>,
}

/// With which vehicle and under which bill an export leaves (运输信息); it may become known after the list.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, sea_orm::FromJsonQueryResult)]
pub struct Leaving {
    /// The vessel, flight or vehicle (运输工具名称).
    pub vehicle: String,
    /// The voyage (航班航次号).
    pub voyage: String,
    /// The bill (提运单号).
    pub bill: String,
    /// The package that holds several parcels (总包号).
    pub total_package: Option<String>,
    /// The vehicle that brings it to the site (境内运输工具编号).
    pub domestic_vehicle: Option<String>,
}

/// The facts of an export, without its lines.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, sea_orm::FromJsonQueryResult)]
pub struct Facts {
    /// The supervision mode.
    pub mode: ExportMode,
    /// How its list is declared.
    pub flag: StatisticsFlag,
    /// The number of the order on its platform; of 9810 that of the booking.
    pub order_no: String,
    /// The platform; of 9810 the warehouse. A foreign one without a code has `无`.
    pub platform: Party,
    /// Who made or sold the goods.
    pub owner: Owner,
    /// The company in the area, of 1210.
    pub area: Option<SpecialArea>,
    /// The warehouse, of 9810.
    pub warehouse: Option<OverseasWarehouse>,
    /// The currency of the goods.
    pub currency: Currency,
    /// Freight, all of it.
    pub freight: Money,
    /// Insurance, all of it.
    pub insurance: Money,
    /// What the goods are worth in CNY, in fen, when they are sold in another currency.
    pub value_cny_minor: Option<i64>,
    /// Where they go (运抵国).
    pub destination: CountryCode,
    /// At which port they arrive, customs' code (指运港).
    pub port_of_destination: String,
    /// Where it is declared, four digits (申报地海关).
    pub customs_code: String,
    /// Where the goods leave the country, four digits (口岸海关).
    pub port_code: String,
    /// The site under supervision, customs' code (监管场所代码).
    pub site_code: Option<String>,
    /// How they leave: `5` is air (运输方式).
    pub traf_mode: String,
    /// The licence, where there is one (许可证件号).
    pub licence_no: Option<String>,
    /// How they are packed: `2` is a carton (包装种类).
    pub wrap: String,
    /// How many packages.
    pub packs: i32,
    /// Gross weight in grams.
    pub gross_weight_g: i64,
    /// Net weight in grams.
    pub net_weight_g: i64,
    /// The carrier's number of the parcel (物流运单编号).
    pub waybill: String,
    /// Money that came for it.
    pub received: Option<MoneyReceived>,
    /// What else is said (备注).
    pub note: Option<String>,
}

/// What one line is of the goods that are declared.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "each is asked for by customs")]
pub struct ExportLine {
    /// From 1.
    pub number: i32,
    /// The seller's article number (商品货号).
    pub item_no: String,
    /// Its number in the account book, of 1210 (账册备案料号).
    pub record_no: Option<String>,
    /// The tariff code, of as many digits as are declared.
    pub hs: String,
    /// The name as it is declared.
    pub name: String,
    /// The specification as it is declared.
    pub gmodel: String,
    /// The barcode, when it has one.
    pub barcode: Option<String>,
    /// The unit in which it is sold.
    pub unit: CustomsUnit,
    /// How many, in hundred-thousandths.
    pub quantity_e5: i64,
    /// The first legal unit.
    pub unit1: CustomsUnit,
    /// How many of it.
    pub quantity1_e5: i64,
    /// The second legal unit, when the tariff names one.
    pub unit2: Option<CustomsUnit>,
    /// How many of it.
    pub quantity2_e5: Option<i64>,
    /// Price of one, FOB, in minor units.
    pub price_minor: i64,
    /// Whether it needs a licence (涉证).
    pub licence: bool,
    /// Whether it must be inspected (涉检).
    pub inspection: bool,
    /// Whether an export duty is owed for it (涉税).
    pub duty: bool,
    /// Whether its taxes are to be refunded (出口退税).
    pub refund: bool,
}

/// Digits of a tariff code on the wire.
const CODE: usize = 10;

impl ExportLine {
    /// Price × quantity, to the minor unit, half up; none: more than any amount.
    pub fn total_minor(&self) -> Option<i64> {
        let product = i128::from(self.price_minor).checked_mul(self.quantity_e5.into())?;
        i64::try_from((product + 50_000) / 100_000).ok().filter(|total| (0..=Money::MAX_MINOR).contains(total))
    }

    /// The tariff code in ten digits: a simplified one is filled up with zeros.
    pub fn gcode(&self) -> String {
        format!("{:0<CODE$}", self.hs)
    }
}

/// An export as it is declared.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ExportSale {
    /// The facts of its head.
    pub facts: Facts,
    /// Its lines.
    pub lines: Vec<ExportLine>,
}

impl ExportSale {
    /// What the goods are worth, FOB, in minor units of their currency; none: more than any amount.
    pub fn goods_minor(&self) -> Option<i64> {
        let add = |sum: i64, line: &ExportLine| sum.checked_add(line.total_minor()?);
        self.lines.iter().try_fold(0_i64, add).filter(|sum| *sum <= Money::MAX_MINOR)
    }

    /// The same in fen; none: they are sold in another currency and nobody said what that is in CNY.
    pub fn value_cny_minor(&self) -> Option<i64> {
        if self.facts.currency == Currency::CNY { self.goods_minor() } else { self.facts.value_cny_minor }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::fixtures, *};

    #[test]
    fn a_mode_has_one_code_and_one_kind_of_order() {
        for (code, order) in [("9610", "E"), ("1210", "E"), ("9710", "B"), ("9810", "W")] {
            let mode = ExportMode::from_code(code).unwrap();
            assert_eq!((mode.code(), mode.order_type()), (code, order));
        }
        assert_eq!(ExportMode::from_code("1239"), None);
    }

    #[test]
    fn a_line_comes_to_price_times_quantity_to_the_fen() {
        for (price, quantity, total) in [
            (1_000, 200_000, Some(2_000)),
            (333, 150_000, Some(500)),
            (1, 50_000, Some(1)),
            (1, 49_999, Some(0)),
            (i64::MAX, i64::MAX, None),
        ] {
            let line = ExportLine { price_minor: price, quantity_e5: quantity, ..fixtures::carpets().lines[0].clone() };
            assert_eq!(line.total_minor(), total, "{price} × {quantity}");
        }
        let simplified = ExportLine { hs: "5701".into(), ..fixtures::carpets().lines[0].clone() };
        assert_eq!(simplified.gcode(), "5701000000");
    }
}
