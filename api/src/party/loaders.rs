//! Batch loaders of organisations and places. A loader belongs to one request.

use std::{collections::HashMap, time::Duration};

use async_graphql::{
    Context,
    dataloader::{DataLoader, HashMapCache, Loader},
};
use entities::{
    party::{OrganisationRole, organisation, organisation_role, person, place},
    values::id::{OrganisationId, PersonId, PlaceId},
};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use crate::{
    app::App,
    platform::{error::SharedError, graphql::Batches},
};

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
