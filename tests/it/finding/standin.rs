//! A stand-in for Meilisearch where its binary is not there: its protocol, as far as the engine speaks it.
//!
//! What it answers, and with which codes it refuses, was recorded from Meilisearch 1.50. It is no search engine: it
//! forgives no typo, cuts no word, knows no synonym and no rule of ranking but its own. So it shows whether what is
//! sent, read and followed is right, never whether what is looked for is found.

use std::{
    cmp::{Ordering, Reverse},
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
};

use serde_json::{Map, Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    task::{JoinHandle, JoinSet},
};

/// The stand-in. It goes away with the test.
pub struct StandIn {
    url: String,
    state: Arc<Mutex<State>>,
    task: JoinHandle<()>,
}

impl StandIn {
    /// Starts an empty one on a port of its own.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let state = Arc::new(Mutex::new(State::default()));
        let kept = state.clone();
        let task = tokio::spawn(async move {
            // Connections end with the server.
            let mut open = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                open.spawn(serve(stream, kept.clone()));
            }
        });
        Self { url, state, task }
    }

    pub fn url(&self) -> String {
        self.url.clone()
    }

    /// Everything that was asked, also in vain: `POST /multi-search`.
    pub fn requests(&self) -> Vec<String> {
        self.state.lock().unwrap().asked.clone()
    }

    /// While it is down, it hears what it is asked and closes the connection without an answer.
    pub fn set_down(&self, down: bool) {
        self.state.lock().unwrap().down = down;
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(stream: TcpStream, state: Arc<Mutex<State>>) {
    let mut stream = BufReader::new(stream);
    while let Some((target, body)) = read(&mut stream).await {
        let answer = state.lock().unwrap().hear(&target, &body);
        let Some((status, answer)) = answer else { return };
        let text = answer.to_string();
        let head = format!("HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}", text.len());
        if stream.write_all(format!("{head}\r\n\r\n{text}").as_bytes()).await.is_err() {
            return;
        }
    }
}

/// The next request: `POST /multi-search`, and its body. The client sends bodies in chunks.
async fn read(stream: &mut BufReader<TcpStream>) -> Option<(String, Vec<u8>)> {
    let target = line(stream).await?.rsplit_once(' ')?.0.to_owned();
    let (mut length, mut chunked) = (0, false);
    loop {
        let header = line(stream).await?;
        let Some((name, value)) = header.split_once(':') else { break };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.trim().parse().ok()?,
            "transfer-encoding" => chunked = value.trim().eq_ignore_ascii_case("chunked"),
            _ => {}
        }
    }
    if !chunked {
        return Some((target, exactly(stream, length).await?));
    }
    let mut body = Vec::new();
    loop {
        let size = usize::from_str_radix(&line(stream).await?, 16).ok()?;
        body.extend(exactly(stream, size).await?);
        line(stream).await?;
        if size == 0 {
            return Some((target, body));
        }
    }
}

async fn line(stream: &mut BufReader<TcpStream>) -> Option<String> {
    let mut line = String::new();
    let length = stream.read_line(&mut line).await.ok()?;
    (length > 0).then(|| line.trim_end().to_owned())
}

async fn exactly(stream: &mut BufReader<TcpStream>, length: usize) -> Option<Vec<u8>> {
    let mut part = vec![0; length];
    stream.read_exact(&mut part).await.ok()?;
    Some(part)
}

