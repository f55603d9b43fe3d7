//! Sealed bids: before the deadline nobody but its supplier reads what a quotation says, whichever way it is tried. The
//! others get how many there are, and nothing else.
//!
//! - [`Paths`]: every query of the room as the schema has it, with everything that can be selected of it: a field that is
//!   added later is tried as well
//! - what was said is looked for in every answer, event, table, file and line of the log; and that somebody did
//!   something with a quotation in every answer: it would say who quotes
//! - what is found in no way is shown to be found where it may be: a way that leads nowhere proves nothing

use std::{
    collections::BTreeMap,
    path::Path,
    process::{Child, Stdio},
};

use api::graphql::FIELDS;
use async_graphql::parser::types::{
    BaseType, FieldDefinition, InputValueDefinition, Type, TypeKind, TypeSystemDefinition,
};
use entities::party::{Action, MemberRole};
use serde_json::{Value, json};

use super::{BUYER, Desk, SUPPLIERS, over, step};
use crate::{
    ordering::Market,
    party::identities::dump,
    support::{
        Client, OPERATOR,
        keys::{TestKey, assertion, exchange},
        receiver::Receiver,
    },
};

/// What the quotations of these tests say, as it is written and as it is kept: nowhere else is any of it.
const SECRETS: [&str; 9] = [
    "739182.736451",
    "739182736451",
    SUPERSEDED[0],
    SUPERSEDED[1],
    WITHDRAWN[0],
    WITHDRAWN[1],
    "暗号四七",
    "密港码头",
    "绝密附件",
];

/// The price of the version that was superseded.
const SUPERSEDED: [&str; 2] = ["748273.645192", "748273645192"];

/// The price of the quotation that was taken back.
const WITHDRAWN: [&str; 2] = ["518364.927185", "518364927185"];

/// What only a supplier does with what it quotes, as the audit names it.
const DEEDS: [&str; 6] = [
    "submitQuotation",
    "withdrawQuotation",
    "expireQuotation",
    "attachProcurementFile",
    "keepProcurementFile",
    "markRfqViewed",
];

/// A seller that nobody invited.
const STRANGER: &str = "zhaoguang-goji";

/// Types that are everyone's, and lead back into everything.
const ELSEWHERE: [&str; 8] =
    ["Organisation", "Category", "Variant", "Product", "Person", "Place", "StockLocation", "StockLot"];

/// That a text tells none of it.
fn silent(text: &str, told: &str) {
    for secret in SECRETS {
        assert!(!text.contains(secret), "{told} tells \"{secret}\": {}", around(text, secret));
    }
}

/// That an answer does not say that somebody quoted.
fn unnoticed(text: &str, told: &str) {
    for deed in DEEDS {
        assert!(!text.contains(deed), "{told} tells of \"{deed}\": {}", around(text, deed));
    }
}

/// That an answer tells nothing of what is never opened: what was superseded, and what was taken back.
fn buried(text: &str, told: &str) {
    for secret in SUPERSEDED.into_iter().chain(WITHDRAWN) {
        assert!(!text.contains(secret), "{told} tells \"{secret}\": {}", around(text, secret));
    }
}

fn around(text: &str, secret: &str) -> String {
    let at = text.find(secret).unwrap_or_default();
    let before: Vec<char> = text[..at].chars().rev().take(200).collect();
    let after: String = text[at..].chars().take(200).collect();
    format!("{}{after}", before.into_iter().rev().collect::<String>())
}

/// The schema as a client reads it that asks for everything.
struct Paths {
    types: BTreeMap<String, TypeKind>,
}

fn named(ty: &Type) -> &str {
    match &ty.base {
        BaseType::Named(name) => name.as_str(),
        BaseType::List(of) => named(of),
    }
}

fn is_needed(argument: &InputValueDefinition) -> bool {
    !argument.ty.node.nullable && argument.default_value.is_none()
}

impl Paths {
    fn read() -> Self {
        let document = async_graphql::parser::parse_schema(api::graphql::sdl()).unwrap();
        let types = document.definitions.into_iter().filter_map(|definition| match definition {
            TypeSystemDefinition::Type(one) => Some((one.node.name.node.to_string(), one.node.kind)),
            _ => None,
        });
        Self { types: types.collect() }
    }

    fn fields(&self, of: &str) -> Vec<&FieldDefinition> {
        match self.types.get(of) {
            Some(TypeKind::Object(object)) => object.fields.iter().map(|field| &field.node).collect(),
            _ => Vec::new(),
        }
    }

    /// Everything of a type that needs no arguments, so deep that no type comes twice on the way.
    fn everything(&self, of: &str, way: &mut Vec<String>) -> String {
        way.push(of.to_owned());
        let mut all = vec!["__typename".to_owned()];
        for field in self.fields(of) {
            let (name, inner) = (field.name.node.as_str(), named(&field.ty.node));
            let arguments = || field.arguments.iter().map(|argument| &argument.node);
            if arguments().any(is_needed) || ["edges", "pageInfo"].contains(&name) {
                continue;
            }
            let pages = arguments().any(|argument| argument.name.node.as_str() == "first");
            let first = if pages { "(first: 3)" } else { "" };
            match self.types.get(inner) {
                Some(TypeKind::Object(_)) if ELSEWHERE.contains(&inner) || way.iter().any(|one| one == inner) => {}
                Some(TypeKind::Object(_)) => all.push(format!("{name}{first} {{ {} }}", self.everything(inner, way))),
                Some(TypeKind::Interface(_) | TypeKind::Union(_)) => {}
                _ => all.push(format!("{name}{first}")),
            }
        }
        way.pop();
        all.join(" ")
    }

