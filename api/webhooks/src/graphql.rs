//! Webhook endpoints and deliveries in the schema.

use std::collections::BTreeSet;

use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};
use chrono::{DateTime, Utc};
use entities::{
    party::Action,
    platform::EventKind,
    values::id::WebhookEndpointId,
    webhooks::{DeliveryState, attempt, delivery, endpoint},
};
use platform::{
    error::Error,
    graphql::{Connection, ContextExt, connection::list_cost, decode, encode},
    page::PageArgs,
    payload,
};

use super::{
    loaders::{self, AttemptsOf},
    ops::{self, EndpointPatch, Outgoing},
};

/// Where an organisation wants to be told what happened (回调地址).
#[derive(Clone, Debug)]
pub struct WebhookEndpoint(pub endpoint::Model);

/// Where an organisation wants to be told what happened (回调地址).
#[Object]
impl WebhookEndpoint {
    /// Opaque identifier.
    pub async fn id(&self) -> ID {
        encode(self.0.id)
    }

    /// Where to.
    async fn url(&self) -> &str {
        &self.0.url
    }

    /// Of what; empty: of everything.
    async fn events(&self) -> Vec<EventKind> {
        self.0.events.0.iter().copied().collect()
    }

    /// Whether it is told anything. An endpoint that answered 410 is switched off.
    async fn enabled(&self) -> bool {
        self.0.enabled
    }

    /// Attempts that failed in a row.
    async fn failures(&self) -> i32 {
        self.0.failures
    }

    /// It failed too often: nothing is tried before this (熔断).
    async fn open_until(&self) -> Option<DateTime<Utc>> {
        self.0.open_until
    }

    /// Until when the secret before the present one signs too.
    async fn previous_secret_until(&self) -> Option<DateTime<Utc>> {
        self.0.previous_until
    }

    /// Counts up with every change by people; sent back as `expectedVersion`.
    async fn version(&self) -> i32 {
        self.0.version
    }

    /// Since when.
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }

    /// What was delivered to it, newest first (投递记录).
    #[graphql(complexity = "list_cost(first, last, child_complexity)")]
    async fn deliveries(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Size of the page, at most 100.")] first: Option<i32>,
        #[graphql(desc = "The page starts after this cursor.")] after: Option<String>,
        #[graphql(desc = "Size of a page that is read backwards.")] last: Option<i32>,
        #[graphql(desc = "The page ends before this cursor.")] before: Option<String>,
    ) -> Result<Connection<WebhookDelivery>> {
        let page = PageArgs::relay(first, after.as_deref(), last, before.as_deref())?;
        let rows = ops::list_deliveries(context.app().db().read(), self.0.id, &page).await?;
        Ok(Connection::new(rows, None, |row| (ops::delivery_cursor(&row), WebhookDelivery(row))))
    }
}

/// One event to one endpoint (回调投递).
#[derive(Clone, Debug)]
pub struct WebhookDelivery(pub delivery::Model);

/// One event to one endpoint (回调投递).
#[Object]
impl WebhookDelivery {
    /// Opaque identifier.
    pub async fn id(&self) -> ID {
        encode(self.0.id)
    }

    /// The `webhook-id`: the same for every attempt and replay.
    async fn webhook_id(&self) -> String {
        format!("evt_{}", self.0.event_id.simple())
    }

    /// What happened.
    async fn event(&self) -> EventKind {
        self.0.event
    }

    /// The body as it is sent.
    async fn body(&self) -> &str {
        &self.0.body
    }

    /// State.
    async fn state(&self) -> DeliveryState {
        self.0.state
    }

    /// Since when.
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }

    /// When it was taken or given up.
    async fn finished_at(&self) -> Option<DateTime<Utc>> {
        self.0.finished_at
    }

    /// Every attempt, in order (投递日志).
    #[graphql(complexity = "10 + 10 * child_complexity")]
    async fn attempts(&self, context: &Context<'_>) -> Result<Vec<WebhookAttempt>> {
        let rows = loaders::of(context).load_one(AttemptsOf(self.0.id)).await?.unwrap_or_default();
        Ok(rows.into_iter().map(WebhookAttempt::from).collect())
    }
}

/// An attempt of a delivery (投递尝试).
#[derive(SimpleObject)]
pub struct WebhookAttempt {
    /// The status that the endpoint answered with.
    status: Option<i32>,
    /// Why there was no answer.
    error: Option<String>,
    /// How long it took, in milliseconds.
    millis: i32,
    /// When.
    at: DateTime<Utc>,
}

impl From<attempt::Model> for WebhookAttempt {
    fn from(row: attempt::Model) -> Self {
        Self { status: row.status, error: row.error, millis: row.millis, at: row.at }
    }
}

