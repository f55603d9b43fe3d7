//! People: registering, and what identifies them outside.

use std::net::IpAddr;

use chrono::{DateTime, Utc};
use entities::{
    party::{
        Action, Resource,
        login::{self, LoginKind},
        person,
    },
    values::{
        Email, ErrorCode, MobileNumber, Refusal,
        id::{LoginId, PersonId},
        refusal::line,
    },
};
use platform::{
    app::{App, Call},
    error::{Error, taken},
    graphql::encode,
    vault::Vault,
};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter};
use serde_json::{Value, json};

use super::sessions;

/// Longest name that colleagues see.
const MAX_NAME: usize = 80;

/// Registrations from one address in a row, as a multiple of `auth.lock_after`: an office shares one.
const REGISTRATIONS: i32 = 10;

/// What someone signs in with.
#[derive(Clone, Debug)]
pub enum Name {
    /// An e-mail address.
    Email(Email),
    /// A mobile number.
    Phone(MobileNumber),
}

impl Name {
    /// Read from what was typed.
    pub fn read(text: &str) -> Result<Self, Refusal> {
        if text.contains('@') { text.parse().map(Self::Email) } else { text.parse().map(Self::Phone) }
    }

    fn kind(&self) -> LoginKind {
        match self {
            Self::Email(_) => LoginKind::Email,
            Self::Phone(_) => LoginKind::Phone,
        }
    }

    fn reveal(&self) -> &str {
        match self {
            Self::Email(email) => email.reveal(),
            Self::Phone(phone) => phone.reveal(),
        }
    }

    /// As it may be shown.
    pub fn masked(&self) -> String {
        match self {
            Self::Email(email) => email.masked(),
            Self::Phone(phone) => phone.masked(),
        }
    }

    /// The keyed hash by which it is found.
    pub fn lookup(&self, vault: &Vault) -> String {
        vault.lookup(kind_name(self.kind()), self.reveal())
    }
}

fn kind_name(kind: LoginKind) -> &'static str {
    match kind {
        LoginKind::Email => "email",
        LoginKind::Phone => "phone",
        LoginKind::Wechat => "wechat",
    }
}

fn place(id: LoginId) -> String {
    format!("login.sealed:{id}")
}

/// Registers a person with a name to sign in with and a password.
pub async fn register(
    app: &App,
    call: &Call,
    name: &str,
    password: &str,
    display_name: &str,
    address: Option<IpAddr>,
) -> Result<person::Model, Error> {
    call.may(Action::SignIn, Resource::OWN)?;
    let name = Name::read(name.trim()).map_err(|r| r.at("name"))?;
    let display_name = line(display_name, MAX_NAME).map_err(|r| r.at("displayName"))?;
    // Hashing is dear: first what is cheap to refuse, and not without end for one address.
    if by_lookup(app.db().read(), &name.lookup(app.vault())).await?.is_some() {
        if let Some(before) = app.begin(call).await?.answered()? {
            return Ok(before);
        }
        return Err(Refusal::new(ErrorCode::AlreadyTaken).with("value", name.masked()).at("name").into());
    }
    if let Some(address) = address {
        let counter = app.vault().lookup("registrations from", &address.to_string());
        sessions::count_attempt(app, &counter, app.config().auth.lock_after * REGISTRATIONS).await?;
    }
    let password = app.passwords().hash(password).await?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let person = insert(work.tx(), &display_name, Some(password), work.now).await?;
    attach(app, work.tx(), person.id, name.kind(), name.reveal(), &name.masked(), work.now).await?;
    work.audit(None, "registerPerson", encode(person.id).0, Value::Null, json!({ "name": name.masked() }));
    work.commit(person).await
}

/// A new person.
pub async fn insert(
    tx: &impl ConnectionTrait,
    display_name: &str,
    password: Option<String>,
    now: DateTime<Utc>,
) -> Result<person::Model, Error> {
    let row = person::Model {
        id: PersonId::new(now),
        display_name: display_name.to_owned(),
        password,
        version: 1,
        created_at: now,
    };
    person::Entity::insert(row.clone().into_active_model()).exec_without_returning(tx).await?;
    Ok(row)
}

/// A new way for a person to sign in. `masked`: as it may be shown when somebody has it already.
pub async fn attach(
    app: &App,
    tx: &impl ConnectionTrait,
    person: PersonId,
    kind: LoginKind,
    identifier: &str,
    masked: &str,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let id = LoginId::new(now);
    let row = login::Model {
        id,
        person_id: person,
        kind,
        lookup: app.vault().lookup(kind_name(kind), identifier),
        sealed: app.vault().seal(&place(id), identifier.as_bytes())?,
        created_at: now,
    };
    login::Entity::insert(row.into_active_model())
        .exec_without_returning(tx)
        .await
        .map_err(|e| taken(e, "login", &["lookup"], "name", masked))?;
    Ok(())
}

/// Who signs in with what has this keyed hash.
pub async fn by_lookup(db: &impl ConnectionTrait, lookup: &str) -> Result<Option<person::Model>, Error> {
    let login = login::Entity::find().filter(login::Column::Lookup.eq(lookup)).one(db).await?;
    let Some(login) = login else { return Ok(None) };
    Ok(person::Entity::find_by_id(login.person_id).one(db).await?)
}

/// Who is the user of the mini-program with this `openid`.
pub(super) async fn by_openid(app: &App, openid: &str) -> Result<Option<person::Model>, Error> {
    by_lookup(app.db().read(), &app.vault().lookup(kind_name(LoginKind::Wechat), openid)).await
}

/// How a person signs in, masked.
pub async fn logins(app: &App, person: PersonId) -> Result<Vec<(LoginKind, String)>, Error> {
    let rows = login::Entity::find().filter(login::Column::PersonId.eq(person)).all(app.db().read()).await?;
    let mut shown = Vec::with_capacity(rows.len());
    for row in rows {
        let identifier = app.vault().unseal_text(&place(row.id), &row.sealed)?;
        let masked = match row.kind {
            LoginKind::Wechat => "***".to_owned(),
            LoginKind::Email | LoginKind::Phone => Name::read(&identifier).map(|n| n.masked()).unwrap_or_default(),
        };
        shown.push((row.kind, masked));
    }
    Ok(shown)
}

/// Whether the person signs in with what has this keyed hash.
pub(super) async fn has_lookup(tx: &impl ConnectionTrait, person: PersonId, lookup: &str) -> Result<bool, Error> {
    let own = login::Entity::find().filter(login::Column::PersonId.eq(person)).filter(login::Column::Lookup.eq(lookup));
    Ok(own.one(tx).await?.is_some())
}
