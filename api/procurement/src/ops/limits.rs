//! Spending limits, and what orders hold of them and of framework agreements.
//!
//! An order holds what it comes to from when it is submitted until it is sent back, rejected or cancelled; what is
//! closed short of it is given back. Every change is an entry of a ledger ([`commitment`]) beside the guarded sums:
//! more is taken of the period that it is, and what is given back goes into the periods that it was taken from, the
//! newest first. Targets are taken in one order, so that nobody waits for somebody who waits for him.

use std::{
    cmp::{max, min},
    collections::{BTreeMap, BTreeSet},
};

use chrono::{DateTime, NaiveDate, Utc};
use entities::{
    party::{Action, Resource, Viewer, membership},
    procurement::{
        AgreementKind, CommitmentKind, LimitPeriod, agreement,
        commitment::{self, Periods, Target, moved},
        limit::{self, applies, counts, usage},
        order::{self, line, totals},
    },
    values::{
        Currency, ErrorCode, Money, Refusal,
        id::{
            CategoryId, OrganisationId, PersonId, PurchaseCommitmentId, SpendingLimitId, SupplyAgreementId,
            SupplyAgreementLineId,
        },
    },
};
use platform::{
    app::{App, Call, Work, allowed},
    clock::business_day,
    error::{Error, not_found, stale},
    graphql::encode,
    guarded,
};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, ConnectionTrait, EntityTrait, ExprTrait, IntoActiveModel, PaginatorTrait,
    QueryFilter, QueryOrder,
    sea_query::{Expr, OnConflict},
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    acting, fresh,
    orders::{category_paths, line_paths},
};

/// Most limits of an organisation.
const MOST: u64 = 200;

/// A limit as it is set.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the columns of the limit")]
pub struct NewLimit {
    pub person: Option<PersonId>,
    pub category: Option<CategoryId>,
    pub period: LimitPeriod,
    pub amount: Money,
    pub valid_from: NaiveDate,
    pub valid_to: Option<NaiveDate>,
}

/// A limit, and how it stands.
#[derive(Clone, Debug)]
pub struct Standing {
    /// The limit.
    pub limit: limit::Model,
    /// The first day of its period.
    pub period_start: NaiveDate,
    /// How much of it is spent in that.
    pub spent_minor: i64,
}

/// What an order is to hold of each target, and of which period whatever of that it does not hold yet.
type Wanted = BTreeMap<Target, (Option<NaiveDate>, i64)>;
/// What it holds.
type Held = BTreeMap<Target, Periods>;

/// How much of a target is held.
fn sum(held: &Held, target: Target) -> i64 {
    held.get(&target).map_or(0, |periods| periods.values().sum())
}

/// What an order comes to, less what is closed short of it: the lines that `of` names.
fn live(row: &order::Model, lines: &[line::Model], of: impl Fn(usize) -> bool) -> Result<order::Totals, Error> {
    let beyond = || Error::internal("an amount beyond what money can be");
    let mut amounts = Vec::with_capacity(lines.len());
    for (_, line) in lines.iter().enumerate().filter(|(n, _)| of(*n)) {
        let amount = if line.wanted() == line.quantity {
            line.amount_minor
        } else {
            line.price.amount(line.wanted(), row.currency).ok_or_else(beyond)?
        };
        amounts.push((amount, line.tax_ppm));
    }
    totals(&amounts, row.currency).ok_or_else(beyond)
}

/// What an order is to hold of its agreement.
async fn of_agreement(work: &Work, row: &order::Model, lines: &[line::Model], into: &mut Wanted) -> Result<(), Error> {
    let Some(id) = row.agreement_id else { return Ok(()) };
    let found = agreement::Entity::find_by_id(id).one(work.tx()).await?;
    match found.map(|agreement| agreement.kind) {
        Some(AgreementKind::BlanketValue) => {
            let net = live(row, lines, |_| true)?.net;
            into.insert((CommitmentKind::AgreementValue, id.0), (None, net));
        }
        Some(AgreementKind::BlanketQuantity) => {
            for line in lines {
                if let Some(of) = line.agreement_line_id {
                    let target = (CommitmentKind::AgreementQuantity, of.0);
                    into.entry(target).or_insert((None, 0)).1 += line.wanted();
                }
            }
        }
        Some(AgreementKind::PriceOnly) | None => {}
    }
    Ok(())
}

