//! What the simulated carrier reports: signed pushes to the house, one after the other, some twice and some in another
//! order, as carriers do.

use chrono::{DateTime, Duration, SecondsFormat, Utc};
use entities::{
    logistics::{
        simulated,
        simulated::{comes, happens},
    },
    party::organisation,
    values::id::OrganisationId,
};
use platform::{
    app::{App, Call},
    carrier::{secret, signature},
    error::Error,
    jobs::{Job, Verdict},
};
use sea_orm::EntityTrait;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{setting, webhook};

/// A report of a simulated parcel comes.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Arrive {
    /// Whose parcel.
    pub carrier: OrganisationId,
    /// Its number.
    pub number: String,
    /// Which of the things that happen to it, from 1.
    pub step: usize,
    /// When that happened.
    pub happened: DateTime<Utc>,
    /// When the report comes.
    pub due: DateTime<Utc>,
    /// Which copy of it.
    #[serde(default)]
    pub copy: u32,
}

impl Job for Arrive {
    const KIND: &'static str = "logistics.simulate";
    fn aggregate(&self) -> String {
        // Each by itself: reports overtake one another.
        format!("simulated:{}:{}:{}", self.number, self.step, self.copy)
    }
    fn not_before(&self) -> Option<DateTime<Utc>> {
        Some(self.due)
    }
}

/// A parcel was handed to the simulator: what happens to it is settled.
pub(super) async fn begins(app: &App, carrier: OrganisationId, number: &str, out: DateTime<Utc>) -> Result<(), Error> {
    let Some(parcel) = parcel(app, carrier, number).await? else { return Ok(()) };
    let pause = app.config().logistics.simulator.step();
    let after = |steps: usize| i32::try_from(steps).ok().and_then(|steps| pause.checked_mul(steps)).unwrap_or(pause);
    let mut work = app.begin(&Call::unasked("logistics")).await?;
    for (n, (step, copies)) in comes(number, happens(parcel.fate).len()).into_iter().enumerate() {
        let place = n + 1;
        // What is overtaken comes a little after what overtook it; nothing comes before it happened.
        let late = if step < place { pause / 2 } else { Duration::zero() };
        let due = out + after(Ord::max(step, place)) + late;
        for copy in 0..copies {
            let happened = out + after(step);
            work.enqueue(&Arrive { carrier, number: number.to_owned(), step, happened, due, copy }).await?;
        }
    }
    work.commit(()).await?;
    Ok(())
}

async fn parcel(app: &App, carrier: OrganisationId, number: &str) -> Result<Option<simulated::Model>, Error> {
    let found = simulated::Entity::find_by_id((carrier, number.to_owned())).one(app.db().writer()).await?;
    Ok(found.filter(|parcel| !parcel.cancelled))
}

/// Does [`Arrive`]: the push comes, as if it came over the network.
pub async fn arrives(app: &App, job: Arrive) -> Result<Verdict, Error> {
    let Some(parcel) = parcel(app, job.carrier, &job.number).await? else { return Ok(Verdict::Done) };
    let what = happens(parcel.fate);
    let Some(one) = job.step.checked_sub(1).and_then(|n| what.get(n)) else { return Ok(Verdict::Done) };
    let Some(setting) = setting(app.db().read(), job.carrier).await? else { return Ok(Verdict::Done) };
    let Some(row) = organisation::Entity::find_by_id(job.carrier).one(app.db().read()).await? else {
        return Ok(Verdict::Done);
    };
    let event = json!({
        "eventID": format!("urn:chama:simulated:{}:{}", job.number, job.step),
        "type": "ObjectEvent",
        "action": "OBSERVE",
        "waybill": job.number,
        "bizStep": format!("urn:epcglobal:cbv:bizstep:{}", one.step.code()),
        "disposition": one.disposition.code(),
        "eventTime": job.happened.to_rfc3339_opts(SecondsFormat::Millis, true),
        "eventTimeZoneOffset": "+08:00",
        "readPoint": one.place,
    });
    let body = json!({ "events": [event], "copy": job.copy }).to_string();
    let header = signature::signed(&secret(app.vault(), &setting)?, body.as_bytes(), app.clock().now());
    let taken = webhook::receive(app, row.slug.as_str(), &header, body.as_bytes()).await?;
    Ok(match taken.status {
        // Taken now, or by a worker that died before it could say so.
        200 | 409 => Verdict::Done,
        status => Verdict::Again { after: None, reason: format!("the push was answered with {status}") },
    })
}