/// Status line and body.
type Answer = (&'static str, Value);
/// Meilisearch's code of an error, and what it says.
type Refusal = (&'static str, String);

const OK: &str = "200 OK";
const ACCEPTED: &str = "202 Accepted";
const BAD_REQUEST: &str = "400 Bad Request";
const NOT_FOUND: &str = "404 Not Found";
/// When everything happens here.
const NOW: &str = "2026-03-01T08:00:00Z";

fn error((code, message): &Refusal) -> Value {
    let link = format!("https://docs.meilisearch.com/errors#{code}");
    json!({ "message": message, "code": code, "type": "invalid_request", "link": link })
}

fn reply(result: Result<Value, Refusal>) -> Answer {
    match result {
        Ok(answer) => (OK, answer),
        Err(refusal) if refusal.0.ends_with("_not_found") => (NOT_FOUND, error(&refusal)),
        Err(refusal) => (BAD_REQUEST, error(&refusal)),
    }
}

fn no_index(uid: &str) -> Refusal {
    ("index_not_found", format!("Index `{uid}` not found."))
}

#[derive(Default)]
struct State {
    asked: Vec<String>,
    down: bool,
    indexes: BTreeMap<String, Index>,
    tasks: Vec<Value>,
}

impl State {
    fn hear(&mut self, target: &str, body: &[u8]) -> Option<Answer> {
        let (path, parameters) = target.split_once('?').unwrap_or((target, ""));
        self.asked.push(path.to_owned());
        if self.down {
            return None;
        }
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        let (method, path) = path.split_once(' ')?;
        Some(self.answer(method, path, parameters, &body))
    }

    fn answer(&mut self, method: &str, path: &str, parameters: &str, body: &Value) -> Answer {
        let parts: Vec<&str> = path.split('/').skip(1).collect();
        match (method, parts.as_slice()) {
            ("GET", ["health"]) => (OK, json!({ "status": "available" })),
            ("GET", ["tasks", uid]) => {
                let task = uid.parse().ok().and_then(|uid: usize| self.tasks.get(uid));
                reply(task.cloned().ok_or_else(|| ("task_not_found", format!("Task `{uid}` not found."))))
            }
            ("GET", ["indexes", uid]) => {
                let key = self.index(uid).map(|index| index.key.clone());
                reply(key.map(|key| json!({ "uid": uid, "createdAt": NOW, "updatedAt": NOW, "primaryKey": key })))
            }
            ("GET", ["indexes", uid, "documents"]) => reply(self.documents(uid, &read_parameters(parameters))),
            ("POST", ["indexes", uid, "documents", "fetch"]) => reply(self.documents(uid, body)),
            ("POST", ["indexes", uid, "search"]) => reply(self.search(uid, body)),
            ("POST", ["multi-search"]) => self.searches(body),
            ("POST", ["indexes"]) => {
                let uid = text(&body["uid"]);
                let done = self.create(uid, body["primaryKey"].as_str());
                self.done("indexCreation", Some(uid), done)
            }
            ("DELETE", ["indexes", uid]) => {
                let done = self.indexes.remove(*uid).map(|_| ()).ok_or_else(|| no_index(uid));
                self.done("indexDeletion", Some(*uid), done)
            }
            ("PATCH", ["indexes", uid, "settings"]) => {
                let index = self.indexes.entry((*uid).to_owned()).or_default();
                for (name, setting) in body.as_object().into_iter().flatten() {
                    index.settings.insert(name.clone(), setting.clone());
                }
                self.done("settingsUpdate", Some(*uid), Ok(()))
            }
            ("POST", ["indexes", uid, "documents"]) => {
                let done = self.add(uid, read_parameters(parameters)["primaryKey"].as_str(), list(body));
                self.done("documentAdditionOrUpdate", Some(*uid), done)
            }
            ("POST", ["indexes", uid, "documents", "delete-batch"]) => {
                let done = self.remove(uid, list(body));
                self.done("documentDeletion", Some(*uid), done)
            }
            ("POST", ["swap-indexes"]) => {
                let done = list(body).iter().try_for_each(|swap| self.swap(swap));
                self.done("indexSwap", None, done)
            }
            _ => (NOT_FOUND, Value::Null),
        }
    }

    /// The answer to a write: it was taken. Its task says at once how it went.
    fn done(&mut self, kind: &str, index: Option<&str>, done: Result<(), Refusal>) -> Answer {
        let uid = self.tasks.len();
        let (status, error) = match done {
            Ok(()) => ("succeeded", Value::Null),
            Err(refusal) => ("failed", error(&refusal)),
        };
        self.tasks.push(json!({
            "uid": uid, "indexUid": index, "status": status, "type": kind, "canceledBy": null, "error": error,
            "duration": "PT0.001S", "enqueuedAt": NOW, "startedAt": NOW, "finishedAt": NOW,
        }));
        let task = json!({ "taskUid": uid, "indexUid": index, "status": "enqueued", "type": kind, "enqueuedAt": NOW });
        (ACCEPTED, task)
    }

    fn index(&self, uid: &str) -> Result<&Index, Refusal> {
        self.indexes.get(uid).ok_or_else(|| no_index(uid))
    }

    fn create(&mut self, uid: &str, key: Option<&str>) -> Result<(), Refusal> {
        if self.indexes.contains_key(uid) {
            return Err(("index_already_exists", format!("Index `{uid}` already exists.")));
        }
        let index = Index { key: key.map(str::to_owned), ..Index::default() };
        self.indexes.insert(uid.to_owned(), index);
        Ok(())
    }

    /// As in Meilisearch, an index that is not there is made.
    fn add(&mut self, uid: &str, key: Option<&str>, documents: &[Value]) -> Result<(), Refusal> {
        let index = self.indexes.entry(uid.to_owned()).or_default();
        let key = key.or(index.key.as_deref()).unwrap_or("id").to_owned();
        if let Some(other) = index.key.as_ref().filter(|other| **other != key) {
            let message = format!("Index already has a primary key: `{other}`.");
            return Err(("index_primary_key_already_exists", message));
        }
        if let Some(document) = documents.iter().find(|document| !document[&key].is_string()) {
            let message = format!("Document doesn't have a `{key}` attribute: `{document}`.");
            return Err(("missing_document_id", message));
        }
        for document in documents {
            match index.documents.iter().position(|there| there[&key] == document[&key]) {
                Some(place) => index.documents[place] = document.clone(),
                None => index.documents.push(document.clone()),
            }
        }
        index.key = Some(key);
        Ok(())
    }

    fn remove(&mut self, uid: &str, ids: &[Value]) -> Result<(), Refusal> {
        let index = self.indexes.get_mut(uid).ok_or_else(|| no_index(uid))?;
        let key = index.key.clone().unwrap_or_default();
        index.documents.retain(|document| !ids.contains(&document[&key]));
        Ok(())
    }

    /// Exchanges the names of two indexes, or gives the first the name of the second, which must not be there.
    fn swap(&mut self, swap: &Value) -> Result<(), Refusal> {
        let (one, other) = (text(&swap["indexes"][0]), text(&swap["indexes"][1]));
        let rename = swap["rename"].as_bool().unwrap_or_default();
        let mut needed = [one, other].into_iter().take(if rename { 1 } else { 2 });
        if let Some(uid) = needed.find(|uid| !self.indexes.contains_key(*uid)) {
            return Err(no_index(uid));
        }
        if rename && self.indexes.contains_key(other) {
            let message = format!("Cannot rename `{one}` to `{other}` as the index already exists.");
            return Err(("index_already_exists", message));
        }
        let (first, second) = (self.indexes.remove(one), self.indexes.remove(other));
        self.indexes.extend(first.map(|index| (other.to_owned(), index)));
        self.indexes.extend(second.map(|index| (one.to_owned(), index)));
        Ok(())
    }

    fn documents(&self, uid: &str, asked: &Value) -> Result<Value, Refusal> {
        let index = self.index(uid)?;
        let conditions = index.conditions(&asked["filter"]);
        let conditions = conditions.map_err(|(_, message)| ("invalid_document_filter", message))?;
        let found: Vec<&Value> = index.documents.iter().filter(|document| fits(document, &conditions)).collect();
        let (offset, limit) = (number(&asked["offset"], 0), number(&asked["limit"], 20));
        let results = found.iter().skip(offset).take(limit).map(|document| only(document, &asked["fields"]));
        let results: Value = results.collect();
        Ok(json!({ "results": results, "offset": offset, "limit": limit, "total": found.len() }))
    }

    fn searches(&self, asked: &Value) -> Answer {
        let mut results = Vec::new();
        for (place, query) in list(&asked["queries"]).iter().enumerate() {
            let uid = text(&query["indexUid"]);
            match self.search(uid, query) {
                Ok(mut result) => {
                    result["indexUid"] = json!(uid);
                    results.push(result);
                }
                // Also what is not found is a bad request here.
                Err((code, message)) => {
                    return (BAD_REQUEST, error(&(code, format!("Inside `.queries[{place}]`: {message}"))));
                }
            }
        }
        (OK, json!({ "results": results }))
    }

    fn search(&self, uid: &str, asked: &Value) -> Result<Value, Refusal> {
        let index = self.index(uid)?;
        let conditions = index.conditions(&asked["filter"])?;
        let order = index.order(&asked["sort"])?;
        let facets = strings(&asked["facets"]);
        if let Some(facet) = facets.iter().find(|facet| !index.declares("filterableAttributes", facet)) {
            let message = format!("Invalid facet distribution: Pattern `{facet}` is not filterable.");
            return Err(("invalid_search_facets", message));
        }
        let words = text(&asked["q"]).to_lowercase();
        let words: Vec<&str> = words.split_whitespace().collect();
        let all = asked["matchingStrategy"] == "all";
        let fitting = index.documents.iter().filter(|document| fits(document, &conditions));
        let mut found: Vec<(&Value, Rank)> =
            fitting.filter_map(|document| Some((document, index.rank(document, &words, all)?))).collect();
        found.sort_by(|(one, rank), (other, other_rank)| {
            let asked_for = order.iter().fold(Ordering::Equal, |so_far, (field, descending)| {
                so_far.then_with(|| compare(at(one, field), at(other, field), *descending))
            });
            asked_for.then_with(|| rank.cmp(other_rank))
        });
        let (offset, limit) = (number(&asked["offset"], 0), number(&asked["limit"], 20));
        let deepest = index.settings.get("pagination").map_or(1_000, |pages| number(&pages["maxTotalHits"], 1_000));
        let reached = found.iter().skip(offset).take(limit.min(deepest.saturating_sub(offset)));
        let displayed = index.settings.get("displayedAttributes").unwrap_or(&Value::Null);
        let hits = reached.map(|(document, _)| only(&only(document, displayed), &asked["attributesToRetrieve"]));
        let hits: Value = hits.collect();
        let mut answer = json!({
            "hits": hits, "query": text(&asked["q"]), "processingTimeMs": 0, "offset": offset, "limit": limit,
            "estimatedTotalHits": found.len(),
        });
        if !asked["facets"].is_null() {
            let counted = facets.iter().map(|facet| (*facet, count(&found, facet)));
            answer["facetDistribution"] = counted.collect();
            answer["facetStats"] = json!({});
        }
        Ok(answer)
    }
}

/// The first of the searchable attributes that has a word, and how many words there are: more first.
type Rank = (usize, Reverse<usize>);

#[derive(Default)]
struct Index {
    key: Option<String>,
    settings: Map<String, Value>,
    documents: Vec<Value>,
}

impl Index {
    fn setting(&self, name: &str) -> Vec<&str> {
        self.settings.get(name).map(strings).unwrap_or_default()
    }

    /// Whether a setting names an attribute, or what it is part of.
    fn declares(&self, setting: &str, attribute: &str) -> bool {
        let whole = attribute.split_once('.').map_or(attribute, |(whole, _)| whole);
        self.setting(setting).iter().any(|named| *named == attribute || *named == whole)
    }

    fn conditions(&self, filter: &Value) -> Result<Vec<Condition>, Refusal> {
        let read = if filter.is_null() { Some(Vec::new()) } else { filter.as_str().and_then(parse) };
        let Some(conditions) = read else {
            return Err(("invalid_search_filter", format!("The stand-in cannot read the filter {filter}.")));
        };
        let unknown = conditions.iter().find(|condition| !self.declares("filterableAttributes", &condition.field));
        if let Some(Condition { field, .. }) = unknown {
            return Err(("invalid_search_filter", format!("Attribute `{field}` is not filterable.")));
        }
        Ok(conditions)
    }

    /// The attributes to sort by, and whether descending.
    fn order<'a>(&self, sort: &'a Value) -> Result<Vec<(&'a str, bool)>, Refusal> {
        let mut order = Vec::new();
        for rule in strings(sort) {
            let (field, descending) = match rule.rsplit_once(':') {
                Some((field, "asc")) => (field, false),
                Some((field, "desc")) => (field, true),
                _ => return Err(("invalid_search_sort", format!("Invalid syntax for the sort parameter: `{rule}`."))),
            };
            if !self.declares("sortableAttributes", field) {
                return Err(("invalid_search_sort", format!("Attribute `{field}` is not sortable.")));
            }
            order.push((field, descending));
        }
        Ok(order)
    }

    /// None: it is not found by these words.
    fn rank(&self, document: &Value, words: &[&str], all: bool) -> Option<Rank> {
        let mut attributes = self.setting("searchableAttributes");
        if attributes.is_empty() || attributes == ["*"] {
            attributes = document.as_object()?.keys().map(String::as_str).collect();
        }
        let has = |attribute: &str, word: &str| {
            let mut texts = strings(at(document, attribute)).into_iter();
            texts.any(|text| text.to_lowercase().split_whitespace().any(|there| there.starts_with(word)))
        };
        let place = |word: &&str| attributes.iter().position(|attribute| has(attribute, word));
        let places: Vec<usize> = words.iter().filter_map(place).collect();
        let enough = if all { places.len() == words.len() } else { words.is_empty() || !places.is_empty() };
        enough.then(|| (places.iter().copied().min().unwrap_or_default(), Reverse(places.len())))
    }
}

/// How many of the documents have each value of a facet.
fn count(found: &[(&Value, Rank)], facet: &str) -> Value {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for (document, _) in found {
        let values: BTreeSet<&str> = strings(at(document, facet)).into_iter().collect();
        for value in values {
            *counts.entry(value).or_default() += 1;
        }
    }
    json!(counts)
}

/// Numbers, then texts, then what is not there, whichever way.
fn compare(one: &Value, other: &Value, descending: bool) -> Ordering {
    let kind = |value: &Value| match value {
        Value::Number(_) => 0,
        Value::String(_) => 1,
        _ => 2,
    };
    let texts = || text(one).to_lowercase().cmp(&text(other).to_lowercase());
    let values = one.as_i64().cmp(&other.as_i64()).then_with(texts);
    kind(one).cmp(&kind(other)).then(if descending { values.reverse() } else { values })
}

/// A part of a filter.
struct Condition {
    field: String,
    test: Test,
}

enum Test {
    AnyOf(Vec<String>),
    AtLeast(i64),
    AtMost(i64),
}

fn fits(document: &Value, conditions: &[Condition]) -> bool {
    conditions.iter().all(|Condition { field, test }| {
        let value = at(document, field);
        match test {
            Test::AnyOf(wanted) => {
                let values: Vec<String> = strings(value).into_iter().map(str::to_lowercase).collect();
                wanted.iter().any(|wanted| values.contains(&wanted.to_lowercase()))
            }
            Test::AtLeast(least) => value.as_i64().is_some_and(|value| value >= *least),
            Test::AtMost(most) => value.as_i64().is_some_and(|value| value <= *most),
        }
    })
}

/// Reads what the engine writes: `a = x AND b IN [x, "y"] AND c.d >= 1`. None: it is something else.
fn parse(filter: &str) -> Option<Vec<Condition>> {
    let tokens = tokens(filter)?;
    let (mut conditions, mut rest) = (Vec::new(), tokens.as_slice());
    while let [(false, field), (false, sign), (quoted, first), more @ ..] = rest {
        let (test, more) = match sign.as_str() {
            "=" => (Test::AnyOf(vec![first.clone()]), more),
            ">=" => (Test::AtLeast(first.parse().ok()?), more),
            "<=" => (Test::AtMost(first.parse().ok()?), more),
            "IN" if !*quoted && first == "[" => {
                let end = more.iter().position(|(quoted, token)| !*quoted && token == "]")?;
                let values = more[..end].iter().filter(|(quoted, token)| *quoted || token != ",");
                (Test::AnyOf(values.map(|(_, value)| value.clone()).collect()), &more[end + 1..])
            }
            _ => return None,
        };
        conditions.push(Condition { field: field.clone(), test });
        rest = match more {
            [] => return Some(conditions),
            [(false, and), more @ ..] if and == "AND" => more,
            _ => return None,
        };
    }
    tokens.is_empty().then_some(conditions)
}

/// The words and signs of a filter, and whether each was quoted.
fn tokens(filter: &str) -> Option<Vec<(bool, String)>> {
    let mut tokens = Vec::new();
    let mut chars = filter.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            ' ' => {}
            '[' | ']' | ',' => tokens.push((false, c.to_string())),
            '"' => {
                let mut value = String::new();
                loop {
                    match chars.next()? {
                        '"' => break,
                        '\\' => value.push(chars.next()?),
                        c => value.push(c),
                    }
                }
                tokens.push((true, value));
            }
            c => {
                let mut word = String::from(c);
                while let Some(c) = chars.next_if(|c| !" [],\"".contains(*c)) {
                    word.push(c);
                }
                tokens.push((false, word));
            }
        }
    }
    Some(tokens)
}

