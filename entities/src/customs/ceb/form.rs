//! What a table says of the parts of a message, and whether what is said keeps to it.

use super::{Fault, Record, Wrong};

/// Most documents of one message.
pub const DOCUMENTS: usize = 100;

/// How a value is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Text of exactly so many characters.
    Exactly(usize),
    /// Text of at most so many characters.
    UpTo(usize),
    /// This and nothing else.
    Fixed(&'static str),
    /// A decimal number: 19 digits, at most 5 of them after the point.
    Decimal,
    /// A whole number.
    Whole,
}

/// An element of a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name on the wire, misspellings included.
    pub name: &'static str,
    /// How its value is written.
    pub form: Form,
    /// Whether it must be there.
    pub required: bool,
}

impl Field {
    /// It may be left out.
    pub(super) const fn optional(self) -> Self {
        Self { required: false, ..self }
    }
}

/// Text of exactly so many characters.
pub(super) const fn exact(name: &'static str, length: usize) -> Field {
    Field { name, form: Form::Exactly(length), required: true }
}

/// Text of at most so many characters.
pub(super) const fn text(name: &'static str, most: usize) -> Field {
    Field { name, form: Form::UpTo(most), required: true }
}

/// Always the same.
pub(super) const fn fixed(name: &'static str, value: &'static str) -> Field {
    Field { name, form: Form::Fixed(value), required: true }
}

/// A decimal number.
pub(super) const fn number(name: &'static str) -> Field {
    Field { name, form: Form::Decimal, required: true }
}

/// A whole number.
pub(super) const fn whole(name: &'static str) -> Field {
    Field { name, form: Form::Whole, required: true }
}

/// A part of a message: elements in the order in which they stand on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// The name of its element.
    pub name: &'static str,
    /// Its elements.
    pub fields: &'static [Field],
}

/// How a document of a message is put together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// One element with everything in it.
    Plain(&'static Part),
    /// A head alone, in an element of its own.
    Headed {
        /// The element around it.
        name: &'static str,
        /// The head.
        head: &'static Part,
    },
    /// A head and lines.
    Lined {
        /// The element around them.
        name: &'static str,
        /// The head.
        head: &'static Part,
        /// A line.
        line: &'static Part,
        /// Fewest lines.
        least: usize,
        /// Most lines.
        most: usize,
    },
}

impl Shape {
    /// The name of the element of a document.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Plain(part) => part.name,
            Self::Headed { name, .. } | Self::Lined { name, .. } => name,
        }
    }

    /// The head, or all of it.
    pub const fn head(&self) -> &'static Part {
        match self {
            Self::Plain(part) => part,
            Self::Headed { head, .. } | Self::Lined { head, .. } => head,
        }
    }
}

/// Who makes a kind of message, and whether it is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signing {
    /// Sent to customs, and signed.
    Signed,
    /// Sent to customs; it may be signed.
    MayBeSigned,
    /// Comes from customs: it is read, and has no sender and no signature.
    Told,
}

/// A kind of message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kind {
    /// Its number: 621.
    pub number: u16,
    /// A document of it.
    pub shape: Shape,
    /// Who makes it.
    pub signing: Signing,
    /// Most documents.
    pub most: usize,
    /// Whether the signature stands before the extension, as in the schema of exports.
    pub signature_first: bool,
}

/// Holds what is said against the table.
pub(super) fn check(part: &Part, record: &Record, at: &str, faults: &mut Vec<Fault>) {
    let mut fault = |name: &str, what| faults.push(Fault { at: format!("{at}/{name}"), what });
    let mut next = 0;
    for (name, value) in record.values() {
        let Some(place) = part.fields.iter().position(|field| field.name == name) else {
            fault(name, Wrong::Unknown);
            continue;
        };
        if place < next {
            fault(name, Wrong::Misplaced);
            continue;
        }
        next = place + 1;
        let field = &part.fields[place];
        // What is empty was read so; the schema takes an empty optional text, and nobody a required one.
        if value.is_empty() {
            continue;
        }
        if let Some(what) = field.form.wrong(value) {
            fault(name, what);
        }
    }
    for field in part.fields.iter().filter(|field| field.required && record.get(field.name).is_none()) {
        fault(field.name, Wrong::Missing);
    }
}

impl Form {
    fn wrong(self, value: &str) -> Option<Wrong> {
        if !value.chars().all(is_text) {
            return Some(Wrong::NoText);
        }
        let long = || value.chars().count();
        match self {
            Self::Exactly(exactly) => (long() != exactly).then_some(Wrong::NotLong { exactly }),
            Self::UpTo(most) => (long() > most).then_some(Wrong::TooLong { most }),
            Self::Fixed(only) => (value != only).then_some(Wrong::Not { only }),
            Self::Decimal => (!is_decimal(value)).then_some(Wrong::NoNumber),
            Self::Whole => value.parse::<i32>().is_err().then_some(Wrong::NotWhole),
        }
    }
}

/// A character of XML 1.0, section 2.2.
pub(crate) fn is_text(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..)
}

/// An `xs:decimal` of 19 digits, at most 5 of them after the point. Zeros that say nothing do not count.
fn is_decimal(value: &str) -> bool {
    let plain = value.strip_prefix(['+', '-']).unwrap_or(value);
    let (whole, after) = plain.split_once('.').unwrap_or((plain, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(after) || whole.len() + after.len() == 0 {
        return false;
    }
    let (whole, after) = (whole.trim_start_matches('0').len(), after.trim_end_matches('0').len());
    after <= 5 && whole + after <= 19
}
