//! Receivables in the schema: what there is, what it rests on, what happened to it; what is brought along.

use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};
use chrono::{DateTime, NaiveDate, Utc};
use entities::{
    finance::{
        CommercialStatus, ConfirmationStatus, EncumbranceStatus, ReceivableEventKind, ReceivableSide, ReceivableSource,
        receivable::{self, LONG_TENOR, event},
    },
    party::{Action, OrganisationRole},
    procurement::{
        InvoiceKind,
        payable::PayableState,
        receivable::{Evidence, canonical},
    },
    values::id::{OrganisationId, PayableEventId},
};
use party::graphql::Organisation;
use platform::{
    clock::business_day,
    error::Error,
    graphql::{
        Connection, ContextExt, Money, MoneyInput,
        connection::{list_cost, times},
        decode, encode,
        id::{NodeKind, open},
    },
    page::PageArgs,
    payload,
};
use procurement::graphql::invoices::SupplierInvoice;

use super::{confirmations::Confirmation, evidence::EvidencePackage, organisation};
use crate::{
    loaders::{self, ConfirmationsOf, EvidenceAfter, EvidenceOf},
    ops::{
        Control, evidence as packages,
        happenings::{self, Entry, Settling},
        importing::{self, Party, Row},
        receivables::{self as ops, Filter},
    },
};

/// Documents that an answer is reckoned with.
const DOCUMENTS: usize = 20;
/// Confirmations that an answer is reckoned with.
const CONFIRMATIONS: usize = 5;
/// Receivables that an answer to a batch is reckoned with.
const BATCH: usize = 50;

/// A document that a receivable rests on; whoever has it comes to the same hash (证据文件).
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct EvidenceDocument {
    /// What it is: `PO`, `GRN`, `INVOICE`, `MATCH`.
    role: String,
    /// Its number.
    number: Option<String>,
    /// Its revision.
    revision: Option<String>,
    /// SHA-256, in hex.
    sha256: String,
    /// The media type of a file.
    media_type: Option<String>,
    /// How many bytes a file has.
    size: Option<String>,
}

impl EvidenceDocument {
    fn of(role: &str, number: Option<&str>, sha256: &str) -> Self {
        Self {
            role: role.to_owned(),
            number: number.map(str::to_owned),
            revision: None,
            sha256: sha256.to_owned(),
            media_type: None,
            size: None,
        }
    }

    fn all(evidence: &Evidence) -> Vec<Self> {
        let invoice = &evidence.invoice;
        let mut all: Vec<Self> = Vec::new();
        all.extend(evidence.orders.iter().map(|order| Self {
            revision: Some(order.revision.clone()),
            ..Self::of("PO", Some(&order.number), &order.sha256)
        }));
        all.extend(evidence.receipts.iter().map(|one| Self::of("GRN", Some(&one.number), &one.sha256)));
        let sha256 = invoice.file_sha256.as_ref().unwrap_or(&invoice.lines_sha256);
        all.push(Self::of("INVOICE", Some(&invoice.number), sha256));
        all.push(Self::of("MATCH", None, &evidence.matched.sha256));
        all.extend(evidence.files.iter().map(|file| Self {
            media_type: Some(file.media_type.clone()),
            size: Some(file.size.clone()),
            ..Self::of(&file.role, None, &file.sha256)
        }));
        all
    }
}

/// What happened to a receivable; never changed (应收变动).
#[derive(Clone, Debug)]
pub(crate) struct ReceivableEvent {
    row: event::Model,
    of: receivable::Model,
}

/// What happened to a receivable; never changed (应收变动).
#[Object]
impl ReceivableEvent {
    /// What happened.
    async fn kind(&self) -> ReceivableEventKind {
        self.row.kind
    }

    /// How much.
    async fn amount(&self) -> Money {
        self.of.money(self.row.amount_minor).into()
    }

    /// The bank's reference, or the number of a credit note.
    async fn reference(&self) -> Option<&str> {
        self.row.reference.as_deref()
    }

    /// What there is to say to it.
    async fn note(&self) -> Option<&str> {
        self.row.note.as_deref()
    }

    /// SHA-256 of the evidence at that time, in hex.
    async fn evidence_sha256(&self) -> Option<&str> {
        self.row.evidence_sha256.as_deref()
    }

