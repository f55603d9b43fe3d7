//! Goods filings (商品备案): what customs is told of goods before they are sold as retail imports (section 6.1). What a
//! filing says is what orders, lists and the account book say of the goods.
//!
//! A filing holds for one HS code. When the tariff has the code no more, or other goods are meant, it is filed anew.

use crate::Relation;
use sea_orm::{entity::prelude::*, sea_query::Expr};

use crate::{
    catalog::SupplyMode,
    party::Viewer,
    values::{
        CountryCode, CustomsUnit, ErrorCode, HsCode, Refusal,
        id::{GoodsFilingId, OrganisationId, VariantId},
    },
};

/// How a filing stands (备案状态).
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
pub enum GoodsFilingState {
    /// Waits for a decision (已提交).
    Submitted,
    /// To be mended (退回).
    Returned,
    /// Goods may be declared as it says (已备案).
    Approved,
    /// Not for now (暂停).
    Suspended,
    /// The tariff does not know its code any more: file anew (已失效).
    Expired,
}

/// What can be done with a filing (备案操作).
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, serde::Serialize, serde::Deserialize, async_graphql::Enum,
)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum GoodsFilingStep {
    /// Written, or written anew, and handed in (填写提交).
    Write,
    /// Given back to be mended (退回).
    Return,
    /// Approved (通过).
    Approve,
    /// Suspended (暂停).
    Suspend,
    /// In force again (恢复).
    Resume,
    /// Its code is not in force any more (失效).
    Expire,
}

impl GoodsFilingStep {
    /// The states that it leads from, and where to.
    pub fn leads(self) -> (&'static [GoodsFilingState], GoodsFilingState) {
        use GoodsFilingState::{Approved, Expired, Returned, Submitted, Suspended};
        match self {
            Self::Write => (&[Submitted, Returned, Approved, Expired], Submitted),
            Self::Return => (&[Submitted], Returned),
            Self::Approve => (&[Submitted], Approved),
            Self::Suspend => (&[Approved], Suspended),
            Self::Resume => (&[Suspended], Approved),
            Self::Expire => (&[Submitted, Approved, Suspended], Expired),
        }
    }

    /// Why it does not lead from a state.
    pub fn refused(self, state: GoodsFilingState) -> Refusal {
        let name = |value: async_graphql::Value| value.to_string();
        Refusal::new(ErrorCode::IllegalTransition).with("from", name(state.into())).with("action", name(self.into()))
    }
}

/// A row of `goods_filing`: unique by seller, variant and mode.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, serde::Serialize, serde::Deserialize)]
#[sea_orm(table_name = "goods_filing")]
pub struct Model {
    /// Identifier.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: GoodsFilingId,
    /// Who sells.
    pub seller_id: OrganisationId,
    /// What.
    pub variant_id: VariantId,
    /// As bonded or as direct import.
    pub mode: SupplyMode,
    /// The seller's article number (商品货号), at most 20 characters.
    pub item_no: String,
    /// The tariff code.
    pub hs_code: HsCode,
    /// The name as it is declared (申报品名).
    pub name: String,
    /// The specification as it is declared (规格型号): `品名:矿泉水;规格:500ml`.
    pub gmodel: String,
    /// The country of origin.
    pub origin: CountryCode,
    /// The unit in which it is sold (申报计量单位).
    pub unit: CustomsUnit,
    /// First legal unit (法定计量单位).
    pub unit1: CustomsUnit,
    /// How much of the first legal unit one of it is, in hundred-thousandths.
    pub quantity1_e5: i64,
    /// Second legal unit, when the tariff names one.
    pub unit2: Option<CustomsUnit>,
    /// How much of the second.
    pub quantity2_e5: Option<i64>,
    /// The price that it is filed with, in fen (备案价格).
    pub price_minor: i64,
    /// State.
    pub state: GoodsFilingState,
    /// What was said when it was decided.
    pub reason: Option<String>,
    /// Counts up with every change.
    pub version: i32,
    /// Since when.
    pub created_at: DateTimeUtc,
    /// When it last changed.
    pub updated_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}

impl Entity {
    /// The filings that `viewer` may see: those of the organisation acted for, all for who oversees the zone.
    pub fn visible_to(viewer: &Viewer) -> Select<Self> {
        match viewer.organisation() {
            _ if viewer.oversees() => Self::find(),
            Some(organisation) => Self::find().filter(Column::SellerId.eq(organisation)),
            None => Self::find().filter(Expr::val(false)),
        }
    }
}

/// How far an order's price may be from the filed one before a person looks, in thousandths (section 6.1, a vendor's
/// figure).
pub const PRICE_GUARD_PERMILLE: i64 = 300;

impl Model {
    /// Whether a price is too far from the filed one (价格偏离): more than 30 %.
    pub fn price_is_odd(&self, price_minor: i64) -> bool {
        let away = i128::from(price_minor) - i128::from(self.price_minor);
        away.abs() * 1_000 > i128::from(self.price_minor) * i128::from(PRICE_GUARD_PERMILLE)
    }
}

#[cfg(test)]
mod tests {
    use sea_orm::Iterable;

    use super::*;

    #[test]
    fn a_filing_goes_along_its_table() {
        use GoodsFilingState::{Approved, Expired, Returned, Submitted, Suspended};
        for (step, from, to) in [
            (GoodsFilingStep::Write, &[Submitted, Returned, Approved, Expired][..], Submitted),
            (GoodsFilingStep::Return, &[Submitted], Returned),
            (GoodsFilingStep::Approve, &[Submitted], Approved),
            (GoodsFilingStep::Suspend, &[Approved], Suspended),
            (GoodsFilingStep::Resume, &[Suspended], Approved),
            (GoodsFilingStep::Expire, &[Submitted, Approved, Suspended], Expired),
        ] {
            assert_eq!(step.leads(), (from, to), "{step:?}");
        }
        // Only a decision leads to what goods may be declared by.
        for step in GoodsFilingStep::iter().filter(|step| step.leads().1 == Approved) {
            assert!(matches!(step, GoodsFilingStep::Approve | GoodsFilingStep::Resume), "{step:?}");
        }
    }

    #[test]
    fn a_price_is_odd_from_30_percent_on() {
        let zero = uuid::Uuid::nil();
        let at = chrono::DateTime::UNIX_EPOCH;
        let filing = Model {
            id: GoodsFilingId(zero),
            seller_id: OrganisationId(zero),
            variant_id: VariantId(zero),
            mode: SupplyMode::BondedImport,
            item_no: "SKU1".into(),
            hs_code: "2201101000".parse().unwrap(),
            name: "矿泉水".into(),
            gmodel: "品名:矿泉水".into(),
            origin: "FR".parse().unwrap(),
            unit: "142".parse().unwrap(),
            unit1: "095".parse().unwrap(),
            quantity1_e5: 50_000,
            unit2: None,
            quantity2_e5: None,
            price_minor: 10_000,
            state: GoodsFilingState::Approved,
            reason: None,
            version: 1,
            created_at: at,
            updated_at: at,
        };
        for (price, odd) in [(10_000, false), (13_000, false), (13_001, true), (7_000, false), (6_999, true), (0, true)]
        {
            assert_eq!(filing.price_is_odd(price), odd, "{price}");
        }
    }
}
