//! Figures of procurement and what waits for whom, in the schema.

use async_graphql::{ComplexObject, Context, ID, InputObject, Object, Result, SimpleObject};
use catalog::graphql::Category;
use chrono::{DateTime, NaiveDate, Utc};
use entities::{
    party::Action,
    procurement::{
        TaskKind,
        analytics::{self, SpendDimension},
        tasks::Task,
    },
    values::{Currency, Money as Amount, id::OrganisationId},
};
use party::graphql::Organisation;
use platform::{
    graphql::{
        Connection, ContextExt, Money,
        connection::{list_cost, times},
    },
    page::PageArgs,
};

use crate::ops::{
    analytics::{Key, LeadTime, MOST_ROWS, Spend, lead_times, spend},
    tasks,
};

async fn organisation(context: &Context<'_>, id: OrganisationId) -> Result<Option<Organisation>> {
    Ok(party::loaders::of(context).load_one(id).await?.map(Organisation))
}

/// What was spent, of whom, in which category or in which month (支出).
#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex)]
pub(crate) struct SpendRow {
    #[graphql(skip)]
    key: Key,
    /// The month, by its first day; null unless it is added up by month.
    month: Option<NaiveDate>,
    /// How much, in renminbi, without tax.
    amount: Money,
    /// On how many lines of invoices.
    lines: i64,
    /// What of all of it that is, in parts per million.
    share_ppm: i32,
}

impl From<Spend> for SpendRow {
    fn from(row: Spend) -> Self {
        let month = match row.key {
            Key::Month(first) => Some(first),
            Key::Supplier(_) | Key::Category(_) => None,
        };
        Self {
            key: row.key,
            month,
            amount: Amount { minor: row.minor, currency: Currency::CNY }.into(),
            lines: row.lines,
            share_ppm: row.share_ppm,
        }
    }
}

#[ComplexObject]
impl SpendRow {
    /// At whom; null unless it is added up by supplier.
    async fn supplier(&self, context: &Context<'_>) -> Result<Option<Organisation>> {
        match self.key {
            Key::Supplier(id) => organisation(context, id).await,
            Key::Category(_) | Key::Month(_) => Ok(None),
        }
    }

    /// In which category; null unless it is added up by category, and of nothing of the catalogue.
    async fn category(&self, context: &Context<'_>) -> Result<Option<Category>> {
        match self.key {
            Key::Category(Some(id)) => Ok(catalog::loaders::of(context).load_one(id).await?.map(Category)),
            Key::Category(None) | Key::Supplier(_) | Key::Month(_) => Ok(None),
        }
    }
}

/// How many days something took, over several orders (天数统计).
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct LeadTimeDays {
    /// On average, with one digit.
    average: String,
    /// Half of them took no longer; with one digit.
    median: String,
    /// The longest.
    max: i64,
}

impl From<analytics::Days> for LeadTimeDays {
    fn from(days: analytics::Days) -> Self {
        Self { average: format!("{:.1}", days.average), median: format!("{:.1}", days.median), max: days.max }
    }
}

/// How long a supplier takes from when an order is sent (交货周期).
#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex)]
pub(crate) struct LeadTimeRow {
    #[graphql(skip)]
    supplier_id: OrganisationId,
    /// Of how many orders.
    orders: usize,
    /// Until the first delivery.
    first_delivery: LeadTimeDays,
    /// Until the last delivery so far.
    last_delivery: LeadTimeDays,
}

impl From<LeadTime> for LeadTimeRow {
    fn from(row: LeadTime) -> Self {
        Self {
            supplier_id: row.supplier,
            orders: row.first.count,
            first_delivery: row.first.into(),
            last_delivery: row.last.into(),
        }
    }
}

#[ComplexObject]
impl LeadTimeRow {
    /// Who.
    async fn supplier(&self, context: &Context<'_>) -> Result<Option<Organisation>> {
        organisation(context, self.supplier_id).await
    }
}

