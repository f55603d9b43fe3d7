//! Machine clients: made by an organisation's owner, known by a key of their own.
//!
//! A client changes an **assertion** that it signed (`private_key_jwt`, RFC 7523) into a short-lived token. Each
//! assertion is good once, for minutes, for us alone, and signed with the algorithm of the key, whatever its
//! header says. Keys overlap: a new one is added, clients move over, the old one retires.

use std::{collections::BTreeSet, net::IpAddr};

use chrono::{DateTime, Datelike, Duration, Utc};
use entities::{
    party::{
        Action, Resource,
        client_key::{self, KeyAlgorithm},
        machine_client::{self, Networks, Scope, Scopes},
        used_assertion,
    },
    values::{
        ErrorCode, Refusal,
        id::{ClientKeyId, MachineClientId, OrganisationId},
        refusal::line,
    },
};
use ipnet::IpNet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use platform::{
    app::{App, Call},
    auth::{Access, is_coordinate},
    error::{Error, not_found, stale, violates_unique},
    graphql::encode,
    page::{Cursor, Page, PageArgs},
    vault::sha256_hex,
};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, ConnectionTrait, EntityTrait, IntoActiveModel, Order, PaginatorTrait,
    QueryFilter,
};
use serde::Deserialize;
use serde_json::{Value, json};

/// Name of the order of clients, for cursors.
const NEWEST: &str = "newest-client";
/// Most keys of one client that have not retired.
const MAX_KEYS: u64 = 5;
/// Most networks of an allow-list.
const MAX_NETWORKS: usize = 50;
/// Longest life of an assertion.
const ASSERTION: Duration = Duration::minutes(10);
/// How far a client's clock may be off.
const SKEW: Duration = Duration::seconds(60);

/// A public key as a client gives it: the members of its JWK (RFC 7517, RFC 8037).
#[derive(Clone, Debug)]
pub struct PublicKey {
    /// `OKP` or `EC`.
    pub kty: String,
    /// `Ed25519` or `P-256`.
    pub crv: String,
    /// The first coordinate.
    pub x: String,
    /// The second coordinate, of an `EC` key.
    pub y: Option<String>,
}

impl PublicKey {
    fn read(&self) -> Result<(KeyAlgorithm, String), Refusal> {
        let invalid = || Refusal::new(ErrorCode::InvalidKey).at("key");
        let (algorithm, kept) = match (self.kty.as_str(), self.crv.as_str(), &self.y) {
            ("OKP", "Ed25519", None) if is_coordinate(&self.x) => (KeyAlgorithm::Ed25519, self.x.clone()),
            ("EC", "P-256", Some(y)) if is_coordinate(&self.x) && is_coordinate(y) => {
                (KeyAlgorithm::Es256, format!("{}.{y}", self.x))
            }
            _ => return Err(invalid()),
        };
        // A point that is not on the curve can never verify anything: say so now.
        if !on_curve(algorithm, &kept) {
            return Err(invalid());
        }
        Ok((algorithm, kept))
    }
}

fn decoding(algorithm: KeyAlgorithm, kept: &str) -> Result<(Algorithm, DecodingKey), Error> {
    match (algorithm, kept.split_once('.')) {
        (KeyAlgorithm::Ed25519, None) => {
            Ok((Algorithm::EdDSA, DecodingKey::from_ed_components(kept).map_err(Error::internal)?))
        }
        (KeyAlgorithm::Es256, Some((x, y))) => {
            Ok((Algorithm::ES256, DecodingKey::from_ec_components(x, y).map_err(Error::internal)?))
        }
        _ => Err(Error::internal("a client's key is not of its algorithm")),
    }
}

/// Whether a key can verify at all: a signature of zeros is refused as a wrong one, not as a broken key.
fn on_curve(algorithm: KeyAlgorithm, kept: &str) -> bool {
    let Ok((algorithm, key)) = decoding(algorithm, kept) else { return false };
    let zeros = "A".repeat(86);
    match jsonwebtoken::crypto::verify(&zeros, b"", &key, algorithm) {
        Ok(_) => true,
        Err(error) => matches!(error.kind(), jsonwebtoken::errors::ErrorKind::InvalidSignature),
    }
}

/// What is said of a client; absent means unchanged (or the default for a new one).
#[derive(Clone, Debug, Default)]
pub struct ClientPatch {
    /// What it is called.
    pub name: Option<String>,
    /// What it may do.
    pub scopes: Option<BTreeSet<Scope>>,
    /// From where it may call, as CIDR; empty: from anywhere.
    pub networks: Option<Vec<String>>,
    /// Whether it may get tokens.
    pub enabled: Option<bool>,
}

