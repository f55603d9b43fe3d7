//! What a withdrawal and a return must keep.

use super::{Faults, ListFault, ListWrong, Place, distinct, number, said};
use crate::customs::ceb::{Document, Record};

/// A withdrawal without a reason.
const NO_REASON: &str = "-623012";
/// No line of the list has this number and this code.
const NOT_IN_ORIGINAL: &str = "-625209";

/// All that is wrong with the withdrawal of a list (撤销申请单, 623). Official: it is new, as there is nothing else to do
/// with one, and gives a reason (`-623012`).
pub fn cancel_faults(head: &Record) -> Vec<ListFault> {
    let mut faults = Faults::default();
    let head = Place::head(head);
    head.one_of(&mut faults, "appType", &["1"]);
    faults.demand(head.said("reason").is_some(), NO_REASON, head.at("reason"), ListWrong::Missing);
    faults.0
}

/// All that is wrong with a return (退货申请单, 625) of goods of a list with these lines.
///
/// Official: it gives a reason; each of its lines has number and code of a line of the list (`-625209`), and not more than
/// that. Own: it has lines, each line of the list once, in the list's unit. What came back of the list before is not known
/// here.
pub fn refund_faults(refund: &Document, original: &[Record]) -> Vec<ListFault> {
    let mut faults = Faults::default();
    Place::head(&refund.head).required(&mut faults, "reason");
    faults.demand(!refund.lines.is_empty(), "", "InvtRefundList".into(), ListWrong::Missing);
    for (line, returned) in distinct(&mut faults, &refund.lines, "") {
        let quantity = line.above_zero(&mut faults, "qty");
        let unit = line.required(&mut faults, "unit");
        let (Some(returned), Some(code)) = (returned, line.required(&mut faults, "gcode")) else { continue };
        let same = |of: &&Record| {
            said(of, "gnum").and_then(|number| number.parse().ok()) == Some(returned) && said(of, "gcode") == Some(code)
        };
        let Some(of) = original.iter().find(same) else {
            faults.demand(false, NOT_IN_ORIGINAL, line.at("gnum"), ListWrong::NotInOriginal);
            continue;
        };
        if let Some((quantity, most)) = quantity.zip(said(of, "qty").and_then(number)) {
            line.demand(&mut faults, quantity <= most, "qty", ListWrong::MoreThanOriginal { most });
        }
        if let Some((unit, expected)) = unit.zip(said(of, "unit")) {
            let what = ListWrong::OtherThanOriginal { expected: expected.to_owned() };
            line.demand(&mut faults, unit == expected, "unit", what);
        }
    }
    faults.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::customs::list_rules::fixtures::{self, set};

    fn told(faults: &[ListFault]) -> Vec<String> {
        faults.iter().map(|fault| format!("{} {fault}", fault.code).trim().to_owned()).collect()
    }

    #[test]
    fn a_withdrawal_is_new_and_has_a_reason() {
        let good = fixtures::refund().head;
        for (name, value, expected) in [
            ("reason", "订购人取消", &[][..]),
            ("reason", "", &["-623012 reason is missing"]),
            ("reason", "  ", &["-623012 reason is missing"]),
            ("appType", "2", &["appType must be 1"]),
        ] {
            let mut head = good.clone();
            set(&mut head, name, value);
            assert_eq!(told(&cancel_faults(&head)), expected, "{name} {value:?}");
        }
    }

    #[test]
    fn what_comes_back_is_of_the_list() {
        let original = fixtures::list().lines;
        let no_line = "-625209 gnum 1: gnum and gcode are not those of a line of the list";
        for (name, value, expected) in [
            ("qty", "4", &[][..]),
            ("qty", "10.0", &[]),
            ("qty", "10.00001", &["gnum 1: qty must not be more than on the list (10)"]),
            ("qty", "0", &["gnum 1: qty must be above 0"]),
            ("qty", "", &["gnum 1: qty is missing"]),
            ("unit", "011", &["gnum 1: unit must be that of the list (142)"]),
            ("gcode", "2201109000", &[no_line]),
            ("gcode", "", &["gnum 1: gcode is missing"]),
            ("gnum", "01", &[]),
            ("gnum", "2", &["-625209 gnum 2: gnum and gcode are not those of a line of the list"]),
            ("gnum", "", &["line 1: gnum is missing"]),
        ] {
            let mut refund = fixtures::refund();
            set(&mut refund.lines[0], name, value);
            assert_eq!(told(&refund_faults(&refund, &original)), expected, "{name} {value:?}");
        }
        let mut twice = fixtures::refund();
        twice.lines.push(twice.lines[0].clone());
        assert_eq!(told(&refund_faults(&twice, &original)), ["line 2: gnum is the number of another line too"]);
        let mut none = fixtures::refund();
        none.lines.clear();
        set(&mut none.head, "reason", "");
        assert_eq!(told(&refund_faults(&none, &original)), ["reason is missing", "InvtRefundList is missing"]);
    }
}
