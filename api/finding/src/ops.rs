//! A search, and what is suggested while somebody types.

use catalog::{indexing::visible, ops::words};
use entities::party::Viewer;
use platform::{app::App, error::Error};
use search::{Answer, Found, Kind, Query, Visible};

use super::index;

/// Most things that the database is asked for when the index is away.
const CANDIDATES: u64 = 1_000;

/// What a viewer may find: without a word about states, what is public, as in every list that buyers browse.
pub fn scope(viewer: &Viewer, states: bool) -> Visible {
    if states { visible(viewer) } else { Visible::Public }
}

/// Answers a query from the index, or from the database when the index is away.
pub async fn search(app: &App, viewer: &Viewer, query: &Query) -> Result<Answer, Error> {
    match app.search().search(query).await {
        Ok(answer) => Ok(answer),
        Err(error) => {
            tracing::debug!(%error, "the search index did not answer; the database does");
            from_database(app, viewer, query).await
        }
    }
}

/// The same from the database: candidates that hold a word, weighed and counted in memory.
async fn from_database(app: &App, viewer: &Viewer, query: &Query) -> Result<Answer, Error> {
    let db = app.db().read();
    let words = app.analyzer().plain_words(&query.text);
    if words.is_empty() && !query.text.trim().is_empty() {
        return Ok(Answer::default());
    }
    let mut found: Vec<Found> = Vec::new();
    let texts: Vec<String> = words.iter().map(|word| word.text.clone()).collect();
    for kind in &query.kinds {
        let ids: Vec<uuid::Uuid> = match kind {
            Kind::Product => {
                words::products(db, viewer, &words, CANDIDATES).await?.into_iter().map(|id| id.0).collect()
            }
            Kind::Organisation => {
                party::indexing::by_words(db, &texts, CANDIDATES).await?.into_iter().map(|id| id.0).collect()
            }
            Kind::Brand => words::brands(db, &words, CANDIDATES).await?.into_iter().map(|id| id.0).collect(),
            Kind::Category => words::categories(db, &words, CANDIDATES).await?.into_iter().map(|id| id.0).collect(),
        };
        found.extend(ids.into_iter().map(|id| Found { kind: *kind, id }));
    }
    let documents = index::documents_of(db, &found).await?;
    Ok(search::plain_answer(app.analyzer(), &documents, query))
}

/// What somebody who has typed this far may be looking for, best first.
pub async fn suggest(
    app: &App,
    viewer: &Viewer,
    text: &str,
    kinds: &[Kind],
    first: usize,
) -> Result<Vec<Found>, Error> {
    if text.trim().is_empty() {
        return Ok(Vec::new());
    }
    // The last word of every query may be the beginning of one.
    let query = Query::words(text, Visible::Public, kinds, first);
    Ok(search(app, viewer, &query).await?.found)
}
