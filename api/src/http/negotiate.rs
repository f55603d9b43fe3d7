//! Which media type a client wants, from its `Accept` (RFC 9110, section 12.5.1).

use poem::http::{HeaderMap, header};

pub(super) const RESPONSE_TYPE: &str = "application/graphql-response+json";
pub(super) const JSON_TYPE: &str = "application/json";
pub(super) const EVENTS_TYPE: &str = "text/event-stream";

/// How an answer is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Media {
    /// `application/json`: whoever does not say otherwise.
    Json,
    /// `application/graphql-response+json`: for clients that go by the status.
    Response,
    /// `text/event-stream`: for clients that wait for more than one answer.
    Events,
}

/// What a client takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Accepted {
    /// What it likes best of what there is; none: it takes nothing of that.
    pub(super) best: Option<Media>,
    /// Whether it takes events at all: a subscription has nothing else.
    pub(super) events: bool,
}

/// Reads what a client takes. Of what it likes as much, the newer type comes first when both are named, and JSON when
/// none is. Events come last: clients name them beside the others for the case that they subscribe.
pub(super) fn accepted(headers: &HeaderMap) -> Accepted {
    let lines = headers.get_all(header::ACCEPT).iter().filter_map(|line| line.to_str().ok());
    let ranges: Vec<(String, u16)> = lines.flat_map(|line| line.split(',')).filter_map(range).collect();
    if ranges.is_empty() {
        return Accepted { best: Some(Media::Json), events: false };
    }
    let weight = |kind: &str| ranges.iter().find(|(range, _)| range == kind).map(|(_, weight)| *weight);
    let any = weight("application/*").or_else(|| weight("*/*"));
    let named = [(Media::Response, RESPONSE_TYPE, 5), (Media::Json, JSON_TYPE, 4), (Media::Events, EVENTS_TYPE, 3)];
    let named = named.map(|(media, kind, rank)| (media, weight(kind), rank));
    // A range covers what is not named: `q=0` takes something out of it.
    let covered = [(Media::Json, JSON_TYPE, 2), (Media::Response, RESPONSE_TYPE, 1)];
    let covered = covered.map(|(media, kind, rank)| (media, any.filter(|_| weight(kind).is_none()), rank));
    let weighed = named.into_iter().chain(covered).filter_map(|(media, weight, rank)| Some((weight?, rank, media)));
    let best = weighed.filter(|(weight, ..)| *weight > 0).max_by_key(|(weight, rank, _)| (*weight, *rank));
    Accepted { best: best.map(|(.., media)| media), events: weight(EVENTS_TYPE).is_some_and(|weight| weight > 0) }
}

/// A media range in lower case and its weight in thousandths.
fn range(text: &str) -> Option<(String, u16)> {
    let mut parts = text.split(';').map(str::trim);
    let kind = parts.next().filter(|kind| !kind.is_empty())?.to_ascii_lowercase();
    let weight = parts.find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("q").then(|| thousandths(value.trim()))
    });
    Some((kind, weight.unwrap_or(1_000)))
}

/// A weight such as `0.25`. One that cannot be read counts as none was given.
fn thousandths(text: &str) -> u16 {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let digits = part.chars().chain("000".chars()).take(3).collect::<String>();
    match (whole, digits.parse::<u16>()) {
        ("0", Ok(part)) => part,
        _ => 1_000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lines are separated by bars.
    fn best(accept: &str) -> (Option<Media>, bool) {
        let mut headers = HeaderMap::new();
        for line in accept.split('|').filter(|line| !line.is_empty()) {
            headers.append(header::ACCEPT, line.parse().unwrap());
        }
        let Accepted { best, events } = accepted(&headers);
        (best, events)
    }

    #[test]
    fn the_type_that_is_liked_best_is_taken() {
        use Media::{Events, Json, Response};
        for (accept, media, events) in [
            ("", Some(Json), false),
            ("*/*", Some(Json), false),
            ("application/*", Some(Json), false),
            ("text/html, */*;q=0.1", Some(Json), false),
            ("text/html", None, false),
            ("application/json", Some(Json), false),
            ("APPLICATION/JSON; charset=utf-8", Some(Json), false),
            ("application/graphql-response+json", Some(Response), false),
            ("application/graphql-response+json, application/json;q=0.9", Some(Response), false),
            ("application/graphql-response+json;q=0.1, application/json", Some(Json), false),
            ("application/json|application/graphql-response+json", Some(Response), false),
            ("application/graphql-response+json;q=0, */*", Some(Json), false),
            ("application/json;q=0, */*", Some(Response), false),
            ("application/json;q=0.25, application/graphql-response+json;q=0.3", Some(Response), false),
            ("application/json;q=0", None, false),
            ("text/event-stream", Some(Events), true),
            ("application/graphql-response+json, application/json, text/event-stream", Some(Response), true),
            ("text/event-stream, application/json;q=0.5", Some(Events), true),
            ("text/event-stream;q=0, application/json", Some(Json), false),
            ("nonsense;q=x, application/json;q=high", Some(Json), false),
        ] {
            assert_eq!(best(accept), (media, events), "{accept}");
        }
    }
}
