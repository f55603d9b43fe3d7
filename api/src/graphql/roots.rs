//! What the root fields of an operation are, as far as transports and limits go by it.

use async_graphql::{
    Value as ConstValue, Variables,
    parser::types::{ExecutableDocument, Field, OperationDefinition, Selection, SelectionSet},
};
use async_graphql_value::Value;
use entities::party::Action;

use super::FIELDS;

/// The fields at the root, those in fragments too. The document is within its size.
pub(super) fn of<'a>(document: &'a ExecutableDocument, operation: &'a OperationDefinition) -> Vec<&'a Field> {
    let mut fields = Vec::new();
    add(document, &operation.selection_set.node, &mut fields);
    fields
}

/// Whether there is one field and no fragment: of a subscription the library looks at nothing else.
pub(super) fn is_one_field(operation: &OperationDefinition) -> bool {
    let items = &operation.selection_set.node.items;
    items.len() == 1 && items.iter().all(|item| matches!(item.node, Selection::Field(_)))
}

fn add<'a>(document: &'a ExecutableDocument, set: &'a SelectionSet, fields: &mut Vec<&'a Field>) {
    for item in &set.items {
        match &item.node {
            Selection::Field(field) => fields.push(&field.node),
            Selection::InlineFragment(inline) => add(document, &inline.node.selection_set.node, fields),
            Selection::FragmentSpread(spread) => {
                if let Some(fragment) = document.fragments.get(&spread.node.fragment_name.node) {
                    add(document, &fragment.node.selection_set.node, fields);
                }
            }
        }
    }
}

/// Root fields whose answers may be kept for everyone who is not signed in. What they are made of is noted by what
/// reads it: a field that reads anything else than products, organisations, brands and categories is none of these, unless
/// every change of what else it reads outdates all answers (`landedPrice`).
const PUBLIC: [&str; 13] = [
    "__typename",
    "products",
    "product",
    "categories",
    "category",
    "brands",
    "brand",
    "organisations",
    "organisation",
    "places",
    "search",
    "suggest",
    "landedPrice",
];

/// Whether the answer of a root field may be kept for everyone who is not signed in.
pub(super) fn is_public(field: &Field) -> bool {
    PUBLIC.contains(&field.name.node.as_str())
}

/// Whether a root field of the mutations is one that asks for no token.
pub(super) fn signs_in(field: &Field) -> bool {
    let name = format!("Mutation.{}", field.name.node);
    FIELDS.iter().any(|(field, action)| *field == name && *action == Action::SignIn)
}

/// Whether every root field is one that asks for no token.
pub(super) fn only_sign_in(operation: &OperationDefinition) -> bool {
    operation.selection_set.node.items.iter().all(|selection| match &selection.node {
        Selection::Field(field) => signs_in(&field.node),
        _ => false,
    })
}

/// Whether a root field of the queries asks the search engine.
pub(super) fn asks_by_words(field: &Field, variables: &Variables) -> bool {
    let words = |value: &ConstValue| matches!(value, ConstValue::String(text) if !text.trim().is_empty());
    match field.name.node.as_str() {
        "search" | "suggest" => true,
        "products" => match field.get_argument("filter").map(|filter| &filter.node) {
            Some(Value::Object(filter)) => match filter.get("text") {
                Some(Value::String(text)) => !text.trim().is_empty(),
                Some(Value::Variable(name)) => variables.get(name).is_some_and(words),
                _ => false,
            },
            Some(Value::Variable(name)) => match variables.get(name) {
                Some(ConstValue::Object(filter)) => filter.get("text").is_some_and(words),
                _ => false,
            },
            _ => false,
        },
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_asks_by_words_is_seen_in_literals_and_variables() {
        for (query, variables, searches) in [
            ("{ products { totalCount } }", json!({}), 0),
            ("{ products(filter: { text: \"rug\" }) { totalCount } }", json!({}), 1),
            ("{ products(filter: { text: \" \" }) { totalCount } }", json!({}), 0),
            ("query($t: String) { products(filter: { text: $t }) { totalCount } }", json!({ "t": "rug" }), 1),
            ("query($t: String) { products(filter: { text: $t }) { totalCount } }", json!({}), 0),
            (
                "query($f: F) { ...x } fragment x on Query { a: products(filter: $f) { totalCount } b: products(filter: $f) { totalCount } }",
                json!({ "f": { "text": "rug" } }),
                2,
            ),
        ] {
            let document = async_graphql::parser::parse_query(query).unwrap();
            let (_, operation) = document.operations.iter().next().unwrap();
            let variables = Variables::from_json(variables);
            let fields = of(&document, &operation.node);
            assert_eq!(fields.iter().filter(|field| asks_by_words(field, &variables)).count(), searches, "{query}");
        }
    }

    #[test]
    fn each_field_that_signs_in_counts() {
        let count = |query: &str| {
            let document = async_graphql::parser::parse_query(query).unwrap();
            let (_, operation) = document.operations.iter().next().unwrap();
            let fields = of(&document, &operation.node);
            (fields.iter().filter(|field| signs_in(field)).count(), only_sign_in(&operation.node))
        };
        assert_eq!(count("mutation { a: signIn { x } b: refreshSession { x } }"), (2, true));
        assert_eq!(count("mutation { a: signIn { x } b: endSession { x } }"), (1, false));
        assert_eq!(count("mutation { ...f } fragment f on Mutation { signIn { x } }"), (1, false));
    }
}
