//! The floor of a showroom as it is drawn (门店布局): zones, their fixtures, the slots on these. It is drawn whole; what was
//! there before is known by its code and keeps its identity, and a slot what is printed on it.

use std::collections::HashSet;

use super::FixtureKind;
use crate::values::{
    ErrorCode, Refusal, Refusals,
    refusal::{Check, line},
};

/// Most zones of a showroom.
pub const MOST_ZONES: usize = 50;
/// Most fixtures of a showroom.
pub const MOST_FIXTURES: usize = 500;
/// Most slots of a showroom.
pub const MOST_SLOTS: usize = 2_000;
/// Most pieces side by side in a slot.
pub const MOST_FACINGS: i32 = 50;
/// The longest side of anything, in millimetres.
const LONGEST: i32 = 100_000;

/// A zone.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the columns of the zone")]
pub struct Zone {
    pub code: String,
    pub name: String,
    pub fixtures: Vec<Fixture>,
}

/// A fixture.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the columns of the fixture")]
pub struct Fixture {
    pub code: String,
    pub kind: FixtureKind,
    pub width_mm: i32,
    pub height_mm: i32,
    pub slots: Vec<Slot>,
}

/// A slot, measured from the left and the bottom of its fixture.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the columns of the slot")]
pub struct Slot {
    pub code: String,
    pub x_mm: i32,
    pub y_mm: i32,
    pub width_mm: i32,
    pub height_mm: i32,
    pub facings: i32,
}

impl Slot {
    fn overlaps(&self, other: &Self) -> bool {
        let crosses = |a: i32, a_long: i32, b: i32, b_long: i32| a < b + b_long && b < a + a_long;
        crosses(self.x_mm, self.width_mm, other.x_mm, other.width_mm)
            && crosses(self.y_mm, self.height_mm, other.y_mm, other.height_mm)
    }
}

/// A short code, in capitals.
pub fn code(written: &str) -> Result<String, Refusal> {
    let code = line(written, 20)?.to_ascii_uppercase();
    let fits = code.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    if fits { Ok(code) } else { Err(Refusal::new(ErrorCode::InvalidValue).with("value", code)) }
}

fn range(value: i32, from: i32, to: i32) -> Result<i32, Refusal> {
    let refusal = || Refusal::new(ErrorCode::OutOfRange).with("min", from.to_string()).with("max", to.to_string());
    if (from..=to).contains(&value) { Ok(value) } else { Err(refusal()) }
}

/// Refusals of something within a list, told by where it stands.
fn within(refusals: Refusals, n: usize, list: &str) -> impl Iterator<Item = Refusal> {
    refusals.into_iter().map(move |refusal| refusal.at(n.to_string()).at(list))
}

/// A floor as it is drawn, or everything that is wrong with it: codes that stand twice, slots that do not lie on their
/// fixture or on one another.
pub fn drawn(zones: Vec<Zone>) -> Result<Vec<Zone>, Refusals> {
    let fixtures: usize = zones.iter().map(|zone| zone.fixtures.len()).sum();
    let slots: usize = zones.iter().flat_map(|zone| &zone.fixtures).map(|fixture| fixture.slots.len()).sum();
    for (has, most) in [(zones.len(), MOST_ZONES), (fixtures, MOST_FIXTURES), (slots, MOST_SLOTS)] {
        if has > most {
            let refusal = Refusal::new(ErrorCode::TooMany).with("max", most.to_string());
            return Err([refusal.at("zones")].into_iter().collect());
        }
    }
    let mut check = Check::default();
    let (mut zone_codes, mut fixture_codes) = (HashSet::new(), HashSet::new());
    let mut read = Vec::with_capacity(zones.len());
    for (n, zone) in zones.into_iter().enumerate() {
        match drawn_zone(zone, &mut zone_codes, &mut fixture_codes) {
            Ok(zone) => read.push(zone),
            Err(refusals) => check.0.extend(within(refusals, n, "zones")),
        }
    }
    check.done(read)
}

fn once(seen: &mut HashSet<String>, check: &mut Check, code: Option<String>) -> String {
    let code = code.unwrap_or_default();
    let new = code.is_empty() || seen.insert(code.clone());
    check.demand(new, "code", || Refusal::new(ErrorCode::Duplicate).with("value", code.clone()));
    code
}

fn drawn_zone(
    zone: Zone,
    zone_codes: &mut HashSet<String>,
    fixture_codes: &mut HashSet<String>,
) -> Result<Zone, Refusals> {
    let mut check = Check::default();
    let read = check.take("code", code(&zone.code));
    let code = once(zone_codes, &mut check, read);
    let name = check.take("name", line(&zone.name, 120)).unwrap_or_default();
    let mut fixtures = Vec::with_capacity(zone.fixtures.len());
    for (n, fixture) in zone.fixtures.into_iter().enumerate() {
        match drawn_fixture(fixture, fixture_codes) {
            Ok(fixture) => fixtures.push(fixture),
            Err(refusals) => check.0.extend(within(refusals, n, "fixtures")),
        }
    }
    check.done(Zone { code, name, fixtures })
}

