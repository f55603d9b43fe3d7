//! Who is behind a token.
//!
//! Until people and machines sign in by themselves, the command line makes **development tokens**
//! (`chama token`): signed by a key that lies in the data folder, taken only where
//! `auth.development_tokens` says so.

use std::{
    io::Write,
    path::{Path, PathBuf},
};

use chrono::{DateTime, Duration, Utc};
use entities::{
    party::{OrganisationRole, Viewer, organisation, organisation_role, viewer::Standing},
    values::{Slug, id::OrganisationId},
};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};
use serde::{Deserialize, Serialize};

use super::error::Error;

/// Who takes these tokens; a token made for someone else is refused.
const AUDIENCE: &str = "chama:development";

/// Makes and reads development tokens.
pub struct Tokens {
    encoding: EncodingKey,
    decoding: DecodingKey,
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tokens")
    }
}

#[derive(Debug, Serialize, Deserialize)]
struct Claims {
    /// Who it is, for the history.
    sub: String,
    /// The organisation it acts for.
    org: OrganisationId,
    /// In what standing.
    role: DevelopmentRole,
    aud: String,
    exp: i64,
}

/// What a development token may be made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum DevelopmentRole {
    /// The zone's operator: an organisation with the role PLATFORM.
    Operator,
    /// A seller: an organisation with the role SELLER.
    Seller,
}

impl DevelopmentRole {
    /// The role that the organisation must have.
    fn needs(self) -> OrganisationRole {
        match self {
            Self::Operator => OrganisationRole::Platform,
            Self::Seller => OrganisationRole::Seller,
        }
    }
}

impl Tokens {
    /// The key in `folder`, made when there is none yet; readable by its owner only.
    pub fn open(folder: &Path) -> Result<Self, Error> {
        let file = folder.join("development.key");
        let key = match std::fs::read(&file) {
            Ok(key) => key,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => create_key(folder, &file)?,
            Err(e) => return Err(Error::internal(e)),
        };
        if key.len() < 32 {
            return Err(Error::internal(format!(
                "{} is too short to be a key; delete it and start again",
                file.display()
            )));
        }
        Ok(Self { encoding: EncodingKey::from_secret(&key), decoding: DecodingKey::from_secret(&key) })
    }

    /// A token for an organisation that has the role, good until `now + valid`.
    pub async fn issue(
        &self,
        db: &impl ConnectionTrait,
        role: DevelopmentRole,
        organisation: &str,
        now: DateTime<Utc>,
        valid: Duration,
    ) -> Result<String, Error> {
        let slug: Slug = organisation.parse().map_err(|_| unknown(organisation))?;
        let found = organisation::Entity::find().filter(organisation::Column::Slug.eq(slug)).one(db).await?;
        let found = found.ok_or_else(|| unknown(organisation))?;
        let has = organisation_role::Entity::find_by_id((found.id, role.needs())).one(db).await?;
        if has.is_none() {
            return Err(Error::BadInput(format!(
                "organisation {organisation} does not have the role {:?}",
                role.needs()
            )));
        }
        let claims = Claims {
            sub: format!("dev:{organisation}"),
            org: found.id,
            role,
            aud: AUDIENCE.into(),
            exp: (now + valid).timestamp(),
        };
        jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &self.encoding).map_err(Error::internal)
    }

    /// Who is behind a token; refused when it is not ours, not meant for us, or expired.
    pub fn viewer(&self, token: &str, now: DateTime<Utc>) -> Result<Viewer, Error> {
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_audience(&[AUDIENCE]);
        validation.set_required_spec_claims(&["exp", "aud", "sub"]);
        // Expiry is checked below against our own clock.
        validation.validate_exp = false;
        let claims = jsonwebtoken::decode::<Claims>(token, &self.decoding, &validation)
            .map_err(|_| Error::Unauthenticated)?
            .claims;
        if claims.exp <= now.timestamp() {
            return Err(Error::Unauthenticated);
        }
        let standing = match claims.role {
            DevelopmentRole::Operator => Standing::Operator(claims.org),
            DevelopmentRole::Seller => Standing::Seller(claims.org),
        };
        Ok(Viewer { subject: claims.sub, standing })
    }
}

fn unknown(organisation: &str) -> Error {
    Error::BadInput(format!("there is no organisation {organisation}"))
}

fn create_key(folder: &Path, file: &PathBuf) -> Result<Vec<u8>, Error> {
    std::fs::create_dir_all(folder).map_err(Error::internal)?;
    // Two random UUIDs: 244 bits from the operating system's generator.
    let key =
        [uuid::Uuid::new_v4().simple().to_string(), uuid::Uuid::new_v4().simple().to_string()].concat().into_bytes();
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(file) {
        Ok(mut made) => made.write_all(&key).map_err(Error::internal)?,
        // Another process of this folder was faster: use its key.
        Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => return std::fs::read(file).map_err(Error::internal),
        Err(e) => return Err(Error::internal(e)),
    }
    Ok(key)
}
