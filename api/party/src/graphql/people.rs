//! Signing in, one's own sessions and identity, and who is looking.

use async_graphql::{ComplexObject, Context, Enum, ID, InputObject, Object, Result, SimpleObject};
use chrono::{DateTime, Utc};
use entities::{
    party::{
        Action, Actor, MemberRole, consumer_identity,
        login::LoginKind,
        machine_client::Scope,
        person,
        session::{self, SessionEnd},
    },
    values::id::{OrganisationId, PersonId},
};
use platform::{
    error::Error,
    graphql::{Connection, ContextExt, connection::list_cost, decode, encode},
    page::PageArgs,
    payload,
};

use super::{Organisation, members::Membership};
use crate::{
    loaders,
    ops::{
        identities, members, people,
        sessions::{self, Device, Tokens},
    },
};

/// In what standing someone looks (身份).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum ViewerStanding {
    /// Not signed in (未登录).
    Anonymous,
    /// A person, for itself (个人).
    Person,
    /// A person, for an organisation (成员).
    Member,
    /// A machine client of an organisation (机器客户端).
    Machine,
    /// A development token (开发令牌).
    Development,
}

/// Who is looking (当前访问者).
#[derive(SimpleObject)]
#[graphql(complex)]
pub struct ViewerInfo {
    /// In what standing.
    standing: ViewerStanding,
    /// The name that the history notes.
    subject: String,
    /// In which roles it acts for its organisation.
    roles: Vec<MemberRole>,
    /// Up to which level it approves; 0 for who is no approver.
    approval_level: i32,
    /// What a machine client may do.
    scopes: Vec<Scope>,
    #[graphql(skip)]
    organisation_id: Option<OrganisationId>,
    #[graphql(skip)]
    person_id: Option<PersonId>,
}

#[ComplexObject]
impl ViewerInfo {
    /// The organisation acted for.
    async fn organisation(&self, context: &Context<'_>) -> Result<Option<Organisation>> {
        let Some(id) = self.organisation_id else { return Ok(None) };
        Ok(loaders::of(context).load_one(id).await?.map(Organisation))
    }

    /// The person who signed in.
    async fn person(&self, context: &Context<'_>) -> Result<Option<Person>> {
        let Some(id) = self.person_id else { return Ok(None) };
        Ok(loaders::of(context).load_one(id).await?.map(Person))
    }

    /// How one signs in, masked.
    async fn logins(&self, context: &Context<'_>) -> Result<Vec<Login>> {
        let Some(id) = self.person_id else { return Ok(Vec::new()) };
        let shown = people::logins(context.app(), id).await?.into_iter();
        Ok(shown.map(|(kind, masked)| Login { kind, masked }).collect())
    }

    /// For whom one may act.
    async fn memberships(&self, context: &Context<'_>) -> Result<Vec<Membership>> {
        let Some(id) = self.person_id else { return Ok(Vec::new()) };
        let own = members::memberships_of(context.app().db().read(), id).await?;
        Ok(own.into_iter().map(Membership).collect())
    }

    /// One's own name and resident ID, masked.
    async fn consumer_identity(&self, context: &Context<'_>) -> Result<Option<ConsumerIdentity>> {
        let Some(id) = self.person_id else { return Ok(None) };
        Ok(identities::own_identity(context.app().db().read(), id).await?.map(ConsumerIdentity))
    }
}

/// A person (个人).
#[derive(Clone, Debug)]
pub struct Person(pub person::Model);

/// A person (个人).
#[Object]
impl Person {
    /// Opaque identifier.
    pub async fn id(&self) -> ID {
        encode(self.0.id)
    }

    /// The name that colleagues see.
    async fn display_name(&self) -> &str {
        &self.0.display_name
    }

    /// When it registered.
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }
}

/// A way of signing in (登录方式).
#[derive(SimpleObject)]
pub struct Login {
    /// Which kind.
    kind: LoginKind,
    /// What identifies, masked.
    masked: String,
}

/// A signed-in device (会话).
#[derive(Clone, Debug)]
pub struct Session(pub session::Model);

