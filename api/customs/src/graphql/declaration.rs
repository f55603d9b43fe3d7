//! Declarations in the schema: how an order stands at customs, and what somebody can do next.

use async_graphql::{Context, ID, InputObject, Object, Result};
use chrono::{DateTime, NaiveDate, Utc};
use entities::{
    catalog::SupplyMode,
    customs::{
        declaration::{self, Beside, Blocker, DeclarationState, NextAction, next_actions},
        match_row,
        matching::{Rule, Verdict},
        paper::{self, PaperKind, PaperState},
        receipt::{self, ReturnStatus},
        request::{self, CustomsRequestKind, CustomsRequestState, goods_due},
    },
    party::Action,
    values::Locale,
};
use party::graphql::Organisation;
use platform::{
    clock::business_day,
    graphql::{Connection, ContextExt, bounded, connection::list_cost, decode, encode},
    page::{Cursor, PageArgs},
    payload,
};

use super::guarantee::TaxBill;
use crate::{
    advance,
    lists::{self, Filter, silent_since},
    loaders::{self, BillsOf, MatchesOf, PapersOf, ReceiptsOf, RequestsOf},
    requests, underway,
};

/// Name of the order of receipts, for cursors.
const BY_TIME: &str = "receipt";

/// The text of a pair in the language asked for.
pub(super) fn in_language(locale: &Locale, (zh, en): (&'static str, &'static str)) -> &'static str {
    if locale.language() == "zh" { zh } else { en }
}

/// How one order stands at customs (申报).
#[derive(Clone, Debug)]
pub struct Declaration(pub declaration::Model);

/// How one order stands at customs (申报).
#[Object]
impl Declaration {
    /// Opaque identifier.
    pub async fn id(&self) -> ID {
        encode(self.0.id)
    }

    /// The number of the order; the declarer's own number of the list too (订单编号).
    async fn document(&self) -> &str {
        &self.0.document
    }

    /// Who sells.
    async fn seller(&self, context: &Context<'_>) -> Result<Option<Organisation>> {
        Ok(party::loaders::of(context).load_one(self.0.seller_id).await?.map(Organisation))
    }

    /// Bonded or direct import.
    async fn mode(&self) -> SupplyMode {
        self.0.mode
    }

    /// State.
    async fn state(&self) -> DeclarationState {
        self.0.state
    }

    /// What it waits for (待办事项).
    async fn blockers(&self) -> &[Blocker] {
        &self.0.blockers.0
    }

    /// What somebody can do next, what helps most first (下一步).
    async fn next_actions(&self, context: &Context<'_>) -> Result<Vec<NextAction>> {
        let now = context.app().clock().now();
        let loaders = loaders::of(context);
        let papers = loaders.load_one(PapersOf(self.0.id)).await?.unwrap_or_default();
        let requests = loaders.load_one(RequestsOf(self.0.id)).await?.unwrap_or_default();
        let since = silent_since(context.app());
        let beside = Beside {
            overdue: self.0.overdue,
            odd: self.0.alarm.is_some() || papers.iter().any(|paper| lists::is_unheard(paper, &requests, since)),
            returnable: self.0.released_at.is_some_and(|at| goods_due(business_day(at), business_day(now)).is_ok()),
        };
        Ok(next_actions(self.0.state, &self.0.blockers.0, beside))
    }

    /// Its papers: order, payment, waybill, list, and what came after (单证).
    async fn documents(&self, context: &Context<'_>) -> Result<Vec<CustomsPaper>> {
        let papers = loaders::of(context).load_one(PapersOf(self.0.id)).await?.unwrap_or_default();
        Ok(papers.into_iter().map(CustomsPaper).collect())
    }

    /// What the match of its papers found, rule by rule; nothing for who only works in stores: it speaks of who buys
    /// (三单比对).
    async fn matches(&self, context: &Context<'_>) -> Result<Vec<CustomsMatch>> {
        if context.viewer().only_in_stores() {
            return Ok(Vec::new());
        }
        let rows = loaders::of(context).load_one(MatchesOf(self.0.id)).await?.unwrap_or_default();
        Ok(rows.into_iter().map(CustomsMatch).collect())
    }

