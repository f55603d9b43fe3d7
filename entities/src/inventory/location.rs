//! Where stock lies (库位), and under which customs status.

use crate::Relation;
use sea_orm::entity::prelude::*;

use crate::values::id::{OrganisationId, StockLocationId};

/// What a location is (库位类型).
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
pub enum LocationKind {
    /// A bonded warehouse of a special zone (保税仓).
    BondedWarehouse,
    /// A warehouse for goods whose duty is paid, or that never left the country (完税仓).
    DutyPaidWarehouse,
    /// The back room of a showroom (体验店库房).
    Showroom,
    /// On a shelf of a showroom (陈列).
    Display,
    /// A warehouse abroad (海外仓).
    OverseasWarehouse,
    /// On the way between two others (在途).
    Transit,
    /// Waits for its quality to be looked at (质检).
    QualityCheck,
    /// Stands for whoever delivers (供应商).
    Supplier,
    /// Stands for whoever bought (客户).
    Customer,
    /// Stands for what is lost, found or destroyed (盘盈盘亏).
    Loss,
}

impl LocationKind {
    /// Whether it stands for the outside: nothing lies there, so its balance may be less than nothing.
    pub fn is_virtual(self) -> bool {
        matches!(self, Self::Supplier | Self::Customer | Self::Loss)
    }

    /// Whether goods under this customs status may lie there. Bonded goods lie in the zone, and outside of it only on the
    /// way, on display or being looked at; a warehouse for goods whose duty is paid never has them (GACC 2018/194; the
    /// lawful store patterns are narrower and looked at where showrooms are).
    pub fn takes(self, status: CustomsStatus) -> bool {
        match status {
            CustomsStatus::Bonded => {
                !matches!(self, Self::DutyPaidWarehouse | Self::OverseasWarehouse | Self::Showroom)
            }
            CustomsStatus::DutyPaid => !matches!(self, Self::BondedWarehouse | Self::OverseasWarehouse),
            CustomsStatus::Abroad => {
                matches!(self, Self::OverseasWarehouse) || self.is_virtual() || self == Self::Transit
            }
        }
    }
}

/// Customs status of goods (海关状态).
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
pub enum CustomsStatus {
    /// Duty is not paid; under customs supervision (保税).
    Bonded,
    /// Duty is paid, or the goods never left the country (完税).
    DutyPaid,
    /// Not in the country (境外).
    Abroad,
}

/// A row of `stock_location`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, serde::Serialize, serde::Deserialize)]
#[sea_orm(table_name = "stock_location")]
pub struct Model {
    /// Identifier.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: StockLocationId,
    /// Who keeps it.
    pub organisation_id: OrganisationId,
    /// Short code, unique within the organisation.
    pub code: String,
    /// What it is.
    pub kind: LocationKind,
    /// What people call it.
    pub name: String,
    /// Counts up with every change.
    pub version: i32,
    /// Since when.
    pub created_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}

#[cfg(test)]
mod tests {
    use sea_orm::Iterable;

    use super::*;

    #[test]
    fn bonded_goods_lie_where_customs_looks() {
        use LocationKind as L;
        let bonded: Vec<L> = L::iter().filter(|kind| kind.takes(CustomsStatus::Bonded)).collect();
        let expected = [L::BondedWarehouse, L::Display, L::Transit, L::QualityCheck, L::Supplier, L::Customer, L::Loss];
        assert_eq!(bonded, expected);
        assert!(!L::BondedWarehouse.takes(CustomsStatus::DutyPaid), "paid goods lie among bonded ones");
        for status in CustomsStatus::iter() {
            for kind in L::iter().filter(|kind| kind.is_virtual()) {
                assert!(kind.takes(status), "{kind:?} stands for the outside and takes everything");
            }
        }
    }
}
