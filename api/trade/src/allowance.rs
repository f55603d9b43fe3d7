//! What buyers take of their allowances. Everything here joins the transaction of whoever orders, cancels or returns.
//!
//! Entries are written before allowances, and allowances are locked by resident ID, year and kind: so two orders of one
//! person wait for each other and do not embrace. The guard stands in the UPDATE of the allowance, so check and change
//! are one.
//!
//! An order is reserved of the year in which it is placed, and what is cancelled goes back to that year. It counts to the
//! year in which customs releases it: [`use_up`] moves the entry and the sums when that is another one. What comes back
//! later is given back to where the entry is, so to the year of the release.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Datelike, Utc};
use entities::{
    party::consumer_identity,
    trade::{
        AllowanceKind, AllowanceState, Claim, Limits, Quota,
        allowance::{self, Model},
        allowance_entry as entry,
    },
    values::{
        ErrorCode, Refusal,
        id::{AllowanceEntryId, BuyerAllowanceId},
    },
};
use platform::{
    clock::business_day,
    db::{Dialect, dialect},
    error::{Error, not_found},
};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, ExprTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, LockType, OnConflict},
};

/// Whose allowances, and of which year. What is ordered in December is reserved of December's year; what customs releases
/// in January counts to January's, whenever it was ordered.
#[derive(Clone, Copy, Debug)]
pub struct Buyer<'a> {
    /// Keyed hash of the resident ID.
    pub lookup: &'a str,
    /// The calendar year.
    pub year: i32,
}

impl<'a> Buyer<'a> {
    /// Who orders at this moment.
    pub fn of(identity: &'a consumer_identity::Model, now: DateTime<Utc>) -> Self {
        Self { lookup: &identity.lookup, year: business_day(now).year() }
    }
}

/// What was taken of an allowance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    /// Of which.
    pub kind: AllowanceKind,
    /// Released by customs, less what was returned: fen, or grams.
    pub used: i64,
    /// Ordered, and neither released nor cancelled.
    pub reserved: i64,
}

/// What a buyer took of each allowance in the year, all kinds.
pub async fn left(db: &impl ConnectionTrait, buyer: Buyer<'_>) -> Result<Vec<Taken>, Error> {
    use sea_orm::Iterable;
    let rows = allowance::Entity::find()
        .filter(allowance::Column::Lookup.eq(buyer.lookup))
        .filter(allowance::Column::Year.eq(buyer.year))
        .all(db)
        .await?;
    let taken = |kind: AllowanceKind| {
        let row = rows.iter().find(|row| row.kind == kind);
        Taken { kind, used: row.map_or(0, |row| row.used), reserved: row.map_or(0, |row| row.reserved) }
    };
    Ok(AllowanceKind::iter().map(taken).collect())
}

/// What a buyer has of the annual limit, for the rules. Whether an order fits is decided by [`reserve`] all the same.
pub async fn quota(db: &impl ConnectionTrait, buyer: Buyer<'_>, limits: Limits) -> Result<Quota, Error> {
    let taken = left(db, buyer).await?;
    let annual = taken.iter().find(|taken| taken.kind == AllowanceKind::AnnualValue);
    Ok(Quota {
        limits,
        used_minor: annual.map_or(0, |taken| taken.used),
        reserved_minor: annual.map_or(0, |taken| taken.reserved),
    })
}

/// Reserves for one order. See [`reserve_all`].
pub async fn reserve(
    tx: &impl ConnectionTrait,
    now: DateTime<Utc>,
    buyer: Buyer<'_>,
    document: &str,
    claims: &[Claim],
) -> Result<(), Error> {
    reserve_all(tx, now, buyer, &[(document, claims)]).await
}

