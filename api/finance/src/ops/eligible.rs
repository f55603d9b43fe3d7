//! Receivables held against a programme: everything that stands against each, how much of it is the base of an advance,
//! and what all of them would make, before anybody asks for money and again when somebody does.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::NaiveDate;
use entities::{
    finance::{
        Ineligibility, LimitKind,
        eligibility::{Facts, against},
        programme,
        quote::{self, Item, Quote},
        receivable::{self, MOST},
        request::{encumbrance, item},
    },
    party::Viewer,
    procurement::{matching::share, terms::WHOLE_PPM},
    values::{
        Calendar, ErrorCode, Money, Refusal, Roll,
        id::{OrganisationId, ReceivableId},
    },
};
use platform::{
    app::App,
    clock::business_day,
    error::{Error, not_found},
    graphql::encode,
};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, FromQueryResult, JoinType, QueryFilter, QuerySelect,
    sea_query::{Expr, ExprTrait},
};

use super::{
    limits::{self, Demand, Scope},
    receivables::at_item,
    standing::{self, Standing},
};

/// A receivable that somebody wants money on, and how much of it; left out: all that can be.
#[derive(Clone, Copy, Debug)]
#[expect(missing_docs, reason = "described in the schema")]
pub struct Wanted {
    pub id: ReceivableId,
    pub amount: Option<Money>,
}

/// A receivable held against a programme.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "described in the schema")]
pub struct Looked {
    pub row: receivable::Model,
    pub reasons: Vec<Ineligibility>,
    /// How much of it is the base of the advance, in minor units.
    pub base_minor: i64,
    /// How much of it is wanted: at most the base.
    pub face_minor: i64,
    /// When it is due, after the roll.
    pub due_on: NaiveDate,
}

impl Looked {
    /// What is advanced on it.
    pub fn principal_minor(&self, programme: &programme::Model) -> i64 {
        share(self.face_minor, programme.terms.advance_ppm)
    }
}

/// What the limits are asked for.
pub(super) fn demand(programme: &programme::Model, seller: OrganisationId, all: &[Looked]) -> Demand {
    let scope = |kind, seller, debtor, programme| Scope { kind, seller, debtor, programme }.key();
    let mut demand = Demand::new();
    let mut add = |key: String, kind: LimitKind, minor: i64| {
        let entry = demand.entry(key).or_insert((kind, 0));
        entry.1 += minor;
    };
    for one in all {
        // Nothing is wanted of what is not fundable; its limits are looked at all the same, for what is told of it.
        let minor = one.principal_minor(programme);
        let debtor = Some(one.row.debtor_id);
        add(scope(LimitKind::Debtor, None, debtor, None), LimitKind::Debtor, minor);
        add(scope(LimitKind::Programme, None, None, Some(programme.id)), LimitKind::Programme, minor);
        // Of payables finance the anchor's limit is taken, not its suppliers' (A10).
        if programme.technique != entities::finance::Technique::PayablesFinance {
            add(scope(LimitKind::Seller, Some(seller), None, None), LimitKind::Seller, minor);
            add(scope(LimitKind::Pair, Some(seller), debtor, None), LimitKind::Pair, minor);
        }
    }
    demand
}

#[derive(FromQueryResult)]
struct Aged {
    debtor_id: OrganisationId,
    outstanding: i64,
    overdue: i64,
}

/// What of each debtor's debts is overdue, in parts per million.
async fn overdue(
    db: &impl ConnectionTrait,
    debtors: &BTreeSet<OrganisationId>,
    today: NaiveDate,
) -> Result<HashMap<OrganisationId, i64>, Error> {
    use receivable::Column::{CreditedMinor, DebtorId, DueDate, FaceMinor, PaidMinor, SetOffMinor, WrittenOff};
    let left =
        || Expr::col(FaceMinor).sub(Expr::col(CreditedMinor)).sub(Expr::col(PaidMinor)).sub(Expr::col(SetOffMinor));
    let late = Expr::case(Expr::col(DueDate).lt(today), left()).finally(0_i64);
    // PostgreSQL adds whole numbers up to decimals.
    let sum = |of: sea_orm::sea_query::SimpleExpr| of.sum().cast_as("bigint");
    let rows = receivable::Entity::find()
        .select_only()
        .column(DebtorId)
        .column_as(sum(left()), "outstanding")
        .column_as(sum(late.into()), "overdue")
        .filter(DebtorId.is_in(debtors.iter().copied()))
        .filter(WrittenOff.eq(false))
        .group_by(DebtorId)
        .into_model::<Aged>();
    let share = |row: &Aged| i128::from(row.overdue) * i128::from(WHOLE_PPM) / i128::from(Ord::max(row.outstanding, 1));
    let rows = rows.all(db).await?;
    Ok(rows.iter().map(|row| (row.debtor_id, i64::try_from(share(row)).unwrap_or(i64::MAX))).collect())
}

