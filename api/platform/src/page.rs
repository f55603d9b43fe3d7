//! Keyset pages: a cursor is the sort key of a row, so that a page costs the same wherever it is and
//! rows that come or go do not shift it.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use sea_orm::{
    ConnectionTrait, EntityTrait, ExprTrait, Order, QueryFilter, QueryOrder, QuerySelect, Select, Statement,
    sea_query::{Expr, SelectStatement, SimpleExpr, Value},
};

use super::error::Error;

/// Rows of a page when none is asked for.
pub const DEFAULT_SIZE: u64 = 20;
/// Most rows of a page.
pub const MAX_SIZE: u64 = 100;

/// Which page of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageArgs {
    /// How many rows.
    pub size: u64,
    /// True for `last`/`before`: the page ends before the cursor.
    pub backward: bool,
    /// Where it starts (or ends); none: at the list's beginning (or end).
    pub cursor: Option<Cursor>,
}

/// A statement that reads the first rows of a list that has no limit yet. How many is written into its text and not
/// bound: `PostgreSQL` does not know a bound number when it decides whether it keeps a plan, so it would plan every page
/// anew, which takes longer than reading it.
pub fn first_rows(db: &impl ConnectionTrait, list: &SelectStatement, rows: u64) -> Statement {
    let mut statement = db.get_database_backend().build(list);
    statement.sql.push_str(" LIMIT ");
    statement.sql.push_str(&rows.to_string());
    statement
}

/// A place in a list: the sort key of a row and its id, under the name of the order it was made for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    order: String,
    key: Vec<serde_json::Value>,
}

/// A page of rows, in the order of the list.
#[derive(Clone, Debug)]
pub struct Page<T> {
    /// The rows.
    pub rows: Vec<T>,
    /// Whether there are rows after it.
    pub has_next: bool,
    /// Whether there are rows before it.
    pub has_previous: bool,
}

impl PageArgs {
    /// The arguments of a Relay connection.
    pub fn relay(
        first: Option<i32>,
        after: Option<&str>,
        last: Option<i32>,
        before: Option<&str>,
    ) -> Result<Self, Error> {
        let (count, cursor, backward) = match (first, after, last, before) {
            (first, after, None, None) => (first, after, false),
            (None, None, last, before) => (last, before, true),
            _ => return Err(Error::BadInput("use first with after, or last with before".into())),
        };
        let size = count.map_or(Ok(DEFAULT_SIZE), u64::try_from).unwrap_or(u64::MAX);
        if size > MAX_SIZE {
            return Err(Error::BadInput(format!("a page has 0 to {MAX_SIZE} entries")));
        }
        let cursor = cursor.map(Cursor::decode).transpose()?;
        Ok(Self { size, backward, cursor })
    }

    /// The first page of the usual size.
    pub fn first(size: u64) -> Self {
        Self { size, backward: false, cursor: None }
    }

    /// How many rows to ask the database for: one more than shown tells whether there are more.
    pub fn fetch(&self) -> u64 {
        self.size + 1
    }

    /// The direction to walk the index in, for a list ordered by `order`.
    pub fn walk(&self, order: Order) -> Order {
        match (order, self.backward) {
            (Order::Asc, false) | (Order::Desc, true) => Order::Asc,
            _ => Order::Desc,
        }
    }

    /// The condition that a row lies beyond the cursor, for a list ordered by the tuple `columns`.
    /// None without a cursor. `values` reads the cursor's key back.
    pub fn beyond(
        &self,
        name: &str,
        columns: Vec<SimpleExpr>,
        order: Order,
        values: impl FnOnce(&[serde_json::Value]) -> Option<Vec<Value>>,
    ) -> Result<Option<SimpleExpr>, Error> {
        let Some(cursor) = &self.cursor else { return Ok(None) };
        let foreign = || Error::BadInput("the cursor belongs to another list or order".into());
        if cursor.order != name || cursor.key.len() != columns.len() {
            return Err(foreign());
        }
        let values = values(&cursor.key).ok_or_else(foreign)?;
        let (row, place) = (Expr::tuple(columns), Expr::tuple(values.into_iter().map(Expr::val)));
        Ok(Some(match self.walk(order) {
            Order::Desc => row.lt(place),
            _ => row.gt(place),
        }))
    }

    /// A page of rows in the order of their ids, which is that of their making.
    pub async fn by_id<E: EntityTrait>(
        &self,
        db: &impl ConnectionTrait,
        list: Select<E>,
        id: E::Column,
        name: &str,
        order: Order,
    ) -> Result<Page<E::Model>, Error> {
        let place = vec![Expr::col((E::default(), id))];
        let beyond = self.beyond(name, place, order.clone(), |k| Some(vec![key::id(k.first()?)?]))?;
        let list = beyond.into_iter().fold(list, QueryFilter::filter);
        Ok(self.page(list.order_by(id, self.walk(order)).limit(self.fetch()).all(db).await?))
    }

