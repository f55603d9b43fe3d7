//! Orders (订单): what one seller sends in one parcel, in one supply mode, from one warehouse.

use crate::Relation;
use sea_orm::{entity::prelude::*, sea_query::Expr};

use crate::{
    catalog::SupplyMode,
    party::Viewer,
    values::{
        Currency, ErrorCode, Locale, Money, Refusal,
        id::{CheckoutId, OrderId, OrganisationId, PersonId, StockLocationId},
    },
};

/// State of an order (订单状态).
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
pub enum OrderState {
    /// Waits for an approver of the buying organisation (待审批).
    AwaitingApproval,
    /// Waits to be paid (待付款).
    AwaitingPayment,
    /// Paid, or to be paid on its terms: the seller prepares it (待发货).
    Confirmed,
    /// On its way (已发货).
    Shipped,
    /// Taken in by the buyer (已完成).
    Completed,
    /// Taken back (已取消).
    Cancelled,
    /// Not paid in time (已过期).
    Expired,
    /// All of it came back (已退货).
    Returned,
}

/// A step of an order's life (订单操作).
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    EnumIter,
    DeriveActiveEnum,
    serde::Serialize,
    serde::Deserialize,
    async_graphql::Enum,
)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(24))", rename_all = "snake_case")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum OrderStep {
    /// Placed (下单).
    Place,
    /// Approved (审批通过).
    Approve,
    /// Paid, or its credit taken (确认付款).
    Confirm,
    /// Sent off (发货).
    Ship,
    /// Taken in (确认收货).
    Complete,
    /// Taken back (取消).
    Cancel,
    /// Its time was up (过期).
    Expire,
    /// Customs let it go; its state stays (海关放行).
    Release,
    /// Customs is asked to let it be taken back; its state stays (申请撤单).
    AskCancel,
    /// Asked to be returned, wholly or in part; its state stays (申请退货).
    AskReturn,
    /// Customs did not agree to take it back; its state stays (未同意撤单).
    RefuseCancel,
    /// A return did not go through; its state stays (退货未通过).
    RefuseReturn,
    /// Part of it came back; its state stays (部分退货完成).
    ReturnPart,
    /// All of it came back (退货完成).
    Return,
    /// Whoever was to take the parcel in did not; its state stays (收件人拒收).
    ParcelRefused,
    /// The carrier lost the parcel; its state stays (包裹丢失).
    ParcelLost,
    /// The parcel is back where it came from; its state stays (包裹退回).
    ParcelReturned,
}

/// Who may take a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// Who buys.
    Buyer,
    /// Who sells.
    Seller,
    /// An approver of the buying organisation.
    Approver,
    /// The house itself: money came, time is up.
    House,
}

impl OrderStep {
    /// The states that it leads from, where to, and who may.
    pub fn leads(self) -> (&'static [OrderState], OrderState, &'static [By]) {
        use OrderState::{
            AwaitingApproval, AwaitingPayment, Cancelled, Completed, Confirmed, Expired, Returned, Shipped,
        };
        match self {
            Self::Place => (&[], AwaitingPayment, &[By::Buyer]),
            Self::Approve => (&[AwaitingApproval], AwaitingPayment, &[By::Approver]),
            // From expired: the money came late, and everything could be had again.
            Self::Confirm => (&[AwaitingApproval, AwaitingPayment, Expired], Confirmed, &[By::House, By::Approver]),
            Self::Ship => (&[Confirmed], Shipped, &[By::Seller, By::House]),
            Self::Complete => (&[Shipped], Completed, &[By::Buyer, By::House]),
            Self::Cancel => {
                (&[AwaitingApproval, AwaitingPayment, Confirmed], Cancelled, &[By::Buyer, By::Seller, By::Approver])
            }
            Self::Expire => (&[AwaitingApproval, AwaitingPayment], Expired, &[By::House]),
            Self::Release | Self::RefuseCancel => (&[Confirmed], Confirmed, &[By::House]),
            Self::AskCancel => (&[Confirmed], Confirmed, &[By::Buyer, By::Seller]),
            Self::AskReturn => (&[Confirmed, Shipped, Completed], Completed, &[By::Buyer, By::Seller]),
            Self::RefuseReturn => (&[Confirmed, Shipped, Completed], Completed, &[By::House]),
            Self::ReturnPart => (&[Shipped, Completed], Completed, &[By::House]),
            Self::ParcelRefused | Self::ParcelLost | Self::ParcelReturned => (&[Shipped], Shipped, &[By::House]),
            // From confirmed: released, and never sent off.
            Self::Return => (&[Confirmed, Shipped, Completed], Returned, &[By::House]),
        }
    }

