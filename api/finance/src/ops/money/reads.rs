//! What is asked of financings: lists, what happened to one, its ledger; what a bank has out with whom, and how late.

use std::collections::HashMap;

use chrono::{Duration, NaiveDate};
use entities::{
    finance::{
        financing::{self, FinancingState, fact, posting},
        ledger::{FinanceAccount, Leg, added},
        receivable,
        settlement::Allocation,
    },
    party::Viewer,
    values::{
        Currency,
        id::{FinancingFactId, FinancingId, FinancingRequestId, ReceivableId},
    },
};
use platform::{
    error::Error,
    page::{Cursor, Page, PageArgs},
};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, FromQueryResult, JoinType, Order, QueryFilter, QueryOrder,
    QuerySelect, Select,
    sea_query::{Expr, ExprTrait, SimpleExpr},
};
use uuid::Uuid;

use super::facts_of;

const NEWEST: &str = "newest-financing";
const FIRST_FACT: &str = "first-financing-fact";
const FIRST_POSTING: &str = "first-finance-posting";
/// Most rows of what a bank has out.
const MOST_ROWS: usize = 100;

/// Which financings.
#[derive(Clone, Copy, Debug, Default)]
#[expect(missing_docs, reason = "described in the schema")]
pub struct Filter {
    pub state: Option<FinancingState>,
    pub request: Option<FinancingRequestId>,
    pub receivable: Option<ReceivableId>,
    pub overdue: bool,
    pub uncovered: bool,
}

/// Financings that the viewer may see, newest first.
pub async fn list(
    db: &impl ConnectionTrait,
    viewer: &Viewer,
    filter: Filter,
    today: NaiveDate,
    page: &PageArgs,
) -> Result<Page<financing::Model>, Error> {
    use financing::Column::{DueOn, ReceivableId, RequestId, State};
    let late = filter.overdue.then(|| Condition::all().add(State.eq(FinancingState::Open)).add(DueOn.lt(today)));
    let only = Condition::all()
        .add_option(filter.state.map(|state| State.eq(state)))
        .add_option(filter.request.map(|id| RequestId.eq(id)))
        .add_option(filter.receivable.map(|id| ReceivableId.eq(id)))
        .add_option(late);
    let mut list = financing::Entity::visible_to(viewer).filter(only);
    if filter.uncovered {
        list = uncovered(list);
    }
    page.by_id(db, list, financing::Column::Id, NEWEST, Order::Desc).await
}

/// Those of which more is owed than the debtor still has to pay: more than any of the ways to reckon that leaves, as
/// `financing::Model::uncovered_minor` has it.
fn uncovered(list: Select<financing::Entity>) -> Select<financing::Entity> {
    use financing::Column::{CollectedMinor, FaceMinor, OwedMinor};
    let own = |column: financing::Column| Expr::col((financing::Entity, column));
    let of = |column: receivable::Column| Expr::col((receivable::Entity, column));
    let left = || {
        of(receivable::Column::FaceMinor)
            .sub(of(receivable::Column::CreditedMinor))
            .sub(of(receivable::Column::SetOffMinor))
    };
    let more = Condition::any()
        .add(own(OwedMinor).gt(left().sub(of(receivable::Column::PaidMinor))))
        .add(own(OwedMinor).gt(left().sub(own(CollectedMinor))))
        .add(own(OwedMinor).gt(own(FaceMinor).sub(own(CollectedMinor))));
    let receivables = financing::Entity::belongs_to(receivable::Entity)
        .from(financing::Column::ReceivableId)
        .to(receivable::Column::Id)
        .into();
    list.join(JoinType::InnerJoin, receivables).filter(OwedMinor.gt(0_i64)).filter(more)
}

/// The cursor of a financing in that list.
pub fn cursor(row: &financing::Model) -> Cursor {
    Cursor::of_id(NEWEST, row.id)
}

