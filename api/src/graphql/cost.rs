//! What an operation costs, before anything is validated: a bound from the document, its variables and the schema.
//!
//! A field costs 1, a list 10 and its page size times what each row costs; the count of a list costs 10. Introspection
//! is measured apart: its lists nest in each other without end, and their sizes are those of the schema. So it may ask
//! for at most twice of what [`STANDARD`] asks, and nest its lists no deeper than any tool does.

use std::{
    collections::{HashMap, HashSet},
    sync::LazyLock,
};

use async_graphql::{
    Name, Value as ConstValue, Variables,
    parser::types::{
        BaseType, ExecutableDocument, Field, OperationDefinition, OperationType, Selection, SelectionSet, Type,
        TypeKind, TypeSystemDefinition,
    },
};
use async_graphql_value::Value;
use platform::page::DEFAULT_SIZE;

/// What asking for a list costs by itself, and what counting one does.
const LIST: u64 = 10;
/// How many things are expected in a list that has no pages: a handful.
const HANDFUL: u64 = 10;
/// A page that is larger is refused when it is read; it costs no more here.
const LARGEST_PAGE: u64 = 1_000;
/// What tools ask of `__schema`: the query of graphql-js.
const STANDARD: &str = include_str!("introspection.graphql");
/// Deepest nesting of lists in introspection. The standard query has three: types, fields, args.
const NESTED_LISTS: usize = 4;
/// Deepest nesting of those that lead from type to type, as graphql-js has it.
const NESTED_TYPES: usize = 2;

/// What an operation costs.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Cost {
    /// Without introspection.
    pub(super) plain: u64,
    /// Whether it asks for the schema.
    pub(super) introspects: bool,
    introspection: u64,
    nested_lists: usize,
    nested_types: usize,
}

impl Cost {
    fn and(self, other: Self) -> Self {
        Self {
            plain: self.plain.saturating_add(other.plain),
            introspects: self.introspects || other.introspects,
            introspection: self.introspection.saturating_add(other.introspection),
            nested_lists: self.nested_lists.max(other.nested_lists),
            nested_types: self.nested_types.max(other.nested_types),
        }
    }

    /// `size` times this, which is one row of a list.
    fn times(self, size: u64) -> Self {
        Self { plain: self.plain.saturating_mul(size), ..self }
    }

    fn plus(self, plain: u64) -> Self {
        Self { plain: self.plain.saturating_add(plain), ..self }
    }
}

/// What `operation` costs; says why when it asks for too much of the schema. The document is within its size.
pub(super) fn of(
    document: &ExecutableDocument,
    operation: &OperationDefinition,
    variables: &Variables,
) -> Result<Cost, String> {
    let cost = SCHEMA.walk(document, operation, variables);
    if cost.nested_lists > NESTED_LISTS || cost.nested_types > NESTED_TYPES {
        return Err("the introspection nests lists in lists deeper than any tool needs".to_owned());
    }
    if cost.introspection > LARGEST_INTROSPECTION.saturating_mul(2) {
        return Err("the introspection asks for more than twice of what tools ask".to_owned());
    }
    Ok(cost)
}

static SCHEMA: LazyLock<Shape> = LazyLock::new(|| Shape::of(&super::sdl()));

static LARGEST_INTROSPECTION: LazyLock<u64> = LazyLock::new(|| {
    let document = async_graphql::parser::parse_query(STANDARD).ok();
    let asked = document.as_ref().and_then(|document| {
        let (_, operation) = document.operations.iter().next()?;
        Some(SCHEMA.walk(document, &operation.node, &Variables::default()).introspection)
    });
    asked.unwrap_or_default()
});

/// What the costs need to know of the schema.
#[derive(Debug, Default)]
struct Shape {
    types: HashMap<Name, HashMap<Name, Leads>>,
}

/// Where a field leads.
#[derive(Debug)]
struct Leads {
    to: Name,
    how: How,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum How {
    /// To one thing, or to the page that its own arguments have counted.
    One,
    /// To a handful.
    Handful,
    /// To a page.
    Page,
}

impl Shape {
    fn of(sdl: &str) -> Self {
        let Ok(document) = async_graphql::parser::parse_schema(sdl) else { return Self::default() };
        let mut types = HashMap::new();
        let mut pages = HashSet::new();
        for definition in document.definitions {
            let TypeSystemDefinition::Type(definition) = definition else { continue };
            let fields = match definition.node.kind {
                TypeKind::Object(object) => object.fields,
                TypeKind::Interface(interface) => interface.fields,
                _ => continue,
            };
            let mut leads = HashMap::new();
            for field in fields {
                let (to, list) = innermost(&field.node.ty.node);
                let paged = field.node.arguments.iter().any(|a| matches!(a.node.name.node.as_str(), "first" | "last"));
                if paged {
                    pages.insert(to.clone());
                }
                let how = if paged {
                    How::Page
                } else if list {
                    How::Handful
                } else {
                    How::One
                };
                leads.insert(field.node.name.node, Leads { to: to.clone(), how });
            }
            types.insert(definition.node.name.node, leads);
        }
        // The lists in a page (nodes, edges) are the page.
        for page in pages {
            for field in types.get_mut(&page).into_iter().flat_map(HashMap::values_mut) {
                if field.how == How::Handful {
                    field.how = How::One;
                }
            }
        }
        Self { types }
    }

