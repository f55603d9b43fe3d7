//! Messages in: whatever comes is kept, with its hash and what became of it. What is no message, not from whom it should
//! be, or says what cannot be, changes nothing. What came before changes nothing either: a receipt is known by its paper,
//! its status and its time.
//!
//! A message is kept in a transaction of its own, and followed in another: what cannot be followed now is not lost, and
//! is read again ([`read_again`]). All declarations that a message is about are locked before anything of it is noted,
//! in the order of their ids.
//!
//! What a message says is read without the space around it. Which papers a receipt is about is found in `named`. Of
//! a message with many receipts what is known is noted at once, and the message waits for the rest.

use chrono::{DateTime, Duration, Utc};
use entities::{
    customs::{
        ceb::{self, Document, Message, Record, Signing},
        codes,
        message::{self, MessageDirection, MessageVerdict},
        paper::{self, PaperKind},
        receipt::{self, ReturnStatus},
    },
    values::id::{CustomsMessageId, CustomsPaperId, CustomsReceiptId, DeclarationId},
};
use platform::{
    app::{App, Call, Work},
    customs::Failure,
    db::wrote,
    error::Error,
    vault,
};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, Func, OnConflict},
};

use super::{
    advance::alarm,
    exports::{hooks, summaries},
    following, kept_text, locked, message_place,
    named::{About, about, by_guid},
    people_of, reason, taxes, text_of, without_people,
};

/// Largest message that is taken; of a larger one the beginning is kept, and nothing of what is not even read to its end.
pub const LARGEST: usize = 16 << 20;
/// How much is kept of what is too large or cannot be read.
const KEPT_OF_REFUSED: usize = 64 * 1024;
/// Most messages that are read again at once, and for how long they are.
const READ_AGAIN: u64 = 100;
const READ_AGAIN_FOR: Duration = Duration::days(7);
/// The messages of tax bills, and for how long these are: a bill is due until day 45 after the release, and how it stands
/// may be said weeks before it comes itself.
const OF_BILLS: [i32; 2] = [816, 818];
const BILLS_READ_AGAIN_FOR: Duration = Duration::days(60);
/// How long a message may be on its way through the house before it is read again.
const BEING_READ: Duration = Duration::minutes(1);
/// Longest reason that is put together of those of several records.
const LONGEST_REASONS: usize = 500;

/// What became of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// Which.
    pub message: CustomsMessageId,
    /// What.
    pub verdict: MessageVerdict,
    /// Why.
    pub reason: Option<String>,
}

/// Whether it may be the gateway that pushes, by its headers: a stranger's body is not read at all.
pub fn admits(app: &App, headers: &[(String, String)]) -> bool {
    let admitted = app.customs().admits(headers);
    if !admitted {
        tracing::warn!("a message was not read whose headers are not the gateway's");
    }
    admitted
}

/// Something was pushed to the house: it is unpacked, and received. None: it is not from the gateway, and nothing is kept of
/// it but a line in the log.
pub async fn pushed(app: &App, headers: &[(String, String)], body: &[u8]) -> Result<Option<Received>, Error> {
    match app.customs().unpack(headers, body, app.clock().now()) {
        Ok(bytes) => Ok(Some(receive(app, &bytes).await?)),
        Err(Failure::Unreadable(why)) => Ok(Some(refused(app, body, &why).await?)),
        Err(failure) => {
            tracing::warn!(cause = failure.told(), "a message that is not from the gateway was not taken");
            Ok(None)
        }
    }
}

/// Takes a message of customs.
pub async fn receive(app: &App, bytes: &[u8]) -> Result<Received, Error> {
    let read = match ceb::read(bytes) {
        Ok(read) if read.kind.signing == Signing::Told => read,
        Ok(read) => return refused(app, bytes, &format!("{} is nothing that customs says", read.root())).await,
        Err(why) => return refused(app, bytes, &why.to_string()).await,
    };
    let now = app.clock().now();
    let row = keep(app, app.db().writer(), bytes, now, Some(&read), (MessageVerdict::Waiting, None)).await?;
    followed(app, &row, &read).await
}

