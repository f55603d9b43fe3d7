//! Relay connections: one generic shape for every list of the schema.

use std::borrow::Cow;

use async_graphql::{Object, OutputType, TypeName, connection::PageInfo};

use crate::page::{Cursor, DEFAULT_SIZE, MAX_SIZE, Page};

/// A page of a list, by the Relay connection specification (分页列表).
#[derive(Debug)]
pub struct Connection<N> {
    edges: Vec<Edge<N>>,
    has_next: bool,
    has_previous: bool,
    total: Option<i64>,
}

/// An entry of a list with its place in it (列表项).
#[derive(Debug)]
pub struct Edge<N> {
    cursor: Cursor,
    node: N,
}

impl<N: OutputType> Connection<N> {
    /// A list of which the viewer may see nothing.
    pub fn empty() -> Self {
        Self { edges: Vec::new(), has_next: false, has_previous: false, total: Some(0) }
    }

    /// A page of rows. `total` only when it was asked for, see [`super::ContextExt::wants_total`].
    pub fn new<R>(page: Page<R>, total: Option<i64>, mut edge: impl FnMut(R) -> (Cursor, N)) -> Self {
        let edges = page.rows.into_iter().map(|row| {
            let (cursor, node) = edge(row);
            Edge { cursor, node }
        });
        Self { edges: edges.collect(), has_next: page.has_next, has_previous: page.has_previous, total }
    }
}

/// A page of a list, by the Relay connection specification (分页列表).
#[Object(name_type)]
impl<N: OutputType> Connection<N> {
    /// The entries with their cursors.
    async fn edges(&self) -> &[Edge<N>] {
        &self.edges
    }

    /// The entries alone.
    async fn nodes(&self) -> Vec<&N> {
        self.edges.iter().map(|edge| &edge.node).collect()
    }

    /// Where this page stands in the list.
    async fn page_info(&self) -> PageInfo {
        PageInfo {
            has_previous_page: self.has_previous,
            has_next_page: self.has_next,
            start_cursor: self.edges.first().map(|edge| edge.cursor.encode()),
            end_cursor: self.edges.last().map(|edge| edge.cursor.encode()),
        }
    }

    /// How many entries the whole list has. Counted only when asked for.
    #[graphql(complexity = 10)]
    async fn total_count(&self) -> Option<i64> {
        self.total
    }
}

/// An entry of a list with its place in it (列表项).
#[Object(name_type)]
impl<N: OutputType> Edge<N> {
    /// The entry.
    async fn node(&self) -> &N {
        &self.node
    }

    /// Its place in the list, for `after` and `before`.
    async fn cursor(&self) -> String {
        self.cursor.encode()
    }
}

impl<N: OutputType> TypeName for Connection<N> {
    fn type_name() -> Cow<'static, str> {
        format!("{}Connection", N::type_name()).into()
    }
}

impl<N: OutputType> TypeName for Edge<N> {
    fn type_name() -> Cow<'static, str> {
        format!("{}Edge", N::type_name()).into()
    }
}

/// What a list may cost: as many children as the page may have, whether or not it is full.
pub fn list_cost(first: Option<i32>, last: Option<i32>, child: usize) -> usize {
    let size = first.or(last).map_or(DEFAULT_SIZE, |n| u64::try_from(n).unwrap_or_default().min(MAX_SIZE));
    times(usize::try_from(size).unwrap_or(usize::MAX), child).saturating_add(LIST).min(BEYOND)
}

/// `size` times what each of a handful costs.
pub fn times(size: usize, child: usize) -> usize {
    size.saturating_mul(child).min(BEYOND)
}

/// What asking for a list costs by itself, rows or not.
const LIST: usize = 10;
/// Far beyond any budget, and small enough that thousands of them can be added up.
const BEYOND: usize = 1_000_000_000;
