//! The bytes of files: how they come and go, whatever they hang on.
//!
//! Only so many files are in memory at once, and only a few of them one organisation's: whoever holds all places before
//! a deadline would keep the others' files out of their bids. How long a body may take follows from how large it is
//! said to be.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use entities::{
    party::Viewer,
    values::{ErrorCode, Locale, Refusal},
};
use platform::{
    auth::Caller,
    error::Error,
    limits::{Class, of_address},
};
use poem::{
    Body, Request, Response,
    http::{StatusCode, header},
};
use serde_json::json;

use super::{
    pushed::{broken, plain, too_often, unread},
    request,
};
use crate::graphql::Gateway;

/// How many files are in memory at the same time: each is of megabytes, twice while it is sealed.
const HANDS: usize = 8;
/// And how many of one organisation, or of one person who acts for none.
const OWN: usize = 2;
/// The slowest that a body may come, in bytes a second, beside the time that every body has.
const SLOWEST: u64 = 128 * 1024;

/// How many hands are full of whose files: an organisation's members share theirs.
type Held = HashMap<String, usize>;

/// Whoever carries the bytes of a file has one.
#[derive(Clone, Debug, Default)]
pub(super) struct Hands(Arc<Mutex<Held>>);

/// One that is full, until it is dropped.
#[derive(Debug)]
pub(super) struct Hand {
    of: Hands,
    whose: String,
}

impl Hands {
    fn held(&self) -> MutexGuard<'_, Held> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A hand for a viewer's organisation; none: all are full, or as many as are for one.
    pub(super) fn take(&self, viewer: &Viewer) -> Option<Hand> {
        self.of(viewer.organisation().map_or_else(|| viewer.subject(), |own| own.to_string()))
    }

    fn of(&self, whose: String) -> Option<Hand> {
        let mut held = self.held();
        let own = held.get(&whose).copied().unwrap_or_default();
        if own >= OWN || held.values().sum::<usize>() >= HANDS {
            return None;
        }
        held.insert(whose.clone(), own + 1);
        Some(Hand { of: self.clone(), whose })
    }
}

impl Drop for Hand {
    fn drop(&mut self) {
        let mut held = self.of.held();
        match held.get_mut(&self.whose) {
            Some(own) if *own > 1 => *own -= 1,
            _ => {
                held.remove(&self.whose);
            }
        }
    }
}

/// How long the body of a file of this size may take.
fn patience(usual: Duration, size: usize) -> Duration {
    let size = u64::try_from(size).unwrap_or(u64::MAX);
    usual.saturating_add(Duration::from_secs(size / SLOWEST))
}

/// All hands are full: come again.
pub(super) fn busy() -> Response {
    Response::builder()
        .status(StatusCode::SERVICE_UNAVAILABLE)
        .header(header::CACHE_CONTROL, "no-store")
        .header(header::RETRY_AFTER, 1)
        .finish()
}

/// Who asks, when it may ask so often; or the answer that it gets instead.
pub(super) async fn caller(request: &Request, gateway: &Gateway) -> Result<Caller, Response> {
    let shown = request::proof(request, gateway);
    let Ok(caller) = gateway.caller(&shown).await else { return Err(plain(StatusCode::UNAUTHORIZED)) };
    if !caller.viewer.signed_in() {
        return Err(plain(StatusCode::UNAUTHORIZED));
    }
    let limits = gateway.app().limits();
    limits.take(Class::Everything, &of_address(caller.address), 1).await.map_err(too_often)?;
    limits.take(Class::Everything, &caller.viewer.subject(), 1).await.map_err(too_often)?;
    Ok(caller)
}

/// A refusal as an answer: what is not there, or not for the caller, is 404.
pub(super) fn refused(error: Error) -> Response {
    let Error::Refused(refusals) = error else {
        return match error {
            Error::Unauthenticated => plain(StatusCode::UNAUTHORIZED),
            Error::Forbidden => plain(StatusCode::FORBIDDEN),
            other => broken("the bytes of a file", &other),
        };
    };
    let gone = refusals.iter().any(|refusal| refusal.code == ErrorCode::NotFound);
    let told = |refusal: &Refusal| {
        let message = refusal.message(&Locale::en());
        json!({ "code": refusal.code, "field": refusal.field, "message": message })
    };
    let body = json!({ "errors": refusals.iter().map(told).collect::<Vec<_>>() });
    Response::builder()
        .status(if gone { StatusCode::NOT_FOUND } else { StatusCode::UNPROCESSABLE_ENTITY })
        .header(header::CACHE_CONTROL, "no-store")
        .content_type("application/json; charset=utf-8")
        .body(body.to_string())
}

/// The bytes of a file of so many as it was said to have.
pub(super) async fn received(request: &Request, body: Body, size: i64, gateway: &Gateway) -> Result<Vec<u8>, Response> {
    let size = usize::try_from(size).unwrap_or(usize::MAX);
    let time = patience(gateway.app().config().server.body_timeout(), size);
    request::read(request.headers(), body, size, time).await.map_err(unread)
}

/// The bytes of a file as an answer.
pub(super) fn shown(media_type: &str, bytes: Vec<u8>) -> Response {
    Response::builder()
        .header(header::CACHE_CONTROL, "private, no-store")
        .header(header::X_CONTENT_TYPE_OPTIONS, "nosniff")
        // A document may carry a script; here it is only looked at.
        .header(header::CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox")
        .content_type(media_type)
        .body(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_holds_the_hands_of_others() {
        let hands = Hands::default();
        let hand = |whose: u8| hands.of(whose.to_string());
        let first: Vec<Hand> = (0..OWN).filter_map(|_| hand(1)).collect();
        assert_eq!(first.len(), OWN);
        assert!(hand(1).is_none(), "one organisation has more than its part");
        let others: Vec<Hand> = (2..20).filter_map(hand).collect();
        assert_eq!(others.len(), HANDS - OWN, "more files are in memory than may be");
        drop(first);
        assert!(hand(1).is_some() && hand(20).is_some(), "what was let go is not free");
        drop(others);
        assert!(hands.held().is_empty(), "nobody holds any, and it is noted all the same");
    }

    #[test]
    fn a_larger_body_has_more_time() {
        let usual = Duration::from_secs(15);
        for (size, seconds) in [(0, 15), (1_000, 15), (1024 * 1024, 23), (50 * 1024 * 1024, 415)] {
            assert_eq!(patience(usual, size), Duration::from_secs(seconds), "{size}");
        }
    }
}