/// Something that waits for the viewer (采购待办).
#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex)]
pub(crate) struct ProcurementTask {
    #[graphql(skip)]
    other: Option<OrganisationId>,
    /// What is to be done.
    kind: TaskKind,
    /// About which thing, for `node`.
    node_id: ID,
    /// What people call that thing: its number.
    number: String,
    /// Since when it waits.
    since: DateTime<Utc>,
    /// Until when it should be done.
    due_at: Option<DateTime<Utc>>,
    /// Whether that is over.
    overdue: bool,
}

impl ProcurementTask {
    fn of(task: Task, now: DateTime<Utc>) -> Self {
        Self {
            other: task.other,
            kind: task.kind,
            node_id: tasks::node(task.subject),
            number: task.number,
            since: task.since,
            due_at: task.due_at,
            overdue: task.due_at.is_some_and(|due| due <= now),
        }
    }
}

#[ComplexObject]
impl ProcurementTask {
    /// The other side of it, when there is one.
    async fn other_side(&self, context: &Context<'_>) -> Result<Option<Organisation>> {
        match self.other {
            Some(id) => organisation(context, id).await,
            None => Ok(None),
        }
    }
}

/// What of spending is asked for (支出分析).
#[derive(InputObject)]
pub(crate) struct SpendAnalyticsInput {
    /// From this day on, by the dates of invoices.
    from: NaiveDate,
    /// Up to this day, itself included; at most three years.
    to: NaiveDate,
    /// By what it is added up.
    by: SpendDimension,
}

/// Queries about figures of procurement, and what waits for whom.
#[derive(Default)]
pub(crate) struct InsightQuery;

#[Object]
impl InsightQuery {
    /// What the organisation acted for spent: its approved invoices without tax, less debit notes, in renminbi by the rates
    /// that were fixed with its orders. By supplier and category at most 200 rows, the most first; by month the oldest
    /// first (支出分析).
    #[graphql(complexity = "times(MOST_ROWS, child_complexity)")]
    async fn spend_analytics(&self, context: &Context<'_>, input: SpendAnalyticsInput) -> Result<Vec<SpendRow>> {
        context.may(Action::ReadProcurement)?;
        let days = (input.from, input.to);
        let rows = spend(context.app().db().read(), context.viewer(), days, input.by).await?;
        Ok(rows.into_iter().map(SpendRow::from).collect())
    }

    /// How long suppliers of the organisation acted for took, of orders that were sent from a day to another and of which
    /// something came; at most 200 rows, those with the most orders first (交货周期分析).
    #[graphql(complexity = "times(MOST_ROWS, child_complexity)")]
    async fn lead_times(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "From this day on.")] from: NaiveDate,
        #[graphql(desc = "Up to this day, itself included; at most three years.")] to: NaiveDate,
    ) -> Result<Vec<LeadTimeRow>> {
        context.may(Action::ReadProcurement)?;
        let rows = lead_times(context.app().db().read(), context.viewer(), from, to).await?;
        Ok(rows.into_iter().map(LeadTimeRow::from).collect())
    }

    /// What waits for the viewer in procurement, of what it may do: what is due first comes first (我的采购待办).
    #[graphql(complexity = "list_cost(first, last, child_complexity)")]
    async fn my_tasks(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Size of the page, at most 100.")] first: Option<i32>,
        #[graphql(desc = "The page starts after this cursor.")] after: Option<String>,
        #[graphql(desc = "Size of a page that is read backwards.")] last: Option<i32>,
        #[graphql(desc = "The page ends before this cursor.")] before: Option<String>,
    ) -> Result<Connection<ProcurementTask>> {
        context.may(Action::ReadProcurement)?;
        let page = PageArgs::relay(first, after.as_deref(), last, before.as_deref())?;
        let now = context.app().clock().now();
        let all = tasks::my_tasks(context.app().db().read(), context.viewer(), now).await?;
        let total = context.wants_total().then(|| i64::try_from(all.len()).unwrap_or(i64::MAX));
        let rows = tasks::page(all, &page)?;
        Ok(Connection::new(rows, total, |task| (tasks::cursor(&task), ProcurementTask::of(task, now))))
    }
}