/// Notes what a message that is kept says.
async fn followed(app: &App, row: &message::Model, read: &Message) -> Result<Received, Error> {
    let mut work = app.begin(&Call::unasked("customs")).await?;
    let noted = all_noted(app, &mut work, row, read).await?;
    let received = settle(&work, row, noted).await?;
    work.commit(()).await?;
    if received.verdict == MessageVerdict::Unknown {
        // What it says may name people; whoever keeps customs reads it there.
        tracing::warn!(message = %received.message, "customs says what the house does not know");
    }
    Ok(received)
}

/// What is known of something that was pushed and is larger than any message in its envelope. It was not kept while it was
/// read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unkept {
    /// How many bytes it has, as its headers announce; none: they do not.
    pub announced: Option<u64>,
    /// How many of them were read.
    pub read: u64,
    /// SHA-256 of those that were read, in hex.
    pub hash: String,
}

/// Something was pushed that is larger than any message: that it came is kept, with its size and the hash of what was read of
/// it, and without a body. None: whoever pushed it does not prove to be the gateway, and nothing is kept.
pub async fn too_large(app: &App, headers: &[(String, String)], unkept: &Unkept) -> Result<Option<Received>, Error> {
    let Unkept { announced, read, hash } = unkept;
    let size = announced.unwrap_or_default().max(*read);
    if !app.customs().proves(headers, hash) {
        // There is no row of it: to announce a large body costs a stranger nothing, and anyone could fill the table.
        tracing::warn!(size, "something too large that is not from the gateway was not taken");
        return Ok(None);
    }
    let least = if announced.is_some() { "" } else { "at least " };
    let why = format!(
        "it has {least}{size} bytes as it was pushed, and a message has at most {LARGEST}: it was not kept, and its hash is \
         that of the {read} bytes that were read"
    );
    let size = i64::try_from(size).unwrap_or(i64::MAX);
    Ok(Some(put_refused(app, b"", (hash.clone(), size), &why).await?))
}

/// Keeps what is refused.
pub(super) async fn refused(app: &App, bytes: &[u8], why: &str) -> Result<Received, Error> {
    let part = bytes.get(..KEPT_OF_REFUSED).unwrap_or(bytes);
    let size = i64::try_from(bytes.len()).unwrap_or(i64::MAX);
    put_refused(app, part, (vault::sha256_hex(bytes), size), why).await
}

/// The same, of which this part is kept.
async fn put_refused(app: &App, part: &[u8], (hash, size): (String, i64), why: &str) -> Result<Received, Error> {
    let why = reason(why);
    let id = CustomsMessageId::new(app.clock().now());
    let row = message::Model {
        id,
        direction: MessageDirection::In,
        kind: None,
        guid: None,
        hash,
        size,
        body: app.vault().seal(&message_place(id), part)?,
        verdict: MessageVerdict::Refused,
        reason: Some(why.clone()),
        subject: None,
        paper_id: None,
        attempt: None,
        looked_at: None,
        at: app.clock().now(),
    };
    message::Entity::insert(row.into_active_model()).exec_without_returning(app.db().writer()).await?;
    tracing::warn!(message = %id, reason = why, "a customs message was refused");
    Ok(Received { message: id, verdict: MessageVerdict::Refused, reason: Some(why) })
}

/// Keeps a message that could be read.
pub(super) async fn keep(
    app: &App,
    tx: &impl ConnectionTrait,
    bytes: &[u8],
    now: DateTime<Utc>,
    read: Option<&Message>,
    (verdict, paper): (MessageVerdict, Option<CustomsPaperId>),
) -> Result<message::Model, Error> {
    let id = CustomsMessageId::new(now);
    let row = message::Model {
        id,
        direction: MessageDirection::In,
        kind: read.map(|read| read.kind.number.into()),
        guid: read.map(|read| kept_text(&read.guid, 64)),
        hash: vault::sha256_hex(bytes),
        size: i64::try_from(bytes.len()).unwrap_or(i64::MAX),
        body: app.vault().seal(&message_place(id), bytes)?,
        verdict,
        reason: None,
        subject: None,
        paper_id: paper,
        attempt: None,
        looked_at: None,
        at: now,
    };
    message::Entity::insert(row.clone().into_active_model()).exec_without_returning(tx).await?;
    Ok(row)
}

