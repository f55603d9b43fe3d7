//! The roles an organisation plays (组织角色); one organisation may play several.

use crate::Relation;
use sea_orm::entity::prelude::*;

use crate::values::id::OrganisationId;

/// A role of an organisation (组织角色).
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
pub enum OrganisationRole {
    /// Runs the zone's platform (平台运营方).
    Platform,
    /// Sells on the marketplace (卖家).
    Seller,
    /// Supplies buyers of the zone (供应商).
    Supplier,
    /// Buys for its business (采购企业).
    BuyerCompany,
    /// Keeps goods under customs supervision (保税仓).
    BondedWarehouse,
    /// Carries parcels and freight (物流企业).
    Logistics,
    /// Takes payments (支付机构).
    PaymentInstitution,
    /// Declares to customs for others (报关企业).
    CustomsBroker,
    /// Finances receivables (银行).
    Bank,
    /// Insures export credit and cargo (保险公司).
    Insurer,
    /// Runs showrooms (体验店运营方).
    ShowroomOperator,
    /// Holds trade fairs (展会主办方).
    FairOrganiser,
    /// Supervises (监管部门).
    Regulator,
}

/// A row of `organisation_role`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "organisation_role")]
pub struct Model {
    /// The organisation.
    #[sea_orm(primary_key, auto_increment = false)]
    pub organisation_id: OrganisationId,
    /// The role.
    #[sea_orm(primary_key, auto_increment = false)]
    pub role: OrganisationRole,
}

impl ActiveModelBehavior for ActiveModel {}
