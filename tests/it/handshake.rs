//! What goes over the wire, byte by byte: the upgrade of the socket and a request of the API, as
//! somebody between the worker and Mews sees them.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use nightporter::sandbox::{CommandState, DeviceKind, Refused};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::house::House;
use crate::puppet::Puppet;

/// Carries bytes to an address and keeps what was said first on each connection.
struct Tap {
    address: SocketAddr,
    heard: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Tap {
    async fn to(address: &str) -> Self {
        let target: SocketAddr = address.parse().expect("loopback");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback");
        let address = listener.local_addr().expect("bound");
        let heard = Arc::new(Mutex::new(Vec::<Vec<u8>>::new()));
        let kept = Arc::clone(&heard);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let place = {
                    let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
                    kept.push(Vec::new());
                    kept.len() - 1
                };
                tokio::spawn(carry(stream, target, Arc::clone(&kept), place));
            }
        });
        Self { address, heard }
    }

    fn heard(&self) -> Vec<String> {
        let heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        let text = |bytes: &Vec<u8>| String::from_utf8_lossy(bytes).into_owned();
        heard.iter().map(text).collect()
    }
}

async fn carry(
    stream: TcpStream,
    target: SocketAddr,
    kept: Arc<Mutex<Vec<Vec<u8>>>>,
    place: usize,
) {
    let server = TcpStream::connect(target).await.expect("the sandbox");
    let (mut from_client, mut to_client) = stream.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    tokio::spawn(async move { tokio::io::copy(&mut from_server, &mut to_client).await });
    let mut buffer = [0; 16 * 1024];
    while let Ok(read @ 1..) = from_client.read(&mut buffer).await {
        kept.lock().unwrap_or_else(PoisonError::into_inner)[place]
            .extend_from_slice(&buffer[..read]);
        if to_server.write_all(&buffer[..read]).await.is_err() {
            return;
        }
    }
}

/// A house whose worker is listened to, after one command: what was said to API and socket.
async fn overheard() -> (House, Vec<String>, Vec<String>, SocketAddr) {
    let puppet = Puppet::new();
    let mut house = House::new(&puppet.section("printer", "Bar", "")).await;
    let device = house.cloud.add_device(DeviceKind::Printer, "Bar");
    let plain = |address: String| address.split("//").last().unwrap_or_default().to_owned();
    let platform = Tap::to(&plain(house.cloud.platform_address())).await;
    let socket = Tap::to(&plain(house.cloud.websocket_address())).await;
    house.through = Some([
        format!("http://{}", platform.address),
        format!("ws://{}", socket.address),
    ]);
    house.start_and_wait().await;
    house.is_swept().await;
    // Heard by event, so the socket is a good one.
    let id = house.cloud.add_print(device, "text/plain", b"a bill", 1);
    assert_eq!(house.end(id).await.0, CommandState::Processed);
    (house, platform.heard(), socket.heard(), socket.address)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_upgrade_is_what_the_contract_says_to_the_byte() {
    let (mut house, _, socket, address) = overheard().await;
    assert_eq!(socket.len(), 1);
    let end = socket[0].find("\r\n\r\n").expect("a head");
    let head = &socket[0][..end];
    let (client, access) = (house.cloud.client_token(), house.cloud.access_token());
    let mut lines: Vec<_> = head.split("\r\n").collect();
    let key = lines
        .iter()
        .position(|line| line.starts_with("Sec-WebSocket-Key: "))
        .expect("a key");
    let key = lines.remove(key);
    assert_eq!(key.len(), "Sec-WebSocket-Key: ".len() + 24, "{key}");
    let host = format!("Host: {address}");
    let cookie = format!("Cookie: ClientToken={client}; AccessToken={access}");
    let wanted = [
        "GET /ws/connector HTTP/1.1",
        &host,
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        &cookie,
    ];
    // Nothing else: no second cookie, no token in the target, no sub-protocol, no Authorization.
    assert_eq!(lines, wanted);
    assert!(!head.contains(" =") && !head.contains("= ") && !head.contains('"'));
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_carries_its_tokens_in_the_body_alone() {
    let (mut house, platform, _, _) = overheard().await;
    let (client, access) = (house.cloud.client_token(), house.cloud.access_token());
    let mut requests = 0;
    for said in platform {
        for request in said.split("POST /api/connector/v1/").skip(1) {
            requests += 1;
            let (head, body) = request.split_once("\r\n\r\n").expect("a head and a body");
            let lower = head.to_lowercase();
            assert!(lower.contains("content-type: application/json"), "{head}");
            for token in [client, access.as_str()] {
                assert!(!head.contains(token), "a token in a head");
                assert!(body.contains(token));
            }
            assert!(!lower.contains("cookie") && !lower.contains("authorization"));
            let body: serde_json::Value = serde_json::from_str(body).expect("a JSON object");
            let name = body["Client"].as_str().expect("a name and a version");
            assert!(
                name.starts_with("Nightporter ") && name.len() > 12,
                "{name}"
            );
        }
    }
    assert!(requests >= 4, "{requests} requests");
    house.stop().await;
}

/// The twin: the sandbox takes no other cookie, so a socket that stands has sent the right one.
#[tokio::test]
async fn a_cookie_written_otherwise_is_refused() {
    let house = House::new("").await;
    let (client, access) = (house.cloud.client_token(), house.cloud.access_token());
    let direct = house.cloud.direct();
    let good = format!("ClientToken={client}; AccessToken={access}");
    drop(direct.dial(&good).await.expect("the right one"));
    for bad in [
        format!("ClientToken = {client}; AccessToken = {access}"),
        format!("ClientToken={client}; AccessToken= {access}"),
        format!("ClientToken=\"{client}\"; AccessToken=\"{access}\""),
        format!("ClientToken={client}"),
        format!("AccessToken={access}"),
        String::new(),
    ] {
        let refused = direct.dial(&bad).await.expect_err(&bad);
        assert_eq!(refused, Refused::Status(401), "{bad}");
    }
}
