//! What the printer's words and numbers mean (Epson Fiscal ePOS Print XML, list of errors).

use driver_fiscal::class::ErrorClass;

/// Class and page of a code, or of the status number where the code says `PRINTER ERROR`. What is
/// not in the list may have done anything.
#[must_use]
pub fn meaning(code: &str, status: i32) -> (ErrorClass, &'static str) {
    use ErrorClass::{Doubt, Operator, Service, Stop, Wait};
    match code {
        "NO_DATA"
        | "NO_RAM"
        | "PARSER_ERROR"
        | "CONFIGURATION_FILE_ERROR"
        | "INCOMPLETE FILE"
        | "Non valid XML command" => return (Stop, "EPSON-XML"),
        "LAN_ERROR" => return (Wait, "EPSON-LAN"),
        "LAN_TIME_OUT" | "FP_NO_ANSWER" | "FP_NO_ANSWER_NETWORK" => {
            return (Doubt, "EPSON-NO-ANSWER");
        }
        "TM_NO_ANSWER" | "TM_OFF_LINE" => return (Operator, "EPSON-SECOND-DEVICE"),
        "EFT_POS_ERROR" => return (Doubt, "EPSON-CARD"),
        other if other.starts_with("EPTR_") => return (Operator, "EPSON-PAPER"),
        _ => {}
    }
    match status {
        3 => (Operator, "EPSON-PAPER"),
        9 | 10 => (Service, "EPSON-DATE"),
        11 | 17 | 18 => (Stop, "EPSON-SEQUENCE"),
        8 | 12 | 13 | 16 | 19 | 22 | 25 | 26 => (Stop, "EPSON-VALUE"),
        7 | 29 | 35 | 37 => (Stop, "EPSON-SLIP"),
        14 | 34 => (Service, "EPSON-SERVICE"),
        15 | 39 | 40 => (Doubt, "EPSON-ALREADY"),
        20 | 21 | 27 => (Stop, "EPSON-LIMIT"),
        23 | 24 => (Stop, "EPSON-TOO-LONG"),
        28 => (Wait, "EPSON-LAN"),
        30 => (Stop, "EPSON-CHECK-DIGIT"),
        38 => (Doubt, "EPSON-CARD"),
        41 | 42 => (Stop, "EPSON-REFERENCE"),
        _ => (Doubt, "EPSON-ERROR"),
    }
}

#[cfg(test)]
mod tests {
    use driver_sdk::{DriverKind as _, FaultKind};

    use super::*;
    use crate::EpsonRt;

    const WORDS: &[(&str, ErrorClass)] = &[
        ("NO_DATA", ErrorClass::Stop),
        ("NO_RAM", ErrorClass::Stop),
        ("PARSER_ERROR", ErrorClass::Stop),
        ("CONFIGURATION_FILE_ERROR", ErrorClass::Stop),
        ("INCOMPLETE FILE", ErrorClass::Stop),
        ("Non valid XML command", ErrorClass::Stop),
        ("LAN_ERROR", ErrorClass::Wait),
        ("LAN_TIME_OUT", ErrorClass::Doubt),
        ("FP_NO_ANSWER", ErrorClass::Doubt),
        ("FP_NO_ANSWER_NETWORK", ErrorClass::Doubt),
        ("TM_NO_ANSWER", ErrorClass::Operator),
        ("TM_OFF_LINE", ErrorClass::Operator),
        ("EPTR_REC_EMPTY", ErrorClass::Operator),
        ("EPTR_COVER_OPEN", ErrorClass::Operator),
        ("EFT_POS_ERROR", ErrorClass::Doubt),
    ];

    /// The vendor's numbers by class; what is in no list is a doubt.
    const NUMBERS: &[(ErrorClass, &[i32])] = &[
        (ErrorClass::Operator, &[3]),
        (ErrorClass::Service, &[9, 10, 14, 34]),
        (ErrorClass::Wait, &[28]),
        (ErrorClass::Doubt, &[15, 38, 39, 40]),
        (
            ErrorClass::Stop,
            &[
                7, 8, 11, 12, 13, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 29, 30, 35, 37,
                41, 42,
            ],
        ),
    ];

    #[test]
    fn every_code_of_the_list_has_its_class_and_a_page() {
        // Its sentence can be filled with what an answer tells.
        let has_page = |code: &str| {
            let page = EpsonRt.faults().iter().find(|page| page.code == code);
            page.is_some_and(|page| {
                let arguments = page.arguments();
                arguments
                    .iter()
                    .all(|name| ["code", "status"].contains(name))
            })
        };
        for (word, class) in WORDS {
            let (found, page) = meaning(word, 0);
            assert_eq!((found, has_page(page)), (*class, true), "{word}");
        }
        for (class, numbers) in NUMBERS {
            for number in *numbers {
                let (found, page) = meaning("PRINTER ERROR", *number);
                assert_eq!((found, has_page(page)), (*class, true), "{number}");
            }
        }
        let listed = |status: &i32| NUMBERS.iter().any(|(_, list)| list.contains(status));
        for status in (-5..60).filter(|status| !listed(status)) {
            assert_eq!(
                meaning("PRINTER ERROR", status).0,
                ErrorClass::Doubt,
                "{status}"
            );
        }
    }

    #[test]
    fn only_what_nobody_knows_is_a_doubt_before_a_commit() {
        for (word, class) in WORDS {
            let kind = class.fault(meaning(word, 0).1).judged(false).kind();
            let wanted = match class {
                ErrorClass::Wait | ErrorClass::Doubt => FaultKind::Transient,
                ErrorClass::Operator => FaultKind::OperatorNeeded,
                ErrorClass::Stop | ErrorClass::Service => FaultKind::Permanent,
            };
            assert_eq!(kind, wanted, "{word}");
        }
    }
}
