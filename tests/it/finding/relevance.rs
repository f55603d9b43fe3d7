//! The relevance suite: `search/relevance/queries.tsv` over the demo catalog, with every engine there is. Each query
//! names what must be among the first three.

use std::collections::{BTreeMap, HashMap};

use api::finding::index;
use entities::{
    catalog::{category, product},
    values::id::CategoryId,
};
use sea_orm::EntityTrait;
use search::{Document, Facet, Found, Kind, Query, SearchEngine, Visible};
use uuid::Uuid;

use super::engines::Meilisearch;
use crate::support::{TestServer, demo_catalog};

const QUERIES: &str = include_str!("../../../search/relevance/queries.tsv");
/// The share of queries, in percent, whose answer must be among the first three.
const DEMANDED: usize = 95;

/// The catalog as the suite names it.
struct Shelf {
    documents: Vec<Document>,
    slugs: HashMap<Uuid, String>,
    categories: HashMap<String, CategoryId>,
}

impl Shelf {
    async fn of(server: &TestServer) -> Self {
        let db = server.app.db().read();
        let products = product::Entity::find().all(db).await.unwrap();
        let found: Vec<Found> = products.iter().map(|p| Found { kind: Kind::Product, id: p.id.0 }).collect();
        let categories = category::Entity::find().all(db).await.unwrap();
        Self {
            documents: index::documents_of(db, &found).await.unwrap(),
            slugs: products.into_iter().map(|p| (p.id.0, p.slug.to_string())).collect(),
            categories: categories.into_iter().map(|c| (c.slug.to_string(), c.id)).collect(),
        }
    }

    /// Whether a product is one of the expected.
    fn is(&self, id: Uuid, expected: &str) -> bool {
        let Some(document) = self.documents.iter().find(|d| d.id == id) else { return false };
        let has = |facet: Facet, value: &str| document.facets.get(&facet).is_some_and(|v| v.iter().any(|v| v == value));
        expected.split('|').any(|one| match one.split_once(':') {
            Some(("category", slug)) => {
                let id = self.categories.get(slug).unwrap_or_else(|| panic!("no category {slug}"));
                has(Facet::Category, &id.0.simple().to_string())
            }
            Some(("hs", prefix)) => document.codes.iter().any(|code| code.starts_with(prefix)),
            Some(("brand", slug)) => self.slugs_of_brand(document, slug),
            Some(_) => panic!("{one} is no expectation"),
            None => self.slugs.get(&id).is_some_and(|slug| slug == one),
        })
    }

    fn slugs_of_brand(&self, document: &Document, slug: &str) -> bool {
        // The demo catalog's own file says which product is of which brand.
        let of_brand = BRANDS.with(|brands| brands.get(&self.slugs[&document.id]).cloned());
        of_brand.as_deref() == Some(slug)
    }
}

thread_local! {
    static BRANDS: HashMap<String, String> = {
        let mut reader = csv::Reader::from_reader(api::zone::DEMO_CATALOG.as_bytes());
        let columns = reader.headers().unwrap().clone();
        let at = |name: &str| columns.iter().position(|c| c == name).unwrap();
        let (product, brand) = (at("product"), at("brand"));
        reader.records().map(|row| { let row = row.unwrap(); (row[product].to_owned(), row[brand].to_owned()) }).collect()
    };
}

/// Runs the suite; answers with the queries that missed.
async fn run(shelf: &Shelf, engine: &dyn SearchEngine) -> (usize, Vec<String>) {
    let mut by_kind: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    let (mut all, mut hits, mut reciprocal, mut missed) = (0_usize, 0_usize, 0_usize, Vec::new());
    for line in QUERIES.lines().skip(1).filter(|line| !line.trim().is_empty()) {
        let mut cells = line.split('\t');
        let (kind, query, expected) = (cells.next().unwrap(), cells.next().unwrap(), cells.next().unwrap());
        let answer = engine.search(&Query::words(query, Visible::Public, &[Kind::Product], 10)).await.unwrap();
        let place = answer.found.iter().position(|found| shelf.is(found.id, expected));
        let entry = by_kind.entry(kind).or_default();
        entry.1 += 1;
        all += 1;
        if let Some(place) = place {
            reciprocal += 1_000 / (place + 1);
        }
        if place.is_some_and(|place| place < 3) {
            hits += 1;
            entry.0 += 1;
        } else {
            let top: Vec<&str> = answer.found.iter().take(3).map(|f| shelf.slugs[&f.id].as_str()).collect();
            missed.push(format!("  {kind}: {query} -> {} (place {place:?}), not {expected}", top.join(", ")));
        }
    }
    println!("relevance of {}: {hits} of {all} in the first three, MRR 0.{:03}", engine.name(), reciprocal / all);
    for (kind, (hits, all)) in by_kind {
        println!("  {kind:<15} {hits} of {all}");
    }
    for miss in &missed {
        println!("{miss}");
    }
    (hits * 100 / all, missed)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_looked_for_is_among_the_first_three() {
    let server = TestServer::start().await;
    demo_catalog(&server).await;
    let shelf = Shelf::of(&server).await;
    let (share, missed) = run(&shelf, server.app.search()).await;
    assert!(share >= DEMANDED, "only {share}% of the queries find what they must:\n{}", missed.join("\n"));

    let Some(meilisearch) = Meilisearch::start().await else { return };
    let engine = meilisearch.engine("relevance");
    engine.begin_rebuild().await.unwrap();
    engine.put_next(shelf.documents.clone()).await.unwrap();
    engine.swap().await.unwrap();
    let (share, missed) = run(&shelf, engine.as_ref()).await;
    assert!(share >= DEMANDED, "only {share}% of the queries find what they must:\n{}", missed.join("\n"));
}
