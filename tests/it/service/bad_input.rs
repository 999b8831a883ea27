//! Bad input: every refusal is one line that names the field and the remedy; the stream goes on where it can.

use std::net::TcpListener;

use tonic::Code;
use wardwatch::domain::Span;
use wardwatch::wire::pb::{self, ReceiptOutcome, RejectReason, StaffingReport};
use wardwatch::wire::timestamp_to as stamp;

use crate::support::hospital::{beds, clock, fields, figures, morning, nurses, outcomes, reason, violations, ward};
use crate::support::process::{Process, refused, said, wardwatch};
use crate::support::service::{Place, on_both_stores, within};

/// One report that cannot be taken, why, and the whole line its sender is told.
fn refusals() -> Vec<(StaffingReport, RejectReason, &'static str)> {
    use RejectReason::{
        Conflict, CoverGroupNeeded, Empty, Future, Implausible, Malformed, Missing, Negative, UnknownSubject,
    };
    let a1 = ward(1);
    let (patients, staff) = (|n| beds(&a1, morning(), n), |n| nurses(&a1, morning(), n));
    let cover = pb::MedicalCover {
        grades: vec![pb::GradeCover {
            grade: pb::MedicalGrade::Consultant.into(),
            at_work: Some(1),
            ..Default::default()
        }],
    };
    let nursing = |n: pb::Nursing| StaffingReport { nursing: Some(n), ..staff(3) };
    vec![
        (
            StaffingReport { report_id: "7".into(), ..patients(3) },
            Malformed,
            "report_id: '7' is not a UUID such as 018f2b6e-7c1a-7d3e-9b52-3f6c1d2e4a5b",
        ),
        (StaffingReport { report_id: String::new(), ..patients(3) }, Missing, "report_id: is required"),
        (beds("A1", morning(), 3), Malformed, "ward: 'A1' is not a resource name such as organisations/RJ1/wards/A1"),
        (
            beds("organisations/RJ1/wards/a1", morning(), 3),
            Malformed,
            "ward: 'a1' is not a ward code (1-12 of A-Z 0-9 . _ -)",
        ),
        (
            beds("organisations/RJ1/wards/A3", morning(), 3),
            UnknownSubject,
            "ward: organisations/RJ1/wards/A3 is not registered (nearest: organisations/RJ1/wards/A1): check the ward, \
             or register it first",
        ),
        (StaffingReport { ward: String::new(), ..patients(3) }, Missing, "ward: is required"),
        (
            StaffingReport { cover_group: "organisations/RJ1/coverGroups/GENMED".into(), ..patients(3) },
            Conflict,
            "cover_group: both ward and cover_group are named: send one report for each",
        ),
        (
            StaffingReport { medical_cover: Some(cover), ..patients(3) },
            CoverGroupNeeded,
            "medical_cover: doctors are counted once, on a cover group: organisations/RJ1/coverGroups/ALL",
        ),
        (StaffingReport { observed_time: None, ..patients(3) }, Missing, "observed_time: is required"),
        (
            beds(&a1, morning() + Span::minutes(3), 3),
            Future,
            "observed_time: 2016-04-26T08:03:00Z is more than 2 minutes ahead of the service's 2016-04-26T08:00:00Z: \
             check the sender's clock",
        ),
        (
            StaffingReport { source: "Bed Management".into(), ..patients(3) },
            Malformed,
            "source: 'Bed Management' is not a source code (1-32 of A-Z 0-9 . _ -)",
        ),
        (StaffingReport { revision: -1, ..patients(3) }, Negative, "revision: -1 is not between 0 and 4294967295"),
        (
            StaffingReport { patients: None, ..patients(3) },
            Empty,
            "report: the report has no block and no red flag: send at least one, or no report",
        ),
        (
            StaffingReport { patients: Some(pb::Patients { boarded: Some(2), ..Default::default() }), ..patients(3) },
            Missing,
            "patients.bedded: is required: send 0 if there are none",
        ),
        (
            nursing(pb::Nursing { students: Some(2), ..Default::default() }),
            Missing,
            "nursing.registered_nurses: is required: send 0 if there are none",
        ),
        (patients(-1), Negative, "patients.bedded: -1 is negative: send 0 if there are none"),
        (
            nursing(pb::Nursing { registered_nurses: Some(3), students: Some(-2), ..Default::default() }),
            Negative,
            "nursing.students: -2 is negative: send 0, or leave it out if unknown",
        ),
        (patients(10_000), Implausible, "patients.bedded: 10000 is not plausible: at most 9999"),
        (
            patients(61),
            Implausible,
            "patients.bedded: 61 is more than three times the ward's 20 beds: check the count, or the beds in the \
             register",
        ),
        (
            staff(45),
            Implausible,
            "nursing.registered_nurses: 45 is more than 44, twice the beds or patients and 4: check the count",
        ),
        (
            nursing(pb::Nursing {
                registered_nurses: Some(2),
                agency_registered_nurses: Some(3),
                ..Default::default()
            }),
            Implausible,
            "nursing.agency_registered_nurses: 3 is more than the 2 of nursing.registered_nurses, of which it is a part",
        ),
    ]
}

