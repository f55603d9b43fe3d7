//! Figures of a showroom in the schema. Rates are parts per million, and null where there is nothing to compare with.

use async_graphql::{Context, ID, Object, Result};
use chrono::{DateTime, NaiveDate, Utc};
use entities::{
    party::Action,
    showroom::{
        figures::{Counts, Dwell, Granularity, MOST_SPANS, Span},
        sheet::Sheet,
    },
    values::{self, Currency},
};
use platform::{
    error::Error,
    graphql::{
        Connection, ContextExt, Money,
        connection::{list_cost, times},
        decode, encode,
    },
    page::PageArgs,
};

use crate::ops::{
    figures::{self as ops, Figures, Range, SlotFigures, StaffFigures},
    figures_sheet,
};

fn money<'a>(amounts: impl IntoIterator<Item = (&'a Currency, &'a i64)>) -> Vec<Money> {
    amounts.into_iter().map(|(currency, minor)| values::Money { minor: *minor, currency: *currency }.into()).collect()
}

/// What was counted (门店指标).
#[derive(Clone, Debug)]
pub struct ShowroomCounts(Counts);

/// What was counted (门店指标).
#[Object]
impl ShowroomCounts {
    /// How many came in, without the team (进店人数).
    async fn entered(&self) -> i64 {
        self.0.entered
    }

    /// How often something was scanned, without the team (扫码次数).
    async fn scans(&self) -> i64 {
        self.0.scans
    }

    /// How many people scanned (扫码人数).
    async fn unique_scanners(&self) -> i64 {
        self.0.scanners
    }

    /// How many orders the showroom brought about, of which not everything came back (订单数).
    async fn orders(&self) -> i64 {
        self.0.orders
    }

    /// What these were sold for and did not come back, in each currency (成交额).
    async fn revenue(&self) -> Vec<Money> {
        money(&self.0.revenue)
    }

    /// People who scanned, of those who came in, in parts per million; null: nobody came in (扫码率).
    async fn scan_rate_ppm(&self) -> Option<i32> {
        self.0.scan_rate()
    }

    /// Orders, of those who came in, in parts per million; null: nobody came in (客流成交率).
    async fn conversion_ppm(&self) -> Option<i32> {
        self.0.conversion()
    }

    /// Orders, of those who scanned, in parts per million; null: nobody scanned (扫码成交率).
    async fn scan_to_order_ppm(&self) -> Option<i32> {
        self.0.scan_to_order()
    }
}

/// A part of a range, and what was counted in it (分时指标).
#[derive(Clone, Debug)]
pub struct ShowroomBucket(Span, Counts);

/// A part of a range, and what was counted in it (分时指标).
#[Object]
impl ShowroomBucket {
    /// The business day on which it begins (起始日).
    async fn day(&self) -> NaiveDate {
        self.0.day()
    }

    /// From when (开始时间).
    async fn starts_at(&self) -> DateTime<Utc> {
        self.0.from
    }

    /// Until before when (结束时间).
    async fn ends_at(&self) -> DateTime<Utc> {
        self.0.to
    }

    /// What was counted (指标).
    async fn counts(&self) -> ShowroomCounts {
        ShowroomCounts(self.1.clone())
    }
}

/// How long visits were that are over (停留时长).
#[derive(Clone, Copy, Debug)]
pub struct ShowroomDwell(Dwell);

/// How long visits were that are over (停留时长).
#[Object]
impl ShowroomDwell {
    /// Of how many visits that is known (样本数).
    async fn visits(&self) -> i32 {
        i32::try_from(self.0.visits).unwrap_or(i32::MAX)
    }

    /// Their average, in whole minutes; null: there are none (平均时长).
    async fn average_minutes(&self) -> Option<i64> {
        self.0.average
    }

    /// Their median, in whole minutes; null: there are none (时长中位数).
    async fn median_minutes(&self) -> Option<i64> {
        self.0.median
    }
}

/// What a slot of the floor brought (陈列位指标).
#[derive(Clone, Debug)]
pub struct ShowroomSlotFigures(SlotFigures);

/// What a slot of the floor brought (陈列位指标).
#[Object]
impl ShowroomSlotFigures {
    /// Which slot.
    async fn slot_id(&self) -> ID {
        encode(self.0.slot)
    }

    /// Its code, unique on its fixture (陈列位编码).
    async fn code(&self) -> &str {
        &self.0.code
    }

    /// The code of its fixture (货架编码).
    async fn fixture(&self) -> &str {
        &self.0.fixture
    }

    /// Whether something stood there (是否有陈列).
    async fn stood(&self) -> bool {
        self.0.stood
    }

    /// Whether something stood there and nobody scanned or bought it (是否为冷门位).
    async fn dead(&self) -> bool {
        self.0.dead()
    }

    /// How often it was scanned, without the team (扫码次数).
    async fn scans(&self) -> i64 {
        self.0.counts.scans
    }

    /// How many people scanned it (扫码人数).
    async fn unique_scanners(&self) -> i64 {
        self.0.counts.scanners
    }

    /// How many orders it brought about, of which not everything came back (订单数).
    async fn orders(&self) -> i64 {
        self.0.counts.orders
    }

    /// What these were sold for and did not come back, in each currency (成交额).
    async fn revenue(&self) -> Vec<Money> {
        money(&self.0.counts.revenue)
    }

    /// Orders, of those who scanned it, in parts per million; null: nobody did (扫码成交率).
    async fn scan_to_order_ppm(&self) -> Option<i32> {
        self.0.counts.scan_to_order()
    }
}