/// What an order is to hold of the limits that count it on a day. `held`: what was taken of a limit that counts it no
/// more, because somebody else asks for it now or the limit is over, stays taken as far as the order comes to that.
async fn of_limits(
    work: &Work,
    row: &order::Model,
    lines: &[line::Model],
    on: NaiveDate,
    held: &Held,
    into: &mut Wanted,
) -> Result<(), Error> {
    let limits = limit::Entity::find().filter(limit::Column::OrganisationId.eq(row.buyer_id)).all(work.tx()).await?;
    if limits.is_empty() {
        return Ok(());
    }
    let paths = category_paths(work.tx(), limits.iter().filter_map(|limit| limit.category_id)).await?;
    let of_lines = line_paths(work.tx(), lines).await?;
    for limit in &limits {
        let path = limit.category_id.and_then(|id| paths.get(&id)).map(String::as_str);
        let target = (CommitmentKind::Spending, limit.id.0);
        let (theirs, had) = (applies(limit, path, row.requested_by, &of_lines, on), sum(held, target));
        if !theirs && had == 0 {
            continue;
        }
        let counted = |n: usize| limit.category_id.is_none() || counts(path, of_lines[n].as_deref());
        let total = live(row, lines, counted)?.total;
        let base = row.base(total).ok_or_else(|| Error::internal("an amount beyond what money can be"))?;
        let wants = if theirs { base } else { min(base, had) };
        into.insert(target, (Some(limit.period.start(on, limit.valid_from)), wants));
    }
    Ok(())
}

/// What an order holds, and what it is to hold of its agreement.
async fn so_far(work: &Work, row: &order::Model, lines: &[line::Model]) -> Result<(Held, Wanted), Error> {
    let held = held(work, row).await?;
    let mut wanted = Wanted::new();
    of_agreement(work, row, lines, &mut wanted).await?;
    Ok((held, wanted))
}

/// Lets an order hold what it comes to now; refused when an agreement or a limit leaves less.
pub(super) async fn hold(work: &Work, row: &order::Model, lines: &[line::Model]) -> Result<(), Error> {
    let (held, mut wanted) = so_far(work, row, lines).await?;
    of_limits(work, row, lines, business_day(work.now), &held, &mut wanted).await?;
    adjust(work, row, &held, &wanted).await
}

/// The same after part of an order was given up: nothing is taken, only given back.
pub(super) async fn shrink(work: &Work, row: &order::Model, lines: &[line::Model]) -> Result<(), Error> {
    let (held, mut wanted) = so_far(work, row, lines).await?;
    of_limits(work, row, lines, business_day(work.now), &held, &mut wanted).await?;
    // A limit that there is no more holds on to what it counted.
    let less = |target: &Target| {
        let had = sum(&held, *target);
        (*target, (None, min(had, wanted.get(target).map_or(had, |(_, now)| *now))))
    };
    adjust(work, row, &held, &held.keys().map(less).collect()).await
}

/// Gives back what an order holds beyond what it came to when it was submitted: a change of it is no more.
pub(super) async fn give_back(work: &Work, row: &order::Model, lines: &[line::Model]) -> Result<(), Error> {
    let (held, mut wanted) = so_far(work, row, lines).await?;
    let on = business_day(row.submitted_at.unwrap_or(work.now));
    of_limits(work, row, lines, on, &Held::new(), &mut wanted).await?;
    let less = |target: &Target| {
        let now = wanted.get(target).map_or(0, |(_, now)| *now);
        (*target, (None, min(sum(&held, *target), now)))
    };
    adjust(work, row, &held, &held.keys().map(less).collect()).await
}

/// Gives back all that an order holds.
pub(super) async fn release(work: &Work, row: &order::Model) -> Result<(), Error> {
    let held = held(work, row).await?;
    adjust(work, row, &held, &Wanted::new()).await
}

/// The same of an order that its supplier never saw. What was sent is being delivered: a change of it that is recalled
/// holds on to what it took until it is submitted again, withdrawn, or given up with the order.
pub(super) async fn release_unsent(work: &Work, row: &order::Model) -> Result<(), Error> {
    if row.sent_at.is_none() { release(work, row).await } else { Ok(()) }
}

/// What an order holds by now.
async fn held(work: &Work, row: &order::Model) -> Result<Held, Error> {
    let entries =
        commitment::Entity::find().filter(commitment::Column::OrderId.eq(row.id)).order_by_asc(commitment::Column::Id);
    Ok(commitment::held(&entries.all(work.tx()).await?))
}

