//! What is owed to suppliers (应付账款), and from their side what is to come (应收账款): one row for an approved invoice.
//!
//! What is outstanding is its face less what was credited and paid; every change of that is an entry that is never
//! changed. The house pays nothing: buyers report what they paid.

use crate::Relation;
use sea_orm::{Condition, Select, entity::prelude::*, sea_query::Expr};

use super::receivable::Evidence;
use crate::{
    party::Viewer,
    values::{
        Currency, Money,
        id::{OrganisationId, PayableId, SupplierInvoiceId},
    },
};

/// Where a payable is; derived from its amounts (付款状态).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, async_graphql::Enum)]
#[graphql(name = "PayableState")]
pub enum PayableState {
    /// Nothing was paid or credited yet (未付).
    Open,
    /// A part was (部分付款).
    PartlyPaid,
    /// Nothing is owed any more (已付清).
    Paid,
}

/// A row of `payable`. Amounts are in minor units of its currency.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, serde::Serialize, serde::Deserialize)]
#[sea_orm(table_name = "payable")]
pub struct Model {
    /// Identifier.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: PayableId,
    /// The invoice.
    #[sea_orm(unique)]
    pub invoice_id: SupplierInvoiceId,
    /// Who owes.
    pub buyer_id: OrganisationId,
    /// To whom.
    pub supplier_id: OrganisationId,
    /// In which currency.
    pub currency: Currency,
    /// How much was owed when it was approved.
    pub face_minor: i64,
    /// What debit notes took off since.
    pub credited_minor: i64,
    /// What the buyer says that it paid.
    pub paid_minor: i64,
    /// When the invoice was written.
    pub issue_date: Date,
    /// When it is to be paid.
    pub due_date: Date,
    /// Whether the buyer disputes it.
    pub disputed: bool,
    /// What it is made of; what it was made of before stands in its events.
    #[sea_orm(column_type = "JsonBinary")]
    pub evidence: Evidence,
    /// SHA-256 of the evidence in canonical form, in hex.
    pub evidence_sha256: String,
    /// That of the evidence before; none: this is the first.
    pub previous_sha256: Option<String>,
    /// Keyed hash of what identifies it.
    #[sea_orm(unique)]
    pub fingerprint: String,
    /// Counts up with the evidence.
    pub revision: i32,
    /// Counts up with every change.
    pub version: i32,
    /// When the invoice was approved.
    pub created_at: DateTimeUtc,
    /// When it last changed.
    pub updated_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}

impl Entity {
    /// The payables that `viewer` may see: what its organisation owes and is owed; all for who oversees.
    pub fn visible_to(viewer: &Viewer) -> Select<Self> {
        let shown = Condition::all().add(Expr::val(true));
        Self::find().filter(super::two_sided(viewer, Column::BuyerId, Column::SupplierId, shown))
    }
}

impl Model {
    /// An amount of this payable.
    pub fn money(&self, minor: i64) -> Money {
        Money { minor, currency: self.currency }
    }

    /// What is still owed, in minor units.
    pub fn outstanding_minor(&self) -> i64 {
        self.face_minor - self.credited_minor - self.paid_minor
    }

    /// Where it is.
    pub fn state(&self) -> PayableState {
        if self.outstanding_minor() == 0 {
            PayableState::Paid
        } else if self.credited_minor + self.paid_minor > 0 {
            PayableState::PartlyPaid
        } else {
            PayableState::Open
        }
    }

    /// Whether it should have been paid by now.
    pub fn is_overdue(&self, today: Date) -> bool {
        self.due_date < today && self.outstanding_minor() > 0
    }
}

/// What happened to what is owed (应付变动).
pub mod event {
    use crate::Relation;
    use sea_orm::entity::prelude::*;

    use crate::{
        procurement::receivable::Evidence,
        values::id::{PayableEventId, PayableId},
    };

    /// What happened (变动类型).
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
    pub enum PayableEventKind {
        /// The invoice was approved (形成).
        Created,
        /// The buyer says that it paid (付款).
        Paid,
        /// What was said of a payment was wrong, and is taken back (撤回付款登记).
        Withdrawn,
        /// A debit note took something off (抵减).
        Credited,
        /// What it rests on changed: it has other evidence (证据更正).
        Corrected,
        /// The buyer disputes it (争议).
        Disputed,
        /// The dispute is over (争议解决).
        Settled,
    }

    /// A row of `payable_event`; never changed.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, serde::Serialize)]
    #[sea_orm(table_name = "payable_event")]
    pub struct Model {
        /// Identifier.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: PayableEventId,
        /// Of which payable.
        pub payable_id: PayableId,
        /// What happened.
        pub kind: PayableEventKind,
        /// How much, in minor units.
        pub amount_minor: i64,
        /// The bank's reference, or the number of a debit note; one of a kind.
        pub reference: Option<String>,
        /// What there is to say to it.
        pub note: Option<String>,
        /// That of the evidence at that time.
        pub evidence_sha256: Option<String>,
        /// The evidence that it led to; none: that stayed as it was.
        #[sea_orm(column_type = "JsonBinary")]
        pub evidence: Option<Evidence>,
        /// Who.
        pub by: String,
        /// When.
        pub at: DateTimeUtc,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

pub use event::PayableEventKind;

#[cfg(test)]
mod tests {
    use chrono::{DateTime, NaiveDate, Utc};
    use uuid::Uuid;

    use super::*;

    #[test]
    fn what_is_owed_is_the_face_less_what_was_credited_and_paid() {
        let day = |text: &str| -> NaiveDate { text.parse().unwrap() };
        let row = Model {
            id: PayableId(Uuid::nil()),
            invoice_id: SupplierInvoiceId(Uuid::nil()),
            buyer_id: OrganisationId(Uuid::nil()),
            supplier_id: OrganisationId(Uuid::nil()),
            currency: Currency::CNY,
            face_minor: 100,
            credited_minor: 0,
            paid_minor: 0,
            issue_date: day("2026-03-01"),
            due_date: day("2026-03-31"),
            disputed: false,
            evidence: Evidence::default(),
            evidence_sha256: String::new(),
            previous_sha256: None,
            fingerprint: String::new(),
            revision: 1,
            version: 1,
            created_at: DateTime::<Utc>::UNIX_EPOCH,
            updated_at: DateTime::<Utc>::UNIX_EPOCH,
        };
        for (face, credited, paid, outstanding, state) in [
            (100, 0, 0, 100, PayableState::Open),
            (100, 10, 0, 90, PayableState::PartlyPaid),
            (100, 10, 50, 40, PayableState::PartlyPaid),
            (100, 10, 90, 0, PayableState::Paid),
            (0, 0, 0, 0, PayableState::Paid),
        ] {
            let row = Model { face_minor: face, credited_minor: credited, paid_minor: paid, ..row.clone() };
            assert_eq!((row.outstanding_minor(), row.state()), (outstanding, state), "{face} {credited} {paid}");
            assert_eq!(row.is_overdue(day("2026-04-01")), outstanding > 0);
            assert!(!row.is_overdue(day("2026-03-31")));
        }
    }
}