/// Reserves what the orders of one checkout claim: all of it, or it is refused and the transaction with it. Asked for
/// again for the same document, it is the same reservation; one that was released is made anew. A constant number of
/// statements, however many orders.
pub async fn reserve_all(
    tx: &impl ConnectionTrait,
    now: DateTime<Utc>,
    buyer: Buyer<'_>,
    orders: &[(&str, &[Claim])],
) -> Result<(), Error> {
    let mut most: BTreeMap<AllowanceKind, i64> = BTreeMap::new();
    let mut wanted: BTreeMap<(&str, AllowanceKind), i64> = BTreeMap::new();
    for (document, claims) in orders {
        for claim in claims.iter().filter(|claim| claim.amount != 0) {
            let sum = wanted.entry((document, claim.kind)).or_default();
            // More than the limit is refused below; a sum that does not fit is more than any limit.
            *sum = sum
                .checked_add(claim.amount)
                .filter(|_| claim.amount > 0)
                .ok_or_else(|| claim.kind.beyond(claim.most))?;
            most.entry(claim.kind).and_modify(|most| *most = Ord::min(claim.most, *most)).or_insert(claim.most);
        }
    }
    if wanted.is_empty() {
        return Ok(());
    }
    let ids = allowances(tx, now, buyer, most.keys().copied()).await?;
    let mut taken: BTreeMap<AllowanceKind, i64> = BTreeMap::new();
    for (kind, amount) in entered(tx, now, &wanted, &ids).await? {
        let sum = taken.entry(kind).or_default();
        *sum = sum.saturating_add(amount);
    }
    for (kind, amount) in taken {
        let most = most.get(&kind).copied().unwrap_or_default();
        let id = ids.get(&kind).copied().ok_or_else(|| Error::internal("an allowance is gone"))?;
        let all = Expr::col(allowance::Column::Used).add(Expr::col(allowance::Column::Reserved));
        let done = allowance::Entity::update_many()
            .col_expr(allowance::Column::Reserved, Expr::col(allowance::Column::Reserved).add(amount))
            .col_expr(allowance::Column::Version, Expr::col(allowance::Column::Version).add(1))
            .filter(allowance::Column::Id.eq(id))
            // Not `used + reserved + amount <= most`: an absurd amount must not overflow in the database.
            .filter(all.lte(most.saturating_sub(amount)))
            .exec(tx)
            .await?;
        if done.rows_affected != 1 {
            return Err(kind.beyond(most).into());
        }
    }
    Ok(())
}

/// The ids of a buyer's allowances; those that are not there yet are made.
async fn allowances(
    tx: &impl ConnectionTrait,
    now: DateTime<Utc>,
    buyer: Buyer<'_>,
    kinds: impl Iterator<Item = AllowanceKind> + Clone,
) -> Result<BTreeMap<AllowanceKind, BuyerAllowanceId>, Error> {
    let rows = kinds.clone().map(|kind| {
        let row = Model {
            id: BuyerAllowanceId::new(now),
            lookup: buyer.lookup.to_owned(),
            year: buyer.year,
            kind,
            used: 0,
            reserved: 0,
            version: 1,
        };
        row.into_active_model()
    });
    let known = [allowance::Column::Lookup, allowance::Column::Year, allowance::Column::Kind];
    allowance::Entity::insert_many(rows)
        .on_conflict(OnConflict::columns(known).do_nothing().to_owned())
        .exec_without_returning(tx)
        .await?;
    let rows = allowance::Entity::find()
        .filter(allowance::Column::Lookup.eq(buyer.lookup))
        .filter(allowance::Column::Year.eq(buyer.year))
        .filter(allowance::Column::Kind.is_in(kinds))
        .all(tx)
        .await?;
    Ok(rows.into_iter().map(|row| (row.kind, row.id)).collect())
}

