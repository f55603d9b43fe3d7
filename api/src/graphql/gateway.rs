//! The way in for every transport.
//!
//! [`Gateway::prepare`] reads the document and holds it against its budget before anything is validated.
//! [`Gateway::execute`] and [`Gateway::stream`] ask whether this caller may ask that much, wait for a seat, give the
//! request its viewer, language and loaders, run it within its time, and make sure that what comes out names no cause
//! of an accident.

use std::{any::TypeId, sync::Arc, time::Duration};

use async_graphql::{
    Data, ErrorExtensionValues, Request, Response, ServerError, ValidationMode, Value, Variables,
    parser::types::{ExecutableDocument, Field, OperationType},
};
use entities::values::Locale;
use futures_util::{
    future::BoxFuture,
    stream::{self, BoxStream, StreamExt},
};
use platform::{
    abandoned::stopped_when_abandoned,
    app::App,
    auth::{Caller, Proof},
    config::Introspection,
    error::Error,
    graphql::{Batches, context::Origin},
    limits::{Class, of_address},
    responses::Reads,
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, Interval, MissedTickBehavior, interval_at},
};

use super::{
    ChamaSchema, budget, cost,
    events::{OnlyValidate, PerEvent, Streaming},
    order::Order,
    persisted::{Persisted, Plan},
    roots, scan,
    seats::Seats,
    variables,
};

/// How often it is asked whether the token of an open subscription is still good, when nothing happens in it.
const LOOKS_EVERY: Duration = Duration::from_secs(30);
/// When whoever finds everything taken may come again, in seconds.
const COME_AGAIN: u64 = 1;

/// What a request is, from its document.
#[derive(Clone, Debug, Default)]
pub struct Operation {
    /// Its name, when it has one.
    pub name: Option<String>,
    kind: Kind,
    /// Whether it only registers, signs in or refreshes: then a token that is not good (any more) is not looked at.
    pub signs_in: bool,
    /// What it costs at most.
    pub cost: u64,
    /// How many of its root fields sign in, and how many search by words.
    sign_ins: u32,
    searches: u32,
    introspects: bool,
    /// Whether it only reads what everyone may read, so that its answer may be kept.
    pub public: bool,
    /// The document as it was persisted, when it was.
    pub plan: Option<Arc<Plan>>,
    /// The order of the response's fields.
    order: Arc<Order>,
    /// The document without what is filled by variables that were left out, when there is such a thing.
    trimmed: Option<Arc<ExecutableDocument>>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Kind {
    /// Also what cannot be told apart: validation refuses it.
    #[default]
    Query,
    Mutation,
    Subscription,
}

impl Operation {
    /// Whether it changes something.
    pub fn changes(&self) -> bool {
        self.kind == Kind::Mutation
    }

    /// Whether it is a subscription, which has more than one answer: for [`Gateway::stream`].
    pub fn subscribes(&self) -> bool {
        self.kind == Kind::Subscription
    }

    /// What it is called in the log.
    pub fn kind(&self) -> &'static str {
        match self.kind {
            Kind::Query => "query",
            Kind::Mutation => "mutation",
            Kind::Subscription => "subscription",
        }
    }
}

/// The way in.
#[derive(Clone)]
pub struct Gateway {
    schema: ChamaSchema,
    /// The same schema for documents that were found valid before: the rules that look at the document alone are left
    /// out.
    known: ChamaSchema,
    /// The same schema with the hook of [`super::events`].
    events: ChamaSchema,
    app: App,
    seats: Arc<Seats>,
    streams: Arc<Semaphore>,
    persisted: Arc<Persisted>,
}

impl std::fmt::Debug for Gateway {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Gateway")
    }
}

