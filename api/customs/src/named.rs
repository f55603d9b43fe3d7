//! Which papers a receipt is about (回执对应单证): the one whose number (guid) it names, else those of its business key; when
//! it leaves a part of that out, the one that has its other numbers.

use chrono::{DateTime, Duration, Utc};
use entities::customs::{
    ceb::Record,
    message::{self, MessageDirection},
    paper::{self, PaperKind},
};
use platform::error::Error;
use sea_orm::{ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use super::{receiving::Noted, taxes};

/// How far clocks may be apart, when a receipt does not say of which attempt it is.
const SKEW: Duration = Duration::minutes(5);
/// Most papers that one receipt is about: the orders of one payment.
const MOST_OF_A_KEY: u64 = 100;
/// The papers that are known by who sent them and its own number (copNo).
const OF_OWN_NUMBER: [PaperKind; 6] = [
    PaperKind::List,
    PaperKind::Cancellation,
    PaperKind::Return,
    PaperKind::Delivery,
    PaperKind::ExportList,
    PaperKind::ExportCancellation,
];
/// Most senders among whose papers one is looked for by that number alone.
const MOST_SENDERS: usize = 200;
/// By what receipts name what they are about.
const NUMBERS: [&str; 8] = ["guid", "orderNo", "payTransactionId", "logisticsNo", "copNo", "preNo", "rkdNo", "invtNo"];

/// A paper, and which attempt of it.
pub(super) type Found = (paper::Model, i32);

/// The paper of a number, whichever attempt had it.
pub(super) async fn by_guid(db: &impl ConnectionTrait, guid: &str) -> Result<Option<Found>, Error> {
    if let Some(row) = paper::Entity::find().filter(paper::Column::Guid.eq(guid)).one(db).await? {
        let attempt = row.attempt;
        return Ok(Some((row, attempt)));
    }
    let sent = message::Entity::find()
        .filter(message::Column::Guid.eq(guid))
        .filter(message::Column::Direction.eq(MessageDirection::Out))
        .one(db)
        .await?;
    let Some((id, attempt)) = sent.and_then(|sent| Some((sent.paper_id?, sent.attempt?))) else { return Ok(None) };
    Ok(paper::Entity::find_by_id(id).one(db).await?.map(|row| (row, attempt)))
}

/// What a receipt is about.
pub(super) struct About {
    /// With the attempt of each.
    pub papers: Vec<Found>,
    /// Whether it names the attempt, by the number of that attempt's message.
    pub names_attempt: bool,
}

/// The papers that a receipt is about: the one with the number that it carries, else those of the business key, else the one
/// that has its other numbers, each with the attempt that was under way when customs said it. A payment for several orders
/// has a paper for each, and its receipt is about all. Else what becomes of the receipt.
pub(super) async fn about(
    db: &impl ConnectionTrait,
    kind: PaperKind,
    head: &Record,
    said_at: Option<DateTime<Utc>>,
) -> Result<Result<About, Noted>, Error> {
    if let Some(guid) = head.get("guid")
        && let Some((row, attempt)) = by_guid(db, guid).await?
    {
        if row.kind == kind {
            return Ok(Ok(About { papers: vec![(row, attempt)], names_attempt: true }));
        }
        return Ok(Err(Noted::Refused(format!("{guid} is another kind of paper"))));
    }
    let (rows, unmatched) = match key_of(kind, head) {
        Some(key) => (by_key(db, kind, &key).await?, Noted::Unmatched(key)),
        None => (by_numbers(db, kind, head).await?.into_iter().collect(), unplaced(kind, head)),
    };
    if rows.is_empty() {
        return Ok(Err(unmatched));
    }
    let mut papers = Vec::new();
    for row in rows {
        let attempt = attempt_at(db, &row, said_at).await?;
        papers.push((row, attempt));
    }
    Ok(Ok(About { papers, names_attempt: false }))
}

/// The beginning of the key of what a receipt may be about; none: it leaves a part of it out.
fn key_of(kind: PaperKind, head: &Record) -> Option<String> {
    match kind {
        // Its receipts may leave all of it out; when they say it, it counts.
        PaperKind::Delivery => Some(kind.key(head)).filter(|key| !key.split('|').any(str::is_empty)),
        _ => kind.key_of_receipt(head),
    }
}

/// The papers of a kind whose key is this, or begins so.
async fn by_key(db: &impl ConnectionTrait, kind: PaperKind, key: &str) -> Result<Vec<paper::Model>, Error> {
    // A prefix as a range, which the index knows on both databases.
    let of_key = if key.ends_with('|') {
        Condition::all()
            .add(paper::Column::BusinessKey.gte(key))
            .add(paper::Column::BusinessKey.lt(format!("{key}\u{10ffff}")))
    } else {
        Condition::all().add(paper::Column::BusinessKey.eq(key))
    };
    let rows = paper::Entity::find().filter(paper::Column::Kind.eq(kind)).filter(of_key);
    Ok(rows.order_by_asc(paper::Column::Id).limit(MOST_OF_A_KEY).all(db).await?)
}

/// The paper that a receipt is about which leaves a part of its key out (`agentCode` and `operatorCode` are optional): the
/// only one with its own number (copNo), else with the number of the e-port, else that of the list of customs. Whose own
/// number is another than the receipt names is not meant, whatever else fits.
async fn by_numbers(db: &impl ConnectionTrait, kind: PaperKind, head: &Record) -> Result<Option<paper::Model>, Error> {
    if let Some(number) = head.get("copNo").filter(|_| OF_OWN_NUMBER.contains(&kind))
        && let Some(row) = only(of_any_sender(db, kind, number).await?)
    {
        return Ok(Some(row));
    }
    let own = head.get("copNo").filter(|_| OF_OWN_NUMBER.contains(&kind));
    let meant = |row: &paper::Model| own.is_none_or(|number| row.business_key.rsplit('|').next() == Some(number));
    let of_kind = || paper::Entity::find().filter(paper::Column::Kind.eq(kind)).limit(2);
    let port = head.get("preNo");
    if let Some(number) = port
        && let Some(row) = only(of_kind().filter(paper::Column::PreNo.eq(number)).all(db).await?)
    {
        return Ok(Some(row).filter(meant));
    }
    // A withdrawal and a return name the list that they are about: they are papers of its declaration.
    let Some(number) = head.get("invtNo") else { return Ok(None) };
    let Some(declaration) = taxes::declared_as(db, number).await? else { return Ok(None) };
    let other = |row: &paper::Model| port.zip(row.pre_no.as_deref()).is_some_and(|(said, known)| said != known);
    let row = only(of_kind().filter(paper::Column::DeclarationId.eq(declaration)).all(db).await?);
    Ok(row.filter(|row| meant(row) && !other(row)))
}

/// The papers of a kind that their sender calls so, whoever that is; two at most. The index has the keys of a kind sender by
/// sender: it is asked once for each of them, however many papers there are.
async fn of_any_sender(db: &impl ConnectionTrait, kind: PaperKind, number: &str) -> Result<Vec<paper::Model>, Error> {
    use paper::Column as C;
    let of_kind = || paper::Entity::find().filter(C::Kind.eq(kind));
    let (mut keys, mut after) = (Vec::new(), String::new());
    while keys.len() < MOST_SENDERS {
        let next: Option<String> = of_kind()
            .select_only()
            .column(C::BusinessKey)
            .filter(C::BusinessKey.gt(after.as_str()))
            .order_by_asc(C::BusinessKey)
            .limit(1)
            .into_tuple()
            .one(db)
            .await?;
        let Some((sender, _)) = next.as_deref().and_then(|key| key.split_once('|')) else { break };
        keys.push(format!("{sender}|{number}"));
        after = format!("{sender}|\u{10ffff}");
    }
    if keys.len() == MOST_SENDERS {
        // Nobody knows that there is no other.
        return Ok(Vec::new());
    }
    Ok(of_kind().filter(C::BusinessKey.is_in(keys)).limit(2).all(db).await?)
}

/// The only one of them; none: there is none, or another one.
fn only<T>(mut rows: Vec<T>) -> Option<T> {
    rows.pop().filter(|_| rows.is_empty())
}

/// That a receipt is about no paper, or does not say about which of several.
fn unplaced(kind: PaperKind, head: &Record) -> Noted {
    let named: Vec<String> =
        NUMBERS.iter().filter_map(|name| head.get(name).map(|number| format!("{name} {number}"))).collect();
    if named.is_empty() {
        return Noted::Refused("it names what it is about by no number".into());
    }
    let subject = ["invtNo", "copNo", "preNo", "guid"].iter().find_map(|name| head.get(name)).map(str::to_owned);
    let why = format!("no single paper of CEB{} is known by {}", kind.number(), named.join(" or "));
    Noted::Unplaced { subject, why }
}

/// The attempt of a paper that was under way at a moment: the newest that was written by then.
async fn attempt_at(
    db: &impl ConnectionTrait,
    row: &paper::Model,
    moment: Option<DateTime<Utc>>,
) -> Result<i32, Error> {
    let Some(moment) = moment.filter(|_| row.attempt > 1) else { return Ok(row.attempt) };
    let written = message::Entity::find()
        .filter(message::Column::PaperId.eq(row.id))
        .filter(message::Column::Direction.eq(MessageDirection::Out))
        .filter(message::Column::At.lte(moment + SKEW));
    let attempts = written.all(db).await?.into_iter().filter_map(|written| written.attempt);
    Ok(attempts.max().unwrap_or(1).min(row.attempt))
}
