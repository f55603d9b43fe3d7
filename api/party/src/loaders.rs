//! Batch loaders of organisations, people, and what hangs on filings and machine clients. A loader belongs to one request.

use std::{collections::HashMap, time::Duration};

use async_graphql::{
    Context,
    dataloader::{DataLoader, HashMapCache, Loader},
};
use entities::{
    party::{
        OrganisationRole, client_key, filing_grant, filing_number, filing_snapshot, organisation, organisation_role,
        person, place,
    },
    values::id::{FilingId, MachineClientId, OrganisationId, PersonId, PlaceId},
};
use platform::{app::App, error::SharedError, graphql::Batches};
use sea_orm::{ColumnTrait, Condition, EntityTrait, ExprTrait, QueryFilter, QueryOrder};

/// Loads what this context owns.
#[derive(Debug)]
pub struct PartyLoader {
    app: App,
}

/// The loaders of one request: asked for twice, loaded once.
pub type PartyLoaders = DataLoader<PartyLoader, HashMapCache>;

/// Makes the loaders of one request.
pub fn loaders(app: &App, batches: &Batches) -> PartyLoaders {
    DataLoader::with_cache(PartyLoader { app: app.clone() }, batches.spawner(), HashMapCache::default())
        .delay(Duration::ZERO)
}

/// The request's loaders.
pub fn of<'a>(context: &Context<'a>) -> &'a PartyLoaders {
    context.data_unchecked::<PartyLoaders>()
}

/// The roles of an organisation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RolesOf(pub OrganisationId);

impl Loader<OrganisationId> for PartyLoader {
    type Value = organisation::Model;
    type Error = SharedError;

    async fn load(&self, ids: &[OrganisationId]) -> Result<HashMap<OrganisationId, Self::Value>, Self::Error> {
        let rows = organisation::Entity::find()
            .filter(organisation::Column::Id.is_in(ids.iter().copied()))
            .all(self.app.db().read())
            .await;
        Ok(rows?.into_iter().map(|row| (row.id, row)).collect())
    }
}

impl Loader<PlaceId> for PartyLoader {
    type Value = place::Model;
    type Error = SharedError;

    async fn load(&self, ids: &[PlaceId]) -> Result<HashMap<PlaceId, Self::Value>, Self::Error> {
        let rows =
            place::Entity::find().filter(place::Column::Id.is_in(ids.iter().copied())).all(self.app.db().read()).await;
        Ok(rows?.into_iter().map(|row| (row.id, row)).collect())
    }
}

impl Loader<PersonId> for PartyLoader {
    type Value = person::Model;
    type Error = SharedError;

    async fn load(&self, ids: &[PersonId]) -> Result<HashMap<PersonId, Self::Value>, Self::Error> {
        let rows = person::Entity::find()
            .filter(person::Column::Id.is_in(ids.iter().copied()))
            .all(self.app.db().read())
            .await;
        Ok(rows?.into_iter().map(|row| (row.id, row)).collect())
    }
}

impl Loader<RolesOf> for PartyLoader {
    type Value = Vec<OrganisationRole>;
    type Error = SharedError;

    async fn load(&self, keys: &[RolesOf]) -> Result<HashMap<RolesOf, Self::Value>, Self::Error> {
        let rows = organisation_role::Entity::find()
            .filter(organisation_role::Column::OrganisationId.is_in(keys.iter().map(|k| k.0)))
            .all(self.app.db().read())
            .await;
        let mut roles: HashMap<RolesOf, Vec<OrganisationRole>> = HashMap::new();
        for row in rows? {
            roles.entry(RolesOf(row.organisation_id)).or_default().push(row.role);
        }
        Ok(roles)
    }
}

/// The numbers that agencies keep for a filing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct NumbersOf(pub FilingId);

/// Who was granted a view of a filing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct GrantsOf(pub FilingId);

/// The last 100 versions of a filing, newest first, without what they say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct VersionsOf(pub FilingId);

