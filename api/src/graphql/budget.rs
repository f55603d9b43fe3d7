//! The size of a document, before anything is validated.
//!
//! Fragments are cheap to write and dear to expand: twenty that each spread the next one twice are a
//! million fields in a kilobyte, and validation walks every one of them before any limit of the library
//! looks. So the expanded size is computed first, once per fragment, in time linear in the document.
//! What the operation may cost is another question: see [`super::cost`].

use std::collections::HashMap;

use async_graphql::{
    Name,
    parser::types::{ExecutableDocument, Selection, SelectionSet},
};

/// Deepest nesting of fields, fragments expanded; the introspection of common tools needs 15.
pub(super) const MAX_DEPTH: usize = 18;
/// Most fields of a document, fragments expanded.
const MAX_FIELDS: u64 = 2_000;
/// Most operations of a document.
const MAX_OPERATIONS: usize = 20;
/// Most fields at the root of an operation, fragments expanded: each may be a list of its own. So there are no more
/// aliases there either.
const MAX_ROOT_FIELDS: u64 = 30;
/// Most aliases of a document, fragments expanded: a field is asked for again under each.
const MAX_ALIASES: u64 = 500;
/// Most directives of a document, fragments expanded.
const MAX_DIRECTIVES: u64 = 50;
/// How many selection sets may be open when one is looked into, those of spread fragments too. A chain of fragments is
/// as deep as it is long, and every walk of a document is recursive.
const MAX_OPEN: usize = 128;

/// Says why a document is over its budget.
pub(super) fn check(document: &ExecutableDocument) -> Result<(), String> {
    let mut known = HashMap::new();
    let mut sum = Size::default();
    let mut operations = 0;
    for (_, operation) in document.operations.iter() {
        operations += 1;
        let variables = operation.node.variable_definitions.iter().map(|variable| variable.node.directives.len());
        let own = variables.sum::<usize>() + operation.node.directives.len();
        let size = expanded(document, &operation.node.selection_set.node, &mut known, 0).and(Size::directives(own));
        if size.top > MAX_ROOT_FIELDS {
            return Err(format!("an operation asks for at most {MAX_ROOT_FIELDS} things at its root"));
        }
        sum = sum.and(size);
    }
    // Fragments that nothing spreads are walked by validation as well.
    for (name, fragment) in &document.fragments {
        if !known.contains_key(name) {
            sum = sum.and(expanded(document, &fragment.node.selection_set.node, &mut known, 0));
        }
    }
    if operations > MAX_OPERATIONS {
        return Err(format!("a document has at most {MAX_OPERATIONS} operations"));
    }
    if sum.all > MAX_FIELDS {
        return Err(format!("the document asks for more than {MAX_FIELDS} fields, fragments expanded"));
    }
    if sum.depth > MAX_DEPTH {
        return Err(format!("the document is more than {MAX_DEPTH} levels deep"));
    }
    if sum.aliases > MAX_ALIASES {
        return Err(format!("the document has more than {MAX_ALIASES} aliases, fragments expanded"));
    }
    if sum.directives > MAX_DIRECTIVES {
        return Err(format!("the document has more than {MAX_DIRECTIVES} directives, fragments expanded"));
    }
    Ok(())
}

/// How much there is: fields, and fragments too, for walking them costs the same.
#[derive(Clone, Copy, Debug, Default)]
struct Size {
    /// Fields at this level.
    top: u64,
    /// Selections at all levels.
    all: u64,
    /// Levels.
    depth: usize,
    aliases: u64,
    directives: u64,
}

impl Size {
    /// What is beyond any budget: a cycle, or a chain that is too long to be walked.
    const BEYOND: Self = Self { top: 0, all: u64::MAX / 2, depth: 0, aliases: 0, directives: 0 };

    fn directives(number: usize) -> Self {
        Self { directives: u64::try_from(number).unwrap_or(u64::MAX), ..Self::default() }
    }

    fn and(self, other: Self) -> Self {
        Self {
            top: self.top.saturating_add(other.top),
            all: self.all.saturating_add(other.all),
            depth: self.depth.max(other.depth),
            aliases: self.aliases.saturating_add(other.aliases),
            directives: self.directives.saturating_add(other.directives),
        }
    }

    fn and_itself(self) -> Self {
        self.and(Self { all: 1, ..Self::default() })
    }
}

fn expanded(document: &ExecutableDocument, set: &SelectionSet, known: &mut HashMap<Name, Size>, open: usize) -> Size {
    if open > MAX_OPEN {
        return Size::BEYOND;
    }
    let mut sum = Size::default();
    for item in &set.items {
        let size = match &item.node {
            Selection::Field(field) => {
                let below = expanded(document, &field.node.selection_set.node, known, open + 1);
                Size {
                    top: 1,
                    all: below.all.saturating_add(1),
                    depth: below.depth + 1,
                    aliases: below.aliases.saturating_add(field.node.alias.is_some().into()),
                    ..below
                }
            }
            Selection::InlineFragment(inline) => {
                expanded(document, &inline.node.selection_set.node, known, open + 1).and_itself()
            }
            Selection::FragmentSpread(spread) => {
                let name = &spread.node.fragment_name.node;
                if let Some(size) = known.get(name).copied() {
                    size.and_itself()
                } else {
                    // Met again while it is open, it is a cycle.
                    known.insert(name.clone(), Size::BEYOND);
                    let size = document.fragments.get(name).map_or(Size::default(), |fragment| {
                        let own = Size::directives(fragment.node.directives.len());
                        expanded(document, &fragment.node.selection_set.node, known, open + 1).and(own)
                    });
                    known.insert(name.clone(), size);
                    size.and_itself()
                }
            }
        };
        sum = sum.and(size).and(Size::directives(item.node.directives().len()));
    }
    sum
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

    #[test]
    fn depth_aliases_and_directives_are_counted_through_fragments() {
        let deep = |levels: usize| format!("{{ {} a {} }}", "a { ".repeat(levels - 1), "} ".repeat(levels - 1));
        assert!(verdict(&deep(MAX_DEPTH)).is_ok());
        assert!(verdict(&deep(MAX_DEPTH + 1)).is_err());
        let halves = |upper: usize, lower: usize| {
            format!(
                "{{ {} ...f {} }} fragment f on T {{ {} a {} }}",
                "a { ".repeat(upper),
                "} ".repeat(upper),
                "a { ".repeat(lower),
                "} ".repeat(lower)
            )
        };
        assert!(verdict(&halves(8, 9)).is_ok());
        assert!(verdict(&halves(9, 9)).is_err(), "deep in two halves");
        let aliases = |spreads: usize| {
            format!("{{ a {{ {} }} }} fragment f on T {{ {} }}", "...f ".repeat(spreads), "x: y ".repeat(100))
        };
        assert!(verdict(&aliases(5)).is_ok());
        assert!(verdict(&aliases(6)).is_err());
        assert!(verdict(&format!("{{ a {} }}", "@include(if: true) ".repeat(50))).is_ok());
        assert!(verdict(&format!("{{ a {} }}", "@include(if: true) ".repeat(51))).is_err());
        assert!(verdict(&format!("query Q {} {{ a }}", "@x ".repeat(51))).is_err());
    }

    #[test]
    fn a_long_chain_of_fragments_is_not_followed_to_its_end() {
        use std::fmt::Write;
        let mut chain = String::from("{ ...f0 }");
        for n in 0..1_400 {
            write!(chain, " fragment f{n} on Query {{ ...f{} }}", n + 1).unwrap();
        }
        assert!(verdict(&chain).is_err());
    }
}
