//! Messages out: a paper becomes bytes that are kept before they are handed over, so that whatever is tried again is the
//! same message. One that does not get through rings an alarm, which goes off when it does.

use entities::{
    customs::{
        ceb::{self, Message},
        declaration,
        export::{declaration as export, summarised},
        message::{self, MessageDirection, MessageVerdict},
        paper::{self, PaperKind, PaperState},
        sale,
    },
    party::organisation,
    values::id::CustomsMessageId,
};
use platform::{
    app::{App, Call, Work},
    customs::{Failure, Outgoing},
    error::Error,
    jobs::{MAX_ATTEMPTS, Verdict, attempts},
    vault,
};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, ExprTrait, IntoActiveModel, QueryFilter, UpdateMany,
    sea_query::Expr,
};

use super::{
    document_of,
    exports::hooks,
    following,
    gathered::{arranged, party},
    jobs::Send,
    locked, message_place, reason, requests, text_of,
};

/// The failed attempt at which it is for a person that a paper does not get through, more than ten minutes after the first:
/// what is away for a moment comes back by itself.
const ALARMING: i32 = 6;

/// Does [`Send`].
pub async fn send(app: &App, job: Send) -> Result<Verdict, Error> {
    let went = handed_over(app, &job).await;
    let marked = match &went {
        Ok(Verdict::Done) => through(app, &job).await,
        _ => stuck(app, &job).await,
    };
    if let Err(error) = marked {
        // What became of the message counts, and not whether a mark could be set.
        tracing::warn!(paper = %job.paper, cause = error.told(), "whether a paper gets through could not be noted");
    }
    went
}

async fn handed_over(app: &App, job: &Send) -> Result<Verdict, Error> {
    let Some((kept, text)) = kept(app, job).await? else { return Ok(Verdict::Done) };
    let outgoing = Outgoing {
        id: kept.id.to_string(),
        kind: kept.kind.and_then(|kind| kind.try_into().ok()).unwrap_or_default(),
        text,
        document: job.document.clone(),
        at: app.clock().now(),
    };
    let asked = tokio::time::timeout(app.config().customs.timeout(), app.customs().send(&outgoing)).await;
    match asked.unwrap_or_else(|_| Err(Failure::unavailable("it took too long"))) {
        Ok(()) => {
            noted(app, &kept, MessageVerdict::Delivered, None).await?;
            Ok(Verdict::Done)
        }
        Err(Failure::Unavailable(cause)) => {
            Ok(Verdict::Again { after: None, reason: format!("the gateway does not answer: {cause}") })
        }
        Err(refused) => {
            undeliverable(app, job, &kept, &refused.told()).await?;
            Ok(Verdict::Done)
        }
    }
}

/// The message of an attempt, made when it is not there yet; none: the attempt is not the newest any more, or customs has
/// answered it.
async fn kept(app: &App, job: &Send) -> Result<Option<(message::Model, String)>, Error> {
    let mut work = app.begin(&Call::unasked("customs")).await?;
    let find = || paper::Entity::find_by_id(job.paper).one(work.tx());
    let mut row = find().await?.ok_or_else(|| Error::internal("a paper is gone"))?;
    if let Some(declaration) = row.declaration_id {
        if locked(work.tx(), declaration).await?.state.is_over() {
            // It was taken back meanwhile: customs hears nothing of it.
            return Ok(None);
        }
        row = find().await?.ok_or_else(|| Error::internal("a paper is gone"))?;
    }
    if row.kind.is_export() {
        if !hooks::is_wanted(work.tx(), &row).await? {
            return Ok(None);
        }
        row = find().await?.ok_or_else(|| Error::internal("a paper is gone"))?;
    }
    let waits = row.state.is_unanswered();
    if row.attempt != job.attempt || !waits {
        return Ok(None);
    }
    if row.kind == PaperKind::Cancellation && !requests::is_asked(work.tx(), &row).await? {
        // Customs decided about the list meanwhile: there is nothing to withdraw.
        return Ok(None);
    }
    if let Some(before) = of_attempt(work.tx(), &row).await? {
        let text = text_of(app.vault(), &before)?;
        begun(&work, &row).await?;
        work.commit(()).await?;
        return Ok(Some((before, text)));
    }
    let text = match written(app, work.tx(), &row).await? {
        Ok(text) => text,
        Err(faults) => {
            // What the schema does not allow is not sent: somebody mends what it is made of.
            following::failed(app, &mut work, &row, &faults).await?;
            work.commit(()).await?;
            return Ok(None);
        }
    };
    let kept = keep(app, work.tx(), &row, &text, work.now).await?;
    begun(&work, &row).await?;
    work.commit(()).await?;
    Ok(Some((kept, text)))
}

