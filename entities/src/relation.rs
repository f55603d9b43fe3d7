//! What sea-orm wants of each table: its relations. No table here declares any.
//!
//! What belongs together is asked for by key, in batches (the loaders of the API), so a relation would be read by nobody;
//! and `#[sea_orm::model]`, which brings them, writes a twin of each model with its loaders: half of what the compiler
//! read of this crate.

use sea_orm::{EnumIter, RelationDef, RelationTrait};

/// The relations of a table: none.
#[derive(Clone, Copy, Debug, EnumIter)]
pub enum Relation {}

impl RelationTrait for Relation {
    fn def(&self) -> RelationDef {
        match *self {}
    }
}
