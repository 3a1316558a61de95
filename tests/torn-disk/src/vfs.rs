//! SQLite's table of functions for a file system, over [`crate::files`].
//!
//! Registered once and for ever under one name; the first part of a path says which disk. An open
//! file holds its disk by an `Arc`, so no order of drops can leave a dangling pointer.
#![expect(
    unsafe_code,
    reason = "SQLite takes a file system as C functions over raw pointers"
)]

use std::collections::BTreeMap;
use std::ffi::{CStr, c_char, c_int, c_void};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, Once, OnceLock, Weak};

use rusqlite::ffi::{self, sqlite3_file, sqlite3_io_methods, sqlite3_vfs};

use crate::Inside;

/// The name SQLite knows it by.
pub(crate) const NAME: &CStr = c"torn-disk";
/// SQLite's own choice for the index of a log.
const SHARED_PAGE: usize = 32 * 1024;
const PATH_MAX: c_int = 512;

type Disks = BTreeMap<PathBuf, Weak<Inside>>;

fn disks() -> MutexGuard<'static, Disks> {
    static DISKS: OnceLock<Mutex<Disks>> = OnceLock::new();
    let disks = DISKS.get_or_init(Mutex::default);
    disks
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// A folder of its own for a disk.
pub(crate) fn announce(disk: &Arc<Inside>) -> PathBuf {
    register();
    let mut disks = disks();
    let folder = loop {
        let folder = PathBuf::from(format!("/torn-disk-{:016x}", fastrand::u64(..)));
        if !disks.contains_key(&folder) {
            break folder;
        }
    };
    disks.insert(folder.clone(), Arc::downgrade(disk));
    folder
}

pub(crate) fn forget(folder: &Path) {
    disks().remove(folder);
}

fn register() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let vfs = Box::new(sqlite3_vfs {
            iVersion: 2,
            szOsFile: c_int::try_from(size_of::<Handle>()).unwrap_or(c_int::MAX),
            mxPathname: PATH_MAX,
            pNext: std::ptr::null_mut(),
            zName: NAME.as_ptr(),
            pAppData: std::ptr::null_mut(),
            xOpen: Some(open),
            xDelete: Some(delete),
            xAccess: Some(access),
            xFullPathname: Some(full_pathname),
            xDlOpen: None,
            xDlError: None,
            xDlSym: None,
            xDlClose: None,
            xRandomness: Some(randomness),
            xSleep: Some(sleep),
            xCurrentTime: Some(current_time),
            xGetLastError: Some(last_error),
            xCurrentTimeInt64: Some(current_time_ms),
            xSetSystemCall: None,
            xGetSystemCall: None,
            xNextSystemCall: None,
        });
        // SAFETY: the table is leaked, so it lives as long as the process; SQLite may change its
        // `pNext`, for which the pointer is a unique one.
        let code = unsafe { ffi::sqlite3_vfs_register(Box::into_raw(vfs), 0) };
        assert_eq!(code, ffi::SQLITE_OK, "SQLite takes a file system");
    });
}

static METHODS: sqlite3_io_methods = sqlite3_io_methods {
    iVersion: 2,
    xClose: Some(close),
    xRead: Some(read),
    xWrite: Some(write),
    xTruncate: Some(truncate),
    xSync: Some(sync),
    xFileSize: Some(file_size),
    xLock: Some(lock),
    xUnlock: Some(lock),
    xCheckReservedLock: Some(check_reserved_lock),
    xFileControl: Some(file_control),
    xSectorSize: Some(sector_size),
    xDeviceCharacteristics: Some(characteristics),
    xShmMap: Some(shm_map),
    xShmLock: Some(shm_lock),
    xShmBarrier: Some(shm_barrier),
    xShmUnmap: Some(shm_unmap),
    xFetch: None,
    xUnfetch: None,
};

/// What SQLite allocates for a file: its own head, and ours.
#[repr(C)]
struct Handle {
    head: sqlite3_file,
    /// Made by `open` with `Box::into_raw`, taken back by `close`.
    file: *mut Open,
}

struct Open {
    disk: Arc<Inside>,
    name: String,
    /// The index of the log: gone with the process.
    shared: Vec<*mut c_void>,
}

impl Drop for Open {
    fn drop(&mut self) {
        for page in self.shared.drain(..) {
            // SAFETY: made by `shm_map` from a box of exactly this type, and given out only to
            // the connection that closes now.
            drop(unsafe { Box::from_raw(page.cast::<[u64; SHARED_PAGE / 8]>()) });
        }
    }
}

/// The open file behind SQLite's pointer.
///
/// # Safety
/// `file` was opened by [`open`] and not closed yet, and nobody else uses it: SQLite calls the
/// functions of one file one after the other.
unsafe fn opened<'a>(file: *mut sqlite3_file) -> &'a mut Open {
    // SAFETY: the caller's; SQLite allocated `szOsFile` bytes, and `open` wrote a `Handle` there.
    unsafe { &mut *(*file.cast::<Handle>()).file }
}

