//! What people see of a find: which words fit, and what they may have meant.
//!
//! Made from the texts that are shown, not from the index, so that it is the same with every engine.

use strsim::damerau_levenshtein;

use crate::{
    Analyzer,
    analysis::{Cut, Script, Token, fold, initials, spelled, stem, tokens},
};

/// A piece of a text, and whether it is why the text was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fragment {
    /// The piece.
    pub text: String,
    /// Whether it fits the query.
    pub hit: bool,
}

/// Most words that were spelled in one: `yangrongweijin`.
const MOST_SPELLED: usize = 4;

/// A text in pieces; none when nothing of it fits.
pub fn highlights(analyzer: &Analyzer, query: &str, text: &str) -> Option<Vec<Fragment>> {
    let spans = spans(analyzer, query, text);
    (!spans.is_empty()).then(|| cut(text, 0, text.len(), &spans))
}

/// The part of a long text around its first fit, at most `length` characters; none when nothing fits.
pub fn snippet(analyzer: &Analyzer, query: &str, text: &str, length: usize) -> Option<Vec<Fragment>> {
    let spans = spans(analyzer, query, text);
    let (first, _) = *spans.first()?;
    let before = text[..first].chars().count();
    let skip = before.saturating_sub(length / 4);
    let at = |n: usize| text.char_indices().nth(n).map_or(text.len(), |(at, _)| at);
    let (from, to) = (at(skip), at(skip + length));
    let mut pieces = cut(text, from, to, &spans);
    if let Some(piece) = pieces.first_mut()
        && from > 0
    {
        piece.text.insert(0, '…');
    }
    if let Some(piece) = pieces.last_mut()
        && to < text.len()
    {
        piece.text.push('…');
    }
    Some(pieces)
}

fn cut(text: &str, from: usize, to: usize, spans: &[(usize, usize)]) -> Vec<Fragment> {
    let mut pieces = Vec::new();
    let mut push = |from: usize, to: usize, hit: bool| {
        if from < to {
            pieces.push(Fragment { text: text[from..to].to_owned(), hit });
        }
    };
    let mut at = from;
    for (start, end) in spans {
        let (start, end) = ((*start).max(at), (*end).min(to));
        if start < end {
            push(at, start, false);
            push(start, end, true);
            at = end;
        }
    }
    push(at, to, false);
    pieces
}

/// Where a text fits the query, in order and not overlapping.
fn spans(analyzer: &Analyzer, query: &str, text: &str) -> Vec<(usize, usize)> {
    let mut wanted = analyzer.query(query);
    for token in wanted.clone() {
        for other in analyzer.synonyms().of(&[&token.text]) {
            wanted.extend(tokens(other, Cut::Coarse));
        }
    }
    let own = tokens(text, Cut::Fine);
    let mut found: Vec<(usize, usize)> = Vec::new();
    for token in &own {
        if wanted.iter().any(|wanted| fits(wanted, token, true) == Fit::Written) {
            found.push((token.start, token.end));
        }
    }
    // Characters inside a word that the dictionary keeps whole.
    for wanted in wanted.iter().filter(|wanted| wanted.script == Script::Han) {
        for token in own.iter().filter(|token| token.script == Script::Han) {
            if let Some(at) = token.text.find(&wanted.text) {
                let before = token.text[..at].chars().count();
                let place = |n: usize| {
                    text[token.start..token.end].char_indices().nth(n).map_or(token.end, |(at, _)| token.start + at)
                };
                found.push((place(before), place(before + wanted.text.chars().count())));
            }
        }
    }
    found.extend(heard(&wanted, text));
    if found.is_empty() {
        // Only then what was mistyped.
        let close = |token: &&Token| wanted.iter().any(|wanted| matches!(fits(wanted, token, true), Fit::Mistyped(_)));
        found.extend(own.iter().filter(close).map(|token| (token.start, token.end)));
    }
    found.sort_unstable();
    let mut apart: Vec<(usize, usize)> = Vec::new();
    for (start, end) in found {
        match apart.last_mut() {
            Some((_, last)) if start <= *last => *last = (*last).max(end),
            _ => apart.push((start, end)),
        }
    }
    apart
}

/// Words side by side that were spelled in one.
fn heard(wanted: &[Token], text: &str) -> Vec<(usize, usize)> {
    let latin = |token: &&Token| token.script == Script::Letters && token.text.bytes().all(|b| b.is_ascii_lowercase());
    let wanted: Vec<&Token> = wanted.iter().filter(latin).collect();
    if wanted.is_empty() {
        return Vec::new();
    }
    let words: Vec<Token> = tokens(text, Cut::Coarse).into_iter().filter(|t| t.script == Script::Han).collect();
    let mut found = Vec::new();
    for from in 0..words.len() {
        let mut joined = String::new();
        for token in words.iter().skip(from).take(MOST_SPELLED) {
            joined.push_str(&token.text);
            if joined.chars().count() > 1
                && wanted.iter().any(|w| spelled(&joined).contains(&w.text) || initials(&joined).contains(&w.text))
                && let Some(first) = words.get(from)
            {
                found.push((first.start, token.end));
            }
        }
    }
    found
}

/// How a word of a query is a word of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fit {
    Written,
    Mistyped(usize),
    Not,
}

