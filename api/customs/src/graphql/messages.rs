//! Raw messages, and papers of other parties, in the schema.

use async_graphql::{Context, ID, InputObject, Object, Result};
use chrono::{DateTime, Utc};
use entities::{
    customs::{
        message::{self, MessageDirection, MessageVerdict},
        payment_data::{Channel, LONGEST_ORIGINAL, Original, Verifier},
    },
    party::Action,
    values::{ErrorCode, Refusal, Refusals, refusal::Check},
};
use platform::{
    graphql::{Connection, ContextExt, bounded, connection::list_cost, decode, encode},
    page::PageArgs,
    payload,
};

use super::declaration::CustomsPaper;
use crate::{
    lists::{self, MessageFilter},
    parties,
};

/// A raw message to or from customs; its bytes are kept sealed (报文).
#[derive(Clone, Debug)]
pub struct CustomsMessage(message::Model);

/// A raw message to or from customs; its bytes are kept sealed (报文).
#[Object]
impl CustomsMessage {
    /// Opaque identifier.
    async fn id(&self) -> ID {
        encode(self.0.id)
    }

    /// Which way it went.
    async fn direction(&self) -> MessageDirection {
        self.0.direction
    }

    /// The number of its kind: 621; null: it cannot be read.
    async fn kind(&self) -> Option<i32> {
        self.0.kind
    }

    /// Its own number (报文唯一序号).
    async fn guid(&self) -> Option<&str> {
        self.0.guid.as_deref()
    }

    /// SHA-256 of its bytes.
    async fn hash(&self) -> &str {
        &self.0.hash
    }

    /// How many bytes it has.
    async fn size(&self) -> i64 {
        self.0.size
    }

    /// What became of it.
    async fn verdict(&self) -> MessageVerdict {
        self.0.verdict
    }

    /// Why.
    async fn reason(&self) -> Option<&str> {
        self.0.reason.as_deref()
    }

    /// When it was written, or came.
    async fn at(&self) -> DateTime<Utc> {
        self.0.at
    }
}

/// Which raw messages (报文筛选).
#[derive(InputObject, Default)]
pub(super) struct CustomsMessageFilter {
    /// Only with one of these verdicts.
    verdicts: Option<Vec<MessageVerdict>>,
    /// Only those of a paper.
    paper_id: Option<ID>,
    /// Only those with this SHA-256.
    hash: Option<String>,
}

/// A paper of a declaration, as the message that goes to customs (单证提交).
#[derive(InputObject)]
pub(super) struct GiveCustomsPaperInput {
    /// The message: CEB311, CEB411, CEB511 or CEB513, with one paper, signed or not.
    message: String,
    /// Whether the house sends it to customs for its sender; else its sender does, and this is a copy.
    #[graphql(default)]
    forward: bool,
    /// Of a payment: what its institution was asked and answered; customs may ask for it (announcement 179).
    payment: Option<OriginalPaymentInput>,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// What a payment institution was asked and answered (支付原始数据).
#[derive(InputObject)]
pub(super) struct OriginalPaymentInput {
    /// The request, at most 8000 characters (支付原始请求).
    #[graphql(secret)]
    request: String,
    /// The answer, at most 8000 characters (支付原始响应).
    #[graphql(secret)]
    response: String,
    /// Who verified it between banks (验核机构).
    verifier: Verifier,
    /// Where the buyer paid (交易途径).
    channel: Channel,
}

impl OriginalPaymentInput {
    fn read(self) -> Result<Original, Refusals> {
        let mut check = Check::default();
        for (field, text) in [("request", &self.request), ("response", &self.response)] {
            check.demand(text.chars().count() <= LONGEST_ORIGINAL, field, || {
                Refusal::new(ErrorCode::TooLong).with("max", LONGEST_ORIGINAL.to_string())
            });
        }
        let Self { request, response, verifier, channel } = self;
        check.done(Original { request, response, verifier, channel })
    }
}

payload! {
    /// The answer to `giveCustomsPaper`.
    GiveCustomsPaperPayload { /// The paper.
        paper: CustomsPaper }
}

/// The part of the query root about raw messages.
#[derive(Default)]
pub struct MessageQuery;

#[Object]
impl MessageQuery {
    /// Raw messages to and from customs, newest first (报文列表).
    #[graphql(complexity = "list_cost(first, last, child_complexity)")]
    async fn customs_messages(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which.")] filter: Option<CustomsMessageFilter>,
        #[graphql(desc = "Size of the page, at most 100.")] first: Option<i32>,
        #[graphql(desc = "The page starts after this cursor.")] after: Option<String>,
        #[graphql(desc = "Size of a page that is read backwards.")] last: Option<i32>,
        #[graphql(desc = "The page ends before this cursor.")] before: Option<String>,
    ) -> Result<Connection<CustomsMessage>> {
        context.may(Action::ReadCustomsMessages)?;
        let page = PageArgs::relay(first, after.as_deref(), last, before.as_deref())?;
        let filter = filter.unwrap_or_default();
        let filter = MessageFilter {
            verdicts: bounded(filter.verdicts.unwrap_or_default())?,
            paper: filter.paper_id.map(|id| decode(&id, "paperId")).transpose()?,
            hash: filter.hash,
        };
        let rows = lists::messages(context.app().db().read(), context.viewer(), &filter, &page).await?;
        Ok(Connection::new(rows, None, |row| (lists::message_cursor(&row), CustomsMessage(row))))
    }
}

/// The part of the mutation root about papers of other parties.
#[derive(Default)]
pub struct MessageMutation;

#[Object]
impl MessageMutation {
    /// Gives a paper that one's organisation speaks for: an order, a payment, a waybill, that it was signed for (单证提交).
    async fn give_customs_paper(
        &self,
        context: &Context<'_>,
        input: GiveCustomsPaperInput,
    ) -> Result<GiveCustomsPaperPayload> {
        let call = context.call(Action::GiveCustomsPapers)?;
        let result = async {
            let original = input.payment.map(OriginalPaymentInput::read).transpose();
            let original =
                original.map_err(|refusals| refusals.into_iter().map(|r| r.at("payment")).collect::<Vec<_>>())?;
            parties::submit(context.app(), &call, &input.message, input.forward, original).await
        };
        let result = result.await;
        GiveCustomsPaperPayload::new(context, input.client_mutation_id, result.map(CustomsPaper))
    }
}
