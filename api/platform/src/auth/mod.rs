//! Who is behind a token.
//!
//! An access token is a JWT that lives for minutes, signed with a key of [`keys`]. It says who it is, in which
//! session, and for which organisation; what that is worth **now** (is the session still open, is the person
//! still a member, in which roles) is looked up, and kept for [`KNOWN`]: a token that was used a moment ago
//! costs a hash and a look into memory. Ending a session or changing a member clears what is kept on this
//! node at once; other nodes notice within [`KNOWN`].
//!
//! The algorithm is that of the key that the token names, never one that the token chooses.

mod keys;
mod password;

use std::{
    collections::BTreeSet,
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration as Span,
};

use chrono::{DateTime, Duration, Utc};
use entities::{
    party::{
        Acting, Actor, MemberRole, OrganisationRole, Viewer, machine_client, membership, organisation,
        organisation_role, permission, session,
    },
    values::{
        Slug,
        id::{MachineClientId, OrganisationId, PersonId, SessionId},
    },
};
use ipnet::IpNet;
use jsonwebtoken::{Algorithm, Header, Validation};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use self::keys::Keys;
pub use self::{keys::is_coordinate, password::Passwords};
use super::{db::Db, error::Error, vault::Vault};
use crate::config::Config;

/// For whom access tokens are made; a token made for someone else is refused.
pub const AUDIENCE: &str = "chama:api";
/// For whom development tokens are made; taken only where `auth.development_tokens` says so.
const DEVELOPMENT: &str = "chama:development";
/// Who makes them. Not the address of a server: a zone may be reached under several, and the command line makes
/// tokens too. Whose they are is proved by the key.
const ISSUER: &str = "chama";
/// How long it is remembered what a token is worth.
const KNOWN: Span = Span::from_secs(5);
/// How long a token of a machine client lives.
const MACHINE: Duration = Duration::minutes(5);

/// Makes access tokens and knows who is behind them.
pub struct Gate {
    keys: Keys,
    known: moka::sync::Cache<[u8; 32], Arc<Known>>,
    // Counts what changed: what was looked up before a change is not remembered after it.
    changes: AtomicU64,
    lifetime: Duration,
    development: bool,
}

impl std::fmt::Debug for Gate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Gate")
    }
}

/// What a token is worth.
#[derive(Debug)]
struct Known {
    viewer: Viewer,
    session: Option<SessionId>,
    networks: Vec<IpNet>,
    expires: i64,
}

#[derive(Debug, Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    sub: String,
    iat: i64,
    exp: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sid: Option<SessionId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    org: Option<OrganisationId>,
    /// Of a machine client: what it asked for, of what it may.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    scope: Option<String>,
    /// Of a development token.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    roles: Vec<MemberRole>,
}

/// Who sent a request, and in which session.
#[derive(Clone, Debug)]
pub struct Caller {
    /// Who.
    pub viewer: Viewer,
    /// In which session, when it is a person's.
    pub session: Option<SessionId>,
    /// From where.
    pub address: Option<IpAddr>,
}

/// What a caller shows to be known by, so that it can be looked at again later.
#[derive(Clone, Debug, Default)]
pub struct Proof {
    /// The access token; none: it asks as nobody in particular.
    pub token: Option<SecretString>,
    /// From where.
    pub address: Option<IpAddr>,
}

impl Proof {
    /// What the value of an `Authorization` header shows. What is no Bearer token is taken for a bad one: it is
    /// refused, not ignored.
    pub fn header(value: &str, address: Option<IpAddr>) -> Self {
        let token = match value.trim().split_once(' ') {
            Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => token.trim(),
            _ => value,
        };
        Self { token: Some(token.into()), address }
    }
}

impl Caller {
    /// Nobody in particular, from somewhere.
    pub fn anonymous(address: Option<IpAddr>) -> Self {
        Self { viewer: Viewer::anonymous(), session: None, address }
    }
}

/// An access token, and until when it is good.
#[derive(Clone, Debug)]
pub struct Access {
    /// The token.
    pub token: String,
    /// Until when.
    pub expires_at: DateTime<Utc>,
}

impl Gate {
    /// The gate of these settings.
    pub fn new(config: &Config, vault: Arc<Vault>) -> Self {
        Self {
            keys: Keys::new(vault, config.auth.key_period()),
            known: moka::sync::Cache::builder().max_capacity(50_000).time_to_live(KNOWN).build(),
            changes: AtomicU64::new(0),
            lifetime: config.auth.access_lifetime(),
            development: config.auth.development_tokens,
        }
    }

    /// A token for a person's session.
    pub async fn for_session(&self, db: &Db, row: &session::Model, now: DateTime<Utc>) -> Result<Access, Error> {
        let claims = Self::claims(&Actor::Person(row.person_id), AUDIENCE, self.lifetime, now);
        self.signed(db, Claims { sid: Some(row.id), org: row.organisation_id, ..claims }, now).await
    }