/// `open`: the word may still be being typed.
fn fits(wanted: &Token, token: &Token, open: bool) -> Fit {
    match (wanted.script, token.script) {
        (Script::Letters, Script::Letters) => {
            if stem(&wanted.text) == stem(&token.text)
                || (open && wanted.text.len() > 2 && token.text.starts_with(&wanted.text))
            {
                return Fit::Written;
            }
            close(&wanted.text, &token.text)
        }
        (Script::Letters, Script::Han) if token.text.chars().count() > 1 => {
            let spellings = spelled(&token.text);
            if spellings.contains(&wanted.text) || initials(&token.text).contains(&wanted.text) {
                return Fit::Written;
            }
            let best = spellings.iter().map(|spelling| close(&wanted.text, spelling));
            best.min_by_key(|fit| if let Fit::Mistyped(n) = fit { *n } else { usize::MAX }).unwrap_or(Fit::Not)
        }
        (Script::Han, Script::Han) => {
            let same = |a: &str, b: &str| {
                a.chars().count() > 1
                    && a.chars().count() == b.chars().count()
                    && spelled(a).iter().any(|s| spelled(b).contains(s))
            };
            match () {
                () if wanted.text == token.text => Fit::Written,
                () if same(&wanted.text, &token.text) => Fit::Mistyped(1),
                () => Fit::Not,
            }
        }
        _ if wanted.text == token.text => Fit::Written,
        _ => Fit::Not,
    }
}

/// Within as many typos as the engines allow.
fn close(wanted: &str, word: &str) -> Fit {
    let allowed = match wanted.chars().count() {
        0..4 => 0,
        4..7 => 1,
        _ => 2,
    };
    if wanted.len().abs_diff(word.len()) > allowed || wanted.bytes().all(|b| b.is_ascii_digit()) {
        return Fit::Not;
    }
    match damerau_levenshtein(wanted, word) {
        distance if distance > 0 && distance <= allowed => Fit::Mistyped(distance),
        _ => Fit::Not,
    }
}

/// The query as it was probably meant, judged by the names of what it found; none when it is fine as it is.
pub fn did_you_mean(analyzer: &Analyzer, query: &str, names: &[String]) -> Option<String> {
    let names: Vec<Token> = names.iter().flat_map(|name| tokens(name, Cut::Fine)).collect();
    let joined: Vec<String> = names.iter().map(|token| token.text.clone()).collect();
    let mut meant = String::new();
    let mut at = 0;
    let mut corrected = false;
    let asked = analyzer.query(query);
    let last = asked.last().map(|token| token.start);
    for wanted in asked {
        let open = last == Some(wanted.start);
        let known = names.iter().any(|token| fits(&wanted, token, open) == Fit::Written)
            || (wanted.script == Script::Han && joined.iter().any(|name| name.contains(&wanted.text)))
            || !analyzer.synonyms().of(&[&wanted.text]).is_empty();
        if known {
            continue;
        }
        let mistyped = names.iter().filter_map(|token| match fits(&wanted, token, open) {
            Fit::Mistyped(distance) => Some((distance, token)),
            _ => None,
        });
        let Some((_, best)) = mistyped.min_by_key(|(distance, _)| *distance) else { continue };
        meant.push_str(query.get(at..wanted.start)?);
        meant.push_str(&best.text);
        at = wanted.end;
        corrected = true;
    }
    meant.push_str(query.get(at..)?);
    (corrected && fold(&meant) != fold(query)).then_some(meant)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marked(query: &str, text: &str) -> String {
        let analyzer = Analyzer::new(None, None).unwrap();
        let pieces = highlights(&analyzer, query, text).unwrap_or_default();
        pieces.into_iter().map(|p| if p.hit { format!("[{}]", p.text) } else { p.text }).collect()
    }

    #[test]
    fn what_fits_is_marked_however_it_was_found() {
        for (query, text, expected) in [
            ("藏毯", "手工藏毯", "手工[藏毯]"),
            ("羊絨", "山羊绒披肩", "[山羊绒]披肩"),
            ("zangtan", "手工藏毯", "手工[藏毯]"),
            ("zt", "手工藏毯", "手工[藏毯]"),
            ("rugs", "A Rug of wool", "A [Rug] of wool"),
            ("manuka", "Mānuka honey", "[Mānuka] honey"),
            ("carpte", "Knotted carpet", "Knotted [carpet]"),
            ("500ml", "啤酒 500 毫升", "啤酒 [500 毫升]"),
        ] {
            assert_eq!(marked(query, text), expected, "{query}");
        }
        assert_eq!(marked("枸杞", "A rug"), "");
    }

    #[test]
    fn a_snippet_shows_the_place() {
        let analyzer = Analyzer::new(None, None).unwrap();
        let text = format!("{}枸杞{}", "一二三四五。".repeat(20), "六七八九十。".repeat(20));
        let pieces = snippet(&analyzer, "枸杞", &text, 40).unwrap();
        let shown: String = pieces.iter().map(|p| p.text.as_str()).collect();
        assert!(shown.chars().count() <= 42 && shown.starts_with('…') && shown.ends_with('…'), "{shown}");
        assert!(pieces.iter().any(|p| p.hit && p.text == "枸杞"));
    }

    #[test]
    fn a_slip_is_noticed() {
        let analyzer = Analyzer::new(None, None).unwrap();
        let names = ["手工藏毯".to_owned(), "Hand-knotted carpet".to_owned()];
        let meant = |query: &str| did_you_mean(&analyzer, query, &names);
        assert_eq!(meant("carpte"), Some("carpet".into()));
        assert_eq!(meant("knoted carpet"), Some("knotted carpet".into()));
        assert_eq!(meant("carpets"), None);
        assert_eq!(meant("zangtan"), None);
        assert_eq!(meant("zangtam"), Some("藏毯".into()));
    }
}
