//! The embedded engine: tantivy, in a folder.
//!
//! ```text
//! search/current        the generation that answers, and the shape it was made in
//! search/next           the generation that is being built, while one is
//! search/g-<id>/        a generation: a tantivy index
//! ```
//!
//! A swap is the renaming of one file. Several processes of one machine may share the folder: each looks a few times
//! a second whether `current` names another generation or its index has another commit. A folder that is deleted or
//! damaged, or of an older shape, is no index: [`SearchEngine::ready`] says so, and answers come from elsewhere until
//! it is rebuilt.

mod ask;
mod facets;
mod schema;

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::{Duration, Instant, SystemTime},
};

use tantivy::{
    DocAddress, Index, IndexReader, IndexWriter, ReloadPolicy, TantivyDocument, TantivyError, Term,
    collector::{Count, DocSetCollector},
    directory::{MmapDirectory, error::LockError},
    query::TermQuery,
    schema::{IndexRecordOption, Value},
};
use uuid::Uuid;

use self::schema::Fields;
use crate::{
    Analyzer, Answer, Document, Found, Kind, Query, SearchEngine, SearchError,
    analysis::{SHAPE, let_dictionary_go},
};

/// Memory of the one writer.
const WRITER_BYTES: usize = 30_000_000;
/// How often the folder is looked at for what other processes did.
const LOOK: Duration = Duration::from_millis(100);
/// How long a write waits for another process to finish its own.
const PATIENCE: Duration = Duration::from_secs(10);

#[derive(Clone, Debug)]
pub(crate) struct Embedded {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    folder: PathBuf,
    analyzer: Arc<Analyzer>,
    live: RwLock<Option<Arc<Generation>>>,
    looked: Mutex<Option<Instant>>,
    /// One writer at a time in this process.
    writing: tokio::sync::Mutex<()>,
}

/// One index.
pub(crate) struct Generation {
    name: String,
    folder: PathBuf,
    index: Index,
    reader: IndexReader,
    fields: Fields,
    /// The commit that the reader has seen.
    seen: Mutex<Option<SystemTime>>,
}

impl std::fmt::Debug for Generation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Generation").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Generation {
    fn open(folder: &Path, name: &str) -> Result<Self, SearchError> {
        let folder = folder.join(name);
        let directory = MmapDirectory::open(&folder).map_err(TantivyError::from)?;
        let (schema, fields) = schema::schema();
        let index = Index::open_or_create(directory, schema)?;
        let reader = index.reader_builder().reload_policy(ReloadPolicy::Manual).try_into()?;
        let seen = Mutex::new(commit_of(&folder));
        Ok(Self { name: name.to_owned(), folder, index, reader, fields, seen })
    }

    /// Sees what another process committed. False: the index is not there any more.
    fn refresh(&self) -> Result<bool, SearchError> {
        let Some(commit) = commit_of(&self.folder) else { return Ok(false) };
        let mut seen = held(&self.seen);
        if *seen != Some(commit) {
            self.reader.reload()?;
            *seen = Some(commit);
        }
        Ok(true)
    }

    fn writer(&self) -> Result<IndexWriter, SearchError> {
        let begun = Instant::now();
        loop {
            match self.index.writer_with_num_threads::<TantivyDocument>(1, WRITER_BYTES) {
                Err(TantivyError::LockFailure(LockError::LockBusy, _)) if begun.elapsed() < PATIENCE => {
                    std::thread::sleep(Duration::from_millis(20));
                }
                writer => return Ok(writer?),
            }
        }
    }

    fn write(&self, documents: &[Document], gone: &[Uuid]) -> Result<(), SearchError> {
        let mut writer = self.writer()?;
        let id = |id: &Uuid| Term::from_field_text(self.fields.id, &id.simple().to_string());
        for gone in gone {
            writer.delete_term(id(gone));
        }
        for document in documents {
            writer.delete_term(id(&document.id));
            writer.add_document(self.fields.row(document))?;
        }
        writer.commit()?;
        writer.wait_merging_threads()?;
        self.reader.reload()?;
        *held(&self.seen) = commit_of(&self.folder);
        Ok(())
    }

    fn has(&self, id: &Uuid, searcher: &tantivy::Searcher) -> Result<Option<TantivyDocument>, SearchError> {
        let term = Term::from_field_text(self.fields.id, &id.simple().to_string());
        let found = searcher.search(&TermQuery::new(term, IndexRecordOption::Basic), &DocSetCollector)?;
        Ok(found.into_iter().next().map(|address| searcher.doc(address)).transpose()?)
    }
}