/// A financing; none when there is none or it may not be seen.
pub async fn find(
    db: &impl ConnectionTrait,
    viewer: &Viewer,
    id: FinancingId,
) -> Result<Option<financing::Model>, Error> {
    Ok(financing::Entity::visible_to(viewer).filter(financing::Column::Id.eq(id)).one(db).await?)
}

/// Something that happened, and what became of money that came with it, as all that happened since has it.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "a row and what is computed of it")]
pub struct Happened {
    pub row: fact::Model,
    pub allocation: Option<Allocation>,
    pub reversed_by: Option<FinancingFactId>,
}

/// What happened to a financing, first first; who sees the financing sees it. There are at most a thousand that are
/// folded, so that a page is one of all of them.
pub async fn facts(db: &impl ConnectionTrait, of: &financing::Model, page: &PageArgs) -> Result<Page<Happened>, Error> {
    let all = facts_of(db, &[of.id]).await?.remove(&of.id).unwrap_or_default();
    // What became known a moment ago may be of a later day than the figures that were read before.
    let as_of = all.iter().map(|fact| fact.value_date).fold(of.accrued_to, Ord::max);
    let settled = of.settled(&all, as_of)?;
    let allocations: HashMap<Uuid, Allocation> = settled.allocations.into_iter().collect();
    let reversed: HashMap<FinancingFactId, FinancingFactId> =
        all.iter().filter_map(|fact| Some((fact.reverses_id?, fact.id))).collect();
    let happened = all.into_iter().map(|row| Happened {
        allocation: allocations.get(&row.id.0).copied(),
        reversed_by: reversed.get(&row.id).copied(),
        row,
    });
    page.slice(happened.collect(), fact_cursor)
}

/// The cursor of a fact in that list.
pub fn fact_cursor(one: &Happened) -> Cursor {
    Cursor::of_id(FIRST_FACT, one.row.id)
}

/// The postings of a financing by their legs, first first; who sees the financing sees them.
pub async fn postings(
    db: &impl ConnectionTrait,
    of: FinancingId,
    page: &PageArgs,
) -> Result<Page<posting::Model>, Error> {
    let list = posting::Entity::find().filter(posting::Column::FinancingId.eq(of));
    page.by_id(db, list, posting::Column::Id, FIRST_POSTING, Order::Asc).await
}

/// The cursor of a leg in that list.
pub fn posting_cursor(row: &posting::Model) -> Cursor {
    Cursor::of_id(FIRST_POSTING, row.id)
}

/// What the accounts of a financing hold by its postings, in their order.
pub async fn accounts(db: &impl ConnectionTrait, of: FinancingId) -> Result<Vec<Leg>, Error> {
    let sums = posting::Entity::find()
        .select_only()
        .column(posting::Column::Account)
        .column_as(sum(Expr::col(posting::Column::AmountMinor)), "amount")
        .filter(posting::Column::FinancingId.eq(of))
        .group_by(posting::Column::Account);
    let sums: Vec<(FinanceAccount, i64)> = sums.into_tuple().all(db).await?;
    Ok(added(sums.into_iter().map(|(account, amount_minor)| Leg { account, amount_minor })))
}

/// By what one sums up what is out (敞口维度).
#[derive(Clone, Copy, Debug, PartialEq, Eq, async_graphql::Enum)]
#[graphql(name = "ExposureDimension")]
pub enum Dimension {
    /// By who is to pay (债务人).
    Debtor,
    /// By who had the money (卖方).
    Seller,
    /// By programme (项目).
    Programme,
}

/// What is out with somebody, or in a programme, in one currency.
#[derive(Clone, Debug, FromQueryResult)]
#[expect(missing_docs, reason = "described in the schema")]
pub struct Exposed {
    pub party: Uuid,
    pub currency: Currency,
    pub principal: i64,
    pub owed: i64,
    pub overdue: i64,
    pub financings: i64,
}