async fn of_attempt(db: &impl ConnectionTrait, row: &paper::Model) -> Result<Option<message::Model>, Error> {
    let found = message::Entity::find()
        .filter(message::Column::PaperId.eq(row.id))
        .filter(message::Column::Attempt.eq(row.attempt))
        .filter(message::Column::Direction.eq(MessageDirection::Out));
    Ok(found.one(db).await?)
}

/// Keeps the bytes of a paper's attempt.
pub(super) async fn keep(
    app: &App,
    tx: &impl ConnectionTrait,
    row: &paper::Model,
    text: &str,
    now: chrono::DateTime<chrono::Utc>,
) -> Result<message::Model, Error> {
    let id = CustomsMessageId::new(now);
    let kept = message::Model {
        id,
        direction: MessageDirection::Out,
        kind: Some(row.kind.number().into()),
        guid: Some(row.guid.clone()),
        hash: vault::sha256_hex(text.as_bytes()),
        size: i64::try_from(text.len()).unwrap_or(i64::MAX),
        body: app.vault().seal(&message_place(id), text.as_bytes())?,
        verdict: MessageVerdict::Waiting,
        reason: None,
        subject: None,
        paper_id: Some(row.id),
        attempt: Some(row.attempt),
        looked_at: None,
        at: now,
    };
    message::Entity::insert(kept.clone().into_active_model()).exec_without_returning(tx).await?;
    Ok(kept)
}

/// A paper goes on its way.
async fn begun(work: &Work, row: &paper::Model) -> Result<(), Error> {
    use paper::Column as C;
    paper::Entity::update_many()
        .col_expr(C::State, Expr::val(PaperState::Sent))
        .col_expr(C::SentAt, Expr::val(Some(work.now)))
        .col_expr(C::Version, Expr::col(C::Version).add(1))
        .col_expr(C::UpdatedAt, Expr::val(work.now))
        .filter(C::Id.eq(row.id))
        .filter(C::State.eq(PaperState::Draft))
        .exec(work.tx())
        .await?;
    Ok(())
}

/// The message of a paper, signed; or what the schema does not allow of it.
async fn written(app: &App, db: &impl ConnectionTrait, row: &paper::Model) -> Result<Result<String, String>, Error> {
    let number = row.kind.number();
    let kind = ceb::kind(number).ok_or_else(|| Error::internal(format!("there is no CEB{number}")))?;
    let declarer = match row.declaration_id {
        Some(id) => {
            let of = locked(db, id).await?;
            arranged(db, of.seller_id, of.mode).await?.map(|arrangement| arrangement.declarer_id)
        }
        None => hooks::declarer(db, row).await?,
    };
    let sender = organisation::Entity::find_by_id(declarer.unwrap_or(row.sender_id)).one(db).await?;
    let Some(sender) = sender.as_ref().and_then(party) else {
        return Ok(Err("the declarer has no code at customs".into()));
    };
    let document = document_of(app.vault(), row)?;
    let mut message = Message {
        transfer: Some(sale::transfer(&sender, &app.config().customs.dxp_id)),
        ..Message::new(kind, row.guid.clone(), vec![document])
    };
    // The key is the house's for whomever it sends: it is the terminal that is registered. With none of its own it is that
    // of the demo, which the simulator alone is content with.
    if message.must_be_signed() {
        match message.write() {
            Ok(text) => message.signature = Some(app.signing().signer().sign(&text).map_err(Error::internal)?),
            Err(faults) => return Ok(Err(told(&faults))),
        }
    }
    Ok(message.write().map_err(|faults| told(&faults)))
}

fn told(faults: &[ceb::Fault]) -> String {
    let all: Vec<String> = faults.iter().map(ToString::to_string).collect();
    reason(&all.join("; "))
}

async fn noted(app: &App, kept: &message::Model, verdict: MessageVerdict, why: Option<&str>) -> Result<(), Error> {
    message::Entity::update_many()
        .col_expr(message::Column::Verdict, Expr::val(verdict))
        .col_expr(message::Column::Reason, Expr::val(why.map(reason)))
        .filter(message::Column::Id.eq(kept.id))
        .exec(app.db().writer())
        .await?;
    Ok(())
}

/// The other end does not take a message: the paper failed, and may be sent again when that is mended.
async fn undeliverable(app: &App, job: &Send, kept: &message::Model, why: &str) -> Result<(), Error> {
    noted(app, kept, MessageVerdict::Undeliverable, Some(why)).await?;
    let mut work = app.begin(&Call::unasked("customs")).await?;
    let Some(row) = unanswered(&work, job).await? else { return Ok(()) };
    following::failed(app, &mut work, &row, why).await?;
    work.commit(()).await
}