impl Gateway {
    /// The way into `app`.
    pub fn new(app: App) -> Self {
        let config = app.config();
        let dearest = config.budget.anonymous.max(config.budget.signed_in);
        Self {
            schema: super::builder(dearest).finish(),
            known: super::builder(dearest).validation_mode(ValidationMode::Fast).finish(),
            events: super::builder(dearest).extension(PerEvent).finish(),
            persisted: Arc::new(Persisted::new(app.shared().cloned())),
            seats: Arc::new(Seats::new(config.server.operations, config.server.queue)),
            streams: Arc::new(Semaphore::new(config.server.subscriptions)),
            app,
        }
    }

    /// The application behind it.
    pub fn app(&self) -> &App {
        &self.app
    }

    /// Who a proof shows, now.
    pub async fn caller(&self, proof: &Proof) -> Result<Caller, Error> {
        self.app.gate().shown(self.app.db(), proof, self.app.clock().now()).await
    }

    /// Counts a request whose token was not good: whoever tries tokens is held up like anyone else.
    pub async fn mistaken(&self, proof: &Proof) -> Result<(), Box<Response>> {
        let taken = self.app.limits().take(Class::Everything, &of_address(proof.address), 1).await;
        taken.map_err(too_often)
    }

    /// Reads the document, or finds it by its hash when it is persisted, and holds it against its budget. The refusal
    /// is a whole response.
    pub async fn opened(&self, request: &mut Request) -> Result<Operation, Box<Response>> {
        let plan = self.persisted.resolve(request).await?;
        let mut operation = Self::prepare(request)?;
        operation.plan = match plan {
            Some(plan) => Some(plan),
            None => self.persisted.remember(request, operation.changes()).await,
        };
        Ok(operation)
    }

    /// Reads the document and holds it against its budget. The refusal is a whole response.
    pub fn prepare(request: &mut Request) -> Result<Operation, Box<Response>> {
        scan::check(&request.query).map_err(over_budget)?;
        let variables = std::mem::take(&mut request.variables);
        let read = Self::read(request, &variables);
        request.variables = variables;
        read
    }

    fn read(request: &mut Request, variables: &Variables) -> Result<Operation, Box<Response>> {
        let wanted = request.operation_name.clone();
        let document = request.parsed_query().map_err(|error| refusal(library_code(&error.message), error))?;
        budget::check(document).map_err(over_budget)?;
        let mut operations = document.operations.iter();
        let chosen = match &wanted {
            Some(wanted) => operations.find(|(name, _)| name.is_some_and(|name| name == wanted)),
            None => operations.next().filter(|_| operations.next().is_none()),
        };
        // Which one is meant cannot be told: validation says so.
        let Some((name, chosen)) = chosen else { return Ok(Operation::default()) };
        let chosen = &chosen.node;
        variables::check(chosen, variables).map_err(|error| refusal("BAD_INPUT", error))?;
        let cost = cost::of(document, chosen, variables).map_err(over_budget)?;
        let kind = match chosen.ty {
            OperationType::Query => Kind::Query,
            OperationType::Mutation => Kind::Mutation,
            OperationType::Subscription => Kind::Subscription,
        };
        if kind == Kind::Subscription && !roots::is_one_field(chosen) {
            let message = "a subscription has one field at its root, and it is no fragment";
            return Err(refusal("BAD_INPUT", ServerError::new(message, Some(chosen.selection_set.pos))));
        }
        let mutation = kind == Kind::Mutation;
        let roots = roots::of(document, chosen);
        let count = |is: &dyn Fn(&Field) -> bool| {
            let those = roots.iter().filter(|field| is(field));
            u32::try_from(those.count()).unwrap_or(u32::MAX)
        };
        Ok(Operation {
            // For the log: only a name that the document has, and not more of it than is read.
            name: name.map(|name| name.chars().take(64).collect()),
            kind,
            signs_in: mutation && roots::only_sign_in(chosen),
            cost: cost.plain,
            sign_ins: if mutation { count(&roots::signs_in) } else { 0 },
            searches: if mutation { 0 } else { count(&|field: &Field| roots::asks_by_words(field, variables)) },
            introspects: cost.introspects,
            public: kind == Kind::Query && !cost.introspects && roots.iter().all(|field| roots::is_public(field)),
            plan: None,
            order: Order::of(document, wanted.as_deref()).into(),
            trimmed: variables::trimmed(document, chosen, variables).map(Arc::new),
        })
    }