/// A request as it is or would be sent (回调请求预览).
#[derive(SimpleObject)]
pub struct WebhookRequest {
    /// Where to.
    url: String,
    /// Its headers.
    headers: Vec<WebhookHeader>,
    /// Its body.
    body: String,
}

/// A header of a request (请求头).
#[derive(SimpleObject)]
pub struct WebhookHeader {
    /// Its name.
    name: String,
    /// Its value.
    value: String,
}

impl From<Outgoing> for WebhookRequest {
    fn from(outgoing: Outgoing) -> Self {
        let header = |(name, value): (&str, String)| WebhookHeader { name: name.to_owned(), value };
        Self { url: outgoing.url, headers: outgoing.headers.into_iter().map(header).collect(), body: outgoing.body }
    }
}

/// The part of the query root that this context adds.
#[derive(Default)]
pub struct WebhooksQuery;

#[Object]
impl WebhooksQuery {
    /// Webhook endpoints of the organisation acted for, newest first (回调地址列表).
    #[graphql(complexity = "list_cost(first, last, child_complexity)")]
    async fn webhook_endpoints(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Size of the page, at most 100.")] first: Option<i32>,
        #[graphql(desc = "The page starts after this cursor.")] after: Option<String>,
        #[graphql(desc = "Size of a page that is read backwards.")] last: Option<i32>,
        #[graphql(desc = "The page ends before this cursor.")] before: Option<String>,
    ) -> Result<Connection<WebhookEndpoint>> {
        context.may(Action::ReadWebhooks)?;
        let page = PageArgs::relay(first, after.as_deref(), last, before.as_deref())?;
        let rows = ops::list_endpoints(context.app().db().read(), context.viewer(), &page).await?;
        Ok(Connection::new(rows, None, |row| (ops::endpoint_cursor(&row), WebhookEndpoint(row))))
    }
}

/// A new endpoint (新建回调地址).
#[derive(InputObject)]
pub(super) struct CreateWebhookEndpointInput {
    /// Where to: https, and not into a private network.
    url: String,
    /// Of what; none: of everything.
    events: Option<Vec<EventKind>>,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// A changed endpoint (修改回调地址).
#[derive(InputObject)]
pub(super) struct UpdateWebhookEndpointInput {
    /// Which.
    id: ID,
    /// The version that the editor saw.
    expected_version: i32,
    /// Where to.
    url: Option<String>,
    /// Of what; empty: of everything.
    events: Option<Vec<EventKind>>,
    /// Whether it is told anything.
    enabled: Option<bool>,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// An endpoint to take away (删除回调地址).
#[derive(InputObject)]
pub(super) struct DeleteWebhookEndpointInput {
    /// Which.
    id: ID,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// An endpoint that gets a new secret (更换签名密钥).
#[derive(InputObject)]
pub(super) struct RotateWebhookSecretInput {
    /// Which.
    id: ID,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// An endpoint to try (测试回调地址).
#[derive(InputObject)]
pub(super) struct TestWebhookEndpointInput {
    /// Which.
    id: ID,
    /// Only show what would be sent.
    #[graphql(default)]
    dry_run: bool,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// A delivery to send again (重新投递).
#[derive(InputObject)]
pub(super) struct ReplayWebhookDeliveryInput {
    /// Which.
    id: ID,
    /// Only show what would be sent.
    #[graphql(default)]
    dry_run: bool,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// An endpoint and its secret (回调地址与密钥).
#[derive(SimpleObject)]
pub(super) struct WebhookSecret {
    /// The endpoint.
    endpoint: WebhookEndpoint,
    /// The secret that signs, as `whsec_…`; it is shown here only.
    secret: String,
}

/// What was sent, or would be (投递结果).
#[derive(SimpleObject)]
pub(super) struct WebhookSending {
    /// The delivery; none for a dry run of a test.
    delivery: Option<WebhookDelivery>,
    /// The request, for a dry run.
    request: Option<WebhookRequest>,
}

payload! {
    /// The answer to `createWebhookEndpoint`.
    CreateWebhookEndpointPayload { /// The endpoint and its secret.
        created: WebhookSecret }
    /// The answer to `updateWebhookEndpoint`.
    UpdateWebhookEndpointPayload { /// The endpoint as it is now.
        endpoint: WebhookEndpoint }
    /// The answer to `deleteWebhookEndpoint`.
    DeleteWebhookEndpointPayload { /// The endpoint that is gone.
        deleted_id: ID }
    /// The answer to `rotateWebhookSecret`.
    RotateWebhookSecretPayload { /// The endpoint and its new secret.
        rotated: WebhookSecret }
    /// The answer to `testWebhookEndpoint`.
    TestWebhookEndpointPayload { /// What was sent, or would be.
        sending: WebhookSending }
    /// The answer to `replayWebhookDelivery`.
    ReplayWebhookDeliveryPayload { /// What is sent, or would be.
        sending: WebhookSending }
}

/// The part of the mutation root that this context adds.
#[derive(Default)]
pub struct WebhooksMutation;

async fn with_secret(context: &Context<'_>, row: endpoint::Model) -> Result<WebhookSecret, Error> {
    let secret = ops::secret_of(context.app(), row.id).await?.unwrap_or_default();
    Ok(WebhookSecret { endpoint: WebhookEndpoint(row), secret })
}

fn sending((delivery, request): (Option<delivery::Model>, Option<Outgoing>)) -> WebhookSending {
    WebhookSending { delivery: delivery.map(WebhookDelivery), request: request.map(WebhookRequest::from) }
}

#[Object]
impl WebhooksMutation {
    /// Makes a webhook endpoint of the organisation acted for; the answer holds the secret that signs (新建回调地址).
    async fn create_webhook_endpoint(
        &self,
        context: &Context<'_>,
        input: CreateWebhookEndpointInput,
    ) -> Result<CreateWebhookEndpointPayload> {
        let call = context.call(Action::KeepWebhooks)?;
        let result = async {
            let events = input.events.map(BTreeSet::from_iter);
            let patch = EndpointPatch { url: Some(input.url), events, enabled: None };
            with_secret(context, ops::create_endpoint(context.app(), &call, &patch).await?).await
        };
        CreateWebhookEndpointPayload::new(context, input.client_mutation_id, result.await)
    }

