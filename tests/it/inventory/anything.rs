//! Whatever is done with stock, in whatever order: it adds up after every step.

use api::inventory::book;
use entities::{
    inventory::{ReservationStep, book as item},
    values::id::BondedItemId,
};

use super::*;

#[derive(Clone, Debug)]
enum Deed {
    Receive(i64),
    HoldAll(Vec<i64>),
    ConfirmAll(usize),
    LetGo(usize),
    ConsumeAll(usize),
    Return(usize, i64),
    WriteOff(i64),
    Count(i64),
    Transfer { asked: i64, came: i64, found: i64 },
    Lock(i64),
    Unlock(usize),
    Reduce(usize),
    Hot(bool),
    Wait,
}

fn deeds() -> impl Strategy<Value = Vec<Deed>> {
    let which = 0..30_usize;
    let deed = prop_oneof![
        3 => (1..40_i64).prop_map(Deed::Receive),
        5 => prop::collection::vec(1..12_i64, 1..4).prop_map(Deed::HoldAll),
        3 => which.clone().prop_map(Deed::ConfirmAll),
        2 => which.clone().prop_map(Deed::LetGo),
        3 => which.clone().prop_map(Deed::ConsumeAll),
        2 => (which.clone(), 1..9_i64).prop_map(|(n, quantity)| Deed::Return(n, quantity)),
        1 => (1..9_i64).prop_map(Deed::WriteOff),
        2 => (-12..12_i64).prop_map(Deed::Count),
        2 => (1..20_i64, 0..20_i64, 0..20_i64).prop_map(|(asked, came, found)| Deed::Transfer { asked, came, found }),
        2 => (1..30_i64).prop_map(Deed::Lock),
        1 => which.clone().prop_map(Deed::Unlock),
        1 => which.prop_map(Deed::Reduce),
        1 => any::<bool>().prop_map(Deed::Hot),
        1 => Just(Deed::Wait),
    ];
    prop::collection::vec(deed, 10..30)
}

/// What the deeds are done to.
struct World {
    house: House,
    back: Value,
    front: Value,
    item: BondedItemId,
    zone: StockLocationId,
    customer: StockLocationId,
}

impl World {
    async fn new() -> Self {
        let house = House::new().await;
        let back = house.location("BACK", "DUTY_PAID_WAREHOUSE").await;
        let front = house.location("FRONT", "SHOWROOM").await;
        house.receive(&back, json!([house.line(20, "", None)])).await;
        let zone = house.location("ZONE", "BONDED_WAREHOUSE").await;
        let filed = json!({ "locationId": zone, "book": "L9013B19A008", "number": 1, "variantId": house.variant });
        let id = house.owner.done("fileBondedItem", "item { id }", filed).await["item"]["id"].clone();
        for event in ["PRE_INCREASE", "INCREASE"] {
            let note = json!({ "itemId": id, "event": event, "quantity": 100, "document": "QD-1" });
            house.owner.done("noteBondedMovement", "", note).await;
        }
        let row = item::Entity::find().one(house.server.app.db().writer()).await.unwrap().unwrap();
        let customer = house.customer().await;
        Self { house, back, front, item: row.id, zone: row.location_id, customer }
    }

    /// Over the schema; what is refused is refused.
    async fn asked(&self, mutation: &str, selection: &str, input: Value) -> Option<Value> {
        let payload = self.house.server.seller(SELLER).await.payload(mutation, selection, input).await;
        (payload["userErrors"] == json!([])).then_some(payload)
    }

    async fn balance(&self, n: usize) -> Option<Value> {
        let rows = self.house.stock().await;
        let rows: Vec<_> = rows.into_iter().filter(|row| row["location"]["code"] == "BACK").collect();
        rows.get(n % rows.len().max(1)).cloned()
    }

    async fn transfer(&self, n: usize, asked: i64, came: i64, found: i64) {
        let Some(row) = self.balance(n).await else { return };
        let lines = json!([{ "balanceId": row["id"], "quantity": asked }]);
        let input = json!({ "toId": self.front, "document": "T", "lines": lines });
        let selection = "transfer { id lines { nodes { id } } }";
        let Some(made) = self.asked("requestStockTransfer", selection, input).await else { return };
        let id = json!({ "id": made["transfer"]["id"] });
        let line = &made["transfer"]["lines"]["nodes"][0]["id"];
        if came == 0 {
            self.house.owner.done("cancelStockTransfer", "", id).await;
            return;
        }
        self.house.server.member("owner", SELLER).await.done("approveStockTransfer", "", id.clone()).await;
        self.house.owner.done("shipStockTransfer", "", id.clone()).await;
        let came = came.min(asked);
        let received = json!({ "id": id["id"], "lines": [{ "lineId": line, "quantity": came }] });
        self.house.owner.done("receiveStockTransfer", "", received).await;
        let found = found.min(asked - came);
        let decision = json!({ "lineId": line, "found": found, "lost": asked - came - found });
        let decisions = if asked == came { json!([]) } else { json!([decision]) };
        let close = json!({ "id": id["id"], "decisions": decisions });
        self.house.owner.done("closeStockTransfer", "", close).await;
    }