fn networks(texts: &[String]) -> Result<Networks, Refusal> {
    if texts.len() > MAX_NETWORKS {
        return Err(Refusal::new(ErrorCode::TooMany).with("max", MAX_NETWORKS.to_string()).at("networks"));
    }
    let read = |text: &String| {
        let net = text.parse::<IpNet>().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
        let wrong = |_| {
            let start: String = text.chars().take(60).collect();
            Refusal::new(ErrorCode::InvalidValue).with("value", start).at("networks")
        };
        net.map(|net| canonical(net).trunc().to_string()).map_err(wrong)
    };
    Ok(Networks(texts.iter().map(read).collect::<Result<_, _>>()?))
}

/// A network of IPv4 addresses written as IPv6 is the IPv4 network: callers' addresses are looked at in that form.
fn canonical(net: IpNet) -> IpNet {
    let IpAddr::V4(four) = net.addr().to_canonical() else { return net };
    let length = if net.addr().is_ipv6() { net.prefix_len().checked_sub(96) } else { Some(net.prefix_len()) };
    length.and_then(|length| IpNet::new(four.into(), length).ok()).unwrap_or(net)
}

fn shown(row: &machine_client::Model) -> Value {
    json!({ "name": row.name, "scopes": row.scopes, "networks": row.networks, "enabled": row.enabled })
}

/// Makes a client of the organisation that its owner acts for.
pub async fn create_client(
    app: &App,
    call: &Call,
    patch: &ClientPatch,
    key: &PublicKey,
) -> Result<machine_client::Model, Error> {
    call.may(Action::KeepMachineClients, Resource::OWN)?;
    let organisation = call.viewer.organisation().ok_or(Error::Forbidden)?;
    let name = line(patch.name.as_deref().unwrap_or_default(), 80).map_err(|r| r.at("name"))?;
    let networks = networks(patch.networks.as_deref().unwrap_or_default())?;
    let (algorithm, public_key) = key.read()?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let row = machine_client::Model {
        id: MachineClientId::new(work.now),
        organisation_id: organisation,
        name,
        scopes: Scopes(patch.scopes.clone().unwrap_or_default()),
        networks,
        enabled: patch.enabled.unwrap_or(true),
        version: 1,
        created_at: work.now,
    };
    machine_client::Entity::insert(row.clone().into_active_model()).exec_without_returning(work.tx()).await?;
    insert_key(work.tx(), row.id, algorithm, public_key, work.now).await?;
    work.audit(Some(organisation), "createMachineClient", encode(row.id).0, Value::Null, shown(&row));
    work.commit(row).await
}

async fn insert_key(
    tx: &impl ConnectionTrait,
    client: MachineClientId,
    algorithm: KeyAlgorithm,
    public_key: String,
    now: DateTime<Utc>,
) -> Result<client_key::Model, Error> {
    let row = client_key::Model {
        id: ClientKeyId::new(now),
        client_id: client,
        algorithm,
        public_key,
        created_at: now,
        retires_at: None,
    };
    client_key::Entity::insert(row.clone().into_active_model()).exec_without_returning(tx).await?;
    Ok(row)
}

async fn own(tx: &impl ConnectionTrait, call: &Call, id: MachineClientId) -> Result<machine_client::Model, Error> {
    let row = machine_client::Entity::find_by_id(id).one(tx).await?;
    let known =
        |row: &machine_client::Model| call.viewer.oversees() || call.viewer.organisation() == Some(row.organisation_id);
    let row = row.filter(known).ok_or_else(|| not_found("id", encode(id).as_str()))?;
    call.may(Action::KeepMachineClients, Resource::of(row.organisation_id))?;
    Ok(row)
}

/// Changes a client. What its tokens are worth changes with it.
pub async fn update_client(
    app: &App,
    call: &Call,
    id: MachineClientId,
    expected_version: i32,
    patch: &ClientPatch,
) -> Result<machine_client::Model, Error> {
    let mut work = app.begin(call).await?;
    let before = own(work.tx(), call, id).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let row = machine_client::Model {
        name: match &patch.name {
            Some(name) => line(name, 80).map_err(|r| r.at("name"))?,
            None => before.name.clone(),
        },
        scopes: patch.scopes.clone().map_or_else(|| before.scopes.clone(), Scopes),
        networks: match &patch.networks {
            Some(texts) => networks(texts)?,
            None => before.networks.clone(),
        },
        enabled: patch.enabled.unwrap_or(before.enabled),
        version: before.version + 1,
        ..before.clone()
    };
    let written = machine_client::Entity::update_many()
        .set(row.clone().into_active_model().reset_all())
        .filter(machine_client::Column::Id.eq(id))
        .filter(machine_client::Column::Version.eq(expected_version))
        .exec(work.tx())
        .await?;
    if written.rows_affected != 1 {
        return Err(stale());
    }
    work.audit(Some(row.organisation_id), "updateMachineClient", encode(id).0, shown(&before), shown(&row));
    work.forgets_viewers();
    work.commit(row).await
}

