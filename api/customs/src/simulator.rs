//! The stand-in for customs (海关模拟器). It has a memory of its own, in a table, so that it outlives the process and every
//! node sees it. It matches papers and holds lists to the rules as customs does, answers with the sequences of section 2.5
//! after a while, and bills the taxes of what it releases (`bills`). What a mark in an address makes happen is in
//! `entities::customs::simulated`.
//!
//! It hears of messages by [`Heard`], which its adapter leaves, and one transaction is all that it does about one: the
//! papers are remembered, judged, and their receipts set on their way as jobs, or none of it. A message is heard once,
//! known by its id, however often it is handed over; so a paper is never judged as one that was seen before because
//! something else failed. What it knows of the house is what the message says: of the house's tables it reads the kept
//! message and the tariffs of the day.

mod bills;

use chrono::{DateTime, Duration, Utc};
use entities::{
    customs::{
        ceb::{self, Document, Message, Record},
        codes, list_rules, matching, message,
        paper::PaperKind,
        simulated::{self, Manner, Scenario, answer},
        simulated_export,
    },
    trade::Limits,
    values::{Locale, id::CustomsMessageId},
};
use platform::{
    app::{App, Call, Work},
    clock::business_day,
    customs::{
        fresh_guid,
        simulator::{Heard, proved},
    },
    error::Error,
    jobs::{Job, Verdict},
    vault, xmlsig,
};
use sea_orm::{ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, sea_query::OnConflict};
use serde::{Deserialize, Serialize};

use super::{advance::terms, receiving, text_of};
use bills::BILLED_AFTER;

/// How often a receipt comes that is to come three times.
const THRICE: u32 = 3;

/// A receipt of the simulator that is on its way.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Arrives {
    /// Its message.
    pub text: String,
    /// When it arrives.
    pub due: DateTime<Utc>,
    /// What it is known by on the way.
    pub id: String,
}

impl Job for Arrives {
    const KIND: &'static str = "customs.arrives";
    // Each comes for itself: what is later must not wait for what is earlier.
    fn aggregate(&self) -> String {
        format!("receipt:{}", self.id)
    }
    fn not_before(&self) -> Option<DateTime<Utc>> {
        Some(self.due)
    }
}

/// Does [`Arrives`]: a receipt arrives, as if it came over the network.
pub async fn arrives(app: &App, job: Arrives) -> Result<Verdict, Error> {
    let headers = proved(app.vault(), job.text.as_bytes());
    receiving::pushed(app, &headers, job.text.as_bytes()).await?;
    Ok(Verdict::Done)
}

/// Does [`Heard`]: what follows from a message.
pub async fn heard(app: &App, job: Heard) -> Result<Verdict, Error> {
    let dead = |reason: String| Ok(Verdict::Dead { reason });
    let kept = match job.message.parse::<uuid::Uuid>() {
        Ok(id) => message::Entity::find_by_id(CustomsMessageId(id)).one(app.db().writer()).await?,
        Err(_) => None,
    };
    let Some(kept) = kept else { return dead("there is no such message".into()) };
    let text = text_of(app.vault(), &kept)?;
    let read = match ceb::read(text.as_bytes()) {
        Ok(read) => read,
        Err(why) => return dead(why.to_string()),
    };
    let Some(kind) = PaperKind::of_number(read.kind.number) else {
        return dead(format!("{} is nothing that is sent", read.root()));
    };
    // Customs knows the house's certificate, and those of the parties whose papers the house hands on. This is much
    // arithmetic: it is done before anybody waits for the transaction.
    let proof = || {
        let by_house = xmlsig::verify(&text, &app.signing().own(), job.at).err()?;
        xmlsig::verify(&text, app.signing().trust(), job.at).err().map(|_| by_house)
    };
    let unproved = read.must_be_signed().then(proof).flatten();
    let unproved = unproved.map(|why| Said::no(format!("-{}029", kind.number()), format!("验签失败: {why}")));
    let call = Call::known_as(app.vault(), Call::unasked("customs simulator").viewer, &job.message, Heard::KIND)?;
    let mut work = app.begin(&call).await?;
    let before = work.answered::<bool>()?;
    if before == Some(true) {
        return Ok(Verdict::Done);
    }
    if before == Some(false) {
        // Nothing was said of it then: handed over once more, it is heard once more.
        drop(work);
        work = app.begin(&call.unrepeatable()).await?;
    }
    let mut desk = Desk { app, work, at: job.at, delay: app.config().customs.simulator.delay() };
    let mut spoke = false;
    for document in &read.documents {
        spoke |= desk.take(&job.message, kind, document, unproved.as_ref()).await?;
    }
    desk.work.commit(spoke).await?;
    Ok(Verdict::Done)
}

