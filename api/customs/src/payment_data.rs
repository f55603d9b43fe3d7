//! What customs asks about payments (announcement 179): it names an order, is answered at once whether the house knows it,
//! and is sent what was paid for it afterwards, signed.
//!
//! Anybody can ask: how often is limited by address, and of one order one job at most is open, whatever number of inquiries
//! there were; the newest of them is answered. Nothing is told of money that is none: a payment of the sandbox is told to
//! the simulated customs alone.

use entities::{
    customs::{
        ceb::Record,
        declaration,
        paper::{self, PaperKind},
        payment_data::{Channel, Original, PaidOrder, PaymentData, Verifier},
        sale::{PaidTogether, Sale},
    },
    payments::{ProviderKind, payment},
    values::Money,
};
use platform::{
    app::{App, Call},
    config::Gateway,
    customs::fresh_guid,
    error::Error,
    graphql::encode,
    jobs::Verdict,
    web,
};
use sea_orm::{ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{document_of, jobs::TellPayment, lists, locked, parties, sale_of};

/// Longest answer that is read.
const LONGEST_ANSWER: usize = 64 * 1024;
/// The code of a good answer.
const GOOD: &str = "10000";

/// An inquiry (`openReq`).
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Inquiry {
    /// Which order.
    pub order_no: String,
    /// The number of the inquiry.
    #[serde(rename = "sessionID")]
    pub session_id: String,
    /// When it was asked, in milliseconds.
    #[serde(default)]
    pub service_time: serde_json::Value,
}

/// What is answered at once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    /// `10000`, or why not: `20000` to `21000`.
    pub code: &'static str,
    /// Why not.
    pub message: &'static str,
    /// Now, in milliseconds.
    pub service_time: i64,
}

/// Answers an inquiry, and has what was paid sent. The same inquiry again is sent again: customs asks until it has it.
pub async fn asked(app: &App, text: &str) -> Result<Answer, Error> {
    let now = app.clock().now();
    let answer = |code, message| Answer { code, message, service_time: now.timestamp_millis() };
    let Ok(inquiry) = serde_json::from_str::<Inquiry>(text) else {
        return Ok(answer("20001", "openReq cannot be read"));
    };
    let fits = |text: &str, most: usize| {
        !text.is_empty()
            && text.chars().count() <= most
            && !text.chars().any(|c| c.is_control() || matches!(c, '"' | '|' | '\\'))
    };
    if !fits(&inquiry.order_no, 60) || !fits(&inquiry.session_id, 36) {
        return Ok(answer("20001", "openReq cannot be read"));
    }
    if app.config().customs.payment_data.url.is_empty() {
        return Ok(answer("20000", "payment data is sent nowhere"));
    }
    let Some(row) = lists::of_document(app.db().read(), &inquiry.order_no).await? else {
        return Ok(answer("20002", "the order is not known"));
    };
    if payment_of(app, &row).await?.is_some_and(|said| !has_money(app, said.paid.as_ref())) {
        return Ok(answer("20003", "the order was not paid for with money"));
    }
    let mut work = app.begin(&Call::unasked("customs")).await?;
    locked(work.tx(), row.id).await?;
    work.replace(&TellPayment { document: inquiry.order_no, session: inquiry.session_id }).await?;
    work.commit(()).await?;
    Ok(answer(GOOD, ""))
}

/// Does [`TellPayment`].
pub async fn tell(app: &App, job: TellPayment) -> Result<Verdict, Error> {
    let again = |reason: String| Ok(Verdict::Again { after: None, reason });
    let row = lists::of_document(app.db().read(), &job.document).await?;
    let Some(row) = row else { return Ok(Verdict::Dead { reason: "the order is not known".into() }) };
    let Some(said) = payment_of(app, &row).await? else {
        return again("the order has no payment yet".into());
    };
    if !has_money(app, said.paid.as_ref()) {
        return Ok(Verdict::Dead { reason: "the order was not paid for with money".into() });
    }
    let data = data_of(app, &job, &sale_of(app.vault(), &row)?, &said)?;
    let signer = app.signing().signer();
    let signature = signer.sign_text(&data.to_sign()).map_err(Error::internal)?;
    let sent = data.signed(signer.certificate().number(), &signature);
    let settings = &app.config().customs;
    let client = web::services(settings.timeout())?;
    let asked = client.post(&settings.payment_data.url).form(&[("payExInfoStr", sent.as_str())]).send().await;
    let answer = match asked {
        Ok(answer) => answer,
        Err(error) => return again(format!("customs does not answer: {}", error.without_url())),
    };
    let status = answer.status();
    let Ok(body) = web::body(answer, LONGEST_ANSWER).await else {
        return again("the answer of customs broke off".into());
    };
    let read: serde_json::Value = serde_json::from_slice(&body).unwrap_or_default();
    match read["code"].as_str() {
        Some(GOOD) => Ok(Verdict::Done),
        Some(code) => again(format!("customs says {code}: {}", read["message"])),
        None => again(format!("customs answers {status}")),
    }
}

