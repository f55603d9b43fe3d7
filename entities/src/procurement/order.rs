//! Purchase orders (采购订单): what one supplier is to deliver, at which prices and until when.
//!
//! - what was agreed is kept by its number of revision ([`version`]); an order goes along the table of [`OrderStep`];
//! - while a change of what was sent is not approved and sent, the order keeps what was agreed last ([`Agreed`]): its
//!   supplier sees that, and it comes back when the change is given up;
//! - amounts are made line by line and then added; tax is made once for each rate ([`totals`]);
//! - the guarded quantities are on the [`line`]: the database itself refuses more than was ordered, accepted and
//!   billed.

use std::collections::{BTreeMap, BTreeSet};

use crate::Relation;
use rust_decimal::Decimal;
use sea_orm::{Condition, FromJsonQueryResult, entity::prelude::*};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    terms::{Fx, People, Schedule, WHOLE_PPM},
    unit_price::{UnitPrice, minor},
};
use crate::{
    ordering::Incoterm,
    party::Viewer,
    values::{
        Currency, Money, Refusal,
        id::{
            CategoryId, OrganisationId, PersonId, PurchaseOrderId, PurchaseOrderLineId, RfqId, StockLocationId,
            SupplyAgreementId,
        },
    },
};

/// Most lines of an order.
pub const MOST_LINES: usize = 500;
/// Most days until an invoice of it is to be paid.
pub const MOST_DAYS: i32 = 365;

/// State of an order (采购订单状态).
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum, Serialize, Deserialize, async_graphql::Enum,
)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(24))", rename_all = "snake_case")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[graphql(name = "PurchaseOrderState")]
pub enum OrderState {
    /// Being written (草稿).
    Draft,
    /// Waits for approvers (待审批).
    PendingApproval,
    /// Approved, and not sent yet (已批准).
    Approved,
    /// Sent to its supplier (已发出).
    Sent,
    /// The supplier agrees (供应商已确认).
    Acknowledged,
    /// The supplier would rather deliver otherwise (供应商提出变更).
    ChangeProposed,
    /// Something was delivered (执行中).
    InProgress,
    /// Delivered and billed (已完成). What goes back to its supplier afterwards opens it again.
    Closed,
    /// What is missing is given up; what was accepted is still billed (短缺关闭).
    ShortClosed,
    /// The supplier does not deliver it (供应商已拒绝).
    Rejected,
    /// Given up before anything was delivered (已取消).
    Cancelled,
}

/// A step of an order's life (采购订单操作).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter)]
pub enum OrderStep {
    /// Its buyer asks for approval.
    Submit,
    /// Its buyer takes it back to change it: what was approved is void.
    Recall,
    /// Its last approver agrees.
    ApproveLast,
    /// An approver does not agree.
    SendBack,
    /// It goes to its supplier.
    Send,
    /// The supplier agrees.
    Acknowledge,
    /// The supplier proposes another delivery or price.
    ProposeChange,
    /// Its buyer decides about that, and the total does not rise.
    SettleChange,
    /// Its buyer changes it, and the total does not rise: the supplier is asked again.
    Amend,
    /// It is changed, and the total rises: it is approved anew.
    AmendUp,
    /// The supplier does not deliver.
    Reject,
    /// The first delivery was taken in.
    Begin,
    /// All of it was delivered and billed.
    Close,
    /// Some of what was delivered went back, and is to come again.
    Reopen,
    /// Its buyer gives up what is missing.
    ShortClose,
    /// Its buyer gives it up.
    Cancel,
}

