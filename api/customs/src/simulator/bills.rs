//! What the simulator bills: the taxes of what it releases, computed by the tariff of the day as customs does it; void, and
//! billed anew, when goods come back.

use chrono::{DateTime, Duration, Utc};
use entities::{
    customs::{
        ceb::{self, Document, Message, Record},
        codes,
        paper::PaperKind,
        simulated::{self, Manner, Scenario, answer},
    },
    trade::{
        Contents, Limits,
        limits::Quota,
        price::{GoodsLine, RetailOrder, assess},
        tax::Rounding,
    },
    values::HsCode,
};
use platform::{clock::business_day, customs::fresh_guid, error::Error};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use trade::tariffs;

use super::{Desk, unwritten, written};

/// How much later than the release a bill says that it was made, as was seen (section 2.5).
pub(super) const BILLED_AFTER: Duration = Duration::milliseconds(4);

impl Desk<'_> {
    /// The tax bill of a list that is released, computed by the tariff of the day as customs does it.
    async fn bill(
        &self,
        row: &simulated::Model,
        list: &Document,
        tax_no: &str,
        at: DateTime<Utc>,
    ) -> Result<Option<Message>, Error> {
        let head = &list.head;
        let fen = |record: &Record, name: &str| record.get(name).and_then(codes::fen).unwrap_or_default();
        let day = business_day(at);
        let codes_of: Vec<HsCode> =
            list.lines.iter().filter_map(|line| line.get("gcode").and_then(|code| code.parse().ok())).collect();
        let rows = tariffs::rows_for(self.work.tx(), &codes_of, day).await?;
        let lines: Vec<GoodsLine> = list
            .lines
            .iter()
            .filter_map(|line| {
                let quantity = line.get("qty").and_then(|text| text.parse().ok())?;
                let unit_price_minor = fen(line, "price");
                Some(GoodsLine {
                    hs: line.get("gcode")?.parse().ok()?,
                    unit_price_minor,
                    quantity,
                    open_discount_minor: (unit_price_minor * i64::from(quantity) - fen(line, "totalPrice")).max(0),
                    contents: contents(line, quantity),
                })
            })
            .collect();
        let order = RetailOrder {
            lines,
            open_discount_minor: 0,
            freight_minor: fen(head, "freight"),
            insurance_minor: fen(head, "insuredFee"),
            voucher_minor: 0,
            date: day,
        };
        let Some(limits) = Limits::on(day) else { return Ok(None) };
        let quota = Quota { limits, used_minor: 0, reserved_minor: 0 };
        let Ok(assessed) = assess(&order, &rows, &quota, Rounding::default()) else {
            // Without a tariff there is no bill; a real customs has one.
            return Ok(None);
        };
        let bill = Record::default()
            .with("guid", fresh_guid()?)
            .with("returnTime", codes::moment_of_receipt(at))
            .with("invtNo", &row.invt_no)
            .with("taxNo", tax_no)
            .with("customsTax", codes::yuan(assessed.duty_minor))
            .with("valueAddedTax", codes::yuan(assessed.vat_minor))
            .with("consumptionTax", codes::yuan(assessed.consumption_minor))
            .with("status", "1")
            .with_some("assureCode", head.get("assureCode"))
            .with_some("ebcCode", head.get("ebcCode"))
            .with_some("logisticsCode", head.get("logisticsCode"))
            .with_some("agentCode", head.get("agentCode"))
            .with_some("customsCode", head.get("customsCode"));
        let lines = assessed.lines.iter().zip(&list.lines).map(|(line, said)| {
            Record::default()
                .with_some("gnum", said.get("gnum"))
                .with_some("gcode", said.get("gcode"))
                .with("taxPrice", codes::yuan(line.price.dutiable_minor))
                .with("customsTax", codes::yuan(line.tax.duty.payable_minor))
                .with("valueAddedTax", codes::yuan(line.tax.vat.payable_minor))
                .with("consumptionTax", codes::yuan(line.tax.consumption.payable_minor))
        });
        let document = Document { head: bill, lines: lines.collect() };
        let kind = ceb::kind(816).ok_or_else(|| Error::internal("there is no CEB816"))?;
        Ok(Some(Message::new(kind, fresh_guid()?, vec![document])))
    }

    /// Has the tax bill of a list arrive that was released at that moment, and that it is void when the mark says so.
    pub(super) async fn tax(
        &mut self,
        row: &simulated::Model,
        list: &Document,
        released: DateTime<Utc>,
        manner: Manner,
    ) -> Result<(), Error> {
        let at = released + BILLED_AFTER;
        let Some(bill) = self.bill(row, list, &tax_no(row, 0), at).await? else { return Ok(()) };
        self.tell(bill.write().map_err(|faults| unwritten(&faults))?, released).await?;
        if manner == Manner::TaxVoid {
            let later = at + self.delay + Duration::milliseconds(1);
            let void = void(&list.head, &row.invt_no, &tax_no(row, 0), later)?;
            self.tell(void, released + self.delay).await?;
        }
        Ok(())
    }

    /// Goods came back: no tax is levied on them (财关税〔2018〕49号). The bill of their list is void, and what stayed is billed
    /// anew.
    pub(super) async fn tax_of_the_rest(&mut self, returned: &Record, agreed: DateTime<Utc>) -> Result<(), Error> {
        let Some(list) = self.list_of(returned).await? else { return Ok(()) };
        let order = self.about(PaperKind::Order, &list.row.order_no).await?;
        let address = order.as_ref().and_then(|known| known.document.head.get("consigneeAddress")).unwrap_or_default();
        let rows = simulated::Entity::find()
            .filter(simulated::Column::InvtNo.eq(&list.row.invt_no))
            .filter(simulated::Column::Kind.eq(PaperKind::Return))
            .all(self.work.tx())
            .await?;
        let mut back = Vec::new();
        for row in rows {
            let (says, _) = answer(PaperKind::Return, Scenario::of(address, PaperKind::Return), row.attempts == 1);
            if row.taken && says.iter().any(|(_, status, _)| *status == "399") {
                back.push(self.opened(row)?.document);
            }
        }
        let Some(before) = back.len().checked_sub(1) else { return Ok(()) };
        let head = &list.document.head;
        // Later than anything that was said of the bill.
        let at = agreed + BILLED_AFTER + Duration::milliseconds(1);
        let void = void(head, &list.row.invt_no, &tax_no(&list.row, before), at)?;
        self.tell(void, agreed + self.delay).await?;
        let rest = rest_of(&list.document, &back);
        if rest.lines.is_empty() {
            return Ok(());
        }
        let Some(bill) = self.bill(&list.row, &rest, &tax_no(&list.row, back.len()), at).await? else { return Ok(()) };
        self.tell(bill.write().map_err(|faults| unwritten(&faults))?, agreed + self.delay).await
    }
}

