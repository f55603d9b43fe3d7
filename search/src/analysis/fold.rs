//! What is the same to a reader is the same to the index.

use std::{collections::HashMap, sync::LazyLock};

use ferrous_opencc::{OpenCC, config::BuiltinConfig};

use super::is_han;

/// Traditional characters and the simplified ones for them. Made once from `OpenCC`'s dictionary, character by
/// character: what is looked for has no context, and places in the text stay the same.
static SIMPLIFIED: LazyLock<HashMap<char, char>> = LazyLock::new(|| {
    let Ok(opencc) = OpenCC::from_config(BuiltinConfig::T2s) else {
        tracing::error!("the dictionary of traditional characters cannot be read; they are found only as written");
        return HashMap::new();
    };
    let all = ('\u{3400}'..='\u{4dbf}').chain('\u{4e00}'..='\u{9fff}').chain('\u{f900}'..='\u{faff}');
    let simplified = |c: char| {
        let text = opencc.convert(c.encode_utf8(&mut [0; 4]));
        let mut chars = text.chars();
        match (chars.next(), chars.next()) {
            (Some(simple), None) if simple != c => Some((c, simple)),
            _ => None,
        }
    };
    all.filter_map(simplified).collect()
});

/// A Chinese character as its simplified form.
pub(super) fn han(c: char) -> char {
    SIMPLIFIED.get(&c).copied().unwrap_or(c)
}

/// A text folded: lower case, half-width, simplified, without accents and apostrophes.
pub(crate) fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for c in text.chars() {
        push(c, &mut folded);
    }
    folded
}

fn push(c: char, folded: &mut String) {
    match c {
        'a'..='z' | '0'..='9' => folded.push(c),
        'A'..='Z' => folded.push(c.to_ascii_lowercase()),
        '\u{ff01}'..='\u{ff5e}' => push(half(c), folded),
        '\u{3000}' => folded.push(' '),
        '\'' | '\u{2019}' => {}
        '²' => folded.push('2'),
        '³' => folded.push('3'),
        'µ' | 'μ' => folded.push('u'),
        c if is_han(c) => folded.push(han(c)),
        // Latin letters with accents; other scripts keep their own.
        '\u{00c0}'..='\u{024f}' | '\u{1e00}'..='\u{1eff}' => {
            folded.push_str(&deunicode::deunicode_char(c).unwrap_or_default().to_ascii_lowercase());
        }
        // Marks that were written apart from their letter.
        '\u{0300}'..='\u{036f}' => {}
        c => folded.extend(c.to_lowercase()),
    }
}

/// A full-width character as its half-width one.
pub(super) fn half(c: char) -> char {
    match c {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
        '\u{3000}' => ' ',
        c => c,
    }
}

/// A code as it is compared: letters and digits only, folded.
/// A barcode is the same with and without the zeros before it.
pub(crate) fn code(text: &str) -> String {
    let code: String = fold(text).chars().filter(|c| c.is_alphanumeric()).collect();
    if (12..=14).contains(&code.len()) && code.bytes().all(|b| b.is_ascii_digit()) {
        return code.trim_start_matches('0').to_owned();
    }
    code
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn traditional_and_simplified_are_the_same() {
        for (traditional, simplified) in [
            ("羊絨圍巾", "羊绒围巾"),
            ("葡萄酒紅", "葡萄酒红"),
            ("嬰兒奶粉", "婴儿奶粉"),
            ("掛毯藏毯", "挂毯藏毯"),
            ("電池逆變器", "电池逆变器"),
        ] {
            assert_eq!(fold(traditional), simplified);
        }
        assert_eq!(fold("ÉCLAIR Straße Ø"), "eclair strasse o");
        assert_eq!(code("SNW-BR 1017"), "snwbr1017");
        assert_eq!(code("0185756001072"), code("185756001072"));
    }
}
