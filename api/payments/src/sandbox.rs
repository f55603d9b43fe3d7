//! The page of the sandbox: what somebody presses there, and the notifications that follow. What the sandbox says when it
//! is asked is in [`platform::payment::sandbox`].

use chrono::Duration;
use entities::{
    payments::{
        Magic, ProviderKind, SandboxState,
        sandbox::{self, Press},
    },
    values::Money,
};
use platform::{
    app::{App, Call, Work},
    error::Error,
    jobs::Verdict,
    payment::sandbox::{Told, signed},
};
use sea_orm::{ColumnTrait, EntityTrait, ExprTrait, QueryFilter, sea_query::Expr};

use super::{jobs::Notify, ops};

/// How often each notification comes when it is to come three times.
const THRICE: u32 = 3;
/// How much later than its failure a late capture is told, in delays.
const LATER: i32 = 3;

/// What the page shows.
#[derive(Clone, Debug)]
pub struct Page {
    /// How much.
    pub amount: Money,
    /// What for.
    pub description: String,
    /// How it stands; cancelled when its time is up.
    pub state: SandboxState,
    /// Where the page leads back to.
    pub return_url: Option<String>,
}

/// The page of a payment; none: there is no such payment, or no sandbox.
pub async fn page(app: &App, reference: &str) -> Result<Option<Page>, Error> {
    Ok(find(app, reference).await?.map(|row| {
        let open = matches!(row.state, SandboxState::Waiting | SandboxState::Challenged | SandboxState::Failed);
        let over = open && row.expires_at <= app.clock().now();
        Page {
            amount: Money { minor: row.amount_minor, currency: row.currency },
            description: row.description,
            state: if over { SandboxState::Cancelled } else { row.state },
            return_url: row.return_url,
        }
    }))
}

async fn find(app: &App, reference: &str) -> Result<Option<sandbox::Model>, Error> {
    let known = app.payments().get(ProviderKind::Sandbox).is_some() && !reference.contains('\0');
    if !known {
        return Ok(None);
    }
    Ok(sandbox::Entity::find_by_id(reference.to_owned()).one(app.db().read()).await?)
}

/// Does what was pressed. What cannot be pressed any more does nothing.
pub async fn press(app: &App, reference: &str, press: Press) -> Result<Option<Page>, Error> {
    let Some(row) = find(app, reference).await? else { return Ok(None) };
    let magic = Magic::of(row.amount_minor);
    let open = row.expires_at > app.clock().now();
    let to = row.state.pressed(press, magic, row.at_once).filter(|_| open);
    if let Some(to) = to {
        let mut work = app.begin(&Call::unasked("payments")).await?;
        if let Some(row) = moved(&work, &row, to).await? {
            notify(app, &mut work, &row, magic, press).await?;
            work.commit(()).await?;
        }
    }
    page(app, reference).await
}

/// Moves a payment on from where it was seen; none: somebody else did.
async fn moved(work: &Work, row: &sandbox::Model, to: SandboxState) -> Result<Option<sandbox::Model>, Error> {
    let done = sandbox::Entity::update_many()
        .col_expr(sandbox::Column::State, Expr::val(to))
        .col_expr(sandbox::Column::Changes, Expr::col(sandbox::Column::Changes).add(1))
        .filter(sandbox::Column::Reference.eq(&row.reference))
        .filter(sandbox::Column::State.eq(row.state))
        .filter(sandbox::Column::Changes.eq(row.changes))
        .exec(work.tx())
        .await?;
    let next = sandbox::Model { state: to, changes: row.changes + 1, ..row.clone() };
    Ok((done.rows_affected == 1).then_some(next))
}

async fn notify(app: &App, work: &mut Work, row: &sandbox::Model, magic: Magic, press: Press) -> Result<(), Error> {
    if row.state == SandboxState::Challenged || magic == Magic::Silent {
        return Ok(());
    }
    let delay = app.config().payments.sandbox.delay();
    let usual = 1 + app.config().payments.sandbox.duplicates;
    let copies = if magic == Magic::Thrice { std::cmp::max(usual, THRICE) } else { usual };
    for copy in 0..copies {
        let pause = i32::try_from(copy).unwrap_or(i32::MAX);
        let due = work.now + delay + (delay / 2).checked_mul(pause).unwrap_or(Duration::zero());
        work.enqueue(&Notify { told: Told::of(row), due, copy, turns: false }).await?;
    }
    if magic == Magic::LateCapture && press == Press::Pay {
        work.enqueue(&Notify { told: Told::of(row), due: work.now + delay * LATER, copy: 0, turns: true }).await?;
    }
    Ok(())
}

/// Does [`Notify`]: the notification arrives, as if it came over the network.
pub async fn arrives(app: &App, job: Notify) -> Result<Verdict, Error> {
    let mut told = job.told;
    if job.turns {
        sandbox::Entity::update_many()
            .col_expr(sandbox::Column::State, Expr::val(SandboxState::Captured))
            .col_expr(sandbox::Column::Changes, Expr::col(sandbox::Column::Changes).add(1))
            .filter(sandbox::Column::Reference.eq(&told.reference))
            .filter(sandbox::Column::State.eq(SandboxState::Failed))
            .exec(app.db().writer())
            .await?;
        let Some(row) = find(app, &told.reference).await? else { return Ok(Verdict::Done) };
        told = Told::of(&row);
    }
    let body = serde_json::to_string(&told).map_err(Error::internal)?;
    let headers = signed(app.vault(), &body, app.clock().now());
    let taken = ops::receive(app, ProviderKind::Sandbox, &headers, body.as_bytes()).await?;
    Ok(match taken.status {
        200 => Verdict::Done,
        status => Verdict::Again { after: None, reason: format!("the notification was answered with {status}") },
    })
}
