//! Limits of financiers (授信额度): how much they stand for of a debtor, a seller, a programme, a pair of both.
//!
//! What a limit leaves is what is sanctioned, and for a time a bit more, less what is blocked and what is used. A request
//! blocks, a disbursement uses what was blocked, a repayment gives back; each once for one request ([`entry`]). On the day
//! a limit ends nothing new is taken of it, and what is used runs off. No limit changes without a second person.

use crate::Relation;
use chrono::NaiveDate;
use sea_orm::{Condition, FromJsonQueryResult, Select, entity::prelude::*, sea_query::Expr};
use serde::{Deserialize, Serialize};

use crate::{
    party::Viewer,
    values::{
        Currency, ErrorCode, Money, Refusal, Refusals,
        id::{FinancingLimitId, FinancingProgrammeId, OrganisationId},
        refusal::Check,
    },
};

/// Whom or what a limit is for (额度类型).
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
#[graphql(name = "FinancingLimitKind")]
pub enum LimitKind {
    /// What one debtor may owe (债务人额度).
    Debtor,
    /// What one seller may have advanced (卖方额度).
    Seller,
    /// What a programme may have out (项目额度).
    Programme,
    /// What one seller may have advanced on one debtor (买卖双方额度).
    Pair,
}

/// State of a limit (额度状态).
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum, Serialize, Deserialize, async_graphql::Enum,
)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(24))", rename_all = "snake_case")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[graphql(name = "FinancingLimitState")]
pub enum LimitState {
    /// Nobody has approved it yet (待复核).
    Proposed,
    /// It can be used (有效).
    Active,
    /// Nothing new is taken of it (已冻结).
    Suspended,
}

/// How a limit is to be (额度变更).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
#[serde(rename_all = "camelCase")]
pub struct Proposal {
    /// How much, in minor units.
    pub sanctioned_minor: i64,
    /// How much more for a time, in minor units (临时额度).
    pub adhoc_minor: i64,
    /// Its first day.
    pub adhoc_from: Option<NaiveDate>,
    /// Its last day.
    pub adhoc_to: Option<NaiveDate>,
    /// First day of the limit.
    pub effective_on: NaiveDate,
    /// Last day of the limit.
    pub expires_on: NaiveDate,
    /// Whether nothing new is taken of it.
    pub suspended: bool,
    /// Who proposes it.
    pub by: String,
}

impl Proposal {
    /// Whether it can be: amounts that are, days in their order, a bit more only with its days. `used`: what is blocked
    /// and used, which no limit goes below.
    pub fn check(&self, used: i64) -> Result<(), Refusals> {
        let mut check = Check::default();
        let range = |least: i64| {
            Refusal::new(ErrorCode::OutOfRange).with("min", least.to_string()).with("max", Money::MAX_MINOR.to_string())
        };
        check.demand((used..=Money::MAX_MINOR).contains(&self.sanctioned_minor), "sanctioned", || range(used));
        check.demand((0..=Money::MAX_MINOR).contains(&self.adhoc_minor), "adhoc", || range(0));
        let until = |day: NaiveDate| Refusal::new(ErrorCode::InvalidValue).with("value", day.to_string());
        check.demand(self.effective_on <= self.expires_on, "expiresOn", || until(self.expires_on));
        match (self.adhoc_from, self.adhoc_to) {
            (Some(from), Some(to)) => check.demand(from <= to, "adhocTo", || until(to)),
            (None, None) => check.demand(self.adhoc_minor == 0, "adhocFrom", || Refusal::new(ErrorCode::Required)),
            (None, Some(_)) => check.demand(false, "adhocFrom", || Refusal::new(ErrorCode::Required)),
            (Some(_), None) => check.demand(false, "adhocTo", || Refusal::new(ErrorCode::Required)),
        }
        check.done(())
    }
}

