//! How many come through the doors, as counters say: each sample by itself, kept once for its quarter of an hour, door
//! and counter. Figures are made of what is kept when they are asked for, so it does not matter how late a sample is.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use entities::{
    party::Action,
    showroom::{
        footfall::{self, Sample, SampleVerdict},
        store,
    },
    values::{ErrorCode, Refusal, Refusals, id::ShowroomId},
};
use platform::{
    app::{App, Call},
    db::{Dialect, dialect},
    error::Error,
    graphql::encode,
};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, QuerySelect,
    sea_query::{LockType, OnConflict},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::store_for;

/// Most samples of one batch.
pub const MOST_SAMPLES: usize = 500;

/// What became of one sample of a batch.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Outcome {
    /// What.
    pub verdict: SampleVerdict,
    /// Why it was refused.
    pub refusals: Refusals,
}

/// Of which quarter, door and counter a sample is.
type Key = (DateTime<Utc>, String, String);

/// Takes what counters of a showroom say.
pub async fn ingest(app: &App, call: &Call, showroom: ShowroomId, samples: &[Sample]) -> Result<Vec<Outcome>, Error> {
    if samples.len() > MOST_SAMPLES {
        return Err(Refusal::new(ErrorCode::TooMany).with("max", MOST_SAMPLES.to_string()).at("samples").into());
    }
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let store = store_for(work.tx(), &call.viewer, Action::CountVisitors, showroom, "showroomId").await?;
    one_at_a_time(work.tx(), showroom).await?;
    let mut known = known(work.tx(), showroom, samples).await?;
    let by = work.viewer().subject();
    let mut changed: BTreeSet<Key> = BTreeSet::new();
    let mut outcomes = Vec::with_capacity(samples.len());
    for sample in samples {
        if let Err(refusals) = sample.fit(work.now) {
            outcomes.push(Outcome { verdict: SampleVerdict::Rejected, refusals });
            continue;
        }
        let key: Key = (sample.bucket_start, sample.door.clone(), sample.source.clone());
        let verdict = sample.verdict(known.get(&key));
        if verdict != SampleVerdict::Duplicate {
            let row = footfall::Model {
                showroom_id: showroom,
                bucket_start: sample.bucket_start,
                door: sample.door.clone(),
                source: sample.source.clone(),
                entered: sample.entered,
                exited: sample.exited,
                staff: sample.staff,
                told_by: by.clone(),
                told_at: work.now,
            };
            changed.insert(key.clone());
            known.insert(key, row);
        }
        outcomes.push(Outcome { verdict, refusals: Vec::new() });
    }
    let rows: Vec<footfall::Model> = changed.iter().filter_map(|key| known.remove(key)).collect();
    if !rows.is_empty() {
        written(work.tx(), &rows).await?;
    }
    // Counters speak every quarter of an hour; what is noted is that another number took the place of one.
    let replaced = outcomes.iter().filter(|outcome| outcome.verdict == SampleVerdict::Replaced).count();
    if replaced > 0 {
        let shown = json!({ "replaced": replaced, "first": rows.first().map(|row| row.bucket_start) });
        work.audit(Some(store.organisation_id), "ingestFootfall", encode(showroom).0, Value::Null, shown);
    }
    work.commit(outcomes).await
}

/// Of two batches of one showroom the second sees what the first made known: so each number is new once.
async fn one_at_a_time(tx: &impl ConnectionTrait, showroom: ShowroomId) -> Result<(), Error> {
    if dialect(tx) == Dialect::Postgres {
        store::Entity::find_by_id(showroom).lock(LockType::NoKeyUpdate).one(tx).await?;
    }
    Ok(())
}

async fn known(
    tx: &impl ConnectionTrait,
    showroom: ShowroomId,
    samples: &[Sample],
) -> Result<BTreeMap<Key, footfall::Model>, Error> {
    // Only those that fit a database: what does not is refused.
    let quarters = samples.iter().map(|sample| sample.bucket_start).filter(|at| at.timestamp() > 0);
    let quarters: BTreeSet<DateTime<Utc>> = quarters.filter(|at| at.timestamp() < 253_402_300_800).collect();
    if quarters.is_empty() {
        return Ok(BTreeMap::new());
    }
    let rows = footfall::Entity::find()
        .filter(footfall::Column::ShowroomId.eq(showroom))
        .filter(footfall::Column::BucketStart.is_in(quarters));
    let keyed = |row: footfall::Model| ((row.bucket_start, row.door.clone(), row.source.clone()), row);
    Ok(rows.all(tx).await?.into_iter().map(keyed).collect())
}

async fn written(tx: &impl ConnectionTrait, rows: &[footfall::Model]) -> Result<(), Error> {
    use footfall::Column as C;
    let again = OnConflict::columns([C::ShowroomId, C::BucketStart, C::Door, C::Source])
        .update_columns([C::Entered, C::Exited, C::Staff, C::ToldBy, C::ToldAt])
        .to_owned();
    let models = rows.iter().cloned().map(IntoActiveModel::into_active_model);
    footfall::Entity::insert_many(models).on_conflict(again).exec_without_returning(tx).await?;
    Ok(())
}