    /// The evidence that it led to, in canonical form, of which `evidenceSha256` is the hash; it names the evidence
    /// before. Null: that stayed as it was (证据).
    async fn evidence(&self, context: &Context<'_>) -> Result<Option<String>> {
        if self.of.payable_id.is_none() {
            return Ok(None);
        }
        // What happened to a payable has one id on both sides.
        let found = loaders::of(context).load_one(EvidenceAfter(PayableEventId(self.row.id.0))).await?;
        Ok(found.as_ref().map(canonical).transpose().map_err(Error::internal)?)
    }

    /// Who; null to the other side of a matched invoice, and of what is done about its financing.
    async fn by(&self, context: &Context<'_>) -> Option<&str> {
        let viewer = context.viewer();
        let inside = |own: OrganisationId| viewer.oversees() || viewer.organisation() == Some(own);
        // Which person of a bank it was is that bank's own.
        let banks = ops::INSIDE.contains(&self.row.kind) && !viewer.oversees();
        let shown = !banks && (self.of.payable_id.is_none() || inside(self.of.debtor_id));
        shown.then_some(self.row.by.as_str())
    }

    /// When.
    async fn at(&self) -> DateTime<Utc> {
        self.row.at
    }
}

/// What a debtor is to pay a seller for one invoice, with its evidence (应收账款).
#[derive(Clone, Debug)]
pub struct Receivable(pub receivable::Model);

/// What a debtor is to pay a seller for one invoice, with its evidence (应收账款).
#[Object]
impl Receivable {
    /// Opaque identifier.
    pub async fn id(&self) -> ID {
        encode(self.0.id)
    }

    /// Where it comes from (来源).
    async fn source(&self) -> ReceivableSource {
        self.0.source
    }

    /// The invoice, when it was matched here.
    async fn invoice(&self, context: &Context<'_>) -> Result<Option<SupplierInvoice>> {
        let Some(payable) = self.0.payable_id else { return Ok(None) };
        Ok(procurement::loaders::of(context)
            .load_one(procurement::loaders::InvoiceOf(payable))
            .await?
            .map(SupplierInvoice))
    }

    /// What sort of invoice it is for.
    async fn invoice_kind(&self) -> InvoiceKind {
        self.0.invoice_kind
    }

    /// The invoice's number (发票号码).
    async fn invoice_no(&self) -> &str {
        &self.0.invoice_no
    }

    /// The invoice's code (发票代码).
    async fn invoice_code(&self) -> Option<&str> {
        self.0.invoice_code.as_deref()
    }

    /// Who is to pay (债务人).
    async fn debtor(&self, context: &Context<'_>) -> Result<Option<Organisation>> {
        organisation(context, self.0.debtor_id).await
    }

    /// Who is to be paid (债权人).
    async fn seller(&self, context: &Context<'_>) -> Result<Option<Organisation>> {
        organisation(context, self.0.seller_id).await
    }

    /// Where it is, by its amounts.
    #[graphql(deprecation = "`commercialStatus` also tells what was credited and what was written off.")]
    async fn state(&self) -> PayableState {
        match self.0.commercial() {
            CommercialStatus::Open => PayableState::Open,
            CommercialStatus::PartlyPaid | CommercialStatus::WrittenOff => PayableState::PartlyPaid,
            CommercialStatus::Paid | CommercialStatus::Credited => PayableState::Paid,
        }
    }

    /// What became of the money, by the amounts (款项状态).
    async fn commercial_status(&self) -> CommercialStatus {
        self.0.commercial()
    }

    /// What the debtor said of it (确认状态).
    async fn confirmation_status(&self) -> ConfirmationStatus {
        self.0.confirmation
    }

    /// Whether somebody finances it; null to its debtor (融资占用).
    async fn encumbrance_status(&self, context: &Context<'_>) -> Option<EncumbranceStatus> {
        (!ops::is_only_debtor(context.viewer(), &self.0)).then_some(self.0.encumbrance)
    }

    /// How much it was at first (票面金额).
    async fn face(&self) -> Money {
        self.0.money(self.0.face_minor).into()
    }

    /// What credit notes took off since (已抵减).
    async fn credited(&self) -> Money {
        self.0.money(self.0.credited_minor).into()
    }

    /// What was paid (已收).
    async fn paid(&self) -> Money {
        self.0.money(self.0.paid_minor).into()
    }

