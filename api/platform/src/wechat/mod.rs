//! `WeChat` mini-program login (微信小程序登录): a code that the mini-program got from `wx.login` is changed into
//! the user's `openid` (`code2session`). The session key that comes with it is not kept.
//!
//! Behind a trait because it is a border to the outside: the real service, and a sandbox for development.

mod wire;

use async_trait::async_trait;
use reqwest::Client;
use secrecy::{ExposeSecret, SecretString};

use super::{error::Error, web};
use crate::config::Config;

/// Changes a code into the user it was given to.
#[async_trait]
pub trait WechatLogin: Send + Sync + std::fmt::Debug {
    /// The user's `openid`; none when the code is not good, used or too old.
    async fn openid(&self, code: &str) -> Result<Option<String>, Error>;
}

/// The service that the settings name: the real one with an app id, else the sandbox where development
/// tokens are taken, else nobody.
pub fn of(config: &Config) -> Result<Box<dyn WechatLogin>, Error> {
    Ok(if !config.wechat.app_id.is_empty() {
        Box::new(Service {
            client: web::services(std::time::Duration::from_secs(5))?,
            url: config.wechat.url.trim_end_matches('/').to_owned(),
            app_id: config.wechat.app_id.clone(),
            secret: config.wechat.app_secret.clone(),
        })
    } else if config.auth.development_tokens {
        Box::new(Sandbox)
    } else {
        Box::new(Closed)
    })
}

/// The real service.
#[derive(Debug)]
struct Service {
    client: Client,
    url: String,
    app_id: String,
    secret: SecretString,
}

#[async_trait]
impl WechatLogin for Service {
    async fn openid(&self, code: &str) -> Result<Option<String>, Error> {
        // The address carries the app secret: an error of the client must not be logged with it.
        let away = |e: reqwest::Error| Error::Unavailable(e.without_url().into());
        let request = self.client.get(format!("{}/sns/jscode2session", self.url)).query(&[
            ("appid", self.app_id.as_str()),
            ("secret", self.secret.expose_secret()),
            ("js_code", code),
            ("grant_type", "authorization_code"),
        ]);
        let answer = request.send().await.map_err(away)?.error_for_status().map_err(away)?;
        wire::openid(&answer.bytes().await.map_err(away)?)
    }
}

/// The sandbox: `sandbox:<name>` is the code of the user `<name>`.
#[derive(Debug)]
struct Sandbox;

#[async_trait]
impl WechatLogin for Sandbox {
    async fn openid(&self, code: &str) -> Result<Option<String>, Error> {
        Ok(code.strip_prefix("sandbox:").filter(|name| !name.is_empty()).map(|name| format!("sandbox-{name}")))
    }
}

/// No mini-program: every code is refused.
#[derive(Debug)]
struct Closed;

#[async_trait]
impl WechatLogin for Closed {
    async fn openid(&self, _: &str) -> Result<Option<String>, Error> {
        Ok(None)
    }
}
