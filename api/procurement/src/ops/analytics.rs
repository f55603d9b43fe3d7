//! What was spent and how long suppliers take, of the organisation that the viewer acts for as the buyer.
//!
//! Spending is what approved invoices come to without tax, less what debit notes took off, in renminbi by the rate that was
//! fixed with the order. The database adds up; of each currency and rate it is one rounding.

use std::{
    collections::{BTreeMap, HashMap},
    str::FromStr,
};

use chrono::{DateTime, Duration, NaiveDate, Utc};
use entities::{
    party::{Viewer, machine_client::Scope},
    procurement::{
        DebitNoteState, InvoiceState, ReceiptKind, ReceiptState,
        analytics::{Days, SpendDimension, days, share_ppm},
        debit_note::{self, DebitLines},
        invoice, order, receipt,
        tasks::end_of,
        terms::months,
        unit_price::minor,
    },
    values::{
        Currency, ErrorCode, Money, Refusal,
        id::{CategoryId, OrganisationId, SupplierInvoiceLineId},
    },
};
use platform::{
    clock::{business_day, day_begins},
    error::Error,
};
use rust_decimal::Decimal;
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, JoinType, QueryFilter, QueryOrder, QuerySelect, Select, TryGetable,
    sea_query::Expr,
};

use super::CHUNK;

/// The longest time that is looked at at once, in days.
const LONGEST: i64 = 1_100;
/// Most rows of an answer: those with the most come first.
pub const MOST_ROWS: usize = 200;
/// Most orders that lead times are made of, the newest.
const MOST_ORDERS: u64 = 5_000;

/// Of what something was spent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    /// At whom.
    Supplier(OrganisationId),
    /// In which category; none: of nothing of the catalogue.
    Category(Option<CategoryId>),
    /// In which month, by its first day.
    Month(NaiveDate),
}

/// What was spent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spend {
    /// Of what.
    pub key: Key,
    /// How much, in fen.
    pub minor: i64,
    /// On how many lines of invoices.
    pub lines: i64,
    /// What of all of it that is, in parts per million.
    pub share_ppm: i32,
}

/// How long a supplier takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeadTime {
    /// Who.
    pub supplier: OrganisationId,
    /// From when an order was sent until its first delivery.
    pub first: Days,
    /// Until its last delivery so far.
    pub last: Days,
}

/// Days that can be meant: not more of them than may be looked at.
fn within(from: NaiveDate, to: NaiveDate) -> Result<(), Error> {
    if (0..=LONGEST).contains(&(to - from).num_days()) {
        return Ok(());
    }
    let last = from.checked_add_signed(Duration::days(LONGEST)).unwrap_or(from);
    let range = Refusal::new(ErrorCode::OutOfRange).with("min", from.to_string()).with("max", last.to_string());
    Err(range.at("to").into())
}

/// What was spent from a day to another, by supplier or category the most first, by month the oldest first.
pub async fn spend(
    db: &impl ConnectionTrait,
    viewer: &Viewer,
    (from, to): (NaiveDate, NaiveDate),
    by: SpendDimension,
) -> Result<Vec<Spend>, Error> {
    within(from, to)?;
    let Some(own) = viewer.reads_for(Scope::Procurement) else { return Ok(Vec::new()) };
    let asked = Asked { own, from, to };
    let sums = match by {
        SpendDimension::Supplier => asked.sums(db, invoice::Column::SupplierId, Key::Supplier).await?,
        SpendDimension::Category => asked.sums(db, order::line::Column::CategoryId, Key::Category).await?,
        SpendDimension::Month => asked.sums(db, invoice::Column::IssueDate, |on| Key::Month(months(on))).await?,
    };
    Ok(rows(sums, by))
}

/// Sums as rows of an answer.
fn rows(sums: BTreeMap<Key, (i64, i64)>, by: SpendDimension) -> Vec<Spend> {
    let whole: i64 = sums.values().map(|(minor, _)| minor).sum();
    let row =
        |(key, (minor, lines)): (Key, (i64, i64))| Spend { key, minor, lines, share_ppm: share_ppm(minor, whole) };
    let mut rows: Vec<Spend> = sums.into_iter().map(row).collect();
    if by != SpendDimension::Month {
        rows.sort_by(|a, b| b.minor.cmp(&a.minor).then_with(|| a.key.cmp(&b.key)));
    }
    rows.truncate(MOST_ROWS);
    rows
}

/// Whose spending, and of when.
#[derive(Clone, Copy, Debug)]
struct Asked {
    own: OrganisationId,
    from: NaiveDate,
    to: NaiveDate,
}

/// Money of one currency, with the rate that makes it renminbi.
type Bag = (Currency, Option<String>);

