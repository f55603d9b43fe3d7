//! What the rooms that send, receive and follow papers ask about those of exports.

use entities::{
    customs::{
        ceb::Record,
        export::{
            about,
            declaration::{self, ExportState},
            summarised,
        },
        paper::{self, PaperKind, PaperState},
    },
    values::id::{CustomsPaperId, ExportId, OrganisationId},
};
use platform::{
    app::{App, Work},
    error::Error,
};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use super::{
    IN_STATEMENT, advance, locked, locked_all,
    papers::{newest, of_export},
    summaries, undo,
};

/// The exports that a paper is about, in the order of their ids.
async fn exports_of(db: &impl ConnectionTrait, paper: CustomsPaperId) -> Result<Vec<ExportId>, Error> {
    exports_of_papers(db, &[paper]).await
}

/// The exports that papers are about, in the order of their ids.
pub(crate) async fn exports_of_papers(
    db: &impl ConnectionTrait,
    ids: &[CustomsPaperId],
) -> Result<Vec<ExportId>, Error> {
    let mut all = Vec::new();
    for some in ids.chunks(IN_STATEMENT) {
        let rows = about::Entity::find().filter(about::Column::PaperId.is_in(some.iter().copied())).all(db).await?;
        all.extend(rows.into_iter().map(|row| row.export_id));
    }
    all.sort_unstable();
    all.dedup();
    Ok(all)
}

/// Locks exports, which are in the order of their ids.
pub(crate) async fn lock_exports(tx: &impl ConnectionTrait, ids: &[ExportId]) -> Result<(), Error> {
    for some in ids.chunks(IN_STATEMENT) {
        locked_all(tx, some).await?;
    }
    Ok(())
}

/// Locks what hangs on a paper of exports, before the paper is changed.
pub(crate) async fn lock(tx: &impl ConnectionTrait, row: &paper::Model) -> Result<(), Error> {
    if !row.kind.is_export() {
        return Ok(());
    }
    if row.kind == PaperKind::Summary {
        summaries::locked_of_paper(tx, row.id).await?;
        return Ok(());
    }
    locked_all(tx, &exports_of(tx, row.id).await?).await?;
    Ok(())
}

/// Whether a paper is still to be sent: not when all that it is about was taken back. What it is about is locked.
pub(crate) async fn is_wanted(tx: &impl ConnectionTrait, row: &paper::Model) -> Result<bool, Error> {
    if !row.kind.is_export() || row.kind == PaperKind::Summary {
        lock(tx, row).await?;
        return Ok(true);
    }
    let all = locked_all(tx, &exports_of(tx, row.id).await?).await?;
    Ok(all.iter().any(|export| !export.state.is_over()))
}

/// Whose terminal a paper of exports is sent from: that of who declares.
pub(crate) async fn declarer(db: &impl ConnectionTrait, row: &paper::Model) -> Result<Option<OrganisationId>, Error> {
    if row.kind == PaperKind::Summary {
        return Ok(summaries::of_paper(db, row.id).await?.map(|summary: summarised::Model| summary.declarer_id));
    }
    let export = about::Entity::find()
        .filter(about::Column::PaperId.eq(row.id))
        .order_by_asc(about::Column::ExportId)
        .limit(1)
        .one(db)
        .await?;
    match export {
        Some(export) => Ok(Some(locked(db, export.export_id).await?.declarer_id)),
        None => Ok(None),
    }
}

/// Something that customs said of a paper is odd.
pub(crate) async fn alarm(work: &Work, row: &paper::Model, what: &str) -> Result<(), Error> {
    if row.kind == PaperKind::Summary {
        return summaries::alarm_of_paper(work, row.id, what).await;
    }
    for export in exports_of(work.tx(), row.id).await? {
        advance::alarm(work, export, what).await?;
    }
    Ok(())
}

/// A paper of exports came to another state.
pub(crate) async fn went_on(
    app: &App,
    work: &mut Work,
    before: &paper::Model,
    next: &paper::Model,
) -> Result<(), Error> {
    // What the e-port says on the way leads nowhere new.
    let on_the_way = PaperState::is_unanswered;
    if on_the_way(next.state) && on_the_way(before.state) {
        return Ok(());
    }
    if next.kind == PaperKind::Summary {
        return summaries::went_on(work, next).await;
    }
    for export in exports_of(work.tx(), next.id).await? {
        let after = advance::advance(app, work, export).await?;
        if before.state != next.state {
            contradicted(work, &after, next).await?;
        }
    }
    Ok(())
}

/// Customs says what cannot be both: it keeps a list of what it let be withdrawn, or of what was taken back before it had it.
/// A person asks customs which holds.
async fn contradicted(work: &Work, row: &declaration::Model, now: &paper::Model) -> Result<(), Error> {
    if !matches!(now.kind, PaperKind::ExportList | PaperKind::ExportCancellation) {
        return Ok(());
    }
    let papers = of_export(work.tx(), row.id).await?;
    let Some(list) = newest(&papers, PaperKind::ExportList).map(|list| list.state) else { return Ok(()) };
    let agreed = undo::is_agreed(&papers);
    let what = if agreed && list.is_released() {
        "customs released the list and agreed to its withdrawal"
    } else if !agreed && list.is_taken_in() && row.state == ExportState::Cancelled {
        "customs has the list of what was taken back"
    } else {
        return Ok(());
    };
    advance::alarm(work, row.id, what).await
}

/// A paper of exports has numbers of customs that it had not: a withdrawal that waits for that of its list is asked for; a
/// summary has its own. Answers with what messages may have come for before.
pub(crate) async fn numbered(
    app: &App,
    work: &mut Work,
    row: &paper::Model,
    head: &Record,
) -> Result<Option<String>, Error> {
    match row.kind {
        PaperKind::ExportList if row.invt_no.is_some() => {
            for export in exports_of(work.tx(), row.id).await? {
                let after = advance::advance(app, work, export).await?;
                undo::ask_first(app, work, &after).await?;
            }
            Ok(None)
        }
        PaperKind::Summary => match head.get("sumNo") {
            Some(number) => summaries::numbered(work, row.id, number).await,
            None => Ok(None),
        },
        _ => Ok(None),
    }
}
