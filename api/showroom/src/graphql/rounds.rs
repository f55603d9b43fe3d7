//! Audit rounds.

use async_graphql::{ComplexObject, Context, ID, InputObject, Object, Result, SimpleObject};
use base64::{Engine, prelude::BASE64_STANDARD};
use chrono::{DateTime, Utc};
use entities::{
    party::Action,
    showroom::{AuditState, AuditVerdict, audit_check, audit_round, photo},
    values::{
        ErrorCode, Refusal,
        id::{AuditRoundId, ShowroomId},
    },
};
use platform::{
    error::Error,
    graphql::{Connection, ContextExt, connection::list_cost, decode, encode},
    page::PageArgs,
    payload,
};

use super::floor::ShowroomSlot;
use crate::{
    loaders,
    ops::rounds::{self as ops, Checking},
};

/// A round of looking at the floor (巡检).
#[derive(Clone, Debug)]
pub struct AuditRound(pub audit_round::Model);

/// A round of looking at the floor (巡检).
#[Object]
impl AuditRound {
    /// Opaque identifier.
    pub async fn id(&self) -> ID {
        encode(self.0.id)
    }

    /// State.
    async fn state(&self) -> AuditState {
        self.0.state
    }

    /// When it was opened.
    async fn opened_at(&self) -> DateTime<Utc> {
        self.0.opened_at
    }

    /// Who opened it.
    async fn opened_by(&self) -> &str {
        &self.0.opened_by
    }

    /// When it was ended.
    async fn done_at(&self) -> Option<DateTime<Utc>> {
        self.0.done_at
    }

    /// What was found, by slot (巡检项).
    #[graphql(complexity = "list_cost(first, last, child_complexity)")]
    async fn checks(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Size of the page, at most 100.")] first: Option<i32>,
        #[graphql(desc = "The page starts after this cursor.")] after: Option<String>,
        #[graphql(desc = "Size of a page that is read backwards.")] last: Option<i32>,
        #[graphql(desc = "The page ends before this cursor.")] before: Option<String>,
    ) -> Result<Connection<AuditCheck>> {
        let page = PageArgs::relay(first, after.as_deref(), last, before.as_deref())?;
        let rows = ops::checks(context.app().db().read(), self.0.id, &page).await?;
        let of = self.0.showroom_id;
        Ok(Connection::new(rows, None, |row| (ops::check_cursor(&row), AuditCheck::new(of, row))))
    }
}

/// How a slot was found (巡检项).
#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex)]
pub(super) struct AuditCheck {
    #[graphql(skip)]
    of: ShowroomId,
    #[graphql(skip)]
    row: audit_check::Model,
    /// How it is.
    verdict: AuditVerdict,
    /// In words.
    note: Option<String>,
    /// When somebody looked.
    checked_at: DateTime<Utc>,
    /// Who looked.
    checked_by: String,
}

impl AuditCheck {
    fn new(of: ShowroomId, row: audit_check::Model) -> Self {
        Self {
            of,
            verdict: row.verdict,
            note: row.note.clone(),
            checked_at: row.checked_at,
            checked_by: row.checked_by.clone(),
            row,
        }
    }
}

#[ComplexObject]
impl AuditCheck {
    /// Which slot.
    async fn slot(&self, context: &Context<'_>) -> Result<Option<ShowroomSlot>> {
        Ok(loaders::of(context).load_one(self.row.slot_id).await?.map(ShowroomSlot::from))
    }

    /// The photo; null: none was taken (现场照片).
    #[graphql(complexity = 1000)]
    async fn photo(&self, context: &Context<'_>) -> Result<Option<ShowroomPhoto>> {
        let Some(hash) = &self.row.photo else { return Ok(None) };
        let found = ops::photo_of(context.app(), self.of, hash).await?;
        Ok(found.map(|(media_type, bytes)| ShowroomPhoto {
            sha256: hash.clone(),
            media_type,
            content: BASE64_STANDARD.encode(bytes),
        }))
    }
}

/// A photo (现场照片).
#[derive(Clone, Debug, SimpleObject)]
pub(super) struct ShowroomPhoto {
    /// SHA-256 of its bytes, in hex.
    sha256: String,
    /// What it is.
    media_type: String,
    /// Its bytes, in base64.
    content: String,
}

