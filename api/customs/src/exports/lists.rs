//! What is read of exports.

use chrono::{DateTime, NaiveDate, Utc};
use entities::{
    customs::{
        export::{
            about,
            declaration::{self, ExportState},
            facts::{ExportMode, StatisticsFlag},
            line,
            summarised::{self, SummaryState},
            summary::month_of,
        },
        paper::{self, PaperKind, PaperState},
    },
    party::Viewer,
    values::id::{ExportId, ExportSummaryId},
};
use platform::{
    error::Error,
    page::{Cursor, Page, PageArgs},
};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, ExprTrait, Order, QueryFilter,
    sea_query::{Alias, Expr, Query, SelectStatement},
};

/// Names of the orders of lists, for cursors.
const NEWEST: &str = "newest-export";
const NEWEST_SUMMARY: &str = "newest-export-summary";
const LINES: &str = "export-lines";

/// Which exports.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Only in one of these states.
    pub states: Vec<ExportState>,
    /// Only of these modes.
    pub modes: Vec<ExportMode>,
    /// Only simplified, or only summarised ones.
    pub flag: Option<StatisticsFlag>,
    /// Only those at which a person must do something: stuck, odd, refused under way, or waiting since before this moment.
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
    let waits = [ExportState::Waiting, ExportState::Declared];
    let silent = |since: DateTime<Utc>| Condition::all().add(C::State.is_in(waits)).add(C::UpdatedAt.lt(since));
    let to_do = |since: DateTime<Utc>| {
        Condition::any()
            .add(C::State.is_in(ExportState::STUCK))
            .add(C::Alarm.is_not_null())
            .add(silent(since))
            .add(unheard(since))
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

/// While customs considers a list, its withdrawal is waited for.
const CONSIDERED: [ExportState; 2] = [ExportState::Declared, ExportState::Held];
/// While it can still be reported on.
const UNDER_WAY: [ExportState; 4] =
    [ExportState::Declared, ExportState::Held, ExportState::Released, ExportState::Arrived];
/// Nothing is waited for.
const OVER: [ExportState; 2] = [ExportState::Cancelled, ExportState::Returned];
const WITHDRAWAL: [PaperKind; 1] = [PaperKind::ExportCancellation];
const MOVING: [PaperKind; 3] = [PaperKind::Consignment, PaperKind::Arrival, PaperKind::Departure];

/// Whether what was said of an export after its list is refused, or nobody has answered it since that moment, and nothing was
/// said of it anew. What customs has decided meanwhile is not waited for.
fn unheard(since: DateTime<Utc>) -> Condition {
    use declaration::Column as C;
    let said = |kinds: &[PaperKind], states: &[PaperState], before: Option<DateTime<Utc>>| {
        Expr::exists(newest_is(kinds, states, before))
    };
    let (refused, waits) = (PaperState::REFUSED, PaperState::UNANSWERED);
    let of = |states: &[ExportState], kinds: &[PaperKind]| {
        let either = Condition::any().add(said(kinds, &refused, None)).add(said(kinds, &waits, Some(since)));
        Condition::all().add(C::State.is_in(states.iter().copied())).add(either)
    };
    let lost = Condition::all().add(C::State.is_not_in(OVER)).add(said(&MOVING, &waits, Some(since)));
    Condition::any().add(of(&CONSIDERED, &WITHDRAWAL)).add(of(&UNDER_WAY, &MOVING)).add(lost)
}

/// The same of one export, whose papers are there, the oldest first.
pub(super) fn is_unheard(state: ExportState, papers: &[paper::Model], since: DateTime<Utc>) -> bool {
    let newest = |kinds: &[PaperKind]| {
        let of_kind = |kind: &PaperKind| papers.iter().rfind(|paper| paper.kind == *kind);
        kinds.iter().filter_map(of_kind).collect::<Vec<_>>()
    };
    let refused = |paper: &&paper::Model| paper.state.is_refused();
    let silent = |paper: &&paper::Model| paper.state.is_unanswered() && paper.updated_at < since;
    let (withdrawal, moving) = (newest(&WITHDRAWAL), newest(&MOVING));
    CONSIDERED.contains(&state) && withdrawal.iter().any(|paper| refused(paper) || silent(paper))
        || UNDER_WAY.contains(&state) && moving.iter().any(refused)
        || !OVER.contains(&state) && moving.iter().any(silent)
}

/// A paper about an export of one of these kinds, the newest of its kind, that stands so, since before that moment.
fn newest_is(kinds: &[PaperKind], states: &[PaperState], before: Option<DateTime<Utc>>) -> SelectStatement {
    use about::Column as A;
    use paper::Column as P;
    let (link, later) = (Alias::new("later_link"), Alias::new("later"));
    let newer = Query::select()
        .expr(Expr::value(1))
        .from_as(about::Entity, link.clone())
        .from_as(paper::Entity, later.clone())
        .and_where(Expr::col((link.clone(), A::ExportId)).equals((about::Entity, A::ExportId)))
        .and_where(Expr::col((later.clone(), P::Id)).equals((link, A::PaperId)))
        .and_where(Expr::col((later.clone(), P::Kind)).equals((paper::Entity, P::Kind)))
        .and_where(Expr::col((later, P::Id)).gt(Expr::col((paper::Entity, P::Id))))
        .take();
    let mut newest = Query::select();
    newest
        .expr(Expr::value(1))
        .from(about::Entity)
        .from(paper::Entity)
        .and_where(Expr::col((about::Entity, A::ExportId)).equals((declaration::Entity, declaration::Column::Id)))
        .and_where(Expr::col((paper::Entity, P::Id)).equals((about::Entity, A::PaperId)))
        .and_where(P::Kind.is_in(kinds.iter().copied()))
        .and_where(P::State.is_in(states.iter().copied()))
        .and_where(Expr::exists(newer).not());
    if let Some(before) = before {
        newest.and_where(P::UpdatedAt.lt(before));
    }
    newest
}

/// The cursor of an export in that list.
pub fn cursor(row: &declaration::Model) -> Cursor {
    Cursor::of_id(NEWEST, row.id)
}

/// The cursor of a line among those of its export.
pub fn line_cursor(row: &line::Model) -> Cursor {
    Cursor::at(LINES, usize::try_from(row.number).unwrap_or_default())
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
