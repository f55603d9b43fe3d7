//! Raw messages (报文): every one that went out or came in, sealed, with its hash and what became of it. Its bytes are never
//! changed.

use crate::Relation;
use sea_orm::entity::prelude::*;

use crate::values::id::{CustomsMessageId, CustomsPaperId};

/// Which way a message went (方向).
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    EnumIter,
    DeriveActiveEnum,
    serde::Serialize,
    serde::Deserialize,
    async_graphql::Enum,
)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(24))", rename_all = "snake_case")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum MessageDirection {
    /// To customs (发出).
    Out,
    /// From customs, or from a party of a declaration (收到).
    In,
}

/// What became of a message (处理结果).
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    EnumIter,
    DeriveActiveEnum,
    serde::Serialize,
    serde::Deserialize,
    async_graphql::Enum,
)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(24))", rename_all = "snake_case")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum MessageVerdict {
    /// It is to be sent (待发送).
    Waiting,
    /// It was handed over (已送达).
    Delivered,
    /// The other end does not take it (对方拒收).
    Undeliverable,
    /// It was taken, and what it says was noted (已处理).
    Taken,
    /// It says nothing new: the same came before (重复).
    Repeated,
    /// It is about nothing that the house knows; it is kept until it is (无对应单证).
    Unmatched,
    /// It says something that the house does not know (未知内容).
    Unknown,
    /// It is no message, or not from whom it should be; `reason` says why (拒绝).
    Refused,
}

/// A row of `customs_message`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, serde::Serialize)]
#[sea_orm(table_name = "customs_message")]
pub struct Model {
    /// Identifier.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: CustomsMessageId,
    /// Which way it went.
    pub direction: MessageDirection,
    /// The number of its kind: 621; none: it cannot be read.
    pub kind: Option<i32>,
    /// Its own number (报文唯一序号).
    pub guid: Option<String>,
    /// SHA-256 of its bytes, in hex.
    pub hash: String,
    /// How many bytes it has; of one that is too large only the beginning is kept.
    pub size: i64,
    /// Its bytes, sealed.
    #[serde(skip)]
    pub body: Vec<u8>,
    /// What became of it.
    pub verdict: MessageVerdict,
    /// Why.
    pub reason: Option<String>,
    /// What it is about, when there is no such thing yet: the key of a paper, or the number of a list.
    pub subject: Option<String>,
    /// The paper that it is, or is about.
    pub paper_id: Option<CustomsPaperId>,
    /// Which attempt of the paper it is.
    pub attempt: Option<i32>,
    /// When it was last read again, while it is about nothing that is known.
    pub looked_at: Option<DateTimeUtc>,
    /// When it was written, or came.
    pub at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
