//! Categories (类目): a tree of at most [`MAX_DEPTH`] levels, kept as a path so that a subtree is one range.

use crate::Relation;
use sea_orm::entity::prelude::*;

use crate::values::{Localized, Slug, id::CategoryId};

/// Levels of the tree, root included.
pub const MAX_DEPTH: usize = 5;

/// A row of `category`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, serde::Serialize, serde::Deserialize)]
#[sea_orm(table_name = "category")]
pub struct Model {
    /// Identifier.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: CategoryId,
    /// Readable key.
    #[sea_orm(unique)]
    pub slug: Slug,
    /// The category above; none at the top.
    pub parent_id: Option<CategoryId>,
    /// Slugs from the root down, each closed by a slash: `wine-beverages/wine/`.
    #[sea_orm(unique, column_type = "Text")]
    pub path: String,
    /// Order among its siblings.
    pub position: i32,
    /// Name by language.
    #[sea_orm(column_type = "JsonBinary")]
    pub name: Localized,
    /// Counts up with every change.
    pub version: i32,
}

impl ActiveModelBehavior for ActiveModel {}

/// The path of a category under `parent` (none: at the top).
pub fn path_under(parent: Option<&str>, slug: &Slug) -> String {
    format!("{}{slug}/", parent.unwrap_or_default())
}

/// Level of a path: 1 at the top.
pub fn depth(path: &str) -> usize {
    path.matches('/').count()
}

/// The half-open range of paths in the subtree of `path`, itself included: '0' follows '/' in ASCII.
pub fn subtree(path: &str) -> (String, String) {
    (path.to_owned(), format!("{}0", path.trim_end_matches('/')))
}
