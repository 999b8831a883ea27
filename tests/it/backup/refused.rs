//! What is not copied and what is not put back: one line each, and nothing left behind.

use std::fs;

use super::*;

/// The one line of a command that failed, and its exit code.
async fn refusal(house: &House, arguments: &[&str]) -> (Option<i32>, String) {
    let (code, out, err) = house.run(arguments).await;
    assert_eq!((out.as_str(), err.lines().count()), ("", 1), "{err}");
    (code, err)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_put_back_under_a_running_service() {
    let house = House::new();
    let process = house.serve().await;
    report(&process, 1..=1).await;
    let file = house.backup("copy.sqlite").await;
    let files = house.files();
    for replace in [&[][..], &["--replace"]] {
        let (code, err) = refusal(&house, &[&["restore", text(&file)], replace].concat()).await;
        assert_eq!(code, Some(1));
        assert!(err.contains("wardwatch.db is in use by another process: stop that one"), "{err}");
    }
    assert_eq!(house.files(), files);
    report(&process, 2..=2).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_good_copy_is_not_put_back() {
    let house = House::new();
    let process = house.serve().await;
    report(&process, 1..=4).await;
    let good = house.backup("good.sqlite").await;
    drain(process).await;
    let bytes = fs::read(&good).unwrap();
    let write = |name: &str, bytes: &[u8]| fs::write(house.path(name), bytes).unwrap();
    write("garbage", &b"ward,patients\n".repeat(1_000));
    write("empty", b"");
    write("short", &bytes[..bytes.len() / 2]);
    let mut scribbled = bytes.clone();
    scribbled[8_192..].fill(0xA5);
    write("scribbled", &scribbled);
    write("in-use", &bytes);
    write("in-use-wal", &bytes[..4_096]);
    fs::create_dir(house.path("folder")).unwrap();
    altered(&house, "newer", "UPDATE _sqlx_migrations SET version = 99990101000000 WHERE version = (SELECT max(version) FROM _sqlx_migrations)").await;
    altered(&house, "torn", "UPDATE head SET position = position + 1").await;
    altered(&house, "another", "DROP TABLE _sqlx_migrations").await;

    let other = House::new();
    for (name, why) in [
        ("garbage", "file is not a database"),
        ("empty", "it is no database of wardwatch"),
        ("short", "cannot be used as a backup"),
        ("scribbled", "cannot be used as a backup"),
        ("in-use", "a part of it is in"),
        ("folder", "it is no file"),
        ("missing", "No such file"),
        ("newer", "the database is of a newer version (99990101000000) than this binary knows"),
        ("torn", "its log does not end where its head says"),
        ("another", "it is no database of wardwatch"),
    ] {
        let (code, err) = refusal(&other, &["restore", text(&house.path(name))]).await;
        assert_eq!(code, Some(1), "{name}: {err}");
        assert!(err.contains(why), "{name}: {err}");
        assert_eq!(other.files(), ["wardwatch.db.lock"], "{name}");
    }
    assert_eq!(other.run(&["restore", text(&good)]).await.0, Some(0));
}

/// A copy of the good one, changed.
async fn altered(house: &House, name: &str, sql: &'static str) {
    use sqlx::Connection as _;
    fs::copy(house.path("good.sqlite"), house.path(name)).unwrap();
    let mut conn = sqlx::SqliteConnection::connect(&format!("sqlite:{}", house.path(name).display())).await.unwrap();
    sqlx::raw_sql(sql).execute(&mut conn).await.unwrap();
    conn.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_copied_is_said_in_one_line() {
    let house = House::new();
    let to = house.path("copy.sqlite");
    let (code, err) = refusal(&house, &["backup", "--to", text(&to)]).await;
    assert_eq!(code, Some(1));
    assert!(err.contains("there is no database") && err.contains("--database sqlite:PATH"), "{err}");
    drain(house.serve().await).await;
    let (code, err) = refusal(&house, &["backup"]).await;
    assert_eq!(code, Some(64));
    assert!(err.contains("--to") && err.contains("backup.directory"), "{err}");
    let (code, err) = refusal(&house, &["backup", "--to", text(&house.path("no/such.sqlite"))]).await;
    assert_eq!(code, Some(1));
    assert!(err.contains("no/") && err.contains("cannot be written"), "{err}");
    // Whoever reads a database leaves an empty write-ahead log beside it.
    assert!(house.files().iter().all(|name| name.starts_with("wardwatch.db")), "{:?}", house.files());
    for command in ["backup", "restore"] {
        let argument = if command == "backup" { vec!["--to", text(&to)] } else { vec![text(&to)] };
        let line = [&[command, "--database", "postgres://u:secret@h/d"][..], &argument].concat();
        let (code, out, err) = run(&line).await;
        assert_eq!((code, out.as_str()), (Some(64), ""), "{err}");
        assert!(err.contains("pg_dump") && !err.contains("secret"), "{err}");
    }
}
