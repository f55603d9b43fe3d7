//! The memo ledger: postings, each made once; what is allotted to sellers; what is owed to them.

use chrono::{DateTime, Utc};
use entities::{
    payments::{
        ledger as entry, payment,
        postings::{self, Leg, Split},
    },
    values::{
        Currency, Money,
        id::{LedgerEntryId, OrganisationId, PaymentId},
    },
};
use platform::{db::wrote, error::Error};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, ExprTrait, IntoActiveModel, QueryFilter, Statement,
    sea_query::{Expr, OnConflict},
};

/// What a posting is of.
#[derive(Clone, Copy, Debug)]
pub struct Posting<'a> {
    /// What it is known by: a posting is made once.
    pub key: &'a str,
    /// Of which payment.
    pub payment: Option<PaymentId>,
    /// The document that says so.
    pub document: &'a str,
    /// In which currency.
    pub currency: Currency,
}

impl<'a> Posting<'a> {
    /// A posting of a payment.
    pub fn of(payment: &payment::Model, key: &'a str, document: &'a str) -> Self {
        Self { key, payment: Some(payment.id), document, currency: payment.currency }
    }
}

/// Makes a posting; answers whether it was made now, and not before.
pub async fn post(
    tx: &impl ConnectionTrait,
    now: DateTime<Utc>,
    posting: &Posting<'_>,
    mut legs: Vec<Leg>,
) -> Result<bool, Error> {
    if legs.iter().map(|leg| i128::from(leg.minor)).sum::<i128>() != 0 {
        return Err(Error::internal("a posting does not sum to nothing"));
    }
    legs.sort_by_key(|leg| leg.account);
    let together = entities::values::id::time_ordered(now);
    let rows = legs.into_iter().map(|leg| {
        entry::Model {
            id: LedgerEntryId::new(now),
            posting: together,
            posting_key: posting.key.to_owned(),
            payment_id: posting.payment,
            party_id: leg.party,
            document: posting.document.to_owned(),
            account: leg.account,
            amount_minor: leg.minor,
            currency: posting.currency,
            at: now,
        }
        .into_active_model()
    });
    let known = OnConflict::columns([entry::Column::PostingKey, entry::Column::Account]).do_nothing().to_owned();
    let insert = entry::Entity::insert_many(rows).on_conflict(known).try_insert();
    Ok(wrote(insert.exec_without_returning(tx).await)?)
}

/// What of a payment is one order's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Share {
    /// Whose goods.
    pub seller: OrganisationId,
    /// The order, at most 64 characters.
    pub order: String,
    /// What the seller asks, before commission.
    pub goods_minor: i64,
    /// What of it is the platform's.
    pub commission_minor: i64,
    /// Taxes on top.
    pub tax_minor: i64,
}

impl Share {
    fn split(&self) -> Result<Split, Error> {
        let split = Split {
            seller: self.seller,
            goods_minor: self.goods_minor,
            commission_minor: self.commission_minor,
            tax_minor: self.tax_minor,
        };
        if split.holds() { Ok(split) } else { Err(Error::internal("a share of a payment cannot be")) }
    }
}

async fn of_payment(tx: &impl ConnectionTrait, id: PaymentId) -> Result<payment::Model, Error> {
    let row = payment::Entity::find_by_id(id).one(tx).await?;
    row.ok_or_else(|| Error::internal("a payment is gone"))
}

/// What came is owed to sellers from here on, each order's share once. More than came and is not given back is refused
/// as an accident: the caller splits what was paid.
pub async fn allot(
    tx: &impl ConnectionTrait,
    now: DateTime<Utc>,
    document: &str,
    payment: PaymentId,
    shares: &[Share],
) -> Result<(), Error> {
    let row = of_payment(tx, payment).await?;
    let mut shares: Vec<&Share> = shares.iter().collect();
    shares.sort_by(|a, b| a.order.cmp(&b.order));
    let mut taken: i64 = 0;
    for share in shares {
        let split = share.split()?;
        let key = format!("allot:{payment}:{}", share.order);
        if post(tx, now, &Posting::of(&row, &key, document), postings::allotted(&split)).await? {
            taken = taken.saturating_add(split.total().unwrap_or(i64::MAX));
        }
    }
    if taken == 0 {
        return Ok(());
    }
    let spent = Expr::col(payment::Column::RefundedMinor).add(Expr::col(payment::Column::AllottedMinor));
    let done = payment::Entity::update_many()
        .col_expr(payment::Column::AllottedMinor, Expr::col(payment::Column::AllottedMinor).add(taken))
        .col_expr(payment::Column::Version, Expr::col(payment::Column::Version).add(1))
        .col_expr(payment::Column::UpdatedAt, Expr::val(now))
        .filter(payment::Column::Id.eq(payment))
        .filter(Expr::col(payment::Column::CapturedMinor).sub(spent).gte(taken))
        .exec(tx)
        .await?;
    if done.rows_affected == 1 { Ok(()) } else { Err(Error::internal("more of a payment is allotted than there is")) }
}

/// Takes a share back, or a part of it, before it is given back to the buyer; once for each `key`. At most what is
/// allotted of the payment.
pub async fn un_allot(
    tx: &impl ConnectionTrait,
    now: DateTime<Utc>,
    document: &str,
    payment: PaymentId,
    share: &Share,
    key: &str,
) -> Result<(), Error> {
    let row = of_payment(tx, payment).await?;
    let split = share.split()?;
    let key = format!("unallot:{payment}:{key}");
    if !post(tx, now, &Posting::of(&row, &key, document), postings::unallotted(&split)).await? {
        return Ok(());
    }
    let back = split.total().unwrap_or(i64::MAX);
    let done = payment::Entity::update_many()
        .col_expr(payment::Column::AllottedMinor, Expr::col(payment::Column::AllottedMinor).sub(back))
        .col_expr(payment::Column::Version, Expr::col(payment::Column::Version).add(1))
        .col_expr(payment::Column::UpdatedAt, Expr::val(now))
        .filter(payment::Column::Id.eq(payment))
        .filter(payment::Column::AllottedMinor.gte(back))
        .exec(tx)
        .await?;
    if done.rows_affected == 1 { Ok(()) } else { Err(Error::internal("more is taken back than was allotted")) }
}

/// What is owed to a seller, in each currency; less than nothing when it owes.
pub async fn balances(db: &impl ConnectionTrait, seller: OrganisationId) -> Result<Vec<Money>, Error> {
    let text = "SELECT currency, CAST(-SUM(amount_minor) AS BIGINT) AS due FROM ledger_entry \
                WHERE party_id = $1 AND account = 'seller_due' GROUP BY currency ORDER BY currency";
    let statement = Statement::from_sql_and_values(db.get_database_backend(), text, [seller.0.into()]);
    let rows = db.query_all_raw(statement).await?;
    rows.iter()
        .map(|row| Ok(Money { minor: row.try_get("", "due")?, currency: row.try_get("", "currency")? }))
        .collect()
}
