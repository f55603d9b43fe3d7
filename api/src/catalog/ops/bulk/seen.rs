//! What earlier rows of the same file said.
//!
//! An article number stands in a file once, and rows of one product do not contradict each other:
//! otherwise importing the file again would not change nothing.

use std::{
    collections::{HashMap, HashSet},
    hash::{DefaultHasher, Hash, Hasher},
};

use entities::{
    catalog::sheet::{Edit, Patch},
    values::id::{OrganisationId, ProductId},
};

/// The memory of one file.
#[derive(Debug, Default)]
pub struct Seen {
    pub(super) offers: HashSet<(OrganisationId, String)>,
    /// Per product what was stated, as hashes of field and value: a file may have a million of them.
    stated: HashMap<ProductId, Vec<(u64, u64)>>,
}

/// One field of a product that a row speaks of.
pub(super) struct Statement {
    field: String,
    key: u64,
    value: u64,
}

impl Seen {
    /// A field of which an earlier row said something else.
    pub(super) fn contradicted(&self, product: ProductId, statements: &[Statement]) -> Option<String> {
        let stated = self.stated.get(&product)?;
        let other = |s: &&Statement| stated.iter().any(|(field, value)| *field == s.key && *value != s.value);
        statements.iter().find(other).map(|s| s.field.clone())
    }

    pub(super) fn state(&mut self, product: ProductId, statements: &[Statement]) {
        let stated = self.stated.entry(product).or_default();
        for statement in statements {
            if !stated.iter().any(|(field, _)| *field == statement.key) {
                stated.push((statement.key, statement.value));
            }
        }
    }

    pub(super) fn merge(&mut self, other: Self) {
        self.offers.extend(other.offers);
        for (product, stated) in other.stated {
            self.stated.entry(product).or_default().extend(stated);
        }
    }
}

impl Statement {
    fn new(field: String, value: impl std::fmt::Debug) -> Self {
        let hash = |text: &str| {
            let mut hasher = DefaultHasher::new();
            text.hash(&mut hasher);
            hasher.finish()
        };
        Self { key: hash(&field), value: hash(&format!("{value:?}")), field }
    }
}

/// What a row says of its product, variants apart.
pub(super) fn statements(patch: &Patch) -> Vec<Statement> {
    let mut all = Vec::new();
    for (name, text) in [("name", &patch.name), ("description", &patch.description)] {
        all.extend(text.0.iter().map(|(locale, text)| Statement::new(format!("{name}:{locale}"), text)));
    }
    all.extend(patch.category.map(|category| Statement::new("category".into(), category)));
    if let Edit::Set(brand) = &patch.brand {
        all.push(Statement::new("brand".into(), brand));
    }
    all.extend(patch.attributes.as_ref().map(|a| Statement::new("attributes".into(), a)));
    all.extend(patch.tags.as_ref().map(|t| Statement::new("tags".into(), t)));
    all.extend(patch.media.as_ref().map(|m| Statement::new("image".into(), m)));
    all
}
