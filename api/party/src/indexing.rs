//! What the search index knows of organisations. Everyone may find every one of them, as everyone may list them.

use std::collections::{BTreeMap, HashMap};

use entities::{
    catalog::sort_key::sort_key,
    party::{organisation, organisation_role, place},
    values::{
        Locale,
        id::{OrganisationId, PlaceId},
    },
};
use platform::{db::holding, error::Error};
use sea_orm::{ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect};
use search::{Document, Facet, Kind};
use uuid::Uuid;

/// Organisations as documents.
pub async fn organisations(db: &impl ConnectionTrait, ids: &[Uuid]) -> Result<Vec<Document>, Error> {
    let ids = || ids.iter().map(|id| OrganisationId(*id));
    let rows = organisation::Entity::find().filter(organisation::Column::Id.is_in(ids())).all(db).await?;
    let wanted: Vec<PlaceId> = rows.iter().filter_map(|row| row.place_id).collect();
    let places = place::Entity::find().filter(place::Column::Id.is_in(wanted)).all(db).await?;
    let places: HashMap<PlaceId, place::Model> = places.into_iter().map(|row| (row.id, row)).collect();
    let mut roles: HashMap<OrganisationId, Vec<String>> = HashMap::new();
    let playing = organisation_role::Entity::find().filter(organisation_role::Column::OrganisationId.is_in(ids()));
    for row in playing.all(db).await? {
        let role = serde_json::to_value(row.role).ok().and_then(|v| v.as_str().map(str::to_owned));
        roles.entry(row.organisation_id).or_default().extend(role);
    }
    let document = |row: organisation::Model| {
        let mut playing = roles.remove(&row.id).unwrap_or_default();
        playing.sort();
        let place = row.place_id.and_then(|id| places.get(&id));
        let mut facets = BTreeMap::new();
        if !playing.is_empty() {
            facets.insert(Facet::Role, playing);
        }
        if let Some(place) = place {
            facets.insert(Facet::Place, vec![place.id.0.simple().to_string()]);
        }
        let key = |locale: &Locale| sort_key(row.name.read(locale).unwrap_or_default());
        let codes = [
            Some(row.slug.to_string()),
            row.uscc.clone().map(String::from),
            row.customs_code.clone().map(String::from),
        ];
        Document {
            id: row.id.0,
            kind: Kind::Organisation,
            public: true,
            owner: None,
            sort_zh: key(&Locale::zh_cn()),
            sort_en: key(&Locale::en()),
            names: row.name.0.iter().map(|(locale, text)| (locale.to_string(), text.clone())).collect(),
            words: place.into_iter().flat_map(|place| place.name.0.values().cloned()).collect(),
            body: Vec::new(),
            codes: codes.into_iter().flatten().collect(),
            facets,
            prices: BTreeMap::new(),
            listed_at: row.created_at.timestamp_millis(),
        }
    };
    Ok(rows.into_iter().map(document).collect())
}

/// Organisations whose name holds any of these words, at most `limit`: for when the index is away.
pub async fn by_words(db: &impl ConnectionTrait, words: &[String], limit: u64) -> Result<Vec<OrganisationId>, Error> {
    let mut any = Condition::any();
    for word in words {
        any = any.add(holding(organisation::Column::Name, word));
        any = any.add(organisation::Column::Slug.starts_with(word));
    }
    let found = organisation::Entity::find().filter(any).select_only().column(organisation::Column::Id).limit(limit);
    Ok(found.into_tuple().all(db).await?)
}