/// The number of a list's bill: each return makes another.
fn tax_no(list: &simulated::Model, returns: usize) -> String {
    format!("{}_{returns}", list.invt_no)
}

/// That a tax bill is void (CEB818).
fn void(list: &Record, invt_no: &str, tax_no: &str, at: DateTime<Utc>) -> Result<String, Error> {
    let record = Record::default()
        .with("guid", fresh_guid()?)
        .with("returnTime", codes::moment_of_receipt(at))
        .with("invtNo", invt_no)
        .with("taxNo", tax_no)
        .with("status", "3")
        .with_some("assureCode", list.get("assureCode"));
    written(818, record, Vec::new())
}

/// A list without what came back of it; what was paid for the way stays with the goods that stay, by their price.
fn rest_of(list: &Document, back: &[Document]) -> Document {
    let fen = |record: &Record, name: &str| record.get(name).and_then(codes::fen).unwrap_or_default();
    let pieces = |record: &Record| record.get("qty").and_then(|text| text.parse::<i64>().ok()).unwrap_or_default();
    let share = |whole: i64, of: i64, some: i64| {
        let share = i128::from(whole) * i128::from(some) / i128::from(of.max(1));
        i64::try_from(share).unwrap_or_default()
    };
    let part = |whole: i64, of: i64, some: i64| codes::yuan(share(whole, of, some));
    let with = |record: &Record, changes: &[(&str, String)]| {
        record.values().fold(Record::default(), |record, (name, value)| {
            let change = changes.iter().find(|(changed, _)| *changed == name);
            record.with(name, change.map_or(value, |(_, value)| value.as_str()))
        })
    };
    let (mut all, mut stays) = (0, 0);
    let mut lines = Vec::new();
    for line in &list.lines {
        let same = |other: &&Record| other.get("gnum") == line.get("gnum");
        let gone: i64 = back.iter().flat_map(|document| &document.lines).filter(same).map(&pieces).sum();
        let (had, left) = (pieces(line), pieces(line) - gone);
        all += fen(line, "totalPrice");
        if left > 0 {
            let price = part(fen(line, "totalPrice"), had, left);
            stays += codes::fen(&price).unwrap_or_default();
            let mut changes = vec![("qty", left.to_string()), ("totalPrice", price)];
            // Quantities in legal units are those of the whole line.
            for name in ["qty1", "qty2"] {
                let e5 = line.get(name).and_then(codes::e5);
                changes.extend(e5.map(|e5| (name, codes::quantity(share(e5, had, left)))));
            }
            lines.push(with(line, &changes));
        }
    }
    let way = |name: &'static str| (name, part(fen(&list.head, name), all, stays));
    Document { head: with(&list.head, &[way("freight"), way("insuredFee")]), lines }
}

/// What one of a line has inside, from its legal quantities.
fn contents(line: &Record, quantity: u32) -> Contents {
    let each = i64::from(quantity.max(1));
    let of = |unit: &str, scale: i64| {
        [("unit1", "qty1"), ("unit2", "qty2")]
            .into_iter()
            .find(|(name, _)| line.get(name) == Some(unit))
            .and_then(|(_, name)| line.get(name).and_then(codes::e5))
            .map(|e5| rust_decimal::Decimal::new(e5 * scale, 5) / rust_decimal::Decimal::from(each))
    };
    // Kilograms, litres, sheets (片).
    Contents { grams: of("035", 1_000), millilitres: of("095", 1_000), pieces: of("020", 1) }
}
