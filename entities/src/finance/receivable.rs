//! Receivables (应收账款): what a debtor is to pay a seller for one invoice, and what may be done with that claim.
//!
//! A receivable has three statuses that do not depend on each other:
//!
//! - commercial ([`CommercialStatus`]): derived from its amounts, never kept;
//! - confirmation ([`ConfirmationStatus`]): what the debtor said of it ([`ConfirmationStep`] is the table);
//! - encumbrance ([`EncumbranceStatus`]): whether somebody finances it ([`EncumbranceStep`] is the table).
//!
//! What is outstanding is the face less what was paid, credited and set off; each of these is the sum of its events. One
//! invoice is one receivable, whoever brings it: its fingerprint is unique. Being overdue is a question of the day.

use crate::Relation;
use chrono::{Days, NaiveDate};
use sea_orm::{
    Condition, Select,
    entity::prelude::*,
    sea_query::{Expr, Query},
};

use super::request::encumbrance;
use crate::{
    party::{Viewer, machine_client::Scope},
    procurement::{InvoiceKind, receivable::Evidence},
    values::{
        Currency, ErrorCode, Money, Refusal,
        id::{OrganisationId, PayableId, ReceivableId},
    },
};

/// Most days between an invoice and when it is due: what is due later is no trade credit (A1: at most a year).
pub const MOST_TENOR: u64 = 365;
/// From so many days on a tenor is looked at: six months in principle.
pub const LONG_TENOR: i64 = 180;
/// Most receivables of one request.
pub const MOST: usize = 500;

/// Where a receivable comes from (应收来源).
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
pub enum ReceivableSource {
    /// An invoice that was matched with order and receipts, and approved (三单匹配).
    MatchedInvoice,
    /// The seller says so (债权人导入).
    Imported,
    /// The debtor says so (债务人上传).
    Uploaded,
}

/// What became of the money, by the amounts (款项状态).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, async_graphql::Enum)]
pub enum CommercialStatus {
    /// Nothing came yet (未付).
    Open,
    /// A part came, or was taken off (部分付款).
    PartlyPaid,
    /// Nothing is outstanding, and some of it was paid (已付清).
    Paid,
    /// All of it was credited or set off (已抵减).
    Credited,
    /// Nobody expects it any more (已核销).
    WrittenOff,
}

/// What the debtor said of it (确认状态).
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
pub enum ConfirmationStatus {
    /// Nobody asked (未申请).
    None,
    /// The debtor is asked (待确认).
    Requested,
    /// It is to be paid, all of it (已确认).
    Confirmed,
    /// A part of it is to be paid (部分确认).
    Partial,
    /// The debtor disputes it (有争议).
    Disputed,
    /// The debtor does not owe it (已拒绝).
    Rejected,
    /// The debtor did not answer in time, which is no yes (已过期).
    Expired,
}

/// What is done about the confirmation (确认操作).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter)]
pub enum ConfirmationStep {
    /// The seller asks.
    Request,
    /// The seller takes the question back.
    Recall,
    /// The debtor says that it pays all that is outstanding.
    Confirm,
    /// The debtor says that it pays a part.
    ConfirmPart,
    /// The debtor disputes it.
    Dispute,
    /// The debtor says that it does not owe it.
    Reject,
    /// Nobody answered in time.
    Expire,
    /// The debtor brings it along by itself: confirmed at once.
    Upload,
}

impl ConfirmationStep {
    /// The states that it leads from, and where to (A3).
    pub fn leads(self) -> (&'static [ConfirmationStatus], ConfirmationStatus) {
        use ConfirmationStatus::{Confirmed, Disputed, Expired, None, Partial, Rejected, Requested};
        match self {
            Self::Request => (&[None, Expired, Rejected], Requested),
            Self::Recall => (&[Requested], None),
            Self::Confirm => (&[Requested, Disputed], Confirmed),
            Self::ConfirmPart => (&[Requested, Disputed], Partial),
            Self::Dispute => (&[Requested], Disputed),
            Self::Reject => (&[Requested, Disputed], Rejected),
            Self::Expire => (&[Requested], Expired),
            Self::Upload => (&[None, Requested, Disputed, Rejected, Expired], Confirmed),
        }
    }

