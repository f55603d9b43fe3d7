//! Catalog files: what is broken changes nothing, what is bad costs itself, what is repeated is unchanged.

use std::path::PathBuf;

use api::catalog::import::{self, Format, Summary};
use entities::platform::job;
use sea_orm::{EntityTrait, PaginatorTrait};
use serde_json::json;

use crate::support::{TestServer, imported};

const HEADER: &str = "seller,sku,product,category,name:zh-CN,name:en,hs_code,origin,net_weight_g,gross_weight_g,unit1,supply_mode,prices,moq";

fn line(n: usize) -> String {
    format!(
        "hehuang-carpet,S-{n},rug-{n},knotted-area-rugs,藏毯{n},\"Rug {n}, \"\"fine\"\"\",5701100000,CN,900,950,032,EXPORT_B2B,USD {}.50; USD 1@1000,1",
        n + 2
    )
}

fn file(server: &TestServer, name: &str, bytes: &[u8]) -> PathBuf {
    let path = server.data_dir().join(name);
    std::fs::write(&path, bytes).unwrap();
    path
}

async fn count(server: &TestServer) -> i64 {
    server.anonymous().data("{ products { totalCount } }", json!({})).await["products"]["totalCount"].as_i64().unwrap()
}

async fn jobs(server: &TestServer) -> u64 {
    job::Entity::find().count(server.app.db().read()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_imported_and_importing_it_again_changes_nothing() {
    let server = TestServer::start().await;
    let text = [HEADER.to_owned()].into_iter().chain((0..1_203).map(line)).collect::<Vec<_>>().join("\r\n");
    let path = file(&server, "many.csv", format!("\u{feff}{text}").as_bytes());
    let dry = imported(&server, &path, true).await;
    assert_eq!((dry.created, dry.failed), (1_203, 0));
    assert_eq!(jobs(&server).await, 0, "a dry run left work for the search index");
    assert_eq!(count(&server).await, 0, "a dry run wrote something");
    let first = imported(&server, &path, false).await;
    assert_eq!(first.created, 1_203);
    server.settled().await;
    assert_eq!(
        server.app.search().count(search::Kind::Product).await.unwrap(),
        1_203,
        "the search index did not follow"
    );
    assert_eq!(count(&server).await, 1_203);
    let before = server
        .operator()
        .await
        .data(
            "{ products(first: 50) { nodes { version updatedAt offers { nodes { version updatedAt } } } } }",
            json!({}),
        )
        .await;
    server.wait(chrono::Duration::hours(1));
    let again = imported(&server, &path, false).await;
    assert_eq!(again, Summary { rows: 1_203, unchanged: 1_203, ..Summary::default() });
    assert_eq!(jobs(&server).await, 0, "a repeat left work for the search index");
    let after = server
        .operator()
        .await
        .data(
            "{ products(first: 50) { nodes { version updatedAt offers { nodes { version updatedAt } } } } }",
            json!({}),
        )
        .await;
    assert_eq!(before, after, "a repeat moved a version or a moment");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_rows_as_json_lines_are_the_same_rows() {
    let server = TestServer::start().await;
    let csv = file(&server, "a.csv", [HEADER.to_owned(), line(1), line(2)].join("\n").as_bytes());
    imported(&server, &csv, false).await;
    let object = |n: usize| {
        let mut reader = csv::Reader::from_reader(std::io::Cursor::new([HEADER.to_owned(), line(n)].join("\n")));
        let columns = reader.headers().unwrap().clone();
        let record = reader.records().next().unwrap().unwrap();
        let mut object: serde_json::Map<String, serde_json::Value> =
            columns.iter().zip(record.iter()).map(|(c, v)| (c.to_owned(), v.into())).collect();
        object.insert("net_weight_g".into(), 900.into()); // a number is as good as a text
        object.insert("description:en".into(), serde_json::Value::Null);
        serde_json::Value::Object(object).to_string()
    };
    let jsonl = file(&server, "a.jsonl", format!("{}\n\n{}\n", object(1), object(2)).as_bytes());
    let summary = imported(&server, &jsonl, false).await;
    assert_eq!(summary, Summary { rows: 2, unchanged: 2, ..Summary::default() });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_row_is_noted_by_line_column_and_reason_and_stops_nothing() {
    let server = TestServer::start().await;
    let rows = [
        HEADER.to_owned(),
        line(1),
        line(2).replace("5701100000", "7701100000").replace("900", "nine hundred"),
        line(3).replace("knotted-area-rugs", "no-such-category"),
        line(4).replace("hehuang-carpet", "nobody"),
        line(1), // the same article number again
        line(6).replace("USD 1@1000", "USD 900@1000"),
        format!("{},surplus", line(7)),
        line(8).replace("藏毯8", "藏\u{0}毯8"),
        line(9).replace("rug-9", "rug-1").replace("S-9", "S-9b").replace("Rug 9", "Contradiction"),
        line(10),
    ];
    let path = file(&server, "bad.csv", rows.join("\n").as_bytes());
    let summary = imported(&server, &path, false).await;
    assert_eq!((summary.rows, summary.created, summary.failed), (10, 2, 8));
    assert_eq!(count(&server).await, 2);
    let mut notes = csv::Reader::from_path(path.with_extension("errors.csv")).unwrap();
    let notes: Vec<Vec<String>> =
        notes.records().map(|r| r.unwrap().iter().take(4).map(str::to_owned).collect()).collect();
    let expected = [
        ["3", "", "net_weight_g", "INVALID_VALUE"],
        ["4", "S-3", "category", "NOT_FOUND"],
        ["5", "S-4", "seller", "NOT_FOUND"],
        ["6", "S-1", "sku", "DUPLICATE"],
        ["7", "S-6", "prices", "INVALID_PRICE_TIERS"],
        ["8", "", "columns", "TOO_MANY"],
        ["9", "S-8", "name:zh-CN", "INVALID_VALUE"],
        ["10", "S-9b", "name:en", "DUPLICATE"],
    ];
    assert_eq!(notes, expected.map(|n| n.map(str::to_owned).to_vec()));
    std::fs::write(&path, rows.join("\n").replace("nine hundred", "900").replace("7701100000", "5701100000")).unwrap();
    let mended = imported(&server, &path, false).await;
    assert_eq!((mended.created, mended.unchanged), (1, 2), "a mended row is imported, the others are as they were");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_file_gets_a_clear_word_and_changes_nothing() {
    let server = TestServer::start().await;
    let good = [HEADER.to_owned(), line(1), line(2)].join("\n");
    let with = |from: &str, to: &str| good.replacen(from, to, 1).into_bytes();
    let mut gbk = good.clone().into_bytes();
    gbk.extend(
        b"\nhehuang-carpet,S-3,rug-3,knotted-area-rugs,\xb2\xd8\xcc\xba,Rug,5701100000,CN,1,1,032,EXPORT_B2B,USD 1,1",
    );
    let utf16: Vec<u8> = [0xff_u8, 0xfe].into_iter().chain(good.encode_utf16().flat_map(u16::to_le_bytes)).collect();
    let mut endless = good.clone().into_bytes();
    endless.push(b'\n');
    endless.extend(std::iter::repeat_n(b'x', 3_000_000));
    let cases: Vec<(&str, Vec<u8>, &str)> = vec![
        ("empty.csv", Vec::new(), "empty"),
        ("header.csv", with("hs_code", "hs-code"), "hs-code"),
        ("twice.csv", with("origin", "sku"), "twice"),
        ("nosku.csv", with(",sku,", ","), "sku"),
        ("nothing.csv", b"hello\nworld\n".to_vec(), "hello"),
        ("cut.csv", good.as_bytes()[..good.len() - 40].to_vec(), "cut off"),
        ("quote.csv", [HEADER.to_owned(), line(1).replace("1@1000,1", "1@1000,\"1")].join("\n").into_bytes(), "quote"),
        (
            "open.csv",
            [HEADER.to_owned(), line(1).replace("\"Rug 1", "\"Rug \"1"), line(2)].join("\n").into_bytes(),
            "quote",
        ),
        (
            "swallow.csv",
            [HEADER.to_owned(), line(1).replace("\"\"fine\"\"\"", "fine"), line(2), line(3)].join("\n").into_bytes(),
            "quote",
        ),
        ("inch.csv", with("藏毯1", "10\" wide"), "quote"),
        ("gbk.csv", gbk, "UTF-8"),
        ("utf16.csv", utf16, "UTF-16"),
        ("book.csv", b"PK\x03\x04rest of a workbook".to_vec(), "workbook"),
        ("endless.csv", endless.clone(), "longer than"),
        ("endless.jsonl", vec![b'{'; 3_000_000], "longer than"),
        ("cut.jsonl", b"{\"sku\":\"S-1\"}\n{\"sku\":\"S-2\",\"name:en\":\"Ru".to_vec(), "cut off"),
        ("gbk.jsonl", b"{\"sku\":\"\xb2\xd8\"}\n".to_vec(), "UTF-8"),
        ("what.txt", good.clone().into_bytes(), "--format"),
    ];
    for (name, bytes, word) in cases {
        let path = file(&server, name, &bytes);
        let broken = import::inspect(&path, None).expect_err(name).to_string();
        assert!(broken.contains(word), "{name} is refused with: {broken}");
    }
    assert!(import::inspect(&server.data_dir().join("missing.csv"), None).is_err());
    // Bad JSON that is not cut off is a bad row.
    let path = file(
        &server,
        "bad.jsonl",
        b"{\"sku\":\"S-1\",}\n[1]\n{\"sku\":{\"a\":1}}\n{\"colour\":\"red\",\"sku\":\"S-2\"}\n",
    );
    assert_eq!(import::inspect(&path, Some(Format::Jsonl)).unwrap().rows, 4);
    let summary = imported(&server, &path, false).await;
    assert_eq!((summary.rows, summary.failed), (4, 4));
    assert_eq!(count(&server).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_example_of_the_documentation_is_imported_as_it_says() {
    let server = TestServer::start().await;
    let text = include_str!("../../../deploy/catalog-file.md");
    let fenced = |kind: &str| {
        let (_, rest) = text.split_once(&format!("```{kind}\n")).unwrap();
        rest.split_once("```").unwrap().0.as_bytes().to_vec()
    };
    let first = imported(&server, &file(&server, "rugs.csv", &fenced("csv")), false).await;
    assert_eq!(first, Summary { rows: 3, created: 3, ..Summary::default() });
    let again = imported(&server, &file(&server, "rugs.jsonl", &fenced("json")), false).await;
    assert_eq!(again, Summary { rows: 3, unchanged: 3, ..Summary::default() });
}

#[tokio::test(flavor = "multi_thread")]
async fn goods_that_are_only_called_the_same_are_not_mixed_up() {
    let server = TestServer::start().await;
    let header = "seller,sku,category,name:zh-CN,name:en,gtin,hs_code,origin,net_weight_g,gross_weight_g,unit1,supply_mode,prices";
    let same = |seller: &str, sku: &str, gtin: &str, grams: u32| {
        format!(
            "{seller},{sku},knotted-area-rugs,羊毛毯,Wool rug,{gtin},5701100000,CN,{grams},9999,032,DOMESTIC,CNY 10"
        )
    };
    let rows = [
        header.to_owned(),
        same("hehuang-carpet", "S-1", "6901234567892", 900),
        same("hehuang-carpet", "S-2", "4006381333931", 900), // another article, with no variant of its own
        same("hehuang-carpet", "S-3", "", 800),
        same("huangdao-trading", "T-1", "", 700), // another seller's rug of that name
        same("hehuang-carpet", "S-4", "6901234567892", 900), // the same article twice is fine
    ];
    let path = file(&server, "same.csv", rows.join("\n").as_bytes());
    for outcome in [(2, 0), (0, 2)] {
        let summary = imported(&server, &path, false).await;
        assert_eq!((summary.created, summary.unchanged, summary.failed), (outcome.0, outcome.1, 3));
        let notes = std::fs::read_to_string(path.with_extension("errors.csv")).unwrap();
        let fields: Vec<_> =
            notes.lines().skip(1).map(|l| l.split(',').take(4).collect::<Vec<_>>().join(",")).collect();
        let expected = ["3,S-2,gtin,DUPLICATE", "4,S-3,net_weight_g,DUPLICATE", "5,T-1,product,ALREADY_TAKEN"];
        assert_eq!(fields, expected);
        let query = "{ products { nodes { variants { nodes { gtin netWeightG } } offers { totalCount } } } }";
        let kept = server.anonymous().data(query, json!({})).await;
        let variant = json!({ "gtin": "6901234567892", "netWeightG": 900 });
        let whole = json!([{ "variants": { "nodes": [variant] }, "offers": { "totalCount": 2 } }]);
        assert_eq!(kept["products"]["nodes"], whole, "a row overwrote another article");
    }
}
