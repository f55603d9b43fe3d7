//! A reference client: a device of staff that loses its network at random, knows of each thing that it did what must
//! become of it, and holds what the server answers against that.

use std::{
    cmp::Ordering,
    collections::{BTreeMap, BTreeSet},
};

use chrono::{DateTime, Duration, Utc};
use serde_json::{Value, json};

use crate::{
    showroom::House,
    support::{Client, dawn},
};

/// Most things that are sent at once.
pub const MOST: usize = 200;

pub const PULL: &str = "query($id: ID!, $cursor: String) { pull(deviceId: $id, cursor: $cursor) { anew cursor more lastSeq changes { __typename \
     ... on Display { id facing serial tagVersion tag { amount } slot { scanCode } } ... on ShowroomSlot { id scanCode } \
     ... on Planogram { id number } ... on SlotNote { slot { id } text version } ... on Tombstone { kind id } } } }";

/// Numbers that look random, the same for the same seed.
pub struct Dice(u64);

impl Dice {
    /// Seeds that are close give numbers that are not; none gives nothing but zeros.
    pub fn of(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// Dice of their own, for something that happens at the same time.
    pub fn split(&mut self) -> Self {
        Self::of(self.next())
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.next() % n as u64).unwrap()
    }

    /// True so many times of a hundred.
    pub fn percent(&mut self, n: usize) -> bool {
        self.below(100) < n
    }

    pub fn one<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }
}

/// A device of staff: what it knows of the floor, and what it did and does not know the end of.
pub struct Phone {
    pub client: Client,
    pub id: Value,
    /// What its clock says.
    pub clock: DateTime<Utc>,
    pub next: i64,
    /// All that it ever did.
    pub did: Vec<Value>,
    pub queue: BTreeMap<i64, Value>,
    sent_before: Vec<Value>,
    installs: Vec<Value>,
    pub cursor: Value,
    pub floor: BTreeMap<String, Value>,
    /// What became of what it did, and why not: as it was first answered, also when that answer was lost.
    pub outcomes: BTreeMap<i64, Value>,
    /// Up to where the server has all that it did, known by what was sent.
    dealt: i64,
    /// How often something was sent before its turn.
    pub early: usize,
    /// How many things that it knew turned out to be gone.
    pub gone: usize,
}

impl Phone {
    pub async fn new(house: &House, client: Client, name: &str) -> Self {
        let input = json!({ "showroomId": house.showroom, "name": name });
        let made = client.done("registerShowroomDevice", "device { id lastSeq }", input).await["device"].clone();
        assert_eq!(made["lastSeq"], 0);
        Self {
            client,
            id: made["id"].clone(),
            clock: dawn() - Duration::minutes(1),
            next: 1,
            did: Vec::new(),
            queue: BTreeMap::new(),
            sent_before: Vec::new(),
            installs: Vec::new(),
            cursor: Value::Null,
            floor: BTreeMap::new(),
            outcomes: BTreeMap::new(),
            dealt: 0,
            early: 0,
            gone: 0,
        }
    }

    /// Does something, network or not.
    #[expect(clippy::needless_pass_by_value, reason = "it is made where it is passed")]
    pub fn does(&mut self, operation: Value, base: Option<i64>) {
        let mutation = format!("{}-{}", self.id.as_str().unwrap(), self.next);
        if operation["install"].is_object() {
            self.installs.push(json!(mutation));
        }
        let one = json!({ "mutationId": mutation, "seq": self.next, "occurredAt": self.clock.to_rfc3339(),
            "baseVersion": base, "operation": operation });
        self.did.push(one.clone());
        self.queue.insert(self.next, one);
        self.next += 1;
    }

    pub async fn push(&self, mutations: &[Value]) -> Vec<Value> {
        let input = json!({ "deviceId": self.id, "mutations": mutations });
        let selection = "results { mutationId seq status outcome code occurredAt }";
        self.client.done("pushMutations", selection, input).await["results"].as_array().unwrap().clone()
    }

    /// Sends what waits, as a bad network has it: it may not leave, and the answer may be lost.
    pub async fn sync(&mut self, dice: &mut Dice) {
        let batch = self.jumbled(dice);
        if dice.percent(10) {
            // It never left.
            return;
        }
        let known = self.sent(&batch).await;
        self.sent_before.extend(batch);
        if dice.percent(20) {
            // The answer never came.
            return;
        }
        for seq in known {
            self.queue.remove(&seq);
        }
        self.pull().await;
    }

    /// A part of what waits, with something left out of its middle, some of what was sent before, in any order.
    fn jumbled(&self, dice: &mut Dice) -> Vec<Value> {
        let mut batch: Vec<Value> = self.queue.values().take(MOST).cloned().collect();
        if dice.percent(30) {
            batch.truncate(dice.below(batch.len() + 1));
        }
        if batch.len() > 2 && dice.percent(20) {
            batch.remove(1 + dice.below(batch.len() - 2));
        }
        for _ in 0..dice.below(4) {
            if !self.sent_before.is_empty() && batch.len() < MOST {
                batch.push(dice.one(&self.sent_before).clone());
            }
        }
        for n in (1..batch.len()).rev() {
            batch.swap(n, dice.below(n + 1));
        }
        batch
    }

