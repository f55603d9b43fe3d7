//! Filings (备案): filed once, used by every agency that its owner grants a view to.
//!
//! Invariants:
//! - an organisation, and a person who trades without one, has one filing;
//! - a state changes only along the table of [`FilingAction::from`];
//! - every version is kept as a snapshot; what agencies see is the last **approved** one, while the
//!   filing is in force, and of that only the fields that were granted.

use std::collections::BTreeSet;

use crate::Relation;
use sea_orm::{FromJsonQueryResult, entity::prelude::*};
use serde::{Deserialize, Serialize};

use crate::values::{
    CustomsRegistration, ErrorCode, Refusal, Refusals, Uscc,
    id::{FilingId, OrganisationId, PersonId},
    refusal::Check,
};

/// Who files (备案类型).
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum, Serialize, Deserialize, async_graphql::Enum,
)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(24))", rename_all = "snake_case")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum FilingKind {
    /// An organisation with a unified social credit code (企业).
    Enterprise,
    /// A person without one, for micro services (个人).
    Individual,
}

/// State of a filing (备案状态).
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum, Serialize, Deserialize, async_graphql::Enum,
)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(24))", rename_all = "snake_case")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum FilingStatus {
    /// Being written (草稿).
    Draft,
    /// Waits for a decision (已提交).
    Submitted,
    /// Sent back with a reason (已退回).
    Returned,
    /// Approved and in force (已通过).
    Approved,
    /// Out of force for the time being (已暂停).
    Suspended,
    /// Out of force for good, unless filed again (已过期).
    Expired,
}

/// A step of a filing's life (备案操作).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FilingAction {
    /// Its owner changes what it says.
    Amend,
    /// Its owner asks for a decision.
    Submit,
    /// An operator sends it back.
    Return,
    /// An operator approves it.
    Approve,
    /// An operator takes it out of force.
    Suspend,
    /// An operator puts it back into force.
    Resume,
    /// Its time is over.
    Expire,
}

impl FilingAction {
    /// Every step, in the order of the table.
    pub const ALL: &'static [Self] =
        &[Self::Amend, Self::Submit, Self::Return, Self::Approve, Self::Suspend, Self::Resume, Self::Expire];

    /// The step as the API writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Amend => "AMEND",
            Self::Submit => "SUBMIT",
            Self::Return => "RETURN",
            Self::Approve => "APPROVE",
            Self::Suspend => "SUSPEND",
            Self::Resume => "RESUME",
            Self::Expire => "EXPIRE",
        }
    }

    /// The state after this step from `from`; `in_force`: whether an approved version is in force.
    ///
    /// | step | draft | submitted | returned | approved | suspended | expired |
    /// |---|---|---|---|---|---|---|
    /// | amend | draft | - | returned | draft | - | draft |
    /// | submit | submitted | - | submitted | - | - | - |
    /// | return | - | returned | - | - | - | - |
    /// | approve | - | approved | - | - | - | - |
    /// | suspend | if in force | if in force | if in force | suspended | - | - |
    /// | resume | - | - | - | - | approved | - |
    /// | expire | if in force | if in force | if in force | expired | expired | - |
    ///
    /// Amending an approved filing leaves its approved version in force until the new one is decided. Taken out of force
    /// meanwhile, the filing is suspended or expired as a whole; resuming brings back what was approved.
    pub fn from(self, from: FilingStatus, in_force: bool) -> Result<FilingStatus, Refusal> {
        use FilingStatus as S;
        match (self, from) {
            (Self::Amend, S::Draft | S::Approved | S::Expired) => Ok(S::Draft),
            (Self::Amend, S::Returned) | (Self::Return, S::Submitted) => Ok(S::Returned),
            (Self::Submit, S::Draft | S::Returned) => Ok(S::Submitted),
            (Self::Approve, S::Submitted) | (Self::Resume, S::Suspended) => Ok(S::Approved),
            (Self::Suspend, _) if in_force => Ok(S::Suspended),
            (Self::Expire, _) if in_force || from == S::Suspended => Ok(S::Expired),
            _ => {
                let from = async_graphql::Value::from(from).to_string();
                Err(Refusal::new(ErrorCode::IllegalTransition).with("from", from).with("action", self.name()))
            }
        }
    }
}