    /// A token for a machine client, with these of its scopes.
    pub async fn for_machine(
        &self,
        db: &Db,
        client: &machine_client::Model,
        scopes: &BTreeSet<machine_client::Scope>,
        now: DateTime<Utc>,
    ) -> Result<Access, Error> {
        let claims = Self::claims(&Actor::Machine(client.id), AUDIENCE, MACHINE, now);
        let scope = scopes.iter().map(|s| s.as_str()).collect::<Vec<_>>().join(" ");
        self.signed(db, Claims { org: Some(client.organisation_id), scope: Some(scope), ..claims }, now).await
    }

    /// A development token: acts for an organisation in these roles without being anyone's.
    pub async fn for_development(
        &self,
        db: &Db,
        roles: &[MemberRole],
        organisation: &str,
        now: DateTime<Utc>,
        valid: Duration,
    ) -> Result<String, Error> {
        let unknown = || Error::BadInput(format!("there is no organisation {organisation}"));
        let slug: Slug = organisation.parse().map_err(|_| unknown())?;
        let found = organisation::Entity::find().filter(organisation::Column::Slug.eq(slug)).one(db.read()).await?;
        let id = found.ok_or_else(unknown)?.id;
        let kinds = kinds(db.read(), id).await?;
        if let Some(role) = roles.iter().find(|role| !permission::fits(**role, kinds.iter().copied())) {
            return Err(Error::BadInput(format!(
                "organisation {organisation} has no members in the role {}",
                role.name()
            )));
        }
        let actor = Actor::Tool(format!("dev:{organisation}"));
        let claims = Self::claims(&actor, DEVELOPMENT, valid, now);
        Ok(self.signed(db, Claims { org: Some(id), roles: roles.to_vec(), ..claims }, now).await?.token)
    }

    fn claims(actor: &Actor, audience: &str, lifetime: Duration, now: DateTime<Utc>) -> Claims {
        Claims {
            iss: ISSUER.into(),
            aud: audience.into(),
            sub: actor.to_string(),
            iat: now.timestamp(),
            exp: (now + lifetime).timestamp(),
            sid: None,
            org: None,
            scope: None,
            roles: Vec::new(),
        }
    }

    async fn signed(&self, db: &Db, claims: Claims, now: DateTime<Utc>) -> Result<Access, Error> {
        let key = self.keys.signing(db, now).await?;
        let header = Header { kid: Some(key.kid.clone()), ..Header::new(Algorithm::EdDSA) };
        let token = jsonwebtoken::encode(&header, &claims, &key.signs).map_err(Error::internal)?;
        Ok(Access { token, expires_at: DateTime::from_timestamp(claims.exp, 0).unwrap_or(now) })
    }

    /// The public keys, for whoever verifies tokens (RFC 7517).
    pub async fn key_set(&self, db: &Db, now: DateTime<Utc>) -> Result<serde_json::Value, Error> {
        self.keys.published(db, now).await
    }

    /// Who is behind a token; refused when it is not ours, not meant for us, expired, or not worth anything
    /// any more, and when a machine client calls from where it may not.
    pub async fn caller(
        &self,
        db: &Db,
        token: &str,
        address: Option<IpAddr>,
        now: DateTime<Utc>,
    ) -> Result<Caller, Error> {
        let digest: [u8; 32] = Sha256::digest(token.as_bytes()).into();
        let known = if let Some(known) = self.known.get(&digest) {
            known
        } else {
            let before = self.changes.load(Ordering::SeqCst);
            let known = Arc::new(self.verified(db, token, now).await?);
            if self.changes.load(Ordering::SeqCst) == before {
                self.known.insert(digest, known.clone());
            }
            known
        };
        let near = |address: IpAddr| known.networks.iter().any(|net| net.contains(&address.to_canonical()));
        if known.expires <= now.timestamp() || !(known.networks.is_empty() || address.is_some_and(near)) {
            return Err(Error::Unauthenticated);
        }
        Ok(Caller { viewer: known.viewer.clone(), session: known.session, address })
    }

    /// Who a proof shows, now.
    pub async fn shown(&self, db: &Db, proof: &Proof, now: DateTime<Utc>) -> Result<Caller, Error> {
        match &proof.token {
            Some(token) => self.caller(db, token.expose_secret(), proof.address, now).await,
            None => Ok(Caller::anonymous(proof.address)),
        }
    }

    /// Forgets what tokens are worth: sessions, members or clients have changed.
    pub fn forget(&self) {
        self.changes.fetch_add(1, Ordering::SeqCst);
        self.known.invalidate_all();
    }

