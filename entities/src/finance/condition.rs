//! What has to be done before money is paid out (放款条件): which of it a request has, and whether it is done.
//!
//! Which ones a request has is decided once, when its offer is taken ([`required`]), and kept as rows: a programme that
//! is revised later changes nothing of it. Each is met by what it is about: the registry's answers
//! ([`super::registry`]), the notices to debtors and what these say ([`super::notice`]), the contract.

use crate::Relation;
use chrono::Duration;
use sea_orm::{FromJsonQueryResult, entity::prelude::*};
use serde::{Deserialize, Serialize};

use super::Technique;
use crate::values::id::FinancingRequestId;

/// Hours for which a search of the registry counts (A3): it is done again before money is paid out.
pub const SEARCH_HOURS: i64 = 24;

/// What has to be done (放款条件类型).
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
#[graphql(name = "FinancingConditionKind")]
pub enum ConditionKind {
    /// The registry was searched, and nobody else stands there with these receivables (登记查询).
    RegistrySearch,
    /// The assignment or the pledge stands in the registry (登记).
    Registration,
    /// The debtors were told of the assignment, and it reached them (转让通知).
    Notice,
    /// The debtors acknowledged it (通知回执).
    Acknowledgement,
    /// The contract is signed (合同签署).
    Contract,
}

impl ConditionKind {
    /// All of them, in the order in which they are told.
    pub const ALL: [Self; 5] =
        [Self::RegistrySearch, Self::Registration, Self::Notice, Self::Acknowledgement, Self::Contract];

    /// Whether it is the registry's answer, which is its financier's business alone.
    pub fn is_registry(self) -> bool {
        matches!(self, Self::RegistrySearch | Self::Registration)
    }

    /// The kind as the API writes it.
    pub fn name(self) -> String {
        async_graphql::Value::from(self).to_string()
    }
}

/// What has to be done before money is paid out by this technique. Registry and contract always; the debtor is told
/// when the assignment is disclosed, and says that it has read it, unless it is the debtor whose word the money is
/// given on.
pub fn required(technique: Technique, disclosed: bool) -> Vec<ConditionKind> {
    let wanted = |kind: &ConditionKind| match kind {
        ConditionKind::RegistrySearch | ConditionKind::Registration | ConditionKind::Contract => true,
        ConditionKind::Notice => disclosed,
        ConditionKind::Acknowledgement => disclosed && technique != Technique::PayablesFinance,
    };
    ConditionKind::ALL.into_iter().filter(wanted).collect()
}

/// Whether a search of the registry counts for money that is paid out now.
pub fn fresh(searched_at: DateTimeUtc, now: DateTimeUtc) -> bool {
    now - searched_at < Duration::hours(SEARCH_HOURS)
}

/// What there is to know of how it was met (条件明细).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
#[serde(rename_all = "camelCase")]
pub struct Detail {
    /// SHA-256 of the signed document, in hex.
    pub sha256: Option<String>,
    /// On which day it was signed.
    pub signed_on: Option<Date>,
    /// How many registrations of others stand against it.
    pub against: Option<i32>,
}

/// A row of `financing_condition`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
#[sea_orm(table_name = "financing_condition")]
pub struct Model {
    /// Of which request.
    #[sea_orm(primary_key, auto_increment = false)]
    pub request_id: FinancingRequestId,
    /// What has to be done.
    #[sea_orm(primary_key, auto_increment = false)]
    pub kind: ConditionKind,
    /// Since when it is done; none: it is not.
    pub met_at: Option<DateTimeUtc>,
    /// Who did it last.
    pub by: Option<String>,
    /// The number of a certificate or a contract.
    pub reference: Option<String>,
    /// What else there is to know.
    #[sea_orm(column_type = "JsonBinary")]
    pub detail: Option<Detail>,
}

impl ActiveModelBehavior for ActiveModel {}

#[cfg(test)]
mod tests {
    use sea_orm::Iterable;

    use super::*;

    #[test]
    fn what_has_to_be_done_follows_technique_and_disclosure() {
        use ConditionKind::{Acknowledgement, Contract, Notice, Registration, RegistrySearch};
        let undisclosed = vec![RegistrySearch, Registration, Contract];
        let told = vec![RegistrySearch, Registration, Notice, Contract];
        let all = ConditionKind::ALL.to_vec();
        assert_eq!(all, [RegistrySearch, Registration, Notice, Acknowledgement, Contract]);
        for (technique, disclosed, expected) in [
            (Technique::Factoring, true, &all),
            (Technique::ReceivablesDiscounting, true, &all),
            (Technique::LoanAgainstReceivables, true, &all),
            (Technique::PayablesFinance, true, &told),
            (Technique::Factoring, false, &undisclosed),
            (Technique::ReceivablesDiscounting, false, &undisclosed),
            (Technique::LoanAgainstReceivables, false, &undisclosed),
            (Technique::PayablesFinance, false, &undisclosed),
        ] {
            assert_eq!(&required(technique, disclosed), expected, "{technique:?} {disclosed}");
        }
        let kinds: Vec<ConditionKind> = ConditionKind::iter().collect();
        assert_eq!(kinds, ConditionKind::ALL, "a kind is never told");
        let inside: Vec<ConditionKind> = ConditionKind::iter().filter(|kind| kind.is_registry()).collect();
        assert_eq!(inside, [RegistrySearch, Registration]);
        assert_eq!(RegistrySearch.name(), "REGISTRY_SEARCH");
    }

    #[test]
    fn a_search_counts_for_less_than_a_day() {
        let at: DateTimeUtc = "2026-03-01T08:00:00Z".parse().unwrap();
        for (later, counts) in [
            (Duration::zero(), true),
            (Duration::hours(23), true),
            (Duration::hours(24) - Duration::milliseconds(1), true),
            (Duration::hours(24), false),
            (Duration::days(3), false),
        ] {
            assert_eq!(fresh(at, at + later), counts, "{later}");
        }
    }

    #[test]
    fn details_of_another_version_are_read() {
        assert_eq!(serde_json::from_str::<Detail>("{}").unwrap(), Detail::default());
        let detail = Detail { sha256: Some("0".into()), signed_on: Some("2026-03-01".parse().unwrap()), against: None };
        let kept = serde_json::to_value(&detail).unwrap();
        assert_eq!(kept["signedOn"], "2026-03-01");
        assert_eq!(serde_json::from_value::<Detail>(kept).unwrap(), detail);
    }
}
