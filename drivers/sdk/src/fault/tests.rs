use super::*;

#[test]
fn a_fault_after_commit_without_proof_is_a_doubt() {
    assert_eq!(
        Fault::transient("LINK-SILENT").judged(true).kind(),
        FaultKind::InDoubt
    );
    assert_eq!(
        Fault::transient("LINK-SILENT").judged(false).kind(),
        FaultKind::Transient
    );
    let refused = Fault::permanent("NAK").without_effect();
    assert_eq!(refused.judged(true).kind(), FaultKind::Permanent);
}

#[test]
fn the_proof_of_one_effect_is_one_of_the_attempt_only_where_it_was_the_first() {
    let judged = |sent_before| {
        let fault = Fault::transient("LINK-UNREACHABLE").never_sent();
        fault.of_an_attempt(sent_before).judged(true).kind()
    };
    assert_eq!(judged(false), FaultKind::Transient);
    assert_eq!(judged(true), FaultKind::InDoubt);
    let nobody_asked_the_run = Fault::transient("LINK-UNREACHABLE").never_sent();
    assert_eq!(nobody_asked_the_run.judged(true).kind(), FaultKind::InDoubt);
    // What a driver proves of the whole attempt stands.
    let refused = Fault::permanent("NAK").without_effect().of_an_attempt(true);
    assert_eq!(refused.judged(true).kind(), FaultKind::Permanent);
}

#[test]
fn before_commit_nothing_can_be_in_doubt() {
    assert_eq!(
        Fault::in_doubt("X").judged(false).kind(),
        FaultKind::Transient
    );
}

#[test]
fn a_partial_effect_stays_partial_only_after_commit() {
    let proof = Proof::new(Grade::Done, Say::new("ONE-KEY"));
    let fault = Fault::permanent("X").with_effect(proof.clone());
    assert_eq!(fault.clone().judged(true).kind(), FaultKind::Partly);
    assert_eq!(fault.judged(true).effect(), Some(&proof));
}

#[test]
fn a_sentence_is_filled_and_stays_on_one_line() {
    let catalogue = Catalogue::default();
    let unknown = Say::new("NEW-CODE").with("room", "20\n4");
    assert_eq!(catalogue.sentence(&unknown), "NEW-CODE (room 20 4)");
    let known = Catalogue::new([]).sentence(&Say::new("LINK-SILENT").with("address", "COM3"));
    assert!(
        known.starts_with("The device at COM3 did not answer."),
        "{known}"
    );
}

#[test]
fn every_page_of_the_contract_has_a_sentence_and_an_explanation() {
    for page in PAGES {
        assert!(page.sentence().ends_with('.'), "{}", page.code);
        assert!(!page.explanation().is_empty(), "{}", page.code);
    }
}