/// What is known of a payment.
struct Said {
    /// What its paper says.
    head: Record,
    /// What the party that took it gave with the paper.
    original: Option<Original>,
    /// The house's own payment that it is about.
    paid: Option<payment::Model>,
}

/// What is known of the payment of a declaration; none: there is no paper yet.
async fn payment_of(app: &App, row: &declaration::Model) -> Result<Option<Said>, Error> {
    let db = app.db().read();
    let Some(paper) = payment_paper(db, row).await? else { return Ok(None) };
    let head = document_of(app.vault(), &paper)?.head;
    // A reference is one payment's of its provider.
    let provider = sale_of(app.vault(), row)?.paid.provider;
    let whose = Condition::all()
        .add(payment::Column::Reference.eq(head.get("payTransactionId").unwrap_or_default()))
        .add_option(provider.map(|provider| payment::Column::Provider.eq(provider)));
    let paid = payment::Entity::find().filter(whose).one(db).await?;
    Ok(Some(Said { head, original: parties::original_of(app.vault(), &paper)?, paid }))
}

/// Whether there is money behind a payment. That of the sandbox has none: it is for the customs that is none either.
fn has_money(app: &App, paid: Option<&payment::Model>) -> bool {
    app.config().customs.gateway == Gateway::Simulator || paid.is_none_or(|paid| paid.provider != ProviderKind::Sandbox)
}

/// What was paid in the request that paid an order, for all orders of it: also those that nothing is declared of.
fn data_of(app: &App, job: &TellPayment, sale: &Sale, said: &Said) -> Result<PaymentData, Error> {
    let named = |name: &str| said.head.get(name).unwrap_or_default().to_owned();
    let settings = &app.config().customs.payment_data;
    let together = sale.paid_together();
    let order = |of: &PaidTogether| PaidOrder {
        number: of.order_no.clone(),
        goods: of
            .goods
            .iter()
            .map(|(variant, name)| (name.clone(), settings.item_link.replace("{id}", &encode(*variant).0)))
            .collect(),
        account: settings.account.clone(),
        code: String::new(),
        holder: settings.holder.clone(),
    };
    Ok(PaymentData {
        session: job.session.clone(),
        guid: fresh_guid()?,
        original: said.original.clone().or_else(|| said.paid.as_ref().map(own_original)).unwrap_or_else(unknown),
        platform: named("ebpCode"),
        institution: named("payCode"),
        transaction: named("payTransactionId"),
        total_minor: together.iter().map(|of| of.paid_minor).sum(),
        paid_at: sale.paid.at,
        orders: together.iter().map(order).collect(),
        sent_at: app.clock().now(),
    })
}

/// What the house asked and was answered, as it keeps it.
fn own_original(paid: &payment::Model) -> Original {
    let amount = |minor| Money { minor, currency: paid.currency }.to_string();
    let request = json!({ "document": paid.document, "number": paid.number, "amount": amount(paid.amount_minor),
        "provider": paid.provider, "method": paid.method, "at": paid.created_at });
    let response = json!({ "reference": paid.reference, "state": paid.state, "captured": amount(paid.captured_minor) });
    Original {
        request: request.to_string(),
        response: response.to_string(),
        verifier: Verifier::of(paid.provider),
        channel: Channel::of(paid.method),
    }
}

/// Of a payment that a party took, and of which it gave nothing more than the paper.
fn unknown() -> Original {
    let none = String::new;
    Original { request: none(), response: none(), verifier: Verifier::Other, channel: Channel::Other }
}

async fn payment_paper(db: &impl ConnectionTrait, row: &declaration::Model) -> Result<Option<paper::Model>, Error> {
    let found = paper::Entity::find()
        .filter(paper::Column::DeclarationId.eq(row.id))
        .filter(paper::Column::Kind.eq(PaperKind::Payment));
    Ok(found.one(db).await?)
}