fn drawn_fixture(fixture: Fixture, fixture_codes: &mut HashSet<String>) -> Result<Fixture, Refusals> {
    let mut check = Check::default();
    let read = check.take("code", code(&fixture.code));
    let code = once(fixture_codes, &mut check, read);
    let width_mm = check.take("widthMm", range(fixture.width_mm, 1, LONGEST)).unwrap_or(LONGEST);
    let height_mm = check.take("heightMm", range(fixture.height_mm, 1, LONGEST)).unwrap_or(LONGEST);
    let (mut codes, mut slots) = (HashSet::new(), Vec::<Slot>::with_capacity(fixture.slots.len()));
    for (n, slot) in fixture.slots.into_iter().enumerate() {
        match drawn_slot(&slot, (width_mm, height_mm), &mut codes, &slots) {
            Ok(slot) => slots.push(slot),
            Err(refusals) => check.0.extend(within(refusals, n, "slots")),
        }
    }
    check.done(Fixture { code, kind: fixture.kind, width_mm, height_mm, slots })
}

fn drawn_slot(
    slot: &Slot,
    (width, height): (i32, i32),
    codes: &mut HashSet<String>,
    before: &[Slot],
) -> Result<Slot, Refusals> {
    let mut check = Check::default();
    let read = check.take("code", code(&slot.code));
    let code = once(codes, &mut check, read);
    let x_mm = check.take("xMm", range(slot.x_mm, 0, width - 1)).unwrap_or_default();
    let y_mm = check.take("yMm", range(slot.y_mm, 0, height - 1)).unwrap_or_default();
    let width_mm = check.take("widthMm", range(slot.width_mm, 1, width - x_mm)).unwrap_or(1);
    let height_mm = check.take("heightMm", range(slot.height_mm, 1, height - y_mm)).unwrap_or(1);
    let facings = check.take("facings", range(slot.facings, 1, MOST_FACINGS)).unwrap_or(1);
    let read = Slot { code, x_mm, y_mm, width_mm, height_mm, facings };
    if check.0.is_empty()
        && let Some(other) = before.iter().find(|other| other.overlaps(&read))
    {
        let refusal = Refusal::new(ErrorCode::InvalidValue).with("value", format!("{} × {}", read.code, other.code));
        check.0.push(refusal.at("xMm"));
    }
    check.done(read)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slot(code: &str, x_mm: i32, width_mm: i32) -> Slot {
        Slot { code: code.into(), x_mm, y_mm: 0, width_mm, height_mm: 300, facings: 2 }
    }

    fn floor(slots: Vec<Slot>) -> Vec<Zone> {
        let fixture = Fixture { code: "f1".into(), kind: FixtureKind::Shelf, width_mm: 1_000, height_mm: 300, slots };
        vec![Zone { code: "z1".into(), name: "茶".into(), fixtures: vec![fixture] }]
    }

    #[test]
    fn slots_lie_on_their_fixture_and_not_on_one_another() {
        let table: [(Vec<Slot>, &[&str]); 6] = [
            (vec![slot("a", 0, 500), slot("b", 500, 500)], &[]),
            (vec![slot("a", 0, 501), slot("b", 500, 500)], &["INVALID_VALUE zones.0.fixtures.0.slots.1.xMm"]),
            (vec![slot("a", 500, 501)], &["OUT_OF_RANGE zones.0.fixtures.0.slots.0.widthMm"]),
            (vec![slot("a", -1, 5)], &["OUT_OF_RANGE zones.0.fixtures.0.slots.0.xMm"]),
            (vec![slot("a", 0, 5), slot("A", 5, 5)], &["DUPLICATE zones.0.fixtures.0.slots.1.code"]),
            (
                vec![slot("a b", i32::MAX, i32::MAX)],
                &[
                    "INVALID_VALUE zones.0.fixtures.0.slots.0.code",
                    "OUT_OF_RANGE zones.0.fixtures.0.slots.0.xMm",
                    "OUT_OF_RANGE zones.0.fixtures.0.slots.0.widthMm",
                ],
            ),
        ];
        for (slots, expected) in table {
            let told = drawn(floor(slots)).err().into_iter().flatten();
            let told: Vec<String> = told.map(|one| format!("{} {}", one.code.name(), one.field.join("."))).collect();
            assert_eq!(told, expected);
        }
        assert_eq!(drawn(floor(vec![slot("a", 0, 5)])).unwrap()[0].fixtures[0].slots[0].code, "A");
    }

    #[test]
    fn a_code_stands_once_and_a_floor_is_no_warehouse() {
        let mut twice = floor(Vec::new());
        twice.push(Zone { code: "Z2".into(), ..twice[0].clone() });
        let told: Vec<Vec<String>> = drawn(twice).unwrap_err().into_iter().map(|one| one.field).collect();
        assert_eq!(told, [["zones", "1", "fixtures", "0", "code"]], "one fixture stands in two zones");
        let many = (0..=MOST_ZONES).map(|n| Zone { code: format!("z{n}"), name: "x".into(), fixtures: Vec::new() });
        assert_eq!(drawn(many.collect()).unwrap_err()[0].code, ErrorCode::TooMany);
    }
}
