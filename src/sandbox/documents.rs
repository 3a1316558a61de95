//! Where the `Data` of a command comes from: kept, shared, or made when it is read, so that
//! ten thousand waiting documents need no memory.

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use serde_json::{Value, json};
use std::sync::Arc;
use uuid::Uuid;

/// Many print jobs, waiting since before the worker came.
#[derive(Debug, Clone)]
pub struct Backlog {
    /// How many.
    pub count: usize,
    /// Size of each document in bytes (before base64).
    pub size: usize,
    /// Copies of each.
    pub copies: i64,
    /// Age of the first, in seconds; the last one is created now.
    pub age_s: u32,
}

impl Default for Backlog {
    fn default() -> Self {
        Self {
            count: 100,
            size: 100_000,
            copies: 1,
            age_s: 600,
        }
    }
}

/// The `Data` of a command.
#[derive(Debug, Clone)]
pub(super) enum Payload {
    /// As it goes over the wire.
    Whole(Value),
    /// A print job whose document many commands may share.
    Print {
        mime: String,
        base64: Arc<str>,
        copies: i64,
        printer: String,
    },
    /// A text whose first line names the command, filled up to `size` bytes.
    Made {
        index: usize,
        size: usize,
        copies: i64,
        printer: String,
    },
}

impl Payload {
    /// A print job.
    pub(super) fn print(mime: &str, document: &[u8], copies: i64, printer: &str) -> Self {
        Self::Print {
            mime: mime.to_owned(),
            base64: BASE64.encode(document).into(),
            copies,
            printer: printer.to_owned(),
        }
    }

    /// The wire form.
    pub(super) fn data(&self, id: Uuid) -> Value {
        match self {
            Self::Whole(data) => data.clone(),
            Self::Print {
                mime,
                base64,
                copies,
                printer,
            } => printer_data(mime, base64, *copies, printer),
            Self::Made {
                index,
                size,
                copies,
                printer,
            } => {
                let text = BASE64.encode(made(*index, id, *size));
                printer_data("text/plain", &text, *copies, printer)
            }
        }
    }
}

fn printer_data(mime: &str, base64: &str, copies: i64, printer: &str) -> Value {
    // Mews leaves driver and port names empty although its schema says otherwise.
    json!({
        "CopyCount": copies,
        "FileType": mime,
        "FileData": base64,
        "PrinterName": printer,
        "PrinterDriverName": "",
        "PrinterPortName": "",
    })
}

fn made(index: usize, id: Uuid, size: usize) -> Vec<u8> {
    let mut text = format!("Job {index:05} {id}\n").into_bytes();
    let line = b"Nights, breakfast and city tax, thank you for your stay.\n";
    while text.len() < size {
        let room = (size - text.len()).min(line.len());
        text.extend_from_slice(&line[..room]);
    }
    text.truncate(size);
    text
}