/// A paper that the simulator knows.
struct Known {
    row: simulated::Model,
    document: Document,
}

/// What is said of a paper.
#[derive(Clone)]
struct Said {
    /// How many delays after it came, what status, what of it.
    says: Vec<(u32, String, String)>,
    manner: Manner,
}

impl Said {
    fn no(status: impl Into<String>, info: impl Into<String>) -> Self {
        let status: String = status.into();
        let mut says = Vec::new();
        if !status.starts_with('-') {
            says.push((1, "2".to_owned(), "电子口岸申报中".to_owned()));
        }
        says.push((2, status, info.into()));
        Self { says, manner: Manner::Plain }
    }

    /// What is said of a paper that breaks a rule.
    fn faulty(fault: &list_rules::ListFault) -> Self {
        let code = if fault.code.is_empty() { "100" } else { fault.code };
        Self::no(code, fault.message(&Locale::zh_cn()))
    }

    /// Whether customs takes the paper in.
    fn takes(&self) -> bool {
        self.says.iter().any(|(_, status, _)| matches!(status.as_str(), "120" | "399" | "800"))
    }

    /// Whether it agrees to what is asked.
    fn agrees(&self) -> bool {
        self.says.iter().any(|(_, status, _)| status == "399")
    }

    fn releases(&self) -> bool {
        self.says.iter().any(|(_, status, _)| status == "800")
    }
}

fn place(kind: PaperKind, key: &str) -> String {
    format!("simulated_paper:{}:{key}", kind.number())
}

/// The desk at which one message is looked at, in one transaction.
struct Desk<'a> {
    app: &'a App,
    work: Work,
    /// When the message came.
    at: DateTime<Utc>,
    delay: Duration,
}

