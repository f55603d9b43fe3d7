//! Policies of the zone: what may be done where. Set by the zone's operators, asked by whoever sells.

use std::collections::HashSet;

use chrono::NaiveDate;
use entities::{
    catalog::SupplyMode,
    party::{Action, Resource},
    trade::{
        ZoneCapability,
        zone_policy::{self, At, Decision, decide, division},
    },
    values::{
        ErrorCode, Refusal,
        id::{StockLocationId, ZonePolicyId},
        refusal::{Check, line},
    },
};
use platform::{
    app::{App, Call},
    error::Error,
    graphql::encode,
    page::{Cursor, Page, PageArgs},
};
use sea_orm::{ColumnTrait, Condition, ConnectionTrait, EntityTrait, IntoActiveModel, Order, QueryFilter};
use serde_json::{Value, json};

use super::{rows, tariffs::MAX_SOURCE};

/// Name of the order, for cursors.
const BY_AGE: &str = "zone-policy";

fn on(date: NaiveDate) -> Condition {
    let open = Condition::any().add(zone_policy::Column::ValidTo.is_null()).add(zone_policy::Column::ValidTo.gt(date));
    Condition::all().add(zone_policy::Column::ValidFrom.lte(date)).add(open)
}

/// The rows of a day for these modes and one capability, for [`decide`]; one statement.
pub async fn rows_for(
    db: &impl ConnectionTrait,
    modes: &[SupplyMode],
    capability: ZoneCapability,
    date: NaiveDate,
) -> Result<Vec<zone_policy::Model>, Error> {
    let modes: HashSet<SupplyMode> = modes.iter().copied().collect();
    if modes.is_empty() {
        return Ok(Vec::new());
    }
    let found = zone_policy::Entity::find()
        .filter(zone_policy::Column::Mode.is_in(modes))
        .filter(zone_policy::Column::Capability.eq(capability))
        .filter(on(date));
    Ok(found.all(db).await?)
}

/// Whether something may be done at a place on a day, and who says so.
pub async fn decision(
    db: &impl ConnectionTrait,
    at: At<'_>,
    mode: SupplyMode,
    capability: ZoneCapability,
    date: NaiveDate,
) -> Result<Decision, Error> {
    let rows = rows_for(db, &[mode], capability, date).await?;
    Ok(decide(&rows, at, mode, capability, date))
}

/// A policy as it is typed.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the columns of the policy")]
pub struct NewPolicy {
    pub division: String,
    pub location: Option<StockLocationId>,
    pub mode: SupplyMode,
    pub capability: ZoneCapability,
    pub allowed: bool,
    pub valid_from: NaiveDate,
    pub valid_to: Option<NaiveDate>,
    pub source: String,
}

impl NewPolicy {
    fn checked(&self, id: ZonePolicyId) -> Result<zone_policy::Model, Error> {
        let mut check = Check::default();
        let place = check.take("division", division(&self.division));
        let both = self.location.is_some() && place.as_ref().is_some_and(|place| !place.is_empty());
        check
            .demand(!both, "division", || Refusal::new(ErrorCode::InvalidValue).with("value", "division and location"));
        let source = check.take("source", line(&self.source, MAX_SOURCE));
        check.demand(self.valid_to.is_none_or(|to| self.valid_from < to), "validTo", || {
            Refusal::new(ErrorCode::OutOfRange)
                .with("min", self.valid_from.to_string())
                .with("max", NaiveDate::MAX.to_string())
        });
        let (Some(division), Some(source)) = (place, source) else { return Err(check.0.into()) };
        let &Self { location: location_id, mode, capability, allowed, valid_from, valid_to, .. } = self;
        Ok(check.done(zone_policy::Model {
            id,
            division,
            location_id,
            mode,
            capability,
            allowed,
            valid_from,
            valid_to,
            source,
            version: 1,
        })?)
    }
}

/// Sets the policy of a place from a day on; one that is there is replaced when it is in the version that was expected.
pub async fn set_policy(
    app: &App,
    call: &Call,
    new: &NewPolicy,
    expected_version: Option<i32>,
) -> Result<zone_policy::Model, Error> {
    use zone_policy::Column as C;
    call.may(Action::KeepTradeRules, Resource::OWN)?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let made = new.checked(ZonePolicyId::new(work.now))?;
    let place = made.location_id.map_or_else(|| C::LocationId.is_null(), |location| C::LocationId.eq(location));
    let before = zone_policy::Entity::find()
        .filter(C::Division.eq(&made.division))
        .filter(place)
        .filter(C::Mode.eq(made.mode))
        .filter(C::Capability.eq(made.capability))
        .filter(C::ValidFrom.eq(made.valid_from))
        .one(work.tx())
        .await?;
    let was = before.as_ref().map(|row| row.version);
    let version = rows::next_version(was, expected_version)?;
    let id = before.as_ref().map_or(made.id, |row| row.id);
    let row = zone_policy::Model { id, version, ..made };
    let active = row.clone().into_active_model();
    rows::put::<zone_policy::Entity>(work.tx(), active, (C::Id, id.into()), (C::Version, was)).await?;
    let old = before.as_ref().map_or(Value::Null, |row| json!(row));
    let chain = work.viewer().organisation();
    work.audit(chain, "setZonePolicy", encode(id).0, old, json!(row));
    work.outdates_answers();
    work.commit(row).await
}

/// Which policies.
#[derive(Clone, Copy, Debug, Default)]
#[expect(missing_docs, reason = "described in the schema")]
pub struct Filter {
    pub mode: Option<SupplyMode>,
    pub capability: Option<ZoneCapability>,
    pub on: Option<NaiveDate>,
}

/// Policies in the order of their making.
pub async fn list(
    db: &impl ConnectionTrait,
    filter: Filter,
    page: &PageArgs,
) -> Result<Page<zone_policy::Model>, Error> {
    let only = Condition::all()
        .add_option(filter.mode.map(|mode| zone_policy::Column::Mode.eq(mode)))
        .add_option(filter.capability.map(|capability| zone_policy::Column::Capability.eq(capability)))
        .add_option(filter.on.map(on));
    let list = zone_policy::Entity::find().filter(only);
    page.by_id(db, list, zone_policy::Column::Id, BY_AGE, Order::Asc).await
}

/// The cursor of a policy in that list.
pub fn cursor(row: &zone_policy::Model) -> Cursor {
    Cursor::of_id(BY_AGE, row.id)
}
