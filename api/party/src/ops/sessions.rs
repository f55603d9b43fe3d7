//! Signing in, and the sessions that come of it.
//!
//! - A sign-in is refused the same way, and after the same time, whether the name or the password was wrong.
//!   Attempts are counted per name before the password is looked at, whether anyone has the name or not.
//! - A refresh token says which session and which generation it is of, and carries a proof that this house made
//!   it; nothing of it is stored. Refreshing moves the session to the next generation, once: a token of an
//!   earlier one that comes back ends the session, for its owner and for whoever stole it.

use std::net::IpAddr;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use entities::{
    party::{
        Action, Resource, Viewer,
        login::LoginKind,
        membership, person,
        session::{self, SessionEnd},
        sign_in_failure,
    },
    values::{
        ErrorCode, Refusal,
        id::{OrganisationId, PersonId, SessionId},
    },
};
use platform::{
    app::{App, Call},
    auth::Access,
    error::{Error, not_found, stale},
    graphql::encode,
    page::{Cursor, Page, PageArgs},
    vault::Vault,
};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, ExprTrait, IntoActiveModel, Order, QueryFilter,
    QueryOrder, QuerySelect, Statement, sea_query::Expr,
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::people::{self, Name};

/// Name of the order of sessions, for cursors.
const NEWEST: &str = "newest-session";
/// Most open sessions of one person; the oldest ends when there is one more.
const MAX_OPEN: u64 = 50;

/// What a sign-in or a refresh gives.
#[derive(Clone, Debug)]
pub struct Tokens {
    /// The session.
    pub session: session::Model,
    /// The access token.
    pub access: Access,
    /// The refresh token; none where the present one stays good.
    pub refresh: Option<String>,
}

/// Where someone signs in, as it tells.
#[derive(Clone, Debug, Default)]
pub struct Device {
    /// What it calls itself.
    pub name: String,
    /// The organisation to act for.
    pub organisation: Option<OrganisationId>,
    /// Where it calls from.
    pub address: Option<IpAddr>,
}

fn refused() -> Error {
    Refusal::new(ErrorCode::SignInRefused).into()
}

/// Signs in with a name and a password.
pub async fn sign_in(app: &App, name: &str, password: &str, device: &Device) -> Result<Tokens, Error> {
    // A name that cannot be one is counted and checked like any other.
    let lookup = match Name::read(name.trim()) {
        Ok(name) => name.lookup(app.vault()),
        Err(_) => app.vault().lookup("no name", name.get(..name.len().min(300)).unwrap_or_default()),
    };
    let from = device.address.map(|address| address.to_string()).unwrap_or_default();
    // From one address a name is soon locked. From everywhere together only much later: whoever wants to keep
    // somebody else out has to try from many places.
    let here = app.vault().lookup("attempts here", &format!("{lookup} {from}"));
    let counters =
        [(here.as_str(), app.config().auth.lock_after), (lookup.as_str(), app.config().auth.lock_after * 10)];
    let _turn = app.passwords().turn(&lookup).await;
    for (counter, limit) in counters {
        count_attempt(app, counter, limit).await?;
    }
    let person = people::by_lookup(app.db().read(), &lookup).await?;
    let hash = person.as_ref().and_then(|p| p.password.as_deref());
    let right = match app.passwords().verify(password, hash).await {
        Ok(right) => right,
        Err(busy) => {
            // Nothing was tried.
            for (counter, _) in counters {
                uncount_attempt(app, counter).await?;
            }
            return Err(busy);
        }
    };
    let Some(person) = person.filter(|_| right) else { return Err(refused()) };
    let counted = sign_in_failure::Column::Lookup.is_in(counters.map(|(counter, _)| counter));
    sign_in_failure::Entity::delete_many().filter(counted).exec(app.db().writer()).await?;
    open(app, &person, device).await
}

async fn uncount_attempt(app: &App, counter: &str) -> Result<(), Error> {
    sign_in_failure::Entity::update_many()
        .col_expr(sign_in_failure::Column::Failures, Expr::col(sign_in_failure::Column::Failures).sub(1))
        .filter(sign_in_failure::Column::Lookup.eq(counter))
        .exec(app.db().writer())
        .await?;
    Ok(())
}

