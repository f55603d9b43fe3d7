//! Members of organisations: invited, changed, removed. An organisation keeps an owner.

use std::collections::BTreeSet;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use chrono::Duration;
use entities::{
    party::{
        Acting, Action, Actor, MemberRole, Resource, Viewer, invitation,
        membership::{self, Roles},
        organisation_role, permission,
    },
    platform::EventKind,
    values::{
        ErrorCode, Refusal,
        id::{InvitationId, MembershipId, OrganisationId, PersonId},
    },
};
use platform::{
    app::{App, Call, Work},
    error::{Error, not_found, stale, violates_unique},
    graphql::encode,
    page::{Cursor, Page, PageArgs},
    vault::Vault,
};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, Order, PaginatorTrait, QueryFilter,
    QueryOrder, QuerySelect, sea_query::Expr,
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    locked,
    people::{self, Name},
};

/// Names of the orders, for cursors.
const BY_JOINING: &str = "joined";
const NEWEST: &str = "newest-invitation";
/// How long an invitation may be accepted.
const VALID: Duration = Duration::days(7);
/// Highest level of an approver.
const MAX_LEVEL: i32 = 9;
/// Most open invitations of one organisation.
const MAX_OPEN: u64 = 200;

/// In which roles someone is or becomes a member.
#[derive(Clone, Debug)]
pub struct Standing {
    /// The roles.
    pub roles: BTreeSet<MemberRole>,
    /// Up to which level an approver decides.
    pub approval_level: i32,
}

/// Holds roles against what the organisation is.
async fn checked(tx: &impl ConnectionTrait, organisation: OrganisationId, standing: &Standing) -> Result<(), Error> {
    if standing.roles.is_empty() {
        return Err(Refusal::new(ErrorCode::Required).at("roles").into());
    }
    let kinds = organisation_role::Entity::find()
        .filter(organisation_role::Column::OrganisationId.eq(organisation))
        .all(tx)
        .await?;
    let unfit = standing.roles.iter().find(|role| !permission::fits(**role, kinds.iter().map(|k| k.role)));
    if let Some(role) = unfit {
        return Err(Refusal::new(ErrorCode::RoleNotAllowed).with("role", role.name()).at("roles").into());
    }
    let approver = standing.roles.contains(&MemberRole::Approver);
    let fits = if approver { 1..=MAX_LEVEL } else { 0..=0 };
    if !fits.contains(&standing.approval_level) {
        let refusal = Refusal::new(ErrorCode::OutOfRange).with("min", fits.start().to_string());
        return Err(refusal.with("max", fits.end().to_string()).at("approvalLevel").into());
    }
    Ok(())
}

/// The token of an invitation: which one, and a proof that this house made it. Nothing of it is stored.
pub fn invitation_token(vault: &Vault, id: InvitationId) -> String {
    let named = BASE64_URL_SAFE_NO_PAD.encode(id.0.as_bytes());
    format!("{named}.{}", vault.proof("invitation", &named))
}

fn read_token(vault: &Vault, token: &str) -> Option<InvitationId> {
    let (named, proof) = token.split_once('.').filter(|_| token.len() < 200)?;
    if !vault.proves("invitation", named, proof) {
        return None;
    }
    Some(InvitationId(Uuid::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(named).ok()?).ok()?))
}