/// An agency that keeps a number of its own for a filing (监管部门).
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    EnumIter,
    DeriveActiveEnum,
    Serialize,
    Deserialize,
    async_graphql::Enum,
)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(24))", rename_all = "snake_case")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Agency {
    /// Customs (海关).
    Customs,
    /// Tax office (税务).
    Tax,
    /// Foreign exchange administration (外汇管理).
    ForeignExchange,
    /// Market regulation (市场监管).
    MarketRegulation,
    /// Commerce department (商务).
    Commerce,
}

/// A part of a filing that can be granted (备案字段).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, async_graphql::Enum)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum FilingField {
    /// Name of the filer (名称).
    LegalName,
    /// Unified social credit code (统一社会信用代码).
    Uscc,
    /// Customs registration code (海关注册编码).
    CustomsCode,
    /// Legal representative (法定代表人).
    Representative,
    /// Name, phone and e-mail of the contact (联系人).
    Contact,
    /// Address (地址).
    Address,
    /// Business scope (经营范围).
    BusinessScope,
    /// Shops and platforms (电商平台).
    Platforms,
    /// Documents (附件).
    Documents,
}

/// Which fields.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
#[serde(transparent)]
pub struct Fields(pub BTreeSet<FilingField>);

/// A document of a filing (附件): its bytes lie elsewhere and are known by their hash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Document {
    /// What it is called.
    pub name: String,
    /// SHA-256 of its bytes, in hex.
    pub sha256: String,
    /// Its media type.
    pub media_type: String,
    /// Its size in bytes.
    pub size: i64,
}

/// What a filing says. Kept sealed: it names people.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Content {
    /// Name of the filer.
    pub legal_name: Option<String>,
    /// Unified social credit code.
    pub uscc: Option<Uscc>,
    /// Customs registration code.
    pub customs_code: Option<CustomsRegistration>,
    /// Legal representative.
    pub representative: Option<String>,
    /// Name of the contact.
    pub contact_name: Option<String>,
    /// Mobile number of the contact, 11 digits.
    pub contact_phone: Option<String>,
    /// E-mail of the contact.
    pub contact_email: Option<String>,
    /// Address.
    pub address: Option<String>,
    /// Business scope.
    pub business_scope: Option<String>,
    /// Shops and platforms.
    pub platforms: Option<Vec<String>>,
    /// Documents.
    pub documents: Option<Vec<Document>>,
}

impl Content {
    /// This, laid over `before`: what is not said stays.
    #[must_use]
    pub fn over(self, before: Self) -> Self {
        Self {
            legal_name: self.legal_name.or(before.legal_name),
            uscc: self.uscc.or(before.uscc),
            customs_code: self.customs_code.or(before.customs_code),
            representative: self.representative.or(before.representative),
            contact_name: self.contact_name.or(before.contact_name),
            contact_phone: self.contact_phone.or(before.contact_phone),
            contact_email: self.contact_email.or(before.contact_email),
            address: self.address.or(before.address),
            business_scope: self.business_scope.or(before.business_scope),
            platforms: self.platforms.or(before.platforms),
            documents: self.documents.or(before.documents),
        }
    }

    /// Only these fields; the others are as if never said.
    #[must_use]
    pub fn only(self, fields: &Fields) -> Self {
        use FilingField as F;
        fn kept<T>(fields: &Fields, field: FilingField, value: Option<T>) -> Option<T> {
            value.filter(|_| fields.0.contains(&field))
        }
        Self {
            legal_name: kept(fields, F::LegalName, self.legal_name),
            uscc: kept(fields, F::Uscc, self.uscc),
            customs_code: kept(fields, F::CustomsCode, self.customs_code),
            representative: kept(fields, F::Representative, self.representative),
            contact_name: kept(fields, F::Contact, self.contact_name),
            contact_phone: kept(fields, F::Contact, self.contact_phone),
            contact_email: kept(fields, F::Contact, self.contact_email),
            address: kept(fields, F::Address, self.address),
            business_scope: kept(fields, F::BusinessScope, self.business_scope),
            platforms: kept(fields, F::Platforms, self.platforms),
            documents: kept(fields, F::Documents, self.documents),
        }
    }