/// Takes and gives back until an order holds what is wanted, and nothing of what is not.
async fn adjust(work: &Work, row: &order::Model, held: &Held, wanted: &Wanted) -> Result<(), Error> {
    let targets: BTreeSet<Target> = held.keys().chain(wanted.keys()).copied().collect();
    let mut entries = Vec::new();
    for target in targets {
        let (now, wants) = wanted.get(&target).copied().unwrap_or((None, 0));
        for (period_start, amount) in moved(held.get(&target), wants, now) {
            match target {
                (CommitmentKind::AgreementValue, id) => of_value(work, SupplyAgreementId(id), amount).await?,
                (CommitmentKind::AgreementQuantity, id) => of_quantity(work, SupplyAgreementLineId(id), amount).await?,
                (CommitmentKind::Spending, id) => {
                    let start = period_start.ok_or_else(|| Error::internal("a limit without a period"))?;
                    spent(work, SpendingLimitId(id), start, amount).await?;
                }
            }
            entries.push(entry(work, row, target, period_start, amount).into_active_model());
        }
    }
    if !entries.is_empty() {
        commitment::Entity::insert_many(entries).exec_without_returning(work.tx()).await?;
    }
    Ok(())
}

fn entry(
    work: &Work,
    row: &order::Model,
    (kind, target_id): (CommitmentKind, Uuid),
    period_start: Option<NaiveDate>,
    amount: i64,
) -> commitment::Model {
    let id = PurchaseCommitmentId::new(work.now);
    commitment::Model { id, order_id: row.id, kind, target_id, period_start, amount, at: work.now }
}

/// Takes so much of the value of an agreement, or gives it back.
async fn of_value(work: &Work, id: SupplyAgreementId, amount: i64) -> Result<(), Error> {
    use agreement::Column as C;
    let after = Expr::col(C::ReleasedMinor).add(amount);
    let fits = Condition::any().add(C::CeilingMinor.is_null()).add(after.clone().lte(Expr::col(C::CeilingMinor)));
    let done = agreement::Entity::update_many()
        .col_expr(C::ReleasedMinor, after)
        .filter(C::Id.eq(id))
        .filter(fits)
        .exec(work.tx())
        .await?;
    if done.rows_affected == 1 {
        return Ok(());
    }
    let row = agreement::Entity::find_by_id(id).one(work.tx()).await?;
    let row = row.ok_or_else(|| Error::internal("an agreement is gone"))?;
    agreement::takes(&row, &[], &[], amount).map_err(|refusal| refusal.at("agreementId"))?;
    Err(stale())
}

/// Takes so much of a line of an agreement, or gives it back.
async fn of_quantity(work: &Work, id: SupplyAgreementLineId, amount: i64) -> Result<(), Error> {
    use agreement::line::Column as C;
    let after = Expr::col(C::Released).add(amount);
    let fits = Condition::any().add(C::Ceiling.is_null()).add(after.clone().lte(Expr::col(C::Ceiling)));
    let done = agreement::line::Entity::update_many()
        .col_expr(C::Released, after)
        .filter(C::Id.eq(id))
        .filter(fits)
        .exec(work.tx())
        .await?;
    if done.rows_affected == 1 {
        return Ok(());
    }
    let line = agreement::line::Entity::find_by_id(id).one(work.tx()).await?;
    let line = line.ok_or_else(|| Error::internal("a line of an agreement is gone"))?;
    let row = agreement::Entity::find_by_id(line.agreement_id).one(work.tx()).await?;
    let row = row.ok_or_else(|| Error::internal("an agreement is gone"))?;
    agreement::takes(&row, &[line], &[(id, amount)], 0).map_err(|refusal| refusal.at("agreementId"))?;
    Err(stale())
}

