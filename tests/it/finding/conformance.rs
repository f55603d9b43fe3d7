//! One suite for every engine: the same documents, filters, facets, orders, pages and permissions. What must come out
//! is computed in memory (`search::plain_answer`), or stands here.

use std::collections::BTreeMap;

use search::{Band, Document, Facet, Found, Kind, Query, SearchEngine, SearchError, Sort, Visible, plain_answer};
use uuid::Uuid;

use super::{
    engines::{Meilisearch, analyzer},
    standin::StandIn,
};

const OWNER: Uuid = Uuid::from_u128(0xA);

/// Products 1 to 12, brands 101 to 103, organisations 201 to 202.
fn documents() -> Vec<Document> {
    let names = [
        ("手工藏毯", "Hand-knotted carpet"),
        ("羊绒披肩", "Cashmere stole"),
        ("黑枸杞礼盒", "Black goji gift box"),
        ("青稞酒 500毫升", "Highland barley spirit 500 ml"),
        ("牦牛奶粉", "Yak milk powder"),
        ("机织地毯", "Machine-made carpet"),
        ("红茶", "Black tea"),
        ("储能逆变器 10kW", "Storage inverter 10 kW"),
        ("唐卡挂毯", "Thangka tapestry"),
        ("沙棘果油", "Seabuckthorn oil"),
        ("羊毛毯", "Wool blanket"),
        ("藏香礼盒", "Tibetan incense gift box"),
    ];
    let product = |(n, (zh, en)): (u128, (&str, &str))| {
        let facet = |of: &[&str]| of.iter().map(|v| (*v).to_owned()).collect::<Vec<_>>();
        let mut prices = BTreeMap::new();
        if n % 4 != 0 {
            prices.insert("CNY".to_owned(), i64::try_from(n * 1_000).unwrap());
        }
        if n % 3 == 0 {
            prices.insert("USD".to_owned(), i64::try_from(9_000 - n * 100).unwrap());
        }
        Document {
            id: Uuid::from_u128(n),
            kind: Kind::Product,
            // 11 and 12 are drafts, of two organisations.
            public: n <= 10,
            owner: Some(if n == 12 { Uuid::from_u128(0xB) } else { OWNER }),
            names: BTreeMap::from([("zh-CN".to_owned(), zh.to_owned()), ("en".to_owned(), en.to_owned())]),
            words: vec![if n % 2 == 0 { "雪莲".to_owned() } else { "Kunlun".to_owned() }],
            body: vec!["高原的好物。Made in the highlands.".to_owned()],
            codes: vec![format!("690123456{n:04}"), format!("SKU-{n}/A")],
            facets: BTreeMap::from([
                (Facet::Category, facet(if n % 2 == 0 { &["root", "even"] } else { &["root", "odd"] })),
                (Facet::Brand, facet(if n % 2 == 0 { &["101"] } else { &["102"] })),
                (Facet::Origin, facet(if n % 3 == 0 { &["CN", "NZ"] } else { &["CN"] })),
                (Facet::Tag, facet(if n % 5 == 0 { &["a \"quoted\" value"] } else { &[] })),
                (Facet::Status, facet(if n <= 10 { &["PUBLISHED"] } else { &["DRAFT"] })),
            ]),
            prices,
            listed_at: i64::try_from(1_000 + (n * 7) % 12).unwrap(),
            sort_zh: format!("{:02}", (n * 5) % 12),
            sort_en: en.to_lowercase(),
        }
    };
    let named = |kind: Kind, id: u128, zh: &str, en: &str| Document {
        id: Uuid::from_u128(id),
        kind,
        public: true,
        owner: None,
        names: BTreeMap::from([("zh-CN".to_owned(), zh.to_owned()), ("en".to_owned(), en.to_owned())]),
        words: Vec::new(),
        body: Vec::new(),
        codes: Vec::new(),
        facets: BTreeMap::new(),
        prices: BTreeMap::new(),
        listed_at: 0,
        sort_zh: zh.into(),
        sort_en: en.into(),
    };
    let mut all: Vec<Document> = (1..).zip(names).map(product).collect();
    all.push(named(Kind::Brand, 101, "雪莲", "Snow Lotus"));
    all.push(named(Kind::Organisation, 201, "河湟地毯有限公司", "Hehuang Carpet Company"));
    all
}