#[derive(FromQueryResult)]
struct Out {
    debtor_id: OrganisationId,
    principal: i64,
}

/// What is out or asked for in a programme, by debtor.
async fn out(
    db: &impl ConnectionTrait,
    programme: &programme::Model,
    debtors: &BTreeSet<OrganisationId>,
) -> Result<HashMap<OrganisationId, i64>, Error> {
    let live = item::Entity::belongs_to(encumbrance::Entity)
        .from((item::Column::RequestId, item::Column::ReceivableId))
        .to((encumbrance::Column::RequestId, encumbrance::Column::ReceivableId))
        .into();
    let of = item::Entity::belongs_to(entities::finance::request::Entity)
        .from(item::Column::RequestId)
        .to(entities::finance::request::Column::Id)
        .into();
    let rows = item::Entity::find()
        .join(JoinType::InnerJoin, live)
        .join(JoinType::InnerJoin, of)
        .select_only()
        .column(item::Column::DebtorId)
        .column_as(Expr::col((item::Entity, item::Column::PrincipalMinor)).sum().cast_as("bigint"), "principal")
        .filter(encumbrance::Column::Live.eq(true))
        .filter(entities::finance::request::Column::ProgrammeId.eq(programme.id))
        .filter(item::Column::DebtorId.is_in(debtors.iter().copied()))
        .group_by(item::Column::DebtorId)
        .into_model::<Out>();
    Ok(rows.all(db).await?.into_iter().map(|row| (row.debtor_id, row.principal)).collect())
}

/// Holds receivables of one seller against a programme on a day. They come back in the order that they came in.
pub(super) async fn look(
    db: &impl ConnectionTrait,
    programme: &programme::Model,
    seller: OrganisationId,
    rows: Vec<(receivable::Model, Option<Money>)>,
    (today, funded_on): (NaiveDate, NaiveDate),
) -> Result<Vec<Looked>, Error> {
    let calendar = Calendar::china();
    let mut all = Vec::with_capacity(rows.len());
    for (n, (row, amount)) in rows.into_iter().enumerate() {
        let base_minor = if row.currency == programme.currency { programme.rules.base_minor(&row) } else { 0 };
        let face_minor = match amount {
            None => base_minor,
            Some(amount) if amount.currency != row.currency => {
                let refusal = Refusal::new(ErrorCode::InvalidCurrency).with("value", amount.currency.code());
                return Err(at_item(refusal.at("currency").at("amount").into(), n));
            }
            Some(amount) if amount.minor > 0 => amount.minor,
            Some(_) => {
                let range = Refusal::new(ErrorCode::OutOfRange).with("min", row.money(1).decimal().to_string());
                let range = range.with("max", row.money(base_minor).decimal().to_string());
                return Err(at_item(range.at("amount").into(), n));
            }
        };
        let due_on = calendar.roll(row.due_date, Roll::Following);
        all.push(Looked { row, reasons: Vec::new(), base_minor, face_minor: Ord::min(face_minor, base_minor), due_on });
    }
    let debtors: BTreeSet<OrganisationId> = all.iter().map(|one| one.row.debtor_id).collect();
    let mut parties = debtors.clone();
    parties.insert(seller);
    let standing = Standing::read(db, &parties).await?;
    let aged = overdue(db, &debtors, today).await?;
    let out = out(db, programme, &debtors).await?;
    let demand = demand(programme, seller, &all);
    let limits = limits::of(db, programme.financier_id, programme.currency, &demand).await?;
    let hashes: Vec<String> = all.iter().map(|one| one.row.fingerprint.clone()).collect();
    let financed = standing::live(db, &hashes).await?;
    let whole = limits.values().find(|row| row.kind == LimitKind::Programme).map(|row| row.sanctioned_minor);
    let asked = debtors.iter().map(|debtor| {
        let of = all.iter().filter(|one| one.row.debtor_id == *debtor).map(|one| one.principal_minor(programme));
        (*debtor, of.sum::<i64>())
    });
    let asked: BTreeMap<OrganisationId, i64> = asked.collect();
    for one in &mut all {
        let row = &one.row;
        let debtor = row.debtor_id;
        let of = Scope { kind: LimitKind::Debtor, seller: None, debtor: Some(debtor), programme: None };
        let pair = Scope { kind: LimitKind::Pair, seller: Some(seller), ..of };
        let others = [
            Scope { kind: LimitKind::Seller, seller: Some(seller), debtor: None, programme: None },
            Scope { kind: LimitKind::Programme, seller: None, debtor: None, programme: Some(programme.id) },
        ];
        let enough = |scope: Scope| match limits.get(&scope.key()) {
            Some(limit) => demand.get(&scope.key()).is_none_or(|(_, minor)| *minor <= limit.free_minor(today)),
            None => !programme.rules.limits.contains(&scope.kind),
        };
        let share = whole.map(|whole| {
            let minor = out.get(&debtor).copied().unwrap_or_default() + asked.get(&debtor).copied().unwrap_or_default();
            let share = i128::from(minor) * i128::from(WHOLE_PPM) / i128::from(Ord::max(whole, 1));
            i64::try_from(share).unwrap_or(i64::MAX)
        });
        let facts = Facts {
            related: standing.are_related(seller, debtor),
            sanctioned: standing.is_sanctioned(seller) || standing.is_sanctioned(debtor),
            known: standing.is_known(seller) && standing.is_known(debtor),
            overdue_ppm: aged.get(&debtor).copied().unwrap_or_default(),
            share_ppm: share,
            within_limits: [of, pair].into_iter().chain(others).all(enough),
            financed: financed.contains_key(&row.fingerprint),
        };
        one.reasons = against(row, (&programme.rules, programme.currency), &facts, funded_on);
        // Of payables finance the debtor is the anchor; any other's debt is not this programme's business.
        if programme.anchor_id.is_some_and(|anchor| anchor != debtor) && !one.reasons.contains(&Ineligibility::Limit) {
            one.reasons.push(Ineligibility::Limit);
        }
    }
    Ok(all)
}

