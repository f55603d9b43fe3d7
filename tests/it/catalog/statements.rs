//! What a list page costs in SQL: a constant, whatever its length.

use api::{
    graphql::Gateway,
    platform::{auth::Caller, cache::Topic, meter::Meter},
};
use async_graphql::Request;
use entities::values::Locale;

use crate::support::{TestServer, demo_catalog};

async fn statements(server: &TestServer, query: &str) -> (u64, usize) {
    let gateway = Gateway::new(server.app.clone());
    let mut request = Request::new(query);
    let operation = Gateway::prepare(&mut request).unwrap();
    let meter = Meter::default();
    let response = meter.measure(gateway.execute(request, &operation, Caller::anonymous(None), Locale::en())).await;
    assert!(response.errors.is_empty(), "{:?}", response.errors);
    let data = response.data.into_json().unwrap();
    (meter.statements(), data["products"]["edges"].as_array().unwrap().len())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_page_takes_a_constant_number_of_statements_for_20_and_for_100_rows() {
    let server = TestServer::start().await;
    demo_catalog(&server).await;
    for (shown, expected) in [
        // The total, and the products with their categories and prices.
        ("name category { name } price { amount }", 2),
        ("name category { name } usd: price(currency: \"USD\") { amount }", 2),
        // Prices in two currencies come in a batch.
        ("name price { amount } usd: price(currency: \"USD\") { amount }", 3),
        (
            "id slug name category { id name } brand { id name } cheapestOffer { id sku minimumOrder seller { name } } \
          price { amount currency }",
            5,
        ),
    ] {
        let query =
            |first: usize| format!("{{ products(first: {first}) {{ totalCount edges {{ node {{ {shown} }} }} }} }}");
        // Also while the machine is busy with other tests: batches do not depend on time.
        for first in [20, 100, 20, 100] {
            server.app.cache().outdate(Topic::Catalog).await; // nothing is taken from the cache
            let (count, rows) = statements(&server, &query(first)).await;
            assert_eq!((rows, count), (first, expected), "rows and statements of {shown}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_a_list_can_show_is_loaded_in_batches() {
    let server = TestServer::start().await;
    demo_catalog(&server).await;
    let query = |first: usize| {
        format!(
            "{{ products(first: {first}) {{ edges {{ node {{ name description attributes {{ label }} media {{ url }} tags availability supplyModes \
             category {{ name path {{ name }} productCount parent {{ name }} }} brand {{ name }} owner {{ name roles place {{ name }} }} \
             variants(first: 5) {{ totalCount nodes {{ code offers(last: 3) {{ totalCount nodes {{ sku }} }} }} }} \
             history(first: 2) {{ totalCount nodes {{ action }} }} changes(first: 2) {{ totalCount nodes {{ status }} }} \
             offers(first: 5) {{ totalCount nodes {{ sku seller {{ name }} priceTiers {{ price {{ amount }} }} variant {{ code }} }} }} \
             usd: price(currency: \"USD\") {{ amount }} cny: price {{ amount }} }} }} }} }}"
        )
    };
    let (few, _) = statements(&server, &query(5)).await;
    let (many, rows) = statements(&server, &query(20)).await;
    assert_eq!(rows, 20);
    // A seller that is no product's owner is one more look-up at its own level; rows do not count.
    assert!(many <= few + 2, "5 rows take {few} statements, 20 rows {many}");
}