/// Takes so much of a limit in a period, or gives it back.
async fn spent(work: &Work, id: SpendingLimitId, start: NaiveDate, amount: i64) -> Result<(), Error> {
    use usage::Column as C;
    let after = Expr::col(C::SpentMinor).add(amount);
    let of = usage::Entity::update_many().filter(C::LimitId.eq(id)).filter(C::PeriodStart.eq(start));
    if amount < 0 {
        // A limit that was removed meanwhile has nothing to be given back to.
        of.col_expr(C::SpentMinor, after).exec(work.tx()).await?;
        return Ok(());
    }
    // Locked, so that nobody lowers it while its ceiling is written here.
    guarded::lock(work.tx(), "spending_limit", &[id.0]).await?;
    let limit = limit::Entity::find_by_id(id).one(work.tx()).await?.ok_or_else(stale)?;
    let row = usage::Model { limit_id: id, period_start: start, ceiling_minor: limit.amount_minor, spent_minor: 0 };
    let known = OnConflict::columns([C::LimitId, C::PeriodStart]).update_column(C::CeilingMinor).to_owned();
    usage::Entity::insert(row.into_active_model()).on_conflict(known).exec_without_returning(work.tx()).await?;
    let fits = after.clone().lte(Expr::col(C::CeilingMinor));
    let done = of.col_expr(C::SpentMinor, after).filter(fits).exec(work.tx()).await?;
    if done.rows_affected == 1 {
        return Ok(());
    }
    let row = usage::Entity::find_by_id((id, start)).one(work.tx()).await?;
    let free = row.map_or(0, |row| max(row.ceiling_minor - row.spent_minor, 0));
    let free = Money { minor: free, currency: Currency::CNY };
    let refusal = Refusal::new(ErrorCode::LimitExceeded).with("limit", encode(id).0).with("free", free.to_string());
    Err(refusal.at("id").into())
}

/// Somebody must be a member of the organisation.
pub(super) async fn member(
    tx: &impl ConnectionTrait,
    organisation: OrganisationId,
    person: PersonId,
) -> Result<(), Error> {
    let found = membership::Entity::find()
        .filter(membership::Column::OrganisationId.eq(organisation))
        .filter(membership::Column::PersonId.eq(person));
    match found.one(tx).await? {
        Some(_) => Ok(()),
        None => Err(not_found("personId", encode(person).as_str())),
    }
}

/// A category must exist.
pub(super) async fn known(tx: &impl ConnectionTrait, category: Option<CategoryId>) -> Result<(), Error> {
    let Some(category) = category else { return Ok(()) };
    if category_paths(tx, [category]).await?.contains_key(&category) {
        return Ok(());
    }
    Err(not_found("categoryId", encode(category).as_str()))
}

fn checked(new: &NewLimit) -> Result<(), Error> {
    if new.amount.currency != Currency::CNY {
        let other = Refusal::new(ErrorCode::InvalidCurrency).with("value", new.amount.currency.code());
        return Err(other.at("amount").into());
    }
    if new.valid_to.is_some_and(|end| end < new.valid_from) {
        let early = Refusal::new(ErrorCode::InvalidValue).with("value", new.valid_to.unwrap_or_default().to_string());
        return Err(early.at("validTo").into());
    }
    Ok(())
}

/// What the audit keeps of a limit.
fn shown(row: &limit::Model) -> Value {
    json!({
        "person": row.person_id.map(|id| encode(id).0), "category": row.category_id.map(|id| encode(id).0),
        "period": row.period, "amount": row.amount_minor, "validFrom": row.valid_from, "validTo": row.valid_to,
    })
}

/// What is spent of a limit is counted by its period: while something is, that stays as it is.
async fn counted_alike(work: &Work, before: &limit::Model, new: &NewLimit) -> Result<(), Error> {
    let begins = |period: LimitPeriod, from: NaiveDate| (period == LimitPeriod::Once).then_some(from);
    let alike =
        before.period == new.period && begins(before.period, before.valid_from) == begins(new.period, new.valid_from);
    if alike {
        return Ok(());
    }
    let spent = usage::Entity::find()
        .filter(usage::Column::LimitId.eq(before.id))
        .filter(usage::Column::SpentMinor.gt(0))
        .count(work.tx())
        .await?;
    if spent == 0 {
        return Ok(());
    }
    Err(Refusal::new(ErrorCode::InUse).with("count", spent.to_string()).at("period").into())
}

