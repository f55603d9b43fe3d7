//! `GET /s/…`: what a slot shows to a phone that scanned its code and has no mini-program: a page of words, from this server
//! alone. A front end of one's own takes its place by `showroom.link`.

use entities::{party::Viewer, showroom::HandOver, values::Money};
use platform::{
    error::Error,
    limits::{Class, of_address},
};
use poem::{
    Request, Response, handler,
    http::{HeaderMap, StatusCode, header},
    web::{Data, Path},
};
use showroom::{
    scans,
    view::{self, Shown, Standing, View},
};

use super::{graphql::locale, pages::escaped, request};
use crate::graphql::Gateway;

/// The page of a slot.
#[handler]
pub(super) async fn page(request: &Request, Path(code): Path<String>, gateway: Data<&Gateway>) -> Response {
    let app = gateway.app();
    let shown_by = request::proof(request, gateway.0);
    let asks = of_address(shown_by.address);
    if app.limits().take(Class::Everything, &asks, 1).await.is_err() {
        return plain(StatusCode::TOO_MANY_REQUESTS, "请稍后再试 / Please try again later");
    }
    match view::of(app, &code).await {
        Ok(Some(view)) => {
            scans::note(app, &Viewer::anonymous(), &view, None, false);
            shown(&view, request.headers())
        }
        Ok(None) => plain(StatusCode::NOT_FOUND, "没有这个陈列位 / There is no such slot"),
        Err(error) => broken(&error),
    }
}

fn broken(error: &Error) -> Response {
    tracing::error!(cause = error.told(), "the page of a slot cannot be shown");
    plain(StatusCode::SERVICE_UNAVAILABLE, "请稍后再试 / Please try again later")
}

fn plain(status: StatusCode, text: &str) -> Response {
    html(status, &format!("<p>{text}</p>"))
}

fn html(status: StatusCode, body: &str) -> Response {
    let document = format!(
        "<!doctype html><html lang=\"zh-CN\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <title>茶马 / Chama</title><style>body{{font:16px/1.5 sans-serif;max-width:28em;margin:2em auto;padding:0 1em}}\
         h2{{margin-bottom:0}}.no{{color:#777}}</style>{body}</html>"
    );
    Response::builder()
        .status(status)
        .content_type("text/html; charset=utf-8")
        .header(header::CACHE_CONTROL, "no-store")
        .header(
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'",
        )
        .body(document)
}

fn shown(view: &View, headers: &HeaderMap) -> Response {
    let state = match view.standing {
        Standing::Live => String::new(),
        Standing::Empty => "<p>此处暂无商品 / Nothing stands here now</p>".into(),
        Standing::SlotRetired => "<p>此陈列位已停用 / This slot is not there any more</p>".into(),
    };
    let status = if view.standing == Standing::SlotRetired { StatusCode::GONE } else { StatusCode::OK };
    let displays: String = view.displays.iter().map(|one| display(one, headers)).collect();
    html(status, &format!("<p>{}</p>{state}{displays}", escaped(&view.showroom_name)))
}

fn display(one: &Shown, headers: &HeaderMap) -> String {
    let name = one.name.read(&locale(headers)).unwrap_or_default();
    let cny = |minor: i64| Money { minor, currency: entities::values::Currency::CNY }.to_string();
    let price = match (one.price.total, one.price.tax) {
        (Some(total), Some(tax)) => format!("<strong>{}</strong>（含税 / tax {}）", cny(total), cny(tax)),
        _ => "<span class=\"no\">暂不可购买 / not for sale now</span>".into(),
    };
    let ways = one.ways.iter().map(|way| {
        let told = match way.hand_over {
            HandOver::Parcel => "邮寄 / parcel",
            HandOver::Counter => "现场购买 / at the counter",
            HandOver::PickUp => "门店自提 / pick-up",
        };
        if way.allowed {
            format!("<li>{told}：{}</li>", way.available)
        } else {
            format!("<li class=\"no\">{told}：不可 / not here（{}）</li>", escaped(&way.source))
        }
    });
    format!("<h2>{}</h2><p>{price}</p><ul>{}</ul>", escaped(name), ways.collect::<String>())
}