/// Writes the entries of documents that have none, and revives released ones; answers with what is newly reserved.
async fn entered(
    tx: &impl ConnectionTrait,
    now: DateTime<Utc>,
    wanted: &BTreeMap<(&str, AllowanceKind), i64>,
    ids: &BTreeMap<AllowanceKind, BuyerAllowanceId>,
) -> Result<Vec<(AllowanceKind, i64)>, Error> {
    let mut made = BTreeMap::new();
    for ((document, kind), amount) in wanted {
        let allowance_id = ids.get(kind).copied().ok_or_else(|| Error::internal("an allowance is gone"))?;
        let row = entry::Model {
            id: AllowanceEntryId::new(now),
            allowance_id,
            document: (*document).to_owned(),
            amount: *amount,
            returned: 0,
            state: AllowanceState::Reserved,
            returns_id: None,
            created_at: now,
            ended_at: None,
        };
        made.insert((*document, allowance_id), (*kind, row));
    }
    insert_new(tx, made.values().map(|(_, row)| row.clone()).collect()).await?;
    // Whoever else reserves for the same document was waited for: what is there now is its entry or ours.
    let there = entry::Entity::find()
        .filter(entry::Column::Document.is_in(wanted.keys().map(|(document, _)| *document)))
        .filter(entry::Column::AllowanceId.is_in(ids.values().copied()))
        .order_by_asc(entry::Column::Document)
        .order_by_asc(entry::Column::Id)
        .all(tx)
        .await?;
    let mut reserved = Vec::new();
    for row in there {
        let Some((kind, new)) = made.get(&(row.document.as_str(), row.allowance_id)) else { continue };
        let ours = new.id == row.id;
        let released = row.state == AllowanceState::Released;
        if ours || (released && revived(tx, &row, new.amount, AllowanceState::Reserved, None).await?) {
            reserved.push((*kind, new.amount));
        }
    }
    Ok(reserved)
}

async fn insert_new(tx: &impl ConnectionTrait, rows: Vec<entry::Model>) -> Result<(), Error> {
    let known = OnConflict::columns([entry::Column::Document, entry::Column::AllowanceId]).do_nothing().to_owned();
    let rows = rows.into_iter().map(IntoActiveModel::into_active_model);
    entry::Entity::insert_many(rows).on_conflict(known).exec_without_returning(tx).await?;
    Ok(())
}

/// An entry that was let go counts anew, with another amount.
async fn revived(
    tx: &impl ConnectionTrait,
    row: &entry::Model,
    amount: i64,
    to: AllowanceState,
    ended_at: Option<DateTime<Utc>>,
) -> Result<bool, Error> {
    let done = entry::Entity::update_many()
        .col_expr(entry::Column::State, Expr::val(to))
        .col_expr(entry::Column::Amount, Expr::val(amount))
        .col_expr(entry::Column::EndedAt, Expr::val(ended_at))
        .filter(entry::Column::Id.eq(row.id))
        .filter(entry::Column::State.eq(AllowanceState::Released))
        .exec(tx)
        .await?;
    Ok(done.rows_affected == 1)
}

/// Customs released the goods at `released_at`: what was reserved for the document is used, in the year of that moment by
/// days of Asia/Shanghai. Answers with how many entries were; asked for again, none is. When an earlier release becomes
/// known afterwards, what is used counts to the year of that, with what came back of it.
///
/// The year's limit is not asked here. Customs counts the year itself and refuses a list that goes beyond (-621018); what
/// it let go is let go, and to refuse it here would only make the house's sums untrue. A year that is more than full by it
/// has nothing left to reserve.
pub async fn use_up(
    tx: &impl ConnectionTrait,
    now: DateTime<Utc>,
    document: &str,
    released_at: DateTime<Utc>,
) -> Result<u64, Error> {
    let moves = moves(tx, now, document, business_day(released_at).year()).await?;
    if moves.is_empty() {
        return ended(tx, released_at, &[document], AllowanceState::Used).await;
    }
    let rows = locked(tx, document).await?;
    let (mut used, mut by) = (0, BTreeMap::<BuyerAllowanceId, (i64, i64)>::new());
    for row in &rows {
        let to = moves.get(&row.allowance_id).copied().unwrap_or(row.allowance_id);
        let there = rows.iter().find(|other| other.allowance_id == to && other.id != row.id);
        if row.state == AllowanceState::Used {
            // A document has one entry of an allowance: where there is one already, this one stays.
            if to != row.allowance_id && there.is_none() {
                recounted(tx, row, to, released_at).await?;
                by.entry(row.allowance_id).or_default().0 -= row.amount - row.returned;
                by.entry(to).or_default().0 += row.amount - row.returned;
            }
        } else if row.state == AllowanceState::Reserved
            && let Some(amount) = counted(tx, row, to, there, released_at).await?
        {
            used += 1;
            by.entry(row.allowance_id).or_default().1 -= row.amount;
            by.entry(to).or_default().0 += amount;
        }
    }
    change(tx, &by).await?;
    Ok(used)
}

