//! Files: known by their hash, kept sealed, and seen by whoever sees what they hang on.

use api::platform::vault::sha256_hex;
use entities::party::MemberRole;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;

use super::{Desk, SUPPLIERS, over, step};
use crate::{ordering::Market, party::identities::dump, support::Client};

const SHEET: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
const FILE: &str = "file { id name subject size keptAt path owner { slug } }";

fn attaching(subject: &Value, name: &str, media_type: &str, bytes: &[u8]) -> Value {
    let (hash, size) = (sha256_hex(bytes), bytes.len());
    json!({ "subjectId": subject, "name": name, "mediaType": media_type, "sha256": hash, "size": size })
}

/// Attaches a file and brings its bytes; answers with where they are.
async fn kept(client: &Client, subject: &Value, name: &str, media_type: &str, bytes: &[u8]) -> String {
    let input = attaching(subject, name, media_type, bytes);
    let file = client.done("attachProcurementFile", FILE, input).await["file"].clone();
    let path = file["path"].as_str().unwrap().to_owned();
    assert_eq!((posted(client, &path, bytes).await, &file["keptAt"]), (204, &Value::Null));
    path
}

async fn posted(client: &Client, path: &str, bytes: &[u8]) -> u16 {
    let request = client.request(reqwest::Method::POST, path).body(bytes.to_vec());
    request.send().await.unwrap().status().as_u16()
}

async fn got(client: &Client, path: &str) -> (u16, Vec<u8>) {
    let answer = client.request(reqwest::Method::GET, path).send().await.unwrap();
    (answer.status().as_u16(), answer.bytes().await.unwrap().to_vec())
}

fn refused(code: &str, field: &str) -> Vec<(String, String)> {
    vec![(code.to_owned(), field.to_owned())]
}

