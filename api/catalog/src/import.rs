//! Catalog files: CSV or JSON Lines, read as a stream.
//!
//! A file is read twice. First its **shape**: encoding, header, whole lines, no endless ones; a broken
//! file is refused before anything is written. Then its **rows**, in batches of one transaction each: a
//! bad row is noted with its line, column and reason, and the rest goes on. Memory stays with one batch,
//! apart from what [`bulk::Seen`] keeps to notice a row that comes twice.
//!
//! The columns are those of [`entities::catalog::row`].

use std::{
    cell::RefCell,
    fs::File,
    io::{self, BufRead, BufReader, Read, Seek, SeekFrom},
    path::Path,
    rc::Rc,
};

use entities::{
    catalog::row::{self, Row},
    values::{ErrorCode, Locale, Refusal, Refusals},
};
use platform::{
    app::{App, Call},
    db::{Growth, analyze},
    error::Error,
};

use super::ops::bulk::{self, Outcome, RowResult, Seen};

/// Longest line or record; the longest honest one (every text at its limit in a few languages) is far below.
const MAX_RECORD: usize = 1_000_000;

/// How a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// Comma-separated values with a header line (RFC 4180), UTF-8.
    Csv,
    /// One JSON object a line, UTF-8.
    Jsonl,
}

/// What a whole file was found to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// How it is written.
    pub format: Format,
    /// How many rows it has.
    pub rows: u64,
}

/// Why a file cannot be read at all. Nothing was changed.
#[derive(Debug, thiserror::Error)]
#[error("{message}{}", line.map(|l| format!(" (line {l})")).unwrap_or_default())]
pub struct BrokenFile {
    message: String,
    line: Option<u64>,
}

impl BrokenFile {
    fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), line: None }
    }

    fn at(message: impl Into<String>, line: u64) -> Self {
        Self { message: message.into(), line: Some(line) }
    }
}

impl From<io::Error> for BrokenFile {
    fn from(error: io::Error) -> Self {
        Self::new(format!("the file cannot be read: {error}"))
    }
}

/// Finds out how a file is written and that all of it can be read.
pub fn inspect(path: &Path, format: Option<Format>) -> Result<Shape, BrokenFile> {
    let format = match format {
        Some(format) => format,
        None => match path.extension().and_then(|e| e.to_str()).map(str::to_ascii_lowercase).as_deref() {
            Some("csv") => Format::Csv,
            Some("jsonl" | "ndjson") => Format::Jsonl,
            _ => return Err(BrokenFile::new("the name ends neither in .csv nor in .jsonl; say which with --format")),
        },
    };
    refuse_foreign(path)?;
    let mut rows = 0;
    let mut reader = Rows::open(path, format)?;
    while let Some(read) = reader.next_record()? {
        rows += 1;
        if let Record::Csv(record, line) = &read
            && record.len() < reader.columns.len()
        {
            let message = format!(
                "a row has {} of {} columns: it is cut off, or a line break stands outside quotes",
                record.len(),
                reader.columns.len()
            );
            return Err(BrokenFile::at(message, *line));
        }
    }
    Ok(Shape { format, rows })
}

/// What is often sent instead of text, said by its name.
fn refuse_foreign(path: &Path) -> Result<(), BrokenFile> {
    let mut start = [0_u8; 4];
    let read = File::open(path)?.read(&mut start)?;
    match &start[..read] {
        [] => Err(BrokenFile::new("the file is empty")),
        [b'P', b'K', 3, 4] => Err(BrokenFile::new("this is a workbook, not text: save it as \"CSV UTF-8\"")),
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => Err(BrokenFile::new("this is UTF-16: save it as \"CSV UTF-8\"")),
        _ => Ok(()),
    }
}

/// Watches the bytes of a CSV file on their way to the reader, which is more lenient than a catalog can
/// afford: a quote that is not closed would swallow the rows after it without a word.
struct Watched<R> {
    inner: R,
    watch: Rc<RefCell<Watch>>,
}

/// What was seen so far of a CSV file.
#[derive(Default)]
struct Watch {
    place: Place,
    line: u64,
    /// Bytes handed on since the last whole record.
    since: usize,
    broken: Option<BrokenFile>,
}

