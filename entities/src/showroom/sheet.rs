//! Tables that people open in a spreadsheet (导出表格), as RFC 4180 has them. What people wrote begins with no sign that
//! a spreadsheet takes for a formula.

/// Which table (导出内容).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, async_graphql::Enum)]
#[graphql(name = "FigureSheet")]
pub enum Sheet {
    /// A row for each span, and one for all of them (按时间).
    Buckets,
    /// A row for each slot (按陈列位).
    Slots,
    /// A row for each of the team that one sees (按人员).
    Staff,
}

/// A text that people wrote, as a cell. A spreadsheet carries out what begins like a formula; behind an apostrophe it
/// is text.
pub fn said(text: &str) -> String {
    match text.chars().next() {
        Some('=' | '+' | '-' | '@' | '\t' | '\r' | '\n') => format!("'{text}"),
        _ => text.to_owned(),
    }
}

/// A line of cells.
pub fn line<S: AsRef<str>>(cells: impl IntoIterator<Item = S>) -> String {
    let cell = |cell: S| {
        let text = cell.as_ref();
        if text.contains(['"', ',', '\r', '\n']) {
            format!("\"{}\"", text.replace('"', "\"\""))
        } else {
            text.to_owned()
        }
    };
    let cells: Vec<String> = cells.into_iter().map(cell).collect();
    format!("{}\r\n", cells.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_quoted_when_they_must_be_and_no_text_is_a_formula() {
        assert_eq!(line(["a", "b,c", "d\"e", "", "f\ng"]), "a,\"b,c\",\"d\"\"e\",,\"f\ng\"\r\n");
        for (text, cell) in [
            ("=HYPERLINK(\"x\")", "'=HYPERLINK(\"x\")"),
            ("+1", "'+1"),
            ("-1", "'-1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\tx", "'\tx"),
            ("马小梅", "马小梅"),
            ("A-1", "A-1"),
            ("", ""),
        ] {
            assert_eq!(said(text), cell);
        }
    }
}
