use super::{super::SandboxOptions, raw_client::start};
use serde_json::{Value, json};
use uuid::Uuid;

#[tokio::test]
async fn the_guests_of_a_reservation_are_found() {
    let (sandbox, client) = start(SandboxOptions::default()).await;
    let (guest, stay) = (Uuid::new_v4(), Uuid::new_v4());
    sandbox.put("Customers", json!({ "Id": guest, "LastName": "Nováková" }));
    let companion = json!({ "Id": Uuid::new_v4(), "CustomerId": guest, "ReservationId": stay });
    sandbox.put("Companionships", companion.clone());
    let body = json!({
        "ReservationIds": [stay],
        "Extent": { "Customers": true, "Reservations": false, "ReservationGroups": false },
        "Limitation": { "Count": 100 },
    });
    let reply = client.call("companionships/getAll", body).await;
    assert_eq!(reply.body["Companionships"], json!([companion]));
    assert_eq!(reply.body["Customers"][0]["LastName"], json!("Nováková"));
    let body = json!({
        "CustomerIds": [guest], "Extent": { "Customers": true, "Addresses": false },
        "Limitation": { "Count": 100 },
    });
    let reply = client.call("customers/getAll", body).await;
    assert_eq!(reply.body["Customers"][0]["Id"], json!(guest));
}

#[tokio::test]
async fn documents_are_added_read_and_changed() {
    let (sandbox, client) = start(SandboxOptions::default()).await;
    let guest = Uuid::new_v4();
    sandbox.put("Customers", json!({ "Id": guest, "LastName": "Teixeira" }));
    let passport = |country: &str| {
        json!({ "CustomerId": guest, "Type": "Passport", "Number": "L8988901C",
            "ExpirationDate": "2034-04-15", "IssuingCountryCode": country })
    };
    let add = |documents: Vec<Value>| json!({ "IdentityDocuments": documents });
    let reply = client
        .call("identityDocuments/add", add(vec![passport("PT")]))
        .await;
    let id = reply.body["IdentityDocuments"][0]["Id"].clone();
    assert_eq!(
        reply.body["IdentityDocuments"][0]["IsVerified"],
        json!(false)
    );

    let three = client
        .call("identityDocuments/add", add(vec![passport("PRT")]))
        .await;
    assert_eq!(three.status, 400, "three letters");
    let eleven = client
        .call("identityDocuments/add", add(vec![passport("PT"); 11]))
        .await;
    assert_eq!(eleven.status, 400, "eleven documents");
    let mut stranger = passport("PT");
    stranger["CustomerId"] = json!(Uuid::new_v4());
    let both = add(vec![passport("PT"), stranger]);
    assert_eq!(client.call("identityDocuments/add", both).await.status, 400);
    assert_eq!(sandbox.stored("IdentityDocuments").len(), 1, "all or none");

    let change = json!({ "Id": id, "Number": { "Value": "X1" }, "ExpirationDate": { "Value": null },
        "IssuingCity": null });
    let reply = client
        .call("identityDocuments/update", add(vec![change]))
        .await;
    let document = &reply.body["IdentityDocuments"][0];
    assert_eq!(
        (&document["Number"], &document["ExpirationDate"]),
        (&json!("X1"), &Value::Null)
    );
    assert_eq!(document["IssuingCountryCode"], json!("PT"));
    let plain = json!({ "Id": id, "Number": "X2" });
    assert_eq!(
        client
            .call("identityDocuments/update", add(vec![plain]))
            .await
            .status,
        400
    );

    let read = json!({ "CustomerIds": [guest], "Types": ["Passport"],
        "Limitation": { "Count": 10 } });
    let reply = client.call("identityDocuments/getAll", read).await;
    assert_eq!(reply.body["IdentityDocuments"][0]["Number"], json!("X1"));
}

#[tokio::test]
async fn blank_members_leave_the_profile_as_it_is() {
    let (sandbox, client) = start(SandboxOptions::default()).await;
    let guest = Uuid::new_v4();
    sandbox.put(
        "Customers",
        json!({ "Id": guest, "FirstName": "Ines", "LastName": "Old" }),
    );
    let body =
        json!({ "CustomerId": guest, "FirstName": "", "LastName": "New", "BirthDate": null });
    let reply = client.call("customers/update", body).await;
    assert_eq!(
        reply.body,
        json!({ "Id": guest, "FirstName": "Ines", "LastName": "New" })
    );
    let file = json!({ "CustomerId": guest, "Name": "scan.png", "Type": "image/png",
        "Data": "iVBORw0=" });
    assert!(client.call("customers/addFile", file).await.body["FileId"].is_string());
    assert_eq!(sandbox.stored("Files").len(), 1);
}
