//! Ordering (下单): from a cart over a quote to orders, and what becomes of them.
//!
//! Invariants:
//! - a cart holds an offer once ([`cart_line`]), and says what stands in its way as data ([`pricing`]);
//! - what is asked for is divided into parcels by seller, supply mode and warehouse ([`split`]); a parcel is one order,
//!   one import list, one set of limits; the totals of the orders of a checkout sum to what is paid, to the fen;
//! - a quote promises its prices for a quarter of an hour and is placed once ([`quote`]);
//! - an order changes its state only along the table of [`OrderStep`], a checkout along that of [`CheckoutStep`];
//! - an order on credit takes from a limit that is never exceeded ([`credit`]).

pub mod approval_rule;
pub mod bundle_part;
pub mod cart;
pub mod cart_line;
pub mod checkout;
pub mod credit;
pub mod order;
pub mod order_event;
pub mod order_line;
pub mod order_pad;
pub mod pricing;
pub mod quote;
pub mod split;

pub use checkout::{CheckoutState, CheckoutStep, PaymentTerms};
pub use order::{Incoterm, OrderState, OrderStep};

use sea_orm::{ColumnTrait, Condition, ExprTrait};

use crate::party::Viewer;

/// What the viewer bought: for itself, or for the organisation that it acts for. Nothing in it: a viewer who can have
/// bought nothing.
fn bought(viewer: &Viewer, person: impl ColumnTrait, organisation: impl ColumnTrait) -> Condition {
    Condition::any()
        .add_option(viewer.person().map(|own| person.eq(own).and(organisation.is_null())))
        .add_option(viewer.organisation().map(|own| organisation.eq(own)))
}
