//! Runs of text: Chinese, other words, and numbers with their units.

use super::{Script, fold::half, is_han};

/// A stretch of text of one script.
#[derive(Clone, Debug)]
pub(super) struct Run {
    pub(super) script: Script,
    pub(super) start: usize,
    pub(super) end: usize,
    /// What it says, when that is not what stands there.
    pub(super) text: Option<String>,
}

/// Units as they are written after a number.
const UNITS: [&str; 40] = [
    "ml", "cl", "l", "g", "kg", "mg", "t", "oz", "lb", "mm", "cm", "m", "km", "in", "w", "kw", "mw", "wh", "kwh",
    "mwh", "v", "kv", "a", "ah", "mah", "hz", "gb", "tb", "mb", "pa", "mpa", "ct", "pcs", "mcg", "um", "mm2", "cm2",
    "m2", "m3", "ug",
];
/// Chinese units, the longer first.
const CHINESE_UNITS: [(&str, &str); 24] = [
    ("千瓦时", "kwh"),
    ("毫安时", "mah"),
    ("平方毫米", "mm2"),
    ("平方米", "m2"),
    ("微米", "um"),
    ("毫升", "ml"),
    ("公斤", "kg"),
    ("千克", "kg"),
    ("毫克", "mg"),
    ("微克", "mcg"),
    ("毫米", "mm"),
    ("厘米", "cm"),
    ("公分", "cm"),
    ("公里", "km"),
    ("英寸", "in"),
    ("千瓦", "kw"),
    ("兆瓦", "mw"),
    ("安时", "ah"),
    ("升", "l"),
    ("克", "g"),
    ("米", "m"),
    ("瓦", "w"),
    ("伏", "v"),
    ("寸", "in"),
];

/// The runs of a text, in order.
pub(super) fn runs(text: &str) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    let mut open: Option<(Script, usize)> = None;
    let chars: Vec<(usize, char)> = text.char_indices().map(|(at, c)| (at, half(c))).collect();
    for (n, &(at, c)) in chars.iter().enumerate() {
        let script = if is_han(c) {
            Some(Script::Han)
        } else if c.is_alphanumeric() || ('\u{0300}'..='\u{036f}').contains(&c) {
            Some(Script::Letters)
        } else {
            // Inside a number a point or comma, inside a word an apostrophe.
            let beside = |m: Option<usize>| m.and_then(|m| chars.get(m)).map(|(_, c)| *c);
            let (before, after) = (beside(n.checked_sub(1)), beside(Some(n + 1)));
            let both = |is: fn(char) -> bool| before.is_some_and(is) && after.is_some_and(is);
            let inside = match c {
                '.' | ',' => both(|c| c.is_ascii_digit()),
                '\'' | '\u{2019}' => both(char::is_alphabetic) && !both(is_han),
                _ => false,
            };
            inside.then_some(Script::Letters)
        };
        match (open, script) {
            (Some((was, _)), Some(is)) if was == is => {}
            (was, is) => {
                if let Some((script, start)) = was {
                    runs.push(Run { script, start, end: at, text: None });
                }
                open = is.map(|script| (script, at));
            }
        }
    }
    if let Some((script, start)) = open {
        runs.push(Run { script, start, end: text.len(), text: None });
    }
    measured(text, runs)
}

/// Puts numbers and their units together.
fn measured(text: &str, runs: Vec<Run>) -> Vec<Run> {
    let mut done: Vec<Run> = Vec::with_capacity(runs.len());
    for run in runs {
        let folded = match run.script {
            Script::Letters => plain_number(&super::fold(&text[run.start..run.end])),
            _ => String::new(),
        };
        // `500ml` by itself.
        let unit = folded.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
        if unit.len() < folded.len() && UNITS.contains(&unit) {
            done.push(Run { script: Script::Measure, text: Some(folded), ..run });
            continue;
        }
        // A unit after a number: `500 ml`, `500毫升`.
        let number = done.last().filter(|last| {
            last.script == Script::Letters
                && text[last.end..run.start].chars().all(|c| c == ' ')
                && run.start - last.end <= 1
        });
        let number = number.map(|last| (last.start, plain_number(&super::fold(&text[last.start..last.end]))));
        let number = number.filter(|(_, n)| n.bytes().all(|b| b.is_ascii_digit() || b == b'.'));
        if let Some((start, number)) = number {
            if run.script == Script::Letters && UNITS.contains(&folded.as_str()) {
                done.pop();
                done.push(Run { script: Script::Measure, start, end: run.end, text: Some(number + &folded) });
                continue;
            }
            let chinese: String = text[run.start..run.end].chars().map(super::fold::han).collect();
            let unit = CHINESE_UNITS.iter().find(|(unit, _)| run.script == Script::Han && chinese.starts_with(unit));
            if let Some((written, unit)) = unit {
                let length = written.chars().count();
                let end = text[run.start..run.end].char_indices().nth(length).map_or(run.end, |(at, _)| run.start + at);
                done.pop();
                done.push(Run { script: Script::Measure, start, end, text: Some(number + unit) });
                if end < run.end {
                    done.push(Run { start: end, ..run });
                }
                continue;
            }
        }
        let text = (run.script == Script::Letters).then_some(folded);
        done.push(Run { text, ..run });
    }
    done
}

/// A number without the commas between its thousands.
fn plain_number(folded: &str) -> String {
    folded.replace(',', "")
}
