//! Visits by appointment in the schema. The team sees a code and how many come; who it is, and what they left, the
//! person alone sees.

use async_graphql::{Context, ID, InputObject, Object, Result};
use chrono::{DateTime, Utc};
use entities::{
    party::Action,
    showroom::{
        appointment::{self, AppointmentState, Decision},
        visit_slot::{self, Planned, VisitSlotState},
    },
    values::id::ShowroomId,
};
use platform::{
    error::Error,
    graphql::{Connection, ContextExt, bounded, connection::list_cost, decode, encode},
    page::PageArgs,
    payload,
};

use crate::ops::{
    appointments::{self as ops, Booking, Wishes},
    visit_slots::{self as slots, MOST_SLOTS},
    visits::{self as lists, Filter},
};

/// When people may come to a showroom by appointment (预约时段).
#[derive(Clone, Debug)]
pub struct VisitSlot(pub visit_slot::Model);

/// When people may come to a showroom by appointment (预约时段).
#[Object]
impl VisitSlot {
    /// Opaque identifier.
    pub async fn id(&self) -> ID {
        encode(self.0.id)
    }

    /// In which showroom.
    async fn showroom_id(&self) -> ID {
        encode(self.0.showroom_id)
    }

    /// From when (开始时间).
    async fn starts_at(&self) -> DateTime<Utc> {
        self.0.starts_at
    }

    /// Until when (结束时间).
    async fn ends_at(&self) -> DateTime<Utc> {
        self.0.ends_at
    }

    /// How many parties may come (容量).
    async fn capacity(&self) -> i32 {
        self.0.capacity
    }

    /// How many places are left (剩余名额).
    async fn places_left(&self) -> i32 {
        (self.0.capacity - self.0.booked).max(0)
    }

    /// Whether who books is confirmed at once (自动确认).
    async fn auto_confirm(&self) -> bool {
        self.0.auto_confirm
    }

    /// State (状态).
    async fn state(&self) -> VisitSlotState {
        self.0.state
    }

    /// By which name who receives visitors goes; null: whoever is there (接待人).
    async fn host_name(&self, context: &Context<'_>) -> Result<Option<String>> {
        let Some(host) = self.0.host_id else { return Ok(None) };
        Ok(party::loaders::of(context).load_one(host).await?.map(|person| person.display_name))
    }
}

/// A place that somebody asked for in a slot of visits (预约).
#[derive(Clone, Debug)]
pub struct Appointment(pub appointment::Model);

impl Appointment {
    fn left(&self, context: &Context<'_>) -> Result<Wishes, Error> {
        ops::wishes(context.app(), context.viewer().person(), &self.0)
    }
}

/// A place that somebody asked for in a slot of visits (预约).
#[Object]
impl Appointment {
    /// Opaque identifier.
    pub async fn id(&self) -> ID {
        encode(self.0.id)
    }

    /// In which showroom.
    async fn showroom_id(&self) -> ID {
        encode(self.0.showroom_id)
    }

    /// Of which slot.
    async fn slot_id(&self) -> ID {
        encode(self.0.slot_id)
    }

    /// What is shown at the door, six characters (预约码).
    async fn code(&self) -> &str {
        &self.0.code
    }

    /// How many come (人数).
    async fn party_size(&self) -> i32 {
        self.0.party_size
    }

    /// State (状态).
    async fn state(&self) -> AppointmentState {
        self.0.state
    }

    /// From when (开始时间).
    async fn starts_at(&self) -> DateTime<Utc> {
        self.0.starts_at
    }

    /// Until when (结束时间).
    async fn ends_at(&self) -> DateTime<Utc> {
        self.0.ends_at
    }

    /// The appointment in whose place it came (原预约).
    async fn follows_id(&self) -> Option<ID> {
        self.0.follows_id.map(encode)
    }

    /// Whether the showroom called it off (是否由门店取消).
    async fn cancelled_by_showroom(&self) -> bool {
        self.0.by_showroom
    }