fn ids(found: &[Found]) -> Vec<u128> {
    found.iter().map(|f| f.id.as_u128()).collect()
}

async fn built(engine: &dyn SearchEngine) {
    engine.begin_rebuild().await.unwrap();
    for part in documents().chunks(5) {
        engine.put_next(part.to_vec()).await.unwrap();
    }
    engine.swap().await.unwrap();
}

async fn conforms(engine: &dyn SearchEngine) {
    protocol(engine).await;
    words(engine).await;
    keeping(engine).await;
}

/// What does not depend on how words are judged.
async fn protocol(engine: &dyn SearchEngine) {
    assert!(!engine.ready().await.unwrap(), "an index that was never built is ready");
    let all = Query::words("", Visible::Public, &[Kind::Product], 20);
    assert!(matches!(engine.search(&all).await, Err(SearchError::NotReady)), "there is nothing to answer from");
    engine.put(documents(), &[]).await.unwrap();
    assert!(!engine.ready().await.unwrap(), "a part of an index is taken for the whole");

    built(engine).await;
    assert!(engine.ready().await.unwrap());
    narrowing(engine).await;
}

/// Filters, facets, orders, pages, permissions: as computed in memory.
async fn narrowing(engine: &dyn SearchEngine) {
    let documents = documents();
    let counted = vec![Facet::Category, Facet::Brand, Facet::Origin, Facet::Tag];
    let base = Query { count: counted, sort: Sort::Newest, ..Query::words("", Visible::Public, &[Kind::Product], 20) };
    let chosen = |pairs: &[(Facet, &[&str])]| {
        pairs.iter().map(|(f, v)| (*f, v.iter().map(|v| (*v).to_owned()).collect())).collect::<BTreeMap<_, Vec<_>>>()
    };
    let band = |currency: &str, min, max| Some(Band { currency: currency.into(), min, max });
    let price = |currency: &str, descending| Sort::Price { currency: currency.into(), descending };
    let mut queries = vec![base.clone()];
    for visible in [Visible::PublicAndOf(OWNER), Visible::PublicAndOf(Uuid::from_u128(0xC)), Visible::Everything] {
        queries.push(Query { visible, ..base.clone() });
    }
    for any_of in [
        chosen(&[(Facet::Brand, &["101"])]),
        chosen(&[(Facet::Brand, &["101", "102"])]),
        chosen(&[(Facet::Brand, &["101"]), (Facet::Origin, &["NZ"])]),
        chosen(&[(Facet::Category, &["odd"]), (Facet::Origin, &["NZ"])]),
        chosen(&[(Facet::Tag, &["a \"quoted\" value"])]),
        chosen(&[(Facet::Tag, &["\"] OR audience EXISTS OR tag IN [\""])]),
        chosen(&[(Facet::Status, &["DRAFT"])]),
        chosen(&[(Facet::Brand, &[])]),
    ] {
        queries.push(Query { any_of: any_of.clone(), ..base.clone() });
        queries.push(Query { any_of, visible: Visible::Everything, ..base.clone() });
    }
    for band in [
        band("CNY", Some(3_000), Some(7_000)),
        band("CNY", None, Some(2_000)),
        band("USD", Some(1), None),
        band("EUR", None, None),
    ] {
        queries.push(Query { band, ..base.clone() });
    }
    for sort in [
        price("CNY", false),
        price("CNY", true),
        Sort::Name { chinese: true, descending: false },
        Sort::Name { chinese: true, descending: true },
        Sort::Name { chinese: false, descending: false },
        Sort::Relevance,
    ] {
        queries.push(Query { sort: sort.clone(), ..base.clone() });
        queries.push(Query { sort, offset: 3, limit: 4, ..base.clone() });
    }
    for query in queries {
        let expected = plain_answer(&analyzer(), &documents, &query);
        let got = engine.search(&query).await.unwrap();
        let priced = |found: &[Found]| {
            // Those without a price come last, in any order.
            let mut ids = ids(found);
            if let Sort::Price { .. } = query.sort {
                ids.retain(|id| id % 4 != 0);
            }
            ids
        };
        assert_eq!(priced(&got.found), priced(&expected.found), "{} orders {query:?} otherwise", engine.name());
        assert_eq!(got.total, expected.total, "{} counts {query:?} otherwise", engine.name());
        assert_eq!(got.facets, expected.facets, "{} counts the facets of {query:?} otherwise", engine.name());
    }
}

