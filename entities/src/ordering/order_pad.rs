//! Order pads (快速下单表): article numbers and quantities, as people paste them from a sheet.
//!
//! One row a line: seller's slug (or nothing), article number, quantity; separated by commas, semicolons or tabs, with a
//! header or without. Rows that cannot be read are refused by their line.

use crate::values::{ErrorCode, Refusal, Refusals};

/// Most bytes of a pad.
pub const MAX_BYTES: usize = 100_000;

/// A row of a pad.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PadRow {
    /// Line of the text, from 1.
    pub line: usize,
    /// Slug of the seller; none: whoever has that article number.
    pub seller: Option<String>,
    /// The seller's article number.
    pub sku: String,
    /// How much.
    pub quantity: i32,
}

/// Reads a pad of at most `most` rows.
pub fn read(text: &str, most: usize) -> Result<Vec<PadRow>, Refusals> {
    if text.len() > MAX_BYTES {
        return Err(vec![Refusal::new(ErrorCode::TooLong).with("max", MAX_BYTES.to_string())]);
    }
    let (mut rows, mut refused) = (Vec::new(), Vec::new());
    for (n, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
        let line_number = n + 1;
        if line.trim().is_empty() {
            continue;
        }
        let separator = ['\t', ';', ','].into_iter().find(|c| line.contains(*c)).unwrap_or(',');
        let cells: Vec<&str> = line.split(separator).map(|cell| cell.trim().trim_matches('"').trim()).collect();
        let (seller, sku, quantity) = match cells.as_slice() {
            [sku, quantity] => ("", *sku, *quantity),
            [seller, sku, quantity] => (*seller, *sku, *quantity),
            _ => {
                refused.push(at(line_number, Refusal::new(ErrorCode::InvalidValue).with("value", short(line))));
                continue;
            }
        };
        match quantity.parse::<i32>() {
            Ok(quantity) if quantity > 0 && !sku.is_empty() && sku.len() <= 64 => rows.push(PadRow {
                line: line_number,
                seller: Some(seller.to_owned()).filter(|slug| !slug.is_empty()),
                sku: sku.to_owned(),
                quantity,
            }),
            // The first line may say what the columns are.
            Err(_) if rows.is_empty() && refused.is_empty() && !quantity.bytes().any(|b| b.is_ascii_digit()) => {}
            _ => refused.push(at(line_number, Refusal::new(ErrorCode::InvalidValue).with("value", short(line)))),
        }
        if rows.len() > most {
            refused.push(Refusal::new(ErrorCode::TooMany).with("max", most.to_string()));
            break;
        }
    }
    if refused.is_empty() && rows.is_empty() {
        refused.push(Refusal::new(ErrorCode::Required));
    }
    if refused.is_empty() { Ok(rows) } else { Err(refused) }
}

/// What is refused of a line.
pub fn at(line: usize, refusal: Refusal) -> Refusal {
    refusal.at(line.to_string())
}

fn short(line: &str) -> String {
    line.chars().take(60).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(line: usize, seller: Option<&str>, sku: &str, quantity: i32) -> PadRow {
        PadRow { line, seller: seller.map(str::to_owned), sku: sku.into(), quantity }
    }

    #[test]
    fn what_people_paste_is_read() {
        let expected = vec![row(2, None, "A-1", 3), row(4, Some("hehuang-carpet"), "B 2", 10)];
        for text in [
            "sku,quantity\nA-1,3\n\nhehuang-carpet,B 2,10\n",
            "货号\t数量\r\nA-1\t3\r\n\r\nhehuang-carpet\tB 2\t10",
            "\u{feff}sku;qty\n\"A-1\";\"3\"\n \nhehuang-carpet; B 2 ;10",
        ] {
            assert_eq!(read(text, 10).unwrap(), expected, "{text:?}");
        }
        assert_eq!(read("A-1,3", 10).unwrap(), [row(1, None, "A-1", 3)], "a pad without a header");
    }

    #[test]
    fn what_cannot_be_read_is_refused_by_its_line() {
        for (text, lines) in [
            ("A-1,3\nB-1,x1", &["2"][..]),
            ("A-1,0", &["1"]),
            ("A-1,-1\nB", &["1", "2"]),
            ("A-1,3\n,4\na,b,c,5", &["2", "3"]),
            ("A-1,99999999999", &["1"]),
        ] {
            let refused = read(text, 10).unwrap_err();
            let at: Vec<&str> = refused.iter().filter_map(|r| r.field.first().map(String::as_str)).collect();
            assert_eq!(at, lines, "{text:?}");
        }
        assert_eq!(read("", 10).unwrap_err()[0].code, ErrorCode::Required);
        assert_eq!(read("a,1\nb,2\nc,3", 2).unwrap_err()[0].code, ErrorCode::TooMany);
        assert_eq!(read(&"a".repeat(MAX_BYTES + 1), 2).unwrap_err()[0].code, ErrorCode::TooLong);
    }
}
