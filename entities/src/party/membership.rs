//! Memberships (成员关系): a person acts for an organisation in roles.
//!
//! Invariant: an organisation that has members has an owner among them (the last-owner guard of
//! `party::ops::members`); `is_owner` repeats what `roles` say, so that a query can count owners.

use std::collections::BTreeSet;

use crate::Relation;
use sea_orm::{FromJsonQueryResult, entity::prelude::*};
use serde::{Deserialize, Serialize};

use super::OrganisationRole;
use crate::values::id::{MembershipId, OrganisationId, PersonId};

/// In what role a person acts for an organisation (成员角色).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, async_graphql::Enum)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum MemberRole {
    /// Everything for its organisation, its members included (所有者).
    Owner,
    /// Products and offers (商品管理员).
    CatalogManager,
    /// Requests for quotation, purchase orders (采购员).
    Purchaser,
    /// Approves purchases up to its level (审批人).
    Approver,
    /// Takes goods in (收货员).
    Receiver,
    /// Invoices and payments (应付会计).
    AccountsClerk,
    /// Works in a showroom (体验店店员).
    ShowroomStaff,
    /// Runs a showroom (体验店店长).
    ShowroomManager,
    /// Runs booths at trade fairs (参展人员).
    Exhibitor,
    /// Prepares a bank's decisions (银行经办).
    BankMaker,
    /// Checks a bank's decisions (银行复核).
    BankChecker,
    /// Operates the zone's platform (平台运营).
    Operator,
    /// Reads everything and changes nothing (审计员).
    Auditor,
}

impl MemberRole {
    /// Every role, in the order of the list.
    pub const ALL: &'static [Self] = &[
        Self::Owner,
        Self::CatalogManager,
        Self::Purchaser,
        Self::Approver,
        Self::Receiver,
        Self::AccountsClerk,
        Self::ShowroomStaff,
        Self::ShowroomManager,
        Self::Exhibitor,
        Self::BankMaker,
        Self::BankChecker,
        Self::Operator,
        Self::Auditor,
    ];

    /// The role as the API writes it: `BANK_MAKER`.
    pub fn name(self) -> String {
        async_graphql::Value::from(self).to_string()
    }

    /// The role that an organisation must play to have such members; none: any will do.
    pub fn needs(self) -> Option<OrganisationRole> {
        match self {
            Self::Operator => Some(OrganisationRole::Platform),
            Self::BankMaker | Self::BankChecker => Some(OrganisationRole::Bank),
            Self::ShowroomStaff | Self::ShowroomManager => Some(OrganisationRole::ShowroomOperator),
            _ => None,
        }
    }
}

/// The roles of one member.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
#[serde(transparent)]
pub struct Roles(pub BTreeSet<MemberRole>);

/// A row of `membership`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
#[sea_orm(table_name = "membership")]
pub struct Model {
    /// Identifier.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: MembershipId,
    /// The organisation.
    pub organisation_id: OrganisationId,
    /// The person.
    pub person_id: PersonId,
    /// In which roles.
    #[sea_orm(column_type = "JsonBinary")]
    pub roles: Roles,
    /// Whether it is an owner.
    pub is_owner: bool,
    /// Up to which level an approver decides; 0 for everyone else.
    pub approval_level: i32,
    /// Counts up with every change.
    pub version: i32,
    /// Since when.
    pub created_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