impl Asked {
    /// Lines of invoices that were approved, with their orders.
    fn lines(self) -> Select<invoice::line::Entity> {
        let of = invoice::line::Entity::belongs_to(invoice::Entity)
            .from(invoice::line::Column::InvoiceId)
            .to(invoice::Column::Id)
            .into();
        let ordered = invoice::line::Entity::belongs_to(order::line::Entity)
            .from(invoice::line::Column::OrderLineId)
            .to(order::line::Column::Id)
            .into();
        let within = order::line::Entity::belongs_to(order::Entity)
            .from(order::line::Column::OrderId)
            .to(order::Column::Id)
            .into();
        invoice::line::Entity::find()
            .join(JoinType::InnerJoin, of)
            .join(JoinType::InnerJoin, ordered)
            .join(JoinType::InnerJoin, within)
            .filter(invoice::Column::BuyerId.eq(self.own))
            .filter(invoice::Column::State.is_in([InvoiceState::Approved, InvoiceState::Paid]))
            .filter(invoice::Column::IssueDate.gte(self.from))
            .filter(invoice::Column::IssueDate.lte(self.to))
            .select_only()
    }

    /// What is spent, in fen, and on how many lines, by a column.
    async fn sums<K: TryGetable>(
        self,
        db: &impl ConnectionTrait,
        column: impl ColumnTrait,
        key: impl Fn(K) -> Key,
    ) -> Result<BTreeMap<Key, (i64, i64)>, Error> {
        let rate = || Expr::cust("purchase_order.fx ->> 'rate'");
        let all = self
            .lines()
            .column(column)
            .column(order::Column::Currency)
            .expr_as(rate(), "rate")
            .expr_as(Expr::cust("CAST(SUM(supplier_invoice_line.amount_minor) AS BIGINT)"), "amount")
            .expr_as(Expr::cust("COUNT(*)"), "lines")
            .group_by(column)
            .group_by(order::Column::Currency)
            .group_by(rate());
        let all: Vec<(K, Currency, Option<String>, i64, i64)> = all.into_tuple().all(db).await?;
        let mut bags: BTreeMap<Key, HashMap<Bag, i64>> = BTreeMap::new();
        let mut counts: BTreeMap<Key, i64> = BTreeMap::new();
        for (of, currency, rate, amount, lines) in all {
            let key = key(of);
            *counts.entry(key).or_default() += lines;
            *bags.entry(key).or_default().entry((currency, rate)).or_default() += amount;
        }
        let off = self.debited(db).await?;
        let ids: Vec<SupplierInvoiceLineId> = off.keys().copied().collect();
        for part in ids.chunks(CHUNK) {
            let lines = self
                .lines()
                .column(invoice::line::Column::Id)
                .column(column)
                .column(order::Column::Currency)
                .expr_as(rate(), "rate")
                .filter(invoice::line::Column::Id.is_in(part.iter().copied()));
            let lines: Vec<(SupplierInvoiceLineId, K, Currency, Option<String>)> = lines.into_tuple().all(db).await?;
            for (id, of, currency, rate) in lines {
                let amount = off.get(&id).copied().unwrap_or_default();
                *bags.entry(key(of)).or_default().entry((currency, rate)).or_default() -= amount;
            }
        }
        let sum = |(key, bags): (Key, HashMap<Bag, i64>)| {
            let lines = counts.get(&key).copied().unwrap_or_default();
            let fen: i64 = bags.iter().map(|((currency, rate), amount)| fen(*amount, *currency, rate.as_deref())).sum();
            (key, (fen, lines))
        };
        Ok(bags.into_iter().map(sum).collect())
    }

    /// What debit notes took off which lines, without tax.
    async fn debited(self, db: &impl ConnectionTrait) -> Result<BTreeMap<SupplierInvoiceLineId, i64>, Error> {
        let of = debit_note::Entity::belongs_to(invoice::Entity)
            .from(debit_note::Column::InvoiceId)
            .to(invoice::Column::Id)
            .into();
        let notes = debit_note::Entity::find()
            .join(JoinType::InnerJoin, of)
            .filter(invoice::Column::BuyerId.eq(self.own))
            .filter(invoice::Column::State.is_in([InvoiceState::Approved, InvoiceState::Paid]))
            .filter(invoice::Column::IssueDate.gte(self.from))
            .filter(invoice::Column::IssueDate.lte(self.to))
            .filter(debit_note::Column::State.ne(DebitNoteState::Cancelled))
            .select_only()
            .column(debit_note::Column::Lines);
        let notes: Vec<DebitLines> = notes.into_tuple().all(db).await?;
        let mut off = BTreeMap::new();
        for line in notes.iter().flat_map(|lines| &lines.0) {
            *off.entry(line.line_id).or_default() += line.amount_minor;
        }
        Ok(off)
    }
}