    /// Where it leads from a state, or why not.
    pub fn from(self, state: ConfirmationStatus) -> Result<ConfirmationStatus, Refusal> {
        let (from, to) = self.leads();
        if from.contains(&state) {
            return Ok(to);
        }
        let doing = match self {
            Self::ConfirmPart => "CONFIRM".to_owned(),
            step => format!("{step:?}").to_uppercase(),
        };
        Err(Refusal::illegal(state, doing))
    }
}

/// Whether somebody finances it (融资占用).
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
pub enum EncumbranceStatus {
    /// Nobody does (未占用).
    Free,
    /// It is in a request that is not decided (已锁定).
    Locked,
    /// It was assigned to a financier (已转让).
    Assigned,
    /// It was pledged to a financier (已质押).
    Pledged,
    /// It was financed, and that is over: it may be again only where its programme lets it (已解除).
    Released,
}

/// What is done about the encumbrance (占用操作).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter)]
pub enum EncumbranceStep {
    /// A request takes it.
    Lock,
    /// The request will not be.
    Free,
    /// It goes over to a financier.
    Assign,
    /// It secures what a financier gave.
    Pledge,
    /// What was given is paid back.
    Release,
}

impl EncumbranceStep {
    /// The states that it leads from, and where to (A3).
    pub fn leads(self) -> (&'static [EncumbranceStatus], EncumbranceStatus) {
        use EncumbranceStatus::{Assigned, Free, Locked, Pledged, Released};
        match self {
            Self::Lock => (&[Free], Locked),
            Self::Free => (&[Locked], Free),
            Self::Assign => (&[Locked], Assigned),
            Self::Pledge => (&[Locked], Pledged),
            Self::Release => (&[Assigned, Pledged], Released),
        }
    }
}

/// A row of `receivable`. Amounts are in minor units of its currency. Of a matched invoice the amounts, the dispute and
/// the hashes of the evidence follow its payable, by triggers of the database.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, serde::Serialize, serde::Deserialize)]
#[sea_orm(table_name = "receivable")]
#[expect(clippy::struct_excessive_bools, reason = "each is a column of its own")]
pub struct Model {
    /// Identifier; of a matched invoice that of its payable, unless it was known before.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ReceivableId,
    /// What the debtor owes for the matched invoice.
    #[sea_orm(unique)]
    pub payable_id: Option<PayableId>,
    /// Where it comes from.
    pub source: ReceivableSource,
    /// Who is to be paid.
    pub seller_id: OrganisationId,
    /// Who is to pay.
    pub debtor_id: OrganisationId,
    /// What sort of invoice it is for.
    pub invoice_kind: InvoiceKind,
    /// The invoice's number (发票号码).
    pub invoice_no: String,
    /// The invoice's code (发票代码).
    pub invoice_code: Option<String>,
    /// In which currency.
    pub currency: Currency,
    /// How much it was at first.
    pub face_minor: i64,
    /// What credit notes took off.
    pub credited_minor: i64,
    /// What was paid.
    pub paid_minor: i64,
    /// What the debtor set off against claims of its own (抵销).
    pub set_off_minor: i64,
    /// When the invoice was written.
    pub issue_date: Date,
    /// When it is to be paid.
    pub due_date: Date,
    /// Whether the debtor disputes it.
    pub disputed: bool,
    /// Whether the goods were delivered and accepted, as far as that is proved (已履约).
    pub performed: bool,
    /// Whether the tax authority said that the invoice is one (已查验).
    pub verified: bool,
    /// Whether the goods are sold on consignment (寄售).
    pub consignment: bool,
    /// Whether it is a claim from a bill or a security (票据、有价证券付款请求权).
    pub bill_claim: bool,
    /// Whether nobody expects it any more.
    pub written_off: bool,
    /// What the debtor said of it.
    pub confirmation: ConfirmationStatus,
    /// How much the debtor said that it pays.
    pub confirmed_minor: i64,
    /// Whether somebody finances it.
    pub encumbrance: EncumbranceStatus,
    /// How much of it is financed or locked.
    pub encumbered_minor: i64,
    /// Keyed hash of what identifies it.
    #[sea_orm(unique)]
    pub fingerprint: String,
    /// What it is made of; none: of its payable.
    #[sea_orm(column_type = "JsonBinary")]
    pub evidence: Option<Evidence>,
    /// SHA-256 of the evidence in canonical form, in hex.
    pub evidence_sha256: String,
    /// That of the evidence before; none: this is the first.
    pub previous_sha256: Option<String>,
    /// Counts up with the evidence.
    pub revision: i32,
    /// Counts up with every change.
    pub version: i32,
    /// Since when it is known.
    pub created_at: DateTimeUtc,
    /// When it last changed.
    pub updated_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}