/// Where in a cell a byte stands, by RFC 4180.
#[derive(Clone, Copy, Default, PartialEq)]
enum Place {
    #[default]
    Start,
    Bare,
    Quoted,
    /// A quote within quotes: the end of the cell, or the first of a doubled one.
    Quote,
}

impl Watch {
    fn see(&mut self, bytes: &[u8]) {
        self.since += bytes.len();
        for byte in bytes {
            self.line += u64::from(*byte == b'\n');
            self.place = match (self.place, byte) {
                (Place::Quoted, b'"') => Place::Quote,
                (Place::Quoted, _) | (Place::Start | Place::Quote, b'"') => Place::Quoted,
                (_, b',' | b'\n') => Place::Start,
                (place, b'\r') => place,
                (Place::Bare, b'"') => {
                    return self.fail("a quote stands inside an unquoted cell: quote the cell and double the quote");
                }
                (Place::Quote, _) => return self.fail("a quote is not closed, or text follows a closing quote"),
                (Place::Start | Place::Bare, _) => Place::Bare,
            };
        }
        // A reader ahead of its records holds at most one buffer.
        if self.since > MAX_RECORD + 64 * 1024 {
            self.fail(&too_long());
        }
    }

    fn fail(&mut self, message: &str) {
        self.broken = Some(BrokenFile::at(message, self.line + 1));
    }
}

impl<R: Read> Read for Watched<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        let mut watch = self.watch.borrow_mut();
        watch.see(&buffer[..read]);
        if watch.broken.is_some() {
            return Err(io::Error::other("see the watch"));
        }
        Ok(read)
    }
}

fn too_long() -> String {
    format!("a line is longer than {MAX_RECORD} bytes; is this a catalog file?")
}

enum Record {
    Csv(csv::StringRecord, u64),
    Json(String, u64),
}

/// The rows of a file, one after the other.
struct Rows {
    source: Source,
    columns: Vec<String>,
}

enum Source {
    Csv { reader: Box<csv::Reader<Watched<File>>>, watch: Rc<RefCell<Watch>> },
    Json { reader: BufReader<File>, line: u64 },
}

impl Rows {
    fn open(path: &Path, format: Format) -> Result<Self, BrokenFile> {
        let mut file = File::open(path)?;
        let mut mark = [0_u8; 3];
        let marked = file.read(&mut mark)? == 3 && mark == [0xef, 0xbb, 0xbf];
        file.seek(SeekFrom::Start(if marked { 3 } else { 0 }))?;
        match format {
            Format::Jsonl => {
                let source = Source::Json { reader: BufReader::new(file), line: 0 };
                Ok(Self { source, columns: Vec::new() })
            }
            Format::Csv => {
                let watch = Rc::new(RefCell::new(Watch::default()));
                let watched = Watched { inner: file, watch: watch.clone() };
                let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(watched);
                let columns = header(&mut reader, &watch)?;
                watch.borrow_mut().since = 0;
                Ok(Self { source: Source::Csv { reader: Box::new(reader), watch }, columns })
            }
        }
    }

    fn next_record(&mut self) -> Result<Option<Record>, BrokenFile> {
        match &mut self.source {
            Source::Csv { reader, watch } => {
                let mut bytes = csv::ByteRecord::new();
                if !reader.read_byte_record(&mut bytes).map_err(|e| csv_error(e, watch))? {
                    let open = watch.borrow().place == Place::Quoted;
                    return if open {
                        Err(BrokenFile::new("a quote is open at the end of the file: it is cut off"))
                    } else {
                        Ok(None)
                    };
                }
                watch.borrow_mut().since = 0;
                let line = bytes.position().map_or(0, csv::Position::line);
                let record = csv::StringRecord::from_byte_record(bytes).map_err(|_| not_utf8(line))?;
                Ok(Some(Record::Csv(record, line)))
            }
            Source::Json { reader, line } => loop {
                let mut bytes = Vec::new();
                let limit = u64::try_from(MAX_RECORD + 1).unwrap_or(u64::MAX);
                if reader.by_ref().take(limit).read_until(b'\n', &mut bytes)? == 0 {
                    return Ok(None);
                }
                *line += 1;
                if bytes.len() > MAX_RECORD {
                    return Err(BrokenFile::at(too_long(), *line));
                }
                let text = String::from_utf8(bytes).map_err(|_| not_utf8(*line))?;
                let text = text.trim();
                if text.is_empty() {
                    continue;
                }
                let parsed = serde_json::from_str::<serde::de::IgnoredAny>(text);
                if parsed.is_err_and(|e| e.is_eof()) {
                    return Err(BrokenFile::at("a line ends in the middle of its JSON: the file is cut off", *line));
                }
                return Ok(Some(Record::Json(text.to_owned(), *line)));
            },
        }
    }