    /// What happened, for people.
    pub fn told(self, locale: &Locale) -> &'static str {
        let (zh, en) = match self {
            Self::Place => ("已下单", "Placed"),
            Self::Approve => ("审批通过", "Approved"),
            Self::Confirm => ("已付款，准备清关与发货", "Paid; it is being prepared"),
            Self::Ship => ("已发货", "Sent off"),
            Self::Complete => ("已确认收货", "Taken in"),
            Self::Cancel => ("已取消，款项原路退回", "Taken back; its money goes back"),
            Self::Expire => ("未按时付款，已过期", "Not paid in time"),
            Self::Release => ("海关已放行", "Customs has let it go"),
            Self::AskCancel => ("已申请撤单", "Asked customs to let it be taken back"),
            Self::AskReturn => ("已申请退货", "Asked to be returned"),
            Self::RefuseCancel => ("海关未同意撤单，订单继续", "Customs did not agree to take it back; it goes on"),
            Self::RefuseReturn => ("退货未通过", "The return did not go through"),
            Self::ReturnPart => ("部分退货完成，相应款项原路退回", "Part of it came back; its money is on its way"),
            Self::Return => ("已退货，款项原路退回", "Returned; its money goes back"),
            Self::ParcelRefused => ("收件人拒收，请联系卖家退货", "The parcel was refused; a return can be asked for"),
            Self::ParcelLost => ("承运人报告包裹丢失，请联系卖家", "The carrier lost the parcel; ask the seller"),
            Self::ParcelReturned => ("包裹已退回发货地，可申请退货", "The parcel is back; a return can be asked for"),
        };
        if locale.language() == "zh" { zh } else { en }
    }

    /// Why it does not lead from a state.
    pub fn refused(self, state: OrderState) -> Refusal {
        let name = |value: async_graphql::Value| value.to_string();
        Refusal::new(ErrorCode::IllegalTransition).with("from", name(state.into())).with("action", name(self.into()))
    }
}

/// Who pays carriage and bears the risk up to where (国际贸易术语, Incoterms 2020).
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    EnumIter,
    DeriveActiveEnum,
    serde::Serialize,
    serde::Deserialize,
    async_graphql::Enum,
)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(24))", rename_all = "snake_case")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Incoterm {
    /// Ex works (工厂交货).
    Exw,
    /// Free carrier (货交承运人).
    Fca,
    /// Free alongside ship (装运港船边交货).
    Fas,
    /// Free on board (装运港船上交货).
    Fob,
    /// Cost and freight (成本加运费).
    Cfr,
    /// Cost, insurance and freight (成本、保险费加运费).
    Cif,
    /// Carriage paid to (运费付至).
    Cpt,
    /// Carriage and insurance paid to (运费、保险费付至).
    Cip,
    /// Delivered at place (目的地交货).
    Dap,
    /// Delivered at place unloaded (目的地卸货后交货).
    Dpu,
    /// Delivered duty paid (完税后交货).
    Ddp,
}

/// A row of `sales_order`. Amounts are in minor units of its currency.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, serde::Serialize, serde::Deserialize)]
#[sea_orm(table_name = "sales_order")]
pub struct Model {
    /// Identifier.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: OrderId,
    /// What people call it (订单号); what its stock and allowances are held for.
    #[sea_orm(unique)]
    pub number: String,
    /// The checkout that it is part of.
    pub checkout_id: CheckoutId,
    /// Who sells.
    pub seller_id: OrganisationId,
    /// Who placed it.
    pub person_id: PersonId,
    /// The organisation that buys; none: the person does.
    pub organisation_id: Option<OrganisationId>,
    /// How the goods reach the buyer.
    pub supply_mode: SupplyMode,
    /// From which warehouse; none: they are made to order.
    pub location_id: Option<StockLocationId>,
    /// State.
    pub state: OrderState,
    /// In which currency.
    pub currency: Currency,
    /// What the goods are sold for (商品总价).
    pub goods_minor: i64,
    /// Freight (运费).
    pub freight_minor: i64,
    /// Insurance (保费).
    pub insurance_minor: i64,
    /// Goods and carriage: what limits are held against (完税价格).
    pub dutiable_minor: i64,
    /// Duty (关税).
    pub duty_minor: i64,
    /// Consumption tax (消费税).
    pub consumption_minor: i64,
    /// Import VAT (增值税).
    pub vat_minor: i64,
    /// All of it: what the buyer pays for this order (实付金额).
    pub total_minor: i64,
    /// What of it is the platform's, noted when it is paid (佣金).
    pub commission_minor: i64,
    /// Who pays carriage up to where, of an export.
    pub incoterm: Option<Incoterm>,
    /// Counts up with every change.
    pub version: i32,
    /// Since when.
    pub created_at: DateTimeUtc,
    /// When it last changed.
    pub updated_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}

