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

/// Says why a document is over its budget.
pub(super) fn check(document: &ExecutableDocument) -> Result<(), String> {
    let mut known = HashMap::new();
    let mut fields: u64 = 0;
    let mut operations = 0;
    for (_, operation) in document.operations.iter() {
        operations += 1;
        fields = fields.saturating_add(expanded(document, &operation.node.selection_set.node, &mut known));
    }
    // Fragments that nothing spreads are walked by validation as well.
    for (name, fragment) in &document.fragments {
        if !known.contains_key(name) {
            fields = fields.saturating_add(expanded(document, &fragment.node.selection_set.node, &mut known));
        }
    }
    if operations > MAX_OPERATIONS {
        return Err(format!("a document has at most {MAX_OPERATIONS} operations"));
    }
    if fields > MAX_FIELDS {
        return Err(format!("the document asks for more than {MAX_FIELDS} fields, fragments expanded"));
    }
    Ok(())
}

fn expanded(document: &ExecutableDocument, set: &SelectionSet, known: &mut HashMap<Name, u64>) -> u64 {
    set.items.iter().fold(0, |sum: u64, item| {
        sum.saturating_add(match &item.node {
            Selection::Field(field) => expanded(document, &field.node.selection_set.node, known).saturating_add(1),
            Selection::InlineFragment(inline) => expanded(document, &inline.node.selection_set.node, known),
            Selection::FragmentSpread(spread) => {
                let name = &spread.node.fragment_name.node;
                if let Some(size) = known.get(name) {
                    return sum.saturating_add(*size);
                }
                // Met again while it is open, it is a cycle: beyond any budget.
                known.insert(name.clone(), u64::MAX / 2);
                let size =
                    document.fragments.get(name).map_or(0, |f| expanded(document, &f.node.selection_set.node, known));
                known.insert(name.clone(), size);
                size
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
        bomb.push_str(" fragment f30 on Query { __typename }");
        assert!(verdict(&bomb).is_err());
        assert!(verdict("{ ...a } fragment a on Query { ...b } fragment b on Query { ...a }").is_err(), "a cycle");
        assert!(verdict(&format!("{{ {} }}", "a: __typename ".repeat(3_000))).is_err(), "aliases");
        assert!(verdict("{ products(first: 20) { nodes { ...p } } } fragment p on Product { id name }").is_ok());
    }
}
