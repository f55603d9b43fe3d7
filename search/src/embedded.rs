//! The embedded engine: a tantivy index in a folder, Chinese cut into words by jieba.

use std::{path::Path, sync::Arc};

use tantivy::{
    Index, IndexReader, ReloadPolicy, TantivyDocument, Term,
    collector::TopDocs,
    directory::MmapDirectory,
    query::{BooleanQuery, BoostQuery, Occur, Query, QueryParser, TermQuery},
    schema::{Field, IndexRecordOption, STORED, STRING, Schema, TextFieldIndexing, TextOptions, Value},
    tokenizer::{Language, LowerCaser, RemoveLongFilter, Stemmer, TextAnalyzer},
};
use tokio::sync::Mutex;
use uuid::Uuid;

use crate::{
    Document, SearchEngine, SearchError,
    segmenter::{self, Segmenter},
};

/// Memory of the one writer; tantivy's minimum, since batches are small.
const WRITER_BYTES: usize = 20_000_000;
/// Longest text that is looked for.
const MAX_TEXT: usize = 200;
const TOKENIZER: &str = "chama";

#[derive(Clone)]
pub(crate) struct Embedded {
    index: Index,
    reader: IndexReader,
    fields: Fields,
    /// One writer at a time: tantivy locks the folder.
    writing: Arc<Mutex<()>>,
}

#[derive(Clone, Copy)]
struct Fields {
    id: Field,
    title: Field,
    body: Field,
    code: Field,
}

impl std::fmt::Debug for Embedded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Embedded")
    }
}

impl Embedded {
    pub(crate) fn open(folder: &Path) -> Result<Self, SearchError> {
        std::fs::create_dir_all(folder)?;
        let words =
            TextFieldIndexing::default().set_tokenizer(TOKENIZER).set_index_option(IndexRecordOption::WithFreqs);
        let text = TextOptions::default().set_indexing_options(words);
        let mut schema = Schema::builder();
        let fields = Fields {
            id: schema.add_text_field("id", STRING | STORED),
            title: schema.add_text_field("title", text.clone()),
            body: schema.add_text_field("body", text),
            code: schema.add_text_field("code", STRING),
        };
        let schema = schema.build();
        let directory = MmapDirectory::open(folder).map_err(tantivy::TantivyError::from)?;
        let index = match Index::open_or_create(directory, schema.clone()) {
            // An index of another version or a damaged one: it is derived, so it is made anew.
            Err(error) => {
                tracing::warn!(%error, "the search index cannot be used and starts empty; run `chama reindex`");
                std::fs::remove_dir_all(folder)?;
                std::fs::create_dir_all(folder)?;
                Index::create_in_dir(folder, schema)?
            }
            Ok(index) => index,
        };
        let analyzer = TextAnalyzer::builder(Segmenter)
            .filter(RemoveLongFilter::limit(60))
            .filter(LowerCaser)
            .filter(Stemmer::new(Language::English))
            .build();
        index.tokenizers().register(TOKENIZER, analyzer);
        let reader = index.reader_builder().reload_policy(ReloadPolicy::OnCommitWithDelay).try_into()?;
        Ok(Self { index, reader, fields, writing: Arc::default() })
    }

    fn write(&self, documents: &[Document], clear: bool) -> Result<(), SearchError> {
        let mut writer = self.index.writer_with_num_threads::<TantivyDocument>(1, WRITER_BYTES)?;
        if clear {
            writer.delete_all_documents()?;
        }
        for document in documents {
            let id = document.id.simple().to_string();
            writer.delete_term(Term::from_field_text(self.fields.id, &id));
            let mut row = TantivyDocument::default();
            row.add_text(self.fields.id, &id);
            row.add_text(self.fields.title, &document.title);
            row.add_text(self.fields.body, &document.body);
            for code in &document.codes {
                row.add_text(self.fields.code, code.to_lowercase());
            }
            writer.add_document(row)?;
        }
        writer.commit()?;
        writer.wait_merging_threads()?;
        self.reader.reload()?;
        Ok(())
    }

    fn query(&self, text: &str) -> Box<dyn Query> {
        let text: String = text.chars().take(MAX_TEXT).collect();
        let mut parser = QueryParser::for_index(&self.index, vec![self.fields.title, self.fields.body]);
        parser.set_field_boost(self.fields.title, 4.0);
        parser.set_conjunction_by_default();
        // Only words: a colon or a bracket that somebody types is no operator.
        let plain: String = text.chars().map(|c| if c.is_alphanumeric() { c } else { ' ' }).collect();
        let (words, _) = parser.parse_query_lenient(&plain);
        let code = Term::from_field_text(self.fields.code, text.trim().to_lowercase().as_str());
        let code = BoostQuery::new(Box::new(TermQuery::new(code, IndexRecordOption::Basic)), 20.0);
        Box::new(BooleanQuery::new(vec![(Occur::Should, words), (Occur::Should, Box::new(code))]))
    }

    fn look_up(&self, text: &str, limit: usize) -> Result<Vec<Uuid>, SearchError> {
        let searcher = self.reader.searcher();
        let found = searcher.search(&self.query(text), &TopDocs::with_limit(limit.max(1)).order_by_score())?;
        let mut ids = Vec::with_capacity(found.len());
        for (_, address) in found {
            let row: TantivyDocument = searcher.doc(address)?;
            let id = row.get_first(self.fields.id).and_then(|v| v.as_str()).and_then(|id| Uuid::parse_str(id).ok());
            ids.extend(id);
        }
        Ok(ids)
    }
}

#[async_trait::async_trait]
impl SearchEngine for Embedded {
    fn name(&self) -> &'static str {
        "embedded index"
    }

    async fn put(&self, documents: Vec<Document>) -> Result<(), SearchError> {
        let _turn = self.writing.lock().await;
        let this = self.clone();
        tokio::task::spawn_blocking(move || this.write(&documents, false)).await?
    }

    async fn clear(&self) -> Result<(), SearchError> {
        let _turn = self.writing.lock().await;
        let this = self.clone();
        tokio::task::spawn_blocking(move || this.write(&[], true)).await?
    }

    async fn find(&self, text: &str, limit: usize) -> Result<Vec<Uuid>, SearchError> {
        let (this, text) = (self.clone(), text.to_owned());
        tokio::task::spawn_blocking(move || this.look_up(&text, limit)).await?
    }

    fn rest(&self) {
        segmenter::let_go();
    }

    async fn count(&self) -> Result<u64, SearchError> {
        Ok(self.reader.searcher().num_docs())
    }
}
