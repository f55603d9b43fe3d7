//! Endpoints, their secrets, and what was delivered to them.

use std::collections::BTreeSet;

use base64::{Engine, prelude::BASE64_STANDARD};
use chrono::{DateTime, Duration, SecondsFormat, Utc};
use entities::{
    party::{Action, Resource, Viewer},
    platform::EventKind,
    values::{
        ErrorCode, Refusal,
        id::{OrganisationId, WebhookDeliveryId, WebhookEndpointId},
    },
    webhooks::{
        DeliveryState, delivery,
        endpoint::{self, Events},
    },
};
use hmac::{Hmac, KeyInit, Mac};
use platform::{
    app::{App, Call, Work, allowed},
    error::{Error, not_found, stale},
    graphql::encode,
    jobs::{self, Job},
    page::{Cursor, Page, PageArgs},
    vault::{Vault, random},
    web,
};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, Order, PaginatorTrait, QueryFilter,
    QuerySelect,
    sea_query::{Expr, OnConflict},
};
use serde_json::{Value, json};
use sha2::Sha256;
use uuid::Uuid;

use super::jobs::{Deliver, HORIZON};

/// Names of the orders, for cursors.
const NEWEST: &str = "newest-endpoint";
const NEWEST_DELIVERY: &str = "newest-delivery";
/// Most endpoints of one organisation.
const MAX_ENDPOINTS: u64 = 20;
/// How long the secret before the present one signs too.
const OVERLAP: Duration = Duration::hours(24);
/// How long finished deliveries are kept.
const KEPT: Duration = Duration::days(30);

/// What is said of an endpoint; absent means unchanged (or the default for a new one).
#[derive(Clone, Debug, Default)]
pub struct EndpointPatch {
    /// Where to.
    pub url: Option<String>,
    /// Of what; empty: of everything.
    pub events: Option<BTreeSet<EventKind>>,
    /// Whether it is told anything.
    pub enabled: Option<bool>,
}

fn place(id: WebhookEndpointId) -> String {
    format!("webhook_endpoint.secret:{id}")
}

fn checked_url(app: &App, text: &str) -> Result<String, Error> {
    let fit = web::fit(text.trim(), app.config().webhooks.allow_private);
    let unfit = |why: web::Unfit| Refusal::new(ErrorCode::AddressNotAllowed).with("reason", why.told()).at("url");
    Ok(fit.map_err(unfit)?.to_string())
}

fn shown(row: &endpoint::Model) -> Value {
    json!({ "url": row.url, "events": row.events, "enabled": row.enabled })
}

/// Makes an endpoint of the organisation acted for, with a secret of its own.
pub async fn create_endpoint(app: &App, call: &Call, patch: &EndpointPatch) -> Result<endpoint::Model, Error> {
    call.may(Action::KeepWebhooks, Resource::OWN)?;
    let organisation = call.viewer.organisation().ok_or(Error::Forbidden)?;
    let url = patch.url.as_deref().ok_or_else(|| Refusal::new(ErrorCode::Required).at("url"))?;
    let url = checked_url(app, url)?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let present = endpoint::Entity::find().filter(endpoint::Column::OrganisationId.eq(organisation));
    if present.count(work.tx()).await? >= MAX_ENDPOINTS {
        return Err(Refusal::new(ErrorCode::TooMany).with("max", MAX_ENDPOINTS.to_string()).into());
    }
    let id = WebhookEndpointId::new(work.now);
    let row = endpoint::Model {
        id,
        organisation_id: organisation,
        url,
        events: Events(patch.events.clone().unwrap_or_default()),
        secret: app.vault().seal(&place(id), &random::<32>()?)?,
        previous_secret: None,
        previous_until: None,
        enabled: patch.enabled.unwrap_or(true),
        failures: 0,
        open_until: None,
        version: 1,
        created_at: work.now,
    };
    endpoint::Entity::insert(row.clone().into_active_model()).exec_without_returning(work.tx()).await?;
    work.audit(Some(organisation), "createWebhookEndpoint", encode(id).0, Value::Null, shown(&row));
    work.commit(row).await
}

async fn own(tx: &impl ConnectionTrait, call: &Call, id: WebhookEndpointId) -> Result<endpoint::Model, Error> {
    let row = endpoint::Entity::find_by_id(id).one(tx).await?;
    let row = row.filter(|row| call.viewer.organisation() == Some(row.organisation_id));
    let row = row.ok_or_else(|| not_found("id", encode(id).as_str()))?;
    call.may(Action::KeepWebhooks, Resource::of(row.organisation_id))?;
    Ok(row)
}

