//! How often someone may ask: a bucket of tokens for each viewer or address.
//!
//! A bucket is one number: the moment at which it will be full again. Taking moves that moment on; a request that
//! would move it further than the bucket is deep has to wait. With Redis the numbers are there and hold for all
//! nodes together; while it does not answer within [`LONGEST`], each node counts on its own, so that a limit
//! neither falls away nor holds anyone up.

use std::{
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use super::{clock::Clock, shared::Shared};
use crate::config;

/// Longest wait for Redis.
const LONGEST: Duration = Duration::from_millis(50);
/// Most buckets that this process keeps. One that is forgotten is full.
const BUCKETS: u64 = 100_000;
const MINUTE: i64 = 60_000_000;

/// What is limited.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// Registering, signing in, refreshing.
    SignIn,
    /// Searching by words.
    Search,
    /// Any operation.
    Everything,
    /// What customs asks about payments.
    Inquiry,
}

impl Class {
    fn name(self) -> &'static str {
        match self {
            Self::SignIn => "sign-in",
            Self::Search => "search",
            Self::Everything => "everything",
            Self::Inquiry => "inquiry",
        }
    }
}

/// How fast a bucket fills and how deep it is, in microseconds.
#[derive(Clone, Copy, Debug)]
struct Rate {
    token: i64,
    depth: i64,
}

impl Rate {
    fn new(a_minute: u32, burst: u32) -> Self {
        let token = MINUTE / i64::from(a_minute.max(1));
        Self { token, depth: token * i64::from(burst.max(1)) }
    }

    /// What `times` tokens cost. More than the bucket holds could never be had.
    fn cost(self, times: u32) -> i64 {
        self.token.saturating_mul(times.into()).min(self.depth)
    }

    /// Takes from a bucket that would be full at `full`: when it is full after that, or how long to wait.
    fn taken(self, full: i64, now: i64, times: u32) -> Result<i64, i64> {
        let after = full.max(now).saturating_add(self.cost(times));
        let latest = now.saturating_add(self.depth);
        if after > latest { Err(after - latest) } else { Ok(after) }
    }
}

/// The same in Redis, where nothing comes between reading and writing. Moments are the callers': nodes whose clocks
/// differ by a little let a little more or less through.
const TAKEN: &str = r"
local now = tonumber(ARGV[1])
local full = tonumber(redis.call('GET', KEYS[1]) or '0')
if full < now then full = now end
local after = full + tonumber(ARGV[2])
local wait = after - now - tonumber(ARGV[3])
if wait > 0 then return wait end
redis.call('SET', KEYS[1], string.format('%.0f', after), 'PX', math.floor((after - now) / 1000) + 1)
return 0
";

/// The limits.
pub struct Limits {
    enabled: bool,
    everything: Rate,
    search: Rate,
    sign_in: Rate,
    inquiry: Rate,
    buckets: moka::sync::Cache<String, Arc<Mutex<i64>>>,
    shared: Option<Arc<Shared>>,
    clock: Clock,
}

impl std::fmt::Debug for Limits {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Limits").field("enabled", &self.enabled).finish_non_exhaustive()
    }
}

impl Limits {
    /// The limits of these settings.
    pub fn new(settings: &config::Limits, shared: Option<Arc<Shared>>, clock: Clock) -> Self {
        let everything = Rate::new(settings.everything, settings.everything_burst);
        let search = Rate::new(settings.search, settings.search_burst);
        let sign_in = Rate::new(settings.sign_in, settings.sign_in_burst);
        let inquiry = Rate::new(settings.inquiry, settings.inquiry_burst);
        // A bucket that nobody took from for this long is full.
        let deepest = everything.depth.max(search.depth).max(sign_in.depth).max(inquiry.depth);
        let idle = Duration::from_micros(deepest.unsigned_abs()) + Duration::from_mins(1);
        Self {
            enabled: settings.enabled,
            everything,
            search,
            sign_in,
            inquiry,
            buckets: moka::sync::Cache::builder().max_capacity(BUCKETS).time_to_idle(idle).build(),
            shared,
            clock,
        }
    }

    /// Takes `times` tokens of `who`; or says how long to wait.
    pub async fn take(&self, class: Class, who: &str, times: u32) -> Result<(), Duration> {
        if !self.enabled || times == 0 {
            return Ok(());
        }
        let rate = match class {
            Class::Everything => self.everything,
            Class::Search => self.search,
            Class::SignIn => self.sign_in,
            Class::Inquiry => self.inquiry,
        };
        let key = format!("limit:{}:{who}", class.name());
        let now = self.clock.now().timestamp_micros();
        let wait = match self.shared_wait(&key, rate, now, times).await {
            Some(wait) => wait,
            None => self.own_wait(key, rate, now, times),
        };
        if wait > 0 { Err(Duration::from_micros(wait.unsigned_abs())) } else { Ok(()) }
    }

    async fn shared_wait(&self, key: &str, rate: Rate, now: i64, times: u32) -> Option<i64> {
        let shared = self.shared.as_ref()?;
        let key = shared.name(key);
        shared
            .ask(LONGEST, async |mut redis| {
                let mut call = redis::cmd("EVAL");
                call.arg(TAKEN).arg(1).arg(key).arg(now).arg(rate.cost(times)).arg(rate.depth);
                call.query_async::<i64>(&mut redis).await
            })
            .await
    }

    fn own_wait(&self, key: String, rate: Rate, now: i64, times: u32) -> i64 {
        let bucket = self.buckets.get_with(key, || Arc::new(Mutex::new(0)));
        let mut full = bucket.lock().unwrap_or_else(PoisonError::into_inner);
        match rate.taken(*full, now, times) {
            Ok(after) => {
                *full = after;
                0
            }
            Err(wait) => wait,
        }
    }
}

/// What counts as one address: an IPv4 address, or the 64 bits of an IPv6 network that one customer has.
pub fn one_address(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6((v6.to_bits() & !u128::from(u64::MAX)).into()),
        v4 @ IpAddr::V4(_) => v4,
    }
}

/// The name of an address's buckets.
pub fn of_address(address: Option<IpAddr>) -> String {
    address.map_or_else(|| "nowhere".to_owned(), |address| one_address(address).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_gives_its_depth_at_once_and_then_a_token_at_a_time() {
        let rate = Rate::new(60, 3);
        let second = 1_000_000;
        let (mut full, now) = (0, 100 * second);
        for _ in 0..3 {
            full = rate.taken(full, now, 1).unwrap();
        }
        assert_eq!(rate.taken(full, now, 1), Err(second), "the fourth waits for a token");
        assert_eq!(rate.taken(full, now + second / 2, 1), Err(second / 2));
        full = rate.taken(full, now + second, 1).unwrap();
        assert!(rate.taken(full, now + second, 1).is_err());
        assert!(rate.taken(full, now + 10 * second, 3).is_ok(), "full again");
        assert!(rate.taken(0, now, 1_000).is_ok(), "more than it holds is all that it holds");
    }

    #[test]
    fn a_customer_of_ipv6_is_one_address() {
        let one = |text: &str| one_address(text.parse().unwrap()).to_string();
        assert_eq!(one("2001:db8:1:2:3:4:5:6"), one("2001:db8:1:2::1"));
        assert_ne!(one("2001:db8:1:2::1"), one("2001:db8:1:3::1"));
        assert_eq!(one("::ffff:203.0.113.9"), "203.0.113.9");
    }
}
