//! Financings (融资): receivables that money is out on. One is one receivable of a request, because each has its own due
//! date; a request with several has several.
//!
//! - With what it began and on which terms is frozen in it. What happened since are facts ([`fact`]), each with its
//!   value date, only added to; what it comes to is folded from all of them ([`Model::settled`]) and kept as it was on
//!   a day.
//! - What each fact changed is posted in double entry ([`posting`]), and so is interest, by the end of a day
//!   ([`day_end`]).
//! - Where its request is follows from what its financings come to ([`next_step`]).

use crate::Relation;
use chrono::NaiveDate;
use sea_orm::{Condition, Select, entity::prelude::*, sea_query::Expr};
use serde::{Deserialize, Serialize};

use super::{
    receivable,
    request::{RequestState, RequestStep},
    settlement::{
        Figures, Opening, Payer, Position,
        fold::{Fact, Settled, settle},
    },
    terms::Terms,
};
use crate::{
    party::Viewer,
    values::{
        Currency, Money, Refusal,
        id::{FinancingId, FinancingItemId, FinancingProgrammeId, FinancingRequestId, OrganisationId, ReceivableId},
    },
};

/// Whether something is owed on a financing (融资状态).
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum, Serialize, Deserialize, async_graphql::Enum,
)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(24))", rename_all = "snake_case")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum FinancingState {
    /// Something is owed (未结清).
    Open,
    /// Nothing is owed any more: it was paid, bought back, covered or written off (已结清).
    Closed,
}

/// What the financings of a request come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Whether nothing is owed on any.
    pub paid: bool,
    /// Whether anything came.
    pub came: bool,
    /// Whether something that is owed should have come by now: the days of grace are over.
    pub late: bool,
}

/// The next step of a request that money is out on, when there is one: asked again and again, it leads to where its
/// financings are. `by`: who paid last.
///
/// One that is overdue stays so until all of it is paid, also when other receivables of it are not due yet.
pub fn next_step(state: RequestState, standing: Standing, by: Option<Payer>) -> Option<RequestStep> {
    use RequestState::{
        CoverClaimed, CoverPaid, Disbursed, Overdue, PartSettled, RecourseDemanded, Repurchased, Settled,
    };
    match state {
        RecourseDemanded if standing.paid && by == Some(Payer::Seller) => Some(RequestStep::Repurchase),
        CoverClaimed if standing.paid && by == Some(Payer::Cover) => Some(RequestStep::PayCover),
        Disbursed | PartSettled | Overdue | RecourseDemanded | CoverClaimed if standing.paid => {
            Some(RequestStep::Settle)
        }
        Settled | Repurchased | CoverPaid if !standing.paid => Some(RequestStep::Reopen),
        PartSettled if !standing.came => Some(RequestStep::Reopen),
        Disbursed if standing.came => Some(RequestStep::PartSettle),
        Disbursed | PartSettled if standing.late => Some(RequestStep::Lapse),
        _ => None,
    }
}

/// Whether receivables of a request in this state are free of it: it is paid, or they were bought back.
pub fn frees(state: RequestState) -> bool {
    matches!(state, RequestState::Settled | RequestState::Repurchased)
}

