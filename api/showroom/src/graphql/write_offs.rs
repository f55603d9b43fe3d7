//! Write-offs of showrooms in the schema.

use async_graphql::{ComplexObject, Context, Enum, ID, InputObject, Object, Result, SimpleObject};
use catalog::graphql::Variant;
use chrono::{DateTime, Utc};
use entities::{
    party::Action,
    showroom::{
        UnitClass,
        write_off::{self, WriteOffReason, WriteOffState, line},
    },
    values::id::ShowroomWriteOffId,
};
use inventory::{graphql::StockLot, ledger::in_line, ops::transfers::Asked};
use platform::{
    error::Error,
    graphql::{Connection, ContextExt, connection::list_cost, decode, encode},
    page::PageArgs,
    payload,
};

use crate::ops::write_offs::{self as ops, Filter, NewWriteOff};

/// Pieces of a showroom that are to be written off (报损单).
#[derive(Clone, Debug)]
pub(crate) struct ShowroomWriteOff(pub write_off::Model);

/// Pieces of a showroom that are to be written off (报损单).
#[Object]
impl ShowroomWriteOff {
    /// Opaque identifier.
    pub async fn id(&self) -> ID {
        encode(self.0.id)
    }

    /// Of which showroom.
    async fn showroom_id(&self) -> ID {
        encode(self.0.showroom_id)
    }

    /// What its pieces are held under, and leave under.
    async fn document(&self) -> &str {
        &self.0.document
    }

    /// State.
    async fn state(&self) -> WriteOffState {
        self.0.state
    }

    /// Why.
    async fn reason(&self) -> WriteOffReason {
        self.0.reason
    }

    /// The same in words.
    async fn note(&self) -> Option<&str> {
        self.0.note.as_deref()
    }

    /// SHA-256 of a photo, in hex.
    async fn photo_sha256(&self) -> Option<&str> {
        self.0.photo_sha256.as_deref()
    }

    /// Who asked for it.
    async fn requested_by(&self) -> &str {
        &self.0.requested_by
    }

    /// Who decided, or took it back.
    async fn decided_by(&self) -> Option<&str> {
        self.0.decided_by.as_deref()
    }

    /// What who decided says to it.
    async fn decision(&self) -> Option<&str> {
        self.0.decision.as_deref()
    }

    /// Since when.
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }

    /// When it was decided, or taken back.
    async fn decided_at(&self) -> Option<DateTime<Utc>> {
        self.0.decided_at
    }

    /// Its pieces, in the order that they were named in.
    #[graphql(complexity = "list_cost(first, last, child_complexity)")]
    async fn lines(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Size of the page, at most 100.")] first: Option<i32>,
        #[graphql(desc = "The page starts after this cursor.")] after: Option<String>,
        #[graphql(desc = "Size of a page that is read backwards.")] last: Option<i32>,
        #[graphql(desc = "The page ends before this cursor.")] before: Option<String>,
    ) -> Result<Connection<ShowroomWriteOffLine>> {
        let page = PageArgs::relay(first, after.as_deref(), last, before.as_deref())?;
        let rows = ops::lines(context.app().db().read(), self.0.id, &page).await?;
        Ok(Connection::new(rows, None, |row| (ops::line_cursor(&row), ShowroomWriteOffLine::from(row))))
    }
}

/// A line of a write-off (报损明细).
#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex)]
pub(crate) struct ShowroomWriteOffLine {
    #[graphql(skip)]
    row: line::Model,
    /// What the pieces are by law.
    unit_class: UnitClass,
    /// How many, in trade units.
    quantity: i64,
}

impl From<line::Model> for ShowroomWriteOffLine {
    fn from(row: line::Model) -> Self {
        Self { unit_class: row.class, quantity: row.quantity, row }
    }
}

#[ComplexObject]
impl ShowroomWriteOffLine {
    /// Of what.
    async fn variant(&self, context: &Context<'_>) -> Result<Option<Variant>> {
        Ok(catalog::loaders::of(context).load_one(self.row.variant_id).await?.map(Variant))
    }

    /// Which lot.
    async fn lot(&self, context: &Context<'_>) -> Result<Option<StockLot>> {
        Ok(inventory::loaders::of(context).load_one(self.row.lot_id).await?.map(StockLot))
    }
}

/// What is decided about a write-off (报损审批结论).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub(crate) enum WriteOffDecision {
    /// The pieces leave the books (批准).
    Approve,
    /// They are as they were (驳回).
    Decline,
}

/// A line of what is to be written off (报损申请行).
#[derive(InputObject)]
pub(crate) struct RequestShowroomWriteOffLine {
    /// Of which balance.
    balance_id: ID,
    /// How much, in trade units.
    quantity: i64,
}

