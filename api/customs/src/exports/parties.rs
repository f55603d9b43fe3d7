//! Who may declare an export, and who is who at customs.

use std::collections::BTreeMap;

use entities::{
    customs::{
        arrangement,
        export::{declaration, papers::ExportParties},
        sale::Party,
    },
    party::{Action, OrganisationRole, Resource, organisation, organisation_role},
    values::{ErrorCode, Refusal, Refusals, id::OrganisationId},
};
use platform::{app::Call, error::Error, graphql::encode};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect};

use crate::gathered::party;

/// Whether the caller may declare for a seller: the seller itself, who keeps the zone, or a declarer that the seller has
/// arranged for its imports; nobody becomes an agent by saying so.
pub(super) async fn may_declare(
    db: &impl ConnectionTrait,
    call: &Call,
    seller: OrganisationId,
    declarer: OrganisationId,
) -> Result<(), Error> {
    if call.may(Action::KeepDeclarations, Resource::of(seller)).is_ok() {
        return Ok(());
    }
    call.may(Action::KeepDeclarations, Resource::of(declarer))?;
    let arranged = arrangement::Entity::find()
        .filter(arrangement::Column::SellerId.eq(seller))
        .filter(arrangement::Column::DeclarerId.eq(declarer));
    arranged.limit(1).one(db).await?.map(|_| ()).ok_or(Error::Forbidden)
}

/// Whether the caller may change an export: its seller, its declarer, who keeps the zone.
pub(super) fn may_change(call: &Call, row: &declaration::Model) -> Result<(), Error> {
    call.may(Action::KeepDeclarations, Resource::of(row.seller_id))
        .or_else(|_| call.may(Action::KeepDeclarations, Resource::of(row.declarer_id)))
}

/// Organisations as customs knows them; those without a code are not among them.
pub(super) async fn known(
    db: &impl ConnectionTrait,
    ids: impl IntoIterator<Item = OrganisationId>,
) -> Result<BTreeMap<OrganisationId, Party>, Error> {
    let rows = organisation::Entity::find().filter(organisation::Column::Id.is_in(ids)).all(db).await?;
    Ok(rows.iter().filter_map(|row| Some((row.id, party(row)?))).collect())
}

/// Who does what in an export.
pub(super) async fn of(db: &impl ConnectionTrait, row: &declaration::Model) -> Result<ExportParties, Error> {
    let known = known(db, [row.seller_id, row.declarer_id, row.carrier_id]).await?;
    let of = |id: OrganisationId| {
        known.get(&id).cloned().ok_or_else(|| Error::internal("a party of an export has no code at customs any more"))
    };
    Ok(ExportParties { merchant: of(row.seller_id)?, declarer: of(row.declarer_id)?, carrier: of(row.carrier_id)? })
}

/// Whether everyone that an export names can do what it does in it.
pub(super) async fn check(
    db: &impl ConnectionTrait,
    seller: OrganisationId,
    named: &[(&'static str, OrganisationId, &'static [OrganisationRole])],
) -> Result<Refusals, Error> {
    let mut found = Refusals::new();
    let ids: Vec<OrganisationId> = named.iter().map(|(_, id, _)| *id).chain([seller]).collect();
    let rows = organisation::Entity::find().filter(organisation::Column::Id.is_in(ids.iter().copied())).all(db).await?;
    let roles =
        organisation_role::Entity::find().filter(organisation_role::Column::OrganisationId.is_in(ids)).all(db).await?;
    let without_code = || Refusal::new(ErrorCode::Incomplete).with("missing", "customsCode, uscc");
    if rows.iter().find(|row| row.id == seller).is_none_or(|row| party(row).is_none()) {
        found.push(without_code().at("sellerId"));
    }
    for (field, id, wanted) in named {
        let Some(row) = rows.iter().find(|row| row.id == *id) else {
            found.push(Refusal::new(ErrorCode::NotFound).with("value", encode(*id).0).at(*field));
            continue;
        };
        if party(row).is_none() {
            found.push(without_code().at(*field));
        }
        let plays = roles.iter().any(|role| role.organisation_id == *id && wanted.contains(&role.role));
        // A seller may declare for itself.
        let own = *field == "declarerId" && *id == seller;
        if !plays && !own {
            let name = wanted.first().map(|role| async_graphql::Value::from(*role).to_string()).unwrap_or_default();
            let refusal = Refusal::new(ErrorCode::WrongRole).with("value", row.slug.as_str()).with("role", name);
            found.push(refusal.at(*field));
        }
    }
    Ok(found)
}
