//! Logistics (物流): parcels on their way, what carriers say of them, and what may leave the gate.
//!
//! Invariants:
//! - until the gate a shipment moves along the table of [`ShipmentStep`]; after it its state is the [`fold`] of what was
//!   reported and not declared in error, whatever came in which order and how often;
//! - of events nothing is changed: what was wrong is declared in error ([`event`]), as EPCIS 2.0 has it, by who reported it;
//! - a waybill number is one parcel's of its carrier ([`waybill`]), a unit is known by its SSCC ([`sscc`]), and those
//!   under the house's prefix are given by the house;
//! - what leaves the gate is packed, released by customs where that is needed, held by nobody and weighs what it weighed.

pub mod carrier;
pub mod cold;
pub mod event;
pub mod figures;
pub mod fold;
pub mod hold;
pub mod leg;
pub mod pass_parcel;
pub mod proof;
pub mod shipment;
pub mod simulated;
pub mod sscc;
pub mod unit;
pub mod waybill;

pub use carrier::{Adapter, Booking};
pub use event::{BizStep, Disposition, EventAction, TrackingEventType};
pub use fold::Milestone;
pub use hold::HoldReason;
pub use leg::TransportMode;
pub use proof::ProofKind;
pub use shipment::{SealState, ShipmentState, ShipmentStep};