/// As [`refusals`], of plans.
fn refused_plans() -> Vec<(StaffingReport, RejectReason, &'static str)> {
    use RejectReason::{Conflict, Future, Implausible, Missing, TooOld};
    let a1 = ward(1);
    let patients = |n| beds(&a1, morning(), n);
    let planned = |from, to| {
        let (start_time, end_time) = (Some(stamp(morning() + from)), Some(stamp(morning() + to)));
        let plan_period = Some(pb::PlanPeriod { start_time, end_time, withdrawn: false });
        StaffingReport { plan_period, ..patients(3) }
    };
    let withdrawn = |report: StaffingReport| {
        let plan_period = report.plan_period.map(|p| pb::PlanPeriod { withdrawn: true, ..p });
        StaffingReport { plan_period, ..report }
    };
    vec![
        (
            StaffingReport { plan_period: Some(pb::PlanPeriod::default()), ..patients(3) },
            Missing,
            "plan_period.start_time: is required; plan_period.end_time: is required",
        ),
        (
            planned(Span::hours(3), Span::hours(3)),
            Implausible,
            "plan_period.end_time: 2016-04-26T11:00:00Z is not after the start, 2016-04-26T11:00:00Z: a period is \
             half-open, [start, end)",
        ),
        (
            withdrawn(planned(Span::hours(3), Span::hours(4))),
            Conflict,
            "plan_period.withdrawn: a withdrawn plan has no figures: send the period alone, or a new plan",
        ),
        (
            planned(Span::hours(-3), Span::hours(-2)),
            TooOld,
            "plan_period.end_time: 2016-04-26T06:00:00Z has passed: send actual figures, or a plan for a time to come",
        ),
        (
            planned(Span::days(36), Span::days(37)),
            Future,
            "plan_period.start_time: 2016-06-01T08:00:00Z is more than 35 days ahead: send the plan nearer to its time",
        ),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_refused_report_names_the_field_and_the_remedy_and_the_stream_lives_on() {
    on_both_stores(async |place| {
        let service = place.serve_by(&clock()).await;
        service.register_many(1).await;
        let mut stream = service.stream().await;
        for (n, (bad, why, text)) in refusals().into_iter().chain(refused_plans()).enumerate() {
            let good =
                figures(&ward(1), morning() - Span::minutes(30) + Span::seconds(i64::try_from(n).unwrap()), 14, 2);
            stream.send(vec![bad.clone(), good]).await;
            let receipts = stream.receipts(2).await;
            assert_eq!(outcomes(&receipts), [ReceiptOutcome::Rejected, ReceiptOutcome::Accepted], "{text}");
            let error = receipts[0].error.as_ref().unwrap();
            assert_eq!((error.message.as_str(), error.reason()), (text, why));
            assert_eq!(receipts[0].report_id, bad.report_id);
            let (field, _) = text.split_once(": ").unwrap();
            assert_eq!(violations(&receipts[0])[0].0, field);
            // The same in one call.
            let receipt = service.report(bad).await;
            assert_eq!(receipt.error.unwrap().message, text);
        }
        let good = i64::try_from(refusals().len()).unwrap();
        assert_eq!(place.number("SELECT count(*) FROM report").await, good);
        drop(stream);
        service.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_report_with_many_faults_names_them_all() {
    let place = Place::sqlite();
    let service = place.serve_by(&clock()).await;
    service.register_many(1).await;
    let report = StaffingReport {
        report_id: "x".into(),
        observed_time: None,
        source: String::new(),
        nursing: Some(pb::Nursing { registered_nurses: Some(-2), ..Default::default() }),
        ..beds("", morning(), -1)
    };
    let receipt = service.report(report).await;
    let found: Vec<_> = violations(&receipt).into_iter().map(|(field, ..)| field).collect();
    let expected = ["report_id", "observed_time", "ward", "source", "patients.bedded", "nursing.registered_nurses"];
    assert_eq!(found, expected);
    assert_eq!(receipt.error.unwrap().reason(), RejectReason::Malformed, "the first one's");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_too_large_ends_the_stream_after_the_receipts_of_all_before_it() {
    on_both_stores(async |place| {
        let service = place.serve_by(&clock()).await;
        service.register_many(1).await;
        let mut stream = service.stream().await;
        let good: Vec<_> = (0..700).map(|n| figures(&ward(1), morning() - Span::seconds(n), 14, 2)).collect();
        for chunk in good.chunks(100) {
            stream.send(chunk.to_vec()).await;
        }
        let large = StaffingReport { source: "X".repeat(1 << 20), ..beds(&ward(1), morning(), 3) };
        stream.send(vec![large.clone()]).await;
        let receipts = stream.receipts(700).await;
        assert!(outcomes(&receipts).iter().all(|o| *o != ReceiptOutcome::Rejected));
        let status = stream.message().await.unwrap_err();
        let text = "the message is above the limit of 1048576 bytes: send fewer reports in one";
        assert_eq!((status.code(), status.message()), (Code::ResourceExhausted, text));
        assert_eq!(reason(&status), "MESSAGE_TOO_LARGE");
        let status = service.try_submit(vec![large]).await.unwrap_err();
        assert_eq!((status.code(), status.message()), (Code::ResourceExhausted, text));
        service.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_limit_of_a_message_is_what_the_configuration_says() {
    let place = Place::sqlite();
    let service = place.serve_with(clock(), |s| s.limits.message_bytes = 2_048).await;
    service.register_many(1).await;
    let info = within(service.info().get_server_info(pb::GetServerInfoRequest {})).await.unwrap().into_inner();
    assert_eq!(info.limits.unwrap().message_bytes, 2_048);
    let reports = (0..50).map(|n| beds(&ward(1), morning() - Span::seconds(n), 3)).collect();
    let status = service.try_submit(reports).await.unwrap_err();
    assert_eq!(status.message(), "the message is above the limit of 2048 bytes: send fewer reports in one");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_than_a_thousand_reports_in_one_message_are_refused_after_the_receipts_of_all_before_it() {
    let place = Place::sqlite();
    let service = place.serve_by(&clock()).await;
    service.register_many(1).await;
    let many: Vec<_> = (0..1_001).map(|n| beds(&ward(1), morning() - Span::seconds(n), 3)).collect();
    let status = service.try_submit(many.clone()).await.unwrap_err();
    let text = "reports: 1001 reports: at most 1000 in one message";
    assert_eq!(
        (status.code(), status.message(), fields(&status)),
        (Code::InvalidArgument, text, vec!["reports".into()])
    );
    let mut stream = service.stream().await;
    stream.send(many[..1_000].to_vec()).await;
    stream.send(many).await;
    assert_eq!(stream.receipts(1_000).await.len(), 1_000);
    assert_eq!(stream.message().await.unwrap_err().message(), text);
}

/// What stands on stderr of a `serve` that could not start: its last line, after the log's.
fn last(stderr: &str) -> &str {
    stderr.lines().last().unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_another_process_has_is_refused() {
    let place = Place::sqlite();
    let url = place.url();
    let first = Process::serve(&url, &[]);
    let (code, stderr) = refused(&["--database", &url]);
    let path = url.strip_prefix("sqlite:").unwrap();
    let text = format!(
        "wardwatch: {path} is in use by another process: stop that one, or give this one another file with \
         --database sqlite:PATH"
    );
    assert_eq!((code, last(&stderr)), (Some(1), &*text));
    // The one that has it goes on.
    assert_eq!(first.get("/livez").await.0, 200);
    first.kill().await;
    // A lock ends with its process.
    drop(Process::serve(&url, &[]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_of_a_newer_version_is_refused_and_left_alone() {
    on_both_stores(async |place| {
        place.serve_by(&clock()).await.stop().await;
        let known = place.number("SELECT max(version) FROM _sqlx_migrations").await;
        let count = place.number("SELECT count(*) FROM _sqlx_migrations").await;
        place
            .execute(
                "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
                 SELECT 29991231235959, 'add the future', success, checksum, 0 FROM _sqlx_migrations LIMIT 1",
            )
            .await;
        let (code, stderr) = refused(&["--database", &place.url()]);
        let text = format!(
            "wardwatch: the database is of a newer version (29991231235959) than this binary knows ({known}): start a \
             newer wardwatch, or restore a backup made before the upgrade"
        );
        assert_eq!((code, last(&stderr)), (Some(1), &*text));
        assert_eq!(place.refusal().await.to_string(), text.strip_prefix("wardwatch: ").unwrap());
        assert_eq!(place.number("SELECT count(*) FROM _sqlx_migrations").await, count + 1);
    })
    .await;
}

#[test]
fn a_port_in_use_is_refused_and_names_the_flag() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let folder = tempfile::tempdir().unwrap();
    let database = format!("sqlite:{}", folder.path().join("w.db").display());
    for flag in ["--listen", "--admin-listen"] {
        let other = if flag == "--listen" { "--admin-listen" } else { "--listen" };
        let line = ["serve", "--database", &database, flag, &address, other, "127.0.0.1:0"];
        let (code, _, stderr) = said(&wardwatch(&line).output().unwrap());
        let text = format!(
            "wardwatch: cannot listen on {address}: Address already in use (os error 98); choose another address with \
             {flag}"
        );
        assert_eq!((code, last(&stderr)), (Some(1), &*text));
    }
}

#[test]
fn a_database_that_cannot_be_opened_says_why_and_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let nowhere = format!("sqlite:{}", folder.path().join("no/such/folder/w.db").display());
    let (code, stderr) = refused(&["--database", &nowhere]);
    assert_eq!(code, Some(1));
    assert!(last(&stderr).contains("w.db cannot be written: "), "{stderr}");
    assert!(last(&stderr).ends_with("check that its folder exists, its permissions and the free space"), "{stderr}");

    let text = folder.path().join("letter.txt");
    std::fs::write(&text, "Dear Sir, this is not a database.".repeat(100)).unwrap();
    let (code, stderr) = refused(&["--database", &format!("sqlite:{}", text.display())]);
    assert_eq!(code, Some(1));
    assert!(last(&stderr).contains("letter.txt is damaged or no SQLite database"), "{stderr}");
    assert!(last(&stderr).ends_with("restore a backup, or give another file"), "{stderr}");

    let (code, stderr) = refused(&["--database", "postgres://ward:s3cret@127.0.0.1:1/wards"]);
    assert_eq!(code, Some(1));
    assert!(last(&stderr).starts_with("wardwatch: PostgreSQL at postgres://ward@127.0.0.1:1/wards cannot be used: "));
    assert!(last(&stderr).ends_with("check the address, the name, the password and that it runs"), "{stderr}");
    assert!(!stderr.contains("s3cret"), "{stderr}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replay_names_the_line_and_the_field_of_what_was_refused_and_takes_the_rest() {
    let place = Place::sqlite();
    let process = Process::serve(&place.url(), &[]);
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let server = format!("http://{}", process.address);
    let run = |line: &[&str]| said(&wardwatch(line).args(["--server", &server]).output().unwrap());
    let wards = file(
        "wards.csv",
        "organisation,ward,display_name,kind,site,beds,limit_patients_per_rn,minimum_registered_nurses,minimum_reason,\
         report_every_minutes,state\nRJ1,A1,Albert,ADULT_INPATIENT,,20,,,,60,\n",
    );
    let (code, _, stderr) = run(&["wards", "import", &wards]);
    assert_eq!(code, Some(0), "{stderr}");
    let now = wardwatch::domain::Clock::now(&wardwatch::clock::SystemClock::default());
    let header = "ward,observed_time,source,report_id,revision,bedded,registered_nurses";
    let row = |ward: &str, id: u32, bedded: i32| {
        format!("organisations/RJ1/wards/{ward},{now},PAS,00000000-0000-4000-8000-00000000000{id},,{bedded},2\n")
    };
    let reports = file(
        "r.csv",
        &format!("{header}\n{}{}{}{}", row("A1", 1, 20), row("A2", 2, 20), row("A1", 3, -4), row("A1", 4, 21)),
    );
    let (code, stdout, stderr) = run(&["replay", &reports]);
    assert_eq!(code, Some(2), "{stderr}");
    let mut lines: Vec<_> = stderr.lines().collect();
    lines.sort_unstable();
    assert_eq!(lines.len(), 2, "{stderr}");
    assert!(
        lines[0].starts_with(&format!("{reports}:3: ")) && lines[0].contains("(nearest: organisations/RJ1/wards/A1)"),
        "{stderr}"
    );
    assert!(
        lines[1].starts_with(&format!("{reports}:4: ")) && lines[1].contains("patients.bedded: -4 is negative"),
        "{stderr}"
    );
    assert!(stdout.contains("2 accepted") && stdout.contains("2 rejected"), "{stdout}");
    let (_, alerts, _) = run(&["alerts", "list", "--breaching", "--output", "json"]);
    assert_eq!(alerts.lines().count(), 1, "{alerts}");
}
