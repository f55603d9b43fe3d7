//! The budget of a document, before anything is validated.
//!
//! Fragments are cheap to write and dear to expand: twenty that each spread the next one twice are a
//! million fields in a kilobyte, and validation walks every one of them before any limit of the library
//! looks. So the expanded size is computed first, once per fragment, in time linear in the document.

use std::collections::HashMap;

use async_graphql::{
    Name,
    parser::types::{ExecutableDocument, Selection, SelectionSet},
};

/// Most fields of a document, fragments expanded.
const MAX_FIELDS: u64 = 2_000;
/// Most operations of a document.
const MAX_OPERATIONS: usize = 20;
/// Most fields at the root of an operation, fragments expanded: each may be a list of its own.
const MAX_ROOT_FIELDS: u64 = 30;

/// Says why a document is over its budget.
pub(super) fn check(document: &ExecutableDocument) -> Result<(), String> {
    let mut known = HashMap::new();
    let mut sum = Size::default();
    let mut operations = 0;
    for (_, operation) in document.operations.iter() {
        operations += 1;
        let size = expanded(document, &operation.node.selection_set.node, &mut known);
        if size.top > MAX_ROOT_FIELDS {
            return Err(format!("an operation asks for at most {MAX_ROOT_FIELDS} things at its root"));
        }
        sum = sum.and(size);
    }
    // Fragments that nothing spreads are walked by validation as well.
    for (name, fragment) in &document.fragments {
        if !known.contains_key(name) {
            sum = sum.and(expanded(document, &fragment.node.selection_set.node, &mut known));
        }
    }
    if operations > MAX_OPERATIONS {
        return Err(format!("a document has at most {MAX_OPERATIONS} operations"));
    }
    if sum.all > MAX_FIELDS {
        return Err(format!("the document asks for more than {MAX_FIELDS} fields, fragments expanded"));
    }
    Ok(())
}

/// How many selections there are: fields, and fragments too, for walking them costs the same.
#[derive(Clone, Copy, Debug, Default)]
struct Size {
    /// At this level.
    top: u64,
    /// At all levels.
    all: u64,
}

impl Size {
    fn and(self, other: Self) -> Self {
        Self { top: self.top.saturating_add(other.top), all: self.all.saturating_add(other.all) }
    }

    fn and_itself(self) -> Self {
        self.and(Self { top: 0, all: 1 })
    }
}

fn expanded(document: &ExecutableDocument, set: &SelectionSet, known: &mut HashMap<Name, Size>) -> Size {
    set.items.iter().fold(Size::default(), |sum, item| {
        sum.and(match &item.node {
            Selection::Field(field) => {
                let below = expanded(document, &field.node.selection_set.node, known);
                Size { top: 1, all: below.all.saturating_add(1) }
            }
            Selection::InlineFragment(inline) => {
                expanded(document, &inline.node.selection_set.node, known).and_itself()
            }
            Selection::FragmentSpread(spread) => {
                let name = &spread.node.fragment_name.node;
                if let Some(size) = known.get(name) {
                    return sum.and(size.and_itself());
                }
                // Met again while it is open, it is a cycle: beyond any budget.
                known.insert(name.clone(), Size { top: 0, all: u64::MAX / 2 });
                let fragment = document.fragments.get(name);
                let size = fragment.map_or(Size::default(), |f| expanded(document, &f.node.selection_set.node, known));
                known.insert(name.clone(), size);
                size.and_itself()
            }
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(query: &str) -> Result<(), String> {
        check(&async_graphql::parser::parse_query(query).unwrap())
    }

    #[test]
    fn a_fragment_bomb_is_refused_by_its_expanded_size() {
        use std::fmt::Write;
        let mut bomb = String::from("{ ...f0 }");
        for n in 0..30 {
            write!(bomb, " fragment f{n} on Query {{ ...f{m} ...f{m} }}", m = n + 1).unwrap();
        }
        assert!(verdict(&bomb).is_err(), "the last fragment does not exist");
        bomb.push_str(" fragment f30 on Query { __typename }");
        assert!(verdict(&bomb).is_err());
        let roots = format!("{{ {} }}", "a: viewer { subject } ".repeat(31));
        assert!(verdict(&roots).is_err(), "31 root fields");
        assert!(verdict("{ ...a } fragment a on Query { ...b } fragment b on Query { ...a }").is_err(), "a cycle");
        assert!(verdict(&format!("{{ {} }}", "a: __typename ".repeat(3_000))).is_err(), "aliases");
        assert!(verdict("{ products(first: 20) { nodes { ...p } } } fragment p on Product { id name }").is_ok());
    }
}