/// Changes an endpoint. Switched on again, it is tried at once.
pub async fn update_endpoint(
    app: &App,
    call: &Call,
    id: WebhookEndpointId,
    expected_version: i32,
    patch: &EndpointPatch,
) -> Result<endpoint::Model, Error> {
    let mut work = app.begin(call).await?;
    let before = own(work.tx(), call, id).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let row = endpoint::Model {
        url: match &patch.url {
            Some(url) => checked_url(app, url)?,
            None => before.url.clone(),
        },
        events: patch.events.clone().map_or_else(|| before.events.clone(), Events),
        enabled: patch.enabled.unwrap_or(before.enabled),
        failures: 0,
        open_until: None,
        version: before.version + 1,
        ..before.clone()
    };
    let written = endpoint::Entity::update_many()
        .set(row.clone().into_active_model().reset_all())
        .filter(endpoint::Column::Id.eq(id))
        .filter(endpoint::Column::Version.eq(expected_version))
        .exec(work.tx())
        .await?;
    if written.rows_affected != 1 {
        return Err(stale());
    }
    let waiting = delivery::Entity::find()
        .filter(delivery::Column::EndpointId.eq(id))
        .filter(delivery::Column::State.eq(DeliveryState::Pending))
        .limit(1_000)
        .all(work.tx())
        .await?;
    let since = work.now;
    let waiting = waiting.iter().map(|row| Deliver { delivery: row.id, since }.aggregate());
    jobs::hasten(work.tx(), waiting, work.now).await?;
    work.audit(Some(row.organisation_id), "updateWebhookEndpoint", encode(id).0, shown(&before), shown(&row));
    work.commit(row).await
}

/// Takes an endpoint away, and its deliveries with it.
pub async fn delete_endpoint(app: &App, call: &Call, id: WebhookEndpointId) -> Result<WebhookEndpointId, Error> {
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let before = own(work.tx(), call, id).await?;
    endpoint::Entity::delete_by_id(id).exec(work.tx()).await?;
    work.audit(Some(before.organisation_id), "deleteWebhookEndpoint", encode(id).0, shown(&before), Value::Null);
    work.commit(id).await
}

/// Gives an endpoint a new secret; the one before it signs too for a day, so that nothing is refused while the
/// partner changes over.
pub async fn rotate_secret(app: &App, call: &Call, id: WebhookEndpointId) -> Result<endpoint::Model, Error> {
    let mut work = app.begin(call).await?;
    let before = own(work.tx(), call, id).await?;
    if work.answered::<endpoint::Model>()?.is_some() {
        return Ok(before);
    }
    let row = endpoint::Model {
        secret: app.vault().seal(&place(id), &random::<32>()?)?,
        previous_secret: Some(before.secret.clone()),
        previous_until: Some(work.now + OVERLAP),
        version: before.version + 1,
        ..before
    };
    let turned = endpoint::Entity::update_many()
        .col_expr(endpoint::Column::Secret, Expr::value(row.secret.clone()))
        .col_expr(endpoint::Column::PreviousSecret, Expr::value(row.previous_secret.clone()))
        .col_expr(endpoint::Column::PreviousUntil, Expr::value(row.previous_until))
        .col_expr(endpoint::Column::Version, Expr::value(row.version))
        .filter(endpoint::Column::Id.eq(id))
        .filter(endpoint::Column::Version.eq(row.version - 1))
        .exec(work.tx())
        .await?;
    if turned.rows_affected != 1 {
        return Err(Refusal::new(ErrorCode::StaleVersion).at("id").into());
    }
    work.audit(
        Some(row.organisation_id),
        "rotateWebhookSecret",
        encode(id).0,
        Value::Null,
        json!({ "version": row.version }),
    );
    work.commit(row).await
}

/// The present secret of an endpoint as partners configure it: `whsec_` and base64.
pub async fn secret_of(app: &App, id: WebhookEndpointId) -> Result<Option<String>, Error> {
    let row = endpoint::Entity::find_by_id(id).one(app.db().read()).await?;
    let Some(row) = row else { return Ok(None) };
    let secret = app.vault().unseal(&place(id), &row.secret)?;
    Ok(Some(format!("whsec_{}", BASE64_STANDARD.encode(secret))))
}