    fn walk(&self, document: &ExecutableDocument, operation: &OperationDefinition, variables: &Variables) -> Cost {
        let root = match operation.ty {
            OperationType::Query => "Query",
            OperationType::Mutation => "Mutation",
            OperationType::Subscription => "Subscription",
        };
        let mut walk = Walk { shape: self, document, operation, variables, known: HashMap::new() };
        walk.set(self.place(root), &operation.selection_set.node)
    }

    fn place(&self, name: &str) -> Place<'_> {
        if name.starts_with("__") {
            return Place::Introspection;
        }
        self.types.get(name).map_or(Place::Unknown, Place::Type)
    }
}

/// The named type within lists, and whether there is a list.
fn innermost(ty: &Type) -> (&Name, bool) {
    match &ty.base {
        BaseType::Named(name) => (name, false),
        BaseType::List(inner) => (innermost(inner).0, true),
    }
}

/// Where in the schema a selection is.
#[derive(Clone, Copy)]
enum Place<'a> {
    Type(&'a HashMap<Name, Leads>),
    Introspection,
    /// Validation will say that there is no such thing.
    Unknown,
}

struct Walk<'a> {
    shape: &'a Shape,
    document: &'a ExecutableDocument,
    operation: &'a OperationDefinition,
    variables: &'a Variables,
    known: HashMap<&'a Name, Cost>,
}

impl<'a> Walk<'a> {
    fn set(&mut self, place: Place<'a>, set: &'a SelectionSet) -> Cost {
        let mut sum = Cost::default();
        for item in &set.items {
            let cost = match &item.node {
                Selection::Field(field) => self.field(place, &field.node),
                Selection::InlineFragment(inline) => {
                    let on = inline.node.type_condition.as_ref();
                    let place = on.map_or(place, |on| self.shape.place(&on.node.on.node));
                    self.set(place, &inline.node.selection_set.node)
                }
                Selection::FragmentSpread(spread) => self.fragment(&spread.node.fragment_name.node),
            };
            sum = sum.and(cost);
        }
        sum
    }

    /// A fragment costs the same wherever it is spread.
    fn fragment(&mut self, name: &'a Name) -> Cost {
        if let Some(cost) = self.known.get(name) {
            return *cost;
        }
        let Some(fragment) = self.document.fragments.get(name) else { return Cost::default() };
        let place = self.shape.place(&fragment.node.type_condition.node.on.node);
        let cost = self.set(place, &fragment.node.selection_set.node);
        self.known.insert(name, cost);
        cost
    }

    fn field(&mut self, place: Place<'a>, field: &'a Field) -> Cost {
        let (name, below) = (field.name.node.as_str(), &field.selection_set.node);
        if matches!(name, "__schema" | "__type") {
            let below = self.set(Place::Introspection, below);
            return Cost { introspects: true, ..below }.plus(1);
        }
        let fields = match place {
            Place::Introspection => return self.introspected(name, below),
            Place::Type(fields) => Some(fields),
            Place::Unknown => None,
        };
        let leads = fields.and_then(|fields| fields.get(name));
        let below = self.set(leads.map_or(Place::Unknown, |leads| self.shape.place(&leads.to)), below);
        let paged = field.get_argument("first").is_some() || field.get_argument("last").is_some();
        match leads.map_or(How::One, |leads| leads.how) {
            How::Handful if !paged => below.times(self.named(field).unwrap_or(HANDFUL)).plus(1),
            How::One if !paged => below.plus(if name == "totalCount" { LIST } else { 1 }),
            _ => below.times(self.page(field)).plus(LIST),
        }
    }

    /// A field of the schema's own description. How long its lists are is known well enough.
    fn introspected(&mut self, name: &str, below: &'a SelectionSet) -> Cost {
        let below = self.set(Place::Introspection, below);
        let (size, list, types) = match name {
            "types" => (u64::try_from(self.shape.types.len()).unwrap_or(u64::MAX), true, false),
            "fields" => (10, true, true),
            "inputFields" => (5, true, true),
            "interfaces" | "possibleTypes" => (2, true, true),
            "enumValues" | "directives" => (5, true, false),
            "args" => (3, true, false),
            _ => (1, false, false),
        };
        Cost {
            plain: below.plain.saturating_add(1),
            introspects: true,
            introspection: below.introspection.saturating_add(1).saturating_mul(size),
            nested_lists: below.nested_lists + usize::from(list),
            nested_types: below.nested_types + usize::from(types),
        }
    }