/// Invites whoever signs in with this address or number.
pub async fn invite(
    app: &App,
    call: &Call,
    organisation: OrganisationId,
    contact: &str,
    standing: &Standing,
) -> Result<invitation::Model, Error> {
    let brings_first = call.may(Action::KeepMembers, Resource::of(organisation)).is_err();
    if brings_first {
        call.may(Action::BringFirstOwner, Resource::of(organisation))?;
    }
    let contact = Name::read(contact.trim()).map_err(|r| r.at("contact"))?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let (tx, now) = (work.tx(), work.now);
    locked(tx, organisation).await?;
    if brings_first && owners(organisation).count(tx).await? > 0 {
        return Err(Error::Forbidden);
    }
    checked(tx, organisation, standing).await?;
    let open = invitation::Entity::find()
        .filter(invitation::Column::OrganisationId.eq(organisation))
        .filter(invitation::Column::ClosedAt.is_null())
        .filter(invitation::Column::ExpiresAt.gt(now));
    if open.count(tx).await? >= MAX_OPEN {
        return Err(Refusal::new(ErrorCode::TooMany).with("max", MAX_OPEN.to_string()).into());
    }
    let row = invitation::Model {
        id: InvitationId::new(now),
        organisation_id: organisation,
        contact: contact.masked(),
        lookup: contact.lookup(app.vault()),
        roles: Roles(standing.roles.clone()),
        approval_level: standing.approval_level,
        invited_by: call.viewer.subject(),
        created_at: now,
        expires_at: now + VALID,
        accepted_by: None,
        closed_at: None,
    };
    invitation::Entity::insert(row.clone().into_active_model()).exec_without_returning(tx).await?;
    let after = json!({ "contact": row.contact, "roles": row.roles });
    work.audit(Some(organisation), "inviteMember", encode(row.id).0, Value::Null, after);
    work.commit(row).await
}

/// Invites someone from the command line: whoever runs it has the database anyway. Answers with the token.
pub async fn invite_from_outside(
    app: &App,
    organisation: &str,
    contact: &str,
    roles: &[MemberRole],
) -> Result<String, Error> {
    let found = super::organisation_by_slug(app.db().read(), organisation).await?;
    let found = found.ok_or_else(|| Error::BadInput(format!("there is no organisation {organisation}")))?;
    let acting = Acting {
        organisation: found.id,
        kinds: BTreeSet::new(),
        roles: BTreeSet::from([MemberRole::Owner]),
        approval_level: 0,
        scopes: BTreeSet::new(),
    };
    let call = Call::by(Viewer { actor: Actor::Tool("command line".into()), acting: Some(acting) });
    let standing = Standing { roles: roles.iter().copied().collect(), approval_level: 0 };
    let row = invite(app, &call, found.id, contact, &standing).await?;
    Ok(invitation_token(app.vault(), row.id))
}

/// Accepts an invitation that was sent to oneself.
pub async fn accept(app: &App, call: &Call, token: &str) -> Result<membership::Model, Error> {
    call.may(Action::JoinOrganisation, Resource::OWN)?;
    let person = call.viewer.person().ok_or(Error::Forbidden)?;
    let invalid = || Error::from(Refusal::new(ErrorCode::InvitationInvalid).at("token"));
    let id = read_token(app.vault(), token).ok_or_else(invalid)?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let (tx, now) = (work.tx(), work.now);
    let invitation = invitation::Entity::find_by_id(id).one(tx).await?.ok_or_else(invalid)?;
    if !people::has_lookup(tx, person, &invitation.lookup).await? {
        return Err(invalid());
    }
    let closed = invitation::Entity::update_many()
        .col_expr(invitation::Column::AcceptedBy, Expr::value(person))
        .col_expr(invitation::Column::ClosedAt, Expr::value(now))
        .filter(invitation::Column::Id.eq(id))
        .filter(invitation::Column::ClosedAt.is_null())
        .filter(invitation::Column::ExpiresAt.gt(now))
        .exec(tx)
        .await?;
    if closed.rows_affected != 1 {
        return Err(invalid());
    }
    let standing = Standing { roles: invitation.roles.0, approval_level: invitation.approval_level };
    let row = join(tx, invitation.organisation_id, person, &standing, now).await?;
    changed(&mut work, &row, "acceptInvitation", Value::Null, json!({ "roles": row.roles })).await?;
    work.commit(row).await
}

/// Makes a person a member.
pub async fn join(
    tx: &impl ConnectionTrait,
    organisation: OrganisationId,
    person: PersonId,
    standing: &Standing,
    now: chrono::DateTime<chrono::Utc>,
) -> Result<membership::Model, Error> {
    let row = membership::Model {
        id: MembershipId::new(now),
        organisation_id: organisation,
        person_id: person,
        roles: Roles(standing.roles.clone()),
        is_owner: standing.roles.contains(&MemberRole::Owner),
        approval_level: standing.approval_level,
        version: 1,
        created_at: now,
    };
    let inserted = membership::Entity::insert(row.clone().into_active_model()).exec_without_returning(tx).await;
    match inserted {
        Ok(_) => Ok(row),
        Err(e) if violates_unique(&e, "membership", &["person_id", "organisation_id"]) => {
            Err(Refusal::new(ErrorCode::AlreadyTaken).with("value", "membership").into())
        }
        Err(e) => Err(e.into()),
    }
}