/// Counts an attempt to sign in with a name; refuses it when there were too many in a row. Counting comes
/// first, so that many attempts at once are not more than many one after the other.
pub(super) async fn count_attempt(app: &App, counter: &str, limit: i32) -> Result<(), Error> {
    let (now, settings) = (app.clock().now(), &app.config().auth);
    let sql = "INSERT INTO sign_in_failure (lookup, failures, last_at) VALUES ($1, 1, $2) \
               ON CONFLICT (lookup) DO UPDATE SET \
               failures = CASE WHEN sign_in_failure.last_at < $3 THEN 1 ELSE sign_in_failure.failures + 1 END, \
               last_at = CASE WHEN sign_in_failure.last_at < $3 OR sign_in_failure.failures < $4 THEN $2 \
                         ELSE sign_in_failure.last_at END \
               RETURNING failures";
    let values = [counter.into(), now.into(), (now - settings.lock_time()).into(), limit.into()];
    let db = app.db().writer();
    let row = db.query_one_raw(Statement::from_sql_and_values(db.get_database_backend(), sql, values)).await?;
    let failures: i32 = row.ok_or_else(|| Error::internal("an attempt was not counted"))?.try_get("", "failures")?;
    if failures > limit {
        let minutes = settings.lock_time().num_minutes().to_string();
        return Err(Refusal::new(ErrorCode::TooManyAttempts).with("minutes", minutes).into());
    }
    Ok(())
}

/// Signs in with a code of the `WeChat` mini-program; who comes for the first time is registered.
pub async fn sign_in_with_wechat(app: &App, code: &str, device: &Device) -> Result<Tokens, Error> {
    let refused = || Refusal::new(ErrorCode::NotVerified).with("reason", "WeChat").at("code");
    if code.is_empty() || code.len() > 200 {
        return Err(refused().into());
    }
    let openid = app.wechat().openid(code).await?.ok_or_else(refused)?;
    if let Some(person) = people::by_openid(app, &openid).await? {
        return open(app, &person, device).await;
    }
    let person = match register_wechat(app, &openid).await {
        Ok(person) => person,
        // The same user signed in twice at once for the first time: the other one has registered it.
        Err(error) => people::by_openid(app, &openid).await?.ok_or(error)?,
    };
    open(app, &person, device).await
}

async fn register_wechat(app: &App, openid: &str) -> Result<person::Model, Error> {
    let mut work = app.begin(&Call::by(Viewer::anonymous())).await?;
    let person = people::insert(work.tx(), "微信用户", None, work.now).await?;
    people::attach(app, work.tx(), person.id, LoginKind::Wechat, openid, "WeChat", work.now).await?;
    work.audit(None, "signInWithWechat", encode(person.id).0, Value::Null, json!({ "registered": true }));
    work.commit(person).await
}

/// Opens a session.
async fn open(app: &App, person: &person::Model, device: &Device) -> Result<Tokens, Error> {
    let mut work =
        app.begin(&Call::by(Viewer { actor: entities::party::Actor::Person(person.id), acting: None })).await?;
    if let Some(organisation) = device.organisation {
        member_of(work.tx(), person.id, organisation).await?;
    }
    let name: String = device.name.chars().filter(|c| !c.is_control()).take(120).collect();
    let session = session::Model {
        id: SessionId::new(work.now),
        person_id: person.id,
        organisation_id: device.organisation,
        generation: 1,
        device: name,
        created_at: work.now,
        refreshed_at: work.now,
        expires_at: work.now + app.config().auth.session_lifetime(),
        ended_at: None,
        ended: None,
    };
    session::Entity::insert(session.clone().into_active_model()).exec_without_returning(work.tx()).await?;
    end_oldest(work.tx(), person.id, work.now).await?;
    work.audit(None, "signIn", encode(person.id).0, Value::Null, json!({ "session": session.id }));
    let session = work.commit(session).await?;
    tokens(app, session).await
}

async fn end_oldest(tx: &impl ConnectionTrait, person: PersonId, now: DateTime<Utc>) -> Result<(), Error> {
    let open = opened(person, now).order_by_desc(session::Column::Id).offset(MAX_OPEN).limit(10);
    let surplus = open.select_only().column(session::Column::Id).into_tuple::<SessionId>().all(tx).await?;
    if surplus.is_empty() {
        return Ok(());
    }
    end(tx, session::Column::Id.is_in(surplus), SessionEnd::SignedOut, now).await.map(drop)
}

fn opened(person: PersonId, now: DateTime<Utc>) -> sea_orm::Select<session::Entity> {
    session::Entity::find()
        .filter(session::Column::PersonId.eq(person))
        .filter(session::Column::EndedAt.is_null())
        .filter(session::Column::ExpiresAt.gt(now))
}

async fn end(tx: &impl ConnectionTrait, which: Expr, why: SessionEnd, now: DateTime<Utc>) -> Result<u64, Error> {
    let ended = session::Entity::update_many()
        .col_expr(session::Column::EndedAt, Expr::value(now))
        .col_expr(session::Column::Ended, Expr::value(why))
        .filter(which)
        .filter(session::Column::EndedAt.is_null())
        .exec(tx)
        .await?;
    Ok(ended.rows_affected)
}

