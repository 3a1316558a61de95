//! Where a verb prints: answers on standard output, everything else on standard error.

use std::fmt::Display;
use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use crate::telemetry::Redactor;

/// Both streams of a verb. Clones share them, and no line is torn by another one.
#[derive(Clone)]
pub struct Out {
    answers: Stream,
    remarks: Stream,
    redactor: Redactor,
}

type Stream = Arc<Mutex<dyn Write + Send>>;

impl std::fmt::Debug for Out {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Out")
    }
}

impl Out {
    /// The terminal, or whatever stands in its place. No secret the redactor knows is printed.
    #[must_use]
    pub fn terminal(redactor: Redactor) -> Self {
        Self::new(io::stdout(), io::stderr(), redactor)
    }

    /// Two streams.
    pub fn new(
        answers: impl Write + Send + 'static,
        remarks: impl Write + Send + 'static,
        redactor: Redactor,
    ) -> Self {
        let (answers, remarks) = (Arc::new(Mutex::new(answers)), Arc::new(Mutex::new(remarks)));
        Self {
            answers,
            remarks,
            redactor,
        }
    }

    /// A line of the answer.
    pub fn line(&self, text: impl Display) {
        self.write(&self.answers, text);
    }

    /// A line about the answer: progress, warnings, errors.
    pub fn remark(&self, text: impl Display) {
        self.write(&self.remarks, text);
    }

    fn write(&self, stream: &Stream, text: impl Display) {
        let line = format!("{text}\n");
        let redacted = self.redactor.redact(&line).unwrap_or(line);
        let mut stream = stream.lock().expect("nothing panics while it prints");
        // A reader that has gone away (`| head`) is nobody's failure.
        let _ = stream
            .write_all(redacted.as_bytes())
            .and_then(|()| stream.flush());
    }
}
