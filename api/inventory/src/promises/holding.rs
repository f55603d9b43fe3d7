//! Holding: many lines at once, all or nothing.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};
use entities::{
    inventory::{CustomsStatus, ReservationKind, ReservationState, balance, fefo, reservation},
    values::{
        ErrorCode, Refusal,
        id::{OrganisationId, StockBalanceId, StockLocationId, StockReservationId, VariantId},
    },
};
use platform::{
    db::{Dialect, dialect},
    error::Error,
    guarded::change_each,
};
use sea_orm::{
    ActiveEnum, ColumnTrait, ConnectionTrait, EntityTrait, FromQueryResult, IntoActiveModel, QueryFilter, Statement,
    sea_query::Value,
};

use crate::{
    ledger::{self, LOCK_ORDER, MOST, Place, in_line},
    units,
};

/// What is to be held.
#[derive(Clone, Debug)]
pub struct Wanted<'a> {
    /// Whose stock.
    pub owner: OrganisationId,
    /// Of what.
    pub variant: VariantId,
    /// How much.
    pub quantity: i64,
    /// Where it may be taken from.
    pub locations: &'a [StockLocationId],
    /// Under which customs status.
    pub status: CustomsStatus,
    /// How many days it must keep after today.
    pub keeps_days: u32,
}

/// What it is held for.
#[derive(Clone, Copy, Debug)]
pub struct Purpose<'a> {
    /// Of which kind.
    pub kind: ReservationKind,
    /// The document.
    pub document: &'a str,
    /// What the hold is known by: asked for again, it is the same hold.
    pub key: &'a str,
    /// Until when.
    pub until: DateTime<Utc>,
}

/// A part of a line, of one balance.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Part {
    /// Of which line.
    pub line: usize,
    /// What the promise will be known by.
    pub id: StockReservationId,
    /// Of which balance.
    pub balance: StockBalanceId,
    /// How much.
    pub quantity: i64,
    /// Whether it is of pieces of a pool.
    pub pooled: bool,
}

/// A balance that can be taken from, and when its lot ends.
pub(crate) type Candidate = (balance::Model, Option<chrono::NaiveDate>);

/// Holds what one line wants, of the lots that end first. What cannot be held in full is refused, and the transaction
/// with it. Several lines of one document are held by [`hold_all`].
pub async fn hold(
    tx: &impl ConnectionTrait,
    now: DateTime<Utc>,
    wanted: &Wanted<'_>,
    purpose: Purpose<'_>,
) -> Result<Vec<reservation::Model>, Error> {
    hold_all(tx, now, std::slice::from_ref(wanted), purpose).await.map_err(|error| match error {
        Error::Refused(refusals) => Error::Refused(
            refusals
                .into_iter()
                .map(|refusal| Refusal { field: refusal.field.into_iter().skip(2).collect(), ..refusal })
                .collect(),
        ),
        other => other,
    })
}