/// Words, however they are written; and that no way of writing them shows what may not be seen.
async fn words(engine: &dyn SearchEngine) {
    let everything = &Kind::ALL[..];
    for (text, first) in [
        ("藏毯", 1),
        ("zangtan", 1),
        ("carpets", 6),
        ("雪莲", 101),
        ("Hehuang", 201),
        ("6901234560005", 5),
        ("69012345600", 1),
        ("SKU-10/A", 10),
        ("10 kW", 8),
        ("500ML", 4),
        ("披肩", 2),
        ("青稞酒", 4),
    ] {
        let found = engine.search(&Query::words(text, Visible::Public, everything, 14)).await.unwrap();
        let ids = ids(&found.found);
        let near = ids.iter().take(3).any(|id| *id == first) || (text.starts_with("6901") && ids.contains(&first));
        assert!(near, "{}: {text} finds {ids:?}, not {first}", engine.name());
    }
    for text in ["羊毛毯", "wool blanket", "690123456 0011", "yangmaotan", "tibetan incense", "SKU-12/A", "woool"] {
        let found = engine.search(&Query::words(text, Visible::Public, everything, 14)).await.unwrap();
        assert!(!ids(&found.found).iter().any(|id| [11, 12].contains(id)), "{}: {text} shows a draft", engine.name());
    }
    for text in
        ["\u{0}", "\"", "((((", "*", "a OR b", "💥", &"x".repeat(5_000), &"藏".repeat(5_000), "zzzzqqqq", "' --"]
    {
        let answer = engine.search(&Query::words(text, Visible::Public, everything, 14)).await;
        assert!(answer.is_ok(), "{}: {:?} fails: {answer:?}", engine.name(), text.chars().take(10).collect::<String>());
    }
    let nothing = engine.search(&Query::words("!!! ???", Visible::Public, everything, 14)).await.unwrap();
    assert_eq!(nothing.total, 0, "{}: what has no words finds everything", engine.name());
}