    /// The receipts of all its papers, as customs said them (回执).
    #[graphql(complexity = "list_cost(first, last, child_complexity)")]
    async fn receipts(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Size of the page, at most 100.")] first: Option<i32>,
        #[graphql(desc = "The page starts after this cursor.")] after: Option<String>,
        #[graphql(desc = "Size of a page that is read backwards.")] last: Option<i32>,
        #[graphql(desc = "The page ends before this cursor.")] before: Option<String>,
    ) -> Result<Connection<CustomsReceipt>> {
        let page = PageArgs::relay(first, after.as_deref(), last, before.as_deref())?;
        let papers = loaders::of(context).load_one(PapersOf(self.0.id)).await?.unwrap_or_default();
        let keys = papers.iter().map(|paper| ReceiptsOf(paper.id));
        let mut all: Vec<receipt::Model> =
            loaders::of(context).load_many(keys).await?.into_values().flatten().collect();
        all.sort_by(|a, b| (&a.time, a.id).cmp(&(&b.time, b.id)));
        let kind = |row: &receipt::Model| papers.iter().find(|paper| paper.id == row.paper_id).map(|paper| paper.kind);
        let placed: Vec<(usize, CustomsReceipt)> = all
            .into_iter()
            .enumerate()
            .filter_map(|(n, row)| Some((n, CustomsReceipt { kind: kind(&row)?, row })))
            .collect();
        let rows = page.slice(placed, |(n, _)| Cursor::at(BY_TIME, *n))?;
        Ok(Connection::new(rows, None, |(n, row)| (Cursor::at(BY_TIME, n), row)))
    }

    /// The tax bill that holds; null: there is none yet (税单).
    async fn tax_bill(&self, context: &Context<'_>) -> Result<Option<TaxBill>> {
        let bills = loaders::of(context).load_one(BillsOf(self.0.id)).await?.unwrap_or_default();
        Ok(bills.into_iter().next_back().map(TaxBill))
    }

    /// What was asked of customs: that the list is withdrawn, that goods come back (撤单与退货).
    async fn requests(&self, context: &Context<'_>) -> Result<Vec<CustomsRequest>> {
        let rows = loaders::of(context).load_one(RequestsOf(self.0.id)).await?.unwrap_or_default();
        Ok(rows.into_iter().map(CustomsRequest).collect())
    }

    /// The carrier's number of the parcel (运单编号).
    async fn waybill(&self) -> Option<&str> {
        self.0.waybill.as_deref()
    }

    /// Customs' number of the list (清单编号).
    async fn list_number(&self) -> Option<&str> {
        self.0.invt_no.as_deref()
    }

    /// When customs let the goods go.
    async fn released_at(&self) -> Option<DateTime<Utc>> {
        self.0.released_at
    }

    /// Until when what it waits for should be there.
    async fn waits_until(&self) -> Option<DateTime<Utc>> {
        self.0.waits_until
    }

    /// Whether its time was up without it (超时).
    async fn overdue(&self) -> bool {
        self.0.overdue
    }

    /// What is odd about it, for those who keep it; null: nothing (异常).
    async fn alarm(&self, context: &Context<'_>) -> Option<&str> {
        context.may(Action::KeepDeclarations).ok()?;
        self.0.alarm.as_deref()
    }

    /// Counts up with every change.
    async fn version(&self) -> i32 {
        self.0.version
    }

    /// Since when.
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }
}

/// Something that is said to customs (申报单证).
#[derive(Clone, Debug)]
pub struct CustomsPaper(pub paper::Model);

/// Something that is said to customs (申报单证).
#[Object]
impl CustomsPaper {
    /// Opaque identifier.
    pub async fn id(&self) -> ID {
        encode(self.0.id)
    }

    /// What it is.
    async fn kind(&self) -> PaperKind {
        self.0.kind
    }

    /// The number of its message: 621.
    async fn message_number(&self) -> i32 {
        self.0.kind.number().into()
    }

    /// State.
    async fn state(&self) -> PaperState {
        self.0.state
    }

