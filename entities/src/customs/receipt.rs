//! Receipts (回执): what the e-port and customs say of a paper, kept as they came; and how the paper then stands.
//!
//! A receipt is known by its paper, its status and its time (rule 14 of section 0). How a paper stands is a fold over
//! all receipts of its newest attempt, in whichever order and however often they come: what customs has decided goes
//! before what it considers, and that before what the e-port says; among equals the latest holds. So no receipt that
//! is late, or comes again, undoes a later one, and none that is lost is missed once a later one came. A status that
//! the house does not know is kept and changes nothing (section 2.6).

use crate::Relation;
use sea_orm::entity::prelude::*;

use super::paper::PaperState;
use crate::values::id::{CustomsMessageId, CustomsPaperId, CustomsReceiptId};

/// A status of a receipt that the house knows (回执状态, section 2.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ReturnStatus {
    /// Its number; less than nothing: an exception.
    pub number: i32,
    /// How a paper stands of which it is said.
    pub state: PaperState,
}

/// The statuses with how a paper stands then, and what they are called. In their order among those of one moment.
const STATUSES: &[(i32, PaperState, &str, &str)] = &[
    (1, PaperState::AtPort, "电子口岸已暂存", "saved at the e-port"),
    (2, PaperState::AtPort, "电子口岸申报中", "being declared by the e-port"),
    (3, PaperState::AtPort, "发送海关成功", "sent to customs"),
    (4, PaperState::Failed, "发送海关失败", "could not be sent to customs"),
    (120, PaperState::Accepted, "海关入库", "taken in by customs"),
    (400, PaperState::Suspended, "待运抵", "waits for the goods to arrive"),
    (300, PaperState::Review, "人工审核", "looked at by a person"),
    (500, PaperState::Inspection, "查验", "the goods are inspected"),
    (600, PaperState::Suspended, "挂起", "suspended"),
    (501, PaperState::Detained, "扣留移送通关", "detained, handed to clearance"),
    (502, PaperState::Detained, "扣留移送缉私", "detained, handed to anti-smuggling"),
    (503, PaperState::Detained, "扣留移送法规", "detained, handed to regulation"),
    (505, PaperState::Detained, "移交", "handed over"),
    (599, PaperState::Detained, "其它扣留", "detained"),
    (399, PaperState::Reviewed, "海关审结", "review finished"),
    (100, PaperState::Rejected, "海关退单", "rejected by customs"),
    (700, PaperState::ReturnedAbroad, "退运", "returned abroad"),
    (800, PaperState::Released, "放行", "released"),
    (899, PaperState::Closed, "结关", "closed"),
];

impl ReturnStatus {
    /// What a receipt's `returnStatus` says; none: the house does not know it.
    pub fn of(text: &str) -> Option<Self> {
        let text = text.trim();
        if text.starts_with('-') {
            let number: i32 = text.parse().ok().filter(|number| *number < 0)?;
            return Some(Self { number, state: PaperState::Failed });
        }
        let number: i32 = text.parse().ok()?;
        STATUSES.iter().find(|(known, ..)| *known == number).map(|(_, state, ..)| Self { number, state: *state })
    }

    /// What it is called, in Chinese and in English.
    pub fn called(self) -> (&'static str, &'static str) {
        let named = STATUSES.iter().find(|(known, ..)| *known == self.number);
        named.map_or(("异常回执", "an exception"), |(_, _, zh, en)| (zh, en))
    }

    /// Who says it: 0 the e-port, 1 customs while it considers, 2 customs when it has decided, 3 when all is done.
    fn phase(self) -> u8 {
        match self.state {
            PaperState::Closed => 3,
            PaperState::Released | PaperState::ReturnedAbroad => 2,
            PaperState::AtPort | PaperState::Failed | PaperState::Draft | PaperState::Sent => 0,
            _ => 1,
        }
    }

    /// Its place among those of one moment.
    fn place(self) -> usize {
        // An exception comes after what the e-port says of its work, before customs.
        STATUSES.iter().position(|(known, ..)| *known == self.number).unwrap_or(3)
    }
}

/// What one receipt says, as far as it matters to how a paper stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// The status, as it was written.
    pub status: String,
    /// When, 17 digits.
    pub time: String,
    /// What was said of it.
    pub info: String,
}

/// The receipt that says how a paper stands; none: nobody has said anything that the house knows.
pub fn fold<'a>(receipts: impl IntoIterator<Item = &'a Said>) -> Option<(&'a Said, ReturnStatus)> {
    receipts.into_iter().filter_map(|said| ReturnStatus::of(&said.status).map(|status| (said, status))).max_by(
        |(a, left), (b, right)| {
            let weight = |said: &'a Said, status: &ReturnStatus| {
                // Exceptions of one moment have one place: the text decides, so that any order leads to the same.
                (status.phase(), said.time.as_str(), status.place(), said.status.as_str(), said.info.as_str())
            };
            weight(a, left).cmp(&weight(b, right))
        },
    )
}

