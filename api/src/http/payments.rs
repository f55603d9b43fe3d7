//! Notifications of payment providers, and the page of the sandbox.

use entities::payments::{ProviderKind, SandboxState, sandbox::Press};
use payments::{ops, sandbox};
use platform::error::Error;
use poem::{
    Body, Request, Response, handler,
    http::{StatusCode, header},
    web::{Data, Path},
};

use super::{
    pages::escaped,
    pushed::{self, bytes, headers, plain, unread},
};
use crate::graphql::Gateway;

/// Largest notification.
const LARGEST: usize = 256 * 1024;
/// Largest form of the sandbox's page.
const LARGEST_FORM: usize = 4 * 1024;

fn broken(error: &Error) -> Response {
    pushed::broken("a payment's notification or page", error)
}

/// `POST /webhooks/:provider`: a notification. It is its own proof; nothing else of the request is believed.
#[handler]
pub(super) async fn notification(
    request: &Request,
    body: Body,
    Path(name): Path<String>,
    gateway: Data<&Gateway>,
) -> Response {
    let app = gateway.app();
    let bytes = match bytes(request, body, LARGEST, &gateway).await {
        Ok(bytes) => bytes,
        Err(why) => return unread(why),
    };
    let Some(kind) = ProviderKind::of_path(&name) else { return plain(StatusCode::NOT_FOUND) };
    match ops::receive(app, kind, &headers(request), &bytes).await {
        Ok(taken) => {
            let status = StatusCode::from_u16(taken.status).unwrap_or(StatusCode::OK);
            Response::builder().status(status).header(header::CACHE_CONTROL, "no-store").body(taken.body)
        }
        Err(error) => broken(&error),
    }
}

/// `GET /sandbox/pay/:reference`: the page on which nobody really pays.
#[handler]
pub(super) async fn sandbox_page(Path(reference): Path<String>, gateway: Data<&Gateway>) -> Response {
    match sandbox::page(gateway.app(), &reference).await {
        Ok(Some(open)) => shown(&open),
        Ok(None) => plain(StatusCode::NOT_FOUND),
        Err(error) => broken(&error),
    }
}

/// `POST /sandbox/pay/:reference`, `do=pay` or `do=decline`: what was pressed.
#[handler]
pub(super) async fn pressed(
    request: &Request,
    body: Body,
    Path(reference): Path<String>,
    gateway: Data<&Gateway>,
) -> Response {
    let app = gateway.app();
    let bytes = match bytes(request, body, LARGEST_FORM, &gateway).await {
        Ok(bytes) => bytes,
        Err(why) => return unread(why),
    };
    let press = url::form_urlencoded::parse(&bytes).find(|(name, _)| name == "do");
    let press = match press.as_ref().map(|(_, value)| value.as_ref()) {
        Some("pay") => Press::Pay,
        Some("decline") => Press::Decline,
        _ => return plain(StatusCode::BAD_REQUEST),
    };
    match sandbox::press(app, &reference, press).await {
        Ok(Some(open)) => shown(&open),
        Ok(None) => plain(StatusCode::NOT_FOUND),
        Err(error) => broken(&error),
    }
}

fn shown(page: &sandbox::Page) -> Response {
    let button = |what: &str, told: &str| {
        format!(
            "<form method=\"post\"><input type=\"hidden\" name=\"do\" value=\"{what}\"><button>{told}</button></form>"
        )
    };
    let (state, buttons) = match page.state {
        SandboxState::Waiting => {
            ("待支付 / waiting", button("pay", "支付 / Pay") + &button("decline", "拒绝 / Decline"))
        }
        SandboxState::Challenged => (
            "银行要求验证 / the bank wants to know more",
            button("pay", "验证通过 / It is me") + &button("decline", "验证失败 / It is not"),
        ),
        SandboxState::Failed => ("支付失败 / declined", button("pay", "重试 / Try again")),
        SandboxState::Authorised => ("已授权 / held", String::new()),
        SandboxState::Captured => ("已支付 / paid", String::new()),
        SandboxState::Cancelled => ("已取消 / given up", String::new()),
    };
    // Pay later: one simply goes back.
    let back = page.return_url.as_deref().map_or_else(String::new, |url| {
        let told = if buttons.is_empty() { "返回商户 / Back" } else { "稍后支付 / Pay later" };
        format!("<p><a href=\"{}\" rel=\"noreferrer\">{told}</a></p>", escaped(url))
    });
    let html = format!(
        "<!doctype html><html lang=\"zh-CN\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <title>沙箱支付 / Sandbox</title><style>body{{font:16px/1.5 sans-serif;max-width:28em;margin:3em auto;padding:0 1em}}\
         button{{font:inherit;padding:.5em 1.5em;margin:.3em 0}}form{{display:inline-block;margin-right:.5em}}</style>\
         <h1>沙箱支付 / Sandbox</h1><p>没有真实资金。/ No money is behind this page.</p>\
         <p>{}</p><p><strong>{}</strong></p><p>{state}</p>{buttons}{back}</html>",
        escaped(&page.description),
        escaped(&page.amount.to_string()),
    );
    Response::builder()
        .content_type("text/html; charset=utf-8")
        .header(header::CACHE_CONTROL, "no-store")
        .header(header::CONTENT_SECURITY_POLICY, "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'")
        .header(header::REFERRER_POLICY, "no-referrer")
        .body(html)
}
