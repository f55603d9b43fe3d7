//! Members of organisations and invitations, in the schema.

use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};
use chrono::{DateTime, Utc};
use entities::{
    party::{Action, MemberRole, invitation, membership},
    values::id::MembershipId,
};
use platform::{
    graphql::{Connection, ContextExt, connection::list_cost, decode, encode},
    page::PageArgs,
    payload,
};

use super::{Organisation, named_or_own, people::Person, readable};
use crate::{
    loaders,
    ops::members::{self, Standing},
};

/// That a person acts for an organisation (成员关系).
#[derive(Clone, Debug)]
pub struct Membership(pub membership::Model);

/// That a person acts for an organisation (成员关系).
#[Object]
impl Membership {
    /// Opaque identifier.
    pub async fn id(&self) -> ID {
        encode(self.0.id)
    }

    /// The organisation.
    async fn organisation(&self, context: &Context<'_>) -> Result<Option<Organisation>> {
        Ok(loaders::of(context).load_one(self.0.organisation_id).await?.map(Organisation))
    }

    /// The person.
    async fn person(&self, context: &Context<'_>) -> Result<Option<Person>> {
        Ok(loaders::of(context).load_one(self.0.person_id).await?.map(Person))
    }

    /// In which roles.
    async fn roles(&self) -> Vec<MemberRole> {
        self.0.roles.0.iter().copied().collect()
    }

    /// Up to which level an approver decides; 0 for everyone else.
    async fn approval_level(&self) -> i32 {
        self.0.approval_level
    }

    /// Counts up with every change; sent back as `expectedVersion`.
    async fn version(&self) -> i32 {
        self.0.version
    }

    /// Since when.
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }
}

/// An invitation into an organisation (邀请).
#[derive(Clone, Debug)]
pub struct Invitation(pub invitation::Model);

/// An invitation into an organisation (邀请).
#[Object]
impl Invitation {
    /// Opaque identifier.
    pub async fn id(&self) -> ID {
        encode(self.0.id)
    }

    /// To whom, masked.
    async fn contact(&self) -> &str {
        &self.0.contact
    }

    /// In which roles.
    async fn roles(&self) -> Vec<MemberRole> {
        self.0.roles.0.iter().copied().collect()
    }

    /// Up to which level an approver decides.
    async fn approval_level(&self) -> i32 {
        self.0.approval_level
    }

    /// Since when.
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }

    /// Until when it may be accepted.
    async fn expires_at(&self) -> DateTime<Utc> {
        self.0.expires_at
    }

    /// When it was accepted or taken back.
    async fn closed_at(&self) -> Option<DateTime<Utc>> {
        self.0.closed_at
    }

    /// Whether it was accepted.
    async fn accepted(&self) -> bool {
        self.0.accepted_by.is_some()
    }
}

/// The part of the query root about members.
#[derive(Default)]
pub struct MembersQuery;

#[Object]
impl MembersQuery {
    /// Members of an organisation, in the order of their joining (成员列表).
    #[graphql(complexity = "list_cost(first, last, child_complexity)")]
    async fn members(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Whose; none: of the organisation acted for.")] organisation_id: Option<ID>,
        #[graphql(desc = "Size of the page, at most 100.")] first: Option<i32>,
        #[graphql(desc = "The page starts after this cursor.")] after: Option<String>,
        #[graphql(desc = "Size of a page that is read backwards.")] last: Option<i32>,
        #[graphql(desc = "The page ends before this cursor.")] before: Option<String>,
    ) -> Result<Connection<Membership>> {
        context.may(Action::ReadMembers)?;
        let organisation = named_or_own(context, organisation_id.as_ref())?;
        readable(context, Action::ReadMembers, organisation)?;
        let page = PageArgs::relay(first, after.as_deref(), last, before.as_deref())?;
        let rows = members::list_members(context.app().db().read(), organisation, &page).await?;
        Ok(Connection::new(rows, None, |row| (members::member_cursor(&row), Membership(row))))
    }

    /// Invitations into an organisation, newest first (邀请列表).
    #[graphql(complexity = "list_cost(first, last, child_complexity)")]
    async fn invitations(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Whose; none: of the organisation acted for.")] organisation_id: Option<ID>,
        #[graphql(desc = "Size of the page, at most 100.")] first: Option<i32>,
        #[graphql(desc = "The page starts after this cursor.")] after: Option<String>,
        #[graphql(desc = "Size of a page that is read backwards.")] last: Option<i32>,
        #[graphql(desc = "The page ends before this cursor.")] before: Option<String>,
    ) -> Result<Connection<Invitation>> {
        context.may(Action::KeepMembers)?;
        let organisation = named_or_own(context, organisation_id.as_ref())?;
        readable(context, Action::KeepMembers, organisation)?;
        let page = PageArgs::relay(first, after.as_deref(), last, before.as_deref())?;
        let rows = members::list_invitations(context.app().db().read(), organisation, &page).await?;
        Ok(Connection::new(rows, None, |row| (members::invitation_cursor(&row), Invitation(row))))
    }
}

