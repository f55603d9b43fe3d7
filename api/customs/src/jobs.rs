//! What is done after a change. Each handler reads anew what its ids name, and may run twice.

use chrono::{DateTime, Utc};
use entities::{
    customs::declaration::DeclarationState,
    values::id::{CustomsPaperId, CustomsRequestId, DeclarationId, OrganisationId},
};
use platform::{
    app::{App, Call},
    error::Error,
    jobs::{Job, Verdict},
};
use serde::{Deserialize, Serialize};

use super::{advance, receiving};

/// Looks what a declaration waits for, and takes its next step.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Advance {
    /// Which.
    pub declaration: DeclarationId,
}

impl Job for Advance {
    const KIND: &'static str = "customs.advance";
    fn aggregate(&self) -> String {
        format!("declaration:{}", self.declaration)
    }
}

/// Looks at all declarations of a seller that wait, once more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LookAgain {
    /// Whose.
    pub seller: OrganisationId,
    /// Those after this one.
    pub after: Option<DeclarationId>,
}

impl Job for LookAgain {
    const KIND: &'static str = "customs.look_again";
    fn aggregate(&self) -> String {
        format!("customs-seller:{}", self.seller)
    }
}

/// Hands a paper over to customs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Send {
    /// Which.
    pub paper: CustomsPaperId,
    /// Which attempt of it: one that is not the newest any more is not sent.
    pub attempt: i32,
    /// The order that it is about: its papers are sent one after the other.
    pub document: String,
}

impl Job for Send {
    const KIND: &'static str = "customs.send";
    fn aggregate(&self) -> String {
        format!("customs:{}", self.document)
    }
}

/// A declaration, or what was asked of customs for it, came to another state: written in the transaction in which it did.
/// It is done by whoever the document belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moved {
    /// Which.
    pub declaration: DeclarationId,
    /// Of which document.
    pub document: String,
    /// Its state.
    pub state: DeclarationState,
    /// What was asked of customs, when it is that which moved: how it stands is read anew.
    #[serde(default)]
    pub request: Option<CustomsRequestId>,
}

impl Job for Moved {
    const KIND: &'static str = "customs.moved";
    fn aggregate(&self) -> String {
        format!("document:{}", self.document)
    }
}

/// The carrier says that a parcel was signed for: done by whoever the document belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedFor {
    /// Of which document.
    pub document: String,
    /// When.
    pub at: DateTime<Utc>,
}

impl Job for SignedFor {
    const KIND: &'static str = "customs.signed_for";
    // It may wait until the order was sent off, and what leads to that must not wait for it.
    fn aggregate(&self) -> String {
        format!("signed:{}", self.document)
    }
}

/// Sends customs what was paid for an order, as announcement 179 wants it. There is one of an order at most: of several
/// inquiries the newest is answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TellPayment {
    /// Which order.
    pub document: String,
    /// The number of the inquiry.
    pub session: String,
}

impl Job for TellPayment {
    const KIND: &'static str = "customs.payment_data";
    fn aggregate(&self) -> String {
        format!("payment-data:{}", self.document)
    }
}

/// Does [`Advance`].
pub async fn advances(app: &App, job: Advance) -> Result<Verdict, Error> {
    let mut work = app.begin(&Call::unasked("customs")).await?;
    advance::advance(app, &mut work, job.declaration).await?;
    work.commit(()).await?;
    Ok(Verdict::Done)
}

/// What time does: declarations whose wait is over are overdue, returns whose goods did not come fail, months of exports that
/// are over are summarised, messages that came before what they are about are read again.
pub async fn sweep(app: &App, now: DateTime<Utc>) -> Result<(), Error> {
    advance::overdue(app, now).await?;
    super::requests::lapsed(app, now).await?;
    super::exports::summaries::sweep(app, now).await?;
    receiving::read_again(app).await
}