/// One version of a filing, with what it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SnapshotOf(pub FilingId, pub i32);

/// The keys of a machine client, those that retired too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct KeysOf(pub MachineClientId);

/// Most versions that are shown of one filing.
const MAX_VERSIONS: usize = 100;

/// Rows under the key that each belongs to.
fn grouped<K: Eq + std::hash::Hash, R>(rows: Vec<R>, key: impl Fn(&R) -> K) -> HashMap<K, Vec<R>> {
    let mut groups: HashMap<K, Vec<R>> = HashMap::new();
    for row in rows {
        groups.entry(key(&row)).or_default().push(row);
    }
    groups
}

impl Loader<NumbersOf> for PartyLoader {
    type Value = Vec<filing_number::Model>;
    type Error = SharedError;

    async fn load(&self, keys: &[NumbersOf]) -> Result<HashMap<NumbersOf, Self::Value>, Self::Error> {
        let rows = filing_number::Entity::find()
            .filter(filing_number::Column::FilingId.is_in(keys.iter().map(|k| k.0)))
            .order_by_asc(filing_number::Column::Agency)
            .all(self.app.db().read())
            .await;
        Ok(grouped(rows?, |row| NumbersOf(row.filing_id)))
    }
}

impl Loader<GrantsOf> for PartyLoader {
    type Value = Vec<filing_grant::Model>;
    type Error = SharedError;

    async fn load(&self, keys: &[GrantsOf]) -> Result<HashMap<GrantsOf, Self::Value>, Self::Error> {
        let rows = filing_grant::Entity::find()
            .filter(filing_grant::Column::FilingId.is_in(keys.iter().map(|k| k.0)))
            .order_by_asc(filing_grant::Column::GranteeId)
            .all(self.app.db().read())
            .await;
        Ok(grouped(rows?, |row| GrantsOf(row.filing_id)))
    }
}

impl Loader<VersionsOf> for PartyLoader {
    type Value = Vec<filing_snapshot::Head>;
    type Error = SharedError;

    async fn load(&self, keys: &[VersionsOf]) -> Result<HashMap<VersionsOf, Self::Value>, Self::Error> {
        let rows = filing_snapshot::Entity::find()
            .filter(filing_snapshot::Column::FilingId.is_in(keys.iter().map(|k| k.0)))
            .order_by_desc(filing_snapshot::Column::Version)
            .into_partial_model::<filing_snapshot::Head>()
            .all(self.app.db().read())
            .await;
        let mut versions = grouped(rows?, |row| VersionsOf(row.filing_id));
        for rows in versions.values_mut() {
            rows.truncate(MAX_VERSIONS);
        }
        Ok(versions)
    }
}

impl Loader<SnapshotOf> for PartyLoader {
    type Value = filing_snapshot::Model;
    type Error = SharedError;

    async fn load(&self, keys: &[SnapshotOf]) -> Result<HashMap<SnapshotOf, Self::Value>, Self::Error> {
        let wanted = keys.iter().fold(Condition::any(), |any, key| {
            let id = filing_snapshot::Column::FilingId.eq(key.0);
            any.add(id.and(filing_snapshot::Column::Version.eq(key.1)))
        });
        let rows = filing_snapshot::Entity::find().filter(wanted).all(self.app.db().read()).await;
        Ok(rows?.into_iter().map(|row| (SnapshotOf(row.filing_id, row.version), row)).collect())
    }
}

impl Loader<KeysOf> for PartyLoader {
    type Value = Vec<client_key::Model>;
    type Error = SharedError;

    async fn load(&self, keys: &[KeysOf]) -> Result<HashMap<KeysOf, Self::Value>, Self::Error> {
        let rows = client_key::Entity::find()
            .filter(client_key::Column::ClientId.is_in(keys.iter().map(|k| k.0)))
            .order_by_asc(client_key::Column::Id)
            .all(self.app.db().read())
            .await;
        Ok(grouped(rows?, |row| KeysOf(row.client_id)))
    }
}