    /// Carries out a prepared query or mutation for `caller`. Boxed, so that the schema is compiled here and not by
    /// every crate that asks it something.
    pub fn execute<'a>(
        &'a self,
        request: Request,
        operation: &'a Operation,
        caller: Caller,
        locale: Locale,
    ) -> BoxFuture<'a, Response> {
        Box::pin(self.carry_out(request, operation, caller, locale))
    }

    async fn carry_out(&self, mut request: Request, operation: &Operation, caller: Caller, locale: Locale) -> Response {
        if let Err(refused) = self.admit(operation, &caller).await {
            return *refused;
        }
        let Some(_seat) = self.seats.take().await else { return *overloaded() };
        let mut response = if let Err(refused) = Box::pin(self.left_out(&mut request, operation)).await {
            *refused
        } else {
            let batches = self.equip(&mut request.data, caller, locale, !operation.changes());
            let known = operation.plan.as_ref().filter(|_| operation.trimmed.is_none());
            let schema = if known.is_some_and(|plan| plan.is_valid()) { &self.known } else { &self.schema };
            let response = Box::pin(self.timed(&batches, schema.execute(request))).await;
            if let Some(plan) = known.filter(|_| response.errors.is_empty()) {
                plan.was_valid();
            }
            response
        };
        finish(&mut response, operation);
        response
    }

    /// Opens a prepared subscription for `caller`: its events, each a whole response. It ends by itself when `proof` is
    /// not good any more, and when an event could not be carried out at all; then that is the last response.
    pub fn stream(
        &self,
        request: Request,
        operation: &Operation,
        proof: Proof,
        caller: Caller,
        locale: Locale,
    ) -> BoxStream<'static, Response> {
        let (gateway, operation) = (self.clone(), operation.clone());
        let opened = async move {
            match gateway.open(request, operation, proof, caller, locale).await {
                Ok(open) => stream::unfold(open, Open::next).boxed(),
                Err(refused) => stream::iter([*refused]).boxed(),
            }
        };
        stream::once(opened).flatten().boxed()
    }

    async fn open(
        self,
        mut request: Request,
        operation: Operation,
        proof: Proof,
        caller: Caller,
        locale: Locale,
    ) -> Result<Open, Box<Response>> {
        self.admit(&operation, &caller).await?;
        let place = self.streams.clone().try_acquire_owned().map_err(|_| overloaded())?;
        self.left_out(&mut request, &operation).await?;
        // For the root field alone; see `super::events`.
        request.data.insert(self.app.clone());
        request.data.insert(Origin { session: caller.session, address: caller.address });
        request.data.insert(caller.viewer);
        request.data.insert(locale.clone());
        request.data.insert(proof.clone());
        request.data.insert(Streaming { gateway: self.clone(), proof: proof.clone(), locale });
        let events = self.events.execute_stream(request);
        let mut looks = interval_at(Instant::now() + LOOKS_EVERY, LOOKS_EVERY);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Ok(Open { gateway: self, operation, proof, events, looks, over: false, _place: place })
    }

    /// Whether this caller may ask this, now.
    async fn admit(&self, operation: &Operation, caller: &Caller) -> Result<(), Box<Response>> {
        let config = self.app.config();
        let signed_in = caller.viewer.signed_in();
        let address = of_address(caller.address);
        let who = if signed_in { caller.viewer.subject() } else { address.clone() };
        for (class, who, times) in [
            (Class::Everything, &who, 1),
            (Class::Search, &who, operation.searches),
            (Class::SignIn, &address, operation.sign_ins),
        ] {
            self.app.limits().take(class, who, times).await.map_err(too_often)?;
        }
        let most = if signed_in { config.budget.signed_in } else { config.budget.anonymous };
        if operation.cost > u64::from(most) {
            return Err(over_budget(format!("the operation costs {}, and may cost at most {most}", operation.cost)));
        }
        let shown = match config.server.introspection {
            Introspection::Open => true,
            Introspection::Staff => caller.viewer.oversees(),
            Introspection::Off => false,
        };
        if operation.introspects && !shown {
            return Err(refusal("FORBIDDEN", ServerError::new("the schema is not shown here", None)));
        }
        Ok(())
    }

    /// Takes out what was to be filled by variables that were left out. The document as it was sent has to be valid,
    /// so it is validated first.
    async fn left_out(&self, request: &mut Request, operation: &Operation) -> Result<(), Box<Response>> {
        let Some(trimmed) = &operation.trimmed else { return Ok(()) };
        let document = request.parsed_query().map_err(|error| refusal(library_code(&error.message), error))?.clone();
        let mut whole = Request::new("").variables(request.variables.clone()).data(OnlyValidate);
        whole.operation_name.clone_from(&request.operation_name);
        whole.set_parsed_query(document);
        let mut verdict = self.events.execute(whole).await;
        if !verdict.errors.is_empty() {
            finish(&mut verdict, operation);
            return Err(Box::new(verdict));
        }
        request.set_parsed_query(trimmed.as_ref().clone());
        Ok(())
    }

    pub(super) fn seats(&self) -> &Seats {
        &self.seats
    }

    /// Gives a request what resolvers ask their context for. Its loaders remember what they loaded when they may
    /// `remember`; a mutation reads what it has just written.
    pub(super) fn equip(&self, data: &mut Data, caller: Caller, locale: Locale, remember: bool) -> Batches {
        let Caller { viewer, session, address } = caller;
        let batches = Batches::default();
        let reads = reads_of(data);
        let catalog = catalog::loaders::loaders(&self.app, &viewer, &batches, &reads);
        data.insert(reads);
        catalog.enable_all_cache(remember);
        let party = party::loaders::loaders(&self.app, &batches);
        party.enable_all_cache(remember);
        let inventory = inventory::loaders::loaders(&self.app, &batches);
        inventory.enable_all_cache(remember);
        let customs = customs::loaders::loaders(&self.app, &viewer, &batches);
        customs.enable_all_cache(remember);
        let logistics = logistics::loaders::loaders(&self.app, &viewer, &batches);
        logistics.enable_all_cache(remember);
        let showroom = showroom::loaders::loaders(&self.app, &batches);
        showroom.enable_all_cache(remember);
        let ordering = ordering::loaders::loaders(&self.app, &viewer, &batches);
        ordering.enable_all_cache(remember);
        let procurement = procurement::loaders::loaders(&self.app, &viewer, &batches);
        procurement.enable_all_cache(remember);
        let finance = finance::loaders::loaders(&self.app, &viewer, &batches);
        finance.enable_all_cache(remember);
        let payments = payments::loaders::loaders(&self.app, &batches);
        payments.enable_all_cache(remember);
        let webhooks = webhooks::loaders::loaders(&self.app, &batches);
        webhooks.enable_all_cache(remember);
        data.insert(self.app.clone());
        data.insert(viewer);
        data.insert(Origin { session, address });
        data.insert(locale);
        data.insert(catalog);
        data.insert(party);
        data.insert(inventory);
        data.insert(customs);
        data.insert(logistics);
        data.insert(showroom);
        data.insert(ordering);
        data.insert(payments);
        data.insert(procurement);
        data.insert(finance);
        data.insert(webhooks);
        batches
    }

    /// Runs it within its time. When that is up, or nobody waits any more, what it asked of the database is stopped.
    pub(super) async fn timed(&self, batches: &Batches, work: impl Future<Output = Response>) -> Response {
        let limit = self.app.config().server.operation_timeout();
        match tokio::time::timeout(limit, stopped_when_abandoned(batches.run(work))).await {
            Ok(response) => response,
            Err(_) => *refusal("TIMEOUT", ServerError::new("it took too long and was stopped", None)),
        }
    }
}

