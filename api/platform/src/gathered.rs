//! Rows that are written together a little later, because each of them alone would cost more than what it is about: one
//! statement for many. What is gathered when the process is killed is lost; a process that stops writes it first.

use std::sync::{Mutex, PoisonError};

/// Most rows that wait. Beyond them new ones are lost, and that is said in the log.
const MOST: usize = 20_000;

/// Rows that wait.
#[derive(Debug)]
pub struct Gathered<T>(Mutex<Vec<T>>);

impl<T> Default for Gathered<T> {
    fn default() -> Self {
        Self(Mutex::new(Vec::new()))
    }
}

/// What became of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Put {
    /// It is the first that waits: whoever put it sees to it that they are written.
    First,
    /// Others wait already.
    Behind,
    /// Too many wait.
    Lost,
}

impl<T> Gathered<T> {
    /// Puts a row to the others.
    pub fn put(&self, row: T) -> Put {
        let mut rows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if rows.len() >= MOST {
            return Put::Lost;
        }
        rows.push(row);
        if rows.len() == 1 { Put::First } else { Put::Behind }
    }

    /// Takes all that wait.
    pub fn take(&self) -> Vec<T> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_comes_first_writes_and_beyond_the_most_rows_are_lost() {
        let rows = Gathered::default();
        assert_eq!((rows.put(1), rows.put(2)), (Put::First, Put::Behind));
        assert_eq!(rows.take(), [1, 2]);
        assert_eq!(rows.put(3), Put::First, "those that were taken wait no more");
        assert!((1..MOST).all(|n| rows.put(n) == Put::Behind));
        assert_eq!(rows.put(4), Put::Lost);
        assert_eq!(rows.take().len(), MOST);
    }
}