    /// The status of the receipt that says so: 120 (回执状态).
    async fn status(&self) -> Option<&str> {
        self.0.status.as_deref()
    }

    /// What that status is called, in the language asked for.
    async fn status_name(&self, context: &Context<'_>) -> Option<&'static str> {
        self.0.said().map(|status| in_language(context.locale(), status.called()))
    }

    /// What customs said of it (备注).
    async fn info(&self) -> Option<&str> {
        self.0.info.as_deref()
    }

    /// Who says it.
    async fn sender(&self, context: &Context<'_>) -> Result<Option<Organisation>> {
        Ok(party::loaders::of(context).load_one(self.0.sender_id).await?.map(Organisation))
    }

    /// Whether its sender sends it itself, and the house has a copy.
    async fn sent_by_party(&self) -> bool {
        self.0.sent_by_party
    }

    /// How often it was sent anew.
    async fn attempt(&self) -> i32 {
        self.0.attempt
    }

    /// The e-port's number (预录入编号).
    async fn pre_number(&self) -> Option<&str> {
        self.0.pre_no.as_deref()
    }

    /// When it was last sent.
    async fn sent_at(&self) -> Option<DateTime<Utc>> {
        self.0.sent_at
    }

    /// Its receipts, as customs said them.
    #[graphql(complexity = "list_cost(first, last, child_complexity)")]
    async fn receipts(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Size of the page, at most 100.")] first: Option<i32>,
        #[graphql(desc = "The page starts after this cursor.")] after: Option<String>,
        #[graphql(desc = "Size of a page that is read backwards.")] last: Option<i32>,
        #[graphql(desc = "The page ends before this cursor.")] before: Option<String>,
    ) -> Result<Connection<CustomsReceipt>> {
        let page = PageArgs::relay(first, after.as_deref(), last, before.as_deref())?;
        let all = loaders::of(context).load_one(ReceiptsOf(self.0.id)).await?.unwrap_or_default();
        let kind = self.0.kind;
        let placed: Vec<(usize, CustomsReceipt)> =
            all.into_iter().enumerate().map(|(n, row)| (n, CustomsReceipt { kind, row })).collect();
        let rows = page.slice(placed, |(n, _)| Cursor::at(BY_TIME, *n))?;
        Ok(Connection::new(rows, None, |(n, row)| (Cursor::at(BY_TIME, n), row)))
    }
}

/// What customs said of a paper, which is never changed (回执).
#[derive(Clone, Debug)]
pub struct CustomsReceipt {
    kind: PaperKind,
    row: receipt::Model,
}

/// What customs said of a paper, which is never changed (回执).
#[Object]
impl CustomsReceipt {
    /// Opaque identifier.
    async fn id(&self) -> ID {
        encode(self.row.id)
    }

    /// Of which paper.
    async fn kind(&self) -> PaperKind {
        self.kind
    }

    /// The status, as it was written.
    async fn status(&self) -> &str {
        &self.row.status
    }

    /// What it is called, in the language asked for; null: the house does not know it.
    async fn status_name(&self, context: &Context<'_>) -> Option<&'static str> {
        ReturnStatus::of(&self.row.status).map(|status| in_language(context.locale(), status.called()))
    }

    /// When customs said it: 17 digits of Beijing time.
    async fn time(&self) -> &str {
        &self.row.time
    }

    /// What it said (备注).
    async fn info(&self) -> &str {
        &self.row.info
    }

    /// Of which attempt of the paper.
    async fn attempt(&self) -> i32 {
        self.row.attempt
    }

    /// When it came.
    async fn at(&self) -> DateTime<Utc> {
        self.row.at
    }
}

/// What a rule of the match found; personal data is masked (比对结果).
#[derive(Clone, Debug)]
pub struct CustomsMatch(match_row::Model);

/// What a rule of the match found; personal data is masked (比对结果).
#[Object]
impl CustomsMatch {
    /// Which rule.
    async fn rule(&self) -> Rule {
        self.0.rule
    }

    /// What the one side says.
    async fn left(&self) -> &str {
        &self.0.left
    }

    /// What the other side says.
    async fn right(&self) -> &str {
        &self.0.right
    }