    /// What the debtor set off (已抵销).
    async fn set_off(&self) -> Money {
        self.0.money(self.0.set_off_minor).into()
    }

    /// What is still to come (未收).
    async fn outstanding(&self) -> Money {
        self.0.money(self.0.outstanding_minor()).into()
    }

    /// How much the debtor said that it pays (已确认金额).
    async fn confirmed(&self) -> Money {
        self.0.money(self.0.confirmed_minor).into()
    }

    /// How much of it can be financed: what is confirmed, as far as it is outstanding (可融资金额).
    async fn fundable(&self) -> Money {
        self.0.money(self.0.fundable_minor()).into()
    }

    /// How much of it is financed, or in a request; null to its debtor (已占用).
    async fn encumbered(&self, context: &Context<'_>) -> Option<Money> {
        (!ops::is_only_debtor(context.viewer(), &self.0)).then(|| self.0.money(self.0.encumbered_minor).into())
    }

    /// How much more of it is financed than is outstanding; null to its debtor (超额占用).
    async fn uncovered(&self, context: &Context<'_>) -> Option<Money> {
        (!ops::is_only_debtor(context.viewer(), &self.0)).then(|| self.0.money(self.0.uncovered_minor()).into())
    }

    /// When the invoice was written (开票日期).
    async fn issue_date(&self) -> NaiveDate {
        self.0.issue_date
    }

    /// When it is to be paid (到期日).
    async fn due_date(&self) -> NaiveDate {
        self.0.due_date
    }

    /// Days from the invoice until it is due (账期).
    async fn tenor_days(&self) -> i64 {
        self.0.tenor()
    }

    /// Whether it is due later than half a year after its invoice: the rules want less, in principle (账期偏长).
    async fn long_tenor(&self) -> bool {
        self.0.tenor() > LONG_TENOR
    }

    /// Whether it should have been paid by now (逾期).
    async fn overdue(&self, context: &Context<'_>) -> bool {
        self.0.is_overdue(business_day(context.app().clock().now()))
    }

    /// Whether the debtor disputes it (有争议).
    async fn disputed(&self) -> bool {
        self.0.disputed
    }

    /// Whether the goods were delivered and accepted, as far as that is proved (已履约).
    async fn performed(&self) -> bool {
        self.0.performed
    }

    /// Whether the tax authority said that the invoice is one (发票已查验).
    async fn verified(&self) -> bool {
        self.0.verified
    }

    /// Whether the goods are sold on consignment (寄售).
    async fn consignment(&self) -> bool {
        self.0.consignment
    }

    /// Whether it is a claim from a bill or a security (票据、有价证券付款请求权).
    async fn bill_claim(&self) -> bool {
        self.0.bill_claim
    }

    /// The evidence in canonical form (RFC 8785), of which `evidenceSha256` is the hash: orders, receipts, invoice,
    /// match. Amounts and quantities are texts in it (证据).
    async fn evidence(&self, context: &Context<'_>) -> Result<String> {
        Ok(canonical(&evidence(context, &self.0).await?).map_err(Error::internal)?)
    }

    /// SHA-256 of the evidence in canonical form, in hex.
    async fn evidence_sha256(&self) -> &str {
        &self.0.evidence_sha256
    }

    /// That of the evidence before; null: this is the first.
    async fn previous_sha256(&self) -> Option<&str> {
        self.0.previous_sha256.as_deref()
    }

    /// The documents that it rests on, each with its hash.
    #[graphql(complexity = "times(DOCUMENTS, child_complexity)")]
    async fn documents(&self, context: &Context<'_>) -> Result<Vec<EvidenceDocument>> {
        Ok(EvidenceDocument::all(&evidence(context, &self.0).await?))
    }

    /// What the debtor was asked and said, the newest first (确认记录).
    #[graphql(complexity = "times(CONFIRMATIONS, child_complexity)")]
    async fn confirmations(&self, context: &Context<'_>) -> Result<Vec<Confirmation>> {
        let rows = loaders::of(context).load_one(ConfirmationsOf(self.0.id)).await?.unwrap_or_default();
        Ok(rows.into_iter().map(|row| Confirmation { row, of: self.0.clone() }).collect())
    }