async fn member_of(tx: &impl ConnectionTrait, person: PersonId, organisation: OrganisationId) -> Result<(), Error> {
    let member = membership::Entity::find()
        .filter(membership::Column::PersonId.eq(person))
        .filter(membership::Column::OrganisationId.eq(organisation))
        .one(tx)
        .await?;
    member.map(drop).ok_or_else(|| not_found("organisationId", encode(organisation).as_str()))
}

async fn tokens(app: &App, session: session::Model) -> Result<Tokens, Error> {
    let access = app.gate().for_session(app.db(), &session, app.clock().now()).await?;
    let refresh = Some(refresh_token(app.vault(), &session));
    Ok(Tokens { session, access, refresh })
}

fn refresh_token(vault: &Vault, session: &session::Model) -> String {
    let mut bytes = session.id.0.as_bytes().to_vec();
    bytes.extend_from_slice(&session.generation.to_be_bytes());
    let named = BASE64_URL_SAFE_NO_PAD.encode(bytes);
    format!("{named}.{}", vault.proof("refresh token", &named))
}

fn read_refresh_token(vault: &Vault, token: &str) -> Option<(SessionId, i32)> {
    let (named, proof) = token.split_once('.').filter(|_| token.len() < 200)?;
    if !vault.proves("refresh token", named, proof) {
        return None;
    }
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(named).ok()?;
    let (id, generation) = bytes.split_at_checked(16)?;
    Some((SessionId(Uuid::from_slice(id).ok()?), i32::from_be_bytes(generation.try_into().ok()?)))
}

/// Changes a refresh token into new tokens, once.
pub async fn refresh(app: &App, token: &str) -> Result<Tokens, Error> {
    let over = || Error::from(Refusal::new(ErrorCode::RefreshRefused).at("refreshToken"));
    let (id, generation) = read_refresh_token(app.vault(), token).ok_or_else(over)?;
    let mut work = app.begin(&Call::by(Viewer::anonymous())).await?;
    let (tx, now) = (work.tx(), work.now);
    let moved = session::Entity::update_many()
        .col_expr(session::Column::Generation, Expr::col(session::Column::Generation).add(1))
        .col_expr(session::Column::RefreshedAt, Expr::value(now))
        .col_expr(session::Column::ExpiresAt, Expr::value(now + app.config().auth.session_lifetime()))
        .filter(session::Column::Id.eq(id))
        .filter(session::Column::Generation.eq(generation))
        .filter(session::Column::EndedAt.is_null())
        .filter(session::Column::ExpiresAt.gt(now))
        .exec(tx)
        .await?;
    let mut session = session::Entity::find_by_id(id).one(tx).await?.ok_or_else(over)?;
    if moved.rows_affected == 1 {
        if let Some(organisation) = session.organisation_id {
            match member_of(tx, session.person_id, organisation).await {
                Ok(()) => {}
                Err(Error::Refused(_)) => {
                    // It was a member of it; from now on the session acts for its person again.
                    session.organisation_id = None;
                    session.clone().into_active_model().reset_all().update(tx).await?;
                }
                // An accident says nothing about who is a member.
                Err(accident) => return Err(accident),
            }
        }
        let session = work.commit(session).await?;
        return tokens(app, session).await;
    }
    // The proof holds, so it was ours; another token of the family was used since: one of the two is stolen.
    if session.generation > generation && end(tx, session::Column::Id.eq(id), SessionEnd::Reused, now).await? == 1 {
        tracing::warn!(session = %id, "a refresh token was used twice; its session is ended");
        let node = encode(session.person_id).0;
        work.audit(None, "refreshSession", node, Value::Null, json!({ "session": id, "ended": SessionEnd::Reused }));
        work.forgets_viewers();
        work.commit(()).await?;
    }
    Err(over())
}

/// Acts for another organisation, or for oneself, in the session that one has.
pub async fn act_for(
    app: &App,
    call: &Call,
    session: Option<SessionId>,
    organisation: Option<OrganisationId>,
) -> Result<Tokens, Error> {
    let (person, id) = own_session(call, session)?;
    let mut work = app.begin(&call.unrepeatable()).await?;
    if let Some(organisation) = organisation {
        member_of(work.tx(), person, organisation).await?;
    }
    let row = opened(person, work.now).filter(session::Column::Id.eq(id)).one(work.tx()).await?;
    let row = session::Model { organisation_id: organisation, ..row.ok_or(Error::Unauthenticated)? };
    session::Entity::update_many()
        .col_expr(session::Column::OrganisationId, Expr::value(organisation))
        .filter(session::Column::Id.eq(id))
        .exec(work.tx())
        .await?;
    work.audit(organisation, "actFor", encode(person).0, Value::Null, json!({ "session": id }));
    let row = work.commit(row).await?;
    let access = app.gate().for_session(app.db(), &row, app.clock().now()).await?;
    Ok(Tokens { session: row, access, refresh: None })
}

