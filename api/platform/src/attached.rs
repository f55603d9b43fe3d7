//! Files that are attached by their hash, and whose bytes come after it: what may be said of one, and whether the bytes
//! that come are those. Whatever they hang on has its own rules beside these.

use entities::values::{
    ErrorCode, Refusal,
    refusal::{Check, line, sha256},
};

use super::error::Error;

/// What is said of a file before its bytes come.
#[derive(Clone, Copy, Debug)]
#[expect(missing_docs, reason = "the columns of files")]
pub struct Said<'a> {
    pub name: &'a str,
    pub sha256: &'a str,
    pub media_type: &'a str,
    pub size: i64,
}

impl Said<'_> {
    /// Notes what cannot be: a name that is no line, a hash that is none, a medium that is not taken, too large a size.
    /// Answers with the name as it is kept.
    pub fn checked(&self, check: &mut Check, is_known: fn(&str) -> bool, largest: i64) -> String {
        let name = check.take("name", line(self.name, 120)).unwrap_or_default();
        check.take("sha256", sha256(self.sha256));
        let shown: String = self.media_type.chars().take(60).collect();
        check.demand(is_known(self.media_type), "mediaType", || {
            Refusal::new(ErrorCode::InvalidValue).with("value", shown)
        });
        check.demand((1..=largest).contains(&self.size), "size", || {
            Refusal::new(ErrorCode::OutOfRange).with("min", "1").with("max", largest.to_string())
        });
        name
    }

    /// Refused unless bytes with this hash are those of the file, and begin as its medium does.
    pub fn is(&self, bytes: &[u8], hash: &str, begins_as: fn(&str, &[u8]) -> bool) -> Result<(), Refusal> {
        if i64::try_from(bytes.len()).ok() != Some(self.size) || hash != self.sha256 {
            return Err(Refusal::new(ErrorCode::InvalidValue).with("value", hash).at("sha256"));
        }
        if !begins_as(self.media_type, bytes) {
            return Err(Refusal::new(ErrorCode::InvalidValue).with("value", self.media_type).at("mediaType"));
        }
        Ok(())
    }
}

/// Arithmetic over megabytes, where no other request waits for it.
pub async fn aside<T: Send + 'static>(work: impl FnOnce() -> Result<T, Error> + Send + 'static) -> Result<T, Error> {
    tokio::task::spawn_blocking(work).await.map_err(Error::internal)?
}