/// A request as it is sent.
#[derive(Clone, Debug)]
pub struct Outgoing {
    /// Where to.
    pub url: String,
    /// `webhook-id`, `webhook-timestamp`, `webhook-signature`, `content-type`.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: String,
}

/// The request of a delivery, signed for this moment.
pub fn outgoing(
    vault: &Vault,
    endpoint: &endpoint::Model,
    event_id: Uuid,
    body: &str,
    now: DateTime<Utc>,
) -> Result<Outgoing, Error> {
    let (id, timestamp) = (format!("evt_{}", event_id.simple()), now.timestamp().to_string());
    let previous =
        endpoint.previous_secret.as_ref().filter(|_| endpoint.previous_until.is_some_and(|until| until > now));
    let mut signatures = Vec::new();
    for sealed in [Some(&endpoint.secret), previous].into_iter().flatten() {
        let secret = vault.unseal(&place(endpoint.id), sealed)?;
        signatures.push(signature(&secret, &id, &timestamp, body)?);
    }
    let headers = vec![
        ("webhook-id", id),
        ("webhook-timestamp", timestamp),
        ("webhook-signature", signatures.join(" ")),
        ("content-type", "application/json".to_owned()),
    ];
    Ok(Outgoing { url: endpoint.url.clone(), headers, body: body.to_owned() })
}

/// `v1,` and the HMAC-SHA-256 of `id.timestamp.body` in base64 (Standard Webhooks).
fn signature(secret: &[u8], id: &str, timestamp: &str, body: &str) -> Result<String, Error> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).map_err(|e| Error::internal(e.to_string()))?;
    mac.update(format!("{id}.{timestamp}.{body}").as_bytes());
    Ok(format!("v1,{}", BASE64_STANDARD.encode(mac.finalize().into_bytes())))
}

/// What an event says: thin, so that who may see what is decided when the partner asks for it.
pub fn body(kind: EventKind, node: &str, version: i32, at: DateTime<Utc>) -> String {
    let at = at.to_rfc3339_opts(SecondsFormat::Millis, true);
    json!({ "type": kind.name(), "timestamp": at, "data": { "id": node, "version": version } }).to_string()
}

/// Leaves an event to be delivered to an endpoint, once: again, it is already there.
pub(super) async fn deliver_once(
    work: &mut Work,
    endpoint: WebhookEndpointId,
    event_id: Uuid,
    event: EventKind,
    body: String,
) -> Result<delivery::Model, Error> {
    let row = delivery::Model {
        id: WebhookDeliveryId::new(work.now),
        endpoint_id: endpoint,
        event_id,
        event,
        body,
        state: DeliveryState::Pending,
        attempts: 0,
        created_at: work.now,
        finished_at: None,
    };
    let once = OnConflict::columns([delivery::Column::EndpointId, delivery::Column::EventId]).do_nothing().to_owned();
    let made = delivery::Entity::insert(row.clone().into_active_model())
        .on_conflict(once)
        .exec_without_returning(work.tx())
        .await?;
    if made == 1 {
        work.enqueue(&Deliver { delivery: row.id, since: work.now }).await?;
    }
    Ok(row)
}

/// Sends a trial to an endpoint; with `dry_run` only shows what would be sent.
pub async fn test_endpoint(
    app: &App,
    call: &Call,
    id: WebhookEndpointId,
    dry_run: bool,
) -> Result<(Option<delivery::Model>, Option<Outgoing>), Error> {
    let mut work = app.begin(call).await?;
    let endpoint = own(work.tx(), call, id).await?;
    let event_id = entities::values::id::time_ordered(work.now);
    let body = body(EventKind::WebhookTest, encode(id).as_str(), endpoint.version, work.now);
    if dry_run {
        return Ok((None, Some(outgoing(app.vault(), &endpoint, event_id, &body, work.now)?)));
    }
    if let Some(before) = work.answered()? {
        return Ok((Some(before), None));
    }
    let row = deliver_once(&mut work, id, event_id, EventKind::WebhookTest, body).await?;
    work.audit(Some(endpoint.organisation_id), "testWebhookEndpoint", encode(id).0, Value::Null, Value::Null);
    Ok((Some(work.commit(row).await?), None))
}

