//! The audit (审计记录): who did what to which, before and after. Append-only, and chained: each entry's hash
//! takes in the one before, one chain an organisation, so that no entry can be changed or taken out unseen.
//!
//! h(n) = SHA-256(h(n-1) || SHA-256(body)), h(0) = 32 zero bytes (vector V3 of the supply-chain domain page).

use crate::Relation;
use sea_orm::entity::prelude::*;
use sha2::{Digest, Sha256};

use crate::values::id::{AuditEntryId, OrganisationId};

/// A row of `audit_entry`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "audit_entry")]
pub struct Model {
    /// Identifier.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: AuditEntryId,
    /// Whose chain: the organisation that the change concerns; the nil id for what concerns none.
    pub chain_id: OrganisationId,
    /// Place in the chain, from 1.
    pub seq: i64,
    /// What it was done to, as an opaque id.
    #[sea_orm(column_type = "String(StringLen::N(40))")]
    pub node: String,
    /// Who did it.
    #[sea_orm(column_type = "String(StringLen::N(120))")]
    pub actor: String,
    /// What was done: the name of the operation.
    #[sea_orm(column_type = "String(StringLen::N(64))")]
    pub action: String,
    /// When.
    pub at: DateTimeUtc,
    /// Everything above and what was before and after, as canonical JSON (RFC 8785): what is hashed.
    #[sea_orm(column_type = "Text")]
    pub body: String,
    /// The hash, in hex.
    #[sea_orm(column_type = "String(StringLen::N(64))")]
    pub hash: String,
}

impl ActiveModelBehavior for ActiveModel {}

/// A link of a chain.
pub type Hash = [u8; 32];

/// The hash of an entry that follows `previous`.
pub fn link(previous: &Hash, body: &str) -> Hash {
    let mut hasher = Sha256::new();
    hasher.update(previous);
    hasher.update(Sha256::digest(body.as_bytes()));
    hasher.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(bytes: &[u8]) -> String {
        use std::fmt::Write;
        bytes.iter().fold(String::new(), |mut text, b| {
            write!(text, "{b:02x}").unwrap();
            text
        })
    }

    #[test]
    fn the_chain_of_the_vector_v3() {
        let first = link(&[0; 32], r#"{"seq":1,"type":"RECEIVABLE_CREATED"}"#);
        assert_eq!(hex(&first), "c8d91ebf5d91f2a8adc47a9185a0e676dcef54eecae8cbcb99ff2850f8bbc65e");
        let second = link(&first, r#"{"seq":2,"type":"DEBTOR_CONFIRMED"}"#);
        assert_eq!(hex(&second), "ebe5ff45eef27b268cd1683bd1c22a18dee64843ba504ebe1dbfe3a39d3090a5");
    }
}
