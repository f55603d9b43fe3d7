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
    stated: HashMap<ProductId, Vec<(u32, u32)>>,
}

/// One field of a product that a row speaks of.
pub(super) struct Statement {
    field: String,
    key: u32,
    value: u32,
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
        Self { key: hash(&field), value: hash(&format!("{value:?}")), field }
    }

    /// A statement about one variant of the product.
    fn of_variant(variant: &str, field: &str, value: impl std::fmt::Debug) -> Self {
        Self { key: hash(&format!("{variant}/{field}")), ..Self::new(field.to_owned(), value) }
    }
}

fn hash(text: &str) -> u32 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    u32::try_from(hasher.finish() >> 32).unwrap_or_default()
}

/// What a row says of its product and of the variant that its offer hangs on.
pub(super) fn statements(patch: &Patch, variant: &str) -> Vec<Statement> {
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
    for said in &patch.variants {
        let mut say = |field: &str, value: Option<&dyn std::fmt::Debug>| {
            all.extend(value.map(|value| Statement::of_variant(variant, field, value)));
        };
        for (field, edit) in [("gtin", &said.gtin), ("unit2", &said.unit2)] {
            if let Edit::Set(value) = edit {
                say(field, Some(value));
            }
        }
        for (field, text) in [("hsCode", &said.hs_code), ("origin", &said.origin), ("unit1", &said.unit1)] {
            say(field, text.as_ref().map(|t| t as _));
        }
        for (field, grams) in [("netWeightG", &said.net_weight_g), ("grossWeightG", &said.gross_weight_g)] {
            say(field, grams.as_ref().map(|g| g as _));
        }
        for (field, edit) in [("netVolumeMl", &said.net_volume_ml), ("pieceCount", &said.piece_count)] {
            if let Edit::Set(value) = edit {
                say(field, Some(value));
            }
        }
        for (locale, text) in &said.name.0 {
            say(&format!("variant_name:{locale}"), Some(text));
        }
    }
    all
}
