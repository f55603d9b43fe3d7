//! Taken back and given back wholly, in whichever way and in whatever parts, everything is where it was: ledger, quota,
//! stock, account book, money.

use proptest::prelude::*;
use sea_orm::{ConnectionTrait, Statement};
use serde_json::{Value, json};

use super::{
    Border,
    receipts::{deliver, silently},
};
use crate::support::{Client, OTHER_SELLER, thorough};

/// How an order is undone.
#[derive(Clone, Debug)]
enum Way {
    /// Before anything is declared.
    BeforeTheList,
    /// While customs looks at the list.
    Withdrawn,
    /// Customs rejects the list, and nobody wants it any more.
    AfterRejection,
    /// Customs rejects the list while it is asked to let it be withdrawn.
    Overtaken,
    /// Released and not sent off, wholly.
    Unsent,
    /// Sent off, and given back in parts: so many each; customs agrees to the last one first or to the first one first.
    InParts(Vec<u8>, bool),
}

fn ways() -> impl Strategy<Value = Vec<(u8, Way)>> {
    let parts = (proptest::collection::vec(1..4_u8, 1..4), any::<bool>());
    let way = prop_oneof![
        1 => Just(Way::BeforeTheList),
        1 => Just(Way::Withdrawn),
        1 => Just(Way::AfterRejection),
        1 => Just(Way::Overtaken),
        1 => Just(Way::Unsent),
        3 => parts.prop_map(|(parts, last)| Way::InParts(parts, last)),
    ];
    proptest::collection::vec((1..7_u8, way), 1..5)
}

struct World {
    border: Border,
    buyer: Client,
    seller: Client,
}

impl World {
    async fn new() -> Self {
        let border = Border::new().await;
        let (buyer, seller) = (border.market.identified(1).await, border.seller().await);
        Self { border, buyer, seller }
    }

    /// All that must be as it was.
    async fn stands(&self) -> (String, (i64, i64, i64), (i64, i64), (String, String), String) {
        let db = self.border.market.app().db().writer();
        // What a provider takes for its work it keeps.
        let text = "SELECT account, CAST(SUM(amount_minor) AS BIGINT) AS left_over FROM ledger_entry \
                    WHERE account NOT IN ('fees', 'provider') GROUP BY account, party_id, currency HAVING SUM(amount_minor) <> 0 ORDER BY account";
        let rows = db.query_all_raw(Statement::from_string(db.get_database_backend(), text)).await.unwrap();
        let open: Vec<String> = rows
            .iter()
            .map(|row| {
                let (account, sum): (String, i64) =
                    (row.try_get("", "account").unwrap(), row.try_get("", "left_over").unwrap());
                format!("{account} {sum}")
            })
            .collect();
        let stock = self.border.market.stock(OTHER_SELLER, &self.border.variant).await;
        let bound = self.guarantee().await["bound"]["amount"].as_str().unwrap().to_owned();
        (open.join(", "), self.border.book().await, stock, self.border.quota(&self.buyer).await, bound)
    }

    /// What the guarantee answers for.
    async fn guarantee(&self) -> Value {
        let query = "query($id: ID!) { guaranteeAccount(guarantorId: $id) { bound { amount } } }";
        let operator = self.border.market.server.operator().await;
        let whose = self.border.market.server.organisation(OTHER_SELLER).await;
        operator.data(query, json!({ "id": whose })).await["guaranteeAccount"].clone()
    }

    async fn cancel(&self, order: &Value) {
        let input = json!({ "id": order["id"], "reason": "不要了" });
        self.buyer.done("cancelOrder", "order { state }", input).await;
        self.border.market.worked().await;
    }

    /// Asks for a return of so many and takes the goods in; answers with what customs will say.
    async fn given_back(&self, order: &Value, quantity: i32) -> Vec<String> {
        let request = self.border.asked_back(&self.buyer, order, quantity).await;
        self.border.came_back(&request).await;
        silently(&self.border).await
    }

    async fn undone(&self, quantity: i32, way: &Way) -> Value {
        let border = &self.border;
        match way {
            Way::BeforeTheList => {
                let order = border.bought(&self.buyer, quantity, "").await;
                self.cancel(&order).await;
                order
            }
            Way::Withdrawn => {
                let order = border.declared(&self.buyer, quantity, "no-end").await;
                self.cancel(&order).await;
                order
            }
            Way::AfterRejection => {
                let order = border.declared(&self.buyer, quantity, "reject-id").await;
                self.cancel(&order).await;
                order
            }
            Way::Overtaken => {
                let order = border.bought(&self.buyer, quantity, "reject-late").await;
                border.waybill_silently(&order, &format!("YT{}", order["number"].as_str().unwrap())).await;
                for text in silently(border).await {
                    deliver(border, &text).await;
                }
                let answers = silently(border).await;
                let input = json!({ "id": order["id"], "reason": "不要了" });
                self.buyer.done("cancelOrder", "order { state }", input).await;
                for text in answers {
                    deliver(border, &text).await;
                }
                border.market.worked().await;
                order
            }
            Way::Unsent => {
                let order = border.declared(&self.buyer, quantity, "").await;
                for text in self.given_back(&order, quantity).await {
                    deliver(border, &text).await;
                }
                border.market.worked().await;
                order
            }
            Way::InParts(parts, last_first) => {
                let order = border.declared(&self.buyer, quantity, "").await;
                let ship = json!({ "id": order["id"], "waybill": "YT" });
                self.seller.done("shipOrder", "order { state }", ship).await;
                let (mut left, mut answers) = (quantity, Vec::new());
                for part in parts.iter().copied().chain(std::iter::repeat(9)) {
                    let part = i32::from(part).min(left);
                    if part == 0 {
                        break;
                    }
                    answers.push(self.given_back(&order, part).await);
                    left -= part;
                }
                if *last_first {
                    answers.reverse();
                }
                for text in answers.concat() {
                    deliver(border, &text).await;
                }
                border.market.worked().await;
                order
            }
        }
    }
}

#[test]
fn whatever_way_an_order_is_undone_everything_is_where_it_was() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let cases = if thorough() { 40 } else { 4 };
    let config = ProptestConfig { cases, failure_persistence: None, max_shrink_iters: 8, ..ProptestConfig::default() };
    proptest!(config, |(all in ways())| {
        runtime.block_on(async {
            let world = World::new().await;
            let start = world.stands().await;
            prop_assert_eq!(&start.0, "", "there is money before anything was bought");
            for (quantity, way) in &all {
                let order = world.undone(i32::from(*quantity), way).await;
                let seen = world.border.order(&world.buyer, &order).await;
                let ended = seen["state"].as_str().unwrap().to_owned();
                prop_assert!(ended == "CANCELLED" || ended == "RETURNED", "{:?} ends {:#}", way, seen);
                prop_assert_eq!(&world.stands().await.0, "", "money is left over after {:?}", way);
                let (_, book, stock, quota, bound) = world.stands().await;
                prop_assert_eq!((book, stock, quota), (start.1, start.2, start.3.clone()), "after {:?}", way);
                prop_assert_eq!(bound, "0.00", "the guarantee answers for what came back after {:?}", way);
                world.border.market.adds_up().await;
            }
            Ok::<(), TestCaseError>(())
        })?;
    });
    drop(runtime);
}