    /// Since when (预约时间).
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }

    /// When the showroom agreed (确认时间).
    async fn confirmed_at(&self) -> Option<DateTime<Utc>> {
        self.0.confirmed_at
    }

    /// When it was over (结束处理时间).
    async fn ended_at(&self) -> Option<DateTime<Utc>> {
        self.0.ended_at
    }

    /// What was left to be reached by; for the person alone (联系方式).
    async fn contact(&self, context: &Context<'_>) -> Result<Option<String>> {
        Ok(self.left(context)?.contact)
    }

    /// What was left as a note; for the person alone (备注).
    async fn note(&self, context: &Context<'_>) -> Result<Option<String>> {
        Ok(self.left(context)?.note)
    }
}

/// A slot that is to be opened (新增时段).
#[derive(InputObject)]
pub(crate) struct VisitSlotInput {
    /// Who of the team receives visitors, in one slot at a time; none: whoever is there.
    host_id: Option<ID>,
    /// From when; a quarter of an hour begins then.
    starts_at: DateTime<Utc>,
    /// Until when; a quarter of an hour begins then.
    ends_at: DateTime<Utc>,
    /// How many parties may come; one, when there is a host.
    #[graphql(default = 1)]
    capacity: i32,
    /// Whether who books is confirmed at once.
    #[graphql(default = true)]
    auto_confirm: bool,
}

/// Slots that are to be opened (开放时段).
#[derive(InputObject)]
pub(crate) struct OpenVisitSlotsInput {
    /// In which showroom.
    showroom_id: ID,
    /// The slots, at most 100; all of them or, when one is refused, none.
    slots: Vec<VisitSlotInput>,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// A slot that is called off (关闭时段).
#[derive(InputObject)]
pub(crate) struct CloseVisitSlotInput {
    /// Which.
    id: ID,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// A place that is booked (预约到店).
#[derive(InputObject)]
pub(crate) struct BookAppointmentInput {
    /// Of which slot.
    slot_id: ID,
    /// How many come.
    #[graphql(default = 1)]
    party_size: i32,
    /// How to be reached; kept sealed, for oneself alone.
    #[graphql(secret)]
    contact: Option<String>,
    /// What one would like; kept sealed, for oneself alone.
    #[graphql(secret)]
    note: Option<String>,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// An appointment that is called off (取消预约).
#[derive(InputObject)]
pub(crate) struct CancelAppointmentInput {
    /// Which.
    id: ID,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// Another slot in place of the one that was booked (改期).
#[derive(InputObject)]
pub(crate) struct RescheduleAppointmentInput {
    /// Which appointment.
    id: ID,
    /// Which slot of the same showroom.
    slot_id: ID,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// What the showroom says to who asked (处理预约).
#[derive(InputObject)]
pub(crate) struct DecideAppointmentInput {
    /// Which.
    id: ID,
    /// What.
    decision: Decision,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

payload! {
    /// The answer to `openVisitSlots`.
    OpenVisitSlotsPayload { /// The slots, in their order.
        slots: Vec<VisitSlot> }
    /// The answer to `closeVisitSlot`.
    CloseVisitSlotPayload { /// The slot.
        slot: VisitSlot }
    /// The answer to `bookAppointment`.
    BookAppointmentPayload { /// The appointment.
        appointment: Appointment }
    /// The answer to `cancelAppointment`.
    CancelAppointmentPayload { /// The appointment.
        appointment: Appointment }
    /// The answer to `rescheduleAppointment`.
    RescheduleAppointmentPayload { /// The appointment that came in place of the other.
        appointment: Appointment }
    /// The answer to `decideAppointment`.
    DecideAppointmentPayload { /// The appointment.
        appointment: Appointment }
}

/// Queries about slots of visits and appointments.
#[derive(Default)]
pub struct AppointmentQuery;

#[Object]
impl AppointmentQuery {
    /// Slots of a showroom that can still be booked, first first; also those that are full (可预约时段).
    #[graphql(complexity = "list_cost(first, last, child_complexity)")]
    #[expect(clippy::too_many_arguments, reason = "the arguments of a Relay connection")]
    async fn visit_slots(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Of which showroom.")] showroom_id: ID,
        #[graphql(desc = "Only those that begin then or later.")] from: Option<DateTime<Utc>>,
        #[graphql(desc = "Only those that begin before.")] to: Option<DateTime<Utc>>,
        #[graphql(desc = "Size of the page, at most 100.")] first: Option<i32>,
        #[graphql(desc = "The page starts after this cursor.")] after: Option<String>,
        #[graphql(desc = "Size of a page that is read backwards.")] last: Option<i32>,
        #[graphql(desc = "The page ends before this cursor.")] before: Option<String>,
    ) -> Result<Connection<VisitSlot>> {
        context.may(Action::ReadPublic)?;
        let page = PageArgs::relay(first, after.as_deref(), last, before.as_deref())?;
        let Ok(showroom) = decode::<ShowroomId>(&showroom_id, "showroomId") else { return Ok(Connection::empty()) };
        let app = context.app();
        let rows = lists::list_slots(app.db().read(), showroom, (from, to), app.clock().now(), &page).await?;
        Ok(Connection::new(rows, None, |row| (lists::slot_cursor(&row), VisitSlot(row))))
    }

