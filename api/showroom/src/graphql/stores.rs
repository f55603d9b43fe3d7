//! Showrooms, their teams and days.

use async_graphql::{ComplexObject, Context, ID, InputObject, Object, Result, SimpleObject};
use chrono::{DateTime, NaiveDate, Utc};
use entities::{
    party::Action,
    showroom::{DisplayState, ShowroomState, UnitClass, day, split_rule, store},
    values::id::{PersonId, ShowroomId},
};
use inventory::graphql::StockLocation;
use party::graphql::Organisation;
use platform::{
    clock::business_day,
    error::Error,
    graphql::{
        Connection, ContextExt,
        connection::{list_cost, times},
        decode, decode_all, encode,
    },
    page::PageArgs,
    payload,
};

use super::{
    displays::{Display, ShowroomGap},
    floor::{ShowroomZone, zones_of},
    planograms::Planogram,
    rounds::AuditRound,
};
use crate::{
    ops::{
        displays,
        floor::Floor,
        planograms, rounds, sees_inside,
        stores::{self as ops, NewStore, Patch},
    },
    sheet,
};

/// A store where goods are seen, scanned and ordered (体验店).
#[derive(Clone, Debug)]
pub struct Showroom(pub store::Model);

impl Showroom {
    async fn inside(&self, context: &Context<'_>) -> Result<bool, Error> {
        sees_inside(context.app().db().read(), context.viewer(), self.0.id).await
    }
}

/// A store where goods are seen, scanned and ordered (体验店).
#[Object]
impl Showroom {
    /// Opaque identifier.
    pub async fn id(&self) -> ID {
        encode(self.0.id)
    }

    /// Who runs it.
    async fn organisation(&self, context: &Context<'_>) -> Result<Option<Organisation>> {
        Ok(party::loaders::of(context).load_one(self.0.organisation_id).await?.map(Organisation))
    }

    /// Short code, unique within the organisation.
    async fn code(&self) -> &str {
        &self.0.code
    }

    /// What people call it.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// Where people find it.
    async fn address(&self) -> &str {
        &self.0.address
    }

    /// Code of its division (GB/T 2260), six digits.
    async fn division(&self) -> &str {
        &self.0.division
    }

    /// Whether it lies in a special zone of customs (综合保税区).
    async fn special_zone(&self) -> bool {
        self.0.special_zone
    }

    /// The number under which customs approved that bonded goods are picked up there (海关批准文号).
    async fn approval_no(&self) -> Option<&str> {
        self.0.approval_no.as_deref()
    }

    /// State.
    async fn state(&self) -> ShowroomState {
        self.0.state
    }

    /// Counts up with every change, that of its floor included; send it back as `expectedVersion`.
    async fn version(&self) -> i32 {
        self.0.version
    }

