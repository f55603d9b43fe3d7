//! What stands between the adapter and localstripe: it makes of localstripe's objects those of the published shape.
//!
//! localstripe speaks Stripe's API of 2017, and of that what its authors needed. What it has not is filled in with what
//! Stripe would say there; what it decides (whether a card is declined, whether a step is allowed, what state follows)
//! stays its own. It knows no list of methods, no description and no refund by intent: these are kept here, or looked
//! up. It cannot hold a payment without capturing it, and it answers an idempotency key with a second object.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use serde_json::{Value, json};
use tokio::{runtime::Handle, task::block_in_place};

use crate::support::{
    client,
    receiver::{Received, Receiver},
};

/// Starts one before the localstripe at this address. For tests on several threads.
pub async fn before(localstripe: &str) -> Receiver {
    let proxy = Arc::new(Proxy { http: client(), url: localstripe.to_owned(), kept: Mutex::default() });
    Receiver::with(move |_, request| block_in_place(|| Handle::current().block_on(proxy.forward(request)))).await
}

struct Proxy {
    http: reqwest::Client,
    url: String,
    /// Of each intent what localstripe does not keep; of each charge its intent.
    kept: Mutex<HashMap<String, Value>>,
}

impl Proxy {
    async fn forward(&self, request: &Received) -> (String, String) {
        let (method, target) = request.target.split_once(' ').unwrap();
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let mut form = pairs(&request.body);
        let mut own = json!({});
        if (method, path) == ("POST", "/v1/payment_intents") {
            form.retain(|(name, value)| match name.as_str() {
                "amount" | "currency" | "metadata[number]" | "metadata[payment]" => true,
                "allowed_payment_method_types[0]" => {
                    own["payment_method_types"] = json!([value]);
                    false
                }
                _ => {
                    own[name] = json!(value);
                    false
                }
            });
        }
        if (method, path) == ("POST", "/v1/refunds") {
            let at = form.iter().position(|(name, _)| name == "payment_intent").expect("a refund of an intent");
            let intent = self.ask("GET", &format!("/v1/payment_intents/{}", form[at].1), &[], request).await.1;
            let charge = intent["latest_charge"]["id"].as_str().unwrap_or("ch_none").to_owned();
            self.kept.lock().unwrap().insert(charge.clone(), intent["id"].clone());
            form[at] = ("charge".into(), charge);
        }
        form.retain(|(name, _)| !name.starts_with("expand"));
        let upstream = if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") };
        let (status, mut answer) = self.ask(method, &upstream, &form, request).await;
        if let Some(id) = answer["id"].as_str().filter(|_| own != json!({})) {
            self.kept.lock().unwrap().insert(id.to_owned(), own);
        }
        let expanded = query.contains("latest_charge") || request.body.contains("latest_charge");
        match answer["object"].as_str() {
            Some("payment_intent") => self.whole_intent(&mut answer, expanded),
            Some("refund") => {
                let intent = self.kept.lock().unwrap().get(answer["charge"].as_str().unwrap()).cloned();
                answer["payment_intent"] = intent.unwrap_or_default();
            }
            _ => {
                let code = match (status, path.rsplit('/').next()) {
                    (404, _) => "resource_missing",
                    (400, Some("cancel" | "capture" | "confirm")) => "payment_intent_unexpected_state",
                    _ => "parameter_invalid",
                };
                filled(&mut answer["error"], json!({ "code": code }));
            }
        }
        (format!("{status} Said"), answer.to_string())
    }

    async fn ask(&self, method: &str, target: &str, form: &[(String, String)], from: &Received) -> (u16, Value) {
        let url = format!("{}{target}", self.url);
        let request = if method == "GET" { self.http.get(url) } else { self.http.post(url).form(form) };
        let answer = request.header("authorization", from.header("authorization")).send().await.expect("localstripe");
        let status = answer.status().as_u16();
        (status, answer.json().await.expect("JSON"))
    }

    fn whole_intent(&self, intent: &mut Value, expanded: bool) {
        let own = self.kept.lock().unwrap().get(intent["id"].as_str().unwrap()).cloned().unwrap_or_default();
        filled(intent, own);
        let received = if intent["status"] == "succeeded" { intent["amount"].clone() } else { json!(0) };
        filled(
            intent,
            json!({
                "amount_capturable": 0, "amount_received": received, "capture_method": "automatic",
                "confirmation_method": "automatic", "payment_method_types": ["card"],
            }),
        );
        if intent["last_payment_error"].is_object() {
            filled(&mut intent["last_payment_error"], json!({ "type": "card_error" }));
        }
        let charge = &mut intent["latest_charge"];
        if !expanded {
            *charge = charge["id"].take();
        } else if charge.is_object() {
            let captured = charge["amount"].clone();
            filled(charge, json!({ "amount_captured": captured, "billing_details": {}, "disputed": false }));
            if charge["balance_transaction"].is_object() {
                filled(&mut charge["balance_transaction"], json!({ "balance_type": "payments" }));
            }
        }
    }
}

/// Puts what is missing into an object.
fn filled(object: &mut Value, with: Value) {
    if let (Value::Object(object), Value::Object(with)) = (object, with) {
        for (name, value) in with {
            object.entry(name).or_insert(value);
        }
    }
}

fn pairs(form: &str) -> Vec<(String, String)> {
    reqwest::Url::parse(&format!("http://form/?{form}")).unwrap().query_pairs().into_owned().collect()
}
