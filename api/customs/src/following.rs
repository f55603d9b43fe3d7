//! What follows from receipts: how a paper stands, and with it its declaration, or what was asked for it.

use entities::customs::{
    codes,
    declaration::{self, DeclarationState},
    paper::{self, PaperKind, PaperState},
    receipt::{self, Said, fold},
};
use platform::{
    app::{App, Work},
    error::Error,
};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, ExprTrait, QueryFilter, sea_query::Expr};

use super::{
    advance::{advance, alarm},
    exports::hooks,
    kept_text,
    papers::papers_of,
    requests,
};

/// Longest text of customs that is kept with a paper.
const LONGEST_INFO: usize = 1_000;

/// Receipts of a paper came: it stands as they say, and what hangs on it goes on.
pub(super) async fn follow(app: &App, work: &mut Work, row: &paper::Model) -> Result<paper::Model, Error> {
    let receipts = receipts_of(work.tx(), row).await?;
    let said: Vec<Said> = receipts.iter().map(receipt::Model::said).collect();
    let Some((last, status)) = fold(&said) else { return Ok(row.clone()) };
    let next = paper::Model {
        state: status.state,
        status: Some(last.status.clone()),
        info: Some(last.info.clone()),
        stated_at: codes::read_moment(&last.time),
        ..row.clone()
    };
    if next == *row {
        if matches!(next.kind, PaperKind::List | PaperKind::ExportList) && next.state.is_released() {
            // An earlier release than the one that was known counts days from another one.
            went_on(app, work, row, &next).await?;
        }
        return Ok(next);
    }
    write(work, &next).await?;
    went_on(app, work, row, &next).await?;
    Ok(next)
}

async fn receipts_of(db: &impl ConnectionTrait, row: &paper::Model) -> Result<Vec<receipt::Model>, Error> {
    let of = receipt::Entity::find()
        .filter(receipt::Column::PaperId.eq(row.id))
        .filter(receipt::Column::Attempt.eq(row.attempt));
    Ok(of.all(db).await?)
}

async fn write(work: &Work, next: &paper::Model) -> Result<(), Error> {
    use paper::Column as C;
    paper::Entity::update_many()
        .col_expr(C::State, Expr::val(next.state))
        .col_expr(C::Status, Expr::val(next.status.clone()))
        .col_expr(C::Info, Expr::val(next.info.clone()))
        .col_expr(C::StatedAt, Expr::val(next.stated_at))
        .col_expr(C::PreNo, Expr::val(next.pre_no.clone()))
        .col_expr(C::InvtNo, Expr::val(next.invt_no.clone()))
        .col_expr(C::Version, Expr::col(C::Version).add(1))
        .col_expr(C::UpdatedAt, Expr::val(work.now))
        .filter(C::Id.eq(next.id))
        .exec(work.tx())
        .await?;
    Ok(())
}

/// What hangs on a paper that came to another state.
async fn went_on(app: &App, work: &mut Work, before: &paper::Model, next: &paper::Model) -> Result<(), Error> {
    if next.kind.is_export() {
        return hooks::went_on(app, work, before, next).await;
    }
    let Some(declaration) = next.declaration_id else { return Ok(()) };
    if matches!(next.kind, PaperKind::Cancellation | PaperKind::Return) && before.state != next.state {
        requests::answered(work, next).await?;
    }
    // What the e-port says on the way leads nowhere new.
    let on_the_way = PaperState::is_unanswered;
    if on_the_way(next.state) && on_the_way(before.state) {
        return Ok(());
    }
    if next.kind != PaperKind::WaybillStatus {
        let after = advance(app, work, declaration).await?;
        if before.state != next.state {
            contradicted(work, &after, next).await?;
        }
    }
    Ok(())
}

/// Customs says what cannot be both: it keeps a list of what it let be withdrawn, or of what was taken back before it had
/// it. A person asks customs which holds.
async fn contradicted(work: &Work, row: &declaration::Model, now: &paper::Model) -> Result<(), Error> {
    if !matches!(now.kind, PaperKind::List | PaperKind::Cancellation) {
        return Ok(());
    }
    let papers = papers_of(work.tx(), row.id).await?;
    let of = |kind: PaperKind| papers.iter().find(|paper| paper.kind == kind).map(|paper| paper.state);
    let withdrawn = of(PaperKind::Cancellation) == Some(PaperState::Reviewed);
    let list = of(PaperKind::List);
    let cancelled = row.state == DeclarationState::Cancelled;
    let what = match list {
        Some(list) if list.is_released() && withdrawn => "customs released the list and agreed to its withdrawal",
        Some(list) if list.is_taken_in() && cancelled && !withdrawn => "customs has the list of what was taken back",
        _ => return Ok(()),
    };
    alarm(work, row.id, what).await
}

/// A list has its number of customs from now on: what waits to be asked of it can be asked.
pub(super) async fn went_numbered(
    app: &App,
    work: &mut Work,
    before: &paper::Model,
    next: &paper::Model,
) -> Result<(), Error> {
    match next.declaration_id {
        Some(declaration) if next.kind == PaperKind::List && before.invt_no != next.invt_no => {
            advance(app, work, declaration).await?;
            requests::numbered(app, work, declaration).await
        }
        _ => Ok(()),
    }
}

/// A paper did not get to customs; `why` is not customs' word.
pub(super) async fn failed(app: &App, work: &mut Work, row: &paper::Model, why: &str) -> Result<(), Error> {
    let next = paper::Model {
        state: PaperState::Failed,
        status: None,
        info: Some(kept_text(why, LONGEST_INFO)),
        stated_at: Some(work.now),
        ..row.clone()
    };
    write(work, &next).await?;
    went_on(app, work, row, &next).await
}

/// The numbers that the e-port and customs gave a paper; answers with it as it is then.
pub(super) async fn numbered(
    work: &Work,
    row: &paper::Model,
    pre_no: Option<&str>,
    invt_no: Option<&str>,
) -> Result<paper::Model, Error> {
    let fits = |number: Option<&str>, most: usize| {
        number
            .filter(|number| number.len() <= most && number.bytes().all(|byte| byte.is_ascii_graphic()))
            .map(str::to_owned)
    };
    // That of an export list may have two characters more.
    let longest = if row.kind == PaperKind::ExportList { 20 } else { 18 };
    let next = paper::Model {
        pre_no: row.pre_no.clone().or_else(|| fits(pre_no, 18)),
        invt_no: row.invt_no.clone().or_else(|| fits(invt_no, longest)),
        ..row.clone()
    };
    if next != *row {
        write(work, &next).await?;
    }
    Ok(next)
}