    /// Since when.
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }

    /// Who works there; inside only (门店人员).
    #[graphql(complexity = 10)]
    async fn team(&self, context: &Context<'_>) -> Result<Option<Vec<ID>>> {
        if !self.inside(context).await? {
            return Ok(None);
        }
        let people = ops::team_of(context.app().db().read(), self.0.id).await?;
        Ok(Some(people.into_iter().map(encode).collect()))
    }

    /// Where its pieces lie, by what they are by law; inside only (货位).
    #[graphql(complexity = "times(5, child_complexity)")]
    async fn places(&self, context: &Context<'_>) -> Result<Option<Vec<ShowroomPlace>>> {
        if !self.inside(context).await? {
            return Ok(None);
        }
        let rows = ops::places_of(context.app().db().read(), self.0.id).await?;
        Ok(Some(rows.into_iter().map(|row| ShowroomPlace { unit_class: row.class, of: row.location_id }).collect()))
    }

    /// Its floor, with what stands there; inside only (门店布局).
    #[graphql(complexity = "times(10, child_complexity)")]
    async fn zones(&self, context: &Context<'_>) -> Result<Option<Vec<ShowroomZone>>> {
        if !self.inside(context).await? {
            return Ok(None);
        }
        Ok(Some(zones_of(context.app().db().read(), self.0.id).await?))
    }

    /// The planogram in force; inside only (生效陈列图).
    #[graphql(complexity = "20 + child_complexity")]
    async fn planogram(&self, context: &Context<'_>) -> Result<Option<Planogram>> {
        if !self.inside(context).await? {
            return Ok(None);
        }
        Ok(planograms::in_force(context.app().db().read(), self.0.id).await?.map(Planogram))
    }

    /// Its planograms, newest first; inside only (陈列图列表).
    #[graphql(complexity = "list_cost(first, last, child_complexity)")]
    async fn planograms(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Size of the page, at most 100.")] first: Option<i32>,
        #[graphql(desc = "The page starts after this cursor.")] after: Option<String>,
        #[graphql(desc = "Size of a page that is read backwards.")] last: Option<i32>,
        #[graphql(desc = "The page ends before this cursor.")] before: Option<String>,
    ) -> Result<Connection<Planogram>> {
        let page = PageArgs::relay(first, after.as_deref(), last, before.as_deref())?;
        if !self.inside(context).await? {
            return Ok(Connection::empty());
        }
        let rows = planograms::list(context.app().db().read(), self.0.id, &page).await?;
        Ok(Connection::new(rows, None, |row| (planograms::cursor(&row), Planogram(row))))
    }

    /// What stands and stood there, newest first; inside only (陈列列表).
    #[graphql(complexity = "list_cost(first, last, child_complexity)")]
    async fn displays(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Only in this state.")] state: Option<DisplayState>,
        #[graphql(desc = "Size of the page, at most 100.")] first: Option<i32>,
        #[graphql(desc = "The page starts after this cursor.")] after: Option<String>,
        #[graphql(desc = "Size of a page that is read backwards.")] last: Option<i32>,
        #[graphql(desc = "The page ends before this cursor.")] before: Option<String>,
    ) -> Result<Connection<Display>> {
        let page = PageArgs::relay(first, after.as_deref(), last, before.as_deref())?;
        if !self.inside(context).await? {
            return Ok(Connection::empty());
        }
        let rows = displays::list(context.app().db().read(), self.0.id, state, &page).await?;
        Ok(Connection::new(rows, None, |row| (displays::cursor(&row), Display(row))))
    }

    /// Rounds of looking at it, newest first; inside only (巡检列表).
    #[graphql(complexity = "list_cost(first, last, child_complexity)")]
    async fn audit_rounds(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Size of the page, at most 100.")] first: Option<i32>,
        #[graphql(desc = "The page starts after this cursor.")] after: Option<String>,
        #[graphql(desc = "Size of a page that is read backwards.")] last: Option<i32>,
        #[graphql(desc = "The page ends before this cursor.")] before: Option<String>,
    ) -> Result<Connection<AuditRound>> {
        let page = PageArgs::relay(first, after.as_deref(), last, before.as_deref())?;
        if !self.inside(context).await? {
            return Ok(Connection::empty());
        }
        let rows = rounds::list(context.app().db().read(), self.0.id, &page).await?;
        Ok(Connection::new(rows, None, |row| (rounds::cursor(&row), AuditRound(row))))
    }

    /// All that is wrong with its floor now, by slot; inside only (陈列问题).
    #[graphql(complexity = "times(20, child_complexity)")]
    async fn gaps(&self, context: &Context<'_>) -> Result<Option<Vec<ShowroomGap>>> {
        if !self.inside(context).await? {
            return Ok(None);
        }
        let db = context.app().db().read();
        let gaps = displays::gaps_of(db, self.0.id, &displays::Look::now(context.app())).await?;
        let variants = gaps.iter().map(|gap| gap.variant).collect();
        let left = displays::to_fill_with(db, self.0.organisation_id, self.0.id, variants).await?;
        let shown = |gap: entities::showroom::Gap| ShowroomGap {
            kind: gap.kind,
            pieces: gap.pieces,
            to_fill_with: left.get(&gap.variant).copied().unwrap_or_default(),
            gap,
        };
        Ok(Some(gaps.into_iter().map(shown).collect()))
    }

    /// A day of it; none: today. Inside only (营业日).
    #[graphql(complexity = "20 + child_complexity")]
    async fn day(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which day, in Asia/Shanghai.")] date: Option<NaiveDate>,
    ) -> Result<Option<ShowroomDay>> {
        if !self.inside(context).await? {
            return Ok(None);
        }
        let date = date.unwrap_or_else(|| business_day(context.app().clock().now()));
        Ok(ops::day_of(context.app().db().read(), self.0.id, date).await?.map(ShowroomDay::from))
    }

    /// How what it brings about is split; none: nobody said so. Inside only (分佣规则).
    #[graphql(complexity = "20 + child_complexity")]
    async fn split_rule(&self, context: &Context<'_>) -> Result<Option<ShowroomSplitRule>> {
        if !self.inside(context).await? {
            return Ok(None);
        }
        Ok(ops::split_rule_of(context.app().db().read(), self.0.id).await?.map(ShowroomSplitRule::from))
    }

    /// The codes of its slots to print, as A4 pages of 18 labels; inside only (二维码打印页).
    #[graphql(complexity = 200)]
    async fn code_sheet(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Only of these fixtures, by their codes.")] fixtures: Option<Vec<String>>,
    ) -> Result<Option<CodeSheet>> {
        if !self.inside(context).await? {
            return Ok(None);
        }
        let floor = Floor::of(context.app().db().read(), self.0.id).await?;
        let link = context.app().config().showroom.link(&context.app().config().server.public_url);
        let labels = sheet::labels(&self.0, &floor, fixtures.as_deref(), &link)?;
        Ok(Some(CodeSheet { labels }))
    }
}

