//! A document as canonicalisation and verification see it: elements, text and processing instructions, with every name
//! resolved.
//!
//! Stricter than a reader need be: two parsers that disagree about a document are how a signature comes to cover
//! something else than what is read. So names, references, comments and namespaces are checked, document types and
//! entities of their own are refused, and everything has a bound.

use std::{collections::BTreeSet, ops::Range, rc::Rc};

use quick_xml::{
    Reader, XmlVersion,
    events::{BytesPI, BytesStart, Event},
};

use super::wellformed::{
    XML, broken, declaration, declaring, is_blank, is_name, is_text, named, own_entity, spaced, split,
};

/// Most bytes of a document. This and the next two are the bounds of the reader of messages.
const MOST_BYTES: usize = 16 << 20;
/// Most elements of a document.
const MOST_ELEMENTS: usize = 400_000;
/// Most elements within each other.
const MOST_DEPTH: usize = 32;
/// Most attributes of one element, declarations of namespaces among them: they are compared pair by pair.
const MOST_ATTRIBUTES: usize = 32;
/// Most namespaces declared around one place.
const MOST_NAMESPACES: usize = 64;

/// Why a text is no document that could be signed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// It has more bytes, elements, levels, attributes or namespaces than a message has.
    #[error("the document is larger than any message")]
    TooMuch,
    /// It declares a document type, or names an entity that is not XML's own.
    #[error("the document declares a document type or names an entity")]
    Entities,
    /// It is not well formed, or its namespaces are not; what is wrong.
    #[error("the document is no XML: {0}")]
    NotXml(String),
}

/// What a document is made of, in its order.
#[derive(Debug)]
pub(super) enum Node {
    /// An element begins; its content follows up to `end`.
    Start(Element),
    /// The innermost element ends.
    End,
    /// Text, with its references resolved and its line ends as line feeds.
    Text(String),
    /// A processing instruction: its target, and the rest.
    Instruction(String, String),
}

/// An element.
#[derive(Debug)]
pub(super) struct Element {
    /// As it is written, with its prefix.
    pub(super) name: String,
    /// What namespace it is of; empty: none.
    pub(super) namespace: Rc<str>,
    /// Its attributes but the declarations.
    pub(super) attributes: Vec<Attribute>,
    /// The prefixes that it declares, the empty one for the default, with their namespaces.
    pub(super) declared: Vec<(String, Rc<str>)>,
    /// Where the node is that ends it.
    pub(super) end: usize,
}

impl Element {
    /// Its name without the prefix.
    pub(super) fn local(&self) -> &str {
        split(&self.name).1
    }
}

/// An attribute.
#[derive(Debug)]
pub(super) struct Attribute {
    /// As it is written, with its prefix.
    pub(super) name: String,
    /// What namespace it is of; empty: none.
    pub(super) namespace: Rc<str>,
    /// Its value, normalised.
    pub(super) value: String,
}

impl Attribute {
    /// Its name without the prefix.
    pub(super) fn local(&self) -> &str {
        split(&self.name).1
    }
}

/// A document.
#[derive(Debug)]
pub(super) struct Document {
    pub(super) nodes: Vec<Node>,
    /// Where its root is.
    pub(super) root: usize,
}