async fn changed(
    work: &mut Work,
    row: &membership::Model,
    operation: &'static str,
    before: Value,
    after: Value,
) -> Result<(), Error> {
    let node = encode(row.id).0;
    work.audit(Some(row.organisation_id), operation, node.clone(), before, after);
    work.tell(row.organisation_id, EventKind::MemberChanged, node, row.version).await?;
    work.forgets_viewers();
    Ok(())
}

/// Takes an open invitation back.
pub async fn revoke_invitation(app: &App, call: &Call, id: InvitationId) -> Result<invitation::Model, Error> {
    let mut work = app.begin(call).await?;
    let row = invitation::Entity::find_by_id(id).one(work.tx()).await?;
    let row = row.filter(|row| seen(call, row.organisation_id)).ok_or_else(|| not_found("id", encode(id).as_str()))?;
    call.may(Action::KeepMembers, Resource::of(row.organisation_id))?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let now = work.now;
    let closed = invitation::Entity::update_many()
        .col_expr(invitation::Column::ClosedAt, Expr::value(now))
        .filter(invitation::Column::Id.eq(id))
        .filter(invitation::Column::ClosedAt.is_null())
        .exec(work.tx())
        .await?;
    if closed.rows_affected != 1 {
        let refusal = Refusal::new(ErrorCode::IllegalTransition).with("from", "CLOSED").with("action", "REVOKE");
        return Err(refusal.at("id").into());
    }
    work.audit(
        Some(row.organisation_id),
        "revokeInvitation",
        encode(id).0,
        json!({ "contact": row.contact }),
        Value::Null,
    );
    work.commit(invitation::Model { closed_at: Some(now), ..row }).await
}

/// Whether the viewer knows of what an organisation has at all.
fn seen(call: &Call, organisation: OrganisationId) -> bool {
    call.viewer.oversees() || call.viewer.organisation() == Some(organisation)
}

/// Changes the roles of a member.
pub async fn change_roles(
    app: &App,
    call: &Call,
    id: MembershipId,
    expected_version: i32,
    standing: &Standing,
) -> Result<membership::Model, Error> {
    let mut work = app.begin(call).await?;
    let before = visible(work.tx(), call, id).await?;
    call.may(Action::KeepMembers, Resource::of(before.organisation_id))?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let tx = work.tx();
    locked(tx, before.organisation_id).await?;
    // Read again: what it was before the lock may have changed.
    let before = visible(tx, call, id).await?;
    checked(tx, before.organisation_id, standing).await?;
    let row = membership::Model {
        roles: Roles(standing.roles.clone()),
        is_owner: standing.roles.contains(&MemberRole::Owner),
        approval_level: standing.approval_level,
        version: before.version + 1,
        ..before.clone()
    };
    if before.is_owner && !row.is_owner {
        keeps_an_owner(tx, &before).await?;
    }
    let written = membership::Entity::update_many()
        .set(row.clone().into_active_model().reset_all())
        .filter(membership::Column::Id.eq(id))
        .filter(membership::Column::Version.eq(expected_version))
        .exec(tx)
        .await?;
    if written.rows_affected != 1 {
        return Err(stale());
    }
    if before.is_owner && !row.is_owner {
        close_invitations_of(tx, &row, work.now).await?;
    }
    let roles = |row: &membership::Model| json!({ "roles": row.roles, "approval_level": row.approval_level });
    changed(&mut work, &row, "changeMemberRoles", roles(&before), roles(&row)).await?;
    work.commit(row).await
}