/// The parameters of an address as a body would have them.
fn read_parameters(parameters: &str) -> Value {
    let pairs = parameters.split('&').filter_map(|pair| pair.split_once('='));
    let read = |(name, value): (&str, &str)| {
        let number = value.parse::<u64>().ok().map(Value::from);
        let fields = || value.split(',').collect();
        let value = if name == "fields" { fields() } else { number.unwrap_or_else(|| Value::from(value)) };
        (name.to_owned(), value)
    };
    pairs.map(read).collect()
}

/// What is at `prices.CNY`.
fn at<'a>(document: &'a Value, path: &str) -> &'a Value {
    path.split('.').fold(document, |value, name| &value[name])
}

/// A document with these fields, or with all.
fn only(document: &Value, fields: &Value) -> Value {
    if fields.is_null() || strings(fields) == ["*"] {
        return document.clone();
    }
    strings(fields).into_iter().filter_map(|field| Some((field, document.get(field)?.clone()))).collect()
}

fn list(value: &Value) -> &[Value] {
    if let Value::Array(values) = value { values } else { &[] }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn number(value: &Value, otherwise: usize) -> usize {
    value.as_u64().and_then(|number| usize::try_from(number).ok()).unwrap_or(otherwise)
}

/// The texts of a value that is one or has some.
fn strings(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text.as_str()],
        values => list(values).iter().filter_map(Value::as_str).collect(),
    }
}