/// A signed-in device (会话).
#[Object]
impl Session {
    /// Opaque identifier.
    pub async fn id(&self) -> ID {
        encode(self.0.id)
    }

    /// Whether the request comes in this session.
    async fn current(&self, context: &Context<'_>) -> bool {
        context.session() == Some(self.0.id)
    }

    /// The device, as it named itself.
    async fn device(&self) -> &str {
        &self.0.device
    }

    /// The organisation acted for.
    async fn organisation(&self, context: &Context<'_>) -> Result<Option<Organisation>> {
        let Some(id) = self.0.organisation_id else { return Ok(None) };
        Ok(loaders::of(context).load_one(id).await?.map(Organisation))
    }

    /// Since when.
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }

    /// When it was last refreshed.
    async fn refreshed_at(&self) -> DateTime<Utc> {
        self.0.refreshed_at
    }

    /// After this it cannot be refreshed.
    async fn expires_at(&self) -> DateTime<Utc> {
        self.0.expires_at
    }

    /// When it ended before its time.
    async fn ended_at(&self) -> Option<DateTime<Utc>> {
        self.0.ended_at
    }

    /// Why it ended before its time.
    async fn ended(&self) -> Option<SessionEnd> {
        self.0.ended
    }
}

/// What a sign-in gives (令牌).
#[derive(SimpleObject)]
pub struct SessionTokens {
    /// Sent as `Authorization: Bearer …` with every request.
    access_token: String,
    /// Until when the access token is good.
    access_token_expires_at: DateTime<Utc>,
    /// Changed into new tokens, once; a second use ends the session. None: the present one stays good.
    refresh_token: Option<String>,
    /// The session.
    session: Session,
}

impl From<Tokens> for SessionTokens {
    fn from(tokens: Tokens) -> Self {
        Self {
            access_token: tokens.access.token,
            access_token_expires_at: tokens.access.expires_at,
            refresh_token: tokens.refresh,
            session: Session(tokens.session),
        }
    }
}

/// Name and resident ID of a consumer, masked (消费者实名信息).
#[derive(Clone, Debug)]
pub struct ConsumerIdentity(pub consumer_identity::Model);

/// Name and resident ID of a consumer, masked (消费者实名信息).
#[Object]
impl ConsumerIdentity {
    /// The person's id.
    async fn person_id(&self) -> ID {
        encode(self.0.person_id)
    }

    /// The name, masked.
    async fn masked_name(&self) -> &str {
        &self.0.masked_name
    }

    /// The resident ID, masked.
    async fn masked_resident_id(&self) -> &str {
        &self.0.masked_number
    }

    /// When it was last given.
    async fn updated_at(&self) -> DateTime<Utc> {
        self.0.updated_at
    }

    /// Whether the base of identities knows the number under the name; none: it was not asked since (实名核验结果). Who is
    /// verified may have somebody else pay for imports.
    async fn same_person(&self) -> Option<bool> {
        self.0.same_person
    }

    /// Who asked it, and under which number.
    async fn verified_with(&self) -> Option<&str> {
        self.0.verified_with.as_deref()
    }

    /// When it was asked.
    async fn verified_at(&self) -> Option<DateTime<Utc>> {
        self.0.verified_at
    }
}

/// Name and resident ID in clear (明文实名信息).
#[derive(SimpleObject)]
pub struct RevealedIdentity {
    /// The name.
    name: String,
    /// The resident ID.
    resident_id: String,
}

/// The part of the query root about people.
#[derive(Default)]
pub struct PeopleQuery;

#[Object]
impl PeopleQuery {
    /// Who is looking (当前访问者).
    async fn viewer(&self, context: &Context<'_>) -> Result<ViewerInfo> {
        context.may(Action::ReadPublic)?;
        let viewer = context.viewer();
        let acting = viewer.acting.as_ref();
        let standing = match (&viewer.actor, acting) {
            (Actor::Anonymous, _) => ViewerStanding::Anonymous,
            (Actor::Person(_), None) => ViewerStanding::Person,
            (Actor::Person(_), Some(_)) => ViewerStanding::Member,
            (Actor::Machine(_), _) => ViewerStanding::Machine,
            (Actor::Tool(_), _) => ViewerStanding::Development,
        };
        Ok(ViewerInfo {
            standing,
            subject: viewer.subject(),
            roles: acting.map(|a| a.roles.iter().copied().collect()).unwrap_or_default(),
            approval_level: acting.map_or(0, |a| a.approval_level),
            scopes: acting.map(|a| a.scopes.iter().copied().collect()).unwrap_or_default(),
            organisation_id: viewer.organisation(),
            person_id: viewer.person(),
        })
    }

