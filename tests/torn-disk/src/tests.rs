use super::*;

fn filled(disk: &Disk) -> Connection {
    let connection = disk.open("a.db").expect("opens");
    connection
        .execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
             CREATE TABLE t (n INTEGER); INSERT INTO t VALUES (1)",
        )
        .expect("writes");
    connection
}

fn count(disk: &Disk) -> rusqlite::Result<i64> {
    let connection = disk.open("a.db")?;
    connection.query_row("SELECT COUNT(*) FROM t", [], |row| row.get(0))
}

#[test]
fn what_is_synced_stays_and_what_is_not_may_go() {
    let disk = Disk::default();
    let connection = filled(&disk);
    let mut random = fastrand::Rng::with_seed(1);
    for loss in [Loss::All, Loss::Nothing, Loss::Tail, Loss::Sectors] {
        let image = disk.snapshot().image(loss, &mut random);
        assert_eq!(count(&image).expect("opens"), 1, "{loss:?}");
    }
    connection
        .execute_batch("PRAGMA synchronous = NORMAL; INSERT INTO t VALUES (2)")
        .expect("writes");
    let left = |loss| count(&disk.snapshot().image(loss, &mut random.clone())).expect("opens");
    assert_eq!((left(Loss::All), left(Loss::Nothing)), (1, 2));
    assert!(disk.snapshot().unsynced() > 0);
}

#[test]
fn a_disk_that_lies_loses_what_it_said_was_there() {
    let disk = Disk::default();
    disk.lies_from_now();
    let connection = filled(&disk);
    let rows = connection.query_row("SELECT COUNT(*) FROM t", [], |row| row.get::<_, i64>(0));
    assert_eq!(rows.expect("reads"), 1);
    let image = disk
        .snapshot()
        .image(Loss::All, &mut fastrand::Rng::with_seed(1));
    assert!(count(&image).is_err(), "the table was never there");
    assert!(disk.syncs() > 0);
}

#[test]
fn every_sync_leaves_a_moment_behind() {
    let disk = Disk::default();
    let connection = filled(&disk);
    let before = disk.syncs();
    assert_eq!(disk.snapshots().len(), before);
    connection
        .execute_batch("INSERT INTO t VALUES (2)")
        .expect("writes");
    let taken = disk.snapshots();
    assert!(!taken.is_empty() && disk.syncs() == before + taken.len());
    assert!(taken[0].unsynced() > 0);
}

#[test]
fn a_connection_may_outlive_its_disk() {
    let disk = Disk::default();
    let connection = filled(&disk);
    drop(disk);
    let rows = connection.query_row("SELECT COUNT(*) FROM t", [], |row| row.get::<_, i64>(0));
    assert_eq!(rows.expect("reads"), 1);
}