/// Adds a key; the present ones stay good.
pub async fn add_key(app: &App, call: &Call, id: MachineClientId, key: &PublicKey) -> Result<client_key::Model, Error> {
    let (algorithm, public_key) = key.read()?;
    let mut work = app.begin(call).await?;
    let client = own(work.tx(), call, id).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    if good_keys(id, work.now).count(work.tx()).await? >= MAX_KEYS {
        return Err(Refusal::new(ErrorCode::TooMany).with("max", MAX_KEYS.to_string()).at("key").into());
    }
    let row = insert_key(work.tx(), id, algorithm, public_key, work.now).await?;
    let after = json!({ "key": row.id, "algorithm": row.algorithm });
    work.audit(Some(client.organisation_id), "addMachineClientKey", encode(id).0, Value::Null, after);
    work.commit(row).await
}

/// Ends a key, now or at a time to come.
pub async fn retire_key(
    app: &App,
    call: &Call,
    id: ClientKeyId,
    at: Option<DateTime<Utc>>,
) -> Result<client_key::Model, Error> {
    let mut work = app.begin(call).await?;
    let row = client_key::Entity::find_by_id(id).one(work.tx()).await?;
    let row = row.ok_or_else(|| not_found("id", encode(id).as_str()))?;
    let client = own(work.tx(), call, row.client_id).await.map_err(|error| match error {
        Error::Refused(_) => not_found("id", encode(id).as_str()),
        other => other,
    })?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let at = at.unwrap_or(work.now).max(work.now);
    if at.year() > 9_999 {
        return Err(Refusal::new(ErrorCode::InvalidValue).with("value", at.to_rfc3339()).at("at").into());
    }
    // Earlier than planned is possible, later is not: what was ended stays ended.
    let at = row.retires_at.map_or(at, |planned| planned.min(at));
    let row = client_key::Model { retires_at: Some(at), ..row };
    row.clone().into_active_model().reset_all().update(work.tx()).await?;
    let after = json!({ "key": id, "retires_at": at.timestamp_millis() });
    work.audit(Some(client.organisation_id), "retireMachineClientKey", encode(client.id).0, Value::Null, after);
    work.commit(row).await
}

fn good_keys(client: MachineClientId, now: DateTime<Utc>) -> sea_orm::Select<client_key::Entity> {
    let good = Condition::any().add(client_key::Column::RetiresAt.is_null()).add(client_key::Column::RetiresAt.gt(now));
    client_key::Entity::find().filter(client_key::Column::ClientId.eq(client)).filter(good)
}

/// Clients of an organisation, newest first.
pub async fn list_clients(
    db: &impl ConnectionTrait,
    organisation: OrganisationId,
    page: &PageArgs,
) -> Result<Page<machine_client::Model>, Error> {
    let list = machine_client::Entity::find().filter(machine_client::Column::OrganisationId.eq(organisation));
    page.by_id(db, list, machine_client::Column::Id, NEWEST, Order::Desc).await
}

/// The cursor of a client in that list.
pub fn client_cursor(row: &machine_client::Model) -> Cursor {
    Cursor::of_id(NEWEST, row.id)
}

/// Why an assertion is not changed into a token, as OAuth says it (RFC 6749, section 5.2).
#[derive(Debug)]
pub enum Denied {
    /// The client is not known, or its assertion does not prove it.
    InvalidClient,
    /// It asks for what it may not.
    InvalidScope,
    /// An accident.
    Failed(Error),
}

impl From<Error> for Denied {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl From<sea_orm::DbErr> for Denied {
    fn from(error: sea_orm::DbErr) -> Self {
        Self::Failed(error.into())
    }
}

#[derive(Deserialize)]
struct Assertion {
    iss: String,
    sub: String,
    exp: serde_json::Number,
    #[serde(default)]
    nbf: Option<serde_json::Number>,
    #[serde(default)]
    iat: Option<serde_json::Number>,
    jti: String,
}

/// A `NumericDate` (RFC 7519): seconds, of which some clients write fractions too.
fn moment(seconds: &serde_json::Number) -> Option<DateTime<Utc>> {
    let text = seconds.to_string();
    let whole = text.split('.').next()?.parse().ok()?;
    DateTime::from_timestamp(whole, 0)
}

/// What a client asks for a token with.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// Its assertion.
    pub assertion: &'a str,
    /// Whom it names beside it; then it must be the one of the assertion.
    pub client_id: Option<&'a str>,
    /// The scopes it wants; none: all that it has.
    pub scope: Option<&'a str>,
    /// From where it calls.
    pub address: Option<IpAddr>,
}