fn own_session(call: &Call, session: Option<SessionId>) -> Result<(PersonId, SessionId), Error> {
    call.may(Action::KeepSessions, Resource::OWN)?;
    Ok((call.viewer.person().ok_or(Error::Forbidden)?, session.ok_or(Error::Unauthenticated)?))
}

/// Ends one's own session: this one, or the one named.
pub async fn end_session(
    app: &App,
    call: &Call,
    current: Option<SessionId>,
    named: Option<SessionId>,
) -> Result<session::Model, Error> {
    let (person, current) = own_session(call, current)?;
    let id = named.unwrap_or(current);
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let (tx, now) = (work.tx(), work.now);
    let row = session::Entity::find_by_id(id).filter(session::Column::PersonId.eq(person)).one(tx).await?;
    let mut row = row.ok_or_else(|| not_found("id", encode(id).as_str()))?;
    if end(tx, session::Column::Id.eq(id), SessionEnd::SignedOut, now).await? == 1 {
        row = session::Model { ended_at: Some(now), ended: Some(SessionEnd::SignedOut), ..row };
        work.audit(None, "endSession", encode(person).0, Value::Null, json!({ "session": id }));
        work.forgets_viewers();
    }
    work.commit(row).await
}

/// One's own sessions, newest first; those that are over too.
pub async fn list_sessions(
    db: &impl ConnectionTrait,
    person: PersonId,
    page: &PageArgs,
) -> Result<Page<session::Model>, Error> {
    let list = session::Entity::find().filter(session::Column::PersonId.eq(person));
    page.by_id(db, list, session::Column::Id, NEWEST, Order::Desc).await
}

/// The cursor of a session in that list.
pub fn session_cursor(row: &session::Model) -> Cursor {
    Cursor::of_id(NEWEST, row.id)
}

/// Changes one's own password; every other session ends. Wrong ones are counted as at signing in.
pub async fn change_password(
    app: &App,
    call: &Call,
    current_session: Option<SessionId>,
    current: Option<&str>,
    new: &str,
) -> Result<person::Model, Error> {
    let (id, session) = own_session(call, current_session)?;
    // Looked at first: a repeat comes with the password of before.
    if let Some(before) = app.begin(call).await?.answered()? {
        return Ok(before);
    }
    let before = person::Entity::find_by_id(id).one(app.db().read()).await?.ok_or(Error::Unauthenticated)?;
    // Who came by WeChat has none yet, and proves itself by its session.
    if before.password.is_some() {
        let counter = app.vault().lookup("password of", &id.to_string());
        let _turn = app.passwords().turn(&counter).await;
        count_attempt(app, &counter, app.config().auth.lock_after).await?;
        let right = match app.passwords().verify(current.unwrap_or_default(), before.password.as_deref()).await {
            Ok(right) => right,
            Err(busy) => {
                // Nothing was tried.
                uncount_attempt(app, &counter).await?;
                return Err(busy);
            }
        };
        if !right {
            return Err(Refusal::new(ErrorCode::SignInRefused).at("currentPassword").into());
        }
        sign_in_failure::Entity::delete_by_id(counter).exec(app.db().writer()).await?;
    }
    let hash = app.passwords().hash(new).await.map_err(|error| match error {
        Error::Refused(refusals) => {
            Error::Refused(refusals.into_iter().map(|r| Refusal { field: vec!["newPassword".into()], ..r }).collect())
        }
        other => other,
    })?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let (tx, now) = (work.tx(), work.now);
    let row = person::Model { password: Some(hash), version: before.version + 1, ..before.clone() };
    let written = person::Entity::update_many()
        .set(row.clone().into_active_model().reset_all())
        .filter(person::Column::Id.eq(id))
        .filter(person::Column::Version.eq(before.version))
        .exec(tx)
        .await?;
    if written.rows_affected != 1 {
        return Err(stale());
    }
    let others = session::Column::PersonId.eq(id).and(session::Column::Id.ne(session));
    end(tx, others, SessionEnd::PasswordChanged, now).await?;
    work.audit(None, "changePassword", encode(id).0, Value::Null, Value::Null);
    work.forgets_viewers();
    work.commit(row).await
}

/// Takes away sessions that have been over for long, and failures that count no more.
pub(super) async fn tidy(app: &App, now: DateTime<Utc>) -> Result<(), Error> {
    let db = app.db().writer();
    let old = now - chrono::Duration::days(90);
    session::Entity::delete_many().filter(session::Column::ExpiresAt.lt(old)).exec(db).await?;
    let forgotten = now - app.config().auth.lock_time();
    sign_in_failure::Entity::delete_many().filter(sign_in_failure::Column::LastAt.lt(forgotten)).exec(db).await?;
    Ok(())
}