impl Desk<'_> {
    async fn known(&self, kind: PaperKind, key: &str) -> Result<Option<Known>, Error> {
        let row = simulated::Entity::find_by_id((kind, key.to_owned())).one(self.work.tx()).await?;
        row.map(|row| self.opened(row)).transpose()
    }

    /// The newest paper of a kind about an order.
    async fn about(&self, kind: PaperKind, order_no: &str) -> Result<Option<Known>, Error> {
        let row = simulated::Entity::find()
            .filter(simulated::Column::OrderNo.eq(order_no))
            .filter(simulated::Column::Kind.eq(kind))
            .order_by_desc(simulated::Column::At)
            .one(self.work.tx())
            .await?;
        row.map(|row| self.opened(row)).transpose()
    }

    fn opened(&self, row: simulated::Model) -> Result<Known, Error> {
        let text = self.app.vault().unseal_text(&place(row.kind, &row.business_key), &row.body)?;
        Ok(Known { document: serde_json::from_str(&text).map_err(Error::internal)?, row })
    }

    /// Remembers a paper; answers with it, and whether it came for the first time.
    async fn remember(&self, kind: PaperKind, document: &Document) -> Result<(simulated::Model, bool), Error> {
        let key = kind.key(&document.head);
        let text = serde_json::to_vec(document).map_err(Error::internal)?;
        let body = self.app.vault().seal(&place(kind, &key), &text)?;
        let before = simulated::Entity::find_by_id((kind, key.clone())).one(self.work.tx()).await?;
        let serial = u64::from_be_bytes(vault::random::<8>()?) % 1_000_000_000;
        let day = codes::day(self.at);
        let said = |name: &str| document.head.get(name);
        let customs = said("customsCode").filter(|code| code.len() == 4).unwrap_or("9701");
        let way = if kind.is_export() { 'E' } else { 'I' };
        let number =
            || (format!("B{day}{serial:09}"), format!("{customs}{}{way}{serial:09}", day.get(..4).unwrap_or_default()));
        let (pre_no, invt_no) = match &before {
            Some(row) => (row.pre_no.clone(), row.invt_no.clone()),
            None => number(),
        };
        let row = simulated::Model {
            kind,
            business_key: key,
            order_no: said("orderNo").unwrap_or_default().chars().take(60).collect(),
            body,
            attempts: before.as_ref().map_or(1, |row| row.attempts + 1),
            taken: before.as_ref().is_some_and(|row| row.taken),
            pre_no,
            invt_no: said("invtNo").map_or(invt_no, |number| number.chars().take(18).collect()),
            at: self.at,
        };
        self.put(row.clone()).await?;
        Ok((row, before.is_none()))
    }

    async fn put(&self, row: simulated::Model) -> Result<(), Error> {
        use simulated::Column as C;
        let replace = OnConflict::columns([C::Kind, C::BusinessKey])
            .update_columns([C::OrderNo, C::Body, C::Attempts, C::Taken, C::PreNo, C::InvtNo, C::At])
            .to_owned();
        let insert = simulated::Entity::insert(row.into_active_model()).on_conflict(replace);
        insert.exec_without_returning(self.work.tx()).await?;
        Ok(())
    }

    /// What customs says of a paper.
    async fn judged(&self, kind: PaperKind, document: &Document, first: bool) -> Result<Said, Error> {
        let head = &document.head;
        let order = self.about(PaperKind::Order, head.get("orderNo").unwrap_or_default()).await?;
        let waybill = match kind {
            PaperKind::WaybillStatus => self.known(PaperKind::Waybill, &PaperKind::Waybill.key(head)).await?,
            _ => None,
        };
        let address = |record: &Record| record.get("consigneeAddress").unwrap_or_default().to_owned();
        let whose = waybill.as_ref().or(order.as_ref());
        let own = head.get("consigneeAddress").map(str::to_owned);
        let address = own.or_else(|| whose.map(|known| address(&known.document.head))).unwrap_or_default();
        let (says, manner) = answer(kind, Scenario::of(&address, kind), first);
        let says =
            says.iter().map(|(after, status, info)| (*after, (*status).to_owned(), (*info).to_owned())).collect();
        let planned = Said { says, manner };
        let wrong = match kind {
            PaperKind::Order if planned.takes() => list_rules::order_faults(document).first().map(Said::faulty),
            PaperKind::List if planned.releases() => self.wrong_list(document, order).await?,
            PaperKind::Cancellation if planned.takes() => self.wrong_cancellation(head).await?,
            PaperKind::Return if planned.takes() => self.wrong_return(document).await?,
            PaperKind::WaybillStatus if waybill.is_none() => Some(Said::no("-505000", "运单不存在")),
            _ => None,
        };
        Ok(wrong.unwrap_or(planned))
    }

    /// What is wrong with a list: that of its own, then the match of the three papers.
    async fn wrong_list(&self, list: &Document, order: Option<Known>) -> Result<Option<Said>, Error> {
        let day = business_day(self.at);
        let limits = Limits::on(day).ok_or_else(|| Error::internal("no limits hold today"))?;
        if let Some(fault) = list_rules::list_faults(list, &limits).first() {
            return Ok(Some(Said::faulty(fault)));
        }
        let head = &list.head;
        let Some(order) = order.filter(|known| known.row.taken) else {
            return Ok(Some(Said::no("100", "Code:49;Desc:订单不存在")));
        };
        let payment = self.about(PaperKind::Payment, head.get("orderNo").unwrap_or_default()).await?;
        let Some(payment) = payment.filter(|known| known.row.taken) else {
            return Ok(Some(Said::no("100", "Code:46;Desc:支付信息不存在")));
        };
        let waybill = self.known(PaperKind::Waybill, &PaperKind::Waybill.key(head)).await?;
        let Some(waybill) = waybill.filter(|known| known.row.taken) else {
            return Ok(Some(Said::no("100", "Code:45;Desc:运单不存在")));
        };
        let papers = matching::Papers {
            list: Some(list),
            order: Some(&order.document),
            payment: Some(&payment.document.head),
            waybill: Some(&waybill.document.head),
        };
        // Customs asks the base of identities itself: here, what it said to the house.
        let rows = matching::rows(&papers, &terms(self.app, self.work.tx(), &papers).await?);
        Ok(matching::mismatch(&rows).map(|row| Said::no("100", row.rule.receipt())))
    }

    /// The list that a withdrawal or a return is about.
    async fn list_of(&self, head: &Record) -> Result<Option<Known>, Error> {
        let row = simulated::Entity::find()
            .filter(simulated::Column::InvtNo.eq(head.get("invtNo").unwrap_or_default()))
            .filter(simulated::Column::Kind.eq(PaperKind::List))
            .one(self.work.tx())
            .await?;
        row.map(|row| self.opened(row)).transpose()
    }

    async fn wrong_cancellation(&self, head: &Record) -> Result<Option<Said>, Error> {
        if let Some(fault) = list_rules::cancel_faults(head).first() {
            return Ok(Some(Said::faulty(fault)));
        }
        let list = self.list_of(head).await?;
        Ok(list.is_none().then(|| Said::no("-623003", "清单不存在")))
    }

    async fn wrong_return(&self, document: &Document) -> Result<Option<Said>, Error> {
        let Some(list) = self.list_of(&document.head).await? else {
            return Ok(Some(Said::no("-625003", "原清单不存在")));
        };
        let faults = list_rules::refund_faults(document, &list.document.lines);
        Ok(faults.first().map(Said::faulty))
    }

    /// Has a message arrive.
    async fn tell(&mut self, text: String, due: DateTime<Utc>) -> Result<(), Error> {
        let id = vault::hex(&vault::random::<12>()?);
        self.work.enqueue(&Arrives { text, due, id }).await
    }

    /// What follows from a paper of an export: what customs says of it, and the entry that a summary becomes.
    async fn take_export(&mut self, kind: PaperKind, document: &Document) -> Result<bool, Error> {
        let (now, delay) = (self.at, self.delay);
        let (row, first) = self.remember(kind, document).await?;
        let order = match kind {
            PaperKind::ExportList => {
                self.known(PaperKind::ExportOrder, &PaperKind::ExportOrder.key(&document.head)).await?
            }
            _ => None,
        };
        let mut unknown_waybills = Vec::new();
        for (carrier, number) in simulated_export::waybills(kind, document) {
            let named = Record::default().with("logisticsCode", carrier).with("logisticsNo", &number);
            let key = PaperKind::ExportWaybill.key(&named);
            if self.known(PaperKind::ExportWaybill, &key).await?.is_none_or(|known| !known.row.taken) {
                unknown_waybills.push(number);
            }
        }
        let mut lists = Vec::new();
        for number in simulated_export::lists(kind, document) {
            let found = simulated::Entity::find()
                .filter(simulated::Column::InvtNo.eq(&number))
                .filter(simulated::Column::Kind.eq(PaperKind::ExportList))
                .one(self.work.tx())
                .await?;
            if let Some(found) = found {
                lists.push((number, self.opened(found)?.document));
            }
        }
        let lists: Vec<(&str, &Document)> = lists.iter().map(|(number, list)| (number.as_str(), list)).collect();
        let order = order.is_some_and(|known| known.row.taken);
        let beside = simulated_export::Beside { order, unknown_waybills, lists: lists.clone() };
        let says = simulated_export::says(kind, document, first, &beside);
        let takes = simulated_export::takes(&says);
        if takes && !row.taken {
            self.put(simulated::Model { taken: true, ..row.clone() }).await?;
        }
        let mut last = now;
        for (after, status, info) in &says {
            let at = now + delay * steps(*after);
            last = last.max(at);
            let record = receipt(kind, &row, &document.head, (status, info), at);
            self.tell(written(kind.receipt(), record, Vec::new())?, at).await?;
        }
        if kind == PaperKind::Summary && takes {
            let at = last + delay + BILLED_AFTER;
            let result = simulated_export::result(document, &fresh_guid()?, &lists, at);
            self.tell(written(792, result.head, result.lines)?, last + delay).await?;
        }
        Ok(!says.is_empty())
    }

    /// What follows from a paper of a message.
    async fn take(
        &mut self,
        message: &str,
        kind: PaperKind,
        document: &Document,
        unproved: Option<&Said>,
    ) -> Result<bool, Error> {
        if kind.is_export() {
            return self.take_export(kind, document).await;
        }
        let (at, delay) = (self.at, self.delay);
        let (row, first) = self.remember(kind, document).await?;
        let said = match unproved {
            Some(said) => said.clone(),
            None => self.judged(kind, document, first).await?,
        };
        if said.takes() && !row.taken {
            self.put(simulated::Model { taken: true, ..row.clone() }).await?;
        }
        if said.manner == Manner::Format {
            let text = written(900, format_error(message, &document.head, kind, at), Vec::new())?;
            self.tell(text, at + delay).await?;
            return Ok(true);
        }
        let last = said.says.iter().map(|(after, ..)| *after).max().unwrap_or_default();
        for (after, status, info) in &said.says {
            let said_at = at + delay * steps(*after);
            let record = receipt(kind, &row, &document.head, (status, info), said_at);
            let text = written(kind.receipt(), record, Vec::new())?;
            let due = match said.manner {
                Manner::Shuffled => at + delay * steps(last + 1 - after),
                _ => said_at,
            };
            let copies = if said.manner == Manner::Thrice { THRICE } else { 1 };
            for copy in 0..copies {
                self.tell(text.clone(), due + delay / 2 * steps(copy)).await?;
            }
        }
        let agreed = at + delay * steps(last);
        if kind == PaperKind::List && said.releases() {
            self.tax(&row, document, agreed, said.manner).await?;
        }
        if kind == PaperKind::Return && said.agrees() {
            self.tax_of_the_rest(&document.head, agreed).await?;
        }
        Ok(!said.says.is_empty())
    }
}