impl Entity {
    /// The orders that `viewer` may see: one's own, those that the organisation acted for buys or sells, all for who
    /// oversees the zone.
    pub fn visible_to(viewer: &Viewer) -> Select<Self> {
        if viewer.oversees() {
            return Self::find();
        }
        let sold = viewer.organisation().map(|organisation| Column::SellerId.eq(organisation));
        let own = super::bought(viewer, Column::PersonId, Column::OrganisationId).add_option(sold);
        // An empty condition would let everything through.
        if own.is_empty() { Self::find().filter(Expr::val(false)) } else { Self::find().filter(own) }
    }
}

impl Model {
    /// An amount of this order.
    pub fn money(&self, minor: i64) -> Money {
        Money { minor, currency: self.currency }
    }

    /// The three taxes.
    pub fn tax_minor(&self) -> i64 {
        self.duty_minor + self.consumption_minor + self.vat_minor
    }
}

#[cfg(test)]
mod tests {
    use sea_orm::Iterable;

    use super::*;

    #[test]
    fn an_order_goes_along_its_table() {
        use OrderState::{
            AwaitingApproval, AwaitingPayment, Cancelled, Completed, Confirmed, Expired, Returned, Shipped,
        };
        for (step, from, to) in [
            (OrderStep::Place, &[][..], AwaitingPayment),
            (OrderStep::Approve, &[AwaitingApproval], AwaitingPayment),
            (OrderStep::Confirm, &[AwaitingApproval, AwaitingPayment, Expired], Confirmed),
            (OrderStep::Ship, &[Confirmed], Shipped),
            (OrderStep::Complete, &[Shipped], Completed),
            (OrderStep::Cancel, &[AwaitingApproval, AwaitingPayment, Confirmed], Cancelled),
            (OrderStep::Expire, &[AwaitingApproval, AwaitingPayment], Expired),
            (OrderStep::Release, &[Confirmed], Confirmed),
            (OrderStep::AskCancel, &[Confirmed], Confirmed),
            (OrderStep::AskReturn, &[Confirmed, Shipped, Completed], Completed),
            (OrderStep::RefuseCancel, &[Confirmed], Confirmed),
            (OrderStep::RefuseReturn, &[Confirmed, Shipped, Completed], Completed),
            (OrderStep::ReturnPart, &[Shipped, Completed], Completed),
            (OrderStep::Return, &[Confirmed, Shipped, Completed], Returned),
            (OrderStep::ParcelRefused, &[Shipped], Shipped),
            (OrderStep::ParcelLost, &[Shipped], Shipped),
            (OrderStep::ParcelReturned, &[Shipped], Shipped),
        ] {
            let (leads_from, leads_to, who) = step.leads();
            assert_eq!((leads_from, leads_to), (from, to), "{step:?}");
            assert!(!who.is_empty(), "nobody may {step:?}");
        }
        // What was sent off is not taken back, and what is over stays over. The others are noted, and change nothing.
        let back = [
            OrderStep::Complete,
            OrderStep::AskReturn,
            OrderStep::RefuseReturn,
            OrderStep::ReturnPart,
            OrderStep::Return,
            OrderStep::ParcelRefused,
            OrderStep::ParcelLost,
            OrderStep::ParcelReturned,
        ];
        for over in [Shipped, Completed, Cancelled, Returned] {
            for step in OrderStep::iter().filter(|step| !back.contains(step)) {
                assert!(!step.leads().0.contains(&over), "{step:?} of what is {over:?}");
            }
        }
    }
}