/// What became of one thing that a message says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Noted {
    /// It was new.
    New,
    /// It was said before.
    Before,
    /// It is about nothing that is known; what it is about.
    Unmatched(String),
    /// It leaves a part of its business key out, and its other numbers are those of no paper, or of several.
    Unplaced {
        /// The number of it that may become known.
        subject: Option<String>,
        /// What it names, for a person.
        why: String,
    },
    /// The house does not know what it says.
    Unknown(String),
    /// It says what cannot be.
    Refused(String),
}

async fn all_noted(
    app: &App,
    work: &mut Work,
    row: &message::Model,
    read: &Message,
) -> Result<Vec<(Noted, Option<CustomsPaperId>)>, Error> {
    let documents: Vec<Document> = read.documents.iter().map(meant).collect();
    if documents.len() > 1 {
        lock_all(work, read.kind.number, &documents).await?;
    }
    let mut all = Vec::new();
    for document in &documents {
        all.push(match read.kind.number {
            816 => {
                let noted = taxes::billed(app, work, document).await?;
                if noted == Noted::New {
                    // How the bill stands may have been said before it came.
                    let subject = document.head.get("invtNo").unwrap_or_default();
                    Box::pin(again(app, work, subject, row.id)).await?;
                }
                (noted, None)
            }
            818 => (taxes::stated(work, &document.head).await?, None),
            792 => (summaries::answered(work, document).await?, None),
            900 => misread(app, work, row, document).await?,
            number => match number.checked_sub(1).and_then(PaperKind::of_number) {
                Some(kind) => receipt_of(app, work, row, kind, &document.head).await?,
                None => (Noted::Unknown(format!("CEB{number} is nothing that the house follows")), None),
            },
        });
    }
    Ok(all)
}

/// A document as it is meant: without the space and the line breaks around what it says, which some who write messages leave.
fn meant(document: &Document) -> Document {
    let trimmed =
        |record: &Record| record.values().fold(Record::default(), |said, (name, value)| said.with(name, value.trim()));
    Document { head: trimmed(&document.head), lines: document.lines.iter().map(trimmed).collect() }
}

/// Locks the declarations that a message is about, in the order of their ids: two messages about the same ones, in
/// whichever order they name them, do not wait for each other in a circle.
async fn lock_all(work: &Work, number: u16, documents: &[Document]) -> Result<(), Error> {
    let mut about_all: Vec<DeclarationId> = Vec::new();
    let mut papers: Vec<CustomsPaperId> = Vec::new();
    for Document { head, .. } in documents {
        match number.checked_sub(1).and_then(PaperKind::of_number) {
            Some(kind) => {
                let Ok(found) = about(work.tx(), kind, head, None).await? else { continue };
                about_all.extend(found.papers.iter().filter_map(|(paper, _)| paper.declaration_id));
                papers.extend(found.papers.iter().map(|(paper, _)| paper.id));
            }
            None => about_all.extend(taxes::declared_as(work.tx(), head.get("invtNo").unwrap_or_default()).await?),
        }
    }
    about_all.sort_unstable();
    about_all.dedup();
    for id in about_all {
        locked(work.tx(), id).await?;
    }
    let exports = hooks::exports_of_papers(work.tx(), &papers).await?;
    hooks::lock_exports(work.tx(), &exports).await
}

