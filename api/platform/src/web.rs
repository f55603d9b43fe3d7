//! Calling the outside world: one client for addresses that partners give (webhooks), one for services
//! that the settings name.
//!
//! An address that a partner gives is an attempt to make us call it: it must be https, and may not lead into
//! a private network. That is checked where the name is resolved, for the address that is then connected
//! to, so a name that changes its mind between check and call gains nothing. Redirects are never followed.

use std::{
    net::{IpAddr, SocketAddr},
    sync::{Arc, LazyLock},
    time::Duration,
};

use ipnet::IpNet;
use reqwest::{
    Client,
    dns::{Addrs, Name, Resolve, Resolving},
    redirect::Policy,
};
use url::{Host, Url};

use super::error::Error;

/// Networks that are no place on the public internet, after the IANA special-purpose registries.
static PRIVATE: LazyLock<Vec<IpNet>> = LazyLock::new(|| {
    [
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/3",
        "::/96",
        "::ffff:0:0:0/96",
        "64:ff9b:1::/48",
        "100::/64",
        "2001::/23",
        "2001:db8::/32",
        "3fff::/20",
        "5f00::/16",
        "fc00::/7",
        "fe80::/9",
        "ff00::/8",
    ]
    .iter()
    .filter_map(|net| net.parse().ok())
    .collect()
});

/// Whether an address lies on the public internet. An IPv4 address inside an IPv6 one counts as itself.
pub fn is_public(address: IpAddr) -> bool {
    if let IpAddr::V6(six) = address {
        let parts = six.segments();
        let inner = |high: u16, low: u16| IpAddr::from((u32::from(high) << 16 | u32::from(low)).to_be_bytes());
        if let Some(four) = six.to_ipv4_mapped() {
            return is_public(four.into());
        }
        // NAT64 and 6to4 carry an IPv4 address that the way out unpacks.
        if parts[..6] == [0x64, 0xff9b, 0, 0, 0, 0] {
            return is_public(inner(parts[6], parts[7]));
        }
        if parts[0] == 0x2002 {
            return is_public(inner(parts[1], parts[2]));
        }
    }
    !PRIVATE.iter().any(|net| net.contains(&address))
}

/// Why an address that a partner gave is not called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unfit {
    /// It is no address of the web.
    NoUrl,
    /// It is not https.
    NotHttps,
    /// It carries a name or a password.
    Credentials,
    /// It leads into a private network.
    Private,
}

impl Unfit {
    /// The reason in words.
    pub fn told(self) -> &'static str {
        match self {
            Self::NoUrl => "it is no web address",
            Self::NotHttps => "it must start with https://",
            Self::Credentials => "it carries a name or a password",
            Self::Private => "it leads into a private network",
        }
    }
}

/// An address that a partner gave, if its text is fit to be called. Names are looked at when they are
/// resolved. `private_too`: for development and tests.
pub fn fit(text: &str, private_too: bool) -> Result<Url, Unfit> {
    if text.len() > 2_000 {
        return Err(Unfit::NoUrl);
    }
    let url = Url::parse(text).map_err(|_| Unfit::NoUrl)?;
    if !matches!(url.scheme(), "https" | "http") {
        return Err(Unfit::NoUrl);
    }
    if url.scheme() == "http" && !private_too {
        return Err(Unfit::NotHttps);
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Unfit::Credentials);
    }
    let public = match url.host() {
        None => return Err(Unfit::NoUrl),
        Some(Host::Ipv4(four)) => is_public(four.into()),
        Some(Host::Ipv6(six)) => is_public(six.into()),
        Some(Host::Domain(name)) => {
            let name = name.trim_end_matches('.');
            name.contains('.')
                && !["localhost", "local", "internal", "lan", "home.arpa"]
                    .iter()
                    .any(|top| name == *top || name.strip_suffix(top).is_some_and(|rest| rest.ends_with('.')))
        }
    };
    if public || private_too { Ok(url) } else { Err(Unfit::Private) }
}

/// Resolves names to public addresses only.
struct PublicOnly;

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let public: Vec<SocketAddr> = found.filter(|a| is_public(a.ip())).collect();
            if public.is_empty() {
                return Err("the address cannot be called".into());
            }
            Ok(Box::new(public.into_iter()) as Addrs)
        })
    }
}

