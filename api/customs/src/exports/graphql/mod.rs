//! Exports in the schema.
//!
//! - [`declaration`]: an export with its lines and papers; [`summary`]: the lists of a month, and their entries
//! - [`mutation`]: what is done; beside it what is asked (`inputs`), and what is declared, as it is sent (`sale`)

pub mod declaration;
mod inputs;
pub mod mutation;
mod sale;
pub mod summary;

use async_graphql::{Context, ID, Object, Result};
use entities::party::Action;
use platform::{
    graphql::{Connection, ContextExt, bounded, connection::list_cost, decode},
    page::PageArgs,
};

use super::lists::{self, Filter, SummaryFilter};
use crate::lists::silent_since;
use inputs::{ExportDeclarationFilter, ExportSummaryFilter};

pub use declaration::ExportDeclaration;
pub use mutation::ExportMutation;
pub use summary::ExportSummary;

/// The part of the query root about exports.
#[derive(Default)]
pub struct ExportQuery;

#[Object]
impl ExportQuery {
    /// Exports, newest first; of one's own organisation, all for who oversees the zone (出口申报列表).
    #[graphql(complexity = "list_cost(first, last, child_complexity)")]
    async fn export_declarations(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which.")] filter: Option<ExportDeclarationFilter>,
        #[graphql(desc = "Size of the page, at most 100.")] first: Option<i32>,
        #[graphql(desc = "The page starts after this cursor.")] after: Option<String>,
        #[graphql(desc = "Size of a page that is read backwards.")] last: Option<i32>,
        #[graphql(desc = "The page ends before this cursor.")] before: Option<String>,
    ) -> Result<Connection<ExportDeclaration>> {
        context.may(Action::ReadDeclarations)?;
        let page = PageArgs::relay(first, after.as_deref(), last, before.as_deref())?;
        let filter = filter.unwrap_or_default();
        let silent_since = silent_since(context.app());
        let filter = Filter {
            states: bounded(filter.states.unwrap_or_default())?,
            modes: bounded(filter.modes.unwrap_or_default())?,
            flag: filter.flag,
            to_do: filter.to_do.unwrap_or_default().then_some(silent_since),
            order_no: filter.order_number,
            summary: filter.summary_id.map(|id| decode(&id, "summaryId")).transpose()?,
        };
        let rows = lists::list(context.app().db().read(), context.viewer(), &filter, &page).await?;
        Ok(Connection::new(rows, None, |row| (lists::cursor(&row), ExportDeclaration(row))))
    }

    /// An export; null when there is none or it may not be seen (出口申报).
    async fn export_declaration(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which.")] id: ID,
    ) -> Result<Option<ExportDeclaration>> {
        context.may(Action::ReadDeclarations)?;
        let Ok(id) = decode(&id, "id") else { return Ok(None) };
        Ok(lists::find(context.app().db().read(), context.viewer(), id).await?.map(ExportDeclaration))
    }

    /// Summaries of export lists, newest first (汇总申请列表).
    #[graphql(complexity = "list_cost(first, last, child_complexity)")]
    async fn export_summaries(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which.")] filter: Option<ExportSummaryFilter>,
        #[graphql(desc = "Size of the page, at most 100.")] first: Option<i32>,
        #[graphql(desc = "The page starts after this cursor.")] after: Option<String>,
        #[graphql(desc = "Size of a page that is read backwards.")] last: Option<i32>,
        #[graphql(desc = "The page ends before this cursor.")] before: Option<String>,
    ) -> Result<Connection<ExportSummary>> {
        context.may(Action::ReadDeclarations)?;
        let page = PageArgs::relay(first, after.as_deref(), last, before.as_deref())?;
        let filter = filter.unwrap_or_default();
        let filter = SummaryFilter { states: bounded(filter.states.unwrap_or_default())?, month: filter.month };
        let rows = lists::summaries(context.app().db().read(), context.viewer(), &filter, &page).await?;
        Ok(Connection::new(rows, None, |row| (lists::summary_cursor(&row), ExportSummary(row))))
    }
}