/// Notes what became of a message: what is worst of what became of its parts, with the reasons of all that are as bad. A part
/// that is about nothing known goes before all: the message is read again.
async fn settle(
    work: &Work,
    row: &message::Model,
    noted: Vec<(Noted, Option<CustomsPaperId>)>,
) -> Result<Received, Error> {
    use message::Column as C;
    let paper = noted.iter().find_map(|(_, paper)| *paper);
    let mut outcome: (MessageVerdict, Option<String>, Option<String>) = (MessageVerdict::Repeated, None, None);
    let rank = |verdict: MessageVerdict| match verdict {
        MessageVerdict::Unmatched => 4,
        MessageVerdict::Refused => 3,
        MessageVerdict::Unknown => 2,
        MessageVerdict::Taken => 1,
        _ => 0,
    };
    for (noted, _) in noted {
        let (verdict, reason, subject) = match noted {
            Noted::New => (MessageVerdict::Taken, None, None),
            Noted::Before => (MessageVerdict::Repeated, None, None),
            Noted::Unmatched(subject) => {
                (MessageVerdict::Unmatched, Some(format!("nothing is known as {subject}")), Some(subject))
            }
            Noted::Unplaced { subject, why } => (MessageVerdict::Unmatched, Some(why), subject),
            Noted::Unknown(what) => (MessageVerdict::Unknown, Some(what), None),
            Noted::Refused(why) => (MessageVerdict::Refused, Some(why), None),
        };
        if rank(verdict) > rank(outcome.0) {
            outcome = (verdict, reason, subject);
        } else if verdict == outcome.0
            && let (Some(all), Some(more)) = (outcome.1.as_mut(), reason)
            && all.len() < LONGEST_REASONS
            && *all != more
        {
            all.push_str("; ");
            all.push_str(&more);
        }
    }
    let (verdict, why, subject) = outcome;
    let why = why.as_deref().map(reason);
    let subject = subject.as_deref().map(|subject| kept_text(subject, 240));
    message::Entity::update_many()
        .col_expr(C::Verdict, Expr::val(verdict))
        .col_expr(C::Reason, Expr::val(why.clone()))
        .col_expr(C::Subject, Expr::val(subject))
        .col_expr(C::PaperId, Expr::val(paper.or(row.paper_id)))
        .filter(C::Id.eq(row.id))
        .exec(work.tx())
        .await?;
    Ok(Received { message: row.id, verdict, reason: why })
}

/// Notes a receipt of a paper.
async fn receipt_of(
    app: &App,
    work: &mut Work,
    row: &message::Model,
    kind: PaperKind,
    head: &Record,
) -> Result<(Noted, Option<CustomsPaperId>), Error> {
    let said = |name: &str| head.get(name).map(str::trim).unwrap_or_default().to_owned();
    let (status, time) = (said("returnStatus"), said("returnTime"));
    if status.is_empty() || status.len() > 10 || !status.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok((Noted::Refused("returnStatus is none".into()), None));
    }
    let Some(said_at) = codes::read_moment(&time).filter(|_| time.len() == 17) else {
        return Ok((Noted::Refused("returnTime is no moment of 17 digits".into()), None));
    };
    let About { papers, names_attempt } = match about(work.tx(), kind, head, Some(said_at)).await? {
        Ok(found) => found,
        Err(noted) => return Ok((noted, None)),
    };
    let first = papers.first().map(|(paper, _)| paper.id);
    let mut outcome = Noted::Before;
    for (paper, attempt) in papers {
        if !names_attempt && said_before(work.tx(), &paper, &status, &time).await? {
            continue;
        }
        let noted = note(app, work, row, paper, attempt, (&status, &time, &said("returnInfo")), head).await?;
        if outcome == Noted::Before {
            outcome = noted;
        }
    }
    Ok((outcome, first))
}

/// Whether the same was said of any attempt of a paper: a receipt that does not say of which it is comes again, after the
/// paper was sent anew.
async fn said_before(db: &impl ConnectionTrait, paper: &paper::Model, status: &str, time: &str) -> Result<bool, Error> {
    let same = receipt::Entity::find()
        .filter(receipt::Column::PaperId.eq(paper.id))
        .filter(receipt::Column::Status.eq(status))
        .filter(receipt::Column::Time.eq(time));
    Ok(same.one(db).await?.is_some())
}

