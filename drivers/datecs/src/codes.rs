//! The error codes of the X dialect. The status bytes can look clean while the code is negative,
//! so the code decides.

use driver_fiscal::class::ErrorClass;
use driver_sdk::Fault;

/// What a negative code means, and the page that says it.
#[must_use]
pub fn meaning(code: i32) -> (ErrorClass, &'static str) {
    use ErrorClass::{Doubt, Operator, Service, Stop, Wait};
    match code {
        -100_403 | -112_006 => (Operator, "DATECS-PAPER"),
        -100_404 | -112_007 => (Operator, "DATECS-COVER"),
        -100_199..=-100_100 => (Service, "DATECS-MEMORY"),
        -100_599..=-100_500 => (Service, "DATECS-MECHANISM"),
        -101_009 | -101_007 => (Doubt, "DATECS-TIMEOUT"),
        -102_002 => (Stop, "DATECS-PASSWORD"),
        -102_009 | -102_010 | -102_017 | -102_020 => (Service, "DATECS-NOT-FISCAL"),
        -104_000 | -111_024 => (Operator, "DATECS-Z-NEEDED"),
        -105_009 => (Operator, "DATECS-JOURNAL-NEAR"),
        -105_010 => (Service, "DATECS-JOURNAL-FULL"),
        -110_202 | -110_212 => (Wait, "DATECS-TAX-BUSY"),
        -110_210 | -110_217 | -110_219 | -110_225 | -110_226 => (Service, "DATECS-BLOCKED"),
        -111_005 | -111_061 => (Stop, "DATECS-FORBIDDEN"),
        -111_015 | -111_046 | -111_047 | -111_067 => (Doubt, "DATECS-DOCUMENT-OPEN"),
        -111_016 => (Doubt, "DATECS-NOT-OPEN"),
        -111_018 | -111_050 => (Doubt, "DATECS-PAYMENT-ORDER"),
        -111_019 => (Stop, "DATECS-TOO-LONG"),
        -111_021 | -111_094 => (Stop, "DATECS-NEGATIVE"),
        -111_065..=-111_063 => (Stop, "DATECS-SUM"),
        -111_560 => (Doubt, "DATECS-CARD"),
        -112_005 => (Operator, "DATECS-MODE"),
        -112_299..=-112_000 => (Stop, "DATECS-SYNTAX"),
        _ => (Stop, "DATECS-ERROR"),
    }
}

/// The fault of a negative code. For a syntax error it names the parameter.
#[must_use]
pub fn fault(code: i32, command: u8) -> Fault {
    let (class, page) = meaning(code);
    let fault = class
        .fault(page)
        .with("code", code)
        .with("command", command);
    match code {
        -112_199..=-112_100 => fault.with("parameter", -112_100 - code),
        -112_299..=-112_200 => fault.with("parameter", -112_200 - code),
        _ => fault.with("parameter", "none"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_family_of_the_sheet_has_its_class() {
        use ErrorClass::{Doubt, Operator, Service, Stop, Wait};
        for (codes, class) in [
            (
                &[
                    -100_403, -112_006, -100_404, -112_007, -104_000, -111_024, -112_005,
                ][..],
                Operator,
            ),
            (
                &[-100_101, -100_199, -100_500, -102_009, -105_010, -110_217],
                Service,
            ),
            (
                &[
                    -101_009, -101_007, -111_016, -111_018, -111_050, -111_560, -111_015,
                ],
                Doubt,
            ),
            (
                &[
                    -102_002, -111_005, -111_019, -111_021, -111_064, -112_000, -112_101, -1,
                ],
                Stop,
            ),
            (&[-110_202, -110_212], Wait),
        ] {
            for code in codes {
                assert_eq!(meaning(*code).0, class, "{code}");
            }
        }
    }

    #[test]
    fn a_syntax_error_names_its_parameter() {
        assert_eq!(fault(-112_103, 49).say().args["parameter"], "3");
        assert_eq!(fault(-112_207, 49).say().args["parameter"], "7");
        assert_eq!(fault(-112_001, 49).say().args["parameter"], "none");
    }
}
