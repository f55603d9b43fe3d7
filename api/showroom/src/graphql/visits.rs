//! Who is in a showroom, and what counters above its doors say, in the schema.

use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};
use chrono::{DateTime, Utc};
use entities::{
    party::Action,
    showroom::{
        VisitState,
        footfall::{Sample, SampleVerdict},
        visit,
    },
};
use platform::{
    error::Error,
    graphql::{Connection, ContextExt, UserError, connection::list_cost, decode, encode},
    page::PageArgs,
    payload,
};

use crate::ops::{
    footfall::{self, MOST_SAMPLES, Outcome},
    visits as ops,
};

/// Who is in a showroom, from when to when; nobody is named (到访).
#[derive(Clone, Debug)]
pub struct Visit(pub visit::Model);

/// Who is in a showroom, from when to when; nobody is named (到访).
#[Object]
impl Visit {
    /// Opaque identifier.
    pub async fn id(&self) -> ID {
        encode(self.0.id)
    }

    /// In which showroom.
    async fn showroom_id(&self) -> ID {
        encode(self.0.showroom_id)
    }

    /// By which appointment; null: they walked in (预约).
    async fn appointment_id(&self) -> Option<ID> {
        self.0.appointment_id.map(encode)
    }

    /// How many came (人数).
    async fn party_size(&self) -> i32 {
        self.0.party_size
    }

    /// State (状态).
    async fn state(&self) -> VisitState {
        self.0.state
    }

    /// When they came (到店时间).
    async fn arrived_at(&self) -> DateTime<Utc> {
        self.0.arrived_at
    }

    /// When they went (离店时间).
    async fn left_at(&self) -> Option<DateTime<Utc>> {
        self.0.left_at
    }

    /// How long they stayed, in whole minutes (停留时长).
    async fn dwell_minutes(&self) -> Option<i64> {
        self.0.minutes()
    }
}

