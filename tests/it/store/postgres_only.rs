use std::time::{Duration, Instant};

use sqlx::{Connection, Executor};
use wardwatch::store::{Location, OpenError, StoreError, SubjectWrite, migrate, open};

use super::fixture::*;
use crate::support::postgres::TestDatabase;

/// Asks again until it is so.
async fn until(what: &str, is_so: impl AsyncFn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !is_so().await {
        assert!(Instant::now() < deadline, "not within 10 s: {what}");
    }
}

#[tokio::test]
async fn a_database_of_a_newer_version_is_refused() {
    let Some(fresh) = Fresh::postgres().await else { return };
    let later = "INSERT INTO _sqlx_migrations SELECT 99990101000000, 'later', installed_on, TRUE, checksum, 1 \
                 FROM _sqlx_migrations LIMIT 1";
    fresh.place.execute(later).await.unwrap();
    let refused = fresh.place.open().await.unwrap_err();
    assert!(matches!(refused, OpenError::NewerVersion { found: 99_990_101_000_000, .. }), "{refused}");
}

#[tokio::test]
async fn a_new_database_must_be_migrated_when_opening_does_not() {
    let Some(database) = TestDatabase::create().await else { return };
    let mut options = options(Location::Postgres(database.url()));
    options.migrate = false;
    assert_eq!(open(&options).await.unwrap_err(), OpenError::PendingMigrations);
    let report = migrate(&options.location).await.unwrap();
    assert!(!report.applied.is_empty() && report.present.is_empty(), "{report:?}");
    open(&options).await.unwrap();
}

#[tokio::test]
async fn replicas_that_start_together_migrate_once() {
    let Some(database) = TestDatabase::create().await else { return };
    let opening = (0..4).map(|_| {
        let options = options(Location::Postgres(database.url()));
        tokio::spawn(async move { open(&options).await })
    });
    let mut log_ids = Vec::new();
    for opened in opening.collect::<Vec<_>>() {
        let store = opened.await.unwrap().unwrap();
        log_ids.push(store.head().await.unwrap().log_id);
    }
    log_ids.dedup();
    assert_eq!(log_ids.len(), 1);
}

#[tokio::test]
async fn a_server_that_is_not_there_is_named_without_the_password() {
    let place = Location::Postgres("postgres://ward:secret@127.0.0.1:1/ward".into());
    let refused = open(&options(place)).await.unwrap_err();
    assert!(matches!(refused, OpenError::Unreachable { .. }), "{refused}");
    assert!(refused.to_string().contains("127.0.0.1:1/ward"), "{refused}");
    assert!(!refused.to_string().contains("secret"), "{refused}");
}

#[tokio::test]
async fn the_databases_clock_is_the_services() {
    let Some(fresh) = Fresh::postgres().await else { return };
    let first = fresh.store.head().await.unwrap().now;
    let second = fresh.store.head().await.unwrap().now;
    assert!(second > first && first > at(0), "{first} {second}");
}

#[tokio::test]
async fn a_cut_connection_is_made_anew() {
    let Some(fresh) = Fresh::postgres().await else { return };
    let store = &*fresh.store;
    let ward = registered(store, "RJ1", &["A1"]).await.remove(0);
    let ours = "FROM pg_stat_activity WHERE application_name = 'wardwatch' AND datname = current_database()";
    fresh.place.execute(&format!("SELECT pg_terminate_backend(pid) {ours}")).await.unwrap();
    until("the connections are gone", async || fresh.place.number(&format!("SELECT count(*) {ours}")).await == 0).await;
    // A read is made once more, over a fresh pool.
    store.head().await.unwrap();
    // A write is not: nobody knows whether it was done. Unless the store has found the server anew by itself before.
    match store.commit(&batch(at(1), vec![write(&ward)])).await {
        Ok(done) => assert_eq!(done.won, [true]),
        Err(StoreError::Unknown(_) | StoreError::Unavailable(_)) => {
            assert_eq!(subject(store, ward.number).await.etag, ward.etag);
            commit(store, at(2), write(&ward)).await;
        }
        Err(refused) => panic!("{refused}"),
    }
}

/// A caller that gives up must not leave a transaction open, nor undo what it ordered.
#[tokio::test]
async fn a_caller_that_gives_up_leaves_nothing_behind() {
    let Some(fresh) = Fresh::postgres().await else { return };
    let store = &*fresh.store;
    let ward = registered(store, "RJ1", &["A1"]).await.remove(0);
    let Place::Postgres(database) = &fresh.place else { panic!() };
    let mut blocker = database.connect().await;
    let mut held = blocker.begin().await.unwrap();
    held.execute("SELECT 1 FROM head FOR UPDATE").await.unwrap();
    let batch = batch(at(1), vec![SubjectWrite { inputs: vec![input(&[1])], ..write(&ward) }]);
    let gave_up = tokio::time::timeout(Duration::from_millis(200), store.commit(&batch)).await;
    assert!(gave_up.is_err(), "{gave_up:?}");
    held.rollback().await.unwrap();
    until("what was ordered is done", async || subject(store, ward.number).await.etag == batch.tag).await;
    let stuck = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in%'";
    assert_eq!(fresh.place.number(stuck).await, 0);
}

/// A lock that lasts too long is an outage, not a poisoned row.
#[tokio::test]
async fn a_head_row_that_stays_locked_is_unavailable() {
    let Some(fresh) = Fresh::postgres().await else { return };
    let store = &*fresh.store;
    let ward = registered(store, "RJ1", &["A1"]).await.remove(0);
    let Place::Postgres(database) = &fresh.place else { panic!() };
    let mut blocker = database.connect().await;
    let mut held = blocker.begin().await.unwrap();
    held.execute("SELECT 1 FROM head FOR UPDATE").await.unwrap();
    let waited = store.commit(&batch(at(1), vec![write(&ward)])).await;
    assert!(matches!(waited, Err(StoreError::Unavailable(_))), "{waited:?}");
    held.rollback().await.unwrap();
    commit(store, at(2), write(&ward)).await;
}

#[tokio::test]
async fn a_server_that_does_not_sync_is_told_to() {
    let Some(database) = TestDatabase::create().await else { return };
    let mut conn = database.connect().await;
    conn.execute(
        "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET synchronous_commit = off', current_database()); END $$",
    )
    .await
    .unwrap();
    conn.execute("CREATE TABLE seen (setting text)").await.unwrap();
    let store = open(&options(Location::Postgres(database.url()))).await.unwrap();
    conn.execute(
        "CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS
         $$ BEGIN INSERT INTO seen VALUES (current_setting('synchronous_commit')); RETURN NULL; END $$;
         CREATE TRIGGER see AFTER INSERT ON audit FOR EACH STATEMENT EXECUTE FUNCTION see()",
    )
    .await
    .unwrap();
    registered(&*store, "RJ1", &["A1"]).await;
    let seen: String = sqlx::query_scalar("SELECT setting FROM seen").fetch_one(&mut conn).await.unwrap();
    assert_eq!(seen, "on");
}
