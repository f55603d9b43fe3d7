//! The variables of a request, before it is carried out (specification, sections 6.1.2 and 6.4.1).
//!
//! The library looks at a variable when a field needs it. By then earlier fields of a mutation have been carried out,
//! and a variable that was left out has become null, which clears what an input left alone. So here
//!
//! - [`check`] refuses a request whose variables cannot be what they are declared as, as far as that can be told
//!   without the schema; validation does the rest,
//! - [`trimmed`] takes out of the document what was to be filled by a variable that was left out.

use std::collections::HashSet;

use async_graphql::{
    Name, Positioned, ServerError, Value as ConstValue, Variables,
    parser::types::{
        BaseType, Directive, DocumentOperations, ExecutableDocument, OperationDefinition, Selection, SelectionSet,
        Type, VariableDefinition,
    },
};
use async_graphql_value::Value;

/// Says which variable cannot be used, and why.
pub(super) fn check(operation: &OperationDefinition, variables: &Variables) -> Result<(), ServerError> {
    for definition in &operation.variable_definitions {
        let VariableDefinition { name, var_type, default_value, .. } = &definition.node;
        let (name, ty) = (&name.node, &var_type.node);
        let wrong = match variables.get(name) {
            Some(value) => fits(ty, value).err(),
            None if ty.nullable || default_value.is_some() => None,
            None => Some("it was not given".to_owned()),
        };
        if let Some(wrong) = wrong {
            let message = format!("the variable ${name} of the type {ty} cannot be used: {wrong}");
            return Err(ServerError::new(message, Some(definition.pos)));
        }
    }
    Ok(())
}

fn fits(ty: &Type, value: &ConstValue) -> Result<(), String> {
    if matches!(value, ConstValue::Null) {
        return if ty.nullable { Ok(()) } else { Err("it is null".to_owned()) };
    }
    let name = match (&ty.base, value) {
        (BaseType::List(inner), ConstValue::List(items)) => return items.iter().try_for_each(|item| fits(inner, item)),
        // One thing is a list of one.
        (BaseType::List(inner), one) => return fits(inner, one),
        (BaseType::Named(name), _) => name.as_str(),
    };
    let fits = match name {
        "Int" => matches!(value, ConstValue::Number(n) if n.as_i64().is_some_and(|n| i32::try_from(n).is_ok())),
        "Float" => matches!(value, ConstValue::Number(_)),
        "String" => matches!(value, ConstValue::String(_)),
        "Boolean" => matches!(value, ConstValue::Boolean(_)),
        "ID" => match value {
            ConstValue::String(_) => true,
            ConstValue::Number(n) => n.is_i64() || n.is_u64(),
            _ => false,
        },
        // Enums, inputs and our own scalars are validation's.
        _ => true,
    };
    if fits { Ok(()) } else { Err(format!("it is no {name}")) }
}

/// The document without the arguments and input fields whose variables were left out; none when there are none.
/// In a list such a variable is null, and so it stays.
pub(super) fn trimmed(
    document: &ExecutableDocument,
    chosen: &OperationDefinition,
    variables: &Variables,
) -> Option<ExecutableDocument> {
    let optional =
        |definition: &VariableDefinition| definition.var_type.node.nullable && definition.default_value.is_none();
    let own = chosen.variable_definitions.iter().map(|definition| &definition.node);
    let left_out = own.filter(|own| optional(own) && !variables.contains_key(&own.name.node));
    let mut omitted: HashSet<Name> = left_out.map(|own| own.name.node.clone()).collect();
    // Fragments are shared: what another operation of the document declares otherwise has to stay in them.
    for (_, operation) in document.operations.iter() {
        for other in &operation.node.variable_definitions {
            if !optional(&other.node) {
                omitted.remove(&other.node.name.node);
            }
        }
    }
    if omitted.is_empty() {
        return None;
    }
    let mut document = document.clone();
    let mut trim = Trim { omitted, removed: HashSet::new(), kept: HashSet::new() };
    for fragment in document.fragments.values_mut() {
        trim.keep_in(&fragment.node.directives);
        trim.set(&mut fragment.node.selection_set.node);
    }
    let mut operations: Vec<&mut OperationDefinition> = match &mut document.operations {
        DocumentOperations::Single(operation) => vec![&mut operation.node],
        DocumentOperations::Multiple(all) => all.values_mut().map(|operation| &mut operation.node).collect(),
    };
    for operation in &mut operations {
        trim.keep_in(&operation.directives);
        trim.set(&mut operation.selection_set.node);
    }
    if trim.removed.is_empty() {
        return None;
    }
    // A variable that nothing uses any more must not be declared.
    for operation in operations {
        operation.variable_definitions.retain(|definition| {
            let name = &definition.node.name.node;
            !trim.removed.contains(name) || trim.kept.contains(name)
        });
    }
    Some(document)
}

