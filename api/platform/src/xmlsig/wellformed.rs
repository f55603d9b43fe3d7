//! What XML and its namespaces ask of names, characters and declarations, where the parser does not.

use std::rc::Rc;

use quick_xml::events::{BytesDecl, attributes::Attributes};

use super::document::Unreadable;

/// The namespace that the prefix `xml` always has.
pub(super) const XML: &str = "http://www.w3.org/XML/1998/namespace";
/// The namespace of declarations, which no prefix may have.
const XMLNS: &str = "http://www.w3.org/2000/xmlns/";

pub(super) fn broken(what: &(impl ToString + ?Sized)) -> Unreadable {
    Unreadable::NotXml(what.to_string())
}

/// What a prefix may be declared to be: no prefix can be undeclared or take what is XML's own (Namespaces in XML 1.0,
/// sections 3 and 5), and Canonical XML wants what is no absolute URI refused (section 1.3).
pub(super) fn declaring(prefix: &str, namespace: &str) -> Result<Rc<str>, Unreadable> {
    let is_of_scheme = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
    let is_of_uri = |c: char| c.is_ascii_alphanumeric() || "-._~:/?#[]@!$&'()*+,;=%".contains(c);
    let absolute = namespace.chars().all(is_of_uri)
        && namespace.split_once(':').is_some_and(|(scheme, _)| {
            scheme.starts_with(|c: char| c.is_ascii_alphabetic()) && scheme.chars().all(is_of_scheme)
        });
    let allowed = match prefix {
        "xml" => namespace == XML,
        "xmlns" => false,
        "" => namespace.is_empty() || absolute && namespace != XML && namespace != XMLNS,
        _ => absolute && namespace != XML && namespace != XMLNS,
    };
    if allowed { Ok(Rc::from(namespace)) } else { Err(broken(&format!("{prefix:?} cannot be {namespace:?}"))) }
}

pub(super) fn declaration(told: &BytesDecl<'_>) -> Result<(), Unreadable> {
    spaced(told.trim_start_matches("xml"))?;
    let mut expected = ["version", "encoding", "standalone"].iter();
    for (n, said) in Attributes::new(told, "xml".len()).enumerate() {
        let said = said.map_err(|why| broken(&why))?;
        let (name, value) = (said.key.into_inner(), &*said.value);
        let in_order = expected.any(|known| *known == name);
        match name {
            "version" if value == "1.0" && in_order && n == 0 => {}
            "encoding" if value.eq_ignore_ascii_case("utf-8") && in_order && n > 0 => {}
            "standalone" if matches!(value, "yes" | "no") && in_order && n > 0 => {}
            _ => return Err(broken(&format!("its declaration says {name} is {value}"))),
        }
    }
    if expected.len() == 3 { Err(broken("its declaration says no version")) } else { Ok(()) }
}

/// What XML's own entities stand for.
pub(super) fn own_entity(name: &str) -> Option<char> {
    Some(match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        _ => return None,
    })
}

/// Space stands between attributes; the parser does not ask for it.
pub(super) fn spaced(attributes: &str) -> Result<(), Unreadable> {
    let mut quote = None;
    let mut closed = false;
    for c in attributes.chars() {
        if closed && !is_blank(c) {
            return Err(broken("nothing stands between two attributes"));
        }
        closed = quote == Some(c);
        match quote {
            Some(open) if open == c => quote = None,
            None if matches!(c, '"' | '\'') => quote = Some(c),
            _ => {}
        }
    }
    Ok(())
}

pub(super) fn named(name: &str) -> Result<String, Unreadable> {
    let (prefix, local) = split(name);
    let fits = is_name(local) && (name.len() == local.len() || is_name(prefix));
    if fits { Ok(name.to_owned()) } else { Err(broken(&format!("{name} is no name"))) }
}

/// Prefix and local name.
pub(super) fn split(name: &str) -> (&str, &str) {
    name.split_once(':').unwrap_or(("", name))
}

pub(super) fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n')
}

/// A character of XML 1.0, section 2.2.
pub(super) fn is_text(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..)
}

/// A name without a colon: XML 1.0, section 2.3, and Namespaces in XML 1.0, section 4.
pub(super) fn is_name(name: &str) -> bool {
    let first = |c| {
        matches!(c, 'A'..='Z' | '_' | 'a'..='z' | '\u{C0}'..='\u{D6}' | '\u{D8}'..='\u{F6}' | '\u{F8}'..='\u{2FF}'
            | '\u{370}'..='\u{37D}' | '\u{37F}'..='\u{1FFF}' | '\u{200C}'..='\u{200D}' | '\u{2070}'..='\u{218F}'
            | '\u{2C00}'..='\u{2FEF}' | '\u{3001}'..='\u{D7FF}' | '\u{F900}'..='\u{FDCF}' | '\u{FDF0}'..='\u{FFFD}'
            | '\u{10000}'..='\u{EFFFF}')
    };
    let more = |c| matches!(c, '-' | '.' | '0'..='9' | '\u{B7}' | '\u{300}'..='\u{36F}' | '\u{203F}'..='\u{2040}');
    name.starts_with(first) && name.chars().all(|c| first(c) || more(c))
}