/// Whose eyes a receivable is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, async_graphql::Enum)]
pub enum ReceivableSide {
    /// Who is to be paid (债权人).
    Seller,
    /// Who is to pay (债务人).
    Debtor,
    /// Who is asked for money on it (资金方).
    Financier,
}

impl Entity {
    /// The receivables that `viewer` may see: those of its organisation; those that it is asked to confirm, was, or
    /// brought along; those in requests to it; all for who oversees the zone.
    pub fn visible_to(viewer: &Viewer) -> Select<Self> {
        if viewer.oversees() {
            return Self::find();
        }
        // An empty condition would let everything through.
        let Some(own) = viewer.reads_for(Scope::Procurement) else {
            return Self::find().filter(Expr::val(false));
        };
        let asked =
            Condition::all().add(Column::DebtorId.eq(own)).add(Column::Confirmation.ne(ConfirmationStatus::None));
        // A financier sees what is in a request to it that is not over.
        let financed = Query::select()
            .column(encumbrance::Column::ReceivableId)
            .from(encumbrance::Entity)
            .and_where(encumbrance::Column::FinancierId.eq(own))
            .and_where(encumbrance::Column::Live.eq(true))
            .take();
        let financed = Condition::all().add(Column::Id.in_subquery(financed));
        Self::find().filter(Condition::any().add(Column::SellerId.eq(own)).add(asked).add(financed))
    }
}

impl Model {
    /// An amount of this receivable.
    pub fn money(&self, minor: i64) -> Money {
        Money { minor, currency: self.currency }
    }

    /// What is still to come, in minor units.
    pub fn outstanding_minor(&self) -> i64 {
        self.face_minor - self.credited_minor - self.paid_minor - self.set_off_minor
    }

    /// What became of the money.
    pub fn commercial(&self) -> CommercialStatus {
        let came = self.credited_minor + self.paid_minor + self.set_off_minor;
        match (self.written_off, self.outstanding_minor()) {
            (_, 0) if self.paid_minor > 0 || self.face_minor == 0 => CommercialStatus::Paid,
            (_, 0) => CommercialStatus::Credited,
            (true, _) => CommercialStatus::WrittenOff,
            (false, _) if came > 0 => CommercialStatus::PartlyPaid,
            (false, _) => CommercialStatus::Open,
        }
    }

    /// Whether it should have been paid by now.
    pub fn is_overdue(&self, today: Date) -> bool {
        self.due_date < today && self.outstanding_minor() > 0
    }

    /// How much of it the debtor stands for: what it confirmed, as far as that is still outstanding.
    pub fn fundable_minor(&self) -> i64 {
        match self.confirmation {
            ConfirmationStatus::Confirmed | ConfirmationStatus::Partial => {
                self.confirmed_minor.min(self.outstanding_minor())
            }
            _ => 0,
        }
    }

    /// How much more is financed than is outstanding: what a credit note or a payment to the wrong account leaves
    /// uncovered (超额占用). Nothing, mostly.
    pub fn uncovered_minor(&self) -> i64 {
        (self.encumbered_minor - self.outstanding_minor()).max(0)
    }

    /// Days from the invoice until it is due.
    pub fn tenor(&self) -> i64 {
        (self.due_date - self.issue_date).num_days()
    }
}

/// When a receivable may be due: not before its invoice, and at most a year after it (A4, 13).
pub fn due_within_a_year(issued_on: NaiveDate, due_on: NaiveDate) -> Result<(), Refusal> {
    let last = issued_on.checked_add_days(Days::new(MOST_TENOR)).unwrap_or(issued_on);
    if (issued_on..=last).contains(&due_on) {
        return Ok(());
    }
    Err(Refusal::new(ErrorCode::OutOfRange).with("min", issued_on.to_string()).with("max", last.to_string()))
}

/// What happened to a receivable (应收变动).
pub mod event {
    use crate::Relation;
    use sea_orm::entity::prelude::*;