    /// Whether that is the same.
    async fn verdict(&self) -> Verdict {
        self.0.verdict
    }

    /// Why it does not match, in the language asked for; null when it does.
    async fn reason(&self, context: &Context<'_>) -> Option<&'static str> {
        let wrong = self.0.verdict == Verdict::Mismatch;
        wrong.then(|| in_language(context.locale(), self.0.rule.reason()))
    }
}

/// What was asked of customs for a declaration (撤单或退货申请).
#[derive(Clone, Debug)]
pub struct CustomsRequest(pub request::Model);

/// What was asked of customs for a declaration (撤单或退货申请).
#[Object]
impl CustomsRequest {
    /// Opaque identifier.
    pub async fn id(&self) -> ID {
        encode(self.0.id)
    }

    /// What.
    async fn kind(&self) -> CustomsRequestKind {
        self.0.kind
    }

    /// State.
    async fn state(&self) -> CustomsRequestState {
        self.0.state
    }

    /// Why.
    async fn reason(&self) -> &str {
        &self.0.reason
    }

    /// What comes back, of a return.
    async fn lines(&self) -> Vec<ReturnLine> {
        self.0.lines.0.iter().map(|line| ReturnLine { number: line.number, quantity: line.quantity }).collect()
    }

    /// Last day on which the goods of a return may arrive.
    async fn goods_due(&self) -> Option<NaiveDate> {
        self.0.goods_due
    }

    /// What was found, or said.
    async fn note(&self) -> Option<&str> {
        self.0.note.as_deref()
    }

    /// When it was asked.
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }
}

/// A line of a return (退货明细).
#[derive(Clone, Debug, async_graphql::SimpleObject)]
pub struct ReturnLine {
    /// The number of the order's line.
    number: i32,
    /// How many come back.
    quantity: i32,
}

/// Which declarations (申报筛选).
#[derive(InputObject, Default)]
pub(super) struct DeclarationFilter {
    /// Only in one of these states.
    states: Option<Vec<DeclarationState>>,
    /// Only those at which a person must do something: mismatched, failed, rejected, detained, overdue, odd, or with a
    /// withdrawal, a return or a signature that customs refused or does not answer.
    to_do: Option<bool>,
    /// Only that of this order.
    document: Option<String>,
}

/// A declaration whose papers are sent again (重推).
#[derive(InputObject)]
pub(super) struct PushDeclarationInput {
    /// Which.
    id: ID,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// How the goods of a direct import come (运输信息).
#[derive(InputObject)]
pub(super) struct SetTransportInput {
    /// Of which declaration.
    id: ID,
    /// The flight, vessel or vehicle, at most 100 characters (运输工具编号).
    vehicle: String,
    /// The voyage, at most 32 characters (航次号).
    voyage: String,
    /// The bill, at most 37 characters (提运单号).
    bill: String,
    /// How it comes over the border: one character of customs, `5` is air (运输方式).
    traf_mode: String,
    /// From which country, ISO 3166 (起运国).
    country: String,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// Returned goods that were looked at (退货验收).
#[derive(InputObject)]
pub(super) struct InspectReturnInput {
    /// Of which request.
    id: ID,
    /// Where they are taken in.
    location_id: ID,
    /// Whether they are as they were sold.
    as_sold: bool,
    /// What was found.
    note: Option<String>,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// A return that nobody wants any more (撤回退货).
#[derive(InputObject)]
pub(super) struct WithdrawReturnInput {
    /// Which.
    id: ID,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

payload! {
    /// The answer to `pushDeclaration`.
    PushDeclarationPayload { /// The declaration.
        declaration: Declaration }
    /// The answer to `setTransport`.
    SetTransportPayload { /// The declaration.
        declaration: Declaration }
    /// The answer to `inspectReturn`.
    InspectReturnPayload { /// The request.
        request: CustomsRequest }
    /// The answer to `withdrawReturn`.
    WithdrawReturnPayload { /// The request.
        request: CustomsRequest }
}

/// The part of the query root about declarations.
#[derive(Default)]
pub struct DeclarationQuery;

#[Object]
impl DeclarationQuery {
    /// Declarations of what one bought or sells, newest first; with `toDo` the work list (申报列表).
    #[graphql(complexity = "list_cost(first, last, child_complexity)")]
    async fn declarations(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which.")] filter: Option<DeclarationFilter>,
        #[graphql(desc = "Size of the page, at most 100.")] first: Option<i32>,
        #[graphql(desc = "The page starts after this cursor.")] after: Option<String>,
        #[graphql(desc = "Size of a page that is read backwards.")] last: Option<i32>,
        #[graphql(desc = "The page ends before this cursor.")] before: Option<String>,
    ) -> Result<Connection<Declaration>> {
        context.may(Action::ReadDeclarations)?;
        let page = PageArgs::relay(first, after.as_deref(), last, before.as_deref())?;
        let filter = filter.unwrap_or_default();
        let filter = Filter {
            states: bounded(filter.states.unwrap_or_default())?,
            to_do: filter.to_do.unwrap_or_default().then(|| silent_since(context.app())),
            document: filter.document,
        };
        let rows = lists::list(context.app().db().read(), context.viewer(), &filter, &page).await?;
        Ok(Connection::new(rows, None, |row| (lists::cursor(&row), Declaration(row))))
    }

