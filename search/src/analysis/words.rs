//! The files of synonyms and stop words.
//!
//! A line of synonyms is a group of words that mean the same (`羊绒, 开司米, cashmere`) or a rule of one direction
//! (`kid => 儿童`): who looks for the left finds the right too. `#` begins a comment.

use std::collections::BTreeMap;

use super::{Cut, fold, tokens};
use crate::SearchError;

/// The lines of such a file that say something.
pub(super) fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(|line| line.split('#').next().unwrap_or_default().trim()).filter(|line| !line.is_empty())
}

/// What else is looked for with a word.
#[derive(Debug, Default)]
pub(crate) struct Synonyms {
    /// By how the phrase is cut into words, joined by blanks.
    rules: BTreeMap<String, Vec<String>>,
    longest: usize,
}

/// A line of the file: who looks for one of the left finds those on the right too.
type Rule = (Vec<String>, Vec<String>);

/// The rules of a file, as they are written.
pub(super) fn rules(text: &str) -> Result<Vec<Rule>, SearchError> {
    let rule = |line: &str| {
        let group = |part: &str| -> Vec<String> {
            part.split([',', '，']).map(|word| word.trim().to_owned()).filter(|word| !word.is_empty()).collect()
        };
        let (from, to) = match line.split_once("=>") {
            Some((from, to)) => (group(from), group(to)),
            None => (group(line), group(line)),
        };
        if from.is_empty() || to.is_empty() || (from == to && from.len() < 2) {
            return Err(SearchError::Words(format!("synonyms: {line:?} is no group and no rule")));
        }
        Ok((from, to))
    };
    lines(text).map(rule).collect()
}

impl Synonyms {
    pub(super) fn of_rules(rules: &[Rule]) -> Self {
        let mut read = Self::default();
        for (from, to) in rules {
            for word in from {
                let key: Vec<String> = tokens(word, Cut::Coarse).into_iter().map(|t| t.text).collect();
                read.longest = read.longest.max(key.len());
                let known = read.rules.entry(key.join(" ")).or_default();
                known.extend(to.iter().filter(|other| *other != word).map(|other| fold(other)));
                known.sort();
                known.dedup();
            }
        }
        read
    }

    /// What else is looked for with this phrase, given as its words.
    pub(crate) fn of(&self, words: &[&str]) -> &[String] {
        self.rules.get(&words.join(" ")).map_or(&[], Vec::as_slice)
    }

    /// Most words of a phrase that has synonyms.
    pub(crate) fn longest(&self) -> usize {
        self.longest
    }

    /// All rules, phrase by phrase.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&String, &Vec<String>)> {
        self.rules.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_go_both_ways_and_rules_one() {
        let read = Synonyms::of_rules(&rules("# words\n羊绒, 开司米, Cashmere\nkid => 儿童, 童\n").unwrap());
        assert_eq!(read.of(&["羊绒"]), ["cashmere", "开司米"]);
        assert_eq!(read.of(&["cashmere"]), ["开司米", "羊绒"]);
        assert_eq!(read.of(&["kid"]), ["儿童", "童"]);
        assert!(read.of(&["儿童"]).is_empty());
        assert!(rules("lonely").is_err());
    }
}