/// The client for addresses that partners give.
pub fn partners(timeout: Duration, private_too: bool) -> Result<Client, Error> {
    let builder = plain(timeout)?.redirect(Policy::none());
    let builder = if private_too { builder } else { builder.dns_resolver(PublicOnly) };
    builder.build().map_err(Error::internal)
}

/// The client for services that the settings name.
pub fn services(timeout: Duration) -> Result<Client, Error> {
    plain(timeout)?.build().map_err(Error::internal)
}

/// Why an answer was not read.
#[derive(Debug)]
pub enum Unread {
    /// It broke off.
    Broken(reqwest::Error),
    /// It is longer than it may be.
    TooLong,
}

/// The body of an answer, if it has at most so many bytes.
pub async fn body(mut answer: reqwest::Response, most: usize) -> Result<Vec<u8>, Unread> {
    let mut body = Vec::new();
    while let Some(part) = answer.chunk().await.map_err(|error| Unread::Broken(error.without_url()))? {
        if body.len() + part.len() > most {
            return Err(Unread::TooLong);
        }
        body.extend_from_slice(&part);
    }
    Ok(body)
}

fn plain(timeout: Duration) -> Result<reqwest::ClientBuilder, Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let roots = rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(Error::internal)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Client::builder()
        .tls_backend_preconfigured(tls)
        .no_proxy()
        .timeout(timeout)
        .connect_timeout(timeout.min(Duration::from_secs(5)))
        .pool_max_idle_per_host(4)
        .user_agent(concat!("chama/", env!("CARGO_PKG_VERSION"))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_private_networks_are_known_in_every_disguise() {
        for private in [
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "198.18.0.1",
            "::1",
            "::",
            "fe80::1",
            "fec0::1",
            "fc00::1",
            "fd12::1",
            "ff02::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "64:ff9b::7f00:1",
            "2002:7f00:1::",
            "2001:db8::1",
            "::127.0.0.1",
            "::ffff:0:127.0.0.1",
        ] {
            assert!(!is_public(private.parse().unwrap()), "{private} passes for public");
        }
        for public in
            ["1.1.1.1", "8.8.8.8", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "64:ff9b::808:808", "2002:808:808::"]
        {
            assert!(is_public(public.parse().unwrap()), "{public} passes for private");
        }
    }

    #[test]
    fn addresses_that_partners_give_are_https_and_public() {
        for (text, expected) in [
            ("https://partner.example/hooks?x=1", None),
            ("https://8.8.8.8:8443/", None),
            ("http://partner.example/", Some(Unfit::NotHttps)),
            ("ftp://partner.example/", Some(Unfit::NoUrl)),
            ("file:///etc/passwd", Some(Unfit::NoUrl)),
            ("nonsense", Some(Unfit::NoUrl)),
            ("https://user:pw@partner.example/", Some(Unfit::Credentials)),
            ("https://127.0.0.1/", Some(Unfit::Private)),
            ("https://[::1]/", Some(Unfit::Private)),
            // Other ways to write 127.0.0.1.
            ("https://2130706433/", Some(Unfit::Private)),
            ("https://0x7f.1/", Some(Unfit::Private)),
            ("https://017700000001/", Some(Unfit::Private)),
            ("https://localhost/", Some(Unfit::Private)),
            ("https://db.internal./", Some(Unfit::Private)),
            ("https://intranet/", Some(Unfit::Private)),
            ("https://[::ffff:169.254.169.254]/latest/meta-data", Some(Unfit::Private)),
        ] {
            assert_eq!(fit(text, false).err(), expected, "{text}");
        }
        assert!(fit("http://127.0.0.1:9000/", true).is_ok());
        assert_eq!(fit("ftp://127.0.0.1/", true).err(), Some(Unfit::NoUrl));
    }

    #[tokio::test]
    async fn a_name_that_leads_into_a_private_network_is_not_called() {
        let client = partners(Duration::from_secs(2), false).unwrap();
        // Resolved by the hosts file of every machine; the guard of the text is passed by here on purpose.
        let error = client.get("http://localhost:9/").send().await.unwrap_err();
        assert!(format!("{error:?}").contains("cannot be called"), "{error:?}");
    }
}
