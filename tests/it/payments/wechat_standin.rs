//! A stand-in for api.mch.weixin.qq.com, as far as a merchant that takes JSAPI payments speaks with it.
//!
//! It is strict where the service is: it knows a merchant by the signature only, takes a number for one order and one
//! refund only, signs what it answers and seals what it notifies of. Its codes are those of the documentation; it was not
//! recorded from the service, which needs a merchant's contract. Its cryptography is written anew here, not borrowed from
//! what is tested.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
};

use api::platform::clock::Clock;
use base64::{Engine, prelude::BASE64_STANDARD};
use ring::{
    aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey},
    rand::SystemRandom,
    signature::{RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RsaKeyPair, UnparsedPublicKey},
};
use serde_json::{Value, json};

use crate::support::receiver::{Received, Receiver};

pub const APP_ID: &str = "wxd678efh567hg6787";
pub const MERCHANT: &str = "1900000109";
pub const SERIAL: &str = "5157F09EFDC096DE15EBE81A47057A7232F1B8E1";
pub const SHARED_KEY: &str = "chama-test-api-v3-key-0123456789";
pub const PLATFORM_ID: &str = "PUB_KEY_ID_0114232134912410000000000000";
pub const MERCHANT_KEY: &str = include_str!("golden/wechat/merchant.key.pem");
pub const PLATFORM_PUBLIC: &str = include_str!("golden/wechat/platform.pub.pem");
pub const STRANGER_KEY: &str = include_str!("golden/wechat/stranger.key.pem");

/// How it answers until it is told otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mood {
    Well,
    /// 500 with its code.
    Busy,
    /// A page of some proxy.
    Page,
    /// Right, but for the signature: none, another's, under another's name, ten minutes old.
    Unsigned,
    Forged,
    Renamed,
    Stale,
    /// Signed, and about other things than what was asked.
    Mistaken,
    /// More than anyone asked for.
    Endless,
    /// The merchant's account is empty.
    Poor,
    /// Exactly this, signed: status line and body.
    Says(&'static str, &'static str),
}

/// A notification as the service sends it.
#[derive(Clone, Debug)]
pub struct Notification {
    pub headers: Vec<(String, String)>,
    pub body: String,
}

/// The stand-in. It goes away with the test.
pub struct StandIn {
    receiver: Receiver,
    state: Arc<Mutex<State>>,
}

struct State {
    clock: Clock,
    mood: Mood,
    orders: BTreeMap<String, Order>,
    refunds: BTreeMap<String, Refund>,
    nonces: BTreeSet<String>,
    count: u32,
}

struct Order {
    asked: Value,
    state: &'static str,
}

struct Refund {
    asked: Value,
    state: &'static str,
}

impl StandIn {
    pub async fn start(clock: &Clock) -> Self {
        let state = State {
            clock: clock.clone(),
            mood: Mood::Well,
            orders: BTreeMap::new(),
            refunds: BTreeMap::new(),
            nonces: BTreeSet::new(),
            count: 0,
        };
        let state = Arc::new(Mutex::new(state));
        let kept = state.clone();
        let receiver = Receiver::with(move |_, request| kept.lock().unwrap().hear(request)).await;
        Self { receiver, state }
    }

    pub fn url(&self) -> &str {
        &self.receiver.url
    }

    pub fn requests(&self) -> Vec<Received> {
        self.receiver.received()
    }

    pub fn orders(&self) -> usize {
        self.state.lock().unwrap().orders.len()
    }

    pub fn refunds(&self) -> usize {
        self.state.lock().unwrap().refunds.len()
    }

    pub fn set(&self, mood: Mood) {
        self.state.lock().unwrap().mood = mood;
    }

    /// The buyer pays an order.
    pub fn pay(&self, number: &str) -> Notification {
        self.turn(number, "SUCCESS")
    }

    /// An order comes into a state by itself.
    pub fn turn(&self, number: &str, to: &'static str) -> Notification {
        let mut state = self.state.lock().unwrap();
        state.orders.get_mut(number).expect("an order").state = to;
        let transaction = state.transaction(number);
        state.notify(&format!("TRANSACTION.{to}"), "transaction", &transaction.to_string())
    }

    /// The bank has done with a refund.
    pub fn settle(&self, number: &str, to: &'static str) -> Notification {
        let mut state = self.state.lock().unwrap();
        state.refunds.get_mut(number).expect("a refund").state = to;
        let mut told = state.refund(number);
        let told_map = told.as_object_mut().expect("an object");
        let status = told_map.remove("status").expect("a status");
        told_map.extend([("refund_status".into(), status), ("mchid".into(), json!(MERCHANT))]);
        told["amount"].as_object_mut().expect("an object").remove("currency");
        state.notify(&format!("REFUND.{to}"), "refund", &told.to_string())
    }