/// A row of `financing`. Amounts are in minor units of its currency.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
#[sea_orm(table_name = "financing")]
pub struct Model {
    /// Identifier.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: FinancingId,
    /// Of which request.
    pub request_id: FinancingRequestId,
    /// Of which receivable in it.
    #[sea_orm(unique)]
    pub item_id: FinancingItemId,
    /// The receivable.
    pub receivable_id: ReceivableId,
    /// In which programme.
    pub programme_id: FinancingProgrammeId,
    /// Who gave the money.
    pub financier_id: OrganisationId,
    /// Who had it.
    pub seller_id: OrganisationId,
    /// Who is to pay.
    pub debtor_id: OrganisationId,
    /// In which currency.
    pub currency: Currency,
    /// Whether something is owed.
    pub state: FinancingState,
    /// Whether the receivable secures what was given, instead of having gone over.
    pub pledged: bool,
    /// With what it began.
    #[sea_orm(column_type = "JsonBinary")]
    pub opening: Opening,
    /// On which terms.
    #[sea_orm(column_type = "JsonBinary")]
    pub terms: Terms,
    /// When it was paid out.
    pub funded_on: Date,
    /// When the receivable is due.
    pub due_on: Date,
    /// The last day of grace.
    pub grace_until: Date,
    /// What it comes to.
    #[sea_orm(column_type = "JsonBinary")]
    pub figures: Figures,
    /// Up to which day interest is in that, the day not counted.
    pub accrued_to: Date,
    /// What the receivable was assigned or pledged for.
    pub face_minor: i64,
    /// What of the principal is owed.
    pub principal_minor: i64,
    /// What is owed in all.
    pub owed_minor: i64,
    /// What the debtor paid.
    pub collected_minor: i64,
    /// What came from whomever.
    pub received_minor: i64,
    /// Counts up with every change.
    pub version: i32,
    /// Since when.
    pub created_at: DateTimeUtc,
    /// When it last changed.
    pub updated_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}

impl Entity {
    /// The financings that `viewer` may see: those of its organisation, as who gave the money or had it; all for who
    /// oversees the zone. Whether its debt is financed is nothing that a debtor is told here.
    pub fn visible_to(viewer: &Viewer) -> Select<Self> {
        if viewer.oversees() {
            return Self::find();
        }
        let Some(own) = viewer.organisation() else { return Self::find().filter(Expr::val(false)) };
        Self::find().filter(Condition::any().add(Column::SellerId.eq(own)).add(Column::FinancierId.eq(own)))
    }
}

impl Model {
    /// An amount of this financing.
    pub fn money(&self, minor: i64) -> Money {
        Money { minor, currency: self.currency }
    }

    /// What it comes to on a day by all that happened, and how that came about.
    pub fn settled(&self, facts: &[fact::Model], as_of: NaiveDate) -> Result<Settled, Refusal> {
        let known: Vec<Fact> = facts.iter().filter_map(fact::Model::told).collect();
        settle(&self.terms, &self.opening, &known, as_of)
    }

    /// The same financing at a position.
    #[must_use]
    pub fn at(&self, position: &Position) -> Self {
        let (figures, due) = (position.figures.clone(), position.figures.due());
        let owed_minor = due.total_minor();
        Self {
            state: if owed_minor == 0 { FinancingState::Closed } else { FinancingState::Open },
            accrued_to: position.accrued_to,
            principal_minor: due.principal_minor,
            owed_minor,
            collected_minor: figures.collected_minor,
            received_minor: figures.received_minor,
            figures,
            ..self.clone()
        }
    }

    /// Since how many days something that is owed was due: grace keeps the rate and changes no date.
    pub fn days_overdue(&self, today: NaiveDate) -> i64 {
        if self.owed_minor == 0 { 0 } else { (today - self.due_on).num_days().max(0) }
    }

    /// How much more is owed than the debtor still has to pay, as far as this and the receivable know: what a margin
    /// call is for. A credit note or a payment to somebody else that the receivable knows of changes no history here.
    pub fn uncovered_minor(&self, of: &receivable::Model) -> i64 {
        // What the bank had may stand in the receivable too.
        let paid = of.paid_minor.max(self.collected_minor);
        let left = of.face_minor - of.credited_minor - of.set_off_minor - paid;
        let to_come = left.min(self.figures.uncollected_minor()).max(0);
        (self.owed_minor - to_come).max(0)
    }
}

/// What happened to a financing (融资事实).
pub mod fact {
    use crate::Relation;
    use sea_orm::entity::prelude::*;

    use crate::{
        finance::settlement::{
            Payer,
            fold::{Fact, What},
        },
        values::id::{FinancingFactId, FinancingId, OrganisationId},
    };