impl OrderStep {
    /// The states that it leads from, and where to.
    pub fn leads(self) -> (&'static [OrderState], OrderState) {
        use OrderState::{
            Acknowledged, Approved, Cancelled, ChangeProposed, Closed, Draft, InProgress, PendingApproval, Rejected,
            Sent, ShortClosed,
        };
        match self {
            Self::Submit => (&[Draft], PendingApproval),
            Self::Recall => (&[PendingApproval, Approved], Draft),
            Self::ApproveLast => (&[PendingApproval], Approved),
            Self::SendBack => (&[PendingApproval], Draft),
            Self::Send => (&[Approved], Sent),
            Self::Acknowledge => (&[Sent], Acknowledged),
            Self::ProposeChange => (&[Sent, Acknowledged], ChangeProposed),
            Self::SettleChange => (&[ChangeProposed], Sent),
            Self::Amend => (&[Sent, Acknowledged, ChangeProposed], Sent),
            Self::AmendUp => (&[Sent, Acknowledged, ChangeProposed, InProgress], PendingApproval),
            Self::Reject => (&[Sent], Rejected),
            // What is delivered before it was acknowledged is acknowledged by that.
            Self::Begin => (&[Sent, Acknowledged], InProgress),
            Self::Close => (&[InProgress], Closed),
            Self::Reopen => (&[Closed], InProgress),
            Self::ShortClose => (&[Sent, Acknowledged, InProgress], ShortClosed),
            Self::Cancel => (&[Draft, PendingApproval, Approved, Sent, Acknowledged, ChangeProposed], Cancelled),
        }
    }

    /// Where it leads from a state, or why not.
    pub fn from(self, state: OrderState) -> Result<OrderState, Refusal> {
        let (from, to) = self.leads();
        if from.contains(&state) {
            return Ok(to);
        }
        Err(Refusal::illegal(state, screaming(&format!("{self:?}"))))
    }
}

/// The name of a step as the API writes names: `SHORT_CLOSE`.
pub(super) fn screaming(name: &str) -> String {
    let mut written = String::with_capacity(name.len() + 4);
    for (n, letter) in name.chars().enumerate() {
        if n > 0 && letter.is_uppercase() {
            written.push('_');
        }
        written.extend(letter.to_uppercase());
    }
    written
}

/// What the supplier would rather deliver (供应商变更提议).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
pub struct Proposal {
    /// Which lines otherwise.
    pub lines: Vec<ProposedLine>,
    /// Why.
    pub note: String,
    /// Who proposes it.
    pub by: String,
    /// When.
    pub at: DateTimeUtc,
}

/// A line as its supplier would rather have it; what is not said stays as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProposedLine {
    /// Which.
    pub line: PurchaseOrderLineId,
    /// How much.
    pub quantity: Option<i64>,
    /// At which price.
    pub price: Option<UnitPrice>,
    /// Until when.
    pub needed_on: Option<chrono::NaiveDate>,
    /// When how much of it comes.
    pub schedule: Option<Schedule>,
}

/// What the lines of an order come to, in minor units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Without tax.
    pub net: i64,
    /// Tax.
    pub tax: i64,
    /// With tax.
    pub total: i64,
}

/// The totals of lines, each its amount and its rate of tax in parts per million: amounts are rounded line by line and
/// then added, tax is rounded once for each rate. None when it is more than money can be.
pub fn totals(lines: &[(i64, i32)], currency: Currency) -> Option<Totals> {
    let mut rates: BTreeMap<i32, i64> = BTreeMap::new();
    for (amount, ppm) in lines {
        let sum = rates.entry(*ppm).or_default();
        *sum = sum.checked_add(*amount)?;
    }
    let mut sums = Totals::default();
    for (ppm, net) in rates {
        let value = Money { minor: net, currency }.decimal();
        let share = Decimal::from(ppm) / Decimal::from(WHOLE_PPM);
        sums.net = sums.net.checked_add(net)?;
        sums.tax = sums.tax.checked_add(minor(value.checked_mul(share)?, currency)?)?;
    }
    sums.total = sums.net.checked_add(sums.tax)?;
    (sums.total <= Money::MAX_MINOR).then_some(sums)
}

/// Whether a change of an order that was approved needs approval again: it comes to more, in its own currency or in
/// renminbi, or it buys of a category that nobody approved.
pub fn needs_new_approval(
    (before, approved): (&Model, &[line::Model]),
    (after, lines): (&Model, &[line::Model]),
) -> bool {
    let known: BTreeSet<Option<CategoryId>> = approved.iter().map(|line| line.category_id).collect();
    after.total_minor > before.total_minor
        || after.base_minor > before.base_minor
        || lines.iter().any(|line| !known.contains(&line.category_id))
}

/// An order as it was agreed last, while a change of it is not approved and sent (变更前的订单).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
pub struct Agreed {
    /// Why it is changed.
    pub reason: String,
    /// What it came to in renminbi.
    pub base_minor: i64,
    /// The order as it was, by the names of its columns. An order within an order would be a type within itself, of
    /// which the compiler proves nothing in good time.
    pub order: Value,
    /// Its lines as they were.
    pub lines: Vec<line::Model>,
}