    /// What was known of it, in signed files, the newest version first (证据包).
    #[graphql(complexity = "list_cost(first, last, child_complexity)")]
    async fn evidence_packages(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Size of the page, at most 100.")] first: Option<i32>,
        #[graphql(desc = "The page starts after this cursor.")] after: Option<String>,
        #[graphql(desc = "Size of a page that is read backwards.")] last: Option<i32>,
        #[graphql(desc = "The page ends before this cursor.")] before: Option<String>,
    ) -> Result<Connection<EvidencePackage>> {
        let page = PageArgs::relay(first, after.as_deref(), last, before.as_deref())?;
        let rows = packages::list(context.app().db().read(), context.viewer(), self.0.id, &page).await?;
        Ok(Connection::new(rows, None, |row| (packages::cursor(&row), EvidencePackage(row))))
    }

    /// Counts up with the evidence.
    async fn revision(&self) -> i32 {
        self.0.revision
    }

    /// Counts up with every change.
    async fn version(&self) -> i32 {
        self.0.version
    }

    /// Since when it is known.
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }

    /// What happened to it, first first (应收变动).
    #[graphql(complexity = "list_cost(first, last, child_complexity)")]
    async fn events(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Size of the page, at most 100.")] first: Option<i32>,
        #[graphql(desc = "The page starts after this cursor.")] after: Option<String>,
        #[graphql(desc = "Size of a page that is read backwards.")] last: Option<i32>,
        #[graphql(desc = "The page ends before this cursor.")] before: Option<String>,
    ) -> Result<Connection<ReceivableEvent>> {
        let page = PageArgs::relay(first, after.as_deref(), last, before.as_deref())?;
        let rows = ops::events(context.app().db().read(), context.viewer(), &self.0, &page).await?;
        let of = &self.0;
        Ok(Connection::new(rows, None, |row| (ops::event_cursor(&row), ReceivableEvent { row, of: of.clone() })))
    }
}

/// What a receivable is made of: its own words, or those of its payable.
async fn evidence(context: &Context<'_>, row: &receivable::Model) -> Result<Evidence> {
    if let Some(own) = &row.evidence {
        return Ok(own.clone());
    }
    let of = match row.payable_id {
        Some(payable) => loaders::of(context).load_one(EvidenceOf(payable)).await?,
        None => None,
    };
    Ok(of.ok_or_else(|| Error::internal("a receivable rests on nothing"))?)
}

/// Which receivables (应收筛选).
#[derive(Default, InputObject)]
pub(crate) struct ReceivableFilter {
    /// On which side of them one's organisation is; left out: that of the seller, of a bank that of
    /// who is asked for money, and all for who oversees the zone.
    side: Option<ReceivableSide>,
    /// Only those of which something is still to come, or nothing is.
    open: Option<bool>,
    /// Only those that are to be paid before this day.
    due_before: Option<NaiveDate>,
    /// Only those of which the debtor said this.
    confirmation_status: Option<ConfirmationStatus>,
    /// Only those that are financed so.
    encumbrance_status: Option<EncumbranceStatus>,
}

/// A receivable that is brought along (应收录入).
#[derive(InputObject)]
pub(crate) struct ReceivableRowInput {
    /// The other side, by its id: the debtor of what is imported, the seller of what is uploaded.
    party_id: Option<ID>,
    /// The same by its unified social credit code; one of both is given (统一社会信用代码).
    uscc: Option<String>,
    /// What sort of invoice.
    invoice_kind: InvoiceKind,
    /// Its number (发票号码).
    invoice_no: String,
    /// Its code, of older VAT invoices (发票代码).
    invoice_code: Option<String>,
    /// When it was written (开票日期).
    issue_date: NaiveDate,
    /// When it is to be paid, at most a year later (到期日).
    due_date: NaiveDate,
    /// Over how much it is, with tax (价税合计).
    amount: MoneyInput,
    /// Waybills of what it is for, at most twenty (运单号).
    #[graphql(default)]
    waybills: Vec<String>,
    /// SHA-256 of its file, in hex.
    file_sha256: Option<String>,
    /// Whether the goods are sold on consignment (寄售).
    #[graphql(default)]
    consignment: bool,
    /// Whether it is a claim from a bill or a security (票据、有价证券付款请求权).
    #[graphql(default)]
    bill_claim: bool,
}

