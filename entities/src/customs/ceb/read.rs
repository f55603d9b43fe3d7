//! Reading a message as it comes: whatever it is, the answer is a message or why it is none.

use std::fmt::{self, Write};

use quick_xml::{
    NsReader, XmlVersion,
    events::{BytesStart, Event},
    name::{Namespace, PrefixDeclaration, ResolveResult},
};

use super::{
    Document, Message, NAMESPACE, Record, Shape,
    form::is_text,
    import::{BASE_SUBSCRIBE, BASE_TRANSFER},
    write::attribute as escaped,
};

/// Most bytes of a message: a hundred lists of ninety-nine lines have less.
const MOST_BYTES: usize = 16 << 20;
/// Most elements of a message.
const MOST_ELEMENTS: usize = 400_000;
/// Most elements within each other.
const MOST_DEPTH: usize = 32;
/// The namespace of signatures.
const SIGNATURES: &str = "http://www.w3.org/2000/09/xmldsig#";

/// The element with what the two ends agreed on.
const EXTENSION: &str = "ExtendMessage";

/// Why something is no message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unreadable {
    /// It has more bytes, elements or levels than any message.
    TooMuch,
    /// It is not UTF-8.
    NotUtf8,
    /// It is no XML that is well formed; what the parser says.
    NotXml(String),
    /// It declares a document type, or names an entity that is not XML's own.
    Entities,
    /// Its root is none of the messages; what it is.
    NoMessage(String),
    /// Something stands where the message has no place for it.
    Stray(String),
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooMuch => f.write_str("it is larger than any message"),
            Self::NotUtf8 => f.write_str("it is not UTF-8"),
            Self::NotXml(why) => write!(f, "it is no XML: {why}"),
            Self::Entities => f.write_str("it declares a document type or names an entity"),
            Self::NoMessage(what) => write!(f, "{what} is no message of the e-port"),
            Self::Stray(what) => write!(f, "{what} has no place in the message"),
        }
    }
}

/// An element as it was read.
struct Element {
    name: String,
    /// Whether it is of the namespace of the messages.
    own: bool,
    signature: bool,
    text: String,
    children: Vec<Element>,
    /// Its bytes, with the prefixes that are declared around it.
    raw: String,
}

/// Reads a message. What the schema does not know is read too, and is among its faults ([`Message::faults`]): what customs
/// says is not refused for a word more.
pub fn read(bytes: &[u8]) -> Result<Message, Unreadable> {
    if bytes.len() > MOST_BYTES {
        return Err(Unreadable::TooMuch);
    }
    let text = std::str::from_utf8(bytes).map_err(|_| Unreadable::NotUtf8)?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let (root, guid, version) = tree(text)?;
    message(root, guid, version)
}

/// The data in an envelope of the data exchange platform (`DxpMsg`), as it is written there; none: it is no envelope.
pub fn enveloped(bytes: &[u8]) -> Result<Option<String>, Unreadable> {
    if bytes.len() > MOST_BYTES * 2 {
        return Err(Unreadable::TooMuch);
    }
    let text = std::str::from_utf8(bytes).map_err(|_| Unreadable::NotUtf8)?;
    let (root, ..) = tree(text.strip_prefix('\u{feff}').unwrap_or(text))?;
    if root.name != "DxpMsg" {
        return Ok(None);
    }
    let data = root.children.into_iter().find(|child| child.name == "Data");
    Ok(Some(data.ok_or_else(|| Unreadable::Stray("an envelope without Data".into()))?.text))
}

/// The root element, and what its two attributes say.
fn tree(text: &str) -> Result<(Element, String, String), Unreadable> {
    let mut reader = NsReader::from_str(text);
    reader.config_mut().expand_empty_elements = true;
    let broken = |error: quick_xml::Error| Unreadable::NotXml(error.to_string());
    let (mut open, mut starts): (Vec<Element>, Vec<(usize, usize, String)>) = (Vec::new(), Vec::new());
    let (mut root, mut attributes, mut elements) = (None, (String::new(), String::new()), 0);
    loop {
        let from = position(&reader);
        match reader.read_event().map_err(broken)? {
            Event::Start(start) => {
                elements += 1;
                if elements > MOST_ELEMENTS || open.len() >= MOST_DEPTH {
                    return Err(Unreadable::TooMuch);
                }
                let name = start.local_name().into_inner().to_owned();
                if open.is_empty() {
                    if root.is_some() {
                        return Err(Unreadable::Stray(name));
                    }
                    attributes = (attribute(&start, "guid")?, attribute(&start, "version")?);
                }
                let (within, _) = reader.resolver().resolve_element(start.name());
                let is = |uri: &str| within == ResolveResult::Bound(Namespace(uri));
                let (own, signature) = (is(NAMESPACE), is(SIGNATURES) && name == "Signature");
                let told = if is_kept(&name, signature) { declared(&reader, &start) } else { String::new() };
                starts.push((from, from + 1 + start.name().into_inner().len(), told));
                open.push(Element {
                    name,
                    own,
                    signature,
                    text: String::new(),
                    children: Vec::new(),
                    raw: String::new(),
                });
            }
            Event::End(_) => {
                let (Some(mut done), Some((from, named, told))) = (open.pop(), starts.pop()) else {
                    return Err(Unreadable::NotXml("an element ends that did not begin".into()));
                };
                if is_kept(&done.name, done.signature) {
                    let (head, rest) = (text.get(from..named), text.get(named..position(&reader)));
                    done.raw = format!("{}{told}{}", head.unwrap_or_default(), rest.unwrap_or_default());
                }
                match open.last_mut() {
                    Some(parent) => parent.children.push(done),
                    None => root = Some(done),
                }
            }
            Event::Text(said) => add(&mut open, &said.xml_content(XmlVersion::Explicit1_0))?,
            Event::CData(said) => add(&mut open, &said.xml_content(XmlVersion::Explicit1_0))?,
            Event::GeneralRef(named) => {
                let said = match named.resolve_char_ref().map_err(broken)? {
                    Some(c) => c,
                    None => match named.into_inner().as_ref() {
                        "amp" => '&',
                        "lt" => '<',
                        "gt" => '>',
                        "quot" => '"',
                        "apos" => '\'',
                        _ => return Err(Unreadable::Entities),
                    },
                };
                add(&mut open, said.encode_utf8(&mut [0; 4]))?;
            }
            Event::DocType(_) => return Err(Unreadable::Entities),
            Event::Empty(_) | Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
            Event::Eof => break,
        }
    }
    match root {
        Some(root) if open.is_empty() => Ok((root, attributes.0, attributes.1)),
        _ => Err(Unreadable::NotXml("it ends before its root does".into())),
    }
}