/// What is put in, changed, taken out, compared, and rebuilt meanwhile.
async fn keeping(engine: &dyn SearchEngine) {
    let find = async |text: &str| {
        let query = Query::words(text, Visible::Everything, &[Kind::Product], 5);
        ids(&engine.search(&query).await.unwrap().found)
    };
    let mut changed = documents().remove(0);
    changed.names.insert("en".into(), "Zebrawood abacus".into());
    engine.put(vec![changed.clone()], &[Uuid::from_u128(7)]).await.unwrap();
    assert_eq!(find("zebrawood").await, [1], "{}: a change is not found", engine.name());
    assert!(!find("红茶").await.contains(&7), "{}: what is gone is found", engine.name());
    assert_eq!(engine.count(Kind::Product).await.unwrap(), 11);

    let asked: Vec<Uuid> = [1, 2, 7, 999].map(Uuid::from_u128).to_vec();
    let stamps: BTreeMap<Uuid, String> = engine.stamps(&asked).await.unwrap().into_iter().collect();
    assert_eq!(stamps.len(), 2);
    assert_eq!(stamps[&Uuid::from_u128(1)], changed.stamp());
    let mut walked = Vec::new();
    loop {
        let page = engine.walk(walked.len(), 4).await.unwrap();
        if page.is_empty() {
            break;
        }
        walked.extend(ids(&page));
    }
    walked.sort_unstable();
    assert_eq!(walked, [1, 2, 3, 4, 5, 6, 8, 9, 10, 11, 12, 101, 201]);

    // A rebuild: the old index answers until the swap, what changes meanwhile is in both.
    engine.begin_rebuild().await.unwrap();
    engine.put_next(documents()).await.unwrap();
    assert_eq!(find("zebrawood").await, [1], "{}: the old index does not answer", engine.name());
    engine.put(vec![changed.clone()], &[]).await.unwrap();
    engine.swap().await.unwrap();
    assert_eq!(find("zebrawood").await, [1], "{}: a change during a rebuild is lost", engine.name());
    assert_eq!(engine.count(Kind::Product).await.unwrap(), 12, "{}: the new index does not answer", engine.name());
    assert!(engine.swap().await.is_err(), "there is nothing to swap");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_embedded_engine_conforms() {
    let folder = tempfile::tempdir().unwrap();
    let engine = search::embedded(folder.path(), analyzer()).unwrap();
    conforms(engine.as_ref()).await;
    // Another process on the folder sees the same, and what the first writes.
    let other = search::embedded(folder.path(), analyzer()).unwrap();
    let find = Query::words("quasar", Visible::Public, &[Kind::Product], 5);
    assert_eq!(other.search(&find).await.unwrap().total, 0);
    let mut changed = documents().remove(2);
    changed.names.insert("en".into(), "Quasar lamp".into());
    engine.put(vec![changed], &[]).await.unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(150)).await;
    assert_eq!(ids(&other.search(&find).await.unwrap().found), [3], "another process does not see the change");
    engine.begin_rebuild().await.unwrap();
    engine.put_next(documents()).await.unwrap();
    engine.swap().await.unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(150)).await;
    assert_eq!(other.search(&find).await.unwrap().total, 0, "another process answers from the old index");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_index_is_none() {
    let folder = tempfile::tempdir().unwrap();
    let engine = search::embedded(folder.path(), analyzer()).unwrap();
    built(engine.as_ref()).await;
    drop(engine);
    let index = std::fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().path()).find(|p| p.is_dir()).unwrap();
    std::fs::write(index.join("meta.json"), "{").unwrap();
    let engine = search::embedded(folder.path(), analyzer()).unwrap();
    assert!(!engine.ready().await.unwrap(), "a damaged index is taken for one");
    built(engine.as_ref()).await;
    assert!(engine.ready().await.unwrap());
    std::fs::remove_dir_all(folder.path()).unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(150)).await;
    assert!(!engine.ready().await.unwrap(), "a deleted index is taken for one");
    let query = Query::words("", Visible::Public, &[Kind::Product], 5);
    assert!(matches!(engine.search(&query).await, Err(SearchError::NotReady)));
    built(engine.as_ref()).await;
    assert_eq!(engine.search(&query).await.unwrap().total, 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn meilisearch_conforms() {
    let Some(mut meilisearch) = Meilisearch::start().await else { return };
    let engine = meilisearch.engine("conformance");
    conforms(engine.as_ref()).await;
    meilisearch.kill();
    let query = Query::words("", Visible::Public, &[Kind::Product], 5);
    assert!(engine.search(&query).await.is_err());
    meilisearch.lose_data();
    meilisearch.resume().await;
    tokio::time::sleep(std::time::Duration::from_millis(1_100)).await;
    assert!(!engine.ready().await.unwrap(), "a Meilisearch that lost its data is taken for one that has an index");
    built(engine.as_ref()).await;
    assert_eq!(engine.search(&query).await.unwrap().total, 10);
}

/// The protocol is tested wherever the suite runs; how well words are found shows only with the real one.
#[tokio::test(flavor = "multi_thread")]
async fn the_protocol_of_meilisearch_is_spoken_to_a_stand_in() {
    let stand_in = StandIn::start().await;
    let engine = search::meilisearch(&stand_in.url(), None, "protocol", analyzer()).unwrap();
    protocol(engine.as_ref()).await;
    keeping(engine.as_ref()).await;
    let asked = stand_in.requests();
    assert!(
        asked.iter().any(|r| r == "POST /swap-indexes") && asked.iter().any(|r| r == "POST /multi-search"),
        "{asked:?}"
    );
    stand_in.set_down(true);
    let query = Query::words("", Visible::Public, &[Kind::Product], 5);
    assert!(engine.search(&query).await.is_err());
    let before = stand_in.requests().len();
    for _ in 0..50 {
        assert!(
            matches!(engine.search(&query).await, Err(SearchError::Away)),
            "one that is down is asked again at once"
        );
    }
    assert_eq!(stand_in.requests().len(), before);
    stand_in.set_down(false);
    tokio::time::sleep(std::time::Duration::from_millis(1_100)).await;
    assert_eq!(engine.search(&query).await.unwrap().total, 10, "it is not found again when it is back");
}