impl ReceivableRowInput {
    fn read(self, n: usize) -> Result<Row, Error> {
        let at = |error: Error| error.at(n.to_string()).at("items");
        let amount = self.amount.read("amount").map_err(at)?;
        let party = match (&self.party_id, self.uscc) {
            (Some(id), None) => Party::Id(decode(id, "partyId").map_err(at)?),
            (None, Some(code)) => Party::Uscc(code),
            _ => return Err(at(super::required("partyId"))),
        };
        Ok(Row {
            party,
            kind: self.invoice_kind,
            invoice_no: self.invoice_no,
            invoice_code: self.invoice_code,
            issue_date: self.issue_date,
            due_date: self.due_date,
            amount,
            waybills: self.waybills,
            file_sha256: self.file_sha256,
            consignment: self.consignment,
            bill_claim: self.bill_claim,
        })
    }
}

/// Receivables that a seller brings along: all of them, or none (应收导入).
#[derive(InputObject)]
pub(crate) struct ImportReceivablesInput {
    /// Which, at most 500, all in one currency.
    items: Vec<ReceivableRowInput>,
    /// How many they are (总笔数).
    item_count: i32,
    /// What they come to (总金额).
    control_sum: MoneyInput,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// What a debtor owes and brings along: all of it, or nothing (应付上传).
#[derive(InputObject)]
pub(crate) struct UploadPayablesInput {
    /// Which, at most 500, all in one currency.
    items: Vec<ReceivableRowInput>,
    /// How many they are (总笔数).
    item_count: i32,
    /// What they come to (总金额).
    control_sum: MoneyInput,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// Something that takes off what is outstanding (应收变动登记).
#[derive(InputObject)]
pub(crate) struct RecordReceivableEventInput {
    /// Of which receivable.
    id: ID,
    /// The version that was read.
    expected_version: i32,
    /// What happened.
    kind: Settling,
    /// How much, at most what is outstanding.
    amount: MoneyInput,
    /// The bank's reference, or the number of a credit note; one of a kind is told once.
    reference: String,
    /// What there is to say to it.
    note: Option<String>,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// Something that was said and is not so (撤回登记).
#[derive(InputObject)]
pub(crate) struct WithdrawReceivableEventInput {
    /// Of which receivable.
    id: ID,
    /// The version that was read.
    expected_version: i32,
    /// What was said to have happened.
    kind: Settling,
    /// Under which reference; each is taken back once.
    reference: String,
    /// Why.
    reason: String,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

payload! {
    /// The answer to `importReceivables`.
    ImportReceivablesPayload { /// The receivables, in the order of the items.
        receivables: Vec<Receivable> }
    /// The answer to `uploadPayables`.
    UploadPayablesPayload { /// The receivables, in the order of the items.
        receivables: Vec<Receivable> }
    /// The answer to `recordReceivableEvent`.
    RecordReceivableEventPayload { /// The receivable.
        receivable: Receivable }
    /// The answer to `withdrawReceivableEvent`.
    WithdrawReceivableEventPayload { /// The receivable.
        receivable: Receivable }
}

/// Queries about receivables.
#[derive(Default)]
pub struct ReceivableQuery;

#[Object]
impl ReceivableQuery {
    /// What is to come to one's organisation, newest first; what it is asked to confirm or confirmed by
    /// `side: DEBTOR`; all for who oversees the zone (应收账款列表).
    #[graphql(complexity = "list_cost(first, last, child_complexity)")]
    async fn receivables(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which.")] filter: Option<ReceivableFilter>,
        #[graphql(desc = "Size of the page, at most 100.")] first: Option<i32>,
        #[graphql(desc = "The page starts after this cursor.")] after: Option<String>,
        #[graphql(desc = "Size of a page that is read backwards.")] last: Option<i32>,
        #[graphql(desc = "The page ends before this cursor.")] before: Option<String>,
    ) -> Result<Connection<Receivable>> {
        context.may(Action::ReadReceivables)?;
        let page = PageArgs::relay(first, after.as_deref(), last, before.as_deref())?;
        let filter = filter.unwrap_or_default();
        let viewer = context.viewer();
        let own = if viewer.plays(OrganisationRole::Bank) { ReceivableSide::Financier } else { ReceivableSide::Seller };
        let side = filter.side.or_else(|| (!viewer.oversees()).then_some(own));
        let filter = Filter {
            side,
            open: filter.open,
            due_before: filter.due_before,
            confirmation: filter.confirmation_status,
            encumbrance: filter.encumbrance_status,
        };
        let rows = ops::list(context.app().db().read(), context.viewer(), filter, &page).await?;
        Ok(Connection::new(rows, None, |row| (ops::cursor(&row), Receivable(row))))
    }