/// Takes out what variables that were left out would have filled.
struct Trim {
    omitted: HashSet<Name>,
    removed: HashSet<Name>,
    /// Those that are used where nothing can be taken out.
    kept: HashSet<Name>,
}

impl Trim {
    fn set(&mut self, set: &mut SelectionSet) {
        for item in &mut set.items {
            self.keep_in(item.node.directives());
            match &mut item.node {
                Selection::Field(field) => {
                    field.node.arguments.retain_mut(|(_, value)| self.stays(&mut value.node));
                    self.set(&mut field.node.selection_set.node);
                }
                Selection::InlineFragment(inline) => self.set(&mut inline.node.selection_set.node),
                Selection::FragmentSpread(_) => {}
            }
        }
    }

    /// Whether an argument or input field stays, and without what.
    fn stays(&mut self, value: &mut Value) -> bool {
        match value {
            Value::Variable(name) if self.omitted.contains(&*name) => {
                self.removed.insert(name.clone());
                return false;
            }
            Value::Object(fields) => fields.retain(|_, field| self.stays(field)),
            Value::List(items) => {
                for item in items {
                    match item {
                        Value::Variable(name) => self.keep(name),
                        // An object of the list, or a list in it.
                        item => {
                            self.stays(item);
                        }
                    }
                }
            }
            _ => {}
        }
        true
    }

    fn keep(&mut self, name: &Name) {
        if self.omitted.contains(name) {
            self.kept.insert(name.clone());
        }
    }

    fn keep_in(&mut self, directives: &[Positioned<Directive>]) {
        for directive in directives {
            for (_, value) in &directive.node.arguments {
                self.keep_all(&value.node);
            }
        }
    }