/// People who come (到店登记).
#[derive(InputObject)]
pub(crate) struct CheckInInput {
    /// Into which showroom.
    showroom_id: ID,
    /// The code of their appointment; left out: they walked in.
    code: Option<String>,
    /// How many came; left out: as many as were booked, else one.
    party_size: Option<i32>,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// People who go (离店登记).
#[derive(InputObject)]
pub(crate) struct CheckOutInput {
    /// Which visit.
    visit_id: ID,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// What a counter above a door says of a quarter of an hour (客流样本).
#[derive(InputObject)]
pub(crate) struct FootfallSampleInput {
    /// Which door, at most 40 characters of ASCII.
    door: String,
    /// Which counter, at most 40 characters of ASCII. Of several above one door the one that saw most counts.
    source: String,
    /// When the quarter begins: in the last 90 days, not in the future.
    bucket_start: DateTime<Utc>,
    /// How many came in.
    #[graphql(name = "in")]
    entered: i32,
    /// How many went out.
    #[graphql(name = "out")]
    exited: i32,
    /// How many of those who came in were of the team; they are taken off.
    #[graphql(default)]
    staff: i32,
}

/// What counters say (上报客流).
#[derive(InputObject)]
pub(crate) struct IngestFootfallInput {
    /// Of which showroom.
    showroom_id: ID,
    /// The samples, at most 500, each by itself.
    samples: Vec<FootfallSampleInput>,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// What became of one sample of a batch (客流上报结果).
#[derive(SimpleObject)]
pub struct FootfallResult {
    /// Its place in the batch, from 0 (序号).
    index: i32,
    /// What became of it (结果).
    verdict: SampleVerdict,
    /// Why it was refused (错误).
    user_errors: Vec<UserError>,
}

payload! {
    /// The answer to `checkIn`.
    CheckInPayload { /// The visit.
        visit: Visit }
    /// The answer to `checkOut`.
    CheckOutPayload { /// The visit.
        visit: Visit }
    /// The answer to `ingestFootfall`.
    IngestFootfallPayload { /// What became of each sample, in their order.
        results: Vec<FootfallResult> }
}

/// Queries about visits.
#[derive(Default)]
pub struct VisitQuery;

#[Object]
impl VisitQuery {
    /// Visits of a showroom for its team, newest first (到访列表).
    #[graphql(complexity = "list_cost(first, last, child_complexity)")]
    #[expect(clippy::too_many_arguments, reason = "the arguments of a Relay connection")]
    async fn visits(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Of which showroom.")] showroom_id: ID,
        #[graphql(desc = "Only in this state.")] state: Option<VisitState>,
        #[graphql(desc = "Size of the page, at most 100.")] first: Option<i32>,
        #[graphql(desc = "The page starts after this cursor.")] after: Option<String>,
        #[graphql(desc = "Size of a page that is read backwards.")] last: Option<i32>,
        #[graphql(desc = "The page ends before this cursor.")] before: Option<String>,
    ) -> Result<Connection<Visit>> {
        context.may(Action::ReadShowrooms)?;
        let page = PageArgs::relay(first, after.as_deref(), last, before.as_deref())?;
        let Ok(showroom) = decode(&showroom_id, "showroomId") else { return Ok(Connection::empty()) };
        let rows = ops::list_visits(context.app().db().read(), context.viewer(), showroom, state, &page).await?;
        let Some(rows) = rows else { return Ok(Connection::empty()) };
        Ok(Connection::new(rows, None, |row| (ops::visit_cursor(&row), Visit(row))))
    }
}

fn results(context: &Context<'_>, outcomes: Vec<Outcome>) -> Vec<FootfallResult> {
    let one = |(n, outcome): (usize, Outcome)| FootfallResult {
        index: i32::try_from(n).unwrap_or(i32::MAX),
        verdict: outcome.verdict,
        user_errors: UserError::all(&outcome.refusals, context.locale()),
    };
    outcomes.into_iter().enumerate().map(one).collect()
}

fn sample(sent: FootfallSampleInput) -> Sample {
    Sample {
        door: sent.door,
        source: sent.source,
        bucket_start: sent.bucket_start,
        entered: sent.entered,
        exited: sent.exited,
        staff: sent.staff,
    }
}

/// Mutations of visits and footfall.
#[derive(Default)]
pub struct VisitMutation;

#[Object]
impl VisitMutation {
    /// Lets people in, with the code of their appointment or without one (到店登记).
    async fn check_in(&self, context: &Context<'_>, input: CheckInInput) -> Result<CheckInPayload> {
        let call = context.call(Action::WorkShowrooms)?;
        let result = async {
            let showroom = decode(&input.showroom_id, "showroomId")?;
            ops::check_in(context.app(), &call, showroom, input.code.as_deref(), input.party_size).await
        };
        CheckInPayload::new(context, input.client_mutation_id, result.await.map(Visit))
    }

    /// Notes that people went; their appointment is done (离店登记).
    async fn check_out(&self, context: &Context<'_>, input: CheckOutInput) -> Result<CheckOutPayload> {
        let call = context.call(Action::WorkShowrooms)?;
        let result = async { ops::check_out(context.app(), &call, decode(&input.visit_id, "visitId")?).await };
        CheckOutPayload::new(context, input.client_mutation_id, result.await.map(Visit))
    }

    /// Takes what counters say, each sample by itself. The same again changes nothing; another number takes the place
    /// of the one before, however late (上报客流).
    async fn ingest_footfall(
        &self,
        context: &Context<'_>,
        input: IngestFootfallInput,
    ) -> Result<IngestFootfallPayload> {
        let call = context.call(Action::CountVisitors)?;
        let result = async {
            let showroom = decode(&input.showroom_id, "showroomId")?;
            // One more than may be: the operation says that it is too many.
            let samples: Vec<Sample> = input.samples.into_iter().take(MOST_SAMPLES + 1).map(sample).collect();
            let outcomes = footfall::ingest(context.app(), &call, showroom, &samples).await?;
            Ok::<_, Error>(results(context, outcomes))
        };
        IngestFootfallPayload::new(context, input.client_mutation_id, result.await)
    }
}
