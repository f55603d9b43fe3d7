//! Writing a message: the same message is the same bytes.

use std::fmt::Write;

use super::{
    Fault, Message, NAMESPACE, Record, Shape, Signing, Wrong,
    form::{Part, check, is_text},
    import::{BASE_SUBSCRIBE, BASE_TRANSFER},
};

/// Most who else are told.
const SUBSCRIBERS: usize = 5;

impl Message {
    /// Everything in it that the schema does not allow, but that a message that must be signed has no signature yet.
    pub fn faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        let mut fault = |at: &str, what| faults.push(Fault { at: at.to_owned(), what });
        if self.guid.chars().count() != 36 {
            fault("guid", Wrong::NotLong { exactly: 36 });
        }
        if !self.guid.chars().chain(self.version.chars()).all(is_text) {
            fault("guid", Wrong::NoText);
        }
        match self.version.chars().count() {
            0 => fault("version", Wrong::Missing),
            1..=10 => {}
            _ => fault("version", Wrong::TooLong { most: 10 }),
        }
        let name = self.kind.shape.name();
        match self.documents.len() {
            0 => fault(name, Wrong::Missing),
            n if n > self.kind.most => fault(name, Wrong::TooMany { most: self.kind.most }),
            _ => {}
        }
        let sent = self.kind.signing != Signing::Told;
        match (&self.transfer, sent) {
            (None, true) => fault(BASE_TRANSFER.name, Wrong::Missing),
            (Some(_), false) => fault(BASE_TRANSFER.name, Wrong::Unknown),
            _ => {}
        }
        if self.subscribers.len() > SUBSCRIBERS {
            fault(BASE_SUBSCRIBE.name, Wrong::TooMany { most: SUBSCRIBERS });
        }
        for (n, document) in self.documents.iter().enumerate() {
            let (shape, at) = (&self.kind.shape, format!("{name}[{}]", n + 1));
            let head = shape.head();
            let inside = if matches!(shape, Shape::Plain(_)) { at.clone() } else { format!("{at}/{}", head.name) };
            check(head, &document.head, &inside, &mut faults);
            let Shape::Lined { line, least, most, .. } = shape else {
                if !document.lines.is_empty() {
                    faults.push(Fault { at, what: Wrong::Unknown });
                }
                continue;
            };
            let lines = format!("{at}/{}", line.name);
            if document.lines.len() < *least {
                faults.push(Fault { at: lines.clone(), what: Wrong::Missing });
            }
            if document.lines.len() > *most {
                faults.push(Fault { at: lines.clone(), what: Wrong::TooMany { most: *most } });
            }
            for (m, said) in document.lines.iter().enumerate() {
                check(line, said, &format!("{lines}[{}]", m + 1), &mut faults);
            }
        }
        if let Some(transfer) = &self.transfer {
            check(&BASE_TRANSFER, transfer, BASE_TRANSFER.name, &mut faults);
        }
        for subscriber in &self.subscribers {
            check(&BASE_SUBSCRIBE, subscriber, BASE_SUBSCRIBE.name, &mut faults);
        }
        faults
    }

    /// The bytes of the message, UTF-8 without a line break in it; or everything that the schema does not allow.
    pub fn write(&self) -> Result<String, Vec<Fault>> {
        let faults = self.faults();
        if !faults.is_empty() {
            return Err(faults);
        }
        let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
        let root = self.root();
        // Writing into a string cannot fail.
        let _ = write!(
            out,
            "<ceb:{root} guid=\"{}\" version=\"{}\" xmlns:ceb=\"{NAMESPACE}\">",
            attribute(&self.guid),
            attribute(&self.version)
        );
        for document in &self.documents {
            match &self.kind.shape {
                Shape::Plain(part) => written(&mut out, part, &document.head),
                Shape::Headed { name, head } => {
                    let _ = write!(out, "<ceb:{name}>");
                    written(&mut out, head, &document.head);
                    let _ = write!(out, "</ceb:{name}>");
                }
                Shape::Lined { name, head, line, .. } => {
                    let _ = write!(out, "<ceb:{name}>");
                    written(&mut out, head, &document.head);
                    for said in &document.lines {
                        written(&mut out, line, said);
                    }
                    let _ = write!(out, "</ceb:{name}>");
                }
            }
        }
        if let Some(transfer) = &self.transfer {
            written(&mut out, &BASE_TRANSFER, transfer);
        }
        for subscriber in &self.subscribers {
            written(&mut out, &BASE_SUBSCRIBE, subscriber);
        }
        let (extension, signature) = (self.extension.as_deref(), self.signature.as_deref());
        let order = if self.kind.signature_first { [signature, extension] } else { [extension, signature] };
        out.extend(order.into_iter().flatten());
        let _ = write!(out, "</ceb:{root}>");
        Ok(out)
    }
}

fn written(out: &mut String, part: &Part, record: &Record) {
    let _ = write!(out, "<ceb:{}>", part.name);
    for (name, value) in record.values() {
        let _ = write!(out, "<ceb:{name}>{}</ceb:{name}>", content(value));
    }
    let _ = write!(out, "</ceb:{}>", part.name);
}

/// Text as it stands between tags. A carriage return would be read as a line feed.
pub fn content(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('\r', "&#13;")
}

/// Text as it stands in an attribute.
pub(super) fn attribute(text: &str) -> String {
    content(text).replace('"', "&quot;").replace('\t', "&#9;").replace('\n', "&#10;")
}