    /// Changes a webhook endpoint; switched on again, it is tried at once (修改回调地址).
    async fn update_webhook_endpoint(
        &self,
        context: &Context<'_>,
        input: UpdateWebhookEndpointInput,
    ) -> Result<UpdateWebhookEndpointPayload> {
        let call = context.call(Action::KeepWebhooks)?;
        let result = async {
            let id: WebhookEndpointId = decode(&input.id, "id")?;
            let events = input.events.map(BTreeSet::from_iter);
            let patch = EndpointPatch { url: input.url, events, enabled: input.enabled };
            ops::update_endpoint(context.app(), &call, id, input.expected_version, &patch).await
        };
        UpdateWebhookEndpointPayload::new(context, input.client_mutation_id, result.await.map(WebhookEndpoint))
    }

    /// Takes a webhook endpoint away, and its deliveries with it (删除回调地址).
    async fn delete_webhook_endpoint(
        &self,
        context: &Context<'_>,
        input: DeleteWebhookEndpointInput,
    ) -> Result<DeleteWebhookEndpointPayload> {
        let call = context.call(Action::KeepWebhooks)?;
        let result = async { ops::delete_endpoint(context.app(), &call, decode(&input.id, "id")?).await };
        DeleteWebhookEndpointPayload::new(context, input.client_mutation_id, result.await.map(encode))
    }

    /// Gives an endpoint a new secret; the one before it signs too for a day (更换签名密钥).
    async fn rotate_webhook_secret(
        &self,
        context: &Context<'_>,
        input: RotateWebhookSecretInput,
    ) -> Result<RotateWebhookSecretPayload> {
        let call = context.call(Action::KeepWebhooks)?;
        let result = async {
            let row = ops::rotate_secret(context.app(), &call, decode(&input.id, "id")?).await?;
            with_secret(context, row).await
        };
        RotateWebhookSecretPayload::new(context, input.client_mutation_id, result.await)
    }

    /// Sends a trial to an endpoint, or shows what would be sent (测试回调地址).
    async fn test_webhook_endpoint(
        &self,
        context: &Context<'_>,
        input: TestWebhookEndpointInput,
    ) -> Result<TestWebhookEndpointPayload> {
        let call = context.call(Action::KeepWebhooks)?;
        let result = async { ops::test_endpoint(context.app(), &call, decode(&input.id, "id")?, input.dry_run).await };
        TestWebhookEndpointPayload::new(context, input.client_mutation_id, result.await.map(sending))
    }

    /// Sends a finished delivery again under the same `webhook-id`, or shows what would be sent (重新投递).
    async fn replay_webhook_delivery(
        &self,
        context: &Context<'_>,
        input: ReplayWebhookDeliveryInput,
    ) -> Result<ReplayWebhookDeliveryPayload> {
        let call = context.call(Action::KeepWebhooks)?;
        let result =
            async { ops::replay_delivery(context.app(), &call, decode(&input.id, "id")?, input.dry_run).await };
        ReplayWebhookDeliveryPayload::new(context, input.client_mutation_id, result.await.map(sending))
    }
}