    /// What happened (事实类型).
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
    #[graphql(name = "FinancingFactKind")]
    pub enum FactKind {
        /// It was paid out (放款).
        Disbursed,
        /// Money came: of the debtor, of the seller who bought back, of who covers (回款).
        Received,
        /// What was said of money that came was wrong (冲正).
        Reversed,
        /// The financier wants it of the seller (追索).
        RecourseDemanded,
        /// The financier claims the cover (索赔).
        CoverClaimed,
        /// All that was owed was written off (核销).
        WrittenOff,
    }

    /// A row of `financing_fact`; never changed. Of a financier's transactions of a kind each line is there once.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, serde::Serialize, serde::Deserialize)]
    #[sea_orm(table_name = "financing_fact")]
    pub struct Model {
        /// Identifier.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: FinancingFactId,
        /// Of which financing.
        pub financing_id: FinancingId,
        /// Who reported it.
        pub financier_id: OrganisationId,
        /// What happened.
        pub kind: FactKind,
        /// Who paid.
        pub payer: Option<Payer>,
        /// How much, in minor units.
        pub amount_minor: i64,
        /// From which day on it counts (起息日).
        pub value_date: Date,
        /// The financier's own reference of the transaction.
        pub bank_reference: Option<String>,
        /// Which line of the transaction, from one: one for several receivables has several.
        pub line: i32,
        /// What there is to say to it.
        pub note: Option<String>,
        /// Which fact never was.
        #[sea_orm(unique)]
        pub reverses_id: Option<FinancingFactId>,
        /// Who.
        pub by: String,
        /// When it became known.
        pub at: DateTimeUtc,
    }

    impl ActiveModelBehavior for ActiveModel {}

    impl Model {
        /// What the fold knows of it; none: it moves no money that comes.
        pub fn told(&self) -> Option<Fact> {
            let what = match self.kind {
                FactKind::Received => What::Received(self.payer?, self.amount_minor),
                FactKind::Reversed => What::Reversed(self.reverses_id?.0),
                FactKind::WrittenOff => What::WrittenOff,
                FactKind::Disbursed | FactKind::RecourseDemanded | FactKind::CoverClaimed => return None,
            };
            Some(Fact { id: self.id.0, on: self.value_date, what })
        }
    }
}

/// A leg of a posting of the memo ledger (备查账分录).
pub mod posting {
    use crate::Relation;
    use sea_orm::entity::prelude::*;

    use crate::{
        finance::ledger::FinanceAccount,
        values::{
            Currency,
            id::{FinancePostingId, FinancingFactId, FinancingId},
        },
    };

    /// Why something was posted (记账事由).
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
    #[graphql(name = "FinancePostingKind")]
    pub enum PostingKind {
        /// It was paid out (放款).
        Disbursed,
        /// Interest of some days (计提).
        Accrued,
        /// Money came (回款).
        Received,
        /// Something was posted with the other sign (冲正).
        Reversed,
        /// What else follows when something becomes known late, or never was (重算).
        Recomputed,
        /// Something was written off (核销).
        WrittenOff,
    }

    /// A row of `finance_posting`; never changed. The legs of a posting sum to nothing.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, serde::Serialize)]
    #[sea_orm(table_name = "finance_posting")]
    pub struct Model {
        /// Identifier; ids are made in the order of time.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: FinancePostingId,
        /// What the posting is known by; unique with the account, so a posting is made once.
        pub posting_key: String,
        /// Of which financing.
        pub financing_id: FinancingId,
        /// After which fact.
        pub fact_id: Option<FinancingFactId>,
        /// Why.
        pub kind: PostingKind,
        /// Account.
        pub account: FinanceAccount,
        /// How much, in minor units; its sign is that of the account.
        pub amount_minor: i64,
        /// Its currency.
        pub currency: Currency,
        /// From which day on it counts.
        pub value_date: Date,
        /// When.
        pub at: DateTimeUtc,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// How far the end of a day is (日终).
pub mod day_end {
    use crate::Relation;
    use sea_orm::entity::prelude::*;

    use crate::values::id::{FinanceDayEndId, FinancingId};