/// Someone to invite (邀请成员).
#[derive(InputObject)]
pub(super) struct InviteMemberInput {
    /// Into which organisation; none: the one acted for.
    organisation_id: Option<ID>,
    /// The e-mail address or mobile number that the person signs in with.
    contact: String,
    /// In which roles.
    roles: Vec<MemberRole>,
    /// Up to which level an approver decides, 1 to 9.
    approval_level: Option<i32>,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// An invitation to accept (接受邀请).
#[derive(InputObject)]
pub(super) struct AcceptInvitationInput {
    /// The token that was sent.
    #[graphql(secret)]
    token: String,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// An invitation to take back (撤回邀请).
#[derive(InputObject)]
pub(super) struct RevokeInvitationInput {
    /// Which.
    id: ID,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// Roles to change (修改成员角色).
#[derive(InputObject)]
pub(super) struct ChangeMemberRolesInput {
    /// Which membership.
    id: ID,
    /// The version that the editor saw.
    expected_version: i32,
    /// All its roles from now on.
    roles: Vec<MemberRole>,
    /// Up to which level an approver decides, 1 to 9.
    approval_level: Option<i32>,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// A member to remove, or oneself to leave (移除成员).
#[derive(InputObject)]
pub(super) struct RemoveMemberInput {
    /// Which membership.
    id: ID,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// An invitation and its token (邀请令牌).
#[derive(SimpleObject)]
pub(super) struct SentInvitation {
    /// The invitation.
    invitation: Invitation,
    /// To be sent to the person invited; only who signs in with that address or number can accept it.
    token: String,
}

payload! {
    /// The answer to `inviteMember`.
    InviteMemberPayload { /// The invitation and its token.
        sent: SentInvitation }
    /// The answer to `acceptInvitation`.
    AcceptInvitationPayload { /// The membership.
        membership: Membership }
    /// The answer to `revokeInvitation`.
    RevokeInvitationPayload { /// The invitation as it is now.
        invitation: Invitation }
    /// The answer to `changeMemberRoles`.
    ChangeMemberRolesPayload { /// The membership as it is now.
        membership: Membership }
    /// The answer to `removeMember`.
    RemoveMemberPayload { /// The membership that is gone.
        removed_id: ID }
}

/// The part of the mutation root about members.
#[derive(Default)]
pub struct MembersMutation;

fn standing(roles: Vec<MemberRole>, level: Option<i32>) -> Standing {
    Standing { roles: roles.into_iter().collect(), approval_level: level.unwrap_or_default() }
}

#[Object]
impl MembersMutation {
    /// Invites a person to act for an organisation; the answer holds a token to be sent to it. An operator brings an
    /// organisation its first owner (邀请成员).
    async fn invite_member(&self, context: &Context<'_>, input: InviteMemberInput) -> Result<InviteMemberPayload> {
        let call = context.call(Action::KeepMembers).or_else(|_| context.call(Action::BringFirstOwner))?;
        let result = async {
            let organisation = named_or_own(context, input.organisation_id.as_ref())?;
            let standing = standing(input.roles, input.approval_level);
            members::invite(context.app(), &call, organisation, &input.contact, &standing).await
        };
        let vault = context.app().vault();
        let sent = |row: invitation::Model| SentInvitation {
            token: members::invitation_token(vault, row.id),
            invitation: Invitation(row),
        };
        InviteMemberPayload::new(context, input.client_mutation_id, result.await.map(sent))
    }

    /// Accepts an invitation (接受邀请).
    async fn accept_invitation(
        &self,
        context: &Context<'_>,
        input: AcceptInvitationInput,
    ) -> Result<AcceptInvitationPayload> {
        let call = context.call(Action::JoinOrganisation)?;
        let joined = members::accept(context.app(), &call, &input.token).await;
        AcceptInvitationPayload::new(context, input.client_mutation_id, joined.map(Membership))
    }

    /// Takes an open invitation back (撤回邀请).
    async fn revoke_invitation(
        &self,
        context: &Context<'_>,
        input: RevokeInvitationInput,
    ) -> Result<RevokeInvitationPayload> {
        let call = context.call(Action::KeepMembers)?;
        let result = async { members::revoke_invitation(context.app(), &call, decode(&input.id, "id")?).await };
        RevokeInvitationPayload::new(context, input.client_mutation_id, result.await.map(Invitation))
    }

    /// Changes the roles of a member (修改成员角色).
    async fn change_member_roles(
        &self,
        context: &Context<'_>,
        input: ChangeMemberRolesInput,
    ) -> Result<ChangeMemberRolesPayload> {
        let call = context.call(Action::KeepMembers)?;
        let result = async {
            let id: MembershipId = decode(&input.id, "id")?;
            let standing = standing(input.roles, input.approval_level);
            members::change_roles(context.app(), &call, id, input.expected_version, &standing).await
        };
        ChangeMemberRolesPayload::new(context, input.client_mutation_id, result.await.map(Membership))
    }

    /// Removes a member; everyone may remove itself. The last owner stays (移除成员).
    async fn remove_member(&self, context: &Context<'_>, input: RemoveMemberInput) -> Result<RemoveMemberPayload> {
        let call = context.call(Action::RemoveMembers)?;
        let result = async { members::remove(context.app(), &call, decode(&input.id, "id")?).await };
        RemoveMemberPayload::new(context, input.client_mutation_id, result.await.map(encode))
    }
}
