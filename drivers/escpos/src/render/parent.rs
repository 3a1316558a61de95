//! The parent's side: starts the child, bounds its time and its answer, tells why it died.

use std::ffi::OsString;
use std::io::{self, Cursor};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use super::failure::Failure;
use super::frames::{self, BODY_MAX, Frame};
use super::request::Request;
use crate::raster::Bitmap;

/// Wall clock of one document; the child's processor time is bounded by itself.
const PATIENCE: Duration = Duration::from_secs(40);
/// What a child may say on standard error; only its first words are of use.
const COMPLAINT_MAX: u64 = 4_096;

/// Starts children that render. Cheap to clone; holds no process.
#[derive(Debug, Clone)]
pub struct Renderer {
    program: PathBuf,
    arguments: Vec<OsString>,
    environment: Vec<(OsString, OsString)>,
    patience: Duration,
}

/// A document as dots.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pages {
    /// All pages, one below the other.
    pub dots: Bitmap,
    /// How many were printed.
    pub pages: usize,
    /// A page was made smaller to fit the paper's width.
    pub scaled_down: bool,
}

impl Renderer {
    /// Children of our own binary: `nightporter helper render`.
    ///
    /// `NIGHTPORTER_HELPER` names another binary that knows the verb.
    ///
    /// # Errors
    /// The system does not say where our binary is.
    pub fn of_this_binary() -> io::Result<Self> {
        let program = match std::env::var_os("NIGHTPORTER_HELPER") {
            Some(path) => path.into(),
            None => our_binary()?,
        };
        Ok(Self::new(&program, &["helper", "render"]))
    }

    /// Children of a given program.
    #[must_use]
    pub fn new(program: &Path, arguments: &[&str]) -> Self {
        Self {
            program: program.to_owned(),
            arguments: arguments.iter().map(Into::into).collect(),
            environment: Vec::new(),
            patience: PATIENCE,
        }
    }

    /// With a variable in the child's environment, which is empty otherwise: it holds tokens.
    #[must_use]
    pub fn with_variable(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.into(), value.into()));
        self
    }

    /// With another wall clock limit.
    #[must_use]
    pub fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Renders a document. The child is gone when this returns or is dropped.
    ///
    /// # Errors
    /// Why there are no dots.
    pub async fn render(&self, request: &Request) -> Result<Pages, Failure> {
        let mut child = self.start().map_err(broken)?;
        let answered = timeout(self.patience, converse(&mut child, request)).await;
        match answered {
            Ok(Ok(pages)) => pages,
            Ok(Err(error)) => {
                let status = self.buried(&mut child).await.map_err(broken)?;
                Err(cause_of_death(status, &complaint(&mut child).await, &error))
            }
            Err(_late) => {
                // Already dead is as good.
                let _ = child.kill().await;
                Err(Failure::OutOfTime)
            }
        }
    }

    fn start(&self) -> io::Result<Child> {
        let mut command = Command::new(&self.program);
        command
            .args(&self.arguments)
            .env_clear()
            .envs(self.environment.iter().cloned())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        if cfg!(windows)
            && let Some(root) = std::env::var_os("SystemRoot")
        {
            command.env("SystemRoot", root);
        }
        command.spawn()
    }

    /// The status of a child that has closed its end; one that lives on is ended.
    async fn buried(&self, child: &mut Child) -> io::Result<ExitStatus> {
        if let Ok(status) = timeout(Duration::from_secs(2), child.wait()).await {
            return status;
        }
        child.kill().await?;
        child.wait().await
    }
}

/// On Linux the running image, also after its file was replaced by an update.
fn our_binary() -> io::Result<PathBuf> {
    let running = Path::new("/proc/self/exe");
    if cfg!(target_os = "linux") && running.exists() {
        return Ok(running.to_owned());
    }
    std::env::current_exe()
}

fn broken(error: io::Error) -> Failure {
    Failure::Broken {
        why: error.to_string(),
    }
}

async fn converse(child: &mut Child, request: &Request) -> io::Result<Result<Pages, Failure>> {
    let gone = || io::Error::from(io::ErrorKind::BrokenPipe);
    let mut line = serde_json::to_vec(request)?;
    line.push(b'\n');
    let mut input = child.stdin.take().ok_or_else(gone)?;
    input.write_all(&line).await?;
    drop(input);
    let mut output = child.stdout.take().ok_or_else(gone)?;
    let row_bytes = request.dots.div_ceil(8);
    let bytes_max = row_bytes * request.rows_max;
    let mut rows = Vec::new();
    let (mut pages, mut scaled_down) = (0, false);
    loop {
        match next(&mut output).await? {
            Frame::Rows(more) if rows.len() + more.len() <= bytes_max => rows.extend(more),
            Frame::Rows(_) => return Ok(Err(Failure::TooLong)),
            Frame::Page(page) => {
                pages += 1;
                scaled_down |= page.scaled_down;
            }
            Frame::Failed(failure) => return Ok(Err(failure)),
            Frame::End => {
                return Ok(Ok(Pages {
                    dots: Bitmap::from_packed(request.dots, rows),
                    pages,
                    scaled_down,
                }));
            }
        }
    }
}

async fn next(output: &mut (impl AsyncReadExt + Unpin)) -> io::Result<Frame> {
    let mut head = [0; 5];
    output.read_exact(&mut head).await?;
    let length = u32::from_le_bytes([head[1], head[2], head[3], head[4]]) as usize;
    if length > BODY_MAX {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut frame = head.to_vec();
    frame.resize(5 + length, 0);
    output.read_exact(&mut frame[5..]).await?;
    frames::read(&mut Cursor::new(frame))
}

/// The first words on the child's standard error.
async fn complaint(child: &mut Child) -> String {
    let mut words = Vec::new();
    if let Some(stderr) = child.stderr.take() {
        // It is dead: what it said is in the pipe.
        let _ = stderr.take(COMPLAINT_MAX).read_to_end(&mut words).await;
    }
    String::from_utf8_lossy(&words).into_owned()
}

fn cause_of_death(status: ExitStatus, complaint: &str, error: &io::Error) -> Failure {
    if complaint.contains("memory allocation of") || complaint.contains("capacity overflow") {
        return Failure::OutOfMemory;
    }
    if complaint.contains("has overflowed its stack") {
        return Failure::Damaged {
            why: "it is nested without end".to_owned(),
        };
    }
    if ended_by_the_processor_limit(status) {
        return Failure::OutOfTime;
    }
    if complaint.contains("panicked at") {
        return Failure::Damaged {
            why: "the renderer gave up".to_owned(),
        };
    }
    Failure::Broken {
        why: format!("{status}; {error}"),
    }
}

#[cfg(unix)]
fn ended_by_the_processor_limit(status: ExitStatus) -> bool {
    use std::os::unix::process::ExitStatusExt;
    /// "CPU time limit exceeded" and "killed", the same numbers on Linux, macOS and the BSDs.
    const SIGXCPU: i32 = 24;
    const SIGKILL: i32 = 9;
    matches!(status.signal(), Some(SIGXCPU | SIGKILL))
}

#[cfg(windows)]
fn ended_by_the_processor_limit(_: ExitStatus) -> bool {
    false
}