    /// The record as a row: its line, its article number when it has one, and what it says.
    fn read(&self, record: &Record) -> (u64, Result<Row, Refusals>) {
        match record {
            Record::Csv(record, line) if record.len() > self.columns.len() => {
                let refusal = Refusal::new(ErrorCode::TooMany).with("max", self.columns.len().to_string());
                (*line, Err(vec![refusal.at("columns")]))
            }
            Record::Csv(record, line) => {
                let cells = self.columns.iter().map(String::as_str).zip(record.iter());
                (*line, Row::from_cells(cells))
            }
            Record::Json(text, line) => (*line, json_row(text)),
        }
    }
}

fn header<R: Read>(reader: &mut csv::Reader<R>, watch: &RefCell<Watch>) -> Result<Vec<String>, BrokenFile> {
    let header = reader.byte_headers().map_err(|e| csv_error(e, watch))?.clone();
    let header = csv::StringRecord::from_byte_record(header).map_err(|_| not_utf8(1))?;
    let columns: Vec<String> = header.iter().map(|c| c.trim().to_owned()).collect();
    if let Some(unknown) = columns.iter().find(|c| !row::is_column(c)) {
        let start: String = unknown.chars().take(60).collect();
        return Err(BrokenFile::at(
            format!("the header names a column {start:?} that a catalog file does not have"),
            1,
        ));
    }
    if let Some(twice) = columns.iter().enumerate().find(|(n, c)| columns[..*n].contains(c)) {
        return Err(BrokenFile::at(format!("the header names the column {:?} twice", twice.1), 1));
    }
    if !columns.iter().any(|c| c == "sku") {
        return Err(BrokenFile::at("the header has no column \"sku\"", 1));
    }
    Ok(columns)
}

fn csv_error(error: csv::Error, watch: &RefCell<Watch>) -> BrokenFile {
    if let Some(broken) = watch.borrow_mut().broken.take() {
        return broken;
    }
    match error.into_kind() {
        csv::ErrorKind::Io(error) => BrokenFile::new(error.to_string()),
        kind => BrokenFile::new(format!("the file is no CSV: {kind:?}")),
    }
}

fn not_utf8(line: u64) -> BrokenFile {
    BrokenFile::at("the file is not UTF-8 (perhaps GBK): save it as \"CSV UTF-8\"", line)
}

fn json_row(text: &str) -> Result<Row, Refusals> {
    let wrong = |value: &str, field: &str| {
        vec![Refusal::new(ErrorCode::InvalidValue).with("value", value.chars().take(60).collect::<String>()).at(field)]
    };
    let cells: serde_json::Map<String, serde_json::Value> =
        serde_json::from_str(text).map_err(|_| wrong(text, "line"))?;
    let mut texts = Vec::new();
    for (column, cell) in cells {
        let cell = match cell {
            serde_json::Value::Null => continue,
            serde_json::Value::String(text) => text,
            serde_json::Value::Number(number) => number.to_string(),
            serde_json::Value::Bool(yes) => yes.to_string(),
            nested => return Err(wrong(&nested.to_string(), &column)),
        };
        texts.push((column, cell));
    }
    Row::from_cells(texts.iter().map(|(column, cell)| (column.as_str(), cell.as_str())))
}

/// How an import is meant.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Seller of rows that name none, and whether new products are published.
    pub bulk: bulk::Options,
    /// Find out what would happen and change nothing.
    pub dry_run: bool,
    /// Language of the reasons in the errors file.
    pub language: Language,
}

/// Language of reasons.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Language {
    /// English.
    #[default]
    En,
    /// Chinese.
    Zh,
}

