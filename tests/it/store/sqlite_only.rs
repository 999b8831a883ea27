use std::time::Duration;

use tempfile::TempDir;
use tokio::time::timeout;
use wardwatch::store::{Location, OpenError, StoreError, migrate, network_file_system, open};

use super::fixture::*;

#[tokio::test]
async fn a_second_store_on_one_file_is_refused() {
    let fresh = Fresh::sqlite().await;
    let refused = fresh.place.open().await.unwrap_err();
    assert!(matches!(refused, OpenError::Locked(_)), "{refused}");
    assert!(refused.to_string().contains("--database"), "{refused}");
    fresh.store.close().await;
    fresh.place.open().await.unwrap();
}

#[tokio::test]
async fn a_database_of_a_newer_version_is_refused() {
    let fresh = Fresh::sqlite().await;
    fresh.store.close().await;
    let later = "INSERT INTO _sqlx_migrations SELECT 99990101000000, 'later', installed_on, TRUE, checksum, 1 \
                 FROM _sqlx_migrations LIMIT 1";
    fresh.place.execute(later).await.unwrap();
    let refused = fresh.place.open().await.unwrap_err();
    assert!(matches!(refused, OpenError::NewerVersion { found: 99_990_101_000_000, .. }), "{refused}");
}

#[tokio::test]
async fn a_new_file_must_be_migrated_when_opening_does_not() {
    let folder = TempDir::new().unwrap();
    let mut options = options(Location::Sqlite(Place::file(&folder)));
    options.migrate = false;
    assert_eq!(open(&options).await.unwrap_err(), OpenError::PendingMigrations);
    let report = migrate(&options.location).await.unwrap();
    assert!(!report.applied.is_empty() && report.present.is_empty(), "{report:?}");
    let again = migrate(&options.location).await.unwrap();
    assert_eq!((again.present, again.applied), (report.applied, vec![]));
    open(&options).await.unwrap();
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused() {
    let folder = TempDir::new().unwrap();
    std::fs::write(Place::file(&folder), "patients,nurses\n".repeat(100)).unwrap();
    let refused = open(&options(Location::Sqlite(Place::file(&folder)))).await.unwrap_err();
    assert!(matches!(refused, OpenError::Corrupt { .. }), "{refused}");
}

#[tokio::test]
async fn a_folder_that_does_not_exist_is_named() {
    let folder = TempDir::new().unwrap();
    let refused = open(&options(Location::Sqlite(folder.path().join("no/such.db")))).await.unwrap_err();
    assert!(matches!(refused, OpenError::NotWritable { .. }), "{refused}");
    assert!(refused.to_string().contains("no/such.db"), "{refused}");
}

#[test]
fn network_file_systems_are_known_by_their_numbers() {
    let names = [(0x6969, "NFS"), (0xFF53_4D42, "CIFS"), (-11_317_950, "CIFS"), (0xFE53_4D42, "SMB2")];
    for (magic, name) in names {
        assert_eq!(network_file_system(magic), Some(name));
    }
    // ext4, tmpfs, overlayfs, XFS, btrfs.
    for local in [0xEF53, 0x0102_1994, 0x794C_7630, 0x5846_5342, 0x9123_683E] {
        assert_eq!(network_file_system(local), None);
    }
}

#[tokio::test]
async fn a_store_whose_file_is_replaced_stores_nothing_more() {
    let fresh = Fresh::sqlite().await;
    let ward = registered(&*fresh.store, "RJ1", &["A1"]).await.remove(0);
    let Location::Sqlite(path) = fresh.place.location() else { panic!() };
    let store = std::sync::Arc::clone(&fresh.store);
    let watching = tokio::spawn(async move { store.lost().await });
    // By then the watcher has had its first look at the file.
    fresh.store.head().await.unwrap();
    std::fs::copy(&path, path.with_extension("restored")).unwrap();
    std::fs::rename(path.with_extension("restored"), &path).unwrap();
    let noticed = timeout(Duration::from_secs(10), watching).await.unwrap().unwrap();
    assert!(noticed.contains("replaced"), "{noticed}");
    let stopped = async {
        loop {
            match fresh.store.commit(&batch(at(1), vec![write(&ward)])).await {
                Err(StoreError::Unavailable(why)) => return why,
                other => drop(other.unwrap()),
            }
        }
    };
    let why = timeout(Duration::from_secs(10), stopped).await.unwrap();
    assert!(why.contains("replaced"), "{why}");
    assert!(matches!(fresh.store.head().await, Err(StoreError::Unavailable(_))));
}

#[test]
fn a_location_says_which_forms_there_are() {
    for (text, shown) in [
        ("sqlite:ward.db", "sqlite:ward.db"),
        ("sqlite:///var/ward.db", "sqlite:/var/ward.db"),
        ("postgres://ward:secret@db/ward?sslmode=require", "postgres://ward@db/ward?sslmode=require"),
        ("postgres://db/ward?user=w&password=secret", "postgres://db/ward?user=w"),
    ] {
        let location: Location = text.parse().unwrap();
        assert_eq!((location.to_string(), format!("{location:?}")), (shown.to_owned(), shown.to_owned()));
    }
    for bad in ["", "ward.db", "sqlite:", "mysql://db/ward", "postgres://user:secret@db:port/ward"] {
        let refused = bad.parse::<Location>().unwrap_err().to_string();
        assert!(refused.contains("sqlite:PATH or postgres://"), "{refused}");
        assert!(!refused.contains("secret"), "{refused}");
    }
}