    /// The page size that a field asks for.
    fn page(&self, field: &Field) -> u64 {
        let asked = |argument| match self.constant(&field.get_argument(argument)?.node)? {
            // Less than none is refused when it is read.
            ConstValue::Number(number) => Some(number.as_u64().unwrap_or_default()),
            _ => None,
        };
        asked("first").or_else(|| asked("last")).map_or(DEFAULT_SIZE, |size| size.min(LARGEST_PAGE))
    }

    /// How many things a field names.
    fn named(&self, field: &Field) -> Option<u64> {
        let ids = match &field.get_argument("ids")?.node {
            Value::List(ids) => ids.len(),
            value => match self.constant(value)? {
                ConstValue::List(ids) => ids.len(),
                _ => 1,
            },
        };
        u64::try_from(ids).ok()
    }

    /// What a number or a variable is; none when it was left out.
    fn constant(&self, value: &Value) -> Option<ConstValue> {
        match value {
            Value::Number(number) => Some(ConstValue::Number(number.clone())),
            Value::Variable(name) => self.variables.get(name).cloned().or_else(|| {
                let mut definitions = self.operation.variable_definitions.iter();
                let definition = definitions.find(|definition| definition.node.name.node == *name)?;
                definition.node.default_value.as_ref().map(|default| default.node.clone())
            }),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cost(query: &str, variables: serde_json::Value) -> Result<u64, String> {
        let document = async_graphql::parser::parse_query(query).unwrap();
        let (_, operation) = document.operations.iter().next().unwrap();
        of(&document, &operation.node, &Variables::from_json(variables)).map(|cost| cost.plain)
    }

    #[test]
    fn a_list_costs_its_page_times_its_rows() {
        let none = || serde_json::json!({});
        assert_eq!(cost("{ __typename }", none()), Ok(1));
        assert_eq!(cost("{ products { nodes { id } } }", none()), Ok(20 * 2 + 10));
        assert_eq!(cost("{ products(first: 3) { totalCount nodes { id name } } }", none()), Ok(3 * 13 + 10));
        assert_eq!(cost("{ products(last: 3) { edges { node { id } cursor } } }", none()), Ok(3 * 4 + 10));
        let paged = "query($n: Int = 7) { products(first: $n) { nodes { id } } }";
        assert_eq!(cost(paged, none()), Ok(7 * 2 + 10));
        assert_eq!(cost(paged, serde_json::json!({ "n": 5 })), Ok(5 * 2 + 10));
        assert_eq!(cost(paged, serde_json::json!({ "n": null })), Ok(20 * 2 + 10));
        assert_eq!(cost("{ nodes(ids: [\"a\", \"b\"]) { id } }", none()), Ok(3));
        let nested = "{ products(first: 10) { nodes { ...v } } } \
                      fragment v on Product { variants(first: 10) { nodes { offers(first: 10) { nodes { id } } } } }";
        assert_eq!(cost(nested, none()), Ok(10 * (1 + 10 * (1 + 10 * 2 + 10) + 10) + 10));
        let endless = "children(first: 1000) { nodes { ".repeat(8);
        let endless = format!("{{ categories {{ nodes {{ {endless} id {} }} }} }}", "} } ".repeat(8));
        assert!(cost(&endless, none()).unwrap() > 1_000_000_000_000);
    }

    #[test]
    fn a_bomb_of_introspection_is_refused_and_the_query_of_tools_is_not() {
        let none = || serde_json::json!({});
        assert!(cost(STANDARD, none()).is_ok());
        assert!(cost("{ __type(name: \"Query\") { fields { type { fields { name } } } } }", none()).is_ok());
        for bomb in [
            "{ __schema { types { fields { type { fields { type { fields { name } } } } } } } }",
            "{ __schema { types { ...f } } } fragment f on __Type { fields { type { ...g } } } \
             fragment g on __Type { fields { type { fields { name } } } }",
            "{ __type(name: \"Query\") { interfaces { possibleTypes { interfaces { name } } } } }",
            "{ __schema { types { fields { args { type { enumValues { name } inputFields { name } } } } } } \
               a: __schema { types { fields { args { type { fields { args { name } } } } } } } }",
        ] {
            assert!(cost(bomb, none()).is_err(), "{bomb}");
        }
    }
}