impl Agreed {
    /// An order as it is, before it is changed.
    pub fn of(reason: &str, order: &Model, lines: &[line::Model]) -> serde_json::Result<Self> {
        let (base_minor, lines) = (order.base_minor, lines.to_vec());
        Ok(Self { reason: reason.to_owned(), base_minor, order: serde_json::to_value(order)?, lines })
    }

    /// The order as it was. A column that came to the table later is as it is now.
    pub fn order(&self, now: &Model) -> serde_json::Result<Model> {
        let mut all = serde_json::to_value(now)?;
        if let (Value::Object(all), Value::Object(was)) = (&mut all, &self.order) {
            all.extend(was.clone());
        }
        serde_json::from_value(all)
    }

    /// Its lines, with what was delivered and billed meanwhile; what the change added is not among them.
    pub fn lines_with(&self, now: &[line::Model]) -> Vec<line::Model> {
        let now: BTreeMap<PurchaseOrderLineId, &line::Model> = now.iter().map(|line| (line.id, line)).collect();
        let line = |agreed: &line::Model| {
            let Some(now) = now.get(&agreed.id) else { return agreed.clone() };
            line::Model {
                received: now.received,
                accepted: now.accepted,
                rejected: now.rejected,
                returned: now.returned,
                billed: now.billed,
                overridden: now.overridden,
                short_closed: now.short_closed,
                ..agreed.clone()
            }
        };
        self.lines.iter().map(line).collect()
    }
}

/// A row of `purchase_order`. Amounts are in minor units of its currency.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
#[sea_orm(table_name = "purchase_order")]
pub struct Model {
    /// Identifier.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: PurchaseOrderId,
    /// What people call it (订单号).
    #[sea_orm(unique)]
    pub number: String,
    /// Who buys.
    pub buyer_id: OrganisationId,
    /// Who delivers.
    pub supplier_id: OrganisationId,
    /// State.
    pub state: OrderState,
    /// Which revision people see, from 1 on (版本).
    pub revision: i32,
    /// The request for quotations that it comes from.
    pub rfq_id: Option<RfqId>,
    /// The framework agreement that it takes from.
    pub agreement_id: Option<SupplyAgreementId>,
    /// In which currency.
    pub currency: Currency,
    /// How much renminbi that is, as it was fixed; none: it is in renminbi.
    #[sea_orm(column_type = "JsonBinary")]
    pub fx: Option<Fx>,
    /// Who pays carriage up to where.
    pub incoterm: Incoterm,
    /// Up to where.
    pub named_place: String,
    /// Days until its invoices are to be paid.
    pub payment_days: i32,
    /// Where its goods are taken in.
    pub deliver_to_id: Option<StockLocationId>,
    /// Without tax.
    pub net_minor: i64,
    /// Tax.
    pub tax_minor: i64,
    /// With tax.
    pub total_minor: i64,
    /// The same in fen: what policies and limits count.
    pub base_minor: i64,
    /// What the approval policy counted when it was submitted: this, and what was ordered of the same supplier shortly
    /// before.
    pub counted_minor: i64,
    /// What its supplier would rather deliver.
    #[sea_orm(column_type = "JsonBinary")]
    pub proposal: Option<Proposal>,
    /// What there is to say to it.
    pub note: Option<String>,
    /// Who submitted it: never who approves it.
    pub requested_by: Option<PersonId>,
    /// Who changed it last: neither.
    pub edited_by: Option<PersonId>,
    /// Who else changed it since it was last sent: nor they.
    #[sea_orm(column_type = "JsonBinary")]
    pub editors: People,
    /// Who made it.
    pub created_by: String,
    /// Whether the supplier's standing gave a warning.
    pub warned: bool,
    /// When it was last submitted.
    pub submitted_at: Option<DateTimeUtc>,
    /// When it first went to its supplier.
    pub sent_at: Option<DateTimeUtc>,
    /// When its supplier agreed to what it says now.
    pub acknowledged_at: Option<DateTimeUtc>,
    /// When it was over.
    pub closed_at: Option<DateTimeUtc>,
    /// Why it was cancelled, rejected, or closed short.
    pub close_reason: Option<String>,
    /// What was agreed last, while a change of that is not approved and sent.
    #[sea_orm(column_type = "JsonBinary")]
    #[serde(skip)]
    pub agreed: Option<Agreed>,
    /// Counts up with every change by people.
    pub version: i32,
    /// Since when.
    pub created_at: DateTimeUtc,
    /// When it, or a quantity of its lines, last changed.
    pub updated_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}

