//! Payments (支付): what is asked of a buyer, what came, what goes back, what is owed to whom.
//!
//! Invariants: a payment is captured once and booked once, whatever is reported, by whom, in which order and how often;
//! what is allotted and given back is never more than what came (the guard is in the UPDATE); the memo ledger is only added
//! to, and every posting sums to nothing. No provider is called while a transaction is open.
//!
//! ```text
//! open (in the caller's transaction) ──> start (asks the provider) ──> the buyer pays
//! notification ─┐
//! client's return ─┼─> a report ──> applied::apply ──> payment + ledger + job `payments.settled`, in one transaction
//! polling ──────┘
//! ledger::allot ──> what came is owed to sellers      refunds::refund ──> owed back, then job `payments.refund`
//! ```
//!
//! Rows are locked in one order: notice or refund, then payment, then entries of the ledger.
//!
//! - [`ops`]: opening, starting, notifications, polling, giving up; [`applied`]: what a report does
//! - [`refunds`]: giving back; [`ledger`]: postings, allotting, balances
//! - [`receipts`]: money that came by bank transfer; [`commission`]: the rules; [`payouts`]: lists for the bank
//! - [`jobs`]: what is done after a change; [`sandbox`]: the page of the provider with no money behind it
//! - [`lists`], [`loaders`]: what is read; [`reconcile`]: whether all of it adds up

pub mod applied;
pub mod commission;
pub mod graphql;
pub mod jobs;
pub mod ledger;
pub mod lists;
pub mod loaders;
pub mod ops;
pub mod payouts;
pub mod receipts;
pub mod reconcile;
pub mod refunds;
pub mod sandbox;

use entities::{
    payments::{ProviderKind, remittance},
    values::{ErrorCode, Refusal},
};
use platform::{
    app::App,
    clock::business_day,
    error::Error,
    payment::{Failure, PaymentProvider},
    vault,
};

/// A number that people can copy, of this business day.
fn fresh_number(now: chrono::DateTime<chrono::Utc>) -> Result<String, Error> {
    Ok(remittance::number(business_day(now), vault::random()?))
}

fn provider(app: &App, kind: ProviderKind) -> Result<&dyn PaymentProvider, Error> {
    let name = || async_graphql::Value::from(kind).to_string();
    app.payments().get(kind).ok_or_else(|| Refusal::new(ErrorCode::NoProvider).with("value", name()).into())
}

/// Asks a provider, and waits no longer than the settings say.
async fn timed<T>(app: &App, asked: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let answer = tokio::time::timeout(app.config().payments.timeout(), asked).await;
    answer.unwrap_or_else(|_| Err(Failure::unavailable("it took too long")))
}