/// Adds a receipt to a paper, and follows it.
async fn note(
    app: &App,
    work: &mut Work,
    row: &message::Model,
    found: paper::Model,
    attempt: i32,
    (status, time, info): (&str, &str, &str),
    head: &Record,
) -> Result<Noted, Error> {
    use receipt::Column as C;
    // The declaration first, as everyone locks; then the paper as it is now.
    let people = match found.declaration_id {
        Some(declaration) => people_of(app.vault(), &locked(work.tx(), declaration).await?)?,
        None => Vec::new(),
    };
    hooks::lock(work.tx(), &found).await?;
    let known = ReturnStatus::of(status).is_some();
    let new = receipt::Model {
        id: CustomsReceiptId::new(work.now),
        paper_id: found.id,
        attempt,
        status: status.to_owned(),
        time: time.to_owned(),
        info: kept_text(&without_people(info, &people), 1_000),
        known,
        message_id: row.id,
        at: work.now,
    };
    let once = OnConflict::columns([C::PaperId, C::Attempt, C::Status, C::Time]).do_nothing().to_owned();
    let insert = receipt::Entity::insert(new.into_active_model()).on_conflict(once).try_insert();
    if !wrote(insert.exec_without_returning(work.tx()).await)? {
        return Ok(Noted::Before);
    }
    if !known {
        let what = format!("CEB{} said {status}", found.kind.receipt());
        if let Some(declaration) = found.declaration_id {
            alarm(work, declaration, &what).await?;
        } else {
            hooks::alarm(work, &found, &what).await?;
        }
        return Ok(Noted::Unknown(format!("{what}: {info}")));
    }
    let paper = paper::Entity::find_by_id(found.id).one(work.tx()).await?;
    let paper = paper.ok_or_else(|| Error::internal("a paper is gone"))?;
    if paper.attempt != attempt {
        // About an attempt that was given up: it is kept, and changes nothing. That customs has it is for a person.
        let taken = ReturnStatus::of(status).is_some_and(|status| status.state.is_taken_in());
        let what =
            format!("customs said {status} of attempt {attempt} of CEB{}, which was given up", paper.kind.number());
        match paper.declaration_id.filter(|_| taken) {
            Some(declaration) => alarm(work, declaration, &what).await?,
            None if taken => hooks::alarm(work, &paper, &what).await?,
            None => {}
        }
        return Ok(Noted::New);
    }
    let is_list = matches!(paper.kind, PaperKind::List | PaperKind::ExportList);
    let invt_no = head.get("invtNo").filter(|_| is_list);
    if let (Some(before), Some(said)) = (paper.invt_no.as_deref(), invt_no)
        && before != said
    {
        let what = format!("customs calls the list {before} and {said}");
        match paper.declaration_id {
            Some(declaration) => alarm(work, declaration, &what).await?,
            None => hooks::alarm(work, &paper, &what).await?,
        }
    }
    let stated = following::numbered(work, &paper, head.get("preNo"), invt_no).await?;
    let after = following::follow(app, work, &stated).await?;
    if let Some(subject) = hooks::numbered(app, work, &after, head).await? {
        Box::pin(again(app, work, &subject, row.id)).await?;
    }
    if paper.invt_no.is_none() && after.invt_no.is_some() {
        // Bills may have come before the list had its number.
        let subject = after.invt_no.clone().unwrap_or_default();
        following::went_numbered(app, work, &paper, &after).await?;
        Box::pin(again(app, work, &subject, row.id)).await?;
    }
    Ok(Noted::New)
}