    /// A value of a type of input: what is needed of it, the given id wherever one is.
    fn sample(&self, name: &str, ty: &Type, id: &Value) -> Value {
        if matches!(ty.base, BaseType::List(_)) {
            return json!([]);
        }
        match self.types.get(named(ty)) {
            Some(TypeKind::InputObject(input)) => {
                let fields = input.fields.iter().map(|field| &field.node).filter(|field| is_needed(field));
                let read = |field: &InputValueDefinition| {
                    let name = field.name.node.as_str();
                    (name.to_owned(), self.sample(name, &field.ty.node, id))
                };
                fields.map(read).collect()
            }
            Some(TypeKind::Enum(of)) => json!(of.values[0].node.value.node.as_str()),
            _ => match (named(ty), name) {
                ("ID", _) => id.clone(),
                ("Boolean", _) => json!(false),
                // Weights add up; of nobody's quality it has to be known what is thought.
                ("Int", "pricePercent") => json!(100),
                ("Int", "leadPercent" | "qualityPercent") => json!(0),
                ("Int", _) => json!(1),
                ("NaiveDate", _) => json!("2026-03-01"),
                ("DateTime", _) => json!("2026-03-01T00:00:00Z"),
                (_, "currency") | ("CurrencyCode", _) => json!("CNY"),
                _ => json!("1"),
            },
        }
    }

    /// A root field with all that can be selected of it, and what it is asked with.
    fn asked(&self, root: &str, name: &str, id: &Value) -> (String, Value) {
        let fields = self.fields(root);
        let field = fields.iter().find(|field| field.name.node.as_str() == name).expect("a field of the schema");
        let needed = || field.arguments.iter().map(|argument| &argument.node).filter(|argument| is_needed(argument));
        let declared: Vec<String> =
            needed().map(|argument| format!("${}: {}", argument.name.node, argument.ty.node)).collect();
        let mut passed: Vec<String> =
            needed().map(|argument| format!("{}: ${}", argument.name.node, argument.name.node)).collect();
        if field.arguments.iter().any(|argument| argument.node.name.node.as_str() == "first") {
            passed.push("first: 3".to_owned());
        }
        let variables: Value = needed()
            .map(|argument| {
                let name = argument.name.node.as_str();
                (name.to_owned(), self.sample(name, &argument.ty.node, id))
            })
            .collect();
        let brackets = |inside: Vec<String>| match inside.join(", ") {
            none if none.is_empty() => none,
            some => format!("({some})"),
        };
        let of = named(&field.ty.node);
        let selection = match self.types.get(of) {
            Some(TypeKind::Object(_)) => format!("{{ {} }}", self.everything(of, &mut Vec::new())),
            _ => String::new(),
        };
        let kind = root.to_lowercase();
        (format!("{kind}{} {{ {name}{} {selection} }}", brackets(declared), brackets(passed)), variables)
    }

    /// The root fields of the room.
    fn of_the_room(root: &str) -> Vec<&'static str> {
        let own = FIELDS.iter().filter(|(_, action)| *action == Action::ReadProcurement);
        own.filter_map(|(field, _)| field.strip_prefix(root)?.strip_prefix('.')).collect()
    }
}

/// A request with one sealed quotation, in its second version and with a file; and one that was taken back.
struct Bid {
    desk: Desk,
    rfq: Value,
    quotation: Value,
    superseded: Value,
    withdrawn: Value,
    file: String,
}

impl Bid {
    async fn new() -> Self {
        let desk = Desk::of(Market::with(&[("CHAMA_WEBHOOKS_ALLOW_PRIVATE", "true")]).await).await;
        let rfq = desk.published_rfq().await;
        let none = || Value::Null;
        Self { quotation: none(), superseded: none(), withdrawn: none(), file: String::new(), desk, rfq }
    }