impl Document {
    /// Reads a document. A mark of the byte order may stand before it; a declaration must say version 1.0 and UTF-8.
    pub(super) fn parse(text: &str) -> Result<Self, Unreadable> {
        if text.len() > MOST_BYTES {
            return Err(Unreadable::TooMuch);
        }
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        // The parser would pass over a second mark.
        if text.starts_with('\u{feff}') || !text.chars().all(is_text) {
            return Err(broken("it has a character that XML does not know"));
        }
        let mut reader = Reader::from_str(text);
        let config = reader.config_mut();
        (config.expand_empty_elements, config.check_comments) = (true, true);
        let mut building = Building::default();
        loop {
            let from = reader.buffer_position();
            match reader.read_event().map_err(|why| broken(&why))? {
                Event::Start(start) => building.start(&start)?,
                Event::End(_) => building.end()?,
                // Only in a section of its own may text have this.
                Event::Text(said) if said.contains("]]>") => return Err(broken("its text has ]]>")),
                Event::Text(said) => building.text(&said.xml_content(XmlVersion::Explicit1_0))?,
                Event::CData(_) if building.open.is_empty() => return Err(broken("there is text outside of its root")),
                Event::CData(said) => building.text(&said.xml_content(XmlVersion::Explicit1_0))?,
                Event::GeneralRef(_) if building.open.is_empty() => {
                    return Err(broken("there is text outside of its root"));
                }
                Event::GeneralRef(named) => {
                    let said = match named.resolve_char_ref().map_err(|why| broken(&why))? {
                        Some(c) if is_text(c) => c,
                        Some(_) => return Err(broken("it has a character that XML does not know")),
                        None => own_entity(&named).ok_or(Unreadable::Entities)?,
                    };
                    building.text(said.encode_utf8(&mut [0; 4]))?;
                }
                Event::PI(told) => building.instruction(&told)?,
                Event::Decl(told) if from == 0 => declaration(&told)?,
                Event::Decl(_) => return Err(broken("its declaration is not where it begins")),
                Event::DocType(_) => return Err(Unreadable::Entities),
                Event::Empty(_) | Event::Comment(_) => {}
                Event::Eof => return building.done(),
            }
        }
    }

    /// The element at a node; none: there is something else.
    pub(super) fn element(&self, at: usize) -> Option<&Element> {
        match self.nodes.get(at) {
            Some(Node::Start(element)) => Some(element),
            _ => None,
        }
    }

    /// The nodes within an element, all levels of them.
    pub(super) fn within(&self, at: usize) -> Range<usize> {
        self.element(at).map_or(at..at, |element| at + 1..element.end)
    }

    /// What lies directly in an element.
    pub(super) fn children(&self, at: usize) -> impl Iterator<Item = usize> {
        let mut inside = self.within(at);
        std::iter::from_fn(move || {
            let child = inside.next()?;
            if let Some(element) = self.element(child) {
                inside.start = element.end + 1;
            }
            Some(child)
        })
    }

    /// The elements around a node, outermost first.
    pub(super) fn around(&self, at: usize) -> Vec<usize> {
        let is_around = |(index, node): (usize, &Node)| match node {
            Node::Start(element) => (element.end > at).then_some(index),
            _ => None,
        };
        self.nodes.iter().enumerate().take(at).filter_map(is_around).collect()
    }
}

/// A document while it is read.
#[derive(Default)]
struct Building {
    nodes: Vec<Node>,
    root: Option<usize>,
    elements: usize,
    /// The elements that have not ended yet, and how many namespaces were in scope before each.
    open: Vec<(usize, usize)>,
    scope: Vec<(String, Rc<str>)>,
}

impl Building {
    fn start(&mut self, start: &BytesStart<'_>) -> Result<(), Unreadable> {
        self.elements += 1;
        if self.elements > MOST_ELEMENTS || self.open.len() >= MOST_DEPTH {
            return Err(Unreadable::TooMuch);
        }
        if self.open.is_empty() && self.root.replace(self.nodes.len()).is_some() {
            return Err(broken("it has two roots"));
        }
        let name = named(start.name().into_inner())?;
        let (declared, told) = attributes(start)?;
        self.open.push((self.nodes.len(), self.scope.len()));
        self.scope.extend(declared.iter().cloned());
        if self.scope.len() > MOST_NAMESPACES {
            return Err(Unreadable::TooMuch);
        }
        let namespace = self.namespace(split(&name).0)?;
        let mut attributes = Vec::with_capacity(told.len());
        for (name, value) in told {
            // The default is for elements only.
            let prefix = split(&name).0;
            let namespace = if prefix.is_empty() { Rc::from("") } else { self.namespace(prefix)? };
            attributes.push(Attribute { name, namespace, value });
        }
        let names: BTreeSet<_> = attributes.iter().map(|one| (&one.namespace, one.local())).collect();
        if names.len() < attributes.len() {
            return Err(broken(&format!("{name} has an attribute twice")));
        }
        self.nodes.push(Node::Start(Element { name, namespace, attributes, declared, end: 0 }));
        Ok(())
    }

