//! What a buyer judges its suppliers by, and what follows. An organisation without a scorecard judges nobody.

use entities::{
    party::{Action, Viewer, machine_client::Scope},
    procurement::{
        ScorePeriod,
        scorecard::{self, Criteria, Standings},
    },
    values::id::{OrganisationId, SupplierScorecardId},
};
use platform::{
    app::{App, Call, Work},
    error::{Error, stale, taken},
    graphql::encode,
};
use sea_orm::{ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter};
use serde_json::{Value, json};

use super::acting;

/// A scorecard as it is set.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the columns of the scorecard")]
pub struct NewScorecard {
    pub criteria: Criteria,
    pub standings: Standings,
    pub period: ScorePeriod,
    pub blend: bool,
    pub expected_version: Option<i32>,
}

/// Sets the scorecard of the organisation acted for. How suppliers stand follows at once; scores that were made stay.
pub async fn set(app: &App, call: &Call, new: &NewScorecard) -> Result<scorecard::Model, Error> {
    let own = acting(call, Action::KeepPurchaseRules)?;
    let mut refused = new.criteria.checked().err().unwrap_or_default();
    refused.extend(new.standings.checked().err().unwrap_or_default());
    if !refused.is_empty() {
        return Err(refused.into());
    }
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let before = of(work.tx(), own).await?;
    if before.as_ref().map(|row| row.version) != new.expected_version {
        return Err(stale());
    }
    let row = match &before {
        Some(row) => changed(&work, row, new).await?,
        None => made(&work, own, new).await?,
    };
    let shown = |row: &scorecard::Model| json!({ "criteria": row.criteria, "standings": row.standings, "period": row.period, "blend": row.blend });
    let old = before.as_ref().map_or(Value::Null, shown);
    work.audit(Some(own), "setSupplierScorecard", encode(row.id).0, old, shown(&row));
    work.commit(row).await
}

async fn changed(work: &Work, row: &scorecard::Model, new: &NewScorecard) -> Result<scorecard::Model, Error> {
    // Periods of another length are no continuation of these.
    let scored_through = row.scored_through.filter(|_| row.period == new.period);
    let next = scorecard::Model {
        criteria: new.criteria.clone(),
        standings: new.standings.clone(),
        period: new.period,
        blend: new.blend,
        scored_through,
        version: row.version + 1,
        updated_at: work.now,
        ..row.clone()
    };
    let done = scorecard::Entity::update_many()
        .set(next.clone().into_active_model().reset_all())
        .filter(scorecard::Column::Id.eq(row.id))
        .filter(scorecard::Column::Version.eq(row.version))
        .exec(work.tx())
        .await?;
    if done.rows_affected == 1 { Ok(next) } else { Err(stale()) }
}

async fn made(work: &Work, own: OrganisationId, new: &NewScorecard) -> Result<scorecard::Model, Error> {
    let row = scorecard::Model {
        id: SupplierScorecardId::new(work.now),
        organisation_id: own,
        criteria: new.criteria.clone(),
        standings: new.standings.clone(),
        period: new.period,
        blend: new.blend,
        scored_through: None,
        version: 1,
        created_at: work.now,
        updated_at: work.now,
    };
    let made = scorecard::Entity::insert(row.clone().into_active_model()).exec_without_returning(work.tx()).await;
    // Somebody else set the first one at the same moment.
    made.map_err(|e| taken(e, "supplier_scorecard", &["organisation_id"], "expectedVersion", "1"))?;
    Ok(row)
}

/// The scorecard of an organisation.
pub(super) async fn of(
    db: &impl ConnectionTrait,
    organisation: OrganisationId,
) -> Result<Option<scorecard::Model>, Error> {
    let own = scorecard::Entity::find().filter(scorecard::Column::OrganisationId.eq(organisation));
    Ok(own.one(db).await?)
}

/// The scorecard of the organisation that the viewer acts for.
pub async fn get(db: &impl ConnectionTrait, viewer: &Viewer) -> Result<Option<scorecard::Model>, Error> {
    match viewer.reads_for(Scope::Procurement) {
        Some(own) => of(db, own).await,
        None => Ok(None),
    }
}
