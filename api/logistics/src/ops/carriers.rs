//! How carriers are reached, and what both sides sign with.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use chrono::{DateTime, Duration, Utc};
use entities::{
    logistics::{
        Adapter,
        carrier::{self, notice},
    },
    party::{Action, Resource},
    values::{ErrorCode, Refusal, id::OrganisationId},
};
use platform::{
    app::{App, Call},
    carrier::secret_place,
    error::{Error, stale, taken},
    graphql::encode,
    vault, web,
};
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter};
use serde_json::json;

use super::opening::carries;
use crate::setting;

/// How long a push is remembered: longer than its proof is good.
const REMEMBERED: Duration = Duration::minutes(30);

/// How a carrier is to be reached.
#[derive(Clone, Debug)]
pub struct NewSetting {
    /// Which carrier.
    pub carrier: OrganisationId,
    /// How.
    pub adapter: Adapter,
    /// Where it is told.
    pub url: Option<String>,
    /// Whether it gets another secret.
    pub new_secret: bool,
    /// The version that was seen; none: there is none yet.
    pub expected_version: Option<i32>,
}

fn fit(app: &App, new: &NewSetting) -> Result<Option<String>, Error> {
    match (new.adapter, &new.url) {
        (Adapter::Simulator, _) if !app.config().logistics.simulator.enabled => {
            Err(Refusal::new(ErrorCode::InvalidValue).with("value", "SIMULATOR").at("adapter").into())
        }
        (Adapter::Http, None) => Err(Refusal::new(ErrorCode::Required).at("url").into()),
        (Adapter::Http, Some(url)) => {
            let url = web::fit(url.trim(), app.config().webhooks.allow_private)
                .map_err(|unfit| Refusal::new(ErrorCode::AddressNotAllowed).with("reason", unfit.told()).at("url"))?;
            Ok(Some(url.to_string()))
        }
        _ => Ok(None),
    }
}

/// Says how a carrier is reached. The secret is answered when it is new, and never again.
pub async fn set(app: &App, call: &Call, new: &NewSetting) -> Result<(carrier::Model, Option<String>), Error> {
    call.may(Action::KeepCarriers, Resource::of(new.carrier))?;
    let url = fit(app, new)?;
    let mut work = app.begin(&call.unrepeatable()).await?;
    carries(work.tx(), new.carrier).await?;
    let before = setting(work.tx(), new.carrier).await?;
    if before.as_ref().map(|row| row.version) != new.expected_version {
        return Err(stale());
    }
    let fresh = (new.new_secret || before.is_none())
        .then(|| vault::random::<32>().map(|bytes| format!("chs_{}", BASE64_URL_SAFE_NO_PAD.encode(bytes))))
        .transpose()?;
    let secret = match (&fresh, &before) {
        (None, Some(before)) => before.secret.clone(),
        (fresh, _) => {
            let text = fresh.clone().unwrap_or_default();
            app.vault().seal(&secret_place(new.carrier), text.as_bytes())?
        }
    };
    let row = carrier::Model {
        carrier_id: new.carrier,
        adapter: new.adapter,
        url,
        secret,
        next_number: before.as_ref().map_or(1, |row| row.next_number),
        version: before.as_ref().map_or(1, |row| row.version + 1),
        updated_at: work.now,
    };
    if let Some(before) = &before {
        let mut change = row.clone().into_active_model().reset_all();
        // Who opens a shipment counts it up at the same time.
        change.next_number = sea_orm::NotSet;
        let done = carrier::Entity::update_many()
            .set(change)
            .filter(carrier::Column::CarrierId.eq(new.carrier))
            .filter(carrier::Column::Version.eq(before.version))
            .exec(work.tx())
            .await?;
        if done.rows_affected != 1 {
            return Err(stale());
        }
    } else {
        let insert = carrier::Entity::insert(row.clone().into_active_model()).exec_without_returning(work.tx()).await;
        insert.map_err(|error| taken(error, "carrier_setting", &["carrier_id"], "carrierId", ""))?;
    }
    let shown = |row: &carrier::Model| json!({ "adapter": row.adapter, "url": row.url });
    let was = before.as_ref().map(shown).unwrap_or_default();
    let mut is = shown(&row);
    if let Some(fields) = is.as_object_mut() {
        fields.insert("newSecret".into(), fresh.is_some().into());
    }
    work.audit(Some(new.carrier), "setCarrier", encode(new.carrier).0, was, is);
    work.commit(()).await?;
    Ok((row, fresh))
}

/// How a carrier is reached, for who keeps it.
pub async fn find(app: &App, call: &Call, carrier: OrganisationId) -> Result<Option<carrier::Model>, Error> {
    call.may(Action::KeepCarriers, Resource::of(carrier))?;
    setting(app.db().read(), carrier).await
}

/// Forgets pushes whose proofs are not good any more.
pub async fn tidy(app: &App, now: DateTime<Utc>) -> Result<(), Error> {
    let old = notice::Entity::delete_many().filter(notice::Column::At.lt(now - REMEMBERED));
    old.exec(app.db().writer()).await?;
    Ok(())
}