/// Sets a limit: a new one, or one that there is in the version that was read. What is spent of it stays spent.
pub async fn set(
    app: &App,
    call: &Call,
    of: Option<(SpendingLimitId, i32)>,
    new: &NewLimit,
) -> Result<limit::Model, Error> {
    let own = acting(call, Action::KeepPurchaseRules)?;
    checked(new)?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    if let Some(person) = new.person {
        member(work.tx(), own, person).await?;
    }
    known(work.tx(), new.category).await?;
    let before = match of {
        Some((id, expected)) => {
            guarded::lock(work.tx(), "spending_limit", &[id.0]).await?;
            let row = of_own(work.tx(), own, id).await?;
            fresh(row.version, expected)?;
            counted_alike(&work, &row, new).await?;
            Some(row)
        }
        None => None,
    };
    let row = limit::Model {
        id: before.as_ref().map_or_else(|| SpendingLimitId::new(work.now), |row| row.id),
        organisation_id: own,
        person_id: new.person,
        category_id: new.category,
        period: new.period,
        amount_minor: new.amount.minor,
        valid_from: new.valid_from,
        valid_to: new.valid_to,
        version: before.as_ref().map_or(1, |row| row.version + 1),
        created_at: before.as_ref().map_or(work.now, |row| row.created_at),
    };
    if let Some(before) = &before {
        let done = limit::Entity::update_many()
            .set(row.clone().into_active_model().reset_all())
            .filter(limit::Column::Id.eq(row.id))
            .filter(limit::Column::Version.eq(before.version))
            .exec(work.tx())
            .await?;
        if done.rows_affected != 1 {
            return Err(stale());
        }
    } else {
        if limit::Entity::find().filter(limit::Column::OrganisationId.eq(own)).count(work.tx()).await? >= MOST {
            return Err(Refusal::new(ErrorCode::TooMany).with("max", MOST.to_string()).into());
        }
        limit::Entity::insert(row.clone().into_active_model()).exec_without_returning(work.tx()).await?;
    }
    let was = before.as_ref().map_or(Value::Null, shown);
    work.audit(Some(own), "setSpendingLimit", encode(row.id).0, was, shown(&row));
    work.commit(row).await
}

async fn of_own(tx: &impl ConnectionTrait, own: OrganisationId, id: SpendingLimitId) -> Result<limit::Model, Error> {
    let row = limit::Entity::find_by_id(id).one(tx).await?.filter(|row| row.organisation_id == own);
    row.ok_or_else(|| not_found("id", encode(id).as_str()))
}

/// Removes a limit, and what is counted of it.
pub async fn remove(app: &App, call: &Call, id: SpendingLimitId, expected: i32) -> Result<limit::Model, Error> {
    let own = acting(call, Action::KeepPurchaseRules)?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let row = of_own(work.tx(), own, id).await?;
    fresh(row.version, expected)?;
    usage::Entity::delete_many().filter(usage::Column::LimitId.eq(id)).exec(work.tx()).await?;
    let done = limit::Entity::delete_many()
        .filter(limit::Column::Id.eq(id))
        .filter(limit::Column::Version.eq(expected))
        .exec(work.tx())
        .await?;
    if done.rows_affected != 1 {
        return Err(stale());
    }
    work.audit(Some(own), "removeSpendingLimit", encode(id).0, shown(&row), Value::Null);
    work.commit(row).await
}

/// The limits of the organisation acted for, the oldest first, and how they stand.
pub async fn list(db: &impl ConnectionTrait, viewer: &Viewer, now: DateTime<Utc>) -> Result<Vec<Standing>, Error> {
    let own = viewer.organisation().ok_or(Error::Forbidden)?;
    allowed(viewer, Action::ReadProcurement, Resource::of(own))?;
    let rows = limit::Entity::find()
        .filter(limit::Column::OrganisationId.eq(own))
        .order_by_asc(limit::Column::Id)
        .all(db)
        .await?;
    standing(db, rows, now).await
}

/// How one limit stands by now.
pub async fn stands(app: &App, row: limit::Model) -> Result<Standing, Error> {
    let mut found = standing(app.db().writer(), vec![row], app.clock().now()).await?;
    found.pop().ok_or_else(|| Error::internal("a limit is gone"))
}

/// How limits stand at a moment.
async fn standing(
    db: &impl ConnectionTrait,
    rows: Vec<limit::Model>,
    now: DateTime<Utc>,
) -> Result<Vec<Standing>, Error> {
    let today = business_day(now);
    let used = usage::Entity::find().filter(usage::Column::LimitId.is_in(rows.iter().map(|row| row.id)));
    let used = used.all(db).await?;
    let stands = |limit: limit::Model| {
        let period_start = limit.period.start(today, limit.valid_from);
        let of = used.iter().find(|row| row.limit_id == limit.id && row.period_start == period_start);
        Standing { period_start, spent_minor: of.map_or(0, |row| row.spent_minor), limit }
    };
    Ok(rows.into_iter().map(stands).collect())
}
