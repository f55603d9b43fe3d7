//! Invoices of suppliers (供应商发票): recorded as they come, held against what was ordered and accepted, approved only
//! when they match. What of an order's line an invoice claims is in the line's `billed` from the match on.

use crate::Relation;
use sea_orm::{Condition, Select, entity::prelude::*, sea_query::Expr};

pub use super::invoice_no::InvoiceKind;
use super::terms::{Side, Texts};
use crate::{
    party::Viewer,
    values::{
        Currency, Money, Refusal,
        id::{OrganisationId, PersonId, SupplierInvoiceId},
    },
};

/// Most lines of an invoice.
pub const MOST_LINES: usize = 500;

/// State of an invoice (发票状态).
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
#[graphql(name = "SupplierInvoiceState")]
pub enum InvoiceState {
    /// It fits what was ordered and accepted, and claims it (已匹配).
    Matched,
    /// It does not fit; somebody has to decide what becomes of it (匹配异常).
    Exception,
    /// It is to be paid (已批准).
    Approved,
    /// Nothing of it is owed any more (已付清).
    Paid,
    /// It is not accepted (已拒绝).
    Rejected,
    /// Another one came in its place (已被更正).
    Superseded,
}

impl InvoiceState {
    /// Whether it takes a number: of one that is out of the way another one may have it.
    pub fn is_live(self) -> bool {
        !matches!(self, Self::Rejected | Self::Superseded)
    }
}

/// A step of an invoice (发票操作).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter)]
pub enum InvoiceStep {
    /// It fits now, or somebody lets it through.
    Match,
    /// It was looked at again and still does not fit.
    Fail,
    /// It is to be paid.
    Approve,
    /// Nothing of it is owed any more.
    Settle,
    /// Something of it is owed again: what was said of a payment was wrong.
    Reopen,
    /// It is not accepted.
    Reject,
    /// Another one comes in its place.
    Correct,
    /// A part of it is taken off by a debit note.
    Debit,
}

impl InvoiceStep {
    /// The states that it leads from, and where to; none: it stays where it is.
    pub fn leads(self) -> (&'static [InvoiceState], Option<InvoiceState>) {
        use InvoiceState::{Approved, Exception, Matched, Paid, Rejected, Superseded};
        match self {
            Self::Match => (&[Exception], Some(Matched)),
            Self::Fail => (&[Exception], Some(Exception)),
            Self::Approve => (&[Matched], Some(Approved)),
            Self::Settle => (&[Approved], Some(Paid)),
            Self::Reopen => (&[Paid], Some(Approved)),
            Self::Reject => (&[Matched, Exception], Some(Rejected)),
            Self::Correct => (&[Matched, Exception], Some(Superseded)),
            Self::Debit => (&[Matched, Exception, Approved], None),
        }
    }

    /// Where it leads from a state, or why not.
    pub fn from(self, state: InvoiceState) -> Result<InvoiceState, Refusal> {
        let (from, to) = self.leads();
        if from.contains(&state) {
            return Ok(to.unwrap_or(state));
        }
        Err(Refusal::illegal(state, format!("{self:?}").to_uppercase()))
    }
}

/// A row of `supplier_invoice`. Amounts are in minor units of its currency, as they stand on the invoice.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, serde::Serialize, serde::Deserialize)]
#[sea_orm(table_name = "supplier_invoice")]
pub struct Model {
    /// Identifier.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: SupplierInvoiceId,
    /// Who is to pay.
    pub buyer_id: OrganisationId,
    /// Who is to be paid.
    pub supplier_id: OrganisationId,
    /// What sort it is.
    pub kind: InvoiceKind,
    /// Its number (发票号码).
    pub invoice_no: String,
    /// Its code (发票代码).
    pub invoice_code: Option<String>,
    /// Its check code (校验码).
    pub check_code: Option<String>,
    /// What one invoice of the supplier is known by; none once it is out of the way.
    pub number_key: Option<String>,
    /// SHA-256 of its file, in hex.
    pub file_sha256: Option<String>,
    /// The same, none once it is out of the way.
    pub file_key: Option<String>,
    /// State.
    pub state: InvoiceState,
    /// When it was written (开票日期).
    pub issue_date: Date,
    /// When it is to be paid (到期日).
    pub due_date: Date,
    /// In which currency.
    pub currency: Currency,
    /// Without tax.
    pub net_minor: i64,
    /// Tax.
    pub tax_minor: i64,
    /// With tax.
    pub total_minor: i64,
    /// Which one it comes in place of.
    pub corrects_id: Option<SupplierInvoiceId>,
    /// Waybills that it names (运单号).
    #[sea_orm(column_type = "JsonBinary")]
    pub waybills: Texts,
    /// Who recorded it.
    pub recorded_by: String,
    /// The person, when it was one.
    pub recorder_id: Option<PersonId>,
    /// On which side.
    pub recorded_side: Side,
    /// Why it was let through although it does not fit.
    pub override_reason: Option<String>,
    /// Who let it through.
    pub overridden_by: Option<String>,
    /// Who approved it.
    pub approved_by: Option<String>,
    /// When it was approved.
    pub approved_at: Option<DateTimeUtc>,
    /// Why it was rejected.
    pub reject_reason: Option<String>,
    /// Counts up with every change.
    pub version: i32,
    /// When it was recorded.
    pub created_at: DateTimeUtc,
    /// When it last changed.
    pub updated_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}

