//! Ordering in the schema.
//!
//! - [`cart`]: carts and what they come to; [`quote`]: quotes and what they are made of
//! - [`checkout`]: placing, approving, paying; [`order`]: what each seller sends; [`company`]: credit, approval, bundles;
//!   [`pickup`]: handing over in a showroom

pub mod cart;
pub mod checkout;
pub mod company;
pub mod order;
pub mod pickup;
pub mod quote;
pub mod subscription;

use async_graphql::MergedObject;

pub use subscription::OrderingSubscription;

/// The part of the query root that this context adds.
#[derive(MergedObject, Default)]
pub struct OrderingQuery(cart::CartQuery, checkout::CheckoutQuery, order::OrderQuery, company::CompanyQuery);

/// The part of the mutation root that this context adds.
#[derive(MergedObject, Default)]
pub struct OrderingMutation(
    cart::CartMutation,
    quote::QuoteMutation,
    checkout::CheckoutMutation,
    order::OrderMutation,
    company::CompanyMutation,
    pickup::PickUpMutation,
);
