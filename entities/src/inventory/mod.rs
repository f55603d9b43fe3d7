//! Stock (库存): what lies where, whose it is, and what is promised of it.
//!
//! Invariants:
//! - every quantity has an owner, a variant, a lot, a location and a customs status ([`balance`]);
//! - stock changes by moves only, each from one place to another ([`stock_move`]); they are added and never changed, what
//!   was wrong is moved back. A balance is the sum of its moves, and all balances of a variant sum to nothing, because
//!   what comes from outside is taken from places that stand for the outside ([`LocationKind::is_virtual`]);
//! - what lies somewhere is never less than what is promised of it, and a promise ends exactly once ([`reservation`]);
//! - the account book of customs never shows less than nothing, and is the sum of its entries ([`book`], [`bonded_entry`]);
//! - a count posts what differed when it was counted ([`count`]); of a transfer nothing is lost unsaid ([`transfer`]);
//! - what is declared into a bonded warehouse comes, is known not to come, or is still expected ([`inbound`]); what goes
//!   through the gate does so under a pass ([`gate`]).

pub mod balance;
pub mod bonded_entry;
pub mod book;
pub mod count;
pub mod count_line;
pub mod fefo;
pub mod gate;
pub mod hot_item;
pub mod inbound;
pub mod location;
pub mod lot;
pub mod reservation;
pub mod returned;
pub mod stock_move;
pub mod transfer;
pub mod transfer_line;
pub mod unit;

pub use book::{BookEvent, Quantities};
pub use count::{CountState, CountStep, Threshold};
pub use gate::{GateDirection, GatePassState, VerificationState};
pub use inbound::{InboundState, InboundStep};
pub use location::{CustomsStatus, LocationKind};
pub use reservation::{ReservationKind, ReservationState, ReservationStep};
pub use stock_move::MoveReason;
pub use transfer::{TransferState, TransferStep};