    /// Appointments of a showroom for its team, in the order of their times (门店预约列表).
    #[graphql(complexity = "list_cost(first, last, child_complexity)")]
    #[expect(clippy::too_many_arguments, reason = "the arguments of a Relay connection")]
    async fn appointments(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Of which showroom.")] showroom_id: ID,
        #[graphql(desc = "Only in one of these states.")] states: Option<Vec<AppointmentState>>,
        #[graphql(desc = "Only those that begin then or later.")] from: Option<DateTime<Utc>>,
        #[graphql(desc = "Only those that begin before.")] to: Option<DateTime<Utc>>,
        #[graphql(desc = "Size of the page, at most 100.")] first: Option<i32>,
        #[graphql(desc = "The page starts after this cursor.")] after: Option<String>,
        #[graphql(desc = "Size of a page that is read backwards.")] last: Option<i32>,
        #[graphql(desc = "The page ends before this cursor.")] before: Option<String>,
    ) -> Result<Connection<Appointment>> {
        context.may(Action::ReadShowrooms)?;
        let page = PageArgs::relay(first, after.as_deref(), last, before.as_deref())?;
        let filter = Filter { states: bounded(states.unwrap_or_default())?, between: (from, to) };
        let Ok(showroom) = decode(&showroom_id, "showroomId") else { return Ok(Connection::empty()) };
        let rows = lists::list(context.app().db().read(), context.viewer(), showroom, &filter, &page).await?;
        let Some(rows) = rows else { return Ok(Connection::empty()) };
        Ok(Connection::new(rows, None, |row| (lists::cursor(&row), Appointment(row))))
    }