    /// One's own sessions, newest first (会话列表).
    #[graphql(complexity = "list_cost(first, last, child_complexity)")]
    async fn sessions(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Size of the page, at most 100.")] first: Option<i32>,
        #[graphql(desc = "The page starts after this cursor.")] after: Option<String>,
        #[graphql(desc = "Size of a page that is read backwards.")] last: Option<i32>,
        #[graphql(desc = "The page ends before this cursor.")] before: Option<String>,
    ) -> Result<Connection<Session>> {
        context.may(Action::KeepSessions)?;
        let page = PageArgs::relay(first, after.as_deref(), last, before.as_deref())?;
        let person = context.viewer().person().ok_or(Error::Forbidden)?;
        let rows = sessions::list_sessions(context.app().db().read(), person, &page).await?;
        Ok(Connection::new(rows, None, |row| (sessions::session_cursor(&row), Session(row))))
    }

    /// The accounts behind a resident ID, masked; for operators (按身份证号查找消费者).
    #[graphql(complexity = "100 * child_complexity")]
    async fn consumer_identities(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The resident ID (身份证号).")] resident_id: String,
    ) -> Result<Vec<ConsumerIdentity>> {
        context.may(Action::FindIdentities)?;
        let found = identities::find_identities(context.app(), context.viewer(), &resident_id).await?;
        Ok(found.into_iter().map(ConsumerIdentity).collect())
    }
}