/// A write-off that is asked for (报损申请).
#[derive(InputObject)]
pub(crate) struct RequestShowroomWriteOffInput {
    /// Of which showroom.
    showroom_id: ID,
    /// Why.
    reason: WriteOffReason,
    /// The same in words; required for `OTHER`.
    note: Option<String>,
    /// SHA-256 of a photo, in hex.
    photo_sha256: Option<String>,
    /// Which pieces, at most 100 lines; all of them or, when one is refused, none.
    lines: Vec<RequestShowroomWriteOffLine>,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// A decision about a write-off (报损审批).
#[derive(InputObject)]
pub(crate) struct DecideShowroomWriteOffInput {
    /// Which.
    id: ID,
    /// What.
    decision: WriteOffDecision,
    /// What there is to say to it.
    note: Option<String>,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// A write-off that is taken back (撤回报损).
#[derive(InputObject)]
pub(crate) struct WithdrawShowroomWriteOffInput {
    /// Which.
    id: ID,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

payload! {
    /// The answer to `requestShowroomWriteOff`.
    RequestShowroomWriteOffPayload { /// The write-off.
        write_off: ShowroomWriteOff }
    /// The answer to `decideShowroomWriteOff`.
    DecideShowroomWriteOffPayload { /// The write-off.
        write_off: ShowroomWriteOff }
    /// The answer to `withdrawShowroomWriteOff`.
    WithdrawShowroomWriteOffPayload { /// The write-off.
        write_off: ShowroomWriteOff }
}

/// Queries about write-offs of showrooms.
#[derive(Default)]
pub(crate) struct WriteOffQuery;

#[Object]
impl WriteOffQuery {
    /// Write-offs of showrooms that one works in, or whose organisation one leads; newest first (报损单列表).
    #[graphql(complexity = "list_cost(first, last, child_complexity)")]
    #[expect(clippy::too_many_arguments, reason = "the arguments of a Relay connection")]
    async fn showroom_write_offs(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Only of this showroom.")] showroom_id: Option<ID>,
        #[graphql(desc = "Only in this state.")] state: Option<WriteOffState>,
        #[graphql(desc = "Size of the page, at most 100.")] first: Option<i32>,
        #[graphql(desc = "The page starts after this cursor.")] after: Option<String>,
        #[graphql(desc = "Size of a page that is read backwards.")] last: Option<i32>,
        #[graphql(desc = "The page ends before this cursor.")] before: Option<String>,
    ) -> Result<Connection<ShowroomWriteOff>> {
        context.may(Action::ReadShowrooms)?;
        let page = PageArgs::relay(first, after.as_deref(), last, before.as_deref())?;
        let showroom = showroom_id.map(|id| decode(&id, "showroomId")).transpose()?;
        let filter = Filter { showroom, state };
        let rows = ops::list(context.app().db().read(), context.viewer(), filter, &page).await?;
        Ok(Connection::new(rows, None, |row| (ops::cursor(&row), ShowroomWriteOff(row))))
    }

    /// A write-off of a showroom; null when there is none or it may not be seen (报损单).
    async fn showroom_write_off(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Opaque identifier.")] id: ID,
    ) -> Result<Option<ShowroomWriteOff>> {
        context.may(Action::ReadShowrooms)?;
        let Ok(id) = decode::<ShowroomWriteOffId>(&id, "id") else { return Ok(None) };
        Ok(ops::find(context.app().db().read(), context.viewer(), id).await?.map(ShowroomWriteOff))
    }
}

/// Mutations of write-offs of showrooms.
#[derive(Default)]
pub(crate) struct WriteOffMutation;

#[Object]
impl WriteOffMutation {
    /// Asks for a write-off of what lies in a showroom; the pieces are held from here on. What is bonded is refused:
    /// that is customs' to allow (报损申请).
    async fn request_showroom_write_off(
        &self,
        context: &Context<'_>,
        input: RequestShowroomWriteOffInput,
    ) -> Result<RequestShowroomWriteOffPayload> {
        let call = context.call(Action::WorkShowrooms)?;
        let result = async {
            let line = |(n, line): (usize, RequestShowroomWriteOffLine)| {
                let balance = decode(&line.balance_id, "balanceId").map_err(|error| in_line(error, n))?;
                Ok::<_, Error>(Asked { balance, quantity: line.quantity })
            };
            let new = NewWriteOff {
                showroom: decode(&input.showroom_id, "showroomId")?,
                reason: input.reason,
                note: input.note,
                photo_sha256: input.photo_sha256,
                lines: input.lines.into_iter().enumerate().map(line).collect::<Result<_, _>>()?,
            };
            ops::request(context.app(), &call, &new).await
        };
        RequestShowroomWriteOffPayload::new(context, input.client_mutation_id, result.await.map(ShowroomWriteOff))
    }

    /// Decides about a write-off: not who asked for it. Agreed to, the pieces leave the books (报损审批).
    async fn decide_showroom_write_off(
        &self,
        context: &Context<'_>,
        input: DecideShowroomWriteOffInput,
    ) -> Result<DecideShowroomWriteOffPayload> {
        let call = context.call(Action::KeepShowrooms)?;
        let approve = input.decision == WriteOffDecision::Approve;
        let result = async {
            let id = decode(&input.id, "id")?;
            ops::decide(context.app(), &call, id, approve, input.note.as_deref()).await
        };
        DecideShowroomWriteOffPayload::new(context, input.client_mutation_id, result.await.map(ShowroomWriteOff))
    }

    /// Takes a write-off back before it is decided; the pieces are not held any more (撤回报损).
    async fn withdraw_showroom_write_off(
        &self,
        context: &Context<'_>,
        input: WithdrawShowroomWriteOffInput,
    ) -> Result<WithdrawShowroomWriteOffPayload> {
        let call = context.call(Action::WorkShowrooms)?;
        let result = async { ops::withdraw(context.app(), &call, decode(&input.id, "id")?).await };
        WithdrawShowroomWriteOffPayload::new(context, input.client_mutation_id, result.await.map(ShowroomWriteOff))
    }
}
