//! Copies made by the service itself, by a clock moved by hand.

use std::fs;
use std::sync::Arc;

use wardwatch::clock::{ManualClock, SharedClock};
use wardwatch::config::Settings;
use wardwatch::server::start;

use super::*;
use crate::support::disk::SmallDisk;
use crate::support::hospital::{clock, pass};
use crate::support::service::{Service, eventually};

const DAY: i64 = 24 * 60;

fn daily(directory: &Path) -> impl Fn(&mut Settings) {
    let directory = text(directory).to_owned();
    move |settings| {
        settings.backup.directory.clone_from(&directory);
        settings.backup.keep = 2;
    }
}

async fn serve(place: &Place, clock: &Arc<ManualClock>, directory: &Path) -> Service {
    place.serve_with(Arc::clone(clock) as SharedClock, daily(directory)).await
}

/// Copies made and not made so far.
fn counted(service: &Service) -> (u64, u64) {
    let backups = service.running.backups.as_ref().expect("a directory is set");
    (backups.copies(), backups.failures())
}

async fn until(service: &Service, counts: (u64, u64)) {
    eventually(&format!("{counts:?} copies and failures"), async || counted(service) == counts).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_is_made_each_day_and_only_copies_beyond_the_number_kept_go() {
    let (place, clock, copies) = (Place::sqlite(), clock(), folder());
    let foreign = ["wardwatch-20150101T000000Z.sqlite.gz", "notes.txt", "wardwatch.sqlite"];
    for name in foreign {
        fs::write(copies.path().join(name), "keep me").unwrap();
    }
    let service = serve(&place, &clock, copies.path()).await;
    until(&service, (1, 0)).await;
    for day in 2..=4 {
        pass(&clock, DAY);
        until(&service, (day, 0)).await;
    }
    let mut expected = foreign.to_vec();
    expected.extend(["wardwatch-20160428T080000Z.sqlite", "wardwatch-20160429T080000Z.sqlite"]);
    expected.sort_unstable();
    eventually("older ones are gone", async || names(copies.path()) == expected).await;
    let backups = Arc::clone(service.running.backups.as_ref().unwrap());
    assert_eq!(backups.last_success(), Some("2016-04-29T08:00:00Z".parse().unwrap()));
    let newest = copies.path().join("wardwatch-20160429T080000Z.sqlite");
    assert_eq!(backups.bytes(), fs::metadata(newest).unwrap().len());
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_makes_no_copy_before_the_newest_one_is_a_day_old() {
    let (place, clock, copies) = (Place::sqlite(), clock(), folder());
    let service = serve(&place, &clock, copies.path()).await;
    until(&service, (1, 0)).await;
    service.stop().await;
    // What a crash in the middle leaves.
    fs::write(copies.path().join(".wardwatch.sqlite.part"), "half").unwrap();
    pass(&clock, DAY - 1);
    let service = serve(&place, &clock, copies.path()).await;
    let backups = Arc::clone(service.running.backups.as_ref().unwrap());
    assert_eq!(backups.last_success(), Some("2016-04-26T08:00:00Z".parse().unwrap()), "the one of before counts");
    pass(&clock, 1);
    until(&service, (1, 0)).await;
    // Had it not waited, there would be one of a minute before.
    assert_eq!(names(copies.path()), ["wardwatch-20160426T080000Z.sqlite", "wardwatch-20160427T080000Z.sqlite"]);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_of_copies_leaves_no_half_one_and_the_service_serves_on() {
    let Some(disk) = SmallDisk::mount(folder(), 1) else { return };
    let (place, clock) = (Place::sqlite(), clock());
    disk.fill();
    // To start it takes no more than a name.
    let service = serve(&place, &clock, disk.path()).await;
    until(&service, (0, 1)).await;
    assert_eq!(names(disk.path()), ["filler"]);
    service.register_many(2).await;
    let receipt = service.report(figures(&ward(1), clock.now(), 20, 2)).await;
    assert_eq!(receipt.outcome(), pb::ReceiptOutcome::Accepted);
    pass(&clock, 5);
    until(&service, (0, 2)).await;
    assert_eq!(names(disk.path()), ["filler"]);
    disk.relieve();
    pass(&clock, 5);
    until(&service, (1, 2)).await;
    assert_eq!(names(disk.path()), ["wardwatch-20160426T081000Z.sqlite"]);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_directory_that_vanishes_is_said_and_counted_and_used_again_when_it_is_back() {
    let (place, clock, copies) = (Place::sqlite(), clock(), folder());
    let service = serve(&place, &clock, copies.path()).await;
    until(&service, (1, 0)).await;
    fs::remove_dir_all(copies.path()).unwrap();
    pass(&clock, DAY);
    until(&service, (1, 1)).await;
    fs::create_dir(copies.path()).unwrap();
    pass(&clock, 5);
    until(&service, (2, 1)).await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_directory_in_which_nothing_can_be_written_is_a_fault_of_the_configuration() {
    let (place, clock) = (Place::sqlite(), clock());
    let refusal = async |directory: &Path| {
        let mut settings = place.settings();
        daily(directory)(&mut settings);
        let refused = start(&settings, Arc::clone(&clock) as SharedClock).await.expect_err("it must not start");
        assert!(refused.is_configuration());
        refused.to_string()
    };
    let file = folder();
    let file = file.path().join("file");
    fs::write(&file, "").unwrap();
    for directory in [Path::new("/nowhere/at/all"), Path::new("/proc"), &file] {
        let why = refusal(directory).await;
        assert!(why.starts_with(&format!("backup.directory: {}: ", directory.display())), "{why}");
        assert!(why.lines().count() == 1 && why.contains("name a folder"), "{why}");
    }
    let copies = folder();
    let another = Place::sqlite();
    let service = serve(&another, &clock, copies.path()).await;
    let why = refusal(copies.path()).await;
    assert!(why.contains("another service makes its copies there"), "{why}");
    until(&service, (1, 0)).await;
    service.stop().await;
    serve(&place, &clock, copies.path()).await.stop().await;
}