/// A row of `customs_receipt`, only added to.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, serde::Serialize)]
#[sea_orm(table_name = "customs_receipt")]
pub struct Model {
    /// Identifier.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: CustomsReceiptId,
    /// Of which paper.
    pub paper_id: CustomsPaperId,
    /// Of which of its attempts.
    pub attempt: i32,
    /// The status, as it was written.
    pub status: String,
    /// When customs said it, 17 digits of Beijing time.
    pub time: String,
    /// What it said of it (备注).
    pub info: String,
    /// Whether the house knows the status.
    pub known: bool,
    /// The message that it came in.
    pub message_id: CustomsMessageId,
    /// When it came.
    pub at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    /// What it says.
    pub fn said(&self) -> Said {
        Said { status: self.status.clone(), time: self.time.clone(), info: self.info.clone() }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn said(status: &str, time: &str) -> Said {
        Said { status: status.into(), time: format!("20251101{time}"), info: String::new() }
    }

    fn stands(receipts: &[Said]) -> Option<PaperState> {
        fold(receipts).map(|(_, status)| status.state)
    }

    #[test]
    fn a_paper_stands_as_its_receipts_say() {
        type Case = (&'static [(&'static str, &'static str)], Option<PaperState>);
        use PaperState as S;
        let table: &[Case] = &[
            (&[], None),
            (&[("777", "171550734")], None),
            (&[("2", "171550734")], Some(S::AtPort)),
            (&[("2", "171550734"), ("777", "171556700")], Some(S::AtPort)),
            // The sequence that was seen: 120 and 800 are 50 ms apart, 399 is absent.
            (&[("2", "171550734"), ("120", "171556605"), ("800", "171556654")], Some(S::Released)),
            (&[("800", "171556654")], Some(S::Released)),
            // The clock of the e-port is ahead: what customs decided stays.
            (&[("800", "171556654"), ("3", "171600000"), ("120", "171600001")], Some(S::Released)),
            (&[("120", "1"), ("300", "2"), ("500", "3"), ("399", "4")], Some(S::Reviewed)),
            (&[("120", "1"), ("300", "2"), ("500", "3")], Some(S::Inspection)),
            (&[("120", "1"), ("300", "2"), ("501", "3")], Some(S::Detained)),
            (&[("120", "1"), ("100", "2")], Some(S::Rejected)),
            (&[("3", "1"), ("100", "1")], Some(S::Rejected)),
            (&[("3", "1"), ("-621005", "2")], Some(S::Failed)),
            (&[("2", "1"), ("4", "2")], Some(S::Failed)),
            // An exception after customs has it: it was about a repeat.
            (&[("120", "1"), ("-304001", "2")], Some(S::Accepted)),
            (&[("800", "1"), ("700", "2")], Some(S::ReturnedAbroad)),
            (&[("800", "2"), ("899", "1")], Some(S::Closed)),
            (&[("600", "2"), ("800", "3")], Some(S::Released)),
        ];
        for (receipts, expected) in table {
            let receipts: Vec<Said> = receipts.iter().map(|(status, time)| said(status, time)).collect();
            assert_eq!(stands(&receipts), *expected, "{receipts:?}");
        }
    }

    #[test]
    fn a_status_is_known_or_is_not() {
        for known in ["1", "2", "3", "4", "100", "120", "300", "399", "400", "500", "501", "599", "600", "700", "800"] {
            assert!(ReturnStatus::of(known).is_some(), "{known}");
        }
        assert_eq!(ReturnStatus::of("-621018").map(|s| s.state), Some(PaperState::Failed));
        for unknown in ["", "-", "0", "801", "eight", "-0", "1.5", "99999999999"] {
            assert_eq!(ReturnStatus::of(unknown), None, "{unknown}");
        }
    }

    proptest! {
        #[test]
        fn order_and_number_of_receipts_do_not_matter(
            receipts in proptest::collection::vec((prop::sample::select(vec![
                "1", "2", "3", "4", "100", "120", "300", "399", "500", "501", "599", "700", "800", "899", "-1", "-621018",
                "555",
            ]), 0..6_u32), 0..20),
            shuffled in any::<prop::sample::Index>(),
        ) {
            let receipts: Vec<Said> = receipts.iter().map(|(status, time)| said(status, &time.to_string())).collect();
            let mut turned = receipts.clone();
            if !turned.is_empty() {
                let n = shuffled.index(turned.len());
                turned.rotate_left(n);
                turned.reverse();
                turned.extend(receipts.iter().take(n).cloned());
            }
            prop_assert_eq!(fold(&receipts).map(|(said, _)| said), fold(&turned).map(|(said, _)| said));
        }

        #[test]
        fn what_is_released_stays_released_whatever_the_e_port_says_later(
            later in proptest::collection::vec((prop::sample::select(vec!["1", "2", "3", "4", "120", "300", "500", "100", "-5"]), 5..9_u32), 0..9),
        ) {
            let mut receipts = vec![said("800", "1")];
            receipts.extend(later.iter().map(|(status, time)| said(status, &time.to_string())));
            prop_assert_eq!(stands(&receipts), Some(PaperState::Released));
        }
    }
}