impl Entity {
    /// The invoices that `viewer` may see: those of its organisation, to be paid or to be paid by; all for who
    /// oversees.
    pub fn visible_to(viewer: &Viewer) -> Select<Self> {
        let shown = Condition::all().add(Expr::val(true));
        Self::find().filter(super::two_sided(viewer, Column::BuyerId, Column::SupplierId, shown))
    }
}

impl Model {
    /// An amount of this invoice.
    pub fn money(&self, minor: i64) -> Money {
        Money { minor, currency: self.currency }
    }
}

/// What an invoice is for, line by line (发票明细).
pub mod line {
    use crate::Relation;
    use sea_orm::entity::prelude::*;

    use crate::{
        procurement::unit_price::UnitPrice,
        values::id::{GoodsReceiptLineId, PurchaseOrderLineId, SupplierInvoiceId, SupplierInvoiceLineId},
    };

    /// A row of `supplier_invoice_line`.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, serde::Serialize)]
    #[sea_orm(table_name = "supplier_invoice_line")]
    pub struct Model {
        /// Identifier.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: SupplierInvoiceLineId,
        /// Of which invoice.
        pub invoice_id: SupplierInvoiceId,
        /// Its place in it, from 0 on.
        pub position: i32,
        /// Which line of an order it is for; none: nobody knows.
        pub order_line_id: Option<PurchaseOrderLineId>,
        /// Which delivery of it; none: any.
        pub receipt_line_id: Option<GoodsReceiptLineId>,
        /// What it says that it is for.
        pub description: String,
        /// How much.
        pub quantity: i64,
        /// How much of it debit notes took off.
        pub debited: i64,
        /// For what a unit.
        pub price: UnitPrice,
        /// Together, without tax, in minor units.
        pub amount_minor: i64,
        /// At which rate of tax, in parts per million.
        pub tax_ppm: i32,
        /// What of it is in the order line's `billed`.
        pub claimed: i64,
        /// What of that is beyond what may be billed; in the order line's `overridden`.
        pub overridden: i64,
        /// What of it is in the receipt line's `billed`: no more than was accepted there.
        pub noted: i64,
    }

    impl ActiveModelBehavior for ActiveModel {}

    impl Model {
        /// What is left of it after debit notes.
        pub fn left(&self) -> i64 {
            self.quantity - self.debited
        }
    }
}

#[cfg(test)]
mod tests {
    use sea_orm::Iterable;

    use super::*;

    #[test]
    fn an_invoice_goes_along_its_table() {
        use InvoiceState::{Approved, Exception, Matched, Paid, Rejected, Superseded};
        use InvoiceStep as S;
        let table = [
            (S::Match, Exception, Matched),
            (S::Fail, Exception, Exception),
            (S::Approve, Matched, Approved),
            (S::Settle, Approved, Paid),
            (S::Reopen, Paid, Approved),
            (S::Reject, Matched, Rejected),
            (S::Reject, Exception, Rejected),
            (S::Correct, Matched, Superseded),
            (S::Correct, Exception, Superseded),
            (S::Debit, Matched, Matched),
            (S::Debit, Exception, Exception),
            (S::Debit, Approved, Approved),
        ];
        for step in S::iter() {
            for state in InvoiceState::iter() {
                let expected = table.iter().find(|(s, from, _)| (*s, *from) == (step, state)).map(|(_, _, to)| *to);
                assert_eq!(step.from(state).ok(), expected, "{step:?} of what is {state:?}");
            }
        }
    }

    #[test]
    fn what_does_not_match_is_never_approved_and_what_is_out_of_the_way_has_no_number() {
        let (from, _) = InvoiceStep::Approve.leads();
        assert_eq!(from, [InvoiceState::Matched]);
        for state in InvoiceState::iter() {
            let gone = InvoiceStep::iter().all(|step| step.from(state).is_err());
            assert_eq!(state.is_live(), !gone, "{state:?}");
        }
    }
}
