//! What a client may say.

use async_graphql::Request;
use serde_json::{Map, Value};

use crate::http::request::of_fields;

/// Longest id of an operation: ids are kept while their operations run.
const LONGEST_ID: usize = 256;

/// A message of a client.
#[derive(Debug)]
pub(super) enum Heard {
    /// It wants to begin; with what it shows of itself.
    Init(Map<String, Value>),
    /// It wants to hear that somebody is there, with this payload.
    Ping(Option<Value>),
    /// It is there.
    Pong,
    /// It asks something.
    Subscribe {
        /// Its own id of the operation.
        id: String,
        request: Box<Request>,
    },
    /// It does not want to hear more of this.
    Complete { id: String },
}

/// Reads a message; none when it is not one.
pub(super) fn read(text: &str) -> Option<Heard> {
    let mut fields: Map<String, Value> = serde_json::from_str(text).ok()?;
    // Null is as good as nothing.
    let payload = fields.remove("payload").filter(|payload| !payload.is_null());
    let kind = fields.remove("type")?;
    match kind.as_str()? {
        "connection_init" => Some(Heard::Init(object(payload.unwrap_or_else(|| Map::new().into()))?)),
        "ping" => payload.as_ref().is_none_or(Value::is_object).then_some(Heard::Ping(payload)),
        "pong" => payload.as_ref().is_none_or(Value::is_object).then_some(Heard::Pong),
        "subscribe" => {
            let request = of_fields(object(payload?)?).ok()?;
            Some(Heard::Subscribe { id: id(&mut fields)?, request: request.into() })
        }
        "complete" => Some(Heard::Complete { id: id(&mut fields)? }),
        _ => None,
    }
}

fn object(value: Value) -> Option<Map<String, Value>> {
    match value {
        Value::Object(fields) => Some(fields),
        _ => None,
    }
}

fn id(fields: &mut Map<String, Value>) -> Option<String> {
    match fields.remove("id") {
        Some(Value::String(id)) if (1..=LONGEST_ID).contains(&id.len()) => Some(id),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_message_is_not_taken_for_one() {
        for text in [
            r#"{"type":"connection_init"}"#,
            r#"{"type":"connection_init","payload":null}"#,
            r#"{"type":"connection_init","payload":{"authorization":"Bearer x"}}"#,
            r#"{"type":"ping"}"#,
            r#"{"type":"ping","payload":{"a":1}}"#,
            r#"{"type":"pong","payload":{}}"#,
            r#"{"type":"subscribe","id":"1","payload":{"query":"{ a }"}}"#,
            r#"{"type":"subscribe","id":"1","payload":{"query":"{ a }","operationName":null,"variables":null,"extensions":null}}"#,
            r#"{"type":"complete","id":"1"}"#,
        ] {
            assert!(read(text).is_some(), "{text}");
        }
        for text in [
            "",
            "nothing",
            "[]",
            "\"ping\"",
            "{}",
            r#"{"type":1}"#,
            r#"{"type":"start"}"#,
            r#"{"type":"next","id":"1","payload":{}}"#,
            r#"{"type":"connection_ack"}"#,
            r#"{"type":"connection_init","payload":"x"}"#,
            r#"{"type":"connection_init","payload":[]}"#,
            r#"{"type":"ping","payload":1}"#,
            r#"{"type":"pong","payload":"x"}"#,
            r#"{"type":"subscribe","payload":{"query":"{ a }"}}"#,
            r#"{"type":"subscribe","id":"","payload":{"query":"{ a }"}}"#,
            r#"{"type":"subscribe","id":1,"payload":{"query":"{ a }"}}"#,
            r#"{"type":"subscribe","id":"1"}"#,
            r#"{"type":"subscribe","id":"1","payload":{}}"#,
            r#"{"type":"subscribe","id":"1","payload":{"query":1}}"#,
            r#"{"type":"subscribe","id":"1","payload":{"query":"{ a }","variables":[]}}"#,
            r#"{"type":"subscribe","id":"1","payload":{"query":"{ a }","operationName":1}}"#,
            r#"{"type":"subscribe","id":"1","payload":{"query":"{ a }","extensions":"x"}}"#,
            r#"{"type":"complete"}"#,
        ] {
            assert!(read(text).is_none(), "{text}");
        }
        let long = "i".repeat(LONGEST_ID + 1);
        assert!(read(&format!(r#"{{"type":"complete","id":"{long}"}}"#)).is_none());
    }
}
