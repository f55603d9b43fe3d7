//! What is read of exports.

use chrono::{DateTime, NaiveDate, Utc};
use entities::{
    customs::export::{
        declaration::{self, ExportState},
        facts::{ExportMode, StatisticsFlag},
        summarised::{self, SummaryState},
        summary::month_of,
    },
    party::Viewer,
    values::id::{ExportId, ExportSummaryId},
};
use sea_orm::{ColumnTrait, Condition, ConnectionTrait, Order, QueryFilter};

use crate::platform::{
    error::Error,
    page::{Cursor, Page, PageArgs},
};

/// Names of the orders of lists, for cursors.
const NEWEST: &str = "newest-export";
const NEWEST_SUMMARY: &str = "newest-export-summary";

/// Which exports.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Only in one of these states.
    pub states: Vec<ExportState>,
    /// Only of these modes.
    pub modes: Vec<ExportMode>,
    /// Only simplified, or only summarised ones.
    pub flag: Option<StatisticsFlag>,
    /// Only those at which a person must do something: stuck, odd, or waiting since before this moment.
    pub to_do: Option<DateTime<Utc>>,
    /// Only of this order.
    pub order_no: Option<String>,
    /// Only those of this summary.
    pub summary: Option<ExportSummaryId>,
}

/// An export that the viewer may see.
pub async fn find(
    db: &impl ConnectionTrait,
    viewer: &Viewer,
    id: ExportId,
) -> Result<Option<declaration::Model>, Error> {
    Ok(declaration::Entity::visible_to(viewer).filter(declaration::Column::Id.eq(id)).one(db).await?)
}

/// Exports that the viewer may see, newest first.
pub async fn list(
    db: &impl ConnectionTrait,
    viewer: &Viewer,
    filter: &Filter,
    page: &PageArgs,
) -> Result<Page<declaration::Model>, Error> {
    use declaration::Column as C;
    let stuck = [ExportState::ToEnter, ExportState::Detained, ExportState::Failed, ExportState::Rejected];
    let waits = [ExportState::Waiting, ExportState::Declared];
    let silent = |since: DateTime<Utc>| Condition::all().add(C::State.is_in(waits)).add(C::UpdatedAt.lt(since));
    let to_do = |since: DateTime<Utc>| {
        Condition::any().add(C::State.is_in(stuck)).add(C::Alarm.is_not_null()).add(silent(since))
    };
    let only = Condition::all()
        .add_option((!filter.states.is_empty()).then(|| C::State.is_in(filter.states.iter().copied())))
        .add_option((!filter.modes.is_empty()).then(|| C::Mode.is_in(filter.modes.iter().copied())))
        .add_option(filter.flag.map(|flag| C::Flag.eq(flag)))
        .add_option(filter.to_do.map(to_do))
        .add_option(filter.order_no.as_ref().map(|number| C::OrderNo.eq(number)))
        .add_option(filter.summary.map(|summary| C::SummaryId.eq(summary)));
    page.by_id(db, declaration::Entity::visible_to(viewer).filter(only), C::Id, NEWEST, Order::Desc).await
}

/// The cursor of an export in that list.
pub fn cursor(row: &declaration::Model) -> Cursor {
    Cursor::of_id(NEWEST, row.id)
}

/// Which summaries.
#[derive(Clone, Debug, Default)]
pub struct SummaryFilter {
    /// Only in one of these states.
    pub states: Vec<SummaryState>,
    /// Only of the month of this day.
    pub month: Option<NaiveDate>,
}

/// Summaries that the viewer may see, newest first.
pub async fn summaries(
    db: &impl ConnectionTrait,
    viewer: &Viewer,
    filter: &SummaryFilter,
    page: &PageArgs,
) -> Result<Page<summarised::Model>, Error> {
    use summarised::Column as C;
    let only = Condition::all()
        .add_option((!filter.states.is_empty()).then(|| C::State.is_in(filter.states.iter().copied())))
        .add_option(filter.month.map(|day| C::Month.eq(month_of(day))));
    page.by_id(db, summarised::Entity::visible_to(viewer).filter(only), C::Id, NEWEST_SUMMARY, Order::Desc).await
}

/// The cursor of a summary in that list.
pub fn summary_cursor(row: &summarised::Model) -> Cursor {
    Cursor::of_id(NEWEST_SUMMARY, row.id)
}
