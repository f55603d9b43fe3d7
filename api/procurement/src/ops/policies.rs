//! Approval policies of an organisation: one for whatever has none of its own, and one for each category that has.

use entities::{
    party::{Action, Resource, Viewer},
    procurement::policy::{self, Bands, MOST_WINDOW},
    values::{
        ErrorCode, Refusal,
        id::{CategoryId, OrganisationId, PurchasePolicyId},
    },
};
use platform::{
    app::{App, Call, allowed},
    error::{Error, not_found, stale, violates_unique},
    graphql::encode,
};
use sea_orm::{ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder};
use serde_json::{Value, json};

use super::{acting, limits};

/// Most policies of an organisation.
const MOST: usize = 100;

/// A policy as it is set.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the columns of the policy")]
pub struct NewPolicy {
    pub category: Option<CategoryId>,
    pub bands: Bands,
    pub window_days: i32,
    pub expected_version: Option<i32>,
}

/// The policies of an organisation, the oldest first.
pub(super) async fn of_buyer(
    tx: &impl ConnectionTrait,
    organisation: OrganisationId,
) -> Result<Vec<policy::Model>, Error> {
    let rows =
        policy::Entity::find().filter(policy::Column::OrganisationId.eq(organisation)).order_by_asc(policy::Column::Id);
    Ok(rows.all(tx).await?)
}

/// What the audit keeps of a policy.
fn shown(row: &policy::Model) -> Value {
    json!({
        "category": row.category_id.map(|id| encode(id).0), "bands": row.bands, "windowDays": row.window_days,
    })
}

/// Sets the policy of a category, or of all that have none of their own; the one that there is in the version that was
/// read. Orders that wait go by what held when they were submitted.
pub async fn set(app: &App, call: &Call, new: &NewPolicy) -> Result<policy::Model, Error> {
    let own = acting(call, Action::KeepPurchaseRules)?;
    new.bands.checked()?;
    if !(0..=MOST_WINDOW).contains(&new.window_days) {
        let range = Refusal::new(ErrorCode::OutOfRange).with("min", "0").with("max", MOST_WINDOW.to_string());
        return Err(range.at("windowDays").into());
    }
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    limits::known(work.tx(), new.category).await?;
    for (n, band) in new.bands.0.iter().enumerate() {
        for (m, person) in band.steps.iter().enumerate().filter_map(|(m, step)| Some((m, step.person?))) {
            let within = |error: Error| error.at(m.to_string()).at("steps").at(n.to_string()).at("bands");
            limits::member(work.tx(), own, person).await.map_err(within)?;
        }
    }
    let there = of_buyer(work.tx(), own).await?;
    let before = there.iter().find(|row| row.category_id == new.category);
    if before.map(|row| row.version) != new.expected_version {
        return Err(stale());
    }
    let row = policy::Model {
        id: before.map_or_else(|| PurchasePolicyId::new(work.now), |row| row.id),
        organisation_id: own,
        category_id: new.category,
        bands: new.bands.clone(),
        window_days: new.window_days,
        version: before.map_or(1, |row| row.version + 1),
        created_at: before.map_or(work.now, |row| row.created_at),
    };
    if let Some(before) = before {
        let done = policy::Entity::update_many()
            .set(row.clone().into_active_model().reset_all())
            .filter(policy::Column::Id.eq(row.id))
            .filter(policy::Column::Version.eq(before.version))
            .exec(work.tx())
            .await?;
        if done.rows_affected != 1 {
            return Err(stale());
        }
    } else {
        if there.len() >= MOST {
            return Err(Refusal::new(ErrorCode::TooMany).with("max", MOST.to_string()).into());
        }
        // Somebody else may set it at the same moment.
        let written = policy::Entity::insert(row.clone().into_active_model()).exec_without_returning(work.tx()).await;
        written.map_err(|error| {
            let twice = violates_unique(&error, "purchase_policy", &["organisation_id", "category_id"])
                || violates_unique(&error, "purchase_policy", &["organisation_id"]);
            if twice { stale() } else { error.into() }
        })?;
    }
    work.audit(Some(own), "setPurchasePolicy", encode(row.id).0, before.map_or(Value::Null, shown), shown(&row));
    work.commit(row).await
}

/// Removes a policy: what it was for goes by that of all, or by that of the house.
pub async fn remove(app: &App, call: &Call, id: PurchasePolicyId, expected: i32) -> Result<policy::Model, Error> {
    let own = acting(call, Action::KeepPurchaseRules)?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let row = policy::Entity::find_by_id(id).one(work.tx()).await?.filter(|row| row.organisation_id == own);
    let row = row.ok_or_else(|| not_found("id", encode(id).as_str()))?;
    let done = policy::Entity::delete_many()
        .filter(policy::Column::Id.eq(id))
        .filter(policy::Column::Version.eq(expected))
        .exec(work.tx())
        .await?;
    if done.rows_affected != 1 {
        return Err(stale());
    }
    work.audit(Some(own), "removePurchasePolicy", encode(id).0, shown(&row), Value::Null);
    work.commit(row).await
}

/// The policies of the organisation acted for, the oldest first.
pub async fn list(db: &impl ConnectionTrait, viewer: &Viewer) -> Result<Vec<policy::Model>, Error> {
    let own = viewer.organisation().ok_or(Error::Forbidden)?;
    allowed(viewer, Action::ReadProcurement, Resource::of(own))?;
    of_buyer(db, own).await
}
