//! Webhooks out (回调): endpoints of partners, deliveries to them, and every attempt.

pub mod attempt;
pub mod delivery;
pub mod endpoint;

pub use delivery::DeliveryState;