    use crate::values::id::{ReceivableEventId, ReceivableId};

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
    pub enum ReceivableEventKind {
        /// It came to be (形成).
        Created,
        /// It was paid, or a part of it (付款).
        Paid,
        /// What was said of a payment, a credit note or a set-off was wrong, and is taken back (撤回).
        Withdrawn,
        /// A credit note took something off (抵减).
        Credited,
        /// The debtor set a claim of its own off (抵销).
        SetOff,
        /// What it rests on changed: it has other evidence (证据更正).
        Corrected,
        /// The debtor disputes it (争议).
        Disputed,
        /// The dispute is over (争议解决).
        Settled,
        /// The tax authority said whether its invoice is one (发票查验).
        Verified,
        /// The debtor is asked to confirm it (申请确认).
        ConfirmationRequested,
        /// The question was taken back (撤回确认申请).
        ConfirmationRecalled,
        /// The debtor confirmed all that is outstanding (确认).
        Confirmed,
        /// The debtor confirmed a part (部分确认).
        PartlyConfirmed,
        /// The debtor does not owe it (拒绝确认).
        Rejected,
        /// The debtor did not answer in time (确认过期).
        Expired,
        /// A request for financing took it (锁定).
        Locked,
        /// The request will not be (解锁).
        Freed,
        /// It went over to a financier (转让).
        Assigned,
        /// It secures what a financier gave (质押).
        Pledged,
        /// What was given is paid back (解除).
        Released,
    }

    /// A row of `receivable_event`; never changed. Of a matched invoice those of its payable stand here too, by a trigger.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, serde::Serialize)]
    #[sea_orm(table_name = "receivable_event")]
    pub struct Model {
        /// Identifier; of what happened to its payable that of it.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: ReceivableEventId,
        /// Of which receivable.
        pub receivable_id: ReceivableId,
        /// What happened.
        pub kind: ReceivableEventKind,
        /// How much, in minor units.
        pub amount_minor: i64,
        /// The bank's reference, the number of a credit note or of a request; one of a kind.
        pub reference: Option<String>,
        /// What there is to say to it.
        pub note: Option<String>,
        /// That of the evidence at that time.
        pub evidence_sha256: Option<String>,
        /// Who.
        pub by: String,
        /// When.
        pub at: DateTimeUtc,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

pub use event::ReceivableEventKind;

#[cfg(test)]
pub(super) mod tests {
    use chrono::{DateTime, Utc};
    use sea_orm::Iterable;
    use uuid::Uuid;

    use super::*;

    /// A receivable of 100.00 that nothing happened to.
    pub(crate) fn plain() -> Model {
        let day = |text: &str| -> NaiveDate { text.parse().unwrap() };
        Model {
            id: ReceivableId(Uuid::from_u128(1)),
            payable_id: None,
            source: ReceivableSource::Imported,
            seller_id: OrganisationId(Uuid::from_u128(2)),
            debtor_id: OrganisationId(Uuid::from_u128(3)),
            invoice_kind: InvoiceKind::DigitalVat,
            invoice_no: "24952000000000000001".into(),
            invoice_code: None,
            currency: Currency::CNY,
            face_minor: 10_000,
            credited_minor: 0,
            paid_minor: 0,
            set_off_minor: 0,
            issue_date: day("2026-03-01"),
            due_date: day("2026-05-30"),
            disputed: false,
            performed: true,
            verified: false,
            consignment: false,
            bill_claim: false,
            written_off: false,
            confirmation: ConfirmationStatus::None,
            confirmed_minor: 0,
            encumbrance: EncumbranceStatus::Free,
            encumbered_minor: 0,
            fingerprint: String::new(),
            evidence: None,
            evidence_sha256: String::new(),
            previous_sha256: None,
            revision: 1,
            version: 1,
            created_at: DateTime::<Utc>::UNIX_EPOCH,
            updated_at: DateTime::<Utc>::UNIX_EPOCH,
        }
    }

    #[test]
    fn the_commercial_status_is_what_the_amounts_say() {
        use CommercialStatus::{Credited, Open, Paid, PartlyPaid, WrittenOff};
        for (paid, credited, set_off, written_off, outstanding, expected) in [
            (0, 0, 0, false, 10_000, Open),
            (1, 0, 0, false, 9_999, PartlyPaid),
            (0, 1, 0, false, 9_999, PartlyPaid),
            (0, 0, 1, false, 9_999, PartlyPaid),
            (10_000, 0, 0, false, 0, Paid),
            (4_000, 3_000, 3_000, false, 0, Paid),
            (0, 10_000, 0, false, 0, Credited),
            (0, 4_000, 6_000, false, 0, Credited),
            (2_000, 0, 0, true, 8_000, WrittenOff),
            (10_000, 0, 0, true, 0, Paid),
        ] {
            let row =
                Model { paid_minor: paid, credited_minor: credited, set_off_minor: set_off, written_off, ..plain() };
            assert_eq!(
                (row.outstanding_minor(), row.commercial()),
                (outstanding, expected),
                "{paid} {credited} {set_off}"
            );
        }
    }

