//! What hangs on requests for quotations and on things that take files: of all that one list shows at once.

use std::{
    collections::{BTreeSet, HashMap},
    hash::Hash,
};

use async_graphql::dataloader::Loader;
use entities::{
    procurement::{FileSubject, file, invitation, question, quotation, rfq::line},
    values::id::RfqId,
};
use platform::{error::SharedError, page::PageArgs};

use super::ProcurementLoader;
use crate::ops::{files, questions, quotations, rfqs};

/// Rows by what they hang on; those of one thing stay in their order.
fn gathered<K: Eq + Hash, R>(rows: Vec<R>, of: impl Fn(&R) -> Option<K>) -> HashMap<K, Vec<R>> {
    let mut found: HashMap<K, Vec<R>> = HashMap::new();
    for row in rows {
        if let Some(key) = of(&row) {
            found.entry(key).or_default().push(row);
        }
    }
    found
}

/// A request, and whether the viewer sees it as whoever asks does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Seen {
    /// Which request.
    pub rfq: RfqId,
    /// Whether the viewer is on the buyer's side of it, or oversees the zone.
    pub inside: bool,
}

/// The requests that are seen as whoever asks does, and the others.
fn sides(seen: impl Iterator<Item = Seen>) -> (Vec<RfqId>, Vec<RfqId>) {
    let (inside, outside): (Vec<Seen>, Vec<Seen>) = seen.partition(|one| one.inside);
    let ids = |seen: Vec<Seen>| seen.into_iter().map(|one| one.rfq).collect();
    (ids(inside), ids(outside))
}

/// The lines of a request, in their order; who may see the request may see them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RfqLinesOf(pub RfqId);

impl Loader<RfqLinesOf> for ProcurementLoader {
    type Value = Vec<line::Model>;
    type Error = SharedError;

    async fn load(&self, keys: &[RfqLinesOf]) -> Result<HashMap<RfqLinesOf, Self::Value>, SharedError> {
        let ids: Vec<RfqId> = keys.iter().map(|key| key.0).collect();
        let rows = rfqs::lines_of(self.app.db().read(), &ids).await?;
        Ok(gathered(rows, |row| Some(RfqLinesOf(row.rfq_id))))
    }
}

/// The invitations to a request that the viewer sees, first invited first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct InvitationsOf(pub Seen);

impl Loader<InvitationsOf> for ProcurementLoader {
    type Value = Vec<invitation::Model>;
    type Error = SharedError;

    async fn load(&self, keys: &[InvitationsOf]) -> Result<HashMap<InvitationsOf, Self::Value>, SharedError> {
        let (inside, outside) = sides(keys.iter().map(|key| key.0));
        let rows = rfqs::invitations_of(self.app.db().read(), &self.viewer, &inside, &outside).await?;
        let of = |row: &invitation::Model| {
            Some(InvitationsOf(Seen { rfq: row.rfq_id, inside: inside.contains(&row.rfq_id) }))
        };
        Ok(gathered(rows, of))
    }
}

/// The questions about a request that the viewer reads, first asked first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct QuestionsOf(pub Seen);

impl Loader<QuestionsOf> for ProcurementLoader {
    type Value = Vec<question::Model>;
    type Error = SharedError;

    async fn load(&self, keys: &[QuestionsOf]) -> Result<HashMap<QuestionsOf, Self::Value>, SharedError> {
        let (inside, outside) = sides(keys.iter().map(|key| key.0));
        let rows = questions::of_rfqs(self.app.db().read(), &self.viewer, &inside, &outside).await?;
        let of =
            |row: &question::Model| Some(QuestionsOf(Seen { rfq: row.rfq_id, inside: inside.contains(&row.rfq_id) }));
        Ok(gathered(rows, of))
    }
}

/// The quotations for a request that a page without a cursor shows, and one more: the first, or the last from the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct QuotationsOf {
    rfq: RfqId,
    most: u64,
    backward: bool,
}

impl QuotationsOf {
    /// What such a page shows; none of a page that begins at a cursor.
    pub fn page(rfq: RfqId, page: &PageArgs) -> Option<Self> {
        page.cursor.is_none().then(|| Self { rfq, most: page.fetch(), backward: page.backward })
    }
}

impl Loader<QuotationsOf> for ProcurementLoader {
    type Value = Vec<quotation::Model>;
    type Error = SharedError;

    async fn load(&self, keys: &[QuotationsOf]) -> Result<HashMap<QuotationsOf, Self::Value>, SharedError> {
        let mut found = HashMap::new();
        // Usually all keys of a batch ask for the same: one statement. Aliased fields may differ.
        let ends: BTreeSet<(u64, bool)> = keys.iter().map(|key| (key.most, key.backward)).collect();
        for (most, backward) in ends {
            let same = keys.iter().filter(|key| (key.most, key.backward) == (most, backward));
            let ids: Vec<RfqId> = same.map(|key| key.rfq).collect();
            let rows = quotations::ends(self.app.db().read(), &self.viewer, &ids, most, backward).await?;
            found.extend(gathered(rows, |row| Some(QuotationsOf { rfq: row.rfq_id, most, backward })));
        }
        Ok(found)
    }
}

/// The files of a thing that the viewer sees, first attached first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FilesOf(pub FileSubject);

impl Loader<FilesOf> for ProcurementLoader {
    type Value = Vec<file::Model>;
    type Error = SharedError;

    async fn load(&self, keys: &[FilesOf]) -> Result<HashMap<FilesOf, Self::Value>, SharedError> {
        let subjects: Vec<FileSubject> = keys.iter().map(|key| key.0).collect();
        let rows = files::of_each(self.app.db().read(), &self.viewer, &subjects).await?;
        Ok(gathered(rows, |row| row.subject().map(FilesOf)))
    }
}