    /// Sends all that waits over a good network, and asks what changed; answers with what became of each, and why not.
    pub async fn told(&mut self) -> Vec<Value> {
        let batch: Vec<Value> = self.queue.values().take(MOST).cloned().collect();
        let known = self.sent(&batch).await;
        for seq in &known {
            self.queue.remove(seq);
        }
        assert!(self.queue.is_empty(), "what was sent in its order was not all dealt with: {:?}", self.queue);
        self.pull().await;
        known.iter().map(|seq| self.outcomes[seq].clone()).collect()
    }

    /// Sends things and looks at each answer: what was dealt with before is so again, the next one has its turn, and what
    /// comes after a gap waits. Answers with the numbers of what is dealt with.
    async fn sent(&mut self, batch: &[Value]) -> Vec<i64> {
        let results = self.push(batch).await;
        let name = |one: &Value| (one["seq"].as_i64().unwrap(), one["mutationId"].clone());
        let mut sent: Vec<(i64, Value)> = batch.iter().map(name).collect();
        sent.sort_by_key(|(seq, _)| *seq);
        let answered: Vec<(i64, Value)> = results.iter().map(name).collect();
        assert_eq!(answered, sent, "not each thing has one answer, in the order of their numbers");
        let mut known = Vec::new();
        for result in &results {
            let (seq, status) = (result["seq"].as_i64().unwrap(), result["status"].as_str().unwrap());
            let expected: &[&str] = match seq.cmp(&(self.dealt + 1)) {
                Ordering::Less => &["DUPLICATE"],
                Ordering::Equal => &["APPLIED", "REJECTED", "CONFLICT"],
                Ordering::Greater => &["OUT_OF_ORDER"],
            };
            assert!(expected.contains(&status), "{seq} is {status} after {} were dealt with", self.dealt);
            if status == "OUT_OF_ORDER" {
                assert!(result["outcome"].is_null(), "{seq} has an outcome before its turn: {result}");
                self.early += 1;
                continue;
            }
            let became = json!([result["outcome"], result["code"]]);
            if status == "DUPLICATE" {
                assert_eq!(self.outcomes[&seq], became, "what became of {seq} changed");
            } else {
                assert_eq!(result["outcome"], status, "{seq}");
                assert_eq!(result["code"].is_null(), status == "APPLIED", "{seq} does not say why not: {result}");
                self.outcomes.insert(seq, became);
                self.dealt = seq;
            }
            known.push(seq);
        }
        known
    }

    pub async fn pull(&mut self) {
        loop {
            let answer = self.client.data(PULL, json!({ "id": self.id, "cursor": self.cursor })).await["pull"].clone();
            let anew = answer["anew"] == true;
            assert_eq!(anew, self.cursor.is_null(), "a device that was never there begins anew, and no other");
            assert_eq!(answer["lastSeq"], self.dealt, "what was dealt with is not what it is told");
            if anew {
                self.floor.clear();
            }
            let mut seen = BTreeSet::new();
            for change in answer["changes"].as_array().unwrap() {
                let (key, there) = named(change);
                assert!(there || !anew, "{key} is gone before it was there");
                if there {
                    self.floor.insert(key.clone(), change.clone());
                } else if self.floor.remove(&key).is_some() {
                    self.gone += 1;
                }
                assert!(seen.insert(key), "a thing comes twice: {change}");
            }
            let before = std::mem::replace(&mut self.cursor, answer["cursor"].clone());
            if answer["more"] == false {
                return;
            }
            assert_ne!(self.cursor, before, "there is more, and no way to it");
        }
    }

    /// What it knows to stand in a facing.
    pub fn standing(&self, code: &str, facing: usize) -> Option<&Value> {
        self.floor.iter().find_map(|(key, one)| {
            let there = one["slot"]["scanCode"] == code && one["facing"] == facing;
            (key.starts_with("Display ") && there).then_some(one)
        })
    }

    /// A display that it saw, with the version of its tag: in a facing, or one that it put up and does not know the id of.
    pub fn saw(&self, code: &str, facing: usize, dice: &mut Dice) -> Option<(Value, i64)> {
        let known =
            self.standing(code, facing).map(|one| (json!({ "id": one["id"] }), one["tagVersion"].as_i64().unwrap()));
        known.or_else(|| {
            let own = (!self.installs.is_empty()).then(|| dice.one(&self.installs).clone())?;
            Some((json!({ "installedBy": own }), 1))
        })
    }

    /// What put up the last that it put up.
    pub fn last_install(&self) -> &Value {
        self.installs.last().unwrap()
    }

    /// The version of the note that it saw on a slot; 0: there was none.
    pub fn note(&self, slot: &Value) -> i64 {
        let key = format!("SlotNote {}", slot.as_str().unwrap());
        self.floor.get(&key).and_then(|note| note["version"].as_i64()).unwrap_or_default()
    }
}

/// By what a device knows the thing that changed, and whether it is there or gone.
fn named(change: &Value) -> (String, bool) {
    let (kind, id, there) = match change["__typename"].as_str().unwrap() {
        "Tombstone" => {
            let kind = match change["kind"].as_str().unwrap() {
                "DISPLAY" => "Display",
                "SLOT" => "ShowroomSlot",
                "PLANOGRAM" => "Planogram",
                "NOTE" => "SlotNote",
                other => panic!("nobody knows what {other} is"),
            };
            (kind, &change["id"], false)
        }
        "SlotNote" => ("SlotNote", &change["slot"]["id"], true),
        kind => (kind, &change["id"], true),
    };
    (format!("{kind} {}", id.as_str().unwrap()), there)
}
