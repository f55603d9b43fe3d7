//! Invitations (邀请): into an organisation, for whoever signs in with the address or number that it was sent to.

use crate::Relation;
use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use super::membership::Roles;
use crate::values::id::{InvitationId, OrganisationId, PersonId};

/// A row of `invitation`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
#[sea_orm(table_name = "invitation")]
pub struct Model {
    /// Identifier.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: InvitationId,
    /// Into which organisation.
    pub organisation_id: OrganisationId,
    /// To whom, masked: `a***@example.com`.
    #[sea_orm(column_type = "String(StringLen::N(260))")]
    pub contact: String,
    /// Keyed hash of the address or number: only its holder may accept.
    #[serde(skip)]
    #[sea_orm(column_type = "String(StringLen::N(64))")]
    pub lookup: String,
    /// In which roles.
    #[sea_orm(column_type = "JsonBinary")]
    pub roles: Roles,
    /// Up to which level an approver decides.
    pub approval_level: i32,
    /// Who invites.
    #[sea_orm(column_type = "String(StringLen::N(120))")]
    pub invited_by: String,
    /// Since when.
    pub created_at: DateTimeUtc,
    /// Until when it may be accepted.
    pub expires_at: DateTimeUtc,
    /// Who accepted it.
    pub accepted_by: Option<PersonId>,
    /// When it was accepted or taken back.
    pub closed_at: Option<DateTimeUtc>,
}

impl ActiveModelBehavior for ActiveModel {}