/// What a programme makes of what is eligible; none: nothing is.
pub fn quoted(programme: &programme::Model, all: &[Looked], funded_on: NaiveDate) -> Result<Option<Quote>, Error> {
    let items: Vec<Item> = all
        .iter()
        .filter(|one| one.reasons.is_empty() && one.face_minor > 0)
        .map(|one| Item { face_minor: one.face_minor, due_on: one.due_on })
        .collect();
    if items.is_empty() {
        return Ok(None);
    }
    Ok(Some(quote::quote(&programme.terms, programme.currency, &items, funded_on)?))
}

/// Receivables of the organisation acted for, held against a programme; nothing is written.
pub async fn preview(
    app: &App,
    viewer: &Viewer,
    programme: &programme::Model,
    wanted: &[Wanted],
    funded_on: Option<NaiveDate>,
) -> Result<(Vec<Looked>, Option<Quote>), Error> {
    let own = viewer.organisation().ok_or(Error::Forbidden)?;
    if wanted.is_empty() || wanted.len() > MOST {
        return Err(Refusal::new(ErrorCode::TooMany).with("max", MOST.to_string()).at("items").into());
    }
    let db = app.db().read();
    let today = business_day(app.clock().now());
    let funded_on = funded_on.unwrap_or(today);
    on_time(today, funded_on)?;
    let rows = receivable::Entity::find()
        .filter(receivable::Column::Id.is_in(wanted.iter().map(|one| one.id)))
        .filter(receivable::Column::SellerId.eq(own));
    let mut found: HashMap<ReceivableId, receivable::Model> =
        rows.all(db).await?.into_iter().map(|row| (row.id, row)).collect();
    let mut rows = Vec::with_capacity(wanted.len());
    for (n, one) in wanted.iter().enumerate() {
        // What stands twice is missing the second time.
        let row = found.remove(&one.id).ok_or_else(|| at_item(not_found("id", encode(one.id).as_str()), n))?;
        rows.push((row, one.amount));
    }
    let all = look(db, programme, own, rows, (today, funded_on)).await?;
    let quote = quoted(programme, &all, funded_on)?;
    Ok((all, quote))
}

/// The day on which the money is wanted: today or later, and within a month.
pub(super) fn on_time(today: NaiveDate, funded_on: NaiveDate) -> Result<(), Error> {
    let last = today.checked_add_days(chrono::Days::new(30)).unwrap_or(today);
    if (today..=last).contains(&funded_on) {
        return Ok(());
    }
    let range = Refusal::new(ErrorCode::OutOfRange).with("min", today.to_string()).with("max", last.to_string());
    Err(range.at("fundedOn").into())
}
