//! Evidence packages: made by who hands them on, read by who sees the receivable, proved by who has nothing but the file.

use std::path::Path;

use api::{
    finance::ops::evidence::{ALGORITHM, fits},
    platform::vault::sha256_hex,
};
use base64::{Engine, prelude::BASE64_STANDARD};
use entities::{
    finance::{
        evidence::{self, DocRole, MOST_BYTES, Package, Seal},
        evidence_package,
        merkle::{self, hex},
    },
    procurement::receivable::canonical,
};
use futures_util::future::join_all;
use ring::signature::{Ed25519KeyPair, KeyPair};
use sea_orm::{ActiveModelTrait, EntityTrait, IntoActiveModel, PaginatorTrait};
use serde_json::{Value, json};

use super::{Desk, confirmed, imported, limit, maker, over, programme, refusals, seen, submitting, yuan};
use crate::{
    binary::chama,
    procurement::{line, step},
    support::Client,
};

/// What is looked at of a package.
const PACKAGE: &str = "id version sha256 previousSha256 createdAt file";

fn making(row: &Value) -> Value {
    json!({ "receivableId": row["id"] })
}

async fn made(client: &Client, row: &Value) -> Value {
    let selection = format!("evidencePackage {{ {PACKAGE} }}");
    client.done("makeEvidencePackage", &selection, making(row)).await["evidencePackage"].clone()
}

/// What a package says, when it holds.
fn opened(made: &Value) -> Package {
    evidence::verify(made["file"].as_str().unwrap().as_bytes(), fits).unwrap().package
}

/// The public key of the house, as everyone may read it.
async fn public_key(desk: &Desk) -> String {
    let key = desk.market.server.anonymous().data("{ evidenceKey { publicKey } }", json!({})).await;
    key["evidenceKey"]["publicKey"].as_str().unwrap().to_owned()
}

/// What `chama evidence verify` says of a file where there is nothing else, and what it exits with.
fn told(folder: &Path, bytes: &[u8], keys: &[&str]) -> (Option<i32>, String) {
    std::fs::write(folder.join("package.json"), bytes).unwrap();
    let mut command = chama(folder);
    command.args(["evidence", "verify", "package.json"]);
    for key in keys {
        command.args(["--key", *key]);
    }
    let output = command.output().unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    (output.status.code(), said)
}

/// The events of a package in canonical form.
fn events(package: &Package) -> Vec<String> {
    package.facts["events"].as_array().unwrap().iter().map(|one| canonical(one).unwrap()).collect()
}