    /// A page of rows that are all in memory: for lists that a rule keeps short.
    pub fn slice<T>(&self, rows: Vec<T>, cursor: impl Fn(&T) -> Cursor) -> Result<Page<T>, Error> {
        let place = match &self.cursor {
            None => None,
            Some(wanted) => {
                let place = rows.iter().position(|row| cursor(row) == *wanted);
                Some(place.ok_or_else(|| {
                    Error::BadInput("the cursor belongs to another list, or its entry is gone".into())
                })?)
            }
        };
        let fetch = usize::try_from(self.fetch()).unwrap_or(usize::MAX);
        let rows: Vec<T> = if self.backward {
            let end = place.unwrap_or(rows.len());
            rows.into_iter().take(end).rev().take(fetch).collect()
        } else {
            rows.into_iter().skip(place.map_or(0, |p| p + 1)).take(fetch).collect()
        };
        Ok(self.page(rows))
    }

    /// Turns what [`PageArgs::fetch`] brought into a page.
    pub fn page<T>(&self, mut rows: Vec<T>) -> Page<T> {
        let more = rows.len() as u64 > self.size;
        rows.truncate(usize::try_from(self.size).unwrap_or(usize::MAX));
        let behind = self.cursor.is_some();
        if self.backward {
            rows.reverse();
            Page { rows, has_next: behind, has_previous: more }
        } else {
            Page { rows, has_next: more, has_previous: behind }
        }
    }
}

impl Cursor {
    /// The place of a row with this key in the list ordered by `order`.
    pub fn new(order: impl Into<String>, key: Vec<serde_json::Value>) -> Self {
        Self { order: order.into(), key }
    }

    /// A place by its number, in a list that has no other order.
    pub fn at(order: &str, place: usize) -> Self {
        Self::new(order, vec![place.into()])
    }

    /// The number of such a place.
    pub fn place(&self, order: &str) -> Result<usize, Error> {
        let place = self.key.first().and_then(serde_json::Value::as_u64).and_then(|n| usize::try_from(n).ok());
        let place = place.filter(|_| self.order == order && self.key.len() == 1);
        place.ok_or_else(|| Error::BadInput("the cursor belongs to another list or order".into()))
    }

    /// The place of a row in a list in the order of its ids.
    pub fn of_id(order: &str, id: impl std::fmt::Display) -> Self {
        Self::new(order, vec![id.to_string().into()])
    }

    /// The cursor as clients see it.
    pub fn encode(&self) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(serde_json::json!([self.order, self.key]).to_string())
    }

    fn decode(text: &str) -> Result<Self, Error> {
        let read = || {
            let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).ok()?;
            let (order, key) = serde_json::from_slice(&bytes).ok()?;
            Some(Self { order, key })
        };
        // A key is a few hundred bytes; more was never given out.
        if text.len() > 2_000 { None } else { read() }
            .ok_or_else(|| Error::BadInput("the cursor is not one of this API's".into()))
    }
}

/// Values of cursor keys, for [`PageArgs::beyond`].
pub mod key {
    use sea_orm::sea_query::Value;

    /// A UUID.
    pub fn id(value: &serde_json::Value) -> Option<Value> {
        value.as_str()?.parse::<uuid::Uuid>().ok().map(Value::from)
    }

    /// A text.
    pub fn text(value: &serde_json::Value) -> Option<Value> {
        // PostgreSQL takes no NUL.
        value.as_str().filter(|text| !text.contains('\0')).map(Value::from)
    }

    /// A whole number.
    pub fn int(value: &serde_json::Value) -> Option<Value> {
        Some(Value::from(value.as_i64()?))
    }

    /// A day.
    pub fn date(value: &serde_json::Value) -> Option<Value> {
        value.as_str()?.parse::<chrono::NaiveDate>().ok().map(Value::from)
    }

    /// A moment, kept as milliseconds.
    pub fn moment(value: &serde_json::Value) -> Option<Value> {
        // Years 1970 to 9999: what both databases can hold.
        let millis = value.as_i64().filter(|m| (0..253_402_300_800_000).contains(m))?;
        chrono::DateTime::from_timestamp_millis(millis).map(Value::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arguments_of_a_connection_are_checked() {
        assert_eq!(PageArgs::relay(None, None, None, None).unwrap().size, DEFAULT_SIZE);
        assert_eq!(PageArgs::relay(Some(0), None, None, None).unwrap().size, 0);
        assert!(PageArgs::relay(None, None, Some(5), None).unwrap().backward);
        for (first, after, last, before) in [
            (Some(101), None, None, None),
            (Some(-1), None, None, None),
            (None, None, Some(101), None),
            (Some(1), None, Some(1), None),
            (Some(1), None, None, Some("x")),
            (Some(1), Some("no cursor"), None, None),
        ] {
            assert!(PageArgs::relay(first, after, last, before).is_err(), "{first:?} {after:?} {last:?} {before:?}");
        }
    }

    #[test]
    fn a_page_knows_its_neighbours() {
        let cursor = Cursor::new("newest", vec![1.into(), "a".into()]);
        assert_eq!(Cursor::decode(&cursor.encode()).unwrap(), cursor);
        let forward = PageArgs { size: 2, backward: false, cursor: None };
        let page = forward.page(vec![1, 2, 3]);
        assert_eq!((page.rows, page.has_next, page.has_previous), (vec![1, 2], true, false));
        let backward = PageArgs { size: 2, backward: true, cursor: Some(cursor) };
        let page = backward.page(vec![9, 8, 7]);
        assert_eq!((page.rows, page.has_next, page.has_previous), (vec![8, 9], true, true));
    }
}