    /// A row of `finance_day_end`: a day that ends once, in parts.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "finance_day_end")]
    pub struct Model {
        /// Identifier.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: FinanceDayEndId,
        /// Which day.
        #[sea_orm(unique)]
        pub day: Date,
        /// The last financing that was looked at.
        pub last_id: Option<FinancingId>,
        /// How many were.
        pub looked: i64,
        /// Whether all were.
        pub done: bool,
        /// Since when.
        pub started_at: DateTimeUtc,
        /// Until when.
        pub finished_at: Option<DateTimeUtc>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

pub use fact::FactKind;
pub use posting::PostingKind;

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Utc};
    use sea_orm::Iterable;
    use uuid::Uuid;

    use super::*;
    use crate::{
        finance::{
            receivable::tests::plain,
            settlement::fixtures::{day, f3_opening, f3_position},
            terms::{Timing, fixtures::f3},
        },
        values::id::FinancingFactId,
    };

    fn f3_financing() -> Model {
        let terms = f3(Timing::Rear);
        let (opening, position) = (f3_opening(&terms), f3_position(&terms));
        let nobody = OrganisationId(Uuid::nil());
        let row = Model {
            id: FinancingId(Uuid::nil()),
            request_id: FinancingRequestId(Uuid::nil()),
            item_id: FinancingItemId(Uuid::nil()),
            receivable_id: ReceivableId(Uuid::nil()),
            programme_id: FinancingProgrammeId(Uuid::nil()),
            financier_id: nobody,
            seller_id: nobody,
            debtor_id: nobody,
            currency: Currency::CNY,
            state: FinancingState::Closed,
            pledged: false,
            opening,
            grace_until: position.late_from(&terms),
            terms,
            funded_on: opening.funded_on,
            due_on: opening.due_on,
            figures: Figures::default(),
            accrued_to: opening.funded_on,
            face_minor: opening.face_minor,
            principal_minor: 0,
            owed_minor: 0,
            collected_minor: 0,
            received_minor: 0,
            version: 1,
            created_at: DateTime::<Utc>::UNIX_EPOCH,
            updated_at: DateTime::<Utc>::UNIX_EPOCH,
        };
        row.at(&position)
    }

    fn fact(n: u128, kind: FactKind, minor: i64, on: &str) -> fact::Model {
        fact::Model {
            id: FinancingFactId(Uuid::from_u128(n)),
            financing_id: FinancingId(Uuid::nil()),
            financier_id: OrganisationId(Uuid::nil()),
            kind,
            payer: (kind == FactKind::Received).then_some(Payer::Debtor),
            amount_minor: minor,
            value_date: day(on),
            bank_reference: None,
            line: 1,
            note: None,
            reverses_id: None,
            by: String::new(),
            at: DateTime::<Utc>::UNIX_EPOCH,
        }
    }

    #[test]
    fn a_request_goes_to_where_its_financings_are() {
        use RequestState::{
            Accepted, CoverClaimed, CoverPaid, Disbursed, Overdue, PartSettled, RecourseDemanded, Repurchased, Settled,
            WrittenOff,
        };
        let lead = |from: RequestState, (paid, came, late): (bool, bool, bool), by: Option<Payer>| {
            let (mut state, mut steps) = (from, 0);
            while let Some(step) = next_step(state, Standing { paid, came, late }, by) {
                state = step.from(state).unwrap();
                steps += 1;
                assert!(steps < 5, "{from:?} goes round and round");
            }
            state
        };
        let (debtor, seller, cover) = (Some(Payer::Debtor), Some(Payer::Seller), Some(Payer::Cover));
        for (from, standing, by, expected) in [
            (Disbursed, (false, false, false), None, Disbursed),
            (Disbursed, (false, true, false), debtor, PartSettled),
            (Disbursed, (true, true, false), debtor, Settled),
            (Disbursed, (true, true, false), seller, Settled),
            (Disbursed, (false, false, true), None, Overdue),
            (PartSettled, (false, true, true), debtor, Overdue),
            (Overdue, (false, true, true), debtor, Overdue),
            (Overdue, (true, true, false), debtor, Settled),
            (RecourseDemanded, (false, true, true), seller, RecourseDemanded),
            (RecourseDemanded, (true, true, false), seller, Repurchased),
            (RecourseDemanded, (true, true, false), debtor, Settled),
            (CoverClaimed, (false, true, true), cover, CoverClaimed),
            (CoverClaimed, (true, true, false), cover, CoverPaid),
            // Something was reversed.
            (Settled, (false, false, false), None, Disbursed),
            (Settled, (false, true, false), None, PartSettled),
            (Settled, (false, false, true), None, Overdue),
            (PartSettled, (false, false, false), None, Disbursed),
            (Repurchased, (false, true, true), None, Overdue),
            (CoverPaid, (false, true, true), None, Overdue),
            (WrittenOff, (true, true, false), debtor, WrittenOff),
            (Accepted, (true, true, false), debtor, Accepted),
        ] {
            assert_eq!(lead(from, standing, by), expected, "{from:?} {standing:?} {by:?}");
        }
        let free: Vec<RequestState> = RequestState::iter().filter(|state| frees(*state)).collect();
        assert_eq!(free, [Settled, Repurchased]);
    }