    /// One's own appointments, newest first (我的预约).
    #[graphql(complexity = "list_cost(first, last, child_complexity)")]
    async fn my_appointments(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Size of the page, at most 100.")] first: Option<i32>,
        #[graphql(desc = "The page starts after this cursor.")] after: Option<String>,
        #[graphql(desc = "Size of a page that is read backwards.")] last: Option<i32>,
        #[graphql(desc = "The page ends before this cursor.")] before: Option<String>,
    ) -> Result<Connection<Appointment>> {
        context.may(Action::BookVisits)?;
        let page = PageArgs::relay(first, after.as_deref(), last, before.as_deref())?;
        let Some(person) = context.viewer().person() else { return Ok(Connection::empty()) };
        let rows = lists::list_own(context.app().db().read(), person, &page).await?;
        Ok(Connection::new(rows, None, |row| (lists::own_cursor(&row), Appointment(row))))
    }
}

fn planned(slots: Vec<VisitSlotInput>) -> Result<Vec<Planned>, Error> {
    let slot = |(n, slot): (usize, VisitSlotInput)| {
        let host = slot.host_id.map(|id| decode(&id, "hostId")).transpose();
        let host = host.map_err(|error| match error {
            Error::Refused(all) => Error::Refused(all.into_iter().map(|r| r.at(n.to_string()).at("slots")).collect()),
            other => other,
        })?;
        Ok(Planned {
            host,
            starts_at: slot.starts_at,
            ends_at: slot.ends_at,
            capacity: slot.capacity,
            auto_confirm: slot.auto_confirm,
        })
    };
    // One more than may be: the operation says that it is too many.
    slots.into_iter().take(MOST_SLOTS + 1).enumerate().map(slot).collect()
}

/// Mutations of slots of visits and appointments.
#[derive(Default)]
pub struct AppointmentMutation;

#[Object]
impl AppointmentMutation {
    /// Opens slots of visits; nobody receives visitors in two of them at once (开放预约时段).
    async fn open_visit_slots(
        &self,
        context: &Context<'_>,
        input: OpenVisitSlotsInput,
    ) -> Result<OpenVisitSlotsPayload> {
        let call = context.call(Action::KeepShowrooms)?;
        let result = async {
            let showroom = decode(&input.showroom_id, "showroomId")?;
            let made = slots::open_slots(context.app(), &call, showroom, &planned(input.slots)?).await?;
            Ok::<_, Error>(made.into_iter().map(VisitSlot).collect::<Vec<_>>())
        };
        OpenVisitSlotsPayload::new(context, input.client_mutation_id, result.await)
    }

    /// Calls a slot off that has not begun, with all that was booked of it (关闭预约时段).
    async fn close_visit_slot(
        &self,
        context: &Context<'_>,
        input: CloseVisitSlotInput,
    ) -> Result<CloseVisitSlotPayload> {
        let call = context.call(Action::KeepShowrooms)?;
        let result = async { slots::close_slot(context.app(), &call, decode(&input.id, "id")?).await };
        CloseVisitSlotPayload::new(context, input.client_mutation_id, result.await.map(VisitSlot))
    }

    /// Books a place for oneself (预约到店).
    async fn book_appointment(
        &self,
        context: &Context<'_>,
        input: BookAppointmentInput,
    ) -> Result<BookAppointmentPayload> {
        let call = context.call(Action::BookVisits)?;
        let result = async {
            let slot = decode(&input.slot_id, "slotId")?;
            let wishes = Wishes { contact: input.contact, note: input.note };
            ops::book(context.app(), &call, &Booking { slot, party_size: input.party_size, wishes }).await
        };
        BookAppointmentPayload::new(context, input.client_mutation_id, result.await.map(Appointment))
    }

    /// Calls one's own appointment off (取消预约).
    async fn cancel_appointment(
        &self,
        context: &Context<'_>,
        input: CancelAppointmentInput,
    ) -> Result<CancelAppointmentPayload> {
        let call = context.call(Action::BookVisits)?;
        let result = async { ops::cancel(context.app(), &call, decode(&input.id, "id")?).await };
        CancelAppointmentPayload::new(context, input.client_mutation_id, result.await.map(Appointment))
    }

    /// Takes another slot in place of the one that was booked; when it is full, that one is kept (预约改期).
    async fn reschedule_appointment(
        &self,
        context: &Context<'_>,
        input: RescheduleAppointmentInput,
    ) -> Result<RescheduleAppointmentPayload> {
        let call = context.call(Action::BookVisits)?;
        let result = async {
            let (id, slot) = (decode(&input.id, "id")?, decode(&input.slot_id, "slotId")?);
            ops::reschedule(context.app(), &call, id, slot).await
        };
        RescheduleAppointmentPayload::new(context, input.client_mutation_id, result.await.map(Appointment))
    }

    /// Says to who asked whether they may come (处理预约).
    async fn decide_appointment(
        &self,
        context: &Context<'_>,
        input: DecideAppointmentInput,
    ) -> Result<DecideAppointmentPayload> {
        let call = context.call(Action::WorkShowrooms)?;
        let result = async { ops::decide(context.app(), &call, decode(&input.id, "id")?, input.decision).await };
        DecideAppointmentPayload::new(context, input.client_mutation_id, result.await.map(Appointment))
    }
}
