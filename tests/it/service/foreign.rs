//! Clients that share nothing with us but the proto files, and England's real figures in small.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use crate::support::process::{Process, said, wardwatch};
use crate::support::service::on_both_stores;

/// The Python with the examples' requirements; `None`, said aloud, when it was switched off.
///
/// # Panics
/// When there is none and nobody switched it off: what is not tested must be said.
pub fn python() -> Option<String> {
    let Ok(python) = std::env::var("WARDWATCH_TEST_PYTHON") else {
        panic!(
            "no Python to test with: run tests/run, which makes one with the examples' requirements (or set \
             WARDWATCH_TEST_PYTHON to a Python that has them, or to off to leave it out)"
        );
    };
    if python == "off" {
        eprintln!("NOT TESTED WITH PYTHON: WARDWATCH_TEST_PYTHON=off");
        return None;
    }
    Some(python)
}

pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A Python program of the project, with its modules beside it.
pub fn program(python: &str, path: &str, modules: &Path) -> Command {
    let mut command = Command::new(python);
    command.arg(root().join(path)).env("PYTHONPATH", modules).env("PYTHONDONTWRITEBYTECODE", "1");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// A good end, or the whole story.
fn good(output: &Output) -> String {
    let (code, stdout, stderr) = said(output);
    assert_eq!(code, Some(0), "\n{stdout}\n{stderr}");
    stdout
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_made_from_the_proto_files_alone_can_do_everything() {
    let Some(python) = python() else { return };
    on_both_stores(async |place| {
        let process = Process::serve(&place.url(), &[]);
        let mut client = program(&python, "tests/foreign_client.py", &root().join("tests"));
        let said = good(&client.args(["--server", &process.address]).output().unwrap());
        let checks: u32 =
            said.trim().strip_prefix("ok ").and_then(|s| s.strip_suffix(" checks")).unwrap().parse().unwrap();
        assert!(checks >= 80, "{said}");
    })
    .await;
}

/// The stubs of the README, made in a folder that goes with it.
fn stubs(python: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mut protos: Vec<PathBuf> =
        std::fs::read_dir(root().join("proto/wardwatch/v1")).unwrap().map(|e| e.unwrap().path()).collect();
    protos.sort();
    let out = folder.path().display();
    let mut compiler = Command::new(python);
    compiler.args(["-m", "grpc_tools.protoc", &format!("-I{}", root().join("proto").display())]);
    compiler.args([format!("--python_out={out}"), format!("--grpc_python_out={out}")]).args(protos);
    good(&compiler.output().unwrap());
    folder
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_example_subscriber_hears_what_the_example_reporter_says() {
    let Some(python) = python() else { return };
    let stubs = stubs(&python);
    on_both_stores(async |place| {
        let process = Process::serve(&place.url(), &[]);
        let folder = tempfile::tempdir().unwrap();
        let wards = folder.path().join("wards.csv");
        let header = "organisation,ward,display_name,kind,site,beds,limit_patients_per_rn,minimum_registered_nurses,\
                      minimum_reason,report_every_minutes,state";
        std::fs::write(&wards, format!("{header}\nRJ1,A1,Albert,ADULT_INPATIENT,RJ121,30,,,,60,\n")).unwrap();
        let server = format!("http://{}", process.address);
        good(&wardwatch(&["wards", "import", wards.to_str().unwrap(), "--server", &server]).output().unwrap());

        let report = |bedded: &str, nurses: &str| {
            let mut reporter = program(&python, "examples/python/reporter.py", stubs.path());
            reporter.args(["--server", &process.address, "--ward", "organisations/RJ1/wards/A1"]);
            reporter.args(["--bedded", bedded, "--nurses", nurses]).output().unwrap()
        };
        let cursor = folder.path().join("alerts.cursor");
        let subscribe = |count: &str| {
            let mut subscriber = program(&python, "examples/python/subscriber.py", stubs.path());
            subscriber.args(["--server", &process.address, "--snapshot", "--max-events", count]);
            subscriber.args(["--cursor-file", cursor.to_str().unwrap()]).spawn().unwrap()
        };
        let first = good(&report("28", "3"));
        assert_eq!(first.matches(" ACCEPTED organisations/RJ1/wards/A1/reports/").count(), 2, "{first}");
        let heard = good(&subscribe("1").wait_with_output().unwrap());
        assert!(
            heard.starts_with("WARNING  OPEN") && heard.contains("Ward A1: 28 patients, 3 registered nurses"),
            "{heard}"
        );
        // What happened while nobody listened is heard when it comes back.
        good(&report("28", "2"));
        let heard = good(&subscribe("1").wait_with_output().unwrap());
        assert!(heard.starts_with("CRITICAL SEVERITY_CHANGED") && heard.contains("14"), "{heard}");

        let (code, stdout, _) = said(&report("-3", "2"));
        assert_eq!(code, Some(1), "{stdout}");
        assert!(stdout.contains("REJECTED patients.bedded: -3 is negative"), "{stdout}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_trusts_of_england_end_with_exactly_the_alerts_of_the_oracle() {
    let data = root().join("../shared/data");
    if !data.exists() {
        eprintln!("SKIPPED: {} does not exist, so England's real figures are not there", data.display());
        return;
    }
    let Some(python) = python() else { return };
    on_both_stores(async |place| {
        let mut check = program(&python, "tests/england.py", &root().join("tests"));
        check.args(["--binary", env!("CARGO_BIN_EXE_wardwatch"), "--database", &place.url()]);
        check.args(["--trusts", "RJ1,RGT,R0A", "--hours", "3"]).arg("--data").arg(&data);
        let said = good(&check.output().unwrap());
        let equal = said.lines().last().unwrap();
        assert!(equal.starts_with("equal: ") && !equal.starts_with("equal: 0 "), "{said}");
    })
    .await;
}

#[test]
fn the_oracle_knows_the_answers_that_the_domain_gives() {
    let Some(python) = python() else { return };
    let mut oracle = program(&python, "tests/oracle.py", &root().join("tests"));
    let said = good(&oracle.arg("--self-test").output().unwrap());
    assert!(said.ends_with(" cases right\n"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn random_strike_days_show_exactly_the_alerts_of_the_oracle() {
    let Some(python) = python() else { return };
    on_both_stores(async |place| {
        let process = Process::serve(&place.url(), &[]);
        let mut check = program(&python, "tests/strike_day.py", &root().join("tests"));
        check.args(["--server", &process.address, "--seed", "1", "--worlds", "8", "--rounds", "3"]);
        let said = good(&check.output().unwrap());
        assert!(said.ends_with("equal: 8 worlds\n"), "{said}");
    })
    .await;
}