    #[test]
    fn a_financing_is_what_happened_to_it() {
        let row = f3_financing();
        assert_eq!((row.state, row.owed_minor, row.grace_until), (FinancingState::Open, 80_000_000, day("2025-09-27")));
        let half = fact(1, FactKind::Received, 50_000_000, "2025-08-15");
        let rest = fact(2, FactKind::Received, 50_000_000, "2025-09-12");
        let told = fact(3, FactKind::RecourseDemanded, 1, "2025-09-12");
        let settled = row.settled(&[half.clone(), rest.clone(), told], day("2025-09-12")).unwrap();
        let after = row.at(&settled.position);
        assert_eq!((after.state, after.owed_minor, after.principal_minor), (FinancingState::Closed, 0, 0));
        assert_eq!((after.collected_minor, after.received_minor), (100_000_000, 100_000_000));
        let back = fact::Model { reverses_id: Some(half.id), ..fact(4, FactKind::Reversed, 50_000_000, "2025-09-20") };
        let again = row.at(&row.settled(&[half, rest, back], day("2025-09-20")).unwrap().position);
        assert_eq!((again.state, again.received_minor), (FinancingState::Open, 50_000_000));
    }

    #[test]
    fn days_overdue_are_counted_from_the_due_date_while_something_is_owed() {
        let row = f3_financing();
        for (today, days) in [("2025-09-11", 0), ("2025-09-12", 0), ("2025-09-13", 1), ("2025-12-12", 91)] {
            assert_eq!(row.days_overdue(day(today)), days, "{today}");
        }
        assert_eq!(Model { owed_minor: 0, ..row }.days_overdue(day("2025-12-12")), 0);
    }

    #[test]
    fn what_a_credit_note_or_a_payment_elsewhere_leaves_uncovered_is_told() {
        let of = receivable::Model { face_minor: 100_000_000, ..plain() };
        let row = f3_financing();
        for (credited, set_off, paid, collected, uncovered) in [
            (0, 0, 0, 0, 0),
            (20_000_000, 0, 0, 0, 0),
            (20_000_001, 0, 0, 0, 1),
            (0, 30_000_000, 0, 0, 10_000_000),
            (0, 0, 90_000_000, 0, 70_000_000),
            (0, 0, 15_000_000, 15_000_000, 0),
            (100_000_000, 0, 0, 0, 80_000_000),
        ] {
            let of =
                receivable::Model { credited_minor: credited, set_off_minor: set_off, paid_minor: paid, ..of.clone() };
            let figures = Figures { collected_minor: collected, ..row.figures.clone() };
            let row = Model { collected_minor: collected, figures, ..row.clone() };
            assert_eq!(row.uncovered_minor(&of), uncovered, "{credited} {set_off} {paid} {collected}");
        }
        assert_eq!(
            Model { owed_minor: 0, ..row }.uncovered_minor(&receivable::Model { paid_minor: 100_000_000, ..of }),
            0
        );
    }
}
