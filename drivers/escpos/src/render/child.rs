//! The child's side: `nightporter helper render`.

use std::fs;
use std::io::{self, BufRead, BufWriter, Read, Write};

use super::failure::Failure;
use super::frames::{self, Frame};
use super::limits;
use super::request::{Kind, Request};
use super::{pdf, picture};

/// Documents larger than this are not opened.
const FILE_MAX: u64 = 20 << 20;

/// Reads one [`Request`] line from standard input, writes frames to standard output. The exit
/// code is 0 when the answer is complete, also when the answer is a failure.
pub fn helper() -> u8 {
    let mut line = String::new();
    let mut input = io::stdin().lock().take(1 << 16);
    let mut out = BufWriter::with_capacity(1 << 16, io::stdout().lock());
    let answered = input
        .read_line(&mut line)
        .and_then(|_| limits::set())
        .and_then(|()| answer(&line, &mut out))
        .and_then(|()| out.flush());
    u8::from(answered.is_err())
}

fn answer(line: &str, out: &mut impl Write) -> io::Result<()> {
    let request: Request = serde_json::from_str(line)?;
    let end = match run(&request, out)? {
        Ok(()) => Frame::End,
        Err(failure) => Frame::Failed(failure),
    };
    frames::write(out, &end)
}

/// Renders in this process, without limits of the system. The child's work; tests call it too.
pub(super) fn run(request: &Request, out: &mut impl Write) -> io::Result<Result<(), Failure>> {
    let document = match read(request) {
        Ok(document) => document,
        Err(failure) => return Ok(Err(failure)),
    };
    match request.kind {
        Kind::Pdf => pdf::render(document, request, out),
        Kind::Png | Kind::Jpeg => picture::render(&document, request, out),
    }
}

fn read(request: &Request) -> Result<Vec<u8>, Failure> {
    let broken = |error: io::Error| Failure::Broken {
        why: error.to_string(),
    };
    let file = fs::File::open(&request.path).map_err(broken)?;
    let mut document = Vec::new();
    file.take(FILE_MAX + 1)
        .read_to_end(&mut document)
        .map_err(broken)?;
    if document.len() as u64 > FILE_MAX {
        return Err(Failure::TooLarge);
    }
    Ok(document)
}
