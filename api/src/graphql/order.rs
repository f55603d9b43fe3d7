//! Fields in the order they were asked for.
//!
//! The specification wants a response in the order of the selection (section 7.2.2), and caches and
//! people comparing answers rely on it. The library writes fields in the order in which they were done.

use async_graphql::{
    Name, Value,
    indexmap::IndexMap,
    parser::types::{ExecutableDocument, Selection, SelectionSet},
};

/// The order of one object's fields and, below each, of its own.
#[derive(Debug, Default)]
pub(super) struct Order(IndexMap<Name, Order>);

impl Order {
    /// The order that the chosen operation of a document asks for. The document is within its budget.
    pub(super) fn of(document: &ExecutableDocument, operation: Option<&str>) -> Self {
        let mut order = Self::default();
        let chosen =
            document.operations.iter().find(|(name, _)| operation.is_none() || name.map(Name::as_str) == operation);
        if let Some((_, chosen)) = chosen {
            order.add(document, &chosen.node.selection_set.node);
        }
        order
    }

    fn add(&mut self, document: &ExecutableDocument, set: &SelectionSet) {
        for item in &set.items {
            match &item.node {
                Selection::Field(field) => {
                    let key = field.node.response_key().node.clone();
                    self.0.entry(key).or_default().add(document, &field.node.selection_set.node);
                }
                Selection::InlineFragment(inline) => self.add(document, &inline.node.selection_set.node),
                Selection::FragmentSpread(spread) => {
                    if let Some(fragment) = document.fragments.get(&spread.node.fragment_name.node) {
                        self.add(document, &fragment.node.selection_set.node);
                    }
                }
            }
        }
    }

    /// Brings a value into this order.
    pub(super) fn apply(&self, value: &mut Value) {
        match value {
            Value::List(items) => items.iter_mut().for_each(|item| self.apply(item)),
            // A scalar that holds an object (JSON) has no selection and keeps its own order.
            Value::Object(fields) if !self.0.is_empty() => {
                let place = |name: &Name| self.0.get_index_of(name).unwrap_or(usize::MAX);
                fields.sort_by(|a, _, b, _| place(a).cmp(&place(b)));
                for (name, field) in fields.iter_mut() {
                    if let Some(order) = self.0.get(name) {
                        order.apply(field);
                    }
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_come_in_the_order_of_the_selection() {
        let document = async_graphql::parser::parse_query(
            "query Q { b: x { ...f z } a y { d } } fragment f on T { k { two one } c } query Other { a b }",
        )
        .unwrap();
        let mut value = Value::from_json(serde_json::json!({
            "a": 1, "y": [{ "d": 1 }, { "d": { "q": 1 } }], "b": { "c": 1, "z": 2, "k": [{ "one": 1, "two": 2 }] },
        }))
        .unwrap();
        Order::of(&document, Some("Q")).apply(&mut value);
        let text = serde_json::to_string(&value).unwrap();
        assert_eq!(text, r#"{"b":{"k":[{"two":2,"one":1}],"c":1,"z":2},"a":1,"y":[{"d":1},{"d":{"q":1}}]}"#);
    }
}
