//! The bridge of the e-port (电子口岸报文桥): messages in the envelope of the data exchange platform (`DxpMsg`), carried as
//! JSON over HTTP (section 2.7). What is pushed to the house comes the same way.

use std::time::Duration;

use async_trait::async_trait;
use base64::{Engine, prelude::BASE64_STANDARD};
use chrono::{DateTime, Utc};
use entities::customs::{ceb, codes};
use reqwest::{Client, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{CustomsGateway, Failure, Outgoing};
use crate::{config::Customs, error::Error, vault, web};

/// Longest answer that is read.
const LONGEST: usize = 64 * 1024;

/// The bridge.
pub struct Bridge {
    client: Client,
    url: String,
    sender: String,
    receiver: String,
    secret: SecretString,
    timeout: Duration,
}

impl std::fmt::Debug for Bridge {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Bridge").field("url", &self.url).finish_non_exhaustive()
    }
}

/// What goes over the bridge, both ways.
#[derive(Debug, Serialize, Deserialize)]
struct Envelope {
    message: Carried,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Carried {
    message_head: Head,
    message_body: Body,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Head {
    version: String,
    message_id: String,
    #[serde(rename = "senderID")]
    sender_id: String,
    #[serde(rename = "receiverID")]
    receiver_id: String,
    send_time: String,
    message_type: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct Body {
    data: String,
}

impl Bridge {
    /// The bridge that the settings name.
    pub fn new(settings: &Customs) -> Result<Self, Error> {
        let eport = &settings.eport;
        // An envelope names both of them. How long they may be, the settings are held against.
        let named = [&eport.url, &eport.sender_id, &eport.receiver_id];
        if named.iter().any(|setting| setting.is_empty()) || eport.secret.expose_secret().is_empty() {
            let missing = "customs.gateway is \"eport\": set customs.eport.url, sender_id, receiver_id and secret";
            return Err(Error::BadInput(missing.into()));
        }
        Ok(Self {
            client: web::services(settings.timeout())?,
            url: eport.url.clone(),
            sender: eport.sender_id.clone(),
            receiver: eport.receiver_id.clone(),
            secret: eport.secret.clone(),
            timeout: settings.timeout(),
        })
    }

    /// The message in its envelope, as the terminal node of the data exchange platform wants it.
    fn wrapped(&self, message: &Outgoing) -> String {
        let escape = ceb::escaped;
        // Beijing time without an offset.
        let moment = codes::moment(message.at);
        let at = |range: std::ops::Range<usize>| moment.get(range).unwrap_or_default();
        let time = format!("{}-{}-{}T{}:{}:{}", at(0..4), at(4..6), at(6..8), at(8..10), at(10..12), at(12..14));
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?><DxpMsg xmlns=\"http://www.chinaport.gov.cn/dxp\" ver=\"1.0\">\
             <TransInfo><CopMsgId>{}</CopMsgId><SenderId>{}</SenderId><ReceiverIds><ReceiverId>{}</ReceiverId>\
             </ReceiverIds><CreatTime>{time}</CreatTime><MsgType>{}</MsgType></TransInfo><Data>{}</Data></DxpMsg>",
            escape(&message.id),
            escape(&self.sender),
            escape(&self.receiver),
            message.kind_name(),
            BASE64_STANDARD.encode(&message.text),
        )
    }
}

#[async_trait]
impl CustomsGateway for Bridge {
    async fn send(&self, message: &Outgoing) -> Result<(), Failure> {
        let body = json!(Envelope {
            message: Carried {
                message_head: Head {
                    version: "1.0".into(),
                    message_id: message.id.clone(),
                    sender_id: self.sender.clone(),
                    receiver_id: self.receiver.clone(),
                    send_time: codes::moment(message.at),
                    message_type: format!("{}.xml", message.kind_name()),
                },
                message_body: Body { data: BASE64_STANDARD.encode(self.wrapped(message)) },
            }
        });
        let asked = self.client.post(&self.url).bearer_auth(self.secret.expose_secret()).json(&body);
        let answer = asked.timeout(self.timeout).send().await.map_err(|e| Failure::unavailable(e.without_url()))?;
        let status = answer.status();
        let body = web::body(answer, LONGEST).await?;
        let text = String::from_utf8_lossy(&body);
        match status {
            _ if status.is_success() && text.trim().eq_ignore_ascii_case("OK") => Ok(()),
            // A code of the platform (section 2.6) is a refusal; what is about its own state goes away.
            _ if status.is_success() || status == StatusCode::BAD_REQUEST => {
                let code: String = text.trim().chars().take(4).collect();
                match code.as_str() {
                    "3001" | "3002" | "3003" => Err(Failure::unavailable(format!("the bridge says {code}"))),
                    _ => Err(Failure::Refused { code, message: text.trim().chars().take(300).collect() }),
                }
            }
            _ => Err(Failure::unavailable(format!("the bridge answers {status}"))),
        }
    }

    fn admits(&self, headers: &[(String, String)]) -> bool {
        let expected = format!("Bearer {}", self.secret.expose_secret());
        let said = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("authorization"));
        // Hashes are compared: how long that takes says nothing of the secret.
        let hashed = |text: &str| vault::sha256_hex(text.as_bytes());
        said.is_some_and(|(_, value)| hashed(value) == hashed(&expected))
    }

    fn proves(&self, headers: &[(String, String)], _: &str) -> bool {
        self.admits(headers)
    }

    fn unpack(&self, headers: &[(String, String)], body: &[u8], _: DateTime<Utc>) -> Result<Vec<u8>, Failure> {
        if !self.admits(headers) {
            return Err(Failure::NotAuthentic);
        }
        let envelope: Envelope = serde_json::from_slice(body).map_err(|e| Failure::Unreadable(e.to_string()))?;
        let data = BASE64_STANDARD.decode(envelope.message.message_body.data.trim());
        let data = data.map_err(|e| Failure::Unreadable(format!("messageBody.data: {e}")))?;
        opened(data)
    }
}

/// What is inside an envelope; without one it is the message itself.
fn opened(data: Vec<u8>) -> Result<Vec<u8>, Failure> {
    // What is no XML at all is kept and refused where all messages are.
    let Ok(Some(inside)) = ceb::enveloped(&data) else { return Ok(data) };
    let packed: String = inside.chars().filter(|c| !c.is_whitespace()).collect();
    BASE64_STANDARD.decode(packed).map_err(|e| Failure::Unreadable(format!("Data: {e}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    fn bridge() -> Bridge {
        let settings = [
            ("CHAMA_CUSTOMS_EPORT_URL", "http://127.0.0.1:9/cebcmsg"),
            ("CHAMA_CUSTOMS_EPORT_SENDER_ID", "6301960001"),
            ("CHAMA_CUSTOMS_EPORT_SECRET", "both-ends"),
        ];
        let named = settings.map(|(name, value)| (name.to_owned(), value.to_owned()));
        Bridge::new(&Config::load(None, named).unwrap().customs).unwrap()
    }

    fn headers(value: &str) -> Vec<(String, String)> {
        vec![("Authorization".into(), value.into())]
    }

    #[test]
    fn what_is_pushed_is_unpacked_once_it_is_proved() {
        let bridge = bridge();
        assert!(bridge.admits(&headers("Bearer both-ends")));
        assert!(!bridge.admits(&headers("Bearer both-endS")) && !bridge.admits(&[]), "a stranger's body is read");
        let message = Outgoing {
            id: "1<2".into(),
            kind: 622,
            text: "<?xml version=\"1.0\"?><a>回执</a>".into(),
            document: "XN1".into(),
            at: codes::read_moment("20251101093105").unwrap(),
        };
        let wrapped = bridge.wrapped(&message);
        assert!(
            wrapped.contains("<CopMsgId>1&lt;2</CopMsgId>") && wrapped.contains("2025-11-01T09:31:05"),
            "{wrapped}"
        );
        let pushed = |data: &str| {
            json!({ "message": { "messageHead": { "version": "1.0", "messageId": "1", "senderID": "CHINAPORT",
                "receiverID": "6301960001", "sendTime": "20251101093105", "messageType": "CEB622Message.xml" },
                "messageBody": { "data": data } } })
            .to_string()
            .into_bytes()
        };
        let good = headers("Bearer both-ends");
        for data in [BASE64_STANDARD.encode(&wrapped), BASE64_STANDARD.encode(&message.text)] {
            let got = bridge.unpack(&good, &pushed(&data), message.at).unwrap();
            assert_eq!(String::from_utf8(got).unwrap(), message.text);
        }
        for wrong in ["Bearer both-endz", "Bearer ", "both-ends", ""] {
            let refused = bridge.unpack(&headers(wrong), &pushed(""), message.at);
            assert!(matches!(refused, Err(Failure::NotAuthentic)), "{wrong}");
        }
        assert!(matches!(bridge.unpack(&[], &pushed(""), message.at), Err(Failure::NotAuthentic)));
        for unfit in [&b"{}"[..], b"", b"[", &pushed("***")] {
            assert!(matches!(bridge.unpack(&good, unfit, message.at), Err(Failure::Unreadable(_))));
        }
    }

    #[test]
    fn a_bridge_without_its_settings_is_none() {
        assert!(Bridge::new(&Config::load(None, []).unwrap().customs).is_err());
        let mut settings = Config::load(None, []).unwrap().customs;
        settings.eport.url = "http://127.0.0.1:9/cebcmsg".into();
        settings.eport.sender_id = "6301960001".into();
        settings.eport.secret = "both-ends".into();
        assert!(Bridge::new(&settings).is_ok());
        settings.eport.receiver_id = String::new();
        let told = Bridge::new(&settings).unwrap_err().told();
        assert!(told.contains("receiver_id"), "an envelope to nobody is sent: {told}");
    }
}
