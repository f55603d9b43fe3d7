//! How carriers are reached, in the schema.

use async_graphql::{Context, ID, InputObject, Object, Result};
use chrono::{DateTime, Utc};
use entities::{
    logistics::{Adapter, carrier},
    party::Action,
};
use party::graphql::Organisation;
use platform::{
    app::Call,
    graphql::{ContextExt, decode, encode},
    payload,
};

use crate::ops::carriers::{self, NewSetting};

/// How a carrier is reached (承运商接入).
#[derive(Clone, Debug)]
pub struct CarrierSetting(carrier::Model);

/// How a carrier is reached (承运商接入).
#[Object]
impl CarrierSetting {
    /// Which carrier.
    async fn carrier(&self, context: &Context<'_>) -> Result<Option<Organisation>> {
        Ok(party::loaders::of(context).load_one(self.0.carrier_id).await?.map(Organisation))
    }

    /// Which carrier, by its id.
    async fn carrier_id(&self) -> ID {
        encode(self.0.carrier_id)
    }

    /// How (接入方式).
    async fn adapter(&self) -> Adapter {
        self.0.adapter
    }

    /// Where it is told (下单地址).
    async fn url(&self) -> Option<&str> {
        self.0.url.as_deref()
    }

    /// Where it pushes what happened; null when people speak with it (推送地址).
    async fn webhook_url(&self, context: &Context<'_>) -> Result<Option<String>> {
        if self.0.adapter == Adapter::Manual {
            return Ok(None);
        }
        let carrier = party::loaders::of(context).load_one(self.0.carrier_id).await?;
        let at = &context.app().config().server.public_url;
        Ok(carrier.map(|row| format!("{at}/webhooks/carrier/{}", row.slug.as_str())))
    }

    /// Counts up with every change; for `expectedVersion`.
    async fn version(&self) -> i32 {
        self.0.version
    }

    /// When it last changed.
    async fn updated_at(&self) -> DateTime<Utc> {
        self.0.updated_at
    }
}

/// How a carrier is to be reached (设置承运商接入).
#[derive(InputObject)]
pub(super) struct SetCarrierInput {
    /// Which carrier; left out: the organisation acted for.
    carrier_id: Option<ID>,
    /// How.
    adapter: Adapter,
    /// Where it is told, when it is reached over HTTP.
    url: Option<String>,
    /// Whether it gets another secret; the one before it is good no more.
    new_secret: Option<bool>,
    /// The version that was seen; left out while nobody has said how it is reached.
    expected_version: Option<i32>,
    /// The client's own id of this request; its answer is never kept.
    client_mutation_id: Option<String>,
}

/// How a carrier is reached now, and its secret when it is new (承运商接入结果).
pub struct SetCarrier {
    row: carrier::Model,
    secret: Option<String>,
}

/// How a carrier is reached now, and its secret when it is new (承运商接入结果).
#[Object]
impl SetCarrier {
    /// How it is reached.
    async fn setting(&self) -> CarrierSetting {
        CarrierSetting(self.row.clone())
    }

    /// What both sides sign with, when it is new: it is shown this once (签名密钥).
    async fn secret(&self) -> Option<&str> {
        self.secret.as_deref()
    }
}

payload! {
    /// The answer to `setCarrier`.
    SetCarrierPayload { /// How it is reached now.
        carrier: SetCarrier }
}

/// Queries about carriers.
#[derive(Default)]
pub struct CarrierQuery;

#[Object]
impl CarrierQuery {
    /// How a carrier is reached, for who keeps it; null: nobody has said, so people speak with it (承运商接入).
    async fn carrier(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which; none: the organisation acted for.")] organisation_id: Option<ID>,
    ) -> Result<Option<CarrierSetting>> {
        context.may(Action::KeepCarriers)?;
        let of = organisation_id.map(|id| decode(&id, "organisationId")).transpose()?;
        let Some(of) = of.or_else(|| context.viewer().organisation()) else { return Ok(None) };
        let call = Call::by(context.viewer().clone());
        Ok(carriers::find(context.app(), &call, of).await?.map(CarrierSetting))
    }
}

/// Mutations of carriers' settings.
#[derive(Default)]
pub struct CarrierMutation;

#[Object]
impl CarrierMutation {
    /// Says how a carrier is reached; a secret is shown when it is new, and never again (设置承运商接入).
    async fn set_carrier(&self, context: &Context<'_>, input: SetCarrierInput) -> Result<SetCarrierPayload> {
        let call = context.call(Action::KeepCarriers)?;
        let result = async {
            let named = input.carrier_id.as_ref().map(|id| decode(id, "carrierId")).transpose()?;
            let new = NewSetting {
                carrier: named.or_else(|| call.viewer.organisation()).ok_or(platform::error::Error::Forbidden)?,
                adapter: input.adapter,
                url: input.url,
                new_secret: input.new_secret.unwrap_or_default(),
                expected_version: input.expected_version,
            };
            let (row, secret) = carriers::set(context.app(), &call, &new).await?;
            Ok(SetCarrier { row, secret })
        };
        SetCarrierPayload::new(context, input.client_mutation_id, result.await)
    }
}