/// What notes what an answer is made of: the transport's when it keeps answers.
fn reads_of(data: &Data) -> Reads {
    let reads = data.get(&TypeId::of::<Reads>()).and_then(|reads| reads.downcast_ref::<Reads>());
    reads.cloned().unwrap_or_default()
}

/// A subscription that is open.
struct Open {
    gateway: Gateway,
    operation: Operation,
    proof: Proof,
    events: BoxStream<'static, Response>,
    looks: Interval,
    over: bool,
    _place: OwnedSemaphorePermit,
}

impl Open {
    async fn next(mut self) -> Option<(Response, Self)> {
        if self.over {
            return None;
        }
        loop {
            tokio::select! {
                event = self.events.next() => {
                    let mut response = event?;
                    self.over = !executed(&response);
                    finish(&mut response, &self.operation);
                    return Some((response, self));
                }
                _ = self.looks.tick() => {
                    if let Err(Error::Unauthenticated) = self.gateway.caller(&self.proof).await {
                        self.over = true;
                        return Some((*unknown_caller(Error::Unauthenticated), self));
                    }
                }
            }
        }
    }
}

/// Whether anything of the operation was carried out; else the response has no `data`.
pub fn executed(response: &Response) -> bool {
    response.errors.is_empty()
        || response.data != Value::Null
        || response.errors.iter().any(|error| !error.path.is_empty())
}

