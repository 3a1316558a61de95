//! What a passport scanner needs: companions of a reservation, profiles, identity documents.

use super::{
    super::{
        envelope::{Answer, Refusal},
        members::Members,
    },
    Call,
    property::id_of,
};
use serde_json::{Map, Value, json};
use uuid::Uuid;

/// Most documents in one write.
const MOST_DOCUMENTS: usize = 10;

/// Members of a document a client may write.
const WRITABLE: [&str; 9] = [
    "Type",
    "Number",
    "ExpirationDate",
    "IssuanceDate",
    "IssuingCountryCode",
    "IssuingCountrySubdivisionCode",
    "IssuingCity",
    "IdentityDocumentSupportNumber",
    "IsVerified",
];

/// Members of a profile a client may write.
const PROFILE: [&str; 17] = [
    "FirstName",
    "LastName",
    "SecondLastName",
    "Title",
    "BirthDate",
    "BirthPlace",
    "NationalityCode",
    "PreferredLanguageCode",
    "LanguageCode",
    "Sex",
    "Email",
    "Phone",
    "Occupation",
    "LoyaltyCode",
    "Notes",
    "CarRegistrationNumber",
    "TaxIdentificationNumber",
];

/// Who stays in which reservation.
pub(super) fn companionships(call: &Call<'_>) -> Result<Answer, Refusal> {
    let known = ["ReservationIds", "Extent", "Limitation", "EnterpriseIds"];
    let members = Members::of_request(call.body, &known)?;
    let reservations = texts(&members.uuids("ReservationIds", 1000)?);
    members.optional_uuids("EnterpriseIds", 1000)?;
    let extent = members
        .get("Extent")
        .ok_or_else(|| Refusal::invalid("Extent"))?;
    let extent = Members::of_object(
        extent,
        "Extent",
        &["Customers", "Reservations", "ReservationGroups"],
    )?;
    let with_customers = extent.flag("Customers")?;
    let page = members.page()?;
    call.cloud.look(|state| {
        let store = &state.hotels[call.hotel].store;
        let found = store.having("Companionships", "ReservationId", &reservations);
        let (found, cursor) = page.of(found, id_of)?;
        let guests: Vec<String> = found
            .iter()
            .filter_map(|one| Some(one.get("CustomerId")?.as_str()?.to_owned()))
            .collect();
        let customers = with_customers.then(|| store.having("Customers", "Id", &guests));
        Ok(Answer::Json(json!({
            "Companionships": found, "Customers": customers, "Cursor": cursor,
        })))
    })
}

/// Profiles.
pub(super) fn customers(call: &Call<'_>) -> Result<Answer, Refusal> {
    let known = ["CustomerIds", "Extent", "Limitation", "ChainIds"];
    let members = Members::of_request(call.body, &known)?;
    let ids = texts(&members.uuids("CustomerIds", 1000)?);
    members.optional_uuids("ChainIds", 1000)?;
    let extent = members
        .get("Extent")
        .ok_or_else(|| Refusal::invalid("Extent"))?;
    Members::of_object(extent, "Extent", &["Customers", "Addresses"])?.flag("Customers")?;
    let page = members.page()?;
    call.cloud.look(|state| {
        let found = state.hotels[call.hotel]
            .store
            .having("Customers", "Id", &ids);
        let (found, cursor) = page.of(found, id_of)?;
        Ok(Answer::Json(
            json!({ "Customers": found, "Cursor": cursor }),
        ))
    })
}

/// Changes a profile: missing and blank members leave the old value.
pub(super) fn update_customer(call: &Call<'_>) -> Result<Answer, Refusal> {
    let mut known = vec!["CustomerId", "ChainId"];
    known.extend(PROFILE);
    let members = Members::of_request(call.body, &known)?;
    let id = members.uuid("CustomerId")?.to_string();
    call.cloud.change(|state| {
        let store = &mut state.hotels[call.hotel].store;
        let customer = store.item_mut("Customers", &id);
        let customer = customer.ok_or_else(|| Refusal::invalid("CustomerId"))?;
        for name in PROFILE {
            if let Some(text) = members.optional_text(name)?.filter(|text| !text.is_empty()) {
                customer.insert(name.to_owned(), json!(text));
            }
        }
        Ok(Answer::Json(Value::Object(customer.clone())))
    })
}

/// Keeps a file; its content is not looked at.
pub(super) fn add_file(call: &Call<'_>) -> Result<Answer, Refusal> {
    let known = ["CustomerId", "Name", "Type", "Data", "ChainId"];
    let members = Members::of_request(call.body, &known)?;
    let customer = members.uuid("CustomerId")?.to_string();
    let (name, kind) = (members.text("Name")?, members.text("Type")?);
    let size = members.text("Data")?.len();
    let id = Uuid::new_v4();
    call.cloud.change(|state| {
        let store = &mut state.hotels[call.hotel].store;
        if store.item_mut("Customers", &customer).is_none() {
            return Err(Refusal::invalid("CustomerId"));
        }
        let file = json!({
            "Id": id, "CustomerId": customer, "Name": name, "Type": kind, "Size": size,
        });
        store.put("Files", file);
        Ok(Answer::Json(json!({ "FileId": id })))
    })
}