/// A receipt of a paper as a message.
fn receipt(
    kind: PaperKind,
    row: &simulated::Model,
    head: &Record,
    (status, info): (&str, &str),
    at: DateTime<Utc>,
) -> Record {
    let copied = |record: Record, names: &[&str]| {
        names.iter().fold(record, |record, name| record.with_some(name, head.get(name)))
    };
    if kind.is_export() {
        let given = simulated_export::Given { pre_no: &row.pre_no, invt_no: &row.invt_no };
        return simulated_export::receipt(kind, head, given, (status, info), at);
    }
    let record = copied(Record::default(), &["guid"]);
    let record = match kind {
        PaperKind::Order => copied(record, &["ebpCode", "ebcCode", "orderNo"]),
        PaperKind::Payment => copied(record, &["payCode", "payTransactionId"]),
        PaperKind::Waybill => copied(record, &["logisticsCode", "logisticsNo"]),
        PaperKind::WaybillStatus => copied(record, &["logisticsCode", "logisticsNo", "logisticsStatus"]),
        PaperKind::List => copied(record, &["customsCode", "ebpCode", "ebcCode", "agentCode", "copNo"])
            .with("preNo", &row.pre_no)
            .with("invtNo", &row.invt_no),
        PaperKind::Cancellation | PaperKind::Return => {
            copied(record, &["customsCode", "agentCode", "ebpCode", "ebcCode", "copNo"])
                .with("preNo", &row.pre_no)
                .with_some("invtNo", head.get("invtNo"))
        }
        _ => copied(record, &["customsCode", "operatorCode", "copNo"]).with("preNo", &row.pre_no),
    };
    record
        .with("returnStatus", status)
        .with("returnTime", codes::moment_of_receipt(at))
        .with("returnInfo", info.chars().take(900).collect::<String>())
}

fn written(number: u16, head: Record, lines: Vec<Record>) -> Result<String, Error> {
    let kind = ceb::kind(number).ok_or_else(|| Error::internal(format!("there is no CEB{number}")))?;
    let message = Message::new(kind, fresh_guid()?, vec![Document { head, lines }]);
    message.write().map_err(|faults| unwritten(&faults))
}

fn unwritten(faults: &[ceb::Fault]) -> Error {
    let told: Vec<String> = faults.iter().map(ToString::to_string).collect();
    Error::internal(told.join("; "))
}

fn steps(n: u32) -> i32 {
    i32::try_from(n).unwrap_or(i32::MAX)
}

fn format_error(message: &str, head: &Record, kind: PaperKind, at: DateTime<Utc>) -> Record {
    Record::default()
        .with_some("guid", head.get("guid"))
        .with("returnStatus", "-1")
        .with("returnInfo", "报文格式校验失败")
        .with("returnTime", codes::moment_of_receipt(at))
        .with("oriCopMsgId", message)
        .with("oriMessageType", format!("CEB{}Message", kind.number()))
        .with("oriBizMessage", "<!-- -->")
}