/// Holds what all lines want, each of the lots that end first; two lines may want the same. All of it is held or, when
/// one line is short, none: the refusal names `lines.N.quantity` and how much is available, and the caller rolls back.
///
/// However many lines there are, it takes the same number of statements. Balances are locked in one order over all lines
/// ([`LOCK_ORDER`]) before any is touched, so two documents that want the same in opposite orders wait for each other and
/// do not embrace, and "sold out" is said only of what is sold out. Of hot items each line takes some statements more;
/// they come last ([`units`]).
pub async fn hold_all(
    tx: &impl ConnectionTrait,
    now: DateTime<Utc>,
    wants: &[Wanted<'_>],
    purpose: Purpose<'_>,
) -> Result<Vec<reservation::Model>, Error> {
    hold_for(tx, now, wants, &vec![purpose.document; wants.len()], purpose).await
}

/// The same where each line is held for a document of its own: the orders of one checkout, all at once.
pub async fn hold_for(
    tx: &impl ConnectionTrait,
    now: DateTime<Utc>,
    wants: &[Wanted<'_>],
    documents: &[&str],
    purpose: Purpose<'_>,
) -> Result<Vec<reservation::Model>, Error> {
    // One equality on a unique index: nothing that a planner could get wrong while the table is young.
    let first = reservation::Entity::find().filter(reservation::Column::RequestKey.eq(format!("{}#0", purpose.key)));
    if first.one(tx).await?.is_some() {
        // '$' is the character after '#': these are the parts of this hold.
        return Ok(reservation::Entity::find()
            .filter(reservation::Column::RequestKey.gte(format!("{}#", purpose.key)))
            .filter(reservation::Column::RequestKey.lt(format!("{}$", purpose.key)))
            .all(tx)
            .await?);
    }
    for (n, want) in wants.iter().enumerate() {
        in_range(want.quantity).map_err(|refusal| in_line(refusal.into(), n))?;
    }
    let hot = units::hot_among(tx, wants.iter().map(|want| (want.owner, want.variant))).await?;
    let (mut last, plain): (Vec<usize>, Vec<usize>) =
        (0..wants.len()).partition(|n| hot.contains(&(wants[*n].owner, wants[*n].variant)));
    let mut parts = ordinary(tx, now, wants, &plain).await?;
    last.sort_by_key(|n| (wants[*n].owner, wants[*n].variant));
    let same =
        |n: usize, other: usize| (wants[n].owner, wants[n].variant) == (wants[other].owner, wants[other].variant);
    for n in &last {
        let alone = last.iter().filter(|other| same(*n, **other)).count() == 1;
        parts.extend(units::hold(tx, now, &wants[*n], *n, alone).await?);
    }
    let lines: Vec<(OrganisationId, &str)> =
        wants.iter().zip(documents).map(|(want, document)| (want.owner, *document)).collect();
    written(tx, now, &lines, parts, purpose).await
}

pub(crate) fn in_range(quantity: i64) -> Result<(), Refusal> {
    if (1..=MOST).contains(&quantity) {
        return Ok(());
    }
    Err(Refusal::new(ErrorCode::OutOfRange).with("min", "1").with("max", MOST.to_string()).at("quantity"))
}

/// Holds so much of these very balances, until it is let go.
pub async fn hold_these(
    tx: &impl ConnectionTrait,
    now: DateTime<Utc>,
    lines: &[(balance::Model, i64)],
    purpose: Purpose<'_>,
) -> Result<Vec<reservation::Model>, Error> {
    for (n, (_, quantity)) in lines.iter().enumerate() {
        in_range(*quantity).map_err(|refusal| in_line(refusal.into(), n))?;
    }
    let mut sums: BTreeMap<StockBalanceId, i64> = BTreeMap::new();
    for (row, quantity) in lines {
        *sums.entry(row.id).or_default() += quantity;
    }
    let ids: Vec<StockBalanceId> = sums.keys().copied().collect();
    let mut there = ledger::locked_by_id(tx, &ids).await?;
    let is_short = |row: &&balance::Model| sums.get(&row.id).is_some_and(|wanted| row.available() < *wanted);
    let short: Vec<StockBalanceId> = there.iter().filter(is_short).map(|row| row.id).collect();
    if units::reclaim(tx, &short).await? {
        there = ledger::locked_by_id(tx, &ids).await?;
    }
    if let Some(row) = there.iter().find(is_short) {
        let line = lines.iter().position(|(line, _)| line.id == row.id).unwrap_or_default();
        return Err(in_line(out_of_stock(row.available()).into(), line));
    }
    if !reserve(tx, &sums).await? {
        return Err(Error::internal("a balance changed under its lock"));
    }
    let parts = lines.iter().enumerate().map(|(line, (row, quantity))| Part {
        line,
        id: StockReservationId::new(now),
        balance: row.id,
        quantity: *quantity,
        pooled: false,
    });
    let lines: Vec<(OrganisationId, &str)> = lines.iter().map(|(row, _)| (row.owner_id, purpose.document)).collect();
    written(tx, now, &lines, parts.collect(), purpose).await
}

async fn written(
    tx: &impl ConnectionTrait,
    now: DateTime<Utc>,
    lines: &[(OrganisationId, &str)],
    mut parts: Vec<Part>,
    purpose: Purpose<'_>,
) -> Result<Vec<reservation::Model>, Error> {
    if parts.is_empty() {
        return Ok(Vec::new());
    }
    parts.sort_by_key(|part| part.line);
    let rows = parts.into_iter().enumerate().map(|(n, part)| reservation::Model {
        id: part.id,
        balance_id: part.balance,
        owner_id: lines[part.line].0,
        quantity: part.quantity,
        kind: purpose.kind,
        state: ReservationState::Held,
        document: lines[part.line].1.to_owned(),
        request_key: format!("{}#{n}", purpose.key),
        expires_at: Some(purpose.until),
        created_at: now,
        ended_at: None,
        pooled: part.pooled,
    });
    let rows: Vec<reservation::Model> = rows.collect();
    let models = rows.iter().cloned().map(IntoActiveModel::into_active_model);
    reservation::Entity::insert_many(models).exec_without_returning(tx).await?;
    Ok(rows)
}

/// Lines whose goods are no hot items.
async fn ordinary(
    tx: &impl ConnectionTrait,
    now: DateTime<Utc>,
    wants: &[Wanted<'_>],
    lines: &[usize],
) -> Result<Vec<Part>, Error> {
    if lines.is_empty() {
        return Ok(Vec::new());
    }
    let asked: Vec<&Wanted<'_>> = lines.iter().map(|n| &wants[*n]).collect();
    // An UPDATE whose guard fails on PostgreSQL after it waited leaves the row locked all the same. So only a single row
    // is tried without a lock; of several, all are locked in one order before any is touched, and then what is seen is
    // what is there.
    let mut there = candidates(tx, &asked, lines.len() > 1).await?;
    if lines.len() == 1 && there.len() > 1 && dialect(tx) == Dialect::Postgres {
        there = candidates(tx, &asked, true).await?;
    }
    let mut left: HashMap<StockBalanceId, i64> = there.iter().map(|(row, _)| (row.id, row.available())).collect();
    let (mut parts, mut sums) = (Vec::new(), BTreeMap::new());
    for n in lines {
        let want = &wants[*n];
        let lots = lots(&there, want, now, |row| left.get(&row.id).copied().unwrap_or_default());
        let Some(picked) = fefo::pick(&lots, want.quantity, now.date_naive(), want.keeps_days) else {
            return Err(in_line(out_of_stock(saleable(&lots, now, want)).into(), *n));
        };
        for (balance, quantity) in picked {
            *left.entry(balance).or_default() -= quantity;
            *sums.entry(balance).or_default() += quantity;
            parts.push(Part { line: *n, id: StockReservationId::new(now), balance, quantity, pooled: false });
        }
    }
    if reserve(tx, &sums).await? {
        return Ok(parts);
    }
    // Whoever was first left too little; only a single line is tried without a lock.
    let there = candidates(tx, &asked, false).await?;
    let available = lots(&there, asked[0], now, balance::Model::available);
    Err(in_line(out_of_stock(saleable(&available, now, asked[0])).into(), lines[0]))
}

pub(crate) fn out_of_stock(available: i64) -> Refusal {
    Refusal::new(ErrorCode::OutOfStock).with("available", available.max(0).to_string()).at("quantity")
}

/// What a line may take of, with how much is there.
pub(crate) fn lots(
    there: &[Candidate],
    want: &Wanted<'_>,
    now: DateTime<Utc>,
    available: impl Fn(&balance::Model) -> i64,
) -> Vec<fefo::Lot<StockBalanceId>> {
    let fits = |row: &balance::Model| {
        row.owner_id == want.owner
            && row.variant_id == want.variant
            && row.status == want.status
            && want.locations.contains(&row.location_id)
    };
    let mut fitting: Vec<&Candidate> = there.iter().filter(|(row, _)| fits(row)).collect();
    fitting.sort_by_key(|(row, _)| Place::of(row));
    let lot = |(row, expires_on): &Candidate| fefo::Lot {
        of: row.id,
        expires_on: *expires_on,
        since: row.id.0.get_timestamp().map_or(now, moment).date_naive(),
        available: available(row),
    };
    fitting.into_iter().map(lot).collect()
}

/// How much of it may still be sold.
pub fn saleable<T>(lots: &[fefo::Lot<T>], now: DateTime<Utc>, want: &Wanted<'_>) -> i64 {
    let good = lots.iter().filter(|lot| fefo::is_saleable(lot.expires_on, now.date_naive(), want.keeps_days));
    good.map(|lot| lot.available.max(0)).sum()
}

fn moment(stamp: uuid::Timestamp) -> DateTime<Utc> {
    let (seconds, nanos) = stamp.to_unix();
    i64::try_from(seconds).ok().and_then(|s| DateTime::from_timestamp(s, nanos)).unwrap_or_default()
}

/// The balances that lines may take of, and a few more; on `PostgreSQL` locked when asked for.
pub(crate) async fn candidates(
    tx: &impl ConnectionTrait,
    wants: &[&Wanted<'_>],
    lock: bool,
) -> Result<Vec<Candidate>, Error> {
    let mut keys: Vec<_> = wants.iter().map(|want| (want.owner, want.variant, want.status)).collect();
    keys.sort_unstable();
    keys.dedup();
    let mut places: Vec<StockLocationId> = wants.iter().flat_map(|want| want.locations).copied().collect();
    places.sort_unstable();
    places.dedup();
    if places.is_empty() {
        return Ok(Vec::new());
    }
    let (mut values, mut tuples): (Vec<Value>, Vec<String>) = (Vec::new(), Vec::new());
    for (owner, variant, status) in keys {
        let from = values.len();
        values.extend([owner.0.into(), variant.0.into(), status.to_value().into()]);
        tuples.push(format!("(${}, ${}, ${})", from + 1, from + 2, from + 3));
    }
    let first = values.len() + 1;
    let within: Vec<String> = (first..first + places.len()).map(|n| format!("${n}")).collect();
    values.extend(places.into_iter().map(|id| Value::from(id.0)));
    let lock = match dialect(tx) {
        Dialect::Postgres if lock => format!(" ORDER BY {LOCK_ORDER} FOR NO KEY UPDATE OF b"),
        _ => String::new(),
    };
    let statement = format!(
        "SELECT b.*, l.expires_on FROM stock_balance b JOIN stock_lot l ON l.id = b.lot_id JOIN (VALUES {}) AS v \
         ON b.owner_id = v.column1 AND b.variant_id = v.column2 AND b.status = v.column3 \
         WHERE NOT b.outside AND b.location_id IN ({}){lock}",
        tuples.join(", "),
        within.join(", ")
    );
    let statement = Statement::from_sql_and_values(tx.get_database_backend(), statement, values);
    let rows = Found::find_by_statement(statement).all(tx).await?;
    Ok(rows.into_iter().map(|found| (found.balance, found.expires_on)).collect())
}

/// A balance with the end of its lot.
#[derive(FromQueryResult)]
struct Found {
    #[sea_orm(nested)]
    balance: balance::Model,
    expires_on: Option<chrono::NaiveDate>,
}

/// Whether so much of each of these balances could be promised. When not, some of them may be: the caller rolls back.
pub(crate) async fn reserve(tx: &impl ConnectionTrait, sums: &BTreeMap<StockBalanceId, i64>) -> Result<bool, Error> {
    let rows: Vec<(uuid::Uuid, i64)> = sums.iter().map(|(id, n)| (id.0, *n)).collect();
    let done = change_each(
        tx,
        "stock_balance",
        "reserved = stock_balance.reserved + v.column2, version = stock_balance.version + 1",
        "stock_balance.on_hand - stock_balance.reserved >= v.column2",
        &rows,
    )
    .await?;
    Ok(done == rows.len() as u64)
}