/// When an index was last committed.
fn commit_of(folder: &Path) -> Option<SystemTime> {
    std::fs::metadata(folder.join("meta.json")).and_then(|meta| meta.modified()).ok()
}

fn held<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Inner {
    /// The generation that answers.
    fn live(&self) -> Result<Arc<Generation>, SearchError> {
        let due = {
            let mut looked = held(&self.looked);
            let due = looked.is_none_or(|at| at.elapsed() >= LOOK);
            if due {
                *looked = Some(Instant::now());
            }
            due
        };
        let known = self.live.read().unwrap_or_else(PoisonError::into_inner).clone();
        if !due {
            return known.ok_or(SearchError::NotReady);
        }
        let fresh = match (self.named("current"), known) {
            (Some(name), Some(known)) if known.name == name => known.refresh()?.then_some(known),
            (Some(name), _) if commit_of(&self.folder.join(&name)).is_some() => {
                Some(Arc::new(Generation::open(&self.folder, &name)?))
            }
            _ => None,
        };
        fresh.clone_into(&mut self.live.write().unwrap_or_else(PoisonError::into_inner));
        fresh.ok_or(SearchError::NotReady)
    }

    /// Looks again at once: this process changed the folder.
    fn look_again(&self) {
        *held(&self.looked) = None;
    }

    /// The generation that `current` or `next` names, when it is of this shape.
    fn named(&self, file: &str) -> Option<String> {
        let text = std::fs::read_to_string(self.folder.join(file)).ok()?;
        let (name, shape) = text.trim().split_once(' ')?;
        (shape == SHAPE.to_string() && name.starts_with("g-")).then(|| name.to_owned())
    }

    fn name(&self, file: &str, generation: &str) -> Result<(), SearchError> {
        let made = self.folder.join(format!("{file}.new"));
        std::fs::write(&made, format!("{generation} {SHAPE}\n"))?;
        Ok(std::fs::rename(made, self.folder.join(file))?)
    }

    /// Takes away every generation but these.
    fn keep(&self, names: &[&str]) -> Result<(), SearchError> {
        for entry in std::fs::read_dir(&self.folder)? {
            let entry = entry?;
            let name = entry.file_name();
            let name = name.to_string_lossy();
            if name.starts_with("g-") && !names.contains(&&*name) {
                std::fs::remove_dir_all(entry.path())?;
            }
        }
        Ok(())
    }

    fn next(&self) -> Result<Option<Generation>, SearchError> {
        let name = self.named("next").filter(|name| self.folder.join(name).is_dir());
        name.map(|name| Generation::open(&self.folder, &name)).transpose()
    }

    fn put(&self, documents: &[Document], gone: &[Uuid]) -> Result<(), SearchError> {
        if let Some(next) = self.next()? {
            next.write(documents, gone)?;
        }
        match self.live() {
            Ok(live) => live.write(documents, gone),
            Err(SearchError::NotReady) => Ok(()),
            Err(error) => Err(error),
        }
    }

    fn begin_rebuild(&self) -> Result<(), SearchError> {
        std::fs::create_dir_all(&self.folder)?;
        let current = self.named("current").unwrap_or_default();
        self.keep(&[&current])?;
        let name = format!("g-{}", Uuid::now_v7().simple());
        std::fs::create_dir_all(self.folder.join(&name))?;
        self.name("next", &name)
    }

    fn put_next(&self, documents: &[Document]) -> Result<(), SearchError> {
        self.next()?.ok_or(SearchError::NotReady)?.write(documents, &[])
    }

    fn swap(&self) -> Result<(), SearchError> {
        let next = self.named("next").ok_or(SearchError::NotReady)?;
        self.name("current", &next)?;
        std::fs::remove_file(self.folder.join("next"))?;
        self.look_again();
        self.live()?;
        self.keep(&[&next])
    }

    /// An index that cannot be read is none: it is rebuilt. A query that cannot be meant costs only itself.
    fn damaged(&self, error: &SearchError) {
        use TantivyError as T;
        let SearchError::Index(
            error @ (T::OpenReadError(_)
            | T::OpenDirectoryError(_)
            | T::DataCorruption(_)
            | T::IoError(_)
            | T::IncompatibleIndex(_)),
        ) = error
        else {
            return;
        };
        tracing::error!(%error, "the search index is damaged and will be rebuilt");
        let _ = std::fs::remove_file(self.folder.join("current"));
        self.look_again();
    }
}