    #[test]
    fn no_more_can_be_financed_than_is_confirmed_and_outstanding() {
        use ConfirmationStatus::{Confirmed, Disputed, None, Partial, Requested};
        for (confirmation, confirmed, paid, fundable) in [
            (None, 0, 0, 0),
            (Requested, 0, 0, 0),
            (Confirmed, 10_000, 0, 10_000),
            (Confirmed, 10_000, 2_500, 7_500),
            (Partial, 6_000, 0, 6_000),
            (Partial, 6_000, 7_000, 3_000),
            (Disputed, 10_000, 0, 0),
        ] {
            let row = Model { confirmation, confirmed_minor: confirmed, paid_minor: paid, ..plain() };
            assert_eq!(row.fundable_minor(), fundable, "{confirmation:?} {confirmed} {paid}");
        }
        let short = Model { encumbered_minor: 8_000, credited_minor: 3_000, ..plain() };
        assert_eq!(short.uncovered_minor(), 1_000);
        assert_eq!(Model { encumbered_minor: 8_000, ..plain() }.uncovered_minor(), 0);
    }

    #[test]
    fn a_confirmation_goes_along_its_table() {
        use ConfirmationStatus::{Confirmed, Disputed, Expired, None, Partial, Rejected, Requested};
        let leads = |step: ConfirmationStep| -> Vec<(ConfirmationStatus, ConfirmationStatus)> {
            ConfirmationStatus::iter().filter_map(|state| Some((state, step.from(state).ok()?))).collect()
        };
        for (step, expected) in [
            (ConfirmationStep::Request, vec![(None, Requested), (Rejected, Requested), (Expired, Requested)]),
            (ConfirmationStep::Recall, vec![(Requested, None)]),
            (ConfirmationStep::Confirm, vec![(Requested, Confirmed), (Disputed, Confirmed)]),
            (ConfirmationStep::ConfirmPart, vec![(Requested, Partial), (Disputed, Partial)]),
            (ConfirmationStep::Dispute, vec![(Requested, Disputed)]),
            (ConfirmationStep::Reject, vec![(Requested, Rejected), (Disputed, Rejected)]),
            (ConfirmationStep::Expire, vec![(Requested, Expired)]),
            (
                ConfirmationStep::Upload,
                [None, Requested, Disputed, Rejected, Expired].map(|from| (from, Confirmed)).into(),
            ),
        ] {
            assert_eq!(leads(step), expected, "{step:?}");
        }
        // What was confirmed stays so: the debtor cannot take it back (A3).
        for step in ConfirmationStep::iter() {
            for state in [Confirmed, Partial] {
                assert!(step.from(state).is_err(), "{step:?} leads away from {state:?}");
            }
        }
    }

    #[test]
    fn what_is_financed_once_is_not_free_again_by_itself() {
        use EncumbranceStatus::{Assigned, Free, Locked, Pledged, Released};
        for (step, expected) in [
            (EncumbranceStep::Lock, (&[Free][..], Locked)),
            (EncumbranceStep::Free, (&[Locked][..], Free)),
            (EncumbranceStep::Assign, (&[Locked][..], Assigned)),
            (EncumbranceStep::Pledge, (&[Locked][..], Pledged)),
            (EncumbranceStep::Release, (&[Assigned, Pledged][..], Released)),
        ] {
            assert_eq!(step.leads(), expected, "{step:?}");
        }
    }

    #[test]
    fn a_receivable_is_due_within_a_year_of_its_invoice() {
        let day = |text: &str| -> NaiveDate { text.parse().unwrap() };
        for (due, fine) in [("2026-03-01", true), ("2027-03-01", true), ("2027-03-02", false), ("2026-02-28", false)] {
            assert_eq!(due_within_a_year(day("2026-03-01"), day(due)).is_ok(), fine, "{due}");
        }
        assert_eq!(plain().tenor(), 90);
        assert!(plain().is_overdue(day("2026-05-31")) && !plain().is_overdue(day("2026-05-30")));
    }
}
