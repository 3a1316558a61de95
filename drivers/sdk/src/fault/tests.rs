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
