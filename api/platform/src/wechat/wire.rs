//! What `code2session` answers, read.

use serde::Deserialize;

use crate::error::Error;

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    openid: Option<String>,
    #[serde(default)]
    errcode: i64,
    #[serde(default)]
    errmsg: String,
}

/// The user in an answer; none when the code was refused. Codes by the service's own documentation: 40029 code
/// not valid, 40163 code used, 40226 user blocked, 41008 code missing; -1 and 45011 busy, ask again later.
pub(super) fn openid(body: &[u8]) -> Result<Option<String>, Error> {
    let answer: Answer = serde_json::from_slice(body).map_err(Error::internal)?;
    match (answer.errcode, answer.openid) {
        (0, Some(openid)) if !openid.is_empty() && openid.len() <= 128 => Ok(Some(openid)),
        (40029 | 40163 | 40226 | 41008, _) => Ok(None),
        (-1 | 45011, _) => Err(Error::Unavailable(format!("code2session is busy: {}", answer.errmsg).into())),
        (code, _) => Err(Error::internal(format!("code2session answers {code}: {}", answer.errmsg))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_of_code2session_are_read() {
        let good = br#"{"session_key":"tiihtNczf5v6AKRyjwEUhQ==","openid":"oABC-1","unionid":"u"}"#;
        assert_eq!(openid(good).unwrap().as_deref(), Some("oABC-1"));
        for refused in [40029, 40163, 40226, 41008] {
            assert_eq!(
                openid(format!(r#"{{"errcode":{refused},"errmsg":"no"}}"#).as_bytes()).unwrap(),
                None,
                "{refused}"
            );
        }
        assert!(matches!(openid(br#"{"errcode":-1,"errmsg":"system error"}"#), Err(Error::Unavailable(_))));
        // 40013, 40125: our app id or secret is wrong; that is our accident, not the user's.
        assert!(matches!(openid(br#"{"errcode":40125,"errmsg":"invalid appsecret"}"#), Err(Error::Internal(_))));
        assert!(matches!(openid(b"<html>"), Err(Error::Internal(_))));
        assert!(matches!(openid(b"{}"), Err(Error::Internal(_))));
    }
}