async fn names(desk: &Desk, client: &Client, query: &str, id: &Value) -> Vec<String> {
    let seen = desk.one(client, query, id, "files { nodes { name } }").await;
    let nodes = seen["files"]["nodes"].as_array().cloned().unwrap_or_default();
    nodes.iter().map(|file| file["name"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn files_of_a_request_are_its_buyers_and_read_by_whom_it_invites() {
    let desk = Desk::new().await;
    let drawing = b"%PDF-1.7 drawing".to_vec();
    let draft = desk.drafted_rfq(json!({ "supplierIds": [desk.suppliers[0]] })).await;
    let buyer = desk.purchaser().await;
    let path = kept(&buyer, &draft["id"], "图纸.pdf", "application/pdf", &drawing).await;
    let (invited, other) = (desk.supplier(0).await, desk.supplier(1).await);
    assert_eq!(got(&invited, &path).await.0, 404, "a file of a draft is read");
    buyer.done("publishRfq", "", step(&draft)).await;
    for client in [&buyer, &invited, &desk.receiver().await, &desk.operator().await] {
        assert_eq!(got(client, &path).await, (200, drawing.clone()));
    }
    assert_eq!(names(&desk, &invited, "rfq", &draft["id"]).await, ["图纸.pdf"]);
    assert_eq!((got(&other, &path).await.0, got(&desk.market.server.anonymous(), &path).await.0), (404, 401));
    // The same once more is the same; what is kept never changes.
    assert_eq!(posted(&buyer, &path, &drawing).await, 204);
    assert_eq!(posted(&buyer, &path, b"%PDF-1.7 another").await, 422);
    let again = attaching(&draft["id"], "b.pdf", "application/pdf", &drawing);
    assert_eq!(buyer.refused("attachProcurementFile", again.clone()).await, refused("ALREADY_TAKEN", "sha256"));
    // A supplier hangs nothing on it, and brings no bytes of another's file.
    assert_eq!(invited.refused("attachProcurementFile", again).await, refused("NOT_FOUND", "subjectId"));
    assert_eq!(posted(&invited, &path, &drawing).await, 404);
    let (auditor, more) = (desk.buyers(MemberRole::Auditor).await, attaching(&draft["id"], "a", "text/csv", b"a"));
    assert_eq!(auditor.denied("attachProcurementFile", more).await, "FORBIDDEN");
    desk.opened(&desk.one(&buyer, "rfq", &draft["id"], "deadline").await).await;
    let late = attaching(&draft["id"], "late.csv", "text/csv", b"a,b");
    let late = desk.purchaser().await.refused("attachProcurementFile", late).await;
    assert_eq!(late, refused("WINDOW_CLOSED", "subjectId"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_what_it_says_and_no_larger_and_no_more_than_may_be() {
    let settings = [("CHAMA_PROCUREMENT_LARGEST_FILE_MB", "1"), ("CHAMA_PROCUREMENT_FILES", "3")];
    let desk = Desk::of(Market::with(&settings).await).await;
    let rfq = desk.published_rfq().await;
    let buyer = desk.purchaser().await;
    let right = attaching(&rfq["id"], "价目.csv", "text/csv", b"a,b\n1,2\n");
    for (more, code, field) in [
        (json!({ "subjectId": desk.category }), "NOT_FOUND", "subjectId"),
        (json!({ "name": "" }), "REQUIRED", "name"),
        (json!({ "mediaType": "text/html" }), "INVALID_VALUE", "mediaType"),
        (json!({ "sha256": "AB".repeat(32) }), "INVALID_VALUE", "sha256"),
        (json!({ "size": 0 }), "OUT_OF_RANGE", "size"),
        (json!({ "size": 1024 * 1024 + 1 }), "OUT_OF_RANGE", "size"),
    ] {
        let input = over(right.clone(), more);
        assert_eq!(buyer.refused("attachProcurementFile", input).await, refused(code, field));
    }
    // A page that says that it is a table is none, and what says less than it has is not read on.
    let page = b"MZ\0\0 program".to_vec();
    let input = attaching(&rfq["id"], "x.csv", "text/csv", &page);
    let file = buyer.done("attachProcurementFile", FILE, input).await["file"].clone();
    let path = file["path"].as_str().unwrap();
    assert_eq!((&file["subject"], &file["size"]), (&json!("RFQ"), &json!(page.len())));
    assert_eq!(posted(&buyer, path, &page).await, 422);
    assert_eq!(posted(&buyer, path, &[page.clone(), vec![0]].concat()).await, 413);
    assert_eq!(got(&buyer, path).await.0, 404, "bytes that were refused are kept");
    kept(&buyer, &rfq["id"], "发票.xml", "text/xml", b"\xef\xbb\xbf<Invoice/>").await;
    kept(&buyer, &rfq["id"], "表.xlsx", SHEET, b"PK\x03\x04..").await;
    assert_eq!(buyer.refused("attachProcurementFile", right).await, refused("TOO_MANY", "subjectId"));
}

#[tokio::test(flavor = "multi_thread")]
async fn files_of_a_quotation_are_its_suppliers_alone_until_the_round_is_opened() {
    let desk = Desk::new().await;
    let rfq = desk.published_rfq().await;
    let quotation = desk.quoted(0, &rfq, &["12.00", "30.00"]).await;
    let supplier = desk.supplier(0).await;
    let offer = b"%PDF-1.7 offer".to_vec();
    let path = kept(&supplier, &quotation["id"], "绝密报价.pdf", "application/pdf", &offer).await;
    // Whom its bytes are asked of and who brings some: what one may not at all is forbidden, the rest is not there.
    for (client, brought) in [
        (desk.purchaser().await, 404),
        (desk.owner().await, 404),
        (desk.buyers(MemberRole::Auditor).await, 403),
        (desk.supplier(1).await, 404),
        (desk.operator().await, 403),
        (desk.auditor().await, 403),
    ] {
        assert_eq!(got(&client, &path).await.0, 404, "a file of a sealed quotation is read");
        assert_eq!(posted(&client, &path, &offer).await, brought);
        assert!(names(&desk, &client, "quotation", &quotation["id"]).await.is_empty());
    }
    assert_eq!(got(&supplier, &path).await, (200, offer.clone()));
    assert_eq!(names(&desk, &supplier, "quotation", &quotation["id"]).await, ["绝密报价.pdf"]);
    let lain = dump(&desk.market.server).await;
    assert!(!lain.contains("绝密报价"), "a table says in clear what a file of a quotation is called");
    // Sent again, the answer names it to its supplier all the same.
    let input = over(attaching(&quotation["id"], "表.csv", "text/csv", b"a"), json!({ "clientMutationId": "f-1" }));
    let first = supplier.done("attachProcurementFile", FILE, input.clone()).await;
    let again = supplier.done("attachProcurementFile", FILE, input).await;
    assert_eq!((&again["file"]["name"], &again), (&json!("表.csv"), &first));
    desk.opened(&rfq).await;
    for client in [desk.purchaser().await, desk.buyers(MemberRole::Auditor).await, desk.operator().await] {
        assert_eq!(got(&client, &path).await, (200, offer.clone()));
        assert_eq!(names(&desk, &client, "quotation", &quotation["id"]).await, ["绝密报价.pdf", "表.csv"]);
    }
    assert_eq!(got(&desk.supplier(1).await, &path).await.0, 404);
    // What comes after the deadline was not in the bid.
    let supplier = desk.supplier(0).await;
    let late = attaching(&quotation["id"], "late.csv", "text/csv", b"late");
    assert_eq!(supplier.refused("attachProcurementFile", late).await, refused("WINDOW_CLOSED", "subjectId"));
    let second = first["file"]["path"].as_str().unwrap();
    assert_eq!(posted(&supplier, second, b"a").await, 422, "bytes are taken after the deadline");
    desk.adds_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn files_go_along_with_a_quotation_from_version_to_version_unless_they_are_to_stay_behind() {
    let desk = Desk::new().await;
    let rfq = desk.published_rfq().await;
    let first = desk.quoted(0, &rfq, &["12.00", "30.00"]).await;
    let supplier = desk.supplier(0).await;
    let offer = b"%PDF-1.7 offer".to_vec();
    let path = kept(&supplier, &first["id"], "报价.pdf", "application/pdf", &offer).await;
    let awaited = attaching(&first["id"], "表.csv", "text/csv", b"a,b");
    let awaited = supplier.done("attachProcurementFile", FILE, awaited).await["file"].clone();
    let second = desk.quoted(0, &rfq, &["11.00", "30.00"]).await;
    assert_eq!(names(&desk, &supplier, "quotation", &second["id"]).await, ["报价.pdf", "表.csv"]);
    assert!(names(&desk, &supplier, "quotation", &first["id"]).await.is_empty(), "a file hangs on two versions");
    assert_eq!(posted(&supplier, awaited["path"].as_str().unwrap(), b"a,b").await, 204, "its bytes are lost");
    let again = attaching(&second["id"], "b.pdf", "application/pdf", &offer);
    assert_eq!(supplier.refused("attachProcurementFile", again).await, refused("ALREADY_TAKEN", "sha256"));
    let bare = desk.quoting(&rfq, &["10.00", "30.00"], json!({ "keepFiles": false }));
    let bare = supplier.done("submitQuotation", "quotation { id files { nodes { id } } }", bare).await;
    assert_eq!(bare["quotation"]["files"]["nodes"], json!([]));
    let last = desk.quoted(0, &rfq, &["9.00", "30.00"]).await;
    assert!(names(&desk, &supplier, "quotation", &last["id"]).await.is_empty(), "what was left behind comes back");
    let terms = b"%PDF-1.7 terms".to_vec();
    let new = kept(&supplier, &last["id"], "条款.pdf", "application/pdf", &terms).await;
    // What was taken back and is quoted anew is no other bid.
    supplier.done("withdrawQuotation", "", json!({ "id": last["id"] })).await;
    let anew = desk.quoted(0, &rfq, &["8.00", "30.00"]).await;
    desk.opened(&rfq).await;
    let buyer = desk.purchaser().await;
    assert_eq!(names(&desk, &buyer, "quotation", &anew["id"]).await, ["条款.pdf"]);
    assert_eq!((got(&buyer, &new).await, got(&buyer, &path).await.0), ((200, terms), 404));
}

#[tokio::test(flavor = "multi_thread")]
async fn many_who_attach_at_once_attach_no_more_than_may_be_and_nothing_twice() {
    let desk = Desk::of(Market::with(&[("CHAMA_PROCUREMENT_FILES", "3")]).await).await;
    let rfq = desk.published_rfq().await;
    let quotation = desk.quoted(0, &rfq, &["12.00", "30.00"]).await;
    for (client, subject) in [(desk.purchaser().await, &rfq["id"]), (desk.supplier(0).await, &quotation["id"])] {
        let attach = |text: String| {
            let (client, input) = (client.clone(), attaching(subject, "a.csv", "text/csv", text.as_bytes()));
            async move { client.payload("attachProcurementFile", "file { id }", input).await }
        };
        let same = futures_util::future::join_all((0..6).map(|_| attach("same".to_owned()))).await;
        assert_eq!(same.iter().filter(|answer| !answer["file"].is_null()).count(), 1, "one file hangs there twice");
        let many = futures_util::future::join_all((0..8).map(|n| attach(format!("{n}")))).await;
        let done = many.iter().filter(|answer| !answer["file"].is_null()).count();
        assert_eq!(done, 2, "more files hang on a thing than may be");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_keeps_its_uploads_open_keeps_no_other_from_bringing_its_files() {
    let desk = Desk::new().await;
    let rfq = desk.published_rfq().await;
    let (slow, other) = (desk.supplier(0).await, desk.supplier(1).await);
    let mut paths = Vec::new();
    for (n, client) in [(0, &slow), (0, &slow), (0, &slow), (1, &other)] {
        let quotation = desk.quoted(n, &rfq, &["12.00", "30.00"]).await;
        let text = format!("a,{}", paths.len());
        let input = attaching(&quotation["id"], "a.csv", "text/csv", text.as_bytes());
        let file = client.done("attachProcurementFile", FILE, input).await["file"].clone();
        paths.push((file["path"].as_str().unwrap().to_owned(), text));
    }
    let address = &desk.market.server.url["http://".len()..];
    let token = desk.market.server.token(MemberRole::Owner, SUPPLIERS[0]).await;
    // A try that comes before both uploads have begun takes the place of one of them: then they begin again. Bytes that
    // are refused leave the file as it is.
    let (mut open, mut status) = (Vec::new(), 0);
    for _ in 0..20 {
        open.clear();
        for (path, _) in &paths[..2] {
            let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
            let head = format!(
                "POST {path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\nContent-Length: 3\r\n\r\na"
            );
            stream.write_all(head.as_bytes()).await.unwrap();
            open.push(stream);
        }
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        status = posted(&slow, &paths[2].0, b"no").await;
        if status == 503 {
            break;
        }
    }
    assert_eq!(status, 503, "one organisation has as many uploads as it likes");
    assert_eq!(posted(&other, &paths[3].0, paths[3].1.as_bytes()).await, 204, "it keeps others out");
    drop(open);
}
