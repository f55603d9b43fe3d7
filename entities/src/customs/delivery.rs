//! What came into a site under customs supervision (入库明细单, CEB711): the parcels of one bill of a direct import, as the
//! operator of the site counted them. It says which parcels came, not of whom: it stands beside the papers of a sale.

use super::{
    ceb::{Document, Record},
    sale::{Party, Stamp},
};

/// What came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// The operator's own number of it (企业内部编号).
    pub number: String,
    /// The customs office that it is told to.
    pub customs_code: String,
    /// Who operates the site (监管场所经营人).
    pub operator: Party,
    /// How it came over the border (运输方式): `5` is air.
    pub traf_mode: String,
    /// The flight, vessel or vehicle (运输工具编号).
    pub traf_no: String,
    /// The voyage (航次号).
    pub voyage_no: String,
    /// The bill (提运单号).
    pub bill_no: String,
    /// Whose parcels they are (物流企业).
    pub carrier: Party,
    /// Where they were unloaded (卸货库位).
    pub unload_location: Option<String>,
    /// The numbers of the parcels (物流运单编号).
    pub waybills: Vec<String>,
}

impl Delivery {
    /// The paper. `pre_no`: the e-port's number of an earlier attempt.
    pub fn document(&self, pre_no: Option<&str>, stamp: &Stamp) -> Document {
        let head = stamp
            .head()
            .with("customsCode", &self.customs_code)
            .with("copNo", &self.number)
            .with_some("preNo", pre_no)
            .with("operatorCode", &self.operator.code)
            .with("operatorName", &self.operator.name)
            .with("ieFlag", "I")
            .with("trafMode", &self.traf_mode)
            .with("trafNo", &self.traf_no)
            .with("voyageNo", &self.voyage_no)
            .with("billNo", &self.bill_no)
            .with("logisticsCode", &self.carrier.code)
            .with("logisticsName", &self.carrier.name)
            .with_some("unloadLocation", self.unload_location.as_deref());
        let lines = (1..).zip(&self.waybills).map(|(number, waybill): (u32, _)| {
            Record::default().with("gnum", number.to_string()).with("logisticsNo", waybill)
        });
        Document { head, lines: lines.collect() }
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::customs::{
        ceb::{Message, kind},
        paper::PaperKind,
    };

    #[test]
    fn what_came_is_written_as_the_schema_has_it() {
        let party = |code: &str| Party { code: code.into(), name: "示例".into() };
        let delivery = Delivery {
            number: "DR-1".into(),
            customs_code: "9701".into(),
            operator: party("6301660715"),
            traf_mode: "5".into(),
            traf_no: "CZ3101".into(),
            voyage_no: "20260301".into(),
            bill_no: "784-12345675".into(),
            carrier: party("6301980004"),
            unload_location: None,
            waybills: vec!["YT1".into(), "YT2".into()],
        };
        let stamp =
            Stamp { guid: "11111111-AAAA-4BBB-8CCC-000000000001".into(), again: false, at: DateTime::UNIX_EPOCH };
        let document = delivery.document(None, &stamp);
        assert_eq!(PaperKind::Delivery.key(&document.head), "6301660715|DR-1");
        let numbers: Vec<_> = document.lines.iter().map(|line| line.get("gnum").unwrap().to_owned()).collect();
        assert_eq!(numbers, ["1", "2"]);
        let mut message = Message::new(kind(711).unwrap(), stamp.guid.clone(), vec![document]);
        message.transfer = Some(
            Record::default()
                .with("copCode", "6301660715")
                .with("copName", "示例")
                .with("dxpMode", "DXP")
                .with("dxpId", "DXPENT0000000001"),
        );
        let text = message.write().unwrap_or_else(|faults| panic!("{faults:?}"));
        assert!(text.contains("<ceb:voyageNo>20260301</ceb:voyageNo><ceb:billNo>784-12345675</ceb:billNo>"), "{text}");
    }
}