impl Entity {
    /// The orders that `viewer` may see: its organisation's as the buyer; as the supplier those that were sent.
    pub fn visible_to(viewer: &Viewer) -> Select<Self> {
        let sent = Condition::all().add(Column::SentAt.is_not_null());
        Self::find().filter(super::two_sided(viewer, Column::BuyerId, Column::SupplierId, sent))
    }
}

impl Model {
    /// An amount of this order.
    pub fn money(&self, minor: i64) -> Money {
        Money { minor, currency: self.currency }
    }

    /// An amount of it in fen; none when it is more than money can be.
    pub fn base(&self, minor: i64) -> Option<i64> {
        match &self.fx {
            Some(fx) => fx.base(minor, self.currency),
            None => Some(minor),
        }
    }

    /// Those who asked for it, or changed it since it was last sent: none of them approves it.
    pub fn asking(&self) -> Vec<PersonId> {
        self.requested_by.iter().chain(&self.edited_by).chain(&self.editors.0).copied().collect()
    }

    /// The order as its supplier knows it: what was agreed last, until a change of that is approved and sent. That it
    /// is being changed is no secret, how far that is and to what is one.
    pub fn for_supplier(mut self) -> serde_json::Result<Self> {
        let Some(agreed) = self.agreed.take() else { return Ok(self) };
        let state = match self.state {
            OrderState::Draft | OrderState::Approved => OrderState::PendingApproval,
            other => other,
        };
        let order = agreed.order(&self)?;
        Ok(Self {
            state,
            closed_at: self.closed_at,
            close_reason: self.close_reason,
            version: self.version,
            updated_at: self.updated_at,
            ..order
        })
    }

    /// The order as a viewer who may see it does: who buys and who oversees the zone see what it says now.
    pub fn seen_by(self, viewer: &Viewer) -> serde_json::Result<Self> {
        let inside = viewer.oversees() || viewer.organisation() == Some(self.buyer_id);
        if inside { Ok(self) } else { self.for_supplier() }
    }
}

/// Lines of orders (采购订单明细).
pub mod line {
    use crate::Relation;
    use sea_orm::entity::prelude::*;

    use crate::{
        procurement::{
            terms::{Schedule, Tolerance},
            unit_price::UnitPrice,
        },
        values::id::{CategoryId, PurchaseOrderId, PurchaseOrderLineId, RfqAwardId, SupplyAgreementLineId, VariantId},
    };

    /// A row of `purchase_order_line`. Quantities are whole trade units; what was received, accepted, rejected,
    /// returned and billed is changed by guarded statements only, under the lock of the order.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, serde::Serialize, serde::Deserialize)]
    #[sea_orm(table_name = "purchase_order_line")]
    pub struct Model {
        /// Identifier.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: PurchaseOrderLineId,
        /// Of which order.
        pub order_id: PurchaseOrderId,
        /// Its place in it, from 0 on.
        pub position: i32,
        /// Of what; none: it is nothing of the catalogue, a service for instance.
        pub variant_id: Option<VariantId>,
        /// Of which category.
        pub category_id: Option<CategoryId>,
        /// What it is, in words.
        pub description: String,
        /// What it is counted in.
        pub unit: String,
        /// How much is ordered.
        pub quantity: i64,
        /// At which price of one unit.
        pub price: UnitPrice,
        /// What it comes to without tax, in minor units.
        pub amount_minor: i64,
        /// Rate of tax, in parts per million.
        pub tax_ppm: i32,
        /// Until when it is needed.
        pub needed_on: Option<Date>,
        /// How much is to come when.
        #[sea_orm(column_type = "JsonBinary")]
        pub schedule: Schedule,
        /// The line of a framework agreement that it takes from.
        pub agreement_line_id: Option<SupplyAgreementLineId>,
        /// The award that it comes from.
        pub award_id: Option<RfqAwardId>,
        /// How far deliveries and invoices may differ, as it was when this was ordered.
        #[sea_orm(column_type = "JsonBinary")]
        pub tolerance: Tolerance,
        /// By how much more than ordered may be taken in: that of `tolerance`, for the database to look at.
        pub over_receipt_ppm: i32,
        /// By how much more than accepted may be billed: that of `tolerance`, for the database to look at.
        pub over_bill_ppm: i32,
        /// How much was delivered.
        pub received: i64,
        /// How much of that is as it should be.
        pub accepted: i64,
        /// How much of it is not.
        pub rejected: i64,
        /// How much of that went back.
        pub returned: i64,
        /// How much is billed.
        pub billed: i64,
        /// How much of that was let through by hand.
        pub overridden: i64,
        /// How much of what was ordered is given up.
        pub short_closed: i64,
    }