/// A new round (新建巡检).
#[derive(InputObject)]
pub(super) struct OpenAuditRoundInput {
    /// Of which showroom.
    showroom_id: ID,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// A photo that is sent (现场照片).
#[derive(InputObject)]
pub(super) struct PhotoInput {
    /// `image/jpeg`, `image/png` or `image/webp`.
    media_type: String,
    /// Its bytes, in base64; at most 600,000 of them.
    content: String,
}

impl PhotoInput {
    fn read(self) -> Result<(String, Vec<u8>), Error> {
        let wrong = || Refusal::new(ErrorCode::InvalidValue).with("value", "base64").at("content").at("photo");
        if self.content.len() > photo::LARGEST / 3 * 4 + 4 {
            let range = Refusal::new(ErrorCode::OutOfRange).with("min", "1").with("max", photo::LARGEST.to_string());
            return Err(range.at("content").at("photo").into());
        }
        Ok((self.media_type, BASE64_STANDARD.decode(self.content).map_err(|_| wrong())?))
    }
}

/// How a slot is (巡检项).
#[derive(InputObject)]
pub(super) struct CheckSlotInput {
    /// In which round.
    round_id: ID,
    /// What is printed on the slot.
    slot: String,
    /// How it is.
    verdict: AuditVerdict,
    /// In words.
    note: Option<String>,
    /// A photo of it.
    photo: Option<PhotoInput>,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// A round that is ended (完成巡检).
#[derive(InputObject)]
pub(super) struct FinishAuditRoundInput {
    /// Which.
    id: ID,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

payload! {
    /// The answer to `openAuditRound`.
    OpenAuditRoundPayload { /// The round.
        round: AuditRound }
    /// The answer to `checkSlot`.
    CheckSlotPayload { /// The round.
        round: AuditRound }
    /// The answer to `finishAuditRound`.
    FinishAuditRoundPayload { /// The round.
        round: AuditRound }
}

/// Queries about rounds.
#[derive(Default)]
pub(crate) struct RoundQuery;

#[Object]
impl RoundQuery {
    /// A round; null when there is none or it may not be seen (巡检).
    async fn audit_round(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Opaque identifier.")] id: ID,
    ) -> Result<Option<AuditRound>> {
        context.may(Action::ReadShowrooms)?;
        let Ok(id) = decode::<AuditRoundId>(&id, "id") else { return Ok(None) };
        Ok(ops::find(context.app().db().read(), context.viewer(), id).await?.map(AuditRound))
    }
}

/// Mutations of rounds.
#[derive(Default)]
pub(crate) struct RoundMutation;

#[Object]
impl RoundMutation {
    /// Opens a round of looking at a showroom (新建巡检).
    async fn open_audit_round(
        &self,
        context: &Context<'_>,
        input: OpenAuditRoundInput,
    ) -> Result<OpenAuditRoundPayload> {
        let call = context.call(Action::WorkShowrooms)?;
        let result = async { ops::open(context.app(), &call, decode(&input.showroom_id, "showroomId")?).await };
        OpenAuditRoundPayload::new(context, input.client_mutation_id, result.await.map(AuditRound))
    }

    /// Says how a slot is; said again in the same round it is what was said last (巡检登记).
    async fn check_slot(&self, context: &Context<'_>, input: CheckSlotInput) -> Result<CheckSlotPayload> {
        let call = context.call(Action::WorkShowrooms)?;
        let result = async {
            let said = Checking {
                slot: input.slot,
                verdict: input.verdict,
                note: input.note,
                photo: input.photo.map(PhotoInput::read).transpose()?,
            };
            ops::check(context.app(), &call, decode(&input.round_id, "roundId")?, &said).await
        };
        CheckSlotPayload::new(context, input.client_mutation_id, result.await.map(AuditRound))
    }

    /// Ends a round (完成巡检).
    async fn finish_audit_round(
        &self,
        context: &Context<'_>,
        input: FinishAuditRoundInput,
    ) -> Result<FinishAuditRoundPayload> {
        let call = context.call(Action::WorkShowrooms)?;
        let result = async { ops::finish(context.app(), &call, decode(&input.id, "id")?).await };
        FinishAuditRoundPayload::new(context, input.client_mutation_id, result.await.map(AuditRound))
    }
}
