use super::*;

fn parse(text: &str) -> Record {
    Record::parse(text.as_bytes()).expect("a record of this test")
}

fn described() -> Description {
    let mut description = Description::default();
    description.begin(&parse("LD|DA260328|TI150001|V#1.0|IFDL|RT4|"));
    description.add(&parse("LR|RIKR|FLKCKTRNWSG#GAGDDTGNDATI|"));
    description.add(&parse("LR|RIKA|FLASCTKCWSG#DATI|"));
    description
}

#[test]
fn only_requested_fields_are_sent() {
    let record = Record::new("KR")
        .with("KC", "1")
        .with("SI", "102")
        .with("$2", "x");
    let sent = described().only_wanted(record);
    assert_eq!(sent, Record::new("KR").with("KC", "1"));
}

#[test]
fn record_types_and_fields_are_known() {
    let description = described();
    assert!(description.takes("KR") && !description.takes("KZ"));
    assert!(description.wants("KR", "G#") && !description.wants("KR", "SI"));
    assert_eq!(description.requests, 4);
}

#[test]
fn a_new_description_replaces_the_old_one() {
    let mut description = described();
    description.begin(&parse("LD|IFDL|"));
    assert!(description.is_described() && !description.takes("KR"));
    description.add(&parse("LR|RIKR|FLKCKTR|"));
    assert!(description.wants("KR", "KT") && !description.wants("KR", "R"));
}

#[test]
fn an_odd_list_does_no_harm() {
    let mut description = described();
    description.add(&parse("LR|RIKR|"));
    description.add(&parse("LR|FLKC|"));
    assert!(description.wants("KR", "KC"));
    for n in 0..300 {
        description.add(&parse(&format!("LR|RI{n}|FLKC|")));
    }
    assert!(description.records.len() <= 100);
}