/// What the bank acted for has out; all banks, to who oversees the zone.
fn out_of(viewer: &Viewer) -> Select<financing::Entity> {
    let open = financing::Entity::find().filter(financing::Column::State.eq(FinancingState::Open));
    if viewer.oversees() {
        return open;
    }
    match viewer.organisation() {
        Some(own) => open.filter(financing::Column::FinancierId.eq(own)),
        None => open.filter(Expr::val(false)),
    }
}

/// A sum of whole numbers: `PostgreSQL` adds them up to decimals.
fn sum(of: SimpleExpr) -> SimpleExpr {
    of.sum().cast_as("bigint")
}

/// What a bank has out, the most first, at most a hundred rows.
pub async fn exposure(
    db: &impl ConnectionTrait,
    viewer: &Viewer,
    by: Dimension,
    today: NaiveDate,
) -> Result<Vec<Exposed>, Error> {
    use financing::Column::{Currency, DebtorId, DueOn, Id, OwedMinor, PrincipalMinor, ProgrammeId, SellerId};
    let party = match by {
        Dimension::Debtor => DebtorId,
        Dimension::Seller => SellerId,
        Dimension::Programme => ProgrammeId,
    };
    let late = Expr::case(Expr::col(DueOn).lt(today), Expr::col(OwedMinor)).finally(0_i64);
    let rows = out_of(viewer)
        .select_only()
        .column_as(party, "party")
        .column(Currency)
        .column_as(sum(Expr::col(PrincipalMinor)), "principal")
        .column_as(sum(Expr::col(OwedMinor)), "owed")
        .column_as(sum(late.into()), "overdue")
        .column_as(Expr::col(Id).count(), "financings")
        .group_by(party)
        .group_by(Currency);
    let mut rows: Vec<Exposed> = rows.into_model::<Exposed>().all(db).await?;
    rows.sort_by_key(|row| (std::cmp::Reverse(row.principal), row.party, row.currency));
    rows.truncate(MOST_ROWS);
    Ok(rows)
}

/// Days overdue from one to another; none: and beyond.
pub const BUCKETS: [(i64, Option<i64>); 5] = [(0, Some(0)), (1, Some(30)), (31, Some(60)), (61, Some(90)), (91, None)];

/// What is out in one currency and so many days overdue.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "described in the schema")]
pub struct Aged {
    pub from_days: i64,
    pub to_days: Option<i64>,
    pub currency: Currency,
    pub principal: i64,
    pub owed: i64,
    pub financings: i64,
}

/// What a bank has out by how many days it is overdue, by currency, what is not overdue first.
pub async fn ageing(db: &impl ConnectionTrait, viewer: &Viewer, today: NaiveDate) -> Result<Vec<Aged>, Error> {
    use financing::Column::{Currency as Of, DueOn, Id, OwedMinor, PrincipalMinor};
    let before = |days: i64| today.checked_sub_signed(Duration::days(days)).unwrap_or(today);
    let mut aged = Vec::new();
    for (from_days, to_days) in BUCKETS {
        let since = (from_days > 0).then(|| DueOn.lte(before(from_days)));
        let until = to_days.map(|days| DueOn.gte(before(days)));
        let rows = out_of(viewer)
            .filter(Condition::all().add_option(since).add_option(until))
            .select_only()
            .column(Of)
            .column_as(sum(Expr::col(PrincipalMinor)), "principal")
            .column_as(sum(Expr::col(OwedMinor)), "owed")
            .column_as(Expr::col(Id).count(), "financings")
            .group_by(Of)
            .order_by_asc(Of);
        let rows: Vec<(Currency, i64, i64, i64)> = rows.into_tuple().all(db).await?;
        aged.extend(rows.into_iter().map(|(currency, principal, owed, financings)| Aged {
            from_days,
            to_days,
            currency,
            principal,
            owed,
            financings,
        }));
    }
    aged.sort_by_key(|row| (row.currency, row.from_days));
    Ok(aged)
}