/// The disk and the name in it that a path means.
///
/// # Safety
/// `path` is null or a text that ends in zero.
unsafe fn place(path: *const c_char) -> Option<(Arc<Inside>, String)> {
    if path.is_null() {
        return None;
    }
    // SAFETY: the caller's.
    let path = Path::new(unsafe { CStr::from_ptr(path) }.to_str().ok()?);
    let disk = disks().get(path.parent()?)?.upgrade()?;
    Some((disk, path.file_name()?.to_str()?.to_owned()))
}

fn offset(at: i64) -> usize {
    usize::try_from(at).unwrap_or(usize::MAX)
}

unsafe extern "C" fn open(
    _: *mut sqlite3_vfs,
    path: ffi::sqlite3_filename,
    file: *mut sqlite3_file,
    flags: c_int,
    out: *mut c_int,
) -> c_int {
    // SAFETY: SQLite gives room for a `Handle`; without methods it is not closed.
    unsafe { (*file).pMethods = std::ptr::null() };
    // SAFETY: a name of SQLite's.
    let Some((disk, name)) = (unsafe { place(path) }) else {
        return ffi::SQLITE_CANTOPEN;
    };
    {
        let mut files = disk.files();
        if !files.exists(&name) {
            if flags & ffi::SQLITE_OPEN_CREATE == 0 {
                return ffi::SQLITE_CANTOPEN;
            }
            files.create(&name);
        }
    }
    let open = Box::new(Open {
        disk,
        name,
        shared: Vec::new(),
    });
    let handle = Handle {
        head: sqlite3_file { pMethods: &METHODS },
        file: Box::into_raw(open),
    };
    // SAFETY: room for it, aligned as SQLite aligns all its memory (8); nothing there to drop.
    unsafe { file.cast::<Handle>().write(handle) };
    if !out.is_null() {
        // SAFETY: SQLite's own variable.
        unsafe { *out = flags };
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn close(file: *mut sqlite3_file) -> c_int {
    // SAFETY: opened by `open`, and closed once.
    drop(unsafe { Box::from_raw((*file.cast::<Handle>()).file) });
    ffi::SQLITE_OK
}

unsafe extern "C" fn read(
    file: *mut sqlite3_file,
    into: *mut c_void,
    amount: c_int,
    at: i64,
) -> c_int {
    let amount = usize::try_from(amount).unwrap_or_default();
    // SAFETY: an open file, and a buffer of `amount` bytes.
    let (open, into) = unsafe {
        into.cast::<u8>().write_bytes(0, amount);
        (
            opened(file),
            std::slice::from_raw_parts_mut(into.cast(), amount),
        )
    };
    if open.disk.files().read(&open.name, offset(at), into) {
        ffi::SQLITE_OK
    } else {
        ffi::SQLITE_IOERR_SHORT_READ
    }
}

unsafe extern "C" fn write(
    file: *mut sqlite3_file,
    from: *const c_void,
    amount: c_int,
    at: i64,
) -> c_int {
    let amount = usize::try_from(amount).unwrap_or_default();
    // SAFETY: an open file, and a buffer of `amount` bytes.
    let (open, from) = unsafe {
        (
            opened(file),
            std::slice::from_raw_parts(from.cast::<u8>(), amount),
        )
    };
    open.disk.files().write(&open.name, offset(at), from);
    ffi::SQLITE_OK
}

unsafe extern "C" fn truncate(file: *mut sqlite3_file, size: i64) -> c_int {
    // SAFETY: an open file.
    let open = unsafe { opened(file) };
    open.disk.files().truncate(&open.name, offset(size));
    ffi::SQLITE_OK
}

unsafe extern "C" fn sync(file: *mut sqlite3_file, _: c_int) -> c_int {
    // SAFETY: an open file.
    let open = unsafe { opened(file) };
    open.disk.files().sync(&open.name);
    ffi::SQLITE_OK
}

unsafe extern "C" fn file_size(file: *mut sqlite3_file, size: *mut i64) -> c_int {
    // SAFETY: an open file, and SQLite's own variable.
    unsafe {
        let open = opened(file);
        let length = open.disk.files().length(&open.name);
        *size = i64::try_from(length).unwrap_or(i64::MAX);
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn lock(_: *mut sqlite3_file, _: c_int) -> c_int {
    ffi::SQLITE_OK
}

unsafe extern "C" fn check_reserved_lock(_: *mut sqlite3_file, out: *mut c_int) -> c_int {
    // SAFETY: SQLite's own variable.
    unsafe { *out = 0 };
    ffi::SQLITE_OK
}

unsafe extern "C" fn file_control(_: *mut sqlite3_file, _: c_int, _: *mut c_void) -> c_int {
    ffi::SQLITE_NOTFOUND
}

unsafe extern "C" fn sector_size(_: *mut sqlite3_file) -> c_int {
    4096
}

/// As SQLite's own file system for Unix: a write harms nothing outside of it.
unsafe extern "C" fn characteristics(_: *mut sqlite3_file) -> c_int {
    ffi::SQLITE_IOCAP_POWERSAFE_OVERWRITE
}

unsafe extern "C" fn shm_map(
    file: *mut sqlite3_file,
    page: c_int,
    size: c_int,
    extend: c_int,
    out: *mut *mut c_void,
) -> c_int {
    // SAFETY: SQLite's own variable.
    unsafe { *out = std::ptr::null_mut() };
    let wanted = usize::try_from(page).unwrap_or_default();
    if usize::try_from(size) != Ok(SHARED_PAGE) {
        return ffi::SQLITE_IOERR;
    }
    // SAFETY: an open file.
    let open = unsafe { opened(file) };
    if wanted >= open.shared.len() && extend == 0 {
        return ffi::SQLITE_OK;
    }
    while open.shared.len() <= wanted {
        let zeroed = Box::new([0_u64; SHARED_PAGE / 8]);
        open.shared.push(Box::into_raw(zeroed).cast());
    }
    // SAFETY: SQLite's own variable; the page lives until the file is closed.
    unsafe { *out = open.shared[wanted] };
    ffi::SQLITE_OK
}

unsafe extern "C" fn shm_lock(_: *mut sqlite3_file, _: c_int, _: c_int, _: c_int) -> c_int {
    ffi::SQLITE_OK
}

unsafe extern "C" fn shm_barrier(_: *mut sqlite3_file) {
    std::sync::atomic::fence(std::sync::atomic::Ordering::SeqCst);
}

/// The pages go with the file.
unsafe extern "C" fn shm_unmap(_: *mut sqlite3_file, _: c_int) -> c_int {
    ffi::SQLITE_OK
}

unsafe extern "C" fn delete(
    _: *mut sqlite3_vfs,
    path: *const c_char,
    and_sync_folder: c_int,
) -> c_int {
    // SAFETY: a name of SQLite's.
    let Some((disk, name)) = (unsafe { place(path) }) else {
        return ffi::SQLITE_IOERR_DELETE;
    };
    let mut files = disk.files();
    if !files.exists(&name) {
        return ffi::SQLITE_IOERR_DELETE_NOENT;
    }
    files.delete(&name, and_sync_folder != 0);
    ffi::SQLITE_OK
}

unsafe extern "C" fn access(
    _: *mut sqlite3_vfs,
    path: *const c_char,
    _: c_int,
    out: *mut c_int,
) -> c_int {
    // SAFETY: a name of SQLite's, and its own variable.
    unsafe {
        let exists = place(path).is_some_and(|(disk, name)| disk.files().exists(&name));
        *out = c_int::from(exists);
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn full_pathname(
    _: *mut sqlite3_vfs,
    path: *const c_char,
    room: c_int,
    out: *mut c_char,
) -> c_int {
    // SAFETY: a text that ends in zero; `room` bytes at `out`, apart from it.
    unsafe {
        let bytes = CStr::from_ptr(path).to_bytes_with_nul();
        if bytes.len() > usize::try_from(room).unwrap_or_default() {
            return ffi::SQLITE_CANTOPEN;
        }
        std::ptr::copy_nonoverlapping(bytes.as_ptr().cast(), out, bytes.len());
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn randomness(_: *mut sqlite3_vfs, amount: c_int, out: *mut c_char) -> c_int {
    let wanted = usize::try_from(amount).unwrap_or_default();
    for at in 0..wanted {
        // SAFETY: `amount` bytes at `out`.
        unsafe { *out.add(at).cast::<u8>() = fastrand::u8(..) };
    }
    amount
}

unsafe extern "C" fn sleep(_: *mut sqlite3_vfs, micros: c_int) -> c_int {
    micros
}

/// No query of the journal asks for the time; a fixed day, in julian milliseconds.
const DAY_MS: i64 = 2_459_490 * 86_400_000;

unsafe extern "C" fn current_time(_: *mut sqlite3_vfs, out: *mut f64) -> c_int {
    // SAFETY: SQLite's own variable.
    unsafe { *out = 2_459_490.0 };
    ffi::SQLITE_OK
}

unsafe extern "C" fn current_time_ms(_: *mut sqlite3_vfs, out: *mut i64) -> c_int {
    // SAFETY: SQLite's own variable.
    unsafe { *out = DAY_MS };
    ffi::SQLITE_OK
}

unsafe extern "C" fn last_error(_: *mut sqlite3_vfs, _: c_int, _: *mut c_char) -> c_int {
    0
}