impl Embedded {
    pub(crate) fn open(folder: &Path, analyzer: Arc<Analyzer>) -> Result<Self, SearchError> {
        std::fs::create_dir_all(folder)?;
        let inner = Inner {
            folder: folder.to_owned(),
            analyzer,
            live: RwLock::default(),
            looked: Mutex::default(),
            writing: tokio::sync::Mutex::default(),
        };
        if let Err(error) = inner.live() {
            inner.damaged(&error);
        }
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Works on the index in a thread where it may block.
    async fn with<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Inner) -> Result<T, SearchError> + Send + 'static,
    ) -> Result<T, SearchError> {
        let inner = self.inner.clone();
        tokio::task::spawn_blocking(move || work(&inner).inspect_err(|error| inner.damaged(error))).await?
    }
}

#[async_trait::async_trait]
impl SearchEngine for Embedded {
    fn name(&self) -> &'static str {
        "embedded index"
    }

    async fn ready(&self) -> Result<bool, SearchError> {
        match self.with(|inner| inner.live().map(drop)).await {
            Ok(()) => Ok(true),
            // Damage is a reason to rebuild, as absence is.
            Err(SearchError::NotReady | SearchError::Index(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn search(&self, query: &Query) -> Result<Answer, SearchError> {
        let query = query.clone();
        self.with(move |inner| ask::answer(&*inner.live()?, &inner.analyzer, &query)).await
    }

    async fn put(&self, documents: Vec<Document>, gone: &[Uuid]) -> Result<(), SearchError> {
        let gone = gone.to_vec();
        let _turn = self.inner.writing.lock().await;
        self.with(move |inner| inner.put(&documents, &gone)).await
    }

    async fn begin_rebuild(&self) -> Result<(), SearchError> {
        let _turn = self.inner.writing.lock().await;
        self.with(Inner::begin_rebuild).await
    }

    async fn put_next(&self, documents: Vec<Document>) -> Result<(), SearchError> {
        let _turn = self.inner.writing.lock().await;
        self.with(move |inner| inner.put_next(&documents)).await
    }

    async fn swap(&self) -> Result<(), SearchError> {
        let _turn = self.inner.writing.lock().await;
        self.with(Inner::swap).await
    }

    async fn count(&self, kind: Kind) -> Result<u64, SearchError> {
        self.with(move |inner| {
            let live = inner.live()?;
            let term = Term::from_field_text(live.fields.kind, kind.name());
            let count = live.reader.searcher().search(&TermQuery::new(term, IndexRecordOption::Basic), &Count)?;
            Ok(count as u64)
        })
        .await
    }

    async fn stamps(&self, ids: &[Uuid]) -> Result<Vec<(Uuid, String)>, SearchError> {
        let ids = ids.to_vec();
        self.with(move |inner| {
            let live = inner.live()?;
            let searcher = live.reader.searcher();
            let mut stamps = Vec::with_capacity(ids.len());
            for id in ids {
                let row = live.has(&id, &searcher)?;
                let stamp = row.as_ref().and_then(|row| row.get_first(live.fields.stamp)).and_then(|v| v.as_str());
                stamps.extend(stamp.map(|stamp| (id, stamp.to_owned())));
            }
            Ok(stamps)
        })
        .await
    }

    async fn walk(&self, offset: usize, limit: usize) -> Result<Vec<Found>, SearchError> {
        self.with(move |inner| {
            let live = inner.live()?;
            let searcher = live.reader.searcher();
            let rows = (0u32..)
                .zip(searcher.segment_readers())
                .flat_map(|(number, segment)| segment.doc_ids_alive().map(move |row| DocAddress::new(number, row)));
            rows.skip(offset).take(limit).map(|address| live.fields.found(&searcher.doc(address)?)).collect()
        })
        .await
    }

    fn rest(&self) {
        let_dictionary_go();
    }
}