    async fn count(&self, n: usize, differs: i64) {
        let Some(row) = self.balance(n).await else { return };
        let opened = self.house.owner.done("openStockCount", "count { id }", json!({ "locationId": self.back })).await;
        let id = opened["count"]["id"].clone();
        let counted = (row["onHand"].as_i64().unwrap() + differs).max(0);
        let lines = json!([{ "balanceId": row["id"], "counted": counted }]);
        self.house.owner.done("submitStockCount", "", json!({ "id": id, "lines": lines })).await;
        let decision = json!({ "id": id, "decision": "POST" });
        let other = self.house.server.member("owner", SELLER).await;
        other.payload("reviewStockCount", "", decision).await;
    }

    /// A deed below the schema, in a transaction of its own.
    async fn below(&self, deed: &Deed, n: usize, key: &str, documents: &mut Vec<String>) -> Result<(), Error> {
        let (app, shelf) = (&self.house.server.app, self.house.shelf().await);
        let now = app.clock().now();
        let by = By { actor: "test", at: now };
        let of = |n: usize| documents.get(n % documents.len().max(1)).cloned().unwrap_or_default();
        let tx = app.db().begin().await?;
        let done = match deed {
            Deed::HoldAll(quantities) => {
                let wants: Vec<Wanted<'_>> = quantities.iter().map(|quantity| shelf.wanted(*quantity)).collect();
                let until = now + Duration::minutes(15);
                let purpose = Purpose { kind: ReservationKind::Order, document: key, key, until };
                promises::hold_all(&tx, now, &wants, purpose).await.map(|_| documents.push(key.to_owned()))
            }
            Deed::ConfirmAll(n) => promises::confirm_all(&tx, now, &of(*n)).await.map(drop),
            Deed::LetGo(n) => promises::let_go(&tx, now, &of(*n), ReservationStep::Release).await.map(drop),
            Deed::ConsumeAll(n) => promises::consume_all(&tx, by, &of(*n), self.customer).await.map(drop),
            Deed::Lock(quantity) => {
                let want = [(shelf.owner, self.zone, shelf.variant, *quantity)];
                book::lock(&tx, by, &want, &of(n)).await.map(drop)
            }
            Deed::Unlock(n) => book::unlock(&tx, by, &of(*n)).await.map(drop),
            Deed::Reduce(n) => book::reduce(&tx, by, &of(*n)).await.map(drop),
            _ => Ok(()),
        };
        match done {
            Ok(()) => tx.commit().await?,
            Err(_) => tx.rollback().await?,
        }
        done
    }

    async fn done(&self, deed: &Deed, n: usize, key: &str, documents: &mut Vec<String>) {
        match deed {
            Deed::Receive(quantity) => {
                let lot = if n.is_multiple_of(2) { String::new() } else { format!("L{}", n % 4) };
                self.house.receive(&self.back, json!([self.house.line(*quantity, &lot, None)])).await;
            }
            Deed::WriteOff(quantity) => {
                let Some(row) = self.balance(n).await else { return };
                let lines = json!([{ "balanceId": row["id"], "quantity": quantity }]);
                self.asked("writeOffStock", "", json!({ "document": "off", "lines": lines })).await;
            }
            Deed::Return(which, quantity) => {
                let document = documents.get(which % documents.len().max(1)).cloned().unwrap_or("none".into());
                let line =
                    json!({ "variantId": self.house.variant, "customsStatus": "DUTY_PAID", "quantity": quantity });
                let input = json!({ "document": document, "locationId": self.back, "lines": [line] });
                self.asked("returnStock", "", input).await;
            }
            Deed::Count(differs) => self.count(n, *differs).await,
            Deed::Transfer { asked, came, found } => self.transfer(n, *asked, *came, *found).await,
            Deed::Hot(hot) => {
                let input = json!({ "variantId": self.house.variant, "hot": hot });
                self.asked("setHotItem", "hot", input).await.unwrap();
            }
            Deed::Wait => {
                self.house.server.wait(Duration::seconds(16 * 60 / 4));
                promises::sweep(&self.house.server.app, self.house.server.app.clock().now()).await.unwrap();
            }
            below => {
                if let Err(error) = self.below(below, n, key, documents).await {
                    assert!(code(&error).is_some(), "{below:?}: {error:?}");
                }
            }
        }
    }
}

#[test]
fn whatever_is_done_in_whatever_order_stock_and_the_account_book_add_up() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let rounds = AtomicUsize::new(0);
    let config =
        ProptestConfig { cases: 6, failure_persistence: None, max_shrink_iters: 20, ..ProptestConfig::default() };
    proptest!(config, |(all in deeds())| {
        let round = rounds.fetch_add(1, Ordering::SeqCst);
        runtime.block_on(async {
            // A world for each: tokens live an hour, and deeds let time pass.
            let world = World::new().await;
            let mut documents = Vec::new();
            for (n, deed) in all.iter().enumerate() {
                world.done(deed, n, &format!("o-{round}-{n}"), &mut documents).await;
                let app = &world.house.server.app;
                let found = reconcile::findings(app.db().writer(), app.clock().now()).await.unwrap();
                prop_assert_eq!(found, Vec::new(), "after {:?}", deed);
            }
            let row = item::Entity::find_by_id(world.item).one(world.house.server.app.db().writer()).await.unwrap().unwrap();
            prop_assert!(row.quantities().available() >= 0);
            Ok::<(), TestCaseError>(())
        })?;
    });
    drop(runtime);
}