/// What is used counts to another allowance from now on, and so does what came back of it. The entries are locked.
async fn recounted(
    tx: &impl ConnectionTrait,
    row: &entry::Model,
    to: BuyerAllowanceId,
    at: DateTime<Utc>,
) -> Result<(), Error> {
    let of = || entry::Entity::update_many().col_expr(entry::Column::AllowanceId, Expr::val(to));
    of().col_expr(entry::Column::EndedAt, Expr::val(Some(at))).filter(entry::Column::Id.eq(row.id)).exec(tx).await?;
    of().filter(entry::Column::ReturnsId.eq(row.id)).exec(tx).await?;
    Ok(())
}

/// The allowances of other years of which a document has something reserved or used, each with that of this year. Those
/// that are not there yet are made: before entries are touched, as when reserving.
async fn moves(
    tx: &impl ConnectionTrait,
    now: DateTime<Utc>,
    document: &str,
    year: i32,
) -> Result<BTreeMap<BuyerAllowanceId, BuyerAllowanceId>, Error> {
    let open = entry::Entity::find()
        .filter(entry::Column::Document.eq(document))
        .filter(entry::Column::State.is_in([AllowanceState::Reserved, AllowanceState::Used]))
        .all(tx)
        .await?;
    let mut others = allowance::Entity::find()
        .filter(allowance::Column::Id.is_in(open.iter().map(|row| row.allowance_id)))
        .filter(allowance::Column::Year.ne(year))
        .all(tx)
        .await?;
    others.sort_by(|a, b| (&a.lookup, a.kind).cmp(&(&b.lookup, b.kind)));
    let mut moves = BTreeMap::new();
    for row in others {
        let buyer = Buyer { lookup: &row.lookup, year };
        let made = allowances(tx, now, buyer, std::iter::once(row.kind)).await?;
        let to = made.get(&row.kind).copied().ok_or_else(|| Error::internal("an allowance is gone"))?;
        moves.insert(row.id, to);
    }
    Ok(moves)
}

/// All entries of a document, in the order in which all lock them. On `SQLite` nobody else writes.
async fn locked(tx: &impl ConnectionTrait, document: &str) -> Result<Vec<entry::Model>, Error> {
    let mut rows = entry::Entity::find().filter(entry::Column::Document.eq(document)).order_by_asc(entry::Column::Id);
    if dialect(tx) == Dialect::Postgres {
        rows = rows.lock(LockType::Update);
    }
    Ok(rows.all(tx).await?)
}

/// A reservation is used in the allowance `to`, in which it counts; answers with how much more is used there. None: it is
/// not reserved any more.
///
/// A document has one entry of an allowance. When there is one already (it was let go in that year and reserved anew in
/// another), that one counts and this one is let go.
async fn counted(
    tx: &impl ConnectionTrait,
    row: &entry::Model,
    to: BuyerAllowanceId,
    there: Option<&entry::Model>,
    at: DateTime<Utc>,
) -> Result<Option<i64>, Error> {
    let Some(there) = there else {
        return Ok(end(tx, row, to, AllowanceState::Used, at).await?.then_some(row.amount));
    };
    if !end(tx, row, row.allowance_id, AllowanceState::Released, at).await? {
        return Ok(None);
    }
    // What counts there already does not count twice.
    let counts = revived(tx, there, row.amount, AllowanceState::Used, Some(at)).await?;
    Ok(Some(if counts { row.amount } else { 0 }))
}