    async fn verified(&self, db: &Db, token: &str, now: DateTime<Utc>) -> Result<Known, Error> {
        let refused = |_| Error::Unauthenticated;
        if token.len() > 4_096 {
            return Err(Error::Unauthenticated);
        }
        let kid = jsonwebtoken::decode_header(token).map_err(refused)?.kid.ok_or(Error::Unauthenticated)?;
        let key = self.keys.verifying(db, &kid, now).await?.ok_or(Error::Unauthenticated)?;
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_audience(if self.development { &[AUDIENCE, DEVELOPMENT][..] } else { &[AUDIENCE] });
        validation.set_issuer(&[ISSUER]);
        validation.set_required_spec_claims(&["exp", "aud", "iss", "sub"]);
        // Expiry is checked against our own clock.
        validation.validate_exp = false;
        let claims = jsonwebtoken::decode::<Claims>(token, &key.verifies, &validation).map_err(refused)?.claims;
        if claims.exp <= now.timestamp() {
            return Err(Error::Unauthenticated);
        }
        let worth = if claims.aud == DEVELOPMENT {
            Some(development(db, &claims).await?)
        } else if let Some(id) = tail(&claims.sub, "person:") {
            person(db, PersonId(id), &claims, now).await?
        } else if let Some(id) = tail(&claims.sub, "client:") {
            machine(db, MachineClientId(id), &claims).await?
        } else {
            None
        };
        let (viewer, networks) = worth.ok_or(Error::Unauthenticated)?;
        Ok(Known { viewer, session: claims.sid, networks, expires: claims.exp })
    }
}

type Worth = (Viewer, Vec<IpNet>);

fn tail(subject: &str, kind: &str) -> Option<uuid::Uuid> {
    subject.strip_prefix(kind)?.parse().ok()
}

async fn kinds(db: &impl ConnectionTrait, id: OrganisationId) -> Result<BTreeSet<OrganisationRole>, Error> {
    let rows =
        organisation_role::Entity::find().filter(organisation_role::Column::OrganisationId.eq(id)).all(db).await?;
    Ok(rows.into_iter().map(|row| row.role).collect())
}

/// What a person's token is worth: its session is open, and it is a member of the organisation it acts for.
async fn person(db: &Db, id: PersonId, claims: &Claims, now: DateTime<Utc>) -> Result<Option<Worth>, Error> {
    let db = db.read();
    let Some(sid) = claims.sid else { return Ok(None) };
    let open = session::Entity::find_by_id(sid)
        .filter(session::Column::PersonId.eq(id))
        .filter(session::Column::EndedAt.is_null())
        .filter(session::Column::ExpiresAt.gt(now));
    if open.one(db).await?.is_none() {
        return Ok(None);
    }
    let actor = Actor::Person(id);
    let Some(organisation) = claims.org else { return Ok(Some((Viewer { actor, acting: None }, Vec::new()))) };
    let member = membership::Entity::find()
        .filter(membership::Column::PersonId.eq(id))
        .filter(membership::Column::OrganisationId.eq(organisation))
        .one(db)
        .await?;
    let Some(member) = member else { return Ok(None) };
    let kinds = kinds(db, organisation).await?;
    // A role that the organisation's kind does not carry (any more) is worth nothing.
    let roles = member.roles.0.into_iter().filter(|role| permission::fits(*role, kinds.iter().copied())).collect();
    let acting = Acting { organisation, kinds, roles, approval_level: member.approval_level, scopes: BTreeSet::new() };
    Ok(Some((Viewer { actor, acting: Some(acting) }, Vec::new())))
}

/// What a machine client's token is worth: it is enabled, and still has the scopes.
async fn machine(db: &Db, id: MachineClientId, claims: &Claims) -> Result<Option<Worth>, Error> {
    let db = db.read();
    let client = machine_client::Entity::find_by_id(id).one(db).await?.filter(|client| client.enabled);
    let Some(client) = client else { return Ok(None) };
    let asked: Vec<&str> = claims.scope.as_deref().unwrap_or_default().split(' ').collect();
    let acting = Acting {
        organisation: client.organisation_id,
        kinds: kinds(db, client.organisation_id).await?,
        roles: BTreeSet::new(),
        approval_level: 0,
        scopes: client.scopes.0.into_iter().filter(|scope| asked.contains(&scope.as_str())).collect(),
    };
    let networks = client.networks.0.iter().filter_map(|net| net.parse().ok()).collect();
    Ok(Some((Viewer { actor: Actor::Machine(id), acting: Some(acting) }, networks)))
}

async fn development(db: &Db, claims: &Claims) -> Result<Worth, Error> {
    let organisation = claims.org.ok_or(Error::Unauthenticated)?;
    let acting = Acting {
        organisation,
        kinds: kinds(db.read(), organisation).await?,
        roles: claims.roles.iter().copied().collect(),
        approval_level: 0,
        scopes: BTreeSet::new(),
    };
    Ok((Viewer { actor: Actor::Tool(claims.sub.clone()), acting: Some(acting) }, Vec::new()))
}
