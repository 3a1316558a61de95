//! The limits a child sets itself before it reads the first byte of a document.

use std::io;

/// Address space of the child. 256 MiB were ample for a receipt of 3 m; the rest is the binary
/// itself, its libraries and a reserve.
const MEMORY_MAX: u64 = 512 << 20;

/// Processor seconds of the child; 5 were ample for a receipt of 3 m.
const PROCESSOR_SECONDS: u64 = 20;

/// Sets the limits. Nobody can take them back.
///
/// # Errors
/// The system refuses: then nothing is read.
#[cfg(unix)]
pub fn set() -> io::Result<()> {
    use rustix::process::{Resource, Rlimit, setrlimit};
    let exactly = |most| Rlimit {
        current: Some(most),
        maximum: Some(most),
    };
    setrlimit(Resource::As, exactly(MEMORY_MAX))?;
    // One second between "told" (SIGXCPU) and "ended" (SIGKILL).
    let told = Rlimit {
        current: Some(PROCESSOR_SECONDS),
        maximum: Some(PROCESSOR_SECONDS + 1),
    };
    setrlimit(Resource::Cpu, told)?;
    setrlimit(Resource::Fsize, exactly(0))?;
    setrlimit(Resource::Core, exactly(0))?;
    Ok(())
}

/// Sets the limits: a job object that holds the working set down and ends the child with its
/// parent. The parent's clock ends one that computes for ever.
///
/// # Errors
/// The system refuses: then nothing is read.
#[cfg(windows)]
pub fn set() -> io::Result<()> {
    let most = usize::try_from(MEMORY_MAX).map_err(io::Error::other)?;
    let mut limits = win32job::ExtendedLimitInfo::new();
    limits.limit_working_memory(1 << 20, most);
    limits.limit_kill_on_job_close();
    let job = win32job::Job::create_with_limit_info(&limits).map_err(io::Error::other)?;
    job.assign_current_process().map_err(io::Error::other)?;
    // The handle stays open as long as this process lives: closing it would end the process.
    std::mem::forget(job);
    let _ = PROCESSOR_SECONDS;
    Ok(())
}