/// Whether its bytes are given on as they are; those of other elements are made anew.
fn is_kept(name: &str, signature: bool) -> bool {
    signature || name == EXTENSION
}

fn position(reader: &NsReader<&[u8]>) -> usize {
    usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX)
}

/// What is declared around an element, to be said by itself when it is taken out.
fn declared(reader: &NsReader<&[u8]>, start: &BytesStart<'_>) -> String {
    let own: Vec<&str> = start.attributes().flatten().map(|attribute| attribute.key.into_inner()).collect();
    let mut told = String::new();
    for (prefix, Namespace(uri)) in reader.resolver().bindings() {
        let name = match prefix {
            PrefixDeclaration::Default => "xmlns".to_owned(),
            PrefixDeclaration::Named(prefix) => format!("xmlns:{prefix}"),
        };
        // What the root of every message that is written declares.
        let known = name == "xmlns:ceb" && uri == NAMESPACE;
        if !known && !own.contains(&name.as_str()) {
            // Writing into a string cannot fail.
            let _ = write!(told, " {name}=\"{}\"", escaped(uri));
        }
    }
    told
}

/// Adds text to the innermost element. Outside the root there may be nothing but space.
fn add(open: &mut [Element], text: &str) -> Result<(), Unreadable> {
    if !text.chars().all(is_text) {
        return Err(Unreadable::NotXml("it has a character that XML does not know".into()));
    }
    match open.last_mut() {
        Some(element) => element.text.push_str(text),
        None if text.trim().is_empty() => {}
        None => return Err(Unreadable::NotXml("there is text outside of its root".into())),
    }
    Ok(())
}

/// What an attribute says; nothing when it is not there.
fn attribute(start: &BytesStart<'_>, name: &str) -> Result<String, Unreadable> {
    let broken = |error: String| Unreadable::NotXml(error);
    let Some(found) = start.try_get_attribute(name).map_err(|error| broken(error.to_string()))? else {
        return Ok(String::new());
    };
    let value = found.normalized_value(XmlVersion::Explicit1_0).map_err(|error| broken(error.to_string()))?;
    Ok(value.into_owned())
}

fn message(root: Element, guid: String, version: String) -> Result<Message, Unreadable> {
    let number = root.name.strip_prefix("CEB").and_then(|rest| rest.strip_suffix("Message"));
    let kind = number.and_then(|number| number.parse().ok()).and_then(super::kind).filter(|_| root.own);
    let Some(kind) = kind else { return Err(Unreadable::NoMessage(root.name)) };
    let mut message = Message { version, ..Message::new(kind, guid, Vec::new()) };
    for child in root.children {
        if child.signature {
            message.signature = Some(child.raw);
        } else if !child.own {
            return Err(Unreadable::Stray(child.name));
        } else if child.name == kind.shape.name() {
            message.documents.push(document(&kind.shape, child)?);
        } else if child.name == BASE_TRANSFER.name {
            message.transfer = Some(record(child)?);
        } else if child.name == BASE_SUBSCRIBE.name {
            message.subscribers.push(record(child)?);
        } else if child.name == EXTENSION {
            message.extension = Some(child.raw);
        } else {
            return Err(Unreadable::Stray(child.name));
        }
    }
    Ok(message)
}

fn document(shape: &Shape, element: Element) -> Result<Document, Unreadable> {
    if matches!(shape, Shape::Plain(_)) {
        return Ok(Document { head: record(element)?, lines: Vec::new() });
    }
    let (mut read, mut headed) = (Document::default(), false);
    for child in element.children {
        match shape {
            _ if child.own && child.name == shape.head().name && !headed => {
                read.head = record(child)?;
                headed = true;
            }
            Shape::Lined { line, .. } if child.own && child.name == line.name => read.lines.push(record(child)?),
            _ => return Err(Unreadable::Stray(child.name)),
        }
    }
    Ok(read)
}

fn record(element: Element) -> Result<Record, Unreadable> {
    let mut record = Record::default();
    for child in element.children {
        if !child.own || !child.children.is_empty() {
            return Err(Unreadable::Stray(child.name));
        }
        record = record.with(&child.name, child.text);
    }
    Ok(record)
}