/// A new person (注册).
#[derive(InputObject)]
pub(super) struct RegisterPersonInput {
    /// E-mail address or mobile number to sign in with.
    name: String,
    /// At least 10 characters.
    #[graphql(secret)]
    password: String,
    /// The name that colleagues see.
    display_name: String,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// A sign-in (登录).
#[derive(InputObject)]
pub(super) struct SignInInput {
    /// E-mail address or mobile number.
    name: String,
    /// The password.
    #[graphql(secret)]
    password: String,
    /// The organisation to act for; none: oneself.
    organisation_id: Option<ID>,
    /// What the device calls itself, for the list of sessions.
    device: Option<String>,
    /// The client's own id of this request; given back, but a repeat is a sign-in of its own.
    client_mutation_id: Option<String>,
}

/// A sign-in from the mini-program (微信登录).
#[derive(InputObject)]
pub(super) struct SignInWithWechatInput {
    /// What `wx.login` gave.
    #[graphql(secret)]
    code: String,
    /// The organisation to act for; none: oneself.
    organisation_id: Option<ID>,
    /// What the device calls itself, for the list of sessions.
    device: Option<String>,
    /// The client's own id of this request; given back, but a repeat is a sign-in of its own.
    client_mutation_id: Option<String>,
}

/// A refresh (刷新令牌).
#[derive(InputObject)]
pub(super) struct RefreshSessionInput {
    /// The refresh token.
    #[graphql(secret)]
    refresh_token: String,
    /// The client's own id of this request; given back, but a repeat uses the token twice.
    client_mutation_id: Option<String>,
}

/// For whom to act (切换组织).
#[derive(InputObject)]
pub(super) struct ActForInput {
    /// The organisation; none: oneself.
    organisation_id: Option<ID>,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// A session to end (退出登录).
#[derive(InputObject)]
pub(super) struct EndSessionInput {
    /// Which; none: the one that the request comes in.
    id: Option<ID>,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// A new password (修改密码).
#[derive(InputObject)]
pub(super) struct ChangePasswordInput {
    /// The present one; none for who has none yet.
    #[graphql(secret)]
    current_password: Option<String>,
    /// At least 10 characters.
    #[graphql(secret)]
    new_password: String,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// One's own name and resident ID (实名认证).
#[derive(InputObject)]
pub(super) struct SetConsumerIdentityInput {
    /// The name, as on the card.
    name: String,
    /// The resident ID.
    #[graphql(secret)]
    resident_id: String,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// An identity to read in clear (查看明文实名信息).
#[derive(InputObject)]
pub(super) struct RevealConsumerIdentityInput {
    /// Whose.
    person_id: ID,
    /// What for; it is noted.
    reason: String,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// What the base of identities said of a consumer (实名核验).
#[derive(InputObject)]
pub(super) struct NoteIdentityCheckInput {
    /// Whose name and number.
    person_id: ID,
    /// The identity's `updatedAt`: what was asked about. Refused when the person gave another one since.
    given_at: DateTime<Utc>,
    /// Whether it knows the number under the name.
    same: bool,
    /// Who asked it, and under which number; at most 100 characters.
    source: String,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

payload! {
    /// The answer to `noteIdentityCheck`.
    NoteIdentityCheckPayload { /// The identity, masked.
        consumer_identity: ConsumerIdentity }
    /// The answer to `registerPerson`.
    RegisterPersonPayload { /// The person.
        person: Person }
    /// The answer to `signIn`.
    SignInPayload { /// The tokens.
        tokens: SessionTokens }
    /// The answer to `signInWithWechat`.
    SignInWithWechatPayload { /// The tokens.
        tokens: SessionTokens }
    /// The answer to `refreshSession`.
    RefreshSessionPayload { /// The tokens.
        tokens: SessionTokens }
    /// The answer to `actFor`.
    ActForPayload { /// The tokens; the refresh token stays what it was.
        tokens: SessionTokens }
    /// The answer to `endSession`.
    EndSessionPayload { /// The session as it is now.
        session: Session }
    /// The answer to `changePassword`.
    ChangePasswordPayload { /// The person.
        person: Person }
    /// The answer to `setConsumerIdentity`.
    SetConsumerIdentityPayload { /// The identity, masked.
        consumer_identity: ConsumerIdentity }
    /// The answer to `revealConsumerIdentity`.
    RevealConsumerIdentityPayload { /// The identity in clear.
        identity: RevealedIdentity }
}

/// The part of the mutation root about people.
#[derive(Default)]
pub struct PeopleMutation;

fn device(context: &Context<'_>, name: Option<String>, organisation: Option<&ID>) -> Result<Device, Error> {
    let organisation = organisation.map(|id| decode(id, "organisationId")).transpose()?;
    Ok(Device { name: name.unwrap_or_default(), organisation, address: context.address() })
}

#[Object]
impl PeopleMutation {
    /// Registers a person (注册).
    async fn register_person(
        &self,
        context: &Context<'_>,
        input: RegisterPersonInput,
    ) -> Result<RegisterPersonPayload> {
        let call = context.call(Action::SignIn)?;
        let made = {
            let (name, password, shown) = (&input.name, &input.password, &input.display_name);
            people::register(context.app(), &call, name, password, shown, context.address()).await
        };
        RegisterPersonPayload::new(context, input.client_mutation_id, made.map(Person))
    }

    /// Signs in (登录). A wrong name and a wrong password are refused alike.
    async fn sign_in(&self, context: &Context<'_>, input: SignInInput) -> Result<SignInPayload> {
        context.call(Action::SignIn)?;
        let result = async {
            let device = device(context, input.device, input.organisation_id.as_ref())?;
            sessions::sign_in(context.app(), &input.name, &input.password, &device).await
        };
        SignInPayload::new(context, input.client_mutation_id, result.await.map(SessionTokens::from))
    }

    /// Signs in with a code of the `WeChat` mini-program; who comes for the first time is registered (微信登录).
    async fn sign_in_with_wechat(
        &self,
        context: &Context<'_>,
        input: SignInWithWechatInput,
    ) -> Result<SignInWithWechatPayload> {
        context.call(Action::SignIn)?;
        let result = async {
            let device = device(context, input.device, input.organisation_id.as_ref())?;
            sessions::sign_in_with_wechat(context.app(), &input.code, &device).await
        };
        SignInWithWechatPayload::new(context, input.client_mutation_id, result.await.map(SessionTokens::from))
    }