/// Removes a member; everyone may remove itself.
pub async fn remove(app: &App, call: &Call, id: MembershipId) -> Result<MembershipId, Error> {
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let before = visible(work.tx(), call, id).await?;
    if call.viewer.person() != Some(before.person_id) {
        call.may(Action::RemoveMembers, Resource::of(before.organisation_id))?;
    }
    let tx = work.tx();
    locked(tx, before.organisation_id).await?;
    let before = visible(tx, call, id).await?;
    if before.is_owner {
        keeps_an_owner(tx, &before).await?;
    }
    let gone = membership::Entity::delete_by_id(id).exec(tx).await?;
    if gone.rows_affected != 1 {
        return Err(not_found("id", encode(id).as_str()));
    }
    close_invitations_of(tx, &before, work.now).await?;
    let after = membership::Model { version: before.version + 1, ..before.clone() };
    changed(&mut work, &after, "removeMember", json!({ "roles": before.roles }), Value::Null).await?;
    work.commit(id).await
}

fn owners(organisation: OrganisationId) -> sea_orm::Select<membership::Entity> {
    membership::Entity::find()
        .filter(membership::Column::OrganisationId.eq(organisation))
        .filter(membership::Column::IsOwner.eq(true))
}

/// Takes the open invitations of someone back who may not invite any more: they must not outlive their inviter.
async fn close_invitations_of(
    tx: &impl ConnectionTrait,
    member: &membership::Model,
    now: chrono::DateTime<chrono::Utc>,
) -> Result<(), Error> {
    invitation::Entity::update_many()
        .col_expr(invitation::Column::ClosedAt, Expr::value(now))
        .filter(invitation::Column::OrganisationId.eq(member.organisation_id))
        .filter(invitation::Column::InvitedBy.eq(Actor::Person(member.person_id).to_string()))
        .filter(invitation::Column::ClosedAt.is_null())
        .exec(tx)
        .await?;
    Ok(())
}

/// Refuses to take the last owner away. The organisation is locked, so two owners cannot remove each other.
async fn keeps_an_owner(tx: &impl ConnectionTrait, leaving: &membership::Model) -> Result<(), Error> {
    let others = owners(leaving.organisation_id).filter(membership::Column::Id.ne(leaving.id));
    if others.count(tx).await? > 0 { Ok(()) } else { Err(Refusal::new(ErrorCode::LastOwner).at("id").into()) }
}

/// A membership that the viewer may know of: of its organisation, or its own elsewhere.
async fn visible(tx: &impl ConnectionTrait, call: &Call, id: MembershipId) -> Result<membership::Model, Error> {
    let row = membership::Entity::find_by_id(id).one(tx).await?;
    let known =
        |row: &membership::Model| seen(call, row.organisation_id) || call.viewer.person() == Some(row.person_id);
    row.filter(known).ok_or_else(|| not_found("id", encode(id).as_str()))
}

/// Members of an organisation, in the order of their joining.
pub async fn list_members(
    db: &impl ConnectionTrait,
    organisation: OrganisationId,
    page: &PageArgs,
) -> Result<Page<membership::Model>, Error> {
    let list = membership::Entity::find().filter(membership::Column::OrganisationId.eq(organisation));
    page.by_id(db, list, membership::Column::Id, BY_JOINING, Order::Asc).await
}

/// The cursor of a member in that list.
pub fn member_cursor(row: &membership::Model) -> Cursor {
    Cursor::of_id(BY_JOINING, row.id)
}

/// For whom a person acts.
pub async fn memberships_of(db: &impl ConnectionTrait, person: PersonId) -> Result<Vec<membership::Model>, Error> {
    let own = membership::Entity::find().filter(membership::Column::PersonId.eq(person));
    Ok(own.order_by_asc(membership::Column::Id).limit(200).all(db).await?)
}

/// Invitations of an organisation, newest first.
pub async fn list_invitations(
    db: &impl ConnectionTrait,
    organisation: OrganisationId,
    page: &PageArgs,
) -> Result<Page<invitation::Model>, Error> {
    let list = invitation::Entity::find().filter(invitation::Column::OrganisationId.eq(organisation));
    page.by_id(db, list, invitation::Column::Id, NEWEST, Order::Desc).await
}

/// The cursor of an invitation in that list.
pub fn invitation_cursor(row: &invitation::Model) -> Cursor {
    Cursor::of_id(NEWEST, row.id)
}