/// Delivers something again, from its first attempt on, under the same `webhook-id`; with `dry_run` only shows
/// what would be sent.
pub async fn replay_delivery(
    app: &App,
    call: &Call,
    id: WebhookDeliveryId,
    dry_run: bool,
) -> Result<(Option<delivery::Model>, Option<Outgoing>), Error> {
    let mut work = app.begin(call).await?;
    let before = delivery::Entity::find_by_id(id).one(work.tx()).await?;
    let before = before.ok_or_else(|| not_found("id", encode(id).as_str()))?;
    let endpoint = own(work.tx(), call, before.endpoint_id).await.map_err(|error| match error {
        Error::Refused(_) => not_found("id", encode(id).as_str()),
        other => other,
    })?;
    if dry_run {
        return Ok((
            Some(before.clone()),
            Some(outgoing(app.vault(), &endpoint, before.event_id, &before.body, work.now)?),
        ));
    }
    if let Some(before) = work.answered()? {
        return Ok((Some(before), None));
    }
    if before.state == DeliveryState::Pending {
        let refusal = Refusal::new(ErrorCode::IllegalTransition).with("from", "PENDING").with("action", "REPLAY");
        return Err(refusal.at("id").into());
    }
    let row = delivery::Model { state: DeliveryState::Pending, attempts: 0, finished_at: None, ..before.clone() };
    let moved = delivery::Entity::update_many()
        .set(row.clone().into_active_model().reset_all())
        .filter(delivery::Column::Id.eq(id))
        .filter(delivery::Column::State.eq(before.state))
        .exec(work.tx())
        .await?;
    if moved.rows_affected != 1 {
        return Err(stale());
    }
    work.enqueue(&Deliver { delivery: id, since: work.now }).await?;
    work.audit(
        Some(endpoint.organisation_id),
        "replayWebhookDelivery",
        encode(id).0,
        json!({ "state": before.state }),
        json!({ "state": row.state }),
    );
    Ok((Some(work.commit(row).await?), None))
}

/// The endpoints of the organisation that `viewer` acts for, newest first.
pub async fn list_endpoints(
    db: &impl ConnectionTrait,
    viewer: &Viewer,
    page: &PageArgs,
) -> Result<Page<endpoint::Model>, Error> {
    allowed(viewer, Action::ReadWebhooks, Resource::OWN)?;
    let organisation: OrganisationId = viewer.organisation().ok_or(Error::Forbidden)?;
    let list = endpoint::Entity::find().filter(endpoint::Column::OrganisationId.eq(organisation));
    page.by_id(db, list, endpoint::Column::Id, NEWEST, Order::Desc).await
}

/// The cursor of an endpoint in that list.
pub fn endpoint_cursor(row: &endpoint::Model) -> Cursor {
    Cursor::of_id(NEWEST, row.id)
}

/// What was delivered to an endpoint, newest first.
pub async fn list_deliveries(
    db: &impl ConnectionTrait,
    endpoint: WebhookEndpointId,
    page: &PageArgs,
) -> Result<Page<delivery::Model>, Error> {
    let list = delivery::Entity::find().filter(delivery::Column::EndpointId.eq(endpoint));
    page.by_id(db, list, delivery::Column::Id, NEWEST_DELIVERY, Order::Desc).await
}

/// The cursor of a delivery in that list.
pub fn delivery_cursor(row: &delivery::Model) -> Cursor {
    Cursor::of_id(NEWEST_DELIVERY, row.id)
}

/// Takes away deliveries that were finished long ago, and gives up those whose job is gone.
pub async fn tidy(app: &App, now: DateTime<Utc>) -> Result<(), Error> {
    let old = delivery::Entity::find()
        .filter(delivery::Column::State.eq(DeliveryState::Pending))
        .filter(delivery::Column::CreatedAt.lt(now - HORIZON - Duration::days(1)))
        .limit(500)
        .all(app.db().read())
        .await?;
    let deliver = |row: &delivery::Model| Deliver { delivery: row.id, since: now };
    let live = jobs::live(app.db().read(), old.iter().map(|row| deliver(row).aggregate())).await?;
    for row in old.iter().filter(|row| !live.contains(&deliver(row).aggregate())) {
        let payload = serde_json::to_string(&deliver(row)).map_err(Error::internal)?;
        super::jobs::given_up(app.db().writer(), &payload, now).await?;
    }
    delivery::Entity::delete_many()
        .filter(delivery::Column::State.ne(DeliveryState::Pending))
        .filter(delivery::Column::FinishedAt.lt(now - KEPT))
        .exec(app.db().writer())
        .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_are_those_of_the_specification() {
        // The example of the Standard Webhooks libraries.
        let secret = BASE64_STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let made = signature(&secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", r#"{"test": 2432232314}"#).unwrap();
        assert_eq!(made, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }
}
