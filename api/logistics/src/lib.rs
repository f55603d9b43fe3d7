//! Logistics (物流): shipments from the desk to whoever takes them in.
//!
//! Invariants: a document has one shipment; it leaves the gate once, packed, held by nobody, released by customs where that
//! is needed, with a waybill and its weight; after that its state is the fold of what was reported and not declared in
//! error, whichever carrier of its legs reported it. No carrier is called while a transaction is open; what one was asked
//! and never answered is noted before it is asked.
//!
//! ```text
//! open (in the caller's transaction) ──> job: the carrier is told ──> its number
//!   pack ──> gate out ──> job: the carrier is told ──> its reports (webhook, reportTracking) ──> fold ──> state
//!   released, hold, lift, cancel: by whoever the document belongs to
//!   what a carrier did not want: booked once more, or packed under a number that people bring
//! each change of state, number or booking ──> job `logistics.moved`, in the same transaction
//! ```
//!
//! Rows are locked in one order: shipments by id, then what hangs on them, then the counters that everyone needs.
//!
//! - [`ops`]: what people, carriers and rooms above do; [`reads`]: what is read
//! - [`webhook`]: what carriers push; [`simulator`]: what the stand-in pushes; [`jobs`]: what is done after a change
//! - [`picking`]: what to take from the shelves; [`trace`]: from a lot to its parcels and back; [`figures`]: how well carriers do
//! - [`reconcile`]: whether all of it adds up

pub mod figures;
pub mod graphql;
pub mod jobs;
pub mod loaders;
pub mod ops;
pub mod picking;
pub mod reads;
pub mod reconcile;
pub mod simulator;
pub mod trace;
pub mod webhook;

use entities::{
    logistics::{Adapter, carrier},
    values::id::OrganisationId,
};
use platform::{
    app::App,
    carrier::{self as border, Carrier, House},
    error::Error,
};
use sea_orm::{ConnectionTrait, EntityTrait};

/// Whether a carrier is reached by a program, and not by people.
pub async fn by_program(db: &impl ConnectionTrait, carrier: OrganisationId) -> Result<bool, Error> {
    Ok(setting(db, carrier).await?.is_some_and(|setting| setting.adapter != Adapter::Manual))
}

/// How a carrier is reached; none: nobody has said, so by people.
async fn setting(db: &impl ConnectionTrait, carrier: OrganisationId) -> Result<Option<carrier::Model>, Error> {
    Ok(carrier::Entity::find_by_id(carrier).one(db).await?)
}

/// The adapter of a carrier; none: people speak with it.
async fn adapter(app: &App, carrier: OrganisationId) -> Result<Option<Box<dyn Carrier>>, Error> {
    let house = House {
        db: app.db(),
        vault: app.vault(),
        clock: app.clock(),
        partners: app.partners(),
        allow_private: app.config().webhooks.allow_private,
    };
    match setting(app.db().read(), carrier).await? {
        Some(setting) => border::of(house, &setting),
        None => Ok(None),
    }
}