fn kinds(package: &Package) -> Vec<&str> {
    package.facts["events"].as_array().unwrap().iter().map(|one| one["kind"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_package_says_what_is_known_and_proves_itself_without_us() {
    let desk = Desk::new().await;
    let seller = desk.supplier(0).await;
    let row = confirmed(&desk, "V-1", "1000.00").await;
    let made = made(&seller, &row).await;
    assert_eq!(json!([made["version"], made["previousSha256"]]), json!([1, null]));
    let package = opened(&made);
    assert_eq!(json!([package.subject, package.hash().unwrap()]), json!([row["id"], made["sha256"]]));
    let facts = &package.facts;
    let (amounts, status) = (&facts["amounts"], &facts["status"]);
    assert_eq!(
        json!([facts["seller"], facts["debtor"], facts["currency"], amounts["face"], amounts["outstanding"]]),
        json!(["91630103MA75AE4A44", "91630105MA75PB350Q", "CNY", "1000.00", "1000.00"])
    );
    assert_eq!(
        json!([status["commercial"], status["confirmation"], status["performed"], facts["invoice"]["number"]]),
        json!(["OPEN", "CONFIRMED", true, "V-1"])
    );
    assert_eq!(
        (facts["invoice"]["dueDate"].clone(), kinds(&package)),
        (json!(desk.day(50)), vec!["CREATED", "CONFIRMED"])
    );
    // What the debtor stated is in it, and whoever reads it comes to the hash of the document.
    let said = desk.one(&seller, "receivable", &row["id"], "confirmations { statement statementSha256 }").await;
    let (said, doc) = (&said["confirmations"][0], &package.docs[0]);
    assert_eq!((package.docs.len(), doc.role, doc.name.as_str()), (1, DocRole::Confirmation, "confirmation-1.json"));
    assert_eq!(
        json!([doc.sha256, doc.size]),
        json!([said["statementSha256"], said["statement"].as_str().unwrap().len().to_string()])
    );
    let stated = canonical(&facts["confirmations"][0]["statement"]).unwrap();
    assert_eq!(json!(stated), said["statement"]);
    // Somebody who has the file and the key alone.
    let key = desk.market.server.anonymous().data("{ evidenceKey { keyId publicKey algorithm } }", json!({})).await;
    let key = &key["evidenceKey"];
    let public = BASE64_STANDARD.decode(key["publicKey"].as_str().unwrap()).unwrap();
    assert_eq!(json!([key["keyId"], key["algorithm"]]), json!([sha256_hex(&public)[..16], "Ed25519"]));
    let folder = tempfile::tempdir().unwrap();
    let bytes = made["file"].as_str().unwrap().as_bytes();
    let (code, text) = told(folder.path(), bytes, &[key["publicKey"].as_str().unwrap()]);
    assert_eq!(code, Some(0), "{text}");
    for part in ["holds", "version 1", made["sha256"].as_str().unwrap(), key["keyId"].as_str().unwrap(), "--key names"]
    {
        assert!(text.contains(part), "\"{part}\" is not said: {text}");
    }
    let (code, text) = told(folder.path(), bytes, &[]);
    assert!(code == Some(0) && text.contains("no --key was given"), "{text}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "verifying leaves files behind");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_documents_of_a_matched_invoice_are_in_it_by_their_hashes() {
    let desk = Desk::new().await;
    let seller = desk.supplier(0).await;
    let order = desk.acknowledged_order(&[line(100, "10.00")]).await;
    desk.received(&order, &[(0, 100)]).await;
    let invoice = desk.invoiced(&order, "INV-1", &[(0, 100, "10.00")]).await;
    let approved = desk.clerk().await.done("approveSupplierInvoice", "payable { id }", step(&invoice)).await;
    let selection = "id evidenceSha256 documents { role sha256 }";
    let row = desk.one(&seller, "receivable", &approved["payable"]["id"], selection).await;
    let package = opened(&made(&seller, &row).await);
    let has = |role: &str, sha256: &Value| {
        package.docs.iter().any(|doc| json!(doc.role) == role && json!(doc.sha256) == *sha256)
    };
    let documents = row["documents"].as_array().unwrap();
    assert!(documents.len() >= 4, "{documents:?}");
    for document in documents {
        let (role, sha256) = (document["role"].as_str().unwrap(), &document["sha256"]);
        let there =
            if role == "MATCH" { package.facts["evidence"]["match"]["sha256"] == *sha256 } else { has(role, sha256) };
        assert!(there, "{document} is not in {:?}", package.docs);
    }
    assert_eq!(package.facts["evidence"]["sha256"], row["evidenceSha256"]);
    assert_eq!(
        json!([package.facts["source"], package.facts["amounts"]["face"]]),
        json!(["MATCHED_INVOICE", "1130.00"])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_version_names_the_first_and_what_did_not_change_is_no_version() {
    let desk = Desk::new().await;
    let seller = desk.supplier(0).await;
    let row = confirmed(&desk, "V-2", "500.00").await;
    let first = made(&seller, &row).await;
    desk.wait(chrono::Duration::minutes(5));
    let seller = desk.supplier(0).await;
    assert_eq!(made(&seller, &row).await, first, "nothing changed, and it is another version");
    let repeat = over(making(&row), json!({ "clientMutationId": "package-1" }));
    for _ in 0..2 {
        let again = seller.done("makeEvidencePackage", "evidencePackage { id }", repeat.clone()).await;
        assert_eq!(again["evidencePackage"]["id"], first["id"]);
    }
    let paying = over(step(&row), json!({ "kind": "PAYMENT", "amount": yuan("120.00"), "reference": "ICBC-1" }));
    seller.done("recordReceivableEvent", "receivable { id }", paying).await;
    let second = made(&seller, &row).await;
    assert_eq!(json!([second["version"], second["previousSha256"]]), json!([2, first["sha256"]]));
    let (before, after) = (opened(&first), opened(&second));
    assert!(after.follows(&before).unwrap(), "{after:?}");
    assert_eq!(
        json!([after.facts["amounts"]["paid"], after.facts["amounts"]["outstanding"]]),
        json!(["120.00", "380.00"])
    );
    assert!(events(&after).starts_with(&events(&before)) && kinds(&after).last() == Some(&"PAID"));
    for package in [&before, &after] {
        let chain = merkle::chain(events(package).iter().map(String::as_str));
        assert_eq!(package.facts["eventChain"], hex(&chain));
    }
    let listed = desk.one(&seller, "receivable", &row["id"], "evidencePackages { nodes { id version } }").await;
    let ids = json!([{ "id": second["id"], "version": 2 }, { "id": first["id"], "version": 1 }]);
    assert_eq!(listed["evidencePackages"]["nodes"], ids);
    let page = "query($id: ID!, $after: String) { receivable(id: $id) { evidencePackages(first: 1, after: $after) { \
         edges { cursor node { version file } } } } }";
    let newest =
        seller.data(page, json!({ "id": row["id"] })).await["receivable"]["evidencePackages"]["edges"][0].clone();
    let oldest = seller.data(page, json!({ "id": row["id"], "after": newest["cursor"] })).await;
    let oldest = &oldest["receivable"]["evidencePackages"]["edges"][0]["node"];
    assert_eq!(json!([newest["node"]["version"], oldest["version"], oldest["file"]]), json!([2, 1, first["file"]]));
    assert_eq!(desk.one(&seller, "evidencePackage", &first["id"], PACKAGE).await, first);
    let trail = "query($id: ID!) { auditTrail(nodeId: $id) { nodes { action } } }";
    let trail = seller.data(trail, json!({ "id": first["id"] })).await;
    assert_eq!(trail["auditTrail"]["nodes"], json!([{ "action": "makeEvidencePackage" }]));
    // Neither is ever changed.
    let db = desk.app().db().writer();
    let kept = evidence_package::Entity::find().one(db).await.unwrap().unwrap();
    let forged = evidence_package::Model { file: "{}".to_owned(), ..kept }.into_active_model().reset_all();
    assert!(evidence_package::Entity::update(forged).exec(db).await.is_err(), "a package was changed");
    assert!(evidence_package::Entity::delete_many().exec(db).await.is_err(), "packages were deleted");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_who_make_a_package_at_once_all_get_one() {
    let desk = Desk::new().await;
    let seller = desk.supplier(0).await;
    let row = confirmed(&desk, "V-3", "10.00").await;
    let tasks = (0..12).map(|_| {
        let (client, input) = (seller.clone(), making(&row));
        tokio::spawn(async move { client.done("makeEvidencePackage", "evidencePackage { id }", input).await })
    });
    let mut ids = std::collections::BTreeSet::new();
    for answer in join_all(tasks).await {
        ids.insert(answer.unwrap()["evidencePackage"]["id"].to_string());
    }
    assert_eq!(ids.len(), 1, "{ids:?}");
    assert_eq!(evidence_package::Entity::find().count(desk.app().db().read()).await.unwrap(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_see_a_receivable_sees_no_package_and_a_debtor_nothing_of_its_financing() {
    let desk = Desk::new().await;
    let (seller, owner, bank) = (desk.supplier(0).await, desk.owner().await, maker(&desk).await);
    let (stranger, auditor) = (desk.supplier(1).await, desk.auditor().await);
    let open = programme(&desk, "保理", json!({})).await;
    limit(&desk, "DEBTOR", "1000.00", json!({ "debtorId": desk.buyer })).await;
    let row = confirmed(&desk, "V-4", "1000.00").await;
    let unknown = refusals(&[("NOT_FOUND", "receivableId")]);
    for (client, who) in [(&stranger, "a stranger"), (&bank, "a bank that nobody asked"), (&owner, "the debtor")] {
        assert_eq!(client.refused("makeEvidencePackage", making(&row)).await, unknown, "{who} makes a package");
    }
    assert_eq!(desk.purchaser().await.denied("makeEvidencePackage", making(&row)).await, "FORBIDDEN");
    assert_eq!(desk.market.server.anonymous().denied("makeEvidencePackage", making(&row)).await, "UNAUTHENTICATED");
    let first = made(&seller, &row).await;
    let sees = |client: Client| {
        let (desk, id) = (&desk, first["id"].clone());
        async move { desk.one(&client, "evidencePackage", &id, PACKAGE).await }
    };
    assert_eq!(json!([sees(stranger.clone()).await, sees(bank.clone()).await]), json!([null, null]));
    // Asked for money on it, the bank makes one of its own: it is the same, because locking adds nothing to it.
    let asked = submitting(&desk, &open, &[&row], "1000.00");
    let request =
        seller.done("submitFinancingRequest", "request { id version number }", asked).await["request"].clone();
    assert_eq!(made(&bank, &row).await, first, "a package tells that the receivable is locked");
    let row = seen(&desk, &seller, &row).await;
    assert_eq!(row["encumbranceStatus"], "LOCKED");
    let paying = over(step(&row), json!({ "kind": "PAYMENT", "amount": yuan("1.00"), "reference": "ICBC-2" }));
    seller.done("recordReceivableEvent", "receivable { id }", paying).await;
    let second = made(&bank, &row).await;
    assert_eq!((&second["version"], kinds(&opened(&second))), (&json!(2), vec!["CREATED", "CONFIRMED", "PAID"]));
    let debtors = desk.one(&owner, "receivable", &row["id"], "evidencePackages { nodes { file } }").await;
    assert_eq!(debtors["evidencePackages"]["nodes"], json!([{ "file": second["file"] }, { "file": first["file"] }]));
    let text = second["file"].as_str().unwrap().to_lowercase();
    let number = request["number"].as_str().unwrap().to_lowercase();
    for secret in ["encumb", "financ", "locked", number.as_str()] {
        assert!(!text.contains(secret), "a debtor reads \"{secret}\" in {text}");
    }
    assert_eq!(sees(auditor).await, first);
    let input = over(step(&request), json!({ "reply": "WITHDRAW", "note": "cash came in" }));
    seller.done("replyToFinancingRequest", "request { id }", input).await;
    assert_eq!(sees(bank.clone()).await, Value::Null, "a bank reads what it has nothing to do with any more");
    assert_eq!(bank.refused("makeEvidencePackage", making(&row)).await, unknown);
    // Nobody asked this debtor yet: there is nothing for it.
    let quiet = imported(&desk, "V-5", "10.00").await;
    let quiet = made(&seller, &quiet).await;
    assert_eq!(desk.one(&owner, "evidencePackage", &quiet["id"], "id").await, Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flipped_byte_of_a_file_is_named_by_whoever_has_the_file_and_the_key() {
    let desk = Desk::new().await;
    let row = confirmed(&desk, "V-6", "777.00").await;
    let made = made(&desk.supplier(0).await, &row).await;
    let key = public_key(&desk).await;
    let good = made["file"].as_str().unwrap().as_bytes();
    let folder = tempfile::tempdir().unwrap();
    // All over the file, in its middle as in its sums and its last bracket.
    let places = (0..good.len()).step_by(good.len() / 14 + 1).chain([good.len() - 9, good.len() - 1]);
    for (n, at) in places.enumerate() {
        let mut bad = good.to_vec();
        bad[at] ^= if n % 2 == 0 { 1 } else { 0x80 };
        let (code, text) = told(folder.path(), &bad, &[key.as_str()]);
        let expected = format!("byte {at} is 0x{:02x}", bad[at]);
        assert_eq!(code, Some(1), "byte {at}: {text}");
        assert!(text.contains(&expected) && text.contains(&format!("was 0x{:02x}", good[at])), "{expected}: {text}");
        assert!(text.contains("with that put back the signature fits"), "byte {at}: {text}");
    }
    let amount = String::from_utf8(good.to_vec()).unwrap().replace("\"777.00\"", "\"977.00\"");
    let large = vec![b' '; MOST_BYTES + 1];
    for (bytes, part) in [
        (amount.as_bytes(), "package.facts"),
        (&good[..good.len() / 2], "does not hold"),
        (b"{}".as_slice(), "this is no package"),
        (b"".as_slice(), "this is no package"),
        (large.as_slice(), "the file has more than"),
    ] {
        let (code, text) = told(folder.path(), bytes, &[key.as_str()]);
        assert!(code == Some(1) && text.contains(part), "{part}: {text}");
    }
    let absent = chama(folder.path()).args(["evidence", "verify", "nothing.json"]).output().unwrap();
    assert_eq!(absent.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&absent.stderr).contains("nothing.json"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_another_key_is_whole_and_refused_by_who_knows_ours() {
    let desk = Desk::new().await;
    let row = confirmed(&desk, "V-7", "100.00").await;
    let package = opened(&made(&desk.supplier(0).await, &row).await);
    let ours = public_key(&desk).await;
    let pair = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap();
    let public: &[u8] = pair.public_key().as_ref();
    let (theirs, name) = (BASE64_STANDARD.encode(public), sha256_hex(public)[..16].to_owned());
    // Another amount, with its leaf, its root and its sums, and a signature that fits.
    let mut forged = package;
    forged.facts["amounts"]["outstanding"] = json!("9000000.00");
    let forged = forged.sealed().unwrap();
    let seal = Seal {
        algorithm: ALGORITHM.to_owned(),
        key_id: name.clone(),
        public_key: theirs.clone(),
        value: BASE64_STANDARD.encode(pair.sign(forged.message().unwrap().as_bytes())),
    };
    let bytes = evidence::file(&forged, &seal).unwrap().into_bytes();
    let folder = tempfile::tempdir().unwrap();
    let (code, text) = told(folder.path(), &bytes, &[]);
    assert!(code == Some(0) && text.contains("no --key was given") && text.contains(&name), "{text}");
    let (code, text) = told(folder.path(), &bytes, &[ours.as_str()]);
    assert!(code == Some(1) && text.contains("none of those that --key names") && text.contains(&name), "{text}");
    assert_eq!(told(folder.path(), &bytes, &[ours.as_str(), theirs.as_str()]).0, Some(0));
    assert_eq!(told(folder.path(), &bytes, &["AAAA"]).0, Some(2), "what is no key is taken for one");
    // With our key written into it, or another name or rule, the signature is none.
    for wrong in [
        Seal { public_key: ours.clone(), ..seal.clone() },
        Seal { key_id: "0".repeat(16), ..seal.clone() },
        Seal { algorithm: "none".to_owned(), ..seal.clone() },
        Seal { value: String::new(), ..seal.clone() },
    ] {
        assert!(!fits(&wrong, forged.message().unwrap().as_bytes()), "{wrong:?}");
        let bytes = evidence::file(&forged, &wrong).unwrap();
        let (code, text) = told(folder.path(), bytes.as_bytes(), &[]);
        assert!(code == Some(1) && text.contains("does not fit"), "{text}");
    }
}