/// Changes an assertion into a token with the scopes asked for, or with all of the client's.
pub async fn exchange(app: &App, asked: Asked<'_>) -> Result<(Access, BTreeSet<Scope>), Denied> {
    let Asked { assertion, client_id, scope, address } = asked;
    let refused = |_| Denied::InvalidClient;
    if assertion.len() > 4_096 {
        return Err(Denied::InvalidClient);
    }
    let now = app.clock().now();
    let header = jsonwebtoken::decode_header(assertion).map_err(refused)?;
    // Whose it claims to be; believed only when the signature holds.
    let claimed: Assertion = jsonwebtoken::dangerous::insecure_decode(assertion).map_err(refused)?.claims;
    let id = MachineClientId(claimed.iss.parse().map_err(|_| Denied::InvalidClient)?);
    let client = machine_client::Entity::find_by_id(id).one(app.db().read()).await?;
    let client = client.filter(|client| client.enabled).ok_or(Denied::InvalidClient)?;
    let keys = good_keys(id, now).all(app.db().read()).await?;
    let proved =
        keys.iter().filter(|key| header.kid.as_ref().is_none_or(|kid| *kid == key.id.to_string())).find_map(|key| {
            let (algorithm, decoding) = decoding(key.algorithm, &key.public_key).ok()?;
            let mut validation = Validation::new(algorithm);
            validation.set_audience(&audiences(app));
            validation.set_required_spec_claims(&["exp", "aud", "iss", "sub"]);
            validation.validate_exp = false;
            Some(jsonwebtoken::decode::<Assertion>(assertion, &decoding, &validation).ok()?.claims)
        });
    let proved = proved.ok_or(Denied::InvalidClient)?;
    let time = |seconds: &serde_json::Number| moment(seconds).ok_or(Denied::InvalidClient);
    let expires = time(&proved.exp)?;
    let young = expires > now && expires <= now + ASSERTION + SKEW;
    let begun = [&proved.nbf, &proved.iat].into_iter().flatten().map(time).collect::<Result<Vec<_>, _>>()?;
    let named = (1..=200).contains(&proved.jti.len());
    let near = client.networks.0.is_empty()
        || address.is_some_and(|address| {
            let within = |net: &String| net.parse::<IpNet>().is_ok_and(|net| net.contains(&address.to_canonical()));
            client.networks.0.iter().any(within)
        });
    let same = proved.sub == proved.iss && client_id.is_none_or(|id| id == proved.sub);
    if !same || !young || begun.iter().any(|at| *at > now + SKEW) || !named || !near {
        return Err(Denied::InvalidClient);
    }
    let scopes = scopes(&client, scope)?;
    // Last, so that only a proved assertion is used up; the key of the table makes it good once.
    let used = used_assertion::Model { client_id: id, jti: sha256_hex(proved.jti.as_bytes()), expires_at: expires };
    let used = used_assertion::Entity::insert(used.into_active_model()).exec_without_returning(app.db().writer()).await;
    used.map_err(|e| {
        // PostgreSQL names the key, SQLite its columns.
        let replayed = violates_unique(&e, "used_assertion", &["client_id", "jti"])
            || matches!(e.sql_err(), Some(sea_orm::SqlErr::UniqueConstraintViolation(_)));
        if replayed { Denied::InvalidClient } else { e.into() }
    })?;
    Ok((app.gate().for_machine(app.db(), &client, &scopes, now).await?, scopes))
}

/// For whom an assertion may be made: our token endpoint, or us.
fn audiences(app: &App) -> [String; 2] {
    let own = &app.config().server.public_url;
    [format!("{own}/oauth/token"), own.clone()]
}

fn scopes(client: &machine_client::Model, asked: Option<&str>) -> Result<BTreeSet<Scope>, Denied> {
    let asked = asked.map(str::trim).filter(|asked| !asked.is_empty());
    let Some(asked) = asked else { return Ok(client.scopes.0.clone()) };
    let find = |name: &str| client.scopes.0.iter().copied().find(|scope| scope.as_str() == name);
    asked.split_ascii_whitespace().map(|name| find(name).ok_or(Denied::InvalidScope)).collect()
}

/// Takes away assertions that every node would refuse anyway, also one whose clock is behind.
pub(super) async fn tidy(app: &App, now: DateTime<Utc>) -> Result<(), Error> {
    let old = used_assertion::Entity::delete_many().filter(used_assertion::Column::ExpiresAt.lt(now - ASSERTION));
    old.exec(app.db().writer()).await?;
    Ok(())
}
