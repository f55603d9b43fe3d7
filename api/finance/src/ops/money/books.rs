//! The memo ledger of financings: postings whose legs sum to nothing, each made once, and whether all of them are what
//! the financings say.

use chrono::NaiveDate;
use entities::{
    finance::{
        financing::{self, PostingKind, posting},
        ledger::Leg,
    },
    values::id::{FinancePostingId, FinancingFactId},
};
use platform::{
    app::Work,
    error::Error,
    reconcile::{Finding, count},
};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter};

/// What is posted.
pub(super) struct Posting<'a> {
    /// What it is known by: a posting is made once.
    pub(super) key: String,
    /// Of which financing.
    pub(super) of: &'a financing::Model,
    /// After which fact.
    pub(super) fact: Option<FinancingFactId>,
    /// Why.
    pub(super) kind: PostingKind,
    /// From which day on it counts.
    pub(super) value_date: NaiveDate,
}

/// By what the posting is known that a fact leads to by itself.
pub(super) fn key_of(fact: FinancingFactId) -> String {
    format!("fact:{fact}")
}

/// Makes a posting; nothing of it is left when it has no legs. One that was made before is an accident: whoever posts
/// holds the request, and knows what is there.
pub(super) async fn post(work: &Work, posting: &Posting<'_>, legs: Vec<Leg>) -> Result<(), Error> {
    if legs.iter().map(|leg| i128::from(leg.amount_minor)).sum::<i128>() != 0 {
        return Err(Error::internal("a posting of a financing does not sum to nothing"));
    }
    if legs.is_empty() {
        return Ok(());
    }
    let rows = legs.into_iter().map(|leg| {
        posting::Model {
            id: FinancePostingId::new(work.now),
            posting_key: posting.key.clone(),
            financing_id: posting.of.id,
            fact_id: posting.fact,
            kind: posting.kind,
            account: leg.account,
            amount_minor: leg.amount_minor,
            currency: posting.of.currency,
            value_date: posting.value_date,
            at: work.now,
        }
        .into_active_model()
    });
    posting::Entity::insert_many(rows).exec_without_returning(work.tx()).await?;
    Ok(())
}

/// The legs of a posting.
pub(super) async fn legs(db: &impl ConnectionTrait, key: &str) -> Result<Vec<Leg>, Error> {
    let rows = posting::Entity::find().filter(posting::Column::PostingKey.eq(key)).all(db).await?;
    Ok(rows.into_iter().map(|row| Leg { account: row.account, amount_minor: row.amount_minor }).collect())
}

/// Looks at everything. One statement each; expected is nothing, always.
pub async fn findings(db: &impl ConnectionTrait) -> Result<Vec<Finding>, Error> {
    let mut found = Vec::new();
    for (what, text) in [
        (
            "a posting of a financing does not sum to nothing",
            "SELECT COUNT(*) AS n FROM (SELECT posting_key FROM finance_posting GROUP BY posting_key, currency \
             HAVING SUM(amount_minor) <> 0) AS odd",
        ),
        (
            "what is owed on a financing is not what the ledger says",
            "SELECT COUNT(*) AS n FROM financing f LEFT JOIN (SELECT financing_id, \
             SUM(CASE WHEN account = 'principal' THEN amount_minor ELSE 0 END) AS principal, SUM(amount_minor) AS owed \
             FROM finance_posting WHERE account IN ('principal', 'interest', 'penalty', 'fee', 'cost') \
             GROUP BY financing_id) AS s ON s.financing_id = f.id \
             WHERE COALESCE(s.principal, 0) <> f.principal_minor OR COALESCE(s.owed, 0) <> f.owed_minor",
        ),
        (
            "a financing on which something is owed is closed, or the other way round",
            "SELECT COUNT(*) AS n FROM financing WHERE (state = 'open') <> (owed_minor > 0)",
        ),
        (
            "what is taken of a limit is not what its entries say",
            "SELECT COUNT(*) AS n FROM financing_limit l LEFT JOIN (SELECT limit_id, \
             SUM(CASE kind WHEN 'block' THEN amount_minor WHEN 'release' THEN 0 ELSE -amount_minor END) AS blocked, \
             SUM(CASE kind WHEN 'utilise' THEN amount_minor WHEN 'release' THEN -amount_minor ELSE 0 END) AS utilised \
             FROM financing_limit_entry GROUP BY limit_id) AS e ON e.limit_id = l.id \
             WHERE COALESCE(e.blocked, 0) <> l.blocked_minor OR COALESCE(e.utilised, 0) <> l.utilised_minor",
        ),
        (
            "a receivable is held by a request that is over",
            "SELECT COUNT(*) AS n FROM encumbrance e JOIN financing_request r ON r.id = e.request_id \
             WHERE e.live AND r.state IN ('settled', 'repurchased', 'rejected', 'declined', 'offer_expired', \
             'withdrawn', 'cancelled')",
        ),
    ] {
        found.extend(count(db, text, Vec::new()).await?.map(|rows| Finding { what, rows }));
    }
    Ok(found)
}