/// A row of `financing_limit`. Amounts are in minor units of its currency.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
#[sea_orm(table_name = "financing_limit")]
pub struct Model {
    /// Identifier.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: FinancingLimitId,
    /// Who gives it.
    pub financier_id: OrganisationId,
    /// Whom or what it is for.
    pub kind: LimitKind,
    /// Of which seller.
    pub seller_id: Option<OrganisationId>,
    /// Of which debtor.
    pub debtor_id: Option<OrganisationId>,
    /// Of which programme.
    pub programme_id: Option<FinancingProgrammeId>,
    /// What it is for as one text: unique for its financier and currency.
    pub scope_key: String,
    /// In which currency.
    pub currency: Currency,
    /// Where it is.
    pub state: LimitState,
    /// How much.
    pub sanctioned_minor: i64,
    /// How much more for a time.
    pub adhoc_minor: i64,
    /// First day of that.
    pub adhoc_from: Option<Date>,
    /// Last day of that.
    pub adhoc_to: Option<Date>,
    /// First day of the limit.
    pub effective_on: Date,
    /// Last day of the limit.
    pub expires_on: Date,
    /// What requests that are not decided take.
    pub blocked_minor: i64,
    /// What is out.
    pub utilised_minor: i64,
    /// How it is to be, when a second person says so.
    #[sea_orm(column_type = "JsonBinary")]
    pub proposal: Option<Proposal>,
    /// Counts up with every change by people.
    pub version: i32,
    /// Since when.
    pub created_at: DateTimeUtc,
    /// When it last changed.
    pub updated_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}

impl Entity {
    /// The limits that `viewer` may see: those that its organisation gives, those of itself; all for who oversees.
    pub fn visible_to(viewer: &Viewer) -> Select<Self> {
        if viewer.oversees() {
            return Self::find();
        }
        let Some(own) = viewer.organisation() else { return Self::find().filter(Expr::val(false)) };
        // What a seller may have is nothing that a debtor is told of, and the other way round: a pair is the seller's.
        let seller = Condition::all().add(Column::SellerId.eq(own));
        let debtor = Condition::all().add(Column::DebtorId.eq(own)).add(Column::Kind.eq(LimitKind::Debtor));
        let told = Condition::any().add(seller).add(debtor);
        let approved = Condition::all().add(told).add(Column::State.ne(LimitState::Proposed));
        Self::find().filter(Condition::any().add(Column::FinancierId.eq(own)).add(approved))
    }
}

impl Model {
    /// An amount of this limit.
    pub fn money(&self, minor: i64) -> Money {
        Money { minor, currency: self.currency }
    }

    /// What there is on a day, in minor units.
    pub fn granted_minor(&self, on: NaiveDate) -> i64 {
        let within = matches!((self.adhoc_from, self.adhoc_to), (Some(from), Some(to)) if (from..=to).contains(&on));
        self.sanctioned_minor + if within { self.adhoc_minor } else { 0 }
    }

    /// What is left on a day, in minor units; nothing when it cannot be used (F13).
    pub fn free_minor(&self, on: NaiveDate) -> i64 {
        if self.state != LimitState::Active || !(self.effective_on..=self.expires_on).contains(&on) {
            return 0;
        }
        (self.granted_minor(on) - self.utilised_minor - self.blocked_minor).max(0)
    }
}

/// What a limit is for, as one text.
pub fn scope_key(
    kind: LimitKind,
    seller: Option<OrganisationId>,
    debtor: Option<OrganisationId>,
    programme: Option<FinancingProgrammeId>,
) -> String {
    let part = |id: Option<uuid::Uuid>| id.map(|id| id.simple().to_string()).unwrap_or_default();
    format!(
        "{kind:?}:{}:{}:{}",
        part(seller.map(|id| id.0)),
        part(debtor.map(|id| id.0)),
        part(programme.map(|id| id.0))
    )
}

/// What was taken of a limit, and given back (额度流水).
pub mod entry {
    use crate::Relation;
    use sea_orm::entity::prelude::*;

    use crate::values::id::{FinancingLimitEntryId, FinancingLimitId};