    /// The first supplier looks, quotes, revises and attaches, all of which may be sent again; the last takes back what
    /// it quoted.
    async fn made(&mut self) {
        let gone = self.desk.quoted(2, &self.rfq, &[WITHDRAWN[0], WITHDRAWN[0]]).await;
        self.withdrawn = gone["id"].clone();
        self.desk.supplier(2).await.done("withdrawQuotation", "", json!({ "id": self.withdrawn })).await;
        let supplier = self.desk.supplier(0).await;
        supplier.done("markRfqViewed", "", json!({ "id": self.rfq["id"] })).await;
        for (n, price) in [SUPERSEDED[0], "739182.736451"].into_iter().enumerate() {
            let more = json!({ "note": "暗号四七", "namedPlace": "密港码头", "clientMutationId": format!("bid-{n}") });
            let input = self.desk.quoting(&self.rfq, &[price, price], more);
            let made = supplier.done("submitQuotation", "quotation { id }", input.clone()).await;
            assert_eq!(supplier.done("submitQuotation", "quotation { id }", input).await, made);
            self.superseded = std::mem::replace(&mut self.quotation, made["quotation"]["id"].clone());
        }
        let bytes = "%PDF-1.7 暗号四七".as_bytes();
        let input = json!({ "subjectId": self.quotation, "name": "绝密附件.pdf", "mediaType": "application/pdf",
            "sha256": api::platform::vault::sha256_hex(bytes), "size": bytes.len(), "clientMutationId": "file" });
        let file = supplier.done("attachProcurementFile", "file { path }", input).await;
        file["file"]["path"].as_str().unwrap().clone_into(&mut self.file);
        let posted = supplier.request(reqwest::Method::POST, &self.file).body(bytes.to_vec()).send().await.unwrap();
        assert_eq!(posted.status().as_u16(), 204);
        // What is refused says nothing either.
        let wrong = over(self.desk.quoting(&self.rfq, &["739182.736451"], json!({})), json!({ "namedPlace": "" }));
        supplier.refused("submitQuotation", wrong).await;
    }

    /// Everyone but the suppliers who quoted, by what they are called.
    async fn people(&self) -> Vec<(&'static str, Client)> {
        let (desk, server) = (&self.desk, &self.desk.market.server);
        vec![
            ("a purchaser", desk.purchaser().await),
            ("an approver", desk.approver(2).await),
            ("the buyer's owner", desk.owner().await),
            ("a receiver", desk.receiver().await),
            ("a clerk", desk.clerk().await),
            ("the buyer's auditor", desk.buyers(MemberRole::Auditor).await),
            ("the buyer's catalog manager", desk.buyers(MemberRole::CatalogManager).await),
            ("the buyer's exhibitor", desk.buyers(MemberRole::Exhibitor).await),
            ("another supplier", desk.supplier(1).await),
            ("another supplier's clerk", desk.suppliers_as(1, MemberRole::AccountsClerk).await),
            ("a stranger", server.seller(STRANGER).await),
            ("the operator", desk.operator().await),
            ("the zone's auditor", desk.auditor().await),
            ("a consumer", server.consumer(1).await),
            ("nobody", server.anonymous()),
        ]
    }

    /// They, and a program.
    async fn others(&self) -> Vec<(&'static str, Client)> {
        let mut all = self.people().await;
        all.push(("a program of the buyer's", machine(&self.desk).await));
        all
    }

    /// That an answer names none of the quotations.
    fn unnamed(&self, text: &str, told: &str) {
        for id in [&self.quotation, &self.superseded, &self.withdrawn] {
            let id = id.as_str().unwrap();
            assert!(!text.contains(id), "{told} names a quotation: {}", around(text, id));
        }
    }
}

/// What an organisation is told of.
const FEED: &str = "{ changeFeed(first: 500) { items { event nodeId version at } } }";

/// A query: which field it tries, its text, and what it is asked with.
type Asked = (String, String, Value);

impl Bid {
    /// Every query of the room, with the id of the request, of the quotation and of its supplier wherever it takes one;
    /// and those elsewhere that things of the room can come to.
    fn asked(&self) -> Vec<Asked> {
        let (paths, fields) = (Paths::read(), Paths::of_the_room("Query"));
        for field in ["rfqs", "rfq", "quotations", "quotation", "compareQuotations", "comparisonSheet", "myTasks"] {
            assert!(fields.contains(&field), "{field} is not tried");
        }
        let mut asked: Vec<Asked> = Vec::new();
        for field in fields {
            for id in [&self.rfq["id"], &self.quotation, &self.desk.suppliers[0]] {
                let (query, variables) = paths.asked("Query", field, id);
                // What is asked without an id is asked once.
                if asked.iter().all(|(_, before, with)| (before, with) != (&query, &variables)) {
                    asked.push((field.to_owned(), query, variables));
                }
            }
        }
        // What was superseded and what was taken back is asked for by its id as well: no list leads there.
        for id in [&self.superseded, &self.withdrawn] {
            let (query, variables) = paths.asked("Query", "quotation", id);
            asked.push(("quotation".to_owned(), query, variables));
        }
        let quotations = [&self.quotation, &self.superseded, &self.withdrawn].map(|id| (id, "Quotation"));
        for (id, of) in std::iter::once((&self.rfq["id"], "Rfq")).chain(quotations) {
            let everything = paths.everything(of, &mut Vec::new());
            let node = format!("query($id: ID!) {{ node(id: $id) {{ __typename ... on {of} {{ {everything} }} }} }}");
            let trail = "query($id: ID!) { auditTrail(nodeId: $id, first: 50) { nodes { actor action nodeId body } } }";
            for (field, query) in [("node", node), ("auditTrail", trail.to_owned())] {
                asked.push((field.to_owned(), query, json!({ "id": id })));
            }
        }
        let elsewhere = [
            FEED,
            "{ deadLetters(first: 50) { nodes { kind aggregate payload } } }",
            "{ webhookEndpoints { nodes { deliveries(first: 50) { nodes { event body } } } } }",
        ];
        asked.extend(elsewhere.into_iter().map(|query| ("elsewhere".to_owned(), query.to_owned(), json!({}))));
        asked
    }
}