    fn end(&mut self) -> Result<(), Unreadable> {
        let Some((at, before)) = self.open.pop() else {
            return Err(broken("an element ends that did not begin"));
        };
        let end = self.nodes.len();
        if let Some(Node::Start(element)) = self.nodes.get_mut(at) {
            element.end = end;
        }
        self.scope.truncate(before);
        self.nodes.push(Node::End);
        Ok(())
    }

    fn text(&mut self, text: &str) -> Result<(), Unreadable> {
        if self.open.is_empty() {
            let blank = text.chars().all(|c| matches!(c, ' ' | '\t' | '\r' | '\n'));
            return if blank { Ok(()) } else { Err(broken("there is text outside of its root")) };
        }
        match self.nodes.last_mut() {
            Some(Node::Text(before)) => before.push_str(text),
            _ => self.nodes.push(Node::Text(text.to_owned())),
        }
        Ok(())
    }

    fn instruction(&mut self, told: &BytesPI<'_>) -> Result<(), Unreadable> {
        let (target, rest) = (told.target(), told.content());
        if !is_name(target) || target.eq_ignore_ascii_case("xml") {
            return Err(broken(&format!("{target} is no target of an instruction")));
        }
        if !rest.is_empty() && !rest.starts_with(is_blank) {
            return Err(broken(&format!("nothing stands between {target} and what it is told")));
        }
        let rest = rest.replace("\r\n", "\n").replace('\r', "\n");
        self.nodes.push(Node::Instruction(target.to_owned(), rest.trim_start_matches(is_blank).to_owned()));
        Ok(())
    }

    fn done(self) -> Result<Document, Unreadable> {
        match self.root {
            Some(root) if self.open.is_empty() => Ok(Document { nodes: self.nodes, root }),
            _ => Err(broken("it ends before its root does")),
        }
    }

    fn namespace(&self, prefix: &str) -> Result<Rc<str>, Unreadable> {
        match self.scope.iter().rev().find(|(declared, _)| declared == prefix) {
            Some((_, namespace)) => Ok(Rc::clone(namespace)),
            None if prefix.is_empty() => Ok(Rc::from("")),
            None if prefix == "xml" => Ok(Rc::from(XML)),
            None => Err(broken(&format!("nobody declares the prefix {prefix}"))),
        }
    }
}

/// What an element declares, and its other attributes.
type Said = (Vec<(String, Rc<str>)>, Vec<(String, String)>);

fn attributes(start: &BytesStart<'_>) -> Result<Said, Unreadable> {
    spaced(start.attributes_raw())?;
    let (mut declared, mut told) = (Vec::new(), Vec::new());
    for (n, attribute) in start.attributes().enumerate() {
        if n == MOST_ATTRIBUTES {
            return Err(Unreadable::TooMuch);
        }
        let attribute = attribute.map_err(|why| broken(&why))?;
        let name = named(attribute.key.into_inner())?;
        if attribute.value.contains('<') {
            return Err(broken(&format!("the attribute {name} has <")));
        }
        let value = attribute.normalized_value(XmlVersion::Explicit1_0).map_err(|why| match why {
            quick_xml::Error::Escape(quick_xml::escape::EscapeError::UnrecognizedEntity(..)) => Unreadable::Entities,
            other => broken(&other),
        })?;
        if !value.chars().all(is_text) {
            return Err(broken("it has a character that XML does not know"));
        }
        match split(&name) {
            ("", "xmlns") => declared.push((String::new(), declaring("", &value)?)),
            ("xmlns", prefix) => declared.push((prefix.to_owned(), declaring(prefix, &value)?)),
            _ => told.push((name, value.into_owned())),
        }
    }
    Ok((declared, told))
}
