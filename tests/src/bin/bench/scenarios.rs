//! What the server is asked: each page as the requests of one scenario, written out as they are sent.

use std::net::SocketAddr;

use api::seed::{STYLES, THINGS};

use super::{bare, driver::Requests};

const LIST: &str = "query List($after: String) { products(first: 20, after: $after) { \
                    nodes { name price { amount } category { name } } } }";
const LIST_AND_TOTAL: &str = "query List($after: String) { products(first: 20, after: $after) { \
                              totalCount nodes { name price { amount } category { name } } } }";
const PRODUCT: &str = "query Product($slug: String!) { product(by: { slug: $slug }) { id name description \
                       price { amount currency } category { name } brand { name } \
                       variants { nodes { code gtin hsCode origin netWeightG } } \
                       offers { nodes { sku minimumOrder leadTimeDays seller { name } \
                       priceTiers { minimumQuantity price { amount currency } } } } } }";
const SEARCH: &str = "query Search($words: String!) { search(query: $words, filter: { kinds: [PRODUCT] }, \
                      facets: [CATEGORY, BRAND, ORIGIN, SUPPLY_MODE, AVAILABILITY], first: 20) { totalCount \
                      nodes { ... on Product { name price { amount } category { name } } } \
                      facets { field values { value label count } } } }";
const SUGGEST: &str = "query Suggest($text: String!) { suggest(text: $text, first: 8) { text kind } }";
/// How many different things a cached scenario asks for.
const CACHED: usize = 20;
/// Headers that every request to the API has.
const USUAL: &str = "content-type: application/json\r\naccept: application/graphql-response+json\r\n\
                     accept-language: en\r\n";
/// Bypasses the server's cache of responses.
const UNCACHED: &str = "cache-control: no-cache\r\n";
/// Asks the server for what the request cost.
pub(crate) const COST: &str = "x-chama-cost: 1\r\n";

/// A scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    /// The first page of 20, again and again.
    ListCached,
    /// Pages of 20: name, price, category.
    List,
    /// The same with `totalCount`.
    ListAndTotal,
    /// A few products with all that their page shows.
    ProductCached,
    /// Many products.
    Product,
    /// A few searches with five facets.
    SearchCached,
    /// Many searches.
    Search,
    /// A few beginnings of words.
    SuggestCached,
    /// Many of them.
    Suggest,
}

impl What {
    /// All of them, in the order of the table.
    pub(crate) const ALL: [Self; 9] = [
        Self::ListCached,
        Self::List,
        Self::ListAndTotal,
        Self::ProductCached,
        Self::Product,
        Self::SearchCached,
        Self::Search,
        Self::SuggestCached,
        Self::Suggest,
    ];

    /// How it is called in the table.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::ListCached => "list page, cached",
            Self::List => "list page, uncached",
            Self::ListAndTotal => "list page with totalCount, uncached",
            Self::ProductCached => "product page, cached",
            Self::Product => "product page, uncached",
            Self::SearchCached => "search with facets, cached",
            Self::Search => "search with facets, uncached",
            Self::SuggestCached => "suggest, cached",
            Self::Suggest => "suggest, uncached",
        }
    }

    /// The page whose SQL it is held against.
    pub(crate) fn page(self) -> Option<bare::Page> {
        match self {
            Self::ListCached | Self::List | Self::ListAndTotal => Some(bare::Page::List),
            Self::ProductCached | Self::Product => Some(bare::Page::Product),
            _ => None,
        }
    }

    /// What every good answer has in it.
    pub(crate) fn shows(self) -> &'static str {
        match self {
            Self::ListCached | Self::List | Self::ListAndTotal => "\"nodes\":[{",
            Self::ProductCached | Self::Product => "\"product\":{",
            Self::SearchCached | Self::Search => "\"facets\":[",
            Self::SuggestCached | Self::Suggest => "\"suggest\":[",
        }
    }

    fn cached(self) -> bool {
        matches!(self, Self::ListCached | Self::ProductCached | Self::SearchCached | Self::SuggestCached)
    }
}