    impl ActiveModelBehavior for ActiveModel {}

    impl Model {
        /// How much is still wanted in all.
        pub fn wanted(&self) -> i64 {
            self.quantity - self.short_closed
        }

        /// How much is here, looked at or not.
        pub fn here(&self) -> i64 {
            self.received - self.returned
        }

        /// Whether something was delivered or billed of it.
        pub fn touched(&self) -> bool {
            self.received > 0 || self.billed > 0
        }
    }
}

/// Orders as they were agreed (采购订单版本).
pub mod version {
    use crate::Relation;
    use sea_orm::{FromJsonQueryResult, entity::prelude::*};
    use serde::{Deserialize, Serialize};

    use crate::{
        ordering::Incoterm,
        procurement::{
            terms::{Fx, Schedule},
            unit_price::UnitPrice,
        },
        values::{
            Currency,
            id::{OrganisationId, PurchaseOrderId, StockLocationId, VariantId},
        },
    };

    /// What was agreed: all that the supplier holds in its hands, and nothing of what happened afterwards.
    #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
    #[expect(missing_docs, reason = "the columns of the order")]
    pub struct OrderSnapshot {
        pub number: String,
        pub revision: i32,
        pub buyer: OrganisationId,
        pub supplier: OrganisationId,
        pub currency: Currency,
        pub fx: Option<Fx>,
        pub incoterm: Incoterm,
        pub named_place: String,
        pub payment_days: i32,
        pub deliver_to: Option<StockLocationId>,
        pub net_minor: i64,
        pub tax_minor: i64,
        pub total_minor: i64,
        pub note: Option<String>,
        pub lines: Vec<LineSnapshot>,
    }

    /// A line of what was agreed.
    #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
    #[expect(missing_docs, reason = "the columns of the line")]
    pub struct LineSnapshot {
        pub position: i32,
        pub variant: Option<VariantId>,
        pub description: String,
        pub unit: String,
        pub quantity: i64,
        pub price: UnitPrice,
        pub amount_minor: i64,
        pub tax_ppm: i32,
        pub needed_on: Option<chrono::NaiveDate>,
        pub schedule: Schedule,
        pub short_closed: i64,
    }

    /// A row of `purchase_order_version`: never changed.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
    #[sea_orm(table_name = "purchase_order_version")]
    pub struct Model {
        /// Of which order.
        #[sea_orm(primary_key, auto_increment = false)]
        pub order_id: PurchaseOrderId,
        /// Which revision.
        #[sea_orm(primary_key, auto_increment = false)]
        pub revision: i32,
        /// What was agreed.
        #[sea_orm(column_type = "JsonBinary")]
        pub content: OrderSnapshot,
        /// What it came to.
        pub total_minor: i64,
        /// Why there is another revision.
        pub reason: String,
        /// Who made it.
        pub made_by: String,
        /// When.
        pub at: DateTimeUtc,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

#[cfg(test)]
pub(crate) mod tests {
    use sea_orm::Iterable;
    use uuid::Uuid;

    use super::*;
    use crate::procurement::terms::{Schedule, Tolerance};