/// What came of an import so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Rows read.
    pub rows: u64,
    /// Rows that made an offer.
    pub created: u64,
    /// Rows that changed something.
    pub updated: u64,
    /// Rows that said what was so already.
    pub unchanged: u64,
    /// Rows whose description waits for the operator.
    pub proposed: u64,
    /// Rows that were refused.
    pub failed: u64,
}

impl Summary {
    fn add(&mut self, outcome: Outcome) {
        self.rows += 1;
        match outcome {
            Outcome::Created => self.created += 1,
            Outcome::Updated => self.updated += 1,
            Outcome::Unchanged => self.unchanged += 1,
            Outcome::Proposed => self.proposed += 1,
            Outcome::Failed => self.failed += 1,
        }
    }
}

impl std::fmt::Display for Summary {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { rows, created, updated, unchanged, proposed, failed } = self;
        write!(f, "{rows} rows: {created} created, {updated} updated, {unchanged} unchanged")?;
        if *proposed > 0 {
            write!(f, ", {proposed} proposed")?;
        }
        write!(f, ", {failed} failed")
    }
}

/// Imports an inspected file. `errors` is made when the first row is refused; `progress` is told after
/// every batch. What changed leaves jobs for the search index.
pub async fn import_file(
    app: &App,
    call: &Call,
    path: &Path,
    format: Format,
    options: Options,
    errors: &Path,
    mut progress: impl FnMut(&Summary),
) -> Result<Summary, Error> {
    let mut rows = Rows::open(path, format).map_err(|e| Error::BadInput(e.to_string()))?;
    let mut notes = Notes { path: errors.to_owned(), writer: None, language: options.language };
    let mut seen = Seen::default();
    let mut summary = Summary::default();
    let mut growth = Growth::default();
    // A trial is one transaction that is never committed, so that later rows see what earlier ones did.
    let trial = if options.dry_run { Some(app.db().begin().await?) } else { None };
    loop {
        let mut lines = Vec::new();
        let mut batch = Vec::new();
        while batch.len() < bulk::MAX_ROWS
            && let Some(record) = rows.next_record().map_err(|e| Error::BadInput(e.to_string()))?
        {
            let (line, row) = rows.read(&record);
            lines.push((line, row.as_ref().map(|r| r.sku.clone()).unwrap_or_default()));
            batch.push(row);
        }
        if batch.is_empty() {
            break;
        }
        let results = match &trial {
            Some(tx) => bulk::upsert_in(tx, &call.viewer, &batch, options.bulk, &mut seen, app.clock().now()).await?,
            None => bulk::upsert_each(app, call, &batch, options.bulk, &mut seen).await?,
        };
        for (result, (line, sku)) in results.iter().zip(&lines) {
            summary.add(result.outcome);
            notes.note(*line, sku, result)?;
        }
        if growth.outgrown(summary.rows) {
            match &trial {
                Some(tx) => analyze(tx).await?,
                None => app.db().analyze().await?,
            }
        }
        progress(&summary);
    }
    notes.finish()?;
    if let Some(tx) = trial {
        tx.rollback().await?;
    }
    Ok(summary)
}

/// The errors file: line, article number, column, code and reason of everything that was refused.
struct Notes {
    path: std::path::PathBuf,
    writer: Option<csv::Writer<File>>,
    language: Language,
}

impl Notes {
    fn note(&mut self, line: u64, sku: &str, result: &RowResult) -> Result<(), Error> {
        if result.refusals.is_empty() {
            return Ok(());
        }
        let writer = if let Some(writer) = &mut self.writer {
            writer
        } else {
            let mut writer = csv::Writer::from_path(&self.path).map_err(Error::internal)?;
            writer.write_record(["line", "sku", "field", "code", "reason"]).map_err(Error::internal)?;
            self.writer.insert(writer)
        };
        let locale = match self.language {
            Language::En => Locale::en(),
            Language::Zh => Locale::zh_cn(),
        };
        for refusal in &result.refusals {
            let code = refusal.code.name();
            let column = row::column_of(&refusal.field);
            writer
                .write_record([&line.to_string(), sku, &column, &code, &refusal.message(&locale)])
                .map_err(Error::internal)?;
        }
        Ok(())
    }

    fn finish(self) -> Result<(), Error> {
        self.writer.map_or(Ok(()), |mut writer| writer.flush().map_err(Error::internal))
    }
}