    /// Changes a refresh token into new tokens, once: a token that comes back a second time ends its session, for
    /// its owner and for whoever stole it (刷新令牌).
    async fn refresh_session(
        &self,
        context: &Context<'_>,
        input: RefreshSessionInput,
    ) -> Result<RefreshSessionPayload> {
        context.call(Action::SignIn)?;
        let tokens = sessions::refresh(context.app(), &input.refresh_token).await;
        RefreshSessionPayload::new(context, input.client_mutation_id, tokens.map(SessionTokens::from))
    }

    /// Acts for another organisation, or for oneself, in the present session (切换组织).
    async fn act_for(&self, context: &Context<'_>, input: ActForInput) -> Result<ActForPayload> {
        let call = context.call(Action::KeepSessions)?;
        let result = async {
            let organisation = input.organisation_id.as_ref().map(|id| decode(id, "organisationId")).transpose()?;
            sessions::act_for(context.app(), &call, context.session(), organisation).await
        };
        ActForPayload::new(context, input.client_mutation_id, result.await.map(SessionTokens::from))
    }

    /// Ends the present session, or another of one's own (退出登录).
    async fn end_session(&self, context: &Context<'_>, input: EndSessionInput) -> Result<EndSessionPayload> {
        let call = context.call(Action::KeepSessions)?;
        let result = async {
            let named = input.id.as_ref().map(|id| decode(id, "id")).transpose()?;
            sessions::end_session(context.app(), &call, context.session(), named).await
        };
        EndSessionPayload::new(context, input.client_mutation_id, result.await.map(Session))
    }

    /// Changes one's own password; every other session ends (修改密码).
    async fn change_password(
        &self,
        context: &Context<'_>,
        input: ChangePasswordInput,
    ) -> Result<ChangePasswordPayload> {
        let call = context.call(Action::KeepSessions)?;
        let (current, new) = (input.current_password.as_deref(), input.new_password.as_str());
        let changed = sessions::change_password(context.app(), &call, context.session(), current, new).await;
        ChangePasswordPayload::new(context, input.client_mutation_id, changed.map(Person))
    }

    /// Gives one's own name and resident ID, for bonded goods (实名认证).
    async fn set_consumer_identity(
        &self,
        context: &Context<'_>,
        input: SetConsumerIdentityInput,
    ) -> Result<SetConsumerIdentityPayload> {
        let call = context.call(Action::KeepIdentity)?;
        let set = identities::set_identity(context.app(), &call, &input.name, &input.resident_id).await;
        SetConsumerIdentityPayload::new(context, input.client_mutation_id, set.map(ConsumerIdentity))
    }

    /// Notes what the base of identities said of a consumer's name and number; for operators (登记实名核验结果).
    async fn note_identity_check(
        &self,
        context: &Context<'_>,
        input: NoteIdentityCheckInput,
    ) -> Result<NoteIdentityCheckPayload> {
        let call = context.call(Action::VerifyIdentities)?;
        let result = async {
            let person = decode(&input.person_id, "personId")?;
            let said = identities::Checked { person, given_at: input.given_at, same: input.same, with: input.source };
            identities::note_check(context.app(), &call, &said).await
        };
        NoteIdentityCheckPayload::new(context, input.client_mutation_id, result.await.map(ConsumerIdentity))
    }

    /// Reads a name and a resident ID in clear: one's own, or anyone's as an operator. Every reading is in the audit
    /// (查看明文实名信息).
    async fn reveal_consumer_identity(
        &self,
        context: &Context<'_>,
        input: RevealConsumerIdentityInput,
    ) -> Result<RevealConsumerIdentityPayload> {
        let call = context.call(Action::RevealIdentity)?;
        let result = async {
            let person = decode(&input.person_id, "personId")?;
            identities::reveal_identity(context.app(), &call, person, &input.reason).await
        };
        let shown = |r: identities::Revealed| RevealedIdentity { name: r.name, resident_id: r.number };
        RevealConsumerIdentityPayload::new(context, input.client_mutation_id, result.await.map(shown))
    }
}