/// Documents of guests.
pub(super) fn documents(call: &Call<'_>) -> Result<Answer, Refusal> {
    let known = ["CustomerIds", "Types", "Limitation", "ChainIds"];
    let members = Members::of_request(call.body, &known)?;
    let guests = texts(&members.uuids("CustomerIds", 100)?);
    members.optional_uuids("ChainIds", 1000)?;
    let types = members.optional_list("Types")?;
    let page = members.page()?;
    call.cloud.look(|state| {
        let store = &state.hotels[call.hotel].store;
        let mut found = store.having("IdentityDocuments", "CustomerId", &guests);
        if let Some(types) = types {
            found.retain(|one| one.get("Type").is_some_and(|kind| types.contains(kind)));
        }
        let (found, cursor) = page.of(found, id_of)?;
        Ok(Answer::Json(
            json!({ "IdentityDocuments": found, "Cursor": cursor }),
        ))
    })
}

/// Adds documents, at most ten, all or none.
pub(super) fn add_documents(call: &Call<'_>) -> Result<Answer, Refusal> {
    let items = written(call)?;
    let mut added = Vec::new();
    let mut known = vec!["CustomerId"];
    known.extend(WRITABLE);
    for item in items {
        let members = Members::of_object(item, "IdentityDocuments", &known)?;
        let customer = members.uuid("CustomerId")?;
        let kind = members.text("Type")?;
        if !["Passport", "IdentityCard", "Visa", "DriversLicense"].contains(&kind) {
            return Err(Refusal::invalid("Type"));
        }
        members.text("Number")?;
        country(members.optional_text("IssuingCountryCode")?)?;
        let mut document = Map::new();
        document.insert("Id".to_owned(), json!(Uuid::new_v4()));
        document.insert("CustomerId".to_owned(), json!(customer));
        for name in WRITABLE {
            let value = members.get(name).cloned().unwrap_or_default();
            document.insert(name.to_owned(), value);
        }
        let verified = members.get("IsVerified").cloned().unwrap_or(json!(false));
        document.insert("IsVerified".to_owned(), verified);
        added.push((customer, Value::Object(document)));
    }
    call.cloud.change(|state| {
        let store = &mut state.hotels[call.hotel].store;
        for (customer, _) in &added {
            if store.item_mut("Customers", &customer.to_string()).is_none() {
                return Err(Refusal::invalid("CustomerId"));
            }
        }
        let documents: Vec<Value> = added.into_iter().map(|(_, document)| document).collect();
        for document in &documents {
            store.put("IdentityDocuments", document.clone());
        }
        Ok(Answer::Json(json!({ "IdentityDocuments": documents })))
    })
}

/// Changes documents by update objects: absent leaves, `{ "Value": v }` sets, also to null.
pub(super) fn update_documents(call: &Call<'_>) -> Result<Answer, Refusal> {
    let items = written(call)?;
    let mut known = vec!["Id"];
    known.extend(WRITABLE);
    let mut changes = Vec::new();
    for item in items {
        let members = Members::of_object(item, "IdentityDocuments", &known)?;
        let mut change = Vec::new();
        for name in WRITABLE {
            let Some(value) = members.get(name) else {
                continue;
            };
            Members::of_object(value, name, &["Value"])?;
            let value = value
                .get("Value")
                .cloned()
                .ok_or_else(|| Refusal::invalid(name))?;
            if name == "IssuingCountryCode" {
                country(value.as_str())?;
            }
            change.push((name, value));
        }
        changes.push((members.uuid("Id")?.to_string(), change));
    }
    call.cloud.change(|state| {
        let store = &mut state.hotels[call.hotel].store;
        for (id, _) in &changes {
            if store.item_mut("IdentityDocuments", id).is_none() {
                return Err(Refusal::invalid("Id"));
            }
        }
        let mut documents = Vec::new();
        for (id, change) in changes {
            if let Some(document) = store.item_mut("IdentityDocuments", &id) {
                for (name, value) in change {
                    document.insert(name.to_owned(), value);
                }
                documents.push(Value::Object(document.clone()));
            }
        }
        Ok(Answer::Json(json!({ "IdentityDocuments": documents })))
    })
}

fn written<'a>(call: &Call<'a>) -> Result<&'a Vec<Value>, Refusal> {
    let members = Members::of_request(call.body, &["IdentityDocuments", "ChainId"])?;
    members.optional_uuid("ChainId")?;
    let items = members.optional_list("IdentityDocuments")?;
    items
        .filter(|items| (1..=MOST_DOCUMENTS).contains(&items.len()))
        .ok_or_else(|| Refusal::invalid("IdentityDocuments"))
}

/// Two letters; a passport's three are a client's mistake.
fn country(code: Option<&str>) -> Result<(), Refusal> {
    let is_good =
        |code: &str| code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_uppercase());
    if code.is_none_or(is_good) {
        Ok(())
    } else {
        Err(Refusal::invalid("IssuingCountryCode"))
    }
}

fn texts(ids: &[Uuid]) -> Vec<String> {
    ids.iter().map(Uuid::to_string).collect()
}