/// Orders were cancelled or expired: what is still reserved for them is free again, once, in the year in which it is
/// reserved. Answers with how many entries were released.
pub async fn release(tx: &impl ConnectionTrait, now: DateTime<Utc>, documents: &[&str]) -> Result<u64, Error> {
    ended(tx, now, documents, AllowanceState::Released).await
}

/// Ends a reservation, which is of the allowance `of` from now on. False: someone else ended it meanwhile.
async fn end(
    tx: &impl ConnectionTrait,
    row: &entry::Model,
    of: BuyerAllowanceId,
    to: AllowanceState,
    at: DateTime<Utc>,
) -> Result<bool, Error> {
    let done = entry::Entity::update_many()
        .col_expr(entry::Column::AllowanceId, Expr::val(of))
        .col_expr(entry::Column::State, Expr::val(to))
        .col_expr(entry::Column::EndedAt, Expr::val(Some(at)))
        .filter(entry::Column::Id.eq(row.id))
        .filter(entry::Column::AllowanceId.eq(row.allowance_id))
        .filter(entry::Column::State.eq(AllowanceState::Reserved))
        .exec(tx)
        .await?;
    Ok(done.rows_affected == 1)
}

/// Ends what is reserved, where it is reserved. An entry that someone else ended meanwhile is left to them.
async fn ended(
    tx: &impl ConnectionTrait,
    at: DateTime<Utc>,
    documents: &[&str],
    to: AllowanceState,
) -> Result<u64, Error> {
    if documents.is_empty() {
        return Ok(0);
    }
    let open = entry::Entity::find()
        .filter(entry::Column::Document.is_in(documents.iter().copied()))
        .filter(entry::Column::State.eq(AllowanceState::Reserved))
        .order_by_asc(entry::Column::Document)
        .order_by_asc(entry::Column::Id)
        .all(tx)
        .await?;
    let (mut ended, mut freed) = (0, BTreeMap::new());
    for row in open {
        if end(tx, &row, row.allowance_id, to, at).await? {
            ended += 1;
            *freed.entry(row.allowance_id).or_insert(0_i64) += row.amount;
        }
    }
    let used = to == AllowanceState::Used;
    change(tx, &freed.into_iter().map(|(id, n)| (id, (if used { n } else { 0 }, -n))).collect()).await?;
    Ok(ended)
}

/// Changes allowances by so much used and reserved, in the order in which all lock them.
async fn change(tx: &impl ConnectionTrait, by: &BTreeMap<BuyerAllowanceId, (i64, i64)>) -> Result<(), Error> {
    if by.is_empty() {
        return Ok(());
    }
    let mut rows = allowance::Entity::find().filter(allowance::Column::Id.is_in(by.keys().copied())).all(tx).await?;
    rows.sort_by(|a, b| (&a.lookup, a.year, a.kind).cmp(&(&b.lookup, b.year, b.kind)));
    for row in rows {
        let (used, reserved) = by.get(&row.id).copied().unwrap_or_default();
        allowance::Entity::update_many()
            .col_expr(allowance::Column::Used, Expr::col(allowance::Column::Used).add(used))
            .col_expr(allowance::Column::Reserved, Expr::col(allowance::Column::Reserved).add(reserved))
            .col_expr(allowance::Column::Version, Expr::col(allowance::Column::Version).add(1))
            .filter(allowance::Column::Id.eq(row.id))
            .exec(tx)
            .await?;
    }
    Ok(())
}