    /// A receivable, by its own id or that of its payable; null when there is none or it may not be seen (应收账款).
    async fn receivable(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Opaque identifier.")] id: ID,
    ) -> Result<Option<Receivable>> {
        context.may(Action::ReadReceivables)?;
        let Some((NodeKind::Receivable | NodeKind::Payable, uuid)) = open(&id) else { return Ok(None) };
        Ok(ops::find(context.app().db().read(), context.viewer(), uuid).await?.map(Receivable))
    }
}

/// Mutations of receivables.
#[derive(Default)]
pub struct ReceivableMutation;

fn rows(items: Vec<ReceivableRowInput>) -> Result<Vec<Row>, Error> {
    items.into_iter().enumerate().map(|(n, item)| item.read(n)).collect()
}

#[Object]
impl ReceivableMutation {
    /// Brings receivables along that did not come to be here: all of them, or none. One invoice is one receivable,
    /// whoever brings it (应收导入).
    #[graphql(complexity = "times(BATCH, child_complexity)")]
    async fn import_receivables(
        &self,
        context: &Context<'_>,
        input: ImportReceivablesInput,
    ) -> Result<ImportReceivablesPayload> {
        let call = context.call(Action::KeepReceivables)?;
        let result = async {
            let control = Control { count: input.item_count, sum: input.control_sum.read("controlSum")? };
            importing::import(context.app(), &call, &rows(input.items)?, control).await
        };
        let result = result.await.map(|rows| rows.into_iter().map(Receivable).collect());
        ImportReceivablesPayload::new(context, input.client_mutation_id, result)
    }

    /// The debtor brings along what it approved and owes, and pays it whatever it may have against the seller: each is
    /// confirmed at once, also one that the seller brought along before (应付上传确认).
    #[graphql(complexity = "times(BATCH, child_complexity)")]
    async fn upload_payables(
        &self,
        context: &Context<'_>,
        input: UploadPayablesInput,
    ) -> Result<UploadPayablesPayload> {
        let call = context.call(Action::ConfirmReceivables)?;
        let result = async {
            let control = Control { count: input.item_count, sum: input.control_sum.read("controlSum")? };
            importing::upload(context.app(), &call, &rows(input.items)?, control).await
        };
        let result = result.await.map(|rows| rows.into_iter().map(Receivable).collect());
        UploadPayablesPayload::new(context, input.client_mutation_id, result)
    }

    /// Notes a payment, a credit note or a set-off of a receivable that was brought along; the house itself pays
    /// nothing. Of a matched invoice that is said of what its buyer owes (应收变动登记).
    async fn record_receivable_event(
        &self,
        context: &Context<'_>,
        input: RecordReceivableEventInput,
    ) -> Result<RecordReceivableEventPayload> {
        let call = context.call(Action::KeepReceivables)?;
        let result = async {
            let entry = Entry {
                id: decode(&input.id, "id")?,
                expected_version: input.expected_version,
                kind: input.kind,
                amount: input.amount.read("amount")?,
                reference: input.reference,
                note: input.note,
            };
            happenings::record(context.app(), &call, &entry).await
        };
        RecordReceivableEventPayload::new(context, input.client_mutation_id, result.await.map(Receivable))
    }

    /// Takes back what was said to have happened and is not so: that much is outstanding again (撤回登记).
    async fn withdraw_receivable_event(
        &self,
        context: &Context<'_>,
        input: WithdrawReceivableEventInput,
    ) -> Result<WithdrawReceivableEventPayload> {
        let call = context.call(Action::KeepReceivables)?;
        let result = async {
            let id = (decode(&input.id, "id")?, input.expected_version);
            happenings::withdraw(context.app(), &call, id, input.kind, &input.reference, &input.reason).await
        };
        WithdrawReceivableEventPayload::new(context, input.client_mutation_id, result.await.map(Receivable))
    }
}