/// A message that the e-port could not read (CEB900): the paper failed.
async fn misread(
    app: &App,
    work: &mut Work,
    row: &message::Model,
    document: &Document,
) -> Result<(Noted, Option<CustomsPaperId>), Error> {
    let head = &document.head;
    let said = |name: &str| head.get(name).map(str::trim).unwrap_or_default().to_owned();
    let mut found = None;
    if let Ok(id) = said("oriCopMsgId").parse::<uuid::Uuid>() {
        let sent = message::Entity::find_by_id(CustomsMessageId(id)).one(work.tx()).await?;
        if let Some((paper, attempt)) = sent.and_then(|sent| Some((sent.paper_id?, sent.attempt?))) {
            found = paper::Entity::find_by_id(paper).one(work.tx()).await?.map(|row| (row, attempt));
        }
    }
    if found.is_none() {
        found = by_guid(work.tx(), &said("guid")).await?;
    }
    let Some((found, attempt)) = found else { return Ok((Noted::Unmatched(said("oriCopMsgId")), None)) };
    let (status, time) = (said("returnStatus"), said("returnTime"));
    if ReturnStatus::of(&status).is_none_or(|status| status.number >= 0) || codes::read_moment(&time).is_none() {
        return Ok((Noted::Refused("returnStatus is no exception, or returnTime no moment".into()), None));
    }
    let info = said("returnInfo");
    let noted = note(app, work, row, found.clone(), attempt, (&status, &time, &info), &Record::default()).await?;
    Ok((noted, Some(found.id)))
}

/// Reads messages again that came before what they are about; not the one that is being read.
async fn again(app: &App, work: &mut Work, subject: &str, being_read: CustomsMessageId) -> Result<(), Error> {
    let unmatched = || message::Entity::find().filter(message::Column::Verdict.eq(MessageVerdict::Unmatched));
    let rows = unmatched()
        .filter(message::Column::Subject.eq(subject))
        .filter(message::Column::Id.ne(being_read))
        .order_by_asc(message::Column::Id)
        .limit(READ_AGAIN)
        .all(work.tx())
        .await?;
    for row in rows {
        // What one of them led to may have read another one already.
        if unmatched().filter(message::Column::Id.eq(row.id)).one(work.tx()).await?.is_none() {
            continue;
        }
        let text = text_of(app.vault(), &row)?;
        let Ok(read) = ceb::read(text.as_bytes()) else { continue };
        let noted = all_noted(app, work, &row, &read).await?;
        settle(work, &row, noted).await?;
    }
    Ok(())
}

/// The same for all that came of late, now and then: what they are about may have become known in another transaction,
/// or what they say could not be followed when they came. The one that was looked at the longest ago goes first.
pub(super) async fn read_again(app: &App) -> Result<(), Error> {
    use message::Column as C;
    let now = app.clock().now();
    let waits = Condition::all().add(C::Verdict.eq(MessageVerdict::Waiting)).add(C::At.lt(now - BEING_READ));
    let of_bills = Condition::all().add(C::Kind.is_in(OF_BILLS)).add(C::At.gt(now - BILLS_READ_AGAIN_FOR));
    let rows = message::Entity::find()
        .filter(Condition::any().add(C::Verdict.eq(MessageVerdict::Unmatched)).add(waits))
        .filter(C::Direction.eq(MessageDirection::In))
        .filter(Condition::any().add(C::At.gt(now - READ_AGAIN_FOR)).add(of_bills))
        .order_by_asc(Func::coalesce([Expr::col(C::LookedAt), Expr::col(C::At)]))
        .order_by_asc(C::Id)
        .limit(READ_AGAIN)
        .all(app.db().read())
        .await?;
    for row in rows {
        message::Entity::update_many()
            .col_expr(C::LookedAt, Expr::val(Some(now)))
            .filter(C::Id.eq(row.id))
            .exec(app.db().writer())
            .await?;
        let text = text_of(app.vault(), &row)?;
        let Ok(read) = ceb::read(text.as_bytes()) else { continue };
        if let Err(error) = followed(app, &row, &read).await {
            // The others do not wait for it.
            tracing::error!(message = %row.id, cause = error.told(), "a customs message cannot be followed");
        }
    }
    Ok(())
}