    /// What was done (额度操作).
    #[derive(
        Clone,
        Copy,
        Debug,
        PartialEq,
        Eq,
        Hash,
        EnumIter,
        DeriveActiveEnum,
        serde::Serialize,
        serde::Deserialize,
        async_graphql::Enum,
    )]
    #[sea_orm(rs_type = "String", db_type = "String(StringLen::N(24))", rename_all = "snake_case")]
    #[serde(rename_all = "SCREAMING_SNAKE_CASE")]
    #[graphql(name = "FinancingLimitEntryKind")]
    pub enum LimitEntryKind {
        /// A request took it (占用).
        Block,
        /// The request will not be (解除占用).
        Unblock,
        /// It was paid out (使用).
        Utilise,
        /// It was paid back (恢复).
        Release,
    }

    /// A row of `financing_limit_entry`; never changed. One of a kind for a reference.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, serde::Serialize)]
    #[sea_orm(table_name = "financing_limit_entry")]
    pub struct Model {
        /// Identifier.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: FinancingLimitEntryId,
        /// Of which limit.
        pub limit_id: FinancingLimitId,
        /// What was done.
        pub kind: LimitEntryKind,
        /// How much, in minor units.
        pub amount_minor: i64,
        /// By what: a request, a report of a bank.
        pub reference: String,
        /// When.
        pub at: DateTimeUtc,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

pub use entry::LimitEntryKind;

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Utc};
    use uuid::Uuid;

    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    /// The debtor's limit of F13.
    fn debtor() -> Model {
        Model {
            id: FinancingLimitId(Uuid::nil()),
            financier_id: OrganisationId(Uuid::nil()),
            kind: LimitKind::Debtor,
            seller_id: None,
            debtor_id: Some(OrganisationId(Uuid::nil())),
            programme_id: None,
            scope_key: String::new(),
            currency: Currency::CNY,
            state: LimitState::Active,
            sanctioned_minor: 500_000_000,
            adhoc_minor: 50_000_000,
            adhoc_from: Some(day("2026-03-01")),
            adhoc_to: Some(day("2026-03-31")),
            effective_on: day("2026-01-01"),
            expires_on: day("2026-12-31"),
            blocked_minor: 40_000_000,
            utilised_minor: 260_000_000,
            proposal: None,
            version: 1,
            created_at: DateTime::<Utc>::UNIX_EPOCH,
            updated_at: DateTime::<Utc>::UNIX_EPOCH,
        }
    }

    #[test]
    fn a_limit_leaves_what_is_sanctioned_and_for_a_time_a_bit_more() {
        let limit = debtor();
        for (on, free) in [
            ("2026-03-01", 250_000_000),
            ("2026-03-31", 250_000_000),
            ("2026-02-28", 200_000_000),
            ("2026-04-01", 200_000_000),
            ("2026-12-31", 200_000_000),
            ("2027-01-01", 0),
            ("2025-12-31", 0),
        ] {
            assert_eq!(limit.free_minor(day(on)), free, "{on}");
        }
        let suspended = Model { state: LimitState::Suspended, ..limit.clone() };
        assert_eq!(suspended.free_minor(day("2026-03-01")), 0);
        let over = Model { utilised_minor: 520_000_000, ..limit };
        assert_eq!(over.free_minor(day("2026-04-01")), 0, "what ran over leaves nothing, not less");
    }

    #[test]
    fn a_limit_does_not_go_below_what_is_out() {
        let good = Proposal {
            sanctioned_minor: 100,
            adhoc_minor: 0,
            adhoc_from: None,
            adhoc_to: None,
            effective_on: day("2026-01-01"),
            expires_on: day("2026-12-31"),
            suspended: false,
            by: "x".into(),
        };
        assert_eq!(good.check(100), Ok(()));
        for (wrong, field) in [
            (Proposal { sanctioned_minor: 99, ..good.clone() }, "sanctioned"),
            (Proposal { adhoc_minor: 1, ..good.clone() }, "adhocFrom"),
            (Proposal { adhoc_to: Some(day("2026-02-01")), ..good.clone() }, "adhocFrom"),
            (Proposal { adhoc_from: Some(day("2026-02-01")), ..good.clone() }, "adhocTo"),
            (Proposal { expires_on: day("2025-12-31"), ..good.clone() }, "expiresOn"),
            (
                Proposal { adhoc_from: Some(day("2026-02-02")), adhoc_to: Some(day("2026-02-01")), ..good.clone() },
                "adhocTo",
            ),
        ] {
            assert_eq!(wrong.check(100).unwrap_err()[0].field, [field], "{wrong:?}");
        }
    }
}