    /// Whether it may be submitted: an enterprise names itself, its code, its representative and a
    /// contact, and adds a document; an individual names itself and a contact.
    pub fn complete(&self, kind: FilingKind) -> Result<(), Refusals> {
        let mut check = Check::default();
        let missing = || Refusal::new(ErrorCode::Required);
        check.demand(self.legal_name.is_some(), "legalName", missing);
        check.demand(self.contact_name.is_some(), "contactName", missing);
        check.demand(self.contact_phone.is_some(), "contactPhone", missing);
        check.demand(self.address.is_some(), "address", missing);
        if kind == FilingKind::Enterprise {
            check.demand(self.uscc.is_some(), "uscc", missing);
            check.demand(self.representative.is_some(), "representative", missing);
            check.demand(self.documents.as_ref().is_some_and(|d| !d.is_empty()), "documents", missing);
        }
        check.done(())
    }
}

/// A row of `filing`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
#[sea_orm(table_name = "filing")]
pub struct Model {
    /// Identifier.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: FilingId,
    /// Who files.
    pub kind: FilingKind,
    /// The organisation that files.
    pub organisation_id: Option<OrganisationId>,
    /// The person who files without one.
    pub person_id: Option<PersonId>,
    /// State of the version in work.
    pub status: FilingStatus,
    /// Counts up with every change; each is a snapshot.
    pub version: i32,
    /// The approved version, while the filing is in force.
    pub in_force_version: Option<i32>,
    /// The version that was last approved, in force or not.
    pub approved_version: Option<i32>,
    /// Until when the approval holds, Asia/Shanghai.
    pub valid_until: Option<Date>,
    /// Why it was returned or suspended.
    #[sea_orm(column_type = "Text")]
    pub reason: Option<String>,
    /// Since when.
    pub created_at: DateTimeUtc,
    /// When it last changed.
    pub updated_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filing_moves_along_its_table_only() {
        use FilingStatus as S;
        let states = [S::Draft, S::Submitted, S::Returned, S::Approved, S::Suspended, S::Expired];
        let table: [(FilingAction, [Option<S>; 6]); 7] = [
            (FilingAction::Amend, [Some(S::Draft), None, Some(S::Returned), Some(S::Draft), None, Some(S::Draft)]),
            (FilingAction::Submit, [Some(S::Submitted), None, Some(S::Submitted), None, None, None]),
            (FilingAction::Return, [None, Some(S::Returned), None, None, None, None]),
            (FilingAction::Approve, [None, Some(S::Approved), None, None, None, None]),
            (FilingAction::Suspend, [None, None, None, Some(S::Suspended), None, None]),
            (FilingAction::Resume, [None, None, None, None, Some(S::Approved), None]),
            (FilingAction::Expire, [None, None, None, Some(S::Expired), Some(S::Expired), None]),
        ];
        for (action, row) in table {
            for (from, to) in states.into_iter().zip(row) {
                // What is approved is in force; nothing else is, unless it is being amended.
                let in_force = from == S::Approved;
                assert_eq!(action.from(from, in_force).ok(), to, "{} from {from:?}", action.name());
            }
        }
        for from in [S::Draft, S::Submitted, S::Returned] {
            for (action, to) in [(FilingAction::Suspend, S::Suspended), (FilingAction::Expire, S::Expired)] {
                assert_eq!(action.from(from, true), Ok(to), "{} while amended, {from:?}", action.name());
            }
        }
    }

    #[test]
    fn an_agency_sees_the_fields_that_were_granted_and_no_other() {
        let content = Content {
            legal_name: Some("河湟".into()),
            contact_name: Some("马".into()),
            contact_phone: Some("13800000000".into()),
            address: Some("西宁".into()),
            ..Content::default()
        };
        let seen = content.clone().only(&Fields(BTreeSet::from([FilingField::LegalName, FilingField::Contact])));
        assert_eq!(seen, Content { address: None, ..content.clone() });
        assert_eq!(content.clone().only(&Fields::default()), Content::default());
        let amended = Content { address: Some("海东".into()), ..Content::default() }.over(content.clone());
        assert_eq!(amended, Content { address: Some("海东".into()), ..content });
        assert!(amended.complete(FilingKind::Individual).is_ok());
        let missing: Vec<String> =
            amended.complete(FilingKind::Enterprise).unwrap_err().into_iter().map(|r| r.field.join(".")).collect();
        assert_eq!(missing, ["uscc", "representative", "documents"]);
    }
}
