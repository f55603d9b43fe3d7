//! Procurement (采购): from a request for quotations over orders, receipts and invoices to what is owed.
//!
//! Invariants:
//! - what a quotation says is sealed until its round is opened; nobody but its supplier reads it before ([`quotation`]);
//! - a price of one unit is exact to a millionth and rounded once, when an amount is made ([`unit_price`], [`tiers`]);
//! - a comparison is computed from its assumptions alone and comes out the same again ([`comparison`], [`landed`]);
//! - who asks for an order does not approve it; an edit voids what was approved ([`policy`], [`approval`]);
//! - of a line no more is received, accepted and billed than was ordered, within its tolerances, which are frozen into it;
//!   the database says so ([`order::line`], [`tolerance`]);
//! - where an order is with its deliveries and its bills is derived from its lines and never stored ([`status`]);
//! - an invoice is recorded whether or not it matches, and approved only when it does ([`matching`]);
//! - what is owed is what was approved, less what was credited and paid, with its evidence ([`payable`], [`receivable`]).

pub mod agreement;
pub mod analytics;
pub mod approval;
pub mod award;
pub mod block;
pub mod commitment;
pub mod comparison;
pub mod debit_note;
pub mod file;
pub mod inspection;
pub mod invitation;
pub mod invoice;
pub mod invoice_no;
pub mod landed;
pub mod limit;
pub mod matching;
pub mod order;
pub mod payable;
pub mod policy;
pub mod question;
pub mod quotation;
pub mod receipt;
pub mod receivable;
pub mod reminder;
pub mod rfq;
pub mod scorecard;
pub mod status;
pub mod tasks;
pub mod terms;
pub mod tiers;
pub mod tolerance;
pub mod ubl;
pub mod unit_price;

pub use agreement::{AgreementKind, AgreementState, AgreementStep};
pub use approval::ApprovalState;
pub use commitment::CommitmentKind;
pub use debit_note::{DebitNoteState, DebitReason};
pub use file::FileSubject;
pub use inspection::RejectReason;
pub use invoice::{InvoiceState, InvoiceStep};
pub use invoice_no::InvoiceKind;
pub use limit::LimitPeriod;
pub use matching::{MatchCause, MatchIssue};
pub use order::{OrderState, OrderStep};
pub use payable::PayableEventKind;
pub use quotation::{QuotationState, QuotationStep};
pub use receipt::{ReceiptKind, ReceiptState};
pub use rfq::{RfqState, RfqStep};
pub use scorecard::{CriterionKind, ScorePeriod};
pub use status::{BillingStatus, ReceiptStatus};
pub use tasks::TaskKind;
pub use terms::{Fx, Side, Tolerance};
pub use tiers::{Tier, TierMode, Tiers};
pub use unit_price::UnitPrice;

use sea_orm::{ColumnTrait, Condition, sea_query::Expr};

use crate::party::{Viewer, machine_client::Scope};

/// What the viewer may see of things with two sides: its organisation's as the buyer; as the supplier those of which
/// `shown` holds; all for who oversees the zone. Machine clients read with their scope only.
fn two_sided(viewer: &Viewer, buyer: impl ColumnTrait, supplier: impl ColumnTrait, shown: Condition) -> Condition {
    if viewer.oversees() {
        return Condition::all().add(Expr::val(true));
    }
    // An empty condition would let everything through.
    let Some(own) = viewer.reads_for(Scope::Procurement) else { return Condition::all().add(Expr::val(false)) };
    let supplied = Condition::all().add(supplier.eq(own)).add(shown);
    Condition::any().add(buyer.eq(own)).add(supplied)
}
