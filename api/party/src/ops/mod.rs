//! Operations on organisations, people and what they file. One function is one transaction, read from top to
//! bottom: may, load, decide, write, audit, commit.

pub mod accounts;
pub mod filings;
pub mod identities;
pub mod machines;
pub mod members;
pub mod organisations;
pub mod people;
pub mod sessions;

use chrono::{DateTime, Utc};
use entities::{party::organisation, values::id::OrganisationId};
use platform::{
    app::App,
    db::{Dialect, dialect},
    error::{Error, not_found},
    graphql::encode,
};
use sea_orm::{ConnectionTrait, EntityTrait, QuerySelect, sea_query::LockType};

pub use self::organisations::{
    count_organisations, count_places, has_role, list_organisations, list_places, organisation_by_slug,
    organisation_cursor, place_cursor,
};

/// An organisation, locked until the transaction ends: what counts its members holds until then.
async fn locked(tx: &impl ConnectionTrait, id: OrganisationId) -> Result<organisation::Model, Error> {
    let mut find = organisation::Entity::find_by_id(id);
    if dialect(tx) == Dialect::Postgres {
        find = find.lock(LockType::NoKeyUpdate);
    }
    find.one(tx).await?.ok_or_else(|| not_found("organisationId", encode(id).as_str()))
}

/// Takes away what has served its time, and ends filings whose time is over.
pub async fn tidy(app: &App, now: DateTime<Utc>) -> Result<(), Error> {
    sessions::tidy(app, now).await?;
    machines::tidy(app, now).await?;
    filings::expire(app, now).await
}