    /// A declaration; null when there is none or it may not be seen (申报).
    async fn declaration(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which.")] id: ID,
    ) -> Result<Option<Declaration>> {
        context.may(Action::ReadDeclarations)?;
        let Ok(id) = decode(&id, "id") else { return Ok(None) };
        Ok(lists::find(context.app().db().read(), context.viewer(), id).await?.map(Declaration))
    }
}

/// The part of the mutation root about declarations.
#[derive(Default)]
pub struct DeclarationMutation;

#[Object]
impl DeclarationMutation {
    /// Sends again what failed, what customs did not take, and what nobody has answered to; mended by what is filed and
    /// arranged now (重推).
    async fn push_declaration(
        &self,
        context: &Context<'_>,
        input: PushDeclarationInput,
    ) -> Result<PushDeclarationPayload> {
        let call = context.call(Action::KeepDeclarations)?;
        let result = async { advance::push(context.app(), &call, decode(&input.id, "id")?).await };
        PushDeclarationPayload::new(context, input.client_mutation_id, result.await.map(Declaration))
    }

    /// Says how the goods of a direct import come (填写运输信息).
    async fn set_transport(&self, context: &Context<'_>, input: SetTransportInput) -> Result<SetTransportPayload> {
        let call = context.call(Action::KeepDeclarations)?;
        let result = async {
            let transport = underway::transport(underway::Coming {
                vehicle: &input.vehicle,
                voyage: &input.voyage,
                bill: &input.bill,
                traf_mode: &input.traf_mode,
                country: &input.country,
            })?;
            underway::set_transport(context.app(), &call, decode(&input.id, "id")?, transport).await
        };
        SetTransportPayload::new(context, input.client_mutation_id, result.await.map(Declaration))
    }

    /// Notes that returned goods came and were looked at; when they are as they were, customs is asked (退货验收).
    async fn inspect_return(&self, context: &Context<'_>, input: InspectReturnInput) -> Result<InspectReturnPayload> {
        let call = context.call(Action::KeepStock)?;
        let result = async {
            let (id, location) = (decode(&input.id, "id")?, decode(&input.location_id, "locationId")?);
            requests::inspect(context.app(), &call, id, location, input.as_sold, input.note.as_deref()).await
        };
        InspectReturnPayload::new(context, input.client_mutation_id, result.await.map(CustomsRequest))
    }

    /// Takes a return back whose goods have not come (撤回退货).
    async fn withdraw_return(
        &self,
        context: &Context<'_>,
        input: WithdrawReturnInput,
    ) -> Result<WithdrawReturnPayload> {
        let call = context.call(Action::PlaceOrders).or_else(|_| context.call(Action::FulfilOrders))?;
        let result = async { requests::withdraw(context.app(), &call, decode(&input.id, "id")?).await };
        WithdrawReturnPayload::new(context, input.client_mutation_id, result.await.map(CustomsRequest))
    }
}