/// The order of the fields, and a code for every error.
fn finish(response: &mut Response, operation: &Operation) {
    operation.order.apply(&mut response.data);
    for error in &mut response.errors {
        // What has no code was refused by the library: parsing, validation, limits.
        let extensions = error.extensions.get_or_insert_with(ErrorExtensionValues::default);
        if extensions.get("code").is_none() {
            extensions.set("code", library_code(&error.message));
        }
    }
}

/// The code of a refusal by the library, which has only texts: parsing, validation, its own limits.
fn library_code(message: &str) -> &'static str {
    let limits = ["Query is too", "Query is nested", "recursion limit", "The recursion depth", "The directive"];
    if limits.iter().any(|start| message.starts_with(start)) { "BUDGET_EXCEEDED" } else { "BAD_INPUT" }
}

/// A response that is nothing but one error.
pub fn refusal(code: &str, mut error: ServerError) -> Box<Response> {
    error.extensions.get_or_insert_with(ErrorExtensionValues::default).set("code", code);
    Box::new(Response::from_errors(vec![error]))
}

fn over_budget(message: String) -> Box<Response> {
    refusal("BUDGET_EXCEEDED", ServerError::new(message, None))
}

/// The refusal of who asks more often than it may.
fn too_often(wait: Duration) -> Box<Response> {
    let seconds = wait.as_secs().saturating_add(u64::from(wait.subsec_nanos() > 0)).max(1);
    let message = format!("you ask too often; come again in {seconds} s");
    come_again("RATE_LIMITED", message, seconds)
}

/// The refusal when everything is taken.
pub(super) fn overloaded() -> Box<Response> {
    come_again("UNAVAILABLE", "too many ask at the same time; come again in a moment".to_owned(), COME_AGAIN)
}

fn come_again(code: &str, message: String, seconds: u64) -> Box<Response> {
    let mut error = ServerError::new(message, None);
    let extensions = error.extensions.get_or_insert_with(ErrorExtensionValues::default);
    extensions.set("retryable", true);
    extensions.set("retryAfter", seconds);
    refusal(code, error)
}

/// The refusal when it cannot be said who asks: its token is not good, or nobody could look.
pub fn unknown_caller(error: Error) -> Box<Response> {
    if matches!(error, Error::Unauthenticated) {
        return refusal("UNAUTHENTICATED", ServerError::new("the token is not valid, or not any more", None));
    }
    let error: async_graphql::Error = error.into();
    Box::new(Response::from_errors(vec![error.into_server_error(async_graphql::Pos::default())]))
}
