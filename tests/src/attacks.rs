//! Requests that should not be, each with what it is refused with: the tests look at the refusal, the bench at its price.

use serde_json::json;

/// A request that should not be.
#[derive(Clone, Debug)]
pub struct Attack {
    /// What it is.
    pub name: &'static str,
    /// The body of the POST.
    pub body: Vec<u8>,
    /// The status that it is refused with.
    pub status: u16,
    /// The code that it is refused with.
    pub code: &'static str,
}

fn attack(name: &'static str, query: &str, code: &'static str) -> Attack {
    Attack { name, body: json!({ "query": query }).to_string().into_bytes(), status: 400, code }
}

/// All of them.
pub fn attacks() -> Vec<Attack> {
    let twice = |n: u32| format!("fragment f{n} on Query {{ ...f{m} ...f{m} }} ", m = n + 1);
    let bomb = (0..40).map(twice).collect::<Vec<_>>().concat();
    let bomb = format!("{{ ...f0 }} {bomb} fragment f40 on Query {{ __typename }}");
    let once = |n: u32| format!("fragment f{n} on Query {{ ...f{} }} ", n + 1);
    let chain = format!("{{ ...f0 }} {}", (0..1_200).map(once).collect::<Vec<_>>().concat());
    let aliases = (0..10_000).map(|n| format!("a{n}: __typename ")).collect::<Vec<_>>().concat();
    let directives = "@include(if: true) ".repeat(5_000);
    let some_directives = "@include(if: true) ".repeat(51);
    let deep = format!("{{ categories {{ nodes {{ {} id {} }} }} }}", "parent { ".repeat(50), "} ".repeat(50));
    let brackets = format!("{{ products(filter: {}", "[".repeat(100_000));
    let batch = format!("[{}]", vec![json!({ "query": "{ __typename }" }).to_string(); 100].join(","));
    let huge = json!({ "query": format!("{{ __typename }} #{}", "x".repeat(2_000_000)) }).to_string();
    let lists =
        "{ products(first: 100) { nodes { variants(first: 100) { nodes { offers(first: 100) { nodes { id } } } } } } }";
    let introspection =
        "{ __schema { types { fields { type { fields { type { fields { type { fields { name } } } } } } } } } }";
    let many =
        (0..30).map(|n| format!("a{n}: __schema {{ types {{ fields {{ args {{ name type {{ name }} }} }} }} }} "));
    let many = format!("{{ {} }}", many.collect::<Vec<_>>().concat());
    let budget = "BUDGET_EXCEEDED";
    vec![
        attack("10k aliases", &format!("{{ {aliases} }}"), budget),
        attack("5k directives", &format!("{{ __typename {directives} }}"), budget),
        attack("51 directives", &format!("{{ __typename {some_directives} }}"), budget),
        attack("a bomb of fragments", &bomb, budget),
        attack("a chain of fragments", &chain, budget),
        attack("circular fragments", "{ ...a } fragment a on Query { ...b } fragment b on Query { ...a }", budget),
        attack("depth 50", &deep, budget),
        attack("100k brackets", &brackets, budget),
        attack("lists in lists", lists, budget),
        attack("nested introspection", introspection, budget),
        attack("introspection thirty times", &many, budget),
        Attack { name: "two megabytes", body: huge.into_bytes(), status: 413, code: budget },
        Attack { name: "a batch of 100", body: batch.into_bytes(), status: 400, code: "BAD_INPUT" },
        Attack {
            name: "invalid UTF-8",
            body: vec![b'{', b'"', 0xff, 0xfe, b'"', b'}'],
            status: 400,
            code: "BAD_INPUT",
        },
        Attack { name: "deep JSON", body: "[".repeat(500_000).into_bytes(), status: 400, code: "BAD_INPUT" },
    ]
}
