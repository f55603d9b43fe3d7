//! Scans of slots, noted in batches: a scan costs one read of what is kept, and a part of one INSERT.

use std::time::Duration;

use entities::{
    party::Viewer,
    showroom::scan_event,
    values::id::{PersonId, ScanEventId},
};
use platform::{app::App, error::Error, gathered::Put};
use sea_orm::{EntityTrait, IntoActiveModel};

use super::view::View;

/// How long scans wait for others.
const PAUSE: Duration = Duration::from_millis(300);
/// Most rows of one statement.
const TOGETHER: usize = 500;
/// Longest name that a client gives its device.
const LONGEST_DEVICE: usize = 64;

/// Who scans, as far as figures need to know: a keyed hash of the person, or of the device that a client names.
pub(crate) fn visitor(app: &App, viewer: &Viewer, device: Option<&str>) -> String {
    let device = device.map(str::trim).filter(|name| !name.is_empty());
    let who = match (viewer.person(), device) {
        (Some(PersonId(person)), _) => format!("person:{person}"),
        (None, Some(device)) => format!("device:{}", device.chars().take(LONGEST_DEVICE).collect::<String>()),
        (None, None) => return String::new(),
    };
    app.vault().lookup("scan-visitor", &who)
}

/// Notes that a slot was scanned. It is written a little later, with others.
pub fn note(app: &App, viewer: &Viewer, view: &View, device: Option<&str>, staff: bool) {
    let now = app.clock().now();
    let first = view.displays.first();
    let row = scan_event::Model {
        id: ScanEventId::new(now),
        showroom_id: view.showroom,
        slot_id: view.slot,
        display_id: first.map(|shown| shown.display),
        offer_id: first.map(|shown| shown.offer),
        visitor: visitor(app, viewer, device),
        staff,
        at: now,
    };
    match app.scans().put(row) {
        Put::First => {
            let app = app.clone();
            tokio::spawn(async move {
                tokio::time::sleep(PAUSE).await;
                if let Err(error) = write(&app).await {
                    tracing::warn!(cause = error.told(), "scans could not be written");
                }
            });
        }
        Put::Behind => {}
        Put::Lost => tracing::warn!("too many scans wait to be written; one is lost"),
    }
}

/// Writes the scans that wait, as many as can be written. A server that stops does so last.
pub async fn write(app: &App) -> Result<(), Error> {
    let rows = app.scans().take();
    let mut first = Ok(());
    for part in rows.chunks(TOGETHER) {
        let models = part.iter().cloned().map(IntoActiveModel::into_active_model);
        let written = scan_event::Entity::insert_many(models).exec_without_returning(app.db().writer()).await;
        first = first.and(written.map(|_| ()));
    }
    Ok(first?)
}