/// What somebody of the team brought about (人员业绩).
#[derive(Clone, Debug)]
pub struct ShowroomStaffFigures(StaffFigures);

/// What somebody of the team brought about (人员业绩).
#[Object]
impl ShowroomStaffFigures {
    /// Who.
    async fn person_id(&self) -> ID {
        encode(self.0.person)
    }

    /// The name that colleagues see (姓名).
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// How many orders, of which not everything came back (订单数).
    async fn orders(&self) -> i64 {
        self.0.orders
    }

    /// What these were sold for and did not come back, in each currency (成交额).
    async fn revenue(&self) -> Vec<Money> {
        money(&self.0.revenue)
    }

    /// What of it is theirs, in each currency (提成).
    async fn commission(&self) -> Vec<Money> {
        money(&self.0.commission)
    }
}

/// Figures of a showroom over a range of days (门店统计).
#[derive(Clone, Debug)]
pub struct ShowroomFigures(Figures);

/// Figures of a showroom over a range of days (门店统计).
#[Object]
impl ShowroomFigures {
    /// All together; who scanned in several parts is counted once (合计).
    async fn total(&self) -> ShowroomCounts {
        ShowroomCounts(self.0.total.clone())
    }

    /// The parts of the range, first first, also those in which nothing happened: at most 744 (分时指标).
    #[graphql(complexity = "times(MOST_SPANS, child_complexity)")]
    async fn buckets(&self) -> Vec<ShowroomBucket> {
        self.0.buckets.iter().map(|(span, counts)| ShowroomBucket(*span, counts.clone())).collect()
    }

    /// How long visits were that began in the range and are over (停留时长).
    #[graphql(complexity = "10 + child_complexity")]
    async fn dwell(&self, context: &Context<'_>) -> Result<ShowroomDwell> {
        Ok(ShowroomDwell(ops::dwell(context.app().db().read(), &self.0).await?))
    }

    /// Slots in which something stood or happened, those that took most yuan first (陈列位排行).
    #[graphql(complexity = "list_cost(first, last, child_complexity)")]
    async fn slots(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Only those that nobody scanned or bought, or only the others.")] dead: Option<bool>,
        #[graphql(desc = "Size of the page, at most 100.")] first: Option<i32>,
        #[graphql(desc = "The page starts after this cursor.")] after: Option<String>,
        #[graphql(desc = "Size of a page that is read backwards.")] last: Option<i32>,
        #[graphql(desc = "The page ends before this cursor.")] before: Option<String>,
    ) -> Result<Connection<ShowroomSlotFigures>> {
        let page = PageArgs::relay(first, after.as_deref(), last, before.as_deref())?;
        let all = ops::slots(context.app().db().read(), &self.0).await?;
        let rows = ops::page_of_slots(all, dead, &page)?;
        Ok(Connection::new(rows, None, |row| (ops::slot_cursor(&row), ShowroomSlotFigures(row))))
    }

    /// What each of the team brought about, who sold most yuan first. Who only works there sees its own (人员业绩).
    #[graphql(complexity = "times(20, child_complexity)")]
    async fn staff(&self, context: &Context<'_>) -> Result<Vec<ShowroomStaffFigures>> {
        let rows = ops::staff(context.app().db().read(), context.viewer(), &self.0).await?;
        Ok(rows.into_iter().map(ShowroomStaffFigures).collect())
    }
}

async fn found(context: &Context<'_>, showroom: &ID, range: Range) -> Result<Option<Figures>, Error> {
    let Ok(showroom) = decode(showroom, "showroomId") else { return Ok(None) };
    ops::figures(context.app().db().read(), context.viewer(), showroom, range).await
}

/// Queries about figures of showrooms.
#[derive(Default)]
pub struct FigureQuery;

#[Object]
impl FigureQuery {
    /// Figures of a showroom over a range of business days, for its team and headquarters; null when there is no such
    /// showroom or it may not be seen. Of at most 31 days by hours, of at most 400 otherwise (门店统计).
    #[graphql(complexity = "20 + child_complexity")]
    async fn showroom_figures(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Of which showroom.")] showroom_id: ID,
        #[graphql(desc = "The first day.")] from: NaiveDate,
        #[graphql(desc = "The last day.")] to: NaiveDate,
        #[graphql(desc = "Into which parts it is cut.", default_with = "Granularity::Day")] granularity: Granularity,
    ) -> Result<Option<ShowroomFigures>> {
        context.may(Action::ReadShowrooms)?;
        let figures = found(context, &showroom_id, Range { from, to, granularity }).await?;
        Ok(figures.map(ShowroomFigures))
    }

    /// The same as a table for spreadsheets, as RFC 4180 has them (门店统计导出).
    #[graphql(complexity = 1000)]
    async fn showroom_figures_csv(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Of which showroom.")] showroom_id: ID,
        #[graphql(desc = "The first day.")] from: NaiveDate,
        #[graphql(desc = "The last day.")] to: NaiveDate,
        #[graphql(desc = "Into which parts it is cut.", default_with = "Granularity::Day")] granularity: Granularity,
        #[graphql(desc = "Which table.", default_with = "Sheet::Buckets")] sheet: Sheet,
    ) -> Result<Option<String>> {
        context.may(Action::ReadShowrooms)?;
        let Some(figures) = found(context, &showroom_id, Range { from, to, granularity }).await? else {
            return Ok(None);
        };
        let text = figures_sheet::sheet(context.app().db().read(), context.viewer(), &figures, sheet).await?;
        Ok(Some(text))
    }
}
