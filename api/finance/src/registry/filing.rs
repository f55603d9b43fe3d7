//! What is filed at the registry, by jobs: left with the change that wants it, done when no transaction is open, tried
//! again while the registry does not answer. Those of one request are done in order, so what is called off is taken
//! away after whatever was filed of it before.

use chrono::NaiveDate;
use entities::{
    finance::{ConditionKind, RegistrationState, RegistrationStep, registry, request},
    values::id::FinancingRequestId,
};
use platform::{
    app::{App, Call},
    error::Error,
    graphql::encode,
    guarded,
    jobs::{Job, MAX_ATTEMPTS, Verdict, attempts},
};
use sea_orm::{ConnectionTrait, EntityTrait};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Amendment, Extension, Failure, Filed, Registration};
use crate::{jobs::BY, ops::conditions};

/// Longest reason that is kept.
const LONGEST: usize = 300;

/// What is to be filed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum Filing {
    /// It is registered.
    Register,
    /// What it is about is said anew.
    Amend,
    /// It lasts longer.
    Extend {
        /// Until when.
        until: NaiveDate,
    },
    /// It is taken away.
    Cancel,
}

/// Something is filed at the registry for a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileAtRegistry {
    /// For which.
    pub request: FinancingRequestId,
    /// What.
    pub filing: Filing,
}

impl Job for FileAtRegistry {
    const KIND: &'static str = "finance.file";
    fn aggregate(&self) -> String {
        format!("registry:{}", self.request)
    }
}

/// What the registry said, as it is kept.
#[derive(Default)]
struct Said {
    filed: Option<Filed>,
    collateral: Option<String>,
    failure: Option<String>,
}

/// Does [`FileAtRegistry`]. What is not to be filed any more is left alone.
pub async fn file(app: &App, job: FileAtRegistry) -> Result<Verdict, Error> {
    let db = app.db().read();
    let Some((request, record)) = both(db, job.request).await? else { return Ok(Verdict::Done) };
    let open = match job.filing {
        Filing::Register => record.state == RegistrationState::Submitted && !request.state.is_over(),
        Filing::Amend | Filing::Extend { .. } => record.state.is_filed(),
        Filing::Cancel => record.state.may_be_filed(),
    };
    if !open {
        return Ok(Verdict::Done);
    }
    let registry = super::of(app);
    let cert_no = record.cert_no.clone().unwrap_or_default();
    let mut said = Said::default();
    let (step, answer) = match job.filing {
        Filing::Register => {
            let (grantor, secured) = conditions::sides(db, &request).await?;
            let ask = Registration {
                reference: request.number.clone(),
                kind: record.kind,
                grantor,
                secured,
                collateral: record.collateral.clone(),
                expires_on: record.expires_on.ok_or_else(|| Error::internal("a registration without an end"))?,
            };
            (RegistrationStep::Register, registry.register(&ask).await.map(Some))
        }
        Filing::Amend => {
            let collateral = conditions::collateral_now(db, &request, record.kind).await?;
            said.collateral = Some(collateral.clone());
            (RegistrationStep::Amend, registry.amend(&Amendment { cert_no, collateral }).await.map(Some))
        }
        Filing::Extend { until } => {
            let ask = Extension { cert_no, expires_on: until };
            (RegistrationStep::Extend, registry.extend(&ask).await.map(Some))
        }
        Filing::Cancel => (RegistrationStep::Cancel, registry.cancel(&request.number).await.map(|()| None)),
    };
    said.filed = match answer {
        Ok(filed) => filed,
        Err(failure) => return failed(app, &job, &failure).await,
    };
    recorded(app, request.id, Some(step), said).await?;
    Ok(Verdict::Done)
}

/// The registry did not do it. While it does not answer it is asked again; what it will not do is noted, and somebody
/// asks again by hand.
async fn failed(app: &App, job: &FileAtRegistry, failure: &Failure) -> Result<Verdict, Error> {
    let again = matches!(failure, Failure::Unavailable(_));
    let cancels = job.filing == Filing::Cancel;
    if again && (cancels || attempts(app.db().read(), job).await? < MAX_ATTEMPTS) {
        return Ok(Verdict::Again { after: None, reason: failure.told() });
    }
    // Its own words of what it refuses; of what lies in between nobody but the log learns more.
    let why = if again { "the registry does not answer".to_owned() } else { failure.told() };
    let step = (job.filing == Filing::Register).then_some(RegistrationStep::Fail);
    let said = Said { failure: Some(why.chars().take(LONGEST).collect()), ..Said::default() };
    recorded(app, job.request, step, said).await?;
    // What stays in the registry and should not operators have to see.
    if cancels { Ok(Verdict::Dead { reason: why }) } else { Ok(Verdict::Done) }
}

async fn both(
    db: &impl ConnectionTrait,
    id: FinancingRequestId,
) -> Result<Option<(request::Model, registry::Model)>, Error> {
    let request = request::Entity::find_by_id(id).one(db).await?;
    let record = registry::Entity::find_by_id(id).one(db).await?;
    Ok(request.zip(record))
}

/// Notes what the registry said. A job may run twice: what was noted before stays as it is.
async fn recorded(app: &App, id: FinancingRequestId, step: Option<RegistrationStep>, said: Said) -> Result<(), Error> {
    let mut work = app.begin(&Call::unasked(BY)).await?;
    guarded::lock(work.tx(), "financing_request", &[id.0]).await?;
    let Some((request, record)) = both(work.tx(), id).await? else { return Ok(()) };
    let Ok(state) = step.map_or(Ok(record.state), |step| step.from(record.state)) else { return Ok(()) };
    let mut next = registry::Model { state, failure: said.failure, ..record.clone() };
    if let Some(collateral) = said.collateral {
        next.collateral = collateral;
    }
    if let Some(filed) = said.filed {
        next.cert_no = Some(filed.cert_no);
        next.filed_at = Some(filed.at);
        next.expires_on = Some(filed.expires_on);
    }
    let next = conditions::written(&work, &record, next).await?;
    if step == Some(RegistrationStep::Register) {
        conditions::met(&mut work, &request, ConditionKind::Registration, next.cert_no.clone(), None).await?;
    }
    let shown = |row: &registry::Model| {
        json!({
            "state": row.state, "certificate": row.cert_no, "expiresOn": row.expires_on, "failure": row.failure,
        })
    };
    work.audit(Some(request.financier_id), "fileAtRegistry", encode(id).0, shown(&record), shown(&next));
    work.commit(()).await
}
