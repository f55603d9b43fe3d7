//! Supply-chain finance (供应链金融): receivables that a debtor confirms and that a financier turns into money, once.
//!
//! Invariants:
//! - what is outstanding of a receivable is its face less its events; one invoice is one receivable ([`receivable`]);
//! - what a debtor confirmed stays confirmed, and what it said is kept with its hash ([`confirmation`]);
//! - everything that stands against a receivable is told ([`eligibility`]);
//! - of a limit no more is taken than it has ([`limit`]), and each amount has a named rounding ([`quote`], [`interest`]);
//! - terms are frozen when they are agreed ([`terms`], [`offer`]); what becomes of a financing is a fold over what
//!   happened to it ([`settlement`]), in a ledger whose legs come to nothing ([`ledger`]).

pub mod condition;
pub mod confirmation;
pub mod day_count;
pub mod eligibility;
pub mod evidence;
pub mod evidence_package;
pub mod financing;
pub mod insurance;
pub mod interest;
pub mod ledger;
pub mod limit;
pub mod merkle;
pub mod notice;
pub mod offer;
pub mod pledge;
pub mod pool;
pub mod priority;
pub mod programme;
pub mod purchase_advance;
pub mod quote;
pub mod receivable;
pub mod registry;
pub mod request;
pub mod settlement;
pub mod similarity;
pub mod standing;
pub mod terms;
pub mod tsin;

pub use condition::ConditionKind;
pub use confirmation::ConfirmationResult;
pub use day_count::DayCount;
pub use eligibility::Ineligibility;
pub use financing::{FactKind, FinancingState, PostingKind};
pub use limit::{LimitEntryKind, LimitKind, LimitState};
pub use notice::{NoticeChannel, NoticeState, NoticeStep};
pub use offer::{OfferState, OfferStep};
pub use programme::{ProgrammeState, ProgrammeStep, Technique};
pub use receivable::{
    CommercialStatus, ConfirmationStatus, ConfirmationStep, EncumbranceStatus, EncumbranceStep, ReceivableEventKind,
    ReceivableSide, ReceivableSource,
};
pub use registry::{RegistrationKind, RegistrationState, RegistrationStep};
pub use request::{FingerprintState, RequestState, RequestStep};
pub use terms::{FeeBase, Timing, WaterfallStep};