    /// A notification of anything, sealed and signed.
    pub fn notify(&self, event_type: &str, kind: &str, clear: &str) -> Notification {
        self.state.lock().unwrap().notify(event_type, kind, clear)
    }

    /// Any body, signed by the service.
    pub fn signed(&self, body: &str) -> Notification {
        let at = self.state.lock().unwrap().clock.now().timestamp();
        Notification { headers: signature(&key(PLATFORM), PLATFORM_ID, at, body), body: body.to_owned() }
    }
}

const ORDERS: &str = "/v3/pay/transactions/out-trade-no/";
const REFUNDS: &str = "/v3/refund/domestic/refunds";
const PLATFORM: &str = include_str!("golden/wechat/platform.key.pem");
const MERCHANT_PUBLIC: &str = include_str!("golden/wechat/merchant.pub.pem");

/// Whether the merchant signed this.
pub fn is_the_merchants(signed: &str, signature: &str) -> bool {
    // What stands before the RSA key in the DER of a public key of 2,048 bits.
    let public = der(MERCHANT_PUBLIC).split_off(24);
    let Ok(signature) = BASE64_STANDARD.decode(signature) else { return false };
    UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, public).verify(signed.as_bytes(), &signature).is_ok()
}

/// Headers that prove `body` to be from whoever has the key.
pub fn signature(key: &RsaKeyPair, serial: &str, at: i64, body: &str) -> Vec<(String, String)> {
    let nonce = "d6d2a9b1f0c84e6fb0cbf3f4b0a7c9e1";
    let mut signature = vec![0; key.public().modulus_len()];
    let signed = format!("{at}\n{nonce}\n{body}\n");
    key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature).expect("a signature");
    let header = |name: &str, value: String| (name.to_owned(), value);
    vec![
        header("Wechatpay-Timestamp", at.to_string()),
        header("Wechatpay-Nonce", nonce.into()),
        header("Wechatpay-Signature", BASE64_STANDARD.encode(signature)),
        header("Wechatpay-Serial", serial.into()),
    ]
}

pub fn key(pem: &str) -> RsaKeyPair {
    RsaKeyPair::from_pkcs8(&der(pem)).expect("a key")
}

pub fn der(pem: &str) -> Vec<u8> {
    let inside = pem.lines().skip_while(|line| !line.starts_with('-')).filter(|line| !line.starts_with('-'));
    BASE64_STANDARD.decode(inside.collect::<String>()).expect("base64")
}