    fn keep_all(&mut self, value: &Value) {
        match value {
            Value::Variable(name) => self.keep(name),
            Value::List(items) => items.iter().for_each(|item| self.keep_all(item)),
            Value::Object(fields) => fields.values().for_each(|field| self.keep_all(field)),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn verdict(declared: &str, given: serde_json::Value) -> Result<(), String> {
        let document = async_graphql::parser::parse_query(format!("query({declared}) {{ a }}")).unwrap();
        let (_, operation) = document.operations.iter().next().unwrap();
        check(&operation.node, &Variables::from_json(given)).map_err(|error| error.message)
    }

    #[test]
    fn a_variable_is_what_it_is_declared_as() {
        for (declared, given, good) in [
            ("$a: Int!", json!({ "a": 1 }), true),
            ("$a: Int!", json!({}), false),
            ("$a: Int!", json!({ "a": null }), false),
            ("$a: Int! = 1", json!({}), true),
            ("$a: Int! = 1", json!({ "a": null }), false),
            ("$a: Int", json!({}), true),
            ("$a: Int", json!({ "a": null }), true),
            ("$a: Int", json!({ "a": "1" }), false),
            ("$a: Int", json!({ "a": 1.5 }), false),
            ("$a: Int", json!({ "a": 3_000_000_000_i64 }), false),
            ("$a: Float", json!({ "a": 1 }), true),
            ("$a: String", json!({ "a": 1 }), false),
            ("$a: Boolean", json!({ "a": "true" }), false),
            ("$a: ID!", json!({ "a": 7 }), true),
            ("$a: ID!", json!({ "a": [] }), false),
            ("$a: [Int!]!", json!({ "a": [1, 2] }), true),
            ("$a: [Int!]!", json!({ "a": 1 }), true),
            ("$a: [Int!]!", json!({ "a": [1, null] }), false),
            ("$a: [[Int]]", json!({ "a": [[1], [null]] }), true),
            ("$a: [[Int]]", json!({ "a": [["x"]] }), false),
            ("$a: Anything!", json!({ "a": [{}] }), true),
        ] {
            assert_eq!(verdict(declared, given.clone()).is_ok(), good, "{declared} of {given}");
        }
    }

    /// Which variables are declared and which arguments are there, after trimming.
    fn left(query: &str, given: serde_json::Value) -> Option<String> {
        let document = async_graphql::parser::parse_query(query).unwrap();
        let (_, operation) = document.operations.iter().next().unwrap();
        let trimmed = trimmed(&document, &operation.node, &Variables::from_json(given))?;
        let (_, operation) = trimmed.operations.iter().next().unwrap();
        let declared = operation.node.variable_definitions.iter().map(|d| format!("${}", d.node.name.node));
        let Selection::Field(field) = &operation.node.selection_set.node.items[0].node else { panic!("no field") };
        let arguments = field.node.arguments.iter().map(|(name, value)| format!("{name}: {}", value.node));
        Some(format!("({}) ({})", declared.collect::<Vec<_>>().join(", "), arguments.collect::<Vec<_>>().join(", ")))
    }

    #[test]
    fn what_was_left_out_is_absent_and_not_null() {
        let patch = "query($a: Int, $b: Int) { set(input: { a: $a, b: $b, c: 1 }, b: $b) }";
        assert_eq!(left(patch, json!({ "a": 1, "b": null })), None, "null is given");
        assert_eq!(left(patch, json!({ "a": 1 })).unwrap(), "($a) (input: {a: $a, c: 1})");
        assert_eq!(left(patch, json!({})).unwrap(), "() (input: {c: 1})");
        assert_eq!(left("query($a: Int = 1) { set(a: $a) }", json!({})), None, "it has a default");
        assert_eq!(left("query($a: Int!) { set(a: $a) }", json!({})), None, "refused elsewhere");
        assert_eq!(left("query($a: Int) { set(a: [$a, 1]) }", json!({})), None, "in a list it is null");
        assert_eq!(
            left("query($a: Int) { set(a: $a, b: [{ a: $a }, $a]) }", json!({})).unwrap(),
            "($a) (b: [{}, $a])",
            "still used in a list"
        );
        let directive = "query($a: Boolean) { set(a: $a) @include(if: $a) }";
        assert_eq!(left(directive, json!({})).unwrap(), "($a) ()", "still used in a directive");
    }

    #[test]
    fn fragments_are_trimmed_unless_another_operation_declares_the_variable_otherwise() {
        let shared = |other: &str| {
            format!("query A($a: Int) {{ ...f }} query B({other}) {{ ...f }} fragment f on Query {{ set(a: $a) }}")
        };
        let trims = |other: &str| {
            let document = async_graphql::parser::parse_query(shared(other)).unwrap();
            let a = document.operations.iter().find(|(name, _)| name.is_some_and(|name| name == "A")).unwrap().1;
            trimmed(&document, &a.node, &Variables::default()).map(|document| {
                let all = document.operations.iter();
                all.map(|(_, operation)| operation.node.variable_definitions.len()).sum::<usize>()
            })
        };
        assert_eq!(trims("$a: Int"), Some(0));
        assert_eq!(trims("$a: Int!"), None);
        assert_eq!(trims("$a: Int = 3"), None);
    }
}