/// The paper of a job, with what it is about locked. None: there is a newer attempt, or customs has said something; what it
/// said meanwhile counts, it has the message from an earlier time that it was handed over.
async fn unanswered(work: &Work, job: &Send) -> Result<Option<paper::Model>, Error> {
    let find = || paper::Entity::find_by_id(job.paper).one(work.tx());
    let gone = || Error::internal("a paper is gone");
    let row = find().await?.ok_or_else(gone)?;
    if let Some(declaration) = row.declaration_id {
        locked(work.tx(), declaration).await?;
    }
    hooks::lock(work.tx(), &row).await?;
    let row = find().await?.ok_or_else(gone)?;
    let waits = matches!(row.state, PaperState::Draft | PaperState::Sent);
    Ok(Some(row).filter(|row| row.attempt == job.attempt && waits))
}

/// What an alarm says of a paper that does not get through: while it is sent again, and when it was given up.
fn not_through(kind: PaperKind) -> [String; 2] {
    let paper = format!("CEB{}", kind.number());
    [
        format!("{paper} does not get to customs; it is sent again"),
        format!("{paper} did not get to customs and is not sent again: it is among the dead letters"),
    ]
}

/// An attempt failed: from when on a person looks. Once while it is tried, and once when this was the last time: until
/// somebody replays it, the paper stays as if it were on its way.
async fn stuck(app: &App, job: &Send) -> Result<(), Error> {
    let begun = attempts(app.db().read(), job).await?;
    if begun != ALARMING && begun < MAX_ATTEMPTS {
        return Ok(());
    }
    alarmed(app, job, begun >= MAX_ATTEMPTS).await
}

/// A job was given up, however its last attempt ended: what was stopped by its time limit could say nothing itself.
pub async fn given_up(app: &App, payload: &str) -> Result<(), Error> {
    let job: Send = serde_json::from_str(payload).map_err(Error::internal)?;
    alarmed(app, &job, true).await
}

async fn alarmed(app: &App, job: &Send, given_up: bool) -> Result<(), Error> {
    let work = app.begin(&Call::unasked("customs")).await?;
    let Some(row) = unanswered(&work, job).await? else { return Ok(()) };
    let [again, no_more] = not_through(row.kind);
    mark(work.tx(), &row, Some(if given_up { no_more } else { again })).await?;
    work.commit(()).await
}

/// There is nothing left to hand over: if it did not get through before, that is over.
async fn through(app: &App, job: &Send) -> Result<(), Error> {
    let db = app.db().writer();
    match paper::Entity::find_by_id(job.paper).one(db).await? {
        Some(row) => mark(db, &row, None).await,
        None => Ok(()),
    }
}

/// Says where a person looks that a paper does not get through, or takes that off again.
async fn mark(db: &impl ConnectionTrait, row: &paper::Model, what: Option<String>) -> Result<(), Error> {
    if let Some(id) = row.declaration_id {
        use declaration::Column as C;
        let of = marking::<declaration::Entity>(C::Alarm, C::Version, row.kind, what);
        of.filter(C::Id.eq(id)).exec(db).await?;
    } else if row.kind == PaperKind::Summary {
        use summarised::{Column as C, part};
        let Some(part) = part::Entity::find().filter(part::Column::PaperId.eq(row.id)).one(db).await? else {
            return Ok(());
        };
        let of = marking::<summarised::Entity>(C::Alarm, C::Version, row.kind, what);
        of.filter(C::Id.eq(part.summary_id)).exec(db).await?;
    } else if row.kind.is_export() {
        use export::Column as C;
        let about = hooks::exports_of_papers(db, &[row.id]).await?;
        let of = marking::<export::Entity>(C::Alarm, C::Version, row.kind, what);
        of.filter(C::Id.is_in(about)).exec(db).await?;
    }
    Ok(())
}

/// Sets the alarm of what is filtered then, or takes it off. What else is odd there stays until somebody looked: it is
/// neither written over nor taken off.
fn marking<E: EntityTrait>(
    alarm: E::Column,
    version: E::Column,
    kind: PaperKind,
    what: Option<String>,
) -> UpdateMany<E> {
    let own = alarm.into_expr().is_in(not_through(kind));
    let over = Condition::any().add_option(what.is_some().then(|| alarm.into_expr().is_null())).add(own);
    E::update_many().col_expr(alarm, Expr::val(what)).col_expr(version, version.into_expr().add(1)).filter(over)
}
