//! Showrooms (体验店): a store's floor, what is planned to stand on it, and what stands there.
//!
//! Invariants:
//! - how goods stand on the shelf, are sold and handed over is one of four lawful patterns, chosen for each display
//!   ([`pattern`]); bonded goods are picked up where the store lies in a special zone or customs approved it;
//! - a facing of a slot shows one thing at a time, and a piece with a serial number stands in one place ([`display`]);
//! - a slot's code never changes and is never given to another: it is printed ([`layout`]);
//! - a sale is a showroom's by what was scanned, and that is fixed when it is paid ([`attribution`]);
//! - bonded goods stand outside the zone under a guarantee, until a day, and are never sold as retail import ([`bonded_part`]);
//! - of a deposit no more goes back and is kept than was taken ([`loan`]); who asks for a write-off does not decide it
//!   ([`write_off`]);
//! - a host receives one party of visitors at a time ([`time_hold`]), and figures name nobody ([`figures`]);
//! - what a device did without a network is carried out once and in its order ([`device`]); what changed meanwhile is
//!   numbered without a gap ([`change`]);
//! - one planogram of a store is in force ([`planogram`]); what differs from it are its gaps.

pub mod appointment;
pub mod attribution;
pub mod audit_check;
pub mod audit_round;
pub mod bonded_alarm;
pub mod bonded_display;
pub mod bonded_event;
pub mod bonded_part;
pub mod booking_code;
pub mod change;
pub mod counter_sale;
pub mod day;
pub mod device;
pub mod device_mutation;
pub mod display;
pub mod display_guarantee;
pub mod figures;
pub mod fixture;
pub mod footfall;
pub mod layout;
pub mod lease;
pub mod loan;
pub mod pattern;
pub mod photo;
pub mod place;
pub mod planogram;
pub mod position;
pub mod quarter;
pub mod sale;
pub mod scan_code;
pub mod scan_event;
pub mod sheet;
pub mod slot;
pub mod slot_note;
pub mod split_rule;
pub mod store;
pub mod team;
pub mod time_hold;
pub mod touch;
pub mod visit;
pub mod visit_slot;
pub mod write_off;
pub mod zone;

pub use appointment::{AppointmentState, AppointmentStep};
pub use audit_check::AuditVerdict;
pub use audit_round::AuditState;
pub use bonded_alarm::BondedDisplayAlarmKind;
pub use bonded_part::{BondedDisplayCause, BondedDisplayState, BondedDisplayStep};
pub use change::ChangeKind;
pub use counter_sale::CounterSaleState;
pub use device_mutation::PushOutcome;
pub use display::{DisplayState, Gap, GapKind};
pub use display_guarantee::DisplayGuaranteeReason;
pub use fixture::FixtureKind;
pub use loan::{DepositMeans, LoanState, LoanStep};
pub use pattern::{HandOver, Site, StorePattern, UnitClass};
pub use planogram::{PlanogramState, PlanogramStep};
pub use store::ShowroomState;
pub use visit::VisitState;
pub use visit_slot::VisitSlotState;
pub use write_off::{WriteOffReason, WriteOffState, WriteOffStep};