    /// A line of which nothing happened yet.
    pub(crate) fn a_line() -> line::Model {
        line::Model {
            id: PurchaseOrderLineId(Uuid::nil()),
            order_id: PurchaseOrderId(Uuid::nil()),
            position: 0,
            variant_id: None,
            category_id: None,
            description: "Rug".into(),
            unit: "pc".into(),
            quantity: 100,
            price: UnitPrice(10_000_000),
            amount_minor: 100_000,
            tax_ppm: 0,
            needed_on: None,
            schedule: Schedule::default(),
            agreement_line_id: None,
            award_id: None,
            tolerance: Tolerance::default(),
            over_receipt_ppm: 0,
            over_bill_ppm: 0,
            received: 0,
            accepted: 0,
            rejected: 0,
            returned: 0,
            billed: 0,
            overridden: 0,
            short_closed: 0,
        }
    }

    /// An order of one such line that was sent.
    pub(crate) fn an_order() -> Model {
        Model {
            id: PurchaseOrderId(Uuid::nil()),
            number: "PO1".into(),
            buyer_id: OrganisationId(Uuid::from_u128(1)),
            supplier_id: OrganisationId(Uuid::from_u128(2)),
            state: OrderState::Sent,
            revision: 1,
            rfq_id: None,
            agreement_id: None,
            currency: Currency::CNY,
            fx: None,
            incoterm: Incoterm::Ddp,
            named_place: "Xining".into(),
            payment_days: 30,
            deliver_to_id: None,
            net_minor: 100_000,
            tax_minor: 0,
            total_minor: 100_000,
            base_minor: 100_000,
            counted_minor: 100_000,
            proposal: None,
            note: None,
            requested_by: None,
            edited_by: None,
            editors: People::default(),
            created_by: "test".into(),
            warned: false,
            submitted_at: None,
            sent_at: Some(chrono::DateTime::default()),
            acknowledged_at: None,
            closed_at: None,
            close_reason: None,
            agreed: None,
            version: 4,
            created_at: chrono::DateTime::default(),
            updated_at: chrono::DateTime::default(),
        }
    }

    #[test]
    fn an_order_goes_along_its_table() {
        use OrderState as O;
        use OrderStep as S;
        let table = [
            (S::Submit, &[O::Draft][..], O::PendingApproval),
            (S::Recall, &[O::PendingApproval, O::Approved], O::Draft),
            (S::ApproveLast, &[O::PendingApproval], O::Approved),
            (S::SendBack, &[O::PendingApproval], O::Draft),
            (S::Send, &[O::Approved], O::Sent),
            (S::Acknowledge, &[O::Sent], O::Acknowledged),
            (S::ProposeChange, &[O::Sent, O::Acknowledged], O::ChangeProposed),
            (S::SettleChange, &[O::ChangeProposed], O::Sent),
            (S::Amend, &[O::Sent, O::Acknowledged, O::ChangeProposed], O::Sent),
            (S::AmendUp, &[O::Sent, O::Acknowledged, O::ChangeProposed, O::InProgress], O::PendingApproval),
            (S::Reject, &[O::Sent], O::Rejected),
            (S::Begin, &[O::Sent, O::Acknowledged], O::InProgress),
            (S::Close, &[O::InProgress], O::Closed),
            (S::Reopen, &[O::Closed], O::InProgress),
            (S::ShortClose, &[O::Sent, O::Acknowledged, O::InProgress], O::ShortClosed),
            (
                S::Cancel,
                &[O::Draft, O::PendingApproval, O::Approved, O::Sent, O::Acknowledged, O::ChangeProposed],
                O::Cancelled,
            ),
        ];
        for step in S::iter() {
            let (_, from, to) = table.iter().find(|(listed, ..)| *listed == step).expect("a row of the table");
            for state in O::iter() {
                let expected = from.contains(&state).then_some(*to);
                assert_eq!(step.from(state).ok(), expected, "{step:?} of what is {state:?}");
            }
        }
        for over in [O::ShortClosed, O::Rejected, O::Cancelled] {
            assert!(S::iter().all(|step| step.from(over).is_err()), "what is {over:?} goes on");
        }
    }

    #[test]
    fn steps_are_named_as_the_api_writes_names() {
        let refused = OrderStep::ShortClose.from(OrderState::Draft).unwrap_err();
        assert_eq!(refused.details.get("action").map(String::as_str), Some("SHORT_CLOSE"));
        assert_eq!(refused.details.get("from").map(String::as_str), Some("DRAFT"));
    }