/// Where pieces of a class lie (货位).
#[derive(SimpleObject)]
#[graphql(complex)]
pub(super) struct ShowroomPlace {
    /// For pieces of this class.
    unit_class: UnitClass,
    #[graphql(skip)]
    of: entities::values::id::StockLocationId,
}

#[ComplexObject]
impl ShowroomPlace {
    /// Where they lie.
    async fn location(&self, context: &Context<'_>) -> Result<Option<StockLocation>> {
        Ok(inventory::loaders::of(context).load_one(self.of).await?.map(StockLocation))
    }
}

/// Codes to print (二维码打印页).
pub(super) struct CodeSheet {
    labels: Vec<sheet::Label>,
}

/// Codes to print (二维码打印页).
#[Object]
impl CodeSheet {
    /// How many labels there are.
    async fn labels(&self) -> i32 {
        i32::try_from(self.labels.len()).unwrap_or(i32::MAX)
    }

    /// The pages as SVG documents.
    #[graphql(complexity = 200)]
    async fn svg(&self) -> Vec<String> {
        sheet::svg(&self.labels)
    }

    /// All pages as one PDF document, in base64.
    #[graphql(complexity = 200)]
    async fn pdf(&self) -> String {
        sheet::pdf(&self.labels)
    }
}

/// A day of a showroom (营业日).
#[derive(SimpleObject)]
pub(crate) struct ShowroomDay {
    /// Which day, in Asia/Shanghai.
    date: NaiveDate,
    /// Who opened it.
    opened_by: String,
    /// When.
    opened_at: DateTime<Utc>,
    /// Who closed it.
    closed_by: Option<String>,
    /// When.
    closed_at: Option<DateTime<Utc>>,
}

impl From<day::Model> for ShowroomDay {
    fn from(row: day::Model) -> Self {
        let day::Model { date, opened_by, opened_at, closed_by, closed_at, .. } = row;
        Self { date, opened_by, opened_at, closed_by, closed_at }
    }
}

/// How what a showroom brings about is split (分佣规则).
#[derive(SimpleObject)]
pub(crate) struct ShowroomSplitRule {
    /// Which rule; send it back as `expectedVersion`.
    version: i32,
    /// What of the goods is the showroom's, in parts per million; the seller has the rest.
    showroom_ppm: i32,
    /// What of that is for who served, in parts per million.
    staff_ppm: i32,
    /// When it was set.
    set_at: DateTime<Utc>,
}

impl From<split_rule::Model> for ShowroomSplitRule {
    fn from(row: split_rule::Model) -> Self {
        let split_rule::Model { version, showroom_ppm, staff_ppm, set_at, .. } = row;
        Self { version, showroom_ppm, staff_ppm, set_at }
    }
}

