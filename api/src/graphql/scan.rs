//! A look at the text of a document before it is parsed.
//!
//! The parser is recursive and makes an object of everything it reads. So what is too long or too deep is refused
//! here, in one pass over the bytes that keeps nothing. Strings and comments are stepped over as the specification
//! has them (section 2.1): a bracket inside one is none.

/// Most tokens of a document.
const MAX_TOKENS: usize = 10_000;
/// Deepest nesting of brackets, of any kind.
const MAX_NESTING: usize = 64;

/// Says why a text is not worth parsing.
pub(super) fn check(text: &str) -> Result<(), String> {
    let (mut tokens, mut open) = (0_usize, 0_usize);
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        rest = tail;
        match first {
            b' ' | b'\t' | b'\n' | b'\r' | b',' => continue,
            b'#' => {
                rest = after(tail, |byte| matches!(byte, b'\n' | b'\r'));
                continue;
            }
            b'"' => {
                rest = match tail.strip_prefix(b"\"\"") {
                    Some(block) => after_block(block),
                    None => after_string(tail),
                }
            }
            b'{' | b'(' | b'[' => {
                open += 1;
                if open > MAX_NESTING {
                    return Err(format!("brackets are nested more than {MAX_NESTING} deep"));
                }
            }
            b'}' | b')' | b']' => open = open.saturating_sub(1),
            b'.' => rest = tail.strip_prefix(b"..").unwrap_or(tail),
            _ if in_word(first) => rest = after(tail, |byte| !in_word(byte)),
            _ => {}
        }
        tokens += 1;
        if tokens > MAX_TOKENS {
            return Err(format!("the document has more than {MAX_TOKENS} tokens"));
        }
    }
    Ok(())
}

/// Names and numbers; whatever is not ASCII is no token at all, and the parser says so.
fn in_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || !byte.is_ascii()
}

/// What is left from the first byte on that ends it.
fn after(text: &[u8], ends: impl Fn(u8) -> bool) -> &[u8] {
    let end = text.iter().position(|byte| ends(*byte)).unwrap_or(text.len());
    text.get(end..).unwrap_or_default()
}

/// What is left after a string of one line.
fn after_string(mut text: &[u8]) -> &[u8] {
    while let Some((&first, tail)) = text.split_first() {
        text = tail;
        match first {
            b'\\' => text = tail.get(1..).unwrap_or_default(),
            // A string ends at its line; the parser complains.
            b'"' | b'\n' | b'\r' => break,
            _ => {}
        }
    }
    text
}

/// What is left after a block string; `\"""` does not end one.
fn after_block(mut text: &[u8]) -> &[u8] {
    loop {
        if let Some(tail) = text.strip_prefix(b"\"\"\"") {
            return tail;
        }
        text = match text.strip_prefix(b"\\\"\"\"") {
            Some(tail) => tail,
            None => match text.split_first() {
                Some((_, tail)) => tail,
                None => return text,
            },
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_in_strings_and_comments_are_none() {
        let many = "{".repeat(MAX_NESTING + 1);
        for harmless in [
            format!("{{ a(b: \"{many}\") }}"),
            format!("{{ a(b: \"\\\"{many}\") }}"),
            format!("{{ a(b: \"\"\"{many} \\\"\"\" {many}\"\"\") }}"),
            format!("{{ a # {many}\n }}"),
            format!("{{ a(b: \"\") }} # {many}"),
            "{ a(b: \"not closed".into(),
            "{ a(b: \"\"\"not closed".into(),
            "\\".into(),
        ] {
            assert_eq!(check(&harmless), Ok(()), "{harmless}");
        }
        assert!(check(&many).is_err());
        assert!(check(&format!("{{ a(b: \"\") {many}")).is_err());
        assert!(check(&format!("{{ a(b: \"\"\" \"\"\") {many}")).is_err());
        assert!(check(&format!("{{ a # {{\n {many}")).is_err());
        assert!(check(&"{ a } ".repeat(1_000)).is_ok(), "side by side is not nested");
    }

    #[test]
    fn tokens_are_counted_as_the_specification_has_them() {
        let fill = |text: &str, each: usize| text.repeat(MAX_TOKENS / each);
        assert_eq!(check(&fill("name ", 1)), Ok(()));
        assert!(check(&format!("{}more", fill("name ", 1))).is_err());
        assert_eq!(check(&fill("a1_: \"x y z\" ", 3)), Ok(()));
        assert_eq!(check(&fill("...on ", 2)), Ok(()));
        assert!(check(&format!("{} ...", fill("...on ", 2))).is_err());
    }
}