    #[test]
    fn lines_are_rounded_and_then_added() {
        let cny = Currency::CNY;
        // Three of 3.335 are 10.005, which is 10.01; three such lines are 30.03 and not 30.02.
        let amount = UnitPrice(3_335_000).amount(3, cny).unwrap();
        assert_eq!(amount, 1_001);
        let sums = totals(&[(amount, 130_000); 3], cny).unwrap();
        assert_eq!(sums, Totals { net: 3_003, tax: 390, total: 3_393 });
        // Tax once for each rate: 0.04 at 13% is 0.01 of tax, and twice that is 0.01 as well.
        for (lines, expected) in [
            (&[][..], Totals::default()),
            (&[(1_000, 0)][..], Totals { net: 1_000, tax: 0, total: 1_000 }),
            (&[(4, 130_000), (4, 130_000)][..], Totals { net: 8, tax: 1, total: 9 }),
            (&[(4, 130_000), (4, 90_000)][..], Totals { net: 8, tax: 1, total: 9 }),
        ] {
            assert_eq!(totals(lines, cny), Some(expected), "{lines:?}");
        }
        assert_eq!(totals(&[(Money::MAX_MINOR, 1_000_000)], cny), None);
        let yen = totals(&[(105, 100_000)], "JPY".parse().unwrap()).unwrap();
        assert_eq!(yen.tax, 11, "half a yen of tax is one");
    }

    #[test]
    fn what_is_dearer_or_of_another_category_is_approved_again() {
        let wine = Some(CategoryId(Uuid::from_u128(1)));
        let (before, line) = (an_order(), line::Model { category_id: wine, ..a_line() });
        let approved = [line.clone()];
        let at = |total_minor, base_minor| Model { total_minor, base_minor, ..an_order() };
        let rug = line::Model { category_id: Some(CategoryId(Uuid::from_u128(2))), ..line.clone() };
        let service = line::Model { category_id: None, ..line.clone() };
        for (after, lines, expected) in [
            (at(100_000, 100_000), std::slice::from_ref(&line), false),
            (at(99_999, 99_999), std::slice::from_ref(&line), false),
            (at(100_001, 100_001), std::slice::from_ref(&line), true),
            // No more dollars, and more renminbi.
            (at(100_000, 100_001), std::slice::from_ref(&line), true),
            (at(100_000, 100_000), &[rug], true),
            (at(90_000, 90_000), &[line.clone(), service], true),
            (at(100_000, 100_000), &[line.clone(), line.clone()], false),
        ] {
            let asked = needs_new_approval((&before, &approved[..]), (&after, lines));
            assert_eq!(asked, expected, "{after:?} {lines:?}");
        }
    }

    #[test]
    fn a_supplier_knows_what_was_agreed_and_not_what_it_is_being_changed_to() {
        let lines = vec![a_line()];
        let agreed = Agreed::of("more", &an_order(), &lines).unwrap();
        let added = line::Model { id: PurchaseOrderLineId(Uuid::from_u128(9)), ..a_line() };
        let now = [line::Model { quantity: 200, received: 5, billed: 3, ..a_line() }, added];
        assert_eq!(agreed.lines_with(&now), [line::Model { received: 5, billed: 3, ..a_line() }]);
        for (state, shown) in [
            (OrderState::Draft, OrderState::PendingApproval),
            (OrderState::PendingApproval, OrderState::PendingApproval),
            (OrderState::Approved, OrderState::PendingApproval),
            (OrderState::Cancelled, OrderState::Cancelled),
        ] {
            let agreed = Some(agreed.clone());
            let row = Model { state, revision: 2, total_minor: 200_000, version: 9, agreed, ..an_order() };
            assert_eq!(row.for_supplier().unwrap(), Model { state: shown, version: 9, ..an_order() });
        }
        assert_eq!(an_order().for_supplier().unwrap(), an_order());
    }

    #[test]
    fn whoever_changed_an_order_since_it_was_sent_asks_for_it() {
        let person = |n: u128| PersonId(Uuid::from_u128(n));
        let editors = People(vec![person(1), person(2)]);
        let row = Model { requested_by: Some(person(3)), edited_by: Some(person(2)), editors, ..an_order() };
        assert_eq!(row.asking(), [person(3), person(2), person(1), person(2)]);
    }
}