/// A machine client of the buyer's that may all that one can.
async fn machine(desk: &Desk) -> Client {
    let key = TestKey::ed25519(41);
    let scopes: Vec<String> =
        entities::party::machine_client::Scope::ALL.iter().map(|scope| scope.as_str().to_uppercase()).collect();
    let input = json!({ "name": "ERP", "scopes": scopes, "key": key.public });
    let made = desk.owner().await.done("createMachineClient", "machineClient { clientId keys { kid } }", input).await;
    let (client, server) = (&made["machineClient"], &desk.market.server);
    let claims = assertion(server, client["clientId"].as_str().unwrap(), "sealed");
    let signed = key.sign(client["keys"][0]["kid"].as_str(), &claims);
    let (status, answer) = exchange(server, &signed, None).await;
    assert_eq!(status, 200, "{answer}");
    server.anonymous().with_token(answer["access_token"].as_str().unwrap().to_owned())
}

/// An answer that is one: data, or that it may not; a query that is none would find nothing.
fn checked(told: &str, answer: &Value) {
    for error in answer["errors"].as_array().into_iter().flatten() {
        let code = error["extensions"]["code"].as_str().unwrap_or("NONE");
        let right = ["FORBIDDEN", "UNAUTHENTICATED", "BAD_INPUT"].contains(&code);
        assert!(right, "{told} is answered {code}: {error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn before_the_deadline_every_query_as_every_role_tells_nothing_but_the_count() {
    let mut bid = Bid::new().await;
    bid.made().await;
    let (desk, asked) = (&bid.desk, bid.asked());
    for (who, client) in bid.others().await {
        let answers = asked.iter().map(|(_, query, variables)| client.response(query, variables.clone()));
        let answers = futures_util::future::join_all(answers).await;
        for ((field, query, variables), answer) in asked.iter().zip(answers) {
            let told = format!("{field}, asked by {who} ({query} {variables}),");
            checked(&told, &answer);
            let data = answer["data"].to_string();
            silent(&answer.to_string(), &told);
            unnoticed(&data, &told);
            bid.unnamed(&data, &told);
        }
        let file = client.request(reqwest::Method::GET, &bid.file).send().await.unwrap();
        let status = file.status().as_u16();
        assert!([401, 403, 404].contains(&status), "{who} gets {status} for a file of the quotation");
        silent(&file.text().await.unwrap(), &format!("a file, asked by {who},"));
    }
    let feed = desk.owner().await.data(FEED, json!({})).await;
    assert!(feed.to_string().contains(bid.rfq["id"].as_str().unwrap()), "the feed is no way: {feed}");
    // The count is all, and the buyer's alone.
    let (nothing, unseen) = (json!({ "nodes": [] }), json!({ "viewedAt": null }));
    let count = json!({ "quotationCount": 1, "quotations": nothing,
        "invitations": { "nodes": [unseen, unseen, unseen] } });
    for client in [desk.purchaser().await, desk.operator().await] {
        assert_eq!(desk.one(&client, "rfq", &bid.rfq["id"], COUNT).await, count);
    }
    let outside = desk.one(&desk.supplier(1).await, "rfq", &bid.rfq["id"], "quotationCount updatedAt").await;
    assert_eq!(outside, json!({ "quotationCount": null, "updatedAt": null }));
    // Nobody opens it.
    let open = json!({ "id": bid.rfq["id"] });
    let sealed = vec![("SEALED".to_owned(), "id".to_owned())];
    assert_eq!(desk.purchaser().await.refused("openBids", open.clone()).await, sealed);
    assert_eq!(desk.owner().await.refused("openBids", open.clone()).await, sealed);
    assert_eq!(desk.supplier(0).await.refused("openBids", open.clone()).await[0].0, "NOT_FOUND");
    assert_eq!(desk.operator().await.denied("openBids", open).await, "FORBIDDEN");
    // Its own supplier reads it in all these ways, as does everyone of the buyer's after the opening: they are ways.
    let own = desk.supplier(0).await;
    let ways = ["rfqs", "rfq", "quotations", "quotation", "node"];
    told_in(&own, &asked, &ways).await;
    desk.opened(&bid.rfq).await;
    for client in [desk.purchaser().await, desk.operator().await] {
        told_in(&client, &asked, &ways).await;
        told_in(&client, &asked, &["compareQuotations", "comparisonSheet"]).await;
    }
    let file = desk.clerk().await.request(reqwest::Method::GET, &bid.file).send().await.unwrap();
    assert_eq!(file.text().await.unwrap(), "%PDF-1.7 暗号四七");
    // Nobody else's it is afterwards either.
    for client in [desk.supplier(1).await, desk.market.server.seller(STRANGER).await] {
        for (field, query, variables) in &asked {
            silent(&client.response(query, variables.clone()).await.to_string(), field);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_superseded_or_taken_back_is_read_after_the_opening_by_its_own_supplier_alone() {
    let mut bid = Bid::new().await;
    bid.made().await;
    let (desk, asked) = (&bid.desk, bid.asked());
    desk.opened(&bid.rfq).await;
    for (who, client) in bid.people().await {
        let answers = asked.iter().map(|(_, query, variables)| client.response(query, variables.clone()));
        let answers = futures_util::future::join_all(answers).await;
        for ((field, query, variables), answer) in asked.iter().zip(answers) {
            let told = format!("{field}, asked by {who} ({query} {variables}),");
            checked(&told, &answer);
            buried(&answer.to_string(), &told);
        }
    }
    // Who wrote them reads them by their ids, and neither reads the other's: it is a way.
    let terms = "content { lines { tiers { price { amount } } } }";
    for (n, id, price, other) in
        [(0, &bid.superseded, SUPERSEDED[0], &bid.withdrawn), (2, &bid.withdrawn, WITHDRAWN[0], &bid.superseded)]
    {
        let supplier = desk.supplier(n).await;
        let own = desk.one(&supplier, "quotation", id, terms).await;
        assert_eq!(own["content"]["lines"][0]["tiers"][0]["price"]["amount"], price, "it is no way");
        assert_eq!(desk.one(&supplier, "quotation", other, terms).await, Value::Null, "supplier {n} reads another's");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn before_the_deadline_what_a_mutation_answers_its_buyer_tells_the_count_and_nothing_else() {
    let mut bid = Bid::new().await;
    bid.made().await;
    let (desk, paths) = (&bid.desk, Paths::read());
    let selection = format!("rfq {{ {} }}", paths.everything("Rfq", &mut Vec::new()));
    let purchaser = desk.purchaser().await;
    let early = purchaser.payload("openBids", &selection, json!({ "id": bid.rfq["id"] })).await;
    assert_eq!(early["userErrors"][0]["code"], "SEALED", "{early}");
    let more = json!({ "supplierIds": [desk.market.server.organisation("muqu-dairy").await] });
    let invited = purchaser.done("inviteSuppliers", &selection, over(step(&bid.rfq), more)).await;
    assert_eq!(invited["rfq"]["quotationCount"], 1);
    for (told, answer) in [("openBids", &early), ("inviteSuppliers", &invited)] {
        silent(&answer.to_string(), told);
        unnoticed(&answer.to_string(), told);
        bid.unnamed(&answer.to_string(), told);
    }
}

#[test]
fn what_is_searched_for_is_nothing_of_the_room_and_every_subscription_of_it_is_tried() {
    let paths = Paths::read();
    let Some(TypeKind::Union(found)) = paths.types.get("SearchResult") else { panic!("SearchResult is no union") };
    let found: Vec<&str> = found.members.iter().map(|member| member.node.as_str()).collect();
    assert_eq!(found, ["Product", "Organisation", "Brand", "Category"], "what else is found is to be tried");
    assert_eq!(Paths::of_the_room("Subscription"), ["myTaskCount", "purchaseOrderProgress", "rfqProgress"]);
}

/// How many quotations there are, and what else could say whose they are.
const COUNT: &str = "quotationCount quotations { nodes { id } } invitations { nodes { viewedAt } }";

/// What was done to a node, the last first, as far as somebody may read it.
async fn trail(client: &Client, node: &Value) -> Vec<String> {
    let query = "query($id: ID!) { auditTrail(nodeId: $id, first: 50) { nodes { action } } }";
    let found = client.data(query, json!({ "id": node })).await["auditTrail"]["nodes"].clone();
    found.as_array().unwrap().iter().map(|entry| entry["action"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_supplier_did_with_its_quotation_is_read_by_who_oversees_after_the_opening() {
    let mut bid = Bid::new().await;
    bid.made().await;
    let desk = &bid.desk;
    let seen = desk.one(&desk.supplier(0).await, "rfq", &bid.rfq["id"], "invitations { nodes { id viewedAt } }").await;
    let invitation = seen["invitations"]["nodes"][0].clone();
    assert!(invitation["viewedAt"].is_string(), "a supplier does not read that it looked itself");
    let deeds = ["keepProcurementFile", "attachProcurementFile", "submitQuotation"];
    assert_eq!(trail(&desk.supplier(0).await, &bid.quotation).await, deeds);
    for client in [desk.operator().await, desk.auditor().await] {
        for node in [&bid.quotation, &bid.withdrawn, &invitation["id"]] {
            assert!(trail(&client, node).await.is_empty(), "before the opening it is read what a supplier did");
        }
        assert_eq!(trail(&client, &bid.rfq["id"]).await, ["publishRfq", "createRfq"]);
    }
    desk.opened(&bid.rfq).await;
    for client in [desk.operator().await, desk.auditor().await] {
        assert_eq!(trail(&client, &bid.quotation).await, deeds);
        assert_eq!(trail(&client, &invitation["id"]).await, ["markRfqViewed"]);
        assert!(trail(&client, &bid.withdrawn).await.is_empty(), "what was never opened is read");
        assert_eq!(trail(&client, &bid.rfq["id"]).await, ["openBids", "publishRfq", "createRfq"]);
    }
    // Of the buyer's own chain it is no part at any time.
    assert!(trail(&desk.buyers(MemberRole::Auditor).await, &bid.quotation).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sealed_request_that_is_given_up_before_its_deadline_shows_the_count_and_nothing_else_for_ever() {
    let mut bid = Bid::new().await;
    bid.made().await;
    let desk = &bid.desk;
    let version = desk.one(&desk.purchaser().await, "rfq", &bid.rfq["id"], "version").await["version"].clone();
    let cancel = json!({ "id": bid.rfq["id"], "expectedVersion": version, "reason": "预算取消" });
    desk.purchaser().await.done("cancelRfq", "", cancel).await;
    desk.wait(chrono::Duration::days(4));
    desk.swept().await;
    let asked = bid.asked();
    for (who, client) in [
        ("a purchaser", desk.purchaser().await),
        ("the buyer's owner", desk.owner().await),
        ("another supplier", desk.supplier(1).await),
        ("the operator", desk.operator().await),
        ("the zone's auditor", desk.auditor().await),
    ] {
        for (field, query, variables) in &asked {
            let (told, answer) = (format!("{field}, asked by {who},"), client.response(query, variables.clone()).await);
            checked(&told, &answer);
            silent(&answer.to_string(), &told);
            unnoticed(&answer["data"].to_string(), &told);
            bid.unnamed(&answer["data"].to_string(), &told);
        }
        let file = client.request(reqwest::Method::GET, &bid.file).send().await.unwrap();
        assert!([403, 404].contains(&file.status().as_u16()), "{who} reads a file of what was never opened");
    }
    for client in [desk.purchaser().await, desk.operator().await] {
        let seen = desk.one(&client, "rfq", &bid.rfq["id"], &format!("state {COUNT}")).await;
        let unseen = json!({ "viewedAt": null });
        let count = json!({ "state": "CANCELLED", "quotationCount": 1, "quotations": { "nodes": [] },
            "invitations": { "nodes": [unseen, unseen, unseen] } });
        assert_eq!(seen, count);
    }
    told_in(&desk.supplier(0).await, &asked, &["rfq", "quotations", "quotation", "node"]).await;
}

/// That each of these fields tells what was quoted.
async fn told_in(client: &Client, asked: &[Asked], ways: &[&str]) {
    for way in ways {
        let mut told = false;
        for (_, query, variables) in asked.iter().filter(|(field, ..)| field == way) {
            let answer = client.response(query, variables.clone()).await;
            checked(way, &answer);
            told |= answer.to_string().contains("739182.736451");
        }
        assert!(told, "{way} does not tell even who may know: it is no way");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn before_the_deadline_subscriptions_feeds_and_webhooks_tell_nothing_and_no_change_says_when_one_quoted() {
    let mut bid = Bid::new().await;
    let receiver = Receiver::answering("204 No Content").await;
    for (n, slug) in [BUYER, SUPPLIERS[1], OPERATOR].into_iter().enumerate() {
        let owner = bid.desk.market.server.seller(slug).await;
        let input = json!({ "url": format!("{}/{n}", receiver.url), "events": null });
        owner.done("createWebhookEndpoint", "", input).await;
    }
    let buyer = bid.desk.purchaser().await;
    let changed = async |bid: &Bid| bid.desk.one(&buyer, "rfq", &bid.rfq["id"], "version updatedAt").await;
    let feed = async |bid: &Bid| bid.desk.owner().await.data(FEED, json!({})).await["changeFeed"]["items"].clone();
    let before = (changed(&bid).await, feed(&bid).await);
    assert_ne!(before.1, json!([]), "the feed is no way");
    bid.desk.wait(chrono::Duration::minutes(1));
    bid.made().await;
    bid.desk.worked().await;
    assert_eq!((changed(&bid).await, feed(&bid).await), before, "who asks learns when one quoted");
    let received = receiver.received();
    assert!(received.is_empty(), "somebody is told that one quoted: {received:?}");
    let (desk, paths) = (&bid.desk, Paths::read());
    let rfq = bid.rfq["id"].as_str().unwrap();
    let clients = [
        desk.purchaser().await,
        desk.owner().await,
        desk.buyers(MemberRole::Auditor).await,
        desk.supplier(1).await,
        desk.operator().await,
    ];
    let (query, variables) = paths.asked("Subscription", "rfqProgress", &bid.rfq["id"]);
    for client in &clients {
        let event = client.first_event(&query, variables.clone()).await;
        checked("rfqProgress", &event);
        silent(&event.to_string(), "a subscription");
        bid.unnamed(&event.to_string(), "a subscription");
    }
    let count = desk.purchaser().await.first_event("subscription { myTaskCount }", json!({})).await;
    assert_eq!(count["data"]["myTaskCount"], 0, "the number of tasks tells of a quotation");
    let own = desk.supplier(0).await.first_event(&query, variables).await;
    assert!(own.to_string().contains("739182.736451"), "it is no way: {own}");
    // The opening is told to all whom it concerns, and says no more than that.
    desk.opened(&bid.rfq).await;
    let received = receiver.received();
    let told: Vec<&str> = received.iter().map(|request| request.target.as_str()).collect();
    assert!(told.contains(&"POST /0") && told.contains(&"POST /1"), "it is no way: {told:?}");
    assert!(!told.contains(&"POST /2"), "others are told: {told:?}");
    for request in &received {
        silent(&format!("{request:?}"), "a webhook");
        let body: Value = serde_json::from_str(&request.body).unwrap();
        assert_eq!((&body["type"], &body["data"]["id"]), (&json!("rfq.changed"), &json!(rfq)), "{body}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn before_the_deadline_no_table_and_no_file_holds_what_was_quoted() {
    let mut bid = Bid::new().await;
    bid.made().await;
    bid.desk.worked().await;
    bid.desk.swept().await;
    let server = &bid.desk.market.server;
    // Repeats, jobs, the audit, the feed: they have rows of it, and none says more than that there is a quotation.
    let before = dump(server).await;
    assert!(before.contains("submitQuotation") && before.contains("quotation.changed"), "it left no trace at all");
    silent(&before, "a table");
    // Bytes are written out in hex.
    let bytes = before.to_lowercase();
    for secret in SECRETS {
        let hex = api::platform::vault::hex(secret.as_bytes());
        assert!(!bytes.contains(&hex), "\"{secret}\" lies in a column of bytes: {}", around(&bytes, &hex));
    }
    lie_silent(server.data_dir());
    bid.desk.opened(&bid.rfq).await;
    let after = dump(server).await;
    assert!(after.contains("739182736451"), "it is not looked for in the right way");
    // What was superseded or taken back is not opened, and what a file is called stays sealed.
    buried(&after, "a table");
    assert!(!after.contains("绝密附件"), "{}", around(&after, "绝密附件"));
}

/// No file of a folder holds any of it, byte by byte.
fn lie_silent(folder: &Path) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            lie_silent(&path);
            continue;
        }
        let bytes = std::fs::read(&path).unwrap();
        silent(&String::from_utf8_lossy(&bytes), &path.display().to_string());
    }
}

/// What is logged: all of the house, its statements among it, and of what carries its requests and statements; not what
/// writes the search index.
const LOGGED: &str = "debug,chama=trace,api=trace,platform=trace,party=trace,catalog=trace,webhooks=trace,\
    finding=trace,inventory=trace,payments=trace,trade=trace,customs=trace,logistics=trace,showroom=trace,\
    ordering=trace,procurement=trace,finance=trace,sea_orm=trace,sqlx=trace,async_graphql=trace,tantivy=warn";

/// A server of the demo that writes all of its log into a file. It is killed with the test.
struct Logging {
    child: Child,
    url: String,
}

impl Drop for Logging {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Logging {
    async fn start(folder: &Path) -> Self {
        let log = std::fs::File::create(folder.join("log")).unwrap();
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut command = crate::binary::chama(folder);
        command.args(["demo", "--listen", &format!("127.0.0.1:{port}")]).env("CHAMA_LOG_FILTER", LOGGED);
        let child = command.stdout(Stdio::null()).stderr(log).spawn().unwrap();
        let one = Self { child, url: format!("http://127.0.0.1:{port}") };
        let client = crate::support::client();
        for _ in 0..3_600 {
            if client.get(format!("{}/readyz", one.url)).send().await.is_ok_and(|answer| answer.status().is_success()) {
                return one;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        panic!("the server does not get ready");
    }

    /// A token for a role at an organisation, as the command line gives it.
    fn token(folder: &Path, role: &str, organisation: &str) -> String {
        let mut command = crate::binary::chama(folder);
        let made = command.args(["token", "--role", role, "--organisation", organisation]).output().unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        String::from_utf8_lossy(&made.stdout).trim().to_owned()
    }

    /// Hangs a file on a thing, and sends its bytes.
    async fn attach(&self, token: &str, subject: &Value, name: &str, bytes: &[u8]) {
        let input = json!({ "subjectId": subject, "name": name, "mediaType": "application/pdf",
            "sha256": api::platform::vault::sha256_hex(bytes), "size": bytes.len() });
        let made = self.done(token, "attachProcurementFile", "file { path }", &input).await;
        let path = made["file"]["path"].as_str().unwrap();
        let post = crate::support::client().post(format!("{}{path}", self.url)).bearer_auth(token);
        let posted = post.body(bytes.to_vec()).send().await.unwrap();
        assert_eq!(posted.status().as_u16(), 204);
    }

    async fn done(&self, token: &str, mutation: &str, selection: &str, input: &Value) -> Value {
        let kind = format!("{}{}Input", mutation[..1].to_uppercase(), &mutation[1..]);
        let query = format!(
            "mutation($input: {kind}!) {{ {mutation}(input: $input) {{ {selection} userErrors {{ code field }} }} }}"
        );
        let body = json!({ "query": query, "variables": { "input": input } });
        let sent = crate::support::client().post(format!("{}/graphql", self.url)).bearer_auth(token).json(&body);
        let mut answer: Value = sent.send().await.unwrap().json().await.unwrap();
        assert!(answer.get("errors").is_none(), "{mutation} answers {answer}");
        answer["data"][mutation].take()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_line_of_the_log_holds_what_was_quoted_however_much_is_logged() {
    let folder = tempfile::tempdir().unwrap();
    let server = Logging::start(folder.path()).await;
    let token = |role: &str, slug: &str| Logging::token(folder.path(), role, slug);
    let (buyer, supplier) = (token("purchaser", BUYER), token("owner", SUPPLIERS[0]));
    let ask = json!({ "query": format!("{{ organisation(by: {{ slug: \"{}\" }}) {{ id }} }}", SUPPLIERS[0]) });
    let client = crate::support::client();
    let sent = client.post(format!("{}/graphql", server.url)).json(&ask).send().await.unwrap();
    let id = sent.json::<Value>().await.unwrap()["data"]["organisation"]["id"].clone();
    let rfq = json!({ "title": "补货", "deadline": "2099-01-01T00:00:00Z", "currency": "CNY", "supplierIds": [id],
        "lines": [{ "description": "藏毯", "quantity": 100, "unit": "032" }] });
    // The clock of this server is the machine's, which no test asks: a refusal says how far ahead is too far.
    let max = latest(&server, &buyer, &rfq).await;
    let rfq = over(rfq, json!({ "deadline": max }));
    let made = server.done(&buyer, "createRfq", "rfq { id version lines { nodes { id } } }", &rfq).await["rfq"].clone();
    let publish = json!({ "id": made["id"], "expectedVersion": made["version"] });
    server.done(&buyer, "publishRfq", "rfq { state }", &publish).await;
    let until: chrono::DateTime<chrono::Utc> = max.as_str().unwrap().parse().unwrap();
    let tiers = |price: &str| json!([{ "minQuantity": 1, "price": { "amount": price, "currency": "CNY" } }]);
    let quoting = |price: &str, place: &str| {
        json!({ "rfqId": made["id"], "currency": "CNY", "incoterm": "DDP", "namedPlace": place, "paymentDays": 30,
            "leadDays": 14, "validUntil": (until + chrono::Duration::days(30)).date_naive().to_string(),
            "note": "暗号四七", "lines": [{ "lineId": made["lines"]["nodes"][0]["id"], "tiers": tiers(price) }] })
    };
    let quoted = async |price: &str, place: &str| {
        server.done(&supplier, "submitQuotation", "quotation { id }", &quoting(price, place)).await
    };
    assert!(quoted(SUPERSEDED[0], "密港码头").await["quotation"]["id"].is_string());
    let stands = quoted("739182.736451", "密港码头").await["quotation"]["id"].clone();
    server.attach(&supplier, &stands, "绝密附件.pdf", "%PDF-1.7 暗号四七".as_bytes()).await;
    // Refused by the rules, and before them.
    for (price, place) in [("739182.736451", ""), ("739182.7364515", "密港码头"), ("739182.736451x", "密港码头")]
    {
        assert_ne!(quoted(price, place).await["userErrors"], json!([]), "{price}");
    }
    let wrong = json!({ "query": "mutation { submitQuotation(input: { note: \"暗号四七\" }) { nothing } }" });
    client.post(format!("{}/graphql", server.url)).bearer_auth(&supplier).json(&wrong).send().await.unwrap();
    let early = server.done(&buyer, "openBids", "rfq { state }", &json!({ "id": made["id"] })).await;
    assert_eq!(early["userErrors"][0]["code"], "SEALED", "{early}");
    drop(server);
    let log = std::fs::read(folder.path().join("log")).unwrap();
    let log = String::from_utf8_lossy(&log);
    let written = |line: &str| {
        let line = line.replace(['"', '\\'], "");
        line.contains("INSERT INTO quotation ") && line.contains("sealed")
    };
    assert!(log.lines().any(written), "the statement that writes a quotation is not logged: {log}");
    silent(&log, "the log");
}

/// About the latest deadline that a request may have, as a refusal says.
async fn latest(server: &Logging, token: &str, rfq: &Value) -> Value {
    let query =
        "mutation($input: CreateRfqInput!) { createRfq(input: $input) { userErrors { details { name value } } } }";
    let body = json!({ "query": query, "variables": { "input": rfq } });
    let sent = crate::support::client().post(format!("{}/graphql", server.url)).bearer_auth(token).json(&body);
    let answer: Value = sent.send().await.unwrap().json().await.unwrap();
    let details = answer["data"]["createRfq"]["userErrors"][0]["details"].as_array().unwrap().clone();
    let max = details.iter().find(|detail| detail["name"] == "max").expect("the latest");
    // A moment before, for the clock goes on.
    let latest: chrono::DateTime<chrono::Utc> = max["value"].as_str().unwrap().parse().unwrap();
    json!((latest - chrono::Duration::hours(1)).to_rfc3339())
}
