//! Withdrawals of exports (撤单, 605). Before customs has the list there is nothing to ask; while it considers, it is asked,
//! as soon as the list has its number; when it has released, it is too late. By itself the house asks once: what customs
//! refused is asked again by whoever wants it, and a list that is sent anew is wanted, not withdrawn.

use entities::{
    customs::{
        export::{
            declaration::{self, ExportState},
            papers,
        },
        paper::{self, PaperKind, PaperState},
        sale::Stamp,
    },
    values::id::ExportId,
};
use platform::{
    app::{App, Call, Work},
    customs::fresh_guid,
    error::{Error, not_found},
    graphql::encode,
};
use serde_json::json;

use super::{
    advance::write,
    declare::shown,
    illegal, lists, locked, own_number,
    papers::{Wanted, is_live, newest, of_export, put, topic},
    parties::{self, may_change},
};

/// Takes an export back.
pub async fn cancel(app: &App, call: &Call, id: ExportId, reason: &str) -> Result<declaration::Model, Error> {
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let row = lists::find(work.tx(), work.viewer(), id).await?.ok_or_else(|| not_found("id", encode(id).as_str()))?;
    may_change(call, &row)?;
    let row = locked(work.tx(), id).await?;
    let papers = of_export(work.tx(), id).await?;
    let list = newest(&papers, PaperKind::ExportList).map(|list| list.state);
    let asked = declaration::Model { cancel_reason: Some(reason.to_owned()), ..row.clone() };
    let after = match list {
        _ if row.state.is_over() || row.entry_no.is_some() => return Err(illegal(&row, "CANCEL").at("id").into()),
        Some(state) if state.can_be_withdrawn() => {
            let after = write(&mut work, &row, asked).await?;
            ask(app, &mut work, &after).await?;
            after
        }
        Some(state) if !state.can_be_sent() => return Err(illegal(&row, "CANCEL").at("id").into()),
        // Customs has no list of it.
        _ => write(&mut work, &row, declaration::Model { state: ExportState::Cancelled, ..asked }).await?,
    };
    let asked = json!({ "order": row.order_no, "state": after.state, "reason": reason });
    work.audit(Some(row.seller_id), "cancelExport", encode(id).0, shown(&row), asked);
    work.commit(after).await
}

/// Whether customs agreed to a withdrawal.
pub(super) fn is_agreed(papers: &[paper::Model]) -> bool {
    papers.iter().any(|paper| paper.kind == PaperKind::ExportCancellation && paper.state == PaperState::Reviewed)
}

/// The list has its number: asks for the withdrawal that waited for it, unless one was asked for before.
pub(super) async fn ask_first(app: &App, work: &mut Work, row: &declaration::Model) -> Result<(), Error> {
    let all = of_export(work.tx(), row.id).await?;
    match newest(&all, PaperKind::ExportCancellation) {
        Some(_) => Ok(()),
        None => ask(app, work, row).await,
    }
}

/// Asks customs for the withdrawal that somebody wants: while it has the list and has not decided, once the list has its
/// number, and unless it is asked already.
async fn ask(app: &App, work: &mut Work, row: &declaration::Model) -> Result<(), Error> {
    let (Some(reason), Some(invt_no)) = (row.cancel_reason.as_deref(), row.invt_no.as_deref()) else { return Ok(()) };
    let all = of_export(work.tx(), row.id).await?;
    let open = newest(&all, PaperKind::ExportList).is_some_and(|list| list.state.can_be_withdrawn());
    if row.state.is_over() || !open || is_live(&all, PaperKind::ExportCancellation) {
        return Ok(());
    }
    let parties = parties::of(work.tx(), row).await?;
    let stamp = Stamp { guid: fresh_guid()?, again: false, at: work.now };
    let number = own_number('C', work.now)?;
    let document = papers::cancellation(&parties, &row.facts.customs_code, &number, invt_no, reason, &stamp);
    let wanted = Wanted {
        kind: PaperKind::ExportCancellation,
        sender: row.declarer_id,
        document: &document,
        stamp: &stamp,
        about: &[row.id],
        topic: topic(row.id),
    };
    put(app, work, wanted).await?;
    Ok(())
}