/// A new showroom (开店).
#[derive(InputObject)]
pub(super) struct OpenShowroomInput {
    /// Short code, unique within the organisation: letters, digits and `-`.
    code: String,
    /// What people call it.
    name: String,
    /// Where people find it.
    address: String,
    /// Code of its division (GB/T 2260), six digits.
    division: String,
    /// Whether it lies in a special zone of customs; by default it does not.
    special_zone: Option<bool>,
    /// The number under which customs approved that bonded goods are picked up there.
    approval_no: Option<String>,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// What of a showroom is changed; what is left out stays (修改门店).
#[derive(InputObject)]
pub(super) struct ChangeShowroomInput {
    /// Which.
    id: ID,
    /// The version that was read.
    expected_version: Option<i32>,
    /// What people call it.
    name: Option<String>,
    /// Where people find it.
    address: Option<String>,
    /// Whether it lies in a special zone of customs.
    special_zone: Option<bool>,
    /// The number under which customs approved that bonded goods are picked up there; empty: it did not.
    approval_no: Option<String>,
    /// The bonded warehouse of the organisation that lies behind it.
    bonded_warehouse_id: Option<ID>,
    /// Whether it is closed for good; nothing may stand in it any more.
    close: Option<bool>,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// Who works in a showroom (设置门店人员).
#[derive(InputObject)]
pub(super) struct SetShowroomTeamInput {
    /// Which showroom.
    id: ID,
    /// All of its team, at most 200: members who are managers or staff of showrooms.
    person_ids: Vec<ID>,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// How what a showroom brings about is split from now on (设置分佣规则).
#[derive(InputObject)]
pub(super) struct SetShowroomSplitInput {
    /// Which showroom.
    id: ID,
    /// What of the goods is the showroom's, in parts per million, at most half; the seller has the rest.
    showroom_ppm: i32,
    /// What of that is for who served, in parts per million.
    staff_ppm: i32,
    /// The version of the rule that was read; 0: there was none.
    expected_version: i32,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// A day that is opened (开门营业).
#[derive(InputObject)]
pub(super) struct OpenShowroomDayInput {
    /// Of which showroom.
    id: ID,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// A day that is closed (关门结束).
#[derive(InputObject)]
pub(super) struct CloseShowroomDayInput {
    /// Of which showroom.
    id: ID,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

payload! {
    /// The answer to `openShowroom`.
    OpenShowroomPayload { /// The showroom.
        showroom: Showroom }
    /// The answer to `changeShowroom`.
    ChangeShowroomPayload { /// The showroom.
        showroom: Showroom }
    /// The answer to `setShowroomTeam`.
    SetShowroomTeamPayload { /// The showroom.
        showroom: Showroom }
    /// The answer to `setShowroomSplit`.
    SetShowroomSplitPayload { /// The rule.
        split_rule: ShowroomSplitRule }
    /// The answer to `openShowroomDay`.
    OpenShowroomDayPayload { /// The day.
        day: ShowroomDay }
    /// The answer to `closeShowroomDay`.
    CloseShowroomDayPayload { /// The day.
        day: ShowroomDay }
}

/// Queries about showrooms.
#[derive(Default)]
pub(crate) struct StoreQuery;

#[Object]
impl StoreQuery {
    /// Showrooms that are open, and those of one's organisation, oldest first (体验店列表).
    #[graphql(complexity = "list_cost(first, last, child_complexity)")]
    #[expect(clippy::too_many_arguments, reason = "the arguments of the field")]
    async fn showrooms(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Only those whose division begins so: two, four or six digits (GB/T 2260).")] near: Option<
            String,
        >,
        #[graphql(desc = "Only of this organisation.")] organisation_id: Option<ID>,
        #[graphql(desc = "Size of the page, at most 100.")] first: Option<i32>,
        #[graphql(desc = "The page starts after this cursor.")] after: Option<String>,
        #[graphql(desc = "Size of a page that is read backwards.")] last: Option<i32>,
        #[graphql(desc = "The page ends before this cursor.")] before: Option<String>,
    ) -> Result<Connection<Showroom>> {
        context.may(Action::ReadPublic)?;
        let page = PageArgs::relay(first, after.as_deref(), last, before.as_deref())?;
        let of = organisation_id.map(|id| decode(&id, "organisationId")).transpose()?;
        let rows = ops::list(context.app().db().read(), context.viewer(), near.as_deref(), of, &page).await?;
        Ok(Connection::new(rows, None, |row| (ops::cursor(&row), Showroom(row))))
    }

