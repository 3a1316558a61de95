use super::*;

#[test]
fn a_total_of_one_cent_more_is_refused_with_both_numbers() {
    assert!(same_total(15320, 15320).is_ok());
    assert!(
        same_total(220, -220).is_ok(),
        "a refund's amounts are positive on the document"
    );
    let fault = same_total(15321, 15320).expect_err("one cent");
    assert_eq!(fault.say().args["payload"], "153.21");
    assert_eq!(fault.say().args["bill"], "153.20");
}