type Answer = (&'static str, Value);

fn no(status: &'static str, code: &str) -> Answer {
    (status, json!({ "code": code, "message": format!("told {code}") }))
}

impl State {
    /// What is answered: the status line with the headers behind it, and the body.
    fn hear(&mut self, request: &Received) -> (String, String) {
        let now = self.clock.now().timestamp();
        let (status, answer) = match self.mood {
            Mood::Busy => no("500 Internal Server Error", "SYSTEM_ERROR"),
            Mood::Page => return ("502 Bad Gateway".into(), "<html>Bad Gateway</html>".into()),
            Mood::Says(status, _) => (status, Value::Null),
            _ => match self.merchant_of(request) {
                Err(code) => no("401 Unauthorized", code),
                Ok(()) => self.answer(request),
            },
        };
        let text = match (self.mood, &answer) {
            (Mood::Endless, _) => format!("{{\"x\":\"{}\"}}", "x".repeat(400_000)),
            (Mood::Says(_, text), _) => text.to_owned(),
            (_, Value::Null) => String::new(),
            (_, answer) => answer.to_string(),
        };
        let headers = match self.mood {
            Mood::Unsigned => Vec::new(),
            Mood::Forged => signature(&key(STRANGER_KEY), PLATFORM_ID, now, &text),
            Mood::Renamed => signature(&key(STRANGER_KEY), "PUB_KEY_ID_OF_A_STRANGER", now, &text),
            Mood::Stale => signature(&key(PLATFORM), PLATFORM_ID, now - 600, &text),
            _ => signature(&key(PLATFORM), PLATFORM_ID, now, &text),
        };
        let headers = headers.iter().map(|(name, value)| format!("\r\n{name}: {value}"));
        (std::iter::once(status.to_owned()).chain(headers).collect(), text)
    }

    /// Whether the merchant asks: the signature is over what came, is of now, and is used once.
    fn merchant_of(&mut self, request: &Received) -> Result<(), &'static str> {
        let given = request.header("authorization").strip_prefix("WECHATPAY2-SHA256-RSA2048 ").ok_or("SIGN_ERROR")?;
        let parts: BTreeMap<&str, &str> =
            given.split(',').filter_map(|part| part.split_once('=')).map(|(n, v)| (n, v.trim_matches('"'))).collect();
        let part = |name: &str| parts.get(name).copied().ok_or("SIGN_ERROR");
        let (method, target) = request.target.split_once(' ').ok_or("SIGN_ERROR")?;
        let (timestamp, nonce) = (part("timestamp")?, part("nonce_str")?);
        let at: i64 = timestamp.parse().map_err(|_| "SIGN_ERROR")?;
        let signed = format!("{method}\n{target}\n{timestamp}\n{nonce}\n{}\n", request.body);
        let good = part("mchid")? == MERCHANT
            && part("serial_no")? == SERIAL
            && (self.clock.now().timestamp() - at).abs() <= 300
            && is_the_merchants(&signed, part("signature")?)
            && request.header("accept") == "application/json"
            && !request.header("user-agent").is_empty()
            && request.header("wechatpay-serial") == PLATFORM_ID
            && self.nonces.insert(nonce.to_owned());
        if good { Ok(()) } else { Err("SIGN_ERROR") }
    }

    fn answer(&mut self, request: &Received) -> Answer {
        let body: Value = serde_json::from_str(&request.body).unwrap_or_default();
        let (method, target) = request.target.split_once(' ').expect("a method");
        if method == "POST" && request.header("content-type") != "application/json" {
            return no("400 Bad Request", "PARAM_ERROR");
        }
        match (method, target) {
            ("POST", "/v3/pay/transactions/jsapi") => self.order(body),
            ("POST", REFUNDS) => self.give_back(body),
            ("POST", _) if target.starts_with(ORDERS) && target.ends_with("/close") => {
                self.close(&target[ORDERS.len()..target.len() - "/close".len()], &body)
            }
            ("GET", _) if target.starts_with(ORDERS) => {
                let number = target[ORDERS.len()..].strip_suffix("?mchid=1900000109");
                match number.filter(|number| self.orders.contains_key(*number)) {
                    Some(number) => ("200 OK", self.transaction(number)),
                    None => no("404 Not Found", "ORDER_NOT_EXIST"),
                }
            }
            ("GET", _) if target.starts_with(REFUNDS) => {
                let number = target[REFUNDS.len()..].trim_start_matches('/');
                if self.refunds.contains_key(number) {
                    ("200 OK", self.refund(number))
                } else {
                    no("404 Not Found", "RESOURCE_NOT_EXISTS")
                }
            }
            _ => no("404 Not Found", "RESOURCE_NOT_EXISTS"),
        }
    }

    fn order(&mut self, body: Value) -> Answer {
        let text = |pointer: &str| body.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        let number = text("/out_trade_no").to_owned();
        let good = text("/appid") == APP_ID
            && text("/mchid") == MERCHANT
            && (6..=32).contains(&number.len())
            && (1..=127).contains(&text("/description").len())
            && text("/amount/currency") == "CNY"
            && body["amount"]["total"].as_i64().is_some_and(|total| total > 0)
            && text("/notify_url").starts_with("http")
            && !text("/notify_url").contains('?')
            && chrono::DateTime::parse_from_rfc3339(text("/time_expire")).is_ok();
        if !good {
            return no("400 Bad Request", "PARAM_ERROR");
        }
        if !text("/payer/openid").starts_with('o') {
            return no("500 Internal Server Error", "OPENID_MISMATCH");
        }
        match self.orders.get(&number) {
            Some(order) if order.state == "CLOSED" => return no("400 Bad Request", "ORDER_CLOSED"),
            Some(order) if order.state != "NOTPAY" => return no("400 Bad Request", "ORDERPAID"),
            Some(order) if order.asked != body => return no("403 Forbidden", "OUT_TRADE_NO_USED"),
            Some(_) => {}
            None => {
                self.orders.insert(number, Order { asked: body, state: "NOTPAY" });
            }
        }
        self.count += 1;
        ("200 OK", json!({ "prepay_id": format!("wx01160000{:026}", self.count) }))
    }

    fn close(&mut self, number: &str, body: &Value) -> Answer {
        let Some(order) = self.orders.get_mut(number).filter(|_| body["mchid"] == MERCHANT) else {
            return no("404 Not Found", "ORDER_NOT_EXIST");
        };
        match order.state {
            "NOTPAY" => order.state = "CLOSED",
            "CLOSED" => return no("400 Bad Request", "ORDER_CLOSED"),
            _ => return no("400 Bad Request", "ORDERPAID"),
        }
        ("204 No Content", Value::Null)
    }

    fn give_back(&mut self, body: Value) -> Answer {
        let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
        let (payment, number) = (text("out_trade_no"), text("out_refund_no"));
        let Some(order) = self.orders.get(&payment) else { return no("404 Not Found", "ORDER_NOT_EXIST") };
        if self.mood == Mood::Poor {
            return no("403 Forbidden", "NOT_ENOUGH");
        }
        if let Some(before) = self.refunds.get(&number) {
            return if before.asked == body {
                ("200 OK", self.refund(&number))
            } else {
                no("400 Bad Request", "INVALID_REQUEST")
            };
        }
        let before =
            self.refunds.values().filter(|r| r.asked["out_trade_no"] == payment.as_str() && r.state != "CLOSED");
        let before: i64 = before.filter_map(|r| r.asked["amount"]["refund"].as_i64()).sum();
        let amount = body["amount"]["refund"].as_i64().unwrap_or(i64::MAX);
        let total = order.asked["amount"]["total"].as_i64().expect("a total");
        let good = matches!(order.state, "SUCCESS" | "REFUND")
            && body["amount"]["total"] == total
            && body["amount"]["currency"] == "CNY"
            && (1..=total - before).contains(&amount);
        if !good {
            return no("400 Bad Request", "INVALID_REQUEST");
        }
        self.refunds.insert(number.clone(), Refund { asked: body, state: "PROCESSING" });
        self.orders.get_mut(&payment).expect("an order").state = "REFUND";
        ("200 OK", self.refund(&number))
    }

    fn transaction(&self, number: &str) -> Value {
        let order = &self.orders[number];
        let told = if self.mood == Mood::Mistaken { "PAY-20260301-999999" } else { number };
        let mut transaction = json!({
            "appid": APP_ID,
            "mchid": MERCHANT,
            "out_trade_no": told,
            "trade_state": order.state,
            "trade_state_desc": "说明",
            "amount": { "total": order.asked["amount"]["total"], "currency": "CNY", "payer_currency": "CNY" },
        });
        if matches!(order.state, "SUCCESS" | "REFUND") {
            transaction["amount"]["payer_total"] = order.asked["amount"]["total"].clone();
            transaction["payer"] = order.asked["payer"].clone();
            transaction["transaction_id"] = json!("4200001234202603011234567890");
            transaction["success_time"] = json!("2026-03-01T16:02:10+08:00");
            transaction["trade_type"] = json!("JSAPI");
        }
        transaction
    }

    fn refund(&self, number: &str) -> Value {
        let refund = &self.refunds[number];
        let told = if self.mood == Mood::Mistaken { "REF-20260302-999999" } else { number };
        let (amount, total) = (&refund.asked["amount"]["refund"], &refund.asked["amount"]["total"]);
        json!({
            "refund_id": "50300807092026030212345678901",
            "out_refund_no": told,
            "out_trade_no": refund.asked["out_trade_no"],
            "transaction_id": "4200001234202603011234567890",
            "channel": "ORIGINAL",
            "status": refund.state,
            "amount": { "refund": amount, "total": total, "payer_refund": amount, "payer_total": total, "currency": "CNY" },
        })
    }

    fn notify(&mut self, event_type: &str, kind: &str, clear: &str) -> Notification {
        self.count += 1;
        let nonce = format!("nonce{:07}", self.count);
        let shared = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, SHARED_KEY.as_bytes()).expect("a key"));
        let mut sealed = clear.as_bytes().to_vec();
        let once = Nonce::try_assume_unique_for_key(nonce.as_bytes()).expect("a nonce");
        shared.seal_in_place_append_tag(once, Aad::from(kind.as_bytes()), &mut sealed).expect("room");
        let body = json!({
            "id": format!("EV-{:020}", self.count),
            "create_time": "2026-03-01T16:02:11+08:00",
            "resource_type": "encrypt-resource",
            "event_type": event_type,
            "summary": "说明",
            "resource": {
                "original_type": kind,
                "algorithm": "AEAD_AES_256_GCM",
                "ciphertext": BASE64_STANDARD.encode(sealed),
                "associated_data": kind,
                "nonce": nonce,
            },
        })
        .to_string();
        Notification { headers: signature(&key(PLATFORM), PLATFORM_ID, self.clock.now().timestamp(), &body), body }
    }
}