    /// A showroom; null when there is none or it may not be seen (体验店).
    async fn showroom(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Opaque identifier.")] id: ID,
    ) -> Result<Option<Showroom>> {
        context.may(Action::ReadPublic)?;
        let Ok(id) = decode::<ShowroomId>(&id, "id") else { return Ok(None) };
        Ok(ops::find(context.app().db().read(), context.viewer(), id).await?.map(Showroom))
    }
}

/// Mutations of showrooms.
#[derive(Default)]
pub(crate) struct StoreMutation;

#[Object]
impl StoreMutation {
    /// Opens a showroom of the organisation acted for, with a place for pieces of each class (开店).
    async fn open_showroom(&self, context: &Context<'_>, input: OpenShowroomInput) -> Result<OpenShowroomPayload> {
        let call = context.call(Action::OpenShowrooms)?;
        let new = NewStore {
            code: input.code,
            name: input.name,
            address: input.address,
            division: input.division,
            special_zone: input.special_zone.unwrap_or_default(),
            approval_no: input.approval_no,
        };
        let result = ops::open(context.app(), &call, &new).await;
        OpenShowroomPayload::new(context, input.client_mutation_id, result.map(Showroom))
    }

    /// Changes a showroom, or closes it for good (修改门店).
    async fn change_showroom(
        &self,
        context: &Context<'_>,
        input: ChangeShowroomInput,
    ) -> Result<ChangeShowroomPayload> {
        let call = context.call(Action::OpenShowrooms)?;
        let result = async {
            let warehouse = input.bonded_warehouse_id.map(|id| decode(&id, "bondedWarehouseId")).transpose()?;
            let patch = Patch {
                name: input.name,
                address: input.address,
                special_zone: input.special_zone,
                approval_no: input.approval_no,
                bonded_warehouse: warehouse,
                close: input.close.unwrap_or_default(),
            };
            ops::change(context.app(), &call, decode(&input.id, "id")?, input.expected_version, &patch).await
        };
        ChangeShowroomPayload::new(context, input.client_mutation_id, result.await.map(Showroom))
    }

    /// Says who works in a showroom, all of them (设置门店人员).
    async fn set_showroom_team(
        &self,
        context: &Context<'_>,
        input: SetShowroomTeamInput,
    ) -> Result<SetShowroomTeamPayload> {
        let call = context.call(Action::KeepShowrooms)?;
        let result = async {
            let people: Vec<PersonId> = decode_all(&input.person_ids, "personIds")?;
            ops::set_team(context.app(), &call, decode(&input.id, "id")?, &people).await
        };
        SetShowroomTeamPayload::new(context, input.client_mutation_id, result.await.map(Showroom))
    }

    /// Says how what a showroom brings about is split from now on; what was paid before stays as it was (设置分佣规则).
    async fn set_showroom_split(
        &self,
        context: &Context<'_>,
        input: SetShowroomSplitInput,
    ) -> Result<SetShowroomSplitPayload> {
        let call = context.call(Action::SetCommission)?;
        let result = async {
            let split = (input.showroom_ppm, input.staff_ppm);
            ops::set_split_rule(context.app(), &call, decode(&input.id, "id")?, split, input.expected_version).await
        };
        SetShowroomSplitPayload::new(context, input.client_mutation_id, result.await.map(ShowroomSplitRule::from))
    }

    /// Opens the day of a showroom; opened already, it stays as it is (开门营业).
    async fn open_showroom_day(
        &self,
        context: &Context<'_>,
        input: OpenShowroomDayInput,
    ) -> Result<OpenShowroomDayPayload> {
        let call = context.call(Action::WorkShowrooms)?;
        let result = async { ops::open_day(context.app(), &call, decode(&input.id, "id")?).await };
        OpenShowroomDayPayload::new(context, input.client_mutation_id, result.await.map(ShowroomDay::from))
    }

    /// Closes the day of a showroom, once (关门结束).
    async fn close_showroom_day(
        &self,
        context: &Context<'_>,
        input: CloseShowroomDayInput,
    ) -> Result<CloseShowroomDayPayload> {
        let call = context.call(Action::WorkShowrooms)?;
        let result = async { ops::close_day(context.app(), &call, decode(&input.id, "id")?).await };
        CloseShowroomDayPayload::new(context, input.client_mutation_id, result.await.map(ShowroomDay::from))
    }
}