/// What there is to ask for.
pub(crate) struct Catalog {
    /// Where the server is.
    pub(crate) address: SocketAddr,
    /// Where pages of the list begin.
    pub(crate) cursors: Vec<String>,
    /// Products.
    pub(crate) slugs: Vec<String>,
}

impl Catalog {
    /// The requests of a scenario.
    pub(crate) fn requests(&self, what: What) -> Requests {
        let headers = if what.cached() { "" } else { UNCACHED };
        self.asked(what).iter().map(|(query, variables)| post(self.address, query, variables, headers)).collect()
    }

    /// The first request of a scenario, which also asks what it costs.
    pub(crate) fn costing(&self, what: What) -> Option<Vec<u8>> {
        let headers = if what.cached() { COST.to_owned() } else { format!("{UNCACHED}{COST}") };
        self.asked(what).first().map(|(query, variables)| post(self.address, query, variables, &headers))
    }

    /// Queries with their variables.
    fn asked(&self, what: What) -> Vec<(&'static str, String)> {
        let all = |query: &'static str, name: &str, values: &[String]| {
            let with = |value: &String| (query, format!("{}:{}", quoted(name), quoted(value)));
            values.iter().map(with).collect::<Vec<_>>()
        };
        let mut asked = match what {
            What::ListCached => vec![(LIST, String::new())],
            What::List => all(LIST, "after", &self.cursors),
            What::ListAndTotal => all(LIST_AND_TOTAL, "after", &self.cursors),
            What::ProductCached | What::Product => all(PRODUCT, "slug", &self.slugs),
            What::SearchCached | What::Search => all(SEARCH, "words", &words()),
            What::SuggestCached | What::Suggest => all(SUGGEST, "text", &beginnings()),
        };
        if what.cached() {
            asked.truncate(CACHED);
        }
        asked
    }
}

/// What people may look for in a seeded catalog: a style and a thing, in English and Chinese in turns.
fn words() -> Vec<String> {
    let mut words = Vec::new();
    for (place, thing) in THINGS.iter().enumerate() {
        for style in STYLES.iter().skip(place % 2).step_by(2) {
            words.push(format!("{} {}", style.1, thing.1));
            words.push(format!("{}{}", style.0, thing.0));
        }
    }
    words
}

/// The same while it is being typed.
fn beginnings() -> Vec<String> {
    let start = |text: &str, letters: usize| text.chars().take(letters).collect::<String>();
    let mut beginnings = Vec::new();
    for (style, thing) in STYLES.iter().flat_map(|style| THINGS.iter().map(move |thing| (style, thing))) {
        beginnings.push(format!("{} {}", style.1, start(thing.1, 2)));
        beginnings.push(format!("{}{}", style.0, start(thing.0, 1)));
    }
    beginnings.extend(STYLES.iter().chain(THINGS.iter()).map(|word| start(word.1, 3)));
    beginnings
}

/// A request to the API.
pub(crate) fn post(address: SocketAddr, query: &str, variables: &str, headers: &str) -> Vec<u8> {
    let body = format!("{{\"query\":{},\"variables\":{{{variables}}}}}", quoted(query));
    let length = body.len();
    format!("POST /graphql HTTP/1.1\r\nhost: {address}\r\n{USUAL}{headers}content-length: {length}\r\n\r\n{body}")
        .into_bytes()
}

/// A request to the API that should not be.
pub(crate) fn attack(address: SocketAddr, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head = format!("POST /graphql HTTP/1.1\r\nhost: {address}\r\n{USUAL}content-length: {length}\r\n\r\n");
    [head.as_bytes(), body].concat()
}

/// A request for anything else.
pub(crate) fn get(address: SocketAddr, target: &str) -> Vec<u8> {
    format!("GET {target} HTTP/1.1\r\nhost: {address}\r\naccept: */*\r\n\r\n").into_bytes()
}

/// A text as JSON writes it; those of the bench have nothing else that must be escaped.
pub(crate) fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}