/// Goods of a document never came to the buyer, though customs had let them go: all that it used and that was not given
/// back yet is. `by` as in [`give_back`].
pub async fn give_all_back(
    tx: &impl ConnectionTrait,
    now: DateTime<Utc>,
    document: &str,
    by: &str,
) -> Result<(), Error> {
    let used = entry::Entity::find()
        .filter(entry::Column::Document.eq(document))
        .filter(entry::Column::State.eq(AllowanceState::Used))
        .all(tx)
        .await?;
    let kinds = allowance::Entity::find().filter(allowance::Column::Id.is_in(used.iter().map(|row| row.allowance_id)));
    let kinds: BTreeMap<BuyerAllowanceId, AllowanceKind> =
        kinds.all(tx).await?.into_iter().map(|row| (row.id, row.kind)).collect();
    let rest = used.iter().filter_map(|row| Some((*kinds.get(&row.allowance_id)?, row.amount - row.returned)));
    let rest: Vec<(AllowanceKind, i64)> = rest.filter(|(_, amount)| *amount > 0).collect();
    give_back(tx, now, document, by, &rest).await
}

/// Goods came back in time: what they took of allowances is given back, to the year in which it counts, that of their
/// release. `by` is the return: asked for again for it, nothing is given back a second time. Never more than the document
/// used.
pub async fn give_back(
    tx: &impl ConnectionTrait,
    now: DateTime<Utc>,
    document: &str,
    by: &str,
    parts: &[(AllowanceKind, i64)],
) -> Result<(), Error> {
    // Locked: the year that they count to may change meanwhile.
    let mut used = locked(tx, document).await?;
    used.retain(|row| row.state == AllowanceState::Used);
    let ids: BTreeSet<BuyerAllowanceId> = used.iter().map(|row| row.allowance_id).collect();
    let kinds: BTreeMap<AllowanceKind, BuyerAllowanceId> = allowance::Entity::find()
        .filter(allowance::Column::Id.is_in(ids))
        .all(tx)
        .await?
        .into_iter()
        .map(|row| (row.kind, row.id))
        .collect();
    let mut wanted: BTreeMap<AllowanceKind, i64> = BTreeMap::new();
    for (kind, amount) in parts.iter().filter(|(_, amount)| *amount != 0) {
        let sum = wanted.entry(*kind).or_default();
        *sum = sum.saturating_add(*amount);
    }
    let mut back = BTreeMap::new();
    for (kind, amount) in wanted {
        let of = kinds.get(&kind).and_then(|id| used.iter().find(|row| row.allowance_id == *id));
        let of = of.ok_or_else(|| not_found("document", document))?;
        let short = || {
            let most = of.amount - of.returned;
            Refusal::new(ErrorCode::OutOfRange).with("min", "1").with("max", most.to_string()).at("amount")
        };
        if amount < 1 {
            return Err(short().into());
        }
        let id = AllowanceEntryId::new(now);
        let row = entry::Model {
            id,
            allowance_id: of.allowance_id,
            document: by.to_owned(),
            amount,
            returned: 0,
            state: AllowanceState::Returned,
            returns_id: Some(of.id),
            created_at: now,
            ended_at: Some(now),
        };
        insert_new(tx, vec![row]).await?;
        if entry::Entity::find_by_id(id).one(tx).await?.is_none() {
            // This return was booked before.
            continue;
        }
        let rest = Expr::col(entry::Column::Amount).sub(Expr::col(entry::Column::Returned));
        let done = entry::Entity::update_many()
            .col_expr(entry::Column::Returned, Expr::col(entry::Column::Returned).add(amount))
            .filter(entry::Column::Id.eq(of.id))
            .filter(entry::Column::State.eq(AllowanceState::Used))
            .filter(rest.gte(amount))
            .exec(tx)
            .await?;
        if done.rows_affected != 1 {
            return Err(short().into());
        }
        back.insert(of.allowance_id, (-amount, 0));
    }
    change(tx, &back).await
}
