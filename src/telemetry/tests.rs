use std::sync::Mutex;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tracing::subscriber::DefaultGuard;
use tracing::{Level, debug, info, trace};

use super::*;

const TOKEN: &str = "9C8D0000CANARY00-11E2";

#[derive(Clone, Default)]
struct Paper(Arc<Mutex<Vec<u8>>>);

impl Paper {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().expect("no writer panics").clone()).expect("logs are text")
    }
}

impl Write for Paper {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0
            .lock()
            .expect("no writer panics")
            .extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A log at trace level for this thread; the walls as they are, or taken down.
fn log(capped: bool, secrets: &[&str]) -> (Paper, DefaultGuard) {
    let redactor = Redactor::default();
    let secrets: Vec<SecretString> = secrets.iter().map(|secret| (*secret).into()).collect();
    redactor.learn(&secrets);
    let paper = Paper::default();
    let writer = paper.clone();
    let layer = lines(move || writer.clone(), false, redactor);
    let caps = if capped {
        strangers()
    } else {
        Targets::new().with_default(LevelFilter::TRACE)
    };
    let (levels, misread) = levels("trace");
    assert_eq!(misread, None);
    let guard = Registry::default()
        .with(layer.with_filter(levels.and(caps)))
        .set_default();
    (paper, guard)
}

/// Speaks to a server that hangs up, with the token in a Cookie and in a body.
async fn speak_with_a_token() {
    let listener = TcpListener::bind("127.0.0.1:0")
        .await
        .expect("loopback has a free port");
    let address = listener.local_addr().expect("it is bound");
    let server = async {
        for _ in 0..2 {
            let (mut stream, _) = listener.accept().await.expect("a client comes");
            let _ = stream.read(&mut [0; 4096]).await;
            let answer =
                b"HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
            let _ = stream.write_all(answer).await;
        }
    };
    let client = async {
        let mut request = format!("ws://{address}/")
            .into_client_request()
            .expect("the address is valid");
        let cookie = format!("ClientToken={TOKEN}; AccessToken={TOKEN}");
        request
            .headers_mut()
            .insert("Cookie", cookie.parse().expect("a token is a word"));
        let refused = tokio_tungstenite::connect_async(request).await;
        assert!(refused.is_err(), "the server refuses everybody");
        let http = reqwest::Client::new();
        let body = format!("{{\"AccessToken\":\"{TOKEN}\"}}");
        let answer = http
            .post(format!("http://{address}/"))
            .header("X", TOKEN)
            .body(body)
            .send();
        assert_eq!(answer.await.expect("the server answers").status(), 401);
    };
    let _ = rustls::crypto::ring::default_provider().install_default();
    tokio::join!(server, client);
}

#[tokio::test]
async fn crates_of_others_cannot_print_a_token_at_trace_level() {
    let (paper, _guard) = log(true, &[]);
    trace!("Our own line");
    speak_with_a_token().await;
    let text = paper.text();
    assert!(text.contains("Our own line"), "{text}");
    assert!(!text.contains("CANARY"), "{text}");
}

#[tokio::test]
async fn a_known_token_is_taken_out_even_where_a_crate_prints_it() {
    let (paper, _guard) = log(false, &[TOKEN]);
    speak_with_a_token().await;
    let text = paper.text();
    assert!(text.contains("ClientToken=<secret>"), "{text}");
    assert!(!text.contains("CANARY"), "{text}");
}

#[tokio::test]
async fn without_both_walls_the_token_is_printed_so_these_tests_can_fail() {
    let (paper, _guard) = log(false, &[]);
    speak_with_a_token().await;
    assert!(paper.text().contains("CANARY"), "{}", paper.text());
}

#[test]
fn our_own_lines_keep_their_level_and_lose_their_secrets() {
    let (paper, _guard) = log(true, &[TOKEN, "9C8D0000CANARY00-11E2-LONGER"]);
    trace!(target: "wire::bar", bytes = "1b40", "Sent");
    debug!(target: "driver_escpos::driver", "Looked");
    info!(
        token = TOKEN,
        longer = "9C8D0000CANARY00-11E2-LONGER",
        "Said by mistake"
    );
    let text = paper.text();
    for part in ["wire::bar", "driver_escpos", "<secret>"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(
        !text.contains("CANARY") && !text.contains("LONGER"),
        "{text}"
    );
}

#[test]
fn a_panic_is_told_by_its_place_and_without_its_text() {
    let (paper, _guard) = log(true, &[]);
    let earlier = std::panic::take_hook();
    std::panic::set_hook(Box::new(told_without_its_text));
    let caught = std::panic::catch_unwind(|| panic!("guest CANARY at the desk"));
    std::panic::set_hook(earlier);
    assert!(caught.is_err());
    let text = paper.text();
    assert!(text.contains("A part of the program failed"), "{text}");
    assert!(text.contains("telemetry/tests.rs:"), "{text}");
    assert!(!text.contains("CANARY"), "{text}");
}

#[test]
fn a_level_that_cannot_be_read_is_info() {
    assert!(levels("nightporter=loud").1.is_some());
    assert_eq!(levels("").0.to_string(), "info");
    assert_eq!(levels("nightporter=loud").0.to_string(), "info");
}

#[test]
fn what_no_word_is_about_stays_at_info() {
    let (ours, misread) = levels("nightporter=debug,driver_fias=off");
    assert_eq!(misread, None);
    assert!(ours.would_enable("nightporter::lane", &Level::DEBUG));
    assert!(!ours.would_enable("driver_fias", &Level::ERROR));
    assert!(ours.would_enable("reqwest", &Level::INFO));
    assert!(!ours.would_enable("reqwest", &Level::DEBUG));
    assert!(!levels("off").0.would_enable("nightporter", &Level::ERROR));
}

#[test]
fn a_word_too_short_to_be_a_secret_is_left_alone() {
    let redactor = Redactor::default();
    redactor.learn(&["is".into(), "9C8D".into()]);
    assert_eq!(redactor.redact("this is it"), None);
    assert_eq!(
        redactor.redact("9C8D9C8D").as_deref(),
        Some("<secret><secret>")
    );
}
