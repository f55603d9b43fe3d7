//! Evidence packages in the schema: what is known of a receivable in signed files, and the key that signs them.

use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};
use chrono::{DateTime, Utc};
use entities::{finance::evidence_package::Head, party::Action, values::id::EvidencePackageId};
use platform::{
    error::Error,
    graphql::{ContextExt, decode, encode},
    payload,
};

use crate::{
    loaders::{self, FileOf},
    ops::evidence::{self as ops, ALGORITHM, Key},
};

/// What was known of a receivable, in one signed file that proves itself; it is never changed, and nothing of the
/// receivable's financing stands in it (证据包).
#[derive(Clone, Debug)]
pub struct EvidencePackage(pub Head);

/// What was known of a receivable, in one signed file that proves itself; it is never changed, and nothing of the
/// receivable's financing stands in it (证据包).
#[Object]
impl EvidencePackage {
    /// Opaque identifier of this version.
    pub async fn id(&self) -> ID {
        encode(self.0.id)
    }

    /// Of which receivable.
    async fn receivable_id(&self) -> ID {
        encode(self.0.receivable_id)
    }

    /// Which version, from 1 on (版本).
    async fn version(&self) -> i32 {
        self.0.version
    }

    /// SHA-256 of what is signed, in hex: the next version names this one by it.
    async fn sha256(&self) -> &str {
        &self.0.sha256
    }

    /// That of the version before; null: this is the first.
    async fn previous_sha256(&self) -> Option<&str> {
        self.0.prev_sha256.as_deref()
    }

    /// The whole file, in canonical form (RFC 8785), amounts as texts: documents by their hashes, facts, Merkle root
    /// and signature. Saved as it is, byte by byte, `chama evidence verify` says whether it holds, without a network
    /// (证据文件).
    #[graphql(complexity = 200)]
    async fn file(&self, context: &Context<'_>) -> Result<String> {
        let found = loaders::of(context).load_one(FileOf(self.0.id)).await?;
        Ok(found.ok_or_else(|| Error::internal("an evidence package has no file"))?)
    }

    /// When it was made.
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.at
    }
}

/// The key that evidence packages of this house are signed with. Whoever keeps it knows later whose a file is
/// (证据签名公钥).
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct EvidenceKey {
    /// Its name: the first 16 digits of the SHA-256 of the public key, in hex.
    key_id: String,
    /// The public key, 32 bytes in base64: what `chama evidence verify --key` takes (公钥).
    public_key: String,
    /// By which rule it signs: `Ed25519` (RFC 8032).
    algorithm: String,
}

/// A receivable of which an evidence package is made (生成证据包).
#[derive(InputObject)]
pub(crate) struct MakeEvidencePackageInput {
    /// Of which receivable.
    receivable_id: ID,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

payload! {
    /// The answer to `makeEvidencePackage`.
    MakeEvidencePackagePayload { /// The package; the last one, when nothing is known that it does not say.
        evidence_package: EvidencePackage }
}

/// Queries about evidence.
#[derive(Default)]
pub struct EvidenceQuery;

#[Object]
impl EvidenceQuery {
    /// An evidence package of a receivable that may be seen; null when there is none or it may not (证据包).
    async fn evidence_package(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Opaque identifier.")] id: ID,
    ) -> Result<Option<EvidencePackage>> {
        context.may(Action::ReadReceivables)?;
        let Ok(id) = decode::<EvidencePackageId>(&id, "id") else { return Ok(None) };
        Ok(ops::find(context.app().db().read(), context.viewer(), id).await?.map(EvidencePackage))
    }

    /// The key that evidence packages are signed with, for everyone: a verifier keeps it, and asks no more (证据签名公钥).
    async fn evidence_key(&self, context: &Context<'_>) -> Result<EvidenceKey> {
        context.may(Action::ReadPublic)?;
        let key = Key::of(context.app().vault())?;
        Ok(EvidenceKey { key_id: key.id, public_key: key.public, algorithm: ALGORITHM.to_owned() })
    }
}

/// Mutations of evidence.
#[derive(Default)]
pub struct EvidenceMutation;

#[Object]
impl EvidenceMutation {
    /// Puts what is known of a receivable into a signed file: its seller, or the financier that is asked for money on it.
    /// When nothing is known that the last version does not say, it is that one (生成证据包).
    async fn make_evidence_package(
        &self,
        context: &Context<'_>,
        input: MakeEvidencePackageInput,
    ) -> Result<MakeEvidencePackagePayload> {
        let call = context.call(Action::MakeEvidence)?;
        let result = async { ops::make(context.app(), &call, decode(&input.receivable_id, "receivableId")?).await };
        MakeEvidencePackagePayload::new(context, input.client_mutation_id, result.await.map(EvidencePackage))
    }
}
