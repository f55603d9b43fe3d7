//! Plain ASCII of any script: pinyin for Chinese, folded letters for the rest. Used for slugs and for
//! the order by name, so that both are the same on every database.

use pinyin::ToPinyin;

/// Characters with several readings, where the trade of the zone means another one than the common
/// first: 藏 is zàng (Tibetan), not cáng (to hide).
const READINGS: [(char, &str); 3] = [('藏', "zang"), ('长', "chang"), ('重', "zhong")];

/// The ASCII of one character. A Chinese syllable is closed by a blank, which keeps 西安 (xi an)
/// apart from 先 (xian).
pub fn romanised(c: char) -> String {
    if let Some((_, reading)) = READINGS.iter().find(|(known, _)| *known == c) {
        return format!("{reading} ");
    }
    match c.to_pinyin() {
        Some(pinyin) => format!("{} ", pinyin.plain().replace('ü', "v")),
        None => deunicode::deunicode_char(c).unwrap_or_default().to_ascii_lowercase(),
    }
}