/// An amount in fen, half up.
fn fen(amount: i64, currency: Currency, rate: Option<&str>) -> i64 {
    let Some(rate) = rate.and_then(|rate| Decimal::from_str(rate).ok()) else { return amount };
    let value = Money { minor: amount, currency }.decimal();
    // More than money can be: it is shown as the most.
    value.checked_mul(rate).and_then(|value| minor(value, Currency::CNY)).unwrap_or(Money::MAX_MINOR)
}

/// How long suppliers took for orders that were sent from a day to another and of which something came; those with the most
/// orders first.
pub async fn lead_times(
    db: &impl ConnectionTrait,
    viewer: &Viewer,
    from: NaiveDate,
    to: NaiveDate,
) -> Result<Vec<LeadTime>, Error> {
    within(from, to)?;
    let Some(own) = viewer.reads_for(Scope::Procurement) else { return Ok(Vec::new()) };
    let of = receipt::Entity::belongs_to(order::Entity).from(receipt::Column::OrderId).to(order::Column::Id).into();
    let came = receipt::Entity::find()
        .join(JoinType::InnerJoin, of)
        .filter(order::Column::BuyerId.eq(own))
        .filter(order::Column::SentAt.gte(day_begins(from)))
        .filter(order::Column::SentAt.lt(end_of(to)))
        .filter(receipt::Column::Kind.eq(ReceiptKind::Receipt))
        .filter(receipt::Column::State.eq(ReceiptState::Posted))
        .select_only()
        .column(order::Column::SupplierId)
        .column(order::Column::SentAt)
        .column_as(receipt::Column::ArrivedOn.min(), "first_on")
        .column_as(receipt::Column::ArrivedOn.max(), "last_on")
        .group_by(order::Column::Id)
        .group_by(order::Column::SupplierId)
        .group_by(order::Column::SentAt)
        .order_by_desc(order::Column::Id)
        .limit(MOST_ORDERS);
    let came: Vec<(OrganisationId, DateTime<Utc>, NaiveDate, NaiveDate)> = came.into_tuple().all(db).await?;
    let mut taken: BTreeMap<OrganisationId, (Vec<i64>, Vec<i64>)> = BTreeMap::new();
    for (supplier, sent, first, last) in came {
        let sent = business_day(sent);
        // What was noted as come before the order was sent took no time.
        let since = |on: NaiveDate| (on - sent).num_days().max(0);
        let (firsts, lasts) = taken.entry(supplier).or_default();
        firsts.push(since(first));
        lasts.push(since(last));
    }
    let row = |(supplier, (firsts, lasts)): (OrganisationId, (Vec<i64>, Vec<i64>))| {
        Some(LeadTime { supplier, first: days(&firsts)?, last: days(&lasts)? })
    };
    let mut rows: Vec<LeadTime> = taken.into_iter().filter_map(row).collect();
    rows.sort_by(|a, b| b.first.count.cmp(&a.first.count).then_with(|| a.supplier.cmp(&b.supplier)));
    rows.truncate(MOST_ROWS);
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_of_other_currencies_is_renminbi_by_the_rate_of_its_order() {
        for (amount, currency, rate, expected) in [
            (1_234_567, "USD", Some("7.1021"), 8_768_018),
            (1_234_567, "CNY", None, 1_234_567),
            (1, "JPY", Some("0.0465"), 5),
            (-100, "USD", Some("7"), -700),
        ] {
            assert_eq!(fen(amount, currency.parse().unwrap(), rate), expected, "{amount} {currency} at {rate:?}");
        }
    }

    #[test]
    fn no_more_than_three_years_are_looked_at() {
        let day = |text: &str| -> NaiveDate { text.parse().unwrap() };
        assert!(within(day("2026-03-01"), day("2026-03-01")).is_ok());
        assert!(within(day("2026-03-01"), day("2029-03-01")).is_ok());
        for (from, to) in [("2026-03-02", "2026-03-01"), ("2026-03-01", "2029-04-01")] {
            assert!(within(day(from), day(to)).is_err(), "{from} {to}");
        }
    }

    #[test]
    fn most_spent_comes_first_and_months_follow_each_other() {
        let month = |text: &str| Key::Month(text.parse().unwrap());
        let sums = BTreeMap::from([(month("2026-02-01"), (100, 1)), (month("2026-03-01"), (300, 2))]);
        let found: Vec<(i64, i32)> =
            rows(sums.clone(), SpendDimension::Month).iter().map(|row| (row.minor, row.share_ppm)).collect();
        assert_eq!(found, [(100, 250_000), (300, 750_000)]);
        let found: Vec<i64> = rows(sums, SpendDimension::Supplier).iter().map(|row| row.minor).collect();
        assert_eq!(found, [300, 100]);
    }
}
